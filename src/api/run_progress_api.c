/* SPDX-License-Identifier: MIT */
/* clipspan_run_read_progress: argument checks around src/run/shard_progress.c. */
#include "api/handles.h"
#include "run/folder.h"
#include "run/shard_progress.h"

#define SHARDS_MOST UINT64_C(1000000)

const char *clipspan_skip_reason(int reason)
{
    if (reason < 0 || reason >= CLIPSPAN_SKIP_REASONS) return NULL;
    return cs_image_status_name((cs_image_status)(reason + 1));
}

clipspan_status clipspan_run_read_progress(clipspan_shard_progress *out, uint64_t first,
                                           uint64_t count, uint64_t shards, const clipspan_run *run,
                                           const clipspan_progress *progress, clipspan_error *err)
{
    cs_run_facts facts = {0};
    cs_index *index = NULL;
    clipspan_status status;
    cs_root *root = NULL;
    cs_clear(err);
    if (!out || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_run_read_progress: out or run is NULL");
    if (shards > SHARDS_MOST || first < 1 || count < 1 || count > shards ||
        first > shards - count + 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "shards %llu to %llu of %llu were asked for; the first is 1, and there are "
                       "%llu at most",
                       (unsigned long long)first, (unsigned long long)(first + count - 1),
                       (unsigned long long)shards, (unsigned long long)SHARDS_MOST);
    if (!cs_run_has_folder(run->run))
        return cs_fail(err, CLIPSPAN_E_NOT_FOUND, "a run in memory has no shards");
    CS_TRY_DONE(cs_folder_open(&root, clipspan_run_get_info(run)->path, err));
    CS_TRY_DONE(cs_index_open(&index, root, CS_INDEX_FILE, err));
    CS_TRY_DONE(cs_run_facts_read(&facts, index, root, err));
    status = cs_shard_progress_read(out, first, count, shards, &facts, progress, err);
done:
    cs_run_facts_fini(&facts);
    cs_index_close(&index);
    cs_root_close(&root);
    return status;
}
