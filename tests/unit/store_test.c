// SPDX-License-Identifier: EUPL-1.2
// Goal: a commit that says yes is on the disk whole, any other leaves the disk as it was,
// and one whose outcome is not known is the last of its process.
// Method: a real store in a fresh folder, opened again to look at the disk; LMDB's calls
// fail one after the other, each with each kind of error.
#include "store/store.h"

#include "../failing_lmdb.h"
#include "../fresh_store.h"
#include "store/bodies.h"
#include "store/journal.h"
#include "store/mailbox.h"
#include "store/person.h"
#include "store/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static void
remember(struct fresh_store *fresh, uint64_t commit)
{
    struct txn *txn = fresh_store_write(fresh);

    assert_int_equal(meta_put(txn, &(struct meta){.last_commit = commit}), VG_OK);
    fresh_store_commit(&txn);
}

static uint64_t
remembered(struct fresh_store *fresh)
{
    struct txn *txn = fresh_store_read(fresh);
    struct meta meta;

    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    store_abort(&txn);
    return meta.last_commit;
}

// ---- opening ----

static void
what_was_committed_is_there_when_opened_again(void **state)
{
    struct fresh_store *fresh = *state;

    assert_int_equal(remembered(fresh), 0);
    remember(fresh, 7);
    assert_int_equal(remembered(fresh), 7);
    fresh_store_reopen(fresh);
    assert_int_equal(remembered(fresh), 7);
    assert_string_equal(store_path(fresh->store), fresh->path);
    assert_false(store_broken(fresh->store));
}

static void
a_store_is_made_only_when_asked(void **state)
{
    struct fresh_store fresh;
    struct why why;
    struct store_options options = {.path = fresh.path};
    char path[300];
    (void)state;

    fresh_store_make_folder(&fresh);
    assert_int_equal(store_open(&options, &fresh.store, &why), VG_NOT_FOUND);
    assert_non_null(strstr(why.text, fresh.path));
    assert_int_equal(rmdir(fresh.path), 0); // nothing was left in it
    assert_int_equal(mkdir(fresh.path, 0700), 0);

    // A program that ended before its first commit leaves a file without tables.
    MDB_env *env;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, fresh.path, 0, 0600), 0);
    mdb_env_close(env);
    assert_int_equal(store_open(&options, &fresh.store, &why), VG_NOT_FOUND);
    options.create = true;
    assert_int_equal(store_open(&options, &fresh.store, &why), VG_OK);
    snprintf(path, sizeof path, "%s/data.mdb", fresh.path);

    struct stat file;

    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600); // persons are in it
    fresh_store_remove_folder(&fresh);
}

// Whoever ended while he made a store leaves data.new, and never data.mdb.
static void
a_store_half_made_is_made_anew(void **state)
{
    struct fresh_store fresh;
    char path[300];
    (void)state;

    fresh_store_make_folder(&fresh);
    snprintf(path, sizeof path, "%s/data.new", fresh.path);

    FILE *half = fopen(path, "wb");

    assert_non_null(half);
    assert_int_equal(fwrite("half", 1, 4, half), 4);
    assert_int_equal(fclose(half), 0);
    fresh_store_open(&fresh);
    assert_int_equal(store_was_schema(fresh.store), 0);
    remember(&fresh, 1);
    assert_int_equal(access(path, F_OK), -1);
    fresh_store_reopen(&fresh);
    assert_int_equal(store_was_schema(fresh.store), STORE_SCHEMA);
    assert_int_equal(remembered(&fresh), 1);
    fresh_store_remove_folder(&fresh); // and nothing else lies there
}

static void
a_folder_that_is_not_there_or_a_file_is_refused(void **state)
{
    struct fresh_store *fresh = *state;
    char path[300];
    struct store *store = NULL;
    struct why why;
    struct store_options options = {.path = path, .create = true};

    snprintf(path, sizeof path, "%s/missing", fresh->path);
    assert_int_equal(store_open(&options, &store, &why), VG_BAD_FILE);
    assert_non_null(strstr(why.text, "No such file"));
    snprintf(path, sizeof path, "%s/data.mdb", fresh->path);
    assert_int_equal(store_open(&options, &store, &why), VG_BAD_FILE);
    assert_non_null(strstr(why.text, "Not a directory"));
    assert_null(store);
}

