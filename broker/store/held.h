// SPDX-License-Identifier: EUPL-1.2
// held.h - letters that have left the main sequence of their mailbox and are not done
// with: refused ones that are tried again, later ones about the same person that wait
// behind them, and parked ones that wait for a hand.
//
//  table "held", key: u32 BE mailbox | u64 BE number, value: struct held_head, then
//    reason_len bytes of the reason
//  table "held_subjects", key: u32 BE mailbox | u64 BE subject | u64 BE number, value:
//    u8 state: the letters that are not parked, by whom they are about
#ifndef STORE_HELD_H
#define STORE_HELD_H

#include "store/mailbox.h"
#include "store/person.h"

enum {
    HELD_REASON_MAX = 200,
    HELD_MAX = 100 * 1000, // of one mailbox, parked ones not counted
};

// On flows keyed by enterprise the subject is the enterprise number with this bit.
#define HELD_ENTERPRISE (UINT64_C(1) << 63)

enum held_state {
    HELD_GONE = 0,   // never stored: acknowledged or dropped
    HELD_RETRY = 1,  // is tried again at due_us; at most one of each subject
    HELD_BEHIND = 2, // waits until those before it about the same subject are gone
    HELD_PARKED = 3, // waits for a hand; lets others pass
};

// The drawing of a row.
struct held_head {
    struct letter letter;
    uint64_t subject;  // NISS, or HELD_ENTERPRISE | enterprise number
    int64_t due_us;    // not before this moment; 0: as soon as its turn comes
    int64_t since_us;  // when it left the main sequence
    uint32_t attempts; // how often it was refused
    uint32_t actor;    // institution that refused or handled it last, 0: the broker's own
    uint16_t state;
    uint16_t reason_len;
    uint32_t reserved;
};

struct held_row {
    struct held_head head;
    char reason[HELD_REASON_MAX + 1]; // printable, with its zero
};

// held_get: VG_NOT_FOUND when the letter is not held.
NODISCARD enum vg_status held_get(struct txn *txn, struct mailbox_id mailbox,
                                  uint64_t number, struct held_row *ret_row);
// held_put writes a row, or writes it anew, and keeps held_subjects. CHECKs state and
// reason. Durable: with the transaction's commit.
NODISCARD enum vg_status held_put(struct txn *txn, struct mailbox_id mailbox,
                                  const struct held_row *row);
// held_erase is content when there is no such row.
NODISCARD enum vg_status held_erase(struct txn *txn, struct mailbox_id mailbox,
                                    uint64_t number);
// held_move_body says where the body lies now. Returns VG_NOT_FOUND when the letter is
// not held.
NODISCARD enum vg_status held_move_body(struct txn *txn, struct mailbox_id mailbox,
                                        uint64_t number, uint64_t body);

// held_next gives the first row with a key of at least this mailbox and number, in
// order: VG_NOT_FOUND at the end of the table. What it gives stays good while the
// transaction writes.
NODISCARD enum vg_status held_next(struct txn *txn, struct mailbox_id from,
                                   uint64_t number, struct mailbox_id *ret_mailbox,
                                   struct held_row *ret_row);

// held_each calls back for every row of the table, in order, until it returns false. The
// callback may not write; to write, walk with held_next.
typedef bool (*held_fn)(struct mailbox_id mailbox, const struct held_row *row, void *arg);
NODISCARD enum vg_status held_each(struct txn *txn, held_fn each, void *arg);

// All subjects that are the same person: his numbers. One that is no person is alone.
struct subjects {
    uint64_t at[NUMBERS_MAX];
    size_t len;
};
NODISCARD enum vg_status subjects_of(struct txn *txn, uint64_t subject,
                                     struct subjects *ret_subjects);
bool subjects_have(const struct subjects *subjects, uint64_t subject);

// held_about gives the number and state of the first letter that is held about a subject,
// under any of a person's numbers, and not parked, with a number of at least `from`:
// VG_NOT_FOUND if none.
NODISCARD enum vg_status held_about(struct txn *txn, struct mailbox_id mailbox,
                                    uint64_t subject, uint64_t from, uint64_t *ret_number,
                                    enum held_state *ret_state);
// held_subjects_len counts the rows of held_subjects, for the check.
NODISCARD enum vg_status held_subjects_len(struct txn *txn, uint64_t *ret_rows);

#endif
