// SPDX-License-Identifier: EUPL-1.2
// merge.c - an institution becomes part of another one: the plan, its day, and whose is from then
// on what it had.
#include "flow/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- the plan ----

static void
journal_merger(struct applier *applier, uint32_t actor, uint32_t institution,
               enum journal_admin_act act, const char *text)
{
    struct journal_admin item = {
        .ticket = applier_ticket(applier),
        .actor = actor,
        .object = institution,
        .act = (uint16_t)act,
        .text_len = (uint16_t)strlen(text),
    };

    journal_add(&applier->record, JOURNAL_ADMIN, &item, sizeof item, text, strlen(text));
}

static enum vg_status
put_institution(struct applier *applier, const struct institution *institution)
{
    roster_put(applier->roster, institution);
    applier->roster_changed = true;
    return institution_put(applier->txn, institution);
}

static bool
is_cancelled(const struct merge_command *merge)
{
    return merge->day.number == DAY_EVER.number;
}

static void
judge_day(const struct applier *applier, struct command *command)
{
    struct day day = command->merge.day;
    char text[DAY_TEXT_LEN], today[DAY_TEXT_LEN];

    day_print(day, text);
    day_print(applier->today, today);
    if (day.number < applier->today.number) {
        refuse(command, VG_BAD_DATE, "on: %s is over, today is %s", text, today);
    } else if (day.number > day_add_years(applier->today, MERGE_YEARS_MAX).number) {
        refuse(command, VG_TOO_FAR, "on: %s is over %d years away", text,
               MERGE_YEARS_MAX);
    }
}

static void
judge_one(const struct applier *applier, struct command *command, uint32_t id)
{
    const struct institution *from = roster_institution(applier->roster, id);
    const struct institution *into =
        roster_institution(applier->roster, command->merge.into);

    if (from == NULL) {
        refuse(command, VG_NOT_FOUND, "institution %u is not registered", id);
    } else if (institution_is_merged(from)) {
        merge_refuse(applier, command, id);
    } else if (is_cancelled(&command->merge) && from->merges_into == 0) {
        refuse(command, VG_NOT_FOUND, "no merger of %s is planned", from->code);
    } else if (into != NULL && from->id == into->id) {
        refuse(command, VG_MALFORMED, "%s cannot become part of itself", from->code);
    } else if (into != NULL && from->sector != into->sector) {
        refuse(command, VG_NOT_ALLOWED, "%s is of sector %u, %s of sector %u", from->code,
               (unsigned)from->sector, into->code, (unsigned)into->sector);
    }
}

static void
judge_plan(const struct applier *applier, struct command *command)
{
    const struct merge_command *merge = &command->merge;
    const struct institution *into = roster_institution(applier->roster, merge->into);

    if (!is_cancelled(merge) && into == NULL) {
        refuse(command, VG_NOT_FOUND, "institution %u is not registered", merge->into);
    } else if (!is_cancelled(merge) && into->merges_into != 0) {
        refuse(command, VG_NOT_ALLOWED,
               "into: %s is itself to become part of another one", into->code);
    }
    if (!is_cancelled(merge)) {
        judge_day(applier, command);
    }
    for (size_t i = 0; i < merge->from_len; i++) {
        judge_one(applier, command, merge->from[i]);
    }
}

static enum vg_status
plan_one(struct applier *applier, const struct command *command, uint32_t id)
{
    const struct merge_command *merge = &command->merge;
    struct institution institution = *roster_institution(applier->roster, id);
    const struct institution *into = roster_institution(applier->roster, merge->into);
    char text[INSTITUTION_CODE_LEN + DAY_TEXT_LEN + 8] = "never";
    char day[DAY_TEXT_LEN];

    institution.merges_into = is_cancelled(merge) ? 0 : merge->into;
    institution.merges_on = is_cancelled(merge) ? 0 : (uint16_t)merge->day.number;
    if (!is_cancelled(merge)) {
        day_print(merge->day, day);
        snprintf(text, sizeof text, "%s on %s", into->code, day);
    }
    journal_merger(applier, command->actor, id, ADMIN_MERGE, text);
    return put_institution(applier, &institution);
}

enum vg_status
plan_merger(struct applier *applier, struct command *command)
{
    const struct merge_command *merge = &command->merge;
    enum vg_status status = VG_OK;

    judge_plan(applier, command);
    for (size_t i = 0; status == VG_OK && command->status == VG_OK && i < merge->from_len;
         i++) {
        status = plan_one(applier, command, merge->from[i]);
    }
    command->ticket = applier->meta.last_sequence;
    return status;
}

// ---- on its day ----

