// SPDX-License-Identifier: EUPL-1.2
#include "flow/knew_words.h"

#include "flow/past.h"
#include "flow/unmerge.h"
#include "rules/match_trace.h"

#include <string.h>

struct telling {
    const struct knew_words *words;
    struct buffer *text;
    const uint64_t *numbers; // of the person, oldest first
    size_t numbers_len;
    size_t letters; // still to be told
};

// ---- words ----

// "2026-11-20 12:00:06 UTC"
static void
print_moment(struct buffer *text, int64_t us)
{
    char moment[INSTANT_TEXT_LEN];

    instant_print((struct instant){us}, moment);
    buffer_print(text, "%.10s %.8s UTC", moment, moment + 11);
}

static void
print_who(const struct telling *telling, uint32_t id)
{
    const struct institution *who = roster_institution(telling->words->roster, id);

    if (who == NULL) {
        buffer_print(telling->text, "institution %u", (unsigned)id);
    } else {
        buffer_print(telling->text, "%s (%s)", who->code, who->name);
    }
}

// "030, alimony debtor, 2026-03-01 to 2027-02-28"
static void
print_integration(const struct telling *telling, const struct catalogue *catalogue,
                  const struct knew_row *row)
{
    const struct institution *whose =
        roster_institution(telling->words->roster, row->institution);
    const struct quality *quality =
        catalogue == NULL || whose == NULL
            ? NULL
            : catalogue_quality(catalogue, whose->sector, row->quality);

    buffer_print(telling->text, "%03u", (unsigned)row->quality);
    if (quality != NULL) {
        buffer_print(telling->text, ", %s", quality->meaning);
    }
    buffer_print(telling->text, ", %s", words_of_period(row->begin, row->end).text);
}

// Of a person who had several.
static void
print_number(const struct telling *telling, const struct knew_row *row)
{
    for (size_t i = 0; telling->numbers_len > 1 && i < telling->numbers_len; i++) {
        if (telling->numbers[i] == row->niss) {
            buffer_print(telling->text, "  under the %zu%s of his %zu numbers\n", i + 1,
                         i == 0   ? "st"
                         : i == 1 ? "nd"
                         : i == 2 ? "rd"
                                  : "th",
                         telling->numbers_len);
        }
    }
}

// ---- a letter ----

static void
print_codes(const struct telling *telling, const struct catalogue *catalogue,
            const struct hot_mutation *mutation)
{
    for (uint32_t i = 0; i < mutation->fields_len; i++) {
        struct hot_bytes code = mutation->fields[i].code;
        int index = catalogue == NULL
                        ? -1
                        : catalogue_field(catalogue, (struct bytes){code.at, code.len});

        buffer_print(telling->text, "%s%.*s", i == 0 ? ": " : ", ", (int)code.len,
                     (const char *)code.at);
        if (index >= 0) {
            buffer_print(telling->text, " (%s)",
                         catalogue_field_rule(catalogue, index)->meaning);
        }
    }
}

static void
print_fields(const struct telling *telling, const struct catalogue *catalogue,
             const struct knew_row *row)
{
    struct journal_recipient recipient = {.number = row->letter.number,
                                          .mailbox = row->letter.mailbox,
                                          .body = row->letter.body};
    unsigned fields = row->letter.fields;
    struct hot_content content;

    if (fields == 0 || row->letter.state == KNEW_WITHDRAWN) {
        return;
    }
    buffer_print(telling->text, "  %u of %u field%s given", fields - row->letter.withheld,
                 fields, fields == 1 ? "" : "s");
    if (telling->letters <= KNEW_WORDS_BODIES_MAX &&
        past_body(telling->words->txn, &recipient, &content)) {
        print_codes(telling, catalogue, &content.mutation);
    } else {
        buffer_print(telling->text, "; which ones is not kept any more");
    }
    if (row->letter.withheld > 0) {
        buffer_print(telling->text, "; %u withheld: not for this quality",
                     (unsigned)row->letter.withheld);
    }
    buffer_print(telling->text, "\n");
}

static void
print_state(const struct telling *telling, const struct knew_row *row)
{
    static const char *const states[] = {
        [KNEW_WAITING] = "not acknowledged: it lies in the mailbox, unread or on its way",
        [KNEW_ACKNOWLEDGED] = "acknowledged",
        [KNEW_HELD] = "given back: it comes again",
        [KNEW_PARKED] = "parked: not delivered again before somebody decides so",
        [KNEW_DROPPED] = "given up by hand, not acknowledged",
        [KNEW_MERGED] = "not sent alone: merged into a later one that says the same anew",
        [KNEW_WITHDRAWN] = "cancelled and not sent, as its mailbox wants it: withdrawn",
        [KNEW_UNWANTED] = "not sent: none of its mailboxes wants such messages",
    };

    buffer_print(telling->text, "  %s", states[row->letter.state]);
    if (row->letter.state == KNEW_MERGED) {
        buffer_print(telling->text, ", ticket %llu,",
                     (unsigned long long)row->letter.into);
    }
    if (row->letter.state_us != 0) {
        buffer_print(telling->text, " on ");
        print_moment(telling->text, row->letter.state_us);
    }
    buffer_print(telling->text, "\n");
}

