// SPDX-License-Identifier: EUPL-1.2
// hot_agrees.h - do proto/hot and protobuf-c read the same in these bytes?
//
// For the unit test and the fuzz targets. Each function takes any bytes and returns NULL,
// or what the two disagree about. The differences that are meant are those of hot.h:
//  - over a limit of hot.h only protobuf-c goes on;
//  - a view holds a zero byte, a C string of protobuf-c ends there;
//  - Notification.again must come as a varint (protobuf-c takes any wire type for a
//  bool);
//  - of two justifications or contents in a Notification the last one counts (protobuf-c
//    merges them);
//  - a frame that begins with a notification is a delivery, whatever follows;
//  - parts that nobody descends into (content in a delivery until it is read, all but the
//    last message of a frame) are checked for their length alone.
#ifndef TESTS_HOT_AGREES_H
#define TESTS_HOT_AGREES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hot/hot.h"
#include "vigie/v1/vigie.pb-c.h"

static inline bool
text_agrees(struct hot_bytes view, const char *text)
{
    size_t len = view.len > 0 ? strnlen((const char *)view.at, view.len) : 0;

    return strlen(text) == len && (len == 0 || memcmp(view.at, text, len) == 0);
}

// The whole raw is a Mutation with this one field.
static inline bool
raw_agrees(const struct hot_field *field)
{
    Vigie__V1__Mutation *alone =
        vigie__v1__mutation__unpack(NULL, field->raw.len, field->raw.at);
    bool agrees = alone != NULL && alone->n_fields == 1 &&
                  alone->base.n_unknown_fields == 0 &&
                  text_agrees(field->code, alone->fields[0]->code) &&
                  text_agrees(field->value, alone->fields[0]->value);

    if (alone != NULL) {
        vigie__v1__mutation__free_unpacked(alone, NULL);
    }
    return agrees;
}

// Mutation and Content have the same thirteen fields in two generated types.
#define MUTATION_AGREES(ours, theirs)                                                    \
    (text_agrees((ours)->flow, (theirs)->flow) && (ours)->niss == (theirs)->niss &&      \
     (ours)->occurred == (theirs)->occurred &&                                           \
     (ours)->period_begin == (theirs)->period_begin &&                                   \
     (ours)->period_end == (theirs)->period_end &&                                       \
     text_agrees((ours)->id, (theirs)->id) &&                                            \
     text_agrees((ours)->recipient, (theirs)->recipient) &&                              \
     text_agrees((ours)->replaces, (theirs)->replaces) &&                                \
     text_agrees((ours)->cancels, (theirs)->cancels) &&                                  \
     text_agrees((ours)->answers, (theirs)->answers) &&                                  \
     (ours)->new_niss == (theirs)->new_niss &&                                           \
     (ours)->enterprise == (theirs)->enterprise &&                                       \
     (ours)->reference_year == (theirs)->reference_year &&                               \
     fields_agree(ours, (theirs)->n_fields, (theirs)->fields))

static inline bool
fields_agree(const struct hot_mutation *ours, size_t len, Vigie__V1__Field **theirs)
{
    if (ours->fields_len != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!text_agrees(ours->fields[i].code, theirs[i]->code) ||
            !text_agrees(ours->fields[i].value, theirs[i]->value) ||
            !raw_agrees(&ours->fields[i])) {
            return false;
        }
    }
    return true;
}

// over_a_limit: a refusal for size or number must have its reason in the values.
static inline bool
over_a_limit(enum hot_result result, size_t n_fields, Vigie__V1__Field **fields,
             size_t longest_id, size_t body_len)
{
    bool too_large = longest_id > HOT_ID_BYTES_MAX || body_len > HOT_MUTATION_BYTES_MAX;

    for (size_t i = 0; i < n_fields; i++) {
        too_large = too_large || strlen(fields[i]->code) > HOT_CODE_BYTES_MAX ||
                    strlen(fields[i]->value) > HOT_VALUE_BYTES_MAX;
    }
    return result == HOT_TOO_MANY ? n_fields > HOT_FIELDS_MAX
                                  : result == HOT_TOO_LARGE && too_large;
}

