/* SPDX-License-Identifier: MIT */
/* A pair of classes of clipspan.shortcut.v1, read back. */
#include "base/memory.h"
#include "study/json_random.h"
#include "study/json_remedy_inside.h"

#include <stdlib.h>
#include <string.h>

#define HEADS_MOST 65536

/* "L22.H11" */
static int scan_head(clipspan_head *out, const char *text)
{
    char *end;
    long layer, head;
    if (!text || text[0] != 'L' || text[1] < '0' || text[1] > '9') return 0;
    layer = strtol(text + 1, &end, 10);
    if (end[0] != '.' || end[1] != 'H' || end[2] < '0' || end[2] > '9') return 0;
    head = strtol(end + 2, &end, 10);
    if (*end || layer >= HEADS_MOST || head >= HEADS_MOST) return 0;
    *out = (clipspan_head){(int)layer, (int)head};
    return 1;
}

static clipspan_status read_kind(clipspan_remedy_kind *out, const cs_json *in, clipspan_error *err)
{
    const char *text = "";
    CS_TRY(cs_json_text(&text, in, "remedy", err));
    for (int k = CLIPSPAN_REMEDY_NONE; k <= CLIPSPAN_REMEDY_REGRESS; k++) {
        if (strcmp(text, cs_remedy_kind_name((clipspan_remedy_kind)k)) != 0) continue;
        *out = (clipspan_remedy_kind)k;
        return CLIPSPAN_OK;
    }
    return cs_json_unexpected(in, "remedy", "a remedy", CLIPSPAN_E_FORMAT, err);
}

/* ---- Comparisons ---- */

static clipspan_status read_overall(cs_comparison *c, const cs_json *in, clipspan_error *err)
{
    cs_json overall;
    CS_TRY(cs_json_need(in, "overall", "an object", err));
    CS_TRY(cs_json_object(&overall, in, "overall", err));
    return cs_json_comparison(c, &overall, err);
}

static clipspan_status read_worst(cs_comparison *c, const cs_json *in,
                                  const clipspan_evaluation_info *facts, clipspan_error *err)
{
    const char *const *names = facts->group_names;
    cs_json worst;
    if (!cs_json_has(in, "worst_group")) return CLIPSPAN_OK;
    CS_TRY(cs_json_object(&worst, in, "worst_group", err));
    CS_TRY(cs_json_comparison(c, &worst, err));
    CS_TRY(cs_json_need(&worst, "group_before", "a group", err));
    CS_TRY(cs_json_need(&worst, "group_after", "a group", err));
    CS_TRY(cs_json_place(&c->group, &worst, "group_before", names, facts->groups, err));
    return cs_json_place(&c->group_after, &worst, "group_after", names, facts->groups, err);
}

static clipspan_status read_groups(cs_comparison *groups, const cs_json *in,
                                   const clipspan_evaluation_info *facts, clipspan_error *err)
{
    size_t count;
    cs_json item;
    CS_TRY(cs_json_length(&count, in, "groups", err));
    if (count != facts->groups)
        return cs_json_unexpected(in, "groups", "as many as the first remedy has",
                                  CLIPSPAN_E_FORMAT, err);
    for (size_t g = 0; g < count; g++) {
        CS_TRY(cs_json_item(&item, in, "groups", g, err));
        CS_TRY(cs_json_comparison(&groups[g], &item, err));
        groups[g].group = groups[g].group_after = (int32_t)g;
    }
    return CLIPSPAN_OK;
}

/* ---- Lists of a pair ---- */

