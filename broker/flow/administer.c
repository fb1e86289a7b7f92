// SPDX-License-Identifier: EUPL-1.2
// administer.c - institutions, keys, mailboxes and catalogues. Each act is in the journal with
// who did it.
#include "flow/merge.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "store/anchors.h"

enum { KEY_HEX_LEN = 2 * 4 + 1 }; // enough of a public key to tell it from others

static void
journal_act(struct applier *applier, struct command *command, enum journal_admin_act act,
            uint32_t object, const char *text)
{
    struct journal_admin item = {
        .actor = command->actor,
        .object = object,
        .act = (uint16_t)act,
        .text_len = (uint16_t)strlen(text),
    };

    command->ticket = applier_ticket(applier);
    item.ticket = command->ticket;
    journal_add(&applier->record, JOURNAL_ADMIN, &item, sizeof item, text, strlen(text));
}

// ---- institutions ----

enum vg_status
add_institution(struct applier *applier, struct command *command)
{
    struct institution *institution = &command->add_institution.institution;
    struct why why;
    enum vg_status status;

    if (institution_code_check(institution->code, &why) != VG_OK) {
        refuse(command, VG_MALFORMED, "%s", why.text);
    }
    if (applier->catalogue == NULL ||
        catalogue_sector(applier->catalogue, institution->sector) == NULL) {
        refuse(command, VG_NOT_FOUND, "sector %u is not in the catalogue",
               institution->sector);
    }
    if (institution->sector == SECTOR_VIGIE ||
        strcmp(institution->code, BROKER_CODE) == 0) {
        refuse(command, VG_NOT_ALLOWED,
               "institution %s: sector %d and the code " BROKER_CODE
               " are the broker's own",
               institution->code, SECTOR_VIGIE);
    }
    if (roster_by_code(applier->roster, bytes_of(institution->code)) != NULL) {
        refuse(command, VG_EXISTS, "institution %s is registered already",
               institution->code);
    }
    if (command->status != VG_OK) {
        return VG_OK;
    }
    institution->id = ++applier->meta.last_institution;
    journal_act(applier, command, ADMIN_INSTITUTION, institution->id, institution->code);
    status = institution_put(applier->txn, institution);
    if (status == VG_OK) {
        roster_put(applier->roster, institution);
        applier->roster_changed = true;
    }
    return status;
}

// ---- keys ----

static void
key_text(const uint8_t key[KEY_LEN], char ret_text[KEY_HEX_LEN])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < KEY_HEX_LEN / 2; i++) {
        ret_text[2 * i] = digits[key[i] >> 4];
        ret_text[2 * i + 1] = digits[key[i] & 15];
    }
    ret_text[KEY_HEX_LEN - 1] = 0;
}

struct use {
    uint32_t institution;
    uint32_t role;
    size_t keys_valid;
};

static bool
count_use(const uint8_t key[KEY_LEN], const struct key_row *row, void *arg)
{
    struct use *use = arg;
    (void)key;

    use->keys_valid += row->institution == use->institution && row->role == use->role &&
                       row->revoked_us == 0;
    return true;
}

static bool
role_is_one(uint32_t role)
{
    return role == ROLE_SOURCE || role == ROLE_MEMBER || role == ROLE_OPERATOR;
}

enum vg_status
add_key(struct applier *applier, struct command *command)
{
    struct key_command *add = &command->key;
    struct use use = {.institution = add->row.institution, .role = add->row.role};
    char text[KEY_HEX_LEN];
    struct key_row row;
    enum vg_status status = key_get(applier->txn, add->key, &row);

    if (status != VG_OK && status != VG_NOT_FOUND) {
        return status;
    }
    if (key_each(applier->txn, count_use, &use) != VG_OK) {
        return VG_STORE_BROKEN;
    }
    key_text(add->key, text);
    if (status == VG_OK) {
        refuse(command, VG_EXISTS, "key %s... is registered already", text);
    }
    if (roster_institution(applier->roster, add->row.institution) == NULL) {
        refuse(command, VG_NOT_FOUND, "institution %u is not registered",
               add->row.institution);
    }
    if (!role_is_one(add->row.role)) {
        refuse(command, VG_MALFORMED, "role %u is none of source, member, operator",
               add->row.role);
    }
    if (use.keys_valid >= KEYS_PER_USE_MAX) {
        refuse(command, VG_EXISTS,
               "institution %u has %d valid keys for this use already: revoke one first",
               use.institution, KEYS_PER_USE_MAX);
    }
    if (command->status != VG_OK) {
        return VG_OK;
    }
    add->row.added_us = applier->now.us;
    add->row.revoked_us = 0;
    journal_act(applier, command, ADMIN_KEY, add->row.institution, text);
    applier->batch->keys_changed = true;
    return key_put(applier->txn, add->key, &add->row);
}

