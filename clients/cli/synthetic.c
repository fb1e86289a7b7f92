// SPDX-License-Identifier: EUPL-1.2
#include "synthetic.h"

#include <stdio.h>
#include <string.h>

enum {
    BIRTH_YEAR_FIRST = 1930,
    BIRTH_DAYS = 28 * 12 * 90, // 90 years of twelve months of 28 days: every one exists
    DAYS_BEFORE_2000 = 28 * 12 * (2000 - BIRTH_YEAR_FIRST),
    SERIALS = 662,       // enough for the largest Belgium
    SPARE_SERIALS = 336, // those above, for numbers that nobody has
    LOOK_FOR_FOLLOWED = 64,
    CODES_MAX = 32,
};

uint64_t
synthetic_random(const struct synthetic *synthetic, uint64_t a, uint64_t b,
                 uint64_t limit)
{
    // splitmix64 over the three numbers.
    uint64_t x = synthetic->seed * UINT64_C(0x9E3779B97F4A7C15) + a;

    for (int i = 0; i < 2; i++) {
        x += UINT64_C(0x9E3779B97F4A7C15) + b;
        x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
        x ^= x >> 31;
    }
    return x % limit;
}

// ---- institutions ----

static void
add_institution(struct synthetic *synthetic, const char *code, const char *sector,
                uint32_t number, bool source, bool member)
{
    struct synthetic_institution *institution =
        &synthetic->institutions[synthetic->institutions_len++];

    snprintf(institution->code, sizeof institution->code, "%s", code);
    snprintf(institution->sector, sizeof institution->sector, "%s", sector);
    institution->number = number;
    institution->source = source;
    institution->member = member;
}

static void
add_several(struct synthetic *synthetic, const char *sector, uint32_t count)
{
    char code[24];

    for (uint32_t i = 1; i <= count; i++) {
        snprintf(code, sizeof code, "%.16s-%02u", sector, i);
        add_institution(synthetic, code, sector, i, false, true);
    }
}

static size_t
institution_of(const struct synthetic *synthetic, const char *code)
{
    for (size_t i = 0; i < synthetic->cpas_first; i++) {
        if (strcmp(synthetic->institutions[i].code, code) == 0) {
            return i;
        }
    }
    return 0;
}

// Sectors that know nearly everybody, and some that know some.
static const char *const actor_codes[SYNTHETIC_ACTORS] = {
    "FIN",     "ONSS",   "ONEM",          "PENSION", "FAMILY-01", "MUTUALITY-01",
    "INAMI",   "INASTI", "KIND-EN-GEZIN", "DE-LIJN", "WATER-01",  "VDAB",
    "ACTIRIS", "STIB",   "FOREM",         "DGPH",    "ONVA",      "OE",
};

// Several institutions share this one's part.
static uint64_t
several_of(const char *code)
{
    return strstr(code, "-01") == NULL ? 1 : code[0] == 'M' ? 7 : code[0] == 'F' ? 5 : 3;
}

void
synthetic_init(struct synthetic *synthetic, uint64_t seed, uint64_t people,
               size_t cpas_len, double actors, uint32_t today)
{
    static const char *const sources[] = {"RN",      "BIS",   "WAIT", "ONSS", "INASTI",
                                          "PENSION", "SPPIS", "CIN",  "INAMI"};
    static const char *const members[] = {"FIN",           "OE",      "ACTIRIS", "VDAB",
                                          "KIND-EN-GEZIN", "DE-LIJN", "STIB",    "FOREM",
                                          "ONEM",          "DGPH",    "ONVA"};
    char code[24];

    memset(synthetic, 0, sizeof *synthetic);
    synthetic->seed = seed;
    synthetic->people = people;
    synthetic->today = today;
    synthetic->actors = actors;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        add_institution(synthetic, sources[i], sources[i], 1, true, true);
    }
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        add_institution(synthetic, members[i], members[i], 1, false, true);
    }
    add_several(synthetic, "MUTUALITY", 7);
    add_several(synthetic, "FAMILY", 5);
    add_several(synthetic, "WATER", 3);
    synthetic->cpas_first = synthetic->institutions_len;
    synthetic->cpas_len = cpas_len < SYNTHETIC_CPAS_MAX ? cpas_len : SYNTHETIC_CPAS_MAX;
    for (size_t i = 0; i < synthetic->cpas_len; i++) {
        snprintf(code, sizeof code, "CPAS-%03u", (unsigned)(i + 1) % 10000);
        add_institution(synthetic, code, "CPAS", (uint32_t)i + 1, true, true);
    }
    for (size_t i = 0; i < SYNTHETIC_ACTORS; i++) {
        synthetic->actors_at[i] = institution_of(synthetic, actor_codes[i]);
        synthetic->actors_len[i] = several_of(actor_codes[i]);
    }
}

