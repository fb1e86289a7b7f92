// SPDX-License-Identifier: EUPL-1.2
#include "histogram.h"

// Below HISTOGRAM_FINE each value has its bucket; above, each power of two has
// HISTOGRAM_FINE of them.
static unsigned
bucket_of(uint64_t us)
{
    if (us < HISTOGRAM_FINE) {
        return (unsigned)us;
    }

    unsigned power = 63 - (unsigned)__builtin_clzll(us); // at least 5
    unsigned bucket = (power - 4) * HISTOGRAM_FINE +
                      (unsigned)((us >> (power - 5)) & (HISTOGRAM_FINE - 1));

    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static uint64_t
value_of(unsigned bucket)
{
    if (bucket < HISTOGRAM_FINE) {
        return bucket;
    }

    unsigned power = bucket / HISTOGRAM_FINE + 4;

    return ((uint64_t)HISTOGRAM_FINE + bucket % HISTOGRAM_FINE) << (power - 5);
}

void
histogram_add(struct histogram *histogram, uint64_t us)
{
    histogram->count[bucket_of(us)]++;
    histogram->total++;
    if (us > histogram->max) {
        histogram->max = us;
    }
}

void
histogram_merge(struct histogram *to, const struct histogram *from)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        to->count[i] += from->count[i];
    }
    to->total += from->total;
    if (from->max > to->max) {
        to->max = from->max;
    }
}

uint64_t
histogram_at(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->total);
    uint64_t seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->count[i];
        if (seen > wanted) {
            return value_of(i);
        }
    }
    return histogram->max;
}
