// SPDX-License-Identifier: EUPL-1.2
#include "edge/export_items.h"

#include "store/correction.h"
#include "store/held.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *
number_json(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *
niss_json(uint64_t niss)
{
    char text[24];

    if (niss == 0) {
        return json_null();
    }
    snprintf(text, sizeof text, "%011" PRIu64, niss);
    return json_string(text);
}

// On flows keyed by enterprise the subject is one.
static json_t *
subject_json(uint64_t subject)
{
    return (subject & HELD_ENTERPRISE) != 0 ? number_json(subject & ~HELD_ENTERPRISE)
                                            : niss_json(subject);
}

static json_t *
code_json(const struct roster *roster, uint32_t id)
{
    const struct institution *institution = roster_institution(roster, id);

    return institution == NULL ? number_json(id) : json_string(institution->code);
}

static json_t *
source_json(const struct roster *roster, uint32_t id)
{
    const struct institution *source = roster_source(roster, id);

    return source == NULL ? number_json(id) : json_string(source->code);
}

static json_t *
day_json(int32_t day)
{
    return json_date(day_number((struct day){day}));
}

static json_t *
text_json(const uint8_t *at, size_t len)
{
    json_t *text = json_stringn((const char *)at, len);

    return text == NULL ? json_null() : text;
}

// ---- kinds ----

typedef void (*item_fn)(const struct journal_item *item, const struct roster *roster,
                        json_t *to);

static json_t *
recipient_json(const struct journal_recipient *recipient, const struct roster *roster)
{
    json_t *json = json_object();

    json_object_set_new(json, "institution", code_json(roster, recipient->institution));
    json_object_set_new(json, "mailbox", number_json(recipient->mailbox));
    json_object_set_new(json, "number", number_json(recipient->number));
    json_object_set_new(json, "withheld", number_json(recipient->withheld));
    if (recipient->quality != 0) {
        json_object_set_new(json, "quality", number_json(recipient->quality));
        json_object_set_new(json, "begin", day_json(recipient->begin));
        json_object_set_new(json, "end", day_json(recipient->end));
    }
    return json;
}

static void
event_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_event event;
    struct journal_recipient recipient;
    json_t *recipients = json_array();

    if (journal_item_as(item, &event, sizeof event)) {
        json_object_set_new(to, "ticket", number_json(event.ticket));
        json_object_set_new(to, "flow", number_json(event.flow));
        json_object_set_new(to, "niss", niss_json(event.niss));
        json_object_set_new(to, "source", source_json(roster, event.source));
        json_object_set_new(to, "producer", number_json(event.producer));
        json_object_set_new(to, "number", number_json(event.number));
        json_object_set_new(to, "catalogue", number_json(event.catalogue));
        json_object_set_new(to, "fields", number_json(event.fields));
        json_object_set_new(to, "withheld_all", json_boolean(event.withheld_all != 0));
        if (event.again != AGAIN_NOT) {
            json_object_set_new(
                to, "again",
                json_string(event.again == AGAIN_CAUGHT ? "caught_up" : "moved"));
            json_object_set_new(to, "of", number_json(journal_event_of_ticket(&event)));
        }
    }
    for (size_t i = 0; journal_item_recipient(item, i, &recipient); i++) {
        json_array_append_new(recipients, recipient_json(&recipient, roster));
    }
    json_object_set_new(to, "recipients", recipients);
}

static void
refusal_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_refusal refusal;

    if (journal_item_as(item, &refusal, sizeof refusal)) {
        json_object_set_new(to, "niss", niss_json(refusal.niss));
        json_object_set_new(to, "source", code_json(roster, refusal.source));
        json_object_set_new(to, "producer", number_json(refusal.producer));
        json_object_set_new(to, "number", number_json(refusal.number));
        json_object_set_new(to, "flow", number_json(refusal.flow));
        json_object_set_new(to, "status",
                            json_string(vg_status_name((enum vg_status)refusal.status)));
    }
}

static void
acknowledge_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    static const char *const which[] = {"through", "one", "held"};
    struct journal_acknowledge acknowledge;

    (void)roster;
    if (journal_item_as(item, &acknowledge, sizeof acknowledge)) {
        json_object_set_new(to, "mailbox", number_json(acknowledge.mailbox));
        json_object_set_new(to, "number", number_json(acknowledge.through));
        json_object_set_new(to, "count", number_json(acknowledge.count));
        if (acknowledge.one < ARRAY_LEN(which)) {
            json_object_set_new(to, "which", json_string(which[acknowledge.one]));
        }
    }
}

