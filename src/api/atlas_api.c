/* SPDX-License-Identifier: MIT */
/* clipspan_atlas: pools embedded once with the run's model, atlases made once for a pool. */
#include "api/handles.h"
#include "atlas/atlas_make.h"
#include "atlas/atlas_store.h"
#include "base/parallel.h"
#include "decompose/bootstrap.h"
#include "decompose/roles.h"
#include "run/text_bank.h"
#include "tensor/eigen.h"

#include <clipspan/run.h>
#include <limits.h>
#include <string.h>

#define BASIS_TEXTS      20 /* by default, as published */
#define BASIS_TEXTS_MOST 1000

typedef struct atlas_job {
    const clipspan_run *run;
    clipspan_atlas_options options;
    cs_atlas_wish wish;
    clipspan_texts *own[2];         /* pools that were opened here */
    const clipspan_texts *texts[2]; /* the pool and the control pools */
    char hashes[2][65];             /* that their vectors are kept under */
    size_t counts[2], pools;        /* texts; control pools */
    float *vectors[2];
    clipspan_model *opened; /* here */
    clipspan_encoder *encoder;
    const clipspan_progress *progress;
    size_t before, total; /* of progress */
} atlas_job;

static int step_job(void *user, size_t done, size_t total)
{
    const atlas_job *j = user;
    (void)total;
    return j->progress->step(j->progress->user, j->before + done, j->total);
}

/* Hashing a model's weights: a part of the work without a share in the count. */
static int step_hash(void *user, size_t done, size_t total)
{
    const atlas_job *j = user;
    (void)done;
    (void)total;
    return j->progress->step(j->progress->user, j->before, j->total);
}

/* ---- Options ---- */

static clipspan_status take_layers(atlas_job *j, clipspan_error *err)
{
    const clipspan_atlas_options *o = &j->options;
    const int L = cs_run_info(j->run->run)->layers;
    const int last = o->layers ? o->layers - 1 : L - 1 - o->first_layer;
    if (o->first_layer < 0 || o->layers < 0 || o->first_layer >= L || last > L - 1 - o->first_layer)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "%d layers from L%d on were asked for; the model has layers 0 to %d",
                       o->layers, o->first_layer, L - 1);
    j->wish.first_layer = o->first_layer;
    j->wish.last_layer = o->first_layer + last;
    return CLIPSPAN_OK;
}

static clipspan_status take_options(atlas_job *j, const clipspan_atlas_options *options,
                                    clipspan_error *err)
{
    clipspan_atlas_options *o = &j->options;
    cs_atlas_wish *w = &j->wish;
    CS_TRY(CS_OPTIONS(o, options, clipspan_atlas_options, err));
    if (o->basis_texts < 0 || o->basis_texts > BASIS_TEXTS_MOST || o->rank < 0 ||
        o->resamples < -1 || o->resamples > 100000 || o->threads < 0 || o->threads > CS_MAX_THREADS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "an atlas takes basis texts from 0 to %d, rank from 0, resamples from -1 to "
                       "100,000 and threads from 0 to %d; found %d, %d, %d and %d",
                       BASIS_TEXTS_MOST, CS_MAX_THREADS, o->basis_texts, o->rank, o->resamples,
                       o->threads);
    if (!(o->fdr >= 0.0 && o->fdr <= 1.0) || o->rotations < 0 || o->rotations > CS_ROTATIONS_MOST ||
        o->control_pools < 0 || o->control_pools > CS_CONTROL_POOLS_MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "an atlas takes a false discovery rate from 0 to 1, rotations from 0 to "
                       "1,000,000 and control pools from 0 to %d; found %g, %d and %d",
                       CS_CONTROL_POOLS_MOST, o->fdr, o->rotations, o->control_pools);
    w->name = o->name ? o->name : "general";
    w->basis_texts = o->basis_texts ? o->basis_texts : BASIS_TEXTS;
    w->rank = o->rank;
    w->threads = o->threads ? o->threads : cs_threads_default();
    w->seed = o->seed;
    w->fdr = o->fdr == 0.0 ? CS_ROLES_FDR : o->fdr;
    w->rotations = o->rotations ? o->rotations : CS_ROTATIONS;
    w->resamples = o->resamples ? o->resamples : CS_BOOTSTRAP_RESAMPLES;
    if (o->resamples < 0 || cs_run_info(j->run->run)->blocks < CS_BOOTSTRAP_BLOCKS)
        w->resamples = 0;
    return take_layers(j, err);
}

