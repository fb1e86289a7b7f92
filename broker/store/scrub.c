// SPDX-License-Identifier: EUPL-1.2
#include "store/scrub.h"

#include "store/bodies.h"
#include "store/held.h"
#include "store/journal.h"
#include "store/store_internal.h"

#include <stdlib.h>

enum { ROW_BYTES = 256 }; // what looking a row up is worth

typedef unsigned long long number; // as %llu wants it

struct piece {
    struct scrub *scrub;
    struct txn *txn;
    struct meta meta;
    size_t bytes; // read so far
};

static bool
is_damage(enum vg_status status)
{
    return status == VG_STORE_BROKEN || status == VG_NOT_FOUND;
}

static void
next_stage(struct scrub *scrub)
{
    scrub->stage++;
    scrub->next = 0;
    scrub->mailbox.number = 0;
}

static void
tell(struct scrub *scrub, const struct scrub_finding *finding)
{
    if (scrub->found != NULL) {
        scrub->found(finding, scrub->arg);
    }
}

// ---- blocks and records: from the first that is kept to the last ----

static enum vg_status
read_block(struct piece *piece)
{
    struct scrub *scrub = piece->scrub;
    struct scrub_finding finding = {.block = scrub->next};
    struct key key = key_of_u64(scrub->next);
    struct bytes block = {.len = 0};
    enum vg_status status = bodies_check_block(piece->txn, scrub->next, &finding.why);

    if (status == VG_OK) {
        status = table_get(piece->txn, TABLE_BODIES, &key, &block);
    } else if (is_damage(status)) {
        if (scrub->damaged_len < SCRUB_BLOCKS_MAX) {
            scrub->damaged[scrub->damaged_len++] = scrub->next;
        }
        tell(scrub, &finding);
        status = VG_OK;
    }
    piece->bytes += ROW_BYTES + block.len;
    return status;
}

static enum vg_status
read_commit(struct piece *piece)
{
    struct scrub *scrub = piece->scrub;
    struct scrub_finding finding = {.block = 0};
    struct journal_head head;
    enum vg_status status =
        journal_read(piece->txn, scrub->next, &scrub->record, &head, &finding.why);

    piece->bytes += ROW_BYTES + scrub->record.len;
    if (is_damage(status)) {
        tell(scrub, &finding);
        status = VG_OK;
    }
    return status;
}

static enum vg_status
read_numbered(struct piece *piece, uint64_t first, uint64_t last,
              enum vg_status (*read)(struct piece *piece))
{
    struct scrub *scrub = piece->scrub;

    scrub->next = scrub->next < first ? first : scrub->next;
    if (scrub->next > last) {
        next_stage(scrub);
        return VG_OK;
    }

    enum vg_status status = read(piece);

    scrub->next++;
    return status;
}

// ---- letters ----

static int
by_block(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

static bool
lies_in_damage(const struct scrub *scrub, uint64_t body, uint64_t *ret_block)
{
    *ret_block = body_block(body);
    return scrub->damaged_len > 0 &&
           bsearch(ret_block, scrub->damaged, scrub->damaged_len, sizeof *scrub->damaged,
                   by_block) != NULL;
}

static void
tell_letter(struct scrub *scrub, struct mailbox_id mailbox, uint64_t letter,
            uint64_t block)
{
    struct scrub_finding finding = {.mailbox = mailbox, .number = letter};

    if (block == 0) {
        why_set(&finding.why, "the row of its letters from %llu on is damaged",
                (number)letter);
    } else {
        why_set(&finding.why, "letter %llu: block %llu: its checksum does not hold",
                (number)letter, (number)block);
    }
    tell(scrub, &finding);
}

// Those that are done with do not matter any more.
static enum vg_status
find_in_row(struct piece *piece, const struct backlog_place *place)
{
    struct mailbox_row row;
    enum vg_status status = mailbox_get(piece->txn, place->mailbox, &row);
    bool done = false;

    for (size_t i = 0; status == VG_OK && i < place->len; i++) {
        const struct letter *letter = &place->letters[i];
        uint64_t block;

        if (letter->number <= row.acknowledged ||
            !lies_in_damage(piece->scrub, letter->body, &block)) {
            continue;
        }
        status = ranges_have(piece->txn, place->mailbox, letter->number, &done);
        if (status == VG_OK && !done) {
            tell_letter(piece->scrub, place->mailbox, letter->number, block);
            return VG_OK; // the first one stops its mailbox
        }
    }
    if (status == VG_OK && !place->sound && place->first > row.acknowledged) {
        tell_letter(piece->scrub, place->mailbox, place->first, 0);
    }
    return status;
}

static enum vg_status
read_backlog(struct piece *piece)
{
    struct scrub *scrub = piece->scrub;
    struct backlog_place place = {.mailbox = scrub->mailbox, .first = scrub->next};
    enum vg_status status = backlog_next_row(piece->txn, &place);

    piece->bytes += ROW_BYTES + sizeof place.letters;
    if (status == VG_NOT_FOUND) {
        next_stage(scrub);
        return VG_OK;
    }
    if (status == VG_OK) {
        scrub->mailbox = place.mailbox;
        scrub->next = place.first;
        status = find_in_row(piece, &place);
    }
    return status;
}

static enum vg_status
read_held(struct piece *piece)
{
    struct scrub *scrub = piece->scrub;
    struct held_row row;
    uint64_t block;
    enum vg_status status =
        held_next(piece->txn, scrub->mailbox, scrub->next, &scrub->mailbox, &row);

    piece->bytes += ROW_BYTES;
    if (status == VG_NOT_FOUND) {
        next_stage(scrub);
        return VG_OK;
    }
    if (status == VG_OK) {
        scrub->next = row.head.letter.number + 1;
        if (lies_in_damage(scrub, row.head.letter.body, &block)) {
            tell_letter(scrub, scrub->mailbox, row.head.letter.number, block);
        }
    }
    return status;
}

// ---- a piece ----

static enum vg_status
read_next(struct piece *piece)
{
    const struct meta *meta = &piece->meta;

    switch (piece->scrub->stage) {
    case SCRUB_BLOCKS:
        return read_numbered(piece, meta->first_block, meta->last_block, read_block);
    case SCRUB_COMMITS:
        return read_numbered(piece, meta->first_commit, meta->last_commit, read_commit);
    case SCRUB_BACKLOG:
        return read_backlog(piece);
    case SCRUB_HELD:
        return read_held(piece);
    case SCRUB_DONE:
        break;
    }
    return VG_OK;
}

enum vg_status
scrub_read(struct scrub *scrub, struct txn *txn, size_t bytes, size_t *ret_bytes,
           struct why *why)
{
    struct piece piece = {.scrub = scrub, .txn = txn};
    enum vg_status status = meta_get(txn, &piece.meta, why);

    while (status == VG_OK && piece.bytes < bytes && scrub->stage != SCRUB_DONE) {
        status = read_next(&piece);
        if (status != VG_OK) {
            why_set(why, "a table cannot be read: %s", vg_status_sentence(status));
        }
    }
    if (status != VG_OK) {
        scrub->stage = SCRUB_DONE;
    }
    *ret_bytes = piece.bytes;
    return status;
}

void
scrub_end(struct scrub *scrub)
{
    buffer_free(&scrub->record);
}
