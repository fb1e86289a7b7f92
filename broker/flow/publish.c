// SPDX-License-Identifier: EUPL-1.2
// publish.c - one Publish through the writer: repeats are recognised by producer and number, each
// new mutation goes its way (mutation.c), and how far it came is kept.
#include "flow/merge.h"
#include "flow/passage.h"
#include "flow/unmerge.h"

#include <stdlib.h>
#include <string.h>

// Mutations from which their persons are looked up together.
enum { READ_AHEAD_MIN = 4 };

_Static_assert((unsigned)WALK_MAX >= (unsigned)HOT_MUTATIONS_MAX, "one each");

struct publish_result *
add_result(struct publish_command *publish, uint64_t number, enum vg_status status)
{
    if (publish->results_len == publish->results_size) {
        publish->results_size = publish->results_size * 2 + 16;
        publish->results =
            realloc(publish->results, publish->results_size * sizeof *publish->results);
        CHECK(publish->results != NULL);
    }

    struct publish_result *result = &publish->results[publish->results_len++];

    memset(result, 0, sizeof *result);
    result->number = number;
    result->status = status;
    return result;
}

static enum vg_status
repeat_mutation(struct applier *applier, struct command *command, uint64_t number)
{
    struct publish_command *publish = &command->publish;
    struct publish_result *result = add_result(publish, number, VG_REPEATED);
    enum vg_status status =
        refusal_get(applier->txn, (struct institution_id){command->actor},
                    publish->publish.producer, number, &result->status, &result->why);

    applier->batch->count.repeated++;
    if (status == VG_NOT_FOUND) {
        result->status = VG_REPEATED;
        return VG_OK;
    }
    return status;
}

// What stops the whole Publish before its first mutation.
static bool
numbers_are_possible(struct command *command, const struct producer_row *row)
{
    const struct hot_publish *publish = &command->publish.publish;

    if (publish->first_number == 0 || publish->producer == 0) {
        refuse(command, VG_MALFORMED, "producer %u, first_number %llu: both count from 1",
               publish->producer, (unsigned long long)publish->first_number);
    } else if (publish->first_number > row->last_number + 1) {
        refuse(command, VG_GAP, "first_number is %llu, after %llu comes %llu",
               (unsigned long long)publish->first_number,
               (unsigned long long)row->last_number,
               (unsigned long long)row->last_number + 1);
    }
    return command->status == VG_OK;
}

// What stops its first new mutation, and all after it; repeats need none of this.
static bool
publish_is_possible(struct applier *applier, struct command *command)
{
    if (applier->batch->no_room) {
        refuse(command, VG_STORE_FULL,
               "the store is at its quota; acknowledging goes on");
    } else if (applier->batch->crowded) {
        refuse(command, VG_BUSY, "too many letters wait in all mailboxes together");
    } else if (applier->catalogue == NULL) {
        refuse(command, VG_BUSY, "no catalogue is loaded yet");
    } else if (roster_institution(applier->roster, command->actor) == NULL) {
        refuse(command, VG_NOT_ALLOWED, "institution %u is not registered",
               command->actor);
    } else {
        merge_refuse(applier, command, command->actor);
    }
    return command->status == VG_OK;
}

static enum vg_status
keep_producer(struct applier *applier, struct command *command, struct producer_row *row)
{
    const struct publish_command *publish = &command->publish;

    if (publish->through <= row->last_number) {
        return VG_OK; // repeats only
    }
    row->last_number = publish->through;
    row->last_us = applier->now.us;
    if (publish->kept > 0) {
        row->last_ticket = publish->ticket_first + publish->kept - 1;
    }
    applier->changed = true;
    return producer_put(applier->txn, (struct institution_id){command->actor},
                        publish->publish.producer, row);
}

static enum vg_status
get_producer(struct applier *applier, const struct command *command,
             struct producer_row *ret_row)
{
    uint32_t producer = command->kind == COMMAND_PUBLISH
                            ? command->publish.publish.producer
                            : command->last_number.producer;

    return producer_get(applier->txn, (struct institution_id){command->actor}, producer,
                        ret_row);
}

enum vg_status
publish_stands(struct applier *applier, struct command *command)
{
    uint64_t first = command->publish.publish.first_number;
    struct producer_row row;
    enum vg_status status = get_producer(applier, command, &row);

    // Numbers from the first one on may have had another answer than "kept".
    if (status == VG_OK) {
        command->publish.through = first > row.last_number ? row.last_number
                                   : first == 0            ? 0
                                                           : first - 1;
    }
    return status;
}

// The persons of this Publish and of those behind it in the batch are looked up together. Of a
// few it is not worth while.
static void
read_ahead(struct applier *applier, struct command *command)
{
    size_t len = 0;

    for (; command != NULL; command = command->next) {
        struct publish_command *publish = &command->publish;
        struct hot_bytes mutations = publish->publish.mutations;
        struct hot_bytes mutation;

        if (command->kind != COMMAND_PUBLISH) {
            continue;
        }
        if (publish->publish.mutations_len > WALK_MAX - len) {
            break;
        }
        publish->walked = applier->walked + len;
        while (len < WALK_MAX && hot_next_mutation(&mutations, &mutation)) {
            applier->walking[len++] = hot_mutation_niss(mutation);
        }
    }
    if (len >= READ_AHEAD_MIN) {
        person_walk(applier->txn, applier->walking, len, applier->walked);
    } else {
        memset(applier->walked, 0, len * sizeof *applier->walked);
    }
}

enum vg_status
publish_mutations(struct applier *applier, struct command *command)
{
    struct publish_command *publish = &command->publish;
    struct hot_bytes mutations = publish->publish.mutations;
    struct hot_bytes mutation;
    struct producer_row row;
    uint64_t number = publish->publish.first_number;
    bool possible = false; // asked at the first new one: none of its own changes that
    enum vg_status status = get_producer(applier, command, &row);

    if (status != VG_OK) {
        return status;
    }
    if (!numbers_are_possible(command, &row)) {
        return publish_stands(applier, command);
    }
    if (publish->walked == NULL) {
        read_ahead(applier, command);
    }
    while (status == VG_OK && hot_next_mutation(&mutations, &mutation)) {
        if (number <= row.last_number) {
            status = repeat_mutation(applier, command, number);
        } else {
            possible = possible || publish_is_possible(applier, command);
            if (!possible) {
                break;
            }
            status = publish_mutation(
                applier, command, number, mutation,
                &publish->walked[number - publish->publish.first_number]);
        }
        number++;
    }
    publish->through = number - 1;
    if (status == VG_OK) {
        status = applier_tell_noted(applier);
    }
    if (status == VG_OK) {
        status = unmerge_noted(applier);
    }
    return status == VG_OK ? keep_producer(applier, command, &row) : status;
}

enum vg_status
tell_last_number(struct applier *applier, struct command *command)
{
    struct producer_row row;
    enum vg_status status = get_producer(applier, command, &row);

    if (status == VG_OK) {
        command->last_number.number = row.last_number;
    }
    return status;
}
