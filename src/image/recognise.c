/* SPDX-License-Identifier: MIT */
/* Formats by their signatures: the three that are read, and those that people have lying among
 * their images, so that a refusal can name them. */
#include "image/recognise.h"

#include <string.h>

typedef struct signature {
    size_t at, length;
    const char *bytes;
    const char *name;
} signature;

#define SIGNATURE(at, bytes, name)                                                                 \
    {                                                                                              \
        at, sizeof(bytes) - 1, bytes, name                                                         \
    }

/* The first that fits is taken, so longer ones stand before their beginnings. */
static const signature signatures[] = {
    SIGNATURE(0, "GIF87a", "a GIF file"),
    SIGNATURE(0, "GIF89a", "a GIF file"),
    SIGNATURE(0, "BM", "a BMP file"),
    SIGNATURE(0, "II*\0", "a TIFF file"),
    SIGNATURE(0, "MM\0*", "a TIFF file"),
    SIGNATURE(0, "II+\0", "a BigTIFF file"),
    SIGNATURE(0, "MM\0+", "a BigTIFF file"),
    SIGNATURE(4, "ftypavif", "an AVIF file"),
    SIGNATURE(4, "ftypavis", "an AVIF file"),
    SIGNATURE(4, "ftyphei", "a HEIC file"),
    SIGNATURE(4, "ftyphev", "a HEIC file"),
    SIGNATURE(4, "ftypmif1", "a HEIF file"),
    SIGNATURE(4, "ftypmsf1", "a HEIF file"),
    SIGNATURE(4, "ftyp", "a video or another ISO media file"),
    SIGNATURE(0, "\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL file"),
    SIGNATURE(0, "\xff\x0a", "a JPEG XL file"),
    SIGNATURE(0, "\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 file"),
    SIGNATURE(0, "\xff\x4f\xff\x51", "a JPEG 2000 file"),
    SIGNATURE(0, "8BPS", "a Photoshop file"),
    SIGNATURE(0, "\0\0\1\0", "an icon (ICO) file"),
    SIGNATURE(0, "qoif", "a QOI file"),
    SIGNATURE(0, "v/1\1", "an OpenEXR file"),
    SIGNATURE(0, "RIFF", "a RIFF file (sound or video)"),
    SIGNATURE(0, "%PDF", "a PDF file"),
    SIGNATURE(0, "PK\3\4", "a zip archive"),
    SIGNATURE(0, "\x1f\x8b", "a gzip file"),
    SIGNATURE(0, "\x93NUMPY", "a NumPy file"),
    SIGNATURE(0, "\x89HDF", "an HDF5 file"),
    SIGNATURE(0,
              "\x7f"
              "ELF",
              "a program"),
};

/* Letters and signs of a text in ASCII or UTF-8, without control characters. */
static int is_text(const unsigned char *bytes, size_t size)
{
    size_t i;
    for (i = 0; i < size && i < 512; i++)
        if (bytes[i] == 0x7f ||
            (bytes[i] < 0x20 && bytes[i] != '\t' && bytes[i] != '\n' && bytes[i] != '\r'))
            return 0;
    return size > 0;
}

static int has(const unsigned char *bytes, size_t size, const char *word)
{
    const size_t length = strlen(word);
    size_t i;
    for (i = 0; i + length <= size && i < 512; i++)
        if (memcmp(bytes + i, word, length) == 0) return 1;
    return 0;
}

cs_image_kind cs_image_recognise(const char **name, const unsigned char *bytes, size_t size)
{
    size_t i;
    *name = NULL;
    if (size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) {
        *name = "a JPEG file";
        return CS_IMAGE_JPEG;
    }
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) {
        *name = "a PNG file";
        return CS_IMAGE_PNG;
    }
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0) {
        *name = "a WebP file";
        return CS_IMAGE_WEBP;
    }
    for (i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *s = &signatures[i];
        if (size < s->at + s->length || memcmp(bytes + s->at, s->bytes, s->length) != 0) continue;
        *name = s->name;
        return CS_IMAGE_OTHER;
    }
    if (size >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
        (bytes[2] == ' ' || bytes[2] == '\n' || bytes[2] == '\r' || bytes[2] == '\t'))
        *name = "a PNM file";
    else if (is_text(bytes, size))
        *name = has(bytes, size, "<svg")                                          ? "an SVG file"
                : has(bytes, size, "<html") || has(bytes, size, "<!DOCTYPE html") ? "a web page"
                                                                                  : "a text file";
    return CS_IMAGE_OTHER;
}
