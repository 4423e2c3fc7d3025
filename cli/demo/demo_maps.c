/* SPDX-License-Identifier: MIT */
/* The demo's chapter on where things are: scenes with two objects, one of which is named, and a
 * sheet of some. Pointing is counted as in demo/evaluate.py: the largest pixel of the named value's
 * map, against the strongest runner-up at each patch, lies nearer to the named object than to the
 * other. */
#include "base/memory.h"
#include "cli/demo/demo.h"
#include "cli/out/numbers.h"

#include <clipspan/clipspan.h>
#include <math.h>
#include <string.h>

#define AT_ONCE 32
#define DRAWN   4 /* scenes on the sheet */
#define EDGE    256

static const char *const asked[] = {"colour", "shape"};

/* Words of an object in the table: "dotted red star". */
enum { COLOUR = 1, SHAPE = 2 };

/* Where the map of an object's name is highest. */
typedef struct peak {
    char name[32];
    size_t patch;
    double highest;
} peak;

typedef struct pointing {
    cli_demo_job *demo;
    clipspan_inputs *scenes, *masks; /* of test.csv; labels say what the objects are */
    clipspan_encoder *encoder;
    clipspan_bank *bank;
    clipspan_maps *found;
    clipspan_sheet *sheet; /* colours of some scenes */
    float *maps, *large;   /* [values, patches] each against the strongest other; [height, width] */
    const float *map;      /* of the value that is asked for */
    uint8_t *mask;         /* [height, width, 3] */
    const char *paths[AT_ONCE];
    size_t number[AT_ONCE], held; /* scenes at work */
    size_t word;                  /* which of an object's words is asked for */
    size_t rows;
    uint64_t all, good;
    size_t first; /* scene with two objects, and its peaks by colour */
    peak peaks[2];
} pointing;

/* The word-th word of object `which` of "plain red star;dotted blue ring", in `out`. */
static void object_word(char out[32], const char *objects, size_t which, size_t word)
{
    size_t length;
    while (which-- && *objects)
        objects += strcspn(objects, ";") + (objects[strcspn(objects, ";")] != '\0');
    while (word-- && *objects)
        objects += strcspn(objects, " ;") + (objects[strcspn(objects, " ;")] == ' ');
    length = strcspn(objects, " ;");
    snprintf(out, 32, "%.*s", (int)(length < 31 ? length : 31), objects);
}

static size_t value_of(const clipspan_bank *bank, const char *key)
{
    size_t v = 0;
    while (v < clipspan_bank_get_count(bank) && strcmp(clipspan_bank_get_key(bank, v), key) != 0)
        v++;
    return v;
}

/* Squared distance of a pixel from the object with that number in the mask; -1 when it is hidden.
 * */
static long nearness(const pointing *p, size_t pixel, int object)
{
    const int high = p->demo->info->input_height, wide = p->demo->info->input_width;
    const int py = (int)pixel / wide, px = (int)pixel % wide;
    long least = -1;
    for (int y = 0; y < high; y++)
        for (int x = 0; x < wide; x++) {
            long d = (long)(y - py) * (y - py) + (long)(x - px) * (x - px);
            if (p->mask[(size_t)(y * wide + x) * 3] == object && (least < 0 || d < least))
                least = d;
        }
    return least;
}

static clipspan_status point(pointing *p, int object, clipspan_error *err)
{
    const size_t pixels = (size_t)p->demo->info->input_height * (size_t)p->demo->info->input_width;
    size_t top = 0;
    long here, there;
    CS_TRY(clipspan_map_run_pixels(p->large, p->demo->model, p->map, err));
    for (size_t i = 1; i < pixels; i++)
        if (p->large[i] > p->large[top]) top = i;
    here = nearness(p, top, object);
    there = nearness(p, top, 3 - object);
    if (here < 0 || there < 0) return CLIPSPAN_OK;
    p->all++;
    p->good += here < there;
    return CLIPSPAN_OK;
}

static clipspan_status put_cell(pointing *p, const clipspan_view *view, size_t column,
                                const float *map, const char *name, clipspan_error *err)
{
    const size_t patches = (size_t)p->demo->info->tokens - 1;
    const clipspan_view_info *shown = clipspan_view_get_info(view);
    uint8_t *rgb = cs_alloc((size_t)shown->height * (size_t)shown->width, 3, "an image", err);
    clipspan_status status;
    double limit = 0;
    if (!rgb) return CLIPSPAN_E_NOMEM;
    for (size_t j = 0; map && j < patches; j++)
        if (fabs((double)map[j]) > limit) limit = fabs((double)map[j]);
    status = clipspan_view_run_draw(rgb, view, limit > 0 ? map : NULL,
                                    limit > 0 ? CLIPSPAN_DRAW_OVERLAY : CLIPSPAN_DRAW_IMAGE,
                                    limit > 0 ? limit : 1, 1, err);
    if (status == CLIPSPAN_OK)
        clipspan_sheet_set_cell(p->sheet, p->rows, column, rgb, shown->height, shown->width, name,
                                NULL);
    cs_free(rgb);
    return status;
}

