// SPDX-License-Identifier: EUPL-1.2
// simulate.c - a synthetic Belgium as files: institutions.jsonl, integrations.jsonl (by person) and day/SOURCE.jsonl.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli.h"
#include "json/json.h"
#include "synthetic.h"

enum { PATH_LEN = 512 };

uint32_t
simulate_today(void)
{
    time_t now = time(NULL);
    struct tm parts;

    setenv("TZ", "Europe/Brussels", 1);
    tzset();
    localtime_r(&now, &parts);
    return (uint32_t)((parts.tm_year + 1900) * 10000 + (parts.tm_mon + 1) * 100 +
                      parts.tm_mday);
}

static FILE *
open_file(const char *folder, const char *name, const char *mode)
{
    char path[PATH_LEN];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, mode);
    if (file == NULL) {
        fprintf(stderr, "vigie simulate: %s: %s\n", path, strerror(errno));
    }
    return file;
}

static bool
write_institutions(const struct synthetic *synthetic, const char *folder)
{
    FILE *file = open_file(folder, "institutions.jsonl", "we");

    if (file == NULL) {
        return false;
    }
    for (size_t i = 0; i < synthetic->institutions_len; i++) {
        const struct synthetic_institution *institution = &synthetic->institutions[i];

        fprintf(file,
                "{\"code\":\"%s\",\"name\":\"Synthetic %s\",\"sector\":\"%s\","
                "\"number\":%u,\"source\":%s,\"member\":%s}\n",
                institution->code, institution->code, institution->sector,
                institution->number, institution->source ? "true" : "false",
                institution->member ? "true" : "false");
    }
    return fclose(file) == 0;
}

// ---- integrations, by person: neighbours in the file are neighbours in the store ----

struct row {
    uint32_t institution;
    uint32_t quality;
    uint32_t begin;
    uint32_t end;
    uint64_t niss;
};

static int
by_person(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;

    if (a->niss != b->niss) {
        return a->niss < b->niss ? -1 : 1;
    }
    return a->institution < b->institution ? -1 : a->institution > b->institution;
}

static void
write_date(FILE *file, const char *name, uint32_t date)
{
    fprintf(file, ",\"%s\":\"%04u-%02u-%02u\"", name, date / 10000, date / 100 % 100,
            date % 100);
}

static void
write_row(FILE *file, const struct synthetic *synthetic, const struct row *row)
{
    fprintf(file, "{\"institution\":\"%s\",\"niss\":\"%011llu\",\"quality\":\"%03u\"",
            synthetic->institutions[row->institution].code, (unsigned long long)row->niss,
            row->quality);
    write_date(file, "begin", row->begin);
    if (row->end != 0) {
        write_date(file, "end", row->end);
    }
    fprintf(file, ",\"proof\":{\"last_name\":\"Test\"");
    write_date(file, "birth_date", synthetic_birth(row->niss));
    fprintf(file, "}}\n");
}

static bool
write_integrations(const struct synthetic *synthetic, const char *folder,
                   uint64_t *ret_len)
{
    FILE *file = open_file(folder, "integrations.jsonl", "we");
    size_t size = (size_t)synthetic->people * 14 + 1024;
    struct row *rows = malloc(size * sizeof *rows);
    size_t len = 0;

    if (file == NULL || rows == NULL) {
        free(rows);
        return false;
    }
    for (uint64_t person = 0; person < synthetic->people; person++) {
        struct synthetic_integration found[SYNTHETIC_INTEGRATIONS_MAX];
        size_t found_len = synthetic_integrations(synthetic, person, found);

        for (size_t i = 0; i < found_len && len < size; i++) {
            rows[len++] = (struct row){
                .institution = (uint32_t)found[i].institution,
                .quality = found[i].quality,
                .begin = found[i].begin,
                .end = found[i].end,
                .niss = synthetic_niss(synthetic, person),
            };
        }
    }
    qsort(rows, len, sizeof *rows, by_person);
    for (size_t i = 0; i < len; i++) {
        write_row(file, synthetic, &rows[i]);
    }
    *ret_len = len;
    free(rows);
    return fclose(file) == 0;
}

// ---- the day ----

