/* SPDX-License-Identifier: MIT */
/* Through which heads a cue reaches a decision and what remedies do, from the kept document of
 * `clipspan shortcut`: what was chosen beside every baseline, whether or not they do better. */
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
    cs_html_text(html, text);
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

/* ---- Remedies ---- */

/* "cue surgery, 24 heads": what a remedy changes. */
static cs_figure words_of(const json_t *remedy, size_t heads)
{
    const char *kind = cs_doc_text(remedy, "remedy");
    const uint64_t count = cs_doc_count(remedy, "heads");
    const char *what = strcmp(kind, "ablate") == 0            ? "mean-ablation"
                       : strcmp(kind, "cue_surgery") == 0     ? "cue surgery"
                       : strcmp(kind, "text_projection") == 0 ? "text projection"
                       : strcmp(kind, "whole_embedding") == 0 ? "whole embedding"
                                                              : "nothing";
    cs_figure figure;
    if (count == 0)
        snprintf(figure.text, sizeof figure.text, "%s", what);
    else if (count == heads)
        snprintf(figure.text, sizeof figure.text, "%s, all heads", what);
    else
        snprintf(figure.text, sizeof figure.text, "%s, %.10s head%s", what,
                 cs_figure_count(count).text, count == 1 ? "" : "s");
    return figure;
}

/* What the remedy is judged by: the worst group where groups are known, else all pictures. */
static const json_t *judged(const json_t *remedy)
{
    const json_t *worst = json_object_get(remedy, "worst_group");
    return worst ? worst : json_object_get(remedy, "overall");
}

static const json_t *remedy_called(const json_t *pair, const char *what)
{
    const json_t *list = json_object_get(pair, "remedies");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(cs_doc_text(json_array_get(list, i), "what"), what) == 0)
            return json_array_get(list, i);
    return NULL;
}

static int is_baseline(const json_t *remedy)
{
    return strncmp(cs_doc_text(remedy, "what"), "baseline", 8) == 0;
}

/* The baseline that does better than the remedy that was chosen, best first; NULL: none. */
static const json_t *better_baseline(const json_t *pair)
{
    const json_t *list = json_object_get(pair, "remedies"), *best = NULL;
    double most = cs_doc_real(judged(remedy_called(pair, "chosen")), "after");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *r = json_array_get(list, i);
        const double after = cs_doc_real(judged(r), "after");
        if (!is_baseline(r) || !(after > most)) continue;
        most = after;
        best = r;
    }
    return best;
}

static void remedy_row(cs_html *html, const json_t *remedy, const char *name, double mark,
                       const char *look, const char *row_look)
{
    const json_t *c = judged(remedy), *overall = json_object_get(remedy, "overall");
    const double left = cs_doc_real(remedy, "correlation");
    cs_html_format(html, "\n<tr%s><th scope=row>", row_look);
    cs_html_text(html, name);
    cs_share_cells(html, cs_doc_share(c, "after"), mark, name, look);
    cs_doc_change(html, c);
    if (c != overall)
        cs_html_format(html, "<td class=n>%s",
                       cs_figure_percent(cs_doc_real(overall, "after")).text);
    if (isfinite(left))
        cs_html_format(html, "<td class=n>%s", cs_figure_real(left).text);
    else
        cs_html_put(html, "<td class=n>\xE2\x80\x93");
}

/* The best of the random sets by what remedies are judged by; NULL: none. */
static const json_t *best_random(const json_t *pair)
{
    const json_t *list = json_object_get(pair, "random"), *best = json_array_get(list, 0);
    for (size_t i = 1; i < json_array_size(list); i++) {
        const json_t *r = json_array_get(list, i);
        if (cs_doc_real(judged(r), "after") > cs_doc_real(judged(best), "after")) best = r;
    }
    return best;
}

static int same_remedy(const json_t *a, const json_t *b)
{
    return strcmp(cs_doc_text(a, "remedy"), cs_doc_text(b, "remedy")) == 0 &&
           cs_doc_count(a, "heads") == cs_doc_count(b, "heads");
}

