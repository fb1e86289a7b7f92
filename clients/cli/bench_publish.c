// SPDX-License-Identifier: EUPL-1.2
// bench_publish.c - every source of the synthetic Belgium on a connection of its own, in one
// child process, saying mutations that were drawn before the clock runs.
//
// Of the 22 flows 20 are said, in the day's proportions: a mutation of EmployerDirectory
// goes to every CPAS and would flatter the figure, SSINReplacement moves the persons away.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum {
    CHANNELS_MAX = 32,
    CPAS_CHANNELS = 8, // the other CPAS do not publish
    PHRASES = 4096,    // flow and fields; the person is drawn apart
    PHRASES_TRIED = 1 << 22,
    PERSONS_MAX = 1 << 20,
    SENT_RING = 1 << 17, // more than any window
    VALUES_BYTES = 130,  // in a mutation, shared by its fields
    LOOK_EVERY = 2048,   // mutations: looking sends what is not a full frame yet
    LOOK_AT_ALL_US = 100000,
    PAUSE_US = 20000,
    REFUSED_TOLD = 3,
    CODES_MAX = 512, // different ones, of all fields
    ID_BYTES = 20,
};

struct channel {
    size_t institution;
    struct run *run;
    struct vg_publisher *publisher;
    uint64_t sent_us[SENT_RING]; // by number: when it was due
    bool used;                   // since it was last looked at
};

// What differs from one mutation to the next, so small that all phrases stay near: a source
// has just made what it says and does not fetch it from far memory.
struct phrase {
    struct vg_bytes flow;
    struct vg_bytes recipient;
    uint64_t niss;
    uint32_t period_begin;
    uint32_t period_end;
    uint32_t reference_year;
    uint8_t channel;
    bool own_person; // whom this CPAS follows, or nobody
    uint8_t codes_len;
    uint16_t codes[SYNTHETIC_FIELDS_MAX]; // in bench_sources
};

// Of fields.
struct code {
    char text[24];
    size_t len;
};

struct bench_sources {
    const struct bench *bench;
    size_t channels_len;
    size_t channels[CHANNELS_MAX]; // institutions
    struct phrase *phrases;
    struct code codes[CODES_MAX];
    size_t codes_len;
    uint64_t *persons;
    size_t persons_len;
    uint32_t producer; // of each source; another one may publish beside it
};

// In the child.
struct run {
    struct bench_sources *sources;
    struct bench_published *published; // shared with the parent
    struct channel *channels;
    struct pollfd fds[CHANNELS_MAX];
    uint64_t look_at_all_us;
    uint64_t answers_us; // when those that are being read came
    struct vg_mutation said;
    char values[VALUES_BYTES];
    char id[ID_BYTES]; // of every mutation: when it was due, in real time
    uint64_t id_us;
};

// ---- what is said ----

static bool
is_said(const struct synthetic_mutation *drawn, enum bench_about about)
{
    if (about == ABOUT_ONE_CPAS) {
        return strcmp(drawn->flow, "PCSAAlert") == 0;
    }
    if (about == ABOUT_MERGED) {
        return strcmp(drawn->flow, "notifyPerson") == 0 && drawn->fields_len > 0;
    }
    return drawn->niss != 0 && drawn->new_niss == 0;
}

// The channel of an institution, CHANNELS_MAX: it gets none.
static size_t
channel_of(struct bench_sources *sources, size_t institution)
{
    const struct synthetic *synthetic = &sources->bench->synthetic;
    size_t cpas = 0;

    for (size_t i = 0; i < sources->channels_len; i++) {
        if (sources->channels[i] == institution) {
            return i;
        }
        cpas += sources->channels[i] >= synthetic->cpas_first;
    }
    if (sources->channels_len == CHANNELS_MAX ||
        (institution >= synthetic->cpas_first &&
         (cpas == CPAS_CHANNELS ||
          institution < synthetic->cpas_first + sources->bench->merged ||
          !admin_add_key(sources->bench->cli, synthetic->institutions[institution].code,
                         "source", NULL, &(int){0})))) {
        return CHANNELS_MAX;
    }
    sources->channels[sources->channels_len] = institution;
    return sources->channels_len++;
}

// Another of its flow, whose source has a channel. NULL: none yet.
static const struct phrase *
alike(const struct bench_sources *sources, size_t len, const char *flow)
{
    for (size_t i = len; i > 0; i--) {
        if (sources->phrases[i - 1].flow.at == flow) {
            return &sources->phrases[i - 1];
        }
    }
    return NULL;
}

