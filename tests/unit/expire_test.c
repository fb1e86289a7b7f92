// SPDX-License-Identifier: EUPL-1.2
// Goal: what is older than its time goes, whole and from the file's live pages; what
// somebody still needs is moved first, and parked when nobody took it for too long; no
// slice is long, and a crash between any two changes nothing of what waits.
// Method: the time is in the batch, so years pass at no cost. Single cases, then a seeded
// random mix with a model of every letter's ticket, the whole check after each slice, and
// the data file searched for the bytes of a body.
#include "flow_fixture.h"

#include <lmdb.h>
#include <sys/stat.h>

enum { REPLAY_DAYS = 7, MONTHS = 24, MANY = 4000, BOXES = 3 };

#define DAY_US (INT64_C(24) * 3600 * 1000000)

static void
pass_days(struct flow_fixture *f, int days)
{
    f->now_us += days * DAY_US;
}

static void
fold(struct flow_fixture *f)
{
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
}

static struct expire_command *
ask(struct flow_fixture *f)
{
    struct expire_command *expire = &flow_command(f, COMMAND_EXPIRE, 0)->expire;

    expire->replay_days = REPLAY_DAYS;
    expire->journal_months = MONTHS;
    expire->folded_commit = flow_meta(f).folded_commit;
    expire->exported_commit = UINT64_MAX;
    return expire;
}

// As the loop does: a fold, then slices until there is no more; returns how many.
static int
expire(struct flow_fixture *f)
{
    struct expire_command *slice;
    int slices = 0;

    fold(f);

    do {
        slice = ask(f);
        flow_apply(f);
        slices++;
        flow_assert_sound(f);
    } while (slice->more);
    return slices;
}

static void
publish(struct flow_fixture *f, int person, size_t len)
{
    struct hot_mutation mutations[1000];

    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_address(person);
    }
    flow_publish(f, RN, 1, flow_producer(f, RN, 1).last_number + 1, mutations, len);
    flow_apply(f);
}

static void
acknowledge(struct flow_fixture *f, uint32_t mailbox, uint64_t through)
{
    struct letter letters[1];
    struct command *command;

    assert_int_equal(flow_letters(f, mailbox, through, letters, 1), 1);
    assert_int_equal(letters[0].number, through);
    command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.through = through;
    command->acknowledge.through_bytes = letters[0].bytes_through;
    flow_apply(f);
}

static void
acknowledge_alone(struct flow_fixture *f, uint32_t mailbox, uint64_t number)
{
    struct letter letters[1];
    struct command *command;

    assert_int_equal(flow_letters(f, mailbox, number, letters, 1), 1);
    command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);
    command->acknowledge.mailbox = mailbox;
    command->acknowledge.singles = xcalloc(1, sizeof *command->acknowledge.singles);
    command->acknowledge.singles_len = 1;
    command->acknowledge.singles[0] =
        (struct acknowledge_single){number, letters[0].bytes_through, letters[0].size};
    flow_apply(f);
}

static uint64_t
blocks_of(struct flow_fixture *f)
{
    struct meta meta = flow_meta(f);

    return meta.last_block + 1 - meta.first_block;
}

// ---- bodies ----

static void
a_body_goes_when_its_window_has_passed(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[2];
    struct bytes body;

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 1);
    flow_letters(f, CPAS_A, 1, letters, 2);
    acknowledge(f, CPAS_A, 1);
    fold(f);
    pass_days(f, REPLAY_DAYS - 1);
    expire(f);
    assert_int_equal(body_get(flow_view(f), letters[0].body, &body), VG_OK);
    pass_days(f, 1);
    expire(f);
    assert_int_equal(body_get(flow_view(f), letters[0].body, &body), VG_NOT_FOUND);
    assert_int_equal(blocks_of(f), 0);
    publish(f, 1, 1); // and goes on
    assert_int_equal(flow_letters(f, CPAS_A, 2, letters, 2), 1);
    assert_int_equal(flow_content(f, &letters[0]).ticket, flow_meta(f).last_sequence);
}

