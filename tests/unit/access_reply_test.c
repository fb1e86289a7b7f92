// SPDX-License-Identifier: EUPL-1.2
// Goal: a reply has the elements of the service's schemas, says everything the broker said, and
// is wrapped as the request was.
// Method: answers of a broker as the client library gives them; the text is searched, and read
// as XML.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "reply.h"
#include "xml.h"

static const struct access_request question = {
    .understood = true,
    .reference = "case <7>",
    .time_request = "20261120T101112",
    .niss = 66641066692,
    .purpose = 2,
    .begin = 20261101,
    .end = 20261130,
    .action = ACCESS_LIST,
    .level = VG_LEVEL_ALL,
};

static const struct vg_integration rows[] = {
    {.sector = 17, .institution = "", .begin = 20260101, .end = 99991231},
    {.sector = 17,
     .institution = "CPAS-21004",
     .quality = 2,
     .begin = 20261101,
     .end = 20261101},
    {.sector = 17,
     .institution = "CPAS-62063",
     .quality = 7,
     .begin = 20261101,
     .end = 99991231},
    {.sector = 17,
     .institution = "CPAS-25072",
     .quality = 2,
     .begin = 20261201,
     .end = 20270101},
    {.sector = 17,
     .institution = "CPAS-91013",
     .quality = 2,
     .begin = 20260101,
     .end = 20261031},
};

static void
has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("no %s in\n%s", words, text);
    }
}

static void
has_not(const char *text, const char *words)
{
    if (strstr(text, words) != NULL) {
        fail_msg("%s in\n%s", words, text);
    }
}

static void
is_xml(const char *text)
{
    xmlDoc *document = NULL;
    struct vg_error error = {0};

    assert_int_equal(xml_open(text, strlen(text), &document, &error), VG_OK);
    xml_close(&document);
}

static void
a_list_shows_what_lies_in_the_period_and_has_the_purpose(void **state)
{
    const struct vg_reply reply = {
        .ticket = 4711, .integrations_len = 5, .integrations = rows};
    char *text = access_reply_write(&question, &reply, 1000000000, 1000000001);

    (void)state;
    is_xml(text);
    has(text, "ok=\"YES\"><c:ReturnCode>0</c:ReturnCode>");
    has(text, "<Reference>case &lt;7&gt;</Reference><Ticket>4711</Ticket>"
              "<TimeRequest>20261120T101112</TimeRequest>"
              "<TimeReceive>20010909T014640</TimeReceive>"
              "<TimeResponse>20010909T014641</TimeResponse>");
    has(text, "<m:SSIN>66641066692</m:SSIN><m:Purpose>2</m:Purpose>");
    has(text, "<m:Action>LIST</m:Action><m:Register>ALL</m:Register>");
    has(text, "<c:EndDate>9999-12-31</c:EndDate></m:Period><m:OrgUnit>17</m:OrgUnit>"
              "<m:Register>PRIMARY</m:Register>");
    has(text,
        "<c:StartDate>2026-11-01</c:StartDate><c:EndDate>2026-11-01</c:EndDate>"
        "</m:Period><m:OrgUnit>21004</m:OrgUnit><m:Register>SECONDARY</m:Register>");
    has_not(text, "62063"); // another purpose
    has_not(text, "25072"); // begins after the period
    has_not(text, "91013"); // ended before it
    free(text);
}

static void
an_open_period_and_no_purpose_show_everything_later(void **state)
{
    const struct vg_reply reply = {.integrations_len = 5, .integrations = rows};
    struct access_request open = question;
    char *text;

    (void)state;
    open.end = 0;
    open.purpose = 0;
    text = access_reply_write(&open, &reply, 0, 0);
    has(text, "62063");
    has(text, "25072");
    has_not(text, "91013");
    free(text);
}

static void
a_registration_shows_every_overlap_and_says_so(void **state)
{
    static const struct vg_error fault = {VG_REPLACED, "niss: it was replaced"};
    const struct vg_item_result result = {
        .verdict = VG_WARNING, .faults_len = 1, .faults = &fault};
    const struct vg_reply reply = {.verdict = VG_WARNING,
                                   .ticket = 1,
                                   .results_len = 1,
                                   .results = &result,
                                   .integrations_len = 2,
                                   .integrations = &rows[2]};
    struct access_request request = question;
    char *text;

    (void)state;
    request.action = ACCESS_REGISTER;
    text = access_reply_write(&request, &reply, 0, 0);
    has(text, "ok=\"WARNING\"><c:ReturnCode>1</c:ReturnCode>");
    has(text, "<c:Severity>WARNING</c:Severity><c:ReasonCode>REPLACED</c:ReasonCode>");
    has(text, "62063");
    has(text, "25072"); // the period of a REGISTER is not the reader's question
    has_not(text, "<m:Register>ALL");
    free(text);
}

