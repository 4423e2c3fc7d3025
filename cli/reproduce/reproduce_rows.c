/* SPDX-License-Identifier: MIT */
/* The tables' rows from the work of effects, ablate and segment. */
#include "base/memory.h"
#include "cli/effects/ablate_out.h"
#include "cli/effects/effects_rows.h"
#include "cli/in/texts.h"
#include "cli/out/numbers.h"
#include "cli/reproduce/reproduce.h"
#include "cli/visual/segment.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define RANDOM_HEADS 10 /* of a published random set */

/* ---- Tables 1, figures 2 and 3 ---- */

static int is_wanted(const cli_reproduction *r, cli_effect_kind kind)
{
    if (kind == CLI_EFFECT_NOTHING) return 1;
    if (strcmp(r->table->name, "mlp-ablation") == 0) return kind <= CLI_EFFECT_BOTH;
    if (strcmp(r->table->name, "layers") == 0) return kind == CLI_EFFECT_UNTIL;
    return kind == CLI_EFFECT_TEXTS;
}

static void count_row(cli_row *row, uint64_t correct, uint64_t images)
{
    if (!row) return;
    row->measured = row->counted = images > 0;
    row->correct = correct;
    row->images = images;
    row->value = images ? (double)correct / (double)images : 0.0;
    cli_interval(&row->low, &row->high, correct, images);
}

static clipspan_status add_effect(cli_reproduction *r, const cli_effect *e, clipspan_error *err)
{
    char what[48];
    cli_row *row;
    snprintf(what, sizeof what, "%s", cli_effect_name(e->kind));
    if (e->kind == CLI_EFFECT_UNTIL) snprintf(what, sizeof what, "attention_until_%d", e->layer);
    if (e->kind == CLI_EFFECT_TEXTS) snprintf(what, sizeof what, "texts_%d", e->basis_texts);
    row = cli_reproduce_row(r, what, "accuracy", err);
    if (!row) return CLIPSPAN_E_NOMEM;
    cli_effect_words(row->words, e);
    count_row(row, e->correct, e->images);
    if (e->kind != CLI_EFFECT_TEXTS) return CLIPSPAN_OK;
    row = cli_reproduce_row(r, what, "texts", err);
    if (!row) return CLIPSPAN_E_NOMEM;
    snprintf(row->words, sizeof row->words, "  different texts among them");
    row->measured = 1;
    row->value = (double)e->texts;
    return CLIPSPAN_OK;
}

static clipspan_status measure_effects(cli_reproduction *r, cli_effect_work *w, cli_evaluation *ev,
                                       clipspan_error *err)
{
    const int texts = strcmp(r->table->name, "texts") == 0;
    const cli_effect_texts choice = {.pool = r->x->pool, .basis_texts = r->x->basis_texts};
    CS_TRY(cli_reproduce_open(ev, r, texts, err));
    CS_TRY(cli_evaluation_start(ev, NULL, 0, err));
    CS_TRY(cli_effects_sequence(w, ev, err));
    CS_TRY(cli_effects_run(w, err));
    if (texts) CS_TRY(cli_effects_texts(w, &choice, err));
    for (size_t i = 0; i < w->list.count; i++)
        if (is_wanted(r, w->list.rows[i].kind)) CS_TRY(add_effect(r, &w->list.rows[i], err));
    return CLIPSPAN_OK;
}

