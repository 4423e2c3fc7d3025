/* SPDX-License-Identifier: MIT */
/* A set of terms at their means, before and after, from the kept document of `clipspan ablate`. */
#include "report/document.h"
#include "report/section.h"

#include <math.h>

#define CLASSES_SHOWN 20
#define TERMS_SAID    12

static void terms(cs_html *html, const cs_report_facts *facts, const json_t *list)
{
    const size_t count = json_array_size(list);
    for (size_t i = 0; i < count && i < TERMS_SAID; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        cs_html_put(html, i ? ", " : "");
        cs_head_link(html, facts, name ? name : "?");
    }
    if (count > TERMS_SAID) cs_html_format(html, " and %zu more", count - TERMS_SAID);
}

/* "-12.3 (-17.0 to -7.6)" */
void cs_doc_change(cs_html *html, const json_t *c)
{
    const double low = cs_doc_real(c, "change_low"), high = cs_doc_real(c, "change_high");
    cs_html_format(html, "<td class=n>%s", cs_figure_points(cs_doc_real(c, "change")).text);
    cs_html_put(html, "<td class=\"n ci\">");
    if (!isfinite(low) || !isfinite(high) || low == high) return;
    cs_html_format(html, "%s to %s", cs_figure_points(low).text, cs_figure_points(high).text);
}

static void row(cs_html *html, const json_t *c, const char *name)
{
    cs_html_put(html, "\n<tr><th scope=row>");
    cs_html_text(html, name);
    cs_html_format(html, "<td class=n>%s", cs_figure_count(cs_doc_count(c, "pictures")).text);
    cs_html_format(html, "<td class=n>%s", cs_figure_percent(cs_doc_real(c, "before")).text);
    cs_share_cells(html, cs_doc_share(c, "after"), cs_doc_real(c, "before"), name, "att");
    cs_doc_change(html, c);
}

/* Those that have pictures, CLASSES_SHOWN at most; how many were left out. */
static size_t rows(cs_html *html, const json_t *list, const char *key)
{
    const size_t count = json_array_size(list);
    size_t shown = 0;
    for (size_t i = 0; i < count && shown < CLASSES_SHOWN; i++) {
        const json_t *c = json_array_get(list, i);
        if (!cs_doc_count(c, "pictures")) continue;
        row(html, c, cs_doc_text(c, key));
        shown++;
    }
    return count - shown;
}

static void say(cs_html *html, const json_t *d, const json_t *best)
{
    const json_t *worst = json_object_get(d, "worst_group"),
                 *c = worst ? worst : json_object_get(d, "overall");
    cs_html_format(html, ": %s from %s",
                   worst                        ? "the worst group\xE2\x80\x99s share right"
                   : cs_doc_flag(d, "labelled") ? "the share right"
                                                : "agreement with the whole model",
                   cs_figure_percent(cs_doc_real(c, "before")).text);
    cs_html_format(html, " to %s (%s)", cs_figure_percent(cs_doc_real(c, "after")).text,
                   cs_figure_interval(cs_doc_share(c, "after")).text);
    if (best)
        cs_html_format(
            html, "; with the best of %zu random sets of as many heads, %s",
            json_array_size(json_object_get(d, "random")),
            cs_figure_percent(
                cs_doc_real(json_object_get(best, worst ? "worst_group" : "overall"), "after"))
                .text);
}

void cs_section_ablation(cs_html *html, const cs_report_facts *facts)
{
    const json_t *d = facts->kept.ablate, *worst = json_object_get(d, "worst_group");
    const json_t *random = json_object_get(d, "random"),
                 *best = json_array_get(random, (size_t)cs_doc_count(d, "best_random"));
    size_t left;
    if (!d) return;
    cs_html_put(html, "<section id=ablation><h2>Parts at their means</h2>\n<p>");
    terms(html, facts, json_object_get(d, "terms"));
    cs_html_put(html, " at their means, telling ");
    cs_doc_classes(html, d);
    cs_html_put(html, " apart");
    say(html, d, best);
    cs_html_put(html, ".</p>\n");
    cs_doc_circumstances(html, d, cs_doc_text(d, "means"));
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"Ablation\"><table "
                   "class=\"layers shares\"><thead><tr><th scope=col>Pictures<th scope=col "
                   "class=n>how many<th scope=col class=n>before<th scope=col colspan=2>%s after"
                   "<th scope=col class=n>95\xC2\xA0%%<th scope=col class=n>points<th scope=col "
                   "class=n>95\xC2\xA0%%, bootstrap<tbody>",
                   cs_doc_flag(d, "labelled") ? "Accuracy" : "Agreement");
    row(html, json_object_get(d, "overall"), "all");
    left = rows(html, json_object_get(d, "per_class"), "class");
    left += rows(html, json_object_get(d, "per_group"), "group");
    if (worst) row(html, worst, "worst group");
    if (best) {
        char name[64];
        snprintf(name, sizeof name, "%s, best of %zu random sets", worst ? "worst group" : "all",
                 json_array_size(random));
        row(html, json_object_get(best, worst ? "worst_group" : "overall"), name);
    }
    cs_html_put(html, "</table></div>\n");
    if (left)
        cs_html_format(html,
                       "<p class=note>%zu more: without a labelled picture, or in clipspan ablate "
                       "--json.</p>\n",
                       left);
    cs_html_put(html, "</section>\n");
}
