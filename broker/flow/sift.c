// SPDX-License-Identifier: EUPL-1.2
#include "flow/sift.h"

#include "flow/refuse.h"
#include "flow/repeats.h"
#include "store/bodies.h"
#include "store/held.h"

#include <stdlib.h>

enum { LETTERS_AT_ONCE = 256 };

// A letter that waits.
struct waiting {
    struct letter letter;
    uint64_t subject;
    uint8_t urgency;
    uint8_t comes; // chosen: with the urgency of the one that it makes way for; 0: not
};

struct sifting {
    const struct sift_question *question;
    struct waiting *at;
    struct repeat *repeats; // of each; NULL: each comes
    size_t len;
    bool any; // is urgent
};

unsigned
sift_urgency(const struct catalogue *catalogue, const struct hot_content *content)
{
    const struct hot_mutation *mutation = &content->mutation;
    const struct flow *flow =
        catalogue_flow(catalogue, (struct bytes){mutation->flow.at, mutation->flow.len});
    unsigned urgency = flow == NULL ? 0 : flow->urgency;

    for (uint32_t i = 0; i < mutation->fields_len; i++) {
        struct hot_bytes code = mutation->fields[i].code;
        int index = catalogue_field(catalogue, (struct bytes){code.at, code.len});
        const struct field_rule *rule =
            index < 0 ? NULL : catalogue_field_rule(catalogue, index);

        if (rule != NULL && rule->urgency != 0 &&
            (urgency == 0 || rule->urgency < urgency)) {
            urgency = rule->urgency;
        }
    }
    return urgency;
}

// ---- what waits ----

static struct repeat
repeat_of(const struct sifting *sifting, const struct waiting *waiting,
          const struct hot_content *content)
{
    return (struct repeat){
        .number = waiting->letter.number,
        .subject = waiting->subject,
        .ticket = content->ticket,
        .says = repeats_says(sifting->question->catalogue, content),
        .occurred = content->mutation.occurred,
    };
}

// False: it is held back, and so is all after it.
static enum vg_status
look_at(struct sifting *sifting, const struct letter *letter, bool *ret_goes)
{
    const struct outflow_view *view = sifting->question->view;
    struct waiting *waiting = &sifting->at[sifting->len];
    struct hot_content content;
    struct bytes body;
    enum vg_status status = body_get(view->txn, letter->body, &body);

    *ret_goes = true;
    if (status != VG_OK) {
        return status;
    }
    *waiting = (struct waiting){.letter = *letter};
    if (hot_read_content((struct hot_bytes){body.at, body.len}, &content) != HOT_OK) {
        return VG_STORE_BROKEN;
    }
    if (view->hold_back_us != 0 && (int64_t)content.kept_at_us >= view->hold_back_us) {
        *ret_goes = false;
        return VG_OK;
    }
    if (sifting->question->urgent_first) {
        waiting->urgency = (uint8_t)sift_urgency(sifting->question->catalogue, &content);
        sifting->any |= waiting->urgency != 0;
    }
    status = letter_subject(view->txn, letter, &waiting->subject);
    if (sifting->repeats != NULL) {
        sifting->repeats[sifting->len] = repeat_of(sifting, waiting, &content);
    }
    sifting->len++;
    return status;
}

static enum vg_status
read_waiting(struct sifting *sifting, uint64_t *ret_through)
{
    const struct sift_question *question = sifting->question;
    struct letter letters[LETTERS_AT_ONCE];
    uint32_t mailbox = outflow_state(question->outflow).mailbox;
    enum vg_status status = VG_OK;
    bool goes = true;
    size_t len = 1;

    *ret_through = outflow_state(question->outflow).sent;
    while (status == VG_OK && goes && len > 0 &&
           sifting->len + LETTERS_AT_ONCE <= SIFT_LETTERS_MAX) {
        status = tails_letters(question->view->tails, question->view->txn, mailbox,
                               *ret_through + 1, letters, LETTERS_AT_ONCE, &len);
        for (size_t i = 0; status == VG_OK && goes && i < len; i++) {
            goes = true;
            if (!outflow_has_left(question->outflow, letters[i].number)) {
                status = look_at(sifting, &letters[i], &goes);
            }
            if (status == VG_OK && goes) {
                *ret_through = letters[i].number;
            }
        }
    }
    return status;
}

// ---- who comes first ----

// Something about him is on its way or held already: that order is not touched.
static bool
is_busy(const struct sift_question *question, const struct subjects *subjects)
{
    uint32_t mailbox = outflow_state(question->outflow).mailbox;

    for (size_t i = 0; i < subjects->len; i++) {
        if (outflow_flies(question->outflow, subjects->at[i]) ||
            (question->view->holds != NULL &&
             holds_about(question->view->holds, mailbox, subjects->at[i]))) {
            return true;
        }
    }
    return false;
}

// The urgent letter, and the earlier ones about its person: they make way by coming first.
// One that comes for two urgent ones comes for the more urgent.
static enum vg_status
choose(struct sifting *sifting, size_t urgent)
{
    uint8_t urgency = sifting->at[urgent].urgency;
    struct subjects subjects;
    enum vg_status status =
        subjects_of(sifting->question->view->txn, sifting->at[urgent].subject, &subjects);

    if (status != VG_OK || is_busy(sifting->question, &subjects)) {
        return status;
    }
    for (size_t i = 0; i <= urgent; i++) {
        struct waiting *waiting = &sifting->at[i];

        if (subjects_have(&subjects, waiting->subject) &&
            (waiting->comes == 0 || urgency < waiting->comes)) {
            waiting->comes = urgency;
        }
    }
    return VG_OK;
}

