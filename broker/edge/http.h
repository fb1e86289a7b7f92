// SPDX-License-Identifier: EUPL-1.2
// http.h - administration and metrics over HTTP on loopback, with a bearer token.
// Thread: event loop.
#ifndef EDGE_HTTP_H
#define EDGE_HTTP_H

#include "base/why.h"

struct broker;
struct http;

// http_open listens at settings->http_endpoint ("": no HTTP, VG_OK and NULL). Keeps: broker.
// Gives: http_close.
NODISCARD enum vg_status http_open(struct broker *broker, struct http **ret_http,
                                   struct why *why);
void http_close(struct http **http);

// http_endpoint gives "address:port" as bound.
const char *http_endpoint(const struct http *http);

#endif
