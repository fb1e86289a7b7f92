// SPDX-License-Identifier: EUPL-1.2
// Goal: a line of JSON becomes the mutation that it says, or a sentence about the mistake; and
// what was written is read again as the same.
// Method: whole lines, lines with one mistake, and the way there and back.
#include "json/json.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ASSERT_TEXT(bytes, text)                                                         \
    do {                                                                                 \
        assert_int_equal((bytes).len, strlen(text));                                     \
        assert_memory_equal((bytes).at, text, (bytes).len);                              \
    } while (0)

static const char whole[] =
    "{\"id\":\"rn-2026-000001\",\"flow\":\"notifyPerson\",\"niss\":\"66641066692\","
    "\"occurred\":\"2026-11-20\",\"period\":{\"begin\":\"2026-01-01\","
    "\"end\":\"2026-12-31\"},\"fields\":[{\"code\":\"020\",\"value\":\"Rue \\u00e9\"},"
    "{\"code\":\"150\",\"value\":\"\"}],\"recipient\":\"CPAS-21004\",\"replaces\":\"a\","
    "\"cancels\":\"b\",\"answers\":\"c\",\"new_niss\":\"66641066791\",\"enterprise\":"
    "\"0403019261\","
    "\"reference_year\":2025}";

static struct json_mutation
read_line(const char *text)
{
    struct json_mutation mutation;
    char reason[JSON_REASON_LEN] = "";

    if (json_read_mutation(text, strlen(text), &mutation, reason) != VG_OK) {
        fail_msg("%s", reason);
    }
    return mutation;
}

static void
assert_refused(const char *text, enum vg_status status, const char *words)
{
    struct json_mutation mutation;
    char reason[JSON_REASON_LEN] = "";

    assert_int_equal(json_read_mutation(text, strlen(text), &mutation, reason), status);
    assert_null(mutation.root);
    if (strstr(reason, words) == NULL) {
        fail_msg("'%s' is not in '%s'", words, reason);
    }
    for (const char *at = reason; *at != 0; at++) {
        assert_true(isprint((unsigned char)*at));
    }
}

// ---- reading ----

static void
every_member_arrives(void **state)
{
    struct json_mutation line = read_line(whole);
    const struct hot_mutation *mutation = &line.mutation;
    (void)state;

    ASSERT_TEXT(mutation->id, "rn-2026-000001");
    ASSERT_TEXT(mutation->flow, "notifyPerson");
    ASSERT_TEXT(mutation->recipient, "CPAS-21004");
    ASSERT_TEXT(mutation->replaces, "a");
    ASSERT_TEXT(mutation->cancels, "b");
    ASSERT_TEXT(mutation->answers, "c");
    assert_int_equal(mutation->niss, 66641066692);
    assert_int_equal(mutation->new_niss, 66641066791);
    assert_int_equal(mutation->enterprise, 403019261);
    assert_int_equal(mutation->occurred, 20261120);
    assert_int_equal(mutation->period_begin, 20260101);
    assert_int_equal(mutation->period_end, 20261231);
    assert_int_equal(mutation->reference_year, 2025);
    assert_int_equal(mutation->fields_len, 2);
    ASSERT_TEXT(mutation->fields[0].code, "020");
    ASSERT_TEXT(mutation->fields[0].value, "Rue é");
    ASSERT_TEXT(mutation->fields[1].code, "150");
    assert_int_equal(mutation->fields[1].value.len, 0);
    json_mutation_clear(&line);
    json_mutation_clear(&line);
}

static void
what_is_left_out_is_nothing(void **state)
{
    struct json_mutation line =
        read_line("{\"flow\":\"f\",\"niss\":null,\"period\":null,\"fields\":null}");
    const struct hot_mutation *mutation = &line.mutation;
    (void)state;

    assert_int_equal(mutation->id.len, 0);
    assert_int_equal(mutation->niss, 0);
    assert_int_equal(mutation->occurred, 0);
    assert_int_equal(mutation->period_begin, 0);
    assert_int_equal(mutation->period_end, 0);
    assert_int_equal(mutation->reference_year, 0);
    assert_int_equal(mutation->fields_len, 0);
    json_mutation_clear(&line);
}