static void
two_at_once_are_refused(void **state)
{
    struct fresh_store *fresh = *state;
    struct fresh_store second = *fresh;
    struct why why;

    second.store = NULL;
    assert_int_equal(fresh_store_try_open(&second, &why), VG_STORE_IN_USE);
    assert_null(second.store);
    assert_non_null(strstr(why.text, "another process has this store open"));
    remember(fresh, 1); // the first one is as before

    store_close(&fresh->store);
    assert_int_equal(fresh_store_try_open(&second, &why), VG_OK);
    assert_int_equal(remembered(&second), 1);
    store_close(&second.store);
    store_close(&second.store); // twice by mistake
}

static void
set_schema(struct fresh_store *fresh, const void *schema, size_t len)
{
    fresh_store_put_raw(fresh, "meta", "schema", 6, schema, len);
}

static void
give_a_body_of_many_pages(struct fresh_store *fresh, size_t integrations)
{
    static const struct integration many[4000];
    struct txn *txn = fresh_store_write(fresh);

    assert_int_equal(person_put(txn, niss_make(1966, 1 + 60, 1, 1), many, integrations),
                     VG_OK);
    fresh_store_commit(&txn);
}

// Cuts the closed store's file; gives its length.
static off_t
cut(struct fresh_store *fresh, off_t bytes)
{
    char path[300];
    struct stat file;

    store_close(&fresh->store);
    snprintf(path, sizeof path, "%s/data.mdb", fresh->path);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(truncate(path, file.st_size - bytes), 0);
    assert_int_equal(stat(path, &file), 0);
    return file.st_size;
}

static void
a_file_that_was_cut_short_is_refused_unless_nothing_of_it_is_missed(void **state)
{
    struct fresh_store *fresh = *state;
    struct why why;
    off_t whole;

    // The last of 64 KB of free pages is gone: nobody would read it.
    give_a_body_of_many_pages(fresh, 4000);
    give_a_body_of_many_pages(fresh, 0);
    for (uint64_t commit = 1; commit <= 4; commit++) {
        remember(fresh, commit); // what is in use moves to the front
    }
    whole = cut(fresh, 4096);
    assert_int_equal(fresh_store_try_open(fresh, &why), VG_OK);
    give_a_body_of_many_pages(fresh, 4000);
    assert_true(cut(fresh, 0) > whole);
    assert_int_equal(fresh_store_try_open(fresh, &why), VG_OK);

    give_a_body_of_many_pages(fresh, 3999); // the last page is in use now
    (void)cut(fresh, 1);
    assert_int_equal(fresh_store_try_open(fresh, &why), VG_STORE_BROKEN);
    assert_non_null(strstr(why.text, "data.mdb was cut short: it lacks 1 pages"));
}

static void
a_store_that_cannot_be_seen_or_is_empty_is_not_made_anew(void **state)
{
    struct fresh_store *fresh = *state;
    char path[300];
    char elsewhere[310];
    struct why why;
    struct stat file;

    (void)cut(fresh, 0);
    snprintf(path, sizeof path, "%s/data.mdb", fresh->path);
    snprintf(elsewhere, sizeof elsewhere, "%s.kept", path);
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink("data.mdb", path), 0); // a loop: no file, and no ENOENT
    assert_int_equal(fresh_store_try_open(fresh, &why), VG_BAD_FILE);
    assert_int_equal(lstat(path, &file), 0);
    assert_true(S_ISLNK(file.st_mode));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(elsewhere, path), 0);

    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(fresh_store_try_open(fresh, &why), VG_STORE_BROKEN);
    assert_non_null(strstr(why.text, "data.mdb was cut short: it is empty"));
}

