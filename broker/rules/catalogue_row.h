// SPDX-License-Identifier: EUPL-1.2
// catalogue_row.h - reading one row of the catalogue file, for the files that know what
// the rows mean.
//
// What does not fit is a fault at its line, and something harmless is returned.
#ifndef RULES_CATALOGUE_ROW_H
#define RULES_CATALOGUE_ROW_H

#include "base/yaml_tree.h"
#include "rules/catalogue.h"

// row_word lends a scalar's text, "" for anything else.
const char *row_word(const struct yaml_node *node);

// find_word gives the place of a word in a list, -1 when it is not there.
int find_word(const char *const *words, size_t words_len, const char *word);

// fault_choice notes that a word is not one of these.
void fault_choice(const struct yaml_node *node, const char *key, const char *const *words,
                  size_t words_len);

// row_choice gives the place of the key's word; 0 when the key is not there.
size_t row_choice(const struct yaml_node *row, const char *key, const char *const *words,
                  size_t words_len);

// row_require gives a key's value that must be there; NULL after a fault.
const struct yaml_node *row_require(const struct yaml_node *row, const char *key);

// row_text copies a text that must be there and fit.
void row_text(const struct yaml_node *row, const char *key, char *text, size_t text_size);

// row_name does the same for what stands on the wire and in logs: plain letters only.
void row_name(const struct yaml_node *row, const char *key, char *name, size_t name_size);

// row_number reads a number from 1 to 65535 that must be there; 0 after a fault.
uint16_t row_number(const struct yaml_node *row, const char *key);

// row_list gives a list that must be there, at most max long; NULL after a fault.
const struct yaml_node *row_list(const struct yaml_node *row, const char *key,
                                 size_t max);

// row_sector finds the sector that a node names; NULL after a fault.
const struct sector *row_sector(const struct catalogue *catalogue,
                                const struct yaml_node *node, const char *key);

// row_sectors reads a list of sector names, or the word "all"; returns how many.
uint16_t row_sectors(const struct catalogue *catalogue, const struct yaml_node *row,
                     const char *key, uint16_t *sectors, size_t sectors_max);

// has_number says whether a number is among these.
bool has_number(const uint16_t *numbers, size_t len, uint16_t number);

// read_flow reads a row of the table of flows (catalogue_flow.c).
void read_flow(struct catalogue *catalogue, const struct yaml_node *row);

#endif
