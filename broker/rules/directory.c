// SPDX-License-Identifier: EUPL-1.2
#include "rules/directory.h"

#include <string.h>

#include "values/card.h"

enum { YEARS_AWAY_MAX = 100, BEGIN_AHEAD_YEARS = 1 };

struct day_text {
    char text[DAY_TEXT_LEN];
};

static struct day_text
shown(struct day day)
{
    struct day_text shown;

    day_print(day, shown.text);
    return shown;
}

static int
year_of(struct day day)
{
    int year;
    int month;
    int day_of_month;

    day_parts(day, &year, &month, &day_of_month);
    return year;
}

// ---- proof ----

// Unknown parts, of the date or of the number, agree with everything.
static bool
birth_agrees(uint32_t date, struct niss niss)
{
    struct niss_birth birth = niss_birth(niss);
    int year = (int)(date / 10000);
    int month = (int)(date / 100 % 100);
    int day = (int)(date % 100);

    return year == birth.year &&
           (month == 0 || birth.month == 0 || month == birth.month) &&
           (day == 0 || birth.day == 0 || day == birth.day);
}

static void
check_birth_date(uint32_t number, struct niss niss, struct faults *faults)
{
    struct partial_date date;
    struct why why;

    if (partial_date_check(number, &date, &why) != VG_OK) {
        faults_add(faults, VG_PROOF_WRONG, 0, "birth_date: %s", why.text);
    } else if (niss.number != 0 && !birth_agrees(date.number, niss)) {
        faults_add(faults, VG_PROOF_WRONG, 0,
                   "birth_date: it is not the one of the person number");
    }
}

void
directory_check_proof(const struct proof *proof, struct niss niss, struct faults *faults)
{
    struct identity_card identity_card;
    struct social_card social_card;
    struct why why;
    bool has_name = proof->last_name.len > 0 || proof->first_name.len > 0;

    if (proof->identity_card.len == 0 && proof->social_card.len == 0 &&
        proof->birth_date == 0) {
        faults_add(faults, VG_PROOF_MISSING, 0, "proof: %s",
                   has_name ? "a name counts only beside a birth date"
                            : "none of identity card, social card, birth date");
    }
    if (proof->identity_card.len > 0 &&
        identity_card_parse((const char *)proof->identity_card.at,
                            proof->identity_card.len, &identity_card, &why) != VG_OK) {
        faults_add(faults, VG_PROOF_WRONG, 0, "identity_card: %s", why.text);
    }
    if (proof->social_card.len > 0 &&
        social_card_parse((const char *)proof->social_card.at, proof->social_card.len,
                          &social_card, &why) != VG_OK) {
        faults_add(faults, VG_PROOF_WRONG, 0, "social_card: %s", why.text);
    }
    if (proof->birth_date != 0) {
        check_birth_date(proof->birth_date, niss, faults);
    }
}

// ---- what integrate and remove have in common ----

struct niss
directory_judge_number(const struct directory_context *context, uint64_t number,
                       struct faults *faults)
{
    struct niss niss = {0};
    struct why why;

    if (niss_check(number, year_of(context->today), &niss, &why) != VG_OK) {
        faults_add(faults, VG_BAD_NISS, 0, "niss: %s", why.text);
        return (struct niss){0};
    }
    if (niss_kind(niss) == NISS_FICTITIOUS && !context->test_persons) {
        char masked[NISS_MASK_LEN];

        niss_mask(niss, masked);
        faults_add(faults, VG_TEST_PERSON, 0, "niss: %s is a fictitious person", masked);
    }
    return niss;
}

static const struct quality *
judge_quality(const struct directory_context *context, uint32_t code,
              struct faults *faults)
{
    const struct quality *quality = NULL;

    if (code <= UINT16_MAX) {
        quality = catalogue_quality(context->catalogue, context->institution->sector,
                                    (uint16_t)code);
    }
    if (quality == NULL) {
        faults_add(faults, VG_UNKNOWN_QUALITY, 0, "quality: sector %u has no code %03u",
                   (unsigned)context->institution->sector, (unsigned)code);
    }
    return quality;
}

