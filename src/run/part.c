/* SPDX-License-Identifier: MIT */
/* Parts as safetensors files, each with the notes "format", "plan" and "part". */
#include "run/part.h"
#include "base/memory.h"
#include "formats/file_hash.h"
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

void cs_part_name(char out[CS_NAME_ROOM], const cs_part_plan *plan, const char *file)
{
    snprintf(out, CS_NAME_ROOM, "%s%s%s", plan->inside, *plan->inside ? "/" : "", file);
}

void cs_node_name(char out[CS_NAME_ROOM], const cs_part_plan *plan, cs_node node)
{
    char file[64];
    snprintf(file, sizeof file, CS_NODES_FOLDER "/%02d-%08llu.safetensors", node.level,
             (unsigned long long)node.index);
    cs_part_name(out, plan, file);
}

clipspan_status cs_part_begin(cs_safetensors_writer **out, const char *name,
                              const cs_part_plan *plan, const char *part, clipspan_error *err)
{
    char version[16], *path;
    clipspan_status status;
    cs_output *output;
    *out = NULL;
    snprintf(version, sizeof version, "%d", CS_RUN_FORMAT);
    CS_TRY(cs_root_output(&output, plan->root, name, 1, err));
    path = cs_root_join(plan->root, name, err);
    if (!path) {
        cs_output_close(&output);
        return CLIPSPAN_E_NOMEM;
    }
    status = cs_safetensors_writer_new(out, output, path, err);
    cs_free(path);
    CS_TRY(status);
    CS_TRY_DONE(cs_safetensors_writer_note(*out, "format", version, err));
    CS_TRY_DONE(cs_safetensors_writer_note(*out, "plan", plan->id, err));
    CS_TRY_DONE(cs_safetensors_writer_note(*out, "part", part, err));
    return CLIPSPAN_OK;
done:
    cs_safetensors_writer_close(out);
    return status;
}

static clipspan_status check_part(int *other, const cs_safetensors *file, const cs_part_plan *plan,
                                  const char *part, clipspan_error *err)
{
    const char *id = cs_safetensors_note(file, "plan"), *kind = cs_safetensors_note(file, "part"),
               *path = cs_safetensors_path(file, 0);
    if (!id || !kind) return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "is not part of a run");
    if (strcmp(id, plan->id) != 0) {
        *other = 1;
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                          "is a part of another run: its plan is %.16s, that of this run %.16s. "
                          "Take it away and scan again",
                          id, plan->id);
    }
    if (strcmp(kind, part) != 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "says that it is %.60s, expected %s", kind,
                          part);
    return CLIPSPAN_OK;
}

clipspan_status cs_part_open(cs_safetensors **out, int *foreign, const char *name,
                             const cs_part_plan *plan, const char *part, clipspan_error *err)
{
    clipspan_status status;
    cs_file *file;
    int other = 0;
    *out = NULL;
    CS_TRY(cs_root_file(&file, plan->root, name, err));
    CS_TRY(cs_safetensors_open_file(out, file, CS_PART_HEADER_MOST, err));
    status = check_part(&other, *out, plan, part, err);
    if (foreign && other) *foreign = 1;
    if (status != CLIPSPAN_OK) cs_safetensors_close(out);
    return status;
}

