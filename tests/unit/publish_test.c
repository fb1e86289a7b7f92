// SPDX-License-Identifier: EUPL-1.2
// Goal: a mutation that is answered "kept" lies on the disk with its place in every mailbox
// it belongs in, cut down to what each may see; every other one is refused for good, with
// the same words however often it is repeated.
// Method: batches applied to a real store with the shipped catalogue; after each, the disk
// is read in a transaction of its own, and again after reopening.
#include "flow_fixture.h"
#include "store/person_walk.h"

enum { LETTERS = 64 };

static bool
has_field(const struct hot_content *content, const char *code)
{
    for (uint32_t i = 0; i < content->mutation.fields_len; i++) {
        struct hot_bytes at = content->mutation.fields[i].code;

        if (at.len == strlen(code) && memcmp(at.at, code, at.len) == 0) {
            return true;
        }
    }
    return false;
}

static void
answers_kept_with_everything_on_disk(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;
    struct letter letter;
    struct hot_content content;
    struct journal_event event;

    flow_follow(f, CPAS_A, 1, 2);
    command = flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(command->publish.through, 1);
    assert_int_equal(command->publish.kept, 1);
    assert_int_equal(command->publish.results_len, 0);
    assert_int_equal(f->done->count.notifications, 1);
    assert_int_equal(f->done->posted_len, 1);

    assert_int_equal(f->done->commit, flow_meta(f).last_commit);
    assert_int_equal(f->batch_id, flow_meta(f).last_batch);
    assert_int_equal(command->publish.ticket_first, flow_meta(f).last_sequence);
    assert_int_equal(flow_producer(f, RN, 1).last_number, 1);
    assert_int_equal(flow_producer(f, RN, 1).last_ticket, command->publish.ticket_first);
    assert_int_equal(flow_letters(f, CPAS_A, 1, &letter, 1), 1);
    assert_memory_equal(&letter, &f->done->posted[0].letter, sizeof letter);
    content = flow_content(f, &letter);
    assert_int_equal(content.mutation.niss, flow_person(1).number);
    assert_int_equal(content.ticket, command->publish.ticket_first);
    assert_int_equal(content.kept_at_us, f->done->time.us);
    assert_int_equal(content.source.len, 2);
    assert_memory_equal(content.source.at, "RN", 2);
    assert_int_equal(flow_last_item(f, JOURNAL_EVENT, &event, sizeof event), 1);
    assert_int_equal(event.recipients, 1);
    assert_int_equal(event.ticket, command->publish.ticket_first);
    assert_int_equal(event.catalogue, 1);
}

static void
names_the_integration_that_justifies_it(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letter;

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(flow_letters(f, CPAS_A, 1, &letter, 1), 1);
    assert_int_equal(letter.quality, 2);
    assert_int_equal(letter.begin, day_of(2026, 11, 1).number);
}

static void
keeps_what_nobody_follows_and_says_so(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = flow_publish_one(f, RN, 1, flow_address(1));
    struct journal_event event;

    flow_apply(f);
    assert_int_equal(command->publish.kept, 1);
    assert_int_equal(f->done->count.unmatched, 1);
    assert_int_equal(f->done->posted_len, 0);
    assert_int_equal(flow_last_item(f, JOURNAL_EVENT, &event, sizeof event), 1);
    assert_int_equal(event.recipients, 0);
    assert_int_equal(event.withheld_all, 0);
}

static void
numbers_each_mailbox_without_a_gap(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[6];
    struct letter letters[LETTERS];
    uint64_t bytes = 0;
    size_t len;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_A, 2, 4);
    flow_follow(f, CPAS_B, 2, 9);
    for (int batch = 0; batch < 3; batch++) {
        for (int i = 0; i < 6; i++) {
            mutations[i] = flow_address(i % 3); // 0, 1, 2: nobody follows 0
        }
        flow_publish(f, RN, 1, (uint64_t)batch * 6 + 1, mutations, 6);
        flow_apply(f);
    }
    len = flow_letters(f, CPAS_A, 1, letters, LETTERS);
    assert_int_equal(len, 12);
    assert_int_equal(flow_letters(f, CPAS_B, 1, letters + len, LETTERS - len), 6);
    for (size_t i = 0; i < 12; i++) {
        bytes += letters[i].size;
        assert_int_equal(letters[i].number, i + 1);
        assert_int_equal(letters[i].bytes_through, bytes);
    }
    assert_int_equal(flow_row(f, CPAS_A).last, 12);
    assert_int_equal(flow_row(f, CPAS_A).bytes_total, bytes);
    assert_int_equal(flow_row(f, CPAS_B).last, 6);
    assert_int_equal(flow_row(f, CPAS_C).last, 0);
}

