// SPDX-License-Identifier: EUPL-1.2
// mutation.h - the public mutation and notification against the scanner's.
#ifndef CLIENT_MUTATION_H
#define CLIENT_MUTATION_H

#include "hot/hot.h"
#include "vigie/vigie.h"

// vg_mutation_check_out makes what can be encoded of a mutation, within the wire's sizes.
//
// Borrows: mutation, which ret_hot then views. Returns VG_OK, VG_MALFORMED, VG_TOO_MANY
// or VG_TOO_LARGE.
enum vg_status vg_mutation_check_out(const struct vg_mutation *mutation,
                                     struct hot_mutation *ret_hot, size_t *ret_size_max,
                                     struct vg_error *error);

// vg_notification_check_in makes the public view of one that was received. scratch is
// memory for its content.
//
// Returns VG_OK or VG_MALFORMED.
enum vg_status vg_notification_check_in(const struct hot_notification *hot,
                                        struct hot_content *scratch,
                                        struct vg_notification *ret_notification);

#endif
