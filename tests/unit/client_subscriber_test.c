// SPDX-License-Identifier: EUPL-1.2
// Goal: every notification reaches the application once, in order, and is acknowledged only
// when the application says so; a gap is never passed over.
// Method: a subscriber against a broker of few words; the test delivers and reads what is
// acknowledged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <string.h>
#include <cmocka.h>

#include "fake_broker.h"

enum { GIVEN_MAX = 8192, MAILBOX = 5 };

struct scene {
    struct fake_broker *broker;
    struct vg_subscriber *subscriber;
    size_t given_len;
    uint64_t given[GIVEN_MAX];
    uint32_t mailboxes[GIVEN_MAX];
    uint64_t hold_from; // these and later ones are not acknowledged at once; 0: none
    uint64_t hold_to;
    struct vg_notification latest; // its views are gone
    char latest_flow[32];
    uint64_t refuse; // this one is refused, once; 0: none
    bool park;
    size_t held_len; // how often options.held was called
    uint64_t held;   // the last one
    enum vg_held_state held_state;
};

static bool
take(const struct vg_notification *notification, void *arg)
{
    struct scene *scene = arg;
    struct vg_mutation mutation;

    assert_true(scene->given_len < GIVEN_MAX);
    assert_int_equal(vg_notification_mutation(notification, &mutation), VG_OK);
    assert_int_equal(mutation.niss, notification->niss);
    scene->given[scene->given_len] = notification->number;
    scene->mailboxes[scene->given_len] = notification->mailbox;
    scene->given_len++;
    scene->latest = *notification;
    memcpy(scene->latest_flow, notification->flow.at, notification->flow.len);
    scene->latest_flow[notification->flow.len] = '\0';
    if (notification->number == scene->refuse) {
        struct vg_refusal refusal = {.reason = "closed", .park = scene->park};

        scene->refuse = 0;
        assert_int_equal(vg_refuse(scene->subscriber, notification, &refusal, NULL),
                         VG_OK);
    }
    return scene->hold_from == 0 || notification->number < scene->hold_from ||
           notification->number > scene->hold_to;
}

static void
note_held(uint32_t mailbox, uint64_t number, enum vg_held_state held_state,
          uint32_t refusals, uint64_t due_at_us, void *arg)
{
    struct scene *scene = arg;

    assert_int_equal(mailbox, MAILBOX);
    assert_int_equal(refusals, 1);
    assert_int_equal(due_at_us, held_state == VG_HELD_RETRY ? 1700000000000000 : 0);
    scene->held = number;
    scene->held_state = held_state;
    scene->held_len++;
}

// ---- the scene ----

static struct scene *
begin_with(uint32_t window_messages, const struct fake_manners *manners,
           struct fake_broker *broker)
{
    static struct scene scene;
    struct vg_subscriber_options options = {.window_messages = window_messages,
                                            .notification = take,
                                            .arg = &scene,
                                            .held = note_held};

    scene = (struct scene){.broker = broker};
    fake_broker_set(broker, manners);
    assert_int_equal(vg_subscriber_open(fake_broker_address(broker), &options,
                                        FAKE_WAIT_MS, &scene.subscriber, NULL),
                     VG_OK);
    return &scene;
}

static struct scene *
begin(void)
{
    struct fake_broker *broker = fake_broker_start();
    struct fake_manners manners = fake_broker_manners(broker);

    manners.confirms = true;
    return begin_with(0, &manners, broker);
}

static void
end(struct scene *scene)
{
    vg_subscriber_close(&scene->subscriber);
    fake_broker_stop(&scene->broker);
}

static void
subscribe(struct scene *scene, uint32_t mailbox)
{
    assert_int_equal(vg_subscribe(scene->subscriber, mailbox, FAKE_WAIT_MS, NULL), VG_OK);
}

static void
process_until_given(struct scene *scene, size_t len)
{
    while (scene->given_len < len) {
        assert_int_equal(vg_subscriber_process(scene->subscriber, FAKE_WAIT_MS, NULL),
                         VG_OK);
    }
    assert_int_equal(scene->given_len, len);
}

static void
process_until_seen(struct scene *scene, Vigie__V1__ToBroker__MessageCase kind,
                   size_t seen)
{
    while (fake_broker_seen(scene->broker, kind) < seen) {
        enum vg_status status = vg_subscriber_process(scene->subscriber, 20, NULL);

        assert_true(status == VG_OK || status == VG_TIMED_OUT);
    }
}