static void
numbers_may_be_written_as_people_write_them(void **state)
{
    struct json_mutation line = read_line(
        "{\"flow\":\"f\",\"niss\":\"66.64.10-666.92\",\"enterprise\":\"0403.019.261\"}");
    (void)state;

    assert_int_equal(line.mutation.niss, 66641066692);
    assert_int_equal(line.mutation.enterprise, 403019261);
    json_mutation_clear(&line);
    line = read_line("{\"flow\":\"f\",\"niss\":66641066692}");
    assert_int_equal(line.mutation.niss, 66641066692);
    json_mutation_clear(&line);
    // Leading zeros count for nothing, however many.
    line = read_line("{\"flow\":\"f\",\"niss\":\"00000000000000000000000001\"}");
    assert_int_equal(line.mutation.niss, 1);
    json_mutation_clear(&line);
}

static void
an_event_is_read_like_a_line(void **state)
{
    struct json_mutation line =
        read_line("{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"/rn\","
                  "\"type\":\"vigie.mutation.notifyPerson\",\"time\":\"anything\","
                  "\"data\":{\"niss\":\"66641066692\"}}");
    (void)state;

    ASSERT_TEXT(line.mutation.flow, "notifyPerson");
    ASSERT_TEXT(line.mutation.id, "e-1");
    assert_int_equal(line.mutation.niss, 66641066692);
    json_mutation_clear(&line);
}

static void
an_event_of_another_kind_is_refused(void **state)
{
    (void)state;
    assert_refused("{\"specversion\":\"1.0\",\"type\":\"vigie.mutation.x\"}",
                   VG_MALFORMED, "\"data\"");
    assert_refused("{\"specversion\":\"1.0\",\"type\":\"other\",\"data\":{}}",
                   VG_MALFORMED, "vigie.mutation.");
    assert_refused("{\"specversion\":\"1.0\",\"data\":{}}", VG_MALFORMED, "\"type\"");
    assert_refused("{\"specversion\":\"1.0\",\"type\":\"vigie.mutation.\",\"data\":{}}",
                   VG_MALFORMED, "\"flow\" is missing");
}

// ---- mistakes ----

static void
a_mistake_names_member_and_value(void **state)
{
    (void)state;
    assert_refused("", VG_MALFORMED, "no JSON");
    assert_refused("[]", VG_MALFORMED, "object");
    assert_refused("{}", VG_MALFORMED, "\"flow\" is missing");
    assert_refused("{\"flow\":7}", VG_MALFORMED, "\"flow\" must be a text");
    assert_refused("{\"flow\":\"f\",\"flow\":\"g\"}", VG_MALFORMED, "no JSON");
    assert_refused("{\"flow\":\"f\",\"colour\":1}", VG_MALFORMED, "\"colour\"");
    assert_refused("{\"flow\":\"f\",\"niss\":\"66x\"}", VG_MALFORMED, "'x'");
    assert_refused("{\"flow\":\"f\",\"niss\":-1}", VG_MALFORMED, "\"niss\"");
    assert_refused("{\"flow\":\"f\",\"niss\":1.5}", VG_MALFORMED, "\"niss\"");
    assert_refused("{\"flow\":\"f\",\"niss\":\"1234567890123456789\"}", VG_MALFORMED,
                   "18 digits");
    assert_refused("{\"flow\":\"f\",\"niss\":1234567890123456789}", VG_MALFORMED,
                   "18 digits");
    assert_refused("{\"flow\":\"f\",\"occurred\":\"20 November\"}", VG_BAD_DATE,
                   "20 November");
    assert_refused("{\"flow\":\"f\",\"occurred\":20261120}", VG_BAD_DATE, "\"occurred\"");
    assert_refused("{\"flow\":\"f\",\"period\":{\"end\":\"2026-1-1\"}}", VG_BAD_DATE,
                   "\"end\"");
    assert_refused("{\"flow\":\"f\",\"fields\":{}}", VG_MALFORMED, "list");
    assert_refused("{\"flow\":\"f\",\"fields\":[{\"value\":\"x\"}]}", VG_MALFORMED,
                   "\"code\"");
}

