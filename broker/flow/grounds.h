// SPDX-License-Identifier: EUPL-1.2
// grounds.h - the legal ground of a letter of the past: the deliberation of the catalogue that it
// was matched with, which may not be the one in force any more. Thread: event loop.
#ifndef FLOW_GROUNDS_H
#define FLOW_GROUNDS_H

#include "rules/catalogue.h"
#include "store/registry.h"

// The catalogues that were asked for, each read once.
struct grounds;

struct grounds *grounds_new(void); // Gives: grounds_free
void grounds_free(struct grounds **grounds);

// grounds_catalogue lends a version of the catalogue until grounds_free; NULL: it cannot be read.
const struct catalogue *grounds_catalogue(struct grounds *grounds, struct txn *txn,
                                          uint64_t version);

// ground_of gives the deliberation of the flow's first group that reaches such a recipient,
// otherwise the quality's own; "": the catalogue names none. Any but the code may be NULL.
// Lends: from the catalogue.
const char *ground_of(const struct catalogue *catalogue, const struct flow *flow,
                      const struct institution *institution, uint16_t code);

#endif
