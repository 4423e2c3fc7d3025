/* SPDX-License-Identifier: MIT */
/* Conversions between modes with Pillow's roundings (its Convert.c): 16-bit grey saturates at 255
 * instead of losing its low byte, CMYK is mixed without a profile, alpha is dropped and not laid
 * over a background. */
#include "image/convert.h"

#include <string.h>

#include "base/memory.h"

/* a * b / 255, rounded. */
static unsigned multiply(unsigned a, unsigned b)
{
    const unsigned t = a * b + 128;
    return ((t >> 8) + t) >> 8;
}

static unsigned char grey16(const unsigned char *in)
{
    uint16_t value;
    memcpy(&value, in, sizeof value);
    return (unsigned char)(value > 255 ? 255 : value);
}

static void spread(uint8_t *out, unsigned char value)
{
    out[0] = out[1] = out[2] = value;
}

void cs_convert_rgb(uint8_t *out, const unsigned char *in, size_t count, const cs_raster *raster)
{
    size_t i;
    switch (raster->mode) {
    case CS_MODE_BIT:
        for (i = 0; i < count; i++)
            spread(out + 3 * i, in[i] ? 255 : 0);
        break;
    case CS_MODE_GREY:
        for (i = 0; i < count; i++)
            spread(out + 3 * i, in[i]);
        break;
    case CS_MODE_INDEX:
        for (i = 0; i < count; i++)
            memcpy(out + 3 * i, raster->palette[in[i]], 3);
        break;
    case CS_MODE_GREY16:
        for (i = 0; i < count; i++)
            spread(out + 3 * i, grey16(in + 2 * i));
        break;
    case CS_MODE_RGB:
    case CS_MODE_RGBA:
        for (i = 0; i < count; i++) {
            out[3 * i] = in[4 * i];
            out[3 * i + 1] = in[4 * i + 1];
            out[3 * i + 2] = in[4 * i + 2];
        }
        break;
    case CS_MODE_CMYK:
        for (i = 0; i < count; i++) {
            const unsigned white = 255U - in[4 * i + 3];
            int c;
            for (c = 0; c < 3; c++)
                out[3 * i + c] = (uint8_t)(white - multiply(in[4 * i + c], white));
        }
        break;
    }
}

clipspan_status cs_convert_first(cs_raster *raster, clipspan_error *err)
{
    const size_t count = (size_t)raster->width * (size_t)raster->height;
    unsigned char *wide;
    size_t i;
    switch (raster->mode) {
    case CS_MODE_BIT: /* already 0 and 255 */ raster->mode = CS_MODE_GREY; return CLIPSPAN_OK;
    case CS_MODE_GREY:
    case CS_MODE_RGB: return CLIPSPAN_OK;
    case CS_MODE_RGBA: raster->mode = CS_MODE_RGB; return CLIPSPAN_OK;
    case CS_MODE_GREY16:
        for (i = 0; i < count; i++)
            raster->data[i] = grey16(raster->data + 2 * i);
        raster->mode = CS_MODE_GREY;
        return CLIPSPAN_OK;
    case CS_MODE_CMYK:
        for (i = 0; i < count; i++) {
            uint8_t rgb[3];
            cs_convert_rgb(rgb, raster->data + 4 * i, 1, raster);
            memcpy(raster->data + 4 * i, rgb, 3);
        }
        raster->mode = CS_MODE_RGB;
        return CLIPSPAN_OK;
    case CS_MODE_INDEX: break;
    }
    /* four times a size that was checked when the raster was made */
    wide = cs_alloc_zero(count + CS_RASTER_SLACK, 4, "an image without its palette", err);
    if (!wide) return CLIPSPAN_E_NOMEM;
    for (i = 0; i < count; i++)
        memcpy(wide + 4 * i, raster->palette[raster->data[i]], 3);
    cs_free(raster->data);
    raster->data = wide;
    raster->mode = CS_MODE_RGB;
    return CLIPSPAN_OK;
}

void cs_premultiply(unsigned char *pixels, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        unsigned char *p = pixels + 4 * i;
        const unsigned alpha = p[3];
        p[0] = (unsigned char)multiply(p[0], alpha);
        p[1] = (unsigned char)multiply(p[1], alpha);
        p[2] = (unsigned char)multiply(p[2], alpha);
    }
}

void cs_unpremultiply(unsigned char *pixels, size_t count)
{
    size_t i;
    for (i = 0; i < count; i++) {
        unsigned char *p = pixels + 4 * i;
        const unsigned alpha = p[3];
        int c;
        if (alpha == 0 || alpha == 255) continue;
        for (c = 0; c < 3; c++) {
            const unsigned value = 255U * p[c] / alpha;
            p[c] = (unsigned char)(value > 255 ? 255 : value);
        }
    }
}

clipspan_status cs_orient(cs_raster *raster, int orientation, clipspan_error *err)
{
    /* Where output pixel (x, y) comes from: swapped axes first, then mirrored ones. */
    const int swap = orientation >= 5;
    const int flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const int flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const size_t size = (size_t)cs_mode_bytes(raster->mode);
    const int width = swap ? raster->height : raster->width;
    const int height = swap ? raster->width : raster->height;
    unsigned char *turned, *to;
    int x, y;
    if (orientation < 2 || orientation > 8) return CLIPSPAN_OK;
    turned = cs_alloc_zero((size_t)width * (size_t)height * size + CS_RASTER_SLACK, 1,
                           "a turned image", err);
    if (!turned) return CLIPSPAN_E_NOMEM;
    to = turned;
    for (y = 0; y < height; y++)
        for (x = 0; x < width; x++, to += size) {
            int from_x = swap ? y : x, from_y = swap ? x : y;
            if (flip_x) from_x = raster->width - 1 - from_x;
            if (flip_y) from_y = raster->height - 1 - from_y;
            memcpy(to,
                   raster->data + ((size_t)from_y * (size_t)raster->width + (size_t)from_x) * size,
                   size);
        }
    cs_free(raster->data);
    raster->data = turned;
    raster->width = width;
    raster->height = height;
    return CLIPSPAN_OK;
}
