// SPDX-License-Identifier: EUPL-1.2
#include "clients.h"

#include <stdlib.h>
#include <string.h>

enum { ALSO_MAX = 40, KIND_PUBLISH = 3 };

void
clients_begin(struct clients *clients, struct dice *dice, struct model *model,
              struct node *node)
{
    *clients = (struct clients){.dice = dice, .model = model, .node = node, .loss = 20};
}

// ---- the network ----

static void
free_message(struct message *message)
{
    buffer_free(&message->bytes);
    free(message->answer.results);
}

static void
drop_message(struct clients *clients, size_t i)
{
    free_message(&clients->messages[i]);
    clients->messages_len--;
    memmove(&clients->messages[i], &clients->messages[i + 1],
            (clients->messages_len - i) * sizeof *clients->messages);
}

void
clients_end(struct clients *clients)
{
    while (clients->messages_len > 0) {
        drop_message(clients, clients->messages_len - 1);
    }
}

static bool
network_is_full(const struct clients *clients)
{
    return clients->messages_len >= MESSAGES_MAX / 2;
}

// Where there is no room any more an older one is lost.
static struct message *
send(struct clients *clients, enum message_kind kind)
{
    struct message *message;
    size_t i = 0;

    if (clients->messages_len == MESSAGES_MAX) {
        while (clients->messages[i].kind == TO_CLIENT_DELIVERED) {
            i++;
        }
        drop_message(clients, i);
    }
    message = &clients->messages[clients->messages_len++];
    *message = (struct message){.kind = kind};
    return message;
}

static struct session *
find_session(struct clients *clients, uint64_t id)
{
    for (size_t i = 0; id != 0 && i < SESSIONS; i++) {
        if (clients->sessions[i].id == id) {
            return &clients->sessions[i];
        }
    }
    return NULL;
}

// ---- publishers ----

void
clients_report(struct clients *clients, struct deed deed, size_t publisher)
{
    struct publisher *one = &clients->publishers[publisher];
    struct deed *kept;

    if (one->len == UNANSWERED_MAX || one->asks) {
        return;
    }
    kept = model_deed(clients->model);
    deed.id = kept->id;
    *kept = deed;
    one->unanswered[one->len++] = deed.id;
    one->next++;
}

void
clients_forget(struct clients *clients, size_t publisher)
{
    clients->publishers[publisher].asks = true;
    clients->publishers[publisher].len = 0;
}

static void
write_publish(struct clients *clients, const struct publisher *one, size_t from,
              size_t len, struct buffer *bytes)
{
    uint8_t *begin;
    size_t head;

    buffer_reserve(bytes, HOT_HEAD_MAX);
    bytes->len = HOT_HEAD_MAX;
    for (size_t i = from; i < from + len; i++) {
        deed_write(&clients->model->deeds[one->unanswered[i] - 1], bytes);
    }
    begin = hot_publish_head(bytes->at + HOT_HEAD_MAX, bytes->len - HOT_HEAD_MAX,
                             one->producer, one->first + from);
    head = (size_t)(begin - bytes->at);
    memmove(bytes->at, begin, bytes->len - head);
    bytes->len -= head;
}

// Mostly from the first unanswered one on; sometimes as if an earlier frame were under way.
void
clients_publish(struct clients *clients, size_t publisher)
{
    struct publisher *one = &clients->publishers[publisher];
    struct message *message;
    size_t from = 0;
    size_t len;

    if (network_is_full(clients)) {
        return;
    }
    if (one->asks) {
        message = send(clients, TO_BROKER_ASKS);
        message->publisher = publisher;
        return;
    }
    if (one->len == 0) {
        return;
    }
    if (dice_one_in(clients->dice, 4)) {
        from = dice_below(clients->dice, (uint32_t)one->len);
    }
    len = 1 + dice_below(clients->dice, (uint32_t)(one->len - from));
    message = send(clients, TO_BROKER_PUBLISHES);
    message->publisher = publisher;
    write_publish(clients, one, from, len, &message->bytes);
}

static void
receive_publish(struct clients *clients, const struct message *message)
{
    const struct publisher *one = &clients->publishers[message->publisher];
    struct command *command =
        command_new(COMMAND_PUBLISH, message->bytes.at, message->bytes.len);
    struct hot_bytes frame = {command->frame.at, command->frame.len};
    struct hot_bytes body;

    CHECK(hot_to_broker_kind(frame, &body) == KIND_PUBLISH &&
          hot_read_publish(body, &command->publish.publish) == HOT_OK);
    command->actor = one->institution;
    command->back.session = message->publisher + 1;
    node_queue(clients->node, &command);
}

