// SPDX-License-Identifier: EUPL-1.2
// explain_now.c - a ticket by the rules of today, and what differs from then.
#include "flow/explain_telling.h"

#include "flow/correct.h"
#include "flow/replace.h"

#include <stdlib.h>

static enum vg_status
match_again(struct telling *telling, struct match_question *match, struct why *why)
{
    struct trace trace = {0};
    struct grant *grants = xcalloc(GRANTS_MAX, sizeof *grants);
    size_t grants_len = 0;
    struct niss current;
    struct person person = {0};
    enum vg_status status = VG_OK;

    if (match->judged->niss.number != 0) {
        status = person_in_force(telling->txn, match->judged->niss, &current, &person);
    }
    if (status == VG_OK) {
        match->integrations = person.integrations;
        match->integrations_len = person.len;
        telling->refused_now =
            match_recipients(match, grants, &grants_len, &trace, &telling->why_refused);
        match_letters(match, grants, grants_len, &telling->now);
        match_explain(match, &trace, telling->question->only, telling->text);
    } else {
        status = fail(why, status, "the person's row cannot be read");
    }
    trace_free_rows(&trace);
    free(grants);
    return status;
}

// The rules asked again. Whatever refuses it now is said, and is no failure.
static enum vg_status
ask_again(struct telling *telling, const struct catalogue *catalogue, struct day day,
          struct why *why)
{
    const struct explain_past *question = telling->question;
    const struct institution *publisher =
        roster_institution(question->roster, telling->past.event.source);
    struct judge_context context = {
        .catalogue = catalogue,
        .publisher = publisher,
        .today = day,
        .test_persons = true, // it was taken then
    };
    struct judged judged;
    struct match_question match = {
        .catalogue = catalogue,
        .roster = question->roster,
        .judged = &judged,
        .publisher = publisher,
        .today = day,
        .fields_lost = telling->past.fields_lost,
    };
    enum vg_status status = VG_OK;

    telling->refused_now =
        judge_mutation(&context, &telling->past.mutation, &judged, &telling->why_refused);
    if (telling->refused_now == VG_OK) {
        status = match_again(telling, &match, why);
    }
    if (status == VG_OK && telling->refused_now != VG_OK) {
        buffer_print(telling->text, "refused: %s (%d): %s\n",
                     vg_status_name(telling->refused_now), (int)telling->refused_now,
                     telling->why_refused.text);
    }
    return status;
}

// Sets *ret_asked when the rules could be asked.
enum vg_status
telling_now(struct telling *telling, bool *ret_asked, struct why *why)
{
    const struct explain_past *question = telling->question;
    const struct catalogue *catalogue =
        question->has_day || telling->then == NULL ? question->catalogue : telling->then;
    struct day day = question->has_day
                         ? question->day
                         : day_in_brussels((struct instant){telling->head.time_us});
    const struct flow *flow =
        catalogue == NULL ? NULL
                          : catalogue_flow_by_id(catalogue, telling->past.event.flow);

    *ret_asked = false;
    if (telling->past.event.source == 0) {
        buffer_print(
            telling->text,
            "\nNOW: no rules are asked of what the broker makes itself. It tells an "
            "institution of its own integrations that end.\n");
        return VG_OK;
    }
    buffer_print(telling->text, "\nNOW, the rules asked again, of the directory and the "
                                "mailboxes as they are now, by ");
    if (catalogue == question->catalogue) {
        buffer_print(telling->text, "the catalogue in force:\n\n");
    } else {
        buffer_print(telling->text, "version %u of the catalogue:\n\n",
                     (unsigned)telling->past.event.catalogue);
    }
    if (flow == NULL ||
        roster_institution(question->roster, telling->past.event.source) == NULL) {
        buffer_print(telling->text, "this catalogue has no such flow\n");
        return VG_OK;
    }
    if (!past_can_be_asked(&telling->past, flow)) {
        buffer_print(telling->text,
                     "They cannot be asked: for %s they need what only the message said, "
                     "and that is not known any more.\n",
                     flow->name);
        return VG_OK;
    }
    *ret_asked = true;
    return ask_again(telling, catalogue, day, why);
}

