// SPDX-License-Identifier: EUPL-1.2
// Goal: each mutation ends exactly once, in order, and only by an answer that is final;
// whatever the broker or the link do meanwhile, it is sent again under its number.
// Method: a publisher against a broker of few words; the test gives the answers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <string.h>
#include <cmocka.h>

#include "fake_broker.h"

enum { HEARD_MAX = 4096 };

struct heard {
    size_t len;
    uint64_t numbers[HEARD_MAX];
    enum vg_status statuses[HEARD_MAX];
    uint64_t tickets[HEARD_MAX];
};

struct scene {
    struct fake_broker *broker;
    struct vg_publisher *publisher;
    struct heard heard;
};

static void
hear(uint64_t number, enum vg_status status, uint64_t ticket, const char *sentence,
     void *arg)
{
    struct heard *heard = arg;

    assert_true(heard->len < HEARD_MAX);
    assert_non_null(sentence);
    assert_true(strlen(sentence) > 0);
    heard->numbers[heard->len] = number;
    heard->statuses[heard->len] = status;
    heard->tickets[heard->len] = ticket;
    heard->len++;
}

static void
check_heard(const struct scene *scene, size_t index, uint64_t number,
            enum vg_status status, uint64_t ticket)
{
    assert_true(index < scene->heard.len);
    assert_int_equal(scene->heard.numbers[index], number);
    assert_int_equal(scene->heard.statuses[index], status);
    assert_int_equal(scene->heard.tickets[index], ticket);
}

// ---- the scene ----

static void
open_publisher(struct scene *scene, uint32_t batch_max)
{
    struct vg_publisher_options options = {
        .producer = 1, .batch_max = batch_max, .outcome = hear, .arg = &scene->heard};

    assert_int_equal(vg_publisher_open(fake_broker_address(scene->broker), &options,
                                       FAKE_WAIT_MS, &scene->publisher, NULL),
                     VG_OK);
}

static struct scene *
begin(void)
{
    static struct scene scene;

    scene = (struct scene){.broker = fake_broker_start()};
    return &scene;
}

static struct scene *
begin_open(uint32_t batch_max)
{
    struct scene *scene = begin();

    open_publisher(scene, batch_max);
    return scene;
}

static void
end(struct scene *scene)
{
    vg_publisher_close(&scene->publisher);
    fake_broker_stop(&scene->broker);
}

static struct vg_bytes
text(const char *at)
{
    return (struct vg_bytes){at, strlen(at)};
}

static struct vg_mutation
mutation(void)
{
    struct vg_mutation made = {.niss = UINT64_C(66641066692), .occurred = 20261120};

    made.flow = text("notifyPerson");
    made.fields_len = 1;
    made.fields[0] = (struct vg_field){text("020"), text("Brussel")};
    return made;
}

static enum vg_status
publish(struct scene *scene)
{
    struct vg_mutation made = mutation();

    return vg_publish(scene->publisher, &made, NULL, NULL);
}

static void
publish_many(struct scene *scene, int many)
{
    for (int i = 0; i < many; i++) {
        assert_int_equal(publish(scene), VG_OK);
    }
    assert_int_equal(vg_publisher_flush(scene->publisher), VG_OK);
}

static void
process_until_heard(struct scene *scene, size_t len)
{
    while (scene->heard.len < len) {
        assert_int_equal(vg_publisher_process(scene->publisher, FAKE_WAIT_MS, NULL),
                         VG_OK);
    }
    assert_int_equal(scene->heard.len, len);
}

// Waits for the client's next frames while it does its own work.
static void
process_until_seen(struct scene *scene, Vigie__V1__ToBroker__MessageCase kind,
                   size_t seen)
{
    while (fake_broker_seen(scene->broker, kind) < seen) {
        enum vg_status status = vg_publisher_process(scene->publisher, 20, NULL);

        assert_true(status == VG_OK || status == VG_TIMED_OUT);
    }
}

