// SPDX-License-Identifier: EUPL-1.2
#include "edge/broker.h"

#include "edge/anchoring.h"
#include "edge/answers.h"
#include "edge/catching_up.h"
#include "edge/damage.h"
#include "edge/delivery.h"
#include "edge/drain.h"
#include "edge/http.h"
#include "edge/lapsing.h"
#include "edge/levels.h"
#include "edge/log.h"
#include "edge/members.h"
#include "edge/owed.h"
#include "edge/pacing.h"
#include "edge/ride.h"
#include "edge/pair.h"
#include "edge/ready.h"
#include "edge/refusals.h"
#include "edge/reload.h"
#include "edge/merging.h"
#include "edge/retention.h"
#include "edge/rewinding.h"
#include "edge/scrubber.h"
#include "edge/sources.h"
#include "edge/unread.h"
#include "edge/walks.h"
#include "edge/watch.h"
#include "edge/zap.h"
#include "wire/wire.h"

#include <errno.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

enum {
    SECOND_MS = 1000,
    PULSES_PER_HEARTBEAT = 4,
    PULSE_MS_MIN = 10,
    PULSE_MS_MAX = 250,
    RESEND_MS = 10,
    DOOR_BYTES_MAX = 2 * WIRE_MESSAGE_BYTES_MAX, // above the limit, so that we can say so
    TRIM_BYTES =
        512 << 20, // memory kept for the next burst: page faults were 7 % of the CPU
    MMAP_BYTES = 32 << 20,
};

// ---- turns ----

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

static struct broker *
broker_of(void *arg)
{
    struct broker *broker = arg;

    CHECK(broker->magic == BROKER_MAGIC);
    return broker;
}

static void
at_door_turn(void *arg)
{
    struct broker *broker = broker_of(arg);

    delivery_run(broker);
    broker_end_turn(broker);
}

static void
at_sources(struct door *door, const struct door_message *message, void *arg)
{
    reception_take(broker_of(arg), &sources_desks, door, message);
}

static void
at_members(struct door *door, const struct door_message *message, void *arg)
{
    reception_take(broker_of(arg), &members_desks, door, message);
}

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
    (void)fd;
    (void)what;
    at_door_turn(arg);
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

// ---- sending ----

static void
start_timer(struct event *timer, int ms)
{
    struct timeval wait = {ms / 1000, ms % 1000 * 1000};

    if (!evtimer_pending(timer, NULL)) {
        CHECK(evtimer_add(timer, &wait) == 0);
    }
}

static void
forget_session(struct broker *broker, struct session *session, const char *reason)
{
    log_info("session_closed", "session=%llu why=%s", (unsigned long long)session->id,
             log_quote(reason).text);
    delivery_forget(broker, session);
    sessions_drop(broker->sessions, session);
    metrics.sessions = sessions_len(broker->sessions);
}

void
broker_kill(struct broker *broker, struct session *session, const char *reason)
{
    metrics.connections_dropped++;
    (void)far_end_shut(&session->far_end);
    forget_session(broker, session, reason);
}

static enum door_sent
send_now(struct session *session, struct bytes frame)
{
    struct bytes route = {session->route, session->route_len};
    enum door_sent sent = door_send(session->door, route, frame);

    if (sent == DOOR_SENT) {
        metrics.frames_out++;
        session->said_ms = clock_ms();
    }
    return sent;
}

static bool
keep_for_later(struct broker *broker, struct session *session, struct bytes frame)
{
    if (session->outbox == NULL) {
        session->stalled_ms = clock_ms();
    }
    if (!session_keep_frame(session, frame)) {
        broker_kill(broker, session, "does not read");
        return false;
    }
    start_timer(broker->resend, RESEND_MS);
    return true;
}

bool
broker_send(struct broker *broker, struct session *session, struct bytes frame)
{
    enum door_sent sent = session->outbox == NULL ? send_now(session, frame) : DOOR_FULL;

    if (sent == DOOR_GONE) {
        forget_session(broker, session, "gone");
        return false;
    }
    return sent == DOOR_SENT || keep_for_later(broker, session, frame);
}

bool
broker_send_frame(struct broker *broker, struct session *session)
{
    bool sent =
        broker_send(broker, session, (struct bytes){broker->frame.at, broker->frame.len});

    buffer_clear(&broker->frame);
    return sent;
}

