// SPDX-License-Identifier: EUPL-1.2
// explain_past.c - a ticket explained: then, by the journal; now, by the rules; and the
// difference.
#include "flow/explain.h"

#include "flow/correct.h"
#include "flow/past.h"
#include "flow/unmerge.h"
#include "flow/replace.h"
#include "rules/match_trace.h"
#include "store/caught.h"
#include "store/merged.h"
#include "store/journal_find.h"
#include "store/registry.h"
#include "store/withdrawn.h"

#include <stdlib.h>
#include <string.h>

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

static bool
is_told(const struct telling *telling, uint32_t institution)
{
    return telling->question->only == NULL || telling->question->only->id == institution;
}

static const char *
plural(uint64_t number)
{
    return number == 1 ? "" : "s";
}

// ---- names ----

static void
print_institution(const struct telling *telling, uint32_t id)
{
    const struct institution *institution =
        roster_institution(telling->question->roster, id);

    if (institution == NULL) {
        buffer_print(telling->text, "institution %u", (unsigned)id);
    } else {
        buffer_print(telling->text, "%s (%s)", institution->code, institution->name);
    }
}

static const char *
code_of(const struct telling *telling, uint32_t id)
{
    const struct institution *institution =
        roster_institution(telling->question->roster, id);

    return institution == NULL ? "?" : institution->code;
}

static const char *
mailbox_name(const struct telling *telling, uint32_t id)
{
    const struct mailbox_spec *mailbox = roster_mailbox(telling->question->roster, id);

    return mailbox == NULL ? "?" : mailbox->name;
}

// "because of 030, alimony debtor, 2026-01-01 to 2026-12-31"
static void
print_ground(const struct telling *telling, uint32_t institution, uint16_t quality,
             int32_t begin, int32_t end)
{
    const struct institution *whose =
        roster_institution(telling->question->roster, institution);
    const struct quality *meaning =
        whose == NULL || telling->then == NULL
            ? NULL
            : catalogue_quality(telling->then, whose->sector, quality);

    if (quality == 0) {
        buffer_print(telling->text, "no integration was asked");
        return;
    }
    buffer_print(telling->text, "because of %03u", (unsigned)quality);
    if (meaning != NULL) {
        buffer_print(telling->text, ", %s", meaning->meaning);
    }
    buffer_print(telling->text, ", %s", words_of_period(begin, end).text);
}

// ---- then ----

static void
print_fields(const struct telling *telling, const struct journal_recipient *recipient)
{
    unsigned fields = telling->past.event.fields;
    struct hot_content content;

    if (fields == 0) {
        buffer_print(telling->text, "  the message had no fields\n");
        return;
    }
    buffer_print(telling->text, "  %u of %u field%s given", fields - recipient->withheld,
                 fields, plural(fields));
    if (!past_body(telling->txn, recipient, &content)) {
        buffer_print(telling->text, "; which ones is not known any more\n");
        return;
    }
    for (uint32_t i = 0; i < content.mutation.fields_len; i++) {
        struct hot_bytes code = content.mutation.fields[i].code;
        int index =
            telling->then == NULL
                ? -1
                : catalogue_field(telling->then, (struct bytes){code.at, code.len});

        buffer_print(telling->text, "%s%.*s", i == 0 ? ": " : ", ", (int)code.len,
                     (const char *)code.at);
        if (index >= 0) {
            buffer_print(telling->text, " (%s)",
                         catalogue_field_rule(telling->then, index)->meaning);
        }
    }
    buffer_print(telling->text, "\n");
}

// What it corrects, and what corrects it.
static void
print_corrections(const struct telling *telling)
{
    uint64_t ticket = telling->past.event.ticket;
    struct journal_correction told;
    struct correction_row row;

    if (correction_told(&telling->record, ticket, &told, 0, NULL)) {
        buffer_print(telling->text, "It %s ticket %llu: owed to whoever got that.\n",
                     told.act == CORRECTION_CANCELS ? "cancels" : "replaces",
                     (unsigned long long)told.of);
    }
    if (correction_get(telling->txn, ticket, &row) == VG_OK) {
        buffer_print(telling->text, "It was %s by ticket %llu.\n",
                     row.act == CORRECTION_CANCELS ? "cancelled" : "replaced",
                     (unsigned long long)row.by);
    }
}

