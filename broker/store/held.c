// SPDX-License-Identifier: EUPL-1.2
#include "store/held.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct held_head) == 80, "stored without holes");

enum { HELD_KEY_LEN = 12, SUBJECT_KEY_LEN = 20 };

static struct key
subject_key(struct mailbox_id mailbox, uint64_t subject, uint64_t number)
{
    struct key key = key_of_u32_u64(mailbox.number, subject);

    key_add_u64(&key, number);
    return key;
}

static enum vg_status
read_row(struct bytes value, uint64_t number, struct held_row *ret_row)
{
    struct held_head head;

    if (value.len < sizeof head) {
        return VG_STORE_BROKEN;
    }
    memcpy(&head, value.at, sizeof head);
    if (head.letter.number != number || head.state < HELD_RETRY ||
        head.state > HELD_PARKED || head.reason_len > HELD_REASON_MAX ||
        value.len != sizeof head + head.reason_len) {
        return VG_STORE_BROKEN;
    }
    ret_row->head = head;
    memcpy(ret_row->reason, value.at + sizeof head, head.reason_len);
    ret_row->reason[head.reason_len] = 0;
    return VG_OK;
}

enum vg_status
held_get(struct txn *txn, struct mailbox_id mailbox, uint64_t number,
         struct held_row *ret_row)
{
    struct key key = key_of_u32_u64(mailbox.number, number);
    struct bytes value;
    enum vg_status status = table_get(txn, TABLE_HELD, &key, &value);

    return status == VG_OK ? read_row(value, number, ret_row) : status;
}

static enum vg_status
put_row(struct txn *txn, struct mailbox_id mailbox, const struct held_row *row)
{
    struct key key = key_of_u32_u64(mailbox.number, row->head.letter.number);
    uint8_t value[sizeof row->head + HELD_REASON_MAX];

    memcpy(value, &row->head, sizeof row->head);
    memcpy(value + sizeof row->head, row->reason, row->head.reason_len);
    return table_put(txn, TABLE_HELD, &key,
                     (struct bytes){value, sizeof row->head + row->head.reason_len}, 0);
}

enum vg_status
held_put(struct txn *txn, struct mailbox_id mailbox, const struct held_row *row)
{
    const struct held_head *head = &row->head;
    struct key key = subject_key(mailbox, head->subject, head->letter.number);
    uint8_t state = (uint8_t)head->state;
    enum vg_status status;

    CHECK(head->state >= HELD_RETRY && head->state <= HELD_PARKED);
    CHECK(head->reason_len <= HELD_REASON_MAX);
    status = put_row(txn, mailbox, row);
    if (status != VG_OK) {
        return status;
    }
    return state == HELD_PARKED ? table_erase(txn, TABLE_HELD_SUBJECTS, &key)
                                : table_put(txn, TABLE_HELD_SUBJECTS, &key,
                                            (struct bytes){&state, sizeof state}, 0);
}

enum vg_status
held_erase(struct txn *txn, struct mailbox_id mailbox, uint64_t number)
{
    struct key key = key_of_u32_u64(mailbox.number, number);
    struct held_row row;
    enum vg_status status = held_get(txn, mailbox, number, &row);

    if (status == VG_NOT_FOUND) {
        return VG_OK;
    }
    if (status == VG_OK) {
        status = table_erase(txn, TABLE_HELD, &key);
    }
    if (status == VG_OK) {
        key = subject_key(mailbox, row.head.subject, number);
        status = table_erase(txn, TABLE_HELD_SUBJECTS, &key);
    }
    return status;
}

enum vg_status
held_move_body(struct txn *txn, struct mailbox_id mailbox, uint64_t number, uint64_t body)
{
    struct held_row row;
    enum vg_status status = held_get(txn, mailbox, number, &row);

    if (status == VG_OK) {
        row.head.letter.body = body;
        status = put_row(txn, mailbox, &row);
    }
    return status;
}

static enum vg_status
read_keyed(struct bytes key, struct bytes value, struct mailbox_id *ret_mailbox,
           struct held_row *ret_row)
{
    if (key.len != HELD_KEY_LEN) {
        return VG_STORE_BROKEN;
    }
    ret_mailbox->number = read_be32(key.at);
    return read_row(value, read_be64(key.at + sizeof(uint32_t)), ret_row);
}

