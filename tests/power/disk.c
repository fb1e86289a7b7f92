// SPDX-License-Identifier: EUPL-1.2
#include "disk.h"

#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MAX = 16, CHANGES_MAX = 64 };

uint64_t disk_sector_bytes = DISK_SECTOR;

struct content {
    uint8_t *at;
    uint64_t len;
    uint64_t size;
};

// A write, or with bytes at NULL a truncation to offset.
struct write {
    uint64_t offset;
    size_t len;
    uint8_t *bytes;
};

struct file {
    struct content synced;
    struct write *writes; // since the last sync
    size_t writes_len;
    size_t writes_size;
};

// Which file a name means; -1: none.
struct names {
    struct {
        char name[DISK_NAME_MAX];
        int file;
    } row[FILES_MAX];
    size_t len;
};

struct disk {
    struct file files[FILES_MAX];
    size_t files_len;
    struct names names[CHANGES_MAX]; // names[0] is synced, each later one a change more
    size_t changes;                  // since the last sync of the folder
    bool parent_synced;
};

// ---- contents ----

static void
content_resize(struct content *content, uint64_t len)
{
    if (len > content->size) {
        content->size = len * 2;
        content->at = realloc(content->at, content->size);
        CHECK(content->at != NULL);
    }
    if (len > content->len) {
        memset(content->at + content->len, 0, len - content->len);
    }
    content->len = len;
}

static void
content_write(struct content *content, uint64_t offset, const uint8_t *bytes, size_t len)
{
    if (offset + len > content->len) {
        content_resize(content, offset + len);
    }
    memcpy(content->at + offset, bytes, len);
}

static void
content_apply(struct content *content, const struct write *write)
{
    if (write->bytes == NULL) {
        content_resize(content, write->offset);
    } else {
        content_write(content, write->offset, write->bytes, write->len);
    }
}

// ---- names ----

static struct names *
names_now(struct disk *disk)
{
    return &disk->names[disk->changes];
}

static int *
names_find(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->len; i++) {
        if (strcmp(names->row[i].name, name) == 0) {
            return &names->row[i].file;
        }
    }
    return NULL;
}

static void
names_set(struct names *names, const char *name, int file)
{
    int *found = names_find(names, name);

    if (found == NULL) {
        CHECK(names->len < FILES_MAX && strlen(name) < DISK_NAME_MAX);
        strcpy(names->row[names->len].name, name);
        found = &names->row[names->len++].file;
    }
    *found = file;
}

static struct names *
names_change(struct disk *disk)
{
    CHECK(disk->changes + 1 < CHANGES_MAX);
    disk->names[disk->changes + 1] = disk->names[disk->changes];
    disk->changes++;
    return names_now(disk);
}

// ---- life ----

static void
read_file(const char *path, struct content *content)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t bytes[DISK_PAGE];
    ssize_t len;

    CHECK(fd >= 0);
    while ((len = read(fd, bytes, sizeof bytes)) > 0) {
        content_write(content, content->len, bytes, (size_t)len);
    }
    CHECK(len == 0);
    close(fd);
}

struct disk *
disk_new(const char *path)
{
    struct disk *disk = xcalloc(1, sizeof *disk);
    DIR *folder = opendir(path);
    struct dirent *entry;
    char name[512];

    CHECK(folder != NULL);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_type == DT_REG && strstr(entry->d_name, "lock") == NULL) {
            int file = (int)disk->files_len++;

            CHECK(disk->files_len < FILES_MAX);
            names_set(&disk->names[0], entry->d_name, file);
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            read_file(name, &disk->files[file].synced);
        }
    }
    closedir(folder);
    disk->parent_synced = disk->files_len > 0;
    return disk;
}

static void
forget_writes(struct file *file)
{
    for (size_t i = 0; i < file->writes_len; i++) {
        free(file->writes[i].bytes);
    }
    file->writes_len = 0;
}

void
disk_free(struct disk **disk)
{
    if (*disk == NULL) {
        return;
    }
    for (size_t i = 0; i < (*disk)->files_len; i++) {
        forget_writes(&(*disk)->files[i]);
        free((*disk)->files[i].writes);
        free((*disk)->files[i].synced.at);
    }
    free(*disk);
    *disk = NULL;
}

