/* SPDX-License-Identifier: MIT */
/* Time of effects on a run that is there: opening, one ablation from the open run, the same again,
 * and every head alone.
 *
 *     bench_effects RUN [--classes 2] [--heads 6] [--runs 10] [--threads 0]
 *
 * Classes are random unit vectors: what they are does not change the time. */
#include <clipspan/clipspan.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/random.h"

typedef struct scene {
    const char *path;
    int classes, heads, runs, threads;
    clipspan_run *run;
    clipspan_bank *bank;
    clipspan_effects *effects;
    clipspan_change *changes;
    clipspan_edit *edits;
    uint32_t *predicted;
} scene;

static void must(clipspan_status status, const clipspan_error *err)
{
    if (status == CLIPSPAN_OK) return;
    fprintf(stderr, "bench_effects: %s\n", err->message);
    exit(1);
}

static void *taken(void *memory)
{
    if (memory) return memory;
    fprintf(stderr, "bench_effects: out of memory\n");
    exit(1);
}

static double now(void)
{
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void make_bank(scene *s)
{
    const size_t P = (size_t)clipspan_run_get_info(s->run)->embed_width;
    const size_t count = (size_t)s->classes;
    float *vectors = taken(cs_alloc(count * P, sizeof *vectors, "classes", NULL));
    const char **names = taken(cs_alloc(count, sizeof *names, "classes", NULL));
    clipspan_texts *texts;
    clipspan_error err;
    cs_random dice = {1};
    for (size_t c = 0; c < count; c++) {
        double length = 0.0;
        names[c] = "class";
        for (size_t p = 0; p < P; p++) {
            vectors[c * P + p] = (float)(cs_random_next(&dice) >> 40) * 0x1p-24F - 0.5F;
            length += (double)vectors[c * P + p] * (double)vectors[c * P + p];
        }
        for (size_t p = 0; p < P; p++)
            vectors[c * P + p] = (float)((double)vectors[c * P + p] / sqrt(length));
    }
    must(clipspan_texts_new(&texts, names, NULL, count, &err), &err);
    must(clipspan_bank_new_vectors(&s->bank, texts, vectors, P, &err), &err);
    clipspan_texts_free(&texts);
    cs_free(names);
    cs_free(vectors);
}

static void open_effects(scene *s)
{
    clipspan_effects_options options = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_error err;
    options.threads = s->threads;
    clipspan_effects_free(&s->effects);
    must(clipspan_effects_new(&s->effects, s->run, s->bank, &options, NULL, &err), &err);
}

static double run_edits(scene *s, size_t count)
{
    const double start = now();
    clipspan_error err;
    must(clipspan_effects_run(s->predicted, NULL, NULL, s->effects, NULL, s->edits, count, NULL,
                              &err),
         &err);
    return now() - start;
}

/* The first `heads` heads of the last layer in one edit, or every head in an edit of its own. */
static size_t set_edits(scene *s, int each)
{
    const clipspan_run_info *info = clipspan_run_get_info(s->run);
    const int all = info->layers * info->heads;
    for (int i = 0; i < all; i++) {
        s->changes[i] = (clipspan_change){.layer = i / info->heads, .head = i % info->heads};
        s->edits[i] = (clipspan_edit){s->changes + i, 1};
    }
    if (each) return (size_t)all;
    s->edits[0] = (clipspan_edit){s->changes + all - info->heads,
                                  (size_t)(s->heads < info->heads ? s->heads : info->heads)};
    return 1;
}

static void report(const char *what, double *ms, int runs)
{
    for (int i = 1; i < runs; i++)
        for (int k = i; k > 0 && ms[k] < ms[k - 1]; k--) {
            const double kept = ms[k];
            ms[k] = ms[k - 1];
            ms[k - 1] = kept;
        }
    printf("%-44s min %9.2f ms   median %9.2f ms\n", what, ms[0], ms[runs / 2]);
}

static void measure(scene *s)
{
    double ms[4][1000], start;
    for (int r = 0; r < s->runs; r++) {
        start = now();
        open_effects(s);
        ms[0][r] = now() - start;
        ms[1][r] = run_edits(s, set_edits(s, 0));
        ms[2][r] = run_edits(s, set_edits(s, 0));
        start = now();
        open_effects(s);
        run_edits(s, set_edits(s, 1));
        ms[3][r] = now() - start;
    }
    report("effects opened on an open run", ms[0], s->runs);
    report("one ablation, terms read for the first time", ms[1], s->runs);
    report("one ablation, terms kept", ms[2], s->runs);
    report("effects opened, every head alone", ms[3], s->runs);
}

int main(int argc, char **argv)
{
    scene s = {NULL, 2, 6, 10, 0, NULL, NULL, NULL, NULL, NULL, NULL};
    const struct {
        const char *name;
        int *value;
    } options[] = {{"--classes", &s.classes},
                   {"--heads", &s.heads},
                   {"--runs", &s.runs},
                   {"--threads", &s.threads}};
    const clipspan_run_info *info;
    clipspan_error err;
    size_t all;
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < 4 && strcmp(argv[i], options[k].name) != 0)
            k++;
        if (k < 4 && i + 1 < argc)
            *options[k].value = atoi(argv[++i]);
        else
            s.path = argv[i];
    }
    if (!s.path || s.classes < 2 || s.runs < 1 || s.runs > 1000) {
        fprintf(stderr,
                "usage: bench_effects RUN [--classes N] [--heads N] [--runs N] [--threads N]\n");
        return 2;
    }
    must(clipspan_run_open(&s.run, s.path, &err), &err);
    info = clipspan_run_get_info(s.run);
    all = (size_t)info->layers * (size_t)info->heads;
    s.changes = taken(cs_alloc(all, sizeof *s.changes, "edits", NULL));
    s.edits = taken(cs_alloc(all, sizeof *s.edits, "edits", NULL));
    s.predicted =
        taken(cs_alloc(all * (size_t)info->used, sizeof *s.predicted, "predictions", NULL));
    printf("%llu images, %d x %d heads of width %d, %d classes, %d threads\n",
           (unsigned long long)info->used, info->layers, info->heads, info->head_width, s.classes,
           s.threads ? s.threads : clipspan_default_threads());
    make_bank(&s);
    measure(&s);
    clipspan_effects_free(&s.effects);
    clipspan_bank_free(&s.bank);
    clipspan_run_close(&s.run);
    cs_free(s.changes);
    cs_free(s.edits);
    cs_free(s.predicted);
    return 0;
}
