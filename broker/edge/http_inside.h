// SPDX-License-Identifier: EUPL-1.2
// http_inside.h - what the sources of http.h share: one request until its answer is sent.
//
// A handler ends its call exactly once: call_answer, call_answer_text, call_refuse,
// call_refuse_all or call_propose. After that the call is not the handler's any more.
#ifndef EDGE_HTTP_INSIDE_H
#define EDGE_HTTP_INSIDE_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <jansson.h>
#include <sodium.h>

#include "edge/broker.h"

enum {
    HTTP_BODY_BYTES_MAX = CATALOGUE_BYTES_MAX, // 4 MiB
    HTTP_OBJECT_LEN = 64, // of the part of a path that names something
    HTTP_TOKEN_HASH_LEN = 32,
};

struct call {
    struct http *http;
    struct broker *broker;
    struct evhttp_request *request;
    struct evkeyvalq query;
    char object[HTTP_OBJECT_LEN]; // what stood for the path's *
    struct bytes body;
    // while a command is on its way, or what the answer is made of is looked for
    struct answer_to to;
    json_t *(*shape)(const struct command *command);
    void (*then)(struct call *call, const struct command *command);
    void (*abandon)(struct call *call); // ends the looking; NULL: nothing to end
    void *looking;                      // abandon's
    struct call *next;
};

typedef void (*call_fn)(struct call *call);

// Who may ask. A route that does not say it does not compile, and nobody is 0.
enum http_who {
    HTTP_FOR_ANYBODY = 1, // on this machine: nothing about institutions or persons
    HTTP_FOR_METRICS,     // who has the token, and anybody when metrics_open says so
    HTTP_FOR_TOKEN,
};

struct route {
    enum evhttp_cmd_type method;
    const char *path; // * stands for one part
    call_fn handle;
    enum http_who who;
};

extern const struct route http_routes[];
extern const size_t http_routes_len;

// call_answer sends 200 with JSON. Takes: json.
void call_answer(struct call *call, json_t *json);
// call_answer_text sends 200 with text. Borrows: text.
void call_answer_text(struct call *call, const char *type, struct bytes text);
// call_refuse sends one refusal, call_refuse_all all that is wrong: the first is the
// answer's own, with its HTTP status.
void call_refuse(struct call *call, enum vg_status status, const char *format, ...)
    PRINTF_LIKE(3, 4);
void call_refuse_all(struct call *call, enum vg_status status,
                     const struct faults *faults);
// call_refuse_with sends a refusal with an HTTP status of its own.
void call_refuse_with(struct call *call, int http, enum vg_status status,
                      const char *sentence);

// call_propose queues a command; its answer, or its refusal, is sent after the commit.
// Takes: command.
void call_propose(struct call *call, struct command **command,
                  json_t *(*shape)(const struct command *command));

// call_propose_then does the same, but what is not refused goes on with `then`, which
// answers at once or uses call_look.
void call_propose_then(struct call *call, struct command **command,
                       void (*then)(struct call *call, const struct command *command));
// call_look keeps a call while its answer is looked for, over several turns: abandon is
// called when the port is closed before call_found, or nobody waits any more.
void call_look(struct call *call, void *looking, void (*abandon)(struct call *call));
void call_found(struct call *call);
// call_goes_on keeps its connection while it is looked for: who waits is not silent. False
// when its client has left: then the call is abandoned and gone.
bool call_goes_on(struct call *call);

// call_question lends a query's value, NULL when there is none or it is empty.
const char *call_question(const struct call *call, const char *name);

// http_read_token reads the token file. ret_hash is written only on VG_OK.
// Returns VG_OK, VG_BAD_FILE (also for a file that others may use), VG_BAD_SETTINGS.
NODISCARD enum vg_status
http_read_token(const char *path, uint8_t ret_hash[HTTP_TOKEN_HASH_LEN], struct why *why);
// http_guard says whether this call may go on; otherwise it has refused it. route: NULL
// when there is none.
NODISCARD bool http_guard(struct call *call, const struct route *route,
                          const uint8_t token_hash[HTTP_TOKEN_HASH_LEN]);

// http_text makes a JSON text out of words that may not be UTF-8.
json_t *http_text(const char *text);

// http_object reads the body's JSON object, whose members must be `known` (ends with
// NULL). NULL when it is none, which is then a fault. Gives: json_decref.
json_t *http_object(const struct call *call, const char *const *known,
                    struct faults *faults);
// http_number reads a whole number, plain or as a text of digits; 0 after a fault and when
// it is left out.
uint64_t http_number(const json_t *object, const char *name, uint64_t max,
                     struct faults *faults);

// http_mailbox gives the mailbox that the path names; NULL when there is none, which has then
// been said.
const struct mailbox_spec *http_mailbox(struct call *call);
// http_rules_text says a mailbox's rules in a line: "without PersonnelFile:007; quiet
// 20:00-07:00"; "" when it has none.
json_t *http_rules_text(const struct broker *broker, const struct mailbox_spec *spec);

// ---- handlers, by file ----

void get_queues(struct call *call);  // http_queues.c
void get_sources(struct call *call); // http_sources.c
// sources_print writes vigie_source_...{source="CODE",flow="NAME"} for Prometheus.
void sources_print(struct broker *broker, struct buffer *text);
void get_damage(struct call *call); // http_damage.c

void get_anchors(struct call *call); // http_anchors.c

void get_dry_run(struct call *call); // http_dry_run.c
void post_dry_run(struct call *call);
void post_dry_run_removal(struct call *call);

void get_explain(struct call *call); // http_explain.c
void post_explain(struct call *call);
void post_journal_person(struct call *call); // http_journal.c

void get_feedback(struct call *call); // http_feedback.c

void get_limits(struct call *call); // http_limits.c
void post_limits(struct call *call);

void get_rules(struct call *call); // http_rules.c
void post_rules(struct call *call);

void get_institutions(struct call *call); // http_institutions.c
void get_institution(struct call *call);
void post_institution(struct call *call);
void post_key(struct call *call);
void post_revoke(struct call *call);

void get_institution_integrations(struct call *call); // http_integrations.c
void get_sector_integrations(struct call *call);
// call_count answers with an object to which it adds "integrations": counts and digests by
// institution and quality. Takes: object.
struct holdings_question;
void call_count(struct call *call, const struct holdings_question *question,
                json_t **object);

void post_merger(struct call *call); // http_merge.c

#endif
