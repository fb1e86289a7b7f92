// SPDX-License-Identifier: EUPL-1.2
#include "core_backup.h"

#include "store/backup.h"

struct folder {
    char path[300];
};

static struct folder
folder_of(const struct flow_fixture *f)
{
    struct folder folder;

    snprintf(folder.path, sizeof folder.path, "%s.backup", f->path);
    return folder;
}

uint64_t
core_backup_commit(const struct flow_fixture *f)
{
    struct folder folder = folder_of(f);
    struct manifest manifest = {.commit = 0};

    return backup_verify(folder.path, &manifest, NULL) == VG_OK ? manifest.commit : 0;
}

void
core_backup_remove(const struct flow_fixture *f)
{
    static const char *const files[] = {"data.mdb", MANIFEST_NAME ".new", MANIFEST_NAME};
    struct folder folder = folder_of(f);
    char path[sizeof folder.path + 20];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder.path, files[i]);
        unlink(path);
    }
    rmdir(folder.path);
}

uint64_t
core_backup_make(struct flow_fixture *f)
{
    struct folder folder = folder_of(f);
    struct store_options open = {
        .path = f->path, .map_bytes = 256 << 20, .access = STORE_READS};
    struct backup_options options = {.folder = folder.path, .program = "core_faults"};
    struct manifest manifest = {.commit = core_backup_commit(f)};
    struct store *store = NULL;
    enum vg_status status;

    if (manifest.commit > 0) {
        return manifest.commit;
    }
    core_backup_remove(f); // what one left that died
    status = store_open(&open, &store, &f->why);
    if (status == VG_OK) {
        status = backup_write(store, &options, &manifest, &f->why);
    }
    store_close(&store);
    if (status != VG_OK) {
        fprintf(stderr, "backup: %s: %s\n", vg_status_name(status), f->why.text);
        return 0;
    }
    return manifest.commit;
}
