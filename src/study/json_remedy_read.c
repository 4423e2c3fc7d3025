/* SPDX-License-Identifier: MIT */
/* clipspan.shortcut.v1, read back. Every member is checked, so that nothing that
 * a damaged document says is used as a size or a place. */
#include "base/memory.h"
#include "study/json_parts.h"
#include "study/json_remedy_inside.h"
#include "study/study_json.h"

#include <limits.h>

clipspan_status cs_json_need(const cs_json *in, const char *key, const char *expected,
                             clipspan_error *err)
{
    if (cs_json_has(in, key)) return CLIPSPAN_OK;
    return cs_json_unexpected(in, key, expected, CLIPSPAN_E_FORMAT, err);
}

clipspan_status cs_json_need_real(double *out, const cs_json *in, const char *key,
                                  clipspan_error *err)
{
    CS_TRY(cs_json_need(in, key, "a number", err));
    return cs_json_number(out, in, key, -1e300, 1e300, err);
}

clipspan_status cs_json_need_whole(uint64_t *out, const cs_json *in, const char *key, uint64_t most,
                                   clipspan_error *err)
{
    CS_TRY(cs_json_need(in, key, "an integer", err));
    CS_TRY(cs_json_count(out, in, key, err));
    if (*out <= most) return CLIPSPAN_OK;
    return cs_json_unexpected(in, key, "a smaller number", CLIPSPAN_E_FORMAT, err);
}

clipspan_status cs_json_need_size(size_t *out, const cs_json *in, const char *key, size_t most,
                                  clipspan_error *err)
{
    uint64_t value = 0;
    CS_TRY(cs_json_need_whole(&value, in, key, most, err));
    *out = (size_t)value;
    return CLIPSPAN_OK;
}

/* Kept with the facts' strings; NULL when missing. */
clipspan_status cs_remedy_read_text(const char **out, cs_remedy *r, const cs_json *in,
                                    const char *key, clipspan_error *err)
{
    const char *text = NULL;
    CS_TRY(cs_json_text(&text, in, key, err));
    return cs_facts_keep(out, &r->facts, text, err);
}

clipspan_status cs_remedy_need_text(const char **out, cs_remedy *r, const cs_json *in,
                                    const char *key, clipspan_error *err)
{
    CS_TRY(cs_json_need(in, key, "text", err));
    return cs_remedy_read_text(out, r, in, key, err);
}

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
        if (status == CLIPSPAN_OK) status = cs_json_need(&group, "group", "a name", err);
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
    CS_TRY(cs_remedy_need_text(&info->run, r, in, "run", err));
    CS_TRY(cs_remedy_need_text(&info->means, r, in, "statistics", err));
    CS_TRY(cs_remedy_read_text(&info->source, r, in, "labels", err));
    CS_TRY(cs_json_flag(&labelled, in, "labelled", err));
    info->agreement = !labelled;
    CS_TRY(cs_json_need_whole(&info->counted, in, "images", INT64_MAX, err));
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
    CS_TRY(cs_remedy_read_text(&r->cue.words, r, in, "cue", err));
    CS_TRY(cs_remedy_read_text(&r->cue.names_class, r, in, "cue_names_class", err));
    CS_TRY(cs_remedy_read_text(&r->cue.pool, r, in, "pool", err));
    CS_TRY(cs_json_length(&count, in, "cues", err));
    r->found = cs_alloc_zero(count, sizeof *r->found, "cues", err);
    if (!r->found) return CLIPSPAN_E_NOMEM;
    r->cue.found = cs_json_has(in, "cues");
    r->cue.count = count;
    for (size_t i = 0; i < count; i++) {
        CS_TRY(cs_json_item(&item, in, "cues", i, err));
        CS_TRY(cs_remedy_need_text(&r->found[i].text, r, &item, "text", err));
        CS_TRY(cs_remedy_read_text(&r->found[i].category, r, &item, "category", err));
        CS_TRY(cs_remedy_read_text(&r->found[i].names_class, r, &item, "names_class", err));
        CS_TRY(cs_json_need_real(&r->found[i].strength, &item, "strength", err));
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
        CS_TRY(cs_remedy_read_pair(r, &r->pairs[i], &item, err));
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
    if (pairs == 0 || pairs > CS_REMEDY_CLASSES * (CS_REMEDY_CLASSES + 1) / 2)
        return cs_json_unexpected(&in, "pairs", "1 to 78 pairs of classes", CLIPSPAN_E_FORMAT, err);
    CS_TRY(cs_remedy_new(&r, &none, pairs, err));
    status = read_document(r, &in, err);
    if (status == CLIPSPAN_OK)
        *out = r;
    else
        cs_remedy_free(&r);
    return status;
}
