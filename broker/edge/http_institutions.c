// SPDX-License-Identifier: EUPL-1.2
// http_institutions.c - institutions and their keys: shown, added, revoked.
#include "edge/http_inside.h"

#include "json/json.h"
#include "values/enterprise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { KEY_Z85_LEN = 41, NUMBER_DIGITS_MAX = 18 };

static const struct {
    const char *name;
    enum key_role role;
} role_names[] = {
    {"source", ROLE_SOURCE},
    {"member", ROLE_MEMBER},
    {"operator", ROLE_OPERATOR},
};

static json_t *
count_of(uint64_t number)
{
    return json_integer((json_int_t)number);
}

// ---- showing ----

// Valid keys, by institution. Gives: free.
static uint32_t *
count_keys(const struct broker *broker, size_t *ret_len)
{
    uint32_t most = 0;
    uint32_t *counts;

    for (size_t i = 0; i < roster_len(broker->roster); i++) {
        uint32_t id = roster_at(broker->roster, i)->id;

        most = id > most ? id : most;
    }
    *ret_len = (size_t)most + 1;
    counts = xcalloc(*ret_len, sizeof *counts);
    for (uint32_t id = 1; id <= keys_len(broker->keys); id++) {
        const struct key_entry *key = keys_by_id(broker->keys, id);

        if (key_is_valid(key) && key->row.institution < *ret_len) {
            counts[key->row.institution]++;
        }
    }
    return counts;
}

static json_t *
institution_row(const struct broker *broker, const struct institution *institution,
                uint32_t keys_valid)
{
    const struct sector *sector =
        broker->catalogue == NULL
            ? NULL
            : catalogue_sector(broker->catalogue, institution->sector);
    const struct institution *into =
        roster_institution(broker->roster, institution->merges_into);
    char enterprise[ENTERPRISE_TEXT_LEN] = "";

    if (institution->enterprise != 0) {
        enterprise_print((struct enterprise){institution->enterprise}, enterprise);
    }
    return json_pack("{s:s, s:o, s:i, s:s, s:o, s:o, s:o, s:o, s:o}", "code",
                     institution->code, "name", http_text(institution->name), "sector",
                     (int)institution->sector, "sector_name",
                     sector == NULL ? "" : sector->name, "number",
                     count_of(institution->number), "enterprise",
                     enterprise[0] == '\0' ? json_null() : json_string(enterprise),
                     "keys_valid", count_of(keys_valid), "merges_into",
                     into == NULL ? json_null() : json_string(into->code), "merges_on",
                     institution->merges_on == 0
                         ? json_null()
                         : json_date(day_number((struct day){institution->merges_on})));
}

void
get_institutions(struct call *call)
{
    const struct broker *broker = call->broker;
    size_t counts_len;
    uint32_t *counts = count_keys(broker, &counts_len);
    json_t *rows = json_array();

    for (size_t i = 0; i < roster_len(broker->roster); i++) {
        const struct institution *institution = roster_at(broker->roster, i);

        json_array_append_new(
            rows, institution_row(broker, institution, counts[institution->id]));
    }
    free(counts);
    call_answer(call, json_pack("{s:o}", "institutions", rows));
}

static json_t *
moment_or_null(int64_t us)
{
    return us == 0 ? json_null() : json_moment((uint64_t)us);
}

// "source", or "source,member" for a key of several.
static json_t *
role_text(uint32_t role)
{
    char text[64] = "";

    for (size_t i = 0; i < ARRAY_LEN(role_names); i++) {
        if ((role & role_names[i].role) != 0) {
            strcat(text, text[0] == '\0' ? "" : ",");
            strcat(text, role_names[i].name);
        }
    }
    return json_string(text);
}

