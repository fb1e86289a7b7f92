// SPDX-License-Identifier: EUPL-1.2
#include "anchor/passage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// An anchor that stands in the journal itself is some commits behind the one it speaks of.
enum { RECENT = 1024, DAY_LEN = 11 };

enum state { NOT_COMPARED, AGREES, DIFFERS };

struct kept {
    struct anchor anchor;
    enum state state;
};

struct passage {
    uint8_t key[ANCHOR_KEY_LEN];
    struct kept *kept; // in order of commit
    size_t len;
    size_t size;
    size_t next;    // the first whose commit is yet to come
    uint64_t first; // commit, 0: none was seen
    uint64_t last;
    uint8_t before[ANCHOR_HASH_LEN]; // of the record before the first
    uint8_t recent[RECENT][ANCHOR_HASH_LEN];
};

struct passage *
passage_new(const uint8_t key[ANCHOR_KEY_LEN])
{
    struct passage *passage = calloc(1, sizeof *passage);

    if (passage == NULL) {
        abort();
    }
    memcpy(passage->key, key, sizeof passage->key);
    return passage;
}

void
passage_free(struct passage **passage)
{
    if (*passage != NULL) {
        free((*passage)->kept);
        free(*passage);
        *passage = NULL;
    }
}

size_t
passage_len(const struct passage *passage)
{
    return passage->len;
}

static void
print_day(const struct anchor *anchor, char ret_text[DAY_LEN])
{
    snprintf(ret_text, DAY_LEN, "%04u-%02u-%02u", anchor->day / 10000 % 10000,
             anchor->day / 100 % 100, anchor->day % 100);
}

static void
compare(struct kept *kept, const uint8_t hash[ANCHOR_HASH_LEN])
{
    bool same = memcmp(kept->anchor.hash, hash, ANCHOR_HASH_LEN) == 0;

    kept->state = same ? AGREES : DIFFERS;
}

// Of a commit that was seen already, and is remembered.
static void
compare_behind(const struct passage *passage, struct kept *kept)
{
    uint64_t commit = kept->anchor.commit;

    if (passage->first == 0) {
        return;
    }
    if (commit + 1 == passage->first) {
        compare(kept, passage->before);
    } else if (commit >= passage->first && commit <= passage->last &&
               passage->last - commit < RECENT) {
        compare(kept, passage->recent[commit % RECENT]);
    }
}

bool
passage_add(struct passage *passage, const struct anchor *anchor,
            char ret_words[PASSAGE_WORDS_LEN])
{
    struct kept kept = {*anchor, NOT_COMPARED};
    size_t at = passage->len;
    char day[DAY_LEN];

    print_day(anchor, day);
    if (memcmp(anchor->key, passage->key, sizeof passage->key) != 0) {
        snprintf(ret_words, PASSAGE_WORDS_LEN,
                 "the anchor of %s names another key than the one that is trusted", day);
        return false;
    }
    if (!anchor_holds(anchor)) {
        snprintf(ret_words, PASSAGE_WORDS_LEN,
                 "the anchor of %s is not what was signed: it was changed", day);
        return false;
    }
    if (passage->len == passage->size) {
        passage->size = passage->size * 2 + 16;
        passage->kept = realloc(passage->kept, passage->size * sizeof *passage->kept);
        if (passage->kept == NULL) {
            abort();
        }
    }
    compare_behind(passage, &kept);
    for (; at > 0 && passage->kept[at - 1].anchor.commit > anchor->commit; at--) {
        passage->kept[at] = passage->kept[at - 1];
    }
    passage->kept[at] = kept;
    passage->len++;
    passage->next +=
        at < passage->next || (passage->first != 0 && anchor->commit <= passage->last);
    return true;
}

