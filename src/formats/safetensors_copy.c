/* SPDX-License-Identifier: MIT */
/* The copy, tensor after tensor: header as it was or made anew, then the data. */
#include "formats/safetensors_copy.h"
#include "base/file.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)1 << 20)

/* A tensor of the copy. */
typedef struct item {
    const cs_tensor_entry *entry;
    const cs_tensor_change *change; /* or NULL */
    size_t index;                   /* of the change */
    uint64_t bytes, width;          /* of the tensor, of a number, at least 1 */
} item;

typedef struct copy {
    const cs_safetensors *from;
    const cs_tensor_changes *changes;
    cs_copy_progress *progress;
    cs_output *output;
    item *items;
    size_t count;
    int same; /* no type and no shape changes */
} copy;

static int by_place(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->entry->offset != y->entry->offset) return x->entry->offset < y->entry->offset ? -1 : 1;
    return x->entry->bytes < y->entry->bytes ? -1 : x->entry->bytes > y->entry->bytes;
}

static int by_width(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->width != y->width) return x->width > y->width ? -1 : 1;
    return by_place(a, b);
}

static int unchanged(const cs_tensor_change *c)
{
    return strcmp(c->dtype, c->entry->dtype_name) == 0 && c->rank == c->entry->rank &&
           memcmp(c->shape, c->entry->shape, (size_t)c->rank * sizeof *c->shape) == 0;
}

static uint64_t width_of(uint64_t bytes, uint64_t count)
{
    return count && bytes / count ? bytes / count : 1;
}

/* The tensors of one file in the order of the copy. */
static clipspan_status list_items(copy *c, size_t file, clipspan_error *err)
{
    const size_t all = cs_safetensors_count(c->from);
    size_t i, k;
    c->items = cs_alloc_zero(all, sizeof *c->items, "a list of tensors", err);
    if (!c->items) return CLIPSPAN_E_NOMEM;
    c->same = 1;
    for (i = 0; i < all; i++) {
        const cs_tensor_entry *entry = cs_safetensors_at(c->from, i);
        item *to = &c->items[c->count];
        if (entry->file != file) continue;
        to->entry = entry;
        to->bytes = entry->bytes;
        to->width = width_of(entry->bytes, entry->count);
        for (k = 0; k < c->changes->count && c->changes->items[k].entry != entry; k++)
            ;
        if (k < c->changes->count) {
            uint64_t count = 1;
            to->change = &c->changes->items[k];
            to->index = k;
            to->bytes = to->change->bytes;
            for (int d = 0; d < to->change->rank; d++)
                count *= to->change->shape[d];
            to->width = width_of(to->bytes, count);
            c->same = c->same && unchanged(to->change);
        }
        c->count++;
    }
    if (c->count) qsort(c->items, c->count, sizeof *c->items, c->same ? by_place : by_width);
    return CLIPSPAN_OK;
}

/* What the header says of one tensor that begins at `begin` of the data. */
static clipspan_status describe(json_t *header, const item *at, uint64_t begin, clipspan_error *err)
{
    json_t *facts = json_object_get(header, at->entry->name), *shape;
    int failed = json_object_set_new(
        facts, "data_offsets",
        json_pack("[I, I]", (json_int_t)begin, (json_int_t)(begin + at->bytes)));
    if (at->change) {
        shape = json_array();
        for (int d = 0; d < at->change->rank; d++)
            failed |= json_array_append_new(shape, json_integer((json_int_t)at->change->shape[d]));
        failed |= json_object_set_new(facts, "shape", shape);
        failed |= json_object_set_new(facts, "dtype", json_string(at->change->dtype));
    }
    return failed ? cs_fail_memory(err, 1, "a header of tensors") : CLIPSPAN_OK;
}

