/* SPDX-License-Identifier: MIT */
/* Status of every picture from the chunks into the index, blocks closed, one file for the whole.
 * The index says last that the run is merged. */
#define _POSIX_C_SOURCE 200809L
#include "run/merge.h"
#include "base/file.h"
#include "base/memory.h"
#include "run/folder.h"
#include "run/nodes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RANGES_SHOWN 8

typedef struct merge_state {
    const cs_part_plan *plan;
    cs_index *index;
    const clipspan_progress *progress;
    unsigned char *done; /* [chunks] below a file of statistics */
    uint64_t used, skipped, missing;
    uint8_t status[CS_CHUNK]; /* of the chunk at work */
    uint64_t chunk;
    char first_error[sizeof((clipspan_error *)0)->message];
    char ranges[256]; /* "3-5, 9" */
    uint64_t range_first, range_end;
    int range_count;
} merge_state;

static void end_range(merge_state *m)
{
    size_t used = strlen(m->ranges);
    if (m->range_first == m->range_end || m->range_count++ >= RANGES_SHOWN) return;
    if (m->range_end - m->range_first == 1)
        snprintf(m->ranges + used, sizeof m->ranges - used, "%s%llu", used ? ", " : "",
                 (unsigned long long)m->range_first);
    else
        snprintf(m->ranges + used, sizeof m->ranges - used, "%s%llu-%llu", used ? ", " : "",
                 (unsigned long long)m->range_first, (unsigned long long)m->range_end - 1);
}

static void note_missing(merge_state *m, uint64_t chunk)
{
    m->missing++;
    if (m->range_end != chunk) {
        end_range(m);
        m->range_first = chunk;
    }
    m->range_end = chunk + 1;
}

static clipspan_status take_error(void *context, int slot, const char *message, clipspan_error *err)
{
    merge_state *m = context;
    const char *status = cs_picture_status_name(m->status[slot]);
    if (m->status[slot] == CS_PICTURE_OK || m->status[slot] == CS_PICTURE_NONE) return CLIPSPAN_OK;
    if (!*m->first_error) snprintf(m->first_error, sizeof m->first_error, "%s", message);
    return cs_index_set_status(m->index, m->chunk * CS_CHUNK + (uint64_t)slot, status, message,
                               err);
}

static clipspan_status merge_chunk(merge_state *m, uint64_t chunk, clipspan_error *err)
{
    clipspan_error local;
    cs_safetensors *file;
    clipspan_status status =
        m->done[chunk] ? cs_chunk_open(&file, m->plan, chunk, &local) : CLIPSPAN_E_NOT_FOUND;
    if (status == CLIPSPAN_E_NOT_FOUND) {
        note_missing(m, chunk);
        return CLIPSPAN_OK;
    }
    if (status != CLIPSPAN_OK) {
        if (err) *err = local;
        return status;
    }
    m->chunk = chunk;
    CS_TRY_DONE(cs_chunk_read_status(m->status, file, m->plan, chunk, err));
    for (int i = 0; i < CS_CHUNK; i++) {
        m->used += m->status[i] == CS_PICTURE_OK;
        m->skipped += m->status[i] != CS_PICTURE_OK && m->status[i] != CS_PICTURE_NONE;
    }
    CS_TRY_DONE(cs_chunk_read_errors(file, take_error, m, err));
done:
    cs_safetensors_close(&file);
    return status;
}

static clipspan_status merge_pictures(merge_state *m, clipspan_error *err)
{
    const cs_chunk_tree *tree = &m->plan->tree;
    const clipspan_progress *p = m->progress;
    CS_TRY(cs_nodes_find(m->done, m->plan, 0, tree->chunks, err));
    CS_TRY(cs_index_set_status_all(m->index, "ok", err));
    for (uint64_t c = 0; c < tree->chunks; c++) {
        CS_TRY(merge_chunk(m, c, err));
        if (p && p->step && p->step(p->user, (size_t)c + 1, (size_t)tree->chunks))
            return cs_fail(err, CLIPSPAN_E_INTERRUPTED, "the merge was stopped; call it again");
    }
    end_range(m);
    if (m->missing)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, m->plan->path,
                          "%llu of %llu chunks are not scanned: %s%s. Scan their shares (or the "
                          "whole: clipspan scan RUN), then merge",
                          (unsigned long long)m->missing, (unsigned long long)tree->chunks,
                          m->ranges, m->range_count > RANGES_SHOWN ? ", …" : "");
    if (m->used == 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, m->plan->path,
                          "no usable picture among %llu; the first: %s",
                          (unsigned long long)tree->pictures, m->first_error);
    return CLIPSPAN_OK;
}

