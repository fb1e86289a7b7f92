// SPDX-License-Identifier: EUPL-1.2
// context.h - the one ZeroMQ context of this process, with its one I/O thread.
//
// The only state that handles share. The first to come makes it, the last to go ends it.
#ifndef CLIENT_CONTEXT_H
#define CLIENT_CONTEXT_H

// vg_context_take gives the context, or NULL without memory or descriptors. Any thread.
void *vg_context_take(void);

// vg_context_return ends the context when nobody else has it. Any thread. Blocks: until
// the lingering frames of closed sockets have left.
void vg_context_return(void);

#endif
