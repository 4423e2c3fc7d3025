/* SPDX-License-Identifier: MIT */
/* Loading a tower: a list of jobs, one a vector or matrix, that threads work off. A job reads its
 * tensors as float32, looks for NaN and infinity, brings them into the order that the passes want
 * and packs them. */
#include "model/tower.h"
#include "base/memory.h"
#include "base/parallel.h"

#include <string.h>

#define PANEL      400 /* numbers that one float32 sum adds up at most, where the heads allow it */
#define READ_PANEL 64  /* the same in the read-out */
#define MLP_SLICE  512 /* the same in the hidden layer */

typedef enum split {
    WHOLE,
    BY_OUTPUTS, /* rows of the weights, with their biases */
    BY_INPUTS   /* columns; the bias goes to the first slice, the others get zeros */
} split;

/* One thing to load: into *matrix (with its bias; split: mlp_parts matrices) or *vector. */
typedef struct job {
    cs_matrix **matrix;
    float **vector;
    cs_part part, bias; /* bias CS_PARTS: none */
    int layer;
    split split;
    size_t panels;
    int parts; /* that it is split into */
    clipspan_precision precision;
} job;

typedef struct loader {
    const cs_checkpoint *checkpoint;
    const cs_config *config;
    const cs_simd *simd;
    cs_tower *tower;
    job *jobs;
    size_t count;
    int allow_nonfinite;
    size_t *bytes;          /* [count] */
    clipspan_error *errors; /* [count] */
} loader;

static clipspan_status check_numbers(const loader *l, const float *x, cs_tensor_ref ref,
                                     clipspan_error *err)
{
    uint64_t odd[3] = {0, 0, 0};
    if (l->allow_nonfinite) return CLIPSPAN_OK;
    l->simd->count_odd(odd, x, (size_t)(ref.rows * ref.columns));
    if (odd[0] + odd[1] == 0) return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_NUMBERS,
                      cs_safetensors_path(cs_checkpoint_tensors(l->checkpoint), ref.entry->file),
                      "tensor %s holds %llu NaN and %llu infinite values; such a model computes "
                      "nothing of use. Get the file again or repair it",
                      ref.entry->name, (unsigned long long)odd[0], (unsigned long long)odd[1]);
}

/* Reads a part and checks it. *rows, *columns: its shape. */
static clipspan_status read_part(float **out, size_t *rows, size_t *columns, const loader *l,
                                 cs_part part, int layer, clipspan_error *err)
{
    clipspan_status status;
    cs_tensor_ref ref = cs_checkpoint_part(l->checkpoint, l->tower->which, part, layer);
    float *data = cs_alloc_aligned((size_t)(ref.rows * ref.columns), sizeof *data, "a tensor", err);
    *out = NULL;
    if (!data) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_checkpoint_read(data, l->checkpoint, ref, err));
    CS_TRY_DONE(check_numbers(l, data, ref, err));
    *rows = (size_t)ref.rows;
    *columns = (size_t)ref.columns;
    *out = data;
    data = NULL;
done:
    cs_free(data);
    return status;
}

/* Patch weights from [D, colour, y, x] to [D, y, x, colour], the order of pixels in memory. */
static clipspan_status order_patch(float **data, size_t rows, int patch, clipspan_error *err)
{
    size_t area = (size_t)patch * (size_t)patch, i, p, c;
    float *ordered = cs_alloc_aligned(rows * 3 * area, sizeof *ordered, "patch weights", err);
    if (!ordered) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < rows; i++)
        for (p = 0; p < area; p++)
            for (c = 0; c < 3; c++)
                ordered[(i * area + p) * 3 + c] = (*data)[(i * 3 + c) * area + p];
    cs_free(*data);
    *data = ordered;
    return CLIPSPAN_OK;
}

static clipspan_status transpose(float **data, size_t *rows, size_t *columns, clipspan_error *err)
{
    size_t r = *rows, c = *columns, i, j;
    float *turned = cs_alloc_aligned(r * c, sizeof *turned, "the projection", err);
    if (!turned) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < r; i++)
        for (j = 0; j < c; j++)
            turned[j * r + i] = (*data)[i * c + j];
    cs_free(*data);
    *data = turned;
    *rows = c;
    *columns = r;
    return CLIPSPAN_OK;
}

