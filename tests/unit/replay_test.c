// SPDX-License-Identifier: EUPL-1.2
// Goal: an earlier copy of a store and the journal since make the store as it was at any
// commit, row by row; what does not follow on is refused.
// Method: seeded random deeds of every kind; the file is copied at random commits. Each copy
// is brought forward to the commits of the copies after it, and all tables are compared.
#include "catch_up_scene.h"
#include "held_scene.h"

#include "flow/replay.h"
#include "store/store_internal.h"

#include <sys/stat.h>

enum { DEEDS = 160, COPIES_MAX = 24, PEOPLE = 12, SEEDS = 5 };

// ---- copies of the file ----

struct copies {
    char path[COPIES_MAX][300];
    uint64_t commit[COPIES_MAX];
    size_t len;
    char work[300];
};

static void
copy_file(const char *from_folder, const char *to_folder)
{
    char path[320];
    struct buffer bytes = {0};
    FILE *file;

    snprintf(path, sizeof path, "%s/data.mdb", from_folder);
    file = fopen(path, "r");
    assert_non_null(file);
    for (size_t got = 1; got > 0; bytes.len += got) {
        got = fread(buffer_reserve(&bytes, 1 << 20), 1, 1 << 20, file);
    }
    fclose(file);
    mkdir(to_folder, 0700);
    snprintf(path, sizeof path, "%s/data.mdb", to_folder);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
    buffer_free(&bytes);
}

static void
remove_folder(const char *folder)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "vigie.lock"};
    char path[320];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

// Nobody writes meanwhile, and the last commit is synced: the file is the store.
static void
take_copy(struct flow_fixture *f, struct copies *copies)
{
    size_t i = copies->len++;

    assert_true(i < COPIES_MAX);
    snprintf(copies->path[i], sizeof copies->path[i], "%s.%zu", f->path, i);
    copies->commit[i] = flow_meta(f).last_commit;
    copy_file(f->path, copies->path[i]);
}

static struct store *
open_copy(const char *folder)
{
    struct store_options options = {.path = folder, .map_bytes = 256 << 20};
    struct store *store = NULL;

    assert_int_equal(store_open(&options, &store, NULL), VG_OK);
    return store;
}

static struct store *
open_work(struct copies *copies, size_t i)
{
    copy_file(copies->path[i], copies->work);
    return open_copy(copies->work);
}

static void
forget_copies(struct copies *copies)
{
    for (size_t i = 0; i < copies->len; i++) {
        remove_folder(copies->path[i]);
    }
}

// ---- are two stores the same? ----

static enum vg_status
next(struct cursor *cursor, bool first)
{
    return cursor_move(cursor, first ? MDB_FIRST : MDB_NEXT);
}

static void
assert_same_table(struct txn *a, struct txn *b, enum table table)
{
    struct cursor left, right;
    bool first = true;

    assert_int_equal(cursor_open(a, table, &left), VG_OK);
    assert_int_equal(cursor_open(b, table, &right), VG_OK);
    for (;; first = false) {
        enum vg_status status = next(&left, first);

        if (next(&right, first) != status) {
            fail_msg("table %d has more rows in one store", (int)table);
        }
        if (status == VG_NOT_FOUND) {
            break;
        }
        assert_int_equal(status, VG_OK);
        assert_int_equal(left.key.len, right.key.len);
        assert_memory_equal(left.key.at, right.key.at, left.key.len);
        if (left.value.len != right.value.len ||
            memcmp(left.value.at, right.value.at, left.value.len) != 0) {
            fail_msg("table %d: a row of %zu and %zu bytes differs", (int)table,
                     left.value.len, right.value.len);
        }
    }
    cursor_close(&left);
    cursor_close(&right);
}

// Rows may be cut elsewhere, and what is done with may be gone: the letters that wait count.
static void
assert_same_backlog(struct txn *a, struct txn *b, uint32_t mailbox)
{
    struct letter left[64], right[64];
    size_t left_len = 1, right_len;
    struct mailbox_row row;
    uint64_t from;

    assert_int_equal(mailbox_get(a, (struct mailbox_id){mailbox}, &row), VG_OK);
    from = row.acknowledged + 1;
    while (left_len > 0) {
        assert_int_equal(
            backlog_read(a, (struct mailbox_id){mailbox}, from, left, 64, &left_len),
            VG_OK);
        assert_int_equal(
            backlog_read(b, (struct mailbox_id){mailbox}, from, right, 64, &right_len),
            VG_OK);
        assert_int_equal(left_len, right_len);
        assert_memory_equal(left, right, left_len * sizeof *left);
        from = left_len > 0 ? left[left_len - 1].number + 1 : from;
    }
}

