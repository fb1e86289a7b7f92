// SPDX-License-Identifier: EUPL-1.2
#include "store_dump.h"

#include <stdlib.h>
#include <string.h>

#include "store/anchors.h"
#include "store/asked.h"
#include "store/bodies.h"
#include "store/caught.h"
#include "store/merged.h"
#include "store/correction.h"
#include "store/counted.h"
#include "store/exchanges.h"
#include "store/held.h"
#include "store/journal.h"
#include "store/lapses.h"
#include "store/mailbox.h"
#include "store/person.h"
#include "store/registry.h"
#include "store/withdrawn.h"

enum { LETTERS_MAX = 1000, LAPSE_DAYS_BYTES_MAX = 4096 };

typedef unsigned long long number; // as %llu wants it

struct dump {
    struct txn *txn;
    struct buffer *text;
    uint32_t schema;
};

static void
print_hex(struct buffer *text, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        buffer_print(text, "%02x", ((const uint8_t *)bytes)[i]);
    }
}

static void
print_failure(struct buffer *text, const char *what, enum vg_status status)
{
    if (status != VG_OK) {
        buffer_print(text, "! %s: %s\n", what, vg_status_name(status));
    }
}

static void
dump_meta_2(struct dump *dump, const struct meta *meta)
{
    struct incarnation incarnation = {.id = 0};

    buffer_print(dump->text,
                 "meta first_commit=%llu first_block=%llu erased_commit=%llu "
                 "erased_items=%llu first_hash=",
                 (number)meta->first_commit, (number)meta->first_block,
                 (number)meta->erased_commit, (number)meta->erased_items);
    print_hex(dump->text, &meta->first_hash, sizeof meta->first_hash);
    print_failure(dump->text, "incarnation", incarnation_get(dump->txn, &incarnation));
    buffer_print(dump->text, "\nincarnation %llu restored_commit=%llu restored=%lld\n",
                 (number)incarnation.id, (number)incarnation.restored_commit,
                 (long long)incarnation.restored_us);
}

static void
dump_meta(struct dump *dump, struct meta *ret_meta)
{
    struct meta meta = {.last_commit = 0};

    print_failure(dump->text, "meta", meta_get(dump->txn, &meta, NULL));
    buffer_print(dump->text,
                 "meta commit=%llu sequence=%llu block=%llu batch=%llu time=%lld "
                 "folded=%llu integrations=%llu persons=%llu catalogue=%llu "
                 "institution=%u extra=%u hash=",
                 (number)meta.last_commit, (number)meta.last_sequence,
                 (number)meta.last_block, (number)meta.last_batch,
                 (long long)meta.last_time_us, (number)meta.folded_commit,
                 (number)meta.integrations, (number)meta.persons, (number)meta.catalogue,
                 meta.last_institution, meta.last_extra_mailbox);
    print_hex(dump->text, &meta.last_hash, sizeof meta.last_hash);
    buffer_print(dump->text, "\n");
    if (dump->schema >= 2) {
        dump_meta_2(dump, &meta);
    }
    *ret_meta = meta;
}

// ---- mailboxes ----

static void
dump_backlog(struct dump *dump, struct mailbox_id mailbox)
{
    static struct letter letters[LETTERS_MAX];
    size_t len = 0;

    print_failure(dump->text, "backlog",
                  backlog_read(dump->txn, mailbox, 0, letters, LETTERS_MAX, &len));
    for (size_t i = 0; i < len; i++) {
        const struct letter *letter = &letters[i];

        buffer_print(dump->text,
                     "letter %u/%llu body=%llu through=%llu size=%u quality=%u "
                     "withheld=%u begin=%d end=%d\n",
                     mailbox.number, (number)letter->number, (number)letter->body,
                     (number)letter->bytes_through, letter->size, letter->quality,
                     letter->withheld, letter->begin, letter->end);
    }
}

