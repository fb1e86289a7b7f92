// SPDX-License-Identifier: EUPL-1.2
// error.h - the words for a call that failed.
//
// Functions of this folder that begin with vg_ but are not in vigie.h stay inside the
// library: hidden in libvigie.so, and kept apart from the caller's names in libvigie.a.
#ifndef CLIENT_ERROR_H
#define CLIENT_ERROR_H

#include "vigie/v1/vigie.pb-c.h"
#include "vigie/vigie.h"

// vg_fail fills error, if anybody listens, and returns status.
enum vg_status vg_fail(struct vg_error *error, enum vg_status status, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));

// vg_fail_again copies what was said before.
enum vg_status vg_fail_again(struct vg_error *error, const struct vg_error *before);

// vg_fault_read turns the broker's words into ours. NULL: a fault without words.
void vg_fault_read(const Vigie__V1__Fault *fault, struct vg_error *ret_error);

// vg_fault_is_temporary says whether the same bytes may succeed later. A status that is
// newer than this library is judged by the remedy beside it.
bool vg_fault_is_temporary(const Vigie__V1__Fault *fault);

#endif
