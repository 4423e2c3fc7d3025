/* SPDX-License-Identifier: MIT */
/* Effects for people and programs. */
#include "cli/effects/effects_out.h"
#include "base/memory.h"
#include "cli/effects/keep.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BAR   24
#define SHOWN 10 /* heads that the table shows */

static const char *const kinds[] = {"nothing",
                                    "mlps",
                                    "class_self_attention",
                                    "mlps_and_class_self_attention",
                                    "attention_until",
                                    "layer",
                                    "mlp",
                                    "head",
                                    "texts"};

const char *cli_effect_name(cli_effect_kind kind)
{
    return kinds[kind];
}

void cli_effect_words(char out[96], const cli_effect *e)
{
    switch (e->kind) {
    case CLI_EFFECT_NOTHING: snprintf(out, 96, "nothing"); break;
    case CLI_EFFECT_MLPS: snprintf(out, 96, "all MLPs"); break;
    case CLI_EFFECT_CLASS: snprintf(out, 96, "class token to class token"); break;
    case CLI_EFFECT_BOTH: snprintf(out, 96, "both of these"); break;
    case CLI_EFFECT_UNTIL: snprintf(out, 96, "attention, layers 0 to %d", e->layer); break;
    case CLI_EFFECT_LAYER: snprintf(out, 96, "L%d", e->layer); break;
    case CLI_EFFECT_MLP:
        if (e->layer < 0)
            snprintf(out, 96, "input");
        else
            snprintf(out, 96, "L%d.MLP", e->layer);
        break;
    case CLI_EFFECT_HEAD: snprintf(out, 96, "L%d.H%d", e->layer, e->head); break;
    case CLI_EFFECT_TEXTS:
        snprintf(out, 96, "%d text%s a head", e->basis_texts, e->basis_texts == 1 ? "" : "s");
    }
}

static clipspan_status show_rows(const cli_evaluation *ev, const cli_effect_list *list,
                                 clipspan_error *err)
{
    const cli_effect *base = &list->rows[0];
    clipspan_status status = CLIPSPAN_OK;
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, NULL, 0, err));
    status = cli_rows_header(
        rows,
        "ablated|layer|head|basis texts|texts|images|correct|accuracy|low|high|margin|"
        "worst_group|worst|drop|margin_drop|worst_drop|share|variance",
        err);
    for (size_t i = 0; i < list->count && status == CLIPSPAN_OK; i++) {
        const cli_effect *e = &list->rows[i];
        char number[24];
        double low, high;
        cli_rows_text(rows, kinds[e->kind]);
        snprintf(number, sizeof number, "%d", e->layer);
        cli_rows_text(rows, e->layer >= 0 || e->kind == CLI_EFFECT_MLP ? number : "");
        snprintf(number, sizeof number, "%d", e->head);
        cli_rows_text(rows, e->head >= 0 ? number : "");
        snprintf(number, sizeof number, "%d", e->basis_texts);
        cli_rows_text(rows, e->basis_texts ? number : "");
        snprintf(number, sizeof number, "%zu", e->texts);
        cli_rows_text(rows, e->texts ? number : "");
        cli_rows_whole(rows, e->images);
        cli_rows_whole(rows, e->correct);
        cli_rows_real(rows, e->accuracy);
        cli_interval(&low, &high, e->correct, e->images);
        cli_rows_real(rows, low);
        cli_rows_real(rows, high);
        cli_rows_real(rows, e->margin);
        if (e->worst_group >= 0) {
            cli_rows_text(rows, ev->group_names[e->worst_group]);
            cli_rows_real(rows, e->worst);
        } else {
            cli_rows_text(rows, "");
            cli_rows_text(rows, "");
        }
        cli_rows_real(rows, base->accuracy - e->accuracy);
        cli_rows_real(rows, base->margin - e->margin);
        if (e->worst_group >= 0)
            cli_rows_real(rows, base->worst - e->worst);
        else
            cli_rows_text(rows, "");
        if (e->single) {
            cli_rows_real(rows, e->share);
            cli_rows_real(rows, e->variance);
        } else {
            cli_rows_text(rows, "");
            cli_rows_text(rows, "");
        }
        status = cli_rows_next(rows, err);
    }
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

