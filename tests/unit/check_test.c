// SPDX-License-Identifier: EUPL-1.2
// Goal: a sound store has no fault, and each kind of damage is named with its commit,
// block or mailbox.
// Method: a small world with posted, acknowledged and folded letters, written by hand into
// a real store; then one row at a time is changed behind the store's back.
#include "store/correction.h"
#include "store/merged.h"
#include "store/check.h"
#include "store/store_internal.h"

#include "../failing_lmdb.h"
#include "../fresh_store.h"
#include "store/bodies.h"
#include "store/counted.h"
#include "store/mailbox.h"
#include "store/person.h"
#include "store/registry.h"

enum { BOXES = 3, BODY_LEN = 100, PERSONS = 20 };

static const uint32_t boxes[BOXES] = {1, 2, MAILBOX_EXTRA_FIRST};

// What the writer would hold in memory.
struct world {
    struct meta meta;
    struct mailbox_row rows[BOXES];
    struct number_range ranges[BOXES][4];
    size_t ranges_len[BOXES];
    struct letter letters[BOXES][400];
    struct body_writer bodies;
    struct buffer record;
    struct txn *txn;
};

static struct world world;

static void
begin(struct fresh_store *fresh)
{
    world.txn = fresh_store_write(fresh);
    world.bodies.next = world.meta.last_block + 1;
    journal_begin(&world.record, world.meta.last_commit + 1, 1, 1000,
                  &world.meta.last_hash);
}

static void
finish(void)
{
    assert_int_equal(bodies_flush(world.txn, &world.bodies, &world.meta), VG_OK);
    for (size_t i = 0; i < BOXES; i++) {
        struct mailbox_id mailbox = {boxes[i]};

        assert_int_equal(mailbox_put(world.txn, mailbox, &world.rows[i]), VG_OK);
        assert_int_equal(
            ranges_put(world.txn, mailbox, world.ranges[i], world.ranges_len[i]), VG_OK);
    }
    world.meta.last_commit++;
    assert_int_equal(journal_append(world.txn, &world.record, world.meta.last_commit,
                                    &world.meta.last_hash),
                     VG_OK);
    assert_int_equal(meta_put(world.txn, &world.meta), VG_OK);
    fresh_store_commit(&world.txn);
}

static uint64_t
put_body(uint32_t len)
{
    uint8_t *at = NULL;

    assert_int_equal(body_reserve(world.txn, &world.bodies, len, &at), VG_OK);
    memset(at, 'b', len);
    return body_done(&world.bodies, len);
}

// One event, for every mailbox.
static void
post(void)
{
    struct journal_recipient recipients[BOXES];
    struct journal_event event = {.ticket = ++world.meta.last_sequence,
                                  .recipients = BOXES};
    uint32_t size = BODY_LEN + (uint32_t)(event.ticket % 7);
    uint64_t body = put_body(size);

    memset(recipients, 0, sizeof recipients);
    for (size_t i = 0; i < BOXES; i++) {
        struct mailbox_row *row = &world.rows[i];
        struct letter *letter = &world.letters[i][row->last];

        row->bytes_total += size;
        *letter = (struct letter){.number = ++row->last,
                                  .body = body,
                                  .bytes_through = row->bytes_total,
                                  .size = size};
        recipients[i].mailbox = boxes[i];
        recipients[i].number = letter->number;
        recipients[i].body = body;
        recipients[i].bytes_through = letter->bytes_through;
        recipients[i].size = size;
    }
    journal_add(&world.record, JOURNAL_EVENT, &event, sizeof event, recipients,
                sizeof recipients);
}

static void
journal_ack(size_t box, uint64_t through, uint64_t count, uint64_t bytes, uint32_t one)
{
    struct journal_acknowledge item = {through, count, bytes, boxes[box], one};

    journal_add(&world.record, JOURNAL_ACKNOWLEDGE, &item, sizeof item, NULL, 0);
}

static void
acknowledge(size_t box, uint64_t through)
{
    struct mailbox_row *row = &world.rows[box];
    uint64_t bytes_through = world.letters[box][through - 1].bytes_through;

    journal_ack(box, through, through - row->acknowledged,
                bytes_through - row->bytes_acknowledged, 0);
    row->acknowledged = through;
    row->bytes_acknowledged = bytes_through;
}

