/* SPDX-License-Identifier: MIT */
/* Choosing heads and texts, and centring their maps on a run's means. */
#include "study/joint_figure.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/top.h"
#include "tensor/moments.h"

void cs_joint_free(cs_joint **joint)
{
    cs_joint *j = joint ? *joint : NULL;
    if (!j) return;
    cs_free(j->texts);
    cs_free(j->cells);
    cs_free(j->maps);
    cs_free(j);
    *joint = NULL;
}

/* ---- Heads and texts ---- */

static const clipspan_atlas_head *known_head(const cs_joint *j, clipspan_head head)
{
    if (head.layer < 0 || head.layer >= j->x->layers || head.head < 0 || head.head >= j->x->heads)
        return NULL;
    return cs_findings_known(j->atlas,
                             (size_t)head.layer * (size_t)j->x->heads + (size_t)head.head);
}

static clipspan_status take_named(cs_joint *j, const clipspan_head *heads, size_t count,
                                  clipspan_error *err)
{
    size_t i;
    if (count > CS_JOINT_MOST)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "%zu heads were named; a figure has room for %d",
                       count, CS_JOINT_MOST);
    for (i = 0; i < count; i++) {
        const clipspan_atlas_head *known = known_head(j, heads[i]);
        if (!known || !known->basis_texts)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "L%d.H%d has no texts in the run's atlas, which looked at layers %d to "
                           "%d; choose others with --heads",
                           heads[i].layer, heads[i].head, j->atlas->info.first_layer,
                           j->atlas->info.last_layer);
        j->heads[j->count++] = heads[i];
    }
    return CLIPSPAN_OK;
}

/* Of the strongest heads of the first text those that have texts. */
static clipspan_status take_strongest(cs_joint *j, size_t rows, clipspan_error *err)
{
    const size_t H = (size_t)j->x->heads, all = (size_t)j->x->layers * H;
    size_t best[CS_JOINT_MOST], i;
    double values[CS_JOINT_MOST];
    const size_t found =
        cs_top_largest(best, values, CS_JOINT_MOST, j->x->head + j->x->order[0] * all, all);
    for (i = 0; i < found && j->count < rows; i++) {
        const clipspan_head head = {(int)(best[i] / H), (int)(best[i] % H)};
        const clipspan_atlas_head *known = known_head(j, head);
        if (known && known->basis_texts) j->heads[j->count++] = head;
    }
    if (j->count) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "none of the %zu strongest heads has texts in the run's atlas, which looked at "
                   "layers %d to %d; name heads with --heads",
                   found, j->atlas->info.first_layer, j->atlas->info.last_layer);
}

