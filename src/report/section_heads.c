/* SPDX-License-Identifier: MIT */
/* The cards of all heads, layer by layer from the last, and the search box over them. */
#include "report/section.h"

#include <stdio.h>

cs_figure cs_head_name(clipspan_head head)
{
    cs_figure figure;
    snprintf(figure.text, sizeof figure.text, "L%d.H%d", head.layer, head.head);
    return figure;
}

int cs_head_doubtful(const clipspan_atlas_head *head)
{
    return head->role->control_named >= head->role->named;
}

static const cs_role_look *look_of(const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    if (head->role->outcome < CLIPSPAN_OUTCOME_AMBIGUOUS || !head->role->category[0]) return NULL;
    return cs_palette_find(facts->palette, head->role->category[0]);
}

int cs_head_hue(const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const cs_role_look *look = look_of(facts, head);
    return look ? look->hue : 0;
}

const char *cs_head_letters(const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const cs_role_look *look = look_of(facts, head);
    return look ? look->letters : "";
}

void cs_section_heads(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    const size_t H = (size_t)info->run->heads;
    size_t row = H ? info->heads / H : 0, h;
    cs_html_put(
        html, "<section id=heads><h2>Every head</h2>\n<p>Share: how much of the head\xE2\x80\x99s "
              "variance goes with a text once those above it are taken out. Stable: in how many of "
              "100 resamples the text is selected again at the same position, and at any. "
              "Runners-up came "
              "next; the number is their variance over the winner\xE2\x80\x99s.</p>\n"
              "<form id=search role=search hidden><label for=q>Search texts and heads</label> "
              "<input id=q type=search autocomplete=off placeholder=\"red, L11.H3, colour\"> "
              "<output for=q></output></form>\n");
    while (row-- > 0) {
        const clipspan_atlas_head *first = &facts->atlas->heads[row * H];
        cs_html_format(html, "<section class=layer id=layer%d><h3>Layer %d</h3>\n",
                       first->head.layer, first->head.layer);
        for (h = 0; h < H; h++)
            cs_head_card(html, facts, &first[h]);
        cs_html_put(html, "</section>\n");
    }
    cs_html_put(html, "</section>\n");
}
