// SPDX-License-Identifier: EUPL-1.2
// http_rules.c - the rules of a mailbox: what it does not want and when nothing is pushed to
// it, shown and set.
#include "edge/http_inside.h"

#include <stdlib.h>
#include <string.h>

static const char *const cancelled_words[] = {
    [CANCELLED_PAIR] = "pair",
    [CANCELLED_NEITHER] = "neither",
};

enum { QUALITY_CODES = 64, SPAN_LEN = 11 }; // HH:MM-HH:MM

// ---- shown ----

static void
print_minute(struct buffer *text, unsigned minute)
{
    buffer_print(text, "%02u:%02u", minute / 60, minute % 60);
}

static void
print_quiet(struct buffer *text, const struct mailbox_rules *rules)
{
    print_minute(text, rules->quiet_from);
    buffer_print(text, "-");
    print_minute(text, rules->quiet_to);
}

// As it is set: "PersonnelFile" or "PersonnelFile:001,030".
static void
print_unwanted(struct buffer *text, const struct broker *broker,
               const struct unwanted *unwanted)
{
    const struct flow *flow =
        broker->catalogue == NULL
            ? NULL
            : catalogue_flow_by_id(broker->catalogue, unwanted->flow);
    bool all = unwanted->qualities == UINT64_MAX;
    char before = ':';

    if (flow != NULL) {
        buffer_print(text, "%s", flow->name);
    } else {
        buffer_print(text, "%u", unwanted->flow);
    }
    for (unsigned code = 1; !all && code < QUALITY_CODES; code++) {
        if ((unwanted->qualities >> code & 1) != 0) {
            buffer_print(text, "%c%03u", before, code);
            before = ',';
        }
    }
}

static json_t *
text_json(struct buffer *text)
{
    json_t *json = text->len == 0 ? json_string("")
                                  : json_stringn((const char *)text->at, text->len);

    buffer_free(text);
    return json;
}

static json_t *
rules_json(const struct broker *broker, const struct mailbox_rules *rules)
{
    json_t *unwanted = json_array();
    json_t *quiet = json_null();
    json_t *digest = json_null();
    struct buffer text = {0};

    for (uint32_t i = 0; i < rules->unwanted_len; i++) {
        print_unwanted(&text, broker, &rules->unwanted[i]);
        json_array_append_new(unwanted, text_json(&text));
    }
    if (rules->quiet_from != rules->quiet_to) {
        print_quiet(&text, rules);
        quiet = text_json(&text);
    }
    if (rules->digest != 0) {
        print_minute(&text, rules->digest - 1u);
        digest = text_json(&text);
    }
    return json_pack("{s:o, s:o, s:o, s:b, s:b, s:s}", "unwanted", unwanted, "quiet",
                     quiet, "digest", digest, "urgent_first", rules->urgent_first != 0,
                     "merge_repeats", rules->repeats == REPEATS_MERGE, "cancelled",
                     cancelled_words[rules->cancelled]);
}

json_t *
http_rules_text(const struct broker *broker, const struct mailbox_spec *spec)
{
    const struct mailbox_rules *rules = &spec->rules;
    struct buffer text = {0};

    for (uint32_t i = 0; i < rules->unwanted_len; i++) {
        buffer_print(&text, i == 0 ? "without " : ", ");
        print_unwanted(&text, broker, &rules->unwanted[i]);
    }
    if (rules->quiet_from != rules->quiet_to) {
        buffer_print(&text, text.len == 0 ? "quiet " : "; quiet ");
        print_quiet(&text, rules);
    }
    if (rules->digest != 0) {
        buffer_print(&text, text.len == 0 ? "digest " : "; digest ");
        print_minute(&text, rules->digest - 1u);
    }
    if (rules->urgent_first != 0) {
        buffer_print(&text, text.len == 0 ? "urgent first" : "; urgent first");
    }
    if (rules->repeats == REPEATS_MERGE) {
        buffer_print(&text, text.len == 0 ? "repeats merged" : "; repeats merged");
    }
    if (rules->cancelled == CANCELLED_NEITHER) {
        buffer_print(&text, "%swithout what is cancelled", text.len == 0 ? "" : "; ");
    }
    return text_json(&text);
}

void
get_rules(struct call *call)
{
    const struct mailbox_spec *spec = http_mailbox(call);

    if (spec != NULL) {
        call_answer(call, json_pack("{s:i, s:o}", "mailbox", (int)spec->id, "rules",
                                    rules_json(call->broker, &spec->rules)));
    }
}