static clipspan_status take_pools(atlas_job *j, clipspan_error *err)
{
    const clipspan_texts *given = j->options.control_texts;
    j->texts[0] = j->options.texts;
    if (!j->texts[0]) {
        CS_TRY(cs_texts_open(&j->own[0], "general", err));
        j->texts[0] = j->own[0];
    }
    j->texts[1] = given; /* NULL: made when they are needed */
    j->pools = given                      ? 1
               : j->options.control_pools ? (size_t)j->options.control_pools
                                          : CS_CONTROL_POOLS;
    j->counts[0] = j->texts[0]->count;
    j->counts[1] = given ? given->count : j->pools * j->texts[0]->count;
    for (int i = 0; i < 2; i++)
        if (j->counts[i] > INT_MAX)
            return cs_fail(err, CLIPSPAN_E_LIMIT, "a pool of %zu texts is too large", j->counts[i]);
    cs_text_bank_hash(j->hashes[0], j->texts[0]);
    if (given)
        cs_text_bank_hash(j->hashes[1], given);
    else
        cs_text_bank_control_hash(j->hashes[1], j->texts[0], j->pools, j->wish.seed);
    return CLIPSPAN_OK;
}

/* ---- What the run has already ---- */

static int same_pools(const atlas_job *j, const clipspan_atlas_info *kept)
{
    return strcmp(j->hashes[0], kept->pool_hash) == 0 &&
           strcmp(j->hashes[1], kept->control_hash) == 0;
}

/* *out is NULL when there is nothing that fits, or it cannot be read. */
static clipspan_status take_kept(cs_atlas **out, const atlas_job *j, clipspan_error *err)
{
    const cs_atlas_wish *w = &j->wish;
    const clipspan_atlas_info *i;
    clipspan_status status = cs_atlas_read(out, j->run->run, w->name, err);
    if (status == CLIPSPAN_E_NOMEM) return status;
    if (status != CLIPSPAN_OK) return CLIPSPAN_OK;
    i = &(*out)->info;
    if (i->first_layer > w->first_layer || i->last_layer < w->last_layer ||
        i->basis_texts != w->basis_texts || i->rank != w->rank || i->resamples != w->resamples ||
        i->seed != w->seed || i->fdr != w->fdr || i->rotations != w->rotations ||
        !same_pools(j, i)) {
        cs_atlas_free(out);
        return CLIPSPAN_OK;
    }
    cs_atlas_write_main(j->run->run, w->name, j->options.as_main, NULL); /* where it can be noted */
    cs_atlas_trim(*out, w->first_layer, w->last_layer);
    cs_atlas_sum_up(*out);
    return CLIPSPAN_OK;
}

/* ---- Pools ---- */

static clipspan_status open_encoder(atlas_job *j, clipspan_error *err)
{
    const clipspan_progress hash = {step_hash, j};
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_model *model = j->options.opened;
    if (j->encoder) return CLIPSPAN_OK;
    if (!model)
        CS_TRY(clipspan_run_open_model(&j->opened, j->run, j->options.model,
                                       j->progress ? &hash : NULL, err));
    if (!model) model = j->opened;
    if (!clipspan_model_get_info(model)->has_text)
        return cs_fail(err, CLIPSPAN_E_UNSUPPORTED,
                       "%s has no text encoder, so texts cannot be compared with its heads",
                       clipspan_model_get_info(model)->name);
    options.modality = CLIPSPAN_TEXT;
    options.threads = j->wish.threads;
    return clipspan_encoder_new(&j->encoder, model, &options, err);
}

/* A model that the caller opened: its hash is known when it was scanned with. */
static clipspan_status check_opened(const atlas_job *j, clipspan_error *err)
{
    const cs_identity *identity;
    const char *run = cs_run_info(j->run->run)->model_hash;
    if (!j->options.opened) return CLIPSPAN_OK;
    CS_TRY(cs_model_identity(&identity, j->options.opened, NULL, err));
    for (size_t i = 0; i < identity->count; i++)
        if (strcmp(identity->facts[i].key, "model.sha256") == 0 &&
            strcmp(identity->facts[i].value, run) != 0)
            return cs_fail(err, CLIPSPAN_E_FORMAT,
                           "the open model has SHA-256 %s; that of the run is %s",
                           identity->facts[i].value, run);
    return CLIPSPAN_OK;
}

/* Control texts have the lengths that the model's tokenizer gives the pool's. */
static clipspan_status make_controls(atlas_job *j, clipspan_error *err)
{
    const clipspan_model *model = j->options.opened ? j->options.opened : j->opened;
    if (j->texts[1]) return CLIPSPAN_OK;
    CS_TRY(clipspan_texts_new_control(&j->own[1], j->texts[0], model, j->pools, j->wish.seed, err));
    j->texts[1] = j->own[1];
    return CLIPSPAN_OK;
}

static clipspan_status make_vectors(atlas_job *j, const int *found, clipspan_error *err)
{
    const clipspan_progress step = {step_job, j};
    for (int i = 0; i < 2; i++) {
        clipspan_error ignored;
        if (found[i]) continue;
        CS_TRY(open_encoder(j, err));
        if (i == 1) CS_TRY(make_controls(j, err));
        CS_TRY(cs_encoder_texts(j->vectors[i], j->encoder, j->texts[i], 1,
                                j->progress ? &step : NULL, err));
        j->before += j->counts[i];
        if (cs_text_bank_write(j->run->run, j->hashes[i], j->texts[i], j->vectors[i], &ignored) ==
            CLIPSPAN_E_NOMEM)
            return cs_fail(err, CLIPSPAN_E_NOMEM, "%s", ignored.message);
    }
    return CLIPSPAN_OK;
}

