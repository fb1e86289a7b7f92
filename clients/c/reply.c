// SPDX-License-Identifier: EUPL-1.2
#include "reply.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

// What a reply lends: the message itself, and arrays in the public form.
struct answer {
    struct vg_reply reply; // first: the public pointer is ours
    Vigie__V1__Reply *message;
    struct vg_item_result *results;
    struct vg_error *faults;
    struct vg_integration *integrations;
    struct vg_mailbox *mailboxes;
    struct vg_choice *choices;
    struct vg_parked *parked;
    struct vg_source *sources;
    struct vg_holding *holdings;
};

static enum vg_verdict
verdict_of(uint32_t verdict)
{
    return verdict == (uint32_t)VG_YES || verdict == (uint32_t)VG_WARNING
               ? (enum vg_verdict)verdict
               : VG_NO;
}

// An empty list is no lack of memory.
static void *
make_array(size_t len, size_t size)
{
    return calloc(len == 0 ? 1 : len, size);
}

static bool
make_results(struct answer *answer)
{
    const Vigie__V1__Reply *message = answer->message;
    size_t faults_len = 0;
    struct vg_error *fault;

    for (size_t i = 0; i < message->n_results; i++) {
        faults_len += message->results[i]->n_faults;
    }
    answer->results = make_array(message->n_results, sizeof *answer->results);
    answer->faults = make_array(faults_len, sizeof *answer->faults);
    if (answer->results == NULL || answer->faults == NULL) {
        return false;
    }
    fault = answer->faults;
    for (size_t i = 0; i < message->n_results; i++) {
        const Vigie__V1__ItemResult *result = message->results[i];

        answer->results[i] =
            (struct vg_item_result){.verdict = verdict_of(result->verdict),
                                    .end = result->end,
                                    .faults_len = result->n_faults,
                                    .faults = fault,
                                    .overlaps = result->overlaps,
                                    .caught_up = result->caught_up,
                                    .consult = result->consult};
        for (size_t k = 0; k < result->n_faults; k++) {
            vg_fault_read(result->faults[k], fault++);
        }
    }
    answer->reply.results = answer->results;
    answer->reply.results_len = message->n_results;
    return true;
}

static bool
make_integrations(struct answer *answer)
{
    const Vigie__V1__Reply *message = answer->message;

    answer->integrations =
        make_array(message->n_integrations, sizeof *answer->integrations);
    if (answer->integrations == NULL) {
        return false;
    }
    for (size_t i = 0; i < message->n_integrations; i++) {
        const Vigie__V1__Integration *integration = message->integrations[i];

        answer->integrations[i] = (struct vg_integration){
            integration->sector, integration->institution, integration->quality,
            integration->begin,  integration->end,         integration->item,
            integration->niss};
    }
    answer->reply.integrations = answer->integrations;
    answer->reply.integrations_len = message->n_integrations;
    return true;
}

static void
read_choice(const Vigie__V1__Choice *choice, struct vg_choice *ret_choice)
{
    size_t len =
        choice->n_qualities < VG_QUALITIES_MAX ? choice->n_qualities : VG_QUALITIES_MAX;

    ret_choice->flow = choice->flow;
    ret_choice->qualities_len = len;
    for (size_t i = 0; i < len; i++) {
        ret_choice->qualities[i] = choice->qualities[i];
    }
}

static bool
make_mailboxes(struct answer *answer)
{
    const Vigie__V1__Reply *message = answer->message;
    size_t choices_len = 0;
    struct vg_choice *choice;

    for (size_t i = 0; i < message->n_mailboxes; i++) {
        choices_len += message->mailboxes[i]->n_choices;
    }
    answer->mailboxes = make_array(message->n_mailboxes, sizeof *answer->mailboxes);
    answer->choices = make_array(choices_len, sizeof *answer->choices);
    if (answer->mailboxes == NULL || answer->choices == NULL) {
        return false;
    }
    choice = answer->choices;
    for (size_t i = 0; i < message->n_mailboxes; i++) {
        const Vigie__V1__Mailbox *mailbox = message->mailboxes[i];

        answer->mailboxes[i] = (struct vg_mailbox){
            mailbox->mailbox, mailbox->name,      mailbox->last, mailbox->acknowledged,
            mailbox->waiting, mailbox->n_choices, choice,        mailbox->held,
            mailbox->parked};
        for (size_t k = 0; k < mailbox->n_choices; k++) {
            read_choice(mailbox->choices[k], choice++);
        }
    }
    answer->reply.mailboxes = answer->mailboxes;
    answer->reply.mailboxes_len = message->n_mailboxes;
    return true;
}

