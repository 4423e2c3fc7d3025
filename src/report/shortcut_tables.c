/* SPDX-License-Identifier: MIT */
/* The tables of a shortcut's section besides that of remedies: heads by cue, groups, other
 * classifications, the forecast. */
#include "report/document.h"
#include "report/section.h"

#include <math.h>

#define HEADS_SHOWN 10

void cs_doc_change(cs_html *html, const json_t *c)
{
    const clipspan_comparison change = {.change = cs_doc_real(c, "change"),
                                        .change_low = cs_doc_real(c, "change_low"),
                                        .change_high = cs_doc_real(c, "change_high")};
    cs_say_change(html, &change);
}

static double part(double x, double all)
{
    return all > 0 ? x / all : (double)NAN;
}

/* ---- Heads ---- */

void cs_shortcut_heads(cs_html *html, const cs_report_facts *facts, const json_t *pair)
{
    const json_t *heads = json_object_get(pair, "heads");
    const double all = cs_doc_real(pair, "variance");
    const size_t ranked = (size_t)cs_doc_count(pair, "ranked");
    double most = 0;
    size_t i;
    for (i = 0; i < json_array_size(heads); i++) {
        const double v = part(cs_doc_real(json_array_get(heads, i), "variance"), all);
        if (v > most) most = v;
    }
    cs_html_put(html, "<div class=scroll tabindex=0 role=region aria-label=\"Heads by cue\"><table "
                      "class=layers><thead><tr><th scope=col>Head<th scope=col colspan=2>of the "
                      "margin\xE2\x80\x99s variance<th scope=col class=n>the cue\xE2\x80\x99s<th "
                      "scope=col class=n>not its<th scope=col class=n>ratio<tbody>");
    for (i = 0; i < json_array_size(heads) && i < ranked && i < HEADS_SHOWN; i++) {
        const json_t *h = json_array_get(heads, i);
        const double v = part(cs_doc_real(h, "variance"), all),
                     q = part(cs_doc_real(h, "explained"), all), unit = most > 0 ? 1000 / most : 0;
        cs_html_put(html, "\n<tr><th scope=row>");
        cs_head_link(html, facts, cs_doc_text(h, "head"));
        cs_html_format(html,
                       "<td class=bar><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=none "
                       "role=img><title>%s of the margin",
                       cs_figure_percent(v).text);
        cs_html_format(html, "\xE2\x80\x99s variance, %s the cue\xE2\x80\x99s</title>",
                       cs_figure_percent(q).text);
        if (isfinite(v) && isfinite(q))
            cs_html_format(html,
                           "<rect class=mlp width=%.0f height=10 /><rect class=cue width=%.0f "
                           "height=10 />",
                           v * unit, q * unit);
        cs_html_format(html, "<path d=\"M0 0V10\"/></svg><td class=n>%s",
                       cs_figure_percent(v).text);
        cs_html_format(html, "<td class=n>%s", cs_figure_percent(q).text);
        cs_html_format(html, "<td class=n>%s", cs_figure_percent(v - q).text);
        cs_html_format(html, "<td class=n>%s", cs_figure_real(cs_doc_real(h, "ratio")).text);
    }
    cs_html_put(html, "</table></div>\n<p class=key><span class=step><b class=\"chip cue\"></b> "
                      "moves with the head\xE2\x80\x99s reading of the cue</span> <span "
                      "class=step><b class=\"chip rest\"></b> does not</span></p>\n");
    if (ranked > HEADS_SHOWN)
        cs_html_format(html,
                       "<p class=note>%zu more can be proposed; heads that counteract the "
                       "cue never are.</p>\n",
                       ranked - HEADS_SHOWN);
}

