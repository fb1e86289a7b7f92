// SPDX-License-Identifier: EUPL-1.2
#include "wire/wire.h"

#include "wire/arena.h"

#include <stdlib.h>
#include <string.h>

#include "vigie/v1/vigie.pb-c.h"

enum {
    SMALL_ARENA = 16 << 10,
    // Objects and strings of a legal Request are at most about nine times its bytes.
    REQUEST_ARENA_FACTOR = 16,
    REQUEST_ARENA_MIN = 256 << 10, // for a thousand items with nothing in them
    TEXT_MAX = 256,
    PARKED_LISTED = 100, // when a ListParked says no number
};

// ---- small messages: an arena on the stack, nothing is kept ----

struct small {
    _Alignas(ARENA_ALIGNMENT) uint8_t memory[SMALL_ARENA];
    struct arena arena;
};

static void *
unpack_small(const ProtobufCMessageDescriptor *descriptor, struct bytes body,
             struct small *small, struct why *why)
{
    ProtobufCAllocator allocator;
    void *message;

    arena_init(&small->arena, small->memory, sizeof small->memory);
    allocator = arena_allocator(&small->arena);
    message = protobuf_c_message_unpack(descriptor, &allocator, body.len, body.at);
    if (message == NULL) {
        why_set(why, "the message's %zu bytes are no protobuf %s", body.len,
                descriptor->short_name);
    }
    return message;
}

enum vg_status
wire_read_hello(struct bytes body, struct wire_hello *ret, struct why *why)
{
    struct small small;
    Vigie__V1__Hello *hello =
        unpack_small(&vigie__v1__hello__descriptor, body, &small, why);
    size_t len = 0;

    if (hello == NULL) {
        return VG_MALFORMED;
    }
    ret->version = hello->version;
    for (const char *at = hello->client; *at != 0 && len + 1 < sizeof ret->client; at++) {
        ret->client[len++] = *at > ' ' && *at < 127 && *at != '"' ? *at : '_';
    }
    ret->client[len] = 0;
    if (ret->version != WIRE_VERSION) {
        return fail(why, VG_MALFORMED, "version %u is not spoken here, %d is",
                    ret->version, WIRE_VERSION);
    }
    return VG_OK;
}

enum vg_status
wire_read_heartbeat(struct bytes body, uint64_t *ret_echo, struct why *why)
{
    struct small small;
    Vigie__V1__Heartbeat *heartbeat =
        unpack_small(&vigie__v1__heartbeat__descriptor, body, &small, why);

    if (heartbeat == NULL) {
        return VG_MALFORMED;
    }
    *ret_echo = heartbeat->echo;
    return VG_OK;
}

enum vg_status
wire_read_last_number(struct bytes body, uint32_t *ret_producer, struct why *why)
{
    struct small small;
    Vigie__V1__LastNumber *message =
        unpack_small(&vigie__v1__last_number__descriptor, body, &small, why);

    if (message == NULL) {
        return VG_MALFORMED;
    }
    *ret_producer = message->producer;
    return VG_OK;
}

enum vg_status
wire_read_subscribe(struct bytes body, struct wire_subscribe *ret, struct why *why)
{
    struct small small;
    Vigie__V1__Subscribe *subscribe =
        unpack_small(&vigie__v1__subscribe__descriptor, body, &small, why);

    if (subscribe == NULL) {
        return VG_MALFORMED;
    }
    if (subscribe->window_messages == 0 || subscribe->window_messages > 1000000) {
        return fail(why, VG_MALFORMED, "window_messages is %u, allowed are 1 to 1000000",
                    subscribe->window_messages);
    }
    if (subscribe->window_bytes < 65536 || subscribe->window_bytes > 1 << 30) {
        return fail(why, VG_MALFORMED, "window_bytes is %llu, allowed are 65536 to %d",
                    (unsigned long long)subscribe->window_bytes, 1 << 30);
    }
    ret->mailbox = subscribe->mailbox;
    ret->window_messages = subscribe->window_messages;
    ret->window_bytes = subscribe->window_bytes;
    return VG_OK;
}

enum vg_status
wire_read_unsubscribe(struct bytes body, uint32_t *ret_mailbox, struct why *why)
{
    struct small small;
    Vigie__V1__Unsubscribe *message =
        unpack_small(&vigie__v1__unsubscribe__descriptor, body, &small, why);

    if (message == NULL) {
        return VG_MALFORMED;
    }
    *ret_mailbox = message->mailbox;
    return VG_OK;
}

