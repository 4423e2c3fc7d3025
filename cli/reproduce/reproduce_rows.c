/* SPDX-License-Identifier: MIT */
/* The tables' rows from the work of effects, ablate and segment. */
#include "base/memory.h"
#include "base/wilson.h"
#include "cli/effects/ablate.h"
#include "cli/effects/ablation_out.h"
#include "cli/effects/effects.h"
#include "cli/in/texts.h"
#include "cli/out/numbers.h"
#include "cli/reproduce/reproduce.h"
#include "cli/visual/segment.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define RANDOM_HEADS 10 /* of a published random set */

/* ---- Tables 1, figures 2 and 3 ---- */

static int is_wanted(const cli_reproduction *r, clipspan_effect_kind kind)
{
    if (kind == CLIPSPAN_EFFECT_NOTHING) return 1;
    if (strcmp(r->table->name, "mlp-ablation") == 0) return kind <= CLIPSPAN_EFFECT_BOTH;
    if (strcmp(r->table->name, "layers") == 0) return kind == CLIPSPAN_EFFECT_UNTIL;
    return kind == CLIPSPAN_EFFECT_TEXTS;
}

static void count_row(cli_row *row, uint64_t correct, uint64_t images)
{
    if (!row) return;
    row->measured = row->counted = images > 0;
    row->correct = correct;
    row->images = images;
    row->value = images ? (double)correct / (double)images : 0.0;
    cs_wilson(&row->low, &row->high, correct, images);
}

static clipspan_status add_effect(cli_reproduction *r, const clipspan_effect *e, uint64_t images,
                                  clipspan_error *err)
{
    char what[48];
    cli_row *row;
    snprintf(what, sizeof what, "%s", e->kind_name);
    if (e->kind == CLIPSPAN_EFFECT_UNTIL)
        snprintf(what, sizeof what, "attention_until_%d", e->layer);
    if (e->kind == CLIPSPAN_EFFECT_TEXTS)
        snprintf(what, sizeof what, "texts_%d", e->texts_per_head);
    row = cli_reproduce_row(r, what, "accuracy", err);
    if (!row) return CLIPSPAN_E_NOMEM;
    snprintf(row->words, sizeof row->words, "%s", e->name);
    count_row(row, e->correct, images);
    if (e->kind != CLIPSPAN_EFFECT_TEXTS) return CLIPSPAN_OK;
    row = cli_reproduce_row(r, what, "texts", err);
    if (!row) return CLIPSPAN_E_NOMEM;
    snprintf(row->words, sizeof row->words, "  different texts among them");
    row->measured = 1;
    row->value = (double)e->texts;
    return CLIPSPAN_OK;
}