static bool
write_mutation(const struct synthetic *synthetic, FILE **files, const char *folder,
               uint64_t index, double share_followed)
{
    struct synthetic_mutation mutation;
    struct hot_mutation hot;
    char id[32];
    char name[64];

    synthetic_mutation(synthetic, index, share_followed, &mutation);

    FILE **file = &files[mutation.source];

    if (*file == NULL) {
        snprintf(name, sizeof name, "day/%s.jsonl",
                 synthetic->institutions[mutation.source].code);
        *file = open_file(folder, name, "we");
    }
    if (*file == NULL) {
        return false;
    }
    snprintf(id, sizeof id, "sim-%llu", (unsigned long long)index);
    synthetic_hot(&mutation, id, synthetic->today, &hot);

    json_t *object = json_write_mutation(&hot);

    json_dumpf(object, *file, JSON_COMPACT);
    fputc('\n', *file);
    json_decref(object);
    return true;
}

static bool
write_day(const struct synthetic *synthetic, const char *folder, uint64_t mutations,
          double share_followed)
{
    FILE **files = calloc(SYNTHETIC_INSTITUTIONS_MAX, sizeof(FILE *));
    char path[PATH_LEN];
    bool good = files != NULL;

    snprintf(path, sizeof path, "%s/day", folder);
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "vigie simulate: %s: %s\n", path, strerror(errno));
        good = false;
    }
    for (uint64_t i = 0; good && i < mutations; i++) {
        good = write_mutation(synthetic, files, folder, i, share_followed);
    }
    for (size_t i = 0; files != NULL && i < SYNTHETIC_INSTITUTIONS_MAX; i++) {
        if (files[i] != NULL && fclose(files[i]) != 0) {
            good = false;
        }
    }
    free(files);
    return good;
}

static const char *
people_or_default(const char *people, bool national)
{
    return people != NULL ? people : national ? "15500000" : "200000";
}

int
command_simulate(struct cli *cli)
{
    const char *people = NULL;
    bool national = false;
    const char *mutations = "100000";
    const char *seed = "1";
    const char *cpas = "581";
    const struct cli_option options[] = {
        {"people", "N", "how many persons (200000)", &people, NULL},
        {"mutations", "N", "how many in the day (100000)", &mutations, NULL},
        {"seed", "N", "another one, another Belgium (1)", &seed, NULL},
        {"cpas", "N", "how many CPAS (581)", &cpas, NULL},
        {"national", NULL,
         "instead of files: load the directory of a nation (15500000 "
         "persons) into the broker's store; the broker must not run",
         NULL, &national},
    };
    struct synthetic *synthetic = calloc(1, sizeof *synthetic);
    uint64_t people_len = 0;
    uint64_t mutations_len = 0;
    uint64_t seed_number = 0;
    uint64_t cpas_len = 0;
    uint64_t integrations = 0;

    if (synthetic == NULL || !cli_options(cli, options, 5, 0, 1) ||
        !cli_number("--people", people_or_default(people, national), 100, 20000000,
                    &people_len) ||
        !cli_number("--mutations", mutations, 1, 1000000000, &mutations_len) ||
        !cli_number("--seed", seed, 0, UINT64_MAX / 2, &seed_number) ||
        !cli_number("--cpas", cpas, 2, SYNTHETIC_CPAS_MAX, &cpas_len)) {
        free(synthetic);
        return EXIT_USAGE;
    }

    if (national == (cli->argc > 1)) {
        cli_wrong(cli->name, VG_MALFORMED, "DIR or --national, one of them");
        free(synthetic);
        return EXIT_USAGE;
    }
    synthetic_init(synthetic, seed_number, people_len, (size_t)cpas_len, 10,
                   simulate_today());
    if (national) {
        int code = simulate_national(cli, synthetic);

        free(synthetic);
        return code;
    }

    const char *folder = cli->argv[1];

    if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
        fprintf(stderr, "vigie simulate: %s: %s\n", folder, strerror(errno));
        free(synthetic);
        return EXIT_REFUSED;
    }

    bool good = write_institutions(synthetic, folder) &&
                write_integrations(synthetic, folder, &integrations) &&
                write_day(synthetic, folder, mutations_len, 0.6);

    if (good && cli->json) {
        cli_print(json_pack(
            "{s:I,s:I,s:I,s:I}", "institutions", (json_int_t)synthetic->institutions_len,
            "people", (json_int_t)people_len, "integrations", (json_int_t)integrations,
            "mutations", (json_int_t)mutations_len));
    } else if (good) {
        printf("%s: %zu institutions, %llu persons, %llu integrations, %llu mutations\n",
               folder, synthetic->institutions_len, (unsigned long long)people_len,
               (unsigned long long)integrations, (unsigned long long)mutations_len);
    }
    free(synthetic);
    return good ? EXIT_DONE : EXIT_REFUSED;
}
