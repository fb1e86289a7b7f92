// SPDX-License-Identifier: EUPL-1.2
// archive.h - what vigied does with backups instead of serving: write one beside a running
// broker, make a store of one, mend a store from one. deploy/backup.md is the administrator's
// page. Told as edge/inspect.h tells; exit codes are those of enum inspect_exit.
#ifndef EDGE_ARCHIVE_H
#define EDGE_ARCHIVE_H

#include "edge/inspect.h"

enum { ARCHIVE_WITH_MAX = 64 };

struct archive_choices {
    const char *folder; // of the backup
    bool compact;
    const char *since; // an earlier backup, NULL: full
    const char *to;    // a commit or a moment, NULL: the last one there is
    const char *with[ARCHIVE_WITH_MAX]; // increments or later stores, in order
    size_t with_len;
};

// archive_backup copies settings' store while a broker may be writing it.
int archive_backup(const struct settings *settings, const struct archive_choices *choices,
                   const struct inspect_output *output);

// archive_restore makes settings' store, which must not be there yet: copies the backup,
// brings it forward, verifies all of it and gives it a new incarnation.
int archive_restore(const struct settings *settings,
                    const struct archive_choices *choices,
                    const struct inspect_output *output);

// archive_repair copies what is damaged in settings' store, which no broker may have open,
// from a backup that has it sound. INSPECT_UNSOUND: something is still damaged.
int archive_repair(const struct settings *settings, const struct archive_choices *choices,
                   const struct inspect_output *output);

// archive_moment reads "2026-11-21T13:00:00Z", with up to six decimals of a second.
bool archive_moment(const char *text, int64_t *ret_us);

#endif
