// SPDX-License-Identifier: EUPL-1.2
#include "store/person_walk.h"

#include "store/store_internal.h"

// Thirty-two at a time took 330 ns each in a directory of a million, sixteen 360, eight 380.
enum { LANES = 32, CACHE_LINE = 64, SAMPLE_OF = 1000 };

// A page of LMDB 0.9: head, then an offset (u16) for each node, in order of the keys.
struct page_head {
    uint64_t number;
    uint16_t pad;
    uint16_t flags;
    uint16_t lower; // where the offsets end
    uint16_t upper;
};

// A node: head, key, value. A branch's "value" is a page number, kept in the head.
struct node_head {
    uint16_t low; // of the value's length, or of the page number
    uint16_t high;
    uint16_t flags; // of the value, or the page number's third part
    uint16_t key_len;
};

_Static_assert(sizeof(struct page_head) == 16, "as LMDB has it");
_Static_assert(sizeof(struct node_head) == 8, "as LMDB has it");

enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_KINDS = 0x7f, NODE_PLAIN = 0 };
enum { NODE_MIN = sizeof(struct node_head) + sizeof(uint64_t) };

// One number on its way down. All ways are equally long, so the lanes stay in step; one that
// has read nonsense stays where it is.
struct lane {
    const uint8_t *page;
    struct walked *walked;
    uint64_t number;
    uint32_t node;   // its key is not above the number, unless it is the page's first
    uint32_t len;    // of so many nodes, itself the first, one is the last of that kind
    uint32_t middle; // where the one half way begins
    uint32_t offsets_end;
    bool lost; // it has read nonsense: whoever asks will ask the library
};

static inline uint64_t
u64_at(const uint8_t *at)
{
    uint64_t number;

    memcpy(&number, at, sizeof number);
    return number;
}

static inline struct node_head
node_at(const struct lane *lane, uint32_t offset)
{
    struct node_head node;

    memcpy(&node, lane->page + offset, sizeof node);
    return node;
}

// Where a node begins; the lane is lost when so many bytes of it do not lie inside the page.
static inline uint32_t
node_offset(struct lane *lane, const struct tree *tree, uint32_t node, uint32_t bytes)
{
    uint32_t highest = (uint32_t)tree->page_bytes - bytes;
    uint16_t offset;
    bool inside;

    memcpy(&offset, lane->page + sizeof(struct page_head) + sizeof offset * node,
           sizeof offset);
    inside = offset >= lane->offsets_end && offset <= highest;
    lane->lost |= !inside;
    return inside ? offset : highest;
}

static inline void
go_to_middle(struct lane *lane, const struct tree *tree)
{
    if (lane->len > 1) {
        lane->middle = node_offset(lane, tree, lane->node + lane->len / 2, NODE_MIN);
        __builtin_prefetch(lane->page + lane->middle);
    }
}

static inline void
arrive(struct lane *lane, const struct tree *tree, unsigned kind)
{
    struct page_head head;

    memcpy(&head, lane->page, sizeof head);
    if ((head.flags & PAGE_KINDS) != kind ||
        head.lower < sizeof head + sizeof(uint16_t) || head.lower > tree->page_bytes) {
        lane->lost = true;
        head.lower = sizeof head + sizeof(uint16_t);
    }
    lane->node = 0;
    lane->len = (head.lower - (uint32_t)sizeof head) / sizeof(uint16_t);
    lane->offsets_end = head.lower;
    go_to_middle(lane, tree);
}

// No jump hangs on the comparison: the processor would foresee it every other time.
static inline void
probe(struct lane *lane, const struct tree *tree)
{
    uint32_t half = lane->len / 2;

    if (half > 0) {
        uint64_t key = u64_at(lane->page + lane->middle + sizeof(struct node_head));

        lane->node += key <= lane->number ? half : 0;
        lane->len -= half;
        go_to_middle(lane, tree);
    }
}

// Every lane finds, in its page, the last node whose key is not above its number. The first
// node of a branch has no key, and needs none: everything before the second lies there.
static void
search_pages(const struct tree *tree, unsigned kind, struct lane *lanes, size_t len)
{
    uint32_t longest = 1;

    for (size_t i = 0; i < len; i++) {
        arrive(&lanes[i], tree, kind);
        longest = lanes[i].len > longest ? lanes[i].len : longest;
    }
    for (; longest > 1; longest -= longest / 2) {
        for (size_t i = 0; i < len; i++) {
            probe(&lanes[i], tree);
        }
    }
}

static inline void
go_to_page(struct lane *lane, const struct tree *tree)
{
    uint32_t offset = node_offset(lane, tree, lane->node, sizeof(struct node_head));
    struct node_head node = node_at(lane, offset);
    uint64_t number = node.low | (uint64_t)node.high << 16 | (uint64_t)node.flags << 32;

    lane->lost |= number >= tree->pages;
    if (!lane->lost) {
        lane->page = tree->map + number * tree->page_bytes;
        __builtin_prefetch(lane->page);
    }
}

static void
take_row(struct lane *lane, const struct tree *tree)
{
    struct walked *walked = lane->walked;
    uint32_t offset = node_offset(lane, tree, lane->node, NODE_MIN);
    struct node_head node = node_at(lane, offset);
    struct bytes value = {lane->page + offset + NODE_MIN,
                          node.low | (size_t)node.high << 16};

    if (lane->lost) {
        return;
    }
    if (u64_at(lane->page + offset + sizeof node) != lane->number) {
        walked->known = true; // an empty person
        return;
    }
    // A long row lies on pages of its own: the library reads it.
    walked->known = node.flags == NODE_PLAIN && node.key_len == sizeof lane->number &&
                    (size_t)offset + NODE_MIN + value.len <= tree->page_bytes &&
                    read_person(value, &walked->person) == VG_OK;
    for (size_t at = 0; walked->known && at < value.len; at += CACHE_LINE) {
        __builtin_prefetch(value.at + at);
        __builtin_prefetch((const uint8_t *)walked->rows + at, 1);
    }
}

