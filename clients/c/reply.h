// SPDX-License-Identifier: EUPL-1.2
// reply.h - an answer as the caller reads it.
#ifndef CLIENT_REPLY_H
#define CLIENT_REPLY_H

#include "vigie/v1/vigie.pb-c.h"
#include "vigie/vigie.h"

// vg_reply_make views a message that was received.
//
// Takes: message. Gives: vg_reply_free. Returns NULL without memory.
struct vg_reply *vg_reply_make(Vigie__V1__Reply **message);

#endif
