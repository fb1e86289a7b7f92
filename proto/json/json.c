// SPDX-License-Identifier: EUPL-1.2
#include "json/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define EVENT_TYPE "vigie.mutation."
#define NUMBER_MAX UINT64_C(999999999999999999) // 18 digits
#define YEAR_MAX 9999

// ---- reading ----

static enum vg_status wrong(char reason[JSON_REASON_LEN], enum vg_status status,
                            const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// A reason is one line, and a value cut in the middle of a letter is still shown.
static void
make_plain(char *text)
{
    for (; *text != 0; text++) {
        if (*text < ' ' || *text > '~') {
            *text = '?';
        }
    }
}

static enum vg_status
wrong(char reason[JSON_REASON_LEN], enum vg_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reason, JSON_REASON_LEN, format, args);
    va_end(args);
    make_plain(reason);
    return status;
}

static enum vg_status
read_text(const json_t *object, const char *member, struct hot_bytes *ret,
          char reason[JSON_REASON_LEN])
{
    const json_t *value = json_object_get(object, member);

    if (value == NULL || json_is_null(value)) {
        return VG_OK;
    }
    if (!json_is_string(value)) {
        return wrong(reason, VG_MALFORMED, "\"%s\" must be a text", member);
    }
    ret->at = (const uint8_t *)json_string_value(value);
    ret->len = json_string_length(value);
    return VG_OK;
}

// Digits, as text with or without separators, or as a plain number.
static enum vg_status
read_digits(const json_t *object, const char *member, uint64_t *ret,
            char reason[JSON_REASON_LEN])
{
    const json_t *value = json_object_get(object, member);
    uint64_t number = 0;

    if (value == NULL || json_is_null(value)) {
        return VG_OK;
    }
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        (uint64_t)json_integer_value(value) <= NUMBER_MAX) {
        *ret = (uint64_t)json_integer_value(value);
        return VG_OK;
    }
    if (!json_is_string(value)) {
        return wrong(reason, VG_MALFORMED, "\"%s\" must be at most 18 digits", member);
    }
    for (const char *at = json_string_value(value); *at != 0; at++) {
        if (*at >= '0' && *at <= '9') {
            number = number * 10 + (uint64_t)(*at - '0');
        } else if (strchr(".- ", *at) == NULL) {
            return wrong(reason, VG_MALFORMED,
                         "\"%s\" must be digits, one character is '%c'", member, *at);
        }
        if (number > NUMBER_MAX) {
            return wrong(reason, VG_MALFORMED, "\"%s\" must be at most 18 digits",
                         member);
        }
    }
    *ret = number;
    return VG_OK;
}

bool
json_read_date(const char *text, uint32_t *ret_date)
{
    static const char form[] = "dddd-dd-dd";
    uint32_t date = 0;

    if (strlen(text) != sizeof form - 1) {
        return false;
    }
    for (size_t i = 0; form[i] != 0; i++) {
        if (form[i] == '-' ? text[i] != '-' : text[i] < '0' || text[i] > '9') {
            return false;
        }
        if (form[i] == 'd') {
            date = date * 10 + (uint32_t)(text[i] - '0');
        }
    }
    *ret_date = date;
    return true;
}

static enum vg_status
read_date(const json_t *object, const char *member, uint32_t *ret,
          char reason[JSON_REASON_LEN])
{
    const json_t *value = json_object_get(object, member);

    if (value == NULL || json_is_null(value)) {
        return VG_OK;
    }
    if (!json_is_string(value) || !json_read_date(json_string_value(value), ret)) {
        return wrong(reason, VG_BAD_DATE,
                     "\"%s\" must be a date like 2026-11-20, not \"%s\"", member,
                     json_is_string(value) ? json_string_value(value) : "a number");
    }
    return VG_OK;
}

// An object with none but these members.
static enum vg_status
check_members(const json_t *object, const char *what, const char *const *known,
              size_t known_len, char reason[JSON_REASON_LEN])
{
    const char *member;
    json_t *value;

    if (!json_is_object(object)) {
        return wrong(reason, VG_MALFORMED, "a %s must be an object", what);
    }
    json_object_foreach((json_t *)(uintptr_t)object, member, value)
    {
        size_t i = 0;

        while (i < known_len && strcmp(member, known[i]) != 0) {
            i++;
        }
        if (i == known_len) {
            return wrong(reason, VG_MALFORMED, "\"%.40s\" is no member of a %s", member,
                         what);
        }
    }
    return VG_OK;
}

