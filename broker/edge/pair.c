// SPDX-License-Identifier: EUPL-1.2
#include "edge/pair.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "anchor/anchor.h"

enum { LINE_LEN_MAX = 256 };

// The value of "name: value", NULL when the line says something else.
static char *
value_of(char *line, const char *name)
{
    size_t len = strlen(name);

    if (strncmp(line, name, len) != 0 || line[len] != ':') {
        return NULL;
    }
    line += len + 1;
    line += strspn(line, " \t");
    line[strcspn(line, " \t\r\n")] = 0;
    return line;
}

// What one kind of key looks like.
struct form {
    size_t text_len;
    const char *words;
    bool (*read)(const char *text, uint8_t ret_key[PAIR_KEY_LEN]);
    bool (*derive)(const uint8_t secret[PAIR_KEY_LEN], char ret_public[PAIR_TEXT_MAX]);
};

static bool
read_z85(const char *text, uint8_t ret_key[PAIR_KEY_LEN])
{
    return zmq_z85_decode(ret_key, text) != NULL;
}

static bool
derive_curve(const uint8_t secret[PAIR_KEY_LEN], char ret_public[PAIR_TEXT_MAX])
{
    char text[PAIR_TEXT_LEN];
    bool done = zmq_z85_encode(text, secret, PAIR_KEY_LEN) != NULL &&
                zmq_curve_public(ret_public, text) == 0;

    explicit_bzero(text, sizeof text);
    return done;
}

static bool
derive_anchor(const uint8_t secret[PAIR_KEY_LEN], char ret_public[PAIR_TEXT_MAX])
{
    uint8_t key[ANCHOR_KEY_LEN];

    anchor_key(secret, key);
    anchor_key_print(key, ret_public);
    return true;
}

static const struct form forms[] = {
    [PAIR_CURVE] = {PAIR_TEXT_LEN - 1, "Z85 key of 40 characters", read_z85,
                    derive_curve},
    [PAIR_ANCHOR] = {ANCHOR_KEY_TEXT_LEN - 1, "key of 64 hexadecimal digits",
                     anchor_key_read, derive_anchor},
};

static enum vg_status
read_lines(FILE *file, const char *path, const struct form *form, struct pair *ret_pair,
           bool *ret_secret, struct why *why)
{
    char line[LINE_LEN_MAX];
    enum vg_status status = VG_OK;

    while (status == VG_OK && fgets(line, sizeof line, file) != NULL) {
        char *value = value_of(line, "public");

        if (value != NULL && strlen(value) == form->text_len) {
            memcpy(ret_pair->public_text, value, form->text_len + 1);
        }
        value = value_of(line, "secret");
        if (value == NULL) {
            continue;
        }
        *ret_secret =
            strlen(value) == form->text_len && form->read(value, ret_pair->secret);
        if (!*ret_secret) {
            status =
                fail(why, VG_BAD_SETTINGS, "%s: the secret is no %s", path, form->words);
        }
    }
    explicit_bzero(line, sizeof line);
    return status;
}

static enum vg_status
check_pair(const char *path, const struct form *form, struct pair *pair, bool has_secret,
           struct why *why)
{
    char derived[PAIR_TEXT_MAX] = "";

    if (!has_secret) {
        return fail(why, VG_BAD_SETTINGS, "%s has no line \"secret: ...\"", path);
    }
    if (!form->derive(pair->secret, derived)) {
        return fail(why, VG_BAD_SETTINGS, "%s: no public key belongs to the secret",
                    path);
    }
    if (pair->public_text[0] != 0 && strcmp(derived, pair->public_text) != 0) {
        return fail(why, VG_BAD_SETTINGS, "%s: public and secret do not belong together",
                    path);
    }
    memcpy(pair->public_text, derived, sizeof derived);
    return VG_OK;
}

enum vg_status
pair_read(const char *path, enum pair_kind kind, struct pair *ret_pair, struct why *why)
{
    struct pair pair = {0};
    struct stat about;
    bool has_secret = false;
    enum vg_status status;
    FILE *file = fopen(path, "re");

    if (file != NULL) {
        setvbuf(file, NULL, _IONBF, 0); // no copy of the secret that we could not wipe
    }
    if (file == NULL || fstat(fileno(file), &about) != 0) {
        status = fail(why, VG_BAD_FILE, "cannot read the key file %s: %s", path,
                      strerror(errno));
    } else if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        status = fail(why, VG_BAD_FILE, "%s: others than its owner may use the key file",
                      path);
    } else {
        status = read_lines(file, path, &forms[kind], &pair, &has_secret, why);
    }
    if (file != NULL) {
        fclose(file);
    }
    if (status == VG_OK) {
        status = check_pair(path, &forms[kind], &pair, has_secret, why);
    }
    if (status == VG_OK) {
        *ret_pair = pair;
    }
    pair_forget(&pair);
    return status;
}

void
pair_forget(struct pair *pair)
{
    explicit_bzero(pair, sizeof *pair);
}
