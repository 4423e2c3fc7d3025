/* SPDX-License-Identifier: MIT */
/* The data of remedies: room, names, what points where. */
#include "study/remedy.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

clipspan_status cs_remedy_new(cs_remedy **out, const clipspan_evaluation_info *facts, size_t pairs,
                              clipspan_error *err)
{
    cs_remedy *r = cs_alloc_zero(1, sizeof *r, "remedies", err);
    clipspan_status status;
    *out = NULL;
    if (!r) return CLIPSPAN_E_NOMEM;
    status = cs_facts_copy(&r->facts, facts, err);
    if (status == CLIPSPAN_OK) {
        r->pairs = cs_alloc_zero(pairs, sizeof *r->pairs, "pairs of classes", err);
        if (!r->pairs) status = CLIPSPAN_E_NOMEM;
    }
    r->info.evaluation = &r->facts.info;
    r->info.cue = &r->cue;
    if (r->pairs) r->info.pairs = pairs;
    if (status == CLIPSPAN_OK)
        *out = r;
    else
        cs_remedy_free(&r);
    return status;
}

static void free_pair(cs_remedy_pair *p)
{
    for (size_t i = 0; i < CS_REMEDY_ROWS; i++)
        cs_free(p->rows[i].groups);
    cs_random_sets_fini(&p->random);
    cs_free(p->sides);
    cs_free(p->heads);
    cs_free(p->candidates);
    cs_free(p->predicted);
    cs_free(p->changes);
    cs_free(p->vectors);
}

void cs_remedy_free(cs_remedy **remedy)
{
    cs_remedy *r = *remedy;
    if (!r) return;
    for (size_t i = 0; r->pairs && i < r->info.pairs; i++)
        free_pair(&r->pairs[i]);
    cs_free(r->pairs);
    cs_free(r->found);
    cs_facts_fini(&r->facts);
    cs_free(r);
    *remedy = NULL;
}

clipspan_status cs_remedy_cue(cs_remedy *r, const clipspan_cues_info *cue,
                              const clipspan_found_cue *found, clipspan_error *err)
{
    const size_t count = cue->found ? cue->count : 0;
    r->cue.found = cue->found;
    CS_TRY(cs_facts_keep(&r->cue.words, &r->facts, cue->words, err));
    CS_TRY(cs_facts_keep(&r->cue.pool, &r->facts, cue->pool, err));
    CS_TRY(cs_facts_keep(&r->cue.names_class, &r->facts, cue->names_class, err));
    r->found = cs_alloc_zero(count, sizeof *r->found, "cues", err);
    if (!r->found) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        r->found[i].strength = found[i].strength;
        CS_TRY(cs_facts_keep(&r->found[i].text, &r->facts, found[i].text, err));
        CS_TRY(cs_facts_keep(&r->found[i].category, &r->facts, found[i].category, err));
        CS_TRY(cs_facts_keep(&r->found[i].names_class, &r->facts, found[i].names_class, err));
    }
    r->cue.count = count;
    return CLIPSPAN_OK;
}

clipspan_status cs_remedy_pair_room(cs_remedy *r, cs_remedy_pair *p, clipspan_error *err)
{
    const size_t groups = r->facts.info.groups;
    p->pair.class_a = r->facts.class_names[p->a];
    p->pair.against_rest = p->b == CLIPSPAN_THE_REST;
    p->pair.class_b = p->pair.against_rest ? "the rest" : r->facts.class_names[p->b];
    p->heads = cs_alloc_zero(p->pair.heads, sizeof *p->heads, "heads", err);
    p->candidates = cs_alloc_zero(p->pair.candidates, sizeof *p->candidates, "candidates", err);
    p->sides = cs_alloc_zero(p->pair.sides, sizeof *p->sides, "side effects", err);
    if (!p->heads || !p->candidates || !p->sides) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < CS_REMEDY_ROWS; i++) {
        p->rows[i].groups = cs_alloc_zero(groups, sizeof *p->rows[i].groups, "groups", err);
        if (!p->rows[i].groups) return CLIPSPAN_E_NOMEM;
        p->rows[i].worst.group = p->rows[i].worst.group_after = -1;
    }
    for (size_t k = 0; k < CS_REMEDY_FORECAST; k++) {
        p->forecast[k].predicted = k / 2 ? p->pair.class_b : p->pair.class_a;
        p->forecast[k].first_side = k % 2;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_remedy_change_room(cs_remedy_pair *p, size_t count, size_t P,
                                      clipspan_error *err)
{
    p->changes = cs_alloc_zero(count, sizeof *p->changes, "changes of weights", err);
    p->vectors = cs_alloc_zero(1 + count, P * sizeof *p->vectors, "changes of weights", err);
    if (!p->changes || !p->vectors) return CLIPSPAN_E_NOMEM;
    p->change_count = count;
    p->width = P;
    for (size_t i = 0; i < count; i++) {
        p->changes[i].cue = p->vectors;
        p->changes[i].gain = p->vectors + (1 + i) * P;
    }
    return CLIPSPAN_OK;
}

cs_remedy_row *cs_remedy_add_row(cs_remedy_pair *p, clipspan_remedy_role role)
{
    cs_remedy_row *row = &p->rows[p->pair.rows++];
    row->row.role = role;
    row->row.name = cs_remedy_role_name(role);
    row->row.correlation = (double)NAN;
    return row;
}

void cs_remedy_finish_pair(cs_remedy_pair *p, size_t groups)
{
    for (size_t i = 0; i < p->pair.rows; i++) {
        cs_remedy_row *r = &p->rows[i];
        r->row.overall = cs_comparison_show(&r->overall);
        if (r->worst.group >= 0) r->row.worst = cs_comparison_show(&r->worst);
        for (size_t g = 0; g < groups; g++)
            cs_comparison_show(&r->groups[g]);
    }
}

const char *cs_remedy_role_name(clipspan_remedy_role role)
{
    static const char *const names[CS_REMEDY_ROWS] = {"nothing",
                                                      "chosen",
                                                      "ablation",
                                                      "cue surgery",
                                                      "cue surgery, all heads",
                                                      "baseline: text projection",
                                                      "baseline: whole embedding",
                                                      "best in hindsight"};
    return names[role];
}

const char *cs_remedy_kind_name(clipspan_remedy_kind kind)
{
    static const char *const names[] = {"nothing", "ablate", "cue_surgery", "text_projection",
                                        "whole_embedding"};
    return names[kind];
}