static void
a_letter_that_waits_keeps_its_own_body_only(void **state)
{
    struct flow_fixture *f = *state;
    struct letter before[3], after[3];
    struct journal_moved moved;
    uint64_t ticket;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 2, 2);
    publish(f, 2, 900); // some blocks full, acknowledged
    publish(f, 1, 2);
    ticket = flow_meta(f).last_sequence;
    acknowledge(f, CPAS_B, 900);
    acknowledge(f, CPAS_A, 1);
    fold(f);
    assert_true(blocks_of(f) > 2);
    flow_letters(f, CPAS_A, 2, before, 3);
    for (int turn = 1; turn <= 5; turn++) {
        pass_days(f, REPLAY_DAYS);
        expire(f);
        assert_int_equal(blocks_of(f), 1);
        assert_int_equal(flow_letters(f, CPAS_A, 2, after, 3), 1);
        assert_true(after[0].body != before[0].body);
        assert_int_equal(flow_content(f, &after[0]).ticket, ticket);
        before[0].body = after[0].body; // nothing else differs
        assert_memory_equal(&before[0], &after[0], sizeof before[0]);
        assert_int_equal(flow_last_item(f, JOURNAL_MOVED, &moved, sizeof moved), turn);
        assert_int_equal(moved.number, 2);
        assert_int_equal(moved.body, after[0].body);
        flow_reopen(f);
    }
    acknowledge(f, CPAS_A, 2);
    pass_days(f, REPLAY_DAYS);
    expire(f);
    assert_int_equal(blocks_of(f), 0);
    assert_int_equal(flow_last_item(f, JOURNAL_MOVED, &moved, sizeof moved), 5);
}

static void
one_acknowledged_alone_is_not_moved(void **state)
{
    struct flow_fixture *f = *state;
    struct journal_moved moved;
    struct letter letters[6];

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 5);
    acknowledge_alone(f, CPAS_A, 3);
    fold(f);
    pass_days(f, REPLAY_DAYS);
    expire(f);
    assert_int_equal(flow_last_item(f, JOURNAL_MOVED, &moved, sizeof moved), 4);
    assert_int_equal(moved.number, 5);
    flow_letters(f, CPAS_A, 1, letters, 6);
    assert_int_equal(flow_content(f, &letters[3]).ticket, flow_meta(f).last_sequence - 1);
}

// Letters of one mutation share a body, and its copy.
static void
a_shared_body_is_copied_once(void **state)
{
    struct flow_fixture *f = *state;
    struct letter a[1], b[1];

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 3);
    publish(f, 1, 1);
    flow_letters(f, CPAS_A, 1, a, 1);
    flow_letters(f, CPAS_B, 1, b, 1);
    assert_int_equal(a[0].body, b[0].body);
    fold(f);
    pass_days(f, REPLAY_DAYS);
    expire(f);
    flow_letters(f, CPAS_A, 1, a, 1);
    flow_letters(f, CPAS_B, 1, b, 1);
    assert_int_equal(a[0].body, b[0].body);
    assert_int_equal(flow_content(f, &a[0]).ticket, flow_meta(f).last_sequence);
}

static void
only_what_the_loop_knows_as_filed_is_touched(void **state)
{
    struct flow_fixture *f = *state;
    struct expire_command *slice;
    uint64_t folded;

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 10);
    folded = flow_meta(f).folded_commit;
    pass_days(f, REPLAY_DAYS);
    ask(f)->folded_commit = UINT64_MAX; // nothing is filed
    flow_apply(f);
    assert_int_equal(blocks_of(f), 1);
    fold(f);
    slice = ask(f);
    slice->folded_commit = folded; // the loop has not taken that fold
    flow_apply(f);
    assert_int_equal(blocks_of(f), 1);
    assert_int_equal(slice->moved, 0);
    expire(f);
    assert_int_equal(blocks_of(f), 1); // the copies'
    assert_int_equal(flow_meta(f).first_block, 2);
}

static void
slices_are_short_and_a_crash_may_come_between(void **state)
{
    struct flow_fixture *f = *state;
    struct expire_command *slice;
    uint64_t first;
    int slices = 0;

    flow_follow(f, CPAS_A, 1, 2);
    first = flow_meta(f).last_sequence + 1;
    for (int i = 0; i < 3; i++) {
        publish(f, 1, 1000);
    }
    fold(f);
    pass_days(f, REPLAY_DAYS);
    do {
        slice = ask(f);
        flow_apply(f);
        assert_true(slice->moved <= 700);
        flow_assert_sound(f); // all 3000 have a body
        flow_reopen(f);
        slices++;
    } while (slice->more);
    assert_in_range(slices, 5, 12);
    assert_true(flow_meta(f).first_block > 1);
    for (uint64_t number = 1; number <= 3000; number += 37) {
        struct letter letters[1];

        flow_letters(f, CPAS_A, number, letters, 1);
        assert_int_equal(flow_content(f, &letters[0]).ticket, first + number - 1);
    }
}