// ---- set ----

// "FLOW" or "FLOW:001,002".
static bool
read_qualities(const char *codes, uint64_t *ret)
{
    *ret = 0;
    for (;;) {
        char *end = NULL;
        unsigned long code = strtoul(codes, &end, 10);

        if (end == codes || *codes < '0' || *codes > '9' || code == 0 ||
            code >= QUALITY_CODES) {
            return false;
        }
        *ret |= UINT64_C(1) << code;
        if (*end == '\0') {
            return true;
        }
        if (*end != ',') {
            return false;
        }
        codes = end + 1;
    }
}

// By which an unwanted flow and its qualities are known.
struct naming {
    const struct catalogue *catalogue; // NULL: none yet
    uint16_t sector;                   // of the mailbox's institution
};

// The writer refuses an unknown flow as well, but not beside other mistakes; a quality that
// nobody has it keeps, and that does nothing.
static void
check_unwanted(const struct naming *naming, const char *word,
               const struct choice_request *unwanted, struct faults *faults)
{
    int len = (int)(unwanted->flow.len < 60 ? unwanted->flow.len : 60);
    struct bytes name = {(const uint8_t *)word, unwanted->flow.len};

    if (naming->catalogue == NULL) {
        return;
    }
    if (catalogue_flow(naming->catalogue, name) == NULL) {
        faults_add(faults, VG_UNKNOWN_FLOW, 0, "flow \"%.*s\" is not in the catalogue",
                   len, word);
    }
    for (uint16_t code = 1; code < QUALITY_CODES; code++) {
        if ((unwanted->qualities >> code & 1) != 0 &&
            catalogue_quality(naming->catalogue, naming->sector, code) == NULL) {
            faults_add(faults, VG_UNKNOWN_QUALITY, 0, "%.*s: sector %u has no code %03u",
                       len, word, (unsigned)naming->sector, (unsigned)code);
        }
    }
}

// Names are put into `names`; until that is a command's frame, a request has its length only.
static void
read_unwanted(const json_t *list, const struct naming *naming, struct choice_request *ret,
              struct buffer *names, struct faults *faults)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        const char *codes = word == NULL ? NULL : strchr(word, ':');

        ret[i] = (struct choice_request){.qualities = 0};
        if (word == NULL || word[0] == '\0' || codes == word ||
            (codes != NULL && !read_qualities(codes + 1, &ret[i].qualities))) {
            faults_add(faults, VG_MALFORMED, 0,
                       "\"unwanted\": \"%.60s\" must be FLOW or FLOW:QUALITY,..., "
                       "qualities from 1 to %d",
                       word == NULL ? "?" : word, QUALITY_CODES - 1);
            continue;
        }
        ret[i].flow.len = codes == NULL ? strlen(word) : (size_t)(codes - word);
        buffer_add(names, word, ret[i].flow.len);
        check_unwanted(naming, word, &ret[i], faults);
    }
}

static const char *
text_or_none(const json_t *value)
{
    return json_is_string(value) ? json_string_value(value) : "";
}

static void
read_quiet(const json_t *value, struct mailbox_rules *rules, struct faults *faults)
{
    const char *text = text_or_none(value);
    struct why why;

    if (text[0] == '\0') {
        return; // none from now on
    }
    if (strlen(text) != SPAN_LEN || text[SPAN_LEN / 2] != '-' ||
        day_minute_parse(text, SPAN_LEN / 2, &rules->quiet_from, &why) != VG_OK ||
        day_minute_parse(text + SPAN_LEN / 2 + 1, SPAN_LEN / 2, &rules->quiet_to, &why) !=
            VG_OK) {
        faults_add(faults, VG_BAD_DATE, 0,
                   "\"quiet\": \"%.20s\" must be HH:MM-HH:MM, or empty", text);
    } else if (rules->quiet_from == rules->quiet_to) {
        faults_add(faults, VG_BAD_DATE, 0, "\"quiet\": \"%.20s\" ends when it begins",
                   text);
    }
}