static void
withholds_by_class_and_stores_one_body_per_set(void **state)
{
    struct flow_fixture *f = *state;
    struct letter a, b, c;
    struct hot_content content;

    flow_follow(f, CPAS_A, 1, 2);  // applicant: sees both fields
    flow_follow(f, CPAS_B, 1, 30); // debtor: not 150
    flow_follow(f, CPAS_C, 1, 9);  // applicant
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(flow_letters(f, CPAS_A, 1, &a, 1), 1);
    assert_int_equal(flow_letters(f, CPAS_B, 1, &b, 1), 1);
    assert_int_equal(flow_letters(f, CPAS_C, 1, &c, 1), 1);
    assert_int_equal(a.body, c.body);
    assert_int_not_equal(a.body, b.body);

    content = flow_content(f, &a);
    assert_true(has_field(&content, "020") && has_field(&content, "150"));
    assert_int_equal(content.withheld, 0);
    content = flow_content(f, &b);
    assert_true(has_field(&content, "020"));
    assert_false(has_field(&content, "150"));
    assert_int_equal(content.withheld, 1);
    assert_int_equal(b.withheld, 1);
    assert_int_equal(f->done->count.withheld, 1);
}

// Not only in the letter that points to it: nowhere in the block.
static void
never_stores_what_nobody_may_see(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct letter letter;
    struct bytes body;
    const uint8_t *block;

    flow_follow(f, CPAS_B, 1, 30);
    flow_publish_one(f, RN, 1, mutation);
    flow_apply(f);
    assert_int_equal(flow_letters(f, CPAS_B, 1, &letter, 1), 1);
    assert_int_equal(body_get(flow_view(f), letter.body, &body), VG_OK);
    block = body.at - (letter.body & 0xffff) - 4;
    assert_null(memmem(block, (size_t)(body.at + body.len - block), "Anvers", 6));
    assert_non_null(memmem(block, (size_t)(body.at + body.len - block), "Rue Haute", 9));
    assert_int_equal(flow_meta(f).last_block, 1); // there is no other
}

static void
posts_nothing_when_nothing_is_left(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(1));
    struct journal_event event;
    struct command *command;

    flow_follow(f, CPAS_B, 1, 30);
    flow_field(&mutation, "150", "Anvers 19991231");
    command = flow_publish_one(f, RN, 1, mutation);
    flow_apply(f);
    assert_int_equal(command->publish.kept, 1);
    assert_int_equal(f->done->posted_len, 0);
    assert_int_equal(f->done->count.notifications, 0);
    assert_int_equal(flow_row(f, CPAS_B).last, 0);
    assert_int_equal(flow_meta(f).last_block, 0);
    assert_int_equal(flow_last_item(f, JOURNAL_EVENT, &event, sizeof event), 1);
    assert_int_equal(event.withheld_all, 1);
    assert_int_equal(event.recipients, 0);
}

static void
good_ones_go_on_beside_refused_ones(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[5];
    struct command *command;
    uint64_t before = flow_meta(f).last_sequence;

    for (int i = 0; i < 5; i++) {
        mutations[i] = flow_address(i);
    }
    mutations[0].niss = 66041066601; // its check digits are wrong
    mutations[2].flow = flow_words("nothing");
    flow_field(&mutations[4], "H205", "x"); // not one of the flow's
    command = flow_publish(f, RN, 1, 1, mutations, 5);
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(command->publish.through, 5);
    assert_int_equal(command->publish.kept, 2);
    assert_int_equal(command->publish.ticket_first, before + 1);
    assert_int_equal(flow_meta(f).last_sequence, before + 2);
    assert_int_equal(command->publish.results_len, 3);
    assert_int_equal(command->publish.results[0].number, 1);
    assert_int_equal(command->publish.results[0].status, VG_BAD_NISS);
    assert_int_equal(command->publish.results[1].number, 3);
    assert_int_equal(command->publish.results[1].status, VG_UNKNOWN_FLOW);
    assert_int_equal(command->publish.results[2].number, 5);
    assert_int_equal(command->publish.results[2].status, VG_FIELD_NOT_IN_FLOW);
    assert_int_equal(f->done->count.mutations, 5);
    assert_int_equal(f->done->count.refused, 3);
    assert_int_equal(f->done->flows[0].refused, 1); // of no known flow
    assert_int_equal(f->done->flows[1].refused, 2);
    assert_int_equal(f->done->flows[1].published, 2);
    assert_int_equal(flow_producer(f, RN, 1).last_number, 5);
}

