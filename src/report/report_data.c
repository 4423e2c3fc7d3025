/* SPDX-License-Identifier: MIT */
/* The report's block of data, from which its script searches, shows what the pointer is on, and
 * redraws the map: of every head its numbers and texts. */
#include "report/outcome.h"
#include "report/page.h"

#include <clipspan/run.h>

static void put_unless_unknown(cs_json_writer *json, const char *key, double value)
{
    if (value >= 0) cs_json_put_digits(json, key, value, 3);
}

/* role: the category that is its role or that it leans to; share: of the embedding's variance;
 * explained: of the head's own by texts of its most enriched category; stability: of the first of
 * them. */
static void put_head(cs_json_writer *json, const clipspan_atlas_head *head)
{
    const clipspan_role *role = head->role;
    cs_json_put_row(json, NULL);
    cs_json_put_text(json, "head", cs_head_name(head->head).text);
    cs_json_put_text(json, "outcome", cs_outcome_word(head));
    if (cs_is_claimed(head)) cs_json_put_text(json, "role", role->category[0]);
    cs_json_put_digits(json, "share", head->variance_share->share, 3);
    put_unless_unknown(json, "explained", role->category[0] ? role->explained_variance[0] : -1);
    put_unless_unknown(json, "stability", role->stability);
    cs_json_put_array(json, "texts");
    for (int i = 0; i < head->basis_texts; i++)
        cs_json_put_whole(json, NULL, head->basis_text[i].basis_text->text);
    cs_json_put_end(json);
    cs_json_put_array(json, "shares");
    for (int i = 0; i < head->basis_texts; i++)
        cs_json_put_digits(json, NULL, head->basis_text[i].basis_text->share, 3);
    cs_json_put_end(json);
    cs_json_put_array(json, "near_duplicates");
    for (int i = 0; i < head->basis_texts; i++)
        for (int k = 0; k < head->basis_text[i].basis_text->near_duplicates; k++)
            cs_json_put_whole(json, NULL, head->basis_text[i].basis_text->near_duplicate[k].text);
    cs_json_put_end(json);
    cs_json_put_end(json);
}

void cs_report_data(cs_html *html, const cs_report_facts *facts)
{
    const cs_atlas *atlas = facts->atlas;
    cs_json_writer json;
    cs_page_data_begin(&json, html, "clipspan.page.report.v1");
    cs_json_put_text(&json, "model", facts->model);
    cs_json_put_integer(&json, "layers", atlas->info.run->layers);
    cs_json_put_integer(&json, "heads_per_layer", atlas->info.run->heads);
    cs_json_put_array(&json, "texts");
    for (size_t i = 0; i < atlas->info.texts; i++)
        cs_json_put_text(&json, NULL, atlas->texts[i].text);
    cs_json_put_end(&json);
    cs_json_put_array(&json, "heads");
    for (size_t i = 0; i < atlas->info.heads; i++)
        put_head(&json, &atlas->heads[i]);
    cs_json_put_end(&json);
    cs_page_data_end(&json, html);
}
