/* SPDX-License-Identifier: MIT */
/* The demo's chapter on masks: the map of a scene's colour and two of attention, cut at a threshold
 * and held against the exact masks. */
#include "base/memory.h"
#include "cli/demo/demo.h"
#include "cli/out/numbers.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define AT_ONCE 32
#define METHODS 3

static const char *const names[METHODS] = {"patches", "attention", "rollout"};
static const char *const words[METHODS] = {"what patches add to the colour",
                                           "attention of the last layer", "attention rollout"};

typedef struct masking {
    cli_demo_job *demo;
    clipspan_inputs *scenes, *masks; /* of test.csv; labels are colours */
    clipspan_encoder *encoder;
    clipspan_bank *bank;
    clipspan_maps *maps;
    clipspan_segmentation *study;
    uint16_t *values; /* [height, width] of a mask */
    const char *paths[AT_ONCE];
    size_t number[AT_ONCE], held;
} masking;

static clipspan_status look_at(masking *m, size_t held, clipspan_error *err)
{
    const size_t scene = m->number[held];
    const char *colour = clipspan_inputs_get_label(m->scenes, scene);
    size_t value = 0;
    while (value < clipspan_bank_get_count(m->bank) &&
           strcmp(clipspan_bank_get_key(m->bank, value), colour) != 0)
        value++;
    if (value == clipspan_bank_get_count(m->bank))
        return cs_fail(err, CLIPSPAN_E_FORMAT,
                       "test.csv of the demo, scene %zu: no colour is called \"%s\"", scene,
                       colour);
    CS_TRY(clipspan_mask_read(m->values, m->demo->model, clipspan_inputs_get_paths(m->masks)[scene],
                              m->paths[held], CLIPSPAN_ALIGNED, NULL, err));
    return clipspan_segmentation_add(m->study, m->maps, held, &value, m->values, NULL, 0, err);
}

static clipspan_status pass(masking *m, clipspan_error *err)
{
    CS_TRY(clipspan_maps_run_files(m->maps, NULL, m->paths, m->held, err));
    for (size_t i = 0; i < m->held; i++)
        CS_TRY(look_at(m, i, err));
    m->held = 0;
    return cli_keep_going(m->demo->session, err);
}

static clipspan_status open_scenes(masking *m, clipspan_error *err)
{
    cli_demo_job *d = m->demo;
    clipspan_encoder_options options = CLIPSPAN_ENCODER_OPTIONS_INIT;
    clipspan_maps_options maps = CLIPSPAN_MAPS_OPTIONS_INIT;
    clipspan_segmentation_options study = CLIPSPAN_SEGMENTATION_OPTIONS_INIT;
    options.threads = (int)d->session->threads;
    maps.images = AT_ONCE;
    maps.kinds = CLIPSPAN_MAP_ATTENTION | CLIPSPAN_MAP_ROLLOUT;
    study.methods = 1U << CLIPSPAN_SEGMENT_HEADS | 1U << CLIPSPAN_SEGMENT_ATTENTION |
                    1U << CLIPSPAN_SEGMENT_ROLLOUT;
    study.threads = (int)d->session->threads;
    m->values = cs_alloc((size_t)d->info->input_height * (size_t)d->info->input_width,
                         sizeof *m->values, "a mask", err);
    if (!m->values) return CLIPSPAN_E_NOMEM;
    CS_TRY(cli_demo_inputs(&m->scenes, d, "test.csv", "colour", NULL, err));
    CS_TRY(cli_demo_masks(&m->masks, d, "test.csv", err));
    CS_TRY(cli_demo_bank(&m->bank, d, "colour", err));
    CS_TRY(clipspan_encoder_new(&m->encoder, d->model, &options, err));
    CS_TRY(clipspan_maps_new(&m->maps, m->encoder, m->bank, &maps, err));
    return clipspan_segmentation_new(&m->study, d->model, m->bank, &study, err);
}

/* A method's figures: two rows each, by threshold. */
static const clipspan_segmentation_row *find_row(const masking *m, size_t method,
                                                 clipspan_threshold threshold)
{
    return clipspan_segmentation_get_row(m->study, 2 * method + (size_t)threshold);
}

