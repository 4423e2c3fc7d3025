/* SPDX-License-Identifier: MIT */
/* Studies of the base build, as a page in a browser would run them: a run from arrays, its
 * statistics, TEXTSPAN, effects, an evaluation, an ablation, a remedy and a search, each against
 * the same figure worked out here. */
#include <clipspan/clipspan.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { L = 2, H = 2, K = 3, C = K + 3, P = 6, B = 90, TEXTS = 30 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, err.message);               \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static float z[L * H * B * K], embeddings[B * P], mlp[(L + 1) * B * P], self[L * B * P];
static float maps[L * H * C * P];
static double scale[B * 3];
static const char *labels[B], *groups[B];
static float classes[2 * P];
static int32_t right[B];

/* Contributions of heads, worked out here: [B, L H, P]. */
static double heads[B][L * H][P];

static double draw(void)
{
    static uint32_t seed = 5;
    seed = seed * 1664525U + 1013904223U;
    return (double)(seed >> 8) / 8388608.0 - 1.0;
}

static void fill(float *to, size_t count, double spread)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (float)(spread * draw());
}

/* y of a head: z times the scale of the last LayerNorm, and what does not depend on the head. */
static void contribute(double out[P], size_t head, size_t image)
{
    const float *A = maps + head * C * P, *mixed = z + (head * B + image) * K;
    const double *s = scale + 3 * image;
    for (int p = 0; p < P; p++) {
        out[p] = s[0] * (double)A[K * P + p] + s[1] * (double)A[(K + 1) * P + p] +
                 s[2] * (double)A[(K + 2) * P + p];
        for (int k = 0; k < K; k++)
            out[p] += s[0] * (double)mixed[k] * (double)A[k * P + p];
    }
}

/* Numbers that a model could have left: contributions add up to unit embeddings. */
static void make_arrays(void)
{
    fill(z, sizeof z / sizeof *z, 1.0);
    fill(mlp, sizeof mlp / sizeof *mlp, 0.5);
    fill(self, sizeof self / sizeof *self, 0.2);
    fill(maps, sizeof maps / sizeof *maps, 0.5);
    fill(classes, 2 * P, 1.0);
    for (size_t i = 0; i < B; i++) {
        double sum[P] = {0}, length = 0.0, score[2] = {0};
        for (int k = 0; k < 3; k++)
            scale[3 * i + (size_t)k] = 1.0 + 0.2 * draw();
        for (size_t h = 0; h < (size_t)(L * H); h++) {
            contribute(heads[i][h], h, i);
            for (int p = 0; p < P; p++)
                sum[p] += heads[i][h][p];
        }
        for (size_t l = 0; l <= L; l++)
            for (int p = 0; p < P; p++)
                sum[p] += (double)mlp[(l * B + i) * P + (size_t)p];
        for (int p = 0; p < P; p++)
            length += sum[p] * sum[p];
        length = sqrt(length);
        for (int k = 0; k < 3; k++)
            scale[3 * i + (size_t)k] /= length;
        for (size_t h = 0; h < (size_t)(L * H); h++)
            contribute(heads[i][h], h, i);
        for (size_t l = 0; l <= L; l++)
            for (int p = 0; p < P; p++)
                mlp[(l * B + i) * P + (size_t)p] /= (float)length;
        for (int p = 0; p < P; p++) {
            embeddings[i * P + (size_t)p] = (float)(sum[p] / length);
            for (int c = 0; c < 2; c++)
                score[c] += sum[p] / length * (double)classes[c * P + p];
        }
        /* right for two images of three */
        right[i] = (score[1] > score[0]) != (i % 3 == 0);
        labels[i] = right[i] ? "duck" : "hen";
        groups[i] = i % 2 ? "land" : "water";
    }
}

static clipspan_run_arrays arrays(void)
{
    clipspan_run_arrays a = CLIPSPAN_RUN_ARRAYS_INIT;
    a.layers = L;
    a.heads = H;
    a.head_width = K;
    a.embed_width = P;
    a.images = B;
    a.z = z;
    a.scale = scale;
    a.embeddings = embeddings;
    a.mlp = mlp;
    a.class_attention = self;
    a.output_maps = maps;
    a.labels = labels;
    a.groups = groups;
    a.model = "made up";
    return a;
}

/* Mean contribution of a head over all images. */
static void average(double out[P], size_t head)
{
    for (int p = 0; p < P; p++) {
        out[p] = 0.0;
        for (size_t i = 0; i < B; i++)
            out[p] += heads[i][head][p] / B;
    }
}

