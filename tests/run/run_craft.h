/* SPDX-License-Identifier: MIT */
/* Small models, small images and whole runs for the tests of src/run/. */
#ifndef CLIPSPAN_TESTS_RUN_RUN_CRAFT_H
#define CLIPSPAN_TESTS_RUN_RUN_CRAFT_H

#include "run/chunk_tree.h"

#include <clipspan/clipspan.h>

/* A model, 24 images of noise in folder/pics, and folder/list.csv with `rows` lines that name
 * them in turn: path, label (l0 … l4), place (east or west). */
typedef struct run_craft {
    char *folder, *model_path, *list;
    clipspan_model *model;
    clipspan_inputs *inputs;
} run_craft;

void run_craft_init(run_craft *craft, size_t rows);
void run_craft_fini(run_craft *craft);

/* folder/name, removed if it is there. Given back with free. */
char *run_craft_path(const run_craft *craft, const char *name);

/* Plans, scans and merges; the test fails when any of it does. threads 0: default. */
void run_craft_plan(const run_craft *craft, const char *path, clipspan_coefficients coefficients);
void run_craft_scan(const run_craft *craft, const char *path, int threads, uint64_t shard,
                    uint64_t shards);
void run_craft_merge(const char *path);

/* SHA-256 over everything that a merged run holds: all array files and all rows of the index. */
void run_craft_digest(char out[65], const char *path);

/* `path`/`name` cut to half its bytes. */
void run_craft_damage(const char *path, const char *name);

#endif
