// SPDX-License-Identifier: EUPL-1.2
// Goal: a backup is the store as it was, finished or recognisably not; a byte that changed in
// it is told; a restore leaves a whole store or none.
// Method: a small store is copied, full, compact and as an increment; then copies are spoilt,
// disks are full, and restores are interrupted between any two steps.
#include "backup_fixture.h"

#include <fcntl.h>
#include <sys/resource.h>

static void
assert_sound(const char *folder, uint64_t commits)
{
    struct store_options options = {.path = folder, .access = STORE_READS_COPY};
    struct check_report report;
    struct store *store = NULL;

    assert_int_equal(store_open(&options, &store, NULL), VG_OK);
    assert_int_equal(store_check(store, &report, NULL, NULL, NULL), VG_OK);
    if (report.faults.total > 0) {
        fail_msg("%s", report.faults.fault[0].why.text);
    }
    assert_int_equal(report.commits, commits);
    store_close(&store);
}

static size_t
entries_of(const char *folder)
{
    DIR *entries = opendir(folder);
    size_t len = 0;

    if (entries == NULL) {
        return 0;
    }
    while (readdir(entries) != NULL) {
        len++;
    }
    closedir(entries);
    return len - 2;
}

static void
a_full_backup_is_the_store(void **state)
{
    struct flow_fixture *f = *state;
    struct meta meta = flow_meta(f);
    struct manifest manifest = backup_make(f, "full", NULL);
    struct manifest read;
    struct stat file;
    char path[400];

    assert_true(manifest.full);
    assert_int_equal(manifest.commit, meta.last_commit);
    assert_int_equal(manifest.block, meta.last_block);
    assert_memory_equal(&manifest.hash, &meta.last_hash, sizeof manifest.hash);
    assert_int_equal(entries_of(place(f, "full")), 2);
    snprintf(path, sizeof path, "%s/data.mdb", place(f, "full"));
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(file.st_size, manifest.bytes);
    assert_int_equal(backup_verify(place(f, "full"), &read, NULL), VG_OK);
    assert_memory_equal(&read, &manifest, sizeof read);
    assert_sound(place(f, "full"), meta.last_commit);
}

static void
a_compact_one_is_smaller_and_the_same(void **state)
{
    struct flow_fixture *f = *state;
    struct manifest full, compact;
    struct backup_options options = {
        .folder = place(f, "compact"), .program = "test", .compact = true};

    for (int i = 0; i < 10; i++) { // pages are freed and used again
        backup_publish(f, 100);
        backup_fold(f);
    }
    full = backup_make(f, "full", NULL);
    assert_int_equal(backup_try(f, &options, &compact), VG_OK);
    assert_true(compact.bytes < full.bytes);
    assert_int_equal(compact.commit, full.commit);
    assert_sound(place(f, "compact"), full.commit);
}

static void
an_increment_holds_what_follows(void **state)
{
    struct flow_fixture *f = *state;
    struct manifest full = backup_make(f, "full", NULL);
    uint64_t last = backup_publish(f, 10);
    struct manifest one = backup_make(f, "one", "full");
    struct manifest two;

    assert_false(one.full);
    assert_int_equal(one.since, full.commit);
    assert_int_equal(one.commit, last);
    assert_int_equal(entries_of(place(f, "one")), 2);
    last = backup_publish(f, 10);
    two = backup_make(f, "two", "one");
    assert_int_equal(two.since, one.commit);
    assert_int_equal(two.commit, last);
}

static void
an_increment_of_nothing_or_of_another_store_is_refused(void **state)
{
    struct flow_fixture *f = *state;
    struct flow_fixture *other = NULL;
    struct backup_options options = {.folder = place(f, "one"), .program = "test"};
    struct manifest manifest;

    options.since = place(f, "full");
    assert_int_equal(backup_try(f, &options, &manifest), VG_NOT_FOUND); // no such backup
    backup_make(f, "full", NULL);
    options.since = place(f, "full");
    assert_int_equal(backup_try(f, &options, &manifest), VG_NOT_FOUND); // nothing since
    assert_int_equal(backup_begin((void **)&other), 0);
    other->now_us++; // the same deeds at the same times would give the same records
    backup_publish(other, 3);
    backup_publish(other, 3);
    backup_publish(f, 3);
    backup_make(f, "later", NULL);
    options.since = place(f, "later");
    assert_int_equal(backup_try(other, &options, &manifest), VG_BAD_FILE);
    assert_non_null(strstr(other->why.text, "another store"));
    assert_int_equal(entries_of(place(f, "one")), 0);
    backup_end((void **)&other);
}

static void
a_folder_that_holds_something_is_left_alone(void **state)
{
    struct flow_fixture *f = *state;
    struct backup_options options = {.folder = place(f, "full"), .program = "test"};
    struct manifest manifest, read;
    char path[400];

    backup_make(f, "full", NULL);
    assert_int_equal(backup_try(f, &options, &manifest), VG_EXISTS);
    assert_int_equal(backup_verify(place(f, "full"), &read, NULL), VG_OK);
    snprintf(path, sizeof path, "%s/MANIFEST", place(f, "full"));
    unlink(path); // as after a kill
    assert_int_equal(backup_try(f, &options, &manifest), VG_EXISTS);
    assert_non_null(strstr(f->why.text, "unfinished"));
    assert_int_equal(backup_verify(place(f, "full"), &read, &f->why), VG_NOT_FOUND);
    assert_non_null(strstr(f->why.text, "no finished backup"));
}

