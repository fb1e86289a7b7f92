// SPDX-License-Identifier: EUPL-1.2
#include "flow/catch_up.h"

#include "flow/merge.h"
#include "flow/past.h"
#include "store/caught.h"
#include "store/correction.h"
#include "store/exchanges.h"

#include <stdlib.h>
#include <string.h>

// A mutation and the broker's words about it.
enum { CONTENT_MAX = HOT_MUTATION_BYTES_MAX + 1024 };

_Static_assert((unsigned)CONTENT_MAX <= (unsigned)BODY_MAX, "it is a body");

// ---- who catches up ----

// Ended, of the same institution and quality, and without a gap before the day.
static bool
is_extended(const struct roster *roster, const struct integration *row,
            uint32_t institution, uint32_t quality, struct day begin, struct day today)
{
    return roster_successor(roster, row->institution) == institution &&
           row->quality == quality && row->end < today.number &&
           row->end >= begin.number - 1;
}

static bool
extends_any(const struct roster *roster, const struct integration *rows, size_t len,
            uint32_t institution, uint32_t quality, struct day begin, struct day today)
{
    for (size_t i = 0; i < len; i++) {
        if (is_extended(roster, &rows[i], institution, quality, begin, today)) {
            return true;
        }
    }
    return false;
}

enum vg_status
catch_up_is_wanted(struct txn *txn, const struct roster *roster, uint32_t institution,
                   const struct integrate_request *request, struct day today,
                   bool *ret_wanted)
{
    struct person person;
    struct niss current;
    struct day begin;
    enum vg_status status;

    *ret_wanted = request->catch_up;
    if (request->catch_up || request->begin > day_number(today) ||
        day_from_number(request->begin, &begin, NULL) != VG_OK) {
        return VG_OK; // what begins later covers no day that is over
    }
    status = person_in_force(txn, (struct niss){request->niss}, &current, &person);
    *ret_wanted =
        status == VG_OK && extends_any(roster, person.integrations, person.len,
                                       institution, request->quality, begin, today);
    return status;
}

// ---- the search ----

enum vg_status
catch_up_begin(struct txn *txn, struct niss niss, struct day today,
               struct knew **ret_knew, uint64_t *ret_through)
{
    struct niss numbers[NUMBERS_MAX];
    uint64_t chain[NUMBERS_MAX];
    struct knew_command question = {.today = today};
    struct meta meta;
    size_t len = 0;
    enum vg_status status = meta_get(txn, &meta, NULL);

    if (status == VG_OK) {
        status = person_numbers(txn, niss, numbers, &len);
    }
    if (status != VG_OK) {
        return status;
    }
    for (size_t i = 0; i < len; i++) {
        chain[i] = numbers[i].number;
    }
    question.history.chain = chain;
    question.history.chain_len = len;
    question.through_commit = meta.last_commit;
    *ret_knew = knew_open(&question, CATCH_UP_MONTHS);
    *ret_through = meta.last_commit;
    return VG_OK;
}

// Letters of one mutation come one after the other.
static void
add_place(struct catch_up *catch_up, uint64_t commit, uint64_t ticket)
{
    const struct catch_place *last =
        catch_up->len == 0 ? NULL : &catch_up->places[catch_up->len - 1];

    if (last != NULL && last->ticket == ticket) {
        return;
    }
    if (catch_up->len == catch_up->size) {
        catch_up->size = catch_up->size * 2 + 16;
        catch_up->places =
            realloc(catch_up->places, catch_up->size * sizeof *catch_up->places);
        CHECK(catch_up->places != NULL);
    }
    catch_up->places[catch_up->len++] = (struct catch_place){commit, ticket};
}

struct catch_up *
catch_up_found(const struct knew *knew, uint64_t through_commit)
{
    struct catch_up *catch_up = xcalloc(1, sizeof *catch_up);
    const struct knew_row *rows;
    size_t len = 0;

    catch_up->through_commit = knew == NULL ? 0 : through_commit;
    rows = knew == NULL ? NULL : knew_rows(knew, &len, &catch_up->all);
    for (size_t i = 0; i < len; i++) {
        if (rows[i].kind == KNEW_LETTER && rows[i].letter.source != 0 &&
            rows[i].letter.again == AGAIN_NOT) {
            add_place(catch_up, rows[i].commit, rows[i].ticket);
        }
    }
    return catch_up;
}

// ---- what was kept since the search ----

static bool
is_of_person(const struct niss *numbers, size_t len, uint64_t niss)
{
    for (size_t i = 0; i < len; i++) {
        if (numbers[i].number == niss) {
            return true;
        }
    }
    return false;
}

