// SPDX-License-Identifier: EUPL-1.2
#include "edge/reload.h"

#include "edge/answers.h"
#include "edge/catalogue_file.h"
#include "edge/log.h"

#include <poll.h>
#include <stdlib.h>

enum { CATALOGUE_LOAD_MS = 30 * 1000 };

struct catalogue_answer {
    struct answer_to to;
    bool answered;
    struct faults *faults; // NULL: for the log only
};

static void
at_catalogue(const struct command *command, void *arg)
{
    struct catalogue_answer *answer = arg;

    answer->answered = true;
    if (command->status == VG_OK) {
        log_info("catalogue_loaded", "version=%llu",
                 (unsigned long long)command->load_catalogue.version);
    }
    for (size_t i = 0; command->faults != NULL && i < command->faults->len; i++) {
        const struct fault *fault = &command->faults->fault[i];

        log_error("catalogue_refused", "line=%u status=%s why=%s", fault->line,
                  vg_status_name(fault->status), log_quote(fault->why.text).text);
        if (answer->faults != NULL) {
            faults_add(answer->faults, fault->status, fault->line, "%s", fault->why.text);
        }
    }
    if (answer->faults == NULL) {
        free(answer);
    }
}

// Before the doors are open there is no loop to wait in.
static enum vg_status
load_catalogue_now(struct broker *broker, struct command **command, struct faults *faults)
{
    struct catalogue_answer answer = {.to = {at_catalogue, &answer}, .faults = faults};
    struct pollfd wait = {.fd = writer_fd(broker->writer), .events = POLLIN};

    (*command)->back.context = &answer.to;
    broker_propose(broker, command);
    while (!answer.answered && !broker->fatal) {
        if (poll(&wait, 1, CATALOGUE_LOAD_MS) == 0) {
            faults_add(faults, VG_TIMED_OUT, 0, "the catalogue was not stored in time");
            break;
        }
        answers_take(broker);
    }
    broker_rest_txn(broker);
    if (broker->fatal) {
        faults_add(faults, VG_UNKNOWN, 0, "the catalogue could not be stored");
    }
    return faults_first(faults);
}

enum vg_status
reload_first_catalogue(struct broker *broker, struct faults *faults)
{
    const char *path = broker->settings->catalogue_file;
    struct command *command = NULL;
    struct why why;
    enum vg_status status = VG_OK;

    if (path[0] != 0) {
        status = catalogue_file_news(path, broker_txn(broker), &command, &why);
        broker_rest_txn(broker);
    }
    if (status != VG_OK) {
        faults_add(faults, status, 0, "%s", why.text);
        return status;
    }
    return command == NULL ? VG_OK : load_catalogue_now(broker, &command, faults);
}

void
reload_catalogue(struct broker *broker)
{
    struct catalogue_answer *answer;
    struct command *command = NULL;
    struct why why;

    if (broker->settings->catalogue_file[0] == 0) {
        return;
    }
    if (catalogue_file_news(broker->settings->catalogue_file, broker_txn(broker),
                            &command, &why) != VG_OK) {
        log_error("catalogue_unreadable", "why=%s", log_quote(why.text).text);
    }
    if (command != NULL) {
        answer = xcalloc(1, sizeof *answer);
        answer->to = (struct answer_to){at_catalogue, answer};
        command->back.context = &answer->to;
        broker_propose(broker, &command);
    }
}

void
reload_settings(struct broker *broker)
{
    struct settings fresh;
    struct faults faults = {0};

    if (broker->settings_path == NULL) {
        return;
    }
    if (settings_read(broker->settings_path, &fresh, &faults) == VG_OK) {
        settings_reload(broker->settings, &fresh);
        log_set_level(broker->settings->log_level);
    }
    for (size_t i = 0; i < faults.len; i++) {
        log_error("settings_refused", "line=%u why=%s", faults.fault[i].line,
                  log_quote(faults.fault[i].why.text).text);
    }
}
