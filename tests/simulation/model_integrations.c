// SPDX-License-Identifier: EUPL-1.2
// Who follows whom: what the directory's commands change, and may change.
#include "model_inside.h"

bool
model_follows(const struct model *model, int person, uint32_t institution,
              unsigned quality, int32_t day)
{
    person = model_current(model, person);
    return model->held[person][institution][quality] != NULL &&
           days_has(model->held[person][institution][quality], days_bit(model, day));
}

// How many integrations a person has on disk; 0 where it cannot matter.
size_t
model_person_rows(const struct model *model, int person)
{
    size_t rows = 0;

    for (uint32_t i = 1; model->counts_rows && i <= model->institutions_len; i++) {
        for (unsigned q = 1; model->follows[person][i] != 0 && q < 64; q++) {
            struct run run;

            for (int bit = 0;
                 days_next_run(model, model->held[person][i][q], &bit, &run);) {
                rows++;
            }
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
    if (model_person_rows(model, person) >= PERSON_ROWS_MAX) {
        return false;
    }
    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        if (i == institution || model->institutions[i].sector != sector ||
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
        if (i == institution ||
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
    days_set(model, &model->held[person][institution][quality], begin, end, true);
    model->follows[person][institution] |= UINT64_C(1) << quality;
    model->directory++;
}

enum vg_status
model_remove(struct model *model, int person, uint32_t institution, unsigned quality,
             int32_t begin, int32_t end)
{
    struct days **held;
    struct days before = {{0}};

    person = model_current(model, person);
    held = &model->held[person][institution][quality];
    if (*held != NULL) {
        before = **held;
    }
    model->directory++;
    if (days_set(model, held, begin, end, false) == 0) {
        return VG_NOT_FOUND;
    }
    if (model_person_rows(model, person) <= PERSON_ROWS_MAX) {
        return VG_OK;
    }
    **held = before; // one in the middle was cut in two, and there is no room for both
    return VG_TOO_MANY;
}
