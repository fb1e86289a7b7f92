// SPDX-License-Identifier: EUPL-1.2
// Goal: whatever bytes stand where a directory should, it is loaded or refused with words,
// and the store can be trusted afterwards.
// Method: the input is the stream (proto/image/image.h), read into a store in memory that
// holds a small catalogue and two institutions. A fresh store after an input that changed it.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edge/load_directory.h"
#include "image/image.h"
#include "store/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static struct world {
    char folder[64];
    char stream[80];
    char data[100]; // the store's file
    struct settings settings;
    struct inspect_output output;
    char *words;
    size_t words_len;
    uint8_t *template;
    size_t template_len;
} world;

static void
write_file(const char *path, const void *bytes, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
}

static void
end(void)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "vigie.lock", "stream"};
    char file[100];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        snprintf(file, sizeof file, "%s/%s", world.folder, files[i]);
        unlink(file);
    }
    rmdir(world.folder);
    fclose(world.output.out);
    free(world.words);
    free(world.template);
}

static int
load(const void *stream, size_t len)
{
    int code;

    write_file(world.stream, stream, len);
    rewind(world.output.out);
    code = load_directory(&world.settings, world.stream, &world.output);
    fflush(world.output.out);
    return code;
}

static void
load_institutions(void)
{
    struct {
        struct image_head head;
        struct image_institution institutions[2];
        struct image_person end;
    } stream = {
        .head = {.magic = IMAGE_MAGIC, .institutions = 2},
        .institutions = {{.code = "ONSS", .sector = "ONSS", .number = 1},
                         {.code = "CPAS-A", .sector = "CPAS", .number = 1}},
    };

    CHECK(load(&stream, sizeof stream) == INSPECT_GOOD);
}

static void
keep_template(void)
{
    int fd = open(world.data, O_RDONLY | O_CLOEXEC);
    struct stat about;

    CHECK(fd >= 0 && fstat(fd, &about) == 0);
    world.template_len = (size_t)about.st_size;
    world.template = malloc(world.template_len);
    CHECK(world.template != NULL);
    CHECK(read(fd, world.template, world.template_len) == about.st_size);
    close(fd);
}

static void
begin(void)
{
    strcpy(world.folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/vigie-fuzz-XXXXXX"
                                                       : "/tmp/vigie-fuzz-XXXXXX");
    CHECK(mkdtemp(world.folder) != NULL);
    snprintf(world.stream, sizeof world.stream, "%s/stream", world.folder);
    snprintf(world.data, sizeof world.data, "%s/data.mdb", world.folder);
    settings_defaults(&world.settings);
    strcpy(world.settings.store_path, world.folder);
    strcpy(world.settings.catalogue_file,
           SOURCE_DIR "/tests/fuzz/corpus/catalogue/small.yaml");
    world.settings.map_bytes = UINT64_C(64) << 20;
    world.settings.disk_reserve_bytes = 0;
    world.settings.test_persons = true;
    world.output.out = world.output.wrong =
        open_memstream(&world.words, &world.words_len);
    CHECK(world.output.out != NULL);
    load_institutions();
    world.settings.catalogue_file[0] = 0; // it is in force
    keep_template();
    atexit(end);
}

static bool
is_as_it_was(void)
{
    static struct stat before;
    struct stat now;
    bool same;

    CHECK(stat(world.data, &now) == 0);
    same = memcmp(&before.st_mtim, &now.st_mtim, sizeof now.st_mtim) == 0;
    before = now;
    return same;
}

static void
check_store(void)
{
    struct store_options options = {.path = world.folder,
                                    .map_bytes = world.settings.map_bytes};
    struct check_report report;
    struct store *store = NULL;

    CHECK(store_open(&options, &store, NULL) == VG_OK);
    CHECK(store_check(store, &report, NULL, NULL, NULL) == VG_OK);
    CHECK(report.faults.total == 0);
    store_close(&store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    int code;

    if (world.template == NULL) {
        begin();
    }
    write_file(world.data, world.template, world.template_len);
    (void)is_as_it_was();
    code = load(at, len);
    CHECK(code == INSPECT_GOOD || code == INSPECT_BAD);
    CHECK(ftell(world.output.out) > 0);
    if (!is_as_it_was()) {
        check_store();
    }
    return 0;
}
