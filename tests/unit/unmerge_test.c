// SPDX-License-Identifier: EUPL-1.2
// Goal: what stood for others is cancelled, and whoever got it alone gets the last one that holds:
// once, behind the cancellation, and nothing that he knows already.
// Method: addresses of the shipped catalogue are merged in a real store and sent by the loop in
// small; then they are corrected, also several in one Publish, in an institution that was merged,
// and after their bodies have gone.
#include "flow/unmerge.h"

#include "sift_loop.h"

#include "store/merged.h"

enum { ADDRESSES = 4 };

struct scene {
    struct loop loop;
    uint64_t tickets[ADDRESSES]; // what is in force of each
};

// Each address is merged into the next one, but the last; all are sent.
static void
open_scene(struct scene *scene, struct flow_fixture *f)
{
    open_loop(&scene->loop, f);
    scene->loop.urgent_first = false;
    scene->loop.merge_repeats = true;
    for (int i = 0; i < ADDRESSES; i++) {
        scene->tickets[i] = publish(&scene->loop, 1, "020");
    }
    empty(&scene->loop);
    EXPECT(&scene->loop, ADDRESSES);
}

static struct hot_mutation
correction(uint64_t of, bool cancels, char text[24])
{
    struct hot_mutation mutation = flow_mutation("notifyPerson", flow_person(1));

    snprintf(text, 24, "%llu", (unsigned long long)of);
    if (cancels) {
        mutation.cancels = flow_words(text);
    } else {
        mutation.replaces = flow_words(text);
        flow_field(&mutation, "020", "x");
    }
    return mutation;
}

// Gives how many letters the mailbox got.
static uint64_t
publish_corrections(struct scene *scene, const struct hot_mutation *mutations, size_t len)
{
    struct flow_fixture *f = scene->loop.f;
    uint64_t before = flow_row(f, CPAS_A).last;

    flow_publish(f, RN, 1, flow_producer(f, RN, 1).last_number + 1, mutations, len);
    apply(&scene->loop);
    return flow_row(f, CPAS_A).last - before;
}

static uint64_t
correct(struct scene *scene, size_t address, bool cancels)
{
    char text[24];
    struct hot_mutation mutation = correction(scene->tickets[address], cancels, text);

    return publish_corrections(scene, &mutation, 1);
}

static void
replace(struct scene *scene, size_t address)
{
    assert_int_equal(correct(scene, address, false), 1);
    scene->tickets[address] = flow_meta(scene->loop.f).last_sequence;
}

// The content of the newest letter. Lent by the view.
static struct hot_content
newest(struct scene *scene)
{
    struct flow_fixture *f = scene->loop.f;
    struct letter letter;
    struct hot_content content;
    struct bytes body;

    assert_int_equal(flow_letters(f, CPAS_A, flow_row(f, CPAS_A).last, &letter, 1), 1);
    assert_int_equal(body_get(flow_view(f), letter.body, &body), VG_OK);
    assert_int_equal(hot_read_content((struct hot_bytes){body.at, body.len}, &content),
                     HOT_OK);
    return content;
}

static void
the_one_before_comes_and_stands_for_the_others(void **state)
{
    struct scene scene;
    struct hot_content content;

    open_scene(&scene, *state);
    assert_int_equal(correct(&scene, 3, true), 2);
    content = newest(&scene);
    assert_int_equal(content.ticket, scene.tickets[2]);
    assert_int_equal(content.mutation.caught_up,
                     flow_meta(scene.loop.f).last_sequence - 1);
    assert_int_equal(content.mutation.fields_len, 1);
    empty(&scene.loop);
    EXPECT(&scene.loop, 4, 5, 6);
    assert_int_equal(scene.loop.listed_len[6], 2);
    assert_int_equal(scene.loop.listed[6][1], scene.tickets[1]);
    // And so on, down to the first.
    assert_int_equal(correct(&scene, 2, true), 2);
    assert_int_equal(newest(&scene).ticket, scene.tickets[1]);
    assert_int_equal(correct(&scene, 1, true), 2);
    assert_int_equal(newest(&scene).ticket, scene.tickets[0]);
    assert_int_equal(correct(&scene, 0, true), 1);
    close_loop(&scene.loop);
}

