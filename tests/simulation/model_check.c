// SPDX-License-Identifier: EUPL-1.2
// Looking at everything that lies on the disk.
#include "model_inside.h"

#include "flow/freshness.h"
#include "flow/outflow.h"

#include <stdlib.h>
#include <string.h>

enum { LETTERS_AT_ONCE = 64 };

// ---- rows ----

static void
check_producers(struct model *model, struct txn *txn)
{
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        for (uint32_t p = 1; p < PRODUCERS_MAX; p++) {
            struct producer_row row;

            if (model->producers[i][p].len == 0) {
                continue;
            }
            if (producer_get(txn, (struct institution_id){i}, p, &row) != VG_OK ||
                row.last_number != model->producers[i][p].len) {
                broken("producer %u of institution %u is at %llu, not %zu", p, i,
                       (unsigned long long)row.last_number, model->producers[i][p].len);
            }
        }
    }
}

void
model_rows(struct model *model, struct txn *txn)
{
    struct meta meta;

    if (meta_get(txn, &meta, NULL) != VG_OK || meta.last_commit != model->commits ||
        meta.last_sequence != model->tickets || meta.catalogue != model->catalogue ||
        meta.last_institution != model->institutions_len ||
        meta.last_extra_mailbox != model->extra_len) {
        broken("the meta row: commit %llu, ticket %llu, catalogue %llu; not %llu, %llu, "
               "%llu",
               (unsigned long long)meta.last_commit,
               (unsigned long long)meta.last_sequence, (unsigned long long)meta.catalogue,
               (unsigned long long)model->commits, (unsigned long long)model->tickets,
               (unsigned long long)model->catalogue);
    }
    for (size_t i = 0; i < model->boxes_len; i++) {
        rule_counters(&model->boxes[i], txn);
    }
    check_producers(model, txn);
}

// ---- letters ----

static void
check_letter(const struct model *model, const struct model_box *box,
             const struct letter *letter, struct txn *txn)
{
    const struct told *told;
    struct bytes body;

    if (letter->number == 0 || letter->number > box->len) {
        broken("mailbox %u holds letter %llu of %zu", box->id,
               (unsigned long long)letter->number, box->len);
    }
    told = &box->told[letter->number - 1];
    if ((told->place == PLACE_TURN && letter->body != told->body) ||
        letter->size != told->size || letter->quality != told->quality ||
        letter->begin != told->begin || letter->end != told->end ||
        letter->bytes_through != told->bytes_through) {
        broken("mailbox %u, letter %llu is not as it was published", box->id,
               (unsigned long long)letter->number);
    }
    if ((told->place == PLACE_TURN || told->kept_us > model->erased_us) &&
        (body_get(txn, letter->body, &body) != VG_OK ||
         checksum_of(body.at, body.len) != told->checksum)) {
        broken("mailbox %u, letter %llu has another body now", box->id,
               (unsigned long long)letter->number);
    }
}

// From the mark on, every letter that comes in its turn is there, in order; others may be.
void
model_check_letters(struct model *model, const struct tails *tails, struct txn *txn)
{
    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[i];
        struct letter letters[LETTERS_AT_ONCE];
        uint64_t next = box->mark + 1;
        size_t len = 1;

        while (len > 0) {
            if (tails_letters(tails, txn, box->id, next, letters, ARRAY_LEN(letters),
                              &len) != VG_OK) {
                broken("mailbox %u: its letters cannot be read", box->id);
            }
            for (size_t j = 0; j < len; j++) {
                for (; next < letters[j].number && next <= box->len; next++) {
                    if (box->told[next - 1].place == PLACE_TURN) {
                        broken("mailbox %u: letter %llu is lost, or comes after %llu",
                               box->id, (unsigned long long)next,
                               (unsigned long long)letters[j].number);
                    }
                }
                if (letters[j].number < next) {
                    broken("mailbox %u: letter %llu comes after a later one", box->id,
                           (unsigned long long)letters[j].number);
                }
                check_letter(model, box, &letters[j], txn);
                next = letters[j].number + 1;
            }
        }
        for (; next <= box->len; next++) {
            if (box->told[next - 1].place == PLACE_TURN) {
                broken("mailbox %u: letter %llu is lost", box->id,
                       (unsigned long long)next);
            }
        }
    }
}

// ---- held letters ----

