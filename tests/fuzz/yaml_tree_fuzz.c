// SPDX-License-Identifier: EUPL-1.2
// Goal: any text is a tree that can be walked to its end, or a fault with its line.
// Method: parse; visit every node and read it in every way.
#include <string.h>

#include "base/yaml_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
visit(const struct yaml_node *node, unsigned depth)
{
    CHECK(depth <= 64);
    CHECK(yaml_line(node) > 0);
    CHECK(yaml_is_map(node) + yaml_is_list(node) + yaml_is_scalar(node) == 1);
    CHECK((yaml_text(node) != NULL) == yaml_is_scalar(node));
    if (yaml_is_scalar(node)) {
        return;
    }
    for (size_t i = 0; i < yaml_len(node); i++) {
        if (yaml_is_map(node)) {
            const char *key = yaml_key_at(node, i);

            CHECK(key != NULL && yaml_get(node, key) != NULL);
        }
        visit(yaml_at(node, i), depth + 1);
    }
}

// What a settings file would ask of its root.
static void
read_typed(const struct yaml_node *map)
{
    int64_t number = yaml_get_number(map, "number", -5, 1000, 7);

    CHECK(number >= -5 && number <= 1000);
    CHECK(yaml_get_text(map, "text", "fallback") != NULL);
    CHECK(yaml_require_text(map, "name") != NULL);
    (void)yaml_get_bool(map, "flag", true);
    yaml_unknown_keys(map, "fuzz");
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct faults faults = {0};

    AUTO(yaml_tree_free)
    struct yaml_tree *tree =
        yaml_tree_parse((const char *)at, len, VG_MALFORMED, &faults);

    CHECK((tree == NULL) == (faults.total > 0));
    if (tree != NULL) {
        const struct yaml_node *root = yaml_tree_root(tree);

        if (yaml_is_map(root)) {
            read_typed(root);
        }
        visit(root, 0);
    }
    CHECK(faults.len <= FAULTS_MAX && faults.len <= faults.total);
    return 0;
}