enum vg_status
held_next(struct txn *txn, struct mailbox_id from, uint64_t number,
          struct mailbox_id *ret_mailbox, struct held_row *ret_row)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key key = key_of_u32_u64(from.number, number);
    enum vg_status status = cursor_open(txn, TABLE_HELD, &cursor);

    if (status == VG_OK) {
        status = cursor_seek(&cursor, &key);
    }
    return status == VG_OK ? read_keyed(cursor.key, cursor.value, ret_mailbox, ret_row)
                           : status;
}

struct held_call {
    held_fn each;
    void *arg;
};

static enum vg_status
give_row(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct held_call *call = arg;
    struct mailbox_id mailbox;
    struct held_row row;
    enum vg_status status = read_keyed(key, value, &mailbox, &row);

    if (status == VG_OK) {
        *go_on = call->each(mailbox, &row, call->arg);
    }
    return status;
}

enum vg_status
held_each(struct txn *txn, held_fn each, void *arg)
{
    return table_each(txn, TABLE_HELD, NULL, give_row, &(struct held_call){each, arg});
}

// ---- about whom ----

enum vg_status
subjects_of(struct txn *txn, uint64_t subject, struct subjects *ret_subjects)
{
    struct niss numbers[NUMBERS_MAX];
    enum vg_status status;

    ret_subjects->at[0] = subject;
    ret_subjects->len = 1;
    if (subject == 0 || (subject & HELD_ENTERPRISE) != 0) {
        return VG_OK;
    }
    status = person_numbers(txn, (struct niss){subject}, numbers, &ret_subjects->len);
    for (size_t i = 0; status == VG_OK && i < ret_subjects->len; i++) {
        ret_subjects->at[i] = numbers[i].number;
    }
    return status;
}

bool
subjects_have(const struct subjects *subjects, uint64_t subject)
{
    for (size_t i = 0; i < subjects->len; i++) {
        if (subjects->at[i] == subject) {
            return true;
        }
    }
    return false;
}

static enum vg_status
first_under(struct txn *txn, struct mailbox_id mailbox, uint64_t subject, uint64_t from,
            uint64_t *ret_number, enum held_state *ret_state)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key key = subject_key(mailbox, subject, from);
    enum vg_status status = cursor_open(txn, TABLE_HELD_SUBJECTS, &cursor);

    if (status == VG_OK) {
        status = cursor_seek(&cursor, &key);
    }
    if (status != VG_OK) {
        return status;
    }
    if (cursor.key.len != SUBJECT_KEY_LEN || cursor.value.len != sizeof(uint8_t)) {
        return VG_STORE_BROKEN;
    }
    if (memcmp(cursor.key.at, key.at, SUBJECT_KEY_LEN - sizeof(uint64_t)) != 0) {
        return VG_NOT_FOUND; // about somebody else
    }
    if (cursor.value.at[0] != HELD_RETRY && cursor.value.at[0] != HELD_BEHIND) {
        return VG_STORE_BROKEN;
    }
    *ret_number = read_be64(cursor.key.at + SUBJECT_KEY_LEN - sizeof(uint64_t));
    *ret_state = (enum held_state)cursor.value.at[0];
    return VG_OK;
}

enum vg_status
held_about(struct txn *txn, struct mailbox_id mailbox, uint64_t subject, uint64_t from,
           uint64_t *ret_number, enum held_state *ret_state)
{
    struct subjects subjects;
    enum vg_status status = subjects_of(txn, subject, &subjects);
    bool any = false;

    for (size_t i = 0; status == VG_OK && i < subjects.len; i++) {
        enum held_state state = HELD_GONE;
        uint64_t number = 0;

        status = first_under(txn, mailbox, subjects.at[i], from, &number, &state);
        if (status == VG_OK && (!any || number < *ret_number)) {
            *ret_number = number;
            *ret_state = state;
            any = true;
        } else if (status == VG_NOT_FOUND) {
            status = VG_OK;
        }
    }
    return status == VG_OK && !any ? VG_NOT_FOUND : status;
}

enum vg_status
held_subjects_len(struct txn *txn, uint64_t *ret_rows)
{
    return table_len(txn, TABLE_HELD_SUBJECTS, ret_rows);
}
