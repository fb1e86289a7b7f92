// SPDX-License-Identifier: EUPL-1.2
// torture_client.c - one source or one member of tests/torture/torture.py: does its work
// with the client library until it is told to stop (SIGTERM) or killed, and writes down what
// it was told, so that whoever comes after it, and the comparison at the end, can rely on it.
//
//  torture_client publish KEY_FILE RECORD_FILE PEOPLE SEED MUTATIONS RATE
//  torture_client receive KEY_FILE RECORD_FILE WINDOW
//
// A source's record: one struct answer_record for each number, in the order of the answers.
// A member's: one struct letter_record for each letter in the order in which they came,
// repeats included; on the disk (fdatasync) before the letter is acknowledged.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vigie/vigie.h"

enum {
    OPEN_MS = 600 * 1000, // the broker is more often dead than a client is patient
    TURN_MS = 100,
    RECORDS_MAX = 4096, // kept in memory before they are written
    VALUE_MAX = 200,
};

struct answer_record {
    uint64_t number;
    uint64_t ticket;
    uint64_t status;
};

struct letter_record {
    uint64_t number;
    uint64_t mutation; // the one that it tells of
    uint64_t hash;     // of its content, byte by byte
};

struct file {
    int fd;
    size_t len; // bytes not written yet
    uint8_t bytes[RECORDS_MAX * sizeof(struct letter_record)];
};

static volatile sig_atomic_t told_to_stop;

static void
at_signal(int number)
{
    (void)number;
    told_to_stop = 1;
}

static void
give_up(const char *what, const char *why)
{
    fprintf(stderr, "torture_client: %s: %s\n", what, why);
    exit(1);
}

static uint64_t
mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static uint64_t
number_of(const char *text)
{
    return strtoull(text, NULL, 10);
}

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// ---- the record ----

// What a killed predecessor left half written was never acknowledged.
static void
open_record(struct file *file, const char *path, size_t record)
{
    off_t size;

    file->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    size = file->fd < 0 ? -1 : lseek(file->fd, 0, SEEK_END);
    if (size < 0 || ftruncate(file->fd, size - size % (off_t)record) != 0) {
        give_up(path, strerror(errno));
    }
}

static void
write_record(struct file *file)
{
    size_t done = 0;

    while (done < file->len) {
        ssize_t len = write(file->fd, file->bytes + done, file->len - done);

        if (len < 0 && errno != EINTR) {
            give_up("record", strerror(errno));
        }
        done += len < 0 ? 0 : (size_t)len;
    }
    if (done > 0 && fdatasync(file->fd) != 0) {
        give_up("record", strerror(errno));
    }
    file->len = 0;
}

static void
add_record(struct file *file, const void *record, size_t len)
{
    if (file->len + len > sizeof file->bytes) {
        write_record(file);
    }
    memcpy(file->bytes + file->len, record, len);
    file->len += len;
}

// ---- publish ----

static void
note_outcome(uint64_t number, enum vg_status status, uint64_t ticket,
             const char *sentence, void *arg)
{
    struct answer_record record = {number, ticket, (uint64_t)status};

    if (status == VG_UNKNOWN) {
        return; // the successor learns it
    }
    if (status != VG_OK && status != VG_REPEATED) {
        fprintf(stderr, "torture_client: %llu: %s: %s\n", (unsigned long long)number,
                vg_status_name(status), sentence);
    }
    add_record(arg, &record, sizeof record);
}

struct people {
    uint64_t *niss;
    size_t len;
    uint64_t seed;
};

static struct people
read_people(const char *path, const char *seed)
{
    struct people people = {.seed = number_of(seed)};
    FILE *file = fopen(path, "re");
    char line[32];

    if (file == NULL) {
        give_up(path, strerror(errno));
    }
    while (fgets(line, sizeof line, file) != NULL) {
        people.niss = realloc(people.niss, (people.len + 1) * sizeof *people.niss);
        people.niss[people.len++] = number_of(line);
    }
    fclose(file);
    return people;
}

// Mutation n is the same whoever makes it, as often as he does.
static void
make_mutation(const struct people *people, uint64_t number, char id[32],
              char value[VALUE_MAX + 1], struct vg_mutation *ret)
{
    uint64_t drawn = mix(people->seed ^ mix(number));
    size_t len = 20 + (drawn >> 32) % (VALUE_MAX - 20);

    memset(ret, 0, offsetof(struct vg_mutation, fields));
    snprintf(id, 32, "%llu", (unsigned long long)number);
    memset(value, 'a' + (int)(number % 26), len);
    ret->flow = (struct vg_bytes){"notifyPerson", 12};
    ret->id = (struct vg_bytes){id, strlen(id)};
    ret->niss = people->niss[drawn % people->len];
    ret->occurred = 20260102;
    ret->fields[0] = (struct vg_field){{"020", 3}, {value, len}};
    ret->fields[1] = (struct vg_field){{"150", 3}, {id, strlen(id)}};
    ret->fields_len = 2;
}

