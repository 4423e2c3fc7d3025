/* SPDX-License-Identifier: MIT */
/* Planning, scanning and merging: argument checks and locks around src/run. */
#include "api/handles.h"
#include "base/parallel.h"
#include "image/image.h"
#include "inputs/inputs.h"
#include "run/folder.h"
#include "run/merge.h"
#include "run/plan.h"
#include "run/run_facts.h"
#include "run/scan.h"
#include "run/scan_again.h"

#include <stdlib.h>
#include <string.h>

#define RETRIES 3 /* of an image that is away for a moment, by default */

static clipspan_status check_plan(const clipspan_plan_options *o, int layers,
                                  const clipspan_inputs *inputs, clipspan_error *err)
{
    if (o->coefficients < CLIPSPAN_COEFFICIENTS_F32 || o->coefficients > CLIPSPAN_COEFFICIENTS_NONE)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "coefficients is %d; 0 (f32), 1 (f16), 2 (none) are known",
                       (int)o->coefficients);
    if (o->precision != CLIPSPAN_F32 && o->precision != CLIPSPAN_BF16)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "precision is %d; 0 (f32) and 1 (bf16) are known",
                       (int)o->precision);
    if (o->first_layer < 0 || o->first_layer >= layers || o->layer_count < 0 ||
        o->layer_count > layers - o->first_layer)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "coefficients of %d layers from layer %d on were to be kept; the model has "
                       "layers 0 to %d",
                       o->layer_count, o->first_layer, layers - 1);
    if (cs_inputs_count(inputs) == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_plan: the list has no image");
    return cs_check_precision(o->precision, err);
}

/* Opens the folder of a run and its index. */
static clipspan_status open_index(cs_root **root, cs_index **out, const char *path,
                                  clipspan_error *err)
{
    *out = NULL;
    CS_TRY(cs_folder_open(root, path, err));
    return cs_index_open(out, *root, CS_INDEX_FILE, err);
}

/* The ceiling of pixels that was not asked for: that of the run which is there, or this
 * machine's. */
static uint64_t default_pixels(const char *path)
{
    uint64_t pixels = cs_image_default_pixels();
    cs_root *root = NULL;
    cs_index *index;
    char *value = NULL;
    if (open_index(&root, &index, path, NULL) == CLIPSPAN_OK &&
        cs_index_fact(&value, index, "preprocess.max_pixels", NULL) == CLIPSPAN_OK && value)
        pixels = strtoull(value, NULL, 10);
    cs_free(value);
    cs_index_close(&index);
    cs_root_close(&root);
    return pixels ? pixels : 1;
}

clipspan_status clipspan_run_plan(int *found, const char *path, clipspan_model *model,
                                  const clipspan_inputs *inputs,
                                  const clipspan_plan_options *options,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_plan_options o;
    clipspan_image_options image;
    const cs_identity *known;
    cs_identity identity;
    clipspan_status status;
    int ignored, layers;
    cs_clear(err);
    if (!found) found = &ignored;
    *found = 0;
    if (!path || !model || !inputs)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_run_plan: path, model or inputs is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_plan_options, err));
    CS_TRY(CS_OPTIONS(&image, o.image, clipspan_image_options, err));
    o.image = &image;
    layers = clipspan_model_get_info(model)->split_layers;
    CS_TRY(check_plan(&o, layers, inputs, err));
    if (image.max_pixels == 0)
        image.max_pixels = o.replace ? cs_image_default_pixels() : default_pixels(path);
    CS_TRY(cs_model_identity(&known, model, progress, err));
    CS_TRY_DONE(cs_identity_copy(&identity, known, err));
    CS_TRY_DONE(cs_identity_add_options(&identity, &o, layers, err));
    status = cs_plan_make(found, path, &identity, inputs, o.replace, progress, err);
done:
    cs_identity_fini(&identity);
    return status;
}

clipspan_status clipspan_run_extend(const char *path, clipspan_model *model,
                                    const clipspan_inputs *inputs,
                                    const clipspan_progress *progress, clipspan_error *err)
{
    const cs_identity *identity;
    cs_clear(err);
    if (!path || !model || !inputs || cs_inputs_count(inputs) == 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_run_extend: path, model or inputs is NULL, or without an image");
    CS_TRY(cs_model_identity(&identity, model, progress, err));
    return cs_plan_extend(path, identity, inputs, err);
}

/* ---- Scanning ---- */

static clipspan_status check_scan(const clipspan_scan_options *o, clipspan_error *err)
{
    if (o->threads < 0 || o->threads > CS_MAX_THREADS)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "threads is %d; 0 to %d are possible", o->threads,
                       CS_MAX_THREADS);
    if (o->shards ? o->shard < 1 || o->shard > o->shards : o->shard != 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "shard %llu of %llu was asked for; the first is 1, the last of n is n",
                       (unsigned long long)o->shard, (unsigned long long)o->shards);
    if (o->retries < -1 || o->retries > 1000)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "retries is %d; -1 to 1,000 are possible",
                       o->retries);
    if (o->retry_skipped && o->shards)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "skipped images are tried again by a scan of everything, not of a shard");
    return CLIPSPAN_OK;
}

/* Where the images are that this scan reads. */
static clipspan_status find_place(cs_scan_job *job, const cs_run_facts *facts,
                                  const clipspan_scan_options *o, clipspan_error *err)
{
    job->place = (cs_image_place){facts->info.path, facts->folder, o->root, facts->info.own,
                                  o->images_anywhere};
    return cs_image_place_check(&job->place, err);
}

