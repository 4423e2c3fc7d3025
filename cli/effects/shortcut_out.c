/* SPDX-License-Identifier: MIT */
/* Shortcuts for people and programs. */
#include "cli/effects/shortcut_out.h"
#include "cli/effects/keep.h"

#include <clipspan/clipspan.h>
#include <string.h>

static const char *const kinds[] = {"nothing", "ablate", "cue_surgery", "text_projection",
                                    "whole_embedding"};

static const char *class_name(const cli_evaluation *ev, size_t index)
{
    return clipspan_texts_get_text(ev->classes, index);
}

void cli_remedy_words(char out[64], const clipspan_candidate *c, size_t LH)
{
    const char *heads = c->heads == 1 ? "head" : "heads";
    switch (c->remedy) {
    case CLIPSPAN_REMEDY_NONE: snprintf(out, 64, "nothing"); break;
    case CLIPSPAN_REMEDY_ABLATE: snprintf(out, 64, "mean-ablate %d %s", c->heads, heads); break;
    case CLIPSPAN_REMEDY_SURGERY:
        if ((size_t)c->heads == LH)
            snprintf(out, 64, "cue surgery, all heads");
        else
            snprintf(out, 64, "cue surgery, %d %s", c->heads, heads);
        break;
    case CLIPSPAN_REMEDY_PROJECT: snprintf(out, 64, "text projection"); break;
    case CLIPSPAN_REMEDY_REGRESS: snprintf(out, 64, "whole embedding"); break;
    }
}

void cli_side_name(char out[80], const char *given)
{
    const size_t column = strcspn(given, "=");
    const char *file = given[column] ? given : strrchr(given, '/');
    file = given[column] || !file ? given : file + 1;
    snprintf(out, 80, "%.*s", (int)strcspn(file, "=:"), file);
}

const cli_trial *cli_best_of(const cli_evaluation *ev, const cli_pair *p)
{
    cli_ablation a = {.trials = p->trials, .trial_count = p->trial_count};
    return p->trial_count ? &p->trials[cli_best_trial(ev, &a)] : NULL;
}

/* ---- Rows: figures of a remedy each, over all images, a group, other classes ---- */

typedef struct row_of {
    const cli_evaluation *ev;
    const cli_pair *pair;
    const char *what;
    clipspan_remedy_kind remedy;
    size_t heads;
    double correlation; /* below 0: not known */
} row_of;

static clipspan_status add_row(cli_rows *rows, const row_of *r, const char *of, const char *name,
                               const clipspan_comparison *c, clipspan_error *err)
{
    cli_rows_text(rows, class_name(r->ev, r->pair->a));
    cli_rows_text(rows, class_name(r->ev, r->pair->b));
    cli_rows_text(rows, r->what);
    cli_rows_text(rows, kinds[r->remedy]);
    cli_rows_whole(rows, r->heads);
    if (r->correlation < 0)
        cli_rows_text(rows, "");
    else
        cli_rows_real(rows, r->correlation);
    cli_rows_text(rows, of);
    cli_rows_text(rows, name);
    cli_comparison_cells(rows, c);
    return cli_rows_next(rows, err);
}

static clipspan_status add_figures(cli_rows *rows, const row_of *r,
                                   const clipspan_comparison *overall,
                                   const clipspan_comparison *worst,
                                   const clipspan_comparison *groups, clipspan_error *err)
{
    const cli_evaluation *ev = r->ev;
    CS_TRY(add_row(rows, r, "overall", "", overall, err));
    if (ev->group_count && worst->group >= 0)
        CS_TRY(add_row(rows, r, "worst_group", ev->group_names[worst->group_after], worst, err));
    for (size_t g = 0; groups && g < ev->group_count; g++)
        CS_TRY(add_row(rows, r, "group", ev->group_names[g], &groups[g], err));
    return CLIPSPAN_OK;
}

