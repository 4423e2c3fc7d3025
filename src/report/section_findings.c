/* SPDX-License-Identifier: MIT */
/* The first thing on the page: what was run, in a sentence, and what was found, in three. */
#include "report/section.h"

#include <string.h>

#define LAST_LAYERS 4
#define ROLES_SAID  6 /* categories that are counted by name */

/* Of the heads with a clear role, the one where a role and its say in the embedding are largest;
 * one that control texts name as well only when there is no other. */
static const clipspan_atlas_head *foremost(const cs_atlas *atlas)
{
    const clipspan_atlas_head *best = NULL;
    double most = -1;
    size_t i;
    for (i = 0; i < atlas->info.heads; i++) {
        const clipspan_atlas_head *head = &atlas->heads[i];
        const double effect = head->variance_share->share > 0 ? head->variance_share->share : 0;
        const double weight = head->role->explained_variance[0] * effect + !cs_head_doubtful(head);
        if (head->role->outcome != CLIPSPAN_OUTCOME_ROLE || weight <= most) continue;
        most = weight;
        best = head;
    }
    return best;
}

static void say_run(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    cs_html_put(html, "<p class=lead>The embeddings of ");
    cs_html_format(html, "%s image%s, decomposed into the contributions of the ",
                   cs_figure_count(info->run->used).text, info->run->used == 1 ? "" : "s");
    cs_html_format(html, "%s attention heads of ",
                   cs_figure_count((uint64_t)info->run->layers * (uint64_t)info->run->heads).text);
    cs_html_name(html, facts->model);
    cs_html_format(html,
                   " (%d layers of %d); for each head, the texts of a pool of %s that explain most "
                   "of its variance.</p>",
                   info->run->layers, info->run->heads, cs_figure_count(info->pool_texts).text);
    if (!facts->note) return;
    cs_html_put(html, "<p>");
    cs_html_place(html, facts->note);
    cs_html_put(html, "</p>");
}

static void say_head(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_head *head = foremost(facts->atlas);
    const clipspan_role *role;
    if (!head) {
        cs_html_put(html, "<li>No head has a clear role: in none does one category of texts stand "
                          "out from the next, from chance and from resampling.</li>");
        return;
    }
    role = head->role;
    cs_html_format(html, "<li>Head <a href=\"#%s\">%s</a> has the role ",
                   cs_head_name(head->head).text, cs_head_name(head->head).text);
    cs_html_format(html, "<b class=\"chip r%d\">", cs_head_hue(facts, head));
    cs_html_text(html, role->category[0]);
    cs_html_format(html, "</b>: %s of its variance lies along ",
                   cs_figure_percent(role->explained_variance[0]).text);
    cs_html_name(html, role->category[0]);
    cs_html_put(html, " texts, ");
    if (role->stability < 0)
        cs_html_put(html, "and there were too few images to test how stable that is.</li>");
    else
        cs_html_format(html, "stable in %s of resamples.</li>",
                       cs_figure_percent(role->stability).text);
}

/* The most frequent role that is not among the `said` first of `before`; the palette's count when
 * there is none. */
static size_t next_role(const cs_report_facts *facts, const size_t *before, size_t said)
{
    size_t best = facts->palette->count, k, i;
    for (k = 0; k < facts->palette->count; k++) {
        for (i = 0; i < said && before[i] != k; i++)
            ;
        if (i < said || !facts->claimed[k]) continue;
        if (best == facts->palette->count || facts->claimed[k] > facts->claimed[best]) best = k;
    }
    return best;
}