static clipspan_status read_heads(cs_remedy_pair *p, const cs_json *in, clipspan_error *err)
{
    for (size_t i = 0; i < p->pair.heads; i++) {
        clipspan_shortcut_head *h = &p->heads[i];
        const char *name = NULL;
        cs_json item;
        CS_TRY(cs_json_item(&item, in, "heads", i, err));
        CS_TRY(cs_json_text(&name, &item, "head", err));
        if (!scan_head(&h->head, name))
            return cs_json_unexpected(&item, "head", "a head such as \"L3.H0\"", CLIPSPAN_E_FORMAT,
                                      err);
        CS_TRY(cs_json_need_real(&h->variance, &item, "variance", err));
        CS_TRY(cs_json_need_real(&h->explained, &item, "explained", err));
        CS_TRY(cs_json_need_real(&h->ratio, &item, "ratio", err));
        CS_TRY(cs_json_flag(&h->counteracts, &item, "counteracts", err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_candidates(cs_remedy_pair *p, const cs_json *in, clipspan_error *err)
{
    for (size_t i = 0; i < p->pair.candidates; i++) {
        clipspan_candidate *c = &p->candidates[i];
        size_t heads;
        cs_json item;
        CS_TRY(cs_json_item(&item, in, "candidates", i, err));
        CS_TRY(read_kind(&c->remedy, &item, err));
        CS_TRY(cs_json_need_size(&heads, &item, "heads", p->pair.heads, err));
        c->heads = (int)heads;
        CS_TRY(cs_json_need_real(&c->correlation, &item, "correlation", err));
        CS_TRY(cs_json_flag(&c->eligible, &item, "eligible", err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_row(cs_remedy *r, cs_remedy_pair *p, const cs_json *in,
                                clipspan_error *err)
{
    const char *name = "";
    int role = 0;
    cs_remedy_row *to;
    CS_TRY(cs_json_text(&name, in, "what", err));
    while (role < CS_REMEDY_ROWS &&
           strcmp(name, cs_remedy_role_name((clipspan_remedy_role)role)) != 0)
        role++;
    if (role == CS_REMEDY_ROWS || (p->pair.rows < 2 && (size_t)role != p->pair.rows) ||
        (p->pair.rows && role <= (int)p->rows[p->pair.rows - 1].row.role))
        return cs_json_unexpected(in, "what", "what was tried, nothing and chosen first",
                                  CLIPSPAN_E_FORMAT, err);
    to = cs_remedy_add_row(p, (clipspan_remedy_role)role);
    CS_TRY(read_kind(&to->row.kind, in, err));
    CS_TRY(cs_json_need_size(&to->row.heads, in, "heads", p->pair.heads, err));
    CS_TRY(cs_json_number(&to->row.correlation, in, "correlation", 0, 2, err));
    CS_TRY(read_overall(&to->overall, in, err));
    CS_TRY(read_worst(&to->worst, in, &r->facts.info, err));
    return read_groups(to->groups, in, &r->facts.info, err);
}

static clipspan_status read_rows(cs_remedy *r, cs_remedy_pair *p, const cs_json *in,
                                 clipspan_error *err)
{
    size_t count;
    cs_json item;
    CS_TRY(cs_json_length(&count, in, "remedies", err));
    if (count < 2 || count > CS_REMEDY_ROWS)
        return cs_json_unexpected(in, "remedies", "2 to 8 of them", CLIPSPAN_E_FORMAT, err);
    for (size_t i = 0; i < count; i++) {
        CS_TRY(cs_json_item(&item, in, "remedies", i, err));
        CS_TRY(read_row(r, p, &item, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_forecast(cs_remedy_pair *p, const cs_json *in, clipspan_error *err)
{
    size_t count;
    cs_json item;
    CS_TRY(cs_json_length(&count, in, "forecast", err));
    if (count != CS_REMEDY_FORECAST)
        return cs_json_unexpected(in, "forecast", "four rows", CLIPSPAN_E_FORMAT, err);
    for (size_t k = 0; k < count; k++) {
        clipspan_remedy_forecast *f = &p->forecast[k];
        CS_TRY(cs_json_item(&item, in, "forecast", k, err));
        CS_TRY(cs_json_need_whole(&f->images, &item, "images", UINT64_MAX, err));
        CS_TRY(cs_json_need_whole(&f->kept, &item, "kept", f->images, err));
        CS_TRY(cs_json_need_real(&f->margin_before, &item, "margin_before", err));
        CS_TRY(cs_json_need_real(&f->margin_after, &item, "margin_after", err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_side(cs_remedy_side *to, cs_remedy *r, const cs_json *in,
                                 clipspan_error *err)
{
    CS_TRY(cs_remedy_need_text(&to->side.name, r, in, "name", err));
    CS_TRY(cs_remedy_read_text(&to->side.words, r, in, "classes", err));
    CS_TRY(cs_json_need_whole(&to->side.images, in, "images", UINT64_MAX, err));
    CS_TRY(cs_json_need_real(&to->side.kept, in, "kept", err));
    if (!cs_json_has(in, "overall")) return CLIPSPAN_OK;
    CS_TRY(read_overall(&to->overall, in, err));
    to->side.overall = cs_comparison_show(&to->overall);
    return CLIPSPAN_OK;
}

/* ---- Changes of weights ---- */

static clipspan_status read_vector(float *out, const cs_json *in, const char *key, size_t P,
                                   clipspan_error *err)
{
    CS_TRY(cs_json_need(in, key, "a vector", err));
    return cs_json_numbers(out, (int)P, in, key, -1e30, 1e30, err);
}

static clipspan_status read_change(clipspan_weight_change *to, float *gain, const cs_json *in,
                                   size_t P, clipspan_error *err)
{
    const char *of = "";
    clipspan_head head = {0, 0};
    CS_TRY(cs_json_text(&of, in, "of", err));
    to->component = CLIPSPAN_COMPONENT_EMBEDDING;
    if (strcmp(of, "embedding") != 0) {
        if (!scan_head(&head, of))
            return cs_json_unexpected(in, "of", "a head such as \"L3.H0\", or embedding",
                                      CLIPSPAN_E_FORMAT, err);
        to->component = CLIPSPAN_COMPONENT_HEAD;
    }
    to->layer = head.layer;
    to->head = head.head;
    CS_TRY(cs_json_need_real(&to->mean, in, "mean", err));
    CS_TRY(cs_json_need_real(&to->constant, in, "constant", err));
    return read_vector(gain, in, "gain", P, err);
}

static clipspan_status read_changes(cs_remedy_pair *p, const cs_json *pair, clipspan_error *err)
{
    cs_json in, item;
    size_t count, P;
    CS_TRY(cs_json_object(&in, pair, "weights", err));
    if (!in.object) return CLIPSPAN_OK;
    CS_TRY(cs_json_length(&P, &in, "cue", err));
    CS_TRY(cs_json_length(&count, &in, "changes", err));
    if (P == 0 || P > HEADS_MOST || count > HEADS_MOST)
        return cs_json_unexpected(&in, "cue", "a vector", CLIPSPAN_E_FORMAT, err);
    CS_TRY(cs_remedy_change_room(p, count, P, err));
    CS_TRY(read_vector(p->vectors, &in, "cue", P, err));
    for (size_t i = 0; i < count; i++) {
        CS_TRY(cs_json_item(&item, &in, "changes", i, err));
        CS_TRY(read_change(&p->changes[i], p->vectors + (1 + i) * P, &item, P, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_verdict(clipspan_verdict *out, const cs_json *in, clipspan_error *err)
{
    const char *name = "";
    CS_TRY(cs_json_text(&name, in, "verdict", err));
    for (int k = CLIPSPAN_VERDICT_REMEDY; k <= CLIPSPAN_VERDICT_NO_GAIN; k++)
        if (strcmp(name, cs_verdict_name((clipspan_verdict)k)) == 0) {
            *out = (clipspan_verdict)k;
            return CLIPSPAN_OK;
        }
    return cs_json_unexpected(in, "verdict", "a verdict", CLIPSPAN_E_FORMAT, err);
}

static clipspan_status read_decision(cs_remedy *r, cs_remedy_pair *p, const cs_json *pair,
                                     clipspan_error *err)
{
    clipspan_decision *d = &p->decision;
    double *const reals[] = {&d->lean,  &d->answers, &d->follows,  &d->inside,   &d->explained,
                             &d->clear, &d->gain,    &d->gain_low, &d->gain_high};
    static const char *const keys[] = {"lean",  "answers", "follows",  "inside",   "explained",
                                       "clear", "gain",    "gain_low", "gain_high"};
    cs_json in;
    CS_TRY(cs_json_need(pair, "decision", "an object", err));
    CS_TRY(cs_json_object(&in, pair, "decision", err));
    CS_TRY(read_verdict(&d->verdict, &in, err));
    CS_TRY(cs_remedy_need_text(&p->pair.why, r, &in, "why", err));
    CS_TRY(cs_json_need_size(&d->considered, &in, "considered", p->pair.candidates - 1, err));
    for (size_t k = 0; k < sizeof reals / sizeof *reals; k++)
        CS_TRY(cs_json_need_real(reals[k], &in, keys[k], err));
    d->chosen = p->pair.chosen;
    p->pair.decision = d;
    return CLIPSPAN_OK;
}

/* ---- Pairs ---- */

static clipspan_status read_lengths(cs_remedy_pair *p, const cs_json *in, clipspan_error *err)
{
    CS_TRY(cs_json_length(&p->pair.heads, in, "heads", err));
    CS_TRY(cs_json_length(&p->pair.candidates, in, "candidates", err));
    CS_TRY(cs_json_length(&p->pair.sides, in, "side_effects", err));
    if (p->pair.heads > HEADS_MOST || p->pair.candidates == 0)
        return cs_json_unexpected(in, p->pair.candidates ? "heads" : "candidates",
                                  "a list of some length", CLIPSPAN_E_FORMAT, err);
    CS_TRY(cs_json_need_size(&p->pair.ranked, in, "ranked", p->pair.heads, err));
    return cs_json_need_size(&p->pair.chosen, in, "chosen", p->pair.candidates - 1, err);
}

static clipspan_status read_class(size_t *out, const cs_remedy *r, const cs_json *in,
                                  const char *key, clipspan_error *err)
{
    int32_t place = 0;
    CS_TRY(cs_json_need(in, key, "a class", err));
    CS_TRY(cs_json_place(&place, in, key, r->facts.info.class_names, r->facts.info.classes, err));
    *out = (size_t)place;
    return CLIPSPAN_OK;
}

clipspan_status cs_remedy_read_pair(cs_remedy *r, cs_remedy_pair *p, const cs_json *in,
                                    clipspan_error *err)
{
    cs_json item;
    int rest = 0;
    CS_TRY(read_class(&p->a, r, in, "class_a", err));
    CS_TRY(cs_json_flag(&rest, in, "against_rest", err));
    p->b = CLIPSPAN_THE_REST;
    if (!rest) CS_TRY(read_class(&p->b, r, in, "class_b", err));
    CS_TRY(read_lengths(p, in, err));
    CS_TRY(cs_remedy_pair_room(r, p, err));
    CS_TRY(cs_json_need_real(&p->pair.variance, in, "variance", err));
    CS_TRY(cs_json_need_real(&p->pair.explained, in, "explained", err));
    CS_TRY(cs_json_need_real(&p->pair.counteracted, in, "counteracted", err));
    CS_TRY(read_heads(p, in, err));
    CS_TRY(read_candidates(p, in, err));
    CS_TRY(read_decision(r, p, in, err));
    CS_TRY(read_changes(p, in, err));
    CS_TRY(read_rows(r, p, in, err));
    CS_TRY(read_forecast(p, in, err));
    CS_TRY(cs_json_random(&p->random, in, &r->facts.info, err));
    for (size_t i = 0; i < p->pair.sides; i++) {
        CS_TRY(cs_json_item(&item, in, "side_effects", i, err));
        CS_TRY(read_side(&p->sides[i], r, &item, err));
    }
    cs_remedy_finish_pair(p, r->facts.info.groups);
    return CLIPSPAN_OK;
}
