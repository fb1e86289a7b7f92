// SPDX-License-Identifier: EUPL-1.2
#include "store/person_walk.h"

#include "store/store_internal.h"

enum { LANES = 16, CACHE_LINE = 64 };

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
enum { NODE_MIN = sizeof(struct node_head) + sizeof(uint64_t), DEPTH_MAX = 32 };

enum phase { ARRIVE, PROBE };

// One number on its way down.
struct lane {
    struct walked *walked; // NULL: it is at its end
    const uint8_t *page;
    uint32_t low; // nodes before it have keys at or below the number
    uint32_t high;
    uint32_t nodes;
    uint16_t offset; // of the node in the middle
    uint8_t depth;
    bool branch;
    enum phase phase;
};

static void
go_to_page(struct lane *lane, const struct tree *tree, uint64_t number)
{
    if (number >= tree->pages || ++lane->depth > DEPTH_MAX) {
        lane->walked = NULL; // nonsense: whoever asks will ask the library
        return;
    }
    lane->page = tree->map + number * tree->page_bytes;
    lane->phase = ARRIVE;
    __builtin_prefetch(lane->page);
}

static uint16_t
u16_at(const uint8_t *at)
{
    uint16_t number;

    memcpy(&number, at, sizeof number);
    return number;
}

// Where the i-th node begins; 0 when so many bytes of it would not lie inside the page.
static uint16_t
node_offset(const struct lane *lane, const struct tree *tree, uint32_t i, size_t bytes)
{
    size_t offsets_end = sizeof(struct page_head) + 2 * (size_t)lane->nodes;
    uint16_t offset = u16_at(lane->page + sizeof(struct page_head) + 2 * (size_t)i);

    return offset < offsets_end || offset + bytes > tree->page_bytes ? 0 : offset;
}

// False when it lies outside the page.
static bool
go_to_middle(struct lane *lane, const struct tree *tree)
{
    lane->offset = node_offset(lane, tree, (lane->low + lane->high) / 2, NODE_MIN);
    lane->phase = PROBE;
    __builtin_prefetch(lane->page + lane->offset);
    return lane->offset != 0;
}

static struct node_head
node_at(const struct lane *lane, uint16_t offset)
{
    struct node_head node;

    memcpy(&node, lane->page + offset, sizeof node);
    return node;
}

static uint64_t
key_at(const struct lane *lane, uint16_t offset)
{
    uint64_t key;

    memcpy(&key, lane->page + offset + sizeof(struct node_head), sizeof key);
    return key;
}

// The last node of a leaf whose key is not above the number: this person's, or the person
// is not followed.
static void
take_row(struct lane *lane, const struct tree *tree)
{
    struct walked *walked = lane->walked;
    uint16_t offset =
        lane->low == 0 ? 0 : node_offset(lane, tree, lane->low - 1, NODE_MIN);

    lane->walked = NULL;
    if (lane->low == 0 || (offset != 0 && key_at(lane, offset) != walked->number)) {
        walked->known = true; // an empty person
        return;
    }

    struct node_head node = node_at(lane, offset);
    struct bytes value = {lane->page + offset + NODE_MIN,
                          node.low | (size_t)node.high << 16};

    // A long row lies on pages of its own: the library reads it.
    walked->known = offset != 0 && node.flags == NODE_PLAIN &&
                    node.key_len == sizeof walked->number &&
                    (size_t)offset + NODE_MIN + value.len <= tree->page_bytes &&
                    read_person(value, &walked->person) == VG_OK;
    for (size_t at = 0; walked->known && at < value.len; at += CACHE_LINE) {
        __builtin_prefetch(value.at + at);
    }
}

static void
end_of_page(struct lane *lane, const struct tree *tree)
{
    if (!lane->branch) {
        take_row(lane, tree);
        return;
    }

    // The first node of a branch has no key.
    uint16_t offset = node_offset(lane, tree, lane->low - 1, sizeof(struct node_head));
    struct node_head node = node_at(lane, offset);

    if (offset == 0) {
        lane->walked = NULL;
        return;
    }
    go_to_page(lane, tree,
               node.low | (uint64_t)node.high << 16 | (uint64_t)node.flags << 32);
}

static void
narrow(struct lane *lane, const struct tree *tree)
{
    if (lane->low == lane->high) {
        end_of_page(lane, tree);
    } else if (!go_to_middle(lane, tree)) {
        lane->walked = NULL;
    }
}

static void
arrive(struct lane *lane, const struct tree *tree)
{
    struct page_head head;
    unsigned kind;

    memcpy(&head, lane->page, sizeof head);
    kind = head.flags & PAGE_KINDS;
    if ((kind != PAGE_BRANCH && kind != PAGE_LEAF) || head.lower < sizeof head ||
        head.lower > tree->page_bytes) {
        lane->walked = NULL;
        return;
    }
    lane->branch = kind == PAGE_BRANCH;
    lane->nodes = (head.lower - (uint32_t)sizeof head) / 2;
    // The first key of a branch is none: everything before the second lies there.
    lane->low = lane->branch ? 1 : 0;
    lane->high = lane->nodes;
    if (lane->nodes < lane->low) {
        lane->walked = NULL;
        return;
    }
    narrow(lane, tree);
}

static void
probe(struct lane *lane, const struct tree *tree)
{
    uint32_t middle = (lane->low + lane->high) / 2;

    if (key_at(lane, lane->offset) <= lane->walked->number) {
        lane->low = middle + 1;
    } else {
        lane->high = middle;
    }
    narrow(lane, tree);
}

static void
walk(const struct tree *tree, struct walked *walked, size_t len)
{
    struct lane lanes[LANES] = {{.walked = NULL}};
    size_t next = 0;
    size_t busy;

    do {
        busy = 0;
        for (size_t i = 0; i < LANES; i++) {
            struct lane *lane = &lanes[i];

            if (lane->walked == NULL && next < len) {
                *lane = (struct lane){.walked = &walked[next++]};
                go_to_page(lane, tree, tree->root);
            } else if (lane->walked != NULL && lane->phase == ARRIVE) {
                arrive(lane, tree);
            } else if (lane->walked != NULL) {
                probe(lane, tree);
            }
            busy += lane->walked != NULL;
        }
    } while (busy > 0 || next < len);
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

void
person_walk(struct txn *txn, const uint64_t *numbers, size_t len,
            struct walked *ret_walked)
{
    struct tree tree;

    CHECK(len <= WALK_MAX);
    for (size_t i = 0; i < len; i++) {
        ret_walked[i] = (struct walked){.number = numbers[i]};
    }
    if (len == 0 || !table_tree(txn, TABLE_PERSONS, &tree)) {
        return;
    }
    walk(&tree, ret_walked, len);
    if (!sample_holds(txn, ret_walked, len)) {
        table_tree_distrust(txn);
        for (size_t i = 0; i < len; i++) {
            ret_walked[i].known = false;
        }
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
