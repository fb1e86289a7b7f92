// SPDX-License-Identifier: EUPL-1.2
// vigied - the daemon: options, signals, and what the system's service manager is told.
#include "edge/archive.h"
#include "edge/broker.h"
#include "edge/confine.h"
#include "edge/dry_report.h"
#include "edge/export.h"
#include "edge/inspect.h"
#include "edge/load_directory.h"
#include "edge/log.h"
#include "edge/map_fault.h"
#include "edge/memory.h"
#include "edge/verify_journal.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define SETTINGS_DEFAULT "/etc/vigie/vigied.yaml"

enum {
    EXIT_USAGE = 2,     // the command line; the others: edge/inspect.h
    DRAIN_MARGIN_S = 5, // beyond drain_seconds: then the system ends us
};

static const char usage[] =
    "vigied [--settings FILE]     serve until SIGTERM\n"
    "  --settings FILE            default " SETTINGS_DEFAULT "\n"
    "  --check                    read the settings, say what is wrong, end\n"
    "  --verify                   read the whole store, say whether it can be trusted, "
    "end\n"
    "  --verify-journal           follow its hashes, beside a broker that runs, end\n"
    "    --key PUBLIC             and hold it against its own anchors, signed by this "
    "key\n"
    "    --anchors FILE           or against these\n"
    "  --load-directory FILE      take a whole reference directory over (-: standard "
    "input), end\n"
    "  --backup FOLDER            copy the store, beside a broker that runs, end\n"
    "    --compact                leave unused pages out\n"
    "    --since BACKUP           only what follows on an earlier backup\n"
    "  --restore BACKUP           make the store of a backup, verify it, end\n"
    "    --with STORE             replay what a later store or increment has (may be "
    "repeated)\n"
    "    --to COMMIT|TIME         only up to here: 1234, 2026-11-21T13:00:00Z\n"
    "  --repair --from BACKUP     mend damaged blocks, records and letters from a "
    "backup, end\n"
    "  --dry-run                  what would have been different, beside a broker that "
    "runs, end\n"
    "    --since 24h|TIME         since when (24h)\n"
    "    --catalogue FILE         by this catalogue\n"
    "    --without WORDS          without \"INSTITUTION NISS QUALITY BEGIN [END]\"; -: "
    "as "
    "standard input says\n"
    "  --export-journal FOLDER    add what the folder does not have yet of the journal, "
    "end\n"
    "  --check-catalogue FILE     read a catalogue, say what is wrong, end\n"
    "  --json                     say it as one JSON object\n"
    "  --help-settings            print a settings file with every default explained\n"
    "  --version\n"
    "  --help\n"
    "\n"
    "SIGTERM, SIGINT: accept nothing new, answer what is queued, end. SIGHUP: read "
    "settings\n"
    "and catalogue again.\n"
    "Exit codes: 0 done; 1 could not start, or a check found mistakes; 2 command line;\n"
    "3 the store cannot be trusted; 4 a commit's outcome is not known: verify, then "
    "start\n"
    "again, clients repeat what was not answered.\n";

static int
help_settings(void)
{
    struct buffer text = {0};

    settings_help(&text);
    fwrite(text.at, 1, text.len, stdout);
    buffer_free(&text);
    return INSPECT_GOOD;
}

// ---- serving ----

struct signals {
    struct event *end[2]; // SIGTERM, SIGINT
    struct event *reload;
    struct event *watchdog;
};

static void
at_end(evutil_socket_t number, short what, void *arg)
{
    struct broker *broker = arg;
    (void)what;

    log_info("signal", "name=%s", strsignal((int)number));
    sd_notify(0, "STOPPING=1");
    // Whatever hangs, this process ends: the promise holds without a clean end.
    alarm(broker->settings->drain_seconds + DRAIN_MARGIN_S);
    broker_drain(broker);
}

static void
at_reload(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    broker_reload(arg);
}

static void
at_watchdog(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    sd_notify(0, "WATCHDOG=1");
}

