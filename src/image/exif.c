/* SPDX-License-Identifier: MIT */
/* Finds the EXIF data of a JPEG (APP1), PNG (eXIf) or WebP (EXIF) file and in it tag 0x0112 of the
 * first directory (TIFF 6.0, Exif 2.3), a SHORT or, as some programs write it, a LONG. Where there
 * is none, the orientation of XMP (APP1, iTXt without compression, "XMP ") and of ImageMagick's raw
 * profile in a PNG (tEXt, zTXt), as Pillow reads them. Reads nothing outside the bytes it is given;
 * whatever does not fit counts as upright. */
#include "image/exif.h"

#include <stdint.h>
#include <string.h>

#define ZLIB_CONST /* what is inflated is const */
#include <zlib.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT      3
#define TYPE_LONG       4
#define ENTRY           12   /* bytes of a directory entry */
#define PROFILE_MOST    8192 /* bytes of a raw profile that are looked at: the directory is first */

static uint32_t number(const unsigned char *p, int bytes, int big)
{
    uint32_t value = 0;
    int i;
    for (i = 0; i < bytes; i++)
        value |= (uint32_t)p[i] << 8 * (big ? bytes - 1 - i : i);
    return value;
}

/* The TIFF block that EXIF data is, with or without the "Exif\0\0" that JPEG puts in front; 0
 * without a tag. */
