// SPDX-License-Identifier: EUPL-1.2
#include "lists.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    NISS_DIGITS = 11,
    QUALITY_MAX = 999,
    COLUMNS_MAX = 64,
    FOR_EVER = 99991231,
};

// The members of a line, in the order in which read_row wants them.
enum member { NISS, QUALITY, BEGIN, END, MEMBERS };

static const char *const names[MEMBERS] = {"niss", "quality", "begin", "end"};

void
list_add(struct list *list, const struct digest_line *row)
{
    if (list->len == list->size) {
        list->size = list->size * 2 + 1024;
        list->rows = realloc(list->rows, list->size * sizeof *list->rows);
        if (list->rows == NULL) {
            abort();
        }
    }
    list->rows[list->len++] = *row;
}

void
list_free(struct list *list)
{
    free(list->rows);
    *list = (struct list){.rows = NULL};
}

// ---- days ----

// Noon, so that no summer time moves it: UTC has none, but neither is it asked.
static time_t
noon_of(uint32_t day)
{
    struct tm parts = {.tm_year = (int)(day / 10000) - 1900,
                       .tm_mon = (int)(day / 100 % 100) - 1,
                       .tm_mday = (int)(day % 100),
                       .tm_hour = 12};

    return timegm(&parts);
}

static uint32_t
day_of(time_t moment)
{
    struct tm parts;

    gmtime_r(&moment, &parts);
    return (uint32_t)((parts.tm_year + 1900) * 10000 + (parts.tm_mon + 1) * 100 +
                      parts.tm_mday);
}

static uint32_t
next_day(uint32_t day)
{
    return day == FOR_EVER ? FOR_EVER : day_of(noon_of(day) + 24 * 60 * 60);
}

// "2026-11-20" or "20261120".
static bool
read_day(const char *text, uint32_t *ret)
{
    bool dashes = strlen(text) == 10 && text[4] == '-' && text[7] == '-';
    uint32_t day = 0;
    int digits = 0;

    for (const char *at = text; *at != 0; at++) {
        if (*at >= '0' && *at <= '9' && digits < 8) {
            day = day * 10 + (uint32_t)(*at - '0');
            digits++;
        } else if (!dashes || *at != '-') {
            return false;
        }
    }
    *ret = day;
    return digits == 8 && day >= 10000000 && day_of(noon_of(day)) == day;
}

// ---- one line ----

static bool
read_niss(const char *text, uint64_t *ret)
{
    int digits = 0;

    *ret = 0;
    for (; *text != 0 && digits <= NISS_DIGITS; text++) {
        if (*text >= '0' && *text <= '9') {
            *ret = *ret * 10 + (uint64_t)(*text - '0');
            digits++;
        } else if (strchr(".- ", *text) == NULL) {
            return false;
        }
    }
    return digits == NISS_DIGITS;
}

// Those of persons born from 2000 on are made as if a 2 stood before.
static bool
niss_holds(uint64_t niss)
{
    uint64_t first = niss / 100, check = niss % 100;

    return 97 - first % 97 == check || 97 - (UINT64_C(2000000000) + first) % 97 == check;
}

static bool
read_quality(const char *text, uint32_t *ret)
{
    char *end = NULL;
    unsigned long quality = strtoul(text, &end, 10);

    *ret = (uint32_t)quality;
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && quality > 0 &&
           quality <= QUALITY_MAX;
}

// The value is shown as far as it cannot be a person's number: columns may be mixed up.
static void
wanted(uint64_t line, enum member member, const char *text, const char *what,
       list_fault_fn fault, void *arg)
{
    enum { SHOWN_MAX = 10 };
    char words[96];

    if (text == NULL) {
        snprintf(words, sizeof words, "%s: it is missing, %s is wanted", names[member],
                 what);
    } else if (strlen(text) > SHOWN_MAX) {
        snprintf(words, sizeof words, "%s: it has %zu characters, %s is wanted",
                 names[member], strlen(text), what);
    } else {
        snprintf(words, sizeof words, "%s: \"%s\", %s is wanted", names[member], text,
                 what);
    }
    fault(line, words, arg);
}

// All that is wrong with a line is told; NULL: the line does not say it.
static bool
read_row(const char *const texts[MEMBERS], bool general, struct digest_line *ret,
         uint64_t line, list_fault_fn fault, void *arg)
{
    bool good = true;

    *ret = (struct digest_line){.end = FOR_EVER};
    if (texts[NISS] == NULL || !read_niss(texts[NISS], &ret->niss)) {
        fault(line, "niss: the 11 digits of a person are wanted", arg);
        good = false;
    } else if (!niss_holds(ret->niss)) {
        fault(line, "niss: the check digits of the person number do not fit", arg);
        good = false;
    }
    if (!general &&
        (texts[QUALITY] == NULL || !read_quality(texts[QUALITY], &ret->quality))) {
        wanted(line, QUALITY, texts[QUALITY], "a code like 030", fault, arg);
        good = false;
    }
    if (texts[BEGIN] == NULL || !read_day(texts[BEGIN], &ret->begin)) {
        wanted(line, BEGIN, texts[BEGIN], "a date like 2026-11-20", fault, arg);
        good = false;
    }
    if (texts[END] != NULL && texts[END][0] != 0 && !read_day(texts[END], &ret->end)) {
        wanted(line, END, texts[END], "a date like 2026-11-20", fault, arg);
        good = false;
    }
    if (good && ret->end < ret->begin) {
        fault(line, "end: it lies before the begin", arg);
        good = false;
    }
    return good;
}

