/* SPDX-License-Identifier: MIT */
/* What a classification rests on, from the kept effects (study/effects_table.h): the published
 * sequence, the curve over layers, the model whose heads are replaced by texts. Single components
 * are in section_components.c. */
#include "base/number_text.h"
#include "report/document.h"
#include "report/section.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PLAIN 4 /* rows of the sequence before attention of layers 0 to l */

/* "agreement with the whole model" where no image has a label. */
static const char *measure(const cs_effects_table *t)
{
    return t->facts.info.agreement ? "Agreement" : "Accuracy";
}

void cs_say_classes(cs_html *html, const clipspan_evaluation_info *info)
{
    const size_t count = info->classes;
    if (count == 0 || count > 4) {
        cs_html_format(html, "%s", cs_number_of(count, "class").text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        cs_html_put(html, i == 0           ? "\xE2\x80\x9C"
                          : i + 1 == count ? " and \xE2\x80\x9C"
                                           : ", \xE2\x80\x9C");
        cs_html_name(html, info->class_names[i]);
        cs_html_put(html, "\xE2\x80\x9D");
    }
}

void cs_say_circumstances(cs_html *html, const clipspan_evaluation_info *info, const char *means)
{
    cs_html_put(html, "<p class=note><b>Direct effect.</b> A component\xE2\x80\x99s contribution "
                      "to the embedding is changed, and every image is classified again from the "
                      "new sum; later layers, which would read the change in the network, are not "
                      "recomputed. Images: ");
    cs_html_place(html, info->run);
    if (!info->agreement) {
        cs_html_put(html, "; labels ");
        cs_html_place(html, info->source ? info->source : "");
        if (info->unlabelled)
            cs_html_format(html, ", %s without one not counted",
                           cs_figure_count(info->unlabelled).text);
    } else {
        cs_html_put(html, "; no labels, so shown is how often the changed model agrees with the "
                          "whole one");
    }
    cs_html_put(html, "; ");
    cs_html_place(html, means);
    cs_html_put(html, ". Intervals are Wilson\xE2\x80\x99s, 95\xC2\xA0%.</p>\n");
}

/* The head whose absence takes (sign 1) or gives (-1) most, by accuracy and then margin; NULL
 * without heads. */
static const clipspan_effect *foremost(const cs_effects_table *t, double sign)
{
    const clipspan_effect *best = NULL;
    for (size_t i = 0; i < t->info.rows; i++) {
        const clipspan_effect *h = &t->rows[i];
        const double drop = sign * h->accuracy_drop, most = best ? sign * best->accuracy_drop : 0;
        if (h->kind != CLIPSPAN_EFFECT_HEAD) continue;
        if (!best || drop > most ||
            (drop == most && sign * h->margin_drop > sign * best->margin_drop))
            best = h;
    }
    return best;
}

static void say_head(cs_html *html, const clipspan_effect *head, const char *words)
{
    if (!head) return;
    cs_html_put(html, words);
    cs_html_text(html, head->name);
    cs_html_format(html, " (%s points without it)", cs_figure_points(-head->accuracy_drop).text);
}

/* "75.0 % of 176 images right, 71.0 % without all MLPs; the head that helps most is ...": one
 * misleads when without it more are right than the interval of nothing ablated allows for. */
static void say_numbers(cs_html *html, const cs_effects_table *t)
{
    const clipspan_effect *best = foremost(t, 1), *worst = foremost(t, -1), *whole = &t->rows[0];
    const int labelled = !t->facts.info.agreement;
    if (labelled)
        cs_html_format(html, "%s of %s right, ", cs_figure_percent(whole->accuracy).text,
                       cs_number_of(t->facts.info.counted, "image").text);
    if (t->info.rows > 1)
        cs_html_format(html,
                       labelled ? "%s without all MLPs" : "%s of predictions stay without all MLPs",
                       cs_figure_percent(t->rows[1].accuracy).text);
    say_head(html, best,
             labelled ? "; the head that helps most is " : "; the head that decides most is ");
    if (labelled && worst && worst->accuracy > whole->high)
        say_head(html, worst, ", the one that hurts most ");
    cs_html_put(html, ".");
}

void cs_finding_effects(cs_html *html, const cs_report_facts *facts)
{
    const cs_effects_table *t = facts->kept.effects;
    if (!t) return;
    cs_html_put(html, "<li><a href=\"#effects\">Telling apart</a> ");
    cs_say_classes(html, &t->facts.info);
    cs_html_put(html, ": ");
    say_numbers(html, t);
    cs_html_put(html, "</li>");
}

/* ---- The published sequence ---- */

static cs_share share_of(const clipspan_effect *e)
{
    return (cs_share){e->accuracy, e->low, e->high};
}

static void row(cs_html *html, const cs_effects_table *t, const clipspan_effect *e, double whole,
                const char *name)
{
    cs_html_put(html, "\n<tr><th scope=row>");
    cs_html_text(html, name);
    cs_share_cells(html, share_of(e), whole, name, "att");
    cs_html_format(html, "<td class=n>%s", cs_figure_margin(e->margin).text);
    if (!t->facts.info.groups) return;
    cs_html_format(html, "<td class=n>%s<td>",
                   e->worst_group < 0 ? "no images" : cs_figure_percent(e->worst).text);
    cs_html_name(html, e->worst_group < 0 ? "" : t->facts.info.group_names[e->worst_group]);
}

static void head_of_table(cs_html *html, const cs_effects_table *t, const char *what,
                          const char *label)
{
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"%s\"><table "
                   "class=\"layers shares\"><thead><tr><th scope=col>%s<th scope=col colspan=2>%s"
                   "<th scope=col class=n>95\xC2\xA0%%<th scope=col class=n>Margin",
                   label, what, measure(t));
    if (t->facts.info.groups)
        cs_html_put(html, "<th scope=col class=n>Worst group<th scope=col>which");
    cs_html_put(html, "<tbody>");
}