static void
assert_same(struct store *one, struct store *other)
{
    struct txn *a = NULL;
    struct txn *b = NULL;

    assert_int_equal(store_read(one, &a, NULL), VG_OK);
    assert_int_equal(store_read(other, &b, NULL), VG_OK);
    for (enum table table = 0; table < TABLES; table++) {
        if (table != TABLE_BACKLOG) {
            assert_same_table(a, b, table);
        }
    }
    for (uint32_t i = 1; i < INSTITUTIONS + 8; i++) {
        assert_same_backlog(a, b, i);
        assert_same_backlog(a, b, MAILBOX_EXTRA_FIRST + i - 1);
    }
    store_abort(&a);
    store_abort(&b);
}

static void
assert_sound(struct store *store)
{
    struct check_report report = {.commits = 0};

    assert_int_equal(store_check(store, &report, NULL, NULL, NULL), VG_OK);
    if (report.faults.total > 0) {
        fail_msg("%s", report.faults.fault[0].why.text);
    }
}

// ---- deeds ----

struct script {
    uint64_t seed;
    uint64_t named; // mailboxes, institutions and keys so far
    uint8_t key;
};

static struct niss
draw_person(struct script *script)
{
    return flow_person((int)flow_draw(&script->seed, PEOPLE));
}

static uint32_t
draw_cpas(struct script *script)
{
    return CPAS_A + (uint32_t)flow_draw(&script->seed, 3);
}

// Replaces or cancels the producer's last one, if it is about the same person.
static void
correct_last(struct flow_fixture *f, struct script *script, uint32_t producer,
             struct hot_mutation *mutation)
{
    static char ticket[24];

    snprintf(ticket, sizeof ticket, "%llu",
             (unsigned long long)flow_producer(f, RN, producer).last_ticket);
    *(flow_draw(&script->seed, 2) == 0 ? &mutation->cancels : &mutation->replaces) =
        flow_words(ticket);
}

static void
draw_publish(struct flow_fixture *f, struct script *script)
{
    static const size_t sizes[] = {1, 3, 40, 120};
    struct hot_mutation mutations[120];
    uint32_t producer = 1 + (uint32_t)flow_draw(&script->seed, 2);
    size_t len = sizes[flow_draw(&script->seed, ARRAY_LEN(sizes))];

    for (size_t i = 0; i < len; i++) {
        int who = (int)flow_draw(&script->seed, len == 1 ? 1 : PEOPLE);

        mutations[i] = flow_address(who);
        if (flow_draw(&script->seed, 12) == 0) {
            mutations[i].flow = flow_words("nothing");
        }
        if (len == 1 && flow_draw(&script->seed, 2) == 0) {
            correct_last(f, script, producer, &mutations[i]);
        }
    }
    flow_publish(f, RN, producer, flow_producer(f, RN, producer).last_number + 1,
                 mutations, len);
}

static void
draw_replacement(struct flow_fixture *f, struct script *script)
{
    struct hot_mutation mutation = flow_mutation("SSINReplacement", draw_person(script));

    mutation.new_niss = flow_person((int)flow_draw(&script->seed, 2 * PEOPLE)).number;
    flow_publish_one(f, BIS, flow_producer(f, BIS, 1).last_number + 1, mutation);
}

// A mark, or single ones far apart.
static void
draw_acknowledge(struct flow_fixture *f, struct script *script)
{
    uint32_t mailbox = draw_cpas(script);
    struct mailbox_row row = flow_row(f, mailbox);
    struct letter letters[400];
    size_t len = flow_letters(f, mailbox, row.acknowledged + 1, letters, 400);
    struct command *command;

    if (len == 0) {
        return;
    }
    command = flow_command(f, COMMAND_ACKNOWLEDGE, mailbox);
    command->acknowledge.mailbox = mailbox;
    if (flow_draw(&script->seed, 2) == 0) {
        const struct letter *letter = &letters[flow_draw(&script->seed, len)];

        command->acknowledge.through = letter->number;
        command->acknowledge.through_bytes = letter->bytes_through;
    }
    command->acknowledge.singles = xcalloc(6, sizeof *command->acknowledge.singles);
    for (size_t i = 0; i < 6; i++) {
        const struct letter *letter = &letters[flow_draw(&script->seed, len)];

        command->acknowledge.singles[command->acknowledge.singles_len++] =
            (struct acknowledge_single){letter->number, letter->bytes_through,
                                        letter->size};
    }
}

