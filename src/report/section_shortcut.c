/* SPDX-License-Identifier: MIT */
/* Through which heads a cue reaches a decision and what remedies do, from kept remedies
 * (study/remedy.h): what was chosen beside every baseline, whether or not they do better. */
#include "base/number_text.h"
#include "report/document.h"
#include "report/section.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PAIRS_SHOWN 6

static double part(double x, double all)
{
    return all > 0 ? x / all : (double)NAN;
}

static void quoted(cs_html *html, const char *text)
{
    cs_html_put(html, "\xE2\x80\x9C");
    cs_html_name(html, text);
    cs_html_put(html, "\xE2\x80\x9D");
}

/* "T1|T2;T3" as what it means: "T1" or "T2" against "T3". */
static void say_cue(cs_html *html, const char *cue)
{
    char text[256];
    while (*cue) {
        const size_t size = strcspn(cue, "|;");
        snprintf(text, sizeof text, "%.*s", (int)(size < sizeof text ? size : sizeof text - 1),
                 cue);
        quoted(html, text);
        cue += size;
        if (*cue) cs_html_put(html, *cue++ == ';' ? " against " : " or ");
    }
}

/* What nobody put into words is a direction. */
static const char *cue_words(const cs_remedy *d)
{
    return d->cue.words && *d->cue.words ? d->cue.words : "a direction without words";
}

/* ---- Remedies ---- */

/* "cue surgery, 24 heads": what a remedy changes. */
static cs_figure words_of(const clipspan_remedy_row *r, size_t heads)
{
    static const char *const words[] = {"nothing", "mean-ablation", "cue surgery",
                                        "text projection", "whole embedding"};
    cs_figure figure;
    if (r->heads == 0)
        snprintf(figure.text, sizeof figure.text, "%s", words[r->kind]);
    else if (r->heads == heads)
        snprintf(figure.text, sizeof figure.text, "%s, all heads", words[r->kind]);
    else
        snprintf(figure.text, sizeof figure.text, "%s, %.10s head%s", words[r->kind],
                 cs_figure_count(r->heads).text, r->heads == 1 ? "" : "s");
    return figure;
}

/* What the remedy is judged by: the worst group where groups are known, else all images. */
static const clipspan_comparison *judged(const clipspan_remedy_row *r)
{
    return r->worst ? r->worst : r->overall;
}

static const clipspan_remedy_row *chosen_of(const cs_remedy_pair *pair)
{
    return &pair->rows[CLIPSPAN_TRIED_CHOSEN].row;
}

static int is_baseline(const clipspan_remedy_row *r)
{
    return r->role == CLIPSPAN_TRIED_PROJECT || r->role == CLIPSPAN_TRIED_REGRESS;
}

/* The baseline that does better than the remedy that was chosen, best first; NULL: none. */
static const clipspan_remedy_row *better_baseline(const cs_remedy_pair *pair)
{
    const clipspan_remedy_row *best = NULL;
    double most = judged(chosen_of(pair))->after->share;
    for (size_t i = 0; i < pair->pair.rows; i++) {
        const clipspan_remedy_row *r = &pair->rows[i].row;
        if (!is_baseline(r) || !(judged(r)->after->share > most)) continue;
        most = judged(r)->after->share;
        best = r;
    }
    return best;
}

static void remedy_row(cs_html *html, const clipspan_comparison *overall,
                       const clipspan_comparison *worst, double left, const char *name, double mark,
                       const char *look, const char *row_look)
{
    const clipspan_comparison *c = worst ? worst : overall;
    const cs_share after = {c->after->share, c->after->low, c->after->high};
    cs_html_format(html, "\n<tr%s><th scope=row>", row_look);
    cs_html_text(html, name);
    cs_share_cells(html, after, mark, name, look);
    cs_say_change(html, c);
    if (worst)
        cs_html_format(html, "<td class=n>%s", cs_figure_percent(overall->after->share).text);
    if (isfinite(left))
        cs_html_format(html, "<td class=n>%s", cs_figure_real(left).text);
    else
        cs_html_put(html, "<td class=n>\xE2\x80\x93");
}

static const char *prefix_of(const clipspan_remedy_row *r)
{
    return r->role == CLIPSPAN_TRIED_CHOSEN      ? "recommended: "
           : r->role == CLIPSPAN_TRIED_HINDSIGHT ? "best in hindsight: "
           : is_baseline(r)                      ? "baseline: "
                                                 : "";
}

/* The same remedy as in an earlier row. */
static int shown_before(const cs_remedy_pair *pair, size_t row)
{
    const clipspan_remedy_row *r = &pair->rows[row].row;
    for (size_t i = 0; i < row; i++)
        if (pair->rows[i].row.kind == r->kind && pair->rows[i].row.heads == r->heads) return 1;
    return 0;
}

