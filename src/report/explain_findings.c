/* SPDX-License-Identifier: MIT */
/* What was found about a text, in sentences. */
#include "report/explain_page.h"

#include <math.h>

#include "base/memory.h"

#define SAID  3 /* heads that are named */
#define ROLES 3 /* and roles */

static void quote(cs_html *html, const char *text)
{
    cs_html_put(html, "\xE2\x80\x98");
    cs_html_text(html, text);
    cs_html_put(html, "\xE2\x80\x99");
}

static double sum_of(const double *numbers, size_t n)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < n; i++)
        sum += numbers[i];
    return sum;
}

/* " (91 %)" of a whole that is large enough and of the same sign for a share to mean something. */
static void share(cs_html *html, double part, double whole)
{
    if (part / whole > 0 && part / whole < 1.5 && fabs(whole) >= 0.001)
        cs_html_format(html, " (%s)", cs_figure_percent(part / whole).text);
}

static void say_rank(cs_html *html, const cs_explain_facts *facts, size_t t, size_t rank)
{
    const clipspan_explanation_info *x = facts->x;
    const double own = x->similarity[t];
    size_t other;
    if (x->texts == 1) return;
    other = x->order[rank == 0];
    cs_html_format(html, "<li>Similarity %s, ", cs_explain_plain(own).text);
    if (rank == 0)
        cs_html_put(html, "the highest");
    else
        cs_html_format(html, "number %zu of %zu", rank + 1, x->texts);
    cs_html_format(html, ": %s against ", cs_explain_number(own - x->similarity[other]).text);
    quote(html, x->names[other]);
    cs_html_put(html, ".</li>\n");
}

static void say_whole(cs_html *html, const cs_explain_facts *facts, size_t t)
{
    const clipspan_explanation_info *x = facts->x;
    const char *side = x->value[t] < 0 ? "below" : "above";
    cs_html_format(
        html, "<li>Of the %s%s", x->contrast == CLIPSPAN_CONTRAST_NONE ? "similarity, " : "",
        x->contrast == CLIPSPAN_CONTRAST_NONE ? cs_explain_plain(x->value[t]).text
                                              : cs_explain_plain(fabs(x->value[t])).text);
    if (x->contrast == CLIPSPAN_CONTRAST_MEAN)
        cs_html_format(html, " by which this is %s the mean of the texts", side);
    if (x->contrast == CLIPSPAN_CONTRAST_RIVAL) {
        cs_html_format(html, " by which this is %s ", side);
        quote(html, x->names[x->order[x->order[0] == t]]);
    }
    cs_html_put(html, ", ");
}

/* The two layers whose attention is largest: together where both work as `all` does and are most of
 * it, else apart. */
static void say_two(cs_html *html, const cs_explain_facts *facts, const double *attention,
                    double all, double whole)
{
    size_t best[2], low, high;
    double both;
    if (facts->x->layers < 3) return;
    cs_explain_largest(best, 2, attention, (size_t)facts->x->layers);
    low = best[0] < best[1] ? best[0] : best[1];
    high = best[0] + best[1] - low;
    both = attention[low] + attention[high];
    if (attention[low] / all > 0 && attention[high] / all > 0 && both / all >= 0.5 &&
        both / all <= 1.2) {
        cs_html_format(html, ", most of it in layers L%zu and L%zu: <b>%s</b>", low, high,
                       cs_explain_number(both).text);
        share(html, both, whole);
    } else {
        cs_html_format(html, ", strongest in layers L%zu, %s, ", low,
                       cs_explain_number(attention[low]).text);
        cs_html_format(html, "and L%zu, %s", high, cs_explain_number(attention[high]).text);
    }
}

static void say_layers(cs_html *html, const cs_explain_facts *facts, size_t t)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t L = (size_t)x->layers;
    const double *attention = x->attention + t * L, *mlp = x->mlp + t * (L + 1);
    const double all = sum_of(attention, L), mlps = sum_of(mlp + 1, L);
    say_whole(html, facts, t);
    cs_html_format(html, "attention gives <b>%s</b>", cs_explain_number(all).text);
    share(html, all, x->value[t]);
    say_two(html, facts, attention, all, x->value[t]);
    cs_html_format(html, "; all MLPs give %s and what enters the first layer %s.</li>\n",
                   cs_explain_number(mlps).text, cs_explain_number(mlp[0]).text);
}

