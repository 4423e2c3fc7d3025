/* SPDX-License-Identifier: MIT */
/* clipspan_encoder: passes side by side, one a thread, or one pass with all threads inside. */
#include "api/model_handles.h"
#include "base/memory_budget.h"
#include "base/parallel.h"

#include <stdatomic.h>
#include <string.h>

static clipspan_status check_options(const clipspan_encoder_options *o, const clipspan_model *model,
                                     clipspan_error *err)
{
    if (o->modality != CLIPSPAN_IMAGE && o->modality != CLIPSPAN_TEXT)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "modality is %d; 0 (image) and 1 (text) are known",
                       (int)o->modality);
    if (o->precision != CLIPSPAN_F32 && o->precision != CLIPSPAN_BF16)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "precision is %d; 0 (f32) and 1 (bf16) are known",
                       (int)o->precision);
    if (o->threads < 0 || o->threads > CS_MAX_THREADS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "threads is %d; 0 to %d are possible", o->threads,
                       CS_MAX_THREADS);
    if (o->modality == CLIPSPAN_TEXT && !model->info.has_text)
        return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, model->info.name,
                          "has only an image encoder; texts need a model with a text encoder");
    return cs_check_precision(o->precision, err);
}

clipspan_status cs_check_precision(clipspan_precision precision, clipspan_error *err)
{
    if (precision != CLIPSPAN_BF16 || clipspan_has_bf16()) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_UNSUPPORTED,
                   "bf16 needs a CPU with AVX512_BF16 and a build with oneDNN; here are %s and "
                   "%s. Use f32",
                   clipspan_cpu_level(), cs_product_name());
}

/* What the machine does not have in all is refused before it is taken: a kernel that promises more
 * than it has would kill the process as soon as the memory is touched. */
static clipspan_status check_memory(const clipspan_encoder *e, size_t pass, clipspan_error *err)
{
    uint64_t total = cs_memory_total();
    size_t all;
    if (!cs_size_mul(&all, pass, (size_t)e->lanes)) all = SIZE_MAX;
    if (total == 0 || all <= total) return CLIPSPAN_OK;
    return cs_fail_memory(err, all, "the encoder's workspace");
}

static clipspan_status make_image_passes(clipspan_encoder *e, clipspan_error *err)
{
    const cs_config *config = cs_checkpoint_config(e->model->checkpoint);
    int inside = e->options.single ? e->options.threads : 1, i;
    CS_TRY(check_memory(e, cs_image_pass_need(e->tower, config, inside), err));
    e->images = cs_alloc_zero((size_t)e->lanes, sizeof(cs_image_pass *), "an encoder", err);
    e->buffers = cs_alloc_aligned((size_t)e->lanes, e->pixels, "pixels", err);
    if (!e->images || !e->buffers) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < e->lanes; i++)
        CS_TRY(cs_image_pass_new(&e->images[i], e->tower, config, inside, e->model->simd, err));
    return CLIPSPAN_OK;
}

static clipspan_status make_text_passes(clipspan_encoder *e, clipspan_error *err)
{
    const cs_config *config = cs_checkpoint_config(e->model->checkpoint);
    int i;
    CS_TRY(check_memory(e, cs_text_pass_need(e->tower, config), err));
    e->texts = cs_alloc_zero((size_t)e->lanes, sizeof(cs_text_pass *), "an encoder", err);
    if (!e->texts) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < e->lanes; i++)
        CS_TRY(cs_text_pass_new(&e->texts[i], e->tower, config, e->model->simd, err));
    return CLIPSPAN_OK;
}

