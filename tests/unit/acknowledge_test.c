// SPDX-License-Identifier: EUPL-1.2
// Goal: what waits in a mailbox is known exactly, in letters and bytes, whoever acknowledges
// what, in whichever order, however often.
// Method: single cases, then seeded random acknowledgements by two sessions against a model
// that is a list of letters and a tick beside each. After each batch the row on the disk is
// compared with the model.
#include "flow_fixture.h"

enum { MANY = 400 };

// Letters of different sizes in the mailbox of CPAS_A.
static void
fill_mailbox(struct flow_fixture *f, size_t letters)
{
    struct hot_mutation *mutations = xcalloc(letters, sizeof *mutations);
    static const char words[] = "Rue de la Montagne aux Herbes potageres";

    flow_follow(f, CPAS_A, 1, 2);
    for (size_t i = 0; i < letters; i++) {
        mutations[i] = flow_mutation("notifyPerson", flow_person(1));
        flow_field(&mutations[i], "020", words + i % 30);
    }
    for (size_t i = 0; i < letters; i += 1000) {
        size_t left = letters - i;

        flow_publish(f, RN, 1, i + 1, mutations + i, left < 1000 ? left : 1000);
        flow_apply(f);
    }
    assert_int_equal(flow_row(f, CPAS_A).last, letters);
    free(mutations);
}

// A command as the loop makes it, from letters that it knows.
static struct command *
acknowledge(struct flow_fixture *f, const struct letter *letters, uint64_t through,
            const uint64_t *singles, size_t singles_len)
{
    struct command *command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A);
    struct acknowledge_command *acknowledge = &command->acknowledge;

    acknowledge->mailbox = CPAS_A;
    acknowledge->through = through;
    acknowledge->through_bytes = through == 0 ? 0 : letters[through - 1].bytes_through;
    acknowledge->singles = xcalloc(singles_len + 1, sizeof *acknowledge->singles);
    acknowledge->singles_len = singles_len;
    for (size_t i = 0; i < singles_len; i++) {
        const struct letter *letter = &letters[singles[i] - 1];

        acknowledge->singles[i] = (struct acknowledge_single){
            letter->number, letter->bytes_through, letter->size};
    }
    return command;
}

static void
apply_singles(struct flow_fixture *f, const struct letter *letters, uint64_t through,
              const uint64_t *singles, size_t singles_len)
{
    struct command *command = acknowledge(f, letters, through, singles, singles_len);

    flow_apply(f);
    assert_int_equal(command->status, VG_OK);
}

static size_t
ranges_of(struct flow_fixture *f, struct number_range *ret_ranges)
{
    size_t len = 0;

    assert_int_equal(
        ranges_get(flow_view(f), (struct mailbox_id){CPAS_A}, ret_ranges, &len), VG_OK);
    return len;
}

// Every letter, and whether it was acknowledged: what the row must say.
static void
assert_row_is(struct flow_fixture *f, const struct letter *letters, const bool *ticked,
              size_t len)
{
    struct mailbox_row row = flow_row(f, CPAS_A);
    uint64_t waiting = 0;
    uint64_t bytes = 0;
    size_t first = 0;

    for (size_t i = 0; i < len; i++) {
        waiting += !ticked[i];
        bytes += ticked[i] ? 0 : letters[i].size;
    }
    while (first < len && ticked[first]) {
        first++;
    }
    assert_int_equal(mailbox_waiting(&row), waiting);
    assert_int_equal(mailbox_bytes_waiting(&row), bytes);
    assert_int_equal(row.acknowledged, first);
    assert_int_equal(row.acknowledged_total, len - waiting);
    assert_int_equal(row.last, len);
}

