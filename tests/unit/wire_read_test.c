// SPDX-License-Identifier: EUPL-1.2
// Goal: what a client says arrives as the broker's own values, within limits, and anything
// else is refused with words.
// Method: messages packed by protobuf-c, read, and compared field by field; each limit is
// tried at its last good value and one beyond; truncated and hostile bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vigie/v1/vigie.pb-c.h"
#include "wire/wire.h"

#include <cmocka.h>

static uint8_t packed[2 << 20];

static struct bytes
pack(const ProtobufCMessage *message)
{
    assert_true(protobuf_c_message_get_packed_size(message) <= sizeof packed);
    return (struct bytes){packed, protobuf_c_message_pack(message, packed)};
}

// protobuf-c's strings are not const, but packing only reads them.
static char *
words(const char *text)
{
    return (char *)(uintptr_t)text;
}

static char *
long_text(size_t len)
{
    static char text[1 << 20];

    memset(text, 'x', len);
    text[len] = 0;
    return text;
}

static const struct bytes nonsense = {(const uint8_t *)"\xff\xff\xff", 3};

// ---- small messages ----

static enum vg_status
read_hello(uint32_t version, const char *client, struct wire_hello *ret, struct why *why)
{
    Vigie__V1__Hello hello = VIGIE__V1__HELLO__INIT;

    hello.version = version;
    hello.client = words(client);
    return wire_read_hello(pack(&hello.base), ret, why);
}

static void
reads_hello(void **state)
{
    struct wire_hello hello;
    struct why why;

    (void)state;
    assert_int_equal(read_hello(1, "cpas/2.1", &hello, &why), VG_OK);
    assert_int_equal(hello.version, 1);
    assert_string_equal(hello.client, "cpas/2.1");
    assert_int_equal(read_hello(1, "a \"b\"\n\xc3\xa9=", &hello, &why), VG_OK);
    assert_string_equal(hello.client, "a__b____="); // it goes into the log
    assert_int_equal(read_hello(1, long_text(5000), &hello, &why), VG_OK);
    assert_int_equal(strlen(hello.client), sizeof hello.client - 1);
    assert_int_equal(read_hello(2, "x", &hello, &why), VG_MALFORMED);
    assert_non_null(strstr(why.text, "version 2"));
    assert_int_equal(read_hello(1, long_text(100000), &hello, &why), VG_MALFORMED);
    assert_int_equal(wire_read_hello(nonsense, &hello, &why), VG_MALFORMED);
    assert_non_null(strstr(why.text, "Hello"));
}

static void
reads_heartbeat_last_number_and_unsubscribe(void **state)
{
    Vigie__V1__Heartbeat heartbeat = VIGIE__V1__HEARTBEAT__INIT;
    Vigie__V1__LastNumber last = VIGIE__V1__LAST_NUMBER__INIT;
    Vigie__V1__Unsubscribe unsubscribe = VIGIE__V1__UNSUBSCRIBE__INIT;
    uint64_t echo = 0;
    uint32_t number = 0;

    (void)state;
    heartbeat.echo = UINT64_MAX;
    last.producer = UINT32_MAX;
    unsubscribe.mailbox = MAILBOX_EXTRA_FIRST;
    assert_int_equal(wire_read_heartbeat(pack(&heartbeat.base), &echo, NULL), VG_OK);
    assert_true(echo == UINT64_MAX);
    assert_int_equal(wire_read_last_number(pack(&last.base), &number, NULL), VG_OK);
    assert_int_equal(number, UINT32_MAX);
    assert_int_equal(wire_read_unsubscribe(pack(&unsubscribe.base), &number, NULL),
                     VG_OK);
    assert_int_equal(number, MAILBOX_EXTRA_FIRST);
    assert_int_equal(wire_read_heartbeat(nonsense, &echo, NULL), VG_MALFORMED);
    assert_int_equal(wire_read_last_number(nonsense, &number, NULL), VG_MALFORMED);
    assert_int_equal(wire_read_unsubscribe(nonsense, &number, NULL), VG_MALFORMED);
}

static enum vg_status
read_subscribe(uint32_t messages, uint64_t bytes, struct wire_subscribe *ret,
               struct why *why)
{
    Vigie__V1__Subscribe subscribe = VIGIE__V1__SUBSCRIBE__INIT;

