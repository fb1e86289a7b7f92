// SPDX-License-Identifier: EUPL-1.2
#include "results.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 16 };

struct results {
    FILE *file;
    uint64_t last_line;
    uint64_t len;
    uint64_t refused;
};

bool
results_measure(const char *path, struct results_source *ret)
{
    FILE *file = fopen(path, "re");
    uint8_t bytes[READ_BYTES];
    uint8_t last = '\n';
    size_t len;
    bool good;

    *ret =
        (struct results_source){.name = path, .checksum = UINT64_C(0xcbf29ce484222325)};
    if (file == NULL) {
        return false;
    }
    while ((len = fread(bytes, 1, sizeof bytes, file)) > 0) {
        for (size_t i = 0; i < len; i++) {
            ret->checksum = (ret->checksum ^ bytes[i]) * UINT64_C(0x100000001b3);
            ret->lines += bytes[i] == '\n';
        }
        ret->bytes += len;
        last = bytes[len - 1];
    }
    ret->lines += last != '\n';
    good = ferror(file) == 0;
    fclose(file);
    return good;
}

// ---- what is there ----

static bool
read_header(const char *text, const struct results_source *source, char *ret_reason)
{
    uint64_t bytes;
    uint64_t checksum;

    if (sscanf(text, "{\"bytes\":%" SCNu64 ",\"checksum\":\"%" SCNx64 "\"", &bytes,
               &checksum) != 2) {
        snprintf(ret_reason, RESULTS_REASON_LEN, "it is there and holds no results");
        return false;
    }
    if (bytes != source->bytes || checksum != source->checksum) {
        snprintf(ret_reason, RESULTS_REASON_LEN,
                 "its results are of another file than %s", source->name);
        return false;
    }
    return true;
}

// A whole line with the next result; what a crash left behind is none.
static bool
read_result(struct results *results, const char *text, size_t len)
{
    uint64_t line;
    char word[8];

    if (sscanf(text, "{\"line\":%" SCNu64 ",\"result\":\"%7[A-Z]\"", &line, word) != 2 ||
        text[len - 1] != '\n' || strlen(text) != len || line <= results->last_line) {
        return false;
    }
    results->last_line = line;
    results->len++;
    results->refused += strcmp(word, "NO") == 0;
    return true;
}

static bool
begin_results(struct results *results, const struct results_source *source)
{
    return fprintf(results->file,
                   "{\"bytes\":%" PRIu64 ",\"checksum\":\"%016" PRIx64
                   "\",\"lines\":%" PRIu64 "}\n",
                   source->bytes, source->checksum, source->lines) > 0 &&
           fflush(results->file) == 0;
}

// Leaves the file's end behind the last whole result.
static bool
take_up(struct results *results, const struct results_source *source, char *ret_reason)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t len = getline(&text, &size, results->file);
    off_t end = len;
    bool good = true;

    if (len > 0 && text[len - 1] == '\n') {
        good = read_header(text, source, ret_reason);
        while (good && (len = getline(&text, &size, results->file)) > 0 &&
               read_result(results, text, (size_t)len)) {
            end += len;
        }
    } else {
        end = 0; // new, or its first line is cut off
    }
    free(text);
    if (!good) {
        return false;
    }
    clearerr(results->file);
    if (ftruncate(fileno(results->file), end) != 0 ||
        fseeko(results->file, end, SEEK_SET) != 0 ||
        (end == 0 && !begin_results(results, source))) {
        snprintf(ret_reason, RESULTS_REASON_LEN, "%s", strerror(errno));
        return false;
    }
    return true;
}

// ---- life ----

struct results *
results_open(const char *path, const struct results_source *source,
             char ret_reason[RESULTS_REASON_LEN])
{
    struct results *results = calloc(1, sizeof *results);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); // it says who is followed

    if (results == NULL || fd < 0 || (results->file = fdopen(fd, "r+")) == NULL) {
        snprintf(ret_reason, RESULTS_REASON_LEN, "%s", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        free(results);
        return NULL;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        snprintf(ret_reason, RESULTS_REASON_LEN, "another run is writing it");
    } else if (take_up(results, source, ret_reason)) {
        return results;
    }
    fclose(results->file);
    free(results);
    return NULL;
}

bool
results_close(struct results **results)
{
    bool good = true;

    if (*results != NULL) {
        good = fflush((*results)->file) == 0 && fdatasync(fileno((*results)->file)) == 0;
        good = fclose((*results)->file) == 0 && good;
        free(*results);
        *results = NULL;
    }
    return good;
}

// ---- verbs ----

bool
results_add(struct results *results, const char *text)
{
    return fputs(text, results->file) >= 0 && fputc('\n', results->file) != EOF;
}

bool
results_flush(struct results *results)
{
    return fflush(results->file) == 0;
}

// ---- questions ----

uint64_t
results_last_line(const struct results *results)
{
    return results->last_line;
}

uint64_t
results_len(const struct results *results)
{
    return results->len;
}

uint64_t
results_refused(const struct results *results)
{
    return results->refused;
}
