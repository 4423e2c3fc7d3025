/* SPDX-License-Identifier: MIT */
/* Parts as safetensors files, each with the notes "format", "plan" and "part". */
#include "run/part.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/json.h"
#include "formats/safetensors_write.h"
#include "formats/widen.h"
#include "run/folder.h"
#include "run/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOREIGN_PART "is a part of another run"
#define PIECE        ((size_t)1 << 15) /* numbers narrowed at a time */

const char *cs_picture_status_name(cs_picture_status status)
{
    static const char *const names[CS_PICTURE_STATUSES] = {"ok",        "missing",     "unreadable",
                                                           "changed",   "unsupported", "damaged",
                                                           "too large", "not finite"};
    return status < CS_PICTURE_STATUSES ? names[status] : "none";
}

char *cs_chunk_path(const cs_part_plan *plan, uint64_t chunk, clipspan_error *err)
{
    char name[64];
    snprintf(name, sizeof name, CS_CHUNKS_FOLDER "/%08llu.safetensors", (unsigned long long)chunk);
    return cs_path_join(plan->path, name, err);
}

char *cs_node_path(const cs_part_plan *plan, cs_node node, clipspan_error *err)
{
    char name[64];
    snprintf(name, sizeof name, CS_NODES_FOLDER "/%02d-%08llu.safetensors", node.level,
             (unsigned long long)node.index);
    return cs_path_join(plan->path, name, err);
}

int cs_part_is_fatal(clipspan_status status, const clipspan_error *error)
{
    return status == CLIPSPAN_E_NOMEM ||
           (status == CLIPSPAN_E_FORMAT && strstr(error->message, FOREIGN_PART));
}

/* A writer with the notes that every part has. */
static clipspan_status begin_part(cs_safetensors_writer **out, const char *path,
                                  const cs_part_plan *plan, const char *part, clipspan_error *err)
{
    char version[16];
    clipspan_status status;
    snprintf(version, sizeof version, "%d", CS_RUN_FORMAT);
    CS_TRY(cs_safetensors_writer_open(out, path, 1, err));
    CS_TRY_DONE(cs_safetensors_writer_note(*out, "format", version, err));
    CS_TRY_DONE(cs_safetensors_writer_note(*out, "plan", plan->id, err));
    CS_TRY_DONE(cs_safetensors_writer_note(*out, "part", part, err));
    return CLIPSPAN_OK;
done:
    cs_safetensors_writer_close(out);
    return status;
}

static clipspan_status open_part(cs_safetensors **out, const char *path, const cs_part_plan *plan,
                                 const char *part, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const char *id, *kind;
    CS_TRY(cs_safetensors_open(out, &path, 1, err));
    id = cs_safetensors_note(*out, "plan");
    kind = cs_safetensors_note(*out, "part");
    if (!id || !kind)
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "is no part of a run");
    else if (strcmp(id, plan->id) != 0)
        status =
            cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                       FOREIGN_PART ": its plan is %.16s, that of this run %.16s. Take it away "
                                    "and scan again",
                       id, plan->id);
    else if (strcmp(kind, part) != 0)
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "says that it is %.60s, expected %s",
                            kind, part);
    if (status != CLIPSPAN_OK) cs_safetensors_close(out);
    return status;
}

/* The entry of a tensor that must have this type and shape. */
static clipspan_status need(const cs_tensor_entry **out, const cs_safetensors *file,
                            const char *name, const char *dtype, const uint64_t *shape, int rank,
                            clipspan_error *err)
{
    const cs_tensor_entry *entry = cs_safetensors_find(file, name);
    if (out) *out = entry;
    if (entry && strcmp(entry->dtype_name, dtype) == 0 && entry->rank == rank &&
        (rank == 0 || memcmp(entry->shape, shape, (size_t)rank * sizeof *shape) == 0))
        return CLIPSPAN_OK;
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, cs_safetensors_path(file, 0),
                      "\"%s\" is missing, or has not the type and shape that the model demands",
                      name);
}

/* ---- Chunks ---- */

/* The arrays of codes, in the order of the file: widest numbers first. */
typedef struct code_array {
    const char *name, *dtype;
    uint64_t shape[4];
    int rank;
    size_t offset; /* of the pointer in cs_codes */
    size_t count;
} code_array;

#define CODE_ARRAYS 5

