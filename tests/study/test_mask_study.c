/* SPDX-License-Identifier: MIT */
/* Masks of two by two pixels by hand: contrasts, targets, predictions, figures of texts, pointing;
 * what is left out and what is refused. */
#include "base/memory.h"
#include "study/mask_study.h"
#include "study/study_json.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXTS 3

static const char *const names[TEXTS] = {"cat", "dog", "bird"};
static const float vectors[TEXTS][2] = {{1, 0}, {0, 1}, {-1, 0}};
/* [texts, tokens]: what is at the class token is not looked at */
static const float maps[TEXTS][5] = {{9, 4, 1, 0, 0}, {9, 1, 4, 0, 0}, {9, 1, 1, 3, 0}};

static cs_mask_study *new_study(const clipspan_segmentation_options *o)
{
    const clipspan_model_info model = {.name = "tiny",
                                       .embed_width = 2,
                                       .tokens = 5,
                                       .input_height = 2,
                                       .input_width = 2,
                                       .grid_height = 2,
                                       .grid_width = 2,
                                       .class_token = 1,
                                       .patch_size = 1};
    cs_mask_study *s = NULL;
    clipspan_texts *texts;
    clipspan_bank *bank;
    assert_int_equal(clipspan_texts_new(&texts, names, NULL, TEXTS, NULL), CLIPSPAN_OK);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, &vectors[0][0], 2, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_mask_study_new(&s, &model, bank, o, NULL), CLIPSPAN_OK);
    clipspan_bank_free(&bank);
    clipspan_texts_free(&texts);
    return s;
}

static clipspan_segmentation_options options(clipspan_contrast contrast)
{
    clipspan_segmentation_options o = CLIPSPAN_SEGMENTATION_OPTIONS_INIT;
    o.contrast = contrast;
    o.threads = 1;
    return o;
}

static void add(cs_mask_study *s, const size_t *texts, const float *embedding, const uint16_t *mask,
                uint16_t value)
{
    const float *all[2] = {&maps[0][0], &maps[0][0]};
    const cs_mask_image image = {all, embedding, texts, mask, mask, value};
    assert_int_equal(cs_mask_add(s, &image, NULL), CLIPSPAN_OK);
}

static void expect_grid(const cs_mask_study *s, double a, double b, double c, double d)
{
    const double right[4] = {a, b, c, d};
    for (int i = 0; i < 4; i++) {
        assert_true(fabs((double)s->methods[0].grid[i] - right[i]) < 1e-6);
        assert_true(fabs((double)s->methods[0].map[i] - right[i]) < 1e-6); /* a patch is a pixel */
    }
}

static void contrasts_by_hand(void **state)
{
    static const size_t cat = 0, both[2] = {0, 2};
    static const clipspan_segment_target pair[2] = {{1, 0, 2}, {-1, 2, 1}};
    clipspan_segmentation_options o = options(CLIPSPAN_CONTRAST_NONE);
    cs_mask_study *s = new_study(&o);
    (void)state;
    add(s, &cat, NULL, NULL, 0);
    expect_grid(s, 4, 1, 0, 0);
    cs_mask_study_free(&s);
    o = options(CLIPSPAN_CONTRAST_MEAN);
    s = new_study(&o);
    add(s, &cat, NULL, NULL, 0);
    expect_grid(s, 2, -1, -1, 0);
    cs_mask_study_free(&s);
    o = options(CLIPSPAN_CONTRAST_RUNNER_UP);
    s = new_study(&o);
    add(s, &cat, NULL, NULL, 0);
    expect_grid(s, 3, -3, -3, 0);
    cs_mask_study_free(&s);
    /* cat against cat and dog, minus bird, which stands alone and has no contrast */
    o.contrast = CLIPSPAN_CONTRAST_MEAN;
    o.targets = pair;
    o.target_count = 2;
    s = new_study(&o);
    add(s, both, NULL, NULL, 0);
    expect_grid(s, 1.5 - 1, -1.5 - 1, -3, 0);
    assert_int_equal(s->info.images, 1);
    assert_int_equal(cs_mask_rows(s, NULL), CLIPSPAN_OK);
    assert_int_equal(s->info.rows, 0); /* nothing was judged */
    cs_mask_study_free(&s);
}

