// SPDX-License-Identifier: EUPL-1.2
#include "flow/tails.h"

#include <stdlib.h>
#include <string.h>

// A tail keeps the memory of so many letters after a fold, and of more when it has used this
// part of it: to grow all tails anew after each fold was half of adding to them.
enum { TAIL_KEPT = 256, USED_PART = 4 };

// A mailbox's newest letters: consecutive numbers from `first`.
struct tail {
    struct letter *letters;
    size_t len;
    size_t size;
    uint64_t last;       // newest number ever seen, kept when the letters go
    uint64_t stopped_at; // this one and all after it are not kept; 0: none is missing
};

struct tails {
    struct tail *tail[2]; // default mailboxes by id, further ones by id - EXTRA_FIRST
    size_t size[2];
    size_t letters;
    struct why damage; // "": none
};

static const struct tail *
tail_at(const struct tails *tails, uint32_t mailbox)
{
    bool extra = mailbox >= MAILBOX_EXTRA_FIRST;
    size_t index = extra ? mailbox - MAILBOX_EXTRA_FIRST : mailbox;

    return index < tails->size[extra] ? &tails->tail[extra][index] : NULL;
}

static struct tail *
tail_for(struct tails *tails, uint32_t mailbox)
{
    bool extra = mailbox >= MAILBOX_EXTRA_FIRST;
    size_t index = extra ? mailbox - MAILBOX_EXTRA_FIRST : mailbox;

    if (index >= tails->size[extra]) {
        size_t size = index * 2 + 64;
        struct tail *tail = realloc(tails->tail[extra], size * sizeof *tail);

        CHECK(tail != NULL);
        memset(tail + tails->size[extra], 0, (size - tails->size[extra]) * sizeof *tail);
        tails->tail[extra] = tail;
        tails->size[extra] = size;
    }
    return &tails->tail[extra][index];
}

static void
tails_add(struct tails *tails, uint32_t mailbox, const struct letter *letter)
{
    struct tail *tail = tail_for(tails, mailbox);

    if (tail->stopped_at != 0) {
        tail->last = letter->number;
        return;
    }
    CHECK(tail->len == 0 || letter->number == tail->last + 1);
    if (tail->len == tail->size) {
        tail->size = tail->size * 2 + 16;
        tail->letters = realloc(tail->letters, tail->size * sizeof *tail->letters);
        CHECK(tail->letters != NULL);
    }
    tail->letters[tail->len++] = *letter;
    tail->last = letter->number;
    tails->letters++;
}

static void
tails_forget(struct tails *tails)
{
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < tails->size[i]; j++) {
            struct tail *tail = &tails->tail[i][j];

            bool is_used = tail->len >= tail->size / USED_PART;

            tail->len = 0;
            if (tail->size > TAIL_KEPT && !is_used) { // a burst's memory is given back
                free(tail->letters);
                tail->letters = NULL;
                tail->size = 0;
            }
        }
    }
    tails->letters = 0;
}

// Behind a damaged record: letters up to `number` are missing, unless they are done with.
static void
note_missing(struct tails *tails, uint32_t mailbox, const struct mailbox_row *row,
             uint64_t number)
{
    struct tail *tail = tail_for(tails, mailbox);
    uint64_t known = tail->last == 0 ? row->folded : tail->last;

    if (tail->stopped_at != 0 || known >= number) {
        return;
    }
    if (row->acknowledged >= number) {
        tails->letters -= tail->len;
        tail->len = 0;
        tail->last = number;
        return;
    }
    tail->stopped_at = (known > row->acknowledged ? known : row->acknowledged) + 1;
}

static enum vg_status
add_event(struct tails *tails, struct txn *txn, const struct journal_item *item)
{
    struct journal_recipient recipient;
    struct mailbox_row row;

    for (size_t i = 0; journal_item_recipient(item, i, &recipient); i++) {
        struct letter letter = letter_of(&recipient);
        enum vg_status status = VG_OK;

        if (tails_damage(tails) != NULL) {
            status = mailbox_get(txn, (struct mailbox_id){recipient.mailbox}, &row);
        }
        if (status != VG_OK) {
            return status;
        }
        if (tails_damage(tails) != NULL) {
            note_missing(tails, recipient.mailbox, &row, letter.number - 1);
        }
        tails_add(tails, recipient.mailbox, &letter);
    }
    return VG_OK;
}

static enum vg_status
rebuild_from_commit(struct tails *tails, struct txn *txn, uint64_t commit,
                    struct buffer *record)
{
    struct journal_head head;
    struct journal_item item;
    struct why why;
    size_t offset = 0;
    enum vg_status status = journal_read(txn, commit, record, &head, &why);

