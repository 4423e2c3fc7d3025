/* SPDX-License-Identifier: MIT */
/* Remedies for programs: rows here, the document is the library's. */
#include "cli/effects/shortcut_out.h"
#include "cli/out/comparison_out.h"
#include "cli/out/put.h"
#include "cli/out/rows.h"

#include <math.h>
#include <stdio.h>

static const char *const kinds[] = {"nothing", "ablate", "cue_surgery", "text_projection",
                                    "whole_embedding"};

void cli_remedy_words(char out[64], clipspan_remedy_kind kind, size_t heads, size_t LH)
{
    const char *noun = heads == 1 ? "head" : "heads";
    switch (kind) {
    case CLIPSPAN_REMEDY_NONE: snprintf(out, 64, "nothing"); break;
    case CLIPSPAN_REMEDY_ABLATE: snprintf(out, 64, "mean-ablate %zu %s", heads, noun); break;
    case CLIPSPAN_REMEDY_SURGERY:
        if (heads == LH)
            snprintf(out, 64, "cue surgery, all heads");
        else
            snprintf(out, 64, "cue surgery, %zu %s", heads, noun);
        break;
    case CLIPSPAN_REMEDY_PROJECT: snprintf(out, 64, "text projection"); break;
    case CLIPSPAN_REMEDY_REGRESS: snprintf(out, 64, "whole embedding"); break;
    }
}

void cli_remedy_warn(cli_session *s, const clipspan_cues *cues)
{
    const clipspan_cues_info *info = clipspan_cues_get_info(cues);
    if (!info->names_class) return;
    cli_note(s,
             "warning: the cue \"%s\" names the class \"%s\": what it explains is the class "
             "itself, and nothing spurious; %s",
             info->words, info->names_class,
             info->found ? "give the cue that is suspected with --cue"
                         : "give texts that name no class");
}

/* ---- Rows: figures of a remedy each, over all images, a group, other classes ---- */

typedef struct row_of {
    const clipspan_evaluation_info *evaluation;
    const clipspan_remedy_pair *pair;
    const char *what;
    clipspan_remedy_kind kind;
    size_t heads;
    double correlation; /* not a number: not known */
    const char *pool;   /* where the cue was looked for; NULL */
} row_of;

static clipspan_status add_row(cli_rows *rows, const row_of *r, const char *of, const char *name,
                               const clipspan_comparison *c, clipspan_error *err)
{
    cli_rows_text(rows, r->pair->class_a);
    cli_rows_text(rows, r->pair->class_b);
    cli_rows_text(rows, r->what);
    cli_rows_text(rows, kinds[r->kind]);
    cli_rows_whole(rows, r->heads);
    if (isfinite(r->correlation))
        cli_rows_real(rows, r->correlation);
    else
        cli_rows_text(rows, "");
    cli_rows_text(rows, of);
    cli_rows_text(rows, name);
    cli_comparison_cells(rows, c);
    cli_rows_text(rows, r->pool ? r->pool : "");
    return cli_rows_next(rows, err);
}

static clipspan_status add_figures(cli_rows *rows, const row_of *r,
                                   const clipspan_comparison *overall,
                                   const clipspan_comparison *worst, clipspan_error *err)
{
    CS_TRY(add_row(rows, r, "overall", "", overall, err));
    if (!worst) return CLIPSPAN_OK;
    return add_row(rows, r, "worst_group", r->evaluation->group_names[worst->group_after], worst,
                   err);
}

static clipspan_status add_remedies(cli_rows *rows, const clipspan_remedy *remedy, size_t pair,
                                    row_of *row, clipspan_error *err)
{
    for (size_t k = 0; k < row->pair->rows; k++) {
        const clipspan_remedy_row *r = clipspan_remedy_get_row(remedy, pair, k);
        row->what = r->name;
        row->kind = r->kind;
        row->heads = r->heads;
        row->correlation = r->correlation;
        CS_TRY(add_figures(rows, row, r->overall, r->worst, err));
        for (size_t g = 0; g < row->evaluation->groups; g++)
            CS_TRY(add_row(rows, row, "group", row->evaluation->group_names[g],
                           clipspan_remedy_get_group(remedy, pair, k, g), err));
    }
    return CLIPSPAN_OK;
}

/* A row a set: its accuracy and that of its worst group stand under `after`. */
static clipspan_status add_random(cli_rows *rows, const row_of *row, const clipspan_random_sets *r,
                                  clipspan_error *err)
{
    for (size_t t = 0; r && t < r->sets; t++)
        for (size_t k = 0; k < (r->worst ? 2 : 1); k++) {
            cli_rows_text(rows, row->pair->class_a);
            cli_rows_text(rows, row->pair->class_b);
            cli_rows_text(rows, "random");
            cli_rows_text(rows, kinds[row->kind]);
            cli_rows_whole(rows, r->heads_of_set);
            cli_rows_text(rows, "");
            cli_rows_text(rows, k ? "worst_group" : "overall");
            for (size_t i = 0; i < 5; i++)
                cli_rows_text(rows, "");
            cli_rows_real(rows, k ? r->worst[t] : r->accuracy[t]);
            for (size_t i = 0; i < 5; i++)
                cli_rows_text(rows, "");
            CS_TRY(cli_rows_next(rows, err));
        }
    return CLIPSPAN_OK;
}

static clipspan_status add_pair(cli_rows *rows, const clipspan_remedy *remedy, size_t pair,
                                clipspan_error *err)
{
    const clipspan_remedy_row *chosen = clipspan_remedy_get_row(remedy, pair, 1);
    row_of row = {.evaluation = clipspan_remedy_get_info(remedy)->evaluation,
                  .pair = clipspan_remedy_get_pair(remedy, pair),
                  .pool = clipspan_remedy_get_info(remedy)->cue->pool};
    CS_TRY(add_remedies(rows, remedy, pair, &row, err));
    row.kind = chosen->kind;
    row.heads = chosen->heads;
    row.correlation = (double)NAN;
    CS_TRY(add_random(rows, &row, clipspan_remedy_get_random(remedy, pair), err));
    row.what = "chosen";
    for (size_t i = 0; i < row.pair->sides; i++) {
        const clipspan_remedy_side *side = clipspan_remedy_get_side(remedy, pair, i);
        if (side->overall) CS_TRY(add_row(rows, &row, "also", side->name, side->overall, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status show_rows(const cli_session *s, const clipspan_remedy *remedy,
                                 clipspan_error *err)
{
    clipspan_status status;
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, s, NULL, 0, err));
    status = cli_rows_header(rows,
                             "class_a|class_b|what|remedy|heads|correlation|of|name|images|before|"
                             "before_low|before_high|after|after_low|after_high|change|change_low|"
                             "change_high|pool",
                             err);
    for (size_t i = 0; i < clipspan_remedy_get_info(remedy)->pairs && status == CLIPSPAN_OK; i++)
        status = add_pair(rows, remedy, i, err);
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

clipspan_status cli_remedy_show(const cli_session *s, const clipspan_remedy *remedy,
                                clipspan_error *err)
{
    if (s->form == CLI_FORM_TSV) return show_rows(s, remedy, err);
    if (s->form == CLI_FORM_TABLE) return cli_remedy_print(s, remedy, err);
    clipspan_remedy_write_json(remedy, 0, cli_put, stdout);
    return CLIPSPAN_OK;
}