static clipspan_status take_vectors(atlas_job *j, clipspan_error *err)
{
    const size_t P = cs_run_shape(j->run->run).P;
    int found[2] = {0, 0};
    CS_TRY(check_opened(j, err));
    j->total = (size_t)(j->wish.last_layer - j->wish.first_layer + 1) * cs_run_shape(j->run->run).H;
    for (int i = 0; i < 2; i++) {
        j->vectors[i] = cs_alloc(j->counts[i], P * sizeof **j->vectors, "vectors of texts", err);
        if (!j->vectors[i]) return CLIPSPAN_E_NOMEM;
        CS_TRY(cs_text_bank_read(&found[i], j->vectors[i], j->run->run, j->hashes[i], j->counts[i],
                                 err));
        if (!found[i]) j->total += j->counts[i];
    }
    return make_vectors(j, found, err);
}

/* ---- Making one ---- */

static clipspan_status make(cs_atlas **out, atlas_job *j, clipspan_error *err)
{
    const clipspan_progress step = {step_job, j};
    clipspan_error ignored;
    CS_TRY(cs_eigen_check(err));
    CS_TRY(take_vectors(j, err));
    const cs_atlas_pool pool = {j->texts[0], j->vectors[0]};
    const cs_atlas_controls controls = {j->counts[1] / j->pools, j->pools, j->vectors[1],
                                        j->hashes[1]};
    CS_TRY(cs_atlas_make(out, j->run->run, &pool, &controls, &j->wish, j->progress ? &step : NULL,
                         err));
    if (cs_atlas_write(j->run->run, *out, j->options.as_main, &ignored) == CLIPSPAN_E_NOMEM)
        return cs_fail(err, CLIPSPAN_E_NOMEM, "%s", ignored.message);
    return CLIPSPAN_OK;
}

static void job_fini(atlas_job *j)
{
    clipspan_encoder_free(&j->encoder);
    clipspan_model_close(&j->opened);
    for (int i = 0; i < 2; i++) {
        cs_texts_free(&j->own[i]);
        cs_free(j->vectors[i]);
    }
}

static clipspan_status wrap(clipspan_atlas **out, cs_atlas **atlas, clipspan_error *err)
{
    *out = cs_alloc_zero(1, sizeof **out, "an atlas", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    (*out)->atlas = *atlas;
    *atlas = NULL;
    return CLIPSPAN_OK;
}

clipspan_status clipspan_atlas_new(clipspan_atlas **out, const clipspan_run *run,
                                   const clipspan_atlas_options *options,
                                   const clipspan_progress *progress, clipspan_error *err)
{
    atlas_job j = {.run = run, .progress = progress && progress->step ? progress : NULL};
    cs_atlas *atlas = NULL;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_atlas_new: out or run is NULL");
    CS_TRY(take_options(&j, options, err));
    CS_TRY(cs_run_need_merged(run->run, err));
    CS_TRY_DONE(take_pools(&j, err));
    if (!j.options.again) CS_TRY_DONE(take_kept(&atlas, &j, err));
    if (!atlas) CS_TRY_DONE(make(&atlas, &j, err));
    status = wrap(out, &atlas, err);
    if (status == CLIPSPAN_OK) cs_clear(err);
done:
    cs_atlas_free(&atlas);
    job_fini(&j);
    return status;
}

clipspan_status clipspan_atlas_open(clipspan_atlas **out, const clipspan_run *run, const char *name,
                                    clipspan_error *err)
{
    cs_atlas *atlas = NULL;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_atlas_open: out or run is NULL");
    CS_TRY(cs_run_need_merged(run->run, err));
    CS_TRY(cs_atlas_read(&atlas, run->run, name, err));
    status = wrap(out, &atlas, err);
    cs_atlas_free(&atlas);
    return status;
}

void clipspan_atlas_free(clipspan_atlas **atlas)
{
    if (!atlas || !*atlas) return;
    cs_atlas_free(&(*atlas)->atlas);
    cs_free(*atlas);
    *atlas = NULL;
}

const clipspan_atlas_info *clipspan_atlas_get_info(const clipspan_atlas *atlas)
{
    return atlas ? &atlas->atlas->info : NULL;
}

const clipspan_atlas_head *clipspan_atlas_get_heads(const clipspan_atlas *atlas)
{
    return atlas ? atlas->atlas->heads : NULL;
}

const clipspan_atlas_layer *clipspan_atlas_get_layers(const clipspan_atlas *atlas)
{
    return atlas ? atlas->atlas->layers : NULL;
}

const clipspan_atlas_text *clipspan_atlas_get_texts(const clipspan_atlas *atlas)
{
    return atlas ? atlas->atlas->texts : NULL;
}

const clipspan_atlas_image *clipspan_atlas_get_images(const clipspan_atlas *atlas)
{
    return atlas ? atlas->atlas->images : NULL;
}
