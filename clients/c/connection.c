// SPDX-License-Identifier: EUPL-1.2
#include "connection.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>
#include <zmq.h>

#include "address.h"
#include "clock.h"
#include "context.h"
#include "error.h"

enum {
    WIRE_VERSION = 1,
    ATTEMPT_MS = 10 * 1000, // from connect to Welcome
    BACKOFF_MS_MIN = 100,
    BACKOFF_MS_MAX = 5000,
    LEAVE_MS = 2000, // answers may still come after a goodbye
    LINGER_MS = 2000,
    FRAMES_PER_TURN = 256,
    SILENT_HEARTBEATS = 3,
    HEARTBEAT_MS_DEFAULT = 10 * 1000,
    // ZeroMQ keeps unread frames of a lost connection only while it means to connect
    // again.
    RECONNECT_MS_NEVER = 24 * 3600 * 1000,
    FRAME_BYTES_MAX = 64 * 1024 * 1024,
};

// What ZAP says in its status: 400 a key that nobody knows, 500 a revoked one, 300 later.
enum { ZAP_UNKNOWN = 400, ZAP_REVOKED = 500 };

enum {
    EVENTS_WANTED = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED |
                    ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                    ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
};

enum state {
    RESTING,  // no socket until retry_at
    GREETING, // Hello is sent
    READY,
    LEAVING, // the broker said goodbye
    ENDED,
};

struct vg_connection {
    struct vg_connection_owner owner;
    struct vg_address *address;
    void *context;
    void *dealer;
    void *monitor;
    int epoll_fd; // both sockets' descriptors, and none while resting
    int dealer_fd;
    int monitor_fd;
    enum state state;
    bool running;
    bool broken;           // drop it at the end of this turn
    char reason[160];      // why the last one was dropped
    struct vg_error fault; // ENDED: why
    struct vg_grant grant;
    int backoff_ms;
    int64_t retry_at;
    int64_t attempt_until;
    int64_t leave_until;
    int64_t ready_at;
    int64_t sent_at;
    int64_t received_at;
    int64_t probed_at;    // the first heartbeat since received_at; 0: none
    int64_t heartbeat_at; // the last heartbeat
    uint64_t echo_sent;
    uint64_t echo_seen;
};

// ---- one socket ----

static bool
set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool
set_text(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text) + 1) == 0;
}

static bool
set_keys(void *dealer, const struct vg_address *address)
{
    return set_text(dealer, ZMQ_CURVE_SERVERKEY, address->broker_public) &&
           set_text(dealer, ZMQ_CURVE_PUBLICKEY, address->own_public) &&
           set_text(dealer, ZMQ_CURVE_SECRETKEY, address->own_secret);
}

// No limit on what is received: a full queue and a lost link together abort the process
// (libzmq 4.3.4). The window we grant is the limit. No heartbeats of ZeroMQ's: ours.
static bool
set_options(void *dealer)
{
    int64_t frame_bytes_max = FRAME_BYTES_MAX;

    return set_int(dealer, ZMQ_RCVHWM, 0) && set_int(dealer, ZMQ_SNDHWM, 0) &&
           set_int(dealer, ZMQ_LINGER, 0) &&
           set_int(dealer, ZMQ_RECONNECT_IVL, RECONNECT_MS_NEVER) &&
           set_int(dealer, ZMQ_HANDSHAKE_IVL, ATTEMPT_MS) &&
           set_int(dealer, ZMQ_CONNECT_TIMEOUT, ATTEMPT_MS) &&
           zmq_setsockopt(dealer, ZMQ_MAXMSGSIZE, &frame_bytes_max,
                          sizeof frame_bytes_max) == 0;
}

// The consumer is connected, without a limit, before the first event: otherwise the
// library's I/O thread would wait for it.
static void *
open_monitor(void *context, void *dealer)
{
    static atomic_uint_fast64_t names;
    char name[64];
    void *monitor = zmq_socket(context, ZMQ_PAIR);

    (void)snprintf(name, sizeof name, "inproc://vigie-monitor-%llu",
                   (unsigned long long)atomic_fetch_add(&names, 1));
    if (monitor == NULL || !set_int(monitor, ZMQ_RCVHWM, 0) ||
        !set_int(monitor, ZMQ_LINGER, 0) ||
        zmq_socket_monitor(dealer, name, EVENTS_WANTED) != 0 ||
        zmq_connect(monitor, name) != 0) {
        if (monitor != NULL) {
            (void)zmq_close(monitor);
        }
        return NULL;
    }
    return monitor;
}