static void
acknowledge_alone(size_t box, uint64_t number)
{
    struct mailbox_row *row = &world.rows[box];
    const struct letter *letter = &world.letters[box][number - 1];

    journal_ack(box, number, 1, letter->size, 1);
    row->acknowledged_beyond++;
    row->bytes_beyond += letter->size;
    world.ranges[box][world.ranges_len[box]++] =
        (struct number_range){number, number, letter->size, letter->bytes_through};
}

static void
fold(void)
{
    struct journal_fold item = {.through_commit = world.meta.last_commit};

    for (size_t i = 0; i < BOXES; i++) {
        struct mailbox_row *row = &world.rows[i];

        assert_int_equal(backlog_append(world.txn, (struct mailbox_id){boxes[i]},
                                        &world.letters[i][row->acknowledged],
                                        row->last - row->acknowledged),
                         VG_OK);
        row->folded = row->last;
    }
    world.meta.folded_commit = world.meta.last_commit;
    journal_add(&world.record, JOURNAL_FOLD, &item, sizeof item, NULL, 0);
}

static void
put_persons(void)
{
    struct integration integrations[3];

    memset(integrations, 0, sizeof integrations);
    for (int i = 1; i <= PERSONS; i++) {
        assert_int_equal(
            person_put(world.txn, niss_make(1966, 61, 1, i), integrations, 3), VG_OK);
    }
    assert_int_equal(
        person_replace(world.txn, niss_make(1966, 61, 1, 99), niss_make(1966, 61, 1, 1)),
        VG_OK);
    world.meta.persons = PERSONS;
    world.meta.integrations = PERSONS * 3;
}

static int
begin_world(void **state)
{
    fresh_store_begin(state);

    struct fresh_store *fresh = *state;

    memset(&world, 0, sizeof world);
    world.meta.first_commit = world.meta.first_block = 1;
    for (int commit = 1; commit <= 6; commit++) {
        begin(fresh);
        for (int i = 0; i < 30; i++) {
            post();
        }
        finish();
    }
    begin(fresh);
    acknowledge(0, 100);
    acknowledge(1, 10);
    acknowledge_alone(1, 15);
    acknowledge_alone(1, 17);
    put_persons();
    finish();
    begin(fresh);
    fold();
    finish();
    for (int commit = 9; commit <= 10; commit++) {
        begin(fresh);
        for (int i = 0; i < 5; i++) {
            post();
        }
        finish();
    }
    begin(fresh);
    acknowledge(0, 182); // past the fold
    acknowledge_alone(2, 184);
    finish();
    return 0;
}

static int
end_world(void **state)
{
    buffer_free(&world.record);
    buffer_free(&world.bodies.block);
    return fresh_store_end(state);
}

static struct check_report
check(struct fresh_store *fresh)
{
    struct check_report report;
    struct why why;

    assert_int_equal(store_check(fresh->store, &report, NULL, NULL, &why), VG_OK);
    return report;
}

static void
assert_sound(struct fresh_store *fresh)
{
    struct check_report report = check(fresh);

    if (report.faults.total > 0) {
        fail_msg("%s", report.faults.fault[0].why.text);
    }
}

// The store was changed: this is the first thing that is said.
static struct check_report
assert_fault(struct fresh_store *fresh, const char *words)
{
    struct check_report report = check(fresh);

    assert_true(report.faults.total > 0);
    assert_string_equal(report.faults.fault[0].why.text, words);
    assert_int_equal(report.faults.fault[0].status, VG_STORE_BROKEN);
    return report;
}

static void
an_empty_store_is_sound(void **state)
{
    struct fresh_store *fresh = *state;
    struct check_report report = check(fresh);

    assert_int_equal(report.faults.total, 0);
    assert_int_equal(report.commits, 0);
    assert_int_equal(report.mailboxes, 0);
}

static void
a_sound_store_has_no_fault_and_all_of_it_is_counted(void **state)
{
    struct fresh_store *fresh = *state;

    fresh_store_reopen(fresh);
    assert_sound(fresh);

    struct check_report report = check(fresh);
    uint64_t waiting = 0;

    for (size_t i = 0; i < BOXES; i++) {
        waiting += mailbox_waiting(&world.rows[i]);
    }
    assert_int_equal(report.commits, 11);
    assert_int_equal(report.blocks, 8); // commits that posted
    assert_int_equal(report.mailboxes, BOXES);
    assert_int_equal(report.letters, waiting);
    assert_int_equal(waiting, 190 - 182 + 190 - 12 + 190 - 1);
    assert_int_equal(report.persons, PERSONS);
    assert_int_equal(report.integrations, PERSONS * 3);
}

