// SPDX-License-Identifier: EUPL-1.2
#include "store/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DRAWING = 1, PATH_LEN = 4096, FILE_MODE = 0600 };

// ---- printing ----

static void
print_hash(struct buffer *text, const char *name, const struct hash *hash)
{
    buffer_print(text, "%s: ", name);
    for (size_t i = 0; i < HASH_LEN; i++) {
        buffer_print(text, "%02x", hash->at[i]);
    }
    buffer_print(text, "\n");
}

void
manifest_print(const struct manifest *manifest, struct buffer *text)
{
    time_t seconds = (time_t)(manifest->time_us / 1000000);
    struct tm parts;
    char moment[32] = "";

    if (gmtime_r(&seconds, &parts) != NULL) {
        strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    buffer_print(text, "# A backup of a store of vigie, up to %s.\n", moment);
    buffer_print(text, "backup: %d\nprogram: %s\nkind: %s\nschema: %" PRIu32 "\n",
                 DRAWING, manifest->program, manifest->full ? "full" : "increment",
                 manifest->schema);
    buffer_print(text, "store: %016" PRIx64 "\nsince: %" PRIu64 "\ncommit: %" PRIu64 "\n",
                 manifest->store, manifest->since, manifest->commit);
    buffer_print(text, "block: %" PRIu64 "\ntime_us: %" PRId64 "\n", manifest->block,
                 manifest->time_us);
    print_hash(text, "hash", &manifest->hash);
    buffer_print(text, "bytes: %" PRIu64 "\n", manifest->bytes);
    print_hash(text, "checksum", &manifest->checksum);
}

// ---- reading ----

static bool
read_number(struct bytes text, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (text.len == 0 || text.len > 19) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    *ret_number = number;
    return true;
}

static int
hex_digit(uint8_t letter)
{
    return letter >= '0' && letter <= '9'   ? letter - '0'
           : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
                                            : -1;
}

static bool
read_hex(struct bytes text, uint8_t *ret_bytes, size_t len)
{
    if (text.len != 2 * len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text.at[2 * i]);
        int low = hex_digit(text.at[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool
read_small(struct bytes text, uint32_t *ret_number)
{
    uint64_t number = 0;

    if (!read_number(text, &number) || number > UINT32_MAX) {
        return false;
    }
    *ret_number = (uint32_t)number;
    return true;
}

static bool
read_store(struct bytes text, uint64_t *ret_number)
{
    uint8_t bytes[sizeof *ret_number];
    uint64_t number = 0;

    if (!read_hex(text, bytes, sizeof bytes)) {
        return false;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        number = number << 8 | bytes[i];
    }
    *ret_number = number;
    return true;
}

static bool
read_program(struct bytes text, char *ret_program)
{
    if (text.len == 0 || text.len >= MANIFEST_PROGRAM_LEN) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < ' ' || text.at[i] > '~') {
            return false;
        }
    }
    memcpy(ret_program, text.at, text.len);
    ret_program[text.len] = 0;
    return true;
}

enum name {
    BACKUP,
    PROGRAM,
    KIND,
    SCHEMA,
    STORE,
    SINCE,
    COMMIT,
    BLOCK,
    TIME,
    HASH,
    BYTES,
    CHECKSUM,
    NAMES
};

static const char *const names[NAMES] = {
    "backup", "program", "kind",    "schema", "store", "since",
    "commit", "block",   "time_us", "hash",   "bytes", "checksum",
};

static bool
read_value(enum name name, struct bytes value, struct manifest *manifest)
{
    uint64_t number = 0;

    switch (name) {
    case BACKUP:
        return read_number(value, &number) && number == DRAWING;
    case PROGRAM:
        return read_program(value, manifest->program);
    case KIND:
        manifest->full = bytes_equal(value, "full");
        return manifest->full || bytes_equal(value, "increment");
    case SCHEMA:
        return read_small(value, &manifest->schema);
    case STORE:
        return read_store(value, &manifest->store);
    case SINCE:
        return read_number(value, &manifest->since);
    case COMMIT:
        return read_number(value, &manifest->commit);
    case BLOCK:
        return read_number(value, &manifest->block);
    case TIME:
        if (!read_number(value, &number) || number > INT64_MAX) {
            return false;
        }
        manifest->time_us = (int64_t)number;
        return true;
    case HASH:
        return read_hex(value, manifest->hash.at, HASH_LEN);
    case BYTES:
        return read_number(value, &manifest->bytes);
    case CHECKSUM:
        return read_hex(value, manifest->checksum.at, HASH_LEN);
    case NAMES:
        break;
    }
    return false;
}

// Which name a line begins with, and what follows on it.
static enum name
name_of(struct bytes line, struct bytes *ret_value)
{
    for (enum name name = BACKUP; name < NAMES; name++) {
        size_t len = strlen(names[name]);

        if (line.len > len + 1 && memcmp(line.at, names[name], len) == 0 &&
            line.at[len] == ':' && line.at[len + 1] == ' ') {
            *ret_value = (struct bytes){line.at + len + 2, line.len - len - 2};
            return name;
        }
    }
    return NAMES;
}

static enum vg_status
read_line(struct bytes line, unsigned number, unsigned *seen, struct manifest *manifest,
          struct why *why)
{
    struct bytes value;
    enum name name;

    if (line.len == 0 || line.at[0] == '#') {
        return VG_OK;
    }
    name = name_of(line, &value);
    if (name == NAMES) {
        return fail(why, VG_BAD_FILE, "MANIFEST line %u: no name of a manifest", number);
    }
    if ((*seen >> name & 1) != 0 || !read_value(name, value, manifest)) {
        return fail(why, VG_BAD_FILE, "MANIFEST line %u: %s: no such value, or twice",
                    number, names[name]);
    }
    *seen |= 1u << name;
    return VG_OK;
}

enum vg_status
manifest_parse(const char *text, size_t len, struct manifest *ret_manifest,
               struct why *why)
{
    struct manifest manifest = {.full = false};
    unsigned seen = 0;
    unsigned number = 0;
    size_t begin = 0;

    while (begin < len) {
        const char *end = memchr(text + begin, '\n', len - begin);
        size_t line = end == NULL ? len - begin : (size_t)(end - text) - begin;
        enum vg_status status =
            read_line((struct bytes){(const uint8_t *)text + begin, line}, ++number,
                      &seen, &manifest, why);

        if (status != VG_OK) {
            return status;
        }
        begin += line + 1;
    }
    for (enum name name = BACKUP; name < NAMES; name++) {
        if ((seen >> name & 1) == 0) {
            return fail(why, VG_BAD_FILE, "MANIFEST: %s is missing", names[name]);
        }
    }
    if (manifest.since > manifest.commit || manifest.full != (manifest.since == 0)) {
        return fail(why, VG_BAD_FILE, "MANIFEST: since and commit do not fit its kind");
    }
    *ret_manifest = manifest;
    return VG_OK;
}

// ---- files ----

static enum vg_status
file_failed(const char *path, struct why *why)
{
    return fail(why, errno == ENOENT ? VG_NOT_FOUND : VG_BAD_FILE, "%s: %s", path,
                strerror(errno));
}

enum vg_status
manifest_read(const char *folder, struct manifest *ret_manifest, struct why *why)
{
    char path[PATH_LEN];
    char text[MANIFEST_BYTES_MAX + 1];
    size_t len;
    FILE *file;

    snprintf(path, sizeof path, "%s/" MANIFEST_NAME, folder);
    file = fopen(path, "re");
    if (file == NULL) {
        return file_failed(path, why);
    }
    len = fread(text, 1, sizeof text, file);
    fclose(file);
    if (len > MANIFEST_BYTES_MAX) {
        return fail(why, VG_BAD_FILE, "%s has more than %d bytes", path,
                    MANIFEST_BYTES_MAX);
    }
    return manifest_parse(text, len, ret_manifest, why);
}

static bool
write_synced(const char *path, const struct buffer *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    bool good =
        fd >= 0 && write(fd, text->at, text->len) == (ssize_t)text->len && fsync(fd) == 0;

    if (fd >= 0 && close(fd) != 0) {
        good = false;
    }
    return good;
}

static bool
sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return good;
}

enum vg_status
manifest_write(const char *folder, const struct manifest *manifest, struct why *why)
{
    char path[PATH_LEN];
    char new[PATH_LEN + 8];
    struct buffer text = {0};
    bool written;

    snprintf(path, sizeof path, "%s/" MANIFEST_NAME, folder);
    snprintf(new, sizeof new, "%s.new", path);
    manifest_print(manifest, &text);
    written = write_synced(new, &text) && rename(new, path) == 0 && sync_folder(folder);
    buffer_free(&text);
    return written ? VG_OK : fail(why, VG_BAD_FILE, "%s: %s", path, strerror(errno));
}
