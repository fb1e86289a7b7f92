// SPDX-License-Identifier: EUPL-1.2
// intake.h - a file or the standard input, read in large pieces and lent where it lies.
//
// Rows of sixteen bytes through fread, which copies each, out of pieces of 4 KiB whatever
// setvbuf is told without a buffer, cost a tenth of loading a directory.
#ifndef EDGE_INTAKE_H
#define EDGE_INTAKE_H

#include "base/base.h"
#include "base/why.h"

enum { INTAKE_TAKE_MAX = 1 << 16 }; // bytes at once

struct intake;

// intake_open opens a file, "-": the standard input.
//
// Gives: intake_close. Returns VG_OK, or VG_BAD_FILE.
NODISCARD enum vg_status intake_open(const char *path, struct intake **ret_intake,
                                     struct why *why);
void intake_close(struct intake **intake);

// intake_take reads the next bytes, at most INTAKE_TAKE_MAX. They lie eight-aligned as long
// as each call takes a multiple of eight.
//
// Lends: them, until the next call. Returns VG_OK; VG_NOT_FOUND: the file ends before, and
// why is not written; VG_BAD_FILE: it cannot be read. Blocks: as reading does.
NODISCARD enum vg_status intake_take(struct intake *intake, size_t len,
                                     const void **ret_at, struct why *why);

#endif
