// SPDX-License-Identifier: EUPL-1.2
// flow_fixture.h - a real store in a fresh folder, the shipped catalogue, some institutions,
// and hands to build batches, apply them and look at the disk afterwards.
//
// What is looked at is read in a transaction of its own, begun after the commit: a yes that
// is not on the disk is seen.
#ifndef TESTS_UNIT_FLOW_FIXTURE_H
#define TESTS_UNIT_FLOW_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow/apply.h"
#include "flow/outflow.h"
#include "scratch.h"
#include "store/bodies.h"
#include "store/check.h"
#include "store/journal.h"
#include "store/lmdb_calls.h"
#include "store/mailbox.h"
#include "store/person.h"

// Last: its own fail() would hide ours.
#include <cmocka.h>

// In the order in which they are added.
enum { NOBODY, RN, BIS, ONSS, SPPIS, CPAS_A, CPAS_B, CPAS_C, MUTUALITY, INSTITUTIONS };

static const struct {
    const char *code;
    uint16_t sector;
} flow_institutions[INSTITUTIONS] = {
    [RN] = {"RN", 1},          [BIS] = {"BIS", 2},        [ONSS] = {"ONSS", 4},
    [SPPIS] = {"SPPIS", 7},    [CPAS_A] = {"CPAS-A", 17}, [CPAS_B] = {"CPAS-B", 17},
    [CPAS_C] = {"CPAS-C", 17}, [MUTUALITY] = {"MUT", 10},
};

struct flow_fixture {
    char path[256];
    struct store *store;
    struct applier *applier;
    struct batch *next; // being filled
    struct batch *done; // the last applied
    struct txn *view;
    int64_t now_us;
    uint64_t batch_id;
    struct why why;
};

__attribute__((unused)) static int64_t
flow_noon(int year, int month, int day)
{
    return ((int64_t)day_of(year, month, day).number * 24 + 12) * 3600 * 1000000;
}

// Fictitious people, one per index.
__attribute__((unused)) static struct niss
flow_person(int index)
{
    return niss_make(1950 + index % 40, 61 + index % 12, 1 + index % 28, 1 + index % 900);
}

// A small generator of our own: the same on every machine. seed is changed.
__attribute__((unused)) static uint64_t
flow_draw(uint64_t *seed, uint64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

// ---- a batch ----

static struct command *
flow_command(struct flow_fixture *f, enum command_kind kind, uint32_t actor)
{
    struct command *command = command_new(kind, NULL, 0);

    command->actor = actor;
    if (f->next == NULL) {
        f->next = xcalloc(1, sizeof *f->next);
        f->next->test_persons = true;
    }
    batch_add(f->next, command);
    return command;
}

static enum vg_status
flow_try(struct flow_fixture *f)
{
    batch_free(&f->done);
    f->done = f->next;
    f->next = NULL;
    f->done->id = ++f->batch_id;
    f->done->time.us = f->now_us;
    f->now_us += 1000000;
    return apply_batch(f->applier, f->done, &f->why);
}

static void
flow_apply(struct flow_fixture *f)
{
    enum vg_status status = flow_try(f);

    if (status != VG_OK) {
        print_message("%s: %s\n", vg_status_name(status), f->why.text);
    }
    assert_int_equal(status, VG_OK);
}

// ---- commands ----

__attribute__((unused)) static struct command *
flow_load_catalogue(struct flow_fixture *f, const char *text, size_t len)
{
    struct command *command = flow_command(f, COMMAND_LOAD_CATALOGUE, 0);

    buffer_add(&command->frame, text, len);
    command->load_catalogue.text = (struct bytes){command->frame.at, len};
    return command;
}

static struct buffer
flow_shipped_catalogue(void)
{
    struct buffer text = {0};
    FILE *file = fopen(SOURCE_DIR "/deploy/catalogue.yaml", "r");

    assert_non_null(file);
    for (size_t got = 1; got > 0; text.len += got) {
        got = fread(buffer_reserve(&text, 65536), 1, 65536, file);
    }
    fclose(file);
    return text;
}

static struct command *
flow_add_institution(struct flow_fixture *f, const char *code, uint16_t sector)
{
    struct command *command = flow_command(f, COMMAND_ADD_INSTITUTION, 0);
    struct institution *institution = &command->add_institution.institution;

    institution->sector = sector;
    snprintf(institution->code, sizeof institution->code, "%s", code);
    return command;
}

__attribute__((unused)) static struct hot_bytes
flow_words(const char *words)
{
    return (struct hot_bytes){(const uint8_t *)words, strlen(words)};
}

__attribute__((unused)) static struct hot_mutation
flow_mutation(const char *flow, struct niss niss)
{
    return (struct hot_mutation){.flow = flow_words(flow), .niss = niss.number};
}

__attribute__((unused)) static void
flow_field(struct hot_mutation *mutation, const char *code, const char *value)
{
    struct hot_field *field = &mutation->fields[mutation->fields_len++];

    field->code = flow_words(code);
    field->value = flow_words(value);
}

// A change of address: what a debtor may see, 020, and what he may not, 150.
__attribute__((unused)) static struct hot_mutation
flow_address(int person)
{
    struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(person));

    flow_field(&mutation, "020", "Rue Haute 1");
    flow_field(&mutation, "150", "Anvers 19991231");
    return mutation;
}

