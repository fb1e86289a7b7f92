// SPDX-License-Identifier: EUPL-1.2
#include "edge/broker.h"

#include "edge/anchoring.h"
#include "edge/broker_internal.h"
#include "edge/catching_up.h"
#include "edge/damage.h"
#include "edge/delivery.h"
#include "edge/drain.h"
#include "edge/http.h"
#include "edge/levels.h"
#include "edge/log.h"
#include "edge/members.h"
#include "edge/owed.h"
#include "edge/pacing.h"
#include "edge/pair.h"
#include "edge/ready.h"
#include "edge/reload.h"
#include "edge/retention.h"
#include "edge/ride.h"
#include "edge/scrubber.h"
#include "edge/sources.h"
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
#include <zmq.h>

enum {
    DOOR_BYTES_MAX = 2 * WIRE_MESSAGE_BYTES_MAX, // above the limit, so that we can say so
    TRIM_BYTES =
        512 << 20, // memory kept for the next burst: page faults were 7 % of the CPU
    MMAP_BYTES = 32 << 20,
};

// ---- proposing ----

void
broker_propose(struct broker *broker, struct command **command)
{
    broker->proposed++;
    metrics.queued = broker->proposed;
    ride_with(broker, command);
}

// ---- on demand ----

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

    return status == VG_OK ? turns_take_answers(broker, why) : status;
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
    turns_start(broker);
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
        status = turns_open(broker, &why);
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
    turns_close(ended);
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
