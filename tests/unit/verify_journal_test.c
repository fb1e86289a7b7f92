// SPDX-License-Identifier: EUPL-1.2
// Goal: the journal of a store is read from end to end without a broker, and whoever rewrote it,
// with all hashes made anew, is found out by anchors, the store's own or those kept elsewhere.
// Method: a real store with two anchors; a forger who changes a record and chains all after it
// again, meta included; and one who does not take that trouble.
#include "edge/verify_journal.h"

#include "flow_fixture.h"

#include <sys/stat.h>

#include "store/anchors.h"

static const uint8_t seed[ANCHOR_KEY_LEN] = {5};

struct verified {
    struct flow_fixture *f;
    struct settings settings;
    char key[ANCHOR_KEY_TEXT_LEN];
    char file[300];
    struct anchor anchors[2];
    char *said;
    size_t said_len;
};

static struct anchor
sign(struct flow_fixture *f, uint32_t day)
{
    struct meta meta = flow_meta(f);
    struct anchor anchor = {.commit = meta.last_commit, .day = day};
    struct command *command = flow_command(f, COMMAND_ANCHOR, 0);

    memcpy(anchor.hash, meta.last_hash.at, sizeof anchor.hash);
    anchor_sign(&anchor, seed);
    command->anchor.anchor = anchor;
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    return anchor;
}

static void
publish(struct flow_fixture *f, int times)
{
    for (int i = 0; i < times; i++) {
        flow_publish_one(f, RN, flow_producer(f, RN, 1).last_number + 1, flow_address(1));
        flow_apply(f);
    }
}

static int
setup(void **state)
{
    struct verified *v = xcalloc(1, sizeof *v);
    uint8_t key[ANCHOR_KEY_LEN];

    v->f = flow_begin();
    flow_furnish(v->f);
    flow_follow(v->f, CPAS_A, 1, 2);
    publish(v->f, 4);
    v->anchors[0] = sign(v->f, 20261121);
    publish(v->f, 8);
    v->anchors[1] = sign(v->f, 20261122);
    publish(v->f, 2);
    anchor_key(seed, key);
    anchor_key_print(key, v->key);
    snprintf(v->file, sizeof v->file, "%s.anchors", v->f->path);
    snprintf(v->settings.store_path, sizeof v->settings.store_path, "%s", v->f->path);
    v->settings.map_bytes = 256 << 20;
    *state = v;
    return 0;
}

static int
teardown(void **state)
{
    struct verified *v = *state;

    unlink(v->file);
    flow_end(v->f);
    free(v->said);
    free(v);
    return 0;
}

// Another process would do it beside the broker; in this one the store has to be closed.
static int
verify(struct verified *v, const char *key, const char *file, bool json)
{
    struct verify_choices choices = {.key = key, .anchors = file};
    struct inspect_output output = {.json = json};
    int code;

    free(v->said);
    v->said = NULL;
    output.out = output.wrong = open_memstream(&v->said, &v->said_len);
    flow_close_store(v->f);
    code = verify_journal(&v->settings, &choices, &output);
    flow_open_store(v->f);
    fclose(output.out);
    return code;
}

static void
keep(struct verified *v, size_t len)
{
    char line[ANCHOR_LINE_LEN];
    FILE *file = fopen(v->file, "w");

    assert_non_null(file);
    for (size_t i = 0; i < len; i++) {
        anchor_print(&v->anchors[i], line);
        fprintf(file, "%s\n", line);
    }
    fclose(file);
}

#define assert_said(v, words) assert_non_null(strstr((v)->said, words))

