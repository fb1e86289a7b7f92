// SPDX-License-Identifier: EUPL-1.2
#include "store/journal_find.h"

#include "store/store_internal.h"

uint64_t
journal_item_ticket(const struct journal_item *item)
{
    struct journal_event event;
    struct journal_directory directory;
    struct journal_admin admin;

    switch (item->kind) {
    case JOURNAL_EVENT:
        return journal_item_as(item, &event, sizeof event) ? event.ticket : 0;
    case JOURNAL_DIRECTORY:
        return journal_item_as(item, &directory, sizeof directory) ? directory.ticket : 0;
    case JOURNAL_ADMIN:
        return journal_item_as(item, &admin, sizeof admin) ? admin.ticket : 0;
    default:
        return 0;
    }
}

static uint64_t
first_in(const struct buffer *record)
{
    struct journal_item item;
    uint64_t ticket = 0;
    size_t offset = 0;

    while (ticket == 0 && journal_next(record, &offset, &item)) {
        ticket = journal_item_ticket(&item);
    }
    return ticket;
}

// The first ticket that a commit gave, 0: none. Most often it stands in the record's first
// part, which costs a look-up and no hash.
static enum vg_status
first_ticket(struct txn *txn, uint64_t commit, struct buffer *record,
             uint64_t *ret_ticket, struct why *why)
{
    struct key key = key_of_u64(commit << PART_BITS);
    struct journal_head head;
    struct bytes part;
    enum vg_status status = table_get(txn, TABLE_COMMITS, &key, &part);

    if (status == VG_OK) {
        buffer_clear(record);
        buffer_add(record, part.at, part.len);
        *ret_ticket = first_in(record);
        if (*ret_ticket != 0 || part.len < JOURNAL_PART_MAX) {
            return VG_OK;
        }
    }
    status = journal_read(txn, commit, record, &head, why);
    *ret_ticket = status == VG_OK ? first_in(record) : 0;
    return status == VG_NOT_FOUND ? VG_STORE_BROKEN : status;
}

// The last commit whose first ticket is not above this one, 0: there is none.
static enum vg_status
find_commit(struct txn *txn, const struct meta *meta, uint64_t ticket,
            struct buffer *record, uint64_t *ret_commit, struct why *why)
{
    uint64_t from = meta->first_commit;   // commits before it: not above the ticket
    uint64_t end = meta->last_commit + 1; // from it on: above it

    *ret_commit = 0;
    while (from < end) {
        uint64_t middle = from + (end - from) / 2;
        uint64_t commit = middle;
        uint64_t first = 0;

        while (first == 0 && commit < end) {
            enum vg_status status = first_ticket(txn, commit++, record, &first, why);

            if (status != VG_OK) {
                return status;
            }
        }
        if (first != 0 && first <= ticket) {
            *ret_commit = commit - 1;
            from = commit;
        } else {
            end = middle;
        }
    }
    return VG_OK;
}

static enum vg_status
not_found(uint64_t ticket, const char *what, struct why *why)
{
    return fail(why, VG_NOT_FOUND, "ticket %llu %s", (unsigned long long)ticket, what);
}

enum vg_status
journal_find_commit(struct txn *txn, const struct meta *meta, uint64_t ticket,
                    uint64_t *ret_commit, struct why *why)
{
    struct buffer record = {0};
    uint64_t commit = 0;
    enum vg_status status = VG_OK;

    if (ticket == 0 || ticket > meta->last_sequence) {
        return not_found(ticket, "was never given", why);
    }
    status = find_commit(txn, meta, ticket, &record, &commit, why);
    buffer_free(&record);
    if (status == VG_OK && commit == 0) {
        return not_found(ticket, "is older than the journal", why);
    }
    if (status == VG_OK) {
        *ret_commit = commit;
    }
    return status;
}

enum vg_status
journal_find(struct txn *txn, const struct meta *meta, uint64_t ticket,
             struct journal_place *ret_place, struct why *why)
{
    uint64_t commit = 0;
    enum vg_status status = journal_find_commit(txn, meta, ticket, &commit, why);

    if (status == VG_OK) {
        status = journal_read(txn, commit, &ret_place->record, &ret_place->head, why);
    }
    if (status != VG_OK) {
        return status;
    }
    ret_place->event.ticket = ticket;
    ret_place->next = 0;
    return journal_find_more(ret_place) ? VG_OK
                                        : not_found(ticket, "is not a mutation's", why);
}

bool
journal_find_more(struct journal_place *place)
{
    uint64_t ticket = place->event.ticket;
    struct journal_item item;

    while (journal_next(&place->record, &place->next, &item)) {
        struct journal_event event;

        if (item.kind == JOURNAL_EVENT && journal_item_as(&item, &event, sizeof event) &&
            event.ticket == ticket) {
            place->event = event;
            place->item = item;
            return true;
        }
    }
    return false;
}

enum vg_status
journal_find_time(struct txn *txn, const struct meta *meta, struct instant time,
                  uint64_t *ret_commit)
{
    uint64_t from = meta->first_commit;   // commits before it: before the moment
    uint64_t end = meta->last_commit + 1; // from it on: not before it
    struct buffer record = {0};
    enum vg_status status = VG_OK;

    while (status == VG_OK && from < end) {
        uint64_t middle = from + (end - from) / 2;
        uint64_t commit = middle;
        struct journal_head head = {.commit = 0};

        while (status == VG_OK && head.commit == 0 && commit < end) {
            status = journal_read(txn, commit++, &record, &head, NULL);
            if (status == VG_STORE_BROKEN || status == VG_NOT_FOUND) {
                status = VG_OK;
            }
        }
        if (head.commit != 0 && head.time_us < time.us) {
            from = commit;
        } else {
            end = middle;
        }
    }
    buffer_free(&record);
    *ret_commit = from;
    return status;
}