static void
check_held_row(const struct model_box *box, uint64_t number, struct txn *txn)
{
    static const enum held_state states[PLACES] = {
        [PLACE_RETRY] = HELD_RETRY,
        [PLACE_BEHIND] = HELD_BEHIND,
        [PLACE_PARKED] = HELD_PARKED,
    };
    const struct told *told = &box->told[number - 1];
    enum held_state state = states[told->place];
    struct held_row row = {.head = {.state = HELD_GONE}};
    enum vg_status status = held_get(txn, (struct mailbox_id){box->id}, number, &row);

    if (row.head.state != state ||
        status != (state == HELD_GONE ? VG_NOT_FOUND : VG_OK)) {
        broken("mailbox %u, letter %llu: the disk says that its state is %d, not %d",
               box->id, (unsigned long long)number, (int)row.head.state, (int)state);
    }
    if (state != HELD_GONE &&
        (row.head.subject != told->subject || row.head.attempts != told->attempts ||
         row.head.due_us != told->due_us || row.head.actor != told->actor ||
         row.head.letter.body != told->body || row.head.letter.size != told->size ||
         row.head.letter.quality != told->quality ||
         row.head.letter.begin != told->begin || row.head.letter.end != told->end)) {
        broken("mailbox %u, letter %llu is not held as it was refused: %u times, due at "
               "%lld, by institution %u; not %u, %lld, %u",
               box->id, (unsigned long long)number, row.head.attempts,
               (long long)row.head.due_us, row.head.actor, told->attempts,
               (long long)told->due_us, told->actor);
    }
}

static bool
count_row(struct mailbox_id mailbox, const struct held_row *row, void *arg)
{
    (void)mailbox;
    (void)row;
    ++*(uint64_t *)arg;
    return true;
}

static void
check_held(const struct model *model, struct txn *txn)
{
    uint64_t expected = 0;
    uint64_t rows = 0;

    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[i];

        expected +=
            box->count[PLACE_RETRY] + box->count[PLACE_BEHIND] + box->count[PLACE_PARKED];
        for (uint64_t n = 1; n <= box->len; n++) {
            check_held_row(box, n, txn);
        }
    }
    if (held_each(txn, count_row, &rows) != VG_OK || rows != expected) {
        broken("%llu letters are held or parked on disk, not %llu",
               (unsigned long long)rows, (unsigned long long)expected);
    }
}

// ---- when each source was heard last ----

static bool
count_heard(struct institution_id source, uint16_t flow, const struct heard *heard,
            void *arg)
{
    (void)source;
    (void)flow;
    (void)heard;
    ++*(uint64_t *)arg;
    return true;
}

static void
check_heard(const struct model *model, struct txn *txn)
{
    uint64_t expected = 0, rows = 0;

    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        for (unsigned f = 0; f < facts_flows(); f++) {
            const struct model_heard *must = &model->heard[i][f];
            struct heard row;

            if (must->mutations == 0) {
                continue;
            }
            expected++;
            if (heard_get(txn, (struct institution_id){i}, facts_flow(0, f)->id, &row) !=
                    VG_OK ||
                row.last_us != must->last_us || row.last_ticket != must->ticket ||
                row.mutations != must->mutations) {
                broken("institution %u was heard of %s %llu times, and the disk says "
                       "otherwise",
                       i, facts_flow(0, f)->name, (unsigned long long)must->mutations);
            }
        }
    }
    if (heard_each(txn, count_heard, &rows) != VG_OK || rows != expected) {
        broken("%llu sources and flows were heard, not %llu", (unsigned long long)rows,
               (unsigned long long)expected);
    }
}

static void
check_fresh(const struct model *model, const struct fresh *fresh, int64_t now_us)
{
    const struct model_heard *heard = NULL;
    int64_t rhythm_us = 0;
    bool late;

    for (unsigned f = 0; f < facts_flows(); f++) {
        if (facts_flow(0, f)->id == fresh->flow->id) {
            heard = &model->heard[fresh->source->id][f];
            rhythm_us = facts_flow(0, f)->rhythm_days * INT64_C(86400000000);
        }
    }
    CHECK(heard != NULL);
    late =
        rhythm_us > 0 && (heard->mutations == 0 || heard->last_us + rhythm_us < now_us);
    if (fresh->heard.mutations != heard->mutations || fresh->late != late) {
        broken("institution %u is %s with %s", fresh->source->id,
               fresh->late ? "late" : "not late", fresh->flow->name);
    }
}

