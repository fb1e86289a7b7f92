// SPDX-License-Identifier: EUPL-1.2
#include "access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reply.h"
#include "xml.h"

enum {
    SERVER_MAGIC = 0x61636373,
    SECONDS_MAX = 20, // of silence, reading or writing
    HEADER_BYTES_MAX = 16 << 10,
    // A connection to the broker that is not used is ended before the broker misses its
    // heartbeats; the next request opens another.
    IDLE_SECONDS = 2,
};

struct server {
    uint32_t magic;
    const struct access_settings *settings;
    struct event_base *base;
    struct evhttp *http;
    struct event *idle;
    struct vg_caller *caller; // NULL: not connected
};

// ---- answering ----

// Takes: text.
static void
send_text(struct evhttp_request *request, int http, char *text)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evbuffer_new();

    evhttp_add_header(headers, "Content-Type", "text/xml; charset=utf-8");
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    if (text == NULL || body == NULL || evbuffer_add(body, text, strlen(text)) != 0) {
        http = 500;
    }
    evhttp_send_reply(request, http, NULL, body);
    if (body != NULL) {
        evbuffer_free(body);
    }
    free(text);
}

static void
say(const char *action, const char *result, uint64_t ticket)
{
    fprintf(stderr, "vigie-access: action=%s result=%s ticket=%llu\n", action, result,
            (unsigned long long)ticket);
}

static const char *
name_of(enum access_action action)
{
    static const char *const names[] = {
        [ACCESS_NO_ACTION] = "none",
        [ACCESS_REGISTER] = "REGISTER",
        [ACCESS_UNREGISTER] = "UNREGISTER",
        [ACCESS_LIST] = "LIST",
    };

    return names[action];
}

// SOAP 1.1 wants 500 for every fault.
static void
send_fault(struct evhttp_request *request, const struct access_request *asked,
           bool sender, const struct vg_error *errors, size_t errors_len)
{
    int http = asked->envelope == ACCESS_BARE ? vg_status_http(errors[0].status) : 500;

    say(name_of(asked->action), vg_status_name(errors[0].status), 0);
    send_text(request, http, access_fault_write(asked, sender, errors, errors_len));
}

// ---- the broker ----

static enum vg_status
connect_broker(struct server *server, struct vg_error *error)
{
    if (server->caller != NULL) {
        return VG_OK;
    }
    return vg_caller_open(server->settings->address, ACCESS_TIMEOUT_MS, &server->caller,
                          error);
}

static void
on_idle(evutil_socket_t fd, short events, void *arg)
{
    struct server *server = arg;

    (void)fd;
    (void)events;
    vg_caller_close(&server->caller);
}

static void
ask_broker(struct server *server, struct evhttp_request *request,
           const struct access_request *asked, time_t received)
{
    static const char *const verdicts[] = {
        [VG_YES] = "YES", [VG_NO] = "NO", [VG_WARNING] = "WARNING"};
    const struct timeval pause = {IDLE_SECONDS, 0};
    struct vg_reply *reply = NULL;
    struct vg_error error = {0};
    enum vg_status status = connect_broker(server, &error);

    if (status == VG_OK) {
        status = access_ask(server->caller, asked, &reply, &error);
    }
    if (status != VG_OK) {
        error.status = status;
        vg_caller_close(&server->caller);
        send_fault(request, asked, false, &error, 1);
        return;
    }
    say(name_of(asked->action), verdicts[reply->verdict], reply->ticket);
    send_text(request, 200, access_reply_write(asked, reply, received, time(NULL)));
    vg_reply_free(&reply);
    (void)event_add(server->idle, &pause);
}

static void
on_request(struct evhttp_request *request, void *arg)
{
    struct server *server = arg;
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    struct access_request asked;
    const char *why = NULL;
    int http;

    if (server->magic != SERVER_MAGIC) {
        abort();
    }
    http = access_guard_refuses(&server->settings->guard, request, &why);
    if (http != 0) {
        fprintf(stderr, "vigie-access: refused=%d why=\"%s\"\n", http, why);
        if (http == 401) {
            evhttp_add_header(evhttp_request_get_output_headers(request),
                              "WWW-Authenticate", "Basic realm=\"vigie-access\"");
        }
        evhttp_send_error(request, http, why);
        return;
    }
    access_request_read((const char *)evbuffer_pullup(body, -1),
                        evbuffer_get_length(body),
                        evhttp_find_header(headers, "SOAPAction") != NULL, &asked);
    if (!asked.understood) {
        send_fault(request, &asked, true, asked.faults, asked.faults_len);
    } else if (asked.faults_len > 0) {
        say(name_of(asked.action), "NO", 0);
        send_text(request, 200, access_refusal_write(&asked));
    } else {
        ask_broker(server, request, &asked, time(NULL));
    }
}

// ---- life ----

static void
on_signal(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    (void)event_base_loopbreak(arg);
}

static bool
listen_on(struct server *server)
{
    const struct access_settings *settings = server->settings;
    struct evhttp_bound_socket *bound =
        evhttp_bind_socket_with_handle(server->http, settings->host, settings->port);
    struct sockaddr_in address;
    socklen_t len = sizeof address;

    if (bound == NULL || getsockname(evhttp_bound_socket_get_fd(bound),
                                     (struct sockaddr *)&address, &len) != 0) {
        fprintf(stderr, "vigie-access: cannot listen on %s:%u: %s\n", settings->host,
                settings->port, strerror(errno));
        return false;
    }
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_POST);
    evhttp_set_timeout(server->http, SECONDS_MAX);
    evhttp_set_max_headers_size(server->http, HEADER_BYTES_MAX);
    evhttp_set_max_body_size(server->http, XML_BYTES_MAX);
    evhttp_set_gencb(server->http, on_request, server);
    fprintf(stderr, "vigie-access: event=ready http=%s:%u\n", settings->host,
            ntohs(address.sin_port));
    return true;
}

int
access_serve(const struct access_settings *settings)
{
    struct server server = {.magic = SERVER_MAGIC, .settings = settings};
    struct event *signals[2] = {NULL, NULL};
    bool good;

    server.base = event_base_new();
    if (server.base == NULL) {
        return 1;
    }
    server.http = evhttp_new(server.base);
    server.idle = event_new(server.base, -1, 0, on_idle, &server);
    signals[0] = evsignal_new(server.base, SIGTERM, on_signal, server.base);
    signals[1] = evsignal_new(server.base, SIGINT, on_signal, server.base);
    good = server.http != NULL && server.idle != NULL && signals[0] != NULL &&
           signals[1] != NULL && event_add(signals[0], NULL) == 0 &&
           event_add(signals[1], NULL) == 0 && listen_on(&server) &&
           event_base_dispatch(server.base) >= 0;
    vg_caller_close(&server.caller);
    if (server.http != NULL) {
        evhttp_free(server.http);
    }
    for (size_t i = 0; i < 2; i++) {
        if (signals[i] != NULL) {
            event_free(signals[i]);
        }
    }
    if (server.idle != NULL) {
        event_free(server.idle);
    }
    event_base_free(server.base);
    return good ? 0 : 1;
}
