// SPDX-License-Identifier: EUPL-1.2
#include "flow/answer.h"

#include "store/asked.h"
#include "store/journal_find.h"

#include <string.h>

// Whose mailbox it is today: institutions merge.
static bool
is_of(const struct roster *roster, uint32_t mailbox,
      const struct institution *institution)
{
    const struct mailbox_spec *spec = roster_mailbox(roster, mailbox);

    return spec != NULL && roster_successor(roster, spec->institution) == institution->id;
}

static bool
has_got(struct journal_place *place, const struct roster *roster,
        const struct institution *institution)
{
    do {
        struct journal_recipient recipient;

        for (size_t i = 0; journal_item_recipient(&place->item, i, &recipient); i++) {
            if (is_of(roster, recipient.mailbox, institution)) {
                return true;
            }
        }
    } while (journal_find_more(place));
    return false;
}

// It may be named as it was when it asked, or as whatever it is part of today.
static bool
goes_to(const struct judged *judged, const struct roster *roster, uint32_t asking)
{
    const struct hot_bytes *code = &judged->mutation->recipient;
    const struct institution *recipient =
        roster_by_code(roster, (struct bytes){code->at, code->len});

    return !judged->flow->needs_recipient ||
           (recipient != NULL &&
            roster_successor(roster, recipient->id) == roster_successor(roster, asking));
}

// Words about a notification that the publisher did not get would tell of it.
static enum vg_status
judge_place(const struct answer_question *question, struct journal_place *place,
            struct why *why)
{
    const struct judged *judged = question->judged;
    const struct journal_event event = place->event;
    const struct flow *asked =
        catalogue_flow_by_id(question->catalogue, judged->flow->answers);

    if (!has_got(place, question->roster, question->publisher)) {
        return fail(why, VG_BAD_REFERENCE,
                    "answers: ticket %llu is no notification that %s got",
                    (unsigned long long)event.ticket, question->publisher->code);
    }
    if (event.flow != judged->flow->answers) {
        return fail(why, VG_BAD_REFERENCE,
                    "answers: ticket %llu is not of flow %s, which %s answers",
                    (unsigned long long)event.ticket, asked == NULL ? "?" : asked->name,
                    judged->flow->name);
    }
    if (!goes_to(judged, question->roster, event.source)) {
        return fail(why, VG_BAD_REFERENCE, "answers: ticket %llu was not asked by %.*s",
                    (unsigned long long)event.ticket,
                    (int)judged->mutation->recipient.len,
                    (const char *)judged->mutation->recipient.at);
    }
    return VG_OK;
}

static enum vg_status
judge_person(struct txn *txn, const struct answer_question *question,
             const struct journal_event *event, enum vg_status *ret_refusal,
             struct why *why)
{
    bool same = false;
    enum vg_status status =
        person_is_same(txn, (struct niss){event->niss}, question->judged->niss, &same);

    if (status == VG_OK && !same) {
        *ret_refusal =
            fail(why, VG_BAD_REFERENCE, "answers: ticket %llu is about another person",
                 (unsigned long long)event->ticket);
    }
    return status;
}

enum vg_status
answer_check(struct txn *txn, const struct answer_question *question,
             enum vg_status *ret_refusal, struct why *why)
{
    struct journal_place place = {.next = 0};
    struct why inner = {0};
    enum vg_status status = VG_OK;
    enum vg_status found =
        journal_find(txn, question->meta, question->judged->answers, &place, &inner);

    if (found != VG_OK) {
        *ret_refusal = fail(why, found == VG_NOT_FOUND ? VG_BAD_REFERENCE : found,
                            "answers: %s", inner.text);
    } else {
        *ret_refusal = judge_place(question, &place, why);
    }
    if (*ret_refusal == VG_OK) {
        status = judge_person(txn, question, &place.event, ret_refusal, why);
    }
    buffer_free(&place.record);
    return status;
}

struct noting {
    const struct applier *applier;
    const struct institution *publisher;
    uint64_t asked;
    uint64_t answer;
    struct mailbox_id mailbox; // that waits for the answer
    struct asked_row row;
    bool found;
};

static bool
find_waiting(uint64_t ticket, struct mailbox_id mailbox, const struct asked_row *row,
             void *arg)
{
    struct noting *noting = arg;

    if (ticket == noting->asked && row->answer == 0 &&
        is_of(noting->applier->roster, mailbox.number, noting->publisher)) {
        noting->mailbox = mailbox;
        noting->row = *row;
        noting->found = true;
    }
    return ticket == noting->asked && !noting->found;
}

enum vg_status
answer_note(struct applier *applier, uint64_t asked, const struct institution *publisher,
            uint64_t answer)
{
    enum vg_status status = VG_OK;
    struct noting noting;

    do {
        noting = (struct noting){
            .applier = applier, .publisher = publisher, .asked = asked, .answer = answer};
        status = asked_each(applier->txn, asked, find_waiting, &noting);
        if (status == VG_OK && noting.found) {
            noting.row.answer = noting.answer;
            noting.row.answered_us = applier->now.us;
            status = asked_put(applier->txn, asked, noting.mailbox, &noting.row);
        }
    } while (status == VG_OK && noting.found);
    return status;
}
