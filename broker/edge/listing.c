// SPDX-License-Identifier: EUPL-1.2
#include "edge/listing.h"

#include "edge/walks.h"
#include "wire/wire.h"

#include <stdio.h>

static void
refuse(struct broker *broker, struct session *session, uint64_t request,
       enum vg_status status, const char *sentence)
{
    wire_write_reply_fault(request, status, sentence, &broker->frame);
    (void)broker_send_frame(broker, session);
}

static void
answer(struct broker *broker, struct walk *walk)
{
    struct session *session = sessions_find(broker->sessions, walk->session);

    if (session != NULL) {
        session->requests--;
    }
    if (session == NULL || session->state != SESSION_READY) {
        walk_end(broker, &walk);
        return;
    }
    if (walk->status == VG_OK) {
        wire_write_holdings(walk->request, walk->ticket, walk->holdings, broker->roster,
                            &broker->frame);
        (void)broker_send_frame(broker, session);
    } else {
        refuse(broker, session, walk->request, walk->status,
               vg_status_sentence(walk->status));
    }
    walk_end(broker, &walk);
}

void
listing_look(struct broker *broker, struct session *session,
             const struct command *command)
{
    const struct list_command *list = &command->list;
    struct holdings_question question = {
        .sector = list->sector,
        .quality = list->quality,
        .since = list->since,
        .from = {list->from},
        .through = {list->through},
        .max = list->max,
        .rows = list->rows,
    };
    char sentence[WHY_TEXT_MAX];

    if (list->sector == 0) {
        question.institutions[question.institutions_len++] =
            roster_successor(broker->roster, list->institution);
    }
    if (walks_begin(broker,
                    &(struct walk){.done = answer,
                                   .session = session->id,
                                   .request = command->back.request,
                                   .ticket = command->ticket},
                    &question) != NULL) {
        session->requests++;
        return;
    }
    snprintf(sentence, sizeof sentence, "%d walks over the directory are under way",
             WALKS_MAX);
    refuse(broker, session, command->back.request, VG_BUSY, sentence);
}
