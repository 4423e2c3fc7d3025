/* SPDX-License-Identifier: MIT */
/* Single terms at their means, from the kept document of `clipspan effects`: a map of heads by what
 * their absence does, the strongest of them, and every layer and MLP. */
#include "report/document.h"
#include "report/section.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STRONGEST 10
#define SEEN      0.0005 /* a change in accuracy below which a cell shows a dot */

static double change_of(const json_t *e)
{
    return -cs_doc_real(e, "drop");
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
    if (head->role.kind != CLIPSPAN_ROLE_CLEAR) return;
    cs_html_format(html, " <b class=\"chip r%d\">", cs_head_hue(facts, head));
    cs_html_text(html, head->role.category[0]);
    cs_html_put(html, "</b>");
}

/* ---- The map ---- */

static void describe(cs_html *html, const json_t *e, const char *name, int labelled)
{
    cs_html_text(html, name);
    cs_html_format(html, ": %s %s points, margin ", labelled ? "accuracy" : "agreement",
                   cs_figure_points(change_of(e)).text);
    cs_html_format(html, "%s", cs_figure_margin(-cs_doc_real(e, "margin_drop")).text);
}

static void cell(cs_html *html, const cs_report_facts *facts, const json_t *e, double most)
{
    const char *name = cs_doc_text(e, "name");
    const double change = change_of(e), depth = most > 0 ? sqrt(fabs(change) / most) : 0;
    const int labelled = cs_doc_flag(facts->kept.effects, "labelled");
    const int same = !isfinite(change) || fabs(change) < SEEN;
    const clipspan_atlas_head *card = card_of(facts, name);
    cs_html_format(html, "<td><%s class=\"%s\" style=\"--s:%.2f\"", card ? "a" : "b",
                   same         ? "r0"
                   : change < 0 ? "lose"
                                : "gain",
                   isfinite(depth) ? depth : 0);
    if (card) cs_html_format(html, " href=\"#%s\"", cs_head_name(card->head).text);
    cs_html_put(html, " title=\"");
    describe(html, e, name, labelled);
    cs_html_put(html, "\" aria-label=\"");
    describe(html, e, name, labelled);
    if (same)
        cs_html_put(html, "\">\xC2\xB7");
    else
        cs_html_format(html, "\">%s", cs_figure_points(change).text);
    cs_html_put(html, card ? "</a>" : "</b>");
}

/* heads : [L, H] in order, as the document has them. */
static void map(cs_html *html, const cs_report_facts *facts, const json_t *heads)
{
    const size_t L = (size_t)facts->atlas->info.run->layers,
                 H = (size_t)facts->atlas->info.run->heads;
    double most = 0;
    size_t i;
    if (json_array_size(heads) != L * H || H == 0) return;
    for (i = 0; i < L * H; i++) {
        const double size = fabs(change_of(json_array_get(heads, i)));
        if (size > most) most = size;
    }
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"Map of heads by "
                   "effect\"><table class=\"map drops\" style=\"--n:%zu\"><thead><tr><td>",
                   H);
    for (i = 0; i < H; i++)
        cs_html_format(html, "<th scope=col aria-label=\"Head %zu\">%zu", i, i);
    cs_html_put(html, "<tbody>");
    for (size_t row = L; row-- > 0;) {
        cs_html_format(html, "\n<tr><th scope=row>L%zu", row);
        for (i = 0; i < H; i++)
            cell(html, facts, json_array_get(heads, row * H + i), most);
    }
    cs_html_put(html, "</table></div>\n"
                      "<p class=key><span class=step><b class=\"chip lose\">\xE2\x88\x92</b> fewer "
                      "right without the head</span> <span class=step><b class=\"chip gain\">+</b> "
                      "more right without it</span> <span class=step>\xC2\xB7 no change, or under "
                      "0.05 points</span></p>\n");
}

/* ---- Tables ---- */

typedef struct ranked {
    const json_t *row;
    size_t place;
} ranked;

/* The largest drop first, then the largest in margin. */
static int by_drop(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    const double one = cs_doc_real(x->row, "drop"), two = cs_doc_real(y->row, "drop");
    const double first = cs_doc_real(x->row, "margin_drop"),
                 second = cs_doc_real(y->row, "margin_drop");
    if (one != two) return one > two ? -1 : 1;
    if (first != second) return first > second ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static void add_rows(ranked *to, size_t *count, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++, ++*count)
        to[*count] = (ranked){json_array_get(rows, i), *count};
}

static void term_row(cs_html *html, const cs_report_facts *facts, const json_t *e)
{
    cs_html_put(html, "\n<tr><th scope=row>");
    cs_head_link(html, facts, cs_doc_text(e, "name"));
    cs_html_format(html, "<td class=n>%s", cs_figure_points(change_of(e)).text);
    cs_html_format(html, "<td class=n>%s", cs_figure_margin(-cs_doc_real(e, "margin_drop")).text);
    if (cs_doc_count(facts->kept.effects, "groups"))
        cs_html_format(html, "<td class=n>%s",
                       cs_figure_points(-cs_doc_real(e, "worst_drop")).text);
    cs_html_format(html, "<td class=n>%s", cs_figure_percent(cs_doc_real(e, "share")).text);
}

static void term_table(cs_html *html, const cs_report_facts *facts, const ranked *rows,
                       size_t count, const char *what)
{
    const json_t *d = facts->kept.effects;
    cs_html_format(html,
                   "<div class=scroll tabindex=0 role=region aria-label=\"%s alone\"><table "
                   "class=layers><thead><tr><th scope=col>%s alone<th scope=col class=n>%s, points"
                   "<th scope=col class=n>margin",
                   what, what, cs_doc_flag(d, "labelled") ? "Accuracy" : "Agreement");
    if (cs_doc_count(d, "groups")) cs_html_put(html, "<th scope=col class=n>worst group, points");
    cs_html_put(html, "<th scope=col class=n>variance share<tbody>");
    for (size_t i = 0; i < count; i++)
        term_row(html, facts, rows[i].row);
    cs_html_put(html, "</table></div>\n");
}

void cs_terms_alone(cs_html *html, const cs_report_facts *facts)
{
    const json_t *d = facts->kept.effects, *heads = json_object_get(d, "heads"),
                 *layers = json_object_get(d, "layers"), *mlps = json_object_get(d, "mlps");
    const size_t all = json_array_size(heads) + json_array_size(layers) + json_array_size(mlps);
    ranked *rows = cs_alloc(all, sizeof *rows, "a table of heads", html->err);
    size_t count = 0;
    if (!rows) {
        if (html->status == CLIPSPAN_OK) html->status = CLIPSPAN_E_NOMEM;
        return;
    }
    cs_html_format(html,
                   "<h3 class=sub>Every head alone at its mean: change in %s, points</h3>\n"
                   "<div class=halves><div>\n",
                   cs_doc_flag(d, "labelled") ? "accuracy" : "agreement");
    map(html, facts, heads);
    cs_html_put(html, "</div><div>\n");
    add_rows(rows, &count, heads);
    qsort(rows, count, sizeof *rows, by_drop);
    term_table(html, facts, rows, count < STRONGEST ? count : STRONGEST, "Head");
    cs_html_put(html, "</div></div>\n<details><summary>Every layer and MLP alone</summary>");
    count = 0;
    add_rows(rows, &count, layers);
    add_rows(rows, &count, mlps);
    term_table(html, facts, rows, count, "Layer or MLP");
    cs_html_put(html, "</details>\n");
    cs_free(rows);
}
