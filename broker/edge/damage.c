// SPDX-License-Identifier: EUPL-1.2
#include "edge/damage.h"

#include "edge/log.h"
#include "edge/scrubber.h"
#include "store/bodies.h"

#include <stdlib.h>
#include <string.h>

struct damages {
    struct damage *damage;
    size_t len;
    size_t size;
    size_t total;
};

// ---- the list ----

struct damages *
damages_new(void)
{
    return xcalloc(1, sizeof(struct damages));
}

void
damages_free(struct damages **damages)
{
    if (*damages != NULL) {
        free((*damages)->damage);
        free(*damages);
        *damages = NULL;
    }
}

static struct damage *
find_known(const struct damages *damages, const struct damage *wanted)
{
    for (size_t i = 0; i < damages->len; i++) {
        struct damage *known = &damages->damage[i];

        if (known->mailbox == wanted->mailbox &&
            (known->mailbox != 0 || strcmp(known->why.text, wanted->why.text) == 0)) {
            return known;
        }
    }
    return NULL;
}

bool
damages_add(struct damages *damages, const struct damage *damage)
{
    struct damage *known = find_known(damages, damage);

    if (known != NULL) {
        if (damage->number >= known->number) {
            return false;
        }
        *known = *damage; // an earlier letter: it stops here already
        return true;
    }
    damages->total++;
    if (damages->len == DAMAGES_MAX) {
        return true;
    }
    if (damages->len == damages->size) {
        damages->size = damages->size * 2 + 16;
        damages->damage =
            realloc(damages->damage, damages->size * sizeof *damages->damage);
        CHECK(damages->damage != NULL);
    }
    damages->damage[damages->len++] = *damage;
    return true;
}

const struct damage *
damages_at(const struct damages *damages, size_t i)
{
    return i < damages->len ? &damages->damage[i] : NULL;
}

const struct damage *
damages_of(const struct damages *damages, uint32_t mailbox)
{
    struct damage wanted = {.mailbox = mailbox};

    return mailbox == 0 ? NULL : find_known(damages, &wanted);
}

size_t
damages_len(const struct damages *damages)
{
    return damages->total;
}

// ---- telling ----

void
damage_found(struct broker *broker, uint32_t mailbox, uint64_t number, const char *words)
{
    struct damage damage = {
        .mailbox = mailbox, .number = number, .found_us = clock_now().us};

    why_set(&damage.why, "%s", words);
    if (damages_add(broker->damages, &damage)) {
        metrics.damaged = damages_len(broker->damages);
        if (mailbox == 0) {
            log_error("damaged", "why=%s", log_quote(words).text);
        } else {
            log_error("mailbox_damaged", "mailbox=%u number=%llu why=%s", mailbox,
                      (unsigned long long)number, log_quote(words).text);
        }
    }
}

void
damage_describe(struct broker *broker, uint32_t mailbox, uint64_t number, struct why *why)
{
    struct txn *txn = broker_txn(broker);
    struct letter letter;
    struct why words;
    size_t len = 0;
    enum vg_status status =
        tails_letters(broker->tails, txn, mailbox, number, &letter, 1, &len);

    if (tails_stopped_at(broker->tails, mailbox) == number) {
        why_set(why, "letter %llu: %.120s", (unsigned long long)number,
                tails_damage(broker->tails));
    } else if (status == VG_STORE_BROKEN) {
        why_set(why, "the row of its letters from %llu on is damaged",
                (unsigned long long)number);
    } else if (status == VG_OK && len > 0 &&
               bodies_check_block(txn, body_block(letter.body), &words) != VG_OK) {
        why_set(why, "letter %llu: %.120s", (unsigned long long)letter.number,
                words.text);
    }
}

// ---- where it comes from ----

void
damage_note_tails(struct broker *broker)
{
    const char *words = tails_damage(broker->tails);
    struct why why;

    for (size_t i = 0; words != NULL && i < roster_mailboxes_len(broker->roster); i++) {
        uint32_t mailbox = roster_mailbox_at(broker->roster, i)->id;
        uint64_t number = tails_stopped_at(broker->tails, mailbox);

        if (number != 0) {
            why_set(&why, "letter %llu: %.120s", (unsigned long long)number, words);
            damage_found(broker, mailbox, number, why.text);
        }
    }
    if (words != NULL) {
        damage_found(broker, 0, 0, words);
    }
}

static void
measure(struct broker *broker)
{
    struct scrubber_state state = scrubber_state(broker->scrubber);

    metrics.scrub_passes = state.passes;
    metrics.scrub_bytes = state.bytes;
    metrics.scrub_ended_seconds =
        state.last_ended_us == 0
            ? 0
            : (uint64_t)(clock_now().us - state.last_ended_us) / 1000000;
}

void
damage_watch(struct broker *broker)
{
    struct scrub_finding finding;

    if (broker->scrubber == NULL) {
        return;
    }
    while (scrubber_take(broker->scrubber, &finding)) {
        if (finding.block != 0) {
            bodies_distrust(broker_txn(broker), finding.block);
        }
        damage_found(broker, finding.mailbox.number, finding.number, finding.why.text);
    }
    measure(broker);
}
