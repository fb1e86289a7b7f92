// SPDX-License-Identifier: EUPL-1.2
// cuts.h - at each write and sync that is noted, what if the power went now?
//
// The process forks once for each disk that is tried. The child finds the disk as it could
// have been left in a folder of its own and jumps back to where its caller says; the parent
// waits for it and goes on. What a child prints is shown when it does not end with 0.
// Now and then a child is killed instead: the system keeps what was written, the disk does
// not have it yet, and the program begins again; then the power goes.
#ifndef POWER_CUTS_H
#define POWER_CUTS_H

#include "record.h"

#include <setjmp.h>
#include <stdbool.h>

#define CUTS_ALL UINT64_MAX

enum { CUTS_RARE = 10 };

struct cuts {
    // choices
    uint64_t seed;
    uint64_t lefts; // disks tried per cut, beside nothing, everything and small subsets
    uint64_t every; // one cut in so many
    uint64_t kills; // and at one of them in so many, a kill
    uint64_t cut_only;
    uint64_t left_only;
    uint64_t kill_only; // where the child is killed that finds the failure, 0: nowhere
    enum mutant mutant;
    const char *again; // words that run the same seed again
    void (*forget)(
        const char *path); // what a process has is gone, and path is what it finds
    // where a child begins again; NULL: there are no cuts here
    jmp_buf *back;
    enum { LIFE_USUAL, LIFE_AFTER_KILL, LIFE_WITHOUT_POWER } life;
    bool may_live; // whoever begins again here can go on
    bool lives_on; // this child need not end when it has looked at what it found
    bool is_rare;  // one in every / CUTS_RARE here
    uint64_t cut;  // of this run
};

extern struct cuts cuts;

struct cuts_count {
    uint64_t cuts, disks, kills, lived_on;
};

// cuts_counted gives what was tried by all processes, once a folder was followed.
struct cuts_count cuts_counted(void);

// cuts_follow begins with a folder, from cut 1; the one that is followed already goes on.
void cuts_follow(const char *path);
void cuts_end(void);

// cuts_folder makes a folder for a store; cuts_remove removes it with the store.
void cuts_folder(char ret_path[96]);
void cuts_remove(const char *path);

#endif
