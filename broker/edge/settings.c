// SPDX-License-Identifier: EUPL-1.2
#include "edge/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml_tree.h"

enum {
    FILE_BYTES_MAX = 1 << 20,
    HELP_WIDTH = 88,
    VALUE_LEN = SETTING_TEXT_LEN,
    SHOWN_BYTES_MAX = 40,
    RANGE_LEN = 80
};

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

static const struct setting all_settings[] = {
#define SETTING_ROW(name, type, default_text, min, max, change, help)                    \
    {#name,                                                                              \
     type,                                                                               \
     offsetof(struct settings, name),                                                    \
     sizeof(((struct settings *)0)->name),                                               \
     default_text,                                                                       \
     min,                                                                                \
     max,                                                                                \
     change,                                                                             \
     help},
    SETTINGS_TABLE(SETTING_ROW)
#undef SETTING_ROW
};

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

// ---- one value ----

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

static const char *
fitting(enum type type)
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

static bool
put_value(struct settings *settings, const struct setting *setting, const char *text)
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

static void
print_value(const struct settings *settings, const struct setting *setting,
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

// "64 KiB to 1 GiB", "" for what has no range.
static void
print_range(const struct setting *setting, char ret_text[RANGE_LEN])
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

// ---- a file ----

// How much of a value may be shown: nothing that could break a line.
static int
shown_len(const char *text)
{
    int len = 0;

    while (len < SHOWN_BYTES_MAX && text[len] >= ' ' && text[len] <= '~') {
        len++;
    }
    return len;
}

static void
refuse_value(const struct yaml_node *node, const struct setting *setting,
             const char *text)
{
    char range[RANGE_LEN];

    print_range(setting, range);
    yaml_fault(node, "%s: '%.*s' is not %s%s%s", setting->name, shown_len(text), text,
               fitting(setting->type), range[0] != '\0' ? ", " : "", range);
}

static void
read_setting(const struct yaml_node *root, const struct setting *setting,
             struct settings *settings)
{
    const struct yaml_node *node = yaml_get(root, setting->name);
    const char *text = yaml_text(node);

    if (node == NULL) {
        return;
    }
    if (text == NULL) {
        yaml_fault(node, "%s: a %s is not %s", setting->name,
                   yaml_is_list(node) ? "list" : "map", fitting(setting->type));
    } else if (!put_value(settings, setting, text)) {
        refuse_value(node, setting, text);
    }
}

// What no single value can be blamed for.
static void
check_together(const struct yaml_node *root, const struct settings *settings)
{
    if (settings->quota_bytes > settings->map_bytes) {
        yaml_fault(yaml_get(root, "quota_bytes"), "quota_bytes is more than map_bytes");
    }
    if (settings->http_endpoint[0] != '\0' && settings->http_token_file[0] == '\0') {
        yaml_fault(yaml_get(root, "http_token_file"),
                   "http_token_file may only be \"\" when http_endpoint is \"\" too");
    }
}

static void
anchor_paths(struct settings *settings, const char *folder, struct faults *faults)
{
    char path[2 * SETTING_TEXT_LEN];
    char value[SETTING_TEXT_LEN];

    for (size_t i = 0; i < ARRAY_LEN(all_settings) && folder[0] != '\0'; i++) {
        const struct setting *setting = &all_settings[i];

        if (setting->type != PATH) {
            continue;
        }
        get(settings, setting, value);
        if (value[0] == '\0' || value[0] == '/') {
            continue;
        }

        int len = snprintf(path, sizeof path, "%s/%s", folder, value);

        if (len < 0 || len > SETTINGS_TEXT_MAX) {
            faults_add(faults, VG_BAD_SETTINGS, 0,
                       "%s: with the folder of the settings it is over %d bytes",
                       setting->name, SETTINGS_TEXT_MAX);
            continue;
        }
        put_text(settings, setting, path);
    }
}

void
settings_defaults(struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < ARRAY_LEN(all_settings); i++) {
        CHECK(put_value(settings, &all_settings[i], all_settings[i].default_text));
    }
}

enum vg_status
settings_parse(const char *text, size_t text_len, const char *folder,
               struct settings *ret_settings, struct faults *faults)
{
    struct settings settings;
    size_t before = faults->total;

    AUTO(yaml_tree_free)
    struct yaml_tree *tree = yaml_tree_parse(text, text_len, VG_BAD_SETTINGS, faults);

    if (tree == NULL) {
        return VG_BAD_SETTINGS;
    }

    const struct yaml_node *root = yaml_tree_root(tree);

    if (!yaml_is_map(root)) {
        yaml_fault(root, "the file must hold lines of 'name: value'");
        return VG_BAD_SETTINGS;
    }
    settings_defaults(&settings);
    for (size_t i = 0; i < ARRAY_LEN(all_settings); i++) {
        read_setting(root, &all_settings[i], &settings);
    }
    yaml_unknown_keys(root, "settings");
    if (faults->total == before) {
        check_together(root, &settings);
        anchor_paths(&settings, folder, faults);
    }
    if (faults->total != before) {
        return VG_BAD_SETTINGS;
    }
    *ret_settings = settings;
    return VG_OK;
}

// "" for a file in the current folder.
static void
folder_of(const char *path, char *ret_folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    int len = slash == NULL ? 0 : (int)(slash - path);

    snprintf(ret_folder, size, "%.*s", slash == path ? 1 : len, path);
}

