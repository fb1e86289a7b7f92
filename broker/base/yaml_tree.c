// SPDX-License-Identifier: EUPL-1.2
#include "base/yaml_tree.h"

#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    TEXT_MAX_BYTES = 4 * 1024 * 1024,
    LEVELS_MAX = 64,
    NODES_MAX = 500000,   // some 60 MB
    SHOWN_MAX_BYTES = 40, // of a value, in a fault
};

enum kind { SCALAR, LIST, MAP };

struct yaml_node {
    struct yaml_tree *tree;
    struct yaml_node *older; // all nodes of the tree, to free them
    enum kind kind;
    unsigned line;
    char *text;             // of a scalar
    struct buffer children; // of a list or a map: struct yaml_node *
    struct yaml_node *key;  // of a map's value: the scalar before it
    size_t place;           // among the map's entries
    bool asked;             // of a key: yaml_get has looked for it
    bool repeats;           // of a key: the map has it already
};

struct yaml_tree {
    struct yaml_node *root;
    struct yaml_node *newest;
    size_t nodes;
    struct faults *faults;
    enum vg_status status;
};

// A list or a map whose end is not read yet, and the key that waits for its value.
struct open_node {
    struct yaml_node *node;
    struct yaml_node *key;
};

struct builder {
    struct yaml_tree *tree;
    struct open_node open[LEVELS_MAX];
    size_t levels;
};

static struct yaml_node *
child_at(const struct yaml_node *node, size_t index)
{
    struct yaml_node *child;

    memcpy(&child, node->children.at + index * sizeof child, sizeof child);
    return child;
}

static struct yaml_node *
new_node(struct yaml_tree *tree, enum kind kind, const yaml_event_t *event)
{
    struct yaml_node *node = xcalloc(1, sizeof *node);

    tree->nodes++;
    node->tree = tree;
    node->older = tree->newest;
    node->kind = kind;
    node->line = (unsigned)event->start_mark.line + 1;
    tree->newest = node;
    return node;
}

static bool
refuse(struct builder *builder, const yaml_event_t *event, const char *reason)
{
    struct yaml_tree *tree = builder->tree;

    faults_add(tree->faults, tree->status, (unsigned)event->start_mark.line + 1, "%s",
               reason);
    return false;
}

static bool
allow_node(struct builder *builder, const yaml_event_t *event, const yaml_char_t *anchor,
           const yaml_char_t *tag)
{
    if (anchor != NULL) {
        return refuse(builder, event, "anchors (&name) are not allowed");
    }
    if (tag != NULL) {
        return refuse(builder, event, "tags (!name) are not allowed");
    }
    if (builder->tree->nodes == NODES_MAX) {
        return refuse(builder, event, "more than 500000 keys and values");
    }
    return true;
}

static bool
is_key_next(const struct builder *builder)
{
    if (builder->levels == 0) {
        return false;
    }

    const struct open_node *open = &builder->open[builder->levels - 1];

    return open->node->kind == MAP && open->key == NULL;
}

static void
attach_node(struct builder *builder, struct yaml_node *node)
{
    if (builder->levels == 0) {
        builder->tree->root = node;
        return;
    }

    struct open_node *open = &builder->open[builder->levels - 1];

    node->key = open->key;
    node->place = yaml_len(open->node);
    buffer_add(&open->node->children, &node, sizeof node);
    open->key = NULL;
}

static bool
take_scalar(struct builder *builder, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;

    if (!allow_node(builder, event, event->data.scalar.anchor, event->data.scalar.tag)) {
        return false;
    }
    if (strlen(text) != event->data.scalar.length) {
        return refuse(builder, event, "a text holds a zero character");
    }

    bool is_key = is_key_next(builder);
    struct yaml_node *node = new_node(builder->tree, SCALAR, event);

    node->text = strdup(text);
    CHECK(node->text != NULL);
    if (is_key) {
        builder->open[builder->levels - 1].key = node;
    } else {
        attach_node(builder, node);
    }
    return true;
}

