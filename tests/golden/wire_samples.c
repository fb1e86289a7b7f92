// SPDX-License-Identifier: EUPL-1.2
#include "wire_samples.h"

#include <stdlib.h>
#include <string.h>

// Fictitious persons (month + 60).
#define PERSON UINT64_C(85631500129)
#define OTHER_PERSON UINT64_C(1723199782)
#define NEW_NUMBER UINT64_C(50610103653)

#define MOMENT UINT64_C(1795167000123456)

struct list {
    struct sample *samples;
    size_t len;
};

// A message of this type that lives as long as the test.
#define NEW(Type, type)                                                                  \
    ((Vigie__V1__##Type *)fresh(sizeof(Vigie__V1__##Type),                               \
                                &vigie__v1__##type##__descriptor))

static void *
fresh(size_t size, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = calloc(1, size);

    if (message == NULL) {
        abort();
    }
    protobuf_c_message_init(type, message);
    return message;
}

// A list of one, as protobuf-c wants it.
static void *
only(void *message)
{
    void **list = calloc(1, sizeof(void *));

    if (list == NULL) {
        abort();
    }
    list[0] = message;
    return list;
}

static void
add(struct list *list, const char *name, void *message)
{
    list->samples[list->len++] = (struct sample){name, message};
}

static Vigie__V1__ToBroker *
to_broker(struct list *list, const char *name, Vigie__V1__ToBroker__MessageCase kind)
{
    Vigie__V1__ToBroker *frame = NEW(ToBroker, to_broker);

    frame->message_case = kind;
    add(list, name, frame);
    return frame;
}

static Vigie__V1__ToClient *
to_client(struct list *list, const char *name, Vigie__V1__ToClient__MessageCase kind)
{
    Vigie__V1__ToClient *frame = NEW(ToClient, to_client);

    frame->message_case = kind;
    add(list, name, frame);
    return frame;
}

static Vigie__V1__Field *
field(char *code, char *value)
{
    Vigie__V1__Field *one = NEW(Field, field);

    one->code = code;
    one->value = value;
    return one;
}

static Vigie__V1__Fault *
fault(void)
{
    Vigie__V1__Fault *one = NEW(Fault, fault);

    one->status = 9;
    one->name = "BAD_NISS";
    one->remedy = 1;
    one->sentence = "niss: 85********* has wrong check digits";
    return one;
}

static Vigie__V1__Proof *
proof(void)
{
    Vigie__V1__Proof *one = NEW(Proof, proof);

    one->identity_card = "591234567890";
    one->social_card = "1234567890";
    one->last_name = "Voorbeeld";
    one->first_name = "Zoë";
    one->birth_date = 19850000;
    return one;
}

// ---- to the broker ----

static void
add_greetings(struct list *list)
{
    Vigie__V1__ToBroker *frame;

    frame = to_broker(list, "to_broker_hello", VIGIE__V1__TO_BROKER__MESSAGE_HELLO);
    frame->hello = NEW(Hello, hello);
    frame->hello->version = 1;
    frame->hello->client = "vigie-c 0.1";
    frame =
        to_broker(list, "to_broker_heartbeat", VIGIE__V1__TO_BROKER__MESSAGE_HEARTBEAT);
    frame->heartbeat = NEW(Heartbeat, heartbeat);
    frame->heartbeat->echo = UINT64_C(0x0123456789abcdef);
    frame = to_broker(list, "to_broker_last_number",
                      VIGIE__V1__TO_BROKER__MESSAGE_LAST_NUMBER);
    frame->last_number = NEW(LastNumber, last_number);
    frame->last_number->producer = 7;
}

static Vigie__V1__Mutation *
mutation(void)
{
    Vigie__V1__Mutation *one = NEW(Mutation, mutation);

    one->flow = "notifyPerson";
    one->niss = PERSON;
    one->n_fields = 2;
    one->fields = calloc(2, sizeof(*one->fields));
    if (one->fields == NULL) {
        abort();
    }
    one->fields[0] = field("020", "Kerkstraat 1, 9999 Voorbeeldgem");
    one->fields[1] = field("H205", "");
    one->occurred = 20261120;
    one->period_begin = 20260101;
    one->period_end = 20261231;
    one->id = "rn-2026-000001";
    one->recipient = "ocmw-99999";
    one->replaces = "rn-2025-000001";
    one->cancels = "rn-2024-000001";
    one->new_niss = NEW_NUMBER;
    one->enterprise = 1999999943;
    one->reference_year = 2027;
    return one;
}

static void
add_hot_frames(struct list *list)
{
    static uint64_t also[] = {42, UINT64_MAX};
    Vigie__V1__ToBroker *frame;

    frame = to_broker(list, "to_broker_publish", VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH);
    frame->publish = NEW(Publish, publish);
    frame->publish->producer = 7;
    frame->publish->first_number = 1001;
    frame->publish->n_mutations = 1;
    frame->publish->mutations = only(mutation());
    frame = to_broker(list, "to_broker_publish_answer",
                      VIGIE__V1__TO_BROKER__MESSAGE_PUBLISH);
    frame->publish = NEW(Publish, publish);
    frame->publish->producer = 7;
    frame->publish->first_number = 1002;
    frame->publish->n_mutations = 1;
    frame->publish->mutations = only(mutation());
    frame->publish->mutations[0]->answers = "123456789";
    frame = to_broker(list, "to_broker_acknowledge",
                      VIGIE__V1__TO_BROKER__MESSAGE_ACKNOWLEDGE);
    frame->acknowledge = NEW(Acknowledge, acknowledge);
    frame->acknowledge->mailbox = 3;
    frame->acknowledge->through = 40;
    frame->acknowledge->n_also = 2;
    frame->acknowledge->also = also;
}

static void
add_subscriptions(struct list *list)
{
    Vigie__V1__ToBroker *frame;

    frame =
        to_broker(list, "to_broker_subscribe", VIGIE__V1__TO_BROKER__MESSAGE_SUBSCRIBE);
    frame->subscribe = NEW(Subscribe, subscribe);
    frame->subscribe->mailbox = 3;
    frame->subscribe->window_messages = 1000;
    frame->subscribe->window_bytes = 1 << 20;
    frame = to_broker(list, "to_broker_unsubscribe",
                      VIGIE__V1__TO_BROKER__MESSAGE_UNSUBSCRIBE);
    frame->unsubscribe = NEW(Unsubscribe, unsubscribe);
    frame->unsubscribe->mailbox = 3;
    frame = to_broker(list, "to_broker_rewind", VIGIE__V1__TO_BROKER__MESSAGE_REWIND);
    frame->rewind = NEW(Rewind, rewind);
    frame->rewind->mailbox = 3;
    frame->rewind->number = 1000001;
    frame->rewind->time = UINT64_C(1763629200123456);
}

static Vigie__V1__Request *
request(struct list *list, const char *name, Vigie__V1__Request__RequestCase kind)
{
    Vigie__V1__ToBroker *frame =
        to_broker(list, name, VIGIE__V1__TO_BROKER__MESSAGE_REQUEST);

    frame->request = NEW(Request, request);
    frame->request->id = 99;
    frame->request->request_case = kind;
    return frame->request;
}

static void
add_directory_requests(struct list *list)
{
    Vigie__V1__IntegrateItem *item = NEW(IntegrateItem, integrate_item);
    Vigie__V1__Request *one;

    item->niss = PERSON;
    item->quality = 2;
    item->begin = 20260101;
    item->end = 20261231;
    item->proof = proof();
    one = request(list, "to_broker_integrate", VIGIE__V1__REQUEST__REQUEST_INTEGRATE);
    one->integrate = NEW(Integrate, integrate);
    one->integrate->n_items = 1;
    one->integrate->items = only(item);
    one->integrate->institution = "ocmw-99999";
    one =
        request(list, "to_broker_integrate_bulk", VIGIE__V1__REQUEST__REQUEST_INTEGRATE);
    item = NEW(IntegrateItem, integrate_item);
    item->niss = OTHER_PERSON;
    item->institution = "ocmw-99998";
    one->integrate = NEW(Integrate, integrate);
    one->integrate->n_items = 1;
    one->integrate->items = only(item);
    one = request(list, "to_broker_remove", VIGIE__V1__REQUEST__REQUEST_REMOVE);
    one->remove = NEW(Remove, remove);
    one->remove->niss = OTHER_PERSON;
    one->remove->quality = 2;
    one->remove->begin = 20260601;
    one->remove->end = 20260630;
    one->remove->institution = "ocmw-99999";
    one = request(list, "to_broker_consult", VIGIE__V1__REQUEST__REQUEST_CONSULT);
    one->consult = NEW(Consult, consult);
    one->consult->niss = PERSON;
    one->consult->proof = proof();
    one->consult->level = VIGIE__V1__CONSULT__LEVEL__SECONDARY;
    one = request(list, "to_broker_history", VIGIE__V1__REQUEST__REQUEST_HISTORY);
    one->history = NEW(History, history);
    one->history->niss = PERSON;
}

// Asked and answered.
static void
add_catch_up(struct list *list)
{
    Vigie__V1__IntegrateItem *item = NEW(IntegrateItem, integrate_item);
    Vigie__V1__ItemResult *result = NEW(ItemResult, item_result);
    Vigie__V1__Request *one = request(list, "to_broker_integrate_catch_up",
                                      VIGIE__V1__REQUEST__REQUEST_INTEGRATE);
    Vigie__V1__ToClient *frame =
        to_client(list, "to_client_reply_catch_up", VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);

    item->niss = PERSON;
    item->quality = 1;
    item->begin = 20261101;
    item->catch_up = 1;
    one->integrate = NEW(Integrate, integrate);
    one->integrate->n_items = 1;
    one->integrate->items = only(item);
    result->end = 20261231;
    result->caught_up = 3;
    result->consult = 2;
    frame->reply = NEW(Reply, reply);
    frame->reply->id = 101;
    frame->reply->n_results = 1;
    frame->reply->results = only(result);
}

static Vigie__V1__Choice *
choice(void)
{
    static uint32_t qualities[] = {1, 300};
    Vigie__V1__Choice *one = NEW(Choice, choice);

    one->flow = "notifyPerson";
    one->n_qualities = 2;
    one->qualities = qualities;
    return one;
}

static void
add_mailbox_requests(struct list *list)
{
    Vigie__V1__Request *one;

    one = request(list, "to_broker_add_mailbox", VIGIE__V1__REQUEST__REQUEST_ADD_MAILBOX);
    one->add_mailbox = NEW(AddMailbox, add_mailbox);
    one->add_mailbox->name = "addresses";
    one->add_mailbox->n_choices = 1;
    one->add_mailbox->choices = only(choice());
    one = request(list, "to_broker_list_mailboxes",
                  VIGIE__V1__REQUEST__REQUEST_LIST_MAILBOXES);
    one->list_mailboxes = NEW(ListMailboxes, list_mailboxes);
}

static void
add_sources(struct list *list)
{
    Vigie__V1__Source *source = NEW(Source, source);
    Vigie__V1__Request *one =
        request(list, "to_broker_list_sources", VIGIE__V1__REQUEST__REQUEST_LIST_SOURCES);
    Vigie__V1__ToClient *frame =
        to_client(list, "to_client_reply_sources", VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);

    one->list_sources = NEW(ListSources, list_sources);
    frame->reply = NEW(Reply, reply);
    frame->reply->id = 100;
    frame->reply->n_sources = 1;
    frame->reply->sources = only(source);
    source->institution = "RN";
    source->flow = "notifyPerson";
    source->last = MOMENT;
    source->rhythm_hours = 96;
    source->late = 1;
}

static void
add_holdings(struct list *list)
{
    static uint8_t digest[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    Vigie__V1__Holding *holding = NEW(Holding, holding);
    Vigie__V1__Integration *row = NEW(Integration, integration);
    Vigie__V1__Request *one = request(list, "to_broker_list_integrations",
                                      VIGIE__V1__REQUEST__REQUEST_LIST_INTEGRATIONS);
    Vigie__V1__ToClient *frame =
        to_client(list, "to_client_reply_holdings", VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);

    one->list_integrations = NEW(ListIntegrations, list_integrations);
    one->list_integrations->institution = "CPAS-21004";
    one->list_integrations->sector = 17;
    one->list_integrations->quality = 30;
    one->list_integrations->since = 20260101;
    one->list_integrations->from = 66641066692;
    one->list_integrations->through = 66641099999;
    one->list_integrations->max = 1000;
    one->list_integrations->rows = 1;
    frame->reply = NEW(Reply, reply);
    frame->reply->id = 101;
    frame->reply->ticket = 4711;
    frame->reply->n_holdings = 1;
    frame->reply->holdings = only(holding);
    frame->reply->n_integrations = 1;
    frame->reply->integrations = only(row);
    frame->reply->next = 66641066693;
    holding->quality = 30;
    holding->count = 1;
    holding->digest = (ProtobufCBinaryData){sizeof digest, digest};
    row->sector = 17;
    row->institution = "CPAS-21004";
    row->quality = 30;
    row->begin = 20261120;
    row->end = 99991231;
    row->niss = 66641066692;
}

// A letter that cannot be taken, and what is done with those that were parked.
static void
add_held_requests(struct list *list)
{
    static uint64_t numbers[] = {41, 42};
    Vigie__V1__Request *one;
    Vigie__V1__ToBroker *frame =
        to_broker(list, "to_broker_refuse", VIGIE__V1__TO_BROKER__MESSAGE_REFUSE);

    frame->refuse = NEW(Refuse, refuse);
    frame->refuse->mailbox = 3;
    frame->refuse->number = 41;
    frame->refuse->reason = "the street is not in our register";
    frame->refuse->retry_after_s = 3600;
    frame->refuse->park = 1;
    one = request(list, "to_broker_list_parked", VIGIE__V1__REQUEST__REQUEST_LIST_PARKED);
    one->list_parked = NEW(ListParked, list_parked);
    one->list_parked->mailbox = 3;
    one->list_parked->from = 41;
    one->list_parked->max = 1000;
    one = request(list, "to_broker_handle_parked",
                  VIGIE__V1__REQUEST__REQUEST_HANDLE_PARKED);
    one->handle_parked = NEW(HandleParked, handle_parked);
    one->handle_parked->mailbox = 3;
    one->handle_parked->n_numbers = 2;
    one->handle_parked->numbers = numbers;
    one->handle_parked->act = VIGIE__V1__HANDLE_PARKED__ACT__DROP;
    one->handle_parked->reason = "the person moved away in 2019";
}

// ---- to the client ----

static Vigie__V1__Content *
content(void)
{
    Vigie__V1__Content *one = NEW(Content, content);

    one->flow = "notifyPerson";
    one->niss = PERSON;
    one->n_fields = 1;
    one->fields = only(field("020", "Kerkstraat 1, 9999 Voorbeeldgem"));
    one->occurred = 20261120;
    one->period_begin = 20260101;
    one->period_end = 20261231;
    one->id = "rn-2026-000001";
    one->recipient = "ocmw-99999";
    one->replaces = "rn-2025-000001";
    one->cancels = "rn-2024-000001";
    one->new_niss = NEW_NUMBER;
    one->enterprise = 1999999943;
    one->reference_year = 2027;
    one->ticket = 123456789;
    one->source = "national-register";
    one->kept_at = MOMENT;
    one->withheld = 1;
    return one;
}

static void
add_delivery(struct list *list)
{
    Vigie__V1__Notification *notification = NEW(Notification, notification);
    Vigie__V1__ToClient *frame =
        to_client(list, "to_client_delivery", VIGIE__V1__TO_CLIENT__MESSAGE__NOT_SET);

    notification->mailbox = 3;
    notification->number = 41;
    notification->justification = NEW(Justification, justification);
    notification->justification->quality = 2;
    notification->justification->begin = 20260101;
    notification->justification->end = 20261231;
    notification->again = 1;
    notification->content = content();
    frame->n_notifications = 1;
    frame->notifications = only(notification);
    frame = to_client(list, "to_client_delivery_answer",
                      VIGIE__V1__TO_CLIENT__MESSAGE__NOT_SET);
    notification = NEW(Notification, notification);
    notification->mailbox = 3;
    notification->number = 42;
    notification->content = content();
    notification->content->answers = "123456789";
    frame->n_notifications = 1;
    frame->notifications = only(notification);
}

// Published under a number that another one has replaced.
static void
add_delivery_of_former(struct list *list)
{
    Vigie__V1__Notification *notification = NEW(Notification, notification);
    Vigie__V1__ToClient *frame = to_client(list, "to_client_delivery_former_number",
                                           VIGIE__V1__TO_CLIENT__MESSAGE__NOT_SET);

    notification->mailbox = 3;
    notification->number = 42;
    notification->content = content();
    notification->content->new_niss = 0;
    notification->content->current_niss = NEW_NUMBER;
    frame->n_notifications = 1;
    frame->notifications = only(notification);
}

// Delivered after its time.
static void
add_delivery_caught_up(struct list *list)
{
    Vigie__V1__Notification *notification = NEW(Notification, notification);
    Vigie__V1__ToClient *frame = to_client(list, "to_client_delivery_caught_up",
                                           VIGIE__V1__TO_CLIENT__MESSAGE__NOT_SET);

    notification->mailbox = 3;
    notification->number = 43;
    notification->content = content();
    notification->content->caught_up = 99;
    notification->content->lost = 2;
    frame->n_notifications = 1;
    frame->notifications = only(notification);
}

// Stands for two earlier ones as well.
static void
add_delivery_merged(struct list *list)
{
    static uint64_t tickets[] = {97, UINT64_C(0x0123456789abcdef)};
    Vigie__V1__Notification *notification = NEW(Notification, notification);
    Vigie__V1__ToClient *frame = to_client(list, "to_client_delivery_merged",
                                           VIGIE__V1__TO_CLIENT__MESSAGE__NOT_SET);

    notification->mailbox = 3;
    notification->number = 44;
    notification->content = content();
    notification->n_merged = 2;
    notification->merged = tickets;
    frame->n_notifications = 1;
    frame->notifications = only(notification);
}

static void
add_welcomes(struct list *list)
{
    Vigie__V1__ToClient *frame;

    frame = to_client(list, "to_client_welcome", VIGIE__V1__TO_CLIENT__MESSAGE_WELCOME);
    frame->welcome = NEW(Welcome, welcome);
    frame->welcome->version = 1;
    frame->welcome->institution = "ocmw-99999";
    frame->welcome->role = 2;
    frame->welcome->heartbeat_ms = 10000;
    frame->welcome->window_messages = 5000;
    frame->welcome->window_bytes = UINT64_C(1) << 33;
    frame->welcome->mutations_max = 1000;
    frame->welcome->message_bytes_max = 1 << 20;
    frame->welcome->broker = "vigied 0.1";
    frame =
        to_client(list, "to_client_heartbeat", VIGIE__V1__TO_CLIENT__MESSAGE_HEARTBEAT);
    frame->heartbeat = NEW(Heartbeat, heartbeat);
    frame->heartbeat->echo = UINT64_C(0x0123456789abcdef);
    frame = to_client(list, "to_client_goodbye", VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE);
    frame->goodbye = NEW(Goodbye, goodbye);
    frame->goodbye->reason = "stopping";
}

static Vigie__V1__Undelivered *
undelivered(void)
{
    Vigie__V1__Undelivered *all = NEW(Undelivered, undelivered);
    Vigie__V1__UndeliveredMutation *one = NEW(UndeliveredMutation, undelivered_mutation);

    one->ticket = 123456789;
    one->flow = "PCSAAlert";
    one->id = "spp-2026-000001";
    one->recipient = "ocmw-99999";
    one->kept_at = MOMENT;
    one->since = MOMENT + 1;
    one->reason = "unread for 90 days";
    all->n_mutations = 1;
    all->mutations = only(one);
    all->more = 1;
    return all;
}

static void
add_answers_to_sources(struct list *list)
{
    Vigie__V1__Result *result = NEW(Result, result);
    Vigie__V1__ToClient *frame;

    result->number = 1002;
    result->fault = fault();
    frame =
        to_client(list, "to_client_published", VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED);
    frame->published = NEW(Published, published);
    frame->published->producer = 7;
    frame->published->first_number = 1001;
    frame->published->through = 1003;
    frame->published->ticket_first = 123456789;
    frame->published->n_results = 1;
    frame->published->results = only(result);
    frame = to_client(list, "to_client_last_number_is",
                      VIGIE__V1__TO_CLIENT__MESSAGE_LAST_NUMBER_IS);
    frame->last_number_is = NEW(LastNumberIs, last_number_is);
    frame->last_number_is->producer = 7;
    frame->last_number_is->number = 1003;
    frame = to_client(list, "to_client_blocked", VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED);
    frame->blocked = NEW(Blocked, blocked);
    frame->blocked->fault = fault();
    frame = to_client(list, "to_client_resumed", VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED);
    frame->resumed = NEW(Resumed, resumed);
    frame = to_client(list, "to_client_undelivered",
                      VIGIE__V1__TO_CLIENT__MESSAGE_UNDELIVERED);
    frame->undelivered = undelivered();
}

static void
add_answers_to_members(struct list *list)
{
    Vigie__V1__ToClient *frame;

    frame =
        to_client(list, "to_client_subscribed", VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    frame->subscribed = NEW(Subscribed, subscribed);
    frame->subscribed->mailbox = 3;
    frame->subscribed->acknowledged = 40;
    frame->subscribed->last = 1040;
    frame->subscribed->waiting = 1000;
    frame->subscribed->name = "addresses";
    frame = to_client(list, "to_client_rewound", VIGIE__V1__TO_CLIENT__MESSAGE_REWOUND);
    frame->rewound = NEW(Rewound, rewound);
    frame->rewound->mailbox = 3;
    frame->rewound->from = 1000001;
    frame->rewound->through = 1000040;
    frame = to_client(list, "to_client_notice", VIGIE__V1__TO_CLIENT__MESSAGE_NOTICE);
    frame->notice = NEW(Notice, notice);
    frame->notice->mailbox = 3;
    frame->notice->level = VIGIE__V1__NOTICE__LEVEL__WARNED;
    frame->notice->sentence = "8000 letters wait, the limit is 10000";
    frame = to_client(list, "to_client_refused", VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED);
    frame->refused = NEW(Refused, refused);
    frame->refused->fault = fault();
}

static Vigie__V1__Integration *
integration(void)
{
    Vigie__V1__Integration *one = NEW(Integration, integration);

    one->sector = 17;
    one->institution = "ocmw-99999";
    one->quality = 2;
    one->begin = 20260101;
    one->end = 99991231;
    return one;
}

static Vigie__V1__Mailbox *
mailbox(void)
{
    Vigie__V1__Mailbox *one = NEW(Mailbox, mailbox);

    one->mailbox = 3;
    one->name = "addresses";
    one->last = 1040;
    one->acknowledged = 40;
    one->waiting = 1000;
    one->n_choices = 1;
    one->choices = only(choice());
    return one;
}

// One Reply with everything: which parts belong together is not the wire's affair.
static void
add_reply(struct list *list)
{
    static uint64_t chain[] = {PERSON, NEW_NUMBER};
    Vigie__V1__ItemResult *result = NEW(ItemResult, item_result);
    Vigie__V1__ToClient *frame =
        to_client(list, "to_client_reply", VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);

    result->verdict = VIGIE__V1__REPLY__VERDICT__NO;
    result->n_faults = 1;
    result->faults = only(fault());
    result->end = 20261231;
    frame->reply = NEW(Reply, reply);
    frame->reply->id = 99;
    frame->reply->ticket = 123456790;
    frame->reply->verdict = VIGIE__V1__REPLY__VERDICT__WARNING;
    frame->reply->n_results = 1;
    frame->reply->results = only(result);
    frame->reply->n_integrations = 1;
    frame->reply->integrations = only(integration());
    frame->reply->n_niss_chain = 2;
    frame->reply->niss_chain = chain;
    frame->reply->n_mailboxes = 1;
    frame->reply->mailboxes = only(mailbox());
}

// Integrated, and whom it overlaps.
static void
add_reply_overlaps(struct list *list)
{
    Vigie__V1__ItemResult *result = NEW(ItemResult, item_result);
    Vigie__V1__Integration *other = integration();
    Vigie__V1__ToClient *frame =
        to_client(list, "to_client_reply_overlaps", VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);

    result->verdict = VIGIE__V1__REPLY__VERDICT__WARNING;
    result->overlaps = 2;
    other->item = 3;
    frame->reply = NEW(Reply, reply);
    frame->reply->id = 100;
    frame->reply->n_results = 1;
    frame->reply->results = only(result);
    frame->reply->n_integrations = 1;
    frame->reply->integrations = only(other);
}

// What is told of letters that are held, and a delivery of one of them.
static void
add_held(struct list *list)
{
    Vigie__V1__Notification *notification = NEW(Notification, notification);
    Vigie__V1__Range *range = NEW(Range, range);
    Vigie__V1__ParkedLetter *parked = NEW(ParkedLetter, parked_letter);
    Vigie__V1__Mailbox *box = mailbox();
    Vigie__V1__ToClient *frame = to_client(list, "to_client_delivery_out_of_turn",
                                           VIGIE__V1__TO_CLIENT__MESSAGE__NOT_SET);

    notification->mailbox = 3;
    notification->number = 41;
    notification->content = content();
    notification->attempt = 2;
    frame->n_notifications = 1;
    frame->notifications = only(notification);
    frame = to_client(list, "to_client_deferred", VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED);
    frame->deferred = NEW(Deferred, deferred);
    frame->deferred->mailbox = 3;
    frame->deferred->n_ranges = 1;
    frame->deferred->ranges = only(range);
    range->first = 41;
    range->last = 43;
    frame = to_client(list, "to_client_held", VIGIE__V1__TO_CLIENT__MESSAGE_HELD);
    frame->held = NEW(Held, held);
    frame->held->mailbox = 3;
    frame->held->number = 41;
    frame->held->state = VIGIE__V1__HELD__STATE__RETRY;
    frame->held->refusals = 2;
    frame->held->due_at = MOMENT;
    frame = to_client(list, "to_client_subscribed_held",
                      VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    frame->subscribed = NEW(Subscribed, subscribed);
    frame->subscribed->mailbox = 3;
    frame->subscribed->held = 7;
    frame->subscribed->parked = 8;
    frame =
        to_client(list, "to_client_reply_parked", VIGIE__V1__TO_CLIENT__MESSAGE_REPLY);
    frame->reply = NEW(Reply, reply);
    frame->reply->id = 100;
    box->held = 7;
    box->parked = 8;
    frame->reply->n_mailboxes = 1;
    frame->reply->mailboxes = only(box);
    frame->reply->n_parked = 1;
    frame->reply->parked = only(parked);
    parked->number = 41;
    parked->refusals = 16;
    parked->since = MOMENT;
    parked->actor = "ocmw-99999";
    parked->reason = "the street is not in our register";
    parked->content = content();
}

size_t
wire_samples(struct sample ret_samples[SAMPLES_MAX])
{
    struct list list = {ret_samples, 0};

    add_greetings(&list);
    add_hot_frames(&list);
    add_subscriptions(&list);
    add_directory_requests(&list);
    add_mailbox_requests(&list);
    add_held_requests(&list);
    add_delivery_of_former(&list);
    add_delivery_caught_up(&list);
    add_delivery_merged(&list);
    add_delivery(&list);
    add_welcomes(&list);
    add_answers_to_sources(&list);
    add_answers_to_members(&list);
    add_reply_overlaps(&list);
    add_catch_up(&list);
    add_reply(&list);
    add_held(&list);
    add_sources(&list);
    add_holdings(&list);
    return list.len;
}
