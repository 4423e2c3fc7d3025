/* SPDX-License-Identifier: MIT */
/* Edits of a small run against the same with every P-wide contribution formed: means, scales,
 * swaps, cues, projection; runs that do not fit memory; two runs; what is refused. */
#include "run/run_open.h"
#include "run_craft.h"
#include "tensor/moments.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 150, CLASSES = 5 };

static run_craft craft, other_craft;
static char *path, *other_path, *bare_path;
static clipspan_run *run, *other;
static clipspan_bank *bank;
static float *vectors; /* [CLASSES + 1, P], the last a cue */
static clipspan_effects *effects, *source;
static size_t L, H, P, C, T;
static double *components, *other_components; /* [T, N, P] contributions */
static size_t N, M;

static void near_to(double found, double wanted, double tolerance)
{
    if (!(fabs(found - wanted) <= tolerance))
        fail_msg("%.17g where %.17g was expected", found, wanted);
}

static void must(clipspan_status status, const clipspan_error *err)
{
    if (status != CLIPSPAN_OK) fail_msg("%s", err->message);
}

/* Every component of every used image, [T, N, P], by the public reader. */
static double *read_components(const clipspan_run *from, size_t count)
{
    const clipspan_run_info *info = clipspan_run_get_info(from);
    double *out = calloc(T * count * P, sizeof *out), *y = malloc(32 * C * sizeof *y);
    float *rows = malloc(32 * (P > C ? P : C) * P * sizeof *rows);
    float *output_map = malloc(C * P * sizeof *output_map);
    clipspan_error err;
    size_t some, at;
    for (size_t t = 0; t < T; t++) {
        at = 0;
        for (uint64_t c = 0; c < info->chunks; c++, at += some) {
            double *to = out + (t * count + at) * P;
            if (t < L * H) {
                must(clipspan_run_read_output_map(output_map, from, (int)(t / H), (int)(t % H),
                                                  &err),
                     &err);
                must(clipspan_run_read_coefficients(y, NULL, &some, from, c, (int)(t / H),
                                                    (int)(t % H), &err),
                     &err);
                for (size_t i = 0; i < some; i++)
                    for (size_t k = 0; k < C; k++)
                        for (size_t p = 0; p < P; p++)
                            to[i * P + p] += y[i * C + k] * (double)output_map[k * P + p];
                continue;
            }
            must(clipspan_run_read_vectors(
                     rows, NULL, &some, from, c,
                     t <= L * H + L ? CLIPSPAN_VECTORS_MLP : CLIPSPAN_VECTORS_CLASS_SELF_ATTENTION,
                     (int)(t <= L * H + L ? t - L * H : t - L * H - L - 1), &err),
                 &err);
            for (size_t i = 0; i < some * P; i++)
                to[i] = (double)rows[i];
        }
        assert_int_equal(at, count);
    }
    free(y);
    free(rows);
    free(output_map);
    return out;
}

static void make_run(run_craft *c, char **where, clipspan_run **out, size_t rows)
{
    run_craft_init(c, rows);
    *where = run_craft_path(c, "run");
    run_craft_plan(c, *where, CLIPSPAN_COEFFICIENTS_F32);
    run_craft_scan(c, *where, 2, 0, 0);
    run_craft_merge(*where);
    assert_int_equal(clipspan_run_open(out, *where, NULL), 0);
}

static clipspan_effects *open_effects(const clipspan_run *from, uint64_t memory)
{
    clipspan_effects_options options = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_effects *e;
    clipspan_error err;
    options.cues = vectors + CLASSES * P;
    options.cue_count = 1;
    options.threads = 2;
    options.memory = memory;
    must(clipspan_effects_new(&e, from, bank, &options, NULL, &err), &err);
    return e;
}