static clipspan_status measure_effects(cli_reproduction *r, clipspan_effects_table **table,
                                       cli_evaluation *ev, clipspan_error *err)
{
    const int texts = strcmp(r->table->name, "texts") == 0;
    cli_effects_settings settings = {.sequence_only = 1};
    if (texts) settings.pool = r->x->pool ? r->x->pool : "general";
    if (texts) settings.texts_per_head = r->x->basis_texts;
    CS_TRY(cli_reproduce_open(ev, r, texts, err));
    CS_TRY(cli_evaluation_study(ev, NULL, 0, err));
    CS_TRY(cli_effects_make(table, ev, &settings, err));
    for (size_t i = 0; i < clipspan_effects_table_get_info(*table)->rows; i++) {
        const clipspan_effect *e = clipspan_effects_table_get_row(*table, i);
        if (is_wanted(r, e->kind))
            CS_TRY(add_effect(r, e, clipspan_evaluation_get_info(ev->study)->counted, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_reproduce_effects(cli_reproduction *r, clipspan_error *err)
{
    clipspan_effects_table *table = NULL;
    cli_evaluation ev = {0};
    clipspan_status status = measure_effects(r, &table, &ev, err);
    clipspan_effects_table_free(&table);
    cli_evaluation_close(&ev);
    return status;
}

/* ---- Table 3 ---- */

static clipspan_status add_share(cli_reproduction *r, const char *what, const char *metric,
                                 const char *part, const char *words, const clipspan_share *share,
                                 clipspan_error *err)
{
    cli_row *row = cli_reproduce_row(r, what, metric, err);
    if (!row) return CLIPSPAN_E_NOMEM;
    snprintf(row->words, sizeof row->words, "%.95s", words);
    snprintf(row->part, sizeof row->part, "%.63s", part);
    count_row(row, share->correct, share->images);
    return CLIPSPAN_OK;
}

/* "waterbird on land" of the group "1/0". */
static void group_words(char out[64], const clipspan_evaluation_info *info, int32_t group)
{
    static const char *const places[] = {"land", "water"};
    const char *name = group < 0 ? "" : info->group_names[group];
    out[0] = '\0';
    if (strlen(name) != 3) return;
    snprintf(out, 64, "%.40s on %s", info->class_names[name[0] == '1'], places[name[2] == '1']);
}

/* One row of the worst group: before or after, of an ablation or of its best random set. */
static clipspan_status add_worst(cli_reproduction *r, const clipspan_ablation *a, const char *what,
                                 const char *words, int after, int random, clipspan_error *err)
{
    static const clipspan_share nothing = {0};
    static const clipspan_comparison none = {
        .before = &nothing, .after = &nothing, .group = -1, .group_after = -1};
    const clipspan_ablation_info *info = clipspan_ablation_get_info(a);
    const clipspan_random_sets *sets = clipspan_ablation_get_random(a);
    const clipspan_comparison *c = !random ? clipspan_ablation_get_worst(a)
                                   : sets  ? sets->best_worst
                                           : NULL;
    char part[64];
    cli_row *row;
    if (!c) c = &none;
    group_words(part, info->evaluation, after ? c->group_after : c->group);
    CS_TRY(add_share(r, what, "worst_group", part, words, after ? c->after : c->before, err));
    row = &r->rows[r->count - 1];
    if (random && sets)
        cli_head_words(row->heads, sizeof row->heads, sets->best_heads, sets->heads_of_set);
    if (!random && after) cli_ablation_words(row->heads, sizeof row->heads, a, info->chosen);
    return CLIPSPAN_OK;
}

static clipspan_status add_birds(cli_reproduction *r, const clipspan_ablation *whole,
                                 const clipspan_ablation *alone, clipspan_error *err)
{
    const clipspan_evaluation_info *info = clipspan_ablation_get_info(whole)->evaluation;
    const clipspan_comparison *c = clipspan_ablation_get_overall(whole);
    char part[64];
    CS_TRY(add_worst(r, whole, "nothing", "nothing", 0, 0, err));
    CS_TRY(add_worst(r, whole, "heads", "listed and rest", 1, 0, err));
    CS_TRY(add_worst(r, whole, "random", "random and rest", 1, 1, err));
    CS_TRY(add_worst(r, alone, "heads_alone", "listed only", 1, 0, err));
    CS_TRY(add_worst(r, alone, "random_alone", "random only", 1, 1, err));
    CS_TRY(add_share(r, "nothing", "accuracy", "all", "all", c->before, err));
    CS_TRY(add_share(r, "heads", "accuracy", "all", "all", c->after, err));
    for (size_t g = 0; g < info->groups; g++) {
        c = clipspan_ablation_get_group(whole, g);
        group_words(part, info, (int32_t)g);
        CS_TRY(add_share(r, "nothing", "group", part, part, c->before, err));
        CS_TRY(add_share(r, "heads", "group", part, part, c->after, err));
    }
    return CLIPSPAN_OK;
}

/* Different heads among the named components. */
static size_t count_heads(const clipspan_ablation *a)
{
    size_t count = 0;
    for (size_t i = 0; i < clipspan_ablation_get_info(a)->chosen; i++)
        count += clipspan_ablation_get_change(a, i)->component == CLIPSPAN_COMPONENT_HEAD;
    return count;
}

static clipspan_status measure_birds(cli_reproduction *r, cli_evaluation *ev,
                                     cli_ablate_choice *choice, clipspan_ablation *found[2],
                                     clipspan_error *err)
{
    cli_ablate_settings settings = {.random_heads = RANDOM_HEADS};
    const int L = r->layers;
    CS_TRY(cli_reproduce_heads(&settings.heads, r, err));
    CS_TRY(cli_reproduce_open(ev, r, 0, err));
    settings.eval = r->eval;
    settings.eval.published = 1;
    CS_TRY(cli_ablate_choose(choice, ev, &settings, err));
    CS_TRY(cli_evaluation_study(ev, NULL, 0, err));
    CS_TRY(cli_ablate_make(&found[1], ev, choice, &settings, err));
    settings.mlps = 1;
    settings.before = L > 4 ? (uint64_t)(L - 4) : 0;
    CS_TRY(cli_ablate_make(&found[0], ev, choice, &settings, err));
    cli_reproduce_remark(
        r,
        "Different heads listed: %zu. Random sets are of %d heads, the best of %zu by "
        "worst group, as published (--random, --seed).",
        count_heads(found[0]), RANDOM_HEADS,
        clipspan_ablation_get_random(found[0]) ? clipspan_ablation_get_random(found[0])->sets : 0);
    return add_birds(r, found[0], found[1], err);
}

clipspan_status cli_reproduce_ablation(cli_reproduction *r, clipspan_error *err)
{
    clipspan_ablation *found[2] = {NULL, NULL}; /* with the rest; the listed heads alone */
    cli_ablate_choice choice = {0};
    cli_evaluation ev = {0};
    clipspan_status status = measure_birds(r, &ev, &choice, found, err);
    clipspan_ablation_free(&found[0]);
    clipspan_ablation_free(&found[1]);
    cli_ablate_choice_fini(&choice);
    cli_evaluation_close(&ev);
    return status;
}

/* ---- Table 4 ---- */

static const struct {
    const char *name, *words;
} methods[] = {
    {"clipspan", "all heads"},  {"attention", "raw attention"}, {"rollout", "rollout"},
    {"patch", "final patches"}, {"value", "last values"},       {"chefer", "Chefer 2021"},
    {"gradcam", "GradCAM"},     {"partial-lrp", "partial LRP"}, {"lrp", "LRP"},
};
#define METHODS (sizeof methods / sizeof *methods)

static clipspan_status add_masks(cli_reproduction *r, const cli_segment_job *j, size_t m,
                                 int protocol, clipspan_error *err)
{
    static const char *const metrics[] = {"accuracy", "miou", "map"};
    const clipspan_segmentation *study = j->segmentation;
    const clipspan_segmentation_row *found;
    for (int k = 0; k < 3; k++) {
        cli_row *row = cli_reproduce_row(r, methods[m].name, metrics[k], err);
        if (!row) return CLIPSPAN_E_NOMEM;
        snprintf(row->words, sizeof row->words, "%s", methods[m].words);
        snprintf(row->part, sizeof row->part, "%s",
                 protocol == CLIPSPAN_PUBLISHED ? "published" : "aligned");
        if (protocol != CLIPSPAN_PUBLISHED) row->published = NULL;
        for (size_t i = 0; (found = clipspan_segmentation_get_row(study, i)) != NULL; i++) {
            if (strcmp(found->method, methods[m].name) != 0 || (int)found->protocol != protocol ||
                found->threshold != CLIPSPAN_THRESHOLD_MEAN)
                continue;
            row->measured = 1;
            row->value = k == 0 ? found->accuracy : k == 1 ? found->miou : found->map;
        }
    }
    return CLIPSPAN_OK;
}

clipspan_status cli_reproduce_segments(cli_reproduction *r, clipspan_error *err)
{
    const char *const source = r->data;
    cli_segment_settings x = {.load = r->x->load,
                              .encoder = r->x->encoder,
                              .classes = r->x->classes,
                              .out = r->x->out,
                              .masks = r->masks};
    cli_segment_job j = {.session = r->session,
                         .x = &x,
                         .model_path = r->model,
                         .sources = &source,
                         .source_count = 1};
    clipspan_status status;
    if (!cli_classes_given(&x.classes)) x.classes.list = "imagenet";
    status = cli_segment_run(&j, err);
    if (status == CLIPSPAN_OK) r->used = clipspan_segmentation_get_info(j.segmentation)->images;
    for (size_t m = 0; m < METHODS && status == CLIPSPAN_OK; m++)
        for (int p = 1; p >= 0 && status == CLIPSPAN_OK; p--)
            if (m < CLI_METHODS || p == CLIPSPAN_PUBLISHED) status = add_masks(r, &j, m, p, err);
    cli_segment_fini(&j);
    return status;
}
