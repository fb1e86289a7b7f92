// SPDX-License-Identifier: EUPL-1.2
// explain_past.c - a ticket explained: then, by the journal; now, by the rules; and the
// difference; or what else the ticket is.
#include "flow/explain_telling.h"

#include "store/journal_find.h"

static const char *
act_words(uint16_t act)
{
    switch (act) {
    case ACT_INTEGRATE:
        return "an integration";
    case ACT_REMOVE:
        return "the end of an integration";
    case ACT_CONSULT:
        return "who follows a person";
    case ACT_HISTORY:
        return "the numbers a person had";
    default:
        return "something about a person";
    }
}

static void
print_directory(const struct telling *telling, const struct journal_directory *directory)
{
    char masked[NISS_MASK_LEN];

    niss_mask((struct niss){directory->niss}, masked);
    buffer_print(telling->text, "ticket %llu is no mutation: %s asked for %s, %s",
                 (unsigned long long)directory->ticket,
                 telling_code(telling, directory->actor), act_words(directory->act),
                 masked);
    if (directory->act == ACT_INTEGRATE || directory->act == ACT_REMOVE) {
        buffer_print(telling->text, " followed by %s in quality %03u, %s",
                     telling_code(telling, directory->institution),
                     (unsigned)directory->quality,
                     words_of_period(directory->begin, directory->end).text);
    }
    buffer_print(telling->text, ": %s\n",
                 directory->status == VG_OK
                     ? "done"
                     : vg_status_name((enum vg_status)directory->status));
}

static void
print_other(const struct telling *telling)
{
    struct journal_item item;
    struct journal_directory directory;
    struct journal_admin admin;
    size_t offset = 0;

    while (journal_next(&telling->record, &offset, &item)) {
        if (journal_item_ticket(&item) != telling->question->ticket) {
            continue;
        }
        if (item.kind == JOURNAL_DIRECTORY &&
            journal_item_as(&item, &directory, sizeof directory)) {
            print_directory(telling, &directory);
            return;
        }
        if (item.kind == JOURNAL_ADMIN && journal_item_as(&item, &admin, sizeof admin)) {
            buffer_print(telling->text,
                         "ticket %llu is no mutation: an act of administration\n",
                         (unsigned long long)admin.ticket);
            return;
        }
    }
    buffer_print(telling->text, "ticket %llu is no mutation: a request of another kind\n",
                 (unsigned long long)telling->question->ticket);
}

static bool
find_event(struct telling *telling)
{
    struct past *past = &telling->past;
    size_t offset = 0;

    do {
        buffer_clear(&telling->recipients);
        if (!past_next(&telling->record, &offset, past, &telling->recipients)) {
            return false;
        }
    } while (past->event.ticket != telling->question->ticket);
    past->recipients = (const struct journal_recipient *)(void *)telling->recipients.at;
    return true;
}

static void
read_catalogue(struct telling *telling)
{
    struct catalogue_row row;
    struct buffer text = {0};
    struct faults faults = {0};

    if (catalogue_get(telling->txn, telling->past.event.catalogue, &row, &text) ==
        VG_OK) {
        telling->then = catalogue_parse((const char *)text.at, text.len, &faults);
    }
    buffer_free(&text);
}

static enum vg_status
tell(struct telling *telling, struct why *why)
{
    const struct catalogue *naming;
    bool asked = false;
    enum vg_status status;

    if (!find_event(telling)) {
        print_other(telling);
        return VG_OK;
    }
    read_catalogue(telling);
    naming = telling->then != NULL ? telling->then : telling->question->catalogue;
    if (naming == NULL) {
        return fail(why, VG_NOT_FOUND, "no catalogue is loaded yet");
    }
    if (telling->past.event.again != AGAIN_NOT) {
        telling_again(telling);
        return VG_OK;
    }
    past_read(telling->txn, naming, &telling->past);
    telling_then(telling);
    status = telling_now(telling, &asked, why);
    if (status == VG_OK && asked) {
        telling_difference(telling);
    }
    return status;
}

enum vg_status
explain_ticket(struct txn *txn, const struct explain_past *question, struct buffer *text,
               struct why *why)
{
    struct telling telling = {.txn = txn, .question = question, .text = text};
    uint64_t commit = 0;
    struct meta meta;
    enum vg_status status = meta_get(txn, &meta, why);

    if (status == VG_OK) {
        status = journal_find_commit(txn, &meta, question->ticket, &commit, why);
    }
    if (status == VG_OK) {
        status = journal_read(txn, commit, &telling.record, &telling.head, why);
    }
    if (status == VG_OK) {
        status = tell(&telling, why);
    }
    match_letters_free(&telling.now);
    catalogue_free(&telling.then);
    buffer_free(&telling.recipients);
    buffer_free(&telling.record);
    return status;
}

enum vg_status
explain_refused(struct txn *txn, const struct institution *source, uint32_t producer,
                uint64_t number, struct buffer *text, struct why *why)
{
    struct institution_id id = {source->id};
    struct producer_row row = {0};
    struct why refusal = {0};
    enum vg_status outcome = VG_OK;
    enum vg_status status = refusal_get(txn, id, producer, number, &outcome, &refusal);

    if (status == VG_OK) {
        buffer_print(text,
                     "number %llu of %s, producer %u, was refused: %s (%d): %s\n"
                     "It has no ticket, nobody got it, and its content was not kept.\n",
                     (unsigned long long)number, source->code, (unsigned)producer,
                     vg_status_name(outcome), (int)outcome, refusal.text);
        return VG_OK;
    }
    if (status == VG_NOT_FOUND) {
        status = producer_get(txn, id, producer, &row);
    }
    if (status != VG_OK) {
        return fail(why, status, "the refusals cannot be read");
    }
    if (number == 0 || number > row.last_number) {
        return fail(why, VG_NOT_FOUND,
                    "number %llu of %s, producer %u, never came: the last is %llu",
                    (unsigned long long)number, source->code, (unsigned)producer,
                    (unsigned long long)row.last_number);
    }
    buffer_print(text,
                 "number %llu of %s, producer %u, was accepted: ask by the ticket that "
                 "its source was told\n",
                 (unsigned long long)number, source->code, (unsigned)producer);
    return VG_OK;
}