static void
refuses_what_is_no_mutation(void **state)
{
    struct flow_fixture *f = *state;
    static char large[HOT_VALUE_BYTES_MAX + 2];
    struct hot_mutation mutations[2] = {flow_address(1), flow_address(1)};
    struct journal_refusal item;
    struct command *command;

    memset(large, 'x', sizeof large - 1);
    flow_field(&mutations[0], "020", large);
    command = flow_publish(f, RN, 1, 1, mutations, 2);
    flow_apply(f);
    assert_int_equal(command->publish.results_len, 1);
    assert_int_equal(command->publish.results[0].status, VG_TOO_LARGE);
    assert_int_equal(command->publish.kept, 1);
    assert_int_equal(flow_last_item(f, JOURNAL_REFUSAL, &item, sizeof item), 1);
    assert_int_equal(item.number, 1);
    assert_int_equal(item.status, VG_TOO_LARGE);
}

static void
only_a_source_publishes_its_flow(void **state)
{
    struct flow_fixture *f = *state;
    struct command *by_onss = flow_publish_one(f, ONSS, 1, flow_address(1));
    struct command *by_nobody = flow_publish_one(f, 999, 1, flow_address(1));

    flow_apply(f);
    assert_int_equal(by_onss->publish.results[0].status, VG_NOT_THE_SOURCE);
    assert_int_equal(by_onss->publish.kept, 0);
    assert_int_equal(by_onss->publish.ticket_first, 0);
    assert_int_equal(by_nobody->status, VG_NOT_ALLOWED);
    assert_int_equal(by_nobody->publish.through, 0);
    assert_int_equal(flow_producer(f, ONSS, 1).last_number, 1);
    assert_int_equal(flow_producer(f, ONSS, 1).last_ticket, 0);
    assert_int_equal(flow_producer(f, 999, 1).last_number, 0);
}

static void
recognises_repeats_for_ever(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[4];
    struct command *command;

    for (int i = 0; i < 4; i++) {
        mutations[i] = flow_address(1);
    }
    flow_follow(f, CPAS_A, 1, 2);
    flow_publish(f, RN, 1, 1, mutations, 3);
    flow_apply(f);
    flow_reopen(f);
    f->now_us += INT64_C(3600) * 24 * 365 * 9 * 1000000;
    command = flow_publish(f, RN, 1, 2, mutations, 3); // 2 and 3 again, and 4
    flow_apply(f);
    assert_int_equal(command->publish.through, 4);
    assert_int_equal(command->publish.results_len, 2);
    assert_int_equal(command->publish.results[0].number, 2);
    assert_int_equal(command->publish.results[0].status, VG_REPEATED);
    assert_int_equal(command->publish.results[1].number, 3);
    assert_int_equal(f->done->count.repeated, 2);
    assert_int_equal(command->publish.kept, 1);
    assert_int_equal(flow_producer(f, RN, 1).last_number, 4);
    assert_int_equal(flow_row(f, CPAS_A).last, 3); // the year of quality 002 is over
}

static void
a_repeat_in_the_same_batch_is_one_too(void **state)
{
    struct flow_fixture *f = *state;
    struct command *first = flow_publish_one(f, RN, 1, flow_address(1));
    struct command *again = flow_publish_one(f, RN, 1, flow_address(1));

    flow_apply(f);
    assert_int_equal(first->publish.kept, 1);
    assert_int_equal(again->publish.kept, 0);
    assert_int_equal(again->publish.through, 1);
    assert_int_equal(again->publish.results[0].status, VG_REPEATED);
    assert_int_equal(flow_meta(f).last_sequence, first->publish.ticket_first);
}

