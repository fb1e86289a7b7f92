// SPDX-License-Identifier: EUPL-1.2
// settings_internal.h - a setting and its value (settings_value.c), for the files of settings.h.
#ifndef EDGE_SETTINGS_INTERNAL_H
#define EDGE_SETTINGS_INTERNAL_H

#include "edge/settings.h"

enum { VALUE_LEN = SETTING_TEXT_LEN, RANGE_LEN = 80 };

enum type { SOCKET, LOCAL, PATH, BYTES, COUNT, SWITCH, LEVEL };
enum change { AT_START, AT_RELOAD };

struct setting {
    const char *name;
    enum type type;
    size_t at; // in struct settings
    size_t size;
    const char *default_text;
    uint64_t min;
    uint64_t max;
    enum change change;
    const char *help;
};

// setting_put reads a value from text; false when it does not fit, and nothing has changed.
bool setting_put(struct settings *settings, const struct setting *setting,
                 const char *text);

// setting_fitting says in words what would fit.
const char *setting_fitting(enum type type);

void setting_copy(struct settings *to, const struct settings *from,
                  const struct setting *setting);

// setting_print gives the value as a file would hold it.
void setting_print(const struct settings *settings, const struct setting *setting,
                   char ret_text[VALUE_LEN]);

// setting_print_range gives "64 KiB to 1 GiB", "" for what has no range.
void setting_print_range(const struct setting *setting, char ret_text[RANGE_LEN]);

#endif