static void
draw_period(struct flow_fixture *f, struct script *script)
{
    static const uint32_t days[] = {20261101, 20261105, 20261110, 20261120, 20261215};
    uint32_t begin = days[flow_draw(&script->seed, ARRAY_LEN(days))];
    uint32_t end = days[flow_draw(&script->seed, ARRAY_LEN(days))];
    uint32_t quality = 2 + (uint32_t)flow_draw(&script->seed, 3);
    uint32_t cpas = draw_cpas(script);
    struct command *command;

    if (flow_draw(&script->seed, 3) > 0) {
        command = flow_integrate(f, cpas, draw_person(script), quality, begin, end);
        command->integrate.items[0].catch_up = flow_draw(&script->seed, 2) == 0;
        scene_catch_up(f, command);
        return;
    }
    command = flow_command(f, COMMAND_REMOVE, cpas);
    command->remove.institution = cpas;
    command->remove.request = (struct remove_request){
        .niss = draw_person(script).number,
        .quality = quality,
        .begin = begin,
        .end = end,
    };
}

static void
draw_question(struct flow_fixture *f, struct script *script)
{
    struct niss niss = draw_person(script);
    struct command *command = flow_command(f, COMMAND_CONSULT, CPAS_A);

    command->consult.niss = niss.number;
    command->consult.proof.birth_date = (uint32_t)niss_birth(niss).year * 10000;
    command = flow_command(f, COMMAND_HISTORY, CPAS_A);
    command->history.niss = niss.number;
}

static void
draw_administration(struct flow_fixture *f, struct script *script)
{
    struct buffer text;
    struct command *command;
    char name[24];

    snprintf(name, sizeof name, "X-%llu", (unsigned long long)++script->named);
    switch (flow_draw(&script->seed, 5)) {
    case 0:
        flow_add_institution(f, name, 17);
        break;
    case 1:
        command = flow_command(f, COMMAND_ADD_KEY, 0);
        memset(command->key.key, ++script->key, KEY_LEN);
        command->key.row = (struct key_row){.institution = RN, .role = ROLE_SOURCE};
        break;
    case 2:
        command = flow_command(f, COMMAND_REVOKE_KEY, 0);
        memset(command->key.key, script->key, KEY_LEN);
        break;
    case 3:
        command = flow_command(f, COMMAND_ADD_MAILBOX, draw_cpas(script));
        buffer_add(&command->frame, name, strlen(name));
        command->add_mailbox.name = (struct bytes){command->frame.at, strlen(name)};
        break;
    default:
        text = flow_shipped_catalogue();
        flow_load_catalogue(f, (const char *)text.at, text.len);
        buffer_free(&text);
        break;
    }
}

static void
draw_command(struct flow_fixture *f, struct script *script, bool *published)
{
    if (f->done != NULL && f->done->pairs_len > 0 && flow_draw(&script->seed, 3) > 0) {
        flow_propose_withdrawal(f);
    }
    switch (flow_draw(&script->seed, 10)) {
    case 0:
    case 1:
    case 2:
        if (!*published) {
            draw_publish(f, script);
            draw_replacement(f, script);
            *published = true;
        }
        break;
    case 3:
    case 4:
        draw_acknowledge(f, script);
        break;
    case 5:
    case 6:
        draw_period(f, script);
        break;
    case 7:
        flow_command(f, COMMAND_FOLD, 0);
        break;
    case 8:
        draw_question(f, script);
        break;
    default:
        if (flow_draw(&script->seed, 3) == 0) {
            draw_administration(f, script);
        } else {
            flow_command(f, COMMAND_LAPSE, 0);
        }
        break;
    }
}

// One CPAS becomes part of another one, and its letters move while everything goes on.
static void
merge_one(struct flow_fixture *f, int deed)
{
    struct command *command;

    if (deed == DEEDS / 3) {
        command = flow_command(f, COMMAND_MERGE, 0);
        command->merge = (struct merge_command){
            {CPAS_B}, 1, CPAS_C, day_in_brussels((struct instant){f->now_us})};
    } else if (deed > DEEDS / 3 && deed % 3 == 0) {
        flow_command(f, COMMAND_FOLD, 0);
        flow_command(f, COMMAND_MOVE_LETTERS, 0);
    }
}

