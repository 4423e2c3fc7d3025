/* SPDX-License-Identifier: MIT */
/* clipspan_shortcut: argument checks around run/shortcut.h. */
#include "api/effects_api.h"
#include "base/memory.h"

#include <string.h>

struct clipspan_shortcut {
    cs_shortcut *shortcut;
};

static clipspan_status check_pair(const cs_effects *e, size_t a, size_t b, clipspan_error *err)
{
    if (a != b && a < cs_effects_classes(e) &&
        (b < cs_effects_classes(e) || b == CLIPSPAN_THE_REST))
        return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "classes %zu and %zu were asked for; expected two different ones of %zu", a, b,
                   cs_effects_classes(e));
}

clipspan_status clipspan_shortcut_new(clipspan_shortcut **out, clipspan_effects *effects, size_t a,
                                      size_t b, size_t cue, clipspan_error *err)
{
    clipspan_shortcut *s;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !effects)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_shortcut_new: an argument is NULL");
    CS_TRY(check_pair(effects->effects, a, b, err));
    CS_TRY(clipspan_effects_read_cue(NULL, NULL, effects, cue, err));
    s = cs_alloc_zero(1, sizeof *s, "a shortcut", err);
    if (!s) return CLIPSPAN_E_NOMEM;
    status = cs_shortcut_new(&s->shortcut, effects->effects, a, b, cue, err);
    if (status == CLIPSPAN_OK)
        *out = s;
    else
        cs_free(s);
    return status;
}

void clipspan_shortcut_free(clipspan_shortcut **shortcut)
{
    if (!shortcut || !*shortcut) return;
    cs_shortcut_free(&(*shortcut)->shortcut);
    cs_free(*shortcut);
    *shortcut = NULL;
}

const clipspan_shortcut_info *clipspan_shortcut_get_info(const clipspan_shortcut *shortcut)
{
    return shortcut ? &shortcut->shortcut->info : NULL;
}

const clipspan_shortcut_head *clipspan_shortcut_get_heads(const clipspan_shortcut *shortcut)
{
    return shortcut ? shortcut->shortcut->heads : NULL;
}

const clipspan_candidate *clipspan_shortcut_get_candidates(const clipspan_shortcut *shortcut)
{
    return shortcut ? shortcut->shortcut->candidates : NULL;
}

clipspan_status clipspan_shortcut_get_changes(clipspan_change *changes, size_t *count,
                                              const clipspan_shortcut *shortcut,
                                              clipspan_remedy_kind remedy, int heads,
                                              clipspan_error *err)
{
    const cs_shortcut *s = shortcut ? shortcut->shortcut : NULL;
    cs_clear(err);
    if (!changes || !count || !s)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_shortcut_get_changes: an argument is NULL");
    if (remedy < CLIPSPAN_REMEDY_NONE || remedy > CLIPSPAN_REMEDY_REGRESS || heads < 0 ||
        (size_t)heads > s->info.heads)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "remedy %d with %d heads was asked for; expected 0 to 4 with 0 to %zu",
                       (int)remedy, heads, s->info.heads);
    *count = cs_shortcut_changes(changes, s, remedy, (size_t)heads);
    return CLIPSPAN_OK;
}

/* Numbers of the categories "!…" of a pool: category : [count], -1 for other texts. */
static size_t number_categories(int32_t *category, const clipspan_bank *pool)
{
    const size_t count = clipspan_bank_get_count(pool);
    size_t texts = 0;
    int32_t next = 0;
    for (size_t i = 0; i < count; i++) {
        const char *key = clipspan_bank_get_key(pool, i);
        category[i] = -1;
        if (*key != '!') continue;
        texts++;
        for (size_t k = i; k > 0 && category[i] < 0; k--)
            if (strcmp(clipspan_bank_get_key(pool, k - 1), key) == 0) category[i] = category[k - 1];
        if (category[i] < 0) category[i] = next++;
    }
    return texts;
}

/* The directions of the texts that were found: text less the mean of its category. */
static void give_directions(float *directions, const size_t *best, size_t found,
                            const int32_t *category, const clipspan_bank *pool)
{
    const size_t P = clipspan_bank_get_width(pool), count = clipspan_bank_get_count(pool);
    const float *vectors = clipspan_bank_get_vectors(pool);
    for (size_t k = 0; k < found; k++)
        for (size_t p = 0; p < P; p++) {
            double sum = 0.0, held = 0.0;
            for (size_t t = 0; t < count; t++) {
                if (category[t] != category[best[k]]) continue;
                sum += (double)vectors[t * P + p];
                held += 1.0;
            }
            directions[k * P + p] = (float)((double)vectors[best[k] * P + p] - sum / held);
        }
}

clipspan_status clipspan_cue_search(clipspan_cue *cues, float *directions, size_t *count,
                                    size_t most, const clipspan_effects *effects, size_t a,
                                    size_t b, const clipspan_bank *pool, clipspan_error *err)
{
    const size_t texts = clipspan_bank_get_count(pool);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    int32_t *category;
    double *strength;
    size_t *best, i;
    cs_clear(err);
    if (!cues || !count || most == 0 || !effects || !pool)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_cue_search: an argument is NULL, or no cue is asked for");
    *count = 0;
    CS_TRY(check_pair(effects->effects, a, b, err));
    if (clipspan_bank_get_width(pool) != cs_effects_shape(effects->effects).P)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "the pool's vectors have %zu numbers, not %zu",
                       clipspan_bank_get_width(pool), cs_effects_shape(effects->effects).P);
    category = cs_alloc(texts, sizeof *category, "categories", err);
    best = cs_alloc(most, sizeof *best, "cues", err);
    strength = cs_alloc(most, sizeof *strength, "cues", err);
    if (!category || !best || !strength) goto done;
    if (number_categories(category, pool) == 0) {
        status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                         "the pool has no category that begins with \"!\" (not of objects), so no "
                         "cue can be looked for in it; name the cue");
        goto done;
    }
    CS_TRY_DONE(cs_shortcut_search(best, strength, count, most, effects->effects, a, b,
                                   clipspan_bank_get_vectors(pool), category, texts, err));
    for (i = 0; i < *count; i++) {
        cues[i].text = best[i];
        cues[i].strength = strength[i];
    }
    if (directions) give_directions(directions, best, *count, category, pool);
done:
    cs_free(category);
    cs_free(best);
    cs_free(strength);
    return status;
}
