// SPDX-License-Identifier: EUPL-1.2
// directory.h - questions to the reference directory under an institution's own key: what the
// commands that ask them share.
#ifndef CLI_DIRECTORY_H
#define CLI_DIRECTORY_H

#include "cli.h"

#define KEY_MEANING "who asks: a key file, or its name in the home folder"

enum { DIRECTORY_TIMEOUT_MS = 30000, DIRECTORY_QUALITY_MAX = 999 };

// directory_open connects as the institution of a key. Gives: vg_caller_close. NULL when it
// cannot: what is wrong was printed, *ret_code is the exit code.
struct vg_caller *directory_open(const struct cli *cli, const char *key, int *ret_code);

// directory_finish prints an answer and frees it; gives the exit code.
int directory_finish(struct cli *cli, struct vg_reply **reply);

// directory_list asks for one part of what the directory holds (vg_list_integrations). False:
// there is none, and error says why.
bool directory_list(struct vg_caller *caller, const struct vg_list *list,
                    struct vg_reply **ret_reply, struct vg_error *error);

const char *directory_verdict(enum vg_verdict verdict); // "YES", "NO", "WARNING"

int mailbox_rules(struct cli *cli); // a verb of `vigie mailbox`: mailbox_rules.c

// directory_faults makes the list of an item's faults. Gives: a reference.
json_t *directory_faults(const struct vg_item_result *result);

// directory_niss reads eleven digits; dots, dashes and spaces may stand between them.
bool directory_niss(const char *text, uint64_t *ret);

#endif