static void
live(struct flow_fixture *f, struct script *script, struct copies *copies)
{
    take_copy(f, copies);
    for (int i = 0; i < DEEDS; i++) {
        bool published = false;

        for (uint64_t j = 1 + flow_draw(&script->seed, 4); j > 0; j--) {
            draw_command(f, script, &published);
        }
        merge_one(f, i);
        if (f->next != NULL) {
            flow_apply(f);
        }
        if (flow_draw(&script->seed, 10) == 0) {
            flow_reopen(f);
        }
        if (flow_draw(&script->seed, 8) == 0 && copies->len < COPIES_MAX - 1) {
            take_copy(f, copies);
        }
    }
    take_copy(f, copies);
}

// ---- tests ----

static void
assert_replays(struct flow_fixture *f, struct copies *copies, size_t from, size_t to)
{
    struct store *work = open_work(copies, from);
    struct store *there = open_copy(copies->path[to]);
    struct replay_report report;
    struct why why = {0};
    enum vg_status status =
        replay_commits(work, f->store, copies->commit[to], &report, NULL, NULL, &why);

    if (status != VG_OK) {
        fail_msg("%s: %s", vg_status_name(status), why.text);
    }
    assert_int_equal(report.commits, copies->commit[to] - copies->commit[from]);
    assert_int_equal(report.blocks_missing, 0);
    assert_same(work, there);
    assert_sound(work);
    store_close(&work);
    store_close(&there);
    remove_folder(copies->work);
}

static void
a_copy_and_the_journal_make_the_store_of_any_commit(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct flow_fixture *f = flow_begin();
        struct copies *copies = xcalloc(1, sizeof *copies);
        struct script script = {.seed = seed};

        snprintf(copies->work, sizeof copies->work, "%s.work", f->path);
        flow_furnish(f);
        flow_want_neither(f, CPAS_A);
        live(f, &script, copies);
        assert_true(flow_meta(f).last_commit > DEEDS / 2);
        assert_true(flow_meta(f).last_block > 20);
        flow_assert_sound(f);
        for (size_t i = 0; i + 1 < copies->len; i++) {
            size_t later = i + 1 + flow_draw(&script.seed, copies->len - i - 1);

            assert_replays(f, copies, i, later);
        }
        forget_copies(copies);
        free(copies);
        flow_end(f);
    }
}

// Retention between the deeds: what it moved, erased and trimmed is replayed as well.
static void
retention_is_replayed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct flow_fixture *f = flow_begin();
        struct copies *copies = xcalloc(1, sizeof *copies);
        struct script script = {.seed = seed};
        struct replay_report report;
        struct store *work;

        snprintf(copies->work, sizeof copies->work, "%s.work", f->path);
        flow_furnish(f);
        for (int i = 0; i < DEEDS; i++) {
            bool published = false;

            if (i == 2 * DEEDS / 3) { // what it has is not trimmed before the end
                take_copy(f, copies);
            }
            if (flow_draw(&script.seed, 3) == 0) {
                struct expire_command *expire =
                    &flow_command(f, COMMAND_EXPIRE, 0)->expire;

                f->now_us += INT64_C(86400) * 1000000;
                expire->replay_days = 2;
                expire->journal_months = 1;
                expire->person_months = 1;
                expire->folded_commit = expire->exported_commit = UINT64_MAX;
            }
            draw_command(f, &script, &published);
            if (f->next != NULL) {
                flow_apply(f);
            }
        }
        assert_true(flow_meta(f).first_commit > 3);
        work = open_work(copies, 0);
        assert_int_equal(replay_commits(work, f->store, flow_meta(f).last_commit, &report,
                                        NULL, NULL, NULL),
                         VG_OK);
        assert_same(work, f->store);
        assert_sound(work);
        store_close(&work);
        remove_folder(copies->work);
        forget_copies(copies);
        free(copies);
        flow_end(f);
    }
}

// From nothing at all: the journal since the first commit is the store.
static void
the_whole_journal_makes_the_store(void **state)
{
    struct flow_fixture *f = flow_begin();
    struct copies *copies = xcalloc(1, sizeof *copies);
    struct script script = {.seed = 77};
    (void)state;

    snprintf(copies->work, sizeof copies->work, "%s.work", f->path);
    take_copy(f, copies);
    flow_furnish(f);
    live(f, &script, copies);
    assert_replays(f, copies, 0, copies->len - 1);
    forget_copies(copies);
    free(copies);
    flow_end(f);
}