static void
expect_acknowledge(struct scene *scene, uint32_t mailbox, uint64_t through,
                   const uint64_t *also, size_t also_len)
{
    Vigie__V1__ToBroker *message =
        fake_broker_take(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_ACKNOWLEDGE);

    assert_int_equal(message->acknowledge->mailbox, mailbox);
    assert_int_equal(message->acknowledge->through, through);
    assert_int_equal(message->acknowledge->n_also, also_len);
    for (size_t i = 0; i < also_len; i++) {
        assert_int_equal(message->acknowledge->also[i], also[i]);
    }
    vigie__v1__to_broker__free_unpacked(message, NULL);
}

static size_t
acknowledges(struct scene *scene)
{
    return fake_broker_seen(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_ACKNOWLEDGE);
}

static void
set_mailbox(struct scene *scene, uint64_t acknowledged, uint64_t last, uint64_t waiting)
{
    struct fake_manners manners = fake_broker_manners(scene->broker);

    manners.acknowledged = acknowledged;
    manners.last = last;
    manners.waiting = waiting;
    fake_broker_set(scene->broker, &manners);
}

// ---- subscribing ----

static void
the_default_mailbox_gets_its_number(void **state)
{
    struct scene *scene = begin();
    Vigie__V1__ToBroker *message;

    (void)state;
    subscribe(scene, 0);
    message = fake_broker_take(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE);
    assert_int_equal(message->subscribe->mailbox, 0);
    assert_int_equal(message->subscribe->window_messages, 10000);
    assert_int_equal(message->subscribe->window_bytes, 4 * 1024 * 1024);
    vigie__v1__to_broker__free_unpacked(message, NULL);
    fake_broker_deliver(scene->broker, MAILBOX, 1, 2, false);
    process_until_given(scene, 2);
    assert_int_equal(scene->latest.mailbox, MAILBOX);
    // Both names are good for it now.
    assert_int_equal(vg_acknowledge(scene->subscriber, 0, 2), VG_OK);
    assert_int_equal(vg_acknowledge(scene->subscriber, MAILBOX, 2), VG_OK);
    end(scene);
}

static void
the_default_mailbox_may_be_open_already(void **state)
{
    struct scene *scene = begin();

    (void)state;
    subscribe(scene, MAILBOX);
    fake_broker_deliver(scene->broker, MAILBOX, 1, 1, false);
    process_until_given(scene, 1);
    set_mailbox(scene, 1, 1, 0);
    subscribe(scene, 0);
    fake_broker_deliver(scene->broker, MAILBOX, 2, 2, false);
    process_until_given(scene, 2);
    assert_int_equal(vg_acknowledge(scene->subscriber, 0, 2), VG_OK);
    end(scene);
}

static void
a_refused_subscription_says_why(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);
    struct vg_error error;

    (void)state;
    manners.refuses = VG_NOT_FOUND;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(vg_subscribe(scene->subscriber, 9, FAKE_WAIT_MS, &error),
                     VG_NOT_FOUND);
    assert_int_equal(error.status, VG_NOT_FOUND);
    manners.refuses = VG_OK;
    fake_broker_set(scene->broker, &manners);
    subscribe(scene, 9); // the handle is as good as before
    end(scene);
}

static void
a_subscription_without_an_answer_is_given_up(void **state)
{
    struct scene *scene = begin();
    struct fake_manners manners = fake_broker_manners(scene->broker);

    (void)state;
    manners.confirms = false;
    fake_broker_set(scene->broker, &manners);
    assert_int_equal(vg_subscribe(scene->subscriber, MAILBOX, 30, NULL), VG_TIMED_OUT);
    vigie__v1__to_broker__free_unpacked(
        fake_broker_take(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_UNSUBSCRIBE), NULL);
    fake_broker_deliver(scene->broker, MAILBOX, 1, 1, false); // too late
    assert_int_equal(vg_subscriber_process(scene->subscriber, 50, NULL), VG_TIMED_OUT);
    assert_int_equal(scene->given_len, 0);
    assert_int_equal(acknowledges(scene), 0);
    end(scene);
}

// ---- acknowledging ----

