// SPDX-License-Identifier: EUPL-1.2
// Goal: what happened is read back in order, item by item, and no byte of it can be changed
// without the journal saying which commit was touched.
// Method: a real store in a fresh folder, opened again; records of one part and of several;
// bytes flipped behind the store's back.
#include "store/journal.h"

#include "../failing_lmdb.h"
#include "../fresh_store.h"
#include "store/store_internal.h"

static uint64_t
number_of_event(size_t i)
{
    return 1000 + i;
}

// A record with so many events, each with as many recipients as its number modulo 5.
static struct hash
append(struct txn *txn, uint64_t commit, const struct hash *previous, size_t events)
{
    struct buffer record = {.len = 0};
    struct hash hash;

    journal_begin(&record, commit, commit * 10, (int64_t)commit * 1000000, previous);
    for (size_t i = 0; i < events; i++) {
        struct journal_recipient recipients[5];
        struct journal_event event = {.ticket = commit << 32 | i,
                                      .number = number_of_event(i),
                                      .recipients = (uint16_t)(i % 5)};

        memset(recipients, 0, sizeof recipients);
        for (uint16_t j = 0; j < event.recipients; j++) {
            recipients[j].mailbox = j + 1u;
            recipients[j].number = i * 10 + j;
        }
        journal_add(&record, JOURNAL_EVENT, &event, sizeof event, recipients,
                    event.recipients * sizeof *recipients);
    }
    assert_int_equal(journal_append(txn, &record, commit, &hash), VG_OK);
    buffer_free(&record);
    return hash;
}

static void
assert_events(const struct buffer *record, uint64_t commit, size_t events)
{
    struct journal_item item;
    struct journal_event event;
    struct journal_recipient recipient;
    size_t offset = 0;

    for (size_t i = 0; i < events; i++) {
        size_t j = 0;

        assert_true(journal_next(record, &offset, &item));
        assert_int_equal(item.kind, JOURNAL_EVENT);
        assert_true(journal_item_as(&item, &event, sizeof event));
        assert_int_equal(event.ticket, commit << 32 | i);
        assert_int_equal(event.number, number_of_event(i));
        for (; journal_item_recipient(&item, j, &recipient); j++) {
            assert_int_equal(recipient.mailbox, j + 1);
            assert_int_equal(recipient.number, i * 10 + j);
        }
        assert_int_equal(j, i % 5);
    }
    assert_false(journal_next(record, &offset, &item));
    assert_false(journal_next(record, &offset, &item)); // and stays at its end
}

static void
records_of_any_length_come_back_after_a_restart(void **state)
{
    // Some end exactly with a part: head 64, item 52, hash 32.
    static const size_t events[] = {0, 1, 3, 400, 5000, 1};
    struct fresh_store *fresh = *state;
    struct hash hashes[ARRAY_LEN(events) + 1] = {{{0}}};
    struct buffer record = {.len = 0};
    struct txn *txn = fresh_store_write(fresh);

    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        hashes[i + 1] = append(txn, i + 1, &hashes[i], events[i]);
    }
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        struct journal_head head;
        struct why why = {.text = ""};

        if (journal_read(txn, i + 1, &record, &head, &why) != VG_OK) {
            fail_msg("%s", why.text);
        }
        assert_int_equal(head.commit, i + 1);
        assert_int_equal(head.batch, (i + 1) * 10);
        assert_int_equal(head.time_us, (i + 1) * 1000000);
        assert_memory_equal(&head.previous, &hashes[i], sizeof head.previous);
        assert_memory_equal(&head.hash, &hashes[i + 1], sizeof head.hash);
        assert_events(&record, i + 1, events[i]);
    }
    store_abort(&txn);
    buffer_free(&record);
}

// Every byte of both structs is another one than its neighbours.
static void
fill(void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)bytes)[i] = (uint8_t)(i + 1);
    }
}

