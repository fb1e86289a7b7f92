// SPDX-License-Identifier: EUPL-1.2
// Goal: institutions, keys, mailbox specifications, producers, refusals and catalogues come
// back as they were put, and a damaged row is refused.
// Method: a real store in a fresh folder, opened again; rows damaged behind its back.
#include "store/registry.h"

#include "../failing_lmdb.h"
#include "../fresh_store.h"

static struct institution
some_institution(uint32_t id)
{
    struct institution institution = {.id = id,
                                      .sector = SECTOR_CPAS,
                                      .number = id * 3,
                                      .enterprise = UINT64_C(200000000) + id};

    snprintf(institution.code, sizeof institution.code, "CPAS-%u", id);
    snprintf(institution.name, sizeof institution.name, "Centre %u", id);
    return institution;
}

struct seen {
    uint32_t last;
    size_t len;
    size_t stop_after;
};

static bool
see_institution(const struct institution *institution, void *arg)
{
    struct seen *seen = arg;
    struct institution expected = some_institution(institution->id);

    assert_memory_equal(institution, &expected, sizeof expected);
    assert_true(institution->id > seen->last);
    seen->last = institution->id;
    return ++seen->len != seen->stop_after;
}

static void
institutions_come_back_in_order_of_their_id(void **state)
{
    static const uint32_t ids[] = {300, 2, 1, 0x01000000, 256, 255};
    struct fresh_store *fresh = *state;
    struct seen all = {.len = 0}, some = {.stop_after = 2};
    struct institution institution = some_institution(2);
    struct txn *txn = fresh_store_write(fresh);

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        institution = some_institution(ids[i]);
        assert_int_equal(institution_put(txn, &institution), VG_OK);
    }
    strcpy(institution.name, "old");
    assert_int_equal(institution_put(txn, &institution), VG_OK);
    institution = some_institution(ids[5]);
    assert_int_equal(institution_put(txn, &institution), VG_OK); // replaces it
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(institution_each(txn, see_institution, &all), VG_OK);
    assert_int_equal(all.len, ARRAY_LEN(ids));
    assert_int_equal(institution_each(txn, see_institution, &some), VG_OK);
    assert_int_equal(some.len, 2);
    assert_int_equal(institution_get(txn, (struct institution_id){300}, &institution),
                     VG_OK);
    assert_string_equal(institution.code, "CPAS-300");
    assert_int_equal(institution_get(txn, (struct institution_id){3}, &institution),
                     VG_NOT_FOUND);
    assert_string_equal(institution.code, "CPAS-300"); // written on VG_OK only
    store_abort(&txn);
}

// ---- keys ----

static void
make_key(uint8_t key[KEY_LEN], uint8_t i)
{
    memset(key, i, KEY_LEN);
    key[KEY_LEN - 1] = (uint8_t)(255 - i);
}

static bool
see_key(const uint8_t key[KEY_LEN], const struct key_row *row, void *arg)
{
    struct seen *seen = arg;
    uint8_t expected[KEY_LEN];

    make_key(expected, (uint8_t)row->institution);
    assert_memory_equal(key, expected, KEY_LEN);
    return ++seen->len != seen->stop_after;
}

static void
keys_are_found_by_their_bytes(void **state)
{
    struct fresh_store *fresh = *state;
    struct seen all = {.len = 0}, some = {.stop_after = 3};
    struct key_row row = {.role = ROLE_SOURCE | ROLE_MEMBER, .label = "first"};
    struct key_row got;
    uint8_t key[KEY_LEN];
    struct txn *txn = fresh_store_write(fresh);

    for (uint8_t i = 0; i < 10; i++) {
        make_key(key, i); // zero bytes are bytes too
        row.institution = i;
        row.added_us = i * 1000;
        assert_int_equal(key_put(txn, key, &row), VG_OK);
    }
    row.revoked_us = 77;
    assert_int_equal(key_put(txn, key, &row), VG_OK);
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(key_get(txn, key, &got), VG_OK);
    assert_memory_equal(&got, &row, sizeof row);
    make_key(key, 4);
    assert_int_equal(key_get(txn, key, &got), VG_OK);
    assert_int_equal(got.added_us, 4000);
    assert_int_equal(got.revoked_us, 0);
    key[3] ^= 1;
    assert_int_equal(key_get(txn, key, &got), VG_NOT_FOUND);
    assert_int_equal(key_each(txn, see_key, &all), VG_OK);
    assert_int_equal(all.len, 10);
    assert_int_equal(key_each(txn, see_key, &some), VG_OK);
    assert_int_equal(some.len, 3);
    store_abort(&txn);
}

