/* SPDX-License-Identifier: MIT */
/* clipspan.shortcut.v1, written. */
#include "study/json_random.h"
#include "study/study_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct out {
    cs_json_writer *json;
    const cs_remedy *remedy;
} out;

static void put_real(const out *o, const char *key, double value)
{
    cs_json_put_digits(o->json, key, value, CS_JSON_DIGITS);
}

static void put_head(const out *o, const char *key, clipspan_head head)
{
    char name[32];
    snprintf(name, sizeof name, "L%d.H%d", head.layer, head.head);
    cs_json_put_text(o->json, key, name);
}

static void put_overall(const out *o, const clipspan_comparison *overall)
{
    cs_json_put_row(o->json, "overall");
    cs_json_put_comparison(o->json, overall);
    cs_json_put_end(o->json);
}

static void put_figures(const out *o, const clipspan_comparison *overall,
                        const clipspan_comparison *worst)
{
    put_overall(o, overall);
    cs_json_put_worst(o->json, "worst_group", &o->remedy->facts.info, worst);
}

static void put_groups(const out *o, const cs_comparison *groups)
{
    const clipspan_evaluation_info *facts = &o->remedy->facts.info;
    if (!facts->groups) return;
    cs_json_put_array(o->json, "groups");
    for (size_t g = 0; g < facts->groups; g++) {
        cs_json_put_row(o->json, NULL);
        cs_json_put_text(o->json, "group", facts->group_names[g]);
        cs_json_put_comparison(o->json, &groups[g].shown);
        cs_json_put_end(o->json);
    }
    cs_json_put_end(o->json);
}

static void put_heads(const out *o, const cs_remedy_pair *p)
{
    cs_json_put_array(o->json, "heads");
    for (size_t i = 0; i < p->pair.heads; i++) {
        const clipspan_shortcut_head *h = &p->heads[i];
        cs_json_put_row(o->json, NULL);
        put_head(o, "head", h->head);
        put_real(o, "variance", h->variance);
        put_real(o, "explained", h->explained);
        put_real(o, "ratio", h->ratio);
        cs_json_put_flag(o->json, "counteracts", h->counteracts);
        cs_json_put_end(o->json);
    }
    cs_json_put_end(o->json);
}

static void put_decision(const out *o, const cs_remedy_pair *p)
{
    const clipspan_decision *d = &p->decision;
    cs_json_put_object(o->json, "decision");
    cs_json_put_text(o->json, "verdict", cs_verdict_name(d->verdict));
    cs_json_put_text(o->json, "why", p->pair.why);
    cs_json_put_whole(o->json, "considered", d->considered);
    put_real(o, "lean", d->lean);
    put_real(o, "answers", d->answers);
    put_real(o, "follows", d->follows);
    put_real(o, "inside", d->inside);
    put_real(o, "explained", d->explained);
    put_real(o, "clear", d->clear);
    put_real(o, "gain", d->gain);
    put_real(o, "gain_low", d->gain_low);
    put_real(o, "gain_high", d->gain_high);
    cs_json_put_end(o->json);
}

static void put_candidates(const out *o, const cs_remedy_pair *p)
{
    cs_json_put_whole(o->json, "chosen", p->pair.chosen);
    cs_json_put_array(o->json, "candidates");
    for (size_t i = 0; i < p->pair.candidates; i++) {
        const clipspan_candidate *c = &p->candidates[i];
        cs_json_put_row(o->json, NULL);
        cs_json_put_text(o->json, "remedy", cs_remedy_kind_name(c->remedy));
        cs_json_put_whole(o->json, "heads", (uint64_t)c->heads);
        put_real(o, "correlation", c->correlation);
        cs_json_put_flag(o->json, "eligible", c->eligible);
        cs_json_put_end(o->json);
    }
    cs_json_put_end(o->json);
}

static void put_rows(const out *o, const cs_remedy_pair *p)
{
    cs_json_put_array(o->json, "remedies");
    for (size_t i = 0; i < p->pair.rows; i++) {
        const clipspan_remedy_row *r = &p->rows[i].row;
        cs_json_put_object(o->json, NULL);
        cs_json_put_text(o->json, "what", r->name);
        cs_json_put_text(o->json, "remedy", cs_remedy_kind_name(r->kind));
        cs_json_put_whole(o->json, "heads", r->heads);
        if (isfinite(r->correlation)) put_real(o, "correlation", r->correlation);
        put_figures(o, r->overall, r->worst);
        put_groups(o, p->rows[i].groups);
        cs_json_put_end(o->json);
    }
    cs_json_put_end(o->json);
}

static void put_forecast(const out *o, const cs_remedy_pair *p)
{
    cs_json_put_array(o->json, "forecast");
    for (size_t k = 0; k < CS_REMEDY_FORECAST; k++) {
        const clipspan_remedy_forecast *f = &p->forecast[k];
        cs_json_put_row(o->json, NULL);
        cs_json_put_text(o->json, "predicted", f->predicted);
        cs_json_put_text(o->json, "cue", f->first_side ? "first side" : "second side");
        cs_json_put_whole(o->json, "images", f->images);
        cs_json_put_whole(o->json, "kept", f->kept);
        put_real(o, "margin_before", f->margin_before);
        put_real(o, "margin_after", f->margin_after);
        cs_json_put_end(o->json);
    }
    cs_json_put_end(o->json);
}