static void
an_event_that_was_begun_becomes_the_item_that_is_added_whole(void **state)
{
    struct journal_event event;
    struct journal_recipient recipients[3];
    struct journal_unwanted unwanted;
    struct hash zero = {.at = {0}};
    struct buffer whole = {.len = 0}, begun = {.len = 0};
    size_t place;

    (void)state;
    fill(&event, sizeof event);
    fill(recipients, sizeof recipients);
    fill(&unwanted, sizeof unwanted);
    event.recipients = ARRAY_LEN(recipients);
    journal_begin(&whole, 1, 1, 1, &zero);
    journal_begin(&begun, 1, 1, 1, &zero);
    for (size_t events = 0; events < 9; events++) { // as the buffer grows
        size_t before = events % (ARRAY_LEN(recipients) + 1);

        place = journal_event_begin(&begun);
        for (size_t i = 0; i < ARRAY_LEN(recipients); i++) {
            if (i < before) {
                journal_add(&whole, JOURNAL_UNWANTED, &unwanted, sizeof unwanted, NULL,
                            0);
                journal_add_before(&begun, &place, JOURNAL_UNWANTED, &unwanted,
                                   sizeof unwanted);
                unwanted.ticket++;
            }
            journal_event_add(&begun, &recipients[i]);
        }
        journal_add(&whole, JOURNAL_EVENT, &event, sizeof event, recipients,
                    sizeof recipients);
        journal_event_end(&begun, place, &event);
        assert_int_equal(begun.len, whole.len);
        assert_memory_equal(begun.at, whole.at, whole.len);
    }
    buffer_free(&whole);
    buffer_free(&begun);
}

// Some of them lie in two parts.
static void
an_item_is_read_alone_by_where_it_begins(void **state)
{
    struct fresh_store *fresh = *state;
    struct hash zero = {.at = {0}};
    struct buffer record = {.len = 0}, alone = {.len = 0};
    struct journal_head head;
    struct journal_item item, found;
    struct txn *txn = fresh_store_write(fresh);
    size_t offset = 0, items = 0;
    int64_t time_us = 0;

    (void)append(txn, 1, &zero, 3000);
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(journal_read(txn, 1, &record, &head, NULL), VG_OK);
    assert_true(record.len > 3 * JOURNAL_PART_MAX);
    for (size_t begin = 0; journal_next(&record, &offset, &item); begin = offset) {
        assert_int_equal(journal_item_at(txn, 1, begin, &alone, &found, &time_us), VG_OK);
        assert_int_equal(found.kind, item.kind);
        assert_int_equal(found.bytes.len, item.bytes.len);
        assert_memory_equal(found.bytes.at, item.bytes.at, item.bytes.len);
        assert_int_equal(time_us, head.time_us);
        items++;
    }
    assert_int_equal(items, 3000);
    assert_int_equal(journal_item_at(txn, 2, 0, &alone, &found, &time_us), VG_NOT_FOUND);
    assert_int_equal(journal_item_at(txn, 1, record.len, &alone, &found, &time_us),
                     VG_STORE_BROKEN);
    store_abort(&txn);
    buffer_free(&record);
    buffer_free(&alone);
}

static void
a_record_that_ends_with_a_full_part_is_whole(void **state)
{
    struct fresh_store *fresh = *state;
    struct hash zero = {{0}}, hash;
    struct buffer record = {.len = 0};
    struct journal_head head;
    struct txn *txn = fresh_store_write(fresh);

    for (uint64_t parts = 1; parts <= 3; parts++) {
        size_t wanted = parts * JOURNAL_PART_MAX - sizeof zero;

        journal_begin(&record, parts, 1, 1, &zero);
        while (record.len + 4 < wanted) {
            size_t left = wanted - record.len - 4;
            uint8_t text[1000] = {0};

            journal_add(&record, JOURNAL_ADMIN, text, left < 900 ? left : 700, NULL, 0);
        }
        assert_int_equal(record.len, wanted);
        assert_int_equal(journal_append(txn, &record, parts, &hash), VG_OK);
        assert_int_equal(record.len, parts * JOURNAL_PART_MAX);
    }
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    for (uint64_t parts = 1; parts <= 3; parts++) {
        assert_int_equal(journal_read(txn, parts, &record, &head, NULL), VG_OK);
        assert_int_equal(record.len, parts * JOURNAL_PART_MAX);
    }
    store_abort(&txn);
    buffer_free(&record);
}