clipspan_status clipspan_encoder_new(clipspan_encoder **out, clipspan_model *model,
                                     const clipspan_encoder_options *options, clipspan_error *err)
{
    clipspan_image_options image;
    clipspan_encoder_options o;
    clipspan_status status;
    clipspan_encoder *e;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !model)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_encoder_new: out or model is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_encoder_options, err));
    CS_TRY(CS_OPTIONS(&image, o.image, clipspan_image_options, err));
    CS_TRY(check_options(&o, model, err));
    e = cs_alloc_zero(1, sizeof *e, "an encoder", err);
    if (!e) return CLIPSPAN_E_NOMEM;
    e->model = model;
    e->options = o;
    e->image = image;
    e->options.image = &e->image;
    if (e->options.threads == 0) e->options.threads = cs_threads_default();
    e->P = (size_t)model->info.embed_width;
    e->C = (size_t)model->info.context_length;
    e->pixels = 3 * (size_t)model->info.input_height * (size_t)model->info.input_width;
    e->lanes = e->options.single && o.modality == CLIPSPAN_IMAGE ? 1 : e->options.threads;
    CS_TRY_DONE(cs_model_tower(&e->tower, model, o.modality, o.precision, e->options.threads, err));
    CS_TRY_DONE(o.modality == CLIPSPAN_IMAGE ? make_image_passes(e, err)
                                             : make_text_passes(e, err));
    *out = e;
    e = NULL;
done:
    clipspan_encoder_free(&e);
    return status;
}

void clipspan_encoder_free(clipspan_encoder **encoder)
{
    clipspan_encoder *e = encoder ? *encoder : NULL;
    int i;
    if (!e) return;
    for (i = 0; e->images && i < e->lanes; i++)
        cs_image_pass_free(&e->images[i]);
    for (i = 0; e->texts && i < e->lanes; i++)
        cs_text_pass_free(&e->texts[i]);
    cs_free(e->images);
    cs_free(e->texts);
    cs_free(e->buffers);
    cs_free(e->silent_marks);
    cs_free(e->silent_z);
    cs_free(e);
    *encoder = NULL;
}

size_t clipspan_encoder_get_workspace(const clipspan_encoder *encoder)
{
    size_t bytes = 0;
    int i;
    if (!encoder) return 0;
    for (i = 0; i < encoder->lanes; i++)
        bytes += encoder->images ? encoder->pixels + cs_image_pass_memory(encoder->images[i])
                                 : cs_text_pass_memory(encoder->texts[i]);
    return bytes;
}

size_t clipspan_encoder_get_weights(const clipspan_encoder *encoder)
{
    return encoder ? encoder->tower->bytes : 0;
}

/* ---- Images ---- */

/* A run over images. */
typedef struct image_run {
    clipspan_encoder *encoder;
    const cs_image_list *list;
    clipspan_status (*each)(void *context, size_t index, int lane, const uint8_t *pixels,
                            clipspan_error *err);
    void *context;
    cs_lock lock; /* guards first and first_error */
    size_t first; /* earliest image that failed */
    clipspan_error first_error;
} image_run;

static void keep_error(image_run *run, size_t index, const clipspan_error *error)
{
    cs_lock_enter(&run->lock);
    if (index < run->first) {
        run->first = index;
        run->first_error = *error;
    }
    cs_lock_leave(&run->lock);
}

static void run_image(void *context, size_t index, int lane)
{
    image_run *run = context;
    clipspan_encoder *e = run->encoder;
    clipspan_error error;
    clipspan_status status = CLIPSPAN_OK;
    const uint8_t *pixels = run->list->pixels ? run->list->pixels + index * e->pixels : NULL;
    cs_clear(&error);
    if (!pixels) {
        uint8_t *buffer = e->buffers + (size_t)lane * e->pixels;
        status = cs_image_read(buffer, &cs_checkpoint_config(e->model->checkpoint)->preprocess,
                               run->list->paths[index], &e->image, &error);
        pixels = buffer;
    }
    if (status == CLIPSPAN_OK)
        status = run->each(run->context, index, lane, pixels, &error);
    else
        run->each(run->context, index, lane, NULL, NULL);
    if (status != CLIPSPAN_OK) keep_error(run, index, &error);
    if (run->list->errors) run->list->errors[index] = error;
}

