// SPDX-License-Identifier: EUPL-1.2
#include "flow/withdraw.h"

#include "flow/hold.h"
#include "store/merged.h"
#include "store/withdrawn.h"

#include <stdlib.h>

// Gaps are needed for letters that are refused as well: there must be room for those.
enum { RANGES_USED_MAX = RANGES_MAX / 2 };

// ---- naming a pair ----

static bool
wants_neither(const struct applier *applier, uint32_t mailbox)
{
    const struct mailbox_spec *spec = roster_mailbox(applier->roster, mailbox);

    return spec != NULL && spec->rules.cancelled == CANCELLED_NEITHER;
}

static void
add_pair(struct batch *batch, const struct cancelled_pair *pair)
{
    if (batch->pairs_len == batch->pairs_size) {
        batch->pairs_size = batch->pairs_size * 2 + 16;
        batch->pairs = realloc(batch->pairs, batch->pairs_size * sizeof *batch->pairs);
        CHECK(batch->pairs != NULL);
    }
    batch->pairs[batch->pairs_len++] = *pair;
}

void
withdraw_note(struct applier *applier, const struct judged *judged,
              const struct corrected *got, uint64_t by, const struct posted *posted)
{
    if (judged->cancels && got->letter.number != 0 && got->was == posted->mailbox &&
        wants_neither(applier, posted->mailbox)) {
        add_pair(applier->batch, &(struct cancelled_pair){
                                     .mailbox = posted->mailbox,
                                     .niss = judged->niss.number,
                                     .of = judged->corrects,
                                     .by = by,
                                     .first = got->letter,
                                     .cancellation = posted->letter,
                                 });
    }
}

// ---- withdrawing it ----

// Nothing was said of the cancellation since, and the first stands for no other letter.
static enum vg_status
stands_alone(struct applier *applier, const struct cancelled_pair *pair, bool *ret_alone)
{
    struct correction_row corrected;
    struct merged_row merged;
    enum vg_status status = correction_get(applier->txn, pair->by, &corrected);

    if (status == VG_NOT_FOUND) {
        status = merged_get(applier->txn, pair->of, (struct mailbox_id){pair->mailbox},
                            &merged);
    }
    *ret_alone = status == VG_NOT_FOUND;
    return *ret_alone ? VG_OK : status;
}

// And both wait in their turn.
static enum vg_status
can_be_withdrawn(struct applier *applier, const struct cancelled_pair *pair,
                 bool *ret_can)
{
    struct mailbox_row *row = NULL;
    struct marks marks;
    enum vg_status status = stands_alone(applier, pair, ret_can);

    if (status == VG_OK) {
        status = applier_box(applier, pair->mailbox, &row);
    }
    if (status == VG_OK) {
        status =
            marks_load(applier->txn, (struct mailbox_id){pair->mailbox}, row, &marks);
    }
    *ret_can = status == VG_OK && *ret_can && marks.len + 2 <= RANGES_USED_MAX &&
               marks_wait(&marks, pair->first.number) &&
               marks_wait(&marks, pair->cancellation.number);
    return status;
}

static enum vg_status
note_withdrawn(struct applier *applier, const struct cancelled_pair *pair)
{
    struct mailbox_id mailbox = {pair->mailbox};
    struct withdrawn_row first = {pair->by, pair->first.number, applier->now.us};
    struct withdrawn_row cancellation = {pair->of, pair->cancellation.number,
                                         applier->now.us};
    struct journal_withdrawn item = {
        .ticket = pair->by,
        .of = pair->of,
        .niss = pair->niss,
        .number = pair->cancellation.number,
        .of_number = pair->first.number,
        .mailbox = pair->mailbox,
        .size = pair->cancellation.size,
        .of_size = pair->first.size,
    };
    enum vg_status status = withdrawn_put(applier->txn, pair->of, mailbox, &first);

    journal_add(&applier->record, JOURNAL_WITHDRAWN, &item, sizeof item, NULL, 0);
    return status == VG_OK ? withdrawn_put(applier->txn, pair->by, mailbox, &cancellation)
                           : status;
}

static enum vg_status
withdraw(struct applier *applier, const struct cancelled_pair *pair)
{
    enum vg_status status =
        hold_discard(applier, pair->mailbox, &pair->first, pair->niss);

    if (status == VG_OK) {
        status = hold_discard(applier, pair->mailbox, &pair->cancellation, pair->niss);
    }
    return status == VG_OK ? note_withdrawn(applier, pair) : status;
}

enum vg_status
withdraw_letters(struct applier *applier, struct command *command)
{
    struct withdraw_command *request = &command->withdraw;
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < request->pairs_len; i++) {
        struct cancelled_pair *pair = &request->pairs[i];

        status = can_be_withdrawn(applier, pair, &pair->withdrawn);
        if (status == VG_OK && pair->withdrawn) {
            status = withdraw(applier, pair);
        }
    }
    return status;
}
