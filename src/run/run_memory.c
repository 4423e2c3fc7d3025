/* SPDX-License-Identifier: MIT */
/* Arrays in list order, read in the order that a planned run has: the same permutation, chunks and
 * tree, so that statistics and blocks are those of a scan of the same list. Attention components,
 * which a scan makes from W_O and the projection, are here y A: within 5e-7 of those, and with them
 * the statistics of these L components; all others have the same bytes. */
#include "run/run_memory.h"
#include "base/memory.h"
#include "formats/sha256.h"
#include "inputs/input_list.h"
#include "run/run_inside.h"
#include "tensor/moments.h"
#include "tensor/product.h"

#include <clipspan/run.h>
#include <math.h>
#include <string.h>

typedef struct memory_result {
    char *kind, *name, *value;
} memory_result;

typedef struct memory_run {
    cs_run run; /* first */
    clipspan_run_info info;
    cs_part_plan plan;
    clipspan_run_arrays arrays; /* borrowed, but for the texts */
    char *model_name, *model_hash;
    char **texts[3];   /* [images] each or NULL: paths, labels, groups */
    uint32_t *order;   /* [images]: number of the image at a place */
    double *stats;     /* of all */
    double *blocks;    /* [blocks, size] */
    size_t stats_size; /* numbers of one */
    memory_result *results;
    size_t result_count, result_room;
} memory_run;

static memory_run *of(const cs_run *run)
{
    return (memory_run *)cs_run_own(run);
}

static void free_result(memory_result *r)
{
    cs_free(r->kind);
    cs_free(r->name);
    cs_free(r->value);
    memset(r, 0, sizeof *r);
}

static void close_memory(cs_run *run)
{
    memory_run *m = of(run);
    for (int t = 0; t < 3; t++) {
        for (uint64_t i = 0; m->texts[t] && i < m->info.images; i++)
            cs_free(m->texts[t][i]);
        cs_free(m->texts[t]);
    }
    for (size_t i = 0; i < m->result_count; i++)
        free_result(&m->results[i]);
    cs_free(m->results);
    cs_free(m->model_name);
    cs_free(m->model_hash);
    cs_free(m->order);
    cs_free(m->stats);
    cs_free(m->blocks);
    cs_free(m);
}

/* ---- Facts, images ---- */