// Changes a record's moment; chains it, and all after it when he is careful, again.
static void
forge(struct verified *v, uint64_t from, bool carefully)
{
    AUTO(buffer_free) struct buffer record = {0};
    struct journal_head head;
    struct txn *txn = NULL;
    struct hash before;
    struct meta meta;

    store_abort(&v->f->view);
    assert_int_equal(store_write(v->f->store, &txn, NULL), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    for (uint64_t commit = from; commit <= (carefully ? meta.last_commit : from);
         commit++) {
        assert_int_equal(journal_read(txn, commit, &record, &head, NULL), VG_OK);
        before = commit == from ? head.previous : before;
        record.at[16] ^= commit == from; // drawn in store/journal.h
        memcpy(record.at + 32, &before, HASH_LEN);
        before = hash_chain(&before, record.at, record.len - HASH_LEN);
        memcpy(record.at + record.len - HASH_LEN, &before, HASH_LEN);
        assert_int_equal(journal_replace_record(txn, &record, commit), VG_OK);
    }
    if (carefully) {
        meta.last_hash = before;
        assert_int_equal(meta_put(txn, &meta), VG_OK);
    }
    assert_int_equal(store_commit(&txn, NULL), VG_OK);
    flow_reopen(v->f);
}

static void
a_sound_journal_passes_through_its_anchors(void **state)
{
    struct verified *v = *state;

    assert_int_equal(verify(v, NULL, NULL, false), INSPECT_GOOD);
    assert_said(v, "follow on one another");
    assert_int_equal(verify(v, v->key, NULL, false), INSPECT_GOOD);
    assert_said(v, "it passes through 2 anchors, the last one of 2026-11-22");
    keep(v, 1);
    assert_int_equal(verify(v, v->key, v->file, true), INSPECT_GOOD);
    assert_said(v, "it passes through 1 anchor,");
    assert_said(v, "\"good\":true");
}

static void
a_careful_forger_is_found_out_by_the_anchors_alone(void **state)
{
    struct verified *v = *state;
    uint64_t from = v->anchors[0].commit + 3;
    char words[64];

    forge(v, from, true);
    assert_int_equal(verify(v, NULL, NULL, false), INSPECT_GOOD); // its hashes hold
    snprintf(words, sizeof words, "from commit %llu or a later one on",
             (unsigned long long)v->anchors[0].commit + 1);
    assert_int_equal(verify(v, v->key, NULL, false), INSPECT_UNSOUND);
    assert_said(v, words);
    keep(v, 2);
    assert_int_equal(verify(v, v->key, v->file, false), INSPECT_UNSOUND);
    assert_said(v, words);
    assert_int_equal(verify(v, v->key, v->file, true), INSPECT_UNSOUND);
    assert_said(v, "\"good\":false");
}

static void
a_careless_one_by_the_next_record(void **state)
{
    struct verified *v = *state;

    forge(v, 5, false);
    assert_int_equal(verify(v, NULL, NULL, false), INSPECT_UNSOUND);
    assert_said(v, "commit 6 does not follow on the one before");
}

static void
another_key_or_no_anchor_proves_nothing(void **state)
{
    static const uint8_t other[ANCHOR_KEY_LEN] = {6};
    struct verified *v = *state;
    char wrong[ANCHOR_KEY_TEXT_LEN];
    uint8_t key[ANCHOR_KEY_LEN];

    anchor_key(other, key);
    anchor_key_print(key, wrong);
    assert_int_equal(verify(v, wrong, NULL, false), INSPECT_UNSOUND);
    assert_said(v, "another key");
    keep(v, 2);
    assert_int_equal(verify(v, wrong, v->file, false), INSPECT_UNSOUND);
    assert_said(v, "another key");
    v->anchors[1].commit--;
    keep(v, 2);
    assert_int_equal(verify(v, v->key, v->file, false), INSPECT_UNSOUND);
    assert_said(v, "was changed");
    keep(v, 0);
    assert_int_equal(verify(v, v->key, v->file, false), INSPECT_UNSOUND);
    assert_said(v, "holds no anchor");
    assert_int_equal(verify(v, "abc", NULL, false), INSPECT_BAD);
    assert_said(v, "\"abc\" is none: 64 hexadecimal digits");
    assert_said(v, "MALFORMED (2, sender)");
    assert_int_equal(verify(v, v->key, "/nowhere", false),
                     INSPECT_BAD); // nothing is proved
    assert_said(v, "BAD_FILE (41, operator)");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sound_journal_passes_through_its_anchors, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_careful_forger_is_found_out_by_the_anchors_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_careless_one_by_the_next_record, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_key_or_no_anchor_proves_nothing, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
