/* SPDX-License-Identifier: MIT */
/* Atlases read back from JSON: nothing is believed before it was looked at. */
#include "atlas/atlas_store.h"
#include "base/memory.h"
#include "formats/json.h"

#include <clipspan/run.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    cs_atlas *atlas;
    clipspan_error *err;
    int bad, memory; /* what was not as expected; memory was short */
    size_t basis_texts;
} reader;

static const json_t *item(reader *r, const json_t *list, size_t at)
{
    const json_t *value = json_array_get(list, at);
    r->bad |= !value;
    return value;
}

static double real(reader *r, const json_t *value)
{
    r->bad |= !json_is_number(value);
    return json_number_value(value);
}

static uint64_t whole(reader *r, const json_t *value, uint64_t below)
{
    json_int_t number = json_integer_value(value);
    if (json_is_integer(value) && number >= 0 && (uint64_t)number < below) return (uint64_t)number;
    r->bad = 1;
    return 0;
}

static const char *text(reader *r, const json_t *value)
{
    const char *copy;
    if (!json_is_string(value)) {
        r->bad = 1;
        return "";
    }
    copy = cs_atlas_keep(r->atlas, json_string_value(value), r->err);
    r->memory |= !copy;
    return copy ? copy : "";
}

static clipspan_variance_share variance_share(reader *r, const json_t *list, size_t from)
{
    clipspan_variance_share s = {real(r, item(r, list, from)), real(r, item(r, list, from + 1))};
    return s;
}

static int read_runners_up(clipspan_runner_up *out, reader *r, const json_t *list)
{
    size_t count = json_array_size(list) / 2;
    if (!json_is_array(list) || count > CLIPSPAN_RUNNERS_UP) {
        r->bad = 1;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        out[i].text = (size_t)whole(r, item(r, list, 2 * i), r->atlas->info.texts);
        out[i].ratio = real(r, item(r, list, 2 * i + 1));
    }
    return (int)count;
}

static int read_extremes(clipspan_atlas_extreme *out, reader *r, const json_t *list)
{
    size_t count = json_array_size(list) / 2;
    if (!json_is_array(list) || count > CLIPSPAN_EXTREMES) {
        r->bad = 1;
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        out[i].image = (size_t)whole(r, item(r, list, 2 * i), r->atlas->info.images);
        out[i].projection = real(r, item(r, list, 2 * i + 1));
    }
    return (int)count;
}

static void read_basis_text(reader *r, size_t at, const json_t *row)
{
    clipspan_atlas_basis_text *out = &r->atlas->basis_texts[at];
    clipspan_basis_text *part = &r->atlas->basis_parts[at];
    part->text = (size_t)whole(r, item(r, row, 0), r->atlas->info.texts);
    part->share = real(r, item(r, row, 1));
    part->variance = real(r, item(r, row, 2));
    part->same_place = real(r, item(r, row, 3));
    part->any_place = real(r, item(r, row, 4));
    out->cumulated = real(r, item(r, row, 5));
    out->control_cumulated = real(r, item(r, row, 6));
    part->runners_up = read_runners_up(r->atlas->others[at].runner_up, r, item(r, row, 7));
    part->near_duplicates =
        read_runners_up(r->atlas->others[at].near_duplicate, r, item(r, row, 8));
}

/* A name, or NULL for JSON's null. */
static const char *name_or_null(reader *r, const json_t *value)
{
    return !value || json_is_null(value) ? NULL : text(r, value);
}

static void read_pair(double out[2], reader *r, const json_t *list)
{
    out[0] = real(r, item(r, list, 0));
    out[1] = real(r, item(r, list, 1));
}

