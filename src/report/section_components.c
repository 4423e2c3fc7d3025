/* SPDX-License-Identifier: MIT */
/* Single components mean-ablated, from the kept effects: a head grid by what
 * their absence does, the strongest of them, and every layer and MLP. */
#include "report/document.h"
#include "report/outcome.h"

#include "base/memory.h"

#include <clipspan/run.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STRONGEST 10
#define SEEN      0.0005 /* a change in accuracy below which a cell shows a dot */

static double change_of(const clipspan_effect *e)
{
    return -e->accuracy_drop;
}

/* The card of the head "L22.H11" in this page, or NULL. */
static const clipspan_atlas_head *card_of(const cs_report_facts *facts, const char *name)
{
    const cs_atlas *atlas = facts->atlas;
    const long H = atlas->info.run->heads;
    long layer, head, at;
    char *end;
    if (*name != 'L' || atlas->info.heads == 0) return NULL;
    layer = strtol(name + 1, &end, 10) - atlas->heads[0].head.layer;
    if (strncmp(end, ".H", 2) != 0) return NULL;
    head = strtol(end + 2, &end, 10);
    if (*end || layer < 0 || layer >= atlas->info.run->layers || head < 0 || head >= H) return NULL;
    at = layer * H + head;
    return (size_t)at < atlas->info.heads ? &atlas->heads[at] : NULL;
}

void cs_head_link(cs_html *html, const cs_report_facts *facts, const char *name)
{
    const clipspan_atlas_head *head = card_of(facts, name);
    if (!head) {
        cs_html_text(html, name);
        return;
    }
    cs_html_format(html, "<a href=\"#%s\">%s</a>", cs_head_name(head->head).text,
                   cs_head_name(head->head).text);
    if (!cs_is_claimed(head)) return;
    cs_html_put(html, " ");
    cs_outcome_chip(html, facts, head);
}

/* ---- The map ---- */

static void describe(cs_html *html, const clipspan_effect *e, int labelled)
{
    cs_html_text(html, e->name);
    cs_html_format(html, ": %s %s points, margin ", labelled ? "accuracy" : "agreement",
                   cs_figure_points(change_of(e)).text);
    cs_html_format(html, "%s", cs_figure_margin(-e->margin_drop).text);
}

static void cell(cs_html *html, const cs_report_facts *facts, const clipspan_effect *e, double most)
{
    const double change = change_of(e), depth = most > 0 ? sqrt(fabs(change) / most) : 0;
    const int labelled = !facts->kept.effects->facts.info.agreement;
    const int same = !isfinite(change) || fabs(change) < SEEN;
    const clipspan_atlas_head *card = card_of(facts, e->name);
    cs_html_format(html, "<td><%s class=\"%s\" style=\"--s:%.2f\"", card ? "a" : "b",
                   same         ? "r0"
                   : change < 0 ? "lose"
                                : "gain",
                   isfinite(depth) ? depth : 0);
    if (card) cs_html_format(html, " href=\"#%s\"", cs_head_name(card->head).text);
    cs_html_put(html, " title=\"");
    describe(html, e, labelled);
    cs_html_put(html, "\" aria-label=\"");
    describe(html, e, labelled);
    if (same)
        cs_html_put(html, "\">\xC2\xB7");
    else
        cs_html_format(html, "\">%s", cs_figure_points(change).text);
    cs_html_put(html, card ? "</a>" : "</b>");
}

/* heads : [count] in order; a map when these are all heads, [L, H]. */
static void map(cs_html *html, const cs_report_facts *facts, const clipspan_effect *heads,
                size_t count)
{
    const size_t L = (size_t)facts->atlas->info.run->layers,
                 H = (size_t)facts->atlas->info.run->heads;
    double most = 0;
    size_t i;
    if (count != L * H || H == 0) return;
    for (i = 0; i < L * H; i++)
        if ((size_t)heads[i].layer * H + (size_t)heads[i].head != i) return;
    for (i = 0; i < L * H; i++) {
        const double size = fabs(change_of(&heads[i]));
        if (size > most) most = size;
    }
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"Head grid by "
                   "effect\"><table class=\"map drops\" style=\"--n:%zu\"><thead><tr><td>",
                   H);
    for (i = 0; i < H; i++)
        cs_html_format(html, "<th scope=col aria-label=\"Head %zu\">%zu", i, i);
    cs_html_put(html, "<tbody>");
    for (size_t row = L; row-- > 0;) {
        cs_html_format(html, "\n<tr><th scope=row>L%zu", row);
        for (i = 0; i < H; i++)
            cell(html, facts, &heads[row * H + i], most);
    }
    cs_html_put(html, "</table></div>\n"
                      "<p class=key><span class=step><b class=\"chip lose\">\xE2\x88\x92</b> fewer "
                      "right without the head</span> <span class=step><b class=\"chip gain\">+</b> "
                      "more right without it</span> <span class=step>\xC2\xB7 no change, or under "
                      "0.05 points</span></p>\n");
}

