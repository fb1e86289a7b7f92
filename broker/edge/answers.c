// SPDX-License-Identifier: EUPL-1.2
#include "edge/answers.h"

#include "edge/anchoring.h"
#include "edge/delivery.h"
#include "edge/lapsing.h"
#include "edge/levels.h"
#include "edge/listing.h"
#include "edge/log.h"
#include "edge/merging.h"
#include "edge/owed.h"
#include "edge/pacing.h"
#include "edge/refusals.h"
#include "edge/retention.h"
#include "edge/rewinding.h"
#include "edge/sifting.h"
#include "edge/sources.h"
#include "edge/watch.h"
#include "edge/withdrawing.h"
#include "wire/wire.h"

// ---- the loop's view of the state ----

static void
end_revoked_sessions(struct broker *broker)
{
    struct session *session = sessions_first(broker->sessions);

    while (session != NULL) {
        struct session *next = session->next;

        if (!key_is_valid(keys_by_id(broker->keys, session->key))) {
            broker_kill(broker, session, "the key was revoked");
        }
        session = next;
    }
}

// Among those that have not said Hello yet may be one with a revoked key; whoever else is
// ended with it connects again.
static void
end_revoked_arrivals(struct broker *broker)
{
    struct door *doors[] = {broker->sources, broker->members};

    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        if (doors[i] != NULL) {
            (void)arrivals_end_all(door_arrivals(doors[i]));
        }
    }
}

static void
renew_view(struct broker *broker, struct batch *batch)
{
    if (batch->roster != NULL) {
        roster_free(&broker->roster);
        broker->roster = batch->roster;
        batch->roster = NULL;
        merging_renewed(broker);
        pacing_changed(broker);
    }
    if (batch->catalogue != NULL) {
        broker->catalogue = batch->catalogue;
    }
    if (batch->commit != 0) {
        broker->last_commit = batch->commit;
    }
    if (batch->keys_changed) {
        enum vg_status status = keys_reload(broker->keys, broker_txn(broker));

        if (status != VG_OK) {
            log_error("keys_unreadable", "status=%s", vg_status_name(status));
        }
        end_revoked_sessions(broker);
        end_revoked_arrivals(broker);
    }
}

static void
count_unwanted(struct broker *broker, const struct batch *batch)
{
    for (size_t i = 0; i < batch->unwanted_len; i++) {
        lanes_at(broker->lanes, batch->unwanted[i])->unwanted++;
    }
    metrics.unwanted += batch->unwanted_len;
}

static void
take_posted(struct broker *broker, const struct batch *batch)
{
    tails_take(broker->tails, batch);
    for (size_t i = 0; i < batch->posted_len; i++) {
        struct lane *lane = lanes_at(broker->lanes, batch->posted[i].mailbox);

        lane->last = batch->posted[i].letter.number;
        delivery_note(broker, lane);
    }
    if (batch->posted_len > 0) {
        broker->fold_wanted = true;
    }
    broker->unfolded = batch->posted_len + (batch->folded ? 0 : broker->unfolded);
    if (broker->unfolded >= LETTERS_UNFOLDED_MAX) {
        watch_fold(broker);
    }
}

static void
count_batch(struct broker *broker, const struct batch *batch)
{
    flow_counts_add(broker->flows, batch->flows);
    if (batch->commit != 0) {
        broker->last_commit_us = batch->count.commit_us;
        broker->last_commit_mutations = batch->count.mutations;
    }
    if (batch->count.commit_us > metrics.commit_us_max) {
        metrics.commit_us_max = batch->count.commit_us;
    }
    metrics.batches++;
    metrics.commits += batch->commit != 0;
    metrics.commands += batch->len;
    metrics.mutations += batch->count.mutations;
    metrics.refused += batch->count.refused;
    metrics.repeated += batch->count.repeated;
    metrics.matched += batch->count.matched;
    metrics.unmatched += batch->count.unmatched;
    metrics.notifications += batch->count.notifications;
    metrics.withheld += batch->count.withheld;
    metrics.written_bytes += batch->count.bytes_written;
    metrics.commit_us += batch->count.commit_us;
}

// ---- answers ----

