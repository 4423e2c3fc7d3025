/* SPDX-License-Identifier: MIT */
/* Which images of a run are like one of them, by what some heads wrote?
 *
 *     04_search RUN INDEX LAYER HEAD [LAYER HEAD]...
 *
 * INDEX: of the image in the list that the run was made of, from 0. */
#include <clipspan/clipspan.h>

#include <stdio.h>
#include <stdlib.h>

#define HEADS 8

/* Each hit with its score and the head that gave most to it. */
static void show(const clipspan_hits *hits)
{
    const clipspan_hits_info *info = clipspan_hits_get_info(hits);
    size_t i;
    for (i = 0; i < info->hits; i++) {
        const clipspan_hits_row *row = clipspan_hits_get_row(hits, i);
        printf("%6.3f  %s  (L%d.H%d gives %.3f)\n", row->score, row->path,
               row->contributions[0].head.layer, row->contributions[0].head.head,
               row->contributions[0].contribution);
    }
}

int main(int argc, char **argv)
{
    clipspan_hits_options o = CLIPSPAN_HITS_OPTIONS_INIT;
    clipspan_error err = {0};
    clipspan_run *run = NULL;
    clipspan_query *query = NULL;
    clipspan_hits *hits = NULL;
    clipspan_head heads[HEADS];
    size_t count = argc > 4 ? (size_t)(argc - 3) / 2 : 0, i;
    clipspan_status failed;
    if (count < 1 || count > HEADS) {
        fprintf(stderr, "04_search RUN INDEX LAYER HEAD [LAYER HEAD]...\n");
        return 2;
    }
    for (i = 0; i < count; i++) {
        heads[i].layer = (int)strtol(argv[3 + 2 * i], NULL, 10);
        heads[i].head = (int)strtol(argv[4 + 2 * i], NULL, 10);
    }
    o.top = 5;
    failed = clipspan_run_open(&run, argv[1], &err);
    if (!failed) failed = clipspan_query_new(&query, run, NULL, &err);
    if (!failed) failed = clipspan_query_add_heads(query, "heads", heads, count, 1.0, &err);
    if (!failed) failed = clipspan_query_add_stored(query, strtoull(argv[2], NULL, 10), 1.0, &err);
    if (!failed) failed = clipspan_hits_new(&hits, query, &o, NULL, &err);
    if (!failed) show(hits);
    if (failed) fprintf(stderr, "%s\n", err.message);
    clipspan_hits_free(&hits);
    clipspan_query_free(&query);
    clipspan_run_close(&run);
    return failed != CLIPSPAN_OK;
}