static int set_up(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    clipspan_texts *texts;
    uint32_t seed = 5;
    (void)state;
    make_run(&craft, &path, &run, ROWS);
    make_run(&other_craft, &other_path, &other, 70);
    bare_path = run_craft_path(&craft, "bare");
    run_craft_plan(&craft, bare_path, CLIPSPAN_COEFFICIENTS_NONE);
    L = (size_t)clipspan_run_get_info(run)->layers;
    H = (size_t)clipspan_run_get_info(run)->heads;
    P = (size_t)clipspan_run_get_info(run)->embed_width;
    C = (size_t)clipspan_run_get_info(run)->head_width + 3;
    T = L * H + 2 * L + 1;
    vectors = malloc((CLASSES + 1) * P * sizeof *vectors);
    for (size_t i = 0; i < (CLASSES + 1) * P; i++) {
        seed = seed * 1664525U + 1013904223U;
        vectors[i] = (float)(seed >> 8) / 33554432.0f - 0.25f;
    }
    assert_int_equal(clipspan_texts_new(&texts, names, NULL, CLASSES, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&bank, texts, vectors, P, NULL), 0);
    clipspan_texts_free(&texts);
    effects = open_effects(run, 0);
    source = open_effects(other, 0);
    N = clipspan_effects_get_images(effects);
    M = clipspan_effects_get_images(source);
    components = read_components(run, N);
    other_components = read_components(other, M);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_effects_free(&effects);
    clipspan_effects_free(&source);
    clipspan_bank_free(&bank);
    clipspan_run_close(&run);
    clipspan_run_close(&other);
    run_craft_fini(&craft);
    run_craft_fini(&other_craft);
    free(path);
    free(other_path);
    free(bare_path);
    free(vectors);
    free(components);
    free(other_components);
    return 0;
}

static double along(const double *x, size_t column)
{
    double sum = 0.0;
    for (size_t p = 0; p < P; p++)
        sum += x[p] * (double)vectors[column * P + p];
    return sum;
}

/* Mean of a component over the source, [P]. */
static void mean_of(double *out, const double *all, size_t count, size_t t)
{
    memset(out, 0, P * sizeof *out);
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < P; p++)
            out[p] += all[(t * count + i) * P + p] / (double)count;
}

/* Sums of heads and MLPs, or of one component of them: x : [count, P]. */
static double *sums_of(const double *all, size_t count, size_t t)
{
    double *x = calloc(count * P, sizeof *x);
    for (size_t i = 0; i < count; i++)
        for (size_t u = 0; u < L * H + L + 1; u++)
            if (t == T || u == t)
                for (size_t p = 0; p < P; p++)
                    x[i * P + p] += all[(u * count + i) * P + p];
    return x;
}

/* S q / (q S q) over the source, [P], of a component or, for t = T, of the sum of heads and MLPs; S
 * is taken among rows whose sums are nearest to the same class. */
static void cue_line(double *out, double *mean, const double *all, size_t count, size_t t)
{
    double *x = sums_of(all, count, t), *whole = sums_of(all, count, T), own = 0.0;
    double *middle = calloc(CLASSES * P, sizeof *middle), members[CLASSES] = {0};
    size_t *answer = calloc(count, sizeof *answer);
    memset(mean, 0, P * sizeof *mean);
    memset(out, 0, P * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 1; c < CLASSES; c++)
            if (along(whole + i * P, c) > along(whole + i * P, answer[i])) answer[i] = c;
        members[answer[i]] += 1.0;
        for (size_t p = 0; p < P; p++) {
            mean[p] += x[i * P + p] / (double)count;
            middle[answer[i] * P + p] += x[i * P + p];
        }
    }
    for (size_t i = 0; i < count * P; i++)
        x[i] -= middle[answer[i / P] * P + i % P] / members[answer[i / P]];
    for (size_t i = 0; i < count; i++) {
        double reading = along(x + i * P, CLASSES);
        own += reading * reading;
        for (size_t p = 0; p < P; p++)
            out[p] += reading * x[i * P + p];
    }
    for (size_t p = 0; p < P; p++)
        out[p] /= own;
    free(x);
    free(whole);
    free(middle);
    free(answer);
}