static void
dump_ranges(struct dump *dump, struct mailbox_id mailbox)
{
    static struct number_range ranges[RANGES_MAX];
    size_t len = 0;

    print_failure(dump->text, "ranges", ranges_get(dump->txn, mailbox, ranges, &len));
    for (size_t i = 0; i < len; i++) {
        buffer_print(dump->text, "range %u %llu-%llu bytes=%llu through=%llu\n",
                     mailbox.number, (number)ranges[i].first, (number)ranges[i].last,
                     (number)ranges[i].bytes, (number)ranges[i].bytes_through);
    }
}

static void
dump_mailbox_2(struct dump *dump, struct mailbox_id mailbox,
               const struct mailbox_row *row)
{
    struct counted counted = {.last = 0};

    print_failure(dump->text, "counted", counted_get(dump->txn, mailbox, &counted));
    buffer_print(dump->text,
                 "mailbox %u held=%llu held_bytes=%llu parked_bytes=%llu dropped=%llu\n"
                 "counted %u last=%llu through=%llu mark=%llu acknowledged=%llu "
                 "bytes_acknowledged=%llu dropped=%llu dropped_bytes=%llu\n",
                 mailbox.number, (number)row->held, (number)row->held_bytes,
                 (number)row->parked_bytes, (number)row->dropped, mailbox.number,
                 (number)counted.last, (number)counted.bytes_through,
                 (number)counted.mark, (number)counted.acknowledged,
                 (number)counted.bytes_acknowledged, (number)counted.dropped,
                 (number)counted.dropped_bytes);
}

static void
dump_mailbox(struct dump *dump, uint32_t id)
{
    struct mailbox_id mailbox = {id};
    struct mailbox_row row = {.last = 0};

    print_failure(dump->text, "mailbox", mailbox_get(dump->txn, mailbox, &row));
    buffer_print(
        dump->text,
        "mailbox %u last=%llu acknowledged=%llu beyond=%llu total=%llu "
        "parked=%llu bytes=%llu bytes_acknowledged=%llu bytes_beyond=%llu "
        "folded=%llu kept=%lld last_acknowledged=%lld\n",
        id, (number)row.last, (number)row.acknowledged, (number)row.acknowledged_beyond,
        (number)row.acknowledged_total, (number)row.parked, (number)row.bytes_total,
        (number)row.bytes_acknowledged, (number)row.bytes_beyond, (number)row.folded,
        (long long)row.last_kept_us, (long long)row.last_acknowledged_us);
    if (dump->schema >= 2) {
        dump_mailbox_2(dump, mailbox, &row);
    }
    dump_ranges(dump, mailbox);
    dump_backlog(dump, mailbox);
}

static bool
dump_held(struct mailbox_id mailbox, const struct held_row *row, void *arg)
{
    const struct held_head *head = &row->head;
    struct dump *dump = arg;

    buffer_print(dump->text,
                 "held %u %llu body=%llu through=%llu size=%u quality=%u withheld=%u "
                 "begin=%d end=%d subject=%llu due=%lld since=%lld attempts=%u actor=%u "
                 "state=%u %s\n",
                 mailbox.number, (number)head->letter.number, (number)head->letter.body,
                 (number)head->letter.bytes_through, head->letter.size,
                 head->letter.quality, head->letter.withheld, head->letter.begin,
                 head->letter.end, (number)head->subject, (long long)head->due_us,
                 (long long)head->since_us, head->attempts, head->actor, head->state,
                 row->reason);
    return true;
}

// ---- the registry ----

static bool
dump_institution(const struct institution *institution, void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text,
                 "institution %u code=%s sector=%u number=%u enterprise=%llu name=%s\n",
                 institution->id, institution->code, institution->sector,
                 institution->number, (number)institution->enterprise, institution->name);
    dump_mailbox(dump, institution->id);
    return true;
}

static bool
dump_key(const uint8_t key[KEY_LEN], const struct key_row *row, void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text, "key ");
    print_hex(dump->text, key, KEY_LEN);
    buffer_print(dump->text, " institution=%u role=%u added=%lld revoked=%lld label=%s\n",
                 row->institution, row->role, (long long)row->added_us,
                 (long long)row->revoked_us, row->label);
    return true;
}

