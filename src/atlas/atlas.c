/* SPDX-License-Identifier: MIT */
/* What filling, reading and trimming an atlas share. */
#include "atlas/atlas.h"
#include "base/file.h"
#include "base/memory.h"

#include <clipspan/run.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define COUNT_KINDS 16 /* more than there are words for what became of an image */

void cs_atlas_free(cs_atlas **atlas)
{
    cs_atlas *a = atlas ? *atlas : NULL;
    if (!a) return;
    for (size_t i = 0; i < a->owned_count; i++)
        cs_free(a->owned[i]);
    cs_free(a->owned);
    cs_free(a->run);
    cs_free(a->layers);
    cs_free(a->heads);
    cs_free(a->texts);
    cs_free(a->images);
    cs_free(a->basis_texts);
    cs_free(a->counts);
    cs_free(a->layer_parts);
    cs_free(a->head_parts);
    cs_free(a->basis_parts);
    cs_free(a->others);
    cs_free(a);
    *atlas = NULL;
}

clipspan_status cs_atlas_take_layers(cs_atlas *a, size_t layers, clipspan_error *err)
{
    a->info.input = &a->input;
    a->layers = cs_alloc_zero(layers, sizeof *a->layers, "an atlas", err);
    a->layer_parts = cs_alloc_zero(layers, sizeof *a->layer_parts, "an atlas", err);
    if (!a->layers || !a->layer_parts) return CLIPSPAN_E_NOMEM;
    for (size_t l = 0; l < layers; l++) {
        a->layers[l].attention = &a->layer_parts[l].attention;
        a->layers[l].class_self_attention = &a->layer_parts[l].class_self_attention;
        a->layers[l].mlp = &a->layer_parts[l].mlp;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_atlas_take_heads(cs_atlas *a, size_t heads, size_t basis_texts,
                                    clipspan_error *err)
{
    a->heads = cs_alloc_zero(heads, sizeof *a->heads, "the heads of an atlas", err);
    a->head_parts = cs_alloc_zero(heads, sizeof *a->head_parts, "the heads of an atlas", err);
    a->basis_texts =
        cs_alloc_zero(basis_texts, sizeof *a->basis_texts, "the basis texts of an atlas", err);
    a->basis_parts =
        cs_alloc_zero(basis_texts, sizeof *a->basis_parts, "the basis texts of an atlas", err);
    a->others = cs_alloc_zero(basis_texts, sizeof *a->others, "the basis texts of an atlas", err);
    if (!a->heads || !a->head_parts || !a->basis_texts || !a->basis_parts || !a->others)
        return CLIPSPAN_E_NOMEM;
    for (size_t h = 0; h < heads; h++) {
        a->heads[h].variance_share = &a->head_parts[h].variance_share;
        a->heads[h].role = &a->head_parts[h].role;
        a->heads[h].top = a->head_parts[h].top;
        a->heads[h].bottom = a->head_parts[h].bottom;
    }
    for (size_t k = 0; k < basis_texts; k++) {
        a->basis_texts[k].basis_text = &a->basis_parts[k];
        a->basis_parts[k].runner_up = a->others[k].runner_up;
        a->basis_parts[k].near_duplicate = a->others[k].near_duplicate;
    }
    return CLIPSPAN_OK;
}

/* Takes over a text that is given back with cs_free. */
static clipspan_status own(cs_atlas *a, char *text, clipspan_error *err)
{
    clipspan_status status =
        cs_grow(&a->owned, &a->owned_room, a->owned_count + 1, sizeof *a->owned, "an atlas", err);
    if (status == CLIPSPAN_OK)
        a->owned[a->owned_count++] = text;
    else
        cs_free(text);
    return status;
}

const char *cs_atlas_keep(cs_atlas *atlas, const char *text, clipspan_error *err)
{
    char *copy = cs_strdup(text, err);
    if (!copy || own(atlas, copy, err) != CLIPSPAN_OK) return NULL;
    return copy;
}

/* ---- Facts of the run ---- */

static clipspan_status copy_text(const char **text, cs_atlas *a, clipspan_error *err)
{
    *text = cs_atlas_keep(a, *text ? *text : "", err);
    return *text ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status copy_info(cs_atlas *a, const clipspan_run_info *info, clipspan_error *err)
{
    clipspan_run_info *to = cs_alloc_zero(1, sizeof *to, "an atlas", err);
    a->info.run = a->run = to;
    if (!to) return CLIPSPAN_E_NOMEM;
    *to = *info;
    CS_TRY(copy_text(&to->path, a, err));
    CS_TRY(copy_text(&to->version, a, err));
    CS_TRY(copy_text(&to->model_name, a, err));
    CS_TRY(copy_text(&to->model_path, a, err));
    CS_TRY(copy_text(&to->model_hash, a, err));
    CS_TRY(copy_text(&to->cpu_level, a, err));
    CS_TRY(copy_text(&to->folder, a, err));
    return copy_text(&to->product, a, err);
}

/* A fact that the atlas owns, "" when there is none. */
static clipspan_status fact(const char **out, cs_atlas *a, const cs_run *run, const char *key,
                            clipspan_error *err)
{
    char *value;
    CS_TRY(cs_run_fact(&value, run, key, err));
    *out = value ? value : "";
    return value ? own(a, value, err) : CLIPSPAN_OK;
}

static clipspan_status take_facts(cs_atlas *a, const cs_run *run, clipspan_error *err)
{
    const char *resize, *kernel;
    char words[128];
    CS_TRY(fact(&a->info.activation, a, run, "model.activation", err));
    CS_TRY(fact(&a->info.folder, a, run, "images.folder", err));
    CS_TRY(fact(&resize, a, run, "preprocess.resize", err));
    CS_TRY(fact(&kernel, a, run, "preprocess.kernel", err));
    snprintf(words, sizeof words, "%s, %s", resize, kernel);
    a->info.preprocess = cs_atlas_keep(a, words, err);
    return a->info.preprocess ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status count_image(void *context, const cs_image_row *row, clipspan_error *err)
{
    cs_atlas *a = context;
    size_t i = 0;
    while (i < a->info.count_kinds && strcmp(a->counts[i].status, row->status) != 0)
        i++;
    if (i == COUNT_KINDS)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, a->info.run->path,
                          "its index has images of more than %d kinds", COUNT_KINDS);
    if (i == a->info.count_kinds) {
        a->counts[i].status = cs_atlas_keep(a, row->status, err);
        if (!a->counts[i].status) return CLIPSPAN_E_NOMEM;
        a->info.count_kinds++;
    }
    a->counts[i].images++;
    return CLIPSPAN_OK;
}

clipspan_status cs_atlas_new(cs_atlas **out, const cs_run *run, clipspan_error *err)
{
    const clipspan_run_info *info = cs_run_info(run);
    cs_atlas *a = cs_alloc_zero(1, sizeof *a, "an atlas", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    *out = NULL;
    if (!a) return CLIPSPAN_E_NOMEM;
    a->counts = cs_alloc_zero(COUNT_KINDS, sizeof *a->counts, "an atlas", err);
    if (!a->counts) goto done;
    CS_TRY_DONE(cs_atlas_take_layers(a, (size_t)info->layers, err));
    CS_TRY_DONE(copy_info(a, info, err));
    CS_TRY_DONE(take_facts(a, run, err));
    CS_TRY_DONE(cs_run_images(run, 0, info->images, count_image, a, err));
    a->info.counts = a->counts;
    *out = a;
    a = NULL;
done:
    cs_atlas_free(&a);
    return status;
}

/* ---- Images ---- */

typedef struct image_job {
    cs_atlas *atlas;
    clipspan_atlas_image *to;
} image_job;

static clipspan_status take_image(void *context, const cs_image_row *row, clipspan_error *err)
{
    const image_job *j = context;
    clipspan_atlas_image *to = j->to;
    char *file;
    to->list_index = row->list_index;
    to->path = cs_atlas_keep(j->atlas, row->path, err);
    to->label = cs_atlas_keep(j->atlas, row->label, err);
    if (!to->path || !to->label) return CLIPSPAN_E_NOMEM;
    to->file = file = cs_path_join(j->atlas->info.folder, row->path, err);
    return file ? own(j->atlas, file, err) : CLIPSPAN_E_NOMEM;
}

clipspan_status cs_atlas_take_images(cs_atlas *atlas, const cs_run *run, clipspan_error *err)
{
    for (size_t i = 0; i < atlas->info.images; i++) {
        image_job job = {atlas, &atlas->images[i]};
        CS_TRY(cs_run_images(run, job.to->run_index, 1, take_image, &job, err));
    }
    return CLIPSPAN_OK;
}

/* ---- What follows from heads ---- */

void cs_atlas_trim(cs_atlas *a, int first, int last)
{
    size_t to = 0;
    for (size_t i = 0; i < a->info.heads; i++)
        if (a->heads[i].head.layer >= first && a->heads[i].head.layer <= last)
            a->heads[to++] = a->heads[i];
    a->info.heads = to;
    a->info.first_layer = first;
    a->info.last_layer = last;
}

static void count_role(cs_atlas *a, clipspan_atlas_head *head)
{
    const clipspan_role *role = head->role;
    const double share = head->variance_share->share;
    clipspan_atlas_layer *layer = &a->layers[head->head.layer];
    clipspan_atlas_info *info = &a->info;
    double above = 0.0;
    head->weight = 0.0;
    head->minor = info->embedding_variance > 0.0 && share < CLIPSPAN_MINOR_SHARE;
    info->heads_share += share;
    if (head->removed) {
        info->removed++;
        return;
    }
    if (role->category[0]) above = role->explained_variance[0] - fmax(role->control_variance, 0.0);
    head->weight = fmax(share, 0.0) * fmax(above, 0.0);
    info->minor += head->minor;
    if (head->minor) info->minor_share += share;
    info->tested += role->q >= 0.0;
    switch (role->outcome) {
    case CLIPSPAN_OUTCOME_ROLE:
        info->role++;
        layer->role++;
        info->role_share += share;
        break;
    case CLIPSPAN_OUTCOME_LEANING:
        info->leaning++;
        layer->leaning++;
        info->leaning_share += share;
        break;
    case CLIPSPAN_OUTCOME_AMBIGUOUS:
        info->ambiguous++;
        layer->ambiguous++;
        break;
    case CLIPSPAN_OUTCOME_NONE: info->none++; break;
    default: info->too_few++; break;
    }
}

static void clear_sums(cs_atlas *a)
{
    clipspan_atlas_info *info = &a->info;
    info->role = info->leaning = info->ambiguous = info->none = info->too_few = 0;
    info->tested = info->removed = info->minor = 0;
    info->role_share = info->leaning_share = info->minor_share = info->heads_share = 0.0;
    info->distinct = 0;
    for (size_t t = 0; t < info->texts; t++) {
        a->texts[t].heads = 0;
        a->texts[t].best = 0.0;
        a->texts[t].best_head = 0;
    }
}

static void count_texts(cs_atlas *a, size_t at)
{
    const clipspan_atlas_head *head = &a->heads[at];
    for (int k = 0; k < head->basis_texts; k++) {
        const clipspan_basis_text *basis_text = head->basis_text[k].basis_text;
        clipspan_atlas_text *text = &a->texts[basis_text->text];
        if (text->heads++ == 0) a->info.distinct++;
        if (basis_text->share > text->best) {
            text->best = basis_text->share;
            text->best_head = at;
        }
    }
}

void cs_atlas_sum_up(cs_atlas *a)
{
    clipspan_atlas_info *info = &a->info;
    double all = 0.0, named = 0.0, control_named = 0.0;
    size_t at = 0;
    clear_sums(a);
    for (int l = 0; l < info->run->layers; l++) {
        clipspan_atlas_layer *layer = &a->layers[l];
        double variance = 0.0, real = 0.0, null = 0.0;
        layer->role = layer->leaning = layer->ambiguous = 0;
        for (; at < info->heads && a->heads[at].head.layer == l; at++) {
            const clipspan_atlas_head *head = &a->heads[at];
            variance += head->variance;
            if (head->basis_texts) {
                real += head->variance * head->basis_text[head->basis_texts - 1].cumulated;
                null += head->variance * head->basis_text[head->basis_texts - 1].control_cumulated;
            }
            a->heads[at].removed = info->embedding_variance > 0.0 && head->variance == 0.0 &&
                                   head->variance_share->variance == 0.0;
            count_role(a, &a->heads[at]);
            count_texts(a, at);
        }
        layer->named = variance > 0.0 ? real / variance : -1.0;
        layer->control_named = variance > 0.0 ? null / variance : -1.0;
        all += variance;
        named += real;
        control_named += null;
    }
    info->expected_false_claims = info->fdr * (info->role + info->leaning);
    info->named = all > 0.0 ? named / all : -1.0;
    info->control_named = all > 0.0 ? control_named / all : -1.0;
}