clipspan_status cs_encoder_images(clipspan_encoder *encoder, const cs_image_list *list,
                                  clipspan_status (*each)(void *context, size_t index, int lane,
                                                          const uint8_t *pixels,
                                                          clipspan_error *err),
                                  void *context, const char *function, clipspan_error *err)
{
    image_run run;
    size_t i;
    if (list->count > 0 && !list->pixels && !list->paths)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: an argument is NULL", function);
    if (!encoder->images)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "images were given to a text encoder");
    for (i = 0; list->paths && i < list->count; i++)
        if (!list->paths[i])
            return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: path %zu is NULL", function, i);
    memset(&run, 0, sizeof run);
    run.encoder = encoder;
    run.list = list;
    run.each = each;
    run.context = context;
    run.first = list->count;
    cs_lock_init(&run.lock);
    cs_parallel_for(list->count, encoder->lanes, run_image, &run);
    cs_lock_fini(&run.lock);
    if (run.first == list->count || list->errors) return CLIPSPAN_OK;
    if (err) *err = run.first_error;
    return run.first_error.code;
}

typedef struct embedding_run {
    clipspan_encoder *encoder;
    float *embeddings;
} embedding_run;

static clipspan_status embed(void *context, size_t index, int lane, const uint8_t *pixels,
                             clipspan_error *err)
{
    const embedding_run *run = context;
    clipspan_encoder *e = run->encoder;
    float *to = run->embeddings + index * e->P;
    clipspan_status status = CLIPSPAN_OK;
    if (pixels) status = cs_image_pass_run(to, e->images[lane], pixels, !e->options.raw, err);
    if (!pixels || status != CLIPSPAN_OK) memset(to, 0, e->P * sizeof *to);
    return status;
}

clipspan_status clipspan_encoder_run_pixels(float *embeddings, clipspan_encoder *encoder,
                                            const uint8_t *pixels, size_t count,
                                            clipspan_error *err)
{
    cs_image_list list = {pixels, NULL, count, NULL};
    embedding_run run = {encoder, embeddings};
    cs_clear(err);
    if (!encoder || (count > 0 && !embeddings))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_encoder_run_pixels: an argument is NULL");
    return cs_encoder_images(encoder, &list, embed, &run, "clipspan_encoder_run_pixels", err);
}

clipspan_status clipspan_encoder_run_files(float *embeddings, clipspan_error *errors,
                                           clipspan_encoder *encoder, const char *const *paths,
                                           size_t count, clipspan_error *err)
{
    cs_image_list list = {NULL, paths, count, errors};
    embedding_run run = {encoder, embeddings};
    cs_clear(err);
    if (!encoder || (count > 0 && !embeddings))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_encoder_run_files: an argument is NULL");
    return cs_encoder_images(encoder, &list, embed, &run, "clipspan_encoder_run_files", err);
}

/* ---- Texts ---- */

typedef struct text_run {
    clipspan_encoder *encoder;
    float *embeddings;
    const int32_t *tokens;
    const size_t *starts; /* [batches + 1] first text of each batch */
    size_t count;
    int unit;
    const clipspan_progress *progress;
    atomic_size_t done;
    size_t told;            /* what the caller's progress heard last */
    atomic_int stop;        /* 1: a batch failed, or what progress said */
    clipspan_error *errors; /* [lanes] */
} text_run;

/* For the caller's thread, which is lane 0. */
static void tell(text_run *run, size_t done)
{
    int stop;
    if (!run->progress || !run->progress->step) return;
    run->told = done;
    stop = run->progress->step(run->progress->user, done, run->count);
    if (stop) atomic_store(&run->stop, stop);
}

static void run_batch(void *context, size_t index, int lane)
{
    text_run *run = context;
    clipspan_encoder *e = run->encoder;
    size_t first = run->starts[index], count = run->starts[index + 1] - first, done;
    if (atomic_load(&run->stop)) return;
    if (cs_text_pass_run(run->embeddings + first * e->P, e->texts[lane], run->tokens + first * e->C,
                         count, run->unit, &run->errors[lane]) != CLIPSPAN_OK)
        atomic_store(&run->stop, 1);
    done = atomic_fetch_add(&run->done, count) + count;
    if (lane == 0) tell(run, done);
}

