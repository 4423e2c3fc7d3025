/* SPDX-License-Identifier: MIT */
/* One image of heatmap: contrast, the strongest heads, files and rows. */
#include "base/file.h"
#include "base/memory.h"
#include "base/top.h"
#include "cli/in/heads.h"
#include "cli/visual/heatmap.h"
#include "cli/visual/map_folder.h"
#include "cli/visual/map_sheet.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <string.h>

/* "NNN-name" and an ending, in the folder; back with cs_free. `row` beyond the maps: none. */
static char *file_name(const cli_heatmap_job *j, size_t image, size_t row, const char *ending,
                       clipspan_error *err)
{
    char file[CLI_MAP_FILE_ROOM], end[64];
    snprintf(end, sizeof end, "%s", ending);
    if (row < j->rows_of_maps) snprintf(end, sizeof end, "-%zu%s", row + 1, ending);
    cli_map_file(file, image, clipspan_inputs_get_count(j->inputs),
                 clipspan_inputs_get_paths(j->inputs)[image], end);
    return cs_path_join(j->x->out.output, file, err);
}

static clipspan_status write_array(const cli_heatmap_job *j, size_t image,
                                   const cli_heatmap_scores *x, clipspan_error *err)
{
    const uint64_t shape[2] = {(uint64_t)x->rows, (uint64_t)x->columns};
    const size_t count = j->textless ? 1 : j->T;
    char *path = file_name(j, image, SIZE_MAX, ".npy", err);
    clipspan_npy *npy = NULL;
    clipspan_status status = path ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK)
        status = clipspan_npy_open(&npy, path, CLIPSPAN_FLOAT32, shape, 2, j->x->out.force, err);
    for (size_t t = 0; t < count && status == CLIPSPAN_OK; t++)
        status = clipspan_npy_write(npy, x->sum + t * x->stride, 1, err);
    if (status == CLIPSPAN_OK) status = clipspan_npy_finish(npy, err);
    clipspan_npy_close(&npy);
    cs_free(path);
    return status;
}

static double strength(const float *maps, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += fabs((double)maps[i]);
    return sum;
}

static const float *head_scores(const cli_heatmap_job *j, const cli_heatmap_scores *x, size_t i)
{
    const clipspan_head head = j->heads[i];
    if (x->heads) return x->heads + i * j->T * x->stride;
    return clipspan_maps_get_head(j->maps, x->at, head.layer, head.head) + j->info->class_token;
}

/* The `top` strongest of the chosen heads, strongest first; contrasted into work behind the sum. */
static clipspan_status choose_heads(cli_heatmap_job *j, cli_map_set *set, cli_map_head *out,
                                    const cli_heatmap_scores *x, clipspan_error *err)
{
    const size_t size = j->rows_of_maps * set->grid;
    double strengths[CLI_TOP_MOST];
    size_t best[CLI_TOP_MOST];
    cs_top top = {best, strengths, j->top, 0};
    for (size_t i = 0; i < j->head_count && j->top; i++) {
        float *spare = j->work + size;
        CS_TRY(clipspan_map_contrast_run(spare, head_scores(j, x, i), j->T, set->grid, x->stride,
                                         j->contrast, err));
        cs_top_add(&top, i, strength(spare, size));
    }
    for (size_t k = 0; k < top.count; k++) {
        float *maps = j->work + (2 + k) * size;
        CS_TRY(clipspan_map_contrast_run(maps, head_scores(j, x, best[k]), j->T, set->grid,
                                         x->stride, j->contrast, err));
        out[k].head = j->heads[best[k]];
        out[k].maps = maps;
    }
    set->head_count = top.count;
    return CLIPSPAN_OK;
}

static void cosines(const cli_heatmap_job *j, size_t at, double *out)
{
    const float *embedding =
        clipspan_maps_get_embeddings(j->maps) + at * (size_t)j->info->embed_width;
    const float *vectors = clipspan_bank_get_vectors(j->bank);
    const size_t P = (size_t)j->info->embed_width;
    for (size_t t = 0; t < j->T; t++) {
        out[t] = 0.0;
        for (size_t p = 0; p < P; p++)
            out[t] += (double)embedding[p] * (double)vectors[t * P + p];
    }
}

