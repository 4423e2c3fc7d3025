/* SPDX-License-Identifier: MIT */
/* clipspan.edit.v1 and clipspan.prune.v1: the facts of include/clipspan/edit.h, numbers with nine
 * digits. */
#include "study/json_edit.h"

#include <clipspan/model.h>
#include <clipspan/run.h>
#include <stdio.h>

#define DIGITS 9

static void put_real(cs_json_writer *j, const char *key, double value)
{
    cs_json_put_digits(j, key, value, DIGITS);
}

static void put_share(cs_json_writer *j, const char *key, const clipspan_share *share)
{
    if (share && share->images) put_real(j, key, share->share);
}

static void put_head(cs_json_writer *j, const char *key, clipspan_head head)
{
    char name[32];
    snprintf(name, sizeof name, "L%d.H%d", head.layer, head.head);
    cs_json_put_text(j, key, name);
}

/* What a set is and does, whether edited or pruned. */
static void put_set(cs_json_writer *j, const clipspan_edit_check_row *row)
{
    cs_json_put_text(j, "set", row->name);
    cs_json_put_line(j, "heads");
    for (size_t i = 0; i < row->count; i++)
        put_head(j, NULL, row->heads[i]);
    cs_json_put_end(j);
    cs_json_put_flag(j, "last_layer", row->last_layer);
    put_real(j, "distance_mean", row->distance_mean);
    put_real(j, "distance_median", row->distance_median);
    put_real(j, "distance_largest", row->distance_largest);
    put_real(j, "moved_mean", row->moved_mean);
}

static void put_row(cs_json_writer *j, const clipspan_edit_check_row *row)
{
    cs_json_put_object(j, NULL);
    put_set(j, row);
    put_share(j, "predicted", row->predicted);
    put_share(j, "real", row->network);
    cs_json_put_end(j);
}

static void put_rows(cs_json_writer *j, const cs_edit_check *e)
{
    cs_json_put_array(j, "sets");
    for (size_t i = 0; i < e->info.sets; i++)
        put_row(j, &e->rows[i]);
    cs_json_put_end(j);
}

/* What is known before images are. */
typedef struct facts {
    const char *model, *run, *output, *role, *pool;
    int dry_run;
} facts;

static void put_facts(cs_json_writer *j, const facts *f)
{
    cs_json_put_flag(j, "dry_run", f->dry_run);
    cs_json_put_text(j, "model", f->model);
    cs_json_put_text(j, "run", f->run);
    cs_json_put_text(j, "output", f->output);
    if (!f->role) return;
    cs_json_put_text(j, "role", f->role);
    cs_json_put_text(j, "pool", f->pool);
}

static void put_figures(cs_json_writer *j, const clipspan_edit_check_info *info)
{
    cs_json_put_whole(j, "images", info->used);
    cs_json_put_whole(j, "skipped", info->unreadable);
    cs_json_put_whole(j, "labelled", info->labelled);
    if (info->off >= 0) {
        cs_json_put_whole(j, "compared", info->compared);
        put_real(j, "off", info->off);
    }
    put_share(j, "before", info->before);
}

void cs_json_edit_check(cs_json_writer *j, const cs_edit_check *e, const char *output)
{
    const facts f = {e->info.model, e->info.run,  output,
                     e->info.role,  e->info.pool, e->info.used == 0};
    put_facts(j, &f);
    if (e->info.used) {
        put_figures(j, &e->info);
        put_rows(j, e);
    }
    cs_json_finish(j);
}

/* ---- Pruning ---- */

