// SPDX-License-Identifier: EUPL-1.2
// http_routes.c - the table of what administrators may ask, and the short answers.
#include "edge/http_inside.h"

#include "edge/block.h"
#include "edge/damage.h"

#include <stdlib.h>
#include <string.h>

// ---- health and numbers ----

static void
get_health(struct call *call)
{
    const struct broker *broker = call->broker;
    enum vg_status status = broker->fatal      ? VG_UNKNOWN
                            : broker->draining ? VG_DRAINING
                                               : VG_OK;
    struct why why;

    why_set(&why, "%s", vg_status_sentence(status));
    if (status == VG_OK) {
        status = block_status(broker, &why);
    }
    if (status != VG_OK) {
        call_refuse_with(call, 503, status, why.text);
        return;
    }
    call_answer(call, json_pack("{s:s}", "status", "ok"));
}

static void
get_metrics(struct call *call)
{
    AUTO(buffer_free) struct buffer text = {0};

    metrics_print(&text);
    flow_counts_print(call->broker->flows, call->broker->catalogue, &text);
    sources_print(call->broker, &text);
    call_answer_text(call, "text/plain; version=0.0.4; charset=utf-8",
                     (struct bytes){text.at, text.len});
}

static json_t *
count_of(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *
flow_row(const char *name, const struct flow_count *count)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "flow", name, "published",
                     count_of(count->published), "matched", count_of(count->matched),
                     "no_recipient", count_of(count->published - count->matched),
                     "delivered", count_of(count->notifications), "withheld",
                     count_of(count->withheld), "refused", count_of(count->refused));
}

static void
get_flows(struct call *call)
{
    const struct broker *broker = call->broker;
    json_t *flows = json_array();

    for (uint16_t id = 0; id < FLOW_IDS_MAX; id++) {
        const char *name;

        if (flow_counts_name(broker->flows, broker->catalogue, id, &name)) {
            json_array_append_new(flows, flow_row(name, &broker->flows[id]));
        }
    }
    call_answer(call, json_pack("{s:o}", "flows", flows));
}

static void
get_status(struct call *call)
{
    struct broker *broker = call->broker;
    struct meta meta;
    struct why why = {0};
    enum vg_status status = meta_get(broker_txn(broker), &meta, &why);

    if (status != VG_OK) {
        call_refuse(call, status, "%s", why.text);
        return;
    }

    json_t *store = json_pack(
        "{s:o, s:o, s:o, s:o}", "used", count_of(broker->room.used_bytes), "file",
        count_of(broker->room.file_bytes), "quota", count_of(broker->room.quota_bytes),
        "disk_free", count_of(broker->room.disk_free_bytes));

    call_answer(call,
                json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}",
                          "version", VIGIE_VERSION, "uptime_seconds",
                          (json_int_t)((clock_now().us - broker->started.us) / 1000000),
                          "commits", count_of(metrics.commits), "last_commit_us",
                          count_of(broker->last_commit_us), "batch_mutations",
                          count_of(broker->last_commit_mutations), "sessions",
                          count_of(sessions_len(broker->sessions)), "store", store,
                          "catalogue", count_of(meta.catalogue), "persons",
                          count_of(meta.persons), "integrations",
                          count_of(meta.integrations), "blocked", broker->blocked != 0,
                          "damaged", count_of(damages_len(broker->damages))));
}

// ---- catalogue ----

static void
get_catalogue(struct call *call)
{
    AUTO(buffer_free) struct buffer text = {0};
    struct txn *txn = broker_txn(call->broker);
    struct catalogue_row row = {0};
    struct meta meta;
    struct why why = {0};
    enum vg_status status = meta_get(txn, &meta, &why);

    if (status == VG_OK && meta.catalogue == 0) {
        status = fail(&why, VG_NOT_FOUND, "no catalogue is loaded yet");
    } else if (status == VG_OK) {
        status = catalogue_get(txn, meta.catalogue, &row, &text);
    }
    if (status != VG_OK) {
        call_refuse(call, status, "%s",
                    why.text[0] != '\0' ? why.text : vg_status_sentence(status));
        return;
    }
    call_answer(call, json_pack("{s:o, s:o}", "version", count_of(row.version), "text",
                                json_stringn((const char *)text.at, text.len)));
}

static json_t *
loaded(const struct command *command)
{
    return json_pack("{s:o, s:o}", "ticket", count_of(command->ticket), "version",
                     count_of(command->load_catalogue.version));
}

static void
post_catalogue(struct call *call)
{
    struct command *command =
        command_new(COMMAND_LOAD_CATALOGUE, call->body.at, call->body.len);

    command->load_catalogue.text = (struct bytes){command->frame.at, command->frame.len};
    call_propose(call, &command, loaded);
}

// ---- the table ----

const struct route http_routes[] = {
    {EVHTTP_REQ_GET, "/healthz", get_health, HTTP_FOR_ANYBODY},
    {EVHTTP_REQ_GET, "/metrics", get_metrics, HTTP_FOR_METRICS},
    {EVHTTP_REQ_GET, "/v1/queues", get_queues, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/mailboxes/*/limits", get_limits, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/mailboxes/*/limits", post_limits, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/mailboxes/*/rules", get_rules, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/mailboxes/*/rules", post_rules, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/damage", get_damage, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/feedback", get_feedback, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/flows", get_flows, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/sources", get_sources, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/status", get_status, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/institutions", get_institutions, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/institutions/*", get_institution, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/institutions/*/integrations", get_institution_integrations,
     HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/sectors/*/integrations", get_sector_integrations,
     HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/institutions", post_institution, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/institutions/*/keys", post_key, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/mergers", post_merger, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/keys/revoke", post_revoke, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/explain", get_explain, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/journal/anchors", get_anchors, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/journal/person", post_journal_person, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/explain", post_explain, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/dry-run", get_dry_run, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/dry-run", post_dry_run, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/dry-run/removal", post_dry_run_removal, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_GET, "/v1/catalogue", get_catalogue, HTTP_FOR_TOKEN},
    {EVHTTP_REQ_POST, "/v1/catalogue", post_catalogue, HTTP_FOR_TOKEN},
};
const size_t http_routes_len = ARRAY_LEN(http_routes);
