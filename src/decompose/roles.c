/* SPDX-License-Identifier: MIT */
/* Roles of heads: strengths of categories, what chance would give, stability. */
#include "decompose/roles.h"
#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

#define MOST_ENTERING 5
#define NARROW        32  /* head widths below take fewer basis texts */
#define ABOVE_CHANCE  950 /* of the relabellings, sorted: the 95th percentile */
#define RETURNS       0.5 /* of the resamples */

static const char *name_of(const char *key)
{
    if (!key) return "";
    return *key == '!' ? key + 1 : key;
}

/* Category of a text, -1 for none; a new one gets its name and number. */
static int32_t category_of(cs_categories *c, const char *key)
{
    const char *name = name_of(key);
    size_t i = 0;
    if (*name == '\0') return -1;
    while (i < c->count && strcmp(c->names[i], name) != 0)
        i++;
    if (i == c->count) c->names[c->count++] = name;
    if (*key != '!') c->objects[i] = 1;
    return (int32_t)i;
}

clipspan_status cs_categories_new(cs_categories **out, const char *const *keys, size_t T,
                                  clipspan_error *err)
{
    cs_categories *c = cs_alloc_zero(1, sizeof *c, "categories", err);
    *out = NULL;
    if (!c) return CLIPSPAN_E_NOMEM;
    c->texts = T;
    c->of = cs_alloc(T, sizeof *c->of, "categories", err);
    c->names = cs_alloc(T, sizeof *c->names, "categories", err);
    c->objects = cs_alloc_zero(T, sizeof *c->objects, "categories", err);
    if (!c->of || !c->names || !c->objects) {
        cs_categories_free(&c);
        return CLIPSPAN_E_NOMEM;
    }
    for (size_t i = 0; i < T; i++)
        c->of[i] = category_of(c, keys[i]);
    *out = c;
    return CLIPSPAN_OK;
}

void cs_categories_free(cs_categories **categories)
{
    if (!*categories) return;
    cs_free((*categories)->of);
    cs_free((*categories)->names);
    cs_free((*categories)->objects);
    cs_free(*categories);
    *categories = NULL;
}

int cs_roles_entering(size_t K)
{
    if (K >= NARROW) return MOST_ENTERING;
    return K / 6 < 2 ? 2 : (int)(K / 6);
}

/* Strengths of the categories among a few basis texts. */
typedef struct tally {
    size_t count;
    int32_t category[MOST_ENTERING];
    double explained_variance[MOST_ENTERING];
} tally;

static void add(tally *t, int32_t category, double share)
{
    size_t i = 0;
    if (category < 0) return;
    while (i < t->count && t->category[i] != category)
        i++;
    if (i == t->count) {
        t->category[t->count++] = category;
        t->explained_variance[i] = 0.0;
    }
    t->explained_variance[i] += share;
}

