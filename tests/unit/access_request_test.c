// SPDX-License-Identifier: EUPL-1.2
// Goal: a request of OCMWCPASManageAccess is read as its schema has it, whatever it is wrapped
// in, and all that is wrong with its form is said at once.
// Method: the messages that known senders write, and each of their mistakes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "request.h"

#define MAR "http://www.ksz-bcss.fgov.be/XSD/SSDN/OCMW_CPAS/ManageAccess"
#define COMMON "http://www.ksz-bcss.fgov.be/XSD/SSDN/Common"
#define SERVICE "http://www.ksz-bcss.fgov.be/XSD/SSDN/Service"
#define SOAP "http://schemas.xmlsoap.org/soap/envelope/"

#define ACCESS(children)                                                                 \
    "<mar:ManageAccessRequest xmlns:mar='" MAR "' xmlns:c='" COMMON "'>" children        \
    "</mar:ManageAccessRequest>"
#define PERIOD                                                                           \
    "<mar:Period><c:StartDate>2026-11-20</c:StartDate>"                                  \
    "<c:EndDate>2026-12-20+01:00</c:EndDate></mar:Period>"
#define PROOF                                                                            \
    "<mar:ProofOfAuthentication><mar:SISCardNumber>1234567890</mar:SISCardNumber>"       \
    "<mar:IdentityCardNumber>000001103271</mar:IdentityCardNumber>"                      \
    "<mar:PersonData><mar:LastName>DUPONT</mar:LastName>"                                \
    "<mar:FirstName>ANNE MARIE</mar:FirstName>"                                          \
    "<mar:BirthDate>1966-04-00</mar:BirthDate></mar:PersonData>"                         \
    "</mar:ProofOfAuthentication>"
#define WHOLE                                                                            \
    ACCESS("<mar:SSIN>66641066692</mar:SSIN><mar:Purpose>2</mar:Purpose>" PERIOD         \
           "<mar:Action>REGISTER</mar:Action><mar:Sector>17</mar:Sector>"                \
           "<mar:QueryRegister>SECONDARY</mar:QueryRegister>" PROOF)
#define SSDN                                                                             \
    "<SSDNRequest xmlns='" SERVICE "'><RequestContext><AuthorizedUser>"                  \
    "<UserID>00901234567</UserID></AuthorizedUser><Message>"                             \
    "<Reference>ManageAccessRequest # 7</Reference>"                                     \
    "<TimeRequest>20261120T101112</TimeRequest></Message></RequestContext>"              \
    "<ServiceRequest><ServiceId>OCMWCPASManageAccess</ServiceId>"                        \
    "<Version>20050930</Version>" WHOLE "</ServiceRequest></SSDNRequest>"
#define ENVELOPE(content)                                                                \
    "<s:Envelope xmlns:s='" SOAP "'><s:Header/><s:Body>" content "</s:Body></"           \
    "s:Envelope>"

static struct access_request
read_text(const char *text)
{
    struct access_request request;

    access_request_read(text, strlen(text), false, &request);
    return request;
}

static void
holds_the_whole(const struct access_request *request, enum access_envelope envelope)
{
    if (request->faults_len > 0) {
        fail_msg("%s", request->faults[0].sentence);
    }
    assert_true(request->understood);
    assert_int_equal(request->envelope, envelope);
    assert_int_equal(request->niss, 66641066692);
    assert_int_equal(request->purpose, 2);
    assert_int_equal(request->begin, 20261120);
    assert_int_equal(request->end, 20261220);
    assert_int_equal(request->action, ACCESS_REGISTER);
    assert_int_equal(request->level, VG_LEVEL_SECONDARY);
    assert_string_equal(request->proof.social_card, "1234567890");
    assert_string_equal(request->proof.identity_card, "000001103271");
    assert_string_equal(request->proof.last_name, "DUPONT");
    assert_string_equal(request->proof.first_name, "ANNE MARIE");
    assert_int_equal(request->proof.birth_date, 19660400);
}