static size_t component_of(const clipspan_change *c)
{
    if (c->component == CLIPSPAN_COMPONENT_HEAD) return (size_t)c->layer * H + (size_t)c->head;
    if (c->component == CLIPSPAN_COMPONENT_MLP) return L * H + (size_t)(c->layer + 1);
    return c->component == CLIPSPAN_COMPONENT_CLASS_SELF_ATTENTION
               ? L * H + L + 1 + (size_t)c->layer
               : T;
}

/* What a change makes of component x of row i, P-wide: the difference to x. */
static void difference(double *out, const clipspan_change *c, const double *x, const double *all,
                       size_t count, size_t swapped)
{
    double *mean = malloc(P * sizeof *mean), *line = malloc(P * sizeof *line), reading;
    const size_t t = component_of(c);
    memset(out, 0, P * sizeof *out);
    if (c->kind == CLIPSPAN_CHANGE_MEAN) mean_of(mean, all, count, t);
    if (c->kind == CLIPSPAN_CHANGE_CUE) cue_line(line, mean, all, count, t);
    reading = along(x, CLASSES);
    for (size_t p = 0; p < P; p++) {
        const double q = (double)vectors[CLASSES * P + p];
        double qq = 0.0;
        for (size_t k = 0; k < P; k++)
            qq += (double)vectors[CLASSES * P + k] * (double)vectors[CLASSES * P + k];
        if (c->kind == CLIPSPAN_CHANGE_MEAN) out[p] = mean[p] - x[p];
        if (c->kind == CLIPSPAN_CHANGE_SCALE) out[p] = (c->scale - 1.0) * x[p];
        if (c->kind == CLIPSPAN_CHANGE_SWAP) out[p] = components[(t * N + swapped) * P + p] - x[p];
        if (c->kind == CLIPSPAN_CHANGE_CUE) out[p] = -(reading - along(mean, CLASSES)) * line[p];
        if (c->kind == CLIPSPAN_CHANGE_PROJECT) out[p] = -reading * q / qq;
    }
    free(mean);
    free(line);
}

/* scores : [N, CLASSES] with everything formed. */
static void by_hand(double *scores, const clipspan_edit *edit, const double *all, size_t count,
                    size_t swapped)
{
    double *x = malloc(P * sizeof *x), *d = malloc(P * sizeof *d),
           *component = malloc(P * sizeof *component);
    for (size_t i = 0; i < N; i++) {
        memset(x, 0, P * sizeof *x);
        for (size_t t = 0; t < L * H + L + 1; t++)
            for (size_t p = 0; p < P; p++)
                x[p] += components[(t * N + i) * P + p];
        for (size_t p = 0; p < P; p++)
            d[p] = x[p];
        for (size_t k = 0; k < edit->count; k++) {
            const size_t t = component_of(&edit->changes[k]);
            double out[256];
            memcpy(component, t == T ? d : components + (t * N + i) * P, P * sizeof *component);
            difference(out, &edit->changes[k], component, all, count, swapped);
            for (size_t p = 0; p < P; p++)
                x[p] += out[p];
        }
        for (size_t c = 0; c < CLASSES; c++)
            scores[i * CLASSES + c] = along(x, c);
    }
    free(x);
    free(d);
    free(component);
}

