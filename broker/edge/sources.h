// SPDX-License-Identifier: EUPL-1.2
// sources.h - what a source may say: Publish and LastNumber.
//
// Only the envelope of a Publish is read here; its mutations are read by the writer, where
// they are judged. Within its window a source is always taken in; beyond it, it is told
// once, and cut off the second time. Thread: event loop.
#ifndef EDGE_SOURCES_H
#define EDGE_SOURCES_H

#include "edge/reception.h"

extern const struct desks sources_desks;

// sources_answered gives a session back the room that a command took in its window.
void sources_answered(struct session *session, const struct command *command);

#endif
