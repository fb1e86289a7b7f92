// SPDX-License-Identifier: EUPL-1.2
// dice.h - every choice of the simulation comes from one seed.
#ifndef SIMULATION_DICE_H
#define SIMULATION_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t
dice_roll(struct dice *dice) // splitmix64
{
    uint64_t z = (dice->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

// dice_below gives 0 to n - 1.
static inline uint32_t
dice_below(struct dice *dice, uint32_t n)
{
    return n == 0 ? 0 : (uint32_t)((dice_roll(dice) >> 32) * n >> 32);
}

static inline int
dice_between(struct dice *dice, int first, int last)
{
    return first + (int)dice_below(dice, (uint32_t)(last - first + 1));
}

static inline bool
dice_one_in(struct dice *dice, uint32_t n)
{
    return dice_below(dice, n) == 0;
}

#endif