// ---- the file ----

// Gives: free.
static uint8_t *
read_file(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    struct stat size;
    uint8_t *bytes;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &size), 0);
    bytes = xcalloc(1, (size_t)size.st_size);
    *ret_len = (size_t)size.st_size;
    assert_int_equal(fread(bytes, 1, *ret_len, file), *ret_len);
    fclose(file);
    return bytes;
}

// The compacting copy. Gives: free.
static uint8_t *
read_copy(struct flow_fixture *f, size_t *ret_len)
{
    char path[340], copy[320];
    MDB_env *env = NULL;
    uint8_t *bytes;

    flow_close_store(f);
    snprintf(copy, sizeof copy, "%s/copy", f->path);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, f->path, MDB_RDONLY, 0600), 0);
    assert_int_equal(mkdir(copy, 0700), 0);
    assert_int_equal(mdb_env_copy2(env, copy, MDB_CP_COMPACT), 0);
    mdb_env_close(env);
    snprintf(path, sizeof path, "%s/data.mdb", copy);
    bytes = read_file(path, ret_len);
    unlink(path);
    rmdir(copy);
    flow_open_store(f);
    return bytes;
}

static bool
has_words(uint8_t *bytes, size_t len, const char *words)
{
    bool has = memmem(bytes, len, words, strlen(words)) != NULL;

    free(bytes);
    return has;
}

static bool
file_has(const char *path, const char *words)
{
    size_t len = 0;
    uint8_t *bytes = read_file(path, &len);

    return has_words(bytes, len, words);
}

static bool
copy_has(struct flow_fixture *f, const char *words)
{
    size_t len = 0;
    uint8_t *bytes = read_copy(f, &len);

    return has_words(bytes, len, words);
}

// LMDB keeps freed pages as they are until it uses them again: the live pages do not have
// the body any more, the file may.
static void
what_is_erased_is_in_no_live_page(void **state)
{
    static const char secret[] = "Rue de la Preuve 4711";
    struct flow_fixture *f = *state;
    struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(1));
    char path[300];

    flow_field(&mutation, "020", secret);
    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, mutation);
    flow_apply(f);
    acknowledge(f, CPAS_A, 1);
    fold(f);
    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    assert_true(file_has(path, secret));
    assert_true(copy_has(f, secret));
    pass_days(f, REPLAY_DAYS);
    expire(f);
    assert_false(copy_has(f, secret));
    print_message("the file %s it after erasing\n",
                  file_has(path, secret) ? "still has" : "no longer has");
    for (int i = 0; i < 10; i++) { // pages are used again
        publish(f, 2, 1);
        fold(f);
    }
    pass_days(f, REPLAY_DAYS);
    flow_follow(f, CPAS_A, 3, 2);
    for (int i = 0; i < 4; i++) {
        publish(f, 3, 1000);
    }
    assert_false(file_has(path, secret));
}

// Every letter of a commit of its own: their blocks lie together in pages, and go one by one.
static size_t
count_erased(uint8_t *bytes, size_t len, uint64_t letters, uint64_t *ret_erased)
{
    size_t found = 0;

    *ret_erased = 0;
    for (uint64_t number = 1; number <= letters; number++) {
        char words[40];
        bool has;

        snprintf(words, sizeof words, "Rue de la Preuve %05d", (int)number);
        has = memmem(bytes, len, words, strlen(words)) != NULL;
        if (number + REPLAY_DAYS * 4 <= letters) {
            ++*ret_erased;
            found += has;
        }
        assert_true(has || number + (REPLAY_DAYS - 1) * 4 <= letters);
    }
    free(bytes);
    return found;
}

