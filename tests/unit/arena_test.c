// SPDX-License-Identifier: EUPL-1.2
// Goal: decoding never takes more memory than it was given, and never leaves it.
// Method: an arena in the middle of marked bytes; one call at a time, then protobuf-c on
// a frame that wants far more than its own size.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vigie/v1/vigie.pb-c.h"
#include "wire/arena.h"

enum { SIZE = 4096, GUARD = 64, MARK = 0xa5 };

static _Alignas(ARENA_ALIGNMENT) uint8_t memory[GUARD + SIZE + GUARD];

static struct arena
fresh_arena(size_t size)
{
    struct arena arena;

    memset(memory, MARK, sizeof(memory));
    arena_init(&arena, memory + GUARD, size);
    return arena;
}

static void
assert_marks_are_whole(size_t size)
{
    for (size_t i = 0; i < GUARD; i++) {
        assert_int_equal(memory[i], MARK);
        assert_int_equal(memory[GUARD + size + i], MARK);
    }
}

static void
lends_aligned_pieces_that_do_not_overlap(void **state)
{
    struct arena arena = fresh_arena(SIZE);
    uint8_t *last_end = memory + GUARD;

    (void)state;
    for (size_t len = 0; len < 80; len++) {
        uint8_t *piece = arena_alloc(&arena, len);

        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % ARENA_ALIGNMENT, 0);
        assert_true(piece >= last_end);
        memset(piece, 1, len);
        last_end = piece + len;
    }
    assert_true(last_end <= memory + GUARD + SIZE);
    assert_marks_are_whole(SIZE);
}

static void
gives_its_last_byte_and_then_no_more(void **state)
{
    struct arena arena = fresh_arena(SIZE);

    (void)state;
    assert_non_null(arena_alloc(&arena, SIZE - ARENA_ALIGNMENT));
    assert_null(arena_alloc(&arena, ARENA_ALIGNMENT + 1));
    assert_non_null(arena_alloc(&arena, ARENA_ALIGNMENT));
    assert_null(arena_alloc(&arena, 1));
}

// An odd size at the end may not be rounded up beyond it.
static void
does_not_round_beyond_its_end(void **state)
{
    struct arena arena = fresh_arena(20);

    (void)state;
    assert_non_null(arena_alloc(&arena, 1));
    assert_null(arena_alloc(&arena, 4));
    assert_marks_are_whole(20);
}

static void
refuses_lengths_that_wrap_around(void **state)
{
    struct arena arena = fresh_arena(SIZE);

    (void)state;
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - ARENA_ALIGNMENT + 1));
    assert_int_equal(arena.used, 0);
}

static void
is_whole_again_after_a_reset(void **state)
{
    struct arena arena = fresh_arena(SIZE);
    void *first = arena_alloc(&arena, SIZE);

    (void)state;
    assert_null(arena_alloc(&arena, 1));
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, SIZE), first);
}

static void
decodes_a_message_inside_itself(void **state)
{
    struct arena arena = fresh_arena(SIZE);
    ProtobufCAllocator allocator = arena_allocator(&arena);
    static const uint8_t frame[] = "\x0a\x07\x08\x01\x12\x03"
                                   "abc"; // Hello, version 1, client "abc"
    Vigie__V1__ToBroker *message =
        vigie__v1__to_broker__unpack(&allocator, sizeof(frame) - 1, frame);

    (void)state;
    assert_non_null(message);
    assert_in_range((uintptr_t)message, (uintptr_t)(memory + GUARD),
                    (uintptr_t)(memory + GUARD + SIZE));
    assert_int_equal(message->message_case, VIGIE__V1__TO_BROKER__MESSAGE_HELLO);
    assert_string_equal(message->hello->client, "abc");
    assert_marks_are_whole(SIZE);
}

// A Publish of empty mutations: two bytes of frame for some 200 of objects.
static void
stops_a_frame_that_asks_for_too_much(void **state)
{
    enum { MUTATIONS = 100 };
    uint8_t frame[3 + 2 * MUTATIONS] = {0x1a, 0xc8, 0x01};
    Vigie__V1__ToBroker *message;

    (void)state;
    for (size_t i = 0; i < MUTATIONS; i++) {
        frame[3 + 2 * i] = 0x1a;
    }
    for (size_t size = 0; size <= SIZE; size += 24) {
        struct arena arena = fresh_arena(size);
        ProtobufCAllocator allocator = arena_allocator(&arena);

        assert_null(vigie__v1__to_broker__unpack(&allocator, sizeof(frame), frame));
        assert_true(arena.used <= size);
        assert_marks_are_whole(size);
    }
    // The frame itself is good: with memory without end it is read.
    message = vigie__v1__to_broker__unpack(NULL, sizeof(frame), frame);
    assert_non_null(message);
    assert_int_equal(message->publish->n_mutations, MUTATIONS);
    vigie__v1__to_broker__free_unpacked(message, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lends_aligned_pieces_that_do_not_overlap),
        cmocka_unit_test(gives_its_last_byte_and_then_no_more),
        cmocka_unit_test(does_not_round_beyond_its_end),
        cmocka_unit_test(refuses_lengths_that_wrap_around),
        cmocka_unit_test(is_whole_again_after_a_reset),
        cmocka_unit_test(decodes_a_message_inside_itself),
        cmocka_unit_test(stops_a_frame_that_asks_for_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
