// SPDX-License-Identifier: EUPL-1.2
// members.h - institutions as their library behaves: mailboxes opened with a window, letters
// received, some of them acknowledged, and the directory's requests.
#ifndef SIMULATION_MEMBERS_H
#define SIMULATION_MEMBERS_H

#include "model.h"
#include "network.h"
#include "say.h"

enum { MEMBERS = 8, MEMBER_BOXES_MAX = 6, TRIED_MAX = 64 };

// A mailbox as a member sees it.
struct opened {
    uint32_t mailbox;
    uint64_t last; // newest number received on this connection
    uint64_t *got; // received, perhaps not acknowledged
    size_t got_len;
    size_t got_size;
    uint64_t tried[TRIED_MAX]; // came out of turn: refused before, or held behind one
    size_t tried_len;
};

struct member {
    uint64_t connection; // 0: none
    uint32_t institution;
    struct opened opened[MEMBER_BOXES_MAX];
    size_t opened_len;
};

struct members {
    struct dice *dice;
    struct model *model;
    struct network *network;
    struct member member[MEMBERS];
    uint64_t last_request;
    bool sparse;      // they acknowledge every other letter alone
    bool wide;        // large windows
    bool calm;        // all want everything
    uint64_t answers; // replies read, for the report
};

void members_end(struct members *members);

// members_subscribe connects for an institution and opens most of its mailboxes.
void members_subscribe(struct members *members, uint32_t institution);
void members_connect(struct members *members, struct member *member,
                     uint32_t institution);
void members_open(struct members *members, struct member *member, uint32_t mailbox);
void members_hang_up(struct members *members, struct member *member);

// What a member does of its own accord: acknowledge something, or say that it is there,
// change a window, close a mailbox.
void members_acknowledge(struct members *members, struct member *member);
void members_acknowledge_all(struct members *members, struct member *member);
// members_refuse gives a letter back, mostly one of the newest.
void members_refuse(struct members *members, struct member *member);
bool members_have_letters(const struct member *member);
void members_fidget(struct members *members, struct member *member);
// members_request sends a question, which gets the next id.
void members_request(struct members *members, struct member *member,
                     Vigie__V1__Request *request);

// members_hear reads a frame of the broker. False: the connection is none of theirs.
bool members_hear(struct members *members, uint64_t connection, struct bytes frame);

#endif