static void figures_by_hand(void **state)
{
    static const uint16_t first[4] = {7, 0, 2, 0}, second[4] = {0, 0, 7, 7};
    static const float like_dog[2] = {0, 1};
    static const size_t cat = 0;
    clipspan_segmentation_options o = options(CLIPSPAN_CONTRAST_NONE);
    const clipspan_segmentation_row *row;
    cs_mask_study *s;
    (void)state;
    o.per_text = 1;
    s = new_study(&o);
    /* r = 1, 1/4, 0, 0 above its mean 5/16 at pixel 0, which is what is asked for */
    add(s, &cat, NULL, first, 7);
    assert_int_equal(s->info.predicted, 0);
    /* predicted dog, at pixel 1; foreground are pixels 2 and 3 */
    add(s, NULL, like_dog, second, 7);
    assert_int_equal(s->chosen[0], 1);
    assert_int_equal(s->info.predicted, 1);
    assert_int_equal(cs_mask_rows(s, NULL), CLIPSPAN_OK);
    assert_int_equal(s->info.rows, 4 + 2 * 4); /* bird has no image */
    row = &s->rows[0];
    assert_string_equal(row->method, "clipspan");
    assert_null(row->text);
    assert_int_equal(row->images, 2);
    assert_int_equal(row->pixels, 8);
    assert_true(fabs(row->accuracy - 5.0 / 8) < 1e-12);
    assert_true(fabs(row->iou[0] - 4.0 / 7) < 1e-12);
    assert_true(fabs(row->iou[1] - 1.0 / 4) < 1e-12);
    assert_true(fabs(row->miou - (4.0 / 7 + 1.0 / 4) / 2) < 1e-12);
    assert_int_equal(row->pointed, 1);
    assert_true(row->pointing > 0.499 && row->pointing < 0.501);
    assert_true(row->pointing_low > 0.09 && row->pointing_low < 0.1);
    assert_int_equal(row->runners_up, 1); /* the second mask shows nothing else */
    assert_int_equal(row->nearer, 1);
    row = &s->rows[4];
    assert_string_equal(row->text, "cat");
    assert_true(fabs(row->accuracy - 1.0) < 1e-12);
    assert_true(fabs(row->iou[1] - 1.0) < 1e-12);
    assert_string_equal(s->rows[8].text, "dog");
    assert_true(fabs(s->rows[8].accuracy - 1.0 / 4) < 1e-12);
    assert_int_equal(s->rows[8].runners_up, 0);
    cs_mask_study_free(&s);
}

static void maps_without_texts_and_roles(void **state)
{
    static const char *const roles[1] = {"shape"};
    static const uint16_t mask[4] = {1, 0, 0, 0};
    static const float attention[5] = {9, 1, 3, 2, 0};
    const float *all[3] = {&maps[0][0], attention, &maps[0][0]};
    static const size_t cat = 0, none = CLIPSPAN_NO_TEXT;
    const cs_mask_image image = {all, NULL, &cat, mask, NULL, 0},
                        without = {all, NULL, &none, mask, NULL, 0};
    clipspan_segmentation_options o = options(CLIPSPAN_CONTRAST_NONE);
    cs_mask_study *s;
    (void)state;
    o.methods = 1U << CLIPSPAN_SEGMENT_HEADS | 1U << CLIPSPAN_SEGMENT_ATTENTION;
    o.roles = roles;
    o.role_count = 1;
    s = new_study(&o);
    assert_int_equal(s->info.methods, 3);
    assert_int_equal(cs_mask_add(s, &image, NULL), CLIPSPAN_OK);
    assert_int_equal(cs_mask_add(s, &without, NULL), CLIPSPAN_OK);
    assert_int_equal(s->info.images, 1);
    assert_int_equal(s->info.left_out, 1);
    assert_int_equal(cs_mask_rows(s, NULL), CLIPSPAN_OK);
    assert_int_equal(s->info.rows, 3 * 2); /* the published protocol was not judged */
    assert_string_equal(s->rows[2].method, "attention");
    assert_int_equal(s->rows[2].pointed, 0); /* its highest pixel is 1 */
    assert_string_equal(s->rows[4].method, "role");
    assert_string_equal(s->rows[4].role, "shape");
    assert_int_equal(s->rows[4].pointed, 1);
    cs_mask_study_free(&s);
}

static void what_cannot_be_is_refused(void **state)
{
    clipspan_segmentation *s = NULL;
    (void)state;
    assert_int_equal(clipspan_segmentation_new(&s, NULL, NULL, NULL, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_segmentation_run(NULL, NULL), CLIPSPAN_E_ARGUMENT);
    assert_null(clipspan_segmentation_get_info(NULL));
    assert_null(clipspan_segmentation_get_row(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contrasts_by_hand),
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(maps_without_texts_and_roles),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