enum vg_status
wire_read_rewind(struct bytes body, struct wire_rewind *ret, struct why *why)
{
    struct small small;
    Vigie__V1__Rewind *message =
        unpack_small(&vigie__v1__rewind__descriptor, body, &small, why);

    if (message == NULL) {
        return VG_MALFORMED;
    }
    if ((message->number == 0) == (message->time == 0) || message->time > INT64_MAX) {
        return fail(why, VG_MALFORMED,
                    "a Rewind names a number or a moment: number %llu, time %llu",
                    (unsigned long long)message->number,
                    (unsigned long long)message->time);
    }
    ret->mailbox = message->mailbox;
    ret->goal = (struct rewind_goal){message->number, (int64_t)message->time};
    return VG_OK;
}

enum { RETRY_AFTER_S_MAX = 3 * 60 * 60 };

// Printable: no control characters, and not over the limit.
static enum vg_status
check_reason(const char *reason, struct why *why)
{
    size_t len = strlen(reason);

    if (len > HELD_REASON_MAX) {
        return fail(why, VG_TOO_LARGE, "reason has %zu bytes, at most %d are allowed",
                    len, HELD_REASON_MAX);
    }
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)reason[i] < ' ' || reason[i] == 0x7f) {
            return fail(why, VG_MALFORMED, "byte %zu of reason cannot be printed", i + 1);
        }
    }
    return VG_OK;
}

enum vg_status
wire_read_refuse(struct bytes body, struct wire_refuse *ret, struct why *why)
{
    struct small small;
    Vigie__V1__Refuse *refuse =
        unpack_small(&vigie__v1__refuse__descriptor, body, &small, why);
    enum vg_status status;

    if (refuse == NULL) {
        return VG_MALFORMED;
    }
    status = check_reason(refuse->reason, why);
    if (status != VG_OK) {
        return status;
    }
    if (refuse->retry_after_s > RETRY_AFTER_S_MAX) {
        return fail(why, VG_MALFORMED, "retry_after_s is %u, at most %d is allowed",
                    refuse->retry_after_s, RETRY_AFTER_S_MAX);
    }
    strcpy(ret->reason, refuse->reason); // it was measured
    ret->mailbox = refuse->mailbox;
    ret->refusal = (struct refusal){
        .number = refuse->number,
        .reason = bytes_of(ret->reason),
        .retry_after_ms = refuse->retry_after_s * 1000,
        .park = refuse->park != 0,
    };
    return VG_OK;
}

// ---- requests: the arena becomes the command's own memory ----

static struct bytes
text_of(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static enum vg_status
read_proof(const Vigie__V1__Proof *proof, struct proof *ret, struct why *why)
{
    if (proof == NULL) {
        return VG_OK;
    }
    ret->identity_card = text_of(proof->identity_card);
    ret->social_card = text_of(proof->social_card);
    ret->last_name = text_of(proof->last_name);
    ret->first_name = text_of(proof->first_name);
    ret->birth_date = proof->birth_date;

    const struct {
        const char *name;
        size_t len;
    } texts[] = {{"identity_card", ret->identity_card.len},
                 {"social_card", ret->social_card.len},
                 {"last_name", ret->last_name.len},
                 {"first_name", ret->first_name.len}};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i].len > TEXT_MAX) {
            return fail(why, VG_TOO_LARGE,
                        "%s of the proof has %zu bytes, at most %d are allowed",
                        texts[i].name, texts[i].len, TEXT_MAX);
        }
    }
    return VG_OK;
}

static enum vg_status
read_institution(const char *code, struct wire_request *ret, struct why *why)
{
    size_t len = strlen(code);

    if (len >= sizeof ret->institution) {
        return fail(why, VG_TOO_LARGE,
                    "institution has %zu bytes, at most %zu are allowed", len,
                    sizeof ret->institution - 1);
    }
    memcpy(ret->institution, code, len + 1);
    return VG_OK;
}

static enum vg_status
read_integrate(const Vigie__V1__Integrate *message, struct wire_request *ret,
               struct why *why)
{
    struct integrate_command *integrate = &ret->command->integrate;
    enum vg_status status = read_institution(message->institution, ret, why);

    if (status == VG_OK &&
        (message->n_items == 0 || message->n_items > INTEGRATE_ITEMS_MAX)) {
        return fail(why, VG_TOO_MANY, "%zu items, allowed are 1 to %d", message->n_items,
                    INTEGRATE_ITEMS_MAX);
    }
    integrate->items_len = message->n_items;
    integrate->items = xcalloc(message->n_items, sizeof *integrate->items);
    for (size_t i = 0; status == VG_OK && i < message->n_items; i++) {
        const Vigie__V1__IntegrateItem *item = message->items[i];

        integrate->items[i].niss = item->niss;
        integrate->items[i].quality = item->quality;
        integrate->items[i].begin = item->begin;
        integrate->items[i].end = item->end;
        integrate->items[i].institution = text_of(item->institution);
        integrate->items[i].catch_up = item->catch_up != 0;
        status = read_proof(item->proof, &integrate->items[i].proof, why);
    }
    return status;
}

