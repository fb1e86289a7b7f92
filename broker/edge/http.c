// SPDX-License-Identifier: EUPL-1.2
#include "edge/http.h"

#include "edge/http_inside.h"
#include "edge/log.h"
#include "edge/visitors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HTTP_MAGIC = 0x68747470,
    ENDPOINT_LEN = 64,
    SECONDS_MAX = 20, // of silence, reading or writing
    HEADER_BYTES_MAX = 16 << 10,
    // libevent answers larger ones by itself, with a page; up to here we do, with JSON.
    HEADER_BYTES_HARD_MAX = 4 * HEADER_BYTES_MAX,
    BODY_BYTES_HARD_MAX = 2 * HTTP_BODY_BYTES_MAX,
    ALL_METHODS = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
                  EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
                  EVHTTP_REQ_PATCH,
};

struct http {
    uint32_t magic;
    struct broker *broker;
    struct evhttp *server;
    struct visitors *visitors;
    char endpoint[ENDPOINT_LEN];
    uint8_t token_hash[HTTP_TOKEN_HASH_LEN];
    struct call *waiting; // for commands, or for what is looked for
};

// ---- answering ----

static void
call_free(struct call **call)
{
    evhttp_clear_headers(&(*call)->query);
    free(*call);
    *call = NULL;
}

// A client that went away meanwhile is libevent's to know: the reply goes nowhere.
static void
reply(struct call *call, int http, const char *type, struct bytes text)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);
    struct evbuffer *body = evbuffer_new();

    // libevent would send a body after HEAD too.
    if (evhttp_request_get_command(call->request) == EVHTTP_REQ_HEAD) {
        text.len = 0;
    }
    CHECK(body != NULL && evbuffer_add(body, text.at, text.len) == 0);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_send_reply(call->request, http, NULL, body);
    evbuffer_free(body);
    call_free(&call);
}

static void
reply_json(struct call *call, int http, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);

    CHECK(text != NULL);
    reply(call, http, "application/json", bytes_of(text));
    free(text);
    json_decref(json);
}

void
call_answer(struct call *call, json_t *json)
{
    CHECK(json != NULL);
    reply_json(call, 200, json);
}

void
call_answer_text(struct call *call, const char *type, struct bytes text)
{
    reply(call, 200, type, text);
}

json_t *
http_text(const char *text)
{
    json_t *json = json_string(text);
    char plain[WHY_TEXT_MAX];

    if (json != NULL) {
        return json;
    }
    snprintf(plain, sizeof plain, "%s", text);
    for (char *at = plain; *at != '\0'; at++) {
        if ((uint8_t)*at >= 0x80) {
            *at = '?';
        }
    }
    return json_string(plain);
}

static json_t *
refusal_of(enum vg_status status, const char *sentence, const struct faults *faults)
{
    json_t *list = json_array();

    for (size_t i = 0; faults != NULL && i < faults->len; i++) {
        const struct fault *fault = &faults->fault[i];

        json_array_append_new(
            list, json_pack("{s:s, s:i, s:i, s:o}", "name", vg_status_name(fault->status),
                            "number", (int)fault->status, "line", (int)fault->line,
                            "sentence", http_text(fault->why.text)));
    }
    return json_pack("{s:{s:s, s:i, s:s, s:o, s:o}}", "error", "name",
                     vg_status_name(status), "number", (int)status, "remedy",
                     vg_remedy_name(vg_status_remedy(status)), "sentence",
                     http_text(sentence), "faults", list);
}

void
call_refuse_with(struct call *call, int http, enum vg_status status, const char *sentence)
{
    reply_json(call, http, refusal_of(status, sentence, NULL));
}

void
call_refuse(struct call *call, enum vg_status status, const char *format, ...)
{
    char sentence[2 * WHY_TEXT_MAX];
    va_list words;

    va_start(words, format);
    vsnprintf(sentence, sizeof sentence, format, words);
    va_end(words);
    call_refuse_with(call, vg_status_http(status), status, sentence);
}

void
call_refuse_all(struct call *call, enum vg_status status, const struct faults *faults)
{
    const char *sentence = faults != NULL && faults->len > 0 ? faults->fault[0].why.text
                                                             : vg_status_sentence(status);

    reply_json(call, vg_status_http(status), refusal_of(status, sentence, faults));
}

// ---- commands ----

static void
keep_waiting(struct call *call)
{
    call->next = call->http->waiting;
    call->http->waiting = call;
}

static void
forget_waiting(struct call *call)
{
    struct call **at = &call->http->waiting;

    while (*at != call) {
        CHECK(*at != NULL);
        at = &(*at)->next;
    }
    *at = call->next;
}

static void
answer_command(const struct command *command, void *arg)
{
    struct call *call = arg;

    log_info("administered", "act=%s status=%s ticket=%llu", command_name(command->kind),
             vg_status_name(command->status), (unsigned long long)command->ticket);
    forget_waiting(call);
    if (command->status == VG_OK && call->then != NULL) {
        call->then(call, command);
    } else if (command->status == VG_OK) {
        call_answer(call, call->shape(command));
    } else {
        call_refuse_all(call, command->status, command->faults);
    }
}

