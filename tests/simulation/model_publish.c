// SPDX-License-Identifier: EUPL-1.2
// Following a Publish: every number is answered, in order, and as it was when it came before.
#include "model_inside.h"

#include <stdlib.h>
#include <string.h>

#include "vigie/v1/vigie.pb-c.h"

uint64_t
follow_stands_through(uint64_t first, uint64_t last)
{
    return first > last ? last : first == 0 ? 0 : first - 1;
}

static const struct publish_result *
next_result(const struct publish_command *publish, size_t *next, uint64_t number)
{
    if (*next >= publish->results_len || publish->results[*next].number != number) {
        broken("number %llu: its result is missing in the answer",
               (unsigned long long)number);
    }
    return &publish->results[(*next)++];
}

// What was answered once is answered for ever.
static void
check_repeat(const struct outcome *outcome, const struct publish_result *result)
{
    enum vg_status expected = outcome->status == VG_OK ? VG_REPEATED : outcome->status;

    if (result->status != expected) {
        broken("number %llu was %s and is answered %s when repeated",
               (unsigned long long)result->number, vg_status_name(outcome->status),
               vg_status_name(result->status));
    }
    if (outcome->status != VG_OK && outcome->text != 0 &&
        outcome->text != checksum_of(result->why.text, strlen(result->why.text))) {
        broken("number %llu was refused in other words before: %s",
               (unsigned long long)result->number, result->why.text);
    }
}

// One that is wrong on purpose is read by protobuf-c alone.
static uint32_t
read_wrong_deed(struct hot_bytes bytes)
{
    Vigie__V1__Mutation *mutation =
        vigie__v1__mutation__unpack(NULL, bytes.len, bytes.at);
    uint32_t id;

    if (mutation == NULL) {
        broken("a mutation of the simulation itself cannot be read");
    }
    id = (uint32_t)strtoul(mutation->id + 1, NULL, 10);
    vigie__v1__mutation__free_unpacked(mutation, NULL);
    return id;
}

static uint32_t
next_deed(struct hot_bytes *mutations)
{
    static struct hot_mutation mutation;
    struct hot_bytes bytes;

    if (!hot_next_mutation(mutations, &bytes)) {
        broken("a mutation of the simulation itself is missing");
    }
    return hot_read_mutation(bytes, &mutation) == HOT_OK ? deed_id(&mutation)
                                                         : read_wrong_deed(bytes);
}

struct publishing {
    struct model *model;
    const struct command *command;
    struct applied *applied;
    struct model_producer *producer;
    size_t results;
    uint64_t through;
};

static void
follow_repeat(struct publishing *publishing, uint64_t number)
{
    struct outcome *outcome = &publishing->producer->outcomes[number - 1];

    publishing->model->repeated++;
    if (publishing->applied->answered) {
        check_repeat(outcome, next_result(&publishing->command->publish,
                                          &publishing->results, number));
    }
}

static void
follow_new(struct publishing *publishing, uint64_t number, uint32_t deed)
{
    const struct command *command = publishing->command;
    struct outcome outcome = model_publish_one(publishing->model, command->actor,
                                               command->publish.publish.producer, number,
                                               deed, publishing->applied);

    if (outcome.status != VG_OK && publishing->applied->answered) {
        const struct publish_result *result =
            next_result(&command->publish, &publishing->results, number);

        if (result->status != outcome.status) {
            broken("number %llu: refused as %s, not as %s", (unsigned long long)number,
                   vg_status_name(result->status), vg_status_name(outcome.status));
        }
        publishing->producer->outcomes[number - 1].text =
            checksum_of(result->why.text, strlen(result->why.text));
    }
}

// Returns the status that the whole must have.
static enum vg_status
follow_mutations(struct publishing *publishing)
{
    const struct hot_publish *publish = &publishing->command->publish.publish;
    struct hot_bytes mutations = publish->mutations;

    for (uint64_t i = 0; i < publish->mutations_len; i++) {
        uint64_t number = publish->first_number + i;
        uint32_t deed = next_deed(&mutations);

        if (number <= publishing->producer->len) {
            follow_repeat(publishing, number);
        } else if (!publishing->applied->room) {
            return VG_STORE_FULL;
        } else if (publishing->model->institutions[publishing->command->actor].merged) {
            return VG_MOVED;
        } else {
            follow_new(publishing, number, deed);
        }
        publishing->through = number;
    }
    return VG_OK;
}

void
follow_publish(struct model *model, const struct command *command,
               struct applied *applied)
{
    const struct publish_command *publish = &command->publish;
    struct publishing publishing = {
        .model = model,
        .command = command,
        .applied = applied,
        .producer = &model->producers[command->actor][publish->publish.producer],
    };
    uint64_t before = model->tickets;
    uint64_t kept;
    uint64_t last = publishing.producer->len;
    enum vg_status status = VG_GAP;

    publishing.through = follow_stands_through(publish->publish.first_number, last);
    if (publish->publish.first_number <= last + 1) {
        status = follow_mutations(&publishing);
    }
    applied_check_status(applied, command, status);
    kept = model->tickets - before;
    model_tell_noted(model, applied);
    model_tell_voids(model, applied);
    if (!applied->answered) {
        return;
    }
    if (publish->through != publishing.through ||
        publish->results_len != publishing.results || publish->kept != kept ||
        publish->ticket_first != (publish->kept == 0 ? 0 : before + 1)) {
        broken("institution %u is answered through %llu, %zu results, %u kept from %llu; "
               "not through %llu, %zu results, %llu kept",
               command->actor, (unsigned long long)publish->through, publish->results_len,
               publish->kept, (unsigned long long)publish->ticket_first,
               (unsigned long long)publishing.through, publishing.results,
               (unsigned long long)kept);
    }
}

void
follow_last_number(struct model *model, const struct command *command,
                   struct applied *applied)
{
    uint64_t last = model->producers[command->actor][command->last_number.producer].len;

    if (applied->answered && command->last_number.number != last) {
        broken("institution %u is told that its last number is %llu, not %llu",
               command->actor, (unsigned long long)command->last_number.number,
               (unsigned long long)last);
    }
}
