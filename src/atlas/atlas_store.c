/* SPDX-License-Identifier: MIT */
/* Atlases as JSON: numbers by place in short lists, since there are some hundred thousand. */
#include "atlas/atlas_store.h"
#include "base/memory.h"

#include <clipspan/run.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list of reals, after what is in it already. */
static json_t *add_reals(json_t *list, int count, ...)
{
    va_list values;
    va_start(values, count);
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_real(va_arg(values, double)));
    va_end(values);
    return list;
}

static void add_whole(json_t *list, uint64_t value)
{
    json_array_append_new(list, json_integer((json_int_t)value));
}

static json_t *runners_up_of(const clipspan_runner_up *runner_up, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        add_whole(list, runner_up[i].text);
        add_reals(list, 1, runner_up[i].ratio);
    }
    return list;
}

static json_t *basis_texts_of(const clipspan_atlas_head *head)
{
    json_t *list = json_array();
    for (int k = 0; k < head->basis_texts; k++) {
        const clipspan_atlas_basis_text *p = &head->basis_text[k];
        json_t *row = json_array();
        add_whole(row, p->basis_text->text);
        add_reals(row, 6, p->basis_text->share, p->basis_text->variance, p->basis_text->same_place,
                  p->basis_text->any_place, p->cumulated, p->control_cumulated);
        json_array_append_new(row,
                              runners_up_of(p->basis_text->runner_up, p->basis_text->runners_up));
        json_array_append_new(
            row, runners_up_of(p->basis_text->near_duplicate, p->basis_text->near_duplicates));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *extremes_of(const clipspan_atlas_extreme *extreme, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++) {
        add_whole(list, extreme[i].image);
        add_reals(list, 1, extreme[i].projection);
    }
    return list;
}

static json_t *role_of(const clipspan_role *r)
{
    return json_pack(
        "{s:i,s:i,s:[s?,s?,s?],s:[f,f],s:[f,f,f],s:[f,f],s:f,s:[i,i],s:[f,f],s:[f,f],s:[i,i]}",
        "outcome", (int)r->outcome, "entering", r->entering, "category", r->category[0],
        r->category[1], r->first_category, "enrichment", r->enrichment[0], r->enrichment[1], "p",
        r->p, r->q, r->relabelled_p, "explained_variance", r->explained_variance[0],
        r->explained_variance[1], "control_variance", r->control_variance, "control_above",
        r->control_above, r->control_pools, "stability", r->stability, r->category_returns, "named",
        r->named, r->control_named, "by_answers", r->by_answers, r->stand_out);
}

static json_t *head_of(const clipspan_atlas_head *h)
{
    return json_pack("{s:[i,i],s:[f,f],s:f,s:i,s:o,s:o,s:o,s:o}", "head", h->head.layer,
                     h->head.head, "variance_share", h->variance_share->share,
                     h->variance_share->variance, "variance", h->variance, "rank", h->rank, "role",
                     role_of(h->role), "basis_texts", basis_texts_of(h), "top",
                     extremes_of(h->top, h->top_count), "bottom",
                     extremes_of(h->bottom, h->bottom_count));
}

static json_t *layers_of(const cs_atlas *a)
{
    json_t *list = json_array();
    for (int l = 0; l < a->info.run->layers; l++) {
        const clipspan_atlas_layer *y = &a->layers[l];
        json_array_append_new(
            list, add_reals(json_array(), 6, y->attention->share, y->attention->variance,
                            y->class_self_attention->share, y->class_self_attention->variance,
                            y->mlp->share, y->mlp->variance));
    }
    return list;
}

/* NULL when a text is not UTF-8, or memory is short. */
static json_t *texts_of(const cs_atlas *a)
{
    json_t *list = json_array();
    for (size_t t = 0; t < a->info.texts; t++) {
        json_t *row = json_pack("[s,s]", a->texts[t].text, a->texts[t].category);
        if (!row) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *document(const cs_atlas *a)
{
    const clipspan_atlas_info *i = &a->info;
    json_t *heads = json_array(), *images = json_array(), *texts = texts_of(a), *root;
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)i->seed);
    for (size_t h = 0; h < i->heads; h++)
        json_array_append_new(heads, head_of(&a->heads[h]));
    for (size_t p = 0; p < i->images; p++)
        add_whole(images, a->images[p].run_index);
    root = json_pack(
        "{s:s,s:s,s:I,s:I,s:s,s:I,s:[i,i],s:i,s:i,s:i,s:s,s:f,s:i,s:i,s:[f,f],s:f,s:o,s:o,s:o,s:o}",
        "version", CLIPSPAN_VERSION, "pool_sha256", i->pool_hash, "pool_texts",
        (json_int_t)i->pool_texts, "pool_categories", (json_int_t)i->pool_categories,
        "control_sha256", i->control_hash, "control_texts", (json_int_t)i->control_texts, "layers",
        i->first_layer, i->last_layer, "basis_texts", i->basis_texts, "rank", i->rank, "resamples",
        i->resamples, "seed", seed, "fdr", i->fdr, "rotations", i->rotations, "control_pools",
        i->control_pools, "input", i->input->share, i->input->variance, "embedding_variance",
        i->embedding_variance, "effects", layers_of(a), "texts", texts ? texts : json_array(),
        "images", images, "heads", heads);
    if (!texts) {
        json_decref(root);
        return NULL;
    }
    return root;
}

clipspan_status cs_atlas_write_main(const cs_run *run, const char *name, int replace,
                                    clipspan_error *err)
{
    char *there = NULL;
    if (!replace) CS_TRY(cs_run_result(&there, run, CS_MAIN_KIND, CS_ATLAS_KIND, err));
    if (there) {
        cs_free(there);
        return CLIPSPAN_OK;
    }
    return cs_run_set_result(run, CS_MAIN_KIND, CS_ATLAS_KIND, name, err);
}

clipspan_status cs_atlas_write(const cs_run *run, const cs_atlas *atlas, int as_main,
                               clipspan_error *err)
{
    json_t *root = document(atlas);
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    clipspan_status status;
    json_decref(root);
    if (!text)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "results for pool \"%.60s\" cannot be kept: a text is not UTF-8, or memory "
                       "is short",
                       atlas->info.pool);
    status = cs_run_set_result(run, CS_ATLAS_KIND, atlas->info.pool, text, err);
    free(text);
    CS_TRY(status);
    return cs_atlas_write_main(run, atlas->info.pool, as_main, err);
}