// "Toutes les dates ne peuvent pas excéder la date d'exécution de 100 ans."
static void
judge_distance(const struct directory_context *context, const char *name, struct day day,
               struct faults *faults)
{
    struct day first = day_add_years(context->today, -YEARS_AWAY_MAX);
    struct day last = day_add_years(context->today, YEARS_AWAY_MAX);

    if (day.number < first.number || day.number > last.number) {
        faults_add(faults, VG_TOO_FAR, 0, "%s: %s is over %d years from today, %s", name,
                   shown(day).text, YEARS_AWAY_MAX, shown(context->today).text);
    }
}

// false when it is no day at all; further questions about it make no sense then.
static bool
read_day(const char *name, uint32_t number, struct day *ret_day, struct faults *faults)
{
    struct why why;

    if (number == 0) {
        faults_add(faults, VG_BAD_DATE, 0, "%s: is missing", name);
        return false;
    }
    if (day_from_number(number, ret_day, &why) != VG_OK) {
        faults_add(faults, VG_BAD_DATE, 0, "%s: %s", name, why.text);
        return false;
    }
    return true;
}

static bool
judge_order(struct period period, struct faults *faults)
{
    if (period.end.number >= period.begin.number) {
        return true;
    }
    faults_add(faults, VG_BAD_DATE, 0, "end: %s is before begin, %s",
               shown(period.end).text, shown(period.begin).text);
    return false;
}

// ---- integrate: the period ----

// The last day that a code allows for an integration that begins on this day.
static struct day
longest_end(const struct quality *quality, struct day begin)
{
    switch (quality->longest) {
    case LONGEST_MONTHS:
        return day_add_months(begin, quality->longest_count);
    case LONGEST_YEARS:
        return day_add_years(begin, quality->longest_count);
    case LONGEST_CALENDAR_YEAR:
        return day_of(year_of(begin), 12, 31);
    case LONGEST_INDEFINITE:
        break;
    }
    return DAY_FOREVER;
}

static struct day
missing_end(const struct quality *quality, struct day begin)
{
    return quality->end_missing_years > 0
               ? day_add_years(begin, quality->end_missing_years)
               : longest_end(quality, begin);
}

static void
judge_length(const struct quality *quality, struct period period, struct faults *faults)
{
    struct day last = longest_end(quality, period.begin);

    if (period.end.number > last.number) {
        faults_add(faults, VG_PERIOD_TOO_LONG, 0,
                   "end: quality %03u that begins %s ends %s at the latest, not %s",
                   (unsigned)quality->code, shown(period.begin).text, shown(last).text,
                   shown(period.end).text);
    }
}

static bool
judge_begin(const struct directory_context *context, uint32_t number,
            struct day *ret_begin, struct faults *faults)
{
    struct day last = day_add_years(context->today, BEGIN_AHEAD_YEARS);

    if (!read_day("begin", number, ret_begin, faults)) {
        return false;
    }
    judge_distance(context, "begin", *ret_begin, faults);
    if (ret_begin->number > last.number) {
        faults_add(faults, VG_TOO_FAR, 0,
                   "begin: %s is after %s, one year ahead of today",
                   shown(*ret_begin).text, shown(last).text);
    }
    return true;
}

// ret_period is whole only where true is returned.
static bool
judge_period(const struct directory_context *context,
             const struct integrate_request *request, const struct quality *quality,
             struct period *ret_period, struct faults *faults)
{
    bool begin_is_day = judge_begin(context, request->begin, &ret_period->begin, faults);

    if (request->end == 0) {
        if (!begin_is_day || quality == NULL) {
            return false;
        }
        ret_period->end = missing_end(quality, ret_period->begin);
        return true;
    }
    if (!read_day("end", request->end, &ret_period->end, faults)) {
        return false;
    }

    // "For ever" is how the broker itself writes an end that may be left out.
    bool for_ever = begin_is_day && quality != NULL &&
                    ret_period->end.number == DAY_FOREVER.number &&
                    missing_end(quality, ret_period->begin).number == DAY_FOREVER.number;

