/* SPDX-License-Identifier: MIT */
/* Status, errors, versions, progress: what every other header needs. Conventions: clipspan.h. */
#ifndef CLIPSPAN_BASE_H
#define CLIPSPAN_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CLIPSPAN_VERSION "0.1.0"
#define CLIPSPAN_ABI     1

#if defined(__GNUC__)
#    define CLIPSPAN_API __attribute__((visibility("default")))
#else
#    define CLIPSPAN_API
#endif

/* ---- Status and errors ---- */

/* Values are frozen. */
typedef enum clipspan_status {
    CLIPSPAN_OK = 0,
    CLIPSPAN_E_INTERNAL = -1,     /* a defect of this library */
    CLIPSPAN_E_ARGUMENT = -2,     /* an argument or option is out of range */
    CLIPSPAN_E_NOMEM = -3,        /* memory could not be had */
    CLIPSPAN_E_LIMIT = -4,        /* over a stated ceiling (pixels, file size, header size …) */
    CLIPSPAN_E_IO = -5,           /* a file could not be opened or read */
    CLIPSPAN_E_WRITE = -6,        /* a file could not be written */
    CLIPSPAN_E_EXISTS = -7,       /* the output already exists and was not to be replaced */
    CLIPSPAN_E_FORMAT = -8,       /* a file's content is damaged or not what its kind demands */
    CLIPSPAN_E_UNSUPPORTED = -9,  /* valid, but not something this version computes */
    CLIPSPAN_E_SHAPE = -10,       /* a tensor's shape contradicts the configuration */
    CLIPSPAN_E_NOT_FOUND = -11,   /* no such file, model, tensor or name */
    CLIPSPAN_E_INTERRUPTED = -12, /* a progress callback asked to stop */
    CLIPSPAN_E_NUMBERS = -13      /* weights hold NaN or infinity, or a result is not finite */
} clipspan_status;

/* What a caller may act upon beside the code: 0 where there is nothing of the kind. */
typedef enum clipspan_detail {
    CLIPSPAN_DETAIL_NONE = 0,
    CLIPSPAN_DETAIL_OTHER_LIST = 1, /* EXISTS: a run is there whose list differs, and only that */
    CLIPSPAN_DETAIL_OTHER_RUN = 2   /* FORMAT: a file that belongs to another run */
} clipspan_detail;

/* message: one UTF-8 sentence without a full line break at its end; long paths are shortened in
 * their middle. reserved: zeros, room for what a later version says. */
typedef struct clipspan_error {
    clipspan_status code;
    char message[1536];
    int detail; /* clipspan_detail */
    int reserved[6];
} clipspan_error;

/* "CLIPSPAN_E_FORMAT" and so on; "unknown status" for other values. */
CLIPSPAN_API const char *clipspan_status_name(clipspan_status status);

/* "0.1.0": the version of the library that is loaded, to compare with CLIPSPAN_VERSION. */
CLIPSPAN_API const char *clipspan_version(void);

/* What computes: kernel level in force ("generic", "avx2", "avx512") and the matrix product behind
 * it, for example "oneDNN 2.6.3", "oneDNN 2.6.3 with AVX-512" where that is above the level (see
 * Process). The level is the best that the CPU has, or what CLIPSPAN_CPU
 * forces it down to. */
CLIPSPAN_API const char *clipspan_cpu_level(void);
CLIPSPAN_API const char *clipspan_product_name(void);

/* Whether this CPU and build can run CLIPSPAN_BF16. */
CLIPSPAN_API int clipspan_has_bf16(void);

/* Threads used when an option says 0: the processors this process may use (affinity and cgroup
 * quota), or OMP_NUM_THREADS when set. */
CLIPSPAN_API int clipspan_default_threads(void);

/* Progress of long calls: `done` of `total` units are finished; a call that succeeds ends with all
 * of them. A result other than 0 stops the call: one of the error codes above, such as
 * CLIPSPAN_E_NOMEM, comes back from it as it is; any other, and -1, makes it
 * CLIPSPAN_E_INTERRUPTED. The same holds for every callback. Called from the caller's thread
 * only. */
typedef struct clipspan_progress {
    int (*step)(void *user, size_t done, size_t total);
    void *user;
} clipspan_progress;

#ifdef __cplusplus
}
#endif
#endif
