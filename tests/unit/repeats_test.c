// SPDX-License-Identifier: EUPL-1.2
// Goal: of letters that say the same anew only the last one comes and lists the others, where
// nothing is lost by it: no event about the person is passed, no list is forgotten.
// Method: letters of the shipped catalogue in a real store, and the loop in small. First single
// cases; then persons, flows and fields at random, against the rule itself: each mutation comes
// or is listed once, and all that is not merged comes in the order published.
#include "flow/repeats.h"

#include "sift_loop.h"

#include "flow/explain.h"
#include "flow/rewind.h"
#include "store/merged.h"

static void
open_merging(struct loop *loop, struct flow_fixture *f)
{
    open_loop(loop, f);
    loop->urgent_first = false;
    loop->merge_repeats = true;
}

static struct merged_row
row_of(struct loop *loop, uint64_t ticket)
{
    struct merged_row row = {.head = {.into = 0}};

    assert_int_not_equal(
        merged_get(flow_view(loop->f), ticket, (struct mailbox_id){CPAS_A}, &row),
        VG_STORE_BROKEN);
    return row;
}

static void
expect_listed(struct loop *loop, uint64_t number, const uint64_t *tickets, size_t len)
{
    assert_int_equal(loop->listed_len[number], len);
    assert_memory_equal(loop->listed[number], tickets, len * sizeof *tickets);
}

#define LISTED(loop, number, ...)                                                        \
    expect_listed(loop, number, (const uint64_t[]){__VA_ARGS__},                         \
                  ARRAY_LEN(((uint64_t[]){__VA_ARGS__})))

// ---- what is merged ----

static void
the_last_address_stands_for_all(void **state)
{
    struct loop loop;
    struct journal_merged told;
    uint64_t first, second;

    open_merging(&loop, *state);
    first = publish(&loop, 1, "020");
    (void)publish(&loop, 2, "020");
    second = publish(&loop, 1, "020");
    (void)publish(&loop, 1, "010"); // his name is something else
    (void)publish(&loop, 1, "020");
    assert_int_equal(sift(&loop), 0);
    assert_int_equal(loop.merged, 2);
    assert_int_equal(flow_last_item(loop.f, JOURNAL_MERGED, &told, sizeof told), 2);
    assert_int_equal(told.ticket + told.into, second + flow_meta(loop.f).last_sequence);
    assert_int_equal(told.niss, flow_person(1).number);
    empty(&loop);
    EXPECT(&loop, 2, 4, 5);
    LISTED(&loop, 5, first, second);
    assert_int_equal(loop.listed_len[2] + loop.listed_len[4], 0);
    close_loop(&loop);
}

// He who was away twice: what stood for others is itself needless later.
static void
a_list_is_handed_on(void **state)
{
    struct loop loop;
    uint64_t first, second;

    open_merging(&loop, *state);
    first = publish(&loop, 1, "020");
    second = publish(&loop, 1, "020");
    assert_int_equal(sift(&loop), 0);
    assert_int_equal(row_of(&loop, first).head.into, second);
    (void)publish(&loop, 1, "020");
    assert_int_equal(sift(&loop), 0);
    assert_int_equal(row_of(&loop, first).head.into, flow_meta(loop.f).last_sequence);
    empty(&loop);
    EXPECT(&loop, 3);
    LISTED(&loop, 3, first, second);
    close_loop(&loop);
}

static void
it_stands_for_them_after_a_restart_out_of_turn_and_on_rewind(void **state)
{
    struct flow_fixture *f = *state;
    struct rewind_goal goal = {.number = 1};
    struct hot_notification notification;
    struct rewind *rewind = NULL;
    struct buffer frame = {0};
    struct hot_bytes rest;
    struct loop loop;
    uint64_t first;
    size_t len = 0;
    bool more = true, done = false;

    open_merging(&loop, f);
    loop.urgent_first = true;
    first = publish(&loop, 1, "020");
    (void)publish(&loop, 2, "020");
    (void)publish(&loop, 1, "020");
    (void)publish(&loop, 1, "150"); // urgent: his address comes first as well
    assert_int_equal(sift(&loop), 2);
    assert_int_equal(loop.merged, 1);
    outflow_free(&loop.outflow);
    holds_free(&loop.holds);
    tails_free(&loop.tails);
    flow_reopen(f);
    assert_int_equal(tails_open(flow_view(f), &loop.tails, NULL), VG_OK);
    assert_int_equal(holds_open(flow_view(f), &loop.holds), VG_OK);
    assert_int_equal(outflow_open(flow_view(f), CPAS_A, 10, WIDE, &loop.outflow), VG_OK);
    empty(&loop);
    EXPECT(&loop, 3, 2, 4);
    LISTED(&loop, 3, first);

    assert_int_equal(rewind_open(flow_view(f), CPAS_A, goal, 10, WIDE, &rewind), VG_OK);
    while (rewind_state(rewind).phase == REWIND_SEARCHES) {
        assert_int_equal(rewind_search(rewind, flow_view(f)), VG_OK);
    }
    rewind_start(rewind);
    while (more) {
        assert_int_equal(rewind_fill(rewind, flow_view(f), SIZE_MAX, &frame, &len, &more),
                         VG_OK);
    }
    rest = (struct hot_bytes){frame.at, frame.len};
    for (uint64_t number = 2; number <= 4; number++) { // and not the first
        assert_int_equal(hot_next_notification(&rest, &notification), 1);
        assert_int_equal(notification.number, number);
        assert_int_equal(hot_merged_len(notification.merged), number == 3);
        done = done || (number == 3 && hot_merged(notification.merged, 0) == first);
    }
    assert_true(done);
    rewind_free(&rewind);
    buffer_free(&frame);
    close_loop(&loop);
}

