// SPDX-License-Identifier: EUPL-1.2
#include "faults.h"

#include "store/lmdb_calls.h"

#include <errno.h>
#include <stddef.h>

static struct {
    enum trouble trouble;
    unsigned countdown; // calls until the next failure
    unsigned again;     // calls between one failure and the next
    unsigned times;
    bool failed;
} armed;

enum call { CALL_PUT, CALL_READ, CALL_OTHER, CALL_COMMIT };

static bool
concerns(enum call call)
{
    switch (armed.trouble) {
    case FAULT_FULL:
        return call == CALL_PUT;
    case FAULT_NO_MEMORY:
    case FAULT_BROKEN:
        return call != CALL_COMMIT;
    case FAULT_FULL_COMMIT:
    case FAULT_LOST_COMMIT:
    case FAULT_DONE_COMMIT:
        return call == CALL_COMMIT;
    case FAULT_READS:
        return call == CALL_READ;
    case FAULT_NONE:
    case FAULTS:
        break;
    }
    return false;
}

static int
error_of(enum trouble trouble)
{
    switch (trouble) {
    case FAULT_FULL:
    case FAULT_FULL_COMMIT:
        return MDB_MAP_FULL;
    case FAULT_NO_MEMORY:
        return ENOMEM;
    default:
        return EIO;
    }
}

// 0: make the call.
static int
failure(enum call call)
{
    if (armed.times == 0 || !concerns(call) || --armed.countdown > 0) {
        return 0;
    }
    armed.countdown = armed.again;
    armed.times--;
    armed.failed = true;
    return error_of(armed.trouble);
}

static int
faulty_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **txn)
{
    int rc = (flags & MDB_RDONLY) != 0 ? 0 : failure(CALL_OTHER);

    return rc != 0 ? rc : mdb_txn_begin(env, parent, flags, txn);
}

static int
faulty_txn_commit(MDB_txn *txn)
{
    int rc = failure(CALL_COMMIT);

    if (rc == 0) {
        return mdb_txn_commit(txn);
    }
    if (armed.trouble != FAULT_DONE_COMMIT) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn) == 0 ? rc : MDB_PANIC;
}

static int
faulty_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value)
{
    int rc = failure(CALL_READ);

    return rc != 0 ? rc : mdb_get(txn, dbi, key, value);
}

static int
faulty_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags)
{
    int rc = failure(CALL_PUT);

    return rc != 0 ? rc : mdb_put(txn, dbi, key, value, flags);
}

static int
faulty_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value)
{
    int rc = failure(CALL_OTHER);

    return rc != 0 ? rc : mdb_del(txn, dbi, key, value);
}

static int
faulty_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op move)
{
    int rc = failure(CALL_READ);

    return rc != 0 ? rc : mdb_cursor_get(cursor, key, value, move);
}

static int
faulty_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor)
{
    int rc = failure(CALL_READ);

    return rc != 0 ? rc : mdb_cursor_open(txn, dbi, cursor);
}

static int
faulty_cursor_del(MDB_cursor *cursor, unsigned flags)
{
    int rc = failure(CALL_OTHER);

    return rc != 0 ? rc : mdb_cursor_del(cursor, flags);
}

void
faults_arm(enum trouble trouble, struct dice *dice)
{
    static struct lmdb_calls calls;
    bool commit = trouble == FAULT_FULL_COMMIT || trouble == FAULT_LOST_COMMIT ||
                  trouble == FAULT_DONE_COMMIT;

    calls = lmdb_own_calls;
    calls.txn_begin = faulty_txn_begin;
    calls.txn_commit = faulty_txn_commit;
    calls.get = faulty_get;
    calls.put = faulty_put;
    calls.del = faulty_del;
    calls.cursor_open = faulty_cursor_open;
    calls.cursor_get = faulty_cursor_get;
    calls.cursor_del = faulty_cursor_del;
    armed.trouble = trouble;
    armed.failed = false;
    armed.times = trouble == FAULT_NONE ? 0 : 1 + dice_one_in(dice, 2);
    armed.countdown = commit ? 1 : 1 + dice_below(dice, 40);
    armed.again = commit ? 1 : 1 + dice_below(dice, 20);
    store_use_calls(&calls);
}

bool
faults_heal(void)
{
    bool failed = armed.failed;

    armed.times = 0;
    armed.failed = false;
    store_use_calls(NULL);
    return failed;
}
