// SPDX-License-Identifier: EUPL-1.2
#include "rules/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Pointers in order. Every thing is an allocation of its own, so that what a question lent
// stays where it is while others come.
struct list {
    void **at;
    size_t len;
    size_t size;
};

// An institution and its mailboxes, the default one first.
struct seat {
    struct institution institution;
    struct list mailboxes;
};

// What a letter asks of a seat, side by side: seats lie far apart.
struct place {
    uint32_t id;
    uint32_t mailboxes_len;
    struct mailbox_spec *first;
    uint32_t
        simple; // the only mailbox, when it wants everything: it need not be asked; or 0
    struct seat *seat;
};

struct roster {
    struct place *places; // by id
    size_t places_len;
    size_t places_size;
    struct list codes;     // the same, by code
    struct list mailboxes; // struct mailbox_spec, by id
    bool merged;           // some institution is part of another one
};

// ---- lists ----

static void
list_insert(struct list *list, size_t index, void *thing)
{
    if (list->len == list->size) {
        list->size = list->size * 2 + 4;
        list->at = realloc(list->at, list->size * sizeof *list->at);
        CHECK(list->at != NULL);
    }
    memmove(list->at + index + 1, list->at + index,
            (list->len - index) * sizeof *list->at);
    list->at[index] = thing;
    list->len++;
}

static void
list_remove(struct list *list, const void *thing)
{
    size_t index = 0;

    while (index < list->len && list->at[index] != thing) {
        index++;
    }
    CHECK(index < list->len);
    list->len--;
    memmove(list->at + index, list->at + index + 1,
            (list->len - index) * sizeof *list->at);
}

// ---- places: where something is, or where it would go ----