static void emit(const masking *m)
{
    cli_json *json = &m->demo->json;
    cli_json_whole(json, "scenes", clipspan_segmentation_get_info(m->study)->images);
    cli_json_array(json, "methods");
    for (size_t k = 0; k < METHODS; k++) {
        const clipspan_segmentation_row *mean = find_row(m, k, CLIPSPAN_THRESHOLD_MEAN);
        cli_json_row(json, NULL);
        cli_json_text(json, "name", names[k]);
        cli_json_real(json, "miou", mean->miou);
        cli_json_real(json, "miou_otsu", find_row(m, k, CLIPSPAN_THRESHOLD_OTSU)->miou);
        cli_json_whole(json, "inside", mean->pointed);
        cli_json_real(json, "pointing", mean->pointing);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static clipspan_status add_percent(cli_table *table, double share, clipspan_error *err)
{
    char cell[CLI_NUMBER_ROOM];
    cli_format_percent(cell, share);
    return cli_table_add(table, cell, err);
}

static clipspan_status fill_table(cli_table *table, size_t best[2], const masking *m,
                                  clipspan_error *err)
{
    for (size_t k = 0; k < METHODS; k++) {
        CS_TRY(cli_table_add(table, words[k], err));
        for (int t = 0; t < 2; t++) {
            const double miou = find_row(m, k, (clipspan_threshold)t)->miou;
            if (miou > find_row(m, best[t], (clipspan_threshold)t)->miou) best[t] = k;
            CS_TRY(add_percent(table, miou, err));
        }
        CS_TRY(add_percent(table, find_row(m, k, CLIPSPAN_THRESHOLD_MEAN)->pointing, err));
    }
    return CLIPSPAN_OK;
}

static clipspan_status tell(const masking *m, clipspan_error *err)
{
    clipspan_status status;
    size_t best[2] = {0, 0};
    cli_table table;
    cli_table_init(&table, "mask from|>mIoU, mean|>mIoU, Otsu|>highest pixel inside");
    status = fill_table(&table, best, m, err);
    if (status == CLIPSPAN_OK) cli_demo_table(m->demo, &table);
    cli_table_fini(&table);
    CS_TRY(status);
    cli_demo_say(m->demo,
                 "%llu scenes whose objects have one colour; intersection over union, the mean of "
                 "objects and background. Cut at the mean, %s overlaps most; at Otsu's threshold, "
                 "%s. Where only one kind of object is drawn, attention finds it without a word.",
                 (unsigned long long)clipspan_segmentation_get_info(m->study)->images,
                 words[best[0]], words[best[1]]);
    return CLIPSPAN_OK;
}

static clipspan_status work(masking *m, clipspan_error *err)
{
    CS_TRY(open_scenes(m, err));
    for (size_t i = 0; i < clipspan_inputs_get_count(m->scenes); i++) {
        if (!*clipspan_inputs_get_label(m->scenes, i)) continue; /* no colour, or several */
        m->number[m->held] = i;
        m->paths[m->held++] = clipspan_inputs_get_paths(m->scenes)[i];
        if (m->held == AT_ONCE) CS_TRY(pass(m, err));
    }
    if (m->held) CS_TRY(pass(m, err));
    CS_TRY(clipspan_segmentation_run(m->study, err));
    if (!clipspan_segmentation_get_info(m->study)->images)
        return cs_fail(err, CLIPSPAN_E_FORMAT, "test.csv of the demo has no scene with a colour");
    emit(m);
    return m->demo->tells ? tell(m, err) : CLIPSPAN_OK;
}

clipspan_status cli_demo_segment(cli_demo_job *d, clipspan_error *err)
{
    masking m = {.demo = d};
    clipspan_status status = work(&m, err);
    clipspan_maps_free(&m.maps);
    clipspan_bank_free(&m.bank);
    clipspan_encoder_free(&m.encoder);
    clipspan_inputs_close(&m.masks);
    clipspan_inputs_close(&m.scenes);
    clipspan_segmentation_free(&m.study);
    cs_free(m.values);
    return status;
}
