/* SPDX-License-Identifier: MIT */
/* clipspan_remedy: argument checks around study/remedy.h; values of surgery. */
#include "api/evaluation_api.h"
#include "api/option_structs.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"
#include "study/study_json.h"

#include <clipspan/run.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_MOST ((uint64_t)256 << 20)

struct clipspan_remedy {
    cs_remedy *remedy;
};

static clipspan_status take_sides(clipspan_remedy_side_options *to,
                                  const clipspan_remedy_options *o, const cs_evaluation *ev,
                                  clipspan_error *err)
{
    const size_t P = cs_effects_shape(ev->effects).P;
    for (size_t i = 0; i < o->side_count; i++) {
        const clipspan_remedy_side_options *side = o->sides ? o->sides[i] : NULL;
        CS_TRY(cs_options_take(&to[i], sizeof to[i], side, "clipspan_remedy_side_options", err));
        if (!to[i].name || !to[i].bank || clipspan_bank_get_count(to[i].bank) < 2)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "side effect %zu needs a name, and a bank of two classes or more", i);
        if (clipspan_bank_get_width(to[i].bank) != P)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "%s: the bank's vectors have %zu numbers, not %zu", to[i].name,
                           clipspan_bank_get_width(to[i].bank), P);
        for (size_t k = 0; to[i].labels && k < ev->N; k++)
            if (to[i].labels[k] < -1 ||
                to[i].labels[k] >= (int64_t)clipspan_bank_get_count(to[i].bank))
                return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                               "%s: label %ld of image %zu is none of its classes", to[i].name,
                               (long)to[i].labels[k], k);
    }
    return CLIPSPAN_OK;
}

static clipspan_status make(cs_remedy **out, const cs_evaluation *ev,
                            const clipspan_remedy_options *o, const clipspan_progress *progress,
                            clipspan_error *err)
{
    clipspan_remedy_side_options *sides = cs_alloc_zero(o->side_count, sizeof *sides, "sides", err);
    const cs_remedy_wish wish = {
        .cue = clipspan_cues_get_info(o->cues),
        .found = clipspan_cues_get_found(o->cues, 0),
        .sides = sides,
        .side_count = o->side_count,
        .random_sets = o->random_sets < 0    ? 0
                       : o->random_sets == 0 ? o->published ? CS_RANDOM_PUBLISHED : CS_RANDOM_SETS
                                             : (size_t)o->random_sets,
        .published = o->published,
        .resamples = o->resamples < 0    ? 0
                     : o->resamples == 0 ? 1000
                                         : o->resamples,
        .seed = o->seed,
    };
    clipspan_status status = sides ? take_sides(sides, o, ev, err) : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK) status = cs_remedy_make(out, ev, &wish, progress, err);
    cs_free(sides);
    return status;
}

clipspan_status clipspan_remedy_new(clipspan_remedy **out, const clipspan_evaluation *evaluation,
                                    const clipspan_remedy_options *options,
                                    const clipspan_progress *progress, clipspan_error *err)
{
    const cs_evaluation *ev = evaluation ? &evaluation->evaluation : NULL;
    clipspan_remedy_options o;
    clipspan_remedy *remedy;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !ev)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_remedy_new: an argument is NULL");
    CS_TRY(cs_options_take(&o, sizeof o, options, "clipspan_remedy_options", err));
    if (cs_effects_columns(ev->effects) == cs_effects_classes(ev->effects))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the evaluation has no cue: give its effects one, such as that of "
                       "clipspan_cues_get_directions");
    remedy = cs_alloc_zero(1, sizeof *remedy, "remedies", err);
    if (!remedy) return CLIPSPAN_E_NOMEM;
    status = make(&remedy->remedy, ev, &o, progress, err);
    if (status == CLIPSPAN_OK)
        *out = remedy;
    else
        cs_free(remedy);
    return status;
}

