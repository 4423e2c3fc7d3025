/* SPDX-License-Identifier: MIT */
/* Status, errors, versions, progress, handles and small types: what every other header needs.
 * Conventions: clipspan.h. */
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
    CLIPSPAN_E_NOMEM = -3,        /* out of memory */
    CLIPSPAN_E_LIMIT = -4,        /* over a stated ceiling (pixels, file size, header size …) */
    CLIPSPAN_E_IO = -5,           /* a file could not be opened or read */
    CLIPSPAN_E_WRITE = -6,        /* a file could not be written */
    CLIPSPAN_E_EXISTS = -7,       /* the output already exists and `replace` was not set */
    CLIPSPAN_E_FORMAT = -8,       /* a file is damaged or not in the expected format */
    CLIPSPAN_E_UNSUPPORTED = -9,  /* valid, but not something this version computes */
    CLIPSPAN_E_SHAPE = -10,       /* a tensor's shape contradicts the configuration */
    CLIPSPAN_E_NOT_FOUND = -11,   /* no such file, model, tensor or name */
    CLIPSPAN_E_INTERRUPTED = -12, /* a progress callback asked to stop */
    CLIPSPAN_E_NUMBERS = -13      /* weights hold NaN or infinity, or a result is not finite */
} clipspan_status;

/* Details that a caller may act upon, beside the code; 0: none. */
typedef enum clipspan_detail {
    CLIPSPAN_DETAIL_NONE = 0,
    CLIPSPAN_DETAIL_OTHER_LIST = 1, /* EXISTS: a run exists whose list differs, and nothing else */
    CLIPSPAN_DETAIL_OTHER_RUN = 2,  /* FORMAT: a file that belongs to another run */
    CLIPSPAN_DETAIL_AWAY = 3 /* IO, NOMEM: a file that may be readable again in a moment: its disk
                                is away, or no descriptor or memory is left to open it */
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

/* The kernels in use: kernel level ("generic", "avx2", "avx512") and the matrix product behind it,
 * for example "oneDNN 2.6.3", "oneDNN 2.6.3 with AVX-512" where that is above the level (see
 * Process). The level is the best that the CPU has, or what CLIPSPAN_CPU forces it down to. */
CLIPSPAN_API const char *clipspan_cpu_level(void);
CLIPSPAN_API const char *clipspan_product_name(void);

/* Whether this CPU and build can run CLIPSPAN_BF16. */
CLIPSPAN_API int clipspan_has_bf16(void);

/* Threads used when an option says 0: the CPUs available to this process (affinity and cgroup
 * quota), or OMP_NUM_THREADS if set. */
CLIPSPAN_API int clipspan_default_threads(void);

/* The path of a file that comes with clipspan, such as "imagenet_classes.txt" or, of the demo,
 * "demo/look.csv": out : [room] with a NUL. Data lie in $CLIPSPAN_DATA, beside the program or the
 * library, or where they were installed. Errors: NOT_FOUND with the places looked at, LIMIT (a path
 * longer than that), ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_data_find(char *out, size_t room, const char *name,
                                                clipspan_error *err);

/* Progress of long calls: `done` of `total` units are finished; a call that succeeds ends with all
 * of them. A result other than 0 stops the call: one of the error codes above, such as
 * CLIPSPAN_E_NOMEM, comes back from it as it is; any other, and -1, makes it
 * CLIPSPAN_E_INTERRUPTED. The same holds for every callback. Called from the caller's thread
 * only. */
typedef struct clipspan_progress {
    int (*step)(void *user, size_t done, size_t total);
    void *user;
} clipspan_progress;

/* ---- What several headers share ---- */

/* Handles, which are opaque; the header that makes one describes it. */
typedef struct clipspan_model clipspan_model; /* model.h */
typedef struct clipspan_texts clipspan_texts; /* encode.h */
typedef struct clipspan_encoder clipspan_encoder;
typedef struct clipspan_bank clipspan_bank;
typedef struct clipspan_decomposition clipspan_decomposition; /* decompose.h */
typedef struct clipspan_stats clipspan_stats;
typedef struct clipspan_maps clipspan_maps;
typedef struct clipspan_explanation clipspan_explanation;
typedef struct clipspan_paths clipspan_paths;   /* paths.h */
typedef struct clipspan_span clipspan_span;     /* span.h */
typedef struct clipspan_inputs clipspan_inputs; /* run.h */
typedef struct clipspan_run clipspan_run;
typedef struct clipspan_atlas clipspan_atlas;           /* atlas.h */
typedef struct clipspan_effects clipspan_effects;       /* effects.h */
typedef struct clipspan_evaluation clipspan_evaluation; /* study.h */
typedef struct clipspan_view clipspan_view;             /* draw.h */

/* How a checkpoint names its tensors, and what its configuration decides: the function between the
 * two products of an MLP; which side of an image comes to the encoder's size (its shorter one, then
 * the middle is cut out; both; its longer one, then the rest is filled); and with which filter. */
typedef enum clipspan_layout {
    CLIPSPAN_LAYOUT_OPENCLIP = 1,
    CLIPSPAN_LAYOUT_HUGGINGFACE = 2
} clipspan_layout;
/* What of an encoder's last residual stream becomes the embedding. */
typedef enum clipspan_readout {
    CLIPSPAN_READ_CLASS = 1,   /* the class token */
    CLIPSPAN_READ_END = 2,     /* the end-of-text token */
    CLIPSPAN_READ_LAST = 3,    /* the last position of the context */
    CLIPSPAN_READ_PATCHES = 4, /* the mean of the patches */
    CLIPSPAN_READ_POOL = 5 /* an attention pool: one learnt query over all patches, then an MLP */
} clipspan_readout;

typedef enum clipspan_activation {
    CLIPSPAN_GELU = 1,
    CLIPSPAN_QUICK_GELU = 2,
    CLIPSPAN_TANH_GELU = 3 /* GELU with tanh in place of the error function */
} clipspan_activation;
typedef enum clipspan_resize {
    CLIPSPAN_SHORTEST = 1,
    CLIPSPAN_SQUASH = 2,
    CLIPSPAN_LONGEST = 3
} clipspan_resize;
typedef enum clipspan_kernel { CLIPSPAN_BICUBIC = 1, CLIPSPAN_BILINEAR = 2 } clipspan_kernel;

/* Which encoder of a model; the precision of its matrix products, which accumulate in float32. */
typedef enum clipspan_modality { CLIPSPAN_IMAGE = 0, CLIPSPAN_TEXT = 1 } clipspan_modality;
typedef enum clipspan_precision { CLIPSPAN_F32 = 0, CLIPSPAN_BF16 = 1 } clipspan_precision;

/* An attention head of the image encoder, numbered from 0 as before any was removed. This struct
 * does not change between versions. */
typedef struct clipspan_head {
    int layer, head;
} clipspan_head;

/* Components of the image encoder's representation. */
typedef enum clipspan_component {
    CLIPSPAN_COMPONENT_HEAD = 0,
    CLIPSPAN_COMPONENT_MLP = 1, /* layer -1 is the class token as it enters the first
                                          layer */
    CLIPSPAN_COMPONENT_CLASS_SELF_ATTENTION =
        2, /* class-token self-attention of a layer, summed over heads; not together with a head of
              that layer */
    CLIPSPAN_COMPONENT_EMBEDDING = 3 /* all of it at once: CUE and PROJECT only */
} clipspan_component;

/* How image files are read. */
typedef struct clipspan_image_options {
    size_t struct_size;
    int exif_orient;     /* apply EXIF orientation; OpenCLIP does not */
    uint64_t max_pixels; /* refuse images of more pixels without decoding them; 0: a sixteenth of
                            memory, 512 million at most */
} clipspan_image_options;
#define CLIPSPAN_IMAGE_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_image_options), 0, 0                                                       \
    }

