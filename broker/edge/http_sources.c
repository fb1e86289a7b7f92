// SPDX-License-Identifier: EUPL-1.2
// http_sources.c - when each source was heard last.
#include "edge/http_inside.h"

#include "flow/freshness.h"
#include "json/json.h"

#include <stdlib.h>

static enum vg_status
list_all(struct broker *broker, bool with_rhythm, struct fresh **ret_rows,
         size_t *ret_len)
{
    return freshness_list(broker_txn(broker), broker->catalogue, broker->roster,
                          clock_now(), with_rhythm, ret_rows, ret_len);
}

static json_t *
row_of(const struct fresh *fresh)
{
    bool heard = fresh->heard.last_us > 0;
    int64_t seconds = freshness_silent_us(fresh, clock_now()) / 1000000;
    uint32_t rhythm = fresh->flow->rhythm_hours;

    return json_pack("{s:s, s:s, s:o, s:I, s:o, s:o, s:b}", "source", fresh->source->code,
                     "flow", fresh->flow->name, "last",
                     heard ? json_moment((uint64_t)fresh->heard.last_us) : json_null(),
                     "mutations", (json_int_t)fresh->heard.mutations, "rhythm_hours",
                     rhythm > 0 ? json_integer(rhythm) : json_null(), "silent_seconds",
                     heard ? json_integer(seconds) : json_null(), "late",
                     (int)fresh->late);
}

void
get_sources(struct call *call)
{
    struct fresh *rows = NULL;
    size_t len = 0;
    enum vg_status status = list_all(call->broker, false, &rows, &len);
    json_t *list;

    if (status != VG_OK) {
        call_refuse(call, status, "what was heard of sources could not be read");
        return;
    }
    list = json_array();
    for (size_t i = 0; i < len; i++) {
        json_array_append_new(list, row_of(&rows[i]));
    }
    free(rows);
    call_answer(call, json_pack("{s:o}", "sources", list));
}

// Both are letters, digits and dashes by the catalogue's and the roster's own rules.
static void
print_one(struct buffer *text, const char *name, const struct fresh *fresh, int64_t value)
{
    buffer_print(text, "vigie_source_%s{source=\"%s\",flow=\"%s\"} %lld\n", name,
                 fresh->source->code, fresh->flow->name, (long long)value);
}

void
sources_print(struct broker *broker, struct buffer *text)
{
    struct fresh *rows = NULL;
    size_t len = 0;

    if (list_all(broker, true, &rows, &len) != VG_OK) {
        return;
    }
    buffer_print(text, "# HELP vigie_source_silent_seconds since a source's newest "
                       "mutation of a flow with a rhythm\n"
                       "# TYPE vigie_source_silent_seconds gauge\n");
    for (size_t i = 0; i < len; i++) {
        if (rows[i].heard.last_us > 0) {
            print_one(text, "silent_seconds", &rows[i],
                      freshness_silent_us(&rows[i], clock_now()) / 1000000);
        }
    }
    buffer_print(text, "# HELP vigie_source_late 1: silent for longer than the flow's "
                       "rhythm, or never heard\n"
                       "# TYPE vigie_source_late gauge\n");
    for (size_t i = 0; i < len; i++) {
        print_one(text, "late", &rows[i], rows[i].late);
    }
    free(rows);
}