static clipspan_status merge_statistics(const merge_state *m, clipspan_error *err)
{
    const cs_part_plan *plan = m->plan;
    cs_node top = {plan->tree.top_level, 0};
    clipspan_status status;
    cs_node_work work = {0};
    char *path = cs_path_join(plan->path, CS_STATISTICS_FILE, err);
    if (!path) return CLIPSPAN_E_NOMEM;
    CS_TRY_DONE(cs_node_work_init(&work, plan->shape, err));
    for (uint64_t b = 0; b < plan->tree.blocks; b++)
        CS_TRY_DONE(cs_nodes_close_block(&work, plan, b, err));
    CS_TRY_DONE(cs_nodes_get(&work, plan, top, err));
    if (cs_head_stats_count(work.stats) != (double)m->used) {
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, plan->path,
                            "its statistics count %.0f pictures, its chunks %llu: parts do not fit "
                            "together. Remove the folder \"" CS_NODES_FOLDER "\" in it and scan "
                            "again",
                            cs_head_stats_count(work.stats), (unsigned long long)m->used);
        goto done;
    }
    CS_TRY_DONE(cs_statistics_write(path, plan, work.stats, err));
done:
    cs_node_work_fini(&work);
    cs_free(path);
    return status;
}

static clipspan_status set_number(cs_index *index, const char *key, uint64_t value,
                                  clipspan_error *err)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return cs_index_set_fact(index, key, text, err);
}

/* The index says so, and the files are there. */
static clipspan_status is_merged(int *merged, const cs_part_plan *plan, cs_index *index,
                                 clipspan_error *err)
{
    char *said, *path = cs_path_join(plan->path, CS_STATISTICS_FILE, err);
    *merged = 0;
    if (!path) return CLIPSPAN_E_NOMEM;
    *merged = cs_statistics_check(path, plan, NULL) == CLIPSPAN_OK;
    cs_free(path);
    for (uint64_t b = 0; b < plan->tree.blocks && *merged; b++) {
        path = cs_node_path(plan, (cs_node){plan->tree.block_level, b}, err);
        if (!path) return CLIPSPAN_E_NOMEM;
        *merged = cs_path_kind(path) == 1;
        cs_free(path);
    }
    CS_TRY(cs_index_fact(&said, index, "merged", err));
    *merged = *merged && said && strcmp(said, "1") == 0;
    cs_free(said);
    return CLIPSPAN_OK;
}

static clipspan_status merge_all(merge_state *m, clipspan_error *err)
{
    CS_TRY(merge_pictures(m, err));
    CS_TRY(merge_statistics(m, err));
    CS_TRY(set_number(m->index, "pictures.used", m->used, err));
    CS_TRY(set_number(m->index, "pictures.skipped", m->skipped, err));
    CS_TRY(set_number(m->index, "merged", 1, err));
    return cs_index_commit(m->index, err);
}

clipspan_status cs_merge_run(const cs_part_plan *plan, cs_index *index, const char *file,
                             const clipspan_progress *progress, clipspan_error *err)
{
    merge_state m = {.plan = plan, .progress = progress};
    clipspan_status status;
    int merged;
    CS_TRY(is_merged(&merged, plan, index, err));
    if (merged) return CLIPSPAN_OK;
    cs_folder_tidy(plan->path);
    m.done = cs_alloc_zero((size_t)plan->tree.chunks, 1, "a list of chunks", err);
    if (!m.done) return CLIPSPAN_E_NOMEM;
    status = cs_index_edit(&m.index, file, err);
    if (status == CLIPSPAN_OK) status = merge_all(&m, err);
    cs_index_close(&m.index);
    cs_free(m.done);
    return status;
}
