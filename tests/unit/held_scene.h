// SPDX-License-Identifier: EUPL-1.2
// held_scene.h - letters about a few persons in the mailbox of CPAS_A, and hands to refuse,
// defer, acknowledge, retry and drop them; what the journal says of the table "held".
#ifndef TESTS_UNIT_HELD_SCENE_H
#define TESTS_UNIT_HELD_SCENE_H

#include "flow/refuse.h"
#include "flow_fixture.h"

enum { PERSONS_HELD = 4, LETTERS_HELD = 60 };

static const struct mailbox_id held_box = {CPAS_A};

// Letters 1, 2, 3 ... are about the persons 1, 2, 3, 4, 1, 2 ...
__attribute__((unused)) static void
held_publish(struct flow_fixture *f, size_t len, struct letter_about *ret_letters)
{
    struct hot_mutation mutations[LETTERS_HELD];
    struct letter letters[LETTERS_HELD];
    static const char words[] = "Rue de la Montagne aux Herbes potageres";

    assert_in_range(len, 1, LETTERS_HELD);
    for (int person = 1; person <= PERSONS_HELD; person++) {
        flow_follow(f, CPAS_A, person, 2);
    }
    for (size_t i = 0; i < len; i++) {
        mutations[i] =
            flow_mutation("notifyPerson", flow_person(1 + (int)(i % PERSONS_HELD)));
        flow_field(&mutations[i], "020", words + i % 30);
    }
    flow_publish(f, RN, 1, 1, mutations, len);
    flow_apply(f);
    assert_int_equal(flow_letters(f, CPAS_A, 1, letters, len), len);
    for (size_t i = 0; i < len; i++) {
        ret_letters[i].letter = letters[i];
        assert_int_equal(
            letter_subject(flow_view(f), &letters[i], &ret_letters[i].subject), VG_OK);
    }
}

// The ticket of the mutation of which a letter of CPAS_A tells.
__attribute__((unused)) static uint64_t
held_ticket(struct flow_fixture *f, uint64_t number)
{
    struct hot_content content;
    struct letter letter;
    struct bytes body;

    assert_int_equal(flow_letters(f, CPAS_A, number, &letter, 1), 1);
    assert_int_equal(body_get(flow_view(f), letter.body, &body), VG_OK);
    assert_int_equal(hot_read_content((struct hot_bytes){body.at, body.len}, &content),
                     HOT_OK);
    return content.ticket;
}

// A letter of CPAS_A is merged into a later one (flow/repeats.h).
__attribute__((unused)) static struct command *
held_merge(struct flow_fixture *f, const struct letter_about *earlier,
           const struct letter_about *later)
{
    struct command *command = flow_command(f, COMMAND_ADVANCE, 0);

    command->advance.mailbox = CPAS_A;
    command->advance.merges = xcalloc(1, sizeof *command->advance.merges);
    command->advance.merges[command->advance.merges_len++] = (struct merged_letter){
        .about = *earlier,
        .ticket = held_ticket(f, earlier->letter.number),
        .into_ticket = held_ticket(f, later->letter.number),
        .into_number = later->letter.number,
    };
    return command;
}

__attribute__((unused)) static struct command *
held_refuse(struct flow_fixture *f, const struct letter_about *letter, const char *reason)
{
    struct command *command = flow_command(f, COMMAND_REFUSE, CPAS_A);

    buffer_add(&command->frame, reason, strlen(reason));
    command->refuse.mailbox = CPAS_A;
    command->refuse.refused = *letter;
    command->refuse.reason = (struct bytes){command->frame.at, command->frame.len};
    return command;
}

// In flight about the same person when that one was refused.
__attribute__((unused)) static void
held_later(struct command *command, const struct letter_about *letter)
{
    struct refuse_command *request = &command->refuse;

    if (request->later == NULL) {
        request->later = xcalloc(LETTERS_HELD, sizeof *request->later);
    }
    request->later[request->later_len++] = *letter;
}

__attribute__((unused)) static struct command *
held_defer(struct flow_fixture *f, const struct letter_about *letter)
{
    struct command *command = flow_command(f, COMMAND_DEFER, CPAS_A);

    command->defer.mailbox = CPAS_A;
    command->defer.letters = xcalloc(1, sizeof *command->defer.letters);
    command->defer.letters[0] = *letter;
    command->defer.letters_len = 1;
    return command;
}