static void emit_row(cli_json *j, const cli_evaluation *ev, const cli_effect *e,
                     const cli_effect *base)
{
    char name[96];
    double low, high;
    cli_effect_words(name, e);
    cli_json_row(j, NULL);
    cli_json_text(j, "ablated", kinds[e->kind]);
    if (e->single || e->kind == CLI_EFFECT_UNTIL) {
        cli_json_text(j, "name", name);
        if (e->layer >= 0) cli_json_whole(j, "layer", (uint64_t)e->layer);
    }
    if (e->kind == CLI_EFFECT_HEAD) cli_json_whole(j, "head", (uint64_t)e->head);
    if (e->kind == CLI_EFFECT_TEXTS) {
        cli_json_whole(j, "basis_texts", (uint64_t)e->basis_texts);
        cli_json_whole(j, "texts", e->texts);
    }
    cli_json_whole(j, "correct", e->correct);
    cli_json_real(j, "accuracy", e->accuracy);
    cli_interval(&low, &high, e->correct, e->images);
    cli_json_real(j, "low", low);
    cli_json_real(j, "high", high);
    cli_json_real(j, "margin", e->margin);
    cli_json_real(j, "drop", base->accuracy - e->accuracy);
    cli_json_real(j, "margin_drop", base->margin - e->margin);
    if (e->worst_group >= 0) {
        cli_json_text(j, "worst_group", ev->group_names[e->worst_group]);
        cli_json_real(j, "worst", e->worst);
        cli_json_real(j, "worst_drop", base->worst - e->worst);
    }
    if (e->single) {
        cli_json_real(j, "share", e->share);
        cli_json_real(j, "variance", e->variance);
    }
    cli_json_end(j);
}

static void emit_part(cli_json *j, const char *key, const cli_evaluation *ev,
                      const cli_effect_list *list, cli_effect_kind first, cli_effect_kind last)
{
    cli_json_array(j, key);
    for (size_t i = 0; i < list->count; i++)
        if (list->rows[i].kind >= first && list->rows[i].kind <= last)
            emit_row(j, ev, &list->rows[i], &list->rows[0]);
    cli_json_end(j);
}

static void write_document(FILE *out, const cli_evaluation *ev, const void *what)
{
    const cli_effect_list *list = what;
    const clipspan_run_info *info = clipspan_run_get_info(ev->run);
    char means[512];
    cli_json j;
    cli_means_words(means, ev);
    cli_json_begin(&j, out, 0, "clipspan.effects.v1");
    cli_json_text(&j, "run", info->path);
    cli_json_text(&j, "effect", "direct");
    cli_json_text(&j, "means", means);
    cli_emit_labels(&j, ev);
    cli_json_flag(&j, "labelled", ev->labelled > 0);
    cli_json_whole(&j, "classes", ev->class_count);
    cli_json_whole(&j, "images", list->rows[0].images);
    cli_json_whole(&j, "unlabelled", ev->labelled ? ev->N - ev->labelled : 0);
    cli_json_whole(&j, "groups", ev->group_count);
    emit_part(&j, "sequence", ev, list, CLI_EFFECT_NOTHING, CLI_EFFECT_UNTIL);
    emit_part(&j, "layers", ev, list, CLI_EFFECT_LAYER, CLI_EFFECT_LAYER);
    emit_part(&j, "mlps", ev, list, CLI_EFFECT_MLP, CLI_EFFECT_MLP);
    emit_part(&j, "heads", ev, list, CLI_EFFECT_HEAD, CLI_EFFECT_HEAD);
    if (list->span_layers) emit_part(&j, "texts", ev, list, CLI_EFFECT_TEXTS, CLI_EFFECT_TEXTS);
    cli_json_finish(&j);
}

/* ---- For people ---- */

static clipspan_status add_points(cli_table *t, double drop, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    snprintf(text, sizeof text, "%+.1f", fabs(drop) < 0.0005 ? 0.0 : -100.0 * drop);
    return cli_table_add(t, text, err);
}

/* Accuracy with a bar, and the worst group. */
static clipspan_status add_curve_row(cli_table *t, const cli_evaluation *ev, const cli_effect *e,
                                     clipspan_error *err)
{
    char text[96], bar[CLI_BAR_ROOM];
    cli_effect_words(text, e);
    CS_TRY(cli_table_add(t, text, err));
    if (e->kind == CLI_EFFECT_TEXTS) {
        cli_format_count(text, e->texts);
        CS_TRY(cli_table_add(t, text, err));
    }
    cli_format_percent(text, e->accuracy);
    CS_TRY(cli_table_add(t, text, err));
    cli_bar(bar, ev->session, e->accuracy, BAR);
    CS_TRY(cli_table_add(t, bar, err));
    if (!ev->group_count) return CLIPSPAN_OK;
    cli_format_percent(text, e->worst);
    return cli_table_add(t, text, err);
}

static clipspan_status print_curve(const cli_evaluation *ev, const cli_effect_list *list,
                                   cli_effect_kind first, cli_effect_kind last, const char *what,
                                   clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char headers[160];
    cli_table table;
    snprintf(headers, sizeof headers, "%s|>%s|%s", what, ev->labelled ? "accuracy" : "agreement",
             ev->group_count ? "|>worst group" : "");
    cli_table_init(&table, headers);
    for (size_t i = 0; i < list->count && status == CLIPSPAN_OK; i++)
        if (list->rows[i].kind >= first && list->rows[i].kind <= last)
            status = add_curve_row(&table, ev, &list->rows[i], err);
    if (status == CLIPSPAN_OK) cli_table_print(&table, ev->session, stdout);
    putchar('\n');
    cli_table_fini(&table);
    return status;
}

