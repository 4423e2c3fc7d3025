/* SPDX-License-Identifier: MIT */
/* clipspan.shortcut.v1, read back. Every member is checked, so that nothing that
 * a damaged document says is used as a size or a place. */
#include "base/memory.h"
#include "study/json_parts.h"
#include "study/study_json.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEADS_MOST 65536

static clipspan_status need(const cs_json *in, const char *key, const char *expected,
                            clipspan_error *err)
{
    if (cs_json_has(in, key)) return CLIPSPAN_OK;
    return cs_json_unexpected(in, key, expected, CLIPSPAN_E_FORMAT, err);
}

static clipspan_status read_real(double *out, const cs_json *in, const char *key,
                                 clipspan_error *err)
{
    CS_TRY(need(in, key, "a number", err));
    return cs_json_number(out, in, key, -1e300, 1e300, err);
}

static clipspan_status read_whole(uint64_t *out, const cs_json *in, const char *key, uint64_t most,
                                  clipspan_error *err)
{
    CS_TRY(need(in, key, "a whole number", err));
    CS_TRY(cs_json_count(out, in, key, err));
    if (*out <= most) return CLIPSPAN_OK;
    return cs_json_unexpected(in, key, "a smaller number", CLIPSPAN_E_FORMAT, err);
}

static clipspan_status read_size(size_t *out, const cs_json *in, const char *key, size_t most,
                                 clipspan_error *err)
{
    uint64_t value = 0;
    CS_TRY(read_whole(&value, in, key, most, err));
    *out = (size_t)value;
    return CLIPSPAN_OK;
}

/* Kept with the facts' strings; NULL when missing. */
static clipspan_status read_text(const char **out, cs_remedy *r, const cs_json *in, const char *key,
                                 clipspan_error *err)
{
    const char *text = NULL;
    CS_TRY(cs_json_text(&text, in, key, err));
    return cs_facts_keep(out, &r->facts, text, err);
}

static clipspan_status need_text(const char **out, cs_remedy *r, const cs_json *in, const char *key,
                                 clipspan_error *err)
{
    CS_TRY(need(in, key, "text", err));
    return read_text(out, r, in, key, err);
}

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

static clipspan_status read_overall(clipspan_comparison *c, const cs_json *in, clipspan_error *err)
{
    cs_json overall;
    CS_TRY(need(in, "overall", "an object", err));
    CS_TRY(cs_json_object(&overall, in, "overall", err));
    return cs_json_comparison(c, &overall, err);
}

static clipspan_status read_worst(clipspan_comparison *c, const cs_json *in,
                                  const clipspan_evaluation_info *facts, clipspan_error *err)
{
    const char *const *names = facts->group_names;
    cs_json worst;
    if (!cs_json_has(in, "worst_group")) return CLIPSPAN_OK;
    CS_TRY(cs_json_object(&worst, in, "worst_group", err));
    CS_TRY(cs_json_comparison(c, &worst, err));
    CS_TRY(need(&worst, "group_before", "a group", err));
    CS_TRY(need(&worst, "group_after", "a group", err));
    CS_TRY(cs_json_place(&c->group, &worst, "group_before", names, facts->groups, err));
    return cs_json_place(&c->group_after, &worst, "group_after", names, facts->groups, err);
}

