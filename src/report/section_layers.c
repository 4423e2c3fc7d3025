/* SPDX-License-Identifier: MIT */
/* Direct effect by layer: bars in the table that holds their numbers. */
#include "report/section.h"

#include <clipspan/run.h>
#include <math.h>
#include <stdio.h>

/* The scale that all bars share: from `least`, 0 or below, to `most`. */
typedef struct bar_scale {
    double least, most;
} bar_scale;

static void widen(bar_scale *scale, double share)
{
    if (share < scale->least) scale->least = share;
    if (share > scale->most) scale->most = share;
}

static void bar(cs_html *html, const bar_scale *scale, clipspan_variance_share strength,
                const char *what, const char *look)
{
    const double range = scale->most - scale->least, unit = range > 0 ? 1000 / range : 0;
    const double zero = -scale->least * unit, size = strength.share * unit;
    cs_html_format(html,
                   "<td class=bar><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=none role=img>"
                   "<title>%s: %s of the embedding\xE2\x80\x99s variance</title>",
                   what, cs_figure_percent(strength.share).text);
    cs_html_format(html,
                   "<rect class=%s x=%.0f width=%.0f height=10 /><path d=\"M%.0f 0V10\"/></svg>",
                   look, size < 0 ? zero + size : zero, fabs(size), zero);
    cs_html_format(html, "<td class=n>%s", cs_figure_percent(strength.share).text);
}

/* The named share, with that of control texts; dashes where the layer was not looked at. */
static void named(cs_html *html, const clipspan_atlas_layer *layer)
{
    if (layer->named < 0)
        cs_html_put(html, "<td class=n>\xE2\x80\x93<td class=n>\xE2\x80\x93<td class=n>\xE2\x80\x93"
                          "<td class=n>\xE2\x80\x93");
    else
        cs_html_format(html, "<td class=n>%s<td class=n>%s<td class=n>%d<td class=n>%d",
                       cs_figure_percent(layer->named).text,
                       layer->control_named < 0 ? "\xE2\x80\x93"
                                                : cs_figure_percent(layer->control_named).text,
                       layer->role, layer->leaning);
}

static void table(cs_html *html, const cs_report_facts *facts)
{
    const cs_atlas *atlas = facts->atlas;
    bar_scale scale = {0, 0};
    int l;
    for (l = 0; l < atlas->info.run->layers; l++) {
        widen(&scale, atlas->layers[l].attention->share);
        widen(&scale, atlas->layers[l].mlp->share);
    }
    widen(&scale, atlas->info.input->share);
    cs_html_put(html, "<div class=scroll tabindex=0 role=region aria-label=\"Layers\">"
                      "<table class=layers><thead><tr><th scope=col>Layer"
                      "<th scope=col colspan=2>Attention<th scope=col colspan=2>MLP"
                      "<th scope=col class=n>Explained<th scope=col class=n>by control texts"
                      "<th scope=col class=n>Roles<th scope=col class=n>Leanings<tbody>");
    for (l = atlas->info.run->layers - 1; l >= 0; l--) {
        const clipspan_atlas_layer *layer = &atlas->layers[l];
        char what[48];
        snprintf(what, sizeof what, "Attention of layer %d", l);
        cs_html_format(html, "\n<tr><th scope=row>L%d", l);
        bar(html, &scale, *layer->attention, what, "att");
        snprintf(what, sizeof what, "MLP of layer %d", l);
        bar(html, &scale, *layer->mlp, what, "mlp");
        named(html, layer);
    }
    cs_html_put(html, "\n<tr><th scope=row>Input<td><td class=n>\xE2\x80\x93");
    bar(html, &scale, *atlas->info.input, "The class token\xE2\x80\x99s input", "mlp");
    cs_html_put(html, "<td><td><td><td></table></div>\n");
}

void cs_section_layers(cs_html *html, const cs_report_facts *facts)
{
    cs_html_put(html,
                "<section id=layers><h2>Share of the embedding\xE2\x80\x99s variance, by "
                "layer</h2>\n<p>The share of the "
                "embedding\xE2\x80\x99s variance over the images that each component accounts for. "
                "All together make 100\xC2\xA0%; a component below zero works against the rest. "
                "Explained is the share of its heads\xE2\x80\x99 variance along their basis "
                "texts, beside the same for control texts.</p>\n");
    table(html, facts);
    cs_html_put(html, "</section>\n");
}