// Through the frame that a client would send.
__attribute__((unused)) static struct command *
flow_publish(struct flow_fixture *f, uint32_t source, uint32_t producer, uint64_t first,
             const struct hot_mutation *mutations, size_t len)
{
    struct command *command = flow_command(f, COMMAND_PUBLISH, source);
    size_t size = HOT_HEAD_MAX;
    struct hot_bytes body;
    uint8_t *end, *begin;

    for (size_t i = 0; i < len; i++) {
        size += hot_mutation_size(&mutations[i]);
    }
    buffer_reserve(&command->frame, size);
    end = command->frame.at + HOT_HEAD_MAX;
    for (size_t i = 0; i < len; i++) {
        end = hot_write_mutation(end, &mutations[i]);
    }
    command->frame.len = (size_t)(end - command->frame.at);
    begin = hot_publish_head(command->frame.at + HOT_HEAD_MAX,
                             command->frame.len - HOT_HEAD_MAX, producer, first);
    assert_int_equal(
        hot_to_broker_kind((struct hot_bytes){begin, (size_t)(end - begin)}, &body), 3);
    assert_int_equal(hot_read_publish(body, &command->publish.publish), HOT_OK);
    return command;
}

__attribute__((unused)) static struct command *
flow_publish_one(struct flow_fixture *f, uint32_t source, uint64_t number,
                 struct hot_mutation mutation)
{
    return flow_publish(f, source, 1, number, &mutation, 1);
}

__attribute__((unused)) static struct command *
flow_integrate(struct flow_fixture *f, uint32_t institution, struct niss niss,
               uint32_t quality, uint32_t begin, uint32_t end)
{
    struct command *command = flow_command(f, COMMAND_INTEGRATE, institution);
    struct integrate_command *integrate = &command->integrate;

    integrate->institution = institution;
    integrate->items_len = 1;
    integrate->items = xcalloc(1, sizeof *integrate->items);
    integrate->items[0] = (struct integrate_request){
        .niss = niss.number,
        .quality = quality,
        .begin = begin,
        .end = end,
        .proof.birth_date = (uint32_t)niss_birth(niss).year * 10000,
    };
    return command;
}

// Follows a person from the first of the month on, in a batch of its own.
__attribute__((unused)) static void
flow_follow(struct flow_fixture *f, uint32_t institution, int person, uint32_t quality)
{
    struct command *command =
        flow_integrate(f, institution, flow_person(person), quality, 20261101, 0);

    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_not_equal(command->integrate.results[0].verdict, VERDICT_NO);
}