static void
walk(const struct tree *tree, const uint64_t *numbers, const uint16_t *order, size_t len,
     struct walked *ret_walked)
{
    struct lane lanes[LANES];

    for (size_t i = 0; i < len; i++) {
        struct walked *walked = &ret_walked[order[i]];
        uint64_t number = numbers[order[i]];

        lanes[i] = (struct lane){.page = tree->map + tree->root * tree->page_bytes,
                                 .walked = walked,
                                 .number = number};
        walked->number = number;
        walked->person = (struct person){.len = 0};
        walked->known = false;
    }
    for (uint16_t level = 1; level < tree->depth; level++) {
        search_pages(tree, PAGE_BRANCH, lanes, len);
        for (size_t i = 0; i < len; i++) {
            go_to_page(&lanes[i], tree);
        }
    }
    search_pages(tree, PAGE_LEAF, lanes, len);
    for (size_t i = 0; i < len; i++) {
        take_row(&lanes[i], tree);
    }
}

// ---- neighbours one after the other ----

// A part of the numbers is a few months of births, some thousand persons of a nation: where
// their pages lie fits into what the processor remembers of the page tables.
enum { NUMBERS_BITS = 25, PARTS = 4096, ORDER_MIN = 1000 };

_Static_assert(WALK_MAX <= UINT16_MAX, "places in it");

static size_t
part_of(uint64_t number)
{
    uint64_t part = number >> NUMBERS_BITS;

    return part < PARTS ? part : PARTS - 1;
}

// By their parts, 300 -> 200 ns a look-up at fourteen thousand; wholly sorted it was 190.
static void
find_order(const uint64_t *numbers, size_t len, uint16_t *ret_order)
{
    uint16_t places[PARTS + 1] = {0};

    if (len < ORDER_MIN) {
        for (size_t i = 0; i < len; i++) {
            ret_order[i] = (uint16_t)i;
        }
        return;
    }
    for (size_t i = 0; i < len; i++) {
        places[part_of(numbers[i]) + 1]++;
    }
    for (size_t part = 0; part < PARTS; part++) {
        places[part + 1] = (uint16_t)(places[part] + places[part + 1]);
    }
    for (size_t i = 0; i < len; i++) {
        ret_order[places[part_of(numbers[i])]++] = (uint16_t)i;
    }
}

// Those of a walk that ended a walk ago: their rows have arrived.
static void
copy_rows(struct walked *walked, const uint16_t *order, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct walked *one = &walked[order[i]];
        size_t rows = one->person.len;

        if (rows > 0 && rows <= WALKED_ROWS) {
            memcpy(one->rows, one->person.integrations, rows * sizeof *one->rows);
            one->person.integrations = one->rows;
        }
    }
}

static void
walk_all(const struct tree *tree, const uint64_t *numbers, size_t len,
         struct walked *ret_walked)
{
    uint16_t order[WALK_MAX];
    size_t last = 0; // where the walk before began

    find_order(numbers, len, order);
    for (size_t i = 0; i < len; i += LANES) {
        size_t lanes = len - i < LANES ? len - i : LANES;

        walk(tree, numbers, order + i, lanes, ret_walked);
        copy_rows(ret_walked, order + last, i - last);
        last = i;
    }
    copy_rows(ret_walked, order + last, len - last);
}

// ---- the library says the same? ----

static bool
same_person(const struct person *a, const struct person *b)
{
    return a->len == b->len && a->replaced_by.number == b->replaced_by.number &&
           (a->len == 0 || memcmp(a->integrations, b->integrations,
                                  a->len * sizeof *a->integrations) == 0);
}

// Compares one of them; another one each time, as their numbers differ.
static bool
sample_holds(struct txn *txn, const struct walked *walked, size_t len)
{
    const struct walked *sample = &walked[walked[0].number % len];
    struct person person;

    if (!sample->known || person_changed(txn, (struct niss){sample->number})) {
        return true;
    }
    return person_get(txn, (struct niss){sample->number}, &person) != VG_OK ||
           same_person(&person, &sample->person);
}

static bool
samples_hold(struct txn *txn, const struct walked *walked, size_t len)
{
    bool hold = true;

    for (size_t i = 0; hold && i < len; i += SAMPLE_OF) {
        hold = sample_holds(txn, walked + i, len - i < SAMPLE_OF ? len - i : SAMPLE_OF);
    }
    return hold;
}

void
person_walk(struct txn *txn, const uint64_t *numbers, size_t len,
            struct walked *ret_walked)
{
    struct tree tree;
    bool found = false;

    CHECK(len <= WALK_MAX);
    if (len > 0 && table_tree(txn, TABLE_PERSONS, &tree)) {
        walk_all(&tree, numbers, len, ret_walked);
        found = samples_hold(txn, ret_walked, len);
        if (!found) {
            table_tree_distrust(txn);
        }
    }
    for (size_t i = 0; !found && i < len; i++) {
        ret_walked[i].known = false;
    }
}

enum vg_status
person_walked(struct txn *txn, const struct walked *walked, struct niss niss,
              struct person *ret_person)
{
    if (walked != NULL && walked->known && walked->number == niss.number &&
        !person_changed(txn, niss)) {
        *ret_person = walked->person;
        return VG_OK;
    }
    return person_get(txn, niss, ret_person);
}