    subscribe.mailbox = 7;
    subscribe.window_messages = messages;
    subscribe.window_bytes = bytes;
    return wire_read_subscribe(pack(&subscribe.base), ret, why);
}

static void
a_window_has_its_limits(void **state)
{
    struct wire_subscribe subscribe;
    struct why why;
    static const struct {
        uint32_t messages;
        uint64_t bytes;
        bool good;
    } windows[] = {
        {1, 65536, true},           {1000000, UINT64_C(1) << 30, true},
        {0, 65536, false},          {1000001, 65536, false},
        {1, 65535, false},          {1, (UINT64_C(1) << 30) + 1, false},
        {UINT32_MAX, 65536, false}, {1, UINT64_MAX, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
        enum vg_status status =
            read_subscribe(windows[i].messages, windows[i].bytes, &subscribe, &why);

        assert_int_equal(status, windows[i].good ? VG_OK : VG_MALFORMED);
        if (windows[i].good) {
            assert_int_equal(subscribe.mailbox, 7);
            assert_int_equal(subscribe.window_messages, windows[i].messages);
            assert_int_equal(subscribe.window_bytes, windows[i].bytes);
        }
    }
    assert_int_equal(wire_read_subscribe(nonsense, &subscribe, &why), VG_MALFORMED);
}

// ---- requests ----

static Vigie__V1__Request
request_of(Vigie__V1__Request__RequestCase kind)
{
    Vigie__V1__Request request = VIGIE__V1__REQUEST__INIT;

    request.id = 77;
    request.request_case = kind;
    return request;
}

static enum vg_status
read_request(const Vigie__V1__Request *request, struct wire_request *ret, struct why *why)
{
    return wire_read_request(pack(&request->base), ret, why);
}

static void
assert_refused(const Vigie__V1__Request *request, enum vg_status status, const char *said)
{
    struct wire_request read;
    struct why why = {{0}};

    assert_int_equal(read_request(request, &read, &why), status);
    assert_non_null(strstr(why.text, said));
    assert_null(read.command);
    assert_int_equal(read.id, 77); // so that the answer finds its question
}

static void
reads_integrate(void **state)
{
    Vigie__V1__Request request = request_of(VIGIE__V1__REQUEST__REQUEST_INTEGRATE);
    Vigie__V1__Integrate integrate = VIGIE__V1__INTEGRATE__INIT;
    Vigie__V1__IntegrateItem items[2] = {VIGIE__V1__INTEGRATE_ITEM__INIT,
                                         VIGIE__V1__INTEGRATE_ITEM__INIT};
    Vigie__V1__IntegrateItem *list[2] = {&items[0], &items[1]};
    Vigie__V1__Proof proof = VIGIE__V1__PROOF__INIT;
    struct wire_request read;
    const struct integrate_request *item;

    (void)state;
    items[0].niss = 66641066692;
    items[0].quality = 2;
    items[0].begin = 20261101;
    items[0].end = 20270101;
    items[0].proof = &proof;
    proof.identity_card = words("000001103271");
    proof.social_card = words("1234567890");
    proof.last_name = words("Peeters");
    proof.first_name = words("An");
    proof.birth_date = 19660400;
    integrate.items = list;
    integrate.n_items = 2;
    integrate.institution = words("CPAS-A");
    request.integrate = &integrate;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    memset(packed, 0, sizeof packed); // the command owns what it points into
    assert_int_equal(read.id, 77);
    assert_string_equal(read.institution, "CPAS-A");
    assert_int_equal(read.command->kind, COMMAND_INTEGRATE);
    assert_int_equal(read.command->back.request, 77);
    assert_int_equal(read.command->actor, 0); // from the key, never from a message
    assert_int_equal(read.command->integrate.institution, 0);
    assert_int_equal(read.command->integrate.items_len, 2);
    assert_true(read.command->frame.len > 0); // it counts towards the batch
    item = &read.command->integrate.items[0];
    assert_int_equal(item->niss, 66641066692);
    assert_int_equal(item->quality, 2);
    assert_int_equal(item->begin, 20261101);
    assert_int_equal(item->end, 20270101);
    assert_true(bytes_equal(item->proof.identity_card, "000001103271"));
    assert_true(bytes_equal(item->proof.social_card, "1234567890"));
    assert_true(bytes_equal(item->proof.last_name, "Peeters"));
    assert_true(bytes_equal(item->proof.first_name, "An"));
    assert_int_equal(item->proof.birth_date, 19660400);
    assert_int_equal(read.command->integrate.items[1].proof.identity_card.len, 0);
    command_free(&read.command);
}

static void
integrate_has_its_limits(void **state)
{
    Vigie__V1__Request request = request_of(VIGIE__V1__REQUEST__REQUEST_INTEGRATE);
    Vigie__V1__Integrate integrate = VIGIE__V1__INTEGRATE__INIT;
    Vigie__V1__IntegrateItem item = VIGIE__V1__INTEGRATE_ITEM__INIT;
    Vigie__V1__Proof proof = VIGIE__V1__PROOF__INIT;
    static Vigie__V1__IntegrateItem *list[INTEGRATE_ITEMS_MAX + 1];
    struct wire_request read;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        list[i] = &item;
    }
    request.integrate = &integrate;
    assert_refused(&request, VG_TOO_MANY, "0 items");
    integrate.items = list;
    integrate.n_items = INTEGRATE_ITEMS_MAX;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_int_equal(read.command->integrate.items_len, INTEGRATE_ITEMS_MAX);
    command_free(&read.command);
    integrate.n_items = INTEGRATE_ITEMS_MAX + 1;
    assert_refused(&request, VG_TOO_MANY, "1001 items");

    integrate.n_items = 1;
    integrate.institution = words("AN-INSTITUTION-CODE-OF-24");
    assert_refused(&request, VG_TOO_LARGE, "institution");
    integrate.institution = words("");
    item.proof = &proof;
    proof.last_name = long_text(256);
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    command_free(&read.command);
    proof.last_name = long_text(257);
    assert_refused(&request, VG_TOO_LARGE,
                   "last_name of the proof has 257 bytes, at most 256");
}

