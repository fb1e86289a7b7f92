// SPDX-License-Identifier: EUPL-1.2
#include "unanswered.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES_SIZE_MIN = 16, MEMORY_SIZE_MIN = 16 * 1024 };

void
vg_unanswered_begin(struct vg_unanswered *unanswered, uint64_t last_number)
{
    unanswered->answered = last_number;
    unanswered->next = last_number + 1;
}

void
vg_unanswered_end(struct vg_unanswered *unanswered)
{
    for (size_t i = 0; i < unanswered->frames_size; i++) {
        free(unanswered->frames[i].memory);
    }
    free(unanswered->frames);
    *unanswered = (struct vg_unanswered){0};
}

static struct vg_frame *
frame_at(const struct vg_unanswered *unanswered, size_t index)
{
    size_t mask = unanswered->frames_size - 1;

    return &unanswered->frames[(unanswered->oldest + index) & mask];
}

static uint64_t
last_number_of(const struct vg_frame *frame)
{
    return frame->first_number + frame->mutations - 1;
}

// ---- room ----

// A frame's memory is kept in its place of the ring for the next one there.
static bool
grow_ring(struct vg_unanswered *unanswered)
{
    size_t size = unanswered->frames_size * 2;
    struct vg_frame *frames;

    size = size < FRAMES_SIZE_MIN ? FRAMES_SIZE_MIN : size;
    frames = calloc(size, sizeof *frames);
    if (frames == NULL) {
        return false;
    }
    for (size_t i = 0; i < unanswered->frames_size; i++) {
        frames[i] = *frame_at(unanswered, i);
    }
    free(unanswered->frames);
    unanswered->frames = frames;
    unanswered->frames_size = size;
    unanswered->oldest = 0;
    return true;
}

static bool
grow_frame(struct vg_frame *frame, size_t more)
{
    size_t wanted = HOT_HEAD_MAX + frame->len + more;
    size_t size =
        frame->memory_size < MEMORY_SIZE_MIN ? MEMORY_SIZE_MIN : frame->memory_size;
    uint8_t *memory;

    if (wanted <= frame->memory_size) {
        return true;
    }
    while (size < wanted) {
        size *= 2;
    }
    memory = realloc(frame->memory, size);
    if (memory == NULL) {
        return false;
    }
    frame->memory = memory;
    frame->memory_size = size;
    return true;
}

static bool
frame_has_room(const struct vg_unanswered *unanswered, const struct vg_frame *frame,
               size_t more)
{
    return !frame->closed && frame->mutations < unanswered->frame_mutations_max &&
           HOT_HEAD_MAX + frame->len + more <= unanswered->frame_bytes_max;
}

static struct vg_frame *
begin_frame(struct vg_unanswered *unanswered)
{
    struct vg_frame *frame;

    vg_unanswered_close(unanswered);
    if (unanswered->frames_len == unanswered->frames_size && !grow_ring(unanswered)) {
        return NULL;
    }
    frame = frame_at(unanswered, unanswered->frames_len);
    frame->len = 0;
    frame->mutations = 0;
    frame->closed = false;
    frame->first_number = unanswered->next;
    unanswered->frames_len++;
    return frame;
}

// An empty frame must not stay: the numbers of the next would not follow on it.
static struct vg_frame *
frame_with_room(struct vg_unanswered *unanswered, size_t size)
{
    struct vg_frame *frame = NULL;

    if (unanswered->frames_len > 0) {
        frame = frame_at(unanswered, unanswered->frames_len - 1);
    }
    if (frame == NULL || !frame_has_room(unanswered, frame, size)) {
        frame = begin_frame(unanswered);
    }
    if (frame == NULL || grow_frame(frame, size)) {
        return frame;
    }
    if (frame->mutations == 0) {
        unanswered->frames_len--;
    }
    return NULL;
}

// ---- in ----

enum vg_status
vg_unanswered_append(struct vg_unanswered *unanswered,
                     const struct hot_mutation *mutation, size_t size_max)
{
    struct vg_frame *frame;
    uint8_t *begin;
    size_t size;

    if (HOT_HEAD_MAX + size_max > unanswered->frame_bytes_max) {
        return VG_TOO_LARGE;
    }
    frame = frame_with_room(unanswered, size_max);
    if (frame == NULL) {
        return VG_NO_MEMORY;
    }
    begin = frame->memory + HOT_HEAD_MAX + frame->len;
    size = (size_t)(hot_write_mutation(begin, mutation) - begin);
    frame->len += size;
    frame->mutations++;
    unanswered->bytes += size;
    unanswered->next++;
    if (!frame_has_room(unanswered, frame, 1)) {
        frame->closed = true;
    }
    return VG_OK;
}

