// SPDX-License-Identifier: EUPL-1.2
// backup_fixture.h - a lived-in store beside folders for its backups, all inside one folder.
//
// The store is closed while another handle of this process has it open: LMDB wants it so.
#ifndef TESTS_UNIT_BACKUP_FIXTURE_H
#define TESTS_UNIT_BACKUP_FIXTURE_H

#include "flow_fixture.h"

#include "store/backup.h"
#include "store/store_internal.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>

__attribute__((unused)) static const char *
place(struct flow_fixture *f, const char *name)
{
    static char paths[8][300];
    static unsigned next;
    char *path = paths[next++ % ARRAY_LEN(paths)];

    snprintf(path, sizeof paths[0], "%.250s.d/%s", f->path, name);
    return path;
}

__attribute__((unused)) static uint64_t
backup_publish(struct flow_fixture *f, size_t len)
{
    struct hot_mutation mutations[100];
    uint64_t first = flow_producer(f, RN, 1).last_number + 1;

    for (size_t i = 0; i < len; i++) {
        mutations[i] = flow_address(1);
    }
    flow_publish(f, RN, 1, first, mutations, len);
    flow_apply(f);
    return flow_meta(f).last_commit;
}

__attribute__((unused)) static void
backup_fold(struct flow_fixture *f)
{
    flow_command(f, COMMAND_FOLD, 0);
    flow_apply(f);
}

__attribute__((unused)) static int
backup_begin(void **state)
{
    struct flow_fixture *f = flow_begin();

    signal(SIGPIPE, SIG_IGN);
    mkdir(place(f, ""), 0700);
    flow_furnish(f);
    flow_follow(f, CPAS_A, 1, 2);
    backup_publish(f, 60);
    backup_fold(f);
    backup_publish(f, 20);
    *state = f;
    return 0;
}

static void
backup_remove(const char *folder)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;

    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        char path[600];

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (unlink(path) != 0) {
            backup_remove(path);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    rmdir(folder);
}

__attribute__((unused)) static int
backup_end(void **state)
{
    struct flow_fixture *f = *state;

    backup_remove(place(f, ""));
    if (f->store == NULL) {
        flow_open_store(f);
    }
    flow_end(f);
    return 0;
}

#define backup_test(name) cmocka_unit_test_setup_teardown(name, backup_begin, backup_end)

__attribute__((unused)) static enum vg_status
backup_try(struct flow_fixture *f, const struct backup_options *options,
           struct manifest *ret_manifest)
{
    struct store_options open = {
        .path = f->path, .map_bytes = 256 << 20, .access = STORE_READS};
    struct store *store = NULL;
    enum vg_status status;

    flow_close_store(f);
    assert_int_equal(store_open(&open, &store, &f->why), VG_OK);
    status = backup_write(store, options, ret_manifest, &f->why);
    store_close(&store);
    flow_open_store(f);
    return status;
}

__attribute__((unused)) static struct manifest
backup_make(struct flow_fixture *f, const char *name, const char *since)
{
    struct backup_options options = {
        .folder = place(f, name),
        .program = "test",
        .since = since == NULL ? NULL : place(f, since),
    };
    struct manifest manifest = {.commit = 0};
    enum vg_status status = backup_try(f, &options, &manifest);

    if (status != VG_OK) {
        fail_msg("%s: %s", vg_status_name(status), f->why.text);
    }
    return manifest;
}

__attribute__((unused)) static void
backup_flip(const char *path, long offset)
{
    FILE *file = fopen(path, "r+");
    int byte;

    assert_non_null(file);
    assert_int_equal(fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET), 0);
    byte = fgetc(file);
    assert_int_equal(fseek(file, -1, SEEK_CUR), 0);
    fputc(byte ^ 0x10, file);
    assert_int_equal(fclose(file), 0);
}

#endif
