// SPDX-License-Identifier: EUPL-1.2
// Goal: the broker is ready only when everything is, says what is wrong with all of it when
// it is not, and stops without losing an answer.
// Method: a real broker is opened and closed over one folder; settings are spoiled one by
// one.
#include "edge/broker.h"

#include "world.h"

static enum vg_status
open_spoiled(struct world *world, struct faults *faults)
{
    struct broker *broker = NULL;
    enum vg_status status = broker_open(&world->settings, &broker, faults);

    assert_null(broker);
    return status;
}

static void
says_in_a_file_where_it_listens(void **state)
{
    struct world *world = *state;
    char path[128];
    char text[512] = {0};
    FILE *file = fopen(scratch_file(&world->scratch, "vigied.ready", path), "r");

    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_non_null(strstr(text, door_endpoint(world->broker->sources)));
    assert_non_null(strstr(text, door_endpoint(world->broker->members)));
    assert_non_null(strstr(text, world->broker_key.public_text));
    assert_null(strstr(text, world->broker_key.secret_text));
    world_stop(world);
    assert_int_not_equal(access(path, F_OK), 0);
    world_start(world);
}

static void
says_what_keeps_it_from_starting(void **state)
{
    struct world *world = *state;
    struct settings good = world->settings;
    struct faults faults = {0};

    // The store is open already, in this process.
    assert_int_equal(open_spoiled(world, &faults), VG_STORE_IN_USE);
    assert_int_equal(faults.fault[0].status, VG_STORE_IN_USE);
    world_stop(world);

    memset(&faults, 0, sizeof faults);
    snprintf(world->settings.key_file, SETTING_TEXT_LEN, "/nonexistent/key");
    assert_int_equal(open_spoiled(world, &faults), VG_BAD_FILE);
    assert_non_null(strstr(faults.fault[0].why.text, "/nonexistent/key"));

    world->settings = good;
    memset(&faults, 0, sizeof faults);
    snprintf(world->settings.sources_endpoint, SETTING_TEXT_LEN, "tcp://nowhere");
    assert_int_equal(open_spoiled(world, &faults), VG_BAD_SETTINGS);
    assert_non_null(strstr(faults.fault[0].why.text, "tcp://nowhere"));

    world->settings = good;
    memset(&faults, 0, sizeof faults);
    snprintf(world->settings.catalogue_file, SETTING_TEXT_LEN, "%s", good.key_file);
    assert_int_equal(open_spoiled(world, &faults), VG_BAD_CATALOGUE);
    assert_true(faults.len > 0);

    world->settings = good;
    world_start(world);
}

// A copy of the catalogue with one line more.
static void
copy_changed(struct world *world, char ret_path[128])
{
    FILE *from = fopen(world->settings.catalogue_file, "r");
    FILE *to = fopen(scratch_file(&world->scratch, "catalogue.yaml", ret_path), "w");
    int letter;

    assert_non_null(from);
    assert_non_null(to);
    while ((letter = fgetc(from)) != EOF) {
        fputc(letter, to);
    }
    fputs("# changed\n", to);
    fclose(from);
    fclose(to);
}

static void
a_changed_catalogue_file_is_in_force_before_the_doors_open(void **state)
{
    struct world *world = *state;
    struct txn *txn = NULL;
    struct meta meta;
    char path[128];

    copy_changed(world, path);
    world_stop(world);
    snprintf(world->settings.catalogue_file, SETTING_TEXT_LEN, "%s", path);
    world_start(world);
    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    assert_int_equal(meta.catalogue, 2);
    store_abort(&txn);
    world_stop(world);
    world_start(world); // the same again is no news
    assert_int_equal(store_read(world->broker->store, &txn, NULL), VG_OK);
    assert_int_equal(meta_get(txn, &meta, NULL), VG_OK);
    assert_int_equal(meta.catalogue, 2);
    store_abort(&txn);
}

