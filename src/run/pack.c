/* SPDX-License-Identifier: MIT */
/* Chunks side by side in one file, array by array, so that other tools read a pack as it is. */
#define _POSIX_C_SOURCE 200809L
#include "run/pack.h"
#include "base/memory.h"
#include "formats/widen.h"
#include "run/folder.h"
#include "run/pack_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cs_pack_name(char out[CS_NAME_ROOM], const cs_part_plan *plan, int level, uint64_t index)
{
    char file[64];
    snprintf(file, sizeof file, CS_PACKS_FOLDER "/%02d-%08llu.safetensors", level,
             (unsigned long long)index);
    cs_part_name(out, plan, file);
}

/* ---- The arrays of a pack ---- */

/* Those that the plan does not keep have rank 0. */
void cs_pack_list(cs_pack_tensor out[CS_PACK_TENSORS], const cs_part_plan *plan, uint64_t chunks)
{
    const cs_shape *s = &plan->shape;
    const uint64_t n = chunks, R = plan->rows;
    const char *type = plan->coefficients == CLIPSPAN_COEFFICIENTS_F16 ? "F16" : "F32";
    const int kept = plan->coefficients != CLIPSPAN_COEFFICIENTS_NONE,
              more = kept && plan->contributions;
    const cs_pack_tensor all[CS_PACK_TENSORS] = {
        {"scale", "F64", {n, CS_CHUNK, R, 3}, kept ? 4 : 0, 0},
        {"row_weights", "F64", {n, CS_CHUNK, R}, kept ? 3 : 0, 0},
        {"embedding", "F32", {n, CS_CHUNK, s->P}, kept ? 3 : 0, 0},
        {"z", type, {n, plan->layers, s->H, R, CS_CHUNK, s->K}, kept ? 6 : 0, 0},
        {"mlp", type, {n, s->L + 1, CS_CHUNK, s->P}, more ? 4 : 0, 0},
        {"class_self_attention", type, {n, s->L, CS_CHUNK, s->P}, more ? 4 : 0, 0},
        {"status", "U8", {n, CS_CHUNK}, 2, 0},
    };
    memcpy(out, all, sizeof all);
    for (int i = 0; i < CS_PACK_TENSORS; i++) {
        out[i].each = 1;
        for (int d = 1; d < out[i].rank; d++)
            out[i].each *= (size_t)out[i].shape[d];
    }
}

/* ---- Finding and opening ---- */

/* A pack that is whole, and of this plan. */
clipspan_status cs_pack_open(cs_pack *out, int *foreign, const cs_part_plan *plan, int level,
                             uint64_t index, clipspan_error *err)
{
    clipspan_status status;
    cs_pack_tensor list[CS_PACK_TENSORS];
    char name[CS_NAME_ROOM];
    uint64_t end;
    out->file = NULL;
    cs_pack_name(name, plan, level, index);
    cs_node_chunks(&out->first, &end, &plan->tree, (cs_node){level, index});
    out->count = end - out->first;
    CS_TRY(cs_part_open(&out->file, foreign, name, plan, CS_PACK_PART, err));
    cs_pack_list(list, plan, out->count);
    for (int i = 0; i < CS_PACK_TENSORS; i++)
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
            cs_pack_open(out, &other, plan, cs_pack_levels[i], chunk >> cs_pack_levels[i], &local);
        if (status == CLIPSPAN_OK) return status;
        if (foreign && other) *foreign = 1;
        if (first == CLIPSPAN_E_NOT_FOUND) {
            first = status;
            if (err) *err = local;
        }
        if (other || cs_part_is_away(status, &local)) {
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

static clipspan_status write_numbers(cs_safetensors_writer *w, const cs_pack_tensor *array,
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

clipspan_status cs_pack_declare(cs_safetensors_writer *w,
                                const cs_pack_tensor list[CS_PACK_TENSORS], uint64_t errors,
                                clipspan_error *err)
{
    for (int i = 0; i < CS_PACK_TENSORS; i++)
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
    const void *data[CS_PACK_TENSORS] = {coefficients->scale,
                                         weights,
                                         coefficients->embedding,
                                         coefficients->z + kept,
                                         coefficients->mlp,
                                         coefficients->class_self_attention,
                                         status};
    clipspan_status result;
    cs_safetensors_writer *w = NULL;
    cs_pack_tensor list[CS_PACK_TENSORS];
    size_t size = 0;
    char *text, name[CS_NAME_ROOM];
    cs_pack_name(name, plan, 0, chunk);
    for (int i = 0; i < CS_CHUNK; i++) /* the class token's row alone enters the embedding */
        weights[i] = status[i] == CS_IMAGE_OK;
    text = print_errors(&size, chunk, status, errors, err);
    result = text ? cs_part_begin(&w, name, plan, CS_PACK_PART, err) : CLIPSPAN_E_NOMEM;
    cs_pack_list(list, plan, 1);
    if (result == CLIPSPAN_OK) result = cs_pack_declare(w, list, size, err);
    for (int i = 0; i < CS_PACK_TENSORS && result == CLIPSPAN_OK; i++)
        if (list[i].rank) result = write_numbers(w, &list[i], data[i], err);
    if (result == CLIPSPAN_OK) result = cs_safetensors_writer_write(w, text, size, err);
    if (result == CLIPSPAN_OK) result = cs_safetensors_writer_finish(w, err);
    cs_safetensors_writer_close(&w);
    cs_free(text);
    return result;
}
