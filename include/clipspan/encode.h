/* SPDX-License-Identifier: MIT */
/* Pixels, texts, encoders and banks: embeddings and classifiers. Conventions: clipspan.h. */
#ifndef CLIPSPAN_ENCODE_H
#define CLIPSPAN_ENCODE_H

#include <clipspan/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Images ---- */

/* The pixels that the image encoder takes: decoded as Pillow does, resized and cropped as the
 * checkpoint's family does, before normalisation by mean and std.  pixels : [input_height,
 * input_width, 3] uint8, caller's buffer. bytes/size: a whole JPEG, PNG or WebP file in memory;
 * name is used in messages only. Errors: UNSUPPORTED (format named), FORMAT (damaged), LIMIT (too
 * large), IO, NOT_FOUND, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_pixels_read(uint8_t *pixels, const clipspan_model *model,
                                                  const char *path,
                                                  const clipspan_image_options *options,
                                                  clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_pixels_decode(uint8_t *pixels, const clipspan_model *model,
                                                    const void *bytes, size_t size,
                                                    const char *name,
                                                    const clipspan_image_options *options,
                                                    clipspan_error *err);

/* Writes an 8-bit RGB PNG, beside its final name first, then renamed. pixels : [height, width, 3].
 * Errors: EXISTS unless `replace`, WRITE, NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_png_write(const char *path, const uint8_t *pixels, int height,
                                                int width, int replace, clipspan_error *err);

/* ---- Texts ---- */

/* A list of texts, each with an optional key (a category, a label) that stood before a tab. */
typedef struct clipspan_texts clipspan_texts;

/* Reads a text file: UTF-8, one text per line, an optional key before a tab; empty lines are
 * skipped, a byte order mark and CRLF are accepted. `name` is a path, or a set that comes with
 * clipspan: "openai" (the 80 published prompt templates), "none" (the one template "{}"), "general"
 * (short descriptions of what images show, the key a category, "!" before one that is not of
 * objects), "control" (as many control texts, of the same lengths in tokens), "demo" (texts about
 * the demo's scenes, and for contrast about things that no scene shows; keys as in "general"). A
 * path with a slash or dot is never taken for a set. A .csv or .tsv file is read by its columns:
 * texts from text, name or class, keys from key, label or category. Errors: ARGUMENT (a table
 * without such a column), NOT_FOUND, FORMAT (invalid UTF-8 or NUL, with its line), LIMIT, NOMEM. */
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

/* Makes `pools` control pools for a pool of texts: invented words that mean nothing, text i of pool
 * p (at p count + i) with as many tokens as text i of `like`. The same for the same model, pool and
 * seed; a pool does not depend on how many are made. Errors: UNSUPPORTED without a text encoder,
 * ARGUMENT, NOMEM, INTERNAL, and those of reading the merges table. */
CLIPSPAN_API clipspan_status clipspan_texts_new_control(clipspan_texts **out,
                                                        const clipspan_texts *like,
                                                        const clipspan_model *model, size_t pools,
                                                        uint64_t seed, clipspan_error *err);

/* Token ids of a text as open_clip's SimpleTokenizer gives them: start token, text, end token,
 * zeros.
 *   ids : [C] caller's buffer   count (may be NULL): ids before the zeros
 *   cut (may be NULL): 1 when text was too long   text : `size` bytes
 * Invalid UTF-8 reads as U+FFFD. A text that is too long is cut and ends in the end token. Errors:
 * UNSUPPORTED without a text encoder, NOMEM, LIMIT (over 16 MiB), and those of reading the merges
 * table, which the first call does. */
CLIPSPAN_API clipspan_status clipspan_tokens_encode(int32_t *ids, size_t *count, int *cut,
                                                    const clipspan_model *model, const char *text,
                                                    size_t size, clipspan_error *err);

/* The piece of text that one id stands for, NUL-terminated ("</w>" ends a word); NULL for an id out
 * of range. */
CLIPSPAN_API const char *clipspan_tokens_get_piece(const clipspan_model *model, int32_t id);

