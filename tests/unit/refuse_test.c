// SPDX-License-Identifier: EUPL-1.2
// Goal: a refused letter is tried again later or parked and never forgotten; of the letters
// about one person the first is tried and all others wait behind it; counters, table and
// journal agree after every commit.
// Method: single cases on a real store; then seeded random refusals, deferrals,
// acknowledgements and acts by hand against a model that is a list of letters and where
// each of them is. What the table "held" says is built again from the journal alone.
#include "held_scene.h"

static void
a_refused_letter_waits_for_its_next_try(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct mailbox_row before, row;
    struct command *command;
    struct held_row held;

    held_publish(f, 8, letters);
    before = flow_row(f, CPAS_A);
    command = held_refuse(f, &letters[2], "the address is not in our register");
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(command->refuse.state, HELD_RETRY);
    assert_int_equal(command->refuse.attempts, 1);
    assert_int_equal(command->refuse.due_us, f->done->time.us + 1000000);
    flow_reopen(f);
    held = held_on_disk(f, 3);
    assert_int_equal(held.head.state, HELD_RETRY);
    assert_int_equal(held.head.due_us, f->done->time.us + 1000000);
    assert_int_equal(held.head.since_us, f->done->time.us);
    assert_int_equal(held.head.actor, CPAS_A);
    assert_int_equal(held.head.subject, flow_person(3).number);
    assert_memory_equal(&held.head.letter, &letters[2].letter, sizeof held.head.letter);
    assert_string_equal(held.reason, "the address is not in our register");
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.held, 1);
    assert_int_equal(row.held_bytes, letters[2].letter.size);
    assert_int_equal(mailbox_waiting(&row), mailbox_waiting(&before)); // it still waits
    assert_int_equal(mailbox_bytes_waiting(&row), mailbox_bytes_waiting(&before));
    assert_int_equal(row.acknowledged_total, 0);
    flow_assert_sound(f);
}

static void
the_mark_passes_it_and_only_its_own_number_ends_it(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct mailbox_row row;

    held_publish(f, 8, letters);
    held_refuse(f, &letters[2], "later");
    held_acknowledge(f, &letters[7], NULL);
    flow_apply(f);
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.acknowledged, 8);
    assert_int_equal(row.acknowledged_total, 7);
    assert_int_equal(mailbox_waiting(&row), 1);
    assert_int_equal(mailbox_bytes_waiting(&row), letters[2].letter.size);
    assert_int_equal(held_on_disk(f, 3).head.state, HELD_RETRY);
    flow_assert_sound(f);

    held_acknowledge(f, NULL, &letters[2]);
    flow_apply(f);
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.acknowledged_total, 8);
    assert_int_equal(mailbox_waiting(&row), 0);
    assert_int_equal(mailbox_bytes_waiting(&row), 0);
    assert_int_equal(held_on_disk(f, 3).head.state, HELD_GONE);
    held_acknowledge(f, NULL, &letters[2]); // again
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged_total, 8);
    flow_assert_sound(f);
    held_assert_journal_agrees(f);
}

static void
pauses_grow_until_it_is_parked(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct command *command;
    struct mailbox_row row;

    held_publish(f, 4, letters);
    for (uint32_t i = 1; i <= 3; i++) {
        command = held_refuse(f, &letters[0], "no");
        f->next->retry = (struct retry_rule){.attempts = 4};
        flow_apply(f);
        assert_int_equal(command->refuse.attempts, i);
        assert_int_equal(held_on_disk(f, 1).head.due_us,
                         f->done->time.us + 1000000 * ((1 << i) - 1));
    }
    command = held_refuse(f, &letters[0], "no, never");
    f->next->retry = (struct retry_rule){.attempts = 4};
    flow_apply(f);
    assert_int_equal(command->refuse.state, HELD_PARKED);
    assert_int_equal(held_on_disk(f, 1).head.state, HELD_PARKED);
    assert_string_equal(held_on_disk(f, 1).reason, "no, never");
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.held, 0);
    assert_int_equal(row.parked, 1);
    assert_int_equal(row.parked_bytes, letters[0].letter.size);
    assert_int_equal(mailbox_waiting(&row), 3);
    flow_assert_sound(f);
    held_assert_journal_agrees(f);
}