static enum vg_status
read_field(const json_t *field, struct hot_field *ret, char reason[JSON_REASON_LEN])
{
    static const char *const known[] = {"code", "value"};
    enum vg_status status =
        check_members(field, "field", known, sizeof known / sizeof known[0], reason);

    memset(ret, 0, sizeof *ret);
    if (status == VG_OK) {
        status = read_text(field, "code", &ret->code, reason);
    }
    if (status == VG_OK) {
        status = read_text(field, "value", &ret->value, reason);
    }
    if (status == VG_OK && ret->code.len == 0) {
        status = wrong(reason, VG_MALFORMED, "a field has no \"code\"");
    }
    return status;
}

static enum vg_status
read_fields(const json_t *object, struct hot_mutation *mutation,
            char reason[JSON_REASON_LEN])
{
    const json_t *fields = json_object_get(object, "fields");
    enum vg_status status = VG_OK;

    if (fields == NULL || json_is_null(fields)) {
        return VG_OK;
    }
    if (!json_is_array(fields)) {
        return wrong(reason, VG_MALFORMED, "\"fields\" must be a list");
    }
    if (json_array_size(fields) > HOT_FIELDS_MAX) {
        return wrong(reason, VG_TOO_MANY,
                     "\"fields\" has %zu members, at most %d are allowed",
                     json_array_size(fields), HOT_FIELDS_MAX);
    }
    for (size_t i = 0; status == VG_OK && i < json_array_size(fields); i++) {
        status = read_field(json_array_get(fields, i),
                            &mutation->fields[mutation->fields_len++], reason);
    }
    return status;
}

static enum vg_status
read_period(const json_t *object, struct hot_mutation *mutation,
            char reason[JSON_REASON_LEN])
{
    static const char *const known[] = {"begin", "end"};
    const json_t *period = json_object_get(object, "period");
    enum vg_status status;

    if (period == NULL || json_is_null(period)) {
        return VG_OK;
    }
    status =
        check_members(period, "period", known, sizeof known / sizeof known[0], reason);
    if (status == VG_OK) {
        status = read_date(period, "begin", &mutation->period_begin, reason);
    }
    if (status == VG_OK) {
        status = read_date(period, "end", &mutation->period_end, reason);
    }
    return status;
}

static enum vg_status
read_year(const json_t *object, struct hot_mutation *mutation,
          char reason[JSON_REASON_LEN])
{
    uint64_t year = 0;
    enum vg_status status = read_digits(object, "reference_year", &year, reason);

    if (status == VG_OK && year > YEAR_MAX) {
        return wrong(reason, VG_MALFORMED, "\"reference_year\" must be a year");
    }
    mutation->reference_year = (uint32_t)year;
    return status;
}

static enum vg_status
read_members(const json_t *object, struct hot_mutation *mutation,
             char reason[JSON_REASON_LEN])
{
    static const char *const known[] = {
        "id",         "flow",           "niss",     "occurred", "period",
        "fields",     "recipient",      "replaces", "cancels",  "new_niss",
        "enterprise", "reference_year", "answers",
    };
    enum vg_status status =
        check_members(object, "mutation", known, sizeof known / sizeof known[0], reason);

#define READ(call)                                                                       \
    if (status == VG_OK) {                                                               \
        status = call;                                                                   \
    }
    READ(read_text(object, "flow", &mutation->flow, reason))
    READ(read_text(object, "id", &mutation->id, reason))
    READ(read_text(object, "recipient", &mutation->recipient, reason))
    READ(read_text(object, "replaces", &mutation->replaces, reason))
    READ(read_text(object, "cancels", &mutation->cancels, reason))
    READ(read_text(object, "answers", &mutation->answers, reason))
    READ(read_digits(object, "niss", &mutation->niss, reason))
    READ(read_digits(object, "new_niss", &mutation->new_niss, reason))
    READ(read_digits(object, "enterprise", &mutation->enterprise, reason))
    READ(read_year(object, mutation, reason))
    READ(read_date(object, "occurred", &mutation->occurred, reason))
    READ(read_period(object, mutation, reason))
    READ(read_fields(object, mutation, reason))
#undef READ
    return status;
}

