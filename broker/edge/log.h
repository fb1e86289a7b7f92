// SPDX-License-Identifier: EUPL-1.2
// log.h - one line per event on standard error, key=value, for people and for journald.
//
//   time=2026-11-20T09:30:00.123456Z level=info event=ready sources=tcp://... why="..."
//
// Values that hold spaces, and all words that come from outside, are written by log_quote.
// Control characters are replaced, lines end at 2,048 bytes. Never a whole person number:
// niss_mask(). Thread: any; one line is one write.
#ifndef EDGE_LOG_H
#define EDGE_LOG_H

#include "base/why.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

// log_set_level hides what is below; LOG_INFO at start.
void log_set_level(enum log_level level);
// log_level_parse reads "error", "warning", "info" or "debug".
bool log_level_parse(const char *text, enum log_level *ret_level);
const char *log_level_name(enum log_level level);

// log_quote puts words between double quotes, with a backslash before a quote or a backslash
// inside, so that no value can look like the next one; cut where a reason is cut.
//   log_info("session_closed", "session=%u why=%s", id, log_quote(reason).text);
struct log_quoted {
    char text[2 * WHY_TEXT_MAX + 3];
};
struct log_quoted log_quote(const char *words);

void log_error(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_warning(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_info(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);
void log_debug(const char *event, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