// ---- mailbox specifications ----

static struct spec_row
some_spec(uint32_t mailbox, uint32_t choices)
{
    struct spec_row row = {.mailbox = mailbox, .institution = 9, .choices_len = choices};

    snprintf(row.name, sizeof row.name, "box %u", mailbox);
    for (uint16_t i = 0; i < choices; i++) {
        row.choices[i].flow = i;
        row.choices[i].qualities = UINT64_C(1) << i % 64;
    }
    return row;
}

static bool
see_spec(const struct spec_row *row, void *arg)
{
    static const uint32_t lens[] = {0, 1, SPEC_CHOICES_MAX};
    struct seen *seen = arg;
    struct spec_row expected = some_spec(MAILBOX_EXTRA_FIRST + (uint32_t)seen->len,
                                         lens[seen->len % ARRAY_LEN(lens)]);

    assert_memory_equal(row, &expected, sizeof expected); // the unused choices are zero
    return ++seen->len != seen->stop_after;
}

static void
specifications_keep_their_choices(void **state)
{
    static const uint32_t lens[] = {0, 1, SPEC_CHOICES_MAX};
    struct fresh_store *fresh = *state;
    struct seen all = {.len = 0}, one = {.stop_after = 1};
    struct txn *txn = fresh_store_write(fresh);

    for (uint32_t i = 0; i < 3; i++) {
        struct spec_row row = some_spec(MAILBOX_EXTRA_FIRST + i, lens[i]);

        assert_int_equal(spec_put(txn, &row), VG_OK);
    }
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(spec_each(txn, see_spec, &all), VG_OK);
    assert_int_equal(all.len, 3);
    assert_int_equal(spec_each(txn, see_spec, &one), VG_OK);
    assert_int_equal(one.len, 1);
    store_abort(&txn);
}

// ---- producers and refusals ----

static void
a_producer_belongs_to_its_institution(void **state)
{
    struct fresh_store *fresh = *state;
    struct institution_id first = {1}, second = {2};
    struct producer_row row = {.last_number = 9, .last_ticket = 5, .last_us = 3}, got;
    struct txn *txn = fresh_store_write(fresh);

    memset(&got, 1, sizeof got);
    assert_int_equal(producer_get(txn, first, 1, &got), VG_OK);
    assert_int_equal(got.last_number, 0);
    assert_int_equal(got.last_ticket, 0);
    assert_int_equal(got.last_us, 0);
    assert_int_equal(producer_put(txn, first, 1, &row), VG_OK);
    row.last_number = 10;
    assert_int_equal(producer_put(txn, second, 1, &row), VG_OK);
    row.last_number = 11;
    assert_int_equal(producer_put(txn, first, 2, &row), VG_OK);
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(producer_get(txn, first, 1, &got), VG_OK);
    assert_int_equal(got.last_number, 9);
    assert_int_equal(got.last_ticket, 5);
    assert_int_equal(got.last_us, 3);
    assert_int_equal(producer_get(txn, second, 1, &got), VG_OK);
    assert_int_equal(got.last_number, 10);
    assert_int_equal(producer_get(txn, first, 2, &got), VG_OK);
    assert_int_equal(got.last_number, 11);
    store_abort(&txn);
}

static void
a_refusal_is_remembered_with_its_words(void **state)
{
    struct fresh_store *fresh = *state;
    struct institution_id source = {1};
    char longest[WHY_TEXT_MAX];
    enum vg_status refusal = VG_OK;
    struct why why;
    struct txn *txn = fresh_store_write(fresh);

    memset(longest, 'w', sizeof longest);
    longest[WHY_TEXT_MAX - 1] = '\0';
    assert_int_equal(refusal_put(txn, source, 1, 5, VG_BAD_DATE, "30 February"), VG_OK);
    assert_int_equal(refusal_put(txn, source, 1, 6, VG_TOO_LARGE, longest), VG_OK);
    assert_int_equal(refusal_put(txn, source, 2, 5, VG_BAD_NISS, ""), VG_OK);
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(refusal_get(txn, source, 1, 5, &refusal, &why), VG_OK);
    assert_int_equal(refusal, VG_BAD_DATE);
    assert_string_equal(why.text, "30 February");
    assert_int_equal(refusal_get(txn, source, 1, 6, &refusal, &why), VG_OK);
    assert_int_equal(refusal, VG_TOO_LARGE);
    assert_string_equal(why.text, longest);
    assert_int_equal(refusal_get(txn, source, 2, 5, &refusal, &why), VG_OK);
    assert_int_equal(refusal, VG_BAD_NISS);
    assert_string_equal(why.text, "");
    assert_int_equal(refusal_get(txn, source, 1, 7, &refusal, &why), VG_NOT_FOUND);
    assert_int_equal(refusal_get(txn, (struct institution_id){2}, 1, 5, &refusal, &why),
                     VG_NOT_FOUND);
    store_abort(&txn);
}