static bool
watch_socket(int epoll_fd, void *socket, int *ret_fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    size_t size = sizeof *ret_fd;

    return zmq_getsockopt(socket, ZMQ_FD, ret_fd, &size) == 0 &&
           epoll_ctl(epoll_fd, EPOLL_CTL_ADD, *ret_fd, &event) == 0;
}

static void
close_sockets(struct vg_connection *connection, int linger_ms)
{
    if (connection->dealer_fd >= 0) {
        (void)epoll_ctl(connection->epoll_fd, EPOLL_CTL_DEL, connection->dealer_fd, NULL);
    }
    if (connection->monitor_fd >= 0) {
        (void)epoll_ctl(connection->epoll_fd, EPOLL_CTL_DEL, connection->monitor_fd,
                        NULL);
    }
    if (connection->dealer != NULL) {
        (void)zmq_socket_monitor(connection->dealer, NULL, 0);
        (void)set_int(connection->dealer, ZMQ_LINGER, linger_ms);
        (void)zmq_close(connection->dealer);
    }
    if (connection->monitor != NULL) {
        (void)zmq_close(connection->monitor);
    }
    connection->dealer = NULL;
    connection->monitor = NULL;
    connection->dealer_fd = -1;
    connection->monitor_fd = -1;
}

static enum vg_status
open_sockets(struct vg_connection *connection, struct vg_error *error)
{
    const struct vg_address *address = connection->address;
    void *dealer = zmq_socket(connection->context, ZMQ_DEALER);

    connection->dealer = dealer;
    if (dealer == NULL || !set_options(dealer)) {
        return vg_fail(error, VG_NO_MEMORY, "no socket: %s", zmq_strerror(errno));
    }
    if (!set_keys(dealer, address)) {
        return vg_fail(error, VG_MALFORMED, "one of the three keys is not a CURVE key");
    }
    // Names would be asked for in vain where there is no IPv6.
    if (strchr(address->endpoint, '[') != NULL) {
        (void)set_int(dealer, ZMQ_IPV6, 1);
    }
    connection->monitor = open_monitor(connection->context, dealer);
    if (connection->monitor == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no monitor: %s", zmq_strerror(errno));
    }
    if (zmq_connect(dealer, address->endpoint) != 0) {
        return vg_fail(error, VG_MALFORMED, "endpoint %s: %s", address->endpoint,
                       zmq_strerror(errno));
    }
    if (!watch_socket(connection->epoll_fd, dealer, &connection->dealer_fd) ||
        !watch_socket(connection->epoll_fd, connection->monitor,
                      &connection->monitor_fd)) {
        return vg_fail(error, VG_NO_MEMORY, "no descriptor: %s", zmq_strerror(errno));
    }
    return VG_OK;
}

static void
say_hello(struct vg_connection *connection)
{
    Vigie__V1__Hello hello = VIGIE__V1__HELLO__INIT;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;

    hello.version = WIRE_VERSION;
    hello.client = (char *)connection->address->program;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_HELLO;
    message.hello = &hello;
    (void)vg_connection_send(connection, &message);
}

static enum vg_status
start_attempt(struct vg_connection *connection, int64_t now, struct vg_error *error)
{
    enum vg_status status = open_sockets(connection, error);

    if (status != VG_OK) {
        close_sockets(connection, 0);
        return status;
    }
    connection->state = GREETING;
    connection->attempt_until = now + ATTEMPT_MS;
    connection->broken = false;
    say_hello(connection);
    return VG_OK;
}

// ---- life ----

enum vg_status
vg_connection_open(const struct vg_address *address,
                   const struct vg_connection_owner *owner,
                   struct vg_connection **ret_connection, struct vg_error *error)
{
    struct vg_connection *connection = calloc(1, sizeof *connection);
    enum vg_status status;

    if (connection == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no memory for a connection");
    }
    connection->owner = *owner;
    connection->backoff_ms = BACKOFF_MS_MIN;
    connection->dealer_fd = -1;
    connection->monitor_fd = -1;
    connection->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    connection->context = vg_context_take();
    status = vg_address_copy(address, &connection->address, error);
    if (status == VG_OK && (connection->epoll_fd < 0 || connection->context == NULL)) {
        status =
            vg_fail(error, VG_NO_MEMORY, "no memory or descriptor: %s", strerror(errno));
    }
    if (status == VG_OK) {
        status = start_attempt(connection, vg_clock_ms(), error);
    }
    if (status != VG_OK) {
        vg_connection_close(&connection);
        return status;
    }
    *ret_connection = connection;
    return VG_OK;
}

