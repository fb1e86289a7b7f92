// SPDX-License-Identifier: EUPL-1.2
// Goal: a letter's legal ground is that of the catalogue it was matched with, also when another
// one is in force.
// Method: the shipped catalogue, and the same with a deliberation changed, in one store.
#include "flow_fixture.h"

#include "flow/grounds.h"

static void
is_the_one_of_its_own_version(void **state)
{
    struct flow_fixture *f = *state;
    struct institution cpas = {.id = CPAS_A, .sector = SECTOR_CPAS, .code = "CPAS-A"};
    struct institution rn = {.id = RN, .sector = 1, .code = "RN"};
    struct grounds *grounds = grounds_new();
    struct buffer text = flow_shipped_catalogue();
    const struct catalogue *old, *new;
    const struct flow *flow;
    char *at;

    buffer_add(&text, "", 1);
    at = strstr((char *)text.at, "name: notifyPerson");
    assert_non_null(at);
    at = strstr(at, "AR 2/12/2002");
    assert_non_null(at);
    memcpy(at, "AR 3/12/2002", strlen("AR 3/12/2002"));
    flow_load_catalogue(f, (const char *)text.at, text.len - 1);
    flow_apply(f);
    buffer_free(&text);

    old = grounds_catalogue(grounds, flow_view(f), 1);
    new = grounds_catalogue(grounds, f->view, 2);
    assert_non_null(old);
    assert_non_null(new);
    assert_ptr_equal(grounds_catalogue(grounds, f->view, 1), old); // read once
    assert_null(grounds_catalogue(grounds, f->view, 3));
    flow = catalogue_flow_by_id(old, 1);
    assert_non_null(strstr(ground_of(old, flow, &cpas, 30), "AR 2/12/2002"));
    flow = catalogue_flow_by_id(new, 1);
    assert_non_null(strstr(ground_of(new, flow, &cpas, 30), "AR 3/12/2002"));
    assert_string_equal(ground_of(new, flow, &rn, 0), ""); // nobody it reaches
    assert_string_equal(ground_of(NULL, NULL, NULL, 30), "");
    grounds_free(&grounds);
    assert_null(grounds);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(is_the_one_of_its_own_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
