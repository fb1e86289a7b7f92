// SPDX-License-Identifier: EUPL-1.2
// catalogue_inside.h - a catalogue's tables, for the two files that fill and ask them.
//
// Rows stand in arrays in order of writing; a row is found through a small table of
// slots (open addressing). Rows are only ever added.
#ifndef RULES_CATALOGUE_INSIDE_H
#define RULES_CATALOGUE_INSIDE_H

#include "rules/catalogue.h"

// At least twice the rows of the largest table, so that a search ends within a step or
// two.
enum { SLOTS_LEN = 512 };

struct slot {
    uint32_t hash; // spares comparing most of the keys that are not meant
    uint16_t row;  // index + 1; 0: free
};

struct slots {
    struct slot at[SLOTS_LEN];
};

struct catalogue {
    size_t sectors_len;
    size_t qualities_len;
    size_t fields_len;
    size_t flows_len;
    struct sector *sectors;
    struct quality *qualities;
    struct field_rule *fields;
    struct flow *flows;
    struct slots quality_slots;
    struct slots field_slots;
    struct slots flow_slots;
    struct slots flow_id_slots;
};

// catalogue_put_* copy a row to the end and make it findable. CHECK: there is room, and
// no row with this key.
void catalogue_put_sector(struct catalogue *catalogue, const struct sector *sector);
void catalogue_put_quality(struct catalogue *catalogue, const struct quality *quality);
void catalogue_put_field(struct catalogue *catalogue, const struct field_rule *field);
void catalogue_put_flow(struct catalogue *catalogue, const struct flow *flow);

#endif
