// SPDX-License-Identifier: EUPL-1.2
// explain_then.c - a ticket by the journal: who got it, why, and what of it.
#include "flow/explain_telling.h"

#include "flow/correct.h"
#include "store/merged.h"
#include "store/withdrawn.h"

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
                 fields, telling_plural(fields));
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
    telling_ground(telling, recipient->institution, owed.quality, owed.begin, owed.end);
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
        telling_mailbox(telling, recipient->mailbox),
        (unsigned long long)recipient->number, time);
    return true;
}

static void
print_recipient(const struct telling *telling, const struct journal_recipient *recipient)
{
    buffer_print(telling->text, "\n");
    telling_institution(telling, recipient->institution);
    if (print_withdrawn(telling, recipient)) {
        return;
    }
    buffer_print(telling->text, ": got it, as letter %llu of mailbox %s\n  ",
                 (unsigned long long)recipient->number,
                 telling_mailbox(telling, recipient->mailbox));
    telling_ground(telling, recipient->institution, recipient->quality, recipient->begin,
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
            !telling_includes(telling, unwanted.institution)) {
            continue;
        }
        buffer_print(telling->text, "\n");
        telling_institution(telling, unwanted.institution);
        buffer_print(telling->text,
                     ": not sent, because it does not want this flow%s\n  ",
                     unwanted.quality == 0 ? "" : " for this quality");
        telling_ground(telling, unwanted.institution, unwanted.quality, unwanted.begin,
                       unwanted.end);
        buffer_print(telling->text, " it would have got it\n");
        told++;
    }
    return told;
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
        telling_institution(telling, telling->question->only->id);
        buffer_print(telling->text, ": did not get it; %zu letter%s went to others\n",
                     past->recipients_len, telling_plural(past->recipients_len));
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
                     fields, telling_plural(fields));
    } else if (!past->has_content) {
        buffer_print(telling->text,
                     "Its content is not kept any more: it had %u field%s.\n", fields,
                     telling_plural(fields));
    } else if (past->fields_lost > 0) {
        buffer_print(telling->text,
                     "Its content is still kept, but for %u of %u fields: what nobody "
                     "got was never kept.\n",
                     past->fields_lost, fields);
    } else {
        buffer_print(telling->text, "Its content is still kept, with %s %u field%s.\n",
                     fields == 1 ? "its" : "all", fields, telling_plural(fields));
    }
}

void
telling_then(const struct telling *telling)
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
                     telling_code(telling, event->source),
                     (unsigned long long)event->number);
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
        if (telling_includes(telling, recipients[i].institution)) {
            print_recipient(telling, &recipients[i]);
            told++;
        }
    }
    told += print_unwanted(telling) + telling_later(telling);
    if (told == 0) {
        print_nobody(telling);
    }
}
