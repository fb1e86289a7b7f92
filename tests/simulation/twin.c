// SPDX-License-Identifier: EUPL-1.2
#include "twin.h"

#include "flow/replay.h"

#include <stdio.h>

void
twin_end(struct twin *twin)
{
    if (twin->path[0] != 0) {
        folder_remove(twin->path);
        twin->path[0] = 0;
    }
}

void
twin_copy(struct twin *twin, const struct node *node, bool empty)
{
    twin_end(twin);
    folder_make(twin->path, sizeof twin->path);
    twin->commit = empty ? 0 : node->model->commits;
    if (!empty) {
        folder_copy_store(node->path, twin->path);
    }
}

static struct store *
open_twin(const struct twin *twin, const struct node *node)
{
    struct store_options options = {
        .path = twin->path, .map_bytes = node->settings.map_bytes * 2, .create = true};
    struct store *store = NULL;
    struct why why = {.text = ""};

    if (store_open(&options, &store, &why) != VG_OK) {
        broken("the twin cannot be opened: %s", why.text);
    }
    return store;
}

void
twin_follow(struct twin *twin, struct node *node)
{
    struct replay_report report = {0};
    struct why why = {.text = ""};
    struct store *store = open_twin(twin, node);
    struct txn *txn = NULL;
    struct meta meta;
    enum vg_status status = replay_commits(
        store, node->broker->store, node->model->commits, &report, NULL, NULL, &why);

    CHECK(meta_get(node_view(node), &meta, NULL) == VG_OK);
    if (twin->commit + 1 < meta.first_commit && status == VG_NOT_FOUND) {
        store_close(&store); // the records in between are gone
        twin_end(twin);
        return;
    }
    if (status != VG_OK && twin->commit < node->model->commits) {
        broken("the twin cannot follow: %s, %s", vg_status_name(status), why.text);
    }
    if (store_read(store, &txn, &why) != VG_OK) {
        broken("the twin cannot be read: %s", why.text);
    }
    model_everything(node->model, txn);
    store_abort(&txn);
    store_close(&store);
    twin->replayed += report.commits;
    twin_end(twin);
}
