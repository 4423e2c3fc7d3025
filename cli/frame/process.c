/* SPDX-License-Identifier: MIT */
/* What the program decides for its whole process, before anything computes; the library leaves a
 * process as it is. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "cli/frame/process.h"

#include <clipspan/clipspan.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

/* Our own loops share out the work. Threads of an OpenBLAS (which has read its environment already)
 * would compete with them, and their number would show in the last bits. */
static void limit_openblas(void)
{
    void (*set)(int) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
    memcpy(&set, &found, sizeof set);
    if (set) set(1);
}

/* CLIPSPAN_CPU forces oneDNN, which reads this when it is first used, down with our kernels. */
static void limit_onednn(void)
{
    const char *level = clipspan_cpu_level();
    if (!getenv("CLIPSPAN_CPU") || strcmp(level, "avx512") == 0) return;
    setenv("ONEDNN_MAX_CPU_ISA", strcmp(level, "avx2") == 0 ? "AVX2" : "SSE41", 1);
}

void cli_process_start(void)
{
    limit_openblas();
    limit_onednn();
}
