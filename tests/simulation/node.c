// SPDX-License-Identifier: EUPL-1.2
#include "node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- life ----

static void
open_broker(struct node *node)
{
    struct faults faults = {0};
    struct why why = {.text = ""};

    snprintf(node->settings.store_path, sizeof node->settings.store_path, "%s",
             node->path);
    if (broker_open(&node->settings, &node->broker, &faults) != VG_OK ||
        store_read(node->broker->store, &node->view, &why) != VG_OK) {
        broken("the broker cannot be opened: %s%s",
               faults.len > 0 ? faults.fault[0].why.text : "", why.text);
    }
    node->renewed = false;
    witness_begin(node->witness, node->model, node->broker);
}

static void
close_broker(struct node *node)
{
    store_abort(&node->view);
    broker_close(&node->broker);
    network_lose_all(node->network);
}

void
node_begin(struct node *node, const struct settings *settings)
{
    node->settings = *settings;
    node->tiny = settings->map_bytes < MAP_BYTES_TINY;
    folder_make(node->path, sizeof node->path);
    open_broker(node);
}

void
node_remove_folder(const struct node *node)
{
    folder_remove(node->path);
}

void
node_end(struct node *node)
{
    close_broker(node);
    folder_remove(node->path);
}

// LMDB wants its environment closed before the same file is opened again. Sometimes the
// file as it lies there is copied first and life goes on with the copy, so that no closing
// can have helped.
static void
live_again(struct node *node)
{
    char old[sizeof node->path];
    bool copies = dice_one_in(node->dice, 4);

    faults_heal(); // a start on a disk that fails is another test's
    memcpy(old, node->path, sizeof old);
    if (copies) {
        folder_make(node->path, sizeof node->path);
        folder_copy_store(old, node->path);
    }
    close_broker(node);
    if (copies) {
        folder_remove(old);
    }
    open_broker(node);
}

void
node_die(struct node *node)
{
    live_again(node);
    node->crashes++;
}

// ---- turns ----

// What libevent would call: the loop's own functions, when the simulation says so.
static void
call(struct event *event)
{
    event_callback_fn callback = event_get_callback(event);

    event_del(event);
    callback(-1, EV_TIMEOUT, event_get_callback_arg(event));
}

void
node_take(struct node *node)
{
    if (node->renewed) {
        witness_paces(node->witness);
    }
    event_get_callback(node->broker->answers)(-1, EV_READ, node->broker);
    if (node->renewed) {
        witness_paced(node->witness);
    }
    node->renewed = false;
}

void
node_second(struct node *node)
{
    witness_paces(node->witness);
    call(node->broker->second);
    witness_paced(node->witness);
    node->renewed = false;
}

void
node_pulse(struct node *node)
{
    call(node->broker->pulse);
}

void
node_go_on(struct node *node)
{
    struct event *const put_off[] = {node->broker->resend, node->broker->delivery,
                                     node->broker->drain, node->broker->retry,
                                     node->broker->riding.timer};

    for (size_t i = 0; i < ARRAY_LEN(put_off); i++) {
        if (evtimer_pending(put_off[i], NULL)) {
            call(put_off[i]);
        }
    }
    if (node->broker->draining && event_base_got_break(node->broker->base)) {
        live_again(node);
        node->drains++;
    }
}

void
node_drain(struct node *node)
{
    broker_drain(node->broker);
}

void
node_fill_disk(struct node *node, bool full)
{
    node->settings.disk_reserve_bytes = full ? UINT64_C(1) << 60 : 0;
}

void
node_receive(struct node *node, const struct connection *connection, struct bytes frame)
{
    static struct expected expected;
    enum stage_door door = connection->door;
    uint64_t session = connection->id;

    witness_before(node->witness, session, frame, &expected);
    stage_hand_over(door, session, connection->key_id, connection->key, frame);
    witness_after(node->witness, session, frame, &expected);
    if (!dice_one_in(node->dice, 3)) { // more than one frame comes in a turn
        stage_end_turn(door);
    }
}

// ---- the writer ----

void
node_propose(struct node *node, struct command **command)
{
    broker_propose(node->broker, command);
}

size_t
node_waiting(const struct node *node)
{
    return proposals_load(node->broker->proposals).commands;
}

static enum room
room_of(const struct node *node, const struct batch *batch, enum trouble trouble)
{
    if (node->tiny || trouble == FAULT_FULL || trouble == FAULT_NO_MEMORY ||
        trouble == FAULT_FULL_COMMIT) {
        return ROOM_FAILED;
    }
    return batch->no_room ? ROOM_QUOTA : ROOM;
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

static void
follow(struct node *node, struct batch *batch, enum room room, bool answered)
{
    witness_applied(node->witness, batch);
    model_apply(node->model, batch, room, answered, node_view(node));
}

// What came back before the failure is still answered; then nobody is.
static void
end_after_failure(struct node *node, enum vg_status status, const struct why *why)
{
    uint64_t seen;

    stage_writer_failed(status, why);
    if (dice_one_in(node->dice, 2)) {
        node_take(node);
        seen = node->broker->last_commit;
        if (!node->broker->fatal || seen > node->model->commits) {
            broken("the loop goes on after a commit whose outcome is not known");
        }
    }
    node_die(node);
}

// The day's walk in slices of some persons, so that it is interrupted.
static void
cut_walks(struct node *node, struct batch *batch)
{
    for (struct command *command = batch->first; command != NULL;
         command = command->next) {
        if (command->kind == COMMAND_LAPSE && node->slices) {
            command->lapse.persons_max = 1 + dice_below(node->dice, 8);
        }
    }
}

bool
node_apply(struct node *node, enum trouble trouble)
{
    struct batch *batch = stage_next_batch();
    struct why why = {.text = ""};
    enum vg_status status;
    bool failed;

    if (batch == NULL) {
        return true;
    }
    cut_walks(node, batch);
    faults_arm(trouble, node->dice);
    status = apply_batch(node->broker->applier, batch, &why);
    failed = faults_heal();
    if (status == VG_OK) {
        enum room room = room_of(node, batch, trouble);

        node->full += batch->no_room;
        node->renewed |= batch->roster != NULL;
        follow(node, batch, room, true);
        stage_batch_done(&batch);
        return true;
    }
    if (!failed) {
        broken("batch %llu failed on a disk that works: %s",
               (unsigned long long)batch->id, why.text);
    }
    check_nobody_is_answered(batch);
    witness_applied(node->witness, batch);
    end_after_failure(node, status, &why);
    model_apply(node->model, batch, room_of(node, batch, FAULT_FULL), false,
                node_view(node));
    batch_free(&batch);
    return false;
}

struct txn *
node_view(struct node *node)
{
    if (store_read_renew(node->view) != VG_OK) {
        broken("the last commit cannot be seen");
    }
    return node->view;
}