static void remedies(cs_html *html, const json_t *d, const json_t *pair)
{
    const json_t *list = json_object_get(pair, "remedies"), *random = best_random(pair);
    const size_t heads = json_array_size(json_object_get(pair, "heads"));
    const int groups = json_object_get(json_array_get(list, 0), "worst_group") != NULL;
    const double mark = cs_doc_real(judged(json_array_get(list, 0)), "after");
    char name[128];
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"Remedies\"><table "
                   "class=\"layers shares\"><thead><tr><th scope=col>Remedy<th scope=col "
                   "colspan=2>%s<th scope=col class=n>95\xC2\xA0%%<th scope=col class=n>points<th "
                   "scope=col class=n>95\xC2\xA0%%, bootstrap%s<th scope=col class=n>correlation "
                   "left<tbody>",
                   groups                       ? "Worst group right"
                   : cs_doc_flag(d, "labelled") ? "Right"
                                                : "Answers that stay",
                   groups ? "<th scope=col class=n>all right" : "");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *r = json_array_get(list, i);
        const char *what = cs_doc_text(r, "what");
        const int chosen = strcmp(what, "chosen") == 0;
        if (i > 1 && same_remedy(r, json_array_get(list, 1))) continue;
        snprintf(name, sizeof name, "%s%s%s",
                 chosen                                   ? "chosen: "
                 : strcmp(what, "best in hindsight") == 0 ? "best in hindsight: "
                 : is_baseline(r)                         ? "baseline: "
                                                          : "",
                 words_of(r, heads).text,
                 strcmp(what, "ablation") == 0 || strcmp(what, "cue surgery") == 0
                     ? ", least correlation"
                     : "");
        remedy_row(html, r, name, mark, is_baseline(r) || i == 0 ? "mlp" : "att",
                   chosen ? " class=chosen" : "");
    }
    if (random) {
        const size_t chosen = cs_doc_count(remedy_called(pair, "chosen"), "heads");
        snprintf(name, sizeof name, "%s random head%s, best of %zu", cs_figure_count(chosen).text,
                 chosen == 1 ? "" : "s", json_array_size(json_object_get(pair, "random")));
        remedy_row(html, random, name, mark, "mlp", "");
    }
    cs_html_put(
        html,
        "</table></div>\n<p class=note>Mean-ablation puts heads at their means. Cue surgery keeps "
        "every head and takes from its output what moves with its own reading of the cue, among "
        "pictures with the same answer. The baselines know nothing of heads: text projection takes "
        "the cue\xE2\x80\x99s direction out of the embedding, whole embedding what moves with the "
        "cue. Correlation left is that of the decision with the cue within either answer, on the "
        "pictures of the statistics. The dashed mark is nothing changed; grey bars are what to "
        "beat."
        "</p>\n");
}

static void found_cues(cs_html *html, const json_t *d)
{
    const json_t *list = json_object_get(d, "cues");
    if (json_array_size(list) == 0) return;
    cs_html_put(html, "<p class=note>Nobody named the cue. These texts of the pool, each less its "
                      "category\xE2\x80\x99s mean, explain most of the first pair\xE2\x80\x99s "
                      "margin: ");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *c = json_array_get(list, i);
        cs_html_put(html, i ? ", " : "");
        quoted(html, cs_doc_text(c, "text"));
        cs_html_format(html, "\xC2\xA0%s", cs_figure_percent(cs_doc_real(c, "strength")).text);
    }
    cs_html_put(html, ". That says where to look, not that the cue is wrong to use.</p>\n");
}

/* ---- Sentences ---- */

static void say_outcome(cs_html *html, const json_t *d, const json_t *pair)
{
    const json_t *chosen = remedy_called(pair, "chosen"), *c = judged(chosen);
    const size_t heads = json_array_size(json_object_get(pair, "heads"));
    const char *measure = json_object_get(chosen, "worst_group")
                              ? "the worst group\xE2\x80\x99s share right"
                          : cs_doc_flag(d, "labelled") ? "the share right"
                                                       : "agreement with the whole model";
    cs_html_format(html, "%s, chosen without labels, takes %s from %s",
                   words_of(chosen, heads).text, measure,
                   cs_figure_percent(cs_doc_real(c, "before")).text);
    cs_html_format(html, " to %s", cs_figure_percent(cs_doc_real(c, "after")).text);
    cs_html_format(html, " (%s)", cs_figure_interval(cs_doc_share(c, "after")).text);
}

static void say_better(cs_html *html, const json_t *d, const json_t *pair)
{
    const json_t *better = better_baseline(pair);
    if (!cs_doc_flag(d, "labelled")) return;
    if (!better) {
        cs_html_put(html, " Neither baseline that knows nothing of heads does better here.");
        return;
    }
    cs_html_format(html, " <b>A baseline that knows nothing of heads does better here:</b> %s, %s.",
                   words_of(better, 0).text,
                   cs_figure_percent(cs_doc_real(judged(better), "after")).text);
}