static void
reads_remove_history_and_list(void **state)
{
    Vigie__V1__Request request = request_of(VIGIE__V1__REQUEST__REQUEST_REMOVE);
    Vigie__V1__Remove remove = VIGIE__V1__REMOVE__INIT;
    Vigie__V1__History history = VIGIE__V1__HISTORY__INIT;
    Vigie__V1__ListMailboxes list = VIGIE__V1__LIST_MAILBOXES__INIT;
    Vigie__V1__ListSources sources = VIGIE__V1__LIST_SOURCES__INIT;
    struct wire_request read;

    (void)state;
    remove.niss = 66641066692;
    remove.quality = 9;
    remove.begin = 20261101;
    remove.end = 20261102;
    remove.institution = words("CPAS-B");
    request.remove = &remove;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_int_equal(read.command->kind, COMMAND_REMOVE);
    assert_int_equal(read.command->remove.request.niss, 66641066692);
    assert_int_equal(read.command->remove.request.quality, 9);
    assert_int_equal(read.command->remove.request.begin, 20261101);
    assert_int_equal(read.command->remove.request.end, 20261102);
    assert_string_equal(read.institution, "CPAS-B");
    command_free(&read.command);

    request = request_of(VIGIE__V1__REQUEST__REQUEST_HISTORY);
    history.niss = 66641066692;
    request.history = &history;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_int_equal(read.command->kind, COMMAND_HISTORY);
    assert_int_equal(read.command->history.niss, 66641066692);
    assert_string_equal(read.institution, "");
    command_free(&read.command);

    request = request_of(VIGIE__V1__REQUEST__REQUEST_LIST_MAILBOXES);
    request.list_mailboxes = &list;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_true(read.list_mailboxes);
    assert_null(read.command);

    request = request_of(VIGIE__V1__REQUEST__REQUEST_LIST_SOURCES);
    request.list_sources = &sources;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_true(read.list_sources && !read.list_mailboxes);
    assert_null(read.command);
}