    if (!for_ever) {
        judge_distance(context, "end", ret_period->end, faults);
    }
    if (!begin_is_day || !judge_order(*ret_period, faults)) {
        return false;
    }
    if (quality != NULL) {
        judge_length(quality, *ret_period, faults);
    }
    return true;
}

// ---- integrate: the others ----

static void
judge_exclusive(const struct directory_context *context, const struct quality *quality,
                struct period period, const struct integration *existing,
                size_t existing_len, struct faults *faults)
{
    for (size_t i = 0; i < existing_len; i++) {
        const struct integration *other = &existing[i];

        if (other->sector != quality->sector || other->quality != quality->code ||
            other->institution == context->institution->id ||
            !period_overlaps(period, integration_period(*other))) {
            continue;
        }

        const struct institution *holder =
            roster_institution(context->roster, other->institution);

        faults_add(faults, VG_EXCLUSIVE, 0, "quality %03u: %s holds it from %s to %s",
                   (unsigned)quality->code,
                   holder == NULL ? "another of the sector" : holder->code,
                   shown((struct day){other->begin}).text,
                   shown((struct day){other->end}).text);
    }
}

static struct integration
integration_of(const struct directory_context *context, uint32_t quality,
               struct period period)
{
    return (struct integration){
        .institution = context->institution->id,
        .sector = context->institution->sector,
        .quality = (uint16_t)quality,
        .begin = period.begin.number,
        .end = period.end.number,
    };
}

void
directory_judge_integrate(const struct directory_context *context,
                          const struct integrate_request *request,
                          const struct integration *existing, size_t existing_len,
                          struct niss *ret_niss, struct integration *ret_integration,
                          struct faults *faults)
{
    struct period period = {DAY_EVER, DAY_EVER};
    const struct quality *quality;
    size_t before = faults->total;
    bool has_period;

    *ret_niss = directory_judge_number(context, request->niss, faults);
    quality = judge_quality(context, request->quality, faults);
    has_period = judge_period(context, request, quality, &period, faults);
    directory_check_proof(&request->proof, *ret_niss, faults);
    // What others hold is told to nobody whose request would be refused anyway: he could
    // ask without leaving an integration behind.
    if (faults->total == before && quality->exclusive && has_period) {
        judge_exclusive(context, quality, period, existing, existing_len, faults);
    }

    *ret_integration = integration_of(context, request->quality, period);
}

void
directory_judge_term(const struct directory_context *context, uint32_t quality,
                     uint32_t begin, uint32_t end, struct integration *ret_integration,
                     struct faults *faults)
{
    struct integrate_request request = {.quality = quality, .begin = begin, .end = end};
    struct period period = {DAY_EVER, DAY_EVER};

    (void)judge_period(context, &request, judge_quality(context, quality, faults),
                       &period, faults);
    *ret_integration = integration_of(context, quality, period);
}

// ---- remove ----

void
directory_judge_remove(const struct directory_context *context,
                       const struct remove_request *request, struct niss *ret_niss,
                       struct period *ret_period, struct faults *faults)
{
    bool begin_is_day;

    *ret_niss = directory_judge_number(context, request->niss, faults);
    judge_quality(context, request->quality, faults);

    ret_period->begin = DAY_EVER;
    ret_period->end = DAY_FOREVER;
    begin_is_day = read_day("begin", request->begin, &ret_period->begin, faults);
    if (begin_is_day) {
        judge_distance(context, "begin", ret_period->begin, faults);
    }
    if (request->end == 0 || !read_day("end", request->end, &ret_period->end, faults)) {
        return;
    }
    if (ret_period->end.number != DAY_FOREVER.number) {
        judge_distance(context, "end", ret_period->end, faults);
    }
    if (begin_is_day) {
        judge_order(*ret_period, faults);
    }
}

// ---- the array ----

