// SPDX-License-Identifier: EUPL-1.2
#include "witness.h"

#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

#include "vigie/v1/vigie.pb-c.h"

enum {
    MARK_SENT = 1,    // on this session
    MARK_ASKED = 2,   // acknowledged on this session, or on disk when it was opened
    MARK_ANSWERED = 4 // acknowledged by any session of this life
};

// ---- life ----

static void
forget(struct witness *witness)
{
    for (size_t i = 0; i < witness->watched_len; i++) {
        free(witness->watched[i].marks);
    }
    for (size_t i = 0; i < witness->pending_len; i++) {
        buffer_free(&witness->pending[i].frame);
    }
    witness->watched_len = witness->pending_len = 0;
}

void
witness_begin(struct witness *witness, struct model *model, struct broker *broker)
{
    forget(witness);
    witness->model = model;
    witness->broker = broker;
}

void
witness_end(struct witness *witness)
{
    forget(witness);
    free(witness->pending);
    witness->pending = NULL;
}

// ---- mailboxes ----

static struct watched *
watched_of(struct witness *witness, uint32_t mailbox)
{
    for (size_t i = 0; i < witness->watched_len; i++) {
        if (witness->watched[i].mailbox == mailbox) {
            return &witness->watched[i];
        }
    }
    if (model_box(witness->model, mailbox) == NULL) {
        return NULL;
    }
    CHECK(witness->watched_len < BOXES_MAX);
    witness->watched[witness->watched_len] = (struct watched){.mailbox = mailbox};
    return &witness->watched[witness->watched_len++];
}

static uint64_t
owner_of(const struct witness *witness, uint32_t mailbox)
{
    const struct lane *lane = lanes_find(witness->broker->lanes, mailbox);

    return lane == NULL || lane->session == NULL ? 0 : lane->session->id;
}

// As far as the loop has given them to the connection, which may not have taken them yet.
static uint64_t
sent_of(const struct witness *witness, uint32_t mailbox)
{
    const struct lane *lane = lanes_find(witness->broker->lanes, mailbox);

    return lane == NULL || lane->outflow == NULL ? 0 : outflow_state(lane->outflow).sent;
}

// As far as earlier connections were given them, taken or not.
static uint64_t
given_of(const struct witness *witness, uint32_t mailbox)
{
    const struct lane *lane = lanes_find(witness->broker->lanes, mailbox);

    return lane == NULL ? 0 : lane->sent_through;
}

static bool
has_outbox(const struct witness *witness, uint64_t session)
{
    const struct session *one = sessions_find(witness->broker->sessions, session);

    return one != NULL && one->outbox != NULL;
}

// Mailbox 0 is the institution's own.
static uint32_t
named(const struct witness *witness, uint64_t session, uint32_t mailbox)
{
    const struct session *one = sessions_find(witness->broker->sessions, session);

    return mailbox != 0 ? mailbox : one == NULL ? 0 : one->institution;
}

static uint8_t *
mark_of(struct watched *watched, uint64_t number)
{
    if (number >= watched->marks_size) {
        size_t size = number * 2 + 64;

        watched->marks = realloc(watched->marks, size);
        CHECK(watched->marks != NULL);
        memset(watched->marks + watched->marks_size, 0, size - watched->marks_size);
        watched->marks_size = size;
    }
    return &watched->marks[number];
}

static void
note_opened(struct witness *witness, struct watched *watched, uint64_t session)
{
    const struct model_box *box = model_box(witness->model, watched->mailbox);

    watched->session = session;
    watched->given = given_of(witness, watched->mailbox);
    watched->sent = watched->in_flight = watched->flight_bytes = 0;
    watched->muddled = has_outbox(witness, session);
    for (size_t i = 1; i < watched->marks_size; i++) {
        watched->marks[i] &= MARK_ANSWERED;
    }
    for (size_t i = 0; i < box->len; i++) {
        if (box->told[i].acknowledged) { // it must not come again
            *mark_of(watched, i + 1) |= MARK_ASKED;
        }
    }
}

