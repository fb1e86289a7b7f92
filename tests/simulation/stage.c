// SPDX-License-Identifier: EUPL-1.2
#include "stage.h"

#include "edge/pair.h"
#include "edge/zap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FINISHED_MAX = 64 };

struct door {
    struct door_options options;
};

struct zap {
    const struct keys *keys;
    bool later;
};

struct writer {
    struct writer_options options;
    struct batch *finished[FINISHED_MAX];
    size_t finished_len;
    bool no_room;
    enum vg_status status;
    struct why why;
};

// One broker at a time plays here.
static struct {
    struct stage_network network;
    int64_t now_us;
    int64_t steady_us;
    struct door *doors[2];
    struct zap *zap;
    struct writer *writer;
} stage;

void
stage_begin(const struct stage_network *network)
{
    memset(&stage, 0, sizeof stage);
    stage.network = *network;
}

// ---- clock ----

void
stage_set_time(int64_t now_us, int64_t steady_us)
{
    stage.now_us = now_us;
    stage.steady_us = steady_us;
}

struct instant
clock_now(void)
{
    return (struct instant){stage.now_us};
}

int64_t
clock_us(void)
{
    return stage.steady_us;
}

int64_t
clock_ms(void)
{
    return stage.steady_us / 1000;
}

// ---- catalogues: each text is read once in the whole run ----

enum { TEXTS_MAX = 8 };

struct catalogue *__real_catalogue_parse(const char *text, size_t text_len,
                                         struct faults *faults);
void __real_catalogue_free(struct catalogue **catalogue);
struct catalogue *__wrap_catalogue_parse(const char *text, size_t text_len,
                                         struct faults *faults);
void __wrap_catalogue_free(struct catalogue **catalogue);

static struct {
    uint64_t text; // checksum
    struct catalogue *catalogue;
} catalogues[TEXTS_MAX];

struct catalogue *
__wrap_catalogue_parse(const char *text, size_t text_len, struct faults *faults)
{
    uint64_t sum = checksum_of(text, text_len);
    size_t i = 0;

    while (i < TEXTS_MAX && catalogues[i].catalogue != NULL &&
           catalogues[i].text != sum) {
        i++;
    }
    CHECK(i < TEXTS_MAX);
    if (catalogues[i].catalogue == NULL) {
        catalogues[i].text = sum;
        catalogues[i].catalogue = __real_catalogue_parse(text, text_len, faults);
    }
    return catalogues[i].catalogue;
}

void
__wrap_catalogue_free(struct catalogue **catalogue)
{
    for (size_t i = 0; i < TEXTS_MAX; i++) {
        if (*catalogue == catalogues[i].catalogue) {
            *catalogue = NULL;
            return;
        }
    }
    __real_catalogue_free(catalogue);
}

// ---- log: nobody reads it ----

void
log_set_level(enum log_level level)
{
    (void)level;
}

bool
log_level_parse(const char *text, enum log_level *ret_level)
{
    *ret_level = LOG_ERROR;
    return text[0] != 0;
}

const char *
log_level_name(enum log_level level)
{
    (void)level;
    return "error";
}

struct log_quoted
log_quote(const char *words)
{
    struct log_quoted quoted = {{0}};

    (void)words;
    return quoted;
}

#define SILENT(name)                                                                     \
    void name(const char *event, const char *format, ...)                                \
    {                                                                                    \
        (void)event;                                                                     \
        (void)format;                                                                    \
    }

SILENT(log_error)
SILENT(log_warning)
SILENT(log_info)
SILENT(log_debug)

// ---- keys ----

enum vg_status
pair_read(const char *path, enum pair_kind kind, struct pair *ret_pair, struct why *why)
{
    (void)path;
    (void)kind;
    (void)why;
    memset(ret_pair, 0, sizeof *ret_pair);
    return VG_OK;
}

void
pair_forget(struct pair *pair)
{
    memset(pair, 0, sizeof *pair);
}

enum vg_status
zap_open(void *zmq, struct event_base *base, const struct keys *keys,
         struct zap **ret_zap, struct why *why)
{
    (void)zmq;
    (void)base;
    (void)why;
    *ret_zap = stage.zap = xcalloc(1, sizeof **ret_zap);
    stage.zap->keys = keys;
    return VG_OK;
}

void
zap_close(struct zap **zap)
{
    free(*zap);
    *zap = stage.zap = NULL;
}

void
zap_set_later(struct zap *zap, bool later)
{
    zap->later = later;
}

uint32_t
stage_admit(const uint8_t key[KEY_LEN])
{
    const struct key_entry *entry;

    if (stage.zap == NULL || stage.zap->later) {
        return 0;
    }
    entry = keys_find(stage.zap->keys, key);
    return entry != NULL && key_is_valid(entry) ? entry->id : 0;
}

// ---- doors ----

static enum stage_door
place_of(const char *name)
{
    return strcmp(name, "sources") == 0 ? STAGE_SOURCES : STAGE_MEMBERS;
}

enum vg_status
door_open(const struct door_options *options, struct door **ret_door, struct why *why)
{
    struct door *door = xcalloc(1, sizeof *door);

    (void)why;
    door->options = *options;
    door->options.secret = NULL;
    *ret_door = stage.doors[place_of(options->name)] = door;
    return VG_OK;
}