void
vg_unanswered_close(struct vg_unanswered *unanswered)
{
    if (unanswered->frames_len > 0) {
        frame_at(unanswered, unanswered->frames_len - 1)->closed = true;
    }
}

// ---- out ----

struct vg_frame *
vg_unanswered_unsent(const struct vg_unanswered *unanswered)
{
    if (unanswered->sent_len == unanswered->frames_len) {
        return NULL;
    }
    return frame_at(unanswered, unanswered->sent_len);
}

void
vg_unanswered_sent(struct vg_unanswered *unanswered)
{
    unanswered->sent_bytes += frame_at(unanswered, unanswered->sent_len)->len;
    unanswered->sent_len++;
}

static void
drop_oldest(struct vg_unanswered *unanswered)
{
    size_t len = frame_at(unanswered, 0)->len;

    unanswered->bytes -= len;
    if (unanswered->sent_len > 0) {
        unanswered->sent_len--;
        unanswered->sent_bytes -= len;
    }
    unanswered->oldest = (unanswered->oldest + 1) & (unanswered->frames_size - 1);
    unanswered->frames_len--;
}

void
vg_unanswered_answer(struct vg_unanswered *unanswered, uint64_t through)
{
    unanswered->answered = through;
    while (unanswered->frames_len > 0 &&
           last_number_of(frame_at(unanswered, 0)) <= through) {
        drop_oldest(unanswered);
    }
}

// ---- again ----

// Takes the answered ones off the oldest frame, so that they do not travel again.
static void
trim_oldest(struct vg_unanswered *unanswered)
{
    struct vg_frame *frame = frame_at(unanswered, 0);
    struct hot_bytes rest = {frame->memory + HOT_HEAD_MAX, frame->len};
    struct hot_bytes mutation;

    while (frame->first_number <= unanswered->answered &&
           hot_next_mutation(&rest, &mutation)) {
        frame->first_number++;
        frame->mutations--;
    }
    memmove(frame->memory + HOT_HEAD_MAX, rest.at, rest.len);
    unanswered->bytes -= frame->len - rest.len;
    frame->len = rest.len;
}

static bool
fits_behind(const struct vg_unanswered *unanswered, const struct vg_frame *frame,
            const struct vg_frame *more)
{
    return frame->mutations + more->mutations <= unanswered->frame_mutations_max &&
           HOT_HEAD_MAX + frame->len + more->len <= unanswered->frame_bytes_max;
}

// Whoever publishes one at a time leaves hundreds of small frames behind.
static void
join_frames(struct vg_unanswered *unanswered)
{
    size_t kept = 0;

    for (size_t i = 1; i < unanswered->frames_len; i++) {
        struct vg_frame *frame = frame_at(unanswered, kept);
        struct vg_frame *more = frame_at(unanswered, i);

        if (fits_behind(unanswered, frame, more) && grow_frame(frame, more->len)) {
            memcpy(frame->memory + HOT_HEAD_MAX + frame->len, more->memory + HOT_HEAD_MAX,
                   more->len);
            frame->len += more->len;
            frame->mutations += more->mutations;
            frame->closed = more->closed;
            continue;
        }
        kept++;
        if (kept != i) {
            struct vg_frame moved = *frame_at(unanswered, kept);

            *frame_at(unanswered, kept) = *more;
            *more = moved;
        }
    }
    unanswered->frames_len = kept + 1;
}

void
vg_unanswered_rewind(struct vg_unanswered *unanswered)
{
    unanswered->sent_len = 0;
    unanswered->sent_bytes = 0;
    if (unanswered->frames_len > 0) {
        trim_oldest(unanswered);
        join_frames(unanswered);
    }
}

// ---- questions ----

size_t
vg_unanswered_count(const struct vg_unanswered *unanswered)
{
    return (size_t)(unanswered->next - 1 - unanswered->answered);
}

uint64_t
vg_unanswered_in_flight(const struct vg_unanswered *unanswered)
{
    if (unanswered->sent_len == 0) {
        return 0;
    }
    return last_number_of(frame_at(unanswered, unanswered->sent_len - 1)) -
           unanswered->answered;
}