static void
a_newer_schema_is_refused_and_left_alone(void **state)
{
    struct fresh_store *fresh = *state;
    uint32_t newer = STORE_SCHEMA + 1, now = STORE_SCHEMA;
    char words[64];
    struct why why;

    remember(fresh, 5);
    set_schema(fresh, &newer, sizeof newer);
    assert_int_equal(fresh_store_try_open(fresh, &why), VG_STORE_NEWER);
    snprintf(words, sizeof words, "schema %d, this program knows %d", STORE_SCHEMA + 1,
             STORE_SCHEMA);
    assert_non_null(strstr(why.text, words));
    set_schema(fresh, &now, sizeof now);
    fresh_store_open(fresh);
    assert_int_equal(remembered(fresh), 5);
}

static void
a_file_of_something_else_is_refused(void **state)
{
    struct fresh_store *fresh = *state;
    uint64_t wide = 1;
    uint32_t zero = 0;
    struct fresh_store other;
    struct why why;

    set_schema(fresh, &wide, sizeof wide);
    assert_int_equal(fresh_store_try_open(fresh, &why), VG_STORE_BROKEN);
    set_schema(fresh, &zero, sizeof zero);
    assert_int_equal(fresh_store_try_open(fresh, &why), VG_STORE_BROKEN);
    set_schema(fresh, NULL, 0);
    assert_int_equal(fresh_store_try_open(fresh, &why), VG_STORE_BROKEN);

    fresh_store_make_folder(&other);
    fresh_store_put_raw(&other, "recipes", "soup", 4, "leek", 4);
    assert_int_equal(fresh_store_try_open(&other, &why), VG_STORE_BROKEN);
    assert_non_null(strstr(why.text, "not a store of vigie"));
    fresh_store_put_raw(&other, "meta", "schema", 6, &(uint32_t){STORE_SCHEMA}, 4);
    assert_int_equal(fresh_store_try_open(&other, &why), VG_STORE_BROKEN);
    assert_non_null(strstr(why.text, "commits")); // the table that is missing
    fresh_store_remove_folder(&other);
}

static void
bytes_that_are_no_database_are_refused(void **state)
{
    struct fresh_store *fresh = *state;
    char path[300];
    struct why why;
    uint8_t noise[8192];

    store_close(&fresh->store);
    memset(noise, 'x', sizeof noise);
    snprintf(path, sizeof path, "%s/data.mdb", fresh->path);

    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(noise, 1, sizeof noise, file), sizeof noise);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(fresh_store_try_open(fresh, &why), VG_STORE_BROKEN);
    assert_null(fresh->store);
}

// ---- transactions ----

static void
an_abort_leaves_no_trace(void **state)
{
    struct fresh_store *fresh = *state;

    remember(fresh, 1);

    struct txn *txn = fresh_store_write(fresh);

    assert_int_equal(meta_put(txn, &(struct meta){.last_commit = 2}), VG_OK);
    store_abort(&txn);
    assert_null(txn);
    store_abort(&txn); // twice by mistake
    assert_int_equal(remembered(fresh), 1);
    fresh_store_reopen(fresh);
    assert_int_equal(remembered(fresh), 1);
}

static uint64_t
seen_by(struct txn *txn)
{
    struct meta meta;

    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    return meta.last_commit;
}

static void
a_reader_sees_one_moment_until_it_is_renewed(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *reader = fresh_store_read(fresh);

    remember(fresh, 1);
    assert_int_equal(seen_by(reader), 0);
    store_read_rest(reader);
    store_read_rest(reader); // twice is once
    remember(fresh, 2);
    assert_int_equal(store_read_renew(reader), VG_OK);
    assert_int_equal(seen_by(reader), 2);
    remember(fresh, 3);
    assert_int_equal(seen_by(reader), 2);
    assert_int_equal(store_read_renew(reader), VG_OK); // without a rest before
    assert_int_equal(seen_by(reader), 3);
    store_abort(&reader);
}