static bool
open_collection(struct builder *builder, const yaml_event_t *event, enum kind kind,
                const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (!allow_node(builder, event, anchor, tag)) {
        return false;
    }
    if (is_key_next(builder)) {
        return refuse(builder, event, "a key must be plain text");
    }
    if (builder->levels == LEVELS_MAX) {
        return refuse(builder, event, "more than 64 levels");
    }

    struct yaml_node *node = new_node(builder->tree, kind, event);

    attach_node(builder, node);
    builder->open[builder->levels++] = (struct open_node){node, NULL};
    return true;
}

static int
by_key_and_place(const void *left, const void *right)
{
    const struct yaml_node *a = *(struct yaml_node *const *)left;
    const struct yaml_node *b = *(struct yaml_node *const *)right;
    int order = strcmp(a->key->text, b->key->text);

    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

// Sorted, because comparing each key with each other one takes hours on a hostile file.
static void
mark_repeated_keys(const struct yaml_node *map)
{
    size_t len = yaml_len(map);

    if (len < 2) {
        return;
    }

    struct yaml_node **sorted = xcalloc(len, sizeof *sorted);

    memcpy(sorted, map->children.at, len * sizeof *sorted);
    qsort(sorted, len, sizeof *sorted, by_key_and_place);
    for (size_t i = 1; i < len; i++) {
        if (strcmp(sorted[i - 1]->key->text, sorted[i]->key->text) == 0) {
            sorted[i]->key->repeats = true;
        }
    }
    free(sorted);
}

static void
close_collection(struct builder *builder)
{
    const struct yaml_node *node = builder->open[--builder->levels].node;

    if (node->kind == MAP) {
        mark_repeated_keys(node);
    }
}

// Returns whether to go on.
static bool
take_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (builder->tree->root != NULL) {
            return refuse(builder, event, "a second document begins");
        }
        return true;
    case YAML_ALIAS_EVENT:
        return refuse(builder, event, "aliases (*name) are not allowed");
    case YAML_SCALAR_EVENT:
        return take_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_collection(builder, event, LIST, event->data.sequence_start.anchor,
                               event->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_collection(builder, event, MAP, event->data.mapping_start.anchor,
                               event->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_collection(builder);
        return true;
    case YAML_STREAM_END_EVENT:
        if (builder->tree->root == NULL) {
            return refuse(builder, event, "there is nothing in it");
        }
        return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    }
    return true;
}

// The reader of bytes knows how far it came, but no line.
static unsigned
line_at(const char *text, size_t text_len, size_t offset)
{
    unsigned line = 1;

    for (size_t i = 0; i < text_len && i < offset; i++) {
        line += text[i] == '\n';
    }
    return line;
}

static void
note_syntax(const struct yaml_tree *tree, const yaml_parser_t *parser, const char *text,
            size_t text_len)
{
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    unsigned line = (unsigned)parser->problem_mark.line + 1;

    CHECK(parser->error != YAML_MEMORY_ERROR);
    if (parser->error == YAML_READER_ERROR) {
        line = line_at(text, text_len, parser->problem_offset);
    }
    if (parser->context != NULL) {
        faults_add(tree->faults, tree->status, line, "%s (%s)", problem, parser->context);
    } else {
        faults_add(tree->faults, tree->status, line, "%s", problem);
    }
}

// libyaml compares each directive with all before it, for minutes on a hostile file, and
// shows none before it has read all: so they are looked for in the text.
static bool
has_directive(const char *text, size_t text_len, size_t *ret_at)
{
    static const char *const breaks[] = {"\n", "\r", "\xc2\x85", "\xe2\x80\xa8",
                                         "\xe2\x80\xa9"};

    for (size_t at = 0; at < text_len; at++) {
        if (text[at] != '%') {
            continue;
        }

        bool begins_line = at == 0;

        for (size_t i = 0; i < ARRAY_LEN(breaks) && !begins_line; i++) {
            size_t len = strlen(breaks[i]);

            begins_line = at >= len && memcmp(text + at - len, breaks[i], len) == 0;
        }
        if (begins_line) {
            *ret_at = at;
            return true;
        }
    }
    return false;
}

static bool
read_document(struct yaml_tree *tree, const char *text, size_t text_len)
{
    AUTO(yaml_parser_delete) yaml_parser_t parser;
    struct builder builder = {.tree = tree};
    yaml_event_type_t type = YAML_NO_EVENT;
    bool go_on = true;

    CHECK(yaml_parser_initialize(&parser) == 1);
    yaml_parser_set_input_string(
        &parser, text == NULL ? (const yaml_char_t *)"" : (const yaml_char_t *)text,
        text_len);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    while (go_on && type != YAML_STREAM_END_EVENT) {
        AUTO(yaml_event_delete) yaml_event_t event;

        if (yaml_parser_parse(&parser, &event) == 0) {
            note_syntax(tree, &parser, text, text_len);
            return false;
        }
        type = event.type;
        go_on = take_event(&builder, &event);
    }
    return go_on;
}

struct yaml_tree *
yaml_tree_parse(const char *text, size_t text_len, enum vg_status status,
                struct faults *faults)
{
    if (text_len > TEXT_MAX_BYTES) {
        faults_add(faults, status, 0, "it is larger than %d bytes", TEXT_MAX_BYTES);
        return NULL;
    }

    size_t at;

    if (has_directive(text, text_len, &at)) {
        faults_add(faults, status, line_at(text, text_len, at),
                   "a line may not begin with %% (a directive)");
        return NULL;
    }

    struct yaml_tree *tree = xcalloc(1, sizeof *tree);

    tree->faults = faults;
    tree->status = status;
    if (!read_document(tree, text, text_len)) {
        yaml_tree_free(&tree);
    }
    return tree;
}

void
yaml_tree_free(struct yaml_tree **tree)
{
    if (*tree == NULL) {
        return;
    }
    for (struct yaml_node *node = (*tree)->newest; node != NULL;) {
        struct yaml_node *older = node->older;

        free(node->text);
        buffer_free(&node->children);
        free(node);
        node = older;
    }
    free(*tree);
    *tree = NULL;
}

const struct yaml_node *
yaml_tree_root(const struct yaml_tree *tree)
{
    return tree->root;
}

unsigned
yaml_line(const struct yaml_node *node)
{
    return node == NULL ? 0 : node->line;
}

bool
yaml_is_map(const struct yaml_node *node)
{
    return node != NULL && node->kind == MAP;
}

bool
yaml_is_list(const struct yaml_node *node)
{
    return node != NULL && node->kind == LIST;
}

bool
yaml_is_scalar(const struct yaml_node *node)
{
    return node != NULL && node->kind == SCALAR;
}

const char *
yaml_text(const struct yaml_node *node)
{
    return yaml_is_scalar(node) ? node->text : NULL;
}

const struct yaml_node *
yaml_get(const struct yaml_node *map, const char *key)
{
    if (!yaml_is_map(map)) {
        return NULL;
    }
    for (size_t i = 0; i < yaml_len(map); i++) {
        struct yaml_node *value = child_at(map, i);

        if (strcmp(value->key->text, key) == 0) {
            value->key->asked = true;
            return value;
        }
    }
    return NULL;
}

size_t
yaml_len(const struct yaml_node *node)
{
    return node == NULL ? 0 : node->children.len / sizeof(struct yaml_node *);
}

const struct yaml_node *
yaml_at(const struct yaml_node *node, size_t index)
{
    return index < yaml_len(node) ? child_at(node, index) : NULL;
}

const char *
yaml_key_at(const struct yaml_node *map, size_t index)
{
    return yaml_is_map(map) && index < yaml_len(map) ? child_at(map, index)->key->text
                                                     : NULL;
}

// How much of a text to show: it ends before what could break a line of a log, and
// never inside a character.
static int
shown_len(const char *text)
{
    int len = 0;

    while (len < SHOWN_MAX_BYTES && (uint8_t)text[len] >= ' ') {
        len++;
    }
    while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80) {
        len--;
    }
    return len;
}

