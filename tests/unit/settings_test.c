// SPDX-License-Identifier: EUPL-1.2
// Goal: an administrator is told every mistake of a file at once, with its line, and the
// shipped file says what the program does.
// Method: texts with one mistake or many; files in a fresh folder; the shipped file is held
// against the table line by line.
#include "edge/settings.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static enum vg_status
parse(const char *text, struct settings *settings, struct faults *faults)
{
    memset(faults, 0, sizeof *faults);
    return settings_parse(text, strlen(text), "", settings, faults);
}

// One fault, on this line, and its words hold these.
static void
assert_refused(const char *text, unsigned line, const char *words)
{
    struct settings settings = {.heartbeat_ms = 77};
    struct faults faults;

    assert_int_equal(parse(text, &settings, &faults), VG_BAD_SETTINGS);
    assert_int_equal(faults.total, 1);
    assert_int_equal(faults.fault[0].status, VG_BAD_SETTINGS);
    assert_int_equal(faults.fault[0].line, line);
    if (strstr(faults.fault[0].why.text, words) == NULL) {
        fail_msg("'%s' is not in '%s'", words, faults.fault[0].why.text);
    }
    assert_int_equal(settings.heartbeat_ms, 77); // nothing is written after a mistake
}

static void
a_file_changes_what_it_names_and_no_more(void **state)
{
    struct settings settings, defaults;
    struct faults faults;
    (void)state;

    settings_defaults(&defaults);
    assert_int_equal(parse("heartbeat_ms: 500\n"
                           "test_persons: yes\n"
                           "log_level: debug\n"
                           "map_bytes: 2 TiB\n"
                           "window_bytes: 65536\n"
                           "http_endpoint: \"\"\n"
                           "sources_endpoint: tcp://[::1]:*\n",
                           &settings, &faults),
                     VG_OK);
    assert_int_equal(faults.total, 0);
    assert_int_equal(settings.heartbeat_ms, 500);
    assert_true(settings.test_persons);
    assert_int_equal(settings.log_level, LOG_DEBUG);
    assert_int_equal(settings.map_bytes, UINT64_C(2) << 40);
    assert_int_equal(settings.window_bytes, 65536);
    assert_string_equal(settings.http_endpoint, "");
    assert_string_equal(settings.sources_endpoint, "tcp://[::1]:*");
    assert_string_equal(settings.members_endpoint, defaults.members_endpoint);
    assert_string_equal(settings.store_path, defaults.store_path);
    assert_int_equal(settings.drain_seconds, defaults.drain_seconds);
}

static void
the_defaults_stay_on_loopback_and_refuse_test_persons(void **state)
{
    struct settings settings;
    (void)state;

    settings_defaults(&settings);
    assert_string_equal(settings.sources_endpoint, "tcp://127.0.0.1:7461");
    assert_string_equal(settings.members_endpoint, "tcp://127.0.0.1:7462");
    assert_string_equal(settings.http_endpoint, "127.0.0.1:7463");
    assert_false(settings.test_persons);
    assert_int_equal(settings.log_level, LOG_INFO);
}

static void
all_mistakes_are_named_at_once_with_their_lines(void **state)
{
    struct settings settings;
    struct faults faults;
    (void)state;

    assert_int_equal(parse("heartbeat_ms: soon\n"
                           "# a comment\n"
                           "log_level: loud\n"
                           "colour: blue\n"
                           "map_bytes: 3 elephants\n"
                           "drain_seconds: [1, 2]\n"
                           "store_path: \"\"\n",
                           &settings, &faults),
                     VG_BAD_SETTINGS);
    assert_int_equal(faults.total, 6);

    unsigned seen = 0;

    for (size_t i = 0; i < faults.len; i++) {
        assert_true(faults.fault[i].line >= 1 && faults.fault[i].line <= 7);
        seen |= 1U << faults.fault[i].line;
    }
    assert_int_equal(seen, 1U << 1 | 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 | 1U << 7);
}

