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

enum { VALUE_LEN = 390, SHORT_LEN = 100, HEAVY_LEN = 4000, TOO_LONG_LEN = 4097 };

// Of another length for every deed and field.
static unsigned
length_of(const struct deed *deed, unsigned place)
{
    unsigned most = deed->repeat > 1 ? SHORT_LEN : VALUE_LEN;

    if (deed->wrong == WRONG_SIZE && place == 0) {
        return TOO_LONG_LEN;
    }
    return deed->heavy ? HEAVY_LEN - place % 7 : 8 + (deed->id * 37 + place * 101) % most;
}

// What the broker says of an integration that ends.
static void
value_of_end(const struct deed *deed, unsigned place, char ret_value[DEED_VALUE_MAX])
{
    int year, month, day;

    day_parts((struct day){place == 1 ? deed->begin : deed->end}, &year, &month, &day);
    if (place == 0) {
        snprintf(ret_value, DEED_VALUE_MAX, "%03u", deed->quality);
    } else {
        snprintf(ret_value, DEED_VALUE_MAX, "%04d-%02d-%02d", year, month, day);
    }
}

static void
value_of(const struct deed *deed, unsigned place, char ret_value[DEED_VALUE_MAX])
{
    unsigned len = length_of(deed, place);
    unsigned head;

    if (deed->quality != 0) {
        value_of_end(deed, place, ret_value);
        return;
    }
    head = (unsigned)snprintf(ret_value, DEED_VALUE_MAX, "%u.%u.", deed->id, place);

    len = len > head ? len : head;
    if (len > head) {
        memset(ret_value + head, 'a' + (int)((deed->id + place) % 26), len - head);
    }
    ret_value[len] = '\0';
}

static const char *
name_of(const struct deed *deed)
{
    return deed->wrong == WRONG_FLOW ? "noSuchFlow" : facts_flow(0, deed->flow)->name;
}

struct values {
    char value[HOT_FIELDS_MAX][DEED_VALUE_MAX];
};

static void
add_field(const char *code, const char *value, struct hot_mutation *mutation)
{
    mutation->fields[mutation->fields_len++] =
        (struct hot_field){.code = words(code), .value = words(value)};
}

static void
fill_fields(const struct deed *deed, struct values *values, struct hot_mutation *mutation)
{
    const struct fact_flow *flow = facts_flow(0, deed->flow);

    for (unsigned i = 0; i < facts_fields(flow); i++) {
        for (unsigned n = 0; (deed->fields >> i & 1) != 0 && n < deed->repeat; n++) {
            char *value = values->value[mutation->fields_len];

            value_of(deed, mutation->fields_len, value);
            add_field(flow->fields[i].code, value, mutation);
        }
    }
    if (deed->wrong == WRONG_FIELD || deed->wrong == WRONG_FIELD_OF_ANOTHER) {
        add_field(deed->wrong == WRONG_FIELD ? "no_such_field" : "208", "x", mutation);
    }
}

struct reference {
    char text[24];
};

static struct reference
reference_to(uint64_t ticket)
{
    struct reference reference = {""};

    if (ticket != 0) {
        snprintf(reference.text, sizeof reference.text, "%llu",
                 (unsigned long long)ticket);
    }
    return reference;
}

static uint32_t
occurred_of(const struct deed *deed)
{
    return deed->occurred == 0 ? 0 : day_number((struct day){deed->occurred});
}

void
deed_write(const struct deed *deed, struct buffer *mutations)
{
    struct hot_mutation *mutation = xcalloc(1, sizeof *mutation);
    struct reference corrects = reference_to(deed->corrects);
    struct reference answers = reference_to(deed->answers);
    static struct values values;
    char id[16];

    snprintf(id, sizeof id, "D%u", deed->id);
    mutation->flow = words(name_of(deed));
    mutation->id = words(id);
    mutation->recipient = words(deed->recipient);
    mutation->niss = deed->wrong == WRONG_NISS ? 12345678901 : deed->niss;
    mutation->new_niss = deed->new_niss;
    mutation->enterprise = deed->enterprise;
    mutation->occurred = deed->wrong == WRONG_DATE ? 20261399 : occurred_of(deed);
    mutation->reference_year = deed->year;
    *(deed->cancels ? &mutation->cancels : &mutation->replaces) =
        words(deed->wrong == WRONG_REFERENCE ? "1x" : corrects.text);
    mutation->answers = words(answers.text);
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

static bool
references_are_told(const struct deed *deed, bool referred,
                    const struct hot_mutation *told)
{
    struct reference corrects = reference_to(referred ? deed->corrects : 0);
    struct reference answers = reference_to(deed->answers);

    return same(told->replaces, deed->cancels ? "" : corrects.text) &&
           same(told->cancels, deed->cancels ? corrects.text : "") &&
           same(told->answers, answers.text);
}

static const char *
fields_are_told(const struct deed *deed, unsigned kept, const struct hot_mutation *told)
{
    const struct fact_flow *flow = facts_flow(0, deed->flow);
    static char value[DEED_VALUE_MAX];
    uint32_t next = 0;
    unsigned place = 0;

    for (unsigned i = 0; i < facts_fields(flow); i++) {
        for (unsigned n = 0; (deed->fields >> i & 1) != 0 && n < deed->repeat; n++) {
            value_of(deed, place++, value);
            if ((kept >> i & 1) == 0) {
                continue;
            }
            if (next >= told->fields_len ||
                !same(told->fields[next].code, flow->fields[i].code)) {
                return "a field that may be seen is missing, or one that may not is "
                       "there";
            }
            if (!same(told->fields[next++].value, value)) {
                return "a field has another value than was published";
            }
        }
    }
    return next == told->fields_len ? NULL : "a field that may not be seen is there";
}

unsigned
deed_withheld(const struct deed *deed, unsigned kept)
{
    return (unsigned)__builtin_popcount(deed->fields & ~kept) * deed->repeat;
}

const char *
deed_is_told(const struct deed *deed, unsigned kept, bool referred,
             const struct hot_content *content)
{
    const struct hot_mutation *told = &content->mutation;

    if (deed_id(told) != (deed->quality == 0 ? deed->id : 0) ||
        !same(told->flow, name_of(deed))) {
        return "the body is of another mutation";
    }
    if (told->niss != deed->niss || told->new_niss != deed->new_niss ||
        told->enterprise != deed->enterprise || told->reference_year != deed->year ||
        !same(told->recipient, deed->recipient)) {
        return "the body has another person, enterprise, year or recipient";
    }
    if (deed->has_period &&
        (told->period_begin != day_number((struct day){deed->begin}) ||
         told->period_end != day_number((struct day){deed->end}))) {
        return "the body has another period";
    }
    if (deed->quality == 0 && told->occurred != occurred_of(deed)) {
        return "the body has another day";
    }
    if (!references_are_told(deed, referred, told)) {
        return "the body refers to another mutation, or to one that is not to be known";
    }
    if (content->withheld != deed_withheld(deed, kept)) {
        return "the body counts other fields withheld";
    }
    return fields_are_told(deed, kept, told);
}
