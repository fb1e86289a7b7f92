// SPDX-License-Identifier: EUPL-1.2
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { FILE_BYTES_MAX = 64 << 20, KEY_FILES_MAX = 1000 };

char *
home_path(const struct cli *cli, const char *format, ...)
{
    char *name = NULL;
    char *path = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&name, format, args) < 0 ||
        asprintf(&path, "%s/%s", cli->home, name) < 0) {
        abort();
    }
    va_end(args);
    free(name);
    return path;
}

char *
file_read(const char *path, size_t *ret_len)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char *text = NULL;
    size_t len = 0;
    size_t size = 0;

    if (file == NULL) {
        return NULL;
    }
    for (;;) {
        if (len + 1 >= size) {
            size = size * 2 + 65536;
            text = realloc(text, size);
            if (text == NULL || size > 2 * (size_t)FILE_BYTES_MAX) {
                abort();
            }
        }

        size_t got = fread(text + len, 1, size - len - 1, file);

        if (got == 0) {
            break;
        }
        len += got;
    }
    text[len] = 0;
    if (file != stdin) {
        fclose(file);
    }
    if (ret_len != NULL) {
        *ret_len = len;
    }
    return text;
}

bool
file_write(const char *path, const char *text, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    size_t len = strlen(text);

    if (fd < 0) {
        return false;
    }

    bool done = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;

    return close(fd) == 0 && done;
}

char *
home_value(const char *path, const char *name)
{
    char *text = file_read(path, NULL);
    char *value = NULL;
    char *rest = text;
    size_t name_len = strlen(name);

    for (char *line; value == NULL && (line = strsep(&rest, "\n")) != NULL;) {
        if (strncmp(line, name, name_len) == 0 && line[name_len] == ':') {
            line += name_len + 1;
            line += strspn(line, " \t");
            line[strcspn(line, "\r")] = 0;
            value = strdup(line);
        }
    }
    free(text);
    return value;
}

char *
home_ready(const struct cli *cli, const char *name)
{
    char *path = home_path(cli, "run/vigied.ready");
    char *value = home_value(path, name);

    free(path);
    return value;
}

char *
key_broker_lines(const struct cli *cli)
{
    char *broker = home_path(cli, "broker.key");
    char *broker_public = home_value(broker, "public");
    char *sources = home_ready(cli, "sources");
    char *members = home_ready(cli, "members");
    char *text = NULL;

    if (asprintf(&text, "endpoint_sources: %s\nendpoint_members: %s\nbroker_public: %s\n",
                 sources ? sources : "", members ? members : "",
                 broker_public ? broker_public : "") < 0) {
        abort();
    }
    free(members);
    free(sources);
    free(broker_public);
    free(broker);
    return text;
}

static char *
key_text(const struct cli *cli, const char *name, const char *public_key,
         const char *secret_key)
{
    char *lines = key_broker_lines(cli);
    char *text = NULL;

    if (asprintf(&text,
                 "# %s: keep it secret. public is what the broker knows.\n"
                 "%spublic: %s\nsecret: %s\n",
                 name, lines, public_key, secret_key) < 0) {
        abort();
    }
    free(lines);
    return text;
}

char *
key_file_write(const struct cli *cli, const char *name, const char *public_key,
               const char *secret_key)
{
    char *text = key_text(cli, name, public_key, secret_key);
    char *path = home_path(cli, "keys/%s.key", name);
    bool done = file_write(path, text, 0600);

    // Whoever still holds the earlier key goes on using its file.
    for (int i = 2; !done && errno == EEXIST && i < KEY_FILES_MAX; i++) {
        free(path);
        path = home_path(cli, "keys/%s.%d.key", name, i);
        done = file_write(path, text, 0600);
    }
    free(text);
    if (!done) {
        fprintf(stderr, "%s: %s: %s\n", cli->name, path, strerror(errno));
        free(path);
        return NULL;
    }
    return path;
}

char *
key_path(const struct cli *cli, const char *key)
{
    return strchr(key, '/') != NULL || access(key, R_OK) == 0
               ? strdup(key)
               : home_path(cli, "keys/%s.key", key);
}

struct vg_address *
key_address(const struct cli *cli, const char *key, const char *door)
{
    char *path = key_path(cli, key);
    struct vg_address *address = NULL;
    struct vg_error error = {0};

    if (vg_address_load(path, door, &address, &error) != VG_OK) {
        cli_refused(cli, &error);
    } else {
        address->program = "vigie " VIGIE_VERSION;
    }
    free(path);
    return address;
}