// ---- what clients say ----

static void
read_subscribe(struct witness *witness, uint64_t session, struct hot_bytes body,
               struct expected *ret_expected)
{
    Vigie__V1__Subscribe *subscribe =
        vigie__v1__subscribe__unpack(NULL, body.len, body.at);

    if (subscribe == NULL) {
        broken("a Subscribe of the simulation itself cannot be read");
    }
    ret_expected->watched =
        watched_of(witness, named(witness, session, subscribe->mailbox));
    ret_expected->acknowledge.mailbox = subscribe->window_messages;
    ret_expected->acknowledge.through = subscribe->window_bytes;
    vigie__v1__subscribe__free_unpacked(subscribe, NULL);
}

static bool
asks_for(struct witness *witness, struct watched *watched, uint64_t number)
{
    const struct model_box *box = model_box(witness->model, watched->mailbox);

    return number > 0 && number <= box->len &&
           (*mark_of(watched, number) & MARK_ASKED) == 0 &&
           !box->told[number - 1].acknowledged;
}

static void
read_acknowledge(struct witness *witness, uint64_t session, struct hot_bytes body,
                 struct expected *ret_expected)
{
    struct hot_acknowledge *acknowledge = &ret_expected->acknowledge;
    struct watched *watched;

    if (hot_read_acknowledge(body, acknowledge) != HOT_OK) {
        broken("an Acknowledge of the simulation itself cannot be read");
    }
    watched = watched_of(witness, named(witness, session, acknowledge->mailbox));
    ret_expected->watched = watched;
    for (uint64_t n = 1; watched != NULL && n <= acknowledge->through; n++) {
        ret_expected->asks |= asks_for(witness, watched, n);
    }
    for (uint32_t i = 0; watched != NULL && i < acknowledge->also_len; i++) {
        ret_expected->asks |= asks_for(witness, watched, acknowledge->also[i]);
    }
}

void
witness_before(struct witness *witness, uint64_t session, struct bytes frame,
               struct expected *ret_expected)
{
    struct hot_bytes body = {0};

    ret_expected->kind =
        hot_to_broker_kind((struct hot_bytes){frame.at, frame.len}, &body);
    ret_expected->watched = NULL;
    ret_expected->asks = false;
    if (ret_expected->kind == TO_BROKER_SUBSCRIBE) {
        read_subscribe(witness, session, body, ret_expected);
    } else if (ret_expected->kind == TO_BROKER_ACKNOWLEDGE) {
        read_acknowledge(witness, session, body, ret_expected);
    }
    if (ret_expected->watched != NULL) {
        ret_expected->owner = owner_of(witness, ret_expected->watched->mailbox);
        ret_expected->sent = sent_of(witness, ret_expected->watched->mailbox);
    }
    ret_expected->proposed = witness->broker->proposed;
}

static void
after_subscribe(struct witness *witness, uint64_t session,
                const struct expected *expected)
{
    struct watched *watched = expected->watched;

    if (owner_of(witness, watched->mailbox) != session) {
        return; // it was refused
    }
    if (expected->owner != session) {
        witness->takeovers += expected->owner != 0;
        note_opened(witness, watched, session);
    }
    watched->window_messages = expected->acknowledge.mailbox;
    watched->window_bytes = expected->acknowledge.through;
}

static void
note_asked(struct witness *witness, struct watched *watched, uint64_t number)
{
    const struct model_box *box = model_box(witness->model, watched->mailbox);
    uint8_t *mark = mark_of(watched, number);

    if ((*mark & (MARK_SENT | MARK_ASKED)) == MARK_SENT) {
        watched->in_flight--;
        watched->flight_bytes -= box->told[number - 1].size;
    }
    *mark |= MARK_ASKED | MARK_ANSWERED;
}

static void
keep_pending(struct witness *witness, uint64_t session, struct bytes frame)
{
    if (witness->pending_len == witness->pending_size) {
        witness->pending_size = witness->pending_size * 2 + 64;
        witness->pending =
            realloc(witness->pending, witness->pending_size * sizeof *witness->pending);
        CHECK(witness->pending != NULL);
    }
    witness->pending[witness->pending_len] = (struct acknowledging){.session = session};
    buffer_add(&witness->pending[witness->pending_len++].frame, frame.at, frame.len);
}