struct progress {
    double last;
    size_t calls;
};

static void
see_progress(double done, void *arg)
{
    struct progress *progress = arg;

    assert_true(done > progress->last && done <= 1.0);
    progress->last = done;
    progress->calls++;
}

static void
progress_grows_until_all_is_done(void **state)
{
    struct fresh_store *fresh = *state;
    struct progress progress = {.calls = 0};
    struct check_report report;
    struct txn *txn = fresh_store_write(fresh);

    world.meta.persons = world.meta.integrations = 3000;
    for (int i = 1; i <= 3000; i++) {
        struct niss niss = niss_make(1966, 61 + i / 900, 1, i % 900 + 1);
        struct integration integration = {.institution = 1};

        assert_int_equal(person_put(txn, niss, &integration, 1), VG_OK);
    }
    fresh_store_commit(&txn);
    assert_int_equal(store_check(fresh->store, &report, see_progress, &progress, NULL),
                     VG_OK);
    assert_true(progress.last == 1.0);
    assert_in_range(progress.calls, 5, 30);
}

// ---- damage ----

static void
a_flipped_byte_names_its_commit(void **state)
{
    struct fresh_store *fresh = *state;
    struct raw_key key = raw_key(5 << 16);

    fresh_store_flip(fresh, "commits", &key, sizeof key, 100);

    struct check_report report = assert_fault(fresh, "commit 5: its hash does not hold");

    assert_int_equal(report.faults.total, 1); // and nothing that only follows from it
    assert_int_equal(report.commits, 10);
    fresh_store_flip(fresh, "commits", &key, sizeof key, 100);
    assert_sound(fresh);
}

// A whole record is written anew, with a hash that fits: only the chain can tell.
static void
a_rewritten_record_breaks_the_chain(void **state)
{
    struct fresh_store *fresh = *state;
    struct buffer record = {.len = 0};
    struct journal_head head;
    struct txn *txn = fresh_store_read(fresh);
    struct raw_key key = raw_key(7 << 16);

    assert_int_equal(journal_read(txn, 7, &record, &head, NULL), VG_OK);
    store_abort(&txn);
    record.at[16] ^= 1; // its time

    struct hash hash = hash_chain(&head.previous, record.at, record.len - HASH_LEN);

    memcpy(record.at + record.len - HASH_LEN, &hash, HASH_LEN);
    fresh_store_put_raw(fresh, "commits", &key, sizeof key, record.at, record.len);
    fresh_store_open(fresh);
    assert_fault(fresh, "commit 8 does not follow on commit 7");
    buffer_free(&record);
}

static void
the_last_record_is_held_by_meta(void **state)
{
    struct fresh_store *fresh = *state;
    struct buffer record = {.len = 0};
    struct hash hash = world.meta.last_hash;
    struct txn *txn = fresh_store_read(fresh);
    struct journal_head head;
    struct raw_key key = raw_key(11 << 16);

    assert_int_equal(journal_read(txn, 11, &record, &head, NULL), VG_OK);
    store_abort(&txn);
    fresh_store_put_raw(fresh, "commits", &key, sizeof key, NULL, 0);
    fresh_store_open(fresh);
    assert_fault(fresh, "commit 11 is missing");

    // One commit less than there are records.
    fresh_store_put_raw(fresh, "commits", &key, sizeof key, record.at, record.len);
    world.meta.last_commit = 10;
    world.meta.last_hash = head.previous;
    fresh_store_put_raw(fresh, "meta", "meta", 4, &world.meta, sizeof world.meta);
    fresh_store_open(fresh);
    assert_fault(fresh, "there are commits after 10, the last one");

    world.meta.last_commit = 11;
    hash.at[0] ^= 1;
    world.meta.last_hash = hash;
    fresh_store_put_raw(fresh, "meta", "meta", 4, &world.meta, sizeof world.meta);
    fresh_store_open(fresh);
    assert_fault(fresh, "commit 11 is not the one that was written last");
    buffer_free(&record);
}