static void sequence_table(cs_html *html, const cs_effects_table *t)
{
    static const char *const names[PLAIN] = {"Nothing", "All MLPs", "Class token to class token",
                                             "Both of these"};
    head_of_table(html, t, "Mean-ablated", "The published sequence");
    for (size_t i = 0; i < t->info.rows; i++)
        if (t->rows[i].kind <= CLIPSPAN_EFFECT_BOTH)
            row(html, t, &t->rows[i], t->rows[0].accuracy, names[t->rows[i].kind]);
    cs_html_put(html, "</table></div>\n");
}

/* ---- Curves ---- */

typedef struct caption {
    char text[192];
} caption;

typedef struct series {
    const clipspan_effect **rows; /* [count] */
    cs_figure *labels;            /* [count] below the chart */
    caption *names;               /* [count] in the table */
    cs_share *points;             /* [2, count] all images, worst group */
    size_t count, room;
} series;

static void free_series(series *s)
{
    cs_free(s->rows);
    cs_free(s->labels);
    cs_free(s->names);
    cs_free(s->points);
}

/* 0 when memory is short, which the page then says. */
static int make_series(series *s, cs_html *html, size_t room)
{
    memset(s, 0, sizeof *s);
    s->room = room;
    s->rows = cs_alloc(room, sizeof *s->rows, "a curve", html->err);
    s->labels = cs_alloc(room, sizeof *s->labels, "a curve", html->err);
    s->names = cs_alloc(room, sizeof *s->names, "a curve", html->err);
    s->points = cs_alloc(room, 2 * sizeof *s->points, "a curve", html->err);
    if (s->rows && s->labels && s->names && s->points) return 1;
    if (html->status == CLIPSPAN_OK) html->status = CLIPSPAN_E_NOMEM;
    free_series(s);
    return 0;
}

static void add_point(series *s, const clipspan_effect *e)
{
    s->rows[s->count] = e;
    s->points[s->count] = share_of(e);
    s->points[s->room + s->count] = (cs_share){e->worst, (double)NAN, (double)NAN};
    s->count++;
}

