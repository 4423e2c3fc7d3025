/* SPDX-License-Identifier: MIT */
/* The changed tensors of an edited checkpoint: of every layer with a chosen or changed head W_O and
 * b_O, where heads are removed queries, keys and values too, which may be thirds of one tensor, and
 * the projection. */
#include "base/memory.h"
#include "formats/safetensors_copy.h"
#include "model/checkpoint_edit.h"

#include <stdio.h>
#include <string.h>

typedef enum what { OUT_WEIGHT, OUT_BIAS, ROWS, PROJECTION } what;

/* How one changed tensor is made. ROWS: `slices` stretches of all heads' rows, each row of
 * `columns` numbers. */
typedef struct recipe {
    what what;
    int layer, slices;
    uint64_t columns;
} recipe;

typedef struct writer {
    const cs_checkpoint *checkpoint;
    const cs_safetensors *tensors;
    const cs_config *config;
    const cs_checkpoint_edit *edit;
    cs_tensor_change *changes;
    recipe *recipes;
    size_t count;
} writer;

static size_t width_of(const cs_tensor_entry *entry)
{
    return (size_t)(entry->bytes / entry->count);
}

static int chosen(const writer *w, int layer, int place)
{
    const int head = cs_config_head(w->config, layer, place);
    return w->edit->chosen[layer * w->config->image.heads + head];
}

static int chosen_in(const writer *w, int layer)
{
    int count = 0;
    for (int i = 0; i < cs_config_heads(w->config, layer); i++)
        count += chosen(w, layer, i);
    return count;
}

/* The change of a head other than being chosen, or NULL. */
static const cs_head_change *change_of(const writer *w, int layer, int place)
{
    const int head = cs_config_head(w->config, layer, place);
    for (size_t i = 0; i < w->edit->head_count; i++)
        if (w->edit->heads[i].layer == layer && w->edit->heads[i].head == head)
            return &w->edit->heads[i];
    return NULL;
}

static int changed_in(const writer *w, int layer)
{
    int count = 0;
    for (int i = 0; i < cs_config_heads(w->config, layer); i++)
        count += change_of(w, layer, i) != NULL;
    return count;
}

/* ---- Which tensors change, and to what shape ---- */

static void add(writer *w, cs_tensor_ref ref, recipe how)
{
    cs_tensor_change *c = &w->changes[w->count];
    const int dimension = how.what == OUT_WEIGHT ? 1 : 0;
    const int before = cs_config_heads(w->config, how.layer);
    const int after = before - chosen_in(w, how.layer);
    size_t width = width_of(ref.entry);
    uint64_t count = 1;
    if (w->count && w->changes[w->count - 1].entry == ref.entry) return; /* thirds of one tensor */
    memset(c, 0, sizeof *c);
    c->entry = ref.entry;
    snprintf(c->dtype, sizeof c->dtype, "%s", ref.entry->dtype_name);
    c->rank = ref.entry->rank;
    memcpy(c->shape, ref.entry->shape, sizeof c->shape);
    if ((how.what == OUT_BIAS || how.what == PROJECTION ||
         (how.what == OUT_WEIGHT && changed_in(w, how.layer))) &&
        ref.entry->dtype != CS_F64) {
        snprintf(c->dtype, sizeof c->dtype, "F32");
        width = sizeof(float);
    } else if ((how.what == OUT_WEIGHT || how.what == ROWS) && w->edit->remove) {
        c->shape[dimension] = c->shape[dimension] / (uint64_t)before * (uint64_t)after;
    }
    for (int d = 0; d < c->rank; d++)
        count *= c->shape[d];
    c->bytes = count * width;
    w->recipes[w->count++] = how;
}