static void
a_damaged_or_missing_block_is_named(void **state)
{
    struct fresh_store *fresh = *state;
    struct raw_key key = raw_key(3);

    fresh_store_flip(fresh, "bodies", &key, sizeof key, 200);

    struct check_report report =
        assert_fault(fresh, "block 3: its checksum does not hold");

    // Mailbox 1 has acknowledged its letters.
    assert_int_equal(report.faults.total, 3);
    assert_int_equal(report.blocks, 7);
    fresh_store_put_raw(fresh, "bodies", &key, sizeof key, NULL, 0);
    fresh_store_open(fresh);
    report = assert_fault(fresh, "block 3 is missing");
    assert_int_equal(report.faults.total, 3);
    assert_string_equal(
        report.faults.fault[1].why.text,
        "mailbox 2: 30 waiting letters have no readable body, from 61 on");
    assert_string_equal(
        report.faults.fault[2].why.text,
        "mailbox 2147483648: 30 waiting letters have no readable body, from 61 on");
}

static void
put_meta(struct fresh_store *fresh, const struct meta *meta)
{
    struct txn *txn = fresh_store_write(fresh);

    assert_int_equal(meta_put(txn, meta), VG_OK);
    fresh_store_commit(&txn);
}

static void
numbers_without_rows_are_named_at_once(void **state)
{
    struct fresh_store *fresh = *state;
    struct meta meta = world.meta;
    struct check_report report;

    meta.last_commit = UINT64_MAX - 1; // it must not count up to there
    meta.last_block = 10;
    put_meta(fresh, &meta);
    report = assert_fault(fresh, "commits 12 to 18446744073709551614 are missing");
    assert_int_equal(report.commits, 11);
    assert_string_equal(report.faults.fault[1].why.text, "blocks 9 to 10 are missing");
    meta = world.meta;
    meta.last_block = 7;
    put_meta(fresh, &meta);
    assert_fault(fresh, "there are blocks after 7, the last one");

    struct raw_key keys[3] = {raw_key(2), raw_key(2 << 16), raw_key(3 << 16)};

    put_meta(fresh, &world.meta);
    fresh_store_put_raw(fresh, "commits", &keys[1], sizeof keys[1], NULL, 0);
    fresh_store_put_raw(fresh, "commits", &keys[2], sizeof keys[2], NULL, 0);
    fresh_store_put_raw(fresh, "bodies", &keys[0], sizeof keys[0], NULL, 0);
    fresh_store_open(fresh);
    report = assert_fault(fresh, "commits 2 to 3 are missing");
    assert_int_equal(report.commits, 9);
    assert_int_equal(report.blocks, 7);
    assert_string_equal(report.faults.fault[1].why.text, "block 2 is missing");
}

// Retention: commits 1 to 5 and blocks 1 and 2 went, after all was acknowledged.
static void
trim_world(struct fresh_store *fresh)
{
    struct txn *txn = fresh_store_write(fresh);
    size_t blocks = 0;

    world.meta.erased_commit = 6;
    while (world.meta.first_commit < 6) {
        assert_int_equal(counted_trim(txn, &world.meta, &world.record, NULL), VG_OK);
    }
    assert_int_equal(bodies_erase(txn, &world.meta, 0, 9, &blocks), VG_OK);
    assert_int_equal(meta_put(txn, &world.meta), VG_OK);
    fresh_store_commit(&txn);
}

static void
a_trimmed_journal_still_adds_up(void **state)
{
    struct fresh_store *fresh = *state;
    struct check_report report;

    trim_world(fresh);
    assert_sound(fresh);
    report = check(fresh);
    assert_int_equal(report.commits, 6);
    assert_int_equal(report.blocks, 8);
}