static clipspan_status draw(pointing *p, size_t scene, int object, const char *name,
                            clipspan_error *err)
{
    clipspan_view *view;
    clipspan_status status = CLIPSPAN_OK;
    CS_TRY(clipspan_view_new(&view, p->demo->model, clipspan_inputs_get_paths(p->scenes)[scene],
                             EDGE, NULL, err));
    if (object == 1) status = put_cell(p, view, 0, NULL, "", err);
    if (status == CLIPSPAN_OK) status = put_cell(p, view, (size_t)object, p->map, name, err);
    clipspan_view_free(&view);
    return status;
}

/* The map of patches, as clipspan heatmap has it. */
static void note_peak(pointing *p, size_t scene, int object, const char *name)
{
    peak *to = &p->peaks[object - 1];
    const size_t patches = (size_t)p->demo->info->tokens - 1;
    p->first = scene;
    snprintf(to->name, sizeof to->name, "%s", name);
    to->patch = 0;
    for (size_t j = 1; j < patches; j++)
        if (p->map[j] > p->map[to->patch]) to->patch = j;
    to->highest = (double)p->map[to->patch];
}

static clipspan_status look_at(pointing *p, size_t held, clipspan_error *err)
{
    const size_t scene = p->number[held], N = (size_t)p->demo->info->tokens;
    const float *scores = clipspan_maps_get(p->found, held, CLIPSPAN_MAP_HEADS);
    char name[32];
    CS_TRY(clipspan_map_contrast_run(p->maps, scores + 1, clipspan_bank_get_count(p->bank), N - 1,
                                     N, CLIPSPAN_MAP_CONTRAST_RUNNER_UP, err));
    CS_TRY(clipspan_pixels_read(p->mask, p->demo->model, clipspan_inputs_get_paths(p->masks)[scene],
                                NULL, err));
    for (int object = 1; object <= 2; object++) {
        size_t value;
        object_word(name, clipspan_inputs_get_label(p->scenes, scene), (size_t)object - 1, p->word);
        value = value_of(p->bank, name);
        if (value == clipspan_bank_get_count(p->bank))
            return cs_fail(err, CLIPSPAN_E_FORMAT,
                           "test.csv of the demo, scene %zu: no value is called \"%s\"", scene,
                           name);
        p->map = p->maps + value * (N - 1);
        CS_TRY(point(p, object, err));
        if (p->word == COLOUR && p->rows == 0) note_peak(p, scene, object, name);
        if (p->word == COLOUR && p->rows < DRAWN) CS_TRY(draw(p, scene, object, name, err));
    }
    p->rows++;
    return CLIPSPAN_OK;
}

static clipspan_status pass(pointing *p, clipspan_error *err)
{
    CS_TRY(clipspan_maps_run_files(p->found, NULL, p->paths, p->held, err));
    for (size_t i = 0; i < p->held; i++)
        CS_TRY(look_at(p, i, err));
    p->held = 0;
    return cli_keep_going(p->demo->session, err);
}

static clipspan_status ask(pointing *p, const char *factor, clipspan_error *err)
{
    clipspan_maps_options options = CLIPSPAN_MAPS_OPTIONS_INIT;
    options.images = AT_ONCE;
    p->all = p->good = p->rows = 0;
    CS_TRY(cli_demo_bank(&p->bank, p->demo, factor, err));
    CS_TRY(clipspan_maps_new(&p->found, p->encoder, p->bank, &options, err));
    p->maps = cs_alloc(clipspan_bank_get_count(p->bank),
                       (size_t)p->demo->info->tokens * sizeof *p->maps, "maps", err);
    if (!p->maps) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < clipspan_inputs_get_count(p->scenes); i++) {
        if (strcmp(clipspan_inputs_get_group(p->scenes, i), "pair") != 0) continue;
        p->number[p->held] = i;
        p->paths[p->held++] = clipspan_inputs_get_paths(p->scenes)[i];
        if (p->held == AT_ONCE) CS_TRY(pass(p, err));
    }
    if (p->held) CS_TRY(pass(p, err));
    clipspan_maps_free(&p->found);
    clipspan_bank_free(&p->bank);
    cs_free(p->maps);
    p->maps = NULL;
    if (p->all) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_FORMAT, "test.csv of the demo has no scene with two objects");
}

