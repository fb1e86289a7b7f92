// SPDX-License-Identifier: EUPL-1.2
// scenario_merger.c - three institutions become one, and the National Register says a new
// address of everybody whom they follow, again and again: a million mutations, most of them
// into one mailbox. How long does that take, and what do the letters of all others take
// meanwhile, when it is spread over an hour and when it comes at once?
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum {
    MERGED = 3,
    BURST = 1000000,
    HOUR_S = 3600,
    USUAL_RATE = 1000,
    HEAD_START_US = 300000
};

struct scene {
    struct bench *bench;
    struct bench_sources *addresses;
    struct bench_sources *usual;
    uint32_t merged; // the mailbox of those that became one
    uint32_t others[SYNTHETIC_CPAS_MAX];
    size_t others_len;
};

// From today on the first CPAS are part of the last of them.
static bool
merge(struct bench *bench)
{
    const struct synthetic_institution *cpas =
        &bench->synthetic.institutions[bench->synthetic.cpas_first];
    uint32_t today = bench->synthetic.today;
    struct admin_answer answer;
    char on[16];
    char *body;
    int code = EXIT_DONE;

    snprintf(on, sizeof on, "%04u-%02u-%02u", today / 10000, today / 100 % 100,
             today % 100);

    json_t *object =
        json_pack("{s:[],s:s,s:s}", "from", "into", cpas[MERGED - 1].code, "on", on);

    for (size_t i = 0; i < MERGED - 1; i++) {
        json_array_append_new(json_object_get(object, "from"), json_string(cpas[i].code));
    }
    body = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    admin_call(bench->cli, "/v1/mergers", body, strlen(body), &answer);
    free(body);

    if (admin_done(bench->cli, &answer, &code)) {
        bench->merged = MERGED;
    }
    admin_answer_clear(&answer);
    return bench->merged == MERGED;
}

static bool
open_scene(struct bench *bench, struct scene *ret)
{
    *ret = (struct scene){.bench = bench};
    if (!bench_open(bench) || !merge(bench)) {
        return false;
    }
    ret->merged = bench_mailbox(bench, MERGED - 1);
    for (size_t i = MERGED; i < bench->synthetic.cpas_len; i++) {
        ret->others[ret->others_len++] = bench_mailbox(bench, i);
    }
    ret->addresses = bench_sources_open(bench, ABOUT_MERGED);
    ret->usual = bench_sources_open(bench, ABOUT_FOLLOWED);
    return ret->addresses != NULL && ret->usual != NULL;
}

// Publishes beside us until it is done or ended.
static pid_t
start_burst(const struct scene *scene, uint64_t rate)
{
    struct bench_job job = {.rate = rate, .count = BURST};
    struct bench_published published;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bench_publish(scene->addresses, &job, &published);
        _exit(0);
    }
    usleep(HEAD_START_US);
    return child;
}

static void
end_burst(pid_t child)
{
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
}

enum beside { ALONE, BESIDE_AN_HOUR, BESIDE_ALL_AT_ONCE };

static bool
run_others(const struct scene *scene, enum beside beside, struct bench_result *ret)
{
    const struct bench *bench = scene->bench;
    struct bench_job job = {.rate = bench->rate == 0 ? USUAL_RATE : bench->rate};
    struct crew *those = bench_crew(bench, &scene->merged, 1, 1, BENCH_WINDOW, false);
    struct crew *others = bench_crew(bench, scene->others, scene->others_len,
                                     BENCH_CONNECTIONS, BENCH_WINDOW, false);
    pid_t burst = those == NULL || others == NULL || beside == ALONE
                      ? 0
                      : start_burst(scene, beside == BESIDE_AN_HOUR ? BURST / HOUR_S : 0);
    bool good = those != NULL && others != NULL &&
                bench_run(bench, others, scene->usual, &job, ret);

    end_burst(burst);
    crew_stop(&others);
    crew_stop(&those);
    return good;
}

static bool
measure_others(const struct scene *scene)
{
    static const char *const titles[] = {"others, alone",
                                         "others, beside a million an hour",
                                         "others, beside a million at once"};
    static struct bench_result results[3][BENCH_ROUNDS_MAX];
    const struct bench *bench = scene->bench;
    bool good = true;

    for (uint64_t i = 0; good && i < bench->rounds; i++) {
        for (size_t j = 0; good && j < 3; j++) {
            good = run_others(scene, (enum beside)j, &results[j][i]);
        }
    }
    for (size_t j = 0; good && j < 3; j++) {
        bench_report_latency(bench, titles[j], results[j], bench->rounds);
    }
    return good;
}

// All at once, and nobody else publishes.
static bool
measure_burst(const struct scene *scene)
{
    const struct bench *bench = scene->bench;
    struct bench_job job = {.count = bench->waiting < BURST ? bench->waiting : BURST};
    char title[96];

    snprintf(title, sizeof title, "%llu addresses of %d CPAS that became one",
             (unsigned long long)job.count, MERGED);
    return bench_rounds(bench, scene->addresses, &job, &scene->merged, 1, title);
}

bool
scenario_merger(struct bench *bench)
{
    struct scene scene;
    bool good =
        open_scene(bench, &scene) && measure_burst(&scene) && measure_others(&scene);

    bench_sources_close(&scene.usual);
    bench_sources_close(&scene.addresses);
    return good;
}
