// SPDX-License-Identifier: EUPL-1.2
// Goal: the synthetic Belgium is the same for the same seed, names nobody real, and a broker
// with the shipped catalogue would take every mutation of its day.
// Method: some ten thousands of persons and mutations, each asked what the broker asks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Before cmocka.h, which makes a macro of the word fail.
#include "rules/judge.h"
#include "synthetic.h"

#include <cmocka.h>

enum {
    PEOPLE = 40000, // more than there are birth days: serials count on
    SPARES = 300000,
    MUTATIONS = 10000,
    CPAS = 581,
    ACTORS = 10,
    TODAY = 20261120,
    CATALOGUE_MAX = 1 << 20,
};

static const double followed = 0.6;

static struct synthetic belgium;
static struct catalogue *catalogue;

static int
read_catalogue(void **state)
{
    static char text[CATALOGUE_MAX];
    FILE *file = fopen(SOURCE_DIR "/deploy/catalogue.yaml", "r");
    struct faults faults = {0};

    (void)state;
    assert_non_null(file);

    size_t len = fread(text, 1, sizeof text, file);

    fclose(file);
    catalogue = catalogue_parse(text, len, &faults);
    assert_non_null(catalogue);
    synthetic_init(&belgium, 1, PEOPLE, CPAS, ACTORS, TODAY);
    return 0;
}

static int
forget_catalogue(void **state)
{
    (void)state;
    catalogue_free(&catalogue);
    return 0;
}

// ---- the same for the same seed ----

static bool
same_mutation(const struct synthetic *left, const struct synthetic *right, uint64_t index)
{
    struct synthetic_mutation a = {0};
    struct synthetic_mutation b = {0};

    synthetic_mutation(left, index, followed, &a);
    synthetic_mutation(right, index, followed, &b);
    if (a.recipient != NULL && b.recipient != NULL &&
        strcmp(a.recipient, b.recipient) == 0) {
        a.recipient = b.recipient; // the same word in two places
    }
    return memcmp(&a, &b, sizeof a) == 0;
}

static bool
same_person(const struct synthetic *left, const struct synthetic *right, uint64_t person)
{
    struct synthetic_integration a[SYNTHETIC_INTEGRATIONS_MAX] = {0};
    struct synthetic_integration b[SYNTHETIC_INTEGRATIONS_MAX] = {0};
    size_t a_len = synthetic_integrations(left, person, a);
    size_t b_len = synthetic_integrations(right, person, b);

    return synthetic_niss(left, person) == synthetic_niss(right, person) &&
           a_len == b_len && memcmp(a, b, a_len * sizeof a[0]) == 0;
}

static void
the_same_seed_is_the_same_belgium(void **state)
{
    static struct synthetic again;

    (void)state;
    synthetic_init(&again, 1, PEOPLE, CPAS, ACTORS, TODAY);
    assert_memory_equal(&again, &belgium, sizeof again);
    for (uint64_t i = 0; i < 2000; i++) {
        assert_true(same_person(&belgium, &again, i));
        assert_true(same_mutation(&belgium, &again, i));
    }
}

static void
another_seed_is_another_belgium(void **state)
{
    static struct synthetic other;
    size_t persons = 0;
    size_t mutations = 0;

    (void)state;
    synthetic_init(&other, 2, PEOPLE, CPAS, ACTORS, TODAY);
    for (uint64_t i = 0; i < 1000; i++) {
        persons += same_person(&belgium, &other, i);
        mutations += same_mutation(&belgium, &other, i);
    }
    assert_int_equal(persons, 0);
    assert_int_equal(mutations, 0);
}

// ---- persons ----

static void
assert_fictitious(uint64_t number)
{
    struct niss niss;

    assert_int_equal(niss_check(number, TODAY / 10000, &niss, NULL), VG_OK);
    assert_int_equal(niss_kind(niss), NISS_FICTITIOUS);

    struct niss_birth birth = niss_birth(niss);

    assert_int_equal(synthetic_birth(number),
                     birth.year * 10000 + birth.month * 100 + birth.day);
    assert_in_range(birth.year, 1930, 2019);
    assert_true(birth.month > 0 && birth.day > 0);
}

static void
every_number_is_valid_and_fictitious(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < PEOPLE; i++) {
        assert_fictitious(synthetic_niss(&belgium, i));
        assert_fictitious(synthetic_spare_niss(&belgium, i));
    }
    assert_fictitious(synthetic_niss(&belgium, 19999999)); // the largest Belgium
}

static int
by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

static void
nobody_is_there_twice_and_spare_numbers_are_nobodys(void **state)
{
    // The last persons of the largest Belgium are nearest to the spare numbers.
    static uint64_t number[2 * PEOPLE + SPARES];

    (void)state;
    for (uint64_t i = 0; i < PEOPLE; i++) {
        number[i] = synthetic_niss(&belgium, i);
        number[PEOPLE + i] = synthetic_niss(&belgium, 20000000 - 1 - i);
    }
    for (uint64_t i = 0; i < SPARES; i++) {
        number[2 * PEOPLE + i] = synthetic_spare_niss(&belgium, i);
    }
    qsort(number, 2 * PEOPLE + SPARES, sizeof number[0], by_number);
    for (size_t i = 1; i < 2 * PEOPLE + SPARES; i++) {
        assert_true(number[i - 1] < number[i]);
    }
}

// ---- integrations ----

static uint16_t
sector_of(size_t institution)
{
    const struct sector *sector =
        catalogue_sector_by_name(catalogue, belgium.institutions[institution].sector);

    assert_non_null(sector);
    return sector->number;
}

