// SPDX-License-Identifier: EUPL-1.2
// listing.h - members who ask which integrations the directory holds of them: counted and
// summed, or row by row. Rows are persons: who wanted to see them, and which, is in the journal
// before the first one leaves. A sum tells of nobody, and is not.
// Thread: event loop.
#ifndef EDGE_LISTING_H
#define EDGE_LISTING_H

#include "edge/broker.h"

// listing_look begins the walk of a question that is allowed, and noted where it must be; the
// session is answered when it has ended (edge/walks.h). Borrows: command, a COMMAND_LIST.
void listing_look(struct broker *broker, struct session *session,
                  const struct command *command);

#endif
