// SPDX-License-Identifier: EUPL-1.2
// wire.h - a TCP connection to a peer that is spoken to in its plain protocol: what is put is
// sent in large pieces, what comes is read in large pieces. Whatever fails ends the program.
#ifndef PEERS_WIRE_H
#define PEERS_WIRE_H

#include <stddef.h>
#include <unistd.h>

#include "job.h"

enum { WIRE_ROOM = 1 << 20 };

struct wire {
    int fd;
    useconds_t gather_us; // between something that comes and reading it, when saturated
    size_t out_len;
    size_t in_begin, in_end; // of what was read and not taken
    char out[WIRE_ROOM];
    char in[WIRE_ROOM];
};

struct wire *wire_open(const struct job *job); // gives: wire_close
void wire_close(struct wire **wire);

// wire_put adds bytes and sends when much has gathered; wire_flush sends all there is.
void wire_put(struct wire *wire, const void *bytes, size_t len);
void wire_flush(struct wire *wire);

// wire_fill reads what there is, after waiting so long for the first of it.
void wire_fill(struct wire *wire, int wait_ms);

#endif
