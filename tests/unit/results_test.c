// SPDX-License-Identifier: EUPL-1.2
// Goal: a results file takes up behind its last whole result, whatever a crash left of it,
// and is never written on when it is of another file or in use.
// Method: one file with ten results, cut off at every byte; each time the rest is added
// again, and the file must be what it was.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "results.h"

#include "scratch.h"

enum { LINES = 10, WHOLE_MAX = 2000 };

static char folder[96];
static char path[128];
static const struct results_source source = {
    .name = "integrations.jsonl", .bytes = 1234, .lines = 20, .checksum = 0xabcdef12345};

static int
make_folder(void **state)
{
    (void)state;
    scratch_folder(folder, sizeof folder);
    snprintf(path, sizeof path, "%s/results", folder);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static size_t
read_whole(char *ret)
{
    FILE *file = fopen(path, "r");
    size_t len;

    assert_non_null(file);
    len = fread(ret, 1, WHOLE_MAX, file);
    fclose(file);
    return len;
}

static void
write_whole(const char *text, size_t len)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

// Every second line of the file has a result, every second of them is a NO.
static void
add_from(struct results *results, uint64_t line)
{
    for (; line <= 2 * LINES; line += 2) {
        char text[64];

        snprintf(text, sizeof text, "{\"line\":%u,\"result\":\"%s\"}", (unsigned)line,
                 line % 4 == 0 ? "NO" : "WARNING");
        assert_true(results_add(results, text));
    }
}

static void
goes_on_wherever_it_was_cut(void **state)
{
    char reason[RESULTS_REASON_LEN];
    char whole[WHOLE_MAX];
    char again[WHOLE_MAX];
    struct results *results;
    size_t len;

    (void)state;
    unlink(path);
    results = results_open(path, &source, reason);
    assert_non_null(results);
    assert_int_equal(results_last_line(results), 0);
    add_from(results, 2);
    assert_true(results_close(&results));
    len = read_whole(whole);
    for (size_t cut = 0; cut <= len; cut++) {
        write_whole(whole, cut);
        results = results_open(path, &source, reason);
        assert_non_null(results);
        assert_int_equal(results_last_line(results), 2 * results_len(results));
        assert_int_equal(results_refused(results), results_len(results) / 2);
        add_from(results, results_last_line(results) + 2);
        assert_true(results_close(&results));
        assert_int_equal(read_whole(again), len);
        assert_memory_equal(again, whole, len);
    }
    assert_int_equal(results_len((write_whole(whole, len),
                                  results = results_open(path, &source, reason))),
                     LINES);
    assert_true(results_close(&results));
}

// What a file system may leave of pages that were never written.
static void
goes_on_before_zeros(void **state)
{
    static const char torn[] = "{\"line\":4,\"result\":\"NO\"}\n\0\0\0\0\0\0\n";
    char reason[RESULTS_REASON_LEN];
    char whole[WHOLE_MAX];
    struct results *results;
    size_t len;

    (void)state;
    unlink(path);
    results = results_open(path, &source, reason);
    assert_true(results_add(results, "{\"line\":2,\"result\":\"YES\"}"));
    assert_true(results_close(&results));
    len = read_whole(whole);
    memcpy(whole + len, torn, sizeof torn);
    write_whole(whole, len + sizeof torn);
    results = results_open(path, &source, reason);
    assert_int_equal(results_last_line(results), 4);
    assert_int_equal(results_refused(results), 1);
    assert_true(results_close(&results));
    assert_int_equal(read_whole(whole), len + strlen(torn));
}

static void
keeps_its_hands_off_other_files(void **state)
{
    char reason[RESULTS_REASON_LEN];
    char whole[WHOLE_MAX];
    struct results_source other = source;
    struct results *results;

    (void)state;
    unlink(path);
    results = results_open(path, &source, reason);
    assert_null(results_open(path, &source, reason));
    assert_non_null(strstr(reason, "another run"));
    assert_true(results_close(&results));
    other.checksum++;
    assert_null(results_open(path, &other, reason));
    assert_non_null(strstr(reason, "of another file than integrations.jsonl"));
    write_whole("dear diary\n", 11);
    assert_null(results_open(path, &source, reason));
    assert_non_null(strstr(reason, "holds no results"));
    assert_int_equal(read_whole(whole), 11);
    assert_null(results_open("/nowhere/results", &source, reason));
}

static void
measures_lines_bytes_and_content(void **state)
{
    struct results_source first, second;

    (void)state;
    write_whole("one\ntwo\nthree", 13);
    assert_true(results_measure(path, &first));
    assert_int_equal(first.lines, 3);
    assert_int_equal(first.bytes, 13);
    write_whole("one\ntwo\nthrew", 13);
    assert_true(results_measure(path, &second));
    assert_int_not_equal(first.checksum, second.checksum);
    assert_false(results_measure("/nowhere/integrations", &second));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_wherever_it_was_cut),
        cmocka_unit_test(goes_on_before_zeros),
        cmocka_unit_test(keeps_its_hands_off_other_files),
        cmocka_unit_test(measures_lines_bytes_and_content),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