static void
expect_publish(struct scene *scene, uint64_t first, size_t len)
{
    Vigie__V1__ToBroker *message =
        fake_broker_take(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH);

    assert_int_equal(message->publish->producer, 1);
    assert_int_equal(message->publish->first_number, first);
    assert_int_equal(message->publish->n_mutations, len);
    for (size_t i = 0; i < len; i++) {
        assert_string_equal(message->publish->mutations[i]->flow, "notifyPerson");
        assert_string_equal(message->publish->mutations[i]->fields[0]->value, "Brussel");
    }
    vigie__v1__to_broker__free_unpacked(message, NULL);
}

static void
send_kind(struct scene *scene, Vigie__V1__ToClient__MessageCase kind)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Blocked blocked = VIGIE__V1__BLOCKED__INIT;
    Vigie__V1__Resumed resumed = VIGIE__V1__RESUMED__INIT;
    Vigie__V1__Goodbye goodbye = VIGIE__V1__GOODBYE__INIT;

    message.message_case = kind;
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED) {
        message.blocked = &blocked;
    } else if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED) {
        message.resumed = &resumed;
    } else {
        message.goodbye = &goodbye;
    }
    fake_broker_send(scene->broker, &message);
}

// ---- answers ----

static void
goes_on_after_the_brokers_last_number(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);
    uint64_t number = 0;
    struct vg_mutation made = mutation();

    (void)state;
    manners.last_number = 41;
    fake_broker_set(scene->broker, &manners);
    open_publisher(scene, 0);
    assert_int_equal(vg_publisher_next(scene->publisher), 42);
    assert_int_equal(vg_publish(scene->publisher, &made, &number, NULL), VG_OK);
    assert_int_equal(number, 42);
    end(scene);
}

static void
each_outcome_comes_once_in_order(void **state)
{
    struct scene *scene = begin_open(0);

    (void)state;
    publish_many(scene, 3);
    expect_publish(scene, 1, 3);
    assert_int_equal(vg_publisher_unanswered(scene->publisher), 3);
    fake_broker_answer(scene->broker, 1, 3, 100, NULL, 0);
    process_until_heard(scene, 3);
    check_heard(scene, 0, 1, VG_OK, 100);
    check_heard(scene, 1, 2, VG_OK, 101);
    check_heard(scene, 2, 3, VG_OK, 102);
    assert_int_equal(vg_publisher_unanswered(scene->publisher), 0);
    end(scene);
}

static void
a_refusal_in_the_middle_takes_no_ticket(void **state)
{
    struct scene *scene = begin_open(0);
    const struct fake_result results[] = {{2, VG_BAD_NISS}, {4, VG_REPEATED}};

    (void)state;
    publish_many(scene, 5);
    expect_publish(scene, 1, 5);
    fake_broker_answer(scene->broker, 1, 5, 10, results, 2);
    process_until_heard(scene, 5);
    check_heard(scene, 0, 1, VG_OK, 10);
    check_heard(scene, 1, 2, VG_BAD_NISS, 0);
    check_heard(scene, 2, 3, VG_OK, 11);
    check_heard(scene, 3, 4, VG_REPEATED, 0);
    check_heard(scene, 4, 5, VG_OK, 12);
    end(scene);
}

static void
settle_waits_for_all(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);

    (void)state;
    manners.keeps = true;
    fake_broker_set(scene->broker, &manners);
    open_publisher(scene, 7);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(publish(scene), VG_OK);
    }
    assert_int_equal(vg_publisher_settle(scene->publisher, FAKE_WAIT_MS, NULL), VG_OK);
    assert_int_equal(scene->heard.len, 100);
    for (size_t i = 0; i < 100; i++) {
        check_heard(scene, i, i + 1, VG_OK, i + 1001);
    }
    end(scene);
}

static void
settle_tells_when_time_is_up(void **state)
{
    struct scene *scene = begin_open(0);
    struct vg_error error;

    (void)state;
    publish_many(scene, 1);
    assert_int_equal(vg_publisher_settle(scene->publisher, 20, &error), VG_TIMED_OUT);
    assert_int_equal(error.status, VG_TIMED_OUT);
    assert_int_equal(scene->heard.len, 0);
    end(scene);
}

