/* SPDX-License-Identifier: MIT */
/* An ablation at work: what is chosen, what comes of it, and of random sets of heads. */
#include "base/memory.h"
#include "cli/effects/ablate_out.h"

#include <clipspan/clipspan.h>
#include <string.h>

clipspan_status cli_ablation_choose(cli_ablation *a, cli_evaluation *ev,
                                    const cli_ablation_choice *x, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(ev->run);
    const clipspan_change mean = {.kind = CLIPSPAN_CHANGE_MEAN};
    if (!x->heads && !x->role && !x->mlps && !x->before)
        return cs_fail(
            err, CLIPSPAN_E_ARGUMENT,
            "nothing to ablate: name components with --heads L%d.H0,..., a role with --role, "
            "MLPs with --mlps, early layers with --before",
            info->layers - 1);
    if (x->before > (uint64_t)info->layers)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "--before: expected 1 to %d layers, found %llu",
                       info->layers, (unsigned long long)x->before);
    CS_TRY(cli_components_init(&a->components, info->layers, info->heads, err));
    if (x->heads) CS_TRY(cli_components_read(&a->components, x->heads, mean, err));
    if (x->role)
        CS_TRY(cli_components_role(&a->components, ev->mean_run ? ev->mean_run : ev->run, x->role,
                                   err));
    a->chosen = a->components.count;
    a->first_layer = x->before;
    if (x->mlps) CS_TRY(cli_components_read(&a->components, "MLPS", mean, err));
    for (int l = 0; l < (int)x->before; l++)
        for (int h = 0; h < info->heads; h++)
            CS_TRY(
                cli_components_add(&a->components, (clipspan_change){.layer = l, .head = h}, err));
    for (size_t i = 0; i < a->chosen; i++)
        a->chosen_heads += a->components.changes[i].component == CLIPSPAN_COMPONENT_HEAD;
    if (!a->random_heads) a->random_heads = a->chosen_heads;
    return CLIPSPAN_OK;
}

static clipspan_status compare(clipspan_comparison *overall, clipspan_comparison *worst,
                               cli_ablation *a, const cli_evaluation *ev, const uint8_t *after,
                               int resamples, clipspan_error *err)
{
    return clipspan_compare_run(overall, a->per_group, ev->group_count ? worst : NULL, a->before,
                                after, ev->groups, ev->N, ev->group_count, resamples, ev->x->seed,
                                err);
}

static clipspan_status answer(uint8_t *answers, cli_evaluation *ev, uint32_t *predicted,
                              const clipspan_change *changes, size_t count, clipspan_error *err)
{
    const clipspan_edit edit = {changes, count};
    CS_TRY(clipspan_effects_run(predicted, NULL, NULL, ev->effects, ev->mean_effects, &edit, 1,
                                NULL, err));
    cli_answers(answers, ev, predicted);
    return CLIPSPAN_OK;
}

/* One random set: as many heads as were chosen or asked for, none of those that --before ablates
 * anyway, with the same MLPs and early layers around it. */
static clipspan_status try_random(cli_trial *trial, cli_ablation *a, cli_evaluation *ev,
                                  cli_components *components, const clipspan_change *pool,
                                  size_t pool_count, const size_t *order, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(ev->run);
    cli_components_fini(components);
    CS_TRY(cli_components_init(components, info->layers, info->heads, err));
    for (size_t i = 0; i < a->random_heads && i < pool_count; i++)
        CS_TRY(cli_components_add(components, pool[order[i]], err));
    trial->count = components->count;
    trial->heads = cs_alloc(components->count, sizeof *trial->heads, "heads", err);
    if (!trial->heads) return CLIPSPAN_E_NOMEM;
    memcpy(trial->heads, components->changes, components->count * sizeof *trial->heads);
    for (size_t i = 0; i < a->components.count; i++)
        if (i >= a->chosen || a->components.changes[i].component != CLIPSPAN_COMPONENT_HEAD)
            CS_TRY(cli_components_add(components, a->components.changes[i], err));
    CS_TRY(answer(a->after, ev, a->predicted, components->changes, components->count, err));
    return compare(&trial->overall, &trial->worst, a, ev, a->after, 0, err);
}

/* The heads that sets are drawn from: those from layer --before on that write anything that
 * varies. A head that the model has lost does not, and would make a set look harmless. */