static clipspan_status open_scenes(pointing *p, clipspan_error *err)
{
    const clipspan_model_info *info = p->demo->info;
    const size_t pixels = (size_t)info->input_height * (size_t)info->input_width;
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    options.threads = (int)p->demo->session->threads;
    CS_TRY(cli_demo_inputs(&p->scenes, p->demo, "test.csv", "objects", "kind", err));
    CS_TRY(cli_demo_masks(&p->masks, p->demo, "test.csv", err));
    p->large = cs_alloc(pixels, sizeof *p->large, "maps", err);
    p->mask = cs_alloc(pixels, 3, "a mask", err);
    if (!p->large || !p->mask) return CLIPSPAN_E_NOMEM;
    return clipspan_encoder_new(&p->encoder, p->demo->model, &options, err);
}

static clipspan_status work(uint64_t all[2], uint64_t good[2], pointing *p, const char *path,
                            clipspan_error *err)
{
    CS_TRY(open_scenes(p, err));
    CS_TRY(clipspan_sheet_new(&p->sheet, DRAWN, 3, EDGE, EDGE, 0, err));
    clipspan_sheet_set_title(p->sheet,
                             "Named by colour, each on its own scale: orange for, blue against");
    clipspan_sheet_set_column(p->sheet, 0, "scene");
    clipspan_sheet_set_column(p->sheet, 1, "one");
    clipspan_sheet_set_column(p->sheet, 2, "the other");
    for (size_t k = 0; k < 2; k++) {
        p->word = k ? SHAPE : COLOUR;
        CS_TRY(ask(p, asked[k], err));
        all[k] = p->all;
        good[k] = p->good;
    }
    return clipspan_sheet_write(p->sheet, path, p->demo->x->force, err);
}

static void emit_first(cli_json *json, const pointing *p, const char *scene)
{
    const size_t across = (size_t)p->demo->info->grid_width;
    cli_json_object(json, "first");
    cli_json_text(json, "image", scene);
    cli_json_array(json, "maps");
    for (int k = 0; k < 2; k++) {
        const peak *at = &p->peaks[k];
        cli_json_row(json, NULL);
        cli_json_text(json, "text", at->name);
        cli_json_real(json, "highest", at->highest);
        cli_json_whole(json, "row", at->patch / across);
        cli_json_whole(json, "column", at->patch % across);
        cli_json_end(json);
    }
    cli_json_end(json);
    cli_json_end(json);
}

static void show(cli_demo_job *d, const pointing *p, const uint64_t all[2], const uint64_t good[2],
                 const char *path)
{
    const size_t across = (size_t)d->info->grid_width;
    const peak *at = p->peaks;
    char share[2][CLI_NUMBER_ROOM], scene[64];
    cli_demo_scene(scene, d, clipspan_inputs_get_paths(p->scenes)[p->first]);
    for (int k = 0; k < 2; k++)
        cli_format_percent(share[k], (double)good[k] / (double)all[k]);
    if (d->tells)
        cli_demo_say(d,
                     "Named by its colour, the correct one of two objects is found in %s of %llu "
                     "cases, by its shape in %s; chance is 50 %%. In the first scene, %s, the "
                     "map of %s is highest in row %zu, column %zu of its patches, that of %s in "
                     "row %zu, column %zu, counted from 0. Four scenes are drawn in %s.",
                     share[0], (unsigned long long)all[0], share[1], scene, at[0].name,
                     at[0].patch / across, at[0].patch % across, at[1].name, at[1].patch / across,
                     at[1].patch % across, path);
    cli_json_array(&d->json, "pointing");
    for (int k = 0; k < 2; k++) {
        cli_json_row(&d->json, NULL);
        cli_json_text(&d->json, "factor", asked[k]);
        cli_json_whole(&d->json, "objects", all[k]);
        cli_json_whole(&d->json, "right", good[k]);
        cli_json_real(&d->json, "accuracy", (double)good[k] / (double)all[k]);
        cli_json_end(&d->json);
    }
    cli_json_end(&d->json);
    emit_first(&d->json, p, scene);
    cli_json_text(&d->json, "sheet", path);
}

clipspan_status cli_demo_maps(cli_demo_job *d, clipspan_error *err)
{
    pointing p = {.demo = d};
    uint64_t all[2] = {0}, good[2] = {0};
    clipspan_status status;
    char *path;
    CS_TRY(cli_demo_output(&path, d, "maps.png", err));
    status = work(all, good, &p, path, err);
    if (status == CLIPSPAN_OK) show(d, &p, all, good, path);
    clipspan_sheet_free(&p.sheet);
    clipspan_maps_free(&p.found);
    clipspan_bank_free(&p.bank);
    clipspan_encoder_free(&p.encoder);
    clipspan_inputs_close(&p.masks);
    clipspan_inputs_close(&p.scenes);
    cs_free(p.maps);
    cs_free(p.large);
    cs_free(p.mask);
    cs_free(path);
    return status;
}