/* Packs slices of weights : [rows, columns] as matrices of their own. */
static clipspan_status pack_slices(const job *j, const float *weights, const float *bias,
                                   size_t rows, size_t columns, size_t *bytes, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    size_t parts = (size_t)j->parts, part, i, width = columns / parts;
    float *slice = NULL, *zeros = NULL;
    if (j->split == BY_INPUTS) {
        slice = cs_alloc_aligned(rows * width, sizeof *slice, "a slice of weights", err);
        zeros = cs_alloc_zero(rows, sizeof *zeros, "a bias", err);
        if (!slice || !zeros) status = CLIPSPAN_E_NOMEM;
    }
    for (part = 0; part < parts && status == CLIPSPAN_OK; part++) {
        if (!slice) /* BY_OUTPUTS */
            status = cs_matrix_new(&j->matrix[part], weights + part * (rows / parts) * columns,
                                   bias + part * (rows / parts), rows / parts, columns, j->panels,
                                   j->precision, err);
        else {
            for (i = 0; i < rows; i++)
                memcpy(slice + i * width, weights + i * columns + part * width,
                       width * sizeof *slice);
            status = cs_matrix_new(&j->matrix[part], slice, part ? zeros : bias, rows, width,
                                   j->panels, j->precision, err);
        }
        if (status == CLIPSPAN_OK) *bytes += cs_matrix_bytes(j->matrix[part]);
    }
    cs_free(slice);
    cs_free(zeros);
    return status;
}

static clipspan_status run_job(const loader *l, const job *j, size_t *bytes, clipspan_error *err)
{
    clipspan_status status;
    float *data = NULL, *bias = NULL;
    size_t rows = 0, columns = 0, bias_rows, bias_columns;
    CS_TRY_DONE(read_part(&data, &rows, &columns, l, j->part, j->layer, err));
    if (j->vector) {
        *bytes = rows * columns * sizeof *data;
        *j->vector = data;
        data = NULL;
        goto done;
    }
    if (j->bias != CS_PARTS)
        CS_TRY_DONE(read_part(&bias, &bias_rows, &bias_columns, l, j->bias, j->layer, err));
    if (j->part == CS_PATCH_WEIGHT)
        CS_TRY_DONE(order_patch(&data, rows, l->config->patch_size, err));
    if (j->part == CS_PROJECTION) {
        cs_tensor_ref ref = cs_checkpoint_part(l->checkpoint, l->tower->which, CS_PROJECTION, 0);
        if (!ref.transposed) CS_TRY_DONE(transpose(&data, &rows, &columns, err));
    }
    if (j->split != WHOLE) {
        status = pack_slices(j, data, bias, rows, columns, bytes, err);
        goto done;
    }
    CS_TRY_DONE(cs_matrix_new(j->matrix, data, bias, rows, columns, j->panels, j->precision, err));
    *bytes = cs_matrix_bytes(*j->matrix);
done:
    cs_free(data);
    cs_free(bias);
    return status;
}

static void run_indexed(void *context, size_t index, int lane)
{
    loader *l = context;
    (void)lane;
    cs_clear(&l->errors[index]);
    run_job(l, &l->jobs[index], &l->bytes[index], &l->errors[index]);
}

static void add_vector(loader *l, float **to, cs_part part, int layer)
{
    job *j = &l->jobs[l->count++];
    memset(j, 0, sizeof *j);
    j->vector = to;
    j->part = part;
    j->layer = layer;
}

static void add_norm(loader *l, cs_norm *norm, cs_part gain, cs_part bias, int layer)
{
    norm->eps = l->tower->config.eps;
    add_vector(l, &norm->gain, gain, layer);
    add_vector(l, &norm->bias, bias, layer);
}

static job *add_matrix(loader *l, cs_matrix **to, cs_part part, cs_part bias, int layer)
{
    job *j = &l->jobs[l->count++];
    memset(j, 0, sizeof *j);
    j->matrix = to;
    j->part = part;
    j->bias = bias;
    j->layer = layer;
    j->parts = l->tower->mlp_parts;
    j->precision = part == CS_PROJECTION ? CLIPSPAN_F32 : l->tower->precision;
    j->panels = part == CS_PROJECTION                                  ? l->tower->read_panels
                : part == CS_PATCH_WEIGHT || part == CS_MLP_OUT_WEIGHT ? 1
                : part == CS_OUT_WEIGHT ? l->tower->blocks[layer].out_panels
                                        : l->tower->panels;
    return j;
}

static job *add_pool_matrix(loader *l, cs_matrix **to, cs_part part, cs_part bias)
{
    job *j = add_matrix(l, to, part, bias, 0);
    j->precision = CLIPSPAN_F32;
    j->panels = l->tower->pool.panels;
    j->parts = l->tower->pool.mlp_parts;
    return j;
}

