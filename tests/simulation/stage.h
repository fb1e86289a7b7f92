// SPDX-License-Identifier: EUPL-1.2
// stage.h - what the event loop finds around itself, played by the simulation: the clock,
// the two doors, who gets in, the writer's thread, the key file and the log.
//
// stage.c defines the functions of edge/arrivals.c, clock.c, door.c, log.c, pair.c, writer.c
// and zap.c; everything else of the broker is linked as it is, and broker_open puts it
// together. So the loop runs on frames of bytes, without a socket, a thread or the time of
// day. Who adds a function to one of those files adds it here.
//
// Catalogues are read once in the whole run: reading one takes longer than a hundred steps.
#ifndef SIMULATION_STAGE_H
#define SIMULATION_STAGE_H

#include "edge/broker.h"

enum stage_door { STAGE_SOURCES, STAGE_MEMBERS };

// What the network does with a frame of the broker, and when the broker cuts a connection.
struct stage_network {
    enum door_sent (*sent)(uint64_t connection, struct bytes frame, void *arg);
    void (*shut)(uint64_t connection, void *arg);
    void *arg;
};

// stage_begin forgets everything. Keeps: network's arg.
void stage_begin(const struct stage_network *network);

// stage_set_time: now_us may go back, steady_us never does.
void stage_set_time(int64_t now_us, int64_t steady_us);

// stage_admit asks as ZAP would: the key's id in the broker's table; 0: not let in.
uint32_t stage_admit(const uint8_t key[KEY_LEN]);
// stage_hand_over gives the loop a frame that came in by a door.
void stage_hand_over(enum stage_door door, uint64_t connection, uint32_t key_id,
                     const uint8_t key[KEY_LEN], struct bytes frame);
// stage_end_turn ends a turn of a door, in which the loop delivers.
void stage_end_turn(enum stage_door door);

// The writer's thread, step by step. stage_next_batch gives what was proposed, with time and
// switches; NULL: nothing was. Then it is done, or the writer has failed for good.
struct batch *stage_next_batch(void);
void stage_batch_done(struct batch **batch);
void stage_writer_failed(enum vg_status status, const struct why *why);
size_t stage_finished(void); // done, and not taken by the loop yet
bool stage_has_no_room(void);

#endif
