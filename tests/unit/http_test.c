// SPDX-License-Identifier: EUPL-1.2
// Goal: an administrator is answered in JSON, strangers are not, and a change is on the disk
// when its answer comes.
// Method: a whole broker on loopback in a fresh folder, with the shipped catalogue; a client
// in the same loop that sends bytes and reads until the other side closes; after a change
// the store is read in a transaction of its own.
#include "edge/http.h"

#include "edge/http_inside.h"
#include "edge/walks.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "edge/http_inside.h"

#include "scratch.h"
#include "store/bodies.h"

#include <cmocka.h>

#define TOKEN "0123456789abcdef0123456789abcdef"
#define BEARER "Authorization: Bearer " TOKEN "\r\n"
#define HOST "Host: 127.0.0.1:7463\r\n"

enum { SECONDS_MAX = 30, KEY_TEXT_LEN = 41 };

struct bench {
    struct scratch folder;
    struct settings settings;
    struct broker *broker;
};

// ---- a broker ----

static void
write_file(const struct bench *bench, const char *name, const char *text)
{
    char path[128];
    int fd = open(scratch_file(&bench->folder, name, path), O_WRONLY | O_CREAT | O_TRUNC,
                  0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void
write_key(const struct bench *bench)
{
    char public_text[KEY_TEXT_LEN], secret_text[KEY_TEXT_LEN], text[256];

    assert_int_equal(zmq_curve_keypair(public_text, secret_text), 0);
    snprintf(text, sizeof text, "public: %s\nsecret: %s\n", public_text, secret_text);
    write_file(bench, "broker.key", text);
}

static void
choose_settings(struct bench *bench)
{
    struct settings *settings = &bench->settings;

    settings_defaults(settings);
    snprintf(settings->store_path, SETTING_TEXT_LEN, "%s/store", bench->folder.path);
    snprintf(settings->key_file, SETTING_TEXT_LEN, "%s/broker.key", bench->folder.path);
    snprintf(settings->http_token_file, SETTING_TEXT_LEN, "%s/token", bench->folder.path);
    strcpy(settings->catalogue_file, SOURCE_DIR "/deploy/catalogue.yaml");
    strcpy(settings->run_dir, "");
    strcpy(settings->sources_endpoint, "tcp://127.0.0.1:*");
    strcpy(settings->members_endpoint, "tcp://127.0.0.1:*");
    strcpy(settings->http_endpoint, "127.0.0.1:*");
    settings->map_bytes = UINT64_C(1) << 30;
    settings->disk_reserve_bytes = 0;
    settings->test_persons = true;
    settings->log_level = LOG_ERROR;
}

static int
open_bench(void **state)
{
    struct bench *bench = xcalloc(1, sizeof *bench);
    struct faults faults = {0};

    bench->folder = scratch_make();
    choose_settings(bench);
    write_key(bench);
    write_file(bench, "token", TOKEN "\n");
    log_set_level(LOG_ERROR);
    if (broker_open(&bench->settings, &bench->broker, &faults) != VG_OK) {
        print_error("%s\n", faults.fault[0].why.text);
        return -1;
    }
    *state = bench;
    return 0;
}

static int
close_bench(void **state)
{
    struct bench *bench = *state;

    broker_close(&bench->broker);
    scratch_end(&bench->folder);
    free(bench);
    return 0;
}

// ---- a client ----

struct client {
    struct bufferevent *stream;
    struct evbuffer *received;
    bool ended;
};

static void
take_end(struct bufferevent *stream, short what, void *arg)
{
    struct client *client = arg;
    (void)stream;

    client->ended |= (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0;
}

static void
client_open(struct client *client, struct bench *bench)
{
    struct sockaddr_storage address;
    int len = sizeof address;

    memset(client, 0, sizeof *client);
    assert_int_equal(evutil_parse_sockaddr_port(http_endpoint(bench->broker->http),
                                                (struct sockaddr *)&address, &len),
                     0);
    client->stream =
        bufferevent_socket_new(bench->broker->base, -1, BEV_OPT_CLOSE_ON_FREE);
    client->received = bufferevent_get_input(client->stream);
    bufferevent_setcb(client->stream, NULL, NULL, take_end, client);
    bufferevent_enable(client->stream, EV_READ | EV_WRITE);
    assert_int_equal(
        bufferevent_socket_connect(client->stream, (struct sockaddr *)&address, len), 0);
}

static void
client_close(struct client *client)
{
    bufferevent_free(client->stream);
    client->stream = NULL;
}

static void
client_send(struct client *client, const char *method, const char *path,
            const char *headers, const void *body, size_t body_len)
{
    struct evbuffer *out = bufferevent_get_output(client->stream);

    evbuffer_add_printf(out, "%s %s HTTP/1.1\r\n%sConnection: close\r\n%s", method, path,
                        strstr(headers, "Host:") == NULL ? HOST : "", headers);
    if (body != NULL) {
        evbuffer_add_printf(out, "Content-Length: %zu\r\n", body_len);
    }
    evbuffer_add_printf(out, "\r\n");
    evbuffer_add(out, body, body_len);
}

struct answer {
    int http;
    char head[4096];
    char *text;
    size_t text_len;
    json_t *json; // NULL: the text is none
};

static void
answer_read(struct answer *answer, struct evbuffer *received)
{
    struct evbuffer_ptr end = evbuffer_search(received, "\r\n\r\n", 4, NULL);
    size_t len = evbuffer_get_length(received);
    size_t head = end.pos < 0 ? len : (size_t)end.pos + 4;

    memset(answer, 0, sizeof *answer);
    assert_true(head < sizeof answer->head);
    evbuffer_remove(received, answer->head, head);
    sscanf(answer->head, "HTTP/1.%*c %d", &answer->http);
    answer->text_len = len - head;
    answer->text = xcalloc(1, answer->text_len + 1);
    evbuffer_remove(received, answer->text, answer->text_len);
    answer->json = json_loadb(answer->text, answer->text_len, 0, NULL);
}

static void
answer_clear(struct answer *answer)
{
    json_decref(answer->json);
    free(answer->text);
}

// Turns the loop until the other side has closed.
static struct answer
client_wait(struct client *client, struct bench *bench)
{
    struct answer answer;

    while (!client->ended) {
        assert_int_equal(event_base_loop(bench->broker->base, EVLOOP_ONCE), 0);
    }
    answer_read(&answer, client->received);
    client_close(client);
    return answer;
}

static struct answer
ask_with(struct bench *bench, const char *method, const char *path, const char *headers,
         const void *body, size_t body_len)
{
    struct client client;

    client_open(&client, bench);
    client_send(&client, method, path, headers, body, body_len);
    return client_wait(&client, bench);
}

static struct answer
get(struct bench *bench, const char *path)
{
    return ask_with(bench, "GET", path, "Authorization: Bearer " TOKEN "\r\n", NULL, 0);
}

static struct answer
post(struct bench *bench, const char *path, const char *body)
{
    return ask_with(bench, "POST", path, "Authorization: Bearer " TOKEN "\r\n", body,
                    strlen(body));
}

// ---- what an answer holds ----

static const json_t *
at(const json_t *json, const char *member)
{
    const json_t *value = json_object_get(json, member);

    if (value == NULL) {
        fail_msg("no member \"%s\"", member);
    }
    return value;
}

static json_int_t
number_at(const json_t *json, const char *member)
{
    assert_true(json_is_integer(at(json, member)));
    return json_integer_value(at(json, member));
}

static const char *
text_at(const json_t *json, const char *member)
{
    assert_true(json_is_string(at(json, member)));
    return json_string_value(at(json, member));
}

// The row of a list of which a member is this text.
static const json_t *
row_of(const json_t *rows, const char *member, const char *text)
{
    size_t i;
    json_t *row;

    assert_true(json_is_array(rows));
    json_array_foreach(rows, i, row)
    {
        if (strcmp(text_at(row, member), text) == 0) {
            return row;
        }
    }
    fail_msg("no row with %s %s", member, text);
    return NULL;
}

// A refusal in its whole shape; returns its faults.
static const json_t *
assert_refused(const struct answer *answer, int http, enum vg_status status)
{
    const json_t *error = at(answer->json, "error");

    assert_int_equal(answer->http, http);
    assert_string_equal(text_at(error, "name"), vg_status_name(status));
    assert_int_equal(number_at(error, "number"), status);
    assert_string_equal(text_at(error, "remedy"),
                        vg_remedy_name(vg_status_remedy(status)));
    assert_true(strlen(text_at(error, "sentence")) > 0);
    assert_true(json_is_array(at(error, "faults")));
    assert_int_equal(json_object_size(error), 5);
    assert_non_null(strstr(answer->head, "Content-Type: application/json\r\n"));
    return at(error, "faults");
}

static void
refused(struct bench *bench, struct answer answer, int http, enum vg_status status,
        const char *words)
{
    (void)bench;
    assert_refused(&answer, http, status);
    if (strstr(text_at(at(answer.json, "error"), "sentence"), words) == NULL) {
        fail_msg("'%s' is not in %s", words, answer.text);
    }
    answer_clear(&answer);
}

// ---- the disk ----

static struct txn *
view(struct bench *bench)
{
    struct txn *txn;

    assert_int_equal(store_read(bench->broker->store, &txn, NULL), VG_OK);
    return txn;
}

static bool
institution_is_kept(struct bench *bench, uint32_t id, const char *code)
{
    struct txn *txn = view(bench);
    struct institution institution;
    bool kept =
        institution_get(txn, (struct institution_id){id}, &institution) == VG_OK &&
        strcmp(institution.code, code) == 0;

    store_abort(&txn);
    return kept;
}

// Adds one and returns its id.
static uint32_t
add(struct bench *bench, const char *code, const char *sector)
{
    char body[256];
    uint32_t id;

    snprintf(body, sizeof body,
             "{\"code\":\"%s\",\"name\":\"Name of %s\",\"sector\":\"%s\",\"number\":7}",
             code, code, sector);

    struct answer answer = post(bench, "/v1/institutions", body);

    assert_int_equal(answer.http, 200);
    id = (uint32_t)number_at(answer.json, "id");
    assert_true(number_at(answer.json, "ticket") > 0);
    answer_clear(&answer);
    return id;
}

// ---- who may ask ----

static void
health_needs_no_token(void **state)
{
    struct answer answer = ask_with(*state, "GET", "/healthz", "", NULL, 0);

    assert_int_equal(answer.http, 200);
    assert_string_equal(text_at(answer.json, "status"), "ok");
    answer_clear(&answer);
}

static void
everything_else_needs_the_token(void **state)
{
    static const char *const paths[] = {
        "/metrics",         "/v1/queues",
        "/v1/flows",        "/v1/status",
        "/v1/institutions", "/v1/catalogue",
        "/v1/keys/revoke",  "/v1/explain",
        "/nothing",         "/",
    };
    static const char *const headers[] = {
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Bearer wrong\r\n",
        "Authorization: Basic " TOKEN "\r\n",
        "Authorization: " TOKEN "\r\n",
        "Authorization: Bearer " TOKEN "0\r\n",
        "Authorization: Bearer 0123456789abcdef0123456789abcde\r\n",
        "Authorization: Bearer 0123456789ABCDEF0123456789ABCDEF\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        for (size_t j = 0; j < ARRAY_LEN(headers); j++) {
            struct answer answer = ask_with(*state, "GET", paths[i], headers[j], NULL, 0);

            assert_non_null(strstr(answer.head, "WWW-Authenticate: Bearer\r\n"));
            refused(*state, answer, 401, VG_KEY_UNKNOWN, "bearer token");
        }
    }
}

// A route that is added says who may ask, and it is nobody without the token.
static void
every_route_says_who_may_ask(void **state)
{
    for (size_t i = 0; i < http_routes_len; i++) {
        const struct route *route = &http_routes[i];
        bool open = strcmp(route->path, "/healthz") == 0;
        const char *method = route->method == EVHTTP_REQ_GET ? "GET" : "POST";
        struct answer answer = ask_with(*state, method, route->path, "", "", 0);

        assert_int_equal(route->who, open ? HTTP_FOR_ANYBODY
                                     : strcmp(route->path, "/metrics") == 0
                                         ? HTTP_FOR_METRICS
                                         : HTTP_FOR_TOKEN);
        assert_int_equal(answer.http, open ? 200 : 401);
        answer_clear(&answer);
    }
}

static void
metrics_are_open_only_when_a_setting_says_so(void **state)
{
    struct bench *bench = *state;
    struct answer answer;

    refused(bench, ask_with(bench, "GET", "/metrics", "", NULL, 0), 401, VG_KEY_UNKNOWN,
            "bearer token");
    bench->settings.metrics_open = true;
    answer = ask_with(bench, "GET", "/metrics", "", NULL, 0);
    assert_int_equal(answer.http, 200);
    assert_non_null(strstr(answer.text, "vigie_mutations_total"));
    answer_clear(&answer);
    refused(bench, ask_with(bench, "GET", "/v1/status", "", NULL, 0), 401, VG_KEY_UNKNOWN,
            "bearer token");
}

// A name that was made to lead to loopback, and a page from somewhere else.
static void
another_sites_page_is_refused(void **state)
{
    static const char *const wrong[] = {
        "Host: evil.example\r\n" BEARER,
        "Host: evil.example:7463\r\n" BEARER,
        "Host: localhost.evil.example\r\n" BEARER,
        "Host: 127.0.0.1.evil.example\r\n" BEARER,
        "Host: 10.0.0.1:7463\r\n" BEARER,
        "Host: [2001:db8::1]:7463\r\n" BEARER,
        "Host: []\r\n" BEARER,
        "Host: :7463\r\n" BEARER,
        "Host: \r\n" BEARER,
        HOST "Origin: http://evil.example\r\n" BEARER,
        HOST "Origin: null\r\n" BEARER,
        HOST "Origin: https://127.0.0.1:7463\r\n" BEARER,
        HOST "Origin: http://127.0.0.1:8080\r\n" BEARER,
    };
    static const char *const right[] = {
        "Host: localhost:7463\r\n" BEARER,
        "Host: LOCALHOST\r\n" BEARER,
        "Host: 127.0.0.1\r\n" BEARER,
        "Host: 127.1.2.3:1\r\n" BEARER,
        "Host: [::1]:7463\r\n" BEARER,
        HOST "Origin: http://127.0.0.1:7463\r\n" BEARER,
    };

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        refused(*state, ask_with(*state, "GET", "/healthz", wrong[i], NULL, 0), 403,
                VG_NOT_ALLOWED, i < 9 ? "Host" : "Origin");
    }
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        struct answer answer = ask_with(*state, "GET", "/v1/status", right[i], NULL, 0);

        assert_int_equal(answer.http, 200);
        answer_clear(&answer);
    }
}

