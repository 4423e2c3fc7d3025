/* SPDX-License-Identifier: MIT */
/* Images of a run and their embeddings, and what heads wrote for them, for the model's answers. */
#include "atlas/atlas_make.h"
#include "base/memory.h"
#include "decompose/answers.h"

#include <clipspan/run.h>
#include <string.h>

/* The first images of the run, whose order is random, without those that the list named before. */
typedef struct images {
    const cs_run *run;
    cs_shape shape;
    uint64_t chunks; /* that they are from */
    size_t count;
    uint8_t *taken;        /* [chunks, CS_CHUNK] slots */
    float *embeddings, *y; /* [count, P], [count, C] of the head at hand */
    float *rows;           /* [CS_CHUNK, P] */
    double *coefficients;  /* [CS_CHUNK, C] */
} images;

static clipspan_status note_first(void *context, const cs_image_row *row, clipspan_error *err)
{
    images *m = context;
    (void)err;
    if (row->run_index < m->chunks * CS_CHUNK) m->taken[row->run_index] = row->duplicate_of < 0;
    return CLIPSPAN_OK;
}

static void images_fini(images *m)
{
    cs_free(m->taken);
    cs_free(m->embeddings);
    cs_free(m->y);
    cs_free(m->rows);
    cs_free(m->coefficients);
}

static clipspan_status take_memory(images *m, clipspan_error *err)
{
    static const char what[] = "images for answers";
    const size_t C = m->shape.C, P = m->shape.P, most = (size_t)m->chunks * CS_CHUNK;
    m->taken = cs_alloc_zero(most, sizeof *m->taken, what, err);
    m->embeddings = cs_alloc_aligned(most, P * sizeof *m->embeddings, what, err);
    m->y = cs_alloc(most, C * sizeof *m->y, what, err);
    m->rows = cs_alloc(CS_CHUNK, P * sizeof *m->rows, what, err);
    m->coefficients = cs_alloc(CS_CHUNK, C * sizeof *m->coefficients, what, err);
    return m->taken && m->embeddings && m->y && m->rows && m->coefficients ? CLIPSPAN_OK
                                                                           : CLIPSPAN_E_NOMEM;
}

static int is_taken(const images *m, const cs_run_chunk *chunk, size_t i)
{
    return chunk->run_indices[i] < m->chunks * CS_CHUNK && m->taken[chunk->run_indices[i]];
}