static void
closing_leaves_the_unanswered_unknown(void **state)
{
    struct scene *scene = begin_open(0);

    (void)state;
    publish_many(scene, 2);
    expect_publish(scene, 1, 2);
    vg_publisher_close(&scene->publisher);
    assert_null(scene->publisher);
    assert_int_equal(scene->heard.len, 2);
    check_heard(scene, 0, 1, VG_UNKNOWN, 0);
    check_heard(scene, 1, 2, VG_UNKNOWN, 0);
    end(scene);
}

// ---- put off ----

static void
busy_is_never_an_outcome(void **state)
{
    struct scene *scene = begin_open(2);
    const struct fake_result busy[] = {{2, VG_BUSY}};
    const struct fake_result gaps[] = {{3, VG_GAP}, {4, VG_GAP}};

    (void)state;
    publish_many(scene, 4);
    expect_publish(scene, 1, 2);
    expect_publish(scene, 3, 2);
    fake_broker_answer(scene->broker, 1, 1, 5, busy, 1);
    fake_broker_answer(scene->broker, 3, 1, 0, gaps, 2);
    process_until_heard(scene, 1);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, 4);
    assert_int_equal(fake_broker_seen(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_HELLO),
                     1);
    expect_publish(scene, 2, 1);
    expect_publish(scene, 3, 2);
    fake_broker_answer(scene->broker, 2, 2, 6, NULL, 0);
    fake_broker_answer(scene->broker, 3, 4, 7, NULL, 0);
    process_until_heard(scene, 4);
    for (size_t i = 0; i < 4; i++) {
        check_heard(scene, i, i + 1, VG_OK, i + 5);
    }
    end(scene);
}

// The second frame is still with the broker: it has room for two only.
static void
nothing_is_sent_again_before_all_is_answered(void **state)
{
    struct scene *scene = begin_open(2);
    const struct fake_result busy[] = {{1, VG_BUSY}};
    const struct fake_result gaps[] = {{3, VG_GAP}};

    (void)state;
    publish_many(scene, 4);
    expect_publish(scene, 1, 2);
    expect_publish(scene, 3, 2);
    fake_broker_answer(scene->broker, 1, 0, 0, busy, 1);
    // Longer than the first pause: it ends with the second answer.
    assert_int_equal(vg_publisher_process(scene->publisher, 150, NULL), VG_TIMED_OUT);
    assert_int_equal(
        fake_broker_seen(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH), 2);
    fake_broker_answer(scene->broker, 3, 0, 0, gaps, 1);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, 4);
    expect_publish(scene, 1, 2);
    expect_publish(scene, 3, 2);
    end(scene);
}

static void
a_full_store_is_waited_out(void **state)
{
    struct scene *scene = begin_open(0);
    const struct fake_result full[] = {{1, VG_STORE_FULL}};

    (void)state;
    publish_many(scene, 1);
    for (size_t round = 0; round < 3; round++) {
        expect_publish(scene, 1, 1);
        fake_broker_answer(scene->broker, 1, 0, 0, full, 1);
        process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, round + 2);
    }
    assert_int_equal(scene->heard.len, 0);
    fake_broker_answer(scene->broker, 1, 1, 9, NULL, 0);
    process_until_heard(scene, 1);
    check_heard(scene, 0, 1, VG_OK, 9);
    end(scene);
}

