// SPDX-License-Identifier: EUPL-1.2
#include <stdlib.h>

#include "clock.h"
#include "connection.h"
#include "error.h"
#include "reply.h"
#include "vigie/vigie.h"

enum { ITEMS_MAX = 1000 };

struct vg_caller {
    struct vg_connection *connection;
    uint64_t last_id;
    Vigie__V1__Request *question; // being asked; NULL: none
    struct vg_reply *reply;
    struct vg_error refusal; // VG_OK: none
    bool ready;
};

// ---- turns ----

static void
send_question(struct vg_caller *caller)
{
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;

    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_REQUEST;
    message.request = caller->question;
    (void)vg_connection_send(caller->connection, &message);
}

// All questions are safe to repeat, so one that was cut off is asked again.
static void
on_ready(const struct vg_grant *grant, void *arg)
{
    struct vg_caller *caller = arg;

    (void)grant;
    caller->ready = true;
    if (caller->question != NULL) {
        send_question(caller);
    }
}

static void
on_lost(void *arg)
{
    struct vg_caller *caller = arg;

    caller->ready = false;
}

// An answer to an earlier question, which was given up, is passed over.
static void
take_reply(struct vg_caller *caller, struct hot_bytes body)
{
    Vigie__V1__Reply *message = vigie__v1__reply__unpack(NULL, body.len, body.at);

    if (message == NULL) {
        vg_connection_break(caller->connection, "an answer could not be understood");
        return;
    }
    if (caller->question == NULL || message->id != caller->question->id) {
        vigie__v1__reply__free_unpacked(message, NULL);
        return;
    }
    vg_reply_free(&caller->reply);
    caller->reply = vg_reply_make(&message);
    if (caller->reply == NULL) {
        (void)vg_fail(&caller->refusal, VG_NO_MEMORY, "no memory for the answer");
    }
}

static void
take_refused(struct vg_caller *caller, struct hot_bytes body)
{
    Vigie__V1__Refused *refused = vigie__v1__refused__unpack(NULL, body.len, body.at);

    if (refused != NULL) {
        vg_fault_read(refused->fault, &caller->refusal);
        vigie__v1__refused__free_unpacked(refused, NULL);
    }
}

static bool
on_frame(uint32_t kind, struct hot_bytes frame, struct hot_bytes body, void *arg)
{
    struct vg_caller *caller = arg;

    (void)frame;
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_REPLY) {
        take_reply(caller, body);
    } else if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED) {
        take_refused(caller, body);
    }
    return true;
}

static bool
on_goodbye(void *arg)
{
    const struct vg_caller *caller = arg;

    return caller->question == NULL;
}

// ---- life ----

static bool
is_ready(void *arg)
{
    const struct vg_caller *caller = arg;

    return caller->ready;
}

static enum vg_status
connect_caller(struct vg_caller *caller, const struct vg_address *address, int timeout_ms,
               struct vg_error *error)
{
    const struct vg_connection_owner owner = {.ready = on_ready,
                                              .lost = on_lost,
                                              .frame = on_frame,
                                              .may_leave = on_goodbye,
                                              .arg = caller};

    return vg_connection_begin(address, &owner, is_ready, timeout_ms, &caller->connection,
                               error);
}

enum vg_status
vg_caller_open(const struct vg_address *address, int timeout_ms,
               struct vg_caller **ret_caller, struct vg_error *error)
{
    struct vg_caller *caller = calloc(1, sizeof *caller);
    enum vg_status status;

    if (caller == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no memory for a caller");
    }
    status = connect_caller(caller, address, timeout_ms, error);
    if (status != VG_OK) {
        vg_caller_close(&caller);
        return status;
    }
    *ret_caller = caller;
    return VG_OK;
}

void
vg_caller_close(struct vg_caller **caller)
{
    if (*caller != NULL) {
        vg_connection_close(&(*caller)->connection);
        free(*caller);
        *caller = NULL;
    }
}

// ---- one question ----

