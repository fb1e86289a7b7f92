// SPDX-License-Identifier: EUPL-1.2
// Following the administrator: mailboxes, institutions, keys, catalogues.
#include "model_inside.h"

#include <string.h>

void
follow_add_mailbox(struct model *model, const struct command *command,
                   struct applied *applied)
{
    const struct add_mailbox_command *add = &command->add_mailbox;

    if (model->institutions[command->actor].merged) {
        applied_check_status(applied, command, VG_MOVED);
        return;
    }
    for (size_t i = 0; i < model->boxes_len; i++) {
        if (model->boxes[i].institution == command->actor &&
            bytes_equal(add->name, model->boxes[i].name)) {
            applied_check_status(applied, command, VG_EXISTS);
            return;
        }
    }
    CHECK(model->boxes_len < BOXES_MAX && add->name.len < sizeof model->boxes->name);

    struct model_box *box = &model->boxes[model->boxes_len++];

    *box = (struct model_box){.id = MAILBOX_EXTRA_FIRST + model->extra_len++,
                              .institution = command->actor};
    memcpy(box->name, add->name.at, add->name.len);
    for (size_t i = 0; i < add->choices_len; i++) {
        unsigned flow = 0;

        while (!bytes_equal(add->choices[i].flow, facts_flow(0, flow)->name)) {
            flow++;
        }
        box->choices[box->choices_len].flow = facts_flow(0, flow)->id;
        box->choices[box->choices_len++].qualities =
            add->choices[i].qualities == 0 ? UINT64_MAX : add->choices[i].qualities;
    }
    applied_check_status(applied, command, VG_OK);
    applied_check_ticket(model, applied, command, ++model->tickets);
    if (applied->answered && add->mailbox != box->id) {
        broken("a new mailbox has number %u, not %u", add->mailbox, box->id);
    }
}

void
follow_add_institution(struct model *model, const struct command *command,
                       struct applied *applied)
{
    const struct institution *institution = &command->add_institution.institution;

    for (uint32_t i = 1; i <= model->institutions_len; i++) {
        if (strcmp(model->institutions[i].code, institution->code) == 0) {
            applied_check_status(applied, command, VG_EXISTS);
            return;
        }
    }
    CHECK(model->institutions_len + 1 < INSTITUTIONS_MAX);
    CHECK(model->boxes_len < BOXES_MAX);
    applied_check_status(applied, command, VG_OK);
    applied_check_ticket(model, applied, command, ++model->tickets);

    struct model_institution *one = &model->institutions[++model->institutions_len];

    one->sector = institution->sector;
    memcpy(one->code, institution->code, sizeof one->code);
    model->boxes[model->boxes_len++] = (struct model_box){
        .id = model->institutions_len, .institution = model->institutions_len};
    if (applied->answered && institution->id != model->institutions_len) {
        broken("a new institution has number %u, not %u", institution->id,
               model->institutions_len);
    }
}

static struct model_key *
find_key(struct model *model, const uint8_t key[KEY_LEN])
{
    for (size_t i = 0; i < model->keys_len; i++) {
        if (memcmp(model->keys[i].key, key, KEY_LEN) == 0) {
            return &model->keys[i];
        }
    }
    return NULL;
}

static size_t
valid_keys(const struct model *model, uint32_t institution, uint32_t role)
{
    size_t len = 0;

    for (size_t i = 0; i < model->keys_len; i++) {
        len += model->keys[i].institution == institution && model->keys[i].role == role &&
               !model->keys[i].revoked;
    }
    return len;
}

void
follow_add_key(struct model *model, const struct command *command,
               struct applied *applied)
{
    if (find_key(model, command->key.key) != NULL) {
        applied_check_status(applied, command, VG_EXISTS);
        return;
    }
    if (valid_keys(model, command->key.row.institution, command->key.row.role) >=
        KEYS_PER_USE_MAX) {
        applied_check_status(applied, command, VG_EXISTS);
        return;
    }
    CHECK(model->keys_len < KEYS_MAX);
    applied_check_status(applied, command, VG_OK);
    applied_check_ticket(model, applied, command, ++model->tickets);

    struct model_key *key = &model->keys[model->keys_len++];

    memcpy(key->key, command->key.key, KEY_LEN);
    key->institution = command->key.row.institution;
    key->role = command->key.row.role;
}

void
follow_revoke_key(struct model *model, const struct command *command,
                  struct applied *applied)
{
    struct model_key *key = find_key(model, command->key.key);

    if (key == NULL) {
        applied_check_status(applied, command, VG_NOT_FOUND);
        return;
    }
    applied_check_status(applied, command, VG_OK);
    if (!key->revoked) {
        applied_check_ticket(model, applied, command, ++model->tickets);
        key->revoked = true;
    }
}

void
follow_load_catalogue(struct model *model, const struct command *command,
                      struct applied *applied)
{
    if (command->back.request == CATALOGUE_BROKEN) {
        applied_check_status(applied, command, VG_BAD_CATALOGUE);
        return;
    }
    applied_check_status(applied, command, VG_OK);
    applied_check_ticket(model, applied, command, ++model->tickets);
    model->variant = (unsigned)command->back.request;
    if (model->catalogue++ == 0) {
        model_begin_walks(model, model_day(applied->now_us));
    }
    if (applied->answered && command->load_catalogue.version != model->catalogue) {
        broken("a new catalogue has version %llu, not %llu",
               (unsigned long long)command->load_catalogue.version,
               (unsigned long long)model->catalogue);
    }
}
