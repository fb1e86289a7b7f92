// SPDX-License-Identifier: EUPL-1.2
#include "hot/hot.h"

#include <endian.h>
#include <limits.h>
#include <string.h>

// What follows a tag, by its low three bits. Groups (3 and 4) are refused, as protobuf-c
// does.
enum wire_type { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

// A field number may take 32 bits in protobuf-c's reading, so a tag takes 35.
#define TAG(number, type) ((uint64_t)(number) << 3 | (type))

enum {
    VARINT_BYTES_MAX = 10,
    TAG_BYTES_MAX = 5,
    LENGTH_BYTES_MAX = 5,
    MUTATION_NUMBER_MAX = 14,
    TO_BROKER_NUMBER_MAX = 10,
    TO_CLIENT_NUMBER_MAX = 16,
};

// ---- reading ----

// A scan whose address stays inside one function lives in registers, which halves the
// time: what is not inlined takes it by value and gives back where it got to.
struct scan {
    const uint8_t *at;
    const uint8_t *end;
};

static inline struct scan
scan_of(struct hot_bytes bytes)
{
    // Nothing at all may be a NULL, to which C lets nobody add even 0.
    return (struct scan){bytes.at, bytes.len == 0 ? bytes.at : bytes.at + bytes.len};
}

static inline size_t
left(const struct scan *scan)
{
    return (size_t)(scan->end - scan->at);
}

// join_sevens puts the lower seven bits of each byte side by side.
static inline uint64_t
join_sevens(uint64_t word)
{
    word = (word & UINT64_C(0x007f007f007f007f)) |
           (word & UINT64_C(0x7f007f007f007f00)) >> 1;
    word = (word & UINT64_C(0x00003fff00003fff)) |
           (word & UINT64_C(0x3fff00003fff0000)) >> 2;
    return (word & UINT64_C(0x000000000fffffff)) |
           (word & UINT64_C(0x0fffffff00000000)) >> 4;
}

// after_long_varint gives the byte after it, NULL if it does not end. Of a day, four bytes,
// it takes all at once: the last byte is the first one without its highest bit.
static const uint8_t *
after_long_varint(struct scan scan, size_t bytes_max, uint64_t *ret_value)
{
    const uint8_t *at = scan.at;
    const uint8_t *end = left(&scan) < bytes_max ? scan.end : at + bytes_max;
    uint64_t word = 0, value = 0;

    if (left(&scan) >= sizeof word) {
        memcpy(&word, at, sizeof word);
        word = ~le64toh(word) & UINT64_C(0x8080808080808080);
    }
    if (word != 0) {
        size_t len = (size_t)__builtin_ctzll(word) / 8 + 1;

        memcpy(&value, at, sizeof value);
        *ret_value = join_sevens(le64toh(value) & (word ^ (word - 1)));
        return len <= bytes_max ? at + len : NULL;
    }
    for (unsigned shift = 0; at < end; shift += 7) {
        uint8_t byte = *at++;

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return at;
        }
    }
    return NULL;
}

static inline bool
read_varint(struct scan *scan, size_t bytes_max, uint64_t *ret_value)
{
    const uint8_t *after;
    uint64_t value;

    if (scan->at < scan->end && *scan->at < 0x80) {
        *ret_value = *scan->at++;
        return true;
    }
    if (left(scan) >= 2 && scan->at[1] < 0x80) {
        *ret_value = (scan->at[0] & 0x7fu) | (uint64_t)scan->at[1] << 7;
        scan->at += 2;
        return true;
    }
    after = after_long_varint(*scan, bytes_max, &value);
    if (after == NULL) {
        return false;
    }
    *ret_value = value;
    scan->at = after;
    return true;
}

// Number 0 in one byte is refused; written long, protobuf-c takes it for unknown.
static inline bool
read_tag(struct scan *scan, uint64_t *ret_tag)
{
    const uint8_t *begin = scan->at;

    return read_varint(scan, TAG_BYTES_MAX, ret_tag) &&
           (*ret_tag > 7 || scan->at - begin > 1);
}

// A number wider than the field loses its upper half, as protobuf has it.
static inline bool
read_u32(struct scan *scan, uint32_t *ret_value)
{
    uint64_t value;

    if (!read_varint(scan, VARINT_BYTES_MAX, &value)) {
        return false;
    }
    *ret_value = (uint32_t)value;
    return true;
}

// Any bit counts, also those that would not fit into 64.
static bool
read_bool(struct scan *scan, bool *ret_value)
{
    const uint8_t *begin = scan->at;
    uint64_t ignored;

    if (!read_varint(scan, VARINT_BYTES_MAX, &ignored)) {
        return false;
    }
    *ret_value = false;
    for (const uint8_t *at = begin; at < scan->at; at++) {
        *ret_value |= (*at & 0x7f) != 0;
    }
    return true;
}

static inline bool
read_u64(struct scan *scan, uint64_t *ret_value)
{
    uint64_t value;

    if (left(scan) < sizeof(value)) {
        return false;
    }
    memcpy(&value, scan->at, sizeof(value));
    *ret_value = le64toh(value);
    scan->at += sizeof(value);
    return true;
}

