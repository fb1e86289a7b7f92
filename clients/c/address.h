// SPDX-License-Identifier: EUPL-1.2
// address.h - where a broker is and who is calling, kept by a handle.
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include "vigie/vigie.h"

// vg_address_copy checks that endpoint and keys are there and copies it all.
//
// Gives: vg_address_free. Returns VG_OK, VG_MALFORMED or VG_NO_MEMORY.
enum vg_status vg_address_copy(const struct vg_address *address,
                               struct vg_address **ret_address, struct vg_error *error);

#endif
