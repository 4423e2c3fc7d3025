/* SPDX-License-Identifier: MIT */
/* Means of heads that a run knows, and sets of heads to mean-ablate together. */
#include "study/edit_check.h"
#include "base/memory.h"
#include "base/owned.h"

#include <clipspan/model.h>
#include <clipspan/run.h>
#include <string.h>

/* slot: [L H] of the heads, each once. */
static clipspan_status place_heads(cs_edit_check *e, const clipspan_head *heads, size_t count,
                                   clipspan_error *err)
{
    const size_t LH = (size_t)e->facts->layers * (size_t)e->facts->heads;
    e->slot = cs_alloc(LH, sizeof *e->slot, "heads", err);
    e->heads = cs_alloc(count, sizeof *e->heads, "heads", err);
    if (!e->slot || !e->heads) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < LH; i++)
        e->slot[i] = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const clipspan_head h = heads[i];
        size_t *slot;
        if (h.layer < 0 || h.layer >= e->facts->layers || h.head < 0 || h.head >= e->facts->heads)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "head L%d.H%d was named; the model has layers 0 to %d with heads 0 to "
                           "%d",
                           h.layer, h.head, e->facts->layers - 1, e->facts->heads - 1);
        slot = &e->slot[(size_t)h.layer * (size_t)e->facts->heads + (size_t)h.head];
        if (*slot != SIZE_MAX) continue;
        *slot = e->count;
        e->heads[e->count++] = h;
    }
    return CLIPSPAN_OK;
}

/* means : [count, P] = mean coefficients times output map */
static clipspan_status read_means(cs_edit_check *e, const clipspan_progress *progress,
                                  clipspan_error *err)
{
    const size_t K = (size_t)e->facts->head_width, P = (size_t)e->facts->embed_width, C = K + 3;
    double *coefficients = cs_alloc(C, sizeof *coefficients, "mean coefficients", err);
    float *output_map = cs_alloc(C, P * sizeof *output_map, "an output map", err);
    clipspan_status status = CLIPSPAN_E_NOMEM;
    e->z = cs_alloc(e->count, K * sizeof *e->z, "means of heads", err);
    e->means = cs_alloc(e->count, P * sizeof *e->means, "means of heads", err);
    if (!coefficients || !output_map || !e->z || !e->means) goto done;
    status = CLIPSPAN_OK;
    if (e->count)
        CS_TRY_DONE(clipspan_run_read_mixed(e->z, e->run, e->heads, e->count, progress, err));
    for (size_t i = 0; i < e->count; i++) {
        const clipspan_head h = e->heads[i];
        CS_TRY_DONE(
            clipspan_run_read_head(NULL, coefficients, NULL, e->run, -1, h.layer, h.head, err));
        CS_TRY_DONE(clipspan_run_read_output_map(output_map, e->run, h.layer, h.head, err));
        for (size_t p = 0; p < P; p++) {
            double sum = 0.0;
            for (size_t c = 0; c < C; c++)
                sum += coefficients[c] * (double)output_map[c * P + p];
            e->means[i * P + p] = (float)sum;
        }
    }
done:
    cs_free(coefficients);
    cs_free(output_map);
    return status;
}

static clipspan_status open_check(cs_edit_check *e, const clipspan_head *heads, size_t count,
                                  const clipspan_edit_check_options *o,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    const clipspan_model_info *model = clipspan_model_get_info(e->model);
    e->bank = o->bank;
    e->threads = o->threads;
    e->changes = o->changes;
    e->change_count = o->change_count;
    e->info.model = model->name;
    e->info.run = e->facts->path;
    e->info.exif_orient = e->image.exif_orient;
    e->info.of_run = !o->inputs;
    e->info.off = -1.0;
    e->info.role = o->role;
    e->info.pool = o->pool;
    e->info.bytes_before = model->bytes;
    e->info.parameters_before = model->image->parameters;
    if (o->bank) e->info.before = &e->before;
    CS_TRY(place_heads(e, heads, count, err));
    CS_TRY(read_means(e, progress, err));
    return cs_edit_images_list(&e->images, e->run, o, err);
}

