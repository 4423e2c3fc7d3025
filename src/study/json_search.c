/* SPDX-License-Identifier: MIT */
/* Hits as JSON. */
#include "study/study_json.h"

static void put_groups(cs_json_writer *json, const cs_hits *hits)
{
    size_t g;
    cs_json_put_array(json, "groups");
    for (g = 0; g < hits->info.groups; g++) {
        cs_json_put_row(json, NULL);
        cs_json_put_text(json, "name", hits->groups[g].name);
        cs_json_put_digits(json, "weight", hits->groups[g].weight, CS_STUDY_DIGITS);
        cs_json_put_whole(json, "heads", hits->groups[g].head_count);
        if (hits->groups[g].pool) cs_json_put_text(json, "pool", hits->groups[g].pool);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
}

void cs_json_put_hits(cs_json_writer *json, const cs_hits *hits)
{
    size_t i;
    cs_json_put_text(json, "run", hits->info.run);
    cs_json_put_text(json, "query", hits->info.query);
    cs_json_put_whole(json, "images", hits->info.images);
    put_groups(json, hits);
    cs_json_put_array(json, "hits");
    for (i = 0; i < hits->info.hits; i++) {
        const clipspan_hits_row *row = &hits->rows[i];
        cs_json_put_row(json, NULL);
        cs_json_put_text(json, "path", row->path);
        cs_json_put_text(json, "label", row->label);
        cs_json_put_digits(json, "score", row->score, CS_STUDY_DIGITS);
        cs_json_put_text(json, "why", row->why);
        cs_json_put_end(json);
    }
    cs_json_put_end(json);
}
