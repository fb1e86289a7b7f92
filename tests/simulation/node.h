// SPDX-License-Identifier: EUPL-1.2
// node.h - a whole broker on the stage: opened by broker_open, moved by hand. Batches that
// were applied wait until the loop takes them, as they do between the writer's thread and
// the loop's. It dies and is opened again.
#ifndef SIMULATION_NODE_H
#define SIMULATION_NODE_H

#include "dice.h"
#include "faults.h"
#include "folder.h"
#include "model.h"
#include "network.h"
#include "witness.h"

enum { MAP_BYTES_TINY = 8 << 20, FINISHED_MOST = 3 };

struct node {
    struct dice *dice;
    struct model *model;
    struct network *network;
    struct witness *witness;
    char path[96];
    struct settings settings;
    struct broker *broker;
    struct txn *view;
    bool slices;  // the day's walk goes some persons at a time
    bool tiny;    // the map really is too small
    bool renewed; // the loop is about to take over other rules of mailboxes
    // counted for the report
    uint64_t crashes, full, drains;
};

void node_begin(struct node *node, const struct settings *settings);
void node_end(struct node *node);
void
node_remove_folder(const struct node *node); // when nothing else can be done any more

// node_propose takes a command as the console or a timer would.
void node_propose(struct node *node, struct command **command);
size_t node_waiting(const struct node *node); // commands that are not applied yet

// node_apply lets the writer apply what waits, with a fault, and the model follow. False:
// the broker has died and is open again, all connections gone.
bool node_apply(struct node *node, enum trouble trouble);
// The loop's turns: batches came back; a second has passed; a part of a heartbeat; one goes
// on with what it put off.
void node_take(struct node *node);
void node_second(struct node *node);
void node_pulse(struct node *node);
void node_go_on(struct node *node);

// node_receive gives the loop a frame of a client.
void node_receive(struct node *node, const struct connection *connection,
                  struct bytes frame);
// node_fill_disk: another program has filled the disk, or freed it.
void node_fill_disk(struct node *node, bool full);
// node_die forgets all that is not on the disk and opens the store again.
void node_die(struct node *node);
// node_drain begins an orderly end; node_go_on brings it about.
void node_drain(struct node *node);

// node_view gives a read transaction that sees the last commit.
struct txn *node_view(struct node *node);

#endif
