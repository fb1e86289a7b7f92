// SPDX-License-Identifier: EUPL-1.2
// unanswered.h - the mutations a publisher has numbered and has no answer for yet.
//
// A queue of frames, oldest first. A mutation is encoded once, into the last frame, where
// it stays until its number is answered; sending adds the frame's head in front of it.
//
//   answered |  frame  |  frame  |  frame (open) | next
//             `- sent: a prefix -'
#ifndef CLIENT_UNANSWERED_H
#define CLIENT_UNANSWERED_H

#include "hot/hot.h"
#include "vigie/vigie.h"

// One Publish to be.
struct vg_frame {
    uint8_t *memory; // HOT_HEAD_MAX bytes of room, then the mutations
    size_t memory_size;
    size_t len; // of the mutations
    uint64_t first_number;
    uint32_t mutations;
    bool closed; // takes no more
};

struct vg_unanswered {
    struct vg_frame *frames; // a ring of frames_size, a power of two
    size_t frames_size;
    size_t oldest;
    size_t frames_len;
    size_t sent_len; // of them, from the oldest on, are sent on this connection
    size_t sent_bytes;
    size_t bytes;
    uint64_t answered; // all up to this number
    uint64_t next;     // the number of the next mutation
    uint32_t frame_mutations_max;
    size_t frame_bytes_max;
};

// vg_unanswered_begin starts empty after the last number the broker has. Memory: all
// zero.
void vg_unanswered_begin(struct vg_unanswered *unanswered, uint64_t last_number);
void vg_unanswered_end(struct vg_unanswered *unanswered);

// vg_unanswered_append encodes a mutation, which takes at most size_max bytes, under the
// next number.
//
// Returns VG_OK, VG_TOO_LARGE or VG_NO_MEMORY; after these two nothing has changed.
enum vg_status vg_unanswered_append(struct vg_unanswered *unanswered,
                                    const struct hot_mutation *mutation, size_t size_max);

// vg_unanswered_close lets the last frame go though it is not full.
void vg_unanswered_close(struct vg_unanswered *unanswered);

// vg_unanswered_unsent lends the oldest frame that is not sent, open or closed, or NULL;
// until the next call of another function.
struct vg_frame *vg_unanswered_unsent(const struct vg_unanswered *unanswered);
// vg_unanswered_sent notes that this frame went out.
void vg_unanswered_sent(struct vg_unanswered *unanswered);

// vg_unanswered_answer notes that all up to through are answered.
void vg_unanswered_answer(struct vg_unanswered *unanswered, uint64_t through);

// vg_unanswered_rewind makes everything unsent again, in frames as full as they can be.
void vg_unanswered_rewind(struct vg_unanswered *unanswered);

size_t vg_unanswered_count(const struct vg_unanswered *unanswered);
// vg_unanswered_in_flight gives how many are sent and not answered.
uint64_t vg_unanswered_in_flight(const struct vg_unanswered *unanswered);

#endif
