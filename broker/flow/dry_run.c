// SPDX-License-Identifier: EUPL-1.2
#include "flow/dry_run.h"

#include "flow/past.h"
#include "flow/replace.h"
#include "rules/directory.h"
#include "store/person_walk.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES_MAX = 64 << 20, ROWS_FIRST = 1024 };

// A mutation of the chunk.
struct taken {
    struct journal_event event;
    struct day day;
    bool corrects; // an earlier one
    uint32_t recipients_len;
    size_t recipients; // where they begin in the chunk's buffer
};

struct dry_run {
    struct dry_plan plan;
    struct roster *roster;
    struct niss numbers[NUMBERS_MAX]; // of the removal's person
    size_t numbers_len;
    // where it is in the journal
    uint64_t commit; // whose record is being read
    struct buffer record;
    size_t offset;  // in it, 0: it is still to be read
    struct day day; // of it
    // the chunk
    struct taken *taken;
    size_t taken_len;
    size_t taken_size;
    struct buffer recipients;
    // one mutation
    struct past past;
    struct judged judged;
    struct grant *grants;
    struct match_letters letters[2]; // by the catalogue in force, by the plan
    uint64_t *walking;               // numbers
    struct walked *walked;
    // found
    struct dry_report report;
    uint32_t *slots; // of rows, by flow and institution; 0: free, else index + 1
    size_t slots_size;
    bool sorted;
};

// ---- what was found ----

static void
count(struct dry_count *count, uint64_t ticket)
{
    if (count->count < DRY_EXAMPLES) {
        count->ticket[count->count] = ticket;
    }
    count->count++;
}

static size_t
slot_of(const struct dry_run *run, uint16_t flow, uint32_t institution)
{
    uint64_t key = ((uint64_t)flow << 32 | institution) * UINT64_C(0x9E3779B97F4A7C15);
    size_t slot = (size_t)(key >> 32) & (run->slots_size - 1);

    while (run->slots[slot] != 0) {
        const struct dry_row *row = &run->report.rows[run->slots[slot] - 1];

        if (row->flow == flow && row->institution == institution) {
            break;
        }
        slot = (slot + 1) & (run->slots_size - 1);
    }
    return slot;
}

static void
index_rows(struct dry_run *run)
{
    memset(run->slots, 0, run->slots_size * sizeof *run->slots);
    for (size_t i = 0; i < run->report.rows_len; i++) {
        const struct dry_row *row = &run->report.rows[i];

        run->slots[slot_of(run, row->flow, row->institution)] = (uint32_t)(i + 1);
    }
    run->sorted = false;
}

// Rows fill at most half of the slots.
static void
grow_rows(struct dry_run *run)
{
    size_t size = run->slots_size == 0 ? ROWS_FIRST : 2 * run->slots_size;

    free(run->slots);
    run->slots = xcalloc(size, sizeof *run->slots);
    run->slots_size = size;
    run->report.rows = realloc(run->report.rows, size / 2 * sizeof *run->report.rows);
    CHECK(run->report.rows != NULL);
    index_rows(run);
}

static struct dry_row *
row_of(struct dry_run *run, uint16_t flow, uint32_t institution)
{
    if (run->report.rows_len == run->slots_size / 2) {
        grow_rows(run);
    } else if (run->sorted) {
        index_rows(run);
    }

    size_t slot = slot_of(run, flow, institution);

    if (run->slots[slot] == 0) {
        run->report.rows[run->report.rows_len] =
            (struct dry_row){.flow = flow, .institution = institution};
        run->slots[slot] = (uint32_t)++run->report.rows_len;
    }
    return &run->report.rows[run->slots[slot] - 1];
}

static void
note_letter(struct dry_run *run, const struct taken *taken, enum dry_change change,
            const struct match_letter *letter)
{
    struct dry_row *row = row_of(run, taken->event.flow, letter->institution);

    count(&row->change[change], taken->event.ticket);
    row->unsure += letter->unsure && (change == DRY_MORE || change == DRY_LESS);
}

// ---- comparing ----

// An integration that is shortened justifies as before.
static bool
same_ground(const struct share *a, const struct share *b)
{
    return a->justified == b->justified &&
           (!a->justified || a->integration.quality == b->integration.quality);
}

