// SPDX-License-Identifier: EUPL-1.2
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum vg_status
vg_fail(struct vg_error *error, enum vg_status status, const char *format, ...)
{
    if (error != NULL) {
        va_list words;

        error->status = status;
        va_start(words, format);
        (void)vsnprintf(error->sentence, sizeof error->sentence, format, words);
        va_end(words);
    }
    return status;
}

enum vg_status
vg_fail_again(struct vg_error *error, const struct vg_error *before)
{
    if (error != NULL) {
        *error = *before;
    }
    return before->status;
}

void
vg_fault_read(const Vigie__V1__Fault *fault, struct vg_error *ret_error)
{
    enum vg_status status = fault == NULL ? VG_MALFORMED : (enum vg_status)fault->status;
    const char *sentence = vg_status_sentence(status);

    if (fault != NULL && fault->sentence[0] != '\0') {
        sentence = fault->sentence;
    }
    ret_error->status = status;
    (void)snprintf(ret_error->sentence, sizeof ret_error->sentence, "%s", sentence);
}

bool
vg_fault_is_temporary(const Vigie__V1__Fault *fault)
{
    return fault != NULL && (fault->remedy == (uint32_t)VG_RETRY_LATER ||
                             fault->remedy == (uint32_t)VG_CALL_OPERATOR);
}
