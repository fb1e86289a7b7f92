// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever clients send, in whichever order, the loop and the writer go on, nobody
// gets what is not his, no command is left behind, and the store can be trusted.
// Method: a whole broker on the simulation's stage. The input is a row of moves, one byte
// each, what and who: a frame (u16 length, bytes), a commit, a second, a pulse, what was put
// off, a client that hangs up or reads no more. Who is new says Hello first, unless the
// byte has the bit HASTY. After an input that changed the store comes a fresh one.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edge/ride.h"
#include "folder.h"
#include "say.h"
#include "stage.h"
#include "store/check.h"

enum { MOVES_MAX = 200, HASTY = 64, SECOND_US = 1000000, PULSE_US = 2500000 };

#define NISS UINT64_C(66641066692)
#define BEGIN_US INT64_C(1795089600000000) // 2026-11-19

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

struct client {
    uint8_t key;
    enum stage_door door;
    const char *institution;
    uint32_t role;
    uint64_t connection; // 0: none
    bool reads_not;
};

// The last two are at the wrong door, with a good key.
static struct client clients[] = {
    {.key = 1, .door = STAGE_SOURCES, .institution = "RN", .role = ROLE_SOURCE},
    {.key = 2, .door = STAGE_MEMBERS, .institution = "CPAS-1", .role = ROLE_MEMBER},
    {.key = 3, .door = STAGE_MEMBERS, .institution = "CPAS-2", .role = ROLE_MEMBER},
    {.key = 4, .door = STAGE_MEMBERS, .institution = "CPAS-2", .role = ROLE_OPERATOR},
    {.key = 1, .door = STAGE_MEMBERS, .institution = "RN"},
    {.key = 2, .door = STAGE_SOURCES, .institution = "CPAS-1"},
};

static struct world {
    char folder[96];
    char data[128]; // the store's file
    struct settings settings;
    struct broker *broker;
    int64_t elapsed_us;
    uint64_t last_connection;
    uint64_t commits; // of the template
    uint8_t *template;
    size_t template_len;
} world;

// ---- what the broker says ----

static struct client *
client_of(uint64_t connection)
{
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        if (connection != 0 && clients[i].connection == connection) {
            return &clients[i];
        }
    }
    return NULL;
}

static void
check_may_see(const struct client *client, uint32_t mailbox)
{
    const struct mailbox_spec *spec = roster_mailbox(world.broker->roster, mailbox);

    CHECK(client->door == STAGE_MEMBERS && client->role != 0 && spec != NULL);
    CHECK(client->role == ROLE_OPERATOR ||
          strcmp(roster_institution(world.broker->roster, spec->institution)->code,
                 client->institution) == 0);
}

static void
check_frame(const struct client *client, struct bytes frame)
{
    Vigie__V1__ToClient *message =
        vigie__v1__to_client__unpack(NULL, frame.len, frame.at);

    CHECK(message != NULL);
    for (size_t i = 0; i < message->n_notifications; i++) {
        check_may_see(client, message->notifications[i]->mailbox);
    }
    switch (message->message_case) {
    case VIGIE__V1__TO_CLIENT__MESSAGE_REFUSED:
    case VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE:
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED:
        check_may_see(client, message->subscribed->mailbox);
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_DEFERRED:
        check_may_see(client, message->deferred->mailbox);
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_HELD:
        check_may_see(client, message->held->mailbox);
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_REWOUND:
        check_may_see(client, message->rewound->mailbox);
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_NOTICE:
        check_may_see(client, message->notice->mailbox);
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE_UNDELIVERED:
    case VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED:
    case VIGIE__V1__TO_CLIENT__MESSAGE_LAST_NUMBER_IS:
    case VIGIE__V1__TO_CLIENT__MESSAGE_BLOCKED:
    case VIGIE__V1__TO_CLIENT__MESSAGE_RESUMED:
        CHECK(client->role == ROLE_SOURCE);
        break;
    case VIGIE__V1__TO_CLIENT__MESSAGE__NOT_SET:
        CHECK(message->n_notifications > 0);
        break;
    default:
        CHECK(client->role != 0);
    }
    vigie__v1__to_client__free_unpacked(message, NULL);
}

