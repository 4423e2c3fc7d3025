/* SPDX-License-Identifier: MIT */
/* What moves with a cue taken out of a small model's weights, measured in the network: a text
 * projected out is exact, the regression on the cue but for the length of the embedding, heads but
 * for the scale of the last LayerNorm and what later layers read. */
#include <clipspan/clipspan.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/effects_api.h"
#include "base/memory.h"
#include "study_craft.h"
#include "tiny.h"

enum { ROWS = 48, MOST = 64 };

static study_craft study;
static clipspan_effects *effects;
static float cue[MOST], gains[4][MOST];
static size_t P;

static int set_up(void **state)
{
    clipspan_effects_options o = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    uint32_t seed = 3;
    (void)state;
    study_craft_init(&study, ROWS);
    P = (size_t)clipspan_run_get_info(study.run)->embed_width;
    for (size_t p = 0; p < P; p++) {
        seed = seed * 1664525U + 1013904223U;
        cue[p] = (float)(seed >> 8) / 8388608.0F - 1.0F;
    }
    o.cues = cue;
    o.cue_count = 1;
    return clipspan_effects_new(&effects, study.run, study.bank, &o, NULL, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_effects_free(&effects);
    study_craft_fini(&study);
    return 0;
}

/* The regression of a component on the cue, as a remedy has it. */
static clipspan_weight_change regress(size_t component, float *gain)
{
    cs_effects *e = effects->effects;
    const size_t H = cs_effects_shape(e).H;
    clipspan_weight_change c = {.cue = cue, .gain = gain};
    double exact[MOST], read = 0.0;
    assert_int_equal(cs_effects_learn_cue(e, 0, component, NULL), 0);
    assert_int_equal(cs_effects_gain_vector(exact, e, 0, component, NULL), 0);
    for (size_t p = 0; p < P; p++) {
        gain[p] = (float)exact[p];
        read += exact[p] * (double)cue[p];
    }
    assert_float_equal(read, 1.0, 1e-6);
    for (size_t k = 0; k < cs_effects_classes(e); k++) { /* classes read what the gains say */
        double says = 0.0;
        for (size_t p = 0; p < P; p++)
            says += exact[p] * (double)cs_effects_vectors(e)[k * P + p];
        assert_float_equal(says, cs_effects_gain(e, 0, component)[k], 1e-6);
    }
    c.component =
        component == CS_EDIT_WHOLE ? CLIPSPAN_COMPONENT_EMBEDDING : CLIPSPAN_COMPONENT_HEAD;
    c.layer = component == CS_EDIT_WHOLE ? 0 : (int)(component / H);
    c.head = component == CS_EDIT_WHOLE ? 0 : (int)(component % H);
    c.mean = cs_effects_mean(e, component)[cs_effects_classes(e)];
    c.constant = cs_effects_constant(e, 0, component);
    return c;
}

/* Mean distance from the prediction, in parts of how far the output moved. */
static double measure(const clipspan_weight_change *changes, size_t count, double *largest)
{
    const clipspan_head_set set = {"recommended", NULL, 0};
    clipspan_edit_check_options o = CLIPSPAN_EDIT_CHECK_OPTIONS_INIT;
    const clipspan_edit_check_row *row;
    clipspan_edit_check *check;
    char *folder = run_craft_path(&study.craft, "written");
    clipspan_write_options w = CLIPSPAN_WRITE_OPTIONS_INIT;
    clipspan_error err;
    double off;
    w.replace = 1;
    o.changes = changes;
    o.change_count = count;
    o.bank = study.bank;
    if (clipspan_edit_check_new(&check, study.craft.model, study.run, &set, 1, &o, NULL, &err) ||
        clipspan_edit_check_write(check, folder, &w, NULL, &err) ||
        clipspan_edit_check_run(check, folder, NULL, &err))
        fail_msg("%s", err.message);
    row = clipspan_edit_check_get_rows(check);
    print_message("off %.2e (largest %.2e), moved %.3f\n", row->distance_mean,
                  row->distance_largest, row->moved_mean);
    assert_true(row->moved_mean > 0.01);
    assert_non_null(row->predicted);
    off = row->distance_mean / row->moved_mean;
    *largest = row->distance_largest;
    clipspan_edit_check_free(&check);
    free(folder);
    return off;
}

static void what_leaves_the_embedding_folds_into_the_projection(void **state)
{
    clipspan_weight_change c = {.component = CLIPSPAN_COMPONENT_EMBEDDING, .cue = cue};
    double largest, length = 0.0;
    (void)state;
    for (size_t p = 0; p < P; p++)
        length += (double)cue[p] * (double)cue[p];
    for (size_t p = 0; p < P; p++)
        gains[0][p] = (float)((double)cue[p] / length);
    c.gain = gains[0];
    (void)measure(&c, 1, &largest);
    assert_true(largest < 1e-5); /* a text projected out: exact */
    c = regress(CS_EDIT_WHOLE, gains[1]);
    assert_true(measure(&c, 1, &largest) < 0.4); /* lengths of embeddings differ */
    c.constant = 0.0;                            /* what is put back matters */
    assert_true(measure(&c, 1, &largest) > 0.4);
    c.mean = 0.0; /* and is all that is not exact */
    (void)measure(&c, 1, &largest);
    assert_true(largest < 1e-5);
}

static void what_leaves_heads_is_written_into_them(void **state)
{
    const size_t H = cs_effects_shape(effects->effects).H, L = cs_effects_shape(effects->effects).L;
    clipspan_weight_change c[2];
    double largest;
    (void)state;
    c[0] = regress((L - 1) * H, gains[2]);
    c[1] = regress((L - 1) * H + 1, gains[3]);
    assert_true(measure(c, 2, &largest) < 0.7);
}

static void what_is_refused(void **state)
{
    clipspan_weight_change c = {.component = CLIPSPAN_COMPONENT_MLP, .cue = cue, .gain = gains[0]};
    clipspan_write_options w = CLIPSPAN_WRITE_OPTIONS_INIT;
    clipspan_error err;
    char *folder = run_craft_path(&study.craft, "refused");
    (void)state;
    w.changes = &c;
    w.change_count = 1;
    assert_int_equal(clipspan_model_write(folder, study.craft.model, NULL, NULL, 0, &w, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "component kind 1"));
    c.component = CLIPSPAN_COMPONENT_HEAD;
    c.layer = 90;
    assert_int_equal(clipspan_model_write(folder, study.craft.model, NULL, NULL, 0, &w, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_non_null(strstr(err.message, "L90.H0"));
    c.layer = 0;
    w.remove = 1;
    assert_int_equal(clipspan_model_write(folder, study.craft.model, NULL, NULL, 0, &w, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_leaves_the_embedding_folds_into_the_projection),
        cmocka_unit_test(what_leaves_heads_is_written_into_them),
        cmocka_unit_test(what_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
