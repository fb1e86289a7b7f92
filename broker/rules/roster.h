// SPDX-License-Identifier: EUPL-1.2
// roster.h - the institutions and their mailboxes, in memory.
//
// A few thousand of each. The store keeps them; the roster is what matching asks. Not for
// several threads: whoever needs it elsewhere takes a copy (roster_copy).
#ifndef RULES_ROSTER_H
#define RULES_ROSTER_H

#include "rules/catalogue.h"
#include "values/limits.h"
#include "values/mailbox_rules.h"

enum { CHOICES_MAX = 128, MAILBOX_NAME_LEN = 32, MAILBOXES_PER_INSTITUTION_MAX = 16 };

// A flow, and the qualities for which it is wanted: bit q for code q below 64; codes from
// 64 on (other sectors) always pass.
struct choice {
    uint16_t flow;
    uint16_t reserved[3];
    uint64_t qualities;
};

struct mailbox_spec {
    uint32_t id;
    uint32_t institution;
    char name[MAILBOX_NAME_LEN]; // "default" for the first
    uint16_t choices_len;        // 0: everything the institution is entitled to
    struct limits limits;        // its own, 0: the settings'
    struct mailbox_rules rules;  // what it wants less of, and when
    struct choice choices[CHOICES_MAX];
};

struct roster;

// Who makes what comes from nobody else: that an integration ends. No institution may have
// this code, or be of SECTOR_VIGIE.
#define BROKER_CODE "VIGIE"

// Gives: roster_free. A copy shares nothing with the roster that it was made of.
struct roster *roster_new(void);
void roster_free(struct roster **roster);
struct roster *roster_copy(const struct roster *roster);

// roster_put adds an institution or replaces the one with this id. Copies.
void roster_put(struct roster *roster, const struct institution *institution);
// roster_put_mailbox adds or replaces a mailbox of an institution that is there. Copies.
void roster_put_mailbox(struct roster *roster, const struct mailbox_spec *mailbox);

// roster_set_limits gives a mailbox its own limits; false when there is no such mailbox.
bool roster_set_limits(struct roster *roster, uint32_t mailbox,
                       const struct limits *limits);

// roster_set_rules gives a mailbox its own rules; false when there is no such mailbox.
bool roster_set_rules(struct roster *roster, uint32_t mailbox,
                      const struct mailbox_rules *rules);

// Questions lend until the next put; NULL when not found.
const struct institution *roster_institution(const struct roster *roster, uint32_t id);
// roster_source gives who an event of the journal comes from: an institution or, for 0, the
// broker itself, under the code BROKER_CODE. Lends the latter for ever.
const struct institution *roster_source(const struct roster *roster, uint32_t id);
const struct institution *roster_by_code(const struct roster *roster, struct bytes code);
size_t roster_len(const struct roster *roster);
const struct institution *roster_at(const struct roster *roster, size_t index); // by id
const struct mailbox_spec *roster_mailbox(const struct roster *roster, uint32_t mailbox);
// roster_mailboxes gives an institution's mailboxes, the default one first.
size_t roster_mailboxes(const struct roster *roster, uint32_t institution,
                        const struct mailbox_spec *const **ret_mailboxes);
// roster_simple_mailbox gives the only mailbox of an institution when it wants everything; 0:
// ask roster_mailboxes. Hot.
uint32_t roster_simple_mailbox(const struct roster *roster, uint32_t institution);
size_t roster_mailboxes_len(const struct roster *roster); // of all institutions
const struct mailbox_spec *roster_mailbox_at(const struct roster *roster, size_t index);

// roster_successor gives the institution of which this one is part today: itself unless it
// was merged. Everything that was its own is that one's.
uint32_t roster_successor(const struct roster *roster, uint32_t institution);
bool institution_is_merged(const struct institution *institution);

// mailbox_wants says whether a mailbox takes a flow for an integration of this quality: it
// chose it, and its rules do not decline it. quality 0: no integration was asked.
bool mailbox_wants(const struct mailbox_spec *mailbox, uint16_t flow, uint16_t quality);

#endif