static void
publish_all(struct vg_publisher *publisher, struct file *file,
            const struct people *people, uint64_t mutations, uint64_t rate)
{
    uint64_t first = vg_publisher_next(publisher);
    int64_t begin_ms = now_ms();
    struct vg_error error = {0};

    while (!told_to_stop && (vg_publisher_next(publisher) <= mutations ||
                             vg_publisher_unanswered(publisher) > 0)) {
        uint64_t next = vg_publisher_next(publisher);
        uint64_t due = first + (uint64_t)(now_ms() - begin_ms) * rate / 1000;
        enum vg_status status = VG_OK;

        for (int i = 0; i < 100 && next <= mutations && (rate == 0 || next <= due) &&
                        status == VG_OK;
             i++) {
            struct vg_mutation mutation;
            char id[32];
            char value[VALUE_MAX + 1];

            make_mutation(people, next, id, value, &mutation);
            status = vg_publish(publisher, &mutation, &next, &error);
            if (status != VG_OK && status != VG_BUSY) {
                give_up("publish", error.sentence);
            }
            next = vg_publisher_next(publisher);
        }
        (void)vg_publisher_flush(publisher);

        bool waits = status == VG_BUSY || next > mutations || (rate > 0 && next > due);

        status = vg_publisher_process(publisher, waits ? 5 : 0, &error);
        if (status != VG_OK && status != VG_TIMED_OUT && status != VG_INTERRUPTED &&
            status != VG_DISCONNECTED) {
            give_up("publisher", error.sentence);
        }
        write_record(file);
    }
}

static int
publish(char **argv)
{
    static struct file file;
    struct vg_publisher_options options = {
        .producer = 1, .outcome = note_outcome, .arg = &file};
    struct vg_address *address = NULL;
    struct vg_publisher *publisher = NULL;
    struct vg_error error = {0};
    struct people people = read_people(argv[4], argv[5]);
    uint64_t mutations = number_of(argv[6]);

    open_record(&file, argv[3], sizeof(struct answer_record));
    if (vg_address_load(argv[2], "sources", &address, &error) != VG_OK ||
        vg_publisher_open(address, &options, OPEN_MS, &publisher, &error) != VG_OK) {
        if (error.status == VG_INTERRUPTED) {
            return 0;
        }
        give_up(argv[2], error.sentence);
    }
    publish_all(publisher, &file, &people, mutations, number_of(argv[7]));
    vg_publisher_close(&publisher);
    vg_address_free(&address);
    write_record(&file);
    free(people.niss);
    return 0;
}

// ---- receive ----

// What came since the last acknowledgement.
struct reader {
    struct file file;
    struct vg_subscriber *subscriber;
    uint32_t mailbox;
    uint64_t through;
};

static uint64_t
hash_of(struct vg_bytes bytes)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);

    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ (uint8_t)bytes.at[i]) * UINT64_C(0x100000001B3);
    }
    return hash;
}

static bool
note_letter(const struct vg_notification *notification, void *arg)
{
    struct reader *reader = arg;
    struct letter_record record = {.number = notification->number,
                                   .hash = hash_of(notification->content)};
    struct vg_mutation mutation;

    if (vg_notification_mutation(notification, &mutation) == VG_OK) {
        for (size_t i = 0; i < mutation.id.len; i++) {
            record.mutation = record.mutation * 10 + (uint64_t)(mutation.id.at[i] - '0');
        }
    }
    add_record(&reader->file, &record, sizeof record);
    reader->mailbox = notification->mailbox;
    reader->through = notification->number;
    return false; // acknowledged when it is written down
}

static void
receive_all(struct reader *reader)
{
    struct vg_error error = {0};

    while (!told_to_stop) {
        enum vg_status status =
            vg_subscriber_process(reader->subscriber, TURN_MS, &error);

        if (status != VG_OK && status != VG_TIMED_OUT && status != VG_INTERRUPTED &&
            status != VG_DISCONNECTED) {
            give_up("subscriber", error.sentence);
        }
        write_record(&reader->file);
        if (reader->through > 0) {
            (void)vg_acknowledge(reader->subscriber, reader->mailbox, reader->through);
            (void)vg_subscriber_flush(reader->subscriber);
            reader->through = 0;
        }
    }
}

static int
receive(char **argv)
{
    static struct reader reader;
    struct vg_subscriber_options options = {
        .window_messages = (uint32_t)number_of(argv[4]),
        .window_bytes = 1 << 20,
        .notification = note_letter,
        .arg = &reader,
    };
    struct vg_address *address = NULL;
    struct vg_error error = {0};

    open_record(&reader.file, argv[3], sizeof(struct letter_record));
    if (vg_address_load(argv[2], "members", &address, &error) != VG_OK ||
        vg_subscriber_open(address, &options, OPEN_MS, &reader.subscriber, &error) !=
            VG_OK ||
        vg_subscribe(reader.subscriber, 0, OPEN_MS, &error) != VG_OK) {
        if (error.status != VG_INTERRUPTED) {
            give_up(argv[2], error.sentence);
        }
        told_to_stop = 1;
    }
    receive_all(&reader);
    vg_subscriber_close(&reader.subscriber);
    vg_address_free(&address);
    return 0;
}

int
main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = at_signal};

    sigaction(SIGTERM, &action, NULL);
    if (argc == 8 && strcmp(argv[1], "publish") == 0) {
        return publish(argv);
    }
    if (argc == 5 && strcmp(argv[1], "receive") == 0) {
        return receive(argv);
    }
    fprintf(stderr, "torture_client is started by torture.py\n");
    return 2;
}