static void
nothing_is_sent_while_the_broker_is_blocked(void **state)
{
    struct scene *scene = begin_open(0);

    (void)state;
    send_kind(scene, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    assert_int_equal(vg_publisher_process(scene->publisher, FAKE_WAIT_MS, NULL), VG_OK);
    assert_true(vg_publisher_blocked(scene->publisher));
    publish_many(scene, 2);
    assert_int_equal(vg_publisher_process(scene->publisher, 0, NULL), VG_TIMED_OUT);
    publish_many(scene, 1);
    assert_int_not_equal(vg_publisher_due_ms(scene->publisher), 0);
    send_kind(scene, VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, 2);
    assert_false(vg_publisher_blocked(scene->publisher));
    expect_publish(scene, 1, 2);
    expect_publish(scene, 3, 1);
    end(scene);
}

static void
resumed_ends_the_pause(void **state)
{
    struct scene *scene = begin_open(0);
    const struct fake_result busy[] = {{1, VG_BUSY}};

    (void)state;
    publish_many(scene, 1);
    expect_publish(scene, 1, 1);
    send_kind(scene, VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    fake_broker_answer(scene->broker, 1, 0, 0, busy, 1);
    send_kind(scene, VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, 2);
    expect_publish(scene, 1, 1);
    end(scene);
}

// ---- the window ----

static void
the_window_bounds_what_is_unanswered(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);

    (void)state;
    manners.window_messages = 4;
    fake_broker_set(scene->broker, &manners);
    open_publisher(scene, 0);
    publish_many(scene, 4);
    assert_int_equal(publish(scene), VG_BUSY);
    assert_int_equal(vg_publisher_next(scene->publisher), 5);
    expect_publish(scene, 1, 1); // a quarter of the window in each frame
    fake_broker_answer(scene->broker, 1, 1, 1, NULL, 0);
    process_until_heard(scene, 1);
    assert_int_equal(publish(scene), VG_OK);
    assert_int_equal(publish(scene), VG_BUSY);
    end(scene);
}

static void
publish_in_a_turn(struct scene *scene)
{
    enum vg_status status;

    assert_int_equal(publish(scene), VG_OK);
    status = vg_publisher_process(scene->publisher, 0, NULL);
    assert_true(status == VG_OK || status == VG_TIMED_OUT);
}

static void
what_comes_behind_two_frames_gathers(void **state)
{
    struct scene *scene = begin_open(0);

    (void)state;
    for (uint64_t number = 1; number <= 2; number++) {
        publish_in_a_turn(scene);
        expect_publish(scene, number, 1);
    }
    publish_in_a_turn(scene);
    publish_in_a_turn(scene);
    assert_int_not_equal(vg_publisher_due_ms(scene->publisher), 0); // nothing to do
    fake_broker_answer(scene->broker, 1, 1, 100, NULL, 0);
    process_until_heard(scene, 1);
    expect_publish(scene, 3, 2);
    publish_in_a_turn(scene);
    publish_in_a_turn(scene);
    assert_int_equal(vg_publisher_flush(scene->publisher), VG_OK);
    expect_publish(scene, 5, 2);
    end(scene);
}

static void
bytes_bound_it_too(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);
    int taken = 0;

    (void)state;
    manners.window_bytes = 1000;
    fake_broker_set(scene->broker, &manners);
    open_publisher(scene, 0);
    while (publish(scene) == VG_OK) {
        taken++;
        assert_true(taken < 100);
    }
    assert_true(taken > 10);
    end(scene);
}

static void
what_can_never_be_sent_uses_no_number(void **state)
{
    struct scene *scene = begin_open(0);
    struct vg_mutation made = mutation();
    struct vg_error error;
    static char long_value[5000];

    (void)state;
    made.flow.len = 0;
    assert_int_equal(vg_publish(scene->publisher, &made, NULL, &error), VG_MALFORMED);
    made = mutation();
    made.fields_len = VG_FIELDS_MAX + 1;
    assert_int_equal(vg_publish(scene->publisher, &made, NULL, &error), VG_TOO_MANY);
    made = mutation();
    made.fields[0].value = (struct vg_bytes){long_value, sizeof long_value};
    assert_int_equal(vg_publish(scene->publisher, &made, NULL, &error), VG_TOO_LARGE);
    made = mutation();
    made.fields_len = 5;
    for (size_t i = 0; i < 5; i++) {
        made.fields[i] = (struct vg_field){text("020"), {long_value, 4000}};
    }
    assert_int_equal(vg_publish(scene->publisher, &made, NULL, &error), VG_TOO_LARGE);
    assert_int_equal(error.status, VG_TOO_LARGE);
    assert_int_equal(vg_publisher_next(scene->publisher), 1);
    end(scene);
}

