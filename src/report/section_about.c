/* SPDX-License-Identifier: MIT */
/* What the words mean, and everything that decides the numbers. */
#include "report/outcome.h"

#include <clipspan/run.h>
#include <string.h>

static void fact(cs_html *html, const char *name, const char *value)
{
    cs_html_format(html, "<tr><th scope=row>%s<td>", name);
    cs_html_place(html, value);
    cs_html_put(html, "\n");
}

/* A path that was asked for. */
static void whole(cs_html *html, const char *name, const char *path)
{
    cs_html_format(html, "<tr><th scope=row>%s<td>", name);
    cs_html_name(html, path);
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

static void words(cs_html *html, const clipspan_atlas_info *info)
{
    cs_html_put(
        html,
        "<dl><dt>Share of the embedding\xE2\x80\x99s variance<dd>Over the images, the covariance "
        "of "
        "a component\xE2\x80\x99s contribution with the embedding, over the variance of the "
        "embedding. Shares add up to 100\xC2\xA0%; effects through later layers are not "
        "counted.\n"
        "<dt>Share<dd>The fraction of a head\xE2\x80\x99s variance that leaves with a basis "
        "text, after the basis texts above it.\n"
        "<dt>Basis text<dd>A text whose direction the head\xE2\x80\x99s output spreads along "
        "most, over the images. It is a direction, not a caption: images at its ends differ along "
        "it, whatever else they show.\n"
        "<dt>Enriched<dd>At every basis text its share is divided over the texts with the largest "
        "remaining variance; a category is as enriched as its texts get more than their part of "
        "the pool.\n");
    cs_html_format(
        html,
        "<dt>Stands out (<i>q</i>)<dd>The most enriched category is more so than in random "
        "rotations of the head, which keep its spectrum and lose its meaning, and than with the "
        "categories dealt anew. <i>q</i> is the false discovery rate at which it would be claimed, "
        "over all heads looked at (Benjamini and Hochberg); here it must be at most %s.\n",
        cs_outcome_bound(info->fdr).text);
    cs_html_format(
        html,
        "<dt>Role<dd>A category stands out, at least %.1f times as enriched as the next; its texts "
        "explain %s of the head\xE2\x80\x99s variance or more, ",
        CLIPSPAN_ROLE_LEAD, cs_outcome_bound(CLIPSPAN_ROLE_EXPLAINED).text);
    cs_html_format(
        html,
        "more than those of every control pool; and its first text is selected in %s of resamples "
        "or more. It says along what the head\xE2\x80\x99s output lies, not what alone varies in "
        "the images.\n"
        "<dt>Leaning<dd>A category stands out, and one of the other conditions fails.\n"
        "<dt>Ambiguous<dd>A category stands out, and another is nearly as enriched.\n"
        "<dt>None<dd>No category stands out.\n"
        "<dt>Too few images<dd>Nothing was tested: that takes %d images or more.\n",
        cs_outcome_bound(CLIPSPAN_ROLE_RETURNS).text, CLIPSPAN_ROLE_IMAGES);
    cs_html_put(
        html,
        "<dt>Control texts<dd>Texts of random words, as many as the pool has and as long. Control "
        "is what they explain on average over the control pools; pools as good, how many of these "
        "explain as much as the category\xE2\x80\x99s texts.\n</dl>\n");
}

void cs_section_about(cs_html *html, const cs_report_facts *facts)
{
    const clipspan_atlas_info *info = &facts->atlas->info;
    const clipspan_run_info *run = info->run;
    size_t i;
    cs_html_put(html, "<section id=about><h2>Terms and settings</h2>\n");
    words(html, info);
    cs_html_put(html, "<div class=scroll tabindex=0 role=region aria-label=\"Settings\">"
                      "<table class=facts><tbody>\n");
    fact(html, "Model", facts->model);
    if (facts->places.whole) {
        whole(html, "Its path", run->model_name);
        whole(html, "Run", run->path);
    }
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
    count(html, "Listed more than once", run->duplicates);
    fact(html, "Coefficients", coefficients_name(run->coefficients));
    fact(html, "Text pool", info->pool);
    fact(html, "SHA-256 of the text pool", info->pool_hash);
    count(html, "Texts", info->pool_texts);
    count(html, "Categories", info->pool_categories);
    count(html, "Control texts", info->control_texts);
    count(html, "Control pools", (uint64_t)info->control_pools);
    count(html, "Random rotations a head", (uint64_t)info->rotations);
    count(html, "Different basis texts", info->distinct);
    count(html, "Basis texts per head, at most", (uint64_t)info->basis_texts);
    if (info->rank) count(html, "Directions kept, at most", (uint64_t)info->rank);
    count(html, "Resamples", (uint64_t)info->resamples);
    count(html, "Blocks they draw from", run->blocks);
    cs_html_format(html, "<tr><th scope=row>Seed<td>%llu\n", (unsigned long long)info->seed);
    fact(html, "clipspan", run->version);
    cs_html_put(html, "</table></div></section>\n");
}
