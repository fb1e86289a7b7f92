// SPDX-License-Identifier: EUPL-1.2
// http_integrations.c - how many integrations somebody holds in each quality, and their digest.
#include "edge/http_inside.h"

#include "edge/walks.h"

#include <stdlib.h>
#include <string.h>

struct counting {
    struct walk *walk;
    json_t *object; // of the answer
};

static void
counting_free(struct broker *broker, struct counting **counting)
{
    walk_end(broker, &(*counting)->walk);
    json_decref((*counting)->object);
    free(*counting);
    *counting = NULL;
}

static void
abandon(struct call *call)
{
    struct counting *counting = call->looking;

    counting_free(call->broker, &counting);
}

static int
compare_sums(const void *a, const void *b)
{
    const struct holdings_sum *one = a, *other = b;

    if (one->institution != other->institution) {
        return one->institution < other->institution ? -1 : 1;
    }
    return (int)one->quality - (int)other->quality;
}

static json_t *
sum_json(const struct broker *broker, const struct holdings_sum *sum)
{
    const struct institution *holder =
        roster_institution(broker->roster, sum->institution);
    char digest[DIGEST_TEXT_LEN];
    char quality[QUALITY_TEXT_LEN];

    digest_print(&sum->digest, digest);
    quality_print(sum->quality, quality);
    return json_pack("{s:o, s:o, s:I, s:s}", "institution",
                     holder == NULL ? json_null() : json_string(holder->code), "quality",
                     sum->quality == 0 ? json_null() : json_string(quality),
                     "integrations", (json_int_t)sum->digest.count, "digest", digest);
}

static json_t *
sums_json(const struct broker *broker, const struct holdings *holdings)
{
    json_t *list = json_array();
    size_t len = 0;
    const struct holdings_sum *sums = holdings_sums(holdings, &len);
    struct holdings_sum *sorted = xcalloc(len + 1, sizeof *sorted);

    for (size_t i = 0; i < len; i++) {
        sorted[i] = sums[i];
    }
    qsort(sorted, len, sizeof *sorted, compare_sums);
    for (size_t i = 0; i < len; i++) {
        json_array_append_new(list, sum_json(broker, &sorted[i]));
    }
    free(sorted);
    return list;
}

static void
counted(struct broker *broker, struct walk *walk)
{
    struct call *call = walk->context;
    struct counting *counting = call->looking;

    call_found(call);
    if (walk->status == VG_OK) {
        json_object_set_new(counting->object, "integrations",
                            sums_json(broker, walk->holdings));
        call_answer(call, json_incref(counting->object));
    } else {
        call_refuse(call, walk->status, "%s", vg_status_sentence(walk->status));
    }
    counting_free(broker, &counting);
}

static bool
goes_on(struct walk *walk)
{
    return call_goes_on(walk->context);
}

void
call_count(struct call *call, const struct holdings_question *question, json_t **object)
{
    struct counting *counting;
    struct walk *walk = walks_begin(
        call->broker,
        &(struct walk){
            .whole = true, .done = counted, .goes_on = goes_on, .context = call},
        question);

    if (walk == NULL) {
        json_decref(*object);
        *object = NULL;
        call_refuse(call, VG_BUSY, "%d walks over the directory are under way",
                    WALKS_MAX);
        return;
    }
    counting = xcalloc(1, sizeof *counting);
    counting->walk = walk;
    counting->object = *object;
    *object = NULL;
    call_look(call, counting, abandon);
}

// ---- GET /v1/institutions/CODE/integrations, /v1/sectors/NAME/integrations ----

static bool
read_since(struct call *call, struct holdings_question *question)
{
    const char *text = call_question(call, "since");
    struct why why = {0};

    *question = (struct holdings_question){.since = DAY_EVER, .through = {UINT64_MAX}};
    if (text != NULL && day_parse(text, strlen(text), &question->since, &why) != VG_OK) {
        call_refuse(call, VG_BAD_DATE, "since: %s", why.text);
        return false;
    }
    return true;
}

void
get_institution_integrations(struct call *call)
{
    struct broker *broker = call->broker;
    const struct institution *institution =
        roster_by_code(broker->roster, bytes_of(call->object));
    struct holdings_question question;
    json_t *object;

    if (institution == NULL) {
        call_refuse(call, VG_NOT_FOUND, "institution %s is not registered", call->object);
        return;
    }
    if (!read_since(call, &question)) {
        return;
    }
    question.institutions[question.institutions_len++] =
        roster_successor(broker->roster, institution->id);
    object = json_object();
    call_count(call, &question, &object);
}

void
get_sector_integrations(struct call *call)
{
    struct broker *broker = call->broker;
    const struct sector *sector =
        broker->catalogue == NULL
            ? NULL
            : catalogue_sector_by_name(broker->catalogue, call->object);
    struct holdings_question question;
    json_t *object;

    if (sector == NULL) {
        call_refuse(call, VG_NOT_FOUND, "the catalogue has no sector \"%s\"",
                    call->object);
        return;
    }
    if (!read_since(call, &question)) {
        return;
    }
    question.sector = sector->number;
    object = json_object();
    call_count(call, &question, &object);
}
