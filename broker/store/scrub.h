// SPDX-License-Identifier: EUPL-1.2
// scrub.h - reads, a piece at a time, everything that carries a checksum: blocks of bodies,
// journal records, the backlog's rows; and finds the letters that lie in damaged blocks.
//
// A pass is over when all was read once. Between two pieces the store may change.
#ifndef STORE_SCRUB_H
#define STORE_SCRUB_H

#include "base/buffer.h"
#include "store/mailbox.h"

enum { SCRUB_BLOCKS_MAX = 1024 }; // damaged ones whose letters are looked for

enum scrub_stage {
    SCRUB_BLOCKS,
    SCRUB_COMMITS,
    SCRUB_BACKLOG,
    SCRUB_HELD,
    SCRUB_DONE,
};

// Something that is damaged.
struct scrub_finding {
    uint64_t block;            // 0: no block
    struct mailbox_id mailbox; // 0: none in particular
    uint64_t number;           // of the mailbox's first letter that cannot be read
    struct why why;            // "block 7: its checksum does not hold"
};

typedef void (*scrub_found_fn)(const struct scrub_finding *finding, void *arg);

// How far a pass is. Zero it to begin one; end it with scrub_end.
struct scrub {
    enum scrub_stage stage;
    uint64_t next; // block, commit, or letter of `mailbox`
    struct mailbox_id mailbox;
    uint64_t damaged[SCRUB_BLOCKS_MAX]; // in order
    size_t damaged_len;
    struct buffer record;
    scrub_found_fn found;
    void *arg;
};

// scrub_read goes on with a pass until about so many bytes were read.
//
// Returns VG_OK, or why the store cannot be read at all: then the pass is over. Look at
// stage. Blocks: as long as the disk takes for those bytes.
NODISCARD enum vg_status scrub_read(struct scrub *scrub, struct txn *txn, size_t bytes,
                                    size_t *ret_bytes, struct why *why);
void scrub_end(struct scrub *scrub);

#endif