static void
what_trimmed_records_said_is_held(void **state)
{
    struct fresh_store *fresh = *state;
    static const uint8_t mailbox[4] = {0, 0, 0, 1};
    struct counted counted;
    struct txn *txn = NULL;
    struct raw_key left = raw_key(4 << 16);

    trim_world(fresh);
    assert_int_equal(store_read(fresh->store, &txn, NULL), VG_OK);
    assert_int_equal(counted_get(txn, (struct mailbox_id){1}, &counted), VG_OK);
    store_abort(&txn);
    assert_int_equal(counted.last, 150);
    counted.bytes_acknowledged++;
    fresh_store_put_raw(fresh, "counted", mailbox, sizeof mailbox, &counted,
                        sizeof counted);
    fresh_store_open(fresh);
    assert_fault(fresh, "mailbox 1: bytes acknowledged: 18746 in its row, 18747 in the "
                        "journal");
    counted.bytes_acknowledged--;
    counted.last = 149;
    fresh_store_put_raw(fresh, "counted", mailbox, sizeof mailbox, &counted,
                        sizeof counted);
    fresh_store_open(fresh);
    assert_fault(fresh, "commit 6: mailbox 1: after letter 149 comes 151");
    fresh_store_put_raw(fresh, "counted", mailbox, sizeof mailbox, "few", 3);
    fresh_store_open(fresh);
    assert_fault(fresh, "mailbox 1: what trimmed records said cannot be read");
    counted.last = 150;
    fresh_store_put_raw(fresh, "counted", mailbox, sizeof mailbox, &counted,
                        sizeof counted);
    fresh_store_put_raw(fresh, "commits", &left, sizeof left, "left", 4);
    fresh_store_open(fresh);
    assert_fault(fresh, "there are commits before 6, the first one");
}

static void
the_chain_begins_after_the_record_that_went(void **state)
{
    struct fresh_store *fresh = *state;
    struct meta meta;

    trim_world(fresh);
    meta = world.meta;
    meta.first_hash.at[0] ^= 1;
    put_meta(fresh, &meta);
    assert_fault(fresh, "commit 6 does not follow on commit 5");
}

static void
retention_is_never_ahead_of_what_it_needs(void **state)
{
    struct fresh_store *fresh = *state;
    struct meta meta = world.meta;

    meta.erased_commit = meta.folded_commit + 1;
    put_meta(fresh, &meta);
    assert_fault(fresh, "retention is further than commit 11 and block 8");
}

static void
put_row(struct fresh_store *fresh, size_t box, const struct mailbox_row *row)
{
    struct txn *txn = fresh_store_write(fresh);

    assert_int_equal(mailbox_put(txn, (struct mailbox_id){boxes[box]}, row), VG_OK);
    fresh_store_commit(&txn);
}

static void
each_counter_of_a_mailbox_is_recounted(void **state)
{
    static const struct {
        const char *words;
        size_t offset;
    } rows[] = {
        {"last number", offsetof(struct mailbox_row, last)},
        {"bytes of all letters", offsetof(struct mailbox_row, bytes_total)},
        {"acknowledged up to", offsetof(struct mailbox_row, acknowledged)},
        {"bytes acknowledged", offsetof(struct mailbox_row, bytes_acknowledged)},
    };
    struct fresh_store *fresh = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mailbox_row row = world.rows[0];
        char words[WHY_TEXT_MAX];
        uint64_t value;

        memcpy(&value, (uint8_t *)&row + rows[i].offset, sizeof value);
        value++;
        memcpy((uint8_t *)&row + rows[i].offset, &value, sizeof value);
        put_row(fresh, 0, &row);
        snprintf(words, sizeof words,
                 "mailbox 1: %s: %llu in its row, %llu in the journal", rows[i].words,
                 (unsigned long long)value, (unsigned long long)value - 1);
        assert_fault(fresh, words);
        put_row(fresh, 0, &world.rows[0]);
        assert_sound(fresh);
    }
}

static void
a_mailbox_without_a_row_is_named(void **state)
{
    struct fresh_store *fresh = *state;
    static const uint8_t key[4] = {0, 0, 0, 2};

    fresh_store_put_raw(fresh, "mailboxes", key, sizeof key, NULL, 0);
    fresh_store_open(fresh);

    struct check_report report = assert_fault(fresh, "commit 1: mailbox 2 has no row");

    assert_int_equal(report.faults.total, 1);
    fresh_store_put_raw(fresh, "mailboxes", key, sizeof key, "few", 3);
    fresh_store_open(fresh);
    assert_fault(fresh, "mailbox 2: its row cannot be read");
}

