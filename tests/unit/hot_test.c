// SPDX-License-Identifier: EUPL-1.2
// Goal: proto/hot reads and writes the three hot messages as protobuf-c does, and any
// other bytes harmlessly.
// Method: thousands of messages from a seeded generator, whole, cut at every length and
// with changed bytes, are read both ways and compared (hot_agrees.h); what the writers
// make must be the same bytes that protobuf-c makes. Every frame is read from memory of
// its exact size. Persons are fictitious (month + 60).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../hot_agrees.h"

enum { FRAME_MAX = 1 << 20 };

// ---- chance ----

static uint64_t seed;

static uint64_t
chance(void)
{
    uint64_t word = (seed += UINT64_C(0x9e3779b97f4a7c15));

    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

static size_t
below(size_t limit)
{
    return (size_t)(chance() % limit);
}

// Zero often (the default), then small, then anything.
static uint64_t
any_number(void)
{
    uint64_t word = chance();

    switch (below(4)) {
    case 0:
        return 0;
    case 1:
        return word % 200;
    default:
        return word >> below(64);
    }
}

static uint32_t
any_u32(void)
{
    return (uint32_t)any_number();
}

// ---- messages of protobuf-c, made by chance, forgotten together ----

static uint8_t heap[8 << 20];
static size_t heap_used;

static void *
lend(size_t len)
{
    void *at = heap + heap_used;

    heap_used += (len + 15) & ~(size_t)15;
    assert_true(heap_used <= sizeof(heap));
    return at;
}

static char *
any_text(size_t len_max)
{
    size_t len = below(3) == 0 ? 0 : below(below(4) == 0 ? len_max + 1 : len_max / 4 + 1);
    char *text = lend(len + 1);

    for (size_t i = 0; i < len; i++) {
        text[i] = (char)(1 + below(255));
    }
    text[len] = 0;
    return text;
}

static Vigie__V1__Field **
any_fields(size_t len)
{
    Vigie__V1__Field **fields = lend(sizeof(*fields) * (len + 1));

    for (size_t i = 0; i < len; i++) {
        fields[i] = lend(sizeof(**fields));
        vigie__v1__field__init(fields[i]);
        fields[i]->code = any_text(HOT_CODE_BYTES_MAX);
        fields[i]->value = any_text(below(20) == 0 ? 1000 : 100);
    }
    return fields;
}

#define FILL_MUTATION(message)                                                           \
    do {                                                                                 \
        (message)->flow = any_text(40);                                                  \
        (message)->niss = any_number();                                                  \
        (message)->n_fields = below(8) == 0 ? below(HOT_FIELDS_MAX + 1) : below(9);      \
        (message)->fields = any_fields((message)->n_fields);                             \
        (message)->occurred = any_u32();                                                 \
        (message)->period_begin = any_u32();                                             \
        (message)->period_end = any_u32();                                               \
        (message)->id = any_text(HOT_ID_BYTES_MAX);                                      \
        (message)->recipient = any_text(150);                                            \
        (message)->replaces = any_text(HOT_ID_BYTES_MAX);                                \
        (message)->cancels = any_text(HOT_ID_BYTES_MAX);                                 \
        (message)->answers = any_text(HOT_ID_BYTES_MAX);                                 \
        (message)->new_niss = any_number();                                              \
        (message)->enterprise = any_number();                                            \
        (message)->reference_year = any_u32();                                           \
    } while (0)

static Vigie__V1__Mutation *
any_mutation(void)
{
    Vigie__V1__Mutation *mutation = lend(sizeof(*mutation));

    vigie__v1__mutation__init(mutation);
    do {
        FILL_MUTATION(mutation);
    } while (vigie__v1__mutation__get_packed_size(mutation) > HOT_MUTATION_BYTES_MAX);
    return mutation;
}

static Vigie__V1__Publish *
any_publish(void)
{
    Vigie__V1__Publish *publish = lend(sizeof(*publish));

    vigie__v1__publish__init(publish);
    publish->producer = any_u32();
    publish->first_number = any_number();
    publish->n_mutations = below(5);
    publish->mutations = lend(sizeof(*publish->mutations) * 5);
    for (size_t i = 0; i < publish->n_mutations; i++) {
        publish->mutations[i] = any_mutation();
    }
    return publish;
}

static Vigie__V1__Content *
any_content(void)
{
    Vigie__V1__Content *content = lend(sizeof(*content));

    vigie__v1__content__init(content);
    FILL_MUTATION(content);
    content->ticket = any_number();
    content->source = any_text(40);
    content->kept_at = any_number();
    content->current_niss = below(2) * chance();
    content->withheld = any_u32();
    content->caught_up = below(2) * chance();
    content->lost = below(2) == 0 ? 0 : any_u32();
    return content;
}

static Vigie__V1__Notification *
any_notification(void)
{
    Vigie__V1__Notification *notification = lend(sizeof(*notification));

    vigie__v1__notification__init(notification);
    notification->mailbox = any_u32();
    notification->number = any_number();
    notification->again = below(2) != 0;
    notification->attempt = below(3) == 0 ? any_u32() : 0;
    if (below(3) != 0) {
        notification->justification = lend(sizeof(*notification->justification));
        vigie__v1__justification__init(notification->justification);
        notification->justification->quality = any_u32();
        notification->justification->begin = any_u32();
        notification->justification->end = any_u32();
    }
    if (below(8) != 0) {
        notification->content = any_content();
    }
    notification->n_merged = below(3) == 0 ? below(5) : 0;
    notification->merged = lend(5 * sizeof(uint64_t));
    for (size_t i = 0; i < notification->n_merged; i++) {
        notification->merged[i] = any_number();
    }
    return notification;
}

static Vigie__V1__ToClient *
any_delivery(void)
{
    Vigie__V1__ToClient *frame = lend(sizeof(*frame));

    vigie__v1__to_client__init(frame);
    frame->n_notifications = below(5);
    frame->notifications = lend(sizeof(*frame->notifications) * 5);
    for (size_t i = 0; i < frame->n_notifications; i++) {
        frame->notifications[i] = any_notification();
    }
    return frame;
}

static Vigie__V1__Acknowledge *
any_acknowledge(size_t also_max)
{
    Vigie__V1__Acknowledge *acknowledge = lend(sizeof(*acknowledge));

    vigie__v1__acknowledge__init(acknowledge);
    acknowledge->mailbox = any_u32();
    acknowledge->through = any_number();
    acknowledge->n_also = below(also_max + 1);
    acknowledge->also = lend(sizeof(uint64_t) * (also_max + 1));
    for (size_t i = 0; i < acknowledge->n_also; i++) {
        acknowledge->also[i] = any_number();
    }
    return acknowledge;
}

// ---- frames ----

static uint8_t packed[FRAME_MAX];

static struct hot_bytes
pack(const void *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);

    assert_true(len <= sizeof(packed));
    return (struct hot_bytes){packed, protobuf_c_message_pack(message, packed)};
}