static void add_rows(writer *w, cs_part part, int layer, uint64_t columns)
{
    cs_tensor_ref ref = cs_checkpoint_part(w->checkpoint, CLIPSPAN_IMAGE, part, layer);
    const uint64_t rows = (uint64_t)cs_config_heads(w->config, layer) *
                          (uint64_t)w->config->image.head_width * columns;
    recipe how = {ROWS, layer, (int)(ref.entry->count / rows), columns};
    add(w, ref, how);
}

static void add_layer(writer *w, int layer)
{
    static const cs_part weights[] = {CS_Q_WEIGHT, CS_K_WEIGHT, CS_V_WEIGHT};
    static const cs_part biases[] = {CS_Q_BIAS, CS_K_BIAS, CS_V_BIAS};
    const cs_checkpoint *c = w->checkpoint;
    recipe weight = {OUT_WEIGHT, layer, 0, 0}, bias = {OUT_BIAS, layer, 0, 0};
    if (!chosen_in(w, layer) && !changed_in(w, layer)) return;
    add(w, cs_checkpoint_part(c, CLIPSPAN_IMAGE, CS_OUT_WEIGHT, layer), weight);
    add(w, cs_checkpoint_part(c, CLIPSPAN_IMAGE, CS_OUT_BIAS, layer), bias);
    for (int i = 0; i < 3 && w->edit->remove; i++)
        add_rows(w, weights[i], layer, (uint64_t)w->config->image.width);
    for (int i = 0; i < 3 && w->edit->remove; i++)
        add_rows(w, biases[i], layer, 1);
}

/* ---- Making them ---- */

/* W_O, [D, heads K]: columns of chosen heads become zero or leave. All types have zero as no
 * bits. */
static clipspan_status make_out_weight(unsigned char *out, const writer *w,
                                       const cs_tensor_change *c, const recipe *how,
                                       clipspan_error *err)
{
    const size_t D = (size_t)w->config->image.width;
    const size_t piece = (size_t)w->config->image.head_width * width_of(c->entry);
    const size_t heads = (size_t)cs_config_heads(w->config, how->layer);
    clipspan_status status;
    unsigned char *whole = cs_alloc((size_t)c->entry->bytes, 1, "a tensor", err), *from = whole;
    if (!whole) return CLIPSPAN_E_NOMEM;
    status = cs_safetensors_read_raw(whole, w->tensors, c->entry, 0, c->entry->count, err);
    for (size_t d = 0; d < D && status == CLIPSPAN_OK; d++)
        for (size_t i = 0; i < heads; i++, from += piece) {
            const int gone = chosen(w, how->layer, (int)i);
            if (gone && w->edit->remove) continue;
            if (gone)
                memset(out, 0, piece);
            else
                memcpy(out, from, piece);
            out += piece;
        }
    cs_free(whole);
    return status;
}

/* Rounded once, or not at all. */
static void put_real(unsigned char *out, const cs_tensor_change *c, size_t at, double value)
{
    const float narrow = (float)value;
    if (c->entry->dtype == CS_F64)
        memcpy(out + at * sizeof value, &value, sizeof value);
    else
        memcpy(out + at * sizeof narrow, &narrow, sizeof narrow);
}

/* W_O of a layer of which heads are changed, or chosen too. */
static clipspan_status make_changed_weight(unsigned char *out, const writer *w,
                                           const cs_tensor_change *c, const recipe *how,
                                           clipspan_error *err)
{
    const size_t D = (size_t)w->config->image.width, K = (size_t)w->config->image.head_width;
    const size_t heads = (size_t)cs_config_heads(w->config, how->layer), width = heads * K;
    cs_tensor_ref ref =
        cs_checkpoint_part(w->checkpoint, CLIPSPAN_IMAGE, CS_OUT_WEIGHT, how->layer);
    float *weights = cs_alloc(D, width * sizeof *weights, "a tensor", err);
    clipspan_status status =
        weights ? cs_checkpoint_read(weights, w->checkpoint, ref, err) : CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < width && status == CLIPSPAN_OK; i++) {
        const cs_head_change *change = change_of(w, how->layer, (int)(i / K));
        const double stays = chosen(w, how->layer, (int)(i / K)) ? 0.0 : 1.0;
        double read = 0.0;
        for (size_t d = 0; d < D && change; d++)
            read += (double)weights[d * width + i] * change->reader[d];
        for (size_t d = 0; d < D; d++)
            put_real(out, c, d * width + i,
                     stays * (double)weights[d * width + i] -
                         (change ? read * change->writer[d] : 0.0));
    }
    cs_free(weights);
    return status;
}

