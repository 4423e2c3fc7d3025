/* SPDX-License-Identifier: MIT */
/* What the image tower sees: argument checks around the reader of src/image. */
#include "api/model_handles.h"
#include "image/picture.h"

static clipspan_status check(clipspan_picture_options *to, const void *pixels,
                             const clipspan_model *model, const void *source,
                             const clipspan_picture_options *options, clipspan_error *err)
{
    cs_clear(err);
    if (!pixels || !model || !source)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "reading pixels: the buffer, the model or the picture is NULL");
    return CS_OPTIONS(to, options, clipspan_picture_options, err);
}

clipspan_status clipspan_pixels_read(uint8_t *pixels, const clipspan_model *model, const char *path,
                                     const clipspan_picture_options *options, clipspan_error *err)
{
    clipspan_picture_options o;
    CS_TRY(check(&o, pixels, model, path, options, err));
    return cs_picture_read(pixels, &cs_checkpoint_config(model->checkpoint)->preprocess, path, &o,
                           err);
}

clipspan_status clipspan_pixels_decode(uint8_t *pixels, const clipspan_model *model,
                                       const void *bytes, size_t size, const char *name,
                                       const clipspan_picture_options *options, clipspan_error *err)
{
    clipspan_picture_options o;
    CS_TRY(check(&o, pixels, model, bytes, options, err));
    return cs_picture_decode(pixels, &cs_checkpoint_config(model->checkpoint)->preprocess, bytes,
                             size, name ? name : "picture", &o, err);
}
