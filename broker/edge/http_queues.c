// SPDX-License-Identifier: EUPL-1.2
// http_queues.c - what lies in each mailbox, who fetches it, how fast and how old it is.
#include "edge/http_inside.h"

#include "edge/damage.h"
#include "edge/unread.h"
#include "json/json.h"

// What the rows add up to.
struct totals {
    uint64_t mailboxes;
    uint64_t connected;
    uint64_t waiting;
    uint64_t in_flight;
    uint64_t acknowledged;
    uint64_t held;
    uint64_t parked;
    uint64_t unwanted;
    uint64_t merged;
    uint64_t withdrawn;
    uint64_t bytes;
    double in_per_second;
    double out_per_second;
    double oldest_seconds; // the oldest of all
};

static json_t *
count_of(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *
tenths_of(double number)
{
    return json_real((double)(uint64_t)(number * 10 + 0.5) / 10);
}

static json_t *
moment_of(int64_t us)
{
    return us <= 0 ? json_null() : json_moment((uint64_t)us);
}

// Why letters that wait are not pushed now.
static json_t *
rests_of(const struct lane *lane)
{
    return lane == NULL || lane->hold_back_us == 0
               ? json_null()
               : json_string(lane->hold_back_us == RULES_REST ? "quiet hours" : "digest");
}

// What only the loop knows: who has the mailbox open, and how it goes.
static void
add_lane(json_t *row, const struct lane *lane, struct totals *totals)
{
    struct outflow_state state = {0};
    bool connected = lane != NULL && lane->session != NULL && lane->outflow != NULL;

    if (connected) {
        state = outflow_state(lane->outflow);
        totals->connected++;
        totals->in_flight += state.in_flight_messages;
    }
    if (lane != NULL) {
        totals->unwanted += lane->unwanted;
        totals->merged += lane->merged;
        totals->withdrawn += lane->withdrawn;
        totals->in_per_second += lane->in.per_second;
        totals->out_per_second += lane->out.per_second;
    }

    uint64_t messages = state.window_messages > state.in_flight_messages
                            ? state.window_messages - state.in_flight_messages
                            : 0;
    uint64_t bytes = state.window_bytes > state.in_flight_bytes
                         ? state.window_bytes - state.in_flight_bytes
                         : 0;

    json_object_set_new(row, "connected", json_boolean(connected));
    json_object_set_new(row, "in_flight", count_of(state.in_flight_messages));
    json_object_set_new(row, "credit_messages",
                        connected ? count_of(messages) : json_null());
    json_object_set_new(row, "credit_bytes", connected ? count_of(bytes) : json_null());
    json_object_set_new(row, "in_per_second",
                        tenths_of(lane == NULL ? 0 : lane->in.per_second));
    json_object_set_new(row, "out_per_second",
                        tenths_of(lane == NULL ? 0 : lane->out.per_second));
    json_object_set_new(row, "unwanted", count_of(lane == NULL ? 0 : lane->unwanted));
    json_object_set_new(row, "merged", count_of(lane == NULL ? 0 : lane->merged));
    json_object_set_new(row, "withdrawn", count_of(lane == NULL ? 0 : lane->withdrawn));
    json_object_set_new(row, "rests", rests_of(lane));
    json_object_set_new(row, "last_delivery",
                        moment_of(lane == NULL ? 0 : lane->delivered_us));
}

static void
add_oldest(struct broker *broker, json_t *json, uint32_t mailbox,
           const struct mailbox_row *row, struct totals *totals)
{
    int64_t kept_us = 0;

    if (mailbox_waiting(row) > 0) {
        // A letter that cannot be read has no age.
        if (unread_oldest(broker, mailbox, row->acknowledged + 1, &kept_us) != VG_OK) {
            kept_us = 0;
        }
    }
    if (kept_us == 0) {
        json_object_set_new(json, "oldest_seconds", json_null());
        return;
    }

    int64_t age_us = clock_now().us - kept_us;
    double seconds = age_us < 0 ? 0 : (double)age_us / 1e6;

    json_object_set_new(json, "oldest_seconds", tenths_of(seconds));
    totals->oldest_seconds =
        seconds > totals->oldest_seconds ? seconds : totals->oldest_seconds;
}

static void
add_damage(const struct broker *broker, json_t *json, uint32_t mailbox)
{
    const struct damage *damage = damages_of(broker->damages, mailbox);

    json_object_set_new(json, "damaged",
                        damage == NULL ? json_null() : http_text(damage->why.text));
}

static enum vg_status
add_mailbox_row(struct broker *broker, const struct mailbox_spec *spec, json_t *rows,
                struct totals *totals)
{
    const struct institution *institution =
        roster_institution(broker->roster, spec->institution);
    const struct lane *lane = lanes_find(broker->lanes, spec->id);
    struct mailbox_row row;
    enum vg_status status =
        mailbox_get(broker_txn(broker), (struct mailbox_id){spec->id}, &row);

    if (status != VG_OK) {
        return status;
    }

    json_t *json = json_pack("{s:s, s:s, s:o}", "institution",
                             institution == NULL ? "" : institution->code, "name",
                             spec->name, "mailbox", count_of(spec->id));

    json_object_set_new(json, "waiting", count_of(mailbox_waiting(&row)));
    json_object_set_new(json, "acknowledged", count_of(row.acknowledged_total));
    json_object_set_new(json, "held", count_of(row.held));
    json_object_set_new(json, "parked", count_of(row.parked));
    json_object_set_new(json, "bytes", count_of(mailbox_bytes_waiting(&row)));
    json_object_set_new(
        json, "level",
        json_string(limits_level_name(lane == NULL ? LIMITS_CALM : lane->level)));
    json_object_set_new(json, "last_number", count_of(row.last));
    json_object_set_new(json, "last_acknowledgement",
                        moment_of(row.last_acknowledged_us));
    add_lane(json, lane, totals);
    add_oldest(broker, json, spec->id, &row, totals);
    add_damage(broker, json, spec->id);
    json_array_append_new(rows, json);
    totals->mailboxes++;
    totals->waiting += mailbox_waiting(&row);
    totals->acknowledged += row.acknowledged_total;
    totals->held += row.held;
    totals->parked += row.parked;
    totals->bytes += mailbox_bytes_waiting(&row);
    return VG_OK;
}

static json_t *
totals_row(const struct totals *totals)
{
    json_t *row = json_object();

    json_object_set_new(row, "mailboxes", count_of(totals->mailboxes));
    json_object_set_new(row, "connected", count_of(totals->connected));
    json_object_set_new(row, "waiting", count_of(totals->waiting));
    json_object_set_new(row, "in_flight", count_of(totals->in_flight));
    json_object_set_new(row, "acknowledged", count_of(totals->acknowledged));
    json_object_set_new(row, "held", count_of(totals->held));
    json_object_set_new(row, "parked", count_of(totals->parked));
    json_object_set_new(row, "unwanted", count_of(totals->unwanted));
    json_object_set_new(row, "merged", count_of(totals->merged));
    json_object_set_new(row, "withdrawn", count_of(totals->withdrawn));
    json_object_set_new(row, "bytes", count_of(totals->bytes));
    json_object_set_new(row, "in_per_second", tenths_of(totals->in_per_second));
    json_object_set_new(row, "out_per_second", tenths_of(totals->out_per_second));
    json_object_set_new(row, "oldest_seconds", tenths_of(totals->oldest_seconds));
    return row;
}

void
get_queues(struct call *call)
{
    struct broker *broker = call->broker;
    const char *code = call_question(call, "institution");
    const struct institution *only =
        code == NULL ? NULL : roster_by_code(broker->roster, bytes_of(code));
    struct totals totals = {0};
    json_t *rows;
    enum vg_status status = VG_OK;

    if (code != NULL && only == NULL) {
        call_refuse(call, VG_NOT_FOUND, "there is no institution %.40s", code);
        return;
    }
    rows = json_array();
    for (size_t i = 0; status == VG_OK && i < roster_mailboxes_len(broker->roster); i++) {
        const struct mailbox_spec *spec = roster_mailbox_at(broker->roster, i);

        if (only == NULL || only->id == spec->institution) {
            status = add_mailbox_row(broker, spec, rows, &totals);
        }
    }
    if (status != VG_OK) {
        json_decref(rows);
        call_refuse(call, status, "a mailbox could not be read");
        return;
    }
    call_answer(
        call, json_pack("{s:o, s:o}", "mailboxes", rows, "totals", totals_row(&totals)));
}
