// SPDX-License-Identifier: EUPL-1.2
// http_dry_run.c - a dry run over HTTP. It is begun by a POST, goes on in slices between the
// loop's other work, and is told by a GET: how far it is, then what it found. One at a time;
// what it found is kept until the next one begins. A removal's person stands in the body.
#include "edge/dry_report.h"
#include "edge/http_inside.h"

#include "edge/clock.h"
#include "edge/log.h"

#include <stdlib.h>
#include <string.h>

// Of one turn of the loop: some milliseconds.
enum { SLICE_EVENTS = 500, DRY_MAGIC = 0x64727972 };

struct dry_running {
    uint32_t magic;
    struct broker *broker;
    struct event *turn;
    struct roster *roster;
    struct catalogue *planned; // NULL: the one in force
    struct dry_plan plan;
    struct dry_about about;
    struct dry_run *run;
    struct why why;
    enum vg_status status; // of the run; done or failed: no turn follows
    int64_t began_ms;
};

void
dry_running_end(struct dry_running **running)
{
    struct dry_running *ended = *running;

    if (ended == NULL) {
        return;
    }
    dry_run_free(&ended->run);
    roster_free(&ended->roster);
    catalogue_free(&ended->planned);
    if (ended->turn != NULL) {
        event_free(ended->turn);
    }
    free(ended);
    *running = NULL;
}

static bool
is_running(const struct dry_running *running)
{
    return running != NULL && running->status == VG_OK && !dry_run_done(running->run);
}

// ---- running ----

static void
next_turn(struct dry_running *running)
{
    static const struct timeval at_once = {0, 0};

    CHECK(evtimer_add(running->turn, &at_once) == 0);
}

static void
at_turn(evutil_socket_t fd, short what, void *arg)
{
    struct dry_running *running = arg;
    struct broker *broker = running->broker;

    (void)fd;
    (void)what;
    CHECK(running->magic == DRY_MAGIC);
    if (broker->draining || broker->fatal) {
        return; // nobody waits for it
    }
    running->status =
        dry_run_step(running->run, broker_txn(broker), SLICE_EVENTS, &running->why);
    broker_end_turn(broker);
    if (is_running(running)) {
        next_turn(running);
        return;
    }
    log_info("dry_run_done", "status=%s mutations=%llu ms=%lld",
             vg_status_name(running->status),
             (unsigned long long)dry_run_report(running->run)->mutations,
             (long long)(clock_ms() - running->began_ms));
}

static json_t *
state_json(struct dry_running *running)
{
    AUTO(buffer_free) struct buffer text = {0};
    const struct dry_report *report;
    json_t *words;

    if (is_running(running)) {
        return json_pack("{s:b, s:f}", "running", 1, "progress",
                         dry_run_progress(running->run));
    }
    report = dry_run_report(running->run);
    dry_report_print(report, &running->about, &text);
    buffer_add(&text, "", 1);
    words = json_string((const char *)text.at);
    return json_pack("{s:b, s:f, s:o, s:o}", "running", 0, "progress", 1.0, "report",
                     dry_report_json(report, &running->about), "text",
                     words != NULL ? words : json_string("(not UTF-8)"));
}

void
get_dry_run(struct call *call)
{
    struct dry_running *running = call->broker->dry_running;

    if (running == NULL) {
        call_refuse(call, VG_NOT_FOUND, "no dry run was asked for since the start");
    } else if (running->status != VG_OK) {
        call_refuse(call, running->status, "%s", running->why.text);
    } else {
        call_answer(call, state_json(running));
    }
}

// ---- beginning ----

