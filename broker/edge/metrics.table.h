// SPDX-License-Identifier: EUPL-1.2
// metrics.table.h - every number the broker counts, once: struct metrics, the page for
// Prometheus and the manual are made from it.
//
// name, type, unit, help. Counters only grow while the process lives.
#ifndef EDGE_METRICS_TABLE_H
#define EDGE_METRICS_TABLE_H

#define METRICS_TABLE(ROW)                                                               \
    ROW(mutations, COUNTER, "", "mutations that were published and answered")            \
    ROW(refused, COUNTER, "", "mutations that were refused for good")                    \
    ROW(repeated, COUNTER, "", "mutations that had been kept before")                    \
    ROW(matched, COUNTER, "", "mutations that reached at least one mailbox")             \
    ROW(unmatched, COUNTER, "", "mutations that nobody follows")                         \
    ROW(notifications, COUNTER, "", "notifications put into mailboxes")                  \
    ROW(withheld, COUNTER, "", "fields left out because a recipient may not see them")   \
    ROW(unwanted, COUNTER, "",                                                           \
        "notifications not made: the institution does not want them")                    \
    ROW(merged, COUNTER, "",                                                             \
        "letters that a later one stands for, which says the same anew")                 \
    ROW(withdrawn, COUNTER, "",                                                          \
        "notifications cancelled before they were sent: neither of the pair was")        \
    ROW(advanced, COUNTER, "",                                                           \
        "letters sent before their turn: urgent, or before such a one")                  \
    ROW(delivered, COUNTER, "", "notifications sent, repeats included")                  \
    ROW(delivered_bytes, COUNTER, "bytes", "bytes of delivery frames sent")              \
    ROW(refused_letters, COUNTER, "", "Refuse messages accepted")                        \
    ROW(parked_letters, COUNTER, "", "letters parked")                                   \
    ROW(acknowledgements, COUNTER, "", "Acknowledge messages accepted")                  \
    ROW(requests, COUNTER, "", "directory requests received")                            \
    ROW(batches, COUNTER, "", "batches applied")                                         \
    ROW(commits, COUNTER, "", "batches that wrote something")                            \
    ROW(commands, COUNTER, "", "commands applied")                                       \
    ROW(written_bytes, COUNTER, "bytes", "bodies and journal records written")           \
    ROW(commit_us, COUNTER, "us", "time spent applying and syncing batches")             \
    ROW(slow_commits, COUNTER, "", "commits that took longer than disk_slow_ms")         \
    ROW(frames_in, COUNTER, "", "frames received from clients")                          \
    ROW(bytes_in, COUNTER, "bytes", "bytes of frames received")                          \
    ROW(frames_out, COUNTER, "", "frames sent to clients")                               \
    ROW(violations, COUNTER, "", "frames that broke the protocol")                       \
    ROW(connections, COUNTER, "", "sessions opened")                                     \
    ROW(connections_dropped, COUNTER, "", "sessions ended by the broker")                \
    ROW(handshakes_accepted, COUNTER, "", "ZAP requests answered 200")                   \
    ROW(handshakes_refused, COUNTER, "", "ZAP requests answered otherwise")              \
    ROW(arrivals_ended, COUNTER, "", "connections ended before they said anything")      \
    ROW(arrivals, GAUGE, "", "connections that have not said anything yet")              \
    ROW(sessions, GAUGE, "", "sessions open now")                                        \
    ROW(queued, GAUGE, "", "commands proposed and not yet answered")                     \
    ROW(waiting, GAUGE, "", "letters that wait, of each mailbox at most its limit")      \
    ROW(mailboxes_warned, GAUGE, "", "mailboxes above four fifths of a limit")           \
    ROW(mailboxes_full, GAUGE, "", "mailboxes at a limit")                               \
    ROW(tails_bytes, GAUGE, "bytes", "memory held for the newest letters")               \
    ROW(store_used_bytes, GAUGE, "bytes", "pages of the store in use")                   \
    ROW(store_file_bytes, GAUGE, "bytes", "size of the store's file")                    \
    ROW(store_quota_bytes, GAUGE, "bytes", "limit above which publishing is refused")    \
    ROW(disk_free_bytes, GAUGE, "bytes", "room left on the store's disk")                \
    ROW(blocks_erased, COUNTER, "", "blocks of bodies erased by retention")              \
    ROW(letters_moved, COUNTER, "", "waiting letters whose bodies retention kept")       \
    ROW(letters_unread, COUNTER, "", "letters parked because nobody took them")          \
    ROW(mailboxes_unread, GAUGE, "", "mailboxes with a letter older than the warning")   \
    ROW(lapses_warned, COUNTER, "", "integrations told of before they end")              \
    ROW(lapses_ended, COUNTER, "", "integrations told of because they ended")            \
    ROW(lapses_followed, COUNTER, "", "not told of: the person is followed on")          \
    ROW(records_trimmed, COUNTER, "", "journal records erased by retention")             \
    ROW(journal_unexported, GAUGE, "", "1: old records stay until they are exported")    \
    ROW(retention_stuck, GAUGE, "", "1: something damaged is in retention's way")        \
    ROW(person_index_commit, GAUGE, "", "records up to here are in the index by person") \
    ROW(damaged, GAUGE, "", "records and mailboxes found damaged since the start")       \
    ROW(scrub_passes, COUNTER, "", "times that the scrub has read the whole store")      \
    ROW(scrub_bytes, COUNTER, "bytes", "bytes that the scrub has read")                  \
    ROW(scrub_ended_seconds, GAUGE, "s",                                                 \
        "since the scrub's last pass ended, 0: none yet")                                \
    ROW(blocked, GAUGE, "", "1: sources are told to wait: no room, or a slow disk")      \
    ROW(commit_age_ms, GAUGE, "ms", "for how long the batch at work has been at work")   \
    ROW(commit_us_max, GAUGE, "us", "the longest that a batch took since the start")     \
    ROW(draining, GAUGE, "", "1: the broker is stopping")

#endif