// ---- what is not ----

// Publishes an address, something, and an address. Are they merged?
static size_t
merged_across(struct loop *loop, int person, struct hot_mutation between, uint32_t source)
{
    (void)publish(loop, person, "020");
    (void)publish_this(loop, source, between);
    (void)publish(loop, person, "020");
    (void)sift(loop);
    return loop->merged;
}

static void
no_event_is_passed(void **state)
{
    struct hot_mutation death = flow_mutation("notifyPerson", flow_person(1));
    struct hot_mutation name = flow_mutation("notifyPerson", flow_person(2));
    struct hot_mutation work = flow_mutation("PersonnelFile", flow_person(3));
    struct hot_mutation correction = flow_mutation("notifyPerson", flow_person(4));
    struct hot_mutation replacement = flow_mutation("SSINReplacement", flow_person(5));
    char ticket[24];
    struct loop loop;

    flow_field(&death, "150", "Mons");
    flow_field(&name, "010", "Durand");
    flow_field(&work, "occupation_begin", "2026");
    flow_field(&correction, "020", "Rue Basse 1");
    replacement.new_niss = flow_person(30).number;
    open_merging(&loop, *state);
    snprintf(ticket, sizeof ticket, "%llu", (unsigned long long)publish(&loop, 4, "020"));
    correction.replaces = flow_words(ticket);
    assert_int_equal(merged_across(&loop, 1, death, RN), 0);
    assert_int_equal(merged_across(&loop, 2, name, RN), 1); // how he is called is none
    assert_int_equal(merged_across(&loop, 3, work, ONSS), 0);
    // The first address of the fourth, which is corrected, was merged before that was said.
    assert_int_equal(merged_across(&loop, 4, correction, RN), 1);
    assert_int_equal(merged_across(&loop, 5, replacement, BIS), 0);
    death.niss = replacement.new_niss; // he dies under another of his numbers
    assert_int_equal(merged_across(&loop, 5, death, RN), 1); // with the last one before
    assert_int_equal(loop.published_len, 19);
    close_loop(&loop);
}

static void
what_differs_or_is_older_comes_itself(void **state)
{
    struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(1));
    struct hot_mutation decision =
        flow_mutation("eCarmedCalculationNotification", flow_person(3));
    struct loop loop;

    open_merging(&loop, *state);
    flow_follow(loop.f, CPAS_A, 3, 4);
    flow_field(&decision, "deduction", "1");
    flow_field(&mutation, "020", "Rue Haute 1");
    mutation.occurred = 20261110;
    (void)publish_this(&loop, RN, mutation);
    mutation.occurred = 20261105; // told late
    (void)publish_this(&loop, RN, mutation);
    mutation.occurred = 20261112;
    mutation.period_begin = 20261101;
    (void)publish_this(&loop, RN, mutation);
    mutation.period_begin = 0;
    flow_field(&mutation, "010", "Durand");
    (void)publish_this(&loop, RN, mutation);
    mutation.flow = flow_words("notifyIdentityDocuments");
    mutation.fields_len = 0;
    flow_field(&mutation, "195", "1");
    (void)publish_this(&loop, RN, mutation);
    (void)publish(&loop, 2, "work");
    (void)publish(&loop, 2, "work");
    decision.period_begin = 20261101;
    decision.period_end = 20261130;
    (void)publish_this(&loop, SPPIS, decision); // each decision counts
    (void)publish_this(&loop, SPPIS, decision);
    (void)sift(&loop);
    assert_int_equal(loop.merged, 0);
    mutation.occurred = 20261113;
    (void)publish_this(&loop, RN, mutation); // another document
    (void)sift(&loop);
    assert_int_equal(loop.merged, 1);
    empty(&loop);
    EXPECT(&loop, 1, 2, 3, 4, 6, 7, 8, 9, 10);
    close_loop(&loop);
}

