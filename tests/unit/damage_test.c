// SPDX-License-Identifier: EUPL-1.2
// Goal: what is damaged is known once and named; it stops its mailbox where it is, what was
// sent before can still be acknowledged, and the neighbour notices nothing.
// Method: a real broker on loopback and two members; a byte of one body flips in the file.
#include "edge/damage.h"

#include "edge/scrubber.h"
#include "store/bodies.h"
#include "world.h"

#include "../damage_file.h"

static struct damage
damage_about(uint32_t mailbox, uint64_t number, const char *words)
{
    struct damage damage = {.mailbox = mailbox, .number = number};

    why_set(&damage.why, "%s", words);
    return damage;
}

static void
the_same_is_noted_once(void **state)
{
    struct damages *damages = damages_new();
    struct damage block = damage_about(0, 0, "block 1");
    struct damage other = damage_about(0, 0, "block 2");
    struct damage late = damage_about(7, 20, "letter 20");
    struct damage early = damage_about(7, 10, "letter 10");
    (void)state;

    assert_true(damages_add(damages, &block));
    assert_false(damages_add(damages, &block));
    assert_true(damages_add(damages, &other));
    assert_true(damages_add(damages, &late));
    assert_false(damages_add(damages, &late));
    assert_true(damages_add(damages, &early)); // it stops earlier than was known
    assert_false(damages_add(damages, &late));
    assert_int_equal(damages_len(damages), 3);
    assert_int_equal(damages_of(damages, 7)->number, 10);
    assert_null(damages_of(damages, 8));
    assert_null(damages_of(damages, 0));
    assert_string_equal(damages_at(damages, 1)->why.text, "block 2");
    assert_null(damages_at(damages, 3));
    damages_free(&damages);
    damages_free(&damages);
}

static void
more_than_can_be_kept_are_counted(void **state)
{
    struct damages *damages = damages_new();
    (void)state;

    for (uint32_t i = 1; i <= DAMAGES_MAX + 5; i++) {
        struct damage damage = damage_about(i, 1, "letter 1");

        assert_true(damages_add(damages, &damage));
    }
    assert_int_equal(damages_len(damages), DAMAGES_MAX + 5);
    assert_null(damages_at(damages, DAMAGES_MAX));
    damages_free(&damages);
}

// The body of a mailbox's letter, as it lies in the file.
static void
flip_letter(struct world *world, uint32_t mailbox, uint64_t number)
{
    struct txn *txn = NULL;
    struct letter letter;
    struct bytes body;
    uint8_t copy[1000];
    size_t len = 0;

    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    assert_int_equal(
        tails_letters(world->broker->tails, txn, mailbox, number, &letter, 1, &len),
        VG_OK);
    assert_int_equal(len, 1);
    assert_int_equal(body_get(txn, letter.body, &body), VG_OK);
    assert_in_range(body.len, 1, sizeof copy);
    memcpy(copy, body.at, body.len);
    len = body.len;
    store_abort(&txn);
    assert_true(damage_file(world->settings.store_path, copy, len) > 0);
}

static void
a_damaged_letter_stops_its_mailbox_and_no_other(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct peer neighbour;
    const struct damage *damage;

    event_del(world->broker->second); // it would have looked at the block before
    world_integrate(world, world->cpas_1);
    peer_publish(&source, 1, 2);
    peer_expect_published(&source, 2);
    peer_publish(&source, 3, 2);
    peer_expect_published(&source, 4);
    flip_letter(world, world->cpas_1, 3);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_take(&member, 0, 2);
    peer_expect_refused(&member, VG_STORE_BROKEN);
    damage = damages_of(world->broker->damages, world->cpas_1);
    assert_non_null(damage);
    assert_int_equal(damage->number, 3);
    assert_non_null(strstr(damage->why.text, "letter 3: block "));
    assert_non_null(strstr(damage->why.text, "its checksum does not hold"));
    assert_int_equal(metrics.damaged, 1);
    peer_acknowledge(&member, world->cpas_1, 2);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).acknowledged == 2);
    assert_int_equal(metrics.damaged, 1);

    neighbour = peer_enter(world, world->broker->members, &world->neighbour);
    world_integrate(world, world->cpas_2);
    peer_subscribe(&neighbour, 0, 100);
    peer_expect(&neighbour, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_publish(&source, 5, 3);
    peer_expect_published(&source, 7);
    peer_take(&neighbour, 0, 3);
    // Nothing more was tried, and nothing more was said.
    assert_int_equal(lanes_find(world->broker->lanes, world->cpas_1)->stop, LANE_STOPPED);
    assert_false(lane_has_work(lanes_find(world->broker->lanes, world->cpas_1)));
    assert_int_equal(world_row(world, world->cpas_1).last, 7); // its letters are kept
    peer_close(&neighbour);
    peer_close(&member);
    peer_close(&source);
}

