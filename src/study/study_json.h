/* SPDX-License-Identifier: MIT */
/* Results of studies as JSON: the documents that the program prints (docs/json.md), written and
 * read, and kept in a run. */
#ifndef CLIPSPAN_SRC_STUDY_STUDY_JSON_H
#define CLIPSPAN_SRC_STUDY_STUDY_JSON_H

#include "formats/json_write.h"
#include "study/ablation.h"
#include "study/classification.h"
#include "study/effects_table.h"
#include "study/hits.h"
#include "study/joint_figure.h"
#include "study/mask_study.h"
#include "study/remedy.h"

struct json_t;

/* In pieces to put(to, …). */
void cs_effects_table_json(const cs_effects_table *table,
                           void (*put)(void *to, const char *text, size_t size), void *to);
void cs_ablation_json(const cs_ablation *ablation,
                      void (*put)(void *to, const char *text, size_t size), void *to);
/* flat: lines of path and value. */
void cs_remedy_json(const cs_remedy *remedy, int flat,
                    void (*put)(void *to, const char *text, size_t size), void *to);

/* A document back; *out is NULL after a failure. path: what to call it in messages. Errors: FORMAT
 * (names the key), NOMEM. */
clipspan_status cs_effects_table_parse(cs_effects_table **out, const struct json_t *document,
                                       const char *path, clipspan_error *err);
clipspan_status cs_ablation_parse(cs_ablation **out, const struct json_t *document,
                                  const char *path, clipspan_error *err);
clipspan_status cs_remedy_parse(cs_remedy **out, const struct json_t *document, const char *path,
                                clipspan_error *err);

/* Kept in a run in place of an earlier one; other: the run whose means took part, or NULL. Errors:
 * NOT_FOUND (not merged), WRITE, IO, NOMEM. */
clipspan_status cs_effects_table_keep(const cs_effects_table *table, const cs_run *run,
                                      const cs_run *other, clipspan_error *err);
clipspan_status cs_ablation_keep(const cs_ablation *ablation, const cs_run *run,
                                 const cs_run *other, clipspan_error *err);
clipspan_status cs_remedy_keep(const cs_remedy *remedy, const cs_run *run, const cs_run *other,
                               clipspan_error *err);

/* What was kept; *out is NULL where nothing was, or, with *stale 1, where it came from other
 * statistics than today's. Errors: FORMAT, IO, NOMEM. */
clipspan_status cs_effects_table_read(cs_effects_table **out, int *stale, const cs_run *run,
                                      clipspan_error *err);
clipspan_status cs_ablation_read(cs_ablation **out, int *stale, const cs_run *run,
                                 clipspan_error *err);
clipspan_status cs_remedy_read(cs_remedy **out, int *stale, const cs_run *run, clipspan_error *err);

/* Says why there is nothing to read. command: the one that would keep it. */
clipspan_status cs_study_missing(const cs_run *run, const char *command, int stale,
                                 clipspan_error *err);

/* ---- Members put into an object that is open ---- */

/* Real numbers of all documents. */
#define CS_STUDY_DIGITS 9

void cs_json_put_hits(cs_json_writer *json, const cs_hits *hits);
void cs_json_put_segmentation(cs_json_writer *json, const cs_mask_study *study,
                              const clipspan_segmentation_document *document);
/* findings NULL: nothing was computed. joint may be NULL. */
void cs_json_put_findings(cs_json_writer *json, const cs_findings *findings, const cs_joint *joint,
                          const clipspan_explain_document *document);

/* A document in three steps; with document->rows the first leaves the array of predictions open. */
void cs_json_begin_classification(cs_json_writer *json, const cs_classification *classification,
                                  const clipspan_classification_document *document);
void cs_json_put_predictions(cs_json_writer *json, const cs_classification *classification);
void cs_json_end_classification(cs_json_writer *json, const cs_classification *classification,
                                const clipspan_classification_document *document);

#endif
