// SPDX-License-Identifier: EUPL-1.2
// image.h - a whole reference directory as one stream: what `vigied --load-directory`
// reads, and what `vigie simulate --national` writes.
//
// One request over the wire for each of 170 million integrations would take minutes and a
// journal line each; a directory that is taken over from elsewhere comes once, in order.
//
//   struct image_head
//   struct image_institution, head.institutions of them
//   for each person, numbers ascending:
//     struct image_person, then its rows times struct image_row
//   struct image_person with niss 0 and rows 0: the end; what comes without it was cut short
//
// All numbers are little-endian; the structs have no holes.
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdint.h>

#define IMAGE_MAGIC UINT64_C(0x31524944454947) // "GIEDIR1" as it stands in the stream

enum {
    IMAGE_NAME_LEN = 24,
    IMAGE_INSTITUTIONS_MAX = 65536,
    IMAGE_ROWS_MAX = 2000, // of one person
};

struct image_head {
    uint64_t magic;
    uint32_t institutions;
    uint32_t reserved;
};

struct image_institution {
    char code[IMAGE_NAME_LEN];   // "CPAS-21004", with zeros behind
    char sector[IMAGE_NAME_LEN]; // as the catalogue names it
    uint32_t number;             // inside its sector
    uint32_t reserved;
};

struct image_person {
    uint64_t niss;
    uint32_t rows;
    uint32_t reserved;
};

struct image_row {
    uint32_t institution; // its place in the list above, from 0
    uint32_t quality;
    uint32_t begin; // yyyymmdd
    uint32_t end;   // yyyymmdd; 0: the longest the code allows
};

#endif