static clipspan_status read_fact(char **value, const cs_run *run, const char *key,
                                 clipspan_error *err)
{
    (void)run;
    if (strcmp(key, "images.folder") != 0) return CLIPSPAN_OK; /* NULL: no such fact */
    *value = cs_strdup("", err);
    return *value ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

static clipspan_status read_images(const cs_run *run, uint64_t first, uint64_t count,
                                   cs_index_each each, void *context, clipspan_error *err)
{
    const memory_run *m = of(run);
    for (uint64_t run_index = first; run_index < first + count; run_index++) {
        const uint32_t i = m->order[run_index];
        const char *texts[3];
        for (int t = 0; t < 3; t++)
            texts[t] = m->texts[t] ? m->texts[t][i] : "";
        CS_TRY(
            each(context,
                 &(cs_image_row){run_index, i, texts[0], texts[1], texts[2], -1, -1, "ok", "", ""},
                 err));
    }
    return CLIPSPAN_OK;
}

/* ---- Statistics and output maps ---- */

static clipspan_status hash_statistics(char out[65], const cs_run *run, clipspan_error *err)
{
    const memory_run *m = of(run);
    unsigned char digest[32];
    cs_sha256 hash;
    (void)err;
    cs_sha256_init(&hash);
    cs_sha256_add(&hash, m->stats, m->stats_size * sizeof *m->stats);
    cs_sha256_end(digest, &hash);
    cs_sha256_print(out, digest);
    return CLIPSPAN_OK;
}

static clipspan_status read_statistics(double *stats, const cs_run *run, clipspan_error *err)
{
    const memory_run *m = of(run);
    (void)err;
    memcpy(stats, m->stats, m->stats_size * sizeof *stats);
    return CLIPSPAN_OK;
}

static clipspan_status read_block(double *stats, const cs_run *run, uint64_t block,
                                  clipspan_error *err)
{
    const memory_run *m = of(run);
    (void)err;
    memcpy(stats, m->blocks + block * m->stats_size, m->stats_size * sizeof *stats);
    return CLIPSPAN_OK;
}

static void copy_head(double *moments, const double *stats, cs_shape shape, size_t layer,
                      size_t head)
{
    memcpy(moments, cs_head_stats_head(stats, shape, layer, head),
           cs_moments_size(shape.C) * sizeof *moments);
}

static clipspan_status read_head(double *moments, const cs_run *run, size_t layer, size_t head,
                                 clipspan_error *err)
{
    (void)err;
    copy_head(moments, of(run)->stats, run->plan->shape, layer, head);
    return CLIPSPAN_OK;
}

static clipspan_status read_block_head(double *moments, const cs_run *run, uint64_t block,
                                       size_t layer, size_t head, clipspan_error *err)
{
    const memory_run *m = of(run);
    (void)err;
    copy_head(moments, m->blocks + block * m->stats_size, run->plan->shape, layer, head);
    return CLIPSPAN_OK;
}

static clipspan_status read_output_map(float *rows, const cs_run *run, uint64_t first,
                                       uint64_t count, clipspan_error *err)
{
    (void)err;
    memcpy(rows, of(run)->arrays.output_maps + first, (size_t)count * sizeof *rows);
    return CLIPSPAN_OK;
}

/* ---- Chunks ---- */

static clipspan_status open_chunk(cs_run_chunk *chunk, clipspan_error *err)
{
    const int run_indices = cs_chunk_places(&chunk->run->plan->tree, chunk->chunk);
    (void)err;
    for (int i = 0; i < run_indices; i++) {
        chunk->slots[i] = (uint8_t)i;
        chunk->run_indices[i] = chunk->chunk * CS_CHUNK + (uint64_t)i;
    }
    chunk->count = (size_t)run_indices;
    return CLIPSPAN_OK;
}

static void close_chunk(cs_run_chunk *chunk)
{
    (void)chunk;
}

static clipspan_status read_rows(float *out, const cs_run_chunk *chunk, cs_pack_array array,
                                 size_t plane, clipspan_error *err)
{
    const memory_run *m = of(chunk->run);
    const clipspan_run_arrays *a = &m->arrays;
    const float *const from[] = {a->embeddings, a->z, a->mlp, a->class_attention};
    const size_t width = array == CS_PACK_Z ? m->plan.shape.K : m->plan.shape.P;
    (void)err;
    for (size_t i = 0; i < chunk->count; i++)
        memcpy(out + i * width,
               from[array] + (plane * a->images + m->order[chunk->run_indices[i]]) * width,
               width * sizeof *out);
    return CLIPSPAN_OK;
}

static clipspan_status read_scale(double *scale, const cs_run_chunk *chunk, clipspan_error *err)
{
    const memory_run *m = of(chunk->run);
    (void)err;
    for (size_t i = 0; i < chunk->count; i++)
        memcpy(scale + 3 * i, m->arrays.scale + 3 * (size_t)m->order[chunk->run_indices[i]],
               3 * sizeof *scale);
    return CLIPSPAN_OK;
}

/* ---- Results, as long as the run lives ---- */

static memory_result *find_result(const memory_run *m, const char *kind, const char *name)
{
    for (size_t i = 0; i < m->result_count; i++)
        if (strcmp(m->results[i].kind, kind) == 0 && strcmp(m->results[i].name, name) == 0)
            return &m->results[i];
    return NULL;
}

static clipspan_status add_result(memory_run *m, const char *kind, const char *name, char *value,
                                  clipspan_error *err)
{
    memory_result added = {cs_strdup(kind, err), cs_strdup(name, err), value};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    if (added.kind && added.name)
        status = cs_grow(&m->results, &m->result_room, m->result_count + 1, sizeof *m->results,
                         "results", err);
    if (status == CLIPSPAN_OK)
        m->results[m->result_count++] = added;
    else
        free_result(&added);
    return status;
}

static clipspan_status write_result(const cs_run *run, const char *kind, const char *name,
                                    const char *value, clipspan_error *err)
{
    memory_run *m = of(run);
    memory_result *there = find_result(m, kind, name);
    char *copy = value ? cs_strdup(value, err) : NULL;
    if (value && !copy) return CLIPSPAN_E_NOMEM;
    if (!there) return value ? add_result(m, kind, name, copy, err) : CLIPSPAN_OK;
    if (value) {
        cs_free(there->value);
        there->value = copy;
        return CLIPSPAN_OK;
    }
    free_result(there);
    *there = m->results[--m->result_count];
    return CLIPSPAN_OK;
}

static clipspan_status read_result(char **value, const cs_run *run, const char *kind,
                                   const char *name, clipspan_error *err)
{
    const memory_result *there = find_result(of(run), kind, name);
    if (!there) return CLIPSPAN_OK;
    *value = cs_strdup(there->value, err);
    return *value ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* In order of name: the next one after the one that was given. */
static clipspan_status list_results(const cs_run *run, const char *kind,
                                    clipspan_status (*each)(void *context, const char *name,
                                                            clipspan_error *err),
                                    void *context, clipspan_error *err)
{
    const memory_run *m = of(run);
    const char *before = NULL;
    for (;;) {
        const char *next = NULL;
        for (size_t i = 0; i < m->result_count; i++) {
            const char *name = m->results[i].name;
            if (name && strcmp(m->results[i].kind, kind) == 0 &&
                (!before || strcmp(name, before) > 0) && (!next || strcmp(name, next) < 0))
                next = name;
        }
        if (!next) return CLIPSPAN_OK;
        CS_TRY(each(context, next, err));
        before = next;
    }
}

static const cs_run_ops ops = {
    .close = close_memory,
    .fact = read_fact,
    .images = read_images,
    .statistics_id = hash_statistics,
    .statistics = read_statistics,
    .block = read_block,
    .head = read_head,
    .block_head = read_block_head,
    .output_map = read_output_map,
    .chunk_open = open_chunk,
    .chunk_close = close_chunk,
    .chunk_rows = read_rows,
    .chunk_scale = read_scale,
    .set_result = write_result,
    .result = read_result,
    .result_names = list_results,
};

/* ---- Statistics, chunk by chunk along the tree ---- */

typedef struct counting {
    memory_run *m;
    cs_output_map output_map; /* its rows alone */
    cs_coefficients *coefficients;
    cs_head_counter *counter;
    cs_matrix **maps;    /* [L]: y of all heads -> P, a head a panel */
    cs_product *product; /* of one of them */
    float *y;            /* [H][32, C] */
} counting;

static void end_counting(counting *c)
{
    for (size_t l = 0; c->maps && l < c->output_map.shape.L; l++)
        cs_matrix_free(&c->maps[l]);
    cs_product_free(&c->product);
    cs_head_counter_free(&c->counter);
    cs_coefficients_free(&c->coefficients);
    cs_free(c->maps);
    cs_free(c->y);
}

/* A of a layer's heads, turned for products: [P, H C]. */
static clipspan_status pack_layer(counting *c, size_t layer, float *turned, clipspan_error *err)
{
    const cs_shape *s = &c->output_map.shape;
    const size_t inputs = s->H * s->C;
    const float *rows = c->m->arrays.output_maps + layer * inputs * s->P;
    for (size_t k = 0; k < inputs; k++)
        for (size_t p = 0; p < s->P; p++)
            turned[p * inputs + k] = rows[k * s->P + p];
    return cs_matrix_new(&c->maps[layer], turned, NULL, s->P, inputs, s->H, CLIPSPAN_F32, err);
}

static clipspan_status begin_counting(counting *c, const cs_simd *simd, clipspan_error *err)
{
    const cs_shape *s = &c->output_map.shape;
    const cs_product_plan plan = {CS_CHUNK, CS_STORE, 0, 1};
    clipspan_status status = CLIPSPAN_OK;
    float *turned;
    CS_TRY(cs_coefficients_new(&c->coefficients, *s, CS_CHUNK, err));
    CS_TRY(cs_head_counter_new(&c->counter, &c->output_map, CS_CHUNK, 1, simd, err));
    c->y = cs_alloc_aligned(CS_CHUNK * s->H * s->C, sizeof *c->y, "coefficients", err);
    c->maps = cs_alloc_zero(s->L, sizeof(cs_matrix *), "output maps", err);
    if (!c->y || !c->maps) return CLIPSPAN_E_NOMEM;
    turned = cs_alloc_aligned(s->H * s->C * s->P, sizeof *turned, "output maps", err);
    if (!turned) return CLIPSPAN_E_NOMEM;
    for (size_t l = 0; l < s->L && status == CLIPSPAN_OK; l++)
        status = pack_layer(c, l, turned, err);
    cs_free(turned);
    CS_TRY(status);
    return cs_product_new(&c->product, c->maps[0], plan, simd, err);
}

/* Attention components of a layer: the sum of y A over its heads. */
static clipspan_status attend(counting *c, size_t layer, clipspan_error *err)
{
    const cs_shape *s = &c->output_map.shape;
    for (size_t h = 0; h < s->H; h++)
        for (size_t i = 0; i < CS_CHUNK; i++) {
            const double *scale = c->coefficients->scale + 3 * i;
            const float *z = c->coefficients->z + ((layer * s->H + h) * CS_CHUNK + i) * s->K;
            float *to = c->y + (h * CS_CHUNK + i) * s->C;
            for (size_t k = 0; k < s->K; k++)
                to[k] = (float)((double)z[k] * scale[0]);
            for (size_t k = 0; k < 3; k++)
                to[s->K + k] = (float)scale[k];
        }
    return cs_product_run(c->product, c->coefficients->attention + layer * CS_CHUNK * s->P, c->y,
                          CS_CHUNK * s->C, c->maps[layer], err);
}

/* Rows of one array into slots: planes of [32, width]. */
static void gather(float *to, cs_pack_array array, size_t planes, size_t width,
                   const cs_run_chunk *chunk)
{
    for (size_t plane = 0; plane < planes; plane++)
        read_rows(to + plane * CS_CHUNK * width, chunk, array, plane, NULL);
}

static clipspan_status count_chunk(double *stats, counting *c, uint64_t number, clipspan_error *err)
{
    const cs_shape *s = &c->output_map.shape;
    cs_coefficients *coefficients = c->coefficients;
    cs_run_chunk chunk;
    CS_TRY(cs_run_chunk_open(&chunk, &c->m->run, number, err));
    cs_coefficients_clear(coefficients);
    memset(coefficients->used, 1, chunk.count);
    read_scale(coefficients->scale, &chunk, err);
    gather(coefficients->embedding, CS_PACK_EMBEDDING, 1, s->P, &chunk);
    gather(coefficients->z, CS_PACK_Z, s->L * s->H, s->K, &chunk);
    gather(coefficients->mlp, CS_PACK_MLP, s->L + 1, s->P, &chunk);
    gather(coefficients->class_self_attention, CS_PACK_CLASS_SELF_ATTENTION, s->L, s->P, &chunk);
    for (size_t l = 0; l < s->L; l++)
        CS_TRY(attend(c, l, err));
    return cs_head_stats_run(stats, c->counter, coefficients, 1, err);
}

/* Statistics of a node; those of blocks are kept. */
static clipspan_status count_node(double *stats, counting *c, cs_node node, clipspan_error *err)
{
    memory_run *m = c->m;
    const cs_node left = {node.level - 1, 2 * node.index}, right = {node.level - 1, left.index + 1};
    if (node.level == 0) {
        CS_TRY(count_chunk(stats, c, node.index, err));
    } else {
        CS_TRY(count_node(stats, c, left, err));
        if (right.index < cs_level_nodes(&m->plan.tree, right.level)) {
            clipspan_status status;
            double *other = cs_alloc_aligned(m->stats_size, sizeof *other, "statistics", err);
            if (!other) return CLIPSPAN_E_NOMEM;
            status = count_node(other, c, right, err);
            if (status == CLIPSPAN_OK) cs_head_stats_merge(stats, other, m->plan.shape);
            cs_free(other);
            CS_TRY(status);
        }
    }
    if (node.level == m->plan.tree.block_level)
        memcpy(m->blocks + node.index * m->stats_size, stats, m->stats_size * sizeof *stats);
    return CLIPSPAN_OK;
}

static clipspan_status count_all(memory_run *m, const cs_simd *simd, clipspan_error *err)
{
    union { /* read only */
        const float *shared;
        float *own;
    } rows = {m->arrays.output_maps};
    counting c = {.m = m, .output_map = {.shape = m->plan.shape, .rows = rows.own}};
    clipspan_status status;
    size_t all;
    m->stats_size = cs_head_stats_size(m->plan.shape);
    if (!cs_size_mul(&all, m->stats_size, (size_t)m->info.blocks))
        return cs_fail(err, CLIPSPAN_E_LIMIT, "a run in memory: its statistics fit no memory");
    m->stats = cs_alloc_aligned(m->stats_size, sizeof *m->stats, "statistics", err);
    m->blocks = cs_alloc_aligned(all, sizeof *m->blocks, "statistics of blocks", err);
    if (!m->stats || !m->blocks) return CLIPSPAN_E_NOMEM;
    status = begin_counting(&c, simd, err);
    if (status == CLIPSPAN_OK)
        status = count_node(m->stats, &c, (cs_node){m->plan.tree.top_level, 0}, err);
    end_counting(&c);
    return status;
}

/* ---- Making ---- */

static clipspan_status check_numbers(const float *numbers, size_t count, const char *name,
                                     clipspan_error *err)
{
    if (!numbers)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a run in memory: the array \"%s\" is NULL", name);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(numbers[i]))
            return cs_fail(err, CLIPSPAN_E_NUMBERS,
                           "a run in memory: number %zu of the array \"%s\" is not finite", i,
                           name);
    return CLIPSPAN_OK;
}

