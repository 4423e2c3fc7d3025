/* SPDX-License-Identifier: MIT */
/* Remedies for people. */
#include "cli/effects/random_out.h"
#include "cli/effects/shortcut_out.h"
#include "cli/in/heads.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <math.h>
#include <string.h>

#define HEADS_SHOWN 10 /* in the table */
#define HEADS_NAMED 16 /* in a sentence */

typedef struct printing {
    const cli_session *session;
    const clipspan_remedy *remedy;
    const clipspan_evaluation_info *evaluation;
    const clipspan_remedy_pair *pair;
    size_t index; /* of the pair */
} printing;

#define NONE "\xE2\x80\x93" /* an en dash: not known */

/* Not a number, which prints as a dash, where there is nothing to have a part of. */
static double part(double x, double all)
{
    return all > 0 ? x / all : (double)NAN;
}

static clipspan_status add_percent(cli_table *t, double share, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    cli_format_percent(text, share);
    return cli_table_add(t, text, err);
}

static clipspan_status finish_table(cli_table *t, const cli_session *s, clipspan_status status)
{
    if (status == CLIPSPAN_OK) cli_table_print(t, s, stdout);
    if (status == CLIPSPAN_OK) putchar('\n');
    cli_table_fini(t);
    return status;
}

/* ---- Cues that were found ---- */

static clipspan_status add_cue(cli_table *t, const clipspan_found_cue *c, clipspan_error *err)
{
    char text[300];
    if (c->names_class)
        snprintf(text, sizeof text, "%.200s (names the class %.60s)", c->text, c->names_class);
    CS_TRY(cli_table_add(t, c->names_class ? text : c->text, err));
    CS_TRY(cli_table_add(t, c->category, err));
    return add_percent(t, c->strength, err);
}

static clipspan_status print_cues(const printing *p, clipspan_error *err)
{
    const clipspan_cues_info *cue = clipspan_remedy_get_info(p->remedy)->cue;
    clipspan_status status = CLIPSPAN_OK;
    cli_table t;
    if (!cue->found) return CLIPSPAN_OK;
    cli_table_init(&t, "cue found in the pool|category|>of the margin's variance");
    for (size_t i = 0; i < cue->count && status == CLIPSPAN_OK; i++)
        status = add_cue(&t, clipspan_remedy_get_cue(p->remedy, i), err);
    return finish_table(&t, p->session, status);
}

/* ---- Heads ---- */

static clipspan_status add_head(cli_table *t, const cli_session *s, const clipspan_shortcut_head *h,
                                double all, clipspan_error *err)
{
    char text[CLI_BAR_ROOM];
    cli_head_name(text, h->head);
    CS_TRY(cli_table_add(t, text, err));
    CS_TRY(add_percent(t, part(h->variance, all), err));
    CS_TRY(add_percent(t, part(h->explained, all), err));
    snprintf(text, sizeof text, "%.2f", h->ratio);
    CS_TRY(cli_table_add(t, h->variance > 0 ? text : NONE, err));
    cli_bar(text, s, part(h->explained, h->variance), 20);
    return cli_table_add(t, text, err);
}

static clipspan_status print_heads(const printing *p, clipspan_error *err)
{
    const clipspan_remedy_pair *pair = p->pair;
    clipspan_status status = CLIPSPAN_OK;
    char with[CLI_NUMBER_ROOM], against[CLI_NUMBER_ROOM];
    cli_table t;
    cli_table_init(&t, "head|>of the margin's variance|>the cue's|>ratio|the cue's part of it");
    for (size_t i = 0; i < pair->ranked && i < HEADS_SHOWN && status == CLIPSPAN_OK; i++)
        status = add_head(&t, p->session, clipspan_remedy_get_head(p->remedy, p->index, i),
                          pair->variance, err);
    if (status == CLIPSPAN_OK && pair->ranked) cli_table_print(&t, p->session, stdout);
    cli_table_fini(&t);
    CS_TRY(status);
    if (pair->ranked > HEADS_SHOWN)
        cli_say(p->session, "  and %zu more (--json has every one)", pair->ranked - HEADS_SHOWN);
    if (!(pair->variance > 0)) {
        cli_say(
            p->session,
            "heads' contributions to the margin of %s over %s do not vary over these images, so "
            "there is nothing for the cue to explain",
            pair->class_a, pair->class_b);
        putchar('\n');
        return CLIPSPAN_OK;
    }
    cli_format_percent(with, part(pair->explained, pair->variance));
    cli_format_percent(against, part(pair->counteracted, pair->variance));
    cli_say(p->session,
            "the cue explains %s of the variance of heads' contributions to the margin of %s over "
            "%s; in heads that counteract it: %s",
            with, pair->class_a, pair->class_b, against);
    putchar('\n');
    return CLIPSPAN_OK;
}

