// SPDX-License-Identifier: EUPL-1.2
// reply.h - the reply of the service OCMWCPASManageAccess, and SOAP faults.
//
// Names and shapes are those of the service's public schemas (SSDN/Service/SSDNReply,
// SSDN/OCMW_CPAS/ManageAccess/ManageAccessReply, SSDN/Common/ResultSummary):
//
//   SSDNReply
//       ReplyContext
//           ResultSummary ok="YES|NO|WARNING" > ReturnCode (0, 1, 10000), Detail
//           Message > Reference, Ticket, TimeRequest, TimeReceive, TimeResponse (UTC)
//       ServiceReply
//           ResultSummary > ReturnCode, Detail ... (every one found)
//           ServiceId, Version
//           ManageAccessReply
//               OriginalRequest > SSIN, Purpose, Period, Action, Register
//               Registrations > Purpose, Period, OrgUnit, Register (any number of them)
//
// Where the schemas leave it open (assumed): a Detail has the broker's name for what is wrong
// as ReasonCode, "VIGIE" as AuthorCodeList and the element at fault as FieldName. Registrations
// of a LIST are those that share a day with Period and, at the secondary level, have the
// Purpose that was asked, if any; of a REGISTER those of other institutions on its days.
// OrgUnit is the sector's number at the primary level and the institution's (of its code) at
// the secondary. For ever is 9999-12-31. Without a ticket, because the broker was not asked,
// there is no Message.
#ifndef ACCESS_REPLY_H
#define ACCESS_REPLY_H

#include <time.h>

#include "request.h"

// access_reply_write writes what the broker answered, wrapped as the request was.
//
// Borrows: all. Gives: text (free); NULL: no memory. Thread: any.
char *access_reply_write(const struct access_request *request,
                         const struct vg_reply *reply, time_t received, time_t now);

// access_refusal_write writes a negative reply to a request that cannot be put to the broker,
// with all faults of the request.
char *access_refusal_write(const struct access_request *request);

// access_fault_write writes what is no reply of the service: a SOAP fault, or where SOAP was
// not spoken a ReplyContext with ok="NO" alone. sender: the fault is his (faultcode Client).
char *access_fault_write(const struct access_request *request, bool sender,
                         const struct vg_error *errors, size_t errors_len);

#endif
