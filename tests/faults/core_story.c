// SPDX-License-Identifier: EUPL-1.2
#include "core_story.h"

#include "core_backup.h"
#include "flow/refuse.h"

enum {
    PERSON = 1,
    FRAMES = 4, // of FRAME_LEN mutations each
    FRAME_LEN = 3,
    LETTERS = FRAMES * FRAME_LEN,
    REFUSED = 3, // the second mailbox's letter that is not taken
    TAKEN = 4,   // the one that waited behind it
    REPLAY_DAYS = 7,
    MONTHS = 24,
    AGAIN_MAX = 3,
};

static const int64_t years_us = INT64_C(3) * 366 * 24 * 3600 * 1000000;

// Out of memory in LMDB is "full" to the store: whoever is told so repeats.
static bool
was_full(const struct flow_fixture *f)
{
    bool full = false;

    for (const struct command *command = f->done == NULL ? NULL : f->done->first;
         command != NULL; command = command->next) {
        full |= command->status == VG_STORE_FULL;
    }
    return full;
}

static bool
apply(struct flow_fixture *f)
{
    enum vg_status status = flow_try(f);

    if (status != VG_OK) {
        fprintf(stderr, "batch: %s: %s\n", vg_status_name(status), f->why.text);
    }
    return status == VG_OK;
}

static bool
open_all(struct flow_fixture *f)
{
    struct store_options options = {
        .path = f->path, .map_bytes = 256 << 20, .create = true};
    enum vg_status status = store_open(&options, &f->store, &f->why);

    if (status == VG_OK) {
        status = applier_open(f->store, &f->applier, &f->why);
    }
    if (status != VG_OK) {
        fprintf(stderr, "open: %s: %s\n", vg_status_name(status), f->why.text);
    }
    return status == VG_OK;
}

// ---- steps: false when the process must end ----

struct play {
    struct flow_fixture *f;
    const struct buffer *catalogue;
    struct story_notes *notes;
    uint64_t at; // a number that the step is about
};

typedef bool (*step_fn)(struct play *play);

static bool
begin(struct play *play)
{
    return open_all(play->f);
}

static bool
furnish(struct play *play)
{
    struct flow_fixture *f = play->f;

    (void)flow_load_catalogue(f, (const char *)play->catalogue->at, play->catalogue->len);
    for (uint32_t i = 1; i < INSTITUTIONS; i++) {
        flow_add_institution(f, flow_institutions[i].code, flow_institutions[i].sector);
    }
    return apply(f);
}

static bool
follow(struct play *play)
{
    struct flow_fixture *f = play->f;
    struct niss niss = flow_person(PERSON);
    struct command *a = flow_integrate(f, CPAS_A, niss, 2, 20261101, 0);
    struct command *b = flow_integrate(f, CPAS_B, niss, 30, 20261101, 0);

    if (!apply(f)) {
        return false;
    }
    play->notes->followed |= a->status == VG_OK && b->status == VG_OK;
    return true;
}

static bool
publish(struct play *play)
{
    struct hot_mutation mutations[FRAME_LEN];
    char ids[FRAME_LEN][24];
    struct command *command;

    for (size_t i = 0; i < FRAME_LEN; i++) {
        mutations[i] = flow_address(PERSON);
        snprintf(ids[i], sizeof ids[i], "m-%llu", (unsigned long long)(play->at + i));
        mutations[i].id = flow_words(ids[i]);
    }
    command = flow_publish(play->f, RN, 1, play->at, mutations, FRAME_LEN);
    if (!apply(play->f)) {
        return false;
    }
    if (command->status == VG_OK && command->publish.through > play->notes->published) {
        play->notes->published = command->publish.through;
    }
    return true;
}

// As a session would know it that was sent everything. Gives false when reading failed;
// a letter with the number 0 when there is none from there on.
static bool
read_letter(struct flow_fixture *f, uint32_t mailbox, uint64_t from,
            struct letter_about *ret_letter)
{
    struct txn *txn = NULL;
    struct tails *tails = NULL;
    size_t len = 0;
    enum vg_status status = store_read(f->store, &txn, &f->why);

