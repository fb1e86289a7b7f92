// SPDX-License-Identifier: EUPL-1.2
// digits.h - the written forms of numbers.
#ifndef VALUES_DIGITS_H
#define VALUES_DIGITS_H

#include "base/base.h"

// digits_match reads text that looks like the form: '#' is a digit, every other character
// stands for itself ("##.##.##-###.##"). At most 19 digits.
//
// Returns whether it does; ret_number is written only then.
bool digits_match(const char *form, const char *text, size_t text_len,
                  uint64_t *ret_number);

// digits_print writes the last `width` digits of a number with zeros before it, and no
// zero after it. Returns where to go on.
char *digits_print(char *text, int width, uint64_t number);

#endif
