// SPDX-License-Identifier: EUPL-1.2
// members.h - what an institution may say: Subscribe, Unsubscribe, Acknowledge, and the
// directory's requests.
//
// A member acts for its own institution and opens its own mailboxes; an operator's key acts
// for any. Only the CPAS sector and operators may consult. Thread: event loop.
#ifndef EDGE_MEMBERS_H
#define EDGE_MEMBERS_H

#include "edge/reception.h"

extern const struct desks members_desks;

#endif
