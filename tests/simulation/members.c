// SPDX-License-Identifier: EUPL-1.2
#include "members.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW_BYTES_MIN = 65536 };

// ---- connections ----

static void
forget(struct member *member)
{
    for (size_t i = 0; i < member->opened_len; i++) {
        free(member->opened[i].got);
    }
    *member = (struct member){0};
}

void
members_end(struct members *members)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        forget(&members->member[i]);
    }
}

void
members_hang_up(struct members *members, struct member *member)
{
    network_hang_up(members->network, member->connection);
    forget(member);
}

static struct member *
choose_place(struct members *members)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if (!network_is_up(members->network, members->member[i].connection)) {
            return &members->member[i];
        }
    }
    return &members->member[dice_below(members->dice, MEMBERS)];
}

static void
subscribe(struct members *members, const struct member *member, uint32_t mailbox)
{
    struct dice *dice = members->dice;
    uint32_t messages = members->calm           ? 5000
                        : dice_one_in(dice, 6)  ? 1
                        : members->wide         ? 5000
                        : dice_one_in(dice, 10) ? 1000
                                                : 1 + dice_below(dice, 40);
    uint64_t bytes =
        WINDOW_BYTES_MIN + dice_below(dice, members->wide ? 1 << 24 : 200000);
    bool is_own = mailbox == member->institution && dice_one_in(dice, 2);
    struct buffer frame = say_subscribe(is_own ? 0 : mailbox, messages, bytes);

    network_send(members->network, member->connection, &frame);
}

void
members_open(struct members *members, struct member *member, uint32_t mailbox)
{
    if (member->opened_len < MEMBER_BOXES_MAX) {
        member->opened[member->opened_len++] = (struct opened){.mailbox = mailbox};
        subscribe(members, member, mailbox);
    }
}

void
members_connect(struct members *members, struct member *member, uint32_t institution)
{
    const struct model_key *key =
        model_valid_key(members->model, institution, ROLE_MEMBER);
    struct buffer hello = say_hello();

    members_hang_up(members, member);
    if (key != NULL) {
        member->connection = network_connect(members->network, STAGE_MEMBERS, key->key);
    }
    member->institution = institution;
    network_send(members->network, member->connection, &hello);
}

void
members_subscribe(struct members *members, uint32_t institution)
{
    struct member *member = choose_place(members);

    members_connect(members, member, institution);
    for (size_t i = 0; i < members->model->boxes_len; i++) {
        if (members->model->boxes[i].institution == institution &&
            !dice_one_in(members->dice, 4)) {
            members_open(members, member, members->model->boxes[i].id);
        }
    }
}

// ---- acknowledging ----

// All up to one of them, some of them alone, both; again and again those of before.
static void
choose(struct members *members, struct opened *opened,
       struct hot_acknowledge *acknowledge)
{
    uint32_t way = members->sparse ? 4 : dice_below(members->dice, 4);
    bool odd = dice_one_in(members->dice, 25); // and then what lies between

    acknowledge->mailbox = opened->mailbox;
    acknowledge->through = 0;
    acknowledge->also_len = 0;
    if (way != 0 && way != 4 && opened->got_len > 0) {
        size_t i = way == 1 ? opened->got_len - 1
                            : dice_below(members->dice, (uint32_t)opened->got_len);

        acknowledge->through = opened->got[i];
    }
    for (size_t i = 0; way % 2 == 0 && i < opened->got_len; i++) {
        bool alone = way == 4 ? opened->got[i] % 2 == odd : dice_one_in(members->dice, 3);

        if (alone && acknowledge->also_len < HOT_ALSO_MAX) {
            acknowledge->also[acknowledge->also_len++] = opened->got[i];
        }
    }
    if (dice_one_in(members->dice, 80)) {
        acknowledge->through = opened->last + 1 + dice_below(members->dice, 3);
    }
}

// What was acknowledged is forgotten, mostly: it may be said again, later.
static void
forget_acknowledged(struct members *members, struct opened *opened,
                    const struct hot_acknowledge *acknowledge)
{
    size_t left = 0;
    uint32_t next = 0;

    for (size_t i = 0; i < opened->got_len; i++) {
        bool alone =
            next < acknowledge->also_len && acknowledge->also[next] == opened->got[i];

        next += alone;
        if ((opened->got[i] > acknowledge->through && !(alone && members->sparse)) ||
            dice_one_in(members->dice, 8)) {
            opened->got[left++] = opened->got[i];
        }
    }
    opened->got_len = left;
}

