// SPDX-License-Identifier: EUPL-1.2
// begin.c - a seed draws its world: how long, how busy, how large, with which settings and whom.
#include "simulation.h"

#include <string.h>

enum {
    HEARTBEAT_MS = 60 * 1000,
    FIRST_KEY = 1,
    FLOOD_STEPS = 1500,
    MERGE_STEPS = 50,
};

static const unsigned usual[ACTS] = {
    [ACT_REFER] = 60,
    [ACT_REPORT] = 30,
    [ACT_PUBLISH] = 30,
    [ACT_CARRY] = 130,
    [ACT_APPLY] = 40,
    [ACT_TAKE] = 30,
    [ACT_GO_ON] = 20,
    [ACT_SUBSCRIBE] = 6,
    [ACT_HANG_UP] = 2,
    [ACT_ACKNOWLEDGE_SOME] = 30,
    [ACT_FIDGET] = 4,
    [ACT_REMOVE_SOME] = 5,
    [ACT_INTEGRATE_SOME] = 14,
    [ACT_ASK] = 3,
    [ACT_ADMINISTER] = 4,
    [ACT_CHANGE_RULES] = 5,
    [ACT_SECOND] = 8,
    [ACT_PULSE] = 3,
    [ACT_TIME] = 10,
    [ACT_FILL_DISK] = 1,
    [ACT_FAIL_READS] = 1,
    [ACT_DIE] = 1,
    [ACT_DRAIN] = 1,
    [ACT_FORGET] = 1,
    [ACT_COPY] = 1,
    [ACT_EXPIRE] = 4,
    [ACT_REPLAY] = 1,
    [ACT_REFUSE] = 40,
    [ACT_HANDLE_PARKED] = 8,
};

static void
at_client(uint64_t connection, struct bytes frame, void *arg)
{
    struct simulation *s = arg;

    if (!sources_hear(&s->sources, connection, frame)) {
        (void)members_hear(&s->members, connection,
                           frame); // else nobody hears it any more
    }
}

static void
to_broker(const struct connection *connection, struct bytes frame, void *arg)
{
    node_receive(&((struct simulation *)arg)->node, connection, frame);
}

static void
from_broker(uint64_t connection, struct bytes frame, bool taken, void *arg)
{
    struct witness *witness = &((struct simulation *)arg)->witness;

    if (taken) {
        witness_sent(witness, connection, frame);
    } else {
        witness_not_taken(witness, frame);
    }
}

// Mostly a hundred steps or two; sometimes thousands.
static uint64_t
draw_steps(struct simulation *s)
{
    uint64_t steps = 40 + dice_below(&s->dice, 260);

    return dice_one_in(&s->dice, 60) ? steps * 12 : steps;
}

static void
draw_weights(struct simulation *s)
{
    static const unsigned factors[] = {0, 1, 4, 4, 4, 8, 16}; // of four

    for (unsigned i = 0; i < ACT_MERGE; i++) {
        unsigned factor = factors[dice_below(&s->dice, ARRAY_LEN(factors))];

        if (i <= ACT_GO_ON && factor == 0) {
            factor = 1; // without these nothing happens
        }
        if (i <= ACT_SUBSCRIBE && s->refusing) {
            factor = i == ACT_SUBSCRIBE || i == ACT_GO_ON ? 16 : 4;
        }
        if (i == ACT_ACKNOWLEDGE_SOME && s->refusing) {
            factor = 1; // there must be something to give back
        }
        if ((i == ACT_REFUSE || i == ACT_HANDLE_PARKED) && !s->refusing) {
            factor = 0;
        }
        if (i == ACT_CHANGE_RULES && !s->noisy) {
            factor = 0;
        }
        s->weights[i] = usual[i] * factor / 4;
        s->weights_total += s->weights[i];
    }
    s->weights[ACT_MERGE] = s->merging ? s->weights_total / MERGE_STEPS : 0;
    s->weights_total += s->weights[ACT_MERGE];
}

// What is rare and large: thousands of letters and of gaps between acknowledgements, a
// person whom everybody follows, letters beyond what a frame takes.
static void
draw_sizes(struct simulation *s)
{
    bool flood = dice_one_in(&s->dice, 1500);

    if (flood && s->steps < FLOOD_STEPS && s->draws_steps) {
        s->steps = FLOOD_STEPS;
    }
    s->refusing = s->refusing && !flood;
    s->burst = flood ? 1000 : !s->refusing && dice_one_in(&s->dice, 6) ? 60 : 5;
    s->items_max = dice_one_in(&s->dice, 400) ? INTEGRATE_ITEMS_MAX : 4;
    s->heavy = !flood && dice_one_in(&s->dice, 12);
    s->referring = dice_one_in(&s->dice, 2);
    s->favourite = flood || s->items_max > 4 ? 30 : s->refusing ? 3 : 0;
    s->members.sparse = flood && dice_one_in(&s->dice, 2);
    s->members.wide = flood || dice_one_in(&s->dice, 20);
    s->model->counts_rows = s->items_max > 4;
    s->fault_one_in = dice_one_in(&s->dice, 4) ? 0 : 5 + dice_below(&s->dice, 60);
    s->network.loss = dice_one_in(&s->dice, 3) ? 0 : 4 + dice_below(&s->dice, 60);
    s->network.disorder = dice_one_in(&s->dice, 3) ? 2 + dice_below(&s->dice, 30) : 0;
    s->network.queue_max =
        dice_one_in(&s->dice, 4) ? 1 + dice_below(&s->dice, 4) : QUEUE_MAX;
}