static inline bool
read_bytes(struct scan *scan, struct hot_bytes *ret_bytes)
{
    uint64_t len;

    if (!read_varint(scan, LENGTH_BYTES_MAX, &len) || len > left(scan) || len > INT_MAX) {
        return false;
    }
    *ret_bytes = (struct hot_bytes){scan->at, (size_t)len};
    scan->at += len;
    return true;
}

// after_value gives the byte after a value nobody wants, NULL if it is broken.
static const uint8_t *
after_value(struct scan scan, unsigned wire_type)
{
    struct hot_bytes bytes;
    uint64_t number;
    bool good = false;

    switch (wire_type) {
    case VARINT:
        good = read_varint(&scan, VARINT_BYTES_MAX, &number);
        break;
    case FIXED64:
        good = read_u64(&scan, &number);
        break;
    case BYTES:
        good = read_bytes(&scan, &bytes);
        break;
    case FIXED32:
        good = left(&scan) >= 4;
        scan.at += good ? 4 : 0;
        break;
    default:
        break;
    }
    return good ? scan.at : NULL;
}

static inline bool
skip(struct scan *scan, uint64_t tag)
{
    const uint8_t *after = after_value(*scan, tag & 7);

    if (after == NULL) {
        return false;
    }
    scan->at = after;
    return true;
}

// comes takes the tag that every writer of ours puts next, if it is there. Reading in their
// order foretells what comes, which a jump for each tag does not: it takes half the time.
// What comes in another order is left to a loop that reads all.
static inline bool
comes(struct scan *scan, uint64_t tag)
{
    size_t len = tag < 0x80 ? 1 : 2;

    if (left(scan) < len ||
        (tag < 0x80 ? scan->at[0] != tag
                    : scan->at[0] != ((tag & 0x7f) | 0x80) || scan->at[1] != tag >> 7)) {
        return false;
    }
    scan->at += len;
    return true;
}

static inline bool
number_in(uint64_t tag, uint64_t first, uint64_t last)
{
    return tag >> 3 >= first && tag >> 3 <= last;
}

// skip_unknown is where a tag comes that no case has taken: a number that the message
// does know came with the wrong wire type, which protobuf-c refuses.
static inline bool
skip_unknown(struct scan *scan, uint64_t tag, uint64_t number_max)
{
    return !number_in(tag, 1, number_max) && skip(scan, tag);
}

uint32_t
hot_to_broker_kind(struct hot_bytes frame, struct hot_bytes *ret_body)
{
    struct scan scan = scan_of(frame);
    uint32_t kind = 0;
    uint64_t tag;

    while (scan.at < scan.end) {
        if (!read_tag(&scan, &tag)) {
            return 0;
        }
        if ((tag & 7) == BYTES && number_in(tag, 1, TO_BROKER_NUMBER_MAX)) {
            if (!read_bytes(&scan, ret_body)) {
                return 0;
            }
            kind = (uint32_t)(tag >> 3);
        } else if (!skip_unknown(&scan, tag, TO_BROKER_NUMBER_MAX)) {
            return 0;
        }
    }
    return kind;
}

// A delivery is told by its first byte: walking over its letters here would fetch each of
// them into the cache twice, a quarter of the time it takes to read them.
uint32_t
hot_to_client_kind(struct hot_bytes frame, struct hot_bytes *ret_body)
{
    struct scan scan = scan_of(frame);
    uint32_t kind = 0;
    uint64_t tag;

    *ret_body = frame;
    if (frame.len > 0 && frame.at[0] == TAG(1, BYTES)) {
        return 1;
    }
    while (scan.at < scan.end) {
        struct hot_bytes bytes;

        if (!read_tag(&scan, &tag)) {
            return 0;
        }
        if ((tag & 7) != BYTES || !number_in(tag, 1, TO_CLIENT_NUMBER_MAX)) {
            if (!skip_unknown(&scan, tag, TO_CLIENT_NUMBER_MAX)) {
                return 0;
            }
        } else if (!read_bytes(&scan, &bytes)) {
            return 0;
        } else if (tag != TAG(1, BYTES)) {
            kind = (uint32_t)(tag >> 3);
            *ret_body = bytes;
        } else if (kind == 0) {
            kind = 1;
        }
    }
    return kind;
}

