// SPDX-License-Identifier: EUPL-1.2
// opening.h - what is put on the disk before a store that was found there is believed.
//
// LMDB does neither. Assumed of a disk: a sector of 512 bytes is written whole or not at all
// (what LMDB writes of a commit's meta page lies in one), and what was synced stands.
#ifndef STORE_OPENING_H
#define STORE_OPENING_H

#include "base/why.h"

// opening_settle writes the two pages that name the last commit again, as they are. A
// process that was killed, or whose disk refused a sync, may have left a commit that the
// system shows and the disk does not have; nobody may be told of it before it is there.
// What those pages name was synced before they were written.
//
// Durable: whatever a transaction that begins now can see. Blocks: for a sync.
// Returns VG_OK; VG_BAD_FILE.
NODISCARD enum vg_status opening_settle(int file, size_t page_bytes, struct why *why);

// opening_sync_folders syncs the store's folder and the one that names it: LMDB syncs its
// file alone, and whoever made the folders may have ended before he synced them.
//
// Durable: the store's and its file's names. Blocks: for two syncs. Returns VG_OK;
// VG_BAD_FILE.
NODISCARD enum vg_status opening_sync_folders(int folder, struct why *why);

#endif
