// SPDX-License-Identifier: EUPL-1.2
// exchanges.h - the journal by person: which items speak of him; and by mailbox: which
// acknowledge what in it. Made of the journal's records and nothing else, so it can be made
// again, and holds what meta and the records say twice: a place, never a content.
//
//  table "exchanges"
//    key: u32 0, value: struct exchange_progress: how far the journal is indexed
//    key: u32 BE day | u32 BE run | the row's first entry, three u64 BE
//    value: u64 XXH3 of the rest, xor day << 32 | run | struct exchange ..., at most
//      EXCHANGES_PER_ROW, sorted
//
// A run holds the sorted entries of some records that follow on one another, all of one day
// in Brussels; day and run count up with the records. A day that is over has one run, or is
// about to. One question is one seek per run.
// Rows of one page: a question touches that page and the one of keys above it.
#ifndef STORE_EXCHANGES_H
#define STORE_EXCHANGES_H

#include "store/journal.h"
#include "values/day.h"

enum { EXCHANGES_PER_ROW = 169 };

// In order of subject, first, second.
struct exchange {
    // A NISS: first is the commit, second where in the record the item begins
    // (journal_next). EXCHANGE_ACKNOWLEDGED | one << 32 | mailbox: first is the letter,
    // second the commit.
    uint64_t subject;
    uint64_t first;
    uint64_t second;
};

#define EXCHANGE_ACKNOWLEDGED (UINT64_C(1) << 62)

// exchange_acknowledged is the subject under which an acknowledgement stands.
uint64_t exchange_acknowledged(uint32_t mailbox, enum journal_one one);

struct exchange_run {
    int32_t day;
    uint32_t run; // of that day, from 1
};

// What becomes of a day that has several runs once it is over: they are put as one more, in
// slices, and then go.
enum exchange_stage {
    EXCHANGES_RUNS,   // further ones may come
    EXCHANGES_MERGES, // the one after progress.run is being written; it counts for nothing
    EXCHANGES_ERASES, // progress.run holds all; those before it go
    EXCHANGES_MERGED,
};

struct exchange_progress {
    uint64_t commit;         // all up to here are indexed
    uint64_t ticket;         // the last one among them
    struct exchange_run run; // the newest that is whole
    int32_t since;           // days before this one are not indexed any more
    uint32_t stage;          // enum exchange_stage, of the newest run's day
};

// ---- what a record holds ----

// exchanges_of calls back for each entry of a record, in order of its items: events that
// reached somebody, what the directory was asked, letters that left their turn, and
// acknowledgements.
typedef void (*exchange_fn)(const struct exchange *exchange, void *arg);
void exchanges_of(const struct buffer *record, uint64_t commit, exchange_fn each,
                  void *arg);
// exchange_person says of whom an item speaks, 0: of no person, or nobody got anything.
uint64_t exchange_person(const struct journal_item *item);
// exchange_commit says in which record it happened.
uint64_t exchange_commit(const struct exchange *exchange);
// exchanges_sort puts entries in order and drops what stands there twice: a record may say
// twice that a letter was acknowledged. Returns how many are left.
size_t exchanges_sort(struct exchange *exchanges, size_t len);

// ---- rows ----

// exchanges_progress gives zeros when nothing was indexed yet.
NODISCARD enum vg_status exchanges_progress(struct txn *txn,
                                            struct exchange_progress *ret);
NODISCARD enum vg_status exchanges_set_progress(struct txn *txn,
                                                const struct exchange_progress *progress);

// exchanges_put writes a run that is not there yet. Borrows: exchanges, sorted.
// Durable: with the transaction's commit.
NODISCARD enum vg_status exchanges_put(struct txn *txn, struct exchange_run run,
                                       const struct exchange *exchanges, size_t len);

// exchanges_merge goes on with a run that is to hold all entries of the runs before it on
// its day: at most max more of them. ret_len below max: all are there.
NODISCARD enum vg_status exchanges_merge(struct txn *txn, struct exchange_run into,
                                         size_t max, size_t *ret_len);

// exchanges_erase erases rows of the runs from `from` on and before `before`, at most
// rows_max, in order.
NODISCARD enum vg_status exchanges_erase(struct txn *txn, struct exchange_run from,
                                         struct exchange_run before, size_t rows_max,
                                         size_t *ret_rows);

// exchanges_next_run gives the first run at or after a place: VG_NOT_FOUND if none.
NODISCARD enum vg_status exchanges_next_run(struct txn *txn, struct exchange_run from,
                                            struct exchange_run *ret_run);

// exchanges_find copies entries of one subject in a run with `first` at least this one, at
// most max. VG_STORE_BROKEN: a row of it is damaged.
NODISCARD enum vg_status exchanges_find(struct txn *txn, struct exchange_run run,
                                        uint64_t subject, uint64_t first,
                                        struct exchange *ret_exchanges, size_t max,
                                        size_t *ret_len);

// exchanges_each calls back for each entry of the table, row by row, for the check. A row
// that is damaged, or not in its order, ends it: VG_STORE_BROKEN and why.
typedef void (*exchange_row_fn)(struct exchange_run run, const struct exchange *exchange,
                                void *arg);
NODISCARD enum vg_status exchanges_each(struct txn *txn, exchange_row_fn each, void *arg,
                                        struct why *why);

#endif