static void
directory_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    static const char *const acts[] = {"",        "integrate", "remove",
                                       "consult", "history",   "journal"};
    struct journal_directory directory;

    if (!journal_item_as(item, &directory, sizeof directory)) {
        return;
    }
    json_object_set_new(to, "ticket", number_json(directory.ticket));
    json_object_set_new(
        to, "act",
        json_string(directory.act < ARRAY_LEN(acts) ? acts[directory.act] : ""));
    json_object_set_new(to, "niss", niss_json(directory.niss));
    json_object_set_new(to, "actor", code_json(roster, directory.actor));
    json_object_set_new(to, "status",
                        json_string(vg_status_name((enum vg_status)directory.status)));
    if (directory.act == ACT_INTEGRATE || directory.act == ACT_REMOVE) {
        json_object_set_new(to, "institution", code_json(roster, directory.institution));
        json_object_set_new(to, "quality", number_json(directory.quality));
        json_object_set_new(to, "begin", day_json(directory.begin));
        json_object_set_new(to, "end", day_json(directory.end));
    }
}

static void
admin_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_admin admin;

    if (journal_item_as(item, &admin, sizeof admin) &&
        admin.text_len <= item->bytes.len - sizeof admin) {
        json_object_set_new(to, "ticket", number_json(admin.ticket));
        json_object_set_new(to, "act", number_json(admin.act));
        json_object_set_new(to, "actor", code_json(roster, admin.actor));
        json_object_set_new(to, "object", number_json(admin.object));
        json_object_set_new(to, "text",
                            text_json(item->bytes.at + sizeof admin, admin.text_len));
    }
}

static void
held_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_held held;

    if (journal_item_as(item, &held, sizeof held) &&
        held.reason_len <= item->bytes.len - sizeof held) {
        json_object_set_new(to, "mailbox", number_json(held.mailbox));
        json_object_set_new(to, "number", number_json(held.letter.number));
        json_object_set_new(to, "about", subject_json(held.subject));
        json_object_set_new(to, "actor", code_json(roster, held.actor));
        json_object_set_new(to, "attempts", number_json(held.attempts));
        json_object_set_new(to, "reason",
                            text_json(item->bytes.at + sizeof held, held.reason_len));
    }
}

static void
fold_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_fold fold;

    (void)roster;
    if (journal_item_as(item, &fold, sizeof fold)) {
        json_object_set_new(to, "through_commit", number_json(fold.through_commit));
        json_object_set_new(to, "letters", number_json(fold.letters));
    }
}

static void
replace_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_replace replace;

    (void)roster;
    if (journal_item_as(item, &replace, sizeof replace)) {
        json_object_set_new(to, "old_niss", niss_json(replace.old_niss));
        json_object_set_new(to, "new_niss", niss_json(replace.new_niss));
    }
}

static void
correction_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_correction correction;
    size_t offset = sizeof correction;
    json_t *owed = json_array();

    (void)roster;
    if (journal_item_as(item, &correction, sizeof correction)) {
        json_object_set_new(to, "ticket", number_json(correction.ticket));
        json_object_set_new(to, "of", number_json(correction.of));
        json_object_set_new(
            to, "act",
            json_string(correction.act == CORRECTION_CANCELS ? "cancels" : "replaces"));
    }
    for (struct journal_owed one; item->bytes.len >= offset + sizeof one;
         offset += sizeof one) {
        json_t *json = json_object();

        memcpy(&one, item->bytes.at + offset, sizeof one);
        json_object_set_new(json, "mailbox", number_json(one.mailbox));
        json_object_set_new(json, "only", json_boolean(one.only != 0));
        if (one.quality != 0) {
            json_object_set_new(json, "quality", number_json(one.quality));
            json_object_set_new(json, "begin", day_json(one.begin));
            json_object_set_new(json, "end", day_json(one.end));
        }
        json_array_append_new(owed, json);
    }
    json_object_set_new(to, "owed", owed);
}

static void
unwanted_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_unwanted unwanted;

    if (journal_item_as(item, &unwanted, sizeof unwanted)) {
        json_object_set_new(to, "ticket", number_json(unwanted.ticket));
        json_object_set_new(to, "institution", code_json(roster, unwanted.institution));
        json_object_set_new(to, "flow", number_json(unwanted.flow));
        if (unwanted.quality != 0) {
            json_object_set_new(to, "quality", number_json(unwanted.quality));
            json_object_set_new(to, "begin", day_json(unwanted.begin));
            json_object_set_new(to, "end", day_json(unwanted.end));
        }
    }
}

