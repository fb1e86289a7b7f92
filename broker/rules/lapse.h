// SPDX-License-Identifier: EUPL-1.2
// lapse.h - which integrations an institution is told of on one day, because they end soon
// or ended yesterday. Pure.
//
// How many days before stands in the catalogue, per quality (`warn_days`); a quality without
// it is told of never. What is told depends on days alone, so nothing is kept per
// integration: the walk over the directory for day D tells what became due after the last
// day T for which one was finished. An integration that is made when its warning would be
// due already has its end in the answer, and is warned of no more; one whose end is moved
// has a new end, and is warned of it.
//
// Not told: an integration after whose end the same institution follows the person on, in a
// quality of the same class (it sees the same fields). "Too many" is the first complaint
// about alerts.
#ifndef RULES_LAPSE_H
#define RULES_LAPSE_H

#include "rules/catalogue.h"
#include "values/integration.h"

enum { LAPSE_NEVER = UINT16_MAX };

// Of one quality: the days of this walk, and those of the last one that was finished, so
// that who falls between two of them is told once. LAPSE_NEVER: not told of.
struct lapse_days {
    uint16_t sector;
    uint16_t quality;
    uint16_t days;
    uint16_t before;
};

struct lapse_walk {
    struct day day;     // that is walked for
    struct day through; // the last one finished; DAY_EVER: none was
    size_t days_len;
    struct lapse_days days[QUALITIES_MAX];
};

// lapse_plan takes the days of a walk from a catalogue; *walk holds those of the last one
// that was finished, which become `before`.
void lapse_plan(const struct catalogue *catalogue, struct lapse_walk *walk);
// lapse_finish is what the next plan begins with.
void lapse_finish(struct lapse_walk *walk);

enum lapse {
    LAPSE_NOTHING,
    LAPSE_ENDS,     // soon: the warning
    LAPSE_ENDED,    // on the day before, or since the last walk
    LAPSE_FOLLOWED, // would be told, but it is followed on
};

// lapse_of says what is to be told of a person's i-th integration.
enum lapse lapse_of(const struct catalogue *catalogue, const struct lapse_walk *walk,
                    const struct integration *integrations, size_t len, size_t i);

#endif
