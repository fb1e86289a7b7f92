// SPDX-License-Identifier: EUPL-1.2
// Goal: bytes that version 1 of the wire once sent are still read, with the same values.
// Method: one kept file for each message of ToBroker and ToClient (wire_make wrote them
// once) is read with today's definition and compared with the values it was made of; the
// hot ones also with proto/hot. A field or message without a kept value is a failure.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../hot_agrees.h"
#include "wire_samples.h"

enum { FILE_MAX = 1 << 16 };

static struct sample samples[SAMPLES_MAX];
static size_t samples_len;

static size_t
read_golden(const char *name, uint8_t bytes[FILE_MAX])
{
    char path[4096];
    FILE *file;
    size_t len;

    snprintf(path, sizeof(path), "%s/%s.bin", GOLDEN_FOLDER, name);
    file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s is missing: wire_make writes it", path);
    }
    len = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    assert_in_range(len, 1, FILE_MAX - 1);
    return len;
}

// An unknown field would come out again in the second packing, but of another number
// than the sample's: so equal bytes are equal values.
static void
reads_every_kept_frame_with_its_values(void **state)
{
    static uint8_t kept[FILE_MAX], now[FILE_MAX], expected[FILE_MAX];

    (void)state;
    for (size_t i = 0; i < samples_len; i++) {
        const ProtobufCMessage *sample = samples[i].message;
        size_t len = read_golden(samples[i].name, kept);
        ProtobufCMessage *message =
            protobuf_c_message_unpack(sample->descriptor, NULL, len, kept);

        if (message == NULL) {
            fail_msg("%s is not read any more", samples[i].name);
        }
        assert_true(protobuf_c_message_get_packed_size(message) <= FILE_MAX);
        len = protobuf_c_message_pack(message, now);
        if (len != protobuf_c_message_pack(sample, expected) ||
            memcmp(now, expected, len) != 0) {
            fail_msg("%s has other values", samples[i].name);
        }
        protobuf_c_message_free_unpacked(message, NULL);
    }
}

static void
has_a_sample_for_every_kept_file(void **state)
{
    DIR *folder = opendir(GOLDEN_FOLDER);
    const struct dirent *entry;
    size_t files = 0;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        files += strstr(entry->d_name, ".bin") != NULL;
    }
    closedir(folder);
    assert_int_equal(files, samples_len);
}

// ---- nothing is left out ----

enum { FIELDS_MAX = 512 };

static const ProtobufCFieldDescriptor *seen[FIELDS_MAX];
static size_t seen_len;

static bool
was_seen(const ProtobufCFieldDescriptor *field)
{
    for (size_t i = 0; i < seen_len; i++) {
        if (seen[i] == field) {
            return true;
        }
    }
    return false;
}

static bool
is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *at = (const char *)message + field->offset;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return *(const size_t *)(const void *)((const char *)message +
                                               field->quantifier_offset) > 0;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        return *(const uint32_t *)(const void *)((const char *)message +
                                                 field->quantifier_offset) == field->id;
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return **(char *const *)(const void *)at != 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(void *const *)(const void *)at != NULL;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_UINT64:
        return *(const uint64_t *)(const void *)at != 0;
    default:
        return *(const uint32_t *)(const void *)at != 0;
    }
}

static void
note_seen(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const void *at = (const char *)message + field->offset;

        if (!is_set(message, field)) {
            continue;
        }
        if (!was_seen(field)) {
            assert_true(seen_len < FIELDS_MAX);
            seen[seen_len++] = field;
        }
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            const void *inner = *(void *const *)at;

            if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                inner = *(void *const *)inner;
            }
            note_seen(inner);
        }
    }
}

static void
assert_all_seen(const ProtobufCMessageDescriptor *type)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];

        if (!was_seen(field)) {
            fail_msg("%s.%s has no value in any kept frame", type->name, field->name);
        }
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            assert_all_seen(field->descriptor);
        }
    }
}

static void
keeps_a_value_of_every_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < samples_len; i++) {
        note_seen(samples[i].message);
    }
    assert_all_seen(&vigie__v1__to_broker__descriptor);
    assert_all_seen(&vigie__v1__to_client__descriptor);
}

// ---- the hot readers ----

static void
reads_the_kept_frames_as_protobuf_does(void **state)
{
    static uint8_t kept[FILE_MAX];

    (void)state;
    for (size_t i = 0; i < samples_len; i++) {
        struct hot_bytes frame = {kept, read_golden(samples[i].name, kept)};
        bool to_broker =
            samples[i].message->descriptor == &vigie__v1__to_broker__descriptor;
        const char *word =
            to_broker ? to_broker_disagreement(frame) : to_client_disagreement(frame);

        if (word != NULL) {
            fail_msg("%s: %s", samples[i].name, word);
        }
    }
}

static void
finds_the_kept_delivery_in_place(void **state)
{
    static uint8_t kept[FILE_MAX];
    static struct hot_content content;
    struct hot_bytes frame = {kept, read_golden("to_client_delivery", kept)};
    struct hot_notification notification;

    (void)state;
    assert_int_equal(hot_next_notification(&frame, &notification), 1);
    assert_int_equal(notification.mailbox, 3);
    assert_int_equal(notification.number, 41);
    assert_true(notification.justified);
    assert_int_equal(notification.begin, 20260101);
    assert_int_equal(hot_read_content(notification.content, &content), HOT_OK);
    assert_int_equal(content.mutation.niss, UINT64_C(85631500129));
    assert_int_equal(content.ticket, 123456789);
    assert_int_equal(content.withheld, 1);
    assert_int_equal(hot_next_notification(&frame, &notification), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kept_frame_with_its_values),
        cmocka_unit_test(has_a_sample_for_every_kept_file),
        cmocka_unit_test(keeps_a_value_of_every_field),
        cmocka_unit_test(reads_the_kept_frames_as_protobuf_does),
        cmocka_unit_test(finds_the_kept_delivery_in_place),
    };

    samples_len = wire_samples(samples);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
