/* SPDX-License-Identifier: MIT */
/* Sums and the largest of an explanation's numbers. */
#include "study/findings.h"

#include <clipspan/run.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/top.h"

const clipspan_atlas_head *cs_findings_known(const cs_atlas *atlas, size_t index)
{
    const size_t first =
        atlas ? (size_t)atlas->info.first_layer * (size_t)atlas->info.run->heads : 0;
    return atlas && index >= first && index - first < atlas->info.heads
               ? &atlas->heads[index - first]
               : NULL;
}

const char *cs_findings_role(int *leaning, const clipspan_atlas_head *known)
{
    *leaning = 0;
    if (!known || known->removed || known->role->outcome < CLIPSPAN_OUTCOME_LEANING) return NULL;
    *leaning = known->role->outcome == CLIPSPAN_OUTCOME_LEANING;
    return known->role->category[0];
}

void cs_findings_role_text(char out[64], const char *role, int leaning)
{
    out[0] = '\0';
    if (role) snprintf(out, 64, "%.40s%s", role, leaning ? ", leaning" : "");
}

static double sum_of(const double *numbers, size_t n)
{
    double sum = 0;
    size_t i;
    for (i = 0; i < n; i++)
        sum += numbers[i];
    return sum;
}

/* ---- Of one text ---- */

static void find_margin(clipspan_finding *f, const clipspan_explanation_info *x)
{
    f->other = x->texts > 1 ? x->order[f->rank == 0] : f->text;
    f->margin = x->similarity[f->text] - x->similarity[f->other];
}

/* The two layers whose attention is largest: together they may be most of it, but only where both
 * work as the whole does. */
static void find_layers(clipspan_finding *f, const clipspan_explanation_info *x)
{
    const size_t L = (size_t)x->layers;
    const double *attention = x->attention + f->text * L, *mlp = x->mlp + f->text * (L + 1);
    size_t best[2];
    double values[2], share;
    int i;
    f->attention = sum_of(attention, L);
    f->mlps = sum_of(mlp + 1, L);
    f->input = mlp[0];
    f->layer[0] = f->layer[1] = -1;
    if (L < 3) return;
    cs_top_largest(best, values, 2, attention, L);
    f->layer[0] = (int)(best[0] < best[1] ? best[0] : best[1]);
    f->layer[1] = (int)(best[0] + best[1]) - f->layer[0];
    for (i = 0; i < 2; i++)
        f->layer_part[i] = attention[f->layer[i]];
    share = (f->layer_part[0] + f->layer_part[1]) / f->attention;
    f->concentrated = f->layer_part[0] / f->attention > 0 && f->layer_part[1] / f->attention > 0 &&
                      share >= 0.5 && share <= 1.2;
}

static void list_heads(clipspan_finding *f, clipspan_finding_head *out, const cs_findings *all)
{
    const size_t H = (size_t)all->x->heads, heads = (size_t)all->x->layers * H;
    size_t i;
    for (i = 0; i < heads; i++) {
        out[i].head.layer = (int)(i / H);
        out[i].head.head = (int)(i % H);
        out[i].part = all->x->head[f->text * heads + i];
        out[i].known = cs_findings_known(all->atlas, i);
        out[i].role = cs_findings_role(&out[i].leaning, out[i].known);
    }
    f->every = out;
}

static void find_heads(clipspan_finding *f, clipspan_finding_head *out, const cs_findings *all,
                       size_t top)
{
    const size_t heads = (size_t)all->x->layers * (size_t)all->x->heads;
    size_t best[CS_FINDINGS_MOST], i;
    double values[CS_FINDINGS_MOST];
    f->head = out;
    f->heads = cs_top_largest(best, values, top, all->x->head + f->text * heads, heads);
    for (i = 0; i < f->heads; i++)
        out[i] = f->every[best[i]];
}

static int same_role(const clipspan_finding_role *a, const char *role, int leaning)
{
    if (!a->role || !role) return a->role == role;
    return a->leaning == leaning && strcmp(a->role, role) == 0;
}