// A mailbox does not want a flow any more, in a batch of its own. qualities 0: at all.
__attribute__((unused)) static void
flow_decline(struct flow_fixture *f, uint32_t mailbox, const char *flow,
             uint64_t qualities)
{
    struct command *command = flow_command(f, COMMAND_SET_RULES, 0);
    struct set_rules_command *set = &command->set_rules;

    set->mailbox = mailbox;
    set->named = RULES_UNWANTED;
    set->unwanted = xcalloc(1, sizeof *set->unwanted);
    set->unwanted[set->unwanted_len++] =
        (struct choice_request){bytes_of(flow), qualities};
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

// A mailbox wants neither of a notification and its cancellation, in a batch of its own.
__attribute__((unused)) static void
flow_want_neither(struct flow_fixture *f, uint32_t mailbox)
{
    struct command *command = flow_command(f, COMMAND_SET_RULES, 0);

    command->set_rules =
        (struct set_rules_command){.mailbox = mailbox,
                                   .named = RULES_CANCELLED,
                                   .rules = {.cancelled = CANCELLED_NEITHER}};
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

// What the loop proposes after the last batch, when none of its pairs was sent.
__attribute__((unused)) static struct command *
flow_propose_withdrawal(struct flow_fixture *f)
{
    struct batch *batch = f->done;
    struct command *command = flow_command(f, COMMAND_WITHDRAW, 0);
    struct withdraw_command *withdraw = &command->withdraw;

    withdraw->pairs_len = batch->pairs_len;
    withdraw->pairs = xcalloc(batch->pairs_len + 1, sizeof *withdraw->pairs);
    for (size_t i = 0; i < batch->pairs_len; i++) {
        withdraw->pairs[i] = batch->pairs[i];
    }
    return command;
}

// ---- the disk ----

static struct txn *
flow_view(struct flow_fixture *f)
{
    if (f->view == NULL) {
        assert_int_equal(store_read(f->store, &f->view, NULL), VG_OK);
    } else {
        assert_int_equal(store_read_renew(f->view), VG_OK);
    }
    return f->view;
}

__attribute__((unused)) static struct meta
flow_meta(struct flow_fixture *f)
{
    struct meta meta;

    assert_int_equal(meta_get(flow_view(f), &meta, NULL), VG_OK);
    return meta;
}

__attribute__((unused)) static struct mailbox_row
flow_row(struct flow_fixture *f, uint32_t mailbox)
{
    struct mailbox_row row;

    assert_int_equal(mailbox_get(flow_view(f), (struct mailbox_id){mailbox}, &row),
                     VG_OK);
    return row;
}

__attribute__((unused)) static struct producer_row
flow_producer(struct flow_fixture *f, uint32_t source, uint32_t producer)
{
    struct producer_row row;

    assert_int_equal(
        producer_get(flow_view(f), (struct institution_id){source}, producer, &row),
        VG_OK);
    return row;
}

// All letters of a mailbox from a number on, as a broker that just started finds them.
__attribute__((unused)) static size_t
flow_letters(struct flow_fixture *f, uint32_t mailbox, uint64_t from,
             struct letter *ret_letters, size_t max)
{
    struct txn *txn = flow_view(f);
    struct tails *tails = NULL;
    size_t len = 0;
    size_t got = 1;

    assert_int_equal(tails_open(txn, &tails, NULL), VG_OK);
    while (got > 0 && len < max) {
        assert_int_equal(tails_letters(tails, txn, mailbox,
                                       len == 0 ? from : ret_letters[len - 1].number + 1,
                                       ret_letters + len, max - len, &got),
                         VG_OK);
        len += got;
    }
    tails_free(&tails);
    return len;
}

// Lends from the view.
__attribute__((unused)) static struct hot_content
flow_content(struct flow_fixture *f, const struct letter *letter)
{
    struct hot_content content;
    struct bytes body;

    assert_int_equal(body_get(flow_view(f), letter->body, &body), VG_OK);
    assert_int_equal(body.len, letter->size);
    assert_int_equal(hot_read_content((struct hot_bytes){body.at, body.len}, &content),
                     HOT_OK);
    return content;
}

// Calls back for every item of the journal, in order.
typedef void (*flow_item_fn)(const struct journal_item *item, void *arg);

__attribute__((unused)) static void
flow_each_item(struct flow_fixture *f, flow_item_fn each, void *arg)
{
    struct meta meta = flow_meta(f);
    struct buffer record = {0};
    struct journal_head head;
    struct journal_item item;

    for (uint64_t commit = meta.first_commit; commit <= meta.last_commit; commit++) {
        size_t offset = 0;

        assert_int_equal(journal_read(f->view, commit, &record, &head, NULL), VG_OK);
        while (journal_next(&record, &offset, &item)) {
            each(&item, arg);
        }
    }
    buffer_free(&record);
}

struct flow_last_item {
    enum journal_kind kind;
    void *ret;
    size_t len;
    size_t found;
};

static void
flow_note_item(const struct journal_item *item, void *arg)
{
    struct flow_last_item *last = arg;

    if (item->kind == last->kind) {
        assert_true(journal_item_as(item, last->ret, last->len));
        last->found++;
    }
}

// Copies the last item of a kind out of the journal, and returns how many there are.
__attribute__((unused)) static size_t
flow_last_item(struct flow_fixture *f, enum journal_kind kind, void *ret, size_t len)
{
    struct flow_last_item last = {kind, ret, len, 0};

    flow_each_item(f, flow_note_item, &last);
    return last.found;
}

// Recounts everything from the journal.
__attribute__((unused)) static void
flow_assert_sound(struct flow_fixture *f)
{
    struct check_report report = {.commits = 0};

    assert_int_equal(store_check(f->store, &report, NULL, NULL, &f->why), VG_OK);
    if (report.faults.total > 0) {
        print_message("%s\n", report.faults.fault[0].why.text);
    }
    assert_int_equal(report.faults.total, 0);
}

// ---- life ----

static void
flow_open_store(struct flow_fixture *f)
{
    struct store_options options = {
        .path = f->path, .map_bytes = 256 << 20, .create = true};

    assert_int_equal(store_open(&options, &f->store, &f->why), VG_OK);
    assert_int_equal(applier_open(f->store, &f->applier, &f->why), VG_OK);
}

static void
flow_close_store(struct flow_fixture *f)
{
    store_abort(&f->view);
    applier_close(&f->applier);
    store_close(&f->store);
}

// As after a restart.
__attribute__((unused)) static void
flow_reopen(struct flow_fixture *f)
{
    flow_close_store(f);
    flow_open_store(f);
}

// A fresh store without anything.
static struct flow_fixture *
flow_begin(void)
{
    struct flow_fixture *f = xcalloc(1, sizeof *f);

    scratch_folder(f->path, sizeof f->path);
    f->now_us = flow_noon(2026, 11, 20);
    flow_open_store(f);
    return f;
}

static void
flow_end(struct flow_fixture *f)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "vigie.lock"};
    char path[300];

    store_use_calls(NULL);
    batch_free(&f->next);
    batch_free(&f->done);
    flow_close_store(f);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(f->path), 0);
    free(f);
}

