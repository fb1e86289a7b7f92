// SPDX-License-Identifier: EUPL-1.2
// histogram.h - latencies in microseconds, exact to one part in thirty-two, in 10 KB.
//
// Debian 12 has no C histogram library; this is the usual log-linear one. A struct may lie in
// shared memory and be written by one process while another reads.
#ifndef CLI_HISTOGRAM_H
#define CLI_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_FINE = 32, HISTOGRAM_BUCKETS = 40 * HISTOGRAM_FINE };

struct histogram {
    uint64_t count[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max;
};

void histogram_add(struct histogram *histogram, uint64_t us);
void histogram_merge(struct histogram *to, const struct histogram *from);
// histogram_at gives the value that a share (0 to 1) of all lies below.
uint64_t histogram_at(const struct histogram *histogram, double share);

#endif