/* Random sets that do as well are said, not hidden. */
static void say_random(cs_html *html, const json_t *pair)
{
    const json_t *best = best_random(pair);
    const double chosen = cs_doc_real(judged(remedy_called(pair, "chosen")), "after");
    if (best && cs_doc_real(judged(best), "after") >= chosen)
        cs_html_format(
            html,
            " The best of %zu random sets of as many heads, changed the same way, does as "
            "well as the choice.",
            json_array_size(json_object_get(pair, "random")));
}

static void say_pair(cs_html *html, const json_t *d, const json_t *pair)
{
    const double all = cs_doc_real(pair, "variance");
    cs_html_put(html, "<p>Of what varies in the heads\xE2\x80\x99 say on ");
    quoted(html, cs_doc_text(pair, "class_a"));
    cs_html_put(html, " against ");
    quoted(html, cs_doc_text(pair, "class_b"));
    cs_html_format(html,
                   ", among pictures with the same answer, their readings of the cue explain %s",
                   cs_figure_percent(part(cs_doc_real(pair, "explained"), all)).text);
    cs_html_format(html, "; heads that counteract it, %s. The proposal: ",
                   cs_figure_percent(part(cs_doc_real(pair, "counteracted"), all)).text);
    say_outcome(html, d, pair);
    cs_html_put(html, ".");
    say_better(html, d, pair);
    say_random(html, pair);
    cs_html_put(html, "</p>\n");
}

/* Where it all comes from, once a page. */
static void circumstances(cs_html *html, const json_t *d)
{
    const clipspan_evaluation_info info = {.run = cs_doc_text(d, "run"),
                                           .source = cs_doc_text(d, "labels"),
                                           .unlabelled = cs_doc_count(d, "unlabelled"),
                                           .agreement = !cs_doc_flag(d, "labelled")};
    char means[640];
    snprintf(means, sizeof means, "ranking and choice looked at no label; statistics and %.560s",
             cs_doc_text(d, "statistics"));
    cs_say_circumstances(html, &info, means);
    found_cues(html, d);
}

void cs_finding_shortcut(cs_html *html, const cs_report_facts *facts)
{
    const json_t *d = facts->kept.shortcut, *pair = json_array_get(json_object_get(d, "pairs"), 0);
    if (!pair) return;
    cs_html_put(html, "<li><a href=\"#shortcut\">A cue</a>, ");
    say_cue(html, cs_doc_text(d, "cue"));
    cs_html_put(html, ", reaches that decision: ");
    say_outcome(html, d, pair);
    cs_html_put(html, better_baseline(pair) && cs_doc_flag(d, "labelled")
                          ? "; a baseline does better.</li>"
                          : ".</li>");
}

static void show_pair(cs_html *html, const cs_report_facts *facts, const json_t *pair)
{
    const json_t *d = facts->kept.shortcut;
    say_pair(html, d, pair);
    if (pair == json_array_get(json_object_get(d, "pairs"), 0)) circumstances(html, d);
    remedies(html, d, pair);
    cs_html_put(html, "<div class=halves><div><h3 class=sub>Heads by how much of their say is the "
                      "cue\xE2\x80\x99s</h3>\n");
    cs_shortcut_heads(html, facts, pair);
    cs_html_put(html, "</div><div>");
    cs_shortcut_groups(html, json_object_get(remedy_called(pair, "chosen"), "groups"));
    cs_html_put(html, "</div></div>\n");
    cs_shortcut_sides(html, pair);
    cs_shortcut_forecast(html, pair);
}

void cs_section_shortcut(cs_html *html, const cs_report_facts *facts)
{
    const json_t *d = facts->kept.shortcut, *pairs = json_object_get(d, "pairs");
    if (!d) return;
    cs_html_put(html, "<section id=shortcut><h2>A suspected shortcut: ");
    say_cue(html, cs_doc_text(d, "cue"));
    cs_html_put(html, "</h2>\n");
    for (size_t i = 0; i < json_array_size(pairs) && i < PAIRS_SHOWN; i++)
        show_pair(html, facts, json_array_get(pairs, i));
    if (json_array_size(pairs) > PAIRS_SHOWN)
        cs_html_format(html,
                       "<p class=note>%zu more pairs of classes: clipspan shortcut shows "
                       "them.</p>\n",
                       json_array_size(pairs) - PAIRS_SHOWN);
    cs_html_put(html, "</section>\n");
}
