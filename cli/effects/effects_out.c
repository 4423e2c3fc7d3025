/* SPDX-License-Identifier: MIT */
/* Effects for people and programs. */
#include "cli/effects/effects_out.h"
#include "base/memory.h"
#include "cli/out/numbers.h"
#include "cli/out/put.h"
#include "cli/out/rows.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BAR   24
#define SHOWN 10 /* heads that the table shows */

/* ---- Rows ---- */

/* Empty for what is not known. */
static void put_real(cli_rows *rows, double value)
{
    if (isnan(value))
        cli_rows_text(rows, "");
    else
        cli_rows_real(rows, value);
}

static void put_whole(cli_rows *rows, long long value, int known)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", value);
    cli_rows_text(rows, known ? number : "");
}

static clipspan_status add_row(cli_rows *rows, const clipspan_evaluation_info *info,
                               const clipspan_effect *e, const char *pool, clipspan_error *err)
{
    cli_rows_text(rows, e->kind_name);
    put_whole(rows, e->layer, e->layer >= 0 || e->kind == CLIPSPAN_EFFECT_MLP);
    put_whole(rows, e->head, e->head >= 0);
    put_whole(rows, e->texts_per_head, e->texts_per_head > 0);
    put_whole(rows, (long long)e->texts, e->texts > 0);
    cli_rows_whole(rows, info->counted);
    cli_rows_whole(rows, e->correct);
    put_real(rows, e->accuracy);
    put_real(rows, e->low);
    put_real(rows, e->high);
    put_real(rows, e->margin);
    cli_rows_text(rows, e->worst_group >= 0 ? info->group_names[e->worst_group] : "");
    put_real(rows, e->worst);
    put_real(rows, e->accuracy_drop);
    put_real(rows, e->margin_drop);
    put_real(rows, e->worst_drop);
    put_real(rows, e->share);
    put_real(rows, e->variance);
    cli_rows_text(rows, e->kind == CLIPSPAN_EFFECT_TEXTS && pool ? pool : "");
    return cli_rows_next(rows, err);
}

static clipspan_status show_rows(const cli_session *s, const clipspan_effects_table *table,
                                 clipspan_error *err)
{
    const clipspan_effects_table_info *info = clipspan_effects_table_get_info(table);
    clipspan_status status = CLIPSPAN_OK;
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, s, NULL, 0, err));
    status = cli_rows_header(
        rows,
        "ablated|layer|head|basis_texts|texts|images|correct|accuracy|low|high|margin|"
        "worst_group|worst|drop|margin_drop|worst_drop|share|variance|pool",
        err);
    for (size_t i = 0; i < info->rows && status == CLIPSPAN_OK; i++)
        status = add_row(rows, info->evaluation, clipspan_effects_table_get_row(table, i),
                         info->pool, err);
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

/* ---- For people ---- */

/* Rows of some kinds, as one table. */
typedef struct part {
    const cli_session *session;
    const clipspan_effects_table *table;
    const clipspan_effects_table_info *info;
    const clipspan_evaluation_info *evaluation;
    clipspan_effect_kind first, last;
    const char *what; /* header of the first column, or more */
} part;

static int is_of(const part *p, const clipspan_effect *e)
{
    return e->kind >= p->first && e->kind <= p->last;
}

static const char *measure(const part *p)
{
    return p->evaluation->agreement ? "agreement" : "accuracy";
}

static clipspan_status add_share(cli_table *t, double share, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    if (isnan(share)) return cli_table_add(t, "no images", err);
    cli_format_percent(text, share);
    return cli_table_add(t, text, err);
}

static clipspan_status add_points(cli_table *t, double drop, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    if (isnan(drop)) return cli_table_add(t, "no images", err);
    snprintf(text, sizeof text, "%+.1f", fabs(drop) < 0.0005 ? 0.0 : -100.0 * drop);
    return cli_table_add(t, text, err);
}

/* Accuracy with a bar, and the worst group. */
static clipspan_status add_curve_row(cli_table *t, const part *p, const clipspan_effect *e,
                                     clipspan_error *err)
{
    char count[CLI_NUMBER_ROOM], bar[CLI_BAR_ROOM];
    CS_TRY(cli_table_add(t, e->name, err));
    if (e->kind == CLIPSPAN_EFFECT_TEXTS) {
        cli_format_count(count, e->texts);
        CS_TRY(cli_table_add(t, count, err));
    }
    CS_TRY(add_share(t, e->accuracy, err));
    cli_bar(bar, p->session, isnan(e->accuracy) ? 0.0 : e->accuracy, BAR);
    CS_TRY(cli_table_add(t, bar, err));
    return p->evaluation->groups ? add_share(t, e->worst, err) : CLIPSPAN_OK;
}

