// SPDX-License-Identifier: EUPL-1.2
// unread.h - what nobody takes. A mailbox whose oldest letter has waited unread_warn_days is
// told in the log once a day and counted; a letter that the broker parked after
// unread_park_days (flow/expire.c) is reported to its source: at once, and whenever the
// source says Hello, for as long as it lies there. Thread: event loop.
#ifndef EDGE_UNREAD_H
#define EDGE_UNREAD_H

#include "edge/broker.h"

// unread_oldest gives the moment at which the first letter of the main sequence with at
// least this number was kept; 0: there is none that the loop can see.
NODISCARD enum vg_status unread_oldest(struct broker *broker, uint32_t mailbox,
                                       uint64_t number, int64_t *ret_us);

// unread_watch looks at some mailboxes, in turn. Call it once a second.
void unread_watch(struct broker *broker);

// unread_parked counts, logs and reports the letters that a slice has parked.
void unread_parked(struct broker *broker, const struct expire_command *slice);

// unread_greet reports what lies parked to a source that has come in: at most a thousand
// mutations, of the first ten thousand letters that are held. The session may be gone
// afterwards (false).
bool unread_greet(struct broker *broker, struct session *session);

#endif
