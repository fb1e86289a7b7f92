// SPDX-License-Identifier: EUPL-1.2
#include "flow/replace.h"

#include "rules/directory.h"

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
    return VG_STORE_BROKEN; // replacement_check lets no circle in
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

static enum vg_status
check_sizes(struct txn *txn, struct niss old, struct niss new, size_t integrations,
            enum vg_status *ret_refusal, struct why *why)
{
    struct niss numbers[NUMBERS_MAX];
    size_t of_old = 0;
    size_t of_new = 0;
    enum vg_status status = person_numbers(txn, old, numbers, &of_old);

    if (status == VG_OK) {
        status = person_numbers(txn, new, numbers, &of_new);
    }
    if (status != VG_OK) {
        return status;
    }
    if (of_old + of_new > NUMBERS_MAX) {
        *ret_refusal = fail(why, VG_TOO_MANY,
                            "the person would have %zu numbers, at most %d are kept",
                            of_old + of_new, NUMBERS_MAX);
    } else if (integrations > INTEGRATIONS_PER_PERSON_MAX) {
        *ret_refusal =
            fail(why, VG_TOO_MANY,
                 "the two numbers have %zu integrations together, at most %d are kept",
                 integrations, INTEGRATIONS_PER_PERSON_MAX);
    }
    return VG_OK;
}

enum vg_status
person_is_same(struct txn *txn, struct niss one, struct niss other, bool *ret_same)
{
    struct person person;
    struct niss current = one, other_current = other;
    enum vg_status status = VG_OK;

    if (one.number != other.number && one.number != 0 && other.number != 0) {
        status = person_in_force(txn, one, &current, &person);
        if (status == VG_OK) {
            status = person_in_force(txn, other, &other_current, &person);
        }
    }
    *ret_same = current.number == other_current.number;
    return status;
}

enum vg_status
replacement_check(struct txn *txn, struct niss old, struct niss new,
                  enum vg_status *ret_refusal, struct why *why)
{
    struct person from, to;
    char masked[NISS_MASK_LEN];
    enum vg_status status = person_get(txn, old, &from);

    *ret_refusal = VG_OK;
    if (status == VG_OK) {
        status = person_get(txn, new, &to);
    }
    if (status != VG_OK) {
        return status;
    }
    if (from.replaced_by.number != 0) {
        niss_mask(old, masked);
        *ret_refusal = fail(why, VG_EXISTS, "niss: %s was replaced already", masked);
        return VG_OK;
    }
    if (to.replaced_by.number != 0) {
        niss_mask(new, masked);
        *ret_refusal =
            fail(why, VG_BAD_NISS,
                 "new_niss: %s was itself replaced; name the number in force", masked);
        return VG_OK;
    }
    return check_sizes(txn, old, new, from.len + to.len, ret_refusal, why);
}