void cs_shortcut_groups(cs_html *html, const json_t *list)
{
    size_t empty = 0;
    if (json_array_size(list) == 0) return;
    cs_html_put(html, "<h3 class=sub>Groups, with the choice</h3>\n"
                      "<div class=scroll tabindex=0 role=region aria-label=\"Groups\"><table "
                      "class=\"layers shares\"><thead><tr><th scope=col>Group<th scope=col "
                      "class=n>pictures<th scope=col class=n>before<th scope=col colspan=2>after "
                      "the choice<th scope=col class=n>95\xC2\xA0%<tbody>");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *g = json_array_get(list, i);
        if (!cs_doc_count(g, "pictures")) {
            empty++;
            continue;
        }
        cs_html_put(html, "\n<tr><th scope=row>");
        cs_html_text(html, cs_doc_text(g, "group"));
        cs_html_format(html, "<td class=n>%s", cs_figure_count(cs_doc_count(g, "pictures")).text);
        cs_html_format(html, "<td class=n>%s<div class=ci>",
                       cs_figure_percent(cs_doc_real(g, "before")).text);
        cs_html_format(html, "%s</div>", cs_figure_interval(cs_doc_share(g, "before")).text);
        cs_share_cells(html, cs_doc_share(g, "after"), cs_doc_real(g, "before"),
                       cs_doc_text(g, "group"), "att");
    }
    cs_html_put(html, "</table></div>\n");
    if (empty)
        cs_html_format(html,
                       "<p class=note>%zu group%s without a labelled picture %s left out.</p>\n",
                       empty, empty == 1 ? "" : "s", empty == 1 ? "is" : "are");
}

/* ---- What else changes ---- */

void cs_shortcut_sides(cs_html *html, const json_t *pair)
{
    const json_t *list = json_object_get(pair, "side_effects");
    if (json_array_size(list) == 0) return;
    cs_html_put(html, "<h3 class=sub>What the choice costs elsewhere</h3>\n<div class=scroll "
                      "tabindex=0 role=region aria-label=\"Side effects\"><table "
                      "class=\"layers shares\"><thead><tr><th scope=col>Classes<th scope=col "
                      "class=n>answers that stay<th scope=col class=n>before<th scope=col "
                      "colspan=2>Right after<th scope=col class=n>95\xC2\xA0%<th scope=col "
                      "class=n>points<th scope=col class=n>95\xC2\xA0%, bootstrap<tbody>");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *s = json_array_get(list, i), *c = json_object_get(s, "overall");
        const char *name = cs_doc_text(s, "name");
        cs_html_put(html, "\n<tr><th scope=row>");
        cs_html_text(html, name);
        cs_html_format(html, "<td class=n>%s", cs_figure_percent(cs_doc_real(s, "kept")).text);
        if (!c || !cs_doc_count(c, "pictures")) continue;
        cs_html_format(html, "<td class=n>%s", cs_figure_percent(cs_doc_real(c, "before")).text);
        cs_share_cells(html, cs_doc_share(c, "after"), cs_doc_real(c, "before"), name, "att");
        cs_doc_change(html, c);
    }
    cs_html_put(html, "</table></div>\n");
}

void cs_shortcut_forecast(cs_html *html, const json_t *pair)
{
    const json_t *list = json_object_get(pair, "forecast");
    cs_html_put(html, "<details><summary>Forecast without labels, on the pictures of the "
                      "statistics</summary><div class=scroll tabindex=0 role=region "
                      "aria-label=\"Forecast\"><table class=layers><thead><tr><th scope=col>Answer"
                      "<th scope=col>cue<th scope=col class=n>pictures<th scope=col "
                      "class=n>answers that stay<th scope=col class=n>margin before<th scope=col "
                      "class=n>after<tbody>");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *g = json_array_get(list, i);
        const double count = (double)cs_doc_count(g, "pictures");
        cs_html_put(html, "\n<tr><th scope=row>");
        cs_html_text(html, cs_doc_text(g, "predicted"));
        cs_html_put(html, "<td>");
        cs_html_text(html, cs_doc_text(g, "cue"));
        cs_html_format(html, "<td class=n>%s", cs_figure_count(cs_doc_count(g, "pictures")).text);
        if (!(count > 0)) continue;
        cs_html_format(html, "<td class=n>%s",
                       cs_figure_percent((double)cs_doc_count(g, "kept") / count).text);
        cs_html_format(html, "<td class=n>%s",
                       cs_figure_margin(cs_doc_real(g, "margin_before")).text);
        cs_html_format(html, "<td class=n>%s",
                       cs_figure_margin(cs_doc_real(g, "margin_after")).text);
    }
    cs_html_put(html, "</table></div></details>\n");
}
