/* SPDX-License-Identifier: MIT */
/* clipspan_bank: named unit vectors, and the published zero-shot classifier. */
#include "api/model_handles.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

struct clipspan_bank {
    size_t count, P;
    float *vectors; /* [count, P] */
    char **names, **keys;
};

static clipspan_status make_bank(clipspan_bank **out, const clipspan_texts *names, size_t P,
                                 clipspan_error *err)
{
    size_t count = clipspan_texts_get_count(names), i;
    clipspan_bank *bank = cs_alloc_zero(1, sizeof *bank, "a bank", err);
    *out = NULL;
    if (!bank) return CLIPSPAN_E_NOMEM;
    bank->P = P;
    bank->count = count;
    bank->names = cs_alloc_zero(count, sizeof *bank->names, "names", err);
    bank->keys = cs_alloc_zero(count, sizeof *bank->keys, "names", err);
    bank->vectors = cs_alloc_aligned(count, P * sizeof *bank->vectors, "vectors", err);
    if (!bank->names || !bank->keys || !bank->vectors) goto failed;
    for (i = 0; i < count; i++) {
        bank->names[i] = cs_strdup(clipspan_texts_get_text(names, i), err);
        bank->keys[i] = cs_strdup(clipspan_texts_get_key(names, i), err);
        if (!bank->names[i] || !bank->keys[i]) goto failed;
    }
    *out = bank;
    return CLIPSPAN_OK;
failed:
    clipspan_bank_free(&bank);
    return CLIPSPAN_E_NOMEM;
}

/* Progress of one template's texts as progress of all. */
typedef struct part_progress {
    const clipspan_progress *whole;
    size_t before, total;
} part_progress;

static int step_part(void *user, size_t done, size_t total)
{
    const part_progress *p = user;
    (void)total;
    return p->whole->step(p->whole->user, p->before + done, p->total);
}

/* Every class in one template; a template's texts go through together, so they share its
 * beginning. */
static clipspan_status embed_template(float *embeddings, clipspan_encoder *encoder,
                                      const clipspan_texts *classes, const char *template_text,
                                      const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    size_t count = clipspan_texts_get_count(classes), i;
    char **filled = cs_alloc_zero(count, sizeof *filled, "prompts", err);
    clipspan_texts *prompts = NULL;
    if (!filled) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < count && status == CLIPSPAN_OK; i++)
        status =
            cs_template_fill(&filled[i], template_text, clipspan_texts_get_text(classes, i), err);
    if (status == CLIPSPAN_OK) {
        const char *const *borrowed = (const char *const *)filled;
        status = clipspan_texts_new(&prompts, borrowed, NULL, count, err);
    }
    if (status == CLIPSPAN_OK)
        status = cs_encoder_texts(embeddings, encoder, prompts, 1, progress, err);
    clipspan_texts_free(&prompts);
    for (i = 0; i < count; i++)
        cs_free(filled[i]);
    cs_free(filled);
    return status;
}