/* Mean and range of the random sets; points against nothing. */
static void random_row(cs_html *html, const cs_remedy_pair *pair, double mark)
{
    const clipspan_random_sets *r = &pair->random.info;
    const cs_share share = cs_random_share(r);
    clipspan_comparison c = *judged(&pair->rows[CLIPSPAN_TRIED_NOTHING].row), all = c;
    clipspan_share after, overall;
    char name[128];
    snprintf(name, sizeof name, "%.24s random head%s, %.60s", cs_figure_count(r->heads_of_set).text,
             r->heads_of_set == 1 ? "" : "s", cs_random_name(r).text);
    after = (clipspan_share){c.before->images, 0, share.share, share.low, share.high};
    c.after = &after;
    c.change = share.share - c.before->share;
    c.change_low = share.low - c.before->share;
    c.change_high = share.high - c.before->share;
    overall = *all.after;
    overall.share = r->best_overall ? r->best_overall->after->share : r->overall->mean;
    all.after = &overall;
    remedy_row(html, r->worst ? &all : &c, r->worst ? &c : NULL, (double)NAN, name, mark, "mlp",
               "");
}

static void remedy_rows(cs_html *html, const cs_remedy_pair *pair, double mark)
{
    const clipspan_remedy_row *chosen = chosen_of(pair);
    char name[128];
    for (size_t i = 0; i < pair->pair.rows; i++) {
        const clipspan_remedy_row *r = &pair->rows[i].row;
        const int least = r->role == CLIPSPAN_TRIED_ABLATION || r->role == CLIPSPAN_TRIED_SURGERY;
        if (shown_before(pair, i)) continue;
        snprintf(name, sizeof name, "%s%s%s", prefix_of(r), words_of(r, pair->pair.heads).text,
                 least ? ", least correlation" : "");
        remedy_row(html, r->overall, r->worst, r->correlation, name, mark,
                   is_baseline(r) || i == 0 ? "mlp" : "att", r == chosen ? " class=chosen" : "");
    }
    if (pair->random.info.sets) random_row(html, pair, mark);
}

static void remedies(cs_html *html, const cs_remedy *d, const cs_remedy_pair *pair)
{
    const clipspan_remedy_row *nothing = &pair->rows[CLIPSPAN_TRIED_NOTHING].row;
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"Remedies\"><table "
                   "class=\"layers shares\"><thead><tr><th scope=col>Remedy<th scope=col "
                   "colspan=2>%s<th scope=col class=n>95\xC2\xA0%%<th scope=col class=n>points<th "
                   "scope=col class=n>95\xC2\xA0%%, bootstrap%s<th scope=col class=n>correlation "
                   "left<tbody>",
                   nothing->worst             ? "Worst group right"
                   : !d->facts.info.agreement ? "Right"
                                              : "Answers that stay",
                   nothing->worst ? "<th scope=col class=n>all right" : "");
    remedy_rows(html, pair, judged(nothing)->after->share);
    cs_html_put(
        html,
        "</table></div>\n<p class=note>Mean-ablation replaces each head's output by its mean. Cue "
        "surgery keeps "
        "every head and takes from its output what moves with its own reading of the cue, among "
        "images with the same answer. The baselines do not use heads: text projection takes "
        "the cue\xE2\x80\x99s direction out of the embedding, whole embedding what moves with the "
        "cue. Correlation left is that of the decision with the cue within either answer, on the "
        "images of the statistics. The dashed mark is nothing changed; grey bars are what to "
        "beat."
        "</p>\n");
}

static void found_cues(cs_html *html, const cs_remedy *d)
{
    if (d->cue.names_class) {
        cs_html_put(html, "<p class=note><b>The cue names the class ");
        quoted(html, d->cue.names_class);
        cs_html_put(html, ":</b> what it reads is then the class itself, and taking it away takes "
                          "the answer away.</p>\n");
    }
    if (d->cue.count == 0) return;
    cs_html_put(html, "<p class=note>Nobody named the cue. These texts of the pool, each less its "
                      "category\xE2\x80\x99s mean, explain most of the first pair\xE2\x80\x99s "
                      "margin: ");
    for (size_t i = 0; i < d->cue.count; i++) {
        cs_html_put(html, i ? ", " : "");
        quoted(html, d->found[i].text);
        cs_html_format(html, "\xC2\xA0%s", cs_figure_percent(d->found[i].strength).text);
    }
    cs_html_put(html, ". That says where to look, not that the cue is wrong to use.</p>\n");
}

/* ---- Sentences ---- */

