/* SPDX-License-Identifier: MIT */
/* Files of a fuzz target, in memory where the system has such a place. */
#include "fuzz.h"
#include "tiny.h"

#include <stdio.h>
#include <stdlib.h>

static char *folder;

static void remove_folder(void)
{
    cs_tiny_remove(&folder);
}

const char *fuzz_folder(void)
{
    if (folder) return folder;
    folder = cs_tiny_memory_folder();
    atexit(remove_folder);
    return folder;
}

const char *fuzz_file(const char *name, const void *data, size_t size)
{
    static char path[4096];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    file = fopen(path, "wb");
    fuzz_check(file && fwrite(data, 1, size, file) == size && fclose(file) == 0, path);
    return path;
}

void fuzz_check(int holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "fuzz: does not hold: %s\n", what);
    abort();
}
