// SPDX-License-Identifier: EUPL-1.2
// Goal: any text beside a backup is a manifest or refused, and one that is read says the same
// when it is printed and read again.
#include <stdlib.h>
#include <string.h>

#include "store/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct manifest manifest, again;
    struct buffer text = {0};
    struct why why;

    memset(&manifest, 0, sizeof manifest);
    if (manifest_parse((const char *)bytes, len, &manifest, &why) != VG_OK) {
        return 0;
    }
    manifest_print(&manifest, &text);
    if (manifest_parse((const char *)text.at, text.len, &again, &why) != VG_OK ||
        again.commit != manifest.commit || again.full != manifest.full ||
        memcmp(&again.checksum, &manifest.checksum, sizeof again.checksum) != 0 ||
        strcmp(again.program, manifest.program) != 0) {
        abort();
    }
    buffer_free(&text);
    return 0;
}