/* Where a map is highest, as row and column of the grid. */
static size_t peak(const float *map, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (map[i] > map[best]) best = i;
    return best;
}

/* A row a map into rows.csv, and an object a map. */
static clipspan_status report_map(cli_heatmap_job *j, const cli_map_set *set, size_t row,
                                  const char *file, double similarity, clipspan_error *err)
{
    const float *map = set->maps + row * set->grid;
    const size_t top = peak(map, set->grid), columns = (size_t)set->grid_width;
    double sum = 0.0;
    for (size_t i = 0; i < set->grid; i++)
        sum += (double)map[i];
    cli_rows_text(j->rows, set->path);
    cli_rows_text(j->rows, "ok");
    cli_rows_text(j->rows, set->names[row]);
    cli_rows_real(j->rows, similarity);
    cli_rows_real(j->rows, sum);
    cli_rows_real(j->rows, (double)map[top]);
    cli_rows_whole(j->rows, top / columns);
    cli_rows_whole(j->rows, top % columns);
    cli_rows_real(j->rows, set->limit);
    cli_rows_text(j->rows, cs_path_name(file));
    cli_rows_text(j->rows, "");
    if (j->session->form == CLI_FORM_JSON) {
        cli_json_row(&j->json, NULL);
        cli_json_text(&j->json, "text", set->names[row]);
        cli_json_real(&j->json, "similarity", similarity);
        cli_json_real(&j->json, "sum", sum);
        cli_json_real(&j->json, "highest", (double)map[top]);
        cli_json_whole(&j->json, "row", top / columns);
        cli_json_whole(&j->json, "column", top % columns);
        cli_json_text(&j->json, "file", file);
        cli_json_end(&j->json);
    }
    return cli_rows_next(j->rows, err);
}

static clipspan_status write_drawings(cli_heatmap_job *j, const cli_map_set *set, size_t image,
                                      const double *similarity, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char *path;
    for (size_t row = 0; row < set->rows && status == CLIPSPAN_OK; row++) {
        size_t a, b;
        clipspan_map_contrast_get_pair(&a, &b, j->contrast, j->T, row);
        path = file_name(j, image, row, ".png", err);
        status = path ? cli_map_overlay(set, row, path, err) : CLIPSPAN_E_NOMEM;
        if (status == CLIPSPAN_OK)
            status = report_map(j, set, row, path,
                                j->textless ? (double)NAN
                                : a == b    ? similarity[a]
                                            : similarity[a] - similarity[b],
                                err);
        cs_free(path);
    }
    CS_TRY(status);
    path = file_name(j, image, SIZE_MAX, "-sheet.png", err);
    status = path ? cli_map_sheet(set, path, err) : CLIPSPAN_E_NOMEM;
    cs_free(path);
    return status;
}

static void begin_image(cli_heatmap_job *j, const cli_map_set *set)
{
    if (j->session->form != CLI_FORM_JSON) return;
    cli_json_object(&j->json, NULL);
    cli_json_text(&j->json, "path", set->path);
    cli_json_text(&j->json, "status", "ok");
    if (set->tiles) {
        cli_json_whole(&j->json, "windows", clipspan_tiles_get_info(set->tiles)->count);
        cli_json_line(&j->json, "grid");
        cli_json_whole(&j->json, NULL, set->grid / (size_t)set->grid_width);
        cli_json_whole(&j->json, NULL, (uint64_t)set->grid_width);
        cli_json_end(&j->json);
    }
    cli_json_real(&j->json, "limit", set->limit);
    cli_json_line(&j->json, "heads");
    for (size_t h = 0; h < set->head_count; h++) {
        char name[CLI_HEAD_ROOM];
        cli_head_name(name, set->heads[h].head);
        cli_json_text(&j->json, NULL, name);
    }
    cli_json_end(&j->json);
    cli_json_array(&j->json, "maps");
}

static void end_image(cli_heatmap_job *j, const cli_map_set *set)
{
    const cli_session *s = j->session;
    if (s->form == CLI_FORM_JSON) {
        cli_json_end(&j->json);
        cli_json_end(&j->json);
    } else if (s->form == CLI_FORM_TABLE && clipspan_inputs_get_count(j->inputs) == 1) {
        cli_map_preview(s, set);
    }
}

