// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever stands in a key file or a token file, it is a key pair that belongs
// together, or a token, or refused with a reason that does not repeat it.
// Method: the bytes are read as both files; a pair that is accepted is derived again.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "edge/http_inside.h"
#include "edge/pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_pair(const char *path)
{
    char secret[PAIR_TEXT_LEN];
    char derived[PAIR_TEXT_LEN];
    struct why why = {0};
    struct pair pair = {.secret = {7}};

    if (pair_read(path, PAIR_CURVE, &pair, &why) != VG_OK) {
        CHECK(why.text[0] != 0 && pair.secret[0] == 7); // written only on VG_OK
        return;
    }
    CHECK(zmq_z85_encode(secret, pair.secret, PAIR_KEY_LEN) != NULL);
    CHECK(zmq_curve_public(derived, secret) == 0);
    CHECK(strcmp(derived, pair.public_text) == 0);
    pair_forget(&pair);
    CHECK(pair.secret[0] == 0 && pair.public_text[0] == 0);
}

static void
check_token(const char *path)
{
    uint8_t hash[HTTP_TOKEN_HASH_LEN] = {7};
    struct why why = {0};

    if (http_read_token(path, hash, &why) != VG_OK) {
        CHECK(why.text[0] != 0 && hash[0] == 7);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    char path[64];
    int fd = memfd_create("secret", 0);

    CHECK(fd >= 0 && fchmod(fd, 0600) == 0);
    CHECK(write(fd, at, len) == (ssize_t)len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    check_pair(path);
    check_token(path);
    close(fd);
    return 0;
}