static void
receive_question(struct clients *clients, const struct message *message)
{
    struct command *command = command_new(COMMAND_LAST_NUMBER, NULL, 0);

    command->actor = clients->publishers[message->publisher].institution;
    command->last_number.producer = clients->publishers[message->publisher].producer;
    command->back.session = message->publisher + 1;
    node_queue(clients->node, &command);
}

// What a source is told must be true, now and for ever.
static void
check_answer(const struct clients *clients, const struct publisher *one,
             const struct answer *answer)
{
    const struct model_producer *producer =
        &clients->model->producers[one->institution][one->producer];
    size_t next = 0;

    for (uint64_t number = answer->first; number <= answer->through; number++) {
        enum vg_status told = VG_OK;
        enum vg_status true_one;

        if (next < answer->results_len && answer->results[next].number == number) {
            told = answer->results[next++].status;
        }
        if (number > producer->len) {
            broken("institution %u is told of number %llu, which is not on the disk",
                   one->institution, (unsigned long long)number);
        }
        true_one = producer->outcomes[number - 1].status;
        if (true_one != (told == VG_REPEATED ? VG_OK : told)) {
            broken("institution %u, number %llu: told %s, was %s", one->institution,
                   (unsigned long long)number, vg_status_name(told),
                   vg_status_name(true_one));
        }
    }
}

static void
receive_answer(struct clients *clients, const struct message *message)
{
    struct publisher *one = &clients->publishers[message->publisher];
    size_t answered = 0;

    check_answer(clients, one, &message->answer);
    while (answered < one->len && one->first + answered <= message->answer.through) {
        answered++;
    }
    one->len -= answered;
    one->first += answered;
    memmove(one->unanswered, one->unanswered + answered,
            one->len * sizeof *one->unanswered);
}

static void
receive_last_number(struct clients *clients, const struct message *message)
{
    struct publisher *one = &clients->publishers[message->publisher];

    if (one->asks) {
        one->asks = false;
        one->first = one->next = message->number + 1;
    }
}

// ---- members ----

void
clients_vanish(struct clients *clients, struct session *session)
{
    for (size_t i = 0; i < session->opened_len; i++) {
        struct lane *lane = node_lane(clients->node, session->opened[i].mailbox);

        if (lane->session == session->id) {
            node_close_lane(lane);
        }
    }
    session->id = 0;
}

void
clients_lose_all(struct clients *clients)
{
    for (size_t i = 0; i < SESSIONS; i++) {
        clients->sessions[i].id = 0;
    }
    for (size_t i = clients->messages_len; i > 0; i--) {
        if (dice_one_in(clients->dice, 2)) {
            drop_message(clients, i - 1);
        }
    }
}

static void
open_mailbox(struct clients *clients, struct session *session, uint32_t mailbox)
{
    struct lane *lane = node_lane(clients->node, mailbox);
    uint64_t messages = 1 + dice_below(clients->dice, 40);
    uint64_t bytes = 200 + dice_below(clients->dice, 20000);

    clients->takeovers += lane->session != 0;
    node_open_lane(clients->node, mailbox, session->id, messages, bytes);
    session->opened[session->opened_len++] = (struct opened){.mailbox = mailbox};
}

static struct session *
choose_place(struct clients *clients)
{
    for (size_t i = 0; i < SESSIONS; i++) {
        if (clients->sessions[i].id == 0) {
            return &clients->sessions[i];
        }
    }
    return &clients->sessions[dice_below(clients->dice, SESSIONS)];
}

void
clients_subscribe(struct clients *clients, uint32_t institution)
{
    struct session *session = choose_place(clients);

    if (session->id != 0) {
        clients_vanish(clients, session);
    }
    *session =
        (struct session){.id = ++clients->last_session, .institution = institution};
    for (size_t i = 0; i < clients->model->boxes_len; i++) {
        if (clients->model->boxes[i].institution == institution &&
            session->opened_len < SESSION_BOXES_MAX && !dice_one_in(clients->dice, 4)) {
            open_mailbox(clients, session, clients->model->boxes[i].id);
        }
    }
}

void
clients_deliver(struct clients *clients, struct session *session)
{
    struct opened *opened;
    struct lane *lane;
    struct message *message;
    struct buffer frame = {0};

    if (session->opened_len == 0 || network_is_full(clients)) {
        return;
    }
    opened = &session->opened[dice_below(clients->dice, (uint32_t)session->opened_len)];
    lane = node_lane(clients->node, opened->mailbox);
    for (size_t i = 0; i < session->opened_len && lane->session != session->id; i++) {
        opened = &session->opened[i];
        lane = node_lane(clients->node, opened->mailbox);
    }
    if (lane->session != session->id) {
        return; // another session has taken it over
    }
    if (dice_one_in(clients->dice, 20)) {
        outflow_set_window(lane->outflow, 1 + dice_below(clients->dice, 40),
                           200 + dice_below(clients->dice, 20000));
    }
    if (node_fill(clients->node, lane, 500 + dice_below(clients->dice, 65000), &frame) ==
        0) {
        buffer_free(&frame);
        return;
    }
    message = send(clients, TO_CLIENT_DELIVERED);
    message->session = session->id;
    message->bytes = frame;
}