static enum door_sent
take_frame(uint64_t connection, struct bytes frame, void *arg)
{
    const struct client *client = client_of(connection);

    (void)arg;
    if (client == NULL) {
        return DOOR_GONE;
    }
    check_frame(client, frame);
    return client->reads_not ? DOOR_FULL : DOOR_SENT;
}

static void
lose(uint64_t connection, void *arg)
{
    struct client *client = client_of(connection);

    (void)arg;
    if (client != NULL) {
        client->connection = 0;
    }
}

// ---- the loop and the writer ----

static void
pass_time(int64_t us)
{
    world.elapsed_us += us;
    stage_set_time(BEGIN_US + world.elapsed_us, world.elapsed_us);
}

static void
call(struct event *event)
{
    event_callback_fn callback = event_get_callback(event);

    event_del(event);
    callback(-1, EV_TIMEOUT, event_get_callback_arg(event));
}

static void
commit(void)
{
    struct batch *batch = stage_next_batch();

    if (batch == NULL) {
        return;
    }
    CHECK(apply_batch(world.broker->applier, batch, NULL) == VG_OK);
    stage_batch_done(&batch);
    event_get_callback(world.broker->answers)(-1, EV_READ, world.broker);
}

static void
go_on(void)
{
    struct event *const put_off[] = {world.broker->resend, world.broker->delivery,
                                     world.broker->riding.timer};

    for (size_t i = 0; i < ARRAY_LEN(put_off); i++) {
        if (evtimer_pending(put_off[i], NULL)) {
            call(put_off[i]);
        }
    }
}

static void
propose(struct command *command)
{
    broker_propose(world.broker, &command);
    commit();
}

// ---- a broker ----

static void
load_catalogue(void)
{
    static uint8_t text[1 << 18];
    int fd = open(SOURCE_DIR "/deploy/catalogue.yaml", O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, text, sizeof text);
    struct command *command;

    CHECK(len > 0 && (size_t)len < sizeof text);
    close(fd);
    command = command_new(COMMAND_LOAD_CATALOGUE, text, (size_t)len);
    command->load_catalogue.text = (struct bytes){command->frame.at, command->frame.len};
    propose(command);
}

static void
add_institution(const char *code, uint16_t sector)
{
    struct command *command = command_new(COMMAND_ADD_INSTITUTION, NULL, 0);

    strcpy(command->add_institution.institution.code, code);
    command->add_institution.institution.sector = sector;
    propose(command);
}

static uint32_t
institution_id(const char *code)
{
    return roster_by_code(world.broker->roster, bytes_of(code))->id;
}

static void
add_key(const struct client *client)
{
    struct command *command = command_new(COMMAND_ADD_KEY, NULL, 0);

    memset(command->key.key, client->key, KEY_LEN);
    command->key.row.institution = institution_id(client->institution);
    command->key.row.role = client->role;
    propose(command);
}

static void
integrate(const char *code)
{
    struct command *command = command_new(COMMAND_INTEGRATE, NULL, 0);

    command->integrate.institution = institution_id(code);
    command->integrate.items_len = 1;
    command->integrate.items = xcalloc(1, sizeof *command->integrate.items);
    command->integrate.items[0] = (struct integrate_request){
        .niss = NISS,
        .quality = 1,
        .begin = 20261119,
        .proof = {.last_name = bytes_of("Doe"),
                  .first_name = bytes_of("Jan"),
                  .birth_date = 19660410},
    };
    propose(command);
}

static void
open_broker(void)
{
    const struct stage_network network = {take_frame, lose, NULL};
    struct faults faults = {0};

    stage_begin(&network);
    world.elapsed_us = SECOND_US;
    pass_time(0);
    if (broker_open(&world.settings, &world.broker, &faults) != VG_OK) {
        fprintf(stderr, "%s\n", faults.fault[0].why.text);
        abort();
    }
}

static void
keep_template(void)
{
    int fd = open(world.data, O_RDONLY | O_CLOEXEC);
    struct stat about;

    CHECK(fd >= 0 && fstat(fd, &about) == 0);
    world.template_len = (size_t)about.st_size;
    world.template = malloc(world.template_len);
    CHECK(world.template != NULL);
    CHECK(read(fd, world.template, world.template_len) == about.st_size);
    close(fd);
}

