// SPDX-License-Identifier: EUPL-1.2
// load_directory.h - takes a whole reference directory over into a store that no broker has
// open: `vigied --load-directory FILE`.
//
// The stream is drawn in proto/image/image.h. Its institutions are registered where they are
// not yet; every row is held against the catalogue's rules for its sector, quality and dates
// (rules/directory.h), every number against its check digits; no proof of authentication is
// asked, for nobody is asking in person. Persons must come after all those in the store.
#ifndef EDGE_LOAD_DIRECTORY_H
#define EDGE_LOAD_DIRECTORY_H

#include "edge/inspect.h"

// load_directory reads the file, "-": the standard input.
//
// Durable: some ten thousand persons at a time; what was loaded before a mistake stays, and
// a sentence says how many. Blocks: as long as it takes. Thread: it starts others, one at a
// time, and waits for them.
// Returns what vigied ends with.
int load_directory(const struct settings *settings, const char *path,
                   const struct inspect_output *output);

#endif