static void read_role(clipspan_role *out, reader *r, const json_t *o)
{
    const json_t *category = json_object_get(o, "category"), *p = json_object_get(o, "p"),
                 *above = json_object_get(o, "control_above"),
                 *answers = json_object_get(o, "by_answers");
    double pair[2];
    out->outcome =
        (clipspan_role_outcome)whole(r, json_object_get(o, "outcome"), CLIPSPAN_OUTCOME_ROLE + 1);
    out->entering = (int)whole(r, json_object_get(o, "entering"), 6);
    out->category[0] = name_or_null(r, item(r, category, 0));
    out->category[1] = name_or_null(r, item(r, category, 1));
    out->first_category = name_or_null(r, item(r, category, 2));
    read_pair(out->enrichment, r, json_object_get(o, "enrichment"));
    out->p = real(r, item(r, p, 0));
    out->q = real(r, item(r, p, 1));
    out->relabelled_p = real(r, item(r, p, 2));
    read_pair(out->explained_variance, r, json_object_get(o, "explained_variance"));
    out->control_variance = real(r, json_object_get(o, "control_variance"));
    out->control_above = (int)whole(r, item(r, above, 0), INT32_MAX);
    out->control_pools = (int)whole(r, item(r, above, 1), INT32_MAX);
    read_pair(pair, r, json_object_get(o, "stability"));
    out->stability = pair[0];
    out->category_returns = pair[1];
    read_pair(pair, r, json_object_get(o, "named"));
    out->named = pair[0];
    out->control_named = pair[1];
    out->by_answers = (int)whole(r, item(r, answers, 0), 2);
    out->stand_out = (int)whole(r, item(r, answers, 1), 3);
    r->bad |= out->outcome >= CLIPSPAN_OUTCOME_AMBIGUOUS && !out->category[0];
}

static void read_head(clipspan_atlas_head *h, reader *r, size_t at, const json_t *o)
{
    const clipspan_atlas_info *info = &r->atlas->info;
    const json_t *name = json_object_get(o, "head"),
                 *basis_texts = json_object_get(o, "basis_texts");
    const size_t H = (size_t)info->run->heads;
    cs_atlas_head *parts = &r->atlas->head_parts[at];
    size_t count = json_array_size(basis_texts);
    h->head.layer = (int)whole(r, item(r, name, 0), (uint64_t)info->run->layers);
    h->head.head = (int)whole(r, item(r, name, 1), H);
    r->bad |= (size_t)(h->head.layer - info->first_layer) * H + (size_t)h->head.head != at;
    parts->variance_share = variance_share(r, json_object_get(o, "variance_share"), 0);
    h->variance = real(r, json_object_get(o, "variance"));
    h->rank = (int)whole(r, json_object_get(o, "rank"), 1 << 20);
    read_role(&parts->role, r, json_object_get(o, "role"));
    h->basis_text = r->atlas->basis_texts + r->basis_texts;
    if (!json_is_array(basis_texts) || count > (size_t)info->basis_texts) r->bad = 1;
    for (size_t k = 0; k < count && !r->bad; k++)
        read_basis_text(r, r->basis_texts + k, json_array_get(basis_texts, k));
    h->basis_texts = r->bad ? 0 : (int)count;
    r->basis_texts += (size_t)h->basis_texts;
    h->top_count = read_extremes(parts->top, r, json_object_get(o, "top"));
    h->bottom_count = read_extremes(parts->bottom, r, json_object_get(o, "bottom"));
}

