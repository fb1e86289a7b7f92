// SPDX-License-Identifier: EUPL-1.2
// Following a committed batch: its record, its commands one after the other, and what it says
// of itself.
#include "model_inside.h"

#include <stdlib.h>
#include <string.h>

// ---- the journal's record ----

static bool
is_followed(enum journal_kind kind)
{
    return kind == JOURNAL_EVENT || kind == JOURNAL_REFUSAL ||
           kind == JOURNAL_DIRECTORY || kind == JOURNAL_CORRECTION ||
           kind == JOURNAL_UNWANTED || kind == JOURNAL_MERGED;
}

// A letter that somebody still waits for has its body copied before the old one is erased.
static void
note_moved(struct applied *applied)
{
    struct journal_moved moved;
    struct model_box *box;
    struct told *told;
    struct bytes body;

    if (!journal_item_as(&applied->item, &moved, sizeof moved) ||
        (box = model_box(applied->model, moved.mailbox)) == NULL || moved.number == 0 ||
        moved.number > box->len) {
        broken("a body of no letter at all was moved");
    }
    told = &box->told[moved.number - 1];
    told->body = moved.body;
    if (body_get(applied->txn, moved.body, &body) != VG_OK ||
        checksum_of(body.at, body.len) != told->checksum) {
        broken("mailbox %u, letter %llu: its body was moved and is not the same", box->id,
               (unsigned long long)moved.number);
    }
    applied->model->moved++;
}

static bool
next_item(struct applied *applied)
{
    while (journal_next(&applied->record, &applied->offset, &applied->item)) {
        if (applied->item.kind == JOURNAL_MOVED) {
            note_moved(applied);
        }
        if (is_followed(applied->item.kind)) {
            return true;
        }
    }
    return false;
}

bool
applied_peek(const struct applied *applied, struct journal_item *ret_item)
{
    size_t offset = applied->offset;

    while (journal_next(&applied->record, &offset, ret_item)) {
        if (is_followed(ret_item->kind)) {
            return true;
        }
    }
    return false;
}

bool
applied_is_next(const struct applied *applied, enum journal_kind kind)
{
    struct journal_item item;

    return applied_peek(applied, &item) && item.kind == kind;
}

bool
applied_is_caught(const struct applied *applied, uint64_t ticket)
{
    struct journal_item item;
    struct journal_event event;

    return applied_peek(applied, &item) && item.kind == JOURNAL_EVENT &&
           journal_item_as(&item, &event, sizeof event) && event.again == AGAIN_CAUGHT &&
           event.number == ticket;
}

void
applied_item(struct applied *applied, enum journal_kind kind, void *ret, size_t len)
{
    if (!next_item(applied)) {
        broken("the journal misses an item of kind %d", (int)kind);
    }
    if (applied->item.kind != kind || !journal_item_as(&applied->item, ret, len)) {
        broken("the journal has an item of kind %d instead of %d",
               (int)applied->item.kind, (int)kind);
    }
    if (kind == JOURNAL_EVENT) {
        applied->model->commit_event[applied->model->commits - 1] =
            ((const struct journal_event *)ret)->ticket;
    }
}

// ---- answers ----

void
applied_check_posted(struct applied *applied, uint32_t mailbox,
                     const struct journal_recipient *recipient)
{
    const struct batch *batch = applied->batch;

    if (!applied->answered) {
        return;
    }
    if (applied->posted >= batch->posted_len) {
        broken("mailbox %u, letter %llu: on disk, and the loop is not told", mailbox,
               (unsigned long long)recipient->number);
    }

    const struct posted *posted = &batch->posted[applied->posted++];
    struct letter letter = letter_of(recipient);

    if (posted->mailbox != mailbox ||
        memcmp(&posted->letter, &letter, sizeof letter) != 0) {
        broken(
            "mailbox %u, letter %llu: the loop is told something else than the disk has",
            mailbox, (unsigned long long)recipient->number);
    }
}

void
applied_check_status(const struct applied *applied, const struct command *command,
                     enum vg_status expected)
{
    if (applied->answered && command->status != expected) {
        broken("%s of institution %u is answered %s, not %s (%s)",
               command_name(command->kind), command->actor,
               vg_status_name(command->status), vg_status_name(expected),
               command_words(command));
    }
}