static void
each_kind_of_value_says_what_would_fit(void **state)
{
    (void)state;
    assert_refused("\nheartbeat_ms: 5\n", 2, "'5' is not a whole number, 50 to 60000");
    assert_refused("heartbeat_ms: -1", 1, "50 to 60000");
    assert_refused("heartbeat_ms: 99999999999999999999999", 1, "50 to 60000");
    assert_refused("window_messages: 1e3", 1, "'1e3' is not a whole number");
    assert_refused("window_bytes: 1 KiB", 1, "64 KiB to 1 GiB");
    assert_refused("map_bytes: 99999999999 TiB", 1, "'99999999999 TiB' is not a size");
    assert_refused("map_bytes: 1 GB", 1, "'1 GB' is not a size");
    assert_refused("test_persons: maybe", 1, "'maybe' is not yes or no");
    assert_refused("log_level: INFO", 1, "error, warning, info or debug");
    assert_refused("store_path: {a: b}", 1, "a map is not the path");
    assert_refused("key_file: \"\"", 1, "'' is not the path");
    assert_refused("colour: blue", 1, "'colour' is not known");
    assert_refused("log_level: info\nlog_level: debug", 2, "written twice");
    assert_refused("- a\n- b", 1, "'name: value'");
    assert_refused("log_level: [", 2, "");
}

static void
endpoints_are_looked_at_before_anybody_binds(void **state)
{
    (void)state;
    assert_refused("sources_endpoint: 127.0.0.1:7461", 1, "tcp://ADDRESS:PORT");
    assert_refused("sources_endpoint: tcp://127.0.0.1", 1, "tcp://ADDRESS:PORT");
    assert_refused("sources_endpoint: tcp://127.0.0.1:70000", 1, "tcp://ADDRESS:PORT");
    assert_refused("sources_endpoint: tcp://:7461", 1, "tcp://ADDRESS:PORT");
    assert_refused("sources_endpoint: \"tcp://a b:7461\"", 1, "tcp://ADDRESS:PORT");
    assert_refused("members_endpoint: ipc:///tmp/x", 1, "tcp://ADDRESS:PORT");
}

static void
administrators_are_served_on_loopback_only(void **state)
{
    struct settings settings;
    struct faults faults;
    (void)state;

    assert_refused("http_endpoint: 0.0.0.0:7463", 1, "loopback");
    assert_refused("http_endpoint: 192.0.2.1:7463", 1, "loopback");
    assert_refused("http_endpoint: localhost:7463", 1, "loopback");
    assert_refused("http_endpoint: \"[::]:7463\"", 1, "loopback");
    assert_int_equal(parse("http_endpoint: \"[::1]:*\"", &settings, &faults), VG_OK);
    assert_int_equal(parse("http_endpoint: 127.0.0.2:0", &settings, &faults), VG_OK);
}

static void
settings_that_contradict_each_other_are_refused(void **state)
{
    struct settings settings;
    struct faults faults;
    (void)state;

    assert_refused("map_bytes: 1 GiB\nquota_bytes: 2 GiB", 2, "more than map_bytes");
    assert_refused("http_token_file: \"\"", 1, "http_token_file");
    assert_int_equal(
        parse("http_token_file: \"\"\nhttp_endpoint: \"\"", &settings, &faults), VG_OK);
}

static void
no_value_can_break_the_line_of_its_fault(void **state)
{
    struct settings settings;
    struct faults faults;
    (void)state;

    assert_int_equal(parse("log_level: \"a\\nb\\e[2J\"", &settings, &faults),
                     VG_BAD_SETTINGS);
    for (const char *at = faults.fault[0].why.text; *at != '\0'; at++) {
        assert_true(isprint((unsigned char)*at));
    }
}

static void
relative_paths_begin_at_the_folder_of_the_file(void **state)
{
    struct settings settings;
    struct faults faults = {0};
    const char text[] = "key_file: /etc/vigie/key\ncatalogue_file: \"\"\nrun_dir: ../run";
    (void)state;

    assert_int_equal(settings_parse(text, strlen(text), "/srv/b", &settings, &faults),
                     VG_OK);
    assert_string_equal(settings.store_path, "/srv/b/store"); // a default too
    assert_string_equal(settings.http_token_file, "/srv/b/token");
    assert_string_equal(settings.key_file, "/etc/vigie/key");
    assert_string_equal(settings.catalogue_file, "");
    assert_string_equal(settings.run_dir, "/srv/b/../run");
}

static void
a_path_that_becomes_too_long_is_a_mistake(void **state)
{
    struct settings settings;
    struct faults faults = {0};
    char folder[SETTING_TEXT_LEN];
    (void)state;

    memset(folder, 'f', sizeof folder - 1);
    folder[sizeof folder - 1] = '\0';
    assert_int_equal(settings_parse("log_level: info", 15, folder, &settings, &faults),
                     VG_BAD_SETTINGS);
    assert_int_equal(faults.total, 6); // every path
    assert_non_null(strstr(faults.fault[0].why.text, "store_path"));
}

