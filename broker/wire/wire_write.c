// SPDX-License-Identifier: EUPL-1.2
#include "wire/wire.h"

#include <stdlib.h>
#include <string.h>

#include "vigie/v1/vigie.pb-c.h"

// The broker's name and version as it greets.
#define BROKER_NAME "vigied " VIGIE_VERSION

static void
write_frame(const Vigie__V1__ToClient *message, struct buffer *frame)
{
    size_t len = vigie__v1__to_client__get_packed_size(message);

    frame->len += vigie__v1__to_client__pack(message, buffer_reserve(frame, len));
}

// protobuf-c's strings are not const, but packing only reads them.
static char *
text(const char *words)
{
    return (char *)(uintptr_t)words;
}

static Vigie__V1__Fault
fault_of(enum vg_status status, const char *sentence)
{
    Vigie__V1__Fault fault = VIGIE__V1__FAULT__INIT;

    fault.status = (uint32_t)status;
    fault.name = text(vg_status_name(status));
    fault.remedy = (uint32_t)vg_status_remedy(status);
    fault.sentence = text(sentence[0] == 0 ? vg_status_sentence(status) : sentence);
    return fault;
}

void
wire_write_welcome(const struct wire_welcome *welcome, struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Welcome body = VIGIE__V1__WELCOME__INIT;

    body.version = WIRE_VERSION;
    body.institution = text(welcome->institution);
    body.role = welcome->role;
    body.heartbeat_ms = welcome->heartbeat_ms;
    body.window_messages = welcome->window_messages;
    body.window_bytes = welcome->window_bytes;
    body.mutations_max = HOT_MUTATIONS_MAX;
    body.message_bytes_max = WIRE_MESSAGE_BYTES_MAX;
    body.broker = text(BROKER_NAME);
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_WELCOME;
    message.welcome = &body;
    write_frame(&message, frame);
}

void
wire_write_heartbeat(uint64_t echo, struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Heartbeat body = VIGIE__V1__HEARTBEAT__INIT;

    body.echo = echo;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT;
    message.heartbeat = &body;
    write_frame(&message, frame);
}

void
wire_write_refused(enum vg_status status, const char *sentence, struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Refused body = VIGIE__V1__REFUSED__INIT;
    Vigie__V1__Fault fault = fault_of(status, sentence);

    body.fault = &fault;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED;
    message.refused = &body;
    write_frame(&message, frame);
}

void
wire_write_blocked(enum vg_status status, const char *sentence, struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Blocked body = VIGIE__V1__BLOCKED__INIT;
    Vigie__V1__Fault fault = fault_of(status, sentence);

    body.fault = &fault;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED;
    message.blocked = &body;
    write_frame(&message, frame);
}

void
wire_write_resumed(struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Resumed body = VIGIE__V1__RESUMED__INIT;

    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED;
    message.resumed = &body;
    write_frame(&message, frame);
}

void
wire_write_goodbye(const char *reason, struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Goodbye body = VIGIE__V1__GOODBYE__INIT;

    body.reason = text(reason);
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE;
    message.goodbye = &body;
    write_frame(&message, frame);
}

void
wire_write_notice(uint32_t mailbox, enum limits_level level, const char *sentence,
                  struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Notice body = VIGIE__V1__NOTICE__INIT;

    body.mailbox = mailbox;
    body.level = (Vigie__V1__Notice__Level)level;
    body.sentence = text(sentence);
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_NOTICE;
    message.notice = &body;
    write_frame(&message, frame);
}

void
wire_write_subscribed(uint32_t mailbox, const char *name, uint64_t acknowledged,
                      const struct mailbox_row *row, struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Subscribed body = VIGIE__V1__SUBSCRIBED__INIT;

    body.mailbox = mailbox;
    body.name = text(name);
    body.acknowledged = acknowledged;
    body.last = row->last;
    body.waiting = mailbox_waiting(row) - row->held;
    body.held = row->held;
    body.parked = row->parked;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED;
    message.subscribed = &body;
    write_frame(&message, frame);
}

void
wire_write_rewound(uint32_t mailbox, uint64_t from, uint64_t through,
                   struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Rewound body = VIGIE__V1__REWOUND__INIT;

    body.mailbox = mailbox;
    body.from = from;
    body.through = through;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_REWOUND;
    message.rewound = &body;
    write_frame(&message, frame);
}

