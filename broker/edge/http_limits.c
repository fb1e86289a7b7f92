// SPDX-License-Identifier: EUPL-1.2
// http_limits.c - the limits of a mailbox: shown and set.
#include "edge/http_inside.h"

#include "edge/levels.h"

#include <stdlib.h>

static json_t *
limits_json(const struct limits *limits)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "messages", (json_int_t)limits->messages,
                     "bytes", (json_int_t)limits->bytes, "age_days",
                     (json_int_t)limits->age_days, "attempts",
                     (json_int_t)limits->attempts);
}

const struct mailbox_spec *
http_mailbox(struct call *call)
{
    char *end = NULL;
    unsigned long number = strtoul(call->object, &end, 10);
    const struct mailbox_spec *spec =
        *end == '\0' && number <= UINT32_MAX
            ? roster_mailbox(call->broker->roster, (uint32_t)number)
            : NULL;

    if (spec == NULL) {
        call_refuse(call, VG_NOT_FOUND, "there is no mailbox %.40s", call->object);
    }
    return spec;
}

void
get_limits(struct call *call)
{
    const struct mailbox_spec *spec = http_mailbox(call);
    struct limits defaults;
    struct limits limits;

    if (spec == NULL) {
        return; // and the call is gone
    }
    defaults = settings_limits(call->broker->settings);
    limits = limits_or(&spec->limits, &defaults);
    call_answer(call,
                json_pack("{s:i, s:o, s:o}", "mailbox", (int)spec->id, "own",
                          limits_json(&spec->limits), "in_force", limits_json(&limits)));
}

static json_t *
limits_set(const struct command *command)
{
    return json_pack("{s:I, s:o}", "ticket", (json_int_t)command->ticket, "own",
                     limits_json(&command->set_limits.limits));
}

void
post_limits(struct call *call)
{
    static const char *const known[] = {"messages", "bytes", "age_days", "attempts",
                                        NULL};
    static const uint64_t most[] = {INT64_MAX, INT64_MAX, 36500, 1000000};
    const struct mailbox_spec *spec = http_mailbox(call);
    struct set_limits_command set = {.mailbox = 0};
    uint64_t numbers[4] = {0};
    struct faults faults = {0};
    struct command *command;
    json_t *object;

    if (spec == NULL) {
        return;
    }
    set.mailbox = spec->id;
    object = http_object(call, known, &faults);
    for (size_t i = 0; object != NULL && i < ARRAY_LEN(numbers); i++) {
        numbers[i] = http_number(object, known[i], most[i], &faults);
        set.named |= json_object_get(object, known[i]) == NULL ? 0u : 1u << i;
    }
    json_decref(object);
    if (faults.total > 0) {
        call_refuse_all(call, faults_first(&faults), &faults);
        return;
    }
    set.limits = (struct limits){numbers[0], numbers[1], (uint32_t)numbers[2],
                                 (uint32_t)numbers[3]};
    command = command_new(COMMAND_SET_LIMITS, NULL, 0);
    command->set_limits = set;
    call_propose(call, &command, limits_set);
}