// False when the session is gone.
static bool
send_outbox(struct broker *broker, struct session *session)
{
    while (session->outbox != NULL) {
        struct bytes frame = {session->outbox->bytes, session->outbox->len};
        enum door_sent sent = send_now(session, frame);

        if (sent == DOOR_GONE) {
            forget_session(broker, session, "gone");
            return false;
        }
        if (sent == DOOR_FULL) {
            start_timer(broker->resend, RESEND_MS);
            return true;
        }
        session->stalled_ms = clock_ms();
        session_drop_frame(session);
    }
    delivery_resume(broker, session);
    return true;
}

static void
at_resend(evutil_socket_t fd, short what, void *arg)
{
    struct broker *broker = broker_of(arg);
    struct session *session = sessions_first(broker->sessions);
    (void)fd;
    (void)what;

    while (session != NULL) {
        struct session *next = session->next;

        (void)send_outbox(broker, session);
        session = next;
    }
    delivery_run(broker);
    broker_end_turn(broker);
}

bool
broker_refuse(struct broker *broker, struct session *session, enum vg_status status,
              const char *sentence)
{
    wire_write_refused(status, sentence, &broker->frame);
    return broker_send_frame(broker, session);
}

void
broker_violation(struct broker *broker, struct session *session, enum vg_status status,
                 const char *sentence)
{
    metrics.violations++;
    log_warning("violation", "session=%llu status=%s why=%s",
                (unsigned long long)session->id, vg_status_name(status),
                log_quote(sentence).text);
    if (++session->violations >= SESSION_VIOLATIONS_MAX) {
        broker_dismiss(broker, session, status, sentence);
    } else {
        (void)broker_refuse(broker, session, status, sentence);
    }
}

void
broker_dismiss(struct broker *broker, struct session *session, enum vg_status status,
               const char *sentence)
{
    log_info("session_dismissed", "session=%llu status=%s why=%s",
             (unsigned long long)session->id, vg_status_name(status),
             log_quote(sentence).text);
    delivery_forget(broker, session);
    while (session->lanes != NULL) {
        session_close_lane(session->lanes);
    }
    session->state = SESSION_LEAVING;
    session->leave_ms = clock_ms() + SESSION_LEAVE_MS;
    (void)broker_refuse(broker, session, status, sentence);
}

// ---- proposing ----

void
broker_propose(struct broker *broker, struct command **command)
{
    broker->proposed++;
    metrics.queued = broker->proposed;
    ride_with(broker, command);
}

// ---- on demand ----

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

void
broker_drain(struct broker *broker)
{
    drain_begin(broker);
    broker_end_turn(broker);
}

void
broker_reload(struct broker *broker)
{
    log_info("reload", "settings=%s",
             broker->settings_path == NULL ? "-" : broker->settings_path);
    reload_settings(broker);
    if (keys_reload(broker->keys, broker_txn(broker)) != VG_OK) {
        log_error("keys_unreadable", "store=%s", store_path(broker->store));
    }
    if (broker->http != NULL) {
        http_reload(broker->http);
    }
    reload_catalogue(broker);
    broker_end_turn(broker);
}

// ---- putting it together ----

static enum vg_status
open_store(struct broker *broker, struct why *why)
{
    const struct settings *settings = broker->settings;
    struct store_options options = {
        .path = settings->store_path,
        .map_bytes = settings->map_bytes,
        .quota_bytes = settings->quota_bytes,
        .create = true,
    };

    if (mkdir(settings->store_path, 0700) != 0 && errno != EEXIST) {
        return fail(why, VG_BAD_FILE, "cannot make the folder %s: %s",
                    settings->store_path, strerror(errno));
    }

    enum vg_status status = store_open(&options, &broker->store, why);

    if (status == VG_OK && store_was_schema(broker->store) != 0 &&
        store_was_schema(broker->store) != STORE_SCHEMA) {
        log_info("store_upgraded", "from=%u to=%d", store_was_schema(broker->store),
                 STORE_SCHEMA);
    }
    return status;
}

static enum vg_status
read_lanes(struct broker *broker)
{
    for (size_t i = 0; i < roster_mailboxes_len(broker->roster); i++) {
        const struct mailbox_spec *spec = roster_mailbox_at(broker->roster, i);
        struct lane *lane = lanes_at(broker->lanes, spec->id);
        struct mailbox_row row;
        enum vg_status status =
            mailbox_get(broker->txn, (struct mailbox_id){spec->id}, &row);

        if (status != VG_OK) {
            return status;
        }
        lane->last = lane->found = lane->in.seen = row.last;
        lane->fill = (struct fill){mailbox_waiting(&row), mailbox_bytes_waiting(&row), 0};
    }
    return VG_OK;
}