static clipspan_status print_curve(const part *p, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char headers[160];
    cli_table table;
    snprintf(headers, sizeof headers, "%s|>%s|%s", p->what, measure(p),
             p->evaluation->groups ? "|>worst group" : "");
    cli_table_init(&table, headers);
    for (size_t i = 0; i < p->info->rows && status == CLIPSPAN_OK; i++) {
        const clipspan_effect *e = clipspan_effects_table_get_row(p->table, i);
        if (is_of(p, e)) status = add_curve_row(&table, p, e, err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&table, p->session, stdout);
    putchar('\n');
    cli_table_fini(&table);
    return status;
}

typedef struct ranked {
    const clipspan_effect *row;
    size_t index;
} ranked;

/* The largest drop in accuracy first, then in margin. */
static int compare_rows(const void *a, const void *b)
{
    const ranked *p = a, *q = b;
    const clipspan_effect *x = p->row, *y = q->row;
    if (x->correct != y->correct) return x->correct < y->correct ? -1 : 1;
    if (x->margin != y->margin) return x->margin < y->margin ? -1 : 1;
    return p->index < q->index ? -1 : p->index > q->index;
}

static clipspan_status add_single_row(cli_table *t, const part *p, const clipspan_effect *e,
                                      clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    CS_TRY(cli_table_add(t, e->name, err));
    CS_TRY(add_points(t, e->accuracy_drop, err));
    snprintf(text, sizeof text, "%+.4f", 0.0 - e->margin_drop);
    CS_TRY(cli_table_add(t, text, err));
    if (p->evaluation->groups) CS_TRY(add_points(t, e->worst_drop, err));
    return add_share(t, e->share, err);
}

/* Single components, the ones that matter most first, `most` of them. */
static clipspan_status print_singles(const part *p, size_t most, clipspan_error *err)
{
    ranked *sorted = cs_alloc(p->info->rows, sizeof *sorted, "effects", err);
    clipspan_status status = CLIPSPAN_OK;
    char headers[160];
    cli_table table;
    size_t count = 0, i;
    if (!sorted) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < p->info->rows; i++) {
        const clipspan_effect *e = clipspan_effects_table_get_row(p->table, i);
        if (is_of(p, e)) sorted[count++] = (ranked){e, i};
    }
    qsort(sorted, count, sizeof *sorted, compare_rows);
    snprintf(headers, sizeof headers, "%s|>%s, points|>margin%s|>variance share", p->what,
             measure(p), p->evaluation->groups ? "|>worst group, points" : "");
    cli_table_init(&table, headers);
    for (i = 0; i < count && i < most && status == CLIPSPAN_OK; i++)
        status = add_single_row(&table, p, sorted[i].row, err);
    if (status == CLIPSPAN_OK) cli_table_print(&table, p->session, stdout);
    if (count > most)
        cli_say(p->session, "  and %zu more, each of less effect (--json or --tsv has every one)",
                count - most);
    putchar('\n');
    cli_table_fini(&table);
    cs_free(sorted);
    return status;
}

static void print_finding(const part *p)
{
    const clipspan_evaluation_info *ev = p->evaluation;
    char accuracy[CLI_NUMBER_ROOM], mlps[CLI_NUMBER_ROOM], count[CLI_NUMBER_ROOM];
    if (p->info->layers && p->info->pool)
        cli_say(p->session, "texts of the text pool %s", p->info->pool);
    cli_say(p->session, "direct effects; %s", ev->means);
    if (ev->agreement)
        cli_say(p->session,
                "no image has a label: shown is how often the ablated model agrees with the whole "
                "one");
    cli_format_percent(accuracy, clipspan_effects_table_get_row(p->table, 0)->accuracy);
    cli_format_percent(mlps, clipspan_effects_table_get_row(p->table, 1)->accuracy);
    cli_count_of(count, ev->counted, "image");
    cli_say(p->session, "%s %s of %s, %s without all MLPs", measure(p), accuracy, count, mlps);
}

static clipspan_status show_tables(const cli_session *s, const clipspan_effects_table *table,
                                   clipspan_error *err)
{
    const clipspan_effects_table_info *info = clipspan_effects_table_get_info(table);
    part p = {s,
              table,
              info,
              info->evaluation,
              CLIPSPAN_EFFECT_NOTHING,
              CLIPSPAN_EFFECT_UNTIL,
              "mean-ablated"};
    CS_TRY(print_curve(&p, err));
    p.first = p.last = CLIPSPAN_EFFECT_TEXTS;
    p.what = "heads replaced by|>different texts";
    if (info->layers) CS_TRY(print_curve(&p, err));
    p.first = CLIPSPAN_EFFECT_LAYER;
    p.last = CLIPSPAN_EFFECT_MLP;
    p.what = "alone";
    CS_TRY(print_singles(&p, 2 * SHOWN, err));
    p.first = p.last = CLIPSPAN_EFFECT_HEAD;
    p.what = "head alone";
    CS_TRY(print_singles(&p, SHOWN, err));
    print_finding(&p);
    return CLIPSPAN_OK;
}

clipspan_status cli_effects_show(const cli_session *s, const clipspan_effects_table *table,
                                 clipspan_error *err)
{
    if (s->form == CLI_FORM_TSV) return show_rows(s, table, err);
    if (s->form == CLI_FORM_TABLE) return show_tables(s, table, err);
    clipspan_effects_table_write_json(table, cli_put, stdout);
    return CLIPSPAN_OK;
}
