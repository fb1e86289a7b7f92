// SPDX-License-Identifier: EUPL-1.2
// What mailboxes want less of, and when, by the dice.
#include "simulation.h"

#include <string.h>

enum { UNWANTED_HERE = 4, STEP_MINUTES = 10 };

// Mostly a flow that can be declined; sometimes one that cannot, or that does not exist.
static const char *
choose_flow(struct simulation *s)
{
    static const char *const usual[] = {"notifyPerson", "PersonnelFile",
                                        "PensionRegisterMutation", "IntegrationEnds",
                                        "EmployerDirectoryMutation"};

    if (dice_one_in(&s->dice, 40)) {
        return "NoSuchFlow";
    }
    return dice_one_in(&s->dice, 4)
               ? facts_flow(0, dice_below(&s->dice, facts_flows()))->name
               : usual[dice_below(&s->dice, ARRAY_LEN(usual))];
}

static uint64_t
choose_qualities(struct simulation *s)
{
    uint64_t qualities = 0;

    for (uint32_t n = dice_below(&s->dice, 4); n > 0; n--) {
        qualities |= UINT64_C(1) << dice_between(&s->dice, 1, 40);
    }
    return dice_one_in(&s->dice, 2) ? qualities | 6 : qualities; // 0: all
}

// Names lie in the command's frame, one after the other.
static struct command *
command_without(struct simulation *s, size_t len)
{
    struct buffer names = {0};
    struct command *command;
    struct choice_request *unwanted = xcalloc(len + 1, sizeof *unwanted);
    size_t at = 0;

    for (size_t i = 0; i < len; i++) {
        const char *flow = choose_flow(s);

        unwanted[i].flow.len = strlen(flow);
        unwanted[i].qualities = choose_qualities(s);
        buffer_add(&names, flow, strlen(flow));
    }
    command = command_new(COMMAND_SET_RULES, names.at, names.len);
    for (size_t i = 0; i < len; i++) {
        unwanted[i].flow.at = command->frame.at + at;
        at += unwanted[i].flow.len;
    }
    command->set_rules.unwanted = unwanted;
    command->set_rules.unwanted_len = len;
    buffer_free(&names);
    return command;
}

static uint16_t
choose_minute(struct simulation *s)
{
    return (uint16_t)(dice_below(&s->dice, DAY_MINUTES / STEP_MINUTES) * STEP_MINUTES);
}

// About now, about midnight, at any time; never for the whole day.
static void
choose_times(struct simulation *s, struct mailbox_rules *rules)
{
    uint32_t length = STEP_MINUTES * dice_below(&s->dice, DAY_MINUTES / STEP_MINUTES - 6);

    rules->quiet_from = dice_one_in(&s->dice, 3)
                            ? (uint16_t)((model_minute(s->now_us) + DAY_MINUTES -
                                          dice_between(&s->dice, -2, 30)) %
                                         DAY_MINUTES)
                            : choose_minute(s);
    if (dice_one_in(&s->dice, 3)) {
        length = 0;
    }
    rules->quiet_to = (uint16_t)((rules->quiet_from + length) % DAY_MINUTES);
    if (dice_one_in(&s->dice, 2)) {
        rules->digest = (uint16_t)(1 + choose_minute(s));
    }
    if (dice_one_in(&s->dice, 30)) {
        rules->digest = DAY_MINUTES + 1;
    }
    if (dice_one_in(&s->dice, 30)) {
        rules->quiet_to = DAY_MINUTES;
    }
}

void
change_rules(struct simulation *s)
{
    const struct model *model = s->model;
    struct command *command = command_without(s, dice_below(&s->dice, UNWANTED_HERE));
    struct set_rules_command *set = &command->set_rules;

    set->mailbox = model->boxes[dice_below(&s->dice, (uint32_t)model->boxes_len)].id;
    set->named = dice_below(&s->dice, 16) |
                 (dice_one_in(&s->dice, 2) ? RULES_CANCELLED : 0) |
                 (s->repeating && dice_one_in(&s->dice, 2) ? RULES_REPEATS : 0);
    set->rules.repeats = dice_one_in(&s->dice, 4) ? REPEATS_COME : REPEATS_MERGE;
    set->rules.cancelled = dice_one_in(&s->dice, 4) ? CANCELLED_PAIR : CANCELLED_NEITHER;
    choose_times(s, &set->rules);
    set->rules.urgent_first = !dice_one_in(&s->dice, 3);
    node_propose(&s->node, &command);
}

static void
set_for_all(struct simulation *s, uint32_t named, const struct mailbox_rules *rules)
{
    for (size_t i = 0; i < s->model->boxes_len; i++) {
        struct command *command = command_new(COMMAND_SET_RULES, NULL, 0);

        command->set_rules.mailbox = s->model->boxes[i].id;
        command->set_rules.named = named;
        command->set_rules.rules = *rules;
        node_propose(&s->node, &command);
    }
}

void
lift_rules(struct simulation *s)
{
    static const struct mailbox_rules none;

    set_for_all(s,
                RULES_UNWANTED | RULES_QUIET | RULES_DIGEST | RULES_URGENT |
                    RULES_REPEATS | RULES_CANCELLED,
                &none);
}

void
want_neither(struct simulation *s)
{
    static const struct mailbox_rules neither = {.cancelled = CANCELLED_NEITHER};

    set_for_all(s, RULES_CANCELLED, &neither);
}

void
want_merged(struct simulation *s)
{
    static const struct mailbox_rules merged = {.repeats = REPEATS_MERGE};

    set_for_all(s, RULES_REPEATS, &merged);
}

int64_t
next_change(struct simulation *s)
{
    const struct model *model = s->model;
    const struct model_box *box =
        &model->boxes[dice_below(&s->dice, (uint32_t)model->boxes_len)];
    int64_t at = s->now_us - s->now_us % MINUTE_US;
    int minute;

    for (int tries = 0; tries < 8 && box->rules.digest == 0 &&
                        box->rules.quiet_from == box->rules.quiet_to;
         tries++) {
        box = &model->boxes[dice_below(&s->dice, (uint32_t)model->boxes_len)];
    }
    if (box->rules.digest == 0 && box->rules.quiet_from == box->rules.quiet_to) {
        return s->now_us;
    }
    minute = box->rules.digest != 0 && dice_one_in(&s->dice, 2) ? box->rules.digest - 1
             : dice_one_in(&s->dice, 2)                         ? box->rules.quiet_from
                                                                : box->rules.quiet_to;
    do {
        at += MINUTE_US;
    } while (model_minute(at) != minute);
    return at;
}
