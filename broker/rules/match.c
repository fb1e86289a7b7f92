// SPDX-License-Identifier: EUPL-1.2
#include "rules/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/match_trace.h"

enum { RECIPIENT_SHOWN_MAX = 40, INSERTION_MAX = 64, SMALL_SECTORS = 64 };

// One mutation being matched.
struct matching {
    const struct match_question *question;
    const struct flow *flow;
    const struct institution *addressed; // NULL on flows that are not
    struct grant *grants;
    size_t len;
    bool full;
    struct trace *trace; // NULL when nobody wants to know why
};

// One group of recipients and what it asks today.
struct asking {
    const struct group *group;
    uint64_t small_sectors; // bit s: sector s below 64 is among the group's
    uint16_t index;
    struct demand demand;
};

// ---- one integration ----

static bool
has_sector(const struct group *group, uint16_t sector)
{
    for (uint16_t i = 0; i < group->sectors_len; i++) {
        if (group->sectors[i] == sector) {
            return true;
        }
    }
    return false;
}

static uint64_t
small_sectors_of(const struct group *group)
{
    uint64_t sectors = 0;

    for (uint16_t i = 0; i < group->sectors_len; i++) {
        if (group->sectors[i] < SMALL_SECTORS) {
            sectors |= UINT64_C(1) << group->sectors[i];
        }
    }
    return sectors;
}

// Most integrations of a person are of sectors that do not get the flow.
static bool
asks_sector(const struct asking *asking, uint16_t sector)
{
    return sector < SMALL_SECTORS ? (asking->small_sectors >> sector & 1) != 0
                                  : has_sector(asking->group, sector);
}

// The first rule that says no, RULE_DELIVERED when none does.
static enum match_rule
judge_integration(const struct match_question *question, const struct asking *asking,
                  const struct integration *integration, uint8_t *ret_classes)
{
    const struct group *group = asking->group;

    if (group->audience == BY_DIRECTORY && !asks_sector(asking, integration->sector)) {
        return RULE_SECTOR;
    }
    if (!demand_takes_quality(&asking->demand, integration->quality)) {
        return RULE_QUALITY;
    }
    if (!demand_takes_days(&asking->demand, integration)) {
        return RULE_WHEN;
    }
    if (group->not_publisher && integration->institution == question->publisher->id) {
        return RULE_NOT_PUBLISHER;
    }

    const struct quality *quality =
        catalogue_quality(question->catalogue, integration->sector, integration->quality);

    if (quality == NULL) {
        return RULE_QUALITY; // from an older catalogue: no class, so no field
    }

    *ret_classes = quality->class;
    return RULE_DELIVERED;
}

static void
add_grant(struct matching *matching, const struct grant *grant)
{
    if (matching->len == GRANTS_MAX) {
        matching->full = true;
        return;
    }
    matching->grants[matching->len++] = *grant;
}

// The integrations of one that was merged are its successor's.
static struct integration
as_of_today(const struct match_question *question, const struct integration *integration)
{
    struct integration today = *integration;

    today.institution = roster_successor(question->roster, integration->institution);
    return today;
}

static const struct institution *
successor_of(const struct matching *matching, const struct institution *institution)
{
    const struct roster *roster = matching->question->roster;

    return institution == NULL
               ? NULL
               : roster_institution(roster, roster_successor(roster, institution->id));
}

static void
match_integration(struct matching *matching, const struct asking *asking,
                  const struct integration *integration)
{
    uint8_t classes = 0;
    enum match_rule stopped =
        judge_integration(matching->question, asking, integration, &classes);

    if (stopped == RULE_DELIVERED) {
        add_grant(matching, &(struct grant){
                                .institution = integration->institution,
                                .group = asking->index,
                                .classes = classes,
                                .justified = true,
                                .integration = *integration,
                            });
    }
    if (matching->trace != NULL) {
        trace_integration(matching->trace, matching->question, asking->index,
                          &asking->demand, integration, stopped);
    }
}

// ---- one institution that the law, the message or the catalogue names ----

static void
note_recipient(const struct matching *matching, const struct asking *asking,
               uint32_t institution, enum match_rule rule, bool passed, const char *text)
{
    if (matching->trace != NULL) {
        trace_recipient(matching->trace, matching->question, asking->index, institution,
                        rule, passed, text);
    }
}

