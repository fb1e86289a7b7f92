// SPDX-License-Identifier: EUPL-1.2
// Goal: what a commit brings back reaches everybody it concerns, a revoked key's sessions
// end at once, after a commit of unknown outcome nobody is answered, and what a refused
// acknowledgement named comes again.
// Method: a real broker on loopback; the store's file is made unwritable under it.
#include "edge/answers.h"

#include "world.h"

#include <signal.h>
#include <sys/resource.h>

static void
the_loop_knows_a_new_institution_and_its_key(void **state)
{
    struct world *world = *state;
    uint32_t id = world_institution(world, "CPAS-3", SECTOR_CPAS);
    struct peer peer;
    struct key_pair key;

    assert_non_null(roster_mailbox(world->broker->roster, id));
    assert_int_equal(zmq_curve_keypair(key.public_text, key.secret_text), 0);
    world_key(world, COMMAND_ADD_KEY, &key, id, ROLE_MEMBER);
    peer = peer_enter(world, world->broker->members, &key);
    peer_subscribe(&peer, 0, 10);
    peer_expect(&peer, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_close(&peer);
}

static void
a_revoked_key_is_cut_off_at_once(void **state)
{
    struct world *world = *state;
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct peer other = peer_enter(world, world->broker->members, &world->neighbour);
    uint64_t refused = metrics.handshakes_refused;

    peer_subscribe(&member, 0, 10);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    world_key(world, COMMAND_REVOKE_KEY, &world->member, 0, 0);
    assert_int_equal(world_sessions(world), 1);
    assert_null(lanes_find(world->broker->lanes, world->cpas_1)->session);
    // Its ZeroMQ tries again and is told that it need not.
    WORLD_UNTIL(world, metrics.handshakes_refused > refused);
    peer_heartbeat(&other, 1);
    peer_expect(&other, VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT);
    peer_close(&member);
    peer_close(&other);
}

static void
counts_what_was_done(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    uint64_t commits = metrics.commits;

    peer_publish(&source, 1, 2); // nobody follows him yet
    peer_expect_published(&source, 2);
    world_integrate(world, world->cpas_1);
    peer_publish(&source, 2, 3); // one of them again
    peer_expect_published(&source, 4);
    assert_int_equal(metrics.mutations, 4);
    assert_int_equal(metrics.unmatched, 2);
    assert_int_equal(metrics.matched, 2);
    assert_int_equal(metrics.repeated, 1);
    assert_int_equal(metrics.notifications, 2);
    assert_true(metrics.commits >= commits + 3);
    assert_true(metrics.written_bytes > 0);
    assert_true(metrics.commit_us > 0);
    assert_int_equal(world->broker->proposed, 0);
    assert_int_equal(lanes_find(world->broker->lanes, world->cpas_1)->last, 2);
    peer_close(&source);
}

// The next start has to read what was not folded.
static void
folds_many_letters_without_waiting_for_the_second(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);

    world_integrate(world, world->cpas_1);
    assert_int_equal(event_del(world->broker->second), 0);
    peer_publish(&source, 1, 1);
    peer_expect_published(&source, 1);
    assert_int_equal(world->broker->unfolded, 1);
    assert_int_equal(world_row(world, world->cpas_1).folded, 0);
    world->broker->unfolded = LETTERS_UNFOLDED_MAX - 1;
    peer_publish(&source, 2, 1);
    peer_expect_published(&source, 2);
    WORLD_UNTIL(world, world->broker->unfolded == 0);
    assert_int_equal(world_row(world, world->cpas_1).folded, 2);
    peer_close(&source);
}

// A file that may not grow makes the commit's write fail, as a broken disk does.
static void
answers_nobody_after_a_commit_of_unknown_outcome(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct rlimit before;
    struct rlimit tiny;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tiny = before;
    tiny.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    log_set_level(LOG_ERROR);
    peer_publish(&source, 1, 1);
    WORLD_UNTIL(world, world->broker->fatal);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(world->broker->exit_code, BROKER_EXIT_UNKNOWN);
    peer_heartbeat(&source, 1);
    peer_expect(&source, VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT); // and no Published
    peer_close(&source);

    world_stop(world); // a new process finds the store sound, and the number free
    world_start(world);
    assert_int_equal(world_last_number(world, 1), 0);
    source = peer_enter(world, world->broker->sources, &world->source);
    peer_publish(&source, 1, 1);
    peer_expect_published(&source, 1);
    peer_close(&source);
}

// `len` numbers alone, two apart.
static void
acknowledge_alone(struct peer *peer, uint64_t first, uint32_t len)
{
    struct hot_acknowledge acknowledge = {.also_len = len};
    uint8_t frame[HOT_HEAD_MAX + 9 * HOT_ALSO_MAX];

    for (uint32_t i = 0; i < len; i++) {
        acknowledge.also[i] = first + 2 * i;
    }
    peer_send_bytes(peer, frame,
                    (size_t)(hot_write_acknowledge(frame, &acknowledge) - frame));
}

// What it had freed in the loop alone must not be passed over by the next session.
static void
an_acknowledgement_refused_for_good_ends_the_opening(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    const uint64_t letters = 2 * RANGES_MAX + 10;

    world_integrate(world, world->cpas_1);
    for (uint64_t n = 0; n < letters; n += 670) {
        peer_publish(&source, n + 1, letters - n < 670 ? letters - n : 670);
        peer_expect_published(&source, letters - n < 670 ? letters : n + 670);
    }
    peer_subscribe(&member, 0, 10000);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    (void)peer_take(&member, 0, letters);
    acknowledge_alone(&member, 2, RANGES_MAX / 2);
    acknowledge_alone(&member, 2 + RANGES_MAX, RANGES_MAX / 2);
    acknowledge_alone(&member, 2 + 2 * RANGES_MAX, 1); // one gap more than there may be
    peer_expect_refused(&member, VG_TOO_MANY);
    peer_acknowledge(&member, 0, letters);
    peer_expect_refused(&member, VG_NOT_FOUND);
    assert_int_equal(lanes_find(world->broker->lanes, world->cpas_1)->mark, 0);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 0);

    peer_subscribe(&member, 0, 1);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED); // 2 has left
    assert_int_equal(peer_take(&member, 0, 1), 1);
    peer_close(&source);
    peer_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(the_loop_knows_a_new_institution_and_its_key),
        IN_A_WORLD(a_revoked_key_is_cut_off_at_once),
        IN_A_WORLD(counts_what_was_done),
        IN_A_WORLD(folds_many_letters_without_waiting_for_the_second),
        IN_A_WORLD(answers_nobody_after_a_commit_of_unknown_outcome),
        IN_A_WORLD(an_acknowledgement_refused_for_good_ends_the_opening),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