static enum vg_status
read_file(const char *path, struct buffer *text, struct faults *faults)
{
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        faults_add(faults, VG_BAD_FILE, 0, "it cannot be read: %s", strerror(errno));
        return VG_BAD_FILE;
    }

    size_t len = fread(buffer_reserve(text, FILE_BYTES_MAX), 1, FILE_BYTES_MAX, file);
    bool failed = ferror(file) != 0;
    bool whole = len < FILE_BYTES_MAX;

    fclose(file);
    text->len = len;
    if (failed || !whole) {
        faults_add(faults, VG_BAD_FILE, 0, "%s",
                   failed ? "it cannot be read" : "it is larger than 1 MiB");
        return VG_BAD_FILE;
    }
    return VG_OK;
}

enum vg_status
settings_read(const char *path, struct settings *ret_settings, struct faults *faults)
{
    char folder[4096];

    AUTO(buffer_free) struct buffer text = {0};
    enum vg_status status = read_file(path, &text, faults);

    if (status != VG_OK) {
        return status;
    }
    folder_of(path, folder, sizeof folder);
    return settings_parse((const char *)text.at, text.len, folder, ret_settings, faults);
}

void
settings_reload(struct settings *settings, const struct settings *fresh)
{
    char value[SETTING_TEXT_LEN];

    for (size_t i = 0; i < ARRAY_LEN(all_settings); i++) {
        if (all_settings[i].change == AT_RELOAD) {
            get(fresh, &all_settings[i], value);
            put(settings, &all_settings[i], value);
        }
    }
}

// ---- words ----

void
settings_print_faults(const char *path, const struct faults *faults, struct buffer *text)
{
    for (size_t i = 0; i < faults->len; i++) {
        if (faults->fault[i].line > 0) {
            buffer_print(text, "%s:%u: %s\n", path, faults->fault[i].line,
                         faults->fault[i].why.text);
        } else {
            buffer_print(text, "%s: %s\n", path, faults->fault[i].why.text);
        }
    }
    if (faults->total > faults->len) {
        buffer_print(text, "%s: and %zu more\n", path, faults->total - faults->len);
    }
}

// Defaults as a file in the same folder would get them.
static void
defaults_beside(const char *path, struct settings *ret_defaults)
{
    char folder[4096];
    struct faults faults = {0};

    folder_of(path, folder, sizeof folder);
    settings_defaults(ret_defaults);
    anchor_paths(ret_defaults, folder, &faults);
}

enum vg_status
settings_check(const char *path, struct buffer *text)
{
    struct settings settings, defaults;
    struct faults faults = {0};
    enum vg_status status = settings_read(path, &settings, &faults);

    if (status != VG_OK) {
        settings_print_faults(path, &faults, text);
        return status;
    }
    buffer_print(text, "%s: no mistakes\n", path);
    defaults_beside(path, &defaults);
    for (size_t i = 0; i < ARRAY_LEN(all_settings); i++) {
        char value[VALUE_LEN], usual[VALUE_LEN];

        print_value(&settings, &all_settings[i], value);
        print_value(&defaults, &all_settings[i], usual);
        if (strcmp(value, usual) != 0) {
            buffer_print(text, "  %s: %s (default: %s)\n", all_settings[i].name, value,
                         all_settings[i].default_text);
        }
    }
    return VG_OK;
}

// Prints words in comment lines, none longer than the width.
static void
print_comment(struct buffer *text, const char *words)
{
    size_t column = 0;

    while (*words != '\0') {
        size_t len = strcspn(words, " ");

        if (column > 0 && column + 1 + len > HELP_WIDTH) {
            buffer_print(text, "\n");
            column = 0;
        }
        buffer_print(text, column == 0 ? "# %.*s" : " %.*s", (int)len, words);
        column += len + (column == 0 ? 2 : 1);
        words += len;
        words += strspn(words, " ");
    }
    buffer_print(text, "\n");
}

void
settings_help(struct buffer *text)
{
    buffer_print(
        text,
        "# SPDX-License-Identifier: EUPL-1.2\n"
        "# vigied.yaml - what an administrator may choose, each setting with its "
        "default.\n"
        "#\n"
        "# A line that is left out means the default. Relative paths begin at this "
        "file's folder.\n"
        "# vigied --settings FILE --check names every mistake with its line; vigied "
        "--help-settings\n"
        "# prints this file. \"Reload\": a change counts after SIGHUP, the others "
        "after a restart.\n");
    for (size_t i = 0; i < ARRAY_LEN(all_settings); i++) {
        const struct setting *setting = &all_settings[i];
        char range[RANGE_LEN], note[512];

        print_range(setting, range);
        snprintf(note, sizeof note, "%s%s%s%s%s%s", setting->help,
                 range[0] != '\0' || setting->change == AT_RELOAD ? " (" : "", range,
                 range[0] != '\0' && setting->change == AT_RELOAD ? "; " : "",
                 setting->change == AT_RELOAD ? "reload" : "",
                 range[0] != '\0' || setting->change == AT_RELOAD ? ")" : "");
        buffer_print(text, "\n");
        print_comment(text, note);
        buffer_print(text, "%s: %s\n", setting->name, setting->default_text);
    }
}
