/* SPDX-License-Identifier: MIT */
/* clipspan_png_write: argument checks around the writer of src/image. */
#include "draw/png_write.h"

#include <clipspan/encode.h>

clipspan_status clipspan_png_write(const char *path, const uint8_t *pixels, int height, int width,
                                   int replace, clipspan_error *err)
{
    cs_clear(err);
    if (!path || !pixels)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_png_write: an argument is NULL");
    return cs_png_write(path, pixels, height, width, 3, replace, err);
}