static void put_series(cs_html *html, const cs_effects_table *t, const series *s, const char *title,
                       const char *what)
{
    const clipspan_evaluation_info *info = &t->facts.info;
    const cs_curve curves[2] = {{info->agreement ? "agreement" : "all images", "one", s->points, 1},
                                {"worst group", "two", s->points + s->room, 0}};
    cs_html_put(html, "<h3 class=sub>");
    cs_html_text(html, title);
    cs_html_put(html, "</h3>\n");
    cs_curves(html, title, curves, info->groups ? 2 : 1, s->labels, s->count,
              !info->agreement && info->classes ? 1.0 / (double)info->classes : (double)NAN,
              "by chance");
    cs_html_put(html, "<details><summary>The same as a table</summary>");
    head_of_table(html, t, what, title);
    for (size_t i = 0; i < s->count; i++)
        row(html, t, s->rows[i], s->points[0].share, s->names[i].text);
    cs_html_put(html, "</table></div></details>\n");
}

/* How many rows are of a kind. */
static size_t count_rows(const cs_effects_table *t, clipspan_effect_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < t->info.rows; i++)
        count += t->rows[i].kind == kind;
    return count;
}

static void layers_curve(cs_html *html, const cs_effects_table *t)
{
    const size_t layers = count_rows(t, CLIPSPAN_EFFECT_UNTIL);
    series s;
    if (layers == 0 || !make_series(&s, html, layers + 1)) return;
    for (size_t i = 0; i < t->info.rows; i++) {
        const clipspan_effect *e = &t->rows[i];
        if (i > 0 && e->kind != CLIPSPAN_EFFECT_UNTIL) continue;
        snprintf(s.labels[s.count].text, sizeof s.labels->text, "L%d", e->layer);
        snprintf(s.names[s.count].text, sizeof s.names->text, "Attention, layers 0 to %d",
                 e->layer);
        if (i == 0) strcpy(s.labels[0].text, "none");
        if (i == 0) strcpy(s.names[0].text, "Nothing");
        add_point(&s, e);
    }
    put_series(html, t, &s,
               t->facts.info.agreement
                   ? "Agreement with attention of all layers up to this one mean-ablated"
                   : "Accuracy with attention of all layers up to this one mean-ablated",
               "Mean-ablated");
    free_series(&s);
}

static void texts_curve(cs_html *html, const cs_effects_table *t)
{
    const size_t count = count_rows(t, CLIPSPAN_EFFECT_TEXTS);
    series s;
    if (count == 0 || !make_series(&s, html, count)) return;
    for (size_t i = 0; i < t->info.rows; i++) {
        const clipspan_effect *e = &t->rows[i];
        const uint64_t texts = (uint64_t)e->texts_per_head;
        if (e->kind != CLIPSPAN_EFFECT_TEXTS) continue;
        snprintf(s.labels[s.count].text, sizeof s.labels->text, "%s", cs_figure_count(texts).text);
        snprintf(s.names[s.count].text, sizeof s.names->text, "%s a head, %s different",
                 cs_figure_count(texts).text, cs_figure_count(e->texts).text);
        add_point(&s, e);
    }
    put_series(
        html, t, &s,
        t->facts.info.agreement
            ? "Agreement with the last layers\xE2\x80\x99 heads replaced by so many texts each"
            : "Accuracy with the last layers\xE2\x80\x99 heads replaced by so many texts each",
        "Texts");
    free_series(&s);
}

void cs_section_effects(cs_html *html, const cs_report_facts *facts)
{
    const cs_effects_table *t = facts->kept.effects;
    if (!t) return;
    cs_html_put(html, "<section id=effects><h2>How ");
    cs_say_classes(html, &t->facts.info);
    cs_html_put(html, " are told apart</h2>\n<p>");
    say_numbers(html, t);
    cs_html_put(html, "</p>\n");
    cs_say_circumstances(html, &t->facts.info, t->facts.info.means);
    sequence_table(html, t);
    layers_curve(html, t);
    cs_contributions_alone(html, facts);
    texts_curve(html, t);
    cs_html_put(html, "</section>\n");
}