/* The chunks of skipped images become undone; the index is then another file. */
static clipspan_status scan_again(clipspan_scan_result *out, cs_scan_job *job, cs_root *root,
                                  const cs_run_facts *facts, clipspan_error *err)
{
    CS_TRY(cs_scan_again(&out->again, facts, root, &job->place, job->progress, err));
    cs_index_close(&job->index);
    return cs_index_open(&job->index, root, CS_INDEX_FILE, err);
}

/* The folder is locked and the model is that of the run. */
static clipspan_status scan(clipspan_scan_result *out, cs_scan_job *job, const cs_run_facts *facts,
                            clipspan_model *model, const clipspan_scan_options *o,
                            clipspan_error *err)
{
    cs_tower *tower;
    cs_output_map *output_map;
    job->whole = facts->plan;
    job->checkpoint = model->checkpoint;
    job->simd = model->simd;
    job->image = facts->image;
    job->threads = o->threads ? o->threads : cs_threads_default();
    job->verify_sum = o->verify_sum;
    job->retries = o->retries < 0 ? 0 : o->retries ? o->retries : RETRIES;
    CS_TRY(cs_check_precision(facts->info.precision, err));
    CS_TRY(cs_model_tower(&tower, model, CLIPSPAN_IMAGE, facts->info.precision, job->threads, err));
    CS_TRY(cs_model_output_map(&output_map, model, facts->info.precision, job->threads, err));
    job->tower = tower;
    job->output_map = output_map;
    for (size_t i = 0; i < facts->segment_count; i++) {
        const cs_segment *segment = &facts->segments[i];
        job->plan = segment->plan;
        job->first_place = segment->first;
        job->first = 0;
        job->before = out->images;
        job->end = segment->plan.tree.chunks;
        if (o->shards)
            cs_shard_chunks(&job->first, &job->end, &job->plan.tree, o->shard, o->shards);
        CS_TRY(cs_scan_run(out, job, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_run_scan(clipspan_scan_result *out, const char *path,
                                  clipspan_model *model, const clipspan_scan_options *options,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_scan_options o;
    clipspan_scan_result ignored;
    cs_scan_job job = {.progress = progress};
    cs_run_facts facts = {0};
    const cs_identity *identity;
    cs_root *root = NULL;
    clipspan_status status;
    int lock = -1;
    cs_clear(err);
    if (!out) out = &ignored;
    memset(out, 0, sizeof *out);
    if (!path || !model)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_scan: path or model is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_scan_options, err));
    CS_TRY(check_scan(&o, err));
    CS_TRY_DONE(open_index(&root, &job.index, path, err));
    CS_TRY_DONE(cs_run_facts_read(&facts, job.index, root, err));
    CS_TRY_DONE(cs_model_identity(&identity, model, NULL, err));
    CS_TRY_DONE(cs_identity_compare(identity, job.index, CLIPSPAN_E_FORMAT, path, err));
    CS_TRY_DONE(cs_folder_lock(&lock, root, o.shards == 0, err));
    CS_TRY_DONE(find_place(&job, &facts, &o, err));
    if (o.retry_skipped) CS_TRY_DONE(scan_again(out, &job, root, &facts, err));
    status = scan(out, &job, &facts, model, &o, err);
done:
    cs_folder_unlock(&lock);
    cs_run_facts_fini(&facts);
    cs_index_close(&job.index);
    cs_root_close(&root);
    return status;
}

clipspan_status clipspan_run_merge(const char *path, const clipspan_progress *progress,
                                   clipspan_error *err)
{
    cs_run_facts facts = {0};
    cs_index *index = NULL;
    cs_root *root = NULL;
    clipspan_status status;
    int lock = -1;
    cs_clear(err);
    if (!path) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_merge: path is NULL");
    CS_TRY_DONE(open_index(&root, &index, path, err)); /* before a strange folder gets a lock */
    cs_index_close(&index);
    CS_TRY_DONE(cs_folder_lock(&lock, root, 1, err));
    CS_TRY_DONE(cs_index_open(&index, root, CS_INDEX_FILE, err));
    CS_TRY_DONE(cs_run_facts_read(&facts, index, root, err));
    status = cs_merge_run(&facts, index, progress, err);
done:
    cs_folder_unlock(&lock);
    cs_run_facts_fini(&facts);
    cs_index_close(&index);
    cs_root_close(&root);
    return status;
}

/* ---- The model again ---- */

clipspan_status clipspan_run_open_model(clipspan_model **out, const clipspan_run *run,
                                        const char *name, const clipspan_progress *progress,
                                        clipspan_error *err)
{
    clipspan_model_options options = CLIPSPAN_MODEL_OPTIONS_INIT;
    const cs_identity *identity;
    cs_run_facts facts = {0};
    cs_index *index = NULL;
    cs_root *root = NULL;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_open_model: out or run is NULL");
    if (!cs_run_has_folder(run->run))
        return cs_fail(err, CLIPSPAN_E_NOT_FOUND, "a run in memory has no model to open");
    CS_TRY_DONE(open_index(&root, &index, clipspan_run_get_info(run)->path, err));
    CS_TRY_DONE(cs_run_facts_read(&facts, index, root, err));
    options.config = *facts.config ? facts.config : NULL;
    options.quick_gelu = facts.quick_gelu;
    options.allow_nonfinite = facts.allow_nonfinite;
    CS_TRY_DONE(clipspan_model_open(out, name ? name : facts.info.model_path, &options, err));
    CS_TRY_DONE(cs_model_identity(&identity, *out, progress, err));
    CS_TRY_DONE(cs_identity_compare(identity, index, CLIPSPAN_E_FORMAT, facts.info.path, err));
done:
    if (status != CLIPSPAN_OK) clipspan_model_close(out);
    cs_run_facts_fini(&facts);
    cs_index_close(&index);
    cs_root_close(&root);
    return status;
}