enum vg_status
revoke_key(struct applier *applier, struct command *command)
{
    struct key_command *revoke = &command->key;
    char text[KEY_HEX_LEN];
    enum vg_status status = key_get(applier->txn, revoke->key, &revoke->row);

    key_text(revoke->key, text);
    if (status == VG_NOT_FOUND) {
        refuse(command, VG_NOT_FOUND, "key %s... is not registered", text);
        return VG_OK;
    }
    if (status != VG_OK || revoke->row.revoked_us != 0) {
        return status; // revoked before: that stands
    }
    revoke->row.revoked_us = applier->now.us;
    journal_act(applier, command, ADMIN_REVOKE, revoke->row.institution, text);
    applier->batch->keys_changed = true;
    return key_put(applier->txn, revoke->key, &revoke->row);
}

// ---- mailboxes ----

static bool
name_is_taken(const struct applier *applier, uint32_t institution, struct bytes name)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    size_t len = roster_mailboxes(applier->roster, institution, &mailboxes);

    for (size_t i = 0; i < len; i++) {
        if (bytes_equal(name, mailboxes[i]->name)) {
            return true;
        }
    }
    return len >= MAILBOXES_PER_INSTITUTION_MAX;
}

// It is shown in logs, on consoles and in JSON.
static bool
name_is_printable(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] < ' ' || name.at[i] > '~') {
            return false;
        }
    }
    return true;
}

static void
read_choices(struct applier *applier, struct command *command, struct spec_row *row)
{
    const struct add_mailbox_command *add = &command->add_mailbox;

    if (add->choices_len > SPEC_CHOICES_MAX) {
        refuse(command, VG_TOO_MANY, "%zu choices, at most %d", add->choices_len,
               SPEC_CHOICES_MAX);
        return;
    }
    for (size_t i = 0; i < add->choices_len; i++) {
        const struct choice_request *choice = &add->choices[i];
        const struct flow *flow = catalogue_flow(applier->catalogue, choice->flow);

        if (flow == NULL) {
            refuse(command, VG_UNKNOWN_FLOW, "flow \"%.*s\" is not in the catalogue",
                   (int)(choice->flow.len < 64 ? choice->flow.len : 64),
                   (const char *)choice->flow.at);
            continue;
        }
        row->choices[row->choices_len].flow = flow->id;
        row->choices[row->choices_len++].qualities =
            choice->qualities == 0 ? UINT64_MAX : choice->qualities;
    }
}

enum vg_status
add_mailbox(struct applier *applier, struct command *command)
{
    struct add_mailbox_command *add = &command->add_mailbox;
    struct spec_row row = {.institution = command->actor};
    enum vg_status status;

    if (applier->catalogue == NULL ||
        roster_institution(applier->roster, command->actor) == NULL) {
        refuse(command, VG_NOT_FOUND, "institution %u is not registered", command->actor);
        return VG_OK;
    }
    merge_refuse(applier, command, command->actor);
    if (add->name.len == 0 || add->name.len >= SPEC_NAME_LEN) {
        refuse(command, VG_MALFORMED, "a mailbox name has 1 to %d bytes, not %zu",
               SPEC_NAME_LEN - 1, add->name.len);
    } else if (!name_is_printable(add->name)) {
        refuse(command, VG_MALFORMED, "a mailbox name is printable ASCII");
    } else if (name_is_taken(applier, command->actor, add->name)) {
        refuse(command, VG_EXISTS,
               "mailbox \"%.*s\" is there already, or there are %d of them",
               (int)add->name.len, (const char *)add->name.at,
               MAILBOXES_PER_INSTITUTION_MAX);
    }
    read_choices(applier, command, &row);
    if (command->status != VG_OK) {
        return VG_OK;
    }
    memcpy(row.name, add->name.at, add->name.len);
    row.mailbox = MAILBOX_EXTRA_FIRST + applier->meta.last_extra_mailbox++;
    add->mailbox = row.mailbox;
    journal_act(applier, command, ADMIN_MAILBOX, row.mailbox, row.name);
    status = spec_put(applier->txn, &row);
    if (status == VG_OK) {
        know_mailbox(&row, applier->roster);
        applier->roster_changed = true;
    }
    return status;
}

