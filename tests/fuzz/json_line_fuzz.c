// SPDX-License-Identifier: EUPL-1.2
// Goal: any bytes are either a mutation that fits on the wire's writer, or a plain sentence.
// Method: what was read is written as JSON and read again: the second text is the first; and
// it is written as protobuf within the size that was promised.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_reason(const char *reason)
{
    CHECK(reason[0] != '\0' && strlen(reason) < JSON_REASON_LEN);
    for (; *reason != '\0'; reason++) {
        CHECK(*reason >= ' ' && *reason <= '~');
    }
}

static char *
write_line(const struct hot_mutation *mutation)
{
    json_t *object = json_write_mutation(mutation);
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

    CHECK(text != NULL);
    json_decref(object);
    return text;
}

static void
check_there_and_back(const struct hot_mutation *mutation)
{
    struct json_mutation again;
    char reason[JSON_REASON_LEN];
    char *first = write_line(mutation);

    if (strlen(first) <= JSON_LINE_BYTES_MAX) { // \u00e9 may take less room than é
        CHECK(json_read_mutation(first, strlen(first), &again, reason) == VG_OK);

        char *second = write_line(&again.mutation);

        CHECK(strcmp(first, second) == 0);
        free(second);
        json_mutation_clear(&again);
    }
    free(first);
}

static void
check_wire(const struct hot_mutation *mutation)
{
    size_t size = hot_mutation_size(mutation);
    uint8_t *bytes = malloc(size);

    CHECK(bytes != NULL);
    CHECK((size_t)(hot_write_mutation(bytes, mutation) - bytes) <= size);
    free(bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct json_mutation mutation;
    char reason[JSON_REASON_LEN] = "";

    if (json_read_mutation((const char *)at, len, &mutation, reason) != VG_OK) {
        CHECK(mutation.root == NULL);
        check_reason(reason);
        return 0;
    }
    check_there_and_back(&mutation.mutation);
    check_wire(&mutation.mutation);
    json_mutation_clear(&mutation);
    return 0;
}
