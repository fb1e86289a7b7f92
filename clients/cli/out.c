// SPDX-License-Identifier: EUPL-1.2
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { COLUMNS_MAX = 24, CELL_LEN = 128 };

int
cli_exit_of(enum vg_status status)
{
    switch (status) {
    case VG_DISCONNECTED:
    case VG_TIMED_OUT:
        return EXIT_NO_ANSWER;
    case VG_STORE_BROKEN:
        return EXIT_DAMAGED;
    default:
        return EXIT_REFUSED;
    }
}

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
    return cli_exit_of(error->status);
}

void
cli_print(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));
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

// A list's words with spaces between; moments without their fractions of a second.
static void
cell_of(const json_t *row, const char *member, char ret[CELL_LEN])
{
    const json_t *value = json_object_get(row, member);
    size_t len = 0;
    size_t i;
    json_t *word;

    snprintf(ret, CELL_LEN, "-");
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        bool moment = json_string_length(value) == 27 && text[10] == 'T' &&
                      text[19] == '.' && text[26] == 'Z';

        snprintf(ret, CELL_LEN, moment ? "%.19sZ" : "%s", text);
    } else if (json_is_integer(value)) {
        snprintf(ret, CELL_LEN, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        snprintf(ret, CELL_LEN, "%.1f", json_real_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(ret, CELL_LEN, "%s", json_is_true(value) ? "yes" : "no");
    }
    json_array_foreach(value, i, word)
    {
        len += (size_t)snprintf(ret + len, CELL_LEN - len, "%s%s", i == 0 ? "" : " ",
                                json_string_value(word));
        if (len >= CELL_LEN) {
            return;
        }
    }
}

// Letters with accents are two bytes and one place on the screen.
static int
width_of(const char *text)
{
    int width = 0;

    for (; *text != 0; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

// One cell; nothing follows the last one of a row.
static void
print_cell(const struct column *column, const char *text, bool last)
{
    int space = column->width - width_of(text);

    printf("%*s%s", column->right ? space : 0, "", text);
    if (!last) {
        printf("%*s  ", column->right ? 0 : space, "");
    } else {
        putchar('\n');
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
            cell_of(row, column[i].member, cell);
            if (width_of(cell) > column[i].width) {
                column[i].width = width_of(cell);
            }
        }
    }
    for (size_t i = 0; i < columns_len; i++) {
        print_cell(&column[i], column[i].name, i + 1 == columns_len);
    }
    json_array_foreach(rows, index, row)
    {
        for (size_t i = 0; i < columns_len; i++) {
            cell_of(row, column[i].member, cell);
            print_cell(&column[i], cell, i + 1 == columns_len);
        }
    }
}
