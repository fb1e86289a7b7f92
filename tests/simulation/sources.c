// SPDX-License-Identifier: EUPL-1.2
#include "sources.h"

#include "say.h"

#include <string.h>

enum { PUBLISH_BYTES_MAX = 512 << 10, HEARTBEAT_ONE_IN = 8 };

void
sources_add(struct sources *sources, uint32_t institution, uint32_t producer)
{
    CHECK(sources->len < SOURCES_MAX);
    sources->source[sources->len++] = (struct source){
        .institution = institution, .producer = producer, .first = 1, .next = 1};
}

void
sources_report(struct sources *sources, size_t i, struct deed deed)
{
    struct source *source = &sources->source[i];
    struct deed *kept;

    if (source->len == UNANSWERED_MAX || source->asks) {
        return;
    }
    kept = model_deed(sources->model);
    deed.id = kept->id;
    *kept = deed;
    source->unanswered[source->len++] = deed.id;
    source->next++;
}

void
sources_forget(struct sources *sources, size_t i)
{
    sources->source[i].asks = true;
    sources->source[i].len = 0;
    sources_hang_up(sources, i);
}

void
sources_hang_up(struct sources *sources, size_t i)
{
    network_hang_up(sources->network, sources->source[i].connection);
    sources->source[i].connection = 0;
}

bool
sources_are_busy(const struct sources *sources)
{
    for (size_t i = 0; i < sources->len; i++) {
        if (sources->source[i].len > 0 || sources->source[i].asks) {
            return true;
        }
    }
    return false;
}

// ---- out ----

static bool
reconnect(struct sources *sources, struct source *source)
{
    const struct model_key *key;
    struct buffer hello;

    if (network_is_up(sources->network, source->connection)) {
        return true;
    }
    network_hang_up(sources->network, source->connection);
    key = model_valid_key(sources->model, source->institution, ROLE_SOURCE);
    source->connection =
        key == NULL ? 0 : network_connect(sources->network, STAGE_SOURCES, key->key);
    if (source->connection == 0) {
        return false;
    }
    hello = say_hello();
    network_send(sources->network, source->connection, &hello);
    return true;
}

// As many as fit into a frame that the broker takes.
static struct buffer
write_publish(const struct sources *sources, const struct source *source, size_t from,
              size_t len)
{
    struct buffer frame = {0};

    buffer_reserve(&frame, HOT_HEAD_MAX);
    frame.len = HOT_HEAD_MAX;
    for (size_t i = from; i < from + len && frame.len < PUBLISH_BYTES_MAX; i++) {
        deed_write(&sources->model->deeds[source->unanswered[i] - 1], &frame);
    }
    say_publish(&frame, source->producer, source->first + from);
    return frame;
}

// Mostly from the first unanswered one on; sometimes as if an earlier frame were under way.
void
sources_publish(struct sources *sources, size_t i)
{
    struct source *source = &sources->source[i];
    struct buffer frame;
    size_t from = 0;

    if ((source->len == 0 && !source->asks) || !reconnect(sources, source) ||
        !network_has_room(sources->network, source->connection)) {
        return;
    }
    if (source->asks) {
        frame = say_last_number(source->producer);
    } else if (dice_one_in(sources->dice, HEARTBEAT_ONE_IN)) {
        frame = say_heartbeat(dice_roll(sources->dice));
    } else {
        if (dice_one_in(sources->dice, 4)) {
            from = dice_below(sources->dice, (uint32_t)source->len);
        }
        frame =
            write_publish(sources, source, from,
                          1 + dice_below(sources->dice, (uint32_t)(source->len - from)));
    }
    network_send(sources->network, source->connection, &frame);
}

// ---- in ----

static bool
is_told_moved(const struct sources *sources, const struct source *source,
              const Vigie__V1__Fault *fault)
{
    if (fault->status != VG_MOVED) {
        return false;
    }
    if (!model_names_successor(sources->model, source->institution, fault->sentence)) {
        broken("a source of institution %u is told to go elsewhere: %s",
               source->institution, fault->sentence);
    }
    return true;
}