static void
a_compacting_copy_has_nothing_that_was_erased(void **state)
{
    struct flow_fixture *f = *state;
    char path[300];
    size_t in_copy = 0, in_file = 0, len = 0;
    uint64_t erased = 0;

    flow_follow(f, CPAS_A, 1, 2);
    snprintf(path, sizeof path, "%s/data.mdb", f->path);
    for (int number = 1; number <= 200; number++) {
        struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(1));
        char words[40];

        snprintf(words, sizeof words, "Rue de la Preuve %05d", number);
        flow_field(&mutation, "020", words);
        flow_publish_one(f, RN, (uint64_t)number, mutation);
        flow_apply(f);
        if (number % 4 == 0) {
            acknowledge(f, CPAS_A, (uint64_t)number);
            pass_days(f, 1);
            expire(f);
        }
        if (number % 40 == 0) {
            uint8_t *bytes = read_copy(f, &len);

            in_copy += count_erased(bytes, len, (uint64_t)number, &erased);
            bytes = read_file(path, &len);
            in_file += count_erased(bytes, len, (uint64_t)number, &erased);
        }
    }
    assert_true(erased > 100);
    print_message("the file still has %zu of what was erased, its copy %zu\n", in_file,
                  in_copy);
    assert_int_equal(in_copy, 0);
}

// ---- letters that nobody takes ----

// Once a day, as long as that; returns how many letters were parked.
static size_t
pass_unread_days(struct flow_fixture *f, int days)
{
    size_t parked = 0;

    for (int day = 0; day < days; day++) {
        struct expire_command *slice;

        pass_days(f, 1);
        fold(f);
        do {
            slice = ask(f);
            slice->unread_days = 90;
            flow_apply(f);
            parked += slice->unread_len;
        } while (slice->more);
    }
    return parked;
}

static struct held_row
held_of(struct flow_fixture *f, uint32_t mailbox, uint64_t number)
{
    struct held_row row;

    assert_int_equal(held_get(flow_view(f), (struct mailbox_id){mailbox}, number, &row),
                     VG_OK);
    return row;
}

static void
what_nobody_takes_is_parked(void **state)
{
    struct flow_fixture *f = *state;
    struct mailbox_row row_now;
    struct journal_held parked;
    struct held_row row;
    uint64_t first;

    flow_follow(f, CPAS_A, 1, 2);
    first = flow_meta(f).last_sequence + 1;
    publish(f, 1, 5);
    acknowledge(f, CPAS_A, 2);
    acknowledge_alone(f, CPAS_A, 4);
    assert_int_equal(pass_unread_days(f, 20), 0);
    publish(f, 1, 1);
    assert_int_equal(pass_unread_days(f, 69), 0); // of 90 days one is missing
    assert_int_equal(flow_row(f, CPAS_A).parked, 0);
    assert_int_equal(pass_unread_days(f, REPLAY_DAYS), 2);
    assert_int_equal(flow_row(f, CPAS_A).parked, 2);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 5);
    row_now = flow_row(f, CPAS_A);
    assert_int_equal(mailbox_waiting(&row_now), 1);
    row = held_of(f, CPAS_A, 3);
    assert_int_equal(row.head.state, HELD_PARKED);
    assert_int_equal(row.head.actor, 0);
    assert_int_equal(row.head.subject, flow_person(1).number);
    assert_string_equal(row.reason, "unread for 90 days");
    assert_int_equal(flow_last_item(f, JOURNAL_PARK, &parked, sizeof parked), 2);
    assert_int_equal(parked.letter.number, 5);
    assert_int_equal(pass_unread_days(f, 30), 1); // 6, at its own time
    row = held_of(f, CPAS_A, 3);                  // and what is parked is kept
    assert_int_equal(flow_content(f, &row.head.letter).ticket, first + 2);
}

static void
a_mailbox_has_its_own_number_of_days(void **state)
{
    struct flow_fixture *f = *state;
    struct command *command;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 4);
    command = flow_command(f, COMMAND_SET_LIMITS, 0);
    command->set_limits = (struct set_limits_command){
        .mailbox = CPAS_A, .named = LIMIT_AGE, .limits = {.age_days = 10}};
    flow_apply(f);
    publish(f, 1, 1);
    assert_int_equal(pass_unread_days(f, 9), 0);
    assert_int_equal(pass_unread_days(f, REPLAY_DAYS), 1);
    assert_string_equal(held_of(f, CPAS_A, 1).reason, "unread for 10 days");
    assert_int_equal(flow_row(f, CPAS_B).parked, 0);
}

