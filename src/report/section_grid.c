/* SPDX-License-Identifier: MIT */
/* The head grid: a table, last layer on top, whose cells lead to the heads' cards. Size says how
 * much of the embedding's variance a head contributes; colour and letters its role, pale colour
 * what it leans to; all others are dots. Behind each row stands what the layer holds. */
#include "report/outcome.h"

#include <clipspan/run.h>
#include <math.h>
#include <string.h>

#define STEPS 4 /* of the scale in the key */

static const char *look_class(const clipspan_atlas_head *head)
{
    if (head->removed) return " gone";
    switch (head->role->outcome) {
    case CLIPSPAN_OUTCOME_ROLE: return "";
    case CLIPSPAN_OUTCOME_LEANING: return " pale";
    case CLIPSPAN_OUTCOME_AMBIGUOUS: return " dot tie";
    case CLIPSPAN_OUTCOME_TOO_FEW_IMAGES: return " dot few";
    default: return " dot";
    }
}

/* What a cell says to those who hover over it or hear it. */
static void describe(cs_html *html, const clipspan_atlas_head *head)
{
    cs_html_format(html, "%s: ", cs_head_name(head->head).text);
    cs_outcome_text(html, head);
    cs_html_format(html, ", share of the embedding\xE2\x80\x99s variance %s",
                   cs_figure_percent(head->variance_share->share).text);
}

static void cell(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const double share = head->variance_share->share > 0 ? head->variance_share->share : 0;
    const double size = facts->strongest > 0 ? sqrt(share / facts->strongest) : 0;
    cs_html_format(html, "<td><a class=\"r%d%s\" style=\"--s:%.2f\" href=\"#%s\" title=\"",
                   cs_head_hue(facts, head), look_class(head), size, cs_head_name(head->head).text);
    describe(html, head);
    cs_html_put(html, "\" aria-label=\"");
    describe(html, head);
    cs_html_put(html, "\">");
    if (cs_is_claimed(head))
        cs_html_text(html, cs_head_letters(facts, head));
    else if (head->removed)
        cs_html_put(html, "\xC3\x97");
    cs_html_put(html, "</a>");
}

/* What the row's heads contribute together. */
static double sum_of(const clipspan_atlas_head *heads, size_t count)
{
    double sum = 0;
    size_t h;
    for (h = 0; h < count; h++)
        sum += heads[h].variance_share->share;
    return sum;
}

static void table(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    const size_t H = (size_t)info->run->heads;
    size_t row = H ? info->heads / H : 0, h;
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"Head grid\">"
                   "<table class=\"map sized\" style=\"--n:%zu\"><thead><tr><td>",
                   H);
    for (h = 0; h < H; h++)
        cs_html_format(html, "<th scope=col aria-label=\"Head %zu\">%zu", h, h);
    cs_html_put(html, "<th scope=col class=sum>all<tbody>");
    while (row-- > 0) {
        const clipspan_atlas_head *first = &facts->atlas->heads[row * H];
        cs_html_format(html, "\n<tr><th scope=row>L%d", first->head.layer);
        for (h = 0; h < H; h++)
            cell(html, facts, &first[h]);
        cs_html_format(html, "<td class=sum>%s", cs_figure_percent(sum_of(first, H)).text);
    }
    cs_html_put(html, "</table></div>\n");
}

/* ---- Key ---- */

static void key_of_category(cs_html *html, const cs_report_facts *facts, size_t k)
{
    const cs_role_look *look = &facts->palette->looks[k];
    cs_html_format(html, "<li><b class=\"chip r%d%s\">", look->hue,
                   facts->claimed[k] ? "" : " pale");
    cs_html_text(html, look->letters);
    cs_html_put(html, "</b> ");
    cs_html_name(html, look->category);
    if (facts->claimed[k]) cs_html_format(html, " <i>%d</i>", facts->claimed[k]);
    if (facts->leaning[k]) cs_html_format(html, " <i>(%d leaning)</i>", facts->leaning[k]);
}

static void key_of_dots(cs_html *html, const char *look, const char *words, int count)
{
    if (count)
        cs_html_format(html, "<li><b class=\"chip r0 %s\"></b> %s <i>%d</i>", look, words, count);
}

static void key_of_roles(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    int hue;
    size_t k;
    cs_html_put(html, "<ul class=key aria-label=\"Roles\">");
    for (hue = CS_HUES; hue > 0; hue--) /* related roles side by side, grey ones last */
        for (k = 0; k < facts->palette->count; k++)
            if (facts->palette->looks[k].hue == hue % CS_HUES &&
                facts->claimed[k] + facts->leaning[k])
                key_of_category(html, facts, k);
    key_of_dots(html, "dot tie", "ambiguous", info->ambiguous);
    key_of_dots(html, "dot", "no category stands out", info->none);
    key_of_dots(html, "dot few", "too few images to tell", info->too_few);
    if (info->removed)
        cs_html_format(html,
                       "<li><b class=\"chip gone r0\">\xC3\x97</b> pruned "
                       "<i>%d</i>",
                       info->removed);
    cs_html_put(html, "</ul>\n");
}

static void key_of_size(cs_html *html, const cs_report_facts *facts)
{
    int i;
    cs_html_put(html, "<p class=\"key depth\">Share of the embedding\xE2\x80\x99s variance: ");
    for (i = 0; i <= STEPS; i++) {
        const double size = (double)i / STEPS;
        cs_html_format(html,
                       "<span class=step><b class=\"cell r0\" style=\"--s:%.2f\"></b> %s</span> ",
                       size, cs_figure_percent(facts->strongest * size * size).text);
    }
    cs_html_put(html, "</p>\n");
}

void cs_section_map(cs_html *html, const cs_report_facts *facts)
{
    cs_html_put(html, "<section id=map class=mapped><h2>Head grid</h2>\n<p>A row is a layer, the "
                      "last on top; a column is a head. The larger a mark, the more of the "
                      "embedding\xE2\x80\x99s variance the head contributes; the last column adds "
                      "up the row. Colour and letters give a head\xE2\x80\x99s role, pale colour "
                      "what it leans to; a dot is a head without either. A mark leads to the "
                      "evidence.</p>\n");
    table(html, facts);
    key_of_roles(html, facts);
    if (facts->strongest > 0) key_of_size(html, facts);
    cs_html_put(html, "</section>\n</div>\n"); /* of the first screen, which the findings began */
}