// Whoever writes it that way would lose it without a word.
static void
nothing_is_passed_over_in_silence(void **state)
{
    (void)state;
    assert_refused("{\"flow\":\"f\",\"period\":\"2026\"}", VG_MALFORMED, "period");
    assert_refused("{\"flow\":\"f\",\"period\":{\"from\":\"2026-01-01\"}}", VG_MALFORMED,
                   "\"from\"");
    assert_refused("{\"flow\":\"f\",\"fields\":[\"020\"]}", VG_MALFORMED, "field");
    assert_refused("{\"flow\":\"f\",\"fields\":[{\"code\":\"020\",\"val\":\"x\"}]}",
                   VG_MALFORMED, "\"val\"");
    assert_refused("{\"flow\":\"f\",\"reference_year\":4294969321}", VG_MALFORMED,
                   "\"reference_year\"");
}

static void
a_reason_is_one_plain_line(void **state)
{
    (void)state;
    assert_refused("{\"flow\":\"f\",\"occurred\":\"a\\nb\\u001b[2J\"}", VG_BAD_DATE,
                   "a?b?[2J");
    assert_refused("{\"flow\":\"f\",\"niss\":\"\\u00e9\"}", VG_MALFORMED, "'?'");
    assert_refused("{\"flow\":\"f\",\"occurred\":\"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                   "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82"
                   "\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2"
                   "\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
                   "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82"
                   "\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\"}",
                   VG_BAD_DATE, "\"occurred\"");
}

static void
no_number_of_a_person_stands_in_a_reason(void **state)
{
    struct json_mutation mutation;
    char reason[JSON_REASON_LEN] = "";
    const char text[] = "{\"flow\":\"f\",\"niss\":66641066692 \"66641066692\"}";
    (void)state;

    assert_int_equal(json_read_mutation(text, strlen(text), &mutation, reason),
                     VG_MALFORMED);
    assert_null(strstr(reason, "6664"));
}

static void
too_much_is_refused(void **state)
{
    struct json_mutation mutation;
    char reason[JSON_REASON_LEN] = "";
    char *text = calloc(1, JSON_LINE_BYTES_MAX + 64);
    (void)state;

    assert_non_null(text);
    memset(text, ' ', JSON_LINE_BYTES_MAX + 1);
    memcpy(text, "{\"flow\":\"f\"}", 12);
    assert_int_equal(json_read_mutation(text, JSON_LINE_BYTES_MAX + 1, &mutation, reason),
                     VG_TOO_LARGE);
    assert_int_equal(json_read_mutation(text, JSON_LINE_BYTES_MAX, &mutation, reason),
                     VG_OK);
    json_mutation_clear(&mutation);

    strcpy(text, "{\"flow\":\"f\",\"fields\":[{\"code\":\"1\"}");
    for (int i = 1; i < HOT_FIELDS_MAX; i++) {
        strcat(text, ",{\"code\":\"1\"}");
    }
    strcat(text, "]}");
    mutation = read_line(text);
    assert_int_equal(mutation.mutation.fields_len, HOT_FIELDS_MAX);
    json_mutation_clear(&mutation);
    text[strlen(text) - 2] = 0;
    strcat(text, ",{\"code\":\"1\"}]}");
    assert_int_equal(json_read_mutation(text, strlen(text), &mutation, reason),
                     VG_TOO_MANY);
    free(text);
}

// ---- there and back ----

static void
what_is_written_is_read_again(void **state)
{
    struct json_mutation line = read_line(whole);
    json_t *written = json_write_mutation(&line.mutation);
    json_t *expected = json_loads(whole, 0, NULL);
    (void)state;

    assert_true(json_equal(written, expected));
    json_decref(expected);
    json_decref(written);
    json_mutation_clear(&line);
}

static void
half_a_period_survives(void **state)
{
    struct hot_mutation mutation = {.period_end = 20261231};
    json_t *written = json_write_mutation(&mutation);
    const json_t *period = json_object_get(written, "period");
    (void)state;

    assert_string_equal(json_string_value(json_object_get(period, "end")), "2026-12-31");
    assert_null(json_object_get(period, "begin"));
    json_decref(written);
}

static void
bytes_that_are_no_text_are_said_to_be_none(void **state)
{
    struct hot_mutation mutation = {.id = {(const uint8_t *)"\xff\xfe", 2}};
    json_t *written = json_write_mutation(&mutation);
    (void)state;

    assert_string_equal(json_string_value(json_object_get(written, "id")), "(not UTF-8)");
    json_decref(written);
}