static void
reads_which_integrations_are_wanted(void **state)
{
    Vigie__V1__Request request =
        request_of(VIGIE__V1__REQUEST__REQUEST_LIST_INTEGRATIONS);
    Vigie__V1__ListIntegrations list = VIGIE__V1__LIST_INTEGRATIONS__INIT;
    struct wire_request read;

    (void)state;
    request.list_integrations = &list;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_int_equal(read.command->kind, COMMAND_LIST);
    assert_false(read.command->list.rows);
    assert_int_equal(read.command->list.max, 0);
    assert_int_equal(read.command->list.since.number, DAY_EVER.number);
    assert_int_equal(read.command->list.through, NISS_MAX);
    command_free(&read.command);

    list.institution = (char *)(uintptr_t) "CPAS-21004";
    list.quality = 30;
    list.since = 20260101;
    list.from = 5;
    list.through = 7;
    list.rows = 1;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_string_equal(read.institution, "CPAS-21004");
    assert_int_equal(read.command->list.quality, 30);
    assert_int_equal(read.command->list.from, 5);
    assert_int_equal(read.command->list.through, 7);
    assert_int_equal(read.command->list.max, LISTED_MAX);
    assert_int_equal(day_number(read.command->list.since), 20260101);
    command_free(&read.command);

    list.sector = 17; // and an institution
    assert_int_equal(read_request(&request, &read, NULL), VG_MALFORMED);
    list.sector = 0;
    list.max = LISTED_MAX + 1;
    assert_int_equal(read_request(&request, &read, NULL), VG_TOO_MANY);
    list.max = 0;
    list.since = 20260230;
    assert_int_equal(read_request(&request, &read, NULL), VG_BAD_DATE);
    list.since = 0;
    list.quality = 65536 + 30;
    assert_int_equal(read_request(&request, &read, NULL), VG_MALFORMED);
    assert_null(read.command);
}

static void
reads_consult_at_each_level(void **state)
{
    static const enum consult_level levels[] = {CONSULT_ALL, CONSULT_PRIMARY,
                                                CONSULT_SECONDARY};
    Vigie__V1__Request request = request_of(VIGIE__V1__REQUEST__REQUEST_CONSULT);
    Vigie__V1__Consult consult = VIGIE__V1__CONSULT__INIT;
    struct wire_request read;

    (void)state;
    consult.niss = 66641066692;
    request.consult = &consult;
    for (int level = 0; level < 3; level++) {
        consult.level = (Vigie__V1__Consult__Level)level;
        assert_int_equal(read_request(&request, &read, NULL), VG_OK);
        assert_int_equal(read.command->kind, COMMAND_CONSULT);
        assert_int_equal(read.command->consult.level, levels[level]);
        assert_int_equal(read.command->consult.niss, 66641066692);
        command_free(&read.command);
    }
    consult.level = (Vigie__V1__Consult__Level)3;
    assert_refused(&request, VG_MALFORMED, "level 3");
}

static void
reads_choices_as_bits(void **state)
{
    Vigie__V1__Request request = request_of(VIGIE__V1__REQUEST__REQUEST_ADD_MAILBOX);
    Vigie__V1__AddMailbox add = VIGIE__V1__ADD_MAILBOX__INIT;
    Vigie__V1__Choice choice = VIGIE__V1__CHOICE__INIT;
    Vigie__V1__Choice *list[SPEC_CHOICES_MAX + 1];
    uint32_t qualities[] = {0, 2, 63, 2};
    struct wire_request read;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        list[i] = &choice;
    }
    choice.flow = words("notifyPerson");
    choice.qualities = qualities;
    choice.n_qualities = 4;
    add.name = words("alerts");
    add.choices = list;
    add.n_choices = SPEC_CHOICES_MAX;
    request.add_mailbox = &add;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_int_equal(read.command->kind, COMMAND_ADD_MAILBOX);
    assert_true(bytes_equal(read.command->add_mailbox.name, "alerts"));
    assert_int_equal(read.command->add_mailbox.choices_len, SPEC_CHOICES_MAX);
    assert_true(bytes_equal(read.command->add_mailbox.choices[0].flow, "notifyPerson"));
    assert_true(read.command->add_mailbox.choices[0].qualities ==
                (UINT64_C(1) << 63 | 1 << 2 | 1));
    command_free(&read.command);

    qualities[1] = 64;
    assert_refused(&request, VG_UNKNOWN_QUALITY, "quality 64");
    add.n_choices = SPEC_CHOICES_MAX + 1;
    assert_refused(&request, VG_TOO_MANY, "129 choices");
}