// ---- what is asked for ----

static bool
is_merged(const struct sifting *sifting, size_t i)
{
    return sifting->repeats != NULL && sifting->repeats[i].into != i;
}

static struct merged_letter
merged_letter(const struct sifting *sifting, size_t i)
{
    const struct repeat *into = &sifting->repeats[sifting->repeats[i].into];

    return (struct merged_letter){
        .about = {sifting->at[i].letter, sifting->at[i].subject},
        .ticket = sifting->repeats[i].ticket,
        .into_ticket = into->ticket,
        .into_number = into->number,
    };
}

// None waits behind one that is less urgent: their turn is the right order.
static bool
is_in_order(const struct sifting *sifting)
{
    uint8_t before = 1;

    for (size_t i = 0; i < sifting->len; i++) {
        uint8_t comes = sifting->at[i].comes;

        if (is_merged(sifting, i)) {
            continue;
        }
        if (comes != 0 && (before == 0 || comes < before)) {
            return false;
        }
        before = comes;
    }
    return true;
}

static struct command *
command_of(const struct sifting *sifting)
{
    struct command *command = command_new(COMMAND_ADVANCE, NULL, 0);
    struct advance_command *advance = &command->advance;

    advance->mailbox = outflow_state(sifting->question->outflow).mailbox;
    advance->merges = xcalloc(sifting->len + 1, sizeof *advance->merges);
    advance->letters = xcalloc(sifting->len + 1, sizeof *advance->letters);
    for (size_t i = 0; i < sifting->len; i++) {
        const struct waiting *waiting = &sifting->at[i];

        if (is_merged(sifting, i)) {
            advance->merges[advance->merges_len++] = merged_letter(sifting, i);
        } else if (waiting->comes != 0) {
            advance->letters[advance->letters_len++] = (struct advanced_letter){
                {waiting->letter, waiting->subject}, waiting->comes};
        }
    }
    if (is_in_order(sifting)) {
        advance->letters_len = 0;
    }
    if (advance->letters_len + advance->merges_len == 0) {
        command_free(&command);
    }
    return command;
}

enum vg_status
sift_letters(const struct sift_question *question, uint64_t *ret_through,
             struct command **ret_command)
{
    struct sifting sifting = {.question = question};
    enum vg_status status;

    *ret_command = NULL;
    sifting.at = xcalloc(SIFT_LETTERS_MAX, sizeof *sifting.at);
    if (question->merge_repeats) {
        sifting.repeats = xcalloc(SIFT_LETTERS_MAX, sizeof *sifting.repeats);
    }
    status = read_waiting(&sifting, ret_through);
    if (*ret_through > outflow_state(question->outflow).sent) {
        status = VG_OK; // what cannot be read comes later, and is found by who sends it
    }
    for (size_t i = 0; status == VG_OK && sifting.any && i < sifting.len; i++) {
        if (sifting.at[i].urgency != 0) {
            status = choose(&sifting, i);
        }
    }
    if (status == VG_OK && sifting.repeats != NULL) {
        status = repeats_find(question->view->txn, sifting.repeats, sifting.len);
    }
    if (status == VG_OK && (sifting.any || sifting.repeats != NULL)) {
        *ret_command = command_of(&sifting);
    }
    free(sifting.at);
    free(sifting.repeats);
    return status;
}

// ---- two persons who become one meanwhile ----

static enum vg_status
find_about(const struct outflow_view *view, const struct outflow *outflow,
           const struct subjects *subjects, uint64_t before, bool *ret_found)
{
    struct letter letters[LETTERS_AT_ONCE];
    uint32_t mailbox = outflow_state(outflow).mailbox;
    uint64_t next = outflow_state(outflow).sent + 1;
    enum vg_status status = VG_OK;
    size_t len = 1;

    while (status == VG_OK && len > 0 && next < before && !*ret_found) {
        status = tails_letters(view->tails, view->txn, mailbox, next, letters,
                               LETTERS_AT_ONCE, &len);
        for (size_t i = 0; status == VG_OK && i < len && !*ret_found; i++) {
            uint64_t subject = 0;

            next = letters[i].number + 1;
            if (letters[i].number < before &&
                !outflow_has_left(outflow, letters[i].number)) {
                status = letter_subject(view->txn, &letters[i], &subject);
                *ret_found = status == VG_OK && subjects_have(subjects, subject);
            }
        }
    }
    return status;
}

enum vg_status
sift_waits(const struct outflow_view *view, const struct outflow *outflow,
           const struct due_letter *letter, bool *ret_waits)
{
    uint32_t mailbox = outflow_state(outflow).mailbox;
    struct subjects subjects;
    enum vg_status status = subjects_of(view->txn, letter->subject, &subjects);

    *ret_waits = false;
    if (status != VG_OK || subjects.len == 1) {
        return status;
    }
    for (size_t i = 0; i < subjects.len; i++) { // as if held: its turn has come
        uint64_t first = holds_first(view->holds, mailbox, subjects.at[i]);

        *ret_waits |= first != 0 && first < letter->number;
    }
    return *ret_waits ? VG_OK
                      : find_about(view, outflow, &subjects, letter->number, ret_waits);
}
