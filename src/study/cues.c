/* SPDX-License-Identifier: MIT */
/* A cue from its words, q = mean of the unit vectors of one side's texts less that of the other's,
 * or from a pool; and whether its words name a class, which is then no cue but the class itself. */
#include "study/cues.h"
#include "base/memory.h"
#include "base/owned.h"

#include <clipspan/encode.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#define SIDE_MOST 64 /* texts of a side */

static int in_word(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static int has_word(const char *text, const char *name)
{
    const size_t length = name ? strlen(name) : 0;
    for (const char *p = text; length && p && *p; p++) {
        const char *end = p + length;
        if (strncasecmp(p, name, length) != 0 || (p > text && in_word(p[-1]))) continue;
        if ((*end == 's' || *end == 'S') && !in_word(end[1])) return 1;
        if (!in_word(*end)) return 1;
    }
    return 0;
}

const char *cs_names_class(const char *text, const char *const *classes, size_t count)
{
    for (size_t c = 0; c < count; c++)
        if (has_word(text, classes[c])) return classes[c];
    return NULL;
}

/* ---- Handles ---- */

static clipspan_status new_cues(clipspan_cues **out, const clipspan_bank *classes,
                                const char *words, size_t count, size_t P, clipspan_error *err)
{
    const size_t names = classes ? clipspan_bank_get_count(classes) : 0;
    clipspan_cues *c = cs_alloc_zero(1, sizeof *c, "a cue", err);
    *out = NULL;
    if (!c) return CLIPSPAN_E_NOMEM;
    c->words = cs_strdup(words, err);
    c->directions = cs_alloc_zero(count, P * sizeof *c->directions, "cues", err);
    c->names = cs_alloc_zero(names, sizeof *c->names, "classes", err);
    for (size_t i = 0; c->names && i < names; i++) {
        c->names[i] = cs_strdup(clipspan_bank_get_name(classes, i), err);
        if (!c->names[i]) break;
        c->class_count++;
    }
    if (!c->words || !c->directions || !c->names || c->class_count < names) {
        clipspan_cues_free(&c);
        return CLIPSPAN_E_NOMEM;
    }
    c->info.words = c->words;
    c->info.count = count;
    c->info.names_class = cs_names_class(c->words, (const char *const *)c->names, c->class_count);
    *out = c;
    return CLIPSPAN_OK;
}

void clipspan_cues_free(clipspan_cues **cues)
{
    clipspan_cues *c = cues ? *cues : NULL;
    if (!c) return;
    for (size_t i = 0; c->found && i < c->info.count; i++) {
        cs_free(cs_owned(c->found[i].text));
        cs_free(cs_owned(c->found[i].category));
    }
    for (size_t i = 0; c->names && i < c->class_count; i++)
        cs_free(c->names[i]);
    cs_free(c->names);
    cs_free(c->found);
    cs_free(c->directions);
    cs_free(c->words);
    cs_free(c->pool);
    cs_free(c);
    *cues = NULL;
}

const clipspan_cues_info *clipspan_cues_get_info(const clipspan_cues *cues)
{
    return cues ? &cues->info : NULL;
}

const clipspan_found_cue *clipspan_cues_get_found(const clipspan_cues *cues, size_t index)
{
    return cues && cues->found && index < cues->info.count ? &cues->found[index] : NULL;
}

const float *clipspan_cues_get_directions(const clipspan_cues *cues)
{
    return cues ? cues->directions : NULL;
}

/* ---- In words ---- */

/* Adds sign times the mean unit vector of one side's texts. side is cut up. */
static clipspan_status add_side(float *direction, clipspan_encoder *encoder, char *side, float sign,
                                size_t P, clipspan_error *err)
{
    const char *texts[SIDE_MOST];
    clipspan_texts *list = NULL;
    clipspan_status status;
    float *vectors;
    size_t count = 0;
    while (side) {
        char *bar = strchr(side, '|');
        if (bar) *bar++ = '\0';
        side += strspn(side, " ");
        if (!*side || count == SIDE_MOST)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "--cue: expected two sides such as \"water|sea;grass|field\", each of 1 "
                           "to %d texts joined by |",
                           SIDE_MOST);
        texts[count++] = side;
        side = bar;
    }
    vectors = cs_alloc(count, P * sizeof *vectors, "texts", err);
    if (!vectors) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(clipspan_texts_new(&list, texts, NULL, count, err));
    CS_TRY_DONE(clipspan_encoder_run_texts(vectors, encoder, list, NULL, err));
    for (size_t i = 0; i < count * P; i++)
        direction[i % P] += sign / (float)count * vectors[i];
done:
    clipspan_texts_free(&list);
    cs_free(vectors);
    return status;
}

