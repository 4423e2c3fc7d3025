/* SPDX-License-Identifier: MIT */
/* One image of segment: its maps by every method, figures against its mask, and its mask. */
#include "base/file.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cli/visual/map_contrast.h"
#include "cli/visual/map_folder.h"
#include "cli/visual/segment.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const clipspan_map_kind kinds[CLI_METHODS] = {CLIPSPAN_MAP_HEADS, CLIPSPAN_MAP_ATTENTION,
                                                     CLIPSPAN_MAP_ROLLOUT, CLIPSPAN_MAP_PATCHES,
                                                     CLIPSPAN_MAP_VALUES};

/* Maps of attention have no text, and nothing below zero to clip. */
static int has_text(size_t method)
{
    return method >= CLI_METHODS ||
           (kinds[method] != CLIPSPAN_MAP_ATTENTION && kinds[method] != CLIPSPAN_MAP_ROLLOUT);
}

/* The likeliest of a target's texts. */
static size_t predict(const cli_segment_job *j, const cli_target *t, size_t at)
{
    const size_t P = (size_t)j->info->embed_width;
    const float *embedding = clipspan_maps_get_embeddings(j->maps) + at * P;
    size_t best = t->first;
    double most = -(double)INFINITY;
    for (size_t i = t->first; i < t->first + t->count; i++) {
        const float *vector = clipspan_bank_get_vectors(j->bank) + i * P;
        double dot = 0.0;
        for (size_t p = 0; p < P; p++)
            dot += (double)embedding[p] * (double)vector[p];
        if (dot > most) {
            most = dot;
            best = i;
        }
    }
    return best;
}

/* grid : [grid] of one method: targets' contrasted maps, added up with their signs. */
static void combine(float *grid, const cli_segment_job *j, const float *maps, const size_t *chosen)
{
    const size_t N = (size_t)j->info->tokens;
    for (size_t i = 0; i + 1 < N; i++) {
        double sum = 0.0;
        for (size_t k = 0; k < j->target_count; k++) {
            const cli_target *t = &j->targets[k];
            double own = (double)maps[chosen[k] * N + 1 + i], other = 0.0, best = -(double)INFINITY;
            for (size_t text = t->first; text < t->first + t->count; text++) {
                double value = (double)maps[text * N + 1 + i];
                other += value / (double)t->count;
                if (text != chosen[k] && value > best) best = value;
            }
            if (j->contrast == CLI_CONTRAST_RUNNER_UP) other = t->count > 1 ? best : 0.0;
            if (t->count < 2 || j->contrast == CLI_CONTRAST_NONE) other = 0.0;
            sum += (double)t->sign * (own - other);
        }
        grid[i] = (float)sum;
    }
}

/* Fills grid and map of every method. */
static clipspan_status make_maps(cli_segment_job *j, size_t at, const size_t *chosen,
                                 clipspan_error *err)
{
    for (size_t i = 0; i < j->method_count; i++) {
        const size_t method = j->methods[i];
        const float *maps = method < CLI_METHODS
                                ? clipspan_maps_get(j->maps, at, kinds[method])
                                : clipspan_maps_get_group(j->maps, at, method - CLI_METHODS);
        if (has_text(method))
            combine(j->grid[i], j, maps, chosen);
        else
            memcpy(j->grid[i], maps + 1, ((size_t)j->info->tokens - 1) * sizeof *maps);
        CS_TRY(clipspan_map_run_pixels(j->map[i], j->model, j->grid[i], err));
    }
    return CLIPSPAN_OK;
}

/* ---- Masks ---- */

static clipspan_status mask_path(char **out, const cli_segment_job *j, size_t image,
                                 clipspan_error *err)
{
    const char *name = cs_path_name(clipspan_inputs_get_paths(j->inputs)[image]);
    const char *dot = strrchr(name, '.');
    size_t length = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    char file[300];
    if (j->mask_inputs)
        *out = cs_strdup(clipspan_inputs_get_paths(j->mask_inputs)[image], err);
    else {
        snprintf(file, sizeof file, "%.*s.png", (int)(length > 250 ? 250 : length), name);
        *out = cs_path_join(j->x->masks, file, err);
    }
    return *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
}

