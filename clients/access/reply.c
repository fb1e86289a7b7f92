// SPDX-License-Identifier: EUPL-1.2
#include "reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xml.h"

#define NS_SERVICE "http://www.ksz-bcss.fgov.be/XSD/SSDN/Service"
#define NS_COMMON "http://www.ksz-bcss.fgov.be/XSD/SSDN/Common"
#define NS_ACCESS "http://www.ksz-bcss.fgov.be/XSD/SSDN/OCMW_CPAS/ManageAccess"
#define NS_CONNECTOR "http://ksz-bcss.fgov.be/connectors/WebServiceConnector"
#define NS_SOAP "http://schemas.xmlsoap.org/soap/envelope/"

enum { DETAILS_MAX = 30 }; // of the schema

struct verdict {
    const char *ok;
    int return_code;
    const char *severity; // of the details
    const char *summary;  // in ReplyContext
};

static const struct verdict verdicts[] = {
    [VG_YES] = {"YES", 0, "INFORMATION", NULL},
    [VG_NO] = {"NO", 10000, "ERROR",
               "At least one service request has generated an error."},
    [VG_WARNING] = {"WARNING", 1, "WARNING",
                    "At least one service request has generated a warning."},
};

static const char *const actions[] = {
    [ACCESS_REGISTER] = "REGISTER",
    [ACCESS_UNREGISTER] = "UNREGISTER",
    [ACCESS_LIST] = "LIST",
};

static const char *const levels[] = {
    [VG_LEVEL_ALL] = "ALL",
    [VG_LEVEL_PRIMARY] = "PRIMARY",
    [VG_LEVEL_SECONDARY] = "SECONDARY",
};

// ---- texts ----

static void __attribute__((format(printf, 3, 4)))
write_element(FILE *out, const char *name, const char *format, ...)
{
    char text[ACCESS_NAME_SIZE];
    va_list words;

    va_start(words, format);
    (void)vsnprintf(text, sizeof text, format, words);
    va_end(words);
    xml_write_element(out, name, text);
}

static void
write_date(FILE *out, const char *name, uint32_t date)
{
    write_element(out, name, "%04u-%02u-%02u", date / 10000, date / 100 % 100,
                  date % 100);
}

static void
write_moment(FILE *out, const char *name, time_t moment)
{
    char text[ACCESS_WORD_SIZE];
    struct tm parts;

    (void)gmtime_r(&moment, &parts);
    (void)strftime(text, sizeof text, "%Y%m%dT%H%M%S", &parts);
    xml_write_element(out, name, text);
}

// ---- ResultSummary ----

// The element that a sentence of the broker's ("birth_date: ...") or ours ("SSIN: ...") is
// about; NULL: none.
static const char *
element_at_fault(const char *sentence, char name[ACCESS_WORD_SIZE])
{
    static const char *const elements[][2] = {
        {"niss", "SSIN"},
        {"quality", "Purpose"},
        {"begin", "StartDate"},
        {"end", "EndDate"},
        {"proof", "ProofOfAuthentication"},
        {"identity_card", "IdentityCardNumber"},
        {"social_card", "SISCardNumber"},
        {"birth_date", "BirthDate"},
    };
    size_t len = strcspn(sentence, ": ");

    if (sentence[len] != ':' || len >= ACCESS_WORD_SIZE) {
        return NULL;
    }
    (void)snprintf(name, ACCESS_WORD_SIZE, "%.*s", (int)len, sentence);
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        if (strcmp(name, elements[i][0]) == 0) {
            return elements[i][1];
        }
    }
    return name;
}

static void
write_detail(FILE *out, const char *severity, const struct vg_error *error)
{
    char name[ACCESS_WORD_SIZE];
    const char *element = element_at_fault(error->sentence, name);

    fputs("<c:Detail>", out);
    xml_write_element(out, "c:Severity", severity);
    xml_write_element(out, "c:ReasonCode", vg_status_name(error->status));
    xml_write_element(out, "c:Diagnostic", error->sentence);
    xml_write_element(out, "c:AuthorCodeList", "VIGIE");
    if (element != NULL) {
        fputs("<c:Information>", out);
        xml_write_element(out, "c:FieldName", element);
        fputs("</c:Information>", out);
    }
    fputs("</c:Detail>", out);
}

