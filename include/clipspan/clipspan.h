/* SPDX-License-Identifier: MIT */
/* clipspan: CLIP's image representation, taken apart exactly.
 *
 * This header is the whole contract: what is not written here is not promised. A complete program:
 *
 *     #include <clipspan/clipspan.h>
 *     #include <stdio.h>
 *
 *     int main(int argc, char **argv)
 *     {
 *         clipspan_error err;
 *         clipspan_model *model = NULL;
 *         clipspan_encoder *encoder = NULL;
 *         clipspan_encoder_options opt = CLIPSPAN_ENCODER_OPTIONS_INIT;
 *         float embedding[4096];
 *         const char *path = argv[argc - 1];
 *         int failed = clipspan_model_open(&model, argv[1], NULL, &err);
 *         opt.single = 1;
 *         if (!failed) failed = clipspan_encoder_new(&encoder, model, &opt, &err);
 *         if (!failed)
 *             failed = clipspan_encoder_run_files(embedding, NULL, encoder, &path, 1, &err);
 *         if (failed) fprintf(stderr, "%s\n", err.message);
 *         else printf("first number of the unit embedding: %g\n", (double)embedding[0]);
 *         clipspan_encoder_free(&encoder);
 *         clipspan_model_close(&model);
 *         return failed != CLIPSPAN_OK;
 *     }
 *
 * Conventions
 *   Errors     A call that can fail returns a clipspan_status (0 is success) and fills the caller's
 *              clipspan_error, which may be NULL: one sentence that names the file, tensor or
 *              option, what was expected and what was found.
 *   Ownership  `const T *` arguments are borrowed for the call. Constructors write a handle to *out
 *              (NULL on failure); `free` and `close` take T **, set it to NULL and accept NULL.
 *              Strings that a handle returns live as long as it. Buffers for results are yours.
 *   Threads    A model, texts, bank, span and inputs handle is immutable once made and shared
 *              freely between threads. An encoder, parts, statistics and an npy handle is used by
 *              one thread at a time.
 *   Options    Option structs start with struct_size; initialise them with their ..._INIT macro.
 *              Zero means default; a struct_size that this library does not know is an error.
 *   Process    The library never prints, exits, installs signal handlers or changes global state.
 *              Do not fork after the first call that computes: worker threads do not follow.
 *   Shapes     B pictures, T texts, L layers, H heads, N tokens (class token first), D width,
 *              K head width (D = H K), P width of the joint image-text space, C context length.
 *              Arrays are row-major; shapes are written outermost first. */
#ifndef CLIPSPAN_CLIPSPAN_H
#define CLIPSPAN_CLIPSPAN_H

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
    CLIPSPAN_E_EXISTS = -7,       /* the output is there already and was not to be replaced */
    CLIPSPAN_E_FORMAT = -8,       /* a file's content is damaged or not what its kind demands */
    CLIPSPAN_E_UNSUPPORTED = -9,  /* valid, but not something this version computes */
    CLIPSPAN_E_SHAPE = -10,       /* a tensor's shape contradicts the configuration */
    CLIPSPAN_E_NOT_FOUND = -11,   /* no such file, model, tensor or name */
    CLIPSPAN_E_INTERRUPTED = -12, /* a progress callback asked to stop */
    CLIPSPAN_E_NUMBERS = -13      /* weights hold NaN or infinity, or a result is not finite */
} clipspan_status;

/* message: one UTF-8 sentence without a full line break at its end; long paths are shortened in
 * their middle. */
typedef struct clipspan_error {
    clipspan_status code;
    char message[1536];
} clipspan_error;

/* "CLIPSPAN_E_FORMAT" and so on; "unknown status" for other values. */
CLIPSPAN_API const char *clipspan_status_name(clipspan_status status);

/* "0.1.0": the version of the library that is loaded, to compare with CLIPSPAN_VERSION. */
CLIPSPAN_API const char *clipspan_version(void);

/* What computes: kernel level in force ("generic", "avx2", "avx512") and the matrix product behind
 * it, for example "oneDNN 2.6.3". The level is the best that the CPU has, or what CLIPSPAN_CPU
 * forces it down to. */
CLIPSPAN_API const char *clipspan_cpu_level(void);
CLIPSPAN_API const char *clipspan_product_name(void);

/* Whether this CPU and build can run CLIPSPAN_BF16. */
CLIPSPAN_API int clipspan_has_bf16(void);

/* Threads used when an option says 0: the processors this process may use (affinity and cgroup
 * quota), or OMP_NUM_THREADS when set. */
CLIPSPAN_API int clipspan_default_threads(void);

/* Progress of long calls: `done` of `total` units are finished; a call that succeeds ends with all
 * of them. A result other than 0 stops the call, which then returns CLIPSPAN_E_INTERRUPTED. Called
 * from the caller's thread only. */
typedef struct clipspan_progress {
    int (*step)(void *user, size_t done, size_t total);
    void *user;
} clipspan_progress;

/* ---- Models ---- */

typedef struct clipspan_model clipspan_model;

typedef enum clipspan_layout {
    CLIPSPAN_LAYOUT_OPENCLIP = 1,
    CLIPSPAN_LAYOUT_HUGGINGFACE = 2
} clipspan_layout;
typedef enum clipspan_activation { CLIPSPAN_GELU = 1, CLIPSPAN_QUICK_GELU = 2 } clipspan_activation;
typedef enum clipspan_resize {
    CLIPSPAN_SHORTEST = 1,
    CLIPSPAN_SQUASH = 2,
    CLIPSPAN_LONGEST = 3
} clipspan_resize;
typedef enum clipspan_kernel { CLIPSPAN_BICUBIC = 1, CLIPSPAN_BILINEAR = 2 } clipspan_kernel;
typedef enum clipspan_tower { CLIPSPAN_IMAGE = 0, CLIPSPAN_TEXT = 1 } clipspan_tower;

typedef struct clipspan_model_options {
    size_t struct_size;
    const char *config; /* configuration file or built-in architecture name for a bare .safetensors;
                           NULL: beside it */
    int quick_gelu;     /* 0: as the checkpoint says; 1: QuickGELU; -1: exact GELU */
    int allow_nonfinite; /* load weights that hold NaN or infinity instead of refusing them */
} clipspan_model_options;
#define CLIPSPAN_MODEL_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_model_options), NULL, 0, 0                                                 \
    }

/* One tower: D = heads * head_width. */
typedef struct clipspan_tower_info {
    int layers, width, heads, head_width, mlp_width;
    float eps;           /* of every LayerNorm of the tower */
    uint64_t parameters; /* numbers in its tensors */
} clipspan_tower_info;

typedef struct clipspan_model_info {
    const char *name; /* as opened */
    const char *path; /* folder or file that was found */
    clipspan_layout layout;
    clipspan_activation activation;
    const char *activation_source; /* which file and key decided it */
    int embed_width;               /* P */

    clipspan_tower_info image;
    int heads_left; /* of all layers of the image tower: layers * heads, or fewer where heads were
                       removed */
    int image_height, image_width, patch_size;
    int grid_height, grid_width, tokens; /* N = 1 + grid_height * grid_width */
    int has_ln_pre;

    int has_text; /* 0: image tower only, the next three and `text` are zero */
    clipspan_tower_info text;
    int context_length, vocab_size;

    float mean[3], std[3];
    clipspan_resize resize;
    clipspan_kernel kernel;
    int convert_first; /* 1: to RGB before resizing (Hugging Face), 0: after (OpenCLIP) */
    int floor_crop;    /* 1: crop offset rounds down (Hugging Face), 0: half to even (OpenCLIP) */
    int fill[3];       /* colour of the padding in mode `longest`, 0-255 */

    size_t tensors;        /* see clipspan_model_get_tensor */
    uint64_t bytes;        /* of all weight files */
    const char *tokenizer; /* merges table, "" without a text tower */
} clipspan_model_info;

typedef struct clipspan_tensor_info {
    const char *name;  /* as in the file */
    const char *dtype; /* "F32", "F16", "BF16", "F64", "I64" */
    const char *file;
    int rank;
    uint64_t shape[8];
    uint64_t offset, bytes; /* in that file */
} clipspan_tensor_info;

/* Opens a checkpoint: reads its configuration and the tensor table, checks that every expected
 * tensor is there once, has the shape that the configuration demands, and that nothing is left
 * over. No weights are read: a tower is read and packed when the first encoder for it is made.
 *
 * name: a folder (OpenCLIP: open_clip_config.json; Hugging Face: config.json), a .safetensors file,
 * a name such as "ViT-B-16/laion2b_s34b_b88k", "org/repo" or "org/repo@revision" that is looked up
 * in the local Hugging Face cache, or "demo": the small model that comes with clipspan ("./demo" is
 * a folder of that name). Errors: NOT_FOUND (with the places looked at), FORMAT,
 * UNSUPPORTED, SHAPE, LIMIT, NOMEM, IO. */
CLIPSPAN_API clipspan_status clipspan_model_open(clipspan_model **out, const char *name,
                                                 const clipspan_model_options *options,
                                                 clipspan_error *err);
CLIPSPAN_API void clipspan_model_close(clipspan_model **model);

/* Facts about an open model; the pointer lives as long as the model. */
CLIPSPAN_API const clipspan_model_info *clipspan_model_get_info(const clipspan_model *model);

/* 1 when the image tower has this head, numbered from 0 as before any was removed; else 0. */
CLIPSPAN_API int clipspan_model_has_head(const clipspan_model *model, int layer, int head);

/* Tensor `index` of info->tensors, in the order of their names. Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_model_get_tensor(clipspan_tensor_info *out,
                                                       const clipspan_model *model, size_t index,
                                                       clipspan_error *err);

/* exp of the checkpoint's logit_scale, read from the file (one number). Errors: UNSUPPORTED without
 * a text tower, NUMBERS (not finite), IO, FORMAT, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_model_read_logit_scale(float *out,
                                                             const clipspan_model *model,
                                                             clipspan_error *err);

/* What reading every weight found. */
typedef struct clipspan_model_check {
    uint64_t values, nan, inf, denormal;
    char first_bad[256]; /* name of the first tensor with NaN or infinity, or "" */
} clipspan_model_check;

/* Reads every weight once (tensors of integers, which old files hold, are not weights). Succeeds
 * whatever it finds; the caller judges. progress counts bytes; may be NULL. Errors: IO, FORMAT (the
 * file changed), NOMEM, INTERRUPTED, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_model_run_check(clipspan_model_check *out,
                                                      const clipspan_model *model,
                                                      const clipspan_progress *progress,
                                                      clipspan_error *err);

/* SHA-256 of weight file `file` (from 0), 64 hexadecimal digits and a NUL. Errors: ARGUMENT beyond
 * the last file. */
CLIPSPAN_API clipspan_status clipspan_model_run_hash(char out[65], const clipspan_model *model,
                                                     size_t file, const clipspan_progress *progress,
                                                     clipspan_error *err);
CLIPSPAN_API size_t clipspan_model_get_files(const clipspan_model *model);
CLIPSPAN_API const char *clipspan_model_get_file(const clipspan_model *model, size_t file);

/* ---- Pictures ---- */

typedef struct clipspan_picture_options {
    size_t struct_size;
    int exif_orient;     /* turn the picture as its EXIF orientation says; OpenCLIP does not */
    uint64_t max_pixels; /* refuse larger pictures before decoding them; 0: a sixteenth of memory,
                            512 MP at most */
} clipspan_picture_options;
#define CLIPSPAN_PICTURE_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(clipspan_picture_options), 0, 0                                                     \
    }

/* What the image tower really sees of a picture: decoded as Pillow does, resized and cropped as the
 * checkpoint's family does, before mean and std.  pixels : [image_height, image_width, 3] uint8,
 * caller's buffer. bytes/size: a whole JPEG, PNG or WebP file in memory; name is used in messages
 * only. Errors: UNSUPPORTED (format named), FORMAT (damaged), LIMIT (too large), IO, NOT_FOUND,
 * NOMEM. */