// The file may not grow beyond a limit, as on a full disk.
static void
a_full_disk_leaves_nothing_behind(void **state)
{
    struct flow_fixture *f = *state;
    struct backup_options options = {.folder = place(f, "full"), .program = "test"};
    struct rlimit before, small;
    struct manifest manifest;
    enum vg_status status;
    struct store_options open = {
        .path = f->path, .map_bytes = 256 << 20, .access = STORE_READS};
    struct store *store = NULL;

    signal(SIGXFSZ, SIG_IGN);
    flow_close_store(f);
    assert_int_equal(store_open(&open, &store, NULL), VG_OK);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 40000;
    setrlimit(RLIMIT_FSIZE, &small);
    status = backup_write(store, &options, &manifest, &f->why);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, VG_BAD_FILE);
    assert_int_equal(entries_of(place(f, "full")), 0);
    assert_int_equal(backup_write(store, &options, &manifest, &f->why), VG_OK);
    store_close(&store);
}

static void
any_byte_that_changed_is_told(void **state)
{
    struct flow_fixture *f = *state;
    struct manifest manifest = backup_make(f, "full", NULL);
    char path[400], folder[400];

    snprintf(path, sizeof path, "%s/data.mdb", place(f, "full"));
    snprintf(folder, sizeof folder, "%s", place(f, "back"));
    mkdir(folder, 0700);
    for (long offset = 20; offset < (long)manifest.bytes; offset += 9973) {
        struct manifest read;
        char copy[500];

        backup_flip(path, offset);
        assert_int_equal(backup_verify(place(f, "full"), &read, NULL), VG_STORE_BROKEN);
        assert_int_equal(
            backup_copy_back(place(f, "full"), folder, &read, NULL, NULL, &f->why),
            VG_STORE_BROKEN);
        backup_flip(path, offset);
        snprintf(copy, sizeof copy, "%s/data.mdb", folder);
        unlink(copy);
    }
    assert_int_equal(truncate(path, (off_t)manifest.bytes - 4096), 0);
    assert_int_equal(backup_verify(place(f, "full"), &manifest, &f->why),
                     VG_STORE_BROKEN);
}

// ---- restoring ----

static void
a_store_appears_when_it_is_whole(void **state)
{
    struct flow_fixture *f = *state;
    struct store_options options = {.path = place(f, "store"), .create = true};
    struct manifest manifest = backup_make(f, "full", NULL);
    struct incarnation before, after;
    char folder[400], where[RESTORE_PATH_LEN];
    struct store *store = NULL;
    struct txn *txn = NULL;
    int lock = -1, again = -1;

    snprintf(folder, sizeof folder, "%s", place(f, "store"));
    assert_int_equal(restore_begin(folder, where, &lock, NULL), VG_OK);
    assert_int_equal(restore_begin(folder, where, &again, NULL), VG_STORE_IN_USE);
    assert_int_equal(
        backup_copy_back(place(f, "full"), where, &manifest, NULL, NULL, &f->why), VG_OK);
    restore_end(&lock);

    // Interrupted here: no broker makes an empty store of it.
    assert_int_equal(store_open(&options, &store, &f->why), VG_BAD_FILE);
    assert_non_null(strstr(f->why.text, "interrupted"));

    assert_int_equal(restore_begin(folder, where, &lock, NULL), VG_OK);
    assert_int_equal(entries_of(where), 0);
    assert_int_equal(
        backup_copy_back(place(f, "full"), where, &manifest, NULL, NULL, &f->why), VG_OK);
    options.path = where;
    assert_int_equal(store_open(&options, &store, &f->why), VG_OK);
    assert_int_equal(store_read(store, &txn, NULL), VG_OK);
    assert_int_equal(incarnation_get(txn, &before), VG_OK);
    store_abort(&txn);
    assert_int_equal(restore_mark(store, 77, NULL), VG_OK);
    store_close(&store);
    assert_int_equal(restore_finish(folder, NULL), VG_OK);
    restore_end(&lock);

    options.path = folder;
    assert_int_equal(store_open(&options, &store, &f->why), VG_OK);
    assert_int_equal(store_read(store, &txn, NULL), VG_OK);
    assert_int_equal(incarnation_get(txn, &after), VG_OK);
    assert_true(before.id != 0 && after.id != 0 && after.id != before.id);
    assert_int_equal(before.id, manifest.store);
    assert_int_equal(after.restored_commit, manifest.commit);
    assert_int_equal(after.restored_us, 77);
    store_abort(&txn);
    store_close(&store);
    assert_int_equal(restore_begin(folder, where, &lock, &f->why), VG_EXISTS);
}

static void
an_increment_alone_is_no_store(void **state)
{
    struct flow_fixture *f = *state;
    struct manifest manifest;

    backup_make(f, "full", NULL);
    backup_publish(f, 3);
    backup_make(f, "one", "full");
    mkdir(place(f, "back"), 0700);
    assert_int_equal(backup_copy_back(place(f, "one"), place(f, "back"), &manifest, NULL,
                                      NULL, &f->why),
                     VG_BAD_FILE);
    assert_non_null(strstr(f->why.text, "increment"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        backup_test(a_full_backup_is_the_store),
        backup_test(a_compact_one_is_smaller_and_the_same),
        backup_test(an_increment_holds_what_follows),
        backup_test(an_increment_of_nothing_or_of_another_store_is_refused),
        backup_test(a_folder_that_holds_something_is_left_alone),
        backup_test(a_full_disk_leaves_nothing_behind),
        backup_test(any_byte_that_changed_is_told),
        backup_test(a_store_appears_when_it_is_whole),
        backup_test(an_increment_alone_is_no_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