// The kernel had no memory to watch a descriptor. libevent then takes its number for one that
// is watched, also when another connection gets it: nobody there is ever answered.
static bool
lost_a_descriptor(const char *words)
{
    return strncmp(words, "Epoll ", strlen("Epoll ")) == 0 &&
           (strstr(words, strerror(ENOMEM)) != NULL ||
            strstr(words, strerror(ENOSPC)) != NULL);
}

// What libevent has to say, in our log.
static void
at_loop_words(int severity, const char *words)
{
    if (severity < EVENT_LOG_WARN) {
        return;
    }
    if (lost_a_descriptor(words)) {
        log_error("event_loop_failed", "why=%s", log_quote(words).text);
        _exit(BROKER_EXIT_UNKNOWN);
    }
    log_warning("event_loop", "why=%s", log_quote(words).text);
}

// It cannot go on: nobody is answered any more.
static void
at_loop_failure(int error)
{
    log_error("event_loop_failed", "why=%s", log_quote(strerror(error)).text);
    _exit(BROKER_EXIT_UNKNOWN);
}

static enum vg_status
listen_to_signals(struct broker *broker, struct signals *signals)
{
    uint64_t watchdog_us = 0;

    signals->end[0] = evsignal_new(broker->base, SIGTERM, at_end, broker);
    signals->end[1] = evsignal_new(broker->base, SIGINT, at_end, broker);
    signals->reload = evsignal_new(broker->base, SIGHUP, at_reload, broker);
    CHECK(signals->end[0] != NULL && signals->end[1] != NULL && signals->reload != NULL);
    if (event_add(signals->end[0], NULL) != 0 || event_add(signals->end[1], NULL) != 0 ||
        event_add(signals->reload, NULL) != 0) {
        return VG_NO_MEMORY;
    }
    if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
        struct timeval half = {(time_t)(watchdog_us / 2000000),
                               (suseconds_t)(watchdog_us / 2 % 1000000)};

        signals->watchdog = event_new(broker->base, -1, EV_PERSIST, at_watchdog, broker);
        CHECK(signals->watchdog != NULL);
        CHECK(event_add(signals->watchdog, &half) == 0);
    }
    return VG_OK;
}

// A signal that comes while the broker opens waits until there is somebody to hear it.
static void
hold_signals(int how)
{
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    sigprocmask(how, &ours, NULL);
}

static void
forget_signals(struct signals *signals)
{
    event_free(signals->end[0]);
    event_free(signals->end[1]);
    event_free(signals->reload);
    if (signals->watchdog != NULL) {
        event_free(signals->watchdog);
    }
}

// Each connection is a descriptor; at the limit ZeroMQ's accepting would spin.
static void
raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void
say_not_started(const struct faults *faults)
{
    for (size_t i = 0; i < faults->len; i++) {
        log_error("not_started", "status=%s line=%u why=%s",
                  vg_status_name(faults->fault[i].status), faults->fault[i].line,
                  log_quote(faults->fault[i].why.text).text);
    }
}

// The list of system calls is for serving: it comes after everything that begins it.
static enum vg_status
open_confined(struct settings *settings, struct broker **ret_broker,
              struct faults *faults)
{
    struct why why = {0};
    enum vg_status status = confine_secrets(settings->core_dumps, &why);

    if (status == VG_OK) {
        status = broker_open(settings, ret_broker, faults);
    }
    if (status == VG_OK && settings->syscall_filter && confine_is_possible()) {
        status = confine_calls(&why);
    }
    if (why.text[0] != 0) {
        faults_add(faults, status, 0, "%s", why.text);
    }
    log_info("confined", "syscall_filter=%s core_dumps=%s",
             settings->syscall_filter && confine_is_possible() ? "yes" : "no",
             settings->core_dumps || !confine_is_possible() ? "yes" : "no");
    return status;
}