/* Which value of the mask is foreground; 0: any other than 0. */
static clipspan_status wanted_value(long *value, const cli_segment_job *j, size_t image,
                                    clipspan_error *err)
{
    const char *text, *path = clipspan_inputs_get_paths(j->inputs)[image];
    *value = j->mask_value;
    if (!j->value_inputs) return CLIPSPAN_OK;
    text = clipspan_inputs_get_label(j->value_inputs, image);
    if (strspn(text, "0123456789") == strlen(text) && *text && strlen(text) < 6) {
        *value = strtol(text, NULL, 10);
        if (*value > 0 && *value < 65536) return CLIPSPAN_OK;
    }
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                      "has \"%.40s\" as its mask's value, where a number from 1 to 65535 was "
                      "expected",
                      text);
}

static clipspan_status read_masks(cli_segment_job *j, size_t image, clipspan_error *err)
{
    const cli_segment_settings *x = j->x;
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    clipspan_status status;
    char *path = NULL;
    long value;
    options.exif_orient = x->images.exif_orient;
    options.max_pixels = x->images.max_pixels;
    CS_TRY(wanted_value(&value, j, image, err));
    status = mask_path(&path, j, image, err);
    for (int p = 1; p >= 0 && status == CLIPSPAN_OK; p--) { /* values are the aligned ones then */
        status = clipspan_mask_read(j->values, j->model, path,
                                    clipspan_inputs_get_paths(j->inputs)[image],
                                    (clipspan_protocol)p, &options, err);
        for (size_t i = 0; i < j->pixels && status == CLIPSPAN_OK; i++)
            j->truth[p][i] = value ? j->values[i] == value : j->values[i] != 0;
    }
    cs_free(path);
    return status;
}

/* ---- Figures ---- */

typedef struct judging {
    cli_segment_job *j;
    clipspan_segment_score one[CLI_METHODS_MOST][2][2]; /* of this image */
    clipspan_status status[CLI_METHODS_MOST * 4];
} judging;

static void judge(void *context, size_t index, int lane)
{
    judging *all = context;
    cli_segment_job *j = all->j;
    size_t i = index / 4, p = index / 2 % 2, t = index % 2;
    (void)lane;
    all->status[index] =
        clipspan_segment_add(&all->one[i][p][t], NULL, j->map[i], j->truth[p], j->pixels,
                             has_text(j->methods[i]), (clipspan_threshold)t, NULL);
}

static void add_score(clipspan_segment_score *to, const clipspan_segment_score *one)
{
    to->images += one->images;
    to->pixels += one->pixels;
    to->correct += one->correct;
    to->precision += one->precision;
    for (int c = 0; c < 2; c++) {
        to->both[c] += one->both[c];
        to->either[c] += one->either[c];
    }
}

/* Squared distances from a pixel to the nearest foreground, and to the nearest other thing of the
 * aligned mask; infinite where there is none. */
static void distances(double *own, double *other, const cli_segment_job *j, size_t at)
{
    const size_t width = (size_t)j->info->input_width;
    *own = *other = (double)INFINITY;
    for (size_t n = 0; n < j->pixels; n++) {
        const uint8_t is = j->truth[CLIPSPAN_ALIGNED][n];
        const long row = (long)(n / width) - (long)(at / width);
        const long column = (long)(n % width) - (long)(at % width);
        const double d = (double)(row * row + column * column);
        if (is && d < *own) *own = d;
        if (!is && j->values[n] && d < *other) *other = d;
    }
}

static clipspan_status judge_all(cli_segment_job *j, judging *all, clipspan_error *err)
{
    all->j = j;
    cs_parallel_for(j->method_count * 4, (int)j->at_once, judge, all);
    for (size_t i = 0; i < j->method_count; i++) {
        size_t best = 0;
        double own, other;
        for (int k = 0; k < 4; k++) {
            if (all->status[i * 4 + (size_t)k] != CLIPSPAN_OK)
                return cs_fail(err, CLIPSPAN_E_NOMEM, "out of memory while a mask was judged");
            add_score(&j->score[i][k / 2][k % 2], &all->one[i][k / 2][k % 2]);
        }
        for (size_t n = 1; n < j->pixels; n++)
            if (j->map[i][n] > j->map[i][best]) best = n;
        j->pointed[i] += j->truth[CLIPSPAN_ALIGNED][best];
        distances(&own, &other, j, best);
        if (isinf(own) || isinf(other)) continue;
        j->runners_up += i == 0;
        j->nearer[i] += own < other;
    }
    return CLIPSPAN_OK;
}

/* ---- Files ---- */

