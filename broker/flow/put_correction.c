// SPDX-License-Identifier: EUPL-1.2
// put_correction.c - what the recipients of a correction or cancellation get: those who got the
// first, with the reference, then those concerned today (flow/correct.h).
#include "flow/correct.h"
#include "flow/passage.h"
#include "flow/unmerge.h"
#include "flow/withdraw.h"
#include "store/asked.h"

#include <stdlib.h>

// Before the events of its ticket: who is owed it, and what justified the first.
static void
journal_correction_of(struct applier *applier, const struct passage *passage,
                      const struct correction_shares *shares)
{
    struct journal_correction item = {
        .ticket = passage->ticket,
        .of = passage->correction->of,
        .act = (uint16_t)passage->correction->act,
    };
    size_t told = 0;

    do {
        buffer_clear(&applier->owed);
        for (item.owed = 0; told < shares->owed && item.owed < JOURNAL_OWED_MAX; told++) {
            const struct correction_share *share = &shares->shares[told];
            struct journal_owed owed = {
                .mailbox = share->share.mailbox,
                .quality = share->got->quality,
                .only = share->only,
                .begin = share->got->begin,
                .end = share->got->end,
            };

            buffer_add(&applier->owed, &owed, sizeof owed);
            item.owed++;
        }
        journal_add(&applier->record, JOURNAL_CORRECTION, &item, sizeof item,
                    applier->owed.at, applier->owed.len);
    } while (told < shares->owed);
    buffer_clear(&applier->owed);
}

// Who is concerned today, is owed nothing, and does not want it.
static void
journal_unwanted_beside(struct applier *applier, struct passage *passage,
                        const struct correction_shares *shares, size_t grants_len)
{
    for (size_t i = 0; i < grants_len; i++) {
        const struct grant *grant = &applier->grants[i];
        bool told = i > 0 && grant[-1].institution == grant->institution;

        for (size_t j = 0; !told && j < shares->len; j++) {
            told = shares->shares[j].institution == grant->institution;
        }
        if (!told) {
            journal_unwanted_of(applier, passage, grant);
        }
    }
}

static enum vg_status
ask_no_more(struct applier *applier, const struct passage *passage)
{
    const struct correction *correction = passage->correction;
    enum vg_status status = VG_OK;

    for (size_t i = 0;
         status == VG_OK && passage->judged.flow->needs_answer && i < correction->got_len;
         i++) {
        status = asked_erase(applier->txn, correction->of,
                             (struct mailbox_id){correction->got[i].was});
    }
    return status;
}

// A first one that may still wait beside its cancellation.
static void
note_pair(struct applier *applier, const struct passage *passage,
          const struct correction_share *share, size_t posted)
{
    const struct batch *batch = applier->batch;

    if (batch->posted_len > posted && !share->twice) {
        withdraw_note(applier, &passage->judged, share->got, passage->ticket,
                      &batch->posted[posted]);
    }
}

enum vg_status
put_correction(struct applier *applier, struct passage *passage, size_t grants_len)
{
    struct correction_row row = {.by = passage->ticket, .act = passage->correction->act};
    struct correction_shares shares = correction_shares(
        passage->correction, &passage->question, applier->grants, grants_len);
    enum vg_status status = ask_no_more(applier, passage);

    journal_correction_of(applier, passage, &shares);
    for (size_t i = 0; status == VG_OK && i < shares.len; i++) {
        size_t posted = applier->batch->posted_len;

        passage->owed = i < shares.owed;
        if (i == shares.owed) { // that there was a first one is not theirs to know
            passage->mutation.replaces = (struct hot_bytes){NULL, 0};
            passage->variants_len = 0;
        }
        status = put_letter(applier, passage, shares.shares[i].institution,
                            &shares.shares[i].share);
        if (status == VG_OK && passage->owed) {
            note_pair(applier, passage, &shares.shares[i], posted);
        }
        if (passage->judged.cancels && passage->owed) {
            unmerge_note(applier, passage->ticket, &shares.shares[i],
                         passage->correction->of);
        }
    }
    if (!passage->judged.cancels) {
        journal_unwanted_beside(applier, passage, &shares, grants_len);
    }
    free(shares.shares);
    return status == VG_OK ? correction_put(applier->txn, passage->correction->of, &row)
                           : status;
}
