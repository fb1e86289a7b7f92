// SPDX-License-Identifier: EUPL-1.2
// Who follows whom: what the directory's commands change, and may change.
#include "model_inside.h"

bool
model_follows(const struct model *model, int person, uint32_t institution,
              unsigned quality, int32_t day)
{
    person = model_current(model, person);
    for (uint32_t i = 0; (i = model_next_part(model, institution, i)) != 0;) {
        const struct days *held = model->held[person][i][quality];

        if (held != NULL && days_has(held, days_bit(model, day))) {
            return true;
        }
    }
    return false;
}

static size_t
count_runs(const struct model *model, const struct days *days)
{
    struct run run;
    size_t runs = 0;

    for (int bit = 0; days_next_run(model, days, &bit, &run);) {
        runs++;
    }
    return runs;
}

size_t
model_person_rows(const struct model *model, int person, bool on_disk)
{
    size_t rows = 0;

    for (uint32_t i = 1; model->counts_rows && i <= model->institutions_len; i++) {
        bool counts = on_disk || !model->institutions[i].merged;

        for (unsigned q = 1; counts && q < 64; q++) {
            rows += count_runs(model, on_disk ? model->held[person][i][q]
                                              : model_held(model, person, i, q));
        }
    }
    return rows;
}

bool
model_may_integrate(const struct model *model, int person, uint32_t institution,
                    unsigned quality, int32_t begin, int32_t end)
{
    unsigned sector = model->institutions[institution].sector;

    person = model_current(model, person);
    if (model_person_rows(model, person, false) >= PERSON_ROWS_MAX) {
        return false;
    }
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        if (model_successor(model, i) == institution ||
            model->institutions[i].sector != sector ||
            !facts_exclusive(sector, quality)) {
            continue;
        }
        for (int bit = days_bit(model, begin); bit <= days_bit(model, end); bit++) {
            if (model->held[person][i][quality] != NULL &&
                days_has(model->held[person][i][quality], bit)) {
                return false;
            }
        }
    }
    return true;
}

bool
model_others_follow(const struct model *model, int person, uint32_t institution,
                    int32_t begin, int32_t end)
{
    person = model_current(model, person);
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        if (model_successor(model, i) == institution ||
            model->institutions[i].sector != model->institutions[institution].sector) {
            continue;
        }
        for (unsigned q = 1; model->follows[person][i] != 0 && q < 64; q++) {
            struct run run;

            for (int bit = 0;
                 days_next_run(model, model->held[person][i][q], &bit, &run);) {
                if (run.begin <= end && run.end >= begin) {
                    return true;
                }
            }
        }
    }
    return false;
}

void
model_integrate(struct model *model, int person, uint32_t institution, unsigned quality,
                int32_t begin, int32_t end)
{
    person = model_current(model, person);
    model_unite(model, person);
    days_set(model, &model->held[person][institution][quality], begin, end, true);
    model->follows[person][institution] |= UINT64_C(1) << quality;
    model->directory++;
}

enum vg_status
model_remove(struct model *model, int person, uint32_t institution, unsigned quality,
             int32_t begin, int32_t end)
{
    const struct days *held;
    struct days left = {{0}}, *at = &left;
    size_t rows, runs;

    person = model_current(model, person);
    rows = model_person_rows(model, person, false);
    held = model_held(model, person, institution, quality);
    runs = count_runs(model, held);
    if (held != NULL) {
        left = *held;
    }
    model->directory++;
    if (days_set(model, &at, begin, end, false) == 0) {
        return VG_NOT_FOUND;
    }
    if (rows > 0 && rows + count_runs(model, &left) - runs > PERSON_ROWS_MAX) {
        return VG_TOO_MANY; // one in the middle would be cut in two
    }
    model_unite(model, person);
    *model->held[person][institution][quality] = left;
    return VG_OK;
}
