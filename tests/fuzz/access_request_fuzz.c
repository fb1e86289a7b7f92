// SPDX-License-Identifier: EUPL-1.2
// Goal: any bytes are a request whose values are in range, or faults; and whatever is answered
// is XML that fits on the way back.
// Method: what was read is answered as YES, as a refusal and as a fault; each is read as XML.
#include <libxml/parser.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "reply.h"
#include "xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

// A reply is longer than what may come in, so it is not read by xml_open.
static void
check_xml(char *text)
{
    xmlDoc *document;

    CHECK(text != NULL);
    document = xmlReadMemory(text, (int)strlen(text), NULL, NULL,
                             XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    CHECK(document != NULL);
    xmlFreeDoc(document);
    free(text);
}

static void
check_range(const struct access_request *request)
{
    CHECK(request->understood && request->action != ACCESS_NO_ACTION);
    CHECK(request->niss <= 99999999999 && request->purpose <= 999);
    CHECK(request->purpose > 0 || request->action == ACCESS_LIST);
    CHECK(request->begin > 0 && request->begin <= 99999999 && request->end <= 99999999);
    CHECK(request->proof.birth_date <= 99999999);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static const struct vg_integration row = {
        .sector = 17, .institution = "CPAS-1", .quality = 2, .begin = 1, .end = 99991231};
    static const struct vg_reply reply = {
        .verdict = VG_WARNING, .ticket = 1, .integrations_len = 1, .integrations = &row};
    struct access_request request;

    access_request_read((const char *)at, len, len % 2 == 1, &request);
    CHECK(request.understood || request.faults_len > 0);
    if (request.faults_len == 0) {
        check_range(&request);
        check_xml(access_reply_write(&request, &reply, 0, 0));
        return 0;
    }
    for (size_t i = 0; i < request.faults_len; i++) {
        CHECK(request.faults[i].sentence[0] != '\0' && request.faults[i].status != VG_OK);
    }
    check_xml(access_refusal_write(&request));
    check_xml(access_fault_write(&request, true, request.faults, request.faults_len));
    return 0;
}