// ---- what happens to it ----

int
disk_file(struct disk *disk, const char *name)
{
    int *found = names_find(names_now(disk), name);

    if (found != NULL && *found >= 0) {
        return *found;
    }
    CHECK(disk->files_len < FILES_MAX);
    names_set(names_change(disk), name, (int)disk->files_len);
    return (int)disk->files_len++;
}

static struct write *
next_write(struct file *file)
{
    if (file->writes_len == file->writes_size) {
        file->writes_size = file->writes_size * 2 + 16;
        file->writes = realloc(file->writes, file->writes_size * sizeof *file->writes);
        CHECK(file->writes != NULL);
    }
    return &file->writes[file->writes_len++];
}

void
disk_write(struct disk *disk, int file, uint64_t offset, const void *bytes, size_t len)
{
    struct write *write = next_write(&disk->files[file]);

    *write = (struct write){.offset = offset, .len = len, .bytes = malloc(len + 1)};
    CHECK(write->bytes != NULL);
    memcpy(write->bytes, bytes, len);
}

void
disk_truncate(struct disk *disk, int file, uint64_t len)
{
    *next_write(&disk->files[file]) = (struct write){.offset = len};
}

void
disk_rename(struct disk *disk, const char *from, const char *to)
{
    struct names *names = names_change(disk);
    int *found = names_find(names, from);

    CHECK(found != NULL && *found >= 0);
    names_set(names, to, *found);
    *names_find(names, from) = -1;
}

void
disk_unlink(struct disk *disk, const char *name)
{
    if (names_find(names_now(disk), name) != NULL) {
        names_set(names_change(disk), name, -1);
    }
}

void
disk_sync_file(struct disk *disk, int number)
{
    struct file *file = &disk->files[number];

    for (size_t i = 0; i < file->writes_len; i++) {
        content_apply(&file->synced, &file->writes[i]);
    }
    forget_writes(file);
}

void
disk_sync_last(struct disk *disk, int number)
{
    struct file *file = &disk->files[number];

    CHECK(file->writes_len > 0);
    file->writes_len--;
    content_apply(&file->synced, &file->writes[file->writes_len]);
    free(file->writes[file->writes_len].bytes);
}

void
disk_sync_folder(struct disk *disk)
{
    disk->names[0] = *names_now(disk);
    disk->changes = 0;
}

void
disk_sync_parent(struct disk *disk)
{
    disk->parent_synced = true;
}

size_t
disk_unsynced(const struct disk *disk)
{
    size_t len = 0;

    for (size_t i = 0; i < disk->files_len; i++) {
        len += disk->files[i].writes_len;
    }
    return len;
}

// ---- what could be left ----

// How one file's unsynced writes end.
struct fate {
    enum left left;
    uint64_t salt;      // what is drawn for a sector is always the same
    size_t first_write; // the file's first, counted over all files
    size_t first_writes;
    uint64_t sectors; // that the writes touch, one after the other
    uint64_t one;     // of them
};

static uint64_t
sectors_of(const struct write *write)
{
    return write->bytes == NULL || write->len == 0
               ? 0
               : (write->offset + write->len - 1) / disk_sector_bytes -
                     write->offset / disk_sector_bytes + 1;
}

// Whatever was drawn for this place: how many of so many writes it has seen.
static size_t
drawn(const struct fate *fate, uint64_t place, size_t most)
{
    struct dice dice = {.state = fate->salt ^ (place * UINT64_C(0x9e3779b97f4a7c15))};

    return (size_t)(dice_roll(&dice) % (most + 1));
}

static bool
is_kept(const struct fate *fate, size_t write, size_t writes, uint64_t sector,
        uint64_t counted)
{
    switch (fate->left) {
    case LEFT_NOTHING:
        return false;
    case LEFT_EVERYTHING:
        return true;
    case LEFT_SOME_WRITES:
        return drawn(fate, write, 1) == 1;
    case LEFT_FIRST_WRITES:
        return write < fate->first_writes;
    case LEFT_SOME_PAGES:
        return write < drawn(fate, sector * disk_sector_bytes / DISK_PAGE, writes);
    case LEFT_SOME_SECTORS:
        return write < drawn(fate, sector, writes);
    case LEFT_ALL_BUT_ONE_SECTOR:
        return counted != fate->one;
    case LEFT_ONE_SECTOR:
        return counted == fate->one;
    case LEFT_SUBSETS:
        break;
    }
    return ((unsigned)(fate->left - LEFT_SUBSETS) >> (fate->first_write + write) & 1) !=
           0;
}

