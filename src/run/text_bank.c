/* SPDX-License-Identifier: MIT */
/* One safetensors file a pool: its vectors, and its texts so that other tools can read it. */
#include "run/text_bank.h"
#include "base/memory.h"
#include "formats/sha256.h"
#include "run/folder.h"
#include "run/part.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAMED 16 /* digits of the hash in the file's name */

void cs_text_bank_hash(char out[65], const struct clipspan_texts *texts)
{
    unsigned char digest[32];
    cs_sha256 hash;
    cs_sha256_init(&hash);
    for (size_t i = 0; i < texts->count; i++) {
        cs_sha256_add(&hash, texts->keys[i], strlen(texts->keys[i]) + 1);
        cs_sha256_add(&hash, texts->texts[i], strlen(texts->texts[i]) + 1);
    }
    cs_sha256_end(digest, &hash);
    cs_sha256_print(out, digest);
}

void cs_text_bank_control_hash(char out[65], const struct clipspan_texts *like, size_t pools,
                               uint64_t seed)
{
    unsigned char digest[32];
    char words[160], of[65];
    cs_sha256 hash;
    cs_text_bank_hash(of, like);
    snprintf(words, sizeof words, "control texts 1, %zu pools, seed %llu, for %s", pools,
             (unsigned long long)seed, of);
    cs_sha256_init(&hash);
    cs_sha256_add(&hash, words, strlen(words));
    cs_sha256_end(digest, &hash);
    cs_sha256_print(out, digest);
}

static void print_name(char out[CS_NAME_ROOM], const char *hash)
{
    snprintf(out, CS_NAME_ROOM, CS_RESULTS_FOLDER "/texts-%.*s.safetensors", NAMED, hash);
}

/* Whether the file is of this pool and this run. */
static int belongs(const cs_safetensors *file, const cs_run *run, const char *hash)
{
    const char *plan = cs_safetensors_note(file, "plan"),
               *texts = cs_safetensors_note(file, "texts_sha256");
    return plan && texts && strcmp(plan, cs_run_plan_id(run)) == 0 && strcmp(texts, hash) == 0;
}

static int read_vectors(float *vectors, const cs_safetensors *file, size_t count)
{
    const cs_tensor_entry *entry = cs_safetensors_find(file, "vectors");
    if (!entry || entry->count != count) return 0;
    if (cs_safetensors_read(vectors, file, entry, 0, count, NULL) != CLIPSPAN_OK) return 0;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(vectors[i])) return 0;
    return 1;
}

clipspan_status cs_text_bank_read(int *found, float *vectors, const cs_run *run, const char *hash,
                                  size_t T, clipspan_error *err)
{
    cs_safetensors *tensors = NULL;
    char name[CS_NAME_ROOM];
    cs_file *file;
    (void)err;
    *found = 0;
    if (!cs_run_has_folder(run)) return CLIPSPAN_OK;
    print_name(name, hash);
    if (cs_root_file(&file, cs_run_root(run), name, NULL) == CLIPSPAN_OK &&
        cs_safetensors_open_file(&tensors, file, CS_PART_HEADER_MOST, NULL) == CLIPSPAN_OK)
        *found =
            belongs(tensors, run, hash) && read_vectors(vectors, tensors, T * cs_run_shape(run).P);
    cs_safetensors_close(&tensors);
    return CLIPSPAN_OK;
}

/* "key<TAB>text<LF>" of every text. */
static char *join_lines(size_t *size, const struct clipspan_texts *texts, clipspan_error *err)
{
    char *lines, *put;
    *size = 0;
    for (size_t i = 0; i < texts->count; i++)
        *size += strlen(texts->keys[i]) + strlen(texts->texts[i]) + 2;
    put = lines = cs_alloc(*size + 1, 1, "the texts of a pool", err);
    for (size_t i = 0; lines && i < texts->count; i++)
        put += snprintf(put, *size + 1 - (size_t)(put - lines), "%s\t%s\n", texts->keys[i],
                        texts->texts[i]);
    return lines;
}

static clipspan_status write_file(const char *name, const cs_run *run, const char *hash,
                                  const struct clipspan_texts *texts, const float *vectors,
                                  clipspan_error *err)
{
    cs_safetensors_writer *w = NULL;
    const cs_part_plan plan = {.root = cs_run_root(run), .id = cs_run_plan_id(run)};
    uint64_t shape[2] = {texts->count, cs_run_shape(run).P}, bytes;
    size_t size;
    char *lines = join_lines(&size, texts, err);
    clipspan_status status;
    if (!lines) return CLIPSPAN_E_NOMEM;
    bytes = size;
    CS_TRY_DONE(cs_part_begin(&w, name, &plan, "texts", err));
    CS_TRY_DONE(cs_safetensors_writer_note(w, "texts_sha256", hash, err));
    CS_TRY_DONE(cs_safetensors_writer_add(w, "vectors", "F32", shape, 2, err));
    CS_TRY_DONE(cs_safetensors_writer_add(w, "lines", "U8", &bytes, 1, err));
    CS_TRY_DONE(cs_safetensors_writer_write(w, vectors,
                                            (size_t)(shape[0] * shape[1]) * sizeof *vectors, err));
    CS_TRY_DONE(cs_safetensors_writer_write(w, lines, size, err));
    CS_TRY_DONE(cs_safetensors_writer_finish(w, err));
done:
    cs_safetensors_writer_close(&w);
    cs_free(lines);
    return status;
}

clipspan_status cs_text_bank_write(const cs_run *run, const char *hash,
                                   const struct clipspan_texts *texts, const float *vectors,
                                   clipspan_error *err)
{
    char name[CS_NAME_ROOM];
    if (!cs_run_has_folder(run)) return CLIPSPAN_OK; /* whoever made it has the vectors */
    CS_TRY(cs_root_make_folder(cs_run_root(run), CS_RESULTS_FOLDER, err));
    print_name(name, hash);
    return write_file(name, run, hash, texts, vectors, err);
}