// Each source of a flow with a rhythm is listed, heard or not, and who was heard of another.
void
model_check_fresh(const struct model *model, struct txn *txn,
                  const struct catalogue *catalogue, const struct roster *roster,
                  int64_t now_us)
{
    struct fresh *rows = NULL;
    size_t len = 0, expected = 0;

    if (freshness_list(txn, catalogue, roster, (struct instant){now_us}, false, &rows,
                       &len) != VG_OK) {
        broken("it cannot be read who was heard");
    }
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        for (unsigned f = 0; f < facts_flows(); f++) {
            const struct fact_flow *flow = facts_flow(0, f);

            expected += model->heard[i][f].mutations > 0 ||
                        (flow->rhythm_days > 0 &&
                         (flow->sources >> model->institutions[i].sector & 1) != 0);
        }
    }
    for (size_t i = 0; i < len; i++) {
        check_fresh(model, &rows[i], now_us);
    }
    if (len != expected) {
        broken("%zu sources and flows are listed, not %zu", len, expected);
    }
    free(rows);
}

// ---- persons, keys, refusals ----

static void
check_person(const struct model *model, int i, struct txn *txn)
{
    struct person person;
    size_t rows = 0;

    if (person_get(txn, (struct niss){model->niss[i]}, &person) != VG_OK) {
        broken("person %d cannot be read", i);
    }
    if (model->replaced_by[i] >= 0) {
        if (person.replaced_by.number != model->niss[model->replaced_by[i]]) {
            broken("person %d is not replaced as he was", i);
        }
        return;
    }
    for (uint32_t id = 1; id <= model->institutions_len; id++) {
        for (unsigned q = 1; q < 64; q++) {
            struct run run;

            if ((model->follows[i][id] >> q & 1) == 0) {
                continue;
            }
            for (int bit = 0; days_next_run(model, model->held[i][id][q], &bit, &run);) {
                bool found = false;

                rows++;
                for (size_t j = 0; j < person.len; j++) {
                    const struct integration *row = &person.integrations[j];

                    found = found || (row->institution == id && row->quality == q &&
                                      row->begin == run.begin && row->end == run.end);
                }
                if (!found) {
                    broken("person %d: quality %u of institution %u from %d to %d is not "
                           "on disk",
                           i, q, id, run.begin, run.end);
                }
            }
        }
    }
    if (rows != person.len || person.replaced_by.number != 0) {
        broken("person %d has %zu integrations on disk, not %zu", i, person.len, rows);
    }
}

static void
check_keys(const struct model *model, struct txn *txn)
{
    for (size_t i = 0; i < model->keys_len; i++) {
        struct key_row row;

        if (key_get(txn, model->keys[i].key, &row) != VG_OK ||
            row.institution != model->keys[i].institution ||
            (row.revoked_us != 0) != model->keys[i].revoked) {
            broken("key %zu is not on disk as it was added or revoked", i);
        }
    }
}

static void
check_refusals(const struct model *model, uint32_t institution, uint32_t number,
               struct txn *txn)
{
    const struct model_producer *producer = &model->producers[institution][number];

    for (size_t i = 0; i < producer->len; i++) {
        enum vg_status status = VG_OK;
        struct why text;
        enum vg_status found = refusal_get(txn, (struct institution_id){institution},
                                           number, i + 1, &status, &text);
        enum vg_status expected =
            producer->outcomes[i].status == VG_OK ? VG_NOT_FOUND : VG_OK;

        if (found != expected || status != producer->outcomes[i].status) {
            broken("institution %u, number %zu: the disk remembers %s, not %s",
                   institution, i + 1, vg_status_name(status),
                   vg_status_name(producer->outcomes[i].status));
        }
    }
}

void
model_everything(struct model *model, struct txn *txn)
{
    struct tails *tails = NULL;

    model_rows(model, txn);
    if (tails_open(txn, &tails, NULL) != VG_OK) {
        broken("the tails cannot be rebuilt");
    }
    model_check_letters(model, tails, txn);
    tails_free(&tails);
    check_held(model, txn);
    rules_hold(model, txn);
    for (int i = 0; i < PERSONS; i++) {
        check_person(model, i, txn);
    }
    check_keys(model, txn);
    check_heard(model, txn);
    model_check_references(model, txn);
    model_check_walk(model, txn);
    model_check_mailbox_rules(model, txn);
    model_check_withdrawn(model, txn);
    model_check_merged(model, txn);
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        for (uint32_t p = 1; p < PRODUCERS_MAX; p++) {
            check_refusals(model, i, p, txn);
        }
    }
}
