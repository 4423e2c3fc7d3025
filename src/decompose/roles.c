/* SPDX-License-Identifier: MIT */
/* Roles of heads: strengths of categories, what chance would give, stability. */
#include "decompose/roles.h"
#include "base/memory.h"
#include "decompose/false_discovery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ENTERING 5
#define NARROW        32 /* head widths below take fewer basis texts */

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

static int32_t number_of(const cs_categories *c, const char *name)
{
    for (size_t i = 0; name && i < c->count; i++)
        if (c->names[i] == name) return (int32_t)i;
    return -1;
}

void cs_roles_describe(clipspan_role *role, const cs_span *span, const cs_categories *c, size_t K)
{
    const int32_t category = number_of(c, role->category[0]);
    const int wanted = cs_roles_entering(K);
    role->entering = (size_t)wanted < span->basis_texts ? wanted : (int)span->basis_texts;
    role->named = named_by(span, role->entering);
    if (span->basis_texts && c->of[span->basis_text[0].text] >= 0)
        role->first_category = c->names[c->of[span->basis_text[0].text]];
    if (category < 0 || span->resamples == 0) return;
    role->category_returns = returns_of(span, c, category, role->entering);
    role->stability = 0.0;
    for (size_t k = span->basis_texts; k-- > 0;) /* the first one comes last */
        if (c->of[span->basis_text[k].text] == category)
            role->stability = span->basis_text[k].any_place;
}

/* What a head gets that stands out for one category. */
static clipspan_role_outcome claim_of(const clipspan_role *role)
{
    if (role->explained_variance[0] < CLIPSPAN_ROLE_EXPLAINED || role->control_pools == 0 ||
        role->control_above > 0 || role->explained_variance[0] <= role->control_variance ||
        role->stability < CLIPSPAN_ROLE_RETURNS)
        return CLIPSPAN_OUTCOME_LEANING;
    return CLIPSPAN_OUTCOME_ROLE;
}

static int leads(const clipspan_role *role)
{
    return !role->category[1] || role->enrichment[0] >= CLIPSPAN_ROLE_LEAD * role->enrichment[1];
}

/* The answers' category in place of the texts'. */
static void take_answer(clipspan_role *role, const cs_role_answer *answer)
{
    role->by_answers = 1;
    for (int i = 0; i < 2; i++) {
        role->category[i] = answer->category[i];
        role->enrichment[i] = answer->enrichment[i];
        role->explained_variance[i] = answer->share[i];
    }
    role->p = answer->turned_p;
    role->relabelled_p = answer->dealt_p;
    role->control_variance = answer->control;
    role->control_above = answer->above;
    role->stability = role->category_returns = answer->returns;
}

/* The outcome of one head. own, other: q of its texts and of its answers, -1 without. Texts that
 * lie along what the images do not differ in are no claim, so answers of another category that
 * part the head's output CLIPSPAN_ROLE_LEAD times as well, and as much as a role takes, speak
 * against it. */
static void judge(clipspan_role *role, const cs_role_answer *answer, double own, double other,
                  double fdr)
{
    const int texts = own >= 0.0 && own <= fdr, answers = other >= 0.0 && other <= fdr;
    const int against = answer && answer->turned_p >= 0.0 &&
                        answer->share[0] >= CLIPSPAN_ROLE_EXPLAINED &&
                        answer->share[0] > CLIPSPAN_ROLE_LEAD * answer->own;
    role->q = own;
    role->stand_out = texts + answers;
    if (role->outcome == CLIPSPAN_OUTCOME_TOO_FEW_IMAGES) return;
    role->outcome = CLIPSPAN_OUTCOME_NONE;
    if (texts && leads(role) && !against) {
        role->outcome = claim_of(role);
        if (role->outcome == CLIPSPAN_OUTCOME_ROLE || !answers) return;
    }
    if (answers) { /* also where the texts only lean */
        take_answer(role, answer);
        role->q = other;
        role->outcome = claim_of(role);
    } else if (texts) {
        role->outcome = CLIPSPAN_OUTCOME_AMBIGUOUS;
        if (against && leads(role)) {
            role->category[1] = answer->category[0];
            role->enrichment[1] = 0.0;
            role->explained_variance[1] = answer->share[0];
        }
    }
}

/* q over count heads. Claims of either of two tests, each at half of the rate, keep all of it:
 * with two of them q is twice what one test gives. */
static clipspan_status adjust(double *q, const double *p, size_t count, int tests,
                              clipspan_error *err)
{
    CS_TRY(cs_false_discovery(q, p, count, err));
    for (size_t i = 0; i < count; i++)
        if (q[i] >= 0.0) q[i] = fmin(1.0, tests * q[i]);
    return CLIPSPAN_OK;
}

clipspan_status cs_roles_judge(clipspan_role *roles, const cs_role_answer *answers, size_t count,
                               double fdr, clipspan_error *err)
{
    double *p = cs_alloc(4 * count, sizeof *p, "the p values of heads", err), *q;
    clipspan_status status;
    int tests = 1;
    if (!p) return CLIPSPAN_E_NOMEM;
    q = p + 2 * count;
    for (size_t i = 0; i < count; i++) {
        p[i] = roles[i].p < 0.0 ? -1.0 : fmax(roles[i].p, roles[i].relabelled_p);
        p[count + i] = !answers || roles[i].p < 0.0 || answers[i].turned_p < 0.0
                           ? -1.0
                           : fmax(answers[i].turned_p, answers[i].dealt_p);
        if (p[count + i] >= 0.0) tests = 2;
    }
    status = adjust(q, p, count, tests, err);
    if (status == CLIPSPAN_OK) status = adjust(q + count, p + count, count, tests, err);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++)
        judge(&roles[i], answers ? &answers[i] : NULL, q[i], q[count + i], fdr);
    cs_free(p);
    return status;
}