static void
note_reply(struct model *model, const struct command *command, uint64_t ticket)
{
    uint64_t request = command->back.request;
    struct model_reply *reply = &model->replies[request % REPLIES_MAX];

    if (reply->request != request) {
        *reply = (struct model_reply){.request = request};
    }
    if (reply->len < ARRAY_LEN(reply->tickets)) {
        reply->tickets[reply->len++] = ticket;
    }
}

void
applied_check_ticket(struct model *model, const struct applied *applied,
                     const struct command *command, uint64_t expected)
{
    if (command->back.session != 0) {
        note_reply(model, command, expected);
    }
    if (applied->answered && command->ticket != expected) {
        broken("%s of institution %u has ticket %llu, not %llu",
               command_name(command->kind), command->actor,
               (unsigned long long)command->ticket, (unsigned long long)expected);
    }
}

// ---- its commands ----

static void
follow(struct model *model, const struct command *command, struct applied *applied)
{
    switch (command->kind) {
    case COMMAND_PUBLISH:
        follow_publish(model, command, applied);
        break;
    case COMMAND_LAST_NUMBER:
        follow_last_number(model, command, applied);
        break;
    case COMMAND_ACKNOWLEDGE:
        follow_acknowledge(model, command, applied);
        break;
    case COMMAND_INTEGRATE:
        follow_integrate(model, command, applied);
        break;
    case COMMAND_REMOVE:
        follow_remove(model, command, applied);
        break;
    case COMMAND_CONSULT:
        follow_consult(model, command, applied);
        break;
    case COMMAND_HISTORY:
        follow_history(model, command, applied);
        break;
    case COMMAND_ADD_MAILBOX:
        follow_add_mailbox(model, command, applied);
        break;
    case COMMAND_ADD_INSTITUTION:
        follow_add_institution(model, command, applied);
        break;
    case COMMAND_ADD_KEY:
        follow_add_key(model, command, applied);
        break;
    case COMMAND_REVOKE_KEY:
        follow_revoke_key(model, command, applied);
        break;
    case COMMAND_LOAD_CATALOGUE:
        follow_load_catalogue(model, command, applied);
        break;
    case COMMAND_REFUSE:
        follow_refuse(model, command, applied);
        break;
    case COMMAND_DEFER:
        follow_defer(model, command, applied);
        break;
    case COMMAND_RETRY_PARKED:
    case COMMAND_DROP_PARKED:
        follow_parked(model, command, applied);
        break;
    case COMMAND_EXPIRE:
        follow_expire(model, command, applied);
        break;
    case COMMAND_LAPSE:
        follow_lapse(model, command, applied);
        break;
    case COMMAND_SET_RULES:
        follow_set_rules(model, command, applied);
        break;
    case COMMAND_ADVANCE:
        follow_advance(model, command, applied);
        break;
    case COMMAND_WITHDRAW:
        follow_withdraw(model, command, applied);
        break;
    case COMMAND_MERGE:
        follow_merge(model, command, applied);
        break;
    case COMMAND_MOVE_LETTERS:
        follow_move_letters(model, command, applied);
        break;
    case COMMAND_SET_LIMITS:
        break; // none here has any of its own
    case COMMAND_FOLD:
    case COMMAND_LOAD_PERSONS:
    case COMMAND_REWIND:
    case COMMAND_KNEW:
    case COMMAND_ANCHOR:
    case COMMAND_LIST:
        break; // what it moves is looked at from both sides elsewhere; nobody loads
    }
}

// Letters that move do so before anything else of the batch.
static bool
goes_first(const struct command *command)
{
    return command->kind == COMMAND_MOVE_LETTERS;
}

static void
follow_all(struct model *model, const struct batch *batch, struct applied *applied)
{
    model_merge_what_is_due(model, model_day(applied->now_us));
    for (int first = 1; first >= 0; first--) {
        for (const struct command *command = batch->first; command != NULL;
             command = command->next) {
            if (goes_first(command) == first) {
                follow(model, command, applied);
            }
        }
    }
}

// ---- one batch ----

// Nothing was done, not even acknowledging: is everybody told so?
static bool
all_is_refused(const struct batch *batch)
{
    for (const struct command *command = batch->first; command != NULL;
         command = command->next) {
        if (command->kind != COMMAND_LAST_NUMBER) {
            return command->status == VG_STORE_FULL &&
                   strstr(command_words(command), "even to") != NULL;
        }
    }
    return false;
}

