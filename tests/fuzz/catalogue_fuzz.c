// SPDX-License-Identifier: EUPL-1.2
// Goal: any bytes are either a catalogue whose parts fit together, or a list of faults.
// Method: parse; ask a catalogue everything that the rest of the program relies on.
#include <stddef.h>
#include <stdint.h>

#include "rules/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_condition(const struct condition *condition)
{
    CHECK(condition->when <= WHEN_FIRST_JANUARY);
    CHECK(condition->when_no_period <= WHEN_FIRST_JANUARY);
    CHECK(condition->qualities_len <= GROUP_QUALITIES_MAX);
    CHECK(condition->when != WHEN_NONE || condition->qualities_len == 0);
}

static void
check_group(const struct catalogue *catalogue, const struct group *group)
{
    CHECK(group->sectors_len <= GROUP_SECTORS_MAX && group->fixed_len <= GROUP_FIXED_MAX);
    CHECK((group->audience == BY_NAME) == (group->fixed_len > 0));
    CHECK((group->audience == BY_NAME) == (group->sectors_len == 0));
    for (uint16_t i = 0; i < group->sectors_len; i++) {
        CHECK(catalogue_sector(catalogue, group->sectors[i]) != NULL);
    }
    CHECK(group->deliberation[0] != '\0');
    check_condition(&group->recipient);
    check_condition(&group->publisher);
}

static void
check_flow(const struct catalogue *catalogue, const struct flow *flow)
{
    CHECK(catalogue_flow(catalogue, bytes_of(flow->name)) == flow);
    CHECK(catalogue_flow_by_id(catalogue, flow->id) == flow);
    CHECK(flow->sources_len > 0 && flow->sources_len <= FLOW_SOURCES_MAX);
    CHECK(flow->groups_len > 0 && flow->groups_len <= GROUPS_MAX);
    check_condition(&flow->publisher);
    for (uint16_t i = 0; i < flow->groups_len; i++) {
        check_group(catalogue, &flow->groups[i]);
    }
    for (int i = 0; i < CATALOGUE_FIELDS_MAX; i++) {
        bool carried = (flow->fields[i / 64] >> (i % 64) & 1) != 0;

        CHECK(!carried || catalogue_field_rule(catalogue, i) != NULL);
    }
}

static void
check_catalogue(const struct catalogue *catalogue)
{
    const struct flow *flow;
    const struct quality *quality;
    const struct field_rule *field;

    for (size_t i = 0; (flow = catalogue_flow_at(catalogue, i)) != NULL; i++) {
        check_flow(catalogue, flow);
    }
    for (size_t i = 0; (quality = catalogue_quality_at(catalogue, i)) != NULL; i++) {
        CHECK(catalogue_quality(catalogue, quality->sector, quality->code) == quality);
        CHECK(quality->class != 0 && (quality->class & (quality->class - 1)) == 0);
    }
    for (int i = 0; (field = catalogue_field_rule(catalogue, i)) != NULL; i++) {
        CHECK(catalogue_field(catalogue, bytes_of(field->code)) == i);
        CHECK((field->classes & ~CLASS_ALL) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct faults faults = {0};

    AUTO(catalogue_free)
    struct catalogue *catalogue = catalogue_parse((const char *)at, len, &faults);

    CHECK((catalogue == NULL) == (faults.total > 0));
    if (catalogue != NULL) {
        check_catalogue(catalogue);
    }
    return 0;
}