static clipspan_status read_embeddings(images *m, clipspan_error *err)
{
    const size_t P = m->shape.P;
    for (uint64_t c = 0; c < m->chunks; c++) {
        cs_run_chunk chunk = {0};
        clipspan_status status = cs_run_chunk_open(&chunk, m->run, c, err);
        if (status == CLIPSPAN_OK && chunk.count)
            status = cs_run_chunk_embedding(m->rows, &chunk, err);
        for (size_t i = 0; i < chunk.count && status == CLIPSPAN_OK; i++)
            if (is_taken(m, &chunk, i))
                memcpy(m->embeddings + m->count++ * P, m->rows + i * P, P * sizeof *m->rows);
        cs_run_chunk_fini(&chunk);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}

static clipspan_status read_head(images *m, clipspan_head head, clipspan_error *err)
{
    const size_t C = m->shape.C;
    size_t at = 0;
    for (uint64_t c = 0; c < m->chunks; c++) {
        cs_run_chunk chunk = {0};
        clipspan_status status = cs_run_chunk_open(&chunk, m->run, c, err);
        if (status == CLIPSPAN_OK && chunk.count)
            status = cs_run_chunk_coefficients(m->coefficients, &chunk, (size_t)head.layer,
                                               (size_t)head.head, err);
        for (size_t i = 0; i < chunk.count && status == CLIPSPAN_OK; i++) {
            if (!is_taken(m, &chunk, i)) continue;
            for (size_t k = 0; k < C; k++)
                m->y[at * C + k] = (float)m->coefficients[i * C + k];
            at++;
        }
        cs_run_chunk_fini(&chunk);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}

/* What was found of a head in names. */
static void put(cs_role_answer *out, const cs_answer *found, const double *shares,
                const cs_categories *c, const char *own)
{
    for (int i = 0; i < 2; i++) {
        if (found->category[i] >= c->count) continue;
        out->category[i] = c->names[found->category[i]];
        out->share[i] = found->share[i] > 0.0 ? found->share[i] : 0.0;
        out->enrichment[i] = found->mean_share > 0.0 ? out->share[i] / found->mean_share : 0.0;
    }
    for (size_t g = 0; g < c->count; g++)
        if (own && c->names[g] == own) out->own = shares[g];
    out->turned_p = out->category[0] ? found->turned_p : -1.0;
    out->dealt_p = found->dealt_p;
    out->control = found->control;
    out->returns = found->returns;
    out->above = found->above;
}

/* Heads of kept layers, one after the other. */
static clipspan_status ask(cs_role_answer *out, const clipspan_role *roles,
                           const clipspan_head *heads, size_t count, images *m,
                           const cs_role_wish *wish, const float *vectors, size_t T, int threads,
                           clipspan_error *err)
{
    const size_t C = m->shape.C, P = m->shape.P, groups = wish->categories->count;
    size_t kept = 0, at = 0;
    cs_answers *answers = NULL;
    cs_answer *found = cs_alloc(count, sizeof *found, "answers", err);
    double *shares = cs_alloc(count, (groups + 1) * sizeof *shares, "answers", err);
    float *map = cs_alloc(C, P * sizeof *map, "answers", err);
    clipspan_status status = found && shares && map ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        kept += cs_run_has_layer(m->run, (size_t)heads[i].layer);
    if (status != CLIPSPAN_OK || kept == 0) goto done;
    CS_TRY_DONE(cs_answers_new(&answers, wish, vectors, T, P, m->embeddings, m->count, kept,
                               cs_simd_best(), err));
    for (size_t i = 0; i < count; i++) {
        if (!cs_run_has_layer(m->run, (size_t)heads[i].layer)) continue;
        CS_TRY_DONE(read_head(m, heads[i], err));
        CS_TRY_DONE(cs_run_output_map_head(map, m->run, (size_t)heads[i].layer,
                                           (size_t)heads[i].head, err));
        CS_TRY_DONE(cs_answers_take(answers, m->y, map, C, err));
    }
    CS_TRY_DONE(cs_answers_run(found, shares, answers, threads, err));
    for (size_t i = 0; i < count; i++)
        if (cs_run_has_layer(m->run, (size_t)heads[i].layer)) {
            put(&out[i], &found[at], shares + at * groups, wish->categories, roles[i].category[0]);
            at++;
        }
done:
    cs_answers_free(&answers);
    cs_free(found);
    cs_free(shares);
    cs_free(map);
    return status;
}

clipspan_status cs_atlas_ask(cs_role_answer **out, const clipspan_role *roles,
                             const clipspan_head *heads, size_t count, const cs_run *run,
                             const cs_role_wish *wish, const float *vectors, size_t T, int threads,
                             clipspan_error *err)
{
    images m = {.run = run, .shape = cs_run_shape(run), .chunks = cs_run_tree(run)->chunks};
    clipspan_status status = CLIPSPAN_OK;
    *out = NULL;
    if (cs_run_info(run)->coefficients == CLIPSPAN_COEFFICIENTS_NONE || count == 0 ||
        wish->categories->count == 0 || roles[0].outcome == CLIPSPAN_OUTCOME_TOO_FEW_IMAGES)
        return CLIPSPAN_OK;
    if (m.chunks > CS_ANSWER_IMAGES / CS_CHUNK) m.chunks = CS_ANSWER_IMAGES / CS_CHUNK;
    *out = cs_alloc_zero(count, sizeof **out, "answers", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        (*out)[i].turned_p = (*out)[i].dealt_p = -1.0;
    CS_TRY_DONE(take_memory(&m, err));
    for (uint64_t c = 0; c < m.chunks; c++)
        CS_TRY_DONE(cs_run_images(run, c * CS_CHUNK, (uint64_t)cs_chunk_places(cs_run_tree(run), c),
                                  note_first, &m, err));
    CS_TRY_DONE(read_embeddings(&m, err));
    if (m.count > 2)
        CS_TRY_DONE(ask(*out, roles, heads, count, &m, wish, vectors, T, threads, err));
done:
    images_fini(&m);
    if (status != CLIPSPAN_OK) {
        cs_free(*out);
        *out = NULL;
    }
    return status;
}
