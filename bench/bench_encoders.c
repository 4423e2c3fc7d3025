/* SPDX-License-Identifier: MIT */
/* How fast a tower runs, beside what the machine and the bare matrix products can do.
 *
 *     bench_encoders MODEL [--tower image|text] [--precision f32|bf16] [--batch N] [--runs R]
 *                        [--threads N] [--texts FILE] [--json]
 *
 * A run embeds one batch: N random images (one: all threads work inside it), or the texts of
 * FILE, one a line (all of them when N is 0). Minimum and median of R runs after one warm-up.
 * Beside it, measured in the same process: the peak rate of fused multiply-adds, and the rate of
 * the blocks' bare products. */
#include "api/handles.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct settings {
    const char *model, *texts;
    clipspan_encoder_options encoder;
    size_t batch;
    int runs, json;
} settings;

typedef struct result {
    double *seconds; /* [runs] sorted */
    size_t items;
    double flops;    /* of one item, as computed: the last block for one token only */
    double products; /* GFLOP/s of the bare products */
    double peak;
} result;

static void stop_on(clipspan_status status, const clipspan_error *err)
{
    if (status == CLIPSPAN_OK) return;
    fprintf(stderr, "bench_encoders: %s\n", err->message);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Operations (two a multiply-add) of the products and of attention for one image. */
static double image_flops(const clipspan_model_info *i)
{
    double n = i->tokens, d = i->image->width, m = i->image->mlp_width, l = i->image->layers;
    double patch = 3.0 * i->patch_size * i->patch_size;
    double full = n * (4 * d * d + 2 * d * m) + 2 * n * n * d;
    double last = 2 * n * d * d + 2 * d * d + 2 * n * d + 2 * d * m;
    return 2 * ((n - 1) * patch * d + (l - 1) * full + last + d * i->embed_width);
}

/* One thread's share of the bare products: fc and its way back, for as many rows as a pass has. */
typedef struct bare {
    const cs_tower *tower;
    size_t rows;
} bare;

static void run_bare(void *context, size_t index, int lane)
{
    const bare *b = context;
    const cs_block *block = &b->tower->blocks[0];
    int half = b->tower->precision == CLIPSPAN_BF16, i, part, repeats = 12;
    size_t width = (size_t)b->tower->config.width,
           mlp = (size_t)(b->tower->config.mlp_width / b->tower->mlp_parts);
    cs_product_plan wide = {b->rows, CS_STORE, half, 1}, back = {b->rows, CS_ADD, 0, 1};
    cs_product *first = NULL, *second = NULL;
    clipspan_error err;
    float *x = cs_alloc_aligned(b->rows * width, sizeof *x, "bench", NULL);
    float *y = cs_alloc_aligned(b->rows * mlp, sizeof *y, "bench", NULL);
    (void)index;
    (void)lane;
    if (!x || !y) exit(1);
    memset(x, 0, b->rows * width * sizeof *x);
    memset(y, 0, b->rows * mlp * sizeof *y);
    stop_on(cs_product_new(&first, block->fc[0], wide, cs_simd_best(), &err), &err);
    stop_on(cs_product_new(&second, block->mlp_out[0], back, cs_simd_best(), &err), &err);
    for (i = 0; i < repeats; i++) {
        block = &b->tower->blocks[i % b->tower->config.layers];
        for (part = 0; part < b->tower->mlp_parts; part++) {
            stop_on(cs_product_run(first, y, x, b->rows * width / b->tower->panels, block->fc[part],
                                   &err),
                    &err);
            stop_on(cs_product_run(second, x, y, 0, block->mlp_out[part], &err), &err);
        }
    }
    cs_product_free(&first);
    cs_product_free(&second);
    cs_free(x);
    cs_free(y);
}

static double product_rate(const clipspan_encoder *e, size_t rows)
{
    bare b = {e->tower, rows};
    double best = 0, flops = 2.0 * 2 * 12 * (double)rows * e->tower->config.width *
                             e->tower->config.mlp_width * e->options.threads;
    int i;
    for (i = 0; i < 5; i++) {
        double start = bench_now(), rate;
        cs_parallel_for((size_t)e->options.threads, e->options.threads, run_bare, &b);
        rate = flops / (bench_now() - start) * 1e-9;
        if (rate > best) best = rate;
    }
    return best;
}

static void time_images(result *r, const settings *s, clipspan_encoder *e, float *out)
{
    clipspan_error err;
    uint8_t *pixels = cs_alloc(s->batch, e->pixels, "pixels", NULL);
    uint32_t seed = 1;
    size_t i;
    int run;
    if (!pixels) exit(1);
    for (i = 0; i < s->batch * e->pixels; i++) {
        seed = seed * 1664525U + 1013904223U;
        pixels[i] = (uint8_t)(seed >> 24);
    }
    for (run = -1; run < s->runs; run++) {
        double start = bench_now();
        stop_on(clipspan_encoder_run_pixels(out, e, pixels, s->batch, &err), &err);
        if (run >= 0) r->seconds[run] = bench_now() - start;
    }
    cs_free(pixels);
}

static void time_texts(result *r, const settings *s, clipspan_encoder *e,
                       const clipspan_texts *texts, float *out)
{
    clipspan_error err;
    int run;
    for (run = -1; run < s->runs; run++) {
        double start = bench_now();
        stop_on(clipspan_encoder_run_texts(out, e, texts, NULL, &err), &err);
        if (run >= 0) r->seconds[run] = bench_now() - start;
    }
}

static void print(const result *r, const settings *s, const clipspan_encoder *e)
{
    double least = r->seconds[0] / (double)r->items * 1e3;
    double median = r->seconds[s->runs / 2] / (double)r->items * 1e3;
    double rate = r->flops > 0 ? r->flops / (least * 1e-3) * 1e-9 : 0;
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    if (s->json) {
        printf(
            "{\"model\": \"%s\", \"tower\": \"%s\", \"precision\": \"%s\", \"batch\": %zu, "
            "\"threads\": %d, \"level\": \"%s\", \"product\": \"%s\", \"ms_per_item_min\": %.4f, "
            "\"ms_per_item_median\": %.4f, \"gflops\": %.1f, \"peak_gflops\": %.1f, "
            "\"product_gflops\": %.1f, \"weights_mb\": %.1f, \"workspace_mb\": %.1f, "
            "\"peak_memory_mb\": %.1f}\n",
            e->model->info.name, e->texts ? "text" : "image",
            s->encoder.precision == CLIPSPAN_BF16 ? "bf16" : "f32", r->items, e->options.threads,
            clipspan_cpu_level(), clipspan_product_name(), least, median, rate, r->peak,
            r->products, (double)clipspan_encoder_get_weights(e) / 1e6,
            (double)clipspan_encoder_get_workspace(e) / 1e6, (double)use.ru_maxrss / 1e3);
        return;
    }
    printf("%s, %s tower, %s, %zu at a time, %d threads, %s, %s\n", e->model->info.name,
           e->texts ? "text" : "image", s->encoder.precision == CLIPSPAN_BF16 ? "bf16" : "f32",
           r->items, e->options.threads, clipspan_cpu_level(), clipspan_product_name());
    printf("  %.3f ms each (median %.3f)\n", least, median);
    if (rate > 0) printf("  %.1f GFLOP/s", rate);
    if (rate > 0 && r->peak > 0)
        printf(", %.0f %% of the FMA peak %.1f", 100 * rate / r->peak, r->peak);
    printf("%s%.0f %% of the bare products' %.1f\n",
           rate > 0 ? ", " : "  bare products: ", rate > 0 ? 100 * rate / r->products : 100.0,
           r->products);
    printf("  weights %.1f MB, workspace %.1f MB, process at most %.1f MB\n",
           (double)clipspan_encoder_get_weights(e) / 1e6,
           (double)clipspan_encoder_get_workspace(e) / 1e6, (double)use.ru_maxrss / 1e3);
}

static const char *value(int argc, char **argv, int *i)
{
    if (*i + 1 >= argc) {
        fprintf(stderr, "bench_encoders: %s needs a value\n", argv[*i]);
        exit(2);
    }
    return argv[++*i];
}

static void parse(settings *s, int argc, char **argv)
{
    static const clipspan_encoder_options defaults = CLIPSPAN_ENCODER_OPTIONS_INIT;
    int i;
    memset(s, 0, sizeof *s);
    s->encoder = defaults;
    s->batch = 1;
    s->runs = 9;
    for (i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--tower"))
            s->encoder.modality =
                strcmp(value(argc, argv, &i), "text") ? CLIPSPAN_IMAGE : CLIPSPAN_TEXT;
        else if (!strcmp(argv[i], "--precision"))
            s->encoder.precision =
                strcmp(value(argc, argv, &i), "bf16") ? CLIPSPAN_F32 : CLIPSPAN_BF16;
        else if (!strcmp(argv[i], "--batch"))
            s->batch = strtoul(value(argc, argv, &i), NULL, 10);
        else if (!strcmp(argv[i], "--runs"))
            s->runs = atoi(value(argc, argv, &i));
        else if (!strcmp(argv[i], "--threads"))
            s->encoder.threads = atoi(value(argc, argv, &i));
        else if (!strcmp(argv[i], "--texts"))
            s->texts = value(argc, argv, &i);
        else if (!strcmp(argv[i], "--json"))
            s->json = 1;
        else if (argv[i][0] != '-' && !s->model)
            s->model = argv[i];
        else {
            fprintf(stderr, "bench_encoders: unknown argument %s\n", argv[i]);
            exit(2);
        }
    }
    if (!s->model || s->runs < 1) {
        fprintf(stderr, "usage: bench_encoders MODEL [--tower image|text] [--precision f32|bf16] "
                        "[--batch N] [--runs R] [--threads N] [--texts FILE] [--json]\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    settings s;
    result r = {0};
    clipspan_error err;
    clipspan_model *model = NULL;
    clipspan_encoder *encoder = NULL;
    clipspan_texts *texts = NULL;
    float *out;
    parse(&s, argc, argv);
    if (s.encoder.modality == CLIPSPAN_TEXT) {
        stop_on(clipspan_texts_open(&texts, s.texts ? s.texts : "openai", &err), &err);
        r.items = clipspan_texts_get_count(texts);
    } else {
        r.items = s.batch;
        s.encoder.single = s.batch == 1;
    }
    stop_on(clipspan_model_open(&model, s.model, NULL, &err), &err);
    stop_on(clipspan_encoder_new(&encoder, model, &s.encoder, &err), &err);
    out = cs_alloc(r.items * encoder->P, sizeof *out, "embeddings", NULL);
    r.seconds = cs_alloc((size_t)s.runs, sizeof *r.seconds, "times", NULL);
    if (!out || !r.seconds) return 1;
    if (texts)
        time_texts(&r, &s, encoder, texts, out);
    else
        time_images(&r, &s, encoder, out);
    qsort(r.seconds, (size_t)s.runs, sizeof *r.seconds, compare);
    if (!texts) r.flops = image_flops(&model->info);
    r.products = product_rate(encoder, texts ? CS_TEXT_ROWS : (size_t)model->info.tokens);
    r.peak = s.encoder.precision == CLIPSPAN_BF16
                 ? bench_peak_bf16(encoder->options.threads, 5)
                 : bench_peak(cs_simd_best()->level, encoder->options.threads, 5);
    print(&r, &s, encoder);
    cs_free(out);
    cs_free(r.seconds);
    clipspan_texts_free(&texts);
    clipspan_encoder_free(&encoder);
    clipspan_model_close(&model);
    return 0;
}