typedef struct ranked {
    const cli_effect *row;
} ranked;

/* The largest drop in accuracy first, then in margin. */
static int compare_rows(const void *a, const void *b)
{
    const cli_effect *x = ((const ranked *)a)->row, *y = ((const ranked *)b)->row;
    if (x->correct != y->correct) return x->correct < y->correct ? -1 : 1;
    if (x->margin != y->margin) return x->margin < y->margin ? -1 : 1;
    return x < y ? -1 : x > y;
}

static clipspan_status add_single_row(cli_table *t, const cli_evaluation *ev, const cli_effect *e,
                                      const cli_effect *base, clipspan_error *err)
{
    char text[96];
    cli_effect_words(text, e);
    CS_TRY(cli_table_add(t, text, err));
    CS_TRY(add_points(t, base->accuracy - e->accuracy, err));
    snprintf(text, sizeof text, "%+.4f", e->margin - base->margin);
    CS_TRY(cli_table_add(t, text, err));
    if (ev->group_count) CS_TRY(add_points(t, base->worst - e->worst, err));
    cli_format_percent(text, e->share);
    return cli_table_add(t, text, err);
}

/* Single components of some kinds, the ones that matter most first, `most` of them. */
static clipspan_status print_singles(const cli_evaluation *ev, const cli_effect_list *list,
                                     cli_effect_kind first, cli_effect_kind last, const char *what,
                                     size_t most, clipspan_error *err)
{
    ranked *sorted = cs_alloc(list->count, sizeof *sorted, "effects", err);
    clipspan_status status = CLIPSPAN_OK;
    char headers[160];
    cli_table table;
    size_t count = 0, i;
    if (!sorted) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < list->count; i++)
        if (list->rows[i].kind >= first && list->rows[i].kind <= last)
            sorted[count++].row = &list->rows[i];
    qsort(sorted, count, sizeof *sorted, compare_rows);
    snprintf(headers, sizeof headers, "%s|>%s, points|>margin%s|>variance share", what,
             ev->labelled ? "accuracy" : "agreement",
             ev->group_count ? "|>worst group, points" : "");
    cli_table_init(&table, headers);
    for (i = 0; i < count && i < most && status == CLIPSPAN_OK; i++)
        status = add_single_row(&table, ev, sorted[i].row, &list->rows[0], err);
    if (status == CLIPSPAN_OK) cli_table_print(&table, ev->session, stdout);
    if (count > most)
        cli_say(ev->session, "  and %zu more, each of less effect (--json or --tsv has every one)",
                count - most);
    putchar('\n');
    cli_table_fini(&table);
    cs_free(sorted);
    return status;
}

static clipspan_status show_tables(const cli_evaluation *ev, const cli_effect_list *list,
                                   clipspan_error *err)
{
    char means[512], accuracy[CLI_NUMBER_ROOM], mlps[CLI_NUMBER_ROOM], count[CLI_NUMBER_ROOM];
    CS_TRY(print_curve(ev, list, CLI_EFFECT_NOTHING, CLI_EFFECT_UNTIL, "mean-ablated", err));
    if (list->span_layers)
        CS_TRY(print_curve(ev, list, CLI_EFFECT_TEXTS, CLI_EFFECT_TEXTS,
                           "heads replaced by|>different texts", err));
    CS_TRY(print_singles(ev, list, CLI_EFFECT_LAYER, CLI_EFFECT_MLP, "alone", 2 * SHOWN, err));
    CS_TRY(print_singles(ev, list, CLI_EFFECT_HEAD, CLI_EFFECT_HEAD, "head alone", SHOWN, err));
    cli_means_words(means, ev);
    cli_say(ev->session, "direct effects; %s", means);
    if (!ev->labelled)
        cli_say(ev->session,
                "no image has a label: shown is how often the ablated model agrees with the whole "
                "one");
    cli_format_percent(accuracy, list->rows[0].accuracy);
    cli_format_percent(mlps, list->rows[1].accuracy);
    cli_count_of(count, list->rows[0].images, "image");
    cli_say(ev->session, "%s %s of %s, %s without all MLPs",
            ev->labelled ? "accuracy" : "agreement", accuracy, count, mlps);
    return CLIPSPAN_OK;
}

clipspan_status cli_effects_show(const cli_evaluation *ev, const cli_effect_list *list,
                                 clipspan_error *err)
{
    if (ev->session->form == CLI_FORM_TSV) return show_rows(ev, list, err);
    if (ev->session->form == CLI_FORM_TABLE) return show_tables(ev, list, err);
    write_document(stdout, ev, list);
    return CLIPSPAN_OK;
}

clipspan_status cli_effects_keep(const cli_evaluation *ev, const cli_effect_list *list,
                                 clipspan_error *err)
{
    return cli_keep(ev, "effects", write_document, list, err);
}
