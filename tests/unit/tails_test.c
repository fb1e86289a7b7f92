// SPDX-License-Identifier: EUPL-1.2
// Goal: every letter that waits is found once, in order, in memory or in the backlog, also
// when the tails are made anew from the disk.
// Method: letters published into a real store, with folds between; what the tails give is
// compared with the numbers that were kept.
#include "flow_fixture.h"

#include "store/store_internal.h"

#include "../damage_file.h"

static struct tails *
take(struct flow_fixture *f, struct tails *tails)
{
    if (tails == NULL) {
        assert_int_equal(tails_open(flow_view(f), &tails, NULL), VG_OK);
    } else {
        tails_take(tails, f->done);
    }
    return tails;
}

// Puts letters into the mailboxes of CPAS_A.
static void
publish(struct flow_fixture *f, size_t len)
{
    struct hot_mutation mutations[300];
    uint64_t first = flow_producer(f, RN, 1).last_number + 1;

    if (first == 1) {
        flow_follow(f, CPAS_A, 1, 2);
    }
    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_mutation("notifyPerson", flow_person(1));
        flow_field(&mutations[i], "020", "Rue Haute 1");
    }
    flow_publish(f, RN, 1, first, mutations, len);
    flow_apply(f);
}

static void
fold(struct flow_fixture *f)
{
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
}

// The letters first to last, however many are asked for at once.
static void
assert_letters(struct flow_fixture *f, const struct tails *tails, uint64_t first,
               uint64_t last)
{
    struct letter letters[64];
    uint64_t number = first;
    size_t len = 0;

    do {
        assert_int_equal(tails_letters(tails, flow_view(f), CPAS_A, number, letters,
                                       ARRAY_LEN(letters), &len),
                         VG_OK);
        for (size_t i = 0; i < len; i++) {
            assert_int_equal(letters[i].number, number++);
        }
    } while (len > 0);
    assert_int_equal(number, last + 1);
}

static void
gives_backlog_and_tail_as_one(void **state)
{
    struct flow_fixture *f = *state;
    struct tails *tails;

    publish(f, 300);
    tails = take(f, NULL);
    assert_true(tails_bytes(tails) > 0);
    fold(f);
    take(f, tails);
    assert_int_equal(tails_bytes(tails), 0);
    publish(f, 150);
    take(f, tails);
    assert_int_equal(tails_last(tails, CPAS_A), 450);
    assert_letters(f, tails, 1, 450);
    tails_free(&tails);
}

static void
tells_the_same_when_made_anew(void **state)
{
    struct flow_fixture *f = *state;
    struct tails *tails;

    publish(f, 30);
    fold(f);
    publish(f, 20);
    tails = take(f, NULL);
    assert_int_equal(tails_bytes(tails), 20 * sizeof(struct letter));
    assert_int_equal(tails_last(tails, CPAS_A), 50);
    assert_letters(f, tails, 7, 50);
    tails_free(&tails);
}

// The view of the disk may be newer than the tails: the fold's batch was not taken yet.
static void
gives_no_letter_twice_around_a_fold(void **state)
{
    struct flow_fixture *f = *state;
    struct tails *tails;

    publish(f, 30);
    fold(f);
    tails = take(f, NULL);
    publish(f, 100);
    take(f, tails);
    fold(f);
    assert_letters(f, tails, 1, 130);
    take(f, tails);
    assert_letters(f, tails, 1, 130);
    tails_free(&tails);
}

static void
mailboxes_have_tails_of_their_own(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = flow_command(f, COMMAND_ADD_MAILBOX, CPAS_A);
    struct letter letters[4];
    struct tails *tails;
    size_t len = 0;

    command->add_mailbox.name = bytes_of("alerts");
    flow_apply(f);
    assert_int_equal(command->add_mailbox.mailbox, MAILBOX_EXTRA_FIRST);
    tails = take(f, NULL);
    publish(f, 3);
    take(f, tails);
    assert_int_equal(tails_last(tails, CPAS_A), 3);
    assert_int_equal(tails_last(tails, MAILBOX_EXTRA_FIRST), 3);
    assert_int_equal(tails_last(tails, MAILBOX_EXTRA_FIRST + 1000), 0);
    assert_int_equal(
        tails_letters(tails, flow_view(f), MAILBOX_EXTRA_FIRST, 2, letters, 4, &len),
        VG_OK);
    assert_int_equal(len, 2);
    assert_int_equal(tails_letters(tails, flow_view(f), CPAS_C, 1, letters, 4, &len),
                     VG_OK);
    assert_int_equal(len, 0);
    tails_free(&tails);
}

static void
ends_of_life_may_come_twice(void **state)
{
    struct tails *tails = NULL;

    (void)state;
    tails_free(&tails);
}

// ---- a damaged record since the last fold ----

