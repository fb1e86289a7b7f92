// SPDX-License-Identifier: EUPL-1.2
// outflow_internal.h - what outflow.c (letters go out) and outflow_reply.c (what the member
// says of them) know of an outflow.
#ifndef FLOW_OUTFLOW_INTERNAL_H
#define FLOW_OUTFLOW_INTERNAL_H

#include "flow/flight.h"
#include "flow/outflow.h"

struct outflow {
    struct outflow_state state;
    struct number_range *skip; // have left the main sequence before their turn
    size_t skip_len;
    size_t skip_next;
    size_t deferring;   // deferrals not yet answered
    struct flight main; // of the main sequence; deferred ones too, until they are on disk
    struct flight tried; // held ones on their way
};

#endif