clipspan_status cli_reproduce_effects(cli_reproduction *r, clipspan_error *err)
{
    cli_effect_work work;
    cli_evaluation ev;
    clipspan_status status;
    memset(&work, 0, sizeof work);
    memset(&ev, 0, sizeof ev);
    status = measure_effects(r, &work, &ev, err);
    cli_effects_fini(&work);
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
static void group_words(char out[64], const cli_evaluation *ev, int32_t group)
{
    static const char *const places[] = {"land", "water"};
    const char *name = group < 0 ? "" : ev->group_names[group];
    out[0] = '\0';
    if (strlen(name) != 3) return;
    snprintf(out, 64, "%.40s on %s", clipspan_texts_get_text(ev->classes, (size_t)(name[0] == '1')),
             places[name[2] == '1']);
}

static clipspan_status add_birds(cli_reproduction *r, const cli_evaluation *ev,
                                 const cli_ablation *whole, const cli_ablation *alone,
                                 clipspan_error *err)
{
    const cli_trial *best = &whole->trials[cli_best_trial(ev, whole)];
    const cli_trial *other = &alone->trials[cli_best_trial(ev, alone)];
    const struct {
        const char *what, *words;
        const clipspan_share *share;
        int32_t group;
        const clipspan_change *heads;
        size_t count;
    } worst[] = {
        {"nothing", "nothing", &whole->worst.before, whole->worst.group, NULL, 0},
        {"heads", "listed and rest", &whole->worst.after, whole->worst.group_after,
         whole->components.changes, whole->chosen},
        {"random", "random and rest", &best->worst.after, best->worst.group_after, best->heads,
         best->count},
        {"heads_alone", "listed only", &alone->worst.after, alone->worst.group_after,
         alone->components.changes, alone->chosen},
        {"random_alone", "random only", &other->worst.after, other->worst.group_after, other->heads,
         other->count},
    };
    char part[64];
    for (size_t i = 0; i < sizeof worst / sizeof *worst; i++) {
        group_words(part, ev, worst[i].group);
        CS_TRY(
            add_share(r, worst[i].what, "worst_group", part, worst[i].words, worst[i].share, err));
        cli_components_words(r->rows[r->count - 1].heads, sizeof r->rows->heads, worst[i].heads,
                             worst[i].count);
    }
    CS_TRY(add_share(r, "nothing", "accuracy", "all", "all", &whole->overall.before, err));
    CS_TRY(add_share(r, "heads", "accuracy", "all", "all", &whole->overall.after, err));
    for (size_t g = 0; g < ev->group_count; g++) {
        group_words(part, ev, (int32_t)g);
        CS_TRY(add_share(r, "nothing", "group", part, part, &whole->per_group[g].before, err));
        CS_TRY(add_share(r, "heads", "group", part, part, &whole->per_group[g].after, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status measure_birds(cli_reproduction *r, cli_evaluation *ev, cli_ablation *whole,
                                     cli_ablation *alone, clipspan_error *err)
{
    cli_ablation_choice choice = {0};
    const int L = r->layers;
    CS_TRY(cli_reproduce_heads(&choice.heads, r, err));
    CS_TRY(cli_reproduce_open(ev, r, 0, err));
    CS_TRY(cli_evaluation_start(ev, NULL, 0, err));
    alone->random_heads = whole->random_heads = RANDOM_HEADS;
    CS_TRY(cli_ablation_choose(alone, ev, &choice, err));
    CS_TRY(cli_ablation_run(alone, ev, err));
    choice.mlps = 1;
    choice.before = L > 4 ? (uint64_t)(L - 4) : 0;
    CS_TRY(cli_ablation_choose(whole, ev, &choice, err));
    CS_TRY(cli_ablation_run(whole, ev, err));
    cli_reproduce_remark(
        r,
        "Different heads listed: %zu. Random sets are of %d heads, the best of %zu by "
        "worst group (--random, --seed).",
        whole->chosen_heads, RANDOM_HEADS, whole->trial_count);
    return add_birds(r, ev, whole, alone, err);
}

clipspan_status cli_reproduce_ablation(cli_reproduction *r, clipspan_error *err)
{
    cli_ablation whole, alone;
    cli_evaluation ev;
    clipspan_status status;
    memset(&whole, 0, sizeof whole);
    memset(&alone, 0, sizeof alone);
    memset(&ev, 0, sizeof ev);
    status = measure_birds(r, &ev, &whole, &alone, err);
    cli_ablation_fini(&whole);
    cli_ablation_fini(&alone);
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
