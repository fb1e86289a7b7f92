// SPDX-License-Identifier: EUPL-1.2
// Goal: a pass reads everything that has a checksum, however small its pieces; it names what
// is damaged and the letters that cannot be read by it, and nothing else.
// Method: a small store of two mailboxes whose bodies lie in blocks of their own; bytes of
// its file are flipped under it.
#include "flow_fixture.h"

#include "store/held.h"
#include "store/scrub.h"
#include "store/store_internal.h"

#include "../damage_file.h"

enum { FINDINGS_MAX = 64, ALL = 1 << 30 };

struct seen {
    struct scrub_finding finding[FINDINGS_MAX];
    size_t len;
    size_t pieces;
    size_t bytes;
};

static void
keep(const struct scrub_finding *finding, void *arg)
{
    struct seen *seen = arg;

    assert_true(seen->len < FINDINGS_MAX);
    seen->finding[seen->len++] = *finding;
}

static struct seen
scrub(struct flow_fixture *f, size_t piece_bytes)
{
    struct seen seen = {.len = 0};
    struct scrub scrub = {.found = keep, .arg = &seen};

    while (scrub.stage != SCRUB_DONE) {
        size_t bytes = 0;

        assert_int_equal(scrub_read(&scrub, flow_view(f), piece_bytes, &bytes, &f->why),
                         VG_OK);
        seen.bytes += bytes;
        seen.pieces++;
    }
    scrub_end(&scrub);
    return seen;
}

// Commits of `letters` mutations each, about a person of each CPAS in turn: a block each.
static void
publish(struct flow_fixture *f, int commits, size_t letters)
{
    for (int i = 0; i < commits; i++) {
        struct hot_mutation mutations[20];
        uint64_t first = flow_producer(f, RN, 1).last_number + 1;

        for (size_t j = 0; j < letters; j++) {
            mutations[j] = flow_address(1 + i % 2);
        }
        flow_publish(f, RN, 1, first, mutations, letters);
        flow_apply(f);
    }
}

static void
fold(struct flow_fixture *f)
{
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
}

static void
acknowledge(struct flow_fixture *f, uint32_t mailbox, uint64_t through)
{
    struct letter letter;
    size_t len = flow_letters(f, mailbox, through, &letter, 1);
    struct command *command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);

    assert_int_equal(len, 1);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.through = through;
    command->acknowledge.through_bytes = letter.bytes_through;
    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

static int
begin(void **state)
{
    struct flow_fixture *f = flow_begin();

    flow_furnish(f);
    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 2, 2);
    publish(f, 8, 5); // blocks 1, 3, 5, 7 are A's
    fold(f);
    publish(f, 2, 5);
    *state = f;
    return 0;
}

static int
end(void **state)
{
    flow_end(*state);
    return 0;
}

#define scrub_test(name) cmocka_unit_test_setup_teardown(name, begin, end)

static void
a_sound_store_gives_no_finding_in_pieces_of_any_size(void **state)
{
    struct flow_fixture *f = *state;
    struct meta meta = flow_meta(f);
    struct seen whole = scrub(f, ALL);
    struct seen small = scrub(f, 1);

    assert_int_equal(whole.len, 0);
    assert_int_equal(whole.pieces, 1);
    assert_int_equal(small.len, 0);
    assert_int_equal(small.bytes, whole.bytes);
    assert_true(small.pieces > meta.last_commit + meta.last_block);
}

static void
a_damaged_block_is_named_with_the_first_letter_of_each_row(void **state)
{
    struct flow_fixture *f = *state;
    struct key block = key_of_u64(3);

    damage_row(f, TABLE_BODIES, &block);

    struct seen seen = scrub(f, 1);

    assert_int_equal(seen.len, 2);
    assert_int_equal(seen.finding[0].block, 3);
    assert_int_equal(seen.finding[0].mailbox.number, 0);
    assert_string_equal(seen.finding[0].why.text, "block 3: its checksum does not hold");
    assert_int_equal(seen.finding[1].mailbox.number, CPAS_A);
    assert_int_equal(seen.finding[1].number, 6);
    assert_string_equal(seen.finding[1].why.text,
                        "letter 6: block 3: its checksum does not hold");
}

static void
letters_that_are_done_with_are_not_named(void **state)
{
    struct flow_fixture *f = *state;
    struct key block = key_of_u64(3);

    acknowledge(f, CPAS_A, 10);
    damage_row(f, TABLE_BODIES, &block);

    struct seen seen = scrub(f, 1);

    assert_int_equal(seen.len, 1);
    assert_int_equal(seen.finding[0].block, 3);
}

static void
a_damaged_record_and_a_damaged_row_are_named(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t last = flow_meta(f).last_commit;
    struct key record = key_of_u64(last << PART_BITS);
    struct key row = key_of_u32_u64(CPAS_B, 1);
    char words[80];

    damage_row(f, TABLE_COMMITS, &record);
    damage_row(f, TABLE_BACKLOG, &row);

    struct seen seen = scrub(f, 1);

    assert_int_equal(seen.len, 2);
    snprintf(words, sizeof words, "commit %llu: its hash does not hold",
             (unsigned long long)last);
    assert_string_equal(seen.finding[0].why.text, words);
    assert_int_equal(seen.finding[0].mailbox.number, 0);
    assert_int_equal(seen.finding[1].mailbox.number, CPAS_B);
    assert_int_equal(seen.finding[1].number, 1);
}

// Erased between two pieces: what went is not missed.
static void
a_pass_goes_on_in_a_store_that_changes(void **state)
{
    struct flow_fixture *f = *state;
    struct seen seen = {.len = 0};
    struct scrub scrub = {.found = keep, .arg = &seen};
    size_t bytes = 0;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(scrub_read(&scrub, flow_view(f), 1, &bytes, &f->why), VG_OK);
    }
    store_abort(&f->view);
    publish(f, 4, 5);
    fold(f);
    while (scrub.stage != SCRUB_DONE) {
        assert_int_equal(scrub_read(&scrub, flow_view(f), 1, &bytes, &f->why), VG_OK);
    }
    scrub_end(&scrub);
    assert_int_equal(seen.len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        scrub_test(a_sound_store_gives_no_finding_in_pieces_of_any_size),
        scrub_test(a_damaged_block_is_named_with_the_first_letter_of_each_row),
        scrub_test(letters_that_are_done_with_are_not_named),
        scrub_test(a_damaged_record_and_a_damaged_row_are_named),
        scrub_test(a_pass_goes_on_in_a_store_that_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