CLIPSPAN_API clipspan_status clipspan_pixels_read(uint8_t *pixels, const clipspan_model *model,
                                                  const char *path,
                                                  const clipspan_picture_options *options,
                                                  clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_pixels_decode(uint8_t *pixels, const clipspan_model *model,
                                                    const void *bytes, size_t size,
                                                    const char *name,
                                                    const clipspan_picture_options *options,
                                                    clipspan_error *err);

/* Writes an 8-bit RGB PNG, beside its final name first, then renamed. pixels : [height, width, 3].
 * Errors: EXISTS unless `replace`, WRITE, NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_png_write(const char *path, const uint8_t *pixels, int height,
                                                int width, int replace, clipspan_error *err);

/* ---- Texts ---- */

/* A list of texts, each with an optional key (a category, a label) that stood before a tab. */
typedef struct clipspan_texts clipspan_texts;

/* Reads a text file: UTF-8, one text a line, an optional key before a tab; empty lines are skipped,
 * a byte order mark and CRLF are accepted. `name` is a path, or a set that comes with clipspan:
 * "openai" (the 80 published prompt templates), "none" (the one template "{}"), "general" (short
 * descriptions of what pictures show, the key a category, "!" before one that is not of objects),
 * "null" (as many texts without sense, of the same lengths in tokens), "demo" (texts about the
 * demo's scenes, and for contrast about things that no scene shows; keys as in "general"). A path
 * with a slash or dot is never taken for a set. Errors: NOT_FOUND, FORMAT (invalid UTF-8 or NUL,
 * with its line), LIMIT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_texts_open(clipspan_texts **out, const char *name,
                                                 clipspan_error *err);

/* Makes a list from `count` strings, at least one; keys may be NULL, as may each of them. Errors:
 * ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_texts_new(clipspan_texts **out, const char *const *texts,
                                                const char *const *keys, size_t count,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_texts_free(clipspan_texts **texts);
CLIPSPAN_API size_t clipspan_texts_get_count(const clipspan_texts *texts);
CLIPSPAN_API const char *clipspan_texts_get_text(const clipspan_texts *texts,
                                                 size_t index); /* NULL beyond the end */
CLIPSPAN_API const char *clipspan_texts_get_key(const clipspan_texts *texts,
                                                size_t index); /* "" when there is none */

/* Token ids of a text as open_clip's tokenizer gives them: start token, text, end token, zeros.
 *   ids : [C] caller's buffer   count (may be NULL): ids before the zeros
 *   cut (may be NULL): 1 when text was too long   text : `size` bytes
 * Invalid UTF-8 reads as U+FFFD. A text that is too long is cut and ends in the end token. Errors:
 * UNSUPPORTED without a text tower, NOMEM, LIMIT (over 16 MiB), and those of reading the merges
 * table, which the first call does. */
CLIPSPAN_API clipspan_status clipspan_tokens_encode(int32_t *ids, size_t *count, int *cut,
                                                    const clipspan_model *model, const char *text,
                                                    size_t size, clipspan_error *err);

/* The piece of text that one id stands for, NUL-terminated ("</w>" ends a word); NULL for an id out
 * of range. */
CLIPSPAN_API const char *clipspan_tokens_get_piece(const clipspan_model *model, int32_t id);

/* ---- Encoders ---- */

typedef struct clipspan_encoder clipspan_encoder;
typedef enum clipspan_precision { CLIPSPAN_F32 = 0, CLIPSPAN_BF16 = 1 } clipspan_precision;

typedef struct clipspan_encoder_options {
    size_t struct_size;
    clipspan_tower tower;         /* default: image */
    clipspan_precision precision; /* default: float32; BF16 only with clipspan_has_bf16() */
    int threads;                  /* 0: clipspan_default_threads(); at most 256 */
    int single; /* image tower, 1: one picture at a time with all threads inside its products
                      (fastest for a lone picture); 0: one picture a thread, the same bytes for
                      any `threads` */
    int raw;    /* 1: embeddings before normalisation; 0: unit vectors */
    clipspan_picture_options picture; /* for run_files */
} clipspan_encoder_options;
#define CLIPSPAN_ENCODER_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(clipspan_encoder_options), CLIPSPAN_IMAGE, CLIPSPAN_F32, 0, 0, 0,                   \
            CLIPSPAN_PICTURE_OPTIONS_INIT                                                          \
    }

/* Makes an encoder: reads and packs the tower's weights if no encoder of this model and precision
 * did so before, plans all memory that its runs need and takes it. The model must outlive the
 * encoder. Errors: UNSUPPORTED (no such tower, or BF16 on this CPU), NUMBERS (NaN or infinity in a
 * named tensor), IO, FORMAT (the file changed since it was opened), NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_encoder_new(clipspan_encoder **out, clipspan_model *model,
                                                  const clipspan_encoder_options *options,
                                                  clipspan_error *err);
CLIPSPAN_API void clipspan_encoder_free(clipspan_encoder **encoder);

/* Bytes of the encoder's workspace, and of the packed weights that it shares with other encoders of
 * the model. */
CLIPSPAN_API size_t clipspan_encoder_get_workspace(const clipspan_encoder *encoder);
CLIPSPAN_API size_t clipspan_encoder_get_weights(const clipspan_encoder *encoder);

/* Pictures to embeddings.
 *   embeddings : [B, P] caller's buffer
 *   pixels : [B, image_height, image_width, 3] as clipspan_pixels_read gives them
 * One image a pass: a row's bytes do not depend on B, on its place or (unless `single`) on the
 * number of threads. Errors: NUMBERS when a result is not finite, ARGUMENT for a text encoder. No
 * allocation. */
CLIPSPAN_API clipspan_status clipspan_encoder_run_pixels(float *embeddings,
                                                         clipspan_encoder *encoder,
                                                         const uint8_t *pixels, size_t count,
                                                         clipspan_error *err);

/* Reads, decodes and embeds pictures, each on the thread that embeds it.
 *   embeddings : [B, P]   errors : [B] caller's, one a picture (code 0 where it worked), or NULL
 * With errors, a picture that cannot be used leaves a row of zeros and its reason, and the call
 * goes on and succeeds; without, the first such picture (in list order) fails the call. */
CLIPSPAN_API clipspan_status clipspan_encoder_run_files(float *embeddings, clipspan_error *errors,
                                                        clipspan_encoder *encoder,
                                                        const char *const *paths, size_t count,
                                                        clipspan_error *err);

/* Texts to embeddings.   embeddings : [T, P]   tokens : [T, C] as clipspan_tokens_encode gives them
 * Nothing behind the end token is computed, and texts that begin alike share that work. A row's
 * bytes depend on the list, not on the number of threads.  Errors: ARGUMENT (image encoder, id
 * outside the vocabulary), NUMBERS. */
CLIPSPAN_API clipspan_status clipspan_encoder_run_tokens(float *embeddings,
                                                         clipspan_encoder *encoder,
                                                         const int32_t *tokens, size_t count,
                                                         const clipspan_progress *progress,
                                                         clipspan_error *err);

/* The same from a list of texts: [T, P]. */
CLIPSPAN_API clipspan_status clipspan_encoder_run_texts(float *embeddings,
                                                        clipspan_encoder *encoder,
                                                        const clipspan_texts *texts,
                                                        const clipspan_progress *progress,
                                                        clipspan_error *err);

typedef struct clipspan_head {
    int layer, head; /* from 0 */
} clipspan_head;

/* Silences heads of an image encoder: from now on clipspan_encoder_run_pixels and _run_files take
 * for the mixed values of these heads, what attention gives before the output projection, the given
 * numbers for every token, whatever the picture is. So later layers read what they would read in a
 * model that is edited in this way (clipspan_model_write). count 0: the model as it is. Parts, maps
 * and runs of the encoder never look at this.
 *   heads : [count]   z : [count, K], copied
 * Errors: ARGUMENT (a text encoder, no such head, a number that is not finite), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_encoder_set_heads(clipspan_encoder *encoder,
                                                        const clipspan_head *heads, const float *z,
                                                        size_t count, clipspan_error *err);

/* ---- Parts: what adds up to an embedding ---- */

/* The unit embedding of a picture is a sum of what the parts of the image tower wrote to the class
 * token, each brought through the last LayerNorm and the projection with its share of their
 * constants, exactly as published (Gandelsman, Efros, Steinhardt, ICLR 2024; the equations are in
 * docs/math.md):
 *
 *     embedding = sum of [L, H] attention heads + [L + 1] MLP terms
 *
 * MLP term 0 is the class token as it enters the first layer, term l + 1 the MLP of layer l. A head
 * is in turn a sum over the N tokens that it reads. A clipspan_parts holds the newest pictures'
 * parts in K + 3 numbers a head; nothing P-wide is formed that nobody asks for. Used by one thread
 * at a time. */
typedef struct clipspan_parts clipspan_parts;

#define CLIPSPAN_PARTS_MOST 32 /* pictures at a time */

typedef struct clipspan_parts_options {
    size_t struct_size;
    int tokens; /* 1: keep attention and values of the newest picture for
                   clipspan_parts_run_tokens; one picture at a time then */
} clipspan_parts_options;
#define CLIPSPAN_PARTS_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_parts_options), 0                                                          \
    }

/* encoder: an image encoder, which must outlive the parts and runs their passes; its option `raw`
 * is not looked at. The first call for a model and precision computes what weights alone say about
 * each head, L H (K + 3) P float32 numbers that stay with the model. options may be NULL. Errors:
 * ARGUMENT (a text encoder), IO, FORMAT (the model's file changed), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_parts_new(clipspan_parts **out, clipspan_encoder *encoder,
                                                const clipspan_parts_options *options,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_parts_free(clipspan_parts **parts);

/* Takes pictures apart; `count` is 1 to CLIPSPAN_PARTS_MOST (1 with `tokens`). As
 * clipspan_encoder_run_pixels and _run_files; a picture that cannot be used keeps its number, and
 * all its parts are zero. What an earlier call left is gone. */
