// SPDX-License-Identifier: EUPL-1.2
#include "model.h"

#include "model_inside.h"

#include <stdlib.h>
#include <string.h>

struct model *
model_new(int32_t first_day)
{
    struct model *model = xcalloc(1, sizeof *model);

    model->first_day = first_day;
    model->trimmed_before = 1;
    model->walk.through = model->walk.day = DAY_EVER.number;
    for (int i = 0; i < PERSONS; i++) {
        model->niss[i] = niss_make(1950 + i, 60 + 1 + i % 12, 1 + i, 3 + 7 * i).number;
        model->replaced_by[i] = -1;
    }
    return model;
}

void
model_free(struct model **model)
{
    if (*model == NULL) {
        return;
    }
    for (size_t i = 0; i < (*model)->boxes_len; i++) {
        free((*model)->boxes[i].told);
        free((*model)->boxes[i].merged);
    }
    for (size_t i = 0; i < INSTITUTIONS_MAX; i++) {
        for (size_t j = 0; j < PRODUCERS_MAX; j++) {
            free((*model)->producers[i][j].outcomes);
        }
    }
    for (size_t i = 0; i < PERSONS; i++) {
        for (size_t j = 0; j < INSTITUTIONS_MAX; j++) {
            for (size_t q = 0; (*model)->follows[i][j] != 0 && q < 64; q++) {
                free((*model)->held[i][j][q]);
            }
        }
    }
    free((*model)->deeds);
    free((*model)->kept);
    free((*model)->commit_us);
    free((*model)->commit_event);
    free(*model);
    *model = NULL;
}

struct deed *
model_deed(struct model *model)
{
    if (model->deeds_len == model->deeds_size) {
        model->deeds_size = model->deeds_size * 2 + 256;
        model->deeds = realloc(model->deeds, model->deeds_size * sizeof *model->deeds);
        CHECK(model->deeds != NULL);
    }

    struct deed *deed = &model->deeds[model->deeds_len++];

    *deed = (struct deed){.id = (uint32_t)model->deeds_len};
    return deed;
}

struct model_box *
model_box(struct model *model, uint32_t mailbox)
{
    for (size_t i = 0; i < model->boxes_len; i++) {
        if (model->boxes[i].id == mailbox) {
            return &model->boxes[i];
        }
    }
    return NULL;
}

struct kept *
model_kept(const struct model *model, uint64_t ticket)
{
    struct kept *kept = ticket < model->kept_size && ticket <= model->tickets
                            ? &model->kept[ticket]
                            : NULL;

    return kept == NULL || kept->deed == 0 ? NULL : kept;
}

bool
model_got(const struct model *model, uint32_t institution, uint64_t ticket)
{
    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[i];

        for (size_t j = 0;
             model_successor(model, box->institution) == institution && j < box->len;
             j++) {
            if (box->told[j].ticket == ticket) {
                return true;
            }
        }
    }
    return false;
}

const struct model_key *
model_valid_key(const struct model *model, uint32_t institution, uint32_t role)
{
    for (size_t i = 0; i < model->keys_len; i++) {
        const struct model_key *key = &model->keys[i];

        if (key->institution == institution && key->role == role && !key->revoked) {
            return key;
        }
    }
    return NULL;
}

bool
model_has_ticket(const struct model *model, uint64_t request, uint64_t ticket)
{
    const struct model_reply *reply = &model->replies[request % REPLIES_MAX];

    for (size_t i = 0; i < reply->len; i++) {
        if (reply->tickets[i] == ticket) {
            return true;
        }
    }
    return reply->request != request || reply->len == ARRAY_LEN(reply->tickets);
}

int
model_current(const struct model *model, int person)
{
    while (model->replaced_by[person] >= 0) {
        person = model->replaced_by[person];
    }
    return person;
}

int
model_person(const struct model *model, uint64_t niss)
{
    for (int i = 0; i < PERSONS; i++) {
        if (model->niss[i] == niss) {
            return i;
        }
    }
    return -1;
}

bool
model_is_same(const struct model *model, uint64_t one, uint64_t other)
{
    int a = model_person(model, one), b = model_person(model, other);

    return one == other ||
           (a >= 0 && b >= 0 && model_current(model, a) == model_current(model, b));
}
