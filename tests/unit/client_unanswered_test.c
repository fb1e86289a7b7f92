// SPDX-License-Identifier: EUPL-1.2
// Goal: every mutation keeps its number and its bytes until it is answered, and travels in
// frames as full as they may be.
// Method: the queue alone; what lies in its frames is read back with the scanner.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unanswered.h"

static struct vg_unanswered
begun(uint64_t last_number, uint32_t mutations_max, size_t bytes_max)
{
    struct vg_unanswered unanswered = {.frame_mutations_max = mutations_max,
                                       .frame_bytes_max = bytes_max};

    vg_unanswered_begin(&unanswered, last_number);
    return unanswered;
}

// The number is in the mutation too, so that a mix-up shows.
static void
append(struct vg_unanswered *unanswered)
{
    static struct hot_mutation mutation;

    mutation.flow = (struct hot_bytes){(const uint8_t *)"notifyPerson", 12};
    mutation.niss = unanswered->next;
    assert_int_equal(
        vg_unanswered_append(unanswered, &mutation, hot_mutation_size(&mutation)), VG_OK);
}

static void
append_alone(struct vg_unanswered *unanswered)
{
    append(unanswered);
    vg_unanswered_close(unanswered);
}

static void
check_frame(const struct vg_frame *frame, uint64_t first, uint32_t len)
{
    struct hot_bytes rest = {frame->memory + HOT_HEAD_MAX, frame->len};
    struct hot_bytes bytes;
    struct hot_mutation mutation;

    assert_int_equal(frame->first_number, first);
    assert_int_equal(frame->mutations, len);
    for (uint32_t i = 0; i < len; i++) {
        assert_true(hot_next_mutation(&rest, &bytes));
        assert_int_equal(hot_read_mutation(bytes, &mutation), HOT_OK);
        assert_int_equal(mutation.niss, first + i);
    }
    assert_int_equal(rest.len, 0);
}

static void
send_all(struct vg_unanswered *unanswered)
{
    while (vg_unanswered_unsent(unanswered) != NULL) {
        vg_unanswered_sent(unanswered);
    }
}

static void
numbers_go_on_after_the_last_one(void **state)
{
    struct vg_unanswered unanswered = begun(41, 100, 100000);

    (void)state;
    append(&unanswered);
    append(&unanswered);
    assert_int_equal(unanswered.next, 44);
    assert_int_equal(vg_unanswered_count(&unanswered), 2);
    check_frame(vg_unanswered_unsent(&unanswered), 42, 2);
    vg_unanswered_end(&unanswered);
}

static void
a_full_frame_closes_itself(void **state)
{
    struct vg_unanswered unanswered = begun(0, 3, 100000);

    (void)state;
    append(&unanswered);
    append(&unanswered);
    assert_false(vg_unanswered_unsent(&unanswered)->closed);
    append(&unanswered);
    assert_true(vg_unanswered_unsent(&unanswered)->closed);
    append(&unanswered);
    assert_int_equal(unanswered.frames_len, 2);
    vg_unanswered_end(&unanswered);
}

static void
bytes_fill_a_frame_too(void **state)
{
    struct vg_unanswered unanswered = begun(0, 1000, 200);
    size_t frames = 0;
    uint64_t first = 1;

    (void)state;
    for (int i = 0; i < 100; i++) {
        append(&unanswered);
    }
    vg_unanswered_close(&unanswered);
    while (vg_unanswered_unsent(&unanswered) != NULL) {
        const struct vg_frame *frame = vg_unanswered_unsent(&unanswered);

        assert_true(frame->len + HOT_HEAD_MAX <= 200);
        check_frame(frame, first, frame->mutations);
        first += frame->mutations;
        frames++;
        vg_unanswered_sent(&unanswered);
    }
    assert_int_equal(first, 101);
    assert_true(frames > 10);
    vg_unanswered_end(&unanswered);
}

static void
what_can_never_fit_uses_no_number(void **state)
{
    struct vg_unanswered unanswered = begun(0, 1000, HOT_HEAD_MAX + 10);
    struct hot_mutation mutation = {.flow = {(const uint8_t *)"notifyPerson", 12}};

    (void)state;
    assert_int_equal(
        vg_unanswered_append(&unanswered, &mutation, hot_mutation_size(&mutation)),
        VG_TOO_LARGE);
    assert_int_equal(unanswered.next, 1);
    assert_int_equal(unanswered.frames_len, 0);
    vg_unanswered_end(&unanswered);
}

