// SPDX-License-Identifier: EUPL-1.2
#include "pulse.h"

#include "clock.h"

enum { SILENT_HEARTBEATS = 3 };

void
vg_pulse_received(struct vg_pulse *pulse, int64_t now_ms)
{
    pulse->received_at = now_ms;
    pulse->probed_at = 0;
}

// One is due when nothing was sent for a while, and also when nothing came back.
int64_t
vg_pulse_due_at(const struct vg_pulse *pulse)
{
    int64_t quiet = pulse->sent_at + pulse->heartbeat_ms;
    int64_t deaf = pulse->received_at > pulse->heartbeat_at
                       ? pulse->received_at + pulse->heartbeat_ms
                       : pulse->heartbeat_at + pulse->heartbeat_ms;

    return quiet < deaf ? quiet : deaf;
}

int64_t
vg_pulse_silent_at(const struct vg_pulse *pulse)
{
    int64_t by_silence = pulse->received_at + SILENT_HEARTBEATS * pulse->heartbeat_ms;
    int64_t by_probe = pulse->probed_at + (SILENT_HEARTBEATS - 1) * pulse->heartbeat_ms;

    if (pulse->probed_at == 0) {
        return VG_NEVER;
    }
    return by_silence > by_probe ? by_silence : by_probe;
}