static void
match_institution(struct matching *matching, const struct asking *asking,
                  const struct institution *institution, const char *because)
{
    const struct match_question *question = matching->question;
    bool has_any = false;

    note_recipient(matching, asking, institution->id, RULE_RECIPIENT, true, because);
    if (asking->group->not_publisher && institution->id == question->publisher->id) {
        note_recipient(matching, asking, institution->id, RULE_NOT_PUBLISHER, false,
                       "it is the publisher itself");
        return;
    }
    if (!demand_is_made(&asking->group->recipient)) {
        add_grant(matching, &(struct grant){
                                .institution = institution->id,
                                .group = asking->index,
                                .classes = CLASS_ALL,
                            });
        return;
    }
    for (size_t i = 0; i < question->integrations_len; i++) {
        struct integration own = as_of_today(question, &question->integrations[i]);

        if (own.institution == institution->id) {
            match_integration(matching, asking, &own);
            has_any = true;
        }
    }
    if (!has_any) {
        note_recipient(matching, asking, institution->id, RULE_WHEN, false,
                       "it has no integration on this person");
    }
}

// ---- the four kinds of audience ----

static void
match_directory(struct matching *matching, const struct asking *asking)
{
    const struct match_question *question = matching->question;

    for (size_t i = 0; i < question->integrations_len; i++) {
        const struct integration *integration = &question->integrations[i];

        // A third of the time went into asking those who are of no sector concerned.
        if (matching->trace != NULL || asks_sector(asking, integration->sector)) {
            struct integration today = as_of_today(question, integration);

            match_integration(matching, asking, &today);
        }
    }
}

static void
match_addressed(struct matching *matching, const struct asking *asking)
{
    const struct institution *addressed = matching->addressed;

    if (has_sector(asking->group, addressed->sector)) {
        match_institution(matching, asking, addressed, "the message names it");
    } else {
        note_recipient(matching, asking, addressed->id, RULE_RECIPIENT, false,
                       "the message names it, but it is of none of the sectors");
    }
}

static void
match_named(struct matching *matching, const struct asking *asking)
{
    const struct group *group = asking->group;

    for (uint16_t i = 0; i < group->fixed_len; i++) {
        const struct institution *named =
            successor_of(matching, roster_by_code(matching->question->roster,
                                                  bytes_of(group->fixed[i])));

        if (named != NULL) {
            match_institution(matching, asking, named, "the catalogue names it");
            continue;
        }

        char text[INSTITUTION_CODE_LEN + 64];

        snprintf(text, sizeof text, "the catalogue names %s, which is not registered",
                 group->fixed[i]);
        note_recipient(matching, asking, 0, RULE_RECIPIENT, false, text);
    }
}

static void
match_every_subscriber(struct matching *matching, const struct asking *asking)
{
    const struct roster *roster = matching->question->roster;

    for (size_t i = 0; i < roster_len(roster); i++) {
        const struct institution *institution = roster_at(roster, i);

        if (has_sector(asking->group, institution->sector) &&
            !institution_is_merged(institution)) {
            match_institution(matching, asking, institution,
                              "every institution of the sector gets it");
        }
    }
}

static void
match_group(struct matching *matching, const struct asking *asking)
{
    switch (asking->group->audience) {
    case BY_DIRECTORY:
        match_directory(matching, asking);
        break;
    case BY_ADDRESS:
        match_addressed(matching, asking);
        break;
    case BY_NAME:
        match_named(matching, asking);
        break;
    case EVERY_SUBSCRIBER:
        match_every_subscriber(matching, asking);
        break;
    }
}

// ---- what is asked of the mutation as a whole ----

static bool
publisher_fulfils(const struct matching *matching, const struct condition *condition,
                  uint16_t group)
{
    const struct match_question *question = matching->question;
    const struct integration *found = NULL;
    struct demand demand;

    if (!demand_is_made(condition)) {
        return true;
    }
    demand_of(condition, question->judged, question->today, &demand);
    for (size_t i = 0; i < question->integrations_len && found == NULL; i++) {
        const struct integration *own = &question->integrations[i];

        if (roster_successor(question->roster, own->institution) ==
                question->publisher->id &&
            demand_takes_quality(&demand, own->quality) &&
            demand_takes_days(&demand, own)) {
            found = own;
        }
    }
    if (matching->trace != NULL) {
        trace_publisher(matching->trace, question, group, &demand, found);
    }
    return found != NULL;
}

static enum vg_status
refuse_addressed(const struct matching *matching, const char *text, struct why *why)
{
    if (matching->trace != NULL) {
        trace_recipient(matching->trace, matching->question, TRACE_WHOLE_FLOW, 0,
                        RULE_RECIPIENT, false, text);
    }
    return fail(why, VG_BAD_RECIPIENT, "recipient: %s", text);
}

