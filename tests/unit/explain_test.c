// SPDX-License-Identifier: EUPL-1.2
// Goal: explain says what publishing would do, and why, and does nothing.
// Method: the same mutations explained and then published; names in the text and letters in
// the mailboxes must agree.
#include "flow_fixture.h"

#include "flow/explain.h"

struct answer {
    enum vg_status status;
    struct why why;
    struct buffer text;
};

static struct answer
explain(struct flow_fixture *f, uint32_t publisher, const struct hot_mutation *mutation)
{
    struct roster *roster = applier_roster(f->applier);
    struct explain_question question = {
        .catalogue = applier_catalogue(f->applier),
        .roster = roster,
        .publisher = roster_institution(roster, publisher),
        .mutation = mutation,
        .today = day_of(2026, 11, 20),
        .test_persons = true,
    };
    struct answer answer = {.status = VG_UNKNOWN};

    answer.status = explain_mutation(flow_view(f), &question, &answer.text, &answer.why);
    buffer_add(&answer.text, "", 1);
    roster_free(&roster);
    return answer;
}

static bool
says(const struct answer *answer, const char *words)
{
    return strstr((const char *)answer->text.at, words) != NULL;
}

static void
says_who_would_get_it_and_who_not(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct answer answer;
    struct meta before, after;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 11); // a supervisor gets nothing
    before = flow_meta(f);
    answer = explain(f, RN, &mutation);
    after = flow_meta(f);
    assert_memory_equal(&before, &after, sizeof before); // nothing was published
    assert_int_equal(answer.status, VG_OK);
    assert_true(says(&answer, "CPAS-A"));
    assert_true(says(&answer, "CPAS-B"));
    assert_true(says(&answer, "002"));
    buffer_free(&answer.text);

    flow_publish_one(f, RN, 1, mutation);
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 1);
    assert_int_equal(flow_row(f, CPAS_B).last, 0);
}

static void
follows_a_replaced_number(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct hot_mutation replacement = flow_mutation("SSINReplacement", flow_person(1));
    struct answer answer;

    flow_follow(f, CPAS_A, 1, 2);
    replacement.new_niss = flow_person(2).number;
    answer = explain(f, BIS, &replacement);
    assert_int_equal(answer.status, VG_OK);
    assert_true(says(&answer, "CPAS-A"));
    buffer_free(&answer.text);
    flow_publish_one(f, BIS, 1, replacement);
    flow_apply(f);
    answer = explain(f, RN, &mutation);
    assert_true(says(&answer, "CPAS-A"));
    buffer_free(&answer.text);

    answer = explain(f, BIS, &replacement);
    assert_int_equal(answer.status, VG_EXISTS);
    assert_true(says(&answer, "refused: EXISTS (38): niss"));
    buffer_free(&answer.text);
}

static void
says_the_refusal_that_publishing_would_get(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[3] = {flow_address(1), flow_address(1),
                                        flow_address(1)};
    uint32_t publishers[3] = {ONSS, RN, RN};

    mutations[1].niss = 66041066601;
    flow_field(&mutations[2], "H205", "x");
    for (size_t i = 0; i < 3; i++) {
        struct answer answer = explain(f, publishers[i], &mutations[i]);
        struct command *command =
            flow_publish(f, publishers[i], 9 + (uint32_t)i, 1, &mutations[i], 1);

        flow_apply(f);
        assert_int_equal(command->publish.results_len, 1);
        assert_int_equal(answer.status, command->publish.results[0].status);
        assert_string_equal(answer.why.text, command->publish.results[0].why.text);
        assert_true(says(&answer, answer.why.text));
        assert_true(says(&answer, vg_status_name(answer.status)));
        buffer_free(&answer.text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(says_who_would_get_it_and_who_not),
        FLOW_TEST(follows_a_replaced_number),
        FLOW_TEST(says_the_refusal_that_publishing_would_get),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
