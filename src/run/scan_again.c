/* SPDX-License-Identifier: MIT */
/* Images that were skipped are to be tried again: their chunks become undone. In this order, so
 * that a kill at any moment leaves a run that the same call, or a plain scan, goes on with:
 *
 *   index        the sizes of their files as they are now; the run counts as not merged, and
 *                documents of later commands go, since they speak of other images
 *   statistics   every file above one of these chunks goes; those of the other chunks below it are
 *                taken again from the numbers on disk (scan_stored.c)
 *   packs        what lies beside these chunks in a pack is written as packs of its own, then the
 *                pack goes */
#define _POSIX_C_SOURCE 200809L
#include "run/scan_again.h"
#include "base/memory.h"
#include "base/progress_part.h"
#include "run/folder.h"
#include "run/pack_inside.h"
#include "run/results.h"

#include <string.h>
#include <sys/stat.h>

typedef struct again {
    const cs_run_facts *facts;
    cs_root *root; /* of the run */
    const cs_image_place *place;
    cs_index *index;        /* the new state */
    unsigned char **marked; /* [segments][chunks] 1: an image of it was skipped */
    uint64_t images;
} again;

/* ---- Which ---- */

static int is_skipped(uint8_t status)
{
    return status != CS_IMAGE_OK && status != CS_IMAGE_NONE;
}

/* The chunk's images, or *there 0 where none are known: the chunk is not done. */
static clipspan_status read_status(uint8_t *status, int *there, cs_pack *pack,
                                   const cs_part_plan *plan, uint64_t chunk, clipspan_error *err)
{
    clipspan_error local;
    *there = 1;
    if (!cs_pack_holds(pack, chunk)) {
        int foreign = 0;
        clipspan_status found;
        cs_pack_close(pack);
        found = cs_pack_find(pack, &foreign, plan, chunk, &local);
        *there = found == CLIPSPAN_OK;
        if (!*there && !foreign && !cs_part_is_away(found, &local) &&
            (found == CLIPSPAN_E_NOT_FOUND || found == CLIPSPAN_E_FORMAT))
            return CLIPSPAN_OK;
        if (!*there) {
            if (err) *err = local;
            return found;
        }
    }
    return cs_pack_read_status(status, pack, plan, chunk, err);
}

static clipspan_status mark(again *a, size_t segment, clipspan_error *err)
{
    const cs_part_plan *plan = &a->facts->segments[segment].plan;
    clipspan_status status = CLIPSPAN_OK;
    uint8_t images[CS_CHUNK] = {0};
    cs_pack pack = {0};
    a->marked[segment] = cs_alloc_zero((size_t)plan->tree.chunks, 1, "a list of chunks", err);
    if (!a->marked[segment]) return CLIPSPAN_E_NOMEM;
    for (uint64_t chunk = 0; chunk < plan->tree.chunks && status == CLIPSPAN_OK; chunk++) {
        int there = 0;
        status = read_status(images, &there, &pack, plan, chunk, err);
        for (int i = 0; i < CS_CHUNK && there && status == CLIPSPAN_OK; i++) {
            a->images += is_skipped(images[i]);
            a->marked[segment][chunk] |= is_skipped(images[i]) ? 1 : 0;
        }
    }
    cs_pack_close(&pack);
    return status;
}

/* ---- Index ---- */

typedef struct size_job {
    const cs_image_place *place;
    int64_t bytes;
} size_job;

static clipspan_status look_at(void *context, const cs_image_row *row, clipspan_error *err)
{
    size_job *j = context;
    struct stat facts;
    char *path;
    CS_TRY(cs_image_place_find(&path, j->place, row->path, err));
    j->bytes = stat(path, &facts) == 0 ? (int64_t)facts.st_size : row->bytes;
    cs_free(path);
    return CLIPSPAN_OK;
}

static clipspan_status take_sizes(again *a, size_t segment, clipspan_error *err)
{
    const cs_segment *s = &a->facts->segments[segment];
    clipspan_status status = CLIPSPAN_OK;
    cs_pack pack = {0};
    for (uint64_t chunk = 0; chunk < s->plan.tree.chunks && status == CLIPSPAN_OK; chunk++) {
        uint8_t images[CS_CHUNK] = {0};
        int there;
        if (!a->marked[segment][chunk]) continue;
        status = read_status(images, &there, &pack, &s->plan, chunk, err);
        for (int i = 0; i < CS_CHUNK && status == CLIPSPAN_OK; i++) {
            const uint64_t run_index = s->first + chunk * CS_CHUNK + (uint64_t)i;
            size_job j = {a->place, -1};
            if (!is_skipped(images[i])) continue;
            status = cs_index_read(a->index, run_index, 1, look_at, &j, err);
            if (status == CLIPSPAN_OK)
                status = cs_index_set_bytes(a->index, run_index, j.bytes, err);
        }
    }
    cs_pack_close(&pack);
    return status;
}

static clipspan_status write_index(again *a, clipspan_error *err)
{
    clipspan_status status;
    CS_TRY_DONE(cs_index_edit(&a->index, a->root, CS_INDEX_FILE, err));
    for (size_t i = 0; i < a->facts->segment_count; i++)
        CS_TRY_DONE(take_sizes(a, i, err));
    CS_TRY_DONE(cs_index_set_fact(a->index, "merged", "0", err));
    CS_TRY_DONE(cs_results_clear(a->root, err));
    status = cs_index_commit(a->index, err);
done:
    cs_index_close(&a->index);
    return status;
}