static bool
dump_spec(const struct spec_row *row, void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text, "spec %u institution=%u name=%s choices=", row->mailbox,
                 row->institution, row->name);
    for (uint32_t i = 0; i < row->choices_len; i++) {
        buffer_print(dump->text, "%u:%llx ", row->choices[i].flow,
                     (number)row->choices[i].qualities);
    }
    buffer_print(dump->text, "\n");
    dump_mailbox(dump, row->mailbox);
    return true;
}

static bool
dump_limits(struct mailbox_id mailbox, const struct limits *limits, void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text,
                 "limits %u messages=%llu bytes=%llu age_days=%u attempts=%u\n",
                 mailbox.number, (number)limits->messages, (number)limits->bytes,
                 limits->age_days, limits->attempts);
    return true;
}

static bool
dump_rules(struct mailbox_id mailbox, const struct mailbox_rules *rules, void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text, "rules %u quiet=%u-%u digest=%u urgent_first=%u unwanted=",
                 mailbox.number, rules->quiet_from, rules->quiet_to, rules->digest,
                 rules->urgent_first);
    for (uint32_t i = 0; i < rules->unwanted_len; i++) {
        buffer_print(dump->text, "%u:%llx ", rules->unwanted[i].flow,
                     (number)rules->unwanted[i].qualities);
    }
    buffer_print(dump->text, "\n");
    return true;
}

static bool
dump_heard(struct institution_id source, uint16_t flow, const struct heard *heard,
           void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text, "heard %u/%u time=%lld ticket=%llu mutations=%llu\n",
                 source.number, flow, (long long)heard->last_us,
                 (number)heard->last_ticket, (number)heard->mutations);
    return true;
}

static void
dump_producer(struct dump *dump, uint32_t institution, uint32_t producer)
{
    struct producer_row row = {.last_number = 0};

    print_failure(
        dump->text, "producer",
        producer_get(dump->txn, (struct institution_id){institution}, producer, &row));
    buffer_print(dump->text, "producer %u/%u number=%llu ticket=%llu time=%lld\n",
                 institution, producer, (number)row.last_number, (number)row.last_ticket,
                 (long long)row.last_us);
}

static void
dump_refusal(struct dump *dump, const struct journal_refusal *item)
{
    enum vg_status refusal = VG_OK;
    struct why why = {{0}};

    print_failure(dump->text, "refusal",
                  refusal_get(dump->txn, (struct institution_id){item->source},
                              item->producer, item->number, &refusal, &why));
    buffer_print(dump->text, "remembered %u/%u/%llu %s %s\n", item->source,
                 item->producer, (number)item->number, vg_status_name(refusal), why.text);
}

static void
dump_catalogue(struct dump *dump, uint64_t version)
{
    static const struct hash zero;
    struct catalogue_row row = {.version = 0};
    struct buffer text = {.len = 0};

    print_failure(dump->text, "catalogue",
                  catalogue_get(dump->txn, version, &row, &text));

    struct hash hash = hash_chain(&zero, text.at, text.len);

    buffer_print(dump->text, "catalogue %llu loaded=%lld effective=%lld bytes=%zu hash=",
                 (number)row.version, (long long)row.loaded_us,
                 (long long)row.effective_us, text.len);
    print_hex(dump->text, &hash, sizeof hash);
    buffer_print(dump->text, "\n");
    buffer_free(&text);
}

// ---- persons ----

