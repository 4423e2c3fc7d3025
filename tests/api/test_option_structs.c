/* SPDX-License-Identifier: MIT */
/* Every option struct as an older and a newer program has it: one field shorter with rubbish
 * behind, longer by zeros, longer by what this library does not know, and never initialised. */
#define _POSIX_C_SOURCE 200809L
#include "tiny.h"

#include <clipspan/clipspan.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXTS = 6, EXTRA = 24 };

static char *folder, *run_path, *page, *edited, *exported;
static const char *golden, *image;
static clipspan_model *model;
static clipspan_encoder *image_encoder, *text_encoder;
static clipspan_texts *texts;
static clipspan_bank *bank;
static clipspan_inputs *inputs;
static clipspan_decomposition *parts;
static clipspan_stats *stats;
static clipspan_maps *maps;
static clipspan_explanation *explanation;
static clipspan_view *view;
static clipspan_run *run;
static clipspan_atlas *atlas;
static uint8_t *pixels;
static float z[256];

static const clipspan_head first = {0, 0};

static void must(clipspan_status status, const clipspan_error *err)
{
    if (status != CLIPSPAN_OK) fail_msg("%s", err->message);
}

static int set_up(void **state)
{
    static const char *const words[TEXTS] = {"a dog", "a cat", "a house", "red", "night", "a car"};
    static const char *const keys[TEXTS] = {"animal", "animal", "place", "colour", "time", "thing"};
    clipspan_encoder_options o = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_atlas_options few = CLIPSPAN_ATLAS_OPTIONS_INIT;
    clipspan_maps_options all = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_texts *plain;
    clipspan_error err;
    (void)state;
    golden = getenv("CLIPSPAN_CHECKPOINT");
    image = getenv("CLIPSPAN_IMAGE");
    folder = cs_tiny_folder();
    run_path = cs_tiny_path(folder, "run");
    page = cs_tiny_path(folder, "page.html");
    edited = cs_tiny_path(folder, "edited");
    exported = cs_tiny_path(folder, "exported");
    must(clipspan_model_open(&model, golden, NULL, &err), &err);
    must(clipspan_encoder_new(&image_encoder, model, NULL, &err), &err);
    o.modality = CLIPSPAN_TEXT;
    must(clipspan_encoder_new(&text_encoder, model, &o, &err), &err);
    must(clipspan_texts_new(&texts, words, keys, TEXTS, &err), &err);
    must(clipspan_texts_open(&plain, "none", &err), &err);
    must(clipspan_bank_new_classes(&bank, text_encoder, texts, plain, NULL, &err), &err);
    clipspan_texts_free(&plain);
    must(clipspan_inputs_open(&inputs, &image, 1, NULL, &err), &err);
    pixels = malloc(3 * (size_t)clipspan_model_get_info(model)->input_height *
                    (size_t)clipspan_model_get_info(model)->input_width);
    must(clipspan_pixels_read(pixels, model, image, NULL, &err), &err);
    must(clipspan_decomposition_new(&parts, image_encoder, NULL, &err), &err);
    must(clipspan_decomposition_run_pixels(parts, pixels, 1, &err), &err);
    must(clipspan_stats_new(&stats, image_encoder, &err), &err);
    must(clipspan_stats_add(stats, parts, &err), &err);
    all.each = 1;
    all.kinds = CLIPSPAN_MAP_MLPS;
    must(clipspan_maps_new(&maps, image_encoder, bank, &all, &err), &err);
    must(clipspan_maps_run_pixels(maps, pixels, 1, &err), &err);
    must(clipspan_explanation_new(&explanation, maps, 0, bank, CLIPSPAN_CONTRAST_NONE, &err), &err);
    must(clipspan_view_new(&view, model, image, 0, NULL, &err), &err);
    must(clipspan_run_plan(NULL, run_path, model, inputs, NULL, NULL, &err), &err);
    must(clipspan_run_scan(NULL, run_path, model, NULL, NULL, &err), &err);
    must(clipspan_run_merge(run_path, NULL, &err), &err);
    must(clipspan_run_open(&run, run_path, &err), &err);
    few.texts = few.control_texts = texts;
    must(clipspan_atlas_new(&atlas, run, &few, NULL, &err), &err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clipspan_atlas_free(&atlas);
    clipspan_run_close(&run);
    clipspan_view_free(&view);
    clipspan_explanation_free(&explanation);
    clipspan_maps_free(&maps);
    clipspan_stats_free(&stats);
    clipspan_decomposition_free(&parts);
    clipspan_inputs_close(&inputs);
    clipspan_bank_free(&bank);
    clipspan_texts_free(&texts);
    clipspan_encoder_free(&text_encoder);
    clipspan_encoder_free(&image_encoder);
    clipspan_model_close(&model);
    cs_tiny_remove(&folder);
    free(pixels);
    free(run_path);
    free(page);
    free(edited);
    free(exported);
    return 0;
}

/* ---- A call for every struct ---- */

#define CALL(name) static clipspan_status call_##name(const void *o, clipspan_error *err)

CALL(model)
{
    clipspan_model *out;
    clipspan_status status = clipspan_model_open(&out, golden, o, err);
    clipspan_model_close(&out);
    return status;
}

CALL(pixels)
{
    return clipspan_pixels_read(pixels, model, image, o, err);
}

CALL(view)
{
    clipspan_view *out;
    clipspan_status status = clipspan_view_new(&out, model, image, 0, o, err);
    clipspan_view_free(&out);
    return status;
}

CALL(encoder)
{
    clipspan_encoder *out;
    clipspan_status status = clipspan_encoder_new(&out, model, o, err);
    clipspan_encoder_free(&out);
    return status;
}

CALL(nested)
{
    clipspan_encoder_options outer = CLIPSPAN_ENCODER_OPTIONS_INIT;
    outer.image = o;
    return call_encoder(&outer, err);
}

CALL(nested_tiles)
{
    clipspan_tiles_options outer = CLIPSPAN_TILES_OPTIONS_INIT;
    clipspan_tiles *out;
    clipspan_status status;
    outer.image = o;
    status = clipspan_tiles_new(&out, model, image, &outer, err);
    clipspan_tiles_free(&out);
    return status;
}

CALL(nested_plan)
{
    clipspan_plan_options outer = CLIPSPAN_PLAN_OPTIONS_INIT;
    outer.image = o;
    return clipspan_run_plan(NULL, run_path, model, inputs, &outer, NULL, err);
}

CALL(parts)
{
    clipspan_decomposition *out;
    clipspan_status status = clipspan_decomposition_new(&out, image_encoder, o, err);
    clipspan_decomposition_free(&out);
    return status;
}

CALL(paths)
{
    clipspan_paths *out;
    clipspan_status status = clipspan_paths_new(&out, image_encoder, bank, o, err);
    clipspan_paths_free(&out);
    return status;
}

CALL(maps)
{
    clipspan_maps *out;
    clipspan_status status = clipspan_maps_new(&out, image_encoder, bank, o, err);
    clipspan_maps_free(&out);
    return status;
}

CALL(tiles)
{
    clipspan_tiles *out;
    clipspan_status status = clipspan_tiles_new(&out, model, image, o, err);
    clipspan_tiles_free(&out);
    return status;
}

CALL(span)
{
    clipspan_span *out = NULL;
    clipspan_status status = clipspan_span_new(&out, stats, &first, 1, bank, o, NULL, err);
    clipspan_span_free(&out);
    return status;
}

CALL(span_run)
{
    clipspan_span *out = NULL;
    clipspan_status status = clipspan_span_new_run(&out, run, &first, 1, bank, o, NULL, err);
    clipspan_span_free(&out);
    return status;
}

CALL(inputs)
{
    clipspan_inputs *out;
    clipspan_status status = clipspan_inputs_open(&out, &image, 1, o, err);
    clipspan_inputs_close(&out);
    return status;
}

CALL(plan)
{
    return clipspan_run_plan(NULL, run_path, model, inputs, o, NULL, err);
}

CALL(scan)
{
    return clipspan_run_scan(NULL, run_path, model, o, NULL, err);
}

CALL(search)
{
    clipspan_search *out;
    clipspan_status status = clipspan_search_new(&out, run, o, NULL, err);
    clipspan_search_free(&out);
    return status;
}

CALL(atlas)
{
    clipspan_atlas *out;
    clipspan_status status = clipspan_atlas_new(&out, run, o, NULL, err);
    clipspan_atlas_free(&out);
    return status;
}

CALL(report)
{
    unlink(page);
    return clipspan_report_write(page, atlas, o, NULL, err);
}

CALL(explain)
{
    unlink(page);
    return clipspan_explanation_write(page, explanation, view, o, err);
}

CALL(export_run)
{
    static int number;
    char name[32];
    char *fresh;
    clipspan_status status;
    snprintf(name, sizeof name, "exported-%d", number++);
    fresh = cs_tiny_path(folder, name);
    status = clipspan_run_export(fresh, run, o, NULL, err);
    free(fresh);
    return status;
}

CALL(export_atlas)
{
    unlink(exported);
    return clipspan_atlas_export(exported, NULL, atlas, o, err);
}

CALL(effects)
{
    clipspan_effects *out;
    clipspan_status status = clipspan_effects_new(&out, run, bank, o, NULL, err);
    clipspan_effects_free(&out);
    return status;
}

CALL(write)
{
    return clipspan_model_write(edited, model, &first, z, 1, o, NULL, err);
}

CALL(check_write)
{
    return clipspan_model_check_write(edited, model, &first, 1, o, err);
}

/* ---- The table ---- */

typedef struct row {
    const char *type;
    size_t size, last; /* of the struct; where its last field begins */
    clipspan_status (*call)(const void *options, clipspan_error *err);
} row;

#define ROW(type, last, call)                                                                      \
    {                                                                                              \
#        type, sizeof(type), offsetof(type, last), call_##call                                     \
    }

static const row rows[] = {
    ROW(clipspan_model_options, preprocessor_size, model),
    ROW(clipspan_image_options, max_pixels, pixels),
    ROW(clipspan_image_options, max_pixels, view),
    ROW(clipspan_image_options, max_pixels, nested),
    ROW(clipspan_image_options, max_pixels, nested_tiles),
    ROW(clipspan_image_options, max_pixels, nested_plan),
    ROW(clipspan_encoder_options, image, encoder),
    ROW(clipspan_decomposition_options, tokens, parts),
    ROW(clipspan_maps_options, group_count, maps),
    ROW(clipspan_paths_options, means, paths),
    ROW(clipspan_tiles_options, image, tiles),
    ROW(clipspan_span_options, block_count, span),
    ROW(clipspan_span_options, block_count, span_run),
    ROW(clipspan_inputs_options, groups, inputs),
    ROW(clipspan_plan_options, replace, plan),
    ROW(clipspan_scan_options, root, scan),
    ROW(clipspan_search_options, threads, search),
    ROW(clipspan_atlas_options, again, atlas),
    ROW(clipspan_report_options, paths, report),
    ROW(clipspan_explain_options, replace, explain),
    ROW(clipspan_export_options, replace, export_run),
    ROW(clipspan_export_options, replace, export_atlas),
    ROW(clipspan_effects_options, like, effects),
    ROW(clipspan_write_options, means, check_write),
    ROW(clipspan_write_options, means, write),
};

/* Options as the call needs them, in a block of sizeof + EXTRA zeros. */
static unsigned char *prepare(const row *r)
{
    unsigned char *block = calloc(1, r->size + EXTRA);
    assert_non_null(block);
    memcpy(block, &r->size, sizeof r->size);
    if (r->call == call_atlas) {
        clipspan_atlas_options *o = (void *)block;
        o->texts = o->control_texts = texts;
    }
    if (r->call == call_write) {
        clipspan_write_options *o = (void *)block;
        o->replace = 1;
    }
    return block;
}

static void set_size(unsigned char *block, size_t size)
{
    memcpy(block, &size, sizeof size);
}

static void works(const row *r, const unsigned char *block, const char *what)
{
    clipspan_error err;
    if (r->call(block, &err) != CLIPSPAN_OK) fail_msg("%s, %s: %s", r->type, what, err.message);
}

static void fails(const row *r, const unsigned char *block, const char *words)
{
    clipspan_error err = {0};
    if (r->call(block, &err) != CLIPSPAN_E_ARGUMENT || !strstr(err.message, words) ||
        !strstr(err.message, r->type))
        fail_msg("%s: expected \"%s\", found %s", r->type, words, err.message);
}

static void every_struct_grows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const row *r = &rows[i];
        unsigned char *block = prepare(r);
        if (r->call != call_atlas) works(r, NULL, "none"); /* its default pool takes long */
        works(r, block, "as it is");
        set_size(block, r->size + EXTRA);
        works(r, block, "longer by zeros");
        block[r->size + EXTRA - 1] = 1;
        fails(r, block, "newer header");
        block[r->size + EXTRA - 1] = 0;
        set_size(block, 0);
        fails(r, block, "..._INIT macro");
        set_size(block, sizeof(size_t) - 1);
        fails(r, block, "..._INIT macro");
        set_size(block, SIZE_MAX);
        fails(r, block, "..._INIT macro");
        memset(block + r->last, 0xFF, r->size + EXTRA - r->last);
        set_size(block, r->last);
        works(r, block, "one field shorter");
        free(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_struct_grows)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
