/* SPDX-License-Identifier: MIT */
/* Members that several documents share. */
#include "study/json_parts.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void cs_json_put_names(cs_json_writer *j, const char *key, const char *const *names, size_t count)
{
    cs_json_put_line(j, key);
    for (size_t i = 0; i < count; i++)
        cs_json_put_text(j, NULL, names[i]);
    cs_json_put_end(j);
}

void cs_json_put_labels(cs_json_writer *j, const clipspan_evaluation_info *info)
{
    cs_json_put_names(j, "class_names", info->class_names, info->classes);
    if (!info->agreement) cs_json_put_text(j, "labels", info->source);
}

static void put_real(cs_json_writer *j, const char *key, double value)
{
    cs_json_put_digits(j, key, value, CS_JSON_DIGITS);
}

void cs_json_put_comparison(cs_json_writer *j, const clipspan_comparison *c)
{
    cs_json_put_whole(j, "images", c->before->images);
    if (c->before->images == 0) return;
    cs_json_put_whole(j, "before_correct", c->before->correct);
    put_real(j, "before", c->before->share);
    put_real(j, "before_low", c->before->low);
    put_real(j, "before_high", c->before->high);
    cs_json_put_whole(j, "after_correct", c->after->correct);
    put_real(j, "after", c->after->share);
    put_real(j, "after_low", c->after->low);
    put_real(j, "after_high", c->after->high);
    put_real(j, "change", c->change);
    put_real(j, "change_low", c->change_low);
    put_real(j, "change_high", c->change_high);
}

/* ---- Reading ---- */

clipspan_status cs_json_length(size_t *out, const cs_json *in, const char *key, clipspan_error *err)
{
    const json_t *list = json_object_get(in->object, key);
    *out = 0;
    if (list && !json_is_array(list) && !json_is_null(list))
        return cs_json_unexpected(in, key, "a list", CLIPSPAN_E_FORMAT, err);
    *out = json_array_size(list);
    return CLIPSPAN_OK;
}

clipspan_status cs_json_item(cs_json *out, const cs_json *in, const char *key, size_t index,
                             clipspan_error *err)
{
    out->object = json_array_get(json_object_get(in->object, key), index);
    out->path = in->path;
    snprintf(out->name, sizeof out->name, "%.40s%s%.30s[%zu]", in->name, in->name[0] ? "." : "",
             key, index);
    if (json_is_object(out->object)) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, in->path, "%s: expected an object", out->name);
}

clipspan_status cs_json_count(uint64_t *out, const cs_json *in, const char *key,
                              clipspan_error *err)
{
    const json_t *value = json_object_get(in->object, key);
    if (!value || json_is_null(value)) return CLIPSPAN_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return cs_json_unexpected(in, key, "an integer from 0 on", CLIPSPAN_E_FORMAT, err);
    *out = (uint64_t)json_integer_value(value);
    return CLIPSPAN_OK;
}

clipspan_status cs_json_names(const char ***names, size_t *count, const cs_json *in,
                              const char *key, clipspan_error *err)
{
    const json_t *list = json_object_get(in->object, key);
    *names = NULL;
    CS_TRY(cs_json_length(count, in, key, err));
    *names = cs_alloc(*count, sizeof **names, "names", err);
    if (!*names) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < *count; i++) {
        (*names)[i] = json_string_value(json_array_get(list, i));
        if ((*names)[i]) continue;
        cs_free(*names);
        *names = NULL;
        return cs_json_unexpected(in, key, "a list of texts", CLIPSPAN_E_FORMAT, err);
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_text(const char **out, cs_evaluation_facts *f, const cs_json *in,
                                 const char *key, clipspan_error *err)
{
    const char *text = NULL;
    CS_TRY(cs_json_text(&text, in, key, err));
    return cs_facts_keep(out, f, text, err);
}

clipspan_status cs_json_facts(cs_evaluation_facts *f, const cs_json *in, clipspan_error *err)
{
    clipspan_evaluation_info *info = &f->info;
    const char **names;
    int labelled = 0;
    size_t count;
    clipspan_status status;
    CS_TRY(read_text(&info->run, f, in, "run", err));
    CS_TRY(read_text(&info->means, f, in, "means", err));
    CS_TRY(read_text(&info->source, f, in, "labels", err));
    if (!info->run || !info->means)
        return cs_json_unexpected(in, info->run ? "means" : "run", "text", CLIPSPAN_E_FORMAT, err);
    CS_TRY(cs_json_flag(&labelled, in, "labelled", err));
    info->agreement = !labelled;
    CS_TRY(cs_json_count(&info->counted, in, "images", err));
    CS_TRY(cs_json_count(&info->unlabelled, in, "unlabelled", err));
    CS_TRY(cs_json_count(&info->ungrouped, in, "ungrouped", err));
    if (info->unlabelled > UINT64_MAX - info->counted)
        return cs_json_unexpected(in, "unlabelled", "fewer", CLIPSPAN_E_FORMAT, err);
    info->images = info->counted + info->unlabelled;
    CS_TRY(cs_json_names(&names, &count, in, "class_names", err));
    status = cs_facts_classes(f, names, count, err);
    cs_free(names);
    CS_TRY(status);
    CS_TRY(cs_json_names(&names, &count, in, "group_names", err));
    status = cs_facts_groups(f, names, count, err);
    cs_free(names);
    return status;
}

static clipspan_status read_share(clipspan_share *out, const cs_json *in, const char *key,
                                  clipspan_error *err)
{
    char low[32], high[32], correct[32];
    snprintf(low, sizeof low, "%s_low", key);
    snprintf(high, sizeof high, "%s_high", key);
    snprintf(correct, sizeof correct, "%s_correct", key);
    CS_TRY(cs_json_count(&out->correct, in, correct, err));
    CS_TRY(cs_json_number(&out->share, in, key, 0, 1, err));
    CS_TRY(cs_json_number(&out->low, in, low, 0, 1, err));
    return cs_json_number(&out->high, in, high, 0, 1, err);
}

clipspan_status cs_json_comparison(cs_comparison *c, const cs_json *in, clipspan_error *err)
{
    memset(c, 0, sizeof *c);
    c->group = c->group_after = -1;
    CS_TRY(cs_json_count(&c->before.images, in, "images", err));
    c->after.images = c->before.images;
    CS_TRY(read_share(&c->before, in, "before", err));
    CS_TRY(read_share(&c->after, in, "after", err));
    CS_TRY(cs_json_number(&c->change, in, "change", -1, 1, err));
    CS_TRY(cs_json_number(&c->change_low, in, "change_low", -1, 1, err));
    return cs_json_number(&c->change_high, in, "change_high", -1, 1, err);
}

clipspan_status cs_json_place(int32_t *out, const cs_json *in, const char *key,
                              const char *const *names, size_t count, clipspan_error *err)
{
    const char *name = NULL;
    *out = -1;
    CS_TRY(cs_json_text(&name, in, key, err));
    if (!name) return CLIPSPAN_OK;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) *out = (int32_t)i;
    if (*out >= 0) return CLIPSPAN_OK;
    return cs_json_unexpected(in, key, "one of the document's groups", CLIPSPAN_E_FORMAT, err);
}
