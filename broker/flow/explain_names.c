// SPDX-License-Identifier: EUPL-1.2
// explain_names.c - how an explanation names institutions, mailboxes and grounds.
#include "flow/explain_telling.h"

bool
telling_includes(const struct telling *telling, uint32_t institution)
{
    return telling->question->only == NULL || telling->question->only->id == institution;
}

const char *
telling_plural(uint64_t number)
{
    return number == 1 ? "" : "s";
}

void
telling_institution(const struct telling *telling, uint32_t id)
{
    const struct institution *institution =
        roster_institution(telling->question->roster, id);

    if (institution == NULL) {
        buffer_print(telling->text, "institution %u", (unsigned)id);
    } else {
        buffer_print(telling->text, "%s (%s)", institution->code, institution->name);
    }
}

const char *
telling_code(const struct telling *telling, uint32_t id)
{
    const struct institution *institution =
        roster_institution(telling->question->roster, id);

    return institution == NULL ? "?" : institution->code;
}

const char *
telling_mailbox(const struct telling *telling, uint32_t id)
{
    const struct mailbox_spec *mailbox = roster_mailbox(telling->question->roster, id);

    return mailbox == NULL ? "?" : mailbox->name;
}

// "because of 030, alimony debtor, 2026-01-01 to 2026-12-31"
void
telling_ground(const struct telling *telling, uint32_t institution, uint16_t quality,
               int32_t begin, int32_t end)
{
    const struct institution *whose =
        roster_institution(telling->question->roster, institution);
    const struct quality *meaning =
        whose == NULL || telling->then == NULL
            ? NULL
            : catalogue_quality(telling->then, whose->sector, quality);

    if (quality == 0) {
        buffer_print(telling->text, "no integration was asked");
        return;
    }
    buffer_print(telling->text, "because of %03u", (unsigned)quality);
    if (meaning != NULL) {
        buffer_print(telling->text, ", %s", meaning->meaning);
    }
    buffer_print(telling->text, ", %s", words_of_period(begin, end).text);
}
