/* SPDX-License-Identifier: MIT */
/* Status of every image from the chunks into the index, blocks closed, one file for the whole.
 * The index says last that the run is merged. */
#include "run/merge.h"
#include "base/memory.h"
#include "base/number_text.h"
#include "base/progress_part.h"
#include "run/folder.h"
#include "run/nodes.h"
#include "run/pack.h"

#include <stdio.h>
#include <string.h>

#define RANGES_SHOWN 8

typedef struct merge_state {
    const cs_run_facts *facts;
    cs_index *index;
    const clipspan_progress *progress;
    uint64_t used, skipped, missing;
    uint64_t steps; /* chunks looked at, of all segments */
    char first_error[sizeof((clipspan_error *)0)->message];
    char ranges[256]; /* "3-5, 9" */
    uint64_t range_first, range_end;
    int range_count;
} merge_state;

/* One segment at work. */
typedef struct segment_merge {
    merge_state *m;
    const cs_segment *segment;
    unsigned char *done; /* [chunks] below a file of statistics */
    cs_pack pack;        /* that of the chunk at hand */
    uint64_t base;       /* chunks of the segments before: how messages number them */
    uint64_t used;
    uint8_t status[CS_CHUNK];
} segment_merge;

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

/* Why an image was skipped; what it is stands in its chunk's status. */
static clipspan_status take_error(void *context, uint64_t run_index, const char *message,
                                  clipspan_error *err)
{
    segment_merge *s = context;
    uint8_t status[CS_CHUNK], code;
    CS_TRY(cs_pack_read_status(status, &s->pack, &s->segment->plan, run_index / CS_CHUNK, err));
    code = status[run_index % CS_CHUNK];
    if (code == CS_IMAGE_OK || code == CS_IMAGE_NONE) return CLIPSPAN_OK;
    if (!*s->m->first_error) snprintf(s->m->first_error, sizeof s->m->first_error, "%s", message);
    return cs_index_set_status(s->m->index, s->segment->first + run_index,
                               cs_image_status_name((cs_image_status)code), message, err);
}

/* All that were skipped, whether or not a line says why. */
static clipspan_status note_skipped(segment_merge *s, clipspan_error *err)
{
    const cs_pack *pack = &s->pack;
    uint8_t status[CS_CHUNK];
    for (uint64_t c = pack->first; c < pack->first + pack->count; c++) {
        CS_TRY(cs_pack_read_status(status, pack, &s->segment->plan, c, err));
        for (uint64_t i = 0; i < CS_CHUNK; i++)
            if (status[i] != CS_IMAGE_OK && status[i] != CS_IMAGE_NONE)
                CS_TRY(cs_index_set_status(s->m->index, s->segment->first + c * CS_CHUNK + i,
                                           cs_image_status_name((cs_image_status)status[i]), "",
                                           err));
    }
    return CLIPSPAN_OK;
}

/* Opens the pack of a chunk and notes what became of its images. 0 in *there: no pack holds it. */
static clipspan_status enter_pack(int *there, segment_merge *s, uint64_t chunk, clipspan_error *err)
{
    clipspan_error local;
    clipspan_status status;
    *there = 1;
    if (cs_pack_holds(&s->pack, chunk)) return CLIPSPAN_OK;
    cs_pack_close(&s->pack);
    status = cs_pack_find(&s->pack, NULL, &s->segment->plan, chunk, &local);
    if (status == CLIPSPAN_OK) {
        CS_TRY(note_skipped(s, err));
        return cs_pack_read_errors(&s->pack, &s->segment->plan, take_error, s, err);
    }
    *there = 0;
    if (status == CLIPSPAN_E_NOT_FOUND) return CLIPSPAN_OK;
    if (err) *err = local;
    return status;
}