// ---- catalogues ----

static void
catalogues_of_any_length_come_back(void **state)
{
    static const size_t lens[] = {0, 1, 38000, 4 << 20};
    struct fresh_store *fresh = *state;
    char *text = xcalloc(1, 4 << 20);
    struct buffer got = {.len = 0};
    struct catalogue_row row;
    struct txn *txn = fresh_store_write(fresh);

    for (size_t i = 0; i < 4 << 20; i++) {
        text[i] = (char)('a' + i % 23);
    }
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        row = (struct catalogue_row){i + 1, (int64_t)i * 10, (int64_t)i * 20};
        assert_int_equal(catalogue_put(txn, &row, text, lens[i]), VG_OK);
    }
    fresh_store_commit(&txn);
    fresh_store_reopen(fresh);
    txn = fresh_store_read(fresh);
    buffer_add(&got, "rest", 4); // what was in it goes
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        assert_int_equal(catalogue_get(txn, i + 1, &row, &got), VG_OK);
        assert_int_equal(row.version, i + 1);
        assert_int_equal(row.loaded_us, i * 10);
        assert_int_equal(row.effective_us, i * 20);
        assert_int_equal(got.len, lens[i]);
        assert_true(lens[i] == 0 || memcmp(got.at, text, lens[i]) == 0);
    }
    assert_int_equal(catalogue_get(txn, 9, &row, &got), VG_NOT_FOUND);
    store_abort(&txn);
    buffer_free(&got);
    free(text);
}

// ---- damage and failures ----

static void
an_institution_of_strange_length_or_without_end_is_broken(void **state)
{
    struct fresh_store *fresh = *state;
    static const uint8_t key[4] = {0, 0, 0, 1};
    struct institution institution = some_institution(1), got;
    struct seen seen = {.len = 0};

    memset(institution.name, 'x', sizeof institution.name); // no zero
    for (size_t cut = 0; cut < 2; cut++) {
        fresh_store_put_raw(fresh, "institutions", key, sizeof key, &institution,
                            sizeof institution - cut);
        fresh_store_open(fresh);

        struct txn *txn = fresh_store_read(fresh);

        assert_int_equal(institution_get(txn, (struct institution_id){1}, &got),
                         VG_STORE_BROKEN);
        assert_int_equal(institution_each(txn, see_institution, &seen), VG_STORE_BROKEN);
        store_abort(&txn);
    }
    assert_int_equal(seen.len, 0);
}

static void
a_key_of_strange_length_or_without_end_is_broken(void **state)
{
    struct fresh_store *fresh = *state;
    struct key_row row = {.institution = 1}, got;
    struct seen seen = {.len = 0};
    uint8_t key[KEY_LEN];

    make_key(key, 1);
    memset(row.label, 'x', sizeof row.label);
    for (size_t cut = 0; cut < 2; cut++) {
        fresh_store_put_raw(fresh, "keys", key, sizeof key, &row, sizeof row - cut);
        fresh_store_open(fresh);

        struct txn *txn = fresh_store_read(fresh);

        assert_int_equal(key_get(txn, key, &got), VG_STORE_BROKEN);
        assert_int_equal(key_each(txn, see_key, &seen), VG_STORE_BROKEN);
        store_abort(&txn);
    }
    assert_int_equal(seen.len, 0);
}

static void
a_specification_of_strange_length_is_broken(void **state)
{
    static const struct {
        uint32_t choices_len;
        size_t len;
    } rows[] = {{0, 47}, {1, 48}, {0, 64}, {129, 48 + 128 * 16}, {UINT32_MAX, 48}};
    struct fresh_store *fresh = *state;
    struct seen seen = {.len = 0};
    static const uint8_t key[4] = {0, 0, 0, 1};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct spec_row row = some_spec(1, 0);

        row.choices_len = rows[i].choices_len;
        fresh_store_put_raw(fresh, "specs", key, sizeof key, &row, rows[i].len);
        fresh_store_open(fresh);

        struct txn *txn = fresh_store_read(fresh);

        assert_int_equal(spec_each(txn, see_spec, &seen), VG_STORE_BROKEN);
        store_abort(&txn);
    }
    assert_int_equal(seen.len, 0);
}