static struct hot_bytes
pack_to_broker(Vigie__V1__ToBroker__MessageCase kind, void *message)
{
    Vigie__V1__ToBroker frame = VIGIE__V1__TO_BROKER__INIT;

    frame.message_case = kind;
    frame.publish = message; // the oneof is one union
    return pack(&frame);
}

static struct hot_bytes
pack_publish(Vigie__V1__Publish *publish)
{
    return pack_to_broker(VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH, publish);
}

static struct hot_bytes
pack_acknowledge(Vigie__V1__Acknowledge *acknowledge)
{
    return pack_to_broker(VIGIE__V1__TO_BROKER__MESSAGE_ACKNOWLEDGE, acknowledge);
}

typedef const char *compare_fn(struct hot_bytes frame);

// One byte too far is one byte outside the allocation.
static void
agree_on(compare_fn *compare, const uint8_t *at, size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    const char *word;

    assert_non_null(exact);
    memcpy(exact, at, len);
    word = compare((struct hot_bytes){exact, len});
    if (word != NULL) {
        for (size_t i = 0; i < len; i++) {
            fprintf(stderr, "%02x", exact[i]);
        }
        fprintf(stderr, "\n");
        fail_msg("%s", word);
    }
    free(exact);
}

static struct hot_bytes
any_frame(compare_fn **ret_compare)
{
    heap_used = 0;
    *ret_compare = to_broker_disagreement;
    switch (below(3)) {
    case 0:
        return pack_publish(any_publish());
    case 1:
        return pack_acknowledge(any_acknowledge(40));
    default:
        *ret_compare = to_client_disagreement;
        return pack(any_delivery());
    }
}

static struct hot_bytes
body_of_kind(struct hot_bytes frame, uint32_t kind)
{
    struct hot_bytes body = {NULL, 0};

    assert_int_equal(hot_to_broker_kind(frame, &body), kind);
    return body;
}