static void
a_second_opening_is_told_again_but_noted_once(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    event_del(world->broker->second); // it would have looked at the block before
    world_integrate(world, world->cpas_1);
    peer_publish(&source, 1, 1);
    peer_expect_published(&source, 1);
    flip_letter(world, world->cpas_1, 1);
    for (int i = 0; i < 2; i++) {
        peer_subscribe(&member, 0, 100);
        peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
        peer_expect_refused(&member, VG_STORE_BROKEN);
        peer_close(&member);
        member = peer_enter(world, world->broker->members, &world->member);
    }
    assert_int_equal(metrics.damaged, 1);
    peer_close(&member);
    peer_close(&source);
}

// It was sound when it was sent first.
static void
what_the_scrub_finds_is_not_trusted_any_more(void **state)
{
    struct world *world = *state;
    struct broker *broker = world->broker;
    struct peer source = peer_enter(world, broker->sources, &world->source);
    struct peer member = peer_enter(world, broker->members, &world->member);
    struct why why;

    world_integrate(world, world->cpas_1);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_publish(&source, 1, 1);
    peer_expect_published(&source, 1);
    peer_take(&member, 0, 1);
    peer_close(&member);
    flip_letter(world, world->cpas_1, 1);
    assert_int_equal(scrubber_start(broker->store, 64 << 20, &broker->scrubber, &why),
                     VG_OK);
    WORLD_UNTIL(world, damages_len(broker->damages) > 0);
    member = peer_enter(world, broker->members, &world->member);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_expect_refused(&member, VG_STORE_BROKEN);
    peer_close(&member);
    peer_close(&source);
}

static void
what_the_scrub_finds_is_noted_by_the_loop(void **state)
{
    struct world *world = *state;
    struct broker *broker = world->broker;
    struct peer source = peer_enter(world, broker->sources, &world->source);
    struct why why;

    world_integrate(world, world->cpas_1);
    peer_publish(&source, 1, 1);
    peer_expect_published(&source, 1);
    WORLD_UNTIL(world, world_row(world, world->cpas_1).folded == 1);
    flip_letter(world, world->cpas_1, 1);
    assert_int_equal(scrubber_start(broker->store, 64 << 20, &broker->scrubber, &why),
                     VG_OK);
    WORLD_UNTIL(world, damages_of(broker->damages, world->cpas_1) != NULL);
    assert_int_equal(damages_len(broker->damages), 2); // the block, and who misses it
    WORLD_UNTIL(world, metrics.scrub_passes == 1);
    assert_true(metrics.scrub_bytes > 0);
    peer_close(&source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_noted_once),
        cmocka_unit_test(more_than_can_be_kept_are_counted),
        cmocka_unit_test_setup_teardown(a_damaged_letter_stops_its_mailbox_and_no_other,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(a_second_opening_is_told_again_but_noted_once,
                                        world_open, world_close),
        cmocka_unit_test_setup_teardown(what_the_scrub_finds_is_not_trusted_any_more,
                                        world_open_hurried, world_close),
        cmocka_unit_test_setup_teardown(what_the_scrub_finds_is_noted_by_the_loop,
                                        world_open_hurried, world_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
