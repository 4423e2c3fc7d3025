/* SPDX-License-Identifier: MIT */
/* The head grid: a table, last layer on top, whose cells lead to the heads' cards. Colour and
 * letters say the role, the depth of the colour the direct effect. */
#include "report/section.h"

#include <math.h>
#include <string.h>

#define STEPS 4 /* of the scale in the key */

static const char *kind_class(clipspan_role_outcome kind)
{
    return kind == CLIPSPAN_OUTCOME_AMBIGUOUS ? " mix"
           : kind == CLIPSPAN_OUTCOME_NONE    ? " none"
                                              : "";
}

/* What a cell says to those who hover over it or hear it. */
static void describe(cs_html *html, const clipspan_atlas_head *head)
{
    const clipspan_role *role = head->role;
    cs_html_format(html, "%s: ", cs_head_name(head->head).text);
    if (role->outcome < CLIPSPAN_OUTCOME_AMBIGUOUS) {
        cs_html_put(html, head->removed ? "removed from the model" : "no clear role");
    } else {
        if (role->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS) cs_html_put(html, "mixed, ");
        cs_html_text(html, role->category[0]);
        if (role->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS && role->category[1]) {
            cs_html_put(html, " and ");
            cs_html_text(html, role->category[1]);
        }
    }
    cs_html_format(html, ", share of the embedding\xE2\x80\x99s variance %s",
                   cs_figure_percent(head->variance_share->share).text);
}

static void cell(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const double share = head->variance_share->share > 0 ? head->variance_share->share : 0;
    const double depth = facts->strongest > 0 ? sqrt(share / facts->strongest) : 0;
    cs_html_format(html, "<td><a class=\"r%d%s\" style=\"--s:%.2f\" href=\"#%s\" title=\"",
                   cs_head_hue(facts, head), kind_class(head->role->outcome), depth,
                   cs_head_name(head->head).text);
    describe(html, head);
    cs_html_put(html, "\" aria-label=\"");
    describe(html, head);
    cs_html_put(html, "\">");
    if (head->role->outcome < CLIPSPAN_OUTCOME_AMBIGUOUS)
        cs_html_put(html, head->removed ? "\xC3\x97" : "\xC2\xB7");
    else
        cs_html_text(html, cs_head_letters(facts, head));
    cs_html_put(html, "</a>");
}

static void table(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    const size_t H = (size_t)info->run->heads;
    size_t row = H ? info->heads / H : 0, h;
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"Head grid\">"
                   "<table class=map style=\"--n:%zu\"><thead><tr><td>",
                   H);
    for (h = 0; h < H; h++)
        cs_html_format(html, "<th scope=col aria-label=\"Head %zu\">%zu", h, h);
    cs_html_put(html, "<tbody>");
    while (row-- > 0) {
        const clipspan_atlas_head *first = &facts->atlas->heads[row * H];
        cs_html_format(html, "\n<tr><th scope=row>L%d", first->head.layer);
        for (h = 0; h < H; h++)
            cell(html, facts, &first[h]);
    }
    cs_html_put(html, "</table></div>\n");
}

static int count_mixed(const cs_report_facts *facts, const char *category)
{
    int count = 0;
    size_t i;
    for (i = 0; i < facts->atlas->info.heads; i++) {
        const clipspan_role *role = facts->atlas->heads[i].role;
        count +=
            role->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS && strcmp(role->category[0], category) == 0;
    }
    return count;
}

static void key_of_roles(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    int hue;
    size_t k;
    cs_html_put(html, "<ul class=key aria-label=\"Roles\">");
    for (hue = CS_HUES; hue > 0; hue--) /* related roles side by side, grey ones last */
        for (k = 0; k < facts->palette->count; k++) {
            const cs_role_look *look = &facts->palette->looks[k];
            if (look->hue != hue % CS_HUES) continue;
            if (!facts->claimed[k] && !count_mixed(facts, look->category)) continue;
            cs_html_format(html, "<li><b class=\"chip r%d\">", look->hue);
            cs_html_text(html, look->letters);
            cs_html_put(html, "</b> ");
            cs_html_name(html, look->category);
            if (facts->claimed[k]) cs_html_format(html, " <i>%d</i>", facts->claimed[k]);
        }
    if (info->ambiguous)
        cs_html_format(html, "<li><b class=\"chip mix r0\">ab</b> mixed, by the first <i>%d</i>",
                       info->ambiguous);
    if (info->none)
        cs_html_format(html, "<li><b class=\"chip none r0\">\xC2\xB7</b> no clear role <i>%d</i>",
                       info->none);
    if (info->removed)
        cs_html_format(html,
                       "<li><b class=\"chip none r0\">\xC3\x97</b> removed from the model "
                       "<i>%d</i>",
                       info->removed);
    cs_html_put(html, "</ul>\n");
}

static void key_of_depth(cs_html *html, const cs_report_facts *facts)
{
    int i;
    cs_html_put(html, "<p class=\"key depth\">Share of the embedding\xE2\x80\x99s variance: ");
    for (i = 0; i <= STEPS; i++) {
        const double depth = (double)i / STEPS;
        cs_html_format(html,
                       "<span class=step><b class=\"chip r0\" style=\"--s:%.2f\"></b> %s</span> ",
                       depth, cs_figure_percent(facts->strongest * depth * depth).text);
    }
    cs_html_put(html, "</p>\n");
}

void cs_section_map(cs_html *html, const cs_report_facts *facts)
{
    cs_html_put(html,
                "<section id=map class=mapped><h2>Head grid</h2>\n<p>A row is a layer, the "
                "last on top; a column is a head. Colour and letters give a head\xE2\x80\x99s "
                "role, a deeper colour a larger share. A cell leads to the evidence.</p>\n");
    table(html, facts);
    key_of_roles(html, facts);
    if (facts->strongest > 0) key_of_depth(html, facts);
    cs_html_put(html, "</section>\n</div>\n"); /* of the first screen, which the findings began */
}