CLIPSPAN_API clipspan_status clipspan_parts_run_pixels(clipspan_parts *parts, const uint8_t *pixels,
                                                       size_t count, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_parts_run_files(clipspan_parts *parts, clipspan_error *errors,
                                                      const char *const *paths, size_t count,
                                                      clipspan_error *err);

/* Of the last run: how many pictures, and their unit embeddings [B, P], the same bytes as the
 * encoder gives. They live until the next run. */
CLIPSPAN_API size_t clipspan_parts_get_count(const clipspan_parts *parts);
CLIPSPAN_API const float *clipspan_parts_get_embeddings(const clipspan_parts *parts);

/* Terms of one picture.   heads : [L, H, P]   layers : [L, P] attention, all heads
 * mlps : [L + 1, P]   class_part : [L, P] what attention took from the class token itself
 * Caller's; any may be NULL. Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_parts_run_terms(float *heads, float *layers, float *mlps,
                                                      float *class_part,
                                                      const clipspan_parts *parts, size_t picture,
                                                      clipspan_error *err);

/* One head by token, of the only picture:   tokens : [N, P], the class token first, then patches
 * row by row. Errors: ARGUMENT, also without the option `tokens`. */
CLIPSPAN_API clipspan_status clipspan_parts_run_tokens(float *tokens, const clipspan_parts *parts,
                                                       int layer, int head, clipspan_error *err);

/* The identity, checked: *off is the largest absolute difference, over the P numbers, between the
 * sum of all heads and MLP terms of a picture and its embedding. At most 1e-5. */
CLIPSPAN_API clipspan_status clipspan_parts_run_check(double *off, const clipspan_parts *parts,
                                                      size_t picture, clipspan_error *err);

/* ---- Statistics of parts ---- */

/* What many pictures have in common, exactly and in float64: for every head count, mean and
 * co-moments of its code, from which means, variances along any text and TEXTSPAN follow. Size does
 * not depend on the number of pictures (B/16: 2.9 MB, and the logarithm of their number times that
 * while they are added). One writer at a time. */
typedef struct clipspan_stats clipspan_stats;

/* For parts of this encoder's model and precision. The model must outlive the statistics. Errors:
 * as clipspan_parts_new. */
CLIPSPAN_API clipspan_status clipspan_stats_new(clipspan_stats **out, clipspan_encoder *encoder,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_stats_free(clipspan_stats **stats);

/* Adds the pictures of the last run of `parts`, without those that could not be used. Calls merge
 * along a binary tree, so the same calls in the same order give the same bytes for any number of
 * threads. Errors: ARGUMENT (parts of another model or precision), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_stats_add(clipspan_stats *stats, const clipspan_parts *parts,
                                                clipspan_error *err);

/* Adds all pictures of `other`, which stays as it is. Errors: as above. */
CLIPSPAN_API clipspan_status clipspan_stats_merge(clipspan_stats *stats,
                                                  const clipspan_stats *other, clipspan_error *err);

CLIPSPAN_API uint64_t clipspan_stats_get_count(const clipspan_stats *stats); /* pictures */

/* How much of what varies over the pictures a term accounts for.
 *   share    = tr Cov(term, embedding) / tr Var(embedding): adds up to 1 over heads and MLP terms,
 *              and over layers and MLP terms; below zero where a term works against the rest
 *   variance = tr Var(term) / tr Var(embedding): does not add up
 * Both are 0 for fewer than two pictures or where nothing varies. */
typedef struct clipspan_strength {
    double share, variance;
} clipspan_strength;

/* heads : [L, H]   layers : [L]   mlps : [L + 1]   class_part : [L]   any may be NULL. */
CLIPSPAN_API clipspan_status clipspan_stats_run_strengths(
    clipspan_strength *heads, clipspan_strength *layers, clipspan_strength *mlps,
    clipspan_strength *class_part, const clipspan_stats *stats, clipspan_error *err);

/* Mean terms: shapes as clipspan_parts_run_terms; embedding : [P]. Any may be NULL. */
CLIPSPAN_API clipspan_status clipspan_stats_run_means(float *heads, float *layers, float *mlps,
                                                      float *class_part, float *embedding,
                                                      const clipspan_stats *stats,
                                                      clipspan_error *err);

/* Along a direction of the joint space, such as a text: mean and variance (divided by count - 1) of
 * every head's contribution.   direction : [P]   mean, variance : [L, H], either may be NULL */
CLIPSPAN_API clipspan_status clipspan_stats_run_direction(double *mean, double *variance,
                                                          const clipspan_stats *stats,
                                                          const float *direction,
                                                          clipspan_error *err);

/* ---- Banks: named unit vectors ---- */

typedef struct clipspan_bank clipspan_bank;

/* Zero-shot classifier, as published: every class name in every template ("a photo of a {}."), each
 * embedded and normalised, averaged over templates, normalised again. A template without "{}" is an
 * ARGUMENT error. progress counts texts. encoder: a text encoder. The names of the bank are the
 * class texts, its keys their keys. */
CLIPSPAN_API clipspan_status clipspan_bank_new_classes(
    clipspan_bank **out, clipspan_encoder *encoder, const clipspan_texts *classes,
    const clipspan_texts *templates, const clipspan_progress *progress, clipspan_error *err);
/* A bank of vectors that are there already: vectors : [texts' count, P], copied; the names are the
 * texts, the keys their keys. Errors: NUMBERS (a vector that is not finite), ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_bank_new_vectors(clipspan_bank **out,
                                                       const clipspan_texts *texts,
                                                       const float *vectors, size_t width,
                                                       clipspan_error *err);

/* A classifier as the published programs keep it: float32 .npy [P, classes], a class a column.
 * write: Errors: EXISTS unless `replace`, WRITE, NOMEM. read: names are those of `classes`, in the
 * order of the columns; columns that are no unit vectors are taken as they are. Errors: FORMAT
 * (not of that type and shape), NUMBERS, NOT_FOUND, IO, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_bank_write(const char *path, const clipspan_bank *bank,
                                                 int replace, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_bank_read(clipspan_bank **out, const char *path,
                                                const clipspan_texts *classes, clipspan_error *err);
CLIPSPAN_API void clipspan_bank_free(clipspan_bank **bank);
CLIPSPAN_API size_t clipspan_bank_get_count(const clipspan_bank *bank);
CLIPSPAN_API size_t clipspan_bank_get_width(const clipspan_bank *bank);
CLIPSPAN_API const char *clipspan_bank_get_name(const clipspan_bank *bank, size_t index);
CLIPSPAN_API const char *clipspan_bank_get_key(const clipspan_bank *bank, size_t index);
CLIPSPAN_API const float *clipspan_bank_get_vectors(const clipspan_bank *bank); /* [count, P] */

/* Cosine of every embedding with every vector.
 *   scores : [B, bank's count]   embeddings : [B, P], unit vectors; `count` is B */
CLIPSPAN_API clipspan_status clipspan_bank_run_scores(float *scores, const clipspan_bank *bank,
                                                      const float *embeddings, size_t count,
                                                      clipspan_error *err);

/* ---- Maps: where in the picture, and through which heads ---- */

/* Scores of every token (the class token first, then patches row by row) with every text of a bank,
 * gathered while pictures pass:
 *
 *     score[t,j] = sum over heads (l,h) of  c[l,h,j] . t       c[l,h,j] : clipspan_parts_run_tokens
 *
 * In units of the similarity with the text: over all tokens and heads they add up to its attention
 * part, and with the MLP terms to the similarity itself. They can be negative: a patch that speaks
 * against the text. Cost: K multiply-adds a head, token and text. Beside them, to compare, what is
 * often shown instead (docs/math.md). Used by one thread at a time. */
typedef struct clipspan_maps clipspan_maps;

/* Flags. */
typedef enum clipspan_map_kind {
    CLIPSPAN_MAP_HEADS = 1,     /* [T, N] the above; always there */
    CLIPSPAN_MAP_ATTENTION = 2, /* [N] attention of the class token, mean over heads, one layer */
    CLIPSPAN_MAP_ROLLOUT = 4,   /* [N] attention rollout from the class token; L N^2 numbers */
    CLIPSPAN_MAP_PATCHES = 8,   /* [T, N] cosine of each token's own final embedding */
    CLIPSPAN_MAP_VALUES = 16,   /* [T, N] cosine of the last layer's value of each token */
    CLIPSPAN_MAP_MLPS = 32      /* [T, L + 1] no map: what the MLP terms of clipspan_parts_run_terms
                                   add to the similarity */
} clipspan_map_kind;

typedef struct clipspan_maps_options {
    size_t struct_size;
    const clipspan_head *heads; /* [head_count] whose scores are summed; NULL: all */
    size_t head_count;
    int each;           /* 1: keep each head's own map as well: L H T N numbers a picture */
    unsigned kinds;     /* clipspan_map_kind, those beside CLIPSPAN_MAP_HEADS */
    int back;           /* layer of CLIPSPAN_MAP_ATTENTION, counted from the last, which is 0 */
    int pictures;       /* most of a run, 0: 1; CLIPSPAN_PARTS_MOST at most */
    const int *groups;  /* [head_count], or [L H] without heads: number from 0 of the group that a
                          head is in, whose heads' scores are also summed apart; -1: none. NULL: no
                          groups */
    size_t group_count; /* CLIPSPAN_GROUPS_MOST at most */
} clipspan_maps_options;
#define CLIPSPAN_GROUPS_MOST 64
#define CLIPSPAN_MAPS_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(clipspan_maps_options), NULL, 0, 0, 0, 0, 0, NULL, 0                                \
    }

/* encoder: an image encoder, which must outlive the maps and runs their passes. bank: the texts,
 * copied. options may be NULL. Errors: ARGUMENT (a text encoder, a bank of another width, no such
 * head or layer), NOMEM, and as clipspan_parts_new. */
CLIPSPAN_API clipspan_status clipspan_maps_new(clipspan_maps **out, clipspan_encoder *encoder,
                                               const clipspan_bank *bank,
                                               const clipspan_maps_options *options,
                                               clipspan_error *err);
CLIPSPAN_API void clipspan_maps_free(clipspan_maps **maps);

/* As clipspan_parts_run_pixels and _run_files, for up to the options' `pictures`. A picture's maps
 * do not depend on the others. */
CLIPSPAN_API clipspan_status clipspan_maps_run_pixels(clipspan_maps *maps, const uint8_t *pixels,
                                                      size_t count, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_maps_run_files(clipspan_maps *maps, clipspan_error *errors,
                                                     const char *const *paths, size_t count,
                                                     clipspan_error *err);

/* Of the last run, until the next: unit embeddings [B, P], and the maps of one kind of a picture,
 * shaped as at clipspan_map_kind. NULL for a kind that was not asked for, or no such picture. Zeros
 * for a picture that could not be used. */
CLIPSPAN_API const float *clipspan_maps_get_embeddings(const clipspan_maps *maps);
CLIPSPAN_API const float *clipspan_maps_get(const clipspan_maps *maps, size_t picture,
                                            clipspan_map_kind kind);

/* The map of one group of heads, [T, N], as it would be with these heads alone; NULL for a group
 * that there is not. */
CLIPSPAN_API const float *clipspan_maps_get_group(const clipspan_maps *maps, size_t picture,
                                                  size_t group);

/* The map of one head, [T, N]: NULL without the option `each`, or for a head that is not among the
 * options' heads. */
CLIPSPAN_API const float *clipspan_maps_get_head(const clipspan_maps *maps, size_t picture,
                                                 int layer, int head);

/* ---- Explanations: one picture, several texts, every part of the model ---- */

/* What a picture's similarities with texts are made of. With c the terms of clipspan_parts and
 * clipspan_maps, each of them . t:
 *
 *     similarity[t] = sum over layers and heads of head[t,l,h] + sum of the L + 1 mlp[t,l]
 *     head[t,l,h]   = sum over tokens of map[t,l,h,j]
 *
 * exactly: the parts of every text add up within 1e-5 (`off` is by how much they do not; in bf16,
 * where tokens are rounded once more, up to 1e-2). It is the direct effect of each part: what later
 * layers make of what it writes is theirs. With a contrast, the same of a difference of
 * similarities, `value`.
 */
typedef struct clipspan_explanation clipspan_explanation;

typedef enum clipspan_contrast {
    CLIPSPAN_CONTRAST_NONE = 0, /* the similarity itself */
    CLIPSPAN_CONTRAST_MEAN = 1, /* minus the mean over all texts */
    CLIPSPAN_CONTRAST_RIVAL = 2 /* minus the other text that the picture is most similar to */
} clipspan_contrast;

/* T texts, L layers of H heads, N tokens: the class token, then patches row by row. */
typedef struct clipspan_explanation_info {
    int layers, heads, grid_height, grid_width;
    size_t texts, tokens;
    clipspan_contrast contrast;
    double off;               /* largest |sum of a text's parts - its value| */
    const char *const *names; /* [T] the texts */
    const size_t *order;      /* [T] texts by similarity, the highest first */
    const double *similarity; /* [T] cosine with the picture's embedding */
    const double *value;      /* [T] what the parts add up to: the similarity after contrast */
    const double *attention;  /* [T, L] all heads of a layer */
    const double *class_part; /* [T, L] what of it they take from the class token itself */
    const double *mlp;        /* [T, L + 1] the class token's input, then the layers' MLPs */
    const double *head;       /* [T, L, H] */
    const double *token;      /* [T, N] all heads of all layers together */
    const float *map;         /* [T, L, H, N] */
} clipspan_explanation_info;

/* Of picture `picture` of the last run of maps that have all heads, the option `each` and
 * CLIPSPAN_MAP_MLPS. bank: the one that they were made with. Nothing is borrowed. Errors: ARGUMENT
 * (other maps; a contrast of one text), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_explanation_new(clipspan_explanation **out,
                                                      const clipspan_maps *maps, size_t picture,
                                                      const clipspan_bank *bank,
                                                      clipspan_contrast contrast,
                                                      clipspan_error *err);
CLIPSPAN_API void clipspan_explanation_free(clipspan_explanation **explanation);
CLIPSPAN_API const clipspan_explanation_info *
clipspan_explanation_get_info(const clipspan_explanation *explanation);

/* ---- Views and sheets: maps drawn on pictures ---- */

typedef enum clipspan_drawing {
    CLIPSPAN_DRAW_PICTURE = 0, /* as it is */
    CLIPSPAN_DRAW_MAP = 1,     /* colours alone */
    CLIPSPAN_DRAW_OVERLAY = 2  /* colours over the picture in grey */
} clipspan_drawing;

/* A picture as people see it, at a size for a screen, with the way from its pixels to the tower's:
 * maps are drawn where they belong, crop and aspect undone, and what the tower does not see has
 * slanting lines. Immutable, shared freely between threads. */
typedef struct clipspan_view clipspan_view;

typedef struct clipspan_view_info {
    int picture_height, picture_width;
    int height, width; /* shown */
    double window[4]; /* left, top, right, bottom of what the tower sees, in the picture's pixels */
} clipspan_view_info;

/* edge: pixels of the longer side at most, 1 to 4096; 0: 1024. A picture smaller than 256 is
 * enlarged. -1: the picture's own size. options may be NULL. Errors: as
 * clipspan_pixels_read, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_view_new(clipspan_view **out, const clipspan_model *model,
                                               const char *path, int edge,
                                               const clipspan_picture_options *options,
                                               clipspan_error *err);
CLIPSPAN_API void clipspan_view_free(clipspan_view **view);
CLIPSPAN_API const clipspan_view_info *clipspan_view_get_info(const clipspan_view *view);

/* rgb : [height, width, 3] of the view, caller's   map : [grid_height, grid_width] of the model,
 * bilinear between the patches' centres; NULL with CLIPSPAN_DRAW_PICTURE
 * limit: the value that has the last colour, above 0. is_signed: blue for -limit, grey or none for
 * 0, orange for limit; otherwise dark blue for 0 to yellow for limit. Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_view_run_draw(uint8_t *rgb, const clipspan_view *view,
                                                    const float *map, clipspan_drawing drawing,
                                                    double limit, int is_signed,
                                                    clipspan_error *err);

/* Windows over a picture that is larger than what the tower sees, so that small things are seen as
 * well: each is a window of the tower's shape at the picture's own resolution (or a chosen one),
 * overlaps the next by half at least, and is mapped by itself; the maps are blended into one on a
 * grid of patches over the whole picture:
 *
 *     map[x] = sum over windows i of  w_i[x] part_i[x]       sum over i of w_i[x] = 1
 *
 * with w_i highest in the middle of window i (a squared sine), so that no edge shows. What a
 * blended map means: each patch's number is in the units of one window's similarity with the text,
 * not scaled by anything of that window, and comparable over the picture; the model has seen each
 * window alone, never the whole, and only the map of one window adds up to a similarity. A picture
 * that is no larger than a window in either direction has one, which is what the tower sees of any
 * picture. Used by one thread at a time. */
typedef struct clipspan_tiles clipspan_tiles;

typedef struct clipspan_tiles_options {
    size_t struct_size;
    int size; /* pixels of the picture along a window's shorter side; 0: as many as the tower has.
                 A window is never longer than the picture, so that its pixels may be enlarged */
    int most; /* windows, 65,536 at most; 0: 4,096 */
    clipspan_picture_options picture;
} clipspan_tiles_options;
#define CLIPSPAN_TILES_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_tiles_options), 0, 0, CLIPSPAN_PICTURE_OPTIONS_INIT                        \
    }

typedef struct clipspan_tiles_info {
    int picture_height, picture_width;
    int whole; /* 1: one window, the picture as without tiles */
    size_t count;
    int rows, columns;           /* of windows */
    int grid_height, grid_width; /* patches of the blended maps */
    double height, width;        /* of a window, in the picture's pixels, when it is not whole */
} clipspan_tiles_info;

/* Decodes the picture and keeps it. model must outlive the tiles; options may be NULL. Errors:
 * LIMIT (more windows than allowed), ARGUMENT, and as clipspan_pixels_read. */
CLIPSPAN_API clipspan_status clipspan_tiles_new(clipspan_tiles **out, const clipspan_model *model,
                                                const char *path,
                                                const clipspan_tiles_options *options,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_tiles_free(clipspan_tiles **tiles);
CLIPSPAN_API const clipspan_tiles_info *clipspan_tiles_get_info(const clipspan_tiles *tiles);

/* What the tower sees in windows first to first + count - 1, row by row: pixels : [count,
 * image_height, image_width, 3], for clipspan_maps_run_pixels. Errors: ARGUMENT, NOMEM, of a whole
 * picture as clipspan_pixels_read. */
CLIPSPAN_API clipspan_status clipspan_tiles_run_pixels(uint8_t *pixels, clipspan_tiles *tiles,
                                                       size_t first, size_t count,
                                                       clipspan_error *err);

/* Adds w_i part to a map that starts as zeros.
 *   map : [grid_height, grid_width] of the tiles   part : the same of the model, of window `index`
 * Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_tiles_add(float *map, const clipspan_tiles *tiles,
                                                size_t index, const float *part,
                                                clipspan_error *err);

/* As clipspan_view_new, for maps of the tiles' grid. It does not need the tiles any more. */
CLIPSPAN_API clipspan_status clipspan_tiles_new_view(clipspan_view **out, clipspan_tiles *tiles,
                                                     int edge, clipspan_error *err);

/* A map at the pixels of the tower: out : [image_height, image_width]   map : as above
 * Bilinear, half-pixel centres, as published. */
CLIPSPAN_API clipspan_status clipspan_map_run_pixels(float *out, const clipspan_model *model,
                                                     const float *map, clipspan_error *err);

/* Rows and columns of pictures with labels, scale bars below, as one PNG or SVG. */
typedef struct clipspan_sheet clipspan_sheet;

/* Errors: LIMIT (over 65,536 pixels a side or 256 million in all), NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_sheet_new(clipspan_sheet **out, size_t rows, size_t columns,
                                                int cell_height, int cell_width, size_t bars,
                                                clipspan_error *err);
CLIPSPAN_API void clipspan_sheet_free(clipspan_sheet **sheet);

/* Texts are cut to their room; letters that are not ASCII are boxes in a PNG. Numbers out of range
 * do nothing. rgb : [height, width, 3], may be NULL; larger ones than the cell are made to fit.
 * note: small, below text; both may be NULL. */
CLIPSPAN_API void clipspan_sheet_set_title(clipspan_sheet *sheet, const char *text);
CLIPSPAN_API void clipspan_sheet_set_column(clipspan_sheet *sheet, size_t column, const char *text);
CLIPSPAN_API void clipspan_sheet_set_cell(clipspan_sheet *sheet, size_t row, size_t column,
                                          const uint8_t *rgb, int height, int width,
                                          const char *text, const char *note);
CLIPSPAN_API void clipspan_sheet_set_bar(clipspan_sheet *sheet, size_t bar, const char *text,
                                         double limit, int is_signed);

/* A path that ends in .svg gets an SVG, whose texts are texts and whose pictures are JPEG; any
 * other a PNG. Errors: as clipspan_png_write. */
CLIPSPAN_API clipspan_status clipspan_sheet_write(const clipspan_sheet *sheet, const char *path,
                                                  int replace, clipspan_error *err);

/* ---- Segmentation: masks from maps, and how good they are ---- */

typedef enum clipspan_threshold {
    CLIPSPAN_THRESHOLD_MEAN = 0, /* of the scaled map, as published */
    CLIPSPAN_THRESHOLD_OTSU = 1  /* Otsu's, of 256 bins */
} clipspan_threshold;

/* How a mask gets to the tower's pixels. */
typedef enum clipspan_protocol {
    CLIPSPAN_ALIGNED = 0,  /* resized and cropped as the picture is */
    CLIPSPAN_PUBLISHED = 1 /* stretched whole, whatever the picture goes through: the published
                              program's figures are of masks that do not lie where they should */
} clipspan_protocol;

/* values : [image_height, image_width] of the model, caller's: of a palette its places, of a grey
 * PNG its levels, nearest pixels. picture: the picture that it belongs to, whose size it must have;
 * NULL: not looked at. options may be NULL. Errors: SHAPE (another size), UNSUPPORTED (in colours),
 * and as clipspan_pixels_read. */
CLIPSPAN_API clipspan_status clipspan_mask_read(uint16_t *values, const clipspan_model *model,
                                                const char *path, const char *picture,
                                                clipspan_protocol protocol,
                                                const clipspan_picture_options *options,
                                                clipspan_error *err);

/* Writes a grey PNG of 8 bits: values : [height, width]. Errors: as clipspan_png_write. */
CLIPSPAN_API clipspan_status clipspan_mask_write(const char *path, const uint8_t *values,
                                                 int height, int width, int replace,
                                                 clipspan_error *err);

/* Counts over pictures; all zeros before the first. both, either: pixels of background and
 * foreground in intersection and union of what is and what was said. */
typedef struct clipspan_segment_score {
    uint64_t pictures, pixels, correct, both[2], either[2];
    double precision; /* average precisions of the pictures, added up */
} clipspan_segment_score;

/* Scores one map, at the tower's pixels (clipspan_map_run_pixels) or any others.
 *   map, truth : [count]; truth not 0 is foreground
 *   clip: 1: what is below zero counts as zero, as published for scores of texts
 * The map is scaled to 0 ... 1 (a flat one is 0 everywhere); foreground is what lies above the
 * threshold. Adds to *score; mask : [count], 0 or 1, may be NULL. Errors: NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_segment_add(clipspan_segment_score *score, uint8_t *mask,
                                                  const float *map, const uint8_t *truth,
                                                  size_t count, int clip,
                                                  clipspan_threshold threshold,
                                                  clipspan_error *err);

/* The published figures, from 0 to 1; 0 without pictures. Any may be NULL.
 *   accuracy   right pixels over all pixels of all pictures
 *   miou       mean of the two intersections over unions of all pictures
 *   map        mean over pictures of the average precision of background and foreground together,
 *              equal scores taken in one step */
CLIPSPAN_API void clipspan_segment_get(double *accuracy, double *miou, double *map,
                                       const clipspan_segment_score *score);

/* The same cut for another raster of the map: what is above *cut is foreground. */
CLIPSPAN_API clipspan_status clipspan_segment_run_cut(float *cut, const float *map, size_t count,
                                                      int clip, clipspan_threshold threshold,
                                                      clipspan_error *err);

/* A map at the pixels of a view: out : [height, width] of it, NaN where the tower sees nothing. */
CLIPSPAN_API clipspan_status clipspan_view_run_map(float *out, const clipspan_view *view,
                                                   const float *map, clipspan_error *err);

/* ---- TEXTSPAN: the texts that span what a head writes ---- */

/* Of a pool of texts, the one along which a head's output varies most over the pictures, then of
 * what that leaves the next one, and so on: exactly the published algorithm (Gandelsman, Efros,
 * Steinhardt, ICLR 2024), from statistics alone. In the span of the eigenvectors of the output's
 * second moment with the largest eigenvalues (`rank` of them):
 *
 *     pick the text t with the largest variance of c . t, the first of equal ones; take its part,
 *     (c . t) t / |t|^2, from the output, and (t' . t) t / |t|^2 from every text t'
 */

#define CLIPSPAN_RIVALS 3

/* Another text that could have been picked: its variance over the winner's, 0 to 1. */
typedef struct clipspan_rival {
    size_t text;
    double ratio;
} clipspan_rival;

/* One pick of a head. Texts are numbered from 0 in the pool's order. */
typedef struct clipspan_pick {
    size_t text;
    double share;    /* of the head's variance that leaves with this pick, 0 to 1; shares of a head
                        add up to at most 1 */
    double variance; /* of the head's output along the text as it stood at this pick: what was
                        largest */
    int rivals, synonyms; /* how many of these follow, 0 to CLIPSPAN_RIVALS, next best first */
    clipspan_rival rival[CLIPSPAN_RIVALS];
    clipspan_rival synonym[CLIPSPAN_RIVALS]; /* the same thing in other words: cosine to the winner
                                                above 0.9 in what the earlier picks left of both */
    double same_place, any_place; /* stability, 0 to 1: in how many resamples of the blocks the text
                                     is picked at this place, and at any; -1 when not tested */
} clipspan_pick;

typedef enum clipspan_role_kind {
    CLIPSPAN_ROLE_NONE = 0,  /* no clear role */
    CLIPSPAN_ROLE_MIXED = 1, /* two categories are stronger than chance, and neither is claimed */
    CLIPSPAN_ROLE_CLEAR = 2
} clipspan_role_kind;

/* What a head is about, by the categories of its first picks, and how far to trust it. The strength
 * of a category is the sum of its picks' shares. A role is clear when
 *   (a) its strength is at least CLIPSPAN_ROLE_LEAD times the runner-up's, and
 *   (b) above `bound`: what the largest strength of any category stays below in 95 of 100
 *       relabellings of the pool's texts, and
 *   (c) the category's top pick comes back, at any place, in at least half of the resamples. */
typedef struct clipspan_role {
    clipspan_role_kind kind;
    int entering; /* picks that entered: five, K / 6 (at least two) where K is below 32 */
    const char *category[2]; /* the strongest and the runner-up, NULL when there is none */
    double strength[2];      /* theirs, 0 to 1 */
    double bound;
    double purity;           /* strength of the first over that of all, 0 to 1 */
    double stability;        /* any_place of the first's top pick; -1 when not tested */
    double category_returns; /* in how many resamples the first is the strongest again; -1 */
    int untested; /* 1: (a) and (b) hold, and (c) could not be tested: fewer than 16 blocks */
    double named; /* share of the head's variance that the picks which entered explain together */
    double
        null_named; /* the same of as many picks from a pool without sense; -1 when there is none.
                          A name is worth something when `named` is above it */
} clipspan_role;
#define CLIPSPAN_ROLE_LEAD 1.5

/* TEXTSPAN of one head. Immutable, shared freely between threads. */
typedef struct clipspan_span clipspan_span;

typedef struct clipspan_span_options {
    size_t struct_size;
    int picks;     /* texts a head, 0: 20; a head gives fewer when nothing is left of it */
    int rank;      /* directions kept, 0: all that hold data. Never more than that: eigenvalues
                      above 1e-12 of the largest, and at most the number of pictures. The published
                      program keeps 80, and with them rounding noise */
    int threads;   /* 0: clipspan_default_threads(); at most 256 */
    int resamples; /* of the blocks, for stability; 0: 200, -1: none */
    uint64_t seed; /* of the resamples and of a role's relabellings */
    const clipspan_stats *const *blocks; /* [block_count] statistics of parts of the pictures, which
                                            together are all of them; with fewer than 16 there is
                                            no stability */
    size_t block_count;
} clipspan_span_options;
#define CLIPSPAN_SPAN_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(clipspan_span_options), 0, 0, 0, 0, 0, NULL, 0                                      \
    }

/* TEXTSPAN of `count` heads, out : [count]. bank: the pool; its vectors are as long as they are.
 * options may be NULL; progress, which counts heads, too. Memory beside the result: a few numbers a
 * text and direction and thread, and the blocks' statistics of these heads. The same bytes for any
 * number of threads. Errors: ARGUMENT (no such head, a bank of another width, blocks of another
 * model), NUMBERS, NOMEM, INTERRUPTED; then all of out is NULL. */
CLIPSPAN_API clipspan_status clipspan_span_new(clipspan_span **out, const clipspan_stats *stats,
                                               const clipspan_head *heads, size_t count,
                                               const clipspan_bank *bank,
                                               const clipspan_span_options *options,
                                               const clipspan_progress *progress,
                                               clipspan_error *err);
CLIPSPAN_API void clipspan_span_free(clipspan_span **span);

typedef struct clipspan_span_info {
    clipspan_head head;
    uint64_t pictures;
    int head_width, embed_width; /* K, P */
    size_t texts;                /* in the pool */
    int picks, rank;             /* that came out */
    double variance;             /* of the head's output, all directions together */
    int resamples;               /* 0: no stability */
    uint64_t seed;
} clipspan_span_info;

/* These live as long as the span. picks : [picks]
 * directions : [picks, P], orthonormal. With them a contribution is about
 *              mean + sum over picks of ((c - mean) . direction) direction
 * readers : [picks, K + 3], for codes: (code - mean code) . reader = (c - mean) . direction */
CLIPSPAN_API const clipspan_span_info *clipspan_span_get_info(const clipspan_span *span);
CLIPSPAN_API const clipspan_pick *clipspan_span_get_picks(const clipspan_span *span);
CLIPSPAN_API const float *clipspan_span_get_directions(const clipspan_span *span);
CLIPSPAN_API const double *clipspan_span_get_readers(const clipspan_span *span);

/* The head's role. bank: that of the span, its keys are the categories ("!" before one that is not
 * of objects is left out); without keys there is no role. The names live as long as the bank.
 * null_span: the same head with a pool without sense, or NULL. Errors: ARGUMENT (another bank),
 * NOMEM. */
CLIPSPAN_API clipspan_status clipspan_span_run_role(clipspan_role *out, const clipspan_span *span,
                                                    const clipspan_bank *bank,
                                                    const clipspan_span *null_span,
                                                    clipspan_error *err);

/* ---- Inputs: lists of pictures ---- */

typedef struct clipspan_inputs clipspan_inputs;

typedef struct clipspan_inputs_options {
    size_t struct_size;
    const char *root; /* relative paths of a CSV or list start here; NULL: the CSV's folder, the
                         current folder */
    const char *path_column; /* NULL: "path", "image" or "file" */
    const char *labels; /* "folder": the name of the folder a picture lies in; else a CSV column;
                           NULL: no labels */
    const char *groups; /* CSV columns joined by commas, their product is the group; NULL: no
                           groups */
} clipspan_inputs_options;
#define CLIPSPAN_INPUTS_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(clipspan_inputs_options), NULL, NULL, NULL, NULL                                    \
    }

