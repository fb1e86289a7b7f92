// SPDX-License-Identifier: EUPL-1.2
// flight.h - letters of one mailbox that were handed over and are not done with, in order
// of number.
//
// Most come at the end and go at the front; there it costs nothing. Memory: 32 bytes each,
// as many as there were at once. Thread: event loop.
#ifndef FLOW_FLIGHT_H
#define FLOW_FLIGHT_H

#include "base/base.h"

struct in_flight {
    uint64_t number;
    uint64_t bytes_through;
    uint64_t subject;  // letter_subject
    uint32_t size;     // bytes of its body
    bool acknowledged; // done with, while earlier ones are not
    bool waits;        // for a refusal or deferral to be on disk
};

// All zero: nothing is on its way.
struct flight {
    struct in_flight *at;
    size_t first;
    size_t len;
    size_t size;
};

void flight_free(struct flight *flight);

// flight_add copies one in; none with its number may be there. What the others lent is
// void after it, as after flight_remove and flight_pop.
void flight_add(struct flight *flight, const struct in_flight *item);
void flight_remove(struct flight *flight, struct in_flight *item);
void flight_pop(struct flight *flight); // the first

// flight_first lends the first one, flight_find the one with this number, flight_from the
// first with at least it, flight_next the one after an item: NULL, there is none.
struct in_flight *flight_first(const struct flight *flight);
struct in_flight *flight_find(const struct flight *flight, uint64_t number);
struct in_flight *flight_from(const struct flight *flight, uint64_t number);
struct in_flight *flight_next(const struct flight *flight, const struct in_flight *item);

#endif
