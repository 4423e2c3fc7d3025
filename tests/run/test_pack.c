/* SPDX-License-Identifier: MIT */
/* Packs: whatever the order of chunks, shares and kills, the same bytes in the same files; every
 * finished chunk can be read at every moment, and what lies in a pack is what its chunks held. */
#define _XOPEN_SOURCE 700
#include "base/file.h"
#include "base/memory.h"
#include "formats/sha256.h"
#include "run/folder.h"
#include "run/pack.h"
#include "tiny.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CHUNKS 1100 /* two packs of the top level, three of level 5 in the second */
#define SHARES 4

static char *folder, *segment;
static cs_root *root;
static cs_part_plan plan; /* of a model that never was */
static cs_coefficients *coefficients;
static pthread_mutex_t coefficients_lock = PTHREAD_MUTEX_INITIALIZER;

static int set_up(void **state)
{
    (void)state;
    folder = cs_tiny_memory_folder();
    cs_tiny_write(folder, "segments/000/packs/.00-00000000.safetensors.1.0.part", "", 0);
    assert_int_equal(cs_root_open(&root, folder, NULL), 0);
    cs_folder_tidy(root);
    segment = cs_tiny_path(folder, "segments/000");
    plan = (cs_part_plan){.root = root,
                          .inside = "segments/000",
                          .path = segment,
                          .id = "0123",
                          .shape = {.L = 2, .H = 2, .K = 1, .D = 2, .N = 5, .P = 2, .C = 4},
                          .coefficients = CLIPSPAN_COEFFICIENTS_F16,
                          .layers = 2,
                          .contributions = 1,
                          .rows = 1,
                          .tree = cs_chunk_tree_of(CHUNKS * CS_CHUNK - 5)};
    assert_int_equal(cs_coefficients_new(&coefficients, plan.shape, CS_CHUNK, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cs_coefficients_free(&coefficients);
    cs_root_close(&root);
    cs_tiny_remove(&folder);
    free(segment);
    return 0;
}

/* What a chunk holds, made from its number: small integers, which halves keep. */
static float number_of(uint64_t chunk, size_t i)
{
    return (float)((chunk * 31 + i * 7) % 1009);
}

static void write_chunk(uint64_t chunk)
{
    const int places = cs_chunk_places(&plan.tree, chunk);
    uint8_t status[CS_CHUNK];
    clipspan_error errors[CS_CHUNK];
    memset(status, CS_IMAGE_NONE, sizeof status);
    memset(status, CS_IMAGE_OK, (size_t)places);
    for (size_t i = 0; i < 4 * CS_CHUNK; i++)
        coefficients->z[i] = number_of(chunk, i);
    for (size_t i = 0; i < 3 * CS_CHUNK; i++)
        coefficients->scale[i] = (double)number_of(chunk, 500 + i);
    for (size_t i = 0; i < 2 * CS_CHUNK; i++)
        coefficients->embedding[i] = number_of(chunk, 700 + i);
    if (chunk % 3 == 0) {
        status[chunk % (uint64_t)places] = CS_IMAGE_DAMAGED;
        cs_fail(&errors[chunk % (uint64_t)places], CLIPSPAN_E_FORMAT, "line\nbreak of chunk %d",
                (int)chunk);
    }
    assert_int_equal(cs_pack_write_chunk(&plan, chunk, coefficients, status, errors, NULL), 0);
}

static clipspan_status count_error(void *context, uint64_t run_index, const char *message,
                                   clipspan_error *err)
{
    uint64_t *next = context;
    char wanted[64];
    (void)err;
    snprintf(wanted, sizeof wanted, "line\\nbreak of chunk %d", (int)(run_index / CS_CHUNK));
    assert_string_equal(message, wanted);
    assert_int_equal(run_index / CS_CHUNK, *next);
    assert_int_equal(run_index % CS_CHUNK, *next % (uint64_t)cs_chunk_places(&plan.tree, *next));
    *next += 3;
    return CLIPSPAN_OK;
}

static void check_chunk(const cs_pack *pack, uint64_t chunk)
{
    double scale[3 * CS_CHUNK];
    uint8_t status[CS_CHUNK];
    float z[5];
    assert_int_equal(cs_pack_read_status(status, pack, &plan, chunk, NULL), 0);
    assert_int_equal(status[0] == CS_IMAGE_DAMAGED,
                     chunk % 3 == 0 && chunk % (uint64_t)cs_chunk_places(&plan.tree, chunk) == 0);
    assert_int_equal(cs_pack_read(z, pack, &plan, CS_PACK_Z, chunk, 3, 20, 5, NULL), 0);
    for (size_t i = 0; i < 5; i++)
        assert_true(z[i] == number_of(chunk, 3 * CS_CHUNK + 20 + i));
    assert_int_equal(cs_pack_read_scale(scale, pack, chunk, NULL), 0);
    for (size_t i = 0; i < 3 * CS_CHUNK; i++)
        assert_true(scale[i] == (double)number_of(chunk, 500 + i));
}

typedef struct digest {
    cs_sha256 hash;
    size_t files;
    char *names[64];
} digest;

static clipspan_status add_file(void *context, const char *name, clipspan_error *err)
{
    digest *d = context;
    (void)err;
    assert_true(d->files < 64);
    d->names[d->files++] = strdup(name);
    return CLIPSPAN_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* SHA-256 over names and bytes of all packs; closes them before. */
static void digest_of(char out[65], size_t *files)
{
    char *packs = cs_tiny_path(segment, CS_PACKS_FOLDER);
    unsigned char bytes[32];
    digest d = {.files = 0};
    cs_sha256_init(&d.hash);
    for (uint64_t i = 0; i < cs_packs_count(&plan); i++)
        assert_int_equal(cs_packs_close(&plan, i, NULL), 0);
    assert_int_equal(cs_root_each(root, "segments/000/" CS_PACKS_FOLDER, add_file, &d, NULL), 0);
    qsort(d.names, d.files, sizeof *d.names, by_name);
    for (size_t i = 0; i < d.files; i++) {
        char *path = cs_tiny_path(packs, d.names[i]);
        unsigned char *data;
        size_t size;
        assert_int_equal(cs_file_read_all(&data, &size, path, 1 << 30, NULL), 0);
        cs_sha256_add(&d.hash, d.names[i], strlen(d.names[i]));
        cs_sha256_add(&d.hash, data, size);
        cs_free(data);
        free(path);
        free(d.names[i]);
    }
    cs_sha256_end(bytes, &d.hash);
    cs_sha256_print(out, bytes);
    *files = d.files;
    free(packs);
}

static void any_order_gives_the_same_packs_and_leaves_none_for_the_merge(void **state)
{
    char wanted[65] = "", found[65];
    uint32_t order[CHUNKS];
    (void)state;
    for (size_t way = 0; way < 4; way++) {
        uint64_t next = 0;
        size_t files;
        cs_pack pack = {0};
        assert_int_equal(cs_folder_clear(root, NULL), 0);
        cs_permute(order, CHUNKS, way);
        for (size_t i = 0; i < CHUNKS; i++) {
            const uint64_t chunk = way ? order[i] : i;
            write_chunk(chunk);
            assert_int_equal(cs_packs_gather(&plan, chunk, NULL), 0);
            if (i % 50 == 0) { /* what was done before is there at every moment */
                const uint64_t before = way ? order[i / 2] : i / 2;
                cs_pack now = {0};
                assert_int_equal(cs_pack_find(&now, NULL, &plan, before, NULL), 0);
                check_chunk(&now, before);
                cs_pack_close(&now);
            }
        }
        for (uint64_t i = 0; i < 2; i++) /* nothing is left for the merge */
            assert_true(cs_packs_is_closed(&plan, i));
        digest_of(found, &files);
        assert_int_equal(files, 2);
        if (way == 0) memcpy(wanted, found, sizeof wanted);
        assert_string_equal(found, wanted);
        for (uint64_t chunk = 0; chunk < CHUNKS; chunk++) {
            if (!cs_pack_holds(&pack, chunk)) {
                cs_pack_close(&pack);
                assert_int_equal(cs_pack_find(&pack, NULL, &plan, chunk, NULL), 0);
                assert_int_equal(cs_pack_read_errors(&pack, &plan, count_error, &next, NULL), 0);
            }
            check_chunk(&pack, chunk);
        }
        assert_int_equal(next, (CHUNKS + 2) / 3 * 3);
        cs_pack_close(&pack);
    }
}

/* One share of many that work at once: every fourth chunk. */
typedef struct share {
    pthread_t thread;
    uint64_t first;
    clipspan_status status;
} share;

static void *work_share(void *context)
{
    share *s = context;
    for (uint64_t chunk = s->first; chunk < CHUNKS && s->status == CLIPSPAN_OK; chunk += SHARES) {
        pthread_mutex_lock(&coefficients_lock);
        write_chunk(chunk);
        pthread_mutex_unlock(&coefficients_lock);
        s->status = cs_packs_gather(&plan, chunk, NULL);
    }
    return NULL;
}

/* Two may make the same pack; whoever is slower finds its pieces gone. */
static void shares_that_work_at_once_make_the_packs_that_they_share(void **state)
{
    share shares[SHARES];
    (void)state;
    assert_int_equal(cs_folder_clear(root, NULL), 0);
    for (uint64_t s = 0; s < SHARES; s++) {
        shares[s] = (share){.first = s};
        assert_int_equal(pthread_create(&shares[s].thread, NULL, work_share, &shares[s]), 0);
    }
    for (int s = 0; s < SHARES; s++) {
        pthread_join(shares[s].thread, NULL);
        assert_int_equal(shares[s].status, CLIPSPAN_OK);
    }
    for (uint64_t i = 0; i < cs_packs_count(&plan); i++)
        assert_true(cs_packs_is_closed(&plan, i));
    for (uint64_t chunk = 0; chunk < CHUNKS; chunk += 99) {
        cs_pack found = {0};
        assert_int_equal(cs_pack_find(&found, NULL, &plan, chunk, NULL), 0);
        check_chunk(&found, chunk);
        cs_pack_close(&found);
    }
}

/* As a kill leaves it: the pack is there, and so is what it was made from; or a piece is damaged.
 */
static void pieces_beside_their_pack_and_damaged_ones_do_no_harm(void **state)
{
    char name[CS_NAME_ROOM], *piece, *pack;
    cs_pack found = {0};
    clipspan_error err;
    int foreign = 0;
    (void)state;
    cs_pack_name(name, &plan, 0, 7);
    piece = cs_tiny_path(folder, name);
    cs_pack_name(name, &plan, 5, 0);
    pack = cs_tiny_path(folder, name);
    assert_int_equal(cs_folder_clear(root, NULL), 0);
    for (uint64_t c = 0; c < 32; c++)
        write_chunk(c);
    assert_int_equal(truncate(piece, 100), 0);
    assert_int_equal(cs_packs_gather(&plan, 31, &err), 0); /* left for later */
    assert_int_equal(cs_path_kind(pack), 0);
    assert_int_equal(cs_pack_find(&found, &foreign, &plan, 7, &err), CLIPSPAN_E_FORMAT);
    assert_int_equal(cs_packs_close(&plan, 0, &err), CLIPSPAN_E_FORMAT);
    write_chunk(7);
    assert_int_equal(cs_packs_gather(&plan, 7, &err), 0);
    assert_int_equal(cs_path_kind(pack), 1);
    assert_int_equal(cs_path_kind(piece), 0);
    write_chunk(7);
    assert_int_equal(cs_pack_find(&found, &foreign, &plan, 7, &err), 0);
    assert_int_equal(found.count, 32);
    check_chunk(&found, 7);
    cs_pack_close(&found);
    assert_int_equal(truncate(pack, 1000), 0); /* the piece is whole still */
    assert_int_equal(cs_pack_find(&found, &foreign, &plan, 7, &err), 0);
    assert_int_equal(found.count, 1);
    check_chunk(&found, 7);
    cs_pack_close(&found);
    assert_int_equal(foreign, 0);
    plan.id = "4567";
    assert_int_equal(cs_pack_find(&found, &foreign, &plan, 7, &err), CLIPSPAN_E_FORMAT);
    assert_int_equal(foreign, 1);
    plan.id = "0123";
    free(piece);
    free(pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_gives_the_same_packs_and_leaves_none_for_the_merge),
        cmocka_unit_test(shares_that_work_at_once_make_the_packs_that_they_share),
        cmocka_unit_test(pieces_beside_their_pack_and_damaged_ones_do_no_harm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
