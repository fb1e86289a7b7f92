// SPDX-License-Identifier: EUPL-1.2
#include "edge/visitors.h"

#include "edge/clock.h"
#include "edge/door.h"

#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>

enum { VISITORS_MAGIC = 0x76697369, FRESH_MAX = 64 };

struct visitor {
    struct far_end far_end;
    int64_t asked_ms; // or came
};

struct visitors {
    uint32_t magic;
    struct event *second;
    struct event *came;
    // Whose descriptor is not known yet: only until the accepting callback is over.
    struct bufferevent *fresh[FRESH_MAX];
    size_t fresh_len;
    struct visitor visitor[VISITORS_MAX + 1];
    size_t len;
};

static struct visitors *
visitors_of(void *arg)
{
    struct visitors *visitors = arg;

    CHECK(visitors->magic == VISITORS_MAGIC);
    return visitors;
}

// ---- the list ----

static void
forget(struct visitors *visitors, size_t index)
{
    visitors->visitor[index] = visitors->visitor[--visitors->len];
}

// libevent does not say who has gone.
static void
forget_gone(struct visitors *visitors)
{
    size_t i = 0;

    while (i < visitors->len) {
        if (far_end_is_there(&visitors->visitor[i].far_end)) {
            i++;
        } else {
            forget(visitors, i);
        }
    }
}

static size_t
longest_ago(const struct visitors *visitors)
{
    size_t found = 0;

    for (size_t i = 1; i < visitors->len; i++) {
        if (visitors->visitor[i].asked_ms < visitors->visitor[found].asked_ms) {
            found = i;
        }
    }
    return found;
}

static void
end(struct visitors *visitors, size_t index)
{
    (void)far_end_shut(&visitors->visitor[index].far_end);
    forget(visitors, index);
}

static void
add(struct visitors *visitors, int fd)
{
    struct visitor visitor = {far_end_of(fd), clock_ms()};

    if (visitor.far_end.fd < 0) {
        return;
    }
    visitors->visitor[visitors->len++] = visitor;
    if (visitors->len > VISITORS_MAX) {
        forget_gone(visitors);
    }
    if (visitors->len > VISITORS_MAX) {
        end(visitors, longest_ago(visitors));
    }
}

// ---- callbacks ----

static void
take_fresh(struct visitors *visitors)
{
    for (size_t i = 0; i < visitors->fresh_len; i++) {
        add(visitors, bufferevent_getfd(visitors->fresh[i]));
        bufferevent_decref(visitors->fresh[i]);
    }
    visitors->fresh_len = 0;
}

// Still in the turn that accepted: the connection has its descriptor, and has not ended.
static void
at_came(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    take_fresh(visitors_of(arg));
}

static struct bufferevent *
make_stream(struct event_base *base, void *arg)
{
    struct visitors *visitors = visitors_of(arg);
    struct bufferevent *stream = bufferevent_socket_new(base, -1, 0);

    if (visitors->fresh_len == FRESH_MAX) {
        take_fresh(visitors); // those before it have their descriptors
    }
    if (stream != NULL) {
        bufferevent_incref(stream);
        visitors->fresh[visitors->fresh_len++] = stream;
        event_active(visitors->came, EV_TIMEOUT, 0);
    }
    return stream;
}

static void
at_second(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    visitors_end_slow(visitors_of(arg), clock_ms());
}

// ---- life ----

struct visitors *
visitors_open(struct event_base *base, struct evhttp *server)
{
    static const struct timeval second = {1, 0};
    struct visitors *visitors = xcalloc(1, sizeof *visitors);

    visitors->magic = VISITORS_MAGIC;
    visitors->second = event_new(base, -1, EV_PERSIST, at_second, visitors);
    visitors->came = event_new(base, -1, 0, at_came, visitors);
    CHECK(visitors->second != NULL && visitors->came != NULL);
    CHECK(event_add(visitors->second, &second) == 0);
    evhttp_set_bevcb(server, make_stream, visitors);
    return visitors;
}

void
visitors_close(struct visitors **visitors)
{
    if (*visitors == NULL) {
        return;
    }
    take_fresh(*visitors);
    event_free((*visitors)->second);
    event_free((*visitors)->came);
    free(*visitors);
    *visitors = NULL;
}

// ---- verbs ----

void
visitors_asked(struct visitors *visitors, struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    int fd = connection == NULL // gone meanwhile
                 ? -1
                 : bufferevent_getfd(evhttp_connection_get_bufferevent(connection));

    for (size_t i = 0; fd >= 0 && i < visitors->len; i++) {
        if (visitors->visitor[i].far_end.fd == fd) {
            visitors->visitor[i].asked_ms = clock_ms();
        }
    }
}

void
visitors_end_slow(struct visitors *visitors, int64_t now_ms)
{
    size_t i = 0;

    forget_gone(visitors);
    while (i < visitors->len) {
        if (now_ms - visitors->visitor[i].asked_ms >= VISITOR_MS) {
            end(visitors, i);
        } else {
            i++;
        }
    }
}

size_t
visitors_len(const struct visitors *visitors)
{
    return visitors->len;
}