static bool
name_is_taken(const struct roster *roster, uint32_t institution, const char *name)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    size_t len = roster_mailboxes(roster, institution, &mailboxes);

    for (size_t i = 0; i < len; i++) {
        if (strcmp(mailboxes[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum vg_status
put_spec(struct applier *applier, const struct mailbox_spec *spec)
{
    struct spec_row row = {
        .mailbox = spec->id,
        .institution = spec->institution,
        .choices_len = spec->choices_len,
    };

    memcpy(row.name, spec->name, sizeof row.name);
    for (size_t i = 0; i < spec->choices_len; i++) {
        row.choices[i] =
            (struct spec_choice){spec->choices[i].flow, {0}, spec->choices[i].qualities};
    }
    roster_put_mailbox(applier->roster, spec);
    return spec_put(applier->txn, &row);
}

// A name that its new owner has already gets the mailbox's number.
static enum vg_status
give_mailbox(struct applier *applier, const struct mailbox_spec *mailbox, uint32_t to)
{
    struct mailbox_spec spec = *mailbox;

    if (name_is_taken(applier->roster, to, spec.name)) {
        snprintf(spec.name, sizeof spec.name, "%.16s %u", mailbox->name, mailbox->id);
    }
    spec.institution = to;
    return put_spec(applier, &spec);
}

// The default one stays with the old institution, closed, until its letters have been moved.
static enum vg_status
give_mailboxes(struct applier *applier, uint32_t from, uint32_t to)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    enum vg_status status = VG_OK;

    while (status == VG_OK && roster_mailboxes(applier->roster, from, &mailboxes) > 1) {
        status = give_mailbox(applier, mailboxes[1], to);
    }
    return status;
}

static enum vg_status
carry_out(struct applier *applier, const struct institution *due)
{
    struct institution institution = *due;
    const struct institution *into;
    enum vg_status status;

    institution.merges_on = 0;
    into = roster_institution(applier->roster, institution.merges_into);
    CHECK(into != NULL);
    applier->meta_told = true;
    journal_merger(applier, 0, institution.id, ADMIN_MERGED, into->code);
    status = put_institution(applier, &institution);
    return status == VG_OK
               ? give_mailboxes(applier, institution.id,
                                roster_successor(applier->roster, institution.id))
               : status;
}

enum vg_status
merge_what_is_due(struct applier *applier)
{
    enum vg_status status = VG_OK;
    bool any = false;

    for (size_t i = 0; status == VG_OK && i < roster_len(applier->roster); i++) {
        const struct institution *institution = roster_at(applier->roster, i);

        if (institution->merges_on != 0 &&
            institution->merges_on <= applier->today.number) {
            status = carry_out(applier, institution);
            any = true;
        }
    }
    return status == VG_OK && any ? merge_find_emptying(applier, applier->txn) : status;
}

// ---- whose is it? ----

void
merge_refuse(const struct applier *applier, struct command *command, uint32_t institution)
{
    uint32_t now = roster_successor(applier->roster, institution);

    if (now != institution) {
        refuse(command, VG_MOVED, "%s is part of %s now",
               roster_institution(applier->roster, institution)->code,
               roster_institution(applier->roster, now)->code);
    }
}

void
merge_integrations(const struct roster *roster, struct integration *integrations,
                   size_t *len)
{
    bool any = false;

    for (size_t i = 0; i < *len; i++) {
        uint32_t now = roster_successor(roster, integrations[i].institution);

        any = any || now != integrations[i].institution;
        integrations[i].institution = now;
    }
    if (any) {
        directory_order(integrations, len);
    }
}

enum vg_status
merge_stored_integrations(struct txn *txn, struct integration *integrations, size_t *len)
{
    bool any = false;

    for (size_t i = 0; i < *len; i++) {
        struct institution institution;
        enum vg_status status;

        while ((status = institution_get(
                    txn, (struct institution_id){integrations[i].institution},
                    &institution)) == VG_OK &&
               institution_is_merged(&institution)) {
            integrations[i].institution = institution.merges_into;
            any = true;
        }
        if (status != VG_OK) {
            return VG_STORE_BROKEN;
        }
    }
    if (any) {
        directory_order(integrations, len);
    }
    return VG_OK;
}

// ---- letters that wait ----

enum vg_status
merge_find_emptying(struct applier *applier, struct txn *txn)
{
    applier->emptying_len = 0;
    for (size_t i = 0; i < roster_len(applier->roster); i++) {
        const struct institution *institution = roster_at(applier->roster, i);
        struct mailbox_row row;
        enum vg_status status;

        if (!institution_is_merged(institution)) {
            continue;
        }
        status = mailbox_get(txn, (struct mailbox_id){institution->id}, &row);
        if (status != VG_OK) {
            return status;
        }
        if (mailbox_waiting(&row) + row.parked == 0) {
            continue;
        }
        applier->emptying = realloc(applier->emptying, (applier->emptying_len + 1) *
                                                           sizeof *applier->emptying);
        CHECK(applier->emptying != NULL);
        applier->emptying[applier->emptying_len++] = (struct emptying){
            institution->id, roster_successor(applier->roster, institution->id)};
    }
    return VG_OK;
}

uint32_t
merge_inflow(const struct applier *applier, uint32_t mailbox)
{
    if (mailbox < MAILBOX_EXTRA_FIRST) { // a correction names whoever got the first one
        mailbox = roster_successor(applier->roster, mailbox);
    }
    for (size_t i = 0; i < applier->emptying_len; i++) {
        if (applier->emptying[i].to == mailbox) {
            return applier->emptying[i].from;
        }
    }
    return mailbox;
}