int cs_part_is_away(clipspan_status status, const clipspan_error *err)
{
    return status == CLIPSPAN_E_NOMEM ||
           (status != CLIPSPAN_OK && err->detail == CLIPSPAN_DETAIL_AWAY);
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

clipspan_status cs_statistics_write(const char *name, const cs_part_plan *plan, const double *stats,
                                    clipspan_error *err)
{
    clipspan_status status;
    cs_safetensors_writer *w;
    stat_array list[STAT_ARRAYS];
    stat_arrays(list, plan->shape);
    CS_TRY(cs_part_begin(&w, name, plan, "statistics", err));
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
                                       int *foreign, const char *name, const cs_part_plan *plan,
                                       clipspan_error *err)
{
    clipspan_status status;
    stat_array list[STAT_ARRAYS];
    stat_arrays(list, plan->shape);
    CS_TRY(cs_part_open(out, foreign, name, plan, "statistics", err));
    for (int i = 0; *list[i].name; i++)
        CS_TRY_DONE(
            cs_part_need(&entries[i], *out, list[i].name, "F64", list[i].shape, list[i].rank, err));
    return CLIPSPAN_OK;
done:
    cs_safetensors_close(out);
    return status;
}

clipspan_status cs_statistics_check(int *foreign, const char *name, const cs_part_plan *plan,
                                    clipspan_error *err)
{
    const cs_tensor_entry *entries[STAT_ARRAYS] = {0};
    cs_safetensors *file;
    CS_TRY(open_statistics(&file, entries, foreign, name, plan, err));
    cs_safetensors_close(&file);
    return CLIPSPAN_OK;
}

clipspan_status cs_statistics_read(double *stats, const char *name, const cs_part_plan *plan,
                                   clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    const cs_tensor_entry *entries[STAT_ARRAYS] = {0};
    cs_safetensors *file;
    size_t at = 0;
    CS_TRY(open_statistics(&file, entries, NULL, name, plan, err));
    for (int i = 0; i < STAT_ARRAYS - 1; i++) {
        CS_TRY_DONE(
            cs_safetensors_read_raw(stats + at, file, entries[i], 0, entries[i]->count, err));
        at += (size_t)entries[i]->count;
    }
    CS_TRY_DONE(cs_head_stats_check(stats, plan->shape, cs_safetensors_path(file, 0), err));
done:
    cs_safetensors_close(&file);
    return status;
}

clipspan_status cs_statistics_hash(char out[65], const char *name, const cs_part_plan *plan,
                                   clipspan_error *err)
{
    clipspan_status status;
    cs_file *file;
    CS_TRY(cs_statistics_check(NULL, name, plan, err));
    CS_TRY(cs_root_file(&file, plan->root, name, err));
    status = cs_open_file_hash(out, file, NULL, err);
    cs_file_close(&file);
    return status;
}

clipspan_status cs_statistics_read_head(double *moments, const char *name, const cs_part_plan *plan,
                                        size_t layer, size_t head, clipspan_error *err)
{
    const size_t size = cs_head_stats_plan(plan->shape).head_size;
    clipspan_status status;
    const cs_tensor_entry *entries[STAT_ARRAYS] = {0};
    cs_safetensors *file;
    CS_TRY(open_statistics(&file, entries, NULL, name, plan, err));
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
    CS_TRY_DONE(cs_part_begin(&w, CS_OUTPUT_MAP_FILE, plan, MAPS_PART, err));
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
    return status;
}

clipspan_status cs_output_map_file_open(cs_safetensors **out, const cs_tensor_entry **rows,
                                        const cs_part_plan *plan, clipspan_error *err)
{
    const cs_shape *s = &plan->shape;
    const uint64_t shape[4] = {s->L, s->H, s->C, s->P};
    clipspan_status status;
    CS_TRY(cs_part_open(out, NULL, CS_OUTPUT_MAP_FILE, plan, MAPS_PART, err));
    status = cs_part_need(rows, *out, MAPS, "F32", shape, 4, err);
    if (status != CLIPSPAN_OK) cs_safetensors_close(out);
    return status;
}

static int has_bytes(const cs_safetensors *file, const cs_tensor_entry *entry, const void *bytes,
                     size_t width)
{
    enum { PIECE = 1 << 15 };
    const unsigned char *wanted = bytes;
    unsigned char *read = cs_alloc(PIECE, width, "a piece of a file", NULL);
    int same = read != NULL;
    for (uint64_t at = 0; same && at < entry->count; at += PIECE) {
        const uint64_t n = entry->count - at < PIECE ? entry->count - at : PIECE;
        same = cs_safetensors_read_raw(read, file, entry, at, n, NULL) == CLIPSPAN_OK &&
               memcmp(read, wanted + at * width, (size_t)n * width) == 0;
    }
    cs_free(read);
    return same;
}

int cs_output_map_is(const cs_part_plan *plan, const cs_output_map *output_map)
{
    const uint64_t shapes[2][2] = {{plan->shape.L, plan->shape.P}, {plan->shape.P}};
    const struct {
        const char *name;
        const double *values;
        int rank;
    } more[] = {{"bias", output_map->bias, 2},
                {"mean_share", output_map->mean_share, 1},
                {"beta_share", output_map->beta_share, 1}};
    const cs_tensor_entry *entry;
    cs_safetensors *file;
    int same;
    if (cs_output_map_file_open(&file, &entry, plan, NULL) != CLIPSPAN_OK) return 0;
    same = has_bytes(file, entry, output_map->rows, sizeof *output_map->rows);
    for (size_t i = 0; same && i < sizeof more / sizeof *more; i++)
        same = cs_part_need(&entry, file, more[i].name, "F64", shapes[more[i].rank == 1],
                            more[i].rank, NULL) == CLIPSPAN_OK &&
               has_bytes(file, entry, more[i].values, sizeof *more[i].values);
    cs_safetensors_close(&file);
    return same;
}
