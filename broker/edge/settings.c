// SPDX-License-Identifier: EUPL-1.2
// settings.c - the file of settings: read, with every mistake named, and told.
#include "edge/settings.h"

#include "base/yaml_tree.h"
#include "edge/settings_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    FILE_BYTES_MAX = 1 << 20,
    HELP_WIDTH = 88,
    SHOWN_BYTES_MAX = 40,
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

    setting_print_range(setting, range);
    yaml_fault(node, "%s: '%.*s' is not %s%s%s", setting->name, shown_len(text), text,
               setting_fitting(setting->type), range[0] != '\0' ? ", " : "", range);
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
                   yaml_is_list(node) ? "list" : "map", setting_fitting(setting->type));
    } else if (!setting_put(settings, setting, text)) {
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
        setting_print(settings, setting, value);
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
        setting_put(settings, setting, path);
    }
}

void
settings_defaults(struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < ARRAY_LEN(all_settings); i++) {
        CHECK(setting_put(settings, &all_settings[i], all_settings[i].default_text));
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
    for (size_t i = 0; i < ARRAY_LEN(all_settings); i++) {
        if (all_settings[i].change == AT_RELOAD) {
            setting_copy(settings, fresh, &all_settings[i]);
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

        setting_print(&settings, &all_settings[i], value);
        setting_print(&defaults, &all_settings[i], usual);
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

        setting_print_range(setting, range);
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