// Both come in the same order: by institution, its mailboxes one after the other.
static bool
is_before(const struct match_letter *a, const struct match_letter *b)
{
    return a->institution != b->institution ? a->institution < b->institution
                                            : a->share.mailbox < b->share.mailbox;
}

static void
compare_letters(struct dry_run *run, const struct taken *taken)
{
    const struct match_letters *now = &run->letters[0];
    const struct match_letters *planned = &run->letters[1];
    size_t i = 0, j = 0;

    while (i < now->len || j < planned->len) {
        const struct match_letter *old = i < now->len ? &now->at[i] : NULL;
        const struct match_letter *new = j < planned->len ? &planned->at[j] : NULL;

        if (new == NULL || (old != NULL && is_before(old, new))) {
            note_letter(run, taken, DRY_LESS, old);
            i++;
        } else if (old == NULL || is_before(new, old)) {
            note_letter(run, taken, DRY_MORE, new);
            j++;
        } else {
            if (old->keep != new->keep) {
                note_letter(run, taken, DRY_FIELDS, new);
            } else if (!same_ground(&old->share, &new->share)) {
                note_letter(run, taken, DRY_GROUND, new);
            }
            i++;
            j++;
        }
    }
}

static bool
has_letter(const struct match_letters *letters, uint32_t mailbox)
{
    for (size_t i = 0; i < letters->len; i++) {
        if (letters->at[i].share.mailbox == mailbox) {
            return true;
        }
    }
    return false;
}

static bool
has_recipient(const struct past *past, uint32_t mailbox)
{
    for (size_t i = 0; i < past->recipients_len; i++) {
        if (past->recipients[i].mailbox == mailbox) {
            return true;
        }
    }
    return false;
}

// Did it reach others then than it would by the catalogue in force? Of whom all fields were
// withheld the journal does not know: he is no difference.
static bool
has_drifted(const struct past *past, bool corrects, const struct match_letters *now)
{
    size_t same = 0;

    while (same < now->len && same < past->recipients_len &&
           now->at[same].share.mailbox == past->recipients[same].mailbox) {
        same++;
    }
    if (same == now->len && same == past->recipients_len) {
        return false; // most often
    }
    // Who got what it corrects gets it whatever the rules say.
    for (size_t i = same; i < past->recipients_len && !corrects; i++) {
        if (!has_letter(now, past->recipients[i].mailbox)) {
            return true;
        }
    }
    for (size_t i = 0; i < now->len; i++) {
        bool may_be_none = now->at[i].unsure && past->event.withheld_all != 0;

        if (!may_be_none && !has_recipient(past, now->at[i].share.mailbox)) {
            return true;
        }
    }
    return false;
}

// ---- one mutation ----

// The letters that there would be; none when it would be refused.
static bool
ask(struct dry_run *run, const struct catalogue *catalogue, struct day day,
    const struct integration *integrations, size_t integrations_len,
    struct match_letters *letters)
{
    const struct institution *publisher =
        roster_institution(run->roster, run->past.event.source);
    struct judge_context context = {
        .catalogue = catalogue,
        .publisher = publisher,
        .today = day,
        .test_persons = true, // it was taken then
    };
    struct match_question question = {
        .catalogue = catalogue,
        .roster = run->roster,
        .judged = &run->judged,
        .publisher = publisher,
        .integrations = integrations,
        .integrations_len = integrations_len,
        .today = day,
        .fields_lost = run->past.fields_lost,
    };
    size_t grants_len = 0;

    letters->len = 0;
    if (publisher == NULL ||
        judge_mutation(&context, &run->past.mutation, &run->judged, NULL) != VG_OK ||
        match_recipients(&question, run->grants, &grants_len, NULL, NULL) != VG_OK) {
        return false;
    }
    match_letters(&question, run->grants, grants_len, letters);
    return true;
}

static void
count_known(struct dry_report *report, const struct past *past)
{
    if (!past->has_content) {
        report->without++;
    } else if (past->fields_lost > 0) {
        report->partly++;
    } else {
        report->whole++;
    }
}

static bool
can_be_asked(const struct dry_run *run)
{
    uint16_t id = run->past.event.flow;
    const struct flow *old = catalogue_flow_by_id(run->plan.in_force, id);
    const struct flow *new = catalogue_flow_by_id(run->plan.planned, id);

    return (old == NULL || past_can_be_asked(&run->past, old)) &&
           (new == NULL || past_can_be_asked(&run->past, new));
}

