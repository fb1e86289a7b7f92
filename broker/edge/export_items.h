// SPDX-License-Identifier: EUPL-1.2
// export_items.h - one item of the journal as a JSON object, "kind" first.
#ifndef EDGE_EXPORT_ITEMS_H
#define EDGE_EXPORT_ITEMS_H

#include "json/json.h"
#include "rules/roster.h"
#include "store/journal.h"

// export_item gives what an item says: institutions by their code, persons in full, days as
// dates. An item that does not read gives its kind alone. Gives: a reference.
json_t *export_item(const struct journal_item *item, const struct roster *roster);

#endif