static void
a_mailbox_has_its_own_number_of_attempts(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct command *command;

    held_publish(f, 4, letters);
    command = flow_command(f, COMMAND_SET_LIMITS, 0);
    command->set_limits = (struct set_limits_command){
        .mailbox = CPAS_A, .named = LIMIT_ATTEMPTS, .limits = {.attempts = 2}};
    flow_apply(f);
    command = held_refuse(f, &letters[0], "no");
    flow_apply(f);
    assert_int_equal(command->refuse.state, HELD_RETRY);
    command = held_refuse(f, &letters[0], "no, never");
    flow_apply(f);
    assert_int_equal(command->refuse.state, HELD_PARKED);
    assert_int_equal(held_on_disk(f, 1).head.attempts, 2);
}

static void
the_institution_may_choose_the_pause_or_park(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];

    held_publish(f, 4, letters);
    held_refuse(f, &letters[0], "closed today")->refuse.retry_after_ms = 3600 * 1000;
    held_refuse(f, &letters[1], "unknown street")->refuse.park = true;
    flow_apply(f);
    assert_int_equal(held_on_disk(f, 1).head.due_us,
                     f->done->time.us + INT64_C(3600) * 1000000);
    assert_int_equal(held_on_disk(f, 2).head.state, HELD_PARKED);
    flow_assert_sound(f);
}

static void
later_ones_about_the_same_person_wait_behind_it(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct command *command;

    held_publish(f, 16, letters); // about person 1: 1, 5, 9, 13
    command = held_refuse(f, &letters[4], "later");
    held_later(command, &letters[8]);
    held_defer(f, &letters[12]);
    held_acknowledge(f, NULL, &letters[5]);
    flow_apply(f);
    assert_int_equal(held_on_disk(f, 5).head.state, HELD_RETRY);
    assert_int_equal(held_on_disk(f, 9).head.state, HELD_BEHIND);
    assert_int_equal(held_on_disk(f, 9).head.attempts, 0);
    assert_int_equal(held_on_disk(f, 13).head.state, HELD_BEHIND);
    assert_int_equal(flow_row(f, CPAS_A).held, 3);
    flow_assert_sound(f);

    // An earlier one that is refused as well goes before them.
    held_refuse(f, &letters[0], "later");
    flow_apply(f);
    assert_int_equal(held_on_disk(f, 1).head.state, HELD_RETRY);
    assert_int_equal(held_on_disk(f, 5).head.state, HELD_BEHIND);
    flow_assert_sound(f);

    held_acknowledge(f, NULL, &letters[0]);
    flow_apply(f);
    assert_int_equal(held_on_disk(f, 5).head.state, HELD_RETRY);
    assert_true(held_on_disk(f, 5).head.due_us > 0); // its own moment stands
    held_acknowledge(f, NULL, &letters[4]);
    flow_apply(f);
    assert_int_equal(held_on_disk(f, 9).head.state, HELD_RETRY);
    assert_int_equal(held_on_disk(f, 9).head.due_us, 0); // at once
    assert_int_equal(held_on_disk(f, 13).head.state, HELD_BEHIND);
    flow_assert_sound(f);
    held_assert_journal_agrees(f);
}

static void
a_parked_letter_lets_the_next_one_go(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct command *command;

    held_publish(f, 16, letters);
    command = held_refuse(f, &letters[0], "never");
    command->refuse.park = true;
    held_later(command, &letters[4]);
    held_later(command, &letters[8]);
    flow_apply(f);
    assert_int_equal(held_on_disk(f, 1).head.state, HELD_PARKED);
    assert_int_equal(held_on_disk(f, 5).head.state, HELD_RETRY);
    assert_int_equal(held_on_disk(f, 9).head.state, HELD_BEHIND);
    flow_assert_sound(f);
}

static void
what_was_acknowledged_cannot_be_refused(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct command *command;

    held_publish(f, 8, letters);
    held_acknowledge(f, &letters[3], NULL);
    command = held_refuse(f, &letters[2], "too late");
    held_defer(f, &letters[1]);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(command->refuse.state, HELD_GONE);
    assert_int_equal(flow_row(f, CPAS_A).held, 0);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged_total, 4);
    flow_assert_sound(f);
}

