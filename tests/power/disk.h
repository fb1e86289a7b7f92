// SPDX-License-Identifier: EUPL-1.2
// disk.h - the files of one folder as a disk could hold them when the power goes.
//
// What is assumed of a disk: a sector of 512 bytes is written whole or not at all; what was
// synced stands; every other written sector is lost or kept, in any order and combination,
// and so is the file's size. Changes of the folder (a new file, another name, one less) are
// kept in the order in which they were made, up to any of them, and are only certain when
// the folder was synced. A folder whose parent was never synced may be gone as a whole.
#ifndef POWER_DISK_H
#define POWER_DISK_H

#include "dice.h"

#include <stddef.h>
#include <sys/types.h>

enum { DISK_SECTOR = 512, DISK_PAGE = 4096, DISK_NAME_MAX = 32 };

// What this disk writes whole or not at all; DISK_SECTOR unless somebody wants to know.
extern uint64_t disk_sector_bytes;

// What is left of all that was not synced. Further ones are subsets of the writes: bit i of
// (left - LEFT_SUBSETS): the i-th write.
enum left {
    LEFT_NOTHING,
    LEFT_EVERYTHING,
    LEFT_SOME_WRITES,
    LEFT_FIRST_WRITES, // as if the disk wrote in order
    LEFT_SOME_PAGES,
    LEFT_SOME_SECTORS,
    LEFT_ALL_BUT_ONE_SECTOR,
    LEFT_ONE_SECTOR,
    LEFT_SUBSETS,
};

struct disk;

// disk_new takes what lies in the folder as synced; an empty folder is a new one.
// Gives: disk_free.
struct disk *disk_new(const char *path);
void disk_free(struct disk **disk);

// ---- what happens to it ----
// A file is known by its number, which stays when it is given another name.

int disk_file(struct disk *disk, const char *name); // makes it when there is none
void disk_write(struct disk *disk, int file, uint64_t offset, const void *bytes,
                size_t len);
void disk_truncate(struct disk *disk, int file, uint64_t len);
void disk_rename(struct disk *disk, const char *from, const char *to);
void disk_unlink(struct disk *disk, const char *name);
void disk_sync_file(struct disk *disk, int file);
// disk_sync_last makes certain what the last write wrote, and nothing else: O_DSYNC.
void disk_sync_last(struct disk *disk, int file);
void disk_sync_folder(struct disk *disk);
void disk_sync_parent(struct disk *disk);

// ---- what could be left ----

// disk_unsynced counts the writes that are not certain.
size_t disk_unsynced(const struct disk *disk);

// disk_rebuild writes the files, as they could be found, into another, empty folder.
void disk_rebuild(const struct disk *disk, enum left left, struct dice *dice,
                  const char *path);

#endif
