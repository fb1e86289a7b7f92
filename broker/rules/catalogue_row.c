// SPDX-License-Identifier: EUPL-1.2
#include "rules/catalogue_row.h"

#include <string.h>

#include "base/buffer.h"
#include "rules/catalogue_inside.h"

int
find_word(const char *const *words, size_t words_len, const char *word)
{
    for (size_t i = 0; i < words_len; i++) {
        if (strcmp(words[i], word) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *
row_word(const struct yaml_node *node)
{
    const char *text = node == NULL ? NULL : yaml_text(node);

    return text == NULL ? "" : text;
}

void
fault_choice(const struct yaml_node *node, const char *key, const char *const *words,
             size_t words_len)
{
    struct buffer text = {0};

    for (size_t i = 0; i < words_len; i++) {
        buffer_print(&text, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    yaml_fault(node, "%s: '%s' is not one of %.*s", key, row_word(node), (int)text.len,
               (const char *)text.at);
    buffer_free(&text);
}

size_t
row_choice(const struct yaml_node *row, const char *key, const char *const *words,
           size_t words_len)
{
    const struct yaml_node *node = yaml_get(row, key);

    if (node == NULL) {
        return 0;
    }

    int found = find_word(words, words_len, row_word(node));

    if (found < 0) {
        fault_choice(node, key, words, words_len);
        return 0;
    }
    return (size_t)found;
}

const struct yaml_node *
row_require(const struct yaml_node *row, const char *key)
{
    const struct yaml_node *node = yaml_get(row, key);

    if (node == NULL) {
        yaml_fault(row, "the key '%s' is missing", key);
    }
    return node;
}

void
row_text(const struct yaml_node *row, const char *key, char *text, size_t text_size)
{
    const char *found = yaml_require_text(row, key);
    size_t len = strlen(found);

    if (len >= text_size) {
        yaml_fault(yaml_get(row, key), "%s: longer than %zu bytes", key, text_size - 1);
        len = text_size - 1;
    }
    memcpy(text, found, len);
    text[len] = '\0';
}

uint16_t
row_number(const struct yaml_node *row, const char *key)
{
    return row_require(row, key) == NULL
               ? 0
               : (uint16_t)yaml_get_number(row, key, 1, UINT16_MAX, 0);
}

static bool
is_name_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' ||
           letter == '.';
}

void
row_name(const struct yaml_node *row, const char *key, char *name, size_t name_size)
{
    row_text(row, key, name, name_size);
    for (const char *letter = name; *letter != '\0'; letter++) {
        if (!is_name_letter(*letter)) {
            yaml_fault(yaml_get(row, key),
                       "%s: '%s' has other than letters, digits, _ - .", key, name);
            return;
        }
    }
}

const struct yaml_node *
row_list(const struct yaml_node *row, const char *key, size_t max)
{
    const struct yaml_node *list = row_require(row, key);

    if (list == NULL) {
        return NULL;
    }
    if (!yaml_is_list(list)) {
        yaml_fault(list, "%s: is not a list", key);
        return NULL;
    }
    if (yaml_len(list) > max) {
        yaml_fault(list, "%s: %zu of them, at most %zu are possible", key, yaml_len(list),
                   max);
        return NULL;
    }
    return list;
}

const struct sector *
row_sector(const struct catalogue *catalogue, const struct yaml_node *node,
           const char *key)
{
    const struct sector *sector = catalogue_sector_by_name(catalogue, row_word(node));

    if (sector == NULL) {
        yaml_fault(node, "%s: there is no sector '%s'", key, row_word(node));
    }
    return sector;
}

bool
has_number(const uint16_t *numbers, size_t len, uint16_t number)
{
    for (size_t i = 0; i < len; i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

uint16_t
row_sectors(const struct catalogue *catalogue, const struct yaml_node *row,
            const char *key, uint16_t *sectors, size_t sectors_max)
{
    uint16_t len = 0;

    if (strcmp(row_word(yaml_get(row, key)), "all") == 0 &&
        catalogue->sectors_len <= sectors_max) {
        for (; len < catalogue->sectors_len; len++) {
            sectors[len] = catalogue->sectors[len].number;
        }
        return len;
    }

    const struct yaml_node *list = row_list(row, key, sectors_max);

    for (size_t i = 0; list != NULL && i < yaml_len(list); i++) {
        const struct yaml_node *node = yaml_at(list, i);
        const struct sector *sector = row_sector(catalogue, node, key);

        if (sector != NULL && has_number(sectors, len, sector->number)) {
            yaml_fault(node, "%s: %s is named twice", key, sector->name);
        } else if (sector != NULL) {
            sectors[len++] = sector->number;
        }
    }
    if (list != NULL && yaml_len(list) == 0) {
        yaml_fault(list, "%s: names none", key);
    }
    return len;
}