static void
a_mark_moves_and_lasts(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[10];
    struct journal_acknowledge item;

    fill_mailbox(f, 10);
    flow_letters(f, CPAS_A, 1, letters, 10);
    apply_singles(f, letters, 4, NULL, 0);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 4);
    assert_int_equal(flow_row(f, CPAS_A).bytes_acknowledged, letters[3].bytes_through);
    assert_int_equal(flow_row(f, CPAS_A).last_acknowledged_us, f->done->time.us);
    assert_int_equal(flow_last_item(f, JOURNAL_ACKNOWLEDGE, &item, sizeof item), 1);
    assert_int_equal(item.through, 4);
    assert_int_equal(item.count, 4);
    assert_int_equal(item.bytes, letters[3].bytes_through);
    flow_reopen(f);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 4);
}

static void
a_mark_never_moves_back_or_beyond_the_last(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[10];
    uint64_t commit;

    fill_mailbox(f, 5);
    flow_letters(f, CPAS_A, 1, letters, 5);
    apply_singles(f, letters, 4, NULL, 0);
    commit = flow_meta(f).last_commit;
    apply_singles(f, letters, 4, NULL, 0);
    apply_singles(f, letters, 2, NULL, 0);
    letters[5] = (struct letter){.number = 6, .bytes_through = 1 << 20, .size = 9};
    apply_singles(f, letters, 6, &(uint64_t){6}, 1);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 4);
    assert_int_equal(flow_row(f, CPAS_A).acknowledged_beyond, 0);
    assert_int_equal(flow_meta(f).last_commit, commit); // there was nothing to make last
}

static void
single_ones_join_to_ranges(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[10];
    struct number_range ranges[RANGES_MAX];
    struct mailbox_row row;

    fill_mailbox(f, 10);
    flow_letters(f, CPAS_A, 1, letters, 10);
    apply_singles(f, letters, 0, (uint64_t[]){3, 5, 9}, 3);
    assert_int_equal(ranges_of(f, ranges), 3);
    apply_singles(f, letters, 0, &(uint64_t){4}, 1); // joins both
    assert_int_equal(ranges_of(f, ranges), 2);
    assert_int_equal(ranges[0].first, 3);
    assert_int_equal(ranges[0].last, 5);
    assert_int_equal(ranges[0].bytes,
                     letters[2].size + letters[3].size + letters[4].size);
    assert_int_equal(ranges[0].bytes_through, letters[4].bytes_through);
    apply_singles(f, letters, 0, &(uint64_t){8}, 1); // before one
    assert_int_equal(ranges_of(f, ranges), 2);
    assert_int_equal(ranges[1].first, 8);
    assert_int_equal(ranges[1].bytes, letters[7].size + letters[8].size);
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.acknowledged, 0);
    assert_int_equal(row.acknowledged_beyond, 5);
    assert_int_equal(mailbox_waiting(&row), 5);

    apply_singles(f, letters, 0, (uint64_t[]){1, 2},
                  2); // the mark runs through the range
    assert_int_equal(flow_row(f, CPAS_A).acknowledged, 5);
    assert_int_equal(flow_row(f, CPAS_A).bytes_acknowledged, letters[4].bytes_through);
    assert_int_equal(ranges_of(f, ranges), 1);
}

static void
a_mark_inside_a_range_goes_to_its_end(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[10];
    struct number_range ranges[RANGES_MAX];
    struct mailbox_row row;

    fill_mailbox(f, 10);
    flow_letters(f, CPAS_A, 1, letters, 10);
    apply_singles(f, letters, 0, (uint64_t[]){2, 5, 6, 7, 9, 10}, 6);
    apply_singles(f, letters, 6, NULL, 0);
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.acknowledged, 7);
    assert_int_equal(row.bytes_acknowledged, letters[6].bytes_through);
    assert_int_equal(row.acknowledged_beyond, 2);
    assert_int_equal(row.bytes_beyond, letters[8].size + letters[9].size);
    assert_int_equal(ranges_of(f, ranges), 1);
    apply_singles(f, letters, 8, NULL, 0); // touches the next
    row = flow_row(f, CPAS_A);
    assert_int_equal(row.acknowledged, 10);
    assert_int_equal(mailbox_waiting(&row), 0);
    assert_int_equal(mailbox_bytes_waiting(&row), 0);
    assert_int_equal(ranges_of(f, ranges), 0);
}