static void
print_owed(const struct telling *telling, const struct journal_recipient *recipient)
{
    struct journal_correction told;
    struct journal_owed owed;

    if (!correction_told(&telling->record, telling->past.event.ticket, &told,
                         recipient->mailbox, &owed)) {
        return;
    }
    buffer_print(telling->text, "  owed to it: it got ticket %llu, ",
                 (unsigned long long)told.of);
    print_ground(telling, recipient->institution, owed.quality, owed.begin, owed.end);
    buffer_print(telling->text, "%s\n",
                 owed.only != 0 ? "; nothing else let it through" : "");
}

// What it stands for, or what stands for it.
static void
print_merged(const struct telling *telling, const struct journal_recipient *recipient)
{
    struct mailbox_id mailbox = {recipient->mailbox};
    struct merged_row row;

    if (merged_get(telling->txn, journal_event_of_ticket(&telling->past.event), mailbox,
                   &row) != VG_OK) {
        return;
    }
    if (row.head.into != 0) {
        buffer_print(telling->text,
                     "  not sent alone: it waited when ticket %llu said the same anew, "
                     "which stands for it\n",
                     (unsigned long long)row.head.into);
    }
    for (uint32_t i = 0; i < row.head.len; i++) {
        buffer_print(telling->text, "%s%llu",
                     i == 0 ? "  stands as well for ticket " : ", ",
                     (unsigned long long)row.tickets[i]);
    }
    buffer_print(telling->text, row.head.len > 0 ? "\n" : "");
}

// It and its cancellation, or what it cancels, were withdrawn. False: it was sent.
static bool
print_withdrawn(const struct telling *telling, const struct journal_recipient *recipient)
{
    uint64_t ticket = telling->past.event.ticket;
    char time[INSTANT_TEXT_LEN];
    struct withdrawn_row row;

    if (withdrawn_get(telling->txn, ticket, (struct mailbox_id){recipient->mailbox},
                      &row) != VG_OK) {
        return false;
    }
    instant_print((struct instant){row.time_us}, time);
    if (row.other > ticket) {
        buffer_print(telling->text,
                     ": not delivered, because ticket %llu cancelled it before\n",
                     (unsigned long long)row.other);
    } else {
        buffer_print(telling->text,
                     ": not delivered, because ticket %llu, which it cancels, was not\n",
                     (unsigned long long)row.other);
    }
    buffer_print(
        telling->text,
        "  neither was, as mailbox %s chose: its letter %llu was withdrawn at %s\n",
        mailbox_name(telling, recipient->mailbox), (unsigned long long)recipient->number,
        time);
    return true;
}

static void
print_recipient(const struct telling *telling, const struct journal_recipient *recipient)
{
    buffer_print(telling->text, "\n");
    print_institution(telling, recipient->institution);
    if (print_withdrawn(telling, recipient)) {
        return;
    }
    buffer_print(telling->text, ": got it, as letter %llu of mailbox %s\n  ",
                 (unsigned long long)recipient->number,
                 mailbox_name(telling, recipient->mailbox));
    print_ground(telling, recipient->institution, recipient->quality, recipient->begin,
                 recipient->end);
    buffer_print(telling->text, "\n");
    print_owed(telling, recipient);
    print_merged(telling, recipient);
    print_fields(telling, recipient);
}

// Gives how many were told of.
static size_t
print_unwanted(const struct telling *telling)
{
    struct journal_unwanted unwanted;
    struct journal_item item;
    size_t offset = 0;
    size_t told = 0;

    while (journal_next(&telling->record, &offset, &item)) {
        if (item.kind != JOURNAL_UNWANTED ||
            !journal_item_as(&item, &unwanted, sizeof unwanted) ||
            unwanted.ticket != telling->past.event.ticket ||
            !is_told(telling, unwanted.institution)) {
            continue;
        }
        buffer_print(telling->text, "\n");
        print_institution(telling, unwanted.institution);
        buffer_print(telling->text,
                     ": not sent, because it does not want this flow%s\n  ",
                     unwanted.quality == 0 ? "" : " for this quality");
        print_ground(telling, unwanted.institution, unwanted.quality, unwanted.begin,
                     unwanted.end);
        buffer_print(telling->text, " it would have got it\n");
        told++;
    }
    return told;
}