static bool
dump_person(struct niss niss, const struct person *person, void *arg)
{
    struct dump *dump = arg;
    struct niss former[FORMER_MAX];
    size_t len = 0;

    buffer_print(dump->text, "person %011llu", (number)niss.number);
    if (person->replaced_by.number != 0) {
        buffer_print(dump->text, " replaced by %011llu",
                     (number)person->replaced_by.number);
    }
    for (size_t i = 0; i < person->len; i++) {
        const struct integration *integration = &person->integrations[i];

        buffer_print(dump->text, " [%u sector=%u quality=%u %d..%d]",
                     integration->institution, integration->sector, integration->quality,
                     integration->begin, integration->end);
    }
    print_failure(dump->text, "former", person_former(dump->txn, niss, former, &len));
    for (size_t i = 0; i < len; i++) {
        buffer_print(dump->text, " was %011llu", (number)former[i].number);
    }
    buffer_print(dump->text, "\n");
    return true;
}

// ---- the journal ----

static void
dump_body(struct dump *dump, uint64_t address)
{
    struct bytes body = bytes_of("");
    enum vg_status status = body_get(dump->txn, address, &body);

    if (status == VG_NOT_FOUND && dump->schema >= 2) {
        buffer_print(dump->text, "erased\n");
        return;
    }
    print_failure(dump->text, "body", status);
    buffer_print(dump->text, "checksum=%016llx\n",
                 (number)checksum_of(body.at, body.len));
}

static void
dump_event(struct dump *dump, const struct journal_item *item)
{
    struct journal_event event = {.ticket = 0};
    struct journal_recipient to;

    (void)!journal_item_as(item, &event, sizeof event);
    buffer_print(dump->text,
                 "  event ticket=%llu niss=%011llu number=%llu source=%u producer=%u "
                 "catalogue=%u flow=%u recipients=%u fields=%u withheld_all=%u\n",
                 (number)event.ticket, (number)event.niss, (number)event.number,
                 event.source, event.producer, event.catalogue, event.flow,
                 event.recipients, event.fields, event.withheld_all);
    for (size_t i = 0; journal_item_recipient(item, i, &to); i++) {
        buffer_print(dump->text,
                     "    to mailbox=%u number=%llu body=%llu through=%llu "
                     "institution=%u size=%u quality=%u withheld=%u begin=%d end=%d ",
                     to.mailbox, (number)to.number, (number)to.body,
                     (number)to.bytes_through, to.institution, to.size, to.quality,
                     to.withheld, to.begin, to.end);
        dump_body(dump, to.body);
    }
    dump_producer(dump, event.source, event.producer);
}

static void
dump_refused(struct dump *dump, const struct journal_item *item)
{
    struct journal_refusal refusal = {.niss = 0};

    (void)!journal_item_as(item, &refusal, sizeof refusal);
    buffer_print(dump->text,
                 "  refusal niss=%011llu number=%llu source=%u producer=%u status=%u "
                 "flow=%u\n",
                 (number)refusal.niss, (number)refusal.number, refusal.source,
                 refusal.producer, refusal.status, refusal.flow);
    dump_refusal(dump, &refusal);
}

static void
dump_acknowledge(struct dump *dump, const struct journal_item *item)
{
    struct journal_acknowledge acknowledge = {.through = 0};

    (void)!journal_item_as(item, &acknowledge, sizeof acknowledge);
    buffer_print(dump->text,
                 "  acknowledge mailbox=%u through=%llu count=%llu bytes=%llu one=%u\n",
                 acknowledge.mailbox, (number)acknowledge.through,
                 (number)acknowledge.count, (number)acknowledge.bytes, acknowledge.one);
}

static void
dump_directory(struct dump *dump, const struct journal_item *item)
{
    struct journal_directory directory = {.ticket = 0};

    (void)!journal_item_as(item, &directory, sizeof directory);
    buffer_print(dump->text,
                 "  directory ticket=%llu niss=%011llu actor=%u institution=%u act=%u "
                 "quality=%u status=%u level=%u begin=%d end=%d\n",
                 (number)directory.ticket, (number)directory.niss, directory.actor,
                 directory.institution, directory.act, directory.quality,
                 directory.status, directory.level, directory.begin, directory.end);
}

