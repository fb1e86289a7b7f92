// SPDX-License-Identifier: EUPL-1.2
// repeats.h - of the letters that wait in a mailbox, those that a later one makes needless:
// who moved three times while nobody looked moved once.
//
// A letter is merged into a later one when that says the same of the same person anew:
//  - the catalogue says that the flow's notifications tell how something is now
//    (`repeats_merge`), and none of its fields is urgent: an event counts each time;
//  - same number of the person (or enterprise), source, flow, period, reference year, and the
//    same field codes as the institution may see them, in the same order;
//  - the later one was published later and did not occur earlier: the last word is the newest;
//  - neither corrects, cancels or answers something, replaces a number, or came after its time;
//  - the later one is not void: what is cancelled, now or in its correction, stands for nothing;
//  - all that lies between them about that person, under any of his numbers, could itself be
//    merged. An event is read beside what was known when it comes: a death at the address
//    known then. So what comes before it is never moved behind it.
//
// The later one keeps its number and its place and lists those for which it stands
// (store/merged.h). So nothing about a person comes in another order than published.
#ifndef FLOW_REPEATS_H
#define FLOW_REPEATS_H

#include "flow/applier.h"

// A letter that waits, in order of number.
struct repeat {
    uint64_t number;
    uint64_t subject; // store/held.h
    uint64_t ticket;
    uint64_t says; // of what kind its words are: repeats_says
    uint32_t occurred;
    uint32_t into; // answer: index of the one that stands for it; its own: none does
    uint32_t
        next; // the same: index of the next one about this subject, len: there is none
};

// repeats_says gives letters that may say the same of somebody anew the same number; 0: it
// merges with none, and none across it. Thread: any.
uint64_t repeats_says(const struct catalogue *catalogue,
                      const struct hot_content *content);

// repeats_find fills in the answers, of at most SIFT_LETTERS_MAX letters (flow/sift.h). Time: by
// their number; by its square where all are about one person and none says what another says.
// Thread: any, with its own transaction. Returns why the store cannot be read, else VG_OK.
NODISCARD enum vg_status repeats_find(struct txn *txn, struct repeat *repeats,
                                      size_t len);

// merge_repeats takes letters out of the main sequence, for which others in it stand from now
// on: acknowledged for the institution, each in the journal (JOURNAL_MERGED). One of which
// either has left the main sequence meanwhile stays as it is, and so does one more than a
// letter can stand for, and one whose later one has become void. ret_waits: one that should not
// come waits in its turn after all. Answer: advance.merged. Thread: writer.
//
// Durable: with the batch's commit, both together. Returns why the store cannot go on.
NODISCARD enum vg_status merge_repeats(struct applier *applier, struct command *command,
                                       bool *ret_waits);

// repeats_void says whether a mutation was cancelled, or what corrects it was: then those
// before it hold again. As far as the journal goes back. Thread: any, with its own transaction.
NODISCARD enum vg_status repeats_void(struct txn *txn, uint64_t ticket, bool *ret_void);

// repeats_follow lets what a letter stands for follow it into another mailbox, in which it gets
// a place of its own: its institution was merged. ticket: of its mutation. Thread: writer.
NODISCARD enum vg_status repeats_follow(struct applier *applier, uint64_t ticket,
                                        uint32_t from, uint32_t to);

// repeats_mark lets a mailbox be sent from as one of whose letters some stand for others.
// Thread: writer.
NODISCARD enum vg_status repeats_mark(struct applier *applier, uint32_t mailbox);

#endif