// Mostly a mailbox that has brought something.
static struct opened *
choose_opened(struct members *members, struct member *member)
{
    struct opened *opened = NULL;

    for (int tries = 0; tries < 6 && (opened == NULL || opened->got_len == 0); tries++) {
        opened = &member->opened[dice_below(members->dice, (uint32_t)member->opened_len)];
    }
    return opened;
}

// What came out of turn is done with by its own number.
static void
acknowledge_tried(struct members *members, struct member *member, struct opened *opened)
{
    struct hot_acknowledge acknowledge = {.mailbox = opened->mailbox};
    struct buffer frame;

    if (opened->tried_len == 0) {
        return;
    }
    for (size_t i = 0; i < opened->tried_len; i++) {
        acknowledge.also[acknowledge.also_len++] = opened->tried[i];
    }
    opened->tried_len = 0;
    frame = say_acknowledge(&acknowledge);
    network_send(members->network, member->connection, &frame);
}

void
members_acknowledge(struct members *members, struct member *member)
{
    static struct hot_acknowledge acknowledge;
    struct opened *opened;
    struct buffer frame;

    if (member->opened_len == 0 ||
        !network_has_room(members->network, member->connection)) {
        return;
    }
    opened = choose_opened(members, member);
    if (opened->tried_len > 0 && dice_one_in(members->dice, 2)) {
        acknowledge_tried(members, member, opened);
        return;
    }
    choose(members, opened, &acknowledge);
    forget_acknowledged(members, opened, &acknowledge);
    frame = say_acknowledge(&acknowledge);
    network_send(members->network, member->connection, &frame);
}

void
members_acknowledge_all(struct members *members, struct member *member)
{
    for (size_t i = 0; i < member->opened_len; i++) {
        struct opened *opened = &member->opened[i];
        struct hot_acknowledge acknowledge = {.mailbox = opened->mailbox,
                                              .through = opened->last};
        struct buffer frame;

        if (opened->got_len > 0) {
            frame = say_acknowledge(&acknowledge);
            network_send(members->network, member->connection, &frame);
            opened->got_len = 0;
        }
        acknowledge_tried(members, member, opened);
    }
}

// Sometimes one that never came, or was acknowledged before.
static uint64_t
choose_refused(struct members *members, const struct opened *opened)
{
    struct dice *dice = members->dice;

    if (opened->tried_len > 0 && dice_one_in(dice, 2)) {
        return opened->tried[dice_below(dice, (uint32_t)opened->tried_len)];
    }
    if (opened->got_len == 0 || dice_one_in(dice, 20)) {
        return 1 + dice_below(dice, (uint32_t)opened->last + 2);
    }
    return opened
        ->got[dice_one_in(dice, 2) ? opened->got_len - 1
                                   : dice_below(dice, (uint32_t)opened->got_len)];
}

bool
members_have_letters(const struct member *member)
{
    size_t len = 0;

    for (size_t i = 0; i < member->opened_len; i++) {
        len += member->opened[i].got_len + member->opened[i].tried_len;
    }
    return len > 0;
}

void
members_refuse(struct members *members, struct member *member)
{
    Vigie__V1__Refuse refuse = VIGIE__V1__REFUSE__INIT;
    struct dice *dice = members->dice;
    const struct opened *opened;
    struct buffer frame;

    if (!members_have_letters(member) && !dice_one_in(dice, 10)) {
        return;
    }
    if (member->opened_len == 0) {
        return;
    }
    opened = choose_opened(members, member);
    refuse.mailbox = opened->mailbox;
    refuse.number = choose_refused(members, opened);
    refuse.reason = say_text("the application is away");
    refuse.retry_after_s = dice_one_in(dice, 4) ? 1 + dice_below(dice, 4) : 0;
    refuse.park = dice_one_in(dice, 10);
    frame = say_refuse(&refuse);
    network_send(members->network, member->connection, &frame);
}

void
members_fidget(struct members *members, struct member *member)
{
    const struct opened *opened;
    struct buffer frame;

    if (member->opened_len == 0 || dice_one_in(members->dice, 2)) {
        frame = say_heartbeat(dice_roll(members->dice));
        network_send(members->network, member->connection, &frame);
        return;
    }
    opened = choose_opened(members, member);
    if (dice_one_in(members->dice, 4)) {
        frame = say_unsubscribe(opened->mailbox);
        network_send(members->network, member->connection, &frame);
    }
    subscribe(members, member, opened->mailbox);
}

void
members_request(struct members *members, struct member *member,
                Vigie__V1__Request *request)
{
    struct buffer frame;

    request->id = ++members->last_request;
    frame = say_request(request);
    network_send(members->network, member->connection, &frame);
}

