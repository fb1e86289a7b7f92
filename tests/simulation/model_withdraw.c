// SPDX-License-Identifier: EUPL-1.2
// What is cancelled before it was sent, in mailboxes that want neither of the two.
#include "model_inside.h"

#include "store/withdrawn.h"

// What corrects an earlier one itself must come: without it that one would stand again.
void
model_note_pair(const struct question *question, const struct model_box *box,
                uint64_t number, struct applied *applied)
{
    const struct model *model = question->model;
    const struct told *first = &box->told[number - 1];
    const struct told *last = &box->told[box->len - 1];
    const struct cancelled_pair *pair;

    if (!question->deed->cancels || model->deeds[first->deed - 1].corrects != 0 ||
        box->rules.cancelled != CANCELLED_NEITHER ||
        model_came_late(box, question->deed->corrects) || !applied->answered) {
        return;
    }
    if (applied->pairs >= applied->batch->pairs_len) {
        broken("mailbox %u: the loop is not told that letter %zu cancels another one",
               box->id, box->len);
    }
    pair = &applied->batch->pairs[applied->pairs++];
    if (pair->mailbox != box->id || pair->of != first->ticket ||
        pair->by != last->ticket || pair->niss != question->deed->niss ||
        pair->first.number != number || pair->cancellation.number != box->len) {
        broken("mailbox %u: the loop is told that letter %llu cancels %llu", box->id,
               (unsigned long long)pair->cancellation.number,
               (unsigned long long)pair->first.number);
    }
}

void
follow_withdraw(struct model *model, const struct command *command,
                struct applied *applied)
{
    const struct withdraw_command *withdraw = &command->withdraw;

    for (size_t i = 0; i < withdraw->pairs_len; i++) {
        const struct cancelled_pair *pair = &withdraw->pairs[i];
        struct model_box *box = model_box(model, pair->mailbox);
        struct told *first = model_letter(box, pair->first.number);
        struct told *last = model_letter(box, pair->cancellation.number);
        bool goes;

        if (first == NULL || last == NULL || first->ticket != pair->of ||
            last->ticket != pair->by ||
            model->deeds[last->deed - 1].corrects != first->ticket) {
            broken("mailbox %u: letter %llu does not cancel %llu", pair->mailbox,
                   (unsigned long long)pair->cancellation.number,
                   (unsigned long long)pair->first.number);
        }
        goes = model_withdraw(model, box, first, last);
        model->withdrawn += goes;
        if (goes && (first->sent || last->sent)) {
            broken("mailbox %u: letter %llu was sent, and its cancellation does not come",
                   box->id, (unsigned long long)pair->first.number);
        }
        if (applied->answered && pair->withdrawn != goes) {
            broken("mailbox %u: letter %llu and its cancellation come, or should",
                   box->id, (unsigned long long)pair->first.number);
        }
    }
    applied_check_status(applied, command, VG_OK);
}

static bool
count_row(uint64_t ticket, struct mailbox_id mailbox, const struct withdrawn_row *row,
          void *arg)
{
    (void)ticket;
    (void)mailbox;
    (void)row;
    ++*(uint64_t *)arg;
    return true;
}

// A row goes with the journal's record of its mutation.
void
model_check_withdrawn(const struct model *model, struct txn *txn)
{
    uint64_t expected = 0, rows = 0;

    for (size_t i = 0; i < model->boxes_len; i++) {
        const struct model_box *box = &model->boxes[i];

        for (uint64_t n = 1; n <= box->len; n++) {
            const struct told *told = &box->told[n - 1];
            struct withdrawn_row row;

            if (!told->withdrawn ||
                model_kept(model, told->ticket)->commit < model->first_commit) {
                continue;
            }
            expected++;
            if (withdrawn_get(txn, told->ticket, (struct mailbox_id){box->id}, &row) !=
                    VG_OK ||
                row.other != told->other || row.number != n) {
                broken("mailbox %u, letter %llu was withdrawn, and the disk does not say "
                       "so",
                       box->id, (unsigned long long)n);
            }
        }
    }
    if (withdrawn_each(txn, count_row, &rows) != VG_OK || rows != expected) {
        broken("the disk remembers %llu withdrawn letters, not %llu",
               (unsigned long long)rows, (unsigned long long)expected);
    }
}