enum vg_status
note_rewind(struct applier *applier, struct command *command)
{
    const struct rewind_command *rewind = &command->rewind;
    char text[64];

    snprintf(text, sizeof text, "from %llu through %llu",
             (unsigned long long)rewind->from, (unsigned long long)rewind->through);
    journal_act(applier, command, ADMIN_REWIND, rewind->mailbox, text);
    return VG_OK;
}

enum vg_status
note_list(struct applier *applier, struct command *command)
{
    const struct list_command *list = &command->list;
    char text[128];

    snprintf(text, sizeof text, "sector %u, quality %u, since %u, from %llu through %llu",
             list->sector, list->quality, day_number(list->since),
             (unsigned long long)list->from, (unsigned long long)list->through);
    journal_act(applier, command, ADMIN_LIST, list->sector != 0 ? 0 : list->institution,
                text);
    return VG_OK;
}

// ---- limits ----

static void
merge_limits(struct limits *limits, const struct set_limits_command *set)
{
    if ((set->named & LIMIT_MESSAGES) != 0) {
        limits->messages = set->limits.messages;
    }
    if ((set->named & LIMIT_BYTES) != 0) {
        limits->bytes = set->limits.bytes;
    }
    if ((set->named & LIMIT_AGE) != 0) {
        limits->age_days = set->limits.age_days;
    }
    if ((set->named & LIMIT_ATTEMPTS) != 0) {
        limits->attempts = set->limits.attempts;
    }
}

enum vg_status
set_limits(struct applier *applier, struct command *command)
{
    struct set_limits_command *set = &command->set_limits;
    const struct mailbox_spec *spec = roster_mailbox(applier->roster, set->mailbox);
    struct limits limits;
    struct mailbox_row *row = NULL;
    struct why text = {0};
    enum vg_status status;

    if (spec == NULL) {
        refuse(command, VG_NOT_FOUND, "there is no mailbox %u", set->mailbox);
        return VG_OK;
    }
    limits = spec->limits;
    merge_limits(&limits, set);
    set->limits = limits;
    why_set(&text, "messages %llu, bytes %llu, age_days %u, attempts %u",
            (unsigned long long)limits.messages, (unsigned long long)limits.bytes,
            limits.age_days, limits.attempts);
    journal_act(applier, command, ADMIN_LIMITS, set->mailbox, text.text);
    CHECK(roster_set_limits(applier->roster, set->mailbox, &limits));
    applier->roster_changed = true;
    status = limits_put(applier->txn, (struct mailbox_id){set->mailbox}, &limits);
    // Changed, so the batch tells the loop to look at it anew.
    return status == VG_OK ? applier_box(applier, set->mailbox, &row) : status;
}

// ---- rules ----

// A flow that must reach whoever it concerns is not his to decline.
static void
read_unwanted(struct applier *applier, struct command *command,
              struct mailbox_rules *rules)
{
    const struct set_rules_command *set = &command->set_rules;

    rules->unwanted_len = 0;
    memset(rules->unwanted, 0, sizeof rules->unwanted);
    if (set->unwanted_len > UNWANTED_MAX) {
        refuse(command, VG_TOO_MANY, "%zu flows, at most %d", set->unwanted_len,
               UNWANTED_MAX);
        return;
    }
    for (size_t i = 0; i < set->unwanted_len; i++) {
        const struct choice_request *unwanted = &set->unwanted[i];
        const struct flow *flow = catalogue_flow(applier->catalogue, unwanted->flow);

        if (flow == NULL) {
            refuse(command, VG_UNKNOWN_FLOW, "flow \"%.*s\" is not in the catalogue",
                   (int)(unwanted->flow.len < 64 ? unwanted->flow.len : 64),
                   (const char *)unwanted->flow.at);
        } else if (flow->needs_answer || flow->replaces_person) {
            refuse(command, VG_NOT_ALLOWED, "flow %s cannot be declined: %s", flow->name,
                   flow->needs_answer ? "it must be answered"
                                      : "it says under which number the person is known");
        } else {
            rules->unwanted[rules->unwanted_len].flow = flow->id;
            rules->unwanted[rules->unwanted_len++].qualities =
                unwanted->qualities == 0 ? UINT64_MAX : unwanted->qualities;
        }
    }
}