// ---- files ----

struct folder {
    char path[64];
    char file[80];
};

static int
make_folder(void **state)
{
    static struct folder folder;

    strcpy(folder.path, "/tmp/settings_test.XXXXXX");
    if (mkdtemp(folder.path) == NULL) {
        return -1;
    }
    snprintf(folder.file, sizeof folder.file, "%s/vigied.yaml", folder.path);
    *state = &folder;
    return 0;
}

static int
remove_folder(void **state)
{
    const struct folder *folder = *state;

    unlink(folder->file);
    return rmdir(folder->path);
}

static void
write_file(const char *path, const char *text, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void
a_file_is_read_with_the_folder_it_lies_in(void **state)
{
    const struct folder *folder = *state;
    struct settings settings;
    struct faults faults = {0};
    char expected[128];

    write_file(folder->file, "drain_seconds: 5\n", 17);
    assert_int_equal(settings_read(folder->file, &settings, &faults), VG_OK);
    assert_int_equal(settings.drain_seconds, 5);
    snprintf(expected, sizeof expected, "%s/broker.key", folder->path);
    assert_string_equal(settings.key_file, expected);
}

static void
a_file_that_cannot_be_read_is_no_settings(void **state)
{
    const struct folder *folder = *state;
    struct settings settings;
    struct faults faults = {0};

    unlink(folder->file);
    assert_int_equal(settings_read(folder->file, &settings, &faults), VG_BAD_FILE);
    assert_int_equal(faults.total, 1);
    assert_int_equal(faults.fault[0].status, VG_BAD_FILE);
    assert_int_equal(settings_read(folder->path, &settings, &faults), VG_BAD_FILE);
}

static void
a_huge_file_is_not_read(void **state)
{
    const struct folder *folder = *state;
    struct settings settings;
    struct faults faults = {0};
    size_t len = 2 << 20;
    char *text = calloc(1, len);

    assert_non_null(text);
    memset(text, '#', len);
    write_file(folder->file, text, len);
    free(text);
    assert_int_equal(settings_read(folder->file, &settings, &faults), VG_BAD_FILE);
}

static void
check_names_file_and_line_of_each_mistake(void **state)
{
    const struct folder *folder = *state;
    const char wrong[] = "log_level: loud\n\ncolour: blue\n";
    struct buffer text = {0};
    char line[128];

    write_file(folder->file, wrong, strlen(wrong));
    assert_int_equal(settings_check(folder->file, &text), VG_BAD_SETTINGS);
    buffer_add(&text, "", 1);
    snprintf(line, sizeof line, "%s:1: log_level: 'loud' is not", folder->file);
    assert_memory_equal(text.at, line, strlen(line));
    snprintf(line, sizeof line, "\n%s:3: settings: the key 'colour' is not known\n",
             folder->file);
    assert_non_null(strstr((const char *)text.at, line));
    buffer_free(&text);
}

static void
check_shows_what_differs_from_the_default(void **state)
{
    const struct folder *folder = *state;
    const char good[] = "window_bytes: 1024 KiB\nheartbeat_ms: 2000\ntest_persons: yes\n";
    struct buffer text = {0};
    char expected[512];

    write_file(folder->file, good, strlen(good));
    assert_int_equal(settings_check(folder->file, &text), VG_OK);
    buffer_add(&text, "", 1);
    snprintf(expected, sizeof expected,
             "%s: no mistakes\n  test_persons: yes (default: no)\n"
             "  window_bytes: 1 MiB (default: 16 MiB)\n",
             folder->file);
    assert_string_equal(text.at, expected);
    buffer_free(&text);
}

static void
reloading_takes_only_what_may_change(void **state)
{
    struct settings settings, fresh;
    struct faults faults;
    (void)state;

    settings_defaults(&settings);
    assert_int_equal(parse("heartbeat_ms: 900\nlog_level: error\nwindow_bytes: 1 MiB\n"
                           "window_messages: 7\ndrain_seconds: 3\n"
                           "test_persons: yes\nstore_path: elsewhere\nmap_bytes: 1 GiB\n",
                           &fresh, &faults),
                     VG_OK);
    settings_reload(&settings, &fresh);
    assert_int_equal(settings.heartbeat_ms, 900);
    assert_int_equal(settings.log_level, LOG_ERROR);
    assert_int_equal(settings.window_bytes, 1 << 20);
    assert_int_equal(settings.window_messages, 7);
    assert_int_equal(settings.drain_seconds, 3);
    assert_false(settings.test_persons);
    assert_string_equal(settings.store_path, "store");
    assert_int_equal(settings.map_bytes, UINT64_C(256) << 30);
}

// ---- the shipped file ----

static const char shipped_path[] = SOURCE_DIR "/deploy/vigied.yaml";

static char *
shipped(void)
{
    static char text[1 << 16];
    FILE *file = fopen(shipped_path, "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void
the_shipped_file_is_what_the_program_prints(void **state)
{
    struct buffer help = {0};
    (void)state;

    settings_help(&help);
    buffer_add(&help, "", 1);
    assert_string_equal(help.at, shipped());
    buffer_free(&help);
}

// The comment lines just above `at`, without their marks, as one line of words.
static void
comment_above(const char *text, const char *at, char *ret_words, size_t size)
{
    const char *begin = at;
    size_t len = 0;

    while (begin > text && !(begin[-1] == '\n' && begin[0] == '\n')) {
        begin--;
    }
    for (begin += *begin == '\n'; begin < at && len + 1 < size; begin++) {
        if (begin[0] == '#') {
            begin += 1;
            continue;
        }
        ret_words[len++] = *begin == '\n' ? ' ' : *begin;
    }
    ret_words[len] = '\0';
}

static void
assert_explained(const char *name, const char *default_text, const char *help)
{
    const char *text = shipped();
    char line[SETTING_TEXT_LEN + 64];
    char words[1024];

    snprintf(line, sizeof line, "\n%s: %s\n", name, default_text);

    const char *at = strstr(text, line);

    if (at == NULL) {
        fail_msg("the shipped file has no line '%s: %s'", name, default_text);
    }
    snprintf(line, sizeof line, "\n%s:", name);
    assert_null(strstr(at + 1, line));
    comment_above(text, at, words, sizeof words);
    assert_memory_equal(words, help, strlen(help));
}

static void
the_shipped_file_explains_every_setting_with_its_default(void **state)
{
    size_t settings = 0;
    size_t lines = 0;
    (void)state;

#define ASSERT_EXPLAINED(name, type, default_text, min, max, change, help)               \
    assert_explained(#name, default_text, help);                                         \
    settings++;
    SETTINGS_TABLE(ASSERT_EXPLAINED)
#undef ASSERT_EXPLAINED
    for (const char *at = shipped(); at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        lines += *at != '#' && *at != '\n' && *at != '\0';
        if (*at == '\0') {
            break;
        }
    }
    assert_int_equal(lines, settings); // and nothing else
}

static void
the_shipped_file_has_no_mistakes_and_changes_nothing(void **state)
{
    struct buffer text = {0};
    char expected[512];
    (void)state;

    assert_int_equal(settings_check(shipped_path, &text), VG_OK);
    buffer_add(&text, "", 1);
    snprintf(expected, sizeof expected, "%s: no mistakes\n", shipped_path);
    assert_string_equal(text.at, expected);
    buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_changes_what_it_names_and_no_more),
        cmocka_unit_test(the_defaults_stay_on_loopback_and_refuse_test_persons),
        cmocka_unit_test(all_mistakes_are_named_at_once_with_their_lines),
        cmocka_unit_test(each_kind_of_value_says_what_would_fit),
        cmocka_unit_test(endpoints_are_looked_at_before_anybody_binds),
        cmocka_unit_test(administrators_are_served_on_loopback_only),
        cmocka_unit_test(settings_that_contradict_each_other_are_refused),
        cmocka_unit_test(no_value_can_break_the_line_of_its_fault),
        cmocka_unit_test(relative_paths_begin_at_the_folder_of_the_file),
        cmocka_unit_test(a_path_that_becomes_too_long_is_a_mistake),
        cmocka_unit_test(a_file_is_read_with_the_folder_it_lies_in),
        cmocka_unit_test(a_file_that_cannot_be_read_is_no_settings),
        cmocka_unit_test(a_huge_file_is_not_read),
        cmocka_unit_test(check_names_file_and_line_of_each_mistake),
        cmocka_unit_test(check_shows_what_differs_from_the_default),
        cmocka_unit_test(reloading_takes_only_what_may_change),
        cmocka_unit_test(the_shipped_file_is_what_the_program_prints),
        cmocka_unit_test(the_shipped_file_explains_every_setting_with_its_default),
        cmocka_unit_test(the_shipped_file_has_no_mistakes_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