// ---- persons ----

static uint64_t
make_niss(uint64_t day, uint64_t serial)
{
    uint64_t year = BIRTH_YEAR_FIRST + day / (12 * 28);
    uint64_t month = day / 28 % 12 + 1 + 60;
    uint64_t first_nine =
        ((year % 100 * 100 + month) * 100 + day % 28 + 1) * 1000 + serial;
    uint64_t checked = year >= 2000 ? UINT64_C(2000000000) + first_nine : first_nine;

    return first_nine * 100 + 97 - checked % 97;
}

// Neighbours in number are strangers in birth date, and no two are the same: the multiplier
// has no factor in common with the number of days.
static uint64_t
birth_day(const struct synthetic *synthetic, uint64_t person)
{
    return (person % BIRTH_DAYS * 17021 + synthetic->seed % BIRTH_DAYS) % BIRTH_DAYS;
}

uint64_t
synthetic_niss(const struct synthetic *synthetic, uint64_t person)
{
    return make_niss(birth_day(synthetic, person), person / BIRTH_DAYS % SERIALS + 1);
}

bool
synthetic_persons_in_order(const struct synthetic *synthetic, synthetic_person_fn each,
                           void *arg)
{
    static uint32_t
        first[BIRTH_DAYS]; // of each day's persons, the first; then every BIRTH_DAYS

    for (uint64_t person = 0; person < BIRTH_DAYS; person++) {
        first[birth_day(synthetic, person)] = (uint32_t)person;
    }
    // A number begins with the last two digits of the year: 2000 comes before 1999.
    for (uint64_t i = 0; i < BIRTH_DAYS; i++) {
        uint64_t day = (i + DAYS_BEFORE_2000) % BIRTH_DAYS;

        for (uint64_t person = first[day]; person < synthetic->people;
             person += BIRTH_DAYS) {
            if (!each(person, synthetic_niss(synthetic, person), arg)) {
                return false;
            }
        }
    }
    return true;
}

uint64_t
synthetic_spare_niss(const struct synthetic *synthetic, uint64_t index)
{
    (void)synthetic;
    return make_niss(index % BIRTH_DAYS,
                     SERIALS + 1 + index / BIRTH_DAYS % SPARE_SERIALS);
}

// The year comes from the check digits: born from 2000 on, they only fit with the 2 before.
uint32_t
synthetic_birth(uint64_t niss)
{
    uint64_t first_nine = niss / 100;
    bool from_2000 = 97 - first_nine % 97 != niss % 100;
    uint32_t date = (uint32_t)(first_nine / 1000);

    return (from_2000 ? 20000000 : 19000000) + date - 6000;
}

// ---- integrations ----

static uint32_t
months_before(uint32_t date, uint32_t months)
{
    uint32_t all = date / 10000 * 12 + date / 100 % 100 - 1 - months;

    return all / 12 * 10000 + (all % 12 + 1) * 100 + 1;
}

struct quality_share {
    uint32_t quality;
    uint32_t percent;
    uint32_t months_max; // how long ago it may have begun and still run
};