static const struct match_letter *
letter_now(const struct telling *telling, uint32_t mailbox)
{
    for (size_t i = 0; i < telling->now.len; i++) {
        if (telling->now.at[i].share.mailbox == mailbox) {
            return &telling->now.at[i];
        }
    }
    return NULL;
}

static bool
got_it_then(const struct telling *telling, uint32_t mailbox)
{
    for (size_t i = 0; i < telling->past.recipients_len; i++) {
        if (telling->past.recipients[i].mailbox == mailbox) {
            return true;
        }
    }
    return false;
}

static void
print_ground_now(const struct telling *telling, const struct match_letter *letter)
{
    const struct integration *integration = &letter->share.integration;

    telling_ground(telling, letter->institution,
                   letter->share.justified ? integration->quality : 0, integration->begin,
                   integration->end);
}

static bool
same_ground(const struct journal_recipient *then, const struct match_letter *now)
{
    const struct integration *integration = &now->share.integration;

    return then->quality == (now->share.justified ? integration->quality : 0) &&
           (!now->share.justified ||
            (then->begin == integration->begin && then->end == integration->end));
}

// Gives whether there was a difference.
static bool
print_of_then(const struct telling *telling, const struct journal_recipient *then)
{
    const struct match_letter *now = letter_now(telling, then->mailbox);
    const char *code = telling_code(telling, then->institution);
    const char *mailbox = telling_mailbox(telling, then->mailbox);
    struct journal_correction told;
    struct journal_owed owed;
    unsigned withheld = 0;

    // What was owed to it then is so whatever the rules say.
    if (correction_told(&telling->record, telling->past.event.ticket, &told,
                        then->mailbox, &owed)) {
        return false;
    }
    if (now == NULL) {
        buffer_print(telling->text, "  %s, mailbox %s: got it then, ", code, mailbox);
        telling_ground(telling, then->institution, then->quality, then->begin, then->end);
        buffer_print(telling->text, "; would not get it now\n");
        return true;
    }
    withheld = telling->past.event.fields - (unsigned)__builtin_popcountll(now->keep);
    if (!same_ground(then, now)) {
        buffer_print(telling->text, "  %s, mailbox %s: then ", code, mailbox);
        telling_ground(telling, then->institution, then->quality, then->begin, then->end);
        buffer_print(telling->text, "; now ");
        print_ground_now(telling, now);
        buffer_print(telling->text, "\n");
        return true;
    }
    if (telling->past.fields_lost == 0 && withheld != then->withheld) {
        buffer_print(
            telling->text, "  %s, mailbox %s: %u field%s withheld then, %u now\n", code,
            mailbox, (unsigned)then->withheld, telling_plural(then->withheld), withheld);
        return true;
    }
    return false;
}

// Whoever was concerned then, and of whom all fields were withheld, is no difference.
static bool
print_of_now(const struct telling *telling, const struct match_letter *now)
{
    if (got_it_then(telling, now->share.mailbox) ||
        telling_got_later(telling, now->share.mailbox) ||
        (now->unsure && telling->past.event.withheld_all != 0)) {
        return false;
    }
    buffer_print(telling->text, "  %s, mailbox %s: did not get it then; %s get it now, ",
                 telling_code(telling, now->institution),
                 telling_mailbox(telling, now->share.mailbox),
                 now->unsure ? "may" : "would");
    print_ground_now(telling, now);
    buffer_print(telling->text, "\n");
    return true;
}

void
telling_difference(const struct telling *telling)
{
    bool any = false;

    buffer_print(telling->text, "\nTHE DIFFERENCE between then and now:\n");
    if (telling->refused_now != VG_OK) {
        buffer_print(telling->text, "  it was accepted then, and would be refused now\n");
        return;
    }
    for (size_t i = 0; i < telling->past.recipients_len; i++) {
        if (telling_includes(telling, telling->past.recipients[i].institution)) {
            any |= print_of_then(telling, &telling->past.recipients[i]);
        }
    }
    for (size_t i = 0; i < telling->now.len; i++) {
        if (telling_includes(telling, telling->now.at[i].institution)) {
            any |= print_of_now(telling, &telling->now.at[i]);
        }
    }
    if (!any) {
        buffer_print(telling->text, "  none\n");
    }
}
