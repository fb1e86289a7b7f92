// SPDX-License-Identifier: EUPL-1.2
// drain.h - an orderly end: nothing new is accepted, what is queued is finished and
// answered, and members have a moment to acknowledge what they hold.
//
// Whatever is lost when it is cut short is only time: clients repeat what was not answered,
// and are sent again what they did not acknowledge. Thread: event loop.
#ifndef EDGE_DRAIN_H
#define EDGE_DRAIN_H

#include "edge/broker.h"

// drain_begin says goodbye to everybody; a second call changes nothing.
void drain_begin(struct broker *broker);

// drain_check ends the loop when all is said, or drain_seconds are over; otherwise it asks
// for another look soon.
void drain_check(struct broker *broker);

#endif