static void
too_many_readers_are_told_to_come_back(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *readers[200];
    struct why why;
    size_t len = 0;
    enum vg_status status = VG_OK;

    while (status == VG_OK) {
        assert_in_range(len, 0, ARRAY_LEN(readers) - 1);
        status = store_read(fresh->store, &readers[len], &why);
        len += status == VG_OK;
    }
    assert_int_equal(status, VG_BUSY);
    while (len > 0) {
        store_abort(&readers[--len]);
    }
    assert_int_equal(remembered(fresh), 0);
}

// ---- failures ----

static void
a_commit_without_room_is_rolled_back_and_the_store_goes_on(void **state)
{
    static const int errors[] = {MDB_MAP_FULL, MDB_TXN_FULL, ENOMEM};
    struct fresh_store *fresh = *state;

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct txn *txn = fresh_store_write(fresh);
        struct why why;

        assert_int_equal(meta_put(txn, &(struct meta){.last_commit = 100}), VG_OK);
        lmdb_fail("txn_commit", 1, errors[i]);
        assert_int_equal(store_commit(&txn, &why), VG_STORE_FULL);
        assert_true(lmdb_heal());
        assert_null(txn);
        assert_non_null(strstr(why.text, "commit"));
        assert_false(store_broken(fresh->store));
        assert_int_equal(remembered(fresh), i);
        remember(fresh, i + 1);
    }
    fresh_store_reopen(fresh);
    assert_int_equal(remembered(fresh), ARRAY_LEN(errors));
}

static void
after_any_other_failed_commit_nothing_is_written_in_this_process(void **state)
{
    static const int errors[] = {EIO, ENOSPC, EROFS, MDB_PANIC, MDB_BAD_TXN};
    struct fresh_store *fresh = *state;

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        struct txn *txn;
        struct why why;

        remember(fresh, i + 1);
        txn = fresh_store_write(fresh);
        assert_int_equal(meta_put(txn, &(struct meta){.last_commit = 100}), VG_OK);
        lmdb_fail("txn_commit", 1, errors[i]);
        assert_int_equal(store_commit(&txn, &why), VG_UNKNOWN);
        assert_true(lmdb_heal());
        assert_null(txn);
        assert_true(store_broken(fresh->store));
        // The next commit might well succeed, and be lost.
        assert_int_equal(store_write(fresh->store, &txn, &why), VG_STORE_BROKEN);
        assert_non_null(strstr(why.text, "an earlier commit failed"));
        assert_int_equal(remembered(fresh), i + 1); // reading goes on
        fresh_store_reopen(fresh);
        assert_false(store_broken(fresh->store));
        assert_int_equal(remembered(fresh), i + 1);
    }
}

static void
a_transaction_lost_by_a_put_is_not_committed_by_mistake(void **state)
{
    static const struct {
        int rc;
        enum vg_status status;
    } rows[] = {{MDB_MAP_FULL, VG_STORE_FULL},  {MDB_TXN_FULL, VG_STORE_FULL},
                {ENOMEM, VG_STORE_FULL},        {MDB_CORRUPTED, VG_STORE_BROKEN},
                {MDB_BAD_TXN, VG_STORE_BROKEN}, {EIO, VG_STORE_BROKEN}};
    struct fresh_store *fresh = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct txn *txn = fresh_store_write(fresh);
        struct meta meta = {.last_commit = 9};

        lmdb_fail("put", 1, rows[i].rc);
        assert_int_equal(meta_put(txn, &meta), rows[i].status);
        assert_true(lmdb_heal());
        assert_int_equal(store_commit(&txn, NULL), rows[i].status);
        assert_false(store_broken(fresh->store)); // nothing went to the disk
        assert_int_equal(remembered(fresh), i);
        remember(fresh, i + 1);
    }
}

