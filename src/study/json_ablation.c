/* SPDX-License-Identifier: MIT */
/* clipspan.ablate.v1, clipspan.surgery.v1: before and after, written and read. */
#include "base/memory.h"
#include "study/json_random.h"
#include "study/study_json.h"

#include <limits.h>
#include <string.h>

static void put_changes(cs_json_writer *j, const char *key, const clipspan_change *changes,
                        size_t count)
{
    char name[80];
    cs_json_put_line(j, key);
    for (size_t i = 0; i < count; i++) {
        cs_change_name(name, sizeof name, &changes[i]);
        cs_json_put_text(j, NULL, name);
    }
    cs_json_put_end(j);
}

static void put_list(cs_json_writer *j, const char *key, const char *what, const char *const *names,
                     const cs_comparison *list, size_t count)
{
    cs_json_put_array(j, key);
    for (size_t i = 0; i < count; i++) {
        cs_json_put_row(j, NULL);
        cs_json_put_text(j, what, names[i]);
        cs_json_put_comparison(j, &list[i].shown);
        cs_json_put_end(j);
    }
    cs_json_put_end(j);
}

static void put_asked(cs_json_writer *j, const cs_ablation *a)
{
    const clipspan_evaluation_info *info = &a->facts.info;
    cs_json_put_text(j, "run", info->run);
    cs_json_put_text(j, "effect", "direct");
    cs_json_put_text(j, "means", info->means);
    cs_json_put_labels(j, info);
    if (a->info.role) cs_json_put_text(j, "role", a->info.role);
    if (a->info.role) cs_json_put_text(j, "pool", a->info.pool);
    put_changes(j, "components", a->changes, a->info.changes);
    cs_json_put_flag(j, "labelled", !info->agreement);
    cs_json_put_whole(j, "images", info->counted);
    cs_json_put_whole(j, "unlabelled", info->unlabelled);
    cs_json_put_whole(j, "ungrouped", info->ungrouped);
    cs_json_put_whole(j, "changed", a->info.changed);
    cs_json_put_whole(j, "resamples", (uint64_t)a->info.resamples);
    cs_json_put_whole(j, "seed", a->info.seed);
}

void cs_ablation_json(const cs_ablation *a, void (*put)(void *to, const char *text, size_t size),
                      void *to)
{
    const clipspan_evaluation_info *info = &a->facts.info;
    cs_json_writer j;
    cs_json_begin(&j, put, to, CS_JSON_INDENTED,
                  a->info.surgery ? "clipspan.surgery.v1" : "clipspan.ablate.v1");
    put_asked(&j, a);
    cs_json_put_row(&j, "overall");
    cs_json_put_comparison(&j, &a->overall.shown);
    cs_json_put_end(&j);
    put_list(&j, "per_class", "class", info->class_names, a->per_class, info->classes);
    if (info->groups)
        put_list(&j, "per_group", "group", info->group_names, a->per_group, info->groups);
    cs_json_put_worst(&j, "worst_group", info, a->has_worst ? &a->worst.shown : NULL);
    cs_json_put_random(&j, &a->random, info);
    cs_json_finish(&j);
}

/* ---- Reading ---- */

static clipspan_status read_changes(clipspan_change **out, size_t *count, const cs_json *in,
                                    const char *key, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const char **names;
    *out = NULL;
    CS_TRY(cs_json_names(&names, count, in, key, err));
    *out = cs_alloc(*count, sizeof **out, "components", err);
    if (!*out) status = CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < *count && status == CLIPSPAN_OK; i++)
        if (!cs_change_read(&(*out)[i], names[i]))
            status = cs_json_unexpected(in, key, "a list of components such as \"L3.H0\"",
                                        CLIPSPAN_E_FORMAT, err);
    cs_free(names);
    return status;
}

static clipspan_status read_overall(cs_comparison *c, const cs_json *in, clipspan_error *err)
{
    cs_json overall;
    CS_TRY(cs_json_object(&overall, in, "overall", err));
    if (overall.object) return cs_json_comparison(c, &overall, err);
    return cs_json_unexpected(in, "overall", "an object", CLIPSPAN_E_FORMAT, err);
}

