// SPDX-License-Identifier: EUPL-1.2
#include "edge/catching_up.h"

#include "flow/catch_up.h"

#include <stdlib.h>

// Items of a bulk that are looked up in one turn.
enum { ITEMS_PER_TURN = 100 };

// One request, and how far it is.
struct catching_up {
    struct broker *broker;
    struct catching_up *next;
    struct command *command;
    struct event *turn;
    struct day today;
    size_t item;       // that is looked at
    size_t persons;    // searched for, so far
    struct knew *knew; // of the item; NULL: it has not been looked up
    uint64_t through;
};

static struct integrate_command *
integrate_of(struct catching_up *request)
{
    return &request->command->integrate;
}

static void
request_free(struct catching_up **request)
{
    knew_free(&(*request)->knew);
    if ((*request)->turn != NULL) {
        event_free((*request)->turn);
    }
    command_free(&(*request)->command);
    free(*request);
    *request = NULL;
}

static void
unlink_request(const struct catching_up *request)
{
    struct catching_up **at = &request->broker->catching_up;

    while (*at != request) {
        at = &(*at)->next;
    }
    *at = request->next;
}

// ---- one item ----

static uint32_t
institution_of_item(struct catching_up *request)
{
    const struct integrate_request *item = &integrate_of(request)->items[request->item];
    const struct institution *named;

    if (item->institution.len == 0) {
        return integrate_of(request)->institution;
    }
    named = roster_by_code(request->broker->roster, item->institution);
    return named == NULL ? 0 : named->id;
}

static void
note_found(struct catching_up *request, const struct knew *knew)
{
    struct integrate_command *integrate = integrate_of(request);

    if (integrate->catch_ups == NULL) {
        integrate->catch_ups = xcalloc(integrate->items_len, sizeof(struct catch_up *));
    }
    integrate->catch_ups[request->item] = catch_up_found(knew, request->through);
}

// What cannot be searched is said to be incomplete; the integration is done all the same.
static void
look_at_item(struct catching_up *request)
{
    const struct broker *broker = request->broker;
    const struct integrate_request *item = &integrate_of(request)->items[request->item];
    struct txn *txn = broker_txn(request->broker);
    struct niss niss = {item->niss};
    bool wanted = false;

    if (catch_up_is_wanted(txn, broker->roster, institution_of_item(request), item,
                           request->today, &wanted) != VG_OK ||
        !wanted) {
        request->item++;
        return;
    }
    if (request->persons++ >= CATCH_UP_ITEMS_MAX ||
        catch_up_begin(txn, niss, request->today, &request->knew, &request->through) !=
            VG_OK) {
        note_found(request, NULL);
        request->item++;
    }
}

static void
search_item(struct catching_up *request)
{
    bool done = false;
    enum vg_status status =
        knew_search(request->knew, broker_txn(request->broker), &done, NULL);

    if (status == VG_OK && !done) {
        return;
    }
    note_found(request, status == VG_OK ? request->knew : NULL);
    knew_free(&request->knew);
    request->item++;
}

// ---- in turns ----

static bool
is_done(struct catching_up *request)
{
    return request->item == integrate_of(request)->items_len;
}

static void
propose(struct catching_up **request)
{
    broker_propose((*request)->broker, &(*request)->command);
    request_free(request);
}

// Lookups until somebody has to be searched for.
static void
look_at_items(struct catching_up *request)
{
    for (size_t i = 0; i < ITEMS_PER_TURN && !is_done(request) && request->knew == NULL;
         i++) {
        look_at_item(request);
    }
}

static void
at_turn(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval at_once = {0, 0};
    struct catching_up *request = arg;
    struct broker *broker = request->broker;

    (void)fd;
    (void)what;
    if (request->knew != NULL) {
        search_item(request);
    } else {
        look_at_items(request);
    }
    if (is_done(request)) {
        unlink_request(request);
        broker->proposed--;
        propose(&request);
    } else {
        CHECK(evtimer_add(request->turn, &at_once) == 0);
    }
    broker_end_turn(broker);
}

// It counts as proposed meanwhile: whoever drains waits for it.
static void
begin_turns(struct catching_up *request)
{
    static const struct timeval at_once = {0, 0};
    struct broker *broker = request->broker;

    request->next = broker->catching_up;
    broker->catching_up = request;
    broker->proposed++;
    request->turn = evtimer_new(broker->base, at_turn, request);
    CHECK(request->turn != NULL && evtimer_add(request->turn, &at_once) == 0);
}

void
catching_up_propose(struct broker *broker, struct command **command)
{
    struct catching_up *request = xcalloc(1, sizeof *request);

    request->broker = broker;
    request->command = *command;
    request->today = day_in_brussels(clock_now());
    *command = NULL;
    look_at_items(request);
    if (is_done(request)) {
        propose(&request);
    } else {
        begin_turns(request);
    }
}

void
catching_up_end(struct broker *broker)
{
    while (broker->catching_up != NULL) {
        struct catching_up *request = broker->catching_up;

        broker->catching_up = request->next;
        broker->proposed--;
        request_free(&request);
    }
}
