// SPDX-License-Identifier: EUPL-1.2
// faults.h - a disk that fails on cue: LMDB's calls, some of which answer with an error.
#ifndef SIMULATION_FAULTS_H
#define SIMULATION_FAULTS_H

#include "dice.h"

enum trouble {
    FAULT_NONE,
    FAULT_FULL,        // a put finds the map full; perhaps again in the second try
    FAULT_NO_MEMORY,   // any call
    FAULT_FULL_COMMIT, // the commit finds the map full
    FAULT_BROKEN,      // any call answers EIO
    FAULT_LOST_COMMIT, // the commit answers EIO, and nothing was written
    FAULT_DONE_COMMIT, // the commit answers EIO, and everything was written
    FAULT_READS,       // any read answers EIO: for the loop, which only reads
    FAULTS,
};

// faults_arm lets calls from now on fail in one way, when the dice say.
void faults_arm(enum trouble trouble, struct dice *dice);
// faults_heal makes LMDB itself again. Says whether a call failed.
bool faults_heal(void);

#endif