/* ---- Statistics and packs ---- */

static clipspan_status discard_statistics(const cs_part_plan *plan, uint64_t chunk,
                                          clipspan_error *err)
{
    for (int level = 0; level <= plan->tree.block_level; level++) {
        char name[CS_NAME_ROOM];
        cs_node_name(name, plan, (cs_node){level, chunk >> level});
        CS_TRY(cs_root_remove(plan->root, name, err));
    }
    return CLIPSPAN_OK;
}

/* Numbers of one chunk of a pack, array by array, into a file that begins. */
static clipspan_status copy_arrays(cs_safetensors_writer *w, const cs_pack *from,
                                   const cs_pack_tensor *list, uint64_t chunk, clipspan_error *err)
{
    for (int i = 0; i < CS_PACK_TENSORS; i++) {
        const cs_tensor_entry *entry;
        clipspan_status status;
        size_t bytes;
        void *numbers;
        if (!list[i].rank) continue;
        entry = cs_safetensors_find(from->file, list[i].name);
        bytes = (size_t)(entry->bytes / entry->count) * list[i].each;
        numbers = cs_alloc(bytes, 1, "a copy of a chunk", err);
        if (!numbers) return CLIPSPAN_E_NOMEM;
        status = cs_safetensors_read_raw(numbers, from->file, entry,
                                         (chunk - from->first) * list[i].each, list[i].each, err);
        if (status == CLIPSPAN_OK) status = cs_safetensors_writer_write(w, numbers, bytes, err);
        cs_free(numbers);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}

/* A chunk without skipped images, and so without reasons for them. */
static clipspan_status split_off(const cs_part_plan *plan, const cs_pack *from, uint64_t chunk,
                                 clipspan_error *err)
{
    cs_pack_tensor list[CS_PACK_TENSORS];
    cs_safetensors_writer *w = NULL;
    clipspan_status status;
    char name[CS_NAME_ROOM];
    cs_pack_name(name, plan, 0, chunk);
    cs_pack_list(list, plan, 1);
    CS_TRY_DONE(cs_part_begin(&w, name, plan, CS_PACK_PART, err));
    CS_TRY_DONE(cs_pack_declare(w, list, 0, err));
    CS_TRY_DONE(copy_arrays(w, from, list, chunk, err));
    status = cs_safetensors_writer_finish(w, err);
done:
    cs_safetensors_writer_close(&w);
    return status;
}

/* What holds the chunk goes; *level is that of its pack, -1 when none was there. */
static clipspan_status undo_chunk(int *level, const cs_part_plan *plan, const unsigned char *marked,
                                  uint64_t chunk, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    char name[CS_NAME_ROOM];
    cs_pack pack;
    *level = -1;
    for (int i = CS_PACK_LEVELS; i-- > 0 && *level < 0;) {
        clipspan_error local;
        status =
            cs_pack_open(&pack, NULL, plan, cs_pack_levels[i], chunk >> cs_pack_levels[i], &local);
        if (status == CLIPSPAN_OK) *level = cs_pack_levels[i];
        if (!cs_part_is_away(status, &local)) continue;
        if (err) *err = local;
        return status;
    }
    status = CLIPSPAN_OK;
    if (*level < 0) return CLIPSPAN_OK;
    for (uint64_t c = pack.first; c < pack.first + pack.count && status == CLIPSPAN_OK; c++)
        if (!marked[c] && *level > 0) status = split_off(plan, &pack, c, err);
    cs_pack_close(&pack);
    CS_TRY(status);
    cs_pack_name(name, plan, *level, chunk >> *level);
    return cs_root_remove(plan->root, name, err);
}

static clipspan_status undo(const again *a, size_t segment, const clipspan_progress *progress,
                            clipspan_error *err)
{
    const cs_part_plan *plan = &a->facts->segments[segment].plan;
    const unsigned char *marked = a->marked[segment];
    /* All of them before any pack: once its pack is gone, a chunk is not known as one of these. */
    for (uint64_t chunk = 0; chunk < plan->tree.chunks; chunk++)
        if (marked[chunk]) CS_TRY(discard_statistics(plan, chunk, err));
    for (uint64_t chunk = 0; chunk < plan->tree.chunks; chunk++) {
        int level = 0;
        if (!marked[chunk]) continue;
        CS_TRY(cs_progress_step(progress, 0, (size_t)a->images,
                                "interrupted; the same call goes on from there", err));
        while (level >= 0)
            CS_TRY(undo_chunk(&level, plan, marked, chunk, err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_scan_again(uint64_t *images, const cs_run_facts *facts, cs_root *root,
                              const cs_image_place *place, const clipspan_progress *progress,
                              clipspan_error *err)
{
    const size_t count = facts->segment_count;
    again a = {.facts = facts, .root = root, .place = place};
    clipspan_status status = CLIPSPAN_E_NOMEM;
    *images = 0;
    a.marked = cs_alloc_zero(count, sizeof *a.marked, "a list of chunks", err);
    if (!a.marked) return CLIPSPAN_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        CS_TRY_DONE(mark(&a, i, err));
    if (a.images > 0) CS_TRY_DONE(write_index(&a, err));
    for (size_t i = 0; i < count && a.images > 0; i++)
        CS_TRY_DONE(undo(&a, i, progress, err));
    *images = a.images;
    status = CLIPSPAN_OK;
done:
    for (size_t i = 0; i < count; i++)
        cs_free(a.marked[i]);
    cs_free(a.marked);
    return status;
}
