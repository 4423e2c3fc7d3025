/* SPDX-License-Identifier: MIT */
/* Documents of studies written to memory, and from there into runs, and back. */
#include "base/memory.h"
#include "run/kept.h"
#include "study/study_json.h"

#include <clipspan/run.h>
#include <jansson.h>
#include <string.h>

typedef struct buffer {
    char *bytes;
    size_t used, room;
    clipspan_status status;
    clipspan_error *err;
} buffer;

static void put_bytes(void *to, const char *text, size_t size)
{
    buffer *b = to;
    if (b->status == CLIPSPAN_OK)
        b->status = cs_grow(&b->bytes, &b->room, b->used + size + 1, 1, "a document", b->err);
    if (b->status != CLIPSPAN_OK) return;
    memcpy(b->bytes + b->used, text, size);
    b->used += size;
    b->bytes[b->used] = '\0';
}

static clipspan_status keep(buffer *b, const cs_run *run, const cs_run *other, const char *kind)
{
    clipspan_status status = b->status;
    if (status == CLIPSPAN_OK) status = cs_kept_write(run, other, kind, b->bytes, b->err);
    cs_free(b->bytes);
    return status;
}

clipspan_status cs_effects_table_keep(const cs_effects_table *table, const cs_run *run,
                                      const cs_run *other, clipspan_error *err)
{
    buffer b = {.err = err};
    cs_effects_table_json(table, put_bytes, &b);
    return keep(&b, run, other, "effects");
}

clipspan_status cs_ablation_keep(const cs_ablation *ablation, const cs_run *run,
                                 const cs_run *other, clipspan_error *err)
{
    buffer b = {.err = err};
    cs_ablation_json(ablation, put_bytes, &b);
    return keep(&b, run, other, "ablate");
}

clipspan_status cs_remedy_keep(const cs_remedy *remedy, const cs_run *run, const cs_run *other,
                               clipspan_error *err)
{
    buffer b = {.err = err};
    cs_remedy_json(remedy, 0, put_bytes, &b);
    return keep(&b, run, other, "shortcut");
}

clipspan_status cs_effects_table_read(cs_effects_table **out, int *stale, const cs_run *run,
                                      clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    json_t *document;
    *out = NULL;
    CS_TRY(cs_kept_read(&document, stale, run, "effects", err));
    if (document) status = cs_effects_table_parse(out, document, cs_run_info(run)->path, err);
    json_decref(document);
    return status;
}

clipspan_status cs_ablation_read(cs_ablation **out, int *stale, const cs_run *run,
                                 clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    json_t *document;
    *out = NULL;
    CS_TRY(cs_kept_read(&document, stale, run, "ablate", err));
    if (document) status = cs_ablation_parse(out, document, cs_run_info(run)->path, err);
    json_decref(document);
    return status;
}

clipspan_status cs_remedy_read(cs_remedy **out, int *stale, const cs_run *run, clipspan_error *err)
{
    clipspan_status status = CLIPSPAN_OK;
    json_t *document;
    *out = NULL;
    CS_TRY(cs_kept_read(&document, stale, run, "shortcut", err));
    if (document) status = cs_remedy_parse(out, document, cs_run_info(run)->path, err);
    json_decref(document);
    return status;
}

clipspan_status cs_study_missing(const cs_run *run, const char *command, int stale,
                                 clipspan_error *err)
{
    const char *path = cs_run_info(run)->path;
    if (stale)
        return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                          "keeps what clipspan %s found, but of other statistics than those there "
                          "are now; compute it again",
                          command);
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path, "keeps nothing of clipspan %s yet", command);
}