static void find_roles(clipspan_finding *f, clipspan_finding_role *out, const cs_findings *all)
{
    const size_t heads = (size_t)all->x->layers * (size_t)all->x->heads;
    size_t i, at;
    f->role = out;
    f->roles = 0;
    for (i = 0; i < heads && all->atlas; i++) {
        const clipspan_finding_head *head = &f->every[i];
        for (at = 0; at < f->roles && !same_role(&out[at], head->role, head->leaning); at++)
            ;
        if (at == f->roles) {
            const clipspan_finding_role fresh = {head->role, head->leaning, 0, 0};
            out[f->roles++] = fresh;
        }
        out[at].heads++;
        out[at].part += head->part;
    }
    for (i = 1; i < f->roles; i++) {
        const clipspan_finding_role moved = out[i];
        for (at = i; at > 0 && fabs(moved.part) > fabs(out[at - 1].part); at--)
            out[at] = out[at - 1];
        out[at] = moved;
    }
}

static clipspan_finding_patch make_patch(const double *patches, size_t n, int width)
{
    const clipspan_finding_patch patch = {(int)(n / (size_t)width), (int)(n % (size_t)width),
                                          patches[n]};
    return patch;
}

/* out : [top + 1], the last for the highest of all. */
static void find_patches(clipspan_finding *f, clipspan_finding_patch *out,
                         const clipspan_explanation_info *x, size_t top)
{
    const double *token = x->token + f->text * x->tokens, *patch = token + x->class_token;
    const size_t count = x->tokens - (size_t)x->class_token;
    size_t best[CS_FINDINGS_MOST], highest = 0, i;
    double values[CS_FINDINGS_MOST];
    f->patch = out;
    f->patches = cs_top_largest(best, values, top, patch, count);
    for (i = 0; i < f->patches; i++)
        out[i] = make_patch(patch, best[i], x->grid_width);
    for (i = 0; i < count; i++) {
        if (patch[i] > patch[highest]) highest = i;
        if (patch[i] > 0)
            f->above += patch[i];
        else
            f->below += patch[i];
    }
    f->class_token = x->class_token ? token[0] : 0.0;
    if (!f->patches) return;
    out[top] = make_patch(patch, highest, x->grid_width);
    f->highest = &out[top];
}

/* ---- All texts ---- */

void cs_findings_free(cs_findings **findings)
{
    cs_findings *f = findings ? *findings : NULL;
    if (!f) return;
    cs_free(f->findings);
    cs_free(f->every);
    cs_free(f->heads);
    cs_free(f->roles);
    cs_free(f->patches);
    cs_free(f);
    *findings = NULL;
}

/* Roles that can be told apart: two a category, and none. */
static size_t count_roles(const cs_atlas *atlas)
{
    return atlas ? 2 * atlas->info.heads + 1 : 1;
}

clipspan_status cs_findings_new(cs_findings **out, const clipspan_explanation_info *x,
                                const cs_atlas *atlas, size_t top, clipspan_error *err)
{
    cs_findings *f = cs_alloc_zero(1, sizeof *f, "findings", err);
    const size_t roles = count_roles(atlas), all = (size_t)x->layers * (size_t)x->heads;
    size_t i, numbers, every;
    *out = NULL;
    if (!f) return CLIPSPAN_E_NOMEM;
    f->x = x;
    f->atlas = atlas;
    f->count = x->texts;
    if (!cs_size_mul(&numbers, x->texts, roles)) numbers = SIZE_MAX;
    if (!cs_size_mul(&every, x->texts, all)) every = SIZE_MAX;
    f->every = cs_alloc_zero(every, sizeof *f->every, "findings", err);
    f->findings = cs_alloc_zero(x->texts, sizeof *f->findings, "findings", err);
    f->heads = cs_alloc_zero(x->texts * top, sizeof *f->heads, "findings", err);
    f->patches = cs_alloc_zero(x->texts * (top + 1), sizeof *f->patches, "findings", err);
    f->roles = cs_alloc_zero(numbers, sizeof *f->roles, "findings", err);
    if (!f->findings || !f->every || !f->heads || !f->patches || !f->roles) {
        cs_findings_free(&f);
        return CLIPSPAN_E_NOMEM;
    }
    for (i = 0; i < x->texts; i++) {
        clipspan_finding *one = &f->findings[i];
        one->rank = i;
        one->text = x->order[i];
        one->name = x->names[one->text];
        one->similarity = x->similarity[one->text];
        one->value = x->value[one->text];
        find_margin(one, x);
        find_layers(one, x);
        list_heads(one, f->every + i * all, f);
        find_heads(one, f->heads + i * top, f, top);
        find_roles(one, f->roles + i * roles, f);
        find_patches(one, f->patches + i * (top + 1), x, top);
    }
    *out = f;
    return CLIPSPAN_OK;
}
