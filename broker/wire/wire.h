// SPDX-License-Identifier: EUPL-1.2
// wire.h - between frames and the broker's own values. The only layer that sees
// protobuf-c's structs; the three hot messages do not pass here but through hot/hot.h.
//
// Readers decode into an arena with a hard cap (wire/arena.h) and copy what they keep.
// Writers append one ToClient frame to a buffer.
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "flow/command.h"
#include "flow/freshness.h"
#include "flow/holdings.h"
#include "flow/outflow.h"
#include "flow/rewind.h"

enum { WIRE_VERSION = 1, WIRE_MESSAGE_BYTES_MAX = 1 << 20 };

// Kinds of ToBroker messages: the numbers of its oneof (hot_to_broker_kind).
enum to_broker_kind {
    TO_BROKER_HELLO = 1,
    TO_BROKER_HEARTBEAT,
    TO_BROKER_PUBLISH,
    TO_BROKER_LAST_NUMBER,
    TO_BROKER_SUBSCRIBE,
    TO_BROKER_ACKNOWLEDGE,
    TO_BROKER_REQUEST,
    TO_BROKER_UNSUBSCRIBE,
    TO_BROKER_REFUSE,
    TO_BROKER_REWIND,
};

struct wire_hello {
    uint32_t version;
    char client[64]; // printable ASCII only, cut
};

struct wire_subscribe {
    uint32_t mailbox;
    uint32_t window_messages;
    uint64_t window_bytes;
};

// Each reads one message's body. VG_MALFORMED, VG_TOO_MANY, VG_TOO_LARGE with words.
NODISCARD enum vg_status wire_read_hello(struct bytes body, struct wire_hello *ret,
                                         struct why *why);
NODISCARD enum vg_status wire_read_heartbeat(struct bytes body, uint64_t *ret_echo,
                                             struct why *why);
NODISCARD enum vg_status wire_read_last_number(struct bytes body, uint32_t *ret_producer,
                                               struct why *why);
NODISCARD enum vg_status wire_read_subscribe(struct bytes body,
                                             struct wire_subscribe *ret, struct why *why);
NODISCARD enum vg_status wire_read_unsubscribe(struct bytes body, uint32_t *ret_mailbox,
                                               struct why *why);

struct wire_rewind {
    uint32_t mailbox;
    struct rewind_goal goal;
};
NODISCARD enum vg_status wire_read_rewind(struct bytes body, struct wire_rewind *ret,
                                          struct why *why);

// wire_read_refuse: the refusal's reason is lent from ret.
struct wire_refuse {
    uint32_t mailbox;
    struct refusal refusal;
    char reason[HELD_REASON_MAX + 1];
};
NODISCARD enum vg_status wire_read_refuse(struct bytes body, struct wire_refuse *ret,
                                          struct why *why);

// A Request becomes a command; who is named in it (operators may act for another) is
// returned beside it, empty when nobody is. ListMailboxes, ListParked and ListSources are no commands:
// their word is true and no command is made. ret_request is set as soon as the id could be read.
struct wire_request {
    uint64_t id;
    bool list_mailboxes;
    bool list_parked;
    bool list_sources;
    struct {
        uint32_t mailbox;
        uint32_t max; // 1 to PARKED_NUMBERS_MAX
        uint64_t from;
    } parked;
    char institution[INSTITUTION_CODE_LEN];
    struct command *command; // given; its actor and institution are still to be filled in
};
NODISCARD enum vg_status wire_read_request(struct bytes body, struct wire_request *ret,
                                           struct why *why);

struct wire_welcome {
    const char *institution;
    uint32_t role;
    uint32_t heartbeat_ms;
    uint32_t window_messages;
    uint64_t window_bytes;
};
// Each appends one frame, a whole ToClient. Borrows: everything.
void wire_write_welcome(const struct wire_welcome *welcome, struct buffer *frame);
void wire_write_heartbeat(uint64_t echo, struct buffer *frame);
void wire_write_refused(enum vg_status status, const char *sentence,
                        struct buffer *frame);
void wire_write_blocked(enum vg_status status, const char *sentence,
                        struct buffer *frame);
void wire_write_resumed(struct buffer *frame);
// level: LIMITS_CALM is CALM on the wire, and so on.
void wire_write_notice(uint32_t mailbox, enum limits_level level, const char *sentence,
                       struct buffer *frame);
void wire_write_goodbye(const char *reason, struct buffer *frame);
// acknowledged: as far as the loop knows.
void wire_write_subscribed(uint32_t mailbox, const char *name, uint64_t acknowledged,
                           const struct mailbox_row *row, struct buffer *frame);
void wire_write_deferred(uint32_t mailbox, const struct number_range *ranges, size_t len,
                         struct buffer *frame);

void wire_write_rewound(uint32_t mailbox, uint64_t from, uint64_t through,
                        struct buffer *frame);

// A mutation that lies parked because nobody took it.
struct wire_undelivered {
    uint64_t ticket;
    uint64_t kept_us;
    int64_t since_us; // it left its turn
    char flow[HOT_ID_BYTES_MAX + 1];
    char id[HOT_ID_BYTES_MAX + 1];
    char recipient[HOT_ID_BYTES_MAX + 1];
    char reason[HELD_REASON_MAX + 1];
};
void wire_write_undelivered(const struct wire_undelivered *mutations, size_t len,
                            bool more, struct buffer *frame);

// wire_write_answer writes what a command came back with: Published, LastNumberIs or
// Reply; nothing for commands that have no answer on the wire. roster turns institution
// numbers into codes.
void wire_write_answer(const struct command *command, const struct roster *roster,
                       struct buffer *frame);

struct wire_mailbox {
    const struct mailbox_spec *spec;
    struct mailbox_row row;
};
// wire_write_mailboxes answers a ListMailboxes.
void wire_write_mailboxes(uint64_t request, const struct wire_mailbox *mailboxes,
                          size_t len, const struct catalogue *catalogue,
                          struct buffer *frame);
// wire_write_parked answers a ListParked. content: of each row, lent; at NULL: it could not
// be read.
void wire_write_parked(uint64_t request, const struct held_row *rows,
                       const struct bytes *contents, size_t len,
                       const struct roster *roster, struct buffer *frame);
// wire_write_sources answers a ListSources.
void wire_write_sources(uint64_t request, const struct fresh *rows, size_t len,
                        struct buffer *frame);

// wire_write_holdings answers a ListIntegrations with what a walk has found.
void wire_write_holdings(uint64_t request, uint64_t ticket,
                         const struct holdings *holdings, const struct roster *roster,
                         struct buffer *frame);

// wire_write_reply_fault refuses a whole request.
void wire_write_reply_fault(uint64_t request, enum vg_status status, const char *sentence,
                            struct buffer *frame);

#endif
