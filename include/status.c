// SPDX-License-Identifier: EUPL-1.2
#include "vigie/status.h"

#include <stddef.h>

struct row {
    const char *name;
    const char *sentence;
    enum vg_status status;
    enum vg_remedy remedy;
    int http;
};

static const struct row rows[] = {
#define ROW(name, number, remedy, http, sentence)                                        \
    {#name, sentence, VG_##name, VG_##remedy, http},
    VG_STATUS_TABLE(ROW)
#undef ROW
};

// The numbers are the indexes: a row out of order does not compile.
#define ROW(name, number, remedy, http, sentence)                                        \
    _Static_assert(VG_##name >= 0 && VG_##name < (int)(sizeof rows / sizeof rows[0]),    \
                   #name " is out of the table");
VG_STATUS_TABLE(ROW)
#undef ROW

static const struct row unknown_row = {"UNKNOWN_STATUS",
                                       "a status this program is too old for", VG_UNKNOWN,
                                       VG_CALL_OPERATOR, 500};

static const struct row *
row_of(enum vg_status status)
{
    size_t index = (size_t)status;

    if (index >= sizeof rows / sizeof rows[0] || rows[index].status != status) {
        return &unknown_row;
    }
    return &rows[index];
}

const char *
vg_status_name(enum vg_status status)
{
    return row_of(status)->name;
}

const char *
vg_status_sentence(enum vg_status status)
{
    return row_of(status)->sentence;
}

enum vg_remedy
vg_status_remedy(enum vg_status status)
{
    return row_of(status)->remedy;
}

int
vg_status_http(enum vg_status status)
{
    return row_of(status)->http;
}

const char *
vg_remedy_name(enum vg_remedy remedy)
{
    switch (remedy) {
    case VG_NOTHING_TO_DO:
        return "nothing";
    case VG_FIX_REQUEST:
        return "sender";
    case VG_RETRY_LATER:
        return "time";
    case VG_CALL_OPERATOR:
        return "operator";
    }
    return "operator";
}
