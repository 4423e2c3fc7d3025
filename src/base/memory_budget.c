/* SPDX-License-Identifier: MIT */
/* The budget of memory: what machine, cgroups and limits leave, and the share of it that decoded
 * images of all threads have together. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, strtok_r */
#include "base/memory_budget.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef CLIPSPAN_CORE
#    include <pthread.h>
#endif

#define PATH_ROOM 4608
#define POOL_PART 4 /* decoded images have a quarter of the memory */

/* ---- cgroups ---- */

/* The number in a small file of the kernel; 0 for "max", or without a file. */
static uint64_t number_in(const char *path)
{
    char line[64] = "";
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (!fgets(line, sizeof line, file)) line[0] = '\0';
    fclose(file);
    return strtoull(line, NULL, 10);
}

static void lower(uint64_t *least, uint64_t limit)
{
    if (limit > 0 && (*least == 0 || limit < *least)) *least = limit;
}

/* The least limit from root/mount/group up to root/mount; `group` is cut on the way. */
static void climb(uint64_t *least, const char *root, const char *mount, const char *name,
                  char *group)
{
    char path[PATH_ROOM];
    for (;;) {
        char *slash;
        snprintf(path, sizeof path, "%s%s%s/%s", root, mount, group, name);
        lower(least, number_in(path));
        slash = strrchr(group, '/');
        if (!slash) return;
        *slash = '\0';
    }
}

/* A line of /proc/self/cgroup is "number:controllers:/group"; version 2 has no controllers. */
static void take_line(uint64_t *least, const char *root, char *line)
{
    char *controllers = strchr(line, ':'), *group, *word, *rest = NULL;
    if (!controllers) return;
    *controllers++ = '\0';
    group = strchr(controllers, ':');
    if (!group) return;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (!*controllers) {
        climb(least, root, "/sys/fs/cgroup", "memory.max", group);
        return;
    }
    for (word = strtok_r(controllers, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
        if (strcmp(word, "memory") == 0)
            climb(least, root, "/sys/fs/cgroup/memory", "memory.limit_in_bytes", group);
}

uint64_t cs_memory_cgroup(const char *root)
{
    char path[PATH_ROOM], line[4200], top[2];
    uint64_t least = 0;
    FILE *file;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        take_line(&least, root, line);
    if (file) fclose(file);
    /* In a container the group may be named as the host has it, and be mounted as the root. */
    top[0] = '\0';
    climb(&least, root, "/sys/fs/cgroup", "memory.max", top);
    climb(&least, root, "/sys/fs/cgroup/memory", "memory.limit_in_bytes", top);
    return least;
}

/* ---- The budget ---- */

uint64_t cs_memory_size(const char *text)
{
    static const char units[] = "KMGT";
    double unit = 1.0, number = 0.0, part = 1.0;
    int digits = 0, points = 0;
    const char *p;
    for (p = text; (*p >= '0' && *p <= '9') || (*p == '.' && !points); p++) {
        if (*p == '.') {
            points = 1;
            continue;
        }
        if (points) part *= 10.0;
        number = number * 10.0 + (double)(*p - '0');
        if (++digits > 15) return 0;
    }
    if (digits && *p) {
        const char letter = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
        const char *found = strchr(units, letter);
        if (!found) return 0;
        for (long i = 0; i <= found - units; i++)
            unit *= 1024.0;
        p++;
        if (*p == 'i') p++;
        if (*p == 'B' || *p == 'b') p++;
    }
    number = number / part * unit;
    return digits && !*p && number < 1e18 ? (uint64_t)number : 0;
}

static void lower_by_rlimit(uint64_t *least, int resource)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        lower(least, (uint64_t)limit.rlim_cur);
}

uint64_t cs_memory_total(void)
{
    const char *said = getenv("CLIPSPAN_MEMORY");
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t total = said ? cs_memory_size(said) : 0;
    if (total > 0) return total;
    if (pages > 0 && page > 0) total = (uint64_t)pages * (uint64_t)page;
    lower(&total, cs_memory_cgroup(""));
    lower_by_rlimit(&total, RLIMIT_AS);
    lower_by_rlimit(&total, RLIMIT_DATA);
    return total;
}

int cs_memory_is_limited(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

int cs_memory_has_room(size_t bytes)
{
    void *map;
    if (!cs_memory_is_limited()) return 1;
    map = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return 0;
    munmap(map, bytes);
    return 1;
}

clipspan_status cs_memory_need_room(size_t bytes, const char *what, clipspan_error *err)
{
    return cs_memory_has_room(bytes) ? CLIPSPAN_OK : cs_fail_memory(err, bytes, what);
}

/* ---- The pool ---- */

#ifndef CLIPSPAN_CORE

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t given = PTHREAD_COND_INITIALIZER;
static uint64_t held; /* guarded by lock */

void cs_memory_take(uint64_t bytes)
{
    const uint64_t total = cs_memory_total(), most = total ? total / POOL_PART : UINT64_MAX;
    pthread_mutex_lock(&lock);
    while (held > 0 && (bytes > most || held > most - bytes))
        pthread_cond_wait(&given, &lock);
    held += bytes;
    pthread_mutex_unlock(&lock);
}

void cs_memory_give(uint64_t bytes)
{
    pthread_mutex_lock(&lock);
    held -= bytes;
    pthread_cond_broadcast(&given);
    pthread_mutex_unlock(&lock);
}

#else

void cs_memory_take(uint64_t bytes)
{
    (void)bytes;
}

void cs_memory_give(uint64_t bytes)
{
    (void)bytes;
}

#endif
