// SPDX-License-Identifier: EUPL-1.2
#include "usage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The name stands in brackets and may hold any byte, a bracket too.
static int
read_stat(const char *path, char name[static 16], double *ret_cpu_s)
{
    char line[512];
    FILE *file = fopen(path, "re");
    unsigned long user, system;
    char *from, *to;
    int good = file != NULL && fgets(line, sizeof line, file) != NULL;

    if (file != NULL) {
        fclose(file);
    }
    if (!good || (from = strchr(line, '(')) == NULL ||
        (to = strrchr(line, ')')) == NULL ||
        sscanf(to + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2) {
        return 0;
    }
    *to = '\0';
    snprintf(name, 16, "%s", from + 1);
    *ret_cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return 1;
}

static void
add(struct usage *usage, const char *name, double cpu_s)
{
    size_t i = 0;

    while (i < usage->len && strcmp(usage->threads[i].name, name) != 0) {
        i++;
    }
    if (i == USAGE_THREADS_MAX) {
        return;
    }
    if (i == usage->len) {
        strcpy(usage->threads[usage->len++].name, name);
    }
    usage->threads[i].cpu_s += cpu_s;
}

void
usage_read(pid_t pid, struct usage *ret)
{
    char path[300];
    char name[16];
    double cpu_s;
    DIR *folder;

    memset(ret, 0, sizeof *ret);
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (!read_stat(path, name, &ret->cpu_s)) {
        return;
    }
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/stat", (int)pid, entry->d_name);
        if (entry->d_name[0] != '.' && read_stat(path, name, &cpu_s)) {
            add(ret, name, cpu_s);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

void
usage_since(struct usage *now, const struct usage *before)
{
    now->cpu_s -= before->cpu_s;
    for (size_t i = 0; i < before->len; i++) {
        add(now, before->threads[i].name, -before->threads[i].cpu_s);
    }
}