static json_t *
key_rows(const struct broker *broker, uint32_t institution)
{
    json_t *rows = json_array();

    for (uint32_t id = 1; id <= keys_len(broker->keys); id++) {
        const struct key_entry *key = keys_by_id(broker->keys, id);
        char text[KEY_Z85_LEN];
        char label[KEY_LABEL_LEN + 1];

        if (key->row.institution != institution) {
            continue;
        }
        CHECK(zmq_z85_encode(text, key->key, KEY_LEN) != NULL);
        snprintf(label, sizeof label, "%.*s", KEY_LABEL_LEN, key->row.label);
        json_array_append_new(rows,
                              json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "public",
                                        text, "role", role_text(key->row.role), "added",
                                        moment_or_null(key->row.added_us), "last_used",
                                        moment_or_null(key->used_us), "connections",
                                        count_of(sessions_of_key(broker->sessions, id)),
                                        "revoked", moment_or_null(key->row.revoked_us),
                                        "label", http_text(label)));
    }
    return rows;
}

// "all", or the names of the flows a mailbox takes.
static json_t *
flows_text(const struct broker *broker, const struct mailbox_spec *mailbox)
{
    struct buffer text = {0};
    json_t *json;

    for (uint16_t i = 0; i < mailbox->choices_len; i++) {
        const struct flow *flow =
            broker->catalogue == NULL
                ? NULL
                : catalogue_flow_by_id(broker->catalogue, mailbox->choices[i].flow);

        buffer_print(&text, "%s", i == 0 ? "" : ", ");
        if (flow != NULL) {
            buffer_print(&text, "%s", flow->name);
        } else {
            buffer_print(&text, "%u", mailbox->choices[i].flow);
        }
    }
    json = mailbox->choices_len == 0 ? json_string("all")
                                     : json_stringn((const char *)text.at, text.len);
    buffer_free(&text);
    return json;
}

static json_t *
mailbox_rows(const struct broker *broker, uint32_t institution)
{
    const struct mailbox_spec *const *mailboxes = NULL;
    size_t len = roster_mailboxes(broker->roster, institution, &mailboxes);
    json_t *rows = json_array();

    for (size_t i = 0; i < len; i++) {
        json_array_append_new(rows, json_pack("{s:o, s:s, s:o, s:o}", "mailbox",
                                              count_of(mailboxes[i]->id), "name",
                                              mailboxes[i]->name, "flows",
                                              flows_text(broker, mailboxes[i]), "rules",
                                              http_rules_text(broker, mailboxes[i])));
    }
    return rows;
}

// NULL when there is none, which has then been said.
static const struct institution *
named_institution(struct call *call)
{
    const struct institution *institution =
        roster_by_code(call->broker->roster, bytes_of(call->object));

    if (institution == NULL) {
        call_refuse(call, VG_NOT_FOUND, "there is no institution %.40s", call->object);
    }
    return institution;
}

void
get_institution(struct call *call)
{
    const struct broker *broker = call->broker;
    const struct institution *institution = named_institution(call);
    size_t counts_len;
    uint32_t *counts;
    json_t *row;

    if (institution == NULL) {
        return;
    }
    counts = count_keys(broker, &counts_len);
    row = institution_row(broker, institution, counts[institution->id]);
    free(counts);
    json_object_set_new(row, "keys", key_rows(broker, institution->id));
    json_object_set_new(row, "mailboxes", mailbox_rows(broker, institution->id));
    call_answer(call, row);
}

// ---- reading a body ----

json_t *
http_object(const struct call *call, const char *const *known, struct faults *faults)
{
    json_error_t error;
    json_t *object = json_loadb((const char *)call->body.at, call->body.len,
                                JSON_REJECT_DUPLICATES, &error);
    const char *member;
    json_t *value;

    if (!json_is_object(object)) {
        faults_add(faults, VG_MALFORMED, 0, "the body must be a JSON object: %s",
                   object == NULL ? error.text : "it is something else");
        json_decref(object);
        return NULL;
    }
    json_object_foreach(object, member, value)
    {
        size_t i = 0;

        while (known[i] != NULL && strcmp(known[i], member) != 0) {
            i++;
        }
        if (known[i] == NULL) {
            faults_add(faults, VG_MALFORMED, 0, "\"%.40s\" is not known here", member);
        }
    }
    return object;
}