enum hot_result
hot_read_publish(struct hot_bytes body, struct hot_publish *ret_publish)
{
    struct scan scan = scan_of(body);
    struct hot_publish publish = {.mutations = {scan.end, 0}};

    while (scan.at < scan.end) {
        const uint8_t *begin = scan.at;
        struct hot_bytes mutation;
        bool good;
        uint64_t tag;

        if (!read_tag(&scan, &tag)) {
            return HOT_MALFORMED;
        }
        switch (tag) {
        case TAG(1, VARINT):
            good = read_u32(&scan, &publish.producer);
            break;
        case TAG(2, FIXED64):
            good = read_u64(&scan, &publish.first_number);
            break;
        case TAG(3, BYTES):
            good = read_bytes(&scan, &mutation);
            if (publish.mutations_len++ == 0) {
                publish.mutations = (struct hot_bytes){begin, (size_t)(scan.end - begin)};
            }
            break;
        default:
            good = skip_unknown(&scan, tag, 3);
            break;
        }
        if (!good) {
            return HOT_MALFORMED;
        }
    }
    if (publish.mutations_len > HOT_MUTATIONS_MAX) {
        return HOT_TOO_MANY;
    }
    *ret_publish = publish;
    return HOT_OK;
}

bool
hot_next_mutation(struct hot_bytes *mutations, struct hot_bytes *ret_mutation)
{
    struct scan scan = scan_of(*mutations);
    bool found = false;
    uint64_t tag;

    while (!found && scan.at < scan.end && read_tag(&scan, &tag)) {
        if (tag == TAG(3, BYTES)) {
            found = read_bytes(&scan, ret_mutation);
        } else if (!skip(&scan, tag)) {
            break;
        }
    }
    *mutations = (struct hot_bytes){scan.at, left(&scan)};
    return found;
}

// take_short takes what every writer of ours puts next: this tag, a length of one byte.
// Anything else is left to the loop that reads all.
static inline void
take_short(struct scan *scan, uint8_t tag, struct hot_bytes *ret_bytes)
{
    *ret_bytes = (struct hot_bytes){NULL, 0};
    if (left(scan) >= 2 && scan->at[0] == tag && scan->at[1] < 0x80 &&
        scan->at[1] <= left(scan) - 2) {
        *ret_bytes = (struct hot_bytes){scan->at + 2, scan->at[1]};
        scan->at += 2 + ret_bytes->len;
    }
}