static void
repeats_alone_write_nothing(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;
    uint64_t commit;

    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    commit = flow_meta(f).last_commit;
    command = flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(command->publish.results[0].status, VG_REPEATED);
    assert_int_equal(f->done->commit, 0);
    assert_int_equal(flow_meta(f).last_commit, commit);
}

static void
a_refused_number_gets_the_same_refusal_again(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct publish_result first;
    struct command *command;

    mutation.niss = 66041066601;
    command = flow_publish_one(f, RN, 1, mutation);
    flow_apply(f);
    first = command->publish.results[0];
    assert_int_equal(first.status, VG_BAD_NISS);
    assert_true(strlen(first.why.text) > 0);
    flow_reopen(f);
    command = flow_publish_one(f, RN, 1, flow_address(1)); // good now, but it is number 1
    flow_apply(f);
    assert_memory_equal(&command->publish.results[0], &first, sizeof first);
    assert_int_equal(command->publish.through, 1);
    assert_int_equal(command->publish.kept, 0);
    assert_null(strstr(first.why.text, "66041066601"));
}

static void
refuses_a_gap_and_consumes_nothing(void **state)
{
    struct flow_fixture *f = *state;
    struct command *gap = flow_publish_one(f, RN, 2, flow_address(1));
    struct command *zero = flow_publish_one(f, RN, 0, flow_address(1));
    struct command *far, *good;

    flow_apply(f);
    assert_int_equal(gap->status, VG_GAP);
    assert_int_equal(gap->publish.through, 0);
    assert_int_equal(zero->status, VG_MALFORMED);
    assert_int_equal(zero->publish.through, 0);
    assert_int_equal(flow_producer(f, RN, 1).last_number, 0);
    good = flow_publish_one(f, RN, 1, flow_address(1));
    far = flow_publish_one(f, RN, UINT64_MAX, flow_address(1));
    flow_apply(f);
    assert_int_equal(good->publish.kept, 1);
    assert_int_equal(far->status, VG_GAP);
    assert_int_equal(far->publish.through, 1);
}

static void
producers_of_one_source_count_apart(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_address(1);
    struct command *asked;

    flow_publish(f, RN, 1, 1, &mutation, 1);
    flow_publish(f, RN, 2, 1, &mutation, 1);
    flow_publish(f, RN, 2, 2, &mutation, 1);
    flow_publish(f, BIS, 2, 1, &mutation, 1);
    asked = flow_command(f, COMMAND_LAST_NUMBER, RN);
    asked->last_number.producer = 2;
    flow_apply(f);
    assert_int_equal(asked->last_number.number, 2);
    assert_int_equal(flow_producer(f, RN, 1).last_number, 1);
    assert_int_equal(flow_producer(f, RN, 2).last_number, 2);
    assert_int_equal(flow_producer(f, BIS, 2).last_number, 1);
    assert_int_equal(flow_producer(f, BIS, 1).last_number, 0);
}

static void
without_room_only_repeats_are_answered(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutations[4];
    struct command *command;
    struct mailbox_row row;

    for (int i = 0; i < 4; i++) {
        mutations[i] = flow_address(1);
    }
    mutations[1].niss = 66041066601;
    flow_follow(f, CPAS_A, 1, 2);
    flow_publish(f, RN, 1, 1, mutations, 2);
    flow_apply(f);
    row = flow_row(f, CPAS_A);
    command = flow_publish(f, RN, 1, 1, mutations, 4);
    f->next->no_room = true;
    flow_apply(f);
    assert_int_equal(command->status, VG_STORE_FULL);
    assert_int_equal(command->publish.through, 2);
    assert_int_equal(command->publish.results_len, 2);
    assert_int_equal(command->publish.results[0].status, VG_REPEATED);
    assert_int_equal(command->publish.results[1].status, VG_BAD_NISS);
    assert_int_equal(command->publish.kept, 0);
    assert_int_equal(flow_producer(f, RN, 1).last_number, 2);
    assert_int_equal(flow_row(f, CPAS_A).last, row.last);

    command = flow_publish(f, RN, 1, 1, mutations, 4); // there is room again
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
    assert_int_equal(command->publish.through, 4);
    assert_int_equal(flow_row(f, CPAS_A).last, row.last + 2);
}

