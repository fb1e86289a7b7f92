// SPDX-License-Identifier: EUPL-1.2
// settings_value.c - one setting's value: read, judged, printed.
#include "edge/settings_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint64_t bytes;
} size_units[] = {
    {"TiB", SETTINGS_TIB},
    {"GiB", SETTINGS_GIB},
    {"MiB", SETTINGS_MIB},
    {"KiB", SETTINGS_KIB},
    {"", 1},
};

// Where a value is put; memcpy, because the table only knows its place.
static void
put(struct settings *settings, const struct setting *setting, const void *value)
{
    memcpy((uint8_t *)settings + setting->at, value, setting->size);
}

static void
get(const struct settings *settings, const struct setting *setting, void *ret_value)
{
    memcpy(ret_value, (const uint8_t *)settings + setting->at, setting->size);
}

static bool
read_digits(const char *text, uint64_t *ret_number, const char **ret_end)
{
    char *end;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    *ret_end = end;
    return errno == 0;
}

static bool
read_size(const char *text, uint64_t *ret_bytes)
{
    uint64_t number;
    const char *unit;

    if (!read_digits(text, &number, &unit)) {
        return false;
    }
    unit += *unit == ' ';
    for (size_t i = 0; i < ARRAY_LEN(size_units); i++) {
        if (strcmp(unit, size_units[i].name) == 0) {
            *ret_bytes = number * size_units[i].bytes;
            return number <= UINT64_MAX / size_units[i].bytes;
        }
    }
    return false;
}

static void
print_size(uint64_t bytes, char *ret_text, size_t size)
{
    size_t i = 0;

    while (bytes == 0 ? size_units[i].bytes > 1 : bytes % size_units[i].bytes != 0) {
        i++;
    }
    snprintf(ret_text, size, "%" PRIu64 "%s%s", bytes / size_units[i].bytes,
             size_units[i].name[0] != '\0' ? " " : "", size_units[i].name);
}

static bool
read_count(const char *text, uint64_t *ret_number)
{
    const char *end;

    return read_digits(text, ret_number, &end) && *end == '\0';
}

static bool
read_switch(const char *text, bool *ret_on)
{
    bool yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
    bool no = strcmp(text, "no") == 0 || strcmp(text, "false") == 0;

    *ret_on = yes;
    return yes || no;
}

static bool
port_is_possible(const char *text)
{
    uint64_t port;

    return strcmp(text, "*") == 0 || (read_count(text, &port) && port <= UINT16_MAX);
}

// Splits ADDRESS:PORT; an IPv6 address stands in brackets.
static bool
split_address(const char *text, char *ret_address, size_t size)
{
    const char *colon = strrchr(text, ':');

    if (colon == NULL || colon == text || (size_t)(colon - text) >= size ||
        !port_is_possible(colon + 1)) {
        return false;
    }
    memcpy(ret_address, text, (size_t)(colon - text));
    ret_address[colon - text] = '\0';
    return true;
}

static bool
is_socket(const char *text)
{
    char address[VALUE_LEN];

    return strncmp(text, "tcp://", 6) == 0 &&
           split_address(text + 6, address, sizeof address) &&
           strpbrk(address, " /@;") == NULL;
}

static bool
is_local(const char *text)
{
    char address[VALUE_LEN];
    struct in_addr v4;

    if (!split_address(text, address, sizeof address)) {
        return false;
    }
    if (strcmp(address, "[::1]") == 0) {
        return true;
    }
    return inet_pton(AF_INET, address, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

const char *
setting_fitting(enum type type)
{
    switch (type) {
    case SOCKET:
        return "tcp://ADDRESS:PORT (port *: any free one)";
    case LOCAL:
        return "an address and port on loopback, as 127.0.0.1:7463";
    case PATH:
        return "the path of a file or folder";
    case BYTES:
        return "a size, as 65536, 64 KiB, 16 MiB or 1 GiB";
    case COUNT:
        return "a whole number";
    case SWITCH:
        return "yes or no";
    case LEVEL:
        return "error, warning, info or debug";
    }
    return "";
}

static bool
put_text(struct settings *settings, const struct setting *setting, const char *text)
{
    char value[SETTING_TEXT_LEN] = "";
    size_t len = strlen(text);

    if (len < setting->min || len > setting->max ||
        (len > 0 && setting->type == SOCKET && !is_socket(text)) ||
        (len > 0 && setting->type == LOCAL && !is_local(text))) {
        return false;
    }
    memcpy(value, text, len);
    put(settings, setting, value);
    return true;
}

static bool
put_number(struct settings *settings, const struct setting *setting, uint64_t number)
{
    uint32_t small = (uint32_t)number;

    if (number < setting->min || number > setting->max) {
        return false;
    }
    put(settings, setting,
        setting->size == sizeof small ? (const void *)&small : (const void *)&number);
    return true;
}

void
setting_copy(struct settings *to, const struct settings *from,
             const struct setting *setting)
{
    memcpy((uint8_t *)to + setting->at, (const uint8_t *)from + setting->at,
           setting->size);
}

bool
setting_put(struct settings *settings, const struct setting *setting, const char *text)
{
    uint64_t number;
    bool on;
    enum log_level level;

    switch (setting->type) {
    case SOCKET:
    case LOCAL:
    case PATH:
        return put_text(settings, setting, text);
    case BYTES:
        return read_size(text, &number) && put_number(settings, setting, number);
    case COUNT:
        return read_count(text, &number) && put_number(settings, setting, number);
    case SWITCH:
        if (!read_switch(text, &on)) {
            return false;
        }
        put(settings, setting, &on);
        return true;
    case LEVEL:
        if (!log_level_parse(text, &level)) {
            return false;
        }
        put(settings, setting, &level);
        return true;
    }
    return false;
}

void
setting_print(const struct settings *settings, const struct setting *setting,
              char ret_text[VALUE_LEN])
{
    uint64_t number;
    uint32_t small;
    bool on;
    enum log_level level;

    switch (setting->type) {
    case SOCKET:
    case LOCAL:
    case PATH:
        get(settings, setting, ret_text);
        return;
    case BYTES:
        get(settings, setting, &number);
        print_size(number, ret_text, VALUE_LEN);
        return;
    case COUNT:
        get(settings, setting, &small);
        snprintf(ret_text, VALUE_LEN, "%" PRIu32, small);
        return;
    case SWITCH:
        get(settings, setting, &on);
        snprintf(ret_text, VALUE_LEN, "%s", on ? "yes" : "no");
        return;
    case LEVEL:
        get(settings, setting, &level);
        snprintf(ret_text, VALUE_LEN, "%s", log_level_name(level));
        return;
    }
}

void
setting_print_range(const struct setting *setting, char ret_text[RANGE_LEN])
{
    char min[32], max[32];

    ret_text[0] = '\0';
    if (setting->type == BYTES) {
        print_size(setting->min, min, sizeof min);
        print_size(setting->max, max, sizeof max);
        snprintf(ret_text, RANGE_LEN, "%s to %s", min, max);
    } else if (setting->type == COUNT) {
        snprintf(ret_text, RANGE_LEN, "%" PRIu64 " to %" PRIu64, setting->min,
                 setting->max);
    }
}