static void
a_refusal_has_every_fault_with_its_element(void **state)
{
    static const struct vg_error faults[] = {
        {VG_BAD_NISS, "niss: 66********* has the wrong check digits"},
        {VG_PROOF_WRONG, "identity_card: it has the wrong check digits"},
        {VG_TOO_FAR, "begin: 2126-01-01 is more than a year ahead"},
        {VG_BUSY, "nothing in front"},
    };
    const struct vg_item_result result = {
        .verdict = VG_NO, .faults_len = 4, .faults = faults};
    const struct vg_reply reply = {
        .verdict = VG_NO, .ticket = 9, .results_len = 1, .results = &result};
    char *text = access_reply_write(&question, &reply, 0, 0);

    (void)state;
    is_xml(text);
    has(text, "ok=\"NO\"><c:ReturnCode>10000</c:ReturnCode>");
    has(text, "<c:Severity>ERROR</c:Severity><c:ReasonCode>BAD_NISS</c:ReasonCode>");
    has(text, "<c:FieldName>SSIN</c:FieldName>");
    has(text, "<c:FieldName>IdentityCardNumber</c:FieldName>");
    has(text, "<c:FieldName>StartDate</c:FieldName>");
    has(text, "<c:Diagnostic>nothing in front</c:Diagnostic>"
              "<c:AuthorCodeList>VIGIE</c:AuthorCodeList></c:Detail>");
    free(text);
}

static void
the_reply_is_wrapped_as_the_request_was(void **state)
{
    const struct vg_reply reply = {.ticket = 1};
    struct access_request request = question;
    char *text;

    (void)state;
    request.envelope = ACCESS_SOAP;
    text = access_reply_write(&request, &reply, 0, 0);
    is_xml(text);
    has(text, "<s:Body><SSDNReply ");
    free(text);
    request.envelope = ACCESS_CONNECTOR;
    text = access_reply_write(&request, &reply, 0, 0);
    is_xml(text);
    has(text, "\">&lt;SSDNReply xmlns=");
    has(text,
        "<xmlString xmlns=\"http://ksz-bcss.fgov.be/connectors/WebServiceConnector");
    free(text);
}

static void
what_never_reached_the_broker_has_no_ticket(void **state)
{
    struct access_request request = question;
    char *text;

    (void)state;
    request.faults_len = 2;
    request.faults[0] = (struct vg_error){VG_MALFORMED, "Action: missing"};
    request.faults[1] = (struct vg_error){VG_BAD_DATE, "EndDate: it is none"};
    text = access_refusal_write(&request);
    is_xml(text);
    has_not(text, "<Ticket>");
    has(text, "<c:FieldName>Action</c:FieldName>");
    has(text, "<c:FieldName>EndDate</c:FieldName>");
    has(text, "<ServiceId>OCMWCPASManageAccess</ServiceId><Version>20050930</Version>");
    free(text);
}

static void
a_fault_is_soap_where_soap_was_spoken(void **state)
{
    static const struct vg_error error = {VG_TIMED_OUT, "no answer in time"};
    struct access_request request = question;
    char *text;

    (void)state;
    text = access_fault_write(&request, false, &error, 1);
    is_xml(text);
    has(text, "<ReplyContext><c:ResultSummary");
    has(text, "TIMED_OUT");
    free(text);
    request.envelope = ACCESS_CONNECTOR;
    text = access_fault_write(&request, false, &error, 1);
    is_xml(text);
    has(text, "<faultcode>s:Server</faultcode><faultstring>no answer in time<");
    free(text);
    text = access_fault_write(&request, true, &error, 1);
    has(text, "<faultcode>s:Client</faultcode>");
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_shows_what_lies_in_the_period_and_has_the_purpose),
        cmocka_unit_test(an_open_period_and_no_purpose_show_everything_later),
        cmocka_unit_test(a_registration_shows_every_overlap_and_says_so),
        cmocka_unit_test(a_refusal_has_every_fault_with_its_element),
        cmocka_unit_test(the_reply_is_wrapped_as_the_request_was),
        cmocka_unit_test(what_never_reached_the_broker_has_no_ticket),
        cmocka_unit_test(a_fault_is_soap_where_soap_was_spoken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