static void compare(clipspan_effects *e, const clipspan_effects *from, const clipspan_edit *edit,
                    const double *all, size_t count, size_t swapped)
{
    double *scores = malloc(N * CLASSES * sizeof *scores),
           *wanted = malloc(N * CLASSES * sizeof(double));
    double *margins = malloc(N * sizeof *margins);
    uint32_t *predicted = malloc(N * sizeof *predicted);
    int32_t *labels = malloc(N * sizeof *labels);
    clipspan_error err;
    for (size_t i = 0; i < N; i++)
        labels[i] = (int32_t)(i % (CLASSES + 1)) - 1;
    must(clipspan_effects_run(predicted, margins, scores, e, from, edit, 1, labels, &err), &err);
    by_hand(wanted, edit, all, count, swapped);
    for (size_t i = 0; i < N; i++) {
        double best = -1e9, second = -1e9;
        size_t at = 0;
        for (size_t c = 0; c < CLASSES; c++) {
            /* Embeddings are float32; components add up to them to 1e-6 here. */
            near_to(scores[i * CLASSES + c], wanted[i * CLASSES + c], 2e-6);
            if (scores[i * CLASSES + c] > best) {
                best = scores[i * CLASSES + c];
                at = c;
            }
        }
        assert_int_equal(predicted[i], at);
        if (labels[i] >= 0) at = (size_t)labels[i];
        for (size_t c = 0; c < CLASSES; c++)
            if (c != at && scores[i * CLASSES + c] > second) second = scores[i * CLASSES + c];
        near_to(margins[i], scores[i * CLASSES + at] - second, 1e-12);
    }
    free(scores);
    free(wanted);
    free(margins);
    free(predicted);
    free(labels);
}

static void edits_by_hand(void **state)
{
    clipspan_effects *small = open_effects(run, 1); /* a chunk at a time */
    const size_t swapped = N / 2;
    clipspan_change mixed[] = {
        {.layer = 0, .head = 1},
        {.layer = (int)L - 1, .head = 0, .kind = CLIPSPAN_CHANGE_SCALE, .scale = 1.5},
        {.layer = (int)L - 1, .head = 1, .kind = CLIPSPAN_CHANGE_SWAP},
        {.layer = 0, .head = 0, .kind = CLIPSPAN_CHANGE_CUE},
        {.component = CLIPSPAN_COMPONENT_MLP, .layer = -1},
        {.component = CLIPSPAN_COMPONENT_MLP, .layer = (int)L - 1, .kind = CLIPSPAN_CHANGE_SCALE}};
    clipspan_change part[] = {
        {.component = CLIPSPAN_COMPONENT_CLASS_SELF_ATTENTION, .layer = (int)L - 1}};
    clipspan_change whole[] = {
        {.component = CLIPSPAN_COMPONENT_EMBEDDING, .kind = CLIPSPAN_CHANGE_CUE}};
    clipspan_change project[] = {
        {.component = CLIPSPAN_COMPONENT_EMBEDDING, .kind = CLIPSPAN_CHANGE_PROJECT}};
    const clipspan_edit edits[] = {{NULL, 0}, {mixed, 6}, {part, 1}, {whole, 1}, {project, 1}};
    (void)state;
    mixed[2].run_index = clipspan_effects_get_run_indices(effects)[swapped];
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        compare(effects, NULL, &edits[i], components, N, swapped);
        compare(effects, source, &edits[i], other_components, M, swapped);
        compare(small, source, &edits[i], other_components, M, swapped);
    }
    clipspan_effects_free(&small);
}

/* line : [P], projected on the span of all vectors. */
static void keep_in_span(double *line)
{
    double *output_map = malloc((CLASSES + 1) * P * sizeof *output_map),
           *left = malloc(P * sizeof *left);
    memcpy(left, line, P * sizeof *left);
    for (size_t v = 0; v <= CLASSES; v++) {
        double *b = output_map + v * P, length = 0.0, amount = 0.0;
        for (size_t p = 0; p < P; p++)
            b[p] = (double)vectors[v * P + p];
        for (size_t k = 0; k < 2 * v; k++) { /* Gram and Schmidt, twice */
            const double *u = output_map + k % v * P;
            double along_u = 0.0;
            for (size_t p = 0; p < P; p++)
                along_u += u[p] * b[p];
            for (size_t p = 0; p < P; p++)
                b[p] -= along_u * u[p];
        }
        for (size_t p = 0; p < P; p++)
            length += b[p] * b[p];
        for (size_t p = 0; p < P; p++) {
            b[p] /= sqrt(length);
            amount += b[p] * left[p];
        }
        for (size_t p = 0; p < P; p++)
            left[p] -= amount * b[p];
    }
    for (size_t p = 0; p < P; p++)
        line[p] -= left[p];
    free(output_map);
    free(left);
}

