// SPDX-License-Identifier: EUPL-1.2
#include "witness_inside.h"

#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

#include "vigie/v1/vigie.pb-c.h"

// ---- life ----

static void
forget(struct witness *witness)
{
    for (size_t i = 0; i < witness->watched_len; i++) {
        free(witness->watched[i].marks);
    }
    witness->watched_len = 0;
}

void
witness_begin(struct witness *witness, struct model *model, struct broker *broker)
{
    forget(witness);
    witness->model = model;
    witness->broker = broker;
    witness->looked_us = witness->looked_before_us = INT64_MIN;
    memcpy(witness->unwanted, model->unwanted, sizeof witness->unwanted);
    for (size_t i = 0; i < BOXES_MAX; i++) {
        witness->merged[i] = model->boxes[i].merged_total;
    }
}

void
witness_end(struct witness *witness)
{
    forget(witness);
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

uint8_t *
witness_mark(struct watched *watched, uint64_t number)
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

// Nothing lies before the first letter to come that nobody has acknowledged.
static void
check_begins(struct watched *watched, const struct model_box *box)
{
    for (uint64_t n = 1; n <= watched->sent; n++) {
        if (box->told[n - 1].place == PLACE_TURN &&
            (*witness_mark(watched, n) & MARK_ANSWERED) == 0) {
            broken("mailbox %u: it begins after %llu, and letter %llu still waits",
                   box->id, (unsigned long long)watched->sent, (unsigned long long)n);
        }
    }
}

static void
note_opened(struct witness *witness, struct watched *watched, uint64_t session)
{
    const struct model_box *box = model_box(witness->model, watched->mailbox);

    watched->session = session;
    watched->given = given_of(witness, watched->mailbox);
    watched->sent = sent_of(witness, watched->mailbox);
    watched->in_flight = watched->flight_bytes = 0;
    watched->opened_us = clock_now().us;
    watched->muddled = has_outbox(witness, session);
    for (size_t i = 1; i < watched->marks_size; i++) {
        watched->marks[i] &= MARK_ANSWERED;
    }
    for (uint64_t n = 1; n <= box->len; n++) { // what must not come in its turn
        enum place place = box->told[n - 1].place;

        if (place == PLACE_DONE || place == PLACE_DROPPED) {
            *witness_mark(watched, n) |= MARK_ASKED;
        } else if (place != PLACE_TURN) {
            *witness_mark(watched, n) |= MARK_LEFT;
        }
    }
    check_begins(watched, box);
}

// The loop knows all that the model knows.
static bool
is_level(void)
{
    return stage_finished() == 0;
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
is_in_flight(struct watched *watched, uint64_t number)
{
    uint8_t mark = *witness_mark(watched, number);

    return (mark & MARK_TRIED) != 0 ||
           (mark & (MARK_SENT | MARK_ASKED | MARK_LEFT)) == MARK_SENT;
}

static bool
asks_for(struct witness *witness, struct watched *watched, uint64_t number)
{
    const struct told *told =
        model_letter(model_box(witness->model, watched->mailbox), number);

    return told != NULL && told->place == PLACE_TURN && is_in_flight(watched, number);
}

// No mark passes a letter that is about to be held: what lies above it waits with it.
static bool
has_left_before(struct watched *watched, uint64_t number)
{
    for (uint64_t n = 1; n <= number; n++) {
        if ((*witness_mark(watched, n) & (MARK_LEFT | MARK_NAMED)) != 0) {
            return true;
        }
    }
    return false;
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
    if (watched == NULL) {
        return;
    }
    for (uint64_t n = 1; n <= acknowledge->through; n++) {
        ret_expected->asks |= asks_for(witness, watched, n);
    }
    ret_expected->asks &= !has_left_before(watched, acknowledge->through);
    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        ret_expected->asks |= asks_for(witness, watched, acknowledge->also[i]);
    }
}

static void
read_refuse(struct witness *witness, uint64_t session, struct hot_bytes body,
            struct expected *ret_expected)
{
    Vigie__V1__Refuse *refuse = vigie__v1__refuse__unpack(NULL, body.len, body.at);

    if (refuse == NULL) {
        broken("a Refuse of the simulation itself cannot be read");
    }
    ret_expected->watched = watched_of(witness, named(witness, session, refuse->mailbox));
    ret_expected->refused = refuse->number;
    ret_expected->park = refuse->park;
    vigie__v1__refuse__free_unpacked(refuse, NULL);
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
    } else if (ret_expected->kind == TO_BROKER_REFUSE) {
        read_refuse(witness, session, body, ret_expected);
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
leave_flight(struct witness *witness, struct watched *watched, uint64_t number)
{
    const struct model_box *box = model_box(witness->model, watched->mailbox);

    watched->in_flight--;
    watched->flight_bytes -= box->told[number - 1].size;
}

static void
note_asked(struct witness *witness, struct watched *watched, uint64_t number)
{
    uint8_t *mark = witness_mark(watched, number);

    if (is_in_flight(watched, number)) {
        leave_flight(witness, watched, number);
        *mark = (uint8_t)((*mark & ~MARK_TRIED) | MARK_BACK | MARK_ASKED | MARK_ANSWERED);
    } else if (watched->muddled) {
        *mark |= MARK_ANSWERED;
    }
}

// What comes out of turn may be above all that came in its turn.
static uint64_t
most_of(struct watched *watched, const struct hot_acknowledge *acknowledge)
{
    uint64_t most = acknowledge->through;

    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        uint64_t number = acknowledge->also[i];

        if (number > most && (*witness_mark(watched, number) & MARK_TRIED) == 0) {
            most = number;
        }
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
after_acknowledge(struct witness *witness, uint64_t session,
                  const struct expected *expected)
{
    const struct hot_acknowledge *acknowledge = &expected->acknowledge;
    struct watched *watched = expected->watched;
    bool taken =
        expected->owner == session && most_of(watched, acknowledge) <= expected->sent;
    size_t proposed = witness->broker->proposed - expected->proposed;

    if (proposed > 1 || (!taken && proposed == 1) ||
        (taken && proposed == 0 && expected->asks)) {
        broken("mailbox %u: an acknowledgement through %llu makes %zu commands",
               watched->mailbox, (unsigned long long)acknowledge->through, proposed);
    }
    for (uint64_t n = 1; taken && n <= acknowledge->through; n++) {
        if ((*witness_mark(watched, n) & MARK_TRIED) == 0) { // those by their own number
            note_asked(witness, watched, n);
        }
    }
    for (uint32_t i = 0; taken && i < acknowledge->also_len; i++) {
        note_asked(witness, watched, acknowledge->also[i]);
    }
    // What lies in the outbox is in flight for the loop, and was not seen yet.
    if (taken && !watched->muddled && !has_outbox(witness, session)) {
        check_flight(witness, watched);
    }
}

static void
note_given_back(struct witness *witness, struct watched *watched, uint64_t number)
{
    uint8_t *mark = witness_mark(watched, number);

    leave_flight(witness, watched, number);
    *mark = (uint8_t)((*mark & ~MARK_TRIED) | MARK_BACK | MARK_LEFT);
}

// The refused letter leaves the window, and with it those after it about the same person.
static void
note_refused(struct witness *witness, struct watched *watched,
             const struct expected *expected)
{
    const struct model_box *box = model_box(witness->model, watched->mailbox);
    uint64_t subject = box->told[expected->refused - 1].subject;

    note_given_back(witness, watched, expected->refused);
    for (uint64_t n = expected->refused + 1; !expected->park && n <= box->len; n++) {
        if (is_in_flight(watched, n) && (*witness_mark(watched, n) & MARK_TRIED) == 0 &&
            model_is_same(witness->model, box->told[n - 1].subject, subject)) {
            note_given_back(witness, watched, n);
        }
    }
}

// Somebody was faster: it has left the place from which it was sent.
static bool
has_gone(const struct witness *witness, struct watched *watched, uint64_t number)
{
    enum place place =
        model_letter(model_box(witness->model, watched->mailbox), number)->place;

    return (*witness_mark(watched, number) & MARK_TRIED) != 0
               ? place == PLACE_DONE || place == PLACE_DROPPED
               : place != PLACE_TURN;
}

static void
after_refuse(struct witness *witness, uint64_t session, const struct expected *expected)
{
    struct watched *watched = expected->watched;
    size_t proposed = witness->broker->proposed - expected->proposed;
    bool possible =
        expected->owner == session &&
        model_letter(model_box(witness->model, watched->mailbox), expected->refused) &&
        is_in_flight(watched, expected->refused);

    // Said twice, and in between the letter came again: it lies in the outbox, unseen here.
    if (proposed == 1 && !possible && expected->owner == session &&
        has_outbox(witness, session)) {
        watched->muddled = true;
    }
    if (proposed > 1 || (proposed == 1 && !possible && !watched->muddled)) {
        broken("mailbox %u: a refusal of letter %llu, which is not in flight, makes %zu "
               "commands",
               watched->mailbox, (unsigned long long)expected->refused, proposed);
    }
    if (proposed == 1 && possible) {
        note_refused(witness, watched, expected);
    } else if (possible && has_gone(witness, watched, expected->refused)) {
        note_given_back(witness, watched, expected->refused);
    }
    if (expected->owner == session && owner_of(witness, watched->mailbox) == session &&
        !watched->muddled && !has_outbox(witness, session)) {
        check_flight(witness, watched);
    }
}

void
witness_after(struct witness *witness, uint64_t session, struct bytes frame,
              const struct expected *expected)
{
    (void)frame;
    if (expected->watched == NULL) {
        return;
    }
    if (expected->kind == TO_BROKER_SUBSCRIBE) {
        after_subscribe(witness, session, expected);
    } else if (expected->kind == TO_BROKER_REFUSE) {
        after_refuse(witness, session, expected);
    } else {
        after_acknowledge(witness, session, expected);
    }
}

// ---- what the broker says ----

// What lies between two letters was named before.
static void
check_passed_over(struct watched *watched, uint64_t number)
{
    for (uint64_t n = watched->sent + 1; n < number; n++) {
        if ((*witness_mark(watched, n) & MARK_NAMED) == 0) {
            broken("mailbox %u: letter %llu is sent, and nobody was told of %llu",
                   watched->mailbox, (unsigned long long)number, (unsigned long long)n);
        }
    }
}

// Nobody's letter comes while an earlier one about him is held.
static void
check_overtakes_none(const struct model *model, const struct model_box *box,
                     uint64_t number)
{
    uint64_t subject = box->told[number - 1].subject;

    for (uint64_t n = 1; n < number; n++) {
        if (model_is_held(&box->told[n - 1]) &&
            model_is_same(model, box->told[n - 1].subject, subject)) {
            broken("mailbox %u: letter %llu is sent, and %llu about the same person is "
                   "held",
                   box->id, (unsigned long long)number, (unsigned long long)n);
        }
    }
}

static void
check_in_turn(struct watched *watched, const struct hot_notification *letter, bool late)
{
    uint8_t mark = *witness_mark(watched, letter->number);

    if (letter->number <= watched->sent) {
        broken("mailbox %u: letter %llu is sent after %llu", watched->mailbox,
               (unsigned long long)letter->number, (unsigned long long)watched->sent);
    }
    if (!watched->muddled) {
        check_passed_over(watched, letter->number);
    }
    if ((mark & ~(MARK_ANSWERED | MARK_NAMED)) != 0 && !late) {
        broken("mailbox %u: letter %llu is sent again, acknowledged or not",
               watched->mailbox, (unsigned long long)letter->number);
    }
    if (!late && (letter->again ? letter->number > watched->given
                                : letter->number <= watched->sent_ever)) {
        broken("mailbox %u: letter %llu is wrong about being sent again",
               watched->mailbox, (unsigned long long)letter->number);
    }
}

// One that was refused comes again when its moment has come, and says how often it came.
static void
check_out_of_turn(struct witness *witness, struct watched *watched,
                  const struct hot_notification *letter)
{
    const struct told *told =
        model_letter(model_box(witness->model, watched->mailbox), letter->number);

    if ((*witness_mark(watched, letter->number) & MARK_TRIED) != 0) {
        broken("mailbox %u: letter %llu is tried twice at a time", watched->mailbox,
               (unsigned long long)letter->number);
    }
    if (is_level() &&
        (told->place != PLACE_RETRY || letter->attempt != told->attempts + 1 ||
         told->due_us > clock_now().us)) {
        broken("mailbox %u: letter %llu is tried for the %u. time: it was refused %u "
               "times and is due in %lld us",
               watched->mailbox, (unsigned long long)letter->number, letter->attempt,
               told->attempts, (long long)(told->due_us - clock_now().us));
    }
}

static void
note_flight(struct witness *witness, struct watched *watched,
            const struct hot_notification *letter)
{
    const struct model_box *box = model_box(witness->model, watched->mailbox);
    uint8_t *mark = witness_mark(watched, letter->number);

    if (letter->attempt > 0 || (*mark & MARK_ASKED) == 0) {
        watched->in_flight++;
        watched->flight_bytes += box->told[letter->number - 1].size;
    }
    *mark |= letter->attempt == 0 ? MARK_SENT : MARK_TRIED;
    if (letter->attempt == 0) {
        watched->sent = letter->number;
    }
    watched->touched = true;
    witness->delivered++;
    witness->tried += letter->attempt > 0;
}

// Whose letters they were sees none once they are another one's.
static void
check_may_see(const struct witness *witness, uint64_t session,
              const struct model_box *box)
{
    const struct session *one = sessions_find(witness->broker->sessions, session);

    if (is_level() && one != NULL && one->institution != box->institution) {
        broken("mailbox %u: a letter is sent to institution %u", box->id,
               one->institution);
    }
}

static void
note_letter(struct witness *witness, uint64_t session,
            const struct hot_notification *letter)
{
    struct watched *watched = watched_of(witness, letter->mailbox);
    struct model_box *box = model_box(witness->model, letter->mailbox);
    bool late = has_outbox(witness, session);

    if (box != NULL && letter->number <= box->len) {
        box->told[letter->number - 1].sent = true;
        repeats_listed(box, letter);
    }
    if (late && watched != NULL && (watched->muddled || watched->session != session)) {
        return; // of an opening that is over
    }
    if (watched == NULL || watched->session != session) {
        broken("mailbox %u: a letter is sent to a session that has not opened it",
               letter->mailbox);
    }
    if (!late) {
        check_may_see(witness, session, box);
    }
    if (model_letter(box, letter->number) == NULL) {
        broken("mailbox %u: letter %llu of %zu is sent", box->id,
               (unsigned long long)letter->number, box->len);
    }
    if (letter->attempt == 0) {
        check_in_turn(watched, letter, late);
    } else if (!late) {
        check_out_of_turn(witness, watched, letter);
    }
    if (!late && is_level() && !watched->muddled) {
        check_overtakes_none(witness->model, box, letter->number);
        noise_check_letter(witness, watched, letter);
        repeats_check_letter(witness, watched, letter);
    }
    note_flight(witness, watched, letter);
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

static struct watched *
note_named(struct witness *witness, const Vigie__V1__Deferred *deferred)
{
    struct watched *watched = watched_of(witness, deferred->mailbox);
    uint64_t before = 0;

    for (size_t i = 0; i < deferred->n_ranges; i++) {
        const Vigie__V1__Range *range = deferred->ranges[i];

        if (watched == NULL || range->first <= before || range->last < range->first) {
            broken("mailbox %u: deferred from %llu to %llu after %llu", deferred->mailbox,
                   (unsigned long long)range->first, (unsigned long long)range->last,
                   (unsigned long long)before);
        }
        before = range->last;
        for (uint64_t n = range->first; n <= range->last; n++) {
            *witness_mark(watched, n) |= MARK_NAMED;
        }
    }
    return watched;
}

static struct watched *
read_deferred(struct witness *witness, struct hot_bytes body)
{
    struct watched *watched;
    Vigie__V1__Deferred *deferred = vigie__v1__deferred__unpack(NULL, body.len, body.at);

    if (deferred == NULL) {
        broken("a Deferred cannot be read");
    }
    watched = note_named(witness, deferred);
    vigie__v1__deferred__free_unpacked(deferred, NULL);
    return watched;
}

static void
check_welcome(const struct witness *witness, uint64_t session)
{
    const struct session *one = sessions_find(witness->broker->sessions, session);

    if (is_level() && one != NULL && one->outbox == NULL &&
        witness->model->institutions[one->institution].merged) {
        broken("institution %u is welcome, and part of another one", one->institution);
    }
}

void
witness_sent(struct witness *witness, uint64_t session, struct bytes frame)
{
    struct hot_bytes rest = {frame.at, frame.len};
    struct hot_notification letter;
    struct hot_bytes body;
    uint32_t kind = hot_to_client_kind(rest, &body);
    int more;

    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED) {
        (void)read_deferred(witness, body);
    }
    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_WELCOME) {
        check_welcome(witness, session);
    }
    if (kind != 1) {
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
    uint32_t kind = hot_to_client_kind(rest, &body);

    if (kind == VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED) {
        read_deferred(witness, body)->muddled = true;
    }
    while (kind == 1 && hot_next_notification(&rest, &letter) == 1) {
        struct watched *watched = watched_of(witness, letter.mailbox);

        if (letter.number > watched->sent_ever) {
            watched->sent_ever = letter.number;
        }
        watched->muddled = true;
    }
}

// ---- what becomes of acknowledgements ----

static void
check_was_asked(struct watched *watched, const struct model_box *box, uint64_t number)
{
    const struct told *told = model_letter(box, number);

    if (told != NULL && told->place != PLACE_DONE && told->place != PLACE_DROPPED &&
        (*witness_mark(watched, number) & MARK_ANSWERED) == 0) {
        broken("mailbox %u: letter %llu is acknowledged, and nobody asked for that",
               box->id, (unsigned long long)number);
    }
}

void
witness_applied(struct witness *witness, const struct batch *batch)
{
    repeats_rest(witness);
    for (const struct command *command = batch->first; command != NULL;
         command = command->next) {
        const struct acknowledge_command *acknowledge = &command->acknowledge;
        struct watched *watched;
        const struct model_box *box;

        if (command->kind == COMMAND_ADVANCE) {
            noise_applied(watched_of(witness, command->advance.mailbox), command);
        }
        if (command->kind != COMMAND_ACKNOWLEDGE) {
            continue;
        }
        watched = watched_of(witness, acknowledge->mailbox);
        box = model_box(witness->model, acknowledge->mailbox);
        for (uint64_t n = box->mark + 1; n <= acknowledge->through; n++) {
            if (box->told[n - 1].place == PLACE_TURN) {
                check_was_asked(watched, box, n);
            }
        }
        for (size_t i = 0; i < acknowledge->singles_len; i++) {
            check_was_asked(watched, box, acknowledge->singles[i].number);
        }
        if (command->status != VG_OK) {
            watched->tainted = command->back.session;
        }
    }
}

void
witness_look(struct witness *witness)
{
    for (size_t i = 0; i < witness->watched_len; i++) {
        struct watched *watched = &witness->watched[i];
        const struct model_box *box = model_box(witness->model, watched->mailbox);

        if (watched->session == 0 || watched->session == watched->tainted ||
            owner_of(witness, watched->mailbox) != watched->session) {
            continue;
        }
        for (uint64_t n = 1; n <= box->len; n++) {
            if (box->told[n - 1].place == PLACE_TURN &&
                (*witness_mark(watched, n) & MARK_ASKED) != 0) {
                broken("mailbox %u: letter %llu was acknowledged and still waits",
                       box->id, (unsigned long long)n);
            }
        }
    }
}