/* Images whose label scores highest, with a head (-1: none) at its mean. */
static uint64_t count_right(int head)
{
    double mean[P];
    uint64_t count = 0;
    if (head >= 0) average(mean, (size_t)head);
    for (size_t i = 0; i < B; i++) {
        double margin = 0.0;
        for (int p = 0; p < P; p++) {
            double x = (double)embeddings[i * P + (size_t)p];
            if (head >= 0) x += mean[p] - heads[i][head][p];
            margin += x * (double)(classes[P + p] - classes[p]);
        }
        count += (margin > 0.0) == (right[i] == 1);
    }
    return count;
}

static int make_bank(clipspan_bank **bank, const char *const *names, const float *vectors,
                     size_t count)
{
    clipspan_texts *texts;
    clipspan_error err;
    CHECK(clipspan_texts_new(&texts, names, NULL, count, &err) == CLIPSPAN_OK);
    CHECK(clipspan_bank_new_vectors(bank, texts, vectors, P, &err) == CLIPSPAN_OK);
    clipspan_texts_free(&texts);
    return 0;
}

/* ---- The studies ---- */

static int test_statistics(const clipspan_run *run)
{
    clipspan_variance_share by_head[L * H], by_layer[L], by_mlp[L + 1];
    double count, mean[C], written[P] = {0}, expected[P], sum = 0.0;
    float A[C * P];
    clipspan_error err;
    CHECK(clipspan_run_get_info(run)->used == B);
    CHECK(clipspan_run_read_head(&count, mean, NULL, run, -1, 1, 1, &err) == CLIPSPAN_OK);
    CHECK(clipspan_run_read_output_map(A, run, 1, 1, &err) == CLIPSPAN_OK);
    CHECK(count == B);
    average(expected, 3);
    for (int p = 0; p < P; p++) {
        for (int c = 0; c < C; c++)
            written[p] += mean[c] * (double)A[c * P + p];
        CHECK(fabs(written[p] - expected[p]) < 1e-6);
    }
    CHECK(clipspan_run_read_variance_shares(by_head, by_layer, by_mlp, NULL, run, &err) ==
          CLIPSPAN_OK);
    for (int h = 0; h < L * H; h++)
        sum += by_head[h].share;
    for (int l = 0; l <= L; l++)
        sum += by_mlp[l].share;
    CHECK(fabs(sum - 1.0) < 1e-5);
    return 0;
}

static int test_span(const clipspan_run *run)
{
    static char words[TEXTS][16];
    static float vectors[TEXTS * P];
    const clipspan_head head = {1, 0};
    clipspan_span_options options = CLIPSPAN_SPAN_OPTIONS_INIT;
    const char *names[TEXTS];
    clipspan_span *span;
    clipspan_bank *pool;
    clipspan_error err;
    fill(vectors, TEXTS * P, 1.0);
    for (int t = 0; t < TEXTS; t++) {
        snprintf(words[t], sizeof words[t], "text %d", t);
        names[t] = words[t];
    }
    if (make_bank(&pool, names, vectors, TEXTS)) return 1;
    options.basis_texts = 3;
    CHECK(clipspan_span_new_run(&span, run, &head, 1, pool, &options, NULL, &err) == CLIPSPAN_OK);
    CHECK(clipspan_span_get_info(span)->basis_texts == 3);
    CHECK(clipspan_span_get_basis_texts(span)[0].text < TEXTS);
    CHECK(clipspan_span_get_info(span)->variance > 0.0);
    clipspan_span_free(&span);
    clipspan_bank_free(&pool);
    return 0;
}

static int test_effects(const clipspan_run *run, const clipspan_bank *bank)
{
    const clipspan_change change = {.layer = 0, .head = 1};
    const clipspan_edit edits[2] = {{NULL, 0}, {&change, 1}};
    static double scores[2][B][2];
    double mean[P];
    clipspan_effects *effects;
    clipspan_error err;
    average(mean, 1);
    CHECK(clipspan_effects_new(&effects, run, bank, NULL, NULL, &err) == CLIPSPAN_OK);
    CHECK(clipspan_effects_get_images(effects) == B);
    CHECK(clipspan_effects_run(NULL, NULL, &scores[0][0][0], effects, NULL, edits, 2, NULL, &err) ==
          CLIPSPAN_OK);
    for (size_t c = 0; c < 2; c++) { /* sums over images, which are in the run's order */
        double sum = 0.0, expected = 0.0, spread = 0.0;
        for (size_t i = 0; i < B; i++) {
            sum += scores[1][i][c];
            spread += fabs(scores[1][i][c] - scores[0][i][c]);
            for (int p = 0; p < P; p++)
                expected += (double)classes[c * P + (size_t)p] *
                            ((double)embeddings[i * P + (size_t)p] + mean[p] - heads[i][1][p]);
        }
        CHECK(fabs(sum - expected) < 1e-4 && spread > 1.0);
    }
    clipspan_effects_free(&effects);
    return 0;
}

