// SPDX-License-Identifier: EUPL-1.2
// replay_main.c - runs a fuzz target over its folders of inputs without libFuzzer.
//
// Goal: what a fuzzer once found is tried with every compiler and sanitizer. Method: each
// file of them, and the empty input, goes once through the target. An empty or missing
// folder fails: it would prove nothing.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A copy of the exact size, so that one byte too far is found.
static int
replay(const char *path)
{
    static uint8_t bytes[INPUT_MAX];
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        perror(path);
        return -1;
    }

    size_t size = fread(bytes, 1, sizeof bytes, file);
    uint8_t *exact = malloc(size > 0 ? size : 1);

    fclose(file);
    if (exact == NULL) {
        return -1;
    }
    for (size_t i = 0; i < size; i++) {
        exact[i] = bytes[i];
    }
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

// How many inputs were played; -1: the folder or one of its files cannot be read.
static int
replay_folder(const char *name)
{
    char path[4096];
    int played = 0;
    DIR *folder = opendir(name);

    if (folder == NULL) {
        perror(name);
        return -1;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
        if (replay(path) != 0) {
            closedir(folder);
            return -1;
        }
        played++;
    }
    closedir(folder);
    return played;
}

int
main(int count, char **words)
{
    int played = 0;

    if (count < 2) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER...\n", words[0]);
        return 2;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < count; i++) {
        int more = replay_folder(words[i]);

        if (more <= 0) {
            return 1;
        }
        played += more;
    }
    printf("%d inputs replayed\n", played);
    return 0;
}
