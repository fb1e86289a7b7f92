// SPDX-License-Identifier: EUPL-1.2
// Goal: what an item of the journal says can be read in its JSON object; one that cannot be
// read gives its kind and nothing else.
// Method: items put into a record and taken out again, then compared as text.
#include "edge/export_items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store/held.h"

#include <cmocka.h>

// The item as it is exported, members in order. Gives: free.
static char *
exported(enum journal_kind kind, const void *bytes, size_t len, const void *more,
         size_t more_len)
{
    struct roster *roster = roster_new();
    struct institution rn = {.id = 1, .sector = 1, .code = "RN"};
    struct institution cpas = {.id = 5, .sector = 17, .code = "CPAS-A"};
    struct buffer bytes_of_item = {0};
    struct journal_item item = {.kind = kind};
    json_t *json;
    char *text;

    roster_put(roster, &rn);
    roster_put(roster, &cpas);
    buffer_add(&bytes_of_item, bytes, len);
    buffer_add(&bytes_of_item, more, more_len);
    item.bytes = (struct bytes){bytes_of_item.at, bytes_of_item.len};
    json = export_item(&item, roster);
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    buffer_free(&bytes_of_item);
    roster_free(&roster);
    return text;
}

static void
assert_exported(char *text, const char *expected)
{
    assert_string_equal(text, expected);
    free(text);
}

static void
an_event_names_its_recipients_and_why(void **state)
{
    struct journal_event event = {.ticket = 9,
                                  .niss = 66641066692,
                                  .number = 3,
                                  .source = 1,
                                  .producer = 2,
                                  .catalogue = 1,
                                  .flow = 4,
                                  .recipients = 1,
                                  .fields = 2};
    struct journal_recipient recipient = {.number = 7,
                                          .mailbox = 5,
                                          .institution = 5,
                                          .quality = 30,
                                          .withheld = 1,
                                          .begin = day_of(2026, 11, 1).number,
                                          .end = day_of(2027, 10, 31).number};

    (void)state;
    assert_exported(
        exported(JOURNAL_EVENT, &event, sizeof event, &recipient, sizeof recipient),
        "{\"kind\":\"event\",\"ticket\":9,\"flow\":4,\"niss\":\"66641066692\","
        "\"source\":\"RN\",\"producer\":2,\"number\":3,\"catalogue\":1,\"fields\":2,"
        "\"withheld_all\":false,\"recipients\":[{\"institution\":\"CPAS-A\","
        "\"mailbox\":5,\"number\":7,\"withheld\":1,\"quality\":30,"
        "\"begin\":\"2026-11-01\",\"end\":\"2027-10-31\"}]}");
    event = (struct journal_event){.ticket = 9, .flow = 40}; // the broker's own
    assert_exported(exported(JOURNAL_EVENT, &event, sizeof event, NULL, 0),
                    "{\"kind\":\"event\",\"ticket\":9,\"flow\":40,\"niss\":null,"
                    "\"source\":\"VIGIE\",\"producer\":0,\"number\":0,\"catalogue\":0,"
                    "\"fields\":0,\"withheld_all\":false,\"recipients\":[]}");
}

static void
who_asked_about_whom_and_who_parked_what(void **state)
{
    struct journal_directory directory = {.ticket = 8,
                                          .niss = 1234567890,
                                          .actor = 5,
                                          .institution = 5,
                                          .act = ACT_CONSULT};
    struct journal_held held = {.letter = {.number = 6},
                                .subject = HELD_ENTERPRISE | 403019261,
                                .mailbox = 5,
                                .reason_len = 6};
    struct journal_acknowledge acknowledge = {
        .through = 4, .count = 2, .mailbox = 5, .one = ACKNOWLEDGED_THROUGH};

    (void)state;
    assert_exported(exported(JOURNAL_DIRECTORY, &directory, sizeof directory, NULL, 0),
                    "{\"kind\":\"directory\",\"ticket\":8,\"act\":\"consult\","
                    "\"niss\":\"01234567890\",\"actor\":\"CPAS-A\",\"status\":\"OK\"}");
    assert_exported(exported(JOURNAL_PARK, &held, sizeof held, "unread", 6),
                    "{\"kind\":\"park\",\"mailbox\":5,\"number\":6,\"about\":403019261,"
                    "\"actor\":0,\"attempts\":0,\"reason\":\"unread\"}");
    assert_exported(
        exported(JOURNAL_ACKNOWLEDGE, &acknowledge, sizeof acknowledge, NULL, 0),
        "{\"kind\":\"acknowledge\",\"mailbox\":5,\"number\":4,\"count\":2,"
        "\"which\":\"through\"}");
}

static void
what_does_not_read_gives_its_kind(void **state)
{
    struct journal_held held = {.mailbox = 5, .reason_len = 6};

    (void)state;
    assert_exported(exported(JOURNAL_PARK, &held, sizeof held, "short", 5),
                    "{\"kind\":\"park\"}");
    assert_exported(exported(JOURNAL_ADMIN, "x", 1, NULL, 0), "{\"kind\":\"admin\"}");
    assert_exported(exported((enum journal_kind)12, "x", 1, NULL, 0), "{\"kind\":12}");
    assert_exported(exported((enum journal_kind)255, "x", 1, NULL, 0), "{\"kind\":255}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_names_its_recipients_and_why),
        cmocka_unit_test(who_asked_about_whom_and_who_parked_what),
        cmocka_unit_test(what_does_not_read_gives_its_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
