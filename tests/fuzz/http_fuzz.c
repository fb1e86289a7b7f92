// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever an administrator's client sends, the port answers what HTTP allows, in
// JSON where we answer, never with an error of our own (500), and goes on answering.
// Method: a whole broker in memory, one connection an input. The first byte chooses a route
// of the table, whose * becomes the text up to the first zero byte (or the question, where
// there is no *), and the rest is the body; 255: the rest is sent as it is.
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "edge/http.h"
#include "edge/http_inside.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

enum {
    AS_IT_IS = 255,
    OBJECT_MAX = 200,
    REQUEST_MAX = 1 << 20,
    ANSWER_MAX = 1 << 20,
    COMMITS_MAX = 500, // then a fresh broker: what is kept makes it slower
    TURNS_MAX = 100000,
};

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static struct world {
    char folder[64];
    struct settings settings;
    struct broker *broker;
    struct sockaddr_in address;
    uint64_t commits; // when it was opened
    char *request;
    char *answer;
} world;

// ---- a broker ----

static void
write_file(const char *name, const char *text)
{
    char path[128];
    int fd;

    snprintf(path, sizeof path, "%s/%s", world.folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static void
choose_settings(void)
{
    struct settings *settings = &world.settings;

    settings_defaults(settings);
    snprintf(settings->store_path, SETTING_TEXT_LEN, "%s/store", world.folder);
    snprintf(settings->key_file, SETTING_TEXT_LEN, "%s/broker.key", world.folder);
    snprintf(settings->http_token_file, SETTING_TEXT_LEN, "%s/token", world.folder);
    strcpy(settings->catalogue_file, SOURCE_DIR "/deploy/catalogue.yaml");
    strcpy(settings->run_dir, "");
    strcpy(settings->sources_endpoint, "tcp://127.0.0.1:*");
    strcpy(settings->members_endpoint, "tcp://127.0.0.1:*");
    strcpy(settings->http_endpoint, "127.0.0.1:*");
    settings->map_bytes = UINT64_C(256) << 20;
    settings->disk_reserve_bytes = 0;
    settings->scrub_bytes_per_second = 0;
    settings->test_persons = true;
}

static int
erase(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static void
close_world(void)
{
    broker_close(&world.broker);
    nftw(world.folder, erase, 8, FTW_DEPTH | FTW_PHYS);
}

static void
open_world(void)
{
    char public_text[41];
    char secret_text[41];
    char text[256];
    struct faults faults = {0};
    int len = sizeof world.address;

    strcpy(world.folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/vigie-fuzz-XXXXXX"
                                                       : "/tmp/vigie-fuzz-XXXXXX");
    CHECK(mkdtemp(world.folder) != NULL);
    CHECK(zmq_curve_keypair(public_text, secret_text) == 0);
    snprintf(text, sizeof text, "public: %s\nsecret: %s\n", public_text, secret_text);
    write_file("broker.key", text);
    write_file("token", TOKEN "\n");
    choose_settings();
    CHECK(broker_open(&world.settings, &world.broker, &faults) == VG_OK);
    world.commits = metrics.commits;
    CHECK(evutil_parse_sockaddr_port(http_endpoint(world.broker->http),
                                     (struct sockaddr *)&world.address, &len) == 0);
}

static void
begin(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    world.request = malloc(REQUEST_MAX);
    world.answer = malloc(ANSWER_MAX + 1);
    CHECK(world.request != NULL && world.answer != NULL);
    open_world();
    atexit(close_world);
}

// ---- a request ----

static size_t
write_object(char *at, const uint8_t *object, size_t len)
{
    for (size_t i = 0; i < len; i++) { // what a client may put there
        at[i] = object[i] > ' ' && object[i] < 0x7f ? (char)object[i] : '%';
    }
    return len;
}

static size_t
write_route(const struct route *route, const uint8_t *at, size_t len)
{
    const uint8_t *zero = len == 0 ? NULL : memchr(at, 0, len);
    size_t object = zero == NULL ? len : (size_t)(zero - at);
    size_t body = zero == NULL ? 0 : len - object - 1;
    const char *star = strchr(route->path, '*');
    char *request = world.request;
    size_t used;

    object = object > OBJECT_MAX ? OBJECT_MAX : object;
    used = (size_t)snprintf(request, REQUEST_MAX, "%s %.*s%s",
                            route->method == EVHTTP_REQ_GET ? "GET" : "POST",
                            star == NULL ? (int)strlen(route->path)
                                         : (int)(star - route->path),
                            route->path, star == NULL ? "?" : "");
    used += write_object(request + used, at, object);
    used += (size_t)snprintf(request + used, REQUEST_MAX - used,
                             "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                             "Authorization: Bearer " TOKEN "\r\nContent-Length: "
                             "%zu\r\n\r\n",
                             star == NULL ? "" : star + 1, body);
    if (body > 0) {
        memcpy(request + used, zero + 1, body);
    }
    return used + body;
}

// Does not wait: libFuzzer's alarm every three seconds would interrupt it.
static int
connect_client(void)
{
    const struct linger at_once = {1, 0}; // leaves no port in TIME_WAIT
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    CHECK(fd >= 0);
    CHECK(connect(fd, (struct sockaddr *)&world.address, sizeof world.address) == 0 ||
          errno == EINPROGRESS);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    return fd;
}

// Until the other side closes; what does not fit is not needed. A request that may not be
// whole ends with our side of the connection; libevent cuts a long answer short then.
static size_t
exchange(size_t request_len, bool whole)
{
    int fd = connect_client();
    size_t sent = 0;
    size_t got = 0;
    bool open = true;

    for (int turn = 0; open && turn < TURNS_MAX; turn++) {
        ssize_t len = 0;

        if (sent < request_len) {
            len = send(fd, world.request + sent, request_len - sent, MSG_NOSIGNAL);
            sent += len > 0 ? (size_t)len : 0;
            if (sent == request_len && !whole) {
                shutdown(fd, SHUT_WR);
            }
        }
        event_base_loop(world.broker->base, EVLOOP_NONBLOCK);
        while (open && (len = recv(fd, world.answer + got, ANSWER_MAX - got, 0)) != 0) {
            if (len < 0) {
                open = errno == EAGAIN;
                break;
            }
            got += got + (size_t)len < ANSWER_MAX ? (size_t)len : 0;
        }
        open &= len != 0 || sent < request_len;
        if (open && len < 0) {
            usleep(20);
        }
    }
    close(fd);
    CHECK(!open);
    world.answer[got] = '\0';
    return got;
}

// ---- its answer ----

static void
check_answer(bool ours)
{
    const char *body = strstr(world.answer, "\r\n\r\n");
    int http = 0;

    // libevent answers in the version that was asked in, whatever it is, also HTTP/1.-12.
    CHECK(sscanf(world.answer, "HTTP/%*[-0-9].%*[-0-9] %d", &http) == 1);
    CHECK(http != 500);
    if (!ours) {
        return;
    }
    CHECK(body != NULL);
    if (strstr(world.answer, "application/json") != NULL &&
        strlen(world.answer) < ANSWER_MAX / 2) {
        json_t *json = json_loads(body + 4, 0, NULL);

        CHECK(json != NULL);
        CHECK((json_object_get(json, "error") != NULL) == (http >= 400));
        json_decref(json);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    bool as_it_is = len > 0 && at[0] == AS_IT_IS;
    size_t request_len = 0;

    if (len <= as_it_is || len > REQUEST_MAX / 2) { // nobody answers nothing
        return 0;
    }
    if (world.request == NULL) {
        begin();
    }
    if (metrics.commits - world.commits > COMMITS_MAX) {
        close_world();
        open_world();
    }
    if (as_it_is) {
        request_len = len - 1;
        memcpy(world.request, at + 1, len - 1);
    } else {
        request_len = write_route(&http_routes[at[0] % http_routes_len], at + 1, len - 1);
    }
    if (exchange(request_len, !as_it_is) > 0) {
        check_answer(!as_it_is);
    }
    return 0;
}