static void
merged_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_merged merged;

    (void)roster;
    if (journal_item_as(item, &merged, sizeof merged)) {
        json_object_set_new(to, "ticket", number_json(merged.ticket));
        json_object_set_new(to, "mailbox", number_json(merged.mailbox));
        json_object_set_new(to, "number", number_json(merged.number));
        json_object_set_new(to, "into", number_json(merged.into));
    }
}

static void
withdrawn_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_withdrawn withdrawn;

    (void)roster;
    if (journal_item_as(item, &withdrawn, sizeof withdrawn)) {
        json_object_set_new(to, "ticket", number_json(withdrawn.ticket));
        json_object_set_new(to, "of", number_json(withdrawn.of));
        json_object_set_new(to, "mailbox", number_json(withdrawn.mailbox));
        json_object_set_new(to, "number", number_json(withdrawn.number));
        json_object_set_new(to, "of_number", number_json(withdrawn.of_number));
    }
}

static void
moved_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_moved moved;

    (void)roster;
    if (journal_item_as(item, &moved, sizeof moved)) {
        json_object_set_new(to, "mailbox", number_json(moved.mailbox));
        json_object_set_new(to, "number", number_json(moved.number));
    }
}

static void
expired_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_expired expired;

    (void)roster;
    if (journal_item_as(item, &expired, sizeof expired)) {
        json_object_set_new(to, "bodies_through_commit",
                            number_json(expired.erased_commit));
        json_object_set_new(to, "first_commit", number_json(expired.first_commit));
    }
}

static void
indexed_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_indexed indexed;

    (void)roster;
    if (journal_item_as(item, &indexed, sizeof indexed)) {
        json_object_set_new(to, "from_commit", number_json(indexed.from_commit));
        json_object_set_new(to, "through_commit", number_json(indexed.through_commit));
        json_object_set_new(to, "entries", number_json(indexed.entries));
    }
}

static void
row_item(const struct journal_item *item, const struct roster *roster, json_t *to)
{
    struct journal_row row;
    struct bytes key, piece;

    (void)roster;
    if (journal_item_row(item, &row, &key, &piece)) {
        char *hex = xcalloc(2, key.len + 1);

        json_object_set_new(to, "table", number_json(row.table));
        json_object_set_new(to, "erased", json_boolean(row.erased != 0));
        json_object_set_new(
            to, "key",
            json_string(sodium_bin2hex(hex, 2 * key.len + 1, key.at, key.len)));
        free(hex);
    }
}

static const struct {
    const char *name;
    item_fn write;
} kinds[] = {
    [JOURNAL_EVENT] = {"event", event_item},
    [JOURNAL_REFUSAL] = {"refusal", refusal_item},
    [JOURNAL_ACKNOWLEDGE] = {"acknowledge", acknowledge_item},
    [JOURNAL_DIRECTORY] = {"directory", directory_item},
    [JOURNAL_ADMIN] = {"admin", admin_item},
    [JOURNAL_FOLD] = {"fold", fold_item},
    [JOURNAL_REFUSE_LETTER] = {"refuse_letter", held_item},
    [JOURNAL_DEFER] = {"defer", held_item},
    [JOURNAL_RETRY] = {"retry", held_item},
    [JOURNAL_PARK] = {"park", held_item},
    [JOURNAL_DROP] = {"drop", held_item},
    [JOURNAL_MOVED] = {"moved", moved_item},
    [JOURNAL_EXPIRED] = {"expired", expired_item},
    [JOURNAL_CORRECTION] = {"correction", correction_item},
    [JOURNAL_INDEXED] = {"indexed", indexed_item},
    [JOURNAL_UNWANTED] = {"unwanted", unwanted_item},
    [JOURNAL_MERGED] = {"merged", merged_item},
    [JOURNAL_WITHDRAWN] = {"withdrawn", withdrawn_item},
    [JOURNAL_ROW] = {"row", row_item},
    [JOURNAL_REPLACE] = {"replace", replace_item},
};

json_t *
export_item(const struct journal_item *item, const struct roster *roster)
{
    json_t *to = json_object();
    size_t kind = (size_t)item->kind;

    if (kind >= ARRAY_LEN(kinds) || kinds[kind].name == NULL) {
        json_object_set_new(to, "kind", number_json(kind));
        return to;
    }
    json_object_set_new(to, "kind", json_string(kinds[kind].name));
    kinds[kind].write(item, roster, to);
    return to;
}