// What a source is told must be true, now and for ever.
static void
check_published(const struct sources *sources, const struct source *source,
                const Vigie__V1__Published *published)
{
    const struct model_producer *producer =
        &sources->model->producers[source->institution][source->producer];
    size_t next = 0;

    for (uint64_t n = published->first_number; n <= published->through; n++) {
        enum vg_status told = VG_OK;
        enum vg_status true_one;

        if (next < published->n_results && published->results[next]->number == n) {
            told = (enum vg_status)published->results[next++]->fault->status;
        }
        if (n > producer->len) {
            broken("institution %u is told of number %llu, which is not on the disk",
                   source->institution, (unsigned long long)n);
        }
        true_one = producer->outcomes[n - 1].status;
        if (true_one != (told == VG_REPEATED ? VG_OK : told)) {
            broken("institution %u, number %llu: told %s, was %s", source->institution,
                   (unsigned long long)n, vg_status_name(told), vg_status_name(true_one));
        }
    }
    // One more says why the rest was not taken.
    if (next < published->n_results &&
        published->results[next]->number > published->through) {
        const Vigie__V1__Fault *fault = published->results[next++]->fault;
        enum vg_status rest = (enum vg_status)fault->status;

        if (rest != VG_GAP && rest != VG_STORE_FULL &&
            !is_told_moved(sources, source, fault)) {
            broken("institution %u is told %s of a whole Publish", source->institution,
                   vg_status_name(rest));
        }
    }
    if (next != published->n_results || published->producer != source->producer) {
        broken("institution %u is answered for numbers or a producer it did not name",
               source->institution);
    }
}

static void
take_published(struct source *source, const Vigie__V1__Published *published)
{
    size_t answered = 0;

    while (answered < source->len && source->first + answered <= published->through) {
        answered++;
    }
    source->len -= answered;
    source->first += answered;
    memmove(source->unanswered, source->unanswered + answered,
            source->len * sizeof *source->unanswered);
}

// One that comes late, of a question before another one, may be below the true number.
static void
take_last_number(struct source *source, const Vigie__V1__LastNumberIs *is)
{
    if (source->asks) {
        source->asks = false;
        source->first = source->next = is->number + 1;
    }
}

// ---- its institution is part of another one ----

static bool
is_free(const struct sources *sources, uint32_t institution, uint32_t producer)
{
    for (size_t i = 0; i < sources->len; i++) {
        if (sources->source[i].institution == institution &&
            sources->source[i].producer == producer) {
            return false;
        }
    }
    return sources->model->producers[institution][producer].len == 0;
}

// What was not answered is sent anew.
static void
move(struct sources *sources, size_t i)
{
    struct source *source = &sources->source[i];
    uint32_t institution = model_successor(sources->model, source->institution);
    uint32_t producer = 1;

    while (producer < PRODUCERS_MAX && !is_free(sources, institution, producer)) {
        producer++;
    }
    CHECK(producer < PRODUCERS_MAX);
    sources_hang_up(sources, i);
    source->institution = institution;
    source->producer = producer;
    source->first = 1;
    source->next = 1 + source->len;
    source->asks = false;
}

static bool
sends_away(const Vigie__V1__Published *published)
{
    return published->n_results > 0 &&
           published->results[published->n_results - 1]->fault->status == VG_MOVED;
}

static void
hear(struct sources *sources, size_t i, const Vigie__V1__ToClient *message)
{
    struct source *source = &sources->source[i];

    switch (message->message_case) {
    case VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED:
        check_published(sources, source, message->published);
        take_published(source, message->published);
        if (sends_away(message->published)) {
            move(sources, i);
        }
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED:
        if (is_told_moved(sources, source, message->refused->fault)) {
            move(sources, i);
        }
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_LAST_NUMBER_IS:
        take_last_number(source, message->last_number_is);
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE:
        sources_hang_up(sources, i);
        break;
    default:
        break;
    }
}

bool
sources_hear(struct sources *sources, uint64_t connection, struct bytes frame)
{
    Vigie__V1__ToClient *message;
    size_t i = 0;

    while (i < sources->len && sources->source[i].connection != connection) {
        i++;
    }
    if (i == sources->len) {
        return false;
    }
    message = vigie__v1__to_client__unpack(NULL, frame.len, frame.at);
    if (message == NULL) {
        broken("a frame to institution %u cannot be read",
               sources->source[i].institution);
    }
    hear(sources, i, message);
    vigie__v1__to_client__free_unpacked(message, NULL);
    return true;
}
