// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static void
print_options(const struct cli_option *options, size_t options_len)
{
    for (size_t i = 0; i < options_len; i++) {
        printf("    --%-16s %s\n", options[i].name, options[i].meaning);
    }
}

static const struct cli_option *
find_option(const char *word, const struct cli_option *options, size_t options_len)
{
    for (size_t i = 0; i < options_len; i++) {
        if (strcmp(word + 2, options[i].name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static bool
take_option(struct cli *cli, int *i, const struct cli_option *options, size_t options_len)
{
    const char *word = cli->argv[*i];
    const struct cli_option *option = find_option(word, options, options_len);

    if (option == NULL) {
        fprintf(stderr, "vigie %s: there is no option %s (--help names them)\n",
                cli->argv[0], word);
        return false;
    }
    if (option->flag != NULL) {
        *option->flag = true;
        return true;
    }
    if (*i + 1 >= cli->argc) {
        fprintf(stderr, "vigie %s: %s wants a value\n", cli->argv[0], word);
        return false;
    }
    *option->value = cli->argv[++*i];
    return true;
}

bool
cli_options(struct cli *cli, const struct cli_option *options, size_t options_len,
            int words_min, int words_max)
{
    int kept = 1;

    if (cli->help) {
        print_options(options, options_len);
        exit(EXIT_DONE);
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
        fprintf(stderr, "vigie %s: %d words are given, %d to %d are wanted (--help)\n",
                cli->argv[0], kept - 1, words_min, words_max);
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

    if (errno != 0 || end == text || *end != 0 || *text == '-' || number < min ||
        number > max) {
        fprintf(stderr,
                "vigie: %s is \"%s\", a whole number from %llu to %llu is wanted\n", name,
                text, (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *ret = number;
    return true;
}