// ---- JSON lines ----

static bool
read_object(const char *text, size_t len, bool general, struct digest_line *ret,
            uint64_t line, list_fault_fn fault, void *arg)
{
    json_t *object = json_loadb(text, len, 0, NULL);
    const char *texts[MEMBERS];
    bool good = json_is_object(object);

    if (!good) {
        fault(line, "the line is no JSON object", arg);
    } else {
        for (int i = 0; i < MEMBERS; i++) {
            texts[i] = json_string_value(json_object_get(object, names[i]));
        }
        good = read_row(texts, general, ret, line, fault, arg);
    }
    json_decref(object);
    return good;
}

// ---- CSV ----

struct columns {
    bool known;
    char separator;
    int place[MEMBERS]; // -1: there is no such column
};

// Cuts a line into its fields, in place. No field of ours holds a separator.
static int
cut_fields(char *text, char separator, char *ret_fields[COLUMNS_MAX])
{
    int len = 0;

    text[strcspn(text, "\r\n")] = 0;
    while (len < COLUMNS_MAX) {
        char *end = strchr(text, separator);
        char *behind = end != NULL ? end : text + strlen(text);

        if (end != NULL) {
            *end = 0;
        }
        while (*text == ' ' || *text == '"') {
            text++;
        }
        while (behind > text && (behind[-1] == ' ' || behind[-1] == '"')) {
            *--behind = 0;
        }
        ret_fields[len++] = text;
        if (end == NULL) {
            break;
        }
        text = end + 1;
    }
    return len;
}

static void
tell_columns(const struct columns *columns, bool general, list_fault_fn fault, void *arg)
{
    char words[128] =
        "the first line names the columns niss, quality, begin and end; not there:";

    for (int member = 0; member < END; member++) {
        if (columns->place[member] < 0 && !(general && member == QUALITY)) {
            size_t len = strlen(words);

            snprintf(words + len, sizeof words - len, " %s", names[member]);
        }
    }
    fault(1, words, arg);
}

static bool
read_header(char *text, struct columns *columns, bool general, list_fault_fn fault,
            void *arg)
{
    char *fields[COLUMNS_MAX];
    size_t separator = strcspn(text, ",;\t");
    int len;

    columns->known = true;
    columns->separator = text[separator] != 0 ? text[separator] : ',';
    len = cut_fields(text, columns->separator, fields);
    for (int member = 0; member < MEMBERS; member++) {
        columns->place[member] = -1;
        for (int i = 0; i < len; i++) {
            if (strcasecmp(fields[i], names[member]) == 0) {
                columns->place[member] = i;
            }
        }
    }
    if (columns->place[NISS] < 0 || columns->place[BEGIN] < 0 ||
        (!general && columns->place[QUALITY] < 0)) {
        tell_columns(columns, general, fault, arg);
        return false;
    }
    return true;
}

static bool
read_fields(char *text, const struct columns *columns, bool general,
            struct digest_line *ret, uint64_t line, list_fault_fn fault, void *arg)
{
    const char *texts[MEMBERS];
    char *fields[COLUMNS_MAX];
    int len = cut_fields(text, columns->separator, fields);

    for (int i = 0; i < MEMBERS; i++) {
        texts[i] = columns->place[i] >= 0 && columns->place[i] < len
                       ? fields[columns->place[i]]
                       : NULL;
    }
    return read_row(texts, general, ret, line, fault, arg);
}

// ---- a file ----