static void
what_was_cancelled_or_is_known_does_not_come(void **state)
{
    struct scene scene;

    open_scene(&scene, *state);
    assert_int_equal(correct(&scene, 2, true), 1); // nothing stood on it alone
    assert_int_equal(correct(&scene, 3, true), 2);
    assert_int_equal(newest(&scene).ticket, scene.tickets[1]);
    assert_int_equal(correct(&scene, 0, false), 1); // what stands for the first is told
    assert_int_equal(correct(&scene, 1, true), 1);
    close_loop(&scene.loop);
}

static void
a_replacement_is_a_last_word(void **state)
{
    struct scene scene;

    open_scene(&scene, *state);
    assert_int_equal(correct(&scene, 2, false), 1);
    assert_int_equal(correct(&scene, 3, true), 1); // what replaced the third is known
    close_loop(&scene.loop);
}

static void
a_correction_that_is_cancelled_leaves_the_one_before(void **state)
{
    struct scene scene;

    open_scene(&scene, *state);
    replace(&scene, 3);
    replace(&scene, 3);
    assert_int_equal(correct(&scene, 3, true), 2);
    assert_int_equal(newest(&scene).ticket, scene.tickets[2]);
    close_loop(&scene.loop);
}

static void
what_is_void_with_its_correction_does_not_come(void **state)
{
    struct scene scene;

    open_scene(&scene, *state);
    replace(&scene, 2);
    assert_int_equal(correct(&scene, 2, true), 1);
    assert_int_equal(correct(&scene, 3, true), 2);
    assert_int_equal(newest(&scene).ticket, scene.tickets[1]);
    close_loop(&scene.loop);
}

static void
tickets_of_one_publish_follow_one_another(void **state)
{
    struct scene scene;
    char text[2][24];
    struct hot_mutation mutations[3];
    uint64_t first;

    open_scene(&scene, *state);
    mutations[0] = correction(scene.tickets[3], true, text[0]);
    mutations[1] = correction(scene.tickets[2], true, text[1]);
    mutations[2] = flow_address(1);
    first = flow_meta(scene.loop.f).last_sequence + 1;
    // The third one holds no more when the Publish is done with: the second one does.
    assert_int_equal(publish_corrections(&scene, mutations, 3), 4);
    assert_int_equal(newest(&scene).ticket, scene.tickets[1]);
    assert_int_equal(newest(&scene).mutation.caught_up, first);
    assert_int_equal(flow_producer(scene.loop.f, RN, 1).last_ticket, first + 2);
    assert_int_equal(flow_meta(scene.loop.f).last_sequence, first + 3);
    close_loop(&scene.loop);
}

static void
nothing_comes_of_what_is_kept_no_more(void **state)
{
    struct flow_fixture *f = *state;
    struct scene scene;
    struct command *command;

    open_scene(&scene, f);
    flow_command(f, COMMAND_FOLD, 0);
    apply(&scene.loop);
    f->now_us += INT64_C(9) * 24 * 3600 * 1000000;
    for (int i = 0; i < 3; i++) {
        (void)publish(&scene.loop, 2, "020");
        flow_command(f, COMMAND_FOLD, 0);
        apply(&scene.loop);
        command = flow_command(f, COMMAND_EXPIRE, 0);
        command->expire.replay_days = 7;
        command->expire.journal_months = command->expire.person_months = 24;
        command->expire.folded_commit = flow_meta(f).folded_commit;
        command->expire.exported_commit = UINT64_MAX;
        apply(&scene.loop);
    }
    assert_true(flow_meta(f).first_block > 1);
    assert_int_equal(correct(&scene, 3, true), 1);
    close_loop(&scene.loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(the_one_before_comes_and_stands_for_the_others),
        FLOW_TEST(what_was_cancelled_or_is_known_does_not_come),
        FLOW_TEST(a_replacement_is_a_last_word),
        FLOW_TEST(a_correction_that_is_cancelled_leaves_the_one_before),
        FLOW_TEST(what_is_void_with_its_correction_does_not_come),
        FLOW_TEST(tickets_of_one_publish_follow_one_another),
        FLOW_TEST(nothing_comes_of_what_is_kept_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
