// SPDX-License-Identifier: EUPL-1.2
// refusals.h - letters that members cannot take: refused, deferred behind another one,
// tried again when their moment has come, or parked and looked after by hand.
//
// The rules are the writer's (flow/refuse.h); this is what the sockets see of them.
// Thread: event loop.
#ifndef EDGE_REFUSALS_H
#define EDGE_REFUSALS_H

#include "edge/reception.h"
#include "wire/wire.h"

// refusals_take handles one Refuse frame.
void refusals_take(struct broker *broker, struct session *session,
                   const struct post *post);

// refusals_list answers a ListParked of a mailbox that the session may see.
void refusals_list(struct broker *broker, struct session *session,
                   const struct wire_request *request);

// refusals_tell sends what a filling passed over, and proposes its deferrals. It takes
// turn->defer. The session may be gone afterwards (false).
bool refusals_tell(struct broker *broker, struct lane *lane, struct outflow_turn *turn);

// refusals_answered takes the answer of a refusal or deferral back to the mailbox's
// outflow: marks may pass its letters. When it could not be kept, the opening has ended
// before (edge/answers.c).
void refusals_answered(struct broker *broker, const struct command *command);

// refusals_changed takes over what a commit changed; before its answers.
void refusals_changed(struct broker *broker, const struct batch *batch);

// refusals_due lets open mailboxes send the held letters whose moment has come, and sets
// the timer for the next one.
void refusals_due(struct broker *broker);

#endif
