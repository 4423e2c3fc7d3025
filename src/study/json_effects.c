/* SPDX-License-Identifier: MIT */
/* clipspan.effects.v1: rows of mean-ablations, written and read. */
#include "base/memory.h"
#include "study/json_parts.h"
#include "study/study_json.h"

#include <math.h>
#include <string.h>

/* Where rows of these kinds stand. */
static const struct {
    const char *key;
    clipspan_effect_kind first, last;
} lists[] = {{"sequence", CLIPSPAN_EFFECT_NOTHING, CLIPSPAN_EFFECT_UNTIL},
             {"layers", CLIPSPAN_EFFECT_LAYER, CLIPSPAN_EFFECT_LAYER},
             {"mlps", CLIPSPAN_EFFECT_MLP, CLIPSPAN_EFFECT_MLP},
             {"heads", CLIPSPAN_EFFECT_HEAD, CLIPSPAN_EFFECT_HEAD},
             {"texts", CLIPSPAN_EFFECT_TEXTS, CLIPSPAN_EFFECT_TEXTS}};
#define LISTS (sizeof lists / sizeof *lists)

static void put_real(cs_json_writer *j, const char *key, double value)
{
    cs_json_put_digits(j, key, value, CS_JSON_DIGITS);
}

static void put_row(cs_json_writer *j, const cs_effects_table *t, const clipspan_effect *e)
{
    const int single = e->kind >= CLIPSPAN_EFFECT_LAYER && e->kind <= CLIPSPAN_EFFECT_HEAD;
    cs_json_put_row(j, NULL);
    cs_json_put_text(j, "ablated", e->kind_name);
    if (single || e->kind == CLIPSPAN_EFFECT_UNTIL) {
        cs_json_put_text(j, "name", e->name);
        if (e->layer >= 0) cs_json_put_whole(j, "layer", (uint64_t)e->layer);
    }
    if (e->kind == CLIPSPAN_EFFECT_HEAD) cs_json_put_whole(j, "head", (uint64_t)e->head);
    if (e->kind == CLIPSPAN_EFFECT_TEXTS) {
        cs_json_put_whole(j, "basis_texts", (uint64_t)e->texts_per_head);
        cs_json_put_whole(j, "texts", e->texts);
    }
    cs_json_put_whole(j, "correct", e->correct);
    put_real(j, "accuracy", e->accuracy);
    put_real(j, "low", e->low);
    put_real(j, "high", e->high);
    put_real(j, "margin", e->margin);
    put_real(j, "drop", e->accuracy_drop);
    put_real(j, "margin_drop", e->margin_drop);
    if (e->worst_group >= 0) {
        cs_json_put_text(j, "worst_group", t->facts.info.group_names[e->worst_group]);
        put_real(j, "worst", e->worst);
        put_real(j, "worst_drop", e->worst_drop);
    }
    if (single) {
        put_real(j, "share", e->share);
        put_real(j, "variance", e->variance);
    }
    cs_json_put_end(j);
}

static void put_list(cs_json_writer *j, const cs_effects_table *t, size_t list)
{
    cs_json_put_array(j, lists[list].key);
    for (size_t i = 0; i < t->info.rows; i++)
        if (t->rows[i].kind >= lists[list].first && t->rows[i].kind <= lists[list].last)
            put_row(j, t, &t->rows[i]);
    cs_json_put_end(j);
}

void cs_effects_table_json(const cs_effects_table *t,
                           void (*put)(void *to, const char *text, size_t size), void *to)
{
    const clipspan_evaluation_info *info = &t->facts.info;
    cs_json_writer j;
    cs_json_begin(&j, put, to, CS_JSON_INDENTED, "clipspan.effects.v1");
    cs_json_put_text(&j, "run", info->run);
    cs_json_put_text(&j, "effect", "direct");
    cs_json_put_text(&j, "means", info->means);
    cs_json_put_labels(&j, info);
    cs_json_put_flag(&j, "labelled", !info->agreement);
    cs_json_put_whole(&j, "classes", info->classes);
    cs_json_put_whole(&j, "images", info->counted);
    cs_json_put_whole(&j, "unlabelled", info->unlabelled);
    cs_json_put_whole(&j, "groups", info->groups);
    if (info->groups) cs_json_put_names(&j, "group_names", info->group_names, info->groups);
    if (info->groups) cs_json_put_whole(&j, "ungrouped", info->ungrouped);
    for (size_t i = 0; i + 1 < LISTS; i++)
        put_list(&j, t, i);
    if (t->info.layers) {
        if (t->info.pool) cs_json_put_text(&j, "pool", t->info.pool);
        cs_json_put_whole(&j, "first_layer", (uint64_t)t->info.first_layer);
        cs_json_put_whole(&j, "replaced_layers", (uint64_t)t->info.layers);
        put_list(&j, t, LISTS - 1);
    }
    cs_json_finish(&j);
}

/* ---- Reading ---- */

#define LAYERS 100000 /* and heads, texts: more than any model has */
#define LARGE  1e30   /* beyond any margin or variance */

static clipspan_status read_kind(clipspan_effect_kind *out, const cs_json *in, size_t list,
                                 clipspan_error *err)
{
    const char *word = "";
    CS_TRY(cs_json_text(&word, in, "ablated", err));
    for (int k = (int)lists[list].first; k <= (int)lists[list].last; k++)
        if (strcmp(word, cs_effect_kind_name((clipspan_effect_kind)k)) == 0) {
            *out = (clipspan_effect_kind)k;
            return CLIPSPAN_OK;
        }
    return cs_json_unexpected(in, "ablated", cs_effect_kind_name(lists[list].first),
                              CLIPSPAN_E_FORMAT, err);
}

