/* SPDX-License-Identifier: MIT */
/* The card of a head: verdict with its numbers, basis texts, cumulated shares beside those of
 * control texts, top and bottom images. */
#include "base/number_text.h"
#include "report/outcome.h"

#include <string.h>

#include "base/file.h"

#define DASH "\xE2\x80\x93"

/* ---- Verdict ---- */

static void verdict(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const clipspan_role *role = head->role;
    cs_html_put(html, "<p class=verdict>");
    cs_outcome_say(html, facts, head);
    if (role->entering > 0 && head->basis_texts > 0) {
        if (role->entering == 1)
            cs_html_put(html, " The first basis text, of any category, explains");
        else
            cs_html_format(html, " The first %d basis texts, of any category, explain",
                           role->entering);
        cs_html_format(html, " %s", cs_figure_percent(role->named).text);
        if (role->control_named >= 0)
            cs_html_format(html, ", as many control texts %s",
                           cs_figure_percent(role->control_named).text);
        cs_html_put(html, ".");
    }
    cs_html_format(html, " Share of the embedding\xE2\x80\x99s variance: %s.</p>\n",
                   cs_figure_percent(head->variance_share->share).text);
}

static void title(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    cs_html_format(html, "<h4>%s ", cs_head_name(head->head).text);
    cs_outcome_chip(html, facts, head);
    cs_html_put(html, "</h4>\n");
}

/* ---- Basis texts ---- */

static void others(cs_html *html, const cs_atlas *atlas, const clipspan_runner_up *other, int count,
                   const char *what)
{
    int i;
    if (count < 1) return;
    cs_html_format(html, "<small>%s: ", what);
    for (i = 0; i < count; i++) {
        if (i) cs_html_put(html, ", ");
        cs_html_name(html, atlas->texts[other[i].text].text);
        cs_html_format(html, " %s", cs_figure_fixed(other[i].ratio, 2).text);
    }
    cs_html_put(html, "</small>");
}

/* In how many of 100: integers, but what is not all or none does not look so. */
static cs_figure of_hundred(double share)
{
    const double count = 100 * share;
    const int near_end = (count > 99.4 && count < 100) || (count > 0 && count < 0.6);
    return cs_figure_fixed(count, near_end ? 1 : 0);
}

/* The hue of a text's category where that is what the head is said to be about, else grey. */
static int hue_of(const cs_report_facts *facts, const clipspan_atlas_head *head,
                  const char *category)
{
    if (!cs_is_claimed(head) || strcmp(head->role->category[0], category) != 0) return 0;
    return cs_head_hue(facts, head);
}

static void row(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head,
                int place, int in_full)
{
    const clipspan_atlas_basis_text *p = &head->basis_text[place];
    const clipspan_atlas_text *text = &facts->atlas->texts[p->basis_text->text];
    cs_html_format(html, "<tr><td>%d<th scope=row>", place + 1);
    cs_html_name(html, text->text);
    cs_html_format(html, "<td class=r%d>", hue_of(facts, head, text->category));
    if (*text->category) cs_html_name(html, text->category);
    cs_html_format(html, "<td style=\"--w:%.3f\">%s<td>%s", p->basis_text->share,
                   cs_figure_percent(p->basis_text->share).text,
                   cs_figure_percent(p->cumulated).text);
    if (p->basis_text->any_place >= 0)
        cs_html_format(html, "<td>%s / %s", of_hundred(p->basis_text->same_place).text,
                       of_hundred(p->basis_text->any_place).text);
    else
        cs_html_put(html, "<td>" DASH);
    if (in_full && (p->basis_text->near_duplicates || p->basis_text->runners_up)) {
        cs_html_put(html, "<tr class=o><td><td colspan=5>");
        others(html, facts->atlas, p->basis_text->near_duplicate, p->basis_text->near_duplicates,
               "also");
        others(html, facts->atlas, p->basis_text->runner_up, p->basis_text->runners_up,
               "runners-up");
    }
}

static void rows(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head,
                 int first, int end, int in_full)
{
    int i;
    cs_html_put(html,
                "<table class=basis-texts><thead><tr><th scope=col>#<th scope=col>Text"
                "<th scope=col>Category<th scope=col>Share<th scope=col>Sum"
                "<th scope=col title=\"In how many of 100 resamples the text is selected at this "
                "position, and at any\">Stable<tbody>\n");
    for (i = first; i < end; i++)
        row(html, facts, head, i, in_full);
    cs_html_put(html, "</table>");
}

static void basis_texts(cs_html *html, const cs_report_facts *facts,
                        const clipspan_atlas_head *head)
{
    const int entering = head->role->entering > 0 ? head->role->entering : 5;
    const int first = head->basis_texts < entering ? head->basis_texts : entering;
    cs_html_put(html, "<div>");
    rows(html, facts, head, 0, first, 1);
    if (head->basis_texts > first) {
        cs_html_format(html, "<details><summary>%d more text%s</summary>",
                       head->basis_texts - first, head->basis_texts - first == 1 ? "" : "s");
        rows(html, facts, head, first, head->basis_texts, 0);
        cs_html_put(html, "</details>");
    }
    cs_html_put(html, "</div>\n");
}

