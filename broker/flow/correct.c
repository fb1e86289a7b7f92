// SPDX-License-Identifier: EUPL-1.2
#include "flow/correct.h"

#include "flow/apply.h"
#include "flow/replace.h"
#include "store/caught.h"
#include "store/journal_find.h"
#include "store/withdrawn.h"

#include <stdlib.h>
#include <string.h>

// ---- what is corrected ----

static const char *
name_of(const struct judged *judged)
{
    return judged->cancels ? "cancels" : "replaces";
}

// Words about another source's mutation would tell of it: it might as well not be there.
static enum vg_status
judge_event(struct txn *txn, const struct correction_question *question,
            const struct journal_event *event, enum vg_status *ret_refusal,
            struct why *why)
{
    const struct judged *judged = question->judged;
    struct correction_row row;
    bool same = false;
    enum vg_status status;

    if (event->source == 0 || event->again != AGAIN_NOT || // the broker's own words
        roster_successor(question->roster, event->source) != question->publisher->id) {
        *ret_refusal = fail(why, VG_BAD_REFERENCE, "%s: ticket %llu is no mutation of %s",
                            name_of(judged), (unsigned long long)event->ticket,
                            question->publisher->code);
        return VG_OK;
    }
    if (event->flow != judged->flow->id) {
        *ret_refusal =
            fail(why, VG_BAD_REFERENCE, "%s: ticket %llu is of another flow than %s",
                 name_of(judged), (unsigned long long)event->ticket, judged->flow->name);
        return VG_OK;
    }
    status = person_is_same(txn, (struct niss){event->niss}, judged->niss, &same);
    if (status == VG_OK && !same) {
        *ret_refusal =
            fail(why, VG_BAD_REFERENCE, "%s: ticket %llu is about another person",
                 name_of(judged), (unsigned long long)event->ticket);
        return VG_OK;
    }
    if (status == VG_OK) {
        status = correction_get(txn, event->ticket, &row);
    }
    if (status == VG_OK) {
        *ret_refusal =
            fail(why, VG_BAD_REFERENCE, "%s: ticket %llu was %s by ticket %llu",
                 name_of(judged), (unsigned long long)event->ticket,
                 row.act == CORRECTION_CANCELS ? "cancelled" : "replaced",
                 (unsigned long long)row.by);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

// Whose letters it holds today.
static uint32_t
mailbox_today(const struct roster *roster, uint32_t mailbox)
{
    return mailbox < MAILBOX_EXTRA_FIRST ? roster_successor(roster, mailbox) : mailbox;
}

static int
compare_corrected(const void *a, const void *b)
{
    const struct corrected *one = a, *other = b;

    if (one->mailbox != other->mailbox) {
        return one->mailbox < other->mailbox ? -1 : 1;
    }
    return (one->was > other->was) - (one->was < other->was);
}

static struct corrected *
add_corrected(struct correction *correction, size_t more)
{
    size_t size = correction->got_len + more;

    correction->got = realloc(correction->got, (size + 1) * sizeof *correction->got);
    CHECK(correction->got != NULL);
    return &correction->got[correction->got_len];
}

// Never told of it (flow/withdraw.h): of corrections, cancellations alone are withdrawn.
static enum vg_status
was_withdrawn(struct txn *txn, uint64_t ticket, uint32_t mailbox, bool *ret_was)
{
    struct withdrawn_row row;
    enum vg_status status =
        withdrawn_get(txn, ticket, (struct mailbox_id){mailbox}, &row);

    *ret_was = status == VG_OK;
    return status == VG_NOT_FOUND ? VG_OK : status;
}

// corrects: it is a correction itself.
static enum vg_status
add_recipients(struct txn *txn, struct correction *correction,
               const struct roster *roster, const struct journal_place *place,
               bool corrects)
{
    struct journal_recipient recipient;
    bool withdrawn = false;
    enum vg_status status = VG_OK;

    (void)add_corrected(correction, place->event.recipients);
    for (size_t i = 0;
         status == VG_OK && journal_item_recipient(&place->item, i, &recipient); i++) {
        if (corrects) {
            status = was_withdrawn(txn, correction->of, recipient.mailbox, &withdrawn);
        }
        if (withdrawn) {
            continue;
        }
        correction->got[correction->got_len++] = (struct corrected){
            .mailbox = mailbox_today(roster, recipient.mailbox),
            .was = recipient.mailbox,
            .institution = recipient.institution,
            .quality = recipient.quality,
            .begin = recipient.begin,
            .end = recipient.end,
            .letter = corrects ? (struct letter){.number = 0} : letter_of(&recipient),
        };
    }
    return status;
}

struct caught_search {
    struct correction *correction;
    const struct roster *roster;
};

// After its time, but he got it (flow/catch_up.h).
static bool
add_caught(uint64_t ticket, struct mailbox_id mailbox, const struct caught_row *row,
           void *arg)
{
    struct caught_search *search = arg;
    struct correction *correction = search->correction;

    if (ticket != correction->of) {
        return false;
    }
    *add_corrected(correction, 1) = (struct corrected){
        .mailbox = mailbox_today(search->roster, mailbox.number),
        .was = mailbox.number,
        .institution = row->institution,
        .quality = row->quality,
        .begin = row->begin,
        .end = row->end,
    };
    correction->got_len++;
    return true;
}

static enum vg_status
correction_of(struct txn *txn, const struct correction_question *question,
              struct journal_place *place, struct correction **ret_correction)
{
    const struct judged *judged = question->judged;
    struct correction *correction = xcalloc(1, sizeof *correction);
    struct journal_correction told;
    bool corrects = correction_told(&place->record, judged->corrects, &told, 0, NULL);
    enum vg_status status;

    correction->of = judged->corrects;
    correction->act = judged->cancels ? CORRECTION_CANCELS : CORRECTION_REPLACES;
    do {
        status = add_recipients(txn, correction, question->roster, place, corrects);
    } while (status == VG_OK && journal_find_more(place));
    if (status == VG_OK) {
        status = caught_each(txn, correction->of, add_caught,
                             &(struct caught_search){correction, question->roster});
    }
    qsort(correction->got, correction->got_len, sizeof *correction->got,
          compare_corrected);
    *ret_correction = correction;
    return status;
}

enum vg_status
correction_find(struct txn *txn, const struct correction_question *question,
                struct correction **ret_correction, enum vg_status *ret_refusal,
                struct why *why)
{
    struct journal_place place = {.next = 0};
    struct why inner = {0};
    enum vg_status status = VG_OK;

    *ret_refusal =
        journal_find(txn, question->meta, question->judged->corrects, &place, &inner);
    if (*ret_refusal == VG_NOT_FOUND) {
        *ret_refusal = VG_BAD_REFERENCE;
    }
    if (*ret_refusal != VG_OK) {
        *ret_refusal =
            fail(why, *ret_refusal, "%s: %s", name_of(question->judged), inner.text);
    } else {
        status = judge_event(txn, question, &place.event, ret_refusal, why);
    }
    if (status == VG_OK && *ret_refusal == VG_OK) {
        status = correction_of(txn, question, &place, ret_correction);
    }
    buffer_free(&place.record);
    return status;
}

void
correction_free(struct correction **correction)
{
    if (*correction != NULL) {
        free((*correction)->got);
        free(*correction);
        *correction = NULL;
    }
}

// ---- who gets what of it ----

// The grants of one institution among all, which are sorted by it.
static size_t
grants_of(uint32_t institution, const struct grant *grants, size_t len, size_t *ret_first)
{
    size_t first = 0, end;

    while (first < len && grants[first].institution < institution) {
        first++;
    }
    for (end = first; end < len && grants[end].institution == institution; end++) {
    }
    *ret_first = first;
    return end - first;
}

// A quality that the catalogue does not know any more has no class, so no field.
static uint8_t
classes_then(const struct corrected *got, const struct match_question *question,
             const struct institution *institution)
{
    const struct quality *quality =
        catalogue_quality(question->catalogue, institution->sector, got->quality);

    if (got->quality == 0) {
        return CLASS_ALL;
    }
    return quality == NULL ? 0 : quality->class;
}

static void
share_of_owed(const struct corrected *got, const struct match_question *question,
              const struct grant *grants, size_t grants_len,
              struct correction_shares *shares)
{
    const struct mailbox_spec *mailbox = roster_mailbox(question->roster, got->mailbox);
    const struct institution *institution =
        mailbox == NULL ? NULL
                        : roster_institution(question->roster, mailbox->institution);
    struct correction_share *last =
        shares->len == 0 ? NULL : &shares->shares[shares->len - 1];
    struct correction_share to = {.got = got};
    size_t first = 0, len;

    if (institution == NULL) {
        return; // nobody is behind that number any more
    }
    if (last != NULL && last->got->mailbox == got->mailbox) { // of two that were merged
        last->share.classes |= classes_then(got, question, institution);
        last->twice = true;
        return;
    }
    to.institution = institution->id;
    len = grants_of(institution->id, grants, grants_len, &first);
    if (!match_share(mailbox, question->judged->flow->id, grants + first, len,
                     &to.share)) {
        to.only = true;
        to.share = (struct share){
            .mailbox = got->mailbox,
            .justified = got->quality != 0,
            .integration = {.begin = got->begin,
                            .end = got->end,
                            .institution = institution->id,
                            .sector = institution->sector,
                            .quality = got->quality},
        };
    }
    to.share.classes |= classes_then(got, question, institution);
    shares->shares[shares->len++] = to;
}

static bool
has_got(const struct correction *correction, uint32_t mailbox)
{
    size_t low = 0, high = correction->got_len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (correction->got[middle].mailbox < mailbox) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < correction->got_len && correction->got[low].mailbox == mailbox;
}

// Today's recipients of one institution, but for those who have got the first.
static void
shares_of_others(const struct correction *correction,
                 const struct match_question *question, const struct grant *grants,
                 size_t len, struct correction_shares *shares)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    size_t mailboxes_len =
        roster_mailboxes(question->roster, grants[0].institution, &mailboxes);

    for (size_t i = 0; i < mailboxes_len; i++) {
        struct correction_share *to = &shares->shares[shares->len];

        *to = (struct correction_share){.institution = grants[0].institution};
        if (!has_got(correction, mailboxes[i]->id) &&
            match_share(mailboxes[i], question->judged->flow->id, grants, len,
                        &to->share)) {
            shares->len++;
        }
    }
}

// An institution may have taken over those of others.
static size_t
mailboxes_of(const struct roster *roster, const struct grant *grants, size_t grants_len)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    size_t most = 0;

