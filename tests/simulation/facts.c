// SPDX-License-Identifier: EUPL-1.2
#include "facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(n) (UINT64_C(1) << (n))
#define CODES_1_TO_9 UINT64_C(0x3fe)
#define CPAS BIT(17)

enum { A = FACT_APPLICANT, D = FACT_DEBTOR, T = FACT_DEBT, H = FACT_HEATING };
enum { O = FACT_OTHER, ALL = FACT_ANY, VARIED = 0 };

static const struct fact_flow shipped[] = {
    {.name = "notifyPerson",
     .id = 1,
     .merges = true,
     .sources = BIT(1) | BIT(2),
     .rhythm_days = 4,
     .period = FACT_MAY_HAVE,
     .groups = {{.to = FACT_DIRECTORY,
                 .sectors = CPAS,
                 .recipient = {FACT_TODAY,
                               CODES_1_TO_9 | BIT(20) | BIT(21) | BIT(30) | BIT(31)}}},
     .fields = {{"020", A | D | T}, {"150", A}, {"010", A | D | T}, {"001", A | D | T}}},
    {.name = "PersonnelFile",
     .id = 5,
     .urgency = 2,
     .sources = BIT(4),
     .rhythm_days = 4,
     .period = FACT_MAY_HAVE,
     .groups = {{.to = FACT_DIRECTORY,
                 .sectors = CPAS,
                 .recipient = {FACT_TODAY, CODES_1_TO_9 | BIT(30)}}},
     .fields = {{"employer", A | D}, {"contract_number", A | D}}},
    {.name = "SelfEmployedCareerNotifications",
     .id = 6,
     .merges = true,
     .sources = BIT(5),
     .rhythm_days = 8,
     .groups = {{.to = FACT_DIRECTORY,
                 .sectors = CPAS,
                 .recipient = {FACT_TODAY, CODES_1_TO_9 | BIT(30) | BIT(31)}}}},
    {.name = "PensionRegisterMutation",
     .id = 7,
     .sources = BIT(6),
     .rhythm_days = 35,
     .period = FACT_MAY_HAVE,
     .groups = {{.to = FACT_DIRECTORY,
                 .sectors = CPAS,
                 .recipient = {FACT_COVERS, CODES_1_TO_9 | BIT(30) | BIT(31)}}},
     .fields = {{"pension_payer", A | D | T}, {"pension_benefit", A | D | T}}},
    {.name = "eCarmedCalculationNotification",
     .id = 8,
     .sources = BIT(7),
     .period = FACT_MUST_HAVE,
     .groups = {{.to = FACT_DIRECTORY,
                 .sectors = CPAS,
                 .recipient = {FACT_OVERLAP, BIT(4)}}},
     .fields = {{"decision_number", A}, {"deduction", A}}},
    {.name = "EmployerDirectoryMutation",
     .id = 10,
     .merges = true,
     .sources = BIT(4),
     .of_enterprises = true,
     .groups = {{.to = FACT_EVERYBODY, .sectors = CPAS}},
     .fields = {{"identification", ALL}, {"language", ALL}}},
    {.name = "PCSAAlert",
     .id = 11,
     .sources = BIT(7),
     .asks = true,
     .period = FACT_MAY_HAVE,
     .groups = {{.to = FACT_ADDRESSED, .sectors = CPAS}},
     .fields = {{"alert_number", ALL}, {"alert_code", ALL}}},
    {.name = "SSINReplacement",
     .id = 12,
     .sources = BIT(2),
     .replaces = true,
     .groups = {{.to = FACT_DIRECTORY,
                 .sectors = ~UINT64_C(0),
                 .recipient = {FACT_WINDOW, 0}}}},
    {.name = "A036",
     .id = 13,
     .sources = CPAS,
     .period = FACT_MUST_HAVE,
     .groups = {{.to = FACT_DIRECTORY,
                 .sectors = BIT(10) | BIT(8),
                 .recipient = {FACT_OVERLAP, 0}},
                {.to = FACT_DIRECTORY, .sectors = BIT(9), .recipient = {FACT_OVERLAP, 0}},
                {.to = FACT_DIRECTORY,
                 .sectors = BIT(11),
                 .recipient = {FACT_OVERLAP, 0}},
                {.to = FACT_DIRECTORY,
                 .sectors = CPAS,
                 .recipient = {FACT_OVERLAP, CODES_1_TO_9 | BIT(40)},
                 .not_publisher = true}},
     .fields = {{"aid_type", A | H | O}, {"competent_cpas", A | H | O}}},
    {.name = "LivingWagesNotifications",
     .id = 14,
     .sources = CPAS,
     .period = FACT_MAY_HAVE,
     .publisher = {FACT_TODAY, BIT(2) | BIT(3)},
     .groups = {{.to = FACT_DIRECTORY,
                 .sectors = BIT(5) | BIT(14) | BIT(15) | BIT(16),
                 .recipient = {FACT_TODAY, 0}}},
     .fields = {{"aid_type", A | H | O}, {"aid_decision", O}}},
    {.name = "SocialRightsNotification",
     .id = 15,
     .sources = CPAS,
     .period = FACT_MAY_HAVE,
     .with_year = true,
     .groups = {{.to = FACT_DIRECTORY,
                 .sectors = BIT(18) | BIT(19),
                 .recipient = {FACT_TODAY, 0}},
                {.to = FACT_DIRECTORY,
                 .sectors = BIT(20),
                 .recipient = {FACT_TODAY, 0},
                 .publisher = {FACT_FIRST_JANUARY, BIT(2) | BIT(3)}}},
     .fields = {{"social_status", O}}},
    {.name = "DofiCostInvestigationMI",
     .id = 17,
     .sources = BIT(7),
     .period = FACT_MAY_HAVE,
     .groups = {{.to = FACT_NAMED, .named = "OE"}},
     .fields = {{"nationality", ALL}, {"aid_amount", ALL}}},
    {.name = "ElectronicSocialReportAsk",
     .id = 18,
     .sources = CPAS,
     .period = FACT_MAY_HAVE,
     .publisher = {FACT_TODAY, CODES_1_TO_9},
     .groups = {{.to = FACT_ADDRESSED, .sectors = CPAS, .not_publisher = true}},
     .fields = {{"report_question", ALL}}},
    {.name = "ElectronicSocialReportSend",
     .id = 19,
     .sources = CPAS,
     .period = FACT_MAY_HAVE,
     .answers = 18,
     .publisher = {FACT_TODAY, CODES_1_TO_9},
     .groups = {{.to = FACT_ADDRESSED, .sectors = CPAS, .not_publisher = true}},
     .fields = {{"report_file", ALL}, {"report_project", ALL}}},
    {.name = "PCSAAlertReaction",
     .id = 20,
     .sources = CPAS,
     .period = FACT_MAY_HAVE,
     .answers = 11,
     .groups = {{.to = FACT_NAMED, .named = "SPPIS"}},
     .fields = {{"alert_number", ALL}, {"feedback_code", ALL}}},
    {.name = "OCMWCPASRegisterAttest",
     .id = 21,
     .sources = CPAS,
     .period = FACT_MAY_HAVE,
     .publisher = {FACT_WINDOW, BIT(2)},
     .groups = {{.to = FACT_NAMED, .named = "SPPIS"}},
     .fields = {{"attest_number", ALL}, {"attest_amount", ALL}}},
    {.name = "IntegrationEnds",
     .id = 40,
     .period = FACT_MUST_HAVE,
     .groups = {{.to = FACT_ADDRESSED, .sectors = CPAS}},
     .fields = {{"integration_quality", ALL},
                {"integration_begin", ALL},
                {"integration_end", ALL}}},
    {.name = "IntegrationEnded",
     .id = 41,
     .period = FACT_MUST_HAVE,
     .groups = {{.to = FACT_ADDRESSED, .sectors = CPAS}},
     .fields = {{"integration_quality", ALL},
                {"integration_begin", ALL},
                {"integration_end", ALL}}},
    {.name = "WaitRegisterMutation",
     .id = 4,
     .merges = true,
     .sources = BIT(3),
     .rhythm_days = 8,
     .period = FACT_MAY_HAVE,
     .groups = {{.to = FACT_DIRECTORY,
                 .sectors = CPAS,
                 .recipient = {FACT_TODAY, CODES_1_TO_9}}},
     .fields = {{"H205", A}, {"H212", 0}}},
};

