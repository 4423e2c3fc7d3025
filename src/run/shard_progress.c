/* SPDX-License-Identifier: MIT */
/* A chunk is done, as a scan has it, when its statistics lie below some node and a whole pack holds
 * it; the pack says what became of its images. */
#include "run/shard_progress.h"
#include "base/memory.h"
#include "base/progress_part.h"
#include "run/nodes.h"
#include "run/pack.h"

#include <string.h>

/* The chunks of one segment that are looked at: [first, end). */
typedef struct stretch {
    const cs_part_plan *plan;
    uint64_t first, end;
    unsigned char *covered; /* [end - first] */
    cs_pack pack;           /* that of the chunk at hand */
} stretch;

/* Opens the pack of a chunk. 0 in *there: no whole one holds it. */
static clipspan_status enter_pack(int *there, stretch *s, uint64_t chunk, clipspan_error *err)
{
    clipspan_error local;
    clipspan_status status = CLIPSPAN_OK;
    int foreign = 0;
    if (!cs_pack_holds(&s->pack, chunk)) {
        cs_pack_close(&s->pack);
        status = cs_pack_find(&s->pack, &foreign, s->plan, chunk, &local);
    }
    *there = status == CLIPSPAN_OK;
    if (!foreign && !cs_part_is_away(status, &local)) return CLIPSPAN_OK;
    if (err) *err = local;
    return status;
}

static clipspan_status add_chunk(clipspan_shard_progress *out, stretch *s, uint64_t chunk,
                                 clipspan_error *err)
{
    uint8_t status[CS_CHUNK];
    int there = s->covered[chunk - s->first];
    out->chunks++;
    out->images += (uint64_t)cs_chunk_places(&s->plan->tree, chunk);
    if (there) CS_TRY(enter_pack(&there, s, chunk, err));
    if (!there) return CLIPSPAN_OK;
    CS_TRY(cs_pack_read_status(status, &s->pack, s->plan, chunk, err));
    out->chunks_done++;
    for (int i = 0; i < CS_CHUNK; i++)
        if (status[i] == CS_IMAGE_OK)
            out->used++;
        else if (status[i] != CS_IMAGE_NONE)
            out->skipped[status[i] - 1]++;
    return CLIPSPAN_OK;
}

static clipspan_status add_stretch(clipspan_shard_progress *out, stretch *s, uint64_t shard,
                                   uint64_t count, uint64_t shards,
                                   const clipspan_progress *progress, clipspan_error *err)
{
    CS_TRY(cs_nodes_find(s->covered, s->plan, s->first, s->end, err));
    for (uint64_t i = 0; i < count; i++) {
        uint64_t chunk, end;
        cs_shard_chunks(&chunk, &end, &s->plan->tree, shard + i, shards);
        for (; chunk < end; chunk++)
            CS_TRY(add_chunk(&out[i], s, chunk, err));
        CS_TRY(cs_progress_step(progress, (size_t)i + 1, (size_t)count, "stopped", err));
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_shard_progress_read(clipspan_shard_progress *out, uint64_t first, uint64_t count,
                                       uint64_t shards, const cs_run_facts *facts,
                                       const clipspan_progress *progress, clipspan_error *err)
{
    memset(out, 0, (size_t)count * sizeof *out);
    for (size_t i = 0; i < facts->segment_count; i++) {
        clipspan_status status;
        uint64_t ignored;
        stretch s = {.plan = &facts->segments[i].plan};
        cs_shard_chunks(&s.first, &ignored, &s.plan->tree, first, shards);
        cs_shard_chunks(&ignored, &s.end, &s.plan->tree, first + count - 1, shards);
        if (s.end <= s.first) continue;
        s.covered = cs_alloc_zero((size_t)(s.end - s.first), 1, "a list of chunks", err);
        if (!s.covered) return CLIPSPAN_E_NOMEM;
        status = add_stretch(out, &s, first, count, shards, progress, err);
        cs_pack_close(&s.pack);
        cs_free(s.covered);
        CS_TRY(status);
    }
    return CLIPSPAN_OK;
}
