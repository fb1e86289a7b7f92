// SPDX-License-Identifier: EUPL-1.2
// Goal: the shipped catalogue gives each flow to those whom the law names, on the days it
// says, with the fields it allows; and to nobody else.
// Method: one line per case: who publishes what on which day, who follows the person, who
// gets it by which quality with which fields. The expected answers are written from the
// digest of the law, not from the catalogue.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Before cmocka.h, which makes a macro of the word fail.
#include "rules/directory.h"
#include "rules/match.h"

#include <cmocka.h>

// A case names only the columns it needs.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { FOLLOWED_MAX = 32, TEXT_MAX = 2000 };

#define TODAY "2026-11-20"
#define YEAR "2026-01-01..2026-12-31" // any integration that is good on that day

struct scenario {
    const char *why;
    const char *flow;
    const char *from;      // the publisher
    const char *fields;    // that the mutation carries: "020 110"
    const char *follows;   // "CPAS-A 002 2026-01-01..2026-12-31; CPAS-B 030 2026-01-01.."
    const char *gets;      // "CPAS-A by 002: 020 110; CPAS-B by 030: 020", "" for nobody
    const char *today;     // TODAY when not given
    const char *period;    // "2026-01-01..2026-03-31"
    const char *to;        // recipient
    const char *mailboxes; // "CPAS-A/alarm notifyPerson 002; ...": what mailboxes choose
    uint32_t year;         // reference year
};

struct member {
    const char *code;
    const char *sector;
};

// Numbered from 1 in this order; answers come in this order.
static const struct member cast[] = {
    {"RN", "RN"},           {"BIS", "BIS"},
    {"WAIT", "WAIT"},       {"ONSS", "ONSS"},
    {"INASTI", "INASTI"},   {"PENSION", "PENSION"},
    {"SPPIS", "SPPIS"},     {"CIN", "CIN"},
    {"INAMI", "INAMI"},     {"MUT-1", "MUTUALITY"},
    {"FAMILY-1", "FAMILY"}, {"FIN", "FIN"},
    {"OE", "OE"},           {"ACTIRIS", "ACTIRIS"},
    {"VDAB", "VDAB"},       {"KG", "KIND-EN-GEZIN"},
    {"CPAS-A", "CPAS"},     {"CPAS-B", "CPAS"},
    {"CPAS-C", "CPAS"},     {"DE-LIJN", "DE-LIJN"},
    {"STIB", "STIB"},       {"WATER-1", "WATER"},
    {"MUT-2", "MUTUALITY"},
};

static struct catalogue *catalogue;
static struct niss ann;
static struct niss bea;

static int
open_catalogue(void **state)
{
    static char text[CATALOGUE_BYTES_MAX];
    static struct faults faults;
    FILE *file = fopen(SOURCE_DIR "/deploy/catalogue.yaml", "r");
    size_t len;

    (void)state;
    assert_non_null(file);
    len = fread(text, 1, sizeof text, file);
    fclose(file);
    catalogue = catalogue_parse(text, len, &faults);
    assert_non_null(catalogue);
    ann = niss_make(1985, 7 + 60, 12, 31);
    bea = niss_make(2003, 2 + 60, 3, 44);
    return 0;
}

static int
close_catalogue(void **state)
{
    (void)state;
    catalogue_free(&catalogue);
    return 0;
}

// ---- reading a scenario ----

static struct day
day(const char *text, size_t len)
{
    struct day day = {0};

    if (len == 0) {
        return DAY_FOREVER;
    }
    assert_int_equal(day_parse(text, len, &day, NULL), VG_OK);
    return day;
}

// "2026-01-01..2026-12-31", or "2026-01-01.." for ever.
static struct period
period(const char *text)
{
    const char *dots = strstr(text, "..");

    assert_non_null(dots);
    return (struct period){day(text, (size_t)(dots - text)),
                           day(dots + 2, strlen(dots + 2))};
}

static struct roster *
gather_cast(void)
{
    struct roster *roster = roster_new();

    for (size_t i = 0; i < ARRAY_LEN(cast); i++) {
        const struct sector *sector = catalogue_sector_by_name(catalogue, cast[i].sector);
        struct institution institution = {.id = (uint32_t)i + 1};

        assert_non_null(sector);
        institution.sector = sector->number;
        snprintf(institution.code, sizeof institution.code, "%s", cast[i].code);
        roster_put(roster, &institution);
    }
    return roster;
}

static const struct institution *
find(const struct roster *roster, const char *code)
{
    const struct institution *institution = roster_by_code(roster, bytes_of(code));

    assert_non_null(institution);
    return institution;
}

static size_t
read_follows(const struct roster *roster, const char *text, struct integration *ret)
{
    size_t len = 0;
    int used = 0;
    char code[INSTITUTION_CODE_LEN];
    char days[32];
    unsigned quality;

    while (sscanf(text, " %23s %u %31[^; ]%n", code, &quality, days, &used) == 3) {
        const struct institution *institution = find(roster, code);
        struct period held = period(days);

        assert_in_range(len, 0, FOLLOWED_MAX - 1);
        directory_add(ret, &len,
                      (struct integration){
                          .institution = institution->id,
                          .sector = institution->sector,
                          .quality = (uint16_t)quality,
                          .begin = held.begin.number,
                          .end = held.end.number,
                      });
        text += used;
        text += *text == ';';
    }
    assert_string_equal(text, ""); // all of it was understood
    return len;
}

// "CPAS-A/alarm notifyPerson 002": one choice of one mailbox, made when it is new.
static void
read_mailboxes(struct roster *roster, const char *text)
{
    uint32_t next = MAILBOX_EXTRA_FIRST;
    int used = 0;
    char code[INSTITUTION_CODE_LEN];
    char name[MAILBOX_NAME_LEN];
    char flow[NAME_LEN];
    unsigned quality;

    while (sscanf(text, " %23[^/]/%31s %63s %u%n", code, name, flow, &quality, &used) ==
           4) {
        const struct mailbox_spec *const *mailboxes = NULL;
        uint32_t owner = find(roster, code)->id;
        size_t len = roster_mailboxes(roster, owner, &mailboxes);
        struct mailbox_spec mailbox = {.id = next, .institution = owner};

        snprintf(mailbox.name, sizeof mailbox.name, "%s", name);
        for (size_t i = 0; i < len; i++) {
            if (strcmp(mailboxes[i]->name, name) == 0) {
                mailbox = *mailboxes[i];
            }
        }
        next += mailbox.id == next;
        assert_non_null(catalogue_flow(catalogue, bytes_of(flow)));
        mailbox.choices[mailbox.choices_len++] = (struct choice){
            .flow = catalogue_flow(catalogue, bytes_of(flow))->id,
            .qualities = UINT64_C(1) << quality,
        };
        roster_put_mailbox(roster, &mailbox);
        text += used;
        text += *text == ';';
    }
    assert_string_equal(text, "");
}