static json_t *
some_notification(bool justified)
{
    struct hot_notification notification = {
        .mailbox = 3,
        .number = 41,
        .again = true,
        .justified = justified,
        .quality = 2,
        .begin = 20260101,
        .end = 99991231,
    };
    struct hot_content content = {
        .mutation.flow = {(const uint8_t *)"notifyPerson", 12},
        .mutation.niss = 1234567,
        .source = {(const uint8_t *)"RN", 2},
        .ticket = 99,
        .kept_at_us = 1795167000123456,
        .withheld = 4,
    };

    return json_write_notification(&notification, &content);
}

static void
a_notification_says_why_it_came(void **state)
{
    json_t *written = some_notification(true);
    json_t *expected = json_loads(
        "{\"flow\":\"notifyPerson\",\"niss\":\"00001234567\",\"mailbox\":3,\"number\":41,"
        "\"ticket\":99,\"source\":\"RN\",\"kept_at\":\"2026-11-20T09:30:00.123456Z\","
        "\"withheld\":4,\"again\":true,\"justification\":{\"quality\":\"002\","
        "\"begin\":\"2026-01-01\",\"end\":\"9999-12-31\"}}",
        0, NULL);
    (void)state;

    assert_true(json_equal(written, expected));
    json_decref(expected);
    json_decref(written);
    written = some_notification(false);
    assert_null(json_object_get(written, "justification"));
    json_decref(written);
}

static void
a_number_that_was_replaced_leads_to_the_one_in_force(void **state)
{
    struct hot_notification notification = {.mailbox = 3, .number = 41};
    struct hot_content content = {.mutation = {.niss = 1, .current_niss = 2}};
    json_t *written = json_write_notification(&notification, &content);
    (void)state;

    assert_string_equal(json_string_value(json_object_get(written, "niss")),
                        "00000000001");
    assert_string_equal(json_string_value(json_object_get(written, "current_niss")),
                        "00000000002");
    json_decref(written);
}

static void
an_event_wraps_a_notification(void **state)
{
    json_t *event = json_write_event(some_notification(true));
    (void)state;

    assert_string_equal(json_string_value(json_object_get(event, "specversion")), "1.0");
    assert_string_equal(json_string_value(json_object_get(event, "id")), "3-41");
    assert_string_equal(json_string_value(json_object_get(event, "source")), "/vigie/RN");
    assert_string_equal(json_string_value(json_object_get(event, "type")),
                        "vigie.mutation.notifyPerson");
    assert_string_equal(json_string_value(json_object_get(event, "time")),
                        "2026-11-20T09:30:00.123456Z");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(event, "data"), "number")),
        41);
    json_decref(event);
}

// ---- dates ----

static void
dates_have_one_form(void **state)
{
    static const char *const wrong[] = {"",           "2026-11-2",   "2026/11/20",
                                        "20261120",   "2026-11-200", "x026-11-20",
                                        "2026-11-2x", " 2026-11-20"};
    uint32_t date = 7;
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(json_read_date(wrong[i], &date));
    }
    assert_int_equal(date, 7);
    assert_true(json_read_date("2026-05-00", &date)); // partial: the broker decides
    assert_int_equal(date, 20260500);

    json_t *written = json_date(20260500);

    assert_string_equal(json_string_value(written), "2026-05-00");
    json_decref(written);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_arrives),
        cmocka_unit_test(what_is_left_out_is_nothing),
        cmocka_unit_test(numbers_may_be_written_as_people_write_them),
        cmocka_unit_test(an_event_is_read_like_a_line),
        cmocka_unit_test(an_event_of_another_kind_is_refused),
        cmocka_unit_test(a_mistake_names_member_and_value),
        cmocka_unit_test(nothing_is_passed_over_in_silence),
        cmocka_unit_test(a_reason_is_one_plain_line),
        cmocka_unit_test(no_number_of_a_person_stands_in_a_reason),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(half_a_period_survives),
        cmocka_unit_test(bytes_that_are_no_text_are_said_to_be_none),
        cmocka_unit_test(a_notification_says_why_it_came),
        cmocka_unit_test(a_number_that_was_replaced_leads_to_the_one_in_force),
        cmocka_unit_test(an_event_wraps_a_notification),
        cmocka_unit_test(dates_have_one_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
