// SPDX-License-Identifier: EUPL-1.2
#include "edge/memory.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/base.h"

static void *
get_memory(size_t size)
{
    void *memory = malloc(size == 0 ? 1 : size);

    CHECK(memory != NULL);
    return memory;
}

static void *
change_memory(void *memory, size_t size)
{
    void *changed = realloc(memory, size == 0 ? 1 : size);

    CHECK(changed != NULL);
    return changed;
}

void
memory_set_policy(void)
{
    event_set_mem_functions(get_memory, change_memory, free);
    json_set_alloc_funcs(get_memory, free);
}