static int
serve(const char *path, struct settings *settings)
{
    struct broker *broker = NULL;
    struct signals signals = {0};
    struct faults faults = {0};
    int code;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // a limit on the file's size is an error of the write
    raise_descriptor_limit();
    log_set_level(settings->log_level);
    memory_set_policy();
    event_set_log_callback(at_loop_words);
    event_set_fatal_callback(at_loop_failure);
    hold_signals(SIG_BLOCK);
    if (open_confined(settings, &broker, &faults) != VG_OK) {
        say_not_started(&faults);
        broker_close(&broker);
        return INSPECT_BAD;
    }
    broker->settings_path = path;
    if (listen_to_signals(broker, &signals) == VG_OK) {
        hold_signals(SIG_UNBLOCK);
        sd_notify(0, "READY=1");
        code = broker_run(broker);
        hold_signals(SIG_BLOCK); // it is ending: one that comes now does not change how
    } else {
        log_error("not_started", "why=\"the event loop takes no signals\"");
        code = INSPECT_BAD;
    }
    forget_signals(&signals);
    broker_close(&broker);
    log_info("ended", "code=%d", code);
    return code;
}

// ---- the command line ----

typedef int (*archive_fn)(const struct settings *settings,
                          const struct archive_choices *choices,
                          const struct inspect_output *output);

struct choices {
    const char *settings;
    archive_fn archive; // NULL: nothing with backups
    struct archive_choices backup;
    const char *catalogue; // to check
    const char *journal;   // the folder to export it to
    const char *directory; // to load
    struct dry_choices dry;
    struct verify_choices anchors;
    bool verify_journal;
    bool dry_run;
    bool check;
    bool verify;
    bool json;
    int code; // -1: go on
};

// What says something only beside --backup, --restore or --repair.
static bool
names_a_part(const struct archive_choices *backup)
{
    return backup->folder != NULL || backup->compact || backup->since != NULL ||
           backup->to != NULL || backup->with_len > 0;
}