static clipspan_status list_texts(cs_joint *j, clipspan_error *err)
{
    size_t i;
    int k;
    for (i = 0; i < j->count; i++)
        j->first[i + 1] = j->first[i] + (size_t)known_head(j, j->heads[i])->basis_texts;
    j->text_count = j->first[j->count];
    j->texts = cs_alloc(j->text_count, sizeof *j->texts, "texts of a figure", err);
    if (!j->texts) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < j->count; i++) {
        const clipspan_atlas_head *known = known_head(j, j->heads[i]);
        for (k = 0; k < known->basis_texts; k++)
            j->texts[j->first[i] + (size_t)k] =
                j->atlas->texts[known->basis_text[k].basis_text->text].text;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_joint_new(cs_joint **out, const clipspan_explanation_info *x,
                             const cs_atlas *atlas, const clipspan_head *heads, size_t count,
                             size_t rows, size_t columns, clipspan_error *err)
{
    cs_joint *j = cs_alloc_zero(1, sizeof *j, "a figure", err);
    clipspan_status status;
    *out = NULL;
    if (!j) return CLIPSPAN_E_NOMEM;
    j->x = x;
    j->atlas = atlas;
    j->columns = columns;
    CS_TRY_DONE(heads ? take_named(j, heads, count, err) : take_strongest(j, rows, err));
    CS_TRY_DONE(list_texts(j, err));
    *out = j;
    j = NULL;
done:
    cs_joint_free(&j);
    return status;
}

/* ---- Rows ---- */

/* mean : [P] what a head writes on average over the run's images */
static clipspan_status read_mean(double *mean, const cs_run *run, clipspan_head head,
                                 clipspan_error *err)
{
    const cs_shape s = cs_run_shape(run);
    double *moments = cs_alloc(cs_moments_size(s.C), sizeof *moments, "a head's mean", err);
    float *rows = moments ? cs_alloc(s.C, s.P * sizeof *rows, "a head's output map", err) : NULL;
    clipspan_status status = rows ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    size_t c, p;
    if (status == CLIPSPAN_OK)
        status = cs_run_head(moments, run, (size_t)head.layer, (size_t)head.head, err);
    if (status == CLIPSPAN_OK)
        status = cs_run_output_map_head(rows, run, (size_t)head.layer, (size_t)head.head, err);
    memset(mean, 0, s.P * sizeof *mean);
    for (c = 0; c < s.C && status == CLIPSPAN_OK; c++)
        for (p = 0; p < s.P; p++)
            mean[p] += cs_moments_mean(moments)[c] * (double)rows[c * s.P + p];
    cs_free(rows);
    cs_free(moments);
    return status;
}

/* What a token has of a text above its share of the mean. */
static float above_mean(float map, double usual, size_t N)
{
    return (float)((double)map - usual / (double)N);
}

/* A text's score, the sum over tokens as they are in double. */
static double sum_tokens(const float *map, double usual, size_t N)
{
    double score = 0.0;
    size_t n;
    for (n = 0; n < N; n++)
        score += (double)map[n] - usual / (double)N;
    return score;
}

static double limit_of(const float *maps, size_t n)
{
    double most = 0.0;
    size_t i;
    for (i = 0; i < n; i++)
        most = fmax(most, fabs((double)maps[i]));
    return most > 1e-30 ? most : 1e-30;
}

/* usual : [texts of the head] what each has on average over the run */
static void fill_row(cs_joint *j, size_t row, const float *maps, const double *usual, size_t *best,
                     double *scores)
{
    const clipspan_head head = j->heads[row];
    const size_t N = j->x->tokens, first = j->first[row], texts = j->first[row + 1] - first;
    const size_t all = (size_t)j->x->layers * (size_t)j->x->heads;
    clipspan_joint_row *r = &j->rows[row];
    cs_top top = {best, scores, j->columns, 0};
    size_t k, n;
    for (k = 0; k < texts; k++)
        cs_top_add(&top, k, sum_tokens(maps + (first + k) * N, usual[k], N));
    r->head = head;
    r->role = cs_findings_role(&r->leaning, known_head(j, head));
    r->part = j->x->head[j->x->order[0] * all + (size_t)head.layer * (size_t)j->x->heads +
                         (size_t)head.head];
    r->cells = top.count;
    r->cell = j->cells + row * j->columns;
    r->limit = 0.0;
    for (k = 0; k < top.count; k++) {
        clipspan_joint_cell *cell = &j->cells[row * j->columns + k];
        float *map = j->maps + (row * j->columns + k) * N;
        for (n = 0; n < N; n++)
            map[n] = above_mean(maps[(first + best[k]) * N + n], usual[best[k]], N);
        cell->text = j->texts[first + best[k]];
        cell->score = scores[k];
        cell->map = map;
        r->limit = fmax(r->limit, limit_of(map + j->x->class_token, N - (size_t)j->x->class_token));
    }
}

static clipspan_status run_row(cs_joint *j, size_t row, const float *maps, const float *vectors,
                               const cs_run *run, clipspan_error *err)
{
    const size_t P = cs_run_shape(run).P, first = j->first[row], texts = j->first[row + 1] - first;
    double *mean = cs_alloc(P + texts + j->columns, sizeof *mean, "a head's mean", err);
    size_t *best = cs_alloc(j->columns, sizeof *best, "texts of a head", err), k, p;
    clipspan_status status =
        mean && best ? read_mean(mean, run, j->heads[row], err) : CLIPSPAN_E_NOMEM;
    for (k = 0; k < texts && status == CLIPSPAN_OK; k++) {
        double *usual = mean + P + k;
        *usual = 0.0;
        for (p = 0; p < P; p++)
            *usual += mean[p] * (double)vectors[(first + k) * P + p];
    }
    if (status == CLIPSPAN_OK) fill_row(j, row, maps, mean + P, best, mean + P + texts);
    cs_free(best);
    cs_free(mean);
    return status;
}

clipspan_status cs_joint_run(cs_joint *j, const float *const *maps, const float *vectors,
                             const cs_run *run, clipspan_error *err)
{
    const size_t cells = j->count * j->columns;
    clipspan_status status = CLIPSPAN_OK;
    size_t numbers, row;
    cs_free(j->cells);
    cs_free(j->maps);
    j->maps = NULL;
    if (!cs_size_mul(&numbers, cells, j->x->tokens)) numbers = SIZE_MAX;
    j->cells = cs_alloc_zero(cells, sizeof *j->cells, "a figure", err);
    j->maps = cs_alloc(numbers, sizeof *j->maps, "maps of a figure", err);
    if (!j->cells || !j->maps) status = CLIPSPAN_E_NOMEM;
    for (row = 0; row < j->count && status == CLIPSPAN_OK; row++)
        status = run_row(j, row, maps[row], vectors, run, err);
    if (status != CLIPSPAN_OK) { /* no rows rather than some */
        cs_free(j->cells);
        j->cells = NULL;
    }
    return status;
}
