// SPDX-License-Identifier: EUPL-1.2
// What must hold, whatever happened: the promises of README.md, each a function, looked at
// in all that lies on the disk. Who must get what, and what became of it, the model has
// worked out on its own on the day that it happened (model.c, model_places.c).
#include "model_inside.h"

#include <stdlib.h>
#include <string.h>

// One reading of the whole journal.
struct reading {
    const struct model *model;
    struct txn *txn;
    bool from_begin;        // nothing was trimmed
    size_t seen[BOXES_MAX]; // newest number of each mailbox so far
    uint32_t *must_get;     // by ticket: mailboxes
};

// ---- kept <=> in all its mailboxes, or in none ----

static void
count_all_shares(struct reading *reading)
{
    const struct model *model = reading->model;

    reading->must_get = xcalloc(model->tickets + 1, sizeof *reading->must_get);
    for (size_t i = 0; i < model->boxes_len; i++) {
        for (size_t j = 0; j < model->boxes[i].len; j++) {
            reading->must_get[model->boxes[i].told[j].event] +=
                !model->boxes[i].told[j].moved;
        }
    }
}

static void
kept_in_all_or_none(const struct reading *reading, const struct journal_event *event)
{
    const struct model_producer *producer =
        &reading->model->producers[event->source][event->producer];
    bool kept = event->source == 0 ||           // the broker itself
                event->again == AGAIN_CAUGHT || // so the model has worked out
                (event->number <= producer->len &&
                 producer->outcomes[event->number - 1].status == VG_OK);

    if (!kept || event->ticket > reading->model->tickets ||
        event->recipients != reading->must_get[event->ticket]) {
        broken("ticket %llu lies in %u mailboxes, and %s",
               (unsigned long long)event->ticket, event->recipients,
               kept ? "belongs in others" : "was refused");
    }
}

// ---- numbers are consecutive: 1, 2, 3 ... ----

static const struct told *
next_number(struct reading *reading, const struct journal_recipient *recipient)
{
    const struct model *model = reading->model;
    size_t i = 0;

    while (i < model->boxes_len && model->boxes[i].id != recipient->mailbox) {
        i++;
    }
    if (i < model->boxes_len && reading->seen[i] == 0 && !reading->from_begin) {
        reading->seen[i] = recipient->number - 1; // those before were trimmed
    }
    if (i == model->boxes_len || recipient->number != ++reading->seen[i] ||
        reading->seen[i] > model->boxes[i].len) {
        broken("the journal gives mailbox %u letter %llu out of order",
               recipient->mailbox, (unsigned long long)recipient->number);
    }
    return &model->boxes[i].told[recipient->number - 1];
}

// ---- the order is the one in which they were published ----

static void
in_order_published(const struct model *model, const struct model_box *box)
{
    uint64_t last[INSTITUTIONS_MAX][PRODUCERS_MAX] = {0};

    for (size_t i = 0; i < box->len; i++) {
        const struct told *told = &box->told[i];
        uint64_t *before = &last[told->source][told->producer];

        if (told->moved) {
            model_check_order_moved(model, box);
            return;
        }
        if ((told->source != 0 && told->because == 0 && told->number <= *before) ||
            (i > 0 && told->event <= told[-1].event)) {
            broken("mailbox %u: number %llu of institution %u overtakes or comes twice",
                   box->id, (unsigned long long)told->number, told->source);
        }
        *before = told->because == 0 ? told->number : *before;
    }
}

// ---- of a person's letters only the first held one is tried: nothing overtakes it ----

static void
nobody_is_overtaken(const struct model_box *box, struct txn *txn)
{
    for (uint64_t n = 1; n <= box->len; n++) {
        const struct told *told = &box->told[n - 1];
        enum held_state state = HELD_GONE;
        uint64_t first = 0;

        if (!model_is_held(told)) {
            continue;
        }
        if (held_about(txn, (struct mailbox_id){box->id}, told->subject, 0, &first,
                       &state) != VG_OK ||
            first > n || state != HELD_RETRY ||
            (told->place == PLACE_RETRY) != (first == n)) {
            broken("mailbox %u: letter %llu is held, and %llu about the same person is "
                   "the first",
                   box->id, (unsigned long long)n, (unsigned long long)first);
        }
    }
}

// ---- nothing without an integration that justified it on that day, and named it ----

static void
is_justified(const struct journal_recipient *recipient, const struct told *told)
{
    if (recipient->quality != told->quality || recipient->begin != told->begin ||
        recipient->end != told->end || recipient->body != told->first_body) {
        broken("mailbox %u got letter %llu by quality %u from %d to %d, not by %u",
               recipient->mailbox, (unsigned long long)recipient->number,
               recipient->quality, recipient->begin, recipient->end, told->quality);
    }
}

// ---- no field in any body that its mailbox may not see; no body gone that is needed ----

static bool
must_be_there(const struct model *model, const struct told *told)
{
    return (told->place != PLACE_DONE && told->place != PLACE_DROPPED) ||
           told->kept_us > model->erased_us;
}