static void
without_a_catalogue_nothing_is_consumed(void **state)
{
    struct flow_fixture *f = flow_begin();
    struct command *command = flow_publish_one(f, RN, 1, flow_address(1));

    (void)state;
    flow_apply(f);
    assert_int_equal(command->status, VG_BUSY);
    assert_int_equal(command->publish.through, 0);
    assert_int_equal(flow_producer(f, RN, 1).last_number, 0);
    flow_end(f);
}

static void
fans_out_to_all_or_to_none(void **state)
{
    struct flow_fixture *f = *state;
    struct lmdb_calls calls = lmdb_own_calls;
    struct command *command;
    size_t puts = 0;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 30);
    flow_follow(f, CPAS_C, 1, 9);
    calls.put = flow_full_put;
    store_use_calls(&calls);
    do { // the map is full at the first put, at the second ...
        flow_puts_left = puts++;
        command = flow_publish_one(f, RN, 1, flow_address(1));
        flow_apply(f);
        assert_int_equal(flow_row(f, CPAS_A).last, command->publish.kept);
        assert_int_equal(flow_row(f, CPAS_B).last, command->publish.kept);
        assert_int_equal(flow_row(f, CPAS_C).last, command->publish.kept);
        assert_int_equal(flow_producer(f, RN, 1).last_number, command->publish.kept);
        assert_int_equal(command->publish.through, command->publish.kept);
        assert_int_equal(f->done->posted_len, 3 * command->publish.kept);
        assert_int_equal(command->status,
                         command->publish.kept == 1 ? VG_OK : VG_STORE_FULL);
    } while (command->publish.kept == 0);
    assert_true(puts > 5); // body, mailboxes, producer, record, meta
}

static void
a_fictitious_person_is_refused_unless_switched_on(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command = flow_publish_one(f, RN, 1, flow_address(1));

    f->next->test_persons = false;
    flow_apply(f);
    assert_int_equal(command->publish.results[0].status, VG_TEST_PERSON);
}

static void
reaches_every_subscriber_without_an_integration(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation =
        flow_mutation("EmployerDirectoryMutation", (struct niss){0});
    struct letter letter;

    mutation.enterprise = 403019261;
    flow_field(&mutation, "language", "fr");
    flow_publish_one(f, ONSS, 1, mutation);
    flow_apply(f);
    assert_int_equal(f->done->posted_len, 3);
    for (uint32_t mailbox = CPAS_A; mailbox <= CPAS_C; mailbox++) {
        assert_int_equal(flow_letters(f, mailbox, 1, &letter, 1), 1);
        assert_int_equal(letter.quality, 0);
    }
    assert_int_equal(flow_row(f, MUTUALITY).last, 0);
}

static void
an_event_with_very_many_recipients_is_whole(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation mutation =
        flow_mutation("EmployerDirectoryMutation", (struct niss){0});
    struct letter letter;
    struct flow_last_item events = {JOURNAL_EVENT, &(struct journal_event){0},
                                    sizeof(struct journal_event), 0};
    enum { MANY = JOURNAL_RECIPIENTS_MAX + 20 };

    for (int i = 0; i < MANY; i++) {
        char code[16];

        snprintf(code, sizeof code, "CPAS-%d", 10000 + i);
        flow_add_institution(f, code, 17);
    }
    flow_apply(f);
    mutation.enterprise = 403019261;
    flow_field(&mutation, "language", "fr");
    flow_publish_one(f, ONSS, 1, mutation);
    flow_apply(f);
    assert_int_equal(f->done->posted_len, MANY + 3);
    flow_each_item(f, flow_note_item, &events);
    assert_int_equal(events.found, 2);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(flow_letters(f, INSTITUTIONS + i, 1, &letter, 1), 1);
        assert_int_equal(letter.body, f->done->posted[0].letter.body);
        if (i == 40) {
            i = MANY - 40; // each asks for the whole journal
        }
    }
}

// ---- a person's number is replaced ----

static struct command *
replace(struct flow_fixture *f, uint64_t number, int old, int new)
{
    struct hot_mutation mutation = flow_mutation("SSINReplacement", flow_person(old));

    mutation.new_niss = flow_person(new).number;
    return flow_publish_one(f, BIS, number, mutation);
}