clipspan_status cs_edit_check_new(cs_edit_check **out, clipspan_model *model,
                                  const clipspan_run *run, const clipspan_head *heads, size_t count,
                                  const clipspan_edit_check_options *options,
                                  const clipspan_image_options *image,
                                  const clipspan_progress *progress, clipspan_error *err)
{
    cs_edit_check *e = cs_alloc_zero(1, sizeof *e, "a check of an edit", err);
    clipspan_status status;
    *out = NULL;
    if (!e) return CLIPSPAN_E_NOMEM;
    e->model = model;
    e->run = run;
    e->facts = clipspan_run_get_info(run);
    e->image = *image;
    status = open_check(e, heads, count, options, progress, err);
    if (status == CLIPSPAN_OK)
        *out = e;
    else
        cs_edit_check_free(&e);
    return status;
}

void cs_edit_check_free(cs_edit_check **check)
{
    cs_edit_check *e = *check;
    if (!e) return;
    cs_edit_check_clear(e);
    for (size_t i = 0; e->reasons && i < e->info.reason_count; i++)
        cs_free(e->reasons[i]);
    cs_free(e->reasons);
    cs_edit_images_fini(&e->images);
    cs_free(e->heads);
    cs_free(e->slot);
    cs_free(e->z);
    cs_free(e->means);
    cs_free(e);
    *check = NULL;
}

/* ---- Sets ---- */

/* What a row points to, in one piece. */
typedef struct set {
    clipspan_share predicted, network;
    clipspan_head heads[];
} set;

static int in_last_layer(const clipspan_head *heads, size_t count, int layers)
{
    for (size_t i = 0; i < count; i++)
        if (heads[i].layer != layers - 1) return 0;
    return count > 0;
}

clipspan_status cs_edit_check_add(cs_edit_check *e, const char *name, const clipspan_head *heads,
                                  size_t count, clipspan_error *err)
{
    size_t room = e->info.sets;
    clipspan_edit_check_row *row;
    set *s;
    char *copy;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            if (heads[i].layer == heads[k].layer && heads[i].head == heads[k].head)
                return cs_fail(err, CLIPSPAN_E_ARGUMENT, "head L%d.H%d was named twice",
                               heads[i].layer, heads[i].head);
    CS_TRY(cs_grow(&e->rows, &room, e->info.sets + 1, sizeof *e->rows, "sets of heads", err));
    s = cs_alloc_zero(1, sizeof *s + count * sizeof *s->heads, "a set of heads", err);
    copy = cs_strdup(name, err);
    if (!s || !copy) {
        cs_free(s);
        cs_free(copy);
        return CLIPSPAN_E_NOMEM;
    }
    if (count) memcpy(s->heads, heads, count * sizeof *heads);
    row = &e->rows[e->info.sets++];
    memset(row, 0, sizeof *row);
    row->name = copy;
    row->heads = s->heads;
    row->count = count;
    row->last_layer = in_last_layer(heads, count, e->facts->layers);
    if (e->bank) {
        row->predicted = &s->predicted;
        row->network = &s->network;
    }
    return CLIPSPAN_OK;
}

void cs_edit_check_clear(cs_edit_check *e)
{
    for (size_t i = 0; i < e->info.sets; i++) {
        const clipspan_head *heads = e->rows[i].heads;
        cs_free(cs_owned(e->rows[i].name));
        cs_free((char *)cs_owned(heads) - offsetof(set, heads));
    }
    cs_free(e->rows);
    cs_free(e->stays);
    e->rows = NULL;
    e->stays = NULL;
    e->info.sets = 0;
}

void cs_edit_check_mixed(float *z, const cs_edit_check *e, const clipspan_head *heads, size_t count)
{
    const size_t K = (size_t)e->facts->head_width, H = (size_t)e->facts->heads;
    for (size_t i = 0; i < count; i++)
        memcpy(z + i * K, e->z + e->slot[(size_t)heads[i].layer * H + (size_t)heads[i].head] * K,
               K * sizeof *z);
}
