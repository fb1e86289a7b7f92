// SPDX-License-Identifier: EUPL-1.2
// Goal: zeros lie behind the store's last page, as many as were asked for, and whatever
// becomes of filling them, the store holds what it held.
// Method: a real store in a fresh folder; its file is looked at, written into the zeros and
// opened again; the disk is full, or fails, by what the calls answer.
#include "store/ahead.h"

#include "../failing_lmdb.h"
#include "../fresh_store.h"
#include "store/person.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { MIB = 1 << 20, PERSONS = 12000 };

static const struct store_ahead eight = {.bytes = 8 * MIB};

static uint64_t
file_len(const struct fresh_store *fresh)
{
    char path[300];
    struct stat file;

    snprintf(path, sizeof path, "%s/data.mdb", fresh->path);
    assert_int_equal(stat(path, &file), 0);
    return (uint64_t)file.st_size;
}

static unsigned
extend(struct fresh_store *fresh, const struct store_ahead *ahead)
{
    unsigned steps = 0;

    while (store_extend(fresh->store, ahead)) {
        steps++;
        assert_in_range(steps, 1, 100);
    }
    return steps;
}

// Some 300 bytes each, from this number on.
static void
put_persons(struct fresh_store *fresh, int first, int len)
{
    struct integration many[16] = {{.institution = 1, .sector = 17, .quality = 1}};
    struct txn *txn = fresh_store_write(fresh);

    for (int i = first; i < first + len; i++) {
        struct niss niss = niss_make(1900 + i / 900, 1 + 60, 1, 1 + i % 900);

        many[0].begin = i;
        assert_int_equal(person_put(txn, niss, many, ARRAY_LEN(many)), VG_OK);
    }
    fresh_store_commit(&txn);
}

static void
all_persons_are_there(struct fresh_store *fresh, int len)
{
    struct txn *txn = fresh_store_read(fresh);

    for (int i = 0; i < len; i++) {
        struct person person;

        assert_int_equal(
            person_get(txn, niss_make(1900 + i / 900, 1 + 60, 1, 1 + i % 900), &person),
            VG_OK);
        assert_int_equal(person.len, 16);
        assert_int_equal(person.integrations[0].begin, i);
    }
    store_abort(&txn);
}

static void
what_is_written_into_the_zeros_is_there(void **state)
{
    struct fresh_store *fresh = *state;
    uint64_t empty = file_len(fresh);
    uint64_t longer;

    assert_int_equal(extend(fresh, &eight), 8);
    longer = file_len(fresh);
    assert_in_range(longer, empty + 8 * MIB, empty + 9 * MIB);

    put_persons(fresh, 0, PERSONS);
    assert_int_equal(file_len(fresh), longer); // it had the room
    all_persons_are_there(fresh, PERSONS);
    fresh_store_reopen(fresh);
    all_persons_are_there(fresh, PERSONS);
    assert_int_equal(file_len(fresh), longer);
}

static void
filling_goes_on_when_half_is_used(void **state)
{
    struct fresh_store *fresh = *state;
    uint64_t longer;

    extend(fresh, &eight);
    longer = file_len(fresh);
    put_persons(fresh, 0, PERSONS / 2); // 2 MB
    assert_int_equal(extend(fresh, &eight), 0);
    put_persons(fresh, PERSONS / 2, PERSONS); // 6 MB
    assert_int_equal(file_len(fresh), longer);
    assert_in_range(extend(fresh, &eight), 5, 7);
    assert_in_range(file_len(fresh), longer + 5 * MIB, longer + 7 * MIB);
    fresh_store_reopen(fresh);
    assert_int_equal(extend(fresh, &eight), 0); // what lies there counts
    all_persons_are_there(fresh, PERSONS / 2 + PERSONS);
}

static void
by_itself_as_much_as_the_store_holds(void **state)
{
    struct fresh_store *fresh = *state;
    const struct store_ahead by_itself = {0};
    uint64_t before;

    assert_int_equal(extend(fresh, &by_itself), 0); // a new store holds next to nothing
    put_persons(fresh, 0, PERSONS);
    before = file_len(fresh);
    assert_int_equal(extend(fresh, &by_itself), before / MIB);
    assert_int_equal(extend(fresh, &(struct store_ahead){.bytes = MIB - 1}), 0);
}

static void
the_quota_and_the_disk_are_never_filled(void **state)
{
    struct fresh_store *fresh = *state;
    const struct store_ahead endless = {.bytes = UINT64_MAX};
    const struct store_ahead no_disk = {.bytes = 8 * MIB, .disk_bytes = UINT64_MAX};
    struct store_options options = {
        .path = fresh->path, .map_bytes = 1 << 30, .quota_bytes = 20 * MIB};
    uint64_t before = file_len(fresh);

    assert_int_equal(extend(fresh, &no_disk), 0);
    assert_int_equal(file_len(fresh), before);
    assert_int_equal(extend(fresh, &eight), 0); // not asked again until it is opened
    store_close(&fresh->store);
    assert_int_equal(store_open(&options, &fresh->store, NULL), VG_OK);
    assert_in_range(extend(fresh, &endless), 18, 20);
    assert_in_range(file_len(fresh), 18 * MIB, 20 * MIB);
}

// A file that may not grow, as on a disk without room.
static void
a_full_disk_ends_it_and_the_store_goes_on(void **state)
{
    struct fresh_store *fresh = *state;
    struct rlimit before;
    struct rlimit tiny;
    uint64_t empty = file_len(fresh);

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tiny = (struct rlimit){empty + 5 * MIB / 2, before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    assert_int_equal(extend(fresh, &eight), 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(store_broken(fresh->store));
    assert_int_equal(extend(fresh, &eight), 0);
    put_persons(fresh, 0, PERSONS);
    fresh_store_reopen(fresh);
    all_persons_are_there(fresh, PERSONS);
}

// It takes what is written to it and cannot be synced.
static int
give_null_device(MDB_env *env, mdb_filehandle_t *ret)
{
    static int device = -1;
    (void)env;

    if (device < 0) {
        device = open("/dev/null", O_RDWR | O_CLOEXEC);
    }
    *ret = device;
    return 0;
}

static void
a_sync_that_fails_is_the_last_of_its_store(void **state)
{
    struct fresh_store *fresh = *state;
    struct lmdb_calls calls = lmdb_own_calls;
    struct txn *txn = NULL;

    calls.env_get_fd = give_null_device;
    store_use_calls(&calls);
    assert_false(store_extend(fresh->store, &eight));
    store_use_calls(NULL);
    assert_true(store_broken(fresh->store));
    assert_int_equal(store_write(fresh->store, &txn, NULL), VG_STORE_BROKEN);
}

static void
calls_that_fail_fill_nothing(void **state)
{
    struct fresh_store *fresh = *state;
    static const char *const kinds[] = {"env_info", "env_get_fd"};
    uint64_t before = file_len(fresh);

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        lmdb_fail(kinds[i], 1, EIO);
        assert_false(store_extend(fresh->store, &eight));
        assert_true(lmdb_heal());
    }
    assert_int_equal(file_len(fresh), before);
    assert_int_equal(extend(fresh, &eight), 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        fresh_store_test(what_is_written_into_the_zeros_is_there),
        fresh_store_test(filling_goes_on_when_half_is_used),
        fresh_store_test(by_itself_as_much_as_the_store_holds),
        fresh_store_test(the_quota_and_the_disk_are_never_filled),
        fresh_store_test(a_full_disk_ends_it_and_the_store_goes_on),
        fresh_store_test(a_sync_that_fails_is_the_last_of_its_store),
        fresh_store_test(calls_that_fail_fill_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