// ---- links that break ----

static void
everything_unanswered_is_sent_again_under_its_number(void **state)
{
    struct scene *scene = begin_open(2);
    struct fake_manners manners = fake_broker_manners(scene->broker);
    const struct fake_result repeated[] = {{2, VG_REPEATED}};

    (void)state;
    publish_many(scene, 5);
    expect_publish(scene, 1, 2);
    expect_publish(scene, 3, 2);
    expect_publish(scene, 5, 1);
    fake_broker_answer(scene->broker, 1, 1, 50, NULL, 0);
    process_until_heard(scene, 1);

    manners.last_number = 2; // kept, but its answer does not arrive
    fake_broker_set(scene->broker, &manners);
    fake_broker_drop(scene->broker);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, 6);
    assert_int_equal(fake_broker_seen(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_HELLO),
                     2);
    expect_publish(scene, 2, 1);
    expect_publish(scene, 3, 2);
    expect_publish(scene, 5, 1);
    fake_broker_answer(scene->broker, 2, 2, 0, repeated, 1);
    fake_broker_answer(scene->broker, 3, 5, 52, NULL, 0);
    process_until_heard(scene, 5);
    check_heard(scene, 1, 2, VG_REPEATED, 0);
    check_heard(scene, 2, 3, VG_OK, 52);
    check_heard(scene, 4, 5, VG_OK, 54);
    end(scene);
}

static void
publishing_goes_on_without_a_connection(void **state)
{
    struct scene *scene = begin_open(0);
    struct fake_manners manners = fake_broker_manners(scene->broker);

    (void)state;
    manners.mute = true;
    fake_broker_set(scene->broker, &manners);
    fake_broker_drop(scene->broker);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_HELLO, 2);
    publish_many(scene, 2);
    publish_many(scene, 1);
    manners.mute = false;
    fake_broker_set(scene->broker, &manners);
    fake_broker_drop(scene->broker);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, 1);
    expect_publish(scene, 1, 3); // joined
    end(scene);
}

static void
an_answer_that_makes_no_sense_is_asked_for_again(void **state)
{
    struct scene *scene = begin_open(0);
    const struct fake_result disorder[] = {{2, VG_BAD_NISS}, {1, VG_BAD_NISS}};

    (void)state;
    publish_many(scene, 2);
    expect_publish(scene, 1, 2);
    fake_broker_answer(scene->broker, 1, 2, 1, disorder, 2);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, 2);
    assert_int_equal(scene->heard.len, 0);
    expect_publish(scene, 1, 2);
    fake_broker_answer(scene->broker, 1, 7, 1, NULL, 0); // more than was sent
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, 3);
    assert_int_equal(scene->heard.len, 0);
    end(scene);
}

static enum vg_status
process_to_the_end(struct scene *scene, struct vg_error *error)
{
    enum vg_status status = VG_OK;

    while (status == VG_OK) {
        status = vg_publisher_process(scene->publisher, FAKE_WAIT_MS, error);
    }
    return status;
}

static void
a_broker_that_forgot_is_not_published_to(void **state)
{
    struct scene *scene = begin_open(0);
    struct vg_error error;

    (void)state;
    publish_many(scene, 2);
    expect_publish(scene, 1, 2);
    fake_broker_answer(scene->broker, 1, 2, 1, NULL, 0);
    process_until_heard(scene, 2);
    fake_broker_drop(scene->broker); // and comes back with an older store: last number 0
    assert_int_equal(process_to_the_end(scene, &error), VG_GAP);
    assert_int_equal(publish(scene), VG_GAP);
    assert_int_equal(vg_publisher_due_ms(scene->publisher), 0);
    end(scene);
}

