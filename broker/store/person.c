// SPDX-License-Identifier: EUPL-1.2
#include "store/person.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct integration) == 16, "stored without holes");
_Static_assert(sizeof(struct niss) == 8, "stored without holes");

// MDB_INTEGERKEY: eight bytes as the machine has them, compared as a number.
static inline struct key
person_key(struct niss niss)
{
    struct key key = {.len = 0};

    key_add(&key, &niss.number, sizeof niss.number);
    return key;
}

enum vg_status
read_person(struct bytes value, struct person *ret_person)
{
    *ret_person = (struct person){.len = 0};
    if (value.len == sizeof(uint64_t)) {
        memcpy(&ret_person->replaced_by.number, value.at, sizeof(uint64_t));
        return VG_OK;
    }
    // Keys and values of this table are multiples of eight bytes, so rows are aligned.
    if (value.len == 0 || value.len % sizeof(struct integration) != 0 ||
        (uintptr_t)value.at % _Alignof(struct integration) != 0) {
        return VG_STORE_BROKEN;
    }
    ret_person->integrations = (const void *)value.at;
    ret_person->len = value.len / sizeof(struct integration);
    return VG_OK;
}

enum vg_status
person_get(struct txn *txn, struct niss niss, struct person *ret_person)
{
    struct key key = person_key(niss);
    struct bytes value;
    enum vg_status status = table_get(txn, TABLE_PERSONS, &key, &value);

    if (status == VG_NOT_FOUND) {
        *ret_person = (struct person){.len = 0};
        return VG_OK;
    }
    return status == VG_OK ? read_person(value, ret_person) : status;
}

static uint32_t
changed_bit(struct niss niss)
{
    return (uint32_t)(niss.number * UINT64_C(0x9e3779b97f4a7c15) >> 52) % CHANGED_BITS;
}

bool
person_changed(const struct txn *txn, struct niss niss)
{
    uint32_t bit = changed_bit(niss);

    return txn->changed_persons[bit / 64] >> bit % 64 & 1;
}

static void
note_change(struct txn *txn, struct niss niss)
{
    uint32_t bit = changed_bit(niss);

    txn->changed_persons[bit / 64] |= UINT64_C(1) << bit % 64;
}

enum vg_status
person_put(struct txn *txn, struct niss niss, const struct integration *integrations,
           size_t len)
{
    struct key key = person_key(niss);

    note_change(txn, niss);
    if (len == 0) {
        return table_erase(txn, TABLE_PERSONS, &key);
    }
    return table_put(
        txn, TABLE_PERSONS, &key,
        (struct bytes){(const uint8_t *)integrations, len * sizeof *integrations}, 0);
}

enum vg_status
person_append(struct txn *txn, struct niss niss, const struct integration *integrations,
              size_t len)
{
    struct key key = person_key(niss);

    CHECK(len > 0);
    note_change(txn, niss);
    return table_put(
        txn, TABLE_PERSONS, &key,
        (struct bytes){(const uint8_t *)integrations, len * sizeof *integrations},
        MDB_APPEND);
}