static struct choices
read_options(int count, char **arguments)
{
    static const struct option options[] = {
        {"settings", required_argument, NULL, 's'},
        {"check", no_argument, NULL, 'c'},
        {"verify", no_argument, NULL, 'v'},
        {"verify-journal", no_argument, NULL, 'n'},
        {"key", required_argument, NULL, 'q'},
        {"anchors", required_argument, NULL, 'a'},
        {"json", no_argument, NULL, 'j'},
        {"check-catalogue", required_argument, NULL, 'k'},
        {"export-journal", required_argument, NULL, 'x'},
        {"load-directory", required_argument, NULL, 'd'},
        {"dry-run", no_argument, NULL, 'y'},
        {"catalogue", required_argument, NULL, 'l'},
        {"without", required_argument, NULL, 'u'},
        {"backup", required_argument, NULL, 'b'},
        {"compact", no_argument, NULL, 'o'},
        {"since", required_argument, NULL, 'i'},
        {"restore", required_argument, NULL, 'r'},
        {"with", required_argument, NULL, 'w'},
        {"to", required_argument, NULL, 't'},
        {"repair", no_argument, NULL, 'p'},
        {"from", required_argument, NULL, 'f'},
        {"help-settings", no_argument, NULL, 'e'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    struct choices choices = {.settings = SETTINGS_DEFAULT, .code = -1};
    int option;

    while (choices.code < 0 &&
           (option = getopt_long(count, arguments, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            choices.settings = optarg;
            break;
        case 'c':
            choices.check = true;
            break;
        case 'v':
            choices.verify = true;
            break;
        case 'n':
            choices.verify_journal = true;
            break;
        case 'q':
            choices.anchors.key = optarg;
            break;
        case 'a':
            choices.anchors.anchors = optarg;
            break;
        case 'j':
            choices.json = true;
            break;
        case 'k':
            choices.catalogue = optarg;
            break;
        case 'x':
            choices.journal = optarg;
            break;
        case 'd':
            choices.directory = optarg;
            break;
        case 'y':
            choices.dry_run = true;
            break;
        case 'l':
            choices.dry.catalogue = optarg;
            break;
        case 'u':
            choices.dry.without = optarg;
            break;
        case 'b':
            choices.archive = archive_backup;
            choices.backup.folder = optarg;
            break;
        case 'o':
            choices.backup.compact = true;
            break;
        case 'i':
            choices.backup.since = optarg;
            break;
        case 'r':
            choices.archive = archive_restore;
            choices.backup.folder = optarg;
            break;
        case 'w':
            if (choices.backup.with_len == ARCHIVE_WITH_MAX) {
                fprintf(stderr, "vigied: at most %d times --with\n", ARCHIVE_WITH_MAX);
                choices.code = EXIT_USAGE;
                break;
            }
            choices.backup.with[choices.backup.with_len++] = optarg;
            break;
        case 't':
            choices.backup.to = optarg;
            break;
        case 'p':
            choices.archive = archive_repair;
            break;
        case 'f':
            choices.backup.folder = optarg;
            break;
        case 'e':
            choices.code = help_settings();
            break;
        case 'V':
            puts("vigied " VIGIE_VERSION);
            choices.code = INSPECT_GOOD;
            break;
        case 'h':
            fputs(usage, stdout);
            choices.code = INSPECT_GOOD;
            break;
        default:
            fputs(usage, stderr);
            choices.code = EXIT_USAGE;
        }
    }
    if (choices.code < 0 && optind < count) {
        fprintf(stderr, "vigied: \"%s\" is no option\n%s", arguments[optind], usage);
        choices.code = EXIT_USAGE;
    }
    if (choices.code < 0 && choices.archive != NULL && choices.backup.folder == NULL) {
        fprintf(stderr, "vigied: --repair needs --from BACKUP\n%s", usage);
        choices.code = EXIT_USAGE;
    }
    if (choices.dry_run) {
        choices.dry.since = choices.backup.since;
        choices.backup.since = NULL;
    }
    if (choices.code < 0 &&
        (choices.dry.catalogue != NULL) + (choices.dry.without != NULL) !=
            (choices.dry_run ? 1 : 0)) {
        fprintf(stderr, "vigied: --dry-run needs --catalogue or --without\n%s", usage);
        choices.code = EXIT_USAGE;
    }
    if (choices.code < 0 && choices.anchors.anchors != NULL &&
        choices.anchors.key == NULL) {
        fprintf(stderr, "vigied: --anchors needs --key\n%s", usage);
        choices.code = EXIT_USAGE;
    }
    if (choices.code < 0 && choices.archive == NULL && names_a_part(&choices.backup)) {
        fprintf(stderr, "vigied: --backup, --restore or --repair is missing\n%s", usage);
        choices.code = EXIT_USAGE;
    }
    return choices;
}

int
main(int count, char **arguments)
{
    struct choices choices = read_options(count, arguments);
    struct inspect_output output = {
        .out = stdout,
        .wrong = stderr,
        .json = choices.json,
        .progress = !choices.json && isatty(STDERR_FILENO),
    };
    struct faults faults = {0};
    struct settings settings;

    CHECK(sodium_init() >= 0); // before it the journal's hash runs on slower code
    if (choices.code >= 0) {
        return choices.code;
    }
    if (choices.catalogue != NULL) {
        return inspect_catalogue(choices.catalogue, &output);
    }
    if (choices.check) {
        return inspect_settings(choices.settings, &output);
    }
    if (settings_read(choices.settings, &settings, &faults) != VG_OK) {
        return inspect_faults(choices.settings, &faults, &output);
    }
    map_fault_watch(settings.store_path);
    if (choices.journal != NULL) {
        return export_journal(&settings, choices.journal, &output);
    }
    if (choices.verify_journal) {
        return verify_journal(&settings, &choices.anchors, &output);
    }
    if (choices.dry_run) {
        return dry_run_store(&settings, &choices.dry, &output);
    }
    if (choices.directory != NULL) {
        return load_directory(&settings, choices.directory, &output);
    }
    if (choices.archive != NULL) {
        return choices.archive(&settings, &choices.backup, &output);
    }
    return choices.verify ? inspect_store(&settings, &output)
                          : serve(choices.settings, &settings);
}