static void
two_publishers_of_one_producer_are_noticed(void **state)
{
    struct scene *scene = begin_open(0);
    struct fake_manners manners = fake_broker_manners(scene->broker);
    struct vg_error error;

    (void)state;
    publish_many(scene, 1);
    expect_publish(scene, 1, 1);
    manners.last_number = 3;
    fake_broker_set(scene->broker, &manners);
    fake_broker_drop(scene->broker);
    assert_int_equal(process_to_the_end(scene, &error), VG_EXISTS);
    assert_int_equal(scene->heard.len, 0);
    end(scene);
}

static void
a_goodbye_waits_for_the_last_answers(void **state)
{
    struct scene *scene = begin_open(0);
    struct fake_manners manners = fake_broker_manners(scene->broker);

    (void)state;
    publish_many(scene, 2);
    expect_publish(scene, 1, 2);
    manners.last_number = 2;
    fake_broker_set(scene->broker, &manners);
    send_kind(scene, VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE);
    fake_broker_answer(scene->broker, 1, 2, 7, NULL, 0);
    process_until_heard(scene, 2);
    check_heard(scene, 1, 2, VG_OK, 8);
    publish_many(scene, 1);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, 2);
    assert_int_equal(fake_broker_seen(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_HELLO),
                     2);
    expect_publish(scene, 3, 1);
    end(scene);
}

// ---- callbacks and loops of others ----

struct echo {
    struct vg_publisher *publisher;
    uint64_t until;
    uint64_t heard;
};

static void
publish_again(uint64_t number, enum vg_status status, uint64_t ticket,
              const char *sentence, void *arg)
{
    struct echo *echo = arg;
    struct vg_mutation made = mutation();

    (void)ticket;
    (void)sentence;
    assert_int_equal(status, VG_OK);
    assert_int_equal(number, echo->heard + 1);
    echo->heard = number;
    assert_int_equal(vg_publisher_process(echo->publisher, 0, NULL), VG_BUSY);
    if (vg_publisher_next(echo->publisher) <= echo->until) {
        assert_int_equal(vg_publish(echo->publisher, &made, NULL, NULL), VG_OK);
        assert_int_equal(vg_publisher_flush(echo->publisher), VG_OK);
    }
}

static void
an_outcome_may_publish(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);
    struct echo echo = {.until = 200};
    struct vg_publisher_options options = {
        .producer = 1, .outcome = publish_again, .arg = &echo};

    (void)state;
    manners.keeps = true;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(vg_publisher_open(fake_broker_address(scene->broker), &options,
                                       FAKE_WAIT_MS, &echo.publisher, NULL),
                     VG_OK);
    scene->publisher = echo.publisher;
    publish_many(scene, 3);
    while (echo.heard < echo.until) {
        assert_int_equal(vg_publisher_process(echo.publisher, FAKE_WAIT_MS, NULL), VG_OK);
    }
    assert_int_equal(vg_publisher_unanswered(echo.publisher), 0);
    end(scene);
}

// The loop knows nothing but the descriptor and the time it was told. With a heartbeat of a
// minute, one edge missed is one wait too long.
static void
a_foreign_loop_misses_nothing(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);

    (void)state;
    manners.keeps = true;
    manners.window_messages = 64;
    fake_broker_set(scene->broker, &manners);
    open_publisher(scene, 0);
    while (scene->heard.len < 3000) {
        struct pollfd fd = {vg_publisher_fd(scene->publisher), POLLIN, 0};
        int due_ms;

        while (vg_publisher_next(scene->publisher) <= 3000 && publish(scene) == VG_OK) {
        }
        due_ms = vg_publisher_due_ms(scene->publisher);
        assert_true(due_ms >= 0);
        assert_true(poll(&fd, 1, due_ms < FAKE_WAIT_MS ? due_ms : FAKE_WAIT_MS) > 0 ||
                    due_ms < FAKE_WAIT_MS);
        (void)vg_publisher_process(scene->publisher, 0, NULL);
    }
    assert_int_equal(vg_publisher_unanswered(scene->publisher), 0);
    end(scene);
}

// ---- reports ----

