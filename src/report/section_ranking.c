/* SPDX-License-Identifier: MIT */
/* The heads that matter most, by share of the embedding's variance times how far their category's
 * texts explain them above control texts: outcome, evidence and test of each in a row. */
#include "report/outcome.h"

#include "base/memory.h"

#include <stdlib.h>

#define FIRST 12 /* rows that are not folded away */

static int by_weight(const void *a, const void *b)
{
    const clipspan_atlas_head *x = *(const clipspan_atlas_head *const *)a,
                              *y = *(const clipspan_atlas_head *const *)b;
    if (x->weight != y->weight) return x->weight > y->weight ? -1 : 1;
    if (x->variance_share->share != y->variance_share->share)
        return x->variance_share->share > y->variance_share->share ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void row(cs_html *html, const cs_report_facts *facts, const clipspan_atlas_head *head)
{
    const clipspan_role *role = head->role;
    cs_html_format(html, "\n<tr><th scope=row><a href=\"#%s\">%s</a><td class=n>%s<td>",
                   cs_head_name(head->head).text, cs_head_name(head->head).text,
                   cs_figure_percent(head->variance_share->share).text);
    if (cs_is_claimed(head)) {
        cs_html_format(html, "<b class=\"chip r%d%s\">", cs_head_hue(facts, head),
                       cs_has_role(head) ? "" : " pale");
        cs_html_name(html, role->category[0]);
        cs_html_put(html, "</b>");
    } else if (role->category[0]) {
        cs_html_name(html, role->category[0]);
    }
    cs_html_format(html, "<td>%s<td class=n>", cs_outcome_word(head));
    if (role->category[0]) cs_html_put(html, cs_figure_percent(role->explained_variance[0]).text);
    cs_html_put(html, "<td class=n>");
    if (role->control_pools) {
        cs_html_put(html, cs_figure_percent(role->control_variance).text);
        cs_html_format(html, "<td class=n>%d of %d", role->control_above, role->control_pools);
    } else {
        cs_html_put(html, "<td class=n>");
    }
    cs_html_put(html, "<td class=n>");
    if (role->q >= 0) cs_html_put(html, cs_figure_real(role->q).text);
}

static void rows(cs_html *html, const cs_report_facts *facts,
                 const clipspan_atlas_head *const *heads, size_t count)
{
    size_t i;
    cs_html_put(html, "<div class=scroll tabindex=0 role=region aria-label=\"Heads by weight\">"
                      "<table class=\"layers ranking\"><thead><tr><th scope=col>Head"
                      "<th scope=col class=n>Variance<th scope=col>Category<th scope=col>Outcome"
                      "<th scope=col class=n>Explained<th scope=col class=n>Control"
                      "<th scope=col class=n>Pools as good<th scope=col class=n><i>q</i><tbody>");
    for (i = 0; i < count; i++)
        row(html, facts, heads[i]);
    cs_html_put(html, "</table></div>\n");
}

void cs_section_ranking(cs_html *html, const cs_report_facts *facts)
{
    const cs_atlas *atlas = facts->atlas;
    const clipspan_atlas_head **heads =
        cs_alloc(atlas->info.heads, sizeof *heads, "a ranking of heads", html->err);
    size_t count = 0, i;
    if (!heads) {
        if (html->status == CLIPSPAN_OK) html->status = CLIPSPAN_E_NOMEM;
        return;
    }
    for (i = 0; i < atlas->info.heads; i++)
        if (!atlas->heads[i].minor && !atlas->heads[i].removed) heads[count++] = &atlas->heads[i];
    if (count && atlas->info.pool_categories) {
        qsort(heads, count, sizeof *heads, by_weight);
        cs_html_put(html,
                    "<section id=ranking><h2>Heads that matter most</h2>\n<p>Ordered by share of "
                    "the embedding\xE2\x80\x99s variance times how far the texts of the "
                    "head\xE2\x80\x99s most enriched category explain it above control texts. "
                    "Terms are explained <a href=\"#about\">at the end</a>.</p>\n");
        rows(html, facts, heads, count < FIRST ? count : FIRST);
        if (count > FIRST) {
            cs_html_format(html, "<details><summary>%zu more</summary>\n", count - FIRST);
            rows(html, facts, heads + FIRST, count - FIRST);
            cs_html_put(html, "</details>\n");
        }
        cs_html_put(html, "</section>\n");
    }
    cs_free(heads);
}