static clipspan_status check_tokens(const clipspan_encoder *e, const int32_t *tokens, size_t count,
                                    clipspan_error *err)
{
    size_t i;
    for (i = 0; i < count * e->C; i++)
        if (tokens[i] < 0 || tokens[i] >= e->model->info.vocab_size)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "text %zu, position %zu holds id %d; the vocabulary has ids 0 to %d",
                           i / e->C, i % e->C, (int)tokens[i], e->model->info.vocab_size - 1);
    return CLIPSPAN_OK;
}

static clipspan_status run_tokens(float *embeddings, clipspan_encoder *e, const int32_t *tokens,
                                  size_t count, int unit, const clipspan_progress *progress,
                                  clipspan_error *err)
{
    clipspan_status status;
    text_run run = {.encoder = e,
                    .embeddings = embeddings,
                    .tokens = tokens,
                    .count = count,
                    .unit = unit,
                    .progress = progress};
    size_t *starts, batches = 0, at = 0;
    int i;
    CS_TRY(check_tokens(e, tokens, count, err));
    starts = cs_alloc(count + 1, sizeof *starts, "the batches of a text list", err);
    run.errors = cs_alloc_zero((size_t)e->lanes, sizeof *run.errors, "errors", err);
    status = starts && run.errors ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    while (status == CLIPSPAN_OK && at < count) {
        starts[batches++] = at;
        at += cs_text_pass_cut(e->texts[0], tokens + at * e->C, count - at);
    }
    if (status == CLIPSPAN_OK) {
        starts[batches] = count;
        run.starts = starts;
        cs_parallel_for(batches, e->lanes, run_batch, &run);
        if (!atomic_load(&run.stop) && run.told < count) tell(&run, count);
        for (i = 0; i < e->lanes && status == CLIPSPAN_OK; i++) {
            status = run.errors[i].code;
            if (status != CLIPSPAN_OK && err) *err = run.errors[i];
        }
        if (status == CLIPSPAN_OK && atomic_load(&run.stop))
            status = cs_stopped(err, atomic_load(&run.stop), "embedding texts was stopped");
    }
    cs_free(starts);
    cs_free(run.errors);
    return status;
}

clipspan_status clipspan_encoder_run_tokens(float *embeddings, clipspan_encoder *encoder,
                                            const int32_t *tokens, size_t count,
                                            const clipspan_progress *progress, clipspan_error *err)
{
    cs_clear(err);
    if (!encoder || (count > 0 && (!embeddings || !tokens)))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_encoder_run_tokens: an argument is NULL");
    if (!encoder->texts)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "texts were given to an image encoder");
    return run_tokens(embeddings, encoder, tokens, count, !encoder->options.raw, progress, err);
}

clipspan_status cs_encoder_texts(float *embeddings, clipspan_encoder *encoder,
                                 const clipspan_texts *texts, int unit,
                                 const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const cs_tokenizer *tokenizer;
    size_t count = clipspan_texts_get_count(texts), i;
    int32_t *tokens;
    CS_TRY(cs_model_tokenizer(&tokenizer, encoder->model, err));
    tokens = cs_alloc(count, encoder->C * sizeof *tokens, "token ids", err);
    if (!tokens) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < count && status == CLIPSPAN_OK; i++) {
        const char *text = clipspan_texts_get_text(texts, i);
        status = cs_tokenizer_encode(tokens + i * encoder->C, NULL, NULL, tokenizer,
                                     (int)encoder->C, text, strlen(text), err);
    }
    if (status == CLIPSPAN_OK)
        status = run_tokens(embeddings, encoder, tokens, count, unit, progress, err);
    cs_free(tokens);
    return status;
}

clipspan_status clipspan_encoder_run_texts(float *embeddings, clipspan_encoder *encoder,
                                           const clipspan_texts *texts,
                                           const clipspan_progress *progress, clipspan_error *err)
{
    cs_clear(err);
    if (!encoder || !texts || !embeddings)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_encoder_run_texts: an argument is NULL");
    if (!encoder->texts)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "texts were given to an image encoder");
    return cs_encoder_texts(embeddings, encoder, texts, !encoder->options.raw, progress, err);
}