static void
follow_refusals(struct model *model, const struct batch *batch, struct applied *applied)
{
    for (const struct command *command = batch->first; command != NULL;
         command = command->next) {
        if (command->kind == COMMAND_LAST_NUMBER) {
            follow_last_number(model, command, applied);
            continue;
        }
        applied_check_status(applied, command, VG_STORE_FULL);
        if (command->kind == COMMAND_PUBLISH) {
            const struct hot_publish *publish = &command->publish.publish;
            uint64_t last = model->producers[command->actor][publish->producer].len;

            if (command->publish.through !=
                    follow_stands_through(publish->first_number, last) ||
                command->publish.results_len != 0 || command->publish.kept != 0) {
                broken("institution %u is answered through %llu by a batch that was "
                       "given up",
                       command->actor, (unsigned long long)command->publish.through);
            }
        }
    }
    if (batch->commit != 0 || batch->posted_len != 0 || batch->folded) {
        broken("a batch that was given up says that it did something");
    }
}

static void
read_record(struct model *model, struct applied *applied)
{
    struct journal_head head;
    struct why why;

    if (journal_read(applied->txn, model->commits, &applied->record, &head, &why) !=
        VG_OK) {
        broken("commit %llu is not in the journal: %s",
               (unsigned long long)model->commits, why.text);
    }
    if (head.time_us != applied->now_us || head.batch != applied->batch->id) {
        broken("commit %llu has another time or batch",
               (unsigned long long)model->commits);
    }
}

static void
note_commit(struct model *model, int64_t us)
{
    if (model->commits == model->commits_size) {
        model->commits_size = model->commits_size * 2 + 64;
        model->commit_us =
            realloc(model->commit_us, model->commits_size * sizeof *model->commit_us);
        model->commit_event = realloc(model->commit_event,
                                      model->commits_size * sizeof *model->commit_event);
        CHECK(model->commit_us != NULL && model->commit_event != NULL);
    }
    model->commit_event[model->commits] = 0;
    model->commit_us[model->commits++] = us;
}

void
model_apply(struct model *model, const struct batch *batch, enum room room, bool answered,
            struct txn *txn)
{
    struct meta meta;
    struct applied applied = {
        .model = model,
        .batch = batch,
        .txn = txn,
        .answered = answered,
        .room = !batch->no_room,
        .now_us = batch->time.us > model->last_us ? batch->time.us : model->last_us,
    };

    if (meta_get(txn, &meta, NULL) != VG_OK) {
        broken("the meta row cannot be read");
    }
    applied.first_commit = meta.first_commit;
    if (answered && batch->commit != 0 && batch->commit != model->commits + 1) {
        broken("batch %llu is commit %llu after %llu", (unsigned long long)batch->id,
               (unsigned long long)batch->commit, (unsigned long long)model->commits);
    }
    if (meta.last_commit !=
        model->commits +
            (answered ? batch->commit != 0 : meta.last_commit > model->commits)) {
        broken("batch %llu is answered and the disk is at commit %llu",
               (unsigned long long)batch->id, (unsigned long long)meta.last_commit);
    }
    if (meta.last_commit > model->commits) {
        note_commit(model, applied.now_us);
        model->last_us = applied.now_us;
        model->last_batch = batch->id;
        read_record(model, &applied);
    } else if (!answered) {
        return; // it ended before the commit
    }
    if (answered && room == ROOM_FAILED && all_is_refused(batch)) {
        follow_refusals(model, batch, &applied);
    } else {
        follow_all(model, batch, &applied);
    }
    if (answered && batch->folded != (meta.folded_commit > model->folded)) {
        broken("the disk is folded up to commit %llu, and the loop is told otherwise",
               (unsigned long long)meta.folded_commit);
    }
    model->folded = meta.folded_commit;
    model->first_commit = meta.first_commit;
    if (next_item(&applied)) {
        broken("the journal has an item of kind %d that nobody caused",
               (int)applied.item.kind);
    }
    if (answered && applied.unwanted != batch->unwanted_len) {
        broken("the loop is told of %zu unwanted ones, and the disk has %zu",
               batch->unwanted_len, applied.unwanted);
    }
    if (answered && applied.pairs != batch->pairs_len) {
        broken("the loop is told of %zu cancelled letters, not of %zu", batch->pairs_len,
               applied.pairs);
    }
    if (answered && applied.posted != batch->posted_len) {
        broken("the loop is told of %zu letters, and the disk has %zu", batch->posted_len,
               applied.posted);
    }
    buffer_free(&applied.record);
    buffer_free(&applied.voids);
}