static inline size_t
longest(const char *a, const char *b, const char *c, const char *d)
{
    size_t len = strlen(a);

    len = strlen(b) > len ? strlen(b) : len;
    len = strlen(c) > len ? strlen(c) : len;
    return strlen(d) > len ? strlen(d) : len;
}

static inline bool
has_zero_byte(struct hot_bytes bytes)
{
    return bytes.len > 0 && memchr(bytes.at, 0, bytes.len) != NULL;
}

// A string with a zero byte is longer than C can see: then a size is not disputed.
static inline const char *
mutation_disagreement(struct hot_bytes body)
{
    static struct hot_mutation ours;
    enum hot_result result = hot_read_mutation(body, &ours);
    Vigie__V1__Mutation *theirs = vigie__v1__mutation__unpack(NULL, body.len, body.at);
    const char *word = NULL;

    if (theirs == NULL) {
        return result == HOT_OK ? "mutation: protobuf-c refuses it" : NULL;
    }
    if (result == HOT_MALFORMED) {
        word = "mutation: protobuf-c reads it";
    } else if (result == HOT_OK && !MUTATION_AGREES(&ours, theirs)) {
        word = "mutation: other values";
    } else if (result != HOT_OK &&
               !over_a_limit(result, theirs->n_fields, theirs->fields,
                             longest(theirs->id, theirs->replaces, theirs->cancels,
                                     theirs->answers),
                             body.len) &&
               !(result == HOT_TOO_LARGE && has_zero_byte(body))) {
        word = "mutation: not over a limit";
    }
    vigie__v1__mutation__free_unpacked(theirs, NULL);
    return word;
}

static inline const char *
content_disagreement(struct hot_bytes body)
{
    static struct hot_content ours;
    enum hot_result result = hot_read_content(body, &ours);
    Vigie__V1__Content *theirs = vigie__v1__content__unpack(NULL, body.len, body.at);
    const char *word = NULL;

    if (theirs == NULL) {
        return result == HOT_OK ? "content: protobuf-c refuses it" : NULL;
    }
    if (result == HOT_MALFORMED) {
        word = "content: protobuf-c reads it";
    } else if (result == HOT_OK &&
               !(MUTATION_AGREES(&ours.mutation, theirs) &&
                 ours.ticket == theirs->ticket && ours.kept_at_us == theirs->kept_at &&
                 ours.withheld == theirs->withheld &&
                 ours.mutation.current_niss == theirs->current_niss &&
                 ours.mutation.caught_up == theirs->caught_up &&
                 ours.mutation.lost == theirs->lost &&
                 text_agrees(ours.source, theirs->source))) {
        word = "content: other values";
    } else if (result != HOT_OK &&
               !over_a_limit(result, theirs->n_fields, theirs->fields,
                             longest(theirs->id, theirs->replaces, theirs->cancels,
                                     theirs->answers),
                             0) &&
               !(result == HOT_TOO_LARGE && has_zero_byte(body))) {
        word = "content: not over a limit";
    }
    vigie__v1__content__free_unpacked(theirs, NULL);
    return word;
}

static inline const char *
publish_body_disagreement(struct hot_bytes body)
{
    struct hot_publish ours;
    enum hot_result result = hot_read_publish(body, &ours);
    Vigie__V1__Publish *theirs = vigie__v1__publish__unpack(NULL, body.len, body.at);
    const char *word = NULL;
    bool all_good = true;
    size_t walked = 0;

    if (result == HOT_OK) {
        struct hot_bytes rest = ours.mutations;
        struct hot_bytes mutation;
        static struct hot_mutation ignored;

        while (word == NULL && hot_next_mutation(&rest, &mutation)) {
            walked++;
            all_good = all_good && hot_read_mutation(mutation, &ignored) == HOT_OK;
            word = mutation_disagreement(mutation);
        }
        if (word == NULL && walked != ours.mutations_len) {
            word = "publish: the walk does not find what was counted";
        }
    }
    if (word == NULL && theirs == NULL && result == HOT_OK && all_good) {
        word = "publish: protobuf-c refuses it";
    }
    if (word == NULL && theirs != NULL) {
        if (result == HOT_MALFORMED || result == HOT_TOO_LARGE) {
            word = "publish: protobuf-c reads it";
        } else if (result == HOT_TOO_MANY && theirs->n_mutations <= HOT_MUTATIONS_MAX) {
            word = "publish: not over the limit";
        } else if (result == HOT_OK && (ours.producer != theirs->producer ||
                                        ours.first_number != theirs->first_number ||
                                        ours.mutations_len != theirs->n_mutations)) {
            word = "publish: other values";
        }
    }
    if (theirs != NULL) {
        vigie__v1__publish__free_unpacked(theirs, NULL);
    }
    return word;
}

