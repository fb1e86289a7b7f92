// SPDX-License-Identifier: EUPL-1.2
// dry_report.h - a dry run (flow/dry_run.h): what it is asked, and what it found told in
// words or as JSON; and the program that makes one beside a broker that runs.
//
// JSON: {"plan", "since", "version", "commits", "damaged", "refused_then", "mutations",
// "whole", "partly", "without", "not_asked", "drifted":C, "begins_after", "changes":[{"flow",
// "institution", "more":C, "less":C, "fields":C, "ground":C, "refused":C, "unsure"}]}, where
// C is {"count", "tickets":[the first ones]} and what did not happen is left out of a row.
#ifndef EDGE_DRY_REPORT_H
#define EDGE_DRY_REPORT_H

#include <jansson.h>

#include "edge/inspect.h"
#include "flow/dry_run.h"
#include "rules/directory.h"

enum { DRY_PLAN_LEN = 160 };

#define DRY_SINCE_DEFAULT "24h"

// Everything about a run that its report does not say itself.
struct dry_about {
    const struct dry_plan *plan;
    char words[DRY_PLAN_LEN]; // "NEW.yaml", "without 002 of CPAS-A on 66*********"
    struct instant since;
    uint64_t version;  // of the catalogue in force
    bool begins_after; // the removal begins only after the last of these days
};

// dry_since reads how far back: "90m", "24h", "7d", or a moment like 2026-11-21T13:00:00Z.
// VG_BAD_DATE otherwise.
NODISCARD enum vg_status dry_since(const char *text, struct instant now,
                                   struct instant *ret_since, struct why *why);

// dry_removal checks a removal as `vigie remove` would be checked, and names it in words.
void dry_removal(const struct directory_context *context,
                 const struct remove_request *request, struct dry_plan *plan,
                 struct dry_about *about, struct faults *faults);

// dry_stretch sets the commits of a plan, from `since` to the last one.
NODISCARD enum vg_status dry_stretch(struct txn *txn, struct dry_plan *plan,
                                     struct dry_about *about, struct why *why);

void dry_report_print(const struct dry_report *report, const struct dry_about *about,
                      struct buffer *text);
// Gives: json_decref.
json_t *dry_report_json(const struct dry_report *report, const struct dry_about *about);

struct dry_choices {
    const char *since;     // NULL: DRY_SINCE_DEFAULT
    const char *catalogue; // a file, or NULL
    const char *without;   // "INSTITUTION NISS QUALITY BEGIN [END]", or NULL;
                           // "-": a line of standard input, seen by nobody else
};

// dry_run_store makes a dry run over settings' store, which a broker may be writing, and
// tells it as edge/inspect.h tells. Blocks: some seconds a million mutations.
int dry_run_store(const struct settings *settings, const struct dry_choices *choices,
                  const struct inspect_output *output);

#endif