/* ---- Remedies ---- */

/* "+12.3", and between what 95 % of resamples lie, which may be one number; a dash where there were
 * none. */
static clipspan_status add_change(cli_table *t, const clipspan_comparison *c, int resampled,
                                  clipspan_error *err)
{
    char text[2 * CLI_NUMBER_ROOM];
    snprintf(text, sizeof text, "%+.1f", 100 * c->change);
    CS_TRY(cli_table_add(t, text, err));
    snprintf(text, sizeof text, "%+.1f to %+.1f", 100 * c->change_low, 100 * c->change_high);
    return cli_table_add(t, resampled ? text : NONE, err);
}

static int is_resampled(const printing *p)
{
    return clipspan_remedy_get_info(p->remedy)->resamples > 0;
}

static clipspan_status add_blanks(cli_table *t, int count, clipspan_error *err)
{
    for (int i = 0; i < count; i++)
        CS_TRY(cli_table_add(t, "", err));
    return CLIPSPAN_OK;
}

static clipspan_status add_figures(cli_table *t, const printing *p, const char *name,
                                   double correlation, const clipspan_comparison *overall,
                                   const clipspan_comparison *worst, int resampled,
                                   clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    CS_TRY(cli_table_add(t, name, err));
    snprintf(text, sizeof text, "%.2f", correlation);
    CS_TRY(cli_table_add(t, isfinite(correlation) ? text : "", err));
    CS_TRY(add_percent(t, overall->after->share, err));
    if (!p->evaluation->groups) return CLIPSPAN_OK;
    if (!worst) return add_blanks(t, 3, err);
    CS_TRY(add_percent(t, worst->after->share, err));
    return add_change(t, worst, resampled, err);
}

static clipspan_status add_remedy(cli_table *t, const printing *p, const clipspan_remedy_row *r,
                                  clipspan_error *err)
{
    char name[128], words[64];
    const char *before = r->role == CLIPSPAN_TRIED_CHOSEN      ? "recommended: "
                         : r->role == CLIPSPAN_TRIED_HINDSIGHT ? "hindsight: "
                         : r->role == CLIPSPAN_TRIED_PROJECT || r->role == CLIPSPAN_TRIED_REGRESS
                             ? "baseline: "
                             : "";
    cli_remedy_words(words, r->kind, r->heads, p->pair->heads);
    snprintf(name, sizeof name, "%s%s", before, words);
    return add_figures(t, p, name, r->correlation, r->overall, r->worst, is_resampled(p), err);
}

/* What random sets do on average, and between what 95 % of them lie; as published the best. */
static clipspan_status add_random(cli_table *t, const printing *p, clipspan_error *err)
{
    const clipspan_random_sets *r = clipspan_remedy_get_random(p->remedy, p->index);
    const clipspan_remedy_row *nothing = clipspan_remedy_get_row(p->remedy, p->index, 0);
    const clipspan_random_figure *f = r ? r->worst_group : NULL;
    char name[64], text[2 * CLI_NUMBER_ROOM];
    if (!r) return CLIPSPAN_OK;
    snprintf(name, sizeof name, "%zu random head%s, %s", r->heads_of_set,
             r->heads_of_set == 1 ? "" : "s", r->best_overall ? "best" : "mean");
    if (r->best_overall)
        return add_figures(t, p, name, (double)NAN, r->best_overall, r->best_worst, 0, err);
    CS_TRY(cli_table_add(t, name, err));
    CS_TRY(cli_table_add(t, "", err));
    CS_TRY(add_percent(t, r->overall->mean, err));
    if (!p->evaluation->groups) return CLIPSPAN_OK;
    if (!f) return add_blanks(t, 3, err);
    CS_TRY(add_percent(t, f->mean, err));
    snprintf(text, sizeof text, "%+.1f", 100 * (f->mean - nothing->worst->before->share));
    CS_TRY(cli_table_add(t, text, err));
    snprintf(text, sizeof text, "%+.1f to %+.1f", 100 * (f->low - nothing->worst->before->share),
             100 * (f->high - nothing->worst->before->share));
    return cli_table_add(t, text, err);
}