static int
ask_status(struct bench *bench, const char *headers)
{
    struct answer answer = ask_with(bench, "GET", "/v1/status", headers, NULL, 0);
    int http = answer.http;

    answer_clear(&answer);
    return http;
}

static void
a_reload_takes_the_new_token(void **state)
{
    struct bench *bench = *state;
    const char *fresh = "Authorization: Bearer fedcba9876543210fedcba9876543210\r\n";
    char path[128];

    write_file(bench, "token", "fedcba9876543210fedcba9876543210\n");
    assert_int_equal(ask_status(bench, BEARER), 200); // not before it is told
    http_reload(bench->broker->http);
    assert_int_equal(ask_status(bench, BEARER), 401);
    assert_int_equal(ask_status(bench, fresh), 200);

    // One that others may read is none: the token stays.
    write_file(bench, "token", TOKEN "\n");
    assert_int_equal(chmod(scratch_file(&bench->folder, "token", path), 0640), 0);
    http_reload(bench->broker->http);
    assert_int_equal(ask_status(bench, BEARER), 401);
    assert_int_equal(ask_status(bench, fresh), 200);
}

static void
a_stranger_changes_nothing(void **state)
{
    struct bench *bench = *state;
    const char *body = "{\"code\":\"CPAS-1\",\"name\":\"x\",\"sector\":\"CPAS\"}";

    refused(bench,
            ask_with(bench, "POST", "/v1/institutions", "Authorization: Bearer x\r\n",
                     body, strlen(body)),
            401, VG_KEY_UNKNOWN, "bearer token");
    assert_int_equal(roster_len(bench->broker->roster), 0);
    assert_false(institution_is_kept(bench, 1, "CPAS-1"));
}

