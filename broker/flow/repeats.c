// SPDX-License-Identifier: EUPL-1.2
#include "flow/repeats.h"

#include "flow/hold.h"
#include "flow/sift.h"
#include "store/correction.h"
#include "store/merged.h"

#include <stdlib.h>
#include <string.h>

// ---- what says the same ----

static bool
stands_alone(const struct hot_mutation *mutation)
{
    return mutation->replaces.len > 0 || mutation->cancels.len > 0 ||
           mutation->answers.len > 0 || mutation->new_niss != 0 ||
           mutation->caught_up != 0;
}

static void
add_word(struct buffer *words, struct hot_bytes word)
{
    uint64_t len = word.len;

    buffer_add(words, &len, sizeof len);
    if (word.len > 0) {
        buffer_add(words, word.at, word.len);
    }
}

uint64_t
repeats_says(const struct catalogue *catalogue, const struct hot_content *content)
{
    const struct hot_mutation *mutation = &content->mutation;
    const struct flow *flow =
        catalogue_flow(catalogue, (struct bytes){mutation->flow.at, mutation->flow.len});
    uint64_t numbers[] = {mutation->current_niss, mutation->period_begin,
                          mutation->period_end, mutation->reference_year};
    struct buffer words = {0};
    uint64_t says;

    if (flow == NULL || !flow->repeats_merge || stands_alone(mutation) ||
        sift_urgency(catalogue, content) != 0) {
        return 0;
    }
    buffer_add(&words, numbers, sizeof numbers);
    add_word(&words, mutation->flow);
    add_word(&words, content->source);
    add_word(&words, mutation->recipient);
    for (uint32_t i = 0; i < mutation->fields_len; i++) {
        add_word(&words, mutation->fields[i].code);
    }
    says = checksum_of(words.at, words.len);
    buffer_free(&words);
    return says == 0 ? 1 : says;
}

// ---- which of them, for which ----

enum { SLOTS = 4096 }; // a power of two, twice as many as there are letters

// Fills in `next`.
static void
link_subjects(struct repeat *repeats, size_t len)
{
    uint32_t
        first[SLOTS]; // index of the first one seen so far about a subject, len: none

    CHECK(len <= SLOTS / 2);
    for (size_t i = 0; i < SLOTS; i++) {
        first[i] = (uint32_t)len;
    }
    for (size_t i = len; i-- > 0;) {
        size_t slot = repeats[i].subject * UINT64_C(0x9e3779b97f4a7c15) >> 52;

        while (first[slot] < len && repeats[first[slot]].subject != repeats[i].subject) {
            slot = (slot + 1) % SLOTS;
        }
        repeats[i].next = first[slot];
        first[slot] = (uint32_t)i;
    }
}

// The nearest later one that says the same, if nothing under this number is in the way.
static size_t
find_later(const struct repeat *repeats, size_t len, size_t earlier)
{
    const struct repeat *one = &repeats[earlier];

    for (size_t i = one->next; one->says != 0 && i < len; i = repeats[i].next) {
        if (repeats[i].says == one->says) {
            return repeats[i].ticket > one->ticket && repeats[i].occurred >= one->occurred
                       ? i
                       : earlier;
        }
        if (repeats[i].says == 0) {
            return earlier;
        }
    }
    return earlier;
}

// Does something under another of his numbers lie between two letters?
static enum vg_status
look_between(struct txn *txn, const struct repeat *repeats, size_t earlier, size_t later,
             bool *ret_any)
{
    struct subjects subjects;
    enum vg_status status = subjects_of(txn, repeats[earlier].subject, &subjects);

    *ret_any = false;
    for (size_t i = earlier + 1;
         status == VG_OK && subjects.len > 1 && !*ret_any && i < later; i++) {
        *ret_any = repeats[i].says == 0 && subjects_have(&subjects, repeats[i].subject);
    }
    return status;
}

enum vg_status
repeats_void(struct txn *txn, uint64_t ticket, bool *ret_void)
{
    struct correction_row row = {.by = ticket};
    enum vg_status status;

    do {
        status = correction_get(txn, row.by, &row);
    } while (status == VG_OK && row.act == CORRECTION_REPLACES);
    *ret_void = status == VG_OK;
    return status == VG_NOT_FOUND ? VG_OK : status;
}

