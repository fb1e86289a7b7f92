// SPDX-License-Identifier: EUPL-1.2
// Goal: any frame a client may send becomes a value within its limits, or a refusal.
// Method: the input as a ToBroker frame goes to the reader of its kind; every view of a
// command is read to its end and must lie in the command's own memory.
#include <string.h>

#include "hot/hot.h"
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_view(const struct command *command, struct bytes view)
{
    const uint8_t *begin = command->frame.at;

    CHECK(view.len == 0 ||
          (view.at >= begin && view.at + view.len <= begin + command->frame.len));
}

static void
check_proof(const struct command *command, const struct proof *proof)
{
    const struct bytes texts[] = {proof->identity_card, proof->social_card,
                                  proof->last_name, proof->first_name};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CHECK(texts[i].len <= 256);
        if (texts[i].at != NULL && texts[i].len > 0) {
            check_view(command, texts[i]);
        }
    }
}

static void
check_command(const struct command *command)
{
    switch (command->kind) {
    case COMMAND_INTEGRATE:
        CHECK(command->integrate.items_len >= 1);
        CHECK(command->integrate.items_len <= INTEGRATE_ITEMS_MAX);
        for (size_t i = 0; i < command->integrate.items_len; i++) {
            check_proof(command, &command->integrate.items[i].proof);
        }
        return;
    case COMMAND_CONSULT:
        CHECK(command->consult.level <= CONSULT_SECONDARY);
        check_proof(command, &command->consult.proof);
        return;
    case COMMAND_ADD_MAILBOX:
        CHECK(command->add_mailbox.choices_len <= SPEC_CHOICES_MAX);
        check_view(command, command->add_mailbox.name);
        for (size_t i = 0; i < command->add_mailbox.choices_len; i++) {
            check_view(command, command->add_mailbox.choices[i].flow);
        }
        return;
    case COMMAND_REMOVE:
    case COMMAND_HISTORY:
        return;
    case COMMAND_LIST:
        CHECK(!command->list.rows ||
              (command->list.max >= 1 && command->list.max <= LISTED_MAX));
        return;
    case COMMAND_RETRY_PARKED:
    case COMMAND_DROP_PARKED:
        CHECK(command->parked.numbers_len >= 1 &&
              command->parked.numbers_len <= PARKED_NUMBERS_MAX);
        CHECK(command->parked.reason.len <= HELD_REASON_MAX);
        CHECK(command->kind == COMMAND_RETRY_PARKED || command->parked.reason.len > 0);
        break;
    default:
        CHECK(command->kind == COMMAND_INTEGRATE); // a Request makes no other
    }
}

static void
read_refuse(struct bytes body)
{
    struct wire_refuse refuse;

    if (wire_read_refuse(body, &refuse, NULL) == VG_OK) {
        CHECK(refuse.refusal.reason.len <= HELD_REASON_MAX);
        CHECK(refuse.refusal.retry_after_ms <= 3 * 3600 * 1000);
    }
}

static void
read_request(struct bytes body)
{
    struct wire_request request;
    struct why why = {{0}};
    enum vg_status status = wire_read_request(body, &request, &why);

    CHECK((status == VG_OK) == (why.text[0] == 0));
    CHECK((request.command != NULL) == (status == VG_OK && !request.list_mailboxes &&
                                        !request.list_parked && !request.list_sources));
    CHECK(memchr(request.institution, 0, sizeof request.institution) != NULL);
    if (request.command != NULL) {
        CHECK(request.command->back.request == request.id);
        check_command(request.command);
        command_free(&request.command);
    }
}

static void
read_hello(struct bytes body)
{
    struct wire_hello hello;

    if (wire_read_hello(body, &hello, NULL) == VG_OK) {
        CHECK(hello.version == WIRE_VERSION);
        CHECK(strlen(hello.client) < sizeof hello.client);
        for (const char *at = hello.client; *at != 0; at++) {
            CHECK(*at > ' ' && *at < 127);
        }
    }
}

static void
read_rewind(struct bytes body)
{
    struct wire_rewind rewind;

    if (wire_read_rewind(body, &rewind, NULL) == VG_OK) {
        CHECK((rewind.goal.number == 0) != (rewind.goal.time_us == 0));
        CHECK(rewind.goal.time_us >= 0);
    }
}

static void
read_subscribe(struct bytes body)
{
    struct wire_subscribe subscribe;

    if (wire_read_subscribe(body, &subscribe, NULL) == VG_OK) {
        CHECK(subscribe.window_messages >= 1 && subscribe.window_messages <= 1000000);
        CHECK(subscribe.window_bytes >= 65536 && subscribe.window_bytes <= 1 << 30);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct hot_bytes inner = {NULL, 0};
    uint32_t kind = hot_to_broker_kind((struct hot_bytes){at, len}, &inner);
    struct bytes body = {inner.at, inner.len};
    enum vg_status status = VG_OK;
    uint64_t echo;
    uint32_t number;

    switch (kind) {
    case TO_BROKER_HELLO:
        read_hello(body);
        break;
    case TO_BROKER_REWIND:
        read_rewind(body);
        break;
    case TO_BROKER_HEARTBEAT:
        status = wire_read_heartbeat(body, &echo, NULL);
        break;
    case TO_BROKER_LAST_NUMBER:
        status = wire_read_last_number(body, &number, NULL);
        break;
    case TO_BROKER_SUBSCRIBE:
        read_subscribe(body);
        break;
    case TO_BROKER_REQUEST:
        read_request(body);
        break;
    case TO_BROKER_REFUSE:
        read_refuse(body);
        break;
    case TO_BROKER_UNSUBSCRIBE:
        status = wire_read_unsubscribe(body, &number, NULL);
        break;
    default: // none, or hot: hot_publish_fuzz, hot_acknowledge_fuzz
        break;
    }
    CHECK(status == VG_OK || status == VG_MALFORMED);
    return 0;
}
