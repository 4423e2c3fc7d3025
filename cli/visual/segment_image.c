/* SPDX-License-Identifier: MIT */
/* One image of segment: what it is asked about, its right mask, and the mask that is written. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/visual/map_folder.h"
#include "cli/visual/segment.h"

#include <clipspan/clipspan.h>
#include <stdlib.h>
#include <string.h>

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
static clipspan_status wanted_value(uint16_t *value, const cli_segment_job *j, size_t image,
                                    clipspan_error *err)
{
    const char *text, *path = clipspan_inputs_get_paths(j->inputs)[image];
    *value = j->mask_value;
    if (!j->value_inputs) return CLIPSPAN_OK;
    text = clipspan_inputs_get_label(j->value_inputs, image);
    if (strspn(text, "0123456789") == strlen(text) && *text && strlen(text) < 6) {
        const long number = strtol(text, NULL, 10);
        *value = (uint16_t)number;
        if (number > 0 && number < 65536) return CLIPSPAN_OK;
    }
    return cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                      "has \"%.40s\" as its mask's value, where a number from 1 to 65535 was "
                      "expected",
                      text);
}

static clipspan_image_options reading(const cli_segment_job *j)
{
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    options.exif_orient = j->x->images.exif_orient;
    options.max_pixels = j->x->images.max_pixels;
    return options;
}

static clipspan_status read_masks(cli_segment_job *j, uint16_t *value, size_t image,
                                  clipspan_error *err)
{
    const clipspan_image_options options = reading(j);
    clipspan_status status;
    char *path = NULL;
    CS_TRY(wanted_value(value, j, image, err));
    status = mask_path(&path, j, image, err);
    for (int p = 1; p >= 0 && status == CLIPSPAN_OK; p--)
        status = clipspan_mask_read(j->values[p], j->model, path,
                                    clipspan_inputs_get_paths(j->inputs)[image],
                                    (clipspan_protocol)p, &options, err);
    cs_free(path);
    return status;
}

/* ---- Files ---- */

/* 255 where the first method's map is above its threshold; 0 the rest and what was not seen. */
static clipspan_status cut_map(uint8_t *mask, const cli_segment_job *j, const clipspan_view *view,
                               clipspan_error *err)
{
    const clipspan_view_info *info = clipspan_view_get_info(view);
    const size_t count = (size_t)info->height * (size_t)info->width;
    float *values = cs_alloc(count, sizeof *values, "a map's pixels", err);
    clipspan_segmentation_last last;
    clipspan_status status = values ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK)
        status = clipspan_segmentation_get_last(&last, j->segmentation, 0, err);
    if (status == CLIPSPAN_OK) status = clipspan_view_run_map(values, view, last.grid, err);
    for (size_t i = 0; i < count && status == CLIPSPAN_OK; i++)
        mask[i] = values[i] > last.cut[j->x->threshold] ? 255 : 0;
    cs_free(values);
    return status;
}

/* The first method's mask, or that of all classes with --multi, of the image's size. */
static clipspan_status make_mask(uint8_t **mask, const cli_segment_job *j,
                                 const clipspan_view *view, size_t at, clipspan_error *err)
{
    const clipspan_view_info *info = clipspan_view_get_info(view);
    *mask = cs_alloc((size_t)info->height, (size_t)info->width, "a mask", err);
    if (!*mask) return CLIPSPAN_E_NOMEM;
    if (!j->x->multi) return cut_map(*mask, j, view, err);
    return clipspan_view_run_classes(
        *mask, view, j->model, clipspan_maps_get(j->maps, at, CLIPSPAN_MAP_HEADS),
        clipspan_texts_get_count(j->classes), (clipspan_threshold)j->x->threshold, err);
}

static clipspan_status write_mask(const cli_segment_job *j, size_t image, size_t at,
                                  char file[CLI_MAP_FILE_ROOM], clipspan_error *err)
{
    const char *path = clipspan_inputs_get_paths(j->inputs)[image];
    const clipspan_image_options options = reading(j);
    clipspan_view *view = NULL;
    clipspan_status status;
    uint8_t *mask = NULL;
    char *target = NULL;
    cli_map_file(file, image, clipspan_inputs_get_count(j->inputs), path, ".png");
    CS_TRY_DONE(clipspan_view_new(&view, j->model, path, -1, &options, err));
    CS_TRY_DONE(make_mask(&mask, j, view, at, err));
    target = cs_path_join(j->x->out.output, file, err);
    status = !target
                 ? CLIPSPAN_E_NOMEM
                 : clipspan_mask_write(target, mask, clipspan_view_get_info(view)->height,
                                       clipspan_view_get_info(view)->width, j->x->out.force, err);
done:
    cs_free(target);
    cs_free(mask);
    clipspan_view_free(&view);
    return status;
}

static clipspan_status write_row(const cli_segment_job *j, size_t image, const char *file,
                                 clipspan_error *err)
{
    clipspan_segmentation_last last;
    CS_TRY(clipspan_segmentation_get_last(&last, j->segmentation, 0, err));
    cli_rows_text(j->rows, clipspan_inputs_get_paths(j->inputs)[image]);
    cli_rows_text(j->rows, "ok");
    cli_rows_text(j->rows, clipspan_bank_get_name(j->bank, last.text));
    if (j->has_masks) {
        cli_rows_real(j->rows, last.accuracy);
        cli_rows_real(j->rows, last.miou);
        cli_rows_real(j->rows, last.map_precision);
    } else {
        cli_rows_text(j->rows, "");
        cli_rows_text(j->rows, "");
        cli_rows_text(j->rows, "");
    }
    cli_rows_text(j->rows, file);
    cli_rows_text(j->rows, "");
    return cli_rows_next(j->rows, err);
}

/* Texts of the image, or NULL for the likeliest. Returns 0 when one has none. */
static int choose_texts(const size_t **texts, const cli_segment_job *j, size_t image)
{
    *texts = j->text_of[0] ? j->chosen : NULL;
    for (size_t k = 0; *texts && k < j->target_count; k++) {
        j->chosen[k] = j->text_of[k][image];
        if (j->chosen[k] == CLIPSPAN_NO_TEXT) return 0;
    }
    return 1;
}

clipspan_status cli_segment_image(cli_segment_job *j, size_t image, size_t at,
                                  clipspan_error *error, clipspan_error *err)
{
    char file[CLI_MAP_FILE_ROOM] = "";
    const size_t *texts;
    uint16_t value = 0;
    if (!choose_texts(&texts, j, image))
        return clipspan_segmentation_add(j->segmentation, j->maps, at, texts, NULL, NULL, 0, err);
    if (j->has_masks && read_masks(j, &value, image, error) != CLIPSPAN_OK) return CLIPSPAN_OK;
    CS_TRY(clipspan_segmentation_add(
        j->segmentation, j->maps, at, texts, j->has_masks ? j->values[CLIPSPAN_ALIGNED] : NULL,
        j->has_masks ? j->values[CLIPSPAN_PUBLISHED] : NULL, value, err));
    if (j->x->out.output) {
        CS_TRY(write_mask(j, image, at, file, err));
        j->session->keeps_files = 1;
        CS_TRY(write_row(j, image, file, err));
    }
    j->written++;
    return CLIPSPAN_OK;
}