static clipspan_status fill_pool(clipspan_change *pool, size_t *count, const cli_evaluation *ev,
                                 size_t first_layer, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(ev->run);
    const size_t H = (size_t)info->heads, LH = (size_t)info->layers * H;
    clipspan_variance_share *variance_shares =
        cs_alloc(LH, sizeof *variance_shares, "strengths", err);
    clipspan_status status;
    *count = 0;
    if (!variance_shares) return CLIPSPAN_E_NOMEM;
    status = clipspan_run_read_variance_shares(variance_shares, NULL, NULL, NULL, ev->run, err);
    for (size_t i = first_layer * H; i < LH; i++) {
        if (status != CLIPSPAN_OK || variance_shares[i].variance == 0.0) continue;
        pool[*count].layer = (int)(i / H);
        pool[(*count)++].head = (int)(i % H);
    }
    cs_free(variance_shares);
    return status;
}

/* `trials` sets of heads, drawn without replacement each. */
static clipspan_status run_random(cli_ablation *a, cli_evaluation *ev, clipspan_error *err)
{
    const cli_evaluation_settings *x = ev->x;
    const clipspan_run_info *info = clipspan_run_get_info(ev->run);
    const size_t LH = (size_t)info->layers * (size_t)info->heads;
    clipspan_change *pool = cs_alloc_zero(LH, sizeof *pool, "heads", err);
    size_t *order = cs_alloc(LH, sizeof *order, "heads", err), count = 0, t, i;
    clipspan_status status = pool && order ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    cs_random random = {x->seed};
    cli_components components = {0};
    if (status == CLIPSPAN_OK && a->trial_count)
        status = fill_pool(pool, &count, ev, (size_t)a->first_layer, err);
    for (t = 0; t < a->trial_count && status == CLIPSPAN_OK; t++) {
        for (i = 0; i < count; i++)
            order[i] = i;
        for (i = count; i-- > 1;) {
            const size_t k = (size_t)cs_random_below(&random, i + 1), kept = order[i];
            order[i] = order[k];
            order[k] = kept;
        }
        status = try_random(&a->trials[t], a, ev, &components, pool, count, order, err);
        if (status == CLIPSPAN_OK) status = cli_keep_going(ev->session, err);
    }
    cli_components_fini(&components);
    cs_free(pool);
    cs_free(order);
    return status;
}

static clipspan_status take_room(cli_ablation *a, const cli_evaluation *ev, clipspan_error *err)
{
    const cli_evaluation_settings *x = ev->x;
    a->trial_count = a->random_heads ? (x->random ? (size_t)x->random : 5) : 0;
    a->before = cs_alloc(2 * ev->N, 1, "answers", err);
    a->predicted = cs_alloc(ev->N, sizeof *a->predicted, "predictions", err);
    a->per_group = cs_alloc_zero(ev->group_count, sizeof *a->per_group, "groups", err);
    a->per_class = cs_alloc_zero(ev->class_count, sizeof *a->per_class, "classes", err);
    a->trials = cs_alloc_zero(a->trial_count, sizeof *a->trials, "random sets", err);
    if (!a->before || !a->predicted || !a->per_group || !a->per_class || !a->trials)
        return CLIPSPAN_E_NOMEM;
    a->after = a->before + ev->N;
    return CLIPSPAN_OK;
}

clipspan_status cli_ablation_run(cli_ablation *a, cli_evaluation *ev, clipspan_error *err)
{
    const cli_evaluation_settings *x = ev->x;
    const int resamples = x->resamples ? (int)x->resamples : 1000;
    CS_TRY(take_room(a, ev, err));
    cli_answers(a->before, ev, ev->predicted);
    CS_TRY(run_random(a, ev, err));
    CS_TRY(answer(a->after, ev, a->predicted, a->components.changes, a->components.count, err));
    for (size_t i = 0; i < ev->N; i++)
        a->changed += a->predicted[i] != ev->predicted[i];
    CS_TRY(clipspan_compare_run(&a->overall, a->per_class, NULL, a->before, a->after, ev->labels,
                                ev->N, ev->class_count, resamples, x->seed, err));
    CS_TRY(compare(&a->overall, &a->worst, a, ev, a->after, resamples, err));
    cli_stage(ev->session, "components ablated");
    return CLIPSPAN_OK;
}

void cli_ablation_fini(cli_ablation *a)
{
    for (size_t t = 0; a->trials && t < a->trial_count; t++)
        cs_free(a->trials[t].heads);
    cs_free(a->trials);
    cs_free(a->before);
    cs_free(a->predicted);
    cs_free(a->per_group);
    cs_free(a->per_class);
    cli_components_fini(&a->components);
}