static bool
is_answered(void *arg)
{
    const struct vg_caller *caller = arg;

    return caller->reply != NULL || caller->refusal.status != VG_OK;
}

static enum vg_status
end_question(struct vg_caller *caller, enum vg_status status, struct vg_reply **ret_reply,
             struct vg_error *error)
{
    caller->question = NULL;
    if (status == VG_OK && caller->reply == NULL) {
        return vg_fail_again(error, &caller->refusal);
    }
    if (status == VG_OK) {
        *ret_reply = caller->reply;
        caller->reply = NULL;
        return VG_OK;
    }
    vg_reply_free(&caller->reply);
    if (status == VG_TIMED_OUT && !vg_connection_is_ready(caller->connection)) {
        status = VG_DISCONNECTED;
        if (error != NULL) {
            error->status = status;
        }
    }
    return status;
}

static enum vg_status
ask(struct vg_caller *caller, Vigie__V1__Request *question, int timeout_ms,
    struct vg_reply **ret_reply, struct vg_error *error)
{
    enum vg_status status;

    question->id = ++caller->last_id;
    caller->question = question;
    caller->refusal.status = VG_OK;
    if (vg_connection_is_ready(caller->connection)) {
        send_question(caller);
    }
    status = vg_connection_run(caller->connection, timeout_ms, is_answered, error);
    return end_question(caller, status, ret_reply, error);
}

// ---- the questions ----

// The generated structs point to text they do not change.
static char *
wire_text(const char *text)
{
    return text == NULL ? (char *)protobuf_c_empty_string : (char *)text;
}

static Vigie__V1__Proof
wire_proof(const struct vg_proof *proof)
{
    Vigie__V1__Proof wire = VIGIE__V1__PROOF__INIT;

    wire.identity_card = wire_text(proof->identity_card);
    wire.social_card = wire_text(proof->social_card);
    wire.last_name = wire_text(proof->last_name);
    wire.first_name = wire_text(proof->first_name);
    wire.birth_date = proof->birth_date;
    return wire;
}

// What the items of one question point into.
struct item {
    Vigie__V1__IntegrateItem wire;
    Vigie__V1__Proof proof;
};

static void
write_item(const struct vg_integrate_item *from, struct item *item)
{
    vigie__v1__integrate_item__init(&item->wire);
    item->proof = wire_proof(&from->proof);
    item->wire.niss = from->niss;
    item->wire.quality = from->quality;
    item->wire.begin = from->begin;
    item->wire.end = from->end;
    item->wire.institution = wire_text(from->institution);
    item->wire.catch_up = from->catch_up;
    item->wire.proof = &item->proof;
}

enum vg_status
vg_integrate(struct vg_caller *caller, const char *institution,
             const struct vg_integrate_item *items, size_t items_len, int timeout_ms,
             struct vg_reply **ret_reply, struct vg_error *error)
{
    Vigie__V1__Integrate integrate = VIGIE__V1__INTEGRATE__INIT;
    Vigie__V1__Request question = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__IntegrateItem *pointers[ITEMS_MAX];
    enum vg_status status;
    struct item *written;

    if (items_len == 0 || items_len > ITEMS_MAX) {
        return vg_fail(error, items_len == 0 ? VG_MALFORMED : VG_TOO_MANY,
                       "one to %d items", ITEMS_MAX);
    }
    written = calloc(items_len, sizeof *written);
    if (written == NULL) {
        return vg_fail(error, VG_NO_MEMORY, "no memory for %zu items", items_len);
    }
    for (size_t i = 0; i < items_len; i++) {
        write_item(&items[i], &written[i]);
        pointers[i] = &written[i].wire;
    }
    integrate.items = pointers;
    integrate.n_items = items_len;
    integrate.institution = wire_text(institution);
    question.request_case = VIGIE__V1__REQUEST__REQUEST_INTEGRATE;
    question.integrate = &integrate;
    status = ask(caller, &question, timeout_ms, ret_reply, error);
    free(written);
    return status;
}

