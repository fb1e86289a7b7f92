// SPDX-License-Identifier: EUPL-1.2
#include "flow/apply.h"

#include "flow/merge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

_Static_assert(sizeof(struct box) % CACHE_LINE == 0, "each begins a line");

void
batch_add(struct batch *batch, struct command *command)
{
    command->next = NULL;
    if (batch->last == NULL) {
        batch->first = command;
    } else {
        batch->last->next = command;
    }
    batch->last = command;
    batch->len++;
    batch->moves = batch->moves || command->kind == COMMAND_MOVE_LETTERS;
    batch->bytes += command->frame.len;
}

void
batch_free(struct batch **batch)
{
    if (*batch == NULL) {
        return;
    }

    struct command *command = (*batch)->first;

    while (command != NULL) {
        struct command *next = command->next;

        command_free(&command);
        command = next;
    }
    roster_free(&(*batch)->roster);
    free((*batch)->posted);
    free((*batch)->unwanted);
    free((*batch)->pairs);
    free((*batch)->held);
    free((*batch)->fills);
    free(*batch);
    *batch = NULL;
}

struct letter
letter_of(const struct journal_recipient *recipient)
{
    return (struct letter){
        .number = recipient->number,
        .body = recipient->body,
        .bytes_through = recipient->bytes_through,
        .size = recipient->size,
        .quality = recipient->quality,
        .withheld = recipient->withheld,
        .begin = recipient->begin,
        .end = recipient->end,
    };
}

void
refuse(struct command *command, enum vg_status status, const char *format, ...)
{
    struct why why;
    va_list args;

    va_start(args, format);
    vsnprintf(why.text, sizeof why.text, format, args);
    va_end(args);
    faults_add(command_faults(command), status, 0, "%s", why.text);
    if (command->status == VG_OK) {
        command->status = status;
    }
}

uint64_t
applier_ticket(struct applier *applier)
{
    applier->changed = true;
    return ++applier->meta.last_sequence;
}

// ---- what the writer keeps in memory ----

static void
grow_boxes(struct boxes *boxes, size_t size)
{
    struct box *box = aligned_alloc(CACHE_LINE, size * sizeof *box);

    CHECK(box != NULL);
    memset(box, 0, size * sizeof *box);
    if (boxes->size > 0) {
        memcpy(box, boxes->box, boxes->size * sizeof *box);
    }
    free(boxes->box);
    *boxes = (struct boxes){box, size};
}

static struct box *
box_of(struct applier *applier, uint32_t mailbox)
{
    bool extra = mailbox >= MAILBOX_EXTRA_FIRST;
    struct boxes *boxes = &applier->boxes[extra];
    size_t index = extra ? mailbox - MAILBOX_EXTRA_FIRST : mailbox;

    if (index >= boxes->size) {
        grow_boxes(boxes, index * 2 + 64);
    }
    return &boxes->box[index];
}

// Further mailboxes are too few to matter.
void
applier_hint_box(const struct applier *applier, uint32_t mailbox)
{
    const struct boxes *boxes = &applier->boxes[0];

    if (mailbox < boxes->size) {
        __builtin_prefetch(&boxes->box[mailbox], 1);
    }
}

static void
note_dirty(struct applier *applier, uint32_t mailbox)
{
    if (applier->dirty_len == applier->dirty_size) {
        applier->dirty_size = applier->dirty_size * 2 + 256;
        applier->dirty =
            realloc(applier->dirty, applier->dirty_size * sizeof *applier->dirty);
        CHECK(applier->dirty != NULL);
    }
    applier->dirty[applier->dirty_len++] = mailbox;
}

enum vg_status
applier_open_box(struct applier *applier, uint32_t mailbox, struct box **ret_box)
{
    struct box *box = box_of(applier, mailbox);

    if (!box->loaded) {
        enum vg_status status =
            mailbox_get(applier->txn, (struct mailbox_id){mailbox}, &box->row);

        if (status != VG_OK) {
            return status;
        }
        box->loaded = true;
    }
    if (!box->dirty) {
        box->dirty = true;
        box->told = false;
        box->was = box->row;
        note_dirty(applier, mailbox);
    }
    box->told = box->told || applier->by_rows;
    *ret_box = box;
    return VG_OK;
}

enum vg_status
applier_box(struct applier *applier, uint32_t mailbox, struct mailbox_row **ret_row)
{
    struct box *box = NULL;
    enum vg_status status = applier_open_box(applier, mailbox, &box);

    if (status == VG_OK) {
        *ret_row = &box->row;
    }
    return status;
}

