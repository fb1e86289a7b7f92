// SPDX-License-Identifier: EUPL-1.2
// access.h - what the sources of `vigie-access` share.
//
// `vigie-access` speaks the service OCMWCPASManageAccess (request.h, reply.h) over HTTP to the
// software of one institution and passes it on to the broker under that institution's own key
// (include/vigie/vigie.h). It keeps nothing. The broker has no XML in it, and a mistake in
// reading XML costs one institution's right at most.
//
// It runs on the institution's own machine as the owner of the key, and listens on loopback
// only. Whoever may speak to it acts for the institution: so it wants a token, which software
// of that age can send as the password of HTTP's Basic scheme, or --no-token where no
// other user and no foreign program is on the machine. A web page cannot speak to it either way
// (guard.c). One request at a time; the others wait.
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include <event2/http.h>

#include "request.h"

enum {
    ACCESS_TIMEOUT_MS = 5000, // for the broker's answer
    ACCESS_TOKEN_HASH_LEN = 32,
};

// access_ask puts a request without faults to the broker. Blocks: up to ACCESS_TIMEOUT_MS.
// Gives and returns: as vg_integrate, vg_remove, vg_consult. All are safe to repeat.
enum vg_status access_ask(struct vg_caller *caller, const struct access_request *request,
                          struct vg_reply **ret_reply, struct vg_error *error);

// ---- guard.c: who may ask ----

struct access_guard {
    bool open; // --no-token
    uint8_t token_hash[ACCESS_TOKEN_HASH_LEN];
};

// access_guard_load reads the token: the first line of a file that is its owner's alone, 16
// characters or more. Prints what is wrong.
bool access_guard_load(const char *path, struct access_guard *ret_guard);

// access_guard_refuses gives the HTTP status with which a request is refused and why; 0: it
// may be read.
int access_guard_refuses(const struct access_guard *guard, struct evhttp_request *request,
                         const char **ret_why);

// ---- serve.c ----

struct access_settings {
    const struct vg_address *address;
    const char *host; // numeric, loopback
    uint16_t port;    // 0: the system's choice
    struct access_guard guard;
};

// access_serve answers until SIGTERM or SIGINT. Gives an exit code; prints what is wrong.
int access_serve(const struct access_settings *settings);

#endif