// A text of min to max bytes; "" after a fault, and when it may be left out.
static const char *
text_member(const json_t *object, const char *name, size_t min, size_t max,
            struct faults *faults)
{
    const json_t *value = json_object_get(object, name);
    size_t len = json_string_length(value);

    if ((value == NULL || json_is_null(value)) && min == 0) {
        return "";
    }
    if (!json_is_string(value) || len < min || len > max) {
        faults_add(faults, VG_MALFORMED, 0, "\"%s\" must be a text of %zu to %zu bytes",
                   name, min, max);
        return "";
    }
    return json_string_value(value);
}

uint64_t
http_number(const json_t *object, const char *name, uint64_t max, struct faults *faults)
{
    const json_t *value = json_object_get(object, name);
    const char *text = json_string_value(value);
    json_int_t number = json_integer_value(value);

    if (value == NULL || json_is_null(value)) {
        return 0;
    }
    if (text != NULL && text[0] != '\0' && strlen(text) <= NUMBER_DIGITS_MAX &&
        strspn(text, "0123456789") == strlen(text)) {
        number = strtoll(text, NULL, 10);
    } else if (!json_is_integer(value)) {
        number = -1;
    }
    if (number < 0 || (uint64_t)number > max) {
        faults_add(faults, VG_MALFORMED, 0,
                   "\"%s\" must be a whole number from 0 to %llu", name,
                   (unsigned long long)max);
        return 0;
    }
    return (uint64_t)number;
}

// ---- adding ----

static void
read_sector(const struct broker *broker, const json_t *object,
            struct institution *institution, struct faults *faults)
{
    const char *name = json_string_value(json_object_get(object, "sector"));
    const struct sector *sector = NULL;

    if (broker->catalogue == NULL) {
        faults_add(faults, VG_NOT_FOUND, 0,
                   "no catalogue is loaded yet, so there are no sectors");
        return;
    }
    if (name != NULL) {
        sector = catalogue_sector_by_name(broker->catalogue, name);
    }
    if (sector == NULL && (name == NULL || strspn(name, "0123456789") == strlen(name))) {
        uint64_t number = http_number(object, "sector", UINT16_MAX, faults);

        sector = catalogue_sector(broker->catalogue, (uint16_t)number);
    }
    if (sector == NULL) {
        faults_add(faults, VG_NOT_FOUND, 0, "the catalogue has no sector \"%.40s\"",
                   name == NULL ? "" : name);
        return;
    }
    institution->sector = sector->number;
}

static void
read_enterprise(const json_t *object, struct institution *institution,
                struct faults *faults)
{
    const json_t *value = json_object_get(object, "enterprise");
    struct enterprise enterprise = {0};
    struct why why = {0};
    enum vg_status status = VG_OK;

    if (value == NULL || json_is_null(value)) {
        return;
    }
    if (json_is_integer(value)) {
        json_int_t number = json_integer_value(value);

        status =
            number == 0 ? VG_OK : enterprise_check((uint64_t)number, &enterprise, &why);
    } else if (json_is_string(value)) {
        status = enterprise_parse(json_string_value(value), json_string_length(value),
                                  &enterprise, &why);
    } else {
        status = fail(&why, VG_MALFORMED, "\"enterprise\" must be a text or a number");
    }
    if (status != VG_OK) {
        faults_add(faults, status, 0, "%s", why.text);
    }
    institution->enterprise = enterprise.number;
}

static void
read_institution(const struct broker *broker, const json_t *object,
                 struct institution *institution, struct faults *faults)
{
    const char *code = text_member(object, "code", 1, INSTITUTION_CODE_LEN - 1, faults);
    const char *name = text_member(object, "name", 1, INSTITUTION_NAME_LEN - 1, faults);
    struct why why;