static void say_heads(cs_html *html, const cs_explain_facts *facts, size_t t)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t H = (size_t)x->heads, heads = (size_t)x->layers * H;
    size_t best[SAID], k, count = cs_explain_largest(best, SAID, x->head + t * heads, heads);
    cs_html_format(html, "<li>Strongest head%s: ", count == 1 ? "" : "s");
    for (k = 0; k < count; k++) {
        const clipspan_atlas_head *known = cs_explain_head(facts, best[k]);
        cs_html_format(html, "%sL%zu.H%zu", k ? ", " : "", best[k] / H, best[k] % H);
        if (known && known->role.kind != CLIPSPAN_ROLE_NONE) {
            cs_html_format(html, " <b class=\"chip r%d\">", cs_head_hue(&facts->report, known));
            cs_html_text(html, known->role.category[0]);
            cs_html_put(html, "</b>");
        }
        cs_html_format(html, " %s", cs_explain_number(x->head[t * heads + best[k]]).text);
    }
    cs_html_put(html, ".</li>\n");
}

/* What heads of each clear role add together; the rest as one. */
static void say_roles(cs_html *html, const cs_explain_facts *facts, size_t t)
{
    const clipspan_explanation_info *x = facts->x;
    const size_t heads = (size_t)x->layers * (size_t)x->heads;
    const cs_palette *palette = facts->report.palette;
    size_t best[ROLES], i, count;
    double *parts, rest = 0, others = 0;
    if (!facts->report.atlas || !facts->report.atlas->info.clear || html->status != CLIPSPAN_OK)
        return;
    parts = cs_alloc_zero(palette->count + 1, sizeof *parts, "roles", html->err);
    if (!parts) {
        html->status = CLIPSPAN_E_NOMEM;
        return;
    }
    for (i = 0; i < heads; i++) {
        const clipspan_atlas_head *known = cs_explain_head(facts, i);
        if (known && known->role.kind == CLIPSPAN_ROLE_CLEAR)
            parts[cs_palette_find(palette, known->role.category[0]) - palette->looks] +=
                x->head[t * heads + i];
        else
            rest += x->head[t * heads + i];
    }
    count = cs_explain_largest(best, ROLES, parts, palette->count);
    cs_html_put(html, "<li>By the heads\xE2\x80\x99 roles: ");
    for (i = 0; i < palette->count; i++)
        others += parts[i];
    for (i = 0; i < count && fabs(parts[best[i]]) > 0; i++) {
        others -= parts[best[i]];
        cs_html_format(html, "<b class=\"chip r%d\">", palette->looks[best[i]].hue);
        cs_html_text(html, palette->looks[best[i]].category);
        cs_html_format(html, "</b> %s, ", cs_explain_number(parts[best[i]]).text);
    }
    if (palette->count > ROLES)
        cs_html_format(html, "other roles %s, ", cs_explain_number(others).text);
    cs_html_format(html, "heads without a clear role %s.</li>\n", cs_explain_number(rest).text);
    cs_free(parts);
}

static void say_patches(cs_html *html, const cs_explain_facts *facts, size_t t)
{
    const clipspan_explanation_info *x = facts->x;
    const double *token = x->token + t * x->tokens;
    const size_t width = (size_t)x->grid_width;
    size_t best, j, top = 1;
    double speaks = 0, against = 0;
    if (!cs_explain_largest(&best, 1, token + 1, x->tokens - 1)) return;
    for (j = 1; j < x->tokens; j++) {
        if (token[j] > token[top]) top = j;
        if (token[j] > 0)
            speaks += token[j];
        else
            against += token[j];
    }
    cs_html_format(html,
                   "<li>In the picture, patches speak for it with %s and against it with %s; what "
                   "heads read from the class token itself adds %s. ",
                   cs_explain_number(speaks).text, cs_explain_number(against).text,
                   cs_explain_number(token[0]).text);
    cs_html_format(html, "The strongest for it lies in row %zu, column %zu (%s).</li>\n",
                   (top - 1) / width, (top - 1) % width, cs_explain_fine(token[top]).text);
}

void cs_explain_findings(cs_html *html, const cs_explain_facts *facts, size_t t, size_t rank)
{
    cs_html_put(html, "<ol class=found>");
    say_rank(html, facts, t, rank);
    say_layers(html, facts, t);
    say_roles(html, facts, t);
    say_heads(html, facts, t);
    say_patches(html, facts, t);
    cs_html_put(html, "</ol>\n");
}
