// SPDX-License-Identifier: EUPL-1.2
// Goal: an integration that is extended or opened brings what changed for the person meanwhile:
// what the law lets this institution see of it, once, and no more; what is not kept is counted,
// and whoever got something late is owed its correction.
// Method: a real store, the loop's search and the writer's commit; what lies in the mailbox is
// read from the disk in a transaction of its own.
#include "catch_up_scene.h"

#include "store/caught.h"

enum { ANN = 1, OLD_NUMBER = 2, LETTERS_MAX = 400 };

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static struct letter letters[LETTERS_MAX];

// ---- given, when ----

static uint64_t
publish_of(struct flow_fixture *f, uint32_t source, struct hot_mutation mutation)
{
    flow_publish_one(f, source, flow_producer(f, source, 1).last_number + 1, mutation);
    flow_apply(f);
    return flow_meta(f).last_sequence;
}

static uint64_t
publish(struct flow_fixture *f, struct hot_mutation mutation)
{
    return publish_of(f, RN, mutation);
}

static void
followed(struct flow_fixture *f, uint32_t institution, uint32_t quality, uint32_t begin,
         uint32_t end)
{
    struct command *command =
        flow_integrate(f, institution, flow_person(ANN), quality, begin, end);

    flow_apply(f);
    assert_int_not_equal(command->integrate.results[0].verdict, VERDICT_NO);
}

static const struct integrate_result *
integrate_as(struct flow_fixture *f, uint32_t institution, uint32_t quality,
             uint32_t begin, uint32_t end, bool asks)
{
    struct command *command =
        flow_integrate(f, institution, flow_person(ANN), quality, begin, end);

    command->integrate.items[0].catch_up = asks;
    scene_catch_up(f, command);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_not_equal(command->integrate.results[0].verdict, VERDICT_NO);
    return command->integrate.results;
}

static const struct integrate_result *
extend(struct flow_fixture *f, uint32_t institution)
{
    return integrate_as(f, institution, 2, 20261111, 20261231, false);
}

static const struct integrate_result *
open_and_ask(struct flow_fixture *f, uint32_t institution, uint32_t quality)
{
    return integrate_as(f, institution, quality, 20261101, 0, true);
}

// ---- then ----

static size_t
letters_of(struct flow_fixture *f, uint32_t mailbox)
{
    return flow_letters(f, mailbox, 1, letters, LETTERS_MAX);
}

static struct hot_content
only_letter(struct flow_fixture *f, uint32_t mailbox)
{
    assert_int_equal(letters_of(f, mailbox), 1);
    return flow_content(f, &letters[0]);
}

static bool
has_field(const struct hot_content *content, const char *code)
{
    for (uint32_t i = 0; i < content->mutation.fields_len; i++) {
        if (content->mutation.fields[i].code.len == strlen(code) &&
            memcmp(content->mutation.fields[i].code.at, code, strlen(code)) == 0) {
            return true;
        }
    }
    return false;
}

// ---- stories ----

// A's ended on the 10th; B follows her all the time.
static void
what_is_extended_keeps(void **state)
{
    struct flow_fixture *f = *state;
    struct journal_event event;
    const struct integrate_result *result;
    struct hot_content content;
    uint64_t ticket, request;
    int64_t kept_us;

    followed(f, CPAS_A, 2, 20261101, 20261110);
    followed(f, CPAS_B, 4, 20261101, 0);
    kept_us = f->now_us;
    ticket = publish(f, flow_address(ANN));
    assert_int_equal(letters_of(f, CPAS_A), 0);
    f->now_us += DAY_US;
    result = extend(f, CPAS_A);
    assert_int_equal(result->caught_up, 1);
    assert_int_equal(result->consult, 0);
    // What nobody got is not known: that is said, whatever came.
    assert_int_equal(result->verdict, VERDICT_WARNING);
    assert_int_equal(result->faults->fault[result->faults->len - 1].status, VG_NOT_KEPT);
    request = f->done->first->ticket;
    content = only_letter(f, CPAS_A);
    assert_int_equal(content.ticket, ticket);
    assert_int_equal(content.kept_at_us, kept_us);
    assert_int_equal(content.mutation.caught_up, request);
    assert_int_equal(content.mutation.lost, 0);
    assert_int_equal(content.withheld, 0);
    assert_true(has_field(&content, "020") && has_field(&content, "150"));
    // By the integration as it stands now, and so in the journal.
    assert_int_equal(letters[0].quality, 2);
    assert_int_equal(letters[0].begin, day_of(2026, 11, 1).number);
    assert_int_equal(letters[0].end, day_of(2026, 12, 31).number);
    assert_int_equal(flow_last_item(f, JOURNAL_EVENT, &event, sizeof event), 2);
    assert_int_equal(event.again, AGAIN_CAUGHT);
    assert_int_equal(journal_event_of_ticket(&event), ticket);
    assert_int_equal(journal_event_because(&event), request);
    assert_int_equal(event.niss, flow_person(ANN).number);
    // What comes now comes once.
    publish(f, flow_address(ANN));
    assert_int_equal(letters_of(f, CPAS_A), 2);
    assert_int_equal(letters_of(f, CPAS_B), 2);
}