static enum vg_status
look_at_later(struct txn *txn, const struct repeat *repeats, size_t earlier, size_t later,
              bool *ret_stands)
{
    bool between = false, is_void = false;
    enum vg_status status = look_between(txn, repeats, earlier, later, &between);

    if (status == VG_OK && !between) {
        status = repeats_void(txn, repeats[later].ticket, &is_void);
    }
    *ret_stands = !between && !is_void;
    return status;
}

// From the last one on, so that each knows at once which one comes in the end.
enum vg_status
repeats_find(struct txn *txn, struct repeat *repeats, size_t len)
{
    enum vg_status status = VG_OK;

    link_subjects(repeats, len);
    for (size_t i = len; status == VG_OK && i-- > 0;) {
        size_t later = find_later(repeats, len, i);
        bool stands = false;

        repeats[i].into = (uint32_t)i;
        if (later != i) {
            status = look_at_later(txn, repeats, i, later, &stands);
        }
        if (stands) {
            repeats[i].into = repeats[later].into;
        }
    }
    return status;
}

// ---- on the disk ----

static enum vg_status
is_in_turn(struct applier *applier, uint32_t mailbox, uint64_t number, bool *ret_is)
{
    struct mailbox_row *row = NULL;
    bool left = false;
    enum vg_status status = applier_box(applier, mailbox, &row);

    if (status == VG_OK && number > row->acknowledged && row->acknowledged_beyond > 0) {
        status = ranges_have(applier->txn, (struct mailbox_id){mailbox}, number, &left);
    }
    *ret_is =
        status == VG_OK && number > row->acknowledged && number <= row->last && !left;
    return status;
}

static enum vg_status
read_row(struct applier *applier, uint64_t ticket, uint32_t mailbox,
         struct merged_row *ret_row)
{
    enum vg_status status =
        merged_get(applier->txn, ticket, (struct mailbox_id){mailbox}, ret_row);

    if (status == VG_NOT_FOUND) {
        memset(&ret_row->head, 0, sizeof ret_row->head);
        return VG_OK;
    }
    return status;
}

static int
compare_tickets(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

    return (one > other) - (one < other);
}

// The later one stands for it, and for all for which it stood. It may have come to stand for
// one behind it before: what lay between them has left since.
static enum vg_status
put_rows(struct applier *applier, uint32_t mailbox, const struct merged_letter *letter,
         const struct merged_row *earlier, struct merged_row *later)
{
    struct mailbox_id id = {mailbox};
    struct merged_row gone = {.head = {.into = letter->into_ticket}};
    uint32_t len = earlier->head.len;
    enum vg_status status = VG_OK;

    memcpy(later->tickets + later->head.len, earlier->tickets,
           len * sizeof later->tickets[0]);
    later->head.len += len;
    later->tickets[later->head.len++] = letter->ticket;
    qsort(later->tickets, later->head.len, sizeof later->tickets[0], compare_tickets);
    for (uint32_t i = 0; status == VG_OK && i < len; i++) {
        status = merged_put(applier->txn, earlier->tickets[i], id, &gone);
    }
    if (status == VG_OK) {
        status = merged_put(applier->txn, letter->ticket, id, &gone);
    }
    return status == VG_OK ? merged_put(applier->txn, letter->into_ticket, id, later)
                           : status;
}

// VG_TOO_MANY: there is no room for more gaps in this mailbox.
static enum vg_status
acknowledge(struct applier *applier, uint32_t mailbox, const struct letter *letter)
{
    struct acknowledge_single single = {letter->number, letter->bytes_through,
                                        letter->size};
    struct command command = {
        .kind = COMMAND_ACKNOWLEDGE,
        .acknowledge = {.mailbox = mailbox, .singles_len = 1, .singles = &single}};
    enum vg_status status = acknowledge_letters(applier, &command);

    return status == VG_OK ? command.status : status;
}

static void
tell(struct applier *applier, uint32_t mailbox, const struct merged_letter *letter)
{
    uint64_t subject = letter->about.subject;
    struct journal_merged item = {
        .ticket = letter->ticket,
        .niss = (subject & HELD_ENTERPRISE) != 0 ? 0 : subject,
        .number = letter->about.letter.number,
        .into = letter->into_ticket,
        .mailbox = mailbox,
    };

    journal_add(&applier->record, JOURNAL_MERGED, &item, sizeof item, NULL, 0);
    hold_tell_left(applier->batch, mailbox, item.number, subject);
}