/* The same edit, as other classes see it. */
static void edits_of_other_effects(void **state)
{
    enum { OTHERS = 3 };
    static const char *const names[] = {"x", "y", "z"};
    const clipspan_change cut[] = {{.layer = 0, .head = 1, .kind = CLIPSPAN_CHANGE_CUE}};
    const clipspan_edit edit = {cut, 1};
    clipspan_effects_options options = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    double *line = malloc(P * sizeof *line), *mean = malloc(P * sizeof *mean);
    double *scores = malloc(N * OTHERS * sizeof *scores), moved = 0.0;
    float *others = malloc(OTHERS * P * sizeof *others);
    clipspan_effects *seen, *seen_source;
    clipspan_bank *other_bank;
    clipspan_texts *texts;
    clipspan_error err;
    (void)state;
    for (size_t i = 0; i < OTHERS * P; i++)
        others[i] = (float)((i * 7 + 3) % 11) / 11.0f - 0.4f;
    assert_int_equal(clipspan_texts_new(&texts, names, NULL, OTHERS, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&other_bank, texts, others, P, NULL), 0);
    options.cues = vectors + CLASSES * P;
    options.cue_count = 1;
    options.like = effects;
    assert_int_equal(clipspan_effects_new(&seen, other, other_bank, &options, NULL, &err),
                     CLIPSPAN_E_ARGUMENT); /* of another run */
    must(clipspan_effects_new(&seen, run, other_bank, &options, NULL, &err), &err);
    options.like = source;
    must(clipspan_effects_new(&seen_source, other, other_bank, &options, NULL, &err), &err);
    must(clipspan_effects_run(NULL, NULL, scores, seen, seen_source, &edit, 1, NULL, &err), &err);
    cue_line(line, mean, other_components, M, 1);
    keep_in_span(line);
    for (size_t i = 0; i < N; i++) {
        const double *component = components + (N + i) * P;
        double reading = along(component, CLASSES) - along(mean, CLASSES);
        for (size_t c = 0; c < OTHERS; c++) {
            double wanted = 0.0, change = 0.0;
            for (size_t p = 0; p < P; p++) {
                const double w = (double)others[c * P + p];
                for (size_t t = 0; t < L * H + L + 1; t++)
                    wanted += components[(t * N + i) * P + p] * w;
                change -= reading * line[p] * w;
            }
            near_to(scores[i * OTHERS + c], wanted + change, 2e-6);
            if (fabs(change) > moved) moved = fabs(change);
        }
    }
    assert_true(moved > 1e-4);
    clipspan_effects_free(&seen);
    clipspan_effects_free(&seen_source);
    clipspan_bank_free(&other_bank);
    clipspan_texts_free(&texts);
    free(line);
    free(mean);
    free(scores);
    free(others);
}

/* All heads with every basis text of a full output map of texts are their mean plus all that
 * varies. */
static void variance_shares_add_up(void **state)
{
    clipspan_variance_share *all = malloc((L * H + 2 * L + 1) * sizeof *all);
    double sum = 0.0;
    (void)state;
    assert_int_equal(
        clipspan_run_read_variance_shares(all, all + L * H, all + L * H + L, NULL, run, NULL), 0);
    for (size_t i = 0; i < L * H; i++)
        sum += all[i].share;
    for (size_t i = 0; i <= L; i++)
        sum += all[L * H + L + i].share;
    near_to(sum, 1.0, 1e-6);
    free(all);
}

static void expect(clipspan_status wanted, const clipspan_change *changes, size_t count)
{
    const clipspan_edit edit = {changes, count};
    uint32_t *predicted = malloc(N * sizeof *predicted);
    clipspan_error err;
    assert_int_equal(
        clipspan_effects_run(predicted, NULL, NULL, effects, NULL, &edit, 1, NULL, &err), wanted);
    assert_true(strlen(err.message) > 20);
    free(predicted);
}