static void
replacing_a_number_moves_its_integrations(void **state)
{
    struct flow_fixture *f = *state;
    struct person person;
    struct meta before;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 30);
    flow_follow(f, CPAS_C, 2, 9);
    flow_follow(f, CPAS_B, 2, 30); // the same row on both numbers
    before = flow_meta(f);
    assert_int_equal(before.integrations, 4);
    assert_int_equal(before.persons, 2);
    replace(f, 1, 1, 2);
    flow_apply(f);
    assert_int_equal(f->done->posted_len, 2); // those who followed the old number
    assert_int_equal(flow_meta(f).integrations, 3);
    assert_int_equal(flow_meta(f).persons, 1);
    assert_int_equal(person_get(flow_view(f), flow_person(1), &person), VG_OK);
    assert_int_equal(person.replaced_by.number, flow_person(2).number);
    assert_int_equal(person_get(flow_view(f), flow_person(2), &person), VG_OK);
    assert_int_equal(person.len, 3);

    flow_reopen(f);
    flow_publish_one(f, RN, 1, flow_address(1)); // still under the old number
    flow_publish_one(f, RN, 2, flow_address(2));
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 3);
    assert_int_equal(flow_row(f, CPAS_B).last, 3);
    assert_int_equal(flow_row(f, CPAS_C).last, 2);
}

static void
a_letter_says_under_which_number_it_came(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[4];
    struct hot_content content;
    static const struct {
        int niss, current; // 0: the number itself is in force
    } expected[] = {{1, 0}, {1, 0}, {1, 2}, {2, 0}};

    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    replace(f, 1, 1, 2);
    flow_publish_one(f, RN, 2, flow_address(1));
    flow_publish_one(f, RN, 3, flow_address(2));
    flow_apply(f);
    assert_int_equal(flow_letters(f, CPAS_A, 1, letters, 4), 4);
    for (size_t i = 0; i < 4; i++) {
        struct bytes body;
        uint64_t current =
            expected[i].current == 0 ? 0 : flow_person(expected[i].current).number;

        assert_int_equal(body_get(flow_view(f), letters[i].body, &body), VG_OK);
        assert_int_equal(
            hot_read_content((struct hot_bytes){body.at, body.len}, &content), HOT_OK);
        assert_int_equal(content.mutation.niss, flow_person(expected[i].niss).number);
        assert_int_equal(content.mutation.current_niss, current);
    }
}

// What one institution had on both numbers: every day of either, no row twice.
static void
periods_on_both_numbers_are_put_together(void **state)
{
    struct flow_fixture *f = *state;
    struct person person;
    static const int32_t days[][2] = {{20261101, 20261231}, {20261215, 20270115}};

    for (int i = 0; i < 2; i++) {
        flow_integrate(f, CPAS_A, flow_person(1 + i), 2, (uint32_t)days[i][0],
                       (uint32_t)days[i][1]);
        flow_integrate(f, CPAS_A, flow_person(1 + i), 8, 20261101,
                       20261130 + (uint32_t)i);
    }
    flow_integrate(f, CPAS_B, flow_person(2), 30, 20261101, 20261130);
    flow_apply(f);
    replace(f, 1, 1, 2);
    flow_apply(f);
    assert_int_equal(person_get(flow_view(f), flow_person(2), &person), VG_OK);
    assert_int_equal(person.len, 3);
    assert_int_equal(person.integrations[0].quality, 2);
    assert_int_equal(person.integrations[0].begin, day_of(2026, 11, 1).number);
    assert_int_equal(person.integrations[0].end, day_of(2027, 1, 15).number);
    assert_int_equal(person.integrations[1].quality, 8);
    assert_int_equal(person.integrations[2].institution, CPAS_B);
    flow_assert_sound(f);
}

static void
within_one_batch_order_counts(void **state)
{
    struct flow_fixture *f = *state;

    flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    flow_publish_one(f, RN, 1, flow_address(2));
    replace(f, 1, 1, 2);
    flow_publish_one(f, RN, 2, flow_address(2));
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 2); // the replacement, and the last one
}

