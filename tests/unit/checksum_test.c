// SPDX-License-Identifier: EUPL-1.2
// Goal: damage is found, and the journal's chain is the hash it says it is.
// Method: known answers made by other programs (xxHash's published value for "abc" and
// for nothing; Python's hashlib for BLAKE2b), then every bit of a record turned.
#include "base/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct hash beginning; // zeros

static void
assert_hash(struct hash hash, const char *hex)
{
    char text[2 * HASH_LEN + 1];

    for (size_t i = 0; i < HASH_LEN; i++) {
        snprintf(text + 2 * i, 3, "%02x", hash.at[i]);
    }
    assert_string_equal(text, hex);
}

static void
the_checksum_is_xxh3(void **state)
{
    (void)state;
    assert_true(checksum_of("", 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(checksum_of("abc", 3) == UINT64_C(0x78af5f94892f3950));
    assert_true(checksum_of(NULL, 0) == checksum_of("", 0));
}

static void
the_chain_is_blake2b(void **state)
{
    struct hash hash;
    (void)state;

    assert_hash(hash_chain(&beginning, "", 0),
                "89eb0d6a8a691dae2cd15ed0369931ce0a949ecafa5c3f93f8121833646e15c3");
    hash = hash_chain(&beginning, "abc", 3);
    assert_hash(hash, "5db827e5e925e6b933a86596a0446c345c0d74d77f55a751ade5d7c7162eead8");
    hash = hash_chain(&hash, "def", 3);
    assert_hash(hash, "95be552e792c16de7a274b0dae8330f91552f5f378fb264a4a63e1d3042ef227");
}

static void
every_turned_bit_is_found(void **state)
{
    uint8_t record[100];
    (void)state;

    for (size_t i = 0; i < sizeof record; i++) {
        record[i] = (uint8_t)(i * 37);
    }

    uint64_t checksum = checksum_of(record, sizeof record);
    struct hash hash = hash_chain(&beginning, record, sizeof record);

    for (size_t bit = 0; bit < 8 * sizeof record; bit++) {
        uint8_t turn = (uint8_t)(1u << bit % 8);

        record[bit / 8] ^= turn;

        struct hash turned = hash_chain(&beginning, record, sizeof record);

        assert_true(checksum_of(record, sizeof record) != checksum);
        assert_memory_not_equal(turned.at, hash.at, HASH_LEN);
        record[bit / 8] ^= turn;
    }
    assert_true(checksum_of(record, sizeof record) == checksum);
}

static void
a_record_is_bound_to_the_one_before_it(void **state)
{
    struct hash other = {{1}};
    struct hash after_zeros = hash_chain(&beginning, "abc", 3);
    struct hash after_other = hash_chain(&other, "abc", 3);
    (void)state;

    assert_memory_not_equal(after_zeros.at, after_other.at, HASH_LEN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_xxh3),
        cmocka_unit_test(the_chain_is_blake2b),
        cmocka_unit_test(every_turned_bit_is_found),
        cmocka_unit_test(a_record_is_bound_to_the_one_before_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