enum vg_status
applier_each_box(struct applier *applier, box_fn each, void *arg)
{
    for (uint32_t kind = 0; kind < 2; kind++) {
        for (uint32_t i = 0; i < applier->boxes[kind].size; i++) {
            struct box *box = &applier->boxes[kind].box[i];
            enum vg_status status =
                box->loaded ? each(applier, i + kind * MAILBOX_EXTRA_FIRST, box, arg)
                            : VG_OK;

            if (status != VG_OK) {
                return status;
            }
        }
    }
    return VG_OK;
}

static void
clean_boxes(struct applier *applier)
{
    for (size_t i = 0; i < applier->dirty_len; i++) {
        box_of(applier, applier->dirty[i])->dirty = false;
    }
    applier->dirty_len = 0;
}

// Events, acknowledgements and folds tell everything else.
static bool
must_tell_box(const struct box *box)
{
    size_t after = offsetof(struct mailbox_row, held);

    return box->told || box->row.parked != box->was.parked ||
           memcmp((const uint8_t *)&box->row + after, (const uint8_t *)&box->was + after,
                  sizeof box->row - after) != 0;
}

static enum vg_status
put_box(struct applier *applier, uint32_t mailbox, const struct box *box)
{
    struct mailbox_id id = {mailbox};
    enum vg_status status = VG_OK;

    if (memcmp(&box->row, &box->was, sizeof box->row) != 0) {
        status = mailbox_put(applier->txn, id, &box->row);
    }
    return status == VG_OK && must_tell_box(box) ? journal_mailbox(applier->txn, id)
                                                 : status;
}

enum vg_status
applier_put_boxes(struct applier *applier)
{
    for (size_t i = 0; i < applier->dirty_len; i++) {
        uint32_t mailbox = applier->dirty[i];
        enum vg_status status = put_box(applier, mailbox, box_of(applier, mailbox));

        if (status != VG_OK) {
            return status;
        }
    }
    clean_boxes(applier);
    return VG_OK;
}

// After a batch that was given up: rows are read again when they are asked for.
static void
forget_boxes(struct applier *applier)
{
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < applier->boxes[i].size; j++) {
            applier->boxes[i].box[j] = (struct box){.loaded = false};
        }
    }
    applier->dirty_len = 0;
}

static bool
load_institution(const struct institution *institution, void *arg)
{
    roster_put(arg, institution);
    return true;
}

bool
know_mailbox(const struct spec_row *row, void *arg)
{
    struct mailbox_spec spec = {.id = row->mailbox, .institution = row->institution};

    memcpy(spec.name, row->name, sizeof spec.name);
    spec.choices_len = (uint16_t)row->choices_len;
    for (size_t i = 0; i < row->choices_len; i++) {
        spec.choices[i].flow = row->choices[i].flow;
        spec.choices[i].qualities = row->choices[i].qualities;
    }
    roster_put_mailbox(arg, &spec);
    return true;
}

static bool
know_limits(struct mailbox_id mailbox, const struct limits *limits, void *arg)
{
    (void)roster_set_limits(arg, mailbox.number, limits);
    return true;
}

static bool
know_rules(struct mailbox_id mailbox, const struct mailbox_rules *rules, void *arg)
{
    (void)roster_set_rules(arg, mailbox.number, rules);
    return true;
}

static enum vg_status
load_roster(struct applier *applier, struct txn *txn)
{
    struct roster *roster = roster_new();
    enum vg_status status = institution_each(txn, load_institution, roster);

    if (status == VG_OK) {
        status = spec_each(txn, know_mailbox, roster);
    }
    if (status == VG_OK) {
        status = limits_each(txn, know_limits, roster);
    }
    if (status == VG_OK) {
        status = rules_each(txn, know_rules, roster);
    }
    if (status != VG_OK) {
        roster_free(&roster);
        return status;
    }
    roster_free(&applier->roster);
    applier->roster = roster;
    return VG_OK;
}

void
applier_retire_catalogue(struct applier *applier)
{
    if (applier->catalogue == NULL) {
        return;
    }
    applier->retired =
        realloc(applier->retired, (applier->retired_len + 1) * sizeof *applier->retired);
    CHECK(applier->retired != NULL);
    applier->retired[applier->retired_len++] = applier->catalogue;
    applier->catalogue = NULL;
}

