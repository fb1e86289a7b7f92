// SPDX-License-Identifier: EUPL-1.2
// Goal: any bytes are read as a Publish safely, as protobuf-c reads them, and what was
// read is written again without loss.
// Method: the input as a frame, as a Publish and as a Mutation; compare (hot_agrees.h);
// write a mutation and a whole Content of it, read those.
#include "base/base.h"

#include "../hot_agrees.h"

enum { ROOM = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static uint8_t written[ROOM];
static uint8_t again[ROOM];

static void
check_same(const struct hot_mutation *a, const struct hot_mutation *b)
{
    size_t len = (size_t)(hot_write_mutation(written, a) - written);

    CHECK(len <= hot_mutation_size(a));
    CHECK((size_t)(hot_write_mutation(again, b) - again) == len);
    CHECK(memcmp(written, again, len) == 0);
}

static void
check_written_mutation(const struct hot_mutation *mutation)
{
    static struct hot_mutation read;
    struct hot_bytes list = {written, 0};
    struct hot_bytes body;

    list.len = (size_t)(hot_write_mutation(written, mutation) - written);
    CHECK(hot_next_mutation(&list, &body) && list.len == 0);
    CHECK(hot_read_mutation(body, &read) == HOT_OK);
    memcpy(again, body.at, body.len);
    CHECK(hot_read_mutation((struct hot_bytes){again, body.len}, &read) == HOT_OK);
}

// Half of the fields are kept, and no byte of the others.
static void
check_written_content(const struct hot_mutation *mutation)
{
    static uint8_t room[ROOM];
    static struct hot_content content;
    const uint64_t keep = UINT64_C(0x5555555555555555);
    struct hot_bytes source = {(const uint8_t *)"source", 6};
    uint8_t *end = hot_write_content(room, mutation, keep, source, 1, 2);
    uint32_t kept = (mutation->fields_len + 1) / 2;

    CHECK((size_t)(end - room) <= hot_content_size(mutation, source));
    CHECK(hot_read_content((struct hot_bytes){room, (size_t)(end - room)}, &content) ==
          HOT_OK);
    CHECK(content.mutation.fields_len == kept);
    CHECK(content.withheld == mutation->fields_len - kept);
    CHECK(content.ticket == 1 && content.kept_at_us == 2 && content.source.len == 6);
    for (uint32_t i = 0; i < kept; i++) {
        const struct hot_field *field = &content.mutation.fields[i];

        CHECK(field->value.len == mutation->fields[2 * i].value.len);
        CHECK(field->raw.len <= mutation->fields[2 * i].raw.len);
    }
    content.mutation.fields_len = 0;
    static struct hot_mutation words;

    words = *mutation;
    words.fields_len = 0;
    check_same(&words, &content.mutation);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static struct hot_mutation mutation;
    struct hot_bytes bytes = {at, len};

    check_agreement(to_broker_disagreement(bytes));
    check_agreement(publish_body_disagreement(bytes));
    check_agreement(mutation_disagreement(bytes));
    if (hot_read_mutation(bytes, &mutation) == HOT_OK) {
        check_written_mutation(&mutation);
        check_written_content(&mutation);
    }
    return 0;
}