static void
one_acknowledgement_speaks_for_a_whole_turn(void **state)
{
    struct scene *scene = begin();

    (void)state;
    subscribe(scene, MAILBOX);
    fake_broker_deliver(scene->broker, MAILBOX, 1, 100, false);
    process_until_given(scene, 100);
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(scene->given[i], i + 1);
    }
    assert_string_equal(scene->latest_flow, "notifyPerson");
    assert_int_equal(scene->latest.ticket, 77);
    expect_acknowledge(scene, MAILBOX, 100, NULL, 0);
    assert_int_equal(acknowledges(scene), 1);
    end(scene);
}

static void
a_quarter_of_the_window_is_acknowledged_at_once(void **state)
{
    struct fake_broker *broker = fake_broker_start();
    struct fake_manners manners = fake_broker_manners(broker);
    struct scene *scene;

    (void)state;
    manners.confirms = true;
    scene = begin_with(8, &manners, broker);
    subscribe(scene, MAILBOX);
    fake_broker_deliver(scene->broker, MAILBOX, 1, 7, false);
    process_until_given(scene, 7);
    expect_acknowledge(scene, MAILBOX, 2, NULL, 0);
    expect_acknowledge(scene, MAILBOX, 4, NULL, 0);
    expect_acknowledge(scene, MAILBOX, 6, NULL, 0);
    expect_acknowledge(scene, MAILBOX, 7, NULL, 0);
    end(scene);
}

static void
one_that_is_held_back_does_not_hold_the_others(void **state)
{
    struct scene *scene = begin();
    const uint64_t also[] = {4, 5};

    (void)state;
    subscribe(scene, MAILBOX);
    scene->hold_from = 2;
    scene->hold_to = 3;
    fake_broker_deliver(scene->broker, MAILBOX, 1, 5, false);
    process_until_given(scene, 5);
    expect_acknowledge(scene, MAILBOX, 1, also, 2);
    assert_int_equal(vg_acknowledge_one(scene->subscriber, MAILBOX, 3), VG_OK);
    assert_int_equal(vg_subscriber_due_ms(scene->subscriber), 0);
    assert_int_equal(vg_subscriber_flush(scene->subscriber), VG_OK);
    expect_acknowledge(scene, MAILBOX, 1, (const uint64_t[]){3}, 1);
    assert_int_equal(vg_acknowledge(scene->subscriber, MAILBOX, 2), VG_OK);
    assert_int_equal(vg_subscriber_flush(scene->subscriber), VG_OK);
    expect_acknowledge(scene, MAILBOX, 5, NULL, 0);
    assert_int_not_equal(vg_subscriber_due_ms(scene->subscriber), 0);
    end(scene);
}

static void
what_never_came_cannot_be_acknowledged(void **state)
{
    struct scene *scene = begin();

    (void)state;
    subscribe(scene, MAILBOX);
    assert_int_equal(vg_acknowledge(scene->subscriber, MAILBOX, 1), VG_NOT_FOUND);
    assert_int_equal(vg_acknowledge_one(scene->subscriber, MAILBOX, 1), VG_NOT_FOUND);
    assert_int_equal(vg_acknowledge(scene->subscriber, 99, 0), VG_NOT_FOUND);
    end(scene);
}

static void
closing_sends_what_is_noted(void **state)
{
    struct scene *scene = begin();

    (void)state;
    subscribe(scene, MAILBOX);
    scene->hold_from = 1;
    scene->hold_to = 3;
    fake_broker_deliver(scene->broker, MAILBOX, 1, 3, false);
    process_until_given(scene, 3);
    assert_int_equal(vg_acknowledge(scene->subscriber, MAILBOX, 3), VG_OK);
    vg_subscriber_close(&scene->subscriber);
    // It had arrived when close returned: no waiting here.
    assert_int_equal(acknowledges(scene), 1);
    expect_acknowledge(scene, MAILBOX, 3, NULL, 0);
    end(scene);
}

static void
mailboxes_are_counted_apart(void **state)
{
    struct scene *scene = begin();

    (void)state;
    for (uint32_t mailbox = 1; mailbox <= 40; mailbox++) {
        subscribe(scene, mailbox);
    }
    for (uint32_t mailbox = 1; mailbox <= 40; mailbox++) {
        fake_broker_deliver(scene->broker, mailbox, 1, mailbox, false);
    }
    process_until_given(scene, 40 * 41 / 2);
    for (uint32_t mailbox = 1; mailbox <= 40; mailbox++) {
        assert_int_equal(vg_acknowledge(scene->subscriber, mailbox, mailbox), VG_OK);
        assert_int_equal(vg_acknowledge(scene->subscriber, mailbox, mailbox + 1),
                         VG_NOT_FOUND);
    }
    end(scene);
}