static void
every_kind_of_item_keeps_its_bytes(void **state)
{
    struct fresh_store *fresh = *state;
    struct hash zero = {{0}}, hash;
    struct buffer record = {.len = 0};
    struct journal_head head;
    struct journal_item item;
    size_t offset = 0;
    struct journal_refusal refusal = {.niss = 66610100000, .status = VG_BAD_DATE};
    struct journal_acknowledge acknowledge = {.through = 9, .count = 3, .mailbox = 2};
    struct journal_directory directory = {.act = ACT_REMOVE, .end = INT32_MAX};
    struct journal_admin admin = {.act = ADMIN_KEY, .text_len = 5};
    struct journal_fold fold = {.through_commit = 4, .letters = 77};
    struct journal_admin admin_again;
    struct journal_fold fold_again;
    struct txn *txn = fresh_store_write(fresh);

    journal_begin(&record, 1, 1, 1, &zero);
    journal_add(&record, JOURNAL_REFUSAL, &refusal, sizeof refusal, NULL, 0);
    journal_add(&record, JOURNAL_ACKNOWLEDGE, &acknowledge, sizeof acknowledge, NULL, 0);
    journal_add(&record, JOURNAL_DIRECTORY, &directory, sizeof directory, NULL, 0);
    journal_add(&record, JOURNAL_ADMIN, &admin, sizeof admin, "words", 5);
    journal_add(&record, JOURNAL_FOLD, &fold, sizeof fold, NULL, 0);
    assert_int_equal(journal_append(txn, &record, 1, &hash), VG_OK);
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(journal_read(txn, 1, &record, &head, NULL), VG_OK);
    store_abort(&txn);

    assert_true(journal_next(&record, &offset, &item));
    assert_int_equal(item.kind, JOURNAL_REFUSAL);
    assert_int_equal(item.bytes.len, sizeof refusal);
    assert_memory_equal(item.bytes.at, &refusal, sizeof refusal);
    assert_true(journal_next(&record, &offset, &item));
    assert_int_equal(item.kind, JOURNAL_ACKNOWLEDGE);
    assert_memory_equal(item.bytes.at, &acknowledge, sizeof acknowledge);
    assert_true(journal_next(&record, &offset, &item));
    assert_int_equal(item.kind, JOURNAL_DIRECTORY);
    assert_memory_equal(item.bytes.at, &directory, sizeof directory);
    assert_true(journal_next(&record, &offset, &item));
    assert_int_equal(item.kind, JOURNAL_ADMIN);
    assert_true(journal_item_as(&item, &admin_again, sizeof admin_again));
    assert_memory_equal(&admin_again, &admin, sizeof admin);
    assert_int_equal(item.bytes.len, sizeof admin + 5);
    assert_memory_equal(item.bytes.at + sizeof admin, "words", 5);
    assert_true(journal_next(&record, &offset, &item));
    assert_int_equal(item.kind, JOURNAL_FOLD);
    assert_true(journal_item_as(&item, &fold_again, sizeof fold_again));
    assert_memory_equal(&fold_again, &fold, sizeof fold);
    assert_false(journal_item_as(&item, &refusal, sizeof refusal)); // it is too short
    assert_false(journal_next(&record, &offset, &item));
    buffer_free(&record);
}

