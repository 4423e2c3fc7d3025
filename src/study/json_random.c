/* SPDX-License-Identifier: MIT */
/* Random sets in documents: what was drawn, the figures of all, the values of each. */
#include "study/json_random.h"
#include "base/memory.h"
#include "study/components.h"

#include <string.h>

#define SETS_MOST 100000

static void put_real(cs_json_writer *j, const char *key, double value)
{
    cs_json_put_digits(j, key, value, CS_JSON_DIGITS);
}

static void put_figure(cs_json_writer *j, const char *key, const clipspan_random_figure *f)
{
    if (!f) return;
    cs_json_put_row(j, key);
    put_real(j, "mean", f->mean);
    put_real(j, "low", f->low);
    put_real(j, "high", f->high);
    cs_json_put_whole(j, "as_good", f->as_good);
    put_real(j, "p", f->p);
    cs_json_put_end(j);
}

static void put_values(cs_json_writer *j, const char *key, const double *values, size_t count)
{
    if (!values) return;
    cs_json_put_line(j, key);
    for (size_t i = 0; i < count; i++)
        put_real(j, NULL, values[i]);
    cs_json_put_end(j);
}

void cs_json_put_worst(cs_json_writer *j, const char *key, const clipspan_evaluation_info *info,
                       const clipspan_comparison *c)
{
    if (!c) return;
    cs_json_put_row(j, key);
    cs_json_put_text(j, "group_before", info->group_names[c->group]);
    cs_json_put_text(j, "group_after", info->group_names[c->group_after]);
    cs_json_put_comparison(j, c);
    cs_json_put_end(j);
}

static void put_best(cs_json_writer *j, const clipspan_random_sets *r,
                     const clipspan_evaluation_info *info)
{
    char name[80];
    if (!r->best_overall) return;
    cs_json_put_object(j, "best");
    cs_json_put_line(j, "heads");
    for (size_t i = 0; i < r->heads_of_set; i++) {
        const clipspan_change head = {.layer = r->best_heads[i].layer,
                                      .head = r->best_heads[i].head};
        cs_change_name(name, sizeof name, &head);
        cs_json_put_text(j, NULL, name);
    }
    cs_json_put_end(j);
    cs_json_put_row(j, "overall");
    cs_json_put_comparison(j, r->best_overall);
    cs_json_put_end(j);
    cs_json_put_worst(j, "worst_group", info, r->best_worst);
    cs_json_put_end(j);
}

void cs_json_put_random(cs_json_writer *j, const cs_random_sets *sets,
                        const clipspan_evaluation_info *info)
{
    const clipspan_random_sets *r = &sets->info;
    if (!r->sets) return;
    cs_json_put_object(j, "random");
    cs_json_put_text(j, "matching", cs_matching_name(r->matching));
    cs_json_put_whole(j, "sets", r->sets);
    cs_json_put_whole(j, "heads", r->heads_of_set);
    put_real(j, "different", r->different);
    put_figure(j, "overall", r->overall);
    put_figure(j, "worst_group", r->worst_group);
    put_values(j, "accuracies", r->accuracy, r->sets);
    put_values(j, "worst_groups", r->worst, r->sets);
    put_best(j, r, info);
    cs_json_put_end(j);
}

/* ---- Reading ---- */

static clipspan_status read_figure(clipspan_random_figure *f, const cs_json *in, const char *key,
                                   clipspan_error *err)
{
    cs_json figure;
    CS_TRY(cs_json_object(&figure, in, key, err));
    CS_TRY(cs_json_number(&f->mean, &figure, "mean", 0, 1, err));
    CS_TRY(cs_json_number(&f->low, &figure, "low", 0, 1, err));
    CS_TRY(cs_json_number(&f->high, &figure, "high", 0, 1, err));
    CS_TRY(cs_json_count(&f->as_good, &figure, "as_good", err));
    return cs_json_number(&f->p, &figure, "p", 0, 1, err);
}