// ---- gaps and repeats ----

static enum vg_status
process_to_the_end(struct scene *scene, struct vg_error *error)
{
    enum vg_status status = VG_OK;

    while (status == VG_OK) {
        status = vg_subscriber_process(scene->subscriber, FAKE_WAIT_MS, error);
    }
    return status;
}

static void
a_gap_ends_the_connection(void **state)
{
    struct scene *scene = begin();
    struct vg_error error;

    (void)state;
    subscribe(scene, MAILBOX);
    fake_broker_deliver(scene->broker, MAILBOX, 1, 2, false);
    fake_broker_deliver(scene->broker, MAILBOX, 4, 5, false);
    assert_int_equal(process_to_the_end(scene, &error), VG_MALFORMED);
    assert_string_equal(error.sentence, "mailbox 5: number 4 came after 2");
    assert_int_equal(scene->given_len, 2);
    assert_int_equal(vg_subscriber_process(scene->subscriber, 0, NULL), VG_MALFORMED);
    assert_int_equal(vg_subscriber_flush(scene->subscriber), VG_MALFORMED);
    end(scene);
}

static void
repeats_are_dropped(void **state)
{
    struct scene *scene = begin();

    (void)state;
    subscribe(scene, MAILBOX);
    scene->hold_from = 2;
    scene->hold_to = 2;
    fake_broker_deliver(scene->broker, MAILBOX, 1, 3, false);
    fake_broker_deliver(scene->broker, MAILBOX, 1, 4, true);
    process_until_given(scene, 4);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(scene->given[i], i + 1);
    }
    assert_true(scene->latest.again);
    end(scene);
}

static void
a_new_connection_subscribes_and_is_told_again(void **state)
{
    struct scene *scene = begin();
    const uint64_t also[] = {3};

    (void)state;
    subscribe(scene, 0);
    scene->hold_from = 2;
    scene->hold_to = 2;
    fake_broker_deliver(scene->broker, MAILBOX, 1, 3, false);
    process_until_given(scene, 3);
    expect_acknowledge(scene, MAILBOX, 1, also, 1);

    set_mailbox(scene, 0, 5, 5); // the broker had not committed it
    fake_broker_drop(scene->broker);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE, 2);
    // It may hear only of what it has sent on this connection.
    fake_broker_deliver(scene->broker, MAILBOX, 1, 2, true);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_ACKNOWLEDGE, 2);
    expect_acknowledge(scene, MAILBOX, 1, NULL, 0);
    fake_broker_deliver(scene->broker, MAILBOX, 3, 5, true);
    process_until_given(scene, 5);
    assert_int_equal(scene->given[3], 4);
    assert_int_equal(scene->given[4], 5);
    // The one that was held is still the application's.
    expect_acknowledge(scene, MAILBOX, 1, (const uint64_t[]){3, 4, 5}, 3);
    assert_int_equal(vg_acknowledge_one(scene->subscriber, 0, 2), VG_OK);
    assert_int_equal(vg_subscriber_flush(scene->subscriber), VG_OK);
    expect_acknowledge(scene, MAILBOX, 5, NULL, 0);
    assert_int_equal(
        fake_broker_seen(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE), 2);
    end(scene);
}

static void
a_gap_across_connections_is_noticed(void **state)
{
    struct scene *scene = begin();
    struct vg_error error;

    (void)state;
    subscribe(scene, MAILBOX);
    fake_broker_deliver(scene->broker, MAILBOX, 1, 3, false);
    process_until_given(scene, 3);
    set_mailbox(scene, 3, 6, 3);
    fake_broker_drop(scene->broker);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE, 2);
    fake_broker_deliver(scene->broker, MAILBOX, 5, 6, false);
    assert_int_equal(process_to_the_end(scene, &error), VG_MALFORMED);
    assert_int_equal(scene->given_len, 3);
    end(scene);
}