static void
check_notification(struct clients *clients, struct opened *opened,
                   const struct hot_notification *notification)
{
    const struct model_box *box = model_box(clients->model, opened->mailbox);
    const struct told *told;

    if (notification->number <= opened->last || notification->number > box->len) {
        broken("mailbox %u: letter %llu comes after %llu", box->id,
               (unsigned long long)notification->number,
               (unsigned long long)opened->last);
    }
    told = &box->told[notification->number - 1];
    for (uint64_t number = opened->last + 1; number < notification->number; number++) {
        if (!box->told[number - 1].acknowledged) {
            broken("mailbox %u: letter %llu comes before %llu", box->id,
                   (unsigned long long)notification->number, (unsigned long long)number);
        }
    }
    if (checksum_of(notification->content.at, notification->content.len) !=
            told->checksum ||
        notification->justified != (told->quality != 0) ||
        notification->quality != told->quality ||
        (told->quality != 0 &&
         (notification->begin != day_number((struct day){told->begin}) ||
          notification->end != day_number((struct day){told->end})))) {
        broken("mailbox %u: letter %llu is delivered with another body or integration",
               box->id, (unsigned long long)notification->number);
    }
}

static void
receive_delivery(struct clients *clients, const struct message *message)
{
    struct session *session = find_session(clients, message->session);
    struct hot_bytes rest = {message->bytes.at, message->bytes.len};
    struct hot_notification notification;
    int more;

    while (session != NULL && (more = hot_next_notification(&rest, &notification)) != 0) {
        struct opened *opened = session->opened;

        while (more == 1 && opened < session->opened + session->opened_len &&
               opened->mailbox != notification.mailbox) {
            opened++;
        }
        if (more != 1 || opened == session->opened + session->opened_len) {
            broken("a delivery cannot be read, or is of a mailbox that was not opened");
        }
        check_notification(clients, opened, &notification);
        opened->last = notification.number;
        if (opened->got_len == GOT_MAX) {
            memmove(opened->got, opened->got + 1, (GOT_MAX - 1) * sizeof *opened->got);
            opened->got_len--;
        }
        opened->got[opened->got_len++] = notification.number;
        clients->delivered++;
    }
}

// All up to one of them, some of them alone, both; again and again those of before.
static void
choose(struct clients *clients, struct opened *opened,
       struct hot_acknowledge *acknowledge)
{
    uint32_t way = dice_below(clients->dice, 4);

    acknowledge->mailbox = opened->mailbox;
    acknowledge->through = 0;
    acknowledge->also_len = 0;
    if (way != 0 && opened->got_len > 0) {
        size_t i = way == 1 ? opened->got_len - 1
                            : dice_below(clients->dice, (uint32_t)opened->got_len);

        acknowledge->through = opened->got[i];
    }
    for (size_t i = 0; way % 2 == 0 && i < opened->got_len; i++) {
        if (dice_one_in(clients->dice, 3) && acknowledge->also_len < ALSO_MAX) {
            acknowledge->also[acknowledge->also_len++] = opened->got[i];
        }
    }
    if (dice_one_in(clients->dice, 50)) {
        acknowledge->through = opened->last + 1 + dice_below(clients->dice, 3);
    }
}

// What was acknowledged is forgotten, mostly: it may be said again, later.
static void
forget_acknowledged(struct clients *clients, struct opened *opened, uint64_t through)
{
    size_t left = 0;

    for (size_t i = 0; i < opened->got_len; i++) {
        if (opened->got[i] > through || dice_one_in(clients->dice, 8)) {
            opened->got[left++] = opened->got[i];
        }
    }
    opened->got_len = left;
}

// Mostly a mailbox that has brought something.
static struct opened *
choose_opened(struct clients *clients, struct session *session)
{
    struct opened *opened = NULL;

    for (int tries = 0; tries < 6 && (opened == NULL || opened->got_len == 0); tries++) {
        opened =
            &session->opened[dice_below(clients->dice, (uint32_t)session->opened_len)];
    }
    return opened;
}