static void
other_rows_of_strange_length_are_broken(void **state)
{
    struct fresh_store *fresh = *state;
    static const uint8_t zeros[WHY_TEXT_MAX + 2] = {0};
    struct raw_key catalogue = raw_key(1);
    struct producer_row producer;
    struct catalogue_row row;
    struct buffer text = {.len = 0};
    enum vg_status refusal;
    struct why why;
    struct txn *txn;

    fresh_store_put_raw(fresh, "meta", zeros, 10, zeros, 23);
    fresh_store_put_raw(fresh, "refusals", zeros, 16, zeros, 1);
    fresh_store_put_raw(fresh, "catalogues", &catalogue, 8, zeros, 15);
    fresh_store_open(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(producer_get(txn, (struct institution_id){0}, 0, &producer),
                     VG_STORE_BROKEN);
    assert_int_equal(refusal_get(txn, (struct institution_id){0}, 0, 0, &refusal, &why),
                     VG_STORE_BROKEN);
    assert_int_equal(catalogue_get(txn, 1, &row, &text), VG_STORE_BROKEN);
    store_abort(&txn);
    fresh_store_put_raw(fresh, "refusals", zeros, 16, zeros, sizeof zeros);
    fresh_store_open(fresh);
    txn = fresh_store_read(fresh);
    assert_int_equal(refusal_get(txn, (struct institution_id){0}, 0, 0, &refusal, &why),
                     VG_STORE_BROKEN);
    store_abort(&txn);
}

static enum vg_status
use_everything(struct txn *txn)
{
    struct institution institution = some_institution(1);
    struct spec_row spec = some_spec(MAILBOX_EXTRA_FIRST, 0);
    struct key_row key_row = {.institution = 1};
    struct producer_row producer;
    struct catalogue_row catalogue = {.version = 1};
    struct buffer text = {.len = 0};
    struct seen seen[3] = {{.len = 0}};
    enum vg_status refusal;
    struct why why;
    uint8_t key[KEY_LEN];
    enum vg_status status = institution_put(txn, &institution);

    make_key(key, 1);
    status = status == VG_OK
                 ? institution_get(txn, (struct institution_id){1}, &institution)
                 : status;
    status = status == VG_OK ? institution_each(txn, see_institution, &seen[0]) : status;
    status = status == VG_OK ? key_put(txn, key, &key_row) : status;
    status = status == VG_OK ? key_get(txn, key, &key_row) : status;
    status = status == VG_OK ? key_each(txn, see_key, &seen[1]) : status;
    status = status == VG_OK ? spec_put(txn, &spec) : status;
    status = status == VG_OK ? spec_each(txn, see_spec, &seen[2]) : status;
    status = status == VG_OK ? producer_get(txn, (struct institution_id){1}, 1, &producer)
                             : status;
    status = status == VG_OK ? producer_put(txn, (struct institution_id){1}, 1, &producer)
                             : status;
    status = status == VG_OK
                 ? refusal_put(txn, (struct institution_id){1}, 1, 1, VG_GAP, "")
                 : status;
    status = status == VG_OK
                 ? refusal_get(txn, (struct institution_id){1}, 1, 1, &refusal, &why)
                 : status;
    status = status == VG_OK ? catalogue_put(txn, &catalogue, "", 0) : status;
    status = status == VG_OK ? catalogue_get(txn, 1, &catalogue, &text) : status;
    buffer_free(&text);
    return status;
}

static void
every_call_that_fails_is_passed_on_and_changes_nothing(void **state)
{
    struct fresh_store *fresh = *state;
    bool failed = true;
    unsigned n = 1;

    for (; failed; n++) {
        struct txn *txn = fresh_store_write(fresh);
        struct institution institution;

        lmdb_fail(NULL, n, n % 2 == 0 ? MDB_MAP_FULL : MDB_CORRUPTED);

        enum vg_status status = use_everything(txn);

        failed = lmdb_heal();
        if (failed) {
            assert_int_equal(status, n % 2 == 0 ? VG_STORE_FULL : VG_STORE_BROKEN);
            assert_int_equal(store_commit(&txn, NULL), status); // all of it is lost
            txn = fresh_store_read(fresh);
            assert_int_equal(
                institution_get(txn, (struct institution_id){1}, &institution),
                VG_NOT_FOUND);
        } else {
            assert_int_equal(status, VG_OK);
        }
        store_abort(&txn);
    }
    assert_in_range(n, 20, 60);
}

static bool
see_limits(struct mailbox_id mailbox, const struct limits *limits, void *arg)
{
    uint64_t *sum = arg;

    *sum += mailbox.number * 1000 + limits->messages;
    return true;
}

static void
limits_come_back_and_none_leave_no_row(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);
    struct limits limits = {.messages = 5, .bytes = 6, .age_days = 7, .attempts = 8};
    struct limits none = {.messages = 0};
    struct limits got;
    uint64_t sum = 0;

    assert_int_equal(limits_put(txn, (struct mailbox_id){3}, &limits), VG_OK);
    assert_int_equal(limits_put(txn, (struct mailbox_id){4}, &limits), VG_OK);
    assert_int_equal(limits_put(txn, (struct mailbox_id){4}, &none), VG_OK);
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(limits_get(txn, (struct mailbox_id){3}, &got), VG_OK);
    assert_memory_equal(&got, &limits, sizeof got);
    assert_int_equal(limits_get(txn, (struct mailbox_id){4}, &got), VG_OK);
    assert_memory_equal(&got, &none, sizeof got);
    assert_int_equal(limits_each(txn, see_limits, &sum), VG_OK);
    assert_int_equal(sum, 3005);
    store_abort(&txn);
}