#define BYTES(literal)                                                                   \
    ((struct hot_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

// ---- reading what protobuf-c writes ----

static void
reads_every_publish_that_protobuf_writes(void **state)
{
    static struct hot_mutation ours;

    (void)state;
    seed = 1;
    for (int round = 0; round < 3000; round++) {
        struct hot_publish publish;
        struct hot_bytes mutation;
        Vigie__V1__Publish *theirs;
        struct hot_bytes frame;

        heap_used = 0;
        theirs = any_publish();
        frame = pack_publish(theirs);
        agree_on(to_broker_disagreement, frame.at, frame.len);
        assert_int_equal(hot_read_publish(body_of_kind(frame, 3), &publish), HOT_OK);
        assert_int_equal(publish.producer, theirs->producer);
        assert_int_equal(publish.mutations_len, theirs->n_mutations);
        for (size_t i = 0; i < theirs->n_mutations; i++) {
            assert_true(hot_next_mutation(&publish.mutations, &mutation));
            assert_int_equal(hot_read_mutation(mutation, &ours), HOT_OK);
            assert_true(MUTATION_AGREES(&ours, theirs->mutations[i]));
        }
        assert_false(hot_next_mutation(&publish.mutations, &mutation));
    }
}

static void
reads_every_delivery_that_protobuf_writes(void **state)
{
    static struct hot_content content;

    (void)state;
    seed = 2;
    for (int round = 0; round < 3000; round++) {
        struct hot_notification ours;
        Vigie__V1__ToClient *theirs;
        struct hot_bytes frame, body;

        heap_used = 0;
        theirs = any_delivery();
        frame = pack(theirs);
        agree_on(to_client_disagreement, frame.at, frame.len);
        assert_int_equal(hot_to_client_kind(frame, &body), theirs->n_notifications > 0);
        for (size_t i = 0; i < theirs->n_notifications; i++) {
            const Vigie__V1__Notification *expected = theirs->notifications[i];

            assert_int_equal(hot_next_notification(&body, &ours), 1);
            assert_int_equal(ours.number, expected->number);
            assert_int_equal(ours.justified, expected->justification != NULL);
            assert_int_equal(hot_merged_len(ours.merged), expected->n_merged);
            for (size_t j = 0; j < expected->n_merged; j++) {
                assert_int_equal(hot_merged(ours.merged, j), expected->merged[j]);
            }
            if (expected->content != NULL) {
                assert_int_equal(hot_read_content(ours.content, &content), HOT_OK);
                assert_true(MUTATION_AGREES(&content.mutation, expected->content));
                assert_int_equal(content.withheld, expected->content->withheld);
                assert_int_equal(content.mutation.current_niss,
                                 expected->content->current_niss);
                assert_int_equal(content.mutation.caught_up,
                                 expected->content->caught_up);
                assert_int_equal(content.mutation.lost, expected->content->lost);
            }
        }
        assert_int_equal(hot_next_notification(&body, &ours), 0);
    }
}

static void
reads_every_acknowledge_that_protobuf_writes(void **state)
{
    static struct hot_acknowledge ours;

    (void)state;
    seed = 3;
    for (int round = 0; round < 3000; round++) {
        Vigie__V1__Acknowledge *theirs;
        struct hot_bytes frame;

        heap_used = 0;
        theirs = any_acknowledge(round % 50 == 0 ? HOT_ALSO_MAX : 20);
        frame = pack_acknowledge(theirs);
        agree_on(to_broker_disagreement, frame.at, frame.len);
        assert_int_equal(hot_read_acknowledge(body_of_kind(frame, 6), &ours), HOT_OK);
        assert_int_equal(ours.through, theirs->through);
        assert_int_equal(ours.also_len, theirs->n_also);
    }
}

static void
agrees_at_every_length_of_a_frame(void **state)
{
    (void)state;
    seed = 4;
    for (int round = 0; round < 150; round++) {
        compare_fn *compare;
        struct hot_bytes frame = any_frame(&compare);

        for (size_t len = 0; len <= frame.len && len < 1500; len++) {
            agree_on(compare, frame.at, len);
        }
    }
}

// The outer lengths are right here, so that the cut reaches the reader of the body.
static void
agrees_at_every_length_of_a_body(void **state)
{
    (void)state;
    seed = 5;
    for (int round = 0; round < 100; round++) {
        struct hot_bytes body;

        heap_used = 0;
        body = pack(any_mutation());
        for (size_t len = 0; len <= body.len && len < 800; len++) {
            agree_on(mutation_disagreement, body.at, len);
        }
        body = pack(any_content());
        for (size_t len = 0; len <= body.len && len < 800; len++) {
            agree_on(content_disagreement, body.at, len);
        }
        body = pack(any_acknowledge(40));
        for (size_t len = 0; len <= body.len; len++) {
            agree_on(acknowledge_body_disagreement, body.at, len);
        }
        body = pack(any_publish());
        for (size_t len = 0; len <= body.len && len < 800; len++) {
            agree_on(publish_body_disagreement, body.at, len);
        }
    }
}

// One message behind another is one message, in which the second one's words come late and
// for the second time.
static void
reads_words_in_any_order(void **state)
{
    static uint8_t both[2 * FRAME_MAX];

    (void)state;
    seed = 8;
    for (int round = 0; round < 2000; round++) {
        compare_fn *compare =
            round % 2 == 0 ? mutation_disagreement : content_disagreement;
        struct hot_bytes body;
        size_t len = 0;

        heap_used = 0;
        for (int i = 0; i < 2; i++) {
            body = round % 2 == 0 ? pack(any_mutation()) : pack(any_content());
            memcpy(both + len, body.at, body.len);
            len += body.len;
        }
        agree_on(compare, both, len);
    }
}

static size_t
change_bytes(uint8_t *bytes, size_t len)
{
    for (size_t changes = 1 + below(4); changes > 0 && len > 0; changes--) {
        size_t at = below(len);
        size_t rest = len - at - 1;

        switch (below(5)) {
        case 0: // another byte
            bytes[at] = (uint8_t)chance();
            break;
        case 1: // one bit
            bytes[at] ^= (uint8_t)(1u << below(8));
            break;
        case 2: // one byte less
            memmove(bytes + at, bytes + at + 1, rest);
            len--;
            break;
        case 3: // one byte more
            memmove(bytes + at + 1, bytes + at, rest + 1);
            bytes[at] = (uint8_t)chance();
            len++;
            break;
        default: // a byte that is special here
            bytes[at] =
                (uint8_t) "\x00\x7f\x80\xff\x0a\x12\x1a\x08\x11\x22\x2a"[below(11)];
            break;
        }
    }
    return len;
}

static void
agrees_on_changed_bytes(void **state)
{
    static uint8_t changed[FRAME_MAX];

    (void)state;
    seed = 6;
    for (int round = 0; round < 4000; round++) {
        compare_fn *compare;
        struct hot_bytes frame = any_frame(&compare);

        for (int again = 0; again < 10; again++) {
            memcpy(changed, frame.at, frame.len);
            agree_on(compare, changed, change_bytes(changed, frame.len));
        }
    }
}

static void
agrees_on_changed_bodies(void **state)
{
    static uint8_t changed[FRAME_MAX];
    static struct hot_mutation ignored;
    unsigned refused = 0;
    unsigned read = 0;

    (void)state;
    seed = 7;
    for (int round = 0; round < 4000; round++) {
        struct hot_bytes body;
        size_t len;

        heap_used = 0;
        body = round % 2 == 0 ? pack(any_mutation()) : pack(any_content());
        memcpy(changed, body.at, body.len);
        for (int again = 0; again < 10; again++) {
            memcpy(changed, body.at, body.len);
            len = change_bytes(changed, body.len);
            agree_on(round % 2 == 0 ? mutation_disagreement : content_disagreement,
                     changed, len);
            if (hot_read_mutation((struct hot_bytes){changed, len}, &ignored) == HOT_OK) {
                read++;
            } else {
                refused++;
            }
        }
    }
    assert_true(read > 1000 && refused > 1000); // both ends of the comparison were tried
}

// ---- what the wire may hold ----

static void
skips_unknown_fields_of_every_wire_type(void **state)
{
    static struct hot_mutation mutation;
    struct hot_bytes body =
        BYTES("\xf8\x07\x96\x01"                 // 127: varint
              "\xf9\x07xxxxxxxx"                 // 127: 64 bits
              "\xfa\x07\x03xyz"                  // 127: bytes
              "\xfd\x07xxxx"                     // 127: 32 bits
              "\x0a\x01g"                        // flow
              "\x8a\x00\x01h"                    // flow, in a long tag
              "\x1a\x09\x0a\x01"                 // field: code
              "c\x1a\x00\x12\x02\x76\x77"        // unknown, value
              "\x20\x81\x80\x80\x80\x80\x80\x00" // occurred, written long
        );

    (void)state;
    agree_on(mutation_disagreement, body.at, body.len);
    assert_int_equal(hot_read_mutation(body, &mutation), HOT_OK);
    assert_int_equal(mutation.flow.len, 1);
    assert_int_equal(mutation.flow.at[0], 'h'); // the last one counts
    assert_int_equal(mutation.occurred, 1);
    assert_int_equal(mutation.fields_len, 1);
    assert_memory_equal(mutation.fields[0].value.at, "vw", 2);
    assert_int_equal(mutation.fields[0].raw.len, 11);
}

static void
refuses_groups_and_wrong_wire_types(void **state)
{
    static const struct hot_bytes bodies[] = {
        {(const uint8_t *)"\xfb\x07\xfc\x07", 4},         // 127: a group
        {(const uint8_t *)"\xfe\x07", 2},                 // wire type 6
        {(const uint8_t *)"\x08\x01", 2},                 // flow as a varint
        {(const uint8_t *)"\x10\x01", 2},                 // niss as a varint
        {(const uint8_t *)"\x22\x01\x01", 3},             // occurred as bytes
        {(const uint8_t *)"\x1a\x02\x08\x01", 4},         // code as a varint
        {(const uint8_t *)"\x02\x00", 2},                 // number 0
        {(const uint8_t *)"\xff\xff\xff\xff\xff\x01", 6}, // a tag without end
        {(const uint8_t *)"\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12},
        {(const uint8_t *)"\x0a\x80\x80\x80\x80\x80\x00", 7}, // a length of six bytes
    };
    static struct hot_mutation mutation;

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        agree_on(mutation_disagreement, bodies[i].at, bodies[i].len);
        assert_int_equal(hot_read_mutation(bodies[i], &mutation), HOT_MALFORMED);
    }
}

// Bits beyond those the type can hold are lost in a number and count in a bool.
static void
reads_varints_written_too_long(void **state)
{
    struct hot_bytes frames[] = {
        BYTES("\x0a\x03\x20\x80\x00"),
        BYTES("\x0a\x03\x20\x81\x00"),
        BYTES("\x0a\x0b\x20\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"),
    };
    struct hot_bytes mailbox = BYTES("\x0a\x06\x08\x81\x80\x80\x80\x70");
    struct hot_notification notification;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        agree_on(to_client_disagreement, frames[i].at, frames[i].len);
        assert_int_equal(hot_next_notification(&frames[i], &notification), 1);
        assert_int_equal(notification.again, i > 0);
    }
    agree_on(to_client_disagreement, mailbox.at, mailbox.len);
    assert_int_equal(hot_next_notification(&mailbox, &notification), 1);
    assert_int_equal(notification.mailbox, 1);
}

static void
reads_a_merged_ticket_that_was_not_packed(void **state)
{
    struct hot_notification notification;
    struct hot_bytes one = BYTES("\x0a\x09\x39\x05\0\0\0\0\0\0\0");
    struct hot_bytes uneven = BYTES("\x0a\x09\x3a\x07\x05\0\0\0\0\0\0");

    (void)state;
    agree_on(to_client_disagreement, one.at, one.len);
    agree_on(to_client_disagreement, uneven.at, uneven.len);
    assert_int_equal(hot_next_notification(&one, &notification), 1);
    assert_int_equal(hot_merged_len(notification.merged), 1);
    assert_int_equal(hot_merged(notification.merged, 0), 5);
    assert_int_equal(hot_next_notification(&uneven, &notification), -1);
}

static void
reads_also_packed_and_one_by_one(void **state)
{
    static struct hot_acknowledge ours;
    struct hot_bytes body = BYTES("\x19\x01\0\0\0\0\0\0\0"                             //
                                  "\x1a\x10\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x1a\0" //
                                  "\x19\x04\0\0\0\0\0\0\0");
    struct hot_bytes uneven = BYTES("\x1a\x07\x02\0\0\0\0\0\0");

    (void)state;
    agree_on(acknowledge_body_disagreement, body.at, body.len);
    assert_int_equal(hot_read_acknowledge(body, &ours), HOT_OK);
    assert_int_equal(ours.also_len, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(ours.also[i], i + 1);
    }
    agree_on(acknowledge_body_disagreement, uneven.at, uneven.len);
    assert_int_equal(hot_read_acknowledge(uneven, &ours), HOT_MALFORMED);
}

static void
knows_whom_a_content_is_about(void **state)
{
    static uint8_t content[4096];
    struct hot_mutation mutation = {.flow = BYTES("notifyPerson")};
    uint64_t niss = 9, enterprise = 9;
    uint8_t *end;

    (void)state;
    for (int i = 0; i < 3; i++) {
        mutation.niss = i == 0 ? 66641066692 : 0;
        mutation.enterprise = i < 2 ? 1999999943 : 0;
        end = hot_write_content(content, &mutation, 0, BYTES("RN"), 1, 1);
        hot_content_about((struct hot_bytes){content, (size_t)(end - content)}, &niss,
                          &enterprise);
        assert_int_equal(niss, mutation.niss);
        assert_int_equal(enterprise, i == 1 ? 1999999943 : 0);
    }
    hot_content_about(BYTES("\xff\xff\xff"), &niss, &enterprise);
    assert_int_equal(niss, 0);
    hot_content_about((struct hot_bytes){NULL, 0}, &niss, &enterprise);
    assert_int_equal(enterprise, 0);
}

static void
knows_what_a_frame_holds(void **state)
{
    struct hot_bytes body;

    (void)state;
    assert_int_equal(hot_to_broker_kind(BYTES(""), &body), 0);
    assert_int_equal(hot_to_broker_kind(BYTES("\x12\x00"), &body), 2);
    assert_int_equal(body.len, 0);
    assert_int_equal(hot_to_broker_kind(BYTES("\x12\x00\x0a\x02\x08\x01"), &body), 1);
    assert_memory_equal(body.at, "\x08\x01", 2); // of two messages the last one counts
    assert_int_equal(hot_to_broker_kind(BYTES("\x12\x00\x0a"), &body), 0);
    assert_int_equal(hot_to_broker_kind(BYTES("\x4a\x00"), &body), 9);
    assert_int_equal(hot_to_broker_kind(BYTES("\x52\x00"), &body), 10);
    assert_int_equal(hot_to_broker_kind(BYTES("\x5a\x00"), &body), 0); // 11: unknown
    assert_int_equal(hot_to_client_kind(BYTES(""), &body), 0);
    assert_int_equal(hot_to_client_kind(BYTES("\x0a\x00"), &body), 1);
    assert_int_equal(body.len, 2); // a delivery's body is the frame
    assert_int_equal(hot_to_client_kind(BYTES("\x5a\x01x"), &body), 11);
    assert_memory_equal(body.at, "x", 1);
    assert_int_equal(hot_to_client_kind(BYTES("\x52\x00\x0a\x00"), &body), 10);
    assert_int_equal(hot_to_client_kind(BYTES("\x0a\x00\x52\x00\x0a\x00"), &body), 1);
    assert_int_equal(body.len, 6);
    assert_int_equal(hot_to_client_kind(BYTES("nonsense"), &body), 0);
}

// hot.h names these four as different from protobuf-c.
static void
differs_from_protobuf_where_it_says_so(void **state)
{
    struct hot_bytes as_bytes = BYTES("\x0a\x03\x22\x01\x01"); // again, but not a varint
    struct hot_bytes twice = BYTES("\x0a\x08\x1a\x02\x08\x01\x1a\x02\x10\x02");
    struct hot_bytes zero = BYTES("\x0a\x03"
                                  "a\0b");
    struct hot_bytes mixed = BYTES("\x0a\x00\x52\x00"); // a letter, another message
    struct hot_notification notification;
    static struct hot_mutation mutation;

    (void)state;
    agree_on(to_client_disagreement, mixed.at, mixed.len);
    assert_int_equal(hot_next_notification(&mixed, &notification), 1);
    assert_int_equal(hot_next_notification(&mixed, &notification), 0);
    agree_on(to_client_disagreement, as_bytes.at, as_bytes.len);
    assert_int_equal(hot_next_notification(&as_bytes, &notification), -1);
    agree_on(to_client_disagreement, twice.at, twice.len);
    assert_int_equal(hot_next_notification(&twice, &notification), 1);
    assert_int_equal(notification.quality, 0); // not merged
    assert_int_equal(notification.begin, 2);
    assert_int_equal(hot_read_mutation(zero, &mutation), HOT_OK);
    assert_int_equal(mutation.flow.len, 3); // the zero byte is seen
}

// ---- limits ----

static enum hot_result
read_with(size_t fields, size_t code, size_t value, size_t id)
{
    static struct hot_mutation ours;
    static char text[HOT_VALUE_BYTES_MAX + 2];
    Vigie__V1__Mutation *mutation;
    struct hot_bytes body;

    heap_used = 0;
    memset(text, 'x', sizeof(text) - 1);
    mutation = lend(sizeof(*mutation));
    vigie__v1__mutation__init(mutation);
    mutation->n_fields = fields;
    mutation->fields = any_fields(fields);
    for (size_t i = 0; i < fields; i++) {
        mutation->fields[i]->code = text + sizeof(text) - 1 - (i == 0 ? code : 3);
        mutation->fields[i]->value = text + sizeof(text) - 1 - (i == 0 ? value : 5);
    }
    mutation->id = mutation->replaces = mutation->cancels = text + sizeof(text) - 1 - id;
    body = pack(mutation);
    agree_on(mutation_disagreement, body.at, body.len);
    return hot_read_mutation(body, &ours);
}

static void
keeps_each_limit_to_the_byte(void **state)
{
    (void)state;
    assert_int_equal(read_with(64, 32, 4096, 64), HOT_OK);
    assert_int_equal(read_with(65, 32, 4096, 64), HOT_TOO_MANY);
    assert_int_equal(read_with(64, 33, 4096, 64), HOT_TOO_LARGE);
    assert_int_equal(read_with(64, 32, 4097, 64), HOT_TOO_LARGE);
    assert_int_equal(read_with(64, 32, 4096, 65), HOT_TOO_LARGE);
}

static void
limits_a_mutation_as_a_whole(void **state)
{
    static struct hot_mutation ours;
    static uint8_t body[HOT_MUTATION_BYTES_MAX + 1] = {0xfa, 0x07, 0xfc, 0x7f}; // unknown

    (void)state;
    // 4 bytes of head and 16,380 of body: 16,384.
    assert_int_equal(hot_read_mutation((struct hot_bytes){body, sizeof(body) - 1}, &ours),
                     HOT_OK);
    body[2] = 0xfd;
    assert_int_equal(hot_read_mutation((struct hot_bytes){body, sizeof(body)}, &ours),
                     HOT_TOO_LARGE);
    agree_on(mutation_disagreement, body, sizeof(body));
}

static void
limits_the_number_of_mutations(void **state)
{
    static uint8_t body[2 * (HOT_MUTATIONS_MAX + 1)];
    struct hot_publish publish;

    (void)state;
    for (size_t i = 0; i < sizeof(body); i += 2) {
        body[i] = 0x1a;
    }
    agree_on(publish_body_disagreement, body, sizeof(body) - 2);
    agree_on(publish_body_disagreement, body, sizeof(body));
    assert_int_equal(
        hot_read_publish((struct hot_bytes){body, sizeof(body) - 2}, &publish), HOT_OK);
    assert_int_equal(publish.mutations_len, HOT_MUTATIONS_MAX);
    assert_int_equal(hot_read_publish((struct hot_bytes){body, sizeof(body)}, &publish),
                     HOT_TOO_MANY);
}

static void
limits_the_numbers_acknowledged_alone(void **state)
{
    static uint8_t one_by_one[9 * (HOT_ALSO_MAX + 1)];
    static uint8_t at_once[3 + 8 * (HOT_ALSO_MAX + 1)] = {0x1a, 0xc0, 0x3e};
    static struct hot_acknowledge ours;

    (void)state;
    for (size_t i = 0; i < sizeof(one_by_one); i += 9) {
        one_by_one[i] = 0x19;
    }
    for (size_t over = 0; over < 2; over++) {
        size_t many = HOT_ALSO_MAX + over;
        enum hot_result expected = over == 0 ? HOT_OK : HOT_TOO_MANY;

        at_once[1] = (uint8_t)(0x80 | (8 * many & 0x7f));
        at_once[2] = (uint8_t)(8 * many >> 7);
        agree_on(acknowledge_body_disagreement, one_by_one, 9 * many);
        agree_on(acknowledge_body_disagreement, at_once, 3 + 8 * many);
        assert_int_equal(
            hot_read_acknowledge((struct hot_bytes){one_by_one, 9 * many}, &ours),
            expected);
        assert_int_equal(
            hot_read_acknowledge((struct hot_bytes){at_once, 3 + 8 * many}, &ours),
            expected);
    }
}

// ---- writing ----

static struct hot_bytes
view(const char *text)
{
    return (struct hot_bytes){(const uint8_t *)text, strlen(text)};
}

static void
ours_of_fields(struct hot_mutation *ours, size_t len, Vigie__V1__Field **fields)
{
    ours->fields_len = (uint32_t)len;
    for (size_t i = 0; i < len; i++) {
        ours->fields[i] =
            (struct hot_field){view(fields[i]->code), view(fields[i]->value), {NULL, 0}};
    }
}

static void
ours_of_mutation(struct hot_mutation *ours, const Vigie__V1__Mutation *theirs)
{
    ours->flow = view(theirs->flow);
    ours->id = view(theirs->id);
    ours->recipient = view(theirs->recipient);
    ours->replaces = view(theirs->replaces);
    ours->cancels = view(theirs->cancels);
    ours->answers = view(theirs->answers);
    ours->niss = theirs->niss;
    ours->new_niss = theirs->new_niss;
    ours->enterprise = theirs->enterprise;
    ours->occurred = theirs->occurred;
    ours->period_begin = theirs->period_begin;
    ours->period_end = theirs->period_end;
    ours->reference_year = theirs->reference_year;
    ours_of_fields(ours, theirs->n_fields, theirs->fields);
}

static uint8_t written[FRAME_MAX];

static void
assert_same_bytes(const uint8_t *at, const uint8_t *end, struct hot_bytes expected)
{
    assert_int_equal(end - at, expected.len);
    assert_memory_equal(at, expected.at, expected.len);
}

static void
writes_a_publish_as_protobuf_does(void **state)
{
    static struct hot_mutation ours;

    (void)state;
    seed = 8;
    for (int round = 0; round < 3000; round++) {
        uint8_t *mutations = written + HOT_HEAD_MAX;
        uint8_t *end = mutations;
        Vigie__V1__Publish *theirs;
        uint8_t *begin;

        heap_used = 0;
        theirs = any_publish();
        for (size_t i = 0; i < theirs->n_mutations; i++) {
            uint8_t *before = end;

            ours_of_mutation(&ours, theirs->mutations[i]);
            end = hot_write_mutation(end, &ours);
            assert_true((size_t)(end - before) <= hot_mutation_size(&ours));
        }
        begin = hot_publish_head(mutations, (size_t)(end - mutations), theirs->producer,
                                 theirs->first_number);
        assert_true(begin >= written);
        assert_same_bytes(begin, end, pack_publish(theirs));
    }
}

// kept_of makes the Content that protobuf-c would write: the fields of which the bit is
// set, and how many are not.
static Vigie__V1__Content *
kept_of(const Vigie__V1__Mutation *mutation, uint64_t keep)
{
    Vigie__V1__Content *content = any_content();

    content->flow = mutation->flow;
    content->niss = mutation->niss;
    content->occurred = mutation->occurred;
    content->period_begin = mutation->period_begin;
    content->period_end = mutation->period_end;
    content->id = mutation->id;
    content->recipient = mutation->recipient;
    content->replaces = mutation->replaces;
    content->cancels = mutation->cancels;
    content->answers = mutation->answers;
    content->new_niss = mutation->new_niss;
    content->enterprise = mutation->enterprise;
    content->reference_year = mutation->reference_year;
    content->n_fields = 0;
    content->withheld = 0;
    content->fields = lend(sizeof(*content->fields) * HOT_FIELDS_MAX);
    for (size_t i = 0; i < mutation->n_fields; i++) {
        if ((keep >> i & 1) != 0) {
            content->fields[content->n_fields++] = mutation->fields[i];
        } else {
            content->withheld++;
        }
    }
    return content;
}

static void
writes_the_kept_fields_as_protobuf_does(void **state)
{
    static uint8_t body[FRAME_MAX];
    static struct hot_mutation ours;

    (void)state;
    seed = 9;
    for (int round = 0; round < 3000; round++) {
        uint64_t keep = below(4) == 0 ? UINT64_MAX : chance();
        Vigie__V1__Mutation *theirs;
        Vigie__V1__Content *expected;
        struct hot_bytes packed_body;
        uint8_t *end;

        heap_used = 0;
        theirs = any_mutation();
        expected = kept_of(theirs, keep);
        packed_body = pack(theirs);
        memcpy(body, packed_body.at, packed_body.len);
        packed_body.at = body;
        if (round % 2 == 0) { // as the broker has it: with raw
            assert_int_equal(hot_read_mutation(packed_body, &ours), HOT_OK);
        } else { // as a test may have it: without
            ours_of_mutation(&ours, theirs);
        }
        ours.current_niss = expected->current_niss;
        ours.caught_up = expected->caught_up;
        ours.lost = expected->lost;
        end = hot_write_content(written, &ours, keep, view(expected->source),
                                expected->ticket, expected->kept_at);
        assert_true((size_t)(end - written) <=
                    hot_content_size(&ours, view(expected->source)));
        assert_same_bytes(written, end, pack(expected));
    }
}

// Two values in one Field: the first is not what was looked at when it was kept.
static void
copies_nothing_hidden_in_a_field(void **state)
{
    static struct hot_mutation ours;
    struct hot_bytes body = BYTES("\x1a\x13\x0a\x03"
                                  "020\x12\x06HIDDEN\x12\x01v\x7a\x01X");
    uint8_t *end;

    (void)state;
    assert_int_equal(hot_read_mutation(body, &ours), HOT_OK);
    assert_int_equal(ours.fields[0].raw.len, body.len);
    end = hot_write_content(written, &ours, 1, view(""), 0, 0);
    assert_same_bytes(written, end,
                      BYTES("\x1a\x08\x0a\x03"
                            "020\x12\x01v"));
}

static void
writes_a_delivery_as_protobuf_does(void **state)
{
    static uint8_t contents[FRAME_MAX];

    (void)state;
    seed = 10;
    for (int round = 0; round < 3000; round++) {
        uint8_t *end = written;
        Vigie__V1__ToClient *theirs;

        heap_used = 0;
        theirs = any_delivery();
        for (size_t i = 0; i < theirs->n_notifications; i++) {
            const Vigie__V1__Notification *one = theirs->notifications[i];
            struct hot_notification ours = {
                .mailbox = one->mailbox,
                .number = one->number,
                .again = one->again,
                .attempt = one->attempt,
                .justified = one->justification != NULL,
            };
            uint8_t *before = end;

            if (one->justification != NULL) {
                ours.quality = one->justification->quality;
                ours.begin = one->justification->begin;
                ours.end = one->justification->end;
            }
            if (one->n_merged > 0) { // packed as they stand in memory, on these machines
                ours.merged = (struct hot_bytes){(const uint8_t *)one->merged,
                                                 one->n_merged * sizeof(uint64_t)};
            }
            if (one->content != NULL) {
                ours.content = (struct hot_bytes){
                    contents, vigie__v1__content__pack(one->content, contents)};
            }
            end = hot_write_notification(end, &ours);
            assert_true((size_t)(end - before) <=
                        HOT_NOTIFICATION_HEAD_MAX + ours.content.len + ours.merged.len);
        }
        assert_same_bytes(written, end, pack(theirs));
    }
}

static void
writes_an_acknowledge_as_protobuf_does(void **state)
{
    static struct hot_acknowledge ours;

    (void)state;
    seed = 11;
    for (int round = 0; round < 3000; round++) {
        Vigie__V1__Acknowledge *theirs;
        uint8_t *end;

        heap_used = 0;
        theirs = any_acknowledge(round % 50 == 0 ? HOT_ALSO_MAX : 20);
        ours.mailbox = theirs->mailbox;
        ours.through = theirs->through;
        ours.also_len = (uint32_t)theirs->n_also;
        memcpy(ours.also, theirs->also, sizeof(uint64_t) * theirs->n_also);
        end = hot_write_acknowledge(written, &ours);
        assert_true((size_t)(end - written) <= HOT_HEAD_MAX + 9 * theirs->n_also);
        assert_same_bytes(written, end, pack_acknowledge(theirs));
    }
}

// The largest values fit where the bounds say.
static void
keeps_its_bounds_with_the_largest_values(void **state)
{
    static struct hot_acknowledge acknowledge = {
        UINT32_MAX, UINT64_MAX, HOT_ALSO_MAX, {0}};
    static uint8_t content[HOT_MUTATION_BYTES_MAX];
    struct hot_notification notification = {
        .mailbox = UINT32_MAX,
        .number = UINT64_MAX,
        .again = true,
        .attempt = UINT32_MAX,
        .justified = true,
        .quality = UINT32_MAX,
        .begin = UINT32_MAX,
        .end = UINT32_MAX,
        .content = {content, sizeof(content)},
        .merged = {content, 800},
    };
    uint8_t *end = hot_write_notification(written, &notification);

    (void)state;
    assert_true((size_t)(end - written) <=
                HOT_NOTIFICATION_HEAD_MAX + sizeof(content) + 800);
    end = hot_write_acknowledge(written, &acknowledge);
    assert_true((size_t)(end - written) <= HOT_HEAD_MAX + 9 * HOT_ALSO_MAX);
    assert_true(hot_publish_head(written + FRAME_MAX, FRAME_MAX, UINT32_MAX,
                                 UINT64_MAX) >= written + FRAME_MAX - HOT_HEAD_MAX);
}

// ---- the schema ----

// Deeper than any message type: there are fewer types than that.
enum { DEPTH_MAX = 64 };

static void
walk_types(const ProtobufCMessageDescriptor *type,
           const ProtobufCMessageDescriptor **path, size_t depth, unsigned *ret_types)
{
    assert_true(depth < DEPTH_MAX);
    for (size_t i = 0; i < depth; i++) {
        if (path[i] == type) {
            fail_msg("%s holds itself", type->name);
        }
    }
    path[depth] = type;
    ++*ret_types;
    for (unsigned i = 0; i < type->n_fields; i++) {
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) {
            walk_types(type->fields[i].descriptor, path, depth + 1, ret_types);
        }
    }
}

