// SPDX-License-Identifier: EUPL-1.2
// Goal: walks over the directory are answered beside the loop's work, each once; one that is
// given up is not, and too many are refused.
// Method: a real broker on loopback, driven turn by turn; walks begun from the inside.
#include "edge/walks.h"

#include "world.h"

static unsigned answered[WALKS_MAX];
static uint64_t integrations;

static void
note(struct broker *broker, struct walk *walk)
{
    size_t len = 0;
    const struct holdings_sum *sums = holdings_sums(walk->holdings, &len);

    assert_int_equal(walk->status, VG_OK);
    answered[walk->request]++;
    for (size_t i = 0; i < len; i++) {
        integrations += sums[i].digest.count;
    }
    walk_end(broker, &walk);
}

static unsigned slices;

static bool
count_slice(struct walk *walk)
{
    assert_non_null(walk->holdings);
    slices++;
    return true;
}

static struct walk *
begin(struct world *world, uint64_t number)
{
    struct holdings_question question = {.institutions = {world->cpas_1},
                                         .institutions_len = 1,
                                         .since = DAY_EVER,
                                         .through = {UINT64_MAX}};

    return walks_begin(
        world->broker,
        &(struct walk){.request = number, .done = note, .goes_on = count_slice},
        &question);
}

static int
open_world(void **state)
{
    memset(answered, 0, sizeof answered);
    integrations = 0;
    slices = 0;
    return world_open(state);
}

static void
each_is_answered_once(void **state)
{
    struct world *world = *state;

    world_integrate(world, world->cpas_1);
    for (uint64_t i = 0; i < 3; i++) {
        assert_non_null(begin(world, i));
    }
    assert_int_equal(world->broker->walks.len, 3);
    WORLD_UNTIL(world, world->broker->walks.len == 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(answered[i], 1);
    }
    assert_int_equal(integrations, 3);
    assert_int_equal(slices, 3); // one each: there are few persons
}

static void
one_that_is_given_up_is_not(void **state)
{
    struct world *world = *state;
    struct walk *first = begin(world, 0), *second = begin(world, 1);

    assert_non_null(begin(world, 2));
    walk_end(world->broker, &second);
    WORLD_UNTIL(world, world->broker->walks.len == 0);
    assert_true(first != NULL && answered[0] == 1 && answered[1] == 0 &&
                answered[2] == 1);
}

static void
too_many_are_refused_and_a_broker_that_ends_waits_for_none(void **state)
{
    struct world *world = *state;

    for (uint64_t i = 0; i < WALKS_MAX; i++) {
        assert_non_null(begin(world, i));
    }
    assert_null(begin(world, 0));
    walks_go_on(world->broker); // one is done
    assert_non_null(begin(world, 0));
    broker_drain(world->broker);
    walks_go_on(world->broker);
    assert_int_equal(world->broker->walks.len, WALKS_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, world_close)
        IN_A_WORLD(each_is_answered_once),
        IN_A_WORLD(one_that_is_given_up_is_not),
        IN_A_WORLD(too_many_are_refused_and_a_broker_that_ends_waits_for_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
