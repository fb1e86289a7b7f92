// SPDX-License-Identifier: EUPL-1.2
#include "edge/drain.h"

#include "edge/log.h"
#include "edge/zap.h"
#include "wire/wire.h"

enum {
    DRAIN_CHECK_MS = 20,
    DRAIN_ACKNOWLEDGE_MS = 2000, // for what members acknowledge after our Goodbye
};

static void
check_again_soon(struct broker *broker)
{
    struct timeval wait = {0, DRAIN_CHECK_MS * 1000};

    CHECK(evtimer_add(broker->drain, &wait) == 0);
}

static bool
all_is_said(const struct broker *broker, int64_t since_ms)
{
    bool in_flight = false;

    for (const struct session *session = sessions_first(broker->sessions);
         session != NULL; session = session->next) {
        if (session->outbox != NULL) {
            return false;
        }
        for (const struct lane *lane = session->lanes; lane != NULL; lane = lane->next) {
            in_flight |= outflow_state(lane->outflow).in_flight_messages > 0;
        }
    }
    return broker->proposed == 0 && (!in_flight || since_ms >= DRAIN_ACKNOWLEDGE_MS);
}

void
drain_check(struct broker *broker)
{
    int64_t since_ms = clock_ms() - broker->drain_ms;

    if (all_is_said(broker, since_ms)) {
        log_info("drained", "after_ms=%lld", (long long)since_ms);
        event_base_loopbreak(broker->base);
    } else if (since_ms >= (int64_t)broker->settings->drain_seconds * 1000) {
        log_warning("drain_given_up", "unanswered=%zu", broker->proposed);
        event_base_loopbreak(broker->base);
    } else {
        check_again_soon(broker);
    }
}

void
drain_begin(struct broker *broker)
{
    struct session *session = sessions_first(broker->sessions);

    if (broker->draining) {
        return;
    }
    log_info("draining", "unanswered=%zu sessions=%zu", broker->proposed,
             sessions_len(broker->sessions));
    broker->draining = true;
    broker->drain_ms = clock_ms();
    metrics.draining = 1;
    zap_set_later(broker->zap, true);
    while (session != NULL) {
        struct session *next = session->next;

        wire_write_goodbye("the broker is stopping", &broker->frame);
        (void)broker_send_frame(broker, session);
        session = next;
    }
    check_again_soon(broker);
}