// Ids are 1, 2, 3 ... in practice: then the place is known without looking.
static size_t
seat_place(const struct roster *roster, uint32_t id)
{
    size_t low = 0;
    size_t high = roster->places_len;

    if (id >= 1 && id <= high && roster->places[id - 1].id == id) {
        return id - 1;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (roster->places[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int
compare_code(const struct seat *seat, struct bytes code)
{
    size_t len = strnlen(seat->institution.code, INSTITUTION_CODE_LEN);
    size_t shared = len < code.len ? len : code.len;
    int order = shared == 0 ? 0 : memcmp(seat->institution.code, code.at, shared);

    return order != 0 ? order : (len > code.len) - (len < code.len);
}

static size_t
code_place(const struct roster *roster, struct bytes code)
{
    size_t low = 0;
    size_t high = roster->codes.len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_code(roster->codes.at[middle], code) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t
mailbox_place(const struct list *mailboxes, uint32_t id)
{
    size_t low = 0;
    size_t high = mailboxes->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct mailbox_spec *mailbox = mailboxes->at[middle];

        if (mailbox->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// ---- finding ----

static struct place *
find_place(const struct roster *roster, uint32_t id)
{
    size_t place = seat_place(roster, id);

    return place < roster->places_len && roster->places[place].id == id
               ? &roster->places[place]
               : NULL;
}

static struct seat *
find_seat(const struct roster *roster, uint32_t id)
{
    const struct place *place = find_place(roster, id);

    return place == NULL ? NULL : place->seat;
}

static struct mailbox_spec *
find_mailbox(const struct roster *roster, uint32_t id)
{
    size_t place = mailbox_place(&roster->mailboxes, id);
    struct mailbox_spec *mailbox =
        place < roster->mailboxes.len ? roster->mailboxes.at[place] : NULL;

    return mailbox != NULL && mailbox->id == id ? mailbox : NULL;
}

// ---- life ----

struct roster *
roster_new(void)
{
    return xcalloc(1, sizeof(struct roster));
}

void
roster_free(struct roster **roster)
{
    if (*roster == NULL) {
        return;
    }
    for (size_t i = 0; i < (*roster)->places_len; i++) {
        struct seat *seat = (*roster)->places[i].seat;

        free(seat->mailboxes.at);
        free(seat);
    }
    for (size_t i = 0; i < (*roster)->mailboxes.len; i++) {
        free((*roster)->mailboxes.at[i]);
    }
    free((*roster)->places);
    free((*roster)->codes.at);
    free((*roster)->mailboxes.at);
    free(*roster);
    *roster = NULL;
}

struct roster *
roster_copy(const struct roster *roster)
{
    struct roster *copy = roster_new();

    for (size_t i = 0; i < roster->places_len; i++) {
        roster_put(copy, roster_at(roster, i));
    }
    for (size_t i = 0; i < roster->mailboxes.len; i++) {
        roster_put_mailbox(copy, roster->mailboxes.at[i]);
    }
    return copy;
}

// ---- putting ----

static void
put_code(struct roster *roster, struct seat *seat)
{
    struct bytes code = {(const uint8_t *)seat->institution.code,
                         strnlen(seat->institution.code, INSTITUTION_CODE_LEN)};

    list_insert(&roster->codes, code_place(roster, code), seat);
}

static void
put_default_mailbox(struct roster *roster, uint32_t institution)
{
    struct mailbox_spec mailbox = {.id = institution, .institution = institution};

    snprintf(mailbox.name, sizeof mailbox.name, "default");
    roster_put_mailbox(roster, &mailbox);
}

static void
insert_place(struct roster *roster, struct place place)
{
    size_t index = seat_place(roster, place.id);

    if (roster->places_len == roster->places_size) {
        roster->places_size = roster->places_size * 2 + 4;
        roster->places =
            realloc(roster->places, roster->places_size * sizeof *roster->places);
        CHECK(roster->places != NULL);
    }
    memmove(roster->places + index + 1, roster->places + index,
            (roster->places_len - index) * sizeof *roster->places);
    roster->places[index] = place;
    roster->places_len++;
}

static void
note_mailboxes(struct roster *roster, uint32_t institution)
{
    struct place *place = find_place(roster, institution);

    place->mailboxes_len = (uint32_t)place->seat->mailboxes.len;
    place->first = place->mailboxes_len == 0 ? NULL : place->seat->mailboxes.at[0];
    place->simple = place->mailboxes_len == 1 && place->first->choices_len == 0 &&
                            place->first->rules.unwanted_len == 0
                        ? place->first->id
                        : 0;
}

void
roster_put(struct roster *roster, const struct institution *institution)
{
    CHECK(institution->id != 0 && institution->id < MAILBOX_EXTRA_FIRST);

    struct seat *seat = find_seat(roster, institution->id);

    if (seat != NULL) {
        list_remove(&roster->codes, seat);
        seat->institution = *institution;
    } else {
        seat = xcalloc(1, sizeof *seat);
        seat->institution = *institution;
        insert_place(roster, (struct place){.id = institution->id, .seat = seat});
    }
    put_code(roster, seat);
    roster->merged = roster->merged || institution_is_merged(institution);
    if (find_mailbox(roster, institution->id) == NULL) {
        put_default_mailbox(roster, institution->id);
    }
}

// The default mailbox goes first even among those taken over from others.
static void
seat_mailbox(struct seat *seat, struct mailbox_spec *mailbox)
{
    struct list *mailboxes = &seat->mailboxes;
    uint32_t own = seat->institution.id;
    size_t place = 0;

    while (place < mailboxes->len && mailbox->id != own) {
        const struct mailbox_spec *other = mailboxes->at[place];

        if (other->id != own && other->id > mailbox->id) {
            break;
        }
        place++;
    }
    list_insert(mailboxes, place, mailbox);
}

void
roster_put_mailbox(struct roster *roster, const struct mailbox_spec *mailbox)
{
    struct seat *seat = find_seat(roster, mailbox->institution);
    struct mailbox_spec *kept = find_mailbox(roster, mailbox->id);

    CHECK(seat != NULL);
    CHECK(mailbox->choices_len <= CHOICES_MAX);
    if (kept != NULL) {
        list_remove(&find_seat(roster, kept->institution)->mailboxes, kept);
        note_mailboxes(roster, kept->institution);
    } else {
        kept = xcalloc(1, sizeof *kept);
        list_insert(&roster->mailboxes, mailbox_place(&roster->mailboxes, mailbox->id),
                    kept);
    }
    *kept = *mailbox;
    seat_mailbox(seat, kept);
    note_mailboxes(roster, kept->institution);
}

bool
roster_set_limits(struct roster *roster, uint32_t mailbox, const struct limits *limits)
{
    struct mailbox_spec *kept = find_mailbox(roster, mailbox);

    if (kept != NULL) {
        kept->limits = *limits;
    }
    return kept != NULL;
}

bool
roster_set_rules(struct roster *roster, uint32_t mailbox,
                 const struct mailbox_rules *rules)
{
    struct mailbox_spec *kept = find_mailbox(roster, mailbox);

    if (kept != NULL) {
        kept->rules = *rules;
        note_mailboxes(roster, kept->institution);
    }
    return kept != NULL;
}

// ---- questions ----

const struct institution *
roster_institution(const struct roster *roster, uint32_t id)
{
    const struct seat *seat = find_seat(roster, id);

    return seat == NULL ? NULL : &seat->institution;
}

const struct institution *
roster_source(const struct roster *roster, uint32_t id)
{
    static const struct institution itself = {
        .code = BROKER_CODE, .name = "this broker", .sector = SECTOR_VIGIE};

    return id == 0 ? &itself : roster_institution(roster, id);
}

const struct institution *
roster_by_code(const struct roster *roster, struct bytes code)
{
    size_t place = code_place(roster, code);
    const struct seat *seat = place < roster->codes.len ? roster->codes.at[place] : NULL;

    return seat != NULL && compare_code(seat, code) == 0 ? &seat->institution : NULL;
}

size_t
roster_len(const struct roster *roster)
{
    return roster->places_len;
}

const struct institution *
roster_at(const struct roster *roster, size_t index)
{
    const struct seat *seat =
        index < roster->places_len ? roster->places[index].seat : NULL;

    return seat == NULL ? NULL : &seat->institution;
}

const struct mailbox_spec *
roster_mailbox(const struct roster *roster, uint32_t mailbox)
{
    return find_mailbox(roster, mailbox);
}

size_t
roster_mailboxes(const struct roster *roster, uint32_t institution,
                 const struct mailbox_spec *const **ret_mailboxes)
{
    const struct place *place = find_place(roster, institution);

    *ret_mailboxes = NULL;
    if (place == NULL) {
        return 0;
    }
    *ret_mailboxes = place->mailboxes_len == 1
                         ? (const struct mailbox_spec *const *)&place->first
                         : (const struct mailbox_spec *const *)place->seat->mailboxes.at;
    return place->mailboxes_len;
}

uint32_t
roster_simple_mailbox(const struct roster *roster, uint32_t institution)
{
    const struct place *place = find_place(roster, institution);

    return place == NULL ? 0 : place->simple;
}

size_t
roster_mailboxes_len(const struct roster *roster)
{
    return roster->mailboxes.len;
}

const struct mailbox_spec *
roster_mailbox_at(const struct roster *roster, size_t index)
{
    return index < roster->mailboxes.len ? roster->mailboxes.at[index] : NULL;
}

bool
institution_is_merged(const struct institution *institution)
{
    return institution->merges_into != 0 && institution->merges_on == 0;
}

// No circle: one that merges is nobody's aim (flow/merge.h).
uint32_t
roster_successor(const struct roster *roster, uint32_t institution)
{
    const struct seat *seat;

    while (roster->merged && (seat = find_seat(roster, institution)) != NULL &&
           institution_is_merged(&seat->institution)) {
        institution = seat->institution.merges_into;
    }
    return institution;
}

bool
mailbox_wants(const struct mailbox_spec *mailbox, uint16_t flow, uint16_t quality)
{
    if (mailbox->rules.unwanted_len > 0 &&
        rules_decline(&mailbox->rules, flow, quality)) {
        return false;
    }
    if (mailbox->choices_len == 0) {
        return true;
    }
    for (uint16_t i = 0; i < mailbox->choices_len; i++) {
        const struct choice *choice = &mailbox->choices[i];

        if (choice->flow != flow) {
            continue;
        }
        if (quality == 0 || quality >= 64 || (choice->qualities >> quality & 1) != 0) {
            return true;
        }
    }
    return false;
}