static uint16_t
index_of_code(struct bench_sources *sources, const char *text)
{
    size_t i = 0;

    while (i < sources->codes_len && strcmp(sources->codes[i].text, text) != 0) {
        i++;
    }
    if (i == CODES_MAX) {
        abort();
    }
    if (i == sources->codes_len) {
        struct code *code = &sources->codes[sources->codes_len++];

        snprintf(code->text, sizeof code->text, "%s", text);
        code->len = strlen(text);
    }
    return (uint16_t)i;
}

static struct vg_bytes
bytes_of(const char *text)
{
    return (struct vg_bytes){text, text == NULL ? 0 : strlen(text)};
}

static void
make_phrase(struct bench_sources *sources, enum bench_about about,
            const struct synthetic_mutation *drawn, struct phrase *phrase)
{
    const struct synthetic *synthetic = &sources->bench->synthetic;
    const char *recipient = about == ABOUT_ONE_CPAS
                                ? synthetic->institutions[synthetic->cpas_first].code
                                : drawn->recipient;

    phrase->flow = bytes_of(drawn->flow);
    phrase->recipient = bytes_of(recipient);
    phrase->niss = drawn->niss;
    phrase->period_begin = drawn->period_begin;
    phrase->period_end = drawn->period_end;
    phrase->reference_year = drawn->reference_year;
    phrase->own_person = drawn->source >= synthetic->cpas_first;
    phrase->codes_len = (uint8_t)(about == ABOUT_MERGED ? 1 : drawn->fields_len);
    for (size_t i = 0; i < phrase->codes_len; i++) {
        phrase->codes[i] =
            index_of_code(sources, about == ABOUT_MERGED ? "020" : drawn->fields[i].code);
    }
}

static bool
draw_phrases(struct bench_sources *sources, enum bench_about about)
{
    size_t len = 0;

    for (uint64_t i = 0; len < PHRASES && i < PHRASES_TRIED; i++) {
        struct phrase *phrase = &sources->phrases[len];
        struct synthetic_mutation drawn;
        const struct phrase *other;
        size_t channel;

        synthetic_mutation(&sources->bench->synthetic, i, 0, &drawn);
        if (!is_said(&drawn, about)) {
            continue;
        }
        channel = channel_of(sources, drawn.source);
        if (channel == CHANNELS_MAX) {
            other = alike(sources, len, drawn.flow);
            if (other == NULL) {
                continue;
            }
            *phrase = *other;
        } else {
            make_phrase(sources, about, &drawn, phrase);
            phrase->channel = (uint8_t)channel;
        }
        len++;
    }
    if (len < PHRASES) {
        fprintf(stderr, "vigie bench: %zu of %d mutations could be drawn\n", len,
                PHRASES);
    }
    return len == PHRASES;
}

// Followed by a CPAS; or by one of those that became one, and by no other.
static bool
is_meant(const struct bench_sources *sources, enum bench_about about, uint64_t person)
{
    const struct synthetic *synthetic = &sources->bench->synthetic;
    struct synthetic_integration found[SYNTHETIC_INTEGRATIONS_MAX];
    size_t len = synthetic_integrations(synthetic, person, found);

    if (about == ABOUT_ANYBODY) {
        return true;
    }
    if (len == 0 || found[0].institution < synthetic->cpas_first || found[0].end != 0 ||
        found[0].quality >= 11) {
        return false;
    }
    return about != ABOUT_MERGED ||
           (found[0].institution < synthetic->cpas_first + sources->bench->merged &&
            (len == 1 || found[1].institution < synthetic->cpas_first));
}

static bool
draw_persons(struct bench_sources *sources, enum bench_about about)
{
    const struct synthetic *synthetic = &sources->bench->synthetic;
    size_t most = synthetic->people < PERSONS_MAX ? synthetic->people : PERSONS_MAX;
    uint64_t tries = about == ABOUT_MERGED ? synthetic->people : UINT64_MAX;
    size_t len = 0;

    for (uint64_t i = 0; len < most && i < tries; i++) {
        uint64_t person = synthetic_random(synthetic, i, 77, synthetic->people);

        if (is_meant(sources, about, person)) {
            sources->persons[len++] = synthetic_niss(synthetic, person);
        }
    }
    sources->persons_len = len;
    if (len == 0) {
        fprintf(stderr, "vigie bench: there is nobody to say something about\n");
    }
    return len > 0;
}

