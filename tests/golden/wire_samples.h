// SPDX-License-Identifier: EUPL-1.2
// wire_samples.h - what is written in golden/wire_v1/, as objects of protobuf-c.
//
// wire_make writes files that are missing, and never one that is there: bytes once sent
// stay as they were. wire_test reads them. Every field of every message type has a value
// in some sample. A new message or field gets a sample of its own, in a new file.
#ifndef GOLDEN_WIRE_SAMPLES_H
#define GOLDEN_WIRE_SAMPLES_H

#include <stddef.h>

#include "vigie/v1/vigie.pb-c.h"

enum { SAMPLES_MAX = 64 };

struct sample {
    const char *name;                // of the file, without .bin
    const ProtobufCMessage *message; // a ToBroker or a ToClient
};

// wire_samples fills in all samples and returns how many there are.
//
// Lends: the messages, for ever.
size_t wire_samples(struct sample ret_samples[SAMPLES_MAX]);

#endif
