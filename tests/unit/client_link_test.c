// SPDX-License-Identifier: EUPL-1.2
// Goal: frames come and go, and each end of a connection says why; one descriptor tells of
// both, a link that is closed has neither, and can be opened again.
// Method: a link alone against a broker of few words.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <string.h>
#include <cmocka.h>

#include "address.h"
#include "clock.h"
#include "fake_broker.h"
#include "link.h"

struct scene {
    struct fake_broker *broker;
    struct vg_link link;
};

static void
begin(struct scene *scene)
{
    scene->broker = fake_broker_start();
    assert_int_equal(vg_link_init(&scene->link, NULL), VG_OK);
}

static void
end(struct scene *scene)
{
    vg_link_end(&scene->link);
    fake_broker_stop(&scene->broker);
}

static void
open_link(struct scene *scene)
{
    assert_int_equal(vg_link_open(&scene->link, fake_broker_address(scene->broker), NULL),
                     VG_OK);
}

// The next event; fails the test when none comes.
static enum vg_link_event
next_event(struct scene *scene)
{
    int64_t until = vg_clock_ms() + FAKE_WAIT_MS;
    enum vg_link_event event;

    while ((event = vg_link_event(&scene->link)) == VG_LINK_QUIET) {
        struct pollfd fd = {scene->link.epoll_fd, POLLIN, 0};

        assert_true(vg_clock_ms() < until);
        assert_int_equal(poll(&fd, 1, FAKE_WAIT_MS), 1);
    }
    return event;
}

static bool
send_hello(struct scene *scene)
{
    Vigie__V1__Hello hello = VIGIE__V1__HELLO__INIT;
    Vigie__V1__ToBroker message = VIGIE__V1__TO_BROKER__INIT;
    zmq_msg_t frame;

    hello.version = 1;
    hello.client = "link";
    message.message_case = VIGIE__V1__TO_BROKER__MESSAGE_HELLO;
    message.hello = &hello;
    assert_int_equal(
        zmq_msg_init_size(&frame, vigie__v1__to_broker__get_packed_size(&message)), 0);
    (void)vigie__v1__to_broker__pack(&message, zmq_msg_data(&frame));
    return vg_link_send(&scene->link, &frame);
}

static void
take_welcome(struct scene *scene)
{
    Vigie__V1__ToClient *message;
    zmq_msg_t frame;

    assert_int_equal(zmq_msg_init(&frame), 0);
    while (!vg_link_receive(&scene->link, &frame)) {
        struct pollfd fd = {scene->link.epoll_fd, POLLIN, 0};

        assert_int_equal(poll(&fd, 1, FAKE_WAIT_MS), 1);
        (void)vg_link_has_input(&scene->link); // or the descriptor stays readable
    }
    message =
        vigie__v1__to_client__unpack(NULL, zmq_msg_size(&frame), zmq_msg_data(&frame));
    assert_non_null(message);
    assert_int_equal(message->message_case, VIGIE__V1__TO_CLIENT__MESSAGE_WELCOME);
    vigie__v1__to_client__free_unpacked(message, NULL);
    assert_int_equal(zmq_msg_close(&frame), 0);
}

static void
frames_come_and_go_on_each_of_its_connections(void **state)
{
    struct scene scene;

    (void)state;
    begin(&scene);
    for (int i = 0; i < 2; i++) {
        open_link(&scene);
        assert_true(send_hello(&scene));
        take_welcome(&scene);
        assert_int_equal(vg_link_event(&scene.link), VG_LINK_QUIET);
        vg_link_close(&scene.link, 0);
    }
    end(&scene);
}

static void
a_closed_one_has_nothing(void **state)
{
    struct scene scene;
    zmq_msg_t frame;

    (void)state;
    begin(&scene);
    open_link(&scene);
    vg_link_close(&scene.link, 0);
    assert_int_equal(zmq_msg_init(&frame), 0);
    assert_false(vg_link_receive(&scene.link, &frame));
    assert_int_equal(vg_link_event(&scene.link), VG_LINK_QUIET);
    assert_false(vg_link_has_input(&scene.link));
    vg_link_close(&scene.link, 0); // and once more
    end(&scene);
}

static void
what_is_no_address_leaves_it_closed(void **state)
{
    struct vg_address address;
    struct vg_error error;
    struct scene scene;

    (void)state;
    begin(&scene);
    address = *fake_broker_address(scene.broker);
    address.endpoint = "127.0.0.1 port 7461";
    assert_int_equal(vg_link_open(&scene.link, &address, &error), VG_MALFORMED);
    assert_non_null(strstr(error.sentence, "127.0.0.1 port 7461"));
    assert_null(scene.link.dealer);
    address = *fake_broker_address(scene.broker);
    address.own_secret = "short";
    assert_int_equal(vg_link_open(&scene.link, &address, &error), VG_MALFORMED);
    assert_null(scene.link.dealer);
    end(&scene);
}

static void
each_end_says_why(void **state)
{
    static const struct {
        int zap_status;
        enum vg_link_event event;
    } keys[] = {{400, VG_LINK_KEY_UNKNOWN}, {500, VG_LINK_KEY_REVOKED}};
    struct fake_manners manners;
    struct scene scene;

    (void)state;
    begin(&scene);
    open_link(&scene);
    assert_true(send_hello(&scene));
    take_welcome(&scene);
    fake_broker_drop(scene.broker);
    assert_int_equal(next_event(&scene), VG_LINK_LOST);
    vg_link_close(&scene.link, 0);
    manners = fake_broker_manners(scene.broker);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        manners.zap_status = keys[i].zap_status;
        fake_broker_set(scene.broker, &manners);
        open_link(&scene);
        assert_int_equal(next_event(&scene), keys[i].event);
        vg_link_close(&scene.link, 0);
    }
    end(&scene);
}

static void
a_wrong_key_of_the_broker_is_no_handshake(void **state)
{
    struct vg_address address;
    struct scene scene;

    (void)state;
    begin(&scene);
    address = *fake_broker_address(scene.broker);
    address.broker_public = address.own_public;
    assert_int_equal(vg_link_open(&scene.link, &address, NULL), VG_OK);
    assert_int_equal(next_event(&scene), VG_LINK_NO_HANDSHAKE);
    end(&scene);
}

// The broker's own port once it is gone: free, and nobody listens.
static void
nobody_there_is_told(void **state)
{
    struct vg_address *address = NULL;
    struct scene scene;

    (void)state;
    begin(&scene);
    assert_int_equal(vg_address_copy(fake_broker_address(scene.broker), &address, NULL),
                     VG_OK);
    fake_broker_stop(&scene.broker);
    assert_int_equal(vg_link_open(&scene.link, address, NULL), VG_OK);
    assert_int_equal(next_event(&scene), VG_LINK_NOBODY);
    vg_address_free(&address);
    vg_link_end(&scene.link);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_and_go_on_each_of_its_connections),
        cmocka_unit_test(a_closed_one_has_nothing),
        cmocka_unit_test(what_is_no_address_leaves_it_closed),
        cmocka_unit_test(each_end_says_why),
        cmocka_unit_test(a_wrong_key_of_the_broker_is_no_handshake),
        cmocka_unit_test(nobody_there_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
