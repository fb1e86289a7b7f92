// SPDX-License-Identifier: EUPL-1.2
// http_journal.c - who got what about a person: the question is in the journal before its
// answer is looked for.
#include "edge/http_inside.h"

#include "flow/knew_words.h"
#include "flow/unmerge.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

struct looking {
    struct knew *knew;
    struct event *turn;
    struct call *call;
    uint64_t ticket;
    struct day since;
    json_t *numbers;
    struct grounds *grounds; // the catalogues that letters were matched with
    bool in_words;
};

static void
looking_free(struct looking **looking)
{
    knew_free(&(*looking)->knew);
    if ((*looking)->turn != NULL) {
        event_free((*looking)->turn);
    }
    json_decref((*looking)->numbers);
    grounds_free(&(*looking)->grounds);
    free(*looking);
    *looking = NULL;
}

static void
abandon(struct call *call)
{
    struct looking *looking = call->looking;

    looking_free(&looking);
}

// ---- the answer ----

static json_t *
number_json(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *
niss_json(uint64_t niss)
{
    char text[NISS_MASK_LEN];

    niss_print((struct niss){niss}, text);
    return json_string(text);
}

static json_t *
moment_json(int64_t us)
{
    return us == 0 ? json_null() : json_moment((uint64_t)us);
}

static json_t *
day_json(int32_t day)
{
    return json_date(day_number((struct day){day}));
}

static json_t *
code_json(const struct institution *institution)
{
    return institution == NULL ? json_null() : json_string(institution->code);
}

static void
add_integration(json_t *object, const struct knew_row *row)
{
    json_object_set_new(object, "quality",
                        row->quality == 0 ? json_null() : number_json(row->quality));
    if (row->quality != 0) {
        json_object_set_new(object, "begin", day_json(row->begin));
        json_object_set_new(object, "end", day_json(row->end));
    }
}

static json_t *
letter_json(struct looking *looking, const struct knew_row *row)
{
    static const char *const states[] = {
        [KNEW_WAITING] = "waiting", [KNEW_ACKNOWLEDGED] = "acknowledged",
        [KNEW_HELD] = "held",       [KNEW_PARKED] = "parked",
        [KNEW_DROPPED] = "dropped", [KNEW_UNWANTED] = "unwanted",
        [KNEW_MERGED] = "merged",   [KNEW_WITHDRAWN] = "withdrawn",
    };
    const struct roster *roster = looking->call->broker->roster;
    const struct institution *institution = roster_institution(roster, row->institution);
    const struct catalogue *catalogue = grounds_catalogue(
        looking->grounds, broker_txn(looking->call->broker), row->letter.catalogue);
    const struct flow *flow =
        catalogue == NULL ? NULL : catalogue_flow_by_id(catalogue, row->letter.flow);
    const struct quality *quality =
        catalogue == NULL || institution == NULL
            ? NULL
            : catalogue_quality(catalogue, institution->sector, row->quality);
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "time", moment_json(row->time_us),
        "ticket", number_json(row->ticket), "flow",
        flow == NULL ? json_null() : json_string(flow->name), "institution",
        code_json(institution), "name",
        institution == NULL ? json_null() : http_text(institution->name), "source",
        code_json(roster_source(roster, row->letter.source)), "mailbox",
        number_json(row->letter.mailbox), "number", number_json(row->letter.number));

    json_object_set_new(object, "about",
                        flow == NULL ? json_null() : http_text(flow->meaning));
    add_integration(object, row);
    json_object_set_new(object, "meaning",
                        quality == NULL ? json_null() : http_text(quality->meaning));
    json_object_set_new(object, "ground",
                        http_text(ground_of(catalogue, flow, institution, row->quality)));
    json_object_set_new(object, "catalogue", number_json(row->letter.catalogue));
    json_object_set_new(object, "withheld", number_json(row->letter.withheld));
    json_object_set_new(object, "state", json_string(states[row->letter.state]));
    json_object_set_new(object, "state_time", moment_json(row->letter.state_us));
    json_object_set_new(object, "niss", niss_json(row->niss));
    if (row->letter.into != 0) {
        json_object_set_new(object, "merged_into", number_json(row->letter.into));
    }
    if (row->letter.because != 0) {
        bool cancelled =
            unmerge_led_to(broker_txn(looking->call->broker), row->letter.because);

        json_object_set_new(object, "caught_up",
                            json_pack("{s:o, s:o}", "ticket", number_json(row->letter.of),
                                      cancelled ? "cancellation" : "request",
                                      number_json(row->letter.because)));
    }
    return object;
}