struct bench_sources *
bench_sources_open(const struct bench *bench, enum bench_about about)
{
    struct bench_sources *sources = calloc(1, sizeof *sources);

    if (sources == NULL ||
        (sources->phrases = calloc(PHRASES, sizeof *sources->phrases)) == NULL ||
        (sources->persons = calloc(PERSONS_MAX, sizeof *sources->persons)) == NULL) {
        abort();
    }
    sources->bench = bench;
    sources->producer = about == ABOUT_MERGED ? 2 : 1;
    if (!draw_phrases(sources, about) || !draw_persons(sources, about)) {
        bench_sources_close(&sources);
    }
    return sources;
}

void
bench_sources_close(struct bench_sources **sources)
{
    if (*sources != NULL) {
        free((*sources)->persons);
        free((*sources)->phrases);
        free(*sources);
    }
    *sources = NULL;
}

// ---- in the child ----

static void
note_answer(uint64_t number, enum vg_status status, uint64_t ticket, const char *sentence,
            void *arg)
{
    struct channel *channel = arg;
    struct bench_published *published = channel->run->published;

    (void)ticket;
    if (published->ended) {
        return;
    }
    histogram_add(&published->answered,
                  channel->run->answers_us - channel->sent_us[number % SENT_RING]);
    if (status == VG_OK || status == VG_REPEATED) {
        published->kept++;
    } else if (published->failed++ < REFUSED_TOLD) {
        fprintf(stderr, "vigie bench: %s: %s\n", vg_status_name(status),
                sentence == NULL ? "" : sentence);
    }
}

static bool
open_channel(struct run *run, size_t index)
{
    const struct bench *bench = run->sources->bench;
    struct channel *channel = &run->channels[index];
    struct vg_publisher_options options = {
        .producer = run->sources->producer, .outcome = note_answer, .arg = channel};
    struct vg_error error = {0};
    struct vg_address *address;
    char key[48];

    channel->run = run;
    channel->institution = run->sources->channels[index];
    snprintf(key, sizeof key, "%s.source",
             bench->synthetic.institutions[channel->institution].code);
    address = key_address(bench->cli, key, "sources");
    if (address != NULL && vg_publisher_open(address, &options, BENCH_TIMEOUT_MS,
                                             &channel->publisher, &error) != VG_OK) {
        cli_refused(bench->cli, &error);
    }
    vg_address_free(&address);
    return channel->publisher != NULL;
}

// Reads answers and sends what there is. A channel is looked at when it was used, when its fd
// says so, and for its heartbeats now and then. Returns whether one has more to do.
static bool
look_at_channels(struct run *run)
{
    uint64_t now = monotonic_us();
    bool all = now >= run->look_at_all_us;
    bool more = false;

    if (all) {
        run->look_at_all_us = now + LOOK_AT_ALL_US;
    }
    for (size_t i = 0; i < run->sources->channels_len; i++) {
        struct channel *channel = &run->channels[i];
        struct vg_error error;

        if (!all && !channel->used) {
            continue;
        }
        channel->used = vg_publisher_due_ms(channel->publisher) == 0;
        if (channel->used) {
            run->answers_us = monotonic_us();
            vg_publisher_process(channel->publisher, 0, &error);
        }
        run->fds[i] =
            (struct pollfd){.fd = vg_publisher_fd(channel->publisher), .events = POLLIN};
        more = more || channel->used;
    }
    return more;
}

// Sleeps until something was answered or this moment has come.
static void
rest(struct run *run, uint64_t until_us)
{
    struct timespec pause = {0};
    uint64_t now;

    if (look_at_channels(run) || (now = monotonic_us()) >= until_us) {
        return;
    }
    pause.tv_sec = (time_t)((until_us - now) / 1000000);
    pause.tv_nsec = (long)((until_us - now) % 1000000 * 1000);
    ppoll(run->fds, run->sources->channels_len, &pause, NULL);
    for (size_t i = 0; i < run->sources->channels_len; i++) {
        run->channels[i].used = run->channels[i].used || run->fds[i].revents != 0;
    }
}