static void
fill_undelivered(const struct wire_undelivered *from, Vigie__V1__UndeliveredMutation *to)
{
    vigie__v1__undelivered_mutation__init(to);
    to->ticket = from->ticket;
    to->flow = text(from->flow);
    to->id = text(from->id);
    to->recipient = text(from->recipient);
    to->kept_at = from->kept_us;
    to->since = (uint64_t)from->since_us;
    to->reason = text(from->reason);
}

void
wire_write_undelivered(const struct wire_undelivered *mutations, size_t len, bool more,
                       struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Undelivered body = VIGIE__V1__UNDELIVERED__INIT;
    Vigie__V1__UndeliveredMutation *items = xcalloc(len + 1, sizeof *items);
    Vigie__V1__UndeliveredMutation **list = xcalloc(len + 1, sizeof *list);

    for (size_t i = 0; i < len; i++) {
        fill_undelivered(&mutations[i], &items[i]);
        list[i] = &items[i];
    }
    body.mutations = list;
    body.n_mutations = len;
    body.more = more;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_UNDELIVERED;
    message.undelivered = &body;
    write_frame(&message, frame);
    free(list);
    free(items);
}

void
wire_write_deferred(uint32_t mailbox, const struct number_range *ranges, size_t len,
                    struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Deferred body = VIGIE__V1__DEFERRED__INIT;
    Vigie__V1__Range *rows = xcalloc(len + 1, sizeof *rows);
    Vigie__V1__Range **list = xcalloc(len + 1, sizeof(Vigie__V1__Range *));

    for (size_t i = 0; i < len; i++) {
        vigie__v1__range__init(&rows[i]);
        rows[i].first = ranges[i].first;
        rows[i].last = ranges[i].last;
        list[i] = &rows[i];
    }
    body.mailbox = mailbox;
    body.n_ranges = len;
    body.ranges = list;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED;
    message.deferred = &body;
    write_frame(&message, frame);
    free(list);
    free(rows);
}

// ---- answers to commands ----

static void
write_published(const struct command *command, struct buffer *frame)
{
    const struct publish_command *publish = &command->publish;
    size_t len = publish->results_len + (command->status != VG_OK);
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Published body = VIGIE__V1__PUBLISHED__INIT;
    Vigie__V1__Result *results = xcalloc(len + 1, sizeof *results);
    Vigie__V1__Fault *faults = xcalloc(len + 1, sizeof *faults);
    Vigie__V1__Result **list = xcalloc(len + 1, sizeof(Vigie__V1__Result *));

    for (size_t i = 0; i < publish->results_len; i++) {
        const struct publish_result *result = &publish->results[i];

        vigie__v1__result__init(&results[i]);
        faults[i] = fault_of(result->status, result->why.text);
        results[i].number = result->number;
    }
    if (command->status != VG_OK) {
        // The whole Publish: the first number that is not answered for good.
        vigie__v1__result__init(&results[len - 1]);
        faults[len - 1] = fault_of(command->status, command_words(command));
        results[len - 1].number = publish->through >= publish->publish.first_number
                                      ? publish->through + 1
                                      : publish->publish.first_number;
    }
    for (size_t i = 0; i < len; i++) {
        results[i].fault = &faults[i];
        list[i] = &results[i];
    }
    body.producer = publish->publish.producer;
    body.first_number = publish->publish.first_number;
    body.through = publish->through;
    body.ticket_first = publish->ticket_first;
    body.n_results = len;
    body.results = list;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED;
    message.published = &body;
    write_frame(&message, frame);
    free(list);
    free(faults);
    free(results);
}

static void
write_last_number(const struct command *command, struct buffer *frame)
{
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__LastNumberIs body = VIGIE__V1__LAST_NUMBER_IS__INIT;

    body.producer = command->last_number.producer;
    body.number = command->last_number.number;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_LAST_NUMBER_IS;
    message.last_number_is = &body;
    write_frame(&message, frame);
}

// A Reply and the memory behind it.
struct reply {
    Vigie__V1__ToClient message;
    Vigie__V1__Reply body;
    Vigie__V1__ItemResult *items;
    Vigie__V1__ItemResult **item_list;
    Vigie__V1__Fault *faults;
    Vigie__V1__Fault **fault_list;
    size_t faults_len;
    Vigie__V1__Integration *integrations;
    Vigie__V1__Integration **integration_list;
    Vigie__V1__Mailbox mailbox;
    Vigie__V1__Mailbox *mailbox_list[1];
    char mailbox_name[SPEC_NAME_LEN];
};

