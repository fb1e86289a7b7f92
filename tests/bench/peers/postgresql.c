// SPDX-License-Identifier: EUPL-1.2
// postgresql.c - one table of notifications; the database matches: a transaction takes an
// array of mutations and joins it with the integrations. Two transactions are on their way
// at a time. A receiver reads on from the highest number it has and moves its mailboxes'
// marks; what lies below all marks goes with its partition, outside this job.
#include "job.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BATCH = 2000,
    FLUSH_US = 1000,
    TAKE = 5000,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT4 = 23
};

// An array of one dimension in the binary format, built in place.
struct array {
    uint8_t *bytes;
    size_t len, size;
    uint32_t items;
};

static void
put(struct array *array, const void *bytes, size_t len)
{
    if (array->len + len > array->size) {
        array->size = (array->len + len) * 2;
        array->bytes = realloc(array->bytes, array->size);
        if (array->bytes == NULL) {
            give_up("memory", NULL);
        }
    }
    memcpy(array->bytes + array->len, bytes, len);
    array->len += len;
}

static void
put_u32(struct array *array, uint32_t number)
{
    uint32_t big = htonl(number);

    put(array, &big, sizeof big);
}

static void
begin_array(struct array *array, uint32_t type)
{
    array->len = array->items = 0;
    put_u32(array, 1); // dimensions
    put_u32(array, 0); // no nulls
    put_u32(array, type);
    put_u32(array, 0); // items, see end_array
    put_u32(array, 1); // lowest index
}

static void
add_item(struct array *array, const void *bytes, size_t len)
{
    put_u32(array, (uint32_t)len);
    put(array, bytes, len);
    array->items++;
}

static void
end_array(struct array *array)
{
    uint32_t big = htonl(array->items);

    memcpy(array->bytes + 12, &big, sizeof big);
}

// ---- connections ----

static PGconn *
connection_of(const struct job *job)
{
    char text[256];

    snprintf(text, sizeof text, "host=%s dbname=postgres user=postgres", job->server);

    PGconn *connection = PQconnectdb(text);

    if (PQstatus(connection) != CONNECTION_OK) {
        give_up("connect", PQerrorMessage(connection));
    }
    return connection;
}

static void
run_sql(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK &&
        status != PGRES_COPY_IN) {
        give_up(sql, PQerrorMessage(connection));
    }
    PQclear(result);
}

// ---- the directory ----

static PGconn *loader;
static char lines[1 << 16];
static size_t lines_len;

static void
prepare(const struct job *job)
{
    loader = connection_of(job);
    run_sql(loader,
            "DROP TABLE IF EXISTS integration, notification, mark;"
            "CREATE TABLE integration (person bigint, institution int, quality smallint,"
            " begins int, ends int);"
            "CREATE TABLE notification (receiver smallint, number bigserial, mailbox int,"
            " body bytea);"
            "ALTER TABLE notification ALTER body SET STORAGE PLAIN;"
            "CREATE TABLE mark (mailbox int PRIMARY KEY, number bigint) "
            " WITH (fillfactor = 50)");
    run_sql(loader, "INSERT INTO mark SELECT m, 0 FROM generate_series(0, 580) m");
    run_sql(loader, "COPY integration FROM STDIN");
}

static void
send_lines(void)
{
    if (PQputCopyData(loader, lines, (int)lines_len) != 1) {
        give_up("copy", PQerrorMessage(loader));
    }
    lines_len = 0;
}

static void
load(uint64_t person, const struct row *rows, size_t len)
{
    if (sizeof lines - lines_len < ROWS_MAX * 80) {
        send_lines();
    }
    for (size_t i = 0; i < len; i++) {
        lines_len += (size_t)snprintf(lines + lines_len, sizeof lines - lines_len,
                                      "%llu\t%u\t%u\t%u\t%u\n",
                                      (unsigned long long)person, rows[i].institution,
                                      rows[i].quality, rows[i].begin, rows[i].end);
    }
}

static void
loaded(void)
{
    send_lines();
    if (PQputCopyEnd(loader, NULL) != 1) {
        give_up("copy", PQerrorMessage(loader));
    }
    for (PGresult *result; (result = PQgetResult(loader)) != NULL;) {
        PQclear(result);
    }
    run_sql(loader,
            "CREATE INDEX ON integration (person) INCLUDE (institution, begins, ends)"
            " WHERE institution < 581");
    run_sql(loader, "CREATE INDEX ON notification (receiver, number)");
    run_sql(loader, "VACUUM ANALYZE integration");
    run_sql(loader, "CHECKPOINT");
    PQfinish(loader);
}

// ---- publishing ----

static PGconn *publisher;
static struct tally *counts;
static struct array persons, bodies;
static uint64_t in_flight[2];
static size_t in_flight_len;
static uint64_t since_us;

static void
publish_open(const struct job *job, struct tally *tally)
{
    counts = tally;
    publisher = connection_of(job);

    PGresult *result =
        PQprepare(publisher, "publish",
                  "INSERT INTO notification (receiver, mailbox, body) "
                  "SELECT i.institution % 4, i.institution, m.body "
                  "FROM unnest($1::bigint[], $2::bytea[]) AS m (person, body) "
                  "JOIN integration i ON i.person = m.person AND i.institution < 581 "
                  "WHERE i.begins <= 20250115 AND i.ends >= 20250115",
                  0, NULL);

    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        give_up("prepare", PQerrorMessage(publisher));
    }
    PQclear(result);
    if (PQenterPipelineMode(publisher) != 1) {
        give_up("pipeline", PQerrorMessage(publisher));
    }
    begin_array(&persons, OID_INT8);
    begin_array(&bodies, OID_BYTEA);
}

