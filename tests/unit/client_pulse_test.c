// SPDX-License-Identifier: EUPL-1.2
// Goal: a heartbeat is sent when nothing goes out and when nothing comes back; only one that
// stays unanswered gives the other side up, and not before it had time to answer.
// Method: moments by hand, a heartbeat every hundred milliseconds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "clock.h"
#include "pulse.h"

static void
one_is_due_when_nothing_was_sent(void **state)
{
    struct vg_pulse pulse = {.heartbeat_ms = 100, .sent_at = 1000, .received_at = 1090};

    (void)state;
    assert_int_equal(vg_pulse_due_at(&pulse), 1100);
    pulse.sent_at = 1050;
    assert_int_equal(vg_pulse_due_at(&pulse), 1150);
}

static void
one_is_due_when_nothing_comes_back_however_much_is_sent(void **state)
{
    struct vg_pulse pulse = {.heartbeat_ms = 100, .sent_at = 1190, .received_at = 1000};

    (void)state;
    assert_int_equal(vg_pulse_due_at(&pulse), 1100);
    pulse.heartbeat_at = 1100; // and another one after a while
    assert_int_equal(vg_pulse_due_at(&pulse), 1200);
}

static void
silence_is_what_a_heartbeat_gets(void **state)
{
    struct vg_pulse pulse = {.heartbeat_ms = 100, .sent_at = 1000, .received_at = 1000};

    (void)state;
    assert_true(vg_pulse_silent_at(&pulse) == VG_NEVER); // nothing was asked
    pulse.probed_at = 1100;
    assert_int_equal(vg_pulse_silent_at(&pulse), 1300);
    vg_pulse_received(&pulse, 1200);
    assert_int_equal(pulse.received_at, 1200);
    assert_true(vg_pulse_silent_at(&pulse) == VG_NEVER);
}

// Whoever was away for an hour asks first, and gives time to answer.
static void
an_hour_away_is_no_silence(void **state)
{
    struct vg_pulse pulse = {.heartbeat_ms = 100, .received_at = 1000};

    (void)state;
    pulse.probed_at = 3600 * 1000;
    assert_int_equal(vg_pulse_silent_at(&pulse), 3600 * 1000 + 200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_due_when_nothing_was_sent),
        cmocka_unit_test(one_is_due_when_nothing_comes_back_however_much_is_sent),
        cmocka_unit_test(silence_is_what_a_heartbeat_gets),
        cmocka_unit_test(an_hour_away_is_no_silence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
