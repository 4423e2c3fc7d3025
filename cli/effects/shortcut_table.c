/* SPDX-License-Identifier: MIT */
/* Shortcuts for people. */
#include "cli/effects/shortcut_out.h"
#include "cli/out/comparison_out.h"
#include "cli/out/numbers.h"
#include "cli/out/table.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define HEADS_SHOWN 10

static const char *class_name(const cli_evaluation *ev, size_t index)
{
    return clipspan_texts_get_text(ev->classes, index);
}

static double part(double x, double all)
{
    return all > 0 ? x / all : 0;
}

static clipspan_status add_percent(cli_table *t, double share, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    cli_format_percent(text, share);
    return cli_table_add(t, text, err);
}

static clipspan_status print_cues(const cli_evaluation *ev, const cli_findings *f,
                                  clipspan_error *err)
{
    static const char headers[] = "cue found in the pool|category|>of the margin's variance";
    clipspan_status status = CLIPSPAN_OK;
    cli_table t;
    if (!f->cue_count) return CLIPSPAN_OK;
    cli_table_init(&t, headers);
    for (size_t i = 0; i < f->cue_count && status == CLIPSPAN_OK; i++) {
        status = cli_table_add(&t, clipspan_texts_get_text(f->pool, f->cues[i].text), err);
        if (status == CLIPSPAN_OK)
            status = cli_table_add(&t, clipspan_texts_get_key(f->pool, f->cues[i].text) + 1, err);
        if (status == CLIPSPAN_OK) status = add_percent(&t, f->cues[i].strength, err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&t, ev->session, stdout);
    putchar('\n');
    cli_table_fini(&t);
    return status;
}

static clipspan_status add_head(cli_table *t, const cli_session *s, const clipspan_shortcut_head *h,
                                double all, clipspan_error *err)
{
    const clipspan_change c = {.layer = h->head.layer, .head = h->head.head};
    char text[CLI_BAR_ROOM];
    cli_component_name(text, &c);
    CS_TRY(cli_table_add(t, text, err));
    CS_TRY(add_percent(t, part(h->variance, all), err));
    CS_TRY(add_percent(t, part(h->explained, all), err));
    snprintf(text, sizeof text, "%.2f", h->ratio);
    CS_TRY(cli_table_add(t, text, err));
    cli_bar(text, s, part(h->explained, h->variance), 20);
    return cli_table_add(t, text, err);
}

static clipspan_status print_heads(const cli_evaluation *ev, const cli_pair *p, clipspan_error *err)
{
    static const char headers[] =
        "head|>of the margin's variance|>the cue's|>ratio|the cue's part of it";
    const clipspan_shortcut_info *info = clipspan_shortcut_get_info(p->shortcut);
    const clipspan_shortcut_head *h = clipspan_shortcut_get_heads(p->shortcut);
    clipspan_status status = CLIPSPAN_OK;
    char with[CLI_NUMBER_ROOM], against[CLI_NUMBER_ROOM];
    cli_table t;
    cli_table_init(&t, headers);
    for (size_t i = 0; i < info->ranked && i < HEADS_SHOWN && status == CLIPSPAN_OK; i++)
        status = add_head(&t, ev->session, &h[i], info->variance, err);
    if (status == CLIPSPAN_OK) cli_table_print(&t, ev->session, stdout);
    if (info->ranked > HEADS_SHOWN)
        cli_say(ev->session, "  and %zu more (--json has every one)", info->ranked - HEADS_SHOWN);
    cli_format_percent(with, part(info->explained, info->variance));
    cli_format_percent(against, part(info->counteracted, info->variance));
    cli_say(ev->session,
            "the cue explains %s of the heads' contribution to %s against %s; heads that "
            "counteract it: "
            "%s\n",
            with, class_name(ev, p->a), class_name(ev, p->b), against);
    cli_table_fini(&t);
    return status;
}

/* "+12.3 (+10.1 to +14.0)", without the interval where there were no resamples. */
static void change_words(char out[3 * CLI_NUMBER_ROOM], const clipspan_comparison *c)
{
    if (c->change_low == c->change_high)
        snprintf(out, 3 * CLI_NUMBER_ROOM, "%+.1f", 100 * c->change);
    else
        snprintf(out, 3 * CLI_NUMBER_ROOM, "%+.1f (%+.1f to %+.1f)", 100 * c->change,
                 100 * c->change_low, 100 * c->change_high);
}

static clipspan_status add_figures(cli_table *t, const cli_evaluation *ev, const char *name,
                                   double correlation, const clipspan_comparison *overall,
                                   const clipspan_comparison *worst, clipspan_error *err)
{
    char text[3 * CLI_NUMBER_ROOM];
    CS_TRY(cli_table_add(t, name, err));
    snprintf(text, sizeof text, "%.2f", correlation);
    CS_TRY(cli_table_add(t, correlation < 0 ? "" : text, err));
    CS_TRY(add_percent(t, overall->after.share, err));
    if (!ev->group_count) return CLIPSPAN_OK;
    CS_TRY(add_percent(t, worst->after.share, err));
    change_words(text, worst);
    return cli_table_add(t, text, err);
}

static clipspan_status print_remedies(const cli_evaluation *ev, const cli_pair *p,
                                      clipspan_error *err)
{
    const size_t LH = clipspan_shortcut_get_info(p->shortcut)->heads;
    clipspan_status status = CLIPSPAN_OK;
    char headers[120], name[128], words[64];
    cli_table t;
    snprintf(headers, sizeof headers, "remedy|>correlation|>%s%s",
             ev->labelled ? "accuracy" : "agreement",
             ev->group_count ? "|>worst group|>points" : "");
    cli_table_init(&t, headers);
    for (size_t i = 0; i < p->remedy_count && status == CLIPSPAN_OK; i++) {
        const cli_remedy *r = &p->remedies[i];
        cli_remedy_words(words, &r->candidate, LH);
        if (i == 1)
            snprintf(name, sizeof name, "chosen: %s", words);
        else if (i == p->remedy_count - 1 && ev->labelled)
            snprintf(name, sizeof name, "hindsight: %s", words);
        else
            snprintf(name, sizeof name, "%s%s",
                     r->candidate.remedy >= CLIPSPAN_REMEDY_PROJECT ? "baseline: " : "", words);
        status = add_figures(&t, ev, name, r->candidate.correlation, &r->overall, &r->worst, err);
    }
    if (status == CLIPSPAN_OK && p->trial_count) {
        const cli_trial *best = cli_best_of(ev, p);
        snprintf(name, sizeof name, "%zu random head%s, best of %zu", best->count,
                 best->count == 1 ? "" : "s", p->trial_count);
        status = add_figures(&t, ev, name, -1, &best->overall, &best->worst, err);
    }
    if (status == CLIPSPAN_OK) cli_table_print(&t, ev->session, stdout);
    putchar('\n');
    cli_table_fini(&t);
    return status;
}

static clipspan_status add_pseudo(cli_table *t, const cli_evaluation *ev, const cli_pair *p,
                                  const cli_pseudo *g, clipspan_error *err)
{
    char text[CLI_NUMBER_ROOM];
    CS_TRY(cli_table_add(t, class_name(ev, g->side ? p->b : p->a), err));
    CS_TRY(cli_table_add(t, g->positive ? "first side" : "second side", err));
    cli_format_count(text, g->images);
    CS_TRY(cli_table_add(t, text, err));
    CS_TRY(add_percent(t, part((double)g->kept, (double)g->images), err));
    snprintf(text, sizeof text, "%.4f", g->before);
    CS_TRY(cli_table_add(t, text, err));
    snprintf(text, sizeof text, "%.4f", g->after);
    return cli_table_add(t, text, err);
}

/* What the chosen remedy does to the images of the statistics, by answer and cue. */
static clipspan_status print_forecast(const cli_evaluation *ev, const cli_pair *p,
                                      clipspan_error *err)
{
    static const char headers[] =
        "forecast: predicted|cue|>images|>answer stays|>margin before|>after";
    clipspan_status status = CLIPSPAN_OK;
    cli_table t;
    cli_table_init(&t, headers);
    for (int k = 0; k < 4 && status == CLIPSPAN_OK; k++)
        status = add_pseudo(&t, ev, p, &p->pseudo[k], err);
    if (status == CLIPSPAN_OK) cli_table_print(&t, ev->session, stdout);
    putchar('\n');
    cli_table_fini(&t);
    return status;
}

static clipspan_status add_side(cli_table *t, const cli_side *s, clipspan_error *err)
{
    char text[3 * CLI_NUMBER_ROOM];
    cli_side_name(text, s->name);
    CS_TRY(cli_table_add(t, text, err));
    CS_TRY(add_percent(t, s->kept, err));
    if (!s->labelled || !s->overall.before.images) {
        for (int i = 0; i < 3; i++)
            CS_TRY(cli_table_add(t, "", err));
        return CLIPSPAN_OK;
    }
    CS_TRY(add_percent(t, s->overall.before.share, err));
    CS_TRY(add_percent(t, s->overall.after.share, err));
    change_words(text, &s->overall);
    return cli_table_add(t, text, err);
}

static clipspan_status print_sides(const cli_evaluation *ev, const cli_pair *p, clipspan_error *err)
{
    static const char headers[] =
        "side effects on|>answers that stay|>accuracy before|>after|>points";
    clipspan_status status = CLIPSPAN_OK;
    cli_table t;
    if (!p->side_count) return CLIPSPAN_OK;
    cli_table_init(&t, headers);
    for (size_t i = 0; i < p->side_count && status == CLIPSPAN_OK; i++)
        status = add_side(&t, &p->sides[i], err);
    if (status == CLIPSPAN_OK) cli_table_print(&t, ev->session, stdout);
    putchar('\n');
    cli_table_fini(&t);
    return status;
}

/* A baseline that does better on the labels is said, not hidden. */
static void print_better(const cli_evaluation *ev, const cli_pair *p)
{
    const cli_remedy *chosen = &p->remedies[1];
    for (size_t i = 2; i < p->remedy_count && ev->labelled; i++) {
        const cli_remedy *r = &p->remedies[i];
        const double mine =
                         ev->group_count ? chosen->worst.after.share : chosen->overall.after.share,
                     other = ev->group_count ? r->worst.after.share : r->overall.after.share;
        char share[CLI_NUMBER_ROOM];
        if (r->candidate.remedy < CLIPSPAN_REMEDY_PROJECT || other <= mine) continue;
        cli_format_percent(share, other);
        cli_say(ev->session, "%s does better here than the remedy that was chosen: %s", r->name,
                share);
    }
}

static void print_last(const cli_evaluation *ev, const cli_findings *f, const cli_pair *p)
{
    const cli_remedy *r = &p->remedies[1];
    const clipspan_comparison *c = ev->group_count ? &r->worst : &r->overall;
    char means[512], words[64], heads[200], before[CLI_NUMBER_ROOM], after[CLI_NUMBER_ROOM];
    clipspan_change changes[16];
    const clipspan_shortcut_head *h = clipspan_shortcut_get_heads(p->shortcut);
    size_t some = 0;
    for (; some < 16 && some < (size_t)r->candidate.heads; some++)
        changes[some] = (clipspan_change){.layer = h[some].head.layer, .head = h[some].head.head};
    cli_components_words(heads, sizeof heads, changes, some);
    cli_remedy_words(words, &r->candidate, clipspan_shortcut_get_info(p->shortcut)->heads);
    cli_means_words(means, ev);
    cli_say(ev->session, "cue: %s\ndirect effects; %s; selection used no labels", f->cue, means);
    print_better(ev, p);
    cli_format_percent(before, c->before.share);
    cli_format_percent(after, c->after.share);
    cli_say(ev->session, "%s against %s: %s (%s%s): %s %s before, %s after", class_name(ev, p->a),
            class_name(ev, p->b), words, heads, (size_t)r->candidate.heads > some ? " …" : "",
            ev->group_count ? "worst group"
            : ev->labelled  ? "accuracy"
                            : "agreement",
            before, after);
}

clipspan_status cli_findings_print(const cli_evaluation *ev, const cli_findings *f,
                                   clipspan_error *err)
{
    CS_TRY(print_cues(ev, f, err));
    for (size_t i = 0; i < f->pair_count; i++) {
        const cli_pair *p = &f->pairs[i];
        CS_TRY(print_heads(ev, p, err));
        CS_TRY(print_remedies(ev, p, err));
        CS_TRY(print_forecast(ev, p, err));
        CS_TRY(print_sides(ev, p, err));
        print_last(ev, f, p);
        if (i + 1 < f->pair_count) putchar('\n');
    }
    return CLIPSPAN_OK;
}
