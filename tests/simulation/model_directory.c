// SPDX-License-Identifier: EUPL-1.2
// Following the directory's commands: who follows whom from now on, and who is shown it.
#include "model_inside.h"

static bool
is_integrated(const struct model *model, uint32_t institution,
              const struct integrate_request *request,
              const struct journal_directory *line)
{
    unsigned sector = model->institutions[institution].sector;
    bool quality_exists = sector == 17 ? request->quality <= 40 : request->quality == 1;
    bool two_years = request->end != 0 && request->begin / 10000 != request->end / 10000;

    return request->proof.birth_date != 0 && quality_exists &&
           !(request->quality == 40 && two_years) &&
           model_may_integrate(model, model_person(model, request->niss), institution,
                               request->quality, line->begin, line->end);
}

// There must be room, and the institution be itself.
static bool
may_ask(const struct model *model, uint32_t institution, const struct command *command,
        const struct applied *applied)
{
    enum vg_status status = !applied->room                            ? VG_STORE_FULL
                            : model->institutions[institution].merged ? VG_MOVED
                                                                      : VG_OK;

    if (status != VG_OK) {
        applied_check_status(applied, command, status);
    }
    return status == VG_OK;
}

void
follow_integrate(struct model *model, const struct command *command,
                 struct applied *applied)
{
    const struct integrate_command *integrate = &command->integrate;

    if (!may_ask(model, integrate->institution, command, applied)) {
        return;
    }
    applied_check_status(applied, command, VG_OK);
    applied_check_ticket(model, applied, command, ++model->tickets);
    for (size_t i = 0; i < integrate->items_len; i++) {
        const struct integrate_request *request = &integrate->items[i];
        int person = model_person(model, request->niss);
        enum vg_verdict_word verdict = VERDICT_NO;
        struct journal_directory line;

        applied_item(applied, JOURNAL_DIRECTORY, &line, sizeof line);
        if (is_integrated(model, integrate->institution, request, &line)) {
            // What it did not search for is said as well.
            bool looked = applied->answered && integrate->results[i].looked;

            verdict = looked || model->replaced_by[person] >= 0 ||
                              model_others_follow(model, person, integrate->institution,
                                                  line.begin, line.end)
                          ? VERDICT_WARNING
                          : VERDICT_YES;
            model_integrate(model, person, integrate->institution, request->quality,
                            line.begin, line.end);
        }
        if ((line.status == 0) != (verdict != VERDICT_NO) ||
            (applied->answered && integrate->results[i].verdict != verdict)) {
            broken(
                "institution %u integrates quality %u from %u to %u: status %u is wrong",
                integrate->institution, request->quality, request->begin, request->end,
                line.status);
        }
    }
}

void
follow_remove(struct model *model, const struct command *command, struct applied *applied)
{
    const struct remove_request *request = &command->remove.request;
    struct journal_directory line;

    if (!may_ask(model, command->remove.institution, command, applied)) {
        return;
    }
    applied_item(applied, JOURNAL_DIRECTORY, &line, sizeof line);
    applied_check_ticket(model, applied, command, ++model->tickets);
    applied_check_status(applied, command,
                         model_remove(model, model_person(model, request->niss),
                                      command->remove.institution, request->quality,
                                      line.begin, line.end));
}

static bool
shows(const struct model *model, uint32_t institution)
{
    const struct model_institution *one = &model->institutions[institution];

    return one->sector == 17 && !one->merged;
}

// What the CPAS hold on a person, in the order of the answer.
void
follow_consult(struct model *model, const struct command *command,
               struct applied *applied)
{
    int person = model_current(model, model_person(model, command->consult.niss));
    struct journal_directory line;
    size_t next = 0;

    applied_item(applied, JOURNAL_DIRECTORY, &line, sizeof line);
    applied_check_status(applied, command, VG_OK);
    applied_check_ticket(model, applied, command, ++model->tickets);
    for (uint32_t i = 1; applied->answered && i <= model->institutions_len; i++) {
        for (unsigned q = 1; q < 64 && shows(model, i); q++) {
            const struct days *days = model_held(model, person, i, q);
            struct run run;

            for (int bit = 0; days_next_run(model, days, &bit, &run);) {
                const struct integration *row = &command->integrations[next++];

                if (next > command->integrations_len || row->institution != i ||
                    row->quality != q || row->begin != run.begin || row->end != run.end) {
                    broken("consulting shows other integrations than institution %u has",
                           i);
                }
            }
        }
    }
    if (applied->answered && next != command->integrations_len) {
        broken("consulting shows %zu integrations, not %zu", command->integrations_len,
               next);
    }
}

void
follow_history(struct model *model, const struct command *command,
               struct applied *applied)
{
    const struct history_command *history = &command->history;
    int current = model_current(model, model_person(model, history->niss));
    struct journal_directory line;
    size_t len = 0;

    applied_item(applied, JOURNAL_DIRECTORY, &line, sizeof line);
    applied_check_status(applied, command, VG_OK);
    applied_check_ticket(model, applied, command, ++model->tickets);
    if (!applied->answered) {
        return;
    }
    for (int i = 0; i < PERSONS; i++) {
        len += model_current(model, i) == current;
    }
    if (history->chain_len != len || history->chain[len - 1] != model->niss[current]) {
        broken("history tells %zu numbers, not %zu, or another one in force",
               history->chain_len, len);
    }
    for (size_t i = 0; i < len; i++) {
        int person = model_person(model, history->chain[i]);

        if (person < 0 || model_current(model, person) != current) {
            broken("history tells a number of somebody else");
        }
    }
}