static void
the_scheme_may_be_written_in_any_case(void **state)
{
    struct answer answer = ask_with(*state, "GET", "/v1/status",
                                    "authorization: bearer " TOKEN "\r\n", NULL, 0);

    assert_int_equal(answer.http, 200);
    answer_clear(&answer);
}

// ---- what may be asked ----

static void
an_unknown_path_is_refused(void **state)
{
    refused(*state, get(*state, "/v1/nothing"), 404, VG_NOT_FOUND, "no such path");
    refused(*state, get(*state, "/v1/queues/"), 404, VG_NOT_FOUND, "no such path");
    refused(*state, get(*state, "/v1/institutions/A/B"), 404, VG_NOT_FOUND, "no such");
    refused(*state, get(*state, "/v1/institutions/"), 404, VG_NOT_FOUND, "no such path");
    refused(*state, get(*state, "/../etc/passwd"), 404, VG_NOT_FOUND, "no such path");
}

static void
another_method_is_refused(void **state)
{
    static const char *const methods[] = {"PUT", "DELETE", "OPTIONS", "PATCH", "POST"};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct answer answer = ask_with(*state, methods[i], "/v1/queues",
                                        "Authorization: Bearer " TOKEN "\r\n", "", 0);

        assert_non_null(strstr(answer.head, "Allow: GET, POST\r\n"));
        refused(*state, answer, 405, VG_NOT_ALLOWED, "method");
    }
    refused(*state, get(*state, "/v1/keys/revoke"), 405, VG_NOT_ALLOWED, "method");
}

static void
head_is_refused_without_a_body(void **state)
{
    struct answer answer = ask_with(*state, "HEAD", "/v1/status",
                                    "Authorization: Bearer " TOKEN "\r\n", NULL, 0);

    assert_int_equal(answer.http, 405);
    assert_int_equal(answer.text_len, 0);
    answer_clear(&answer);
}

static void
a_question_that_is_none_is_refused(void **state)
{
    refused(*state, get(*state, "/v1/queues?institution"), 400, VG_MALFORMED, "question");
}

static void
what_is_no_http_ends_the_connection(void **state)
{
    struct bench *bench = *state;
    struct client client;

    client_open(&client, bench);
    evbuffer_add_printf(bufferevent_get_output(client.stream),
                        "\x16\x03\x01 hello\r\n\r\n");

    struct answer answer = client_wait(&client, bench);

    assert_true(answer.http == 400 || answer.http == 0);
    answer_clear(&answer);
    health_needs_no_token(state);
}

static struct answer
ask_with_long_header(void **state, size_t len)
{
    char *headers = xcalloc(1, len + 16);

    strcpy(headers, "X-Long: ");
    memset(headers + 8, 'x', len);
    strcpy(headers + 8 + len, "\r\n");

    struct answer answer = ask_with(*state, "GET", "/healthz", headers, NULL, 0);

    free(headers);
    return answer;
}

static void
endless_headers_are_not_read(void **state)
{
    struct answer answer = ask_with_long_header(state, 15 << 10);

    assert_int_equal(answer.http, 200);
    answer_clear(&answer);
    refused(*state, ask_with_long_header(state, 17 << 10), 413, VG_TOO_LARGE, "headers");
    refused(*state, ask_with_long_header(state, 60 << 10), 413, VG_TOO_LARGE, "headers");

    // Far over it libevent answers, or just closes.
    answer = ask_with_long_header(state, 70 << 10);
    assert_true(answer.http == 400 || answer.http == 413 || answer.http == 0);
    answer_clear(&answer);
    health_needs_no_token(state);
}

static void
a_body_over_the_limit_is_refused(void **state)
{
    struct bench *bench = *state;
    size_t len = (4 << 20) + 1;
    char *body = xcalloc(3, len);

    memset(body, '#', 3 * len);
    refused(bench,
            ask_with(bench, "POST", "/v1/catalogue",
                     "Authorization: Bearer " TOKEN "\r\n", body, len),
            413, VG_TOO_LARGE, "4194305 bytes");

    // Far over it nothing is read: libevent answers, or just closes.
    struct answer answer = ask_with(bench, "POST", "/v1/catalogue",
                                    "Authorization: Bearer " TOKEN "\r\n", body, 3 * len);

    assert_true(answer.http == 413 || answer.http == 0);
    answer_clear(&answer);
    free(body);
    assert_int_equal(bench->broker->catalogue != NULL, true);
    health_needs_no_token(state);
}

// ---- institutions and keys ----