// Letters that wait may stand for others from the first time on.
static uint16_t
repeats_after(uint16_t before, uint16_t wanted)
{
    return wanted == REPEATS_COME && before != REPEATS_COME ? REPEATS_MERGED : wanted;
}

enum vg_status
set_rules(struct applier *applier, struct command *command)
{
    struct set_rules_command *set = &command->set_rules;
    const struct mailbox_spec *spec = roster_mailbox(applier->roster, set->mailbox);
    struct mailbox_rules rules;
    struct why text = {0};

    if (spec == NULL || applier->catalogue == NULL) {
        refuse(command, VG_NOT_FOUND, "there is no mailbox %u", set->mailbox);
        return VG_OK;
    }
    rules = spec->rules;
    if ((set->named & RULES_UNWANTED) != 0) {
        read_unwanted(applier, command, &rules);
    }
    if ((set->named & RULES_QUIET) != 0) {
        rules.quiet_from = set->rules.quiet_from;
        rules.quiet_to = set->rules.quiet_to;
    }
    if ((set->named & RULES_DIGEST) != 0) {
        rules.digest = set->rules.digest;
    }
    if ((set->named & RULES_URGENT) != 0) {
        rules.urgent_first = set->rules.urgent_first;
    }
    if ((set->named & RULES_REPEATS) != 0) {
        rules.repeats = repeats_after(rules.repeats, set->rules.repeats);
    }
    if ((set->named & RULES_CANCELLED) != 0) {
        rules.cancelled = set->rules.cancelled;
    }
    if (!rules_are_possible(&rules)) {
        refuse(command, VG_BAD_DATE, "a time of day is at most 23:59");
    }
    if (command->status != VG_OK) {
        return VG_OK;
    }
    if (rules.quiet_from == rules.quiet_to) { // the disk forgets it as well
        rules.quiet_from = rules.quiet_to = 0;
    }
    set->rules = rules;
    why_set(&text,
            "declines %u, quiet %u to %u, digest %u, urgent_first %u, repeats %u, "
            "cancelled %u",
            rules.unwanted_len, rules.quiet_from, rules.quiet_to, rules.digest,
            rules.urgent_first, rules.repeats, rules.cancelled);
    journal_act(applier, command, ADMIN_RULES, set->mailbox, text.text);
    CHECK(roster_set_rules(applier->roster, set->mailbox, &rules));
    applier->roster_changed = true;
    return rules_put(applier->txn, (struct mailbox_id){set->mailbox}, &rules);
}

// ---- catalogues ----

enum vg_status
load_catalogue(struct applier *applier, struct command *command)
{
    struct load_catalogue_command *load = &command->load_catalogue;
    struct catalogue *catalogue = catalogue_parse(
        (const char *)load->text.at, load->text.len, command_faults(command));
    struct catalogue_row row = {
        .version = applier->meta.catalogue + 1,
        .loaded_us = applier->now.us,
        .effective_us = applier->now.us,
    };
    enum vg_status status;

    if (catalogue == NULL) {
        command->status = VG_BAD_CATALOGUE;
        return VG_OK;
    }
    applier_retire_catalogue(applier);
    applier->catalogue = catalogue;
    applier->catalogue_version = row.version;
    applier->meta.catalogue = row.version;
    applier->batch->catalogue = catalogue;
    load->version = row.version;
    journal_act(applier, command, ADMIN_CATALOGUE, (uint32_t)row.version, "");
    status = applier_begin_lapses(applier);
    return status == VG_OK ? catalogue_put(applier->txn, &row,
                                           (const char *)load->text.at, load->text.len)
                           : status;
}

// ---- anchors ----

// One a day: whoever is asked for it later finds the one that was sent away.
enum vg_status
keep_anchor(struct applier *applier, struct command *command)
{
    const struct anchor *anchor = &command->anchor.anchor;
    char line[ANCHOR_LINE_LEN];
    struct anchor there;
    enum vg_status status = anchor_get(applier->txn, anchor->day, &there);

    if (status == VG_OK) {
        refuse(command, VG_EXISTS, "the anchor of %u is made already", anchor->day);
        return VG_OK;
    }
    if (status != VG_NOT_FOUND) {
        return status;
    }
    anchor_print(anchor, line);
    journal_act(applier, command, ADMIN_ANCHOR, 0, line);
    return anchor_put(applier->txn, anchor);
}