static void
begin_summary(FILE *out, const struct verdict *verdict)
{
    fprintf(out,
            "<c:ResultSummary xmlns:c=\"" NS_COMMON "\" ok=\"%s\">"
            "<c:ReturnCode>%d</c:ReturnCode>",
            verdict->ok, verdict->return_code);
}

static void
end_summary(FILE *out)
{
    fputs("</c:ResultSummary>", out);
}

static void
write_summary(FILE *out, const struct verdict *verdict, const struct vg_error *errors,
              size_t errors_len)
{
    begin_summary(out, verdict);
    for (size_t i = 0; i < errors_len && i < DETAILS_MAX; i++) {
        write_detail(out, verdict->severity, &errors[i]);
    }
    end_summary(out);
}

// ReplyContext sums up all service requests; there is one.
static void
write_context_summary(FILE *out, const struct verdict *verdict)
{
    begin_summary(out, verdict);
    if (verdict->summary != NULL) {
        fputs("<c:Detail>", out);
        xml_write_element(out, "c:Severity", verdict->severity);
        xml_write_element(out, "c:Diagnostic", verdict->summary);
        xml_write_element(out, "c:AuthorCodeList", "VIGIE");
        fputs("</c:Detail>", out);
    }
    end_summary(out);
}

static void
write_reply_summary(FILE *out, const struct vg_reply *reply)
{
    const struct vg_item_result *result = reply->results; // one item was asked

    write_summary(out, &verdicts[reply->verdict], result == NULL ? NULL : result->faults,
                  result == NULL ? 0 : result->faults_len);
}

// ---- ManageAccessReply ----

static void
write_period(FILE *out, uint32_t begin, uint32_t end)
{
    fputs("<m:Period xmlns:c=\"" NS_COMMON "\">", out);
    write_date(out, "c:StartDate", begin);
    if (end != 0) {
        write_date(out, "c:EndDate", end);
    }
    fputs("</m:Period>", out);
}

static void
write_original(FILE *out, const struct access_request *request)
{
    fputs("<m:OriginalRequest>", out);
    write_element(out, "m:SSIN", "%011llu", (unsigned long long)request->niss);
    write_element(out, "m:Purpose", "%u", request->purpose);
    write_period(out, request->begin, request->end);
    xml_write_element(out, "m:Action", actions[request->action]);
    if (request->action == ACCESS_LIST) {
        xml_write_element(out, "m:Register", levels[request->level]);
    }
    fputs("</m:OriginalRequest>", out);
}

// "21004" of "CPAS-21004": the number is what the sector knows itself by.
static const char *
number_in_code(const char *code)
{
    const char *dash = strrchr(code, '-');

    return dash != NULL && dash[1] != '\0' &&
                   dash[1 + strspn(dash + 1, "0123456789")] == '\0'
               ? dash + 1
               : code;
}

static bool
is_asked(const struct access_request *request, const struct vg_integration *row)
{
    if (request->action != ACCESS_LIST) {
        return true;
    }
    return row->end >= request->begin &&
           (request->end == 0 || row->begin <= request->end) &&
           (request->purpose == 0 || row->quality == 0 ||
            row->quality == request->purpose);
}

static void
write_registration(FILE *out, const struct vg_integration *row)
{
    bool primary = row->institution[0] == '\0';

    fputs("<m:Registrations>", out);
    write_element(out, "m:Purpose", "%u", row->quality);
    write_period(out, row->begin, row->end);
    if (primary) {
        write_element(out, "m:OrgUnit", "%u", row->sector);
    } else {
        xml_write_element(out, "m:OrgUnit", number_in_code(row->institution));
    }
    xml_write_element(out, "m:Register",
                      levels[primary ? VG_LEVEL_PRIMARY : VG_LEVEL_SECONDARY]);
    fputs("</m:Registrations>", out);
}

static void
write_manage_access(FILE *out, const struct access_request *request,
                    const struct vg_reply *reply)
{
    fputs("<m:ManageAccessReply xmlns:m=\"" NS_ACCESS "\">", out);
    write_original(out, request);
    for (size_t i = 0; i < reply->integrations_len; i++) {
        if (is_asked(request, &reply->integrations[i])) {
            write_registration(out, &reply->integrations[i]);
        }
    }
    fputs("</m:ManageAccessReply>", out);
}

