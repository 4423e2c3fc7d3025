/* SPDX-License-Identifier: MIT */
/* Chunks side by side in one file, array by array, so that other tools read a pack as it is. */
#define _POSIX_C_SOURCE 200809L
#include "run/pack.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/widen.h"
#include "run/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART       "chunks"
#define COPY_BYTES ((size_t)1 << 20)

#define TOP        CS_PACK_TOP

char *cs_pack_path(const cs_part_plan *plan, int level, uint64_t index, clipspan_error *err)
{
    char name[64];
    snprintf(name, sizeof name, CS_PACKS_FOLDER "/%02d-%08llu.safetensors", level,
             (unsigned long long)index);
    return cs_path_join(plan->path, name, err);
}

/* ---- The arrays of a pack ---- */

/* In the order of the file: widest numbers first. */
typedef struct pack_array {
    const char *name, *dtype;
    uint64_t shape[6]; /* the first is the number of chunks */
    int rank;
    size_t each; /* numbers a chunk */
} pack_array;

enum { SCALE, WEIGHTS, EMBEDDING, Z, MLP, CLASS_SELF_ATTENTION, STATUS, ARRAYS };

/* Those that the plan does not keep have rank 0. */
static void list_arrays(pack_array out[ARRAYS], const cs_part_plan *plan, uint64_t chunks)
{
    const cs_shape *s = &plan->shape;
    const uint64_t n = chunks, R = plan->rows;
    const char *type = plan->coefficients == CLIPSPAN_COEFFICIENTS_F16 ? "F16" : "F32";
    const int kept = plan->coefficients != CLIPSPAN_COEFFICIENTS_NONE,
              more = kept && plan->contributions;
    const pack_array all[ARRAYS] = {
        {"scale", "F64", {n, CS_CHUNK, R, 3}, kept ? 4 : 0, 0},
        {"row_weights", "F64", {n, CS_CHUNK, R}, kept ? 3 : 0, 0},
        {"embedding", "F32", {n, CS_CHUNK, s->P}, kept ? 3 : 0, 0},
        {"z", type, {n, plan->layers, s->H, R, CS_CHUNK, s->K}, kept ? 6 : 0, 0},
        {"mlp", type, {n, s->L + 1, CS_CHUNK, s->P}, more ? 4 : 0, 0},
        {"class_self_attention", type, {n, s->L, CS_CHUNK, s->P}, more ? 4 : 0, 0},
        {"status", "U8", {n, CS_CHUNK}, 2, 0},
    };
    memcpy(out, all, sizeof all);
    for (int i = 0; i < ARRAYS; i++) {
        out[i].each = 1;
        for (int d = 1; d < out[i].rank; d++)
            out[i].each *= (size_t)out[i].shape[d];
    }
}

/* ---- Finding and opening ---- */

/* A pack that is whole, and of this plan. */
static clipspan_status open_pack(cs_pack *out, int *foreign, const cs_part_plan *plan, int level,
                                 uint64_t index, clipspan_error *err)
{
    clipspan_status status;
    pack_array list[ARRAYS];
    uint64_t end;
    char *path = cs_pack_path(plan, level, index, err);
    out->file = NULL;
    if (!path) return CLIPSPAN_E_NOMEM;
    cs_node_chunks(&out->first, &end, &plan->tree, (cs_node){level, index});
    out->count = end - out->first;
    status = cs_part_open(&out->file, foreign, path, plan, PART, err);
    cs_free(path);
    CS_TRY(status);
    list_arrays(list, plan, out->count);
    for (int i = 0; i < ARRAYS; i++)
        if (list[i].rank)
            CS_TRY_DONE(cs_part_need(NULL, out->file, list[i].name, list[i].dtype, list[i].shape,
                                     list[i].rank, err));
    return CLIPSPAN_OK;
done:
    cs_pack_close(out);
    return status;
}

/* From the highest level down. What is damaged is remembered, and passed over where a pack below
 * it is whole. */
static clipspan_status look_for(cs_pack *out, int *foreign, const cs_part_plan *plan,
                                uint64_t chunk, clipspan_error *err)
{
    clipspan_status first = CLIPSPAN_E_NOT_FOUND;
    for (int i = CS_PACK_LEVELS; i-- > 0;) {
        clipspan_error local;
        int other = 0;
        clipspan_status status =
            open_pack(out, &other, plan, cs_pack_levels[i], chunk >> cs_pack_levels[i], &local);
        if (status == CLIPSPAN_OK) return status;
        if (foreign && other) *foreign = 1;
        if (first == CLIPSPAN_E_NOT_FOUND) {
            first = status;
            if (err) *err = local;
        }
        if (other || status == CLIPSPAN_E_NOMEM) {
            if (err) *err = local;
            return status;
        }
    }
    return first;
}