// An event's own words become the mutation's.
static enum vg_status
read_event(const json_t *event, struct hot_mutation *mutation,
           char reason[JSON_REASON_LEN])
{
    const json_t *data = json_object_get(event, "data");
    const char *type = json_string_value(json_object_get(event, "type"));
    enum vg_status status;

    if (!json_is_object(data)) {
        return wrong(reason, VG_MALFORMED, "the CloudEvent has no \"data\" object");
    }
    if (type == NULL || strncmp(type, EVENT_TYPE, strlen(EVENT_TYPE)) != 0) {
        return wrong(reason, VG_MALFORMED, "the CloudEvent's \"type\" must begin with %s",
                     EVENT_TYPE);
    }
    status = read_members(data, mutation, reason);
    if (status == VG_OK && mutation->flow.len == 0) {
        mutation->flow.at = (const uint8_t *)type + strlen(EVENT_TYPE);
        mutation->flow.len = strlen(type) - strlen(EVENT_TYPE);
    }
    if (status == VG_OK && mutation->id.len == 0) {
        status = read_text(event, "id", &mutation->id, reason);
    }
    return status;
}

enum vg_status
json_read_mutation(const char *text, size_t text_len, struct json_mutation *ret,
                   char ret_reason[JSON_REASON_LEN])
{
    struct hot_mutation *mutation = &ret->mutation;
    json_error_t error;
    enum vg_status status;

    if (text_len > JSON_LINE_BYTES_MAX) {
        return wrong(ret_reason, VG_TOO_LARGE,
                     "the line has %zu bytes, at most %d are allowed", text_len,
                     JSON_LINE_BYTES_MAX);
    }
    memset(mutation, 0, offsetof(struct hot_mutation, fields));
    ret->root = json_loadb(text, text_len, JSON_REJECT_DUPLICATES, &error);
    if (ret->root == NULL) {
        // What stands near the mistake may be the number of a person.
        char *near = strstr(error.text, " near ");

        if (near != NULL) {
            *near = 0;
        }
        return wrong(ret_reason, VG_MALFORMED, "no JSON at column %d: %s", error.column,
                     error.text);
    }
    if (!json_is_object(ret->root)) {
        status = wrong(ret_reason, VG_MALFORMED, "a mutation is a JSON object");
    } else if (json_object_get(ret->root, "specversion") != NULL) {
        status = read_event(ret->root, mutation, ret_reason);
    } else {
        status = read_members(ret->root, mutation, ret_reason);
    }
    if (status == VG_OK && mutation->flow.len == 0) {
        status = wrong(ret_reason, VG_MALFORMED, "\"flow\" is missing");
    }
    if (status != VG_OK) {
        json_mutation_clear(ret);
    }
    return status;
}

void
json_mutation_clear(struct json_mutation *mutation)
{
    json_decref(mutation->root);
    mutation->root = NULL;
}

// ---- writing ----

json_t *
json_date(uint32_t date)
{
    return json_sprintf("%04u-%02u-%02u", date / 10000, date / 100 % 100, date % 100);
}

json_t *
json_moment(uint64_t us)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm parts;

    gmtime_r(&seconds, &parts);
    return json_sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06uZ", parts.tm_year + 1900,
                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                        parts.tm_sec, (unsigned)(us % 1000000));
}

static json_t *
text_of(struct hot_bytes bytes)
{
    json_t *text = json_stringn((const char *)bytes.at, bytes.len);

    return text != NULL ? text : json_string("(not UTF-8)");
}

static void
set_text(json_t *object, const char *member, struct hot_bytes bytes)
{
    if (bytes.len > 0) {
        json_object_set_new(object, member, text_of(bytes));
    }
}