static clipspan_status check_shape(const clipspan_run_arrays *a, clipspan_error *err)
{
    if (a->layers < 1 || a->layers > 512 || a->heads < 1 || a->heads > 65536 || a->head_width < 1 ||
        a->head_width > 65536 || a->embed_width < 1 || a->embed_width > 65536 || a->tokens < 0 ||
        (uint64_t)a->heads * (uint64_t)a->head_width > 65536)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a run in memory: no model has %d layers, %d heads of width %d, embeddings "
                       "of %d and %d tokens",
                       a->layers, a->heads, a->head_width, a->embed_width, a->tokens);
    if (a->images < 1 || a->images > CS_INPUTS_MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a run in memory: %zu images; 1 to %zu are possible", a->images,
                       CS_INPUTS_MOST);
    return CLIPSPAN_OK;
}

static clipspan_status check_arrays(const clipspan_run_arrays *a, const cs_shape *s,
                                    clipspan_error *err)
{
    const size_t B = a->images;
    CS_TRY(check_numbers(a->z, s->L * s->H * B * s->K, "z", err));
    CS_TRY(check_numbers(a->embeddings, B * s->P, "embeddings", err));
    CS_TRY(check_numbers(a->mlp, (s->L + 1) * B * s->P, "mlp", err));
    CS_TRY(check_numbers(a->class_attention, s->L * B * s->P, "class_attention", err));
    CS_TRY(check_numbers(a->output_maps, s->L * s->H * s->C * s->P, "output_maps", err));
    if (!a->scale) return cs_fail(err, CLIPSPAN_E_ARGUMENT, "a run in memory: scale is NULL");
    for (size_t i = 0; i < 3 * B; i++)
        if (!isfinite(a->scale[i]))
            return cs_fail(err, CLIPSPAN_E_NUMBERS,
                           "a run in memory: number %zu of the array \"scale\" is not finite", i);
    return CLIPSPAN_OK;
}