static clipspan_status merge_chunk(segment_merge *s, uint64_t chunk, clipspan_error *err)
{
    int there = s->done[chunk];
    if (there) CS_TRY(enter_pack(&there, s, chunk, err));
    if (!there) {
        note_missing(s->m, s->base + chunk);
        return CLIPSPAN_OK;
    }
    CS_TRY(cs_pack_read_status(s->status, &s->pack, &s->segment->plan, chunk, err));
    for (int i = 0; i < CS_CHUNK; i++) {
        s->used += s->status[i] == CS_IMAGE_OK;
        s->m->skipped += s->status[i] != CS_IMAGE_OK && s->status[i] != CS_IMAGE_NONE;
    }
    return CLIPSPAN_OK;
}

static uint64_t count_chunks(const cs_run_facts *facts)
{
    uint64_t chunks = 0;
    for (size_t i = 0; i < facts->segment_count; i++)
        chunks += facts->segments[i].plan.tree.chunks;
    return chunks;
}

static clipspan_status merge_images(segment_merge *s, clipspan_error *err)
{
    merge_state *m = s->m;
    const cs_chunk_tree *tree = &s->segment->plan.tree;
    CS_TRY(cs_nodes_find(s->done, &s->segment->plan, 0, tree->chunks, err));
    for (uint64_t c = 0; c < tree->chunks; c++) {
        CS_TRY(merge_chunk(s, c, err));
        CS_TRY(cs_progress_step(m->progress, (size_t)++m->steps, (size_t)count_chunks(m->facts),
                                "the merge was stopped; call it again", err));
    }
    return CLIPSPAN_OK;
}

/* What became of the images of one segment. *used: those that count. */
static clipspan_status look_at_segment(uint64_t *used, merge_state *m, size_t i,
                                       clipspan_error *err)
{
    clipspan_status status;
    segment_merge s = {.m = m, .segment = &m->facts->segments[i]};
    for (size_t before = 0; before < i; before++)
        s.base += m->facts->segments[before].plan.tree.chunks;
    s.done = cs_alloc_zero((size_t)s.segment->plan.tree.chunks, 1, "a list of chunks", err);
    if (!s.done) return CLIPSPAN_E_NOMEM;
    status = merge_images(&s, err);
    cs_pack_close(&s.pack);
    cs_free(s.done);
    *used = s.used;
    m->used += s.used;
    return status;
}

static clipspan_status check_all_there(merge_state *m, clipspan_error *err)
{
    end_range(m);
    if (m->missing)
        return cs_fail_at(
            err, CLIPSPAN_E_NOT_FOUND, m->facts->info.path,
            "%llu of %s %s not scanned: %s%s. Scan their shards (or the whole: "
            "clipspan scan RUN), then merge",
            (unsigned long long)m->missing, cs_number_of(count_chunks(m->facts), "chunk").text,
            m->missing == 1 ? "is" : "are", m->ranges, m->range_count > RANGES_SHOWN ? ", …" : "");
    if (m->used == 0)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, m->facts->info.path,
                          "no usable image among %llu; the first: %s",
                          (unsigned long long)m->facts->info.images, m->first_error);
    return CLIPSPAN_OK;
}

/* Packs and blocks of a segment, and its statistics in work->stats. */
static clipspan_status close_segment(cs_node_work *work, const merge_state *m,
                                     const cs_segment *segment, uint64_t used, clipspan_error *err)
{
    const cs_part_plan *plan = &segment->plan;
    const size_t chunks = (size_t)count_chunks(m->facts);
    const cs_node top = {plan->tree.top_level, 0};
    for (uint64_t i = 0; i < cs_packs_count(plan); i++) {
        CS_TRY(cs_packs_close(plan, i, err));
        CS_TRY(cs_progress_step(m->progress, chunks, chunks, "the merge was stopped; call it again",
                                err));
    }
    for (uint64_t b = 0; b < plan->tree.blocks; b++)
        CS_TRY(cs_nodes_close_block(work, plan, b, err));
    CS_TRY(cs_nodes_get(work, plan, top, err));
    if (cs_head_stats_count(work->stats) != (double)used)
        return cs_fail_at(err, CLIPSPAN_E_FORMAT, plan->path,
                          "its statistics count %.0f images, its chunks %llu: parts do not fit "
                          "together. Remove the folder \"" CS_NODES_FOLDER "\" in it and scan "
                          "again",
                          cs_head_stats_count(work->stats), (unsigned long long)used);
    return CLIPSPAN_OK;
}

