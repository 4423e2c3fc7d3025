/* SPDX-License-Identifier: MIT */
/* What scripts/parity-pixels runs: preprocesses images and writes their pixels.
 *
 * Each line of standard input is a job:
 *   height width resize kernel convert_first floor_crop crop_to fill_r fill_g fill_b exif path
 * For each, standard output gets a status (int32_t, this machine's order), a length (uint32_t) and
 * that many bytes: the pixels, or the error message. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "image/image.h"

static int run(const char *line, int *in_order)
{
    cs_preprocess preprocess;
    clipspan_image_options options = CLIPSPAN_IMAGE_OPTIONS_INIT;
    clipspan_error err;
    int resize, kernel, used = 0, ok;
    int32_t status;
    uint32_t length;
    uint8_t *pixels;
    memset(&preprocess, 0, sizeof preprocess);
    *in_order = sscanf(line, "%d %d %d %d %d %d %d %d %d %d %d %n", &preprocess.height,
                       &preprocess.width, &resize, &kernel, &preprocess.convert_first,
                       &preprocess.floor_crop, &preprocess.crop_to, &preprocess.fill[0],
                       &preprocess.fill[1], &preprocess.fill[2], &options.exif_orient, &used) == 11;
    if (!*in_order) return 0;
    preprocess.resize = (clipspan_resize)resize;
    preprocess.kernel = (clipspan_kernel)kernel;
    length = (uint32_t)preprocess.height * (uint32_t)preprocess.width * 3;
    pixels = cs_alloc(length, 1, "pixels", &err);
    if (!pixels) return 0;
    status = cs_image_read(pixels, &preprocess, line + used, &options, &err);
    if (status != CLIPSPAN_OK) length = (uint32_t)strlen(err.message);
    ok = fwrite(&status, sizeof status, 1, stdout) == 1 &&
         fwrite(&length, sizeof length, 1, stdout) == 1 &&
         fwrite(status == CLIPSPAN_OK ? (const void *)pixels : err.message, 1, length, stdout) ==
             length;
    cs_free(pixels);
    return ok;
}

int main(void)
{
    static char line[8192];
    while (fgets(line, sizeof line, stdin)) {
        int in_order;
        line[strcspn(line, "\n")] = '\0';
        if (!run(line, &in_order)) {
            fprintf(stderr, in_order ? "cannot write the result of: %s\n" : "no job: %s\n", line);
            return 1;
        }
        fflush(stdout);
    }
    return 0;
}
