// SPDX-License-Identifier: EUPL-1.2
// http_damage.c - what was found damaged, and how far the scrub is.
#include "edge/http_inside.h"

#include "edge/damage.h"
#include "edge/scrubber.h"
#include "json/json.h"

static json_t *
damage_row(const struct broker *broker, const struct damage *damage)
{
    const struct mailbox_spec *spec = roster_mailbox(broker->roster, damage->mailbox);
    const struct institution *institution =
        spec == NULL ? NULL : roster_institution(broker->roster, spec->institution);
    json_t *row =
        json_pack("{s:o, s:o}", "found", json_moment((uint64_t)damage->found_us), "why",
                  http_text(damage->why.text));

    json_object_set_new(row, "mailbox",
                        damage->mailbox == 0 ? json_null()
                                             : json_integer((json_int_t)damage->mailbox));
    json_object_set_new(row, "institution",
                        institution == NULL ? json_null()
                                            : json_string(institution->code));
    json_object_set_new(row, "name", spec == NULL ? json_null() : http_text(spec->name));
    json_object_set_new(row, "number",
                        damage->mailbox == 0 ? json_null()
                                             : json_integer((json_int_t)damage->number));
    return row;
}

static json_t *
scrub_object(const struct broker *broker)
{
    static const char *const stages[] = {
        [SCRUB_BLOCKS] = "blocks",   [SCRUB_COMMITS] = "commits",
        [SCRUB_BACKLOG] = "letters", [SCRUB_HELD] = "held letters",
        [SCRUB_DONE] = "resting",
    };

    struct scrubber_state state;

    if (broker->scrubber == NULL) {
        return json_null();
    }
    state = scrubber_state(broker->scrubber);
    return json_pack(
        "{s:s, s:I, s:I, s:o}", "stage", stages[state.stage], "passes",
        (json_int_t)state.passes, "bytes", (json_int_t)state.bytes, "last_ended",
        state.last_ended_us == 0 ? json_null()
                                 : json_moment((uint64_t)state.last_ended_us));
}

void
get_damage(struct call *call)
{
    const struct broker *broker = call->broker;
    const struct damage *damage;
    json_t *rows = json_array();

    for (size_t i = 0; (damage = damages_at(broker->damages, i)) != NULL; i++) {
        json_array_append_new(rows, damage_row(broker, damage));
    }
    call_answer(call, json_pack("{s:o, s:I, s:o}", "damaged", rows, "found",
                                (json_int_t)damages_len(broker->damages), "scrub",
                                scrub_object(broker)));
}