static enum vg_status
find_addressed(struct matching *matching, struct why *why)
{
    struct hot_bytes code = matching->question->judged->mutation->recipient;
    const struct institution *addressed =
        successor_of(matching, roster_by_code(matching->question->roster,
                                              (struct bytes){code.at, code.len}));
    char text[WHY_TEXT_MAX];

    if (addressed == NULL) {
        // What a sender wrote goes into a log: cut, and only letters of codes.
        char shown[RECIPIENT_SHOWN_MAX + 1] = "";

        for (size_t i = 0; i < code.len && i < RECIPIENT_SHOWN_MAX; i++) {
            shown[i] = code.at[i] > ' ' && code.at[i] < 0x7f ? (char)code.at[i] : '?';
        }
        snprintf(text, sizeof text, "%s is not registered", shown);
        return refuse_addressed(matching, text, why);
    }
    for (uint16_t i = 0; i < matching->flow->groups_len; i++) {
        const struct group *group = &matching->flow->groups[i];

        if (group->audience == BY_ADDRESS && has_sector(group, addressed->sector)) {
            matching->addressed = addressed;
            return VG_OK;
        }
    }
    snprintf(text, sizeof text, "flow %s is not for %s (sector %u)", matching->flow->name,
             addressed->code, (unsigned)addressed->sector);
    return refuse_addressed(matching, text, why);
}

// A group whose own demand on the publisher is not met gets nothing; the others do. Where
// that leaves no group at all, the publisher had no right to publish.
static enum vg_status
match_groups(struct matching *matching, struct why *why)
{
    const struct flow *flow = matching->flow;
    uint16_t missing = 0;

    for (uint16_t i = 0; i < flow->groups_len; i++) {
        const struct group *group = &flow->groups[i];

        if (!publisher_fulfils(matching, &group->publisher, i)) {
            missing++;
            continue;
        }

        struct asking asking = {
            .group = group,
            .small_sectors = small_sectors_of(group),
            .index = i,
        };

        demand_of(&group->recipient, matching->question->judged,
                  matching->question->today, &asking.demand);
        match_group(matching, &asking);
    }
    if (missing > 0 && missing == flow->groups_len) {
        return fail(why, VG_NOT_INTEGRATED,
                    "flow %s: %s has none of the integrations it needs for a recipient",
                    flow->name, matching->question->publisher->code);
    }
    if (matching->full) {
        return fail(why, VG_TOO_MANY, "flow %s: over %d integrations may see it",
                    flow->name, GRANTS_MAX);
    }
    return VG_OK;
}

// ---- order ----

static int
compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int
compare_grants(const void *left, const void *right)
{
    const struct grant *a = left;
    const struct grant *b = right;
    int order = compare_numbers(a->institution, b->institution);

    order = order != 0 ? order : a->justified - b->justified;
    order = order != 0 ? order : a->integration.quality - b->integration.quality;
    order =
        order != 0 ? order : compare_numbers(a->integration.begin, b->integration.begin);
    order = order != 0 ? order : compare_numbers(a->integration.end, b->integration.end);
    return order != 0 ? order : a->group - b->group;
}

// The directory is sorted already, inside each sector: few grants move, and not far.
static void
sort_grants(struct grant *grants, size_t len)
{
    if (len > INSERTION_MAX) {
        qsort(grants, len, sizeof *grants, compare_grants);
        return;
    }
    for (size_t i = 1; i < len; i++) {
        struct grant grant = grants[i];
        size_t place = i;

        while (place > 0 && compare_grants(&grants[place - 1], &grant) > 0) {
            grants[place] = grants[place - 1];
            place--;
        }
        grants[place] = grant;
    }
}

// Two groups may let the same integration through: once is enough, the first group's.
static size_t
drop_repeats(struct grant *grants, size_t len)
{
    size_t kept = 0;

    for (size_t i = 0; i < len; i++) {
        const struct grant *last = kept == 0 ? NULL : &grants[kept - 1];
        bool repeats = last != NULL && last->institution == grants[i].institution &&
                       last->justified == grants[i].justified &&
                       memcmp(&last->integration, &grants[i].integration,
                              sizeof last->integration) == 0;

        if (!repeats) {
            grants[kept++] = grants[i];
        }
    }
    return kept;
}

enum vg_status
match_recipients(const struct match_question *question, struct grant *ret_grants,
                 size_t *ret_len, struct trace *trace, struct why *why)
{
    const struct flow *flow = question->judged->flow;
    struct matching matching = {
        .question = question,
        .flow = flow,
        .grants = ret_grants,
        .trace = trace,
    };
    enum vg_status status = VG_OK;

    CHECK(flow != NULL && question->publisher != NULL);
    *ret_len = 0;
    if (!publisher_fulfils(&matching, &flow->publisher, TRACE_WHOLE_FLOW)) {
        return fail(why, VG_NOT_INTEGRATED,
                    "flow %s: %s has no integration of its own that allows it",
                    flow->name, question->publisher->code);
    }
    if (flow->needs_recipient) {
        status = find_addressed(&matching, why);
    }
    if (status == VG_OK) {
        status = match_groups(&matching, why);
    }
    if (status != VG_OK) {
        return status;
    }

    sort_grants(ret_grants, matching.len);
    *ret_len = drop_repeats(ret_grants, matching.len);
    if (trace != NULL) {
        trace_shares(trace, question, ret_grants, *ret_len);
    }
    return VG_OK;
}

