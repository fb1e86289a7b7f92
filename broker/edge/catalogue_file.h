// SPDX-License-Identifier: EUPL-1.2
// catalogue_file.h - from the administrator's file to the command that puts it in force.
#ifndef EDGE_CATALOGUE_FILE_H
#define EDGE_CATALOGUE_FILE_H

#include "base/buffer.h"
#include "flow/command.h"

// catalogue_file_read reads the whole text. VG_OK, VG_BAD_FILE, VG_TOO_LARGE.
NODISCARD enum vg_status catalogue_file_read(const char *path, struct buffer *text,
                                             struct why *why);

// catalogue_file_check reads and validates it: all mistakes at once. VG_OK, VG_BAD_FILE,
// VG_TOO_LARGE, VG_BAD_CATALOGUE.
NODISCARD enum vg_status catalogue_file_check(const char *path, struct faults *faults);

// catalogue_file_news gives the command that loads the file, NULL when its text is the one
// in force. Gives: a command (command_free).
NODISCARD enum vg_status catalogue_file_news(const char *path, struct txn *txn,
                                             struct command **ret_command,
                                             struct why *why);

#endif
