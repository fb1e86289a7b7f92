// SPDX-License-Identifier: EUPL-1.2
// explain_telling.h - what the files that explain a ticket share (explain.h): then, later, now.
//
// explain_past.c finds what the ticket is and calls the others in their order. All text goes
// to telling->text, which is the caller's of explain_ticket.
#ifndef FLOW_EXPLAIN_TELLING_H
#define FLOW_EXPLAIN_TELLING_H

#include "flow/explain.h"
#include "flow/past.h"
#include "rules/match_trace.h"
#include "store/registry.h"

// What is known of one ticket while it is told.
struct telling {
    struct txn *txn;
    const struct explain_past *question;
    struct buffer *text;
    struct buffer record;
    struct buffer recipients;
    struct journal_head head;
    struct past past;
    struct catalogue *then; // the version that it was matched with; NULL: cannot be read
    struct match_letters now;
    enum vg_status refused_now;
    struct why why_refused;
};

// telling_includes says whether whoever asks may hear of this institution.
bool telling_includes(const struct telling *telling, uint32_t institution);

// telling_plural gives "s", or nothing for one.
const char *telling_plural(uint64_t number);

// telling_institution prints code and name.
void telling_institution(const struct telling *telling, uint32_t id);

// telling_code and telling_mailbox give a name, "?" when it is not known.
const char *telling_code(const struct telling *telling, uint32_t id);
const char *telling_mailbox(const struct telling *telling, uint32_t id);

// telling_ground prints by what an institution got it: "because of 030, alimony debtor,
// 2026-01-01 to 2026-12-31".
void telling_ground(const struct telling *telling, uint32_t institution, uint16_t quality,
                    int32_t begin, int32_t end);

// telling_then prints the ticket by the journal: content, recipients, what became of it.
void telling_then(const struct telling *telling);

// telling_later prints who got it after its time, and gives how many they are.
size_t telling_later(const struct telling *telling);

// telling_got_later says whether this mailbox did.
bool telling_got_later(const struct telling *telling, uint32_t mailbox);

// telling_again prints a letter that came after its time, under its own event.
void telling_again(const struct telling *telling);

// telling_now prints who would get it by the rules and the directory of today; ret_asked is
// false when that cannot be asked.
NODISCARD enum vg_status telling_now(struct telling *telling, bool *ret_asked,
                                     struct why *why);

// telling_difference prints what differs between then and now.
void telling_difference(const struct telling *telling);

#endif
