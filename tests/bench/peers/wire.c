// SPDX-License-Identifier: EUPL-1.2
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    GATHER_US = 500,
    BATCH = 1 << 16, // bytes that are sent together
    SOCKET_BYTES = 4 << 20,
};

struct wire *
wire_open(const struct job *job)
{
    struct wire *wire = calloc(1, sizeof *wire);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(job->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };

    if (wire == NULL || (wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0) {
        give_up("socket", strerror(errno));
    }
    setsockopt(wire->fd, SOL_SOCKET, SO_RCVBUF, &(int){SOCKET_BYTES}, sizeof(int));
    setsockopt(wire->fd, SOL_SOCKET, SO_SNDBUF, &(int){SOCKET_BYTES}, sizeof(int));
    setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(wire->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        give_up("connect", strerror(errno));
    }
    wire->gather_us = job->rate == 0 ? GATHER_US : 0;
    return wire;
}

void
wire_close(struct wire **wire)
{
    close((*wire)->fd);
    free(*wire);
    *wire = NULL;
}

void
wire_put(struct wire *wire, const void *bytes, size_t len)
{
    if (wire->out_len + len > BATCH) {
        wire_flush(wire);
    }
    memcpy(wire->out + wire->out_len, bytes, len);
    wire->out_len += len;
}

void
wire_flush(struct wire *wire)
{
    for (size_t sent = 0; sent < wire->out_len;) {
        ssize_t len =
            send(wire->fd, wire->out + sent, wire->out_len - sent, MSG_NOSIGNAL);

        if (len < 0) {
            give_up("send", strerror(errno));
        }
        sent += (size_t)len;
    }
    wire->out_len = 0;
}

void
wire_fill(struct wire *wire, int wait_ms)
{
    struct pollfd one = {.fd = wire->fd, .events = POLLIN};

    memmove(wire->in, wire->in + wire->in_begin, wire->in_end - wire->in_begin);
    wire->in_end -= wire->in_begin;
    wire->in_begin = 0;
    if (poll(&one, 1, wait_ms) > 0) {
        usleep(wire->gather_us);
        ssize_t len =
            recv(wire->fd, wire->in + wire->in_end, WIRE_ROOM - wire->in_end, 0);

        if (len <= 0) {
            give_up("receive", len < 0 ? strerror(errno) : "closed");
        }
        wire->in_end += (size_t)len;
    }
}
