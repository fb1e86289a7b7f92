// SPDX-License-Identifier: EUPL-1.2
// http_anchors.c - the journal's anchors, to be kept where the broker is not.
#include "edge/http_inside.h"

#include "store/anchors.h"

#include <string.h>

static json_t *
anchor_json(const struct anchor *anchor)
{
    char line[ANCHOR_LINE_LEN];
    char key[ANCHOR_KEY_TEXT_LEN];
    char day[16];

    anchor_print(anchor, line);
    anchor_key_print(anchor->key, key);
    snprintf(day, sizeof day, "%04u-%02u-%02u", anchor->day / 10000,
             anchor->day / 100 % 100, anchor->day % 100);
    return json_pack("{s:s, s:I, s:s, s:s}", "day", day, "commit",
                     (json_int_t)anchor->commit, "key", key, "line", line);
}

static bool
add_anchor(const struct anchor *anchor, void *arg)
{
    json_array_append_new(arg, anchor_json(anchor));
    return true;
}

// The newest, that of ?day=YYYY-MM-DD, or all with ?all=yes.
static enum vg_status
find_anchors(struct call *call, json_t *list, struct why *why)
{
    const char *text = call_question(call, "day");
    struct txn *txn = broker_txn(call->broker);
    struct anchor anchor;
    struct day day;
    enum vg_status status = VG_OK;

    if (call_question(call, "all") != NULL) {
        status = anchors_each(txn, add_anchor, list);
        return status == VG_OK ? status : fail(why, status, "the anchors cannot be read");
    }
    if (text != NULL && day_parse(text, strlen(text), &day, NULL) != VG_OK) {
        return fail(why, VG_BAD_DATE, "day: \"%.20s\" is no YYYY-MM-DD", text);
    }
    status = text == NULL ? anchor_last(txn, &anchor)
                          : anchor_get(txn, day_number(day), &anchor);
    if (status == VG_NOT_FOUND) {
        return fail(why, status, "the journal was not signed %s%s%s",
                    text == NULL ? "yet" : "on ", text == NULL ? "" : text,
                    call->broker->anchoring.signs ? "" : ": there is no anchor_key_file");
    }
    if (status == VG_OK) {
        json_array_append_new(list, anchor_json(&anchor));
    }
    return status == VG_OK ? status : fail(why, status, "the anchor cannot be read");
}

void
get_anchors(struct call *call)
{
    json_t *list = json_array();
    struct why why = {0};
    enum vg_status status = find_anchors(call, list, &why);

    if (status != VG_OK) {
        json_decref(list);
        call_refuse(call, status, "%s", why.text);
        return;
    }
    call_answer(call, json_pack("{s:o}", "anchors", list));
}
