/* SPDX-License-Identifier: MIT */
/* Findings of an explanation that is written down by hand; contrasts of maps; the highest of many
 * numbers. */
#include "base/memory.h"
#include "base/top.h"
#include "study/contrast.h"
#include "study/findings.h"

#include <clipspan/run.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void near(double found, double right)
{
    if (!(fabs(found - right) <= 1e-6)) fail_msg("%.12g instead of %.12g", found, right);
}

/* Two texts, three layers of two heads, two by two patches; text 1 is the more similar. */
static const char *const names[2] = {"a cat", "a dog"};
static const size_t order[2] = {1, 0};
static const double similarity[2] = {0.20, 0.30}, value[2] = {0.20, 0.30};
static const double attention[6] = {0.5, -0.3, 0.02, 0.01, 0.1, 0.15},
                    class_self_attention[6] = {0};
static const double mlp[8] = {0.01, 0, -0.03, 0, 0.04, 0, 0, 0};
static const double head[12] = {0.4, 0.1, -0.2, -0.1, 0.01, 0.01, 0, 0.01, 0.05, 0.05, 0.2, -0.05};
static const double token[10] = {0.02, 0.1, -0.05, 0.15, 0, 0.06, 0.05, 0.05, -0.1, 0.2};

static clipspan_explanation_info explanation(void)
{
    const clipspan_explanation_info x = {.layers = 3,
                                         .heads = 2,
                                         .grid_height = 2,
                                         .grid_width = 2,
                                         .class_token = 1,
                                         .texts = 2,
                                         .tokens = 5,
                                         .names = names,
                                         .order = order,
                                         .similarity = similarity,
                                         .value = value,
                                         .attention = attention,
                                         .class_self_attention = class_self_attention,
                                         .mlp = mlp,
                                         .head = head,
                                         .token = token};
    return x;
}

static void findings_by_hand(void **state)
{
    const clipspan_explanation_info x = explanation();
    const clipspan_finding *f;
    cs_findings *all;
    (void)state;
    assert_int_equal(cs_findings_new(&all, &x, NULL, 2, NULL), CLIPSPAN_OK);
    f = &all->findings[0];
    assert_string_equal(f->name, "a dog");
    assert_int_equal(f->other, 0);
    near(f->margin, 0.1);
    near(f->attention, 0.26);
    near(f->input, 0.04);
    /* layers 1 and 2 have most of it, and both work as it does */
    assert_int_equal(f->layer[0], 1);
    assert_int_equal(f->layer[1], 2);
    assert_int_equal(f->concentrated, 1);
    assert_int_equal(f->heads, 2);
    assert_int_equal(f->head[0].head.layer, 2);
    assert_int_equal(f->head[0].head.head, 0);
    assert_int_equal(f->head[1].head.layer, 1); /* of three of one size the first */
    assert_null(f->head[0].role);
    assert_null(f->head[0].known);
    assert_int_equal(f->every[3].head.layer, 1); /* all heads, of this text */
    assert_int_equal(f->every[3].head.head, 1);
    near(f->every[4].part, 0.2);
    assert_int_equal(f->roles, 0);
    near(f->above, 0.3);
    near(f->below, -0.1);
    near(f->class_token, 0.06);
    assert_int_equal(f->highest->row, 1);
    assert_int_equal(f->highest->column, 1);
    assert_int_equal(f->patches, 2);
    near(f->highest->part, 0.2);
    assert_int_equal(f->patch[1].row, 1);
    assert_int_equal(f->patch[1].column, 0);
    f = &all->findings[1];
    assert_int_equal(f->other, 1);
    near(f->margin, -0.1);
    /* layers 0 and 1 are largest and give 0.2 of 0.22, but layer 1 works against it */
    assert_int_equal(f->layer[0], 0);
    assert_int_equal(f->layer[1], 1);
    assert_int_equal(f->concentrated, 0);
    near(f->layer_part[1], -0.3);
    cs_findings_free(&all);
}

