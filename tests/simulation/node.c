// SPDX-License-Identifier: EUPL-1.2
#include "node.h"

#include "store/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MARK_SENT = 1, MARK_ASKED = 2 };

// ---- the folder ----

static void
make_folder(struct node *node)
{
    const char *parent = getenv("TMPDIR");

    if (parent == NULL) {
        parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    }
    snprintf(node->path, sizeof node->path, "%s/simulation-XXXXXX", parent);
    CHECK(mkdtemp(node->path) != NULL);
}

static void
remove_folder(const char *path)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "vigie.lock"};
    char file[128];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(file, sizeof file, "%s/%s", path, files[i]);
        unlink(file);
    }
    CHECK(rmdir(path) == 0);
}

static void
copy_file(const char *from, const char *to)
{
    static char bytes[1 << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ssize_t len;

    CHECK(in >= 0 && out >= 0);
    while ((len = read(in, bytes, sizeof bytes)) > 0) {
        CHECK(write(out, bytes, (size_t)len) == len);
    }
    close(in);
    close(out);
}

// ---- life ----

static void
open_store(struct node *node)
{
    struct store_options options = {
        .path = node->path, .map_bytes = node->map_bytes, .create = true};
    struct why why = {.text = ""};

    if (store_open(&options, &node->store, &why) != VG_OK ||
        applier_open(node->store, &node->applier, &why) != VG_OK ||
        store_read(node->store, &node->view, &why) != VG_OK ||
        tails_open(node->view, &node->tails, &why) != VG_OK) {
        broken("the store cannot be opened: %s", why.text);
    }
    node->lives++;
}

// What a process takes with it.
static void
forget(struct node *node)
{
    for (size_t i = 0; i < node->lanes_len; i++) {
        node_close_lane(&node->lanes[i]);
        free(node->lanes[i].marks);
    }
    node->lanes_len = 0;
    for (size_t i = 0; i < node->finished_len; i++) {
        batch_free(&node->finished[i]);
    }
    node->finished_len = 0;
    while (node->first != NULL) {
        struct command *command = node->first;

        node->first = command->next;
        command_free(&command);
    }
    node->last = NULL;
    node->queued = 0;
    tails_free(&node->tails);
    store_abort(&node->view);
    applier_close(&node->applier);
}

void
node_begin(struct node *node, struct dice *dice, struct model *model, uint64_t map_bytes)
{
    *node = (struct node){.dice = dice, .model = model, .map_bytes = map_bytes};
    node->tiny = map_bytes < MAP_BYTES_TINY;
    make_folder(node);
    open_store(node);
}

void
node_end(struct node *node)
{
    forget(node);
    store_close(&node->store);
    remove_folder(node->path);
}

// LMDB wants its environment closed before the same file is opened again. Sometimes the
// file as it lies there is copied first and life goes on with the copy, so that no closing
// can have helped.
void
node_die(struct node *node)
{
    char old[sizeof node->path];
    char from[128], to[128];
    bool copies = dice_one_in(node->dice, 4);

    memcpy(old, node->path, sizeof old);
    if (copies) {
        make_folder(node);
        snprintf(from, sizeof from, "%s/data.mdb", old);
        snprintf(to, sizeof to, "%s/data.mdb", node->path);
        copy_file(from, to);
    }
    forget(node);
    store_close(&node->store);
    if (copies) {
        remove_folder(old);
    }
    open_store(node);
    node->crashes++;
}

// ---- the writer ----

void
node_queue(struct node *node, struct command **command)
{
    struct command *taken = *command;

    *command = NULL;
    taken->next = NULL;
    if (node->last == NULL) {
        node->first = taken;
    } else {
        node->last->next = taken;
    }
    node->last = taken;
    node->queued++;
}

// As the edge does now and then: at its quota the store takes acknowledgements only.
static bool
is_at_quota(struct node *node)
{
    struct store_room room;

    return node->quota || (node->tiny && store_room(node->store, &room) == VG_OK &&
                           room.used_bytes >= room.quota_bytes);
}

static struct batch *
next_batch(struct node *node, size_t max, int64_t now_us)
{
    struct batch *batch = xcalloc(1, sizeof *batch);

    batch->id = ++node->batch_id;
    batch->time.us = now_us;
    batch->test_persons = true;
    batch->no_room = is_at_quota(node);
    while (node->first != NULL && batch->len < max) {
        struct command *command = node->first;

        node->first = command->next;
        node->last = node->first == NULL ? NULL : node->last;
        node->queued--;
        batch_add(batch, command);
    }
    return batch;
}

static enum room
room_of(const struct node *node, const struct batch *batch, enum trouble trouble)
{
    if (node->tiny || trouble == FAULT_FULL || trouble == FAULT_NO_MEMORY ||
        trouble == FAULT_FULL_COMMIT) {
        return ROOM_FAILED;
    }
    if (batch->no_room && !node->quota) {
        broken("batch %llu found no room where there was some",
               (unsigned long long)batch->id);
    }
    return node->quota ? ROOM_QUOTA : ROOM;
}

static void
check_nobody_is_answered(const struct batch *batch)
{
    if (batch->commit != 0 || batch->posted_len != 0) {
        broken("a batch whose outcome is not known says commit %llu",
               (unsigned long long)batch->commit);
    }
    for (const struct command *command = batch->first; command != NULL;
         command = command->next) {
        if (command->ticket != 0 ||
            (command->kind == COMMAND_PUBLISH && command->publish.kept != 0)) {
            broken("%s is answered by a batch whose outcome is not known",
                   command_name(command->kind));
        }
    }
}

// An acknowledgement that was refused ends the session, which begins again after what the
// disk says. What it had sent meanwhile counts for what it brings alone.
static void
note_refused_acknowledgements(struct node *node, const struct batch *batch)
{
    for (const struct command *command = batch->first; command != NULL;
         command = command->next) {
        if (command->kind != COMMAND_ACKNOWLEDGE || command->status == VG_OK) {
            continue;
        }
        node_close_lane(node_lane(node, command->acknowledge.mailbox));
        for (struct command *later = node->first; later != NULL; later = later->next) {
            if (later->kind == COMMAND_ACKNOWLEDGE &&
                later->acknowledge.mailbox == command->acknowledge.mailbox) {
                later->back.request = ACKNOWLEDGES_THE_REST;
            }
        }
    }
}

bool
node_apply(struct node *node, size_t max, int64_t now_us, enum trouble trouble)
{
    struct batch *batch = next_batch(node, max, now_us);
    struct why why = {.text = ""};
    enum vg_status status;
    bool failed;

    faults_arm(trouble, node->dice);
    status = apply_batch(node->applier, batch, &why);
    failed = faults_heal();
    if (status == VG_OK) {
        enum room room = room_of(node, batch, trouble);

        node->full += batch->no_room;
        model_apply(node->model, batch, room, true, node_view(node));
        CHECK(node->finished_len < FINISHED_MAX);
        node->finished[node->finished_len++] = batch;
        note_refused_acknowledgements(node, batch);
        return true;
    }
    if (!failed) {
        broken("batch %llu failed on a disk that works: %s",
               (unsigned long long)batch->id, why.text);
    }
    check_nobody_is_answered(batch);
    node_die(node);
    model_apply(node->model, batch, room_of(node, batch, FAULT_FULL), false,
                node_view(node));
    batch_free(&batch);
    return false;
}

struct batch *
node_take(struct node *node)
{
    struct batch *batch;

    if (node->finished_len == 0) {
        return NULL;
    }
    batch = node->finished[0];
    node->finished_len--;
    memmove(node->finished, node->finished + 1,
            node->finished_len * sizeof *node->finished);
    tails_take(node->tails, batch);
    return batch;
}

// ---- the loop ----

struct txn *
node_view(struct node *node)
{
    if (store_read_renew(node->view) != VG_OK) {
        broken("the last commit cannot be seen");
    }
    return node->view;
}

struct lane *
node_lane(struct node *node, uint32_t mailbox)
{
    for (size_t i = 0; i < node->lanes_len; i++) {
        if (node->lanes[i].mailbox == mailbox) {
            return &node->lanes[i];
        }
    }
    CHECK(node->lanes_len < BOXES_MAX);
    node->lanes[node->lanes_len] = (struct lane){.mailbox = mailbox};
    return &node->lanes[node->lanes_len++];
}

void
node_close_lane(struct lane *lane)
{
    outflow_free(&lane->outflow);
    lane->session = 0;
    lane->in_flight = 0;
    if (lane->marks != NULL) {
        memset(lane->marks, 0, lane->marks_size);
    }
}

static uint8_t *
mark_of(struct lane *lane, uint64_t number)
{
    if (number >= lane->marks_size) {
        size_t size = number * 2 + 64;

        lane->marks = realloc(lane->marks, size);
        CHECK(lane->marks != NULL);
        memset(lane->marks + lane->marks_size, 0, size - lane->marks_size);
        lane->marks_size = size;
    }
    return &lane->marks[number];
}

void
node_open_lane(struct node *node, uint32_t mailbox, uint64_t session, uint64_t messages,
               uint64_t bytes)
{
    struct lane *lane = node_lane(node, mailbox);
    const struct model_box *box = model_box(node->model, mailbox);

    node_close_lane(lane); // another session may have had it
    if (outflow_open(node_view(node), mailbox, messages, bytes, &lane->outflow) !=
        VG_OK) {
        broken("mailbox %u cannot be opened", mailbox);
    }
    lane->session = session;
    // What the disk knows as acknowledged must not come again.
    for (size_t i = 0; i < box->len; i++) {
        if (box->told[i].acknowledged) {
            *mark_of(lane, i + 1) = MARK_ASKED;
        }
    }
}

static void
check_window(const struct lane *lane, size_t sent)
{
    struct outflow_state state = outflow_state(lane->outflow);

    if (state.in_flight_messages != lane->in_flight) {
        broken("mailbox %u: %llu messages in flight, not %llu", lane->mailbox,
               (unsigned long long)state.in_flight_messages,
               (unsigned long long)lane->in_flight);
    }
    if ((state.in_flight_messages == 0 && state.in_flight_bytes != 0) ||
        (sent > 0 && (state.in_flight_messages > state.window_messages ||
                      (state.in_flight_bytes > state.window_bytes &&
                       state.in_flight_messages > 1)))) {
        broken("mailbox %u: %llu bytes in %llu messages are over the window",
               lane->mailbox, (unsigned long long)state.in_flight_bytes,
               (unsigned long long)state.in_flight_messages);
    }
}

static void
note_sent(struct node *node, struct lane *lane, const struct buffer *frame,
          uint64_t again_through)
{
    struct hot_bytes rest = {frame->at, frame->len};
    struct hot_notification notification;
    const struct model_box *box = model_box(node->model, lane->mailbox);

    while (hot_next_notification(&rest, &notification) == 1) {
        uint8_t *mark = mark_of(lane, notification.number);

        if (notification.mailbox != lane->mailbox || *mark != 0) {
            broken("mailbox %u: letter %llu is sent again, acknowledged or not",
                   notification.mailbox, (unsigned long long)notification.number);
        }
        if (notification.again != (notification.number <= again_through)) {
            broken("mailbox %u: letter %llu is wrong about being sent again", box->id,
                   (unsigned long long)notification.number);
        }
        *mark = MARK_SENT;
        lane->in_flight++;
    }
}

size_t
node_fill(struct node *node, struct lane *lane, size_t max_bytes, struct buffer *frame)
{
    size_t len = 0;

    if (outflow_fill(lane->outflow, node->tails, node_view(node), lane->sent_through,
                     max_bytes, frame, &len) != VG_OK) {
        broken("mailbox %u cannot be delivered", lane->mailbox);
    }
    if (len > 0) {
        note_sent(node, lane, frame, lane->sent_through);
    }
    check_window(lane, len);
    if (outflow_state(lane->outflow).sent > lane->sent_through) {
        lane->sent_through = outflow_state(lane->outflow).sent;
    }
    return len;
}

static void
ask(struct node *node, struct lane *lane, uint64_t number, bool anything)
{
    const struct model_box *box = model_box(node->model, lane->mailbox);
    uint8_t *mark = mark_of(lane, number);

    if (number == 0) {
        return;
    }
    if (!anything && *mark != MARK_ASKED && !box->told[number - 1].acknowledged) {
        broken("mailbox %u: letter %llu is acknowledged and nobody notes it", box->id,
               (unsigned long long)number);
    }
    lane->in_flight -= *mark == MARK_SENT;
    *mark = MARK_ASKED;
}

void
node_acknowledge(struct node *node, struct lane *lane,
                 const struct hot_acknowledge *acknowledge)
{
    uint64_t sent = outflow_state(lane->outflow).sent;
    uint64_t most = acknowledge->through;
    uint8_t frame[HOT_HEAD_MAX + 9 * 64];
    struct command *command = NULL;
    struct why why;
    enum vg_status status;

    CHECK(acknowledge->also_len <= 64);
    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        most = acknowledge->also[i] > most ? acknowledge->also[i] : most;
    }
    status = outflow_acknowledge(lane->outflow, acknowledge, &command, &why);
    if (status != (most > sent ? VG_NOT_FOUND : VG_OK)) {
        broken("mailbox %u: acknowledging %llu after %llu is %s", lane->mailbox,
               (unsigned long long)most, (unsigned long long)sent,
               vg_status_name(status));
    }
    if (status != VG_OK) {
        return;
    }
    for (uint64_t number = 1; number <= acknowledge->through; number++) {
        ask(node, lane, number, command != NULL);
    }
    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        ask(node, lane, acknowledge->also[i], command != NULL);
    }
    check_window(lane, 0);
    if (command != NULL) {
        uint8_t *end = hot_write_acknowledge(frame, acknowledge);

        buffer_add(&command->frame, frame, (size_t)(end - frame));
        node_queue(node, &command);
    }
}