// through 0: the single one alone; single NULL: the mark alone.
__attribute__((unused)) static struct command *
held_acknowledge(struct flow_fixture *f, const struct letter_about *through,
                 const struct letter_about *single)
{
    struct command *command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A);
    struct acknowledge_command *acknowledge = &command->acknowledge;

    acknowledge->mailbox = CPAS_A;
    if (through != NULL) {
        acknowledge->through = through->letter.number;
        acknowledge->through_bytes = through->letter.bytes_through;
    }
    acknowledge->singles = xcalloc(1, sizeof *acknowledge->singles);
    if (single != NULL) {
        acknowledge->singles_len = 1;
        acknowledge->singles[0] = (struct acknowledge_single){
            single->letter.number, single->letter.bytes_through, single->letter.size};
    }
    return command;
}

__attribute__((unused)) static struct command *
held_handle(struct flow_fixture *f, enum command_kind kind, const uint64_t *numbers,
            size_t len)
{
    static const char reason[] = "the address was mended";
    struct command *command = flow_command(f, kind, CPAS_A);

    buffer_add(&command->frame, reason, sizeof reason - 1);
    command->parked.mailbox = CPAS_A;
    command->parked.reason = (struct bytes){command->frame.at, command->frame.len};
    command->parked.numbers = xcalloc(len, sizeof *numbers);
    command->parked.numbers_len = len;
    memcpy(command->parked.numbers, numbers, len * sizeof *numbers);
    return command;
}

// One of the persons becomes another one. Who follows him gets a letter that says so.
__attribute__((unused)) static void
held_replace(struct flow_fixture *f, int old, int new)
{
    struct hot_mutation mutation = flow_mutation("SSINReplacement", flow_person(old));

    mutation.new_niss = flow_person(new).number;
    flow_publish_one(f, BIS, flow_producer(f, BIS, 1).last_number + 1, mutation);
}

// HELD_GONE when it has no row.
__attribute__((unused)) static struct held_row
held_on_disk(struct flow_fixture *f, uint64_t number)
{
    struct held_row row = {.head = {.state = HELD_GONE}};
    enum vg_status status = held_get(flow_view(f), held_box, number, &row);

    assert_true(status == VG_OK || status == VG_NOT_FOUND);
    return row;
}

// ---- the journal alone says what is held ----

struct replayed {
    struct held_row rows[LETTERS_HELD + 1];
};

static void
replay_item(const struct journal_item *item, int64_t time_us, struct replayed *replayed)
{
    struct journal_acknowledge acknowledge;
    struct journal_held held;

    if (item->kind == JOURNAL_ACKNOWLEDGE) {
        assert_true(journal_item_as(item, &acknowledge, sizeof acknowledge));
        if (acknowledge.one == ACKNOWLEDGED_HELD) {
            replayed->rows[acknowledge.through] = (struct held_row){.reason = ""};
        }
        return;
    }
    if (item->kind < JOURNAL_REFUSE_LETTER || item->kind > JOURNAL_DROP) {
        return;
    }
    assert_true(journal_item_as(item, &held, sizeof held));
    assert_int_equal(item->bytes.len, sizeof held + held.reason_len);

    struct held_row *row = &replayed->rows[held.letter.number];
    int64_t since_us = row->head.since_us == 0 ? time_us : row->head.since_us;

    *row = (struct held_row){.reason = ""};
    if (item->kind != JOURNAL_DROP) {
        row->head = (struct held_head){
            .letter = held.letter,
            .subject = held.subject,
            .due_us = held.due_us,
            .since_us = since_us,
            .attempts = held.attempts,
            .actor = held.actor,
            .state = held.state,
            .reason_len = held.reason_len,
        };
        memcpy(row->reason, item->bytes.at + sizeof held, held.reason_len);
    }
}

__attribute__((unused)) static void
held_assert_journal_agrees(struct flow_fixture *f)
{
    struct replayed *replayed = xcalloc(1, sizeof *replayed);
    struct meta meta = flow_meta(f);
    struct buffer record = {0};
    struct journal_head head;
    struct journal_item item;

    for (uint64_t commit = 1; commit <= meta.last_commit; commit++) {
        size_t offset = 0;

        assert_int_equal(journal_read(f->view, commit, &record, &head, NULL), VG_OK);
        while (journal_next(&record, &offset, &item)) {
            replay_item(&item, head.time_us, replayed);
        }
    }
    for (uint64_t number = 1; number <= LETTERS_HELD; number++) {
        struct held_row row = held_on_disk(f, number);

        assert_memory_equal(&row.head, &replayed->rows[number].head, sizeof row.head);
        assert_string_equal(row.reason, replayed->rows[number].reason);
    }
    buffer_free(&record);
    free(replayed);
}

#endif