static clipspan_status read_groups(clipspan_comparison *groups, const cs_json *in,
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
        CS_TRY(read_real(&h->variance, &item, "variance", err));
        CS_TRY(read_real(&h->explained, &item, "explained", err));
        CS_TRY(read_real(&h->ratio, &item, "ratio", err));
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
        CS_TRY(read_size(&heads, &item, "heads", p->pair.heads, err));
        c->heads = (int)heads;
        CS_TRY(read_real(&c->correlation, &item, "correlation", err));
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
    CS_TRY(read_size(&to->row.heads, in, "heads", p->pair.heads, err));
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

static clipspan_status read_random(cs_remedy_random *to, const cs_remedy *r, const cs_json *in,
                                   clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const char **names;
    CS_TRY(cs_json_names(&names, &to->set.count, in, "heads", err));
    to->heads = cs_alloc(to->set.count, sizeof *to->heads, "heads", err);
    if (!to->heads) status = CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < to->set.count && status == CLIPSPAN_OK; i++)
        if (!scan_head(&to->heads[i], names[i]))
            status = cs_json_unexpected(in, "heads", "a list of heads such as \"L3.H0\"",
                                        CLIPSPAN_E_FORMAT, err);
    cs_free(names);
    CS_TRY(status);
    CS_TRY(read_overall(&to->overall, in, err));
    return read_worst(&to->worst, in, &r->facts.info, err);
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
        CS_TRY(read_whole(&f->images, &item, "pictures", UINT64_MAX, err));
        CS_TRY(read_whole(&f->kept, &item, "kept", f->images, err));
        CS_TRY(read_real(&f->margin_before, &item, "margin_before", err));
        CS_TRY(read_real(&f->margin_after, &item, "margin_after", err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_side(cs_remedy_side *to, cs_remedy *r, const cs_json *in,
                                 clipspan_error *err)
{
    CS_TRY(need_text(&to->side.name, r, in, "name", err));
    CS_TRY(read_text(&to->side.words, r, in, "classes", err));
    CS_TRY(read_whole(&to->side.images, in, "pictures", UINT64_MAX, err));
    CS_TRY(read_real(&to->side.kept, in, "kept", err));
    if (!cs_json_has(in, "overall")) return CLIPSPAN_OK;
    to->side.overall = &to->overall;
    return read_overall(&to->overall, in, err);
}

/* ---- Pairs ---- */

static clipspan_status read_lengths(cs_remedy_pair *p, const cs_json *in, clipspan_error *err)
{
    CS_TRY(cs_json_length(&p->pair.heads, in, "heads", err));
    CS_TRY(cs_json_length(&p->pair.candidates, in, "candidates", err));
    CS_TRY(cs_json_length(&p->pair.random_sets, in, "random", err));
    CS_TRY(cs_json_length(&p->pair.sides, in, "side_effects", err));
    if (p->pair.heads > HEADS_MOST || p->pair.candidates == 0)
        return cs_json_unexpected(in, p->pair.candidates ? "heads" : "candidates",
                                  "a list of some length", CLIPSPAN_E_FORMAT, err);
    CS_TRY(read_size(&p->pair.ranked, in, "ranked", p->pair.heads, err));
    return read_size(&p->pair.chosen, in, "chosen", p->pair.candidates - 1, err);
}

static clipspan_status read_class(size_t *out, const cs_remedy *r, const cs_json *in,
                                  const char *key, clipspan_error *err)
{
    int32_t place = 0;
    CS_TRY(need(in, key, "a class", err));
    CS_TRY(cs_json_place(&place, in, key, r->facts.info.class_names, r->facts.info.classes, err));
    *out = (size_t)place;
    return CLIPSPAN_OK;
}

static clipspan_status read_pair(cs_remedy *r, cs_remedy_pair *p, const cs_json *in,
                                 clipspan_error *err)
{
    cs_json item;
    CS_TRY(read_class(&p->a, r, in, "class_a", err));
    CS_TRY(read_class(&p->b, r, in, "class_b", err));
    CS_TRY(read_lengths(p, in, err));
    CS_TRY(cs_remedy_pair_room(r, p, err));
    CS_TRY(read_real(&p->pair.variance, in, "variance", err));
    CS_TRY(read_real(&p->pair.explained, in, "explained", err));
    CS_TRY(read_real(&p->pair.counteracted, in, "counteracted", err));
    CS_TRY(read_heads(p, in, err));
    CS_TRY(read_candidates(p, in, err));
    CS_TRY(read_rows(r, p, in, err));
    CS_TRY(read_forecast(p, in, err));
    for (size_t i = 0; i < p->pair.random_sets; i++) {
        CS_TRY(cs_json_item(&item, in, "random", i, err));
        CS_TRY(read_random(&p->random[i], r, &item, err));
    }
    for (size_t i = 0; i < p->pair.sides; i++) {
        CS_TRY(cs_json_item(&item, in, "side_effects", i, err));
        CS_TRY(read_side(&p->sides[i], r, &item, err));
    }
    cs_remedy_finish_pair(p);
    return CLIPSPAN_OK;
}

/* ---- The document ---- */

/* Group names stand in the list of the first remedy of the first pair. */
static clipspan_status read_group_names(cs_remedy *r, const cs_json *in, clipspan_error *err)
{
    cs_json pair, remedy, group;
    clipspan_status status = CLIPSPAN_OK;
    const char **names;
    size_t count;
    CS_TRY(cs_json_item(&pair, in, "pairs", 0, err));
    CS_TRY(cs_json_item(&remedy, &pair, "remedies", 0, err));
    CS_TRY(cs_json_length(&count, &remedy, "groups", err));
    names = cs_alloc_zero(count, sizeof *names, "groups", err);
    if (!names) return CLIPSPAN_E_NOMEM;
    for (size_t g = 0; g < count && status == CLIPSPAN_OK; g++) {
        status = cs_json_item(&group, &remedy, "groups", g, err);
        if (status == CLIPSPAN_OK) status = need(&group, "group", "a name", err);
        if (status == CLIPSPAN_OK) status = cs_json_text(&names[g], &group, "group", err);
    }
    if (status == CLIPSPAN_OK) status = cs_facts_groups(&r->facts, names, count, err);
    cs_free(names);
    return status;
}

static clipspan_status read_facts(cs_remedy *r, const cs_json *in, clipspan_error *err)
{
    clipspan_evaluation_info *info = &r->facts.info;
    clipspan_status status;
    const char **names;
    size_t count;
    int labelled = 0;
    CS_TRY(need_text(&info->run, r, in, "run", err));
    CS_TRY(need_text(&info->means, r, in, "statistics", err));
    CS_TRY(read_text(&info->source, r, in, "labels", err));
    CS_TRY(cs_json_flag(&labelled, in, "labelled", err));
    info->agreement = !labelled;
    CS_TRY(read_whole(&info->counted, in, "pictures", INT64_MAX, err));
    CS_TRY(cs_json_count(&info->unlabelled, in, "unlabelled", err));
    CS_TRY(cs_json_count(&info->ungrouped, in, "ungrouped", err));
    info->images = info->counted + info->unlabelled;
    CS_TRY(cs_json_names(&names, &count, in, "class_names", err));
    status = cs_facts_classes(&r->facts, names, count, err);
    cs_free(names);
    CS_TRY(status);
    return read_group_names(r, in, err);
}

static clipspan_status read_cues(cs_remedy *r, const cs_json *in, clipspan_error *err)
{
    size_t count;
    cs_json item;
    CS_TRY(read_text(&r->cue.words, r, in, "cue", err));
    CS_TRY(read_text(&r->cue.names_class, r, in, "cue_names_class", err));
    CS_TRY(read_text(&r->cue.pool, r, in, "pool", err));
    CS_TRY(cs_json_length(&count, in, "cues", err));
    r->found = cs_alloc_zero(count, sizeof *r->found, "cues", err);
    if (!r->found) return CLIPSPAN_E_NOMEM;
    r->cue.found = cs_json_has(in, "cues");
    r->cue.count = count;
    for (size_t i = 0; i < count; i++) {
        CS_TRY(cs_json_item(&item, in, "cues", i, err));
        CS_TRY(need_text(&r->found[i].text, r, &item, "text", err));
        CS_TRY(read_text(&r->found[i].category, r, &item, "category", err));
        CS_TRY(read_text(&r->found[i].names_class, r, &item, "names_class", err));
        CS_TRY(read_real(&r->found[i].strength, &item, "strength", err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_document(cs_remedy *r, const cs_json *in, clipspan_error *err)
{
    uint64_t resamples = 0;
    cs_json item;
    CS_TRY(read_facts(r, in, err));
    CS_TRY(read_cues(r, in, err));
    CS_TRY(cs_json_count(&resamples, in, "resamples", err));
    r->info.resamples = resamples < INT_MAX ? (int)resamples : INT_MAX;
    CS_TRY(cs_json_count(&r->info.seed, in, "seed", err));
    for (size_t i = 0; i < r->info.pairs; i++) {
        CS_TRY(cs_json_item(&item, in, "pairs", i, err));
        CS_TRY(read_pair(r, &r->pairs[i], &item, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_remedy_parse(cs_remedy **out, const json_t *document, const char *path,
                                clipspan_error *err)
{
    static const clipspan_evaluation_info none;
    const cs_json in = cs_json_root(document, path);
    cs_remedy *r = NULL;
    clipspan_status status;
    size_t pairs;
    *out = NULL;
    CS_TRY(cs_json_length(&pairs, &in, "pairs", err));
    if (pairs == 0 || pairs > CS_REMEDY_CLASSES * (CS_REMEDY_CLASSES - 1) / 2)
        return cs_json_unexpected(&in, "pairs", "1 to 66 pairs of classes", CLIPSPAN_E_FORMAT, err);
    CS_TRY(cs_remedy_new(&r, &none, pairs, err));
    status = read_document(r, &in, err);
    if (status == CLIPSPAN_OK)
        *out = r;
    else
        cs_remedy_free(&r);
    return status;
}