// The broker parks on its own: letters in the sequence, held ones, and nothing twice.
static void
the_broker_parks_what_nobody_takes(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct mailbox_row row;

    held_publish(f, 8, letters);
    held_refuse(f, &letters[0], "later");
    held_defer(f, &letters[4]);
    held_acknowledge(f, NULL, &letters[1]);
    flow_apply(f);

    struct batch batch = {.time.us = f->now_us};

    assert_int_equal(store_write(f->store, &f->applier->txn, NULL), VG_OK);
    f->applier->batch = &batch;
    f->applier->now.us = f->now_us;
    for (size_t i = 0; i < 4; i++) {
        for (int twice = 0; twice < 2; twice++) {
            assert_int_equal(applier_park(f->applier, CPAS_A, &letters[i].letter,
                                          letters[i].subject, 0, "unread for 90 days"),
                             VG_OK);
        }
    }
    assert_int_equal(batch.held_len, 4); // 1, 3, 4, and the turn of 5
    free(batch.held);
    f->applier->batch = NULL;

    struct mailbox_row *box = NULL;
    struct held_row held;
    enum held_state first;
    uint64_t number;

    assert_int_equal(applier_box(f->applier, CPAS_A, &box), VG_OK);
    row = *box;
    assert_int_equal(row.parked, 3);
    assert_int_equal(row.held, 1);
    assert_int_equal(row.acknowledged, 5);
    assert_int_equal(mailbox_waiting(&row), 4);
    assert_int_equal(held_get(f->applier->txn, held_box, 3, &held), VG_OK);
    assert_int_equal(held.head.state, HELD_PARKED);
    assert_int_equal(held.head.actor, 0);
    assert_string_equal(held.reason, "unread for 90 days");
    assert_int_equal(
        held_about(f->applier->txn, held_box, letters[4].subject, 0, &number, &first),
        VG_OK);
    assert_int_equal(number, 5);
    assert_int_equal(first, HELD_RETRY);
    store_abort(&f->applier->txn);
}

static void
a_reason_is_cut_at_a_whole_character(void **state)
{
    struct held_row row;
    char text[HELD_REASON_MAX + 10];

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text + HELD_REASON_MAX - 1, "\xc3\xa9", 2);
    letter_reason(&row, (struct bytes){(uint8_t *)text, sizeof text});
    assert_int_equal(row.head.reason_len, HELD_REASON_MAX - 1);
    letter_reason(&row, bytes_of("a\nb\x7f"));
    assert_string_equal(row.reason, "a?b?");
}

// ---- at random ----

enum place { MAIN, RETRY, BEHIND, PARKED, DROPPED, DONE, PLACES };

struct model {
    enum place place[LETTERS_HELD];
    size_t len;
};

// Of those about one person that are held the first is tried.
static void
model_settle(struct model *model)
{
    for (size_t person = 0; person < PERSONS_HELD; person++) {
        enum place next = RETRY;

        for (size_t i = person; i < model->len; i += PERSONS_HELD) {
            if (model->place[i] == RETRY || model->place[i] == BEHIND) {
                model->place[i] = next;
                next = BEHIND;
            }
        }
    }
}

static void
assert_disk_is(struct flow_fixture *f, const struct model *model,
               const struct letter_about *letters)
{
    static const enum held_state states[PLACES] = {
        [RETRY] = HELD_RETRY, [BEHIND] = HELD_BEHIND, [PARKED] = HELD_PARKED};
    struct mailbox_row row = flow_row(f, CPAS_A);
    uint64_t count[PLACES] = {0}, bytes[PLACES] = {0};

    for (size_t i = 0; i < model->len; i++) {
        assert_int_equal(held_on_disk(f, i + 1).head.state, states[model->place[i]]);
        count[model->place[i]]++;
        bytes[model->place[i]] += letters[i].letter.size;
    }
    assert_int_equal(row.held, count[RETRY] + count[BEHIND]);
    assert_int_equal(row.held_bytes, bytes[RETRY] + bytes[BEHIND]);
    assert_int_equal(row.parked, count[PARKED]);
    assert_int_equal(row.parked_bytes, bytes[PARKED]);
    assert_int_equal(row.dropped, count[DROPPED]);
    assert_int_equal(row.acknowledged_total, count[DONE]);
    assert_int_equal(mailbox_waiting(&row), count[MAIN] + count[RETRY] + count[BEHIND]);
    assert_int_equal(mailbox_bytes_waiting(&row),
                     bytes[MAIN] + bytes[RETRY] + bytes[BEHIND]);
}