/* ---- Cumulated shares ---- */

static void curve(cs_html *html, const clipspan_atlas_head *head, int is_null, const char *look)
{
    int i;
    cs_html_format(html, "<polyline class=%s points=\"0,100", look);
    for (i = 0; i < head->basis_texts; i++) {
        const double sum =
            is_null ? head->basis_text[i].control_cumulated : head->basis_text[i].cumulated;
        cs_html_format(html, " %.0f,%.1f", 200.0 * (i + 1) / head->basis_texts, 100 - 100 * sum);
    }
    cs_html_put(html, "\"/>");
}

static void chart(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const clipspan_atlas_basis_text *last = &head->basis_text[head->basis_texts - 1];
    const int has_null = facts->atlas->info.control_texts > 0 && last->control_cumulated >= 0;
    const cs_number count = cs_number_of((uint64_t)head->basis_texts, "basis text");
    const char *texts = count.text;
    cs_html_put(html, "<figure><svg viewBox=\"-2 -2 204 104\" role=img><title>");
    cs_html_format(html, "Variance explained by %s: %s", texts,
                   cs_figure_percent(last->cumulated).text);
    if (has_null)
        cs_html_format(html, "; by as many control texts: %s",
                       cs_figure_percent(last->control_cumulated).text);
    cs_html_put(html, "</title><path d=\"M0 0H200M0 50H200M0 100H200\"/>"
                      "<text x=200 y=10>100\xC2\xA0%</text>");
    if (has_null) curve(html, head, 1, "null");
    curve(html, head, 0, "real");
    cs_html_format(html, "</svg><figcaption>Explained by %s <b>%s</b>", texts,
                   cs_figure_percent(last->cumulated).text);
    if (has_null)
        cs_html_format(html, ", <span>by control texts %s</span>",
                       cs_figure_percent(last->control_cumulated).text);
    cs_html_put(html, "</figcaption></figure>\n");
}

/* ---- Top and bottom images ---- */

static void extreme(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_extreme *at)
{
    const clipspan_atlas_image *image = &facts->atlas->images[at->image];
    const cs_thumbnail *thumbnail = &facts->thumbnails[at->image];
    const char *name = cs_path_name(image->path);
    cs_html_put(html, "<li title=\"");
    cs_html_text(html, cs_places_show(&facts->places, image->path));
    cs_html_put(html, "\">");
    if (thumbnail->jpeg) {
        cs_html_format(html, "<svg width=%d height=%d role=img aria-label=\"", thumbnail->width,
                       thumbnail->height);
        cs_html_text(html, name);
        cs_html_format(html, "\"><use href=\"#p%zu\"/></svg>", at->image);
    }
    cs_html_name(html, name);
    cs_html_format(html, "<small>%s</small>", cs_figure_signed(at->projection, 3).text);
}

static void end_of(cs_html *html, const cs_report_facts *facts,
                   const clipspan_atlas_extreme *extremes, int count, const char *words)
{
    int i;
    cs_html_format(html, "<p>%s</p><ul>", words);
    for (i = 0; i < count; i++)
        extreme(html, facts, &extremes[i]);
    cs_html_put(html, "</ul>");
}

static void both_extremes(cs_html *html, const cs_report_facts *facts,
                          const clipspan_atlas_head *head)
{
    cs_html_put(html, "<div class=extremes>");
    end_of(html, facts, head->top, head->top_count,
           "Farthest along the first basis text, with the head\xE2\x80\x99s centred projection");
    end_of(html, facts, head->bottom, head->bottom_count, "Farthest the other way");
    cs_html_put(html, "</div>\n");
}

void cs_images_once(cs_html *html, const cs_report_facts *facts)
{
    size_t i;
    cs_html_put(html, "<svg class=store aria-hidden=true><defs>\n");
    for (i = 0; i < facts->atlas->info.images; i++) {
        const cs_thumbnail *thumbnail = &facts->thumbnails[i];
        if (!thumbnail->jpeg) continue;
        cs_html_format(html, "<image id=p%zu width=%d height=%d href=\"data:image/jpeg;base64,", i,
                       thumbnail->width, thumbnail->height);
        cs_html_base64(html, thumbnail->jpeg, thumbnail->size);
        cs_html_put(html, "\"/>\n");
    }
    cs_html_put(html, "</defs></svg>\n");
}

void cs_head_card(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    cs_html_format(html, "<article class=card id=\"%s\">", cs_head_name(head->head).text);
    title(html, facts, head);
    verdict(html, facts, head);
    if (head->basis_texts > 0) {
        basis_texts(html, facts, head);
        cs_html_put(html, "<div class=side>");
        if (head->top_count || head->bottom_count) both_extremes(html, facts, head);
        chart(html, facts, head);
        cs_html_put(html, "</div>");
    }
    cs_html_put(html, "</article>\n");
}