static void
print_letter(const struct telling *telling, const struct knew_row *row)
{
    const struct knew_words *words = telling->words;
    const struct catalogue *catalogue =
        grounds_catalogue(words->grounds, words->txn, row->letter.catalogue);
    const struct flow *flow =
        catalogue == NULL ? NULL : catalogue_flow_by_id(catalogue, row->letter.flow);
    const struct institution *source = roster_source(words->roster, row->letter.source);
    const char *ground =
        ground_of(catalogue, flow, roster_institution(words->roster, row->institution),
                  row->quality);

    buffer_print(telling->text, "\n");
    print_moment(telling->text, row->time_us);
    buffer_print(telling->text, "  ");
    print_who(telling, row->institution);
    buffer_print(telling->text, "\n  %s: %s\n  published by %s, ticket %llu\n",
                 flow == NULL ? "flow" : flow->name,
                 flow == NULL ? "its meaning is not known any more" : flow->meaning,
                 source == NULL ? "?" : source->code, (unsigned long long)row->ticket);
    if (row->letter.because != 0) {
        buffer_print(telling->text, "  late: it is ticket %llu, and ticket %llu %s\n",
                     (unsigned long long)row->letter.of,
                     (unsigned long long)row->letter.because,
                     unmerge_led_to(telling->words->txn, row->letter.because)
                         ? "cancelled the later one that stood for it"
                         : "extended or opened its integration");
    }
    print_number(telling, row);
    if (row->quality != 0) {
        buffer_print(telling->text, "  because of ");
        print_integration(telling, catalogue, row);
        buffer_print(telling->text, "\n");
    } else {
        buffer_print(telling->text, "  no integration is asked for it\n");
    }
    buffer_print(telling->text, "  ground: %s\n", ground[0] == 0 ? "not stated" : ground);
    print_fields(telling, catalogue, row);
    print_state(telling, row);
}

// ---- a question ----

static void
print_question(const struct telling *telling, const struct knew_row *row)
{
    static const char *const acts[] = {
        [ACT_INTEGRATE] = "asked to follow him",
        [ACT_REMOVE] = "asked to follow him no more",
        [ACT_CONSULT] = "asked who follows him",
        [ACT_HISTORY] = "asked which numbers he had",
        [ACT_JOURNAL] = "asked who received data about him",
    };
    bool known = row->asked.act < ARRAY_LEN(acts) && acts[row->asked.act] != NULL;
    enum vg_status status = (enum vg_status)row->asked.status;

    buffer_print(telling->text, "\n");
    print_moment(telling->text, row->time_us);
    buffer_print(telling->text, "  ");
    if (row->asked.actor == 0) {
        buffer_print(telling->text, "the administrator of this broker");
    } else {
        print_who(telling, row->asked.actor);
    }
    buffer_print(telling->text, "\n  %s",
                 known ? acts[row->asked.act] : "asked about him");
    if (row->quality != 0) {
        buffer_print(telling->text, " as ");
        print_integration(telling, telling->words->catalogue, row);
    }
    buffer_print(telling->text, ", ticket %llu: ", (unsigned long long)row->ticket);
    if (vg_status_remedy(status) == VG_NOTHING_TO_DO) {
        buffer_print(telling->text, "done\n");
    } else {
        buffer_print(telling->text, "refused, %s (%s)\n", vg_status_name(status),
                     vg_status_sentence(status));
    }
    print_number(telling, row);
}

// ---- all of it ----

static void
print_head(const struct telling *telling)
{
    char niss[NISS_MASK_LEN], since[DAY_TEXT_LEN];

    day_print(telling->words->since, since);
    buffer_print(telling->text, "about");
    for (size_t i = 0; i < telling->numbers_len; i++) {
        niss_mask((struct niss){telling->numbers[i]}, niss);
        buffer_print(telling->text, "%s %s", i == 0 ? "" : ", then", niss);
    }
    buffer_print(telling->text, ", since %s\n", since);
}

static size_t
count_rows(const struct knew_row *rows, size_t len, enum knew_kind kind)
{
    size_t found = 0;

    for (size_t i = 0; i < len; i++) {
        found += rows[i].kind == kind;
    }
    return found;
}

void
knew_words(const struct knew_words *words, const struct knew *knew, struct buffer *text)
{
    struct telling telling = {.words = words, .text = text};
    bool all = false;
    size_t len = 0;
    const struct knew_row *rows = knew_rows(knew, &len, &all);

    telling.numbers = knew_numbers(knew, &telling.numbers_len);
    telling.letters = count_rows(rows, len, KNEW_LETTER);
    print_head(&telling);
    buffer_print(text, "\nWHO RECEIVED WHAT\n%s",
                 telling.letters == 0 ? "\nnobody, in this time\n" : "");
    for (size_t i = 0; i < len; i++) {
        if (rows[i].kind == KNEW_LETTER) {
            print_letter(&telling, &rows[i]);
            telling.letters--;
        }
    }
    buffer_print(text, "\nWHO ASKED\n%s",
                 count_rows(rows, len, KNEW_ASKED) == 0 ? "\nnobody, in this time\n"
                                                        : "");
    for (size_t i = 0; i < len; i++) {
        if (rows[i].kind == KNEW_ASKED) {
            print_question(&telling, &rows[i]);
        }
    }
    if (!all) {
        buffer_print(text,
                     "\nThere is more than one answer holds: these are the first.\n");
    }
}