void
call_propose(struct call *call, struct command **command,
             json_t *(*shape)(const struct command *command))
{
    struct broker *broker = call->broker;

    if (broker->fatal || broker->draining) {
        enum vg_status status = broker->fatal ? VG_UNKNOWN : VG_DRAINING;

        command_free(command);
        call_refuse(call, status, "%s", vg_status_sentence(status));
        return;
    }
    call->shape = shape;
    call->to = (struct answer_to){answer_command, call};
    keep_waiting(call);
    (*command)->back.context = &call->to;
    broker_propose(broker, command);
}

void
call_propose_then(struct call *call, struct command **command,
                  void (*then)(struct call *call, const struct command *command))
{
    call->then = then;
    call_propose(call, command, NULL);
}

void
call_look(struct call *call, void *looking, void (*abandon)(struct call *call))
{
    call->looking = looking;
    call->abandon = abandon;
    keep_waiting(call);
}

void
call_found(struct call *call)
{
    forget_waiting(call);
    call->abandon = NULL;
}

// libevent looks only when it writes. Who closes his half alone has left as well.
static bool
has_left(const struct call *call)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(call->request);
    struct pollfd end = {.events = POLLRDHUP};

    if (connection == NULL) {
        return true;
    }
    end.fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
    return poll(&end, 1, 0) > 0;
}

bool
call_goes_on(struct call *call)
{
    if (!has_left(call)) {
        visitors_asked(call->http->visitors, call->request);
        return true;
    }
    call->abandon(call);
    call_found(call);
    call_refuse(call, VG_BUSY, "the connection was closed before the answer was found");
    return false;
}

// ---- which handler? ----

const char *
call_question(const struct call *call, const char *name)
{
    const char *value = evhttp_find_header(&call->query, name);

    return value == NULL || value[0] == '\0' ? NULL : value;
}

static bool
path_fits(const char *pattern, const char *path, char ret_object[HTTP_OBJECT_LEN])
{
    const char *star = strchr(pattern, '*');
    size_t before = star == NULL ? 0 : (size_t)(star - pattern);

    if (star == NULL) {
        return strcmp(pattern, path) == 0;
    }
    if (strncmp(pattern, path, before) != 0) {
        return false;
    }

    size_t len = strcspn(path + before, "/");

    if (len == 0 || len >= HTTP_OBJECT_LEN ||
        strcmp(star + 1, path + before + len) != 0) {
        return false;
    }
    memcpy(ret_object, path + before, len);
    ret_object[len] = '\0';
    return true;
}

static const struct route *
find_route(struct call *call, const char *path, bool *ret_other_method)
{
    for (size_t i = 0; i < http_routes_len; i++) {
        if (!path_fits(http_routes[i].path, path, call->object)) {
            continue;
        }
        if (http_routes[i].method == evhttp_request_get_command(call->request)) {
            return &http_routes[i];
        }
        *ret_other_method = true;
    }
    return NULL;
}

// As it came: a name, ": ", a value and the end of the line each.
static size_t
header_bytes(const struct call *call)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(call->request);
    size_t bytes = strlen(evhttp_request_get_uri(call->request));

    for (const struct evkeyval *header = headers->tqh_first; header != NULL;
         header = header->next.tqe_next) {
        bytes += strlen(header->key) + strlen(header->value) + 4;
    }
    return bytes;
}

static void
dispatch(struct call *call, const char *path)
{
    bool other_method = false;
    const struct route *route = find_route(call, path, &other_method);
    size_t headers = header_bytes(call);

    if (headers > HEADER_BYTES_MAX) {
        call_refuse(call, VG_TOO_LARGE, "the headers have %zu bytes, at most %d are read",
                    headers, HEADER_BYTES_MAX);
    } else if (!http_guard(call, route, call->http->token_hash)) {
        return; // he was told
    } else if (route != NULL && call->body.len > HTTP_BODY_BYTES_MAX) {
        call_refuse(call, VG_TOO_LARGE, "the body has %zu bytes, at most %d are read",
                    call->body.len, HTTP_BODY_BYTES_MAX);
    } else if (route != NULL) {
        route->handle(call);
    } else if (other_method) {
        evhttp_add_header(evhttp_request_get_output_headers(call->request), "Allow",
                          "GET, POST");
        call_refuse_with(call, 405, VG_NOT_ALLOWED, "this path has no such method");
    } else {
        call_refuse(call, VG_NOT_FOUND, "there is no such path");
    }
}

static void
at_request(struct evhttp_request *request, void *arg)
{
    struct http *http = arg;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri == NULL ? NULL : evhttp_uri_get_path(uri);
    const char *query = uri == NULL ? NULL : evhttp_uri_get_query(uri);
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    struct call *call = xcalloc(1, sizeof *call);
    struct broker *broker = http->broker;

    CHECK(http->magic == HTTP_MAGIC);
    visitors_asked(http->visitors, request);
    call->http = http;
    call->broker = broker;
    call->request = request;
    call->body.len = evbuffer_get_length(body);
    call->body.at = evbuffer_pullup(body, -1);
    if (evhttp_parse_query_str(query == NULL ? "" : query, &call->query) != 0) {
        call_refuse(call, VG_MALFORMED, "the question after ? could not be understood");
    } else {
        dispatch(call, path == NULL ? "" : path);
    }
    broker_end_turn(broker);
}