// LMDB maps the file: it is closed while it is written.
static void
begin_again(void)
{
    int fd;

    broker_close(&world.broker);
    fd = open(world.data, O_WRONLY | O_TRUNC | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(write(fd, world.template, world.template_len) == (ssize_t)world.template_len);
    close(fd);
    open_broker();
}

static void
end(void)
{
    broker_close(&world.broker);
    folder_remove(world.folder);
    free(world.template);
}

static void
begin(void)
{
    folder_make(world.folder, sizeof world.folder);
    snprintf(world.data, sizeof world.data, "%s/data.mdb", world.folder);
    settings_defaults(&world.settings);
    strcpy(world.settings.store_path, world.folder);
    world.settings.http_endpoint[0] = world.settings.run_dir[0] = 0;
    world.settings.catalogue_file[0] = 0;
    world.settings.map_bytes = UINT64_C(64) << 20;
    world.settings.disk_reserve_bytes = 0;
    world.settings.scrub_bytes_per_second = 0; // no second thread on this stage
    world.settings.test_persons = true;
    open_broker();
    load_catalogue();
    add_institution("RN", 1);
    add_institution("CPAS-1", SECTOR_CPAS);
    add_institution("CPAS-2", SECTOR_CPAS);
    for (size_t i = 0; i < 4; i++) {
        add_key(&clients[i]);
    }
    integrate("CPAS-1");
    world.commits = world.broker->last_commit;
    broker_close(&world.broker);
    keep_template();
    open_broker();
    atexit(end);
}

// ---- moves ----

static void
hand_over(struct client *client, struct bytes frame)
{
    uint8_t key[KEY_LEN];
    uint32_t id;

    memset(key, client->key, KEY_LEN);
    id = stage_admit(key);
    CHECK(id != 0);
    stage_hand_over(client->door, client->connection, id, key, frame);
    stage_end_turn(client->door);
}

static void
say(struct client *client, bool hasty, struct bytes frame)
{
    if (client->connection == 0) {
        client->connection = ++world.last_connection;
        client->reads_not = false;
        if (!hasty) {
            struct buffer hello = say_hello();

            hand_over(client, (struct bytes){hello.at, hello.len});
            buffer_free(&hello);
        }
    }
    if (client->connection != 0) { // still
        hand_over(client, frame);
    }
}

static struct bytes
take(struct bytes *rest, size_t len)
{
    struct bytes taken = {rest->at, len < rest->len ? len : rest->len};

    rest->at += taken.len;
    rest->len -= taken.len;
    return taken;
}

static struct bytes
take_input_frame(struct bytes *rest)
{
    struct bytes len = take(rest, 2);
    uint16_t frame_len = 0;

    memcpy(&frame_len, len.at, len.len);
    return take(rest, frame_len);
}

static void
move(uint8_t what, struct bytes *rest)
{
    struct client *client = &clients[what / 8 % 8 % ARRAY_LEN(clients)];

    pass_time(1000);
    switch (what % 8) {
    case 0:
        commit();
        break;
    case 1:
        pass_time(SECOND_US);
        call(world.broker->second);
        break;
    case 2:
        pass_time(PULSE_US);
        call(world.broker->pulse);
        break;
    case 3:
        go_on();
        break;
    case 4:
        client->connection = 0;
        break;
    case 5:
        client->reads_not = !client->reads_not;
        break;
    default:
        say(client, (what & HASTY) != 0, take_input_frame(rest));
    }
}

// Everybody is gone, and what they asked for is done.
static void
settle(void)
{
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i].connection = 0;
    }
    while (sessions_len(world.broker->sessions) > 0) {
        broker_kill(world.broker, sessions_first(world.broker->sessions), "over");
    }
    while (world.broker->proposed > 0) {
        ride_end(world.broker);
        CHECK(proposals_load(world.broker->proposals).commands > 0);
        commit();
    }
    broker_end_turn(world.broker);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct bytes rest = {at, len};
    struct check_report report;

    if (world.template == NULL) {
        begin();
    }
    for (int moves = 0; rest.len > 0 && moves < MOVES_MAX; moves++) {
        move(take(&rest, 1).at[0], &rest);
    }
    settle();
    if (world.broker->last_commit != world.commits) {
        CHECK(store_check(world.broker->store, &report, NULL, NULL, NULL) == VG_OK);
        CHECK(report.faults.total == 0);
        begin_again();
    }
    return 0;
}