static enum vg_status
read_remove(const Vigie__V1__Remove *message, struct wire_request *ret, struct why *why)
{
    ret->command->remove.request = (struct remove_request){
        .niss = message->niss,
        .quality = message->quality,
        .begin = message->begin,
        .end = message->end,
    };
    return read_institution(message->institution, ret, why);
}

static enum vg_status
read_consult(const Vigie__V1__Consult *message, struct wire_request *ret, struct why *why)
{
    struct consult_command *consult = &ret->command->consult;

    switch (message->level) {
    case VIGIE__V1__CONSULT__LEVEL__ALL:
        consult->level = CONSULT_ALL;
        break;
    case VIGIE__V1__CONSULT__LEVEL__PRIMARY:
        consult->level = CONSULT_PRIMARY;
        break;
    case VIGIE__V1__CONSULT__LEVEL__SECONDARY:
        consult->level = CONSULT_SECONDARY;
        break;
    default:
        return fail(why, VG_MALFORMED, "level %d is none of 0 to 2", (int)message->level);
    }
    consult->niss = message->niss;
    return read_proof(message->proof, &consult->proof, why);
}

static enum vg_status
read_choice(const Vigie__V1__Choice *message, struct choice_request *ret, struct why *why)
{
    ret->flow = text_of(message->flow);
    for (size_t i = 0; i < message->n_qualities; i++) {
        if (message->qualities[i] >= 64) {
            return fail(why, VG_UNKNOWN_QUALITY, "quality %u cannot be chosen",
                        message->qualities[i]);
        }
        ret->qualities |= UINT64_C(1) << message->qualities[i];
    }
    return VG_OK;
}

static enum vg_status
read_add_mailbox(const Vigie__V1__AddMailbox *message, struct wire_request *ret,
                 struct why *why)
{
    struct add_mailbox_command *add = &ret->command->add_mailbox;
    enum vg_status status = VG_OK;

    if (message->n_choices > SPEC_CHOICES_MAX) {
        return fail(why, VG_TOO_MANY, "%zu choices, at most %d", message->n_choices,
                    SPEC_CHOICES_MAX);
    }
    add->name = text_of(message->name);
    add->choices_len = message->n_choices;
    add->choices = xcalloc(message->n_choices + 1, sizeof *add->choices);
    for (size_t i = 0; status == VG_OK && i < message->n_choices; i++) {
        status = read_choice(message->choices[i], &add->choices[i], why);
    }
    return status;
}

static enum vg_status
read_list_parked(const Vigie__V1__ListParked *message, struct wire_request *ret,
                 struct why *why)
{
    if (message->max > PARKED_NUMBERS_MAX) {
        return fail(why, VG_TOO_MANY, "max is %u, at most %d is allowed", message->max,
                    PARKED_NUMBERS_MAX);
    }
    ret->list_parked = true;
    ret->parked.mailbox = message->mailbox;
    ret->parked.from = message->from;
    ret->parked.max = message->max == 0 ? PARKED_LISTED : message->max;
    return VG_OK;
}

static enum vg_status
read_handle_parked(const Vigie__V1__HandleParked *message, struct wire_request *ret,
                   struct why *why)
{
    struct parked_command *parked = &ret->command->parked;
    bool drop = message->act == VIGIE__V1__HANDLE_PARKED__ACT__DROP;
    enum vg_status status = check_reason(message->reason, why);

    if (status != VG_OK) {
        return status;
    }
    if (!drop && message->act != VIGIE__V1__HANDLE_PARKED__ACT__RETRY) {
        return fail(why, VG_MALFORMED, "act %d is neither 0 nor 1", (int)message->act);
    }
    if (drop && message->reason[0] == 0) {
        return fail(why, VG_MALFORMED, "a drop needs a reason");
    }
    if (message->n_numbers == 0 || message->n_numbers > PARKED_NUMBERS_MAX) {
        return fail(why, VG_TOO_MANY, "%zu numbers, allowed are 1 to %d",
                    message->n_numbers, PARKED_NUMBERS_MAX);
    }
    ret->command->kind = drop ? COMMAND_DROP_PARKED : COMMAND_RETRY_PARKED;
    parked->mailbox = message->mailbox;
    parked->reason = text_of(message->reason);
    parked->numbers_len = message->n_numbers;
    parked->numbers = xcalloc(message->n_numbers, sizeof *parked->numbers);
    memcpy(parked->numbers, message->numbers,
           message->n_numbers * sizeof *parked->numbers);
    return VG_OK;
}