static void
numbers_that_begin_anew_are_noticed(void **state)
{
    struct scene *scene = begin();
    struct vg_error error;

    (void)state;
    subscribe(scene, MAILBOX);
    fake_broker_deliver(scene->broker, MAILBOX, 1, 3, false);
    process_until_given(scene, 3);
    set_mailbox(scene, 0, 1, 1); // an older store: its numbers 2 and 3 will be others
    fake_broker_drop(scene->broker);
    assert_int_equal(process_to_the_end(scene, &error), VG_MALFORMED);
    end(scene);
}

// ---- refusing ----

static void
say_held(struct scene *scene, uint64_t number, Vigie__V1__Held__State held_state)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Held held = VIGIE__V1__HELD__INIT;

    held.mailbox = MAILBOX;
    held.number = number;
    held.state = held_state;
    held.refusals = 1;
    held.due_at = held_state == VIGIE__V1__HELD__STATE__RETRY ? 1700000000000000 : 0;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_HELD;
    message.held = &held;
    fake_broker_send(scene->broker, &message);
}

static void
say_deferred(struct scene *scene, uint64_t first, uint64_t last)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Deferred deferred = VIGIE__V1__DEFERRED__INIT;
    Vigie__V1__Range range = VIGIE__V1__RANGE__INIT;
    Vigie__V1__Range *ranges[] = {&range};

    range.first = first;
    range.last = last;
    deferred.mailbox = MAILBOX;
    deferred.n_ranges = 1;
    deferred.ranges = ranges;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED;
    message.deferred = &deferred;
    fake_broker_send(scene->broker, &message);
}

// One out of its turn.
static void
deliver_try(struct scene *scene, uint64_t number, uint32_t attempt)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Notification notification = VIGIE__V1__NOTIFICATION__INIT;
    Vigie__V1__Notification *notifications[] = {&notification};
    Vigie__V1__Content content = VIGIE__V1__CONTENT__INIT;

    content.flow = (char *)(uintptr_t) "notifyPerson";
    content.niss = 66641066692;
    notification.mailbox = MAILBOX;
    notification.number = number;
    notification.attempt = attempt;
    notification.content = &content;
    message.n_notifications = 1;
    message.notifications = notifications;
    fake_broker_send(scene->broker, &message);
}

static void
expect_refuse(struct scene *scene, uint64_t number, bool park)
{
    Vigie__V1__ToBroker *message =
        fake_broker_take(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_REFUSE);

    assert_int_equal(message->refuse->mailbox, MAILBOX);
    assert_int_equal(message->refuse->number, number);
    assert_string_equal(message->refuse->reason, "closed");
    assert_int_equal(message->refuse->park, park);
    vigie__v1__to_broker__free_unpacked(message, NULL);
}

static void
process_until_held(struct scene *scene, size_t len)
{
    while (scene->held_len < len) {
        assert_int_equal(vg_subscriber_process(scene->subscriber, FAKE_WAIT_MS, NULL),
                         VG_OK);
    }
}

static void
a_refused_letter_comes_again_out_of_turn(void **state)
{
    struct scene *scene = begin();

    (void)state;
    subscribe(scene, MAILBOX);
    scene->refuse = 2;
    fake_broker_deliver(scene->broker, MAILBOX, 1, 5, false);
    process_until_given(scene, 2); // those after it are about the same person
    expect_refuse(scene, 2, false);
    expect_acknowledge(scene, MAILBOX, 1, NULL, 0);
    say_deferred(scene, 3, 5);
    say_held(scene, 2, VIGIE__V1__HELD__STATE__RETRY);
    process_until_held(scene, 1);
    assert_int_equal(scene->held, 2);
    assert_int_equal(scene->held_state, VG_HELD_RETRY);
    expect_acknowledge(scene, MAILBOX, 5, NULL, 0); // the broker looks after all of them
    deliver_try(scene, 2, 2);
    process_until_given(scene, 3);
    assert_int_equal(scene->latest.number, 2);
    assert_int_equal(scene->latest.attempt, 2);
    expect_acknowledge(scene, MAILBOX, 0, (const uint64_t[]){2}, 1);
    deliver_try(scene, 3, 1);
    process_until_given(scene, 4);
    fake_broker_deliver(scene->broker, MAILBOX, 6, 6, false); // no gap
    process_until_given(scene, 5);
    end(scene);
}