static void
a_write_that_cannot_begin_says_whether_to_try_again(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = NULL;

    lmdb_fail("txn_begin", 1, ENOMEM);
    assert_int_equal(store_write(fresh->store, &txn, NULL), VG_STORE_FULL);
    assert_true(lmdb_heal());
    assert_false(store_broken(fresh->store));
    lmdb_fail("txn_begin", 1, MDB_PANIC);
    assert_int_equal(store_write(fresh->store, &txn, NULL), VG_STORE_BROKEN);
    assert_true(lmdb_heal());
    assert_true(store_broken(fresh->store));
    assert_null(txn);
}

static void
a_read_that_fails_says_so_and_breaks_nothing(void **state)
{
    struct fresh_store *fresh = *state;
    struct txn *txn = NULL;
    struct meta meta;

    lmdb_fail("txn_begin", 1, ENOMEM);
    assert_int_equal(store_read(fresh->store, &txn, NULL), VG_NO_MEMORY);
    lmdb_fail("txn_begin", 1, MDB_PANIC);
    assert_int_equal(store_read(fresh->store, &txn, NULL), VG_STORE_BROKEN);
    assert_null(txn);
    txn = fresh_store_read(fresh);
    lmdb_fail("get", 1, MDB_CORRUPTED);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_STORE_BROKEN);
    store_read_rest(txn);
    lmdb_fail("txn_renew", 1, MDB_READERS_FULL);
    assert_int_equal(store_read_renew(txn), VG_BUSY);
    assert_true(lmdb_heal());
    assert_int_equal(store_read_renew(txn), VG_OK);
    assert_int_equal(seen_by(txn), 0);
    store_abort(&txn);
    remember(fresh, 1);
}

static void
opening_fails_at_every_call_without_harm(void **state)
{
    static const int errors[] = {EIO, ENOMEM, MDB_MAP_FULL, MDB_CORRUPTED};
    struct fresh_store *fresh = *state;

    remember(fresh, 3);
    store_close(&fresh->store);
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        unsigned n = 1;
        bool failed = true;

        for (; failed; n++) {
            struct why why = {.text = ""};

            lmdb_fail(NULL, n, errors[i]);

            enum vg_status status = fresh_store_try_open(fresh, &why);

            failed = lmdb_heal();
            if (failed) {
                assert_null(fresh->store);
                assert_true(status == VG_BAD_FILE || status == VG_STORE_BROKEN);
                assert_non_null(strstr(why.text, fresh->path));
            } else {
                assert_int_equal(status, VG_OK);
                store_close(&fresh->store);
            }
        }
        assert_in_range(n, 20, 100); // all of them were visited
    }
    fresh_store_open(fresh);
    assert_int_equal(remembered(fresh), 3);
}

static void
making_a_store_fails_at_every_call_and_succeeds_at_last(void **state)
{
    struct fresh_store fresh;
    bool failed = true;
    (void)state;

    fresh_store_make_folder(&fresh);
    for (unsigned n = 1; failed; n++) {
        lmdb_fail(NULL, n, MDB_MAP_FULL);

        enum vg_status status = fresh_store_try_open(&fresh, NULL);

        failed = lmdb_heal();
        assert_int_equal(status == VG_OK, !failed);
    }
    assert_int_equal(remembered(&fresh), 0);
    fresh_store_remove_folder(&fresh);
}