/* Lists pictures. A source is a picture file, a folder (all pictures below it, sorted by path,
 * hidden ones left out), a .csv or .tsv file with a header, "-" (paths on standard input, one a
 * line) or "-0" (the same, NUL-separated). Pictures are not opened. Folders that are links are not
 * entered twice; a folder inside that cannot be read stays in the list under its own name, so that
 * it is counted as skipped. Duplicates are kept. Errors: NOT_FOUND, IO, FORMAT (with the line),
 * ARGUMENT (unknown column, with the ones there are), LIMIT, NOMEM; an empty list is a NOT_FOUND
 * error. */
CLIPSPAN_API clipspan_status clipspan_inputs_open(clipspan_inputs **out, const char *const *sources,
                                                  size_t count,
                                                  const clipspan_inputs_options *options,
                                                  clipspan_error *err);
CLIPSPAN_API void clipspan_inputs_close(clipspan_inputs **inputs);
CLIPSPAN_API size_t clipspan_inputs_get_count(const clipspan_inputs *inputs);
CLIPSPAN_API const char *const *
clipspan_inputs_get_paths(const clipspan_inputs *inputs); /* [count] */
CLIPSPAN_API const char *clipspan_inputs_get_label(const clipspan_inputs *inputs,
                                                   size_t index); /* "" without */
