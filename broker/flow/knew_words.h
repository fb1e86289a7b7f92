// SPDX-License-Identifier: EUPL-1.2
// knew_words.h - the answer to "who knew?" in sentences, for whoever knows the law and not the
// broker. Person numbers are masked. Thread: event loop.
#ifndef FLOW_KNEW_WORDS_H
#define FLOW_KNEW_WORDS_H

#include "flow/grounds.h"
#include "flow/knew.h"
#include "rules/roster.h"

// Of so many letters, the newest, the bodies are read to say which fields were given.
enum { KNEW_WORDS_BODIES_MAX = 200 };

struct knew_words {
    struct txn *txn;
    const struct roster *roster;
    struct grounds *grounds;
    const struct catalogue *catalogue; // in force, NULL: none
    struct day since;                  // as far back as the index goes
};

// knew_words appends the text of a search that is done. Borrows: all.
void knew_words(const struct knew_words *words, const struct knew *knew,
                struct buffer *text);

#endif