static void
a_parked_one_lets_the_others_pass(void **state)
{
    struct scene *scene = begin();

    (void)state;
    subscribe(scene, MAILBOX);
    scene->refuse = 2;
    scene->park = true;
    fake_broker_deliver(scene->broker, MAILBOX, 1, 3, false);
    process_until_given(scene, 3);
    expect_refuse(scene, 2, true);
    // 2 is neither done nor passed over before the broker has said so.
    expect_acknowledge(scene, MAILBOX, 1, (const uint64_t[]){3}, 1);
    assert_int_equal(vg_acknowledge(scene->subscriber, MAILBOX, 3), VG_OK);
    say_held(scene, 2, VIGIE__V1__HELD__STATE__PARKED);
    process_until_held(scene, 1);
    assert_int_equal(scene->held_state, VG_HELD_PARKED);
    expect_acknowledge(scene, MAILBOX, 3, NULL, 0);
    end(scene);
}

static void
a_refusal_is_sent_again_when_its_letter_comes_again(void **state)
{
    struct scene *scene = begin();

    (void)state;
    subscribe(scene, MAILBOX);
    scene->refuse = 2;
    fake_broker_deliver(scene->broker, MAILBOX, 1, 3, false);
    process_until_given(scene, 2);
    expect_refuse(scene, 2, false);
    set_mailbox(scene, 1, 3, 2);
    fake_broker_drop(scene->broker); // it was not on disk
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE, 2);
    fake_broker_deliver(scene->broker, MAILBOX, 2, 3, true);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_REFUSE, 2);
    expect_refuse(scene, 2, false);
    assert_int_equal(scene->given_len, 2); // the application has it in hand already
    say_deferred(scene, 3, 3);
    say_held(scene, 2, VIGIE__V1__HELD__STATE__RETRY);
    process_until_held(scene, 1);
    fake_broker_deliver(scene->broker, MAILBOX, 4, 4, false);
    process_until_given(scene, 3);
    end(scene);
}

static void
numbers_that_the_broker_names_are_no_gap(void **state)
{
    struct scene *scene = begin();
    struct vg_error error;

    (void)state;
    subscribe(scene, MAILBOX);
    scene->hold_from = 1;
    scene->hold_to = 5;
    say_deferred(scene, 2, 4);
    fake_broker_deliver(scene->broker, MAILBOX, 1, 1, false);
    fake_broker_deliver(scene->broker, MAILBOX, 5, 5, false);
    process_until_given(scene, 2);
    assert_int_equal(vg_acknowledge_one(scene->subscriber, MAILBOX, 1), VG_OK);
    assert_int_equal(vg_acknowledge_one(scene->subscriber, MAILBOX, 5), VG_OK);
    assert_int_equal(vg_subscriber_flush(scene->subscriber), VG_OK);
    expect_acknowledge(scene, MAILBOX, 5, NULL, 0);
    fake_broker_deliver(scene->broker, MAILBOX, 7, 7, false);
    assert_int_equal(process_to_the_end(scene, &error), VG_MALFORMED); // 6 is missing
    end(scene);
}

static void
what_cannot_be_refused_is_said_at_once(void **state)
{
    struct scene *scene = begin();
    struct vg_notification notification = {.mailbox = MAILBOX, .number = 1, .niss = 1};
    struct vg_refusal refusal = {.reason = "closed"};
    struct vg_error error;
    char reason[202];

    (void)state;
    subscribe(scene, MAILBOX);
    assert_int_equal(vg_refuse(scene->subscriber, &notification, &refusal, &error),
                     VG_NOT_FOUND); // it never came
    notification.attempt = 2;
    assert_int_equal(vg_refuse(scene->subscriber, &notification, &refusal, &error),
                     VG_DISCONNECTED); // it came on no connection that is left
    notification.mailbox = 99;
    assert_int_equal(vg_refuse(scene->subscriber, &notification, &refusal, &error),
                     VG_NOT_FOUND);
    memset(reason, 'x', sizeof reason - 1);
    reason[sizeof reason - 1] = 0;
    refusal.reason = reason;
    assert_int_equal(vg_refuse(scene->subscriber, &notification, &refusal, &error),
                     VG_TOO_LARGE);
    refusal.reason = "a\tb";
    assert_int_equal(vg_refuse(scene->subscriber, &notification, &refusal, &error),
                     VG_MALFORMED);
    refusal = (struct vg_refusal){.reason = "closed", .retry_after_s = 10801};
    assert_int_equal(vg_refuse(scene->subscriber, &notification, &refusal, &error),
                     VG_MALFORMED);
    assert_int_equal(
        fake_broker_seen(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_REFUSE), 0);
    end(scene);
}