CLIPSPAN_API const char *clipspan_inputs_get_group(const clipspan_inputs *inputs,
                                                   size_t index); /* "" without */
CLIPSPAN_API size_t
clipspan_inputs_get_duplicates(const clipspan_inputs *inputs); /* paths named before */

/* ---- Runs: what a set of pictures leaves behind ---- */

/* A run is a folder that holds everything learned from a list of pictures with one model: the list
 * itself, exact statistics of every head, and, unless codes are not kept, k + 3 numbers a picture
 * and head from which every term of its decomposition follows (docs/run-format.md). It is planned,
 * scanned (in one go or in shares, on any machines that see the folder), and merged. Whoever reads
 * it never needs the pictures again, unless for pixels.
 *
 * The same model, precision, CPU level and list give the same bytes of all arrays and the same rows
 * of the index, whatever the threads, shares, interruptions and order of arrival. */
typedef struct clipspan_run clipspan_run;

typedef enum clipspan_codes {
    CLIPSPAN_CODES_F32 = 0,
    CLIPSPAN_CODES_F16 = 1, /* heads, MLP terms and class part rounded to half precision: within
                               2^-11 of each number, or 3e-8 where that is more */
    CLIPSPAN_CODES_NONE = 2
} clipspan_codes;

typedef struct clipspan_plan_options {
    size_t struct_size;
    clipspan_codes codes;             /* default: float32 */
    clipspan_precision precision;     /* default: float32 */
    clipspan_picture_options picture; /* max_pixels 0: resolved here, so that all shares agree */
    int replace;                      /* throw away a run that is there already */
} clipspan_plan_options;
#define CLIPSPAN_PLAN_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(clipspan_plan_options), CLIPSPAN_CODES_F32, CLIPSPAN_F32,                           \
            CLIPSPAN_PICTURE_OPTIONS_INIT, 0                                                       \
    }

/* Makes the folder `path` and its index: fixes the order of the pictures, the chunks, and what the
 * model is (SHA-256 of its weights, configuration, preprocessing). Pictures are looked at, not
 * opened. When the same plan is there already nothing changes, and *found, which may be NULL, is 1.
 * progress counts bytes of weights. Errors: EXISTS (another plan, with the first difference and
 * both values; or a folder that is no run and not empty), WRITE, IO, INTERRUPTED, NOMEM,
 * ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_run_plan(int *found, const char *path, clipspan_model *model,
                                               const clipspan_inputs *inputs,
                                               const clipspan_plan_options *options,
                                               const clipspan_progress *progress,
                                               clipspan_error *err);

typedef struct clipspan_scan_options {
    size_t struct_size;
    int threads;            /* 0: clipspan_default_threads() */
    uint64_t shard, shards; /* do share `shard`, from 1, of `shards`; 0, 0: everything */
    int verify_sum;         /* check for every picture that its terms add up to its embedding */
    const char *root;       /* where relative paths start; NULL: where they did when planned */
} clipspan_scan_options;
#define CLIPSPAN_SCAN_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(clipspan_scan_options), 0, 0, 0, 0, NULL                                            \
    }

/* What a scan did. Counts are of the chunks that this call worked on. */
typedef struct clipspan_scan_result {
    uint64_t chunks;        /* of the share */
    uint64_t chunks_before; /* of them, done by earlier calls */
    uint64_t pictures, used, skipped;
    double
        residual; /* with verify_sum: the largest difference of a sum of terms from its embedding */
    size_t memory; /* bytes that passes, codes and statistics took, the tower's weights not
                        counted */
} clipspan_scan_result;

/* Runs the pictures of a planned run, or of a share of it, that are not done yet. Each chunk of 32
 * is on disk as soon as it is done; a call that was stopped or killed goes on where it was. A
 * picture that cannot be used is skipped with its reason; changed files (of another size than
 * planned) are too. progress counts pictures; when it asks to stop, the chunks at work are finished
 * first. Errors: FORMAT (another model, CPU level or library than planned, with both values;
 * damaged files of the run), INTERRUPTED (can be called again), NUMBERS (verify_sum: more than
 * 1e-5, or 4e-3 with f16 codes), WRITE (nothing that was done is lost), NOMEM, ARGUMENT, and those
 * of clipspan_encoder_new. */
CLIPSPAN_API clipspan_status clipspan_run_scan(clipspan_scan_result *out, const char *path,
                                               clipspan_model *model,
                                               const clipspan_scan_options *options,
                                               const clipspan_progress *progress,
                                               clipspan_error *err);