static clipspan_status read_values(double *out, size_t count, const cs_json *in, const char *key,
                                   clipspan_error *err)
{
    const json_t *list = json_object_get(in->object, key);
    if (!json_is_array(list) || json_array_size(list) != count)
        return cs_json_unexpected(in, key, "a number for each set", CLIPSPAN_E_FORMAT, err);
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        out[i] = json_number_value(value);
        if (!json_is_number(value) || !(out[i] >= 0.0 && out[i] <= 1.0))
            return cs_json_unexpected(in, key, "shares, 0 to 1", CLIPSPAN_E_FORMAT, err);
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_json_worst(cs_comparison *c, int *has, const cs_json *in,
                              const clipspan_evaluation_info *info, clipspan_error *err)
{
    cs_json worst;
    CS_TRY(cs_json_object(&worst, in, "worst_group", err));
    *has = worst.object != NULL;
    CS_TRY(cs_json_comparison(c, &worst, err));
    CS_TRY(cs_json_place(&c->group, &worst, "group_before", info->group_names, info->groups, err));
    CS_TRY(cs_json_place(&c->group_after, &worst, "group_after", info->group_names, info->groups,
                         err));
    if (!*has || (c->group >= 0 && c->group_after >= 0)) return CLIPSPAN_OK;
    return cs_json_unexpected(&worst, c->group < 0 ? "group_before" : "group_after", "a group",
                              CLIPSPAN_E_FORMAT, err);
}

static clipspan_status read_best(cs_random_sets *sets, const cs_json *best,
                                 const clipspan_evaluation_info *info, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const char **names;
    cs_json overall;
    size_t count;
    int has = 0;
    CS_TRY(cs_json_names(&names, &count, best, "heads", err));
    for (size_t i = 0; i < count && count == sets->info.heads_of_set && status == CLIPSPAN_OK;
         i++) {
        clipspan_change change;
        if (!cs_change_read(&change, names[i]))
            status = cs_json_unexpected(best, "heads", "a list of heads such as \"L3.H0\"",
                                        CLIPSPAN_E_FORMAT, err);
        else
            sets->best_heads[i] = (clipspan_head){change.layer, change.head};
    }
    cs_free(names);
    CS_TRY(status);
    if (count != sets->info.heads_of_set)
        return cs_json_unexpected(best, "heads", "as many heads as a set has", CLIPSPAN_E_FORMAT,
                                  err);
    CS_TRY(cs_json_object(&overall, best, "overall", err));
    CS_TRY(cs_json_comparison(&sets->best_overall, &overall, err));
    CS_TRY(cs_json_worst(&sets->best_worst, &has, best, info, err));
    cs_comparison_show(&sets->best_overall);
    cs_comparison_show(&sets->best_worst);
    if (has == (sets->info.worst != NULL)) return CLIPSPAN_OK;
    return cs_json_unexpected(best, "worst_group", "as the other sets have it", CLIPSPAN_E_FORMAT,
                              err);
}

static clipspan_status read_matching(clipspan_matching *out, const cs_json *in, clipspan_error *err)
{
    const char *name = "";
    CS_TRY(cs_json_text(&name, in, "matching", err));
    for (int k = CLIPSPAN_MATCH_LAYERS; k <= CLIPSPAN_MATCH_NUMBER; k++)
        if (strcmp(name, cs_matching_name((clipspan_matching)k)) == 0) {
            *out = (clipspan_matching)k;
            return CLIPSPAN_OK;
        }
    return cs_json_unexpected(in, "matching", "layers, effect or number", CLIPSPAN_E_FORMAT, err);
}

clipspan_status cs_json_random(cs_random_sets *sets, const cs_json *in,
                               const clipspan_evaluation_info *info, clipspan_error *err)
{
    cs_json random, best;
    int count = 0, heads = 0;
    memset(sets, 0, sizeof *sets);
    CS_TRY(cs_json_object(&random, in, "random", err));
    if (!random.object) return CLIPSPAN_OK;
    CS_TRY(cs_json_int(&count, &random, "sets", 1, SETS_MOST, err));
    CS_TRY(cs_json_int(&heads, &random, "heads", 1, 1 << 20, err));
    if (count == 0 || heads == 0)
        return cs_json_unexpected(&random, count ? "heads" : "sets", "a count", CLIPSPAN_E_FORMAT,
                                  err);
    CS_TRY(cs_json_object(&best, &random, "best", err));
    CS_TRY(cs_random_sets_new(sets, (size_t)count, (size_t)heads,
                              cs_json_has(&random, "worst_group"), best.object != NULL, err));
    CS_TRY(read_matching(&sets->info.matching, &random, err));
    CS_TRY(cs_json_number(&sets->info.different, &random, "different", 0, 1e300, err));
    CS_TRY(read_figure(&sets->overall, &random, "overall", err));
    CS_TRY(read_values(sets->accuracy, sets->info.sets, &random, "accuracies", err));
    if (sets->info.worst) {
        CS_TRY(read_figure(&sets->worst_group, &random, "worst_group", err));
        CS_TRY(read_values(sets->worst, sets->info.sets, &random, "worst_groups", err));
    }
    return best.object ? read_best(sets, &best, info, err) : CLIPSPAN_OK;
}