/* Comparisons by class or group, as many as there are names. */
static clipspan_status read_list(cs_comparison *out, size_t names, const cs_json *in,
                                 const char *key, int numbered, clipspan_error *err)
{
    size_t count;
    cs_json item;
    CS_TRY(cs_json_length(&count, in, key, err));
    if (count != names)
        return cs_json_unexpected(in, key, "as many as there are names", CLIPSPAN_E_FORMAT, err);
    for (size_t i = 0; i < count; i++) {
        CS_TRY(cs_json_item(&item, in, key, i, err));
        CS_TRY(cs_json_comparison(&out[i], &item, err));
        if (numbered) out[i].group = out[i].group_after = (int32_t)i;
    }
    return CLIPSPAN_OK;
}

/* Group names stand in the list of their comparisons. */
static clipspan_status read_group_names(cs_evaluation_facts *f, const cs_json *in,
                                        clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const char **names;
    size_t count;
    CS_TRY(cs_json_length(&count, in, "per_group", err));
    names = cs_alloc_zero(count, sizeof *names, "groups", err);
    if (!names) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++) {
        cs_json item;
        status = cs_json_item(&item, in, "per_group", i, err);
        if (status == CLIPSPAN_OK) status = cs_json_text(&names[i], &item, "group", err);
        if (status == CLIPSPAN_OK && !names[i])
            status = cs_json_unexpected(&item, "group", "text", CLIPSPAN_E_FORMAT, err);
    }
    if (status == CLIPSPAN_OK) status = cs_facts_groups(f, names, count, err);
    cs_free(names);
    return status;
}

static clipspan_status read_asked(cs_ablation *a, const cs_json *in, clipspan_error *err)
{
    const char *role = NULL, *pool = NULL, *schema = "";
    CS_TRY(cs_json_text(&schema, in, "schema", err));
    a->info.surgery = strcmp(schema, "clipspan.surgery.v1") == 0;
    CS_TRY(cs_json_text(&role, in, "role", err));
    CS_TRY(cs_json_text(&pool, in, "pool", err));
    CS_TRY(cs_facts_keep(&a->info.role, &a->facts, role, err));
    CS_TRY(cs_facts_keep(&a->info.pool, &a->facts, pool, err));
    CS_TRY(read_changes(&a->changes, &a->info.changes, in, "components", err));
    CS_TRY(cs_json_count(&a->info.changed, in, "changed", err));
    CS_TRY(cs_json_int(&a->info.resamples, in, "resamples", 0, INT_MAX, err));
    return cs_json_count(&a->info.seed, in, "seed", err);
}

static clipspan_status read_all(cs_ablation *a, const cs_json *in, clipspan_error *err)
{
    const clipspan_evaluation_info *info = &a->facts.info;
    CS_TRY(read_asked(a, in, err));
    CS_TRY(read_overall(&a->overall, in, err));
    CS_TRY(read_list(a->per_class, info->classes, in, "per_class", 0, err));
    CS_TRY(read_list(a->per_group, info->groups, in, "per_group", 1, err));
    CS_TRY(cs_json_worst(&a->worst, &a->has_worst, in, info, err));
    CS_TRY(cs_json_random(&a->random, in, info, err));
    cs_ablation_finish(a);
    return CLIPSPAN_OK;
}

clipspan_status cs_ablation_parse(cs_ablation **out, const json_t *document, const char *path,
                                  clipspan_error *err)
{
    const cs_json in = cs_json_root(document, path);
    cs_evaluation_facts facts = {0};
    cs_ablation *ablation = NULL;
    clipspan_status status;
    *out = NULL;
    CS_TRY_DONE(cs_json_facts(&facts, &in, err));
    CS_TRY_DONE(read_group_names(&facts, &in, err));
    CS_TRY_DONE(cs_ablation_new(&ablation, &facts.info, err));
    CS_TRY_DONE(read_all(ablation, &in, err));
    *out = ablation;
    ablation = NULL;
done:
    cs_ablation_free(&ablation);
    cs_facts_fini(&facts);
    return status;
}