static void code_arrays(code_array out[CODE_ARRAYS], const cs_part_plan *plan)
{
    const cs_shape *s = &plan->shape;
    const char *type = plan->codes == CLIPSPAN_CODES_F16 ? "F16" : "F32";
    const code_array all[CODE_ARRAYS] = {
        {"scale", "F64", {CS_CHUNK, 3}, 2, offsetof(cs_codes, scale), 0},
        {"embedding", "F32", {CS_CHUNK, s->P}, 2, offsetof(cs_codes, embedding), 0},
        {"z", type, {s->L, s->H, CS_CHUNK, s->K}, 4, offsetof(cs_codes, z), 0},
        {"mlp", type, {s->L + 1, CS_CHUNK, s->P}, 3, offsetof(cs_codes, mlp), 0},
        {"class_part", type, {s->L, CS_CHUNK, s->P}, 3, offsetof(cs_codes, class_part), 0},
    };
    memcpy(out, all, sizeof all);
    for (int i = 0; i < CODE_ARRAYS; i++) {
        out[i].count = 1;
        for (int d = 0; d < out[i].rank; d++)
            out[i].count *= (size_t)out[i].shape[d];
    }
}

static clipspan_status write_numbers(cs_safetensors_writer *w, const code_array *array,
                                     const void *data, clipspan_error *err)
{
    const float *from = data;
    clipspan_status status = CLIPSPAN_OK;
    uint16_t *half;
    if (strcmp(array->dtype, "F64") == 0)
        return cs_safetensors_writer_write(w, data, array->count * sizeof(double), err);
    if (strcmp(array->dtype, "F32") == 0)
        return cs_safetensors_writer_write(w, data, array->count * sizeof(float), err);
    half = cs_alloc(PIECE, sizeof *half, "half-precision codes", err);
    if (!half) return CLIPSPAN_E_NOMEM;
    for (size_t at = 0; at < array->count && status == CLIPSPAN_OK; at += PIECE) {
        size_t n = array->count - at < PIECE ? array->count - at : PIECE;
        cs_narrow_f16(half, from + at, n); /* exact: they were rounded before they were counted */
        status = cs_safetensors_writer_write(w, half, n * sizeof *half, err);
    }
    cs_free(half);
    return status;
}

/* {"3": "…", "17": "…"}: why slots were skipped. */
static clipspan_status note_errors(cs_safetensors_writer *w, const uint8_t *status,
                                   const clipspan_error *errors, clipspan_error *err)
{
    clipspan_status result;
    json_t *list = json_object();
    char slot[8], *text;
    for (int i = 0; i < CS_CHUNK; i++) {
        if (status[i] == CS_PICTURE_OK || status[i] == CS_PICTURE_NONE) continue;
        snprintf(slot, sizeof slot, "%d", i);
        json_object_set_new(list, slot, json_string(errors[i].message));
    }
    text = json_dumps(list, JSON_PRESERVE_ORDER);
    result = text ? cs_safetensors_writer_note(w, "errors", text, err)
                  : cs_fail_memory(err, 1, "the notes of a chunk");
    free(text);
    json_decref(list);
    return result;
}

static void name_chunk(char out[32], uint64_t chunk)
{
    snprintf(out, 32, "chunk %llu", (unsigned long long)chunk);
}

clipspan_status cs_chunk_write(const cs_part_plan *plan, uint64_t chunk, const cs_codes *codes,
                               const uint8_t *status, const clipspan_error *errors,
                               clipspan_error *err)
{
    static const uint64_t slots = CS_CHUNK;
    const int arrays = plan->codes == CLIPSPAN_CODES_NONE ? 0 : CODE_ARRAYS;
    clipspan_status result;
    cs_safetensors_writer *w = NULL;
    code_array list[CODE_ARRAYS];
    char part[32], *path = cs_chunk_path(plan, chunk, err);
    if (!path) return CLIPSPAN_E_NOMEM;
    name_chunk(part, chunk);
    code_arrays(list, plan);
    result = begin_part(&w, path, plan, part, err);
    if (result == CLIPSPAN_OK) result = note_errors(w, status, errors, err);
    for (int i = 0; i < arrays && result == CLIPSPAN_OK; i++)
        result = cs_safetensors_writer_add(w, list[i].name, list[i].dtype, list[i].shape,
                                           list[i].rank, err);
    if (result == CLIPSPAN_OK)
        result = cs_safetensors_writer_add(w, "status", "U8", &slots, 1, err);
    for (int i = 0; i < arrays && result == CLIPSPAN_OK; i++) {
        const void *data;
        memcpy(&data, (const char *)codes + list[i].offset, sizeof data);
        result = write_numbers(w, &list[i], data, err);
    }
    if (result == CLIPSPAN_OK) result = cs_safetensors_writer_write(w, status, CS_CHUNK, err);
    if (result == CLIPSPAN_OK) result = cs_safetensors_writer_finish(w, err);
    cs_safetensors_writer_close(&w);
    cs_free(path);
    return result;
}