static void
dump_admin(struct dump *dump, const struct journal_item *item)
{
    struct journal_admin admin = {.ticket = 0};

    (void)!journal_item_as(item, &admin, sizeof admin);
    buffer_print(dump->text, "  admin ticket=%llu actor=%u object=%u act=%u %.*s\n",
                 (number)admin.ticket, admin.actor, admin.object, admin.act,
                 (int)admin.text_len, (const char *)item->bytes.at + sizeof admin);
}

static void
dump_fold(struct dump *dump, const struct journal_item *item)
{
    struct journal_fold fold = {.letters = 0};

    (void)!journal_item_as(item, &fold, sizeof fold);
    buffer_print(dump->text, "  fold through=%llu letters=%llu\n",
                 (number)fold.through_commit, (number)fold.letters);
}

static void
dump_moved(struct dump *dump, const struct journal_item *item)
{
    struct journal_moved moved = {.number = 0};

    (void)!journal_item_as(item, &moved, sizeof moved);
    buffer_print(dump->text, "  moved mailbox=%u number=%llu body=%llu size=%u ",
                 moved.mailbox, (number)moved.number, (number)moved.body, moved.size);
    dump_body(dump, moved.body);
}

static void
dump_expired(struct dump *dump, const struct journal_item *item)
{
    struct journal_expired expired = {.first_commit = 0};

    (void)!journal_item_as(item, &expired, sizeof expired);
    buffer_print(dump->text,
                 "  expired erased_commit=%llu erased_items=%llu first_block=%llu "
                 "first_commit=%llu\n",
                 (number)expired.erased_commit, (number)expired.erased_items,
                 (number)expired.first_block, (number)expired.first_commit);
}

static void
dump_indexed(struct dump *dump, const struct journal_item *item)
{
    struct journal_indexed indexed = {.from_commit = 0};

    (void)!journal_item_as(item, &indexed, sizeof indexed);
    buffer_print(dump->text,
                 "  indexed from=%llu through=%llu ticket=%llu entries=%llu erased=%llu "
                 "day=%d run=%u since=%d stage=%u\n",
                 (number)indexed.from_commit, (number)indexed.through_commit,
                 (number)indexed.ticket, (number)indexed.entries, (number)indexed.erased,
                 indexed.day, indexed.run, indexed.since, indexed.stage);
}

static void
dump_held_item(struct dump *dump, const struct journal_item *item)
{
    struct journal_held held = {.letter = {.number = 0}};

    (void)!journal_item_as(item, &held, sizeof held);
    buffer_print(dump->text,
                 "  held kind=%d mailbox=%u number=%llu subject=%llu state=%u "
                 "attempts=%u due=%lld actor=%u %.*s\n",
                 (int)item->kind, held.mailbox, (number)held.letter.number,
                 (number)held.subject, held.state, held.attempts, (long long)held.due_us,
                 held.actor, (int)held.reason_len,
                 (const char *)item->bytes.at + sizeof held);
}

static void
dump_item(struct dump *dump, const struct journal_item *item)
{
    switch (item->kind) {
    case JOURNAL_EVENT:
        dump_event(dump, item);
        return;
    case JOURNAL_REFUSAL:
        dump_refused(dump, item);
        return;
    case JOURNAL_ACKNOWLEDGE:
        dump_acknowledge(dump, item);
        return;
    case JOURNAL_DIRECTORY:
        dump_directory(dump, item);
        return;
    case JOURNAL_ADMIN:
        dump_admin(dump, item);
        return;
    case JOURNAL_FOLD:
        dump_fold(dump, item);
        return;
    case JOURNAL_REFUSE_LETTER:
    case JOURNAL_DEFER:
    case JOURNAL_RETRY:
    case JOURNAL_PARK:
    case JOURNAL_DROP:
        dump_held_item(dump, item);
        return;
    case JOURNAL_CORRECTION:
    case JOURNAL_UNWANTED:
    case JOURNAL_WITHDRAWN:
    case JOURNAL_MERGED:
    case JOURNAL_ROW:
    case JOURNAL_REPLACE:
    case JOURNAL_LOADED:
        // What they say is in the tables; what they are, in the record's hash.
        buffer_print(dump->text, "  item kind=%d bytes=%zu\n", (int)item->kind,
                     item->bytes.len);
        return;
    case JOURNAL_MOVED:
        dump_moved(dump, item);
        return;
    case JOURNAL_EXPIRED:
        dump_expired(dump, item);
        return;
    case JOURNAL_INDEXED:
        dump_indexed(dump, item);
        return;
    }
    buffer_print(dump->text, "! an item of kind %d\n", (int)item->kind);
}

