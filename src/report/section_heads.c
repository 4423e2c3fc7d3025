/* SPDX-License-Identifier: MIT */
/* The cards of all heads, layer by layer from the last, and the search box over them. */
#include "report/outcome.h"

#include <clipspan/run.h>
#include <stdio.h>

cs_figure cs_head_name(clipspan_head head)
{
    cs_figure figure;
    snprintf(figure.text, sizeof figure.text, "L%d.H%d", head.layer, head.head);
    return figure;
}

static const cs_role_look *look_of(const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    if (!cs_is_claimed(head)) return NULL;
    return cs_palette_find(facts->palette, head->role->category[0]);
}

int cs_head_hue(const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const cs_role_look *look = look_of(facts, head);
    return look && !cs_is_below_control(head) ? look->hue : 0;
}

const char *cs_head_letters(const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const cs_role_look *look = look_of(facts, head);
    return look ? look->letters : "";
}

/* The cards of a layer's heads that are of little effect, or of those that are not; nothing where
 * there are none. */
static void layer(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *first,
                  int minor)
{
    const size_t H = (size_t)facts->atlas->info.run->heads;
    size_t h, count = 0;
    for (h = 0; h < H; h++)
        count += first[h].minor == minor;
    if (!count) return;
    cs_html_put(html, "<section class=layer");
    if (!minor) cs_html_format(html, " id=layer%d", first->head.layer);
    cs_html_format(html, "><h3>Layer %d</h3>\n", first->head.layer);
    for (h = 0; h < H; h++)
        if (first[h].minor == minor) cs_head_card(html, facts, &first[h]);
    cs_html_put(html, "</section>\n");
}

static void layers(cs_html *html, const cs_report_facts *facts, int minor)
{
    const size_t H = (size_t)facts->atlas->info.run->heads;
    size_t row = H ? facts->atlas->info.heads / H : 0;
    while (row-- > 0)
        layer(html, facts, &facts->atlas->heads[row * H], minor);
}

static size_t count_minor(const cs_atlas *atlas)
{
    size_t count = 0, i;
    for (i = 0; i < atlas->info.heads; i++)
        count += atlas->heads[i].minor != 0;
    return count;
}

void cs_section_heads(cs_html *html, const cs_report_facts *facts)
{
    const size_t minor = count_minor(facts->atlas);
    cs_html_put(html,
                "<section id=heads><h2>Every head</h2>\n<p>A basis text is a direction along which "
                "the head\xE2\x80\x99s output spreads over the images, not a caption of any of "
                "them: what an image shows need not be what the text says. Share: how much of the "
                "head\xE2\x80\x99s variance goes with a text once those above it are taken out. "
                "Stable: in how many of 100 resamples the text is selected again at the same "
                "position, and at any. Runners-up came next; the number is their variance over the "
                "winner\xE2\x80\x99s.</p>\n"
                "<form id=search role=search hidden><label for=q>Search texts and heads</label> "
                "<input id=q type=search autocomplete=off placeholder=\"red, L11.H3, colour\"> "
                "<output for=q></output></form>\n");
    layers(html, facts, 0);
    if (minor) {
        cs_html_format(html,
                       "<details class=minor><summary>and %zu head%s of little effect: each under "
                       "%s of the embedding\xE2\x80\x99s variance",
                       minor, minor == 1 ? "" : "s", cs_outcome_bound(CLIPSPAN_MINOR_SHARE).text);
        cs_html_format(html, ", %s together</summary>\n",
                       cs_figure_percent(facts->atlas->info.minor_share).text);
        layers(html, facts, 1);
        cs_html_put(html, "</details>\n");
    }
    cs_html_put(html, "</section>\n");
}