    if (code[0] != '\0' && institution_code_check(code, &why) != VG_OK) {
        faults_add(faults, VG_MALFORMED, 0, "%s", why.text);
    }
    snprintf(institution->code, sizeof institution->code, "%s", code);
    snprintf(institution->name, sizeof institution->name, "%s", name);
    read_sector(broker, object, institution, faults);
    institution->number = (uint32_t)http_number(object, "number", UINT32_MAX, faults);
    read_enterprise(object, institution, faults);
}

static json_t *
institution_added(const struct command *command)
{
    return json_pack("{s:o, s:o}", "ticket", count_of(command->ticket), "id",
                     count_of(command->add_institution.institution.id));
}

void
post_institution(struct call *call)
{
    static const char *const known[] = {"code",   "name",       "sector",
                                        "number", "enterprise", NULL};
    struct institution institution = {0};
    struct faults faults = {0};
    json_t *object = http_object(call, known, &faults);

    if (object != NULL) {
        read_institution(call->broker, object, &institution, &faults);
    }
    json_decref(object);
    if (faults.total > 0) {
        call_refuse_all(call, faults_first(&faults), &faults);
        return;
    }

    struct command *command = command_new(COMMAND_ADD_INSTITUTION, NULL, 0);

    command->add_institution.institution = institution;
    call_propose(call, &command, institution_added);
}

// ---- keys ----

static void
read_key(const json_t *object, uint8_t ret_key[KEY_LEN], struct faults *faults)
{
    const char *text = json_string_value(json_object_get(object, "public"));

    if (text == NULL || strlen(text) != KEY_Z85_LEN - 1 ||
        zmq_z85_decode(ret_key, text) == NULL) {
        faults_add(faults, VG_MALFORMED, 0,
                   "\"public\" must be a public key: %d characters of Z85",
                   KEY_Z85_LEN - 1);
    }
}

static uint32_t
read_role(const json_t *object, struct faults *faults)
{
    const char *name = json_string_value(json_object_get(object, "role"));

    for (size_t i = 0; name != NULL && i < ARRAY_LEN(role_names); i++) {
        if (strcmp(name, role_names[i].name) == 0) {
            return role_names[i].role;
        }
    }
    faults_add(faults, VG_MALFORMED, 0, "\"role\" must be source, member or operator");
    return 0;
}

static json_t *
done(const struct command *command)
{
    return json_pack("{s:o}", "ticket", count_of(command->ticket));
}

static void
propose_key(struct call *call, enum command_kind kind, const struct key_command *key,
            const struct faults *faults)
{
    if (faults->total > 0) {
        call_refuse_all(call, faults_first(faults), faults);
        return;
    }

    struct command *command = command_new(kind, NULL, 0);

    command->key = *key;
    call_propose(call, &command, done);
}

void
post_key(struct call *call)
{
    static const char *const known[] = {"public", "role", "label", NULL};
    const struct institution *institution = named_institution(call);
    struct key_command key = {0};
    struct faults faults = {0};
    json_t *object;

    if (institution == NULL) {
        return;
    }
    key.row.institution = institution->id;
    object = http_object(call, known, &faults);
    if (object != NULL) {
        read_key(object, key.key, &faults);
        key.row.role = read_role(object, &faults);
        snprintf(key.row.label, sizeof key.row.label, "%s",
                 text_member(object, "label", 0, KEY_LABEL_LEN - 1, &faults));
    }
    json_decref(object);
    propose_key(call, COMMAND_ADD_KEY, &key, &faults);
}

void
post_revoke(struct call *call)
{
    static const char *const known[] = {"public", NULL};
    struct key_command key = {0};
    struct faults faults = {0};
    json_t *object = http_object(call, known, &faults);

    if (object != NULL) {
        read_key(object, key.key, &faults);
    }
    json_decref(object);
    propose_key(call, COMMAND_REVOKE_KEY, &key, &faults);
}
