// SPDX-License-Identifier: EUPL-1.2
// Goal: the quiet are spoken to, the silent are ended, a full store is told to the sources
// and its recovery too, and the fold runs when there is something to fold.
// Method: a real broker on loopback; the time is told, not waited for; the quota is moved.
#include "edge/watch.h"

#include "edge/block.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "store/lmdb_calls.h"
#include "world.h"

static void
speaks_to_the_quiet_and_ends_the_silent(void **state)
{
    struct world *world = *state;
    struct peer quiet = peer_enter(world, world->broker->members, &world->member);
    int64_t beat_ms = world->settings.heartbeat_ms;
    struct session *session = sessions_first(world->broker->sessions);
    Vigie__V1__ToClient *message;

    watch_sessions(world->broker, session->said_ms + beat_ms);
    message = peer_receive(&quiet, VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT);
    assert_int_equal(message->heartbeat->echo, 0);
    vigie__v1__to_client__free_unpacked(message, NULL);
    watch_sessions(world->broker, session->seen_ms + 3 * beat_ms);
    assert_int_equal(world_sessions(world), 1);
    watch_sessions(world->broker, session->seen_ms + 3 * beat_ms + 1);
    assert_int_equal(world_sessions(world), 0);
    peer_close(&quiet);
}

// Its ZeroMQ connects again by itself: it was cut, not only forgotten.
static void
a_session_that_is_ended_is_cut_off(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->members, &world->member);
    uint64_t accepted = metrics.handshakes_accepted;

    watch_sessions(world->broker, clock_ms() + 1000 * 1000);
    assert_int_equal(world_sessions(world), 0);
    WORLD_UNTIL(world, metrics.handshakes_accepted > accepted);
    peer_close(&peer);
}

static void
ends_one_who_takes_nothing(void **state)
{
    struct world *world = *state;
    struct peer peer = peer_enter(world, world->broker->members, &world->member);
    struct session *session = sessions_first(world->broker->sessions);
    int64_t now_ms = clock_ms();

    assert_true(session_keep_frame(session, bytes_of("x")));
    session->stalled_ms = now_ms;
    session->seen_ms = now_ms + 30 * 1000;
    session->said_ms = now_ms + 30 * 1000;
    watch_sessions(world->broker, now_ms + 30 * 1000);
    assert_int_equal(world_sessions(world), 1);
    watch_sessions(world->broker, now_ms + 30 * 1000 + 1);
    assert_int_equal(world_sessions(world), 0);
    peer_close(&peer);
}

static void
room_is_short_until_a_twentieth_is_free_again(void **state)
{
    struct store_room room = {
        .used_bytes = 999, .quota_bytes = 1000, .disk_free_bytes = 1000};
    (void)state;

    assert_false(room_is_short(&room, 500, false));
    room.used_bytes = 1000;
    assert_true(room_is_short(&room, 500, false));
    room.used_bytes = 950;
    assert_true(room_is_short(&room, 500, true));
    room.used_bytes = 949;
    assert_false(room_is_short(&room, 500, true));
    room.disk_free_bytes = 499;
    assert_true(room_is_short(&room, 500, false));
    room.disk_free_bytes = 524;
    assert_true(room_is_short(&room, 500, true));
    room.disk_free_bytes = 525;
    assert_false(room_is_short(&room, 500, true));
}