static inline const char *
acknowledge_body_disagreement(struct hot_bytes body)
{
    static struct hot_acknowledge ours;
    enum hot_result result = hot_read_acknowledge(body, &ours);
    Vigie__V1__Acknowledge *theirs =
        vigie__v1__acknowledge__unpack(NULL, body.len, body.at);
    const char *word = NULL;

    if (theirs == NULL) {
        return result == HOT_OK ? "acknowledge: protobuf-c refuses it" : NULL;
    }
    if (result == HOT_TOO_MANY) {
        word = theirs->n_also > HOT_ALSO_MAX ? NULL : "acknowledge: not over the limit";
    } else if (result != HOT_OK) {
        word = "acknowledge: protobuf-c reads it";
    } else if (ours.mailbox != theirs->mailbox || ours.through != theirs->through ||
               ours.also_len != theirs->n_also ||
               (ours.also_len > 0 &&
                memcmp(ours.also, theirs->also, sizeof(uint64_t) * ours.also_len) != 0)) {
        word = "acknowledge: other values";
    }
    vigie__v1__acknowledge__free_unpacked(theirs, NULL);
    return word;
}

// to_broker_disagreement compares the frame's kind, and what is in it if it is hot.
static inline const char *
to_broker_disagreement(struct hot_bytes frame)
{
    struct hot_bytes body;
    uint32_t kind = hot_to_broker_kind(frame, &body);
    Vigie__V1__ToBroker *theirs = vigie__v1__to_broker__unpack(NULL, frame.len, frame.at);

    if (theirs != NULL) {
        bool agrees = (uint32_t)theirs->message_case == kind;

        vigie__v1__to_broker__free_unpacked(theirs, NULL);
        if (!agrees) {
            return "to_broker: another kind";
        }
    }
    switch (kind) {
    case VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH:
        return publish_body_disagreement(body);
    case VIGIE__V1__TO_BROKER__MESSAGE_ACKNOWLEDGE:
        return acknowledge_body_disagreement(body);
    default:
        return NULL;
    }
}

// An empty message type shows every field of any message as unknown: protobuf-c's own
// walk. NULL if it refuses the bytes.
static inline Vigie__V1__Resumed *
walk_of_protobuf(struct hot_bytes body)
{
    return vigie__v1__resumed__unpack(NULL, body.len, body.at);
}

static inline unsigned
times_in(const Vigie__V1__Resumed *walk, uint32_t number)
{
    unsigned times = 0;

    for (unsigned i = 0; i < walk->base.n_unknown_fields; i++) {
        times += walk->base.unknown_fields[i].tag == number;
    }
    return times;
}

static inline bool
again_is_no_varint(const Vigie__V1__Resumed *walk)
{
    for (unsigned i = 0; i < walk->base.n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &walk->base.unknown_fields[i];

        if (field->tag == 4 && field->wire_type != PROTOBUF_C_WIRE_TYPE_VARINT) {
            return true;
        }
    }
    return false;
}

static inline bool
notification_agrees(const struct hot_notification *ours,
                    const Vigie__V1__Notification *theirs, const Vigie__V1__Resumed *walk)
{
    const Vigie__V1__Justification *reason = theirs->justification;
    bool agrees = ours->mailbox == theirs->mailbox && ours->number == theirs->number &&
                  ours->again == (theirs->again != 0) &&
                  ours->attempt == theirs->attempt &&
                  ours->justified == (reason != NULL) &&
                  (ours->content.at != NULL) == (theirs->content != NULL);

    if (agrees && reason != NULL && times_in(walk, 3) == 1) {
        agrees = ours->quality == reason->quality && ours->begin == reason->begin &&
                 ours->end == reason->end;
    }
    return agrees;
}