static void
single_acknowledgements_are_recounted(void **state)
{
    struct fresh_store *fresh = *state;
    struct mailbox_id mailbox = {2};
    struct mailbox_row row = world.rows[1];
    struct number_range ranges[2];
    char words[WHY_TEXT_MAX];
    struct txn *txn = fresh_store_write(fresh);

    memcpy(ranges, world.ranges[1], sizeof ranges);
    ranges[1].first = ranges[1].last = 16; // they touch: not apart
    assert_int_equal(ranges_put(txn, mailbox, ranges, 2), VG_OK);
    fresh_store_commit(&txn);
    assert_fault(fresh, "mailbox 2: its single acknowledgements are out of order");
    txn = fresh_store_write(fresh);
    assert_int_equal(ranges_put(txn, mailbox, ranges, 1), VG_OK);
    fresh_store_commit(&txn);
    snprintf(words, sizeof words,
             "mailbox 2: 1 single acknowledgements of %llu bytes, the row says 2 of %llu",
             (unsigned long long)ranges[0].bytes,
             (unsigned long long)world.rows[1].bytes_beyond);
    assert_fault(fresh, words);
    row.acknowledged_beyond = 1;
    put_row(fresh, 1, &row); // now the bytes alone are wrong
    snprintf(words, sizeof words,
             "mailbox 2: 1 single acknowledgements of %llu bytes, the row says 1 of %llu",
             (unsigned long long)ranges[0].bytes,
             (unsigned long long)world.rows[1].bytes_beyond);
    assert_fault(fresh, words);
    row.acknowledged_beyond = 2;
    row.bytes_beyond = ranges[0].bytes;
    put_row(fresh, 1, &row); // and now the letters alone
    snprintf(words, sizeof words,
             "mailbox 2: 1 single acknowledgements of %llu bytes, the row says 2 of %llu",
             (unsigned long long)ranges[0].bytes, (unsigned long long)ranges[0].bytes);
    assert_fault(fresh, words);
}

static void
a_letter_lost_from_the_backlog_is_missed(void **state)
{
    struct fresh_store *fresh = *state;
    // Mailbox 2, letters 11 to 110, as the backlog's keys are.
    static const uint8_t key[12] = {0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 11};

    fresh_store_flip(fresh, "backlog", key, sizeof key, 2);
    assert_fault(fresh, "mailbox 2: its backlog cannot be read");
    fresh_store_put_raw(fresh, "backlog", key, sizeof key, NULL, 0);
    fresh_store_open(fresh);
    assert_fault(
        fresh,
        "mailbox 2: letters waiting and parked: 178 in its row, 80 in the journal");
}

static void
a_letter_that_gives_another_length_than_its_body_is_named(void **state)
{
    struct fresh_store *fresh = *state;
    struct letter letters[200];
    struct txn *txn = fresh_store_write(fresh);
    size_t len = 0;

    assert_int_equal(
        backlog_read(txn, (struct mailbox_id){2}, 11, letters, LETTERS_PER_ROW, &len),
        VG_OK);
    letters[2].size++; // number 13
    while (len > 1 && letters[len - 1].number != letters[0].number + len - 1) {
        len--;
    }
    assert_int_equal(backlog_put(txn, (struct mailbox_id){2}, letters, len), VG_OK);
    fresh_store_commit(&txn);
    assert_fault(fresh, "mailbox 2: 1 waiting letters have no readable body, from 13 on");
}

static void
a_correction_that_cannot_be_is_named(void **state)
{
    struct fresh_store *fresh = *state;
    struct correction_row row = {.by = 1, .act = CORRECTION_CANCELS};
    struct txn *txn = fresh_store_write(fresh);

    assert_int_equal(correction_put(txn, 1, &row), VG_OK);
    fresh_store_commit(&txn);
    assert_fault(fresh, "corrections: ticket 1 cannot be corrected by ticket 1");
}

static void
a_letter_that_nothing_stands_for_is_named(void **state)
{
    struct fresh_store *fresh = *state;
    struct merged_row into = {.head = {.into = 2}};
    struct merged_row list = {.head = {.len = 1}, .tickets = {9}};
    struct txn *txn = fresh_store_write(fresh);

    assert_int_equal(merged_put(txn, 1, (struct mailbox_id){2}, &into), VG_OK);
    assert_int_equal(merged_put(txn, 2, (struct mailbox_id){2}, &list), VG_OK);
    fresh_store_commit(&txn);
    assert_fault(fresh, "merged: ticket 1 of mailbox 2 cannot be merged into 2");
}