/* The projection, [D, P] or turned. */
static clipspan_status make_projection(unsigned char *out, const writer *w,
                                       const cs_tensor_change *c, clipspan_error *err)
{
    const size_t D = (size_t)w->config->image.width, P = (size_t)w->config->embed_width;
    const cs_projection_change *change = w->edit->projection;
    cs_tensor_ref ref = cs_checkpoint_part(w->checkpoint, CLIPSPAN_IMAGE, CS_PROJECTION, 0);
    const size_t step = ref.transposed ? D : 1, row = ref.transposed ? 1 : P;
    float *weights = cs_alloc(D, P * sizeof *weights, "a tensor", err);
    clipspan_status status =
        weights ? cs_checkpoint_read(weights, w->checkpoint, ref, err) : CLIPSPAN_E_NOMEM;
    for (size_t d = 0; d < D && status == CLIPSPAN_OK; d++) {
        double read = change->constant ? -change->constant[d] : 0.0;
        for (size_t p = 0; p < P; p++)
            read += (double)weights[d * row + p * step] * change->reader[p];
        for (size_t p = 0; p < P; p++)
            put_real(out, c, d * row + p * step,
                     (double)weights[d * row + p * step] - read * change->writer[p]);
    }
    cs_free(weights);
    return status;
}

/* b_O + sum over chosen heads of z W_O^h + constants of changed ones, in float64, rounded once. */
static clipspan_status make_out_bias(unsigned char *out, const writer *w, const cs_tensor_change *c,
                                     const recipe *how, clipspan_error *err)
{
    const size_t D = (size_t)w->config->image.width, K = (size_t)w->config->image.head_width;
    const size_t heads = (size_t)cs_config_heads(w->config, how->layer),
                 H = (size_t)how->layer * (size_t)w->config->image.heads;
    cs_tensor_ref ref =
        cs_checkpoint_part(w->checkpoint, CLIPSPAN_IMAGE, CS_OUT_WEIGHT, how->layer);
    float *weights = cs_alloc(D * heads, K * sizeof *weights, "a tensor", err);
    float *bias = cs_alloc(D, sizeof *bias, "a bias", err);
    double *sum = cs_alloc(D, sizeof *sum, "a bias", err);
    clipspan_status status = weights && bias && sum ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK) status = cs_checkpoint_read(weights, w->checkpoint, ref, err);
    if (status == CLIPSPAN_OK && c->entry->dtype == CS_F64)
        status = cs_safetensors_read_raw(sum, w->tensors, c->entry, 0, D, err);
    else if (status == CLIPSPAN_OK)
        status = cs_safetensors_read(bias, w->tensors, c->entry, 0, D, err);
    for (size_t d = 0; d < D && status == CLIPSPAN_OK; d++) {
        if (c->entry->dtype != CS_F64) sum[d] = (double)bias[d];
        for (size_t i = 0; i < heads; i++) {
            const float *from = weights + (d * heads + i) * K;
            const float *z =
                w->edit->z + (H + (size_t)cs_config_head(w->config, how->layer, (int)i)) * K;
            const cs_head_change *change = change_of(w, how->layer, (int)i);
            for (size_t k = 0; k < K && chosen(w, how->layer, (int)i); k++)
                sum[d] += (double)z[k] * (double)from[k];
            if (change) sum[d] += change->constant * change->writer[d];
        }
        bias[d] = (float)sum[d];
    }
    if (status == CLIPSPAN_OK)
        memcpy(out, c->entry->dtype == CS_F64 ? (const void *)sum : bias, (size_t)c->bytes);
    cs_free(weights);
    cs_free(bias);
    cs_free(sum);
    return status;
}

