// SPDX-License-Identifier: EUPL-1.2
#include "edge/anchoring.h"

#include "edge/log.h"
#include "edge/pair.h"
#include "store/anchors.h"
#include "store/meta.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

static enum vg_status
read_key(struct broker *broker, struct why *why)
{
    struct anchoring *anchoring = &broker->anchoring;
    const char *path = broker->settings->anchor_key_file;
    struct pair pair = {0};
    enum vg_status status;

    if (path[0] == 0 || (access(path, F_OK) != 0 && errno == ENOENT)) {
        log_warning("journal_not_signed", "anchor_key_file=%s", log_quote(path).text);
        return VG_OK;
    }
    status = pair_read(path, PAIR_ANCHOR, &pair, why);
    if (status == VG_OK) {
        (void)sodium_mlock(anchoring->seed, sizeof anchoring->seed); // where it may
        memcpy(anchoring->seed, pair.secret, sizeof anchoring->seed);
        anchoring->signs = true;
    }
    pair_forget(&pair);
    return status;
}

enum vg_status
anchoring_open(struct broker *broker, struct why *why)
{
    struct anchor last;
    enum vg_status status = read_key(broker, why);

    if (status != VG_OK || !broker->anchoring.signs) {
        return status;
    }
    status = anchor_last(broker_txn(broker), &last);
    if (status == VG_OK) {
        broker->anchoring.day = last.day;
    }
    return status == VG_NOT_FOUND ? VG_OK : status;
}

void
anchoring_close(struct broker *broker)
{
    if (broker->anchoring.signs) {
        (void)sodium_munlock(broker->anchoring.seed, sizeof broker->anchoring.seed);
        broker->anchoring.signs = false;
    }
}

void
anchoring_watch(struct broker *broker, struct instant now)
{
    struct anchoring *anchoring = &broker->anchoring;
    struct anchor anchor = {.day = day_number(day_in_brussels(now))};
    struct command *command;
    struct meta meta;

    if (!anchoring->signs || anchoring->proposed || broker->fatal || broker->draining ||
        anchor.day <= anchoring->day ||
        meta_get(broker_txn(broker), &meta, NULL) != VG_OK || meta.last_commit == 0) {
        return;
    }
    anchor.commit = meta.last_commit;
    memcpy(anchor.hash, meta.last_hash.at, sizeof anchor.hash);
    anchor_sign(&anchor, anchoring->seed);
    command = command_new(COMMAND_ANCHOR, NULL, 0);
    command->anchor.anchor = anchor;
    anchoring->proposed = true;
    broker_propose(broker, &command);
}

void
anchoring_answered(struct broker *broker, const struct command *command)
{
    struct anchoring *anchoring = &broker->anchoring;
    char line[ANCHOR_LINE_LEN];

    anchoring->proposed = false;
    if (command->status == VG_OK || command->status == VG_EXISTS) {
        anchoring->day = command->anchor.anchor.day;
    }
    if (command->status == VG_OK) {
        anchor_print(&command->anchor.anchor, line);
        log_info("journal_signed", "anchor=\"%s\"", line);
    }
}