    *ret_letter = (struct letter_about){.subject = 0};
    if (status == VG_OK) {
        status = tails_open(txn, &tails, &f->why);
    }
    if (status == VG_OK) {
        status = tails_letters(tails, txn, mailbox, from, &ret_letter->letter, 1, &len);
    }
    if (status == VG_OK && len > 0) {
        status = letter_subject(txn, &ret_letter->letter, &ret_letter->subject);
    }
    if (status == VG_NOT_FOUND) { // its body has gone, so nobody needs it
        ret_letter->letter.number = 0;
        status = VG_OK;
    }
    tails_free(&tails);
    store_abort(&txn);
    if (status != VG_OK) {
        fprintf(stderr, "read: %s\n", vg_status_name(status));
    }
    return status == VG_OK;
}

static bool
acknowledge(struct play *play)
{
    struct flow_fixture *f = play->f;
    struct letter_about about;
    struct command *command;

    if (!read_letter(f, CPAS_A, play->at, &about)) {
        return false;
    }
    if (about.letter.number != play->at) {
        return true; // it was refused a mutation before, or has this behind it
    }
    command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_A);
    command->acknowledge.mailbox = CPAS_A;
    command->acknowledge.through = about.letter.number;
    command->acknowledge.through_bytes = about.letter.bytes_through;
    if (!apply(f)) {
        return false;
    }
    if (command->status == VG_OK && about.letter.number > play->notes->acknowledged) {
        play->notes->acknowledged = about.letter.number;
    }
    return true;
}

static bool
fold(struct play *play)
{
    (void)flow_command(play->f, COMMAND_FOLD, 0);
    return apply(play->f);
}

static bool
restart(struct play *play)
{
    batch_free(&play->f->done);
    flow_close_store(play->f);
    return open_all(play->f);
}

static void
give_reason(struct command *command, struct bytes *ret_reason)
{
    static const char words[] = "the dossier is locked";

    buffer_add(&command->frame, words, sizeof words - 1);
    *ret_reason = (struct bytes){command->frame.at, command->frame.len};
}

// With those after it, which were in flight; at: 1 when it is to be parked at once.
static bool
refuse_it(struct play *play)
{
    struct flow_fixture *f = play->f;
    struct letter_about refused, later[FRAME_LEN];
    struct command *command;
    struct refuse_command *refuse;

    if (!read_letter(f, CPAS_B, REFUSED, &refused)) {
        return false;
    }
    for (size_t i = 0; i < FRAME_LEN; i++) {
        if (!read_letter(f, CPAS_B, TAKEN + i, &later[i])) {
            return false;
        }
    }
    if (refused.letter.number != REFUSED || later[FRAME_LEN - 1].letter.number == 0) {
        return true; // without its mutations, or done with
    }
    command = flow_command(f, COMMAND_REFUSE, CPAS_B);
    refuse = &command->refuse;
    refuse->mailbox = CPAS_B;
    refuse->refused = refused;
    refuse->later = xcalloc(FRAME_LEN, sizeof *refuse->later);
    memcpy(refuse->later, later, sizeof later);
    refuse->later_len = FRAME_LEN;
    refuse->park = play->at == 1;
    give_reason(command, &refuse->reason);
    if (!apply(f)) {
        return false;
    }
    if (command->status == VG_OK && refuse->state != HELD_GONE) {
        play->notes->refusals = refuse->attempts;
        play->notes->parked = refuse->state == HELD_PARKED;
    }
    return true;
}

// at: the kind of command.
static bool
handle_parked(struct play *play)
{
    struct flow_fixture *f = play->f;
    enum command_kind kind = (enum command_kind)play->at;
    struct command *command = flow_command(f, kind, CPAS_B);
    struct parked_command *parked = &command->parked;

    parked->mailbox = CPAS_B;
    parked->numbers = xcalloc(1, sizeof *parked->numbers);
    parked->numbers[0] = REFUSED;
    parked->numbers_len = 1;
    give_reason(command, &parked->reason);
    if (!apply(f)) {
        return false;
    }
    if (command->status == VG_OK) {
        play->notes->parked = false;
        play->notes->dropped |= kind == COMMAND_DROP_PARKED;
    }
    return true;
}