// One batch as the writer makes it: something in every table that a batch touches.
static enum vg_status
write_batch(struct txn *txn, uint64_t commit)
{
    struct meta meta;
    struct body_writer writer = {.next = commit};
    struct buffer record = {.len = 0};
    struct mailbox_row row;
    struct number_range range = {commit + 5, commit + 6, 20, 30};
    struct letter letter = {.number = commit};
    struct person person;
    struct integration integration = {.institution = 1, .sector = SECTOR_CPAS};
    struct niss niss = niss_make(1966, 1 + 60, 1, (int)commit);
    uint8_t *at = NULL;
    size_t rows = 0;
    enum vg_status status = meta_get(txn, &meta, NULL);

    if (status == VG_OK) {
        status = person_get(txn, niss, &person);
    }
    if (status == VG_OK) {
        status = body_reserve(txn, &writer, 10, &at);
    }
    if (status == VG_OK) {
        memset(at, 'b', 10);
        letter.body = body_done(&writer, 10);
        status = bodies_flush(txn, &writer, &meta);
    }
    if (status == VG_OK) {
        status = mailbox_get(txn, (struct mailbox_id){1}, &row);
    }
    if (status == VG_OK) {
        row.last = commit;
        status = mailbox_put(txn, (struct mailbox_id){1}, &row);
    }
    if (status == VG_OK) {
        status = ranges_put(txn, (struct mailbox_id){1}, &range, commit % 2);
    }
    if (status == VG_OK) {
        status = backlog_append(txn, (struct mailbox_id){1}, &letter, 1);
    }
    if (status == VG_OK) {
        status = backlog_trim(txn, (struct mailbox_id){1}, commit - 1, 4, &rows);
    }
    if (status == VG_OK) {
        status = person_put(txn, niss, &integration, 1);
    }
    if (status == VG_OK) {
        status = refusal_put(txn, (struct institution_id){1}, 1, commit, VG_BAD_DATE,
                             "begin is after end");
    }
    if (status == VG_OK) {
        journal_begin(&record, commit, commit, 1000, &meta.last_hash);
        status = journal_append(txn, &record, commit, &meta.last_hash);
    }
    if (status == VG_OK) {
        meta.last_commit = commit;
        status = meta_put(txn, &meta);
    }
    buffer_free(&record);
    buffer_free(&writer.block);
    return status;
}

static enum vg_status
try_batch(struct fresh_store *fresh, uint64_t commit)
{
    struct txn *txn = NULL;
    enum vg_status status = store_write(fresh->store, &txn, NULL);

    if (status == VG_OK) {
        status = write_batch(txn, commit);
    }
    if (status == VG_OK) {
        return store_commit(&txn, NULL);
    }
    store_abort(&txn);
    return status;
}

// All of commits 1 to last, and nothing of the next one.
static void
assert_batches(struct fresh_store *fresh, uint64_t last)
{
    struct txn *txn = fresh_store_read(fresh);
    struct buffer record = {.len = 0};
    struct journal_head head;
    struct mailbox_row row;
    struct letter letter;
    struct number_range ranges[RANGES_MAX];
    struct bytes body;
    struct person person;
    struct why why;
    enum vg_status refusal;
    size_t len = 0;

    assert_int_equal(seen_by(txn), last);
    for (uint64_t commit = 1; commit <= last + 1; commit++) {
        enum vg_status there = commit <= last ? VG_OK : VG_NOT_FOUND;
        struct niss niss = niss_make(1966, 1 + 60, 1, (int)commit);

        assert_int_equal(journal_read(txn, commit, &record, &head, NULL), there);
        assert_int_equal(body_get(txn, commit << 16 | 16, &body), there);
        assert_int_equal(
            refusal_get(txn, (struct institution_id){1}, 1, commit, &refusal, &why),
            there);
        assert_int_equal(person_get(txn, niss, &person), VG_OK);
        assert_int_equal(person.len, commit <= last);
    }
    assert_int_equal(mailbox_get(txn, (struct mailbox_id){1}, &row), VG_OK);
    assert_int_equal(row.last, last);
    assert_int_equal(ranges_get(txn, (struct mailbox_id){1}, ranges, &len), VG_OK);
    assert_int_equal(len, last % 2);
    assert_int_equal(backlog_read(txn, (struct mailbox_id){1}, last, &letter, 1, &len),
                     VG_OK);
    assert_int_equal(len, last > 0);
    buffer_free(&record);
    store_abort(&txn);
}