// What the journal says was acknowledged alone.
struct ones {
    uint64_t numbers[4 * RANGES_MAX];
    size_t len;
    uint64_t count; // newly, over all items
};

static void
note_one(const struct journal_item *item, void *arg)
{
    struct ones *ones = arg;
    struct journal_acknowledge acknowledge;

    if (item->kind == JOURNAL_ACKNOWLEDGE) {
        assert_true(journal_item_as(item, &acknowledge, sizeof acknowledge));
        ones->count += acknowledge.count;
        if (acknowledge.one == 1) {
            ones->numbers[ones->len++] = acknowledge.through;
        }
    }
}

static void
too_many_gaps_are_refused_and_not_journalled(void **state)
{
    struct flow_fixture *f = *state;
    enum { LETTERS = 2 * RANGES_MAX + 20 };
    struct letter *letters = xcalloc(LETTERS, sizeof *letters);
    struct ones *ones = xcalloc(1, sizeof *ones);
    uint64_t singles[ACKNOWLEDGE_SINGLES_MAX];
    struct command *command;
    struct mailbox_row row;

    fill_mailbox(f, LETTERS);
    assert_int_equal(flow_letters(f, CPAS_A, 1, letters, LETTERS), LETTERS);
    for (uint64_t number = 2; number <= 2 * RANGES_MAX;) {
        size_t len = 0;

        while (len < ACKNOWLEDGE_SINGLES_MAX && number <= 2 * RANGES_MAX) {
            singles[len++] = number;
            number += 2;
        }
        apply_singles(f, letters, 0, singles, len);
    }
    command = acknowledge(f, letters, 0,
                          (uint64_t[]){3, 2 * RANGES_MAX + 10, 2 * RANGES_MAX + 12}, 3);
    flow_apply(f);
    assert_int_equal(command->status, VG_TOO_MANY);
    row = flow_row(f, CPAS_A);
    // 3 joined two ranges, so that there was room for one of the others.
    assert_int_equal(row.acknowledged_beyond, RANGES_MAX + 2);
    flow_each_item(f, note_one, ones);
    assert_int_equal(ones->len, RANGES_MAX + 2);
    assert_int_equal(ones->count, RANGES_MAX + 2);
    assert_int_equal(ones->numbers[ones->len - 1], 2 * RANGES_MAX + 10);
    flow_assert_sound(f);
    apply_singles(f, letters, LETTERS, NULL, 0); // the mark still moves
    row = flow_row(f, CPAS_A);
    assert_int_equal(mailbox_waiting(&row), 0);
    assert_int_equal(mailbox_bytes_waiting(&row), 0);
    free(letters);
    free(ones);
}

static void
a_repeated_single_is_journalled_once(void **state)
{
    struct flow_fixture *f = *state;
    struct letter letters[6];
    struct ones *ones = xcalloc(1, sizeof *ones);

    fill_mailbox(f, 6);
    flow_letters(f, CPAS_A, 1, letters, 6);
    apply_singles(f, letters, 0, (uint64_t[]){4, 4}, 2);
    apply_singles(f, letters, 0, (uint64_t[]){4, 6}, 2);
    flow_each_item(f, note_one, ones);
    assert_int_equal(ones->len, 2);
    assert_int_equal(ones->count, 2);
    free(ones);
}

// ---- two sessions ----

struct model {
    struct letter letters[MANY];
    bool ticked[MANY];
    struct tails *tails;
    struct outflow *sessions[2];
    uint64_t seed;
};