    for (size_t i = 0; i < grants_len; i++) {
        most += roster_mailboxes(roster, grants[i].institution, &mailboxes);
    }
    return most;
}

struct correction_shares
correction_shares(const struct correction *correction,
                  const struct match_question *question, const struct grant *grants,
                  size_t grants_len)
{
    size_t most =
        correction->got_len + mailboxes_of(question->roster, grants, grants_len);
    struct correction_shares shares = {.shares =
                                           xcalloc(most + 1, sizeof *shares.shares)};

    for (size_t i = 0; i < correction->got_len; i++) {
        share_of_owed(&correction->got[i], question, grants, grants_len, &shares);
    }
    shares.owed = shares.len;
    for (size_t first = 0, len;
         correction->act == CORRECTION_REPLACES && first < grants_len; first += len) {
        len = grants_of(grants[first].institution, grants + first, grants_len - first,
                        &(size_t){0});
        shares_of_others(correction, question, grants + first, len, &shares);
    }
    CHECK(shares.len <= most);
    return shares;
}

// ---- what was told of it ----

static bool
find_owed(const struct journal_item *item, const struct journal_correction *correction,
          uint32_t mailbox, struct journal_owed *ret_owed)
{
    size_t offset = sizeof *correction;

    for (size_t i = 0;
         i < correction->owed && item->bytes.len - offset >= sizeof *ret_owed; i++) {
        memcpy(ret_owed, item->bytes.at + offset, sizeof *ret_owed);
        if (ret_owed->mailbox == mailbox) {
            return true;
        }
        offset += sizeof *ret_owed;
    }
    return false;
}

bool
correction_told(const struct buffer *record, uint64_t ticket,
                struct journal_correction *ret, uint32_t mailbox,
                struct journal_owed *ret_owed)
{
    struct journal_item item;
    size_t offset = 0;

    while (journal_next(record, &offset, &item)) {
        if (item.kind == JOURNAL_CORRECTION && journal_item_as(&item, ret, sizeof *ret) &&
            ret->ticket == ticket &&
            (ret_owed == NULL || find_owed(&item, ret, mailbox, ret_owed))) {
            return true;
        }
    }
    return false;
}