static void
refuse_at_random(struct flow_fixture *f, struct model *model, uint64_t *seed, size_t i,
                 const struct letter_about *letters)
{
    struct command *command = held_refuse(f, &letters[i], "at random");
    bool park = flow_draw(seed, 4) == 0;

    command->refuse.park = park;
    for (size_t j = i + PERSONS_HELD; j < model->len; j += PERSONS_HELD) {
        if (flow_draw(seed, 2) == 0) {
            held_later(command, &letters[j]);
            model->place[j] = model->place[j] == MAIN ? BEHIND : model->place[j];
        }
    }
    if (model->place[i] <= BEHIND) {
        model->place[i] = park ? PARKED : RETRY;
    }
}

static void
step(struct flow_fixture *f, struct model *model, uint64_t *seed,
     const struct letter_about *letters)
{
    size_t i = flow_draw(seed, model->len);
    uint64_t number = i + 1;

    switch (flow_draw(seed, 6)) {
    case 0:
        refuse_at_random(f, model, seed, i, letters);
        break;
    case 1:
        held_defer(f, &letters[i]);
        model->place[i] = model->place[i] == MAIN ? BEHIND : model->place[i];
        break;
    case 2:
        held_acknowledge(f, NULL, &letters[i]);
        model->place[i] = model->place[i] == DROPPED ? DROPPED : DONE;
        break;
    case 3:
        held_acknowledge(f, &letters[i / 4], NULL);
        for (size_t j = 0; j <= i / 4; j++) {
            model->place[j] = model->place[j] == MAIN ? DONE : model->place[j];
        }
        break;
    case 4:
        held_handle(f, COMMAND_RETRY_PARKED, &number, 1);
        model->place[i] = model->place[i] == PARKED ? RETRY : model->place[i];
        break;
    default:
        held_handle(f, COMMAND_DROP_PARKED, &number, 1);
        model->place[i] = model->place[i] == PARKED ? DROPPED : model->place[i];
        break;
    }
    model_settle(model);
}

static void
every_letter_is_in_one_place_whatever_comes(void **state)
{
    struct flow_fixture *f = *state;
    struct letter_about letters[LETTERS_HELD];
    struct model model = {.len = LETTERS_HELD};
    uint64_t seed = 20261121;

    held_publish(f, LETTERS_HELD, letters);
    for (int round = 0; round < 150; round++) {
        size_t len = 1 + flow_draw(&seed, 4);

        for (size_t i = 0; i < len; i++) {
            step(f, &model, &seed, letters);
        }
        if (round % 10 == 3) {
            flow_command(f, COMMAND_FOLD, 0);
        }
        flow_apply(f);
        if (round % 40 == 17) {
            flow_reopen(f);
        }
        assert_disk_is(f, &model, letters);
        flow_assert_sound(f);
    }
    held_assert_journal_agrees(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_refused_letter_waits_for_its_next_try),
        FLOW_TEST(the_mark_passes_it_and_only_its_own_number_ends_it),
        FLOW_TEST(pauses_grow_until_it_is_parked),
        FLOW_TEST(a_mailbox_has_its_own_number_of_attempts),
        FLOW_TEST(the_institution_may_choose_the_pause_or_park),
        FLOW_TEST(later_ones_about_the_same_person_wait_behind_it),
        FLOW_TEST(a_parked_letter_lets_the_next_one_go),
        FLOW_TEST(what_was_acknowledged_cannot_be_refused),
        FLOW_TEST(the_broker_parks_what_nobody_takes),
        FLOW_TEST(every_letter_is_in_one_place_whatever_comes),
        cmocka_unit_test(a_reason_is_cut_at_a_whole_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
