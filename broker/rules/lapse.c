// SPDX-License-Identifier: EUPL-1.2
#include "rules/lapse.h"

static struct lapse_days *
find_days(const struct lapse_walk *walk, uint16_t sector, uint16_t quality)
{
    for (size_t i = 0; i < walk->days_len; i++) {
        if (walk->days[i].quality == quality && walk->days[i].sector == sector) {
            return (struct lapse_days *)&walk->days[i];
        }
    }
    return NULL;
}

void
lapse_plan(const struct catalogue *catalogue, struct lapse_walk *walk)
{
    const struct quality *quality;

    for (size_t i = 0; i < walk->days_len; i++) {
        walk->days[i].before = walk->days[i].days;
        walk->days[i].days = LAPSE_NEVER;
    }
    for (size_t i = 0; (quality = catalogue_quality_at(catalogue, i)) != NULL; i++) {
        struct lapse_days *days = find_days(walk, quality->sector, quality->code);

        if (!quality->warns) {
            continue;
        }
        if (days == NULL && walk->days_len < QUALITIES_MAX) {
            days = &walk->days[walk->days_len++];
            *days = (struct lapse_days){.sector = quality->sector,
                                        .quality = quality->code,
                                        .before = LAPSE_NEVER};
        }
        if (days != NULL) {
            days->days = quality->warn_days;
        }
    }
}

void
lapse_finish(struct lapse_walk *walk)
{
    size_t kept = 0;

    for (size_t i = 0; i < walk->days_len; i++) {
        if (walk->days[i].days != LAPSE_NEVER) {
            walk->days[kept++] = walk->days[i];
        }
    }
    walk->days_len = kept;
    walk->through = walk->day;
}

// Whether an earlier walk has told of what was due on this day.
static bool
was_told(const struct lapse_walk *walk, int64_t due)
{
    return walk->through.number != DAY_EVER.number && due <= walk->through.number;
}

static enum lapse
lapse_by_days(const struct lapse_walk *walk, const struct lapse_days *days, int64_t end)
{
    int64_t day = walk->day.number;

    if (end >= day) {
        bool told = days->before != LAPSE_NEVER && was_told(walk, end - days->before);

        return end - days->days <= day && !told ? LAPSE_ENDS : LAPSE_NOTHING;
    }
    if (walk->through.number == DAY_EVER.number) {
        return end + 1 == day ? LAPSE_ENDED : LAPSE_NOTHING;
    }
    return was_told(walk, end + 1) ? LAPSE_NOTHING : LAPSE_ENDED;
}

static bool
is_followed_on(const struct catalogue *catalogue, const struct integration *integrations,
               size_t len, const struct integration *one)
{
    const struct quality *of = catalogue_quality(catalogue, one->sector, one->quality);

    for (size_t i = 0; i < len; i++) {
        const struct integration *next = &integrations[i];
        const struct quality *quality;

        if (next->institution != one->institution || next->end <= one->end ||
            next->begin > one->end + 1) {
            continue;
        }
        quality = catalogue_quality(catalogue, next->sector, next->quality);
        if (of != NULL && quality != NULL && quality->class == of->class) {
            return true;
        }
    }
    return false;
}

enum lapse
lapse_of(const struct catalogue *catalogue, const struct lapse_walk *walk,
         const struct integration *integrations, size_t len, size_t i)
{
    const struct integration *one = &integrations[i];
    const struct lapse_days *days;
    enum lapse lapse;

    if (one->end == DAY_FOREVER.number) {
        return LAPSE_NOTHING;
    }
    days = find_days(walk, one->sector, one->quality);
    if (days == NULL || days->days == LAPSE_NEVER) {
        return LAPSE_NOTHING;
    }
    lapse = lapse_by_days(walk, days, one->end);
    return lapse != LAPSE_NOTHING && is_followed_on(catalogue, integrations, len, one)
               ? LAPSE_FOLLOWED
               : lapse;
}
