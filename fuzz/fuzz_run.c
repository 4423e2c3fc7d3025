/* SPDX-License-Identifier: MIT */
/* Run folders: mutants of a tiny merged run. The input is a list of edits of 8 bytes: file, kind,
 * place (3 bytes), value (3 bytes). Every file of the run is written anew for each input; then all
 * that a reader asks is asked. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "base/memory.h"
#include "fuzz.h"
#include "run/run_open.h"

#include <clipspan/clipspan.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES 32
#define EDITS 16

static struct {
    char *name;
    uint8_t *bytes;
    size_t size;
} files[FILES];
static size_t file_count;
static char run_path[4096];

static void require(clipspan_status status, const clipspan_error *err)
{
    fuzz_check(status == CLIPSPAN_OK, err->message);
}

static int keep_file(const char *path, const struct stat *facts, int kind, struct FTW *place)
{
    FILE *file;
    (void)place;
    if (kind != FTW_F || file_count == FILES) return 0;
    files[file_count].name = strdup(path);
    files[file_count].size = (size_t)facts->st_size;
    files[file_count].bytes = malloc((size_t)facts->st_size + 1);
    file = fopen(path, "rb");
    fuzz_check(file && files[file_count].name && files[file_count].bytes &&
                   fread(files[file_count].bytes, 1, files[file_count].size, file) ==
                       files[file_count].size,
               path);
    fclose(file);
    file_count++;
    return 0;
}

/* The run of the three small images of the tests. */
static void make_run(void)
{
    static const char *const images[] = {FUZZ_SOURCE "/tests/image/data/rgb.png",
                                         FUZZ_SOURCE "/tests/image/data/420.jpg",
                                         FUZZ_SOURCE "/tests/image/data/grey.png"};
    clipspan_plan_options plan = CLIPSPAN_PLAN_OPTIONS_INIT;
    clipspan_scan_options scan = CLIPSPAN_SCAN_OPTIONS_INIT;
    clipspan_inputs *inputs;
    clipspan_model *model;
    clipspan_error err;
    snprintf(run_path, sizeof run_path, "%s/run", fuzz_folder());
    require(clipspan_model_open(&model, FUZZ_SOURCE "/tests/golden/openclip-odd", NULL, &err),
            &err);
    require(clipspan_inputs_open(&inputs, images, 3, NULL, &err), &err);
    require(clipspan_run_plan(NULL, run_path, model, inputs, &plan, NULL, &err), &err);
    scan.threads = 1;
    require(clipspan_run_scan(NULL, run_path, model, &scan, NULL, &err), &err);
    require(clipspan_run_merge(run_path, NULL, &err), &err);
    clipspan_inputs_close(&inputs);
    clipspan_model_close(&model);
    nftw(run_path, keep_file, 8, FTW_PHYS);
    fuzz_check(file_count > 2, "a run has files");
}

/* One edit of the bytes that are about to be written; returns their new size. */
static size_t edit(uint8_t *bytes, size_t size, const uint8_t *e)
{
    const size_t at = size ? (e[2] | (size_t)e[3] << 8 | (size_t)e[4] << 16) % size : 0;
    if (!size) return 0;
    switch (e[1] % 4) {
    case 0: bytes[at] = e[5]; break;
    case 1: return at; /* cut */
    case 2:            /* a field of a file's own format */
        memcpy(bytes + at, e + 5, size - at < 3 ? size - at : 3);
        break;
    default: bytes[at] ^= (uint8_t)(1U << (e[5] & 7U)); break;
    }
    return size;
}

static void write_run(const uint8_t *data, size_t size)
{
    for (size_t f = 0; f < file_count; f++) {
        size_t left = files[f].size;
        uint8_t *bytes = malloc(left + 1);
        FILE *file;
        int gone = 0;
        fuzz_check(bytes != NULL, "memory");
        memcpy(bytes, files[f].bytes, left);
        for (size_t i = 0; i + 8 <= size && i < 8 * (size_t)EDITS; i += 8) {
            if (data[i] % file_count != f) continue;
            gone |= data[i + 1] == 255;
            left = edit(bytes, left, data + i);
        }
        unlink(files[f].name);
        file = gone ? NULL : fopen(files[f].name, "wb");
        fuzz_check(gone || (file && fwrite(bytes, 1, left, file) == left), files[f].name);
        if (file) fclose(file);
        free(bytes);
    }
}

static clipspan_status see_image(void *context, const cs_image_row *row, clipspan_error *err)
{
    (void)context;
    (void)row;
    (void)err;
    return CLIPSPAN_OK;
}

static clipspan_status see_name(void *context, const char *name, clipspan_error *err)
{
    (void)context;
    (void)err;
    fuzz_check(name != NULL, "a result has a name");
    return CLIPSPAN_OK;
}

static void read_chunk(const cs_run *run, cs_shape shape)
{
    cs_run_chunk chunk;
    double *y = cs_alloc(CS_CHUNK, sizeof *y * 4096, "coefficients", NULL);
    float *wide = cs_alloc(CS_CHUNK, sizeof *wide * 4096, "vectors", NULL);
    fuzz_check(y && wide, "memory");
    if (cs_run_chunk_open(&chunk, run, 0, NULL) == CLIPSPAN_OK && shape.C <= 4096 &&
        shape.P <= 4096) {
        fuzz_check(chunk.count <= CS_CHUNK, "a chunk has a ceiling");
        (void)cs_run_chunk_coefficients(y, &chunk, 0, 0, NULL);
        (void)cs_run_chunk_embedding(wide, &chunk, NULL);
    }
    cs_run_chunk_fini(&chunk);
    cs_free(y);
    cs_free(wide);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cs_run *run = NULL;
    clipspan_error err;
    if (!file_count) make_run();
    write_run(data, size);
    if (cs_run_open(&run, run_path, &err) == CLIPSPAN_OK) {
        const cs_shape shape = cs_run_shape(run);
        double *stats;
        cs_run_images(run, 0, 100, see_image, NULL, NULL);
        stats = cs_alloc(cs_head_stats_size(shape), sizeof *stats, "statistics", NULL);
        if (stats) {
            (void)cs_run_statistics(stats, run, NULL);
            (void)cs_run_block(stats, run, 0, NULL);
        }
        cs_free(stats);
        read_chunk(run, shape);
        (void)cs_run_result_names(run, "atlas", see_name, NULL, NULL);
    } else {
        fuzz_check(err.message[0] != '\0', "an error has a sentence");
    }
    cs_run_close(&run);
    return 0;
}
