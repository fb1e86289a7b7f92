// SPDX-License-Identifier: EUPL-1.2
// damage_file.h - for tests: a store's file is damaged as a disk might, also while it is
// open.
#ifndef TESTS_DAMAGE_FILE_H
#define TESTS_DAMAGE_FILE_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// damage_file flips a bit in the middle of these bytes wherever the file has them, in use or
// not. Gives the number of places.
static inline size_t
damage_file(const char *folder, const void *bytes, size_t len)
{
    char path[512];
    struct stat about;
    size_t places = 0;

    snprintf(path, sizeof path, "%s/data.mdb", folder);

    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &about), 0);

    uint8_t *at =
        mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint8_t *end = at + about.st_size;

    assert_true(at != MAP_FAILED);
    for (uint8_t *found = at;
         (found = memmem(found, (size_t)(end - found), bytes, len)) != NULL; places++) {
        found[len / 2] ^= 0x10;
    }
    assert_int_equal(munmap(at, (size_t)about.st_size), 0);
    close(fd);
    return places;
}

// damage_row does that to a row of a flow fixture's store, found through its view.
#define damage_row(f, table, key)                                                        \
    do {                                                                                 \
        struct bytes damage_lent;                                                        \
        struct buffer damage_value = {0};                                                \
        assert_int_equal(table_get(flow_view(f), table, key, &damage_lent), VG_OK);      \
        buffer_add(&damage_value, damage_lent.at, damage_lent.len);                      \
        store_abort(&(f)->view);                                                         \
        assert_true(damage_file((f)->path, damage_value.at, damage_value.len) > 0);      \
        buffer_free(&damage_value);                                                      \
    } while (0)

#endif
