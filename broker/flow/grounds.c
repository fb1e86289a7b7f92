// SPDX-License-Identifier: EUPL-1.2
#include "flow/grounds.h"

#include <stdlib.h>
#include <string.h>

struct ground {
    uint64_t version;
    struct catalogue *catalogue; // NULL: it cannot be read
};

struct grounds {
    struct ground *at;
    size_t len;
};

struct grounds *
grounds_new(void)
{
    return xcalloc(1, sizeof(struct grounds));
}

void
grounds_free(struct grounds **grounds)
{
    if (*grounds == NULL) {
        return;
    }
    for (size_t i = 0; i < (*grounds)->len; i++) {
        catalogue_free(&(*grounds)->at[i].catalogue);
    }
    free((*grounds)->at);
    free(*grounds);
    *grounds = NULL;
}

const struct catalogue *
grounds_catalogue(struct grounds *grounds, struct txn *txn, uint64_t version)
{
    AUTO(buffer_free) struct buffer text = {0};
    struct faults faults = {0};
    struct catalogue_row row;
    struct ground *ground;

    for (size_t i = 0; i < grounds->len; i++) {
        if (grounds->at[i].version == version) {
            return grounds->at[i].catalogue;
        }
    }
    grounds->at = realloc(grounds->at, (grounds->len + 1) * sizeof *grounds->at);
    CHECK(grounds->at != NULL);
    ground = &grounds->at[grounds->len++];
    *ground = (struct ground){version, NULL};
    if (version != 0 && catalogue_get(txn, version, &row, &text) == VG_OK) {
        ground->catalogue = catalogue_parse((const char *)text.at, text.len, &faults);
    }
    return ground->catalogue;
}

static bool
has_number(const uint16_t *numbers, size_t len, uint16_t number)
{
    for (size_t i = 0; i < len; i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

static bool
group_reaches(const struct group *group, const struct institution *institution,
              uint16_t quality)
{
    const struct condition *condition = &group->recipient;
    bool named = has_number(group->sectors, group->sectors_len, institution->sector);

    for (size_t i = 0; i < group->fixed_len; i++) {
        named = named || strcmp(group->fixed[i], institution->code) == 0;
    }
    return named && (quality == 0) == (condition->when == WHEN_NONE) &&
           (condition->qualities_len == 0 ||
            has_number(condition->qualities, condition->qualities_len, quality));
}

const char *
ground_of(const struct catalogue *catalogue, const struct flow *flow,
          const struct institution *institution, uint16_t code)
{
    const struct quality *quality;

    for (size_t i = 0; flow != NULL && institution != NULL && i < flow->groups_len; i++) {
        if (flow->groups[i].deliberation[0] != '\0' &&
            group_reaches(&flow->groups[i], institution, code)) {
            return flow->groups[i].deliberation;
        }
    }
    quality = catalogue == NULL || institution == NULL
                  ? NULL
                  : catalogue_quality(catalogue, institution->sector, code);
    return quality == NULL ? "" : quality->deliberation;
}
