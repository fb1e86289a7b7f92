// SPDX-License-Identifier: EUPL-1.2
// guard.c - who may ask: the token, and what keeps web pages out.
//
// A page in a browser on this machine can send a POST to loopback without asking anybody, but
// only as a form or as plain text, and the browser says whose page it is (Origin). A page
// whose name was made to lead here (DNS rebinding) names itself in Host.
#include "access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { TOKEN_LEN_MIN = 16, TOKEN_LEN_MAX = 255, HOST_LEN_MAX = 64 };

// ---- the token ----

// Hashes have one length, so that comparing them says nothing about the token's.
static void
hash_token(const char *token, size_t len, uint8_t ret_hash[ACCESS_TOKEN_HASH_LEN])
{
    (void)crypto_generichash(ret_hash, ACCESS_TOKEN_HASH_LEN, (const uint8_t *)token, len,
                             NULL, 0);
}

static const char *
take_token(FILE *file, struct access_guard *guard)
{
    char line[TOKEN_LEN_MAX + 1] = "";
    struct stat about;
    const char *wrong = NULL;
    size_t len;

    if (fstat(fileno(file), &about) != 0 || (about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return "others than its owner may use it";
    }
    if (fgets(line, sizeof line, file) == NULL) {
        return "it cannot be read";
    }
    len = strcspn(line, "\r\n");
    if (len < TOKEN_LEN_MIN || strcspn(line, " \t") < len) {
        wrong = "its first line must have at least 16 characters and no space";
    } else {
        hash_token(line, len, guard->token_hash);
    }
    sodium_memzero(line, sizeof line);
    return wrong;
}

bool
access_guard_load(const char *path, struct access_guard *ret_guard)
{
    FILE *file = fopen(path, "re");
    const char *wrong;

    if (file == NULL) {
        wrong = strerror(errno);
    } else {
        setvbuf(file, NULL, _IONBF, 0); // no copy of it that we could not wipe
        wrong = take_token(file, ret_guard);
        fclose(file);
    }
    if (wrong != NULL) {
        fprintf(stderr, "vigie-access: the token file %s: %s\n", path, wrong);
    }
    return wrong == NULL;
}

static bool
token_fits(const struct access_guard *guard, const char *token, size_t len)
{
    uint8_t hash[ACCESS_TOKEN_HASH_LEN];

    hash_token(token, len, hash);
    return sodium_memcmp(hash, guard->token_hash, sizeof hash) == 0;
}

// Basic is base64 of "user:password"; who the user is matters to nobody.
static bool
password_fits(const struct access_guard *guard, const char *base64)
{
    char plain[2 * TOKEN_LEN_MAX];
    size_t len = 0;
    const char *colon;
    bool fits = false;

    if (sodium_base642bin((uint8_t *)plain, sizeof plain, base64, strlen(base64), " ",
                          &len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0) {
        colon = memchr(plain, ':', len);
        fits = colon != NULL &&
               token_fits(guard, colon + 1, len - (size_t)(colon + 1 - plain));
    }
    sodium_memzero(plain, sizeof plain);
    return fits;
}

static bool
token_is_right(const struct access_guard *guard, const char *header)
{
    if (header == NULL) {
        return false;
    }
    if (strncasecmp(header, "Bearer ", 7) == 0) {
        return token_fits(guard, header + 7, strlen(header + 7));
    }
    return strncasecmp(header, "Basic ", 6) == 0 && password_fits(guard, header + 6);
}

// ---- the browser ----

// "127.0.0.1:7470", "localhost", "[::1]:80": whatever the port, tunnels have their own.
static bool
host_is_loopback(const char *text)
{
    char host[HOST_LEN_MAX];
    size_t brackets = text[0] == '[';
    size_t len = brackets != 0 ? strcspn(text, "]") : strcspn(text, ":");
    struct in_addr v4;

    if (len <= brackets || len >= sizeof host) {
        return false;
    }
    (void)snprintf(host, sizeof host, "%.*s", (int)(len - brackets), text + brackets);
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (inet_pton(AF_INET, host, &v4) == 1 &&
            ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET);
}

static bool
is_xml(const char *type)
{
    static const char *const types[] = {"text/xml", "application/xml",
                                        "application/soap+xml"};
    size_t len = type == NULL ? 0 : strcspn(type, "; \t");

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (len == strlen(types[i]) && strncasecmp(type, types[i], len) == 0) {
            return true;
        }
    }
    return false;
}

int
access_guard_refuses(const struct access_guard *guard, struct evhttp_request *request,
                     const char **ret_why)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *host = evhttp_find_header(headers, "Host");

    if (host != NULL && !host_is_loopback(host)) {
        *ret_why = "the request names another host in Host: this port is loopback's only";
        return 403;
    }
    if (evhttp_find_header(headers, "Origin") != NULL) {
        *ret_why = "a web page asks (Origin)";
        return 403;
    }
    if (!guard->open &&
        !token_is_right(guard, evhttp_find_header(headers, "Authorization"))) {
        *ret_why = "the token is missing or wrong";
        return 401;
    }
    if (!is_xml(evhttp_find_header(headers, "Content-Type"))) {
        *ret_why = "Content-Type: text/xml is wanted";
        return 415;
    }
    return 0;
}
