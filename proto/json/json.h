// SPDX-License-Identifier: EUPL-1.2
// json.h - a mutation as one JSON line, and a notification as another; CloudEvents 1.0 too.
//
// For the command line and for HTTP; the wire itself is protobuf. A line:
//   {"id":"rn-2026-000001","flow":"notifyPerson","niss":"66641066692",
//    "occurred":"2026-11-20","period":{"begin":"2026-01-01","end":"2026-12-31"},
//    "fields":[{"code":"020","value":"..."}]}
// and "recipient" on addressed flows, "replaces"/"cancels" on corrections, "answers" on answers, "new_niss" on
// SSINReplacement, "enterprise" on flows keyed by it, "reference_year" where a rule asks.
// As a CloudEvent the same members stand in "data"; "type" is "vigie.mutation.FLOW" and
// "id" is the event's own.
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <jansson.h>

#include "hot/hot.h"
#include "vigie/status.h"

enum { JSON_REASON_LEN = 160, JSON_LINE_BYTES_MAX = 64 * 1024 };

// A mutation whose views point into `root`.
struct json_mutation {
    json_t *root;
    struct hot_mutation mutation;
};

// json_read_mutation reads one line. Numbers of persons and enterprises are only read as
// digits (dots, dashes and spaces are passed over): the broker checks them.
//
// Gives: ret->root (json_mutation_clear), on VG_OK only. Returns VG_OK; VG_MALFORMED,
// VG_TOO_LARGE, VG_TOO_MANY or VG_BAD_DATE with a sentence that names member and value.
enum vg_status json_read_mutation(const char *text, size_t text_len,
                                  struct json_mutation *ret,
                                  char ret_reason[JSON_REASON_LEN]);
void json_mutation_clear(struct json_mutation *mutation);

// json_write_mutation makes the object of a mutation. Gives: a reference.
json_t *json_write_mutation(const struct hot_mutation *mutation);

// json_write_notification makes the object of a notification: the mutation's members and
// "mailbox", "number", "ticket", "source", "kept_at", "withheld", "again", "justification",
// "attempt" when it comes out of turn, "current_niss" when niss was replaced before, "caught_up"
// and "lost" when it was delivered after its time.
json_t *json_write_notification(const struct hot_notification *notification,
                                const struct hot_content *content);

// json_write_event wraps a notification's object as a CloudEvent. Takes: notification.
json_t *json_write_event(json_t *notification);

// json_date writes yyyymmdd as "yyyy-mm-dd".
json_t *json_date(uint32_t date);
// json_read_date reads "yyyy-mm-dd" to yyyymmdd; false when it is no such text.
bool json_read_date(const char *text, uint32_t *ret_date);
// json_moment writes microseconds UTC as "2026-11-20T09:30:00.123456Z".
json_t *json_moment(uint64_t us);

#endif