void
yaml_unknown_keys(const struct yaml_node *map, const char *where)
{
    if (!yaml_is_map(map)) {
        return;
    }
    for (size_t i = 0; i < yaml_len(map); i++) {
        const struct yaml_node *key = child_at(map, i)->key;
        int len = shown_len(key->text);

        if (key->repeats) {
            yaml_fault(key, "%s: the key '%.*s' is written twice", where, len, key->text);
        } else if (!key->asked) {
            yaml_fault(key, "%s: the key '%.*s' is not known", where, len, key->text);
        }
    }
}

// The scalar under a key; NULL when there is none, after a fault if it is no scalar.
static const struct yaml_node *
scalar_of(const struct yaml_node *map, const char *key, const char *fitting)
{
    const struct yaml_node *value = yaml_get(map, key);

    if (value != NULL && !yaml_is_scalar(value)) {
        yaml_fault(value, "%s: a %s is not %s", key, yaml_is_list(value) ? "list" : "map",
                   fitting);
        return NULL;
    }
    return value;
}

const char *
yaml_get_text(const struct yaml_node *map, const char *key, const char *fallback)
{
    const struct yaml_node *value = scalar_of(map, key, "a text");

    return value == NULL ? fallback : value->text;
}

static bool
read_number(const char *text, int64_t *ret_number)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    size_t len = strlen(digits);

    if (len == 0 || strspn(digits, "0123456789") != len) {
        return false;
    }
    errno = 0;
    *ret_number = strtoll(text, NULL, 10);
    return errno == 0;
}