// Much may have happened since the loop has asked for it. ret_waits: the earlier one is in its
// turn still.
static enum vg_status
may_merge(struct applier *applier, uint32_t mailbox, const struct merged_letter *letter,
          bool *ret_waits, bool *ret_may)
{
    bool stands = false, is_void = false;
    enum vg_status status =
        is_in_turn(applier, mailbox, letter->about.letter.number, ret_waits);

    if (status == VG_OK) {
        status = is_in_turn(applier, mailbox, letter->into_number, &stands);
    }
    if (status == VG_OK) {
        status = repeats_void(applier->txn, letter->into_ticket, &is_void);
    }
    *ret_may = *ret_waits && stands && !is_void;
    return status;
}

static enum vg_status
merge(struct applier *applier, struct advance_command *advance,
      const struct merged_letter *letter, bool *ret_waits)
{
    uint32_t mailbox = advance->mailbox;
    struct merged_row earlier, later;
    bool may = false;
    enum vg_status status = may_merge(applier, mailbox, letter, ret_waits, &may);

    if (status == VG_OK) {
        status = read_row(applier, letter->ticket, mailbox, &earlier);
    }
    if (status == VG_OK) {
        status = read_row(applier, letter->into_ticket, mailbox, &later);
    }
    if (status != VG_OK || !may || earlier.head.into != 0 || later.head.into != 0 ||
        earlier.head.len + later.head.len >= MERGED_MAX) {
        return status;
    }
    status = acknowledge(applier, mailbox, &letter->about.letter);
    if (status == VG_OK) {
        tell(applier, mailbox, letter);
        advance->merged++;
        *ret_waits = false;
        status = put_rows(applier, mailbox, letter, &earlier, &later);
    }
    return status;
}

enum vg_status
merge_repeats(struct applier *applier, struct command *command, bool *ret_waits)
{
    struct advance_command *advance = &command->advance;
    enum vg_status status = VG_OK;

    advance->merged = 0;
    *ret_waits = false;
    for (size_t i = 0; status == VG_OK && i < advance->merges_len; i++) {
        bool waits = false;

        status = merge(applier, advance, &advance->merges[i], &waits);
        *ret_waits = *ret_waits || waits;
    }
    return status == VG_TOO_MANY ? VG_OK : status;
}

// ---- into another mailbox ----

// Whoever sends from it must know that some of its letters stand for others.
enum vg_status
repeats_mark(struct applier *applier, uint32_t mailbox)
{
    const struct mailbox_spec *spec = roster_mailbox(applier->roster, mailbox);
    struct mailbox_rules rules;

    if (spec == NULL || spec->rules.repeats != REPEATS_COME) {
        return VG_OK;
    }
    rules = spec->rules;
    rules.repeats = REPEATS_MERGED;
    CHECK(roster_set_rules(applier->roster, mailbox, &rules));
    applier->roster_changed = true;
    return rules_put(applier->txn, (struct mailbox_id){mailbox}, &rules);
}

// What is known there of a ticket stands: it has had that mutation itself.
static enum vg_status
put_new(struct applier *applier, uint64_t ticket, uint32_t mailbox,
        const struct merged_row *row, bool *ret_new)
{
    struct merged_row there;
    enum vg_status status =
        merged_get(applier->txn, ticket, (struct mailbox_id){mailbox}, &there);

    *ret_new = status == VG_NOT_FOUND;
    return *ret_new ? merged_put(applier->txn, ticket, (struct mailbox_id){mailbox}, row)
                    : status;
}

enum vg_status
repeats_follow(struct applier *applier, uint64_t ticket, uint32_t from, uint32_t to)
{
    struct merged_row gone = {.head = {.into = ticket}};
    struct merged_row row;
    bool new = false;
    enum vg_status status =
        merged_get(applier->txn, ticket, (struct mailbox_id){from}, &row);

    if (status != VG_OK || row.head.len == 0) {
        return status == VG_NOT_FOUND ? VG_OK : status;
    }
    status = put_new(applier, ticket, to, &row, &new);
    if (status != VG_OK || !new) {
        return status;
    }
    for (uint32_t i = 0; status == VG_OK && i < row.head.len; i++) {
        status = put_new(applier, row.tickets[i], to, &gone, &new);
    }
    return status == VG_OK ? repeats_mark(applier, to) : status;
}
