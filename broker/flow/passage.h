// SPDX-License-Identifier: EUPL-1.2
// passage.h - one mutation on its way through the writer, and the steps that its files share.
//
// publish.c takes a Publish apart, mutation.c judges and matches each mutation, letters.c puts
// what its recipients get, put_correction.c does so for a correction. For these files only; what
// a status means stands in applier.h.
#ifndef FLOW_PASSAGE_H
#define FLOW_PASSAGE_H

#include "flow/applier.h"

// As many as there are sets of classes.
enum { VARIANTS_MAX = CLASS_ALL + 1 };

// A body already stored for this mutation, for the same set of fields.
struct variant {
    uint64_t keep;
    uint64_t address;
    uint32_t size;
};

struct passage {
    struct hot_mutation mutation;
    struct judged judged;
    struct match_question question;
    const struct institution *source;
    uint64_t ticket;
    uint64_t number;
    uint32_t producer;
    const struct walked *walked; // the person, read ahead
    struct variant variants[VARIANTS_MAX];
    size_t variants_len;
    size_t event;      // where it was begun in the journal's record, 0: it was not
    size_t recipients; // of it, so far
    bool withheld_all;
    const struct correction *correction; // NULL: it corrects nothing
    bool owed; // the next recipients got what it corrects: all is told to them
};

// publish_mutation does all for one mutation that is not a repeat. `walked` is its person, read
// ahead or not.
NODISCARD enum vg_status publish_mutation(struct applier *applier,
                                          struct command *command, uint64_t number,
                                          struct hot_bytes bytes,
                                          const struct walked *walked);

// add_result adds the answer of one mutation that was not simply kept; the command owns it.
struct publish_result *add_result(struct publish_command *publish, uint64_t number,
                                  enum vg_status status);

// flow_count_of gives the batch's counters of the mutation's flow; unknown flows are at 0.
struct flow_count *flow_count_of(struct applier *applier, const struct passage *passage);

// put_grants puts the notifications of the applier's first `grants_len` grants, those of an
// institution together.
NODISCARD enum vg_status put_grants(struct applier *applier, struct passage *passage,
                                    size_t grants_len);

// put_letter puts one notification: body, number, the journal's recipient.
NODISCARD enum vg_status put_letter(struct applier *applier, struct passage *passage,
                                    uint32_t institution, const struct share *share);

// put_correction does what put_grants does, for a mutation that corrects another one, and notes
// that this one is corrected.
NODISCARD enum vg_status put_correction(struct applier *applier, struct passage *passage,
                                        size_t grants_len);

// journal_event_of journals the mutation with the recipients that were put.
void journal_event_of(struct applier *applier, struct passage *passage);

// journal_unwanted_of journals that an institution would have got it and wants none of it.
void journal_unwanted_of(struct applier *applier, struct passage *passage,
                         const struct grant *grant);

#endif