static void
answer_session(struct broker *broker, const struct command *command)
{
    struct session *session = sessions_find(broker->sessions, command->back.session);

    if (session == NULL) {
        return; // gone; a repeat will be recognised
    }
    sources_answered(session, command);
    if (command->kind != COMMAND_PUBLISH && command_mailbox(command) == 0) {
        session->requests--;
    }
    if (session->state != SESSION_READY) {
        return;
    }
    if (command->kind == COMMAND_LIST && command->status == VG_OK) {
        listing_look(broker, session, command);
        return;
    }
    wire_write_answer(command, broker->roster, &broker->frame);
    if (broker->frame.len > 0) {
        (void)broker_send_frame(broker, session);
    } else if (command->status != VG_OK) {
        (void)broker_refuse(broker, session, command->status, command_words(command));
    }
}

// Its window was freed, and its mark may have moved, for letters that still wait: the opening
// ends, and the next one begins again after what the disk says.
static void
end_opening(struct broker *broker, const struct command *command)
{
    struct lane *lane = lanes_at(broker->lanes, command_mailbox(command));

    lane->mark = 0;
    if (lane->session != NULL && lane->session->id == command->back.session) {
        session_close_lane(lane);
    }
}

// False when the answer is not the last word: the command is proposed again.
static bool
is_final(struct broker *broker, struct command *command)
{
    if (command_mailbox(command) == 0 || command->status == VG_OK) {
        return true;
    }
    if (command->status == VG_STORE_FULL && owed_keep(broker, command)) {
        return false;
    }
    end_opening(broker, command);
    return true;
}

static void
answer(struct broker *broker, struct command *command)
{
    const struct answer_to *to = command->back.context;

    broker->proposed--;
    if (command->kind == COMMAND_FOLD) {
        broker->fold_proposed = false;
    }
    if (command->kind == COMMAND_EXPIRE) {
        retention_answered(broker, command);
    }
    if (command->kind == COMMAND_LAPSE) {
        lapsing_answered(broker, command);
    }
    if (command->kind == COMMAND_ANCHOR) {
        anchoring_answered(broker, command);
    }
    if (command->kind == COMMAND_MOVE_LETTERS) {
        merging_answered(broker, command);
    }
    if (command->kind == COMMAND_ADVANCE) {
        sifting_answered(broker, command);
    }
    if (command->kind == COMMAND_WITHDRAW) {
        withdrawing_answered(broker, command);
    }
    if (command->kind == COMMAND_REWIND) {
        rewinding_answered(broker, command);
    }
    if (!is_final(broker, command)) {
        return;
    }
    if (command->kind == COMMAND_REFUSE || command->kind == COMMAND_DEFER) {
        refusals_answered(broker, command);
    }
    if (command->back.session != 0) {
        answer_session(broker, command);
    } else if (to != NULL) {
        to->answered(command, to->arg);
    }
}

// Sources are told last (answer_sources): of two frames the letter is the one that somebody
// waits for, and nothing else depends on what a source was told.
static void
take_batch(struct broker *broker, struct batch *batch)
{
    renew_view(broker, batch);
    count_batch(broker, batch);
    refusals_changed(broker, batch);
    for (struct command *command = batch->first; command != NULL;
         command = command->next) {
        if (command->kind != COMMAND_PUBLISH) {
            answer(broker, command);
        }
    }
    withdrawing_take(broker, batch);
    take_posted(broker, batch);
    count_unwanted(broker, batch);
    if (batch->folded) {
        retention_folded(broker, batch->commit - 1);
    }
    watch_written(broker, batch->count.bytes_written);
}

static void
answer_sources(struct broker *broker, struct batch *batch)
{
    for (struct command *command = batch->first; command != NULL;
         command = command->next) {
        if (command->kind == COMMAND_PUBLISH) {
            answer(broker, command);
        }
    }
    levels_take(broker, batch); // "blocked" comes after the answers
    metrics.queued = broker->proposed;
}

static void
notice_failure(struct broker *broker)
{
    struct why why = {0};
    enum vg_status status = writer_status(broker->writer, &why);

    if (status == VG_OK || broker->fatal) {
        return;
    }
    log_error("writer_failed", "status=%s why=%s", vg_status_name(status),
              log_quote(why.text).text);
    broker->fatal = true;
    broker->exit_code = BROKER_EXIT_UNKNOWN;
    event_base_loopbreak(broker->base);
}

void
answers_take(struct broker *broker)
{
    struct batch *batch;

    while ((batch = writer_take(broker->writer)) != NULL) {
        // What it left on the disk is seen only by a transaction begun after it.
        broker_rest_txn(broker);
        take_batch(broker, batch);
        delivery_run(broker);
        answer_sources(broker, batch);
        batch_free(&batch);
    }
    notice_failure(broker);
    refusals_due(broker);
    delivery_run(broker);
}
