// SPDX-License-Identifier: EUPL-1.2
// hot.h - the three hot messages (Publish, a delivery, Acknowledge) without objects.
//
// vigie.proto is the definition and protobuf-c reads everything else; these were nine
// times faster to scan than to build. A test holds the two against each other. Readers
// borrow the frame: every view dies with it. They accept what protobuf accepts (unknown
// fields are skipped, a repeated singular field: the last one counts) and check every
// length, so any bytes are safe to read.
//
// Where they differ from protobuf-c, on purpose: the limits below; a zero byte in a string
// does not end it; a frame that begins with a notification is a delivery, whatever follows;
// Notification.again must come as a varint; two justifications or contents of one
// Notification are not merged, the last one counts, and so does the last piece of its list
// `merged`; what is not descended into (content in a delivery until it is read, all but the
// last message of a frame) is checked for its length alone. As there, UTF-8 is not checked.
#ifndef HOT_HOT_H
#define HOT_HOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HOT_FIELDS_MAX = 64,
    HOT_ALSO_MAX = 1000,
    HOT_MUTATIONS_MAX = 1000,
    HOT_MUTATION_BYTES_MAX = 16 * 1024,
    HOT_CODE_BYTES_MAX = 32,
    HOT_VALUE_BYTES_MAX = 4096,
    HOT_ID_BYTES_MAX = 64,
};

struct hot_bytes {
    const uint8_t *at;
    size_t len;
};

// Why a scan stopped.
enum hot_result {
    HOT_OK,
    HOT_MALFORMED, // protobuf would not read it
    HOT_TOO_MANY,  // over one of the counts above
    HOT_TOO_LARGE, // over one of the sizes above
};

// Which message of ToBroker a frame holds: its field number, 0 for none or nonsense.
// ret_body views the inner message.
uint32_t hot_to_broker_kind(struct hot_bytes frame, struct hot_bytes *ret_body);

// Which message of ToClient a frame holds: 1 for a delivery, otherwise the oneof's number.
uint32_t hot_to_client_kind(struct hot_bytes frame, struct hot_bytes *ret_body);

struct hot_field {
    struct hot_bytes code;
    struct hot_bytes value;
    struct hot_bytes
        raw; // the whole Field with tag and length, ready to copy into a Content
};

// A Mutation, or the same fields of a Content. A source says no current_niss, caught_up or
// lost: the broker does, in a Content.
struct hot_mutation {
    struct hot_bytes flow;
    struct hot_bytes id;
    struct hot_bytes recipient;
    struct hot_bytes replaces;
    struct hot_bytes cancels;
    struct hot_bytes answers;
    uint64_t niss;
    uint64_t new_niss;
    uint64_t current_niss;
    uint64_t caught_up;
    uint64_t enterprise;
    uint32_t occurred;
    uint32_t period_begin;
    uint32_t period_end;
    uint32_t reference_year;
    uint32_t lost;
    uint32_t fields_len;
    struct hot_field fields[HOT_FIELDS_MAX];
};

// ---- Publish ----

struct hot_publish {
    uint32_t producer;
    uint64_t first_number;
    uint32_t mutations_len;
    struct hot_bytes mutations; // walk with hot_next_mutation
};

enum hot_result hot_read_publish(struct hot_bytes body, struct hot_publish *ret_publish);

// hot_next_mutation takes the next Mutation's bytes off the front; false at the end.
// Only for a body that hot_read_publish called HOT_OK.
bool hot_next_mutation(struct hot_bytes *mutations, struct hot_bytes *ret_mutation);

// hot_read_mutation views into body. A body over HOT_MUTATION_BYTES_MAX is not looked at; after
// any other HOT_TOO_LARGE what was read is there, with what is too large.
enum hot_result hot_read_mutation(struct hot_bytes body,
                                  struct hot_mutation *ret_mutation);

// hot_mutation_niss peeks at the first niss of a Mutation, 0 where none is found: a hint
// for reading ahead, hot_read_mutation decides.
uint64_t hot_mutation_niss(struct hot_bytes body);