static void
what_is_opened_asks(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_content content;

    followed(f, CPAS_B, 4, 20261101, 0);
    followed(f, CPAS_C, 2, 20261001, 20261109); // there is a day between
    publish(f, flow_address(ANN));
    assert_int_equal(integrate_as(f, CPAS_A, 30, 20261101, 0, false)->caught_up, 0);
    assert_int_equal(extend(f, CPAS_C)->caught_up, 0);
    assert_int_equal(letters_of(f, CPAS_A), 0);
    assert_int_equal(letters_of(f, CPAS_C), 0);
    // Days that were covered already are not caught up with, though it asks.
    assert_int_equal(open_and_ask(f, CPAS_A, 30)->caught_up, 0);
    assert_int_equal(open_and_ask(f, MUTUALITY, 1)->caught_up,
                     0); // no flow of its sector
    f->now_us += DAY_US;
    publish(f, flow_address(OLD_NUMBER)); // somebody else
    assert_int_equal(letters_of(f, CPAS_A), 0);
    assert_int_equal(letters_of(f, SPPIS), 0);

    // A debtor's CPAS gets what a debtor's may see.
    struct niss other = flow_person(OLD_NUMBER);
    struct command *command = flow_integrate(f, CPAS_B, other, 4, 20261101, 0);

    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    publish(f, flow_address(OLD_NUMBER));
    command = flow_integrate(f, CPAS_A, other, 30, 20261101, 0);
    command->integrate.items[0].catch_up = true;
    scene_catch_up(f, command);
    flow_apply(f);
    assert_int_equal(command->integrate.results[0].caught_up, 1);
    content = only_letter(f, CPAS_A);
    assert_true(has_field(&content, "020") && !has_field(&content, "150"));
    assert_int_equal(content.withheld, 1);
    assert_int_equal(content.mutation.lost, 0);
}

static void
each_is_judged_on_its_own_day(void **state)
{
    struct flow_fixture *f = *state;

    followed(f, CPAS_B, 4, 20261101, 0);
    followed(f, CPAS_A, 2, 20261001, 20261118);
    publish(f, flow_address(ANN)); // on the 20th
    f->now_us += 2 * DAY_US;
    publish(f, flow_address(ANN)); // on the 22nd
    f->now_us += DAY_US;
    // From the 22nd on: the law does not let him see the first.
    assert_int_equal(integrate_as(f, CPAS_A, 2, 20261122, 0, true)->caught_up, 1);
    assert_int_equal(only_letter(f, CPAS_A).ticket, flow_meta(f).last_sequence - 2);
    // Two months back, and not more.
    f->now_us += 61 * DAY_US;
    assert_int_equal(integrate_as(f, CPAS_C, 4, 20261101, 0, true)->caught_up, 0);
}

static void
nothing_comes_twice(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;

    followed(f, CPAS_B, 4, 20261101, 0);
    publish(f, flow_address(ANN));
    assert_int_equal(open_and_ask(f, CPAS_A, 2)->caught_up, 1);
    assert_int_equal(open_and_ask(f, CPAS_A, 2)->caught_up, 0);
    assert_int_equal(open_and_ask(f, CPAS_A, 3)->caught_up, 0); // by another quality
    for (uint32_t quality = 2; quality <= 3; quality++) {
        command = flow_command(f, COMMAND_REMOVE, CPAS_A);
        command->remove.institution = CPAS_A;
        command->remove.request = (struct remove_request){
            .niss = flow_person(ANN).number, .quality = quality, .begin = 20261101};
        flow_apply(f);
        assert_int_equal(command->status, VG_OK);
    }
    assert_int_equal(open_and_ask(f, CPAS_A, 2)->caught_up, 0);
    assert_int_equal(letters_of(f, CPAS_A), 1);
    // B has got it in its time.
    assert_int_equal(open_and_ask(f, CPAS_B, 5)->caught_up, 0);
    assert_int_equal(letters_of(f, CPAS_B), 1);
}