/* The precision in which a run keeps the coefficients of every image: run.h. */
typedef enum clipspan_coefficients {
    CLIPSPAN_COEFFICIENTS_F32 = 0,
    CLIPSPAN_COEFFICIENTS_F16 = 1, /* heads, MLP contributions and class-token self-attention
                                      rounded to half precision: within 2^-11 of each number, or
                                      3e-8 where that is more */
    CLIPSPAN_COEFFICIENTS_NONE = 2 /* statistics and embeddings only */
} clipspan_coefficients;

/* A component's share of the embedding's variance over images.
 *   share    = tr Cov(contribution, embedding) / tr Var(embedding): adds up to 1 over heads and
 *              MLPs, and over layers' attention and MLPs; below zero where a component works
 *              against the others
 *   variance = tr Var(contribution) / tr Var(embedding), not negative; does not add up to 1
 * Both are 0 for fewer than two images or where nothing varies. This struct stays as it is. */
typedef struct clipspan_variance_share {
    double share, variance;
} clipspan_variance_share;

/* A share of images, with its 95 % interval (Wilson 1927), all from 0 to 1. Where there are no
 * images `images` and `correct` are 0 and the rest is 0 or not a number, as the call says. This
 * struct stays as it is. */
typedef struct clipspan_share {
    uint64_t images, correct;
    double share, low, high;
} clipspan_share;

#ifdef __cplusplus
}
#endif
#endif