/* Shares of predictions that stay, and accuracies where there are labels. */
static void put_pruned(cs_json_writer *j, const clipspan_edit_check_row *row,
                       const clipspan_prune_forecast *f, int labelled)
{
    cs_json_put_object(j, NULL);
    put_set(j, row);
    if (f) {
        put_share(j, "predicted", f->predicted);
        put_real(j, "least", f->least);
        put_share(j, "real", f->network);
        cs_json_put_flag(j, "kept", f->kept);
        put_share(j, "direct", f->direct);
    }
    if (labelled) {
        put_share(j, "accuracy", row->network);
        put_share(j, "direct_accuracy", row->predicted);
    }
    cs_json_put_end(j);
}

static void put_forecasts(cs_json_writer *j, const cs_prune *p)
{
    const cs_edit_check *e = p->check;
    if (p->forecasts) {
        cs_json_put_text(j, "basis",
                         p->info.order == CLIPSPAN_PRUNE_DIRECT ? "direct effects" : "network");
        cs_json_put_whole(j, "predicted_on", p->forecasts->predicted->images);
        cs_json_put_whole(j, "checked_on", p->forecasts->network->images);
        cs_json_put_flag(j, "kept", p->forecasts->kept);
    }
    cs_json_put_array(j, "sets");
    for (size_t i = 0; i < e->info.sets; i++)
        put_pruned(j, &e->rows[i], p->forecasts ? &p->forecasts[i] : NULL, e->info.labelled > 0);
    cs_json_put_end(j);
}

static void put_rounds(cs_json_writer *j, const cs_prune *p)
{
    cs_json_put_array(j, "rounds");
    for (size_t i = 0; i < p->info.rounds; i++) {
        const clipspan_prune_round *round = &p->rounds[i];
        cs_json_put_row(j, NULL);
        cs_json_put_whole(j, "gone", round->gone);
        cs_json_put_whole(j, "tried", round->tried);
        cs_json_put_whole(j, "went", round->went);
        put_real(j, "least", round->least);
        put_real(j, "most", round->most);
        cs_json_put_end(j);
    }
    cs_json_put_end(j);
    cs_json_put_array(j, "ranking");
    for (size_t i = 0; i < p->count && p->info.order != CLIPSPAN_PRUNE_CHOSEN; i++) {
        cs_json_put_row(j, NULL);
        put_head(j, "head", p->rows[i].head);
        cs_json_put_whole(j, "round", p->rows[i].round);
        put_real(j, "effect", p->rows[i].effect);
        cs_json_put_end(j);
    }
    cs_json_put_end(j);
}

void cs_json_prune(cs_json_writer *j, const cs_prune *p, const char *output)
{
    static const char *const orders[] = {"network", "direct", "chosen", "path"};
    const cs_edit_check *e = p->check;
    const int dry_run = !e || e->info.used == 0;
    const facts f = {clipspan_model_get_info(p->model)->name,
                     p->facts->path,
                     output,
                     p->options.role,
                     p->options.pool,
                     dry_run};
    put_facts(j, &f);
    if (dry_run) {
        cs_json_finish(j);
        return;
    }
    put_figures(j, &e->info);
    cs_json_put_flag(j, "zero", p->info.keep_layout);
    cs_json_put_text(j, "order", orders[p->info.order]);
    cs_json_put_whole(j, "heads_of_all", p->info.heads);
    cs_json_put_whole(j, "bytes_before", e->info.bytes_before);
    cs_json_put_whole(j, "bytes_after", e->info.bytes_after);
    cs_json_put_whole(j, "parameters_before", e->info.parameters_before);
    cs_json_put_whole(j, "parameters_after", e->info.parameters_after);
    put_real(j, "seconds_before", e->info.seconds_before);
    put_real(j, "seconds_after", e->info.seconds_after);
    put_forecasts(j, p);
    if (p->info.order != CLIPSPAN_PRUNE_CHOSEN) {
        cs_json_put_whole(j, "ranked_on", p->info.ranked);
        put_real(j, "fraction", p->info.fraction);
        cs_json_put_text(j, "fraction_of", p->info.of_parameters ? "parameters" : "heads");
        put_rounds(j, p);
    }
    cs_json_finish(j);
}
