// SPDX-License-Identifier: EUPL-1.2
// pulse.h - when a connection says that it is alive, and when the other side is not.
//
// The owner may have been away for minutes, with frames unread: so only an unanswered
// heartbeat proves silence. Moments are monotonic milliseconds.
#ifndef CLIENT_PULSE_H
#define CLIENT_PULSE_H

#include <stdint.h>

struct vg_pulse {
    int64_t heartbeat_ms; // as the broker's Welcome says
    int64_t sent_at;
    int64_t received_at;
    int64_t heartbeat_at; // the last one sent
    int64_t probed_at;    // the first one since received_at; 0: none
};

// vg_pulse_received: something came.
void vg_pulse_received(struct vg_pulse *pulse, int64_t now_ms);

// vg_pulse_due_at tells when a heartbeat is to be sent.
int64_t vg_pulse_due_at(const struct vg_pulse *pulse);

// vg_pulse_silent_at tells when the other side is given up, VG_NEVER while nothing was asked.
int64_t vg_pulse_silent_at(const struct vg_pulse *pulse);

#endif
