// SPDX-License-Identifier: EUPL-1.2
#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A character that was cut in two would make the whole answer unreadable as JSON.
static void
drop_half_character(char *text)
{
    size_t end = strlen(text);
    size_t begin = end;

    while (begin > 0 && ((uint8_t)text[begin - 1] & 0xc0) == 0x80) {
        begin--;
    }
    if (begin == 0 || (uint8_t)text[begin - 1] < 0xc0) {
        return; // ends with a plain letter
    }

    begin--;
    uint8_t lead = (uint8_t)text[begin];
    size_t whole = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;

    if (end - begin < whole) {
        text[begin] = '\0';
    }
}

static void write_words(struct why *why, const char *format, va_list words)
    PRINTF_LIKE(2, 0);

static void
write_words(struct why *why, const char *format, va_list words)
{
    if (why == NULL) {
        return;
    }

    int len = vsnprintf(why->text, sizeof why->text, format, words);

    if (len < 0) {
        why->text[0] = '\0';
    } else if ((size_t)len >= sizeof why->text) {
        drop_half_character(why->text);
    }
}

void
why_set(struct why *why, const char *format, ...)
{
    va_list words;

    va_start(words, format);
    write_words(why, format, words);
    va_end(words);
}

enum vg_status
fail(struct why *why, enum vg_status status, const char *format, ...)
{
    va_list words;

    va_start(words, format);
    write_words(why, format, words);
    va_end(words);
    return status;
}

void
faults_add(struct faults *faults, enum vg_status status, unsigned line,
           const char *format, ...)
{
    va_list words;

    faults->total++;
    if (faults->len == FAULTS_MAX) {
        return;
    }

    struct fault *fault = &faults->fault[faults->len++];

    fault->status = status;
    fault->line = line;
    va_start(words, format);
    write_words(&fault->why, format, words);
    va_end(words);
}

enum vg_status
faults_first(const struct faults *faults)
{
    return faults->len == 0 ? VG_OK : faults->fault[0].status;
}