static void roles_add_up(void **state)
{
    const clipspan_explanation_info x = explanation();
    clipspan_atlas_head heads[4];
    clipspan_role roles[4];
    clipspan_run_info run = {0};
    cs_atlas atlas;
    const clipspan_finding *f;
    cs_findings *all;
    double sum = 0.0;
    (void)state;
    memset(heads, 0, sizeof heads);
    memset(roles, 0, sizeof roles);
    memset(&atlas, 0, sizeof atlas);
    atlas.heads = heads; /* of layers 1 and 2 */
    atlas.info.heads = 4;
    atlas.info.first_layer = 1;
    run.heads = 2;
    atlas.info.run = &run;
    for (int i = 0; i < 4; i++) {
        roles[i].category[0] = i == 3 ? "shape" : "colour";
        heads[i].role = &roles[i];
    }
    roles[0].outcome = roles[2].outcome = CLIPSPAN_OUTCOME_ROLE;
    roles[1].outcome = CLIPSPAN_OUTCOME_LEANING;
    roles[3].outcome = CLIPSPAN_OUTCOME_AMBIGUOUS;
    assert_int_equal(cs_findings_new(&all, &x, &atlas, 1, NULL), CLIPSPAN_OK);
    f = &all->findings[0]; /* role 0.05 + 0.2, leaning 0.05, the rest 0 + 0.01 - 0.05 */
    assert_int_equal(f->roles, 3);
    assert_string_equal(f->role[0].role, "colour");
    assert_int_equal(f->role[0].heads, 2);
    near(f->role[0].part, 0.25);
    assert_int_equal(f->role[1].leaning, 1);
    near(f->role[1].part, 0.05);
    assert_null(f->role[2].role);
    assert_int_equal(f->role[2].heads, 3);
    for (size_t i = 0; i < f->roles; i++)
        sum += f->role[i].part;
    near(sum, f->attention);
    assert_string_equal(f->head[0].role, "colour");
    assert_ptr_equal(f->head[0].known, &heads[2]);
    assert_null(f->every[1].known); /* layer 0 is not in the atlas */
    assert_ptr_equal(f->every[2].known, &heads[0]);
    cs_findings_free(&all);
}

static void contrasts_of_maps(void **state)
{
    static const float maps[3][3] = {{9, 1, 2}, {9, 3, 2}, {9, 5, 8}};
    float out[3 * 2];
    size_t a, b;
    (void)state;
    assert_int_equal(cs_contrast_rows(CLIPSPAN_MAP_CONTRAST_PAIRS, 4), 6);
    assert_int_equal(cs_contrast_rows(CLIPSPAN_MAP_CONTRAST_MEAN, 1), 0);
    cs_contrast_pair(&a, &b, CLIPSPAN_MAP_CONTRAST_PAIRS, 4, 4);
    assert_int_equal(a, 1);
    assert_int_equal(b, 3);
    cs_contrast_run(out, &maps[0][1], 3, 2, 3, CLIPSPAN_MAP_CONTRAST_MEAN);
    near((double)out[0], -2);
    near((double)out[5], 4);
    cs_contrast_run(out, &maps[0][1], 3, 2, 3, CLIPSPAN_MAP_CONTRAST_RUNNER_UP);
    near((double)out[0], -4);
    near((double)out[4], 2);
    near((double)out[1], -6);
    cs_contrast_run(out, &maps[0][1], 3, 2, 3, CLIPSPAN_MAP_CONTRAST_PAIRS);
    near((double)out[0], -2); /* 0 - 1 */
    near((double)out[3], -6); /* 0 - 2 */
    near((double)out[5], -6); /* 1 - 2 */
    assert_int_equal(
        clipspan_map_contrast_run(out, &maps[0][0], 1, 2, 3, CLIPSPAN_MAP_CONTRAST_RUNNER_UP, NULL),
        CLIPSPAN_E_ARGUMENT);
}

static void the_highest_of_many(void **state)
{
    const double numbers[6] = {2, (double)NAN, -7, 5, 5, 2};
    double values[6];
    size_t out[6];
    (void)state;
    assert_int_equal(cs_top_highest(out, values, 3, numbers, 6), 3);
    assert_int_equal(out[0], 3);
    assert_int_equal(out[1], 4);
    assert_int_equal(out[2], 0); /* of equal ones the first */
    assert_int_equal(cs_top_highest(out, values, 6, numbers, 6), 6);
    assert_int_equal(out[4], 2);
    assert_int_equal(out[5], 1); /* what is no number comes last */
    assert_int_equal(cs_top_largest(out, values, 2, numbers, 6), 2);
    assert_int_equal(out[0], 2);
    assert_int_equal(cs_top_highest(out, values, 0, numbers, 6), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_by_hand),
        cmocka_unit_test(roles_add_up),
        cmocka_unit_test(contrasts_of_maps),
        cmocka_unit_test(the_highest_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
