// SPDX-License-Identifier: EUPL-1.2
// heard.c - when each source published each flow last: noted in memory, a row for each at the
// end of the batch. Told by the journal's events, so a replay notes the same.
#include "flow/applier.h"

#include <stdlib.h>

static bool
notes(const struct note *note, uint32_t source, uint16_t flow)
{
    return note->source == source && note->flow == flow;
}

// A batch has few sources and flows; the one found last is mostly meant again, wherever it is.
static struct note *
find_note(struct applier *applier, uint32_t source, uint16_t flow)
{
    struct note *heard = applier->heard;
    size_t i = applier->heard_last;

    if (i < applier->heard_len && notes(&heard[i], source, flow)) {
        return &heard[i];
    }
    for (i = 0; i < applier->heard_len; i++) {
        if (notes(&heard[i], source, flow)) {
            applier->heard_last = i;
            return &heard[i];
        }
    }
    return NULL;
}

static struct note *
add_note(struct applier *applier, uint32_t source, uint16_t flow)
{
    struct note *note;

    if (applier->heard_len == applier->heard_size) {
        applier->heard_size = applier->heard_size * 2 + 16;
        applier->heard =
            realloc(applier->heard, applier->heard_size * sizeof *applier->heard);
        CHECK(applier->heard != NULL);
    }
    note = &applier->heard[applier->heard_len++];
    *note = (struct note){.source = source, .flow = flow};
    return note;
}

enum vg_status
applier_hear(struct applier *applier, uint32_t source, uint16_t flow, uint64_t ticket)
{
    struct note *note = find_note(applier, source, flow);
    enum vg_status status = VG_OK;

    if (note == NULL) {
        note = add_note(applier, source, flow);
        status =
            heard_get(applier->txn, (struct institution_id){source}, flow, &note->heard);
    }
    if (ticket !=
        note->heard.last_ticket) { // one with many recipients has several events
        note->heard.mutations++;
        note->heard.last_ticket = ticket;
        note->heard.last_us = applier->now.us;
    }
    return status;
}

enum vg_status
applier_put_heard(struct applier *applier)
{
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < applier->heard_len; i++) {
        const struct note *note = &applier->heard[i];

        status = heard_put(applier->txn, (struct institution_id){note->source},
                           note->flow, &note->heard);
    }
    applier->heard_len = 0;
    return status;
}
