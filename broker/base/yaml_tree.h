// SPDX-License-Identifier: EUPL-1.2
// yaml_tree.h - a YAML document with line numbers, and reading it without giving up
// at the first mistake.
//
// Over libyaml: libcyaml stops at the first error and forgets the lines, and an
// administrator wants all mistakes of a file at once, each with its line.
// Every reader function notes what is wrong in `faults` and returns a harmless value.
#ifndef BASE_YAML_TREE_H
#define BASE_YAML_TREE_H

#include "base/why.h"

struct yaml_tree;
struct yaml_node; // lent by the tree until yaml_tree_free

// yaml_tree_parse reads a whole document: at most 4 MiB, 64 levels and 500,000 keys and
// values; no anchors, tags or directives.
//
// Gives: the tree, NULL after a fault (which is then noted with its line).
struct yaml_tree *yaml_tree_parse(const char *text, size_t text_len,
                                  enum vg_status status, struct faults *faults);
void yaml_tree_free(struct yaml_tree **tree);

const struct yaml_node *yaml_tree_root(const struct yaml_tree *tree);

unsigned yaml_line(const struct yaml_node *node);
bool yaml_is_map(const struct yaml_node *node);
bool yaml_is_list(const struct yaml_node *node);
bool yaml_is_scalar(const struct yaml_node *node);

// yaml_text lends a scalar's text, NULL for another kind.
const char *yaml_text(const struct yaml_node *node);

// yaml_get finds a key in a map; NULL when it is not there. Lookups are remembered, so
// that yaml_unknown_keys can name the others.
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

// yaml_len and yaml_at walk a list; for a map, its values in order of writing.
size_t yaml_len(const struct yaml_node *node);
const struct yaml_node *yaml_at(const struct yaml_node *node, size_t index);
// yaml_key_at lends the key of a map's entry.
const char *yaml_key_at(const struct yaml_node *map, size_t index);

// yaml_unknown_keys notes each key of a map that no yaml_get has asked for, and each
// key written twice.
void yaml_unknown_keys(const struct yaml_node *map, const char *where);

// Typed reading: a required key that is missing, or a value that does not fit, is a fault
// that names the key, the value and what would fit.
const char *yaml_get_text(const struct yaml_node *map, const char *key,
                          const char *fallback);
int64_t yaml_get_number(const struct yaml_node *map, const char *key, int64_t min,
                        int64_t max, int64_t fallback);
bool yaml_get_bool(const struct yaml_node *map, const char *key, bool fallback);
// yaml_require_text is yaml_get_text for a key that must be there; "" after a fault.
const char *yaml_require_text(const struct yaml_node *map, const char *key);

// yaml_fault notes a fault at the node's line.
void yaml_fault(const struct yaml_node *node, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