static void
an_event_holds_as_many_recipients_as_its_limit_says(void **state)
{
    struct fresh_store *fresh = *state;
    static struct journal_recipient recipients[JOURNAL_RECIPIENTS_MAX];
    struct journal_event event = {.recipients = JOURNAL_RECIPIENTS_MAX};
    struct journal_recipient recipient;
    struct journal_item item;
    struct journal_head head;
    struct hash zero = {{0}}, hash;
    struct buffer record = {.len = 0};
    size_t offset = 0;
    struct txn *txn = fresh_store_write(fresh);

    for (uint32_t i = 0; i < JOURNAL_RECIPIENTS_MAX; i++) {
        recipients[i].mailbox = i;
    }
    journal_begin(&record, 1, 1, 1, &zero);
    journal_add(&record, JOURNAL_EVENT, &event, sizeof event, recipients,
                sizeof recipients);
    assert_int_equal(journal_append(txn, &record, 1, &hash), VG_OK);
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(journal_read(txn, 1, &record, &head, NULL), VG_OK);
    store_abort(&txn);
    assert_true(journal_next(&record, &offset, &item));
    for (size_t i = 0; i < JOURNAL_RECIPIENTS_MAX; i++) {
        assert_true(journal_item_recipient(&item, i, &recipient));
        assert_int_equal(recipient.mailbox, i);
    }
    assert_false(journal_item_recipient(&item, JOURNAL_RECIPIENTS_MAX, &recipient));
    assert_false(journal_item_recipient(&item, SIZE_MAX, &recipient));
    buffer_free(&record);
}

static void
an_item_longer_than_its_record_ends_the_walk(void **state)
{
    struct hash zero = {{0}};
    struct buffer record = {.len = 0};
    struct journal_item item;
    (void)state;

    journal_begin(&record, 1, 1, 1, &zero);
    journal_add(&record, JOURNAL_ADMIN, "one", 3, NULL, 0);
    journal_add(&record, JOURNAL_ADMIN, "two", 3, NULL, 0);
    buffer_add(&record, &zero, sizeof zero); // where the hash will stand
    for (uint8_t len = 0; len < 8; len++) {
        size_t offset = 0;

        record.at[record.len - sizeof zero - 5] = len; // of the second one
        assert_true(journal_next(&record, &offset, &item));
        assert_memory_equal(item.bytes.at, "one", 3);
        assert_int_equal(journal_next(&record, &offset, &item), len <= 3);
        assert_int_equal(item.bytes.len, len <= 3 ? len : 3);
    }
    for (size_t len = 0; len < 64 + sizeof zero; len++) {
        size_t offset = 0;

        record.len = len; // no record at all
        assert_false(journal_next(&record, &offset, &item));
    }
    buffer_free(&record);
}

// Three commits, the second one of three parts.
static void
write_three(struct fresh_store *fresh)
{
    struct hash zero = {{0}};
    struct txn *txn = fresh_store_write(fresh);
    struct hash first = append(txn, 1, &zero, 2);
    struct hash second = append(txn, 2, &first, 1000);

    append(txn, 3, &second, 2);
    fresh_store_commit(&txn);
}

static enum vg_status
try_read(struct fresh_store *fresh, uint64_t commit, struct why *why)
{
    struct txn *txn = fresh_store_read(fresh);
    struct buffer record = {.len = 0};
    struct journal_head head;
    enum vg_status status = journal_read(txn, commit, &record, &head, why);

    buffer_free(&record);
    store_abort(&txn);
    return status;
}

static void
what_is_reread_is_not_hashed_again(void **state)
{
    struct fresh_store *fresh = *state;
    struct raw_key first = raw_key(2 << 16);
    struct raw_key second = raw_key(2 << 16 | 1);
    struct buffer record = {.len = 0};
    struct journal_head head;
    struct txn *txn;

    write_three(fresh);
    fresh_store_flip(fresh, "commits", &second, sizeof second, 777);
    txn = fresh_store_read(fresh);
    assert_int_equal(journal_reread(txn, 2, &record, &head, NULL), VG_OK);
    assert_int_equal(head.commit, 2);
    assert_memory_equal(&head.hash, record.at + record.len - sizeof head.hash,
                        sizeof head.hash);
    store_abort(&txn);

    fresh_store_flip(fresh, "commits", &first, sizeof first, 0);
    txn = fresh_store_read(fresh);
    assert_int_equal(journal_reread(txn, 2, &record, &head, NULL), VG_STORE_BROKEN);
    store_abort(&txn);
    buffer_free(&record);
}