static bool
make_parked(struct answer *answer)
{
    const Vigie__V1__Reply *message = answer->message;

    answer->parked = make_array(message->n_parked, sizeof *answer->parked);
    if (answer->parked == NULL) {
        return false;
    }
    for (size_t i = 0; i < message->n_parked; i++) {
        const Vigie__V1__ParkedLetter *letter = message->parked[i];
        const Vigie__V1__Content *content = letter->content;
        struct vg_parked *parked = &answer->parked[i];

        *parked = (struct vg_parked){.number = letter->number,
                                     .refusals = letter->refusals,
                                     .since_us = letter->since,
                                     .actor = letter->actor,
                                     .reason = letter->reason,
                                     .flow = ""};
        if (content != NULL) {
            parked->flow = content->flow;
            parked->niss = content->niss;
            parked->enterprise = content->enterprise;
            parked->ticket = content->ticket;
        }
    }
    answer->reply.parked = answer->parked;
    answer->reply.parked_len = message->n_parked;
    return true;
}

static bool
make_sources(struct answer *answer)
{
    const Vigie__V1__Reply *message = answer->message;

    answer->sources = make_array(message->n_sources, sizeof *answer->sources);
    if (answer->sources == NULL) {
        return false;
    }
    for (size_t i = 0; i < message->n_sources; i++) {
        const Vigie__V1__Source *source = message->sources[i];

        answer->sources[i] =
            (struct vg_source){source->institution, source->flow, source->last,
                               source->rhythm_hours, source->late != 0};
    }
    answer->reply.sources = answer->sources;
    answer->reply.sources_len = message->n_sources;
    return true;
}

static bool
make_holdings(struct answer *answer)
{
    const Vigie__V1__Reply *message = answer->message;

    answer->holdings = make_array(message->n_holdings, sizeof *answer->holdings);
    if (answer->holdings == NULL) {
        return false;
    }
    for (size_t i = 0; i < message->n_holdings; i++) {
        const Vigie__V1__Holding *holding = message->holdings[i];
        size_t len = holding->digest.len;

        answer->holdings[i].quality = holding->quality;
        answer->holdings[i].count = holding->count;
        if (len > 0) { // one of another length is filled up, or cut
            memcpy(answer->holdings[i].digest, holding->digest.data,
                   len < VG_DIGEST_BYTES ? len : VG_DIGEST_BYTES);
        }
    }
    answer->reply.holdings = answer->holdings;
    answer->reply.holdings_len = message->n_holdings;
    answer->reply.next = message->next;
    return true;
}

struct vg_reply *
vg_reply_make(Vigie__V1__Reply **message)
{
    struct answer *answer = calloc(1, sizeof *answer);
    struct vg_reply *reply;

    if (answer == NULL) {
        vigie__v1__reply__free_unpacked(*message, NULL);
        *message = NULL;
        return NULL;
    }
    reply = &answer->reply;
    answer->message = *message;
    *message = NULL;
    reply->ticket = answer->message->ticket;
    reply->verdict = verdict_of((uint32_t)answer->message->verdict);
    reply->niss_chain = answer->message->niss_chain;
    reply->niss_chain_len = answer->message->n_niss_chain;
    if (!make_results(answer) || !make_integrations(answer) || !make_mailboxes(answer) ||
        !make_parked(answer) || !make_sources(answer) || !make_holdings(answer)) {
        vg_reply_free(&reply);
    }
    return reply;
}

void
vg_reply_free(struct vg_reply **reply)
{
    struct answer *answer = (struct answer *)*reply;

    if (answer != NULL) {
        vigie__v1__reply__free_unpacked(answer->message, NULL);
        free(answer->results);
        free(answer->faults);
        free(answer->integrations);
        free(answer->mailboxes);
        free(answer->choices);
        free(answer->parked);
        free(answer->sources);
        free(answer->holdings);
        free(answer);
        *reply = NULL;
    }
}