// ---- letters that cannot be taken ----

static void
reads_a_refusal(void **state)
{
    Vigie__V1__Refuse refuse = VIGIE__V1__REFUSE__INIT;
    struct wire_refuse read;
    struct why why;

    (void)state;
    refuse.mailbox = 7;
    refuse.number = UINT64_C(1) << 40;
    refuse.reason = words("unknown street \xc3\xa9");
    refuse.retry_after_s = 10800;
    refuse.park = true;
    assert_int_equal(wire_read_refuse(pack(&refuse.base), &read, NULL), VG_OK);
    assert_int_equal(read.mailbox, 7);
    assert_int_equal(read.refusal.number, UINT64_C(1) << 40);
    assert_int_equal(read.refusal.reason.len, strlen(refuse.reason));
    assert_memory_equal(read.refusal.reason.at, refuse.reason, strlen(refuse.reason));
    assert_int_equal(read.refusal.retry_after_ms, 10800 * 1000);
    assert_true(read.refusal.park);

    refuse.retry_after_s = 10801;
    assert_int_equal(wire_read_refuse(pack(&refuse.base), &read, &why), VG_MALFORMED);
    assert_non_null(strstr(why.text, "10801"));
    refuse.retry_after_s = 0;
    refuse.reason = long_text(HELD_REASON_MAX);
    assert_int_equal(wire_read_refuse(pack(&refuse.base), &read, NULL), VG_OK);
    refuse.reason = long_text(HELD_REASON_MAX + 1);
    assert_int_equal(wire_read_refuse(pack(&refuse.base), &read, &why), VG_TOO_LARGE);
    assert_non_null(strstr(why.text, "201 bytes"));
    refuse.reason = words("a\nb");
    assert_int_equal(wire_read_refuse(pack(&refuse.base), &read, &why), VG_MALFORMED);
    assert_non_null(strstr(why.text, "byte 2"));
    assert_int_equal(wire_read_refuse(nonsense, &read, &why), VG_MALFORMED);
}

static void
reads_what_is_asked_of_parked_letters(void **state)
{
    Vigie__V1__Request request = request_of(VIGIE__V1__REQUEST__REQUEST_LIST_PARKED);
    Vigie__V1__ListParked list = VIGIE__V1__LIST_PARKED__INIT;
    Vigie__V1__HandleParked handle = VIGIE__V1__HANDLE_PARKED__INIT;
    static uint64_t numbers[PARKED_NUMBERS_MAX + 1] = {9, 4};
    struct wire_request read;

    (void)state;
    list.mailbox = 7;
    list.from = 12;
    request.list_parked = &list;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_true(read.list_parked);
    assert_null(read.command);
    assert_int_equal(read.parked.mailbox, 7);
    assert_int_equal(read.parked.from, 12);
    assert_int_equal(read.parked.max, 100);
    list.max = PARKED_NUMBERS_MAX;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_int_equal(read.parked.max, PARKED_NUMBERS_MAX);
    list.max = PARKED_NUMBERS_MAX + 1;
    assert_refused(&request, VG_TOO_MANY, "1001");

    request = request_of(VIGIE__V1__REQUEST__REQUEST_HANDLE_PARKED);
    request.handle_parked = &handle;
    handle.mailbox = 7;
    handle.numbers = numbers;
    assert_refused(&request, VG_TOO_MANY, "0 numbers");
    handle.n_numbers = 2;
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_int_equal(read.command->kind, COMMAND_RETRY_PARKED);
    assert_int_equal(read.command->parked.mailbox, 7);
    assert_int_equal(read.command->parked.numbers_len, 2);
    assert_int_equal(read.command->parked.numbers[0], 9);
    assert_int_equal(read.command->parked.reason.len, 0);
    command_free(&read.command);
    handle.act = VIGIE__V1__HANDLE_PARKED__ACT__DROP;
    assert_refused(&request, VG_MALFORMED, "needs a reason");
    handle.reason = words("sent by post");
    assert_int_equal(read_request(&request, &read, NULL), VG_OK);
    assert_int_equal(read.command->kind, COMMAND_DROP_PARKED);
    assert_memory_equal(read.command->parked.reason.at, "sent by post", 12);
    command_free(&read.command);
    handle.n_numbers = PARKED_NUMBERS_MAX + 1;
    assert_refused(&request, VG_TOO_MANY, "1001 numbers");
    handle.n_numbers = 1;
    handle.act = (Vigie__V1__HandleParked__Act)2;
    assert_refused(&request, VG_MALFORMED, "act 2");
}