static void
a_batch_is_whole_or_not_at_all_whichever_call_fails(void **state)
{
    static const int errors[] = {MDB_MAP_FULL, ENOMEM, EIO, MDB_CORRUPTED};
    struct fresh_store *fresh = *state;
    uint64_t commit = 1;

    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        bool room = errors[i] == MDB_MAP_FULL || errors[i] == ENOMEM;
        unsigned n = 1;
        bool failed = true;

        for (; failed; n++) {
            lmdb_fail(NULL, n, errors[i]);

            enum vg_status status = try_batch(fresh, commit);

            failed = lmdb_heal();
            if (!failed) {
                assert_int_equal(status, VG_OK);
                commit++;
            } else if (room) {
                assert_int_equal(status, VG_STORE_FULL);
                assert_false(store_broken(fresh->store));
            } else {
                assert_true(status == VG_STORE_BROKEN || status == VG_UNKNOWN);
            }
            assert_batches(fresh, commit - 1);
            if (!room || !failed) {
                fresh_store_reopen(fresh);
                assert_batches(fresh, commit - 1);
            }
        }
        assert_in_range(n, 20, 100);
    }
}

static void
a_full_map_gives_the_batch_up_and_erasing_makes_room(void **state)
{
    struct fresh_store fresh;
    struct store_options options = {
        .path = fresh.path, .map_bytes = 1 << 20, .create = true};
    struct integration many[2000];
    struct person person;
    struct niss niss;
    int serial = 0;
    enum vg_status status = VG_OK;
    (void)state;

    memset(many, 1, sizeof many);
    fresh_store_make_folder(&fresh);
    assert_int_equal(store_open(&options, &fresh.store, NULL), VG_OK);
    while (status == VG_OK) {
        struct txn *txn = fresh_store_write(&fresh);

        niss = niss_make(1966, 1 + 60, 1, ++serial);
        assert_in_range(serial, 1, 100);
        status = person_put(txn, niss, many, ARRAY_LEN(many));
        if (status == VG_OK) {
            status = store_commit(&txn, NULL);
        }
        store_abort(&txn);
    }
    assert_int_equal(status, VG_STORE_FULL);
    assert_in_range(serial, 10, 100);
    assert_false(store_broken(fresh.store));

    struct txn *txn = fresh_store_write(&fresh);

    assert_int_equal(person_put(txn, niss_make(1966, 1 + 60, 1, 1), NULL, 0), VG_OK);
    fresh_store_commit(&txn);
    fresh_store_reopen(&fresh);
    txn = fresh_store_read(&fresh);
    assert_int_equal(person_get(txn, niss, &person), VG_OK);
    assert_int_equal(person.len, 0); // the one that found no room
    assert_int_equal(person_get(txn, niss_make(1966, 1 + 60, 1, 2), &person), VG_OK);
    assert_int_equal(person.len, ARRAY_LEN(many));
    store_abort(&txn);
    fresh_store_remove_folder(&fresh);
}

// ---- room ----

static void
room_counts_pages_in_use_and_not_those_that_are_free_again(void **state)
{
    struct fresh_store *fresh = *state;
    struct integration many[4000];
    struct store_room empty, full, less;
    struct txn *txn = fresh_store_write(fresh);
    char path[300];
    struct stat file;

    store_abort(&txn);
    assert_int_equal(store_room(fresh->store, &empty), VG_OK);
    memset(many, 1, sizeof many);
    txn = fresh_store_write(fresh);
    for (int serial = 1; serial <= 100; serial++) {
        assert_int_equal(
            person_put(txn, niss_make(1966, 1 + 60, 1, serial), many, ARRAY_LEN(many)),
            VG_OK);
    }
    fresh_store_commit(&txn);
    assert_int_equal(store_room(fresh->store, &full), VG_OK);
    assert_in_range(full.used_bytes - empty.used_bytes, 100 * sizeof many,
                    110 * sizeof many);

    txn = fresh_store_write(fresh);
    for (int serial = 1; serial <= 50; serial++) {
        assert_int_equal(person_put(txn, niss_make(1966, 1 + 60, 1, serial), NULL, 0),
                         VG_OK);
    }
    fresh_store_commit(&txn);
    assert_int_equal(store_room(fresh->store, &less), VG_OK);
    assert_in_range(full.used_bytes - less.used_bytes, 45 * sizeof many,
                    55 * sizeof many);

    snprintf(path, sizeof path, "%s/data.mdb", fresh->path);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(less.file_bytes, file.st_size);
    assert_in_range(less.used_bytes, 1, less.file_bytes);
    assert_true(less.disk_free_bytes > 0);
}