// More than are looked up at once; between them somebody begins to follow a person.
static void
very_many_of_one_batch_each_find_their_person(void **state)
{
    enum { PUBLISHES = 18, EACH = 1000, PERSONS = 10, LATE = 3 };
    static struct hot_mutation mutations[EACH];
    struct flow_fixture *f = *state;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 2, 2);
    for (size_t i = 0; i < EACH; i++) {
        mutations[i] = flow_mutation("notifyPerson", flow_person((int)i % PERSONS));
    }
    for (uint32_t i = 0; i < PUBLISHES; i++) {
        if (i == PUBLISHES - 2) {
            flow_integrate(f, CPAS_A, flow_person(LATE), 2, 20261101, 0);
        }
        flow_publish(f, RN, i + 1, 1, mutations, EACH);
    }
    flow_apply(f);
    assert_true(PUBLISHES * EACH > WALK_MAX);
    assert_int_equal(f->done->count.mutations, PUBLISHES * EACH);
    assert_int_equal(flow_row(f, CPAS_A).last, (PUBLISHES + 2) * EACH / PERSONS);
    assert_int_equal(flow_row(f, CPAS_B).last, PUBLISHES * EACH / PERSONS);
}

static void
a_number_is_replaced_once_and_never_comes_back(void **state)
{
    struct flow_fixture *f = *state;
    struct command *again, *circle, *back, *same;
    struct meta meta;

    flow_follow(f, CPAS_A, 1, 2);
    replace(f, 1, 1, 2);
    flow_apply(f);
    meta = flow_meta(f);
    again = replace(f, 2, 1, 3);
    circle = replace(f, 3, 2, 1);
    back = replace(f, 4, 3, 1);
    same = replace(f, 5, 3, 3);
    flow_apply(f);
    assert_int_equal(again->publish.results[0].status, VG_EXISTS);
    assert_int_equal(circle->publish.results[0].status, VG_BAD_NISS);
    assert_non_null(strstr(circle->publish.results[0].why.text, "itself replaced"));
    assert_int_equal(back->publish.results[0].status, VG_BAD_NISS);
    assert_int_equal(same->publish.results[0].status, VG_BAD_NISS);
    assert_int_equal(flow_meta(f).integrations, meta.integrations);
    assert_int_equal(flow_meta(f).last_sequence, meta.last_sequence);
}

static void
a_long_chain_still_reaches_its_followers(void **state)
{
    struct flow_fixture *f = *state;
    struct command *last = NULL;
    enum { CHAIN = 63 };

    flow_follow(f, CPAS_A, 0, 2);
    for (int i = 0; i < CHAIN; i++) {
        replace(f, (uint64_t)i + 1, i, i + 1);
        flow_apply(f);
    }
    assert_int_equal(flow_row(f, CPAS_A).last, CHAIN);
    last = replace(f, CHAIN + 1, CHAIN, CHAIN + 1);
    flow_publish_one(f, RN, 1, flow_address(0));
    flow_apply(f);
    assert_int_equal(last->publish.results[0].status, VG_TOO_MANY);
    assert_int_equal(flow_row(f, CPAS_A).last, CHAIN + 1);
}

static void
what_is_not_wanted_is_not_made_and_the_journal_says_so(void **state)
{
    struct flow_fixture *f = *state;
    struct journal_unwanted unwanted;
    struct journal_event event;
    struct command *command;

    flow_follow(f, CPAS_A, 1, 7);
    flow_follow(f, CPAS_B, 1, 2);
    flow_decline(f, CPAS_A, "notifyPerson", UINT64_C(1) << 7);
    command = flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 0);
    assert_int_equal(flow_row(f, CPAS_B).last, 1);
    assert_int_equal(f->done->unwanted_len, 1);
    assert_int_equal(f->done->unwanted[0], CPAS_A);
    assert_int_equal(flow_last_item(f, JOURNAL_EVENT, &event, sizeof event), 1);
    assert_int_equal(event.recipients, 1);
    assert_int_equal(flow_last_item(f, JOURNAL_UNWANTED, &unwanted, sizeof unwanted), 1);
    assert_int_equal(unwanted.ticket, command->publish.ticket_first);
    assert_int_equal(unwanted.niss, flow_person(1).number);
    assert_int_equal(unwanted.institution, CPAS_A);
    assert_int_equal(unwanted.source, RN);
    assert_int_equal(unwanted.catalogue, 1);
    assert_int_equal(unwanted.flow, event.flow);
    assert_int_equal(unwanted.quality, 7);
    assert_int_equal(unwanted.begin, day_of(2026, 11, 1).number);

    // Another quality of the same institution is wanted still; then it is not unwanted.
    flow_follow(f, CPAS_A, 1, 3);
    flow_publish_one(f, RN, 2, flow_address(1));
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).last, 1);
    assert_int_equal(f->done->unwanted_len, 0);
    flow_assert_sound(f);
}