// It goes on as the original would: numbers, tickets and bodies follow on.
static void
a_broker_goes_on_from_it(void **state)
{
    struct flow_fixture *f = *state;
    struct copies *copies = xcalloc(1, sizeof *copies);
    struct replay_report report;
    struct flow_fixture g = {.now_us = 0};
    struct letter letters[3];

    snprintf(copies->work, sizeof copies->work, "%s.work", f->path);
    take_copy(f, copies);
    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    g.store = open_work(copies, 0);
    assert_int_equal(replay_commits(g.store, f->store, flow_meta(f).last_commit, &report,
                                    NULL, NULL, NULL),
                     VG_OK);
    assert_int_equal(applier_open(g.store, &g.applier, NULL), VG_OK);
    g.batch_id = f->batch_id;
    g.now_us = f->now_us;
    flow_publish_one(&g, RN, 2, flow_address(1));
    flow_apply(&g);
    assert_int_equal(flow_letters(&g, CPAS_A, 1, letters, 3), 2);
    assert_int_equal(flow_content(&g, &letters[0]).ticket + 1,
                     flow_content(&g, &letters[1]).ticket);
    assert_sound(g.store);
    batch_free(&g.done);
    flow_close_store(&g);
    remove_folder(copies->work);
    forget_copies(copies);
    free(copies);
}

static void
refuses_what_does_not_follow_on(void **state)
{
    struct flow_fixture *f = *state;
    struct flow_fixture *stranger = flow_begin();
    struct copies *copies = xcalloc(1, sizeof *copies);
    struct replay_report report;
    struct store *work;
    uint64_t last;

    snprintf(copies->work, sizeof copies->work, "%s.work", f->path);
    stranger->now_us += 1;
    flow_furnish(stranger);
    flow_follow(stranger, CPAS_A, 1, 2);
    take_copy(f, copies);
    flow_follow(f, CPAS_A, 1, 2);
    last = flow_meta(f).last_commit;
    work = open_work(copies, 0);
    assert_int_equal(
        replay_commits(work, stranger->store, last, &report, NULL, NULL, &f->why),
        VG_BAD_FILE);
    assert_non_null(strstr(f->why.text, "not the same store"));
    assert_int_equal(
        replay_commits(work, f->store, last + 1, &report, NULL, NULL, &f->why),
        VG_NOT_FOUND);
    assert_int_equal(replay_commits(work, f->store, last, &report, NULL, NULL, &f->why),
                     VG_OK);
    assert_int_equal(replay_commits(work, f->store, last, &report, NULL, NULL, &f->why),
                     VG_OK);
    assert_int_equal(report.commits, 0); // it is there already
    store_close(&work);
    remove_folder(copies->work);
    forget_copies(copies);
    free(copies);
    flow_end(stranger);
}

// A fold that files nothing has no item, and a ticket whose items name nobody no line.
static void
what_no_item_tells_is_replayed_too(void **state)
{
    struct flow_fixture *f = *state;
    struct copies *copies = xcalloc(1, sizeof *copies);
    struct command *command;
    struct letter letter;

    snprintf(copies->work, sizeof copies->work, "%s.work", f->path);
    take_copy(f, copies);
    flow_follow(f, CPAS_A, 1, 2);
    flow_publish_one(f, RN, 1, flow_address(1));
    flow_apply(f);
    assert_int_equal(flow_letters(f, CPAS_A, 1, &letter, 1), 1);
    command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A);
    command->acknowledge.mailbox = CPAS_A;
    command->acknowledge.through = 1;
    command->acknowledge.through_bytes = letter.bytes_through;
    flow_apply(f);
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    assert_true(f->done->folded);
    take_copy(f, copies);
    command = flow_integrate(f, CPAS_A, flow_person(1), 2, 20261101, 0);
    command->integrate.items[0].institution = bytes_of("NOBODY");
    flow_apply(f);
    assert_true(command->ticket > 0);
    take_copy(f, copies);
    assert_replays(f, copies, 0, 1);
    assert_replays(f, copies, 0, 2);
    assert_replays(f, copies, 1, 2);
    forget_copies(copies);
    free(copies);
}

