/* SPDX-License-Identifier: MIT */
/* Search for the data folder: environment, beside the program, beside the shared library, source
 * tree, compiled in. */
#define _GNU_SOURCE /* dladdr */
#include "base/datadir.h"
#include "base/file.h"
#include "base/memory.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef CLIPSPAN_DATADIR
#    define CLIPSPAN_DATADIR "/usr/local/share/clipspan"
#endif

/* Folder of the file that this code was loaded from, which is the program's where it is linked in;
 * "" when it is not known. */
static void find_own_folder(char *out, size_t room)
{
    static const char mark = 0;
    Dl_info info;
    char *slash;
    out[0] = '\0';
    if (!dladdr(&mark, &info) || !info.dli_fname || strlen(info.dli_fname) >= room) return;
    memcpy(out, info.dli_fname, strlen(info.dli_fname) + 1);
    slash = strrchr(out, '/');
    if (slash)
        *slash = '\0';
    else
        out[0] = '\0';
}

clipspan_status cs_data_path(char **out, const char *name, clipspan_error *err)
{
    static const char *const beside[] = {"../share/clipspan", "data", "../data", "../../data",
                                         "../../../data"};
    const char *asked = getenv("CLIPSPAN_DATA");
    char program[4096], own[4096], folder[4200], looked[900] = "";
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    const size_t count = sizeof beside / sizeof *beside;
    size_t i;
    *out = NULL;
    program[length > 0 ? length : 0] = '\0';
    if (strrchr(program, '/')) *strrchr(program, '/') = '\0';
    find_own_folder(own, sizeof own);
    if (strcmp(own, program) == 0) own[0] = '\0';
    for (i = 0; i < 2 * count + 1; i++) {
        size_t used = strlen(looked);
        char *path;
        if (asked && asked[0])
            snprintf(folder, sizeof folder, "%s", asked);
        else if (i < 2 * count) {
            const char *start = i < count ? program : own;
            if (!start[0]) continue;
            snprintf(folder, sizeof folder, "%s/%s", start, beside[i % count]);
        } else
            snprintf(folder, sizeof folder, "%s", CLIPSPAN_DATADIR);
        path = cs_path_join(folder, name, err);
        if (!path) return CLIPSPAN_E_NOMEM;
        if (cs_path_kind(path) == 1) {
            *out = path;
            return CLIPSPAN_OK;
        }
        cs_free(path);
        if (used < sizeof looked)
            snprintf(looked + used, sizeof looked - used, "%s%.150s", used ? ", " : "", folder);
        if (asked && asked[0]) break;
    }
    return cs_fail(err, CLIPSPAN_E_NOT_FOUND,
                   "data file %s was not found; looked in %s. Set CLIPSPAN_DATA to the folder that "
                   "holds it",
                   name, looked);
}

clipspan_status cs_data_demo(char **out, const char *name, clipspan_error *err)
{
    clipspan_error missing;
    clipspan_status status;
    char *path, *real;
    *out = NULL;
    if (strncmp(name, "demo/", 5) != 0 || strstr(name, "..") || cs_path_kind(name) != 0)
        return CLIPSPAN_OK;
    status = cs_data_path(&path, name, &missing);
    if (status == CLIPSPAN_E_NOT_FOUND) return CLIPSPAN_OK;
    if (status != CLIPSPAN_OK) return cs_fail(err, status, "%s", missing.message);
    real = realpath(path, NULL);
    *out = real ? cs_strdup(real, err) : path;
    if (real) cs_free(path);
    free(real);
    return *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}