void clipspan_remedy_free(clipspan_remedy **remedy)
{
    if (!remedy || !*remedy) return;
    cs_remedy_free(&(*remedy)->remedy);
    cs_free(*remedy);
    *remedy = NULL;
}

/* ---- Getters ---- */

const clipspan_remedy_info *clipspan_remedy_get_info(const clipspan_remedy *remedy)
{
    return remedy ? &remedy->remedy->info : NULL;
}

const clipspan_found_cue *clipspan_remedy_get_cue(const clipspan_remedy *remedy, size_t index)
{
    return remedy && index < remedy->remedy->cue.count ? &remedy->remedy->found[index] : NULL;
}

static const cs_remedy_pair *pair_of(const clipspan_remedy *remedy, size_t pair)
{
    return remedy && pair < remedy->remedy->info.pairs ? &remedy->remedy->pairs[pair] : NULL;
}

const clipspan_remedy_pair *clipspan_remedy_get_pair(const clipspan_remedy *remedy, size_t pair)
{
    const cs_remedy_pair *p = pair_of(remedy, pair);
    return p ? &p->pair : NULL;
}

const clipspan_shortcut_head *clipspan_remedy_get_head(const clipspan_remedy *remedy, size_t pair,
                                                       size_t index)
{
    const cs_remedy_pair *p = pair_of(remedy, pair);
    return p && index < p->pair.heads ? &p->heads[index] : NULL;
}

const clipspan_candidate *clipspan_remedy_get_candidate(const clipspan_remedy *remedy, size_t pair,
                                                        size_t index)
{
    const cs_remedy_pair *p = pair_of(remedy, pair);
    return p && index < p->pair.candidates ? &p->candidates[index] : NULL;
}

const clipspan_remedy_row *clipspan_remedy_get_row(const clipspan_remedy *remedy, size_t pair,
                                                   size_t index)
{
    const cs_remedy_pair *p = pair_of(remedy, pair);
    return p && index < p->pair.rows ? &p->rows[index].row : NULL;
}

const clipspan_comparison *clipspan_remedy_get_group(const clipspan_remedy *remedy, size_t pair,
                                                     size_t row, size_t group)
{
    const cs_remedy_pair *p = pair_of(remedy, pair);
    if (!p || row >= p->pair.rows || group >= remedy->remedy->facts.info.groups) return NULL;
    return &p->rows[row].groups[group].shown;
}

const clipspan_random_sets *clipspan_remedy_get_random(const clipspan_remedy *remedy, size_t pair)
{
    const cs_remedy_pair *p = pair_of(remedy, pair);
    return p && p->random.info.sets ? &p->random.info : NULL;
}

const clipspan_remedy_forecast *clipspan_remedy_get_forecast(const clipspan_remedy *remedy,
                                                             size_t pair, size_t index)
{
    const cs_remedy_pair *p = pair_of(remedy, pair);
    return p && index < CS_REMEDY_FORECAST ? &p->forecast[index] : NULL;
}

const clipspan_remedy_side *clipspan_remedy_get_side(const clipspan_remedy *remedy, size_t pair,
                                                     size_t index)
{
    const cs_remedy_pair *p = pair_of(remedy, pair);
    return p && index < p->pair.sides ? &p->sides[index].side : NULL;
}

const uint32_t *clipspan_remedy_get_predicted(const clipspan_remedy *remedy, size_t pair)
{
    const cs_remedy_pair *p = pair_of(remedy, pair);
    return p ? p->predicted : NULL;
}

const clipspan_weight_change *clipspan_remedy_get_weight_changes(const clipspan_remedy *remedy,
                                                                 size_t pair, size_t *count,
                                                                 size_t *width)
{
    const cs_remedy_pair *p = pair_of(remedy, pair);
    if (count) *count = p ? p->change_count : 0;
    if (width) *width = p ? p->width : 0;
    return p && p->change_count ? p->changes : NULL;
}

/* ---- Documents ---- */