/* What is recommended and what comes of it, or why nothing is. */
static void say_outcome(cs_html *html, const cs_remedy *d, const cs_remedy_pair *pair)
{
    const clipspan_remedy_row *chosen = chosen_of(pair);
    const clipspan_comparison *c = judged(chosen);
    const cs_share after = {c->after->share, c->after->low, c->after->high};
    const char *measure = chosen->worst              ? "the worst group\xE2\x80\x99s share right"
                          : !d->facts.info.agreement ? "the share right"
                                                     : "agreement with the whole model";
    if (chosen->kind == CLIPSPAN_REMEDY_NONE) {
        cs_html_text(html, pair->pair.why);
        return;
    }
    cs_html_format(html, "%s, chosen without labels, takes %s from %s",
                   words_of(chosen, pair->pair.heads).text, measure,
                   cs_figure_percent(c->before->share).text);
    cs_html_format(html, " to %s", cs_figure_percent(c->after->share).text);
    cs_html_format(html, " (%s)", cs_figure_interval(after).text);
    cs_html_format(html, "; predicted gain %s", cs_figure_points(pair->decision.gain).text);
    cs_html_format(html, " points (%s", cs_figure_points(pair->decision.gain_low).text);
    cs_html_format(html, " to %s)", cs_figure_points(pair->decision.gain_high).text);
}

static void say_better(cs_html *html, const cs_remedy *d, const cs_remedy_pair *pair)
{
    const clipspan_remedy_row *better = better_baseline(pair);
    if (d->facts.info.agreement) return;
    if (!better) {
        cs_html_put(html, " Neither remedy that does not use heads does better here.");
        return;
    }
    cs_html_format(html,
                   " <b>With the labels of these images a remedy that does not use heads would "
                   "have done better:</b> %s, %s.",
                   words_of(better, 0).text, cs_figure_percent(judged(better)->after->share).text);
}

static void say_pair(cs_html *html, const cs_remedy *d, const cs_remedy_pair *pair)
{
    const double all = pair->pair.variance;
    cs_html_put(html, "<p>Of what varies in the heads\xE2\x80\x99 say on ");
    quoted(html, pair->pair.class_a);
    cs_html_put(html, " against ");
    quoted(html, pair->pair.class_b);
    cs_html_format(html,
                   ", among images with the same answer, their readings of the cue explain %s",
                   cs_figure_percent(part(pair->pair.explained, all)).text);
    cs_html_format(html, "; heads that counteract it, %s. The proposal: ",
                   cs_figure_percent(part(pair->pair.counteracted, all)).text);
    say_outcome(html, d, pair);
    if (pair->random.info.sets) cs_say_random(html, &pair->random.info);
    cs_html_put(html, ".");
    say_better(html, d, pair);
    cs_html_put(html, "</p>\n");
}

/* Where it all comes from, once a page. */
static void circumstances(cs_html *html, const cs_remedy *d)
{
    char means[640];
    snprintf(means, sizeof means, "ranking and choice looked at no label; statistics and %.560s",
             d->facts.info.means);
    cs_say_circumstances(html, &d->facts.info, means);
    found_cues(html, d);
}

void cs_finding_shortcut(cs_html *html, const cs_report_facts *facts)
{
    const cs_remedy *d = facts->kept.shortcut;
    const cs_remedy_pair *pair;
    if (!d || !d->info.pairs) return;
    pair = &d->pairs[0];
    cs_html_put(html, "<li><a href=\"#shortcut\">A cue</a>, ");
    say_cue(html, cue_words(d));
    cs_html_put(html, ", reaches that decision: ");
    say_outcome(html, d, pair);
    cs_html_put(html, better_baseline(pair) && !d->facts.info.agreement
                          ? "; with labels another would have done better.</li>"
                          : ".</li>");
}

static void show_pair(cs_html *html, const cs_report_facts *facts, const cs_remedy_pair *pair)
{
    const cs_remedy *d = facts->kept.shortcut;
    say_pair(html, d, pair);
    if (pair == d->pairs) circumstances(html, d);
    remedies(html, d, pair);
    cs_html_put(html, "<div class=halves><div><h3 class=sub>Heads by how much of their "
                      "contribution the cue explains</h3>\n");
    cs_shortcut_heads(html, facts, pair);
    cs_html_put(html, "</div><div>");
    cs_shortcut_groups(html, d, pair);
    cs_html_put(html, "</div></div>\n");
    cs_shortcut_sides(html, pair);
    cs_shortcut_forecast(html, pair);
}

void cs_section_shortcut(cs_html *html, const cs_report_facts *facts)
{
    const cs_remedy *d = facts->kept.shortcut;
    if (!d) return;
    cs_html_put(html, "<section id=shortcut><h2>A suspected shortcut: ");
    say_cue(html, cue_words(d));
    cs_html_put(html, "</h2>\n");
    for (size_t i = 0; i < d->info.pairs && i < PAIRS_SHOWN; i++)
        show_pair(html, facts, &d->pairs[i]);
    if (d->info.pairs > PAIRS_SHOWN)
        cs_html_format(html, "<p class=note>%s of classes: clipspan shortcut shows %s.</p>\n",
                       cs_number_of(d->info.pairs - PAIRS_SHOWN, "more pair").text,
                       d->info.pairs - PAIRS_SHOWN == 1 ? "it" : "them");
    cs_html_put(html, "</section>\n");
}