static void
add_events(struct catch_up *catch_up, const struct buffer *record, uint64_t commit,
           const struct niss *numbers, size_t numbers_len)
{
    struct journal_item item;
    struct journal_event event;
    size_t offset = 0;

    while (journal_next(record, &offset, &item)) {
        if (item.kind == JOURNAL_EVENT && journal_item_as(&item, &event, sizeof event) &&
            event.source != 0 && event.again == AGAIN_NOT && event.recipients > 0 &&
            is_of_person(numbers, numbers_len, event.niss)) {
            add_place(catch_up, commit, event.ticket);
        }
    }
}

static enum vg_status
look_since(struct applier *applier, struct catch_up *catch_up, struct niss niss)
{
    struct niss numbers[NUMBERS_MAX];
    struct buffer record = {0};
    struct journal_head head;
    size_t len = 0;
    enum vg_status status = person_numbers(applier->txn, niss, numbers, &len);

    while (status == VG_OK && catch_up->through_commit < applier->meta.last_commit) {
        uint64_t commit = ++catch_up->through_commit;

        status = journal_read(applier->txn, commit, &record, &head, NULL);
        if (status == VG_OK) {
            add_events(catch_up, &record, commit, numbers, len);
        }
    }
    buffer_free(&record);
    return status == VG_NOT_FOUND ? VG_STORE_BROKEN : status;
}

// ---- one mutation ----

// One mutation that may be caught up with.
struct catching {
    struct applier *applier;
    const struct command *command;
    const struct catch_person *person;
    struct integrate_result *result;
    struct buffer record;
    struct buffer recipients;
    struct journal_head head;
    struct past past;
    struct judged judged;
    struct match_letters letters;
    const struct institution *source;
};

static enum vg_status
read_event(struct catching *catching, const struct catch_place *place, bool *ret_found)
{
    struct past *past = &catching->past;
    size_t offset = 0;
    enum vg_status status = VG_OK;

    *ret_found = false;
    if (catching->head.commit != place->commit) {
        status = journal_read(catching->applier->txn, place->commit, &catching->record,
                              &catching->head, NULL);
    }
    while (status == VG_OK && !*ret_found) {
        buffer_clear(&catching->recipients);
        if (!past_next(&catching->record, &offset, past, &catching->recipients)) {
            break;
        }
        *ret_found = past->event.ticket == place->ticket;
    }
    past->recipients = (const struct journal_recipient *)(void *)catching->recipients.at;
    return status == VG_NOT_FOUND ? VG_OK : status; // its time has passed
}

struct caught_search {
    const struct catching *catching;
    bool found;
};

static bool
is_caught(uint64_t ticket, struct mailbox_id mailbox, const struct caught_row *row,
          void *arg)
{
    struct caught_search *search = arg;
    const struct catching *catching = search->catching;

    (void)mailbox;
    search->found =
        search->found || (ticket == catching->past.event.ticket &&
                          roster_successor(catching->applier->roster, row->institution) ==
                              catching->person->institution);
    return ticket == catching->past.event.ticket && !search->found;
}

// In its time, or by an earlier catching up.
static enum vg_status
has_got(const struct catching *catching, bool *ret_got)
{
    struct caught_search search = {catching, false};
    const struct past *past = &catching->past;
    enum vg_status status =
        caught_each(catching->applier->txn, past->event.ticket, is_caught, &search);

    *ret_got = search.found;
    for (size_t i = 0; i < past->recipients_len && !*ret_got; i++) {
        *ret_got = roster_successor(catching->applier->roster,
                                    past->recipients[i].institution) ==
                   catching->person->institution;
    }
    return status;
}

static enum vg_status
was_corrected(const struct catching *catching, bool *ret_corrected)
{
    struct correction_row row;
    enum vg_status status =
        correction_get(catching->applier->txn, catching->past.event.ticket, &row);

    *ret_corrected = status == VG_OK;
    return status == VG_NOT_FOUND ? VG_OK : status;
}

// ---- what the law says of it, on its day ----

static size_t
match(struct catching *catching, const struct integration *rows, size_t len,
      struct match_question *question)
{
    struct applier *applier = catching->applier;
    size_t grants_len = 0;

    *question = (struct match_question){
        .catalogue = applier->catalogue,
        .roster = applier->roster,
        .judged = &catching->judged,
        .publisher = catching->source,
        .integrations = rows,
        .integrations_len = len,
        .today = day_in_brussels((struct instant){catching->head.time_us}),
        .fields_lost = catching->past.fields_lost,
    };
    return match_recipients(question, applier->grants, &grants_len, NULL, NULL) == VG_OK
               ? grants_len
               : 0;
}

