/* SPDX-License-Identifier: MIT */
/* The first thing on the page: what was run, in a sentence, and what was found, in three: the role
 * that matters most, how many there are and how many of them are expected to be false, and what the
 * largest layer holds. Only roles count; leanings are said apart. */
#include "base/number_text.h"
#include "report/outcome.h"

#include <clipspan/run.h>
#include <string.h>

#define LAST_LAYERS 4
#define ROLES_SAID  6 /* categories that are counted by name */

/* Of the heads with a role, and an effect worth speaking of, the one that matters most. */
static const clipspan_atlas_head *foremost(const cs_atlas *atlas)
{
    const clipspan_atlas_head *best = NULL;
    size_t i;
    for (i = 0; i < atlas->info.heads; i++)
        if (cs_has_role(&atlas->heads[i]) && !atlas->heads[i].minor &&
            (!best || atlas->heads[i].weight > best->weight))
            best = &atlas->heads[i];
    return best;
}

static void say_run(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    cs_html_put(html, "<p class=lead>The embeddings of ");
    cs_html_format(html, "%s, decomposed into the contributions of the ",
                   cs_number_of(info->run->used, "image").text);
    cs_html_format(
        html, "%s of ",
        cs_number_of((uint64_t)info->run->layers * (uint64_t)info->run->heads, "attention head")
            .text);
    cs_html_name(html, facts->model);
    cs_html_format(html,
                   " (%s of %d); for each head, the texts of a pool of %s that explain most "
                   "of its variance.</p>",
                   cs_number_of((uint64_t)info->run->layers, "layer").text, info->run->heads,
                   cs_figure_count(info->pool_texts).text);
    if (!facts->note) return;
    cs_html_put(html, "<p>");
    cs_html_place(html, facts->note);
    cs_html_put(html, "</p>");
}

/* What there is instead of a role. */
static void say_no_head(cs_html *html, const clipspan_atlas_info *info)
{
    cs_html_put(html, "<li>");
    if (!info->pool_categories)
        cs_html_put(html, "The text pool has no categories: heads have basis texts, but no roles.");
    else if (info->too_few)
        cs_outcome_say_few(html, info);
    else if (info->role)
        cs_html_format(html,
                       "Only heads of little effect have a role: each contributes under %s of the "
                       "embedding\xE2\x80\x99s variance.",
                       cs_outcome_bound(CLIPSPAN_MINOR_SHARE).text);
    else
        cs_html_format(html,
                       "No head has a role: in none does one category stand out from random "
                       "rotations of the head, with texts that explain %s of its variance or more "
                       "and more than control texts do.",
                       cs_outcome_bound(CLIPSPAN_ROLE_EXPLAINED).text);
    cs_outcome_say_resolution(html, info);
    cs_html_put(html, "</li>");
}

static void say_head(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_head *head = foremost(facts->atlas);
    const clipspan_role *role;
    if (!head) {
        say_no_head(html, &facts->atlas->info);
        return;
    }
    role = head->role;
    cs_html_format(html, "<li>Head <a href=\"#%s\">%s</a> has the role ",
                   cs_head_name(head->head).text, cs_head_name(head->head).text);
    cs_html_format(html, "<b class=\"chip r%d\">", cs_head_hue(facts, head));
    cs_html_name(html, role->category[0]);
    cs_html_format(html, "</b>: %s of its variance lies along ",
                   cs_figure_percent(role->explained_variance[0]).text);
    cs_html_name(html, role->category[0]);
    cs_html_put(html, " texts");
    if (role->control_pools)
        cs_html_format(html, ", %s along as many control texts",
                       cs_figure_percent(role->control_variance).text);
    cs_html_format(html, ". It contributes %s of the embedding\xE2\x80\x99s variance.</li>",
                   cs_figure_percent(head->variance_share->share).text);
}

/* The most frequent category that is not among the `said` first of `before`; the palette's count
 * when there is none. heads : [palette->count] */
static size_t next_category(const cs_palette *palette, const int *heads, const size_t *before,
                            size_t said)
{
    size_t best = palette->count, k, i;
    for (k = 0; k < palette->count; k++) {
        for (i = 0; i < said && before[i] != k; i++)
            ;
        if (i < said || !heads[k]) continue;
        if (best == palette->count || heads[k] > heads[best]) best = k;
    }
    return best;
}

/* " (colour 6, shape 5, place 3, others 4)" of `left` heads. */
static void say_categories(cs_html *html, const cs_palette *palette, const int *heads, int left)
{
    size_t said[ROLES_SAID], count;
    for (count = 0; count < ROLES_SAID; count++) {
        const size_t k = next_category(palette, heads, said, count);
        if (k == palette->count) break;
        cs_html_put(html, count ? ", " : " (");
        cs_html_name(html, palette->looks[k].category);
        cs_html_format(html, "\xC2\xA0%d", heads[k]);
        left -= heads[k];
        said[count] = k;
    }
    if (left && count) cs_html_format(html, ", others\xC2\xA0%d", left);
    if (count) cs_html_put(html, ")");
}