void
vg_connection_close(struct vg_connection **connection)
{
    struct vg_connection *closed = *connection;

    if (closed == NULL) {
        return;
    }
    close_sockets(closed, 0);
    if (closed->context != NULL) {
        vg_context_return();
    }
    if (closed->epoll_fd >= 0) {
        (void)close(closed->epoll_fd);
    }
    vg_address_free(&closed->address);
    free(closed);
    *connection = NULL;
}

void
vg_connection_end(struct vg_connection *connection, const struct vg_error *fault)
{
    if (connection->state != ENDED) {
        connection->state = ENDED;
        connection->fault = *fault;
    }
}

void
vg_connection_break(struct vg_connection *connection, const char *reason)
{
    if (!connection->broken) {
        connection->broken = true;
        (void)snprintf(connection->reason, sizeof connection->reason, "%s", reason);
    }
}

// A third of the pause is drawn, so that a thousand clients do not come back at once.
static int
next_pause_ms(struct vg_connection *connection)
{
    int whole = connection->backoff_ms;
    uint32_t drawn = 0;

    connection->backoff_ms = whole * 2 > BACKOFF_MS_MAX ? BACKOFF_MS_MAX : whole * 2;
    (void)getrandom(&drawn, sizeof drawn, GRND_NONBLOCK);
    return whole - (int)(drawn % (uint32_t)(whole / 3 + 1));
}

static void
drop_connection(struct vg_connection *connection, int64_t now, int linger_ms)
{
    bool was_ready = connection->state != GREETING;

    // One that ends at once after its welcome is as bad as one that never came.
    if (was_ready && now - connection->ready_at >= connection->backoff_ms) {
        connection->backoff_ms = BACKOFF_MS_MIN;
    }
    close_sockets(connection, linger_ms);
    connection->broken = false;
    connection->state = RESTING;
    connection->retry_at = now + next_pause_ms(connection);
    if (was_ready) {
        connection->owner.lost(connection->owner.arg);
    }
}

// ---- sending ----

static bool
send_message(struct vg_connection *connection, zmq_msg_t *message)
{
    if (zmq_msg_send(message, connection->dealer, ZMQ_DONTWAIT) < 0) {
        (void)zmq_msg_close(message);
        vg_connection_break(connection, "a frame could not be sent");
        return false;
    }
    connection->sent_at = vg_clock_ms();
    return true;
}

bool
vg_connection_send(struct vg_connection *connection, const Vigie__V1__ToBroker *message)
{
    size_t size = vigie__v1__to_broker__get_packed_size(message);
    zmq_msg_t frame;

    if (connection->dealer == NULL || zmq_msg_init_size(&frame, size) != 0) {
        return false;
    }
    (void)vigie__v1__to_broker__pack(message, zmq_msg_data(&frame));
    return send_message(connection, &frame);
}

bool
vg_connection_send_bytes(struct vg_connection *connection, const uint8_t *at, size_t len)
{
    zmq_msg_t frame;

    if (connection->dealer == NULL || zmq_msg_init_size(&frame, len) != 0) {
        return false;
    }
    memcpy(zmq_msg_data(&frame), at, len);
    return send_message(connection, &frame);
}

uint64_t
vg_connection_probe(struct vg_connection *connection)
{
    Vigie__V1__Heartbeat heartbeat = VIGIE__V1__HEARTBEAT__INIT;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;

    heartbeat.echo = connection->echo_sent + 1;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_HEARTBEAT;
    message.heartbeat = &heartbeat;
    if (!vg_connection_is_open(connection) || !vg_connection_send(connection, &message)) {
        return 0;
    }
    connection->heartbeat_at = connection->sent_at;
    return ++connection->echo_sent;
}

// ---- receiving ----

static void
read_welcome(struct vg_connection *connection, struct hot_bytes body)
{
    Vigie__V1__Welcome *welcome = vigie__v1__welcome__unpack(NULL, body.len, body.at);

    if (welcome == NULL || welcome->version != WIRE_VERSION) {
        vg_connection_break(connection, "the broker's welcome could not be understood");
        vigie__v1__welcome__free_unpacked(welcome, NULL);
        return;
    }
    connection->grant = (struct vg_grant){
        .role = welcome->role,
        .heartbeat_ms =
            welcome->heartbeat_ms == 0 ? HEARTBEAT_MS_DEFAULT : welcome->heartbeat_ms,
        .window_messages = welcome->window_messages,
        .window_bytes = welcome->window_bytes,
        .mutations_max = welcome->mutations_max,
        .message_bytes_max = welcome->message_bytes_max,
    };
    vigie__v1__welcome__free_unpacked(welcome, NULL);
    connection->state = READY;
    connection->ready_at = connection->received_at;
    connection->owner.ready(&connection->grant, connection->owner.arg);
}