static uint64_t
most_of(const struct hot_acknowledge *acknowledge)
{
    uint64_t most = acknowledge->through;

    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        most = acknowledge->also[i] > most ? acknowledge->also[i] : most;
    }
    return most;
}

// An acknowledgement makes room at once, for just what it names.
static void
check_flight(struct witness *witness, struct watched *watched)
{
    const struct lane *lane = lanes_find(witness->broker->lanes, watched->mailbox);
    struct outflow_state state = outflow_state(lane->outflow);

    if (state.in_flight_messages != watched->in_flight ||
        state.in_flight_bytes != watched->flight_bytes) {
        broken("mailbox %u: %llu messages of %llu bytes in flight, not %llu of %llu",
               watched->mailbox, (unsigned long long)state.in_flight_messages,
               (unsigned long long)state.in_flight_bytes,
               (unsigned long long)watched->in_flight,
               (unsigned long long)watched->flight_bytes);
    }
}

static void
after_acknowledge(struct witness *witness, uint64_t session, struct bytes frame,
                  const struct expected *expected)
{
    const struct hot_acknowledge *acknowledge = &expected->acknowledge;
    struct watched *watched = expected->watched;
    bool taken = expected->owner == session && most_of(acknowledge) <= expected->sent;
    size_t proposed = witness->broker->proposed - expected->proposed;

    if (proposed > 1 || (!taken && proposed == 1) ||
        (taken && proposed == 0 && expected->asks)) {
        broken("mailbox %u: an acknowledgement through %llu makes %zu commands",
               watched->mailbox, (unsigned long long)acknowledge->through, proposed);
    }
    if (proposed == 1) {
        keep_pending(witness, session, frame);
    }
    for (uint64_t n = 1; taken && n <= acknowledge->through; n++) {
        note_asked(witness, watched, n);
    }
    for (uint32_t i = 0; taken && i < acknowledge->also_len; i++) {
        note_asked(witness, watched, acknowledge->also[i]);
    }
    // What lies in the outbox is in flight for the loop, and was not seen yet.
    if (taken && !watched->muddled && !has_outbox(witness, session)) {
        check_flight(witness, watched);
    }
}

void
witness_after(struct witness *witness, uint64_t session, struct bytes frame,
              const struct expected *expected)
{
    if (expected->watched == NULL) {
        return;
    }
    if (expected->kind == TO_BROKER_SUBSCRIBE) {
        after_subscribe(witness, session, expected);
    } else {
        after_acknowledge(witness, session, frame, expected);
    }
}

// ---- what the broker says ----

// What lies between two letters was acknowledged by somebody.
static void
check_passed_over(struct witness *witness, struct watched *watched, uint64_t number)
{
    const struct model_box *box = model_box(witness->model, watched->mailbox);

    for (uint64_t n = watched->sent + 1; n < number; n++) {
        if (!box->told[n - 1].acknowledged &&
            (*mark_of(watched, n) & MARK_ANSWERED) == 0) {
            broken("mailbox %u: letter %llu is sent, and %llu before it was not", box->id,
                   (unsigned long long)number, (unsigned long long)n);
        }
    }
}