static void refuses(void **state)
{
    const clipspan_change beyond = {.layer = (int)L}, twice[] = {{.head = 1}, {.head = 1}},
                          both[] = {{.component = CLIPSPAN_COMPONENT_CLASS_SELF_ATTENTION},
                                    {.head = 0}},
                          nowhere = {.kind = CLIPSPAN_CHANGE_SWAP, .run_index = 1 << 20},
                          no_cue = {.kind = CLIPSPAN_CHANGE_CUE, .cue = 1},
                          whole = {.component = CLIPSPAN_COMPONENT_EMBEDDING},
                          scale = {.kind = CLIPSPAN_CHANGE_SCALE, .scale = (double)NAN};
    clipspan_effects_options options = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_effects *e;
    clipspan_run *bare;
    clipspan_bank *narrow;
    clipspan_texts *texts;
    clipspan_error err;
    const char *one[] = {"a"};
    float zero[512] = {0};
    (void)state;
    expect(CLIPSPAN_E_ARGUMENT, &beyond, 1);
    expect(CLIPSPAN_E_ARGUMENT, twice, 2);
    expect(CLIPSPAN_E_ARGUMENT, both, 2);
    expect(CLIPSPAN_E_ARGUMENT, &nowhere, 1);
    expect(CLIPSPAN_E_ARGUMENT, &no_cue, 1);
    expect(CLIPSPAN_E_ARGUMENT, &whole, 1);
    expect(CLIPSPAN_E_ARGUMENT, &scale, 1);
    assert_int_equal(clipspan_texts_new(&texts, one, NULL, 1, NULL), 0);
    assert_int_equal(clipspan_bank_new_vectors(&narrow, texts, vectors, P, NULL), 0);
    assert_int_equal(clipspan_effects_new(&e, run, narrow, NULL, NULL, &err), CLIPSPAN_E_ARGUMENT);
    clipspan_bank_free(&narrow);
    assert_int_equal(clipspan_bank_new_vectors(&narrow, texts, vectors, P - 1, NULL), 0);
    assert_int_equal(clipspan_effects_new(&e, run, narrow, NULL, NULL, &err), CLIPSPAN_E_ARGUMENT);
    clipspan_bank_free(&narrow);
    clipspan_texts_free(&texts);
    options.cues = zero;
    options.cue_count = 1;
    assert_int_equal(clipspan_effects_new(&e, run, bank, &options, NULL, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(clipspan_run_open(&bare, bare_path, NULL), 0);
    assert_int_equal(clipspan_effects_new(&e, bare, bank, NULL, NULL, &err), CLIPSPAN_E_NOT_FOUND);
    assert_null(e);
    clipspan_run_close(&bare);
}

/* A classifier goes to the published layout and comes back. */
static void classifier_file(void **state)
{
    char *file = run_craft_path(&craft, "classifier.npy");
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    clipspan_texts *texts, *few;
    clipspan_bank *back;
    clipspan_error err;
    (void)state;
    must(clipspan_bank_write(file, bank, 0, &err), &err);
    assert_int_equal(clipspan_bank_write(file, bank, 0, &err), CLIPSPAN_E_EXISTS);
    assert_int_equal(clipspan_texts_new(&texts, names, NULL, CLASSES, NULL), 0);
    assert_int_equal(clipspan_texts_new(&few, names, NULL, CLASSES - 1, NULL), 0);
    must(clipspan_bank_read(&back, file, texts, &err), &err);
    assert_memory_equal(clipspan_bank_get_vectors(back), vectors, CLASSES * P * sizeof *vectors);
    assert_int_equal(clipspan_bank_get_width(back), P);
    clipspan_bank_free(&back);
    assert_int_equal(clipspan_bank_read(&back, file, few, &err), CLIPSPAN_E_FORMAT);
    assert_null(back);
    clipspan_texts_free(&texts);
    clipspan_texts_free(&few);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_by_hand), cmocka_unit_test(edits_of_other_effects),
        cmocka_unit_test(variance_shares_add_up), cmocka_unit_test(refuses),
        cmocka_unit_test(classifier_file)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