static clipspan_status write_text(copy *c, const char *text, size_t size, clipspan_error *err)
{
    static const char spaces[8] = "       ";
    const size_t padding = c->same ? 0 : (8 - size % 8) % 8;
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)(size + padding) >> (8 * i));
    CS_TRY(cs_output_write(c->output, length, 8, err));
    CS_TRY(cs_output_write(c->output, text, size, err));
    return cs_output_write(c->output, spaces, padding, err);
}

static clipspan_status write_header(copy *c, size_t file, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    json_t *header = NULL;
    char *text = NULL, *made = NULL;
    uint64_t begin = 0;
    size_t size;
    CS_TRY(cs_safetensors_header(&text, &size, &header, c->from, file, err));
    if (c->same) {
        status = write_text(c, text, size, err);
        goto done;
    }
    for (size_t i = 0; i < c->count; begin += c->items[i++].bytes)
        CS_TRY_DONE(describe(header, &c->items[i], begin, err));
    made = json_dumps(header, JSON_COMPACT | JSON_PRESERVE_ORDER);
    status = made ? write_text(c, made, strlen(made), err)
                  : cs_fail_memory(err, size, "a header of tensors");
done:
    json_decref(header);
    cs_free(text);
    free(made);
    return status;
}

static clipspan_status advance(copy *c, uint64_t bytes, clipspan_error *err)
{
    cs_copy_progress *p = c->progress;
    int stop = 0;
    p->done += bytes;
    if (p->caller && p->caller->step)
        stop = p->caller->step(p->caller->user, (size_t)p->done, (size_t)p->total);
    return stop ? cs_stopped(err, stop, "writing the checkpoint was stopped") : CLIPSPAN_OK;
}

static clipspan_status write_as_is(copy *c, const cs_tensor_entry *entry, clipspan_error *err)
{
    const uint64_t width = width_of(entry->bytes, entry->count), step = PIECE / width;
    clipspan_status status = CLIPSPAN_OK;
    unsigned char *piece = cs_alloc(PIECE, 1, "a piece of a tensor", err);
    if (!piece) return CLIPSPAN_E_NOMEM;
    for (uint64_t at = 0; at < entry->count && status == CLIPSPAN_OK; at += step) {
        const uint64_t n = entry->count - at < step ? entry->count - at : step;
        status = cs_safetensors_read_raw(piece, c->from, entry, at, n, err);
        if (status == CLIPSPAN_OK)
            status = cs_output_write(c->output, piece, (size_t)(n * width), err);
        if (status == CLIPSPAN_OK) status = advance(c, n * width, err);
    }
    cs_free(piece);
    return status;
}

static clipspan_status write_changed(copy *c, const item *at, clipspan_error *err)
{
    void *data = cs_alloc_aligned((size_t)at->bytes, 1, "a changed tensor", err);
    clipspan_status status = data ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK) status = c->changes->make(data, c->changes->context, at->index, err);
    if (status == CLIPSPAN_OK) status = cs_output_write(c->output, data, (size_t)at->bytes, err);
    if (status == CLIPSPAN_OK) status = advance(c, at->entry->bytes, err);
    cs_free(data);
    return status;
}

clipspan_status cs_safetensors_copy(const char *path, const cs_safetensors *from, size_t file,
                                    const cs_tensor_changes *changes, cs_copy_progress *progress,
                                    clipspan_error *err)
{
    copy c = {from, changes, progress, NULL, NULL, 0, 0};
    clipspan_status status;
    CS_TRY_DONE(list_items(&c, file, err));
    CS_TRY_DONE(cs_output_open(&c.output, path, 0, err));
    CS_TRY_DONE(write_header(&c, file, err));
    for (size_t i = 0; i < c.count; i++)
        CS_TRY_DONE(c.items[i].change ? write_changed(&c, &c.items[i], err)
                                      : write_as_is(&c, c.items[i].entry, err));
    status = cs_output_commit(c.output, err);
done:
    cs_output_close(&c.output);
    cs_free(c.items);
    return status;
}
