// SPDX-License-Identifier: EUPL-1.2
#include "edge/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "edge/clock.h"

enum { LINE_BYTES_MAX = 2048 }; // with its line feed; longer lines are cut

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static atomic_int shown_level = LOG_INFO;

void
log_set_level(enum log_level level)
{
    atomic_store_explicit(&shown_level, (int)level, memory_order_relaxed);
}

bool
log_level_parse(const char *text, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *
log_level_name(enum log_level level)
{
    return level_names[level];
}

struct log_quoted
log_quote(const char *words)
{
    struct log_quoted quoted;
    char *at = quoted.text;

    *at++ = '"';
    for (size_t i = 0; i < WHY_TEXT_MAX && words[i] != '\0'; i++) {
        if (words[i] == '"' || words[i] == '\\') {
            *at++ = '\\';
        }
        *at++ = words[i];
    }
    *at++ = '"';
    *at = '\0';
    return quoted;
}

// One event is one line, whatever a client has put into it.
static void
replace_controls(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            text[i] = '?';
        }
    }
}

// snprintf says how long it would have become.
static size_t
kept(int printed, size_t room)
{
    if (printed < 0) {
        return 0;
    }
    return (size_t)printed < room ? (size_t)printed : room - 1;
}

static void write_line(enum log_level level, const char *event, const char *format,
                       va_list words) PRINTF_LIKE(3, 0);

static void
write_line(enum log_level level, const char *event, const char *format, va_list words)
{
    char line[LINE_BYTES_MAX];
    char time[INSTANT_TEXT_LEN];
    size_t room = sizeof line - 1;

    if ((int)level > atomic_load_explicit(&shown_level, memory_order_relaxed)) {
        return;
    }
    instant_print(clock_now(), time);

    size_t len = kept(snprintf(line, room, "time=%s level=%s event=%s%s", time,
                               level_names[level], event, format[0] != '\0' ? " " : ""),
                      room);

    len += kept(vsnprintf(line + len, room - len, format, words), room - len);
    replace_controls(line, len);
    line[len++] = '\n';
    // A log that cannot be written is no reason to stop, and there is nobody to tell.
    if (write(STDERR_FILENO, line, len) < 0) {
        return;
    }
}

void
log_error(const char *event, const char *format, ...)
{
    va_list words;

    va_start(words, format);
    write_line(LOG_ERROR, event, format, words);
    va_end(words);
}

void
log_warning(const char *event, const char *format, ...)
{
    va_list words;

    va_start(words, format);
    write_line(LOG_WARNING, event, format, words);
    va_end(words);
}

void
log_info(const char *event, const char *format, ...)
{
    va_list words;

    va_start(words, format);
    write_line(LOG_INFO, event, format, words);
    va_end(words);
}

void
log_debug(const char *event, const char *format, ...)
{
    va_list words;

    va_start(words, format);
    write_line(LOG_DEBUG, event, format, words);
    va_end(words);
}
