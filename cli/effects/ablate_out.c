/* SPDX-License-Identifier: MIT */
/* Ablations for people and programs. */
#include "cli/effects/ablate_out.h"
#include "base/memory.h"
#include "cli/effects/keep.h"
#include "cli/out/comparison_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define SHOWN 20 /* classes or groups that a table shows */

size_t cli_best_trial(const cli_evaluation *ev, const cli_ablation *a)
{
    size_t best = 0;
    for (size_t t = 1; t < a->trial_count; t++) {
        const cli_trial *x = &a->trials[t], *y = &a->trials[best];
        const double one = ev->group_count ? x->worst.after.share : x->overall.after.share;
        const double other = ev->group_count ? y->worst.after.share : y->overall.after.share;
        if (one > other) best = t;
    }
    return best;
}

/* ---- Rows ---- */

static clipspan_status add_row(cli_rows *rows, const char *what, const char *name,
                               const clipspan_comparison *c, clipspan_error *err)
{
    cli_rows_text(rows, what);
    cli_rows_text(rows, name);
    cli_comparison_cells(rows, c);
    return cli_rows_next(rows, err);
}

static clipspan_status add_trials(cli_rows *rows, const cli_evaluation *ev, const cli_ablation *a,
                                  clipspan_error *err)
{
    char words[256];
    for (size_t t = 0; t < a->trial_count; t++) {
        cli_components_words(words, sizeof words, a->trials[t].heads, a->trials[t].count);
        CS_TRY(add_row(rows, "random", words, &a->trials[t].overall, err));
        if (ev->group_count)
            CS_TRY(add_row(rows, "random_worst_group", words, &a->trials[t].worst, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status add_rows(cli_rows *rows, const cli_evaluation *ev, const cli_ablation *a,
                                clipspan_error *err)
{
    size_t i;
    CS_TRY(cli_rows_header(rows,
                           "what|name|images|before|before_low|before_high|after|after_low|"
                           "after_high|change|change_low|change_high",
                           err));
    CS_TRY(add_row(rows, "overall", "", &a->overall, err));
    for (i = 0; i < ev->class_count; i++)
        CS_TRY(
            add_row(rows, "class", clipspan_texts_get_text(ev->classes, i), &a->per_class[i], err));
    for (i = 0; i < ev->group_count; i++)
        CS_TRY(add_row(rows, "group", ev->group_names[i], &a->per_group[i], err));
    if (ev->group_count && a->worst.group >= 0)
        CS_TRY(add_row(rows, "worst_group", ev->group_names[a->worst.group_after], &a->worst, err));
    return add_trials(rows, ev, a, err);
}

static clipspan_status show_rows(const cli_evaluation *ev, const cli_ablation *a,
                                 clipspan_error *err)
{
    clipspan_status status;
    cli_rows *rows;
    CS_TRY(cli_rows_open(&rows, NULL, 0, err));
    status = add_rows(rows, ev, a, err);
    if (status == CLIPSPAN_OK) status = cli_rows_finish(rows, err);
    cli_rows_close(&rows);
    return status;
}

/* ---- Document ---- */

/* "L22.H11", and what it becomes where that is not its mean. */
static void change_name(char out[64], const clipspan_change *change)
{
    size_t used;
    cli_component_name(out, change);
    used = strlen(out);
    if (change->kind == CLIPSPAN_CHANGE_SCALE)
        snprintf(out + used, 64 - used, "=%g", change->scale);
    if (change->kind == CLIPSPAN_CHANGE_SWAP)
        snprintf(out + used, 64 - used, "=place %llu", (unsigned long long)change->run_index);
}

static void emit_components(cli_json *j, const char *key, const clipspan_change *changes,
                            size_t count)
{
    char name[64];
    cli_json_line(j, key);
    for (size_t i = 0; i < count; i++) {
        change_name(name, &changes[i]);
        cli_json_text(j, NULL, name);
    }
    cli_json_end(j);
}

static void emit_worst(cli_json *j, const char *key, const cli_evaluation *ev,
                       const clipspan_comparison *c)
{
    if (!ev->group_count || c->group < 0) return;
    cli_json_row(j, key);
    cli_json_text(j, "group_before", ev->group_names[c->group]);
    cli_json_text(j, "group_after", ev->group_names[c->group_after]);
    cli_emit_comparison(j, c);
    cli_json_end(j);
}

static void emit_trials(cli_json *j, const cli_evaluation *ev, const cli_ablation *a)
{
    if (!a->trial_count) return;
    cli_json_whole(j, "best_random", cli_best_trial(ev, a));
    cli_json_array(j, "random");
    for (size_t t = 0; t < a->trial_count; t++) {
        cli_json_object(j, NULL);
        emit_components(j, "heads", a->trials[t].heads, a->trials[t].count);
        cli_json_row(j, "overall");
        cli_emit_comparison(j, &a->trials[t].overall);
        cli_json_end(j);
        emit_worst(j, "worst_group", ev, &a->trials[t].worst);
        cli_json_end(j);
    }
    cli_json_end(j);
}

static void write_document(FILE *out, const cli_evaluation *ev, const void *what)
{
    const cli_ablation *a = what;
    const cli_evaluation_settings *x = ev->x;
    char means[512];
    cli_json j;
    size_t i;
    cli_means_words(means, ev);
    cli_json_begin(&j, out, 0, a->surgery ? "clipspan.surgery.v1" : "clipspan.ablate.v1");
    cli_json_text(&j, "run", clipspan_run_get_info(ev->run)->path);
    cli_json_text(&j, "effect", "direct");
    cli_json_text(&j, "means", means);
    cli_emit_labels(&j, ev);
    emit_components(&j, "components", a->components.changes, a->components.count);
    cli_json_flag(&j, "labelled", ev->labelled > 0);
    cli_json_whole(&j, "images", a->overall.before.images);
    cli_json_whole(&j, "unlabelled", ev->labelled ? ev->N - ev->labelled : 0);
    cli_json_whole(&j, "ungrouped", ev->group_count ? ev->ungrouped : 0);
    cli_json_whole(&j, "changed", a->changed);
    cli_json_whole(&j, "resamples", x->resamples ? x->resamples : 1000);
    cli_json_whole(&j, "seed", x->seed);
    cli_json_row(&j, "overall");
    cli_emit_comparison(&j, &a->overall);
    cli_json_end(&j);
    cli_json_array(&j, "per_class");
    for (i = 0; i < ev->class_count; i++) {
        cli_json_row(&j, NULL);
        cli_json_text(&j, "class", clipspan_texts_get_text(ev->classes, i));
        cli_emit_comparison(&j, &a->per_class[i]);
        cli_json_end(&j);
    }
    cli_json_end(&j);
    if (ev->group_count) {
        cli_json_array(&j, "per_group");
        for (i = 0; i < ev->group_count; i++) {
            cli_json_row(&j, NULL);
            cli_json_text(&j, "group", ev->group_names[i]);
            cli_emit_comparison(&j, &a->per_group[i]);
            cli_json_end(&j);
        }
        cli_json_end(&j);
    }
    emit_worst(&j, "worst_group", ev, &a->worst);
    emit_trials(&j, ev, a);
    cli_json_finish(&j);
}

/* ---- For people ---- */

static clipspan_status print_classes(const cli_evaluation *ev, const cli_ablation *a,
                                     clipspan_error *err)
{
    const char **names = cs_alloc(ev->class_count, sizeof *names, "classes", err);
    clipspan_status status;
    if (!names) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < ev->class_count; i++)
        names[i] = clipspan_texts_get_text(ev->classes, i);
    status = cli_comparison_print(ev->session, "class", names, a->per_class, ev->class_count, SHOWN,
                                  err);
    cs_free(names);
    return status;
}

/* The best of the random sets. */
static void print_random(const cli_evaluation *ev, const cli_ablation *a)
{
    const cli_trial *best = &a->trials[cli_best_trial(ev, a)];
    const clipspan_comparison *c = ev->group_count ? &best->worst : &best->overall;
    char share[CLI_NUMBER_ROOM], words[80];
    cli_format_percent(share, c->after.share);
    cli_components_words(words, sizeof words, best->heads, best->count);
    cli_say(ev->session, "%s as many random heads, best of %zu: %s (%s)",
            ev->group_count ? "worst group with" : "accuracy with", a->trial_count, share, words);
}

static clipspan_status show_tables(const cli_evaluation *ev, const cli_ablation *a,
                                   clipspan_error *err)
{
    char count[CLI_NUMBER_ROOM];
    static const char *const all[] = {"all images"};
    const char *worst =
        ev->group_count && a->worst.group >= 0 ? ev->group_names[a->worst.group_after] : "";
    char means[512], words[200], before[CLI_NUMBER_ROOM], after[CLI_NUMBER_ROOM];
    const clipspan_comparison *c = ev->group_count ? &a->worst : &a->overall;
    CS_TRY(cli_comparison_print(ev->session, ev->labelled ? "accuracy" : "agreement", all,
                                &a->overall, 1, 1, err));
    CS_TRY(print_classes(ev, a, err));
    if (ev->group_count)
        CS_TRY(cli_comparison_print(ev->session, "group", ev->group_names, a->per_group,
                                    ev->group_count, SHOWN, err));
    cli_components_words(words, sizeof words, a->components.changes, a->components.count);
    cli_means_words(means, ev);
    cli_say(ev->session, "%s: %s\ndirect effects; %s", a->surgery ? "changed" : "mean-ablated",
            words, means);
    if (!ev->labelled)
        cli_say(ev->session,
                "no image has a label: shown is how often the ablated model agrees with the whole "
                "one");
    if (ev->labelled && ev->labelled < ev->N)
        cli_say(ev->session, "not counted: %s without a label",
                (cli_count_of(count, ev->N - ev->labelled, "image"), count));
    if (ev->group_count && ev->ungrouped)
        cli_say(ev->session, "in no group: %s with a label",
                (cli_count_of(count, ev->ungrouped, "image"), count));
    if (a->trial_count) print_random(ev, a);
    cli_format_percent(before, c->before.share);
    cli_format_percent(after, c->after.share);
    cli_say(ev->session, "%s %s before, %s after%s%s, change %+.1f points (%+.1f to %+.1f)",
            ev->group_count ? "worst group"
            : ev->labelled  ? "accuracy"
                            : "agreement",
            before, after, *worst ? ": " : "", worst, 100 * c->change, 100 * c->change_low,
            100 * c->change_high);
    return CLIPSPAN_OK;
}

clipspan_status cli_ablation_show(const cli_evaluation *ev, const cli_ablation *a,
                                  clipspan_error *err)
{
    if (ev->session->form == CLI_FORM_TSV) return show_rows(ev, a, err);
    if (ev->session->form == CLI_FORM_TABLE) return show_tables(ev, a, err);
    write_document(stdout, ev, a);
    return CLIPSPAN_OK;
}

clipspan_status cli_ablation_keep(const cli_evaluation *ev, const cli_ablation *a,
                                  clipspan_error *err)
{
    return cli_keep(ev, "ablate", write_document, a, err);
}