static enum vg_status
read_list(const Vigie__V1__ListIntegrations *message, struct wire_request *ret,
          struct why *why)
{
    struct list_command *list = &ret->command->list;

    if (message->rows && message->max > LISTED_MAX) {
        return fail(why, VG_TOO_MANY, "max is %u, at most %d is allowed with rows",
                    message->max, LISTED_MAX);
    }
    if (message->quality > UINT16_MAX || message->sector > UINT16_MAX) {
        return fail(why, VG_MALFORMED, "quality %u or sector %u is no such number",
                    message->quality, message->sector);
    }
    if (message->sector != 0 && message->institution[0] != 0) {
        return fail(why, VG_MALFORMED, "an institution and a sector: one of them");
    }
    *list = (struct list_command){
        .sector = (uint16_t)message->sector,
        .quality = (uint16_t)message->quality,
        .since = DAY_EVER,
        .from = message->from,
        .through = message->through == 0 ? NISS_MAX : message->through,
        .max = message->rows && message->max == 0 ? LISTED_MAX : message->max,
        .rows = message->rows != 0,
    };
    if (message->since != 0 &&
        day_from_number(message->since, &list->since, why) != VG_OK) {
        return VG_BAD_DATE;
    }
    return read_institution(message->institution, ret, why);
}

static enum vg_status
read_kind(const Vigie__V1__Request *request, struct wire_request *ret, struct why *why)
{
    switch (request->request_case) {
    case VIGIE__V1__REQUEST__REQUEST_INTEGRATE:
        ret->command->kind = COMMAND_INTEGRATE;
        return read_integrate(request->integrate, ret, why);
    case VIGIE__V1__REQUEST__REQUEST_REMOVE:
        ret->command->kind = COMMAND_REMOVE;
        return read_remove(request->remove, ret, why);
    case VIGIE__V1__REQUEST__REQUEST_CONSULT:
        ret->command->kind = COMMAND_CONSULT;
        return read_consult(request->consult, ret, why);
    case VIGIE__V1__REQUEST__REQUEST_HISTORY:
        ret->command->kind = COMMAND_HISTORY;
        ret->command->history.niss = request->history->niss;
        return VG_OK;
    case VIGIE__V1__REQUEST__REQUEST_ADD_MAILBOX:
        ret->command->kind = COMMAND_ADD_MAILBOX;
        return read_add_mailbox(request->add_mailbox, ret, why);
    case VIGIE__V1__REQUEST__REQUEST_LIST_MAILBOXES:
        ret->list_mailboxes = true;
        return VG_OK;
    case VIGIE__V1__REQUEST__REQUEST_LIST_PARKED:
        return read_list_parked(request->list_parked, ret, why);
    case VIGIE__V1__REQUEST__REQUEST_LIST_SOURCES:
        ret->list_sources = true;
        return VG_OK;
    case VIGIE__V1__REQUEST__REQUEST_LIST_INTEGRATIONS:
        ret->command->kind = COMMAND_LIST;
        return read_list(request->list_integrations, ret, why);
    case VIGIE__V1__REQUEST__REQUEST_HANDLE_PARKED:
        return read_handle_parked(request->handle_parked, ret, why);
    default:
        return fail(why, VG_MALFORMED, "request %llu asks for nothing this broker knows",
                    (unsigned long long)request->id);
    }
}

enum vg_status
wire_read_request(struct bytes body, struct wire_request *ret, struct why *why)
{
    size_t size = REQUEST_ARENA_MIN + REQUEST_ARENA_FACTOR * body.len;
    struct arena arena;
    ProtobufCAllocator allocator;
    Vigie__V1__Request *request;
    enum vg_status status;

    *ret = (struct wire_request){.command = command_new(COMMAND_HISTORY, NULL, 0)};
    buffer_reserve(&ret->command->frame, size);
    arena_init(&arena, ret->command->frame.at, size);
    allocator = arena_allocator(&arena);
    request = vigie__v1__request__unpack(&allocator, body.len, body.at);
    if (request == NULL) {
        command_free(&ret->command);
        return fail(why, VG_MALFORMED, "the message's %zu bytes are no protobuf Request",
                    body.len);
    }
    ret->id = request->id;
    ret->command->frame.len = arena.used; // it counts towards the batch
    status = read_kind(request, ret, why);
    if (status != VG_OK || ret->list_mailboxes || ret->list_parked || ret->list_sources) {
        command_free(&ret->command);
        return status;
    }
    ret->command->back.request = ret->id;
    return VG_OK;
}
