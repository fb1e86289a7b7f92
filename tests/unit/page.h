// SPDX-License-Identifier: EUPL-1.2
// page.h - does deploy/README.md show what a program says, word by word? Four spaces in, as
// Markdown wants it. With VIGIE_SHOW=1 the text is printed as it belongs there.
#ifndef TESTS_UNIT_PAGE_H
#define TESTS_UNIT_PAGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

// The page's own text, with its zero.
static struct buffer
read_page(void)
{
    struct buffer page = {0};
    FILE *file = fopen(SOURCE_DIR "/deploy/README.md", "r");

    assert_non_null(file);
    for (size_t got = 1; got > 0; page.len += got) {
        got = fread(buffer_reserve(&page, 65536), 1, 65536, file);
    }
    fclose(file);
    buffer_add(&page, "", 1);
    return page;
}

// As Markdown shows it: four spaces before each line that is not empty.
static void
indent(const struct buffer *text, struct buffer *indented)
{
    const char *at = (const char *)text->at;
    const char *end = at + text->len;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)(line_end - at) + 1;

        buffer_print(indented, "%s%.*s", len > 1 ? "    " : "", (int)len, at);
        at += len;
    }
    buffer_add(indented, "", 1);
}

static void
assert_stands_in_the_page(const struct buffer *text)
{
    struct buffer indented = {0};
    struct buffer page = read_page();
    bool stands;

    indent(text, &indented);
    stands = strstr((const char *)page.at, (const char *)indented.at) != NULL;
    if (!stands || getenv("VIGIE_SHOW") != NULL) {
        printf("%s\n", (const char *)indented.at);
    }
    buffer_free(&indented);
    buffer_free(&page);
    assert_true(stands);
}

#endif
