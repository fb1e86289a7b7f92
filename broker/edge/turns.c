// SPDX-License-Identifier: EUPL-1.2
// The turns of the loop: what wakes it, what is done then, and what every turn ends with. The
// doors wake it as well (broker.c).
#include "edge/anchoring.h"
#include "edge/answers.h"
#include "edge/broker_internal.h"
#include "edge/damage.h"
#include "edge/delivery.h"
#include "edge/drain.h"
#include "edge/lapsing.h"
#include "edge/levels.h"
#include "edge/log.h"
#include "edge/merging.h"
#include "edge/owed.h"
#include "edge/pacing.h"
#include "edge/refusals.h"
#include "edge/retention.h"
#include "edge/rewinding.h"
#include "edge/ride.h"
#include "edge/unread.h"
#include "edge/walks.h"
#include "edge/watch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum {
    SECOND_MS = 1000,
    PULSES_PER_HEARTBEAT = 4,
    PULSE_MS_MIN = 10,
    PULSE_MS_MAX = 250,
};

// ---- what every turn ends with ----

struct txn *
broker_txn(struct broker *broker)
{
    if (!broker->txn_awake && store_read_renew(broker->txn) != VG_OK) {
        log_error("store_unreadable", "store=%s", store_path(broker->store));
        _exit(BROKER_EXIT_UNKNOWN);
    }
    broker->txn_awake = true;
    return broker->txn;
}

void
broker_rest_txn(struct broker *broker)
{
    if (broker->txn_awake) {
        store_read_rest(broker->txn);
        broker->txn_awake = false;
    }
}

void
broker_end_turn(struct broker *broker)
{
    broker_rest_txn(broker);
    if (broker->sources != NULL) {
        door_settle(broker->sources);
    }
    if (broker->members != NULL) {
        door_settle(broker->members);
    }
}

// ---- what is done in one ----

static void
at_answers(evutil_socket_t fd, short what, void *arg)
{
    struct broker *broker = broker_of(arg);
    (void)fd;
    (void)what;

    answers_take(broker);
    broker_end_turn(broker);
}

static void
at_second(evutil_socket_t fd, short what, void *arg)
{
    struct broker *broker = broker_of(arg);
    (void)fd;
    (void)what;

    answers_take(broker); // should a wake-up ever be lost
    watch_room(broker);
    owed_propose(broker);
    retention_watch(broker, clock_ms());
    merging_watch(broker);
    unread_watch(broker);
    lapsing_watch(broker, clock_now());
    anchoring_watch(broker, clock_now());
    damage_watch(broker);
    watch_fold(broker);
    watch_arrivals(broker, clock_ms());
    lanes_tick(broker->lanes);
    pacing_tick(broker);
    levels_look(broker, clock_now());
    broker_end_turn(broker);
}

static void
at_pulse(evutil_socket_t fd, short what, void *arg)
{
    struct broker *broker = broker_of(arg);
    (void)fd;
    (void)what;

    watch_disk(broker);
    watch_sessions(broker, clock_ms());
    broker_end_turn(broker);
}

static void
at_delivery(evutil_socket_t fd, short what, void *arg)
{
    struct broker *broker = broker_of(arg);
    (void)fd;
    (void)what;

    delivery_run(broker);
    broker_end_turn(broker);
}

static void
at_search(evutil_socket_t fd, short what, void *arg)
{
    struct broker *broker = broker_of(arg);
    (void)fd;
    (void)what;

    rewinding_search(broker);
    delivery_run(broker);
    broker_end_turn(broker);
}

static void
at_walk(evutil_socket_t fd, short what, void *arg)
{
    struct broker *broker = broker_of(arg);
    (void)fd;
    (void)what;

    walks_go_on(broker);
    broker_end_turn(broker);
}

static void
at_ride(evutil_socket_t fd, short what, void *arg)
{
    struct broker *broker = broker_of(arg);
    (void)fd;
    (void)what;

    ride_end(broker);
    broker_end_turn(broker);
}

