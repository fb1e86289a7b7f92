// SPDX-License-Identifier: EUPL-1.2
// Goal: what an administrator asks of backups is done or refused with what he should do.
// Method: a small store; every command with the settings that a broker would have; the store
// that was made is opened and verified.
#include "backup_fixture.h"

#include "edge/archive.h"

struct told {
    char *text;
    size_t len;
    FILE *out;
};

static struct inspect_output
listen(struct told *told, bool json)
{
    told->out = open_memstream(&told->text, &told->len);
    return (struct inspect_output){.out = told->out, .wrong = told->out, .json = json};
}

static void
assert_told(struct told *told, const char *words)
{
    fclose(told->out);
    if (strstr(told->text, words) == NULL) {
        fail_msg("\"%s\" is not in: %s", words, told->text);
    }
    free(told->text);
}

static struct settings
settings_for(const char *store)
{
    struct settings settings = {.map_bytes = 256 << 20};

    snprintf(settings.store_path, sizeof settings.store_path, "%s", store);
    return settings;
}

static int
run(int (*deed)(const struct settings *, const struct archive_choices *,
                const struct inspect_output *),
    const char *store, struct archive_choices choices, const char *words)
{
    struct settings settings = settings_for(store);
    struct told told;
    struct inspect_output output = listen(&told, false);
    int code = deed(&settings, &choices, &output);

    assert_told(&told, words);
    return code;
}

// The commit that a restored store ends with; it is sound.
static uint64_t
last_commit_of(const char *folder)
{
    struct store_options options = {.path = folder, .map_bytes = 256 << 20};
    struct check_report report;
    struct store *store = NULL;
    struct txn *txn = NULL;
    struct meta meta;

    assert_int_equal(store_open(&options, &store, NULL), VG_OK);
    assert_int_equal(store_check(store, &report, NULL, NULL, NULL), VG_OK);
    assert_int_equal(report.faults.total, 0);
    assert_int_equal(store_read(store, &txn, NULL), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    store_abort(&txn);
    store_close(&store);
    return meta.last_commit;
}

static void
back_and_forth(void **state)
{
    struct flow_fixture *f = *state;
    struct archive_choices choices = {.folder = place(f, "full")};
    uint64_t last = flow_meta(f).last_commit;

    flow_close_store(f);
    assert_int_equal(run(archive_backup, f->path, choices, "full"), INSPECT_GOOD);
    assert_int_equal(run(archive_backup, f->path, choices, "not empty"), INSPECT_BAD);
    assert_int_equal(
        run(archive_restore, place(f, "store"), choices, "restored to commit"),
        INSPECT_GOOD);
    assert_int_equal(last_commit_of(place(f, "store")), last);
    assert_int_equal(
        run(archive_restore, place(f, "store"), choices, "there is a store already"),
        INSPECT_BAD);
    choices.folder = place(f, "nothing");
    assert_int_equal(
        run(archive_restore, place(f, "store_2"), choices, "no finished backup"),
        INSPECT_BAD);
}

static void
to_any_point_of_increments_and_the_live_store(void **state)
{
    struct flow_fixture *f = *state;
    struct archive_choices choices = {.folder = place(f, "full")};
    uint64_t first, second, last;
    int64_t second_us;
    char moment[64], commit[32], full[400], one[400];

    snprintf(full, sizeof full, "%s", place(f, "full"));
    snprintf(one, sizeof one, "%s", place(f, "one"));
    first = backup_make(f, "full", NULL).commit;
    backup_publish(f, 5);
    second = backup_publish(f, 6);
    second_us = flow_meta(f).last_time_us;
    backup_publish(f, 7);
    backup_make(f, "one", "full");
    last = backup_publish(f, 8);
    flow_close_store(f);

    choices.folder = full;
    choices.with[0] = one;
    choices.with[1] = f->path;
    choices.with_len = 2;
    assert_int_equal(run(archive_restore, place(f, "a"), choices, "restored"),
                     INSPECT_GOOD);
    assert_int_equal(last_commit_of(place(f, "a")), last);

    snprintf(commit, sizeof commit, "%llu", (unsigned long long)second);
    choices.to = commit;
    choices.with_len = 1;
    assert_int_equal(run(archive_restore, place(f, "b"), choices, "restored"),
                     INSPECT_GOOD);
    assert_int_equal(last_commit_of(place(f, "b")), second);

    snprintf(moment, sizeof moment, "2026-11-20T%02d:%02d:%02d.%06dZ",
             (int)(second_us / 3600000000 % 24), (int)(second_us / 60000000 % 60),
             (int)(second_us / 1000000 % 60), (int)(second_us % 1000000));
    choices.to = moment;
    assert_int_equal(run(archive_restore, place(f, "c"), choices, "restored"),
                     INSPECT_GOOD);
    assert_int_equal(last_commit_of(place(f, "c")), second);

    snprintf(commit, sizeof commit, "%llu", (unsigned long long)first - 1);
    choices.to = commit;
    assert_int_equal(run(archive_restore, place(f, "d"), choices, "take an earlier one"),
                     INSPECT_BAD);
    snprintf(commit, sizeof commit, "%llu", (unsigned long long)last + 1);
    assert_int_equal(
        run(archive_restore, place(f, "d"), choices, "name a later store with --with"),
        INSPECT_BAD);
    choices.to = "yesterday";
    assert_int_equal(run(archive_restore, place(f, "d"), choices, "neither a commit"),
                     INSPECT_BAD);
}

static void
a_backup_that_was_changed_makes_no_store(void **state)
{
    struct flow_fixture *f = *state;
    struct archive_choices choices = {.folder = place(f, "full")};
    struct settings settings = settings_for(place(f, "store"));
    struct told told;
    struct inspect_output output = listen(&told, true);
    char path[400];

    backup_make(f, "full", NULL);
    flow_close_store(f);
    snprintf(path, sizeof path, "%s/data.mdb", place(f, "full"));
    backup_flip(path, -5000);
    assert_int_equal(archive_restore(&settings, &choices, &output), INSPECT_UNSOUND);
    assert_told(&told, "its checksum does not hold");
    snprintf(path, sizeof path, "%s/data.mdb", settings.store_path);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void
moments_are_utc_and_whole(void **state)
{
    int64_t us = 0;
    (void)state;

    assert_true(archive_moment("1970-01-02T00:00:01Z", &us));
    assert_int_equal(us, INT64_C(86401) * 1000000);
    assert_true(archive_moment("1970-01-01T00:00:00.25Z", &us));
    assert_int_equal(us, 250000);
    assert_false(archive_moment("1970-01-01T00:00:00", &us));
    assert_false(archive_moment("1970-01-01 00:00:00Z", &us));
    assert_false(archive_moment("1970-13-01T00:00:00Z", &us));
    assert_false(archive_moment("", &us));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        backup_test(back_and_forth),
        backup_test(to_any_point_of_increments_and_the_live_store),
        backup_test(a_backup_that_was_changed_makes_no_store),
        cmocka_unit_test(moments_are_utc_and_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