static void
the_answer_names_what_was_parked(void **state)
{
    struct flow_fixture *f = *state;
    struct expire_command *slice;

    flow_follow(f, CPAS_A, 1, 2);
    flow_follow(f, CPAS_B, 1, 3);
    publish(f, 1, 1);
    fold(f);
    pass_days(f, 89);
    slice = ask(f);
    slice->unread_days = 90;
    flow_apply(f);
    assert_int_equal(slice->unread_len, 0);
    assert_int_equal(slice->moved, 2);
    pass_days(f, REPLAY_DAYS);
    fold(f);
    slice = ask(f);
    slice->unread_days = 90;
    flow_apply(f);
    assert_int_equal(slice->unread_len, 2);
    for (size_t i = 0; i < 2; i++) {
        struct held_row row = held_of(f, CPAS_A + (uint32_t)i, 1);

        assert_int_equal(slice->unread[i].mailbox, CPAS_A + i);
        assert_int_equal(slice->unread[i].number, 1);
        assert_int_equal(flow_content(f, &row.head.letter).ticket,
                         flow_meta(f).last_sequence);
    }
}

static void
a_refused_letter_is_parked_in_the_end(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[2];
    struct refuse_command *refused;

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 2);
    flow_letters(f, CPAS_A, 1, letters, 2);
    refused = &flow_command(f, COMMAND_REFUSE, CPAS_A)->refuse;
    refused->mailbox = CPAS_A;
    refused->refused = (struct letter_about){letters[0], flow_person(1).number};
    refused->later = xcalloc(1, sizeof *refused->later);
    refused->later_len = 1;
    refused->later[0] = (struct letter_about){letters[1], flow_person(1).number};
    refused->reason = bytes_of("not today");
    refused->retry_after_ms = 1000;
    flow_apply(f);
    assert_int_equal(flow_row(f, CPAS_A).held, 2);
    assert_int_equal(pass_unread_days(f, 90 + REPLAY_DAYS), 2);
    assert_int_equal(flow_row(f, CPAS_A).held, 0);
    assert_int_equal(flow_row(f, CPAS_A).parked, 2);
    assert_string_equal(held_of(f, CPAS_A, 1).reason, "unread for 90 days");
}

// ---- the journal ----

static void
records_go_after_the_months_set(void **state)
{
    struct flow_fixture *f = *state;
    struct expire_command *slice;
    struct meta meta;

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 20);
    acknowledge(f, CPAS_A, 15);
    fold(f);
    pass_days(f, 729); // 2028-11-18: the last day of two years
    expire(f);
    assert_int_equal(flow_meta(f).first_commit, 1);
    pass_days(f, 3);
    slice = ask(f);
    slice->exported_commit = 2; // the others must be exported first
    flow_apply(f);
    meta = flow_meta(f);
    assert_int_equal(meta.first_commit, 3);
    assert_true(slice->unexported);
    assert_false(slice->more);
    flow_assert_sound(f);
    expire(f);
    meta = flow_meta(f);
    assert_true(meta.first_commit >= 5);
    assert_true(meta.first_commit <= meta.erased_commit + 1);
    flow_reopen(f);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 15);
    acknowledge(f, CPAS_A, 20);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 20);
}

static void
an_idle_broker_writes_next_to_nothing(void **state)
{
    struct flow_fixture *f = *state;
    uint64_t commits;

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 5);
    fold(f);
    commits = flow_meta(f).last_commit;
    for (int day = 0; day < 700; day++) { // a stuck mailbox is moved once a week
        pass_days(f, 1);
        expire(f);
    }
    assert_in_range(flow_meta(f).last_commit - commits, 190, 210);
    acknowledge(f, CPAS_A, 5);
    commits = flow_meta(f).last_commit;
    for (int day = 0; day < 100; day++) {
        pass_days(f, 1);
        expire(f);
    }
    assert_in_range(flow_meta(f).last_commit - commits, 0, 60); // old weeks are trimmed
}

// ---- a random mix ----

struct model {
    uint64_t tickets[BOXES][MANY]; // of number n at n - 1
    uint64_t seed;
};

static void
take_batch(struct flow_fixture *f, struct model *model)
{
    for (size_t i = 0; i < f->done->posted_len; i++) {
        const struct posted *posted = &f->done->posted[i];

        assert_true(posted->letter.number <= MANY);
        model->tickets[posted->mailbox - CPAS_A][posted->letter.number - 1] =
            flow_content(f, &posted->letter).ticket;
    }
}

