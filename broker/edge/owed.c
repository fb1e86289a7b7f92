// SPDX-License-Identifier: EUPL-1.2
#include "edge/owed.h"

#include "edge/log.h"

// What it says moves to the copy: the answered command is about to be freed.
static struct command *
again(struct command *command)
{
    struct command *copy = command_new(command->kind, NULL, 0);
    struct command empty = *copy;

    *copy = *command;
    empty.next = command->next;
    *command = empty;
    copy->next = NULL;
    command_forget_answer(copy);
    return copy;
}

bool
owed_keep(struct broker *broker, struct command *command)
{
    if (broker->owed_len == OWED_MAX) {
        return false;
    }
    if (broker->owed_len++ == 0) {
        log_warning("acknowledgements_wait", "mailbox=%u", command_mailbox(command));
        broker->owed_last = &broker->owed;
    }
    *broker->owed_last = again(command);
    broker->owed_last = &(*broker->owed_last)->next;
    return true;
}

void
owed_propose(struct broker *broker)
{
    struct command *command = broker->owed;

    broker->owed = NULL;
    broker->owed_len = 0;
    while (command != NULL) {
        struct command *next = command->next;

        broker_propose(broker, &command);
        command = next;
    }
}

void
owed_free(struct broker *broker)
{
    while (broker->owed != NULL) {
        struct command *next = broker->owed->next;

        command_free(&broker->owed);
        broker->owed = next;
    }
    broker->owed_len = 0;
}