static void
a_damaged_row_of_letters_is_named(void **state)
{
    struct fresh_store *fresh = *state;
    static const uint8_t key[12] = {0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 11};

    fresh_store_flip(fresh, "backlog", key, sizeof key, 100);
    assert_fault(fresh, "mailbox 2: its backlog cannot be read");
}

static void
a_letter_filed_before_its_fold_is_named(void **state)
{
    struct fresh_store *fresh = *state;
    struct mailbox_row row = world.rows[1];

    row.folded = 179;
    put_row(fresh, 1, &row);
    assert_fault(fresh, "mailbox 2: letter 180 was filed too early");
}

static void
persons_are_counted_against_meta(void **state)
{
    struct fresh_store *fresh = *state;
    struct niss niss = niss_make(1966, 61, 1, 5);
    struct txn *txn = fresh_store_write(fresh);

    assert_int_equal(person_put(txn, niss, NULL, 0), VG_OK);
    fresh_store_commit(&txn);
    assert_fault(fresh, "19 persons with 57 integrations, meta says 20 with 60");
    fresh_store_put_raw(fresh, "persons", &niss.number, 8, "odd", 3);
    fresh_store_open(fresh);
    assert_fault(fresh, "persons: the row after 4 others cannot be read");
}

static void
a_replaced_number_must_be_known_to_the_other(void **state)
{
    struct fresh_store *fresh = *state;
    struct niss old = niss_make(1966, 61, 1, 99), new = niss_make(1966, 61, 1, 1);
    struct niss other = niss_make(1966, 61, 1, 98);
    struct raw_key key = raw_key(new.number);

    fresh_store_put_raw(fresh, "replaced", &key, sizeof key, &other, sizeof other);
    fresh_store_open(fresh);

    struct check_report report =
        assert_fault(fresh, "persons: what replaced 66********* does not know it");

    assert_int_equal(report.faults.total, 1);
    fresh_store_put_raw(fresh, "replaced", &key, sizeof key, &old, sizeof old);
    fresh_store_open(fresh);
    assert_sound(fresh);
    key = raw_key(other.number); // says so too
    fresh_store_put_raw(fresh, "replaced", &key, sizeof key, &old, sizeof old);
    fresh_store_open(fresh);
    assert_fault(fresh, "persons: 1 numbers are replaced, 2 are known to be");
}

// Journal items that no writer of ours makes, with hashes that fit.
static void
numbers_out_of_order_in_the_journal_are_named(void **state)
{
    struct fresh_store *fresh = *state;
    struct journal_event event = {.recipients = 1};
    struct journal_recipient recipient;

    memset(&recipient, 0, sizeof recipient);
    recipient.mailbox = 1;
    recipient.number = 192; // after 190
    recipient.bytes_through = world.rows[0].bytes_total;
    begin(fresh);
    recipient.body = put_body(0);
    journal_add(&world.record, JOURNAL_EVENT, &event, sizeof event, &recipient,
                sizeof recipient);
    world.rows[0].last = 192;
    finish();
    assert_fault(fresh, "commit 12: mailbox 1: after letter 190 comes 192");

    begin(fresh);
    recipient.number = 193;
    recipient.bytes_through++;
    journal_add(&world.record, JOURNAL_EVENT, &event, sizeof event, &recipient,
                sizeof recipient);
    event.recipients = 2; // only one follows
    journal_add(&world.record, JOURNAL_EVENT, &event, sizeof event, &recipient,
                sizeof recipient);
    journal_add(&world.record, JOURNAL_ACKNOWLEDGE, &event, 8, NULL, 0);
    journal_ack(0, 1, 0, 0, 0);
    finish();

    struct check_report report = check(fresh);

    assert_string_equal(report.faults.fault[1].why.text,
                        "commit 13: mailbox 1: the bytes up to letter 193 are wrong");
    assert_string_equal(report.faults.fault[2].why.text,
                        "commit 13: an event has the wrong length");
    assert_string_equal(report.faults.fault[3].why.text,
                        "commit 13: an acknowledgement has the wrong length");
}

