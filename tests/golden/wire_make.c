// SPDX-License-Identifier: EUPL-1.2
// wire_make.c - writes the golden frames that are not there yet: wire_make FOLDER
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire_samples.h"

static int
write_sample(const char *folder, const struct sample *sample)
{
    size_t len = protobuf_c_message_get_packed_size(sample->message);
    uint8_t *bytes = malloc(len + 1);
    char path[4096];
    FILE *file;
    size_t written;

    snprintf(path, sizeof(path), "%s/%s.bin", folder, sample->name);
    file = fopen(path, "wbx"); // never one that is there
    if (file == NULL || bytes == NULL) {
        free(bytes);
        if (errno == EEXIST) {
            return 0;
        }
        perror(path);
        return -1;
    }
    written = fwrite(bytes, 1, protobuf_c_message_pack(sample->message, bytes), file);
    free(bytes);
    if (fclose(file) != 0 || written != len) {
        perror(path);
        return -1;
    }
    printf("%s: %zu bytes\n", path, len);
    return 0;
}

int
main(int count, char **words)
{
    struct sample samples[SAMPLES_MAX];
    size_t len = wire_samples(samples);

    if (count != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", words[0]);
        return 2;
    }
    for (size_t i = 0; i < len; i++) {
        if (write_sample(words[1], &samples[i]) != 0) {
            return 1;
        }
    }
    return 0;
}
