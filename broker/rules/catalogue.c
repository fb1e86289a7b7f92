// SPDX-License-Identifier: EUPL-1.2
#include "rules/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "rules/catalogue_inside.h"

_Static_assert(SLOTS_LEN >= 2 * QUALITIES_MAX && SLOTS_LEN >= 2 * CATALOGUE_FIELDS_MAX &&
                   SLOTS_LEN >= 2 * FLOWS_MAX,
               "slots stay half empty");
_Static_assert((SLOTS_LEN & (SLOTS_LEN - 1)) == 0, "a mask replaces the division");

// The last up to eight bytes as a number; short texts give their first, middle and last.
static inline uint64_t
last_bytes(struct bytes text)
{
    uint64_t word = 0;
    uint32_t half;

    if (text.len >= 8) {
        memcpy(&word, text.at + text.len - 8, sizeof word);
    } else if (text.len >= 4) {
        memcpy(&half, text.at + text.len - 4, sizeof half);
        word = half;
        memcpy(&half, text.at, sizeof half);
        word = word << 32 | half;
    } else if (text.len > 0) {
        word = (uint64_t)text.at[0] << 16 | (uint64_t)text.at[text.len / 2] << 8 |
               text.at[text.len - 1];
    }
    return word;
}

// Eight bytes at a time. Nobody outside chooses the rows, so no defence against chosen
// collisions is needed. Finding a short code takes 10 ns; with XXH3 and memcmp it was 17.
static inline uint32_t
hash_of_text(struct bytes text)
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = text.len;

    for (size_t i = 0; i + 8 < text.len; i += 8) {
        uint64_t word;

        memcpy(&word, text.at + i, sizeof word);
        hash = (hash ^ word) * odd;
        hash ^= hash >> 29;
    }
    return (uint32_t)((hash ^ last_bytes(text)) * odd >> 32);
}

// The multiplier is 2^32 / golden ratio: neighbouring codes land far apart.
static uint32_t
hash_of_number(uint32_t number)
{
    uint32_t mixed = number * UINT32_C(2654435769);

    return mixed ^ (mixed >> 16);
}

static uint32_t
quality_key(uint16_t sector, uint16_t code)
{
    return (uint32_t)sector << 16 | code;
}

// Eight bytes at a time, without a call. What follows a row's text is zeros, to its room's end.
static inline bool
is_text(struct bytes bytes, const char *text, size_t room)
{
    struct bytes same = {(const uint8_t *)text, bytes.len};

    if (bytes.len == 0 || bytes.len >= room || text[bytes.len] != '\0' ||
        text[bytes.len - 1] == '\0') {
        return false;
    }
    for (size_t i = 0; i + 8 < bytes.len; i += 8) {
        uint64_t word, other;

        memcpy(&word, bytes.at + i, sizeof word);
        memcpy(&other, text + i, sizeof other);
        if (word != other) {
            return false;
        }
    }
    return last_bytes(bytes) == last_bytes(same);
}

static void
slots_put(struct slots *slots, uint32_t hash, size_t row)
{
    uint32_t i = hash % SLOTS_LEN;

    while (slots->at[i].row != 0) {
        i = (i + 1) % SLOTS_LEN;
    }
    slots->at[i] = (struct slot){.hash = hash, .row = (uint16_t)(row + 1)};
}

// slots_next walks the rows that have this hash: begin with *i = hash; -1 at the end.
static inline int
slots_next(const struct slots *slots, uint32_t hash, uint32_t *i)
{
    for (;;) {
        const struct slot *slot = &slots->at[*i % SLOTS_LEN];

        if (slot->row == 0) {
            return -1;
        }

        *i += 1;
        if (slot->hash == hash) {
            return slot->row - 1;
        }
    }
}

void
catalogue_put_sector(struct catalogue *catalogue, const struct sector *sector)
{
    CHECK(catalogue->sectors_len < SECTORS_MAX);
    CHECK(catalogue_sector(catalogue, sector->number) == NULL);

    catalogue->sectors[catalogue->sectors_len++] = *sector;
}

void
catalogue_put_quality(struct catalogue *catalogue, const struct quality *quality)
{
    CHECK(catalogue->qualities_len < QUALITIES_MAX);
    CHECK(catalogue_quality(catalogue, quality->sector, quality->code) == NULL);

    slots_put(&catalogue->quality_slots,
              hash_of_number(quality_key(quality->sector, quality->code)),
              catalogue->qualities_len);
    catalogue->qualities[catalogue->qualities_len++] = *quality;
}

void
catalogue_put_field(struct catalogue *catalogue, const struct field_rule *field)
{
    CHECK(catalogue->fields_len < CATALOGUE_FIELDS_MAX);
    CHECK(catalogue_field(catalogue, bytes_of(field->code)) < 0);

    slots_put(&catalogue->field_slots, hash_of_text(bytes_of(field->code)),
              catalogue->fields_len);
    catalogue->fields[catalogue->fields_len++] = *field;
}