static void
dump_commit(struct dump *dump, uint64_t commit, struct buffer *record)
{
    struct journal_head head = {.commit = 0};
    struct journal_item item;
    size_t offset = 0;
    enum vg_status status = journal_read(dump->txn, commit, record, &head, NULL);

    print_failure(dump->text, "commit", status);
    buffer_print(dump->text,
                 "commit %llu batch=%llu time=%lld previous=", (number)head.commit,
                 (number)head.batch, (long long)head.time_us);
    print_hex(dump->text, &head.previous, sizeof head.previous);
    buffer_print(dump->text, " hash=");
    print_hex(dump->text, &head.hash, sizeof head.hash);
    buffer_print(dump->text, "\n");
    while (status == VG_OK && journal_next(record, &offset, &item)) {
        dump_item(dump, &item);
    }
}

// ---- the index by person ----

static void
dump_exchange(struct exchange_run run, const struct exchange *exchange, void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text, "exchange day=%d run=%u subject=%llx %llu %llu\n", run.day,
                 run.run, (number)exchange->subject, (number)exchange->first,
                 (number)exchange->second);
}

static void
dump_exchanges(struct dump *dump)
{
    struct exchange_progress progress = {.commit = 0};

    print_failure(dump->text, "progress", exchanges_progress(dump->txn, &progress));
    buffer_print(dump->text, "exchanges commit=%llu ticket=%llu day=%d run=%u since=%d\n",
                 (number)progress.commit, (number)progress.ticket, progress.run.day,
                 progress.run.run, progress.since);
    print_failure(dump->text, "exchanges",
                  exchanges_each(dump->txn, dump_exchange, dump, NULL));
}

static bool
dump_correction(uint64_t ticket, const struct correction_row *row, void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text, "correction of=%llu by=%llu act=%u\n", (number)ticket,
                 (number)row->by, row->act);
    return true;
}

static bool
dump_asked(uint64_t ticket, struct mailbox_id mailbox, const struct asked_row *row,
           void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text,
                 "asked ticket=%llu mailbox=%u number=%llu kept=%lld answer=%llu "
                 "answered=%lld source=%u flow=%u\n",
                 (number)ticket, mailbox.number, (number)row->number,
                 (long long)row->kept_us, (number)row->answer,
                 (long long)row->answered_us, row->source, row->flow);
    return true;
}

static bool
dump_anchor(const struct anchor *anchor, void *arg)
{
    struct dump *dump = arg;
    char line[ANCHOR_LINE_LEN];

    anchor_print(anchor, line);
    buffer_print(dump->text, "anchor %s\n", line);
    return true;
}

// ---- the walk that tells of ends ----

static bool
dump_lapse_mark(struct niss niss, const struct person *person, void *arg)
{
    struct dump *dump = arg;
    bool marked = false;

    (void)person;
    print_failure(dump->text, "lapse mark", lapse_is_marked(dump->txn, niss, &marked));
    if (marked) {
        buffer_print(dump->text, "lapses told=%llu\n", (number)niss.number);
    }
    return true;
}

