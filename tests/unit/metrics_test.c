// SPDX-License-Identifier: EUPL-1.2
// Goal: Prometheus reads every number of the table, each with its help and its type.
// Method: the page's lines are held against the table; the shipped catalogue names flows.
#include "edge/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The page as text.
static char *
page(void (*print)(struct buffer *text))
{
    struct buffer text = {0};

    print(&text);
    buffer_add(&text, "", 1);
    return (char *)text.at;
}

static void
assert_line(const char *text, const char *line)
{
    const char *at = strstr(text, line);

    if (at == NULL || (at != text && at[-1] != '\n') || at[strlen(line)] != '\n') {
        fail_msg("the page has no line '%s'", line);
    }
    assert_null(strstr(at + 1, line));
}

enum type { COUNTER, GAUGE };

static void
assert_metric(const char *text, const char *name, enum type type, const char *unit,
              const char *help, uint64_t value)
{
    const char *end = type == COUNTER ? "_total" : "";
    char line[256];

    snprintf(line, sizeof line, "vigie_%s%s %llu", name, end, (unsigned long long)value);
    assert_line(text, line);
    snprintf(line, sizeof line, "# TYPE vigie_%s%s %s", name, end,
             type == COUNTER ? "counter" : "gauge");
    assert_line(text, line);
    if (unit[0] != '\0') {
        snprintf(line, sizeof line, "# HELP vigie_%s%s %s (%s)", name, end, help, unit);
    } else {
        snprintf(line, sizeof line, "# HELP vigie_%s%s %s", name, end, help);
    }
    assert_line(text, line);
}

static void
every_number_of_the_table_is_on_the_page(void **state)
{
    uint64_t value = 1000;
    size_t lines = 0;
    size_t rows = 0;
    (void)state;

#define SET_VALUE(name, type, unit, help) metrics.name = value++;
    METRICS_TABLE(SET_VALUE)
#undef SET_VALUE

    char *text = page(metrics_print);

    value = 1000;
#define ASSERT_METRIC(name, type, unit, help)                                            \
    assert_metric(text, #name, type, unit, help, value++);                               \
    rows++;
    METRICS_TABLE(ASSERT_METRIC)
#undef ASSERT_METRIC
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, 3 * rows); // and nothing else
    free(text);
}

static void
the_largest_number_is_written_whole(void **state)
{
    (void)state;
    metrics.mutations = UINT64_MAX;

    char *text = page(metrics_print);

    assert_line(text, "vigie_mutations_total 18446744073709551615");
    free(text);
}

// ---- flows ----

static struct catalogue *
shipped_catalogue(void)
{
    struct faults faults = {0};
    char *text = malloc(1 << 20);
    FILE *file = fopen(SOURCE_DIR "/deploy/catalogue.yaml", "r");

    assert_non_null(text);
    assert_non_null(file);

    size_t len = fread(text, 1, 1 << 20, file);
    struct catalogue *catalogue = catalogue_parse(text, len, &faults);

    fclose(file);
    free(text);
    assert_non_null(catalogue);
    return catalogue;
}

static char *
flow_page(const struct flow_count *counts, const struct catalogue *catalogue)
{
    struct buffer text = {0};

    flow_counts_print(counts, catalogue, &text);
    buffer_add(&text, "", 1);
    return (char *)text.at;
}

static void
batches_add_up_flow_by_flow(void **state)
{
    struct flow_count counts[FLOW_IDS_MAX] = {0};
    struct flow_count batch[FLOW_IDS_MAX] = {0};
    (void)state;

    batch[3] = (struct flow_count){5, 4, 9, 2, 1};
    batch[255].refused = 7;
    flow_counts_add(counts, batch);
    flow_counts_add(counts, batch);
    assert_int_equal(counts[3].published, 10);
    assert_int_equal(counts[3].matched, 8);
    assert_int_equal(counts[3].notifications, 18);
    assert_int_equal(counts[3].withheld, 4);
    assert_int_equal(counts[3].refused, 2);
    assert_int_equal(counts[255].refused, 14);
    assert_int_equal(counts[4].published, 0);
}

static void
each_flow_of_the_catalogue_has_its_own_line(void **state)
{
    struct flow_count counts[FLOW_IDS_MAX] = {0};
    struct catalogue *catalogue = shipped_catalogue();
    const struct flow *flow = catalogue_flow(catalogue, bytes_of("notifyPerson"));
    char line[256];
    (void)state;

    assert_non_null(flow);
    counts[flow->id] = (struct flow_count){100, 60, 75, 12, 3};

    char *text = flow_page(counts, catalogue);

    assert_line(text, "vigie_flow_published_total{flow=\"notifyPerson\"} 100");
    assert_line(text, "vigie_flow_matched_total{flow=\"notifyPerson\"} 60");
    assert_line(text, "vigie_flow_notifications_total{flow=\"notifyPerson\"} 75");
    assert_line(text, "vigie_flow_withheld_total{flow=\"notifyPerson\"} 12");
    assert_line(text, "vigie_flow_refused_total{flow=\"notifyPerson\"} 3");
    assert_line(text, "# TYPE vigie_flow_withheld_total counter");
    for (size_t i = 0; (flow = catalogue_flow_at(catalogue, i)) != NULL; i++) {
        snprintf(line, sizeof line, "\nvigie_flow_refused_total{flow=\"%s\"} ",
                 flow->name);
        assert_non_null(strstr(text, line));
    }
    free(text);
    catalogue_free(&catalogue);
}

static void
what_no_catalogue_knows_is_still_counted(void **state)
{
    struct flow_count counts[FLOW_IDS_MAX] = {0};
    (void)state;

    counts[0].refused = 4;
    counts[9].published = 2;

    char *text = flow_page(counts, NULL);

    assert_line(text, "vigie_flow_refused_total{flow=\"\"} 4");
    assert_line(text, "vigie_flow_published_total{flow=\"9\"} 2");
    assert_null(strstr(text, "flow=\"8\""));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_the_table_is_on_the_page),
        cmocka_unit_test(the_largest_number_is_written_whole),
        cmocka_unit_test(batches_add_up_flow_by_flow),
        cmocka_unit_test(each_flow_of_the_catalogue_has_its_own_line),
        cmocka_unit_test(what_no_catalogue_knows_is_still_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
