// SPDX-License-Identifier: EUPL-1.2
// store_dump.h - every value of every table as text, one row a line, read as the broker
// reads it.
//
// store_make writes it once beside a golden store; store_test compares. For tests: persons
// are fictitious and printed whole.
#ifndef GOLDEN_STORE_DUMP_H
#define GOLDEN_STORE_DUMP_H

#include "base/buffer.h"
#include "store/store.h"

// store_dump appends the text; a line that begins with "!" says what could not be read.
// schema: of the program that wrote the store; what came later is left out.
void store_dump(struct txn *txn, uint32_t schema, struct buffer *text);

#endif