static const struct quality_share shares[] = {
    {1, 10, 1},  {2, 28, 10}, {3, 6, 10},  {4, 10, 10}, {5, 10, 10},
    {6, 3, 10},  {7, 7, 50},  {8, 12, 50}, {9, 5, 50},  {20, 1, 1},
    {21, 1, 40}, {30, 4, 10}, {31, 1, 1},  {40, 2, 0},
};

static const struct quality_share *
draw_quality(uint64_t percent)
{
    size_t i = 0;

    while (i + 1 < sizeof shares / sizeof shares[0] && percent >= shares[i].percent) {
        percent -= shares[i].percent;
        i++;
    }
    return &shares[i];
}

// Large municipalities follow more people: the index grows with the square.
static size_t
draw_cpas(const struct synthetic *synthetic, uint64_t person, uint64_t purpose)
{
    uint64_t u = synthetic_random(synthetic, person, purpose, 1000);

    return synthetic->cpas_first + (size_t)(u * u * synthetic->cpas_len / 1000000);
}

static void
add_followed(const struct synthetic *synthetic, uint64_t person,
             struct synthetic_integration *ret)
{
    const struct quality_share *share =
        draw_quality(synthetic_random(synthetic, person, 2, 100));
    bool ended =
        synthetic_random(synthetic, person, 3, 100) < 20 && share->months_max > 1;
    uint32_t months =
        (uint32_t)synthetic_random(synthetic, person, 4, share->months_max + 1);

    ret->institution = draw_cpas(synthetic, person, 5);
    ret->quality = share->quality;
    ret->begin = share->quality == 40 ? synthetic->today / 10000 * 10000 + 101
                                      : months_before(synthetic->today, months);
    ret->end = 0;
    if (ended && months > 1) {
        ret->end = months_before(synthetic->today, months / 2) + 14;
        if (ret->end >= synthetic->today) {
            ret->end = 0;
        }
    }
}

static size_t
draw_actor(const struct synthetic *synthetic, uint64_t person, size_t actor)
{
    uint64_t several = synthetic->actors_len[actor];

    return synthetic->actors_at[actor] +
           (several == 1 ? 0 : synthetic_random(synthetic, person, 200 + actor, several));
}

static size_t
add_actors(const struct synthetic *synthetic, uint64_t person,
           struct synthetic_integration *ret, size_t room)
{
    uint64_t wanted = (uint64_t)(synthetic->actors * 1000 / SYNTHETIC_ACTORS);
    size_t len = 0;

    for (size_t i = 0; i < SYNTHETIC_ACTORS && len < room; i++) {
        if (synthetic_random(synthetic, person, 100 + i, 1000) >= wanted) {
            continue;
        }

        ret[len++] = (struct synthetic_integration){
            .institution = draw_actor(synthetic, person, i),
            .quality = 1,
            .begin = 20050101 +
                     (uint32_t)synthetic_random(synthetic, person, 300 + i, 18) * 10000,
            .end = 0,
        };
    }
    return len;
}

size_t
synthetic_integrations(const struct synthetic *synthetic, uint64_t person,
                       struct synthetic_integration ret[SYNTHETIC_INTEGRATIONS_MAX])
{
    size_t len = 0;

    // About one in eleven is followed by a CPAS; one in eight of those by a second one.
    if (synthetic_random(synthetic, person, 1, 1000) < 90) {
        add_followed(synthetic, person, &ret[len++]);
        if (synthetic_random(synthetic, person, 6, 1000) < 125) {
            ret[len] = (struct synthetic_integration){
                .institution = draw_cpas(synthetic, person, 7),
                .quality = 8,
                .begin = months_before(synthetic->today, 3),
            };
            len += ret[len].institution != ret[0].institution;
        }
    }
    return len +
           add_actors(synthetic, person, ret + len, SYNTHETIC_INTEGRATIONS_MAX - len);
}

// ---- a day of mutations ----

struct flow_share {
    const char *flow;
    const char *source; // institution, or NULL: the CPAS that follows the person
    uint32_t per_mille;
    bool period;
    const char *fields; // one to a few of these are in a mutation
};