static void
assert_all_waits(struct flow_fixture *f, const struct model *model)
{
    for (uint32_t box = 0; box < BOXES; box++) {
        struct mailbox_row row = flow_row(f, CPAS_A + box);
        struct letter letters[MANY];
        size_t len = flow_letters(f, CPAS_A + box, row.acknowledged + 1, letters, MANY);

        assert_int_equal(len, row.last - row.acknowledged);
        for (size_t i = 0; i < len; i++) {
            bool have = false;

            assert_int_equal(ranges_have(f->view, (struct mailbox_id){CPAS_A + box},
                                         letters[i].number, &have),
                             VG_OK);
            if (!have) {
                assert_int_equal(flow_content(f, &letters[i]).ticket,
                                 model->tickets[box][letters[i].number - 1]);
            }
        }
    }
}

static void
draw_acknowledge(struct flow_fixture *f, struct model *model)
{
    uint32_t mailbox = CPAS_A + (uint32_t)flow_draw(&model->seed, BOXES);
    struct mailbox_row row = flow_row(f, mailbox);
    uint64_t number;

    if (row.last == row.acknowledged) {
        return;
    }
    number = row.acknowledged + 1 + flow_draw(&model->seed, row.last - row.acknowledged);
    if (flow_draw(&model->seed, 2) == 0) {
        acknowledge(f, mailbox, number);
    } else {
        acknowledge_alone(f, mailbox, number);
    }
}

static void
draw_deed(struct flow_fixture *f, struct model *model)
{
    struct expire_command *slice;

    switch (flow_draw(&model->seed, 6)) {
    case 0:
        publish(f, 1 + (int)flow_draw(&model->seed, BOXES),
                1 + flow_draw(&model->seed, 60));
        take_batch(f, model);
        break;
    case 1:
        draw_acknowledge(f, model);
        break;
    case 2:
        fold(f);
        break;
    case 3:
        pass_days(f, (int)flow_draw(&model->seed, 12));
        break;
    default:
        slice = ask(f);
        slice->journal_months = 1;
        slice->unread_days = 30;
        flow_apply(f);
        break;
    }
    if (flow_draw(&model->seed, 8) == 0) {
        flow_reopen(f);
    }
}

static void
whatever_waits_can_be_read(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct flow_fixture *f = flow_begin();
        struct model *model = xcalloc(1, sizeof *model);
        struct meta meta;

        flow_furnish(f);
        for (int box = 0; box < BOXES; box++) {
            flow_follow(f, CPAS_A + (uint32_t)box, 1 + box, 2);
        }
        flow_follow(f, CPAS_A, 2, 4); // some reach two mailboxes
        model->seed = seed;
        for (int deed = 0; deed < 250; deed++) {
            draw_deed(f, model);
            assert_all_waits(f, model);
            flow_assert_sound(f);
        }
        meta = flow_meta(f);
        assert_true(meta.first_block > 5 && meta.first_commit > 5);
        free(model);
        flow_end(f);
    }
}

// ---- faults ----

// Changes a byte in the value of a table's row, behind the store's back.
static void
flip(struct flow_fixture *f, const char *table, const void *key, size_t key_len,
     size_t offset)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    MDB_val mdb_key = {key_len, (void *)(uintptr_t)key}, value;
    uint8_t copy[65536];

    flow_close_store(f);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 64), 0);
    assert_int_equal(mdb_env_set_mapsize(env, 256 << 20), 0);
    assert_int_equal(mdb_env_open(env, f->path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &mdb_key, &value), 0);
    memcpy(copy, value.mv_data, value.mv_size);
    copy[offset] ^= 1;
    value.mv_data = copy;
    assert_int_equal(mdb_put(txn, dbi, &mdb_key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    flow_open_store(f);
}

static void
damage_stops_it_and_is_named(void **state)
{
    static const uint8_t block[8] = {0, 0, 0, 0, 0, 0, 0, 1};
    struct flow_fixture *f = *state;
    struct expire_command *slice;
    char words[64];
    uint64_t commit;
    uint8_t key[8] = {0};

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 3);
    commit = flow_meta(f).last_commit;
    fold(f);
    pass_days(f, REPLAY_DAYS);
    flip(f, "bodies", block, sizeof block, 100);
    for (int i = 0; i < 3; i++) {
        slice = ask(f);
        flow_apply(f);
        assert_true(slice->stuck);
        assert_false(slice->more);
        assert_string_equal(slice->why.text, "block 1: its checksum does not hold");
        assert_int_equal(f->done->commit, 0); // and nothing is written
    }
    flip(f, "bodies", block, sizeof block, 100);
    key[5] = (uint8_t)commit;
    flip(f, "commits", key, sizeof key, 70);
    slice = ask(f);
    flow_apply(f);
    assert_true(slice->stuck);
    snprintf(words, sizeof words, "commit %llu: its hash does not hold",
             (unsigned long long)commit);
    assert_string_equal(slice->why.text, words);
    flip(f, "commits", key, sizeof key, 70);
    slice = ask(f);
    flow_apply(f);
    assert_false(slice->stuck);
    assert_int_equal(slice->moved, 3);
}