static void
keep_write(struct content *content, const struct fate *fate, const struct write *write,
           size_t number, size_t writes, uint64_t *counted)
{
    uint64_t at = write->offset;
    uint64_t end = write->offset + write->len;

    if (write->bytes == NULL) {
        if (is_kept(fate, number, writes, 0, UINT64_MAX)) {
            content_resize(content, write->offset);
        }
        return;
    }
    while (at < end) {
        uint64_t sector = at / disk_sector_bytes;
        uint64_t next = (sector + 1) * disk_sector_bytes < end
                            ? (sector + 1) * disk_sector_bytes
                            : end;

        if (is_kept(fate, number, writes, sector, (*counted)++)) {
            content_write(content, at, write->bytes + (at - write->offset),
                          (size_t)(next - at));
        }
        at = next;
    }
}

// Any length that the file has had since it was synced.
static uint64_t
draw_len(const struct file *file, const struct fate *fate, struct dice *dice)
{
    size_t wanted = dice_below(dice, (uint32_t)file->writes_len + 1);
    uint64_t len = file->synced.len;

    if (fate->left == LEFT_NOTHING) {
        return len;
    }
    if (fate->left == LEFT_EVERYTHING || dice_one_in(dice, 2)) {
        wanted = file->writes_len;
    }
    for (size_t i = 0; i < wanted; i++) {
        const struct write *write = &file->writes[i];
        uint64_t end = write->offset + write->len;

        len = write->bytes == NULL || end > len ? end : len;
    }
    return len;
}

static struct content
leave(const struct file *file, struct fate *fate, struct dice *dice)
{
    struct content content = {0};
    uint64_t counted = 0;

    content_resize(&content, file->synced.len);
    if (file->synced.len > 0) {
        memcpy(content.at, file->synced.at, file->synced.len);
    }
    for (size_t i = 0; i < file->writes_len; i++) {
        fate->sectors += sectors_of(&file->writes[i]);
    }
    fate->salt = dice_roll(dice);
    fate->first_writes = dice_below(dice, (uint32_t)file->writes_len + 1);
    fate->one = fate->sectors == 0 ? 0 : dice_roll(dice) % fate->sectors;
    for (size_t i = 0; i < file->writes_len; i++) {
        keep_write(&content, fate, &file->writes[i], i, file->writes_len, &counted);
    }
    content_resize(&content, draw_len(file, fate, dice));
    return content;
}

static void
write_file(const char *folder, const char *name, const struct content *content)
{
    char path[256];
    uint64_t done = 0;

    snprintf(path, sizeof path, "%s/%s", folder, name);

    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    CHECK(fd >= 0);
    while (done < content->len) {
        ssize_t len = write(fd, content->at + done, content->len - done);

        CHECK(len > 0);
        done += (uint64_t)len;
    }
    close(fd);
}

void
disk_rebuild(const struct disk *disk, enum left left, struct dice *dice, const char *path)
{
    size_t changes = left == LEFT_NOTHING ? 0
                     : left == LEFT_EVERYTHING
                         ? disk->changes
                         : dice_below(dice, (uint32_t)disk->changes + 1);
    const struct names *names = &disk->names[changes];
    size_t first_write = 0;

    if (!disk->parent_synced && left != LEFT_EVERYTHING &&
        (left == LEFT_NOTHING || dice_one_in(dice, 2))) {
        return; // the folder itself is gone
    }
    for (size_t i = 0; i < disk->files_len; i++) {
        struct fate fate = {.left = left, .first_write = first_write};
        struct content content = leave(&disk->files[i], &fate, dice);

        for (size_t j = 0; j < names->len; j++) {
            if (names->row[j].file == (int)i) {
                write_file(path, names->row[j].name, &content);
            }
        }
        free(content.at);
        first_write += disk->files[i].writes_len;
    }
}