/* Adds up what all shares left: statistics of the whole and of its blocks, and the status of every
 * picture. Called again, it changes nothing. progress counts chunks. Errors: NOT_FOUND (chunks that
 * are not done, listed), FORMAT (a part of another run, damaged parts, or no picture that could be
 * used, with the first reason), WRITE, INTERRUPTED, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_run_merge(const char *path, const clipspan_progress *progress,
                                                clipspan_error *err);

typedef struct clipspan_run_info {
    const char *path;
    int format;                                       /* version of docs/run-format.md */
    int merged;                                       /* 0: still to be scanned or merged */
    const char *version;                              /* of the library that planned it */
    const char *model_name, *model_path, *model_hash; /* as opened; found; SHA-256 of the weights */
    const char *cpu_level, *product;
    clipspan_precision precision;
    clipspan_codes codes;
    int layers, heads, head_width, embed_width; /* L, H, K, P of the image tower */
    int tokens, image_height, image_width, patch_size;
    uint64_t pictures, chunks, blocks;
    uint64_t duplicates;    /* pictures whose path was named before */
    uint64_t used, skipped; /* known once merged */
    int has_labels, has_groups;
    const char *folder; /* where relative paths of its pictures start; "" when there are none */
} clipspan_run_info;

/* Opens a run for reading. It may be shared between threads. Errors: NOT_FOUND, FORMAT,
 * UNSUPPORTED (another version of the format), IO, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_run_open(clipspan_run **out, const char *path,
                                               clipspan_error *err);
CLIPSPAN_API void clipspan_run_close(clipspan_run **run);

/* Facts; the pointer lives as long as the run. */
CLIPSPAN_API const clipspan_run_info *clipspan_run_get_info(const clipspan_run *run);

/* Opens the model of a run, from where it was or from `name`, and checks that it is the same: its
 * weights are read once for their SHA-256. progress counts bytes. Errors: FORMAT (another model,
 * with both values), those of clipspan_model_open, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_run_open_model(clipspan_model **out, const clipspan_run *run,
                                                     const char *name,
                                                     const clipspan_progress *progress,
                                                     clipspan_error *err);

/* A picture of a run. Texts live until the callback that gets them returns. */
typedef struct clipspan_run_picture {
    uint64_t place;  /* in the run's order: chunk = place / 32 */
    uint64_t number; /* in the list */
    const char *path, *label, *group;
    int64_t bytes;        /* when planned; -1 when it could not be looked at */
    int64_t duplicate_of; /* number of the first picture with that path, or -1 */
    const char *status;   /* "ok"; "missing", "unreadable", "changed", "unsupported", "damaged",
                           "too large", "not finite"; "planned" before the merge */
    const char *error;    /* why it was skipped, or "" */
} clipspan_run_picture;

/* Calls `each` for the pictures of places [first, first + count) in order; a result other than 0
 * ends the call, which then returns INTERRUPTED. Errors: ARGUMENT beyond the last, FORMAT, IO. */
CLIPSPAN_API clipspan_status clipspan_run_read_pictures(
    const clipspan_run *run, uint64_t first, uint64_t count,
    int (*each)(void *user, const clipspan_run_picture *picture), void *user, clipspan_error *err);

/* Statistics of one head's code y, C = K + 3 numbers a picture, over all used pictures or over
 * block `block` (-1: all):  mean : [C]   covariance : [C, C], divided by count - 1 (zeros for
 * fewer than two pictures). Any may be NULL. Errors: NOT_FOUND before the merge, ARGUMENT, FORMAT,
 * IO, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_run_read_head(double *count, double *mean, double *covariance,
                                                    const clipspan_run *run, int64_t block,
                                                    int layer, int head, clipspan_error *err);

/* A of one head: contribution = y A.  rows : [K + 3, P]. Errors: as above. */
CLIPSPAN_API clipspan_status clipspan_run_read_basis(float *rows, const clipspan_run *run,
                                                     int layer, int head, clipspan_error *err);

/* Codes of one head for the used pictures of one chunk, in order of place.
 *   y : [32, K + 3] and places : [32], caller's; *count of them are filled. Either may be NULL.
 * Errors: NOT_FOUND (codes were not kept, or the chunk is not scanned), ARGUMENT, FORMAT, IO. */
CLIPSPAN_API clipspan_status clipspan_run_read_codes(double *y, uint64_t *places, size_t *count,
                                                     const clipspan_run *run, uint64_t chunk,
                                                     int layer, int head, clipspan_error *err);

/* Means over the used pictures of what heads mixed for the class token, z, from codes: each
 * picture's z is its code over the code's own scale. (Means of codes, which statistics have, weigh
 * pictures by that scale.)   z : [count, K]   heads : [count]. progress counts chunks. Errors:
 * NOT_FOUND (not merged, codes not kept), ARGUMENT, FORMAT, IO, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_run_read_mixed(float *z, const clipspan_run *run,
                                                     const clipspan_head *heads, size_t count,
                                                     const clipspan_progress *progress,
                                                     clipspan_error *err);

/* P-wide vectors of the used pictures of one chunk.  vectors : [32, P]   index: 0 for
 * EMBEDDING; 0 is z0 and l + 1 the MLP of layer l for MLP; the layer for CLASS_PART. */
typedef enum clipspan_vectors {
    CLIPSPAN_VECTORS_EMBEDDING = 0,
    CLIPSPAN_VECTORS_MLP = 1,
    CLIPSPAN_VECTORS_CLASS_PART = 2 /* the class token's own part of a layer's attention */
} clipspan_vectors;
CLIPSPAN_API clipspan_status clipspan_run_read_vectors(float *vectors, uint64_t *places,
                                                       size_t *count, const clipspan_run *run,
                                                       uint64_t chunk, clipspan_vectors kind,
                                                       int index, clipspan_error *err);

/* TEXTSPAN of heads of a merged run, as clipspan_span_new; stability is that of the run's blocks,
 * and those of the options must be none. Reads a few heads at a time. Errors: those, and of reading
 * the run. */
CLIPSPAN_API clipspan_status clipspan_span_new_run(clipspan_span **out, const clipspan_run *run,
                                                   const clipspan_head *heads, size_t count,
                                                   const clipspan_bank *bank,
                                                   const clipspan_span_options *options,
                                                   const clipspan_progress *progress,
                                                   clipspan_error *err);

/* ---- Search: the nearest pictures of a run, by what heads wrote ---- */

typedef enum clipspan_compare {
    CLIPSPAN_COMPARE_COSINE = 0,  /* centred, over both lengths: -1 to 1 */
    CLIPSPAN_COMPARE_CENTRED = 1, /* products of what differs from the mean over the run */
    CLIPSPAN_COMPARE_PLAIN = 2    /* products, as published */
} clipspan_compare;

typedef struct clipspan_search_options {
    size_t struct_size;
    const clipspan_head *heads; /* [head_count] whose contributions are compared; NULL: the whole
                                   unit embedding is */
    size_t head_count;
    clipspan_compare compare;
    int threads; /* 0: clipspan_default_threads() */
} clipspan_search_options;
#define CLIPSPAN_SEARCH_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(clipspan_search_options), NULL, 0, CLIPSPAN_COMPARE_COSINE, 0                       \
    }

/* The codes of some heads of all used pictures of a merged run, in memory: 4 (K + 3) bytes a head
 * and picture. Every question is answered exactly, none of it approximated. Immutable, shared
 * freely between threads. */
typedef struct clipspan_search clipspan_search;

/* Errors: NOT_FOUND (not merged, or the run kept no codes), ARGUMENT (no such head), FORMAT, IO,
 * NOMEM, INTERRUPTED; progress counts chunks. */
CLIPSPAN_API clipspan_status clipspan_search_new(clipspan_search **out, const clipspan_run *run,
                                                 const clipspan_search_options *options,
                                                 const clipspan_progress *progress,
                                                 clipspan_error *err);
CLIPSPAN_API void clipspan_search_free(clipspan_search **search);
CLIPSPAN_API size_t clipspan_search_get_count(const clipspan_search *search); /* pictures */
/* Their places in the run, rising: [count]. */
CLIPSPAN_API const uint64_t *clipspan_search_get_places(const clipspan_search *search);

/* Where relative paths of the run's list start; "" without any. Lives as long as the search. */
CLIPSPAN_API const char *clipspan_search_get_folder(const clipspan_search *search);

/* How near every picture is to a query.
 *   scores : [count]   query : [head_count, P] what each of the heads wrote for another picture
 *   (clipspan_parts_run_terms), for a part of one (clipspan_parts_run_tokens, added up), or a
 *   text's unit vector for each, then is_text is 1 and it is not centred; [P] without heads
 * Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_search_run(double *scores, const clipspan_search *search,
                                                 const float *query, int is_text,
                                                 clipspan_error *err);

/* What each head gives to the score of picture `row`, 0 to count - 1: parts : [head_count] add up
 * to it. Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_search_run_parts(double *parts, const clipspan_search *search,
                                                       size_t row, const float *query, int is_text,
                                                       clipspan_error *err);

/* One picture on a contact sheet. */
typedef struct clipspan_hit {
    double score;
    const char *file;               /* to read it from */
    const char *path, *label, *why; /* shown */
} clipspan_hit;

/* A contact sheet as one self-contained HTML file: hits : [count], the best first; those that
 * cannot be read any more are named only. Errors: EXISTS unless `replace`, WRITE, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_search_write(const char *path, const char *title,
                                                   const char *about, const clipspan_hit *hits,
                                                   size_t count, int replace, clipspan_error *err);

/* ---- Atlases: every head of a run named, with what speaks for it ---- */

/* What a run's heads are about, for one pool of texts: TEXTSPAN of the chosen heads beside the same
 * with a pool without sense, roles, stability, poles, and how much of what varies each part of the
 * model accounts for. It is kept in the run, so that it is computed once. Immutable, shared freely
 * between threads; everything it gives lives as long as it. */
typedef struct clipspan_atlas clipspan_atlas;

#define CLIPSPAN_POLES 4 /* pictures at one end of a pick */

typedef struct clipspan_atlas_options {
    size_t struct_size;
    const char *name; /* what the pool is called in the run and to readers; NULL: "general" */
    const clipspan_texts *texts; /* the pool; NULL: the one that comes with clipspan */
    const clipspan_texts
        *null_texts;            /* texts without sense; NULL: as many as the pool has, of those
                                         that come with clipspan */
    const char *model;          /* where the run's model is now; NULL: where it was */
    clipspan_model *opened;     /* the run's model when it is open already, or NULL */
    int first_layer, layers;    /* whose heads are looked at; layers 0: all from the first on */
    int picks, rank, resamples; /* as clipspan_span_options */
    int threads;
    uint64_t seed;
    int again; /* 1: compute anew what the run has already */
} clipspan_atlas_options;
#define CLIPSPAN_ATLAS_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_atlas_options), NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0       \
    }

/* A text of the pool that some pick names. */
typedef struct clipspan_atlas_text {
    const char *text;
    const char *category; /* "" without; without the "!" that marks what is not of objects */
    int heads;            /* that picked it */
    double best;          /* the largest share that it explains of a head */
    size_t best_head;     /* which: a place among the atlas's heads */
} clipspan_atlas_text;

typedef struct clipspan_atlas_picture {
    uint64_t place, number; /* in the run's order; in the list */
    const char *path;       /* as in the list */
    const char *file;       /* where it was when planned */
    const char *label;      /* "" without */
} clipspan_atlas_picture;

/* A picture at one end of a pick: its centred projection (c - mean) . direction. */
typedef struct clipspan_atlas_pole {
    size_t picture; /* a place among the atlas's pictures */
    double projection;
} clipspan_atlas_pole;

typedef struct clipspan_atlas_pick {
    clipspan_pick pick;    /* its texts, rivals and synonyms are numbers of the atlas's texts */
    double cumulated;      /* share of this and all earlier picks together, 0 to 1 */
    double null_cumulated; /* the same of as many picks of texts without sense */
} clipspan_atlas_pick;

typedef struct clipspan_atlas_head {
    clipspan_head head;
    clipspan_strength strength; /* direct effect, without a text */
    clipspan_role role;         /* categories NULL when the pool has none */
    int removed;     /* 1: the model has lost it (heads_per_layer): it writes nothing at all */
    double variance; /* of the head's output, all directions together */
    int rank, picks;
    const clipspan_atlas_pick *pick; /* [picks] */
    int positives, negatives;        /* 0 where poles are not known: not one of the last four
                                        layers, or a run without codes */
    clipspan_atlas_pole positive[CLIPSPAN_POLES]; /* of the first pick, farthest first */
    clipspan_atlas_pole negative[CLIPSPAN_POLES];
} clipspan_atlas_head;

