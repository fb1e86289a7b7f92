// SPDX-License-Identifier: EUPL-1.2
#include "edge/catalogue_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 64 << 10 };

enum vg_status
catalogue_file_read(const char *path, struct buffer *text, struct why *why)
{
    FILE *file = fopen(path, "re");
    size_t len = 1;
    bool failed;

    if (file == NULL) {
        return fail(why, VG_BAD_FILE, "cannot read %s: %s", path, strerror(errno));
    }
    while (len > 0 && text->len <= CATALOGUE_BYTES_MAX) {
        len = fread(buffer_reserve(text, PIECE), 1, PIECE, file);
        text->len += len;
    }
    failed = ferror(file) != 0;
    fclose(file);
    if (failed) {
        return fail(why, VG_BAD_FILE, "cannot read %s to its end", path);
    }
    if (text->len > CATALOGUE_BYTES_MAX) {
        return fail(why, VG_TOO_LARGE, "%s has more than %d bytes", path,
                    CATALOGUE_BYTES_MAX);
    }
    return VG_OK;
}

enum vg_status
catalogue_file_check(const char *path, struct faults *faults)
{
    AUTO(buffer_free) struct buffer text = {0};
    AUTO(catalogue_free) struct catalogue *catalogue = NULL;
    struct why why;
    enum vg_status status = catalogue_file_read(path, &text, &why);

    if (status != VG_OK) {
        faults_add(faults, status, 0, "%s", why.text);
        return status;
    }
    catalogue = catalogue_parse((const char *)text.at, text.len, faults);
    return catalogue == NULL ? VG_BAD_CATALOGUE : VG_OK;
}

// VG_NOT_FOUND: no catalogue is in force.
static enum vg_status
text_in_force(struct txn *txn, struct buffer *text, struct why *why)
{
    struct catalogue_row row;
    struct meta meta;
    enum vg_status status = meta_get(txn, &meta, why);

    if (status != VG_OK || meta.catalogue == 0) {
        return status == VG_OK ? VG_NOT_FOUND : status;
    }
    return catalogue_get(txn, meta.catalogue, &row, text);
}

enum vg_status
catalogue_file_news(const char *path, struct txn *txn, struct command **ret_command,
                    struct why *why)
{
    AUTO(buffer_free) struct buffer fresh = {0};
    AUTO(buffer_free) struct buffer in_force = {0};
    struct command *command;
    enum vg_status status = catalogue_file_read(path, &fresh, why);

    *ret_command = NULL;
    if (status != VG_OK) {
        return status;
    }
    status = text_in_force(txn, &in_force, why);
    if (status != VG_OK && status != VG_NOT_FOUND) {
        return status;
    }
    if (status == VG_OK && fresh.len == in_force.len &&
        (fresh.len == 0 || memcmp(fresh.at, in_force.at, fresh.len) == 0)) {
        return VG_OK;
    }
    command = command_new(COMMAND_LOAD_CATALOGUE, fresh.at, fresh.len);
    command->load_catalogue.text = (struct bytes){command->frame.at, command->frame.len};
    *ret_command = command;
    return VG_OK;
}
