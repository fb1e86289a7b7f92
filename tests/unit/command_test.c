// SPDX-License-Identifier: EUPL-1.2
// Goal: a command owns what it points into, and can be applied again as if it never was.
// Method: every kind made, answered by a real applier, emptied and answered again; the
// sanitizers see what is lost or freed twice.
#include "flow_fixture.h"

#include "flow/command.h"

static void
copies_its_frame(void **state)
{
    char frame[] = "frame";
    struct command *command = command_new(COMMAND_PUBLISH, frame, sizeof frame);

    (void)state;
    memset(frame, 0, sizeof frame);
    assert_string_equal((const char *)command->frame.at, "frame");
    assert_int_equal(command->frame.len, sizeof frame);
    assert_int_equal(command->status, VG_OK);
    command_free(&command);
    assert_null(command);
    command_free(&command); // twice does no harm
}

static void
every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int kind = COMMAND_PUBLISH; kind <= COMMAND_FOLD; kind++) {
        const char *name = command_name((enum command_kind)kind);

        assert_non_null(name);
        for (int other = COMMAND_PUBLISH; other < kind; other++) {
            assert_string_not_equal(name, command_name((enum command_kind)other));
        }
    }
    assert_string_equal(command_name(COMMAND_PUBLISH), "publish");
    assert_string_equal(command_name(COMMAND_FOLD), "fold");
}

static void
every_kind_can_be_freed_without_an_answer(void **state)
{
    (void)state;
    for (int kind = COMMAND_PUBLISH; kind <= COMMAND_FOLD; kind++) {
        struct command *command = command_new((enum command_kind)kind, "x", 1);

        command_forget_answer(command);
        command_free(&command);
    }
}

// The loop counts what it is told, also of a batch that was given up.
static void
forgets_what_was_merged_and_advanced(void **state)
{
    struct command *command = command_new(COMMAND_ADVANCE, NULL, 0);

    (void)state;
    command->advance.merged = 2;
    command->advance.taken = 1;
    command_forget_answer(command);
    assert_int_equal(command->advance.merged + command->advance.taken, 0);
    command_free(&command);
}

static void
forgets_its_answer(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation bad = flow_address(1);
    struct command *publish, *integrate, *history, *consult, *remove;

    flow_follow(f, CPAS_A, 1, 2);
    bad.niss = 1;
    publish = flow_publish_one(f, RN, 1, bad);
    integrate = flow_integrate(f, CPAS_B, flow_person(1), 77, 20261101, 0);
    history = flow_command(f, COMMAND_HISTORY, CPAS_A);
    history->history.niss = flow_person(1).number;
    consult = flow_command(f, COMMAND_CONSULT, CPAS_A);
    consult->consult.niss = flow_person(1).number;
    consult->consult.proof.birth_date = (uint32_t)niss_birth(flow_person(1)).year * 10000;
    remove = flow_command(f, COMMAND_REMOVE, CPAS_A);
    remove->remove.institution = CPAS_A;
    flow_apply(f);
    assert_int_equal(publish->publish.results_len, 1);
    assert_non_null(integrate->integrate.results[0].faults);
    assert_int_equal(history->history.chain_len, 1);
    assert_true(consult->integrations_len > 0);
    assert_true(remove->faults->total > 0);

    for (struct command *command = f->done->first; command != NULL;
         command = command->next) {
        command_forget_answer(command);
        assert_int_equal(command->status, VG_OK);
        assert_int_equal(command->ticket, 0);
        assert_null(command->faults);
        assert_null(command->integrations);
        assert_int_equal(command->integrations_len, 0);
    }
    assert_int_equal(publish->publish.results_len, 0);
    assert_int_equal(publish->publish.through, 0);
    assert_null(integrate->integrate.results);
    assert_int_equal(history->history.chain_len, 0);
    assert_int_equal(integrate->integrate.items_len, 1); // the question stays

    assert_int_equal(apply_batch(f->applier, f->done, &f->why), VG_OK);
    assert_int_equal(publish->publish.results[0].status, VG_BAD_NISS);
    assert_non_null(integrate->integrate.results[0].faults);
    assert_int_equal(history->history.chain_len, 1);
    assert_true(consult->integrations_len > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_its_frame),
        cmocka_unit_test(every_kind_has_a_name_of_its_own),
        cmocka_unit_test(every_kind_can_be_freed_without_an_answer),
        cmocka_unit_test(forgets_what_was_merged_and_advanced),
        FLOW_TEST(forgets_its_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