// ours: NULL if the scanner refused it.
static inline const char *
notification_disagreement(const struct hot_notification *ours, struct hot_bytes body)
{
    Vigie__V1__Notification *theirs =
        vigie__v1__notification__unpack(NULL, body.len, body.at);
    Vigie__V1__Resumed *walk = walk_of_protobuf(body);
    const char *word = NULL;

    if (ours == NULL) {
        if (theirs != NULL && !again_is_no_varint(walk)) {
            word = "notification: protobuf-c reads it";
        }
    } else if (theirs != NULL) {
        word =
            notification_agrees(ours, theirs, walk) ? NULL : "notification: other values";
    } else if (walk == NULL) {
        word = "notification: protobuf-c refuses it";
    } else if (times_in(walk, 5) == 0) {
        word = "notification: protobuf-c refuses it, and there is no content to blame";
    } else if (times_in(walk, 5) == 1) {
        static struct hot_content content;

        word = hot_read_content(ours->content, &content) == HOT_OK
                   ? "notification: protobuf-c refuses it, but its content is good"
                   : NULL;
    }
    if (word == NULL && ours != NULL && ours->content.at != NULL) {
        word = content_disagreement(ours->content);
    }
    if (theirs != NULL) {
        vigie__v1__notification__free_unpacked(theirs, NULL);
    }
    if (walk != NULL) {
        vigie__v1__resumed__free_unpacked(walk, NULL);
    }
    return word;
}

// What follows the length of a length-prefixed unknown field.
static inline struct hot_bytes
body_of(const ProtobufCMessageUnknownField *field)
{
    size_t head = 1;

    while (field->data[head - 1] >= 0x80) {
        head++;
    }
    return (struct hot_bytes){field->data + head, field->len - head};
}

// Walks the frame's notifications both ways: protobuf-c's walk says where they are.
static inline const char *
notifications_disagreement(struct hot_bytes frame, const Vigie__V1__Resumed *walk)
{
    struct hot_bytes rest = frame;
    struct hot_notification ours;

    for (unsigned i = 0; i < walk->base.n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &walk->base.unknown_fields[i];
        const char *word;
        int found;

        if (field->tag > 16 || field->tag == 0) {
            continue;
        }
        if (field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            return hot_next_notification(&rest, &ours) == -1
                       ? NULL
                       : "delivery: wrong wire type was read";
        }
        if (field->tag != 1) {
            continue;
        }
        found = hot_next_notification(&rest, &ours);
        word = notification_disagreement(found == 1 ? &ours : NULL, body_of(field));
        if (word != NULL || found != 1) {
            return word != NULL || found == -1 ? word : "delivery: ends too early";
        }
    }
    return hot_next_notification(&rest, &ours) == 0 ? NULL : "delivery: does not end";
}

// Whether a delivery can be read to its end.
static inline bool
delivery_ends(struct hot_bytes frame)
{
    struct hot_notification ours;
    int found;

    do {
        found = hot_next_notification(&frame, &ours);
    } while (found == 1);
    return found == 0;
}

// to_client_disagreement compares the frame's kind and its notifications.
static inline const char *
to_client_disagreement(struct hot_bytes frame)
{
    struct hot_bytes body;
    uint32_t kind = hot_to_client_kind(frame, &body);
    Vigie__V1__ToClient *theirs = vigie__v1__to_client__unpack(NULL, frame.len, frame.at);
    Vigie__V1__Resumed *walk = walk_of_protobuf(frame);
    const char *word = NULL;

    if (theirs != NULL) {
        uint32_t expected = (uint32_t)theirs->message_case;

        if (expected == 0 || (frame.len > 0 && frame.at[0] == 0x0a)) {
            expected = theirs->n_notifications > 0;
        }
        word = expected == kind ? NULL : "to_client: another kind";
        vigie__v1__to_client__free_unpacked(theirs, NULL);
    }
    if (walk == NULL) {
        return kind == 0 || (kind == 1 && !delivery_ends(frame))
                   ? word
                   : "to_client: protobuf-c cannot walk it";
    }
    if (word == NULL) {
        word = notifications_disagreement(frame, walk);
    }
    vigie__v1__resumed__free_unpacked(walk, NULL);
    return word;
}

// check_agreement ends the process with the word.
static inline void
check_agreement(const char *word)
{
    if (word != NULL) {
        fprintf(stderr, "%s\n", word);
        abort();
    }
}

#endif
