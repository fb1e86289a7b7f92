// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

void
cli_wrong(const char *who, enum vg_status status, const char *format, ...)
{
    va_list values;

    fprintf(stderr, "%s: %s (%d, %s): ", who, vg_status_name(status), (int)status,
            vg_remedy_name(vg_status_remedy(status)));
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
}

// ---- commands and their verbs ----

static void
print_commands(const struct cli *cli, const struct cli_command *commands, size_t len,
               FILE *to)
{
    bool verbs = cli->command != NULL;

    fprintf(to, verbs ? "%s VERB ...\n\n" : "%s [--home DIR] [--json] COMMAND ...\n\n",
            cli->name);
    for (size_t i = 0; i < len; i++) {
        int width = fprintf(to, "  %s%s%s", commands[i].name, verbs ? " " : "",
                            verbs ? commands[i].words : "");

        fprintf(to, "%*s  %s\n", width < 22 ? 22 - width : 0, "", commands[i].meaning);
    }
    fprintf(to, "\n%s %s --help names its words and options.\n", cli->name,
            verbs ? "VERB" : "COMMAND");
    if (!verbs) {
        fprintf(
            to,
            "--home DIR: the folder made by `vigie init` (also VIGIE_HOME; default "
            "vigie-home).\n"
            "--json: one JSON object, or lines of them, for programs.\n"
            "Exit: 0 done, 1 refused, 2 wrong words, 3 no answer, 4 damaged files.\n");
    }
}

int
cli_run(struct cli *cli, const struct cli_command *commands, size_t len)
{
    const char *word = cli->argc > 1 ? cli->argv[1] : NULL;
    size_t name_len = strlen(cli->name);

    for (size_t i = 0; word != NULL && i < len; i++) {
        if (strcmp(word, commands[i].name) == 0) {
            snprintf(cli->name + name_len, sizeof cli->name - name_len, " %s", word);
            cli->command = &commands[i];
            cli->argv++;
            cli->argc--;
            return commands[i].run(cli);
        }
    }
    if (word != NULL && !cli->help) {
        cli_wrong(cli->name, VG_NOT_FOUND, "there is no %s \"%s\"",
                  cli->command == NULL ? "command" : "verb", word);
        fputc('\n', stderr);
    }
    print_commands(cli, commands, len, cli->help ? stdout : stderr);
    return EXIT_USAGE;
}

// ---- options ----

static void
print_option(const char *name, const char *word, const char *meaning)
{
    int width =
        printf("    --%s%s%s", name, word == NULL ? "" : " ", word == NULL ? "" : word);

    printf("%*s  %s\n", width < 24 ? 24 - width : 0, "", meaning);
}

static void
print_help(const struct cli *cli, const struct cli_option *options, size_t options_len)
{
    printf("%s%s%s\n    %s\n\n", cli->name, *cli->command->words == 0 ? "" : " ",
           cli->command->words, cli->command->meaning);
    for (size_t i = 0; i < options_len; i++) {
        print_option(options[i].name, options[i].word, options[i].meaning);
    }
    print_option("home", "DIR", "the broker's folder (VIGIE_HOME, or vigie-home)");
    print_option("json", NULL, "for programs: one JSON object, or lines of them");
}

// word is "name" or "name=value"; *ret_value is what stands behind the sign, or NULL.
static const struct cli_option *
find_option(const char *word, const struct cli_option *options, size_t options_len,
            const char **ret_value)
{
    size_t name_len = strcspn(word, "=");

    *ret_value = word[name_len] == '=' ? word + name_len + 1 : NULL;
    for (size_t i = 0; i < options_len; i++) {
        if (strlen(options[i].name) == name_len &&
            strncmp(word, options[i].name, name_len) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static bool
take_option(struct cli *cli, int *i, const struct cli_option *options, size_t options_len)
{
    const char *word = cli->argv[*i];
    const char *value = NULL;
    const struct cli_option *option = find_option(word + 2, options, options_len, &value);

    if (option == NULL) {
        cli_wrong(cli->name, VG_NOT_FOUND, "there is no option %s (--help names them)",
                  word);
        return false;
    }
    if (option->flag != NULL) {
        if (value != NULL) {
            cli_wrong(cli->name, VG_MALFORMED, "--%s takes no value", option->name);
        }
        *option->flag = true;
        return value == NULL;
    }
    if (value == NULL && *i + 1 >= cli->argc) {
        cli_wrong(cli->name, VG_MALFORMED, "--%s wants a value: --%s %s", option->name,
                  option->name, option->word);
        return false;
    }
    *option->value = value != NULL ? value : cli->argv[++*i];
    return true;
}

static void
print_wanted(const struct cli *cli, int given, int words_min, int words_max)
{
    char wanted[40] = "none is";

    if (words_max > 0 && words_min == words_max) {
        snprintf(wanted, sizeof wanted, "%d %s", words_min,
                 words_min == 1 ? "is" : "are");
    } else if (words_max > 0) {
        snprintf(wanted, sizeof wanted, "%d to %d are", words_min, words_max);
    }
    cli_wrong(cli->name, VG_MALFORMED,
              "%d word%s given, %s wanted: %s%s%s (--help explains)", given,
              given == 1 ? " is" : "s are", wanted, cli->name,
              *cli->command->words == 0 ? "" : " ", cli->command->words);
}

bool
cli_options(struct cli *cli, const struct cli_option *options, size_t options_len,
            int words_min, int words_max)
{
    int kept = 1;

    if (cli->help) {
        print_help(cli, options, options_len);
        return false;
    }
    for (int i = 1; i < cli->argc; i++) {
        if (strncmp(cli->argv[i], "--", 2) != 0) {
            cli->argv[kept++] = cli->argv[i];
        } else if (!take_option(cli, &i, options, options_len)) {
            return false;
        }
    }
    cli->argc = kept;
    if (kept - 1 < words_min || kept - 1 > words_max) {
        print_wanted(cli, kept - 1, words_min, words_max);
        return false;
    }
    return true;
}

bool
cli_number(const char *name, const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    char *end = NULL;

    errno = 0;
    uint64_t number = strtoull(text, &end, 10);

    // strtoull itself would take a sign and spaces.
    if (errno != 0 || *text < '0' || *text > '9' || *end != 0 || number < min ||
        number > max) {
        cli_wrong("vigie", VG_MALFORMED,
                  "%s is \"%s\", a whole number from %llu to %llu is wanted", name, text,
                  (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *ret = number;
    return true;
}

bool
cli_seconds(const char *name, const char *text, uint64_t min_ms, uint64_t max_ms,
            uint64_t *ret_ms)
{
    char *end = NULL;
    double ms = strtod(text, &end) * 1000;

    // strtod itself would take signs, spaces, powers and "infinity".
    if (text[strspn(text, "0123456789.")] != 0 || end == text || *end != 0 ||
        ms < (double)min_ms || ms > (double)max_ms) {
        cli_wrong("vigie", VG_MALFORMED, "%s is \"%s\", seconds from %g to %g are wanted",
                  name, text, (double)min_ms / 1000, (double)max_ms / 1000);
        return false;
    }
    *ret_ms = (uint64_t)(ms + 0.5);
    return true;
}
