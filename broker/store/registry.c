// SPDX-License-Identifier: EUPL-1.2
#include "store/registry.h"

#include "store/store_internal.h"

_Static_assert(sizeof(struct institution) == 144, "stored without holes");
_Static_assert(sizeof(struct key_row) == 56, "stored without holes");
_Static_assert(sizeof(struct spec_choice) == 16, "stored without holes");
_Static_assert(offsetof(struct spec_row, choices) == 48, "stored without holes");
_Static_assert(sizeof(struct producer_row) == 24, "stored without holes");

static struct bytes
view(const void *at, size_t len)
{
    return (struct bytes){at, len};
}

// ---- institutions ----

enum vg_status
institution_put(struct txn *txn, const struct institution *institution)
{
    struct key key = key_of_u32(institution->id);

    CHECK(institution->id != 0);
    return table_put(txn, TABLE_INSTITUTIONS, &key,
                     view(institution, sizeof *institution), 0);
}

// Texts from the disk end within their fields.
static bool
institution_is_sound(const struct institution *institution)
{
    return institution->code[INSTITUTION_CODE_LEN - 1] == '\0' &&
           institution->name[INSTITUTION_NAME_LEN - 1] == '\0';
}

enum vg_status
institution_get(struct txn *txn, struct institution_id id,
                struct institution *ret_institution)
{
    struct key key = key_of_u32(id.number);
    struct institution institution;
    enum vg_status status =
        table_get_struct(txn, TABLE_INSTITUTIONS, &key, &institution, sizeof institution);

    if (status != VG_OK) {
        return status;
    }
    if (!institution_is_sound(&institution)) {
        return VG_STORE_BROKEN;
    }
    *ret_institution = institution;
    return VG_OK;
}

struct institution_call {
    institution_fn each;
    void *arg;
};

static enum vg_status
give_institution(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct institution_call *call = arg;
    struct institution institution;

    (void)key;
    if (value.len != sizeof institution) {
        return VG_STORE_BROKEN;
    }
    memcpy(&institution, value.at, sizeof institution);
    if (!institution_is_sound(&institution)) {
        return VG_STORE_BROKEN;
    }
    *go_on = call->each(&institution, call->arg);
    return VG_OK;
}

enum vg_status
institution_each(struct txn *txn, institution_fn each, void *arg)
{
    return table_each(txn, TABLE_INSTITUTIONS, NULL, give_institution,
                      &(struct institution_call){each, arg});
}

// ---- keys ----

static struct key
curve_key(const uint8_t key[KEY_LEN])
{
    struct key bytes = {.len = 0};

    key_add(&bytes, key, KEY_LEN);
    return bytes;
}

enum vg_status
key_put(struct txn *txn, const uint8_t key[KEY_LEN], const struct key_row *row)
{
    struct key bytes = curve_key(key);

    return table_put(txn, TABLE_KEYS, &bytes, view(row, sizeof *row), 0);
}

static bool
key_is_sound(const struct key_row *row)
{
    return row->label[KEY_LABEL_LEN - 1] == '\0';
}

enum vg_status
key_get(struct txn *txn, const uint8_t key[KEY_LEN], struct key_row *ret_row)
{
    struct key bytes = curve_key(key);
    struct key_row row;
    enum vg_status status = table_get_struct(txn, TABLE_KEYS, &bytes, &row, sizeof row);

    if (status != VG_OK) {
        return status;
    }
    if (!key_is_sound(&row)) {
        return VG_STORE_BROKEN;
    }
    *ret_row = row;
    return VG_OK;
}

struct key_call {
    key_fn each;
    void *arg;
};

static enum vg_status
give_key(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct key_call *call = arg;
    struct key_row row;

    if (key.len != KEY_LEN || value.len != sizeof row) {
        return VG_STORE_BROKEN;
    }
    memcpy(&row, value.at, sizeof row);
    if (!key_is_sound(&row)) {
        return VG_STORE_BROKEN;
    }
    *go_on = call->each(key.at, &row, call->arg);
    return VG_OK;
}

