/* SPDX-License-Identifier: MIT */
/* What the image encoder sees: argument checks around the reader of src/image. */
#include "api/model_handles.h"
#include "image/image.h"

static clipspan_status check(clipspan_image_options *to, const void *pixels,
                             const clipspan_model *model, const void *source,
                             const clipspan_image_options *options, clipspan_error *err)
{
    cs_clear(err);
    if (!pixels || !model || !source)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "reading pixels: the buffer, the model or the image is NULL");
    return CS_OPTIONS(to, options, clipspan_image_options, err);
}

clipspan_status clipspan_pixels_read(uint8_t *pixels, const clipspan_model *model, const char *path,
                                     const clipspan_image_options *options, clipspan_error *err)
{
    clipspan_image_options o;
    CS_TRY(check(&o, pixels, model, path, options, err));
    return cs_image_read(pixels, &cs_checkpoint_config(model->checkpoint)->preprocess, path, &o,
                         err);
}

clipspan_status clipspan_pixels_decode(uint8_t *pixels, const clipspan_model *model,
                                       const void *bytes, size_t size, const char *name,
                                       const clipspan_image_options *options, clipspan_error *err)
{
    clipspan_image_options o;
    CS_TRY(check(&o, pixels, model, bytes, options, err));
    return cs_image_decode(pixels, &cs_checkpoint_config(model->checkpoint)->preprocess, bytes,
                           size, name ? name : "image", &o, err);
}
