/* SPDX-License-Identifier: MIT */
/* Rounds of pruning by path effects: one pass and one sweep an image say of every head that is left
 * what its mean-ablation would change (include/clipspan/paths.h), in the network without the heads
 * that went before. With classes what counts is the margin of the predicted class over the next,
 * without them random directions stand for the embedding. */
#include "base/memory.h"
#include "base/progress_part.h"
#include "study/prune.h"

#include <clipspan/encode.h>
#include <clipspan/paths.h>
#include <clipspan/run.h>
#include <math.h>

#define BATCH  CS_EDIT_BATCH
#define RANDOM 4 /* directions of an image without classes */

static clipspan_status open_encoder(clipspan_encoder **out, const cs_prune *p, clipspan_error *err)
{
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    options.threads = p->check->threads;
    options.image = &p->image;
    return clipspan_encoder_new(out, p->model, &options, err);
}

/* Means of all heads, [L, H, K]; zeros for heads that the model does not have. */
static float *spread_means(const cs_prune *p, clipspan_error *err)
{
    const cs_edit_check *e = p->check;
    const size_t K = (size_t)e->facts->head_width;
    const size_t LH = (size_t)e->facts->layers * (size_t)e->facts->heads;
    float *means = cs_alloc_zero(LH, K * sizeof *means, "means of heads", err);
    for (size_t i = 0; means && i < LH; i++)
        for (size_t k = 0; k < K && e->slot[i] != SIZE_MAX; k++)
            means[i * K + k] = e->z[e->slot[i] * K + k];
    return means;
}

clipspan_status cs_prune_path_open(cs_prune *p, clipspan_error *err)
{
    clipspan_paths_options options = CLIPSPAN_PATHS_OPTIONS_INIT;
    const clipspan_bank *bank = p->options.bank;
    const int margin = bank && clipspan_bank_get_count(bank) > 1;
    float *means = spread_means(p, err);
    clipspan_status status = means ? open_encoder(&p->encoder, p, err) : CLIPSPAN_E_NOMEM;
    options.direction = margin ? CLIPSPAN_PATHS_MARGIN : CLIPSPAN_PATHS_RANDOM;
    options.images = (int)BATCH;
    options.random = RANDOM;
    options.means = means;
    if (status == CLIPSPAN_OK)
        status = clipspan_paths_new(&p->paths, p->encoder, margin ? bank : NULL, &options, err);
    cs_free(means);
    return status;
}

void cs_prune_path_close(cs_prune *p)
{
    clipspan_paths_free(&p->paths);
    clipspan_encoder_free(&p->encoder);
}

/* The first `gone` heads of the order go on every pass from here on. */
static clipspan_status take_gone(cs_prune *p, size_t gone, clipspan_error *err)
{
    const size_t K = (size_t)p->facts->head_width;
    clipspan_head *heads = cs_alloc(gone, sizeof *heads, "a round", err);
    float *z = cs_alloc(gone, K * sizeof *z, "means of heads", err);
    clipspan_status status = heads && z ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < gone && status == CLIPSPAN_OK; i++)
        heads[i] = p->rows[i].head;
    if (status == CLIPSPAN_OK) {
        cs_edit_check_mixed(z, p->check, heads, gone);
        status = clipspan_encoder_set_heads(p->encoder, heads, z, gone, err);
    }
    cs_free(heads);
    cs_free(z);
    return status;
}

/* Adds the root of the mean square over an image's directions, head by head. */
static void add_image(cs_prune *p, size_t gone, const clipspan_paths_result *r)
{
    const size_t H = (size_t)p->facts->heads, LH = (size_t)p->facts->layers * H;
    for (size_t i = gone; i < p->count; i++) {
        const size_t at = (size_t)p->rows[i].head.layer * H + (size_t)p->rows[i].head.head;
        double squares = 0.0;
        for (size_t t = 0; t < r->directions; t++)
            squares += r->ablated[t * LH + at] * r->ablated[t * LH + at];
        p->rows[i].effect += sqrt(squares / (double)r->directions);
    }
}

clipspan_status cs_prune_path_round(cs_prune *p, size_t gone, const clipspan_progress *progress,
                                    clipspan_error *err)
{
    clipspan_error errors[CLIPSPAN_DECOMPOSITION_MOST];
    const size_t total = p->info.ranked;
    size_t used = 0, n;
    CS_TRY(take_gone(p, gone, err));
    for (size_t i = gone; i < p->count; i++)
        p->rows[i].effect = 0.0;
    for (size_t done = 0; done < total; done += n) {
        n = total - done < BATCH ? total - done : BATCH;
        CS_TRY(clipspan_paths_run_files(p->paths, errors, p->check->images.paths + done, n, err));
        for (size_t i = 0; i < n; i++)
            if (errors[i].code == CLIPSPAN_OK) {
                add_image(p, gone, clipspan_paths_get(p->paths, i));
                used++;
            }
        CS_TRY(cs_progress_step(progress, done + n, total, "ranking heads was stopped", err));
    }
    if (!used)
        return cs_fail(err, CLIPSPAN_E_FORMAT, "no image of %zu could be used; the first: %s",
                       total, errors[0].message);
    for (size_t i = gone; i < p->count; i++)
        p->rows[i].effect /= (double)used;
    return CLIPSPAN_OK;
}
