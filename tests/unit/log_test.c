// SPDX-License-Identifier: EUPL-1.2
// Goal: one event is one line that people and machines can read, whatever was put into it.
// Method: standard error goes into a file for the time of a call, and the file is read.
#include "edge/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// Catches what is written to standard error between catch_begin and catch_end.
struct caught {
    FILE *file;
    int old;
    char text[8192];
};

static void
catch_begin(struct caught *caught)
{
    caught->file = tmpfile();
    assert_non_null(caught->file);
    fflush(stderr);
    caught->old = dup(STDERR_FILENO);
    assert_true(dup2(fileno(caught->file), STDERR_FILENO) >= 0);
}

static void
catch_end(struct caught *caught)
{
    assert_true(dup2(caught->old, STDERR_FILENO) >= 0);
    close(caught->old);
    rewind(caught->file);

    size_t len = fread(caught->text, 1, sizeof caught->text - 1, caught->file);

    caught->text[len] = '\0';
    fclose(caught->file);
}

static void
an_event_is_one_line_with_time_level_and_words(void **state)
{
    struct caught caught;
    char year[5], rest[256];
    (void)state;

    catch_begin(&caught);
    log_info("ready", "sources=%s commits=%d", "tcp://127.0.0.1:1", 7);
    catch_end(&caught);
    assert_int_equal(sscanf(caught.text,
                            "time=%4[0-9]-%*2[0-9]-%*2[0-9]T%*[0-9:.]Z %255[^\n]", year,
                            rest),
                     2);
    assert_string_equal(rest,
                        "level=info event=ready sources=tcp://127.0.0.1:1 commits=7");
    assert_ptr_equal(strchr(caught.text, '\n'), caught.text + strlen(caught.text) - 1);
}

static void
an_event_may_have_no_words(void **state)
{
    struct caught caught;
    (void)state;

    catch_begin(&caught);
    log_error("stopped", "%s", "");
    catch_end(&caught);
    assert_non_null(strstr(caught.text, " level=error event=stopped"));
}

static void
what_is_below_the_level_is_hidden(void **state)
{
    struct caught caught;
    (void)state;

    catch_begin(&caught);
    log_debug("hidden", "a=%d", 1);
    log_set_level(LOG_WARNING);
    log_info("hidden", "a=%d", 1);
    log_warning("shown", "a=%d", 1);
    log_set_level(LOG_DEBUG);
    log_debug("shown_too", "a=%d", 1);
    log_set_level(LOG_INFO);
    catch_end(&caught);
    assert_null(strstr(caught.text, "hidden"));
    assert_non_null(strstr(caught.text, "level=warning event=shown a=1\n"));
    assert_non_null(strstr(caught.text, "level=debug event=shown_too a=1\n"));
}

static void
nobody_outside_can_begin_a_line(void **state)
{
    struct caught caught;
    (void)state;

    catch_begin(&caught);
    log_info("hello", "client=%s", "x\ntime=1 level=error\r\x1b[2J\x7f\tz");
    catch_end(&caught);
    assert_non_null(strstr(caught.text, "client=x?time=1 level=error??[2J??z\n"));
    assert_ptr_equal(strchr(caught.text, '\n'), caught.text + strlen(caught.text) - 1);
}

static void
no_quoted_value_can_look_like_the_next_one(void **state)
{
    struct caught caught;
    char long_words[WHY_TEXT_MAX + 50];
    (void)state;

    catch_begin(&caught);
    log_info("quoted", "why=%s a=%d", log_quote("flow \"x\" level=error \\").text, 1);
    catch_end(&caught);
    assert_non_null(strstr(caught.text, "why=\"flow \\\"x\\\" level=error \\\\\" a=1\n"));

    assert_string_equal(log_quote("").text, "\"\"");
    memset(long_words, '"', sizeof long_words - 1);
    long_words[sizeof long_words - 1] = '\0';
    assert_int_equal(strlen(log_quote(long_words).text), 2 * WHY_TEXT_MAX + 2);
}

static void
a_long_line_is_cut_and_still_ends(void **state)
{
    struct caught caught;
    char value[5000];
    (void)state;

    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    catch_begin(&caught);
    log_info("long", "value=%s", value);
    log_info("next", "a=%d", 1);
    catch_end(&caught);

    const char *end = strchr(caught.text, '\n');

    assert_non_null(end);
    assert_int_equal(end - caught.text, 2047 - 1);
    assert_non_null(strstr(end, "event=next a=1\n"));
}

static void
levels_have_names(void **state)
{
    enum log_level level = LOG_ERROR;
    (void)state;

    for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
        assert_true(log_level_parse(log_level_name((enum log_level)i), &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_parse("loud", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_DEBUG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line_with_time_level_and_words),
        cmocka_unit_test(an_event_may_have_no_words),
        cmocka_unit_test(what_is_below_the_level_is_hidden),
        cmocka_unit_test(nobody_outside_can_begin_a_line),
        cmocka_unit_test(no_quoted_value_can_look_like_the_next_one),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(levels_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
