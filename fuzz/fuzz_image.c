/* SPDX-License-Identifier: MIT */
/* Image files, as both families of transforms take them, and as masks. One program a kind of file:
 * bytes of FUZZ_MAGIC come before the input. */
#include "fuzz.h"
#include "image/image.h"
#include "image/mask.h"

#include <stdlib.h>
#include <string.h>

#define EDGE   24
#define PIXELS 250000

static const cs_preprocess transforms[] = {
    {.height = EDGE, .width = EDGE, .resize = CLIPSPAN_SHORTEST, .kernel = CLIPSPAN_BICUBIC},
    {.height = EDGE,
     .width = 16,
     .resize = CLIPSPAN_LONGEST,
     .kernel = CLIPSPAN_BILINEAR,
     .convert_first = 1,
     .floor_crop = 1},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char magic[] = FUZZ_MAGIC;
    static uint8_t pixels[EDGE * EDGE * 3];
    static uint16_t mask[EDGE * EDGE];
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    uint8_t *file = malloc(sizeof magic - 1 + size + 1);
    fuzz_check(file != NULL, "memory");
    memcpy(file, magic, sizeof magic - 1);
    if (size) memcpy(file + sizeof magic - 1, data, size);
    size += sizeof magic - 1;
    options.max_pixels = PIXELS;
    for (int orient = 0; orient < 2; orient++) {
        options.exif_orient = orient;
        (void)cs_image_decode(pixels, &transforms[orient], file, size, "image", &options, NULL);
    }
    if (FUZZ_MASK)
        (void)cs_mask_read(mask, &transforms[0], fuzz_file("mask.png", file, size), 1, 0, 0,
                           &options, NULL);
    free(file);
    return 0;
}