// ---- life ----

// "[::1]:0" is address ::1, port 0; port * means any, as 0 does.
static void
split_endpoint(const char *text, char ret_address[ENDPOINT_LEN], uint16_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    bool brackets = len > 2 && text[0] == '[' && text[len - 1] == ']';

    snprintf(ret_address, ENDPOINT_LEN, "%.*s", (int)(brackets ? len - 2 : len),
             text + brackets);
    *ret_port = colon == NULL ? 0 : (uint16_t)strtoul(colon + 1, NULL, 10);
}

static bool
print_bound(evutil_socket_t fd, char ret_endpoint[ENDPOINT_LEN])
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char address[INET6_ADDRSTRLEN];

    if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0) {
        return false;
    }
    if (bound.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&bound;

        inet_ntop(AF_INET6, &v6->sin6_addr, address, sizeof address);
        snprintf(ret_endpoint, ENDPOINT_LEN, "[%s]:%u", address, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&bound;

        inet_ntop(AF_INET, &v4->sin_addr, address, sizeof address);
        snprintf(ret_endpoint, ENDPOINT_LEN, "%s:%u", address, ntohs(v4->sin_port));
    }
    return true;
}

static enum vg_status
listen_at(struct http *http, const char *endpoint, struct why *why)
{
    char address[ENDPOINT_LEN];
    uint16_t port;
    struct evhttp_bound_socket *bound;

    http->server = evhttp_new(http->broker->base);
    CHECK(http->server != NULL);
    evhttp_set_max_headers_size(http->server, HEADER_BYTES_HARD_MAX);
    evhttp_set_max_body_size(http->server, BODY_BYTES_HARD_MAX);
    evhttp_set_timeout(http->server, SECONDS_MAX);
    evhttp_set_allowed_methods(http->server, ALL_METHODS); // ours is the refusal
    evhttp_set_default_content_type(http->server, NULL);
    evhttp_set_gencb(http->server, at_request, http);
    http->visitors = visitors_open(http->broker->base, http->server);
    split_endpoint(endpoint, address, &port);
    bound = evhttp_bind_socket_with_handle(http->server, address, port);
    if (bound == NULL ||
        !print_bound(evhttp_bound_socket_get_fd(bound), http->endpoint)) {
        return fail(why, VG_BAD_SETTINGS, "http_endpoint %s: %s", endpoint,
                    strerror(errno));
    }
    // evhttp does not look whether the loop has taken it; nobody would ever be answered.
    if (evconnlistener_enable(evhttp_bound_socket_get_listener(bound)) != 0) {
        return fail(why, VG_NO_MEMORY,
                    "http_endpoint %s: the event loop does not take it", endpoint);
    }
    return VG_OK;
}

enum vg_status
http_open(struct broker *broker, struct http **ret_http, struct why *why)
{
    const struct settings *settings = broker->settings;
    struct http *http;
    enum vg_status status;

    *ret_http = NULL;
    if (settings->http_endpoint[0] == '\0') {
        return VG_OK;
    }
    http = xcalloc(1, sizeof *http);
    http->magic = HTTP_MAGIC;
    http->broker = broker;
    status = sodium_init() < 0
                 ? fail(why, VG_NO_MEMORY, "libsodium has no random numbers")
                 : http_read_token(settings->http_token_file, http->token_hash, why);
    if (status == VG_OK) {
        status = listen_at(http, settings->http_endpoint, why);
    }
    if (status != VG_OK) {
        http_close(&http);
        return status;
    }
    *ret_http = http;
    return VG_OK;
}

void
http_reload(struct http *http)
{
    const char *path = http->broker->settings->http_token_file;
    struct why why = {0};

    if (http_read_token(path, http->token_hash, &why) != VG_OK) {
        log_error("token_refused", "why=\"%s\"", why.text);
    }
}

void
http_close(struct http **http)
{
    struct http *ended = *http;

    if (ended == NULL) {
        return;
    }
    while (ended->waiting != NULL) {
        struct call *call = ended->waiting;

        ended->waiting = call->next;
        if (call->abandon != NULL) {
            call->abandon(call);
        }
        // Whose client is gone belongs to nobody else.
        if (evhttp_request_get_connection(call->request) == NULL) {
            evhttp_request_free(call->request);
        }
        call_free(&call);
    }
    if (ended->server != NULL) {
        evhttp_free(ended->server);
    }
    visitors_close(&ended->visitors);
    sodium_memzero(ended->token_hash, sizeof ended->token_hash);
    free(ended);
    *http = NULL;
}

const char *
http_endpoint(const struct http *http)
{
    return http->endpoint;
}