// ---- after its time ----

// When a request was made, as far as the journal still knows.
static void
print_moment_of(const struct telling *telling, uint64_t ticket)
{
    struct meta meta;
    uint64_t commit = 0;
    int64_t time_us = 0;
    char time[INSTANT_TEXT_LEN];

    if (meta_get(telling->txn, &meta, NULL) == VG_OK &&
        journal_find_commit(telling->txn, &meta, ticket, &commit, NULL) == VG_OK &&
        journal_time(telling->txn, commit, &time_us) == VG_OK) {
        instant_print((struct instant){time_us}, time);
        buffer_print(telling->text, " at %s", time);
    }
}

static const char *
word_of_because(const struct telling *telling, uint64_t ticket)
{
    return unmerge_led_to(telling->txn, ticket)
               ? "cancelled the later one that stood for it"
               : "extended or opened its integration";
}

struct later {
    const struct telling *telling;
    uint32_t mailbox; // that is looked for; 0: all are told
    size_t found;
};

static bool
tell_later(uint64_t ticket, struct mailbox_id mailbox, const struct caught_row *row,
           void *arg)
{
    struct later *later = arg;
    const struct telling *telling = later->telling;

    if (ticket != telling->past.event.ticket) {
        return false;
    }
    if (later->mailbox != 0) {
        later->found += later->mailbox == mailbox.number;
        return true;
    }
    if (!is_told(telling, row->institution)) {
        return true;
    }
    later->found++;
    buffer_print(telling->text, "\n");
    print_institution(telling, row->institution);
    buffer_print(telling->text, ": got it later, in mailbox %s, as ticket %llu\n",
                 mailbox_name(telling, mailbox.number), (unsigned long long)row->ticket);
    buffer_print(telling->text, "  because ticket %llu %s",
                 (unsigned long long)row->request,
                 word_of_because(telling, row->request));
    print_moment_of(telling, row->request);
    buffer_print(telling->text, "\n  ");
    print_ground(telling, row->institution, row->quality, row->begin, row->end);
    buffer_print(telling->text, "\n");
    return true;
}

// Those who got it after its time; gives how many were told of.
static size_t
print_later(const struct telling *telling)
{
    struct later later = {telling, 0, 0};

    if (caught_each(telling->txn, telling->past.event.ticket, tell_later, &later) !=
        VG_OK) {
        buffer_print(telling->text, "\nwho got it later cannot be read\n");
    }
    return later.found;
}

static bool
got_it_later(const struct telling *telling, uint32_t mailbox)
{
    struct later later = {telling, mailbox, 0};

    return caught_each(telling->txn, telling->past.event.ticket, tell_later, &later) ==
               VG_OK &&
           later.found > 0;
}

// A letter with an event of its own: the mutation has another ticket.
static void
print_again(const struct telling *telling)
{
    const struct journal_event *event = &telling->past.event;

    buffer_print(telling->text, "ticket %llu: the letter that brought ticket %llu to ",
                 (unsigned long long)event->ticket, (unsigned long long)event->number);
    buffer_print(telling->text, "%s",
                 telling->past.recipients_len == 0
                     ? "nobody"
                     : code_of(telling, telling->past.recipients[0].institution));
    if (event->again == AGAIN_CAUGHT) {
        buffer_print(telling->text, " after its time\n  because ticket %llu %s",
                     (unsigned long long)journal_event_because(event),
                     word_of_because(telling, journal_event_because(event)));
        print_moment_of(telling, journal_event_because(event));
    } else {
        buffer_print(telling->text, ", of which an institution that got it is part now");
    }
    buffer_print(telling->text, "\nAsk about ticket %llu for the mutation itself.\n",
                 (unsigned long long)event->number);
}