static enum vg_status
open_state(struct broker *broker, struct why *why)
{
    struct meta meta;
    enum vg_status status = open_store(broker, why);

    if (status == VG_OK) {
        status = applier_open(broker->store, &broker->applier, why);
    }
    if (status == VG_OK) {
        status = store_read(broker->store, &broker->txn, why);
    }
    if (status != VG_OK) {
        return status;
    }
    broker->txn_awake = true;
    broker->roster = applier_roster(broker->applier);
    broker->merging.wanted = true;
    broker->catalogue = applier_catalogue(broker->applier);
    status = meta_get(broker->txn, &meta, why);
    if (status == VG_OK) {
        broker->last_commit = meta.last_commit;
        retention_folded(broker, meta.folded_commit);
        broker->fold_wanted = meta.folded_commit < meta.last_commit;
        broker->proposals = proposals_new(meta.last_batch);
        status = tails_open(broker->txn, &broker->tails, why);
    }
    if (status == VG_OK) {
        damage_note_tails(broker);
        status = holds_open(broker->txn, &broker->holds);
    }
    if (status == VG_OK) {
        status = keys_reload(broker->keys, broker->txn);
    }
    if (status == VG_OK) {
        status = read_lanes(broker);
    }
    if (status == VG_OK) {
        status = anchoring_open(broker, why);
    }
    broker_rest_txn(broker);
    return status;
}

static enum vg_status
open_loop(struct broker *broker, struct why *why)
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

static enum vg_status
open_writer(struct broker *broker, struct why *why)
{
    struct writer_options options = {
        .applier = broker->applier,
        .proposals = broker->proposals,
        .test_persons = broker->settings->test_persons,
        .retry = {broker->settings->retry_first_ms, broker->settings->retry_longest_ms,
                  broker->settings->retry_attempts},
        .store = broker->store,
        .ahead = {broker->settings->ahead_bytes,
                  2 * broker->settings->disk_reserve_bytes},
    };
    enum vg_status status = writer_start(&options, &broker->writer, why);

    if (status != VG_OK) {
        return status;
    }
    broker->answers = event_new(broker->base, writer_fd(broker->writer),
                                EV_READ | EV_PERSIST, at_answers, broker);
    CHECK(broker->answers != NULL);
    return event_add(broker->answers, NULL) == 0
               ? VG_OK
               : fail(why, VG_NO_MEMORY, "the event loop does not take the writer: %s",
                      strerror(errno));
}

static enum vg_status
open_doors(struct broker *broker, struct pair *pair, struct why *why)
{
    const struct settings *settings = broker->settings;
    struct door_options options = {
        .zmq = broker->zmq,
        .base = broker->base,
        .name = "sources",
        .endpoint = settings->sources_endpoint,
        .secret = pair->secret,
        .message_bytes_max = DOOR_BYTES_MAX,
        .message = at_sources,
        .turn = at_door_turn,
        .arg = broker,
    };
    enum vg_status status =
        zap_open(broker->zmq, broker->base, broker->keys, &broker->zap, why);

    if (status == VG_OK) {
        status = door_open(&options, &broker->sources, why);
    }
    options.name = "members";
    options.endpoint = settings->members_endpoint;
    options.message = at_members;
    if (status == VG_OK) {
        status = door_open(&options, &broker->members, why);
    }
    if (status == VG_OK && settings->http_endpoint[0] != 0) {
        status = http_open(broker, &broker->http, why);
    }
    return status;
}

static void
start_watching(struct broker *broker)
{
    int pulse_ms = (int)broker->settings->heartbeat_ms / PULSES_PER_HEARTBEAT;
    struct timeval second = {SECOND_MS / 1000, 0};
    struct timeval pulse = {0, 0};

    pulse_ms = pulse_ms < PULSE_MS_MIN ? PULSE_MS_MIN : pulse_ms;
    pulse_ms = pulse_ms > PULSE_MS_MAX ? PULSE_MS_MAX : pulse_ms;
    pulse.tv_usec = pulse_ms * 1000;
    CHECK(event_add(broker->second, &second) == 0);
    CHECK(event_add(broker->pulse, &pulse) == 0);
    watch_room(broker);
    levels_open(broker);
    anchoring_watch(broker, clock_now());
    pacing_changed(broker);
}

static enum vg_status
announce(struct broker *broker, const struct pair *pair, struct why *why)
{
    struct ready ready = {
        .broker_public = pair->public_text,
        .sources = door_endpoint(broker->sources),
        .members = door_endpoint(broker->members),
        .http = broker->http == NULL ? "" : http_endpoint(broker->http),
    };
    enum vg_status status = ready_write(broker->settings->run_dir, &ready, why);

    log_info("ready", "sources=%s members=%s http=%s public=\"%s\" commit=%llu",
             ready.sources, ready.members, ready.http, ready.broker_public,
             (unsigned long long)broker->last_commit);
    return status;
}