static void
cancel(struct loop *loop, int person, uint64_t ticket)
{
    struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(person));
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)ticket);
    mutation.cancels = flow_words(text);
    (void)publish_this(loop, RN, mutation);
}

// Gives the ticket of what stands instead.
static uint64_t
replace(struct loop *loop, int person, uint64_t ticket)
{
    struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(person));
    char text[24];

    snprintf(text, sizeof text, "%llu", (unsigned long long)ticket);
    mutation.replaces = flow_words(text);
    flow_field(&mutation, "020", "Rue Basse 1");
    return publish_this(loop, RN, mutation);
}

static void
what_is_void_stands_for_nothing(void **state)
{
    struct loop loop;

    open_merging(&loop, *state);
    (void)publish(&loop, 1, "020");
    cancel(&loop, 1, publish(&loop, 1, "020"));
    (void)publish(&loop, 2, "020");
    (void)replace(&loop, 2, publish(&loop, 2, "020"));
    (void)sift(&loop);
    assert_int_equal(loop.merged, 1); // he is told of another last word
    (void)publish(&loop, 3, "020");
    cancel(&loop, 3, replace(&loop, 3, publish(&loop, 3, "020")));
    (void)sift(&loop);
    assert_int_equal(loop.merged, 0);
    empty(&loop);
    EXPECT(&loop, 1, 2, 3, 5, 6, 7, 8, 9, 10);
    close_loop(&loop);
}

// It becomes void when it is about to stand for another one: then that comes, and before the
// death that would come first.
static void
what_becomes_void_meanwhile_lets_nothing_pass(void **state)
{
    struct sift_question question;
    struct outflow_view view;
    struct command *command = NULL;
    struct loop loop;
    uint64_t last;

    open_merging(&loop, *state);
    loop.urgent_first = true;
    (void)publish(&loop, 2, "020");
    (void)publish(&loop, 1, "020");
    last = publish(&loop, 1, "020");
    (void)publish(&loop, 1, "150");
    view = view_of(&loop);
    question = (struct sift_question){&view, loop.outflow,
                                      applier_catalogue(loop.f->applier), true, true};
    assert_int_equal(sift_letters(&question, &loop.sifted, &command), VG_OK);
    assert_int_equal(command->advance.merges_len, 1);
    assert_int_equal(command->advance.letters_len, 2);
    cancel(&loop, 1, last);
    submit(&loop, command);
    apply(&loop);
    assert_int_equal(command->advance.merged, 0);
    assert_int_equal(command->advance.taken, 0);
    empty(&loop);
    EXPECT(&loop, 2, 1, 3, 4, 5);
    close_loop(&loop);
}

// The last one came first to stand for another, and then for one before that.
static void
a_list_is_in_the_order_published(void **state)
{
    struct flow_fixture *f = *state;
    struct merged_row row;
    struct letter letter;
    struct loop loop;
    uint64_t first, second, last;

    open_merging(&loop, f);
    first = publish(&loop, 1, "020");
    (void)publish(&loop, 1, "work");
    second = publish(&loop, 1, "020");
    last = publish(&loop, 1, "020");
    assert_int_equal(sift(&loop), 0);
    assert_int_equal(loop.merged, 1);
    assert_int_equal(flow_letters(f, CPAS_A, 2, &letter, 1), 1);
    flow_command(f, COMMAND_REFUSE, CPAS_A)->refuse = (struct refuse_command){
        .mailbox = CPAS_A, .refused = {letter, flow_person(1).number}, .park = true};
    apply(&loop);
    assert_int_equal(sift(&loop), 0);
    assert_int_equal(loop.merged, 1);
    row = row_of(&loop, last);
    assert_int_equal(row.head.len, 2);
    assert_int_equal(row.tickets[0], first);
    assert_int_equal(row.tickets[1], second);
    close_loop(&loop);
}

static void
what_is_on_its_way_or_gone_is_left_alone(void **state)
{
    struct flow_fixture *f = *state;
    struct outflow_view view;
    struct outflow_turn turn;
    struct buffer frame = {0};
    struct sift_question question;
    struct command *command = NULL;
    struct letter letter;
    struct loop loop;

    open_merging(&loop, f);
    (void)publish(&loop, 1, "020");
    view = view_of(&loop);
    assert_int_equal(outflow_fill(loop.outflow, &view, 0, SIZE_MAX, &frame, &turn),
                     VG_OK);
    (void)publish(&loop, 1, "020");
    (void)publish(&loop, 1, "020");
    (void)publish(&loop, 2, "020");
    (void)publish(&loop, 2, "020");
    view = view_of(&loop);
    question = (struct sift_question){&view, loop.outflow, applier_catalogue(f->applier),
                                      false, true};
    assert_int_equal(sift_letters(&question, &loop.sifted, &command), VG_OK);
    assert_int_equal(command->advance.merges_len, 2);
    // Before that is applied, the letter that would stand for the second one is parked.
    assert_int_equal(flow_letters(f, CPAS_A, 3, &letter, 1), 1);
    flow_command(f, COMMAND_REFUSE, CPAS_A)->refuse = (struct refuse_command){
        .mailbox = CPAS_A, .refused = {letter, flow_person(1).number}, .park = true};
    batch_add(f->next, command);
    apply(&loop);
    assert_int_equal(command->advance.merged, 1);
    assert_int_equal(flow_row(f, CPAS_A).parked, 1);
    buffer_free(&frame);
    close_loop(&loop);
}

