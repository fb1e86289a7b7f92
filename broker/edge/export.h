// SPDX-License-Identifier: EUPL-1.2
// export.h - the journal as JSON lines, for those who must keep it longer than the broker.
//
// A folder holds files journal-FIRST-LAST.jsonl, one after the other without a gap, and the
// file "exported", which says how far they go: "COMMIT HASH". The first line of a file is
// about all of it: {"journal":1,"store","from","through","institutions":{"1":"RN",...},
// "flows":{"1":"notifyPerson",...}}; each other line is one record:
//
//   {"commit","batch","time","previous","hash","items":[{"kind":"event",...},...],"record"}
//
// "record" is the record as it was stored, in base64, without its hash: hash is
// BLAKE2b-256(previous | record), and previous is the hash of the line before. "items" says
// the same in words; what is not in them (rows of small tables) is in "record".
//
// Full person numbers stand in it: files are for their owner alone.
#ifndef EDGE_EXPORT_H
#define EDGE_EXPORT_H

#include "edge/inspect.h"
#include "store/journal.h"

// How far a folder goes; commit 0: nothing was exported to it.
struct export_mark {
    uint64_t commit;
    struct hash hash;
};

// export_journal writes what a folder does not have yet, beside a broker that runs. A file is
// whole or not there; "exported" names it after it is on disk.
//
// Returns INSPECT_GOOD, also when there was nothing new; INSPECT_BAD: it could not be done,
// or records went before they were exported (the rest is exported); INSPECT_UNSOUND: a
// record does not hold, or the folder is another store's. Blocks: as long as it takes.
int export_journal(const struct settings *settings, const char *folder,
                   const struct inspect_output *output);

// export_mark_read reads how far a folder goes. VG_NOT_FOUND: it says nothing; VG_BAD_FILE.
NODISCARD enum vg_status export_mark_read(const char *folder,
                                          struct export_mark *ret_mark, struct why *why);

// export_mark_holds says whether a mark is of the journal that a transaction sees.
bool export_mark_holds(struct txn *txn, const struct export_mark *mark);

#endif
