// SPDX-License-Identifier: EUPL-1.2
// Goal: a connection comes back by itself from everything but a word that is final, and
// tells the two apart; a link that has gone silent is noticed, an application that was busy
// is not mistaken for one.
// Method: a caller, the handle with the least of its own, against a broker of few words.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <cmocka.h>

#include "connection.h"
#include "fake_broker.h"

struct scene {
    struct fake_broker *broker;
    struct vg_connection *connection;
    struct vg_grant grant;
    int readies;
    int losts;
    int frames;
};

static void
on_ready(const struct vg_grant *grant, void *arg)
{
    struct scene *scene = arg;

    scene->grant = *grant;
    scene->readies++;
}

static void
on_lost(void *arg)
{
    struct scene *scene = arg;

    scene->losts++;
}

static bool
on_frame(uint32_t kind, struct hot_bytes frame, struct hot_bytes body, void *arg)
{
    struct scene *scene = arg;

    (void)kind;
    (void)frame;
    (void)body;
    scene->frames++;
    return true;
}

static void
on_work(int64_t now_ms, void *arg)
{
    (void)now_ms;
    (void)arg;
}

static int64_t
on_due(void *arg)
{
    (void)arg;
    return INT64_MAX;
}

static bool
on_goodbye(void *arg)
{
    (void)arg;
    return true;
}

static bool
was_ready_once(void *arg)
{
    const struct scene *scene = arg;

    return scene->readies >= 1;
}

static bool
was_ready_twice(void *arg)
{
    const struct scene *scene = arg;

    return scene->readies >= 2;
}

static struct scene *
begin(void)
{
    static struct scene scene;

    scene = (struct scene){.broker = fake_broker_start()};
    return &scene;
}

static enum vg_status
connect_to(struct scene *scene, const struct vg_address *address, struct vg_error *error)
{
    const struct vg_connection_owner owner = {on_ready, on_lost,    on_frame, on_work,
                                              on_due,   on_goodbye, scene};

    return vg_connection_open(address, &owner, &scene->connection, error);
}

static enum vg_status
meet(struct scene *scene, int timeout_ms, struct vg_error *error)
{
    assert_int_equal(connect_to(scene, fake_broker_address(scene->broker), error), VG_OK);
    return vg_connection_run(scene->connection, timeout_ms, was_ready_once, error);
}

static void
end(struct scene *scene)
{
    vg_connection_close(&scene->connection);
    fake_broker_stop(&scene->broker);
}

static void
set_heartbeat(struct scene *scene, uint32_t heartbeat_ms)
{
    struct fake_manners manners = fake_broker_manners(scene->broker);

    manners.heartbeat_ms = heartbeat_ms;
    fake_broker_set(scene->broker, &manners);
}

// ---- greeting ----

static void
hello_is_the_first_frame_and_names_the_program(void **state)
{
    struct scene *scene = begin();
    Vigie__V1__ToBroker *message;

    (void)state;
    assert_int_equal(meet(scene, FAKE_WAIT_MS, NULL), VG_OK);
    message = fake_broker_take(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_HELLO);
    assert_int_equal(message->hello->version, 1);
    assert_string_equal(message->hello->client, "test");
    assert_int_equal(scene->grant.window_messages, 1000);
    assert_int_equal(scene->grant.heartbeat_ms, 60 * 1000);
    assert_true(vg_connection_is_ready(scene->connection));
    vigie__v1__to_broker__free_unpacked(message, NULL);
    end(scene);
}

static void
no_welcome_is_a_timeout(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);
    struct vg_error error;

    (void)state;
    manners.mute = true;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(meet(scene, 100, &error), VG_TIMED_OUT);
    assert_int_equal(error.status, VG_TIMED_OUT);
    assert_non_null(strstr(error.sentence, "tcp://127.0.0.1:"));
    end(scene);
}

// The broker's own port once it is gone: free, and nobody listens.
static void
nobody_there_is_a_timeout_that_says_so(void **state)
{
    struct scene *scene = begin();
    struct vg_error error;

    (void)state;
    assert_int_equal(meet(scene, FAKE_WAIT_MS, &error), VG_OK);
    fake_broker_stop(&scene->broker);
    assert_int_equal(vg_connection_run(scene->connection, 1000, was_ready_twice, &error),
                     VG_TIMED_OUT);
    assert_non_null(strstr(error.sentence, "nobody listens"));
    vg_connection_close(&scene->connection);
}

