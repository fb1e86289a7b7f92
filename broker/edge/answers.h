// SPDX-License-Identifier: EUPL-1.2
// answers.h - what a commit brings back to the loop: its view of the state is renewed,
// everybody who waited is answered, new notifications are on their way.
//
// Nothing here happens before the disk has said yes. Thread: event loop.
#ifndef EDGE_ANSWERS_H
#define EDGE_ANSWERS_H

#include "edge/broker.h"

// So many letters are folded at once, without waiting for the second: a start reads those
// that were not, some microseconds each when the machine is busy.
enum { LETTERS_UNFOLDED_MAX = 200000 };

// answers_take handles all batches that came back. When the writer has failed, those
// before the failure are still answered, then broker->fatal is set.
void answers_take(struct broker *broker);

#endif