static struct hot_bytes
hot(const char *text)
{
    return (struct hot_bytes){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

static void
read_mutation(const struct scenario *scenario, struct hot_mutation *ret)
{
    const struct flow *flow = catalogue_flow(catalogue, bytes_of(scenario->flow));
    const char *at = scenario->fields == NULL ? "" : scenario->fields;

    assert_non_null(flow);
    *ret = (struct hot_mutation){.flow = hot(scenario->flow)};
    ret->recipient = hot(scenario->to);
    ret->reference_year = scenario->year;
    ret->niss = flow->key == KEY_PERSON ? ann.number : 0;
    ret->new_niss = flow->replaces_person ? bea.number : 0;
    ret->enterprise = flow->key == KEY_ENTERPRISE ? 403019261 : 0;
    if (scenario->period != NULL) {
        struct period said = period(scenario->period);

        ret->period_begin = day_number(said.begin);
        ret->period_end = day_number(said.end);
    }
    while (*at != '\0') {
        size_t len = strcspn(at, " ");

        ret->fields[ret->fields_len++].code =
            (struct hot_bytes){(const uint8_t *)at, len};
        at += len;
        at += *at == ' ';
    }
}

// ---- asking ----

struct answer {
    char text[TEXT_MAX];
    size_t len;
};

PRINTF_LIKE(2, 3)
static void
tell(struct answer *answer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    answer->len += (size_t)vsnprintf(answer->text + answer->len,
                                     sizeof answer->text - answer->len, format, args);
    va_end(args);
    assert_in_range(answer->len, 0, sizeof answer->text - 1);
}

static void
tell_share(struct answer *answer, const struct match_question *question,
           const struct mailbox_spec *mailbox, const struct share *share)
{
    const struct judged *judged = question->judged;
    uint64_t keep = match_fields(catalogue, judged, share->classes);

    if (!match_leaves_something(judged, keep)) {
        return;
    }
    tell(answer, "%s%s", answer->len == 0 ? "" : "; ",
         roster_institution(question->roster, mailbox->institution)->code);
    if (strcmp(mailbox->name, "default") != 0) {
        tell(answer, "/%s", mailbox->name);
    }
    if (share->justified) {
        assert_int_equal(share->integration.institution, mailbox->institution);
        tell(answer, " by %03u", (unsigned)share->integration.quality);
    }
    tell(answer, keep == 0 ? "" : ":");
    for (uint32_t i = 0; i < judged->mutation->fields_len; i++) {
        if ((keep >> i & 1) != 0) {
            tell(answer, " %.*s", (int)judged->mutation->fields[i].code.len,
                 (const char *)judged->mutation->fields[i].code.at);
        }
    }
}

static void
tell_grants(struct answer *answer, const struct match_question *question,
            const struct grant *grants, size_t grants_len)
{
    for (uint32_t id = 1; id <= ARRAY_LEN(cast); id++) {
        const struct mailbox_spec *const *mailboxes = NULL;
        size_t len = roster_mailboxes(question->roster, id, &mailboxes);

        for (size_t i = 0; i < len; i++) {
            struct share share;

            if (match_share(mailboxes[i], question->judged->flow->id, grants, grants_len,
                            &share)) {
                tell_share(answer, question, mailboxes[i], &share);
            }
        }
    }
}

static void
ask(const struct scenario *scenario, struct answer *answer)
{
    static struct hot_mutation mutation;
    static struct judged judged;
    static struct grant grants[GRANTS_MAX];
    AUTO(roster_free) struct roster *roster = gather_cast();
    const char *today = scenario->today == NULL ? TODAY : scenario->today;
    struct integration followed[FOLLOWED_MAX + 1];
    struct why why = {0};
    size_t grants_len = 0;
    struct judge_context context = {
        .catalogue = catalogue,
        .publisher = find(roster, scenario->from),
        .today = day(today, strlen(today)),
        .test_persons = true,
    };
    struct match_question question = {
        .catalogue = catalogue,
        .roster = roster,
        .judged = &judged,
        .publisher = context.publisher,
        .integrations = followed,
        .today = context.today,
    };
    struct trace trace = {0};

    *answer = (struct answer){0};
    if (scenario->mailboxes != NULL) {
        read_mailboxes(roster, scenario->mailboxes);
    }
    read_mutation(scenario, &mutation);
    question.integrations_len = read_follows(
        roster, scenario->follows == NULL ? "" : scenario->follows, followed);

    enum vg_status status = judge_mutation(&context, &mutation, &judged, &why);

    if (status == VG_OK) {
        status = match_recipients(&question, grants, &grants_len, NULL, &why);
    }
    if (status != VG_OK) {
        assert_int_equal(grants_len, 0);
        tell(answer, "refused %s", vg_status_name(status));
    } else {
        tell_grants(answer, &question, grants, grants_len);
    }

    // Being watched changes nothing.
    static struct grant again[GRANTS_MAX];
    size_t again_len = 0;

    if (status == VG_OK || status == VG_NOT_INTEGRATED) {
        assert_int_equal(match_recipients(&question, again, &again_len, &trace, &why),
                         status);
        assert_int_equal(again_len, grants_len);
        for (size_t i = 0; i < grants_len; i++) {
            assert_int_equal(again[i].institution, grants[i].institution);
            assert_int_equal(again[i].classes, grants[i].classes);
        }
        trace_free_rows(&trace);
    }
}

static void
check(const struct scenario *scenarios, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        static struct answer answer;

        ask(&scenarios[i], &answer);
        if (strcmp(answer.text, scenarios[i].gets) != 0) {
            print_message("%s, %s\n", scenarios[i].flow, scenarios[i].why);
        }
        assert_string_equal(answer.text, scenarios[i].gets);
    }
}

#define CHECK_ALL(scenarios) check((scenarios), ARRAY_LEN(scenarios))

// ---- who follows in which quality, flow by flow ----

struct flow_row {
    struct scenario scenario; // follows and gets are filled in
    const char *qualities;    // of the CPAS that get it
};

static bool
is_listed(const char *list, unsigned code)
{
    unsigned first;
    unsigned last;
    int used = 0;

    while (sscanf(list, " %u%n", &first, &used) == 1) {
        list += used;
        last = first;
        if (sscanf(list, "-%u%n", &last, &used) == 1) {
            list += used;
        }
        if (code >= first && code <= last) {
            return true;
        }
        list += *list == ',';
    }
    return false;
}

static void
each_flow_reaches_the_qualities_of_the_law_and_no_others(void **state)
{
    const struct flow_row rows[] = {
        {{.flow = "notifyPerson", .from = "RN", .fields = "020"},
         "001-009, 020, 021, 030, 031"},
        {{.flow = "notifyPerson", .from = "BIS", .fields = "register"},
         "001-009, 020, 021, 030, 031"},
        {{.flow = "notifyIdentityDocuments", .from = "RN", .fields = "195"}, "001-009"},
        {{.flow = "notifyFamilyComposition", .from = "RN", .fields = "140"}, "001-009"},
        {{.flow = "WaitRegisterMutation", .from = "WAIT", .fields = "H205"}, "001-009"},
        {{.flow = "PersonnelFile", .from = "ONSS", .fields = "employer"}, "001-009, 030"},
        {{.flow = "SelfEmployedCareerNotifications", .from = "INASTI"},
         "001-009, 030, 031"},
        {{.flow = "PensionRegisterMutation",
          .from = "PENSION",
          .fields = "pension_payer"},
         "001-009, 030, 031"},
        {{.flow = "PensionRegisterMutation",
          .from = "PENSION",
          .fields = "pension_payer",
          .period = "2022-01-01..2026-06-30"},
         "001-009, 030, 031"},
        {{.flow = "eCarmedCalculationNotification",
          .from = "SPPIS",
          .fields = "deduction",
          .period = "2026-12-31..2027-01-31"},
         "004"},
        {{.flow = "HdiIndemnityPeriodNotification",
          .from = "CIN",
          .fields = "incapacity_begin",
          .period = "2026-12-31..2027-01-31"},
         "001-009"},
        {{.flow = "HdiIndemnityPeriodNotification",
          .from = "INAMI",
          .fields = "incapacity_begin",
          .period = "2026-12-31..2027-01-31"},
         "001-009"},
        {{.flow = "SSINReplacement", .from = "BIS"}, "001-099"},
        {{.flow = "A036",
          .from = "CPAS-B",
          .fields = "aid_type",
          .period = "2026-12-31..2027-01-31"},
         "001-009, 040"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (unsigned code = 1; code < 100; code++) {
            struct scenario scenario = rows[i].scenario;
            char follows[80];
            char gets[80] = "";

            if (catalogue_quality(catalogue, SECTOR_CPAS, (uint16_t)code) == NULL) {
                continue;
            }
            snprintf(follows, sizeof follows, "CPAS-A %03u " YEAR, code);
            if (is_listed(rows[i].qualities, code)) {
                snprintf(gets, sizeof gets, "CPAS-A by %03u%s%s", code,
                         scenario.fields == NULL ? "" : ": ",
                         scenario.fields == NULL ? "" : scenario.fields);
            }
            scenario.why = follows;
            scenario.follows = follows;
            scenario.gets = gets;
            check(&scenario, 1);
        }
    }
}

static void
nobody_who_does_not_follow_the_person_gets_anything(void **state)
{
    const struct scenario scenarios[] = {
        {"no integration", "notifyPerson", "RN", "020", "", ""},
        {"no integration", "notifyIdentityDocuments", "RN", "195", "", ""},
        {"no integration", "notifyFamilyComposition", "RN", "140", "", ""},
        {"no integration", "WaitRegisterMutation", "WAIT", "H205", "", ""},
        {"no integration", "PersonnelFile", "ONSS", "employer", "", ""},
        {"no integration", "SelfEmployedCareerNotifications", "INASTI", "", "", ""},
        {"no integration", "PensionRegisterMutation", "PENSION", "pension_payer", "", ""},
        {"no integration", "SSINReplacement", "BIS", "", "", ""},
        {"no integration", "A036", "CPAS-A", "aid_type", "", "", .period = YEAR},
        {"no integration", "eCarmedCalculationNotification", "SPPIS", "deduction", "", "",
         .period = YEAR},
        {"no integration", "HdiIndemnityPeriodNotification", "CIN", "incapacity_begin",
         "", "", .period = YEAR},
        {"another sector only", "notifyPerson", "RN", "020", "MUT-1 001 " YEAR, ""},
        {"another sector only", "PersonnelFile", "ONSS", "employer", "INASTI 001 " YEAR,
         ""},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

// ---- today ----

static void
what_ends_today_still_counts_and_what_ended_yesterday_does_not(void **state)
{
    const struct scenario flows[] = {
        {"", "notifyPerson", "RN", "020"},
        {"", "notifyIdentityDocuments", "RN", "195"},
        {"", "notifyFamilyComposition", "RN", "140"},
        {"", "WaitRegisterMutation", "WAIT", "H205"},
        {"", "PersonnelFile", "ONSS", "employer"},
        {"", "SelfEmployedCareerNotifications", "INASTI", NULL},
        {"", "PensionRegisterMutation", "PENSION", "pension_payer"}, // without a period
    };
    const struct {
        const char *days;
        bool counts;
    } rows[] = {
        {"2026-01-01..2026-11-19", false}, {"2026-01-01..2026-11-20", true},
        {"2026-11-20..2027-01-31", true},  {"2026-11-21..2027-01-31", false},
        {"2026-11-20..2026-11-20", true},  {"2026-01-01..", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(flows); i++) {
        for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
            struct scenario scenario = flows[i];
            char follows[80];
            char gets[80] = "";

            snprintf(follows, sizeof follows, "CPAS-A 002 %s", rows[j].days);
            if (rows[j].counts) {
                snprintf(gets, sizeof gets, "CPAS-A by 002%s%s",
                         scenario.fields == NULL ? "" : ": ",
                         scenario.fields == NULL ? "" : scenario.fields);
            }
            scenario.why = follows;
            scenario.follows = follows;
            scenario.gets = gets;
            check(&scenario, 1);
        }
    }
}

static void
the_messages_own_period_plays_no_part_where_today_counts(void **state)
{
    const struct scenario scenarios[] = {
        {"an old address, an integration of today", "notifyPerson", "RN", "020",
         "CPAS-A 002 " YEAR, "CPAS-A by 002: 020", .period = "1990-01-01..1999-12-31"},
        {"an integration of then, none today", "notifyPerson", "RN", "020",
         "CPAS-A 002 1995-01-01..1995-12-31", "", .period = "1990-01-01..1999-12-31"},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

// ---- which fields ----

// Section 5 of the table, as the digest of the law lists it.
static const char both[] =
    "000 001 002 003 004 005 008 010 011 012 013 018 019 020 022 023 024 026 027 028 031 "
    "070 100 101 111 113 120 122 140 141 151 200 252 H200";
static const char applicant_only[] =
    "006 073 074 110 123 150 152 153 190 191 192 193 194 195 197 198 199 202 205 206 207 "
    "210 211 213 214 H202 H205 H206 H207 H210 H211 H213 H214";
static const char nobody[] =
    "208 212 007 032 114 124 125 180 250 253 254 photo H208 H212";

static bool
sees(const char *code, size_t code_len, uint8_t classes)
{
    struct hot_mutation mutation = {.fields_len = 1};
    struct judged judged = {.mutation = &mutation};
    int index =
        catalogue_field(catalogue, (struct bytes){(const uint8_t *)code, code_len});

    if (index < 0) {
        print_message("%.*s\n", (int)code_len, code);
    }
    assert_true(index >= 0);
    judged.field[0] = (int16_t)index;
    return match_fields(catalogue, &judged, classes) == 1;
}

static void
check_fields(const char *codes, bool applicant, bool debtor, bool somebody)
{
    while (*codes != '\0') {
        size_t len = strcspn(codes, " ");

        assert_int_equal(sees(codes, len, CLASS_APPLICANT), applicant);
        assert_int_equal(sees(codes, len, CLASS_DEBTOR), debtor);
        assert_int_equal(sees(codes, len, CLASS_DEBT), debtor); // the narrower set
        assert_false(sees(codes, len, CLASS_HEATING));
        assert_false(sees(codes, len, CLASS_NONE));
        assert_false(sees(codes, len, CLASS_OTHER));
        assert_false(sees(codes, len, 0));
        assert_int_equal(sees(codes, len, CLASS_DEBTOR | CLASS_APPLICANT), applicant);
        assert_int_equal(sees(codes, len, CLASS_ALL), somebody);
        codes += len;
        codes += *codes == ' ';
    }
}

static void
each_class_sees_the_register_fields_of_its_column(void **state)
{
    (void)state;
    check_fields(both, true, true, true);
    check_fields(applicant_only, true, false, true);
    check_fields(nobody, false, false, false);
}

static void
a_debtor_never_gets_110(void **state)
{
    // 110 is in no flow of today; should one carry it, this is what a debtor gets of it.
    const struct scenario scenarios[] = {
        {"150 is withheld from a debtor, the rest is not", "notifyPerson", "RN",
         "010 150 020", "CPAS-A 030 " YEAR, "CPAS-A by 030: 010 020"},
        {"031 is narrow too", "notifyPerson", "RN", "010 150 020",
         "CPAS-A 031 2026-11-01..2026-11-30", "CPAS-A by 031: 010 020"},
        {"nothing is left: no notification", "notifyPerson", "RN", "150",
         "CPAS-A 030 " YEAR "; CPAS-B 031 2026-11-01..2026-11-30", ""},
        {"an applicant gets it", "notifyPerson", "RN", "150",
         "CPAS-A 030 " YEAR "; CPAS-B 002 " YEAR, "CPAS-B by 002: 150"},
    };

    (void)state;
    assert_false(sees("110", 3, CLASS_DEBTOR));
    assert_false(sees("110", 3, CLASS_DEBT));
    assert_true(sees("110", 3, CLASS_APPLICANT));
    CHECK_ALL(scenarios);
}

static void
nobody_gets_212_nor_H212(void **state)
{
    const struct scenario scenarios[] = {
        {"listed in the flow, refused in the table of fields", "WaitRegisterMutation",
         "WAIT", "H205 H212 H213", "CPAS-A 002 " YEAR, "CPAS-A by 002: H205 H213"},
        {"alone it is no notification", "WaitRegisterMutation", "WAIT", "H212",
         "CPAS-A 002 " YEAR, ""},
        {"not even together", "WaitRegisterMutation", "WAIT", "H212",
         "CPAS-A 001 2026-11-01..2026-12-31; CPAS-A 002 " YEAR "; CPAS-A 009 " YEAR, ""},
        {"nor the register's", "WaitRegisterMutation", "WAIT", "212", "CPAS-A 002 " YEAR,
         "refused FIELD_NOT_IN_FLOW"},
    };

    (void)state;
    assert_false(sees("212", 3, CLASS_ALL));
    assert_false(sees("H212", 4, CLASS_ALL));
    CHECK_ALL(scenarios);
}

static void
two_integrations_of_one_institution_add_up(void **state)
{
    const struct scenario scenarios[] = {
        {"debtor and applicant: what the applicant's shows; the first one justifies",
         "notifyPerson", "RN", "020 150", "CPAS-A 030 " YEAR "; CPAS-A 002 " YEAR,
         "CPAS-A by 002: 020 150"},
        {"only the one of today counts", "notifyPerson", "RN", "020 150",
         "CPAS-A 002 2026-01-01..2026-11-19; CPAS-A 030 " YEAR, "CPAS-A by 030: 020"},
        {"another institution's adds nothing", "notifyPerson", "RN", "020 150",
         "CPAS-A 030 " YEAR "; CPAS-B 002 " YEAR,
         "CPAS-A by 030: 020; CPAS-B by 002: 020 150"},
        {"a quality that does not get the flow adds nothing", "PersonnelFile", "ONSS",
         "employer", "CPAS-A 011 " YEAR "; CPAS-A 030 " YEAR, "CPAS-A by 030: employer"},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

// ---- periods ----

static void
pensions_cover_five_years_back(void **state)
{
    const struct scenario scenarios[] = {
        {"begins exactly five years before the integration", "PensionRegisterMutation",
         "PENSION", "pension_payer", "CPAS-A 002 " YEAR, "CPAS-A by 002: pension_payer",
         .period = "2021-01-01..2026-06-30"},
        {"begins a day earlier", "PensionRegisterMutation", "PENSION", "pension_payer",
         "CPAS-A 002 " YEAR, "", .period = "2020-12-31..2026-06-30"},
        {"ends with the integration", "PensionRegisterMutation", "PENSION",
         "pension_payer", "CPAS-A 002 " YEAR, "CPAS-A by 002: pension_payer",
         .period = "2026-06-01..2026-12-31"},
        {"ends a day later", "PensionRegisterMutation", "PENSION", "pension_payer",
         "CPAS-A 002 " YEAR, "", .period = "2026-06-01..2027-01-01"},
        {"a right without end is never inside", "PensionRegisterMutation", "PENSION",
         "pension_payer", "CPAS-A 002 " YEAR, "", .period = "2026-06-01.."},
        {"with a period, today plays no part", "PensionRegisterMutation", "PENSION",
         "pension_payer", "CPAS-A 002 2023-01-01..2023-12-31",
         "CPAS-A by 002: pension_payer", .period = "2019-01-01..2023-12-31"},
        {"without a period: ended yesterday", "PensionRegisterMutation", "PENSION",
         "pension_payer", "CPAS-A 002 2026-01-01..2026-11-19", ""},
        {"without a period: ends today", "PensionRegisterMutation", "PENSION",
         "pension_payer", "CPAS-A 002 2026-01-01..2026-11-20",
         "CPAS-A by 002: pension_payer"},
        {"the payment is not in the flow", "PensionRegisterMutation", "PENSION",
         "yearly_amount", "CPAS-A 002 " YEAR, "refused FIELD_NOT_IN_FLOW"},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

static void
overlap_is_one_shared_day_whatever_today_is(void **state)
{
    const struct scenario flows[] = {
        {"", "eCarmedCalculationNotification", "SPPIS", "deduction"},
        {"", "HdiIndemnityPeriodNotification", "CIN", "incapacity_begin"},
        {"", "A036", "CPAS-B", "aid_type"},
    };
    const struct {
        const char *days;
        bool shares;
    } rows[] = {
        {"2024-06-01..2025-02-28", false}, {"2024-06-01..2025-03-01", true},
        {"2025-03-31..2025-12-31", true},  {"2025-04-01..2025-12-31", false},
        {"2025-03-15..2025-03-15", true},  {"2026-01-01..", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(flows); i++) {
        for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
            struct scenario scenario = flows[i];
            char follows[80];
            char gets[80] = "";

            snprintf(follows, sizeof follows, "CPAS-A 004 %s", rows[j].days);
            if (rows[j].shares) {
                snprintf(gets, sizeof gets, "CPAS-A by 004: %s", scenario.fields);
            }
            scenario.why = follows;
            scenario.follows = follows;
            scenario.gets = gets;
            scenario.period = "2025-03-01..2025-03-31";
            check(&scenario, 1);
        }
    }
}

static void
a_period_that_is_required_must_be_there(void **state)
{
    const struct scenario scenarios[] = {
        {"no period", "A036", "CPAS-A", "aid_type", "MUT-1 001 " YEAR,
         "refused BAD_DATE"},
        {"no period", "eCarmedCalculationNotification", "SPPIS", "deduction",
         "CPAS-A 004 " YEAR, "refused BAD_DATE"},
        {"no period", "HdiIndemnityPeriodNotification", "INAMI", "incapacity_begin",
         "CPAS-A 004 " YEAR, "refused BAD_DATE"},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

// ---- what the CPAS publish ----

static void
an_attestation_reaches_each_sector_that_follows_but_not_its_publisher(void **state)
{
    const struct scenario scenarios[] = {
        {"every sector of the table, each by its own integration", "A036", "CPAS-A",
         "aid_type competent_cpas",
         "MUT-1 001 " YEAR "; CIN 001 " YEAR "; INAMI 001 " YEAR "; FAMILY-1 001 " YEAR
         "; CPAS-B 002 " YEAR,
         "CIN by 001: aid_type competent_cpas; INAMI by 001: aid_type competent_cpas; "
         "MUT-1 by 001: aid_type competent_cpas; FAMILY-1 by 001: aid_type "
         "competent_cpas; CPAS-B by 002: aid_type competent_cpas",
         .period = YEAR},
        {"the publisher's own integration gives nothing back", "A036", "CPAS-A",
         "aid_type", "CPAS-A 002 " YEAR, "", .period = YEAR},
        {"whatever else it holds", "A036", "CPAS-A", "aid_type",
         "CPAS-A 001 2026-11-01..2026-12-31; CPAS-A 002 " YEAR "; CPAS-A 040 " YEAR
         "; CPAS-B 004 " YEAR,
         "CPAS-B by 004: aid_type", .period = YEAR},
        {"only the mutuality that follows", "A036", "CPAS-A", "aid_type",
         "MUT-2 001 2026-01-01..", "MUT-2 by 001: aid_type", .period = YEAR},
        {"a mutuality of the past", "A036", "CPAS-A", "aid_type",
         "MUT-1 001 2020-01-01..2025-12-31; MUT-2 001 2026-01-01..",
         "MUT-2 by 001: aid_type", .period = YEAR},
        {"sectors that are not in the table", "A036", "CPAS-A", "aid_type",
         "INASTI 001 " YEAR "; STIB 001 " YEAR "; ONSS 001 " YEAR, "", .period = YEAR},
        {"only a CPAS may publish it", "A036", "MUT-1", "aid_type", "CPAS-A 002 " YEAR,
         "refused NOT_THE_SOURCE", .period = YEAR},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

static void
living_wages_need_the_publishers_own_living_wage_of_today(void **state)
{
#define INTERESTED                                                                       \
    "; INASTI 001 " YEAR "; ACTIRIS 001 " YEAR "; VDAB 001 " YEAR "; KG 001 " YEAR
    const struct scenario scenarios[] = {
        {"by 002", "LivingWagesNotifications", "CPAS-A", "aid_decision",
         "CPAS-A 002 " YEAR INTERESTED,
         "INASTI by 001: aid_decision; ACTIRIS by 001: aid_decision; VDAB by 001: "
         "aid_decision; KG by 001: aid_decision"},
        {"by 003", "LivingWagesNotifications", "CPAS-A", "aid_decision",
         "CPAS-A 003 " YEAR "; VDAB 001 " YEAR, "VDAB by 001: aid_decision"},
        {"ends today", "LivingWagesNotifications", "CPAS-A", "aid_decision",
         "CPAS-A 002 2026-01-01..2026-11-20; VDAB 001 " YEAR,
         "VDAB by 001: aid_decision"},
        {"ended yesterday", "LivingWagesNotifications", "CPAS-A", "aid_decision",
         "CPAS-A 002 2026-01-01..2026-11-19" INTERESTED, "refused NOT_INTEGRATED"},
        {"begins tomorrow", "LivingWagesNotifications", "CPAS-A", "aid_decision",
         "CPAS-A 002 2026-11-21..2026-12-31" INTERESTED, "refused NOT_INTEGRATED"},
        {"no integration at all", "LivingWagesNotifications", "CPAS-A", "aid_decision",
         "", "refused NOT_INTEGRATED"},
        {"004 is no living wage", "LivingWagesNotifications", "CPAS-A", "aid_decision",
         "CPAS-A 004 " YEAR INTERESTED, "refused NOT_INTEGRATED"},
        {"somebody else's does not help", "LivingWagesNotifications", "CPAS-A",
         "aid_decision", "CPAS-B 002 " YEAR INTERESTED, "refused NOT_INTEGRATED"},
        {"a recipient that ended yesterday", "LivingWagesNotifications", "CPAS-A",
         "aid_decision", "CPAS-A 002 " YEAR "; VDAB 001 2026-01-01..2026-11-19", ""},
        {"no other sector", "LivingWagesNotifications", "CPAS-A", "aid_decision",
         "CPAS-A 002 " YEAR "; MUT-1 001 " YEAR "; STIB 001 " YEAR "; CPAS-B 004 " YEAR,
         ""},
    };
#undef INTERESTED

    (void)state;
    CHECK_ALL(scenarios);
}

static void
social_rights_ask_today_of_transport_and_first_january_for_water(void **state)
{
    const struct scenario scenarios[] = {
        {"RIS on 1 January: all of them", "SocialRightsNotification", "CPAS-A",
         "social_status",
         "CPAS-A 002 2026-01-01..2026-06-30; DE-LIJN 001 " YEAR "; STIB 001 " YEAR
         "; WATER-1 001 " YEAR,
         "DE-LIJN by 001: social_status; STIB by 001: social_status; WATER-1 by 001: "
         "social_status",
         .year = 2026},
        {"ended on 1 January", "SocialRightsNotification", "CPAS-A", "social_status",
         "CPAS-A 003 2025-02-01..2026-01-01; WATER-1 001 " YEAR,
         "WATER-1 by 001: social_status", .year = 2026},
        {"ended on 31 December: no water, but transport", "SocialRightsNotification",
         "CPAS-A", "social_status",
         "CPAS-A 002 2025-02-01..2025-12-31; STIB 001 " YEAR "; WATER-1 001 " YEAR,
         "STIB by 001: social_status", .year = 2026},
        {"began on 2 January", "SocialRightsNotification", "CPAS-A", "social_status",
         "CPAS-A 002 2026-01-02..2026-12-31; WATER-1 001 " YEAR, "", .year = 2026},
        {"the same, of the year before", "SocialRightsNotification", "CPAS-A",
         "social_status", "CPAS-A 002 2025-01-01..2025-12-31; WATER-1 001 " YEAR,
         "WATER-1 by 001: social_status", .year = 2025},
        {"004 opens no right to water", "SocialRightsNotification", "CPAS-A",
         "social_status", "CPAS-A 004 " YEAR "; WATER-1 001 " YEAR, "", .year = 2026},
        {"transport that followed until yesterday", "SocialRightsNotification", "CPAS-A",
         "social_status",
         "CPAS-A 002 " YEAR "; DE-LIJN 001 2026-01-01..2026-11-19; "
         "STIB 001 2026-01-01..2026-11-20",
         "STIB by 001: social_status", .year = 2026},
        {"without a reference year", "SocialRightsNotification", "CPAS-A",
         "social_status", "CPAS-A 002 " YEAR "; WATER-1 001 " YEAR, "refused BAD_DATE"},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

static void
attests_need_a_living_wage_in_the_window(void **state)
{
    // Two months before 2026-11-20 is 2026-09-20; 45 days after it is 2027-01-04.
    const struct {
        const char *follows;
        const char *gets;
    } rows[] = {
        {"CPAS-A 002 2026-01-01..2026-09-19", "refused NOT_INTEGRATED"},
        {"CPAS-A 002 2026-01-01..2026-09-20", "SPPIS: attest_number"},
        {"CPAS-A 002 2027-01-04..2027-12-31", "SPPIS: attest_number"},
        {"CPAS-A 002 2027-01-05..2027-12-31", "refused NOT_INTEGRATED"},
        {"CPAS-A 002 " YEAR, "SPPIS: attest_number"},
        {"CPAS-A 003 " YEAR, "refused NOT_INTEGRATED"},
        {"CPAS-B 002 " YEAR, "refused NOT_INTEGRATED"},
        {"", "refused NOT_INTEGRATED"},
    };
    const char *const flows[] = {"OCMWCPASRegisterAttest", "OCMWCPASStopAttest"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(flows); i++) {
        for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
            const struct scenario scenario = {rows[j].follows, flows[i],
                                              "CPAS-A",        "attest_number",
                                              rows[j].follows, rows[j].gets};

            check(&scenario, 1);
        }
    }
}

// ---- no integration asked ----

static void
fixed_recipients_get_it_whoever_follows(void **state)
{
    const struct scenario scenarios[] = {
        {"the tax office", "YearlyAllocationLivingWagesTransmission", "SPPIS",
         "income_year yearly_amount", "", "FIN: income_year yearly_amount"},
        {"not those who follow", "YearlyAllocationLivingWagesTransmission", "SPPIS",
         "income_year", "CPAS-A 002 " YEAR "; MUT-1 001 " YEAR, "FIN: income_year"},
        {"the immigration office", "DofiCostInvestigationMI", "SPPIS",
         "aid_amount person_capacity", "", "OE: aid_amount person_capacity"},
        {"not those who follow", "DofiCostInvestigationMI", "SPPIS", "aid_amount",
         "CPAS-A 002 " YEAR, "OE: aid_amount"},
        {"the SPP IS", "PCSAAlertReaction", "CPAS-A", "feedback_code", "",
         "SPPIS: feedback_code"},
        {"needs no integration of the publisher", "PCSAAlertReaction", "CPAS-B",
         "feedback_code alert_number", "CPAS-A 002 " YEAR,
         "SPPIS: feedback_code alert_number"},
        {"only the SPP IS may publish it", "DofiCostInvestigationMI", "CPAS-A",
         "aid_amount", "", "refused NOT_THE_SOURCE"},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

static void
an_employer_reaches_every_cpas(void **state)
{
    const struct scenario scenarios[] = {
        {"all three, no other sector", "EmployerDirectoryMutation", "ONSS",
         "identification language", NULL,
         "CPAS-A: identification language; CPAS-B: identification language; CPAS-C: "
         "identification language"},
        {"unless a mailbox chose something else", "EmployerDirectoryMutation", "ONSS",
         "identification", NULL, "CPAS-A: identification; CPAS-C: identification",
         .mailboxes = "CPAS-B/default notifyPerson 002"},
        {"chosen for a quality: there is none to ask", "EmployerDirectoryMutation",
         "ONSS", "identification", NULL,
         "CPAS-A: identification; CPAS-B: identification; CPAS-C: identification",
         .mailboxes = "CPAS-B/default EmployerDirectoryMutation 002"},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

static void
an_alert_reaches_the_cpas_it_names(void **state)
{
    const struct scenario scenarios[] = {
        {"the one it names", "PCSAAlert", "SPPIS", "alert_number", "",
         "CPAS-B: alert_number", .to = "CPAS-B"},
        {"though others follow", "PCSAAlert", "SPPIS", "alert_number", "CPAS-A 002 " YEAR,
         "CPAS-B: alert_number", .to = "CPAS-B"},
        {"a mutuality is of the wrong sector", "PCSAAlert", "SPPIS", "alert_number",
         "MUT-1 001 " YEAR, "refused BAD_RECIPIENT", .to = "MUT-1"},
        {"nobody of that name", "PCSAAlert", "SPPIS", "alert_number", "",
         "refused BAD_RECIPIENT", .to = "CPAS-X"},
        {"nobody is named", "PCSAAlert", "SPPIS", "alert_number", "",
         "refused BAD_RECIPIENT"},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

static void
a_social_report_goes_from_a_cpas_that_follows_to_another(void **state)
{
    const struct {
        const char *why;
        const char *follows;
        const char *to;
        const char *gets;
    } rows[] = {
        {"the sender follows", "CPAS-A 001 2026-11-01..2026-12-31", "CPAS-B", "CPAS-B"},
        {"in any of 001-009", "CPAS-A 009 " YEAR, "CPAS-B", "CPAS-B"},
        {"the other one need not",
         "CPAS-A 002 " YEAR "; CPAS-C 002 2020-01-01..2020-06-30", "CPAS-B", "CPAS-B"},
        {"ends today", "CPAS-A 002 2026-01-01..2026-11-20", "CPAS-B", "CPAS-B"},
        {"ended yesterday", "CPAS-A 002 2026-01-01..2026-11-19", "CPAS-B",
         "refused NOT_INTEGRATED"},
        {"a debtor is no applicant", "CPAS-A 030 " YEAR, "CPAS-B",
         "refused NOT_INTEGRATED"},
        {"nor a collaborator", "CPAS-A 020 2026-11-01..2026-12-31", "CPAS-B",
         "refused NOT_INTEGRATED"},
        {"only the other one follows", "CPAS-B 002 " YEAR, "CPAS-B",
         "refused NOT_INTEGRATED"},
        {"of a wrong sector", "CPAS-A 002 " YEAR, "MUT-1", "refused BAD_RECIPIENT"},
        {"to itself: nobody", "CPAS-A 002 " YEAR, "CPAS-A", ""},
    };
    const char *const flows[][2] = {
        {"ElectronicSocialReportAsk", "report_question"},
        {"ElectronicSocialReportSend", "report_file"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(flows); i++) {
        for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
            bool gets_it = strncmp(rows[j].gets, "CPAS", 4) == 0;
            char gets[80];

            snprintf(gets, sizeof gets, "%s%s%s", rows[j].gets, gets_it ? ": " : "",
                     gets_it ? flows[i][1] : "");

            const struct scenario scenario = {
                .why = rows[j].why,
                .flow = flows[i][0],
                .from = "CPAS-A",
                .fields = flows[i][1],
                .follows = rows[j].follows,
                .gets = gets,
                .to = rows[j].to,
            };

            check(&scenario, 1);
        }
    }
}

static void
a_new_number_reaches_everybody_who_follows_the_old_one(void **state)
{
    const struct scenario scenarios[] = {
        {"of every sector, in every quality", "SSINReplacement", "BIS", NULL,
         "CPAS-A 011 " YEAR "; CPAS-B 040 " YEAR "; MUT-1 001 " YEAR "; INASTI 001 " YEAR
         "; FIN 001 " YEAR,
         "INASTI by 001; MUT-1 by 001; FIN by 001; CPAS-A by 011; CPAS-B by 040"},
        {"also those who followed him two months ago", "SSINReplacement", "BIS", NULL,
         "CPAS-A 002 2026-01-01..2026-09-20; CPAS-B 002 2026-01-01..2026-09-19",
         "CPAS-A by 002"},
        {"also those who will follow him, however late", "SSINReplacement", "BIS", NULL,
         "CPAS-A 002 2027-01-04..2027-12-31; CPAS-B 002 2027-11-20..2028-12-31",
         "CPAS-A by 002; CPAS-B by 002"},
        {"the Bis register alone replaces", "SSINReplacement", "RN", NULL,
         "CPAS-A 002 " YEAR, "refused NOT_THE_SOURCE"},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

// ---- mailboxes ----

static void
a_mailbox_takes_what_it_chose(void **state)
{
    const struct scenario scenarios[] = {
        {"the flow for this quality", "notifyPerson", "RN", "020", "CPAS-A 002 " YEAR,
         "CPAS-A by 002: 020", .mailboxes = "CPAS-A/default notifyPerson 002"},
        {"not for another quality", "notifyPerson", "RN", "020", "CPAS-A 004 " YEAR, "",
         .mailboxes = "CPAS-A/default notifyPerson 002"},
        {"not another flow", "PersonnelFile", "ONSS", "employer", "CPAS-A 002 " YEAR, "",
         .mailboxes = "CPAS-A/default notifyPerson 002"},
        {"only the fields of the qualities that it chose", "notifyPerson", "RN",
         "020 150", "CPAS-A 002 " YEAR "; CPAS-A 030 " YEAR, "CPAS-A by 030: 020",
         .mailboxes = "CPAS-A/default notifyPerson 030"},
        {"two mailboxes, each with its share", "notifyPerson", "RN", "020 150",
         "CPAS-A 002 " YEAR "; CPAS-A 030 " YEAR,
         "CPAS-A by 030: 020; CPAS-A/wages by 002: 020 150",
         .mailboxes = "CPAS-A/default notifyPerson 030; CPAS-A/wages notifyPerson 002"},
        {"two mailboxes that want all get all", "notifyPerson", "RN", "020",
         "CPAS-A 002 " YEAR, "CPAS-A by 002: 020; CPAS-A/copy by 002: 020",
         .mailboxes = "CPAS-A/copy notifyPerson 002"},
        {"a choice is no right", "notifyIdentityDocuments", "RN", "195",
         "CPAS-A 030 " YEAR, "",
         .mailboxes = "CPAS-A/default notifyIdentityDocuments 030"},
        {"other sectors' codes are not asked", "A036", "CPAS-A", "aid_type",
         "MUT-1 001 " YEAR, "MUT-1 by 001: aid_type", .period = YEAR,
         .mailboxes = "MUT-1/default A036 001"},
    };

    (void)state;
    CHECK_ALL(scenarios);
}

// ---- all of it ----

// Were a flow added, somebody would have to say here who gets it.
static void
every_flow_of_the_catalogue_is_tried_above(void **state)
{
    const char *const tried[] = {
        "notifyPerson",
        "notifyIdentityDocuments",
        "notifyFamilyComposition",
        "WaitRegisterMutation",
        "PersonnelFile",
        "SelfEmployedCareerNotifications",
        "PensionRegisterMutation",
        "eCarmedCalculationNotification",
        "HdiIndemnityPeriodNotification",
        "EmployerDirectoryMutation",
        "PCSAAlert",
        "SSINReplacement",
        "A036",
        "LivingWagesNotifications",
        "SocialRightsNotification",
        "YearlyAllocationLivingWagesTransmission",
        "DofiCostInvestigationMI",
        "ElectronicSocialReportAsk",
        "ElectronicSocialReportSend",
        "PCSAAlertReaction",
        "OCMWCPASRegisterAttest",
        "OCMWCPASStopAttest",
        "IntegrationEnds", // the broker's own two: in lapse_steps_test
        "IntegrationEnded",
    };

    (void)state;
    assert_null(catalogue_flow_at(catalogue, ARRAY_LEN(tried)));
    for (size_t i = 0; i < ARRAY_LEN(tried); i++) {
        assert_non_null(catalogue_flow(catalogue, bytes_of(tried[i])));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_flow_reaches_the_qualities_of_the_law_and_no_others),
        cmocka_unit_test(nobody_who_does_not_follow_the_person_gets_anything),
        cmocka_unit_test(what_ends_today_still_counts_and_what_ended_yesterday_does_not),
        cmocka_unit_test(the_messages_own_period_plays_no_part_where_today_counts),
        cmocka_unit_test(each_class_sees_the_register_fields_of_its_column),
        cmocka_unit_test(a_debtor_never_gets_110),
        cmocka_unit_test(nobody_gets_212_nor_H212),
        cmocka_unit_test(two_integrations_of_one_institution_add_up),
        cmocka_unit_test(pensions_cover_five_years_back),
        cmocka_unit_test(overlap_is_one_shared_day_whatever_today_is),
        cmocka_unit_test(a_period_that_is_required_must_be_there),
        cmocka_unit_test(
            an_attestation_reaches_each_sector_that_follows_but_not_its_publisher),
        cmocka_unit_test(living_wages_need_the_publishers_own_living_wage_of_today),
        cmocka_unit_test(
            social_rights_ask_today_of_transport_and_first_january_for_water),
        cmocka_unit_test(attests_need_a_living_wage_in_the_window),
        cmocka_unit_test(fixed_recipients_get_it_whoever_follows),
        cmocka_unit_test(an_employer_reaches_every_cpas),
        cmocka_unit_test(an_alert_reaches_the_cpas_it_names),
        cmocka_unit_test(a_social_report_goes_from_a_cpas_that_follows_to_another),
        cmocka_unit_test(a_new_number_reaches_everybody_who_follows_the_old_one),
        cmocka_unit_test(a_mailbox_takes_what_it_chose),
        cmocka_unit_test(every_flow_of_the_catalogue_is_tried_above),
    };

    return cmocka_run_group_tests(tests, open_catalogue, close_catalogue);
}