static void put_sides(const out *o, const cs_remedy_pair *p)
{
    cs_json_put_array(o->json, "side_effects");
    for (size_t i = 0; i < p->pair.sides; i++) {
        const clipspan_remedy_side *s = &p->sides[i].side;
        cs_json_put_object(o->json, NULL);
        cs_json_put_text(o->json, "name", s->name);
        cs_json_put_text(o->json, "classes", s->words);
        cs_json_put_whole(o->json, "images", s->images);
        put_real(o, "kept", s->kept);
        if (s->overall) put_overall(o, s->overall);
        cs_json_put_end(o->json);
    }
    cs_json_put_end(o->json);
}

static void put_vector(const out *o, const char *key, const float *vector, size_t P)
{
    cs_json_put_line(o->json, key);
    for (size_t i = 0; i < P; i++)
        put_real(o, NULL, (double)vector[i]);
    cs_json_put_end(o->json);
}

/* What clipspan edit --remedy writes. */
static void put_changes(const out *o, const cs_remedy_pair *p)
{
    if (!p->change_count) return;
    cs_json_put_object(o->json, "weights");
    put_vector(o, "cue", p->vectors, p->width);
    cs_json_put_array(o->json, "changes");
    for (size_t i = 0; i < p->change_count; i++) {
        const clipspan_weight_change *c = &p->changes[i];
        cs_json_put_object(o->json, NULL);
        if (c->component == CLIPSPAN_COMPONENT_HEAD)
            put_head(o, "of", (clipspan_head){c->layer, c->head});
        else
            cs_json_put_text(o->json, "of", "embedding");
        put_real(o, "mean", c->mean);
        put_real(o, "constant", c->constant);
        put_vector(o, "gain", c->gain, p->width);
        cs_json_put_end(o->json);
    }
    cs_json_put_end(o->json);
    cs_json_put_end(o->json);
}

static void put_pair(const out *o, const cs_remedy_pair *p)
{
    cs_json_put_object(o->json, NULL);
    cs_json_put_text(o->json, "class_a", p->pair.class_a);
    cs_json_put_text(o->json, "class_b", p->pair.class_b);
    cs_json_put_flag(o->json, "against_rest", p->pair.against_rest);
    put_real(o, "variance", p->pair.variance);
    put_real(o, "explained", p->pair.explained);
    put_real(o, "counteracted", p->pair.counteracted);
    cs_json_put_whole(o->json, "ranked", p->pair.ranked);
    put_heads(o, p);
    put_decision(o, p);
    put_candidates(o, p);
    put_changes(o, p);
    put_rows(o, p);
    cs_json_put_random(o->json, &p->random, &o->remedy->facts.info);
    put_forecast(o, p);
    put_sides(o, p);
    cs_json_put_end(o->json);
}

static void put_cues(const out *o)
{
    const cs_remedy *r = o->remedy;
    if (r->cue.pool) cs_json_put_text(o->json, "pool", r->cue.pool);
    cs_json_put_array(o->json, "cues");
    for (size_t i = 0; i < r->cue.count; i++) {
        const clipspan_found_cue *c = &r->found[i];
        cs_json_put_row(o->json, NULL);
        cs_json_put_text(o->json, "text", c->text);
        cs_json_put_text(o->json, "category", c->category);
        put_real(o, "strength", c->strength);
        if (c->names_class) cs_json_put_text(o->json, "names_class", c->names_class);
        cs_json_put_end(o->json);
    }
    cs_json_put_end(o->json);
}

void cs_remedy_json(const cs_remedy *r, int flat,
                    void (*put)(void *to, const char *text, size_t size), void *to)
{
    const clipspan_evaluation_info *e = &r->facts.info;
    cs_json_writer writer, *json = &writer;
    const out o = {json, r};
    cs_json_begin(json, put, to, cs_json_form_of(flat), "clipspan.shortcut.v1");
    cs_json_put_text(json, "run", e->run);
    cs_json_put_text(json, "effect", "direct");
    cs_json_put_text(json, "statistics", e->means);
    cs_json_put_text(json, "cue", r->cue.words);
    if (r->cue.names_class) cs_json_put_text(json, "cue_names_class", r->cue.names_class);
    cs_json_put_labels(json, e);
    cs_json_put_flag(json, "labelled", !e->agreement);
    cs_json_put_whole(json, "images", e->counted);
    cs_json_put_whole(json, "unlabelled", e->unlabelled);
    cs_json_put_whole(json, "ungrouped", e->ungrouped);
    cs_json_put_whole(json, "resamples", (uint64_t)r->info.resamples);
    cs_json_put_whole(json, "seed", r->info.seed);
    if (r->cue.found) put_cues(&o);
    cs_json_put_array(json, "pairs");
    for (size_t i = 0; i < r->info.pairs; i++)
        put_pair(&o, &r->pairs[i]);
    cs_json_put_end(json);
    cs_json_finish(json);
}
