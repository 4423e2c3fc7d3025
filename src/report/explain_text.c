/* SPDX-License-Identifier: MIT */
/* A text's section: findings, the map over the image, layers by heads, bars, heads, patches. */
#include "report/explain_page.h"
#include "report/outcome.h"

#include <math.h>

#include "base/memory.h"
#include "base/top.h"

#define SMALL 224 /* pixels of a head's drawing */

/* ---- Drawings ---- */

/* [height, width] to a whole fraction of it, each pixel the mean of a square, in place. */
static void shrink(uint8_t *rgb, int *height, int *width, int by)
{
    const int h = *height / by > 0 ? *height / by : 1, w = *width / by > 0 ? *width / by : 1;
    const int tall = *height < by ? *height : by, wide = *width < by ? *width : by;
    int y, x, c, i, j;
    for (y = 0; y < h; y++)
        for (x = 0; x < w; x++)
            for (c = 0; c < 3; c++) {
                int sum = 0;
                for (i = 0; i < tall; i++)
                    for (j = 0; j < wide; j++)
                        sum += rgb[3 * ((y * by + i) * *width + x * by + j) + c];
                rgb[3 * (y * w + x) + c] = (uint8_t)((sum + tall * wide / 2) / (tall * wide));
            }
    *height = h;
    *width = w;
}

/* A map of tokens over the image, no longer than `edge`. */
static void overlay(cs_html *html, const cs_explain_facts *facts, const float *map, double limit,
                    int edge, const char *alt)
{
    const cs_view *view = facts->view;
    int height = view->height, width = view->width;
    const int longer = height > width ? height : width;
    float *values = NULL;
    if (html->status == CLIPSPAN_OK)
        values = cs_alloc((size_t)height * (size_t)width, sizeof *values, "a map", html->err);
    if (!values) {
        if (html->status == CLIPSPAN_OK) html->status = CLIPSPAN_E_NOMEM;
        return;
    }
    cs_view_map(values, view, map);
    cs_view_draw(facts->canvas, view, values, CLIPSPAN_DRAW_OVERLAY, limit, 1);
    cs_free(values);
    if (longer > edge) shrink(facts->canvas, &height, &width, (longer + edge - 1) / edge);
    cs_explain_image(html, facts->canvas, height, width, alt);
}

static void view(cs_html *html, const cs_explain_facts *facts, size_t t)
{
    const clipspan_explanation_info *x = facts->x;
    float *map =
        html->status == CLIPSPAN_OK ? cs_alloc(x->tokens, sizeof *map, "a map", html->err) : NULL;
    size_t j;
    if (!map) {
        if (html->status == CLIPSPAN_OK) html->status = CLIPSPAN_E_NOMEM;
        return;
    }
    for (j = 0; j < x->tokens; j++)
        map[j] = (float)x->token[t * x->tokens + j];
    cs_html_put(html, "<figure class=view><div class=stage>");
    overlay(html, facts, map + x->class_token, facts->map_limit, 4096,
            "What each patch adds, all heads");
    cs_free(map);
    cs_html_put(html, "</div><figcaption><p class=what>All heads together</p>"
                      "<p>What a patch adds, blue against the text, orange for it: ");
    cs_explain_bar(html, facts->map_limit);
    cs_html_put(html, "</p></figcaption></figure>\n");
}

/* ---- Layers by heads ---- */

static void name(cs_html *html, const cs_explain_facts *facts, size_t index)
{
    const size_t H = (size_t)facts->x->heads;
    const clipspan_atlas_head *known = cs_explain_head(facts, index);
    cs_html_format(html, "L%zu.H%zu", index / H, index % H);
    if (known) {
        cs_html_put(html, ", ");
        cs_outcome_text(html, known);
    }
}

static void describe(cs_html *html, const cs_explain_facts *facts, size_t index, double part)
{
    name(html, facts, index);
    cs_html_format(html, ": %s", cs_explain_number(part).text);
}

static void cell(cs_html *html, const cs_explain_facts *facts, size_t index, double part)
{
    const clipspan_atlas_head *known = cs_explain_head(facts, index);
    cs_html_format(html, "<td><b class=%s style=\"--s:%.2f\" role=img aria-label=\"",
                   part < 0 ? "neg" : "pos", fabs(part) / facts->head_limit);
    describe(html, facts, index, part);
    cs_html_put(html, "\">");
    if (known && cs_is_claimed(known)) {
        cs_html_put(html, cs_has_role(known) ? "" : "<i>");
        cs_html_text(html, cs_head_letters(&facts->report, known));
        cs_html_put(html, cs_has_role(known) ? "" : "</i>");
    } else if (known)
        cs_html_put(html, "\xC2\xB7");
    cs_html_put(html, "</b>");
}