/* Index of the strongest but one, the first of equal ones; count when there is none. */
static size_t strongest(const tally *t, size_t but)
{
    size_t best = t->count;
    for (size_t i = 0; i < t->count; i++)
        if (i != but &&
            (best == t->count || t->explained_variance[i] > t->explained_variance[best]))
            best = i;
    return best;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The 95th percentile of the largest strength when the pool's labels are dealt anew. Only the texts
 * that were picked matter, so only they are dealt: each takes one of the labels that are left. */
static double chance_bound(int32_t *deck, const cs_categories *c, const cs_span *span, int entering,
                           uint64_t seed)
{
    cs_random random = {seed};
    double largest[CS_RELABELLINGS];
    memcpy(deck, c->of, c->texts * sizeof *deck);
    for (size_t r = 0; r < CS_RELABELLINGS; r++) {
        tally t = {.count = 0};
        size_t best;
        for (int k = 0; k < entering; k++) {
            size_t from = (size_t)k + (size_t)cs_random_below(&random, c->texts - (size_t)k);
            int32_t dealt = deck[from];
            deck[from] = deck[k];
            deck[k] = dealt;
            add(&t, dealt, span->basis_text[k].share);
        }
        best = strongest(&t, SIZE_MAX);
        largest[r] = best < t.count ? t.explained_variance[best] : 0.0;
    }
    qsort(largest, CS_RELABELLINGS, sizeof *largest, by_size);
    return largest[ABOVE_CHANCE - 1];
}

/* In how many resamples a category is the strongest of the basis texts that enter. */
static double returns_of(const cs_span *span, const cs_categories *c, int32_t category,
                         int entering)
{
    int again = 0;
    if (span->resamples == 0) return -1.0;
    for (int s = 0; s < span->resamples; s++) {
        const size_t first = (size_t)s * span->basis_texts;
        tally t = {.count = 0};
        size_t best;
        for (size_t k = first; k < first + (size_t)entering; k++)
            if (span->drawn[k] != UINT32_MAX)
                add(&t, c->of[span->drawn[k]], (double)span->drawn_shares[k]);
        best = strongest(&t, SIZE_MAX);
        again += best < t.count && t.category[best] == category;
    }
    return (double)again / (double)span->resamples;
}

static double named_by(const cs_span *span, int entering)
{
    double sum = 0.0;
    for (size_t k = 0; k < span->basis_texts && k < (size_t)entering; k++)
        sum += span->basis_text[k].share;
    return sum;
}

/* Puts the rule's numbers together; t holds at least one category. */
static void judge(clipspan_role *role, const tally *t, size_t first, size_t second)
{
    int leads = second == t->count ||
                role->explained_variance[0] >= CLIPSPAN_ROLE_LEAD * role->explained_variance[1];
    int real = role->explained_variance[0] > role->bound;
    if (leads && real && role->stability >= RETURNS)
        role->kind = CLIPSPAN_ROLE_CLEAR;
    else if (second < t->count && role->explained_variance[1] > role->bound)
        role->kind = CLIPSPAN_ROLE_MIXED;
    role->untested = leads && real && role->stability < 0.0;
    role->purity = 0.0;
    for (size_t i = 0; i < t->count; i++)
        role->purity += t->explained_variance[i];
    if (role->purity > 0.0) role->purity = t->explained_variance[first] / role->purity;
}

clipspan_status cs_role_run(clipspan_role *out, const cs_span *span, const cs_span *null,
                            const cs_categories *categories, size_t K, uint64_t seed,
                            clipspan_error *err)
{
    clipspan_role role = {.stability = -1.0, .category_returns = -1.0, .control_named = -1.0};
    int wanted = cs_roles_entering(K);
    tally t = {.count = 0};
    size_t first, second;
    int32_t *deck;
    role.entering = (size_t)wanted < span->basis_texts ? wanted : (int)span->basis_texts;
    role.named = named_by(span, role.entering);
    if (null) role.control_named = named_by(null, role.entering);
    for (int k = 0; k < role.entering; k++)
        add(&t, categories->of[span->basis_text[k].text], span->basis_text[k].share);
    first = strongest(&t, SIZE_MAX);
    *out = role;
    if (first == t.count) return CLIPSPAN_OK;
    second = strongest(&t, first);
    role.category[0] = categories->names[t.category[first]];
    role.explained_variance[0] = t.explained_variance[first];
    if (second < t.count) {
        role.category[1] = categories->names[t.category[second]];
        role.explained_variance[1] = t.explained_variance[second];
    }
    for (int k = role.entering; k-- > 0;) /* the top basis text comes last */
        if (categories->of[span->basis_text[k].text] == t.category[first])
            role.stability = span->basis_text[k].any_place;
    role.category_returns = returns_of(span, categories, t.category[first], role.entering);
    deck = cs_alloc(categories->texts, sizeof *deck, "relabellings", err);
    if (!deck) return CLIPSPAN_E_NOMEM;
    role.bound = chance_bound(deck, categories, span, role.entering, seed);
    cs_free(deck);
    judge(&role, &t, first, second);
    *out = role;
    return CLIPSPAN_OK;
}