/* ---- Encoders ---- */

typedef struct clipspan_encoder clipspan_encoder;

typedef struct clipspan_encoder_options {
    size_t struct_size;
    clipspan_modality modality;   /* default: image */
    clipspan_precision precision; /* default: float32; BF16 only with clipspan_has_bf16() */
    int threads;                  /* 0: clipspan_default_threads(); at most 256 */
    int single; /* image encoder, 1: one image at a time with all threads inside its products
                   (fastest for a single image); 0: one image per thread, the same bytes for any
                   `threads` */
    int raw;    /* 1: embeddings before normalisation; 0: unit vectors */
    const clipspan_image_options *image; /* for run_files; NULL: defaults */
} clipspan_encoder_options;
#define CLIPSPAN_ENCODER_OPTIONS_INIT                                                              \
    {                                                                                              \
        sizeof(clipspan_encoder_options), CLIPSPAN_IMAGE, CLIPSPAN_F32, 0, 0, 0, NULL              \
    }

/* Makes an encoder: reads and packs the encoder's weights if no encoder of this model and precision
 * did so before, plans all memory that its runs need and takes it. The model must outlive the
 * encoder. Errors: UNSUPPORTED (no such encoder, or BF16 on this CPU), NUMBERS (NaN or infinity in
 * a named tensor), IO, FORMAT (the file changed since it was opened), NOMEM, ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_encoder_new(clipspan_encoder **out, clipspan_model *model,
                                                  const clipspan_encoder_options *options,
                                                  clipspan_error *err);
CLIPSPAN_API void clipspan_encoder_free(clipspan_encoder **encoder);

/* Bytes of the encoder's workspace, and of the packed weights that it shares with other encoders of
 * the model. */
CLIPSPAN_API size_t clipspan_encoder_get_workspace(const clipspan_encoder *encoder);
CLIPSPAN_API size_t clipspan_encoder_get_weights(const clipspan_encoder *encoder);

/* Images to embeddings: open_clip's encode_image, with or without normalize (option `raw`).
 *   embeddings : [B, P] caller's buffer
 *   pixels : [B, input_height, input_width, 3] as clipspan_pixels_read gives them
 * One image per forward pass: a row's bytes do not depend on B, on its index or (unless `single`)
 * on the number of threads. Errors: NUMBERS when a result is not finite, ARGUMENT for a text
 * encoder. No allocation. */
CLIPSPAN_API clipspan_status clipspan_encoder_run_pixels(float *embeddings,
                                                         clipspan_encoder *encoder,
                                                         const uint8_t *pixels, size_t count,
                                                         clipspan_error *err);

/* Reads, decodes and embeds images, each on the thread that embeds it.
 *   embeddings : [B, P]   errors : [B] caller's, one per image (code 0: success), or NULL
 * With errors, an image that cannot be used leaves a row of zeros and its reason, and the call goes
 * on and succeeds; without, the first such image (in list order) fails the call. Errors: those of
 * clipspan_pixels_read and clipspan_encoder_run_pixels. */
CLIPSPAN_API clipspan_status clipspan_encoder_run_files(float *embeddings, clipspan_error *errors,
                                                        clipspan_encoder *encoder,
                                                        const char *const *paths, size_t count,
                                                        clipspan_error *err);

/* Texts to embeddings.   embeddings : [T, P]   tokens : [T, C] as clipspan_tokens_encode gives them
 * Nothing after the end token is computed, and texts with a common prefix share its computation. A
 * row's bytes depend on the list, not on the number of threads.  Errors: ARGUMENT (image encoder,
 * id outside the vocabulary), NUMBERS. */
CLIPSPAN_API clipspan_status clipspan_encoder_run_tokens(float *embeddings,
                                                         clipspan_encoder *encoder,
                                                         const int32_t *tokens, size_t count,
                                                         const clipspan_progress *progress,
                                                         clipspan_error *err);

/* The same from a list of texts, T = its count.   embeddings : [T, P]
 * progress counts texts; may be NULL. Errors: as above, NOMEM, INTERRUPTED, those of
 * clipspan_tokens_encode. */