/* ---- Tables ---- */

/* Rows of kinds first to last, in order. *count of them. */
static const clipspan_effect **find_rows(size_t *count, const cs_effects_table *t,
                                         clipspan_effect_kind first, clipspan_effect_kind last,
                                         cs_html *html)
{
    const clipspan_effect **rows =
        cs_alloc(t->info.rows, sizeof *rows, "a table of heads", html->err);
    *count = 0;
    if (!rows && html->status == CLIPSPAN_OK) html->status = CLIPSPAN_E_NOMEM;
    for (size_t i = 0; rows && i < t->info.rows; i++)
        if (t->rows[i].kind >= first && t->rows[i].kind <= last) rows[(*count)++] = &t->rows[i];
    return rows;
}

/* The largest drop first, then the largest in margin. */
static int by_drop(const void *a, const void *b)
{
    const clipspan_effect *x = *(const clipspan_effect *const *)a,
                          *y = *(const clipspan_effect *const *)b;
    if (x->accuracy_drop != y->accuracy_drop) return x->accuracy_drop > y->accuracy_drop ? -1 : 1;
    if (x->margin_drop != y->margin_drop) return x->margin_drop > y->margin_drop ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void component_row(cs_html *html, const cs_report_facts *facts, const clipspan_effect *e)
{
    cs_html_put(html, "\n<tr><th scope=row>");
    cs_head_link(html, facts, e->name);
    cs_html_format(html, "<td class=n>%s", cs_figure_points(change_of(e)).text);
    cs_html_format(html, "<td class=n>%s", cs_figure_margin(-e->margin_drop).text);
    if (facts->kept.effects->facts.info.groups)
        cs_html_format(html, "<td class=n>%s", cs_figure_points(-e->worst_drop).text);
    cs_html_format(html, "<td class=n>%s", cs_figure_percent(e->share).text);
}

static void component_table(cs_html *html, const cs_report_facts *facts,
                            const clipspan_effect *const *rows, size_t count, const char *what)
{
    const clipspan_evaluation_info *info = &facts->kept.effects->facts.info;
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"%s alone\"><table "
                   "class=layers><thead><tr><th scope=col>%s alone<th scope=col class=n>%s, points"
                   "<th scope=col class=n>margin",
                   what, what, info->agreement ? "Agreement" : "Accuracy");
    if (info->groups) cs_html_put(html, "<th scope=col class=n>worst group, points");
    cs_html_put(html, "<th scope=col class=n>variance share<tbody>");
    for (size_t i = 0; i < count; i++)
        component_row(html, facts, rows[i]);
    cs_html_put(html, "</table></div>\n");
}

void cs_contributions_alone(cs_html *html, const cs_report_facts *facts)
{
    const cs_effects_table *t = facts->kept.effects;
    size_t heads, others;
    const clipspan_effect **head =
        find_rows(&heads, t, CLIPSPAN_EFFECT_HEAD, CLIPSPAN_EFFECT_HEAD, html);
    const clipspan_effect **other =
        find_rows(&others, t, CLIPSPAN_EFFECT_LAYER, CLIPSPAN_EFFECT_MLP, html);
    if (!head || !other) goto done;
    cs_html_format(html,
                   "<h3 class=sub>Every head alone mean-ablated: change in %s, points</h3>\n"
                   "<div class=halves><div>\n",
                   t->facts.info.agreement ? "agreement" : "accuracy");
    if (heads) map(html, facts, head[0], heads);
    cs_html_put(html, "</div><div>\n");
    qsort(head, heads, sizeof *head, by_drop);
    component_table(html, facts, head, heads < STRONGEST ? heads : STRONGEST, "Head");
    cs_html_put(html, "</div></div>\n<details><summary>Every layer and MLP alone</summary>");
    component_table(html, facts, other, others, "Layer or MLP");
    cs_html_put(html, "</details>\n");
done:
    cs_free(head);
    cs_free(other);
}