static void add_pool(loader *l)
{
    cs_pool_weights *p = &l->tower->pool;
    add_pool_matrix(l, &p->k, CS_POOL_K_WEIGHT, CS_POOL_K_BIAS);
    add_pool_matrix(l, &p->v, CS_POOL_V_WEIGHT, CS_POOL_V_BIAS);
    add_pool_matrix(l, &p->out, CS_POOL_OUT_WEIGHT, CS_POOL_OUT_BIAS);
    add_pool_matrix(l, p->fc, CS_POOL_FC_WEIGHT, CS_POOL_FC_BIAS)->split = BY_OUTPUTS;
    l->jobs[l->count - 1].panels = l->tower->read_panels;
    add_pool_matrix(l, p->mlp_out, CS_POOL_MLP_OUT_WEIGHT, CS_POOL_MLP_OUT_BIAS)->split = BY_INPUTS;
    l->jobs[l->count - 1].panels = 1;
    add_norm(l, &p->norm, CS_POOL_NORM_WEIGHT, CS_POOL_NORM_BIAS, 0);
    add_vector(l, &p->query, CS_POOL_PROBE, 0); /* the probe, which make_query turns */
}

/* The token table, the largest by far, first; then a layer after the other; what there is one of
 * last. */
static void list_jobs(loader *l)
{
    cs_tower *t = l->tower;
    int i;
    if (t->which == CLIPSPAN_TEXT) add_vector(l, &t->table, CS_TOKEN_TABLE, 0);
    for (i = 0; i < t->config.layers; i++) {
        cs_block *b = &t->blocks[i];
        add_matrix(l, b->fc, CS_FC_WEIGHT, CS_FC_BIAS, i)->split = BY_OUTPUTS;
        add_matrix(l, b->mlp_out, CS_MLP_OUT_WEIGHT, CS_MLP_OUT_BIAS, i)->split = BY_INPUTS;
        add_matrix(l, &b->q, CS_Q_WEIGHT, CS_Q_BIAS, i);
        add_matrix(l, &b->k, CS_K_WEIGHT, CS_K_BIAS, i);
        add_matrix(l, &b->v, CS_V_WEIGHT, CS_V_BIAS, i);
        add_matrix(l, &b->out, CS_OUT_WEIGHT, CS_OUT_BIAS, i);
        add_norm(l, &b->ln1, CS_LN1_WEIGHT, CS_LN1_BIAS, i);
        add_norm(l, &b->ln2, CS_LN2_WEIGHT, CS_LN2_BIAS, i);
    }
    if (cs_config_has_part(l->config, t->which, CS_PROJECTION))
        add_matrix(l, &t->projection, CS_PROJECTION,
                   cs_config_has_part(l->config, t->which, CS_PROJECTION_BIAS) ? CS_PROJECTION_BIAS
                                                                               : CS_PARTS,
                   0);
    add_vector(l, &t->positions, CS_POSITIONS, 0);
    add_norm(l, &t->ln_post, CS_LN_POST_WEIGHT, CS_LN_POST_BIAS, 0);
    if (t->which == CLIPSPAN_IMAGE) {
        add_matrix(l, &t->patch, CS_PATCH_WEIGHT,
                   l->config->has_patch_bias ? CS_PATCH_BIAS : CS_PARTS, 0);
        if (l->config->class_token) add_vector(l, &t->class_token, CS_CLASS_TOKEN, 0);
        if (l->config->readout == CLIPSPAN_READ_POOL) add_pool(l);
        if (t->has_ln_pre) add_norm(l, &t->ln_pre, CS_LN_PRE_WEIGHT, CS_LN_PRE_BIAS, 0);
    }
}

/* Panels of at most PANEL numbers, of whole heads each, all alike; one where that would make them
 * tiny. bf16 products round their inputs far more than their sums: one panel. */
static size_t choose_panels(const cs_tower *tower, int heads)
{
    int width = heads * tower->config.head_width, panels;
    if (tower->precision == CLIPSPAN_BF16) return 1;
    for (panels = 1; panels <= heads && width / panels >= PANEL / 4; panels++)
        if (heads % panels == 0 && width / panels <= PANEL) return (size_t)panels;
    return 1;
}

/* Panels of at most READ_PANEL numbers, all alike; one where the width has no such divisor of
 * use. */
static size_t choose_read_panels(int width)
{
    int panel;
    for (panel = READ_PANEL; panel >= 16; panel--)
        if (width % panel == 0) return (size_t)(width / panel);
    return 1;
}