static void
an_added_institution_is_on_the_disk_and_in_the_list(void **state)
{
    struct bench *bench = *state;
    struct answer answer =
        post(bench, "/v1/institutions",
             "{\"code\":\"CPAS-21004\",\"name\":\"CPAS de Bruxelles-Ville, caf\\u00e9\","
             "\"sector\":\"CPAS\",\"number\":\"21004\",\"enterprise\":\"0403.019.261\"}");

    assert_int_equal(answer.http, 200);
    assert_int_equal(number_at(answer.json, "id"), 1);
    assert_true(institution_is_kept(bench, 1, "CPAS-21004"));
    answer_clear(&answer);

    answer = get(bench, "/v1/institutions");

    const json_t *row = row_of(at(answer.json, "institutions"), "code", "CPAS-21004");

    assert_string_equal(text_at(row, "name"), "CPAS de Bruxelles-Ville, café");
    assert_int_equal(number_at(row, "sector"), 17);
    assert_string_equal(text_at(row, "sector_name"), "CPAS");
    assert_int_equal(number_at(row, "number"), 21004);
    assert_string_equal(text_at(row, "enterprise"), "0403019261");
    assert_int_equal(number_at(row, "keys_valid"), 0);
    answer_clear(&answer);
}

static void
a_sector_may_be_given_by_number(void **state)
{
    struct bench *bench = *state;
    struct answer answer =
        post(bench, "/v1/institutions", "{\"code\":\"RN\",\"name\":\"n\",\"sector\":1}");

    assert_int_equal(answer.http, 200);
    answer_clear(&answer);
    answer = get(bench, "/v1/institutions/RN");
    assert_string_equal(text_at(answer.json, "sector_name"), "RN");
    assert_true(json_is_null(at(answer.json, "enterprise")));
    answer_clear(&answer);
}

static void
a_code_is_given_once(void **state)
{
    add(*state, "CPAS-A", "CPAS");
    refused(*state,
            post(*state, "/v1/institutions",
                 "{\"code\":\"CPAS-A\",\"name\":\"again\",\"sector\":\"CPAS\"}"),
            409, VG_EXISTS, "CPAS-A");
    assert_false(institution_is_kept(*state, 2, "CPAS-A"));
}

static void
all_mistakes_of_a_body_are_told_at_once(void **state)
{
    struct bench *bench = *state;
    struct answer answer =
        post(bench, "/v1/institutions",
             "{\"code\":\"small letters\",\"sector\":\"MOON\",\"number\":-1,"
             "\"enterprise\":\"1234567890\",\"colour\":1}");
    const json_t *faults = assert_refused(&answer, 400, VG_MALFORMED);

    // colour, name, code, sector, number, enterprise
    assert_int_equal(json_array_size(faults), 6);
    row_of(faults, "name", "NOT_FOUND");
    row_of(faults, "name", "BAD_ENTERPRISE");
    assert_int_equal(number_at(json_array_get(faults, 0), "line"), 0);
    assert_int_equal(number_at(json_array_get(faults, 0), "number"), VG_MALFORMED);
    answer_clear(&answer);
    assert_int_equal(roster_len(bench->broker->roster), 0);
}

static void
a_body_that_is_no_object_is_refused(void **state)
{
    static const char *const bodies[] = {
        "", "[]", "1", "{\"code\":", "{\"a\":1,\"a\":2}", "\xff\xfe"};

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        refused(*state, post(*state, "/v1/institutions", bodies[i]), 400, VG_MALFORMED,
                "");
    }
}