enum vg_status
vg_remove(struct vg_caller *caller, const char *institution, uint64_t niss,
          uint32_t quality, uint32_t begin, uint32_t end, int timeout_ms,
          struct vg_reply **ret_reply, struct vg_error *error)
{
    Vigie__V1__Remove removal = VIGIE__V1__REMOVE__INIT;
    Vigie__V1__Request question = VIGIE__V1__REQUEST__INIT;

    removal.niss = niss;
    removal.quality = quality;
    removal.begin = begin;
    removal.end = end;
    removal.institution = wire_text(institution);
    question.request_case = VIGIE__V1__REQUEST__REQUEST_REMOVE;
    question.remove = &removal;
    return ask(caller, &question, timeout_ms, ret_reply, error);
}

enum vg_status
vg_consult(struct vg_caller *caller, uint64_t niss, const struct vg_proof *proof,
           enum vg_level level, int timeout_ms, struct vg_reply **ret_reply,
           struct vg_error *error)
{
    static const struct vg_proof no_proof = {0};
    Vigie__V1__Proof wire = wire_proof(proof == NULL ? &no_proof : proof);
    Vigie__V1__Consult consult = VIGIE__V1__CONSULT__INIT;
    Vigie__V1__Request question = VIGIE__V1__REQUEST__INIT;

    consult.niss = niss;
    consult.proof = proof == NULL ? NULL : &wire;
    consult.level = (Vigie__V1__Consult__Level)level;
    question.request_case = VIGIE__V1__REQUEST__REQUEST_CONSULT;
    question.consult = &consult;
    return ask(caller, &question, timeout_ms, ret_reply, error);
}

enum vg_status
vg_history(struct vg_caller *caller, uint64_t niss, int timeout_ms,
           struct vg_reply **ret_reply, struct vg_error *error)
{
    Vigie__V1__History history = VIGIE__V1__HISTORY__INIT;
    Vigie__V1__Request question = VIGIE__V1__REQUEST__INIT;

    history.niss = niss;
    question.request_case = VIGIE__V1__REQUEST__REQUEST_HISTORY;
    question.history = &history;
    return ask(caller, &question, timeout_ms, ret_reply, error);
}

static void
write_choices(const struct vg_choice *choices, size_t choices_len,
              Vigie__V1__Choice *ret_wire, Vigie__V1__Choice **ret_pointers)
{
    for (size_t i = 0; i < choices_len; i++) {
        vigie__v1__choice__init(&ret_wire[i]);
        ret_wire[i].flow = wire_text(choices[i].flow);
        ret_wire[i].n_qualities = choices[i].qualities_len;
        ret_wire[i].qualities = (uint32_t *)choices[i].qualities;
        ret_pointers[i] = &ret_wire[i];
    }
}

static bool
choices_fit(const struct vg_choice *choices, size_t choices_len)
{
    for (size_t i = 0; i < choices_len && i < VG_CHOICES_MAX; i++) {
        if (choices[i].qualities_len > VG_QUALITIES_MAX) {
            return false;
        }
    }
    return choices_len <= VG_CHOICES_MAX;
}

enum vg_status
vg_add_mailbox(struct vg_caller *caller, const char *name,
               const struct vg_choice *choices, size_t choices_len, int timeout_ms,
               struct vg_reply **ret_reply, struct vg_error *error)
{
    Vigie__V1__AddMailbox addition = VIGIE__V1__ADD_MAILBOX__INIT;
    Vigie__V1__Request question = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__Choice wire[VG_CHOICES_MAX];
    Vigie__V1__Choice *pointers[VG_CHOICES_MAX];

    if (!choices_fit(choices, choices_len)) {
        return vg_fail(error, VG_TOO_MANY, "at most %d choices of %d qualities",
                       VG_CHOICES_MAX, VG_QUALITIES_MAX);
    }
    write_choices(choices, choices_len, wire, pointers);
    addition.name = wire_text(name);
    addition.choices = pointers;
    addition.n_choices = choices_len;
    question.request_case = VIGIE__V1__REQUEST__REQUEST_ADD_MAILBOX;
    question.add_mailbox = &addition;
    return ask(caller, &question, timeout_ms, ret_reply, error);
}