clipspan_status clipspan_remedy_read(clipspan_remedy **out, const char *path, clipspan_error *err)
{
    static const cs_json_limits limits = {16, 1000000, 20000000, 0, "document"};
    clipspan_remedy *remedy;
    clipspan_status status;
    unsigned char *text = NULL;
    json_t *root = NULL;
    size_t size;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !path)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_remedy_read: an argument is NULL");
    remedy = cs_alloc_zero(1, sizeof *remedy, "remedies", err);
    if (!remedy) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_file_read_all(&text, &size, path, DOCUMENT_MOST, err));
    CS_TRY_DONE(cs_json_parse(&root, (const char *)text, size, &limits, path, err));
    CS_TRY_DONE(cs_remedy_parse(&remedy->remedy, root, path, err));
    *out = remedy;
    remedy = NULL;
done:
    json_decref(root);
    cs_free(text);
    cs_free(remedy);
    return status;
}

void clipspan_remedy_write_json(const clipspan_remedy *remedy, int flat,
                                void (*put)(void *to, const char *text, size_t size), void *to)
{
    if (remedy && put) cs_remedy_json(remedy->remedy, flat, put, to);
}

clipspan_status clipspan_remedy_keep(const clipspan_remedy *remedy, const clipspan_run *run,
                                     const clipspan_run *other, clipspan_error *err)
{
    cs_clear(err);
    if (!remedy || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_remedy_keep: an argument is NULL");
    return cs_remedy_keep(remedy->remedy, run->run, other ? other->run : NULL, err);
}

clipspan_status clipspan_remedy_open(clipspan_remedy **out, const clipspan_run *run,
                                     clipspan_error *err)
{
    clipspan_remedy *remedy;
    clipspan_status status;
    int stale = 0;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_remedy_open: an argument is NULL");
    remedy = cs_alloc_zero(1, sizeof *remedy, "remedies", err);
    if (!remedy) return CLIPSPAN_E_NOMEM;
    status = cs_remedy_read(&remedy->remedy, &stale, run->run, err);
    if (status == CLIPSPAN_OK && !remedy->remedy)
        status = cs_study_missing(run->run, "shortcut", stale, err);
    if (status == CLIPSPAN_OK)
        *out = remedy;
    else
        cs_free(remedy);
    return status;
}

/* ---- Surgery ---- */

typedef struct wanted {
    const char *path;
    uint64_t run_index;
    int found;
} wanted;

static int match_path(void *user, const clipspan_run_image *image)
{
    wanted *w = user;
    if (strcmp(image->status, "ok") != 0 || strcmp(image->path, w->path) != 0) return 0;
    w->run_index = image->run_index;
    w->found = 1;
    return 1;
}

clipspan_status clipspan_surgery_read_value(clipspan_change *change, const clipspan_run *run,
                                            const char *value, clipspan_error *err)
{
    wanted image = {value, 0, 0};
    clipspan_status status;
    double number;
    char *end;
    cs_clear(err);
    if (!change || !run || !value)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_surgery_read_value: an argument is NULL");
    change->kind = CLIPSPAN_CHANGE_MEAN;
    if (strcmp(value, "mean") == 0) return CLIPSPAN_OK;
    number = strtod(value, &end);
    if (*value && !*end && isfinite(number)) {
        change->kind = CLIPSPAN_CHANGE_SCALE;
        change->scale = number;
        return CLIPSPAN_OK;
    }
    status =
        clipspan_run_read_images(run, 0, cs_run_info(run->run)->images, match_path, &image, err);
    if (status != CLIPSPAN_OK && !image.found) return status;
    cs_clear(err);
    change->kind = CLIPSPAN_CHANGE_SWAP;
    change->run_index = image.run_index;
    if (image.found) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "expected a number, mean, or the path of an image that %.200s holds and could "
                   "use, found \"%.200s\"",
                   cs_run_info(run->run)->path, value);
}
