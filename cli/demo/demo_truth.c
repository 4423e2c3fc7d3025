/* SPDX-License-Identifier: MIT */
/* Which factor truly explains what a head writes: analysis of variance of its contributions over
 * scenes whose factors are known. */
#include "base/memory.h"
#include "cli/demo/demo.h"

#include <clipspan/clipspan.h>
#include <string.h>

#define VALUES  16
#define CHUNK   32
/* Bird and background hang together in the look split, so what the bird explains is what bird and
 * background explain together beyond what the background does: one column more. */
#define COLUMNS (CLI_DEMO_FACTORS + 1)
#define BIRD    (CLI_DEMO_FACTORS - 1)

/* Coefficients of all scenes of one head, and what each scene shows. */
typedef struct truth {
    const cli_demo_job *demo;
    uint64_t *number; /* [places] of the image there, in the list */
    int16_t *value;   /* [COLUMNS, scenes] -1: none, or not drawn on its own */
    size_t scenes, C, P, count;
    double *coefficients;  /* [scenes, C] */
    uint64_t *run_indices; /* [scenes] */
    float *output_map;     /* [C, P] */
    double *metric;        /* [C, C], so that y metric y' = |contribution|^2 */
} truth;

static int note_number(void *user, const clipspan_run_image *image)
{
    truth *t = user;
    if (image->run_index < t->scenes && image->list_index < t->scenes)
        t->number[image->run_index] = image->list_index;
    return 0;
}

/* Columns before BIRD are the factors of alike scenes, where each is drawn on its own; BIRD is bird
 * and background together, and the last the background, both of birds. */
static clipspan_status read_values(truth *t, int column, clipspan_error *err)
{
    const char *kind = column < BIRD ? "alike" : "bird", *names[VALUES];
    const char *labels = column <= BIRD ? cli_demo_factors[column] : "background";
    int16_t *value = t->value + (size_t)column * t->scenes;
    clipspan_inputs *inputs;
    int known = 0, v;
    CS_TRY(cli_demo_inputs(&inputs, t->demo, "look.csv", labels, "kind,bird,background", err));
    for (size_t i = 0; i < t->scenes; i++)
        value[i] = -1;
    for (size_t i = 0; i < t->scenes && i < clipspan_inputs_get_count(inputs); i++) {
        const char *label = clipspan_inputs_get_label(inputs, i);
        const char *group = clipspan_inputs_get_group(inputs, i);
        if (!*label || strncmp(group, kind, strlen(kind)) != 0) continue;
        if (column == BIRD) label = group;
        for (v = 0; v < known && strcmp(names[v], label) != 0; v++)
            ;
        if (v == known && known < VALUES) names[known++] = label;
        if (v < known) value[i] = (int16_t)v;
    }
    clipspan_inputs_close(&inputs);
    return CLIPSPAN_OK;
}

static clipspan_status read_head(truth *t, int layer, int head, clipspan_error *err)
{
    const clipspan_run *run = t->demo->run;
    const clipspan_run_info *info = clipspan_run_get_info(run);
    t->count = 0;
    for (uint64_t c = 0; c < info->chunks; c++) {
        size_t got;
        CS_TRY(clipspan_run_read_coefficients(t->coefficients + t->count * t->C,
                                              t->run_indices + t->count, &got, run, c, layer, head,
                                              err));
        t->count += got;
    }
    CS_TRY(clipspan_run_read_output_map(t->output_map, run, layer, head, err));
    for (size_t i = 0; i < t->C; i++)
        for (size_t j = 0; j < t->C; j++) {
            double sum = 0;
            for (size_t p = 0; p < t->P; p++)
                sum += (double)t->output_map[i * t->P + p] * (double)t->output_map[j * t->P + p];
            t->metric[i * t->C + j] = sum;
        }
    return CLIPSPAN_OK;
}

/* |y - mean|^2 in the metric */
static double distance(const truth *t, const double *y, const double *mean)
{
    double sum = 0;
    for (size_t i = 0; i < t->C; i++) {
        double row = 0;
        for (size_t j = 0; j < t->C; j++)
            row += t->metric[i * t->C + j] * (y[j] - mean[j]);
        sum += (y[i] - mean[i]) * row;
    }
    return sum;
}