/* Direct effect of a layer. `named`: share of the variance of its heads, all together, that their
 * picks explain; null_named: the same with texts without sense; both -1 where the layer's heads
 * were not looked at. */
typedef struct clipspan_atlas_layer {
    clipspan_strength attention, class_part, mlp;
    double named, null_named;
    int clear, mixed; /* heads with such a role */
} clipspan_atlas_layer;

typedef struct clipspan_atlas_count { /* pictures with that status */
    const char *status;               /* as clipspan_run_picture.status */
    uint64_t pictures;
} clipspan_atlas_count;

typedef struct clipspan_atlas_info {
    clipspan_run_info run;
    const char *activation; /* "gelu" or "quick_gelu" */
    const char *preprocess; /* "shortest, bicubic" */
    const char *folder;     /* where relative paths of pictures start */
    const clipspan_atlas_count *counts;
    size_t count_kinds;
    const char *pool, *pool_hash, *null_hash; /* name; SHA-256 of texts and keys */
    size_t pool_texts, pool_categories, null_texts;
    int first_layer, last_layer; /* looked at */
    int picks, rank, resamples;  /* asked for (rank 0: no bound); resamples 0: no stability */
    uint64_t seed;
    size_t heads, texts, pictures;    /* of the tables below */
    size_t distinct;                  /* texts that are some head's pick */
    int clear, mixed, none, untested; /* heads by role; untested of none and mixed */
    int removed;                      /* heads that the model has lost: in none of the above */
    double named, null_named;         /* over all heads looked at, as for a layer */
    clipspan_strength input;          /* of the class token as it enters the first layer */
    double embedding_variance;        /* tr Var of the unit embedding */
} clipspan_atlas_info;

/* Makes the atlas of a merged run, or takes it from the run when that holds one of the same pool
 * and options, or of more layers. A pool's vectors are made once with the run's model, which needs
 * its text tower, and kept. Where the run's folder may not be written nothing is kept, without an
 * error. progress counts texts that are to be embedded and heads. options may be NULL. Errors:
 * NOT_FOUND (not merged), UNSUPPORTED (no text tower), ARGUMENT (layers that the model does not
 * have), those of clipspan_run_open_model, NUMBERS, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_atlas_new(clipspan_atlas **out, const clipspan_run *run,
                                                const clipspan_atlas_options *options,
                                                const clipspan_progress *progress,
                                                clipspan_error *err);

/* Reads what clipspan_atlas_new left in the run under the pool's name; NULL: what it left last.
 * Errors: NOT_FOUND (with the names there are), FORMAT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_atlas_open(clipspan_atlas **out, const clipspan_run *run,
                                                 const char *name, clipspan_error *err);
CLIPSPAN_API void clipspan_atlas_free(clipspan_atlas **atlas);

/* heads : [info.heads] by layer, then head   layers : [info.run.layers]   texts : [info.texts]
 * those that some pick names, also as rival   pictures : [info.pictures] those at a pick's end */
CLIPSPAN_API const clipspan_atlas_info *clipspan_atlas_get_info(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_head *clipspan_atlas_get_heads(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_layer *clipspan_atlas_get_layers(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_text *clipspan_atlas_get_texts(const clipspan_atlas *atlas);
CLIPSPAN_API const clipspan_atlas_picture *clipspan_atlas_get_pictures(const clipspan_atlas *atlas);

/* ---- Reports ---- */

typedef struct clipspan_report_options {
    size_t struct_size;
    const char *root; /* where relative paths of pictures start now; NULL: where they did when the
                         run was planned */
    int no_pictures;  /* 1: file names only, so that no picture leaves this machine with it */
    int replace;
    int threads;      /* 0: clipspan_default_threads() */
    const char *note; /* what a reader has to know before the findings, plain text; NULL: nothing */
    const clipspan_run
        *run; /* whose kept documents are shown too (clipspan_run_keep); NULL: none */
} clipspan_report_options;
#define CLIPSPAN_REPORT_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(clipspan_report_options), NULL, 0, 0, 0, NULL, NULL                                 \
    }

/* Writes an atlas as one HTML page for people: what was run and found, the map of heads, direct
 * effect by layer, every head's picks, stability and verdict, and the pictures at both ends of
 * first picks as thumbnails of 64 pixels (the name alone where a picture is gone); with a run also
 * what heads do for a classification, ablations and shortcuts, as it keeps them. The page loads
 * nothing and works without scripts. The same atlas and pictures give the same bytes with the same
 * libjpeg. progress counts pictures. options and progress may be NULL. Errors: EXISTS, WRITE,
 * INTERRUPTED, NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_report_write(const char *path, const clipspan_atlas *atlas,
                                                   const clipspan_report_options *options,
                                                   const clipspan_progress *progress,
                                                   clipspan_error *err);

/* Keeps in a run what a later command found, for its report: the JSON document that `clipspan
 * effects`, `ablate` or `shortcut` gives with --json, kind "effects", "ablate" or "shortcut", in
 * place of an earlier one of that kind. other: the run whose means or pictures took part too, or
 * NULL. The statistics of both are noted, and a document is no longer shown once they have changed.
 * Errors: ARGUMENT (no such kind, no JSON object), NOT_FOUND (not merged), WRITE, IO, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_run_keep(const clipspan_run *run, const clipspan_run *other,
                                               const char *kind, const char *document,
                                               clipspan_error *err);

/* ---- Pages about explanations ---- */

typedef struct clipspan_explain_options {
    size_t struct_size;
    const clipspan_atlas *atlas; /* of a run of the same model, for roles and texts, or NULL */
    const char *model, *picture; /* their names as readers see them */
    int top;                     /* heads whose maps are drawn for a text, 1 to 64; 0: 5 */
    int replace;
} clipspan_explain_options;
#define CLIPSPAN_EXPLAIN_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(clipspan_explain_options), NULL, NULL, NULL, 0, 0                                   \
    }

/* Writes an explanation as one HTML page for people: what was found, the map over the picture,
 * layers by heads, MLPs, the strongest heads and patches, for every text; every map of every head
 * to be looked at, as 16-bit numbers. The page loads nothing; scripts only choose and draw. view:
 * the picture that was explained. options may be NULL. Errors: EXISTS, WRITE, NOMEM, ARGUMENT (an
 * atlas of a model with other heads). */
CLIPSPAN_API clipspan_status clipspan_explanation_write(const char *path,
                                                        const clipspan_explanation *explanation,
                                                        const clipspan_view *view,
                                                        const clipspan_explain_options *options,
                                                        clipspan_error *err);

/* ---- Exports ---- */

typedef struct clipspan_export_options {
    size_t struct_size;
    const char *dataset, *model; /* in the files' names; NULL: last parts of the names of the run
                                    and of its model */
    int threads;
    int replace;
} clipspan_export_options;
#define CLIPSPAN_EXPORT_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(clipspan_export_options), NULL, NULL, 0, 0                                          \
    }

/* The arrays of the published program, float32, one row a used picture in the order of the list:
 *     FOLDER/DATASET_attn_MODEL.npy      [B, L, H, P]   heads, tokens summed
 *     FOLDER/DATASET_mlp_MODEL.npy       [B, L + 1, P]  MLP terms
 *     FOLDER/DATASET_cls_attn_MODEL.npy  [B, L, P]      the class token's own part of attention
 * Memory: 32 pictures' rows, and the bases. progress counts pictures. options may be NULL. Errors:
 * NOT_FOUND (not merged, or no codes kept), EXISTS unless `replace`, WRITE, FORMAT, IO, NOMEM,
 * INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_run_export(const char *folder, const clipspan_run *run,
                                                 const clipspan_export_options *options,
                                                 const clipspan_progress *progress,
                                                 clipspan_error *err);

/* The published program's list of picks, for the atlas's layers: a dashed line, "Layer l, Head h",
 * a dashed line, then a text a line; at the end how many texts there are. (Its line with an
 * accuracy is left out: that needs labels.) path NULL: in `folder`, which may be NULL otherwise, as
 * DATASET_completeness_POOL_top_PICKS_heads_MODEL.txt. Errors: EXISTS unless `replace`, WRITE,
 * NOMEM. */
CLIPSPAN_API clipspan_status clipspan_atlas_export(const char *path, const char *folder,
                                                   const clipspan_atlas *atlas,
                                                   const clipspan_export_options *options,
                                                   clipspan_error *err);

/* ---- Effects: what becomes of a classification when terms are changed ---- */

/* A class score of a picture is the sum of what every term says about the class,
 *
 *     s[c] = sum over terms of  term . w_c        [L, H] heads, [L + 1] MLP terms
 *
 * and what a head says is K + 3 numbers a class away from its code. So changing terms, a head's
 * output to its mean for instance, and classifying every picture of a run again is a few additions
 * a picture, without a forward pass. This is the direct effect only: in the network later layers
 * would read what was changed and compensate. */
typedef struct clipspan_effects clipspan_effects;

typedef struct clipspan_effects_options {
    size_t struct_size;
    const float *cues; /* [cue_count, P] directions that changes can refer to, or NULL */
    size_t cue_count;
    int threads;     /* 0: clipspan_default_threads() */
    uint64_t memory; /* bytes for what terms say, which is read once where it fits and for every
                        call where it does not; 0: a quarter of this machine's */
    const clipspan_effects *like; /* of the same run, with the same cues, outlives these: cues are
                        taken out of the pictures as these take them out, to see what that does to
                        other classes; NULL: as the own classes have it */
} clipspan_effects_options;
#define CLIPSPAN_EFFECTS_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(clipspan_effects_options), NULL, 0, 0, 0, NULL                                      \
    }

/* The used pictures of a merged run that kept codes, against the classes of a bank, two at least.
 * run must outlive it; bank and options are borrowed for the call. Used by one thread at a time.
 * progress counts chunks. Errors: NOT_FOUND (not merged, codes not kept), ARGUMENT (a bank of
 * another width or of one class, a cue that is not finite or zero, `like` of another run or with
 * other cues), FORMAT, IO, NOMEM, INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_effects_new(clipspan_effects **out, const clipspan_run *run,
                                                  const clipspan_bank *bank,
                                                  const clipspan_effects_options *options,
                                                  const clipspan_progress *progress,
                                                  clipspan_error *err);
CLIPSPAN_API void clipspan_effects_free(clipspan_effects **effects);
CLIPSPAN_API size_t clipspan_effects_get_pictures(const clipspan_effects *effects);
/* [pictures] of the used pictures, in order: rows of results are theirs. */
CLIPSPAN_API const uint64_t *clipspan_effects_get_places(const clipspan_effects *effects);

typedef enum clipspan_term {
    CLIPSPAN_TERM_HEAD = 0,
    CLIPSPAN_TERM_MLP = 1,        /* layer -1 is the class token as it enters the first layer */
    CLIPSPAN_TERM_CLASS_PART = 2, /* what a layer's heads take from the class token itself; not
                                     together with a head of that layer */
    CLIPSPAN_TERM_EMBEDDING = 3   /* all of it at once: CUE and PROJECT only */
} clipspan_term;

/* What becomes of a term c. Means and covariances are those of `source` (see below). */
typedef enum clipspan_change_kind {
    CLIPSPAN_CHANGE_MEAN = 0,  /* its mean */
    CLIPSPAN_CHANGE_SCALE = 1, /* scale c; 0 takes it away */
    CLIPSPAN_CHANGE_SWAP = 2,  /* that of the picture at `place` of the run */
    CLIPSPAN_CHANGE_CUE =
        3, /* c - ((c - mean) . q) g: what moves with its own reading of a cue q. g is
                                S q / (q . S q), S the covariance among pictures that get the same
                                answer, projected on the span of q and the class vectors, so that
                                other classifications lose nothing that these classes do not see;
                                heads and the embedding */
    CLIPSPAN_CHANGE_PROJECT = 4 /* c - (c . q) q / (q . q); the embedding only */
} clipspan_change_kind;