static void
reply_begin(struct reply *reply, uint64_t request, size_t items_len, size_t faults_len)
{
    memset(reply, 0, sizeof *reply);
    vigie__v1__to_client__init(&reply->message);
    vigie__v1__reply__init(&reply->body);
    reply->message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_REPLY;
    reply->message.reply = &reply->body;
    reply->body.id = request;
    reply->items = xcalloc(items_len + 1, sizeof *reply->items);
    reply->item_list = xcalloc(items_len + 1, sizeof(Vigie__V1__ItemResult *));
    reply->faults = xcalloc(faults_len + 1, sizeof *reply->faults);
    reply->fault_list = xcalloc(faults_len + 1, sizeof(Vigie__V1__Fault *));
    reply->body.results = reply->item_list;
}

static void
reply_end(struct reply *reply, struct buffer *frame)
{
    write_frame(&reply->message, frame);
    free(reply->integration_list);
    free(reply->integrations);
    free(reply->fault_list);
    free(reply->faults);
    free(reply->item_list);
    free(reply->items);
}

static void
reply_item(struct reply *reply, uint32_t verdict, const struct faults *faults)
{
    size_t i = reply->body.n_results++;
    Vigie__V1__ItemResult *item = &reply->items[i];

    vigie__v1__item_result__init(item);
    reply->item_list[i] = item;
    item->verdict = verdict;
    item->faults = &reply->fault_list[reply->faults_len];
    for (size_t j = 0; faults != NULL && j < faults->len; j++) {
        reply->faults[reply->faults_len] =
            fault_of(faults->fault[j].status, faults->fault[j].why.text);
        reply->fault_list[reply->faults_len] = &reply->faults[reply->faults_len];
        reply->faults_len++;
        item->n_faults++;
    }
}

static void
reply_integrations(struct reply *reply, const struct command *command,
                   const struct roster *roster)
{
    size_t len = command->integrations_len;

    reply->integrations = xcalloc(len + 1, sizeof *reply->integrations);
    reply->integration_list = xcalloc(len + 1, sizeof(Vigie__V1__Integration *));
    for (size_t i = 0; i < len; i++) {
        const struct integration *from = &command->integrations[i];
        const struct institution *institution =
            roster_institution(roster, from->institution);
        Vigie__V1__Integration *to = &reply->integrations[i];

        vigie__v1__integration__init(to);
        to->sector = from->sector;
        to->institution = text(institution == NULL ? "" : institution->code);
        to->quality = from->quality;
        to->begin = day_number((struct day){from->begin});
        to->end = day_number((struct day){from->end});
        reply->integration_list[i] = to;
    }
    reply->body.n_integrations = len;
    reply->body.integrations = reply->integration_list;
}

// Overlaps stand one item after the other.
static void
reply_overlaps(struct reply *reply, const struct integrate_command *integrate)
{
    size_t next = 0;

    for (size_t i = 0; i < integrate->items_len; i++) {
        for (size_t j = 0; j < integrate->results[i].shown; j++) {
            reply->integrations[next++].item = (uint32_t)i;
        }
    }
}

// The verdict of the whole: NO when nothing was done, WARNING when something wants a look.
static Vigie__V1__Reply__Verdict
verdict_of(const struct command *command)
{
    size_t refused = 0;
    bool warning = false;

    if (command->status != VG_OK) {
        return VIGIE__V1__REPLY__VERDICT__NO;
    }
    if (command->kind == COMMAND_INTEGRATE) {
        for (size_t i = 0; i < command->integrate.items_len; i++) {
            refused += command->integrate.results[i].verdict == VERDICT_NO;
            warning |= command->integrate.results[i].verdict != VERDICT_YES;
        }
        if (refused == command->integrate.items_len) {
            return VIGIE__V1__REPLY__VERDICT__NO;
        }
    }
    return warning ? VIGIE__V1__REPLY__VERDICT__WARNING : VIGIE__V1__REPLY__VERDICT__YES;
}

static size_t
faults_in(const struct command *command)
{
    size_t len = command->faults == NULL ? 0 : command->faults->len;

    for (size_t i = 0;
         command->kind == COMMAND_INTEGRATE && command->integrate.results != NULL &&
         i < command->integrate.items_len;
         i++) {
        const struct faults *faults = command->integrate.results[i].faults;

        len += faults == NULL ? 0 : faults->len;
    }
    return len;
}