/* " (colour 6, shape 5, place 3, others 4)" */
static void say_roles(cs_html *html, const cs_report_facts *facts)
{
    size_t said[ROLES_SAID], count;
    int left = facts->atlas->info.role;
    for (count = 0; count < ROLES_SAID; count++) {
        const size_t k = next_role(facts, said, count);
        if (k == facts->palette->count) break;
        cs_html_put(html, count ? ", " : " (");
        cs_html_name(html, facts->palette->looks[k].category);
        cs_html_format(html, "\xC2\xA0%d", facts->claimed[k]);
        left -= facts->claimed[k];
        said[count] = k;
    }
    if (left && count) cs_html_format(html, ", others\xC2\xA0%d", left);
    if (count) cs_html_put(html, ")");
}

static void say_counts(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    cs_html_format(html, "<li>%d of %zu heads %s a clear role", info->role, info->heads,
                   info->role == 1 ? "has" : "have");
    say_roles(html, facts);
    if (info->ambiguous)
        cs_html_format(html, "; %d %s mixed", info->ambiguous, info->ambiguous == 1 ? "is" : "are");
    if (info->none)
        cs_html_format(html, "; %d %s none", info->none, info->none == 1 ? "has" : "have");
    if (info->removed)
        cs_html_format(html, "; %d %s removed from the model", info->removed,
                       info->removed == 1 ? "was" : "were");
    cs_html_put(html, ".</li>");
}

static void say_layers(cs_html *html, const cs_report_facts *facts)
{
    const cs_atlas *atlas = facts->atlas;
    const int L = atlas->info.run->layers, few = L < LAST_LAYERS ? L : LAST_LAYERS;
    double attention = 0, mlps = 0;
    int l;
    for (l = 0; l < L; l++) {
        if (l >= L - few) attention += atlas->layers[l].attention->share;
        mlps += atlas->layers[l].mlp->share;
    }
    cs_html_put(html, "<li>Attention ");
    if (few < L) cs_html_format(html, "in the last %d layers ", few);
    cs_html_format(html, "accounts for %s of what varies in ", cs_figure_percent(attention).text);
    cs_html_format(html, "the embedding, all MLPs for %s.</li>", cs_figure_percent(mlps).text);
}

/* What speaks against taking names at their word: how much more of what heads vary the texts that
 * decide roles name than as many control texts, over all heads by their variance. */
static void say_caution(cs_html *html, const cs_report_facts *facts)
{
    const cs_atlas *atlas = facts->atlas;
    double variance = 0, named = 0, control_named = 0;
    int entering = 0;
    size_t i;
    for (i = 0; i < atlas->info.heads; i++) {
        const clipspan_atlas_head *head = &atlas->heads[i];
        if (head->role->control_named < 0) return;
        variance += head->variance;
        named += head->variance * head->role->named;
        control_named += head->variance * head->role->control_named;
        if (head->role->entering > entering) entering = head->role->entering;
    }
    if (!(variance > 0)) return;
    cs_html_format(
        html,
        "<p class=note>How far to trust roles: the first %d basis texts of a head explain %s "
        "of its variance, as many control texts ",
        entering, cs_figure_percent(named / variance).text);
    cs_html_format(html, "%s. Only what exceeds that is evidence.</p>",
                   cs_figure_percent(control_named / variance).text);
}

void cs_section_findings(cs_html *html, const cs_report_facts *facts)
{
    cs_html_put(html, "<div class=top>\n<header><h1>What the attention heads of ");
    cs_html_name(html, facts->model);
    cs_html_put(html, " represent</h1>\n");
    say_run(html, facts);
    cs_html_put(html, "\n<ol class=found>");
    say_head(html, facts);
    say_counts(html, facts);
    say_layers(html, facts);
    cs_finding_effects(html, facts);
    cs_finding_shortcut(html, facts);
    cs_html_put(html, "</ol>\n");
    if (facts->kept.stale)
        cs_html_put(html, "<p class=note>Effects, ablations or shortcuts that the run keeps were "
                          "computed by another version or from other images than it holds now, "
                          "and are not shown. Compute them again with clipspan effects, ablate or "
                          "shortcut.</p>\n");
    say_caution(html, facts);
    cs_html_put(html, "</header>\n");
}