/* Queries, keys, values: the rows of heads that stay. */
static clipspan_status make_rows(unsigned char *out, const writer *w, const cs_tensor_change *c,
                                 const recipe *how, clipspan_error *err)
{
    const uint64_t count = (uint64_t)w->config->image.head_width * how->columns;
    const size_t bytes = (size_t)count * width_of(c->entry);
    const int heads = cs_config_heads(w->config, how->layer);
    for (int slice = 0; slice < how->slices; slice++)
        for (int i = 0; i < heads; i++) {
            if (chosen(w, how->layer, i)) continue;
            CS_TRY(cs_safetensors_read_raw(out, w->tensors, c->entry,
                                           (uint64_t)(slice * heads + i) * count, count, err));
            out += bytes;
        }
    return CLIPSPAN_OK;
}

static clipspan_status make(void *out, void *context, size_t index, clipspan_error *err)
{
    const writer *w = context;
    const recipe *how = &w->recipes[index];
    const cs_tensor_change *c = &w->changes[index];
    switch (how->what) {
    case OUT_WEIGHT:
        return changed_in(w, how->layer) ? make_changed_weight(out, w, c, how, err)
                                         : make_out_weight(out, w, c, how, err);
    case PROJECTION: return make_projection(out, w, c, err);
    case OUT_BIAS: return make_out_bias(out, w, c, how, err);
    default: return make_rows(out, w, c, how, err);
    }
}

/* What file `file` of the weights is called; one name for tensors that came from memory. */
static const char *name_file(const writer *w, size_t file)
{
    if (!cs_safetensors_in_memory(w->tensors)) return cs_safetensors_path(w->tensors, file);
    return w->config->layout == CLIPSPAN_LAYOUT_OPENCLIP ? "open_clip_model.safetensors"
                                                         : "model.safetensors";
}

clipspan_status cs_edit_tensors(const char *folder, const cs_checkpoint *checkpoint,
                                const cs_checkpoint_edit *edit, const clipspan_progress *progress,
                                clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    writer w = {checkpoint,
                cs_checkpoint_tensors(checkpoint),
                cs_checkpoint_config(checkpoint),
                edit,
                NULL,
                NULL,
                0};
    const size_t room = 8 * (size_t)w.config->image.layers + 1;
    cs_copy_progress count = {progress, 0, cs_safetensors_bytes(w.tensors)};
    cs_tensor_changes changes = {NULL, 0, make, &w};
    w.changes = cs_alloc(room, sizeof *w.changes, "a list of changes", err);
    w.recipes = cs_alloc(room, sizeof *w.recipes, "a list of changes", err);
    if (!w.changes || !w.recipes) goto done;
    for (int layer = 0; layer < w.config->image.layers; layer++)
        add_layer(&w, layer);
    if (edit->projection)
        add(&w, cs_checkpoint_part(checkpoint, CLIPSPAN_IMAGE, CS_PROJECTION, 0),
            (recipe){PROJECTION, 0, 0, 0});
    changes.items = w.changes;
    changes.count = w.count;
    status = CLIPSPAN_OK;
    for (size_t file = 0; file < cs_safetensors_files(w.tensors) && status == CLIPSPAN_OK; file++) {
        char *path;
        status = cs_edit_path(&path, folder, checkpoint, name_file(&w, file), err);
        if (status == CLIPSPAN_OK)
            status = cs_safetensors_copy(path, w.tensors, file, &changes, &count, err);
        cs_free(path);
    }
done:
    cs_free(w.changes);
    cs_free(w.recipes);
    return status;
}