static clipspan_status normalise_means(clipspan_bank *bank, const double *sums, clipspan_error *err)
{
    size_t i, j;
    for (i = 0; i < bank->count; i++) {
        const double *sum = sums + i * bank->P;
        double norm = 0.0;
        for (j = 0; j < bank->P; j++)
            norm += sum[j] * sum[j];
        norm = sqrt(norm);
        if (!(norm > 0.0))
            return cs_fail(err, CLIPSPAN_E_NUMBERS,
                           "class \"%s\" has a mean embedding of length zero", bank->names[i]);
        for (j = 0; j < bank->P; j++)
            bank->vectors[i * bank->P + j] = (float)(sum[j] / norm);
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_bank_new_classes(clipspan_bank **out, clipspan_encoder *encoder,
                                          const clipspan_texts *classes,
                                          const clipspan_texts *templates,
                                          const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    clipspan_bank *bank = NULL;
    float *embeddings = NULL;
    double *sums = NULL;
    size_t count, t, i;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !encoder || !classes || !templates)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_bank_new_classes: an argument is NULL");
    if (!encoder->texts)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a classifier needs a text encoder");
    if (clipspan_texts_get_count(classes) == 0 || clipspan_texts_get_count(templates) == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a classifier needs at least one class and one template");
    CS_TRY(make_bank(&bank, classes, encoder->P, err));
    count = bank->count * bank->P;
    embeddings = cs_alloc(count, sizeof *embeddings, "prompt embeddings", err);
    sums = cs_alloc_zero(count, sizeof *sums, "class sums", err);
    if (!embeddings || !sums) goto done;
    for (t = 0; t < clipspan_texts_get_count(templates); t++) {
        part_progress part = {progress, t * bank->count,
                              clipspan_texts_get_count(templates) * bank->count};
        clipspan_progress inner = {step_part, &part};
        CS_TRY_DONE(embed_template(embeddings, encoder, classes,
                                   clipspan_texts_get_text(templates, t),
                                   progress && progress->step ? &inner : NULL, err));
        for (i = 0; i < count; i++)
            sums[i] += (double)embeddings[i];
    }
    CS_TRY_DONE(normalise_means(bank, sums, err));
    *out = bank;
    bank = NULL;
done:
    cs_free(embeddings);
    cs_free(sums);
    clipspan_bank_free(&bank);
    return status;
}

clipspan_status clipspan_bank_new_vectors(clipspan_bank **out, const clipspan_texts *texts,
                                          const float *vectors, size_t width, clipspan_error *err)
{
    clipspan_bank *bank = NULL;
    size_t i;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !texts || !vectors || width == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_bank_new_vectors: an argument is NULL, or the width is 0");
    CS_TRY(make_bank(&bank, texts, width, err));
    for (i = 0; i < bank->count * width; i++)
        if (!isfinite(bank->vectors[i] = vectors[i])) {
            cs_fail(err, CLIPSPAN_E_NUMBERS,
                    "the vector of \"%s\" holds a number that is not finite",
                    bank->names[i / width]);
            clipspan_bank_free(&bank);
            return CLIPSPAN_E_NUMBERS;
        }
    *out = bank;
    return CLIPSPAN_OK;
}

void clipspan_bank_free(clipspan_bank **bank)
{
    clipspan_bank *b = bank ? *bank : NULL;
    size_t i;
    if (!b) return;
    for (i = 0; i < b->count; i++) {
        if (b->names) cs_free(b->names[i]);
        if (b->keys) cs_free(b->keys[i]);
    }
    cs_free(b->names);
    cs_free(b->keys);
    cs_free(b->vectors);
    cs_free(b);
    *bank = NULL;
}

size_t clipspan_bank_get_count(const clipspan_bank *bank)
{
    return bank ? bank->count : 0;
}

size_t clipspan_bank_get_width(const clipspan_bank *bank)
{
    return bank ? bank->P : 0;
}

const char *clipspan_bank_get_name(const clipspan_bank *bank, size_t index)
{
    return bank && index < bank->count ? bank->names[index] : NULL;
}

const char *clipspan_bank_get_key(const clipspan_bank *bank, size_t index)
{
    return bank && index < bank->count ? bank->keys[index] : NULL;
}

const float *clipspan_bank_get_vectors(const clipspan_bank *bank)
{
    return bank ? bank->vectors : NULL;
}

/* Sum of products in eight interleaved float64 sums: a fixed order, and fast enough beside
 * embedding. */
static float dot(const float *a, const float *b, size_t n)
{
    double s[8] = {0};
    size_t i, j;
    for (i = 0; i + 8 <= n; i += 8)
        for (j = 0; j < 8; j++)
            s[j] += (double)a[i + j] * (double)b[i + j];
    for (j = 0; i + j < n; j++)
        s[j] += (double)a[i + j] * (double)b[i + j];
    return (float)(((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])));
}

clipspan_status clipspan_bank_run_scores(float *scores, const clipspan_bank *bank,
                                         const float *embeddings, size_t count, clipspan_error *err)
{
    size_t i, j;
    cs_clear(err);
    if (!bank || (count > 0 && (!scores || !embeddings)))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_bank_run_scores: an argument is NULL");
    for (i = 0; i < count; i++)
        for (j = 0; j < bank->count; j++)
            scores[i * bank->count + j] =
                dot(embeddings + i * bank->P, bank->vectors + j * bank->P, bank->P);
    return CLIPSPAN_OK;
}