static void grid(cs_html *html, const cs_explain_facts *facts, size_t t)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t L = (size_t)x->layers, H = (size_t)x->heads;
    size_t l = L, h;
    cs_html_format(
        html,
        "<section><h3>Heads</h3>\n<p class=\"note hint\">A row is a layer, the last on top; a "
        "column a head%s. Orange adds to the similarity, blue takes from it.</p>\n",
        facts->report.atlas ? "; letters say its role in the run, in italics what it leans to"
                            : "");
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"Layers by heads\">"
                   "<table class=\"map parts\" style=\"--n:%zu\"><thead><tr><td>",
                   H);
    for (h = 0; h < H; h++)
        cs_html_format(html, "<th scope=col aria-label=\"Head %zu\">%zu", h, h);
    cs_html_put(html, "<tbody>");
    while (l-- > 0) {
        cs_html_format(html, "\n<tr><th scope=row>L%zu", l);
        for (h = 0; h < H; h++)
            cell(html, facts, l * H + h, x->head[(t * L + l) * H + h]);
    }
    cs_html_put(html, "</table></div>\n<p class=note>A head\xE2\x80\x99s part: ");
    cs_explain_bar(html, facts->head_limit);
    cs_html_put(html, "</p></section>\n");
}

/* ---- Bars ---- */

static void bar(cs_html *html, const cs_explain_facts *facts, double value, const char *what,
                size_t layer)
{
    const double range = facts->most - facts->least, unit = range > 0 ? 1000 / range : 0;
    const double zero = -facts->least * unit, size = value * unit;
    cs_html_format(html,
                   "<td class=bar><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=none role=img>"
                   "<title>%s L%zu: %s</title>",
                   what, layer, cs_explain_number(value).text);
    cs_html_format(html,
                   "<rect class=%s x=%.0f width=%.0f height=10 /><path d=\"M%.0f 0V10\"/></svg>"
                   "<td class=n>%s",
                   value < 0 ? "neg" : "pos", size < 0 ? zero + size : zero, fabs(size), zero,
                   cs_explain_number(value).text);
}

static void layers(cs_html *html, const cs_explain_facts *facts, size_t t)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t L = (size_t)x->layers;
    double attention = 0, mlps = 0;
    size_t l = L;
    cs_html_put(html, "<section><h3>Layers</h3>\n<div class=scroll tabindex=0 role=region "
                      "aria-label=Layers><table class=layers><thead><tr><th scope=col>Layer"
                      "<th scope=col colspan=2>Attention, all heads<th scope=col colspan=2>MLP"
                      "<tbody>");
    while (l-- > 0) {
        cs_html_format(html, "\n<tr><th scope=row>L%zu", l);
        bar(html, facts, x->attention[t * L + l], "Attention of", l);
        bar(html, facts, x->mlp[t * (L + 1) + l + 1], "MLP of", l);
        attention += x->attention[t * L + l];
        mlps += x->mlp[t * (L + 1) + l + 1];
    }
    cs_html_format(html, "\n<tr><th scope=row>Input<td><td class=n>\xE2\x80\x93<td><td class=n>%s",
                   cs_explain_number(x->mlp[t * (L + 1)]).text);
    cs_html_format(html, "\n<tr class=sum><th scope=row>Sum<td><td class=n>%s<td><td class=n>%s",
                   cs_explain_number(attention).text,
                   cs_explain_number(mlps + x->mlp[t * (L + 1)]).text);
    cs_html_format(html,
                   "</table></div>\n<p class=note>Both sums together are the %s that is explained, "
                   "within %s. Input is the class token as it enters the first layer.</p>"
                   "</section>\n",
                   cs_explain_number(x->value[t]).text,
                   cs_figure_real(x->off > 1e-9 ? x->off : 1e-9).text);
}

/* ---- Strongest heads and patches ---- */

static void texts_of(cs_html *html, const cs_explain_facts *facts, const clipspan_atlas_head *head)
{
    int k;
    cs_html_put(html, "<small>its texts: ");
    for (k = 0; k < head->basis_texts && k < 3; k++) {
        if (k) cs_html_put(html, "; ");
        cs_html_name(html, facts->report.atlas->texts[head->basis_text[k].basis_text->text].text);
    }
    cs_html_put(html, "</small>");
}