static void
a_correction_reaches_who_got_the_first_and_wants_no_more(void **state)
{
    struct flow_fixture *f = *state;
    struct hot_mutation correction = flow_address(1);
    struct hot_mutation cancellation = flow_address(1);
    struct journal_unwanted unwanted;
    struct command *command;
    char ticket[24];

    flow_follow(f, CPAS_A, 1, 7);
    command = flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    snprintf(ticket, sizeof ticket, "%llu",
             (unsigned long long)command->publish.ticket_first);
    flow_follow(f, CPAS_B, 1, 2);
    flow_decline(f, CPAS_A, "notifyPerson", 0);
    flow_decline(f, CPAS_B, "notifyPerson", 0);
    correction.replaces = flow_words(ticket);
    command = flow_publish_one(f, RN, 2, correction);
    flow_apply(f);
    assert_int_equal(command->publish.kept, 1);
    assert_int_equal(flow_row(f, CPAS_A).last, 2); // it is owed
    assert_int_equal(flow_row(f, CPAS_B).last, 0);
    assert_int_equal(f->done->unwanted_len, 1);
    assert_int_equal(flow_last_item(f, JOURNAL_UNWANTED, &unwanted, sizeof unwanted), 1);
    assert_int_equal(unwanted.institution, CPAS_B);

    snprintf(ticket, sizeof ticket, "%llu",
             (unsigned long long)command->publish.ticket_first);
    cancellation.cancels = flow_words(ticket);
    cancellation.fields_len = 0;
    command = flow_publish_one(f, RN, 3, cancellation);
    flow_apply(f);
    assert_int_equal(command->publish.kept, 1);
    assert_int_equal(flow_row(f, CPAS_A).last, 3);
    assert_int_equal(f->done->unwanted_len, 0); // who did not get it would get nothing
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(answers_kept_with_everything_on_disk),
        FLOW_TEST(names_the_integration_that_justifies_it),
        FLOW_TEST(keeps_what_nobody_follows_and_says_so),
        FLOW_TEST(numbers_each_mailbox_without_a_gap),
        FLOW_TEST(withholds_by_class_and_stores_one_body_per_set),
        FLOW_TEST(never_stores_what_nobody_may_see),
        FLOW_TEST(posts_nothing_when_nothing_is_left),
        FLOW_TEST(good_ones_go_on_beside_refused_ones),
        FLOW_TEST(refuses_what_is_no_mutation),
        FLOW_TEST(only_a_source_publishes_its_flow),
        FLOW_TEST(recognises_repeats_for_ever),
        FLOW_TEST(a_repeat_in_the_same_batch_is_one_too),
        FLOW_TEST(repeats_alone_write_nothing),
        FLOW_TEST(a_refused_number_gets_the_same_refusal_again),
        FLOW_TEST(refuses_a_gap_and_consumes_nothing),
        FLOW_TEST(producers_of_one_source_count_apart),
        FLOW_TEST(without_room_only_repeats_are_answered),
        cmocka_unit_test(without_a_catalogue_nothing_is_consumed),
        FLOW_TEST(fans_out_to_all_or_to_none),
        FLOW_TEST(a_fictitious_person_is_refused_unless_switched_on),
        FLOW_TEST(reaches_every_subscriber_without_an_integration),
        FLOW_TEST(an_event_with_very_many_recipients_is_whole),
        FLOW_TEST(replacing_a_number_moves_its_integrations),
        FLOW_TEST(a_letter_says_under_which_number_it_came),
        FLOW_TEST(periods_on_both_numbers_are_put_together),
        FLOW_TEST(within_one_batch_order_counts),
        FLOW_TEST(very_many_of_one_batch_each_find_their_person),
        FLOW_TEST(a_number_is_replaced_once_and_never_comes_back),
        FLOW_TEST(a_long_chain_still_reaches_its_followers),
        FLOW_TEST(what_is_not_wanted_is_not_made_and_the_journal_says_so),
        FLOW_TEST(a_correction_reaches_who_got_the_first_and_wants_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
