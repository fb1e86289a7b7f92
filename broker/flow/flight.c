// SPDX-License-Identifier: EUPL-1.2
#include "flow/flight.h"

#include <stdlib.h>
#include <string.h>

void
flight_free(struct flight *flight)
{
    free(flight->at);
    *flight = (struct flight){0};
}

static struct in_flight *
end_of(const struct flight *flight)
{
    return flight->at + flight->first + flight->len;
}

// ---- in and out ----

// Half of the queue is free at its front, or it must grow.
static void
make_room(struct flight *flight)
{
    if (flight->first + flight->len < flight->size) {
        return;
    }
    if (flight->first > flight->len) {
        memmove(flight->at, flight->at + flight->first, flight->len * sizeof *flight->at);
        flight->first = 0;
        return;
    }
    flight->size = flight->size * 2 + 64;
    flight->at = realloc(flight->at, flight->size * sizeof *flight->at);
    CHECK(flight->at != NULL);
}

void
flight_add(struct flight *flight, const struct in_flight *item)
{
    struct in_flight *place;

    make_room(flight);
    place = end_of(flight);
    if (flight->len > 0 && place[-1].number >= item->number) {
        place = flight_from(flight, item->number);
        CHECK(place->number != item->number);
        memmove(place + 1, place, (size_t)(end_of(flight) - place) * sizeof *place);
    }
    *place = *item;
    flight->len++;
}

void
flight_remove(struct flight *flight, struct in_flight *item)
{
    size_t after = (size_t)(end_of(flight) - item) - 1;

    memmove(item, item + 1, after * sizeof *item);
    flight->len--;
}

void
flight_pop(struct flight *flight)
{
    CHECK(flight->len > 0);
    flight->first = flight->len == 1 ? 0 : flight->first + 1;
    flight->len--;
}

// ---- questions ----

struct in_flight *
flight_first(const struct flight *flight)
{
    return flight->len == 0 ? NULL : &flight->at[flight->first];
}

struct in_flight *
flight_from(const struct flight *flight, uint64_t number)
{
    size_t low = flight->first, high = flight->first + flight->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (flight->at[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < flight->first + flight->len ? &flight->at[low] : NULL;
}

struct in_flight *
flight_find(const struct flight *flight, uint64_t number)
{
    struct in_flight *item = flight_from(flight, number);

    return item != NULL && item->number == number ? item : NULL;
}

struct in_flight *
flight_next(const struct flight *flight, const struct in_flight *item)
{
    struct in_flight *next = flight->at + (item - flight->at) + 1;

    return next < end_of(flight) ? next : NULL;
}
