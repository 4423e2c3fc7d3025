/* SPDX-License-Identifier: MIT */
/* Masks and their figures: argument checks around src/image. */
#include "api/handles.h"
#include "draw/png_write.h"
#include "image/mask.h"
#include "study/segmentation.h"

clipspan_status clipspan_mask_read(uint16_t *values, const clipspan_model *model, const char *path,
                                   const char *image, clipspan_protocol protocol,
                                   const clipspan_image_options *options, clipspan_error *err)
{
    clipspan_image_options o;
    int height = 0, width = 0;
    cs_clear(err);
    if (!values || !model || !path)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_mask_read: an argument is NULL");
    CS_TRY(CS_OPTIONS(&o, options, clipspan_image_options, err));
    if (image) {
        cs_raster raster;
        clipspan_status status = cs_image_open(&raster, image, &o, err);
        height = raster.height;
        width = raster.width;
        cs_raster_fini(&raster);
        CS_TRY(status);
    }
    return cs_mask_read(values, &cs_checkpoint_config(model->checkpoint)->preprocess, path,
                        protocol == CLIPSPAN_PUBLISHED, height, width, &o, err);
}

clipspan_status clipspan_mask_write(const char *path, const uint8_t *values, int height, int width,
                                    int replace, clipspan_error *err)
{
    cs_clear(err);
    if (!path || !values)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_mask_write: an argument is NULL");
    return cs_png_write(path, values, height, width, 1, replace, err);
}

static clipspan_status scale(float **out, const float *map, size_t count, int clip,
                             const char *function, clipspan_error *err)
{
    cs_clear(err);
    *out = NULL;
    if (!map || count < 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: no map was given", function);
    *out = cs_alloc(count, sizeof **out, "a map's pixels", err);
    if (!*out) return CLIPSPAN_E_NOMEM;
    cs_segment_scale(*out, map, count, clip);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_segment_add(clipspan_segment_score *score, uint8_t *mask, const float *map,
                                     const uint8_t *truth, size_t count, int clip,
                                     clipspan_threshold threshold, clipspan_error *err)
{
    clipspan_status status;
    float *r = NULL;
    size_t i;
    if (!score || !truth)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_segment_add: an argument is NULL");
    CS_TRY(scale(&r, map, count, clip, "clipspan_segment_add", err));
    if (mask && r) {
        const double cut = cs_segment_threshold(r, count, threshold);
        for (i = 0; i < count; i++)
            mask[i] = (double)r[i] > cut;
    }
    status = cs_segment_add(score, r, truth, count, threshold, err);
    cs_free(r);
    return status;
}

clipspan_status clipspan_segment_run_cut(float *cut, const float *map, size_t count, int clip,
                                         clipspan_threshold threshold, clipspan_error *err)
{
    cs_clear(err);
    if (!cut || !map || count < 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_segment_run_cut: cut is NULL, or no map was given");
    return cs_segment_cut(cut, map, count, clip, threshold, err);
}

void clipspan_segment_get(double *accuracy, double *miou, double *map,
                          const clipspan_segment_score *score)
{
    double iou[2] = {0.0, 0.0};
    int c;
    for (c = 0; score && c < 2; c++)
        if (score->either[c]) iou[c] = (double)score->both[c] / (double)score->either[c];
    if (accuracy)
        *accuracy = score && score->pixels ? (double)score->correct / (double)score->pixels : 0.0;
    if (miou) *miou = (iou[0] + iou[1]) / 2.0;
    if (map) *map = score && score->images ? score->precision / (double)score->images : 0.0;
}