/* The mask of all classes with --multi; else the first method's over the whole image: 255
 * foreground, 0 the rest and what was not seen.
 * */
static clipspan_status write_mask(cli_segment_job *j, size_t image, size_t at,
                                  char file[CLI_MAP_FILE_ROOM], clipspan_error *err)
{
    const cli_segment_settings *x = j->x;
    const char *path = clipspan_inputs_get_paths(j->inputs)[image];
    size_t n, i;
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    const clipspan_view_info *info;
    clipspan_view *view = NULL;
    clipspan_status status;
    uint8_t *mask = NULL;
    float *values = NULL, cut;
    char *target = NULL;
    options.exif_orient = x->images.exif_orient;
    options.max_pixels = x->images.max_pixels;
    CS_TRY(clipspan_segment_run_cut(&cut, j->map[0], j->pixels, has_text(j->methods[0]),
                                    (clipspan_threshold)x->threshold, err));
    CS_TRY(clipspan_view_new(&view, j->model, path, -1, &options, err));
    info = clipspan_view_get_info(view);
    n = (size_t)info->height * (size_t)info->width;
    values = cs_alloc(n, sizeof *values, "a map's pixels", err);
    mask = cs_alloc(n, 1, "a mask", err);
    status =
        values && mask ? clipspan_view_run_map(values, view, j->grid[0], err) : CLIPSPAN_E_NOMEM;
    for (i = 0; i < n && status == CLIPSPAN_OK; i++)
        mask[i] = values[i] > cut ? 255 : 0;
    cli_map_file(file, image, clipspan_inputs_get_count(j->inputs), path, ".png");
    if (status == CLIPSPAN_OK) {
        target = cs_path_join(x->out.output, file, err);
        if (!target)
            status = CLIPSPAN_E_NOMEM;
        else if (x->multi)
            status = cli_segment_classes(j, view, at, target, err);
        else
            status =
                clipspan_mask_write(target, mask, info->height, info->width, x->out.force, err);
    }
    cs_free(target);
    cs_free(values);
    cs_free(mask);
    clipspan_view_free(&view);
    return status;
}

static clipspan_status write_row(cli_segment_job *j, size_t image, const size_t *chosen,
                                 const judging *all, const char *file, clipspan_error *err)
{
    double figure[3];
    cli_rows_text(j->rows, clipspan_inputs_get_paths(j->inputs)[image]);
    cli_rows_text(j->rows, "ok");
    cli_rows_text(j->rows, clipspan_texts_get_text(j->texts ? j->texts : j->classes, chosen[0]));
    clipspan_segment_get(&figure[0], &figure[1], &figure[2], &all->one[0][CLIPSPAN_ALIGNED][0]);
    for (int i = 0; i < 3; i++)
        if (j->has_masks)
            cli_rows_real(j->rows, figure[i]);
        else
            cli_rows_text(j->rows, "");
    cli_rows_text(j->rows, file);
    cli_rows_text(j->rows, "");
    return cli_rows_next(j->rows, err);
}

clipspan_status cli_segment_image(cli_segment_job *j, size_t image, size_t at,
                                  clipspan_error *error, clipspan_error *err)
{
    char file[CLI_MAP_FILE_ROOM] = "";
    clipspan_status status = CLIPSPAN_OK;
    size_t *chosen = cs_alloc(j->target_count, sizeof *chosen, "texts of an image", err);
    judging *all = cs_alloc_zero(1, sizeof *all, "figures", err);
    int missing = 0;
    if (!chosen || !all) goto done;
    for (size_t k = 0; k < j->target_count; k++) {
        const cli_target *t = &j->targets[k];
        chosen[k] = t->text ? t->text[image] : predict(j, t, at);
        missing |= chosen[k] == CLI_NO_TEXT;
    }
    if (missing) {
        j->left_out++;
        goto done;
    }
    if (j->has_masks && read_masks(j, image, error) != CLIPSPAN_OK) goto done;
    CS_TRY_DONE(make_maps(j, at, chosen, err));
    if (j->has_masks) CS_TRY_DONE(judge_all(j, all, err));
    if (j->x->out.output) {
        CS_TRY_DONE(write_mask(j, image, at, file, err));
        j->session->keeps_files = 1;
        CS_TRY_DONE(write_row(j, image, chosen, all, file, err));
    }
    j->written++;
done:
    if (!chosen || !all) status = CLIPSPAN_E_NOMEM;
    cs_free(chosen);
    cs_free(all);
    return status;
}
