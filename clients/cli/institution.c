// SPDX-License-Identifier: EUPL-1.2
// institution.c - init, keygen and institution: what an administrator sets up.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

// ---- init ----

static bool
make_folder(const struct cli *cli, const char *name)
{
    char *path = home_path(cli, "%s", name);
    bool done = mkdir(path, 0700) == 0 || errno == EEXIST;

    if (!done) {
        fprintf(stderr, "vigie init: %s: %s\n", path, strerror(errno));
    }
    free(path);
    return done;
}

static bool
make_file(const struct cli *cli, const char *name, const char *text, unsigned mode)
{
    char *path = home_path(cli, "%s", name);
    bool done = file_write(path, text, mode);

    if (!done) {
        fprintf(stderr, "vigie init: %s: %s\n", path, strerror(errno));
    }
    free(path);
    return done;
}

static bool
make_key(const struct cli *cli)
{
    char public_key[VG_KEY_TEXT_LEN];
    char secret_key[VG_KEY_TEXT_LEN];
    char text[256];

    if (vg_key_make(public_key, secret_key) != VG_OK) {
        return false;
    }
    snprintf(text, sizeof text, "public: %s\nsecret: %s\n", public_key, secret_key);
    return make_file(cli, "broker.key", text, 0600);
}

// What signs the journal once a day is a key of its own: whoever checks a signature needs
// nothing that opens a connection.
static bool
make_anchor_key(const struct cli *cli)
{
    char *path = home_path(cli, ANCHOR_KEY_FILE);
    bool done = anchor_key_make(path);

    if (!done) {
        fprintf(stderr, "vigie init: %s: %s\n", path, strerror(errno));
    }
    free(path);
    return done;
}

static bool
make_token(const struct cli *cli)
{
    char public_key[VG_KEY_TEXT_LEN];
    char token[VG_KEY_TEXT_LEN];
    char text[VG_KEY_TEXT_LEN + 1];

    // A CURVE secret is 32 random bytes; as a token it needs only plain characters.
    if (vg_key_make(public_key, token) != VG_OK) {
        return false;
    }
    for (char *at = token; *at != 0; at++) {
        if (strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                   *at) == NULL) {
            *at = 'x';
        }
    }
    snprintf(text, sizeof text, "%s\n", token);
    return make_file(cli, "token", text, 0600);
}

// The files that come with the program: beside the sources, or where they are installed.
static char *
read_shipped(const char *name)
{
    static const char *const folders[] = {VIGIE_SHIPPED_BUILD, VIGIE_SHIPPED_INSTALL};
    char path[512];

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folders[i], name);

        char *text = file_read(path, NULL);

        if (text != NULL) {
            return text;
        }
    }
    fprintf(stderr, "vigie init: %s is not installed\n", name);
    return NULL;
}

static bool
copy_shipped(const struct cli *cli, const char *name)
{
    char *text = read_shipped(name);
    bool done = text != NULL && make_file(cli, name, text, 0644);

    free(text);
    return done;
}

bool
home_make(const struct cli *cli)
{
    if (mkdir(cli->home, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "vigie init: %s: %s\n", cli->home, strerror(errno));
        return false;
    }
    return make_folder(cli, "store") && make_folder(cli, "run") &&
           make_folder(cli, "keys") && copy_shipped(cli, "vigied.yaml") &&
           copy_shipped(cli, "catalogue.yaml") && make_key(cli) && make_anchor_key(cli) &&
           make_token(cli);
}

int
command_init(struct cli *cli)
{
    if (!cli_options(cli, NULL, 0, 0, 1)) {
        return EXIT_USAGE;
    }
    if (cli->argc > 1) {
        cli->home = cli->argv[1];
    }
    if (!home_make(cli)) {
        return EXIT_REFUSED;
    }
    if (cli->json) {
        cli_print(json_pack("{s:s}", "home", cli->home));
    } else {
        printf("%s is ready. Start the broker:\n    vigied --settings %s/vigied.yaml\n",
               cli->home, cli->home);
    }
    return EXIT_DONE;
}

// ---- keygen ----

int
command_keygen(struct cli *cli)
{
    char public_key[VG_KEY_TEXT_LEN];
    char secret_key[VG_KEY_TEXT_LEN];
    char text[256];

    if (!cli_options(cli, NULL, 0, 1, 1)) {
        return EXIT_USAGE;
    }
    if (vg_key_make(public_key, secret_key) != VG_OK) {
        return EXIT_DAMAGED;
    }
    snprintf(text, sizeof text, "public: %s\nsecret: %s\n", public_key, secret_key);
    if (!file_write(cli->argv[1], text, 0600)) {
        fprintf(stderr, "vigie keygen: %s: %s\n", cli->argv[1], strerror(errno));
        return EXIT_REFUSED;
    }
    if (cli->json) {
        cli_print(json_pack("{s:s,s:s}", "file", cli->argv[1], "public", public_key));
    } else {
        printf("%s holds both keys; the broker needs only the public one:\n%s\n",
               cli->argv[1], public_key);
    }
    return EXIT_DONE;
}