static int read_block(const unsigned char *p, size_t size)
{
    size_t at, count, i;
    int big;
    if (size >= 6 && memcmp(p, "Exif\0\0", 6) == 0) {
        p += 6;
        size -= 6;
    }
    if (size < 8) return 0;
    big = p[0] == 'M';
    if (memcmp(p, big ? "MM\0*" : "II*\0", 4) != 0) return 0;
    at = number(p + 4, 4, big);
    if (at > size - 2) return 0;
    count = number(p + at, 2, big);
    at += 2;
    for (i = 0; i < count && size - at >= ENTRY; i++, at += ENTRY) {
        uint32_t value;
        if (number(p + at, 2, big) != TAG_ORIENTATION) continue;
        const uint32_t type = number(p + at + 2, 2, big);
        if ((type != TYPE_SHORT && type != TYPE_LONG) || number(p + at + 4, 4, big) != 1) return 1;
        value = number(p + at + 8, type == TYPE_SHORT ? 2 : 4, big);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 0;
}

/* tiff:Orientation="6" or <tiff:Orientation>6< in XMP, which Pillow takes where EXIF has none; 0
 * without. */
static int read_xmp(const unsigned char *p, size_t size)
{
    static const char word[] = "tiff:Orientation";
    const size_t length = sizeof word - 1;
    for (size_t i = 0; i + length + 3 <= size; i++) {
        const unsigned char *after = p + i + length;
        int digit;
        if (p[i] != 't' || memcmp(p + i, word, length) != 0) continue;
        if (*after == '>')
            digit = after[1];
        else if (after[0] == '=' && (after[1] == '"' || after[1] == '\''))
            digit = after[2];
        else
            continue;
        if (digit >= '1' && digit <= '8') return digit - '0';
    }
    return 0;
}

static int digit_of(unsigned char letter)
{
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    return letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

/* ImageMagick's raw profile: "\nexif\n   LENGTH\nHEX…", hexadecimal digits in lines. 0 without. */
static int read_hex(const unsigned char *p, size_t size)
{
    unsigned char block[PROFILE_MOST];
    size_t at = 0, lines = 0, used = 0;
    int high = -1;
    for (; at < size && lines < 3; at++)
        lines += p[at] == '\n';
    for (; at < size && used < sizeof block; at++) {
        const int digit = digit_of(p[at]);
        if (digit < 0) continue;
        if (high < 0) {
            high = digit;
            continue;
        }
        block[used++] = (unsigned char)(16 * high + digit);
        high = -1;
    }
    return read_block(block, used);
}

/* tEXt: keyword, NUL, text; zTXt: keyword, NUL, 0, deflated text; iTXt: keyword, NUL, flag, method,
 * language, NUL, translated keyword, NUL, text. 0 without an orientation. */
static int read_text_chunk(const unsigned char *kind, const unsigned char *p, size_t size)
{
    static const char raw[] = "Raw profile type exif", xmp[] = "XML:com.adobe.xmp";
    const int is_raw = size > sizeof raw && memcmp(p, raw, sizeof raw) == 0;
    const int is_xmp = size > sizeof xmp && memcmp(p, xmp, sizeof xmp) == 0;
    if (is_raw && memcmp(kind, "tEXt", 4) == 0) return read_hex(p + sizeof raw, size - sizeof raw);
    if (is_raw && memcmp(kind, "zTXt", 4) == 0 && p[sizeof raw] == 0) {
        unsigned char text[2 * PROFILE_MOST];
        z_stream stream;
        memset(&stream, 0, sizeof stream);
        stream.next_out = text;
        stream.avail_out = sizeof text;
        if (inflateInit(&stream) != Z_OK) return 0;
        stream.next_in = p + sizeof raw + 1;
        stream.avail_in = (uInt)(size - sizeof raw - 1);
        inflate(&stream, Z_FINISH);
        inflateEnd(&stream);
        return read_hex(text, sizeof text - stream.avail_out);
    }
    return is_xmp && memcmp(kind, "iTXt", 4) == 0 ? read_xmp(p + sizeof xmp, size - sizeof xmp) : 0;
}

static int read_jpeg(const unsigned char *p, size_t size)
{
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/";
    size_t at = 2, length;
    int found = 0, turn; /* found: in XMP, until EXIF says otherwise */
    while (size - at >= 4) {
        if (p[at] != 0xff) break;
        if (p[at + 1] == 0xff) { /* fill byte */
            at++;
            continue;
        }
        if (p[at + 1] == 0xda || p[at + 1] == 0xd9) break;
        length = number(p + at + 2, 2, 1);
        if (length < 2 || length > size - at - 2) break;
        if (p[at + 1] == 0xe1 && length >= 8 && memcmp(p + at + 4, "Exif\0\0", 6) == 0 &&
            (turn = read_block(p + at + 4, length - 2)) != 0)
            return turn;
        if (!found && p[at + 1] == 0xe1 && length > sizeof xmp + 2 &&
            memcmp(p + at + 4, xmp, sizeof xmp) == 0)
            found = read_xmp(p + at + 4 + sizeof xmp, length - 2 - sizeof xmp);
        at += 2 + length;
    }
    return found;
}

static int read_png(const unsigned char *p, size_t size)
{
    size_t at = 8, length;
    int found = 0, turn;
    while (size - at >= 12) {
        length = number(p + at, 4, 1);
        if (length > size - at - 12) break;
        if (memcmp(p + at + 4, "eXIf", 4) == 0 && (turn = read_block(p + at + 8, length)) != 0)
            return turn;
        if (!found) found = read_text_chunk(p + at + 4, p + at + 8, length);
        at += 12 + length;
    }
    return found;
}

static int read_webp(const unsigned char *p, size_t size)
{
    size_t at = 12, length;
    int found = 0, turn;
    while (size - at >= 8) {
        length = number(p + at + 4, 4, 0);
        if (length > size - at - 8) break;
        if (memcmp(p + at, "EXIF", 4) == 0 && (turn = read_block(p + at + 8, length)) != 0)
            return turn;
        if (!found && memcmp(p + at, "XMP ", 4) == 0) found = read_xmp(p + at + 8, length);
        at += 8 + length;
        if (length % 2 == 1 && at < size) at++;
    }
    return found;
}

int cs_exif_orientation(const unsigned char *bytes, size_t size, cs_image_kind kind)
{
    int found = 0;
    if (size < 12) return 1;
    switch (kind) {
    case CS_IMAGE_JPEG: found = read_jpeg(bytes, size); break;
    case CS_IMAGE_PNG: found = read_png(bytes, size); break;
    case CS_IMAGE_WEBP: found = read_webp(bytes, size); break;
    case CS_IMAGE_OTHER: break;
    }
    return found ? found : 1;
}
