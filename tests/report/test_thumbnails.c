/* SPDX-License-Identifier: MIT */
/* Thumbnails of a report. */
#include <clipspan/run.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "atlas_craft.h"
#include "base/memory.h"
#include "craft.h"
#include "report/thumbnails.h"
#include "tiny.h"

/* An image that lies on its side is upright on the page when the run turned it. */
static void thumbnails_are_read_as_the_run_read(void **state)
{
    static unsigned char samples[30 * 60 * 3], exif[6 + 26] = "Exif";
    static const char *const turned[] = {"turned.jpg"};
    char *folder = cs_tiny_folder();
    const atlas_craft craft_of = {4, 8, 12, 1, turned, folder, NULL, 0};
    const cs_image_place place = {.run = folder, .folder = folder, .own = 1};
    cs_atlas *atlas = atlas_craft_new(&craft_of);
    cs_thumbnail *thumbnails = calloc(atlas->info.images, sizeof *thumbnails);
    craft file = {0};
    (void)state;
    craft_scene(samples, 60, 30, 3);
    craft_jpeg(&file, samples, 60, 30, 3, NULL);
    craft_exif(exif + 6, 6, 0);
    craft_jpeg_segment(&file, 0xE1, exif, sizeof exif);
    cs_tiny_write(folder, "turned.jpg", file.data, file.size);
    craft_free(&file);
    for (int exif_orient = 0; exif_orient < 2; exif_orient++) {
        atlas->run->exif_orient = exif_orient;
        memset(thumbnails, 0, atlas->info.images * sizeof *thumbnails);
        assert_int_equal(cs_thumbnails_read(thumbnails, atlas, &place, 1, NULL, NULL), CLIPSPAN_OK);
        assert_int_equal(thumbnails[0].height, exif_orient ? 60 : 30);
        assert_int_equal(thumbnails[0].width, exif_orient ? 30 : 60);
        for (size_t i = 0; i < atlas->info.images; i++)
            cs_free(thumbnails[i].jpeg);
    }
    free(thumbnails);
    atlas_craft_free(&atlas);
    cs_tiny_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thumbnails_are_read_as_the_run_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