// ---- in ----

static void
check_letter(struct members *members, const struct opened *opened,
             const struct hot_notification *letter)
{
    const struct model_box *box = model_box(members->model, opened->mailbox);
    const struct told *told = letter->number == 0 || letter->number > box->len
                                  ? NULL
                                  : &box->told[letter->number - 1];

    if (told == NULL ||
        checksum_of(letter->content.at, letter->content.len) != told->checksum ||
        letter->justified != (told->quality != 0) || letter->quality != told->quality ||
        (told->quality != 0 && (letter->begin != day_number((struct day){told->begin}) ||
                                letter->end != day_number((struct day){told->end})))) {
        broken("mailbox %u: letter %llu arrives with another body or integration",
               opened->mailbox, (unsigned long long)letter->number);
    }
}

static void
note_got(struct opened *opened, uint64_t number)
{
    if (opened->got_len == opened->got_size) {
        opened->got_size = opened->got_size * 2 + 32;
        opened->got = realloc(opened->got, opened->got_size * sizeof *opened->got);
        CHECK(opened->got != NULL);
    }
    opened->got[opened->got_len++] = number;
    opened->last = number;
}

static void
note_tried(struct opened *opened, uint64_t number)
{
    for (size_t i = 0; i < opened->tried_len; i++) {
        if (opened->tried[i] == number) {
            return; // the network brought it twice
        }
    }
    if (opened->tried_len < TRIED_MAX) {
        opened->tried[opened->tried_len++] = number;
    }
}

static void
take_letters(struct members *members, struct member *member, struct bytes frame)
{
    struct hot_bytes rest = {frame.at, frame.len};
    struct hot_notification letter;

    while (hot_next_notification(&rest, &letter) == 1) {
        struct opened *opened = member->opened;

        while (opened < member->opened + member->opened_len &&
               opened->mailbox != letter.mailbox) {
            opened++;
        }
        if (opened == member->opened + member->opened_len) {
            broken("institution %u gets a letter of mailbox %u, which it did not open",
                   member->institution, letter.mailbox);
        }
        check_letter(members, opened, &letter);
        if (letter.attempt > 0) {
            note_tried(opened, letter.number);
        } else if (letter.number >
                   opened->last) { // else the network brought it twice, or late
            note_got(opened, letter.number);
        }
    }
}

// A reply names the ticket of the request, each time that it came.
static void
check_reply(const struct members *members, const Vigie__V1__Reply *reply)
{
    if (reply->id == 0 || reply->id > members->last_request ||
        (reply->ticket != 0 &&
         !model_has_ticket(members->model, reply->id, reply->ticket))) {
        broken("request %llu is answered with ticket %llu, which is not its own",
               (unsigned long long)reply->id, (unsigned long long)reply->ticket);
    }
}

// What no pause can mend ends the connection: the library does the same.
static void
take_refusal(struct members *members, struct member *member,
             const Vigie__V1__Fault *fault)
{
    if (fault->status == VG_MOVED &&
        !model_names_successor(members->model, member->institution, fault->sentence)) {
        broken("institution %u is told to go elsewhere: %s", member->institution,
               fault->sentence);
    }
    if (fault->remedy != VG_RETRY_LATER && !dice_one_in(members->dice, 3)) {
        members_hang_up(members, member);
    }
}

static void
hear(struct members *members, struct member *member, const Vigie__V1__ToClient *message)
{
    switch (message->message_case) {
    case VIGIE__V1__TO_CLIENT__MESSAGE_REPLY:
        check_reply(members, message->reply);
        members->answers++;
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED:
        take_refusal(members, member, message->refused->fault);
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE:
        members_acknowledge_all(members, member);
        break;
    default:
        break;
    }
}

bool
members_hear(struct members *members, uint64_t connection, struct bytes frame)
{
    struct member *member = members->member;
    Vigie__V1__ToClient *message;
    struct hot_bytes body;

    while (member < members->member + MEMBERS && member->connection != connection) {
        member++;
    }
    if (member == members->member + MEMBERS) {
        return false;
    }
    if (hot_to_client_kind((struct hot_bytes){frame.at, frame.len}, &body) == 1) {
        take_letters(members, member, frame);
        return true;
    }
    message = vigie__v1__to_client__unpack(NULL, frame.len, frame.at);
    if (message == NULL) {
        broken("a frame to institution %u cannot be read", member->institution);
    }
    hear(members, member, message);
    vigie__v1__to_client__free_unpacked(message, NULL);
    return true;
}