typedef struct clipspan_change {
    clipspan_term term;
    int layer, head;
    clipspan_change_kind kind;
    double scale;   /* of SCALE */
    uint64_t place; /* of SWAP */
    size_t cue;     /* of CUE and PROJECT */
} clipspan_change;

/* Changes made together, no term twice. None at all: the model as it is. */
typedef struct clipspan_edit {
    const clipspan_change *changes;
    size_t count;
} clipspan_edit;

/* Classifies every picture after each of `count` edits.
 *   predicted : [count, pictures] class with the largest score, the first of equal ones
 *   margins : [count, pictures] score of the right class less the largest other one, by
 *             labels : [pictures] class or -1; without labels, largest score less the next
 *   scores : [count, pictures, classes]         any may be NULL, labels too
 * source: effects with the same classes and cues of the run whose means stand for terms, NULL: of
 * the pictures themselves, as published. Errors: ARGUMENT (a term or place that is not there, a
 * term twice, a source with other classes), FORMAT (a source of another model), NOMEM, IO. */
CLIPSPAN_API clipspan_status clipspan_effects_run(uint32_t *predicted, double *margins,
                                                  double *scores, clipspan_effects *effects,
                                                  const clipspan_effects *source,
                                                  const clipspan_edit *edits, size_t count,
                                                  const int32_t *labels, clipspan_error *err);

/* The published replaced model: heads of which there is a span become the reconstruction by their
 * first `picks` picks (fewer where a head has fewer), all other heads their mean; MLP terms stay.
 * spans : [count] of the run of `source`. As above otherwise. */
CLIPSPAN_API clipspan_status clipspan_effects_run_spans(uint32_t *predicted, double *margins,
                                                        clipspan_effects *effects,
                                                        const clipspan_effects *source,
                                                        const clipspan_span *const *spans,
                                                        size_t count, int picks,
                                                        const int32_t *labels, clipspan_error *err);

/* Direct effects without a class: strengths of a merged run, as clipspan_stats_run_strengths. */
CLIPSPAN_API clipspan_status clipspan_run_read_strengths(
    clipspan_strength *heads, clipspan_strength *layers, clipspan_strength *mlps,
    clipspan_strength *class_part, const clipspan_run *run, clipspan_error *err);

/* A share of pictures, with its 95 % interval (Wilson). All zero where there are no pictures. */
typedef struct clipspan_share {
    uint64_t pictures, correct;
    double share, low, high;
} clipspan_share;

/* Accuracy before and after an edit, on the same pictures. */
typedef struct clipspan_comparison {
    clipspan_share before, after;
    double change, change_low, change_high; /* 95 % of resamples of the pictures lie between */
    int32_t group, group_after; /* which; of the worst: before, and after; -1: all pictures */
} clipspan_comparison;

#define CLIPSPAN_NO_ANSWER 255

/* overall : one   per_group : [groups]   worst : one, the lowest group before beside the lowest
 * after; NULL: not wanted
 *   before, after : [count] 1 right, 0 wrong, CLIPSPAN_NO_ANSWER where the right class is not known
 *   group : [count] 0 to groups - 1, or -1; NULL without
 * Pictures without an answer enter nothing; a group without pictures has zeros and is never the
 * worst. Resamples (0: no interval, it is the change itself) draw pictures within their groups, the
 * same before and after. Errors: ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_compare_run(clipspan_comparison *overall,
                                                  clipspan_comparison *per_group,
                                                  clipspan_comparison *worst, const uint8_t *before,
                                                  const uint8_t *after, const int32_t *group,
                                                  size_t count, size_t groups, int resamples,
                                                  uint64_t seed, clipspan_error *err);

/* ---- Shortcuts: through which heads a cue reaches a decision ---- */

/* Two classes a and b, margin m = w_a - w_b, and a cue q. For each head with covariance S among
 * pictures that get the same answer from the model
 *
 *     V  = m . S m                    variance of its say in the margin
 *     Vq = (q . S m)^2 / (q . S q)    what its reading of the cue explains of that
 *
 * without labels of any kind. A head whose q . S m has another sign than the
 * sum over all heads counteracts the cue. */
typedef struct clipspan_shortcut clipspan_shortcut;

typedef struct clipspan_shortcut_head {
    clipspan_head head;
    double variance, explained; /* V, Vq */
    double ratio;               /* Vq / (V - Vq + 0.001 sum V): the ranking */
    int counteracts;            /* 1: never proposed */
} clipspan_shortcut_head;

typedef enum clipspan_remedy {
    CLIPSPAN_REMEDY_NONE = 0,
    CLIPSPAN_REMEDY_ABLATE = 1,  /* mean-ablate the first heads of the ranking */
    CLIPSPAN_REMEDY_SURGERY = 2, /* CLIPSPAN_CHANGE_CUE in the first heads, or in all */
    CLIPSPAN_REMEDY_PROJECT = 3, /* baseline: the cue's direction out of the embedding */
    CLIPSPAN_REMEDY_REGRESS = 4  /* baseline: CLIPSPAN_CHANGE_CUE of the embedding, no heads */
} clipspan_remedy;

/* correlation: the larger, over pictures predicted a and pictures predicted b, of
 * |correlation(edited margin, embedding . q)|: the smaller the less the decision knows of the
 * cue */
typedef struct clipspan_candidate {
    clipspan_remedy remedy;
    int heads; /* how many of the ranking; L H: all, those that counteract too */
    double correlation;
    int eligible; /* 0: ablates a head of whose say the cue explains less than half. Never chosen:
                     taking a decision away altogether leaves no correlation either */
} clipspan_candidate;

typedef struct clipspan_shortcut_info {
    size_t heads, pictures;         /* L H; of the run */
    size_t ranked;                  /* heads that may be proposed: the first of the table */
    double variance;                /* sum of V */
    double explained, counteracted; /* sum of Vq of heads with the cue, and against it */
    size_t candidates, chosen;      /* chosen: the fewest heads that take away nine tenths of the
                                       correlation that the best eligible candidate takes away */
} clipspan_shortcut_info;

/* effects: of the run that statistics and choice come from; outlives it. a, b: classes, cue: one of
 * its cues. Errors: ARGUMENT, LIMIT (what all heads say does not fit the memory of the effects),
 * NOMEM, IO, FORMAT. */
CLIPSPAN_API clipspan_status clipspan_shortcut_new(clipspan_shortcut **out,
                                                   clipspan_effects *effects, size_t a, size_t b,
                                                   size_t cue, clipspan_error *err);
CLIPSPAN_API void clipspan_shortcut_free(clipspan_shortcut **shortcut);
/* heads : [info.heads] best candidates first, those that counteract last
 * candidates : [info.candidates] the first is to do nothing */
CLIPSPAN_API const clipspan_shortcut_info *
clipspan_shortcut_get_info(const clipspan_shortcut *shortcut);
CLIPSPAN_API const clipspan_shortcut_head *
clipspan_shortcut_get_heads(const clipspan_shortcut *shortcut);
CLIPSPAN_API const clipspan_candidate *
clipspan_shortcut_get_candidates(const clipspan_shortcut *shortcut);

/* The changes that make a remedy: changes : [info.heads], *count of them are filled. For
 * clipspan_effects_run with the shortcut's effects as source. Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_shortcut_get_changes(clipspan_change *changes, size_t *count,
                                                           const clipspan_shortcut *shortcut,
                                                           clipspan_remedy remedy, int heads,
                                                           clipspan_error *err);

/* Readings of the cue, embedding . q, of every picture of some effects: out : [pictures]. Errors:
 * ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_effects_read_cue(double *out, double *mean,
                                                       const clipspan_effects *effects, size_t cue,
                                                       clipspan_error *err);

/* A cue found in a pool: a text less the mean of its category's texts. */
typedef struct clipspan_cue {
    size_t text;
    double strength; /* sum of Vq over heads / sum of V, 0 to 1 */
} clipspan_cue;

/* The cues that explain most of the margin of a and b, of the texts of a pool whose key begins with
 * "!": not of objects. cues : [most], strongest first, *count filled   directions : [most, P] or
 * NULL. pool: unit vectors with keys. Errors: ARGUMENT (no such text), NOMEM, IO. */
CLIPSPAN_API clipspan_status clipspan_cue_search(clipspan_cue *cues, float *directions,
                                                 size_t *count, size_t most,
                                                 const clipspan_effects *effects, size_t a,
                                                 size_t b, const clipspan_bank *pool,
                                                 clipspan_error *err);

/* ---- Edited checkpoints ---- */

typedef struct clipspan_write_options {
    size_t struct_size;
    int remove; /* 0: the layout stays, a head's slice of the output projection is zero. 1: heads
                   leave the tensors, and the configuration gains heads_per_layer, the numbers of
                   the heads that each layer has left; clipspan reads that, and is faster for it */
    int replace;
    const char *means; /* where z comes from, for the record in the folder; NULL: nothing is said */
} clipspan_write_options;
#define CLIPSPAN_WRITE_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(clipspan_write_options), 0, 0, NULL                                                 \
    }

/* Writes the checkpoint of a model with some heads of its image tower silenced: for every token
 * they add to the residual stream what z gives,
 *
 *     W_O^h = 0        b_O + sum over the layer's heads of  z W_O^h
 *
 * in the layout it came from: every other tensor keeps its bytes and type; configuration,
 * preprocessing and tokenizer are copied, and the configuration says what was known of the model by
 * its name or by options, so that open_clip and transformers load the folder (with `remove`,
 * clipspan alone does). A changed b_O is float32, or float64 where it was, so that it is
 * not rounded to half precision. The folder appears whole or not at all, with clipspan_edit.json in
 * it, which says what was done; only a folder with that file is ever replaced.
 *   heads : [count], none twice   z : [count, K]
 * options may be NULL. progress counts bytes. Errors: EXISTS, WRITE, ARGUMENT (no heads, no such
 * head, one twice, one that was removed before, with `remove` all of a layer), IO, FORMAT, NOMEM,
 * INTERRUPTED. */
CLIPSPAN_API clipspan_status clipspan_model_write(const char *folder, const clipspan_model *model,
                                                  const clipspan_head *heads, const float *z,
                                                  size_t count,
                                                  const clipspan_write_options *options,
                                                  const clipspan_progress *progress,
                                                  clipspan_error *err);

/* The checks of clipspan_model_write without writing: arguments, and whether the folder may be
 * made. */
CLIPSPAN_API clipspan_status clipspan_model_check_write(const char *folder,
                                                        const clipspan_model *model,
                                                        const clipspan_head *heads, size_t count,
                                                        const clipspan_write_options *options,
                                                        clipspan_error *err);

/* ---- Arrays on disk ---- */

typedef struct clipspan_npy clipspan_npy;
typedef enum clipspan_dtype {
    CLIPSPAN_FLOAT32 = 1,
    CLIPSPAN_UINT8 = 2,
    CLIPSPAN_INT32 = 3
} clipspan_dtype;

/* Writes a NumPy .npy file (version 1.0, little-endian, C order) row by row. The file grows under a
 * temporary name beside `path` and gets its own when clipspan_npy_finish is called;
 * clipspan_npy_close without finish removes it. row_shape : [row_rank] shape of one row, may be
 * NULL when row_rank, which is 0 to 6, is 0. Errors: EXISTS unless `replace`, WRITE, ARGUMENT,
 * NOMEM. */
CLIPSPAN_API clipspan_status clipspan_npy_open(clipspan_npy **out, const char *path,
                                               clipspan_dtype dtype, const uint64_t *row_shape,
                                               int row_rank, int replace, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_npy_write(clipspan_npy *npy, const void *rows, size_t count,
                                                clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_npy_finish(clipspan_npy *npy, clipspan_error *err);
CLIPSPAN_API void clipspan_npy_close(clipspan_npy **npy);

#ifdef __cplusplus
}
#endif
#endif