/* What the numbers are, for titles. */
static void describe(char *out, size_t room, const cli_heatmap_job *j, const cli_map_set *set)
{
    const char *unit = j->textless                        ? "share of a patch"
                       : j->method == 3 || j->method == 4 ? "cosine of a patch"
                                                          : "a patch's part of the similarity";
    const clipspan_tiles_info *tiles = clipspan_tiles_get_info(set->tiles);
    size_t used;
    if (j->textless)
        used = (size_t)snprintf(out, room, "%s: %s", cli_heatmap_method(j), unit);
    else
        used = (size_t)snprintf(out, room, "%s: %s, %s", cli_heatmap_method(j),
                                clipspan_map_contrast_get_words(j->contrast), unit);
    if (tiles && !tiles->whole)
        snprintf(out + used, room - used, ", in %d x %d windows", tiles->rows, tiles->columns);
}

/* Cosines of the whole image; those of one window of several say nothing about it. */
static void fill_similarity(const cli_heatmap_job *j, const cli_heatmap_scores *x,
                            double *similarity)
{
    if (!x->tiles || clipspan_tiles_get_info(x->tiles)->whole)
        cosines(j, x->at, similarity);
    else
        for (size_t t = 0; t < j->T; t++)
            similarity[t] = (double)NAN;
}

clipspan_status cli_heatmap_draw(cli_heatmap_job *j, size_t image, const cli_heatmap_scores *x,
                                 clipspan_error *err)
{
    const size_t cells = (size_t)x->rows * (size_t)x->columns, size = j->rows_of_maps * cells;
    cli_map_head heads[CLI_TOP_MOST];
    char how[240];
    clipspan_status status;
    cli_map_set set = {.model = j->model,
                       .path = clipspan_inputs_get_paths(j->inputs)[image],
                       .how = how,
                       .tiles = x->tiles,
                       .names = j->names,
                       .heads = heads,
                       .rows = j->rows_of_maps,
                       .grid = cells,
                       .grid_width = x->columns,
                       .is_signed = !j->textless,
                       .reading = CLIPSPAN_IMAGE_OPTIONS_INIT,
                       .replace = j->x->out.force};
    clipspan_view *view = NULL;
    double *similarity = cs_alloc(j->T, sizeof *similarity, "similarities", err);
    if (!similarity) return CLIPSPAN_E_NOMEM;
    set.reading.exif_orient = j->x->images.exif_orient;
    set.reading.max_pixels = j->x->images.max_pixels;
    CS_TRY_DONE(
        cs_grow(&j->work, &j->work_room, (2 + j->top) * size, sizeof *j->work, "maps", err));
    set.maps = j->work;
    fill_similarity(j, x, similarity);
    CS_TRY_DONE(clipspan_map_contrast_run(j->work, x->sum, j->textless ? 1 : j->T, cells, x->stride,
                                          j->contrast, err));
    CS_TRY_DONE(choose_heads(j, &set, heads, x, err));
    set.limit = cli_map_limit(set.maps, size);
    for (size_t h = 0; h < set.head_count; h++) {
        double limit = cli_map_limit(heads[h].maps, size);
        if (limit > set.head_limit) set.head_limit = limit;
    }
    describe(how, sizeof how, j, &set);
    begin_image(j, &set);
    CS_TRY_DONE(cli_map_view(&view, &set, (int)j->x->size, err));
    set.view = view;
    CS_TRY_DONE(write_array(j, image, x, err));
    CS_TRY_DONE(write_drawings(j, &set, image, similarity, err));
    end_image(j, &set);
    j->written++;
    j->session->keeps_files = 1;
done:
    clipspan_view_free(&view);
    cs_free(similarity);
    return status;
}

clipspan_status cli_heatmap_skip(cli_heatmap_job *j, size_t image, const clipspan_error *error,
                                 clipspan_error *err)
{
    const char *path = clipspan_inputs_get_paths(j->inputs)[image];
    if (j->session->form == CLI_FORM_JSON) {
        cli_json_row(&j->json, NULL);
        cli_json_text(&j->json, "path", path);
        cli_json_text(&j->json, "status", "skipped");
        cli_json_text(&j->json, "error", error->message);
        cli_json_end(&j->json);
    }
    return cli_map_folder_skip(j->rows, path, 8, error, err);
}
