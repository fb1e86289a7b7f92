// SPDX-License-Identifier: EUPL-1.2
// node.h - a broker without sockets and threads: store, applier, tails and the mailboxes
// that sessions have open. Batches that were applied wait until the loop takes them, as
// they do between the writer's thread and the loop's. It dies and is opened again.
#ifndef SIMULATION_NODE_H
#define SIMULATION_NODE_H

#include "dice.h"
#include "faults.h"
#include "flow/outflow.h"
#include "model.h"

enum { FINISHED_MAX = 3, MAP_BYTES_TINY = 8 << 20 };

// A mailbox, and the session that has it open.
struct lane {
    uint32_t mailbox;
    uint64_t session; // 0: none
    struct outflow *outflow;
    uint64_t sent_through; // by any session of this process
    uint8_t *marks;        // by number: enum, what this session did with it
    size_t marks_size;
    uint64_t in_flight;
};

struct node {
    struct dice *dice;
    struct model *model;
    char path[96];
    uint64_t map_bytes;
    unsigned lives;
    struct store *store;
    struct applier *applier;
    struct tails *tails;
    struct txn *view;
    uint64_t batch_id;
    struct command *first;
    struct command *last;
    size_t queued;
    struct batch *finished[FINISHED_MAX];
    size_t finished_len;
    struct lane lanes[BOXES_MAX];
    size_t lanes_len;
    bool quota; // the edge says that there is no room
    bool tiny;  // the map really is too small
    // counted for the report
    uint64_t crashes, full, given_up;
};

void node_begin(struct node *node, struct dice *dice, struct model *model,
                uint64_t map_bytes);
void node_end(struct node *node); // removes the folder

// node_queue takes a command.
void node_queue(struct node *node, struct command **command);
// node_apply applies up to max commands in one batch at a time of the clock, with a fault,
// and lets the model follow. False: the broker has died and is open again, all sessions gone.
bool node_apply(struct node *node, size_t max, int64_t now_us, enum trouble trouble);
// node_take gives the oldest finished batch after the tails took it; NULL: none.
// Gives: batch_free.
struct batch *node_take(struct node *node);
// node_die forgets all that is not on the disk and opens the store again.
void node_die(struct node *node);

// node_view gives a read transaction that sees the last commit.
struct txn *node_view(struct node *node);
struct lane *node_lane(struct node *node, uint32_t mailbox);
void node_open_lane(struct node *node, uint32_t mailbox, uint64_t session,
                    uint64_t messages, uint64_t bytes);
void node_close_lane(struct lane *lane);
// node_fill writes a delivery frame; 0: there is nothing to send.
size_t node_fill(struct node *node, struct lane *lane, size_t max_bytes,
                 struct buffer *frame);
void node_acknowledge(struct node *node, struct lane *lane,
                      const struct hot_acknowledge *acknowledge);

#endif