// One answer is the INSERT's, the end of its results, and the pipeline's sync.
static void
take_answer(void)
{
    PGresult *result = PQgetResult(publisher);

    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        give_up("publish", PQerrorMessage(publisher));
    }
    PQclear(result);
    result = PQgetResult(publisher);
    if (result != NULL) {
        give_up("publish", "an answer too many");
    }
    result = PQgetResult(publisher);
    if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
        give_up("publish", "no end of the transaction");
    }
    PQclear(result);
    counts->answered += in_flight[0];
    in_flight[0] = in_flight[1];
    in_flight_len--;
}

static void
send_batch(void)
{
    if (persons.items == 0) {
        return;
    }
    end_array(&persons);
    end_array(&bodies);

    const char *values[] = {(const char *)persons.bytes, (const char *)bodies.bytes};
    const int lens[] = {(int)persons.len, (int)bodies.len};
    const int formats[] = {1, 1};

    if (PQsendQueryPrepared(publisher, "publish", 2, values, lens, formats, 1) != 1 ||
        PQpipelineSync(publisher) != 1) {
        give_up("publish", PQerrorMessage(publisher));
    }
    in_flight[in_flight_len++] = persons.items;
    begin_array(&persons, OID_INT8);
    begin_array(&bodies, OID_BYTEA);
    if (in_flight_len == 2) {
        take_answer();
    }
}

static void
publish(const struct mutation *mutation)
{
    uint64_t person = htobe64(mutation->person);

    if (persons.items == 0) {
        since_us = now_us();
    }
    add_item(&persons, &person, sizeof person);
    add_item(&bodies, mutation->body, BODY_LEN);
    if (persons.items == BATCH ||
        (persons.items % 16 == 1 && now_us() - since_us > FLUSH_US &&
         in_flight_len == 0)) {
        send_batch();
    }
}

static void
settle(void)
{
    send_batch();
    while (in_flight_len > 0) {
        take_answer();
    }
}

// ---- receiving ----

static uint64_t
number_at(const PGresult *result, int row, int column)
{
    uint64_t big;

    memcpy(&big, PQgetvalue(result, row, column), sizeof big);
    return be64toh(big);
}

static void
move_marks(PGconn *member, const uint64_t *marks, unsigned connection)
{
    static _Thread_local struct array mailboxes, numbers;

    begin_array(&mailboxes, OID_INT4);
    begin_array(&numbers, OID_INT8);
    for (uint32_t m = connection; m < MAILBOXES; m += CONNECTIONS) {
        if (marks[m] > 0) {
            uint32_t mailbox = htonl(m);
            uint64_t number = htobe64(marks[m]);

            add_item(&mailboxes, &mailbox, sizeof mailbox);
            add_item(&numbers, &number, sizeof number);
        }
    }
    end_array(&mailboxes);
    end_array(&numbers);

    const char *values[] = {(const char *)mailboxes.bytes, (const char *)numbers.bytes};
    const int lens[] = {(int)mailboxes.len, (int)numbers.len};
    const int formats[] = {1, 1};
    PGresult *result = PQexecPrepared(member, "acknowledge", 2, values, lens, formats, 1);

    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        give_up("acknowledge", PQerrorMessage(member));
    }
    PQclear(result);
}

static void
receive(const struct job *job, unsigned connection, struct tally *tally)
{
    PGconn *member = connection_of(job);
    uint64_t after = 0;
    uint32_t receiver = htonl(connection);

    PQclear(PQprepare(member, "take",
                      "SELECT number, mailbox, body FROM notification "
                      "WHERE receiver = $1::int AND number > $2::bigint "
                      "ORDER BY number LIMIT 5000",
                      0, NULL));
    PQclear(PQprepare(member, "acknowledge",
                      "UPDATE mark SET number = v.number "
                      "FROM unnest($1::int[], $2::bigint[]) AS v (mailbox, number) "
                      "WHERE mark.mailbox = v.mailbox",
                      0, NULL));
    tally->ready++;
    while (!tally->stop) {
        uint64_t marks[MAILBOXES] = {0};
        uint64_t big = htobe64(after);
        const char *values[] = {(const char *)&receiver, (const char *)&big};
        const int lens[] = {sizeof receiver, sizeof big};
        const int formats[] = {1, 1};
        PGresult *result = PQexecPrepared(member, "take", 2, values, lens, formats, 1);

        if (PQresultStatus(result) != PGRES_TUPLES_OK) {
            give_up("receive", PQerrorMessage(member));
        }

        int len = PQntuples(result);

        for (int i = 0; i < len; i++) {
            uint32_t mailbox;

            memcpy(&mailbox, PQgetvalue(result, i, 1), sizeof mailbox);
            after = number_at(result, i, 0);
            marks[ntohl(mailbox)] = after;
            received(tally, PQgetvalue(result, i, 2), (size_t)PQgetlength(result, i, 2));
        }
        PQclear(result);
        if (len > 0) {
            move_marks(member, marks, connection);
        } else {
            usleep(2000);
        }
    }
    PQfinish(member);
}

const struct peer peer = {
    .name = "postgresql",
    .durability = "synced before the answer (synchronous_commit on)",
    .matches_itself = true,
    .prepare = prepare,
    .load = load,
    .loaded = loaded,
    .publish_open = publish_open,
    .publish = publish,
    .settle = settle,
    .receive = receive,
};
