// SPDX-License-Identifier: EUPL-1.2
// folder.h - folders in memory, where a simulated store's files lie.
#ifndef SIMULATION_FOLDER_H
#define SIMULATION_FOLDER_H

#include <stddef.h>

// folder_make makes a fresh one, in TMPDIR or in memory.
void folder_make(char *ret_path, size_t size);
void folder_remove(const char *path);
// folder_copy_store copies the data file as it lies there.
void folder_copy_store(const char *from, const char *to);

#endif