static json_t *
asked_json(const struct looking *looking, const struct knew_row *row)
{
    static const char *const acts[] = {
        [ACT_INTEGRATE] = "integrate", [ACT_REMOVE] = "remove",
        [ACT_CONSULT] = "consult",     [ACT_HISTORY] = "history",
        [ACT_JOURNAL] = "journal",
    };
    const struct roster *roster = looking->call->broker->roster;
    const struct institution *actor = roster_institution(roster, row->asked.actor);
    bool known = row->asked.act < ARRAY_LEN(acts) && acts[row->asked.act] != NULL;
    json_t *object = json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:s, s:o}", "time", moment_json(row->time_us),
        "ticket", number_json(row->ticket), "act", known ? acts[row->asked.act] : "other",
        "actor", row->asked.actor == 0 ? json_string("administrator") : code_json(actor),
        "name", actor == NULL ? json_null() : http_text(actor->name), "status",
        vg_status_name((enum vg_status)row->asked.status), "institution",
        code_json(roster_institution(roster, row->institution)));

    add_integration(object, row);
    json_object_set_new(object, "niss", niss_json(row->niss));
    return object;
}

static void
answer_in_words(struct looking *looking)
{
    AUTO(buffer_free) struct buffer text = {0};
    struct call *call = looking->call;
    struct knew_words words = {
        .txn = broker_txn(call->broker),
        .roster = call->broker->roster,
        .grounds = looking->grounds,
        .catalogue = call->broker->catalogue,
        .since = looking->since,
    };

    knew_words(&words, looking->knew, &text);
    call_answer(call, json_pack("{s:o, s:o}", "ticket", number_json(looking->ticket),
                                "text", json_stringn((const char *)text.at, text.len)));
}

static void
answer(struct looking *looking)
{
    struct call *call = looking->call;
    json_t *exchanges = json_array(), *asked = json_array();
    char since[DAY_TEXT_LEN];
    bool all = false;
    size_t len = 0;
    const struct knew_row *rows = knew_rows(looking->knew, &len, &all);

    for (size_t i = 0; i < len; i++) {
        if (rows[i].kind == KNEW_LETTER) {
            json_array_append_new(exchanges, letter_json(looking, &rows[i]));
        } else {
            json_array_append_new(asked, asked_json(looking, &rows[i]));
        }
    }
    day_print(looking->since, since);
    call_answer(call, json_pack("{s:o, s:O, s:s, s:b, s:o, s:o}", "ticket",
                                number_json(looking->ticket), "numbers", looking->numbers,
                                "since", since, "complete", all, "exchanges", exchanges,
                                "asked", asked));
}

// ---- looking, a slice each turn ----

static void
at_turn(evutil_socket_t fd, short what, void *arg)
{
    static const struct timeval at_once = {0, 0};
    struct looking *looking = arg;
    struct call *call = looking->call;
    struct broker *broker = call->broker;
    struct why why = {0};
    bool done = false;
    enum vg_status status;
    (void)fd;
    (void)what;

    if (!call_goes_on(call)) {
        return;
    }
    status = knew_search(looking->knew, broker_txn(broker), &done, &why);
    if (status == VG_OK && !done) {
        CHECK(evtimer_add(looking->turn, &at_once) == 0);
    } else {
        call_found(call);
        if (status == VG_OK && looking->in_words) {
            answer_in_words(looking);
        } else if (status == VG_OK) {
            answer(looking);
        } else {
            call_refuse(call, status, "%s",
                        why.text[0] != '\0' ? why.text : vg_status_sentence(status));
        }
        looking_free(&looking);
    }
    broker_end_turn(broker);
}

static void
look(struct call *call, const struct command *command)
{
    static const struct timeval at_once = {0, 0};
    const struct history_command *history = &command->knew.history;
    uint32_t months = call->broker->settings->person_months;
    struct looking *looking = xcalloc(1, sizeof *looking);

    looking->call = call;
    looking->ticket = command->ticket;
    looking->since = day_add_months(command->knew.today, -(int)months);
    looking->knew = knew_open(&command->knew, months);
    looking->in_words = call_question(call, "words") != NULL;
    looking->grounds = grounds_new();
    looking->numbers = json_array();
    for (size_t i = 0; i < history->chain_len; i++) {
        json_array_append_new(looking->numbers, niss_json(history->chain[i]));
    }
    looking->turn = evtimer_new(call->broker->base, at_turn, looking);
    CHECK(looking->turn != NULL && evtimer_add(looking->turn, &at_once) == 0);
    call_look(call, looking, abandon);
}

void
post_journal_person(struct call *call)
{
    static const char *const known[] = {"niss", NULL};
    struct faults faults = {0};
    json_t *object = http_object(call, known, &faults);
    uint64_t niss = object == NULL ? 0 : http_number(object, "niss", NISS_MAX, &faults);
    struct command *command;

    if (object != NULL && faults.total == 0 && niss == 0) {
        faults_add(&faults, VG_BAD_NISS, 0, "\"niss\" is missing");
    }
    json_decref(object);
    if (faults.total > 0) {
        call_refuse_all(call, faults_first(&faults), &faults);
        return;
    }
    command = command_new(COMMAND_KNEW, NULL, 0);
    command->knew.history.niss = niss;
    call_propose_then(call, &command, look);
}
