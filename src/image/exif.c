/* SPDX-License-Identifier: MIT */
/* Finds the EXIF data of a JPEG (APP1), PNG (eXIf) or WebP (EXIF) file and in it tag 0x0112 of the
 * first directory (TIFF 6.0, Exif 2.3). Reads nothing outside the bytes it is given; whatever does
 * not fit counts as upright. */
#include "image/exif.h"

#include <stdint.h>
#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT      3
#define ENTRY           12 /* bytes of a directory entry */

static uint32_t number(const unsigned char *p, int bytes, int big)
{
    uint32_t value = 0;
    int i;
    for (i = 0; i < bytes; i++)
        value |= (uint32_t)p[i] << 8 * (big ? bytes - 1 - i : i);
    return value;
}

/* The TIFF block that EXIF data is, with or without the "Exif\0\0" that JPEG puts in front. */
static int read_block(const unsigned char *p, size_t size)
{
    size_t at, count, i;
    int big;
    if (size >= 6 && memcmp(p, "Exif\0\0", 6) == 0) {
        p += 6;
        size -= 6;
    }
    if (size < 8) return 1;
    big = p[0] == 'M';
    if (memcmp(p, big ? "MM\0*" : "II*\0", 4) != 0) return 1;
    at = number(p + 4, 4, big);
    if (at > size - 2) return 1;
    count = number(p + at, 2, big);
    at += 2;
    for (i = 0; i < count && size - at >= ENTRY; i++, at += ENTRY) {
        uint32_t value;
        if (number(p + at, 2, big) != TAG_ORIENTATION) continue;
        if (number(p + at + 2, 2, big) != TYPE_SHORT || number(p + at + 4, 4, big) != 1) return 1;
        value = number(p + at + 8, 2, big);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

static int read_jpeg(const unsigned char *p, size_t size)
{
    size_t at = 2, length;
    while (size - at >= 4) {
        if (p[at] != 0xff) return 1;
        if (p[at + 1] == 0xff) { /* fill byte */
            at++;
            continue;
        }
        if (p[at + 1] == 0xda || p[at + 1] == 0xd9) return 1;
        length = number(p + at + 2, 2, 1);
        if (length < 2 || length > size - at - 2) return 1;
        if (p[at + 1] == 0xe1 && length >= 8 && memcmp(p + at + 4, "Exif\0\0", 6) == 0)
            return read_block(p + at + 4, length - 2);
        at += 2 + length;
    }
    return 1;
}

static int read_png(const unsigned char *p, size_t size)
{
    size_t at = 8, length;
    while (size - at >= 12) {
        length = number(p + at, 4, 1);
        if (length > size - at - 12) return 1;
        if (memcmp(p + at + 4, "eXIf", 4) == 0) return read_block(p + at + 8, length);
        at += 12 + length;
    }
    return 1;
}

static int read_webp(const unsigned char *p, size_t size)
{
    size_t at = 12, length;
    while (size - at >= 8) {
        length = number(p + at + 4, 4, 0);
        if (length > size - at - 8) return 1;
        if (memcmp(p + at, "EXIF", 4) == 0) return read_block(p + at + 8, length);
        at += 8 + length;
        if (length % 2 == 1 && at < size) at++;
    }
    return 1;
}

int cs_exif_orientation(const unsigned char *bytes, size_t size, cs_image_kind kind)
{
    if (size < 12) return 1;
    switch (kind) {
    case CS_IMAGE_JPEG: return read_jpeg(bytes, size);
    case CS_IMAGE_PNG: return read_png(bytes, size);
    case CS_IMAGE_WEBP: return read_webp(bytes, size);
    case CS_IMAGE_OTHER: break;
    }
    return 1;
}