clipspan_status cs_pack_find(cs_pack *out, int *foreign, const cs_part_plan *plan, uint64_t chunk,
                             clipspan_error *err)
{
    /* Between two looks a pack may have taken the place of those below it: once more, from above.
     */
    clipspan_status status = look_for(out, foreign, plan, chunk, err);
    if (status == CLIPSPAN_E_NOT_FOUND) status = look_for(out, foreign, plan, chunk, err);
    if (status != CLIPSPAN_E_NOT_FOUND) return status;
    return cs_fail_at(err, status, plan->path,
                      "chunk %llu is not scanned yet; go on with clipspan scan RUN",
                      (unsigned long long)chunk);
}

int cs_pack_holds(const cs_pack *pack, uint64_t chunk)
{
    return pack->file && chunk >= pack->first && chunk - pack->first < pack->count;
}

void cs_pack_close(cs_pack *pack)
{
    cs_safetensors_close(&pack->file);
}

/* ---- Reading ---- */

clipspan_status cs_pack_read_status(uint8_t *status, const cs_pack *pack, const cs_part_plan *plan,
                                    uint64_t chunk, clipspan_error *err)
{
    const int places = cs_chunk_places(&plan->tree, chunk);
    CS_TRY(cs_safetensors_read_raw(status, pack->file, cs_safetensors_find(pack->file, "status"),
                                   (chunk - pack->first) * CS_CHUNK, CS_CHUNK, err));
    for (int i = 0; i < CS_CHUNK; i++)
        if (i < places ? status[i] >= CS_IMAGE_STATUSES : status[i] != CS_IMAGE_NONE)
            return cs_fail_at(
                err, CLIPSPAN_E_FORMAT, cs_safetensors_path(pack->file, 0),
                "slot %d of %d images of chunk %llu has status %d, which there is not", i, places,
                (unsigned long long)chunk, status[i]);
    return CLIPSPAN_OK;
}

/* "PLACE<TAB>SENTENCE<LF>" for every skipped image. */
clipspan_status cs_pack_read_errors(const cs_pack *pack, const cs_part_plan *plan,
                                    clipspan_status (*each)(void *context, uint64_t run_index,
                                                            const char *message,
                                                            clipspan_error *err),
                                    void *context, clipspan_error *err)
{
    const cs_tensor_entry *entry = cs_safetensors_find(pack->file, "errors");
    const uint64_t first = pack->first * CS_CHUNK;
    uint64_t end = (pack->first + pack->count) * CS_CHUNK;
    clipspan_status status = CLIPSPAN_OK;
    char *text, *line;
    if (end > plan->tree.images) end = plan->tree.images;
    if (!entry || strcmp(entry->dtype_name, "U8") != 0 || entry->rank != 1 ||
        entry->count > (end - first) * sizeof(clipspan_error))
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, cs_safetensors_path(pack->file, 0),
                          "\"errors\" is missing, or has not the type and size that are possible");
    if (entry->count == 0) return CLIPSPAN_OK;
    text = cs_alloc_zero((size_t)entry->count + 1, 1, "why images were skipped", err);
    if (!text) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_safetensors_read_raw(text, pack->file, entry, 0, entry->count, err));
    for (line = text; *line && status == CLIPSPAN_OK;) {
        char *tab, *ending = strchr(line, '\n');
        uint64_t run_index = strtoull(line, &tab, 10);
        if (!ending || *tab != '\t' || run_index < first || run_index >= end) {
            status = cs_fail_at(err, CLIPSPAN_E_FORMAT, cs_safetensors_path(pack->file, 0),
                                "\"errors\" is not lines of place and sentence");
            break;
        }
        *ending = '\0';
        status = each(context, run_index, tab + 1, err);
        line = ending + 1;
    }
done:
    cs_free(text);
    return status;
}