static void
a_wrong_broker_key_is_a_timeout_that_says_so(void **state)
{
    struct scene *scene = begin();
    struct vg_address address = *fake_broker_address(scene->broker);
    struct vg_error error;

    (void)state;
    address.broker_public = address.own_public;
    assert_int_equal(connect_to(scene, &address, &error), VG_OK);
    assert_int_equal(vg_connection_run(scene->connection, 1000, was_ready_once, &error),
                     VG_TIMED_OUT);
    assert_non_null(strstr(error.sentence, "broker_public"));
    end(scene);
}

static void
what_is_no_address_is_refused_at_once(void **state)
{
    struct scene *scene = begin();
    struct vg_address address = *fake_broker_address(scene->broker);
    struct vg_error error;

    (void)state;
    address.endpoint = "127.0.0.1 port 7461";
    assert_int_equal(connect_to(scene, &address, &error), VG_MALFORMED);
    address = *fake_broker_address(scene->broker);
    address.own_secret = "short";
    assert_int_equal(connect_to(scene, &address, &error), VG_MALFORMED);
    address.own_secret = "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~"; // not Z85
    assert_int_equal(connect_to(scene, &address, &error), VG_MALFORMED);
    assert_null(scene->connection);
    end(scene);
}

// ---- final words ----

static void
zap_400_is_an_unknown_key(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);
    struct vg_error error;

    (void)state;
    manners.zap_status = 400;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(meet(scene, FAKE_WAIT_MS, &error), VG_KEY_UNKNOWN);
    assert_int_equal(error.status, VG_KEY_UNKNOWN);
    assert_int_equal(vg_connection_run(scene->connection, FAKE_WAIT_MS, NULL, &error),
                     VG_KEY_UNKNOWN);
    end(scene);
}

static void
zap_500_is_a_revoked_key_even_on_a_live_connection(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);
    struct vg_error error;

    (void)state;
    assert_int_equal(meet(scene, FAKE_WAIT_MS, &error), VG_OK);
    manners.zap_status = 500;
    fake_broker_set(scene->broker, &manners);
    fake_broker_drop(scene->broker);
    assert_int_equal(
        vg_connection_run(scene->connection, FAKE_WAIT_MS, was_ready_twice, &error),
        VG_KEY_REVOKED);
    assert_int_equal(vg_connection_fault(scene->connection)->status, VG_KEY_REVOKED);
    assert_int_equal(scene->losts, 1);
    end(scene);
}

static void
zap_300_is_only_later(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);

    (void)state;
    manners.zap_later = 2;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(meet(scene, FAKE_WAIT_MS, NULL), VG_OK);
    assert_int_equal(fake_broker_manners(scene->broker).zap_later, 0);
    end(scene);
}

static void
a_refused_hello_is_final_or_not_by_its_remedy(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);
    struct vg_error error;

    (void)state;
    manners.refuses = VG_DRAINING;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(meet(scene, 200, &error), VG_TIMED_OUT);
    assert_non_null(strstr(error.sentence, vg_status_sentence(VG_DRAINING)));
    manners.refuses = VG_WRONG_ROLE;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(
        vg_connection_run(scene->connection, FAKE_WAIT_MS, was_ready_once, &error),
        VG_WRONG_ROLE);
    end(scene);
}

// ---- alive ----

static void
comes_back_after_a_cut(void **state)
{
    struct scene *scene = begin();

    (void)state;
    assert_int_equal(meet(scene, FAKE_WAIT_MS, NULL), VG_OK);
    fake_broker_drop(scene->broker);
    assert_int_equal(
        vg_connection_run(scene->connection, FAKE_WAIT_MS, was_ready_twice, NULL), VG_OK);
    assert_int_equal(scene->losts, 1);
    end(scene);
}

static bool
second_heartbeat(void *arg)
{
    const struct scene *scene = arg;

    return fake_broker_seen(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_HEARTBEAT) >= 2;
}

static void
a_quiet_connection_beats(void **state)
{
    struct scene *scene = begin();

    (void)state;
    set_heartbeat(scene, 20);
    assert_int_equal(meet(scene, FAKE_WAIT_MS, NULL), VG_OK);
    assert_in_range(vg_connection_due_ms(scene->connection), 0, 20);
    while (!second_heartbeat(scene)) {
        (void)vg_connection_run(scene->connection, 5, NULL, NULL);
    }
    assert_int_equal(scene->readies, 1);
    end(scene);
}

static void
a_silent_broker_is_left(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);

    (void)state;
    manners.heartbeat_ms = 20;
    manners.ignores_heartbeats = true;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(meet(scene, FAKE_WAIT_MS, NULL), VG_OK);
    assert_int_equal(
        vg_connection_run(scene->connection, FAKE_WAIT_MS, was_ready_twice, NULL), VG_OK);
    assert_int_equal(scene->losts, 1);
    end(scene);
}

