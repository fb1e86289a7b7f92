// SPDX-License-Identifier: EUPL-1.2
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { COLUMNS_MAX = 24, CELL_LEN = 64 };

int
cli_refused(const struct cli *cli, const struct vg_error *error)
{
    const char *sentence =
        error->sentence[0] != 0 ? error->sentence : vg_status_sentence(error->status);
    const char *remedy = vg_remedy_name(vg_status_remedy(error->status));

    if (cli->json) {
        cli_print(json_pack("{s:{s:s,s:i,s:s,s:s}}", "error", "name",
                            vg_status_name(error->status), "number", (int)error->status,
                            "remedy", remedy, "sentence", sentence));
    } else {
        fprintf(stderr, "vigie: %s (%d, %s): %s\n", vg_status_name(error->status),
                (int)error->status, remedy, sentence);
    }
    switch (error->status) {
    case VG_DISCONNECTED:
    case VG_TIMED_OUT:
        return EXIT_NO_ANSWER;
    case VG_STORE_BROKEN:
        return EXIT_DAMAGED;
    default:
        return EXIT_REFUSED;
    }
}

void
cli_print(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}

// A column's words: "name:member" or "name:member:right".
struct column {
    char name[CELL_LEN];
    char member[CELL_LEN];
    bool right;
    int width;
};

static void
read_column(const char *words, struct column *column)
{
    column->right = false;
    column->name[0] = column->member[0] = 0;
    sscanf(words, "%63[^:]:%63[^:]", column->name, column->member);
    column->right = strstr(words, ":right") != NULL;
    column->width = (int)strlen(column->name);
}

static void
print_cell(const json_t *row, const char *member, char ret[CELL_LEN])
{
    const json_t *value = json_object_get(row, member);

    if (json_is_string(value)) {
        snprintf(ret, CELL_LEN, "%s", json_string_value(value));
    } else if (json_is_integer(value)) {
        snprintf(ret, CELL_LEN, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        snprintf(ret, CELL_LEN, "%.1f", json_real_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(ret, CELL_LEN, "%s", json_is_true(value) ? "yes" : "no");
    } else {
        snprintf(ret, CELL_LEN, "-");
    }
}

void
cli_table(const char *const *columns, size_t columns_len, const json_t *rows)
{
    struct column column[COLUMNS_MAX];
    char cell[CELL_LEN];
    size_t index;
    json_t *row;

    for (size_t i = 0; i < columns_len && i < COLUMNS_MAX; i++) {
        read_column(columns[i], &column[i]);
        json_array_foreach(rows, index, row)
        {
            print_cell(row, column[i].member, cell);
            if ((int)strlen(cell) > column[i].width) {
                column[i].width = (int)strlen(cell);
            }
        }
    }
    for (size_t i = 0; i < columns_len; i++) {
        printf(column[i].right ? "%s%*s" : "%s%-*s", i == 0 ? "" : "  ", column[i].width,
               column[i].name);
    }
    putchar('\n');
    json_array_foreach(rows, index, row)
    {
        for (size_t i = 0; i < columns_len; i++) {
            print_cell(row, column[i].member, cell);
            printf(column[i].right ? "%s%*s" : "%s%-*s", i == 0 ? "" : "  ",
                   column[i].width, cell);
        }
        putchar('\n');
    }
}
