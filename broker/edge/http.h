// SPDX-License-Identifier: EUPL-1.2
// http.h - the administrators' port: JSON on loopback, behind a bearer token.
//
// Anything but /healthz wants "Authorization: Bearer TOKEN"; /metrics too, unless the setting
// metrics_open says otherwise. The token is read again by http_reload. Who is asked under
// another name than loopback's (Host), or for another site's page (Origin), refuses. Every answer is JSON (but
// /metrics). A refusal is
//   {"error":{"name":"NOT_FOUND","number":22,"remedy":"sender","sentence":"...",
//    "faults":[{"name":..,"number":..,"line":..,"sentence":..}, ...]}}
// with the HTTP status of the outcome (include/vigie/status.h); 401 without the token, 405
// for another method. A member that has no value is null. Bodies have at most 4 MiB. What is
// no HTTP, headers over 64 KiB and bodies over 8 MiB never get here: libevent 2.1 refuses them
// with a page of its own that cannot be replaced; headers over 16 KiB and bodies over 4 MiB
// are refused here. Whoever is silent for 20 seconds is cut off, whoever has not asked
// anything whole for 30 too, and beyond 128 connections the one that asked least lately.
//
//   GET  /healthz                   {"status":"ok"}, or 503 and the refusal: STORE_FULL,
//        BUSY (a commit takes too long), DRAINING, UNKNOWN
//   GET  /metrics                   Prometheus text
//   GET  /v1/queues[?institution=C] {"mailboxes":[{institution, name, mailbox, waiting,
//        in_flight, acknowledged, parked, bytes, level, oldest_seconds, in_per_second,
//        out_per_second, connected, credit_messages, credit_bytes, last_number,
//        last_delivery, last_acknowledgement}], "totals":{...the sums}}
//   GET  /v1/mailboxes/N/limits     {"mailbox", "own":{messages, bytes, age_days, attempts},
//        "in_force":{the same, with the settings' where it has none of its own}}
//   POST /v1/mailboxes/N/limits     some of them; 0: the settings' again -> {"ticket", "own"}
//   GET  /v1/flows                  {"flows":[{flow, published, matched, no_recipient,
//        delivered, withheld, refused}]} since the broker started
//   GET  /v1/sources                {"sources":[{source, flow, last, mutations, rhythm_hours,
//        silent_seconds, late}]}: of all flows that were published, and of those with a rhythm
//        (deploy/catalogue.yaml) also the sources that never did: last and silent_seconds null
//   GET  /v1/status                 {"version", "uptime_seconds", "commits", "last_commit_us",
//        "batch_mutations", "sessions", "store":{used,file,quota,disk_free}, "catalogue",
//        "persons", "integrations", "blocked"}
//   GET  /v1/institutions           {"institutions":[{code, name, sector, sector_name, number,
//        enterprise, keys_valid}]}
//   GET  /v1/institutions/CODE      the same object with keys:[{public, role, added, last_used
//        (since the broker started), connections, revoked, label}] and mailboxes:[{mailbox, name, flows}]
//   GET  /v1/institutions/CODE/integrations[?since=D]  {"integrations":[{institution, quality,
//        integrations, digest}]}: how many it holds in each quality, and their digest
//        (proto/digest/digest.h); since: without those that ended before that day
//   GET  /v1/sectors/NAME/integrations[?since=D]  the same at the general level: institution and
//        quality null, each person once
//   POST /v1/institutions           {code, name, sector (name or number), number, enterprise}
//        -> {"ticket", "id"}
//   POST /v1/institutions/CODE/keys {public (Z85), role: source|member|operator, label}
//        -> {"ticket"}
//   POST /v1/keys/revoke            {public} -> {"ticket"}
//   POST /v1/explain?source=C&day=D a mutation's JSON (json/json.h)
//        -> {"status", "number", "sentence", "text"}; source may be left out when the flow's
//        sources have one institution; &institution=C: its part alone
//   GET  /v1/explain?ticket=N&day=D&institution=C    the same of a past mutation
//   GET  /v1/explain?source=C&number=N&producer=P    and of one that was refused
//   POST /v1/dry-run?since=24h      YAML -> as GET /v1/dry-run; BUSY while one is under way
//   POST /v1/dry-run/removal?since=24h  {institution, niss, quality, begin, end}
//   GET  /v1/dry-run                {"running", "progress" (0 to 1), and at its end "report"
//        (edge/dry_report.h), "text"}
//   POST /v1/journal/person         {niss}: who got what about him, and who asked (flow/knew.h)
//        -> {"ticket", "numbers":[...], "since", "complete", "exchanges":[{time, ticket, flow,
//        institution, name, source, mailbox, number, quality, meaning, begin, end, ground,
//        catalogue, withheld, state, state_time, niss}], "asked":[{time, ticket, act, actor,
//        status, institution, quality, begin, end, niss}]}
//   GET  /v1/catalogue              {"version", "text"}
//   POST /v1/catalogue              YAML -> {"ticket", "version"}, or every fault with its line
//
// Changes are commands: the answer comes after the commit.
#ifndef EDGE_HTTP_H
#define EDGE_HTTP_H

#include "base/why.h"

struct broker;
struct http;

// http_open binds the port and begins to serve. Keeps: broker. Gives: http_close.
NODISCARD enum vg_status http_open(struct broker *broker, struct http **ret_http,
                                   struct why *why);
void http_close(struct http **http);

// http_reload reads the token file again; one that cannot be used leaves the token as it is.
void http_reload(struct http *http);

// http_endpoint lends "127.0.0.1:PORT" as bound.
const char *http_endpoint(const struct http *http);

#endif