/* Leanings of some heads to what control texts explain as well. */
static int count_below(const clipspan_atlas_head *heads, size_t count)
{
    int below = 0;
    size_t i;
    for (i = 0; i < count; i++)
        below += cs_is_below_control(&heads[i]);
    return below;
}

static void say_below(cs_html *html, int below, int leaning)
{
    if (!below) return;
    cs_html_put(html, ", ");
    if (below < leaning) cs_html_format(html, "%d of them ", below);
    cs_html_put(html, "explained no better than by control texts");
}

/* "; 4 lean to a category; 1 is ambiguous; in 8 no category stands out" */
static void say_others(cs_html *html, int leaning, int below, int ambiguous, int none)
{
    if (leaning) {
        cs_html_format(html, "; %d lean%s to a category", leaning, leaning == 1 ? "s" : "");
        say_below(html, below, leaning);
    }
    if (ambiguous)
        cs_html_format(html, "; %d %s ambiguous", ambiguous, ambiguous == 1 ? "is" : "are");
    if (none) cs_html_format(html, "; in %d no category stands out", none);
}

/* Roles and what else there is, or leanings where there is no role. */
static void say_counts(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    const int count = info->role ? info->role : info->leaning;
    const int below = count_below(facts->atlas->heads, info->heads);
    if (!info->pool_categories || info->too_few || (!count && !info->ambiguous)) return;
    cs_html_format(html, "<li>%d of %s ", count, cs_number_of(info->heads, "head").text);
    if (info->role)
        cs_html_put(html, count == 1 ? "has a role" : "have a role");
    else
        cs_html_put(html, count == 1 ? "leans to a category" : "lean to a category");
    say_categories(html, facts->palette, info->role ? facts->claimed : facts->leaning, count);
    if (count)
        cs_html_format(html, ", together %s of the embedding\xE2\x80\x99s variance",
                       cs_figure_percent(info->role ? info->role_share : info->leaning_share).text);
    if (!info->role) say_below(html, below, info->leaning);
    say_others(html, info->role ? info->leaning : 0, below, info->ambiguous, info->none);
    if (info->removed)
        cs_html_format(html, "; %d %s pruned", info->removed, info->removed == 1 ? "was" : "were");
    cs_html_put(html, ". ");
    cs_outcome_say_false(html, info);
    cs_html_put(html, "</li>");
}

/* The layer of those looked at whose heads contribute most: its first head. */
static const clipspan_atlas_head *find_largest_layer(double *share, const cs_atlas *atlas)
{
    const size_t H = (size_t)atlas->info.run->heads;
    const clipspan_atlas_head *largest = NULL;
    size_t i, h;
    *share = 0;
    for (i = 0; H && i + H <= atlas->info.heads; i += H) {
        double sum = 0;
        for (h = 0; h < H; h++)
            sum += atlas->heads[i + h].variance_share->share;
        if (largest && sum <= *share) continue;
        largest = &atlas->heads[i];
        *share = sum;
    }
    return largest;
}

/* What the largest layer holds, so that dots in its row are not without a word. */
static void say_largest_layer(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    const int H = info->run->heads;
    int role = 0, leaning = 0, ambiguous = 0, none = 0, h;
    double share;
    const clipspan_atlas_head *first = find_largest_layer(&share, facts->atlas);
    if (!first || info->run->layers < 2) return;
    cs_html_format(html, " Most lies in layer L%d, whose %d heads hold %s", first->head.layer, H,
                   cs_figure_percent(share).text);
    for (h = 0; h < H; h++) {
        if (first[h].removed) continue;
        role += first[h].role->outcome == CLIPSPAN_OUTCOME_ROLE;
        leaning += first[h].role->outcome == CLIPSPAN_OUTCOME_LEANING;
        ambiguous += first[h].role->outcome == CLIPSPAN_OUTCOME_AMBIGUOUS;
        none += first[h].role->outcome == CLIPSPAN_OUTCOME_NONE;
    }
    if (info->pool_categories && !info->too_few) {
        if (role)
            cs_html_format(html, ": %d %s a role", role, role == 1 ? "has" : "have");
        else
            cs_html_put(html, ": none has a role");
        say_others(html, leaning, count_below(first, (size_t)H), ambiguous, none);
    }
    cs_html_put(html, ".");
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
    cs_html_format(html, "the embedding, all MLPs for %s.", cs_figure_percent(mlps).text);
    say_largest_layer(html, facts);
    cs_html_put(html, "</li>");
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
    cs_html_format(html,
                   "<p class=note>How far to trust roles: the first %s of a head explain%s %s "
                   "of its variance, as many control texts ",
                   cs_number_of((uint64_t)entering, "basis text").text, entering == 1 ? "s" : "",
                   cs_figure_percent(named / variance).text);
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
