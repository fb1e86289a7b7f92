// SPDX-License-Identifier: EUPL-1.2
// Goal: an export holds every record of the journal, once, in order, and in a form that can
// be verified without the broker; it goes on where it stopped, and says when it cannot.
// Method: a real store with a journal, exported to a fresh folder; each line is read back,
// its hash computed anew from the bytes in it, and compared with the store's own record.
#include "edge/export.h"

#include "flow_fixture.h"

#include <glob.h>
#include <jansson.h>
#include <sodium.h>
#include <sys/stat.h>

struct exported {
    struct flow_fixture *f;
    struct settings settings;
    char folder[300];
    char *said;
    size_t said_len;
    uint64_t commits; // lines read
    struct hash last;
};

static int
setup(void **state)
{
    struct exported *e = xcalloc(1, sizeof *e);

    e->f = flow_begin();
    flow_furnish(e->f);
    snprintf(e->folder, sizeof e->folder, "%s.export", e->f->path);
    assert_int_equal(mkdir(e->folder, 0700), 0);
    snprintf(e->settings.store_path, sizeof e->settings.store_path, "%s", e->f->path);
    e->settings.map_bytes = 256 << 20;
    *state = e;
    return 0;
}

static int
teardown(void **state)
{
    struct exported *e = *state;
    char command[400];

    snprintf(command, sizeof command, "rm -rf '%s'", e->folder);
    assert_int_equal(system(command), 0);
    flow_end(e->f);
    free(e->said);
    free(e);
    return 0;
}

// Another process would do it beside the broker; in this one the store has to be closed.
static int export(struct exported *e)
{
    struct inspect_output output = {.out = NULL};
    int code;

    free(e->said);
    e->said = NULL;
    output.out = output.wrong = open_memstream(&e->said, &e->said_len);
    flow_close_store(e->f);
    code = export_journal(&e->settings, e->folder, &output);
    flow_open_store(e->f);
    fclose(output.out);
    return code;
}

static struct hash
hash_at(const json_t *line, const char *name)
{
    const char *hex = json_string_value(json_object_get(line, name));
    struct hash hash;
    size_t len = 0;

    assert_int_equal(
        sodium_hex2bin(hash.at, HASH_LEN, hex, strlen(hex), NULL, &len, NULL), 0);
    assert_int_equal(len, HASH_LEN);
    return hash;
}

// What anybody can do who has the file alone.
static void
verify_line(struct exported *e, const json_t *line)
{
    const char *text = json_string_value(json_object_get(line, "record"));
    struct hash previous = hash_at(line, "previous");
    struct hash hash = hash_at(line, "hash");
    uint8_t *record = xcalloc(1, strlen(text));
    size_t len = 0;
    struct hash again;

    assert_int_equal(sodium_base642bin(record, strlen(text), text, strlen(text), NULL,
                                       &len, NULL, sodium_base64_VARIANT_ORIGINAL),
                     0);
    again = hash_chain(&previous, record, len);
    assert_memory_equal(again.at, hash.at, HASH_LEN);
    assert_memory_equal(previous.at, e->last.at, HASH_LEN);
    assert_int_equal(json_integer_value(json_object_get(line, "commit")), ++e->commits);
    e->last = hash;
    free(record);
}

// The line is the store's record, whole.
static void
compare_line(struct exported *e, const json_t *line)
{
    struct buffer record = {0};
    struct journal_head head;
    struct journal_item item;
    size_t offset = 0, items = 0;

    assert_int_equal(journal_read(flow_view(e->f), e->commits, &record, &head, NULL),
                     VG_OK);
    assert_memory_equal(head.hash.at, e->last.at, HASH_LEN);
    while (journal_next(&record, &offset, &item)) {
        items++;
    }
    assert_int_equal(json_array_size(json_object_get(line, "items")), items);
    buffer_free(&record);
}

static size_t
files_of(struct exported *e, glob_t *ret_files)
{
    char pattern[340];

    snprintf(pattern, sizeof pattern, "%s/journal-*.jsonl", e->folder);
    assert_int_not_equal(glob(pattern, 0, NULL, ret_files), GLOB_NOSPACE);
    return ret_files->gl_pathc;
}

// Reads a file, each line of it.
static void
read_file(struct exported *e, const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    ssize_t len;

    assert_non_null(file);
    len = getline(&text, &size, file);
    assert_true(len > 0);
    assert_non_null(strstr(text, "\"5\":\"CPAS-A\""));
    assert_non_null(strstr(text, "\"notifyPerson\""));
    while ((len = getline(&text, &size, file)) > 0) {
        json_t *line = json_loadb(text, (size_t)len, 0, NULL);

        assert_non_null(line);
        verify_line(e, line);
        compare_line(e, line);
        json_decref(line);
    }
    free(text);
    fclose(file);
}