static void
any_flipped_byte_names_its_commit(void **state)
{
    static const struct {
        uint64_t part;
        long offset;
        const char *words;
    } rows[] = {
        {0, 0, "commit 2: number or length of the record is wrong"}, // commit
        {0, 8, "commit 2: its hash does not hold"},                  // batch
        {0, 16, "commit 2: its hash does not hold"},                 // time
        {0, 24, "commit 2: number or length of the record is wrong"},
        {0, 32, "commit 2: its hash does not hold"}, // previous
        {0, 63, "commit 2: its hash does not hold"},
        {0, 64, "commit 2: its hash does not hold"}, // first item
        {1, 777, "commit 2: its hash does not hold"},
        {2, 0, "commit 2: its hash does not hold"},
        {2, -33, "commit 2: its hash does not hold"}, // last item
        {2, -1, "commit 2: its hash does not hold"},  // the hash itself
    };
    struct fresh_store *fresh = *state;
    struct why why;

    write_three(fresh);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct raw_key key = raw_key(2 << 16 | rows[i].part);

        fresh_store_flip(fresh, "commits", &key, sizeof key, rows[i].offset);
        assert_int_equal(try_read(fresh, 1, &why), VG_OK);
        assert_int_equal(try_read(fresh, 2, &why), VG_STORE_BROKEN);
        assert_string_equal(why.text, rows[i].words);
        assert_int_equal(try_read(fresh, 3, &why), VG_OK);
        fresh_store_flip(fresh, "commits", &key, sizeof key, rows[i].offset);
        assert_int_equal(try_read(fresh, 2, &why), VG_OK);
    }
}

static void
a_missing_record_or_part_is_seen(void **state)
{
    struct fresh_store *fresh = *state;
    struct raw_key key = raw_key(2 << 16 | 2);
    struct why why;

    write_three(fresh);
    assert_int_equal(try_read(fresh, 4, &why), VG_NOT_FOUND);
    assert_string_equal(why.text, "commit 4 is missing");
    fresh_store_put_raw(fresh, "commits", &key, sizeof key, NULL, 0); // the last part
    fresh_store_open(fresh);
    assert_int_equal(try_read(fresh, 2, &why), VG_STORE_BROKEN);
    assert_string_equal(why.text, "commit 2: number or length of the record is wrong");
    key = raw_key(2 << 16);
    fresh_store_put_raw(fresh, "commits", &key, sizeof key, "few", 3);
    fresh_store_open(fresh);
    assert_int_equal(try_read(fresh, 2, &why), VG_STORE_BROKEN);
    assert_string_equal(why.text, "commit 2: the record is too short");
    fresh_store_put_raw(fresh, "commits", &key, sizeof key, NULL, 0);
    fresh_store_open(fresh);
    assert_int_equal(try_read(fresh, 2, &why), VG_NOT_FOUND);
    assert_int_equal(try_read(fresh, 3, &why), VG_OK);
}

static void
a_commit_number_that_is_not_the_newest_breaks_the_store(void **state)
{
    struct fresh_store *fresh = *state;
    struct hash zero = {{0}}, hash;
    struct buffer record = {.len = 0};
    struct txn *txn;

    write_three(fresh);
    for (uint64_t commit = 2; commit <= 3; commit++) {
        txn = fresh_store_write(fresh);
        journal_begin(&record, commit, 1, 1, &zero);
        assert_int_equal(journal_append(txn, &record, commit, &hash), VG_STORE_BROKEN);
        store_abort(&txn);
    }
    buffer_free(&record);
    assert_int_equal(try_read(fresh, 2, NULL), VG_OK); // as it was
    assert_int_equal(try_read(fresh, 3, NULL), VG_OK);
}

