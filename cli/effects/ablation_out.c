/* SPDX-License-Identifier: MIT */
/* Ablations for people and programs. */
#include "cli/effects/ablation_out.h"
#include "cli/effects/random_out.h"
#include "cli/out/comparison_out.h"
#include "cli/out/numbers.h"
#include "cli/out/put.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define SHOWN 20 /* classes or groups that a table shows */

/* ---- Names ---- */

typedef struct line {
    char *out;
    size_t room, used, count; /* count: names that are in it */
} line;

/* 0 when it is full. */
static int add_word(line *to, clipspan_change component)
{
    char name[80];
    component.kind = CLIPSPAN_CHANGE_MEAN; /* without what becomes of it */
    clipspan_change_get_name(name, sizeof name, &component);
    if (to->used + strlen(name) + 24 > to->room) return 0;
    to->used += (size_t)snprintf(to->out + to->used, to->room - to->used, "%s%s",
                                 to->count ? " " : "", name);
    to->count++;
    return 1;
}

static void end_line(const line *to, size_t count)
{
    if (to->count < count)
        snprintf(to->out + to->used, to->room - to->used, " and %zu more", count - to->count);
}

void cli_ablation_words(char *out, size_t room, const clipspan_ablation *a, size_t count)
{
    line to = {out, room, 0, 0};
    *out = '\0';
    for (size_t i = 0; i < count; i++)
        if (!add_word(&to, *clipspan_ablation_get_change(a, i))) break;
    end_line(&to, count);
}

void cli_head_words(char *out, size_t room, const clipspan_head *heads, size_t count)
{
    line to = {out, room, 0, 0};
    *out = '\0';
    for (size_t i = 0; i < count; i++)
        if (!add_word(&to, (clipspan_change){.layer = heads[i].layer, .head = heads[i].head}))
            break;
    end_line(&to, count);
}

/* ---- Rows ---- */

static clipspan_status add_row(cli_rows *rows, const clipspan_ablation_info *info, const char *what,
                               const char *name, const clipspan_comparison *c, clipspan_error *err)
{
    if (!c) return CLIPSPAN_OK;
    cli_rows_text(rows, what);
    cli_rows_text(rows, name);
    cli_comparison_cells(rows, c);
    cli_rows_text(rows, info->role ? info->role : "");
    cli_rows_text(rows, info->role ? info->pool : "");
    return cli_rows_next(rows, err);
}

/* A row a set: its accuracy and that of its worst group stand under `after`. */
static clipspan_status add_random(cli_rows *rows, const clipspan_ablation *a, clipspan_error *err)
{
    const clipspan_random_sets *r = clipspan_ablation_get_random(a);
    const clipspan_ablation_info *info = clipspan_ablation_get_info(a);
    for (size_t t = 0; r && t < r->sets; t++) {
        const double values[] = {r->accuracy[t], r->worst ? r->worst[t] : 0.0};
        char words[256];
        cli_head_words(words, sizeof words, r->heads + t * r->heads_of_set, r->heads_of_set);
        for (size_t k = 0; k < (r->worst ? 2 : 1); k++) {
            cli_rows_text(rows, k ? "random_worst_group" : "random");
            cli_rows_text(rows, words);
            for (size_t i = 0; i < 4; i++)
                cli_rows_text(rows, "");
            cli_rows_real(rows, values[k]);
            for (size_t i = 0; i < 5; i++)
                cli_rows_text(rows, "");
            cli_rows_text(rows, info->role ? info->role : "");
            cli_rows_text(rows, info->role ? info->pool : "");
            CS_TRY(cli_rows_next(rows, err));
        }
    }
    return CLIPSPAN_OK;
}

static clipspan_status add_rows(cli_rows *rows, const clipspan_ablation *a, clipspan_error *err)
{
    const clipspan_ablation_info *info = clipspan_ablation_get_info(a);
    const clipspan_evaluation_info *ev = info->evaluation;
    const clipspan_comparison *worst = clipspan_ablation_get_worst(a);
    size_t i;
    CS_TRY(cli_rows_header(rows,
                           "what|name|images|before|before_low|before_high|after|after_low|"
                           "after_high|change|change_low|change_high|role|pool",
                           err));
    CS_TRY(add_row(rows, info, "overall", "", clipspan_ablation_get_overall(a), err));
    for (i = 0; i < ev->classes; i++)
        CS_TRY(add_row(rows, info, "class", ev->class_names[i], clipspan_ablation_get_class(a, i),
                       err));
    for (i = 0; i < ev->groups; i++)
        CS_TRY(add_row(rows, info, "group", ev->group_names[i], clipspan_ablation_get_group(a, i),
                       err));
    if (worst)
        CS_TRY(add_row(rows, info, "worst_group", ev->group_names[worst->group_after], worst, err));
    return add_random(rows, a, err);
}