clipspan_status cs_chunk_open(cs_safetensors **out, const cs_part_plan *plan, uint64_t chunk,
                              clipspan_error *err)
{
    static const uint64_t slots = CS_CHUNK;
    const int arrays = plan->codes == CLIPSPAN_CODES_NONE ? 0 : CODE_ARRAYS;
    clipspan_status status;
    code_array list[CODE_ARRAYS];
    char part[32], *path = cs_chunk_path(plan, chunk, err);
    *out = NULL;
    if (!path) return CLIPSPAN_E_NOMEM;
    name_chunk(part, chunk);
    code_arrays(list, plan);
    status = open_part(out, path, plan, part, err);
    cs_free(path);
    CS_TRY(status);
    CS_TRY_DONE(need(NULL, *out, "status", "U8", &slots, 1, err));
    for (int i = 0; i < arrays; i++)
        CS_TRY_DONE(
            need(NULL, *out, list[i].name, list[i].dtype, list[i].shape, list[i].rank, err));
    return CLIPSPAN_OK;
done:
    cs_safetensors_close(out);
    return status;
}

clipspan_status cs_chunk_read_status(uint8_t *status, const cs_safetensors *file,
                                     const cs_part_plan *plan, uint64_t chunk, clipspan_error *err)
{
    const int places = cs_chunk_places(&plan->tree, chunk);
    CS_TRY(cs_safetensors_read_raw(status, file, cs_safetensors_find(file, "status"), 0, CS_CHUNK,
                                   err));
    for (int i = 0; i < CS_CHUNK; i++)
        if (i < places ? status[i] >= CS_PICTURE_STATUSES : status[i] != CS_PICTURE_NONE)
            return cs_fail_at(err, CLIPSPAN_E_FORMAT, cs_safetensors_path(file, 0),
                              "slot %d of %d pictures has status %d, which there is not", i, places,
                              status[i]);
    return CLIPSPAN_OK;
}

clipspan_status cs_chunk_read_errors(const cs_safetensors *file,
                                     clipspan_status (*each)(void *context, int slot,
                                                             const char *message,
                                                             clipspan_error *err),
                                     void *context, clipspan_error *err)
{
    static const cs_json_limits limits = {2, 2, 1 << 16, 0, "list of errors"};
    const char *text = cs_safetensors_note(file, "errors");
    clipspan_status status = CLIPSPAN_OK;
    json_t *list;
    if (!text) return CLIPSPAN_OK;
    CS_TRY(cs_json_parse(&list, text, strlen(text), &limits, cs_safetensors_path(file, 0), err));
    for (int i = 0; i < CS_CHUNK && status == CLIPSPAN_OK; i++) {
        char slot[8];
        const char *message;
        snprintf(slot, sizeof slot, "%d", i);
        message = json_string_value(json_object_get(list, slot));
        if (message) status = each(context, i, message, err);
    }
    json_decref(list);
    return status;
}

/* ---- Statistics ---- */

/* The flat array cut into named tensors, in its order. */
typedef struct stat_array {
    const char *name;
    uint64_t shape[3];
    int rank;
} stat_array;

#define STAT_ARRAYS 6

static void stat_arrays(stat_array out[STAT_ARRAYS], cs_shape s)
{
    const cs_head_stats_layout plan = cs_head_stats_plan(s);
    const stat_array all[STAT_ARRAYS] = {
        {"heads", {s.L, s.H, plan.head_size}, 3},
        {"head_products", {s.L, s.H}, 2},
        {"embedding_mean", {s.P}, 1},
        {"embedding_squares", {1}, 1},
        {"terms", {3 * s.L + 1, plan.term_size}, 2},
        {"", {0}, 0},
    };
    memcpy(out, all, sizeof all);
}

clipspan_status cs_statistics_write(const char *path, const cs_part_plan *plan, const double *stats,
                                    clipspan_error *err)
{
    clipspan_status status;
    cs_safetensors_writer *w;
    stat_array list[STAT_ARRAYS];
    stat_arrays(list, plan->shape);
    CS_TRY(begin_part(&w, path, plan, "statistics", err));
    for (int i = 0; *list[i].name; i++)
        CS_TRY_DONE(
            cs_safetensors_writer_add(w, list[i].name, "F64", list[i].shape, list[i].rank, err));
    CS_TRY_DONE(cs_safetensors_writer_write(w, stats,
                                            cs_head_stats_size(plan->shape) * sizeof *stats, err));
    CS_TRY_DONE(cs_safetensors_writer_finish(w, err));
done:
    cs_safetensors_writer_close(&w);
    return status;
}