// The catalogue and the institutions, in one batch.
static void
flow_furnish(struct flow_fixture *f)
{
    struct buffer text = flow_shipped_catalogue();
    struct command *command = flow_load_catalogue(f, (const char *)text.at, text.len);

    for (uint32_t i = 1; i < INSTITUTIONS; i++) {
        flow_add_institution(f, flow_institutions[i].code, flow_institutions[i].sector);
    }
    buffer_free(&text);
    flow_apply(f);
    for (; command != NULL; command = command->next) {
        assert_int_equal(command->status, VG_OK);
    }
}

__attribute__((unused)) static int
flow_setup(void **state)
{
    struct flow_fixture *f = flow_begin();

    flow_furnish(f);
    *state = f;
    return 0;
}

// Whatever a test did, the rows must agree with the journal.
static void
flow_check(struct flow_fixture *f)
{
    struct check_report report;

    store_use_calls(NULL);
    assert_int_equal(store_check(f->store, &report, NULL, NULL, &f->why), VG_OK);
    for (size_t i = 0; i < report.faults.len; i++) {
        print_message("%s\n", report.faults.fault[i].why.text);
    }
    assert_int_equal(report.faults.total, 0);
}

__attribute__((unused)) static int
flow_teardown(void **state)
{
    flow_check(*state);
    flow_end(*state);
    return 0;
}

#define FLOW_TEST(name) cmocka_unit_test_setup_teardown(name, flow_setup, flow_teardown)

// ---- a disk that fails on cue ----

// Puts from this one on say that the map is full; 0: none does.
__attribute__((unused)) static size_t flow_puts_left;

__attribute__((unused)) static int
flow_full_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags)
{
    if (flow_puts_left == 0) {
        return MDB_MAP_FULL;
    }
    flow_puts_left--;
    return mdb_put(txn, dbi, key, value, flags);
}

#endif