static void
what_nobody_got_is_counted(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation only_150 = flow_mutation("notifyPerson", flow_person(ANN));
    struct hot_content content;
    const struct integrate_result *result;

    followed(f, CPAS_B, 30, 20261101, 0); // a debtor: 150 is kept for nobody
    publish(f, flow_address(ANN));
    assert_int_equal(open_and_ask(f, CPAS_A, 2)->caught_up, 1);
    content = only_letter(f, CPAS_A);
    assert_true(has_field(&content, "020"));
    assert_int_equal(content.withheld, 0);
    assert_int_equal(content.mutation.lost, 1);
    // What A got in its time is kept whole.
    flow_field(&only_150, "150", "Anvers");
    publish(f, only_150);
    result = open_and_ask(f, CPAS_C, 4);
    assert_int_equal(result->caught_up, 2);
    assert_int_equal(letters_of(f, CPAS_C), 2);
    assert_int_equal(flow_content(f, &letters[0]).mutation.lost, 1);
    assert_int_equal(flow_content(f, &letters[1]).mutation.lost, 0);
}

static void
what_is_not_kept_any_more_is_counted(void **state)
{
    struct flow_fixture *f = *state;
    struct expire_command *slice;
    const struct integrate_result *result;
    struct command *acknowledge;

    followed(f, CPAS_B, 4, 20261101, 0);
    publish(f, flow_address(ANN));
    assert_int_equal(letters_of(f, CPAS_B), 1);
    acknowledge = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_B);
    acknowledge->acknowledge.mailbox = CPAS_B;
    acknowledge->acknowledge.through = 1;
    acknowledge->acknowledge.through_bytes = letters[0].bytes_through;
    flow_apply(f);
    (void)flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    f->now_us += 8 * DAY_US;
    do {
        slice = &flow_command(f, COMMAND_EXPIRE, 0)->expire;
        slice->replay_days = 7;
        slice->journal_months = 24;
        slice->person_months = 6;
        slice->exported_commit = UINT64_MAX;
        slice->folded_commit = flow_meta(f).last_commit;
        flow_apply(f);
    } while (slice->more);
    result = open_and_ask(f, CPAS_A, 2);
    assert_int_equal(result->caught_up, 0);
    assert_int_equal(result->consult, 1);
    assert_int_equal(result->verdict, VERDICT_WARNING);
    assert_int_equal(result->faults->fault[result->faults->len - 1].status, VG_NOT_KEPT);
    assert_int_equal(letters_of(f, CPAS_A), 0);
}

static void
only_what_stands_comes_late(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(ANN);
    char ticket[24];
    uint64_t second;

    followed(f, CPAS_B, 4, 20261101, 0);
    snprintf(ticket, sizeof ticket, "%llu",
             (unsigned long long)publish(f, flow_address(ANN)));
    mutation.replaces = flow_words(ticket);
    second = publish(f, mutation);
    snprintf(ticket, sizeof ticket, "%llu",
             (unsigned long long)publish(f, flow_address(ANN)));
    mutation = flow_address(ANN);
    mutation.cancels = flow_words(ticket);
    publish(f, mutation);
    assert_int_equal(open_and_ask(f, CPAS_A, 2)->caught_up, 1);

    struct hot_content content = only_letter(f, CPAS_A);

    assert_int_equal(content.ticket, second);
    assert_int_equal(content.mutation.replaces.len, 0); // the first is not its to know
}

static void
who_got_it_late_is_owed_its_correction(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(ANN);
    struct command *command;
    char ticket[24];

    followed(f, CPAS_B, 4, 20261101, 0);
    snprintf(ticket, sizeof ticket, "%llu",
             (unsigned long long)publish(f, flow_address(ANN)));
    assert_int_equal(open_and_ask(f, CPAS_A, 30)->caught_up, 1);
    command = flow_command(f, COMMAND_REMOVE, CPAS_A);
    command->remove.institution = CPAS_A;
    command->remove.request = (struct remove_request){
        .niss = flow_person(ANN).number, .quality = 30, .begin = 20261101};
    flow_apply(f);
    mutation.cancels = flow_words(ticket);
    publish(f, mutation);
    assert_int_equal(letters_of(f, CPAS_A), 2);
    assert_int_equal(letters[1].quality, 30);

    struct hot_content content = flow_content(f, &letters[1]);

    assert_int_equal(content.mutation.cancels.len, strlen(ticket));
    assert_false(has_field(&content, "150"));
}

static void
nothing_falls_between_the_search_and_the_commit(void **state)
{
    struct flow_fixture *f = *state;
    struct catch_up *found;
    struct command *command;

    followed(f, CPAS_B, 4, 20261101, 0);
    publish(f, flow_address(ANN));
    found = scene_search(f, flow_person(ANN).number);
    publish(f, flow_address(ANN));
    // One more in the batch of the request, before it.
    flow_publish_one(f, RN, flow_producer(f, RN, 1).last_number + 1, flow_address(ANN));
    command = flow_integrate(f, CPAS_A, flow_person(ANN), 2, 20261101, 0);
    command->integrate.items[0].catch_up = true;
    command->integrate.catch_ups = xcalloc(1, sizeof(struct catch_up *));
    command->integrate.catch_ups[0] = found;
    flow_apply(f);
    assert_int_equal(command->integrate.results[0].caught_up, 2);
    assert_int_equal(letters_of(f, CPAS_A), 3);
}

