// SPDX-License-Identifier: EUPL-1.2
// Goal: what a source writes is what an institution reads, field by field, and nothing
// that exceeds the wire's sizes leaves.
// Method: a mutation is encoded, wrapped as a notification's content and read back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mutation.h"

static struct vg_bytes
text(const char *at)
{
    return (struct vg_bytes){at, strlen(at)};
}

static void
assert_text(struct vg_bytes bytes, const char *expected)
{
    assert_int_equal(bytes.len, strlen(expected));
    assert_memory_equal(bytes.at, expected, bytes.len);
}

static struct vg_mutation
full_mutation(void)
{
    struct vg_mutation mutation = {.niss = UINT64_C(66641066692),
                                   .new_niss = UINT64_C(66641066791),
                                   .enterprise = UINT64_C(206731645),
                                   .occurred = 20261120,
                                   .period_begin = 20260100,
                                   .period_end = 20261231,
                                   .reference_year = 2026};

    mutation.flow = text("notifyPerson");
    mutation.id = text("rn-2026-000001");
    mutation.recipient = text("25");
    mutation.replaces = text("rn-2025-000009");
    mutation.cancels = text("rn-2025-000008");
    mutation.answers = text("123");
    mutation.fields_len = 2;
    mutation.fields[0] = (struct vg_field){text("020"), text("Brussel")};
    mutation.fields[1] = (struct vg_field){text("H205"), text("")};
    return mutation;
}

static void
what_is_written_is_read(void **state)
{
    struct vg_mutation written = full_mutation();
    struct vg_mutation read;
    struct vg_notification notification;
    static const uint8_t merged[16] = {70, 0, 0, 0, 0, 0, 0, 0, 71, 1};
    struct hot_notification arrived = {.mailbox = 5,
                                       .number = 9,
                                       .justified = true,
                                       .quality = 1,
                                       .begin = 20260101,
                                       .end = 99991231,
                                       .merged = {merged, sizeof merged}};
    struct hot_mutation hot;
    size_t size_max;
    static struct hot_content scratch;
    uint8_t content[4096];

    (void)state;
    assert_int_equal(vg_mutation_check_out(&written, &hot, &size_max, NULL), VG_OK);
    assert_true(size_max >= hot_mutation_size(&hot));
    // The broker would copy a field whole; here it has no raw bytes, so it writes it anew.
    hot.fields[0].raw = (struct hot_bytes){NULL, 0};
    hot.fields[1].raw = (struct hot_bytes){NULL, 0};
    arrived.content.at = content;
    arrived.content.len =
        (size_t)(hot_write_content(content, &hot, 3,
                                   (struct hot_bytes){(const uint8_t *)"rn", 2}, 77,
                                   1795000000000000) -
                 content);
    assert_int_equal(vg_notification_check_in(&arrived, &scratch, &notification), VG_OK);
    assert_int_equal(notification.mailbox, 5);
    assert_int_equal(notification.number, 9);
    assert_int_equal(notification.merged_len, 2);
    assert_int_equal(vg_notification_merged(&notification, 0), 70);
    assert_int_equal(vg_notification_merged(&notification, 1), 256 + 71);
    assert_int_equal(notification.ticket, 77);
    assert_int_equal(notification.kept_at_us, 1795000000000000);
    assert_int_equal(notification.end, 99991231);
    assert_true(notification.justified);
    assert_text(notification.source, "rn");
    assert_text(notification.flow, "notifyPerson");
    assert_text(notification.id, "rn-2026-000001");
    assert_int_equal(vg_notification_mutation(&notification, &read), VG_OK);
    assert_text(read.flow, "notifyPerson");
    assert_text(read.id, "rn-2026-000001");
    assert_text(read.recipient, "25");
    assert_text(read.replaces, "rn-2025-000009");
    assert_text(read.cancels, "rn-2025-000008");
    assert_text(read.answers, "123");
    assert_int_equal(read.niss, written.niss);
    assert_int_equal(read.new_niss, written.new_niss);
    assert_int_equal(read.enterprise, written.enterprise);
    assert_int_equal(read.occurred, written.occurred);
    assert_int_equal(read.period_begin, written.period_begin);
    assert_int_equal(read.period_end, written.period_end);
    assert_int_equal(read.reference_year, written.reference_year);
    assert_int_equal(read.fields_len, 2);
    assert_text(read.fields[0].code, "020");
    assert_text(read.fields[0].value, "Brussel");
    assert_text(read.fields[1].code, "H205");
    assert_text(read.fields[1].value, "");
}

