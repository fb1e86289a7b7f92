// SPDX-License-Identifier: EUPL-1.2
// load_persons.c - a part of a directory that comes whole: rows are put behind one another,
// which takes a tenth of what finding the place of each takes.
#include "flow/applier.h"

#include "base/checksum.h"

#include <string.h>

static bool
check_order(struct command *command, struct niss last)
{
    const struct load_persons_command *load = &command->load_persons;

    for (size_t i = 0; i < load->persons_len; i++) {
        if (load->persons[i].niss <= last.number) {
            refuse(command, VG_BAD_FILE,
                   "person %zu of this part: its number is not after all others", i + 1);
            return false;
        }
        last.number = load->persons[i].niss;
    }
    return true;
}

static enum vg_status
load_person(struct applier *applier, const struct loaded_person *person,
            const struct integration *rows)
{
    size_t len = person->rows_len;

    CHECK(len > 0 && len <= INTEGRATIONS_PER_PERSON_MAX);
    applier->meta.persons++;
    applier->meta.integrations += len;
    return person_append(applier->txn, (struct niss){person->niss}, rows, len);
}

enum vg_status
load_persons(struct applier *applier, struct command *command)
{
    const struct load_persons_command *load = &command->load_persons;
    struct journal_loaded item = {.persons = load->persons_len};
    uint64_t before = applier->meta.integrations;
    struct niss last;
    size_t rows = 0;
    enum vg_status status = person_last(applier->txn, &last);

    if (status != VG_OK || load->persons_len == 0 || !check_order(command, last)) {
        return status;
    }
    if (applier->batch->no_room) {
        refuse(command, VG_STORE_FULL, "the store is at its quota");
        return VG_OK;
    }
    for (size_t i = 0; status == VG_OK && i < load->persons_len; i++) {
        status = load_person(applier, &load->persons[i], load->rows + rows);
        rows += load->persons[i].rows_len;
    }
    if (status != VG_OK) {
        return status;
    }
    item.integrations = applier->meta.integrations - before;
    item.first_niss = load->persons[0].niss;
    item.last_niss = load->persons[load->persons_len - 1].niss;
    item.checksum = checksum_of(load->rows, rows * sizeof *load->rows);
    applier->changed = true;
    journal_add(&applier->record, JOURNAL_LOADED, &item, sizeof item, NULL, 0);
    return VG_OK;
}
