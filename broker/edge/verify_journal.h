// SPDX-License-Identifier: EUPL-1.2
// verify_journal.h - does the journal of a store still say what it said, to itself and to anchors
// that were kept elsewhere (proto/anchor/passage.h)? `vigied --verify` reads the whole of a store
// that no broker has open; this reads the journal alone, also beside a broker that runs.
#ifndef EDGE_VERIFY_JOURNAL_H
#define EDGE_VERIFY_JOURNAL_H

#include "edge/inspect.h"

struct verify_choices {
    const char *anchors; // a file; NULL: those that the store has
    const char *key;     // that must have signed them; NULL: no anchor is asked
};

// verify_journal follows the hashes from the first record there is to the last one there was
// when it began, letting go of its view between slices.
//
// Returns INSPECT_GOOD; INSPECT_UNSOUND: a record does not hold, or the chain does not pass
// through an anchor; INSPECT_BAD: it cannot be read, or nothing could be compared. Blocks: as
// long as reading takes.
int verify_journal(const struct settings *settings, const struct verify_choices *choices,
                   const struct inspect_output *output);

#endif
