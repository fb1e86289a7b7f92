// SPDX-License-Identifier: EUPL-1.2
// inspect.h - what vigied does instead of serving: read settings, a catalogue or a whole store
// and say what is wrong, in words or as one JSON object
// {"file":..,"good":..,"faults":[{"line","name","number","sentence"}, ...]}.
#ifndef EDGE_INSPECT_H
#define EDGE_INSPECT_H

#include <jansson.h>
#include <stdio.h>

#include "edge/settings.h"

// What vigied ends with.
enum inspect_exit { INSPECT_GOOD = 0, INSPECT_BAD = 1, INSPECT_UNSOUND = 3 };

// How the findings are told. In words, faults go to `wrong`, the rest to `out`.
struct inspect_output {
    FILE *out;
    FILE *wrong;
    bool json;
    bool progress; // a percentage on `wrong` while a store is read
};

int inspect_settings(const char *path, const struct inspect_output *output);
int inspect_catalogue(const char *path, const struct inspect_output *output);

// inspect_faults tells what is wrong with a file. Returns INSPECT_BAD.
int inspect_faults(const char *path, const struct faults *faults,
                   const struct inspect_output *output);

// inspect_print tells an object that has "good" and "faults", as every inspection's. Takes: object.
void inspect_print(json_t *object, const struct faults *faults,
                   const struct inspect_output *output);

// inspect_store verifies a store that no broker has open: store/check.h. Blocks: as long as
// reading it takes. INSPECT_UNSOUND when something does not hold.
int inspect_store(const struct settings *settings, const struct inspect_output *output);

#endif