static void
acknowledge(struct flow_fixture *f, uint32_t mailbox, uint64_t through)
{
    struct letter letters[64];
    size_t len = flow_letters(f, mailbox, through, letters, 1);
    struct command *command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);

    assert_int_equal(len, 1);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.through = through;
    command->acknowledge.through_bytes = letters[0].bytes_through;
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

static void
publish_about(struct flow_fixture *f, int person)
{
    struct hot_mutation mutation = flow_address(person);

    flow_publish(f, RN, 1, flow_producer(f, RN, 1).last_number + 1, &mutation, 1);
    flow_apply(f);
}

static void
damage_commit(struct flow_fixture *f, uint64_t commit)
{
    struct key record = key_of_u64(commit << PART_BITS);

    damage_row(f, TABLE_COMMITS, &record);
}

static enum vg_status
ask(struct flow_fixture *f, const struct tails *tails, uint32_t mailbox, uint64_t from,
    size_t *ret_len)
{
    struct letter letters[64];

    return tails_letters(tails, flow_view(f), mailbox, from, letters, ARRAY_LEN(letters),
                         ret_len);
}

// A: two letters in the backlog, 3 and 4 before the damage, 5 in it, 6 after it. B: its
// letters before it and after. C: its only letter is in it.
static void
only_mailboxes_that_miss_letters_stop(void **state)
{
    struct flow_fixture *f = *state;
    struct tails *tails = NULL;
    uint64_t commit;
    size_t len = 0;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 2, 2);
    flow_follow(f, CPAS_C, 3, 2);
    publish_about(f, 1);
    publish_about(f, 1);
    fold(f);
    publish_about(f, 1);
    publish_about(f, 1);
    publish_about(f, 2);

    struct hot_mutation both[] = {flow_address(1), flow_address(3)};

    flow_publish(f, RN, 1, flow_producer(f, RN, 1).last_number + 1, both, 2);
    flow_apply(f);
    commit = flow_meta(f).last_commit;
    publish_about(f, 1);
    publish_about(f, 2);
    damage_commit(f, commit);
    tails = take(f, NULL);
    assert_non_null(strstr(tails_damage(tails), "its hash does not hold"));
    assert_int_equal(tails_stopped_at(tails, CPAS_A), 5);
    assert_int_equal(tails_stopped_at(tails, CPAS_B), 0);
    assert_int_equal(tails_stopped_at(tails, CPAS_C), 1);
    assert_int_equal(ask(f, tails, CPAS_A, 1, &len), VG_OK);
    assert_int_equal(len, 2);
    assert_int_equal(ask(f, tails, CPAS_A, 3, &len), VG_OK);
    assert_int_equal(len, 2);
    assert_int_equal(ask(f, tails, CPAS_A, 5, &len), VG_STORE_BROKEN);
    assert_int_equal(ask(f, tails, CPAS_A, 6, &len), VG_STORE_BROKEN);
    assert_int_equal(ask(f, tails, CPAS_C, 1, &len), VG_STORE_BROKEN);
    assert_int_equal(ask(f, tails, CPAS_B, 1, &len), VG_OK);
    assert_int_equal(len, 2);
    // What comes later changes nothing for them, and all for the other.
    publish_about(f, 1);
    take(f, tails);
    publish_about(f, 2);
    take(f, tails);
    assert_int_equal(ask(f, tails, CPAS_A, 7, &len), VG_STORE_BROKEN);
    assert_int_equal(ask(f, tails, CPAS_B, 3, &len), VG_OK);
    assert_int_equal(len, 1);
    tails_free(&tails);
    damage_commit(f, commit); // and mended: the same bit
}

static void
a_mailbox_that_acknowledged_what_is_missing_goes_on(void **state)
{
    struct flow_fixture *f = *state;
    struct tails *tails = NULL;
    uint64_t commit;
    size_t len = 0;

    flow_follow(f, CPAS_A, 1, 2);
    publish_about(f, 1);
    publish_about(f, 1);
    commit = flow_meta(f).last_commit;
    acknowledge(f, CPAS_A, 2);
    publish_about(f, 1);
    damage_commit(f, commit);
    tails = take(f, NULL);
    assert_non_null(tails_damage(tails));
    assert_int_equal(tails_stopped_at(tails, CPAS_A), 0);
    assert_int_equal(ask(f, tails, CPAS_A, 3, &len), VG_OK);
    assert_int_equal(len, 1);
    tails_free(&tails);
    damage_commit(f, commit); // and mended: the same bit
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(gives_backlog_and_tail_as_one),
        FLOW_TEST(tells_the_same_when_made_anew),
        FLOW_TEST(gives_no_letter_twice_around_a_fold),
        FLOW_TEST(mailboxes_have_tails_of_their_own),
        cmocka_unit_test(ends_of_life_may_come_twice),
        FLOW_TEST(only_mailboxes_that_miss_letters_stop),
        FLOW_TEST(a_mailbox_that_acknowledged_what_is_missing_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
