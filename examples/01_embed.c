/* SPDX-License-Identifier: MIT */
/* 01_embed MODEL IMAGE   The program that opens clipspan.h. Against an installed library:
 *     cc examples/01_embed.c $(pkg-config --cflags --libs clipspan) -o 01_embed */
#include <clipspan/clipspan.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    clipspan_error err;
    clipspan_model *model = NULL;
    clipspan_encoder *encoder = NULL;
    clipspan_encoder_options opt = CLIPSPAN_ENCODER_OPTIONS_INIT;
    float embedding[4096];
    const char *path = argv[argc - 1];
    int failed = clipspan_model_open(&model, argv[1], NULL, &err);
    opt.single = 1;
    if (!failed) failed = clipspan_encoder_new(&encoder, model, &opt, &err);
    if (!failed) failed = clipspan_encoder_run_files(embedding, NULL, encoder, &path, 1, &err);
    if (failed)
        fprintf(stderr, "%s\n", err.message);
    else
        printf("first number of the unit embedding: %g\n", (double)embedding[0]);
    clipspan_encoder_free(&encoder);
    clipspan_model_close(&model);
    return failed != CLIPSPAN_OK;
}