// A refused Hello: only time may help, or nothing does.
static void
read_refusal(struct vg_connection *connection, struct hot_bytes body)
{
    Vigie__V1__Refused *refused = vigie__v1__refused__unpack(NULL, body.len, body.at);
    struct vg_error fault;

    if (refused == NULL) {
        vg_connection_break(connection, "a refusal could not be understood");
        return;
    }
    vg_fault_read(refused->fault, &fault);
    if (vg_fault_is_temporary(refused->fault) && fault.status != VG_KEY_REVOKED &&
        fault.status != VG_KEY_UNKNOWN) {
        vg_connection_break(connection, fault.sentence);
    } else {
        vg_connection_end(connection, &fault);
    }
    vigie__v1__refused__free_unpacked(refused, NULL);
}

static void
read_heartbeat(struct vg_connection *connection, struct hot_bytes body)
{
    Vigie__V1__Heartbeat *heartbeat =
        vigie__v1__heartbeat__unpack(NULL, body.len, body.at);

    if (heartbeat != NULL) {
        connection->echo_seen = heartbeat->echo;
        vigie__v1__heartbeat__free_unpacked(heartbeat, NULL);
    }
}

static bool
take_greeting(struct vg_connection *connection, uint32_t kind, struct hot_bytes body)
{
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_WELCOME) {
        read_welcome(connection, body);
        return true;
    }
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED) {
        read_refusal(connection, body);
    } else if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE) {
        vg_connection_break(connection, "the broker is stopping");
    }
    return false;
}

static bool
take_frame(struct vg_connection *connection, struct hot_bytes frame, int64_t now)
{
    struct hot_bytes body;
    uint32_t kind = hot_to_client_kind(frame, &body);

    if (connection->state == GREETING) {
        return take_greeting(connection, kind, body);
    }
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT) {
        read_heartbeat(connection, body);
        return false;
    }
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE && connection->state == READY) {
        connection->state = LEAVING;
        connection->leave_until = now + LEAVE_MS;
    }
    return connection->owner.frame(kind, frame, body, connection->owner.arg);
}

static bool
goal_is_reached(const struct vg_connection *connection, bool (*goal)(void *arg))
{
    return goal != NULL && goal(connection->owner.arg);
}

// A lost connection is emptied, whatever its length: nothing more comes.
static bool
receive_frames(struct vg_connection *connection, int64_t now, bool (*goal)(void *arg))
{
    bool wanted = false;
    zmq_msg_t message;

    (void)zmq_msg_init(&message);
    for (int i = 0; i < FRAMES_PER_TURN || connection->broken; i++) {
        if (connection->state == ENDED || connection->dealer == NULL ||
            goal_is_reached(connection, goal) ||
            zmq_msg_recv(&message, connection->dealer, ZMQ_DONTWAIT) < 0) {
            break;
        }
        connection->received_at = now;
        connection->probed_at = 0;
        wanted |= take_frame(
            connection,
            (struct hot_bytes){zmq_msg_data(&message), zmq_msg_size(&message)}, now);
    }
    (void)zmq_msg_close(&message);
    return wanted;
}

// ---- the monitor ----

static void
end_by_zap(struct vg_connection *connection, uint32_t zap_status)
{
    struct vg_error fault;

    if (zap_status == ZAP_UNKNOWN) {
        (void)vg_fail(&fault, VG_KEY_UNKNOWN, "%s", vg_status_sentence(VG_KEY_UNKNOWN));
        vg_connection_end(connection, &fault);
    } else if (zap_status == ZAP_REVOKED) {
        (void)vg_fail(&fault, VG_KEY_REVOKED, "%s", vg_status_sentence(VG_KEY_REVOKED));
        vg_connection_end(connection, &fault);
    } else {
        vg_connection_break(connection, "the broker does not take this key yet");
    }
}

static void
take_event(struct vg_connection *connection, uint16_t event, uint32_t value)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        end_by_zap(connection, value);
        break;
    case ZMQ_EVENT_CONNECT_RETRIED:
        vg_connection_break(connection, "nobody listens there");
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        vg_connection_break(connection, "the handshake failed; is broker_public right?");
        break;
    case ZMQ_EVENT_DISCONNECTED:
        vg_connection_break(connection, connection->state == GREETING
                                            ? "closed before a welcome came"
                                            : "the connection was lost");
        break;
    default:
        break;
    }
}