void
catalogue_put_flow(struct catalogue *catalogue, const struct flow *flow)
{
    CHECK(catalogue->flows_len < FLOWS_MAX);
    CHECK(catalogue_flow(catalogue, bytes_of(flow->name)) == NULL);
    CHECK(catalogue_flow_by_id(catalogue, flow->id) == NULL);

    slots_put(&catalogue->flow_slots, hash_of_text(bytes_of(flow->name)),
              catalogue->flows_len);
    slots_put(&catalogue->flow_id_slots, hash_of_number(flow->id), catalogue->flows_len);
    catalogue->flows[catalogue->flows_len++] = *flow;
}

void
catalogue_free(struct catalogue **catalogue)
{
    if (*catalogue != NULL) {
        free((*catalogue)->sectors);
        free((*catalogue)->qualities);
        free((*catalogue)->fields);
        free((*catalogue)->flows);
        free(*catalogue);
        *catalogue = NULL;
    }
}

const struct flow *
catalogue_flow(const struct catalogue *catalogue, struct bytes name)
{
    uint32_t hash = hash_of_text(name);
    uint32_t i = hash;
    int row;

    while ((row = slots_next(&catalogue->flow_slots, hash, &i)) >= 0) {
        if (is_text(name, catalogue->flows[row].name, NAME_LEN)) {
            return &catalogue->flows[row];
        }
    }
    return NULL;
}

const struct flow *
catalogue_flow_by_id(const struct catalogue *catalogue, uint16_t id)
{
    uint32_t hash = hash_of_number(id);
    uint32_t i = hash;
    int row;

    while ((row = slots_next(&catalogue->flow_id_slots, hash, &i)) >= 0) {
        if (catalogue->flows[row].id == id) {
            return &catalogue->flows[row];
        }
    }
    return NULL;
}

const struct quality *
catalogue_quality(const struct catalogue *catalogue, uint16_t sector, uint16_t code)
{
    uint32_t hash = hash_of_number(quality_key(sector, code));
    uint32_t i = hash;
    int row;

    while ((row = slots_next(&catalogue->quality_slots, hash, &i)) >= 0) {
        const struct quality *quality = &catalogue->qualities[row];

        if (quality->sector == sector && quality->code == code) {
            return quality;
        }
    }
    return NULL;
}

const struct sector *
catalogue_sector(const struct catalogue *catalogue, uint16_t number)
{
    for (size_t i = 0; i < catalogue->sectors_len; i++) {
        if (catalogue->sectors[i].number == number) {
            return &catalogue->sectors[i];
        }
    }
    return NULL;
}

const struct sector *
catalogue_sector_by_name(const struct catalogue *catalogue, const char *name)
{
    for (size_t i = 0; i < catalogue->sectors_len; i++) {
        if (strcmp(catalogue->sectors[i].name, name) == 0) {
            return &catalogue->sectors[i];
        }
    }
    return NULL;
}

int
catalogue_field(const struct catalogue *catalogue, struct bytes code)
{
    uint32_t hash = hash_of_text(code);
    uint32_t i = hash;
    int row;

    while ((row = slots_next(&catalogue->field_slots, hash, &i)) >= 0) {
        if (is_text(code, catalogue->fields[row].code,
                    sizeof catalogue->fields[row].code)) {
            return row;
        }
    }
    return -1;
}

const struct field_rule *
catalogue_field_rule(const struct catalogue *catalogue, int index)
{
    bool exists = index >= 0 && (size_t)index < catalogue->fields_len;

    return exists ? &catalogue->fields[index] : NULL;
}

const struct flow *
catalogue_flow_at(const struct catalogue *catalogue, size_t index)
{
    return index < catalogue->flows_len ? &catalogue->flows[index] : NULL;
}

const struct quality *
catalogue_quality_at(const struct catalogue *catalogue, size_t index)
{
    return index < catalogue->qualities_len ? &catalogue->qualities[index] : NULL;
}

const struct sector *
catalogue_sector_at(const struct catalogue *catalogue, size_t index)
{
    return index < catalogue->sectors_len ? &catalogue->sectors[index] : NULL;
}

const char *
when_name(enum when when)
{
    switch (when) {
    case WHEN_NONE:
        return "none";
    case WHEN_TODAY:
        return "today";
    case WHEN_WINDOW:
        return "window";
    case WHEN_OVERLAP:
        return "overlap";
    case WHEN_COVERS_5Y:
        return "covers 5 years";
    case WHEN_FIRST_JANUARY:
        return "1 January";
    case WHEN_SINCE:
        return "since 2 months";
    }
    return "?";
}

const char *
audience_name(enum audience audience)
{
    switch (audience) {
    case BY_DIRECTORY:
        return "directory";
    case BY_ADDRESS:
        return "addressed";
    case BY_NAME:
        return "named";
    case EVERY_SUBSCRIBER:
        return "every subscriber";
    }
    return "?";
}
