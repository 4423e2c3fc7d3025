/* SPDX-License-Identifier: MIT */
/* What documents of studies have in common: what was evaluated, comparisons, lists of names. */
#ifndef CLIPSPAN_SRC_STUDY_JSON_PARTS_H
#define CLIPSPAN_SRC_STUDY_JSON_PARTS_H

#include "decompose/compare.h"
#include "formats/json.h"
#include "formats/json_write.h"
#include "study/evaluation_facts.h"

#define CS_JSON_DIGITS 9 /* of a number in a document */

/* ---- Writing ---- */

void cs_json_put_names(cs_json_writer *json, const char *key, const char *const *names,
                       size_t count);
/* "class_names", and "labels" where some image has one. */
void cs_json_put_labels(cs_json_writer *json, const clipspan_evaluation_info *info);
/* Members of a comparison: "images", and where there are any before, after and change. */
void cs_json_put_comparison(cs_json_writer *json, const clipspan_comparison *c);

/* ---- Reading ---- */

/* The object at `index` of the array at `key`. Error: FORMAT. */
clipspan_status cs_json_item(cs_json *out, const cs_json *in, const char *key, size_t index,
                             clipspan_error *err);
/* Items of the array at `key`; 0 when the key is missing. Error: FORMAT. */
clipspan_status cs_json_length(size_t *out, const cs_json *in, const char *key,
                               clipspan_error *err);
/* A count of 0 or more; left as it is when missing. */
clipspan_status cs_json_count(uint64_t *out, const cs_json *in, const char *key,
                              clipspan_error *err);
/* A list of texts, borrowed: *names for cs_free, NULL with count 0 when missing. */
clipspan_status cs_json_names(const char ***names, size_t *count, const cs_json *in,
                              const char *key, clipspan_error *err);

/* "run", "means", "class_names", "labels", "labelled", "images", "unlabelled", "ungrouped",
 * "group_names": facts must be zero. */
clipspan_status cs_json_facts(cs_evaluation_facts *facts, const cs_json *in, clipspan_error *err);
clipspan_status cs_json_comparison(cs_comparison *c, const cs_json *in, clipspan_error *err);
/* The place of the name at `key` among names; -1 when the key is missing. Error: FORMAT. */
clipspan_status cs_json_place(int32_t *out, const cs_json *in, const char *key,
                              const char *const *names, size_t count, clipspan_error *err);

#endif