static void
a_request_is_read_in_every_wrapping(void **state)
{
    struct access_request request = read_text(WHOLE);

    (void)state;
    holds_the_whole(&request, ACCESS_BARE);
    assert_string_equal(request.reference, "");
    request = read_text(SSDN);
    holds_the_whole(&request, ACCESS_BARE);
    assert_string_equal(request.reference, "ManageAccessRequest # 7");
    assert_string_equal(request.time_request, "20261120T101112");
    request = read_text(ENVELOPE(WHOLE));
    holds_the_whole(&request, ACCESS_SOAP);
    request = read_text(ENVELOPE(SSDN));
    holds_the_whole(&request, ACCESS_SOAP);
    request = read_text(
        ENVELOPE("<w:xmlString xmlns:w='urn:w'><![CDATA[" SSDN "]]></w:xmlString>"));
    holds_the_whole(&request, ACCESS_CONNECTOR);
}

static void
the_connectors_string_is_under_the_same_rules(void **state)
{
    struct access_request request = read_text(
        ENVELOPE("<xmlString>&lt;!DOCTYPE a [&lt;!ENTITY b SYSTEM 'file:///etc/passwd'>]>"
                 "&lt;ManageAccessRequest>&amp;b;&lt;/ManageAccessRequest></xmlString>"));

    (void)state;
    assert_int_equal(request.envelope, ACCESS_CONNECTOR);
    assert_false(request.understood);
    assert_int_equal(request.faults_len, 1);
    assert_non_null(strstr(request.faults[0].sentence, "DOCTYPE"));
    request = read_text(ENVELOPE("<xmlString>" WHOLE "</xmlString>"));
    assert_false(request.understood);
    assert_non_null(strstr(request.faults[0].sentence, "xmlString: "));
}

static void
a_list_needs_no_purpose_and_an_unregister_no_proof(void **state)
{
    struct access_request request = read_text(
        ACCESS("<mar:SSIN>66641066692</mar:SSIN><mar:Period><c:StartDate>2026-11-20Z"
               "</c:StartDate></mar:Period><mar:Action>LIST</mar:Action>" PROOF));

    (void)state;
    assert_int_equal(request.faults_len, 0);
    assert_int_equal(request.purpose, 0);
    assert_int_equal(request.end, 0);
    assert_int_equal(request.level, VG_LEVEL_ALL);
    request = read_text(ACCESS("<mar:SSIN>66641066692</mar:SSIN><mar:Purpose>002"
                               "</mar:Purpose>" PERIOD
                               "<mar:Action> UNREGISTER </mar:Action>"));
    assert_int_equal(request.faults_len, 0);
    assert_int_equal(request.purpose, 2);
    assert_int_equal(request.action, ACCESS_UNREGISTER);
}

struct wanted_fault {
    enum vg_status status;
    const char *begins;
};

static void
has_faults(const struct access_request *request, const struct wanted_fault *wanted,
           size_t len)
{
    for (size_t i = 0; i < request->faults_len && i < len; i++) {
        if (strncmp(request->faults[i].sentence, wanted[i].begins,
                    strlen(wanted[i].begins)) != 0) {
            fail_msg("fault %zu is \"%s\", wanted \"%s...\"", i,
                     request->faults[i].sentence, wanted[i].begins);
        }
        assert_int_equal(request->faults[i].status, wanted[i].status);
    }
    assert_int_equal(request->faults_len, len);
}

static void
all_that_is_wrong_is_said_at_once(void **state)
{
    static const struct wanted_fault wanted[] = {
        {VG_BAD_NISS, "SSIN: "},
        {VG_MALFORMED, "SSIN: stands there twice"},
        {VG_UNKNOWN_QUALITY, "Purpose: "},
        {VG_BAD_DATE, "StartDate: "},
        {VG_BAD_DATE, "EndDate: "},
        {VG_MALFORMED, "Action: none of REGISTER, UNREGISTER, LIST"},
        {VG_MALFORMED, "QueryRegister: "},
        {VG_BAD_DATE, "BirthDate: "},
        {VG_MALFORMED, "Extra: does not belong in ManageAccessRequest"},
    };
    struct access_request request = read_text(ACCESS(
        "<mar:SSIN>6664106669</mar:SSIN><mar:SSIN>66641066692</mar:SSIN>"
        "<mar:Purpose>x</mar:Purpose><mar:Period><c:StartDate>20/11/2026</c:StartDate>"
        "<c:EndDate>2026-11-20+2</c:EndDate></mar:Period><mar:Action>DELETE</mar:Action>"
        "<mar:QueryRegister>BOTH</mar:QueryRegister><mar:ProofOfAuthentication>"
        "<mar:PersonData><mar:BirthDate>1966-04-10Z</mar:BirthDate></mar:PersonData>"
        "</mar:ProofOfAuthentication><mar:Extra/>"));

    (void)state;
    assert_true(request.understood);
    has_faults(&request, wanted, sizeof wanted / sizeof wanted[0]);
}

