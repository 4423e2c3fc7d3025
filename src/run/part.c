/* SPDX-License-Identifier: MIT */
/* Parts as safetensors files, each with the notes "format", "plan" and "part". */
#include "run/part.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/folder.h"
#include "run/index.h"

#include <stdio.h>
#include <string.h>

#define MAPS_PART "output maps"
#define MAPS      "output_maps"

const char *cs_image_status_name(cs_image_status status)
{
    static const char *const names[CS_IMAGE_STATUSES] = {"ok",        "missing",     "unreadable",
                                                         "changed",   "unsupported", "damaged",
                                                         "too large", "not finite"};
    return status < CS_IMAGE_STATUSES ? names[status] : "none";
}

char *cs_node_path(const cs_part_plan *plan, cs_node node, clipspan_error *err)
{
    char name[64];
    snprintf(name, sizeof name, CS_NODES_FOLDER "/%02d-%08llu.safetensors", node.level,
             (unsigned long long)node.index);
    return cs_path_join(plan->path, name, err);
}

clipspan_status cs_part_begin(cs_safetensors_writer **out, const char *path,
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

clipspan_status cs_part_open(cs_safetensors **out, int *foreign, const char *path,
                             const cs_part_plan *plan, const char *part, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const char *id, *kind;
    int other = 0;
    CS_TRY(cs_safetensors_open(out, &path, 1, err));
    id = cs_safetensors_note(*out, "plan");
    kind = cs_safetensors_note(*out, "part");
    if (!id || !kind) {
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "is not part of a run");
    } else if (strcmp(id, plan->id) != 0) {
        other = 1;
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                            "is a part of another run: its plan is %.16s, that of this run %.16s. "
                            "Take it away and scan again",
                            id, plan->id);
    } else if (strcmp(kind, part) != 0) {
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "says that it is %.60s, expected %s",
                            kind, part);
    }
    if (foreign && other) *foreign = 1;
    if (status != CLIPSPAN_OK) cs_safetensors_close(out);
    return status;
}

clipspan_status cs_part_need(const cs_tensor_entry **out, const cs_safetensors *file,
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
        {"components", {3 * s.L + 1, plan.component_size}, 2},
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
    CS_TRY(cs_part_begin(&w, path, plan, "statistics", err));
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
                                       int *foreign, const char *path, const cs_part_plan *plan,
                                       clipspan_error *err)
{
    clipspan_status status;
    stat_array list[STAT_ARRAYS];
    stat_arrays(list, plan->shape);
    CS_TRY(cs_part_open(out, foreign, path, plan, "statistics", err));
    for (int i = 0; *list[i].name; i++)
        CS_TRY_DONE(
            cs_part_need(&entries[i], *out, list[i].name, "F64", list[i].shape, list[i].rank, err));
    return CLIPSPAN_OK;
done:
    cs_safetensors_close(out);
    return status;
}

clipspan_status cs_statistics_check(int *foreign, const char *path, const cs_part_plan *plan,
                                    clipspan_error *err)
{
    const cs_tensor_entry *entries[STAT_ARRAYS] = {0};
    cs_safetensors *file;
    CS_TRY(open_statistics(&file, entries, foreign, path, plan, err));
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
    CS_TRY(open_statistics(&file, entries, NULL, path, plan, err));
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
    CS_TRY(open_statistics(&file, entries, NULL, path, plan, err));
    status = cs_safetensors_read_raw(moments, file, entries[0],
                                     (layer * plan->shape.H + head) * size, size, err);
    cs_safetensors_close(&file);
    return status;
}

/* ---- Output maps ---- */

clipspan_status cs_output_map_write(const cs_part_plan *plan, const cs_output_map *output_map,
                                    clipspan_error *err)
{
    const cs_shape *s = &plan->shape;
    const uint64_t rows[4] = {s->L, s->H, s->C, s->P}, bias[2] = {s->L, s->P}, share[1] = {s->P};
    clipspan_status status;
    cs_safetensors_writer *w = NULL;
    char *path = cs_path_join(plan->path, CS_OUTPUT_MAP_FILE, err);
    if (!path) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_part_begin(&w, path, plan, MAPS_PART, err));
    CS_TRY_DONE(cs_safetensors_writer_add(w, "bias", "F64", bias, 2, err));
    CS_TRY_DONE(cs_safetensors_writer_add(w, "mean_share", "F64", share, 1, err));
    CS_TRY_DONE(cs_safetensors_writer_add(w, "beta_share", "F64", share, 1, err));
    CS_TRY_DONE(cs_safetensors_writer_add(w, MAPS, "F32", rows, 4, err));
    CS_TRY_DONE(
        cs_safetensors_writer_write(w, output_map->bias, s->L * s->P * sizeof(double), err));
    CS_TRY_DONE(cs_safetensors_writer_write(w, output_map->mean_share, s->P * sizeof(double), err));
    CS_TRY_DONE(cs_safetensors_writer_write(w, output_map->beta_share, s->P * sizeof(double), err));
    CS_TRY_DONE(cs_safetensors_writer_write(w, output_map->rows,
                                            s->L * s->H * s->C * s->P * sizeof(float), err));
    CS_TRY_DONE(cs_safetensors_writer_finish(w, err));
done:
    cs_safetensors_writer_close(&w);
    cs_free(path);
    return status;
}

clipspan_status cs_output_map_file_open(cs_safetensors **out, const cs_tensor_entry **rows,
                                        const cs_part_plan *plan, clipspan_error *err)
{
    const cs_shape *s = &plan->shape;
    const uint64_t shape[4] = {s->L, s->H, s->C, s->P};
    clipspan_status status;
    char *path = cs_path_join(plan->path, CS_OUTPUT_MAP_FILE, err);
    *out = NULL;
    if (!path) return CLIPSPAN_E_NOMEM;
    status = cs_part_open(out, NULL, path, plan, MAPS_PART, err);
    cs_free(path);
    CS_TRY(status);
    status = cs_part_need(rows, *out, MAPS, "F32", shape, 4, err);
    if (status != CLIPSPAN_OK) cs_safetensors_close(out);
    return status;
}