static enum vg_status
load_catalogue_in_force(struct applier *applier, struct txn *txn, struct why *why)
{
    struct catalogue_row row;
    struct buffer text = {0};
    struct faults faults = {0};
    enum vg_status status;

    if (applier->meta.catalogue == applier->catalogue_version) {
        return VG_OK;
    }
    if (applier->meta.catalogue == 0) { // the first one could not be kept
        applier_retire_catalogue(applier);
        applier->catalogue_version = 0;
        return VG_OK;
    }
    status = catalogue_get(txn, applier->meta.catalogue, &row, &text);
    if (status == VG_OK) {
        applier_retire_catalogue(applier);
        applier->catalogue = catalogue_parse((const char *)text.at, text.len, &faults);
        applier->catalogue_version = applier->meta.catalogue;
    }
    buffer_free(&text);
    if (status == VG_OK && applier->catalogue == NULL) {
        return fail(why, VG_BAD_CATALOGUE,
                    "catalogue version %llu in the store: line %u: %s",
                    (unsigned long long)applier->meta.catalogue, faults.fault[0].line,
                    faults.fault[0].why.text);
    }
    return status;
}

static enum vg_status
load_state(struct applier *applier, struct txn *txn, struct why *why)
{
    enum vg_status status = meta_get(txn, &applier->meta, why);

    if (status == VG_OK) {
        status = load_roster(applier, txn);
    }
    if (status == VG_OK) {
        status = merge_find_emptying(applier, txn);
    }
    if (status == VG_OK) {
        status = load_catalogue_in_force(applier, txn, why);
    }
    return status;
}

enum vg_status
applier_open(struct store *store, struct applier **ret_applier, struct why *why)
{
    struct applier *applier = xcalloc(1, sizeof *applier);
    struct txn *txn = NULL;
    enum vg_status status;

    applier->store = store;
    applier->grants = xcalloc(GRANTS_MAX, sizeof *applier->grants);
    applier->walking = xcalloc(WALK_MAX, sizeof *applier->walking);
    applier->walked = xcalloc(WALK_MAX, sizeof *applier->walked);
    status = store_read(store, &txn, why);
    if (status == VG_OK) {
        status = load_state(applier, txn, why);
    }
    store_abort(&txn);
    if (status != VG_OK) {
        applier_close(&applier);
        return status;
    }
    applier->found_commit = applier->meta.last_commit;
    *ret_applier = applier;
    return VG_OK;
}

void
applier_close(struct applier **applier)
{
    if (*applier == NULL) {
        return;
    }

    store_abort(&(*applier)->txn);
    roster_free(&(*applier)->roster);
    catalogue_free(&(*applier)->catalogue);
    for (size_t i = 0; i < (*applier)->retired_len; i++) {
        catalogue_free(&(*applier)->retired[i]);
    }
    free((*applier)->retired);
    free((*applier)->boxes[0].box);
    free((*applier)->boxes[1].box);
    free((*applier)->heard);
    free((*applier)->ends);
    free((*applier)->cancels);
    free((*applier)->dirty);
    free((*applier)->grants);
    free((*applier)->emptying);
    free((*applier)->walking);
    free((*applier)->walked);
    buffer_free(&(*applier)->bodies.block);
    buffer_free(&(*applier)->record);
    buffer_free(&(*applier)->owed);
    free(*applier);
    *applier = NULL;
}

struct roster *
applier_roster(const struct applier *applier)
{
    return roster_copy(applier->roster);
}

const struct catalogue *
applier_catalogue(const struct applier *applier)
{
    return applier->catalogue;
}

enum vg_status
applier_put_person(struct applier *applier, struct niss niss, size_t before,
                   const struct integration *integrations, size_t len)
{
    applier->meta.integrations += len;
    applier->meta.integrations -= before;
    applier->meta.persons += len > 0;
    applier->meta.persons -= before > 0;
    applier->changed = true;
    return person_put(applier->txn, niss, integrations, len);
}

// ---- one batch, one transaction ----

typedef enum vg_status (*step_fn)(struct applier *applier, struct command *command);