/* The same remedy as in an earlier row, which has its figures. */
static int shown_before(const printing *p, size_t row)
{
    const clipspan_remedy_row *r = clipspan_remedy_get_row(p->remedy, p->index, row);
    for (size_t i = 0; i < row; i++) {
        const clipspan_remedy_row *other = clipspan_remedy_get_row(p->remedy, p->index, i);
        if (other->kind == r->kind && other->heads == r->heads) return 1;
    }
    return 0;
}

static clipspan_status print_remedies(const printing *p, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char headers[120];
    cli_table t;
    snprintf(headers, sizeof headers, "remedy|>correlation|>%s%s",
             p->evaluation->agreement ? "agreement" : "accuracy",
             p->evaluation->groups ? "|>worst group|>points|>95 %" : "");
    cli_table_init(&t, headers);
    for (size_t i = 0; i < p->pair->rows && status == CLIPSPAN_OK; i++)
        if (!shown_before(p, i))
            status = add_remedy(&t, p, clipspan_remedy_get_row(p->remedy, p->index, i), err);
    if (status == CLIPSPAN_OK) status = add_random(&t, p, err);
    return finish_table(&t, p->session, status);
}

/* ---- What else the chosen remedy does ---- */

static clipspan_status add_forecast(cli_table *t, const clipspan_remedy_forecast *f,
                                    clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    CS_TRY(cli_table_add(t, f->predicted, err));
    CS_TRY(cli_table_add(t, f->first_side ? "first side" : "second side", err));
    cli_format_count(text, f->images);
    CS_TRY(cli_table_add(t, text, err));
    if (!f->images) return add_blanks(t, 3, err);
    CS_TRY(add_percent(t, part((double)f->kept, (double)f->images), err));
    snprintf(text, sizeof text, "%.4f", f->margin_before);
    CS_TRY(cli_table_add(t, text, err));
    snprintf(text, sizeof text, "%.4f", f->margin_after);
    return cli_table_add(t, text, err);
}

static clipspan_status print_forecast(const printing *p, clipspan_error *err)
{
    const clipspan_remedy_forecast *f;
    clipspan_status status = CLIPSPAN_OK;
    cli_table t;
    cli_table_init(&t, "forecast: predicted|cue|>images|>stay|>margin before|>after");
    for (size_t k = 0; status == CLIPSPAN_OK &&
                       (f = clipspan_remedy_get_forecast(p->remedy, p->index, k)) != NULL;
         k++)
        status = add_forecast(&t, f, err);
    return finish_table(&t, p->session, status);
}

static clipspan_status add_side(cli_table *t, const printing *p, const clipspan_remedy_side *s,
                                clipspan_error *err)
{
    CS_TRY(cli_table_add(t, s->name, err));
    CS_TRY(add_percent(t, s->kept, err));
    if (!s->overall || !s->overall->before->images) return add_blanks(t, 4, err);
    CS_TRY(add_percent(t, s->overall->before->share, err));
    CS_TRY(add_percent(t, s->overall->after->share, err));
    return add_change(t, s->overall, is_resampled(p), err);
}

static clipspan_status print_sides(const printing *p, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    cli_table t;
    if (!p->pair->sides) return CLIPSPAN_OK;
    cli_table_init(&t, "side effects on|>stay|>accuracy before|>after|>points|>95 %");
    for (size_t i = 0; i < p->pair->sides && status == CLIPSPAN_OK; i++)
        status = add_side(&t, p, clipspan_remedy_get_side(p->remedy, p->index, i), err);
    return finish_table(&t, p->session, status);
}

