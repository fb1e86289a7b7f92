// SPDX-License-Identifier: EUPL-1.2
#include "address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

enum { FILE_BYTES_MAX = 64 * 1024 };

// One line of a key file that is wanted, and where its value goes.
struct wanted {
    const char *name;
    const char **value;
};

// ---- one allocation ----

static char *
append_text(char *at, const char *text, const char **ret_text)
{
    size_t size = strlen(text) + 1;

    memcpy(at, text, size);
    *ret_text = at;
    return at + size;
}

static struct vg_address *
make_one_block(const struct vg_address *from)
{
    bool named = from->program != NULL && from->program[0] != '\0';
    const char *program = named ? from->program : "libvigie " VIGIE_VERSION;
    size_t size = sizeof(struct vg_address) + strlen(from->endpoint) +
                  strlen(from->broker_public) + strlen(from->own_public) +
                  strlen(from->own_secret) + strlen(program) + 5;
    struct vg_address *address = malloc(size);
    char *at;

    if (address == NULL) {
        return NULL;
    }
    at = append_text((char *)(address + 1), from->endpoint, &address->endpoint);
    at = append_text(at, from->broker_public, &address->broker_public);
    at = append_text(at, from->own_public, &address->own_public);
    at = append_text(at, from->own_secret, &address->own_secret);
    (void)append_text(at, program, &address->program);
    return address;
}

static bool
is_key(const char *text)
{
    return text != NULL && strlen(text) == VG_KEY_TEXT_LEN - 1;
}

enum vg_status
vg_address_copy(const struct vg_address *address, struct vg_address **ret_address,
                struct vg_error *error)
{
    struct vg_address *copy;

    if (address == NULL || address->endpoint == NULL) {
        return vg_fail(error, VG_MALFORMED, "the address has no endpoint");
    }
    if (!is_key(address->broker_public) || !is_key(address->own_public) ||
        !is_key(address->own_secret)) {
        return vg_fail(error, VG_MALFORMED,
                       "broker_public, public and secret must be keys of %d characters",
                       VG_KEY_TEXT_LEN - 1);
    }
    copy = make_one_block(address);
    if (copy == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no memory for the address");
    }
    *ret_address = copy;
    return VG_OK;
}

void
vg_address_free(struct vg_address **address)
{
    if (*address != NULL) {
        explicit_bzero((char *)(*address)->own_secret, strlen((*address)->own_secret));
        free(*address);
        *address = NULL;
    }
}

// ---- the key file ----

static enum vg_status
read_file(const char *path, char *ret_text, struct vg_error *error)
{
    FILE *file = fopen(path, "re");
    size_t len;
    bool failed;

    if (file == NULL) {
        return vg_fail(error, VG_BAD_FILE, "%s: %s", path, strerror(errno));
    }
    // Unbuffered: the secret stays in the caller's memory, which is wiped.
    (void)setvbuf(file, NULL, _IONBF, 0);
    len = fread(ret_text, 1, FILE_BYTES_MAX, file);
    failed = ferror(file) != 0;
    (void)fclose(file);
    if (failed || len == FILE_BYTES_MAX) {
        return vg_fail(error, VG_BAD_FILE, "%s: this cannot be a key file", path);
    }
    ret_text[len] = '\0';
    return VG_OK;
}

static char *
trim(char *text)
{
    size_t len;

    text += strspn(text, " \t\r");
    len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL) {
        text[--len] = '\0';
    }
    return text;
}

// Names that are not wanted are for other programs, or for later ones. A key may hold
// colons, so what stands before one is a name only if it is a word.
static bool
read_line(char *line, const struct wanted *wanted, size_t wanted_len)
{
    char *name = trim(line);
    char *colon;

    if (*name == '\0' || *name == '#') {
        return true;
    }
    colon = strchr(name, ':');
    if (colon == NULL) {
        return false;
    }
    *colon = '\0';
    name = trim(name);
    if (*name == '\0' || strpbrk(name, " \t") != NULL) {
        return false;
    }
    for (size_t i = 0; i < wanted_len; i++) {
        if (strcmp(name, wanted[i].name) == 0) {
            *wanted[i].value = trim(colon + 1);
        }
    }
    return true;
}

static enum vg_status
read_lines(const char *path, char *text, const struct wanted *wanted, size_t wanted_len,
           struct vg_error *error)
{
    unsigned number = 1;

    while (text != NULL) {
        char *line = strsep(&text, "\n");

        if (!read_line(line, wanted, wanted_len)) {
            return vg_fail(error, VG_BAD_FILE, "%s:%u: not a line \"name: value\"", path,
                           number);
        }
        number++;
    }
    for (size_t i = 0; i < wanted_len; i++) {
        if (*wanted[i].value == NULL) {
            return vg_fail(error, VG_BAD_FILE, "%s: there is no \"%s\"", path,
                           wanted[i].name);
        }
    }
    return VG_OK;
}

enum vg_status
vg_address_load(const char *path, const char *door, struct vg_address **ret_address,
                struct vg_error *error)
{
    struct vg_address found = {0};
    bool sources = strcmp(door, "sources") == 0;
    const struct wanted wanted[] = {
        {sources ? "endpoint_sources" : "endpoint_members", &found.endpoint},
        {"broker_public", &found.broker_public},
        {"public", &found.own_public},
        {"secret", &found.own_secret},
    };
    enum vg_status status;
    char *text;

    if (!sources && strcmp(door, "members") != 0) {
        return vg_fail(error, VG_MALFORMED, "the door is \"sources\" or \"members\"");
    }
    text = malloc(FILE_BYTES_MAX + 1);
    if (text == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no memory for %s", path);
    }
    status = read_file(path, text, error);
    if (status == VG_OK) {
        status = read_lines(path, text, wanted, sizeof wanted / sizeof wanted[0], error);
    }
    if (status == VG_OK) {
        status = vg_address_copy(&found, ret_address, error);
    }
    explicit_bzero(text, FILE_BYTES_MAX + 1);
    free(text);
    return status;
}