static const step_fn steps[] = {
    [COMMAND_PUBLISH] = publish_mutations,
    [COMMAND_LAST_NUMBER] = tell_last_number,
    [COMMAND_ACKNOWLEDGE] = acknowledge_letters,
    [COMMAND_REFUSE] = refuse_letter,
    [COMMAND_DEFER] = defer_letters,
    [COMMAND_ADVANCE] = advance_letters,
    [COMMAND_RETRY_PARKED] = retry_parked,
    [COMMAND_DROP_PARKED] = drop_parked,
    [COMMAND_INTEGRATE] = integrate_persons,
    [COMMAND_REMOVE] = remove_integration,
    [COMMAND_CONSULT] = consult_person,
    [COMMAND_HISTORY] = tell_history,
    [COMMAND_ADD_MAILBOX] = add_mailbox,
    [COMMAND_SET_LIMITS] = set_limits,
    [COMMAND_SET_RULES] = set_rules,
    [COMMAND_ADD_INSTITUTION] = add_institution,
    [COMMAND_ADD_KEY] = add_key,
    [COMMAND_REVOKE_KEY] = revoke_key,
    [COMMAND_LOAD_CATALOGUE] = load_catalogue,
    [COMMAND_FOLD] = fold_letters,
    [COMMAND_EXPIRE] = expire_old,
    [COMMAND_LOAD_PERSONS] = load_persons,
    [COMMAND_REWIND] = note_rewind,
    [COMMAND_KNEW] = note_question,
    [COMMAND_LAPSE] = tell_lapses,
    [COMMAND_MERGE] = plan_merger,
    [COMMAND_MOVE_LETTERS] = move_letters,
    [COMMAND_ANCHOR] = keep_anchor,
    [COMMAND_LIST] = note_list,
    [COMMAND_WITHDRAW] = withdraw_letters,
};

// What a batch that was given up has said is not to be believed.
static void
forget_results(struct batch *batch)
{
    batch->posted_len = 0;
    batch->unwanted_len = 0;
    batch->pairs_len = 0;
    batch->held_len = 0;
    batch->fills_len = 0;
    batch->commit = 0;
    batch->folded = false;
    batch->keys_changed = false;
    batch->catalogue = NULL;
    memset(&batch->count, 0, sizeof batch->count);
    memset(batch->flows, 0, sizeof batch->flows);
    for (struct command *command = batch->first; command != NULL;
         command = command->next) {
        command_forget_answer(command);
    }
}

static void
begin_batch(struct applier *applier, struct batch *batch)
{
    struct meta *meta = &applier->meta;

    applier->batch = batch;
    applier->heard_len = 0;
    applier->ends_len = 0;
    applier->cancels_len = 0;
    applier->now = batch->time;
    if (applier->now.us < meta->last_time_us) {
        applier->now.us = meta->last_time_us;
    }
    applier->today = day_in_brussels(applier->now);
    applier->changed = false;
    applier->by_rows = false;
    applier->meta_told = false;
    applier->was = *meta;
    applier->roster_changed = false;
    applier->bodies.next = meta->last_block + 1;
    applier->bodies.bytes = 0;
    buffer_clear(&applier->bodies.block);
    journal_begin(&applier->record, meta->last_commit + 1, batch->id, applier->now.us,
                  &meta->last_hash);
    applier->record_empty = applier->record.len;
}

// Events tell how far numbers, blocks and time have come; anything else is told as a row.
static bool
must_tell_meta(const struct applier *applier)
{
    struct meta told = applier->was;

    told.last_sequence = applier->meta.last_sequence;
    told.last_block = applier->meta.last_block;
    told.last_commit = applier->meta.last_commit;
    told.last_batch = applier->meta.last_batch;
    told.last_time_us = applier->meta.last_time_us;
    return applier->meta_told || memcmp(&told, &applier->meta, sizeof told) != 0;
}

static void
note_fills(struct applier *applier)
{
    struct batch *batch = applier->batch;

    if (batch->fills_size < applier->dirty_len) {
        batch->fills_size = applier->dirty_len;
        batch->fills = realloc(batch->fills, batch->fills_size * sizeof *batch->fills);
        CHECK(batch->fills != NULL);
    }
    for (size_t i = 0; i < applier->dirty_len; i++) {
        const struct mailbox_row *row = &box_of(applier, applier->dirty[i])->row;

        batch->fills[i] = (struct mailbox_fill){applier->dirty[i], mailbox_waiting(row),
                                                mailbox_bytes_waiting(row)};
    }
    batch->fills_len = applier->dirty_len;
}

static enum vg_status
finish_batch(struct applier *applier, struct why *why)
{
    struct meta *meta = &applier->meta;
    struct batch *batch = applier->batch;
    enum vg_status status;

    if (!applier->changed && applier->record.len == applier->record_empty) {
        store_abort(&applier->txn); // nothing to make last
        clean_boxes(applier);
        return VG_OK;
    }
    note_fills(applier);
    status = bodies_flush(applier->txn, &applier->bodies, meta);
    if (status == VG_OK) {
        status = applier_put_boxes(applier);
    }
    if (status == VG_OK) {
        status = applier_put_heard(applier);
    }
    if (status == VG_OK) {
        meta->last_commit++;
        meta->last_batch = batch->id;
        meta->last_time_us = applier->now.us;
        if (must_tell_meta(applier)) {
            journal_meta(&applier->record, meta);
        }
        status = journal_append(applier->txn, &applier->record, meta->last_commit,
                                &meta->last_hash);
    }
    if (status == VG_OK) {
        status = meta_put(applier->txn, meta);
    }
    if (status != VG_OK) {
        return status;
    }
    status = store_commit(&applier->txn, why);
    if (status == VG_OK) {
        batch->count.bytes_written = applier->bodies.bytes + applier->record.len;
        batch->commit = meta->last_commit;
    }
    return status;
}