enum vg_status
key_each(struct txn *txn, key_fn each, void *arg)
{
    return table_each(txn, TABLE_KEYS, NULL, give_key, &(struct key_call){each, arg});
}

// ---- mailbox specifications ----

static size_t
spec_bytes(size_t choices_len)
{
    return offsetof(struct spec_row, choices) + choices_len * sizeof(struct spec_choice);
}

enum vg_status
spec_put(struct txn *txn, const struct spec_row *row)
{
    struct key key = key_of_u32(row->mailbox);

    CHECK(row->choices_len <= SPEC_CHOICES_MAX);
    return table_put(txn, TABLE_SPECS, &key, view(row, spec_bytes(row->choices_len)), 0);
}

struct spec_call {
    spec_fn each;
    void *arg;
};

static enum vg_status
give_spec(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct spec_call *call = arg;
    struct spec_row row = {.mailbox = 0};

    (void)key;
    if (value.len < spec_bytes(0) || value.len > sizeof row) {
        return VG_STORE_BROKEN;
    }
    memcpy(&row, value.at, value.len);
    if (row.choices_len > SPEC_CHOICES_MAX || value.len != spec_bytes(row.choices_len) ||
        row.name[SPEC_NAME_LEN - 1] != '\0') {
        return VG_STORE_BROKEN;
    }
    *go_on = call->each(&row, call->arg);
    return VG_OK;
}

enum vg_status
spec_each(struct txn *txn, spec_fn each, void *arg)
{
    return table_each(txn, TABLE_SPECS, NULL, give_spec, &(struct spec_call){each, arg});
}

// ---- limits of mailboxes ----

_Static_assert(sizeof(struct limits) == 24, "stored as is");

enum vg_status
limits_put(struct txn *txn, struct mailbox_id mailbox, const struct limits *limits)
{
    struct key key = key_of_u32(mailbox.number);
    bool none = limits->messages == 0 && limits->bytes == 0 && limits->age_days == 0 &&
                limits->attempts == 0;

    return none ? table_erase(txn, TABLE_LIMITS, &key)
                : table_put(txn, TABLE_LIMITS, &key, view(limits, sizeof *limits), 0);
}

enum vg_status
limits_get(struct txn *txn, struct mailbox_id mailbox, struct limits *ret_limits)
{
    struct key key = key_of_u32(mailbox.number);
    enum vg_status status =
        table_get_struct(txn, TABLE_LIMITS, &key, ret_limits, sizeof *ret_limits);

    if (status == VG_NOT_FOUND) {
        *ret_limits = (struct limits){.messages = 0};
        return VG_OK;
    }
    return status;
}

struct limits_call {
    limits_fn each;
    void *arg;
};

static enum vg_status
give_limits(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct limits_call *call = arg;
    struct limits limits;

    if (key.len != sizeof(uint32_t) || value.len != sizeof limits) {
        return VG_STORE_BROKEN;
    }
    memcpy(&limits, value.at, sizeof limits);
    *go_on = call->each((struct mailbox_id){read_be32(key.at)}, &limits, call->arg);
    return VG_OK;
}

enum vg_status
limits_each(struct txn *txn, limits_fn each, void *arg)
{
    return table_each(txn, TABLE_LIMITS, NULL, give_limits,
                      &(struct limits_call){each, arg});
}

// ---- rules of mailboxes ----

_Static_assert(sizeof(struct mailbox_rules) ==
                   16 + UNWANTED_MAX * sizeof(struct unwanted),
               "stored as is");

static size_t
rules_bytes(uint32_t unwanted_len)
{
    return offsetof(struct mailbox_rules, unwanted) +
           unwanted_len * sizeof(struct unwanted);
}

enum vg_status
rules_put(struct txn *txn, struct mailbox_id mailbox, const struct mailbox_rules *rules)
{
    struct key key = key_of_u32(mailbox.number);

    CHECK(rules->unwanted_len <= UNWANTED_MAX);
    return rules_are_none(rules)
               ? table_erase(txn, TABLE_MAILBOX_RULES, &key)
               : table_put(txn, TABLE_MAILBOX_RULES, &key,
                           view(rules, rules_bytes(rules->unwanted_len)), 0);
}