// ---- institution ----

// Asked before anything is registered.
static bool
role_is_known(const struct cli *cli, const char *role)
{
    if (strcmp(role, "member") == 0 || strcmp(role, "source") == 0 ||
        strcmp(role, "operator") == 0) {
        return true;
    }
    cli_wrong(cli->name, VG_MALFORMED,
              "--role is \"%s\", none of member, source, operator", role);
    return false;
}

static int
add_institution(struct cli *cli)
{
    const char *sector = "CPAS";
    const char *number = "0";
    const char *name = NULL;
    const char *enterprise = NULL;
    const char *role = "member";
    const struct cli_option options[] = {
        {"name", "NAME", "its name", &name, NULL},
        {"sector", "SECTOR", "name or number of the sector (CPAS)", &sector, NULL},
        {"number", "N", "its number inside the sector", &number, NULL},
        {"enterprise", "NUMBER", "enterprise number", &enterprise, NULL},
        {"role", "ROLE", "of its first key: member, source, operator or none (member)",
         &role, NULL},
    };
    uint64_t in_sector = 0;
    int code = EXIT_DONE;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 1, 1) ||
        !cli_number("--number", number, 0, UINT32_MAX, &in_sector) ||
        (strcmp(role, "none") != 0 && !role_is_known(cli, role))) {
        return EXIT_USAGE;
    }

    const char *institution = cli->argv[1];
    json_t *object = json_pack("{s:s,s:s,s:s,s:I}", "code", institution, "name",
                               name != NULL ? name : institution, "sector", sector,
                               "number", (json_int_t)in_sector);

    if (enterprise != NULL) {
        json_object_set_new(object, "enterprise", json_string(enterprise));
    }

    bool done = admin_add_institution(cli, object, &code);
    char *key = NULL;

    json_decref(object);
    if (done && strcmp(role, "none") != 0) {
        done = admin_add_key(cli, institution, role, &key, &code);
    }
    if (!done) {
        return code;
    }
    if (cli->json) {
        cli_print(json_pack("{s:s,s:s?}", "institution", institution, "key", key));
    } else {
        printf("%s is registered.%s\n", institution,
               strcmp(role, "member") == 0 ? " Its mailbox fills from now on." : "");
        if (key != NULL) {
            printf("Its key: %s\n", key);
        }
    }
    free(key);
    return EXIT_DONE;
}

// The secret stays where it was drawn: what its owner must know is printed.
static int
register_key(struct cli *cli, const char *role, const char *public_key)
{
    int code = EXIT_DONE;

    if (!admin_register_key(cli, cli->argv[1], role, public_key, &code)) {
        return code;
    }
    if (cli->json) {
        cli_print(json_pack("{s:s,s:s,s:s}", "institution", cli->argv[1], "role", role,
                            "public", public_key));
        return EXIT_DONE;
    }

    char *lines = key_broker_lines(cli);

    printf("The key is registered. Its file needs these lines as well:\n%s", lines);
    free(lines);
    return EXIT_DONE;
}

static int
draw_key(struct cli *cli, const char *role)
{
    char *key = NULL;
    int code = EXIT_DONE;

    if (!admin_add_key(cli, cli->argv[1], role, &key, &code)) {
        return code;
    }
    if (cli->json) {
        cli_print(json_pack("{s:s,s:s,s:s}", "institution", cli->argv[1], "role", role,
                            "key", key));
    } else {
        printf("%s\n", key);
    }
    free(key);
    return EXIT_DONE;
}

static int
add_key(struct cli *cli)
{
    const char *role = "member";
    const char *public_key = NULL;
    const struct cli_option options[] = {
        {"role", "ROLE", "member, source or operator (member)", &role, NULL},
        {"public", "KEY", "the public key of a pair drawn elsewhere (vigie keygen)",
         &public_key, NULL},
    };

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 1, 1) ||
        !role_is_known(cli, role)) {
        return EXIT_USAGE;
    }
    return public_key != NULL ? register_key(cli, role, public_key) : draw_key(cli, role);
}

static int
list_institutions(struct cli *cli)
{
    static const char *const columns[] = {
        "CODE:code",
        "SECTOR:sector_name",
        "NUMBER:number:right",
        "ENTERPRISE:enterprise",
        "KEYS:keys_valid:right",
        "NAME:name",
    };

    if (!cli_options(cli, NULL, 0, 0, 0)) {
        return EXIT_USAGE;
    }
    return admin_show(cli, "/v1/institutions", columns,
                      sizeof columns / sizeof columns[0], "institutions");
}

