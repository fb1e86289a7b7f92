// SPDX-License-Identifier: EUPL-1.2
#include "values/digits.h"

#include <string.h>

bool
digits_match(const char *form, const char *text, size_t text_len, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (strlen(form) != text_len) {
        return false;
    }
    for (size_t i = 0; i < text_len; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';

        if (form[i] == '#' ? !is_digit : text[i] != form[i]) {
            return false;
        }
        if (form[i] == '#') {
            number = number * 10 + (uint64_t)(text[i] - '0');
        }
    }
    *ret_number = number;
    return true;
}

char *
digits_print(char *text, int width, uint64_t number)
{
    for (int i = width - 1; i >= 0; i--) {
        text[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return text + width;
}