static clipspan_status show_rows(const cli_session *s, const clipspan_ablation *a,
                                 clipspan_error *err)
{
    clipspan_status status;
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, s, NULL, 0, err));
    status = add_rows(rows, a, err);
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

/* ---- For people ---- */

typedef const clipspan_comparison *get_comparison(const clipspan_ablation *a, size_t index);

static const clipspan_comparison *get_overall(const clipspan_ablation *a, size_t index)
{
    (void)index;
    return clipspan_ablation_get_overall(a);
}

/* A table of classes or groups, `most` of them. */
static clipspan_status print_list(const cli_session *s, const clipspan_ablation *a,
                                  const char *what, const char *const *names, get_comparison *get,
                                  size_t count, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char headers[160];
    cli_table table;
    cli_comparison_table(&table, headers, sizeof headers, what);
    for (size_t i = 0; i < count && i < SHOWN && status == CLIPSPAN_OK; i++)
        status = cli_comparison_add(&table, names[i], get(a, i), err);
    if (status == CLIPSPAN_OK) cli_table_print(&table, s, stdout);
    if (count > SHOWN) cli_say(s, "  and %zu more (--json or --tsv has every one)", count - SHOWN);
    putchar('\n');
    cli_table_fini(&table);
    return status;
}

/* What was changed, and what is behind the figures. */
static void print_asked(const cli_session *s, const clipspan_ablation *a)
{
    const clipspan_ablation_info *info = clipspan_ablation_get_info(a);
    const clipspan_evaluation_info *ev = info->evaluation;
    char words[200], count[CLI_NUMBER_ROOM];
    cli_ablation_words(words, sizeof words, a, info->changes);
    cli_say(s, "%s: %s", info->surgery ? "changed" : "mean-ablated", words);
    if (info->role)
        cli_say(s, "heads with the role %s, by the text pool %s", info->role, info->pool);
    cli_say(s, "direct effects; %s", ev->means);
    if (ev->agreement)
        cli_say(s, "no image has a label: shown is how often the ablated model agrees with the "
                   "whole one");
    if (ev->unlabelled)
        cli_say(s, "not counted: %s without a label",
                (cli_count_of(count, ev->unlabelled, "image"), count));
    if (ev->ungrouped)
        cli_say(s, "in no group: %s with a label",
                (cli_count_of(count, ev->ungrouped, "image"), count));
}

/* Of the worst group, or of all images where none has an image. */
static void print_finding(const cli_session *s, const clipspan_ablation *a)
{
    const clipspan_evaluation_info *ev = clipspan_ablation_get_info(a)->evaluation;
    const clipspan_comparison *worst = clipspan_ablation_get_worst(a);
    const clipspan_comparison *c = worst ? worst : clipspan_ablation_get_overall(a);
    char before[CLI_NUMBER_ROOM], after[CLI_NUMBER_ROOM];
    cli_format_percent(before, c->before->share);
    cli_format_percent(after, c->after->share);
    cli_say(s, "%s %s before, %s after%s%s, change %+.1f points (%+.1f to %+.1f)",
            worst           ? "worst group"
            : ev->agreement ? "agreement"
                            : "accuracy",
            before, after, worst ? ": " : "", worst ? ev->group_names[worst->group_after] : "",
            100 * c->change, 100 * c->change_low, 100 * c->change_high);
}

static clipspan_status show_tables(const cli_session *s, const clipspan_ablation *a,
                                   clipspan_error *err)
{
    static const char *const all[] = {"all images"};
    const clipspan_evaluation_info *ev = clipspan_ablation_get_info(a)->evaluation;
    CS_TRY(print_list(s, a, ev->agreement ? "agreement" : "accuracy", all, get_overall, 1, err));
    CS_TRY(
        print_list(s, a, "class", ev->class_names, clipspan_ablation_get_class, ev->classes, err));
    if (ev->groups)
        CS_TRY(print_list(s, a, "group", ev->group_names, clipspan_ablation_get_group, ev->groups,
                          err));
    print_asked(s, a);
    cli_random_say(s, clipspan_ablation_get_random(a), ev->agreement);
    print_finding(s, a);
    return CLIPSPAN_OK;
}

clipspan_status cli_ablation_show(const cli_session *s, const clipspan_ablation *a,
                                  clipspan_error *err)
{
    if (s->form == CLI_FORM_TSV) return show_rows(s, a, err);
    if (s->form == CLI_FORM_TABLE) return show_tables(s, a, err);
    clipspan_ablation_write_json(a, cli_put, stdout);
    return CLIPSPAN_OK;
}
