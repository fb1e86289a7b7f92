// SPDX-License-Identifier: EUPL-1.2
#include <zmq.h>

#include "vigie/vigie.h"

enum vg_status
vg_key_make(char ret_public[VG_KEY_TEXT_LEN], char ret_secret[VG_KEY_TEXT_LEN])
{
    // Fails only where ZeroMQ was built without CURVE.
    return zmq_curve_keypair(ret_public, ret_secret) == 0 ? VG_OK : VG_UNKNOWN;
}