clipspan_status cs_pack_read(float *out, const cs_pack *pack, const cs_part_plan *plan,
                             cs_pack_array array, uint64_t chunk, size_t plane, size_t slot,
                             size_t slots, clipspan_error *err)
{
    static const char *const names[] = {"embedding", "z", "mlp", "class_self_attention"};
    const size_t planes[] = {1, plan->layers * plan->shape.H * plan->rows, plan->shape.L + 1,
                             plan->shape.L};
    const size_t width = array == CS_PACK_Z ? plan->shape.K : plan->shape.P;
    const cs_tensor_entry *entry = cs_safetensors_find(pack->file, names[array]);
    const uint64_t row = ((chunk - pack->first) * planes[array] + plane) * CS_CHUNK + slot;
    return cs_safetensors_read(out, pack->file, entry, row * width, slots * width, err);
}

clipspan_status cs_pack_read_scale(double *scale, const cs_pack *pack, uint64_t chunk,
                                   clipspan_error *err)
{
    const cs_tensor_entry *entry = cs_safetensors_find(pack->file, "scale");
    const uint64_t each = entry->count / pack->count;
    return cs_safetensors_read_raw(scale, pack->file, entry, (chunk - pack->first) * each, each,
                                   err);
}

/* ---- Writing a chunk ---- */

static clipspan_status write_numbers(cs_safetensors_writer *w, const pack_array *array,
                                     const void *data, clipspan_error *err)
{
    enum { PIECE = 1 << 15 };
    const float *from = data;
    clipspan_status status = CLIPSPAN_OK;
    uint16_t *half;
    if (strcmp(array->dtype, "F64") == 0)
        return cs_safetensors_writer_write(w, data, array->each * sizeof(double), err);
    if (strcmp(array->dtype, "F32") == 0)
        return cs_safetensors_writer_write(w, data, array->each * sizeof(float), err);
    if (strcmp(array->dtype, "U8") == 0)
        return cs_safetensors_writer_write(w, data, array->each, err);
    half = cs_alloc(PIECE, sizeof *half, "half-precision coefficients", err);
    if (!half) return CLIPSPAN_E_NOMEM;
    for (size_t at = 0; at < array->each && status == CLIPSPAN_OK; at += PIECE) {
        size_t n = array->each - at < PIECE ? array->each - at : PIECE;
        cs_narrow_f16(half, from + at, n); /* exact: they were rounded before they were counted */
        status = cs_safetensors_writer_write(w, half, n * sizeof *half, err);
    }
    cs_free(half);
    return status;
}

/* The lines of one chunk's skipped images. */
static char *print_errors(size_t *size, uint64_t chunk, const uint8_t *status,
                          const clipspan_error *errors, clipspan_error *err)
{
    const size_t room = CS_CHUNK * (sizeof errors->message + 32);
    char *text = cs_alloc(room, 1, "why images were skipped", err);
    *size = 0;
    for (int i = 0; text && i < CS_CHUNK; i++)
        if (status[i] != CS_IMAGE_OK && status[i] != CS_IMAGE_NONE)
            *size += (size_t)snprintf(text + *size, room - *size, "%llu\t%s\n",
                                      (unsigned long long)(chunk * CS_CHUNK + (uint64_t)i),
                                      errors[i].message);
    return text;
}

static clipspan_status declare(cs_safetensors_writer *w, const pack_array list[ARRAYS],
                               uint64_t errors, clipspan_error *err)
{
    for (int i = 0; i < ARRAYS; i++)
        if (list[i].rank)
            CS_TRY(cs_safetensors_writer_add(w, list[i].name, list[i].dtype, list[i].shape,
                                             list[i].rank, err));
    return cs_safetensors_writer_add(w, "errors", "U8", &errors, 1, err);
}

clipspan_status cs_pack_write_chunk(const cs_part_plan *plan, uint64_t chunk,
                                    const cs_coefficients *coefficients, const uint8_t *status,
                                    const clipspan_error *errors, clipspan_error *err)
{
    const size_t kept = plan->first_layer * plan->shape.H * CS_CHUNK * plan->shape.K;
    double weights[CS_CHUNK];
    const void *data[ARRAYS] = {coefficients->scale,
                                weights,
                                coefficients->embedding,
                                coefficients->z + kept,
                                coefficients->mlp,
                                coefficients->class_self_attention,
                                status};
    clipspan_status result;
    cs_safetensors_writer *w = NULL;
    pack_array list[ARRAYS];
    size_t size = 0;
    char *text, *path = cs_pack_path(plan, 0, chunk, err);
    if (!path) return CLIPSPAN_E_NOMEM;
    for (int i = 0; i < CS_CHUNK; i++) /* the class token's row alone enters the embedding */
        weights[i] = status[i] == CS_IMAGE_OK;
    text = print_errors(&size, chunk, status, errors, err);
    result = text ? cs_part_begin(&w, path, plan, PART, err) : CLIPSPAN_E_NOMEM;
    list_arrays(list, plan, 1);
    if (result == CLIPSPAN_OK) result = declare(w, list, size, err);
    for (int i = 0; i < ARRAYS && result == CLIPSPAN_OK; i++)
        if (list[i].rank) result = write_numbers(w, &list[i], data[i], err);
    if (result == CLIPSPAN_OK) result = cs_safetensors_writer_write(w, text, size, err);
    if (result == CLIPSPAN_OK) result = cs_safetensors_writer_finish(w, err);
    cs_safetensors_writer_close(&w);
    cs_free(text);
    cs_free(path);
    return result;
}