struct rules_call {
    rules_fn each;
    void *arg;
};

static enum vg_status
give_rules(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct rules_call *call = arg;
    struct mailbox_rules rules = {.quiet_from = 0};

    if (key.len != sizeof(uint32_t) || value.len < rules_bytes(0) ||
        value.len > sizeof rules) {
        return VG_STORE_BROKEN;
    }
    memcpy(&rules, value.at, value.len);
    if (rules.unwanted_len > UNWANTED_MAX ||
        value.len != rules_bytes(rules.unwanted_len) || !rules_are_possible(&rules)) {
        return VG_STORE_BROKEN;
    }
    *go_on = call->each((struct mailbox_id){read_be32(key.at)}, &rules, call->arg);
    return VG_OK;
}

enum vg_status
rules_each(struct txn *txn, rules_fn each, void *arg)
{
    return table_each(txn, TABLE_MAILBOX_RULES, NULL, give_rules,
                      &(struct rules_call){each, arg});
}

// ---- producers, and what was heard of sources ----

// What stands in a key of the table "meta" after SOURCE_FIRST and the institution.
enum of_source { OF_PRODUCER, OF_FLOW };
// Words, as the other keys of that table, begin with a letter.
enum { SOURCE_FIRST = 0, SOURCE_KEY_LEN = 1 + 4 + 1 + 4 };

static struct key
source_key(struct institution_id source, enum of_source of, uint32_t number)
{
    const uint8_t first = SOURCE_FIRST, kind = (uint8_t)of;
    struct key key = {.len = 0};

    key_add(&key, &first, sizeof first);
    key_add_u32(&key, source.number);
    key_add(&key, &kind, sizeof kind);
    key_add_u32(&key, number);
    return key;
}

enum vg_status
producer_get(struct txn *txn, struct institution_id institution, uint32_t producer,
             struct producer_row *ret_row)
{
    struct key key = source_key(institution, OF_PRODUCER, producer);
    enum vg_status status =
        table_get_struct(txn, TABLE_META, &key, ret_row, sizeof *ret_row);

    if (status == VG_NOT_FOUND) {
        *ret_row = (struct producer_row){.last_number = 0};
        return VG_OK;
    }
    return status;
}

enum vg_status
producer_put(struct txn *txn, struct institution_id institution, uint32_t producer,
             const struct producer_row *row)
{
    struct key key = source_key(institution, OF_PRODUCER, producer);

    return table_put(txn, TABLE_META, &key, view(row, sizeof *row), 0);
}

_Static_assert(sizeof(struct heard) == 24, "stored without holes");

enum vg_status
heard_get(struct txn *txn, struct institution_id source, uint16_t flow,
          struct heard *ret_heard)
{
    struct key key = source_key(source, OF_FLOW, flow);
    enum vg_status status =
        table_get_struct(txn, TABLE_META, &key, ret_heard, sizeof *ret_heard);

    if (status == VG_NOT_FOUND) {
        *ret_heard = (struct heard){.last_us = 0};
        return VG_OK;
    }
    return status;
}

enum vg_status
heard_put(struct txn *txn, struct institution_id source, uint16_t flow,
          const struct heard *heard)
{
    struct key key = source_key(source, OF_FLOW, flow);

    return table_put(txn, TABLE_META, &key, view(heard, sizeof *heard), 0);
}

struct heard_call {
    heard_fn each;
    void *arg;
};