/* Groups that rows name; where the document does not list them, in order of appearance. */
static clipspan_status add_group(cs_effects_table *t, const cs_json *in, clipspan_error *err)
{
    const size_t count = t->facts.info.groups;
    const char *name = NULL, **names;
    clipspan_status status;
    CS_TRY(cs_json_text(&name, in, "worst_group", err));
    for (size_t i = 0; i < count; i++)
        if (name && strcmp(t->facts.info.group_names[i], name) == 0) return CLIPSPAN_OK;
    if (!name) return CLIPSPAN_OK;
    names = cs_alloc(count + 1, sizeof *names, "groups", err);
    if (!names) return CLIPSPAN_E_NOMEM;
    memcpy(names, t->facts.info.group_names, count * sizeof *names);
    names[count] = name;
    status = cs_facts_groups(&t->facts, names, count + 1, err);
    cs_free(names);
    return status;
}

static clipspan_status read_worst(clipspan_effect *e, cs_effects_table *t, const cs_json *in,
                                  clipspan_error *err)
{
    CS_TRY(cs_json_place(&e->worst_group, in, "worst_group", t->facts.info.group_names,
                         t->facts.info.groups, err));
    if (e->worst_group < 0) return CLIPSPAN_OK;
    CS_TRY(cs_json_number(&e->worst, in, "worst", 0, 1, err));
    return cs_json_number(&e->worst_drop, in, "worst_drop", -1, 1, err);
}

static clipspan_status read_row(cs_effects_table *t, const cs_json *in, size_t list,
                                clipspan_error *err)
{
    clipspan_effect_kind kind = CLIPSPAN_EFFECT_NOTHING;
    clipspan_effect *e;
    int layer = -1, head = -1, texts = 0;
    CS_TRY(read_kind(&kind, in, list, err));
    CS_TRY(cs_json_int(&layer, in, "layer", 0, LAYERS, err));
    CS_TRY(cs_json_int(&head, in, "head", 0, LAYERS, err));
    CS_TRY(cs_json_int(&texts, in, "basis_texts", 0, LAYERS, err));
    if (layer < 0 && kind >= CLIPSPAN_EFFECT_UNTIL && kind <= CLIPSPAN_EFFECT_HEAD &&
        kind != CLIPSPAN_EFFECT_MLP)
        return cs_json_unexpected(in, "layer", "a layer", CLIPSPAN_E_FORMAT, err);
    if (head < 0 && kind == CLIPSPAN_EFFECT_HEAD)
        return cs_json_unexpected(in, "head", "a head", CLIPSPAN_E_FORMAT, err);
    CS_TRY(cs_effects_table_add(&e, t, kind, layer, head, texts, err));
    CS_TRY(cs_json_count(&e->texts, in, "texts", err));
    CS_TRY(cs_json_count(&e->correct, in, "correct", err));
    CS_TRY(cs_json_number(&e->accuracy, in, "accuracy", 0, 1, err));
    CS_TRY(cs_json_number(&e->low, in, "low", 0, 1, err));
    CS_TRY(cs_json_number(&e->high, in, "high", 0, 1, err));
    CS_TRY(cs_json_number(&e->accuracy_drop, in, "drop", -1, 1, err));
    CS_TRY(cs_json_number(&e->margin, in, "margin", -LARGE, LARGE, err));
    CS_TRY(cs_json_number(&e->margin_drop, in, "margin_drop", -LARGE, LARGE, err));
    CS_TRY(cs_json_number(&e->share, in, "share", -LARGE, LARGE, err));
    CS_TRY(cs_json_number(&e->variance, in, "variance", 0, LARGE, err));
    return read_worst(e, t, in, err);
}

static clipspan_status read_rows(cs_effects_table *t, const cs_json *in, size_t list,
                                 clipspan_error *err)
{
    size_t count;
    const int listed = json_object_get(in->object, "group_names") != NULL;
    CS_TRY(cs_json_length(&count, in, lists[list].key, err));
    for (size_t i = 0; i < count; i++) {
        cs_json item;
        CS_TRY(cs_json_item(&item, in, lists[list].key, i, err));
        if (!listed) CS_TRY(add_group(t, &item, err));
        CS_TRY(read_row(t, &item, list, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_all(cs_effects_table *t, const cs_json *in, clipspan_error *err)
{
    const char *pool = NULL;
    for (size_t i = 0; i < LISTS; i++)
        CS_TRY(read_rows(t, in, i, err));
    if (t->info.rows == 0 || t->rows[0].kind != CLIPSPAN_EFFECT_NOTHING)
        return cs_json_unexpected(in, "sequence", "a list that begins with \"nothing\"",
                                  CLIPSPAN_E_FORMAT, err);
    CS_TRY(cs_json_text(&pool, in, "pool", err));
    CS_TRY(cs_facts_keep(&t->info.pool, &t->facts, pool, err));
    CS_TRY(cs_json_int(&t->info.first_layer, in, "first_layer", 0, LAYERS, err));
    return cs_json_int(&t->info.layers, in, "replaced_layers", 0, LAYERS, err);
}

clipspan_status cs_effects_table_parse(cs_effects_table **out, const json_t *document,
                                       const char *path, clipspan_error *err)
{
    const cs_json in = cs_json_root(document, path);
    cs_evaluation_facts facts = {0};
    cs_effects_table *table = NULL;
    clipspan_status status;
    *out = NULL;
    CS_TRY_DONE(cs_json_facts(&facts, &in, err));
    CS_TRY_DONE(cs_effects_table_new(&table, &facts.info, err));
    CS_TRY_DONE(read_all(table, &in, err));
    *out = table;
    table = NULL;
done:
    cs_effects_table_free(&table);
    cs_facts_fini(&facts);
    return status;
}