// NULL after a refusal: one is running, or there is no catalogue.
static struct dry_running *
new_running(struct call *call)
{
    struct broker *broker = call->broker;
    const char *since = call_question(call, "since");
    struct dry_running *running;
    struct why why = {0};
    struct instant begin;
    enum vg_status status =
        dry_since(since != NULL ? since : DRY_SINCE_DEFAULT, clock_now(), &begin, &why);

    if (is_running(broker->dry_running)) {
        status = fail(&why, VG_BUSY, "a dry run is under way: GET /v1/dry-run tells it");
    } else if (broker->catalogue == NULL) {
        status = fail(&why, VG_NOT_FOUND, "no catalogue is loaded yet");
    }
    if (status != VG_OK) {
        call_refuse(call, status, "%s", why.text);
        return NULL;
    }
    running = xcalloc(1, sizeof *running);
    running->magic = DRY_MAGIC;
    running->broker = broker;
    running->roster = roster_copy(broker->roster);
    running->plan.roster = running->roster;
    running->plan.in_force = running->plan.planned = broker->catalogue;
    running->about.plan = &running->plan;
    running->about.since = begin;
    running->began_ms = clock_ms();
    running->turn = evtimer_new(broker->base, at_turn, running);
    CHECK(running->turn != NULL);
    return running;
}

// Takes: running.
static void
begin(struct call *call, struct dry_running **running)
{
    struct broker *broker = call->broker;
    struct dry_running *begun = *running;
    struct why why = {0};
    enum vg_status status =
        dry_stretch(broker_txn(broker), &begun->plan, &begun->about, &why);

    if (status == VG_OK) {
        status = dry_run_new(broker_txn(broker), &begun->plan, &begun->run, &why);
    }
    if (status != VG_OK) {
        dry_running_end(running);
        call_refuse(call, status, "%s", why.text);
        return;
    }
    dry_running_end(&broker->dry_running);
    broker->dry_running = begun;
    *running = NULL;
    log_info(
        "dry_run_begun", "commits=%llu",
        (unsigned long long)(begun->plan.last_commit + 1 - begun->plan.first_commit));
    next_turn(begun);
    call_answer(call, state_json(begun));
}

void
post_dry_run(struct call *call)
{
    struct dry_running *running = new_running(call);
    struct faults faults = {0};

    if (running == NULL) {
        return;
    }
    running->planned =
        catalogue_parse((const char *)call->body.at, call->body.len, &faults);
    if (running->planned == NULL) {
        dry_running_end(&running);
        call_refuse_all(call, VG_BAD_CATALOGUE, &faults);
        return;
    }
    running->plan.planned = running->planned;
    snprintf(running->about.words, sizeof running->about.words, "this catalogue");
    begin(call, &running);
}

// ---- a removal ----

static uint32_t
read_day(const json_t *object, const char *name, bool needed, struct faults *faults)
{
    const char *text = json_string_value(json_object_get(object, name));
    struct day day;
    struct why why;

    if (text == NULL && !needed) {
        return 0;
    }
    if (text == NULL || day_parse(text, strlen(text), &day, &why) != VG_OK) {
        faults_add(faults, VG_BAD_DATE, 0, "%s: a day like 2026-11-21 is wanted", name);
        return 0;
    }
    return day_number(day);
}

void
post_dry_run_removal(struct call *call)
{
    static const char *const known[] = {"institution", "niss", "quality",
                                        "begin",       "end",  NULL};
    struct dry_running *running = new_running(call);
    struct faults faults = {0};
    json_t *object;

    if (running == NULL) {
        return;
    }
    object = http_object(call, known, &faults);

    const char *code = json_string_value(json_object_get(object, "institution"));
    struct directory_context context = {
        .catalogue = running->plan.in_force,
        .institution =
            code == NULL ? NULL : roster_by_code(running->roster, bytes_of(code)),
        .today = day_in_brussels(clock_now()),
        .test_persons = call->broker->settings->test_persons,
    };
    struct remove_request request = {0};

    if (object != NULL) {
        request.niss = http_number(object, "niss", UINT64_C(99999999999), &faults);
        request.quality = (uint32_t)http_number(object, "quality", 999, &faults);
        request.begin = read_day(object, "begin", true, &faults);
        request.end = read_day(object, "end", false, &faults);
        if (context.institution == NULL) {
            faults_add(&faults, VG_NOT_FOUND, 0, "institution: whose integration?");
        }
    }
    if (faults.total == 0) {
        dry_removal(&context, &request, &running->plan, &running->about, &faults);
    }
    json_decref(object);
    if (faults.total > 0) {
        dry_running_end(&running);
        call_refuse_all(call, faults_first(&faults), &faults);
        return;
    }
    begin(call, &running);
}