static void
tells_sources_that_there_is_no_room_and_when_there_is(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer late;
    Vigie__V1__ToClient *message;

    world->settings.disk_reserve_bytes = UINT64_MAX / 2; // no disk has that
    watch_room(world->broker);
    message = peer_receive(&source, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    assert_int_equal(message->blocked->fault->status, VG_STORE_FULL);
    vigie__v1__to_client__free_unpacked(message, NULL);
    peer_publish(&source, 1, 1);
    message = peer_receive(&source, VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED);
    assert_int_equal(message->published->through, 0);
    assert_int_equal(message->published->results[0]->fault->status, VG_STORE_FULL);
    vigie__v1__to_client__free_unpacked(message, NULL);
    assert_int_equal(world_last_number(world, 1), 0);
    late = peer_enter(world, world->broker->sources, &world->source);
    peer_expect(&late, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);

    world->settings.disk_reserve_bytes = 0;
    watch_room(world->broker);
    peer_expect(&source, VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED);
    peer_expect(&late, VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED);
    peer_publish(&source, 1, 1);
    peer_expect_published(&source, 1);
    assert_int_equal(world_last_number(world, 1), 1);
    peer_close(&source);
    peer_close(&late);
}

// A disk that hangs when told to: commits wait until the test lets them go. It is there
// from the start, since the writer may not be told of another one while it runs.
static atomic_bool disk_hangs;
static sem_t disk_goes_on;

static int
hanging_commit(MDB_txn *txn)
{
    while (atomic_load(&disk_hangs) && sem_wait(&disk_goes_on) != 0) {
    }
    return mdb_txn_commit(txn);
}

static int
open_on_a_disk_that_hangs(void **state)
{
    static struct lmdb_calls calls;

    calls = lmdb_own_calls;
    calls.txn_commit = hanging_commit;
    store_use_calls(&calls);
    return world_open_hurried(state);
}

static int
close_on_a_disk_that_hangs(void **state)
{
    int rc = world_close(state);

    store_use_calls(NULL);
    return rc;
}

static void
a_hung_disk_is_told_and_its_end_too(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct why why;
    struct peer late;
    uint64_t slow = metrics.slow_commits;
    Vigie__V1__ToClient *message;

    assert_int_equal(sem_init(&disk_goes_on, 0, 0), 0);
    world->settings.disk_slow_ms = 50;
    atomic_store(&disk_hangs, true);
    peer_publish(&source, 1, 1);
    message = peer_receive(&source, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    assert_int_equal(message->blocked->fault->status, VG_BUSY);
    assert_non_null(strstr(message->blocked->fault->sentence, "the disk has not"));
    vigie__v1__to_client__free_unpacked(message, NULL);
    assert_int_equal(metrics.slow_commits, slow + 1);
    assert_true(metrics.commit_age_ms >= 50);
    assert_int_equal(block_status(world->broker, &why), VG_BUSY);
    late = peer_enter(world, world->broker->sources, &world->source); // the loop turns
    peer_expect(&late, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    assert_int_equal(metrics.slow_commits, slow + 1); // once for this one

    world->settings.disk_slow_ms = WORLD_PATIENCE_MS; // the next commits may take theirs
    atomic_store(&disk_hangs, false);
    assert_int_equal(sem_post(&disk_goes_on), 0);
    peer_expect_published(&source, 1);
    peer_expect(&source, VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED);
    assert_int_equal(block_status(world->broker, &why), VG_OK);
    WORLD_UNTIL(world, metrics.commit_age_ms == 0);
    assert_true(metrics.commit_us_max >= 50 * 1000);
    peer_close(&late);
    assert_int_equal(world_last_number(world, 1), 1);
    peer_close(&source);
    sem_destroy(&disk_goes_on);
}

static void
folds_what_was_posted_and_then_rests(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);

    world_integrate(world, world->cpas_1);
    peer_publish(&source, 1, 3);
    peer_expect_published(&source, 3);
    // The timer alone brings it.
    WORLD_UNTIL(world, world_row(world, world->cpas_1).folded == 3);
    WORLD_UNTIL(world, !world->broker->fold_proposed && !world->broker->fold_wanted);
    assert_int_equal(tails_bytes(world->broker->tails), 0);

    uint64_t commands = metrics.commands;
    size_t proposed = world->broker->proposed; // other timers may have been quicker

    watch_fold(world->broker);
    assert_int_equal(world->broker->proposed, proposed);
    assert_int_equal(metrics.commands, commands);
    peer_close(&source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test)                                                                 \
    cmocka_unit_test_setup_teardown(test, world_open_hurried, world_close)
        IN_A_WORLD(speaks_to_the_quiet_and_ends_the_silent),
        IN_A_WORLD(a_session_that_is_ended_is_cut_off),
        IN_A_WORLD(ends_one_who_takes_nothing),
        cmocka_unit_test(room_is_short_until_a_twentieth_is_free_again),
        IN_A_WORLD(tells_sources_that_there_is_no_room_and_when_there_is),
        cmocka_unit_test_setup_teardown(a_hung_disk_is_told_and_its_end_too,
                                        open_on_a_disk_that_hangs,
                                        close_on_a_disk_that_hangs),
        IN_A_WORLD(folds_what_was_posted_and_then_rests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
