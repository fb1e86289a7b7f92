// SPDX-License-Identifier: EUPL-1.2
// passage.h - does a journal's chain pass through anchors that were kept elsewhere?
//
// Anchors first (passage_add), then the chain record by record (passage_record), then what is
// to be said of it (passage_end). The chain itself is whoever reads it his to check: that each
// record's hash holds and each follows on the one before. Thread: one.
#ifndef ANCHOR_PASSAGE_H
#define ANCHOR_PASSAGE_H

#include <stddef.h>

#include "anchor/anchor.h"

enum { PASSAGE_WORDS_LEN = 256 };

struct passage;

enum passage_verdict {
    PASSAGE_THROUGH, // all that could be compared agree
    PASSAGE_UNKNOWN, // nothing could be compared
    PASSAGE_DIFFERS,
};

// passage_new begins. key: the one that must have signed; copied. Gives: passage_free.
struct passage *passage_new(const uint8_t key[ANCHOR_KEY_LEN]);
void passage_free(struct passage **passage);

// passage_add takes an anchor, in any order. False, with words, when another key signed it or
// its signature does not hold: it proves nothing.
bool passage_add(struct passage *passage, const struct anchor *anchor,
                 char ret_words[PASSAGE_WORDS_LEN]);
// passage_add_text takes all that stand in a text: one at least. False, with words, as
// passage_add, or when one is cut short.
bool passage_add_text(struct passage *passage, const char *text,
                      char ret_words[PASSAGE_WORDS_LEN]);
size_t passage_len(const struct passage *passage);

// passage_record compares a record of the chain. previous is looked at in the first one only:
// it is the hash of the record before it, which the journal may have let go.
void passage_record(struct passage *passage, uint64_t commit,
                    const uint8_t previous[ANCHOR_HASH_LEN],
                    const uint8_t hash[ANCHOR_HASH_LEN]);

// passage_end says what came of it, in one sentence without a full stop: where it differs, the
// last commit that an anchor proves and the first that one contradicts. Anchors may still be
// added before it, when they stand in the journal itself and are of an earlier commit: then they
// were compared with nothing.
enum passage_verdict passage_end(const struct passage *passage,
                                 char ret_words[PASSAGE_WORDS_LEN]);

#endif
