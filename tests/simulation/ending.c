// SPDX-License-Identifier: EUPL-1.2
// ending.c - when the world has calmed down everything is answered and delivered.
#include "simulation.h"

#include <string.h>

enum {
    QUIET_ROUNDS_MAX = 1000,
    UNWELL_ROUNDS = 6,
    SAID_HERE = 3,
    SERVED_HERE = 12,
    TAKEN_BACK_HERE = 4,
};

static void
renew_key(struct simulation *s, uint32_t institution, uint32_t role)
{
    if (model_valid_key(s->model, institution, role) == NULL) {
        want_key(s, institution, role);
        settle(s);
    }
}

// Whoever had his key revoked gets another one.
static void
renew_keys(struct simulation *s)
{
    settle(s);
    for (uint32_t i = 1; i <= s->model->institutions_len; i++) {
        renew_key(s, i, ROLE_MEMBER);
    }
    for (size_t i = 0; i < s->sources.len; i++) {
        renew_key(s, s->sources.source[i].institution, ROLE_SOURCE);
    }
}

// It was the own one of an institution that is part of another one now.
static bool
is_emptied(const struct simulation *s, const struct model_box *box)
{
    return box->id < MAILBOX_EXTRA_FIRST && s->model->institutions[box->id].merged;
}

static void
stop_troubles(struct simulation *s)
{
    s->network.loss = s->network.disorder = 0;
    s->network.queue_max = QUEUE_MAX;
    node_fill_disk(&s->node, false);
    s->node.settings.window_messages = 1000000;
}

static void
quiet_round(struct simulation *s)
{
    while (network_carry(&s->network)) {
    }
    node_go_on(&s->node);
    settle(s);
    add_time(s, SECOND_US);
    node_second(&s->node);
    node_pulse(&s->node);
    settle(s);
    while (network_carry(&s->network)) {
    }
}

// What those had who became part of others goes into the mailboxes of these.
static void
move_all_letters(struct simulation *s)
{
    size_t left = 1;

    for (int round = 0; left > 0; round++) {
        left = 0;
        quiet_round(s);
        for (size_t i = 0; i < s->model->boxes_len; i++) {
            left +=
                is_emptied(s, &s->model->boxes[i]) ? model_left(&s->model->boxes[i]) : 0;
        }
        if (left > 0 && round == QUIET_ROUNDS_MAX && !s->node.tiny) {
            broken("after %d quiet rounds %zu letters are still to be moved", round,
                   left);
        }
        if (round == QUIET_ROUNDS_MAX || (s->node.tiny && round == 40)) {
            break; // there may be no room
        }
    }
}

static void
finish_publishing(struct simulation *s)
{
    for (int round = 0; sources_are_busy(&s->sources); round++) {
        if (s->node.tiny && round == 20) {
            break; // there may be no room any more
        }
        if (round == QUIET_ROUNDS_MAX) {
            broken("after %d quiet rounds a source has no answer yet", round);
        }
        renew_keys(s);
        for (size_t i = 0; i < s->sources.len; i++) {
            sources_publish(&s->sources, i);
        }
        quiet_round(s);
    }
}

void
calm_down(struct simulation *s)
{
    stop_troubles(s);
    finish_publishing(s);
    while (s->node.broker->draining) {
        quiet_round(s);
    }
    if (s->merging) {
        settle_mergers(s);
        move_all_letters(s);
    }
    if (dice_one_in(&s->dice, 2)) {
        lift_rules(s);
    }
    quiet_round(s);
    renew_keys(s);
    model_check_letters(s->model, s->node.broker->tails, node_view(&s->node));
    compare_everything(s);
}

// Days pass in which nobody takes anything.
void
sleep_some_days(struct simulation *s)
{
    add_time(s, dice_between(&s->dice, 1, 12) * DAY_US);
    quiet_round(s); // so that all is filed
    expire(s);
    quiet_round(s);
    compare_everything(s);
}

// Of what waits in its turn, what the mailbox's rules let come at this moment.
static bool
something_comes(const struct simulation *s, const struct model_box *box)
{
    int64_t hold_back = model_hold_back(&box->rules, s->now_us);

    for (uint64_t n = box->mark + 1; n <= box->len; n++) {
        if (box->told[n - 1].place == PLACE_TURN) {
            return box->told[n - 1].kept_us < hold_back;
        }
    }
    return hold_back != INT64_MIN;
}

