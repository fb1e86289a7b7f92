// SPDX-License-Identifier: EUPL-1.2
// Goal: whoever types wrong words is told which, what is wanted, and nothing is done.
// Method: lines as they would be typed; what stands on the terminal afterwards is read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"

enum { WORDS_MAX = 12, SAID_MAX = 2048 };

// What one command line sets, and what was said about it.
struct line {
    struct cli cli;
    char words[256];
    char *argv[WORDS_MAX];
    const char *key;
    bool quiet;
    char said[SAID_MAX]; // on either stream
    int ran;             // which command, 0: none
};

static struct line line;

static const struct cli_command publish = {"publish", "[FILE]", "publish mutations",
                                           NULL};

static const struct cli_option options[] = {
    {"key", "KEY", "who this is", &line.key, NULL},
    {"quiet", NULL, "print only what was refused", NULL, &line.quiet},
};

// Begins a line: its words, split at spaces.
static void
type(const char *words)
{
    char *rest = line.words;

    line = (struct line){.cli = {.name = "vigie publish", .command = &publish}};
    snprintf(line.words, sizeof line.words, "%s", words);
    while (line.cli.argc < WORDS_MAX && rest != NULL) {
        line.argv[line.cli.argc++] = strsep(&rest, " ");
    }
    line.cli.argv = line.argv;
}

// Both streams go into a file in memory while one call runs.
static int streams[2];
static int capture;

static void
listen(void)
{
    fflush(stdout);
    fflush(stderr);
    capture = memfd_create("said", 0);
    assert_true(capture >= 0);
    for (int i = 0; i < 2; i++) {
        streams[i] = dup(i + 1);
        dup2(capture, i + 1);
    }
}

static void
stop_listening(void)
{
    fflush(stdout);
    fflush(stderr);

    ssize_t len = pread(capture, line.said, sizeof line.said - 1, 0);

    for (int i = 0; i < 2; i++) {
        dup2(streams[i], i + 1);
        close(streams[i]);
    }
    close(capture);
    assert_true(len >= 0);
    line.said[len] = 0;
}

static bool
take(const char *words, int words_min, int words_max)
{
    bool good;

    type(words);
    listen();
    good = cli_options(&line.cli, options, 2, words_min, words_max);
    stop_listening();
    return good;
}

static void
assert_said(const char *words)
{
    if (strstr(line.said, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", line.said, words);
    }
}

// ---- options ----

static void
takes_options_out_and_leaves_the_other_words(void **state)
{
    (void)state;
    assert_true(take("publish --key RN.source day.jsonl --quiet", 0, 1));
    assert_string_equal(line.key, "RN.source");
    assert_true(line.quiet);
    assert_int_equal(line.cli.argc, 2);
    assert_string_equal(line.cli.argv[1], "day.jsonl");
    assert_string_equal(line.said, "");
}

static void
takes_a_value_behind_an_equals_sign_too(void **state)
{
    (void)state;
    assert_true(take("publish --key=a=b -", 0, 1));
    assert_string_equal(line.key, "a=b");
    assert_string_equal(line.cli.argv[1], "-");
    assert_true(take("publish --key=", 0, 1));
    assert_string_equal(line.key, "");
}

static void
an_option_that_is_not_there_is_named(void **state)
{
    (void)state;
    assert_false(take("publish --kee RN", 0, 1));
    assert_said("vigie publish: NOT_FOUND (22, sender): there is no option --kee ");
    assert_false(take("publish --keys=RN", 0, 1));
    assert_said("there is no option --keys=RN");
    assert_false(take("publish --", 0, 1));
    assert_said("there is no option -- ");
}

static void
a_value_is_asked_for_where_one_is_wanted_and_nowhere_else(void **state)
{
    (void)state;
    assert_false(take("publish --quiet --key", 0, 1));
    assert_said("vigie publish: MALFORMED (2, sender): --key wants a value: --key KEY");
    assert_false(take("publish --quiet=yes", 0, 1));
    assert_said("MALFORMED (2, sender): --quiet takes no value");
}

static void
a_wrong_number_of_words_says_what_is_wanted(void **state)
{
    (void)state;
    assert_false(take("publish a b", 0, 1));
    assert_said("vigie publish: MALFORMED (2, sender): 2 words are given, "
                "0 to 1 are wanted: vigie publish [FILE] (--help explains)\n");
    assert_false(take("publish a", 0, 0));
    assert_said("1 word is given, none is wanted");
    assert_false(take("publish", 1, 1));
    assert_said("0 words are given, 1 is wanted");
    assert_true(take("publish a", 1, 1));
    assert_true(take("publish a b c", 1, 3));
}

static void
help_names_words_meaning_and_every_option_and_runs_nothing(void **state)
{
    (void)state;
    type("publish --frob");
    line.cli.help = true;
    listen();

    bool go_on = cli_options(&line.cli, options, 2, 0, 1);

    stop_listening();
    assert_false(go_on);
    assert_said("vigie publish [FILE]\n    publish mutations\n");
    assert_said("--key KEY ");
    assert_said("--quiet ");
    assert_said("--home DIR ");
    assert_said("--json ");
}

// ---- numbers ----

static bool
number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    listen();

    bool good = cli_number("--count", text, min, max, ret);

    stop_listening();
    return good;
}