static void
nothing_withheld_is_told(const struct model *model, const struct model_box *box,
                         struct txn *txn)
{
    for (size_t i = 0; i < box->len; i++) {
        const struct told *told = &box->told[i];
        struct hot_content content;
        const char *fault = "it is gone too early";
        struct bytes body;

        if (!must_be_there(model, told)) {
            continue;
        }
        if (body_get(txn, told->body, &body) == VG_OK &&
            hot_read_content((struct hot_bytes){body.at, body.len}, &content) == HOT_OK) {
            fault = checksum_of(body.at, body.len) != told->checksum
                        ? "it is another one now"
                    : content.mutation.caught_up != told->because
                        ? "it comes because of something else"
                        : deed_is_told(&model->deeds[told->deed - 1], told->kept,
                                       told->referred, &content);
        }
        if (fault != NULL) {
            broken("mailbox %u, letter %zu, its body: %s", box->id, i + 1, fault);
        }
    }
}

// ---- counters are what a recount gives ----

void
rule_counters(const struct model_box *box, struct txn *txn)
{
    uint64_t count[PLACES] = {0};
    uint64_t bytes[PLACES] = {0};
    struct mailbox_row row = {.last = 0};

    for (size_t i = 0; i < box->len; i++) {
        count[box->told[i].place]++;
        bytes[box->told[i].place] += box->told[i].size;
    }
    if (mailbox_get(txn, (struct mailbox_id){box->id}, &row) != VG_OK ||
        row.last != box->len || row.acknowledged != box->mark) {
        broken("mailbox %u: its row is at %llu, marked %llu; not at %zu and %llu",
               box->id, (unsigned long long)row.last,
               (unsigned long long)row.acknowledged, box->len,
               (unsigned long long)box->mark);
    }

    const struct {
        const char *what;
        uint64_t is, must;
    } counters[] = {
        {"waiting", mailbox_waiting(&row),
         count[PLACE_TURN] + count[PLACE_RETRY] + count[PLACE_BEHIND]},
        {"waiting bytes", mailbox_bytes_waiting(&row),
         bytes[PLACE_TURN] + bytes[PLACE_RETRY] + bytes[PLACE_BEHIND]},
        {"held", row.held, count[PLACE_RETRY] + count[PLACE_BEHIND]},
        {"held bytes", row.held_bytes, bytes[PLACE_RETRY] + bytes[PLACE_BEHIND]},
        {"parked", row.parked, count[PLACE_PARKED]},
        {"parked bytes", row.parked_bytes, bytes[PLACE_PARKED]},
        {"dropped", row.dropped, count[PLACE_DROPPED]},
        {"acknowledged", row.acknowledged_total, count[PLACE_DONE]},
    };

    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        if (counters[i].is != counters[i].must) {
            broken("mailbox %u: %s is %llu, not %llu", box->id, counters[i].what,
                   (unsigned long long)counters[i].is,
                   (unsigned long long)counters[i].must);
        }
    }
}

// ---- the journal's hashes verify, each on the one before ----

static void
read_record(struct reading *reading, const struct buffer *record)
{
    struct journal_recipient recipient;
    struct journal_event event;
    struct journal_item item;
    size_t offset = 0;

    while (journal_next(record, &offset, &item)) {
        if (item.kind != JOURNAL_EVENT) {
            continue;
        }
        CHECK(journal_item_as(&item, &event, sizeof event));
        if (event.again == AGAIN_NOT) {
            kept_in_all_or_none(reading, &event);
        }
        for (size_t i = 0; journal_item_recipient(&item, i, &recipient); i++) {
            is_justified(&recipient, next_number(reading, &recipient));
        }
    }
}

static void
chain_verifies(struct reading *reading, uint64_t first_commit)
{
    struct journal_head before = {.commit = 0};
    struct buffer record = {0};

    for (uint64_t commit = first_commit; commit <= reading->model->commits; commit++) {
        struct journal_head head;

        if (journal_read(reading->txn, commit, &record, &head, NULL) != VG_OK ||
            (commit > first_commit &&
             memcmp(&head.previous, &before.hash, sizeof before.hash) != 0) ||
            head.time_us < before.time_us || head.batch <= before.batch) {
            broken("commit %llu cannot be read, or does not follow the one before",
                   (unsigned long long)commit);
        }
        before = head;
        read_record(reading, &record);
    }
    buffer_free(&record);
}

// ---- all of it ----

void
rules_hold(const struct model *model, struct txn *txn)
{
    struct reading reading = {.model = model, .txn = txn};
    struct meta meta;

    if (meta_get(txn, &meta, NULL) != VG_OK || meta.first_commit == 0 ||
        (meta.first_commit > 1 &&
         model_day(model->commit_us[meta.first_commit - 2]) >= model->trimmed_day)) {
        broken("the journal begins with commit %llu, too late",
               (unsigned long long)meta.first_commit);
    }
    reading.from_begin = meta.first_commit == 1;
    count_all_shares(&reading);
    chain_verifies(&reading, meta.first_commit);
    free(reading.must_get);
    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[i];

        if (reading.seen[i] != box->len && (reading.from_begin || reading.seen[i] > 0)) {
            broken("the journal gives mailbox %u %zu letters, not %zu", box->id,
                   reading.seen[i], box->len);
        }
        rule_counters(box, txn);
        in_order_published(model, box);
        nobody_is_overtaken(box, txn);
        nothing_withheld_is_told(model, box, txn);
    }
}