static int
show_institution(struct cli *cli)
{
    static const char *const keys[] = {"KEY:public",
                                       "ROLE:role",
                                       "ADDED:added",
                                       "LAST USED:last_used",
                                       "NOW:connections:right",
                                       "REVOKED:revoked"};
    static const char *const mailboxes[] = {"MAILBOX:mailbox:right", "NAME:name",
                                            "FLOWS:flows", "RULES:rules"};
    struct admin_answer answer;
    char path[96];
    int code = EXIT_DONE;

    if (!cli_options(cli, NULL, 0, 1, 1)) {
        return EXIT_USAGE;
    }
    snprintf(path, sizeof path, "/v1/institutions/%.24s", cli->argv[1]);
    admin_call(cli, path, NULL, 0, &answer);
    if (admin_done(cli, &answer, &code)) {
        if (cli->json) {
            cli_print(json_incref(answer.body));
        } else {
            printf("%s  %s\n\n", json_string_value(json_object_get(answer.body, "code")),
                   json_string_value(json_object_get(answer.body, "name")));
            cli_table(keys, sizeof keys / sizeof keys[0],
                      json_object_get(answer.body, "keys"));
            putchar('\n');
            cli_table(mailboxes, 4, json_object_get(answer.body, "mailboxes"));
        }
    }
    admin_answer_clear(&answer);
    return code;
}

static int
revoke_key(struct cli *cli)
{
    struct admin_answer answer;
    int code = EXIT_DONE;

    if (!cli_options(cli, NULL, 0, 1, 1)) {
        return EXIT_USAGE;
    }

    char *path = key_path(cli, cli->argv[1]);
    char *from_file = home_value(path, "public");
    json_t *object =
        json_pack("{s:s}", "public", from_file != NULL ? from_file : cli->argv[1]);
    char *body = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    free(from_file);
    free(path);
    admin_call(cli, "/v1/keys/revoke", body, strlen(body), &answer);
    free(body);
    if (admin_done(cli, &answer, &code)) {
        if (cli->json) {
            cli_print(json_incref(answer.body));
        } else {
            printf("revoked; its connections are closed.\n");
        }
    }
    admin_answer_clear(&answer);
    return code;
}

// ---- merge ----

static json_t *
merger_object(const struct cli *cli, const char *into, const char *on, bool dry_run,
              bool cancel)
{
    json_t *from = json_array();
    json_t *object =
        json_pack("{s:o,s:b,s:b}", "from", from, "dry_run", dry_run, "cancel", cancel);

    for (int i = 1; i < cli->argc; i++) {
        json_array_append_new(from, json_string(cli->argv[i]));
    }
    if (into != NULL) {
        json_object_set_new(object, "into", json_string(into));
    }
    if (on != NULL) {
        json_object_set_new(object, "on", json_string(on));
    }
    return object;
}

static void
print_merger(const struct cli *cli, const struct admin_answer *answer, const char *into,
             const char *on, bool dry_run)
{
    static const char *const columns[] = {"INSTITUTION:institution",
                                          "MAILBOX:mailbox:right",
                                          "NAME:name",
                                          "WAITING:waiting:right",
                                          "HELD:held:right",
                                          "PARKED:parked:right",
                                          "THEN:then"};
    static const char *const held[] = {"INSTITUTION:institution", "QUALITY:quality",
                                       "INTEGRATIONS:integrations:right"};

    if (cli->json) {
        cli_print(json_incref(answer->body));
    } else if (dry_run) {
        cli_table(columns, sizeof columns / sizeof columns[0],
                  json_object_get(answer->body, "mailboxes"));
        putchar('\n');
        cli_table(held, sizeof held / sizeof held[0],
                  json_object_get(answer->body, "integrations"));
    } else if (into == NULL) {
        printf("given up: nothing changes hands.\n");
    } else {
        printf(
            "planned: from %s on everything is %s's. Its keys are registered as any.\n",
            on, into);
    }
}

static int
merge_institutions(struct cli *cli)
{
    const char *into = NULL;
    const char *on = NULL;
    bool dry_run = false;
    bool cancel = false;
    const struct cli_option options[] = {
        {"into", "CODE", "of which they become part", &into, NULL},
        {"on", "DATE", "the first day, as 2027-01-01", &on, NULL},
        {"dry-run", NULL, "show what would move, and plan nothing", NULL, &dry_run},
        {"cancel", NULL, "give up what was planned for them", NULL, &cancel},
    };
    struct admin_answer answer;
    int code = EXIT_DONE;

    if (!cli_options(cli, options, sizeof options / sizeof options[0], 1, 16)) {
        return EXIT_USAGE;
    }

    json_t *object = merger_object(cli, into, on, dry_run, cancel);
    char *body = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    admin_call(cli, "/v1/mergers", body, strlen(body), &answer);
    free(body);
    if (admin_done(cli, &answer, &code)) {
        print_merger(cli, &answer, cancel ? NULL : into, on, dry_run);
    }
    admin_answer_clear(&answer);
    return code;
}

int
command_institution(struct cli *cli)
{
    static const struct cli_command verbs[] = {
        {"add", "CODE", "a new one, with its first key", add_institution},
        {"key", "CODE", "one more key for it", add_key},
        {"list", "", "all of them", list_institutions},
        {"show", "CODE", "its keys and mailboxes", show_institution},
        {"revoke", "KEY|PUBLIC", "a key, from this moment on", revoke_key},
        {"merge", "CODE...", "they become part of another one", merge_institutions},
    };

    return cli_run(cli, verbs, sizeof verbs / sizeof verbs[0]);
}