// The variant: debtors get no notifyPerson, all see who died, and an enquiry's end is told
// earlier.
static struct fact_flow varied;

const struct fact_flow *
facts_flow(unsigned variant, unsigned index)
{
    if (index >= ARRAY_LEN(shipped)) {
        return NULL;
    }
    if (variant == 0 || index != VARIED) {
        return &shipped[index];
    }
    varied = shipped[VARIED];
    varied.groups[0].recipient.qualities &= ~BIT(30);
    varied.fields[1].classes = A | D | T;
    return &varied;
}

_Static_assert(ARRAY_LEN(shipped) <= (size_t)FACT_FLOWS_MAX, "known to the model");

unsigned
facts_flows(void)
{
    return ARRAY_LEN(shipped);
}

unsigned
facts_fields(const struct fact_flow *flow)
{
    unsigned len = 0;

    while (len < FACT_FIELDS && flow->fields[len].code != NULL) {
        len++;
    }
    return len;
}

// Who dies, and who moves to another municipality.
static unsigned
urgency_of_field(const char *code)
{
    return strcmp(code, "150") == 0 ? 1 : strcmp(code, "001") == 0 ? 3 : 0;
}

unsigned
facts_urgency(const struct fact_flow *flow, unsigned fields)
{
    unsigned urgency = flow->urgency;

    for (unsigned i = 0; i < facts_fields(flow); i++) {
        unsigned one =
            (fields >> i & 1) == 0 ? 0 : urgency_of_field(flow->fields[i].code);

        urgency = one != 0 && (urgency == 0 || one < urgency) ? one : urgency;
    }
    return urgency;
}