// ---- delivery ----

struct hot_notification {
    uint32_t mailbox;
    uint64_t number;
    bool again;
    uint32_t attempt; // 0: in its turn
    bool justified;   // false: the flow asks for no integration
    uint32_t quality; // of the justification
    uint32_t begin;
    uint32_t end;
    struct hot_bytes content; // read with hot_read_content
    struct hot_bytes merged;  // tickets for which it stands: hot_merged
};

struct hot_content {
    struct hot_mutation mutation;
    struct hot_bytes source;
    uint64_t ticket;
    uint64_t kept_at_us;
    uint32_t withheld;
};

// hot_next_notification takes the next Notification off a delivery frame: 1, 0 at the
// end, -1 malformed.
int hot_next_notification(struct hot_bytes *frame,
                          struct hot_notification *ret_notification);
enum hot_result hot_read_content(struct hot_bytes body, struct hot_content *ret_content);

// hot_merged gives the i-th ticket of a Notification's `merged`, of hot_merged_len.
static inline size_t
hot_merged_len(struct hot_bytes merged)
{
    return merged.len / sizeof(uint64_t);
}
uint64_t hot_merged(struct hot_bytes merged, size_t i);

// hot_content_about reads only whom a Content is about, and no further than it must: a
// person, else an enterprise. What cannot be read is about nobody, 0 and 0.
void hot_content_about(struct hot_bytes body, uint64_t *ret_niss,
                       uint64_t *ret_enterprise);

// ---- Acknowledge ----

struct hot_acknowledge {
    uint32_t mailbox;
    uint64_t through;
    uint32_t also_len;
    uint64_t also[HOT_ALSO_MAX];
};

enum hot_result hot_read_acknowledge(struct hot_bytes body, struct hot_acknowledge *ret);

// ---- writing ----
// Writers append to memory the caller has made large enough: each _size gives an upper
// bound. They return the end of what they wrote.

size_t hot_mutation_size(const struct hot_mutation *mutation);
// hot_write_mutation writes it as Publish.mutations (tag, length, bytes).
uint8_t *hot_write_mutation(uint8_t *at, const struct hot_mutation *mutation);

// hot_publish_head writes the ToBroker and Publish beginnings so that they END at
// `mutations`, which begins mutations_len bytes of hot_write_mutation's. There must be
// HOT_HEAD_MAX bytes before it. Returns where the frame begins.
enum { HOT_HEAD_MAX = 48 };
uint8_t *hot_publish_head(uint8_t *mutations, size_t mutations_len, uint32_t producer,
                          uint64_t first_number);

// hot_content_size and hot_write_content write a Content: the mutation's fields of which
// the bit is set in keep (bit i: fields[i]), and the broker's own words. A raw with more
// in it than its code and value is not copied but written anew, and so is an empty one.
size_t hot_content_size(const struct hot_mutation *mutation, struct hot_bytes source);
uint8_t *hot_write_content(uint8_t *at, const struct hot_mutation *mutation,
                           uint64_t keep, struct hot_bytes source, uint64_t ticket,
                           uint64_t kept_at_us);

// hot_write_caught_up adds Content.caught_up to a whole Content that says none.
enum { HOT_CAUGHT_UP_LEN = 10 };
uint8_t *hot_write_caught_up(uint8_t *at, uint64_t ticket);

// hot_write_notification writes one Notification of ToClient around stored content bytes, in
// at most HOT_NOTIFICATION_HEAD_MAX bytes and those of content and merged.
enum { HOT_NOTIFICATION_HEAD_MAX = 64 };
uint8_t *hot_write_notification(uint8_t *at, const struct hot_notification *notification);

// hot_write_acknowledge writes a whole ToBroker frame, at most
// HOT_HEAD_MAX + 9 * also_len bytes.
uint8_t *hot_write_acknowledge(uint8_t *at, const struct hot_acknowledge *acknowledge);

#ifdef __cplusplus
}
#endif
#endif