static const struct flow_share flows[SYNTHETIC_FLOWS] = {
    {"notifyPerson", "RN", 330, false,
     "000 001 002 005 010 011 013 018 020 022 026 031 070 100 101 120 140 150"},
    {"PersonnelFile", "ONSS", 260, false,
     "employer occupation_begin occupation_end joint_committee contract_number"},
    {"notifyFamilyComposition", "RN", 70, false, "140 141"},
    {"notifyIdentityDocuments", "RN", 60, false, "195 197 198 202"},
    {"PensionRegisterMutation", "PENSION", 60, true,
     "pension_payer pension_benefit pension_right_begin"},
    {"A036", NULL, 40, true, "aid_type competent_cpas"},
    {"SelfEmployedCareerNotifications", "INASTI", 30, false, ""},
    {"HdiIndemnityPeriodNotification", "CIN", 25, true,
     "incapacity_begin incapacity_end"},
    {"LivingWagesNotifications", NULL, 25, false, "aid_type competent_cpas"},
    {"WaitRegisterMutation", "WAIT", 20, false, "H205 H206 H207 H210 H211 H212 H213"},
    {"SocialRightsNotification", NULL, 20, false, "social_status"},
    {"eCarmedCalculationNotification", "SPPIS", 12, true, "decision_number deduction"},
    {"EmployerDirectoryMutation", "ONSS", 1, false, "identification language"},
    {"PCSAAlert", "SPPIS", 9, false, "alert_number alert_code"},
    {"YearlyAllocationLivingWagesTransmission", "SPPIS", 8, false,
     "income_year yearly_amount"},
    {"DofiCostInvestigationMI", "SPPIS", 6, false, "nationality aid_amount"},
    {"ElectronicSocialReportAsk", NULL, 6, false, "report_question"},
    {"ElectronicSocialReportSend", NULL, 5, false, "report_file"},
    {"PCSAAlertReaction", NULL, 5, false, "alert_number feedback_code"},
    {"OCMWCPASRegisterAttest", NULL, 4, false, "attest_number attest_category"},
    {"OCMWCPASStopAttest", NULL, 2, false, "attest_number stop_reason"},
    {"SSINReplacement", "BIS", 2, false, ""},
};

static const struct flow_share *
draw_flow(uint64_t per_mille)
{
    size_t i = 0;

    while (i + 1 < SYNTHETIC_FLOWS && per_mille >= flows[i].per_mille) {
        per_mille -= flows[i].per_mille;
        i++;
    }
    return &flows[i];
}

// A person whom a CPAS follows in one of the qualities wanted, if one is found soon.
static uint64_t
draw_followed(const struct synthetic *synthetic, uint64_t index, bool living_wage,
              size_t *ret_cpas)
{
    struct synthetic_integration found[SYNTHETIC_INTEGRATIONS_MAX];
    uint64_t person = 0;

    for (uint64_t i = 0; i < 16 * LOOK_FOR_FOLLOWED; i++) {
        person = synthetic_random(synthetic, index, 1000 + i, synthetic->people);

        size_t len = synthetic_integrations(synthetic, person, found);

        if (len == 0 || found[0].institution < synthetic->cpas_first ||
            found[0].end != 0) {
            continue;
        }
        if (!living_wage || found[0].quality == 2) {
            *ret_cpas = found[0].institution;
            return person;
        }
    }
    return person;
}

