// SPDX-License-Identifier: EUPL-1.2
// Who becomes part of whom, and when, by the dice.
#include "simulation.h"

enum { FROM_HERE = 3, DAYS_AHEAD = 4 };

// Mostly of the same sector; a few are not registered, or were merged.
static uint32_t
choose_other(struct simulation *s, uint32_t into)
{
    const struct model *model = s->model;
    uint32_t id = any_institution(s);

    for (int tries = 0; tries < 20; tries++) {
        const struct model_institution *one = &model->institutions[id];

        if (id != into && !one->merged &&
            one->sector == model->institutions[into].sector) {
            break;
        }
        id = any_institution(s);
    }
    return dice_one_in(&s->dice, 60) ? model->institutions_len + 1 : id;
}

// Whoever has another one of its sector, which merges into nobody.
static uint32_t
choose_into(struct simulation *s)
{
    const struct model *model = s->model;
    uint32_t id = any_institution(s);

    for (int tries = 0; tries < 40; tries++) {
        const struct model_institution *one = &model->institutions[id];

        if ((one->sector == SECTOR_CPAS || one->sector == 10) && one->merges_into == 0) {
            break;
        }
        id = any_institution(s);
    }
    return dice_one_in(&s->dice, 60) ? model->institutions_len + 1 : id;
}

// Mostly today.
static struct day
choose_day(struct simulation *s)
{
    struct day day = {today(s)};

    if (dice_one_in(&s->dice, 40)) {
        return day_add_years(day, 11);
    }
    return dice_one_in(&s->dice, 2)
               ? day
               : day_add_days(day, dice_between(&s->dice, -1, DAYS_AHEAD));
}

static void
want_merger(struct simulation *s, const uint32_t *from, size_t from_len, uint32_t into,
            struct day day)
{
    struct command *command = command_new(COMMAND_MERGE, NULL, 0);

    command->merge.from_len = from_len;
    command->merge.into = into;
    command->merge.day = day;
    for (size_t i = 0; i < from_len; i++) {
        command->merge.from[i] = from[i];
    }
    node_propose(&s->node, &command);
}

void
merge(struct simulation *s)
{
    uint32_t into = choose_into(s), from[FROM_HERE];
    size_t from_len = 1 + dice_below(&s->dice, FROM_HERE);
    uint32_t named = into <= s->model->institutions_len ? into : 1;

    for (size_t i = 0; i < from_len; i++) {
        from[i] = choose_other(s, named);
    }
    if (dice_one_in(&s->dice, 8)) {
        want_merger(s, from, from_len, 0, DAY_EVER); // given up
        return;
    }
    want_merger(s, from, from_len, into, choose_day(s));
    if (model_valid_key(s->model, named, ROLE_SOURCE) == NULL &&
        dice_one_in(&s->dice, 2)) {
        want_key(s, named, ROLE_SOURCE);
    }
}

void
settle_mergers(struct simulation *s)
{
    bool gives_up = dice_one_in(&s->dice, 2);

    for (uint32_t i = 1; i <= s->model->institutions_len; i++) {
        const struct model_institution *one = &s->model->institutions[i];

        if (one->merges_into == 0 || one->merged) {
            continue;
        }
        if (gives_up) {
            want_merger(s, &i, 1, 0, DAY_EVER);
        }
        while (!gives_up && today(s) < one->merges_on) {
            add_time(s, 6 * INT64_C(3600000000));
        }
    }
}