static clipspan_status add_pair(cli_rows *rows, const cli_evaluation *ev, const cli_pair *p,
                                clipspan_error *err)
{
    const cli_remedy *chosen = &p->remedies[1];
    row_of row = {.ev = ev, .pair = p};
    for (size_t k = 0; k < p->remedy_count; k++) {
        const cli_remedy *r = &p->remedies[k];
        row.what = r->name;
        row.remedy = r->candidate.remedy;
        row.heads = (size_t)r->candidate.heads;
        row.correlation = r->candidate.correlation;
        CS_TRY(add_figures(rows, &row, &r->overall, &r->worst, r->groups, err));
    }
    row.remedy = chosen->candidate.remedy;
    row.heads = (size_t)chosen->candidate.heads;
    row.correlation = -1.0;
    row.what = "random";
    for (size_t t = 0; t < p->trial_count; t++)
        CS_TRY(add_figures(rows, &row, &p->trials[t].overall, &p->trials[t].worst, NULL, err));
    row.what = "chosen";
    for (size_t i = 0; i < p->side_count; i++) {
        char name[80];
        cli_side_name(name, p->sides[i].name);
        if (p->sides[i].labelled)
            CS_TRY(add_row(rows, &row, "also", name, &p->sides[i].overall, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status add_rows(cli_rows *rows, const cli_evaluation *ev, const cli_findings *f,
                                clipspan_error *err)
{
    CS_TRY(cli_rows_header(rows,
                           "class_a|class_b|what|remedy|heads|correlation|of|name|images|before|"
                           "before_low|before_high|after|after_low|after_high|change|change_low|"
                           "change_high",
                           err));
    for (size_t i = 0; i < f->pair_count; i++)
        CS_TRY(add_pair(rows, ev, &f->pairs[i], err));
    return CLIPSPAN_OK;
}

static clipspan_status show_rows(const cli_evaluation *ev, const cli_findings *f,
                                 clipspan_error *err)
{
    clipspan_status status;
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, NULL, 0, err));
    status = add_rows(rows, ev, f, err);
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

/* ---- Document ---- */

static void emit_figures(cli_json *j, const cli_evaluation *ev, const clipspan_comparison *overall,
                         const clipspan_comparison *worst)
{
    cli_json_row(j, "overall");
    cli_emit_comparison(j, overall);
    cli_json_end(j);
    if (!ev->group_count || worst->group < 0) return;
    cli_json_row(j, "worst_group");
    cli_json_text(j, "group_before", ev->group_names[worst->group]);
    cli_json_text(j, "group_after", ev->group_names[worst->group_after]);
    cli_emit_comparison(j, worst);
    cli_json_end(j);
}

static void emit_groups(cli_json *j, const cli_evaluation *ev, const clipspan_comparison *groups)
{
    if (!ev->group_count) return;
    cli_json_array(j, "groups");
    for (size_t g = 0; g < ev->group_count; g++) {
        cli_json_row(j, NULL);
        cli_json_text(j, "group", ev->group_names[g]);
        cli_emit_comparison(j, &groups[g]);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void emit_heads(cli_json *j, const cli_pair *p)
{
    const clipspan_shortcut_info *info = clipspan_shortcut_get_info(p->shortcut);
    const clipspan_shortcut_head *h = clipspan_shortcut_get_heads(p->shortcut);
    char name[32];
    cli_json_array(j, "heads");
    for (size_t i = 0; i < info->heads; i++) {
        const clipspan_change c = {.layer = h[i].head.layer, .head = h[i].head.head};
        cli_component_name(name, &c);
        cli_json_row(j, NULL);
        cli_json_text(j, "head", name);
        cli_json_real(j, "variance", h[i].variance);
        cli_json_real(j, "explained", h[i].explained);
        cli_json_real(j, "ratio", h[i].ratio);
        cli_json_flag(j, "counteracts", h[i].counteracts);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void emit_candidates(cli_json *j, const cli_pair *p)
{
    const clipspan_shortcut_info *info = clipspan_shortcut_get_info(p->shortcut);
    const clipspan_candidate *c = clipspan_shortcut_get_candidates(p->shortcut);
    cli_json_whole(j, "chosen", info->chosen);
    cli_json_array(j, "candidates");
    for (size_t i = 0; i < info->candidates; i++) {
        cli_json_row(j, NULL);
        cli_json_text(j, "remedy", kinds[c[i].remedy]);
        cli_json_whole(j, "heads", (uint64_t)c[i].heads);
        cli_json_real(j, "correlation", c[i].correlation);
        cli_json_flag(j, "eligible", c[i].eligible);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void emit_remedies(cli_json *j, const cli_evaluation *ev, const cli_pair *p)
{
    cli_json_array(j, "remedies");
    for (size_t i = 0; i < p->remedy_count; i++) {
        const cli_remedy *r = &p->remedies[i];
        cli_json_object(j, NULL);
        cli_json_text(j, "what", r->name);
        cli_json_text(j, "remedy", kinds[r->candidate.remedy]);
        cli_json_whole(j, "heads", (uint64_t)r->candidate.heads);
        if (r->candidate.correlation >= 0)
            cli_json_real(j, "correlation", r->candidate.correlation);
        emit_figures(j, ev, &r->overall, &r->worst);
        emit_groups(j, ev, r->groups);
        cli_json_end(j);
    }
    cli_json_end(j);
    cli_json_array(j, "random");
    for (size_t t = 0; t < p->trial_count; t++) {
        char name[32];
        cli_json_object(j, NULL);
        cli_json_line(j, "heads");
        for (size_t i = 0; i < p->trials[t].count; i++) {
            cli_component_name(name, &p->trials[t].heads[i]);
            cli_json_text(j, NULL, name);
        }
        cli_json_end(j);
        emit_figures(j, ev, &p->trials[t].overall, &p->trials[t].worst);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void emit_forecast(cli_json *j, const cli_evaluation *ev, const cli_pair *p)
{
    cli_json_array(j, "forecast");
    for (int k = 0; k < 4; k++) {
        const cli_pseudo *g = &p->pseudo[k];
        cli_json_row(j, NULL);
        cli_json_text(j, "predicted", class_name(ev, g->side ? p->b : p->a));
        cli_json_text(j, "cue", g->positive ? "first side" : "second side");
        cli_json_whole(j, "images", g->images);
        cli_json_whole(j, "kept", g->kept);
        cli_json_real(j, "margin_before", g->before);
        cli_json_real(j, "margin_after", g->after);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void emit_pair(cli_json *j, const cli_evaluation *ev, const cli_pair *p)
{
    const clipspan_shortcut_info *info = clipspan_shortcut_get_info(p->shortcut);
    cli_json_object(j, NULL);
    cli_json_text(j, "class_a", class_name(ev, p->a));
    cli_json_text(j, "class_b", class_name(ev, p->b));
    cli_json_real(j, "variance", info->variance);
    cli_json_real(j, "explained", info->explained);
    cli_json_real(j, "counteracted", info->counteracted);
    cli_json_whole(j, "ranked", info->ranked);
    emit_heads(j, p);
    emit_candidates(j, p);
    emit_remedies(j, ev, p);
    emit_forecast(j, ev, p);
    cli_json_array(j, "side_effects");
    for (size_t i = 0; i < p->side_count; i++) {
        const cli_side *s = &p->sides[i];
        char name[80];
        cli_side_name(name, s->name);
        cli_json_object(j, NULL);
        cli_json_text(j, "name", name);
        cli_json_text(j, "classes", s->name);
        cli_json_whole(j, "images", s->images);
        cli_json_real(j, "kept", s->kept);
        if (s->labelled) {
            cli_json_row(j, "overall");
            cli_emit_comparison(j, &s->overall);
            cli_json_end(j);
        }
        cli_json_end(j);
    }
    cli_json_end(j);
    cli_json_end(j);
}

static void write_document(FILE *out, const cli_evaluation *ev, const void *what)
{
    const cli_findings *f = what;
    const cli_evaluation_settings *x = ev->x;
    char means[512];
    cli_json j;
    cli_means_words(means, ev);
    cli_json_begin(&j, out, 0, "clipspan.shortcut.v1");
    cli_json_text(&j, "run", clipspan_run_get_info(ev->run)->path);
    cli_json_text(&j, "effect", "direct");
    cli_json_text(&j, "statistics", means);
    cli_json_text(&j, "cue", f->cue);
    cli_emit_labels(&j, ev);
    cli_json_flag(&j, "labelled", ev->labelled > 0);
    cli_json_whole(&j, "images", ev->labelled ? ev->labelled : ev->N);
    cli_json_whole(&j, "unlabelled", ev->labelled ? ev->N - ev->labelled : 0);
    cli_json_whole(&j, "ungrouped", ev->group_count ? ev->ungrouped : 0);
    cli_json_whole(&j, "resamples", x->resamples ? x->resamples : 1000);
    cli_json_whole(&j, "seed", x->seed);
    if (f->cue_count) {
        cli_json_array(&j, "cues");
        for (size_t i = 0; i < f->cue_count; i++) {
            cli_json_row(&j, NULL);
            cli_json_text(&j, "text", clipspan_texts_get_text(f->pool, f->cues[i].text));
            cli_json_text(&j, "category", clipspan_texts_get_key(f->pool, f->cues[i].text) + 1);
            cli_json_real(&j, "strength", f->cues[i].strength);
            cli_json_end(&j);
        }
        cli_json_end(&j);
    }
    cli_json_array(&j, "pairs");
    for (size_t i = 0; i < f->pair_count; i++)
        emit_pair(&j, ev, &f->pairs[i]);
    cli_json_end(&j);
    cli_json_finish(&j);
}

clipspan_status cli_findings_show(const cli_evaluation *ev, const cli_findings *f,
                                  clipspan_error *err)
{
    if (ev->session->form == CLI_FORM_TSV) return show_rows(ev, f, err);
    if (ev->session->form == CLI_FORM_TABLE) return cli_findings_print(ev, f, err);
    write_document(stdout, ev, f);
    return CLIPSPAN_OK;
}

clipspan_status cli_findings_keep(const cli_evaluation *ev, const cli_findings *f,
                                  clipspan_error *err)
{
    return cli_keep(ev, "shortcut", write_document, f, err);
}