static const char key_text[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

static enum vg_status
key_on_disk(struct bench *bench, struct key_row *row)
{
    struct txn *txn = view(bench);
    uint8_t key[KEY_LEN];
    enum vg_status status;

    assert_non_null(zmq_z85_decode(key, key_text));
    status = key_get(txn, key, row);
    store_abort(&txn);
    return status;
}

static void
add_test_key(struct bench *bench)
{
    char body[256];

    snprintf(body, sizeof body,
             "{\"public\":\"%s\",\"role\":\"member\",\"label\":\"desk 1\"}", key_text);

    struct answer answer = post(bench, "/v1/institutions/CPAS-A/keys", body);

    assert_int_equal(answer.http, 200);
    assert_true(number_at(answer.json, "ticket") > 0);
    answer_clear(&answer);
}

static void
a_key_is_added_shown_and_revoked(void **state)
{
    struct bench *bench = *state;
    struct key_row row;
    char body[128];
    uint32_t id = add(bench, "CPAS-A", "CPAS");

    add_test_key(bench);
    assert_int_equal(key_on_disk(bench, &row), VG_OK);
    assert_int_equal(row.institution, id);
    assert_int_equal(row.role, ROLE_MEMBER);
    assert_int_equal(row.revoked_us, 0);

    struct answer answer = get(bench, "/v1/institutions/CPAS-A");
    const json_t *key = row_of(at(answer.json, "keys"), "public", key_text);

    assert_int_equal(number_at(answer.json, "keys_valid"), 1);
    assert_string_equal(text_at(key, "role"), "member");
    assert_string_equal(text_at(key, "label"), "desk 1");
    assert_int_equal(strlen(text_at(key, "added")), 27);
    assert_true(json_is_null(at(key, "revoked")));
    assert_true(json_is_null(at(key, "last_used")));
    assert_int_equal(number_at(key, "connections"), 0);
    answer_clear(&answer);

    snprintf(body, sizeof body, "{\"public\":\"%s\"}", key_text);
    answer = post(bench, "/v1/keys/revoke", body);
    assert_int_equal(answer.http, 200);
    answer_clear(&answer);
    assert_int_equal(key_on_disk(bench, &row), VG_OK);
    assert_true(row.revoked_us > 0);
    answer = get(bench, "/v1/institutions/CPAS-A");
    key = row_of(at(answer.json, "keys"), "public", key_text);
    assert_int_equal(number_at(answer.json, "keys_valid"), 0);
    assert_int_equal(strlen(text_at(key, "revoked")), 27);
    answer_clear(&answer);
}

static void
a_key_that_is_none_is_refused(void **state)
{
    struct bench *bench = *state;
    struct key_row row;
    char body[128];

    add(bench, "CPAS-A", "CPAS");
    refused(bench,
            post(bench, "/v1/institutions/CPAS-A/keys",
                 "{\"public\":\"short\",\"role\":\"member\"}"),
            400, VG_MALFORMED, "40 characters");
    refused(bench,
            post(bench, "/v1/institutions/CPAS-A/keys",
                 "{\"public\":\"~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\","
                 "\"role\":\"member\"}"),
            400, VG_MALFORMED, "40 characters");
    snprintf(body, sizeof body, "{\"public\":\"%s\",\"role\":\"king\"}", key_text);
    refused(bench, post(bench, "/v1/institutions/CPAS-A/keys", body), 400, VG_MALFORMED,
            "source, member or operator");
    refused(bench, post(bench, "/v1/institutions/CPAS-B/keys", body), 404, VG_NOT_FOUND,
            "CPAS-B");
    assert_int_equal(key_on_disk(bench, &row), VG_NOT_FOUND);
    snprintf(body, sizeof body, "{\"public\":\"%s\"}", key_text);
    refused(bench, post(bench, "/v1/keys/revoke", body), 404, VG_NOT_FOUND,
            "not registered");
}

static void
the_same_key_is_not_added_twice(void **state)
{
    char body[128];

    add(*state, "CPAS-A", "CPAS");
    add_test_key(*state);
    snprintf(body, sizeof body, "{\"public\":\"%s\",\"role\":\"source\"}", key_text);
    refused(*state, post(*state, "/v1/institutions/CPAS-A/keys", body), 409, VG_EXISTS,
            "registered already");
}

static void
an_institution_shows_its_mailboxes(void **state)
{
    struct bench *bench = *state;
    uint32_t id = add(bench, "CPAS-A", "CPAS");
    struct answer answer = get(bench, "/v1/institutions/CPAS-A");
    const json_t *row = row_of(at(answer.json, "mailboxes"), "name", "default");

    assert_int_equal(number_at(row, "mailbox"), id);
    assert_string_equal(text_at(row, "flows"), "all");
    answer_clear(&answer);
    refused(bench, get(bench, "/v1/institutions/CPAS-B"), 404, VG_NOT_FOUND, "CPAS-B");
}

// ---- catalogue ----

static uint64_t
catalogue_on_disk(struct bench *bench)
{
    struct txn *txn = view(bench);
    struct meta meta;

    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    store_abort(&txn);
    return meta.catalogue;
}

static void
the_catalogue_in_force_is_shown_and_replaced(void **state)
{
    struct bench *bench = *state;
    struct answer shown = get(bench, "/v1/catalogue");
    const char *text = text_at(shown.json, "text");

    assert_int_equal(number_at(shown.json, "version"), 1);
    assert_int_equal(strncmp(text, "# SPDX", 6), 0);

    struct answer answer = post(bench, "/v1/catalogue", text);

    assert_int_equal(answer.http, 200);
    assert_int_equal(number_at(answer.json, "version"), 2);
    assert_true(number_at(answer.json, "ticket") > 0);
    assert_int_equal(catalogue_on_disk(bench), 2);
    answer_clear(&answer);
    answer_clear(&shown);
}

static void
every_fault_of_a_catalogue_is_told_with_its_line(void **state)
{
    struct bench *bench = *state;
    struct answer answer = post(bench, "/v1/catalogue", "flows: 1\ncolour: blue\n");
    const json_t *faults = assert_refused(&answer, 400, VG_BAD_CATALOGUE);

    assert_true(json_array_size(faults) >= 2);
    assert_string_equal(text_at(json_array_get(faults, 0), "name"), "BAD_CATALOGUE");

    bool second_line = false;

    for (size_t i = 0; i < json_array_size(faults); i++) {
        second_line |= number_at(json_array_get(faults, i), "line") == 2;
    }
    assert_true(second_line);
    answer_clear(&answer);
    assert_int_equal(catalogue_on_disk(bench), 1);
}

// ---- people, mutations, mailboxes ----

// Has it applied, as if it came from a session that is gone.
static void
apply(struct bench *bench, struct command *command)
{
    uint64_t commands = metrics.commands;

    broker_propose(bench->broker, &command);
    while (metrics.commands == commands) {
        assert_int_equal(event_base_loop(bench->broker->base, EVLOOP_ONCE), 0);
    }
}

static struct niss
person(void)
{
    return niss_make(1980, 65, 12, 3);
}

static void
follow(struct bench *bench, uint32_t institution)
{
    struct command *command = command_new(COMMAND_INTEGRATE, NULL, 0);
    struct integrate_command *integrate = &command->integrate;

    command->actor = institution;
    integrate->institution = institution;
    integrate->items_len = 1;
    integrate->items = xcalloc(1, sizeof *integrate->items);
    integrate->items[0] = (struct integrate_request){
        .niss = person().number,
        .quality = 2,
        .begin = day_number(day_in_brussels(clock_now())),
        .proof.birth_date = 19800000,
    };
    apply(bench, command);
}

static struct hot_bytes
words(const char *text)
{
    return (struct hot_bytes){(const uint8_t *)text, strlen(text)};
}

static void
publish(struct bench *bench, uint32_t source, uint64_t number, struct niss niss)
{
    struct hot_mutation mutation = {.flow = words("notifyPerson"), .niss = niss.number};
    struct command *command = command_new(COMMAND_PUBLISH, NULL, 0);
    uint8_t *begin, *end;
    struct hot_bytes body;

    mutation.fields[0].code = words("020");
    mutation.fields[0].value = words("Rue Haute 1");
    mutation.fields_len = 1;
    command->actor = source;
    begin = buffer_reserve(&command->frame, HOT_HEAD_MAX + hot_mutation_size(&mutation)) +
            HOT_HEAD_MAX;
    end = hot_write_mutation(begin, &mutation);
    command->frame.len = (size_t)(end - command->frame.at);
    begin = hot_publish_head(begin, (size_t)(end - begin), 1, number);
    assert_int_equal(
        hot_to_broker_kind((struct hot_bytes){begin, (size_t)(end - begin)}, &body), 3);
    assert_int_equal(hot_read_publish(body, &command->publish.publish), HOT_OK);
    apply(bench, command);
}

static void
a_mailbox_shows_what_waits_in_it(void **state)
{
    struct bench *bench = *state;
    uint32_t source = add(bench, "RN", "RN");
    uint32_t member = add(bench, "CPAS-A", "CPAS");

    follow(bench, member);
    publish(bench, source, 1, person());
    publish(bench, source, 2, person());

    struct answer answer = get(bench, "/v1/queues?institution=CPAS-A");
    const json_t *rows = at(answer.json, "mailboxes");
    const json_t *row = row_of(rows, "institution", "CPAS-A");
    const json_t *totals = at(answer.json, "totals");

    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(text_at(row, "name"), "default");
    assert_int_equal(number_at(row, "mailbox"), member);
    assert_int_equal(number_at(row, "waiting"), 2);
    assert_int_equal(number_at(row, "in_flight"), 0);
    assert_int_equal(number_at(row, "acknowledged"), 0);
    assert_int_equal(number_at(row, "parked"), 0);
    assert_int_equal(number_at(row, "last_number"), 2);
    assert_true(json_is_false(at(row, "connected")));
    assert_true(json_is_null(at(row, "credit_messages")));
    assert_true(json_is_null(at(row, "last_delivery")));
    assert_true(json_is_null(at(row, "last_acknowledgement")));

    double oldest = json_real_value(at(row, "oldest_seconds"));

    assert_true(json_is_real(at(row, "oldest_seconds")) && oldest >= 0 && oldest < 600);

    struct txn *txn = view(bench);
    struct mailbox_row on_disk;

    assert_int_equal(mailbox_get(txn, (struct mailbox_id){member}, &on_disk), VG_OK);
    store_abort(&txn);
    assert_int_equal(number_at(row, "bytes"), on_disk.bytes_total);
    assert_true(on_disk.bytes_total > 0);
    assert_int_equal(json_object_size(totals), 14);
    assert_true(json_is_real(at(totals, "oldest_seconds")));
    assert_int_equal(number_at(totals, "waiting"), 2);
    assert_int_equal(number_at(totals, "mailboxes"), 1);
    answer_clear(&answer);

    answer = get(bench, "/v1/queues");
    assert_int_equal(json_array_size(at(answer.json, "mailboxes")), 2);
    row = row_of(at(answer.json, "mailboxes"), "institution", "RN");
    assert_int_equal(number_at(row, "waiting"), 0);
    assert_true(json_is_null(at(row, "oldest_seconds")));
    answer_clear(&answer);
    refused(bench, get(bench, "/v1/queues?institution=CPAS-B"), 404, VG_NOT_FOUND,
            "CPAS-B");
}

static void
limits_are_shown_and_set(void **state)
{
    struct bench *bench = *state;
    uint32_t member = add(bench, "CPAS-A", "CPAS");
    char path[64];
    struct answer answer;

    snprintf(path, sizeof path, "/v1/mailboxes/%u/limits", member);
    answer = post(bench, path, "{\"messages\":5,\"attempts\":2}");
    assert_int_equal(answer.http, 200);
    assert_true(number_at(answer.json, "ticket") > 0);
    assert_int_equal(number_at(at(answer.json, "own"), "messages"), 5);
    answer_clear(&answer);
    answer = get(bench, path);
    assert_int_equal(number_at(at(answer.json, "own"), "attempts"), 2);
    assert_int_equal(number_at(at(answer.json, "own"), "bytes"), 0);
    assert_int_equal(number_at(at(answer.json, "in_force"), "messages"), 5);
    assert_true(number_at(at(answer.json, "in_force"), "bytes") > 0);
    answer_clear(&answer);
    refused(bench, post(bench, path, "{\"messages\":-1}"), 400, VG_MALFORMED, "messages");
    refused(bench, post(bench, path, "{\"letters\":1}"), 400, VG_MALFORMED, "letters");
    refused(bench, get(bench, "/v1/mailboxes/4711/limits"), 404, VG_NOT_FOUND, "4711");
    refused(bench, get(bench, "/v1/mailboxes/x/limits"), 404, VG_NOT_FOUND, "x");
}

static void
an_open_mailbox_shows_what_is_in_flight(void **state)
{
    struct bench *bench = *state;
    struct broker *broker = bench->broker;
    uint32_t source = add(bench, "RN", "RN");
    uint32_t member = add(bench, "CPAS-A", "CPAS");
    struct session session = {0};
    struct lane *lane;
    struct buffer frame = {0};
    struct outflow_view view = {.tails = broker->tails};
    struct outflow_turn turn;

    follow(bench, member);
    publish(bench, source, 1, person());
    publish(bench, source, 2, person());
    view.txn = broker_txn(broker);
    lane = lanes_at(broker->lanes, member);
    assert_int_equal(
        outflow_open(broker_txn(broker), member, 100, 1 << 20, &lane->outflow), VG_OK);
    assert_int_equal(outflow_fill(lane->outflow, &view, 0, 1, &frame, &turn), VG_OK);
    assert_int_equal(turn.sent, 1);
    buffer_free(&frame);
    lane->session = &session;
    lane->delivered_us = clock_now().us;

    struct answer answer = get(bench, "/v1/queues?institution=CPAS-A");
    const json_t *row = json_array_get(at(answer.json, "mailboxes"), 0);
    struct outflow_state flying = outflow_state(lane->outflow);

    assert_true(json_is_true(at(row, "connected")));
    assert_int_equal(number_at(row, "waiting"), 2);
    assert_int_equal(number_at(row, "in_flight"), 1);
    assert_int_equal(number_at(row, "credit_messages"), 99);
    assert_true(flying.in_flight_bytes > 0);
    assert_int_equal(number_at(row, "credit_bytes"), (1 << 20) - flying.in_flight_bytes);
    assert_int_equal(strlen(text_at(row, "last_delivery")), 27);
    assert_int_equal(number_at(at(answer.json, "totals"), "in_flight"), 1);
    assert_int_equal(number_at(at(answer.json, "totals"), "connected"), 1);
    answer_clear(&answer);
    lane->session = NULL;
    outflow_free(&lane->outflow);
}

static void
an_acknowledged_mailbox_is_empty(void **state)
{
    struct bench *bench = *state;
    uint32_t source = add(bench, "RN", "RN");
    uint32_t member = add(bench, "CPAS-A", "CPAS");
    struct command *command = command_new(COMMAND_ACKNOWLEDGE, NULL, 0);
    struct letter letter;
    size_t len;

    follow(bench, member);
    publish(bench, source, 1, person());
    assert_int_equal(tails_letters(bench->broker->tails, broker_txn(bench->broker),
                                   member, 1, &letter, 1, &len),
                     VG_OK);
    broker_end_turn(bench->broker);
    assert_int_equal(len, 1);
    command->actor = member;
    command->acknowledge.mailbox = member;
    command->acknowledge.through = 1;
    command->acknowledge.through_bytes = letter.bytes_through;
    apply(bench, command);

    struct answer answer = get(bench, "/v1/queues?institution=CPAS-A");
    const json_t *row = json_array_get(at(answer.json, "mailboxes"), 0);

    assert_int_equal(number_at(row, "waiting"), 0);
    assert_int_equal(number_at(row, "bytes"), 0);
    assert_int_equal(number_at(row, "acknowledged"), 1);
    assert_true(json_is_null(at(row, "oldest_seconds")));
    assert_int_equal(strlen(text_at(row, "last_acknowledgement")), 27);
    answer_clear(&answer);
}

static void
flows_count_what_was_published_and_who_got_it(void **state)
{
    struct bench *bench = *state;
    uint32_t source = add(bench, "RN", "RN");
    uint32_t member = add(bench, "CPAS-A", "CPAS");

    follow(bench, member);
    publish(bench, source, 1, person());
    publish(bench, source, 2, niss_make(1970, 61, 1, 5)); // nobody follows
    publish(bench, source, 3, (struct niss){1});          // no number of a person

    struct answer answer = get(bench, "/v1/flows");
    const json_t *row = row_of(at(answer.json, "flows"), "flow", "notifyPerson");

    assert_int_equal(number_at(row, "published"), 2);
    assert_int_equal(number_at(row, "matched"), 1);
    assert_int_equal(number_at(row, "no_recipient"), 1);
    assert_int_equal(number_at(row, "delivered"), 1);
    assert_int_equal(number_at(row, "withheld"), 0);
    assert_int_equal(number_at(row, "refused"), 1);
    answer_clear(&answer);
    answer = ask_with(bench, "GET", "/metrics", "Authorization: Bearer " TOKEN "\r\n",
                      NULL, 0);
    assert_int_equal(answer.http, 200);
    assert_non_null(strstr(answer.head, "Content-Type: text/plain; version=0.0.4"));
    assert_non_null(
        strstr(answer.text, "\nvigie_flow_published_total{flow=\"notifyPerson\"} 2\n"));
    assert_non_null(strstr(answer.text, "\n# TYPE vigie_commits_total counter\n"));
    answer_clear(&answer);
}

static void
status_tells_how_the_broker_is(void **state)
{
    struct bench *bench = *state;
    uint32_t member = add(bench, "CPAS-A", "CPAS");

    follow(bench, member);

    struct answer answer = get(bench, "/v1/status");
    const json_t *json = answer.json;

    assert_string_equal(text_at(json, "version"), VIGIE_VERSION);
    assert_true(number_at(json, "uptime_seconds") >= 0);
    assert_true(number_at(json, "commits") >= 3);
    assert_true(number_at(json, "last_commit_us") > 0);
    assert_int_equal(number_at(json, "batch_mutations"), 0);
    assert_int_equal(number_at(json, "sessions"), 0);
    assert_true(number_at(at(json, "store"), "used") > 0);
    assert_true(number_at(at(json, "store"), "file") > 0);
    assert_true(number_at(at(json, "store"), "quota") > 0);
    assert_true(number_at(at(json, "store"), "disk_free") > 0);
    assert_int_equal(number_at(json, "catalogue"), 1);
    assert_int_equal(number_at(json, "persons"), 1);
    assert_int_equal(number_at(json, "integrations"), 1);
    assert_true(json_is_false(at(json, "blocked")));
    answer_clear(&answer);
}

// ---- answers that are looked for ----

static void
never(struct broker *broker, struct walk *walk)
{
    (void)broker;
    (void)walk;
    fail_msg("nobody waits for this walk");
}

static void
no_turn(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

static void
a_walk_ends_when_its_client_has_left(void **state)
{
    struct bench *bench = *state;
    struct broker *broker = bench->broker;
    struct event *turn = broker->walks.turn;
    struct client client;

    follow(bench, add(bench, "CPAS-A", "CPAS"));
    broker->walks.turn = evtimer_new(broker->base, no_turn, NULL);
    client_open(&client, bench);
    client_send(&client, "GET", "/v1/institutions/CPAS-A/integrations",
                "Authorization: Bearer " TOKEN "\r\n", NULL, 0);
    while (broker->walks.len == 0) {
        assert_int_equal(event_base_loop(broker->base, EVLOOP_ONCE), 0);
    }
    event_free(broker->walks.turn);
    broker->walks.turn = turn;
    broker->walks.first->done = never;
    shutdown(bufferevent_getfd(client.stream), SHUT_RDWR);
    walks_go_on(broker);
    assert_int_equal(broker->walks.len, 0);
    client_close(&client);
}

// ---- explain ----

static char *
mutation_text(struct niss niss)
{
    static char text[256];

    snprintf(text, sizeof text,
             "{\"id\":\"x\",\"flow\":\"notifyPerson\",\"niss\":\"%011llu\","
             "\"fields\":[{\"code\":\"020\",\"value\":\"Rue Haute 1\"}]}",
             (unsigned long long)niss.number);
    return text;
}

static void
explain_says_who_would_get_it(void **state)
{
    struct bench *bench = *state;
    uint64_t mutations = metrics.mutations;
    uint32_t member;

    add(bench, "RN", "RN");
    member = add(bench, "CPAS-A", "CPAS");
    follow(bench, member);

    struct answer answer = post(bench, "/v1/explain", mutation_text(person()));

    assert_int_equal(answer.http, 200);
    assert_string_equal(text_at(answer.json, "status"), "OK");
    assert_int_equal(number_at(answer.json, "number"), VG_OK);
    assert_non_null(strstr(text_at(answer.json, "text"), "CPAS-A"));
    answer_clear(&answer);

    // An empty question is none.
    answer = post(bench, "/v1/explain?source=RN&day=", mutation_text(person()));
    assert_string_equal(text_at(answer.json, "status"), "OK");
    answer_clear(&answer);
    assert_int_equal(metrics.mutations, mutations); // nothing was published
}

static void
explain_refuses_a_question_of_the_past_that_is_none(void **state)
{
    struct bench *bench = *state;

    add(bench, "RN", "RN");
    refused(bench, get(bench, "/v1/explain"), 400, VG_MALFORMED, "?ticket=N");
    refused(bench, get(bench, "/v1/explain?ticket=7x"), 400, VG_MALFORMED, "ticket");
    refused(bench, get(bench, "/v1/explain?ticket=-7"), 400, VG_MALFORMED, "ticket");
    refused(bench, get(bench, "/v1/explain?number=1"), 400, VG_MALFORMED, "whose");
    refused(bench, get(bench, "/v1/explain?ticket=999"), 404, VG_NOT_FOUND, "999");
    refused(bench, get(bench, "/v1/explain?ticket=1&institution=X"), 404, VG_NOT_FOUND,
            "no institution X");
    refused(bench, get(bench, "/v1/explain?ticket=1&day=2026-02-30"), 400, VG_BAD_DATE,
            "2026-02-30");
    refused(bench, get(bench, "/v1/explain?source=RN&number=3"), 404, VG_NOT_FOUND,
            "never came");

    struct answer answer = get(bench, "/v1/explain?ticket=1");

    assert_int_equal(answer.http, 200);
    assert_non_null(strstr(text_at(answer.json, "text"), "ticket 1 is no mutation"));
    answer_clear(&answer);
}

static void
explain_says_what_a_publisher_would_be_told(void **state)
{
    struct bench *bench = *state;

    add(bench, "RN", "RN");
    add(bench, "CPAS-A", "CPAS");

    struct answer answer =
        post(bench, "/v1/explain?source=CPAS-A", mutation_text(person()));

    assert_int_equal(answer.http, 200);
    assert_string_equal(text_at(answer.json, "status"), "NOT_THE_SOURCE");
    assert_int_equal(number_at(answer.json, "number"), VG_NOT_THE_SOURCE);
    assert_true(strlen(text_at(answer.json, "sentence")) > 0);
    answer_clear(&answer);
}

static void
explain_refuses_what_it_cannot_read(void **state)
{
    struct bench *bench = *state;

    refused(bench, post(bench, "/v1/explain", "{\"flow\":"), 400, VG_MALFORMED, "JSON");
    refused(bench, post(bench, "/v1/explain", "{\"flow\":\"nonsense\"}"), 404,
            VG_UNKNOWN_FLOW, "nonsense");
    refused(bench, post(bench, "/v1/explain?source=X", mutation_text(person())), 404,
            VG_NOT_FOUND, "X");
    refused(bench, post(bench, "/v1/explain", mutation_text(person())), 400, VG_MALFORMED,
            "source=CODE");
    add(bench, "RN", "RN");
    refused(bench, post(bench, "/v1/explain?day=tomorrow", mutation_text(person())), 400,
            VG_BAD_DATE, "is no day as 2026-11-20");
    refused(bench, post(bench, "/v1/explain", "{\"flow\":\"x\",\"occurred\":\"\xc3\"}"),
            400, VG_MALFORMED, "");
}

// ---- clients and ends ----

static void
a_client_that_goes_away_leaves_its_change(void **state)
{
    struct bench *bench = *state;
    struct client client;
    const char *body = "{\"code\":\"CPAS-Z\",\"name\":\"x\",\"sector\":\"CPAS\"}";

    client_open(&client, bench);
    client_send(&client, "POST", "/v1/institutions",
                "Authorization: Bearer " TOKEN "\r\n", body, strlen(body));
    while (bench->broker->proposed == 0) {
        assert_int_equal(event_base_loop(bench->broker->base, EVLOOP_ONCE), 0);
    }
    client_close(&client);
    while (bench->broker->proposed > 0) {
        assert_int_equal(event_base_loop(bench->broker->base, EVLOOP_ONCE), 0);
    }
    assert_true(institution_is_kept(bench, 1, "CPAS-Z"));
    health_needs_no_token(state);
}

static void
a_broker_may_end_before_its_answer(void **state)
{
    struct bench *bench = *state;
    struct client client;
    const char *body = "{\"code\":\"CPAS-Z\",\"name\":\"x\",\"sector\":\"CPAS\"}";

    client_open(&client, bench);
    client_send(&client, "POST", "/v1/institutions",
                "Authorization: Bearer " TOKEN "\r\n", body, strlen(body));
    while (bench->broker->proposed == 0) {
        assert_int_equal(event_base_loop(bench->broker->base, EVLOOP_ONCE), 0);
    }
    client_close(&client);
    http_close(&bench->broker->http); // close_bench does the rest
    assert_null(bench->broker->http);
    http_close(&bench->broker->http);
}

static void
a_stopping_broker_says_so(void **state)
{
    struct bench *bench = *state;

    bench->broker->draining = true;
    refused(bench, ask_with(bench, "GET", "/healthz", "", NULL, 0), 503, VG_DRAINING, "");
    refused(bench,
            post(bench, "/v1/institutions",
                 "{\"code\":\"CPAS-A\",\"name\":\"x\",\"sector\":\"CPAS\"}"),
            503, VG_DRAINING, "stopping");
    bench->broker->draining = false;
    assert_int_equal(roster_len(bench->broker->roster), 0);
}

static void
a_blocked_broker_is_not_healthy(void **state)
{
    struct bench *bench = *state;

    bench->broker->blocked = BLOCKED_ROOM;
    refused(bench, ask_with(bench, "GET", "/healthz", "", NULL, 0), 503, VG_STORE_FULL,
            "");
    bench->broker->blocked = BLOCKED_DISK;
    metrics.commit_age_ms = 7654;
    refused(bench, ask_with(bench, "GET", "/healthz", "", NULL, 0), 503, VG_BUSY,
            "7654 ms");
    bench->broker->blocked = 0;
}

// ---- opening ----

static void
assert_not_opened(struct bench *bench, enum vg_status status, const char *words_expected)
{
    struct http *http = (struct http *)bench;
    struct why why = {0};

    assert_int_equal(http_open(bench->broker, &http, &why), status);
    assert_null(http);
    assert_non_null(strstr(why.text, words_expected));
}

static void
a_token_that_is_no_secret_is_refused(void **state)
{
    struct bench *bench = *state;
    char path[128];

    write_file(bench, "token", "short\n");
    assert_not_opened(bench, VG_BAD_SETTINGS, "16 characters");
    write_file(bench, "token", "");
    assert_not_opened(bench, VG_BAD_SETTINGS, "16 characters");
    write_file(bench, "token", "with spaces, but long enough\n");
    assert_not_opened(bench, VG_BAD_SETTINGS, "16 characters");
    write_file(bench, "token", TOKEN);
    assert_int_equal(chmod(scratch_file(&bench->folder, "token", path), 0644), 0);
    assert_not_opened(bench, VG_BAD_FILE, "others than its owner");
    assert_int_equal(unlink(path), 0);
    assert_not_opened(bench, VG_BAD_FILE, "cannot read");
}

static void
a_port_that_is_taken_is_named(void **state)
{
    struct bench *bench = *state;

    snprintf(bench->settings.http_endpoint, SETTING_TEXT_LEN, "%s",
             http_endpoint(bench->broker->http));
    assert_not_opened(bench, VG_BAD_SETTINGS, bench->settings.http_endpoint);
}

static void
no_endpoint_means_no_http(void **state)
{
    struct bench *bench = *state;
    struct http *http = (struct http *)bench;

    strcpy(bench->settings.http_endpoint, "");
    assert_int_equal(http_open(bench->broker, &http, NULL), VG_OK);
    assert_null(http);
    http_close(&http);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)
    const struct CMUnitTest tests[] = {
        TEST(health_needs_no_token),
        TEST(everything_else_needs_the_token),
        TEST(every_route_says_who_may_ask),
        TEST(metrics_are_open_only_when_a_setting_says_so),
        TEST(another_sites_page_is_refused),
        TEST(a_reload_takes_the_new_token),
        TEST(a_stranger_changes_nothing),
        TEST(the_scheme_may_be_written_in_any_case),
        TEST(an_unknown_path_is_refused),
        TEST(another_method_is_refused),
        TEST(head_is_refused_without_a_body),
        TEST(a_question_that_is_none_is_refused),
        TEST(what_is_no_http_ends_the_connection),
        TEST(a_walk_ends_when_its_client_has_left),
        TEST(endless_headers_are_not_read),
        TEST(a_body_over_the_limit_is_refused),
        TEST(an_added_institution_is_on_the_disk_and_in_the_list),
        TEST(a_sector_may_be_given_by_number),
        TEST(a_code_is_given_once),
        TEST(all_mistakes_of_a_body_are_told_at_once),
        TEST(a_body_that_is_no_object_is_refused),
        TEST(a_key_is_added_shown_and_revoked),
        TEST(a_key_that_is_none_is_refused),
        TEST(the_same_key_is_not_added_twice),
        TEST(an_institution_shows_its_mailboxes),
        TEST(the_catalogue_in_force_is_shown_and_replaced),
        TEST(every_fault_of_a_catalogue_is_told_with_its_line),
        TEST(a_mailbox_shows_what_waits_in_it),
        TEST(limits_are_shown_and_set),
        TEST(an_open_mailbox_shows_what_is_in_flight),
        TEST(an_acknowledged_mailbox_is_empty),
        TEST(flows_count_what_was_published_and_who_got_it),
        TEST(status_tells_how_the_broker_is),
        TEST(explain_says_who_would_get_it),
        TEST(explain_refuses_a_question_of_the_past_that_is_none),
        TEST(explain_says_what_a_publisher_would_be_told),
        TEST(explain_refuses_what_it_cannot_read),
        TEST(a_client_that_goes_away_leaves_its_change),
        TEST(a_broker_may_end_before_its_answer),
        TEST(a_stopping_broker_says_so),
        TEST(a_blocked_broker_is_not_healthy),
        TEST(a_token_that_is_no_secret_is_refused),
        TEST(a_port_that_is_taken_is_named),
        TEST(no_endpoint_means_no_http),
    };

    signal(SIGPIPE, SIG_IGN);
    alarm(SECONDS_MAX * 8); // a test that waits for ever ends
    return cmocka_run_group_tests(tests, NULL, NULL);
}