static bool
was_entitled(struct catching *catching)
{
    const struct catch_person *person = catching->person;
    struct match_question question;
    size_t len = match(catching, person->before, person->before_len, &question);

    for (size_t i = 0; i < len; i++) {
        if (catching->applier->grants[i].institution == person->institution) {
            return true;
        }
    }
    return false;
}

// By the integration that the item extended or opened, and by nothing else.
static bool
is_grant_of(const struct grant *grant, const struct catch_person *person)
{
    return grant->justified && grant->institution == person->institution &&
           grant->integration.quality == person->added.quality &&
           grant->integration.begin <= person->added.begin &&
           grant->integration.end >= person->added.end;
}

static void
find_letters(struct catching *catching)
{
    const struct catch_person *person = catching->person;
    struct grant *grants = catching->applier->grants;
    struct match_question question;
    size_t len = match(catching, person->after, person->after_len, &question);
    size_t kept = 0;

    for (size_t i = 0; i < len; i++) {
        if (is_grant_of(&grants[i], person)) {
            grants[kept++] = grants[i];
        }
    }
    match_letters(&question, grants, kept, &catching->letters);
}

// Puts the mutation together as far as it is kept. False: no rule can be asked of it.
static bool
judge_past(struct catching *catching)
{
    struct applier *applier = catching->applier;
    struct past *past = &catching->past;
    const struct flow *flow = catalogue_flow_by_id(applier->catalogue, past->event.flow);
    struct judge_context context = {
        .catalogue = applier->catalogue,
        .publisher = roster_institution(applier->roster, past->event.source),
        .today = day_in_brussels((struct instant){catching->head.time_us}),
        .test_persons = true, // it was taken then
    };
    struct why why;

    past_read(applier->txn, applier->catalogue, past);
    catching->source = context.publisher;
    return flow != NULL && context.publisher != NULL && past_can_be_asked(past, flow) &&
           judge_mutation(&context, &past->mutation, &catching->judged, &why) == VG_OK;
}

// ---- its letters ----

static struct hot_bytes
code_of(const struct institution *institution)
{
    return (struct hot_bytes){(const uint8_t *)institution->code,
                              strlen(institution->code)};
}

// Reserving may write a block, so what lies in others is looked up after it.
static enum vg_status
write_body(struct catching *catching, uint64_t keep, uint64_t *ret_body,
           uint32_t *ret_size)
{
    struct applier *applier = catching->applier;
    struct hot_mutation *mutation = &catching->past.mutation;
    uint8_t *at = NULL, *end;
    enum vg_status status =
        body_reserve(applier->txn, &applier->bodies, CONTENT_MAX, &at);

    if (status != VG_OK) {
        return status;
    }
    past_read(applier->txn, applier->catalogue, &catching->past);
    mutation->replaces = (struct hot_bytes){NULL, 0}; // the first is not his to know
    mutation->caught_up = catching->command->ticket;
    mutation->lost = catching->past.fields_lost;
    mutation->current_niss = mutation->niss == catching->person->niss.number
                                 ? 0
                                 : catching->person->niss.number;
    CHECK(hot_content_size(mutation, code_of(catching->source)) <= CONTENT_MAX);
    end =
        hot_write_content(at, mutation, keep, code_of(catching->source),
                          catching->past.event.ticket, (uint64_t)catching->head.time_us);
    *ret_size = (uint32_t)(end - at);
    *ret_body = body_done(&applier->bodies, *ret_size);
    return VG_OK;
}

static void
journal_caught(const struct catching *catching, uint64_t ticket,
               const struct journal_recipient *recipient)
{
    const struct past *past = &catching->past;
    struct journal_event event = {
        .ticket = ticket,
        .niss = past->event.niss,
        .number = past->event.ticket,
        .source = past->event.source,
        .producer = (uint32_t)(ticket - catching->command->ticket),
        .catalogue = (uint32_t)catching->applier->meta.catalogue,
        .flow = past->event.flow,
        .recipients = 1,
        .fields = past->event.fields,
        .again = AGAIN_CAUGHT,
    };

    journal_add(&catching->applier->record, JOURNAL_EVENT, &event, sizeof event,
                recipient, sizeof *recipient);
}

