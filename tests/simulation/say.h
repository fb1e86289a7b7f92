// SPDX-License-Identifier: EUPL-1.2
// say.h - what clients say, as frames: packed by protobuf-c from the definition, so that the
// broker's own readers are not asked how they want it. The hot ones are written as the
// client library writes them.
#ifndef SIMULATION_SAY_H
#define SIMULATION_SAY_H

#include "base/buffer.h"
#include "hot/hot.h"

#include "vigie/v1/vigie.pb-c.h"

// Each gives a frame (buffer_free).
struct buffer say_hello(void);
struct buffer say_heartbeat(uint64_t echo);
struct buffer say_last_number(uint32_t producer);
struct buffer say_subscribe(uint32_t mailbox, uint32_t messages, uint64_t bytes);
struct buffer say_unsubscribe(uint32_t mailbox);
struct buffer say_acknowledge(const struct hot_acknowledge *acknowledge);
struct buffer say_refuse(Vigie__V1__Refuse *refuse);
struct buffer say_request(Vigie__V1__Request *request);
// say_publish puts the head before mutations_len bytes of mutations, which begin at
// HOT_HEAD_MAX of the buffer.
void say_publish(struct buffer *mutations, uint32_t producer, uint64_t first_number);

// say_text: protobuf-c's strings are not const, but packing only reads them.
char *say_text(const char *words);

#endif