static void
at_resend(evutil_socket_t fd, short what, void *arg)
{
    struct broker *broker = broker_of(arg);
    (void)fd;
    (void)what;

    sending_go_on(broker);
    delivery_run(broker);
    broker_end_turn(broker);
}

static void
at_drain(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    drain_check(broker_of(arg));
}

static void
at_retry(evutil_socket_t fd, short what, void *arg)
{
    struct broker *broker = broker_of(arg);

    (void)fd;
    (void)what;
    refusals_due(broker);
    delivery_run(broker);
    broker_end_turn(broker);
}

// ---- what wakes the loop ----

enum vg_status
turns_open(struct broker *broker, struct why *why)
{
    struct event_config *config = event_config_new();

    // Otherwise a timer of less than four milliseconds takes four.
    if (config != NULL &&
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0) {
        broker->base = event_base_new_with_config(config);
    }
    if (config != NULL) {
        event_config_free(config);
    }
    broker->zmq = zmq_ctx_new();
    if (broker->base == NULL || broker->zmq == NULL) {
        return fail(why, VG_NO_MEMORY, "no event loop or no ZeroMQ context: %s",
                    strerror(errno));
    }
    broker->second = event_new(broker->base, -1, EV_PERSIST, at_second, broker);
    broker->pulse = event_new(broker->base, -1, EV_PERSIST, at_pulse, broker);
    broker->resend = evtimer_new(broker->base, at_resend, broker);
    broker->delivery = evtimer_new(broker->base, at_delivery, broker);
    broker->drain = evtimer_new(broker->base, at_drain, broker);
    broker->search = evtimer_new(broker->base, at_search, broker);
    broker->retry = evtimer_new(broker->base, at_retry, broker);
    broker->riding.timer = evtimer_new(broker->base, at_ride, broker);
    broker->walks.turn = evtimer_new(broker->base, at_walk, broker);
    CHECK(broker->second != NULL && broker->pulse != NULL && broker->resend != NULL &&
          broker->delivery != NULL && broker->drain != NULL && broker->search != NULL &&
          broker->retry != NULL && broker->riding.timer != NULL &&
          broker->walks.turn != NULL);
    return VG_OK;
}

enum vg_status
turns_take_answers(struct broker *broker, struct why *why)
{
    broker->answers = event_new(broker->base, writer_fd(broker->writer),
                                EV_READ | EV_PERSIST, at_answers, broker);
    CHECK(broker->answers != NULL);
    return event_add(broker->answers, NULL) == 0
               ? VG_OK
               : fail(why, VG_NO_MEMORY, "the event loop does not take the writer: %s",
                      strerror(errno));
}

void
turns_start(struct broker *broker)
{
    int pulse_ms = (int)broker->settings->heartbeat_ms / PULSES_PER_HEARTBEAT;
    struct timeval second = {SECOND_MS / 1000, 0};
    struct timeval pulse = {0, 0};

    pulse_ms = pulse_ms < PULSE_MS_MIN ? PULSE_MS_MIN : pulse_ms;
    pulse_ms = pulse_ms > PULSE_MS_MAX ? PULSE_MS_MAX : pulse_ms;
    pulse.tv_usec = pulse_ms * 1000;
    CHECK(event_add(broker->second, &second) == 0);
    CHECK(event_add(broker->pulse, &pulse) == 0);
}

static void
end_event(struct event **event)
{
    if (*event != NULL) {
        event_free(*event);
        *event = NULL;
    }
}

void
turns_close(struct broker *broker)
{
    end_event(&broker->answers);
    end_event(&broker->second);
    end_event(&broker->pulse);
    end_event(&broker->resend);
    end_event(&broker->delivery);
    end_event(&broker->drain);
    end_event(&broker->search);
    end_event(&broker->retry);
    end_event(&broker->riding.timer);
    end_event(&broker->walks.turn);
}