static void
an_answer_in_the_middle_of_a_frame_keeps_the_frame(void **state)
{
    struct vg_unanswered unanswered = begun(0, 4, 100000);

    (void)state;
    for (int i = 0; i < 8; i++) {
        append(&unanswered);
    }
    send_all(&unanswered);
    assert_int_equal(vg_unanswered_in_flight(&unanswered), 8);
    vg_unanswered_answer(&unanswered, 2);
    assert_int_equal(unanswered.frames_len, 2);
    assert_int_equal(vg_unanswered_in_flight(&unanswered), 6);
    vg_unanswered_answer(&unanswered, 4);
    assert_int_equal(unanswered.frames_len, 1);
    vg_unanswered_answer(&unanswered, 8);
    assert_int_equal(unanswered.frames_len, 0);
    assert_int_equal(unanswered.bytes, 0);
    assert_int_equal(unanswered.sent_bytes, 0);
    assert_int_equal(vg_unanswered_in_flight(&unanswered), 0);
    vg_unanswered_end(&unanswered);
}

static void
sent_again_without_what_was_answered(void **state)
{
    struct vg_unanswered unanswered = begun(0, 4, 100000);

    (void)state;
    for (int i = 0; i < 7; i++) {
        append(&unanswered);
    }
    vg_unanswered_close(&unanswered);
    send_all(&unanswered);
    vg_unanswered_answer(&unanswered, 3);
    vg_unanswered_rewind(&unanswered);
    // 4 of the first frame, 5 to 7 of the second: together they fit one.
    check_frame(vg_unanswered_unsent(&unanswered), 4, 4);
    assert_int_equal(unanswered.frames_len, 1);
    assert_int_equal(vg_unanswered_in_flight(&unanswered), 0);
    vg_unanswered_end(&unanswered);
}

static void
single_ones_are_sent_again_in_full_frames(void **state)
{
    struct vg_unanswered unanswered = begun(0, 10, 100000);

    (void)state;
    for (int i = 0; i < 95; i++) {
        append_alone(&unanswered);
    }
    send_all(&unanswered);
    assert_int_equal(unanswered.frames_len, 95);
    vg_unanswered_answer(&unanswered, 5);
    vg_unanswered_rewind(&unanswered);
    assert_int_equal(unanswered.frames_len, 9);
    for (uint64_t first = 6; first <= 95; first += 10) {
        check_frame(vg_unanswered_unsent(&unanswered), first, 10);
        vg_unanswered_sent(&unanswered);
    }
    vg_unanswered_answer(&unanswered, 95);
    assert_int_equal(unanswered.bytes, 0);
    vg_unanswered_end(&unanswered);
}

static void
a_late_answer_after_a_rewind_counts(void **state)
{
    struct vg_unanswered unanswered = begun(0, 2, 100000);

    (void)state;
    for (int i = 0; i < 6; i++) {
        append(&unanswered);
    }
    send_all(&unanswered);
    vg_unanswered_rewind(&unanswered);
    vg_unanswered_answer(&unanswered, 4);
    assert_int_equal(vg_unanswered_in_flight(&unanswered), 0);
    check_frame(vg_unanswered_unsent(&unanswered), 5, 2);
    vg_unanswered_sent(&unanswered);
    assert_int_equal(vg_unanswered_in_flight(&unanswered), 2);
    vg_unanswered_answer(&unanswered, 6);
    assert_int_equal(unanswered.bytes, 0);
    assert_int_equal(unanswered.sent_bytes, 0);
    vg_unanswered_end(&unanswered);
}

static void
the_ring_turns_and_grows(void **state)
{
    struct vg_unanswered unanswered = begun(0, 1, 100000);

    (void)state;
    for (uint64_t round = 0; round < 50; round++) {
        for (int i = 0; i < 7; i++) {
            append(&unanswered);
        }
        send_all(&unanswered);
        vg_unanswered_answer(&unanswered, unanswered.answered + 4);
        check_frame(&unanswered.frames[unanswered.oldest], unanswered.answered + 1, 1);
    }
    vg_unanswered_rewind(&unanswered);
    for (uint64_t number = unanswered.answered + 1; number < unanswered.next; number++) {
        check_frame(vg_unanswered_unsent(&unanswered), number, 1);
        vg_unanswered_sent(&unanswered);
    }
    vg_unanswered_end(&unanswered);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_go_on_after_the_last_one),
        cmocka_unit_test(a_full_frame_closes_itself),
        cmocka_unit_test(bytes_fill_a_frame_too),
        cmocka_unit_test(what_can_never_fit_uses_no_number),
        cmocka_unit_test(an_answer_in_the_middle_of_a_frame_keeps_the_frame),
        cmocka_unit_test(sent_again_without_what_was_answered),
        cmocka_unit_test(single_ones_are_sent_again_in_full_frames),
        cmocka_unit_test(a_late_answer_after_a_rewind_counts),
        cmocka_unit_test(the_ring_turns_and_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