static void
print_nobody(const struct telling *telling)
{
    const struct past *past = &telling->past;
    const char *because =
        past->event.withheld_all != 0
            ? "somebody was concerned, but none of its fields is for him"
            : "no institution was concerned";

    if (past->recipients_len == 0) {
        buffer_print(telling->text, "\nnobody got it: %s\n", because);
    } else if (telling->question->only != NULL) {
        buffer_print(telling->text, "\n");
        print_institution(telling, telling->question->only->id);
        buffer_print(telling->text, ": did not get it; %zu letter%s went to others\n",
                     past->recipients_len, plural(past->recipients_len));
    }
}

// What is left of the message itself.
static void
print_content(const struct telling *telling)
{
    const struct past *past = &telling->past;
    unsigned fields = past->event.fields;

    if (!past->has_content && past->recipients_len == 0) {
        buffer_print(telling->text,
                     "Nobody got it, so its content was not kept: it had %u field%s.\n",
                     fields, plural(fields));
    } else if (!past->has_content) {
        buffer_print(telling->text,
                     "Its content is not kept any more: it had %u field%s.\n", fields,
                     plural(fields));
    } else if (past->fields_lost > 0) {
        buffer_print(telling->text,
                     "Its content is still kept, but for %u of %u fields: what nobody "
                     "got was never kept.\n",
                     past->fields_lost, fields);
    } else {
        buffer_print(telling->text, "Its content is still kept, with %s %u field%s.\n",
                     fields == 1 ? "its" : "all", fields, plural(fields));
    }
}

static void
print_then(const struct telling *telling)
{
    const struct journal_event *event = &telling->past.event;
    const struct journal_recipient *recipients = telling->past.recipients;
    const struct flow *flow = catalogue_flow_by_id(
        telling->then != NULL ? telling->then : telling->question->catalogue,
        event->flow);
    char masked[NISS_MASK_LEN], time[INSTANT_TEXT_LEN];
    size_t told = 0;

    instant_print((struct instant){telling->head.time_us}, time);
    buffer_print(telling->text, "ticket %llu: %s (%u), ",
                 (unsigned long long)event->ticket, flow != NULL ? flow->name : "flow",
                 (unsigned)event->flow);
    if (event->source == 0) {
        buffer_print(telling->text, "made by " BROKER_CODE ", this broker itself");
    } else {
        buffer_print(telling->text, "published by %s as its number %llu",
                     code_of(telling, event->source), (unsigned long long)event->number);
    }
    if (event->niss != 0) {
        niss_mask((struct niss){event->niss}, masked);
        buffer_print(telling->text, ", about %s", masked);
    }
    buffer_print(telling->text, "\nkept at %s in commit %llu\n", time,
                 (unsigned long long)telling->head.commit);
    print_content(telling);
    print_corrections(telling);
    buffer_print(telling->text,
                 "\nTHEN, as the journal has it, by version %u of the catalogue:\n",
                 (unsigned)event->catalogue);
    for (size_t i = 0; i < telling->past.recipients_len; i++) {
        if (is_told(telling, recipients[i].institution)) {
            print_recipient(telling, &recipients[i]);
            told++;
        }
    }
    told += print_unwanted(telling) + print_later(telling);
    if (told == 0) {
        print_nobody(telling);
    }
}

// ---- now ----

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
static enum vg_status
print_now(struct telling *telling, bool *ret_asked, struct why *why)
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