// Its letters come when the row is mended: where their bodies lie stands in the journal.
static void
a_damaged_row_is_not_made_to_look_sound(void **state)
{
    static const uint8_t row[12] = {0, 0, 0, CPAS_A, 0, 0, 0, 0, 0, 0, 0, 1};
    struct flow_fixture *f = *state;
    struct letter letters[3];
    struct journal_moved moved;
    struct bytes body;
    size_t len = 0;

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 3);
    fold(f);
    pass_days(f, REPLAY_DAYS);
    flip(f, "backlog", row, sizeof row, 60);
    ask(f);
    flow_apply(f);
    assert_int_equal(
        backlog_read(flow_view(f), (struct mailbox_id){CPAS_A}, 1, letters, 3, &len),
        VG_STORE_BROKEN);
    assert_int_equal(flow_last_item(f, JOURNAL_MOVED, &moved, sizeof moved), 3);
    assert_int_equal(body_get(flow_view(f), moved.body, &body), VG_OK);
    assert_int_equal(body.len, moved.size);
    flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A); // then the check has nothing to say
    f->next->last->acknowledge.mailbox = CPAS_A;
    f->next->last->acknowledge.through = 3;
    f->next->last->acknowledge.through_bytes = flow_row(f, CPAS_A).bytes_total;
    flow_apply(f);
}

static void
a_full_store_puts_it_off(void **state)
{
    struct flow_fixture *f = *state;
    struct lmdb_calls calls = lmdb_own_calls;
    struct meta before;

    flow_follow(f, CPAS_A, 1, 2);
    publish(f, 1, 300);
    fold(f);
    pass_days(f, REPLAY_DAYS);
    before = flow_meta(f);
    calls.put = flow_full_put;
    for (size_t puts = 0; puts < 300; puts += 60) {
        struct expire_command *slice = ask(f);
        struct meta after;

        flow_puts_left = puts;
        store_use_calls(&calls);
        flow_apply(f);
        store_use_calls(NULL);
        assert_false(slice->more);
        after = flow_meta(f);
        assert_memory_equal(&before, &after, sizeof before);
        flow_assert_sound(f);
    }
    expire(f);
    assert_int_equal(flow_meta(f).first_block, before.last_block + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_body_goes_when_its_window_has_passed),
        FLOW_TEST(a_letter_that_waits_keeps_its_own_body_only),
        FLOW_TEST(one_acknowledged_alone_is_not_moved),
        FLOW_TEST(a_shared_body_is_copied_once),
        FLOW_TEST(only_what_the_loop_knows_as_filed_is_touched),
        FLOW_TEST(slices_are_short_and_a_crash_may_come_between),
        FLOW_TEST(what_is_erased_is_in_no_live_page),
        FLOW_TEST(a_compacting_copy_has_nothing_that_was_erased),
        FLOW_TEST(what_nobody_takes_is_parked),
        FLOW_TEST(a_mailbox_has_its_own_number_of_days),
        FLOW_TEST(the_answer_names_what_was_parked),
        FLOW_TEST(a_refused_letter_is_parked_in_the_end),
        FLOW_TEST(records_go_after_the_months_set),
        FLOW_TEST(an_idle_broker_writes_next_to_nothing),
        cmocka_unit_test(whatever_waits_can_be_read),
        FLOW_TEST(damage_stops_it_and_is_named),
        FLOW_TEST(a_damaged_row_is_not_made_to_look_sound),
        FLOW_TEST(a_full_store_puts_it_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
