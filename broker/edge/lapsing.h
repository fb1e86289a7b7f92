// SPDX-License-Identifier: EUPL-1.2
// lapsing.h - once a day, after midnight in Brussels, asks the writer slice by slice to tell
// institutions of integrations that end (flow/lapse_steps.c). Thread: event loop.
#ifndef EDGE_LAPSING_H
#define EDGE_LAPSING_H

#include "edge/broker.h"

// lapsing_watch begins when a new day has come, or goes on. Call it once a second.
void lapsing_watch(struct broker *broker, struct instant now);

// lapsing_answered takes a slice's answer, and proposes the next one at once when there is
// more to do. A walk that is done is told in the log, with its counts.
void lapsing_answered(struct broker *broker, const struct command *command);

#endif