static void strongest(cs_html *html, const cs_explain_facts *facts, size_t t, size_t rank)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t H = (size_t)x->heads, heads = (size_t)x->layers * H;
    double values[64];
    size_t best[64], k;
    const size_t count = cs_top_largest(best, values, facts->top, x->head + t * heads, heads);
    cs_html_put(html,
                "<section><h3>Strongest heads, and where they find it</h3>\n<ol class=heads>");
    for (k = 0; k < count; k++) {
        const clipspan_atlas_head *known = cs_explain_head(facts, best[k]);
        const double limit = cs_explain_limit(facts, best[k]);
        cs_html_format(html, "<li data-head=%zu>", best[k]);
        if (rank < CS_EXPLAIN_DRAWN)
            overlay(html, facts, x->map + (t * heads + best[k]) * x->tokens + x->class_token, limit,
                    SMALL, "");
        cs_html_format(html, "<p><b>L%zu.H%zu</b> %s", best[k] / H, best[k] % H,
                       cs_explain_number(x->head[t * heads + best[k]]).text);
        if (known) {
            cs_html_put(html, " ");
            cs_outcome_chip(html, &facts->report, known);
        }
        cs_html_format(html, "<small>a patch: up to \xC2\xB1%s</small>",
                       cs_explain_fine(limit).text + 1);
        if (known) texts_of(html, facts, known);
        cs_html_put(html, "</p>");
    }
    cs_html_put(html, "</ol></section>\n");
}

static void describe_patch(cs_html *html, const cs_explain_facts *facts, size_t index, double part)
{
    name(html, facts, index);
    cs_html_format(html, ": %s", cs_explain_fine(part).text);
}

/* The head that adds most at a token. */
static size_t head_at(const clipspan_explanation_info *x, size_t t, size_t token)
{
    const size_t heads = (size_t)x->layers * (size_t)x->heads;
    const float *map = x->map + t * heads * x->tokens + token;
    size_t best = 0, i;
    for (i = 1; i < heads; i++)
        if (fabs((double)map[i * x->tokens]) > fabs((double)map[best * x->tokens])) best = i;
    return best;
}

static void patches(cs_html *html, const cs_explain_facts *facts, size_t t)
{
    const clipspan_explanation_info *x = facts->x;
    const double *token = x->token + t * x->tokens;
    const size_t width = (size_t)x->grid_width, H = (size_t)x->heads;
    const size_t heads = (size_t)x->layers * H, first = (size_t)x->class_token;
    double values[64];
    size_t best[64], k;
    const size_t count = cs_top_largest(best, values, facts->top, token + first, x->tokens - first);
    cs_html_format(html,
                   "<section><h3>Strongest patches</h3>\n<p class=note>Rows and columns of the "
                   "%d \xC3\x97 %d patches count from 0, from the upper left.</p>\n"
                   "<div class=scroll tabindex=0 role=region aria-label=\"Strongest patches\">"
                   "<table class=facts><thead><tr><th scope=col>Row<th scope=col>Column"
                   "<th scope=col>Part<th scope=col>Most through<tbody>",
                   x->grid_height, x->grid_width);
    for (k = 0; k < count; k++) {
        const size_t head = head_at(x, t, first + best[k]);
        cs_html_format(html, "\n<tr><td>%zu<td>%zu<td class=n>%s", best[k] / width, best[k] % width,
                       cs_explain_fine(token[first + best[k]]).text);
        cs_html_put(html, "<td>");
        describe_patch(html, facts, head,
                       (double)x->map[(t * heads + head) * x->tokens + first + best[k]]);
    }
    if (first) {
        cs_html_format(html, "\n<tr><td colspan=2>class token<td class=n>%s<td>",
                       cs_explain_fine(token[0]).text);
        describe_patch(html, facts, head_at(x, t, 0),
                       (double)x->map[(t * heads + head_at(x, t, 0)) * x->tokens]);
    }
    cs_html_put(html, "</table></div></section>\n");
}

void cs_explain_text(cs_html *html, const cs_explain_facts *facts, size_t t, size_t rank)
{
    cs_html_format(html, "<section class=text id=t%zu>\n<header><h2>\xE2\x80\x98", t);
    cs_html_name(html, facts->x->names[t]);
    cs_html_put(html, "\xE2\x80\x99</h2>\n");
    cs_explain_findings(html, facts, rank);
    cs_html_put(html, "</header>\n");
    view(html, facts, t);
    cs_html_put(html, "<div class=more>\n");
    grid(html, facts, t);
    layers(html, facts, t);
    strongest(html, facts, t, rank);
    patches(html, facts, t);
    cs_html_put(html, "</div>\n</section>\n");
}