static void
ask_both(struct dry_run *run, const struct taken *taken, const struct person *person)
{
    static const struct integration none;
    const struct integration *integrations =
        person->len > 0 ? person->integrations : &none;
    const struct dry_removal *removal = &run->plan.removal;
    struct integration cut[INTEGRATIONS_PER_PERSON_MAX + 1];
    size_t len = person->len;
    bool kept, planned;

    kept = ask(run, run->plan.in_force, taken->day, integrations, len, &run->letters[0]);
    if (removal->institution != 0) {
        memcpy(cut, integrations, len * sizeof *cut);
        (void)directory_cut(cut, &len, removal->institution, removal->quality,
                            removal->period);
        integrations = cut;
    }
    planned =
        ask(run, run->plan.planned, taken->day, integrations, len, &run->letters[1]);
    if (kept && !planned) {
        count(&row_of(run, taken->event.flow, taken->event.source)->change[DRY_REFUSED],
              taken->event.ticket);
    }
    if (has_drifted(&run->past, taken->corrects, &run->letters[0])) {
        count(&run->report.drifted, taken->event.ticket);
    }
    compare_letters(run, taken);
}

static enum vg_status
ask_one(struct dry_run *run, struct txn *txn, const struct taken *taken,
        const struct walked *walked)
{
    struct person person = {0};
    struct niss current;
    enum vg_status status = VG_OK;

    run->past.event = taken->event;
    run->past.recipients =
        taken->recipients_len == 0
            ? NULL
            : (const struct journal_recipient *)(void *)(run->recipients.at +
                                                         taken->recipients);
    run->past.recipients_len = taken->recipients_len;
    past_read(txn, run->plan.in_force, &run->past);
    run->report.mutations++;
    if (!can_be_asked(run)) {
        run->report.not_asked++;
        return VG_OK;
    }
    if (taken->event.niss != 0) {
        struct niss niss = {taken->event.niss};

        status = person_walked(txn, walked, niss, &person);
        if (status == VG_OK && person.replaced_by.number != 0) {
            status = person_in_force(txn, niss, &current, &person);
        }
    }
    if (status == VG_OK) {
        count_known(&run->report, &run->past);
        ask_both(run, taken, &person);
    }
    return status;
}

// ---- a chunk ----

static bool
is_asked(const struct dry_run *run, uint64_t niss)
{
    bool asked = run->plan.removal.institution == 0;

    for (size_t i = 0; i < run->numbers_len && !asked; i++) {
        asked = run->numbers[i].number == niss;
    }
    return asked;
}

static void
take(struct dry_run *run, const struct past *past, size_t recipients)
{
    if (run->taken_len == run->taken_size) {
        run->taken_size = run->taken_size * 2 + 1024;
        run->taken = realloc(run->taken, run->taken_size * sizeof *run->taken);
        CHECK(run->taken != NULL);
    }
    run->taken[run->taken_len++] = (struct taken){
        .event = past->event,
        .day = run->day,
        .corrects = past->corrects != 0,
        .recipients_len = (uint32_t)past->recipients_len,
        .recipients = recipients,
    };
}

static void
count_refused(struct dry_run *run)
{
    struct journal_item item;
    struct journal_refusal refusal;
    size_t offset = 0;

    while (journal_next(&run->record, &offset, &item)) {
        if (item.kind == JOURNAL_REFUSAL &&
            journal_item_as(&item, &refusal, sizeof refusal) &&
            is_asked(run, refusal.niss)) {
            run->report.refused_then++;
        }
    }
}

// False: there is no record that can be read under this number.
static bool
read_record(struct dry_run *run, struct txn *txn)
{
    struct journal_head head;
    enum vg_status status = journal_read(txn, run->commit, &run->record, &head, NULL);

    run->report.commits++;
    if (status != VG_OK) {
        run->report.damaged++;
        return false;
    }
    run->day = day_in_brussels((struct instant){head.time_us});
    count_refused(run);
    return true;
}