// In digits, at the end of the id.
static struct vg_bytes
id_of(struct run *run, uint64_t number)
{
    size_t begin = ID_BYTES;

    do {
        run->id[--begin] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return (struct vg_bytes){run->id + begin, ID_BYTES - begin};
}

// The values are as long as those of a person's file are together.
static void
compose(struct run *run, const struct phrase *phrase, uint64_t niss)
{
    struct vg_mutation *said = &run->said;

    said->flow = phrase->flow;
    said->recipient = phrase->recipient;
    said->niss = niss;
    said->period_begin = phrase->period_begin;
    said->period_end = phrase->period_end;
    said->reference_year = phrase->reference_year;
    said->fields_len = phrase->codes_len;
    for (size_t i = 0; i < phrase->codes_len; i++) {
        const struct code *code = &run->sources->codes[phrase->codes[i]];

        said->fields[i] = (struct vg_field){
            {code->text, code->len}, {run->values, VALUES_BYTES / phrase->codes_len}};
    }
}

static enum vg_status
say(struct run *run, uint64_t index, uint64_t due_us, uint64_t real_us)
{
    const struct bench_sources *sources = run->sources;
    const struct phrase *phrase = &sources->phrases[index % PHRASES];
    struct channel *channel = &run->channels[phrase->channel];
    struct vg_error error;
    uint64_t number;
    enum vg_status status;

    compose(run, phrase,
            phrase->own_person ? phrase->niss
                               : sources->persons[index % sources->persons_len]);
    if (run->id_us != real_us) {
        run->said.id = id_of(run, real_us);
        run->id_us = real_us;
    }
    channel->sent_us[vg_publisher_next(channel->publisher) % SENT_RING] = due_us;
    status = vg_publish(channel->publisher, &run->said, &number, &error);
    channel->used = true;
    if (status != VG_OK && status != VG_BUSY) {
        cli_refused(sources->bench->cli, &error);
    }
    return status;
}

static bool
settle(struct run *run)
{
    uint64_t end = monotonic_us() + BENCH_TIMEOUT_MS * UINT64_C(1000);
    size_t unanswered;

    do {
        unanswered = 0;
        rest(run, monotonic_us() + PAUSE_US);
        for (size_t i = 0; i < run->sources->channels_len; i++) {
            unanswered += vg_publisher_unanswered(run->channels[i].publisher);
        }
    } while (unanswered > 0 && monotonic_us() < end);
    if (unanswered > 0) {
        fprintf(stderr, "vigie bench: %zu mutations got no answer\n", unanswered);
    }
    return unanswered == 0;
}

// Open loop: each mutation is due at its moment whatever happened to those before.
static bool
say_all(struct run *run, const struct bench_job *job, uint64_t begin)
{
    uint64_t real = realtime_us() - begin;
    uint64_t end = begin + run->sources->bench->run_ms * 1000;
    uint64_t now = begin;

    for (uint64_t index = 0; job->count == 0 ? now < end : index < job->count;) {
        uint64_t due = job->rate == 0 ? now : begin + index * 1000000 / job->rate;

        if (due > now) {
            rest(run, due);
            now = monotonic_us();
            continue;
        }

        enum vg_status status = say(run, index, due, real + due);

        if (status == VG_BUSY) {
            rest(run, now + PAUSE_US);
            now = monotonic_us();
        } else if (status != VG_OK) {
            return false;
        } else {
            index++;
            if (index % LOOK_EVERY == 0) {
                look_at_channels(run);
            }
            now = job->rate != 0 || index % LOOK_EVERY == 0 ? monotonic_us() : now;
        }
    }
    return true;
}

static bool
be_child(struct bench_sources *sources, const struct bench_job *job,
         struct bench_published *published)
{
    struct run run = {
        .sources = sources,
        .published = published,
        .channels = calloc(sources->channels_len + 1, sizeof *run.channels),
        .said.occurred = sources->bench->synthetic.today,
    };
    bool good = run.channels != NULL;
    struct usage before, after;

    memset(run.values, 'x', sizeof run.values);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_TIMERSLACK, 1000UL); // a mutation is said when it is due
    for (size_t i = 0; good && i < sources->channels_len; i++) {
        good = open_channel(&run, i);
    }
    usage_read(getpid(), &before);
    published->begin_us = monotonic_us();
    good = good && say_all(&run, job, published->begin_us) && settle(&run);
    usage_read(getpid(), &after);
    published->cpu_s = after.cpu_s - before.cpu_s;
    published->ended = true;
    for (size_t i = 0; i < sources->channels_len; i++) {
        vg_publisher_close(&run.channels[i].publisher);
    }
    free(run.channels);
    return good && published->failed == 0;
}

bool
bench_publish(struct bench_sources *sources, const struct bench_job *job,
              struct bench_published *ret)
{
    struct bench_published *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 1;
    pid_t child;

    if (shared == MAP_FAILED) {
        return false;
    }
    fflush(NULL);
    child = fork();
    if (child == 0) {
        bool good = be_child(sources, job, shared);

        fflush(NULL);
        _exit(good ? EXIT_DONE : EXIT_REFUSED);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    *ret = *shared;
    munmap(shared, sizeof *shared);
    return status == 0;
}
