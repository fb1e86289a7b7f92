// SPDX-License-Identifier: EUPL-1.2
#include "edge/merging.h"

#include "edge/log.h"
#include "edge/watch.h"

#include <stdio.h>

static bool
is_due(const struct broker *broker)
{
    struct day today = day_in_brussels(clock_now());

    for (size_t i = 0; i < roster_len(broker->roster); i++) {
        const struct institution *institution = roster_at(broker->roster, i);

        if (institution->merges_on != 0 && institution->merges_on <= today.number) {
            return true;
        }
    }
    return false;
}

// Only what is filed can be moved.
static void
propose_slice(struct broker *broker)
{
    struct command *command = command_new(COMMAND_MOVE_LETTERS, NULL, 0);

    broker->fold_wanted = true;
    watch_fold(broker);
    broker->merging.proposed = true;
    broker_propose(broker, &command);
}

void
merging_watch(struct broker *broker)
{
    if (broker->merging.proposed || broker->fatal || broker->draining) {
        return;
    }
    if (broker->merging.wanted || is_due(broker)) {
        propose_slice(broker);
    }
}

void
merging_answered(struct broker *broker, const struct command *command)
{
    const struct move_letters_command *move = &command->move;

    broker->merging.proposed = false;
    broker->merging.wanted = command->status != VG_OK || move->left;
    if (move->moved > 0) {
        log_info("letters_moved", "letters=%zu left=%s", move->moved,
                 move->left ? "yes" : "no");
    }
    if (move->more && !broker->draining && !broker->fatal) {
        propose_slice(broker);
    }
}

bool
merging_dismisses(struct broker *broker, struct session *session)
{
    const struct roster *roster = broker->roster;
    uint32_t now = roster_successor(roster, session->institution);
    char sentence[WHY_TEXT_MAX];

    if (now == session->institution) {
        return false;
    }
    snprintf(sentence, sizeof sentence, "%s is part of %s now: connect with a key of %s",
             roster_institution(roster, session->institution)->code,
             roster_institution(roster, now)->code,
             roster_institution(roster, now)->code);
    broker_dismiss(broker, session, VG_MOVED, sentence);
    return true;
}

void
merging_renewed(struct broker *broker)
{
    struct session *session = sessions_first(broker->sessions);

    broker->merging.wanted = true;
    while (session != NULL) {
        struct session *next = session->next;

        if (session->state == SESSION_READY) {
            (void)merging_dismisses(broker, session);
        }
        session = next;
    }
}