void
door_close(struct door **door)
{
    if (*door != NULL) {
        stage.doors[place_of((*door)->options.name)] = NULL;
        free(*door);
        *door = NULL;
    }
}

const char *
door_endpoint(const struct door *door)
{
    return door->options.endpoint;
}

const char *
door_name(const struct door *door)
{
    return door->options.name;
}

// There is nobody who has not said anything: a connection begins with its Hello.
struct arrivals *
door_arrivals(struct door *door)
{
    (void)door;
    return NULL;
}

void
arrivals_spoke(struct arrivals *arrivals, int fd)
{
    (void)arrivals;
    (void)fd;
}

size_t
arrivals_end_silent(struct arrivals *arrivals, int64_t now_ms)
{
    (void)arrivals;
    (void)now_ms;
    return 0;
}

size_t
arrivals_end_all(struct arrivals *arrivals)
{
    (void)arrivals;
    return 0;
}

void
door_settle(struct door *door)
{
    (void)door;
}

enum door_sent
door_send(struct door *door, struct bytes route, struct bytes frame)
{
    uint64_t connection = 0;
    uint32_t key = 0;

    (void)door;
    CHECK(route_session(route, &connection, &key));
    return stage.network.sent(connection, frame, stage.network.arg);
}

struct far_end
far_end_of(int fd)
{
    return (struct far_end){.fd = fd};
}

bool
far_end_is_there(const struct far_end *far_end)
{
    return far_end->fd > 0;
}

bool
far_end_shut(const struct far_end *far_end)
{
    stage.network.shut((uint64_t)far_end->fd, stage.network.arg);
    return true;
}

void
far_end_print(const struct far_end *far_end, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "%d", far_end->fd);
}

static void
put_big_endian(uint8_t *at, size_t len, uint64_t number)
{
    for (size_t i = len; i > 0; i--, number >>= 8) {
        at[i - 1] = (uint8_t)number;
    }
}

void
stage_hand_over(enum stage_door door, uint64_t connection, uint32_t key_id,
                const uint8_t key[KEY_LEN], struct bytes frame)
{
    struct door *one = stage.doors[door];
    uint8_t route[ROUTE_LEN] = {'K'};
    char hex[KEY_HEX_LEN];
    struct door_message message = {
        .route = {route, sizeof route},
        .payload = frame,
        .user_id = hex,
        .fd = (int)connection,
        .one_part = true,
    };

    put_big_endian(route + 1, 4, key_id);
    put_big_endian(route + 5, 8, connection);
    key_hex(key, hex);
    one->options.message(one, &message, one->options.arg);
}

void
stage_end_turn(enum stage_door door)
{
    stage.doors[door]->options.turn(stage.doors[door]->options.arg);
}

// ---- the writer ----

enum vg_status
writer_start(const struct writer_options *options, struct writer **ret_writer,
             struct why *why)
{
    (void)why;
    *ret_writer = stage.writer = xcalloc(1, sizeof **ret_writer);
    stage.writer->options = *options;
    return VG_OK;
}

void
writer_stop(struct writer **writer)
{
    struct batch *batch;

    while (*writer != NULL && (batch = writer_take(*writer)) != NULL) {
        batch_free(&batch);
    }
    free(*writer);
    *writer = stage.writer = NULL;
}

// Never readable: the simulation says itself when the loop looks. One for the whole run.
int
writer_fd(const struct writer *writer)
{
    static int fd = -1;

    (void)writer;
    if (fd < 0) {
        fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        CHECK(fd >= 0);
    }
    return fd;
}

struct batch *
writer_take(struct writer *writer)
{
    struct batch *batch;

    if (writer->finished_len == 0) {
        return NULL;
    }
    batch = writer->finished[0];
    writer->finished_len--;
    memmove(writer->finished, writer->finished + 1,
            writer->finished_len * sizeof *writer->finished);
    return batch;
}

enum vg_status
writer_status(struct writer *writer, struct why *why)
{
    *why = writer->why;
    return writer->status;
}

uint64_t
writer_busy_ms(const struct writer *writer)
{
    (void)writer;
    return 0;
}

void
writer_set_no_room(struct writer *writer, bool no_room)
{
    writer->no_room = no_room;
}

void
writer_set_crowded(struct writer *writer, bool crowded)
{
    (void)writer;
    (void)crowded; // nothing here waits that long
}

struct batch *
stage_next_batch(void)
{
    const struct writer_options *options = &stage.writer->options;
    struct batch *batch;

    if (stage.writer->status != VG_OK ||
        proposals_load(options->proposals).commands == 0) {
        return NULL;
    }
    batch = proposals_next(options->proposals);
    batch->time = clock_now();
    batch->test_persons = options->test_persons;
    batch->retry = options->retry;
    batch->no_room = stage.writer->no_room;
    return batch;
}

void
stage_batch_done(struct batch **batch)
{
    struct writer *writer = stage.writer;

    CHECK(writer->finished_len < FINISHED_MAX);
    proposals_trim(writer->options.proposals, (*batch)->id);
    writer->finished[writer->finished_len++] = *batch;
    *batch = NULL;
}

void
stage_writer_failed(enum vg_status status, const struct why *why)
{
    stage.writer->status = status;
    stage.writer->why = *why;
}

size_t
stage_finished(void)
{
    return stage.writer->finished_len;
}

bool
stage_has_no_room(void)
{
    return stage.writer->no_room;
}
