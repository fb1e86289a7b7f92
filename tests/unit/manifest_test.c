// SPDX-License-Identifier: EUPL-1.2
// Goal: a manifest that was written is read as it was; anything else is refused with its line.
// Method: one is printed and parsed; then every line is left out, doubled and spoilt.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/manifest.h"

#include <cmocka.h>

static struct manifest
some_manifest(void)
{
    struct manifest manifest = {
        .program = "0.2.0",
        .full = true,
        .schema = 2,
        .store = UINT64_C(0x0123456789abcdef),
        .commit = 1234,
        .block = 99,
        .time_us = INT64_C(1795000000123456),
        .bytes = 1 << 20,
    };

    memset(manifest.hash.at, 0xa5, HASH_LEN);
    memset(manifest.checksum.at, 0x3c, HASH_LEN);
    return manifest;
}

static void
what_was_printed_is_read(void **state)
{
    struct manifest manifest = some_manifest();
    struct manifest read;
    struct buffer text = {0};
    (void)state;

    manifest_print(&manifest, &text);
    assert_int_equal(manifest_parse((const char *)text.at, text.len, &read, NULL), VG_OK);
    assert_memory_equal(&read, &manifest, sizeof read);
    buffer_clear(&text);
    manifest.full = false;
    manifest.since = 1000;
    manifest_print(&manifest, &text);
    assert_int_equal(manifest_parse((const char *)text.at, text.len, &read, NULL), VG_OK);
    assert_false(read.full);
    assert_int_equal(read.since, 1000);
    buffer_free(&text);
}

enum edit { LEFT_OUT, DOUBLED, SPOILT, EMPTIED, EDITS };

// The text with one line changed; false past the last line that counts.
static bool
edit_line(const struct buffer *text, unsigned line, enum edit edit, struct buffer *edited)
{
    const char *at = (const char *)text->at;
    const char *end = at + text->len;
    const char *colon;
    size_t len;

    buffer_clear(edited);
    for (unsigned i = 0; i <= line; i++) { // the remark is line 0
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL || ++at == end) {
            return false;
        }
    }
    len = (size_t)((const char *)memchr(at, '\n', (size_t)(end - at)) - at) + 1;
    colon = memchr(at, ':', len);
    assert_non_null(colon);
    buffer_add(edited, text->at, (size_t)(at - (const char *)text->at));
    if (edit == DOUBLED) {
        buffer_add(edited, at, len);
        buffer_add(edited, at, len);
    } else if (edit == SPOILT) {
        buffer_add(edited, at, (size_t)(colon - at) + 2);
        buffer_print(edited, "\x01?\n");
    } else if (edit == EMPTIED) {
        buffer_add(edited, at, (size_t)(colon - at) + 2);
        buffer_print(edited, "\n");
    }
    buffer_add(edited, at + len, (size_t)(end - at) - len);
    return true;
}

static void
every_line_counts_once_and_as_it_should(void **state)
{
    struct manifest manifest = some_manifest();
    struct buffer text = {0}, edited = {0};
    unsigned lines = 0;
    (void)state;

    manifest_print(&manifest, &text);
    for (enum edit edit = LEFT_OUT; edit < EDITS; edit++) {
        for (lines = 0; edit_line(&text, lines, edit, &edited); lines++) {
            struct manifest read = {.commit = 7};
            struct why why = {{0}};

            assert_int_equal(
                manifest_parse((const char *)edited.at, edited.len, &read, &why),
                VG_BAD_FILE);
            assert_non_null(strstr(why.text, "MANIFEST"));
            assert_int_equal(read.commit, 7); // written on VG_OK only
        }
    }
    assert_int_equal(lines, 12);
    buffer_free(&text);
    buffer_free(&edited);
}

static void
a_kind_that_does_not_fit_is_refused(void **state)
{
    struct manifest manifest = some_manifest();
    struct manifest read;
    struct buffer text = {0};
    (void)state;

    manifest.since = 5;
    manifest_print(&manifest, &text);
    assert_int_equal(manifest_parse((const char *)text.at, text.len, &read, NULL),
                     VG_BAD_FILE);
    buffer_clear(&text);
    manifest.full = false;
    manifest.since = 1235;
    manifest_print(&manifest, &text);
    assert_int_equal(manifest_parse((const char *)text.at, text.len, &read, NULL),
                     VG_BAD_FILE);
    buffer_free(&text);
}

static void
a_folder_has_it_whole_or_not_at_all(void **state)
{
    struct manifest manifest = some_manifest();
    struct manifest read;
    char folder[] = "/tmp/manifest.XXXXXX";
    char path[64];
    FILE *file;
    (void)state;

    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/MANIFEST", folder);
    assert_int_equal(manifest_read(folder, &read, NULL), VG_NOT_FOUND);
    assert_int_equal(manifest_write(folder, &manifest, NULL), VG_OK);
    assert_int_equal(manifest_read(folder, &read, NULL), VG_OK);
    assert_memory_equal(&read, &manifest, sizeof read);
    file = fopen(path, "a");
    for (int i = 0; i < MANIFEST_BYTES_MAX; i++) {
        fputc('#', file);
    }
    fclose(file);
    assert_int_equal(manifest_read(folder, &read, NULL), VG_BAD_FILE);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); // nothing else was left in it
    assert_int_equal(manifest_write(folder, &manifest, NULL), VG_BAD_FILE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_printed_is_read),
        cmocka_unit_test(every_line_counts_once_and_as_it_should),
        cmocka_unit_test(a_kind_that_does_not_fit_is_refused),
        cmocka_unit_test(a_folder_has_it_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
