// SPDX-License-Identifier: EUPL-1.2
#include "wire/arena.h"

void
arena_init(struct arena *arena, void *memory, size_t size)
{
    CHECK((uintptr_t)memory % ARENA_ALIGNMENT == 0);
    *arena = (struct arena){.at = memory, .size = size};
}

void *
arena_alloc(struct arena *arena, size_t len)
{
    size_t room = arena->size - arena->used;
    size_t padding = -len % ARENA_ALIGNMENT;
    uint8_t *at;

    if (len > room || padding > room - len) {
        return NULL;
    }
    at = arena->at + arena->used;
    arena->used += len + padding;
    return at;
}

void
arena_reset(struct arena *arena)
{
    arena->used = 0;
}

static void *
alloc_for_protobuf(void *arg, size_t len)
{
    return arena_alloc(arg, len);
}

// The whole arena is forgotten at once.
static void
free_for_protobuf(void *arg, void *pointer)
{
    (void)arg;
    (void)pointer;
}

ProtobufCAllocator
arena_allocator(struct arena *arena)
{
    return (ProtobufCAllocator){
        .alloc = alloc_for_protobuf,
        .free = free_for_protobuf,
        .allocator_data = arena,
    };
}
