// SPDX-License-Identifier: EUPL-1.2
// core_story.h - one life of a store: two mailboxes get twelve letters; one acknowledges
// them, the other refuses, parks, tries again and drops; all is folded, the store is opened
// again, backed up, and what is old goes. Every step can be repeated as it stands.
#ifndef TESTS_FAULTS_CORE_STORY_H
#define TESTS_FAULTS_CORE_STORY_H

#include "../unit/flow_fixture.h"

// What was answered, by the store's own account: a commit that succeeded.
struct story_notes {
    uint64_t published;    // up to here
    uint64_t acknowledged; // by the first mailbox, up to here
    uint32_t refusals;     // of the second mailbox's letter
    bool followed;
    bool parked;
    bool dropped;
    bool expired;    // records went
    uint64_t backup; // up to this commit
    bool backup_failed;
};

// story_play plays all of it; catalogue: the shipped one, read before anything can fail.
// False: the process must end, as vigied would. It says why on stderr.
bool story_play(struct flow_fixture *f, const struct buffer *catalogue,
                struct story_notes *notes);

// story_what_is_lost opens the store and looks for what was answered: NULL when all of it
// is there. story_what_is_wrong says what is not as it must be after the whole story.
const char *story_what_is_lost(struct flow_fixture *f, const struct story_notes *notes);
const char *story_what_is_wrong(struct flow_fixture *f);

#endif
