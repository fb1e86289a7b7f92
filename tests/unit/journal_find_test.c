// SPDX-License-Identifier: EUPL-1.2
// Goal: an event is found by its ticket among commits of every size and those that gave no
// ticket, and what is not there is said to be missing in words of its own.
// Method: a real store in a fresh folder with a journal of our own, searched for each ticket;
// its front trimmed; bytes changed behind the store's back.
#include "store/journal_find.h"

#include "../fresh_store.h"
#include "store/store_internal.h"

enum { COMMITS = 400, LONG_COMMIT = 77, REQUEST_COMMIT = 200, MANY = 3 };

struct scene {
    struct meta meta;
    uint64_t last_of[COMMITS + 1]; // ticket
    struct hash hash;
};

static void
add_event(struct buffer *record, uint64_t ticket, size_t recipients)
{
    static struct journal_recipient recipient[JOURNAL_RECIPIENTS_MAX];
    struct journal_event event = {
        .ticket = ticket, .number = ticket * 10, .recipients = (uint16_t)recipients};

    journal_add(record, JOURNAL_EVENT, &event, sizeof event, recipient,
                recipients * sizeof *recipient);
}

// Commit n gives n mod 4 tickets; from 100 to 150 none; LONG_COMMIT begins with a hundred
// thousand bytes of other items; REQUEST_COMMIT gives one to a request.
static void
append(struct txn *txn, struct scene *scene, uint64_t commit)
{
    size_t events = commit >= 100 && commit <= 150 ? 0 : commit % 4;
    struct journal_fold fold = {.letters = commit};
    struct buffer record = {.len = 0};

    journal_begin(&record, commit, commit, (int64_t)commit * 10, &scene->hash);
    for (size_t i = 0; i < (commit == LONG_COMMIT ? 6000 : 1); i++) {
        journal_add(&record, JOURNAL_FOLD, &fold, sizeof fold, NULL, 0);
    }
    for (size_t i = 0; i < events; i++) {
        size_t parts = commit == LONG_COMMIT ? MANY : 1;

        scene->meta.last_sequence++;
        for (size_t part = 0; part < parts; part++) {
            add_event(&record, scene->meta.last_sequence, part + 1 == parts ? 1 : 1300);
        }
    }
    if (commit == REQUEST_COMMIT) {
        struct journal_directory request = {.ticket = ++scene->meta.last_sequence};

        journal_add(&record, JOURNAL_DIRECTORY, &request, sizeof request, NULL, 0);
    }
    assert_int_equal(journal_append(txn, &record, commit, &scene->hash), VG_OK);
    scene->last_of[commit] = scene->meta.last_sequence;
    scene->meta.last_commit = commit;
    buffer_free(&record);
}

static struct scene
furnish(struct fresh_store *fresh)
{
    struct scene scene = {.meta.first_commit = 1};
    struct txn *txn = fresh_store_write(fresh);

    for (uint64_t commit = 1; commit <= COMMITS; commit++) {
        append(txn, &scene, commit);
    }
    fresh_store_commit(&txn);
    return scene;
}

static uint64_t
commit_of(const struct scene *scene, uint64_t ticket)
{
    uint64_t commit = 1;

    while (scene->last_of[commit] < ticket) {
        commit++;
    }
    return commit;
}

static void
assert_missing(struct txn *txn, const struct meta *meta, uint64_t ticket,
               const char *words)
{
    struct journal_place place = {.next = 0};
    struct why why = {0};

    assert_int_equal(journal_find(txn, meta, ticket, &place, &why), VG_NOT_FOUND);
    assert_non_null(strstr(why.text, words));
    buffer_free(&place.record);
}

