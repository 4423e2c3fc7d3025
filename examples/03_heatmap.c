/* SPDX-License-Identifier: MIT */
/* Where in an image is a text, rather than another? An overlay, and the patch that says it
 * loudest.
 *
 *     03_heatmap MODEL IMAGE OUT.png "a dog" "a cat" */
#include <clipspan/clipspan.h>

#include <stdio.h>
#include <stdlib.h>

/* The two texts as unit vectors. */
static clipspan_status embed(clipspan_bank **bank, clipspan_model *model, char **words,
                             clipspan_error *err)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    const char *two[2] = {words[0], words[1]};
    clipspan_texts *texts = NULL, *templates = NULL;
    clipspan_encoder *encoder = NULL;
    clipspan_status failed = clipspan_texts_new(&texts, two, NULL, 2, err);
    o.modality = CLIPSPAN_TEXT;
    if (!failed) failed = clipspan_texts_open(&templates, "none", err);
    if (!failed) failed = clipspan_encoder_new(&encoder, model, &o, err);
    if (!failed) failed = clipspan_bank_new_classes(bank, encoder, texts, templates, NULL, err);
    clipspan_encoder_free(&encoder);
    clipspan_texts_free(&templates);
    clipspan_texts_free(&texts);
    return failed;
}

/* map : one number a patch, the first text's score minus the second's. */
static clipspan_status draw(const clipspan_model *model, const char *path, const char *out,
                            const float *map, double limit, clipspan_error *err)
{
    clipspan_view *view = NULL;
    clipspan_status failed = clipspan_view_new(&view, model, path, 0, NULL, err);
    if (!failed) {
        const clipspan_view_info *info = clipspan_view_get_info(view);
        uint8_t *rgb = malloc((size_t)info->height * (size_t)info->width * 3);
        if (rgb)
            failed = clipspan_view_run_draw(rgb, view, map, CLIPSPAN_DRAW_OVERLAY, limit, 1, err);
        if (rgb && !failed)
            failed = clipspan_png_write(out, rgb, info->height, info->width, 1, err);
        free(rgb);
    }
    clipspan_view_free(&view);
    return failed;
}

int main(int argc, char **argv)
{
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_model *model = NULL;
    clipspan_encoder *encoder = NULL;
    clipspan_bank *bank = NULL;
    clipspan_maps *maps = NULL;
    clipspan_error err = {0};
    const char *path;
    float *map = NULL;
    clipspan_status failed;
    if (argc != 6) {
        fprintf(stderr, "03_heatmap MODEL IMAGE OUT.png TEXT OTHER\n");
        return 2;
    }
    path = argv[2];
    failed = clipspan_model_open(&model, argv[1], NULL, &err);
    if (!failed) failed = embed(&bank, model, argv + 4, &err);
    if (!failed) failed = clipspan_encoder_new(&encoder, model, &o, &err);
    if (!failed) failed = clipspan_maps_new(&maps, encoder, bank, NULL, &err);
    if (!failed) failed = clipspan_maps_run_files(maps, NULL, &path, 1, &err);
    if (!failed) {
        const clipspan_model_info *info = clipspan_model_get_info(model);
        const size_t N = (size_t)info->tokens;
        const float *first = clipspan_maps_get(maps, 0, CLIPSPAN_MAP_HEADS), *second = first + N;
        size_t best = 0, i;
        double limit = 1e-30;
        map = malloc((N - 1) * sizeof *map);
        for (i = 0; map && i < N - 1; i++) { /* token 0 is the class token */
            double size;
            map[i] = first[1 + i] - second[1 + i];
            size = map[i] < 0.0F ? -(double)map[i] : (double)map[i];
            if (size > limit) limit = size;
            if (map[i] > map[best]) best = i;
        }
        if (map) {
            failed = draw(model, path, argv[3], map, limit, &err);
            printf("\"%s\" rather than \"%s\": %.3g at row %zu, column %zu of %d x %d patches\n",
                   argv[4], argv[5], (double)map[best], best / (size_t)info->grid_width,
                   best % (size_t)info->grid_width, info->grid_height, info->grid_width);
        }
    }
    if (failed) fprintf(stderr, "%s\n", err.message);
    free(map);
    clipspan_maps_free(&maps);
    clipspan_encoder_free(&encoder);
    clipspan_bank_free(&bank);
    clipspan_model_close(&model);
    return failed != CLIPSPAN_OK;
}
