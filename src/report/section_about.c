/* SPDX-License-Identifier: MIT */
/* What the words mean, and everything that decides the numbers. */
#include "report/section.h"

#include <string.h>

static void fact(cs_html *html, const char *name, const char *value)
{
    cs_html_format(html, "<tr><th scope=row>%s<td>", name);
    cs_html_place(html, value);
    cs_html_put(html, "\n");
}

static void count(cs_html *html, const char *name, uint64_t value)
{
    fact(html, name, cs_figure_count(value).text);
}

static const char *coefficients_name(clipspan_coefficients coefficients)
{
    return coefficients == CLIPSPAN_COEFFICIENTS_F32   ? "float32"
           : coefficients == CLIPSPAN_COEFFICIENTS_F16 ? "float16, within 2^-11 of each number"
                                                       : "not kept";
}

static void words(cs_html *html)
{
    cs_html_put(
        html,
        "<dl><dt>Direct effect<dd>The share of the embedding\xE2\x80\x99s variance over the "
        "images "
        "that a part adds by itself: the covariance of what it writes with the embedding. What "
        "later layers make of it is not counted.\n"
        "<dt>Share of variance<dd>How much less a head\xE2\x80\x99s output varies once its part "
        "along "
        "a text is taken out, over its variance before the first.\n"
        "<dt>Clear role<dd>The first texts of one category hold at least 1.5 times the share of "
        "the "
        "next category\xE2\x80\x99s; more than the largest of any category in 95 of 100 "
        "relabellings "
        "of the texts; and its first text is chosen again in at least half of the resamples.\n"
        "<dt>Mixed<dd>Two categories are stronger than chance, and neither is claimed.\n"
        "<dt>Purity<dd>The category\xE2\x80\x99s share over that of all categories, in the texts "
        "that decide the role.\n"
        "<dt>Control texts<dd>The same search with control texts of the same lengths: what any "
        "texts would name.\n</dl>\n");
}

void cs_section_about(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    const clipspan_run_info *run = info->run;
    size_t i;
    cs_html_put(html, "<section id=about><h2>Words and circumstances</h2>\n");
    words(html);
    cs_html_put(html, "<div class=scroll tabindex=0 role=region aria-label=\"Circumstances\">"
                      "<table class=facts><tbody>\n");
    fact(html, "Model", facts->model);
    fact(html, "SHA-256 of its weights", run->model_hash);
    fact(html, "Activation", info->activation);
    fact(html, "Preprocessing", info->preprocess);
    fact(html, "Precision", run->precision == CLIPSPAN_BF16 ? "bf16" : "float32");
    fact(html, "Kernels", run->cpu_level);
    fact(html, "Matrix product", run->product);
    count(html, "Images used", run->used);
    for (i = 0; i < info->count_kinds; i++) {
        if (strcmp(info->counts[i].status, "ok") == 0) continue;
        cs_html_put(html, "<tr><th scope=row>Images \xE2\x80\x9C");
        cs_html_text(html, info->counts[i].status);
        cs_html_format(html, "\xE2\x80\x9D<td>%s\n", cs_figure_count(info->counts[i].images).text);
    }
    count(html, "Named more than once", run->duplicates);
    fact(html, "Coefficients", coefficients_name(run->coefficients));
    fact(html, "Pool of texts", info->pool);
    fact(html, "SHA-256 of the pool", info->pool_hash);
    count(html, "Texts", info->pool_texts);
    count(html, "Categories", info->pool_categories);
    count(html, "Control texts", info->control_texts);
    count(html, "Basis texts of some head", info->distinct);
    count(html, "Basis texts a head, at most", (uint64_t)info->basis_texts);
    if (info->rank) count(html, "Directions kept, at most", (uint64_t)info->rank);
    count(html, "Resamples", (uint64_t)info->resamples);
    count(html, "Blocks they draw from", run->blocks);
    cs_html_format(html, "<tr><th scope=row>Seed<td>%llu\n", (unsigned long long)info->seed);
    fact(html, "clipspan", run->version);
    cs_html_put(html, "</table></div></section>\n");
}