static void
write_reply(const struct command *command, const struct roster *roster,
            struct buffer *frame)
{
    size_t items_len =
        command->kind == COMMAND_INTEGRATE ? command->integrate.items_len : 1;
    struct reply reply;

    reply_begin(&reply, command->back.request, items_len, faults_in(command));
    reply.body.ticket = command->ticket;
    reply.body.verdict = verdict_of(command);
    if (command->kind == COMMAND_INTEGRATE && command->status == VG_OK) {
        for (size_t i = 0; i < items_len; i++) {
            const struct integrate_result *result = &command->integrate.results[i];

            reply_item(&reply, (uint32_t)result->verdict, result->faults);
            reply.items[i].end = result->end;
            reply.items[i].overlaps = result->overlaps;
            reply.items[i].caught_up = result->caught_up;
            reply.items[i].consult = result->consult;
        }
    } else {
        reply_item(&reply, (uint32_t)reply.body.verdict, command->faults);
    }
    reply_integrations(&reply, command, roster);
    if (command->kind == COMMAND_INTEGRATE && command->status == VG_OK) {
        reply_overlaps(&reply, &command->integrate);
    }
    if (command->kind == COMMAND_HISTORY) {
        reply.body.n_niss_chain = command->history.chain_len;
        reply.body.niss_chain = command->history.chain;
    }
    if (command->kind == COMMAND_ADD_MAILBOX && command->status == VG_OK) {
        vigie__v1__mailbox__init(&reply.mailbox);
        memcpy(reply.mailbox_name, command->add_mailbox.name.at,
               command->add_mailbox.name.len); // shorter: it was accepted
        reply.mailbox.mailbox = command->add_mailbox.mailbox;
        reply.mailbox.name = reply.mailbox_name;
        reply.mailbox_list[0] = &reply.mailbox;
        reply.body.n_mailboxes = 1;
        reply.body.mailboxes = reply.mailbox_list;
    }
    reply_end(&reply, frame);
}

static void
write_held(const struct refuse_command *refuse, struct buffer *frame)
{
    static const Vigie__V1__Held__State states[] = {
        [HELD_GONE] = VIGIE__V1__HELD__STATE__GONE,
        [HELD_RETRY] = VIGIE__V1__HELD__STATE__RETRY,
        [HELD_BEHIND] = VIGIE__V1__HELD__STATE__BEHIND,
        [HELD_PARKED] = VIGIE__V1__HELD__STATE__PARKED,
    };
    Vigie__V1__ToClient message = VIGIE__V1__TO_CLIENT__INIT;
    Vigie__V1__Held body = VIGIE__V1__HELD__INIT;

    body.mailbox = refuse->mailbox;
    body.number = refuse->refused.letter.number;
    body.state = states[refuse->state];
    body.refusals = refuse->attempts;
    body.due_at = refuse->state == HELD_RETRY ? (uint64_t)refuse->due_us : 0;
    message.message_case = VIGIE__V1__TO_CLIENT__MESSAGE_HELD;
    message.held = &body;
    write_frame(&message, frame);
}

void
wire_write_answer(const struct command *command, const struct roster *roster,
                  struct buffer *frame)
{
    switch (command->kind) {
    case COMMAND_PUBLISH:
        write_published(command, frame);
        break;
    case COMMAND_LAST_NUMBER:
        if (command->status == VG_OK) { // a wrong number would be believed
            write_last_number(command, frame);
        }
        break;
    case COMMAND_INTEGRATE:
    case COMMAND_REMOVE:
    case COMMAND_CONSULT:
    case COMMAND_HISTORY:
    case COMMAND_ADD_MAILBOX:
    case COMMAND_LIST: // refused: its answer is wire_write_holdings
    case COMMAND_RETRY_PARKED:
    case COMMAND_DROP_PARKED:
        write_reply(command, roster, frame);
        break;
    case COMMAND_REFUSE:
        if (command->status == VG_OK) {
            write_held(&command->refuse, frame);
        }
        break;
    case COMMAND_ACKNOWLEDGE:
    case COMMAND_DEFER:
    case COMMAND_ADVANCE:
    case COMMAND_WITHDRAW:
    case COMMAND_SET_LIMITS:
    case COMMAND_SET_RULES:
    case COMMAND_ADD_INSTITUTION:
    case COMMAND_ADD_KEY:
    case COMMAND_REVOKE_KEY:
    case COMMAND_LOAD_CATALOGUE:
    case COMMAND_FOLD:
    case COMMAND_EXPIRE:
    case COMMAND_LOAD_PERSONS:
    case COMMAND_REWIND:
    case COMMAND_MERGE:
    case COMMAND_MOVE_LETTERS:
    case COMMAND_ANCHOR:
    case COMMAND_KNEW:
    case COMMAND_LAPSE:
        break;
    }
}