static void read_facts(reader *r, const json_t *root)
{
    clipspan_atlas_info *i = &r->atlas->info;
    const json_t *layers = json_object_get(root, "layers"), *seed = json_object_get(root, "seed"),
                 *effects = json_object_get(root, "effects");
    const uint64_t L = (uint64_t)i->run->layers;
    i->pool_hash = text(r, json_object_get(root, "pool_sha256"));
    i->control_hash = text(r, json_object_get(root, "control_sha256"));
    i->pool_texts = (size_t)whole(r, json_object_get(root, "pool_texts"), UINT32_MAX);
    i->control_texts = (size_t)whole(r, json_object_get(root, "control_texts"), UINT32_MAX);
    i->pool_categories = (size_t)whole(r, json_object_get(root, "pool_categories"), UINT32_MAX);
    i->first_layer = (int)whole(r, item(r, layers, 0), L);
    i->last_layer = (int)whole(r, item(r, layers, 1), L);
    i->basis_texts = (int)whole(r, json_object_get(root, "basis_texts"), 1 << 20);
    i->rank = (int)whole(r, json_object_get(root, "rank"), INT32_MAX);
    i->resamples = (int)whole(r, json_object_get(root, "resamples"), 1 << 20);
    i->seed = json_is_string(seed) ? strtoull(json_string_value(seed), NULL, 10) : 0;
    i->fdr = real(r, json_object_get(root, "fdr"));
    i->rotations = (int)whole(r, json_object_get(root, "rotations"), INT32_MAX);
    i->control_pools = (int)whole(r, json_object_get(root, "control_pools"), INT32_MAX);
    r->atlas->input = variance_share(r, json_object_get(root, "input"), 0);
    i->embedding_variance = real(r, json_object_get(root, "embedding_variance"));
    for (size_t l = 0; l < L; l++) {
        const json_t *row = item(r, effects, l);
        r->atlas->layer_parts[l].attention = variance_share(r, row, 0);
        r->atlas->layer_parts[l].class_self_attention = variance_share(r, row, 2);
        r->atlas->layer_parts[l].mlp = variance_share(r, row, 4);
    }
    r->bad |= i->last_layer < i->first_layer;
}

/* Basis texts of all heads as they are written, not as the document counts them, so that a damaged
 * number asks for no memory. */
static size_t count_basis_texts(const json_t *heads)
{
    size_t count = 0;
    for (size_t h = 0; h < json_array_size(heads); h++)
        count += json_array_size(json_object_get(json_array_get(heads, h), "basis_texts"));
    return count;
}

static clipspan_status read_tables(reader *r, const json_t *root, clipspan_error *err)
{
    cs_atlas *a = r->atlas;
    const json_t *texts = json_object_get(root, "texts"), *heads = json_object_get(root, "heads"),
                 *images = json_object_get(root, "images");
    a->info.texts = json_array_size(texts);
    a->info.images = json_array_size(images);
    a->info.heads =
        (size_t)(a->info.last_layer - a->info.first_layer + 1) * (size_t)a->info.run->heads;
    if (r->bad || json_array_size(heads) != a->info.heads) {
        r->bad = 1;
        a->info.heads = a->info.texts = a->info.images = 0;
        return CLIPSPAN_OK;
    }
    a->texts = cs_alloc_zero(a->info.texts, sizeof *a->texts, "an atlas", err);
    a->images = cs_alloc_zero(a->info.images, sizeof *a->images, "an atlas", err);
    if (!a->texts || !a->images) return CLIPSPAN_E_NOMEM;
    CS_TRY(cs_atlas_take_heads(a, a->info.heads, count_basis_texts(heads), err));
    for (size_t t = 0; t < a->info.texts; t++) {
        a->texts[t].text = text(r, item(r, json_array_get(texts, t), 0));
        a->texts[t].category = text(r, item(r, json_array_get(texts, t), 1));
    }
    for (size_t p = 0; p < a->info.images; p++)
        a->images[p].run_index = whole(r, json_array_get(images, p), a->info.run->images);
    for (size_t h = 0; h < a->info.heads && !r->bad; h++)
        read_head(&a->heads[h], r, h, json_array_get(heads, h));
    return r->memory ? CLIPSPAN_E_NOMEM : CLIPSPAN_OK;
}