/* ---- Sentences ---- */

/* What decides: the worst group where there are groups with images. */
static const clipspan_comparison *judged(const clipspan_remedy_row *r)
{
    return r->worst ? r->worst : r->overall;
}

/* A remedy that does better on the labels than what was recommended is said, not hidden. */
static void say_better(const printing *p, const clipspan_remedy_row *chosen)
{
    const clipspan_remedy_row *best = NULL;
    char share[CLI_NUMBER_ROOM], words[64];
    for (size_t i = 2; i < p->pair->rows && !p->evaluation->agreement; i++) {
        const clipspan_remedy_row *r = clipspan_remedy_get_row(p->remedy, p->index, i);
        if (judged(r)->after->share > judged(best ? best : chosen)->after->share) best = r;
    }
    if (!best) return;
    cli_remedy_words(words, best->kind, best->heads, p->pair->heads);
    cli_format_percent(share, judged(best)->after->share);
    cli_say(p->session, "with the labels of these images, %s would have done better: %s", words,
            share);
}

static void name_heads(char *out, size_t room, const printing *p, size_t heads)
{
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < heads && i < HEADS_NAMED && used + CLI_HEAD_ROOM < room; i++) {
        char name[CLI_HEAD_ROOM];
        cli_head_name(name, clipspan_remedy_get_head(p->remedy, p->index, i)->head);
        used += (size_t)snprintf(out + used, room - used, "%s%s", i ? " " : "", name);
    }
}

static void say_last(const printing *p)
{
    const clipspan_remedy_row *chosen = clipspan_remedy_get_row(p->remedy, p->index, 1);
    const clipspan_comparison *c = judged(chosen);
    const clipspan_cues_info *cue = clipspan_remedy_get_info(p->remedy)->cue;
    char words[64], heads[HEADS_NAMED * CLI_HEAD_ROOM], before[CLI_NUMBER_ROOM],
        after[CLI_NUMBER_ROOM];
    name_heads(heads, sizeof heads, p, chosen->heads);
    cli_remedy_words(words, chosen->kind, chosen->heads, p->pair->heads);
    cli_say(p->session, "cue: %s%s%s", cue->words, cue->pool ? ", found in the text pool " : "",
            cue->pool ? cue->pool : "");
    cli_say(p->session, "direct effects; %s; selection used no labels", p->evaluation->means);
    say_better(p, chosen);
    cli_random_say(p->session, clipspan_remedy_get_random(p->remedy, p->index),
                   p->evaluation->agreement);
    cli_format_percent(before, c->before->share);
    cli_format_percent(after, c->after->share);
    cli_say(p->session, "%s against %s: %s", p->pair->class_a, p->pair->class_b, p->pair->why);
    if (chosen->kind == CLIPSPAN_REMEDY_NONE) return;
    cli_say(p->session, "%s against %s: %s%s%s%s%s: %s %s before, %s after", p->pair->class_a,
            p->pair->class_b, words, *heads ? " (" : "", heads,
            chosen->heads > HEADS_NAMED ? " …" : "", *heads ? ")" : "",
            chosen->worst              ? "worst group"
            : p->evaluation->agreement ? "agreement"
                                       : "accuracy",
            before, after);
}

clipspan_status cli_remedy_print(const cli_session *s, const clipspan_remedy *remedy,
                                 clipspan_error *err)
{
    const clipspan_remedy_info *info = clipspan_remedy_get_info(remedy);
    printing p = {.session = s, .remedy = remedy, .evaluation = info->evaluation};
    CS_TRY(print_cues(&p, err));
    for (p.index = 0; p.index < info->pairs; p.index++) {
        p.pair = clipspan_remedy_get_pair(remedy, p.index);
        CS_TRY(print_heads(&p, err));
        CS_TRY(print_remedies(&p, err));
        CS_TRY(print_forecast(&p, err));
        CS_TRY(print_sides(&p, err));
        say_last(&p);
        if (p.index + 1 < info->pairs) putchar('\n');
    }
    return CLIPSPAN_OK;
}