void
wire_write_reply_fault(uint64_t request, enum vg_status status, const char *sentence,
                       struct buffer *frame)
{
    struct faults faults = {.len = 1, .total = 1};
    struct reply reply;

    faults.fault[0].status = status;
    why_set(&faults.fault[0].why, "%s", sentence);
    reply_begin(&reply, request, 1, 1);
    reply.body.verdict = VIGIE__V1__REPLY__VERDICT__NO;
    reply_item(&reply, (uint32_t)reply.body.verdict, &faults);
    reply_end(&reply, frame);
}

// ---- mailboxes ----

struct choice_memory {
    Vigie__V1__Choice choice[CHOICES_MAX];
    Vigie__V1__Choice *list[CHOICES_MAX];
    uint32_t qualities[CHOICES_MAX][64];
};

static void
mailbox_choices(const struct mailbox_spec *spec, const struct catalogue *catalogue,
                struct choice_memory *memory, Vigie__V1__Mailbox *ret)
{
    for (size_t i = 0; i < spec->choices_len; i++) {
        const struct flow *flow = catalogue_flow_by_id(catalogue, spec->choices[i].flow);
        Vigie__V1__Choice *choice = &memory->choice[i];

        vigie__v1__choice__init(choice);
        choice->flow = text(flow == NULL ? "" : flow->name);
        choice->qualities = memory->qualities[i];
        for (uint32_t bit = 0; bit < 64 && spec->choices[i].qualities != UINT64_MAX;
             bit++) {
            if ((spec->choices[i].qualities >> bit & 1) != 0) {
                memory->qualities[i][choice->n_qualities++] = bit;
            }
        }
        memory->list[i] = choice;
    }
    ret->n_choices = spec->choices_len;
    ret->choices = memory->list;
}

void
wire_write_mailboxes(uint64_t request, const struct wire_mailbox *mailboxes, size_t len,
                     const struct catalogue *catalogue, struct buffer *frame)
{
    Vigie__V1__Mailbox *rows = xcalloc(len + 1, sizeof *rows);
    Vigie__V1__Mailbox **list = xcalloc(len + 1, sizeof(Vigie__V1__Mailbox *));
    struct choice_memory *memory = xcalloc(len + 1, sizeof *memory);
    struct reply reply;

    reply_begin(&reply, request, 1, 0);
    for (size_t i = 0; i < len; i++) {
        vigie__v1__mailbox__init(&rows[i]);
        rows[i].mailbox = mailboxes[i].spec->id;
        rows[i].name = text(mailboxes[i].spec->name);
        rows[i].last = mailboxes[i].row.last;
        rows[i].acknowledged = mailboxes[i].row.acknowledged;
        rows[i].waiting = mailbox_waiting(&mailboxes[i].row);
        rows[i].held = mailboxes[i].row.held;
        rows[i].parked = mailboxes[i].row.parked;
        mailbox_choices(mailboxes[i].spec, catalogue, &memory[i], &rows[i]);
        list[i] = &rows[i];
    }
    reply.body.n_mailboxes = len;
    reply.body.mailboxes = list;
    reply_item(&reply, (uint32_t)reply.body.verdict, NULL);
    reply_end(&reply, frame);
    free(memory);
    free(list);
    free(rows);
}

// ---- sources ----

void
wire_write_sources(uint64_t request, const struct fresh *rows, size_t len,
                   struct buffer *frame)
{
    Vigie__V1__Source *sources = xcalloc(len + 1, sizeof *sources);
    Vigie__V1__Source **list = xcalloc(len + 1, sizeof(Vigie__V1__Source *));
    struct reply reply;

    reply_begin(&reply, request, 1, 0);
    for (size_t i = 0; i < len; i++) {
        vigie__v1__source__init(&sources[i]);
        sources[i].institution = text(rows[i].source->code);
        sources[i].flow = text(rows[i].flow->name);
        sources[i].last = (uint64_t)rows[i].heard.last_us;
        sources[i].rhythm_hours = rows[i].flow->rhythm_hours;
        sources[i].late = rows[i].late;
        list[i] = &sources[i];
    }
    reply.body.n_sources = len;
    reply.body.sources = list;
    reply_item(&reply, (uint32_t)reply.body.verdict, NULL);
    reply_end(&reply, frame);
    free(list);
    free(sources);
}