// The one whose turn came when the refused one was parked.
static bool
take_held(struct play *play)
{
    struct flow_fixture *f = play->f;
    struct letter_about taken;
    struct command *command;
    struct acknowledge_command *acknowledge;

    if (!read_letter(f, CPAS_B, TAKEN, &taken)) {
        return false;
    }
    if (taken.letter.number != TAKEN) {
        return true;
    }
    command = flow_command(f, COMMAND_ACKNOWLEDGE, CPAS_B);
    acknowledge = &command->acknowledge;
    acknowledge->mailbox = CPAS_B;
    acknowledge->singles = xcalloc(1, sizeof *acknowledge->singles);
    acknowledge->singles_len = 1;
    acknowledge->singles[0] = (struct acknowledge_single){
        taken.letter.number, taken.letter.bytes_through, taken.letter.size};
    return apply(f);
}

// Beside a broker it is a process of its own; here the store is closed meanwhile.
static bool
back_up(struct play *play)
{
    batch_free(&play->f->done);
    flow_close_store(play->f);
    play->notes->backup = core_backup_make(play->f);
    play->notes->backup_failed = play->notes->backup == 0;
    return open_all(play->f);
}

// Years later: bodies and records go, a slice after the other, and what waits is moved.
static bool
expire(struct play *play)
{
    struct flow_fixture *f = play->f;
    struct expire_command *slice;

    f->now_us += years_us;
    do {
        struct txn *txn = NULL;
        struct meta meta = {0};
        enum vg_status status = store_read(f->store, &txn, &f->why);

        if (status == VG_OK) {
            status = meta_get(txn, &meta, &f->why);
        }
        store_abort(&txn);
        if (status != VG_OK) {
            fprintf(stderr, "meta: %s\n", vg_status_name(status));
            return false;
        }
        slice = &flow_command(f, COMMAND_EXPIRE, 0)->expire;
        slice->replay_days = REPLAY_DAYS;
        slice->journal_months = MONTHS;
        slice->folded_commit = meta.folded_commit;
        slice->exported_commit = UINT64_MAX;
        if (!apply(f)) {
            return false;
        }
        play->notes->expired |= slice->trimmed > 0;
    } while (slice->more && !was_full(f));
    return true;
}

static bool
is_sound(struct flow_fixture *f)
{
    struct store_room room;
    struct check_report report = {.commits = 0};
    enum vg_status status = store_room(f->store, &room);

    if (status == VG_OK) {
        status = store_check(f->store, &report, NULL, NULL, &f->why);
    }
    if (status != VG_OK || report.faults.total > 0) {
        fprintf(stderr, "check: %s\n",
                status != VG_OK ? vg_status_name(status)
                                : report.faults.fault[0].why.text);
    }
    return status == VG_OK && report.faults.total == 0;
}

static bool
look(struct play *play)
{
    return is_sound(play->f);
}

// A refusal for want of room is repeated as it stands.
bool
story_play(struct flow_fixture *f, const struct buffer *catalogue,
           struct story_notes *notes)
{
    static const struct {
        step_fn step;
        uint64_t at;
    } steps[] = {
        {begin, 0},       {furnish, 0},
        {follow, 0},      {publish, 1},
        {publish, 4},     {acknowledge, 2},
        {refuse_it, 0},   {fold, 0},
        {refuse_it, 1},   {handle_parked, COMMAND_RETRY_PARKED},
        {publish, 7},     {restart, 0},
        {acknowledge, 5}, {refuse_it, 1},
        {take_held, 0},   {handle_parked, COMMAND_DROP_PARKED},
        {publish, 10},    {back_up, 0},
        {fold, 0},        {expire, 0},
        {restart, 0},     {look, 0},
    };
    struct play play = {.f = f, .catalogue = catalogue, .notes = notes};
    int again = AGAIN_MAX;

    for (size_t i = 0; i < ARRAY_LEN(steps);) {
        play.at = steps[i].at;
        if (!steps[i].step(&play)) {
            return false;
        }
        if (!was_full(f) || again-- == 0) {
            i++;
        }
    }
    return true;
}

// ---- what was answered ----

static const char *
what_is_lost_of_the_refused(struct flow_fixture *f, const struct story_notes *notes)
{
    struct held_row held = {.head = {.state = HELD_GONE}};
    enum vg_status status =
        held_get(flow_view(f), (struct mailbox_id){CPAS_B}, REFUSED, &held);

    if (notes->dropped) {
        return status == VG_NOT_FOUND ? NULL : "what was dropped is there again";
    }
    if (notes->refusals > 0 && status == VG_OK) {
        return held.head.attempts < notes->refusals ? "a refusal is lost"
               : notes->parked && held.head.state != HELD_PARKED
                   ? "what was parked is not"
                   : NULL;
    }
    return notes->refusals > 0 ? "a refused letter is not held" : NULL;
}

