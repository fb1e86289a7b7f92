// SPDX-License-Identifier: EUPL-1.2
// Goal: damage is found without anybody asking, and the thread ends when it is told to.
// Method: a small store, damaged or not; the test waits for the pass, at a rate that makes it
// one piece or many.
#include "edge/scrubber.h"

#include "flow_fixture.h"

#include "edge/clock.h"
#include "store/store_internal.h"

#include "../damage_file.h"

enum { PATIENCE_MS = 20 * 1000, FAST = 64 << 20 };

static int
begin(void **state)
{
    struct flow_fixture *f = flow_begin();
    struct hot_mutation mutations[20];

    flow_furnish(f);
    flow_follow(f, CPAS_A, 1, 2);
    for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
        mutations[i] = flow_address(1);
    }
    flow_publish(f, RN, 1, 1, mutations, ARRAY_LEN(mutations));
    flow_apply(f);
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    *state = f;
    return 0;
}

static int
end(void **state)
{
    flow_end(*state);
    return 0;
}

static struct scrubber *
start(struct flow_fixture *f, uint64_t rate)
{
    struct scrubber *scrubber = NULL;

    store_abort(&f->view);
    assert_int_equal(scrubber_start(f->store, rate, &scrubber, &f->why), VG_OK);
    return scrubber;
}

static struct scrubber_state
await_pass(struct scrubber *scrubber)
{
    int64_t until_ms = clock_ms() + PATIENCE_MS;
    struct scrubber_state state;

    do {
        state = scrubber_state(scrubber);
    } while (state.passes == 0 && clock_ms() < until_ms);
    assert_int_equal(state.passes, 1);
    return state;
}

static void
a_pass_over_a_sound_store_ends_without_findings(void **state)
{
    struct flow_fixture *f = *state;
    struct scrubber *scrubber = start(f, FAST);
    struct scrubber_state done = await_pass(scrubber);
    struct scrub_finding finding;

    assert_true(done.bytes > 0);
    assert_true(done.last_ended_us > 0);
    assert_int_equal(done.stage, SCRUB_DONE);
    assert_false(scrubber_take(scrubber, &finding));
    scrubber_stop(&scrubber);
    assert_null(scrubber);
    scrubber_stop(&scrubber);
}

static void
findings_come_in_order_and_once(void **state)
{
    struct flow_fixture *f = *state;
    struct key block = key_of_u64(1);
    struct scrub_finding finding;
    struct scrubber *scrubber;

    damage_row(f, TABLE_BODIES, &block);
    scrubber = start(f, FAST);
    await_pass(scrubber);
    assert_true(scrubber_take(scrubber, &finding));
    assert_int_equal(finding.block, 1);
    assert_true(scrubber_take(scrubber, &finding));
    assert_int_equal(finding.mailbox.number, CPAS_A);
    assert_int_equal(finding.number, 1);
    assert_false(scrubber_take(scrubber, &finding));
    scrubber_stop(&scrubber);
}

// At this rate a pass would take an hour.
static void
it_is_as_slow_as_it_is_told_and_stops_at_once(void **state)
{
    struct flow_fixture *f = *state;
    struct scrubber *scrubber = start(f, 1);
    int64_t until_ms = clock_ms() + PATIENCE_MS;
    struct scrubber_state state_now;

    do {
        state_now = scrubber_state(scrubber);
    } while (state_now.bytes == 0 && clock_ms() < until_ms);
    assert_true(state_now.bytes > 0);
    assert_int_equal(state_now.passes, 0);
    until_ms = clock_ms();
    scrubber_stop(&scrubber);
    assert_true(clock_ms() - until_ms < PATIENCE_MS / 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pass_over_a_sound_store_ends_without_findings,
                                        begin, end),
        cmocka_unit_test_setup_teardown(findings_come_in_order_and_once, begin, end),
        cmocka_unit_test_setup_teardown(it_is_as_slow_as_it_is_told_and_stops_at_once,
                                        begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