/* 1 - (within / (n - v)) / (total / (n - 1)); means : [VALUES + 1, C], the last of all scenes. */
static double share_of(const truth *t, int column, double *means)
{
    const int16_t *value = t->value + (size_t)column * t->scenes;
    double *all = means + (size_t)VALUES * t->C, n = 0, v = 0, total = 0, within = 0, share;
    double count[VALUES] = {0};
    memset(means, 0, (VALUES + 1) * t->C * sizeof *means);
    for (size_t i = 0; i < t->count; i++) {
        int k = value[t->number[t->run_indices[i]]];
        if (k < 0) continue;
        count[k]++;
        n++;
        for (size_t j = 0; j < t->C; j++) {
            means[(size_t)k * t->C + j] += t->coefficients[i * t->C + j];
            all[j] += t->coefficients[i * t->C + j];
        }
    }
    for (size_t k = 0; k < VALUES; k++) {
        v += count[k] > 0;
        for (size_t j = 0; j < t->C && count[k] > 0; j++)
            means[k * t->C + j] /= count[k];
    }
    if (!(n > v) || v < 2) return 0;
    for (size_t j = 0; j < t->C; j++)
        all[j] /= n;
    for (size_t i = 0; i < t->count; i++) {
        int k = value[t->number[t->run_indices[i]]];
        if (k < 0) continue;
        total += distance(t, t->coefficients + i * t->C, all);
        within += distance(t, t->coefficients + i * t->C, means + (size_t)k * t->C);
    }
    if (!(total > 0)) return 0;
    share = 1 - within / (n - v) / (total / (n - 1));
    return share > 0 ? share : 0;
}

static clipspan_status make_room(truth *t, double **means, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(t->demo->run);
    size_t room = (size_t)info->chunks * CHUNK;
    t->scenes = (size_t)info->images;
    t->C = (size_t)info->head_width + 3;
    t->P = (size_t)info->embed_width;
    t->number = cs_alloc_zero(t->scenes, sizeof *t->number, "scenes", err);
    t->value = cs_alloc(COLUMNS * t->scenes, sizeof *t->value, "scenes", err);
    t->coefficients = cs_alloc(room * t->C, sizeof *t->coefficients, "coefficients", err);
    t->run_indices = cs_alloc(room, sizeof *t->run_indices, "coefficients", err);
    t->output_map = cs_alloc(t->C * t->P, sizeof *t->output_map, "coefficients", err);
    t->metric = cs_alloc(t->C * t->C, sizeof *t->metric, "coefficients", err);
    *means = cs_alloc((VALUES + 1) * t->C, sizeof **means, "coefficients", err);
    return t->number && t->value && t->coefficients && t->run_indices && t->output_map &&
                   t->metric && *means
               ? CLIPSPAN_OK
               : CLIPSPAN_E_NOMEM;
}

static clipspan_status work(double *shares, truth *t, double *means, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(t->demo->run);
    CS_TRY(clipspan_run_read_images(t->demo->run, 0, info->images, note_number, t, err));
    for (int f = 0; f < COLUMNS; f++)
        CS_TRY(read_values(t, f, err));
    for (int l = 0; l < info->layers; l++)
        for (int h = 0; h < info->heads; h++) {
            CS_TRY(read_head(t, l, h, err));
            for (int f = 0; f < CLI_DEMO_FACTORS; f++, shares++)
                *shares = share_of(t, f, means);
            shares[-1] -= share_of(t, BIRD + 1, means);
            if (shares[-1] < 0) shares[-1] = 0;
        }
    return CLIPSPAN_OK;
}

clipspan_status cli_demo_truth(double *shares, const cli_demo_job *demo, clipspan_error *err)
{
    truth t = {.demo = demo};
    double *means = NULL;
    clipspan_status status = make_room(&t, &means, err);
    if (status == CLIPSPAN_OK) status = work(shares, &t, means, err);
    cs_free(t.number);
    cs_free(t.value);
    cs_free(t.coefficients);
    cs_free(t.run_indices);
    cs_free(t.output_map);
    cs_free(t.metric);
    cs_free(means);
    return status;
}