static void
read_digest(const json_t *value, struct mailbox_rules *rules, struct faults *faults)
{
    const char *text = text_or_none(value);
    uint16_t minute = 0;
    struct why why;

    if (text[0] == '\0') {
        return;
    }
    if (day_minute_parse(text, strlen(text), &minute, &why) != VG_OK) {
        faults_add(faults, VG_BAD_DATE, 0, "\"digest\": %s", why.text);
        return;
    }
    rules->digest = (uint16_t)(minute + 1);
}

static bool
read_choice(const json_t *object, const char *name, struct faults *faults)
{
    const json_t *value = json_object_get(object, name);

    if (value != NULL && !json_is_boolean(value)) {
        faults_add(faults, VG_MALFORMED, 0, "\"%s\" must be true or false", name);
    }
    return json_is_true(value);
}

static void
read_cancelled(const json_t *value, struct mailbox_rules *rules, struct faults *faults)
{
    const char *word = value == NULL ? cancelled_words[0] : json_string_value(value);

    for (size_t i = 0; word != NULL && i < ARRAY_LEN(cancelled_words); i++) {
        if (strcmp(word, cancelled_words[i]) == 0) {
            rules->cancelled = (uint16_t)i;
            return;
        }
    }
    faults_add(faults, VG_MALFORMED, 0,
               "\"cancelled\": \"%.20s\" must be pair or neither",
               word == NULL ? "?" : word);
}

// What is wrong is in faults.
static struct command *
command_of(const json_t *object, const struct naming *naming, uint32_t mailbox,
           struct faults *faults)
{
    const json_t *list = json_object_get(object, "unwanted");
    size_t len = json_array_size(list);
    struct set_rules_command set = {.mailbox = mailbox, .unwanted_len = len};
    struct buffer names = {0};
    struct command *command;
    size_t at = 0;

    set.unwanted = xcalloc(len + 1, sizeof *set.unwanted);
    set.named = (list != NULL ? RULES_UNWANTED : 0u) |
                (json_object_get(object, "quiet") != NULL ? RULES_QUIET : 0u) |
                (json_object_get(object, "digest") != NULL ? RULES_DIGEST : 0u) |
                (json_object_get(object, "urgent_first") != NULL ? RULES_URGENT : 0u) |
                (json_object_get(object, "merge_repeats") != NULL ? RULES_REPEATS : 0u) |
                (json_object_get(object, "cancelled") != NULL ? RULES_CANCELLED : 0u);
    if (list != NULL && !json_is_array(list)) {
        faults_add(faults, VG_MALFORMED, 0, "\"unwanted\" must be a list of flows");
    }
    read_unwanted(list, naming, set.unwanted, &names, faults);
    read_quiet(json_object_get(object, "quiet"), &set.rules, faults);
    read_digest(json_object_get(object, "digest"), &set.rules, faults);
    set.rules.urgent_first = read_choice(object, "urgent_first", faults);
    set.rules.repeats =
        read_choice(object, "merge_repeats", faults) ? REPEATS_MERGE : REPEATS_COME;
    read_cancelled(json_object_get(object, "cancelled"), &set.rules, faults);
    command = command_new(COMMAND_SET_RULES, names.at, names.len);
    for (size_t i = 0; i < len; i++) {
        if (set.unwanted[i].flow.len > 0) { // none was read after a fault
            set.unwanted[i].flow.at = command->frame.at + at;
            at += set.unwanted[i].flow.len;
        }
    }
    command->set_rules = set;
    buffer_free(&names);
    return command;
}

// Flows by their number: what answers has no catalogue at hand.
static json_t *
rules_set(const struct command *command)
{
    return json_pack("{s:I, s:i}", "ticket", (json_int_t)command->ticket, "mailbox",
                     (int)command->set_rules.mailbox);
}

void
post_rules(struct call *call)
{
    static const char *const known[] = {
        "unwanted",      "quiet",     "digest", "urgent_first",
        "merge_repeats", "cancelled", NULL};
    const struct mailbox_spec *spec = http_mailbox(call);
    struct naming naming;
    struct faults faults = {0};
    struct command *command;
    json_t *object;

    if (spec == NULL) {
        return;
    }
    naming.catalogue = call->broker->catalogue;
    naming.sector = roster_institution(call->broker->roster, spec->institution)->sector;
    object = http_object(call, known, &faults);
    command = command_of(object, &naming, spec->id, &faults);
    json_decref(object);
    if (faults.total > 0) {
        command_free(&command);
        call_refuse_all(call, faults_first(&faults), &faults);
        return;
    }
    call_propose(call, &command, rules_set);
}
