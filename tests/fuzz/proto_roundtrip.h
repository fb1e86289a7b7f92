// SPDX-License-Identifier: EUPL-1.2
// proto_roundtrip.h - any bytes as one message type of protobuf-c, in arenas of several
// sizes: never outside the arena, and what was read means the same once written.
#ifndef FUZZ_PROTO_ROUNDTRIP_H
#define FUZZ_PROTO_ROUNDTRIP_H

#include <stdlib.h>
#include <string.h>

#include "wire/arena.h"

enum { COUNTERS = 1 << 12 };

// Debian's protobuf-c is not instrumented. libFuzzer also follows these: one for each
// field of each message type and a rough size of what it holds.
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static inline void
count(const ProtobufCMessageDescriptor *type, unsigned field, size_t size)
{
    unsigned magnitude = size == 0 ? 0 : 64 - (unsigned)__builtin_clzll(size);
    size_t at = strlen(type->name);

    for (const char *letter = type->name; *letter != 0; letter++) {
        at = at * 31 + (unsigned char)*letter;
    }
    counters[(at * 97 + field * 13 + magnitude) % COUNTERS] = 1;
}

static inline size_t
size_of_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *at = (const char *)message + field->offset;
    const void *quantifier = (const char *)message + field->quantifier_offset;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return *(const size_t *)quantifier;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        return *(const uint32_t *)quantifier == field->id;
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return strlen(*(char *const *)at);
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(void *const *)at != NULL;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_UINT64:
        return *(const uint64_t *)at;
    default:
        return *(const uint32_t *)at;
    }
}

static inline const ProtobufCMessage *
inner_message(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
              size_t index)
{
    const void *at = (const char *)message + field->offset;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return (*(ProtobufCMessage * *const *)at)[index];
    }
    return *(ProtobufCMessage *const *)at;
}

// visit reads all of a message and says whether protobuf-c would read it again: it lets
// the field number 0 in when that is written long, and writes it short.
static inline bool
visit(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    bool readable = true;

    CHECK(protobuf_c_message_check(message));
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        readable = readable && message->unknown_fields[i].tag != 0;
        count(type, 100u + message->unknown_fields[i].wire_type, 0);
    }
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        size_t size = size_of_field(message, field);

        count(type, field->id, size);
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
            continue;
        }
        for (size_t j = 0; j < size; j++) {
            readable = visit(inner_message(message, field, j)) && readable;
        }
    }
    return readable;
}

// A whole allocation of the arena's size: the sanitizer watches its end.
static inline ProtobufCMessage *
unpack_in(struct arena *arena, size_t size, const ProtobufCMessageDescriptor *type,
          const uint8_t *at, size_t len)
{
    void *memory = malloc(size > 0 ? size : 1);
    ProtobufCAllocator allocator;

    CHECK(memory != NULL);
    arena_init(arena, memory, size);
    allocator = arena_allocator(arena);

    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, len, at);

    CHECK(arena->used <= size);
    CHECK(message == NULL || (uint8_t *)message == arena->at);
    return message;
}

static inline void
check_written_again(const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *first = malloc(len + 1);
    uint8_t *second = malloc(len + 1);

    CHECK(first != NULL && second != NULL);
    CHECK(protobuf_c_message_pack(message, first) == len);

    ProtobufCMessage *again =
        protobuf_c_message_unpack(message->descriptor, NULL, len, first);

    CHECK(again != NULL);
    CHECK(protobuf_c_message_get_packed_size(again) == len);
    CHECK(protobuf_c_message_pack(again, second) == len);
    CHECK(memcmp(first, second, len) == 0);
    protobuf_c_message_free_unpacked(again, NULL);
    free(first);
    free(second);
}

// Three arenas end somewhere inside; the last one is ample (84 times was the worst seen).
static inline void
check_roundtrip(const ProtobufCMessageDescriptor *type, const uint8_t *at, size_t len)
{
    const size_t sizes[] = {len / 2, 2 * len, 8 * len + 64, 128 * len + 4096};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct arena arena;
        ProtobufCMessage *message = unpack_in(&arena, sizes[i], type, at, len);

        if (message != NULL && visit(message)) {
            check_written_again(message);
        }
        free(arena.at);
    }
}

#endif
