// SPDX-License-Identifier: EUPL-1.2
// arena.h - memory for one decoded message, with a hard end.
//
// A frame of 64 KB can ask protobuf-c for 84 times its size in objects; only an allocator
// that says no stops that. protobuf-c undoes a refused allocation cleanly and gives no
// message. Nothing is freed singly: never call a *__free_unpacked on such a message,
// arena_reset forgets them all.
#ifndef WIRE_ARENA_H
#define WIRE_ARENA_H

#include <protobuf-c/protobuf-c.h>

#include "base/base.h"

enum { ARENA_ALIGNMENT = 16 };

struct arena {
    uint8_t *at;
    size_t size;
    size_t used;
};

// arena_init gives the arena its memory.
//
// Keeps: memory, aligned to ARENA_ALIGNMENT, which remains the caller's.
void arena_init(struct arena *arena, void *memory, size_t size);

// arena_alloc lends len bytes until arena_reset; NULL when the arena is full.
void *arena_alloc(struct arena *arena, size_t len);

// arena_reset forgets everything that was lent.
void arena_reset(struct arena *arena);

// arena_allocator gives what protobuf-c's unpack functions ask for.
//
// Keeps: arena.
ProtobufCAllocator arena_allocator(struct arena *arena);

#endif
