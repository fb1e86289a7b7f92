// SPDX-License-Identifier: EUPL-1.2
// settings.h - what an administrator may choose: one YAML file, made from
// settings.table.h, where each setting is explained.
#ifndef EDGE_SETTINGS_H
#define EDGE_SETTINGS_H

#include "base/buffer.h"
#include "base/why.h"
#include "edge/log.h"
#include "edge/settings.table.h"

enum { SETTING_TEXT_LEN = SETTINGS_TEXT_MAX + 1 };

struct settings {
#define SETTING_FIELD_SOCKET(name) char name[SETTING_TEXT_LEN];
#define SETTING_FIELD_LOCAL(name) char name[SETTING_TEXT_LEN];
#define SETTING_FIELD_PATH(name) char name[SETTING_TEXT_LEN];
#define SETTING_FIELD_BYTES(name) uint64_t name;
#define SETTING_FIELD_COUNT(name) uint32_t name;
#define SETTING_FIELD_SWITCH(name) bool name;
#define SETTING_FIELD_LEVEL(name) enum log_level name;
#define SETTING_FIELD(name, type, ...) SETTING_FIELD_##type(name)
    SETTINGS_TABLE(SETTING_FIELD)
#undef SETTING_FIELD
};

// settings_defaults fills in what a file need not say; its paths are relative.
void settings_defaults(struct settings *settings);

// settings_read reads a YAML file over the defaults: all mistakes at once, each with its
// line. Relative paths, the default ones too, begin at the file's folder.
//
// Returns VG_OK or VG_BAD_SETTINGS, VG_BAD_FILE. ret_settings is written only on VG_OK.
NODISCARD enum vg_status settings_read(const char *path, struct settings *ret_settings,
                                       struct faults *faults);

// settings_parse does the same with a file's text, whose paths begin at `folder` ("": stay
// as they are).
NODISCARD enum vg_status settings_parse(const char *text, size_t text_len,
                                        const char *folder, struct settings *ret_settings,
                                        struct faults *faults);

// settings_reload takes over the part that may change while the broker runs.
void settings_reload(struct settings *settings, const struct settings *fresh);

// settings_check reads a file and says in words what is wrong with it ("FILE:LINE: ..."),
// or which settings are not the default. Returns what settings_read returned.
NODISCARD enum vg_status settings_check(const char *path, struct buffer *text);

// settings_print_faults writes one line per mistake: "FILE:LINE: sentence".
void settings_print_faults(const char *path, const struct faults *faults,
                           struct buffer *text);

// settings_help writes a whole file of defaults, each explained: deploy/vigied.yaml.
void settings_help(struct buffer *text);

#endif