static void
reloads_a_changed_catalogue_while_it_runs(void **state)
{
    struct world *world = *state;
    const struct catalogue *before = world->broker->catalogue;
    char path[128];
    FILE *to;

    copy_changed(world, path);
    broker_reload(world->broker);
    assert_int_equal(world->broker->proposed, 0); // nothing has changed
    snprintf(world->settings.catalogue_file, SETTING_TEXT_LEN, "%s", path);
    broker_reload(world->broker);
    WORLD_UNTIL(world, world->broker->catalogue != before);

    to = fopen(path, "a");
    assert_non_null(to);
    fputs("nonsense: true\n", to);
    fclose(to);
    before = world->broker->catalogue;
    broker_reload(world->broker);
    WORLD_UNTIL(world, world->broker->proposed == 0);
    assert_ptr_equal(world->broker->catalogue, before); // a wrong one changes nothing
}

static void
answers_what_is_queued_before_it_ends(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer stranger;
    uint64_t refused = metrics.handshakes_refused;
    Vigie__V1__ToClient *message;

    world_integrate(world, world->cpas_1);
    for (uint64_t i = 0; i < 20; i++) {
        peer_publish(&source, 1 + 50 * i, 50);
    }
    WORLD_UNTIL(world, sessions_first(world->broker->sessions)->published == 1000);
    broker_drain(world->broker);
    broker_drain(world->broker); // twice is once
    stranger = peer_open(world, world->broker->sources, &world->source);
    assert_int_equal(broker_run(world->broker), 0);
    assert_int_equal(world->broker->proposed, 0);
    assert_int_equal(world_last_number(world, 1), 1000);

    size_t published = 0;
    size_t goodbyes = 0;

    while (published < 20 || goodbyes < 1) {
        zmq_msg_t frame;
        int patience_ms = WORLD_PATIENCE_MS;

        zmq_setsockopt(source.socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
        zmq_msg_init(&frame);
        assert_true(zmq_msg_recv(&frame, source.socket, 0) > 0);
        message = vigie__v1__to_client__unpack(NULL, zmq_msg_size(&frame),
                                               zmq_msg_data(&frame));
        published += message->message_case == VIGIE__V1__TO_CLIENT__MESSAGE_PUBLISHED;
        goodbyes += message->message_case == VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE;
        vigie__v1__to_client__free_unpacked(message, NULL);
        zmq_msg_close(&frame);
    }
    // Whoever comes now is told to come back later.
    WORLD_UNTIL(world, metrics.handshakes_refused > refused);
    peer_close(&source);
    peer_close(&stranger);
}

static void
waits_for_what_members_still_acknowledge(void **state)
{
    struct world *world = *state;
    struct peer source = peer_enter(world, world->broker->sources, &world->source);
    struct peer member = peer_enter(world, world->broker->members, &world->member);

    world_integrate(world, world->cpas_1);
    peer_subscribe(&member, 0, 10);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_SUBSCRIBED);
    peer_publish(&source, 1, 2);
    peer_expect_published(&source, 2);
    assert_int_equal(peer_take(&member, 0, 2), 0);
    broker_drain(world->broker);
    peer_expect(&member, VIGIE__V1__TO_CLIENT__MESSAGE_GOODBYE);
    peer_acknowledge(&member, 0, 2);
    assert_int_equal(broker_run(world->broker), 0);
    assert_int_equal(world_row(world, world->cpas_1).acknowledged, 2);
    peer_close(&source);
    peer_close(&member);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
        IN_A_WORLD(says_in_a_file_where_it_listens),
        IN_A_WORLD(says_what_keeps_it_from_starting),
        IN_A_WORLD(a_changed_catalogue_file_is_in_force_before_the_doors_open),
        IN_A_WORLD(reloads_a_changed_catalogue_while_it_runs),
        IN_A_WORLD(answers_what_is_queued_before_it_ends),
        IN_A_WORLD(waits_for_what_members_still_acknowledge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