clipspan_status clipspan_cues_new(clipspan_cues **out, const char *words, clipspan_encoder *encoder,
                                  const clipspan_bank *classes, clipspan_error *err)
{
    char *copy, *second;
    clipspan_cues *cues = NULL;
    clipspan_status status;
    size_t P;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !words || !encoder || !classes)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_cues_new: an argument is NULL");
    P = clipspan_bank_get_width(classes);
    copy = cs_strdup(words, err);
    if (!copy) return CLIPSPAN_E_NOMEM;
    second = strchr(copy, ';');
    if (!second || strchr(second + 1, ';')) {
        status = cs_fail(err, CLIPSPAN_E_ARGUMENT,
                         "--cue: expected two sides joined by one \";\", such as \"water;grass\", "
                         "found \"%.80s\"",
                         words);
        goto done;
    }
    *second++ = '\0';
    CS_TRY_DONE(new_cues(&cues, classes, words, 1, P, err));
    CS_TRY_DONE(add_side(cues->directions, encoder, copy, 1.0F, P, err));
    CS_TRY_DONE(add_side(cues->directions, encoder, second, -1.0F, P, err));
    *out = cues;
    cues = NULL;
done:
    clipspan_cues_free(&cues);
    cs_free(copy);
    return status;
}

/* ---- In a pool ---- */

static clipspan_status keep_found(clipspan_cues *c, const clipspan_cue *found,
                                  const clipspan_bank *pool, clipspan_error *err)
{
    c->found = cs_alloc_zero(c->info.count, sizeof *c->found, "cues", err);
    if (!c->found) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < c->info.count; i++) {
        clipspan_found_cue *to = &c->found[i];
        to->strength = found[i].strength;
        to->text = cs_strdup(clipspan_bank_get_name(pool, found[i].text), err);
        to->category = cs_strdup(clipspan_bank_get_key(pool, found[i].text) + 1, err);
        if (!to->text || !to->category) return CLIPSPAN_E_NOMEM;
        to->names_class = cs_names_class(to->text, (const char *const *)c->names, c->class_count);
    }
    return CLIPSPAN_OK;
}

clipspan_status clipspan_cues_new_search(clipspan_cues **out, const clipspan_run *run,
                                         const clipspan_bank *classes, const clipspan_bank *pool,
                                         const char *name, int threads,
                                         const clipspan_progress *progress, clipspan_error *err)
{
    clipspan_effects_options options = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_effects *effects = NULL;
    clipspan_cue found[CS_CUES_MOST];
    clipspan_cues *cues = NULL;
    clipspan_status status;
    float *directions;
    size_t count, P;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !run || !classes || !pool)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_cues_new_search: an argument is NULL");
    P = clipspan_bank_get_width(pool);
    options.threads = threads;
    directions = cs_alloc(CS_CUES_MOST, P * sizeof *directions, "cues", err);
    if (!directions) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(clipspan_effects_new(&effects, run, classes, &options, progress, err));
    CS_TRY_DONE(
        clipspan_cue_search(found, directions, &count, CS_CUES_MOST, effects, 0, 1, pool, err));
    CS_TRY_DONE(new_cues(&cues, classes, count ? clipspan_bank_get_name(pool, found[0].text) : "",
                         count, P, err));
    cues->info.found = 1;
    memcpy(cues->directions, directions, count * P * sizeof *directions);
    CS_TRY_DONE(keep_found(cues, found, pool, err));
    if (name) {
        cues->pool = cs_strdup(name, err);
        cues->info.pool = cues->pool;
        if (!cues->pool) CS_TRY_DONE(CLIPSPAN_E_NOMEM);
    }
    *out = cues;
    cues = NULL;
done:
    clipspan_cues_free(&cues);
    clipspan_effects_free(&effects);
    cs_free(directions);
    return status;
}
