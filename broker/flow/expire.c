// SPDX-License-Identifier: EUPL-1.2
// expire.c - what has been kept long enough goes: bodies older than the replay window,
// and journal records older than the months set. What nobody takes for too long is parked.
// In the same slices the index by person is made (flow/indexing.h).
// A slice at a time, so that no commit waits for it.
//
// Bodies lie in blocks in order of time, so whole blocks go, from the front. The records
// of that age are walked in order; a letter in them that nobody has acknowledged yet gets
// its body copied to a fresh block first. The copy stands in the journal (JOURNAL_MOVED),
// so the walk meets it again when that commit has come of age. A stuck mailbox thus keeps
// its own bodies and nothing else. The walk meets every waiting letter once in each replay
// window, so it is here that one is found to have waited too long.
//
// What is damaged stops the walk before anything of it is lost, and is named; the broker
// goes on.
#include "flow/refuse.h"

#include "flow/indexing.h"
#include "store/counted.h"

#include <stdlib.h>
#include <string.h>

// What a slice may cost, in units of about 50 ns: some milliseconds in all.
enum {
    EFFORT_MAX = 60 * 1000,
    EFFORT_LETTER = 1,
    EFFORT_MOVE = 100,
    EFFORT_PARK = 200,
    EFFORT_BLOCK = 50,
    EFFORT_CHECK = 120,       // of a block's checksum
    EFFORT_RECORD_BYTES = 64, // so many bytes of a record are one unit
    // A walk that found nothing is written down after so many records: one that wrote
    // its place each time would make the records that keep it going.
    WALK_UNWRITTEN_MAX = 100,
    COPIES_REMEMBERED = 64, // a power of two
};

#define DAY_US (INT64_C(24) * 3600 * 1000000)

struct expiry {
    struct applier *applier;
    struct expire_command *command;
    struct buffer record; // being read
    struct journal_head head;
    uint64_t effort;
    uint64_t newest_block; // that the records walked so far wrote
    uint64_t sound_block;  // the last one whose checksum was looked at
    // Letters of one event share bodies: the last copies made in this slice.
    struct copy {
        uint64_t from;
        uint64_t to;
    } copies[COPIES_REMEMBERED];
};

static bool
is_tired(const struct expiry *expiry)
{
    return expiry->effort >= EFFORT_MAX;
}

// ---- letters that somebody still needs ----

enum place { PLACE_NONE, PLACE_BACKLOG, PLACE_HELD, PLACE_PARKED };