/* Slices of the hidden layer of at most MLP_SLICE, all alike. */
static int choose_parts(int mlp_width)
{
    int parts;
    for (parts = 1; parts <= 64; parts++)
        if (mlp_width % parts == 0 && mlp_width / parts <= MLP_SLICE) return parts;
    return 1;
}

/* How many heads a block has and which; its kind. */
static void set_heads(cs_tower *tower, const cs_config *config, int layer)
{
    cs_block *b = &tower->blocks[layer];
    const int pruned = tower->which == CLIPSPAN_IMAGE && config->head_counts;
    const int heads = pruned ? config->head_counts[layer] : tower->config.heads;
    b->heads = (size_t)heads;
    b->width = (size_t)heads * (size_t)tower->config.head_width;
    b->numbers = pruned ? config->head_numbers + layer * tower->config.heads : NULL;
    b->out_panels = choose_panels(tower, heads);
    for (b->kind = 0; b->kind < tower->kinds && tower->kind[b->kind]->heads != b->heads; b->kind++)
        ;
    if (b->kind == tower->kinds) tower->kind[tower->kinds++] = b;
}

/* The pool's query from its probe, in float64: it is the same for every image. */
static clipspan_status make_query(loader *l, clipspan_error *err)
{
    clipspan_status status;
    cs_pool_weights *p = &l->tower->pool;
    const size_t D = (size_t)l->tower->config.width;
    float *weights = NULL, *bias = NULL, *query = NULL;
    size_t rows, columns;
    CS_TRY_DONE(read_part(&weights, &rows, &columns, l, CS_POOL_Q_WEIGHT, 0, err));
    CS_TRY_DONE(read_part(&bias, &rows, &columns, l, CS_POOL_Q_BIAS, 0, err));
    query = cs_alloc_aligned(D, sizeof *query, "the pool's query", err);
    status = CLIPSPAN_E_NOMEM;
    if (!query) goto done;
    for (size_t i = 0; i < D; i++) {
        double sum = (double)bias[i];
        for (size_t j = 0; j < D; j++)
            sum += (double)weights[i * D + j] * (double)p->query[j];
        query[i] = (float)sum;
    }
    cs_free(p->query);
    p->query = query;
    status = CLIPSPAN_OK;
done:
    cs_free(weights);
    cs_free(bias);
    return status;
}

/* What decompositions look at. */
static void set_split(cs_tower *tower)
{
    cs_pool_weights *p = &tower->pool;
    tower->split = tower->blocks;
    tower->split_kind = tower->kind;
    tower->split_kinds = tower->kinds;
    tower->split_precision = tower->precision;
    if (!p->heads) return;
    p->block.heads = p->heads;
    p->block.width = p->heads * p->head_width;
    p->block.out_panels = p->panels;
    p->block.out = p->out;
    p->kind = &p->block;
    tower->split = &p->block;
    tower->split_kind = &p->kind;
    tower->split_kinds = 1;
    tower->split_precision = CLIPSPAN_F32;
}