// ---- what somebody holds ----

static void
write_row(const struct holdings_row *row, const struct roster *roster,
          Vigie__V1__Integration *ret)
{
    const struct institution *holder =
        roster_institution(roster, row->integration.institution);

    vigie__v1__integration__init(ret);
    ret->sector = row->integration.sector;
    ret->institution = text(holder == NULL ? "" : holder->code);
    ret->quality = row->integration.quality;
    ret->begin = day_number((struct day){row->integration.begin});
    ret->end = day_number((struct day){row->integration.end});
    ret->niss = row->niss.number;
}

void
wire_write_holdings(uint64_t request, uint64_t ticket, const struct holdings *holdings,
                    const struct roster *roster, struct buffer *frame)
{
    size_t sums_len = 0, rows_len = 0;
    const struct holdings_sum *sums = holdings_sums(holdings, &sums_len);
    const struct holdings_row *rows = holdings_rows(holdings, &rows_len);
    Vigie__V1__Holding *held = xcalloc(sums_len + 1, sizeof *held);
    Vigie__V1__Holding **held_list = xcalloc(sums_len + 1, sizeof(Vigie__V1__Holding *));
    Vigie__V1__Integration *listed = xcalloc(rows_len + 1, sizeof *listed);
    Vigie__V1__Integration **list =
        xcalloc(rows_len + 1, sizeof(Vigie__V1__Integration *));
    uint8_t(*digests)[DIGEST_BYTES] = xcalloc(sums_len + 1, sizeof *digests);
    struct reply reply;

    reply_begin(&reply, request, 1, 0);
    reply.body.ticket = ticket;
    for (size_t i = 0; i < sums_len; i++) {
        vigie__v1__holding__init(&held[i]);
        digest_bytes(&sums[i].digest, digests[i]);
        held[i].quality = sums[i].quality;
        held[i].count = sums[i].digest.count;
        held[i].digest = (ProtobufCBinaryData){DIGEST_BYTES, digests[i]};
        held_list[i] = &held[i];
    }
    for (size_t i = 0; i < rows_len; i++) {
        write_row(&rows[i], roster, &listed[i]);
        list[i] = &listed[i];
    }
    reply.body.n_holdings = sums_len;
    reply.body.holdings = held_list;
    reply.body.n_integrations = rows_len;
    reply.body.integrations = list;
    reply.body.next = holdings_next(holdings).number;
    reply_item(&reply, (uint32_t)reply.body.verdict, NULL);
    reply_end(&reply, frame);
    free(digests);
    free(list);
    free(listed);
    free(held_list);
    free(held);
}

// ---- parked letters ----

static void
parked_letter(const struct held_row *row, struct bytes content,
              const struct roster *roster, Vigie__V1__ParkedLetter *ret)
{
    const struct institution *actor = roster_institution(roster, row->head.actor);

    vigie__v1__parked_letter__init(ret);
    ret->number = row->head.letter.number;
    ret->refusals = row->head.attempts;
    ret->since = (uint64_t)row->head.since_us;
    ret->actor = text(actor == NULL ? "" : actor->code);
    ret->reason = text(row->reason);
    if (content.at != NULL) {
        ret->content = vigie__v1__content__unpack(NULL, content.len, content.at);
    }
}

void
wire_write_parked(uint64_t request, const struct held_row *rows,
                  const struct bytes *contents, size_t len, const struct roster *roster,
                  struct buffer *frame)
{
    Vigie__V1__ParkedLetter *letters = xcalloc(len + 1, sizeof *letters);
    Vigie__V1__ParkedLetter **list = xcalloc(len + 1, sizeof(Vigie__V1__ParkedLetter *));
    struct reply reply;

    reply_begin(&reply, request, 1, 0);
    for (size_t i = 0; i < len; i++) {
        parked_letter(&rows[i], contents[i], roster, &letters[i]);
        list[i] = &letters[i];
    }
    reply.body.n_parked = len;
    reply.body.parked = list;
    reply_item(&reply, (uint32_t)reply.body.verdict, NULL);
    reply_end(&reply, frame);
    for (size_t i = 0; i < len; i++) {
        if (letters[i].content != NULL) {
            vigie__v1__content__free_unpacked(letters[i].content, NULL);
        }
    }
    free(list);
    free(letters);
}
