// SPDX-License-Identifier: EUPL-1.2
// watch.h - what the loop does by the clock: heartbeats and silence, room in the store, the
// fold, the rates. Thread: event loop.
#ifndef EDGE_WATCH_H
#define EDGE_WATCH_H

#include "edge/broker.h"

// watch_sessions sends heartbeats to those who heard nothing for heartbeat_ms, and ends
// those who were silent for three times as long, who do not read, or who were told to go.
void watch_sessions(struct broker *broker, int64_t now_ms);

// watch_arrivals ends connections that have said nothing for too long (edge/arrivals.h).
void watch_arrivals(struct broker *broker, int64_t now_ms);

// watch_room measures the store and tells the sources when it is full and when it is not
// any more.
void watch_room(struct broker *broker);

// watch_written measures before the next second when a batch may have used up much of the
// room that was left: a page of the store holds less than a page of what was counted.
void watch_written(struct broker *broker, uint64_t bytes);

// watch_disk notices a commit that takes longer than disk_slow_ms, and its end: a line in
// the log each, and the sources are told to wait. The writer hangs in it; the loop must not.
void watch_disk(struct broker *broker);

// watch_fold proposes a fold when something was posted or acknowledged since the last one.
void watch_fold(struct broker *broker);

// room_is_short says whether publishing must be refused: at the quota or the disk's
// reserve, and, once it was short, until a twentieth of it is free again.
bool room_is_short(const struct store_room *room, uint64_t disk_reserve_bytes, bool was);

#endif
