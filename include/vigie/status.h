// SPDX-License-Identifier: EUPL-1.2
// status.h - every way a call or a request can end.
//
// One table. The enum, the wire number, the metric label, the HTTP answer and the
// advice to the caller are made from it. A number is never reused or changed: it is
// on the wire and in stored refusals.
#ifndef VIGIE_STATUS_H
#define VIGIE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

// Who can make the request succeed next time.
enum vg_remedy {
    VG_NOTHING_TO_DO, // it succeeded
    VG_FIX_REQUEST,   // sending the same bytes again will fail again
    VG_RETRY_LATER,   // the same bytes may succeed after a pause
    VG_CALL_OPERATOR, // the broker itself needs a person
};

// name, wire number, remedy, HTTP status, sentence
#define VG_STATUS_TABLE(ROW)                                                             \
    ROW(OK, 0, NOTHING_TO_DO, 200, "done")                                               \
    ROW(REPEATED, 1, NOTHING_TO_DO, 200, "this number was already kept")                 \
    ROW(MALFORMED, 2, FIX_REQUEST, 400, "the message could not be understood")           \
    ROW(TOO_LARGE, 3, FIX_REQUEST, 413, "the message is over a size limit")              \
    ROW(TOO_MANY, 4, FIX_REQUEST, 413, "the message holds too many items")               \
    ROW(UNKNOWN_FLOW, 5, FIX_REQUEST, 404, "the catalogue has no such flow")             \
    ROW(NOT_THE_SOURCE, 6, FIX_REQUEST, 403, "only a flow's own source may publish it")  \
    ROW(UNKNOWN_FIELD, 7, FIX_REQUEST, 400, "the catalogue has no such field code")      \
    ROW(FIELD_NOT_IN_FLOW, 8, FIX_REQUEST, 400, "the flow may not carry this field")     \
    ROW(BAD_NISS, 9, FIX_REQUEST, 400, "the person number is not valid")                 \
    ROW(TEST_PERSON, 10, FIX_REQUEST, 400, "fictitious persons are not switched on")     \
    ROW(BAD_DATE, 11, FIX_REQUEST, 400, "a date is impossible or out of order")          \
    ROW(BAD_ENTERPRISE, 12, FIX_REQUEST, 400, "the enterprise number is not valid")      \
    ROW(BAD_RECIPIENT, 13, FIX_REQUEST, 400,                                             \
        "the recipient is missing or may not get it")                                    \
    ROW(NOT_INTEGRATED, 14, FIX_REQUEST, 403, "the publisher has no integration for it") \
    ROW(GAP, 15, FIX_REQUEST, 409, "a number was left out before this one")              \
    ROW(UNKNOWN_QUALITY, 16, FIX_REQUEST, 400, "the sector has no such quality code")    \
    ROW(PERIOD_TOO_LONG, 17, FIX_REQUEST, 400,                                           \
        "the period exceeds the quality's longest")                                      \
    ROW(TOO_FAR, 18, FIX_REQUEST, 400, "a date lies too far from today")                 \
    ROW(PROOF_MISSING, 19, FIX_REQUEST, 400, "a proof of authentication is required")    \
    ROW(PROOF_WRONG, 20, FIX_REQUEST, 400, "the proof does not fit the person number")   \
    ROW(EXCLUSIVE, 21, FIX_REQUEST, 409, "another institution holds this integration")   \
    ROW(NOT_FOUND, 22, FIX_REQUEST, 404, "there is no such thing")                       \
    ROW(NOT_ALLOWED, 23, FIX_REQUEST, 403, "the caller has no right to this")            \
    ROW(KEY_UNKNOWN, 24, CALL_OPERATOR, 401, "the broker does not know this key")        \
    ROW(KEY_REVOKED, 25, CALL_OPERATOR, 401, "this key was revoked")                     \
    ROW(WRONG_ROLE, 26, FIX_REQUEST, 403, "the key's role does not allow this")          \
    ROW(BUSY, 27, RETRY_LATER, 503, "the broker has no room right now")                  \
    ROW(STORE_FULL, 28, RETRY_LATER, 507, "the store has reached its size limit")        \
    ROW(STORE_BROKEN, 29, CALL_OPERATOR, 500, "the store cannot be trusted any more")    \
    ROW(STORE_NEWER, 30, CALL_OPERATOR, 500, "a newer program wrote this store")         \
    ROW(STORE_IN_USE, 31, CALL_OPERATOR, 500, "another process has this store open")     \
    ROW(BAD_CATALOGUE, 32, FIX_REQUEST, 400, "the catalogue is not valid")               \
    ROW(BAD_SETTINGS, 33, CALL_OPERATOR, 500, "the settings are not valid")              \
    ROW(DRAINING, 34, RETRY_LATER, 503, "the broker is stopping")                        \
    ROW(DISCONNECTED, 35, RETRY_LATER, 503, "there is no connection to the broker")      \
    ROW(TIMED_OUT, 36, RETRY_LATER, 504, "no answer came in time")                       \
    ROW(UNKNOWN, 37, RETRY_LATER, 500,                                                   \
        "the outcome is not known; repeat the same number")                              \
    ROW(EXISTS, 38, FIX_REQUEST, 409, "there is one already")                            \
    ROW(NO_MEMORY, 39, CALL_OPERATOR, 500, "memory ran out")                             \
    ROW(WINDOW, 40, FIX_REQUEST, 429, "more was sent than the window allows")            \
    ROW(BAD_FILE, 41, CALL_OPERATOR, 500, "a file could not be read or written")         \
    ROW(INTERRUPTED, 42, RETRY_LATER, 500, "the wait was interrupted")                   \
    ROW(OVERLAPS, 43, NOTHING_TO_DO, 200, "others follow the person in these days too")  \
    ROW(REPLACED, 44, NOTHING_TO_DO, 200, "another number replaced this person number")  \
    ROW(BAD_REFERENCE, 45, FIX_REQUEST, 409,                                             \
        "the mutation that it refers to is not one that it can follow")                  \
    ROW(MOVED, 46, CALL_OPERATOR, 401, "the institution is part of another one now")     \
    ROW(NOT_KEPT, 47, NOTHING_TO_DO, 200, "something is not kept; consult its source")

enum vg_status {
#define VG_STATUS_ENUM(name, number, remedy, http, sentence) VG_##name = number,
    VG_STATUS_TABLE(VG_STATUS_ENUM)
#undef VG_STATUS_ENUM
};

// vg_status_name gives the stable name ("BAD_NISS"), or "UNKNOWN_STATUS".
const char *vg_status_name(enum vg_status status);

// vg_status_sentence gives one sentence for a person.
const char *vg_status_sentence(enum vg_status status);

// vg_status_remedy says who can help.
enum vg_remedy vg_status_remedy(enum vg_status status);

// vg_remedy_name gives "nothing", "sender", "time" or "operator".
const char *vg_remedy_name(enum vg_remedy remedy);

// vg_status_http gives the HTTP status code that fits.
int vg_status_http(enum vg_status status);

#ifdef __cplusplus
}
#endif
#endif
