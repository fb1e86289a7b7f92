// SPDX-License-Identifier: EUPL-1.2
// request.h - one request to the service OCMWCPASManageAccess (version 20050930).
//
// Names and shapes are those of the service's public schemas (SSDN/Service/SSDNRequest,
// SSDN/OCMW_CPAS/ManageAccess/ManageAccessRequest, connectors/WebServiceConnector), rules those
// of domain.md 3. A message is one of
//
//   Envelope > Body > xmlString    the connector: a whole SSDNRequest as text or CDATA
//   Envelope > Body > SSDNRequest  or its ManageAccessRequest alone, in a SOAP 1.1 envelope
//   SSDNRequest > ServiceRequest > ServiceId, Version, ManageAccessRequest
//   ManageAccessRequest
//       SSIN                          eleven digits
//       Purpose                       the quality; may be missing in a LIST
//       Period > StartDate, EndDate   xs:date, the time zone is not read; no EndDate: open
//       Action                        REGISTER, UNREGISTER, LIST
//       Sector                        not read: who asks comes from the key
//       QueryRegister                 PRIMARY, SECONDARY, ALL (assumed when missing)
//       ProofOfAuthentication         may be missing in an UNREGISTER
//           SISCardNumber, IdentityCardNumber, PersonData > LastName, FirstName, BirthDate
//
// Not read either: the envelope's Header, and in RequestContext all but Message's Reference
// and TimeRequest; what a sender says of himself proves nothing. One ServiceRequest a message
// (the schema has room for more; no known sender uses it).
#ifndef ACCESS_REQUEST_H
#define ACCESS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vigie/vigie.h"

enum {
    ACCESS_FAULTS_MAX = 16, // more would be dropped; a request cannot have as many
    ACCESS_WORD_SIZE = 32,  // numbers, dates, names of actions, with a zero
    ACCESS_NAME_SIZE = 200, // a person's name, with a zero
};

// How it was wrapped; the reply is wrapped alike.
enum access_envelope { ACCESS_BARE, ACCESS_SOAP, ACCESS_CONNECTOR };

enum access_action { ACCESS_NO_ACTION, ACCESS_REGISTER, ACCESS_UNREGISTER, ACCESS_LIST };

struct access_proof {
    char identity_card[ACCESS_WORD_SIZE]; // "": none
    char social_card[ACCESS_WORD_SIZE];
    char last_name[ACCESS_NAME_SIZE];
    char first_name[ACCESS_NAME_SIZE];
    uint32_t birth_date; // yyyymmdd, may be partial; 0 none
};

struct access_request {
    enum access_envelope envelope;
    bool
        understood; // a ManageAccessRequest was found; what follows is as far as it was good
    char reference[ACCESS_NAME_SIZE];    // the sender's own, "": none
    char time_request[ACCESS_WORD_SIZE]; // yyyymmddThhmmss, "": none
    uint64_t niss;
    uint32_t purpose; // 0: none
    uint32_t begin;   // yyyymmdd
    uint32_t end;     // 0: open
    enum access_action action;
    enum vg_level level;
    struct access_proof proof;
    size_t faults_len; // 0: it may be asked
    struct vg_error faults[ACCESS_FAULTS_MAX];
};

// access_request_read reads a message and says everything that is wrong with its form at once;
// each sentence begins with the element's name. Whether number, dates and proof are right is
// the broker's to say. soap: the sender spoke SOAP (it has a SOAPAction), should nothing of it
// be understood.
//
// Borrows: the bytes. Thread: any.
void access_request_read(const char *at, size_t len, bool soap,
                         struct access_request *ret_request);

#endif