static void
what_was_merged_and_holds_again_is_replayed(void **state)
{
    struct flow_fixture *f = *state;
    struct copies *copies = xcalloc(1, sizeof *copies);
    struct hot_mutation cancellation = flow_mutation("notifyPerson", flow_person(1));
    struct letter_about letters[12];
    struct journal_event event;
    struct command *command;
    char ticket[24];

    snprintf(copies->work, sizeof copies->work, "%s.work", f->path);
    held_publish(f, 12, letters); // the first person's are 1, 5 and 9
    snprintf(ticket, sizeof ticket, "%llu", (unsigned long long)held_ticket(f, 9));
    cancellation.cancels = flow_words(ticket);
    take_copy(f, copies);
    held_merge(f, &letters[0], &letters[4]);
    command = held_merge(f, &letters[4], &letters[8]);
    flow_apply(f);
    assert_int_equal(command->advance.merged, 1);
    take_copy(f, copies);
    flow_publish_one(f, RN, 13, cancellation);
    flow_apply(f);
    assert_true(flow_last_item(f, JOURNAL_EVENT, &event, sizeof event) > 1);
    assert_int_equal(event.again, AGAIN_CAUGHT);
    take_copy(f, copies);
    assert_replays(f, copies, 0, 1);
    assert_replays(f, copies, 0, 2);
    assert_replays(f, copies, 1, 2);
    flow_assert_sound(f);
    forget_copies(copies);
    free(copies);
}

// Its body is moved, as it is held, and then it is dropped: its row is gone when the moving is
// replayed.
static void
what_is_moved_and_dropped_in_one_commit_is_replayed(void **state)
{
    struct flow_fixture *f = *state;
    struct copies *copies = xcalloc(1, sizeof *copies);
    struct letter_about letters[4];
    struct journal_moved moved;
    struct command *command;

    snprintf(copies->work, sizeof copies->work, "%s.work", f->path);
    held_publish(f, 4, letters);
    held_refuse(f, &letters[1], "no such street")->refuse.park = true;
    flow_apply(f);
    command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A); // so the fold passes it by
    command->acknowledge.mailbox = CPAS_A;
    command->acknowledge.through = 1;
    command->acknowledge.through_bytes = letters[0].letter.bytes_through;
    flow_apply(f);
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    f->now_us += INT64_C(8) * 24 * 3600 * 1000000;
    flow_publish_one(f, RN, 5, flow_address(1));
    flow_apply(f);
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
    take_copy(f, copies);
    command = flow_command(f, COMMAND_EXPIRE, 0);
    command->expire.replay_days = 7;
    command->expire.journal_months = command->expire.person_months = 1;
    command->expire.folded_commit = flow_meta(f).folded_commit;
    held_handle(f, COMMAND_DROP_PARKED, &letters[1].letter.number, 1);
    flow_apply(f);
    assert_true(flow_last_item(f, JOURNAL_MOVED, &moved, sizeof moved) > 1);
    take_copy(f, copies);
    assert_replays(f, copies, 0, 1);
    forget_copies(copies);
    free(copies);
}

static void
finds_the_commit_of_a_time(void **state)
{
    struct flow_fixture *f = *state;
    int64_t first_us = flow_meta(f).last_time_us;
    uint64_t commit = 0;

    for (int i = 1; i <= 5; i++) {
        flow_follow(f, CPAS_A, i, 2); // one commit and one second each
    }
    assert_int_equal(replay_find(f->store, 0, first_us - 1, &commit, NULL), VG_OK);
    assert_int_equal(commit, 0);
    assert_int_equal(replay_find(f->store, 0, first_us, &commit, NULL), VG_OK);
    assert_int_equal(commit, 1);
    assert_int_equal(replay_find(f->store, 0, first_us + 2999999, &commit, NULL), VG_OK);
    assert_int_equal(commit, 3);
    assert_int_equal(replay_find(f->store, 0, INT64_MAX, &commit, NULL), VG_OK);
    assert_int_equal(commit, 6);
    assert_int_equal(replay_find(f->store, 4, first_us, &commit, NULL), VG_OK);
    assert_int_equal(commit, 4); // it is there already
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_and_the_journal_make_the_store_of_any_commit),
        cmocka_unit_test(retention_is_replayed),
        cmocka_unit_test(the_whole_journal_makes_the_store),
        FLOW_TEST(a_broker_goes_on_from_it),
        FLOW_TEST(what_no_item_tells_is_replayed_too),
        FLOW_TEST(what_was_merged_and_holds_again_is_replayed),
        FLOW_TEST(what_is_moved_and_dropped_in_one_commit_is_replayed),
        FLOW_TEST(refuses_what_does_not_follow_on),
        FLOW_TEST(finds_the_commit_of_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