static void
gather(struct dry_run *run, struct txn *txn, size_t events)
{
    run->taken_len = 0;
    buffer_clear(&run->recipients);
    while (run->commit <= run->plan.last_commit && run->taken_len < events &&
           run->recipients.len < CHUNK_BYTES_MAX) {
        size_t recipients = run->recipients.len;

        if ((run->offset == 0 && !read_record(run, txn)) ||
            !past_next(&run->record, &run->offset, &run->past, &run->recipients)) {
            run->commit++;
            run->offset = 0;
        } else if (run->past.event.source != 0 && // what the broker made, no rules did
                   run->past.event.again == AGAIN_NOT &&
                   is_asked(run, run->past.event.niss)) {
            take(run, &run->past, recipients);
        } else {
            run->recipients.len = recipients;
        }
    }
}

static int
compare_taken(const void *left, const void *right)
{
    const struct taken *a = left;
    const struct taken *b = right;

    return a->event.niss != b->event.niss
               ? (a->event.niss > b->event.niss) - (a->event.niss < b->event.niss)
               : (a->event.ticket > b->event.ticket) -
                     (a->event.ticket < b->event.ticket);
}

enum vg_status
dry_run_step(struct dry_run *run, struct txn *txn, size_t events, struct why *why)
{
    enum vg_status status = VG_OK;

    gather(run, txn, events < DRY_SLICE_EVENTS ? events : DRY_SLICE_EVENTS);
    if (run->taken_len > 1) {
        qsort(run->taken, run->taken_len, sizeof *run->taken, compare_taken);
    }
    for (size_t first = 0; status == VG_OK && first < run->taken_len; first += WALK_MAX) {
        size_t len =
            run->taken_len - first < WALK_MAX ? run->taken_len - first : WALK_MAX;

        for (size_t i = 0; i < len; i++) {
            run->walking[i] = run->taken[first + i].event.niss;
        }
        person_walk(txn, run->walking, len, run->walked);
        for (size_t i = 0; status == VG_OK && i < len; i++) {
            status = ask_one(run, txn, &run->taken[first + i], &run->walked[i]);
        }
    }
    return status == VG_OK ? VG_OK : fail(why, status, "a person's row cannot be read");
}

// ---- life and questions ----

enum vg_status
dry_run_new(struct txn *txn, const struct dry_plan *plan, struct dry_run **ret_run,
            struct why *why)
{
    struct dry_run *run = xcalloc(1, sizeof *run);
    enum vg_status status = VG_OK;

    run->plan = *plan;
    run->commit = plan->first_commit;
    run->roster = roster_copy(plan->roster);
    run->grants = xcalloc(GRANTS_MAX, sizeof *run->grants);
    run->walking = xcalloc(WALK_MAX, sizeof *run->walking);
    run->walked = xcalloc(WALK_MAX, sizeof *run->walked);
    if (plan->removal.institution != 0) {
        status = person_numbers(txn, plan->removal.niss, run->numbers, &run->numbers_len);
    }
    if (status != VG_OK) {
        dry_run_free(&run);
        return fail(why, status, "the person's numbers cannot be read");
    }
    *ret_run = run;
    return VG_OK;
}

void
dry_run_free(struct dry_run **run)
{
    struct dry_run *ended = *run;

    if (ended == NULL) {
        return;
    }
    roster_free(&ended->roster);
    buffer_free(&ended->record);
    buffer_free(&ended->recipients);
    match_letters_free(&ended->letters[0]);
    match_letters_free(&ended->letters[1]);
    free(ended->taken);
    free(ended->grants);
    free(ended->walking);
    free(ended->walked);
    free(ended->report.rows);
    free(ended->slots);
    free(ended);
    *run = NULL;
}

bool
dry_run_done(const struct dry_run *run)
{
    return run->commit > run->plan.last_commit;
}

double
dry_run_progress(const struct dry_run *run)
{
    uint64_t commits = run->plan.last_commit + 1 - run->plan.first_commit;

    return commits == 0
               ? 1
               : (double)(run->commit - run->plan.first_commit) / (double)commits;
}

static int
compare_rows(const void *left, const void *right)
{
    const struct dry_row *a = left;
    const struct dry_row *b = right;

    return a->flow != b->flow
               ? (a->flow > b->flow) - (a->flow < b->flow)
               : (a->institution > b->institution) - (a->institution < b->institution);
}

const struct dry_report *
dry_run_report(struct dry_run *run)
{
    if (run->report.rows_len > 0) {
        qsort(run->report.rows, run->report.rows_len, sizeof *run->report.rows,
              compare_rows);
    }
    run->sorted = true; // the slots name other rows now
    return &run->report;
}