static clipspan_status copy_texts(memory_run *m, clipspan_error *err)
{
    const char *const *const from[3] = {m->arrays.paths, m->arrays.labels, m->arrays.groups};
    m->model_name = cs_strdup(m->arrays.model ? m->arrays.model : "", err);
    m->model_hash = cs_strdup(m->arrays.model_hash ? m->arrays.model_hash : "", err);
    if (!m->model_name || !m->model_hash) return CLIPSPAN_E_NOMEM;
    for (int t = 0; t < 3; t++) {
        if (!from[t]) continue;
        m->texts[t] = cs_alloc_zero(m->arrays.images, sizeof(char *), "names of images", err);
        if (!m->texts[t]) return CLIPSPAN_E_NOMEM;
        for (size_t i = 0; i < m->arrays.images; i++) {
            m->texts[t][i] = cs_strdup(from[t][i] ? from[t][i] : "", err);
            if (!m->texts[t][i]) return CLIPSPAN_E_NOMEM;
        }
    }
    m->arrays.paths = m->arrays.labels = m->arrays.groups = NULL;
    m->arrays.model = m->arrays.model_hash = NULL;
    return CLIPSPAN_OK;
}

static void fill_facts(memory_run *m, const cs_simd *simd)
{
    const clipspan_run_arrays *a = &m->arrays;
    clipspan_run_info *i = &m->info;
    cs_part_plan *p = &m->plan;
    p->path = i->path = "a run in memory";
    p->id = "";
    p->shape.L = p->layers = (size_t)a->layers;
    p->shape.H = (size_t)a->heads;
    p->shape.K = (size_t)a->head_width;
    p->shape.D = p->shape.H * p->shape.K;
    p->shape.N = a->tokens ? (size_t)a->tokens : 1;
    p->shape.P = (size_t)a->embed_width;
    p->shape.C = p->shape.K + 3;
    p->coefficients = CLIPSPAN_COEFFICIENTS_F32;
    p->contributions = 1;
    p->rows = 1;
    p->tree = cs_chunk_tree_of(a->images);
    i->format = CS_RUN_FORMAT;
    i->merged = i->own = 1;
    i->version = CLIPSPAN_VERSION;
    i->model_path = i->folder = "";
    i->cpu_level = simd->name;
    i->product = cs_product_name();
    i->layers = a->layers;
    i->heads = a->heads;
    i->head_width = a->head_width;
    i->embed_width = a->embed_width;
    i->tokens = (int)p->shape.N;
    i->images = i->used = a->images;
    i->chunks = p->tree.chunks;
    i->blocks = p->tree.blocks;
    i->has_labels = a->labels != NULL;
    i->has_groups = a->groups != NULL;
    i->last_layer = a->layers - 1;
    i->segments = 1;
    i->modality = "image";
    i->readout = "class token";
    i->readout_rows = 1;
}

clipspan_status cs_run_new_arrays(cs_run **out, const clipspan_run_arrays *arrays,
                                  const cs_simd *simd, clipspan_error *err)
{
    clipspan_status status;
    memory_run *m;
    cs_run *run;
    *out = NULL;
    CS_TRY(check_shape(arrays, err));
    m = cs_alloc_zero(1, sizeof *m, "a run in memory", err);
    if (!m) return CLIPSPAN_E_NOMEM;
    m->arrays = *arrays;
    fill_facts(m, simd);
    run = &m->run;
    *run = (cs_run){&ops, &m->info, &m->plan, 0};
    CS_TRY_DONE(check_arrays(arrays, &m->plan.shape, err));
    CS_TRY_DONE(copy_texts(m, err));
    m->info.model_name = m->model_name;
    m->info.model_hash = m->model_hash;
    m->order = cs_alloc(arrays->images, sizeof *m->order, "the order of the images", err);
    status = CLIPSPAN_E_NOMEM;
    if (!m->order) goto done;
    cs_permute(m->order, arrays->images, CS_PLAN_SEED);
    CS_TRY_DONE(count_all(m, simd, err));
    *out = run;
    run = NULL;
done:
    cs_run_close(&run);
    return status;
}