static bool
see_rules(struct mailbox_id mailbox, const struct mailbox_rules *rules, void *arg)
{
    struct mailbox_rules *seen = arg;

    assert_int_equal(mailbox.number, 3);
    *seen = *rules;
    return true;
}

static void
rules_come_back_and_none_leave_no_row(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = fresh_store_write(fresh);
    struct mailbox_rules rules = {
        .quiet_from = 20 * 60, .quiet_to = 7 * 60, .digest = 1, .unwanted_len = 2};
    struct mailbox_rules none = {.quiet_from = 7, .quiet_to = 7};
    struct mailbox_rules got = {.digest = 9};

    rules.unwanted[0] = (struct unwanted){.flow = 5, .qualities = UINT64_MAX};
    rules.unwanted[1] = (struct unwanted){.flow = 6, .qualities = 4};
    assert_int_equal(rules_put(txn, (struct mailbox_id){3}, &rules), VG_OK);
    assert_int_equal(rules_put(txn, (struct mailbox_id){4}, &rules), VG_OK);
    assert_int_equal(rules_put(txn, (struct mailbox_id){4}, &none), VG_OK);
    fresh_store_commit(&txn);
    txn = fresh_store_read(fresh);
    assert_int_equal(rules_each(txn, see_rules, &got), VG_OK);
    assert_memory_equal(&got, &rules, sizeof got);
    store_abort(&txn);
}

static void
damaged_rules_are_no_rules(void **state)
{
    struct fresh_store *fresh = *state;
    const uint8_t key[4] = {0, 0, 0, 3};
    struct mailbox_rules rules = {.quiet_to = DAY_MINUTES};
    struct mailbox_rules got;
    struct txn *txn;

    for (size_t len = 8; len <= 32; len += 8) { // 16 would be right, but for the minute
        fresh_store_put_raw(fresh, "mailbox_rules", key, sizeof key, &rules, len);
        fresh_store_open(fresh);
        txn = fresh_store_read(fresh);
        assert_int_equal(rules_each(txn, see_rules, &got), VG_STORE_BROKEN);
        store_abort(&txn);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(institutions_come_back_in_order_of_their_id),
        fresh_store_test(keys_are_found_by_their_bytes),
        fresh_store_test(specifications_keep_their_choices),
        fresh_store_test(limits_come_back_and_none_leave_no_row),
        fresh_store_test(a_producer_belongs_to_its_institution),
        fresh_store_test(a_refusal_is_remembered_with_its_words),
        fresh_store_test(catalogues_of_any_length_come_back),
        fresh_store_test(an_institution_of_strange_length_or_without_end_is_broken),
        fresh_store_test(a_key_of_strange_length_or_without_end_is_broken),
        fresh_store_test(a_specification_of_strange_length_is_broken),
        fresh_store_test(other_rows_of_strange_length_are_broken),
        fresh_store_test(every_call_that_fails_is_passed_on_and_changes_nothing),
        fresh_store_test(rules_come_back_and_none_leave_no_row),
        fresh_store_test(damaged_rules_are_no_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