static void
dump_lapses(struct dump *dump)
{
    uint8_t days[LAPSE_DAYS_BYTES_MAX];
    size_t len = sizeof days;
    struct lapse_row row = {.next = 0};

    print_failure(dump->text, "lapses", lapse_row_get(dump->txn, &row));
    print_failure(dump->text, "lapse days", lapse_days_get(dump->txn, days, &len));
    buffer_print(dump->text, "lapses through=%d day=%d next=%llu days=", row.through,
                 row.day, (number)row.next);
    print_hex(dump->text, days, len);
    buffer_print(dump->text, "\n");
    print_failure(dump->text, "persons",
                  person_each(dump->txn, (struct niss){0}, dump_lapse_mark, dump));
}

static bool
dump_caught(uint64_t ticket, struct mailbox_id mailbox, const struct caught_row *row,
            void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text,
                 "caught ticket=%llu mailbox=%u by=%llu request=%llu institution=%u "
                 "quality=%u begin=%d end=%d\n",
                 (number)ticket, mailbox.number, (number)row->ticket,
                 (number)row->request, row->institution, row->quality, row->begin,
                 row->end);
    return true;
}

static bool
dump_merged(uint64_t ticket, struct mailbox_id mailbox, const struct merged_row *row,
            void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text,
                 "merged ticket=%llu mailbox=%u into=%llu stands=", (number)ticket,
                 mailbox.number, (number)row->head.into);
    for (uint32_t i = 0; i < row->head.len; i++) {
        buffer_print(dump->text, "%llu ", (number)row->tickets[i]);
    }
    buffer_print(dump->text, "\n");
    return true;
}

static bool
dump_repeats(struct mailbox_id mailbox, const struct mailbox_rules *rules, void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text, "repeats %u: %u, cancelled: %u\n", mailbox.number,
                 rules->repeats, rules->cancelled);
    return true;
}

static bool
dump_withdrawn(uint64_t ticket, struct mailbox_id mailbox,
               const struct withdrawn_row *row, void *arg)
{
    struct dump *dump = arg;

    buffer_print(dump->text,
                 "withdrawn ticket=%llu mailbox=%u other=%llu number=%llu time=%lld\n",
                 (number)ticket, mailbox.number, (number)row->other, (number)row->number,
                 (long long)row->time_us);
    return true;
}

void
store_dump(struct txn *txn, uint32_t schema, struct buffer *text)
{
    struct dump dump = {txn, text, schema};
    struct buffer record = {.len = 0};
    struct meta meta;

    dump_meta(&dump, &meta);
    print_failure(text, "institutions", institution_each(txn, dump_institution, &dump));
    print_failure(text, "keys", key_each(txn, dump_key, &dump));
    print_failure(text, "specs", spec_each(txn, dump_spec, &dump));
    print_failure(text, "limits", limits_each(txn, dump_limits, &dump));
    if (schema >= 3) {
        print_failure(text, "heard", heard_each(txn, dump_heard, &dump));
    }
    for (uint64_t version = 1; version <= meta.catalogue; version++) {
        dump_catalogue(&dump, version);
    }
    print_failure(text, "persons",
                  person_each(txn, (struct niss){0}, dump_person, &dump));
    print_failure(text, "held", held_each(txn, dump_held, &dump));
    for (uint64_t commit = meta.first_commit; commit <= meta.last_commit; commit++) {
        dump_commit(&dump, commit, &record);
    }
    if (schema >= 3) {
        dump_exchanges(&dump);
        print_failure(text, "corrections", corrections_each(txn, dump_correction, &dump));
        print_failure(text, "asked", asked_each(txn, 0, dump_asked, &dump));
        dump_lapses(&dump);
    }
    if (schema >= 4) {
        print_failure(text, "rules", rules_each(txn, dump_rules, &dump));
        print_failure(text, "anchors", anchors_each(txn, dump_anchor, &dump));
        print_failure(text, "caught", caught_each(txn, 0, dump_caught, &dump));
    }
    if (schema >= 5) {
        print_failure(text, "repeats", rules_each(txn, dump_repeats, &dump));
        print_failure(text, "merged", merged_each(txn, 0, dump_merged, &dump));
        print_failure(text, "withdrawn", withdrawn_each(txn, dump_withdrawn, &dump));
    }
    buffer_free(&record);
}