static enum vg_status
give_heard(struct bytes key, struct bytes value, void *arg, bool *go_on)
{
    const struct heard_call *call = arg;
    struct heard heard;
    uint32_t source, flow;

    if (key.len > 0 && key.at[0] != SOURCE_FIRST) {
        *go_on = false; // a word: those of sources stand before them
        return VG_OK;
    }
    if (key.len != SOURCE_KEY_LEN) {
        return VG_STORE_BROKEN;
    }
    if (key.at[1 + sizeof source] != OF_FLOW) {
        return VG_OK;
    }
    source = read_be32(key.at + 1);
    flow = read_be32(key.at + 1 + sizeof source + 1);
    if (value.len != sizeof heard || flow > UINT16_MAX) {
        return VG_STORE_BROKEN;
    }
    memcpy(&heard, value.at, sizeof heard);
    *go_on =
        call->each((struct institution_id){source}, (uint16_t)flow, &heard, call->arg);
    return VG_OK;
}

enum vg_status
heard_each(struct txn *txn, heard_fn each, void *arg)
{
    return table_each(txn, TABLE_META, NULL, give_heard, &(struct heard_call){each, arg});
}

// ---- what producers were refused ----

static struct key
refusal_key(struct institution_id institution, uint32_t producer, uint64_t number)
{
    struct key key = key_of_u32(institution.number);

    key_add_u32(&key, producer);
    key_add_u64(&key, number);
    return key;
}

enum vg_status
refusal_put(struct txn *txn, struct institution_id institution, uint32_t producer,
            uint64_t number, enum vg_status status, const char *text)
{
    struct key key = refusal_key(institution, producer, number);
    uint8_t value[sizeof(uint16_t) + WHY_TEXT_MAX];
    uint16_t code = (uint16_t)status;
    size_t len = strlen(text);

    CHECK(len < WHY_TEXT_MAX);
    memcpy(value, &code, sizeof code);
    memcpy(value + sizeof code, text, len);
    return table_put(txn, TABLE_REFUSALS, &key, view(value, sizeof code + len), 0);
}

enum vg_status
refusal_get(struct txn *txn, struct institution_id institution, uint32_t producer,
            uint64_t number, enum vg_status *ret_status, struct why *ret_text)
{
    struct key key = refusal_key(institution, producer, number);
    struct bytes value;
    uint16_t code;
    enum vg_status status = table_get(txn, TABLE_REFUSALS, &key, &value);

    if (status != VG_OK) {
        return status;
    }
    if (value.len < sizeof code || value.len - sizeof code >= WHY_TEXT_MAX) {
        return VG_STORE_BROKEN;
    }
    memcpy(&code, value.at, sizeof code);
    *ret_status = (enum vg_status)code;
    *ret_text = (struct why){{0}};
    memcpy(ret_text->text, value.at + sizeof code, value.len - sizeof code);
    return VG_OK;
}

// ---- catalogues ----

enum { CATALOGUE_TIMES_LEN = 16 };

enum vg_status
catalogue_put(struct txn *txn, const struct catalogue_row *row, const char *text,
              size_t text_len)
{
    struct key key = key_of_u64(row->version);
    struct buffer value = {.len = 0};

    buffer_add(&value, &row->loaded_us, sizeof row->loaded_us);
    buffer_add(&value, &row->effective_us, sizeof row->effective_us);
    buffer_add(&value, text, text_len);

    enum vg_status status =
        table_put(txn, TABLE_CATALOGUES, &key, view(value.at, value.len), 0);

    buffer_free(&value);
    return status;
}

enum vg_status
catalogue_get(struct txn *txn, uint64_t version, struct catalogue_row *ret_row,
              struct buffer *text)
{
    struct key key = key_of_u64(version);
    struct bytes value;
    enum vg_status status = table_get(txn, TABLE_CATALOGUES, &key, &value);

    if (status != VG_OK) {
        return status;
    }
    if (value.len < CATALOGUE_TIMES_LEN) {
        return VG_STORE_BROKEN;
    }
    ret_row->version = version;
    memcpy(&ret_row->loaded_us, value.at, sizeof ret_row->loaded_us);
    memcpy(&ret_row->effective_us, value.at + 8, sizeof ret_row->effective_us);
    buffer_clear(text);
    buffer_add(text, value.at + CATALOGUE_TIMES_LEN, value.len - CATALOGUE_TIMES_LEN);
    return VG_OK;
}
