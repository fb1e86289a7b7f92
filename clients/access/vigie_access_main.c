// SPDX-License-Identifier: EUPL-1.2
// vigie_access_main.c - the words of the command.
#include <arpa/inet.h>
#include <getopt.h>
#include <libxml/parser.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"

enum { PORT_DEFAULT = 7470, EXIT_WRONG_WORDS = 2, HOST_SIZE = 16 };

static void
print_usage(FILE *to)
{
    fputs(
        "vigie-access --key FILE (--token-file FILE | --no-token) [--listen ADDRESS]\n"
        "\n"
        "Speaks OCMWCPASManageAccess (SOAP 1.1 or bare XML, POST, any path) to an\n"
        "institution's software and passes it on to the broker under its key.\n"
        "\n"
        "  --key FILE         the institution's member key (`vigie institution add`)\n"
        "  --token-file FILE  whoever asks must know its first line: as the password of\n"
        "                     HTTP's Basic scheme, or as a bearer token\n"
        "  --no-token         every user and program of this machine may ask\n"
        "  --listen ADDRESS   of loopback; default 127.0.0.1:7470, port 0: any\n"
        "\n"
        "Exit: 0 ended by a signal, 1 it cannot run, 2 wrong words.\n",
        to);
}

// "127.0.0.1:7470": only loopback, so that the institution's right never hangs on a firewall.
static bool
read_address(const char *text, char host[HOST_SIZE], uint16_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    struct in_addr address;
    char *end = NULL;
    long port = colon == NULL ? -1 : strtol(colon + 1, &end, 10);

    if (colon == NULL || end == colon + 1 || *end != '\0' || port < 0 ||
        port > UINT16_MAX || colon - text >= HOST_SIZE) {
        return false;
    }
    (void)snprintf(host, HOST_SIZE, "%.*s", (int)(colon - text), text);
    *ret_port = (uint16_t)port;
    return inet_pton(AF_INET, host, &address) == 1 &&
           ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
}

struct words {
    const char *key;
    const char *token_file;
    const char *listen;
    bool no_token;
    bool help;
};

static bool
read_words(int argc, char **argv, struct words *words)
{
    static const struct option options[] = {{"key", required_argument, NULL, 'k'},
                                            {"token-file", required_argument, NULL, 't'},
                                            {"no-token", no_argument, NULL, 'n'},
                                            {"listen", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'k':
            words->key = optarg;
            break;
        case 't':
            words->token_file = optarg;
            break;
        case 'n':
            words->no_token = true;
            break;
        case 'l':
            words->listen = optarg;
            break;
        case 'h':
            words->help = true;
            break;
        default:
            return false;
        }
    }
    return words->help || (optind == argc && words->key != NULL &&
                           words->no_token == (words->token_file == NULL));
}

int
main(int argc, char **argv)
{
    struct words words = {.listen = NULL};
    struct access_settings settings = {.host = "127.0.0.1", .port = PORT_DEFAULT};
    struct vg_address *address = NULL;
    struct vg_error error = {0};
    char host[HOST_SIZE];
    int code;

    if (!read_words(argc, argv, &words)) {
        print_usage(stderr);
        return EXIT_WRONG_WORDS;
    }
    if (words.help) {
        print_usage(stdout);
        return 0;
    }
    if (words.listen != NULL) {
        settings.host = host;
        if (!read_address(words.listen, host, &settings.port)) {
            fprintf(stderr,
                    "vigie-access: --listen is \"%s\", an address of loopback like "
                    "127.0.0.1:7470 is wanted\n",
                    words.listen);
            return EXIT_WRONG_WORDS;
        }
    }
    (void)signal(SIGPIPE, SIG_IGN);
    settings.guard.open = words.no_token;
    if (sodium_init() < 0 ||
        (!words.no_token && !access_guard_load(words.token_file, &settings.guard))) {
        return 1;
    }
    if (vg_address_load(words.key, "members", &address, &error) != VG_OK) {
        fprintf(stderr, "vigie-access: %s\n", error.sentence);
        return 1;
    }
    xmlInitParser();
    settings.address = address;
    code = access_serve(&settings);
    vg_address_free(&address);
    return code;
}