static void
a_request_for_nothing_is_refused(void **state)
{
    Vigie__V1__Request request = request_of(VIGIE__V1__REQUEST__REQUEST__NOT_SET);
    struct wire_request read;
    struct why why;

    (void)state;
    assert_refused(&request, VG_MALFORMED, "request 77");
    assert_int_equal(wire_read_request(nonsense, &read, &why), VG_MALFORMED);
    assert_null(read.command);
    assert_int_equal(wire_read_request((struct bytes){packed, 0}, &read, &why),
                     VG_MALFORMED);
    assert_null(read.command);
}

// Every beginning of a message is read or refused, never more.
static void
truncated_requests_are_safe(void **state)
{
    Vigie__V1__Request request = request_of(VIGIE__V1__REQUEST__REQUEST_CONSULT);
    Vigie__V1__Consult consult = VIGIE__V1__CONSULT__INIT;
    Vigie__V1__Proof proof = VIGIE__V1__PROOF__INIT;
    struct bytes whole;

    (void)state;
    proof.last_name = words("Peeters");
    proof.birth_date = 19660410;
    consult.niss = 66641066692;
    consult.proof = &proof;
    request.consult = &consult;
    whole = pack(&request.base);
    for (size_t len = 0; len < whole.len; len++) {
        uint8_t *copy = malloc(len + 1); // so that a sanitizer sees its end
        struct wire_request read;
        enum vg_status status;

        assert_non_null(copy);
        memcpy(copy, whole.at, len);
        copy = realloc(copy, len == 0 ? 1 : len);
        assert_non_null(copy);
        status = wire_read_request((struct bytes){copy, len}, &read, NULL);
        assert_true(status == VG_OK || status == VG_MALFORMED);
        assert_true((status == VG_OK) == (read.command != NULL));
        command_free(&read.command);
        free(copy);
    }
}

// Empty items cost two bytes each and over a hundred as objects.
static void
a_request_cannot_ask_for_much_memory(void **state)
{
    struct wire_request read;
    struct why why;
    size_t items = 1000000;
    size_t len = 0;

    (void)state;
    packed[len++] = 0x12; // integrate, and its length
    packed[len++] = (uint8_t)((items & 0x7f) | 0x80);
    packed[len++] = (uint8_t)((items >> 7 & 0x7f) | 0x80);
    packed[len++] = (uint8_t)(items >> 14);
    for (size_t i = 0; i < items; i += 2) {
        packed[len++] = 0x0a;
        packed[len++] = 0;
    }
    assert_int_equal(wire_read_request((struct bytes){packed, len}, &read, &why),
                     VG_MALFORMED); // the arena's end
    assert_null(read.command);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_hello),
        cmocka_unit_test(reads_heartbeat_last_number_and_unsubscribe),
        cmocka_unit_test(a_window_has_its_limits),
        cmocka_unit_test(reads_integrate),
        cmocka_unit_test(integrate_has_its_limits),
        cmocka_unit_test(reads_remove_history_and_list),
        cmocka_unit_test(reads_which_integrations_are_wanted),
        cmocka_unit_test(reads_consult_at_each_level),
        cmocka_unit_test(reads_choices_as_bits),
        cmocka_unit_test(reads_a_refusal),
        cmocka_unit_test(reads_what_is_asked_of_parked_letters),
        cmocka_unit_test(a_request_for_nothing_is_refused),
        cmocka_unit_test(truncated_requests_are_safe),
        cmocka_unit_test(a_request_cannot_ask_for_much_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
