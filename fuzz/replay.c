/* SPDX-License-Identifier: MIT */
/* replay FILE|FOLDER...: a target's function over files, for builds without libFuzzer. Prints how
 * many inputs there were; ends with 1 when there was none. */
#define _POSIX_C_SOURCE 200809L
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static size_t inputs;

static void replay_file(const char *path, size_t size)
{
    uint8_t *bytes = malloc(size + !size); /* exactly, so that a sanitizer sees the end */
    FILE *file = fopen(path, "rb");
    if (bytes && file && fread(bytes, 1, size, file) == size) {
        LLVMFuzzerTestOneInput(bytes, size);
        inputs++;
    }
    if (file) fclose(file);
    free(bytes);
}

static void replay(const char *path)
{
    struct stat facts;
    DIR *folder;
    struct dirent *entry;
    char inside[4096];
    if (stat(path, &facts) != 0) return;
    if (S_ISREG(facts.st_mode)) replay_file(path, (size_t)facts.st_size);
    if (!S_ISDIR(facts.st_mode) || !(folder = opendir(path))) return;
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.') continue;
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        replay(inside);
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%zu inputs\n", inputs);
    return inputs == 0;
}