static void
every_record_is_in_it_and_verifies(void **state)
{
    struct exported *e = *state;
    glob_t files = {0};
    char first[340];
    struct stat mode;

    flow_follow(e->f, CPAS_A, 1, 2);
    flow_publish_one(e->f, RN, 1, flow_address(1));
    flow_apply(e->f);
    assert_int_equal(export(e), INSPECT_GOOD);
    assert_int_equal(files_of(e, &files), 1);
    read_file(e, files.gl_pathv[0]);
    assert_int_equal(e->commits, 3);
    assert_int_equal(stat(files.gl_pathv[0], &mode), 0);
    assert_int_equal(mode.st_mode & 0777, 0600);
    globfree(&files);

    assert_int_equal(export(e), INSPECT_GOOD);
    assert_non_null(strstr(e->said, "nothing new after commit 3"));
    assert_int_equal(files_of(e, &files), 1);
    globfree(&files);

    for (uint64_t number = 2; number < 40; number++) {
        flow_publish_one(e->f, RN, number, flow_address(1));
        flow_apply(e->f);
    }
    assert_int_equal(export(e), INSPECT_GOOD);
    assert_int_equal(files_of(e, &files), 2);
    snprintf(first, sizeof first, "%s/journal-4-41.jsonl", e->folder);
    read_file(e, first);
    assert_int_equal(e->commits, flow_meta(e->f).last_commit);
    globfree(&files);
}

static void
the_mark_follows_the_file(void **state)
{
    struct exported *e = *state;
    struct export_mark mark = {.commit = 0};
    struct why why;

    assert_int_equal(export_mark_read(e->folder, &mark, &why), VG_NOT_FOUND);
    assert_int_equal(export(e), INSPECT_GOOD);
    assert_int_equal(export_mark_read(e->folder, &mark, &why), VG_OK);
    assert_int_equal(mark.commit, flow_meta(e->f).last_commit);
    assert_true(export_mark_holds(flow_view(e->f), &mark));
    mark.hash.at[0] ^= 1;
    assert_false(export_mark_holds(flow_view(e->f), &mark));
    mark.commit = 1000;
    assert_false(export_mark_holds(flow_view(e->f), &mark));
}

static void
write_text(struct exported *e, const char *name, const char *text)
{
    char path[340];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", e->folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void
what_cannot_be_done_is_said(void **state)
{
    struct exported *e = *state;
    struct export_mark mark;
    struct why why;
    glob_t files = {0};

    write_text(e, "exported",
               "1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
    assert_int_equal(export(e), INSPECT_UNSOUND);
    assert_non_null(strstr(e->said, "another journal"));
    write_text(e, "exported", "many\n");
    assert_int_equal(export_mark_read(e->folder, &mark, &why), VG_BAD_FILE);
    assert_int_equal(export(e), INSPECT_BAD);
    assert_int_equal(files_of(e, &files), 0);
    globfree(&files);
    strcat(e->folder, "/none");
    assert_int_equal(export(e), INSPECT_BAD);
    assert_non_null(strstr(e->said, "No such file"));
    e->folder[strlen(e->folder) - strlen("/none")] = 0;
}

static void
records_that_went_before_are_named(void **state)
{
    struct exported *e = *state;
    struct expire_command *slice;
    struct meta meta;
    glob_t files = {0};

    flow_follow(e->f, CPAS_A, 1, 2);
    flow_publish_one(e->f, RN, 1, flow_address(1));
    flow_apply(e->f);
    flow_command(e->f, COMMAND_FOLD, 0);
    flow_apply(e->f);
    e->f->now_us += INT64_C(800) * 24 * 3600 * 1000000;
    slice = &flow_command(e->f, COMMAND_EXPIRE, 0)->expire;
    slice->replay_days = 7;
    slice->journal_months = 24;
    slice->folded_commit = UINT64_MAX;
    slice->exported_commit = UINT64_MAX;
    flow_apply(e->f);
    meta = flow_meta(e->f);
    assert_true(meta.first_commit > 1);
    assert_int_equal(export(e), INSPECT_BAD);
    assert_non_null(strstr(e->said, "went before they were exported"));
    e->commits = meta.first_commit - 1;
    e->last = meta.first_hash;
    assert_int_equal(files_of(e, &files), 1);
    read_file(e, files.gl_pathv[0]);
    globfree(&files);
    assert_int_equal(e->commits, meta.last_commit);
    assert_int_equal(export(e), INSPECT_GOOD); // nothing is missing since
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define EXPORT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        EXPORT_TEST(every_record_is_in_it_and_verifies),
        EXPORT_TEST(the_mark_follows_the_file),
        EXPORT_TEST(what_cannot_be_done_is_said),
        EXPORT_TEST(records_that_went_before_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
