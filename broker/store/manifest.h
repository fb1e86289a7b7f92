// SPDX-License-Identifier: EUPL-1.2
// manifest.h - what stands beside a backup and says what it is. It is written last: a folder
// without one holds an unfinished backup.
//
// File MANIFEST, lines "name: value" in any order, "#" begins a remark:
//
//    backup: 1                 this drawing
//    program: 0.2.0
//    kind: full                or increment
//    schema: 2                 of the store
//    store: 16 hex digits      struct incarnation
//    since: 0                  commit that an increment follows on; 0: full
//    commit: 1234              the last one in it
//    block: 99                 the last one in it
//    time_us: 1795000000000000 of that commit, UTC
//    hash: 64 hex digits       of that commit's record
//    bytes: 1048576            of data.mdb
//    checksum: 64 hex digits   BLAKE2b-256 of data.mdb
#ifndef STORE_MANIFEST_H
#define STORE_MANIFEST_H

#include "base/buffer.h"
#include "base/checksum.h"
#include "base/why.h"

#define MANIFEST_NAME "MANIFEST"

enum { MANIFEST_BYTES_MAX = 4096, MANIFEST_PROGRAM_LEN = 32 };

struct manifest {
    char program[MANIFEST_PROGRAM_LEN];
    bool full;
    uint32_t schema;
    uint64_t store;
    uint64_t since;
    uint64_t commit;
    uint64_t block;
    int64_t time_us;
    struct hash hash;
    uint64_t bytes;
    struct hash checksum;
};

// manifest_print appends the file's text.
void manifest_print(const struct manifest *manifest, struct buffer *text);

// manifest_parse reads it. Every name must be there once; others are unknown.
// Returns VG_OK, or VG_BAD_FILE with the line and what is wrong with it.
NODISCARD enum vg_status manifest_parse(const char *text, size_t len,
                                        struct manifest *ret_manifest, struct why *why);

// manifest_read reads the one of a folder. VG_NOT_FOUND: there is none.
NODISCARD enum vg_status manifest_read(const char *folder, struct manifest *ret_manifest,
                                       struct why *why);

// manifest_write puts it into a folder under another name and renames it.
// Durable: file and folder, when it returns VG_OK.
NODISCARD enum vg_status manifest_write(const char *folder,
                                        const struct manifest *manifest, struct why *why);

#endif