static void
hear_undelivered(const struct vg_undelivered *mutations, size_t len, bool more, void *arg)
{
    struct heard *heard = arg;

    assert_int_equal(len, 2);
    assert_true(more);
    assert_string_equal(mutations[0].flow, "PCSAAlert");
    assert_string_equal(mutations[0].id, "spp-1");
    assert_string_equal(mutations[0].recipient, "CPAS-21004");
    assert_string_equal(mutations[0].reason, "unread for 90 days");
    assert_int_equal(mutations[0].kept_at_us, 5);
    assert_int_equal(mutations[0].since_us, 6);
    assert_int_equal(mutations[1].ticket, 8);
    assert_string_equal(mutations[1].id, "");
    heard->tickets[heard->len++] = mutations[0].ticket;
}

static void
what_nobody_took_is_reported(void **state)
{
    struct scene *scene = begin();
    struct vg_publisher_options options = {
        .producer = 1, .undelivered = hear_undelivered, .arg = &scene->heard};
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Undelivered undelivered = VIGIE__V1__UNDELIVERED__INIT;
    Vigie__V1__UndeliveredMutation one = VIGIE__V1__UNDELIVERED_MUTATION__INIT;
    Vigie__V1__UndeliveredMutation two = VIGIE__V1__UNDELIVERED_MUTATION__INIT;
    Vigie__V1__UndeliveredMutation *both[] = {&one, &two};

    (void)state;
    assert_int_equal(vg_publisher_open(fake_broker_address(scene->broker), &options,
                                       FAKE_WAIT_MS, &scene->publisher, NULL),
                     VG_OK);
    one.ticket = 7;
    one.flow = (char *)"PCSAAlert";
    one.id = (char *)"spp-1";
    one.recipient = (char *)"CPAS-21004";
    one.reason = (char *)"unread for 90 days";
    one.kept_at = 5;
    one.since = 6;
    two.ticket = 8;
    undelivered.mutations = both;
    undelivered.n_mutations = 2;
    undelivered.more = true;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_UNDELIVERED;
    message.undelivered = &undelivered;
    fake_broker_send(scene->broker, &message);
    while (scene->heard.len == 0) {
        (void)vg_publisher_process(scene->publisher, 20, NULL);
    }
    assert_int_equal(scene->heard.tickets[0], 7);
    end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_took_is_reported),
        cmocka_unit_test(goes_on_after_the_brokers_last_number),
        cmocka_unit_test(each_outcome_comes_once_in_order),
        cmocka_unit_test(a_refusal_in_the_middle_takes_no_ticket),
        cmocka_unit_test(settle_waits_for_all),
        cmocka_unit_test(settle_tells_when_time_is_up),
        cmocka_unit_test(closing_leaves_the_unanswered_unknown),
        cmocka_unit_test(busy_is_never_an_outcome),
        cmocka_unit_test(nothing_is_sent_again_before_all_is_answered),
        cmocka_unit_test(a_full_store_is_waited_out),
        cmocka_unit_test(nothing_is_sent_while_the_broker_is_blocked),
        cmocka_unit_test(resumed_ends_the_pause),
        cmocka_unit_test(the_window_bounds_what_is_unanswered),
        cmocka_unit_test(what_comes_behind_two_frames_gathers),
        cmocka_unit_test(bytes_bound_it_too),
        cmocka_unit_test(what_can_never_be_sent_uses_no_number),
        cmocka_unit_test(everything_unanswered_is_sent_again_under_its_number),
        cmocka_unit_test(publishing_goes_on_without_a_connection),
        cmocka_unit_test(an_answer_that_makes_no_sense_is_asked_for_again),
        cmocka_unit_test(a_broker_that_forgot_is_not_published_to),
        cmocka_unit_test(two_publishers_of_one_producer_are_noticed),
        cmocka_unit_test(a_goodbye_waits_for_the_last_answers),
        cmocka_unit_test(an_outcome_may_publish),
        cmocka_unit_test(a_foreign_loop_misses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