// ---- fields and mailboxes ----

uint64_t
match_fields(const struct catalogue *catalogue, const struct judged *judged,
             uint8_t classes)
{
    uint64_t keep = 0;

    for (uint32_t i = 0; i < judged->mutation->fields_len; i++) {
        const struct field_rule *rule = catalogue_field_rule(catalogue, judged->field[i]);

        if (rule != NULL && (rule->classes & classes) != 0) {
            keep |= UINT64_C(1) << i;
        }
    }
    return keep;
}

bool
match_leaves_something(const struct judged *judged, uint64_t keep)
{
    return keep != 0 || judged->mutation->fields_len == 0;
}

static void
take_grant(struct share *share, const struct grant *grant)
{
    share->classes |= grant->classes;
    if (grant->justified && !share->justified) {
        share->justified = true;
        share->integration = grant->integration;
    }
}

void
match_whole_share(uint32_t mailbox, const struct grant *grants, size_t grants_len,
                  struct share *ret_share)
{
    *ret_share = (struct share){.mailbox = mailbox};
    for (size_t i = 0; i < grants_len; i++) {
        take_grant(ret_share, &grants[i]);
    }
}

bool
match_share(const struct mailbox_spec *mailbox, uint16_t flow, const struct grant *grants,
            size_t grants_len, struct share *ret_share)
{
    bool takes_any = false;

    *ret_share = (struct share){.mailbox = mailbox->id};
    for (size_t i = 0; i < grants_len; i++) {
        const struct grant *grant = &grants[i];
        uint16_t quality = grant->justified ? grant->integration.quality : 0;

        if (grant->institution != mailbox->institution ||
            !mailbox_wants(mailbox, flow, quality)) {
            continue;
        }
        takes_any = true;
        take_grant(ret_share, grant);
    }
    return takes_any;
}

// ---- letters ----

// Of a mutation whose fields are lost: might there be one that these classes see?
static bool
may_see_a_field(const struct match_question *question, uint8_t classes)
{
    const struct flow *flow = question->judged->flow;

    for (int i = 0; i < CATALOGUE_FIELDS_MAX; i++) {
        const struct field_rule *rule = (flow->fields[i / 64] >> (i % 64) & 1) != 0
                                            ? catalogue_field_rule(question->catalogue, i)
                                            : NULL;

        if (rule != NULL && (rule->classes & classes) != 0) {
            return true;
        }
    }
    return false;
}

static void
add_letter(const struct match_question *question, const struct mailbox_spec *mailbox,
           const struct share *share, struct match_letters *letters)
{
    uint64_t keep = match_fields(question->catalogue, question->judged, share->classes);
    bool has_lost = question->fields_lost > 0;
    bool unsure = has_lost && keep == 0;

    if (unsure ? !may_see_a_field(question, share->classes)
               : !match_leaves_something(question->judged, keep)) {
        return;
    }
    if (letters->len == letters->size) {
        letters->size = letters->size * 2 + 64;
        letters->at = realloc(letters->at, letters->size * sizeof *letters->at);
        CHECK(letters->at != NULL);
    }
    letters->at[letters->len++] = (struct match_letter){
        .institution = mailbox->institution,
        .share = *share,
        .keep = keep,
        .unsure = unsure,
    };
}

void
match_letters(const struct match_question *question, const struct grant *grants,
              size_t grants_len, struct match_letters *ret)
{
    uint16_t flow = question->judged->flow->id;
    size_t first = 0;

    ret->len = 0;
    while (first < grants_len) {
        const struct mailbox_spec *const *mailboxes = NULL;
        uint32_t institution = grants[first].institution;
        size_t mailboxes_len =
            roster_mailboxes(question->roster, institution, &mailboxes);
        size_t len = 1;

        while (first + len < grants_len &&
               grants[first + len].institution == institution) {
            len++;
        }
        for (size_t i = 0; i < mailboxes_len; i++) {
            struct share share;

            if (match_share(mailboxes[i], flow, grants + first, len, &share)) {
                add_letter(question, mailboxes[i], &share, ret);
            }
        }
        first += len;
    }
}

void
match_letters_free(struct match_letters *letters)
{
    free(letters->at);
    *letters = (struct match_letters){0};
}