enum vg_status
vg_list_mailboxes(struct vg_caller *caller, int timeout_ms, struct vg_reply **ret_reply,
                  struct vg_error *error)
{
    Vigie__V1__ListMailboxes list = VIGIE__V1__LIST_MAILBOXES__INIT;
    Vigie__V1__Request question = VIGIE__V1__REQUEST__INIT;

    question.request_case = VIGIE__V1__REQUEST__REQUEST_LIST_MAILBOXES;
    question.list_mailboxes = &list;
    return ask(caller, &question, timeout_ms, ret_reply, error);
}

enum vg_status
vg_list_sources(struct vg_caller *caller, int timeout_ms, struct vg_reply **ret_reply,
                struct vg_error *error)
{
    Vigie__V1__Request question = VIGIE__V1__REQUEST__INIT;
    Vigie__V1__ListSources list = VIGIE__V1__LIST_SOURCES__INIT;

    question.request_case = VIGIE__V1__REQUEST__REQUEST_LIST_SOURCES;
    question.list_sources = &list;
    return ask(caller, &question, timeout_ms, ret_reply, error);
}

enum vg_status
vg_list_integrations(struct vg_caller *caller, const struct vg_list *list, int timeout_ms,
                     struct vg_reply **ret_reply, struct vg_error *error)
{
    Vigie__V1__ListIntegrations wire = VIGIE__V1__LIST_INTEGRATIONS__INIT;
    Vigie__V1__Request question = VIGIE__V1__REQUEST__INIT;

    wire.institution = wire_text(list->institution);
    wire.sector = list->sector;
    wire.quality = list->quality;
    wire.since = list->since;
    wire.from = list->from;
    wire.through = list->through;
    wire.max = list->max;
    wire.rows = list->rows;
    question.request_case = VIGIE__V1__REQUEST__REQUEST_LIST_INTEGRATIONS;
    question.list_integrations = &wire;
    return ask(caller, &question, timeout_ms, ret_reply, error);
}

enum vg_status
vg_list_parked(struct vg_caller *caller, uint32_t mailbox, uint64_t from, uint32_t max,
               int timeout_ms, struct vg_reply **ret_reply, struct vg_error *error)
{
    Vigie__V1__ListParked list = VIGIE__V1__LIST_PARKED__INIT;
    Vigie__V1__Request question = VIGIE__V1__REQUEST__INIT;

    list.mailbox = mailbox;
    list.from = from;
    list.max = max;
    question.request_case = VIGIE__V1__REQUEST__REQUEST_LIST_PARKED;
    question.list_parked = &list;
    return ask(caller, &question, timeout_ms, ret_reply, error);
}

enum vg_status
vg_handle_parked(struct vg_caller *caller, uint32_t mailbox, const uint64_t *numbers,
                 size_t numbers_len, enum vg_parked_act act, const char *reason,
                 int timeout_ms, struct vg_reply **ret_reply, struct vg_error *error)
{
    Vigie__V1__HandleParked handle = VIGIE__V1__HANDLE_PARKED__INIT;
    Vigie__V1__Request question = VIGIE__V1__REQUEST__INIT;

    handle.mailbox = mailbox;
    handle.numbers = (uint64_t *)(uintptr_t)numbers;
    handle.n_numbers = numbers_len;
    handle.act = act == VG_PARKED_DROP ? VIGIE__V1__HANDLE_PARKED__ACT__DROP
                                       : VIGIE__V1__HANDLE_PARKED__ACT__RETRY;
    handle.reason = wire_text(reason);
    question.request_case = VIGIE__V1__REQUEST__REQUEST_HANDLE_PARKED;
    question.handle_parked = &handle;
    return ask(caller, &question, timeout_ms, ret_reply, error);
}