/* Opens it, with the first tensor's entry. */
static clipspan_status open_statistics(cs_safetensors **out, const cs_tensor_entry *entries[],
                                       const char *path, const cs_part_plan *plan,
                                       clipspan_error *err)
{
    clipspan_status status;
    stat_array list[STAT_ARRAYS];
    stat_arrays(list, plan->shape);
    CS_TRY(open_part(out, path, plan, "statistics", err));
    for (int i = 0; *list[i].name; i++)
        CS_TRY_DONE(need(&entries[i], *out, list[i].name, "F64", list[i].shape, list[i].rank, err));
    return CLIPSPAN_OK;
done:
    cs_safetensors_close(out);
    return status;
}

clipspan_status cs_statistics_check(const char *path, const cs_part_plan *plan, clipspan_error *err)
{
    const cs_tensor_entry *entries[STAT_ARRAYS] = {0};
    cs_safetensors *file;
    CS_TRY(open_statistics(&file, entries, path, plan, err));
    cs_safetensors_close(&file);
    return CLIPSPAN_OK;
}

clipspan_status cs_statistics_read(double *stats, const char *path, const cs_part_plan *plan,
                                   clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const cs_tensor_entry *entries[STAT_ARRAYS] = {0};
    cs_safetensors *file;
    size_t at = 0;
    CS_TRY(open_statistics(&file, entries, path, plan, err));
    for (int i = 0; i < STAT_ARRAYS - 1; i++) {
        CS_TRY_DONE(
            cs_safetensors_read_raw(stats + at, file, entries[i], 0, entries[i]->count, err));
        at += (size_t)entries[i]->count;
    }
    CS_TRY_DONE(cs_head_stats_check(stats, plan->shape, path, err));
done:
    cs_safetensors_close(&file);
    return status;
}

clipspan_status cs_statistics_read_head(double *moments, const char *path, const cs_part_plan *plan,
                                        size_t layer, size_t head, clipspan_error *err)
{
    const size_t size = cs_head_stats_plan(plan->shape).head_size;
    clipspan_status status;
    const cs_tensor_entry *entries[STAT_ARRAYS] = {0};
    cs_safetensors *file;
    CS_TRY(open_statistics(&file, entries, path, plan, err));
    status = cs_safetensors_read_raw(moments, file, entries[0],
                                     (layer * plan->shape.H + head) * size, size, err);
    cs_safetensors_close(&file);
    return status;
}

/* ---- Bases ---- */

clipspan_status cs_basis_write(const cs_part_plan *plan, const cs_basis *basis, clipspan_error *err)
{
    const cs_shape *s = &plan->shape;
    const uint64_t rows[4] = {s->L, s->H, s->C, s->P}, bias[2] = {s->L, s->P}, share[1] = {s->P};
    clipspan_status status;
    cs_safetensors_writer *w = NULL;
    char *path = cs_path_join(plan->path, CS_BASIS_FILE, err);
    if (!path) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(begin_part(&w, path, plan, "basis", err));
    CS_TRY_DONE(cs_safetensors_writer_add(w, "bias", "F64", bias, 2, err));
    CS_TRY_DONE(cs_safetensors_writer_add(w, "mean_share", "F64", share, 1, err));
    CS_TRY_DONE(cs_safetensors_writer_add(w, "beta_share", "F64", share, 1, err));
    CS_TRY_DONE(cs_safetensors_writer_add(w, "rows", "F32", rows, 4, err));
    CS_TRY_DONE(cs_safetensors_writer_write(w, basis->bias, s->L * s->P * sizeof(double), err));
    CS_TRY_DONE(cs_safetensors_writer_write(w, basis->mean_share, s->P * sizeof(double), err));
    CS_TRY_DONE(cs_safetensors_writer_write(w, basis->beta_share, s->P * sizeof(double), err));
    CS_TRY_DONE(cs_safetensors_writer_write(w, basis->rows,
                                            s->L * s->H * s->C * s->P * sizeof(float), err));
    CS_TRY_DONE(cs_safetensors_writer_finish(w, err));
done:
    cs_safetensors_writer_close(&w);
    cs_free(path);
    return status;
}

clipspan_status cs_basis_file_open(cs_safetensors **out, const cs_tensor_entry **rows,
                                   const cs_part_plan *plan, clipspan_error *err)
{
    const cs_shape *s = &plan->shape;
    const uint64_t shape[4] = {s->L, s->H, s->C, s->P};
    clipspan_status status;
    char *path = cs_path_join(plan->path, CS_BASIS_FILE, err);
    *out = NULL;
    if (!path) return CLIPSPAN_E_NOMEM;
    status = open_part(out, path, plan, "basis", err);
    cs_free(path);
    CS_TRY(status);
    status = need(rows, *out, "rows", "F32", shape, 4, err);
    if (status != CLIPSPAN_OK) cs_safetensors_close(out);
    return status;
}
