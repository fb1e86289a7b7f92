// SPDX-License-Identifier: EUPL-1.2
#include "deed.h"

#include "values/day.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct hot_bytes
words(const char *text)
{
    return (struct hot_bytes){(const uint8_t *)text, strlen(text)};
}

static bool
same(struct hot_bytes bytes, const char *text)
{
    return bytes_equal((struct bytes){bytes.at, bytes.len}, text);
}

// Of another length for every deed and field.
static void
value_of(const struct deed *deed, unsigned field, char ret_value[DEED_VALUE_MAX])
{
    unsigned len = 8 + (deed->id * 37 + field * 101) % (DEED_VALUE_MAX - 9);
    int head = snprintf(ret_value, DEED_VALUE_MAX, "%u.%u.", deed->id, field);

    for (unsigned i = (unsigned)head; i < len; i++) {
        ret_value[i] = (char)('a' + (deed->id + field + i) % 26);
    }
    ret_value[len > (unsigned)head ? len : (unsigned)head] = '\0';
}

static const char *
name_of(const struct deed *deed)
{
    return deed->wrong == WRONG_FLOW ? "noSuchFlow" : facts_flow(0, deed->flow)->name;
}

struct values {
    char value[FACT_FIELDS + 1][DEED_VALUE_MAX];
};

static void
fill_fields(const struct deed *deed, struct values *values, struct hot_mutation *mutation)
{
    const struct fact_flow *flow = facts_flow(0, deed->flow);

    for (unsigned i = 0; i < facts_fields(flow); i++) {
        if ((deed->fields >> i & 1) != 0) {
            value_of(deed, i, values->value[i]);
            mutation->fields[mutation->fields_len++] = (struct hot_field){
                .code = words(flow->fields[i].code), .value = words(values->value[i])};
        }
    }
    if (deed->wrong == WRONG_FIELD || deed->wrong == WRONG_FIELD_OF_ANOTHER) {
        mutation->fields[mutation->fields_len++] = (struct hot_field){
            .code = words(deed->wrong == WRONG_FIELD ? "no_such_field" : "208"),
            .value = words("x")};
    }
}

void
deed_write(const struct deed *deed, struct buffer *mutations)
{
    struct hot_mutation *mutation = xcalloc(1, sizeof *mutation);
    struct values values;
    char id[16];

    snprintf(id, sizeof id, "D%u", deed->id);
    mutation->flow = words(name_of(deed));
    mutation->id = words(id);
    mutation->recipient = words(deed->recipient);
    mutation->niss = deed->wrong == WRONG_NISS ? 12345678901 : deed->niss;
    mutation->new_niss = deed->new_niss;
    mutation->enterprise = deed->enterprise;
    mutation->occurred = deed->wrong == WRONG_DATE ? 20261399 : 0;
    mutation->reference_year = deed->year;
    if (deed->has_period) {
        mutation->period_begin = day_number((struct day){deed->begin});
        mutation->period_end = day_number((struct day){deed->end});
    }
    fill_fields(deed, &values, mutation);

    uint8_t *at = buffer_reserve(mutations, hot_mutation_size(mutation));

    mutations->len += (size_t)(hot_write_mutation(at, mutation) - at);
    free(mutation);
}

uint32_t
deed_id(const struct hot_mutation *mutation)
{
    uint32_t id = 0;

    for (size_t i = 1; i < mutation->id.len; i++) {
        id = id * 10 + (uint32_t)(mutation->id.at[i] - '0');
    }
    return mutation->id.len > 1 && mutation->id.at[0] == 'D' ? id : 0;
}

static const char *
fields_are_told(const struct deed *deed, unsigned kept, const struct hot_mutation *told)
{
    const struct fact_flow *flow = facts_flow(0, deed->flow);
    char value[DEED_VALUE_MAX];
    uint32_t next = 0;

    for (unsigned i = 0; i < facts_fields(flow); i++) {
        if ((deed->fields & kept & (1u << i)) == 0) {
            continue;
        }
        if (next >= told->fields_len ||
            !same(told->fields[next].code, flow->fields[i].code)) {
            return "a field that may be seen is missing, or one that may not is there";
        }
        value_of(deed, i, value);
        if (!same(told->fields[next++].value, value)) {
            return "a field has another value than was published";
        }
    }
    return next == told->fields_len ? NULL : "a field that may not be seen is there";
}

const char *
deed_is_told(const struct deed *deed, unsigned kept, const struct hot_content *content)
{
    const struct hot_mutation *told = &content->mutation;
    unsigned withheld = (unsigned)__builtin_popcount(deed->fields & ~kept);

    if (deed_id(told) != deed->id || !same(told->flow, name_of(deed))) {
        return "the body is of another mutation";
    }
    if (told->niss != deed->niss || told->new_niss != deed->new_niss ||
        told->enterprise != deed->enterprise || told->reference_year != deed->year ||
        !same(told->recipient, deed->recipient)) {
        return "the body has another person, enterprise, year or recipient";
    }
    if (content->withheld != withheld) {
        return "the body counts other fields withheld";
    }
    return fields_are_told(deed, kept, told);
}
