// SPDX-License-Identifier: EUPL-1.2
// settings.table.h - everything an administrator may choose, once: struct settings, the
// reader, `vigied --help-settings` and deploy/vigied.yaml are made from it.
//
// name, type, default (as in a file), min, max, when a change counts, help
//   SOCKET  tcp://ADDRESS:PORT, port *: any free one     min and max: bytes of text
//   LOCAL   ADDRESS:PORT, on loopback                    the same
//   PATH    relative ones begin at the settings' folder  the same
//   BYTES   a size: 65536, 64 KiB, 16 MiB, 1 GiB, 2 TiB
//   COUNT   a whole number; the unit stands in the name
//   SWITCH  yes or no
//   LEVEL   error, warning, info or debug
#ifndef EDGE_SETTINGS_TABLE_H
#define EDGE_SETTINGS_TABLE_H

#define SETTINGS_TEXT_MAX 255
#define SETTINGS_KIB (UINT64_C(1) << 10)
#define SETTINGS_MIB (UINT64_C(1) << 20)
#define SETTINGS_GIB (UINT64_C(1) << 30)
#define SETTINGS_TIB (UINT64_C(1) << 40)

#define SETTINGS_TABLE(ROW)                                                              \
    ROW(store_path, PATH, "store", 1, SETTINGS_TEXT_MAX, AT_START,                       \
        "The folder of the store: every mutation that was answered with yes. One "       \
        "broker per store.")                                                             \
    ROW(sources_endpoint, SOCKET, "tcp://127.0.0.1:7461", 1, SETTINGS_TEXT_MAX,          \
        AT_START, "Where authentic sources connect (ZeroMQ, CURVE always).")             \
    ROW(members_endpoint, SOCKET, "tcp://127.0.0.1:7462", 1, SETTINGS_TEXT_MAX,          \
        AT_START, "Where institutions connect to receive (ZeroMQ, CURVE always).")       \
    ROW(http_endpoint, LOCAL, "127.0.0.1:7463", 0, SETTINGS_TEXT_MAX, AT_START,          \
        "Where administrators and Prometheus ask, on loopback only; \"\": nowhere.")     \
    ROW(http_token_file, PATH, "token", 0, SETTINGS_TEXT_MAX, AT_START,                  \
        "One line: the bearer token that administrators send. Only the broker's user "   \
        "may read it.")                                                                  \
    ROW(metrics_open, SWITCH, "no", 0, 1, AT_RELOAD,                                     \
        "/metrics is answered without the token: counts only, nothing about an "         \
        "institution or a person.")                                                      \
    ROW(key_file, PATH, "broker.key", 1, SETTINGS_TEXT_MAX, AT_START,                    \
        "The broker's own CURVE keys: lines \"public: Z85\" and \"secret: Z85\". Only "  \
        "the broker's user may read it.")                                                \
    ROW(anchor_key_file, PATH, "anchor.key", 0, SETTINGS_TEXT_MAX, AT_START,             \
        "The key that signs the journal once a day (`vigie journal anchor`): lines "     \
        "\"public: HEX\" and \"secret: HEX\", as `vigie journal key` makes it. Only "    \
        "the "                                                                           \
        "broker's user may read it. No such file, or \"\": nothing is signed.")          \
    ROW(catalogue_file, PATH, "catalogue.yaml", 0, SETTINGS_TEXT_MAX, AT_RELOAD,         \
        "Flows, fields and quality codes; loaded when it differs from the one in "       \
        "force. \"\": whatever the store has in force.")                                 \
    ROW(run_dir, PATH, "run", 0, SETTINGS_TEXT_MAX, AT_START,                            \
        "The folder where vigied.ready is written: the real endpoints, for programs "    \
        "on this machine. \"\": nowhere.")                                               \
    ROW(map_bytes, BYTES, "256 GiB", 64 * SETTINGS_MIB, 64 * SETTINGS_TIB, AT_START,     \
        "Address space for the store, not memory: generous, for the store cannot "       \
        "outgrow it.")                                                                   \
    ROW(quota_bytes, BYTES, "0", 0, 64 * SETTINGS_TIB, AT_START,                         \
        "Above this, publishing is refused with STORE_FULL and nothing else; 0: 90 % "   \
        "of map_bytes.")                                                                 \
    ROW(disk_reserve_bytes, BYTES, "1 GiB", 0, 64 * SETTINGS_TIB, AT_START,              \
        "Publishing is refused when the store's disk has less left than this.")          \
    ROW(ahead_bytes, BYTES, "0", 0, 64 * SETTINGS_TIB, AT_START,                         \
        "The store's file is kept longer than it needs to be by this much, with zeros, " \
        "written when nothing else is to do: commits are synced sooner. Never "          \
        "when the disk would have less left than twice disk_reserve_bytes. 0: as much "  \
        "as the store holds, at most 64 MiB; less than 1 MiB: none.")                    \
    ROW(disk_slow_ms, COUNT, "5000", 10, 3600000, AT_RELOAD,                             \
        "A commit that takes longer than this is reported, /healthz says 503 and "       \
        "sources are told to wait until it ends.")                                       \
    ROW(mailbox_messages_max, COUNT, "10000000", 0, UINT32_MAX, AT_RELOAD,               \
        "Letters that may wait in a mailbox without limits of its own; at 80 % and at "  \
        "100 % it is told of. 0: no limit.")                                             \
    ROW(mailbox_bytes_max, BYTES, "16 GiB", 0, 64 * SETTINGS_TIB, AT_RELOAD,             \
        "The same in bytes.")                                                            \
    ROW(waiting_messages_max, COUNT, "1000000000", 0, UINT32_MAX, AT_RELOAD,             \
        "Letters that may wait in all mailboxes together, each counted up to its own "   \
        "limit: above it publishing is refused, until less than 70 % wait. 0: no "       \
        "limit.")                                                                        \
    ROW(test_persons, SWITCH, "no", 0, 1, AT_START,                                      \
        "Fictitious person numbers (month + 60) are accepted: for tests, never beside "  \
        "real people.")                                                                  \
    ROW(heartbeat_ms, COUNT, "2000", 50, 60000, AT_RELOAD,                               \
        "Both sides say something at least this often; three times silence is the end "  \
        "of a connection.")                                                              \
    ROW(window_messages, COUNT, "20000", 1, 1000000, AT_RELOAD,                          \
        "Mutations that a source may have unanswered.")                                  \
    ROW(window_bytes, BYTES, "16 MiB", 64 * SETTINGS_KIB, SETTINGS_GIB, AT_RELOAD,       \
        "Bytes of mutations that a source may have unanswered.")                         \
    ROW(retry_first_ms, COUNT, "1000", 1, 3600000, AT_START,                             \
        "A refused letter is tried again after this; then after 3, 7, 15, 31 ... times " \
        "as long.")                                                                      \
    ROW(retry_longest_ms, COUNT, "10800000", 1, 86400000, AT_START,                      \
        "No pause between two tries of a refused letter is longer.")                     \
    ROW(retry_attempts, COUNT, "16", 1, 1000, AT_START,                                  \
        "A letter that was refused so often is parked until somebody handles it.")       \
    ROW(drain_seconds, COUNT, "30", 1, 3600, AT_RELOAD,                                  \
        "How long the broker may go on answering between SIGTERM and its end.")          \
    ROW(syscall_filter, SWITCH, "yes", 0, 1, AT_START,                                   \
        "After start-up only the system calls that serving needs are left: nothing can " \
        "be executed, connected to or listened at.")                                     \
    ROW(core_dumps, SWITCH, "no", 0, 1, AT_START,                                        \
        "A crash may leave a core file and a debugger may look in: both see secrets "    \
        "and persons.")                                                                  \
    ROW(replay_days, COUNT, "7", 1, 3650, AT_RELOAD,                                     \
        "How long a notification's content is kept for sending it again; what nobody "   \
        "has acknowledged is kept beyond that.")                                         \
    ROW(unread_warn_days, COUNT, "30", 0, 3650, AT_RELOAD,                               \
        "A mailbox whose oldest letter has waited so long is told in the log once a "    \
        "day and counted; 0: never.")                                                    \
    ROW(unread_park_days, COUNT, "90", 0, 3650, AT_RELOAD,                               \
        "A letter that has waited so long is parked and reported to its source, within " \
        "replay_days; 0: never.")                                                        \
    ROW(journal_months, COUNT, "24", 1, 120, AT_RELOAD,                                  \
        "How long the journal is kept: who got what, when and why.")                     \
    ROW(person_months, COUNT, "6", 1, 120, AT_RELOAD,                                    \
        "How far back \"who got what about this person\" is answered.")                  \
    ROW(journal_export_dir, PATH, "", 0, SETTINGS_TEXT_MAX, AT_RELOAD,                   \
        "What is older goes only when vigied --export-journal has written it to this "   \
        "folder. \"\": it goes unexported.")                                             \
    ROW(scrub_bytes_per_second, BYTES, "4 MiB", 0, SETTINGS_GIB, AT_START,               \
        "How fast the store is read again and again in the background to find damage; "  \
        "0: not at all.")                                                                \
    ROW(log_level, LEVEL, "info", 0, 0, AT_RELOAD,                                       \
        "What is worth a line: error, warning, info or debug.")

#endif
