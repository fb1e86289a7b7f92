// SPDX-License-Identifier: EUPL-1.2
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "xml.h"

#define SOAP_1_1 "http://schemas.xmlsoap.org/soap/envelope/"
#define SERVICE "OCMWCPASManageAccess"
#define VERSION "20050930"

enum { NISS_DIGITS = 11, QUALITY_MAX = 999 };

static void __attribute__((format(printf, 3, 4)))
add_fault(struct access_request *request, enum vg_status status, const char *format, ...)
{
    struct vg_error *fault;
    va_list words;

    if (request->faults_len == ACCESS_FAULTS_MAX) {
        return;
    }
    fault = &request->faults[request->faults_len++];
    fault->status = status;
    va_start(words, format);
    (void)vsnprintf(fault->sentence, sizeof fault->sentence, format, words);
    va_end(words);
}

// ---- one element and its children ----

// How a child of an element is read. It may stand there once.
struct child {
    const char *name;
    void (*read)(const xmlNode *element,
                 struct access_request *request); // NULL: passed over
};

// What a sender calls his elements is only shown when it is harmless.
static const char *
shown_name(const xmlNode *element)
{
    const char *name = (const char *)element->name;
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    return name[len] == '\0' && len < ACCESS_WORD_SIZE ? name : "an element";
}

static void
read_children(const xmlNode *element, const struct child *children, size_t len,
              struct access_request *request)
{
    unsigned seen = 0;

    for (const xmlNode *node = xml_first(element); node != NULL; node = xml_next(node)) {
        size_t i = 0;

        while (i < len && !xml_is(node, children[i].name)) {
            i++;
        }
        if (i == len) {
            add_fault(request, VG_MALFORMED, "%s: does not belong in %s",
                      shown_name(node), shown_name(element));
        } else if ((seen & 1u << i) != 0) {
            add_fault(request, VG_MALFORMED, "%s: stands there twice", children[i].name);
        } else if (children[i].read != NULL) {
            children[i].read(node, request);
        }
        seen |= i == len ? 0 : 1u << i;
    }
}

static const xmlNode *
child_of(const xmlNode *element, const char *name)
{
    const xmlNode *node = xml_first(element);

    while (node != NULL && !xml_is(node, name)) {
        node = xml_next(node);
    }
    return node;
}

// ---- texts ----

static bool
read_word(const xmlNode *element, char word[ACCESS_WORD_SIZE],
          struct access_request *request)
{
    if (xml_text(element, word, ACCESS_WORD_SIZE)) {
        return true;
    }
    add_fault(request, VG_MALFORMED, "%s: text of less than %d bytes is wanted",
              shown_name(element), ACCESS_WORD_SIZE);
    return false;
}

static bool
is_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static uint64_t
number_of(const char *digits)
{
    uint64_t number = 0;

    for (; *digits >= '0' && *digits <= '9'; digits++) {
        number = number * 10 + (uint64_t)(*digits - '0');
    }
    return number;
}

// 2026-11-20 as 20261120; 0: it is no date. The calendar is the broker's matter.
static uint32_t
date_of(const char *text)
{
    static const char shape[] = "dddd-dd-dd";

    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i]) {
            return 0;
        }
    }
    return (uint32_t)(number_of(text) * 10000 + number_of(text + 5) * 100 +
                      number_of(text + 8));
}

// What may follow the day of an xs:date: nothing, Z, +02:00.
static bool
is_zone(const char *text)
{
    unsigned hours, minutes;
    char sign, end;

    return text[0] == '\0' || strcmp(text, "Z") == 0 ||
           (strlen(text) == strlen("+02:00") &&
            sscanf(text, "%c%2u:%2u%c", &sign, &hours, &minutes, &end) == 3 &&
            (sign == '+' || sign == '-'));
}

static uint32_t
read_date(const xmlNode *element, bool partial, struct access_request *request)
{
    char word[ACCESS_WORD_SIZE];
    uint32_t date;

    if (!read_word(element, word, request)) {
        return 0;
    }
    date = date_of(word);
    if (date == 0 || (partial ? word[10] != '\0' : !is_zone(word + 10))) {
        add_fault(request, VG_BAD_DATE, "%s: a date like 2026-11-20 is wanted%s",
                  shown_name(element), partial ? ", month and day may be 00" : "");
        return 0;
    }
    return date;
}

static bool
choose(const xmlNode *element, const char *const *words, size_t len, size_t *ret_at,
       struct access_request *request)
{
    char word[ACCESS_WORD_SIZE];

    if (!read_word(element, word, request)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (strcmp(word, words[i]) == 0) {
            *ret_at = i;
            return true;
        }
    }
    add_fault(request, VG_MALFORMED, "%s: none of %s, %s, %s", shown_name(element),
              words[0], words[1], words[2]);
    return false;
}

// ---- ProofOfAuthentication ----

// A card's digits are the broker's to judge; it is given what was written.
static void
read_social_card(const xmlNode *element, struct access_request *request)
{
    (void)read_word(element, request->proof.social_card, request);
}

static void
read_identity_card(const xmlNode *element, struct access_request *request)
{
    (void)read_word(element, request->proof.identity_card, request);
}