// Quiet hours end, and a digest comes within a day.
static void
wait_until_it_comes(struct simulation *s, const struct model_box *box)
{
    while (!something_comes(s, box)) {
        add_time(s, 10 * MINUTE_US);
    }
}

// For some rounds the institution is not well yet and gives letters back.
static void
be_served(struct simulation *s, const struct model_box *box, struct member *member,
          bool well)
{
    if (!network_is_up(&s->network, member->connection)) {
        members_connect(&s->members, member, box->institution);
        members_open(&s->members, member, box->id);
    }
    quiet_round(s);
    for (int i = 0; !well && i < 3; i++) {
        members_refuse(&s->members, member);
    }
    if (well || dice_one_in(&s->dice, 2)) {
        members_acknowledge_all(&s->members, member);
    }
    quiet_round(s);
}

// Some who want repeats merged are served; then some of what they got is taken back, perhaps by
// sources of a broker that has died in between.
void
take_some_back(struct simulation *s)
{
    struct member *member = &s->members.member[0];

    for (int n = 0; n < SAID_HERE; n++) {
        say_anew(s);
    }
    finish_publishing(s);
    for (int n = 0; n < SERVED_HERE; n++) {
        const struct model_box *box =
            &s->model->boxes[dice_below(&s->dice, (uint32_t)s->model->boxes_len)];

        if (box->rules.repeats == REPEATS_MERGE && box->count[PLACE_TURN] > 1) {
            members_hang_up(&s->members, member);
            be_served(s, box, member, true);
        }
    }
    members_hang_up(&s->members, member);
    if (dice_one_in(&s->dice, 4)) {
        node_die(&s->node);
    }
    for (int n = 0; n < TAKEN_BACK_HERE; n++) {
        take_back(s);
    }
    finish_publishing(s);
    compare_everything(s);
}

// Letters about one person come one after the other once the first was refused. In the end
// somebody looks after what is parked: then it comes once more, or not.
static void
empty_mailbox(struct simulation *s, const struct model_box *box)
{
    struct member *member = &s->members.member[0];
    size_t rounds_max = QUIET_ROUNDS_MAX + 2 * box->len;

    s->members.calm = true;
    members_hang_up(&s->members, member);
    for (size_t round = 0; model_left(box) > 0 && round < rounds_max; round++) {
        bool well = !s->refusing || round >= UNWELL_ROUNDS;

        if (s->node.tiny && round == 40) {
            break;
        }
        if (well && box->count[PLACE_PARKED] > 0) {
            handle_all_parked(s, box, dice_one_in(&s->dice, 3));
        }
        wait_until_it_comes(s, box);
        be_served(s, box, member, well);
    }
    members_hang_up(&s->members, member);
    if (model_left(box) != 0 && !s->node.tiny) {
        broken("mailbox %u: %llu letters still wait after all was acknowledged, %llu are "
               "parked",
               box->id, (unsigned long long)model_waiting(box),
               (unsigned long long)box->count[PLACE_PARKED]);
    }
}

// On a day of peace the walk over the directory comes to its end.
void
walk_to_the_end(struct simulation *s)
{
    for (int round = 0; s->model->walk.through < today(s) && !s->node.tiny; round++) {
        if (round == PERSONS + 10) {
            broken("the walk that tells of ends is not finished");
        }
        quiet_round(s);
    }
}

void
empty_all_mailboxes(struct simulation *s)
{
    for (size_t i = 0; i < s->model->boxes_len; i++) {
        if (!is_emptied(s, &s->model->boxes[i])) {
            empty_mailbox(s, &s->model->boxes[i]);
        }
    }
    if (!s->node.tiny) {
        model_check_told(s->model);
    }
    for (int rounds = 0; rounds < 3;
         rounds++) { // the fold's own commit is nothing to fold
        uint64_t letters = s->model->letters;

        quiet_round(s);
        if (s->model->letters != letters) { // midnight: somebody was told of an end
            rounds = -1;
        }
    }
    if (tails_bytes(s->node.broker->tails) != 0 && !s->node.tiny) {
        broken("the tails hold %zu bytes after a fold",
               tails_bytes(s->node.broker->tails));
    }
    compare_everything(s);
}