/* Sizes and room of the pool, of an image encoder that has one. */
static clipspan_status plan_pool(cs_tower *tower, const cs_config *config, clipspan_error *err)
{
    cs_pool_weights *p = &tower->pool;
    if (tower->which != CLIPSPAN_IMAGE || config->readout != CLIPSPAN_READ_POOL) return CLIPSPAN_OK;
    p->heads = (size_t)config->image_pool.heads;
    p->head_width = (size_t)config->image_pool.head_width;
    p->panels = tower->read_panels;
    p->mlp_width = config->image_pool.mlp_width;
    p->mlp_parts = choose_parts(p->mlp_width);
    p->fc = cs_alloc_zero((size_t)p->mlp_parts, sizeof(cs_matrix *), "a pool", err);
    p->mlp_out = cs_alloc_zero((size_t)p->mlp_parts, sizeof(cs_matrix *), "a pool", err);
    return p->fc && p->mlp_out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

clipspan_status cs_tower_load(cs_tower **out, const cs_checkpoint *checkpoint,
                              clipspan_modality which, clipspan_precision precision,
                              int allow_nonfinite, int threads, const cs_simd *simd,
                              clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    const cs_config *config = cs_checkpoint_config(checkpoint);
    loader l = {checkpoint, config, simd, NULL, NULL, 0, allow_nonfinite, NULL, NULL};
    cs_tower *tower = cs_alloc_zero(1, sizeof *tower, "a tower", err);
    size_t room, i;
    *out = NULL;
    if (!tower) return CLIPSPAN_E_NOMEM;
    l.tower = tower;
    tower->which = which;
    tower->precision = precision;
    tower->activation = which == CLIPSPAN_IMAGE ? config->activation : config->text_activation;
    tower->config = which == CLIPSPAN_IMAGE ? config->image : config->text;
    tower->embed_width = (size_t)config->embed_width;
    tower->has_ln_pre = which == CLIPSPAN_IMAGE && config->has_ln_pre;
    tower->mlp_parts = choose_parts(tower->config.mlp_width);
    tower->panels = choose_panels(tower, tower->config.heads);
    tower->read_panels = choose_read_panels(tower->config.width);
    room = 20 + 10 * (size_t)tower->config.layers;
    tower->blocks =
        cs_alloc_zero((size_t)tower->config.layers, sizeof *tower->blocks, "a tower", err);
    l.jobs = cs_alloc_zero(room, sizeof *l.jobs, "a tower", err);
    l.bytes = cs_alloc_zero(room, sizeof *l.bytes, "a tower", err);
    l.errors = cs_alloc_zero(room, sizeof *l.errors, "a tower", err);
    tower->kind = cs_alloc_zero((size_t)tower->config.layers, sizeof(cs_block *), "a tower", err);
    if (!tower->blocks || !tower->kind || !l.jobs || !l.bytes || !l.errors) goto done;
    for (i = 0; i < (size_t)tower->config.layers; i++) {
        cs_block *b = &tower->blocks[i];
        b->fc = cs_alloc_zero((size_t)tower->mlp_parts, sizeof(cs_matrix *), "a tower", err);
        b->mlp_out = cs_alloc_zero((size_t)tower->mlp_parts, sizeof(cs_matrix *), "a tower", err);
        if (!b->fc || !b->mlp_out) goto done;
        set_heads(tower, config, (int)i);
    }
    CS_TRY_DONE(plan_pool(tower, config, err));
    list_jobs(&l);
    cs_parallel_for(l.count, threads, run_indexed, &l);
    status = CLIPSPAN_OK;
    for (i = 0; i < l.count && status == CLIPSPAN_OK; i++) {
        status = l.errors[i].code;
        if (status != CLIPSPAN_OK && err) *err = l.errors[i];
        tower->bytes += l.bytes[i];
    }
    if (status == CLIPSPAN_OK && tower->pool.query) status = make_query(&l, err);
    set_split(tower);
    if (status == CLIPSPAN_OK) {
        *out = tower;
        tower = NULL;
    }
done:
    cs_free(l.jobs);
    cs_free(l.bytes);
    cs_free(l.errors);
    cs_tower_free(&tower);
    return status;
}

static void free_norm(cs_norm *norm)
{
    cs_free(norm->gain);
    cs_free(norm->bias);
}

static void free_pool(cs_pool_weights *p)
{
    cs_free(p->query);
    cs_matrix_free(&p->k);
    cs_matrix_free(&p->v);
    cs_matrix_free(&p->out);
    free_norm(&p->norm);
    for (int part = 0; part < p->mlp_parts; part++) {
        if (p->fc) cs_matrix_free(&p->fc[part]);
        if (p->mlp_out) cs_matrix_free(&p->mlp_out[part]);
    }
    cs_free(p->fc);
    cs_free(p->mlp_out);
}

void cs_tower_free(cs_tower **tower)
{
    cs_tower *t = tower ? *tower : NULL;
    int i, part;
    if (!t) return;
    for (i = 0; t->blocks && i < t->config.layers; i++) {
        cs_block *b = &t->blocks[i];
        free_norm(&b->ln1);
        free_norm(&b->ln2);
        cs_matrix_free(&b->q);
        cs_matrix_free(&b->k);
        cs_matrix_free(&b->v);
        cs_matrix_free(&b->out);
        for (part = 0; part < t->mlp_parts; part++) {
            if (b->fc) cs_matrix_free(&b->fc[part]);
            if (b->mlp_out) cs_matrix_free(&b->mlp_out[part]);
        }
        cs_free(b->fc);
        cs_free(b->mlp_out);
    }
    cs_free(t->blocks);
    cs_free(t->kind);
    cs_matrix_free(&t->patch);
    cs_free(t->class_token);
    cs_free(t->table);
    cs_free(t->positions);
    free_norm(&t->ln_pre);
    free_norm(&t->ln_post);
    cs_matrix_free(&t->projection);
    free_pool(&t->pool);
    cs_free(t);
    *tower = NULL;
}