static enum vg_status
find_held(struct applier *applier, uint32_t mailbox, uint64_t number,
          const struct mailbox_row *row, enum place *ret_place)
{
    struct held_row held;
    enum vg_status status;

    if (row->held + row->parked == 0) {
        return VG_OK;
    }
    status = held_get(applier->txn, (struct mailbox_id){mailbox}, number, &held);
    if (status == VG_OK) {
        *ret_place = held.head.state == HELD_PARKED ? PLACE_PARKED : PLACE_HELD;
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

static enum vg_status
find_letter(struct applier *applier, uint32_t mailbox, uint64_t number,
            enum place *ret_place)
{
    struct mailbox_row *row = NULL;
    bool have = false;
    enum vg_status status = applier_box(applier, mailbox, &row);

    *ret_place = PLACE_NONE;
    if (status != VG_OK) {
        return status;
    }
    have = number <= row->acknowledged;
    if (!have && row->acknowledged_beyond > 0) {
        status = ranges_have(applier->txn, (struct mailbox_id){mailbox}, number, &have);
    }
    if (status == VG_OK && have) {
        return find_held(applier, mailbox, number, row, ret_place);
    }
    *ret_place = have ? PLACE_NONE : PLACE_BACKLOG;
    return status;
}

// Copying damage would give it a checksum of its own.
static bool
is_sound(struct expiry *expiry, uint64_t address)
{
    uint64_t block = body_block(address);

    if (block == expiry->sound_block) {
        return true;
    }
    expiry->effort += EFFORT_CHECK;
    if (bodies_check_block(expiry->applier->txn, block, &expiry->command->why) != VG_OK) {
        expiry->command->stuck = true;
        return false;
    }
    expiry->sound_block = block;
    return true;
}

// Reserving may write a block, so the old body is looked up after it.
static enum vg_status
copy_body(struct expiry *expiry, uint64_t from, uint32_t size, uint64_t *ret_to)
{
    struct applier *applier = expiry->applier;
    struct copy *copy = &expiry->copies[(from ^ from >> 16) % COPIES_REMEMBERED];
    struct bytes body;
    uint8_t *at = NULL;
    enum vg_status status;

    if (copy->from == from) {
        *ret_to = copy->to;
        return VG_OK;
    }
    status = body_reserve(applier->txn, &applier->bodies, size, &at);
    if (status == VG_OK) {
        status = body_get(applier->txn, from, &body);
    }
    if (status == VG_OK && body.len != size) {
        status = VG_STORE_BROKEN;
    }
    if (status != VG_OK) {
        return status == VG_NOT_FOUND ? VG_STORE_BROKEN : status;
    }
    memcpy(at, body.at, body.len);
    *copy = (struct copy){from, body_done(&applier->bodies, body.len)};
    *ret_to = copy->to;
    return VG_OK;
}

static enum vg_status
move_letter(struct expiry *expiry, uint32_t mailbox, uint64_t number, uint64_t body,
            uint32_t size, enum place place)
{
    struct mailbox_id id = {mailbox};
    struct applier *applier = expiry->applier;
    struct journal_moved item = {.number = number, .mailbox = mailbox, .size = size};
    enum vg_status status = copy_body(expiry, body, size, &item.body);

    expiry->effort += EFFORT_MOVE;
    if (status == VG_OK) {
        status = place == PLACE_BACKLOG
                     ? backlog_move(applier->txn, id, number, item.body)
                     : held_move_body(applier->txn, id, number, item.body);
        // A damaged row stays as it is; the journal says where the body lies now.
        status = status == VG_STORE_BROKEN ? VG_OK : status;
    }
    if (status == VG_OK) {
        journal_add(&applier->record, JOURNAL_MOVED, &item, sizeof item, NULL, 0);
        expiry->command->moved++;
    }
    return status == VG_NOT_FOUND ? VG_STORE_BROKEN : status;
}

// ---- letters that nobody takes ----

// A mailbox's own limit goes before the settings'.
static uint32_t
unread_days(const struct expiry *expiry, uint32_t mailbox)
{
    const struct mailbox_spec *spec = roster_mailbox(expiry->applier->roster, mailbox);

    return spec != NULL && spec->limits.age_days != 0 ? spec->limits.age_days
                                                      : expiry->command->unread_days;
}

static bool
has_waited_too_long(const struct expiry *expiry, uint32_t mailbox, uint64_t body_address)
{
    uint32_t days = unread_days(expiry, mailbox);
    int64_t limit_us = expiry->applier->now.us - (int64_t)days * DAY_US;
    struct hot_content content;
    struct bytes body;

    return days != 0 && body_get(expiry->applier->txn, body_address, &body) == VG_OK &&
           hot_read_content((struct hot_bytes){body.at, body.len}, &content) == HOT_OK &&
           (int64_t)content.kept_at_us <= limit_us;
}

static void
note_unread(struct expire_command *command, uint32_t mailbox, uint64_t number)
{
    if (command->unread_len == command->unread_size) {
        command->unread_size = command->unread_size * 2 + 64;
        command->unread =
            realloc(command->unread, command->unread_size * sizeof *command->unread);
        CHECK(command->unread != NULL);
    }
    command->unread[command->unread_len++] = (struct unread_letter){mailbox, number};
}

// The letter as it stands where it waits; false when its row is damaged.
static enum vg_status
find_whole(struct expiry *expiry, uint32_t mailbox, uint64_t number, enum place place,
           struct letter *ret_letter, bool *ret_found)
{
    struct txn *txn = expiry->applier->txn;
    struct mailbox_id id = {mailbox};
    struct held_row row;
    size_t len = 0;
    enum vg_status status;

    if (place == PLACE_HELD) {
        status = held_get(txn, id, number, &row);
        *ret_letter = row.head.letter;
        *ret_found = true;
        return status == VG_NOT_FOUND ? VG_STORE_BROKEN : status;
    }
    status = backlog_read(txn, id, number, ret_letter, 1, &len);
    *ret_found = status == VG_OK && len == 1 && ret_letter->number == number;
    return status == VG_STORE_BROKEN ? VG_OK : status;
}

// With too many gaps between letters out of turn it stays where it is until next time.
static enum vg_status
park_unread(struct expiry *expiry, uint32_t mailbox, uint64_t number, enum place *place)
{
    struct applier *applier = expiry->applier;
    struct letter letter;
    struct why reason;
    uint64_t subject = 0;
    bool found = false;
    enum vg_status status = find_whole(expiry, mailbox, number, *place, &letter, &found);

    if (status != VG_OK || !found) {
        return status;
    }
    expiry->effort += EFFORT_PARK;
    why_set(&reason, "unread for %u days", unread_days(expiry, mailbox));
    status = letter_subject(applier->txn, &letter, &subject);
    if (status == VG_OK) {
        status = applier_park(applier, mailbox, &letter, subject, 0, reason.text);
    }
    if (status == VG_OK) {
        *place = PLACE_PARKED;
        note_unread(expiry->command, mailbox, number);
    }
    return status == VG_TOO_MANY ? VG_OK : status;
}

// A letter that somebody still needs.
static enum vg_status
keep_letter(struct expiry *expiry, uint32_t mailbox, uint64_t number, uint64_t body,
            uint32_t size, enum place place)
{
    enum vg_status status = VG_OK;

    if (!is_sound(expiry, body)) {
        return VG_OK;
    }
    if (place != PLACE_PARKED && has_waited_too_long(expiry, mailbox, body)) {
        status = park_unread(expiry, mailbox, number, &place);
    }
    return status == VG_OK ? move_letter(expiry, mailbox, number, body, size, place)
                           : status;
}

// skip: it was looked after in an earlier slice.
static enum vg_status
expire_letter(struct expiry *expiry, uint32_t mailbox, uint64_t number, uint64_t body,
              uint32_t size, bool skip)
{
    enum place place = PLACE_NONE;
    enum vg_status status = VG_OK;

    if (body_block(body) > expiry->newest_block) {
        expiry->newest_block = body_block(body);
    }
    if (!skip) {
        expiry->effort += EFFORT_LETTER;
        status = find_letter(expiry->applier, mailbox, number, &place);
    }
    if (status != VG_OK || place == PLACE_NONE) {
        return status;
    }
    return keep_letter(expiry, mailbox, number, body, size, place);
}

// ---- walking the records ----

static enum vg_status
expire_event(struct expiry *expiry, const struct journal_item *item, bool skip)
{
    struct journal_recipient recipient;
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && !expiry->command->stuck &&
                       journal_item_recipient(item, i, &recipient);
         i++) {
        status = expire_letter(expiry, recipient.mailbox, recipient.number,
                               recipient.body, recipient.size, skip);
    }
    return status;
}

static enum vg_status
expire_moved(struct expiry *expiry, const struct journal_item *item, bool skip)
{
    struct journal_moved moved;

    if (!journal_item_as(item, &moved, sizeof moved)) {
        return VG_STORE_BROKEN;
    }
    return expire_letter(expiry, moved.mailbox, moved.number, moved.body, moved.size,
                         skip);
}

// Goes on behind the items that earlier slices did; all, when the slice is not used up.
static enum vg_status
expire_items(struct expiry *expiry, bool *ret_all)
{
    struct meta *meta = &expiry->applier->meta;
    struct journal_item item;
    size_t offset = 0;
    uint64_t items = 0;
    enum vg_status status = VG_OK;

    *ret_all = false;
    while (status == VG_OK && journal_next(&expiry->record, &offset, &item)) {
        bool skip = items++ < meta->erased_items;

        if (!skip && is_tired(expiry)) {
            return VG_OK;
        }
        if (item.kind == JOURNAL_EVENT) {
            status = expire_event(expiry, &item, skip);
        } else if (item.kind == JOURNAL_MOVED) {
            status = expire_moved(expiry, &item, skip);
        }
        if (expiry->command->stuck) {
            return status;
        }
        meta->erased_items = skip ? meta->erased_items : items;
    }
    *ret_all = status == VG_OK;
    return status;
}

// Nothing in the blocks up to the newest one is needed now. all: they are gone.
static enum vg_status
erase_blocks(struct expiry *expiry, bool *ret_all)
{
    struct applier *applier = expiry->applier;
    uint64_t left = is_tired(expiry) ? 0 : EFFORT_MAX - expiry->effort;
    size_t blocks = 0;
    enum vg_status status =
        bodies_erase(applier->txn, &applier->meta, expiry->newest_block,
                     (size_t)(left / EFFORT_BLOCK), &blocks);

    expiry->effort += blocks * EFFORT_BLOCK;
    expiry->command->blocks += blocks;
    *ret_all = applier->meta.first_block > expiry->newest_block;
    return status;
}

// False when it is damaged.
static bool
read_record(struct expiry *expiry, uint64_t commit)
{
    enum vg_status status = journal_read(expiry->applier->txn, commit, &expiry->record,
                                         &expiry->head, &expiry->command->why);

    expiry->effort += 1 + expiry->record.len / EFFORT_RECORD_BYTES;
    expiry->command->stuck = status != VG_OK;
    return status == VG_OK;
}

// One record of age: done, when all of it is looked after and its blocks are gone.
static enum vg_status
erase_commit(struct expiry *expiry, bool *ret_done)
{
    struct meta *meta = &expiry->applier->meta;
    enum vg_status status = expire_items(expiry, ret_done);

    if (status == VG_OK && *ret_done) {
        status = erase_blocks(expiry, ret_done);
    }
    if (status == VG_OK && *ret_done) {
        meta->erased_commit++;
        meta->erased_items = 0;
    }
    return status;
}

// Only letters that are filed can be moved, and only when the loop knows that they are.
static uint64_t
erasable_through(const struct expiry *expiry)
{
    uint64_t folded = expiry->applier->meta.folded_commit;

    return expiry->command->folded_commit < folded ? expiry->command->folded_commit
                                                   : folded;
}

static enum vg_status
erase_bodies(struct expiry *expiry)
{
    struct applier *applier = expiry->applier;
    struct expire_command *command = expiry->command;
    const uint64_t before = applier->meta.erased_commit;
    const uint64_t items_before = applier->meta.erased_items;
    int64_t limit_us = applier->now.us - (int64_t)command->replay_days * DAY_US;
    bool done = true;
    enum vg_status status = VG_OK;

    while (status == VG_OK && done &&
           applier->meta.erased_commit < erasable_through(expiry)) {
        command->more = is_tired(expiry);
        if (command->more) {
            break;
        }
        if (!read_record(expiry, applier->meta.erased_commit + 1) ||
            expiry->head.time_us > limit_us) {
            break;
        }
        status = erase_commit(expiry, &done);
        command->more = !done && !command->stuck;
    }
    if (status == VG_OK && command->moved == 0 && command->blocks == 0 &&
        (done || command->stuck) &&
        applier->meta.erased_commit - before < WALK_UNWRITTEN_MAX) {
        applier->meta.erased_commit = before;
        applier->meta.erased_items = items_before;
    }
    return status;
}

// ---- the journal ----

// True when the oldest record has been kept long enough.
static bool
first_is_old(struct expiry *expiry)
{
    const struct applier *applier = expiry->applier;
    struct day limit =
        day_add_months(applier->today, -(int)expiry->command->journal_months);

    return read_record(expiry, applier->meta.first_commit) &&
           day_in_brussels((struct instant){expiry->head.time_us}).number < limit.number;
}

static enum vg_status
trim_journal(struct expiry *expiry)
{
    struct applier *applier = expiry->applier;
    struct expire_command *command = expiry->command;
    struct meta *meta = &applier->meta;
    enum vg_status status = VG_OK;

    while (status == VG_OK && meta->first_commit <= meta->erased_commit) {
        if (is_tired(expiry)) {
            command->more = true;
            break;
        }
        if (!first_is_old(expiry)) {
            break;
        }
        command->unexported = meta->first_commit > command->exported_commit;
        if (command->unexported) {
            break;
        }
        expiry->effort += expiry->record.len / EFFORT_RECORD_BYTES; // its pages
        status = counted_trim(applier->txn, meta, &expiry->record, NULL);
        command->trimmed++;
    }
    return status;
}

// ---- a slice ----

enum vg_status
expire_old(struct applier *applier, struct command *command)
{
    const struct meta before = applier->meta;
    const struct meta *meta = &applier->meta;
    struct expiry expiry = {.applier = applier, .command = &command->expire};
    bool more = false;
    enum vg_status status;

    if (applier->tight) {
        return VG_OK; // copying needs room; the next one does as well
    }
    status = erase_bodies(&expiry);
    if (status == VG_OK && !command->expire.stuck) {
        status = trim_journal(&expiry);
    }
    buffer_free(&expiry.record);
    if (status == VG_OK && memcmp(&before, meta, sizeof before) != 0) {
        struct journal_expired item = {meta->erased_commit, meta->erased_items,
                                       meta->first_block, meta->first_commit};

        journal_add(&applier->record, JOURNAL_EXPIRED, &item, sizeof item, NULL, 0);
        applier->changed = true;
    }
    if (status == VG_OK) {
        status = index_exchanges(applier, command->expire.person_months, &more,
                                 &command->expire.unindexed);
    }
    command->expire.more = command->expire.more || more;
    return status;
}
