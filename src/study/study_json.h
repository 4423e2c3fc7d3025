/* SPDX-License-Identifier: MIT */
/* Studies as JSON: the members of the documents that the program prints (docs/json.md), put into an
 * object that is open. The only place that knows their keys. */
#ifndef CLIPSPAN_SRC_STUDY_STUDY_JSON_H
#define CLIPSPAN_SRC_STUDY_STUDY_JSON_H

#include "formats/json_write.h"
#include "study/classification.h"
#include "study/hits.h"
#include "study/joint_figure.h"
#include "study/mask_study.h"

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
