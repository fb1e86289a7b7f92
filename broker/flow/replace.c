// SPDX-License-Identifier: EUPL-1.2
#include "flow/replace.h"

#include "flow/applier.h"
#include "rules/directory.h"

#include <string.h>

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

// The integrations move to the surviving number, and the old one leads to it from now on.
// replacement_check has made sure that neither was replaced before and that all find room.
enum vg_status
applier_move_person(struct applier *applier, struct niss old, struct niss new)
{
    struct integration merged[INTEGRATIONS_PER_PERSON_MAX + 1];
    struct person from, to;
    size_t len, before, moved;
    enum vg_status status = person_get(applier->txn, new, &to);

    if (status == VG_OK) {
        status = person_get(applier->txn, old, &from);
    }
    if (status != VG_OK) {
        return status;
    }
    before = len = to.len;
    moved = from.len;
    if (len > 0) {
        memcpy(merged, to.integrations, len * sizeof *merged);
    }
    for (size_t i = 0; i < moved; i++) {
        directory_add(merged, &len, from.integrations[i]);
    }
    status = applier_put_person(applier, new, before, merged, len);
    if (status == VG_OK) {
        applier->meta.integrations -= moved;
        applier->meta.persons -= moved > 0;
        status = person_replace(applier->txn, old, new);
    }
    return status;
}