static int test_studies(const clipspan_run *run, const clipspan_bank *bank)
{
    const clipspan_change change = {.layer = 0, .head = 1};
    clipspan_evaluation_options how = CLIPSPAN_EVALUATION_OPTIONS_INIT;
    clipspan_ablation_options options = CLIPSPAN_ABLATION_OPTIONS_INIT;
    clipspan_effects_options cues = CLIPSPAN_EFFECTS_OPTIONS_INIT;
    clipspan_evaluation *evaluation;
    clipspan_effects_table *table;
    clipspan_ablation *ablation;
    clipspan_remedy *remedy;
    const clipspan_comparison *all;
    float cue[P];
    clipspan_error err;
    fill(cue, P, 1.0);
    cues.cues = cue;
    cues.cue_count = 1;
    how.effects = &cues;
    CHECK(clipspan_evaluation_new(&evaluation, run, bank, &how, NULL, &err) == CLIPSPAN_OK);
    CHECK(clipspan_evaluation_get_info(evaluation)->groups == 2);
    CHECK(clipspan_evaluation_get_accuracy(evaluation)->correct == count_right(-1));
    CHECK(count_right(-1) == B - B / 3 && count_right(1) != count_right(-1));
    options.changes = &change;
    options.change_count = 1;
    CHECK(clipspan_ablation_new(&ablation, evaluation, &options, NULL, &err) == CLIPSPAN_OK);
    all = clipspan_ablation_get_overall(ablation);
    CHECK(all->before->correct == count_right(-1) && all->after->correct == count_right(1));
    CHECK(clipspan_ablation_get_random(ablation)->sets == 200);
    CHECK(clipspan_ablation_keep(ablation, run, NULL, &err) == CLIPSPAN_OK);
    clipspan_ablation_free(&ablation);
    CHECK(clipspan_ablation_open(&ablation, run, &err) == CLIPSPAN_OK);
    CHECK(clipspan_ablation_get_overall(ablation)->after->correct == count_right(1));
    clipspan_ablation_free(&ablation);
    CHECK(clipspan_effects_table_new(&table, evaluation, NULL, NULL, &err) == CLIPSPAN_OK);
    CHECK(clipspan_effects_table_get_row(table, 0)->correct == count_right(-1));
    clipspan_effects_table_free(&table);
    CHECK(clipspan_remedy_new(&remedy, evaluation, NULL, NULL, &err) == CLIPSPAN_OK);
    CHECK(clipspan_remedy_get_info(remedy)->pairs == 1);
    clipspan_remedy_free(&remedy);
    clipspan_evaluation_free(&evaluation);
    return 0;
}

static int test_search(const clipspan_run *run)
{
    clipspan_query *query;
    clipspan_hits *hits;
    clipspan_error err;
    size_t nearest = 0;
    double most = -2.0;
    for (size_t i = 0; i < B; i++) { /* by whole embeddings as they are */
        double score = 0.0;
        for (int p = 0; p < P; p++)
            score += (double)embeddings[i * P + (size_t)p] * (double)embeddings[17 * P + p];
        if (i != 17 && score > most) {
            most = score;
            nearest = i;
        }
    }
    clipspan_query_options options = CLIPSPAN_QUERY_OPTIONS_INIT;
    clipspan_hits_options others = CLIPSPAN_HITS_OPTIONS_INIT;
    options.compare = CLIPSPAN_COMPARE_PLAIN;
    others.others_only = 1;
    CHECK(clipspan_query_new(&query, run, &options, &err) == CLIPSPAN_OK);
    CHECK(clipspan_query_add_stored(query, 17, 1.0, &err) == CLIPSPAN_OK);
    CHECK(clipspan_hits_new(&hits, query, &others, NULL, &err) == CLIPSPAN_OK);
    CHECK(clipspan_hits_get_row(hits, 0)->index == nearest);
    CHECK(fabs(clipspan_hits_get_row(hits, 0)->score - most) < 1e-5);
    clipspan_hits_free(&hits);
    clipspan_query_free(&query);
    return 0;
}

int main(void)
{
    static const char *const names[2] = {"hen", "duck"};
    clipspan_run_arrays a;
    clipspan_bank *bank;
    clipspan_run *run;
    clipspan_error err = {0};
    make_arrays();
    a = arrays();
    CHECK(clipspan_run_open(&run, "run", &err) == CLIPSPAN_E_UNSUPPORTED);
    CHECK(strstr(err.message, "clipspan_run_new_arrays"));
    CHECK(clipspan_run_new_arrays(&run, &a, &err) == CLIPSPAN_OK);
    if (make_bank(&bank, names, classes, 2)) return 1;
    if (test_statistics(run) || test_span(run) || test_effects(run, bank) ||
        test_studies(run, bank) || test_search(run))
        return 1;
    clipspan_bank_free(&bank);
    clipspan_run_close(&run);
    return 0;
}
