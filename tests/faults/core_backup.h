// SPDX-License-Identifier: EUPL-1.2
// core_backup.h - a backup of the story's store, in a folder beside it.
#ifndef TESTS_FAULTS_CORE_BACKUP_H
#define TESTS_FAULTS_CORE_BACKUP_H

#include "../unit/flow_fixture.h"

// core_backup_make writes one, unless a whole one is there; the store is closed. Gives its
// last commit; 0: it failed, and why stands on stderr.
uint64_t core_backup_make(struct flow_fixture *f);

// core_backup_commit gives the last commit of the backup that is there; 0: there is none
// that is whole. core_backup_remove removes whatever there is of one.
uint64_t core_backup_commit(const struct flow_fixture *f);
void core_backup_remove(const struct flow_fixture *f);

#endif