static void
under_all_numbers_of_the_person(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation replaced =
        flow_mutation("SSINReplacement", flow_person(OLD_NUMBER));
    struct command *command =
        flow_integrate(f, CPAS_B, flow_person(OLD_NUMBER), 4, 20261101, 0);

    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    publish(f, flow_address(OLD_NUMBER));
    replaced.new_niss = flow_person(ANN).number;
    publish_of(f, BIS, replaced);
    assert_int_equal(open_and_ask(f, CPAS_A, 2)->caught_up, 2);
    assert_int_equal(letters_of(f, CPAS_A), 2);
    assert_int_equal(flow_content(f, &letters[0]).mutation.niss,
                     flow_person(OLD_NUMBER).number);
    assert_int_equal(flow_content(f, &letters[0]).mutation.current_niss,
                     flow_person(ANN).number);
}

static void
a_request_catches_up_with_so_many(void **state)
{
    struct flow_fixture *f = *state;
    const struct integrate_result *result;

    followed(f, CPAS_B, 4, 20261101, 0);
    for (size_t i = 0; i < CATCH_UP_PLACES_MAX + 3; i++) {
        publish(f, flow_address(ANN));
    }
    result = open_and_ask(f, CPAS_A, 2);
    assert_int_equal(result->caught_up, CATCH_UP_PLACES_MAX);
    assert_int_equal(result->verdict, VERDICT_WARNING);
    assert_int_equal(result->faults->fault[result->faults->len - 1].status, VG_TOO_MANY);
    assert_int_equal(letters_of(f, CPAS_A), CATCH_UP_PLACES_MAX);
}

// The loop could not read the store, or the request has too many persons.
static void
without_a_search_nothing_comes_and_that_is_said(void **state)
{
    struct flow_fixture *f = *state;
    const struct integrate_result *result;
    struct command *command;

    followed(f, CPAS_B, 4, 20261101, 0);
    (void)publish(f, flow_address(ANN));
    command = flow_integrate(f, CPAS_A, flow_person(ANN), 2, 20261101, 0);
    command->integrate.items[0].catch_up = true;
    command->integrate.catch_ups = xcalloc(1, sizeof *command->integrate.catch_ups);
    command->integrate.catch_ups[0] = catch_up_found(NULL, 0);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    result = &command->integrate.results[0];
    assert_int_equal(result->caught_up, 0);
    assert_int_equal(result->verdict, VERDICT_WARNING);
    assert_int_equal(result->faults->fault[result->faults->len - 1].status, VG_TOO_MANY);
    assert_int_equal(letters_of(f, CPAS_A), 0);
    flow_assert_sound(f);
}

static void
a_full_disk_leaves_all_of_it_or_nothing(void **state)
{
    struct flow_fixture *f = *state;
    struct lmdb_calls calls = lmdb_own_calls;
    struct command *command;
    size_t puts = 0;

    followed(f, CPAS_B, 4, 20261101, 0);
    publish(f, flow_address(ANN));
    calls.put = flow_full_put;
    do { // the map is full at the first put, at the second ...
        uint64_t before = flow_meta(f).integrations;

        command = flow_integrate(f, CPAS_A, flow_person(ANN), 2, 20261101, 0);
        command->integrate.items[0].catch_up = true;
        scene_catch_up(f, command);
        store_use_calls(&calls);
        flow_puts_left = puts++;
        flow_apply(f);
        store_use_calls(NULL);
        assert_int_equal(letters_of(f, CPAS_A), command->status == VG_OK);
        assert_int_equal(flow_meta(f).integrations - before, command->status == VG_OK);
    } while (command->status != VG_OK && puts < 100);
    assert_true(puts > 2 && puts < 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(what_is_extended_keeps),
        FLOW_TEST(what_is_opened_asks),
        FLOW_TEST(each_is_judged_on_its_own_day),
        FLOW_TEST(nothing_comes_twice),
        FLOW_TEST(what_nobody_got_is_counted),
        FLOW_TEST(what_is_not_kept_any_more_is_counted),
        FLOW_TEST(only_what_stands_comes_late),
        FLOW_TEST(who_got_it_late_is_owed_its_correction),
        FLOW_TEST(nothing_falls_between_the_search_and_the_commit),
        FLOW_TEST(under_all_numbers_of_the_person),
        FLOW_TEST(a_request_catches_up_with_so_many),
        FLOW_TEST(without_a_search_nothing_comes_and_that_is_said),
        FLOW_TEST(a_full_disk_leaves_all_of_it_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
