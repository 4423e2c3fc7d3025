/* SPDX-License-Identifier: MIT */
/* Which pictures of a run are like one of them, by what some heads wrote?
 *
 *     04_search RUN PICTURE-NUMBER LAYER HEAD [LAYER HEAD]... */
#include <clipspan/clipspan.h>

#include <stdio.h>
#include <stdlib.h>

#define HEADS 8

/* What each head wrote for the picture at `place`: query : [count, P], from its kept code. */
static clipspan_status ask(float *query, const clipspan_run *run, uint64_t place,
                           const clipspan_head *heads, size_t count, clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(run);
    const size_t P = (size_t)info->embed_width, C = (size_t)info->head_width + 3;
    double *y = malloc(32 * C * sizeof *y);
    float *rows = malloc(C * P * sizeof *rows);
    clipspan_status failed = y && rows ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    uint64_t places[32];
    size_t got = 0, at, h, c, p;
    for (h = 0; h < count && !failed; h++) {
        failed = clipspan_run_read_codes(y, places, &got, run, place / 32, heads[h].layer,
                                         heads[h].head, err);
        if (!failed)
            failed = clipspan_run_read_basis(rows, run, heads[h].layer, heads[h].head, err);
        for (at = 0; at < got && places[at] != place;)
            at++;
        if (!failed && at == got) failed = CLIPSPAN_E_NOT_FOUND; /* it was skipped */
        for (p = 0; p < P && !failed; p++) {
            double sum = 0.0;
            for (c = 0; c < C; c++)
                sum += y[at * C + c] * (double)rows[c * P + p];
            query[h * P + p] = (float)sum;
        }
    }
    free(y);
    free(rows);
    return failed;
}

static int print_path(void *user, const clipspan_run_picture *picture)
{
    printf("%6.3f  %s\n", *(const double *)user, picture->path);
    return 0;
}

/* The five best, one after another. */
static clipspan_status show(const clipspan_run *run, const clipspan_search *search, double *scores,
                            clipspan_error *err)
{
    const size_t count = clipspan_search_get_count(search);
    clipspan_status failed = CLIPSPAN_OK;
    size_t shown, i;
    for (shown = 0; shown < 5 && shown < count && !failed; shown++) {
        size_t best = 0;
        for (i = 1; i < count; i++)
            if (scores[i] > scores[best]) best = i;
        failed = clipspan_run_read_pictures(run, clipspan_search_get_places(search)[best], 1,
                                            print_path, &scores[best], err);
        scores[best] = -2.0; /* below every cosine */
    }
    return failed;
}

int main(int argc, char **argv)
{
    clipspan_search_options o = CLIPSPAN_SEARCH_OPTIONS_INIT;
    clipspan_error err = {0};
    clipspan_search *search = NULL;
    clipspan_run *run = NULL;
    clipspan_head heads[HEADS];
    double *scores = NULL;
    float *query = NULL;
    size_t count = argc > 4 ? (size_t)(argc - 3) / 2 : 0, i;
    clipspan_status failed;
    if (count < 1 || count > HEADS) {
        fprintf(stderr, "04_search RUN PICTURE-NUMBER LAYER HEAD [LAYER HEAD]...\n");
        return 2;
    }
    for (i = 0; i < count; i++) {
        heads[i].layer = (int)strtol(argv[3 + 2 * i], NULL, 10);
        heads[i].head = (int)strtol(argv[4 + 2 * i], NULL, 10);
    }
    o.heads = heads;
    o.head_count = count;
    failed = clipspan_run_open(&run, argv[1], &err);
    if (!failed) failed = clipspan_search_new(&search, run, &o, NULL, &err);
    if (!failed) {
        query = malloc(count * (size_t)clipspan_run_get_info(run)->embed_width * sizeof *query);
        scores = malloc((clipspan_search_get_count(search) + 1) * sizeof *scores);
        failed = query && scores ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    }
    if (!failed) failed = ask(query, run, strtoull(argv[2], NULL, 10), heads, count, &err);
    if (!failed) failed = clipspan_search_run(scores, search, query, 0, &err);
    if (!failed) failed = show(run, search, scores, &err);
    if (failed) fprintf(stderr, "%s\n", *err.message ? err.message : "the picture was skipped");
    free(query);
    free(scores);
    clipspan_search_free(&search);
    clipspan_run_close(&run);
    return failed != CLIPSPAN_OK;
}
