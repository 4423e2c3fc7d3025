/* SPDX-License-Identifier: MIT */
/* A build without image decoders: what would need one is refused by name. */
#include "image/raster.h"

#ifdef CLIPSPAN_CORE

static clipspan_status refuse(const cs_image_source *source, const char *format,
                              clipspan_error *err)
{
    return cs_fail_at(err, CLIPSPAN_E_UNSUPPORTED, source->name,
                      "is a %s file, and this build has no image decoders; give it pixels", format);
}

clipspan_status cs_jpeg_decode(cs_raster *raster, const cs_image_source *source,
                               clipspan_error *err)
{
    (void)raster;
    return refuse(source, "JPEG", err);
}

clipspan_status cs_png_decode(cs_raster *raster, const cs_image_source *source, clipspan_error *err)
{
    (void)raster;
    return refuse(source, "PNG", err);
}

clipspan_status cs_webp_decode(cs_raster *raster, const cs_image_source *source,
                               clipspan_error *err)
{
    (void)raster;
    return refuse(source, "WebP", err);
}

#else
typedef int cs_decode_none_is_not_built; /* ISO C forbids an empty file */
#endif