// An event is two frames: number and value, then the endpoint.
static void
read_monitor(struct vg_connection *connection)
{
    uint8_t event[6];
    char endpoint[8];
    uint16_t number;
    uint32_t value;

    while (connection->monitor != NULL && connection->state != ENDED &&
           zmq_recv(connection->monitor, event, sizeof event, ZMQ_DONTWAIT) >= 0) {
        (void)zmq_recv(connection->monitor, endpoint, sizeof endpoint, ZMQ_DONTWAIT);
        memcpy(&number, event, sizeof number);
        memcpy(&value, event + sizeof number, sizeof value);
        take_event(connection, number, value);
    }
}

// ---- time ----

// The owner may have been away for minutes: only an unanswered heartbeat proves silence.
static int64_t
silent_at(const struct vg_connection *connection)
{
    int64_t heartbeat_ms = connection->grant.heartbeat_ms;
    int64_t by_silence = connection->received_at + SILENT_HEARTBEATS * heartbeat_ms;
    int64_t by_probe = connection->probed_at + (SILENT_HEARTBEATS - 1) * heartbeat_ms;

    if (connection->probed_at == 0) {
        return VG_NEVER;
    }
    return by_silence > by_probe ? by_silence : by_probe;
}

// One is due when nothing was sent for a while, and also when nothing came back.
static int64_t
heartbeat_due_at(const struct vg_connection *connection)
{
    int64_t heartbeat_ms = connection->grant.heartbeat_ms;
    int64_t quiet = connection->sent_at + heartbeat_ms;
    int64_t deaf = connection->received_at > connection->heartbeat_at
                       ? connection->received_at + heartbeat_ms
                       : connection->heartbeat_at + heartbeat_ms;

    return quiet < deaf ? quiet : deaf;
}

static void
keep_alive(struct vg_connection *connection, int64_t now)
{
    if (now >= silent_at(connection)) {
        vg_connection_break(connection, "nothing was heard of the broker for too long");
        return;
    }
    if (now >= heartbeat_due_at(connection) && vg_connection_probe(connection) != 0 &&
        connection->probed_at == 0) {
        connection->probed_at = now;
    }
}

static void
retry_attempt(struct vg_connection *connection, int64_t now)
{
    struct vg_error error;

    if (start_attempt(connection, now, &error) != VG_OK) {
        connection->retry_at = now + next_pause_ms(connection);
        (void)snprintf(connection->reason, sizeof connection->reason, "%s",
                       error.sentence);
    }
}

static void
keep_time(struct vg_connection *connection, int64_t now)
{
    switch (connection->state) {
    case RESTING:
        if (now >= connection->retry_at) {
            retry_attempt(connection, now);
        }
        break;
    case GREETING:
        if (now >= connection->attempt_until) {
            vg_connection_break(connection, "no welcome came");
        }
        break;
    case READY:
        keep_alive(connection, now);
        break;
    case LEAVING:
        if (now >= connection->leave_until ||
            connection->owner.may_leave(connection->owner.arg)) {
            vg_connection_break(connection, "the broker is stopping");
        }
        break;
    case ENDED:
        break;
    }
}

// The moment of the next thing to do, but for what arrives.
static int64_t
due_at(const struct vg_connection *connection)
{
    int64_t owner_at = connection->owner.due_at == NULL
                           ? VG_NEVER
                           : connection->owner.due_at(connection->owner.arg);
    int64_t at = VG_NEVER;

    if (connection->broken) {
        return 0;
    }
    switch (connection->state) {
    case RESTING:
        at = connection->retry_at;
        break;
    case GREETING:
        at = connection->attempt_until;
        break;
    case READY: {
        int64_t silent = silent_at(connection);
        int64_t heartbeat = heartbeat_due_at(connection);

        at = silent < heartbeat ? silent : heartbeat;
        break;
    }
    case LEAVING:
        at = connection->leave_until;
        break;
    case ENDED:
        return 0;
    }
    return owner_at < at ? owner_at : at;
}

// ---- turns ----

static bool
has_input(void *socket)
{
    uint32_t events = 0;
    size_t size = sizeof events;

    if (socket == NULL) {
        return false;
    }
    if (zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) != 0) {
        return errno == EINTR; // look again
    }
    return (events & ZMQ_POLLIN) != 0;
}

