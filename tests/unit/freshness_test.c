// SPDX-License-Identifier: EUPL-1.2
// Goal: for each source and flow it is known when it was heard last, across batches, restarts
// and a batch that was given up; silence longer than the flow's rhythm is late, and so is a
// source that never said a word.
// Method: mutations through the writer at days of our own; the rows are read from the disk.
#include "flow_fixture.h"

#include "flow/freshness.h"
#include "store/registry.h"

#define DAY_US INT64_C(86400000000)

struct rows {
    struct fresh *at;
    size_t len;
    struct roster *roster;
};

static struct rows
list(struct flow_fixture *f, bool with_rhythm)
{
    struct rows rows = {.roster = applier_roster(f->applier)};

    assert_int_equal(freshness_list(flow_view(f), applier_catalogue(f->applier),
                                    rows.roster, (struct instant){f->now_us}, with_rhythm,
                                    &rows.at, &rows.len),
                     VG_OK);
    return rows;
}

static void
drop(struct rows *rows)
{
    free(rows->at);
    roster_free(&rows->roster);
}

static const struct fresh *
find(const struct rows *rows, const char *source, const char *flow)
{
    for (size_t i = 0; i < rows->len; i++) {
        if (strcmp(rows->at[i].source->code, source) == 0 &&
            strcmp(rows->at[i].flow->name, flow) == 0) {
            return &rows->at[i];
        }
    }
    return NULL;
}

static struct heard
heard_of(struct flow_fixture *f, uint32_t source, uint16_t flow)
{
    struct heard heard;

    assert_int_equal(
        heard_get(flow_view(f), (struct institution_id){source}, flow, &heard), VG_OK);
    return heard;
}

static void
each_kept_mutation_is_heard_on_the_disk(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation two[] = {flow_address(1), flow_address(2)};
    int64_t first_us;
    struct heard heard;

    flow_publish(f, RN, 1, 1, two, 2); // nobody follows them: heard all the same
    flow_apply(f);
    heard = heard_of(f, RN, 1);
    first_us = heard.last_us;
    assert_int_equal(heard.mutations, 2);
    assert_int_equal(heard.last_us, flow_meta(f).last_time_us);
    assert_int_equal(heard.last_ticket, flow_meta(f).last_sequence);

    f->now_us += DAY_US;
    flow_publish(f, BIS, 1, 1, two, 1); // another source of the flow has its own row
    flow_apply(f);
    assert_int_equal(heard_of(f, RN, 1).last_us, first_us);
    assert_int_equal(heard_of(f, BIS, 1).last_us, flow_meta(f).last_time_us);

    flow_reopen(f);
    flow_publish(f, RN, 1, 3, two, 1);
    flow_apply(f);
    heard = heard_of(f, RN, 1);
    assert_int_equal(heard.mutations, 3);
    assert_int_equal(heard.last_us, flow_meta(f).last_time_us);
    assert_true(heard.last_us >= first_us + DAY_US);
    flow_assert_sound(f);
}

static void
repeats_and_refusals_are_not_heard(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation wrong = flow_address(1);
    int64_t heard_us;

    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    heard_us = heard_of(f, RN, 1).last_us;
    f->now_us += DAY_US;
    flow_publish_one(f, RN, 1, flow_address(1));
    wrong.niss = 1;
    flow_publish_one(f, RN, 2, wrong);
    flow_apply(f);
    assert_int_equal(heard_of(f, RN, 1).mutations, 1);
    assert_int_equal(heard_of(f, RN, 1).last_us, heard_us);
}

static void
a_batch_that_was_given_up_was_not_heard(void **state)
{
    struct flow_fixture *f = *state;
    struct lmdb_calls full = lmdb_own_calls;

    flow_follow(f, CPAS_A, 1, 2); // its body finds no room, before what was heard is put
    flow_publish_one(f, RN, 1, flow_address(1));
    full.put = flow_full_put;
    flow_puts_left = 0;
    store_use_calls(&full);
    flow_apply(f);
    store_use_calls(NULL);
    assert_int_equal(heard_of(f, RN, 1).mutations, 0);
    f->now_us += DAY_US;
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(heard_of(f, RN, 1).mutations, 1);
    assert_int_equal(heard_of(f, RN, 1).last_us, flow_meta(f).last_time_us);
}

static void
silence_beyond_the_rhythm_is_late(void **state)
{
    struct flow_fixture *f = *state;
    struct rows rows;
    const struct fresh *fresh;

    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    f->now_us =
        heard_of(f, RN, 1).last_us + 4 * DAY_US; // the flow's rhythm, to the microsecond
    rows = list(f, true);
    fresh = find(&rows, "RN", "notifyPerson");
    assert_non_null(fresh);
    assert_false(fresh->late);
    assert_int_equal(freshness_silent_us(fresh, (struct instant){f->now_us}), 4 * DAY_US);
    drop(&rows);
    f->now_us++;
    rows = list(f, true);
    assert_true(find(&rows, "RN", "notifyPerson")->late);
    drop(&rows);
}

static void
who_never_said_a_word_is_listed_and_late(void **state)
{
    struct flow_fixture *f = *state;
    struct rows rows = list(f, true);
    const struct fresh *fresh = find(&rows, "ONSS", "PersonnelFile");

    assert_non_null(fresh);
    assert_true(fresh->late);
    assert_int_equal(fresh->heard.last_us, 0);
    assert_int_equal(freshness_silent_us(fresh, (struct instant){f->now_us}), 0);
    assert_null(find(&rows, "CPAS-A", "notifyPerson")); // it is no source of it
    drop(&rows);
}

static void
a_flow_without_rhythm_is_never_late_and_for_administrators_only(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation replacement = flow_mutation("SSINReplacement", flow_person(1));
    struct rows rows;

    replacement.new_niss = flow_person(2).number;
    flow_publish_one(f, BIS, 1, replacement);
    flow_apply(f);
    f->now_us += 1000 * DAY_US;
    rows = list(f, false);
    assert_non_null(find(&rows, "BIS", "SSINReplacement"));
    assert_false(find(&rows, "BIS", "SSINReplacement")->late);
    assert_null(find(&rows, "CPAS-A", "A036")); // never heard, and nothing is expected
    for (size_t i = 1; i < rows.len; i++) {
        assert_true(rows.at[i - 1].flow->id <= rows.at[i].flow->id);
    }
    drop(&rows);
    rows = list(f, true);
    assert_null(find(&rows, "BIS", "SSINReplacement"));
    drop(&rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(each_kept_mutation_is_heard_on_the_disk),
        FLOW_TEST(repeats_and_refusals_are_not_heard),
        FLOW_TEST(a_batch_that_was_given_up_was_not_heard),
        FLOW_TEST(silence_beyond_the_rhythm_is_late),
        FLOW_TEST(who_never_said_a_word_is_listed_and_late),
        FLOW_TEST(a_flow_without_rhythm_is_never_late_and_for_administrators_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