static enum vg_status
open_all(struct broker *broker, struct pair *pair, struct faults *faults)
{
    struct why why = {0};
    enum vg_status status = pair_read(broker->settings->key_file, PAIR_CURVE, pair, &why);

    if (status == VG_OK) {
        status = open_state(broker, &why);
    }
    if (status == VG_OK) {
        status = open_loop(broker, &why);
    }
    if (status == VG_OK) {
        status = open_writer(broker, &why);
    }
    if (status == VG_OK && broker->settings->scrub_bytes_per_second > 0) {
        status = scrubber_start(broker->store, broker->settings->scrub_bytes_per_second,
                                &broker->scrubber, &why);
    }
    if (status == VG_OK) {
        status = reload_first_catalogue(broker, faults);
        if (status != VG_OK) {
            return status; // its faults are noted
        }
        status = open_doors(broker, pair, &why);
    }
    if (status == VG_OK) {
        start_watching(broker);
        status = announce(broker, pair, &why);
    }
    if (status != VG_OK) {
        faults_add(faults, status, 0, "%s",
                   why.text[0] == 0 ? vg_status_sentence(status) : why.text);
    }
    return status;
}

enum vg_status
broker_open(struct settings *settings, struct broker **ret_broker, struct faults *faults)
{
    struct broker *broker = xcalloc(1, sizeof *broker);
    struct pair pair = {0};
    enum vg_status status;

    (void)sodium_mlock(&pair, sizeof pair); // where the system lets us
    mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
    broker->magic = BROKER_MAGIC;
    broker->settings = settings;
    broker->started = clock_now();
    broker->keys = keys_new();
    broker->sessions = sessions_new();
    broker->lanes = lanes_new();
    broker->damages = damages_new();
    status = open_all(broker, &pair, faults);
    pair_forget(&pair);
    (void)sodium_munlock(&pair, sizeof pair);
    if (status != VG_OK) {
        broker_close(&broker);
        return status;
    }
    *ret_broker = broker;
    return VG_OK;
}

int
broker_run(struct broker *broker)
{
    if (event_base_dispatch(broker->base) != 0) {
        log_error("event_loop_failed", "why=%s", log_quote(strerror(errno)).text);
        broker->exit_code = BROKER_EXIT_UNKNOWN;
    }
    return broker->exit_code;
}

// ---- taking it apart ----

static void
end_event(struct event **event)
{
    if (*event != NULL) {
        event_free(*event);
        *event = NULL;
    }
}

static void
end_sessions(struct broker *broker)
{
    struct session *session;

    while ((session = sessions_first(broker->sessions)) != NULL) {
        delivery_forget(broker, session);
        sessions_drop(broker->sessions, session);
    }
    sessions_free(&broker->sessions);
}

void
broker_close(struct broker **broker)
{
    struct broker *ended = *broker;

    if (ended == NULL) {
        return;
    }
    ready_remove(ended->settings->run_dir);
    http_close(&ended->http);
    dry_running_end(&ended->dry_running);
    walks_close(ended);
    catching_up_end(ended);
    end_sessions(ended);
    ride_end(ended);
    end_event(&ended->answers);
    end_event(&ended->second);
    end_event(&ended->pulse);
    end_event(&ended->resend);
    end_event(&ended->delivery);
    end_event(&ended->drain);
    end_event(&ended->search);
    end_event(&ended->retry);
    end_event(&ended->riding.timer);
    end_event(&ended->walks.turn);
    writer_stop(&ended->writer);
    scrubber_stop(&ended->scrubber);
    door_close(&ended->sources); // what was sent still leaves
    door_close(&ended->members);
    zap_close(&ended->zap);
    if (ended->zmq != NULL) {
        zmq_ctx_term(ended->zmq);
    }
    if (ended->base != NULL) {
        event_base_free(ended->base);
    }
    owed_free(ended);
    ride_free(ended);
    proposals_free(&ended->proposals);
    lanes_free(&ended->lanes);
    damages_free(&ended->damages);
    tails_free(&ended->tails);
    holds_free(&ended->holds);
    keys_free(&ended->keys);
    anchoring_close(ended);
    roster_free(&ended->roster);
    store_abort(&ended->txn);
    applier_close(&ended->applier);
    store_close(&ended->store);
    buffer_free(&ended->frame);
    free(ended);
    *broker = NULL;
}