// ---- the whole ----

static void
begin_document(FILE *out)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
}

static void
write_service_names(FILE *out)
{
    fputs("<ServiceId>OCMWCPASManageAccess</ServiceId><Version>20050930</Version>", out);
}

// Wraps what is between open and close as the request was. Takes: inner.
static char *
wrap(enum access_envelope envelope, char *inner)
{
    char *text = NULL;
    size_t len;
    FILE *out;

    if (inner == NULL) {
        return NULL;
    }
    out = open_memstream(&text, &len);
    if (out == NULL) {
        free(inner);
        return NULL;
    }
    begin_document(out);
    if (envelope != ACCESS_BARE) {
        fputs("<s:Envelope xmlns:s=\"" NS_SOAP "\"><s:Body>", out);
    }
    if (envelope == ACCESS_CONNECTOR) {
        fputs("<xmlString xmlns=\"" NS_CONNECTOR "\">", out);
        xml_write(out, inner);
        fputs("</xmlString>", out);
    } else {
        fputs(inner, out);
    }
    if (envelope != ACCESS_BARE) {
        fputs("</s:Body></s:Envelope>", out);
    }
    fputs("\n", out);
    free(inner);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static char *
finish(FILE *out, char **text)
{
    if (fclose(out) != 0) {
        free(*text);
        *text = NULL;
    }
    return *text;
}

char *
access_reply_write(const struct access_request *request, const struct vg_reply *reply,
                   time_t received, time_t now)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL) {
        return NULL;
    }
    fputs("<SSDNReply xmlns=\"" NS_SERVICE "\"><ReplyContext>", out);
    write_context_summary(out, &verdicts[reply->verdict]);
    fputs("<Message>", out);
    if (request->reference[0] != '\0') {
        xml_write_element(out, "Reference", request->reference);
    }
    write_element(out, "Ticket", "%llu", (unsigned long long)reply->ticket);
    if (request->time_request[0] != '\0') {
        xml_write_element(out, "TimeRequest", request->time_request);
    }
    write_moment(out, "TimeReceive", received);
    write_moment(out, "TimeResponse", now);
    fputs("</Message></ReplyContext><ServiceReply>", out);
    write_reply_summary(out, reply);
    write_service_names(out);
    write_manage_access(out, request, reply);
    fputs("</ServiceReply></SSDNReply>", out);
    return wrap(request->envelope, finish(out, &text));
}

char *
access_refusal_write(const struct access_request *request)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL) {
        return NULL;
    }
    fputs("<SSDNReply xmlns=\"" NS_SERVICE "\"><ReplyContext>", out);
    write_context_summary(out, &verdicts[VG_NO]);
    fputs("</ReplyContext><ServiceReply>", out);
    write_summary(out, &verdicts[VG_NO], request->faults, request->faults_len);
    write_service_names(out);
    fputs("</ServiceReply></SSDNReply>", out);
    return wrap(request->envelope, finish(out, &text));
}

static void
write_fault(FILE *out, bool sender, const struct vg_error *errors, size_t errors_len)
{
    fprintf(out, "<s:Fault><faultcode>s:%s</faultcode><faultstring>",
            sender ? "Client" : "Server");
    xml_write(out, errors_len == 0 ? "" : errors[0].sentence);
    fputs("</faultstring><detail>", out);
    write_summary(out, &verdicts[VG_NO], errors, errors_len);
    fputs("</detail></s:Fault>", out);
}

char *
access_fault_write(const struct access_request *request, bool sender,
                   const struct vg_error *errors, size_t errors_len)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (out == NULL) {
        return NULL;
    }
    if (request->envelope != ACCESS_BARE) {
        write_fault(out, sender, errors, errors_len);
        return wrap(ACCESS_SOAP, finish(out, &text));
    }
    fputs("<SSDNReply xmlns=\"" NS_SERVICE "\"><ReplyContext>", out);
    write_summary(out, &verdicts[VG_NO], errors, errors_len);
    fputs("</ReplyContext></SSDNReply>", out);
    return wrap(ACCESS_BARE, finish(out, &text));
}
