// SPDX-License-Identifier: EUPL-1.2
// Goal: any bytes are read as an Acknowledge safely and as protobuf-c reads them; what was
// read is written again without loss.
// Method: the input as a frame and as an Acknowledge; compare (hot_agrees.h).
#include "base/base.h"

#include "../hot_agrees.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_written(const struct hot_acknowledge *acknowledge)
{
    static uint8_t room[HOT_HEAD_MAX + 9 * HOT_ALSO_MAX];
    static struct hot_acknowledge read;
    struct hot_bytes frame = {room,
                              (size_t)(hot_write_acknowledge(room, acknowledge) - room)};
    struct hot_bytes body;

    CHECK(frame.len <= HOT_HEAD_MAX + 9 * (size_t)acknowledge->also_len);
    CHECK(hot_to_broker_kind(frame, &body) == VIGIE__V1__TO_BROKER__MESSAGE_ACKNOWLEDGE);
    CHECK(hot_read_acknowledge(body, &read) == HOT_OK);
    CHECK(read.mailbox == acknowledge->mailbox && read.through == acknowledge->through);
    CHECK(read.also_len == acknowledge->also_len);
    CHECK(memcmp(read.also, acknowledge->also, sizeof(uint64_t) * read.also_len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static struct hot_acknowledge acknowledge;
    struct hot_bytes bytes = {at, len};

    check_agreement(to_broker_disagreement(bytes));
    check_agreement(acknowledge_body_disagreement(bytes));
    if (hot_read_acknowledge(bytes, &acknowledge) == HOT_OK) {
        check_written(&acknowledge);
    }
    return 0;
}