// The application was away for ten heartbeats: what is missing is its own turn.
static void
a_busy_application_does_not_lose_its_connection(void **state)
{
    struct scene *scene = begin();
    int turns = 0;

    (void)state;
    set_heartbeat(scene, 10);
    assert_int_equal(meet(scene, FAKE_WAIT_MS, NULL), VG_OK);
    for (; turns < 3; turns++) {
        (void)poll(NULL, 0, 100);
        (void)vg_connection_run(scene->connection, 0, NULL, NULL);
    }
    assert_int_equal(scene->losts, 0);
    assert_int_equal(scene->readies, 1);
    end(scene);
}

static bool
is_echoed(void *arg)
{
    const struct scene *scene = arg;

    return vg_connection_echoed(scene->connection, 1);
}

static void
a_probe_comes_back(void **state)
{
    struct scene *scene = begin();

    (void)state;
    assert_int_equal(meet(scene, FAKE_WAIT_MS, NULL), VG_OK);
    assert_int_equal(vg_connection_probe(scene->connection), 1);
    assert_false(vg_connection_echoed(scene->connection, 1));
    assert_int_equal(vg_connection_run(scene->connection, FAKE_WAIT_MS, is_echoed, NULL),
                     VG_OK);
    end(scene);
}

// ---- waiting ----

static void
on_signal(int number)
{
    (void)number;
}

static atomic_bool interrupted;

// Again and again: the first may come before the wait has begun.
static void *
send_signals(void *arg)
{
    pthread_t *waiting = arg;

    while (!atomic_load(&interrupted)) {
        (void)pthread_kill(*waiting, SIGUSR1);
        (void)poll(NULL, 0, 1);
    }
    return NULL;
}

static void
a_signal_interrupts_the_wait(void **state)
{
    struct scene *scene = begin();
    struct sigaction action = {.sa_handler = on_signal};
    pthread_t self = pthread_self();
    pthread_t sender;

    (void)state;
    assert_int_equal(meet(scene, FAKE_WAIT_MS, NULL), VG_OK);
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pthread_create(&sender, NULL, send_signals, &self), 0);
    assert_int_equal(vg_connection_run(scene->connection, FAKE_WAIT_MS, NULL, NULL),
                     VG_INTERRUPTED);
    atomic_store(&interrupted, true);
    assert_int_equal(pthread_join(sender, NULL), 0);
    end(scene);
}

static void
the_descriptor_wakes_a_foreign_loop(void **state)
{
    struct scene *scene = begin();

    (void)state;
    assert_int_equal(meet(scene, FAKE_WAIT_MS, NULL), VG_OK);
    for (int i = 1; i <= 200; i++) {
        struct pollfd fd = {vg_connection_fd(scene->connection), POLLIN, 0};

        fake_broker_deliver(scene->broker, 5, 1, 1, false);
        while (scene->frames < i) {
            int due_ms = vg_connection_due_ms(scene->connection);

            // The heartbeat is a minute away: nothing but the frame may wake us.
            assert_true(due_ms == 0 || due_ms > FAKE_WAIT_MS);
            assert_true(poll(&fd, 1, due_ms == 0 ? 0 : FAKE_WAIT_MS) > 0 || due_ms == 0);
            (void)vg_connection_run(scene->connection, 0, NULL, NULL);
        }
    }
    end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_the_first_frame_and_names_the_program),
        cmocka_unit_test(no_welcome_is_a_timeout),
        cmocka_unit_test(nobody_there_is_a_timeout_that_says_so),
        cmocka_unit_test(a_wrong_broker_key_is_a_timeout_that_says_so),
        cmocka_unit_test(what_is_no_address_is_refused_at_once),
        cmocka_unit_test(zap_400_is_an_unknown_key),
        cmocka_unit_test(zap_500_is_a_revoked_key_even_on_a_live_connection),
        cmocka_unit_test(zap_300_is_only_later),
        cmocka_unit_test(a_refused_hello_is_final_or_not_by_its_remedy),
        cmocka_unit_test(comes_back_after_a_cut),
        cmocka_unit_test(a_quiet_connection_beats),
        cmocka_unit_test(a_silent_broker_is_left),
        cmocka_unit_test(a_busy_application_does_not_lose_its_connection),
        cmocka_unit_test(a_probe_comes_back),
        cmocka_unit_test(a_signal_interrupts_the_wait),
        cmocka_unit_test(the_descriptor_wakes_a_foreign_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
