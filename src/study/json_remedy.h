/* SPDX-License-Identifier: MIT */
/* Remedies as JSON (clipspan.shortcut.v1), written and read. */
#ifndef CLIPSPAN_SRC_STUDY_JSON_REMEDY_H
#define CLIPSPAN_SRC_STUDY_JSON_REMEDY_H

#include "formats/json_write.h"
#include "study/remedy.h"

struct json_t;

/* "cue_surgery" */
const char *cs_remedy_kind_name(clipspan_remedy_kind kind);

/* The members of the document behind its schema, and its end. */
void cs_json_remedy(cs_json_writer *json, const cs_remedy *remedy);

/* What that wrote: every member checked, lists bounded. name: where it stands, for messages.
 * Errors: FORMAT (names the key), NOMEM. */
clipspan_status cs_json_remedy_read(cs_remedy **out, const struct json_t *document,
                                    const char *name, clipspan_error *err);

/* In a run, in place of an earlier one; and what was kept: *out NULL where there is nothing, with
 * *stale 1 where it came from other statistics than today's. Errors: as run/kept.h; reading: FORMAT
 * too. */
clipspan_status cs_remedy_keep(const cs_remedy *remedy, const cs_run *run, const cs_run *other,
                               clipspan_error *err);
clipspan_status cs_remedy_kept(cs_remedy **out, int *stale, const cs_run *run, clipspan_error *err);

#endif