static void
numbers_are_whole_and_within_their_limits(void **state)
{
    static const char *const wrong[] = {"",   "x",  "7x",   "-1",
                                        "+7", " 7", "7.5",  "0x7",
                                        "4",  "11", "007 ", "18446744073709551616"};
    uint64_t ret = 99;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(number(wrong[i], 5, 10, &ret));
        assert_said("vigie: MALFORMED (2, sender): --count is \"");
        assert_said("from 5 to 10");
        assert_int_equal(ret, 99); // untouched
    }
    assert_true(number("5", 5, 10, &ret));
    assert_int_equal(ret, 5);
    assert_true(number("010", 5, 10, &ret)); // "030" is a quality, not octal
    assert_int_equal(ret, 10);
    assert_true(number("18446744073709551615", 0, UINT64_MAX, &ret));
    assert_true(ret == UINT64_MAX);
}

static bool
seconds(const char *text, uint64_t min_ms, uint64_t max_ms, uint64_t *ret_ms)
{
    listen();

    bool good = cli_seconds("--seconds", text, min_ms, max_ms, ret_ms);

    stop_listening();
    return good;
}

static void
seconds_have_parts_and_limits(void **state)
{
    static const char *const wrong[] = {"",  "x",   "1s",  "-1",  "+1",    " 1",  "1.2.3",
                                        ".", "1e0", "0x1", "inf", "0.049", "3.6", "nan"};
    uint64_t ret = 99;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(seconds(wrong[i], 50, 3500, &ret));
        assert_said("vigie: MALFORMED (2, sender): --seconds is \"");
        assert_said("seconds from 0.05 to 3.5 are wanted");
        assert_int_equal(ret, 99); // untouched
    }
    assert_true(seconds("0.05", 50, 3500, &ret));
    assert_int_equal(ret, 50);
    assert_true(seconds("3.5", 50, 3500, &ret));
    assert_int_equal(ret, 3500);
    assert_true(seconds("3", 50, 3500, &ret));
    assert_int_equal(ret, 3000);
}

// ---- commands ----

static int
run_add(struct cli *cli)
{
    line.ran = 1;
    assert_string_equal(cli->argv[0], "add");
    assert_int_equal(cli->argc, 2);
    assert_string_equal(cli->argv[1], "RN");
    assert_string_equal(cli->name, "vigie institution add");
    return EXIT_REFUSED;
}

static int
run_list(struct cli *cli)
{
    (void)cli;
    line.ran = 2;
    return EXIT_DONE;
}

static const struct cli_command verbs[] = {
    {"add", "CODE", "a new one", run_add},
    {"list", "", "all of them", run_list},
};

static int
run_institution(struct cli *cli)
{
    return cli_run(cli, verbs, 2);
}

static const struct cli_command commands[] = {
    {"institution", "VERB ...", "register institutions", run_institution},
};

static int
run(const char *words, bool help)
{
    int code;

    type(words);
    snprintf(line.cli.name, sizeof line.cli.name, "vigie");
    line.cli.command = NULL;
    line.cli.help = help;
    listen();
    code = cli_run(&line.cli, commands, 1);
    stop_listening();
    return code;
}

static void
runs_the_verb_that_is_named_and_gives_its_exit_code(void **state)
{
    (void)state;
    assert_int_equal(run("vigie institution add RN", false), EXIT_REFUSED);
    assert_int_equal(line.ran, 1);
    assert_int_equal(run("vigie institution list", false), EXIT_DONE);
    assert_int_equal(line.ran, 2);
    assert_string_equal(line.said, "");
}

static void
an_unknown_word_is_named_and_the_known_ones_are_listed(void **state)
{
    (void)state;
    assert_int_equal(run("vigie frob", false), EXIT_USAGE);
    assert_said("vigie: NOT_FOUND (22, sender): there is no command \"frob\"\n");
    assert_said("  institution ");
    assert_said("Exit: 0 done");
    assert_int_equal(run("vigie institution frob", false), EXIT_USAGE);
    assert_said("vigie institution: NOT_FOUND (22, sender): there is no verb \"frob\"");
    assert_said("  add CODE ");
    assert_int_equal(line.ran, 0);
}

static void
no_word_or_help_lists_them(void **state)
{
    (void)state;
    assert_int_equal(run("vigie", false), EXIT_USAGE);
    assert_said("vigie [--home DIR] [--json] COMMAND");
    (void)run("vigie institution", true);
    assert_said("vigie institution VERB");
    (void)run("vigie frob", true);
    assert_said("  institution ");
    assert_null(strstr(line.said, "there is no"));
    assert_int_equal(line.ran, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_options_out_and_leaves_the_other_words),
        cmocka_unit_test(takes_a_value_behind_an_equals_sign_too),
        cmocka_unit_test(an_option_that_is_not_there_is_named),
        cmocka_unit_test(a_value_is_asked_for_where_one_is_wanted_and_nowhere_else),
        cmocka_unit_test(a_wrong_number_of_words_says_what_is_wanted),
        cmocka_unit_test(help_names_words_meaning_and_every_option_and_runs_nothing),
        cmocka_unit_test(numbers_are_whole_and_within_their_limits),
        cmocka_unit_test(seconds_have_parts_and_limits),
        cmocka_unit_test(runs_the_verb_that_is_named_and_gives_its_exit_code),
        cmocka_unit_test(an_unknown_word_is_named_and_the_known_ones_are_listed),
        cmocka_unit_test(no_word_or_help_lists_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