/* The name in force: `name`, or what the run says is the main one. For cs_free. */
static clipspan_status choose(char **out, const cs_run *run, const char *name, clipspan_error *err)
{
    if (!name) return cs_run_result(out, run, CS_MAIN_KIND, CS_ATLAS_KIND, err);
    *out = cs_strdup(name, err);
    return *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

typedef struct names {
    char list[512];
    size_t used;
} names;

static clipspan_status add_name(void *context, const char *name, clipspan_error *err)
{
    names *n = context;
    int size;
    (void)err;
    size =
        snprintf(n->list + n->used, sizeof n->list - n->used, "%s%.60s", n->used ? ", " : "", name);
    if (size > 0 && (size_t)size < sizeof n->list - n->used) n->used += (size_t)size;
    n->list[n->used] = '\0';
    return CLIPSPAN_OK;
}

/* asked: a name was given. Without one, pools that are kept while none is the main one, or a main
 * one that is not kept, are damage: no other pool may take its place. */
static clipspan_status fail_missing(const cs_run *run, const char *name, int asked,
                                    clipspan_error *err)
{
    const char *path = cs_run_info(run)->path;
    names known = {"", 0};
    CS_TRY(cs_run_result_names(run, CS_ATLAS_KIND, add_name, &known, err));
    if (!asked && name)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "its main text pool is \"%.100s\", whose basis texts are gone; make them "
                          "again from that pool: clipspan roles RUN --texts POOL",
                          name);
    if (!asked && known.used > 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "does not say which of its text pools is the main one: %s; name one with "
                          "--texts",
                          known.list);
    if (known.used == 0)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                          "holds no basis texts yet; make them with clipspan span %s", path);
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                      "holds no basis texts from pool \"%.100s\"; it has those from %s",
                      name ? name : "", known.list);
}

static clipspan_status take_document(cs_atlas *atlas, const json_t *root, const cs_run *run,
                                     clipspan_error *err)
{
    reader r = {.atlas = atlas, .err = err};
    const json_t *version = json_object_get(root, "version");
    r.bad = !json_is_string(version) || strcmp(json_string_value(version), CLIPSPAN_VERSION) != 0;
    if (!r.bad) read_facts(&r, root);
    CS_TRY(read_tables(&r, root, err));
    if (r.memory) return CLIPSPAN_E_NOMEM;
    if (r.bad)
        return cs_fail_at(
            err, CLIPSPAN_E_FORMAT, atlas->info.run->path,
            "its basis texts from pool \"%.100s\" are damaged, or of another version of "
            "clipspan; make them again with clipspan span",
            atlas->info.pool);
    CS_TRY(cs_atlas_take_images(atlas, run, err));
    cs_atlas_sum_up(atlas);
    return CLIPSPAN_OK;
}

clipspan_status cs_atlas_read(cs_atlas **out, const cs_run *run, const char *name,
                              clipspan_error *err)
{
    clipspan_status status;
    char *chosen = NULL, *value = NULL;
    cs_atlas *atlas = NULL;
    json_t *root = NULL;
    json_error_t where;
    int memory;
    *out = NULL;
    CS_TRY_DONE(choose(&chosen, run, name, err));
    if (chosen) CS_TRY_DONE(cs_run_result(&value, run, CS_ATLAS_KIND, chosen, err));
    if (!value) {
        status = fail_missing(run, chosen, name != NULL, err);
        goto done;
    }
    CS_TRY_DONE(cs_atlas_new(&atlas, run, err));
    status = CLIPSPAN_E_NOMEM;
    atlas->info.pool = cs_atlas_keep(atlas, chosen, err);
    if (!atlas->info.pool) goto done;
    root = cs_json_load(&memory, value, strlen(value), 0,
                        &where); /* an index is at most 64 MB of text; what is no JSON is
                                          refused like what is damaged */
    if (memory) {
        status = cs_fail_memory(err, strlen(value), "a JSON document");
        goto done;
    }
    CS_TRY_DONE(take_document(atlas, root, run, err));
    *out = atlas;
    atlas = NULL;
done:
    json_decref(root);
    cs_atlas_free(&atlas);
    cs_free(chosen);
    cs_free(value);
    return status;
}