// Sometimes so small that it is full before the end.
static uint64_t
draw_map_bytes(struct simulation *s)
{
    return dice_one_in(&s->dice, 8) ? (UINT64_C(1200) + dice_below(&s->dice, 1500)) << 10
                                    : UINT64_C(256) << 20;
}

static struct settings
draw_settings(struct simulation *s)
{
    struct settings settings;

    settings_defaults(&settings);
    settings.scrub_bytes_per_second = 0; // a thread of its own would not follow the seed
    settings.map_bytes = draw_map_bytes(s);
    settings.http_endpoint[0] = settings.catalogue_file[0] = settings.run_dir[0] = 0;
    settings.anchor_key_file[0] = 0;
    settings.disk_reserve_bytes = 0;
    settings.test_persons = true;
    settings.heartbeat_ms = HEARTBEAT_MS;
    settings.retry_first_ms = 100 + dice_below(&s->dice, 2000);
    settings.retry_longest_ms = 5000 + dice_below(&s->dice, 20000);
    settings.retry_attempts = 2 + dice_below(&s->dice, 6);
    settings.window_messages =
        dice_one_in(&s->dice, 4) ? 1 + dice_below(&s->dice, 200) : 20000;
    return settings;
}

void
settle(struct simulation *s)
{
    while (node_waiting(&s->node) > 0) {
        apply(s, FAULT_NONE);
    }
    node_take(&s->node);
}

static void
furnish(struct simulation *s)
{
    static const struct {
        const char *code;
        uint16_t sector;
        uint32_t producers;
    } first[] = {{"RN", 1, 2},
                 {"BIS", 2, 1},
                 {"WAIT", 3, 1},
                 {"ONSS", 4, 1},
                 {"INASTI", 5, 1},
                 {"PENSION", 6, 1},
                 {"SPPIS", 7, 1},
                 {"MUT-509", 10, 0},
                 {"WATER-1", 20, 0},
                 {"DELIJN", 18, 0},
                 {"CPAS-A", SECTOR_CPAS, 2},
                 {"CPAS-B", SECTOR_CPAS, 1},
                 {"CPAS-C", SECTOR_CPAS, 0},
                 {"CPAS-D", SECTOR_CPAS, 0}};

    want_catalogue(s, 0);
    for (uint32_t i = 0; i < ARRAY_LEN(first); i++) {
        want_institution(s, first[i].code, first[i].sector);
        want_key(s, i + 1, ROLE_MEMBER);
        if (first[i].producers > 0) {
            want_key(s, i + 1, ROLE_SOURCE);
        }
        for (uint32_t p = 1; p <= first[i].producers; p++) {
            sources_add(&s->sources, i + 1, p);
        }
    }
    settle(s);
    for (uint32_t n = 10 + dice_below(&s->dice, 50); n > 0; n--) {
        integrate(s);
    }
    for (uint32_t n = s->noisy ? dice_below(&s->dice, 12) : 0; n > 0; n--) {
        change_rules(s);
    }
    if (s->noisy && dice_one_in(&s->dice, 2)) {
        want_neither(s);
    }
    if (s->repeating && !dice_one_in(&s->dice, 4)) {
        want_merged(s);
    }
}

static void
begin_clock(struct simulation *s)
{
    s->now_us = (day_of(2026, 2, 1).number + dice_between(&s->dice, 0, 600)) * DAY_US +
                dice_below(&s->dice, 86400) * SECOND_US;
    s->last_day_us = s->now_us + 200 * DAY_US;
    s->steady_us = SECOND_US;
    stage_set_time(s->now_us, s->steady_us);
}

// Drawn apart: what the other seeds do they did before there were mergers.
static bool
merges(uint64_t seed)
{
    struct dice dice = {.state = seed ^ UINT64_C(0x6d657267)};

    return dice_one_in(&dice, 4);
}

// steps 0: as the seed draws them.
void
begin(struct simulation *s, uint64_t seed, uint64_t steps)
{
    struct settings settings;
    uint64_t drawn;

    memset(s, 0, sizeof *s);
    s->seed = s->dice.state = seed;
    drawn = draw_steps(s);
    s->draws_steps = steps == 0;
    s->steps = steps == 0 ? drawn : steps;
    network_begin(&s->network, &s->dice);
    s->network.at_client = at_client;
    s->network.to_broker = to_broker;
    s->network.from_broker = from_broker;
    s->network.arg = s;
    begin_clock(s);
    s->model = model_new(today(s) - 400);
    s->keys_asked = FIRST_KEY;
    s->node = (struct node){.dice = &s->dice,
                            .model = s->model,
                            .network = &s->network,
                            .witness = &s->witness};
    s->sources =
        (struct sources){.dice = &s->dice, .model = s->model, .network = &s->network};
    s->members =
        (struct members){.dice = &s->dice, .model = s->model, .network = &s->network};
    s->refusing = dice_one_in(&s->dice, 3);
    s->noisy = dice_one_in(&s->dice, 3);
    s->merging = merges(seed);
    s->repeating = s->noisy && !s->merging;
    draw_weights(s);
    draw_sizes(s);
    settings = draw_settings(s);
    s->model->retry = (struct retry_rule){
        settings.retry_first_ms, settings.retry_longest_ms, settings.retry_attempts};
    s->node.slices = dice_one_in(&s->dice, 2);
    node_begin(&s->node, &settings);
    furnish(s);
}