static void
a_part_without_room_gives_the_record_up(void **state)
{
    struct fresh_store *fresh = *state;
    struct hash zero = {{0}}, hash = {{7}};
    struct buffer record = {.len = 0};
    struct txn *txn = fresh_store_write(fresh);
    static uint8_t text[60000];

    journal_begin(&record, 1, 1, 1, &zero);
    for (int i = 0; i < 3; i++) {
        journal_add(&record, JOURNAL_ADMIN, text, sizeof text, NULL, 0);
    }
    lmdb_fail("put", 2, MDB_TXN_FULL);
    assert_int_equal(journal_append(txn, &record, 1, &hash), VG_STORE_FULL);
    assert_true(lmdb_heal());
    assert_int_equal(hash.at[0], 7); // written on VG_OK only
    store_abort(&txn);
    buffer_free(&record);
    assert_int_equal(try_read(fresh, 1, NULL), VG_NOT_FOUND);
}

static void
a_read_that_fails_is_passed_on(void **state)
{
    struct fresh_store *fresh = *state;
    struct why why;

    write_three(fresh);

    struct txn *txn = fresh_store_read(fresh);
    struct buffer record = {.len = 0};
    struct journal_head head;

    lmdb_fail("get", 2, EIO); // the second part
    assert_int_equal(journal_read(txn, 2, &record, &head, &why), VG_STORE_BROKEN);
    assert_true(lmdb_heal());
    assert_string_equal(why.text, "commit 2 could not be read");
    assert_int_equal(journal_read(txn, 2, &record, &head, &why), VG_OK);
    buffer_free(&record);
    store_abort(&txn);
}

static void
a_record_of_several_parts_is_erased_whole(void **state)
{
    struct fresh_store *fresh = *state;
    struct buffer record = {.len = 0};
    struct journal_head head;

    write_three(fresh);

    struct txn *txn = fresh_store_write(fresh);
    uint64_t rows = 0;

    assert_int_equal(journal_erase(txn, 2), VG_OK);
    assert_int_equal(journal_erase(txn, 2), VG_OK); // again: nothing
    assert_int_equal(table_len(txn, TABLE_COMMITS, &rows), VG_OK);
    assert_int_equal(rows, 2);
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(journal_read(txn, 1, &record, &head, NULL), VG_OK);
    assert_int_equal(journal_read(txn, 2, &record, &head, NULL), VG_NOT_FOUND);
    assert_int_equal(journal_read(txn, 3, &record, &head, NULL), VG_OK);
    buffer_free(&record);
    store_abort(&txn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(records_of_any_length_come_back_after_a_restart),
        fresh_store_test(an_item_is_read_alone_by_where_it_begins),
        fresh_store_test(a_record_that_ends_with_a_full_part_is_whole),
        fresh_store_test(every_kind_of_item_keeps_its_bytes),
        fresh_store_test(an_event_holds_as_many_recipients_as_its_limit_says),
        cmocka_unit_test(an_event_that_was_begun_becomes_the_item_that_is_added_whole),
        cmocka_unit_test(an_item_longer_than_its_record_ends_the_walk),
        fresh_store_test(what_is_reread_is_not_hashed_again),
        fresh_store_test(any_flipped_byte_names_its_commit),
        fresh_store_test(a_missing_record_or_part_is_seen),
        fresh_store_test(a_commit_number_that_is_not_the_newest_breaks_the_store),
        fresh_store_test(a_part_without_room_gives_the_record_up),
        fresh_store_test(a_read_that_fails_is_passed_on),
        fresh_store_test(a_record_of_several_parts_is_erased_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