static void
read_name(const xmlNode *element, char name[ACCESS_NAME_SIZE],
          struct access_request *request)
{
    if (!xml_text(element, name, ACCESS_NAME_SIZE)) {
        add_fault(request, VG_MALFORMED, "%s: text of less than %d bytes is wanted",
                  shown_name(element), ACCESS_NAME_SIZE);
    }
}

static void
read_last_name(const xmlNode *element, struct access_request *request)
{
    read_name(element, request->proof.last_name, request);
}

static void
read_first_name(const xmlNode *element, struct access_request *request)
{
    read_name(element, request->proof.first_name, request);
}

static void
read_birth_date(const xmlNode *element, struct access_request *request)
{
    request->proof.birth_date = read_date(element, true, request);
}

static void
read_person_data(const xmlNode *element, struct access_request *request)
{
    static const struct child children[] = {{"LastName", read_last_name},
                                            {"FirstName", read_first_name},
                                            {"BirthDate", read_birth_date}};

    read_children(element, children, 3, request);
    if (child_of(element, "BirthDate") == NULL) {
        add_fault(request, VG_MALFORMED, "BirthDate: missing in PersonData");
    }
}

static void
read_proof(const xmlNode *element, struct access_request *request)
{
    static const struct child children[] = {{"SISCardNumber", read_social_card},
                                            {"IdentityCardNumber", read_identity_card},
                                            {"PersonData", read_person_data}};

    read_children(element, children, 3, request);
}

// ---- ManageAccessRequest ----

static void
read_ssin(const xmlNode *element, struct access_request *request)
{
    char word[ACCESS_WORD_SIZE];

    if (!read_word(element, word, request)) {
        return;
    }
    if (strlen(word) != NISS_DIGITS || !is_digits(word)) {
        add_fault(request, VG_BAD_NISS, "SSIN: a person number has %d digits",
                  NISS_DIGITS);
        return;
    }
    request->niss = number_of(word);
}

static void
read_purpose(const xmlNode *element, struct access_request *request)
{
    char word[ACCESS_WORD_SIZE];
    uint64_t purpose = 0;

    if (!read_word(element, word, request)) {
        return;
    }
    if (strlen(word) <= 9 && is_digits(word)) {
        purpose = number_of(word);
    }
    if (purpose == 0 || purpose > QUALITY_MAX) {
        add_fault(request, VG_UNKNOWN_QUALITY, "Purpose: a number from 1 to %d is wanted",
                  QUALITY_MAX);
        return;
    }
    request->purpose = (uint32_t)purpose;
}

static void
read_start_date(const xmlNode *element, struct access_request *request)
{
    request->begin = read_date(element, false, request);
}

static void
read_end_date(const xmlNode *element, struct access_request *request)
{
    request->end = read_date(element, false, request);
}

static void
read_period(const xmlNode *element, struct access_request *request)
{
    static const struct child children[] = {{"StartDate", read_start_date},
                                            {"EndDate", read_end_date}};

    read_children(element, children, 2, request);
    if (child_of(element, "StartDate") == NULL) {
        add_fault(request, VG_MALFORMED, "StartDate: missing in Period");
    }
}

static void
read_action(const xmlNode *element, struct access_request *request)
{
    static const char *const words[] = {
        [ACCESS_REGISTER - 1] = "REGISTER",
        [ACCESS_UNREGISTER - 1] = "UNREGISTER",
        [ACCESS_LIST - 1] = "LIST",
    };
    size_t at = 0;

    if (choose(element, words, 3, &at, request)) {
        request->action = (enum access_action)(at + 1);
    }
}

static void
read_register(const xmlNode *element, struct access_request *request)
{
    static const char *const words[] = {
        [VG_LEVEL_ALL] = "ALL",
        [VG_LEVEL_PRIMARY] = "PRIMARY",
        [VG_LEVEL_SECONDARY] = "SECONDARY",
    };
    size_t at = 0;

    if (choose(element, words, 3, &at, request)) {
        request->level = (enum vg_level)at;
    }
}

static void
want(const xmlNode *element, const char *name, struct access_request *request)
{
    if (child_of(element, name) == NULL) {
        add_fault(request, VG_MALFORMED, "%s: missing in ManageAccessRequest", name);
    }
}

static void
read_manage_access(const xmlNode *element, struct access_request *request)
{
    static const struct child children[] = {{"SSIN", read_ssin},
                                            {"Purpose", read_purpose},
                                            {"Period", read_period},
                                            {"Action", read_action},
                                            {"Sector", NULL},
                                            {"QueryRegister", read_register},
                                            {"ProofOfAuthentication", read_proof}};

    request->understood = true;
    read_children(element, children, sizeof children / sizeof children[0], request);
    want(element, "SSIN", request);
    want(element, "Period", request);
    want(element, "Action", request);
    if (request->action == ACCESS_REGISTER || request->action == ACCESS_UNREGISTER) {
        want(element, "Purpose", request);
    }
    if (request->action == ACCESS_REGISTER || request->action == ACCESS_LIST) {
        want(element, "ProofOfAuthentication", request);
    }
}