static void
items_that_end_early_are_named(void **state)
{
    struct fresh_store *fresh = *state;

    begin(fresh);
    journal_add(&world.record, JOURNAL_FOLD, "0123456789", 10, NULL, 0);
    world.record.at[world.record.len - 12] = 200; // longer than the record
    finish();
    assert_fault(fresh, "commit 12: its items end early");
}

static void
what_was_heard_of_a_source_cannot_be_of_a_later_ticket(void **state)
{
    struct fresh_store *fresh = *state;
    const uint8_t key[] = {0, 0, 0, 0, 1, 1, 0, 0, 0, 1};
    struct heard heard = {.last_ticket = world.meta.last_sequence + 1, .mutations = 1};
    char words[WHY_TEXT_MAX];

    snprintf(words, sizeof words,
             "heard: source 1, flow 1: ticket %llu of 1 mutations cannot be",
             (unsigned long long)heard.last_ticket);
    fresh_store_put_raw(fresh, "meta", key, sizeof key, &heard, sizeof heard);
    fresh_store_open(fresh);
    assert_fault(fresh, words);
    fresh_store_put_raw(fresh, "meta", key, sizeof key, &heard, sizeof heard - 1);
    fresh_store_open(fresh);
    assert_fault(fresh, "heard: a row cannot be read");
}

static void
what_cannot_be_read_at_all_is_a_failure(void **state)
{
    struct fresh_store *fresh = *state;
    struct check_report report;
    struct why why;

    fresh_store_put_raw(fresh, "mailboxes", "odd", 3, "x", 1);
    fresh_store_open(fresh);
    assert_int_equal(store_check(fresh->store, &report, NULL, NULL, &why),
                     VG_STORE_BROKEN);
    assert_string_equal(why.text, "the mailboxes cannot be read");
    fresh_store_put_raw(fresh, "meta", "meta", 4, "x", 1);
    fresh_store_open(fresh);
    assert_int_equal(store_check(fresh->store, &report, NULL, NULL, &why),
                     VG_STORE_BROKEN);
}

static void
no_call_that_fails_is_taken_for_a_sound_store(void **state)
{
    struct fresh_store *fresh = *state;
    bool failed = true;
    unsigned n = 1;

    for (; failed; n++) {
        struct check_report report;
        struct why why;

        lmdb_fail(NULL, n, MDB_CORRUPTED);

        enum vg_status status = store_check(fresh->store, &report, NULL, NULL, &why);

        failed = lmdb_heal();
        assert_int_equal(status != VG_OK || report.faults.total > 0, failed);
    }
    assert_in_range(n, 50, 2000);
    assert_sound(fresh);
}

#define world_test(name) cmocka_unit_test_setup_teardown(name, begin_world, end_world)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(an_empty_store_is_sound),
        world_test(a_sound_store_has_no_fault_and_all_of_it_is_counted),
        world_test(progress_grows_until_all_is_done),
        world_test(a_flipped_byte_names_its_commit),
        world_test(a_rewritten_record_breaks_the_chain),
        world_test(the_last_record_is_held_by_meta),
        world_test(a_damaged_or_missing_block_is_named),
        world_test(numbers_without_rows_are_named_at_once),
        world_test(a_trimmed_journal_still_adds_up),
        world_test(what_trimmed_records_said_is_held),
        world_test(the_chain_begins_after_the_record_that_went),
        world_test(retention_is_never_ahead_of_what_it_needs),
        world_test(each_counter_of_a_mailbox_is_recounted),
        world_test(a_mailbox_without_a_row_is_named),
        world_test(single_acknowledgements_are_recounted),
        world_test(a_letter_lost_from_the_backlog_is_missed),
        world_test(a_letter_that_gives_another_length_than_its_body_is_named),
        world_test(a_correction_that_cannot_be_is_named),
        world_test(a_letter_that_nothing_stands_for_is_named),
        world_test(a_damaged_row_of_letters_is_named),
        world_test(a_letter_filed_before_its_fold_is_named),
        world_test(persons_are_counted_against_meta),
        world_test(a_replaced_number_must_be_known_to_the_other),
        world_test(numbers_out_of_order_in_the_journal_are_named),
        world_test(items_that_end_early_are_named),
        world_test(what_was_heard_of_a_source_cannot_be_of_a_later_ticket),
        world_test(what_cannot_be_read_at_all_is_a_failure),
        world_test(no_call_that_fails_is_taken_for_a_sound_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