unsigned
facts_class(unsigned sector, unsigned quality)
{
    if (sector != 17) {
        return O;
    }
    switch (quality) {
    case 11:
    case 12:
        return FACT_NOTHING;
    case 30:
        return D;
    case 31:
        return T;
    case 40:
        return H;
    default:
        return A;
    }
}

unsigned
facts_warn_days(unsigned variant, unsigned quality)
{
    static const uint8_t days[64] = {
        [1] = 14,  [2] = 30,  [3] = 30,  [4] = 30, [5] = 30,
        [6] = 30,  [7] = 60,  [8] = 60,  [9] = 60, [12] = 30,
        [20] = 14, [21] = 60, [30] = 30, [31] = 7, [40] = 14,
    };

    return variant == 1 && quality == 1 ? 21 : days[quality];
}

bool
facts_exclusive(unsigned sector, unsigned quality)
{
    return sector == 17 &&
           (quality == 2 || quality == 3 || quality == 6 || quality == 40);
}

// ---- the text ----

static struct buffer
read_shipped(void)
{
    struct buffer text = {0};
    FILE *file = fopen(SOURCE_DIR "/deploy/catalogue.yaml", "r");

    CHECK(file != NULL);
    for (size_t got = 1; got > 0; text.len += got) {
        got = fread(buffer_reserve(&text, 65536), 1, 65536, file);
    }
    fclose(file);
    return text;
}

// ---- leaving out what the facts above do not name ----

static bool
has_flow(const char *item)
{
    const char *id = strstr(item, "id: ");

    for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
        if (id != NULL && strtoul(id + 4, NULL, 10) == shipped[i].id) {
            return true;
        }
    }
    return false;
}

// By a field's code, which may stand between quotes.
static bool
names_field(const char *item, const char *flows)
{
    const char *code = strstr(item, "code: ");
    char word[64] = "";

    return code != NULL &&
           sscanf(code + 6, "%*[\"]%63[^,\" ]", word) +
                   sscanf(code + 6, "%63[^,\" ]", word) >
               0 &&
           (strstr(flows, word) != NULL || strcmp(word, "208") == 0);
}

// Copies the items of a list, each from its "  - " to the next; without comments.
static void
copy_items(char *list, const char *flows, struct buffer *text)
{
    char *item = strstr(list, "\n  - ");

    while (item != NULL) {
        char *next = strstr(item + 1, "\n  - ");
        size_t len = next == NULL ? strlen(item) : (size_t)(next - item);
        char *copy = strndup(item, len);
        bool keeps;

        CHECK(copy != NULL);
        for (char *comment; (comment = strstr(copy, "\n  #")) != NULL;) {
            char *end = strchr(comment + 1, '\n');

            memmove(comment, end == NULL ? "" : end, end == NULL ? 1 : strlen(end) + 1);
        }
        keeps = flows == NULL ? has_flow(copy) : names_field(copy, flows);
        if (keeps) {
            buffer_add(text, copy, strlen(copy));
        }
        free(copy);
        item = next;
    }
}

static struct buffer
shorten(char *whole)
{
    char *fields = strstr(whole, "\nfields:");
    char *flows = strstr(whole, "\nflows:");
    struct buffer kept = {0};
    struct buffer text = {0};

    CHECK(fields != NULL && flows != NULL);
    copy_items(flows, NULL, &kept);
    buffer_add(&kept, "\n", 2);
    buffer_add(&text, whole, (size_t)(fields - whole));
    buffer_add(&text, "\nfields:", 8);
    *flows = '\0';
    copy_items(fields, (const char *)kept.at, &text);
    buffer_add(&text, "\nflows:", 7);
    buffer_add(&text, kept.at, kept.len - 1);
    buffer_free(&kept);
    return text;
}

// Both have the same length, so nothing moves.
static void
replace(struct buffer *text, const char *old, const char *new)
{
    size_t len = strlen(old);
    uint8_t *at = memmem(text->at, text->len, old, len);

    CHECK(at != NULL && strlen(new) == len);
    memcpy(at, new, len);
}

static struct buffer
make_text(unsigned variant)
{
    struct buffer whole = read_shipped();
    struct buffer text;

    buffer_add(&whole, "", 1);
    text = shorten((char *)whole.at);
    buffer_free(&whole);
    if (variant == 1) {
        replace(&text, "warn_days: 14, meaning: under", "warn_days: 21, meaning: under");
        replace(&text, "\"020\", \"021\", \"030\", \"031\"]",
                "\"020\", \"021\",        \"031\"]");
        replace(
            &text,
            "{code: \"150\",    classes: [applicant], meaning: \"death: place and date\"",
            "{code: \"150\",    classes: [applicant, debtor, debt], meaning: \"death\" "
            " ");
    }
    return text;
}

const struct buffer *
facts_text(unsigned variant)
{
    static struct buffer texts[FACT_VARIANTS];

    if (texts[variant].len == 0) {
        texts[variant] = make_text(variant);
    }
    return &texts[variant];
}