static void
everything_that_is_missing_is_named(void **state)
{
    static const struct wanted_fault wanted[] = {{VG_MALFORMED, "SSIN: missing"},
                                                 {VG_MALFORMED, "Period: missing"},
                                                 {VG_MALFORMED, "Purpose: missing"},
                                                 {VG_MALFORMED, "ProofOfAuth"}};
    static const struct wanted_fault parts[] = {{VG_MALFORMED, "StartDate: missing"},
                                                {VG_MALFORMED, "BirthDate: missing"}};
    struct access_request request =
        read_text(ACCESS("<mar:Action>REGISTER</mar:Action>"));

    (void)state;
    has_faults(&request, wanted, 4);
    request = read_text(ACCESS("<mar:SSIN>66641066692</mar:SSIN><mar:Period/>"
                               "<mar:Action>LIST</mar:Action><mar:ProofOfAuthentication>"
                               "<mar:PersonData/></mar:ProofOfAuthentication>"));
    has_faults(&request, parts, 2);
}

static void
faults_never_tell_the_number(void **state)
{
    struct access_request request =
        read_text(ACCESS("<mar:SSIN>666410666921</mar:SSIN>"));

    (void)state;
    for (size_t i = 0; i < request.faults_len; i++) {
        assert_null(strstr(request.faults[i].sentence, "66641066692"));
    }
}

static void
another_service_or_two_requests_are_refused(void **state)
{
    static const struct wanted_fault wanted[] = {{VG_NOT_FOUND, "ServiceId: "},
                                                 {VG_NOT_FOUND, "Version: "}};
    static const struct wanted_fault twice[] = {
        {VG_MALFORMED, "ServiceRequest: stands there twice"}};
    struct access_request request = read_text(
        "<SSDNRequest><ServiceRequest><ServiceId>OCMWCPASIdentifyPerson</ServiceId>"
        "<Version>20080101</Version>" WHOLE "</ServiceRequest></SSDNRequest>");

    (void)state;
    has_faults(&request, wanted, 2);
    request = read_text("<SSDNRequest><ServiceRequest>" WHOLE
                        "</ServiceRequest><ServiceRequest>"
                        "</ServiceRequest></SSDNRequest>");
    has_faults(&request, twice, 1);
}

static void
what_is_no_request_at_all_is_not_understood(void **state)
{
    static const char *const texts[] = {
        "<a/>",
        "<SSDNRequest/>",
        "<SSDNRequest><ServiceRequest/></SSDNRequest>",
        "<s:Envelope xmlns:s='" SOAP "'/>",
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body>" WHOLE
        "</s:Body></s:Envelope>",
        ENVELOPE(""),
        ENVELOPE(WHOLE WHOLE),
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct access_request request = read_text(texts[i]);

        assert_false(request.understood);
        assert_int_equal(request.faults_len, 1);
    }
}

static void
a_sender_of_soap_is_answered_in_soap_even_if_nothing_can_be_read(void **state)
{
    struct access_request request;

    (void)state;
    access_request_read("<", 1, true, &request);
    assert_int_equal(request.envelope, ACCESS_SOAP);
    assert_false(request.understood);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_in_every_wrapping),
        cmocka_unit_test(the_connectors_string_is_under_the_same_rules),
        cmocka_unit_test(a_list_needs_no_purpose_and_an_unregister_no_proof),
        cmocka_unit_test(all_that_is_wrong_is_said_at_once),
        cmocka_unit_test(everything_that_is_missing_is_named),
        cmocka_unit_test(faults_never_tell_the_number),
        cmocka_unit_test(another_service_or_two_requests_are_refused),
        cmocka_unit_test(what_is_no_request_at_all_is_not_understood),
        cmocka_unit_test(
            a_sender_of_soap_is_answered_in_soap_even_if_nothing_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