static void
each_size_has_its_limit(void **state)
{
    static char bytes[5000];
    struct vg_mutation mutation = full_mutation();
    struct hot_mutation hot;
    size_t size_max;

    (void)state;
    mutation.id = (struct vg_bytes){bytes, HOT_ID_BYTES_MAX};
    assert_int_equal(vg_mutation_check_out(&mutation, &hot, &size_max, NULL), VG_OK);
    mutation.id.len++;
    assert_int_equal(vg_mutation_check_out(&mutation, &hot, &size_max, NULL),
                     VG_TOO_LARGE);
    mutation = full_mutation();
    mutation.fields[0].value = (struct vg_bytes){bytes, HOT_VALUE_BYTES_MAX};
    assert_int_equal(vg_mutation_check_out(&mutation, &hot, &size_max, NULL), VG_OK);
    mutation.fields[0].value.len++;
    assert_int_equal(vg_mutation_check_out(&mutation, &hot, &size_max, NULL),
                     VG_TOO_LARGE);
    mutation = full_mutation();
    mutation.fields[0].code = (struct vg_bytes){bytes, HOT_CODE_BYTES_MAX + 1};
    assert_int_equal(vg_mutation_check_out(&mutation, &hot, &size_max, NULL),
                     VG_TOO_LARGE);
    mutation.fields[0].code.len = 0;
    assert_int_equal(vg_mutation_check_out(&mutation, &hot, &size_max, NULL),
                     VG_MALFORMED);
}

// The broker judges the body of a Mutation; a head of tag and length stands around it.
static void
the_whole_is_limited_to_the_byte(void **state)
{
    static char bytes[4096];
    struct vg_mutation mutation = {.niss = 1};
    struct hot_mutation hot;
    size_t size_max;
    struct hot_bytes body;
    static uint8_t encoded[20000];
    size_t longest = 0;

    (void)state;
    mutation.flow = text("notifyPerson");
    mutation.fields_len = 4;
    for (size_t i = 0; i < 4; i++) {
        mutation.fields[i] = (struct vg_field){text("020"), {bytes, 4000}};
    }
    for (size_t more = 0; more < 500; more++) {
        mutation.recipient = (struct vg_bytes){bytes, more};
        if (vg_mutation_check_out(&mutation, &hot, &size_max, NULL) == VG_OK) {
            struct hot_bytes rest = {encoded, 0};

            rest.len = (size_t)(hot_write_mutation(encoded, &hot) - encoded);
            assert_true(hot_next_mutation(&rest, &body));
            assert_true(body.len <= HOT_MUTATION_BYTES_MAX);
            assert_true(size_max >= hot_mutation_size(&hot));
            longest = body.len;
        }
    }
    assert_int_equal(longest, HOT_MUTATION_BYTES_MAX);
}

static void
content_cut_short_is_malformed(void **state)
{
    const char content[] = {0x0a, 0x7f, 'n'};
    struct vg_notification notification = {.content = {content, sizeof content}};
    struct vg_mutation mutation;

    (void)state;
    assert_int_equal(vg_notification_mutation(&notification, &mutation), VG_MALFORMED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(each_size_has_its_limit),
        cmocka_unit_test(the_whole_is_limited_to_the_byte),
        cmocka_unit_test(content_cut_short_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
