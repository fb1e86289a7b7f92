// SPDX-License-Identifier: EUPL-1.2
// http_guard.c - who may ask: the token, and what a browser says of the page behind it.
//
// A page from anywhere can make an administrator's browser ask us: it says so in Origin, or,
// when it has made its own name lead to loopback (DNS rebinding), in Host.
#include "edge/http_inside.h"

#include "edge/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { TOKEN_LEN_MIN = 16, TOKEN_LEN_MAX = 255, HOST_LEN_MAX = 64 };

// ---- the token ----

// Hashes have one length, so that comparing them says nothing about the token's.
static void
hash_token(const char *token, size_t len, uint8_t ret_hash[HTTP_TOKEN_HASH_LEN])
{
    CHECK(crypto_generichash(ret_hash, HTTP_TOKEN_HASH_LEN, (const uint8_t *)token, len,
                             NULL, 0) == 0);
}

static enum vg_status
take_token(const char *line, const char *path, uint8_t ret_hash[HTTP_TOKEN_HASH_LEN],
           struct why *why)
{
    size_t len = strcspn(line, "\r\n");

    if (len < TOKEN_LEN_MIN || strcspn(line, " \t") < len) {
        return fail(
            why, VG_BAD_SETTINGS,
            "%s: its first line must be a token of at least %d characters without "
            "spaces",
            path, TOKEN_LEN_MIN);
    }
    hash_token(line, len, ret_hash);
    return VG_OK;
}

enum vg_status
http_read_token(const char *path, uint8_t ret_hash[HTTP_TOKEN_HASH_LEN], struct why *why)
{
    char line[TOKEN_LEN_MAX + 1] = "";
    struct stat about;
    enum vg_status status;
    FILE *file = fopen(path, "re");

    if (file != NULL) {
        setvbuf(file, NULL, _IONBF, 0); // no copy of it that we could not wipe
    }
    if (file == NULL || fstat(fileno(file), &about) != 0) {
        status = fail(why, VG_BAD_FILE, "cannot read the token file %s: %s", path,
                      strerror(errno));
    } else if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        status = fail(why, VG_BAD_FILE,
                      "%s: others than its owner may use the token file", path);
    } else if (fgets(line, sizeof line, file) == NULL && ferror(file) != 0) {
        status = fail(why, VG_BAD_FILE, "cannot read the token file %s", path);
    } else {
        status = take_token(line, path, ret_hash, why);
    }
    if (file != NULL) {
        fclose(file);
    }
    sodium_memzero(line, sizeof line);
    return status;
}

static const char *
header_of(const struct call *call, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(call->request), name);
}

static bool
token_is_right(const struct call *call, const uint8_t wanted[HTTP_TOKEN_HASH_LEN])
{
    static const char scheme[] = "Bearer ";
    const char *header = header_of(call, "Authorization");
    uint8_t hash[HTTP_TOKEN_HASH_LEN];

    if (header == NULL || strncasecmp(header, scheme, strlen(scheme)) != 0) {
        return false;
    }
    header += strlen(scheme);
    hash_token(header, strlen(header), hash);
    return sodium_memcmp(hash, wanted, sizeof hash) == 0;
}

// ---- the browser ----

// "127.0.0.1:7463", "localhost", "[::1]:80": whatever the port, tunnels have their own.
static bool
host_is_loopback(const char *text)
{
    char host[HOST_LEN_MAX];
    size_t brackets = text[0] == '[';
    size_t len = brackets != 0 ? strcspn(text, "]") : strcspn(text, ":");
    struct in_addr v4;
    struct in6_addr v6;

    if (len <= brackets || len >= sizeof host) {
        return false;
    }
    snprintf(host, sizeof host, "%.*s", (int)(len - brackets), text + brackets);
    if (brackets != 0) {
        return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return strcasecmp(host, "localhost") == 0 ||
           (inet_pton(AF_INET, host, &v4) == 1 &&
            ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET);
}

// Our own pages may ask; they say "http://" and what they say in Host.
static bool
origin_is_ours(const char *origin, const char *host)
{
    static const char scheme[] = "http://";

    return host != NULL && strncasecmp(origin, scheme, strlen(scheme)) == 0 &&
           strcasecmp(origin + strlen(scheme), host) == 0;
}

static const char *
wrong_with_page(const struct call *call)
{
    const char *host = header_of(call, "Host");
    const char *origin = header_of(call, "Origin");

    if (host != NULL && !host_is_loopback(host)) {
        return "the request names another host in Host: this port is loopback's only";
    }
    if (origin != NULL && !origin_is_ours(origin, host)) {
        return "another site's page asks (Origin)";
    }
    return NULL;
}

// ---- may he? ----

static bool
needs_token(const struct call *call, const struct route *route)
{
    switch (route == NULL ? HTTP_FOR_TOKEN : route->who) {
    case HTTP_FOR_ANYBODY:
        return false;
    case HTTP_FOR_METRICS:
        return !call->broker->settings->metrics_open;
    case HTTP_FOR_TOKEN:
        break;
    }
    return true;
}

bool
http_guard(struct call *call, const struct route *route,
           const uint8_t token_hash[HTTP_TOKEN_HASH_LEN])
{
    const char *wrong = wrong_with_page(call);

    if (wrong != NULL) {
        log_warning("http_refused", "why=\"%s\"", wrong);
        call_refuse(call, VG_NOT_ALLOWED, "%s", wrong);
        return false;
    }
    if (needs_token(call, route) && !token_is_right(call, token_hash)) {
        wrong = "the bearer token is missing or wrong";
        log_warning("http_refused", "why=\"%s\"", wrong);
        evhttp_add_header(evhttp_request_get_output_headers(call->request),
                          "WWW-Authenticate", "Bearer");
        call_refuse(call, VG_KEY_UNKNOWN, "%s", wrong);
        return false;
    }
    return true;
}