static void
open_session(struct flow_fixture *f, struct model *model, size_t session)
{
    outflow_free(&model->sessions[session]);
    assert_int_equal(
        outflow_open(flow_view(f), CPAS_A, 150, 1 << 20, &model->sessions[session]),
        VG_OK);
}

// Sends what the window allows, then acknowledges something that was sent.
static void
draw_acknowledgement(struct flow_fixture *f, struct model *model)
{
    struct outflow *outflow = model->sessions[flow_draw(&model->seed, 2)];
    struct hot_acknowledge acknowledge = {.mailbox = CPAS_A};
    struct buffer frame = {0};
    struct command *command = NULL;
    struct outflow_view view = {.tails = model->tails, .txn = flow_view(f)};
    struct outflow_turn turn;
    uint64_t sent;

    assert_int_equal(outflow_fill(outflow, &view, 0, SIZE_MAX, &frame, &turn), VG_OK);
    buffer_free(&frame);
    sent = outflow_state(outflow).sent;
    if (flow_draw(&model->seed, 3) == 0) {
        acknowledge.through = flow_draw(&model->seed, sent + 1);
    }
    for (uint64_t also = flow_draw(&model->seed, 12); also > 0; also--) {
        acknowledge.also[acknowledge.also_len++] =
            sent - flow_draw(&model->seed, sent < 60 ? sent : 60);
    }
    assert_int_equal(outflow_acknowledge(outflow, &acknowledge, &command, NULL), VG_OK);
    memset(model->ticked, true, acknowledge.through * sizeof *model->ticked);
    for (uint32_t i = 0; i < acknowledge.also_len; i++) {
        model->ticked[acknowledge.also[i] - 1] = true;
    }
    if (command != NULL) {
        struct command *holder = flow_command(f, COMMAND_LAST_NUMBER, CPAS_A);

        holder->last_number.producer = 1;
        batch_add(f->next, command);
    }
}

static void
counters_are_exact_whoever_acknowledges_what(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct model *model = xcalloc(1, sizeof *model);
        struct flow_fixture *g = flow_begin();

        flow_furnish(g);
        fill_mailbox(g, MANY);
        model->seed = seed;
        assert_int_equal(tails_open(flow_view(g), &model->tails, NULL), VG_OK);
        assert_int_equal(flow_letters(g, CPAS_A, 1, model->letters, MANY), MANY);
        open_session(g, model, 0);
        open_session(g, model, 1);
        for (int batch = 0; batch < 80; batch++) {
            for (uint64_t i = 1 + flow_draw(&model->seed, 4); i > 0; i--) {
                draw_acknowledgement(g, model);
            }
            if (flow_draw(&model->seed, 6) == 0) {
                flow_command(g, COMMAND_FOLD, 0);
            }
            if (g->next != NULL) {
                flow_apply(g);
                tails_take(model->tails, g->done);
            }
            assert_row_is(g, model->letters, model->ticked, MANY);
            if (flow_draw(&model->seed, 8) == 0) {
                open_session(g, model, flow_draw(&model->seed, 2));
            }
            if (flow_draw(&model->seed, 15) == 0) {
                flow_reopen(g);
                tails_free(&model->tails);
                assert_int_equal(tails_open(flow_view(g), &model->tails, NULL), VG_OK);
            }
        }
        flow_assert_sound(g);
        outflow_free(&model->sessions[0]);
        outflow_free(&model->sessions[1]);
        tails_free(&model->tails);
        free(model);
        flow_end(g);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_mark_moves_and_lasts),
        FLOW_TEST(a_mark_never_moves_back_or_beyond_the_last),
        FLOW_TEST(single_ones_join_to_ranges),
        FLOW_TEST(a_mark_inside_a_range_goes_to_its_end),
        FLOW_TEST(too_many_gaps_are_refused_and_not_journalled),
        FLOW_TEST(a_repeated_single_is_journalled_once),
        cmocka_unit_test(counters_are_exact_whoever_acknowledges_what),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
