// SPDX-License-Identifier: EUPL-1.2
// sources.h - sources as their library behaves: numbered mutations are kept until they are
// answered, and sent again under the same numbers on each new connection. Whose institution
// became part of another one speaks for that from then on, with numbers of its own.
#ifndef SIMULATION_SOURCES_H
#define SIMULATION_SOURCES_H

#include "model.h"
#include "network.h"

enum { SOURCES_MAX = 12, UNANSWERED_MAX = 1000 };

struct source {
    uint32_t institution;
    uint32_t producer;
    uint64_t connection;
    uint64_t next;                       // number of the next new one
    uint64_t first;                      // number of unanswered[0]
    uint32_t unanswered[UNANSWERED_MAX]; // deeds
    size_t len;
    bool asks; // it has forgotten all, and asks for its last number
};

struct sources {
    struct dice *dice;
    struct model *model;
    struct network *network;
    struct source source[SOURCES_MAX];
    size_t len;
};

void sources_add(struct sources *sources, uint32_t institution, uint32_t producer);

// What they do of their own accord.
void sources_report(struct sources *sources, size_t i, struct deed deed);
void sources_publish(struct sources *sources, size_t i);
void sources_forget(struct sources *sources, size_t i); // all it had in memory
void sources_hang_up(struct sources *sources, size_t i);
bool sources_are_busy(const struct sources *sources); // somebody waits for an answer

// sources_hear reads a frame of the broker. False: the connection is none of theirs.
bool sources_hear(struct sources *sources, uint64_t connection, struct bytes frame);

#endif