    if (status == VG_STORE_BROKEN || status == VG_NOT_FOUND) {
        tails->damage = tails->damage.text[0] == 0 ? why : tails->damage;
        return VG_OK;
    }
    while (status == VG_OK && journal_next(record, &offset, &item)) {
        if (item.kind == JOURNAL_EVENT) {
            status = add_event(tails, txn, &item);
        }
    }
    return status;
}

// Mailboxes whose newest letters stood in the damaged record.
static enum vg_status
note_all_missing(struct tails *tails, struct txn *txn)
{
    struct mailbox_id mailbox = {0};
    struct mailbox_row row;
    enum vg_status status;

    while ((status = mailbox_next(txn, mailbox, &mailbox, &row)) == VG_OK) {
        note_missing(tails, mailbox.number, &row, row.last);
        mailbox.number++;
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

enum vg_status
tails_open(struct txn *txn, struct tails **ret_tails, struct why *why)
{
    struct tails *tails = xcalloc(1, sizeof *tails);
    struct buffer record = {0};
    struct meta meta;
    enum vg_status status = meta_get(txn, &meta, why);

    for (uint64_t commit = status == VG_OK ? meta.folded_commit + 1 : 1;
         status == VG_OK && commit <= meta.last_commit; commit++) {
        status = rebuild_from_commit(tails, txn, commit, &record);
    }
    if (status == VG_OK && tails_damage(tails) != NULL) {
        status = note_all_missing(tails, txn);
    }
    buffer_free(&record);
    if (status != VG_OK) {
        tails_free(&tails);
        return fail(why, status, "the newest letters cannot be read: %s",
                    vg_status_sentence(status));
    }
    *ret_tails = tails;
    return VG_OK;
}

const char *
tails_damage(const struct tails *tails)
{
    return tails->damage.text[0] == 0 ? NULL : tails->damage.text;
}

uint64_t
tails_stopped_at(const struct tails *tails, uint32_t mailbox)
{
    const struct tail *tail = tail_at(tails, mailbox);

    return tail == NULL ? 0 : tail->stopped_at;
}

void
tails_free(struct tails **tails)
{
    if (*tails == NULL) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < (*tails)->size[i]; j++) {
            free((*tails)->tail[i][j].letters);
        }
        free((*tails)->tail[i]);
    }
    free(*tails);
    *tails = NULL;
}

void
tails_take(struct tails *tails, const struct batch *batch)
{
    if (batch->folded) {
        tails_forget(tails);
    }
    for (size_t i = 0; i < batch->posted_len; i++) {
        tails_add(tails, batch->posted[i].mailbox, &batch->posted[i].letter);
    }
}

uint64_t
tails_last(const struct tails *tails, uint32_t mailbox)
{
    const struct tail *tail = tail_at(tails, mailbox);

    return tail == NULL ? 0 : tail->last;
}

size_t
tails_bytes(const struct tails *tails)
{
    return tails->letters * sizeof(struct letter);
}

static enum vg_status
read_letters(const struct tails *tails, struct txn *txn, uint32_t mailbox, uint64_t from,
             struct letter *ret_letters, size_t max, size_t *ret_len)
{
    const struct tail *tail = tail_at(tails, mailbox);
    uint64_t first = tail == NULL || tail->len == 0 ? 0 : tail->letters[0].number;

    *ret_len = 0;
    if (first == 0 || from < first) {
        enum vg_status status = backlog_read(txn, (struct mailbox_id){mailbox}, from,
                                             ret_letters, max, ret_len);

        // The transaction may be newer than the tails: a fold not yet taken.
        while (status == VG_OK && first != 0 && *ret_len > 0 &&
               ret_letters[*ret_len - 1].number >= first) {
            --*ret_len;
        }
        if (status != VG_OK || *ret_len > 0 || first == 0) {
            return status;
        }
        from = first; // what lies between was acknowledged before the fold
    }

    size_t skip = (size_t)(from - first);

    if (skip < tail->len) {
        *ret_len = tail->len - skip < max ? tail->len - skip : max;
        memcpy(ret_letters, tail->letters + skip, *ret_len * sizeof *ret_letters);
    }
    return VG_OK;
}

enum vg_status
tails_letters(const struct tails *tails, struct txn *txn, uint32_t mailbox, uint64_t from,
              struct letter *ret_letters, size_t max, size_t *ret_len)
{
    uint64_t stopped_at = tails_stopped_at(tails, mailbox);
    enum vg_status status = VG_OK;

    *ret_len = 0;
    if (stopped_at == 0 || from < stopped_at) {
        status = read_letters(tails, txn, mailbox, from, ret_letters, max, ret_len);
    }
    return status == VG_OK && *ret_len == 0 && stopped_at != 0 ? VG_STORE_BROKEN : status;
}
