/* SPDX-License-Identifier: MIT */
/* clipspan_ablation: argument checks around study/ablation.h. */
#include "api/evaluation_api.h"
#include "api/option_structs.h"
#include "base/memory.h"
#include "study/ablation.h"
#include "study/study_json.h"

#include <clipspan/run.h>
#include <string.h>

struct clipspan_ablation {
    cs_ablation *ablation;
};

#define RESAMPLES 1000

static clipspan_status check_options(const clipspan_ablation_options *o, clipspan_error *err)
{
    if (o->change_count > 0 && !o->changes)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "there are %zu changes, but changes is NULL",
                       o->change_count);
    if (!o->atlas != !o->role)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a role is looked for in an atlas: give both or none");
    if (o->random_sets < -1 || o->random_sets > 100000)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "random_sets is %d; -1 to 100000 was expected",
                       o->random_sets);
    if (o->resamples < -1 || o->resamples > 1000000)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "resamples is %d; -1 to 1000000 was expected",
                       o->resamples);
    if (o->random_heads && !o->published)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "random_heads is %zu: how many heads a random set has is asked only of sets "
                       "as published; others match the chosen heads",
                       o->random_heads);
    return CLIPSPAN_OK;
}

/* heads : for cs_free, those that have the role. */
static clipspan_status find_role(clipspan_head **heads, cs_ablation_wish *wish,
                                 const clipspan_ablation_options *o, const clipspan_evaluation *ev,
                                 clipspan_error *err)
{
    const clipspan_atlas_info *info = clipspan_atlas_get_info(o->atlas);
    *heads = NULL;
    if (!o->role) return CLIPSPAN_OK;
    if (strcmp(info->run->model_hash, cs_run_info(ev->run->run)->model_hash) != 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, info->run->path,
                          "has an atlas of model %s, but %s is a run of %s", info->run->model_name,
                          cs_run_info(ev->run->run)->path, cs_run_info(ev->run->run)->model_name);
    *heads = cs_alloc(info->heads, sizeof **heads, "heads", err);
    if (!*heads) return CLIPSPAN_E_NOMEM;
    wish->role = o->role;
    wish->pool = info->pool;
    wish->role_heads = *heads;
    return clipspan_atlas_find_heads(*heads, &wish->role_count, info->heads, o->atlas, o->role, 0,
                                     err);
}

static clipspan_status wrap(clipspan_ablation **out, cs_ablation *ablation, clipspan_error *err)
{
    *out = cs_alloc_zero(1, sizeof **out, "an ablation", err);
    if (*out)
        (*out)->ablation = ablation;
    else
        cs_ablation_free(&ablation);
    return *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status clipspan_ablation_new(clipspan_ablation **out,
                                      const clipspan_evaluation *evaluation,
                                      const clipspan_ablation_options *options,
                                      const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_ablation_options o;
    cs_ablation_wish wish = {0};
    cs_progress_part part = {.whole = progress};
    clipspan_head *heads = NULL;
    cs_ablation *ablation;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !evaluation)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_ablation_new: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_ablation_options, err));
    CS_TRY(check_options(&o, err));
    wish.changes = o.changes;
    wish.change_count = o.change_count;
    wish.mlps = o.mlps;
    wish.before = o.before;
    wish.surgery = o.surgery;
    wish.published = o.published;
    wish.random_sets = o.random_sets < 0 || (o.surgery && !o.random_sets) ? 0
                       : o.random_sets                                    ? (size_t)o.random_sets
                       : o.published                                      ? CS_RANDOM_PUBLISHED
                                                                          : CS_RANDOM_SETS;
    wish.random_heads = o.random_heads;
    wish.resamples = o.resamples < 0 ? 0 : o.resamples ? o.resamples : RESAMPLES;
    wish.seed = o.seed;
    part.total = wish.random_sets;
    status = find_role(&heads, &wish, &o, evaluation, err);
    if (status == CLIPSPAN_OK)
        status = cs_ablation_make(&ablation, &evaluation->evaluation, &wish, &part, err);
    cs_free(heads);
    return status == CLIPSPAN_OK ? wrap(out, ablation, err) : status;
}

void clipspan_ablation_free(clipspan_ablation **ablation)
{
    if (!ablation || !*ablation) return;
    cs_ablation_free(&(*ablation)->ablation);
    cs_free(*ablation);
    *ablation = NULL;
}

const clipspan_ablation_info *clipspan_ablation_get_info(const clipspan_ablation *a)
{
    return a ? &a->ablation->info : NULL;
}

const clipspan_change *clipspan_ablation_get_change(const clipspan_ablation *a, size_t index)
{
    return a && index < a->ablation->info.changes ? &a->ablation->changes[index] : NULL;
}

const clipspan_comparison *clipspan_ablation_get_overall(const clipspan_ablation *a)
{
    return a ? &a->ablation->overall.shown : NULL;
}

const clipspan_comparison *clipspan_ablation_get_worst(const clipspan_ablation *a)
{
    return a && a->ablation->has_worst ? &a->ablation->worst.shown : NULL;
}

const clipspan_comparison *clipspan_ablation_get_class(const clipspan_ablation *a, size_t index)
{
    return a && index < a->ablation->facts.info.classes ? &a->ablation->per_class[index].shown
                                                        : NULL;
}

const clipspan_comparison *clipspan_ablation_get_group(const clipspan_ablation *a, size_t index)
{
    return a && index < a->ablation->facts.info.groups ? &a->ablation->per_group[index].shown
                                                       : NULL;
}

const clipspan_random_sets *clipspan_ablation_get_random(const clipspan_ablation *a)
{
    return a && a->ablation->random.info.sets ? &a->ablation->random.info : NULL;
}

clipspan_status clipspan_ablation_keep(const clipspan_ablation *a, const clipspan_run *run,
                                       const clipspan_run *other, clipspan_error *err)
{
    cs_clear(err);
    if (!a || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_ablation_keep: an argument is NULL");
    return cs_ablation_keep(a->ablation, run->run, other ? other->run : NULL, err);
}

clipspan_status clipspan_ablation_open(clipspan_ablation **out, const clipspan_run *run,
                                       clipspan_error *err)
{
    cs_ablation *ablation;
    int stale;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_ablation_open: an argument is NULL");
    CS_TRY(cs_ablation_read(&ablation, &stale, run->run, err));
    if (ablation) return wrap(out, ablation, err);
    return cs_study_missing(run->run, "ablate", stale, err);
}

void clipspan_ablation_write_json(const clipspan_ablation *a,
                                  void (*put)(void *to, const char *text, size_t size), void *to)
{
    if (a && put) cs_ablation_json(a->ablation, put, to);
}

const char *clipspan_change_get_name(char *out, size_t room, const clipspan_change *change)
{
    if (out && room > 0) *out = '\0';
    if (out && room > 0 && change) cs_change_name(out, room, change);
    return out;
}