static bool
read_rest_of_field(struct scan scan, struct hot_field *field)
{
    while (scan.at < scan.end) {
        bool good;
        uint64_t tag;

        if (!read_tag(&scan, &tag)) {
            return false;
        }
        switch (tag) {
        case TAG(1, BYTES):
            good = read_bytes(&scan, &field->code);
            break;
        case TAG(2, BYTES):
            good = read_bytes(&scan, &field->value);
            break;
        default:
            good = skip_unknown(&scan, tag, 2);
            break;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

static inline bool
read_field(struct hot_bytes body, struct hot_field *field)
{
    struct scan scan = scan_of(body);

    take_short(&scan, TAG(1, BYTES), &field->code);
    take_short(&scan, TAG(2, BYTES), &field->value);
    return scan.at == scan.end || read_rest_of_field(scan, field);
}

static inline __attribute__((always_inline)) enum hot_result
add_field(struct scan *scan, const uint8_t *begin, struct hot_mutation *mutation)
{
    struct hot_bytes body;
    struct hot_field *field;

    if (!read_bytes(scan, &body)) {
        return HOT_MALFORMED;
    }
    if (mutation->fields_len == HOT_FIELDS_MAX) {
        return HOT_TOO_MANY;
    }
    field = &mutation->fields[mutation->fields_len++];
    field->raw = (struct hot_bytes){begin, (size_t)(scan->at - begin)};
    if (!read_field(body, field)) {
        return HOT_MALFORMED;
    }
    if (field->code.len > HOT_CODE_BYTES_MAX || field->value.len > HOT_VALUE_BYTES_MAX) {
        return HOT_TOO_LARGE;
    }
    return HOT_OK;
}

// Word by word: for a memset of this size gcc writes "rep stos", which takes longer than
// the rest of a small mutation. The fields' array (3 KiB) is never cleared.
static inline void
clear_words(struct hot_mutation *mutation)
{
    const struct hot_bytes none = {NULL, 0};

    mutation->flow = none;
    mutation->id = none;
    mutation->recipient = none;
    mutation->replaces = none;
    mutation->cancels = none;
    mutation->answers = none;
    mutation->niss = 0;
    mutation->new_niss = 0;
    mutation->current_niss = 0;
    mutation->caught_up = 0;
    mutation->lost = 0;
    mutation->enterprise = 0;
    mutation->occurred = 0;
    mutation->period_begin = 0;
    mutation->period_end = 0;
    mutation->reference_year = 0;
    mutation->fields_len = 0;
}

// These two tell a closed list once for both messages: content is NULL for a Mutation, and
// the compiler makes two functions of each.
static inline __attribute__((always_inline)) enum hot_result
read_in_order(struct scan *scan, struct hot_mutation *mutation,
              struct hot_content *content)
{
    const uint8_t *begin;
    enum hot_result result;

    if ((comes(scan, TAG(1, BYTES)) && !read_bytes(scan, &mutation->flow)) ||
        (comes(scan, TAG(2, FIXED64)) && !read_u64(scan, &mutation->niss))) {
        return HOT_MALFORMED;
    }
    for (begin = scan->at; comes(scan, TAG(3, BYTES)); begin = scan->at) {
        result = add_field(scan, begin, mutation);
        if (result != HOT_OK) {
            return result;
        }
    }
    if ((comes(scan, TAG(4, VARINT)) && !read_u32(scan, &mutation->occurred)) ||
        (comes(scan, TAG(5, VARINT)) && !read_u32(scan, &mutation->period_begin)) ||
        (comes(scan, TAG(6, VARINT)) && !read_u32(scan, &mutation->period_end)) ||
        (comes(scan, TAG(7, BYTES)) && !read_bytes(scan, &mutation->id)) ||
        (comes(scan, TAG(8, BYTES)) && !read_bytes(scan, &mutation->recipient))) {
        return HOT_MALFORMED;
    }
    if (content != NULL &&
        ((comes(scan, TAG(20, FIXED64)) && !read_u64(scan, &content->ticket)) ||
         (comes(scan, TAG(21, BYTES)) && !read_bytes(scan, &content->source)) ||
         (comes(scan, TAG(22, FIXED64)) && !read_u64(scan, &content->kept_at_us)) ||
         (comes(scan, TAG(23, VARINT)) && !read_u32(scan, &content->withheld)))) {
        return HOT_MALFORMED;
    }
    return HOT_OK;
}

static inline __attribute__((always_inline)) enum hot_result
read_in_any_order(struct scan scan, struct hot_mutation *mutation,
                  struct hot_content *content)
{
    while (scan.at < scan.end) {
        const uint8_t *begin = scan.at;
        enum hot_result result;
        bool good;
        uint64_t tag;

        if (!read_tag(&scan, &tag)) {
            return HOT_MALFORMED;
        }
        switch (tag) {
        case TAG(1, BYTES):
            good = read_bytes(&scan, &mutation->flow);
            break;
        case TAG(2, FIXED64):
            good = read_u64(&scan, &mutation->niss);
            break;
        case TAG(3, BYTES):
            do {
                result = add_field(&scan, begin, mutation);
                if (result != HOT_OK) {
                    return result;
                }
                begin = scan.at;
            } while (scan.at < scan.end && *scan.at++ == TAG(3, BYTES));
            scan.at = begin; // the tag was not another field's
            good = true;
            break;
        case TAG(4, VARINT):
            good = read_u32(&scan, &mutation->occurred);
            break;
        case TAG(5, VARINT):
            good = read_u32(&scan, &mutation->period_begin);
            break;
        case TAG(6, VARINT):
            good = read_u32(&scan, &mutation->period_end);
            break;
        case TAG(7, BYTES):
            good = read_bytes(&scan, &mutation->id);
            break;
        case TAG(8, BYTES):
            good = read_bytes(&scan, &mutation->recipient);
            break;
        case TAG(9, BYTES):
            good = read_bytes(&scan, &mutation->replaces);
            break;
        case TAG(10, BYTES):
            good = read_bytes(&scan, &mutation->cancels);
            break;
        case TAG(11, FIXED64):
            good = read_u64(&scan, &mutation->new_niss);
            break;
        case TAG(12, FIXED64):
            good = read_u64(&scan, &mutation->enterprise);
            break;
        case TAG(13, VARINT):
            good = read_u32(&scan, &mutation->reference_year);
            break;
        case TAG(14, BYTES):
            good = read_bytes(&scan, &mutation->answers);
            break;
        default:
            if (content == NULL || (!number_in(tag, 20, 24) && !number_in(tag, 30, 31))) {
                good = skip_unknown(&scan, tag, MUTATION_NUMBER_MAX);
            } else if (tag == TAG(20, FIXED64)) {
                good = read_u64(&scan, &content->ticket);
            } else if (tag == TAG(21, BYTES)) {
                good = read_bytes(&scan, &content->source);
            } else if (tag == TAG(22, FIXED64)) {
                good = read_u64(&scan, &content->kept_at_us);
            } else if (tag == TAG(24, FIXED64)) {
                good = read_u64(&scan, &mutation->current_niss);
            } else if (tag == TAG(30, FIXED64)) {
                good = read_u64(&scan, &mutation->caught_up);
            } else if (tag == TAG(31, VARINT)) {
                good = read_u32(&scan, &mutation->lost);
            } else {
                good = tag == TAG(23, VARINT) && read_u32(&scan, &content->withheld);
            }
            break;
        }
        if (!good) {
            return HOT_MALFORMED;
        }
    }
    return HOT_OK;
}

static inline __attribute__((always_inline)) enum hot_result
read_mutation(struct hot_bytes body, struct hot_mutation *mutation,
              struct hot_content *content)
{
    struct scan scan = scan_of(body);
    enum hot_result result;

    clear_words(mutation);
    result = read_in_order(&scan, mutation, content);
    if (result == HOT_OK && scan.at < scan.end) {
        result = read_in_any_order(scan, mutation, content);
    }
    if (result != HOT_OK) {
        return result;
    }
    if (mutation->id.len > HOT_ID_BYTES_MAX ||
        mutation->replaces.len > HOT_ID_BYTES_MAX ||
        mutation->cancels.len > HOT_ID_BYTES_MAX ||
        mutation->answers.len > HOT_ID_BYTES_MAX) {
        return HOT_TOO_LARGE;
    }
    return HOT_OK;
}

enum hot_result
hot_read_mutation(struct hot_bytes body, struct hot_mutation *ret_mutation)
{
    if (body.len > HOT_MUTATION_BYTES_MAX) {
        return HOT_TOO_LARGE;
    }
    return read_mutation(body, ret_mutation, NULL);
}

uint64_t
hot_mutation_niss(struct hot_bytes body)
{
    struct scan scan = scan_of(body);
    uint64_t niss;
    uint64_t tag;

    while (scan.at < scan.end && read_tag(&scan, &tag)) {
        if (tag == TAG(2, FIXED64)) {
            return read_u64(&scan, &niss) ? niss : 0;
        }
        if (!skip(&scan, tag)) {
            break;
        }
    }
    return 0;
}

static bool
read_justification_in_any_order(struct scan scan, struct hot_notification *notification)
{
    while (scan.at < scan.end) {
        bool good;
        uint64_t tag;

        if (!read_tag(&scan, &tag)) {
            return false;
        }
        switch (tag) {
        case TAG(1, VARINT):
            good = read_u32(&scan, &notification->quality);
            break;
        case TAG(2, VARINT):
            good = read_u32(&scan, &notification->begin);
            break;
        case TAG(3, VARINT):
            good = read_u32(&scan, &notification->end);
            break;
        default:
            good = skip_unknown(&scan, tag, 3);
            break;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

static inline bool
read_justification(struct hot_bytes body, struct hot_notification *notification)
{
    struct scan scan = scan_of(body);

    notification->justified = true;
    notification->quality = 0;
    notification->begin = 0;
    notification->end = 0;
    if ((comes(&scan, TAG(1, VARINT)) && !read_u32(&scan, &notification->quality)) ||
        (comes(&scan, TAG(2, VARINT)) && !read_u32(&scan, &notification->begin)) ||
        (comes(&scan, TAG(3, VARINT)) && !read_u32(&scan, &notification->end))) {
        return false;
    }
    return scan.at == scan.end || read_justification_in_any_order(scan, notification);
}

static bool
read_notification_in_any_order(struct scan scan, struct hot_notification *notification)
{
    while (scan.at < scan.end) {
        struct hot_bytes justification;
        bool good;
        uint64_t tag, one;

        if (!read_tag(&scan, &tag)) {
            return false;
        }
        switch (tag) {
        case TAG(1, VARINT):
            good = read_u32(&scan, &notification->mailbox);
            break;
        case TAG(2, FIXED64):
            good = read_u64(&scan, &notification->number);
            break;
        case TAG(3, BYTES):
            good = read_bytes(&scan, &justification) &&
                   read_justification(justification, notification);
            break;
        case TAG(4, VARINT):
            good = read_bool(&scan, &notification->again);
            break;
        case TAG(5, BYTES):
            good = read_bytes(&scan, &notification->content);
            break;
        case TAG(6, VARINT):
            good = read_u32(&scan, &notification->attempt);
            break;
        case TAG(7, BYTES):
            good = read_bytes(&scan, &notification->merged) &&
                   notification->merged.len % sizeof(uint64_t) == 0;
            break;
        case TAG(7, FIXED64): // one that was not packed
            notification->merged = (struct hot_bytes){scan.at, sizeof one};
            good = read_u64(&scan, &one);
            break;
        default:
            good = skip_unknown(&scan, tag, 7);
            break;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

static inline bool
read_notification(struct hot_bytes body, struct hot_notification *notification)
{
    struct scan scan = scan_of(body);
    struct hot_bytes justification;

    *notification = (struct hot_notification){0};
    if ((comes(&scan, TAG(1, VARINT)) && !read_u32(&scan, &notification->mailbox)) ||
        (comes(&scan, TAG(2, FIXED64)) && !read_u64(&scan, &notification->number)) ||
        (comes(&scan, TAG(3, BYTES)) &&
         !(read_bytes(&scan, &justification) &&
           read_justification(justification, notification))) ||
        (comes(&scan, TAG(5, BYTES)) && !read_bytes(&scan, &notification->content))) {
        return false;
    }
    return scan.at == scan.end || read_notification_in_any_order(scan, notification);
}

int
hot_next_notification(struct hot_bytes *frame, struct hot_notification *ret_notification)
{
    struct scan scan = scan_of(*frame);
    struct hot_bytes body;
    uint64_t tag;

    while (scan.at < scan.end) {
        if (!read_tag(&scan, &tag)) {
            return -1;
        }
        if (tag == TAG(1, BYTES)) {
            if (!read_bytes(&scan, &body) || !read_notification(body, ret_notification)) {
                return -1;
            }
            *frame = (struct hot_bytes){scan.at, left(&scan)};
            return 1;
        }
        if (number_in(tag, 1, TO_CLIENT_NUMBER_MAX) && (tag & 7) != BYTES) {
            return -1;
        }
        if (!skip(&scan, tag)) {
            return -1;
        }
    }
    *frame = (struct hot_bytes){scan.end, 0};
    return 0;
}

enum hot_result
hot_read_content(struct hot_bytes body, struct hot_content *ret_content)
{
    ret_content->source = (struct hot_bytes){NULL, 0};
    ret_content->ticket = 0;
    ret_content->kept_at_us = 0;
    ret_content->withheld = 0;
    return read_mutation(body, &ret_content->mutation, ret_content);
}

uint64_t
hot_merged(struct hot_bytes merged, size_t i)
{
    uint64_t little;

    memcpy(&little, merged.at + i * sizeof little, sizeof little);
    return le64toh(little);
}

void
hot_content_about(struct hot_bytes body, uint64_t *ret_niss, uint64_t *ret_enterprise)
{
    struct scan scan = scan_of(body);
    bool good = true;
    uint64_t tag;

    *ret_niss = *ret_enterprise = 0;
    while (good && *ret_niss == 0 && scan.at < scan.end && read_tag(&scan, &tag)) {
        if (tag == TAG(2, FIXED64)) {
            good = read_u64(&scan, ret_niss);
        } else if (tag == TAG(12, FIXED64)) {
            good = read_u64(&scan, ret_enterprise);
        } else {
            good = skip(&scan, tag);
        }
    }
    if (*ret_niss != 0) {
        *ret_enterprise = 0;
    }
}

static enum hot_result
add_also(struct scan *scan, struct hot_acknowledge *acknowledge)
{
    if (acknowledge->also_len == HOT_ALSO_MAX) {
        return HOT_TOO_MANY;
    }
    return read_u64(scan, &acknowledge->also[acknowledge->also_len++]) ? HOT_OK
                                                                       : HOT_MALFORMED;
}

static enum hot_result
add_packed_also(struct scan *scan, struct hot_acknowledge *acknowledge)
{
    struct hot_bytes packed;
    struct scan inner;

    if (!read_bytes(scan, &packed) || packed.len % sizeof(uint64_t) != 0) {
        return HOT_MALFORMED;
    }
    inner = scan_of(packed);
    while (inner.at < inner.end) {
        enum hot_result result = add_also(&inner, acknowledge);

        if (result != HOT_OK) {
            return result;
        }
    }
    return HOT_OK;
}

enum hot_result
hot_read_acknowledge(struct hot_bytes body, struct hot_acknowledge *ret)
{
    struct scan scan = scan_of(body);

    memset(ret, 0, offsetof(struct hot_acknowledge, also));
    while (scan.at < scan.end) {
        enum hot_result result = HOT_OK;
        bool good = true;
        uint64_t tag;

        if (!read_tag(&scan, &tag)) {
            return HOT_MALFORMED;
        }
        switch (tag) {
        case TAG(1, VARINT):
            good = read_u32(&scan, &ret->mailbox);
            break;
        case TAG(2, FIXED64):
            good = read_u64(&scan, &ret->through);
            break;
        case TAG(3, FIXED64):
            result = add_also(&scan, ret);
            break;
        case TAG(3, BYTES):
            result = add_packed_also(&scan, ret);
            break;
        default:
            good = skip_unknown(&scan, tag, 3);
            break;
        }
        if (!good) {
            return HOT_MALFORMED;
        }
        if (result != HOT_OK) {
            return result;
        }
    }
    return HOT_OK;
}

// ---- writing ----
// Tags of numbers up to 15 are one byte. What has its default value is not written.

enum {
    TAG_LEN = 1,
    MUTATION_LENGTH_LEN = 2, // of 128 to 16,383 bytes
    FIXED64_FIELD_LEN = TAG_LEN + 8,
    // ticket, source's tag and length, kept_at, withheld, current_niss, caught_up, lost: tags of two
    // bytes.
    BROKER_WORDS_LEN_MAX = (2 + 8) + (2 + LENGTH_BYTES_MAX) + (2 + 8) + (2 + 5) +
                           (2 + 8) + (2 + 8) + (2 + 5),
};

// Seven bits to a byte: 9 * 64 / 64 for one bit, 9 * 9 / 64 + 1 for nine, and so on.
static inline size_t
varint_len(uint64_t value)
{
    return value < 0x80 ? 1 : (size_t)(9 * (64 - __builtin_clzll(value)) + 64) / 64;
}

static inline uint8_t *
write_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

// Codes, references and most values are short: two copies of a fixed size that overlap
// need no call.
static inline uint8_t *
write_copy(uint8_t *at, struct hot_bytes bytes)
{
    const uint8_t *from = bytes.at;
    size_t len = bytes.len;

    if (len > 32) {
        memcpy(at, from, len);
    } else if (len >= 16) {
        memcpy(at, from, 16);
        memcpy(at + len - 16, from + len - 16, 16);
    } else if (len >= 8) {
        memcpy(at, from, 8);
        memcpy(at + len - 8, from + len - 8, 8);
    } else if (len >= 4) {
        memcpy(at, from, 4);
        memcpy(at + len - 4, from + len - 4, 4);
    } else if (len > 0) {
        at[0] = from[0];
        at[len / 2] = from[len / 2];
        at[len - 1] = from[len - 1];
    }
    return at + len;
}

static inline size_t
u32_field_len(uint32_t value)
{
    return value == 0 ? 0 : TAG_LEN + varint_len(value);
}

static inline size_t
u64_field_len(uint64_t value)
{
    return value == 0 ? 0 : FIXED64_FIELD_LEN;
}

static inline size_t
bytes_field_len(struct hot_bytes bytes)
{
    return bytes.len == 0 ? 0 : TAG_LEN + varint_len(bytes.len) + bytes.len;
}

static inline uint8_t *
write_u32(uint8_t *at, uint64_t number, uint32_t value)
{
    uint32_t word;

    if (value == 0) {
        return at;
    }
    at = write_varint(at, TAG(number, VARINT));
    if (value >> 21 == 0 || value >> 28 != 0) {
        return write_varint(at, value);
    }
    // A day, in four bytes: all at once, seven bits into each.
    word = (value & 0x3fff) | (value & 0xfffc000) << 2;
    word = (word & 0x7f007f) | (word & 0x3f803f80) << 1;
    word = htole32(word | 0x808080);
    memcpy(at, &word, sizeof word);
    return at + sizeof word;
}

static inline uint8_t *
write_u64(uint8_t *at, uint64_t number, uint64_t value)
{
    uint64_t little = htole64(value);

    if (value == 0) {
        return at;
    }
    at = write_varint(at, TAG(number, FIXED64));
    memcpy(at, &little, sizeof(little));
    return at + sizeof(little);
}

static inline uint8_t *
write_bytes_head(uint8_t *at, uint64_t number, size_t len)
{
    return write_varint(write_varint(at, TAG(number, BYTES)), len);
}

static inline uint8_t *
write_bytes(uint8_t *at, uint64_t number, struct hot_bytes bytes)
{
    if (bytes.len == 0) {
        return at;
    }
    return write_copy(write_bytes_head(at, number, bytes.len), bytes);
}

static inline size_t
field_body_len(const struct hot_field *field)
{
    return bytes_field_len(field->code) + bytes_field_len(field->value);
}

static inline size_t
field_len(const struct hot_field *field)
{
    size_t len = field_body_len(field);

    return TAG_LEN + varint_len(len) + len;
}

static uint8_t *
write_field(uint8_t *at, const struct hot_field *field)
{
    at = write_bytes_head(at, 3, field_body_len(field));
    at = write_bytes(at, 1, field->code);
    return write_bytes(at, 2, field->value);
}

// The sum of everything but the fields, exactly.
static size_t
words_len(const struct hot_mutation *mutation)
{
    return bytes_field_len(mutation->flow) + u64_field_len(mutation->niss) +
           u32_field_len(mutation->occurred) + u32_field_len(mutation->period_begin) +
           u32_field_len(mutation->period_end) + bytes_field_len(mutation->id) +
           bytes_field_len(mutation->recipient) + bytes_field_len(mutation->replaces) +
           bytes_field_len(mutation->cancels) + u64_field_len(mutation->new_niss) +
           u64_field_len(mutation->enterprise) + u32_field_len(mutation->reference_year) +
           bytes_field_len(mutation->answers);
}

static size_t
mutation_body_len(const struct hot_mutation *mutation)
{
    size_t len = words_len(mutation);

    for (uint32_t i = 0; i < mutation->fields_len; i++) {
        len += field_len(&mutation->fields[i]);
    }
    return len;
}

static uint8_t *
write_words_before_fields(uint8_t *at, const struct hot_mutation *mutation)
{
    at = write_bytes(at, 1, mutation->flow);
    return write_u64(at, 2, mutation->niss);
}

static uint8_t *
write_words_after_fields(uint8_t *at, const struct hot_mutation *mutation)
{
    at = write_u32(at, 4, mutation->occurred);
    at = write_u32(at, 5, mutation->period_begin);
    at = write_u32(at, 6, mutation->period_end);
    at = write_bytes(at, 7, mutation->id);
    at = write_bytes(at, 8, mutation->recipient);
    at = write_bytes(at, 9, mutation->replaces);
    at = write_bytes(at, 10, mutation->cancels);
    at = write_u64(at, 11, mutation->new_niss);
    at = write_u64(at, 12, mutation->enterprise);
    at = write_u32(at, 13, mutation->reference_year);
    return write_bytes(at, 14, mutation->answers);
}

size_t
hot_mutation_size(const struct hot_mutation *mutation)
{
    size_t len = mutation_body_len(mutation);

    return TAG_LEN + (len < 0x80 ? MUTATION_LENGTH_LEN : varint_len(len)) + len;
}

// Its length is written when it is known, into the room that nearly all take: to add it up
// before would be a fifth more.
uint8_t *
hot_write_mutation(uint8_t *at, const struct hot_mutation *mutation)
{
    uint8_t *begin = at + TAG_LEN + MUTATION_LENGTH_LEN;
    uint8_t *end = write_words_before_fields(begin, mutation);
    size_t len;

    for (uint32_t i = 0; i < mutation->fields_len; i++) {
        end = write_field(end, &mutation->fields[i]);
    }
    end = write_words_after_fields(end, mutation);
    len = (size_t)(end - begin);
    if (varint_len(len) != MUTATION_LENGTH_LEN) {
        begin = memmove(at + TAG_LEN + varint_len(len), begin, len);
    }
    (void)write_bytes_head(at, 3, len);
    return begin + len;
}

uint8_t *
hot_publish_head(uint8_t *mutations, size_t mutations_len, uint32_t producer,
                 uint64_t first_number)
{
    uint8_t body_head[HOT_HEAD_MAX];
    uint8_t *end = write_u64(write_u32(body_head, 1, producer), 2, first_number);
    size_t body_head_len = (size_t)(end - body_head);
    size_t body_len = body_head_len + mutations_len;
    uint8_t *at = mutations - body_head_len - varint_len(body_len) - TAG_LEN;

    write_copy(write_bytes_head(at, 3, body_len),
               (struct hot_bytes){body_head, body_head_len});
    return at;
}

size_t
hot_content_size(const struct hot_mutation *mutation, struct hot_bytes source)
{
    return mutation_body_len(mutation) + source.len + BROKER_WORDS_LEN_MAX;
}

// A Field as long as it has to be holds nothing but its code and value. A longer one may
// hide bytes (unknown fields, a value given twice) from whoever decided to keep it, so
// that one is written anew.
static uint8_t *
write_kept_field(uint8_t *at, const struct hot_field *field)
{
    if (field->raw.len == field_len(field)) {
        return write_copy(at, field->raw);
    }
    return write_field(at, field);
}

uint8_t *
hot_write_content(uint8_t *at, const struct hot_mutation *mutation, uint64_t keep,
                  struct hot_bytes source, uint64_t ticket, uint64_t kept_at_us)
{
    uint32_t withheld = 0;

    at = write_words_before_fields(at, mutation);
    for (uint32_t i = 0; i < mutation->fields_len; i++) {
        if ((keep >> i & 1) != 0) {
            at = write_kept_field(at, &mutation->fields[i]);
        } else {
            withheld++;
        }
    }
    at = write_words_after_fields(at, mutation);
    at = write_u64(at, 20, ticket);
    at = write_bytes(at, 21, source);
    at = write_u64(at, 22, kept_at_us);
    at = write_u32(at, 23, withheld);
    at = write_u64(at, 24, mutation->current_niss);
    at = write_u64(at, 30, mutation->caught_up);
    return write_u32(at, 31, mutation->lost);
}

uint8_t *
hot_write_caught_up(uint8_t *at, uint64_t ticket)
{
    return write_u64(at, 30, ticket);
}

uint8_t *
hot_write_notification(uint8_t *at, const struct hot_notification *notification)
{
    size_t justification_len = u32_field_len(notification->quality) +
                               u32_field_len(notification->begin) +
                               u32_field_len(notification->end);
    size_t len =
        u32_field_len(notification->mailbox) + u64_field_len(notification->number) +
        (notification->justified ? 2 + justification_len : 0) +
        (notification->again ? 2 : 0) + bytes_field_len(notification->content) +
        u32_field_len(notification->attempt) + bytes_field_len(notification->merged);

    at = write_bytes_head(at, 1, len);
    at = write_u32(at, 1, notification->mailbox);
    at = write_u64(at, 2, notification->number);
    if (notification->justified) {
        at = write_bytes_head(at, 3, justification_len);
        at = write_u32(at, 1, notification->quality);
        at = write_u32(at, 2, notification->begin);
        at = write_u32(at, 3, notification->end);
    }
    at = write_u32(at, 4, notification->again);
    at = write_bytes(at, 5, notification->content);
    at = write_u32(at, 6, notification->attempt);
    return write_bytes(at, 7, notification->merged);
}

uint8_t *
hot_write_acknowledge(uint8_t *at, const struct hot_acknowledge *acknowledge)
{
    size_t also_len = sizeof(uint64_t) * acknowledge->also_len;
    size_t len = u32_field_len(acknowledge->mailbox) +
                 u64_field_len(acknowledge->through) +
                 (also_len > 0 ? TAG_LEN + varint_len(also_len) + also_len : 0);

    at = write_bytes_head(at, 6, len);
    at = write_u32(at, 1, acknowledge->mailbox);
    at = write_u64(at, 2, acknowledge->through);
    if (also_len == 0) {
        return at;
    }
    at = write_bytes_head(at, 3, also_len);
    for (uint32_t i = 0; i < acknowledge->also_len; i++) {
        uint64_t little = htole64(acknowledge->also[i]);

        memcpy(at, &little, sizeof(little));
        at += sizeof(little);
    }
    return at;
}