static void
note_letter(struct witness *witness, uint64_t session,
            const struct hot_notification *letter)
{
    struct watched *watched = watched_of(witness, letter->mailbox);
    const struct model_box *box = model_box(witness->model, letter->mailbox);
    bool late = has_outbox(witness, session);
    uint8_t *mark;

    if (late && watched != NULL && (watched->muddled || watched->session != session)) {
        return; // of an opening that is over
    }
    if (watched == NULL || watched->session != session) {
        broken("mailbox %u: a letter is sent to a session that has not opened it",
               letter->mailbox);
    }
    if (letter->number <= watched->sent || letter->number > box->len) {
        broken("mailbox %u: letter %llu of %zu is sent after %llu", box->id,
               (unsigned long long)letter->number, box->len,
               (unsigned long long)watched->sent);
    }
    if (!watched->muddled) {
        check_passed_over(witness, watched, letter->number);
    }
    mark = mark_of(watched, letter->number);
    if ((*mark & (MARK_ASKED | MARK_SENT)) != 0 && !late) {
        broken("mailbox %u: letter %llu is sent again, acknowledged or not", box->id,
               (unsigned long long)letter->number);
    }
    if (!late && (letter->again ? letter->number > watched->given
                                : letter->number <= watched->sent_ever)) {
        broken("mailbox %u: letter %llu is wrong about being sent again", box->id,
               (unsigned long long)letter->number);
    }
    if ((*mark & MARK_ASKED) == 0) {
        watched->in_flight++;
        watched->flight_bytes += box->told[letter->number - 1].size;
    }
    *mark |= MARK_SENT;
    watched->touched = true;
    watched->sent = letter->number;
    witness->delivered++;
}

static void
check_windows(struct witness *witness, uint64_t session)
{
    for (size_t i = 0; i < witness->watched_len; i++) {
        struct watched *watched = &witness->watched[i];

        if (watched->touched && watched->session == session &&
            (watched->in_flight > watched->window_messages ||
             (watched->flight_bytes > watched->window_bytes && watched->in_flight > 1))) {
            broken("mailbox %u: %llu bytes in %llu messages are over the window",
                   watched->mailbox, (unsigned long long)watched->flight_bytes,
                   (unsigned long long)watched->in_flight);
        }
        watched->touched = false;
        if (watched->sent > watched->sent_ever) {
            watched->sent_ever = watched->sent;
        }
    }
}

void
witness_sent(struct witness *witness, uint64_t session, struct bytes frame)
{
    struct hot_bytes rest = {frame.at, frame.len};
    struct hot_notification letter;
    struct hot_bytes body;
    int more;

    if (hot_to_client_kind(rest, &body) != 1) {
        return;
    }
    while ((more = hot_next_notification(&rest, &letter)) == 1) {
        note_letter(witness, session, &letter);
    }
    if (more != 0) {
        broken("a delivery cannot be read");
    }
    check_windows(witness, session);
}

// A letter that comes again says so, whether or not it came before.
void
witness_not_taken(struct witness *witness, struct bytes frame)
{
    struct hot_bytes rest = {frame.at, frame.len};
    struct hot_notification letter;
    struct hot_bytes body;

    if (hot_to_client_kind(rest, &body) != 1) {
        return;
    }
    while (hot_next_notification(&rest, &letter) == 1) {
        struct watched *watched = watched_of(witness, letter.mailbox);

        if (letter.number > watched->sent_ever) {
            watched->sent_ever = letter.number;
        }
        watched->muddled = true;
    }
}

// ---- what becomes of acknowledgements ----

// After one was refused, what the session says again brings only what it did not bring then.
void
witness_applied(struct witness *witness, struct batch *batch)
{
    size_t next = 0;

    for (struct command *command = batch->first; command != NULL;
         command = command->next) {
        struct watched *watched;

        if (command->kind != COMMAND_ACKNOWLEDGE) {
            continue;
        }
        watched = watched_of(witness, command->acknowledge.mailbox);
        if (command->back.session == 0) { // one that is owed: proposed again
            command->back.request = ACKNOWLEDGES_THE_REST;
            continue;
        }
        if (next == witness->pending_len ||
            witness->pending[next].session != command->back.session) {
            broken("mailbox %u: an acknowledgement that nobody sent", watched->mailbox);
        }
        command->frame = witness->pending[next++].frame;
        if (watched->tainted == command->back.session) {
            command->back.request = ACKNOWLEDGES_THE_REST;
        }
        if (command->status != VG_OK) {
            watched->tainted = command->back.session;
        }
    }
    witness->pending_len -= next;
    memmove(witness->pending, witness->pending + next,
            witness->pending_len * sizeof *witness->pending);
}