static void
room_that_cannot_be_measured_says_so(void **state)
{
    struct fresh_store *fresh = *state;
    struct store_room room;
    bool failed = true;
    unsigned n = 1;

    remember(fresh, 1); // so that there are free pages to count
    for (; failed; n++) {
        lmdb_fail(NULL, n, MDB_PANIC);

        enum vg_status status = store_room(fresh->store, &room);

        failed = lmdb_heal();
        assert_int_equal(status, failed ? VG_STORE_BROKEN : VG_OK);
    }
    assert_in_range(n, 6, 20);
}

static void
the_quota_leaves_a_tenth_of_the_map(void **state)
{
    static const struct {
        uint64_t map, quota, expected;
    } rows[] = {
        {0, 0, (UINT64_C(256) << 30) / 10 * 9},
        {1000 << 20, 0, 900 << 20},
        {1000 << 20, 300 << 20, 300 << 20},
        {1000 << 20, 999 << 20, 900 << 20},
    };
    struct fresh_store *fresh = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct store_options options = {
            .path = fresh->path, .map_bytes = rows[i].map, .quota_bytes = rows[i].quota};
        struct store_room room;

        store_close(&fresh->store);
        assert_int_equal(store_open(&options, &fresh->store, NULL), VG_OK);
        assert_int_equal(store_room(fresh->store, &room), VG_OK);
        assert_in_range(room.quota_bytes, rows[i].expected - 10, rows[i].expected);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(what_was_committed_is_there_when_opened_again),
        cmocka_unit_test(a_store_is_made_only_when_asked),
        cmocka_unit_test(a_store_half_made_is_made_anew),
        fresh_store_test(a_folder_that_is_not_there_or_a_file_is_refused),
        fresh_store_test(two_at_once_are_refused),
        fresh_store_test(
            a_file_that_was_cut_short_is_refused_unless_nothing_of_it_is_missed),
        fresh_store_test(a_store_that_cannot_be_seen_or_is_empty_is_not_made_anew),
        fresh_store_test(a_newer_schema_is_refused_and_left_alone),
        fresh_store_test(a_file_of_something_else_is_refused),
        fresh_store_test(bytes_that_are_no_database_are_refused),
        fresh_store_test(an_abort_leaves_no_trace),
        fresh_store_test(a_reader_sees_one_moment_until_it_is_renewed),
        fresh_store_test(too_many_readers_are_told_to_come_back),
        fresh_store_test(a_commit_without_room_is_rolled_back_and_the_store_goes_on),
        fresh_store_test(
            after_any_other_failed_commit_nothing_is_written_in_this_process),
        fresh_store_test(a_transaction_lost_by_a_put_is_not_committed_by_mistake),
        fresh_store_test(a_write_that_cannot_begin_says_whether_to_try_again),
        fresh_store_test(a_read_that_fails_says_so_and_breaks_nothing),
        fresh_store_test(opening_fails_at_every_call_without_harm),
        cmocka_unit_test(making_a_store_fails_at_every_call_and_succeeds_at_last),
        fresh_store_test(a_batch_is_whole_or_not_at_all_whichever_call_fails),
        cmocka_unit_test(a_full_map_gives_the_batch_up_and_erasing_makes_room),
        fresh_store_test(room_counts_pages_in_use_and_not_those_that_are_free_again),
        fresh_store_test(room_that_cannot_be_measured_says_so),
        fresh_store_test(the_quota_leaves_a_tenth_of_the_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
