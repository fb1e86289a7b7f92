// SPDX-License-Identifier: EUPL-1.2
#include "access.h"

static const char *
text_or_none(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static struct vg_proof
proof_of(const struct access_request *request)
{
    const struct access_proof *proof = &request->proof;

    return (struct vg_proof){.identity_card = text_or_none(proof->identity_card),
                             .social_card = text_or_none(proof->social_card),
                             .last_name = text_or_none(proof->last_name),
                             .first_name = text_or_none(proof->first_name),
                             .birth_date = proof->birth_date};
}

enum vg_status
access_ask(struct vg_caller *caller, const struct access_request *request,
           struct vg_reply **ret_reply, struct vg_error *error)
{
    const struct vg_proof proof = proof_of(request);
    const struct vg_integrate_item item = {.niss = request->niss,
                                           .quality = request->purpose,
                                           .begin = request->begin,
                                           .end = request->end,
                                           .proof = proof};

    switch (request->action) {
    case ACCESS_REGISTER:
        return vg_integrate(caller, NULL, &item, 1, ACCESS_TIMEOUT_MS, ret_reply, error);
    case ACCESS_UNREGISTER:
        return vg_remove(caller, NULL, request->niss, request->purpose, request->begin,
                         request->end, ACCESS_TIMEOUT_MS, ret_reply, error);
    case ACCESS_LIST:
        return vg_consult(caller, request->niss, &proof, request->level,
                          ACCESS_TIMEOUT_MS, ret_reply, error);
    case ACCESS_NO_ACTION:
        break;
    }
    return VG_MALFORMED;
}