// ---- the difference ----

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

    print_ground(telling, letter->institution,
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
    const char *code = code_of(telling, then->institution);
    const char *mailbox = mailbox_name(telling, then->mailbox);
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
        print_ground(telling, then->institution, then->quality, then->begin, then->end);
        buffer_print(telling->text, "; would not get it now\n");
        return true;
    }
    withheld = telling->past.event.fields - (unsigned)__builtin_popcountll(now->keep);
    if (!same_ground(then, now)) {
        buffer_print(telling->text, "  %s, mailbox %s: then ", code, mailbox);
        print_ground(telling, then->institution, then->quality, then->begin, then->end);
        buffer_print(telling->text, "; now ");
        print_ground_now(telling, now);
        buffer_print(telling->text, "\n");
        return true;
    }
    if (telling->past.fields_lost == 0 && withheld != then->withheld) {
        buffer_print(telling->text,
                     "  %s, mailbox %s: %u field%s withheld then, %u now\n", code,
                     mailbox, (unsigned)then->withheld, plural(then->withheld), withheld);
        return true;
    }
    return false;
}

// Whoever was concerned then, and of whom all fields were withheld, is no difference.
static bool
print_of_now(const struct telling *telling, const struct match_letter *now)
{
    if (got_it_then(telling, now->share.mailbox) ||
        got_it_later(telling, now->share.mailbox) ||
        (now->unsure && telling->past.event.withheld_all != 0)) {
        return false;
    }
    buffer_print(telling->text, "  %s, mailbox %s: did not get it then; %s get it now, ",
                 code_of(telling, now->institution),
                 mailbox_name(telling, now->share.mailbox),
                 now->unsure ? "may" : "would");
    print_ground_now(telling, now);
    buffer_print(telling->text, "\n");
    return true;
}

static void
print_difference(const struct telling *telling)
{
    bool any = false;

    buffer_print(telling->text, "\nTHE DIFFERENCE between then and now:\n");
    if (telling->refused_now != VG_OK) {
        buffer_print(telling->text, "  it was accepted then, and would be refused now\n");
        return;
    }
    for (size_t i = 0; i < telling->past.recipients_len; i++) {
        if (is_told(telling, telling->past.recipients[i].institution)) {
            any |= print_of_then(telling, &telling->past.recipients[i]);
        }
    }
    for (size_t i = 0; i < telling->now.len; i++) {
        if (is_told(telling, telling->now.at[i].institution)) {
            any |= print_of_now(telling, &telling->now.at[i]);
        }
    }
    if (!any) {
        buffer_print(telling->text, "  none\n");
    }
}

// ---- tickets of something else ----

static const char *
act_words(uint16_t act)
{
    switch (act) {
    case ACT_INTEGRATE:
        return "an integration";
    case ACT_REMOVE:
        return "the end of an integration";
    case ACT_CONSULT:
        return "who follows a person";
    case ACT_HISTORY:
        return "the numbers a person had";
    default:
        return "something about a person";
    }
}

static void
print_directory(const struct telling *telling, const struct journal_directory *directory)
{
    char masked[NISS_MASK_LEN];

    niss_mask((struct niss){directory->niss}, masked);
    buffer_print(telling->text, "ticket %llu is no mutation: %s asked for %s, %s",
                 (unsigned long long)directory->ticket,
                 code_of(telling, directory->actor), act_words(directory->act), masked);
    if (directory->act == ACT_INTEGRATE || directory->act == ACT_REMOVE) {
        buffer_print(telling->text, " followed by %s in quality %03u, %s",
                     code_of(telling, directory->institution),
                     (unsigned)directory->quality,
                     words_of_period(directory->begin, directory->end).text);
    }
    buffer_print(telling->text, ": %s\n",
                 directory->status == VG_OK
                     ? "done"
                     : vg_status_name((enum vg_status)directory->status));
}

static void
print_other(const struct telling *telling)
{
    struct journal_item item;
    struct journal_directory directory;
    struct journal_admin admin;
    size_t offset = 0;

    while (journal_next(&telling->record, &offset, &item)) {
        if (journal_item_ticket(&item) != telling->question->ticket) {
            continue;
        }
        if (item.kind == JOURNAL_DIRECTORY &&
            journal_item_as(&item, &directory, sizeof directory)) {
            print_directory(telling, &directory);
            return;
        }
        if (item.kind == JOURNAL_ADMIN && journal_item_as(&item, &admin, sizeof admin)) {
            buffer_print(telling->text,
                         "ticket %llu is no mutation: an act of administration\n",
                         (unsigned long long)admin.ticket);
            return;
        }
    }
    buffer_print(telling->text, "ticket %llu is no mutation: a request of another kind\n",
                 (unsigned long long)telling->question->ticket);
}