int64_t
yaml_get_number(const struct yaml_node *map, const char *key, int64_t min, int64_t max,
                int64_t fallback)
{
    const struct yaml_node *value = scalar_of(map, key, "a number");
    int64_t number;

    if (value == NULL) {
        return fallback;
    }
    if (!read_number(value->text, &number) || number < min || number > max) {
        yaml_fault(value, "%s: '%.*s' is not a whole number from %lld to %lld", key,
                   shown_len(value->text), value->text, (long long)min, (long long)max);
        return fallback;
    }
    return number;
}

bool
yaml_get_bool(const struct yaml_node *map, const char *key, bool fallback)
{
    const struct yaml_node *value = scalar_of(map, key, "true or false");

    if (value == NULL) {
        return fallback;
    }
    if (strcmp(value->text, "true") == 0 || strcmp(value->text, "false") == 0) {
        return value->text[0] == 't';
    }
    yaml_fault(value, "%s: '%.*s' is not true or false", key, shown_len(value->text),
               value->text);
    return fallback;
}

const char *
yaml_require_text(const struct yaml_node *map, const char *key)
{
    if (map != NULL && yaml_get(map, key) == NULL) {
        yaml_fault(map, "the key '%s' is missing: it needs a text", key);
        return "";
    }

    const char *text = yaml_get_text(map, key, "");

    if (text[0] == '\0' && yaml_is_scalar(yaml_get(map, key))) {
        yaml_fault(yaml_get(map, key), "%s: '' is not a text", key);
    }
    return text;
}

void
yaml_fault(const struct yaml_node *node, const char *format, ...)
{
    char text[2 * WHY_TEXT_MAX]; // faults_add cuts, between two characters
    va_list words;

    va_start(words, format);
    vsnprintf(text, sizeof text, format, words);
    va_end(words);
    faults_add(node->tree->faults, node->tree->status, node->line, "%s", text);
}
