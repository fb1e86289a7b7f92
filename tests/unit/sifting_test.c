// SPDX-License-Identifier: EUPL-1.2
// Goal: in a mailbox that wants it an urgent letter is sent before others that wait, and
// a mailbox that keeps up, or has no such rule, is not looked into.
// Method: a real broker on loopback; letters wait in quiet hours that are lifted. What comes
// first is flow/sift.h's (sift_test).
#include "edge/sifting.h"

#include "world.h"

static void
set_rules(struct world *world, struct mailbox_rules rules)
{
    struct command *command = command_new(COMMAND_SET_RULES, NULL, 0);

    command->set_rules = (struct set_rules_command){
        .mailbox = world->cpas_1, .named = RULES_QUIET | RULES_URGENT, .rules = rules};
    assert_int_equal(world_do(world, command), VG_OK);
}

static void
publish_death(struct world *world, struct peer *source, uint64_t number)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    Vigie__V1__Publish publish = VIGIE__V1__PUBLISH__INIT;
    Vigie__V1__Mutation mutation = VIGIE__V1__MUTATION__INIT;
    Vigie__V1__Mutation *mutations[] = {&mutation};
    Vigie__V1__Field field = VIGIE__V1__FIELD__INIT;
    Vigie__V1__Field *fields[] = {&field};

    (void)world;
    field.code = (char *)"150";
    field.value = (char *)"x";
    mutation.flow = (char *)"notifyPerson";
    mutation.niss = WORLD_NISS;
    mutation.occurred = day_number(day_in_brussels(clock_now()));
    mutation.n_fields = 1;
    mutation.fields = fields;
    publish.producer = 1;
    publish.first_number = number;
    publish.n_mutations = 1;
    publish.mutations = mutations;
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH;
    message.publish = &publish;
    peer_send(source, &message);
    peer_expect_published(source, number);
}

static void
only_what_waits_in_a_mailbox_with_the_rule_is_looked_at(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);
    struct lane *lane = lanes_at(world->broker->lanes, world->cpas_1);
    uint64_t advanced = metrics.advanced;

    world_integrate(world, world->cpas_1);
    peer_subscribe(&member, 0, 100);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    publish_death(world, &source, 1);
    peer_take(&member, 0, 1);
    assert_int_equal(lane->sifted, 0); // no rule
    set_rules(world, (struct mailbox_rules){.urgent_first = 1});
    publish_death(world, &source, 2);
    peer_take(&member, 1, 2);
    assert_int_equal(lane->sifted, 2); // it was alone

    // All about one person: looked at, and nothing passes anything.
    set_rules(world,
              (struct mailbox_rules){.quiet_to = DAY_MINUTES - 1, .urgent_first = 1});
    peer_publish(&source, 3, 2);
    peer_expect_published(&source, 4);
    publish_death(world, &source, 5);
    set_rules(world, (struct mailbox_rules){.urgent_first = 1});
    peer_take(&member, 2, 5);
    assert_int_equal(lane->sifted, 5);
    assert_false(lane->sifting);
    assert_int_equal(metrics.advanced, advanced);
    peer_close(&member);
    peer_close(&source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            only_what_waits_in_a_mailbox_with_the_rule_is_looked_at, world_open,
            world_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
