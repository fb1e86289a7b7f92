// SPDX-License-Identifier: EUPL-1.2
#include "flow/past.h"

#include "store/bodies.h"
#include "store/held.h"

#include <string.h>

// ---- items ----

static void
take_recipients(const struct journal_item *item, struct buffer *recipients,
                size_t *recipients_len)
{
    struct journal_recipient recipient;

    for (size_t i = 0; journal_item_recipient(item, i, &recipient); i++) {
        buffer_add(recipients, &recipient, sizeof recipient);
        (*recipients_len)++;
    }
}

// More recipients than one item holds stand in further ones, with the same ticket; those who
// wanted none of it may stand between.
static void
take_further(const struct buffer *record, size_t *offset, uint64_t ticket,
             struct buffer *recipients, size_t *recipients_len)
{
    struct journal_item item;
    struct journal_event event;
    size_t next = *offset;

    while (journal_next(record, &next, &item)) {
        if (item.kind == JOURNAL_UNWANTED) {
            continue;
        }
        if (item.kind != JOURNAL_EVENT || !journal_item_as(&item, &event, sizeof event) ||
            event.ticket != ticket) {
            return;
        }
        take_recipients(&item, recipients, recipients_len);
        *offset = next;
    }
}

bool
past_next(const struct buffer *record, size_t *offset, struct past *ret,
          struct buffer *recipients)
{
    struct journal_correction correction = {.ticket = 0};
    struct journal_item item;

    while (journal_next(record, offset, &item)) {
        if (item.kind == JOURNAL_CORRECTION) {
            (void)journal_item_as(&item, &correction, sizeof correction);
        }
        if (item.kind == JOURNAL_EVENT &&
            journal_item_as(&item, &ret->event, sizeof ret->event)) {
            uint64_t ticket = ret->event.ticket;

            ret->corrects = correction.ticket == ticket ? correction.of : 0;
            ret->recipients_len = 0;
            take_recipients(&item, recipients, &ret->recipients_len);
            take_further(record, offset, ticket, recipients, &ret->recipients_len);
            return true;
        }
    }
    return false;
}

// ---- bodies ----

// A body that was still needed when its block went lies elsewhere now: its letter knows.
static enum vg_status
moved_body(struct txn *txn, const struct journal_recipient *recipient,
           struct bytes *ret_body)
{
    struct mailbox_id mailbox = {recipient->mailbox};
    struct held_row held;
    struct letter letter;
    size_t len = 0;
    enum vg_status status =
        backlog_read(txn, mailbox, recipient->number, &letter, 1, &len);

    if (status != VG_OK || len == 0 || letter.number != recipient->number) {
        status = held_get(txn, mailbox, recipient->number, &held);
        letter = held.head.letter;
    }
    return status == VG_OK ? body_get(txn, letter.body, ret_body) : status;
}

bool
past_body(struct txn *txn, const struct journal_recipient *recipient,
          struct hot_content *ret_content)
{
    struct bytes body = {0};
    enum vg_status status = body_get(txn, recipient->body, &body);

    if (status == VG_NOT_FOUND) {
        status = moved_body(txn, recipient, &body);
    }
    return status == VG_OK &&
           hot_read_content((struct hot_bytes){body.at, body.len}, ret_content) == HOT_OK;
}

static bool
has_code(const struct hot_mutation *mutation, uint32_t len, struct hot_bytes code)
{
    for (uint32_t i = 0; i < len; i++) {
        if (mutation->fields[i].code.len == code.len &&
            memcmp(mutation->fields[i].code.at, code.at, code.len) == 0) {
            return true;
        }
    }
    return false;
}

// Whoever gets a field gets all with its code: only codes that are new are added.
static void
add_fields(struct hot_mutation *mutation, const struct hot_mutation *more)
{
    uint32_t before = mutation->fields_len;

    for (uint32_t i = 0; i < more->fields_len; i++) {
        if (mutation->fields_len < HOT_FIELDS_MAX &&
            !has_code(mutation, before, more->fields[i].code)) {
            mutation->fields[mutation->fields_len++] = more->fields[i];
        }
    }
}

static bool
is_whole(const struct past *past)
{
    return past->has_content && past->mutation.fields_len >= past->event.fields;
}

static void
add_body(struct txn *txn, const struct journal_recipient *recipient, struct past *past)
{
    struct hot_content content;

    if (!past_body(txn, recipient, &content)) {
        return;
    }
    if (past->has_content) {
        add_fields(&past->mutation, &content.mutation);
    } else {
        past->mutation = content.mutation;
        past->has_content = true;
    }
}

void
past_read(struct txn *txn, const struct catalogue *naming, struct past *past)
{
    const struct flow *flow = catalogue_flow_by_id(naming, past->event.flow);
    uint64_t last = 0;

    past->mutation.fields_len = 0;
    past->has_content = false;
    for (size_t i = 0; i < past->recipients_len && !is_whole(past); i++) {
        if (past->recipients[i].body != last) { // they come in runs
            last = past->recipients[i].body;
            add_body(txn, &past->recipients[i], past);
        }
    }
    if (!past->has_content) {
        memset(&past->mutation, 0, offsetof(struct hot_mutation, fields));
        past->mutation.niss = past->event.niss;
        if (flow != NULL) {
            past->mutation.flow =
                (struct hot_bytes){(const uint8_t *)flow->name, strlen(flow->name)};
        }
    }
    past->fields_lost = past->event.fields > past->mutation.fields_len
                            ? past->event.fields - past->mutation.fields_len
                            : 0;
}

// Rules that compare with the message's own period or year.
static bool
needs_content(const struct condition *condition)
{
    switch (condition->when) {
    case WHEN_OVERLAP:
    case WHEN_COVERS_5Y:
    case WHEN_FIRST_JANUARY:
        return true;
    case WHEN_NONE:
    case WHEN_TODAY:
    case WHEN_WINDOW:
    case WHEN_SINCE:
        break;
    }
    return false;
}

bool
past_can_be_asked(const struct past *past, const struct flow *flow)
{
    bool needs = flow->key != KEY_PERSON || flow->period == PERIOD_REQUIRED ||
                 flow->needs_recipient || flow->needs_reference_year ||
                 flow->replaces_person || needs_content(&flow->publisher);

    for (uint16_t i = 0; i < flow->groups_len && !needs; i++) {
        needs = needs_content(&flow->groups[i].recipient) ||
                needs_content(&flow->groups[i].publisher);
    }
    return past->has_content || !needs;
}
