// SPDX-License-Identifier: EUPL-1.2
// Goal: any frame is decoded into a ToClient inside its arena, or not at all.
// Method: protobuf-c with arenas of four sizes (proto_roundtrip.h).
#include "base/base.h"

#include "proto_roundtrip.h"
#include "vigie/v1/vigie.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    check_roundtrip(&vigie__v1__to_client__descriptor, at, len);
    return 0;
}