bool
passage_add_text(struct passage *passage, const char *text,
                 char ret_words[PASSAGE_WORDS_LEN])
{
    struct anchor anchor;
    size_t before = passage->len;
    bool cut = false;

    while (anchor_read(&text, &anchor, &cut)) {
        if (!passage_add(passage, &anchor, ret_words)) {
            return false;
        }
    }
    if (cut || passage->len == before) {
        snprintf(ret_words, PASSAGE_WORDS_LEN, "%s",
                 cut ? "an anchor in it is cut short" : "holds no anchor");
        return false;
    }
    return true;
}

void
passage_record(struct passage *passage, uint64_t commit,
               const uint8_t previous[ANCHOR_HASH_LEN],
               const uint8_t hash[ANCHOR_HASH_LEN])
{
    if (passage->first == 0) {
        passage->first = commit;
        memcpy(passage->before, previous, sizeof passage->before);
    }
    passage->last = commit;
    memcpy(passage->recent[commit % RECENT], hash, ANCHOR_HASH_LEN);
    while (passage->next < passage->len &&
           passage->kept[passage->next].anchor.commit <= commit) {
        compare_behind(passage, &passage->kept[passage->next++]);
    }
}

// ---- what came of it ----

struct findings {
    const struct anchor *differs; // the first
    const struct anchor *agrees;  // the last one before it
    const struct anchor *beyond;  // the first of a commit that is not there
    size_t agreed;
};

static struct findings
find(const struct passage *passage)
{
    struct findings found = {.differs = NULL};

    for (size_t i = 0; i < passage->len && found.differs == NULL; i++) {
        const struct kept *kept = &passage->kept[i];

        if (kept->state == DIFFERS) {
            found.differs = &kept->anchor;
        } else if (kept->state == AGREES) {
            found.agrees = &kept->anchor;
            found.agreed++;
        } else if (kept->anchor.commit > passage->last && found.beyond == NULL) {
            found.beyond = &kept->anchor;
        }
    }
    return found;
}

static void
tell_difference(const struct passage *passage, const struct findings *found, char *words)
{
    char day[DAY_LEN], last[DAY_LEN];

    print_day(found->differs, day);
    if (found->agrees == NULL) {
        snprintf(words, PASSAGE_WORDS_LEN,
                 "commit %" PRIu64 " is not the one of the anchor of %s: it differs from "
                 "commit %" PRIu64 " or a later one on",
                 found->differs->commit, day,
                 found->differs->commit < passage->first ? found->differs->commit
                                                         : passage->first);
        return;
    }
    print_day(found->agrees, last);
    snprintf(words, PASSAGE_WORDS_LEN,
             "commit %" PRIu64 " is not the one of the anchor of %s: it differs from "
             "commit %" PRIu64 " or a later one on; up to commit %" PRIu64
             " it is what the anchor of %s says",
             found->differs->commit, day, found->agrees->commit + 1,
             found->agrees->commit, last);
}

enum passage_verdict
passage_end(const struct passage *passage, char ret_words[PASSAGE_WORDS_LEN])
{
    struct findings found = find(passage);
    char day[DAY_LEN];

    if (found.differs != NULL) {
        tell_difference(passage, &found, ret_words);
        return PASSAGE_DIFFERS;
    }
    if (found.beyond != NULL) {
        print_day(found.beyond, day);
        snprintf(ret_words, PASSAGE_WORDS_LEN,
                 "it ends with commit %" PRIu64
                 "; the anchor of %s says that there was a "
                 "commit %" PRIu64,
                 passage->last, day, found.beyond->commit);
        return PASSAGE_DIFFERS;
    }
    if (found.agrees == NULL) {
        snprintf(ret_words, PASSAGE_WORDS_LEN,
                 "no anchor is of a commit from %" PRIu64 " to %" PRIu64
                 ", so none says anything of it",
                 passage->first, passage->last);
        return PASSAGE_UNKNOWN;
    }
    print_day(found.agrees, day);
    snprintf(ret_words, PASSAGE_WORDS_LEN,
             "it passes through %zu anchor%s, the last one of %s at commit %" PRIu64,
             found.agreed, found.agreed == 1 ? "" : "s", day, found.agrees->commit);
    return PASSAGE_THROUGH;
}
