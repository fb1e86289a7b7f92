// SPDX-License-Identifier: EUPL-1.2
// national.c - a directory as large as the nation's, straight into a store: the synthetic
// persons in order of their numbers, through a pipe to `vigied --load-directory`
// (proto/image/image.h).
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "image/image.h"
#include "synthetic.h"

enum { PIECE = 1 << 16, PIPE_BYTES = 1 << 20 };

struct national {
    const struct synthetic *synthetic;
    FILE *stream;
    char piece[PIECE]; // setvbuf makes none itself, whatever it is told
};

static bool
write_struct(struct national *national, const void *bytes, size_t len)
{
    return fwrite(bytes, 1, len, national->stream) == len;
}

static bool
write_institutions(struct national *national)
{
    const struct synthetic *synthetic = national->synthetic;
    struct image_head head = {IMAGE_MAGIC, (uint32_t)synthetic->institutions_len, 0};
    bool good = write_struct(national, &head, sizeof head);

    for (size_t i = 0; good && i < synthetic->institutions_len; i++) {
        const struct synthetic_institution *from = &synthetic->institutions[i];
        struct image_institution to = {.number = from->number};

        memcpy(to.code, from->code, sizeof to.code);
        memcpy(to.sector, from->sector, sizeof to.sector);
        good = write_struct(national, &to, sizeof to);
    }
    return good;
}

static bool
write_person(uint64_t person, uint64_t niss, void *arg)
{
    struct national *national = arg;
    struct synthetic_integration found[SYNTHETIC_INTEGRATIONS_MAX];
    struct {
        struct image_person head;
        struct image_row rows[SYNTHETIC_INTEGRATIONS_MAX];
    } image;
    size_t len = synthetic_integrations(national->synthetic, person, found);

    if (len == 0) {
        return true;
    }
    for (size_t i = 0; i < len; i++) {
        image.rows[i] =
            (struct image_row){(uint32_t)found[i].institution, found[i].quality,
                               found[i].begin, found[i].end};
    }
    image.head = (struct image_person){niss, (uint32_t)len, 0};
    return write_struct(national, &image, sizeof image.head + len * sizeof *image.rows);
}

static bool
write_directory(struct national *national)
{
    struct image_person end = {0};

    return write_institutions(national) &&
           synthetic_persons_in_order(national->synthetic, write_person, national) &&
           write_struct(national, &end, sizeof end);
}

// The child reads our end of the pipe as its standard input.
static pid_t
start_loader(struct cli *cli, const int ends[2])
{
    char *settings = home_path(cli, "vigied.yaml");
    pid_t pid = fork();

    if (pid == 0 && dup2(ends[0], STDIN_FILENO) >= 0) {
        close(ends[0]);
        close(ends[1]);
        become_vigied((const char *[]){"vigied", "--settings", settings,
                                       "--load-directory", "-",
                                       cli->json ? "--json" : NULL, NULL});
    }
    free(settings);
    return pid;
}

int
simulate_national(struct cli *cli, const struct synthetic *synthetic)
{
    struct national national = {.synthetic = synthetic};
    int ends[2];
    int status = 0;
    pid_t pid;
    bool good;

    fflush(NULL);
    signal(SIGPIPE, SIG_IGN); // the loader says itself why it stopped
    if (pipe(ends) != 0 || (pid = start_loader(cli, ends)) < 0) {
        fprintf(stderr, "vigie simulate: vigied cannot be started: %s\n",
                strerror(errno));
        return EXIT_REFUSED;
    }
    close(ends[0]);
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); // what it may be is the system's
    national.stream = fdopen(ends[1], "w");
    good = national.stream != NULL;
    if (good) {
        setvbuf(national.stream, national.piece, _IOFBF, sizeof national.piece);
        good = write_directory(&national);
        good = fclose(national.stream) == 0 && good;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    // When the pipe broke, the loader has said why.
    return good || exit_of_vigied(status) != EXIT_DONE ? exit_of_vigied(status)
                                                       : EXIT_REFUSED;
}