static void
every_ticket_leads_to_its_event(void **state)
{
    struct fresh_store *fresh = *state;
    struct scene scene = furnish(fresh);
    struct txn *txn = fresh_store_read(fresh);
    uint64_t request = scene.last_of[REQUEST_COMMIT];

    for (uint64_t ticket = 1; ticket <= scene.meta.last_sequence; ticket++) {
        struct journal_place place = {.next = 0};
        uint64_t commit = commit_of(&scene, ticket);
        size_t events = 1;

        uint64_t found = 0;

        assert_int_equal(journal_find_commit(txn, &scene.meta, ticket, &found, NULL),
                         VG_OK);
        assert_int_equal(found, commit);
        if (ticket == request) {
            assert_missing(txn, &scene.meta, ticket, "is not a mutation's");
            continue;
        }
        assert_int_equal(journal_find(txn, &scene.meta, ticket, &place, NULL), VG_OK);
        assert_int_equal(place.head.commit, commit);
        assert_int_equal(place.event.ticket, ticket);
        assert_int_equal(place.event.number, ticket * 10);
        for (; journal_find_more(&place); events++) {
            assert_int_equal(place.event.ticket, ticket);
        }
        assert_int_equal(events, commit == LONG_COMMIT ? MANY : 1);
        buffer_free(&place.record);
    }
    store_abort(&txn);
}

static void
a_moment_leads_to_the_first_commit_that_is_not_before_it(void **state)
{
    struct fresh_store *fresh = *state;
    struct scene scene = furnish(fresh);
    struct txn *txn = fresh_store_write(fresh);
    uint64_t found = 0;

    for (int64_t us = 0; us <= 10 * COMMITS; us++) { // commit n is of moment 10 n
        assert_int_equal(
            journal_find_time(txn, &scene.meta, (struct instant){us}, &found), VG_OK);
        assert_int_equal(found, us == 0 ? 1 : (us + 9) / 10);
    }
    assert_int_equal(
        journal_find_time(txn, &scene.meta, (struct instant){INT64_MAX}, &found), VG_OK);
    assert_int_equal(found, COMMITS + 1);

    for (uint64_t commit = 190; commit < 210; commit++) { // cannot be read
        assert_int_equal(journal_erase(txn, commit), VG_OK);
    }
    assert_int_equal(journal_find_time(txn, &scene.meta, (struct instant){3005}, &found),
                     VG_OK);
    assert_int_equal(found, 301);
    store_abort(&txn);
}

static void
what_was_never_given_or_is_gone_is_told_apart(void **state)
{
    struct fresh_store *fresh = *state;
    struct scene scene = furnish(fresh);
    struct txn *txn = fresh_store_write(fresh);

    assert_missing(txn, &scene.meta, 0, "was never given");
    assert_missing(txn, &scene.meta, scene.meta.last_sequence + 1, "was never given");
    for (uint64_t commit = 1; commit < 50; commit++) {
        assert_int_equal(journal_erase(txn, commit), VG_OK);
    }
    scene.meta.first_commit = 50;
    assert_missing(txn, &scene.meta, scene.last_of[49], "is older than the journal");

    struct journal_place place = {.next = 0};

    assert_int_equal(journal_find(txn, &scene.meta, scene.last_of[49] + 1, &place, NULL),
                     VG_OK);
    assert_int_equal(place.head.commit, 50);
    buffer_free(&place.record);
    store_abort(&txn);
}

static void
a_damaged_record_is_not_taken_for_a_missing_one(void **state)
{
    struct fresh_store *fresh = *state;
    struct scene scene = furnish(fresh);
    struct txn *txn = fresh_store_write(fresh);
    struct key key = key_of_u64(UINT64_C(301) << PART_BITS);
    struct journal_place place = {.next = 0};
    struct bytes value;
    uint8_t bytes[4096];

    assert_int_equal(table_get(txn, TABLE_COMMITS, &key, &value), VG_OK);
    assert_true(value.len <= sizeof bytes);
    memcpy(bytes, value.at, value.len);
    bytes[value.len - 40] ^= 1; // in the event, not in its ticket
    assert_int_equal(
        table_put(txn, TABLE_COMMITS, &key, (struct bytes){bytes, value.len}, 0), VG_OK);
    assert_int_equal(journal_find(txn, &scene.meta, scene.last_of[301], &place, NULL),
                     VG_STORE_BROKEN);
    assert_int_equal(table_erase(txn, TABLE_COMMITS, &key), VG_OK);
    assert_int_equal(journal_find(txn, &scene.meta, scene.last_of[301], &place, NULL),
                     VG_STORE_BROKEN);
    buffer_free(&place.record);
    store_abort(&txn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(every_ticket_leads_to_its_event),
        fresh_store_test(a_moment_leads_to_the_first_commit_that_is_not_before_it),
        fresh_store_test(what_was_never_given_or_is_gone_is_told_apart),
        fresh_store_test(a_damaged_record_is_not_taken_for_a_missing_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
