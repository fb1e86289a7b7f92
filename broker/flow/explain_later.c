// SPDX-License-Identifier: EUPL-1.2
// explain_later.c - a ticket that somebody got after its time: caught up with, or again when
// what stood for it was cancelled.
#include "flow/explain_telling.h"

#include "flow/unmerge.h"
#include "store/caught.h"
#include "store/journal_find.h"

// When a request was made, as far as the journal still knows.
static void
print_moment_of(const struct telling *telling, uint64_t ticket)
{
    struct meta meta;
    uint64_t commit = 0;
    int64_t time_us = 0;
    char time[INSTANT_TEXT_LEN];

    if (meta_get(telling->txn, &meta, NULL) == VG_OK &&
        journal_find_commit(telling->txn, &meta, ticket, &commit, NULL) == VG_OK &&
        journal_time(telling->txn, commit, &time_us) == VG_OK) {
        instant_print((struct instant){time_us}, time);
        buffer_print(telling->text, " at %s", time);
    }
}

static const char *
word_of_because(const struct telling *telling, uint64_t ticket)
{
    return unmerge_led_to(telling->txn, ticket)
               ? "cancelled the later one that stood for it"
               : "extended or opened its integration";
}

struct later {
    const struct telling *telling;
    uint32_t mailbox; // that is looked for; 0: all are told
    size_t found;
};

static bool
tell_later(uint64_t ticket, struct mailbox_id mailbox, const struct caught_row *row,
           void *arg)
{
    struct later *later = arg;
    const struct telling *telling = later->telling;

    if (ticket != telling->past.event.ticket) {
        return false;
    }
    if (later->mailbox != 0) {
        later->found += later->mailbox == mailbox.number;
        return true;
    }
    if (!telling_includes(telling, row->institution)) {
        return true;
    }
    later->found++;
    buffer_print(telling->text, "\n");
    telling_institution(telling, row->institution);
    buffer_print(telling->text, ": got it later, in mailbox %s, as ticket %llu\n",
                 telling_mailbox(telling, mailbox.number),
                 (unsigned long long)row->ticket);
    buffer_print(telling->text, "  because ticket %llu %s",
                 (unsigned long long)row->request,
                 word_of_because(telling, row->request));
    print_moment_of(telling, row->request);
    buffer_print(telling->text, "\n  ");
    telling_ground(telling, row->institution, row->quality, row->begin, row->end);
    buffer_print(telling->text, "\n");
    return true;
}

// Those who got it after its time; gives how many were told of.
size_t
telling_later(const struct telling *telling)
{
    struct later later = {telling, 0, 0};

    if (caught_each(telling->txn, telling->past.event.ticket, tell_later, &later) !=
        VG_OK) {
        buffer_print(telling->text, "\nwho got it later cannot be read\n");
    }
    return later.found;
}

bool
telling_got_later(const struct telling *telling, uint32_t mailbox)
{
    struct later later = {telling, mailbox, 0};

    return caught_each(telling->txn, telling->past.event.ticket, tell_later, &later) ==
               VG_OK &&
           later.found > 0;
}

// A letter with an event of its own: the mutation has another ticket.
void
telling_again(const struct telling *telling)
{
    const struct journal_event *event = &telling->past.event;

    buffer_print(telling->text, "ticket %llu: the letter that brought ticket %llu to ",
                 (unsigned long long)event->ticket, (unsigned long long)event->number);
    buffer_print(telling->text, "%s",
                 telling->past.recipients_len == 0
                     ? "nobody"
                     : telling_code(telling, telling->past.recipients[0].institution));
    if (event->again == AGAIN_CAUGHT) {
        buffer_print(telling->text, " after its time\n  because ticket %llu %s",
                     (unsigned long long)journal_event_because(event),
                     word_of_because(telling, journal_event_because(event)));
        print_moment_of(telling, journal_event_because(event));
    } else {
        buffer_print(telling->text, ", of which an institution that got it is part now");
    }
    buffer_print(telling->text, "\nAsk about ticket %llu for the mutation itself.\n",
                 (unsigned long long)event->number);
}
