/* SPDX-License-Identifier: MIT */
/* The demo's first chapter: a sheet of look scenes, a row a factor. */
#include "base/memory.h"
#include "cli/demo/demo.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define ACROSS 8 /* scenes in a row */
#define GAP    8 /* pixels between scenes */
#define PAPER  236

typedef struct sheet {
    uint8_t *pixels; /* [height, width, 3] */
    int height, width;
    clipspan_inputs *inputs;
    size_t count;         /* of the look split */
    unsigned char *shown; /* [scenes] 1: stands on the sheet already */
} sheet;

/* How well a scene shows a value: alone, alike and large ones are the clearest. 0: it does not. */
static int clarity(const clipspan_inputs *inputs, size_t i, const char *value)
{
    const char *group = clipspan_inputs_get_group(inputs, i); /* kind/count/size */
    if (strcmp(clipspan_inputs_get_label(inputs, i), value) != 0) return 0;
    if (strncmp(group, "pair", 4) == 0) return 1;
    return 2 + (strstr(group, "/one") != NULL) + (strstr(group, "large") != NULL);
}

/* The clearest scene with that value that is not shown yet, or the count of scenes. */
static size_t choose(const sheet *sh, const char *value)
{
    const size_t count = clipspan_inputs_get_count(sh->inputs);
    for (int wanted = 4; wanted > 0; wanted--)
        for (size_t i = 0; i < count; i++)
            if (!sh->shown[i] && clarity(sh->inputs, i, value) == wanted) return i;
    return count;
}

static clipspan_status paste(sheet *sh, const cli_demo_job *d, size_t scene, int row, int column,
                             uint8_t *image, clipspan_error *err)
{
    const int high = d->info->input_height, wide = d->info->input_width;
    const int top = GAP + row * (high + GAP), left = GAP + column * (wide + GAP);
    CS_TRY(clipspan_pixels_read(image, d->model, clipspan_inputs_get_paths(sh->inputs)[scene], NULL,
                                err));
    for (int y = 0; y < high; y++)
        memcpy(sh->pixels + ((size_t)(top + y) * (size_t)sh->width + (size_t)left) * 3,
               image + (size_t)y * (size_t)wide * 3, (size_t)wide * 3);
    return CLIPSPAN_OK;
}

/* A row: each value as often as fits. */
static clipspan_status fill_row(sheet *sh, const cli_demo_job *d, int row,
                                const clipspan_texts *values, uint8_t *image, clipspan_error *err)
{
    const size_t count = clipspan_texts_get_count(values);
    const size_t times = count < ACROSS ? ACROSS / count : 1;
    for (size_t v = 0; v < count && v < ACROSS; v++)
        for (size_t k = 0; k < times; k++) {
            size_t scene = choose(sh, clipspan_texts_get_key(values, v));
            if (scene == clipspan_inputs_get_count(sh->inputs)) break;
            sh->shown[scene] = 1;
            CS_TRY(paste(sh, d, scene, row, (int)(v * times + k), image, err));
        }
    return CLIPSPAN_OK;
}

static clipspan_status caption(cli_table *table, const cli_demo_job *d, int row,
                               const clipspan_texts *values, clipspan_error *err)
{
    char text[200] = "", number[16];
    for (size_t v = 0; v < clipspan_texts_get_count(values); v++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", v ? ", " : "",
                 clipspan_texts_get_key(values, v));
    }
    if (!d->tells) return CLIPSPAN_OK;
    snprintf(number, sizeof number, "%d", row + 1);
    CS_TRY(cli_table_add(table, number, err));
    CS_TRY(cli_table_add(table, cli_demo_factors[row], err));
    return cli_table_add(table, text, err);
}

static clipspan_status add_row(sheet *sh, cli_table *table, const cli_demo_job *d, int row,
                               uint8_t *image, clipspan_error *err)
{
    const char *factor = cli_demo_factors[row];
    clipspan_texts *values;
    clipspan_status status;
    char name[64], *path;
    snprintf(name, sizeof name, "classes/%s.txt", factor);
    CS_TRY(cli_demo_data(&path, d, name, err));
    status = clipspan_texts_open(&values, path, err);
    cs_free(path);
    CS_TRY(status);
    status = cli_demo_inputs(&sh->inputs, d, "look.csv", factor, "kind,count,size", err);
    if (status == CLIPSPAN_OK && !sh->shown) {
        sh->count = clipspan_inputs_get_count(sh->inputs);
        sh->shown = cs_alloc_zero(sh->count, 1, "scenes", err);
        if (!sh->shown) status = CLIPSPAN_E_NOMEM;
    }
    if (status == CLIPSPAN_OK) status = fill_row(sh, d, row, values, image, err);
    if (status == CLIPSPAN_OK) status = caption(table, d, row, values, err);
    clipspan_inputs_close(&sh->inputs);
    clipspan_texts_free(&values);
    return status;
}

static clipspan_status make_sheet(sheet *sh, cli_table *table, const cli_demo_job *d,
                                  clipspan_error *err)
{
    const size_t one = (size_t)d->info->input_height * (size_t)d->info->input_width * 3;
    clipspan_status status = CLIPSPAN_OK;
    uint8_t *image = cs_alloc(one, 1, "a scene", err);
    sh->height = GAP + CLI_DEMO_FACTORS * (d->info->input_height + GAP);
    sh->width = GAP + ACROSS * (d->info->input_width + GAP);
    sh->pixels = cs_alloc((size_t)sh->height * (size_t)sh->width, 3, "a sheet of scenes", err);
    if (!image || !sh->pixels) status = CLIPSPAN_E_NOMEM;
    if (sh->pixels) memset(sh->pixels, PAPER, (size_t)sh->height * (size_t)sh->width * 3);
    for (int row = 0; row < CLI_DEMO_FACTORS && status == CLIPSPAN_OK; row++)
        status = add_row(sh, table, d, row, image, err);
    cs_free(image);
    return status;
}

clipspan_status cli_demo_sheet(cli_demo_job *d, clipspan_error *err)
{
    static const char headers[] = "row|factor|values";
    sheet sh = {0};
    cli_table table;
    char *path;
    clipspan_status status;
    CS_TRY(cli_demo_output(&path, d, "scenes.png", err));
    cli_table_init(&table, headers);
    status = make_sheet(&sh, &table, d, err);
    if (status == CLIPSPAN_OK)
        status = clipspan_png_write(path, sh.pixels, sh.height, sh.width, d->x->force, err);
    if (status == CLIPSPAN_OK) {
        d->session->keeps_files = 1;
        if (d->tells) cli_demo_table(d, &table);
        cli_demo_say(d, "The sheet is %s.", path);
        cli_json_whole(&d->json, "scenes", sh.count);
        cli_json_text(&d->json, "sheet", path);
    }
    cli_table_fini(&table);
    cs_free(sh.pixels);
    cs_free(sh.shown);
    cs_free(d->page);
    d->page = path;
    return status;
}
