// SPDX-License-Identifier: EUPL-1.2
// catch_up_scene.h - what the loop does for an integrate request of one item before it proposes
// it: it searches for what may be caught up with.
#ifndef TESTS_UNIT_CATCH_UP_SCENE_H
#define TESTS_UNIT_CATCH_UP_SCENE_H

#include "flow/catch_up.h"
#include "flow_fixture.h"

__attribute__((unused)) static struct catch_up *
scene_search(struct flow_fixture *f, uint64_t niss)
{
    struct day today = day_in_brussels((struct instant){f->now_us});
    struct catch_up *found;
    struct knew *knew = NULL;
    uint64_t through = 0;
    bool done = false;

    assert_int_equal(
        catch_up_begin(flow_view(f), (struct niss){niss}, today, &knew, &through), VG_OK);
    while (!done) {
        assert_int_equal(knew_search(knew, flow_view(f), &done, &f->why), VG_OK);
    }
    found = catch_up_found(knew, through);
    knew_free(&knew);
    return found;
}

// scene_catch_up searches, when the item asks for it or extends what has ended.
__attribute__((unused)) static void
scene_catch_up(struct flow_fixture *f, struct command *command)
{
    struct integrate_command *integrate = &command->integrate;
    struct day today = day_in_brussels((struct instant){f->now_us});
    struct roster *roster = applier_roster(f->applier);
    bool wanted = false;

    assert_int_equal(catch_up_is_wanted(flow_view(f), roster, integrate->institution,
                                        integrate->items, today, &wanted),
                     VG_OK);
    roster_free(&roster);
    if (wanted) {
        integrate->catch_ups = xcalloc(1, sizeof(struct catch_up *));
        integrate->catch_ups[0] = scene_search(f, integrate->items[0].niss);
    }
}

#endif