// ---- what it is wrapped in ----

static void
read_reference(const xmlNode *element, struct access_request *request)
{
    (void)xml_text(element, request->reference, sizeof request->reference);
}

// t_DateTimeUTC of the service; shown back, so nothing else is kept.
static void
read_time_request(const xmlNode *element, struct access_request *request)
{
    char word[ACCESS_WORD_SIZE];

    if (xml_text(element, word, sizeof word) && strlen(word) == 15 && word[8] == 'T' &&
        strspn(word, "0123456789") == 8 && is_digits(word + 9)) {
        memcpy(request->time_request, word, sizeof word);
    }
}

static void
read_context(const xmlNode *context, struct access_request *request)
{
    const xmlNode *message = child_of(context, "Message");

    for (const xmlNode *node = message == NULL ? NULL : xml_first(message); node != NULL;
         node = xml_next(node)) {
        if (xml_is(node, "Reference")) {
            read_reference(node, request);
        } else if (xml_is(node, "TimeRequest")) {
            read_time_request(node, request);
        }
    }
}

static void
read_service_id(const xmlNode *element, struct access_request *request)
{
    char word[ACCESS_WORD_SIZE];

    if (read_word(element, word, request) && strcmp(word, SERVICE) != 0) {
        add_fault(request, VG_NOT_FOUND, "ServiceId: only " SERVICE " is offered here");
    }
}

static void
read_version(const xmlNode *element, struct access_request *request)
{
    char word[ACCESS_WORD_SIZE];

    if (read_word(element, word, request) && strcmp(word, VERSION) != 0) {
        add_fault(request, VG_NOT_FOUND, "Version: only " VERSION " is offered here");
    }
}

static void
read_service_request(const xmlNode *element, struct access_request *request)
{
    static const struct child children[] = {{"ServiceId", read_service_id},
                                            {"Version", read_version},
                                            {"ManageAccessRequest", read_manage_access}};

    read_children(element, children, 3, request);
}

static void
read_ssdn_request(const xmlNode *element, struct access_request *request)
{
    static const struct child children[] = {{"RequestContext", read_context},
                                            {"ServiceRequest", read_service_request}};

    read_children(element, children, 2, request);
}

static void
read_bare(const xmlNode *element, struct access_request *request)
{
    if (xml_is(element, "SSDNRequest")) {
        read_ssdn_request(element, request);
    } else if (xml_is(element, "ManageAccessRequest")) {
        read_manage_access(element, request);
    } else {
        add_fault(request, VG_MALFORMED,
                  "SSDNRequest: it or a ManageAccessRequest is wanted, not %s",
                  shown_name(element));
    }
}

// The connector's string is a document of its own, under the same rules as the first.
static void
read_string(const xmlNode *element, struct access_request *request)
{
    xmlChar *text = xmlNodeGetContent(element);
    xmlDoc *document = NULL;
    struct vg_error error;

    request->envelope = ACCESS_CONNECTOR;
    if (xml_first(element) != NULL || text == NULL) {
        add_fault(request, VG_MALFORMED,
                  "xmlString: a document written as text is wanted");
    } else if (xml_open((const char *)text, strlen((const char *)text), &document,
                        &error) != VG_OK) {
        add_fault(request, error.status, "xmlString: %s", error.sentence);
    } else {
        read_bare(xmlDocGetRootElement(document), request);
        xml_close(&document);
    }
    xmlFree(text);
}

static void
read_envelope(const xmlNode *envelope, struct access_request *request)
{
    const xmlNode *body = child_of(envelope, "Body");
    const xmlNode *content = body == NULL ? NULL : xml_first(body);

    request->envelope = ACCESS_SOAP;
    if (envelope->ns == NULL || strcmp((const char *)envelope->ns->href, SOAP_1_1) != 0) {
        add_fault(request, VG_MALFORMED, "Envelope: SOAP 1.1 is spoken here");
    } else if (content == NULL || xml_next(content) != NULL) {
        add_fault(request, VG_MALFORMED, "Body: one element is wanted in it");
    } else if (xml_is(content, "xmlString")) {
        read_string(content, request);
    } else {
        read_bare(content, request);
    }
}

void
access_request_read(const char *at, size_t len, bool soap,
                    struct access_request *ret_request)
{
    xmlDoc *document = NULL;
    const xmlNode *root;
    struct vg_error error;

    memset(ret_request, 0, sizeof *ret_request);
    ret_request->envelope = soap ? ACCESS_SOAP : ACCESS_BARE;
    if (xml_open(at, len, &document, &error) != VG_OK) {
        add_fault(ret_request, error.status, "%s", error.sentence);
        return;
    }
    root = xmlDocGetRootElement(document);
    if (xml_is(root, "Envelope")) {
        read_envelope(root, ret_request);
    } else {
        ret_request->envelope = ACCESS_BARE;
        read_bare(root, ret_request);
    }
    if (!ret_request->understood && ret_request->faults_len == 0) {
        add_fault(ret_request, VG_MALFORMED, "ManageAccessRequest: missing");
    }
    xml_close(&document);
}