// Spreadsheets begin a file with the mark of UTF-8.
static char *
behind_mark(char *text)
{
    return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

bool
list_read(FILE *file, const struct list_filter *filter, struct list *list,
          list_fault_fn fault, void *arg)
{
    struct columns columns = {.known = false};
    char *text = NULL;
    size_t size = 0;
    uint64_t line = 0;
    bool all_good = true;
    bool csv = false;

    while (getline(&text, &size, file) > 0) {
        struct digest_line row;
        bool good;

        char *begin = line == 0 ? behind_mark(text) : text;

        line++;
        if (begin[strspn(begin, " \t\r\n")] == 0) {
            continue;
        }
        csv = csv || (line == 1 && begin[strspn(begin, " \t")] != '{');
        if (csv && !columns.known) {
            if (!read_header(begin, &columns, filter->general, fault, arg)) {
                all_good = false;
                break;
            }
            continue;
        }
        good = csv ? read_fields(begin, &columns, filter->general, &row, line, fault, arg)
                   : read_object(begin, strlen(begin), filter->general, &row, line, fault,
                                 arg);
        if (good) {
            list_add(list, &row);
        }
        all_good = all_good && good;
    }
    free(text);
    if (all_good && !ferror(file) && list->len == 0 && !columns.known) {
        fault(
            1,
            "there is nothing in it; a list of nobody is a line with the columns' names",
            arg);
        return false;
    }
    return all_good && !ferror(file);
}

// ---- one order ----

static int
compare_holder(const struct digest_line *a, const struct digest_line *b)
{
    if (a->niss != b->niss) {
        return a->niss < b->niss ? -1 : 1;
    }
    return a->quality == b->quality ? 0 : a->quality < b->quality ? -1 : 1;
}

static int
compare_rows(const void *one, const void *other)
{
    const struct digest_line *a = one, *b = other;
    int order = compare_holder(a, b);

    if (order != 0) {
        return order;
    }
    if (a->begin != b->begin) {
        return a->begin < b->begin ? -1 : 1;
    }
    return a->end == b->end ? 0 : a->end < b->end ? -1 : 1;
}

void
list_order(struct list *list, const struct list_filter *filter)
{
    size_t kept = 0;

    if (list->len == 0) {
        return;
    }
    qsort(list->rows, list->len, sizeof *list->rows, compare_rows);
    for (size_t i = 1; i < list->len; i++) {
        struct digest_line *last = &list->rows[kept];
        const struct digest_line *row = &list->rows[i];

        if (compare_holder(last, row) == 0 &&
            (filter->general || row->begin <= next_day(last->end))) {
            last->end = row->end > last->end ? row->end : last->end;
        } else {
            list->rows[++kept] = *row;
        }
    }
    list->len = kept + 1;
    kept = 0;
    for (size_t i = 0; i < list->len; i++) {
        if (list->rows[i].end >= filter->since &&
            (filter->quality == 0 || list->rows[i].quality == filter->quality)) {
            list->rows[kept++] = list->rows[i];
        }
    }
    list->len = kept;
}

size_t
list_until(const struct list *list, size_t from, uint64_t through)
{
    while (from < list->len && list->rows[from].niss <= through) {
        from++;
    }
    return from;
}

struct digest
list_digest(const struct digest_line *rows, size_t len)
{
    struct digest digest = {0};

    for (size_t i = 0; i < len; i++) {
        digest_add(&digest, &rows[i]);
    }
    return digest;
}

// ---- two lists ----

static size_t
same_holder(const struct digest_line *rows, size_t len)
{
    size_t same = 1;

    while (same < len && compare_holder(&rows[0], &rows[same]) == 0) {
        same++;
    }
    return same;
}

static bool
is_in(const struct digest_line *row, const struct digest_line *rows, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (compare_rows(row, &rows[i]) == 0) {
            return true;
        }
    }
    return false;
}

// The next row from *at on that the others do not have; NULL: none.
static const struct digest_line *
next_odd(const struct digest_line *rows, size_t len, const struct digest_line *others,
         size_t others_len, size_t *at)
{
    while (*at < len && is_in(&rows[*at], others, others_len)) {
        ++*at;
    }
    return *at < len ? &rows[(*at)++] : NULL;
}

// Of one person and quality: what is left on both sides is told in pairs.
static void
compare_one(const struct digest_line *file, size_t file_len,
            const struct digest_line *directory, size_t directory_len,
            list_difference_fn each, void *arg)
{
    size_t at = 0, other = 0;

    for (;;) {
        const struct digest_line *mine =
            next_odd(file, file_len, directory, directory_len, &at);
        const struct digest_line *theirs =
            next_odd(directory, directory_len, file, file_len, &other);

        if (mine == NULL && theirs == NULL) {
            return;
        }
        each(mine == NULL     ? ONLY_IN_DIRECTORY
             : theirs == NULL ? ONLY_IN_FILE
                              : OTHER_DATES,
             mine, theirs, arg);
    }
}

void
list_compare(const struct digest_line *file, size_t file_len,
             const struct digest_line *directory, size_t directory_len,
             list_difference_fn each, void *arg)
{
    while (file_len > 0 && directory_len > 0) {
        int order = compare_holder(file, directory);
        size_t mine = order <= 0 ? same_holder(file, file_len) : 0;
        size_t theirs = order >= 0 ? same_holder(directory, directory_len) : 0;

        compare_one(file, mine, directory, theirs, each, arg);
        file += mine;
        file_len -= mine;
        directory += theirs;
        directory_len -= theirs;
    }
    compare_one(file, file_len, directory, directory_len, each,
                arg); // one of them is used up
}