static void
every_integration_is_of_a_quality_that_its_sector_has(void **state)
{
    struct synthetic_integration found[SYNTHETIC_INTEGRATIONS_MAX];

    (void)state;
    for (uint64_t person = 0; person < PEOPLE; person += 7) {
        size_t len = synthetic_integrations(&belgium, person, found);

        for (size_t i = 0; i < len; i++) {
            assert_non_null(catalogue_quality(catalogue, sector_of(found[i].institution),
                                              (uint16_t)found[i].quality));
            assert_true(found[i].begin <= TODAY);
            assert_true(found[i].end == 0 || found[i].end >= found[i].begin);
        }
    }
}

static void
as_many_know_a_person_as_was_asked(void **state)
{
    struct synthetic_integration found[SYNTHETIC_INTEGRATIONS_MAX];
    size_t of_cpas = 0;
    size_t of_others = 0;

    (void)state;
    for (uint64_t person = 0; person < PEOPLE; person++) {
        size_t len = synthetic_integrations(&belgium, person, found);

        for (size_t i = 0; i < len; i++) {
            of_cpas += found[i].institution >= belgium.cpas_first;
            of_others += found[i].institution < belgium.cpas_first;
        }
    }
    assert_in_range(of_others, PEOPLE * (ACTORS - 1), PEOPLE * (ACTORS + 1));
    assert_in_range(of_cpas, PEOPLE / 12, PEOPLE / 8); // one in eleven, some by two
}

static void
all_that_share_a_part_have_some_of_it(void **state)
{
    struct synthetic_integration found[SYNTHETIC_INTEGRATIONS_MAX];
    size_t has[SYNTHETIC_INSTITUTIONS_MAX] = {0};
    size_t sharing = 0;

    (void)state;
    for (uint64_t person = 0; person < PEOPLE; person++) {
        for (size_t i = synthetic_integrations(&belgium, person, found); i > 0; i--) {
            has[found[i - 1].institution]++;
        }
    }
    for (size_t i = 0; i < belgium.cpas_first; i++) {
        if (strstr(belgium.institutions[i].code, "-0") != NULL) { // MUTUALITY-01 ...
            assert_true(has[i] > 0);
            sharing++;
        }
    }
    assert_true(sharing > 1);
}

// ---- mutations ----

static void
every_mutation_may_be_published_by_its_source(void **state)
{
    struct synthetic_mutation mutation;
    struct hot_mutation hot;
    struct institution publisher = {.id = 1};
    struct judge_context context = {
        .catalogue = catalogue,
        .publisher = &publisher,
        .today = day_of(TODAY / 10000, TODAY / 100 % 100, TODAY % 100),
        .test_persons = true,
    };
    struct judged judged;

    (void)state;
    for (uint64_t i = 0; i < MUTATIONS; i++) {
        struct why why = {0};

        synthetic_mutation(&belgium, i, followed, &mutation);
        synthetic_hot(&mutation, "reference", TODAY, &hot);
        assert_true(belgium.institutions[mutation.source].source);
        publisher.sector = sector_of(mutation.source);
        if (judge_mutation(&context, &hot, &judged, &why) != VG_OK) {
            fail_msg("mutation %llu, %s: %s", (unsigned long long)i, mutation.flow,
                     why.text);
        }
    }
}

static void
a_mutation_names_only_institutions_that_are_there(void **state)
{
    struct synthetic_mutation mutation;
    size_t named = 0;

    (void)state;
    for (uint64_t i = 0; i < MUTATIONS; i++) {
        bool there = false;

        synthetic_mutation(&belgium, i, followed, &mutation);
        for (size_t j = 0; mutation.recipient != NULL && j < belgium.institutions_len;
             j++) {
            there =
                there || strcmp(belgium.institutions[j].code, mutation.recipient) == 0;
        }
        assert_true(there || mutation.recipient == NULL);
        named += there;
    }
    assert_true(named > 0);
}

static void
a_day_has_mutations_of_every_flow_of_the_catalogue(void **state)
{
    struct synthetic_mutation mutation;
    size_t seen[FLOW_IDS_MAX] = {0};
    const struct flow *flow;

    (void)state;
    for (uint64_t i = 0; i < MUTATIONS; i++) {
        synthetic_mutation(&belgium, i, followed, &mutation);
        flow = catalogue_flow(catalogue, bytes_of(mutation.flow));
        assert_non_null(flow);
        seen[flow->id]++;
    }
    for (size_t i = 0; (flow = catalogue_flow_at(catalogue, i)) != NULL; i++) {
        bool is_the_brokers = strncmp(flow->name, "Integration", 11) == 0;

        if (seen[flow->id] == 0 && !is_the_brokers) {
            fail_msg("no %s in %d mutations", flow->name, MUTATIONS);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_is_the_same_belgium),
        cmocka_unit_test(another_seed_is_another_belgium),
        cmocka_unit_test(every_number_is_valid_and_fictitious),
        cmocka_unit_test(nobody_is_there_twice_and_spare_numbers_are_nobodys),
        cmocka_unit_test(every_integration_is_of_a_quality_that_its_sector_has),
        cmocka_unit_test(as_many_know_a_person_as_was_asked),
        cmocka_unit_test(all_that_share_a_part_have_some_of_it),
        cmocka_unit_test(every_mutation_may_be_published_by_its_source),
        cmocka_unit_test(a_mutation_names_only_institutions_that_are_there),
        cmocka_unit_test(a_day_has_mutations_of_every_flow_of_the_catalogue),
    };

    return cmocka_run_group_tests(tests, read_catalogue, forget_catalogue);
}
