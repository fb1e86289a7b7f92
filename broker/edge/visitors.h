// SPDX-License-Identifier: EUPL-1.2
// visitors.h - the connections of the administrators' port, so that none stays without
// asking.
//
// libevent ends a connection that is silent; one that sends a letter of a request now and
// then could stay for ever, and so could any number of them. Whoever has not finished a
// request for VISITOR_MS is ended, and beyond VISITORS_MAX the one whose last whole request
// is longest ago. Thread: event loop.
#ifndef EDGE_VISITORS_H
#define EDGE_VISITORS_H

#include <event2/http.h>

#include "base/base.h"

enum { VISITOR_MS = 30 * 1000, VISITORS_MAX = 128 };

struct visitors;

// visitors_open watches the connections of a server. Keeps: server.
// Gives: visitors_close, after the server's end.
struct visitors *visitors_open(struct event_base *base, struct evhttp *server);
void visitors_close(struct visitors **visitors);

// visitors_asked notes that a whole request is here, or is still being answered.
void visitors_asked(struct visitors *visitors, struct evhttp_request *request);
// visitors_end_slow ends those that asked nothing for VISITOR_MS at this moment of clock_ms;
// it happens by itself once a second.
void visitors_end_slow(struct visitors *visitors, int64_t now_ms);

size_t visitors_len(const struct visitors *visitors);

#endif
