// SPDX-License-Identifier: EUPL-1.2
#include "say.h"

#include <string.h>

char *
say_text(const char *words)
{
    return (char *)(uintptr_t)words;
}

static struct buffer
pack(const Vigie__V1__ToBroker *message)
{
    struct buffer frame = {0};
    size_t len = vigie__v1__to_broker__get_packed_size(message);

    frame.len = vigie__v1__to_broker__pack(message, buffer_reserve(&frame, len));
    return frame;
}

#define SAY(KIND, member, body_name)                                                     \
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;                            \
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_##KIND;                         \
    message.member = &(body_name);                                                       \
    return pack(&message)

struct buffer
say_hello(void)
{
    Vigie__V1__Hello body = VIGIE__V1__HELLO__INIT;

    body.version = 1;
    body.client = say_text("simulation");
    SAY(HELLO, hello, body);
}

struct buffer
say_heartbeat(uint64_t echo)
{
    Vigie__V1__Heartbeat body = VIGIE__V1__HEARTBEAT__INIT;

    body.echo = echo;
    SAY(HEARTBEAT, heartbeat, body);
}

struct buffer
say_last_number(uint32_t producer)
{
    Vigie__V1__LastNumber body = VIGIE__V1__LAST_NUMBER__INIT;

    body.producer = producer;
    SAY(LAST_NUMBER, last_number, body);
}

struct buffer
say_subscribe(uint32_t mailbox, uint32_t messages, uint64_t bytes)
{
    Vigie__V1__Subscribe body = VIGIE__V1__SUBSCRIBE__INIT;

    body.mailbox = mailbox;
    body.window_messages = messages;
    body.window_bytes = bytes;
    SAY(SUBSCRIBE, subscribe, body);
}

struct buffer
say_unsubscribe(uint32_t mailbox)
{
    Vigie__V1__Unsubscribe body = VIGIE__V1__UNSUBSCRIBE__INIT;

    body.mailbox = mailbox;
    SAY(UNSUBSCRIBE, unsubscribe, body);
}

struct buffer
say_refuse(Vigie__V1__Refuse *refuse)
{
    SAY(REFUSE, refuse, *refuse);
}

struct buffer
say_request(Vigie__V1__Request *request)
{
    SAY(REQUEST, request, *request);
}

struct buffer
say_acknowledge(const struct hot_acknowledge *acknowledge)
{
    struct buffer frame = {0};
    uint8_t *at =
        buffer_reserve(&frame, HOT_HEAD_MAX + (size_t)9 * acknowledge->also_len);

    frame.len = (size_t)(hot_write_acknowledge(at, acknowledge) - at);
    return frame;
}

void
say_publish(struct buffer *mutations, uint32_t producer, uint64_t first_number)
{
    uint8_t *begin =
        hot_publish_head(mutations->at + HOT_HEAD_MAX, mutations->len - HOT_HEAD_MAX,
                         producer, first_number);
    size_t head = (size_t)(begin - mutations->at);

    memmove(mutations->at, begin, mutations->len - head);
    mutations->len -= head;
}
