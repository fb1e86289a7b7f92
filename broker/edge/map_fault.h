// SPDX-License-Identifier: EUPL-1.2
// map_fault.h - when the store's file cannot be read through its map.
//
// LMDB reads through a memory map: a bad sector, or a file that somebody cut short, is no
// error code but SIGBUS. Then the process must end; with one plain line and exit 3 ("the
// store cannot be trusted"), not with a bare core.
#ifndef EDGE_MAP_FAULT_H
#define EDGE_MAP_FAULT_H

#include "base/base.h"

// map_fault_watch catches SIGBUS for the rest of the process's life. Copies: store_path.
// Thread: before there is a second one.
void map_fault_watch(const char *store_path);

#endif