/* ---- Packing ---- */

/* The packs that one of a higher level is made from. */
typedef struct source {
    int level;
    uint64_t index;
} source;

typedef struct gathering {
    const cs_part_plan *plan;
    cs_safetensors_writer *to;
    source *sources;
    size_t count;
    uint64_t errors;      /* bytes of their error lines */
    unsigned char *bytes; /* [COPY_BYTES] */
} gathering;

static int is_there(const cs_part_plan *plan, int level, uint64_t index)
{
    char *path = cs_pack_path(plan, level, index, NULL);
    int there = path && cs_path_kind(path) == 1;
    cs_free(path);
    return there;
}

static void discard(const cs_part_plan *plan, int level, uint64_t index)
{
    char *path = cs_pack_path(plan, level, index, NULL);
    if (path) unlink(path);
    cs_free(path);
}

static void discard_below(const cs_part_plan *plan, int level, uint64_t first, uint64_t end)
{
    for (int i = 0; i < CS_PACK_LEVELS && cs_pack_levels[i] < level; i++)
        for (uint64_t n = first >> cs_pack_levels[i]; n <= (end - 1) >> cs_pack_levels[i]; n++)
            discard(plan, cs_pack_levels[i], n);
}

static uint64_t error_bytes(const cs_pack *pack)
{
    const cs_tensor_entry *entry = cs_safetensors_find(pack->file, "errors");
    return entry && strcmp(entry->dtype_name, "U8") == 0 ? entry->count : 0;
}