// The monitor is read first: then what came before the end of a connection is already
// there to be received.
static bool
take_turn(struct vg_connection *connection, bool (*goal)(void *arg))
{
    int64_t now = vg_clock_ms();
    bool wanted;

    read_monitor(connection);
    wanted = receive_frames(connection, now, goal);
    keep_time(connection, now);
    if (connection->owner.work != NULL) {
        connection->owner.work(now, connection->owner.arg);
    }
    if (connection->state == ENDED) {
        close_sockets(connection, 0);
    } else if (connection->broken) {
        drop_connection(connection, now, connection->state == LEAVING ? LINGER_MS : 0);
    }
    return wanted;
}

// What to wait for at most, in milliseconds; 0 when there is something to do.
static int
pause_ms(const struct vg_connection *connection, int64_t until)
{
    int64_t now = vg_clock_ms();
    int64_t at = due_at(connection);

    if (has_input(connection->dealer) || has_input(connection->monitor)) {
        return 0;
    }
    at = at < until ? at : until;
    if (at <= now) {
        return 0;
    }
    return at - now > INT_MAX ? INT_MAX : (int)(at - now);
}

static enum vg_status
tell_timeout(const struct vg_connection *connection, struct vg_error *error)
{
    if (vg_connection_is_ready(connection)) {
        return vg_fail(error, VG_TIMED_OUT, "%s", vg_status_sentence(VG_TIMED_OUT));
    }
    return vg_fail(error, VG_TIMED_OUT, "no connection to %.60s: %s",
                   connection->address->endpoint,
                   connection->reason[0] == '\0' ? "no answer yet" : connection->reason);
}

static enum vg_status
run(struct vg_connection *connection, int64_t until, bool (*goal)(void *arg),
    struct vg_error *error)
{
    for (;;) {
        bool wanted = take_turn(connection, goal);
        struct pollfd fd = {connection->epoll_fd, POLLIN, 0};

        if (connection->state == ENDED) {
            return vg_fail_again(error, &connection->fault);
        }
        if (goal != NULL ? goal_is_reached(connection, goal) : wanted) {
            return VG_OK;
        }
        if (vg_clock_ms() >= until) {
            return tell_timeout(connection, error);
        }
        if (poll(&fd, 1, pause_ms(connection, until)) < 0 && errno == EINTR) {
            return vg_fail(error, VG_INTERRUPTED, "%s",
                           vg_status_sentence(VG_INTERRUPTED));
        }
    }
}

enum vg_status
vg_connection_run(struct vg_connection *connection, int timeout_ms,
                  bool (*goal)(void *arg), struct vg_error *error)
{
    int64_t until = timeout_ms < 0 ? VG_NEVER : vg_clock_ms() + timeout_ms;
    enum vg_status status;

    if (connection->running) {
        return vg_fail(error, VG_BUSY, "not from inside a callback");
    }
    connection->running = true;
    status = run(connection, until, goal, error);
    connection->running = false;
    return status;
}

enum vg_status
vg_connection_begin(const struct vg_address *address,
                    const struct vg_connection_owner *owner, bool (*goal)(void *arg),
                    int timeout_ms, struct vg_connection **ret_connection,
                    struct vg_error *error)
{
    enum vg_status status = vg_connection_open(address, owner, ret_connection, error);

    return status == VG_OK ? vg_connection_run(*ret_connection, timeout_ms, goal, error)
                           : status;
}

// ---- questions ----

bool
vg_connection_echoed(const struct vg_connection *connection, uint64_t probe)
{
    return connection->echo_seen >= probe;
}

bool
vg_connection_is_running(const struct vg_connection *connection)
{
    return connection->running;
}

bool
vg_connection_is_ready(const struct vg_connection *connection)
{
    return connection->state == READY && !connection->broken;
}

bool
vg_connection_is_open(const struct vg_connection *connection)
{
    return (connection->state == READY || connection->state == LEAVING) &&
           !connection->broken;
}

const struct vg_error *
vg_connection_fault(const struct vg_connection *connection)
{
    return connection->state == ENDED ? &connection->fault : NULL;
}

int
vg_connection_fd(const struct vg_connection *connection)
{
    return connection->epoll_fd;
}

int
vg_connection_due_ms(const struct vg_connection *connection)
{
    int64_t at = due_at(connection);

    if (at == VG_NEVER && !has_input(connection->dealer) &&
        !has_input(connection->monitor)) {
        return -1;
    }
    return pause_ms(connection, VG_NEVER);
}
