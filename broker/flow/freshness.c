// SPDX-License-Identifier: EUPL-1.2
#include "flow/freshness.h"

#include <stdlib.h>

#define HOUR_US INT64_C(3600000000)

struct list {
    const struct catalogue *catalogue;
    const struct roster *roster;
    struct instant now;
    bool with_rhythm;
    struct fresh *rows;
    size_t len;
    size_t size;
};

int64_t
freshness_silent_us(const struct fresh *fresh, struct instant now)
{
    return fresh->heard.last_us == 0 || now.us < fresh->heard.last_us
               ? 0
               : now.us - fresh->heard.last_us;
}

static bool
is_late(const struct fresh *fresh, struct instant now)
{
    int64_t rhythm_us = (int64_t)fresh->flow->rhythm_hours * HOUR_US;

    return rhythm_us > 0 &&
           (fresh->heard.last_us == 0 || freshness_silent_us(fresh, now) > rhythm_us);
}

static void
add_row(struct list *list, const struct institution *source, const struct flow *flow,
        const struct heard *heard)
{
    struct fresh *row;

    if (list->len == list->size) {
        list->size = list->size * 2 + 32;
        list->rows = realloc(list->rows, list->size * sizeof *list->rows);
        CHECK(list->rows != NULL);
    }
    row = &list->rows[list->len++];
    *row = (struct fresh){.source = source, .flow = flow, .heard = *heard};
    row->late = is_late(row, list->now);
}

static bool
add_heard(struct institution_id source, uint16_t id, const struct heard *heard, void *arg)
{
    struct list *list = arg;
    const struct institution *institution =
        roster_institution(list->roster, source.number);
    const struct flow *flow = catalogue_flow_by_id(list->catalogue, id);

    if (institution != NULL && flow != NULL &&
        (flow->rhythm_hours > 0 || !list->with_rhythm)) {
        add_row(list, institution, flow, heard);
    }
    return true;
}

static bool
may_publish(const struct institution *source, const struct flow *flow)
{
    for (size_t i = 0; i < flow->sources_len; i++) {
        if (flow->sources[i] == source->sector) {
            return true;
        }
    }
    return false;
}

static bool
is_listed(const struct list *list, size_t len, const struct institution *source,
          const struct flow *flow)
{
    for (size_t i = 0; i < len; i++) {
        if (list->rows[i].source == source && list->rows[i].flow == flow) {
            return true;
        }
    }
    return false;
}

// Who should have been heard of this flow and never was.
static void
add_never_heard(struct list *list, const struct flow *flow, size_t heard_len)
{
    const struct heard never = {.last_us = 0};

    for (size_t i = 0; i < roster_len(list->roster); i++) {
        const struct institution *source = roster_at(list->roster, i);

        if (may_publish(source, flow) && !is_listed(list, heard_len, source, flow)) {
            add_row(list, source, flow, &never);
        }
    }
}

static int
by_flow_and_source(const void *left, const void *right)
{
    const struct fresh *a = left;
    const struct fresh *b = right;

    if (a->flow->id != b->flow->id) {
        return a->flow->id < b->flow->id ? -1 : 1;
    }
    return a->source->id < b->source->id ? -1 : a->source->id > b->source->id;
}

enum vg_status
freshness_list(struct txn *txn, const struct catalogue *catalogue,
               const struct roster *roster, struct instant now, bool with_rhythm,
               struct fresh **ret_rows, size_t *ret_len)
{
    struct list list = {catalogue, roster, now, with_rhythm, NULL, 0, 0};
    enum vg_status status = catalogue == NULL ? VG_OK : heard_each(txn, add_heard, &list);
    size_t heard_len = list.len;

    if (status != VG_OK) {
        free(list.rows);
        return status;
    }
    for (size_t i = 0; catalogue != NULL && catalogue_flow_at(catalogue, i) != NULL;
         i++) {
        const struct flow *flow = catalogue_flow_at(catalogue, i);

        if (flow->rhythm_hours > 0) {
            add_never_heard(&list, flow, heard_len);
        }
    }
    if (list.len > 0) {
        qsort(list.rows, list.len, sizeof *list.rows, by_flow_and_source);
    }
    *ret_rows = list.rows;
    *ret_len = list.len;
    return VG_OK;
}