static enum vg_status
put_letter(struct catching *catching, const struct match_letter *to)
{
    struct applier *applier = catching->applier;
    const struct integration *integration = &to->share.integration;
    uint32_t mailbox = merge_inflow(applier, to->share.mailbox);
    struct letter letter = {
        .quality = integration->quality,
        .withheld = (uint16_t)(catching->past.mutation.fields_len -
                               (unsigned)__builtin_popcountll(to->keep)),
        .begin = integration->begin,
        .end = integration->end,
    };
    struct caught_row caught = {
        .request = catching->command->ticket,
        .institution = catching->person->institution,
        .quality = integration->quality,
        .begin = integration->begin,
        .end = integration->end,
    };
    enum vg_status status = write_body(catching, to->keep, &letter.body, &letter.size);

    if (status == VG_OK) {
        status = applier_append(applier, mailbox, &letter);
    }
    if (status != VG_OK) {
        return status;
    }
    caught.ticket = applier_ticket(applier);
    journal_caught(catching, caught.ticket,
                   &(struct journal_recipient){
                       .number = letter.number,
                       .body = letter.body,
                       .bytes_through = letter.bytes_through,
                       .mailbox = mailbox,
                       .institution = catching->person->institution,
                       .size = letter.size,
                       .quality = letter.quality,
                       .withheld = letter.withheld,
                       .begin = letter.begin,
                       .end = letter.end,
                   });
    applier->batch->count.notifications++;
    applier->batch->flows[catching->past.event.flow].notifications++;
    return caught_put(applier->txn, catching->past.event.ticket,
                      (struct mailbox_id){to->share.mailbox}, &caught);
}

static enum vg_status
put_letters(struct catching *catching)
{
    bool any = false, gone = false;
    enum vg_status status = VG_OK;

    for (size_t i = 0; status == VG_OK && i < catching->letters.len; i++) {
        const struct match_letter *letter = &catching->letters.at[i];

        if (!catching->past.has_content || letter->unsure) {
            gone = true;
        } else {
            status = put_letter(catching, letter);
            any = true;
        }
    }
    catching->result->caught_up += any;
    catching->result->consult += gone && !any;
    return status;
}

static enum vg_status
catch_up_with(struct catching *catching, const struct catch_place *place)
{
    bool found = false, leave = false;
    enum vg_status status = read_event(catching, place, &found);

    if (status == VG_STORE_BROKEN) { // a damaged record is nobody's end
        catching->result->consult++;
        catching->head.commit = 0;
        return VG_OK;
    }
    if (status != VG_OK || !found) {
        return status;
    }
    status = has_got(catching, &leave);
    if (status == VG_OK && !leave) {
        status = was_corrected(catching, &leave);
    }
    if (status != VG_OK || leave || !judge_past(catching) || catching->judged.cancels ||
        was_entitled(catching)) {
        return status;
    }
    find_letters(catching);
    return put_letters(catching);
}

// ---- one item ----

// Each request looks at so many, whatever its items are.
static size_t
places_left(const struct command *command, size_t item)
{
    size_t used = 0;

    for (size_t i = 0; i < item; i++) {
        const struct catch_up *catch_up = command->integrate.catch_ups[i];

        used += catch_up == NULL ? 0 : catch_up->len;
    }
    return used < CATCH_UP_PLACES_MAX ? CATCH_UP_PLACES_MAX - used : 0;
}

static enum vg_status
catch_up_places(struct catching *catching, struct catch_up *catch_up, size_t most)
{
    enum vg_status status = VG_OK;

    catch_up->all = catch_up->all && catch_up->len <= most;
    for (size_t i = 0; status == VG_OK && i < catch_up->len && i < most; i++) {
        status = catch_up_with(catching, &catch_up->places[i]);
    }
    match_letters_free(&catching->letters);
    buffer_free(&catching->record);
    buffer_free(&catching->recipients);
    return status;
}

enum vg_status
catch_up_person(struct applier *applier, struct command *command, size_t item,
                const struct catch_person *person)
{
    const struct integrate_request *request = &command->integrate.items[item];
    struct catch_up *catch_up = command->integrate.catch_ups[item];
    struct catching *catching;
    enum vg_status status;

    if (!request->catch_up &&
        !extends_any(applier->roster, person->before, person->before_len,
                     person->institution, request->quality,
                     (struct day){person->added.begin}, applier->today)) {
        return VG_OK; // somebody was faster
    }
    catching = xcalloc(1, sizeof *catching);
    catching->applier = applier;
    catching->command = command;
    catching->person = person;
    catching->result = &command->integrate.results[item];
    catching->result->looked = true;
    // Without a search there is nothing to go on from: the journal may begin later.
    status = catch_up->through_commit == 0 ? VG_OK
                                           : look_since(applier, catch_up, person->niss);
    if (status == VG_OK) {
        status = catch_up_places(catching, catch_up, places_left(command, item));
    }
    free(catching);
    return status;
}