/* Segments add up in their order. */
static clipspan_status merge_statistics(const merge_state *m, const uint64_t *used,
                                        clipspan_error *err)
{
    const cs_run_facts *facts = m->facts;
    clipspan_status status;
    cs_node_work work = {0}, sum = {0};
    CS_TRY_DONE(cs_node_work_init(&work, facts->plan.shape, err));
    CS_TRY_DONE(cs_node_work_init(&sum, facts->plan.shape, err));
    for (size_t i = 0; i < facts->segment_count; i++) {
        CS_TRY_DONE(close_segment(i ? &work : &sum, m, &facts->segments[i], used[i], err));
        if (i) cs_head_stats_merge(sum.stats, work.stats, facts->plan.shape);
    }
    CS_TRY_DONE(cs_statistics_write(CS_STATISTICS_FILE, &facts->whole, sum.stats, err));
done:
    cs_node_work_fini(&work);
    cs_node_work_fini(&sum);
    return status;
}

static clipspan_status set_number(cs_index *index, const char *key, uint64_t value,
                                  clipspan_error *err)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return cs_index_set_fact(index, key, text, err);
}

static int is_segment_merged(const cs_part_plan *plan)
{
    char name[CS_NAME_ROOM];
    for (uint64_t b = 0; b < plan->tree.blocks; b++) {
        cs_node_name(name, plan, (cs_node){plan->tree.block_level, b});
        if (cs_root_look(plan->root, name) != CS_ROOT_FILE) return 0;
    }
    for (uint64_t i = 0; i < cs_packs_count(plan); i++)
        if (!cs_packs_is_closed(plan, i)) return 0;
    return 1;
}

/* The index says so, and the files are there. */
static clipspan_status is_merged(int *merged, const cs_run_facts *facts, cs_index *index,
                                 clipspan_error *err)
{
    char *said;
    clipspan_error local;
    const clipspan_status status =
        cs_statistics_check(NULL, CS_STATISTICS_FILE, &facts->whole, &local);
    *merged = status == CLIPSPAN_OK;
    if (cs_part_is_away(status, &local)) {
        if (err) *err = local;
        return status;
    }
    for (size_t i = 0; i < facts->segment_count && *merged; i++)
        *merged = is_segment_merged(&facts->segments[i].plan);
    CS_TRY(cs_index_fact(&said, index, "merged", err));
    *merged = *merged && said && strcmp(said, "1") == 0;
    cs_free(said);
    return CLIPSPAN_OK;
}

static clipspan_status merge_all(merge_state *m, uint64_t *used, clipspan_error *err)
{
    CS_TRY(cs_index_set_status_all(m->index, "ok", err));
    for (size_t i = 0; i < m->facts->segment_count; i++)
        CS_TRY(look_at_segment(&used[i], m, i, err));
    CS_TRY(check_all_there(m, err));
    CS_TRY(merge_statistics(m, used, err));
    CS_TRY(set_number(m->index, "images.used", m->used, err));
    CS_TRY(set_number(m->index, "images.skipped", m->skipped, err));
    CS_TRY(set_number(m->index, "merged", 1, err));
    return cs_index_commit(m->index, err);
}

clipspan_status cs_merge_run(const cs_run_facts *facts, cs_index *index,
                             const clipspan_progress *progress, clipspan_error *err)
{
    merge_state m = {.facts = facts, .progress = progress};
    clipspan_status status;
    uint64_t *used;
    int merged;
    CS_TRY(is_merged(&merged, facts, index, err));
    if (merged) return CLIPSPAN_OK;
    cs_folder_tidy(facts->plan.root);
    used = cs_alloc_zero(facts->segment_count, sizeof *used, "segments", err);
    if (!used) return CLIPSPAN_E_NOMEM;
    status = cs_index_edit(&m.index, facts->plan.root, CS_INDEX_FILE, err);
    if (status == CLIPSPAN_OK) status = merge_all(&m, used, err);
    cs_index_close(&m.index);
    cs_free(used);
    return status;
}
