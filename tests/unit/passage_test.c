// SPDX-License-Identifier: EUPL-1.2
// Goal: a chain that was rewritten, with all hashes made anew, is told from the one that was
// anchored, and between which two anchors; nobody else's anchor counts.
// Method: a chain of plain numbers as hashes; the other one differs from a commit on.
#include "anchor/passage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t seed[ANCHOR_KEY_LEN] = {7};
static char words[PASSAGE_WORDS_LEN];

// The hash of a commit in a chain that was rewritten from a commit on.
static void
hash_of(uint64_t commit, uint64_t rewritten, uint8_t ret_hash[ANCHOR_HASH_LEN])
{
    memset(ret_hash, 0, ANCHOR_HASH_LEN);
    memcpy(ret_hash, &commit, sizeof commit);
    ret_hash[31] = commit >= rewritten;
}

static struct anchor
anchor_of(uint32_t day, uint64_t commit)
{
    struct anchor anchor = {.commit = commit, .day = day};

    hash_of(commit, UINT64_MAX, anchor.hash);
    anchor_sign(&anchor, seed);
    return anchor;
}

static struct passage *
begin(void)
{
    uint8_t key[ANCHOR_KEY_LEN];

    anchor_key(seed, key);
    return passage_new(key);
}

static void
add(struct passage *passage, uint32_t day, uint64_t commit)
{
    struct anchor anchor = anchor_of(day, commit);

    assert_true(passage_add(passage, &anchor, words));
}

static void
walk(struct passage *passage, uint64_t from, uint64_t through, uint64_t rewritten)
{
    uint8_t previous[ANCHOR_HASH_LEN], hash[ANCHOR_HASH_LEN];

    for (uint64_t commit = from; commit <= through; commit++) {
        hash_of(commit - 1, rewritten, previous);
        hash_of(commit, rewritten, hash);
        passage_record(passage, commit, previous, hash);
    }
}

static void
passes_through_all_of_them(void **state)
{
    struct passage *passage = begin();
    (void)state;

    add(passage, 20261103, 300); // in any order
    add(passage, 20261101, 100);
    add(passage, 20261102, 200);
    walk(passage, 101, 5000, UINT64_MAX); // the first one's record went
    assert_int_equal(passage_end(passage, words), PASSAGE_THROUGH);
    assert_non_null(strstr(words, "through 3 anchors"));
    assert_non_null(strstr(words, "2026-11-03 at commit 300"));
    passage_free(&passage);
    assert_null(passage);
}

static void
tells_between_which_anchors_it_was_rewritten(void **state)
{
    struct passage *passage = begin();
    (void)state;

    add(passage, 20261101, 100);
    add(passage, 20261102, 200);
    add(passage, 20261103, 300);
    walk(passage, 1, 400, 150);
    assert_int_equal(passage_end(passage, words), PASSAGE_DIFFERS);
    assert_non_null(
        strstr(words, "commit 200 is not the one of the anchor of 2026-11-02"));
    assert_non_null(strstr(words, "from commit 101 or a later one on"));
    assert_non_null(
        strstr(words, "up to commit 100 it is what the anchor of 2026-11-01"));
    passage_free(&passage);

    passage = begin(); // rewritten before the first of them
    add(passage, 20261101, 100);
    walk(passage, 40, 400, 50);
    assert_int_equal(passage_end(passage, words), PASSAGE_DIFFERS);
    assert_non_null(strstr(words, "from commit 40 or a later one on"));
    passage_free(&passage);

    passage = begin(); // and what was trimmed as well
    add(passage, 20261101, 100);
    walk(passage, 101, 400, 50);
    assert_int_equal(passage_end(passage, words), PASSAGE_DIFFERS);
    passage_free(&passage);
}

static void
takes_all_that_stand_in_a_text(void **state)
{
    struct passage *passage = begin();
    struct anchor anchors[] = {anchor_of(20261101, 100), anchor_of(20261102, 200)};
    char text[3 * ANCHOR_LINE_LEN] = "From: the broker\n";
    (void)state;

    assert_false(passage_add_text(passage, text, words));
    assert_string_equal(words, "holds no anchor");
    for (size_t i = 0; i < 2; i++) {
        anchor_print(&anchors[i], text + strlen(text));
        strcat(text, "\n");
    }
    assert_true(passage_add_text(passage, text, words));
    assert_int_equal(passage_len(passage), 2);
    text[strlen(text) - 2] = 0;
    assert_false(passage_add_text(passage, text, words));
    assert_string_equal(words, "an anchor in it is cut short");
    passage_free(&passage);
}

static void
tells_that_the_end_is_missing(void **state)
{
    struct passage *passage = begin();
    (void)state;

    add(passage, 20261101, 100);
    add(passage, 20261102, 200);
    walk(passage, 1, 199, UINT64_MAX);
    assert_int_equal(passage_end(passage, words), PASSAGE_DIFFERS);
    assert_non_null(strstr(words, "ends with commit 199"));
    assert_non_null(strstr(words, "2026-11-02 says that there was a commit 200"));
    passage_free(&passage);
}

static void
knows_when_nothing_could_be_compared(void **state)
{
    struct passage *passage = begin();
    (void)state;

    add(passage, 20261101, 99);
    walk(passage, 101, 400, UINT64_MAX);
    assert_int_equal(passage_end(passage, words), PASSAGE_UNKNOWN);
    passage_free(&passage);
    passage = begin();
    assert_int_equal(passage_end(passage, words), PASSAGE_UNKNOWN);
    passage_free(&passage);
}

static void
takes_anchors_that_stand_behind_their_commit(void **state)
{
    struct passage *passage = begin();
    (void)state;

    walk(passage, 1, 100, 60);
    add(passage, 20261101, 50);
    walk(passage, 101, 3000, 60);
    add(passage, 20261102, 2990);
    add(passage, 20261103, 51); // too far back to be remembered
    assert_int_equal(passage_len(passage), 3);
    assert_int_equal(passage_end(passage, words), PASSAGE_DIFFERS);
    assert_non_null(strstr(words, "from commit 51 or a later one on"));
    passage_free(&passage);
}

static void
believes_no_other_key_and_no_changed_anchor(void **state)
{
    static const uint8_t other[ANCHOR_KEY_LEN] = {8};
    struct anchor anchor = anchor_of(20261101, 100);
    struct passage *passage = begin();
    (void)state;

    anchor.commit = 99;
    assert_false(passage_add(passage, &anchor, words));
    assert_non_null(strstr(words, "was changed"));
    anchor_sign(&anchor, other);
    assert_false(passage_add(passage, &anchor, words));
    assert_non_null(strstr(words, "another key"));
    assert_int_equal(passage_len(passage), 0);
    passage_free(&passage);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_through_all_of_them),
        cmocka_unit_test(tells_between_which_anchors_it_was_rewritten),
        cmocka_unit_test(takes_all_that_stand_in_a_text),
        cmocka_unit_test(tells_that_the_end_is_missing),
        cmocka_unit_test(knows_when_nothing_could_be_compared),
        cmocka_unit_test(takes_anchors_that_stand_behind_their_commit),
        cmocka_unit_test(believes_no_other_key_and_no_changed_anchor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