// What these do is told by the journal's items; what others do to mailboxes and meta, by
// rows.
static void
choose_telling(struct applier *applier, enum command_kind kind)
{
    bool told = kind == COMMAND_PUBLISH || kind == COMMAND_LAST_NUMBER ||
                kind == COMMAND_ACKNOWLEDGE || kind == COMMAND_LAPSE;

    applier->by_rows = !told && kind != COMMAND_FOLD && kind != COMMAND_EXPIRE;
    applier->meta_told = applier->meta_told || !told;
}

// What looks back at earlier commits goes first: with nothing of this batch before it, a
// mailbox that is emptied can be found empty however much is published, and whoever catches
// up misses nothing that is about to be.
static bool
goes_first(const struct batch *batch, const struct command *command)
{
    return (batch->moves &&
            (command->kind == COMMAND_FOLD || command->kind == COMMAND_MOVE_LETTERS)) ||
           (command->kind == COMMAND_INTEGRATE && command->integrate.catch_ups != NULL);
}

static enum vg_status
apply_commands(struct applier *applier, struct batch *batch, bool first)
{
    enum vg_status status = VG_OK;

    for (struct command *command = batch->first; status == VG_OK && command != NULL;
         command = command->next) {
        if (goes_first(batch, command) == first) {
            choose_telling(applier, command->kind);
            status = steps[command->kind](applier, command);
        }
    }
    return status;
}

static enum vg_status
try_batch(struct applier *applier, struct batch *batch, struct why *why)
{
    enum vg_status status = store_write(applier->store, &applier->txn, why);

    forget_results(batch);
    begin_batch(applier, batch);
    if (status == VG_OK) {
        status = merge_what_is_due(applier);
    }
    if (status == VG_OK) {
        status = apply_commands(applier, batch, true);
    }
    if (status == VG_OK) {
        status = apply_commands(applier, batch, false);
    }
    if (status == VG_OK) {
        status = finish_batch(applier, why);
    }
    if (status == VG_OK && applier->roster_changed) {
        batch->roster = roster_copy(applier->roster);
    }
    return status;
}

// After a batch that was given up, memory must say what the disk says.
static enum vg_status
go_back(struct applier *applier, struct batch *batch, struct why *why)
{
    struct txn *txn = NULL;
    enum vg_status status;

    store_abort(&applier->txn);
    forget_boxes(applier);
    forget_results(batch);
    status = store_read(applier->store, &txn, why);
    if (status == VG_OK) {
        status = load_state(applier, txn, why);
    }
    store_abort(&txn);
    return status;
}

// Nothing of the batch was done, and each is told so.
static enum vg_status
refuse_all(struct applier *applier, struct batch *batch, struct why *why)
{
    enum vg_status status = store_read(applier->store, &applier->txn, why);

    for (struct command *command = batch->first; status == VG_OK && command != NULL;
         command = command->next) {
        if (command->kind == COMMAND_LAST_NUMBER) {
            status = tell_last_number(applier, command); // it only reads
            continue;
        }
        refuse(command, VG_STORE_FULL, "the store has no room even to acknowledge");
        if (command->kind == COMMAND_PUBLISH) {
            status = publish_stands(applier, command);
        }
    }
    store_abort(&applier->txn);
    return status;
}

enum vg_status
apply_batch(struct applier *applier, struct batch *batch, struct why *why)
{
    enum vg_status status;

    applier->tight = false;
    status = try_batch(applier, batch, why);
    if (status == VG_STORE_FULL) {
        // Acknowledging must go on when publishing cannot.
        batch->no_room = true;
        applier->tight = true;
        status = go_back(applier, batch, why);
        if (status == VG_OK) {
            status = try_batch(applier, batch, why);
        }
    }
    if (status == VG_STORE_FULL) {
        status = go_back(applier, batch, why);
        return status == VG_OK ? refuse_all(applier, batch, why) : status;
    }
    if (status != VG_OK) {
        forget_results(batch); // nobody may be answered by mistake
    }
    return status;
}