json_t *
json_write_mutation(const struct hot_mutation *mutation)
{
    json_t *object = json_object();

    set_text(object, "id", mutation->id);
    set_text(object, "flow", mutation->flow);
    if (mutation->niss != 0) {
        json_object_set_new(object, "niss",
                            json_sprintf("%011llu", (unsigned long long)mutation->niss));
    }
    if (mutation->occurred != 0) {
        json_object_set_new(object, "occurred", json_date(mutation->occurred));
    }
    if (mutation->period_begin != 0 || mutation->period_end != 0) {
        json_t *period = json_object();

        if (mutation->period_begin != 0) {
            json_object_set_new(period, "begin", json_date(mutation->period_begin));
        }
        if (mutation->period_end != 0) {
            json_object_set_new(period, "end", json_date(mutation->period_end));
        }
        json_object_set_new(object, "period", period);
    }
    if (mutation->fields_len > 0) {
        json_t *fields = json_array();

        for (uint32_t i = 0; i < mutation->fields_len; i++) {
            json_array_append_new(
                fields, json_pack("{s:o,s:o}", "code", text_of(mutation->fields[i].code),
                                  "value", text_of(mutation->fields[i].value)));
        }
        json_object_set_new(object, "fields", fields);
    }
    set_text(object, "recipient", mutation->recipient);
    set_text(object, "replaces", mutation->replaces);
    set_text(object, "cancels", mutation->cancels);
    set_text(object, "answers", mutation->answers);
    if (mutation->new_niss != 0) {
        json_object_set_new(
            object, "new_niss",
            json_sprintf("%011llu", (unsigned long long)mutation->new_niss));
    }
    if (mutation->enterprise != 0) {
        json_object_set_new(
            object, "enterprise",
            json_sprintf("%010llu", (unsigned long long)mutation->enterprise));
    }
    if (mutation->reference_year != 0) {
        json_object_set_new(object, "reference_year",
                            json_integer(mutation->reference_year));
    }
    return object;
}

static json_t *
json_tickets(struct hot_bytes merged)
{
    json_t *list = json_array();

    for (size_t i = 0; i < hot_merged_len(merged); i++) {
        json_array_append_new(list, json_integer((json_int_t)hot_merged(merged, i)));
    }
    return list;
}

json_t *
json_write_notification(const struct hot_notification *notification,
                        const struct hot_content *content)
{
    json_t *object = json_write_mutation(&content->mutation);

    json_object_set_new(object, "mailbox", json_integer(notification->mailbox));
    json_object_set_new(object, "number", json_integer((json_int_t)notification->number));
    json_object_set_new(object, "ticket", json_integer((json_int_t)content->ticket));
    set_text(object, "source", content->source);
    if (content->mutation.current_niss != 0) {
        json_object_set_new(
            object, "current_niss",
            json_sprintf("%011llu", (unsigned long long)content->mutation.current_niss));
    }
    json_object_set_new(object, "kept_at", json_moment(content->kept_at_us));
    if (content->mutation.caught_up != 0) {
        json_object_set_new(object, "caught_up",
                            json_integer((json_int_t)content->mutation.caught_up));
        json_object_set_new(object, "lost", json_integer(content->mutation.lost));
    }
    json_object_set_new(object, "withheld", json_integer(content->withheld));
    json_object_set_new(object, "again", json_boolean(notification->again));
    if (notification->attempt > 0) {
        json_object_set_new(object, "attempt", json_integer(notification->attempt));
    }
    if (notification->merged.len > 0) {
        json_object_set_new(object, "merged", json_tickets(notification->merged));
    }
    if (notification->justified) {
        json_object_set_new(object, "justification",
                            json_pack("{s:o,s:o,s:o}", "quality",
                                      json_sprintf("%03u", notification->quality),
                                      "begin", json_date(notification->begin), "end",
                                      json_date(notification->end)));
    }
    return object;
}

json_t *
json_write_event(json_t *notification)
{
    const char *flow = json_string_value(json_object_get(notification, "flow"));
    const char *source = json_string_value(json_object_get(notification, "source"));
    json_t *event = json_object();

    json_object_set_new(event, "specversion", json_string("1.0"));
    json_object_set_new(
        event, "id",
        json_sprintf("%lld-%lld",
                     json_integer_value(json_object_get(notification, "mailbox")),
                     json_integer_value(json_object_get(notification, "number"))));
    json_object_set_new(event, "source", json_sprintf("/vigie/%s", source ? source : ""));
    json_object_set_new(event, "type", json_sprintf(EVENT_TYPE "%s", flow ? flow : ""));
    json_object_set(event, "time", json_object_get(notification, "kept_at"));
    json_object_set_new(event, "datacontenttype", json_string("application/json"));
    json_object_set_new(event, "data", notification);
    return event;
}
