// SPDX-License-Identifier: EUPL-1.2
#include "edge/map_fault.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "edge/clock.h"
#include "edge/inspect.h"

enum { LINE_BYTES_MAX = 1024 };

// A signal handler is given nothing: this one is written once, before it can run.
static char store[SETTING_TEXT_LEN];

static size_t
add(char *line, size_t len, const char *words)
{
    size_t words_len = strnlen(words, LINE_BYTES_MAX - len);

    memcpy(line + len, words, words_len);
    return len + words_len;
}

// Nothing here allocates, locks or prints formatted: signal-safety(7).
static void
at_map_fault(int number)
{
    char line[LINE_BYTES_MAX];
    char time[INSTANT_TEXT_LEN];
    size_t len = 0;
    (void)number;

    instant_print(clock_now(), time);
    len = add(line, len, "time=");
    len = add(line, len, time);
    len = add(line, len, " level=error event=store_unreadable store=");
    len = add(line, len, store);
    len =
        add(line, len,
            " why=\"its file was cut short or its disk cannot be read (SIGBUS); look at "
            "the disk, then vigied --verify, then start again or restore a backup\"\n");
    if (write(STDERR_FILENO, line, len) < 0) {
        _exit(INSPECT_UNSOUND); // there is nobody to tell
    }
    _exit(INSPECT_UNSOUND);
}

void
map_fault_watch(const char *store_path)
{
    struct sigaction action = {.sa_handler = at_map_fault};

    strncpy(store, store_path, sizeof store - 1);
    sigemptyset(&action.sa_mask);
    CHECK(sigaction(SIGBUS, &action, NULL) == 0);
}
