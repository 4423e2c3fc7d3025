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
    float *grid, *large; /* [patches], [pixels] */
    uint16_t *values;    /* [pixels] */
    uint8_t *truth;      /* [pixels] */
    size_t pixels;
    const char *paths[AT_ONCE];
    size_t number[AT_ONCE], held;
    clipspan_segment_score scores[METHODS][2]; /* by clipspan_threshold */
    uint64_t inside[METHODS];                  /* scenes whose highest pixel is an object's */
} masking;

/* grid[j] = score of the scene's colour - mean of all colours' */
static void above_mean(masking *m, const float *maps, size_t value)
{
    const size_t N = (size_t)m->demo->info->tokens, count = clipspan_bank_get_count(m->bank);
    for (size_t j = 1; j < N; j++) {
        double mean = 0;
        for (size_t v = 0; v < count; v++)
            mean += (double)maps[v * N + j] / (double)count;
        m->grid[j - 1] = (float)((double)maps[value * N + j] - mean);
    }
}

static clipspan_status judge(masking *m, size_t held, size_t method, size_t value,
                             clipspan_error *err)
{
    static const clipspan_map_kind kinds[METHODS] = {CLIPSPAN_MAP_HEADS, CLIPSPAN_MAP_ATTENTION,
                                                     CLIPSPAN_MAP_ROLLOUT};
    const float *maps = clipspan_maps_get(m->maps, held, kinds[method]);
    size_t top = 0;
    if (method == 0)
        above_mean(m, maps, value);
    else
        memcpy(m->grid, maps + 1, ((size_t)m->demo->info->tokens - 1) * sizeof *maps);
    CS_TRY(clipspan_map_run_pixels(m->large, m->demo->model, m->grid, err));
    for (int t = 0; t < 2; t++)
        CS_TRY(clipspan_segment_add(&m->scores[method][t], NULL, m->large, m->truth, m->pixels,
                                    method == 0, (clipspan_threshold)t, err));
    for (size_t i = 1; i < m->pixels; i++)
        if (m->large[i] > m->large[top]) top = i;
    m->inside[method] += m->truth[top];
    return CLIPSPAN_OK;
}

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
    for (size_t i = 0; i < m->pixels; i++)
        m->truth[i] = m->values[i] != 0;
    for (size_t k = 0; k < METHODS; k++)
        CS_TRY(judge(m, held, k, value, err));
    return CLIPSPAN_OK;
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
    options.threads = (int)d->session->threads;
    maps.images = AT_ONCE;
    maps.kinds = CLIPSPAN_MAP_ATTENTION | CLIPSPAN_MAP_ROLLOUT;
    m->pixels = (size_t)d->info->input_height * (size_t)d->info->input_width;
    m->grid = cs_alloc((size_t)d->info->tokens, sizeof *m->grid, "maps", err);
    m->large = cs_alloc(m->pixels, sizeof *m->large, "maps", err);
    m->values = cs_alloc(m->pixels, sizeof *m->values, "a mask", err);
    m->truth = cs_alloc(m->pixels, 1, "a mask", err);
    if (!m->grid || !m->large || !m->values || !m->truth) return CLIPSPAN_E_NOMEM;
    CS_TRY(cli_demo_inputs(&m->scenes, d, "test.csv", "colour", NULL, err));
    CS_TRY(cli_demo_masks(&m->masks, d, "test.csv", err));
    CS_TRY(cli_demo_bank(&m->bank, d, "colour", err));
    CS_TRY(clipspan_encoder_new(&m->encoder, d->model, &options, err));
    return clipspan_maps_new(&m->maps, m->encoder, m->bank, &maps, err);
}

static void emit(const masking *m)
{
    cli_json *json = &m->demo->json;
    cli_json_whole(json, "scenes", m->scores[0][0].images);
    cli_json_array(json, "methods");
    for (size_t k = 0; k < METHODS; k++) {
        double mean, otsu;
        clipspan_segment_get(NULL, &mean, NULL, &m->scores[k][CLIPSPAN_THRESHOLD_MEAN]);
        clipspan_segment_get(NULL, &otsu, NULL, &m->scores[k][CLIPSPAN_THRESHOLD_OTSU]);
        cli_json_row(json, NULL);
        cli_json_text(json, "name", names[k]);
        cli_json_real(json, "miou", mean);
        cli_json_real(json, "miou_otsu", otsu);
        cli_json_whole(json, "inside", m->inside[k]);
        cli_json_end(json);
    }
    cli_json_end(json);
}

static clipspan_status tell(const masking *m, clipspan_error *err)
{
    static const char headers[] = "mask from|>mIoU, mean|>mIoU, Otsu|>highest pixel inside";
    const double scenes = (double)m->scores[0][0].images;
    clipspan_status status = CLIPSPAN_OK;
    double miou[METHODS][2];
    char cell[CLI_NUMBER_ROOM];
    size_t best[2] = {0, 0};
    cli_table table;
    cli_table_init(&table, headers);
    for (size_t k = 0; k < METHODS && status == CLIPSPAN_OK; k++) {
        status = cli_table_add(&table, words[k], err);
        for (size_t t = 0; t < 2 && status == CLIPSPAN_OK; t++) {
            clipspan_segment_get(NULL, &miou[k][t], NULL, &m->scores[k][t]);
            if (miou[k][t] > miou[best[t]][t]) best[t] = k;
            cli_format_percent(cell, miou[k][t]);
            status = cli_table_add(&table, cell, err);
        }
        cli_format_percent(cell, (double)m->inside[k] / scenes);
        if (status == CLIPSPAN_OK) status = cli_table_add(&table, cell, err);
    }
    if (status == CLIPSPAN_OK) cli_demo_table(m->demo, &table);
    cli_table_fini(&table);
    CS_TRY(status);
    cli_demo_say(
        m->demo,
        "%.0f scenes whose objects have one colour; intersection over union, the mean of "
        "objects and background. At the mean threshold, %s overlaps most; at Otsu's threshold, "
        "%s. Where only one kind of object is drawn, attention finds it without a word.",
        scenes, words[best[0]], words[best[1]]);
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
    if (m->scores[0][0].images == 0)
        return cs_fail(err, CLIPSPAN_E_FORMAT, "test.csv of the demo has no scene with a colour");
    if (m->demo->tells) return tell(m, err);
    emit(m);
    return CLIPSPAN_OK;
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
    cs_free(m.grid);
    cs_free(m.large);
    cs_free(m.values);
    cs_free(m.truth);
    return status;
}
