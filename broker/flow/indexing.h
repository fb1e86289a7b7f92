// SPDX-License-Identifier: EUPL-1.2
// indexing.h - the journal by person (store/exchanges.h), made when a day closes: the
// records of that day are read once, in slices, and each slice is sorted and put as a run;
// then its runs become one.
//
// Nothing is written while letters are kept. A slice is part of COMMAND_EXPIRE and stands in
// the journal as JOURNAL_INDEXED: after a crash the next one goes on behind the last that is
// on the disk, and a replay makes the same rows from the same records.
#ifndef FLOW_INDEXING_H
#define FLOW_INDEXING_H

#include "flow/applier.h"

// index_exchanges does one slice: a run of closed days' records, or of today's once a
// million tickets wait; a piece of one run for all of a day; and rows older than
// `months` go. A damaged record, or a damaged row of a run, stops it there until it is mended
// or its time has passed; what it is is said in ret_damage, which is left alone otherwise.
//
// Returns VG_OK; ret_more: there is more to do at once. Durable: with the batch.
NODISCARD enum vg_status index_exchanges(struct applier *applier, uint32_t months,
                                         bool *ret_more, struct why *ret_damage);

// index_again does what an item says was done, from this store's own records.
// Returns VG_OK; VG_STORE_BROKEN: they do not give what it says.
NODISCARD enum vg_status index_again(struct applier *applier,
                                     const struct journal_indexed *item);

#endif
