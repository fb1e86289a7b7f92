// SPDX-License-Identifier: EUPL-1.2
// settings.h - what an administrator may choose.
#ifndef EDGE_SETTINGS_H
#define EDGE_SETTINGS_H

#include "base/why.h"
#include "edge/log.h"

enum { SETTING_TEXT_LEN = 256 };

struct settings {
    char store_path[SETTING_TEXT_LEN];
    char sources_endpoint[SETTING_TEXT_LEN]; // tcp://127.0.0.1:7461; port *: any free one
    char members_endpoint[SETTING_TEXT_LEN];
    char http_endpoint[SETTING_TEXT_LEN];   // 127.0.0.1:7463
    char http_token_file[SETTING_TEXT_LEN]; // one line: the bearer token
    char key_file
        [SETTING_TEXT_LEN]; // the broker's pair: lines "public: Z85", "secret: Z85"
    char catalogue_file[SETTING_TEXT_LEN]; // "": whatever the store has in force
    char run_dir[SETTING_TEXT_LEN];        // vigied.ready is written there; "": nowhere
    uint64_t map_bytes;                    // 0: 256 GiB
    uint64_t quota_bytes;                  // 0: 90 % of the map
    uint64_t disk_reserve_bytes; // publishing is refused when the disk has less left
    bool test_persons;           // fictitious person numbers are accepted
    // The rest may change while the broker runs (SIGHUP).
    uint32_t heartbeat_ms;    // something is said at least this often, both ways
    uint32_t window_messages; // mutations a source may have unanswered
    uint64_t window_bytes;
    uint32_t drain_seconds; // at most, between SIGTERM and the end
    enum log_level log_level;
};

// settings_defaults fills in what a file need not say.
void settings_defaults(struct settings *settings);

// settings_read reads a YAML file over the defaults: all mistakes at once, each with its
// line. Returns VG_OK or VG_BAD_SETTINGS, VG_BAD_FILE.
NODISCARD enum vg_status settings_read(const char *path, struct settings *ret_settings,
                                       struct faults *faults);

// settings_reload takes over the part that may change while the broker runs.
void settings_reload(struct settings *settings, const struct settings *fresh);

#endif