// Some neighbours in the flow's list, beginning anywhere: one to four.
static void
draw_fields(const struct synthetic *synthetic, uint64_t index,
            const struct flow_share *flow, struct synthetic_mutation *ret)
{
    char words[160];
    char *rest = words;
    const char *codes[CODES_MAX];
    size_t codes_len = 0;
    char *code;

    snprintf(words, sizeof words, "%s", flow->fields);
    while ((code = strsep(&rest, " ")) != NULL && codes_len < CODES_MAX) {
        if (*code != 0) {
            codes[codes_len++] = code;
        }
    }
    if (codes_len == 0) {
        return;
    }

    size_t wanted = 1 + (size_t)synthetic_random(synthetic, index, 500, 4);
    size_t first = (size_t)synthetic_random(synthetic, index, 501, codes_len);

    for (size_t i = 0; i < wanted && i < codes_len; i++) {
        struct synthetic_field *field = &ret->fields[ret->fields_len++];
        uint64_t value = synthetic_random(synthetic, index, 600 + i, 10000000000);

        snprintf(field->code, sizeof field->code, "%s", codes[(first + i) % codes_len]);
        snprintf(field->value, sizeof field->value, "%.20s-%010llu",
                 codes[(first + i) % codes_len], (unsigned long long)value);
    }
}

static uint64_t
draw_enterprise(const struct synthetic *synthetic, uint64_t index)
{
    uint64_t first_eight = 4000000 + synthetic_random(synthetic, index, 800, 1000000);

    return first_eight * 100 + 97 - first_eight % 97;
}

void
synthetic_mutation(const struct synthetic *synthetic, uint64_t index,
                   double share_followed, struct synthetic_mutation *ret)
{
    const struct flow_share *flow =
        draw_flow(synthetic_random(synthetic, index, 900, 1000));
    uint64_t limit = (uint64_t)(share_followed * 1000);
    bool followed =
        flow->source == NULL || synthetic_random(synthetic, index, 901, 1000) < limit;
    size_t cpas = draw_cpas(synthetic, index, 902);
    uint64_t person = followed
                          ? draw_followed(synthetic, index, flow->source == NULL, &cpas)
                          : synthetic_random(synthetic, index, 903, synthetic->people);

    memset(ret, 0, offsetof(struct synthetic_mutation, fields));
    ret->flow = flow->flow;
    ret->source = flow->source != NULL ? institution_of(synthetic, flow->source) : cpas;
    ret->niss = synthetic_niss(synthetic, person);
    draw_fields(synthetic, index, flow, ret);
    if (flow->period) {
        ret->period_begin = months_before(
            synthetic->today, (uint32_t)synthetic_random(synthetic, index, 904, 24));
        ret->period_end = synthetic->today;
    }
    if (strcmp(flow->flow, "EmployerDirectoryMutation") == 0) {
        ret->niss = 0;
        ret->enterprise = draw_enterprise(synthetic, index);
    } else if (strcmp(flow->flow, "SSINReplacement") == 0) {
        ret->new_niss = synthetic_spare_niss(synthetic, index);
    } else if (strcmp(flow->flow, "SocialRightsNotification") == 0) {
        ret->reference_year = synthetic->today / 10000;
    } else if (strcmp(flow->flow, "PCSAAlert") == 0) {
        ret->recipient = synthetic->institutions[cpas].code;
    } else if (strncmp(flow->flow, "ElectronicSocialReport", 22) == 0) {
        size_t other = synthetic->cpas_first +
                       (cpas - synthetic->cpas_first + 1) % synthetic->cpas_len;

        ret->recipient = synthetic->institutions[other].code;
    }
}

static struct hot_bytes
text_of(const char *text)
{
    return (struct hot_bytes){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

void
synthetic_hot(const struct synthetic_mutation *from, const char *id, uint32_t today,
              struct hot_mutation *to)
{
    memset(to, 0, offsetof(struct hot_mutation, fields));
    to->flow = text_of(from->flow);
    to->id = text_of(id);
    to->recipient = text_of(from->recipient);
    to->niss = from->niss;
    to->new_niss = from->new_niss;
    to->enterprise = from->enterprise;
    to->occurred = today;
    to->period_begin = from->period_begin;
    to->period_end = from->period_end;
    to->reference_year = from->reference_year;
    for (size_t i = 0; i < from->fields_len; i++) {
        to->fields[to->fields_len].code = text_of(from->fields[i].code);
        to->fields[to->fields_len++].value = text_of(from->fields[i].value);
    }
}
