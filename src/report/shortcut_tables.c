/* SPDX-License-Identifier: MIT */
/* The tables of a shortcut's section besides that of remedies: heads by cue, groups, other
 * classifications, the forecast. */
#include "report/document.h"
#include "report/section.h"

#include <math.h>

#define HEADS_SHOWN 10

static double part(double x, double all)
{
    return all > 0 ? x / all : (double)NAN;
}

/* ---- Heads ---- */

void cs_shortcut_heads(cs_html *html, const cs_report_facts *facts, const cs_remedy_pair *pair)
{
    const double all = pair->pair.variance;
    const size_t ranked = pair->pair.ranked;
    double most = 0;
    size_t i;
    for (i = 0; i < pair->pair.heads; i++) {
        const double v = part(pair->heads[i].variance, all);
        if (v > most) most = v;
    }
    cs_html_put(html, "<div class=scroll tabindex=0 role=region aria-label=\"Heads by cue\"><table "
                      "class=layers><thead><tr><th scope=col>Head<th scope=col colspan=2>of the "
                      "margin\xE2\x80\x99s variance<th scope=col class=n>the cue\xE2\x80\x99s<th "
                      "scope=col class=n>not its<th scope=col class=n>ratio<tbody>");
    for (i = 0; i < ranked && i < HEADS_SHOWN; i++) {
        const clipspan_shortcut_head *h = &pair->heads[i];
        const double v = part(h->variance, all), q = part(h->explained, all),
                     unit = most > 0 ? 1000 / most : 0;
        cs_html_put(html, "\n<tr><th scope=row>");
        cs_head_link(html, facts, cs_head_name(h->head).text);
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
        cs_html_format(html, "<td class=n>%s", cs_figure_real(h->ratio).text);
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

static cs_share share_of(const clipspan_share *s)
{
    return (cs_share){s->share, s->low, s->high};
}

void cs_shortcut_groups(cs_html *html, const cs_remedy *remedy, const cs_remedy_pair *pair)
{
    const clipspan_evaluation_info *info = &remedy->facts.info;
    size_t empty = 0;
    if (info->groups == 0) return;
    cs_html_put(html, "<h3 class=sub>Groups, with the choice</h3>\n"
                      "<div class=scroll tabindex=0 role=region aria-label=\"Groups\"><table "
                      "class=\"layers shares\"><thead><tr><th scope=col>Group<th scope=col "
                      "class=n>images<th scope=col class=n>before<th scope=col colspan=2>after "
                      "the choice<th scope=col class=n>95\xC2\xA0%<tbody>");
    for (size_t i = 0; i < info->groups; i++) {
        const clipspan_comparison *g = &pair->rows[CLIPSPAN_TRIED_CHOSEN].groups[i].shown;
        if (!g->before->images) {
            empty++;
            continue;
        }
        cs_html_put(html, "\n<tr><th scope=row>");
        cs_html_name(html, info->group_names[i]);
        cs_html_format(html, "<td class=n>%s", cs_figure_count(g->before->images).text);
        cs_html_format(html, "<td class=n>%s<div class=ci>",
                       cs_figure_percent(g->before->share).text);
        cs_html_format(html, "%s</div>", cs_figure_interval(share_of(g->before)).text);
        cs_share_cells(html, share_of(g->after), g->before->share, info->group_names[i], "att");
    }
    cs_html_put(html, "</table></div>\n");
    if (empty)
        cs_html_format(html,
                       "<p class=note>%zu group%s without a labelled image %s left out.</p>\n",
                       empty, empty == 1 ? "" : "s", empty == 1 ? "is" : "are");
}

/* ---- What else changes ---- */

void cs_shortcut_sides(cs_html *html, const cs_remedy_pair *pair)
{
    if (pair->pair.sides == 0) return;
    cs_html_put(html, "<h3 class=sub>What the choice costs elsewhere</h3>\n<div class=scroll "
                      "tabindex=0 role=region aria-label=\"Side effects\"><table "
                      "class=\"layers shares\"><thead><tr><th scope=col>Classes<th scope=col "
                      "class=n>predictions kept<th scope=col class=n>before<th scope=col "
                      "colspan=2>Right after<th scope=col class=n>95\xC2\xA0%<th scope=col "
                      "class=n>points<th scope=col class=n>95\xC2\xA0%, bootstrap<tbody>");
    for (size_t i = 0; i < pair->pair.sides; i++) {
        const clipspan_remedy_side *s = &pair->sides[i].side;
        const clipspan_comparison *c = s->overall;
        cs_html_put(html, "\n<tr><th scope=row>");
        cs_html_name(html, s->name);
        cs_html_format(html, "<td class=n>%s", cs_figure_percent(s->kept).text);
        if (!c || !c->before->images) continue;
        cs_html_format(html, "<td class=n>%s", cs_figure_percent(c->before->share).text);
        cs_share_cells(html, share_of(c->after), c->before->share, s->name, "att");
        cs_say_change(html, c);
    }
    cs_html_put(html, "</table></div>\n");
}

void cs_shortcut_forecast(cs_html *html, const cs_remedy_pair *pair)
{
    cs_html_put(html,
                "<details><summary>Forecast without labels, on the images of the "
                "statistics</summary><div class=scroll tabindex=0 role=region "
                "aria-label=\"Forecast\"><table class=layers><thead><tr><th scope=col>Prediction"
                "<th scope=col>cue<th scope=col class=n>images<th scope=col "
                "class=n>predictions kept<th scope=col class=n>margin before<th scope=col "
                "class=n>after<tbody>");
    for (size_t i = 0; i < CS_REMEDY_FORECAST; i++) {
        const clipspan_remedy_forecast *f = &pair->forecast[i];
        cs_html_put(html, "\n<tr><th scope=row>");
        cs_html_name(html, f->predicted);
        cs_html_format(html, "<td>%s", f->first_side ? "first side" : "second side");
        cs_html_format(html, "<td class=n>%s", cs_figure_count(f->images).text);
        if (f->images == 0) continue;
        cs_html_format(html, "<td class=n>%s",
                       cs_figure_percent((double)f->kept / (double)f->images).text);
        cs_html_format(html, "<td class=n>%s", cs_figure_margin(f->margin_before).text);
        cs_html_format(html, "<td class=n>%s", cs_figure_margin(f->margin_after).text);
    }
    cs_html_put(html, "</table></div></details>\n");
}