static void
one_letter_stands_for_so_many_and_no_more(void **state)
{
    struct loop loop;

    open_merging(&loop, *state);
    while (loop.published_len < MERGED_MAX + 5) {
        (void)publish(&loop, 1, "020");
    }
    (void)sift(&loop);
    assert_int_equal(loop.merged, MERGED_MAX);
    empty(&loop);
    EXPECT(&loop, MERGED_MAX + 1, MERGED_MAX + 2, MERGED_MAX + 3, MERGED_MAX + 4,
           MERGED_MAX + 5);
    assert_int_equal(loop.listed_len[MERGED_MAX + 5], MERGED_MAX);
    close_loop(&loop);
}

// ---- at random ----

static const char *const codes[] = {"020", "020", "020", "010", "010", "work", "150"};

// What may be merged into `number`, by the letters alone.
static bool
may_merge(const struct loop *loop, uint64_t earlier, uint64_t number)
{
    const struct hot_mutation *a = &loop->published[earlier];
    const struct hot_mutation *b = &loop->published[number];

    if (earlier >= number || a->niss != b->niss || a->flow.len != b->flow.len ||
        memcmp(a->fields[0].code.at, b->fields[0].code.at, 3) != 0) {
        return false;
    }
    for (uint64_t i = earlier; i <= number; i++) {
        const struct hot_mutation *between = &loop->published[i];

        if (between->niss == a->niss &&
            (between->flow.len != strlen("notifyPerson") ||
             memcmp(between->fields[0].code.at, "150", 3) == 0)) {
            return false;
        }
    }
    return true;
}

static void
each_comes_or_is_listed_once(void **state)
{
    uint64_t number_of[2 * LETTERS_HERE] = {0}; // by ticket, less the first
    uint64_t base = 0, seed = 20261122, listed = 0;
    bool seen[LETTERS_HERE + 1] = {false};
    struct loop loop;

    open_merging(&loop, *state);
    while (loop.published_len < LETTERS_HERE) {
        uint64_t ticket = publish(&loop, 1 + (int)flow_draw(&seed, 4),
                                  codes[flow_draw(&seed, ARRAY_LEN(codes))]);

        base = base == 0 ? ticket : base;
        number_of[ticket - base] = loop.published_len;
        if (flow_draw(&seed, 9) == 0) {
            (void)sift(&loop);
            loop.urgent_first = flow_draw(&seed, 2) == 0;
            (void)fill(&loop);
        }
        if (flow_draw(&seed, 30) == 0) {
            flow_command(loop.f, COMMAND_FOLD, 0);
            apply(&loop);
        }
    }
    empty(&loop);
    for (size_t i = 0; i < loop.got_len; i++) {
        uint64_t number = loop.got[i];

        assert_false(seen[number]);
        seen[number] = true;
        for (size_t j = 0; j < loop.listed_len[number]; j++) {
            uint64_t earlier = number_of[loop.listed[number][j] - base];

            assert_false(seen[earlier]);
            seen[earlier] = true;
            assert_true(may_merge(&loop, earlier, number));
            listed++;
        }
        for (size_t j = 0; j < i; j++) {
            assert_true(loop.got[j] < number ||
                        loop.published[loop.got[j]].niss != loop.published[number].niss);
        }
    }
    assert_int_equal(loop.got_len + listed, LETTERS_HERE);
    assert_true(listed > LETTERS_HERE / 10);
    close_loop(&loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(the_last_address_stands_for_all),
        FLOW_TEST(a_list_is_handed_on),
        FLOW_TEST(it_stands_for_them_after_a_restart_out_of_turn_and_on_rewind),
        FLOW_TEST(no_event_is_passed),
        FLOW_TEST(what_differs_or_is_older_comes_itself),
        FLOW_TEST(what_is_void_stands_for_nothing),
        FLOW_TEST(what_becomes_void_meanwhile_lets_nothing_pass),
        FLOW_TEST(a_list_is_in_the_order_published),
        FLOW_TEST(what_is_on_its_way_or_gone_is_left_alone),
        FLOW_TEST(one_letter_stands_for_so_many_and_no_more),
        FLOW_TEST(each_comes_or_is_listed_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
