// SPDX-License-Identifier: EUPL-1.2
#include "flow/command.h"

#include <stdlib.h>

static const char *const names[] = {
    [COMMAND_PUBLISH] = "publish",
    [COMMAND_LAST_NUMBER] = "last_number",
    [COMMAND_ACKNOWLEDGE] = "acknowledge",
    [COMMAND_REFUSE] = "refuse",
    [COMMAND_DEFER] = "defer",
    [COMMAND_ADVANCE] = "advance",
    [COMMAND_RETRY_PARKED] = "retry_parked",
    [COMMAND_DROP_PARKED] = "drop_parked",
    [COMMAND_INTEGRATE] = "integrate",
    [COMMAND_REMOVE] = "remove",
    [COMMAND_CONSULT] = "consult",
    [COMMAND_HISTORY] = "history",
    [COMMAND_ADD_MAILBOX] = "add_mailbox",
    [COMMAND_SET_LIMITS] = "set_limits",
    [COMMAND_SET_RULES] = "set_rules",
    [COMMAND_ADD_INSTITUTION] = "add_institution",
    [COMMAND_ADD_KEY] = "add_key",
    [COMMAND_REVOKE_KEY] = "revoke_key",
    [COMMAND_LOAD_CATALOGUE] = "load_catalogue",
    [COMMAND_FOLD] = "fold",
    [COMMAND_EXPIRE] = "expire",
    [COMMAND_LOAD_PERSONS] = "load_persons",
    [COMMAND_REWIND] = "rewind",
    [COMMAND_KNEW] = "who_knew",
    [COMMAND_LAPSE] = "lapse",
    [COMMAND_MERGE] = "merge",
    [COMMAND_MOVE_LETTERS] = "move_letters",
    [COMMAND_ANCHOR] = "anchor",
    [COMMAND_LIST] = "list",
    [COMMAND_WITHDRAW] = "withdraw",
};

struct command *
command_new(enum command_kind kind, const void *frame, size_t frame_len)
{
    struct command *command = xcalloc(1, sizeof *command);

    command->kind = kind;
    if (frame_len > 0) {
        buffer_add(&command->frame, frame, frame_len);
    }
    return command;
}

static void
integrate_free(struct integrate_command *integrate)
{
    for (size_t i = 0; integrate->results != NULL && i < integrate->items_len; i++) {
        free(integrate->results[i].faults);
    }
    free(integrate->results);
    integrate->results = NULL;
}

static void
catch_ups_free(struct integrate_command *integrate)
{
    for (size_t i = 0; integrate->catch_ups != NULL && i < integrate->items_len; i++) {
        if (integrate->catch_ups[i] != NULL) {
            free(integrate->catch_ups[i]->places);
            free(integrate->catch_ups[i]);
        }
    }
    free(integrate->catch_ups);
    integrate->catch_ups = NULL;
}

static void
history_free(struct history_command *history)
{
    free(history->chain);
    history->chain = NULL;
    history->chain_len = 0;
}

void
command_forget_answer(struct command *command)
{
    switch (command->kind) {
    case COMMAND_PUBLISH:
        free(command->publish.results);
        command->publish.results = NULL;
        command->publish.results_len = 0;
        command->publish.results_size = 0;
        command->publish.through = 0;
        command->publish.walked = NULL;
        command->publish.kept = 0;
        command->publish.ticket_first = 0;
        break;
    case COMMAND_REFUSE:
        command->refuse.state = HELD_GONE;
        command->refuse.attempts = 0;
        command->refuse.due_us = 0;
        break;
    case COMMAND_ADVANCE:
        command->advance.merged = command->advance.taken = 0;
        break;
    case COMMAND_WITHDRAW:
        for (size_t i = 0; i < command->withdraw.pairs_len; i++) {
            command->withdraw.pairs[i].withdrawn = false;
        }
        break;
    case COMMAND_INTEGRATE:
        integrate_free(&command->integrate);
        break;
    case COMMAND_HISTORY:
        history_free(&command->history);
        break;
    case COMMAND_KNEW:
        history_free(&command->knew.history);
        break;
    case COMMAND_LAPSE:
        command->lapse =
            (struct lapse_command){.day = command->lapse.day,
                                   .from = command->lapse.from,
                                   .persons_max = command->lapse.persons_max};
        break;
    case COMMAND_EXPIRE:
        command->expire.more = command->expire.stuck = false;
        command->expire.unexported = false;
        command->expire.unindexed.text[0] = 0;
        command->expire.blocks = command->expire.moved = command->expire.trimmed = 0;
        free(command->expire.unread);
        command->expire.unread = NULL;
        command->expire.unread_len = command->expire.unread_size = 0;
        break;
    case COMMAND_MOVE_LETTERS:
        command->move = (struct move_letters_command){.moved = 0};
        break;
    default:
        break;
    }
    free(command->integrations);
    command->integrations = NULL;
    command->integrations_len = 0;
    command->status = VG_OK;
    command->ticket = 0;
    free(command->faults);
    command->faults = NULL;
}

void
command_free(struct command **command)
{
    if (*command == NULL) {
        return;
    }

    command_forget_answer(*command);
    switch ((*command)->kind) {
    case COMMAND_ACKNOWLEDGE:
        free((*command)->acknowledge.singles);
        break;
    case COMMAND_REFUSE:
        free((*command)->refuse.later);
        break;
    case COMMAND_DEFER:
        free((*command)->defer.letters);
        break;
    case COMMAND_ADVANCE:
        free((*command)->advance.merges);
        free((*command)->advance.letters);
        break;
    case COMMAND_WITHDRAW:
        free((*command)->withdraw.pairs);
        break;
    case COMMAND_RETRY_PARKED:
    case COMMAND_DROP_PARKED:
        free((*command)->parked.numbers);
        break;
    case COMMAND_INTEGRATE:
        catch_ups_free(&(*command)->integrate);
        free((*command)->integrate.items);
        break;
    case COMMAND_ADD_MAILBOX:
        free((*command)->add_mailbox.choices);
        break;
    case COMMAND_SET_RULES:
        free((*command)->set_rules.unwanted);
        break;
    default:
        break;
    }
    buffer_free(&(*command)->frame);
    free(*command);
    *command = NULL;
}

struct faults *
command_faults(struct command *command)
{
    if (command->faults == NULL) {
        command->faults = xcalloc(1, sizeof *command->faults);
    }
    return command->faults;
}

const char *
command_words(const struct command *command)
{
    return command->faults == NULL ? "" : command->faults->fault[0].why.text;
}

const char *
command_name(enum command_kind kind)
{
    CHECK((size_t)kind < ARRAY_LEN(names));
    return names[kind];
}

uint32_t
command_mailbox(const struct command *command)
{
    switch (command->kind) {
    case COMMAND_ACKNOWLEDGE:
        return command->acknowledge.mailbox;
    case COMMAND_REFUSE:
        return command->refuse.mailbox;
    case COMMAND_DEFER:
        return command->defer.mailbox;
    default:
        return 0;
    }
}