// ---- the whole ----

static bool
find_event(struct telling *telling)
{
    struct past *past = &telling->past;
    size_t offset = 0;

    do {
        buffer_clear(&telling->recipients);
        if (!past_next(&telling->record, &offset, past, &telling->recipients)) {
            return false;
        }
    } while (past->event.ticket != telling->question->ticket);
    past->recipients = (const struct journal_recipient *)(void *)telling->recipients.at;
    return true;
}

static void
read_catalogue(struct telling *telling)
{
    struct catalogue_row row;
    struct buffer text = {0};
    struct faults faults = {0};

    if (catalogue_get(telling->txn, telling->past.event.catalogue, &row, &text) ==
        VG_OK) {
        telling->then = catalogue_parse((const char *)text.at, text.len, &faults);
    }
    buffer_free(&text);
}

static enum vg_status
tell(struct telling *telling, struct why *why)
{
    const struct catalogue *naming;
    bool asked = false;
    enum vg_status status;

    if (!find_event(telling)) {
        print_other(telling);
        return VG_OK;
    }
    read_catalogue(telling);
    naming = telling->then != NULL ? telling->then : telling->question->catalogue;
    if (naming == NULL) {
        return fail(why, VG_NOT_FOUND, "no catalogue is loaded yet");
    }
    if (telling->past.event.again != AGAIN_NOT) {
        print_again(telling);
        return VG_OK;
    }
    past_read(telling->txn, naming, &telling->past);
    print_then(telling);
    status = print_now(telling, &asked, why);
    if (status == VG_OK && asked) {
        print_difference(telling);
    }
    return status;
}

enum vg_status
explain_ticket(struct txn *txn, const struct explain_past *question, struct buffer *text,
               struct why *why)
{
    struct telling telling = {.txn = txn, .question = question, .text = text};
    uint64_t commit = 0;
    struct meta meta;
    enum vg_status status = meta_get(txn, &meta, why);

    if (status == VG_OK) {
        status = journal_find_commit(txn, &meta, question->ticket, &commit, why);
    }
    if (status == VG_OK) {
        status = journal_read(txn, commit, &telling.record, &telling.head, why);
    }
    if (status == VG_OK) {
        status = tell(&telling, why);
    }
    match_letters_free(&telling.now);
    catalogue_free(&telling.then);
    buffer_free(&telling.recipients);
    buffer_free(&telling.record);
    return status;
}

enum vg_status
explain_refused(struct txn *txn, const struct institution *source, uint32_t producer,
                uint64_t number, struct buffer *text, struct why *why)
{
    struct institution_id id = {source->id};
    struct producer_row row = {0};
    struct why refusal = {0};
    enum vg_status outcome = VG_OK;
    enum vg_status status = refusal_get(txn, id, producer, number, &outcome, &refusal);

    if (status == VG_OK) {
        buffer_print(text,
                     "number %llu of %s, producer %u, was refused: %s (%d): %s\n"
                     "It has no ticket, nobody got it, and its content was not kept.\n",
                     (unsigned long long)number, source->code, (unsigned)producer,
                     vg_status_name(outcome), (int)outcome, refusal.text);
        return VG_OK;
    }
    if (status == VG_NOT_FOUND) {
        status = producer_get(txn, id, producer, &row);
    }
    if (status != VG_OK) {
        return fail(why, status, "the refusals cannot be read");
    }
    if (number == 0 || number > row.last_number) {
        return fail(why, VG_NOT_FOUND,
                    "number %llu of %s, producer %u, never came: the last is %llu",
                    (unsigned long long)number, source->code, (unsigned)producer,
                    (unsigned long long)row.last_number);
    }
    buffer_print(text,
                 "number %llu of %s, producer %u, was accepted: ask by the ticket that "
                 "its source was told\n",
                 (unsigned long long)number, source->code, (unsigned)producer);
    return VG_OK;
}
