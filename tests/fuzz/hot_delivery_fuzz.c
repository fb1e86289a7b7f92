// SPDX-License-Identifier: EUPL-1.2
// Goal: any bytes are read as a delivery safely and as protobuf-c reads them; what was
// read is written again without loss.
// Method: the input as a ToClient frame and as a Content; compare (hot_agrees.h).
#include "base/base.h"

#include "../hot_agrees.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_written(const struct hot_notification *notification)
{
    size_t size = HOT_NOTIFICATION_HEAD_MAX + notification->content.len;
    uint8_t *room = malloc(size);
    struct hot_notification read;

    CHECK(room != NULL);

    struct hot_bytes frame = {
        room, (size_t)(hot_write_notification(room, notification) - room)};

    CHECK(frame.len <= size);
    CHECK(hot_next_notification(&frame, &read) == 1 && frame.len == 0);
    CHECK(read.mailbox == notification->mailbox && read.number == notification->number);
    CHECK(read.again == notification->again && read.justified == notification->justified);
    CHECK(!read.justified ||
          (read.quality == notification->quality && read.begin == notification->begin &&
           read.end == notification->end));
    CHECK(read.content.len == notification->content.len);
    CHECK(read.content.len == 0 ||
          memcmp(read.content.at, notification->content.at, read.content.len) == 0);
    free(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct hot_bytes bytes = {at, len};
    struct hot_notification notification;

    check_agreement(to_client_disagreement(bytes));
    check_agreement(content_disagreement(bytes));
    while (hot_next_notification(&bytes, &notification) == 1) {
        check_written(&notification);
    }
    return 0;
}