// It is there whole, or not at all.
static const char *
what_is_wrong_with_the_backup(struct flow_fixture *f, const struct story_notes *notes)
{
    uint64_t commit = core_backup_commit(f);

    return notes->backup != 0 && commit != notes->backup ? "the backup is not whole"
           : notes->backup_failed && commit != 0 ? "a backup that failed looks whole"
                                                 : NULL;
}

const char *
story_what_is_lost(struct flow_fixture *f, const struct story_notes *notes)
{
    struct producer_row producer = {0};
    struct mailbox_row row = {0};
    struct txn *txn;
    const char *wrong;
    bool there;

    if (notes->published == 0) {
        return NULL;
    }
    if (!open_all(f)) {
        return "the store does not open again";
    }
    txn = flow_view(f);
    there = producer_get(txn, (struct institution_id){RN}, 1, &producer) == VG_OK &&
            mailbox_get(txn, (struct mailbox_id){CPAS_A}, &row) == VG_OK;
    if (!there || producer.last_number < notes->published) {
        return "an answered mutation is lost";
    }
    if (notes->followed && row.last < notes->published) {
        return "an answered mutation is not in its mailbox";
    }
    if (row.acknowledged < notes->acknowledged) {
        return "an acknowledgement is lost";
    }
    if (notes->expired && flow_meta(f).first_commit < 2) {
        return "what had gone is there again";
    }
    wrong = what_is_wrong_with_the_backup(f, notes);
    return wrong != NULL ? wrong : what_is_lost_of_the_refused(f, notes);
}

// ---- the whole of it ----

static const char *
what_is_wrong_with(struct flow_fixture *f, const struct letter *letter, uint64_t number)
{
    struct hot_content content = flow_content(f, letter);
    char id[24];

    snprintf(id, sizeof id, "m-%llu", (unsigned long long)number);
    return letter->number != number || content.mutation.id.len != strlen(id) ||
                   memcmp(content.mutation.id.at, id, content.mutation.id.len) != 0
               ? "the letters are not in order"
               : NULL;
}

// The refused one is dropped, the one behind it taken; the next has its turn.
static const char *
what_is_wrong_with_the_held(struct flow_fixture *f)
{
    static const enum held_state expected[] = {HELD_GONE, HELD_GONE, HELD_RETRY,
                                               HELD_BEHIND};
    const char *wrong = NULL;

    for (uint64_t i = 0; wrong == NULL && i < ARRAY_LEN(expected); i++) {
        struct held_row held = {.head = {.state = HELD_GONE}};
        enum vg_status status =
            held_get(flow_view(f), (struct mailbox_id){CPAS_B}, REFUSED + i, &held);

        if ((status != VG_OK && status != VG_NOT_FOUND) ||
            held.head.state != expected[i]) {
            wrong = "a letter is not held as it must be";
        } else if (status == VG_OK) {
            wrong = what_is_wrong_with(f, &held.head.letter, REFUSED + i);
        }
    }
    return wrong;
}

const char *
story_what_is_wrong(struct flow_fixture *f)
{
    struct letter letters[LETTERS + 1];
    const char *wrong;
    uint64_t first;
    size_t len;

    if (!open_all(f) || !is_sound(f)) {
        return "the store is not sound";
    }
    first = flow_row(f, CPAS_A).acknowledged + 1;
    len = flow_letters(f, CPAS_A, first, letters, LETTERS + 1);
    if (flow_producer(f, RN, 1).last_number != LETTERS || first > 6 ||
        len != LETTERS + 1 - first || flow_row(f, CPAS_B).last != LETTERS) {
        return "not every mutation is there once";
    }
    wrong = core_backup_commit(f) == 0 ? "there is no backup"
                                       : what_is_wrong_with_the_held(f);
    for (size_t i = 0; wrong == NULL && i < len; i++) {
        wrong = what_is_wrong_with(f, &letters[i], first + i);
    }
    return wrong;
}