CLIPSPAN_API clipspan_status clipspan_encoder_run_texts(float *embeddings,
                                                        clipspan_encoder *encoder,
                                                        const clipspan_texts *texts,
                                                        const clipspan_progress *progress,
                                                        clipspan_error *err);

/* Mean-ablates heads of an image encoder: from now on clipspan_encoder_run_pixels and _run_files
 * replace these heads' outputs before the output projection by the given numbers, for every token
 * and image. So later layers read what they would read in a model that is edited in this way
 * (clipspan_model_write). count 0: the model as it is. Decompositions, maps and scans with this
 * encoder ignore it.
 *   heads : [count]   z : [count, K], copied
 * Errors: ARGUMENT (a text encoder, no such head, a number that is not finite), NOMEM. */
CLIPSPAN_API clipspan_status clipspan_encoder_set_heads(clipspan_encoder *encoder,
                                                        const clipspan_head *heads, const float *z,
                                                        size_t count, clipspan_error *err);

/* ---- Banks: named unit vectors ---- */

typedef struct clipspan_bank clipspan_bank;

/* Zero-shot classifier, as published (open_clip's build_zero_shot_classifier): every class name in
 * every template ("a photo of a {}."), each embedded and normalised, averaged over templates,
 * normalised again. A template without "{}" is an ARGUMENT error. progress counts texts. encoder:
 * a text encoder. The names of the bank are the class texts, its keys their keys. Errors:
 * ARGUMENT, those of clipspan_encoder_run_texts. */
CLIPSPAN_API clipspan_status clipspan_bank_new_classes(
    clipspan_bank **out, clipspan_encoder *encoder, const clipspan_texts *classes,
    const clipspan_texts *templates, const clipspan_progress *progress, clipspan_error *err);

/* A bank of vectors that already exist: vectors : [texts' count, P], copied; the names are the
 * texts, the keys their keys. Errors: NUMBERS (a vector that is not finite), ARGUMENT, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_bank_new_vectors(clipspan_bank **out,
                                                       const clipspan_texts *texts,
                                                       const float *vectors, size_t width,
                                                       clipspan_error *err);

/* A classifier as the published programs keep it: float32 .npy [P, classes], one class per column.
 * write: Errors: EXISTS unless `replace`, WRITE, NOMEM. read: names are those of `classes`, in the
 * order of the columns; columns that are not unit vectors are used as they are. Errors: FORMAT (not
 * of that type and shape), NUMBERS, NOT_FOUND, IO, NOMEM. */
CLIPSPAN_API clipspan_status clipspan_bank_write(const char *path, const clipspan_bank *bank,
                                                 int replace, clipspan_error *err);
CLIPSPAN_API clipspan_status clipspan_bank_read(clipspan_bank **out, const char *path,
                                                const clipspan_texts *classes, clipspan_error *err);
CLIPSPAN_API void clipspan_bank_free(clipspan_bank **bank);

/* Vectors, their width P, and the name and key of one ("" without a key; NULL beyond the last). */
CLIPSPAN_API size_t clipspan_bank_get_count(const clipspan_bank *bank);
CLIPSPAN_API size_t clipspan_bank_get_width(const clipspan_bank *bank);
CLIPSPAN_API const char *clipspan_bank_get_name(const clipspan_bank *bank, size_t index);
CLIPSPAN_API const char *clipspan_bank_get_key(const clipspan_bank *bank, size_t index);
CLIPSPAN_API const float *clipspan_bank_get_vectors(const clipspan_bank *bank); /* [count, P] */

/* Cosine of every embedding with every vector.
 *   scores : [B, bank's count], -1 to 1   embeddings : [B, P], unit vectors; `count` is B
 * Errors: ARGUMENT. */
CLIPSPAN_API clipspan_status clipspan_bank_run_scores(float *scores, const clipspan_bank *bank,
                                                      const float *embeddings, size_t count,
                                                      clipspan_error *err);

#ifdef __cplusplus
}
#endif
#endif