void
clients_acknowledge(struct clients *clients, struct session *session)
{
    struct hot_acknowledge acknowledge;
    struct opened *opened;
    struct message *message;
    uint8_t *at;

    if (session->opened_len == 0 || network_is_full(clients)) {
        return;
    }
    opened = choose_opened(clients, session);
    choose(clients, opened, &acknowledge);
    forget_acknowledged(clients, opened, acknowledge.through);
    message = send(clients, TO_BROKER_ACKNOWLEDGES);
    message->session = session->id;
    at = buffer_reserve(&message->bytes, HOT_HEAD_MAX + 9 * ALSO_MAX);
    message->bytes.len = (size_t)(hot_write_acknowledge(at, &acknowledge) - at);
}

static void
receive_acknowledge(struct clients *clients, const struct message *message)
{
    struct hot_bytes frame = {message->bytes.at, message->bytes.len};
    struct hot_acknowledge acknowledge;
    struct hot_bytes body;
    struct session *session;
    struct lane *lane;
    size_t queued = clients->node->queued;

    CHECK(hot_to_broker_kind(frame, &body) == 6 &&
          hot_read_acknowledge(body, &acknowledge) == HOT_OK);
    lane = node_lane(clients->node, acknowledge.mailbox);
    if (lane->session != 0 && lane->session == message->session) {
        node_acknowledge(clients->node, lane, &acknowledge);
    }
    // Another session takes over before the acknowledgement is on the disk.
    session = find_session(clients, message->session);
    if (clients->node->queued > queued && session != NULL &&
        dice_one_in(clients->dice, 6)) {
        clients_subscribe(clients, session->institution);
    }
}

// ---- carrying ----

static void
receive(struct clients *clients, const struct message *message)
{
    switch (message->kind) {
    case TO_BROKER_PUBLISHES:
        receive_publish(clients, message);
        break;
    case TO_BROKER_ASKS:
        receive_question(clients, message);
        break;
    case TO_BROKER_ACKNOWLEDGES:
        receive_acknowledge(clients, message);
        break;
    case TO_CLIENT_ANSWERED:
        receive_answer(clients, message);
        break;
    case TO_CLIENT_LAST_NUMBER:
        receive_last_number(clients, message);
        break;
    case TO_CLIENT_DELIVERED:
        receive_delivery(clients, message);
        break;
    }
}

// Mostly one of the oldest. Deliveries of one session stay in order, and whole: it is one
// connection.
static size_t
pick(struct clients *clients)
{
    uint32_t len = (uint32_t)clients->messages_len;
    size_t i =
        dice_below(clients->dice, dice_one_in(clients->dice, 8) || len < 4 ? len : 4);

    for (size_t j = 0; clients->messages[i].kind == TO_CLIENT_DELIVERED && j < i; j++) {
        if (clients->messages[j].kind == TO_CLIENT_DELIVERED &&
            clients->messages[j].session == clients->messages[i].session) {
            return j;
        }
    }
    return i;
}

bool
clients_carry(struct clients *clients)
{
    struct message message;
    size_t i;
    bool whole;

    if (clients->messages_len == 0) {
        return false;
    }
    i = pick(clients);
    whole = clients->messages[i].kind == TO_CLIENT_DELIVERED;
    if (!whole && clients->loss > 0 && dice_one_in(clients->dice, clients->loss)) {
        clients->lost++;
        drop_message(clients, i);
        return true;
    }
    if (!whole && clients->loss > 0 && dice_one_in(clients->dice, clients->loss)) {
        clients->doubled++;
        receive(clients, &clients->messages[i]);
        return true; // and it comes once more
    }
    message = clients->messages[i];
    clients->messages[i] = (struct message){.kind = message.kind};
    drop_message(clients, i);
    receive(clients, &message);
    free_message(&message);
    return true;
}

void
clients_answer(struct clients *clients, const struct batch *batch)
{
    for (const struct command *command = batch->first; command != NULL;
         command = command->next) {
        const struct publish_command *publish = &command->publish;
        struct message *message;

        if (command->back.session == 0) {
            continue;
        }
        if (command->kind == COMMAND_LAST_NUMBER) {
            message = send(clients, TO_CLIENT_LAST_NUMBER);
            message->number = command->last_number.number;
        } else if (command->kind == COMMAND_PUBLISH) {
            message = send(clients, TO_CLIENT_ANSWERED);
            message->answer.first = publish->publish.first_number;
            message->answer.through = publish->through;
            message->answer.results_len = publish->results_len;
            message->answer.results =
                xcalloc(publish->results_len + 1, sizeof *publish->results);
            for (size_t i = 0; i < publish->results_len; i++) {
                message->answer.results[i] = publish->results[i];
            }
        } else {
            continue;
        }
        message->publisher = command->back.session - 1;
    }
}
