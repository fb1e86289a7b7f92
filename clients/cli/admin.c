// SPDX-License-Identifier: EUPL-1.2
// admin.c - the broker's HTTP port: JSON on loopback, behind the token of the home folder.
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { ADMIN_SECONDS_MAX = 300 }; // a walk over a cold directory takes some minutes

static size_t
take_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct admin_answer *answer = arg;
    char *text = realloc(answer->text, answer->text_len + size * count + 1);

    if (text == NULL) {
        return 0;
    }
    memcpy(text + answer->text_len, bytes, size * count);
    answer->text = text;
    answer->text_len += size * count;
    text[answer->text_len] = 0;
    return size * count;
}

static struct curl_slist *
headers_for(const struct cli *cli)
{
    char *path = home_path(cli, "token");
    char *token = file_read(path, NULL);
    char *header = NULL;
    struct curl_slist *headers = NULL;

    if (token != NULL) {
        token[strcspn(token, "\r\n")] = 0;
        if (asprintf(&header, "Authorization: Bearer %s", token) > 0) {
            headers = curl_slist_append(headers, header);
        }
    }
    headers = curl_slist_append(headers, "Expect:");
    free(header);
    free(token);
    free(path);
    return headers;
}

static void
perform(const struct cli *cli, const char *url, const char *body, size_t body_len,
        struct admin_answer *ret)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = headers_for(cli);
    long http = 0;

    if (curl == NULL) {
        abort();
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ADMIN_SECONDS_MAX);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len);
    }
    if (curl_easy_perform(curl) == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http);
        ret->http = (int)http;
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

void
admin_call(const struct cli *cli, const char *path, const char *body, size_t body_len,
           struct admin_answer *ret)
{
    char *endpoint = home_ready(cli, "http");
    char *url = NULL;

    memset(ret, 0, sizeof *ret);
    if (endpoint != NULL && asprintf(&url, "http://%s%s", endpoint, path) > 0) {
        perform(cli, url, body, body_len, ret);
    }
    if (ret->text != NULL) {
        ret->body = json_loadb(ret->text, ret->text_len, 0, NULL);
    }
    free(url);
    free(endpoint);
}

void
admin_answer_clear(struct admin_answer *answer)
{
    json_decref(answer->body);
    free(answer->text);
    memset(answer, 0, sizeof *answer);
}

// The faults one by one, unless the only one was just printed.
static void
print_faults(const json_t *faults, const char *printed)
{
    size_t i;
    json_t *fault;

    json_array_foreach(faults, i, fault)
    {
        const char *sentence = json_string_value(json_object_get(fault, "sentence"));
        json_int_t line = json_integer_value(json_object_get(fault, "line"));

        if (line == 0 && json_array_size(faults) == 1 && sentence != NULL &&
            strcmp(sentence, printed) == 0) {
            return;
        }
        if (line > 0) {
            fprintf(stderr, "  line %lld: ", (long long)line);
        } else {
            fprintf(stderr, "  %s: ", json_string_value(json_object_get(fault, "name")));
        }
        fprintf(stderr, "%s\n", sentence != NULL ? sentence : "");
    }
}

bool
admin_done(const struct cli *cli, const struct admin_answer *answer, int *ret_exit)
{
    json_t *error = json_object_get(answer->body, "error");
    struct vg_error refusal = {.status = VG_DISCONNECTED};

    if (answer->http >= 200 && answer->http < 300) {
        *ret_exit = EXIT_DONE;
        return true;
    }
    if (answer->http == 0) {
        snprintf(refusal.sentence, sizeof refusal.sentence,
                 "the broker of %.80s does not answer (is vigied running?)", cli->home);
    } else {
        const char *sentence = json_string_value(json_object_get(error, "sentence"));

        refusal.status =
            (enum vg_status)json_integer_value(json_object_get(error, "number"));
        snprintf(refusal.sentence, sizeof refusal.sentence, "%s",
                 sentence != NULL ? sentence : "the answer is not JSON");
    }
    if (cli->json && error != NULL) {
        cli_print(json_pack("{s:O}", "error", error)); // with all its faults
        *ret_exit = cli_exit_of(refusal.status);
    } else {
        *ret_exit = cli_refused(cli, &refusal);
        print_faults(json_object_get(error, "faults"), refusal.sentence);
    }
    return false;
}

int
admin_show(const struct cli *cli, const char *path, const char *const *columns,
           size_t columns_len, const char *member)
{
    struct admin_answer answer;
    int code = EXIT_DONE;

    admin_call(cli, path, NULL, 0, &answer);
    if (admin_done(cli, &answer, &code)) {
        if (cli->json) {
            cli_print(json_incref(answer.body));
        } else {
            cli_table(columns, columns_len, json_object_get(answer.body, member));
        }
    }
    admin_answer_clear(&answer);
    return code;
}

bool
admin_add_institution(const struct cli *cli, json_t *institution, int *ret_exit)
{
    char *body = json_dumps(institution, JSON_COMPACT);
    struct admin_answer answer;

    admin_call(cli, "/v1/institutions", body, strlen(body), &answer);
    free(body);

    bool done = admin_done(cli, &answer, ret_exit);

    admin_answer_clear(&answer);
    return done;
}

bool
admin_register_key(const struct cli *cli, const char *code, const char *role,
                   const char *public_key, int *ret_exit)
{
    json_t *object = json_pack("{s:s,s:s}", "public", public_key, "role", role);
    char *body = json_dumps(object, JSON_COMPACT);
    struct admin_answer answer;
    char path[128];

    json_decref(object);
    snprintf(path, sizeof path, "/v1/institutions/%.24s/keys", code);
    admin_call(cli, path, body, strlen(body), &answer);
    free(body);

    bool done = admin_done(cli, &answer, ret_exit);

    admin_answer_clear(&answer);
    return done;
}

bool
admin_add_key(const struct cli *cli, const char *code, const char *role, char **ret_path,
              int *ret_exit)
{
    char public_key[VG_KEY_TEXT_LEN];
    char secret_key[VG_KEY_TEXT_LEN];
    char name[64];

    if (vg_key_make(public_key, secret_key) != VG_OK) {
        *ret_exit = EXIT_DAMAGED;
        return false;
    }
    if (!admin_register_key(cli, code, role, public_key, ret_exit)) {
        return false;
    }
    snprintf(name, sizeof name, "%.24s.%.10s", code, role);

    char *file = key_file_write(cli, name, public_key, secret_key);

    if (file == NULL) {
        *ret_exit = EXIT_DAMAGED;
        return false;
    }
    if (ret_path != NULL) {
        *ret_path = file;
    } else {
        free(file);
    }
    return true;
}