enum vg_status
person_last(struct txn *txn, struct niss *ret_niss)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    enum vg_status status = cursor_open(txn, TABLE_PERSONS, &cursor);

    ret_niss->number = 0;
    if (status == VG_OK) {
        status = cursor_move(&cursor, MDB_LAST);
    }
    if (status == VG_OK && cursor.key.len != sizeof ret_niss->number) {
        return VG_STORE_BROKEN;
    }
    if (status == VG_OK) {
        memcpy(&ret_niss->number, cursor.key.at, sizeof ret_niss->number);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

enum vg_status
person_former(struct txn *txn, struct niss niss, struct niss ret_former[FORMER_MAX],
              size_t *ret_len)
{
    struct key key = key_of_u64(niss.number);
    struct bytes value;
    enum vg_status status = table_get(txn, TABLE_REPLACED, &key, &value);

    if (status == VG_NOT_FOUND) {
        *ret_len = 0;
        return VG_OK;
    }
    if (status != VG_OK) {
        return status;
    }
    if (value.len % sizeof *ret_former != 0 ||
        value.len > FORMER_MAX * sizeof *ret_former) {
        return VG_STORE_BROKEN;
    }
    memcpy(ret_former, value.at, value.len);
    *ret_len = value.len / sizeof *ret_former;
    return VG_OK;
}

static enum vg_status
put_former(struct txn *txn, struct niss old, struct niss new)
{
    struct niss former[FORMER_MAX];
    struct key key = key_of_u64(new.number);
    size_t len = 0;
    enum vg_status status = person_former(txn, new, former, &len);

    if (status != VG_OK) {
        return status;
    }
    CHECK(len < FORMER_MAX);
    former[len++] = old;
    return table_put(txn, TABLE_REPLACED, &key,
                     (struct bytes){(const uint8_t *)former, len * sizeof *former}, 0);
}

enum vg_status
person_replace(struct txn *txn, struct niss old, struct niss new)
{
    struct key key = person_key(old);

    CHECK(new.number != 0 && new.number != old.number);
    note_change(txn, old);

    enum vg_status status =
        table_put(txn, TABLE_PERSONS, &key,
                  (struct bytes){(const uint8_t *)&new.number, sizeof new.number}, 0);

    return status == VG_OK ? put_former(txn, old, new) : status;
}

// ---- all numbers of one person ----

enum vg_status
person_in_force(struct txn *txn, struct niss niss, struct niss *ret_current,
                struct person *ret_person)
{
    for (int i = 0; i < NUMBERS_MAX; i++) {
        enum vg_status status = person_get(txn, niss, ret_person);

        if (status != VG_OK) {
            return status;
        }
        if (ret_person->replaced_by.number == 0) {
            *ret_current = niss;
            return VG_OK;
        }
        niss = ret_person->replaced_by;
    }
    return VG_STORE_BROKEN; // flow/replace.h lets no circle in
}

// Adds what a number replaced, newest first.
static enum vg_status
add_former(struct txn *txn, struct niss niss, struct niss *numbers, size_t *len)
{
    struct niss former[FORMER_MAX];
    size_t former_len = 0;
    enum vg_status status = person_former(txn, niss, former, &former_len);

    if (status != VG_OK) {
        return status;
    }
    if (former_len > NUMBERS_MAX - *len) {
        return VG_STORE_BROKEN;
    }
    while (former_len > 0) {
        numbers[(*len)++] = former[--former_len];
    }
    return VG_OK;
}

enum vg_status
person_numbers(struct txn *txn, struct niss niss, struct niss ret_numbers[NUMBERS_MAX],
               size_t *ret_len)
{
    struct niss found[NUMBERS_MAX]; // each after the one that replaced it
    struct person person;
    size_t len = 1;
    enum vg_status status = person_in_force(txn, niss, &found[0], &person);

    for (size_t i = 0; status == VG_OK && i < len; i++) {
        status = add_former(txn, found[i], found, &len);
    }
    if (status != VG_OK) {
        return status;
    }
    for (size_t i = 0; i < len; i++) {
        ret_numbers[i] = found[len - 1 - i];
    }
    *ret_len = len;
    return VG_OK;
}

// ---- all of them ----

enum vg_status
person_each(struct txn *txn, struct niss from, person_fn each, void *arg)
{
    AUTO(cursor_close) struct cursor cursor = {.mdb = NULL};
    struct key key = person_key(from);
    enum vg_status status = cursor_open(txn, TABLE_PERSONS, &cursor);

    if (status == VG_OK) {
        status = cursor_seek(&cursor, &key);
    }
    while (status == VG_OK) {
        struct niss niss;
        struct person person;

        if (cursor.key.len != sizeof niss.number ||
            read_person(cursor.value, &person) != VG_OK) {
            return VG_STORE_BROKEN;
        }
        memcpy(&niss.number, cursor.key.at, sizeof niss.number);
        if (!each(niss, &person, arg)) {
            return VG_OK;
        }
        status = cursor_move(&cursor, MDB_NEXT);
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}