// Sector, institution, quality: what rows are sorted by before their first day.
static uint64_t
holder(const struct integration *integration)
{
    return (uint64_t)integration->sector << 48 |
           (uint64_t)integration->institution << 16 | integration->quality;
}

static void
remove_row(struct integration *integrations, size_t *len, size_t index)
{
    *len -= 1;
    memmove(integrations + index, integrations + index + 1,
            (*len - index) * sizeof *integrations);
}

// Sharing a day, or one ending the day before the other begins.
static bool
joins(const struct integration *a, const struct integration *b)
{
    return (int64_t)a->begin <= (int64_t)b->end + 1 &&
           (int64_t)b->begin <= (int64_t)a->end + 1;
}

static bool
comes_before(const struct integration *a, const struct integration *b)
{
    return holder(a) < holder(b) || (holder(a) == holder(b) && a->begin < b->begin);
}

void
directory_add(struct integration *integrations, size_t *len,
              struct integration integration)
{
    size_t place = 0;
    size_t i = 0;

    while (i < *len) {
        struct integration *row = &integrations[i];

        if (holder(row) != holder(&integration) || !joins(row, &integration)) {
            i++;
            continue;
        }
        integration.begin =
            row->begin < integration.begin ? row->begin : integration.begin;
        integration.end = row->end > integration.end ? row->end : integration.end;
        remove_row(integrations, len, i);
        i = 0; // longer now, it may reach rows that it did not
    }
    while (place < *len && !comes_before(&integration, &integrations[place])) {
        place++;
    }
    memmove(integrations + place + 1, integrations + place,
            (*len - place) * sizeof *integrations);
    integrations[place] = integration;
    *len += 1;
}

void
directory_order(struct integration *integrations, size_t *len)
{
    size_t kept = 0;

    for (size_t i = 1; i < *len; i++) {
        struct integration row = integrations[i];
        size_t place = i;

        for (; place > 0 && comes_before(&row, &integrations[place - 1]); place--) {
            integrations[place] = integrations[place - 1];
        }
        integrations[place] = row;
    }
    for (size_t i = 1; i < *len; i++) {
        struct integration *last = &integrations[kept];
        const struct integration *row = &integrations[i];

        if (holder(last) != holder(row) || !joins(last, row)) {
            integrations[++kept] = *row;
        } else if (row->end > last->end) {
            last->end = row->end;
        }
    }
    *len = *len == 0 ? 0 : kept + 1;
}

// Takes the period away from one row that shares a day with it.
static void
cut_row(struct integration *integrations, size_t *len, size_t index, struct period period)
{
    struct integration *row = &integrations[index];
    struct integration after = *row;
    bool stays_before = row->begin < period.begin.number;
    bool stays_after = row->end > period.end.number;

    if (!stays_before) {
        remove_row(integrations, len, index);
    } else {
        row->end = period.begin.number - 1;
    }
    if (stays_after) {
        after.begin = period.end.number + 1;
        directory_add(integrations, len, after);
    }
}

size_t
directory_cut(struct integration *integrations, size_t *len, uint32_t institution,
              uint16_t quality, struct period period)
{
    size_t changed = 0;
    size_t i = 0;

    while (i < *len) {
        const struct integration *row = &integrations[i];

        if (row->institution != institution || row->quality != quality ||
            !period_overlaps(period, integration_period(*row))) {
            i++;
            continue;
        }
        // Rows move; those already looked at no longer share a day, or are none of ours.
        cut_row(integrations, len, i, period);
        changed++;
        i = 0;
    }
    return changed;
}

size_t
directory_overlaps(const struct integration *integrations, size_t len,
                   const struct integration *asked, struct integration *ret, size_t max)
{
    struct period period = integration_period(*asked);
    size_t found = 0;

    for (size_t i = 0; i < len; i++) {
        const struct integration *other = &integrations[i];

        if (other->sector != asked->sector || other->institution == asked->institution ||
            !period_overlaps(period, integration_period(*other))) {
            continue;
        }
        if (found < max) {
            ret[found] = *other;
        }
        found++;
    }
    return found;
}