/* The largest whole packs below `level` that hold chunks [first, end). */
static clipspan_status find_sources(gathering *g, int level, uint64_t first, uint64_t end,
                                    clipspan_error *err)
{
    uint64_t chunk = first;
    while (chunk < end) {
        clipspan_status status = CLIPSPAN_E_NOT_FOUND;
        cs_pack pack;
        for (int i = CS_PACK_LEVELS; i-- > 0 && status != CLIPSPAN_OK;) {
            if (cs_pack_levels[i] >= level) continue;
            status =
                open_pack(&pack, NULL, g->plan, cs_pack_levels[i], chunk >> cs_pack_levels[i], err);
            if (status != CLIPSPAN_OK) continue;
            g->sources[g->count++] = (source){cs_pack_levels[i], chunk >> cs_pack_levels[i]};
            g->errors += error_bytes(&pack);
            chunk = pack.first + pack.count;
            cs_pack_close(&pack);
        }
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}

/* Bytes [0, size) of a tensor of a source, to the pack at work. */
static clipspan_status copy_tensor(gathering *g, const cs_pack *from, const char *name,
                                   clipspan_error *err)
{
    const cs_tensor_entry *entry = cs_safetensors_find(from->file, name);
    const uint64_t each = entry && entry->count ? entry->bytes / entry->count : 1;
    const uint64_t step = COPY_BYTES / each;
    for (uint64_t at = 0; entry && at < entry->count; at += step) {
        const uint64_t n = entry->count - at < step ? entry->count - at : step;
        CS_TRY(cs_safetensors_read_raw(g->bytes, from->file, entry, at, n, err));
        CS_TRY(cs_safetensors_writer_write(g->to, g->bytes, (size_t)(n * each), err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status copy_all(gathering *g, const char *name, clipspan_error *err)
{
    for (size_t i = 0; i < g->count; i++) {
        clipspan_status status;
        cs_pack pack;
        CS_TRY(open_pack(&pack, NULL, g->plan, g->sources[i].level, g->sources[i].index, err));
        status = copy_tensor(g, &pack, name, err);
        cs_pack_close(&pack);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}

static clipspan_status write_pack(gathering *g, const char *path, uint64_t chunks,
                                  clipspan_error *err)
{
    pack_array list[ARRAYS];
    list_arrays(list, g->plan, chunks);
    CS_TRY(cs_part_begin(&g->to, path, g->plan, PART, err));
    CS_TRY(declare(g->to, list, g->errors, err));
    for (int i = 0; i < ARRAYS; i++)
        if (list[i].rank) CS_TRY(copy_all(g, list[i].name, err));
    CS_TRY(copy_all(g, "errors", err));
    return cs_safetensors_writer_finish(g->to, err);
}

/* Makes one pack from those below it, which go when it is there. */
static clipspan_status pack(const cs_part_plan *plan, int level, uint64_t index,
                            clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_E_NOMEM;
    gathering g = {.plan = plan};
    uint64_t first, end;
    char *path = cs_pack_path(plan, level, index, err);
    cs_node_chunks(&first, &end, &plan->tree, (cs_node){level, index});
    g.sources = cs_alloc((size_t)(end - first), sizeof *g.sources, "a list of packs", err);
    g.bytes = cs_alloc(COPY_BYTES, 1, "a copy of a pack", err);
    if (!path || !g.sources || !g.bytes) goto done;
    CS_TRY_DONE(find_sources(&g, level, first, end, err));
    CS_TRY_DONE(write_pack(&g, path, end - first, err));
    discard_below(plan, level, first, end);
done:
    cs_safetensors_writer_close(&g.to);
    cs_free(g.sources);
    cs_free(g.bytes);
    cs_free(path);
    return status;
}

/* Whether files with the names of packs below a node hold all of its chunks. */
static int is_complete(const cs_part_plan *plan, int at, uint64_t index)
{
    const int level = cs_pack_levels[at], below = cs_pack_levels[at - 1];
    uint64_t first, end;
    cs_node_chunks(&first, &end, &plan->tree, (cs_node){level, index});
    for (uint64_t i = first >> below; i <= (end - 1) >> below; i++)
        if (!is_there(plan, below, i) && (at == 1 || !is_complete(plan, at - 1, i))) return 0;
    return 1;
}

/* Another share may make the same pack, with the same bytes, and take away what this one reads. */
static int may_wait(clipspan_status status)
{
    return status == CLIPSPAN_E_NOT_FOUND || status == CLIPSPAN_E_FORMAT || status == CLIPSPAN_E_IO;
}

clipspan_status cs_packs_gather(const cs_part_plan *plan, uint64_t chunk, clipspan_error *err)
{
    for (int i = 1; i < CS_PACK_LEVELS; i++) {
        const cs_node node = {cs_pack_levels[i], chunk >> cs_pack_levels[i]};
        clipspan_status status;
        clipspan_error local;
        uint64_t from, to, above_from, above_to;
        cs_node_chunks(&from, &to, &plan->tree, node);
        if (i + 1 < CS_PACK_LEVELS) { /* a pack that would only be copied */
            cs_node_chunks(&above_from, &above_to, &plan->tree,
                           (cs_node){cs_pack_levels[i + 1], chunk >> cs_pack_levels[i + 1]});
            if (above_from == from && above_to == to) continue;
        }
        if (!is_complete(plan, i, node.index)) return CLIPSPAN_OK;
        status = pack(plan, node.level, node.index, &local);
        if (may_wait(status)) return CLIPSPAN_OK;
        if (status != CLIPSPAN_OK) {
            if (err) *err = local;
            return status;
        }
    }
    return CLIPSPAN_OK;
}

uint64_t cs_packs_count(const cs_part_plan *plan)
{
    return ((plan->tree.chunks - 1) >> TOP) + 1;
}

int cs_packs_is_closed(const cs_part_plan *plan, uint64_t index)
{
    cs_pack whole;
    const int closed = open_pack(&whole, NULL, plan, TOP, index, NULL) == CLIPSPAN_OK;
    cs_pack_close(&whole);
    return closed;
}

clipspan_status cs_packs_close(const cs_part_plan *plan, uint64_t index, clipspan_error *err)
{
    uint64_t first, end;
    cs_pack whole;
    int foreign = 0;
    clipspan_status status = open_pack(&whole, &foreign, plan, TOP, index, err);
    if (status == CLIPSPAN_E_NOMEM || foreign) return status;
    if (status != CLIPSPAN_OK) return pack(plan, TOP, index, err);
    cs_pack_close(&whole);
    cs_node_chunks(&first, &end, &plan->tree, (cs_node){TOP, index});
    discard_below(plan, TOP, first, end);
    return CLIPSPAN_OK;
}