static void
nonsense_ends_the_connection(void **state)
{
    struct scene *scene = begin();
    const uint8_t nonsense[] = {0x0a, 0x02, 0x11, 0x01}; // a notification cut short

    (void)state;
    subscribe(scene, MAILBOX);
    fake_broker_send_bytes(scene->broker, nonsense, sizeof nonsense);
    assert_int_equal(process_to_the_end(scene, NULL), VG_MALFORMED);
    end(scene);
}

// ---- loops of others ----

static void
a_foreign_loop_misses_nothing(void **state)
{
    struct scene *scene = begin();
    uint64_t next = 1;

    (void)state;
    subscribe(scene, MAILBOX);
    while (scene->given_len < 6000) {
        struct pollfd fd = {vg_subscriber_fd(scene->subscriber), POLLIN, 0};
        int due_ms;

        if (next <= 6000) {
            fake_broker_deliver(scene->broker, MAILBOX, next, next + 19, false);
            next += 20;
        }
        due_ms = vg_subscriber_due_ms(scene->subscriber);
        assert_true(due_ms >= 0);
        assert_true(poll(&fd, 1, due_ms < FAKE_WAIT_MS ? due_ms : FAKE_WAIT_MS) > 0 ||
                    due_ms < FAKE_WAIT_MS);
        (void)vg_subscriber_process(scene->subscriber, 0, NULL);
    }
    for (uint64_t i = 0; i < 6000; i++) {
        assert_int_equal(scene->given[i], i + 1);
    }
    end(scene);
}

// ---- going back ----

// The broker's word, sent before it is asked for: the client reads it when it waits.
static void
say_rewound(struct scene *scene, uint64_t from, uint64_t through)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Rewound rewound = VIGIE__V1__REWOUND__INIT;

    rewound.mailbox = MAILBOX;
    rewound.from = from;
    rewound.through = through;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_REWOUND;
    message.rewound = &rewound;
    fake_broker_send(scene->broker, &message);
}

static enum vg_status
go_back_to(struct scene *scene, uint64_t number, struct vg_error *error)
{
    struct vg_rewind_goal goal = {.number = number};
    uint64_t from = 0, through = 0;
    enum vg_status status =
        vg_rewind(scene->subscriber, MAILBOX, goal, FAKE_WAIT_MS, &from, &through, error);

    assert_true(status != VG_OK || (from == 3 && through == 8));
    return status;
}

static struct scene *
begin_with_a_past(void)
{
    struct scene *scene = begin();

    set_mailbox(scene, 8, 8, 0);
    subscribe(scene, MAILBOX);
    say_rewound(scene, 3, 8);
    assert_int_equal(go_back_to(scene, 3, NULL), VG_OK);
    return scene;
}

static void
what_was_done_with_comes_again(void **state)
{
    static const uint64_t expected[] = {3, 4, 5, 7, 8, 9};
    struct scene *scene = begin_with_a_past();
    Vigie__V1__ToBroker *message =
        fake_broker_take(scene->broker, VIGIE__V1__TO_BROKER__MESSAGE_REWIND);

    (void)state;
    assert_int_equal(message->rewind->mailbox, MAILBOX);
    assert_int_equal(message->rewind->number, 3);
    vigie__v1__to_broker__free_unpacked(message, NULL);
    fake_broker_deliver(scene->broker, MAILBOX, 3, 5, true);
    process_until_given(scene, 3);
    assert_true(scene->latest.again);
    expect_acknowledge(scene, MAILBOX, 5, NULL, 0);
    fake_broker_deliver(scene->broker, MAILBOX, 4, 4, true); // a repeat of the repeat
    fake_broker_deliver(scene->broker, MAILBOX, 7, 8, true); // 6 was never acknowledged
    process_until_given(scene, 5);
    expect_acknowledge(scene, MAILBOX, 8, NULL, 0);
    fake_broker_deliver(scene->broker, MAILBOX, 9, 9, false);
    process_until_given(scene, 6);
    assert_memory_equal(scene->given, expected, sizeof expected);
    expect_acknowledge(scene, MAILBOX, 9, NULL, 0);
    end(scene);
}

