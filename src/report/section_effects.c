/* SPDX-License-Identifier: MIT */
/* What a classification rests on, from the kept document of `clipspan effects`: the published
 * sequence, the curve over layers, the model whose heads are replaced by texts. Single terms are in
 * section_terms.c. */
#include "report/document.h"
#include "report/section.h"

#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PLAIN 4 /* rows of the sequence before attention of layers 0 to l */

/* "agreement with the whole model" where no picture has a label. */
static const char *measure(const json_t *d)
{
    return cs_doc_flag(d, "labelled") ? "Accuracy" : "Agreement";
}

void cs_doc_classes(cs_html *html, const json_t *d)
{
    const json_t *names = json_object_get(d, "class_names");
    const size_t count = json_array_size(names);
    if (count == 0 || count > 4) {
        cs_html_format(html, "%s classes", cs_figure_count(count).text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        cs_html_put(html, i == 0           ? "\xE2\x80\x9C"
                          : i + 1 == count ? " and \xE2\x80\x9C"
                                           : ", \xE2\x80\x9C");
        cs_html_name(html, name ? name : "?");
        cs_html_put(html, "\xE2\x80\x9D");
    }
}

void cs_doc_circumstances(cs_html *html, const json_t *d, const char *means)
{
    cs_html_put(html, "<p class=note><b>Direct effect.</b> A part of the sum that makes the "
                      "embedding is changed, and every picture is classified again from the new "
                      "sum; in the network later layers would read what is changed and might make "
                      "up for it. Pictures: ");
    cs_html_place(html, cs_doc_text(d, "run"));
    if (cs_doc_flag(d, "labelled")) {
        cs_html_put(html, "; labels ");
        cs_html_place(html, cs_doc_text(d, "labels"));
        if (cs_doc_count(d, "unlabelled"))
            cs_html_format(html, ", %s without one not counted",
                           cs_figure_count(cs_doc_count(d, "unlabelled")).text);
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
static const json_t *foremost(const json_t *d, double sign)
{
    const json_t *heads = json_object_get(d, "heads"), *best = NULL;
    for (size_t i = 0; i < json_array_size(heads); i++) {
        const json_t *h = json_array_get(heads, i);
        const double drop = sign * cs_doc_real(h, "drop"), most = sign * cs_doc_real(best, "drop");
        if (!best || drop > most ||
            (drop == most &&
             sign * cs_doc_real(h, "margin_drop") > sign * cs_doc_real(best, "margin_drop")))
            best = h;
    }
    return best;
}

static void say_head(cs_html *html, const json_t *head, const char *words)
{
    if (!head) return;
    cs_html_put(html, words);
    cs_html_text(html, cs_doc_text(head, "name"));
    cs_html_format(html, " (%s points without it)",
                   cs_figure_points(-cs_doc_real(head, "drop")).text);
}

/* "75.0 % of 176 pictures right, 71.0 % without all MLPs; the head that helps most is ...": one
 * misleads when without it more are right than the interval of nothing ablated allows for. */
static void say_numbers(cs_html *html, const json_t *d)
{
    const json_t *sequence = json_object_get(d, "sequence"), *best = foremost(d, 1),
                 *worst = foremost(d, -1), *whole = json_array_get(sequence, 0);
    const int labelled = cs_doc_flag(d, "labelled");
    if (labelled)
        cs_html_format(html, "%s of %s pictures right, ",
                       cs_figure_percent(cs_doc_real(whole, "accuracy")).text,
                       cs_figure_count(cs_doc_count(d, "pictures")).text);
    cs_html_format(html, labelled ? "%s without all MLPs" : "%s of answers stay without all MLPs",
                   cs_figure_percent(cs_doc_real(json_array_get(sequence, 1), "accuracy")).text);
    say_head(html, best,
             labelled ? "; the head that helps most is " : "; the head that decides most is ");
    if (labelled && cs_doc_real(worst, "accuracy") > cs_doc_share(whole, "accuracy").high)
        say_head(html, worst, ", the one that misleads most ");
    cs_html_put(html, ".");
}

void cs_finding_effects(cs_html *html, const cs_report_facts *facts)
{
    const json_t *d = facts->kept.effects;
    if (!d) return;
    cs_html_put(html, "<li><a href=\"#effects\">Telling apart</a> ");
    cs_doc_classes(html, d);
    cs_html_put(html, ": ");
    say_numbers(html, d);
    cs_html_put(html, "</li>");
}

/* ---- The published sequence ---- */

static void row(cs_html *html, const json_t *d, const json_t *e, double whole, const char *name)
{
    const int groups = cs_doc_count(d, "groups") > 0;
    cs_html_put(html, "\n<tr><th scope=row>");
    cs_html_text(html, name);
    cs_share_cells(html, cs_doc_share(e, "accuracy"), whole, name, "att");
    cs_html_format(html, "<td class=n>%s", cs_figure_margin(cs_doc_real(e, "margin")).text);
    if (!groups) return;
    cs_html_format(html, "<td class=n>%s<td>", cs_figure_percent(cs_doc_real(e, "worst")).text);
    cs_html_name(html, cs_doc_text(e, "worst_group"));
}

static void head_of_table(cs_html *html, const json_t *d, const char *what, const char *label)
{
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"%s\"><table "
                   "class=\"layers shares\"><thead><tr><th scope=col>%s<th scope=col colspan=2>%s"
                   "<th scope=col class=n>95\xC2\xA0%%<th scope=col class=n>Margin",
                   label, what, measure(d));
    if (cs_doc_count(d, "groups"))
        cs_html_put(html, "<th scope=col class=n>Worst group<th scope=col>which");
    cs_html_put(html, "<tbody>");
}

static void sequence_table(cs_html *html, const json_t *d)
{
    static const char *const names[PLAIN] = {"Nothing", "All MLPs", "Class token to class token",
                                             "Both of these"};
    const json_t *rows = json_object_get(d, "sequence");
    const double whole = cs_doc_real(json_array_get(rows, 0), "accuracy");
    head_of_table(html, d, "At its mean", "The published sequence");
    for (size_t i = 0; i < PLAIN && i < json_array_size(rows); i++)
        row(html, d, json_array_get(rows, i), whole, names[i]);
    cs_html_put(html, "</table></div>\n");
}

/* ---- Curves ---- */

typedef struct caption {
    char text[192];
} caption;

typedef struct series {
    const json_t **rows; /* [count] */
    cs_figure *labels;   /* [count] below the chart */
    caption *names;      /* [count] in the table */
    cs_share *points;    /* [2, count] all pictures, worst group */
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

static void add_point(series *s, const json_t *e)
{
    s->rows[s->count] = e;
    s->points[s->count] = cs_doc_share(e, "accuracy");
    s->points[s->room + s->count] = (cs_share){cs_doc_real(e, "worst"), (double)NAN, (double)NAN};
    s->count++;
}

static void put_series(cs_html *html, const json_t *d, const series *s, const char *title,
                       const char *what)
{
    const uint64_t classes = cs_doc_count(d, "classes");
    const cs_curve curves[2] = {
        {cs_doc_flag(d, "labelled") ? "all pictures" : "agreement", "one", s->points, 1},
        {"worst group", "two", s->points + s->room, 0}};
    cs_html_put(html, "<h3 class=sub>");
    cs_html_text(html, title);
    cs_html_put(html, "</h3>\n");
    cs_curves(html, title, curves, cs_doc_count(d, "groups") ? 2 : 1, s->labels, s->count,
              cs_doc_flag(d, "labelled") && classes ? 1.0 / (double)classes : (double)NAN,
              "by chance");
    cs_html_put(html, "<details><summary>The same as a table</summary>");
    head_of_table(html, d, what, title);
    for (size_t i = 0; i < s->count; i++)
        row(html, d, s->rows[i], s->points[0].share, s->names[i].text);
    cs_html_put(html, "</table></div></details>\n");
}

static void layers_curve(cs_html *html, const json_t *d)
{
    const json_t *rows = json_object_get(d, "sequence");
    const size_t all = json_array_size(rows);
    series s;
    if (all <= PLAIN || !make_series(&s, html, all - PLAIN + 1)) return;
    for (size_t i = 0; i < s.room; i++) {
        const int layer = (int)i - 1;
        snprintf(s.labels[i].text, sizeof s.labels[i].text, "L%d", layer);
        snprintf(s.names[i].text, sizeof s.names[i].text, "Attention, layers 0 to %d", layer);
        if (i == 0) strcpy(s.labels[i].text, "none");
        if (i == 0) strcpy(s.names[i].text, "Nothing");
        add_point(&s, json_array_get(rows, i ? i + PLAIN - 1 : 0));
    }
    put_series(html, d, &s,
               cs_doc_flag(d, "labelled")
                   ? "Accuracy with attention of all layers up to this one at its mean"
                   : "Agreement with attention of all layers up to this one at its mean",
               "At its mean");
    free_series(&s);
}

static void texts_curve(cs_html *html, const json_t *d)
{
    const json_t *rows = json_object_get(d, "texts");
    const size_t count = json_array_size(rows);
    series s;
    if (count == 0 || !make_series(&s, html, count)) return;
    for (size_t i = 0; i < count; i++) {
        const json_t *e = json_array_get(rows, i);
        const uint64_t picks = cs_doc_count(e, "picks");
        snprintf(s.labels[i].text, sizeof s.labels[i].text, "%s", cs_figure_count(picks).text);
        snprintf(s.names[i].text, sizeof s.names[i].text, "%s a head, %s different",
                 cs_figure_count(picks).text, cs_figure_count(cs_doc_count(e, "texts")).text);
        add_point(&s, e);
    }
    put_series(
        html, d, &s,
        cs_doc_flag(d, "labelled")
            ? "Accuracy with the last layers\xE2\x80\x99 heads replaced by so many texts each"
            : "Agreement with the last layers\xE2\x80\x99 heads replaced by so many texts each",
        "Texts");
    free_series(&s);
}

void cs_section_effects(cs_html *html, const cs_report_facts *facts)
{
    const json_t *d = facts->kept.effects;
    if (!d) return;
    cs_html_put(html, "<section id=effects><h2>How ");
    cs_doc_classes(html, d);
    cs_html_put(html, " are told apart</h2>\n<p>");
    say_numbers(html, d);
    cs_html_put(html, "</p>\n");
    cs_doc_circumstances(html, d, cs_doc_text(d, "means"));
    sequence_table(html, d);
    layers_curve(html, d);
    cs_terms_alone(html, facts);
    texts_curve(html, d);
    cs_html_put(html, "</section>\n");
}