// protobuf-c has no limit of depth: a message type that holds itself would let 40 KB of
// nested frame overflow the stack.
static void
has_no_message_that_holds_itself(void **state)
{
    const ProtobufCMessageDescriptor *path[DEPTH_MAX];
    unsigned types = 0;

    (void)state;
    walk_types(&vigie__v1__to_broker__descriptor, path, 0, &types);
    assert_true(types > 10);
    types = 0;
    walk_types(&vigie__v1__to_client__descriptor, path, 0, &types);
    assert_true(types > 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_publish_that_protobuf_writes),
        cmocka_unit_test(reads_every_delivery_that_protobuf_writes),
        cmocka_unit_test(reads_every_acknowledge_that_protobuf_writes),
        cmocka_unit_test(agrees_at_every_length_of_a_frame),
        cmocka_unit_test(agrees_at_every_length_of_a_body),
        cmocka_unit_test(reads_words_in_any_order),
        cmocka_unit_test(agrees_on_changed_bytes),
        cmocka_unit_test(agrees_on_changed_bodies),
        cmocka_unit_test(skips_unknown_fields_of_every_wire_type),
        cmocka_unit_test(refuses_groups_and_wrong_wire_types),
        cmocka_unit_test(reads_varints_written_too_long),
        cmocka_unit_test(reads_a_merged_ticket_that_was_not_packed),
        cmocka_unit_test(reads_also_packed_and_one_by_one),
        cmocka_unit_test(knows_whom_a_content_is_about),
        cmocka_unit_test(knows_what_a_frame_holds),
        cmocka_unit_test(differs_from_protobuf_where_it_says_so),
        cmocka_unit_test(keeps_each_limit_to_the_byte),
        cmocka_unit_test(limits_a_mutation_as_a_whole),
        cmocka_unit_test(limits_the_number_of_mutations),
        cmocka_unit_test(limits_the_numbers_acknowledged_alone),
        cmocka_unit_test(writes_a_publish_as_protobuf_does),
        cmocka_unit_test(writes_the_kept_fields_as_protobuf_does),
        cmocka_unit_test(copies_nothing_hidden_in_a_field),
        cmocka_unit_test(writes_a_delivery_as_protobuf_does),
        cmocka_unit_test(writes_an_acknowledge_as_protobuf_does),
        cmocka_unit_test(keeps_its_bounds_with_the_largest_values),
        cmocka_unit_test(has_no_message_that_holds_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