static void
what_comes_again_may_be_acknowledged_later(void **state)
{
    static const uint64_t alone[] = {4};
    struct scene *scene = begin_with_a_past();

    (void)state;
    scene->hold_from = 3;
    scene->hold_to = 8;
    fake_broker_deliver(scene->broker, MAILBOX, 3, 6, true);
    process_until_given(scene, 4);
    assert_int_equal(acknowledges(scene), 0);
    assert_int_equal(vg_acknowledge_one(scene->subscriber, MAILBOX, 4), VG_OK);
    expect_acknowledge(scene, MAILBOX, 0, alone, 1);
    assert_int_equal(vg_acknowledge(scene->subscriber, MAILBOX, 6), VG_OK);
    expect_acknowledge(scene, MAILBOX, 6, NULL, 0);
    end(scene);
}

static void
a_refused_rewind_says_why(void **state)
{
    struct scene *scene = begin();
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Refused refused = VIGIE__V1__REFUSED__INIT;
    Vigie__V1__Fault fault = VIGIE__V1__FAULT__INIT;
    struct vg_error error;

    (void)state;
    assert_int_equal(go_back_to(scene, 3, &error), VG_NOT_FOUND); // not open
    subscribe(scene, MAILBOX);
    fault.status = VG_NOT_FOUND;
    fault.name = (char *)"NOT_FOUND";
    fault.remedy = 1;
    fault.sentence = (char *)"mailbox 5: 7 is the oldest";
    refused.fault = &fault;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED;
    message.refused = &refused;
    fake_broker_send(scene->broker, &message);
    assert_int_equal(go_back_to(scene, 3, &error), VG_NOT_FOUND);
    assert_string_equal(error.sentence, "mailbox 5: 7 is the oldest");
    fake_broker_deliver(scene->broker, MAILBOX, 1, 2, false); // the handle is as before
    process_until_given(scene, 2);
    end(scene);
}

static void
a_lost_connection_ends_a_rewind(void **state)
{
    struct scene *scene = begin_with_a_past();
    struct vg_error error;

    (void)state;
    fake_broker_drop(scene->broker);
    assert_int_equal(go_back_to(scene, 3, &error), VG_DISCONNECTED);
    process_until_seen(scene, VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE, 2);
    fake_broker_deliver(scene->broker, MAILBOX, 4, 4, true); // of the old connection
    fake_broker_deliver(scene->broker, MAILBOX, 9, 9, false);
    process_until_given(scene, 1);
    assert_int_equal(scene->given[0], 9);
    end(scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_mailbox_gets_its_number),
        cmocka_unit_test(the_default_mailbox_may_be_open_already),
        cmocka_unit_test(a_refused_subscription_says_why),
        cmocka_unit_test(a_subscription_without_an_answer_is_given_up),
        cmocka_unit_test(one_acknowledgement_speaks_for_a_whole_turn),
        cmocka_unit_test(a_quarter_of_the_window_is_acknowledged_at_once),
        cmocka_unit_test(one_that_is_held_back_does_not_hold_the_others),
        cmocka_unit_test(what_never_came_cannot_be_acknowledged),
        cmocka_unit_test(closing_sends_what_is_noted),
        cmocka_unit_test(what_was_done_with_comes_again),
        cmocka_unit_test(what_comes_again_may_be_acknowledged_later),
        cmocka_unit_test(a_refused_rewind_says_why),
        cmocka_unit_test(a_lost_connection_ends_a_rewind),
        cmocka_unit_test(mailboxes_are_counted_apart),
        cmocka_unit_test(a_gap_ends_the_connection),
        cmocka_unit_test(repeats_are_dropped),
        cmocka_unit_test(a_new_connection_subscribes_and_is_told_again),
        cmocka_unit_test(a_gap_across_connections_is_noticed),
        cmocka_unit_test(numbers_that_begin_anew_are_noticed),
        cmocka_unit_test(a_refused_letter_comes_again_out_of_turn),
        cmocka_unit_test(a_parked_one_lets_the_others_pass),
        cmocka_unit_test(a_refusal_is_sent_again_when_its_letter_comes_again),
        cmocka_unit_test(numbers_that_the_broker_names_are_no_gap),
        cmocka_unit_test(what_cannot_be_refused_is_said_at_once),
        cmocka_unit_test(nonsense_ends_the_connection),
        cmocka_unit_test(a_foreign_loop_misses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
