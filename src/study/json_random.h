/* SPDX-License-Identifier: MIT */
/* What documents of ablations and remedies have in common: worst groups and random sets. */
#ifndef CLIPSPAN_SRC_STUDY_JSON_RANDOM_H
#define CLIPSPAN_SRC_STUDY_JSON_RANDOM_H

#include "study/json_parts.h"
#include "study/random_sets.h"

/* "group_before", "group_after" and the comparison, as the object `key`; NULL: nothing. */
void cs_json_put_worst(cs_json_writer *j, const char *key, const clipspan_evaluation_info *info,
                       const clipspan_comparison *c);
/* "worst_group" of `in`; *has is 0 when it is missing. Error: FORMAT. */
clipspan_status cs_json_worst(cs_comparison *c, int *has, const cs_json *in,
                              const clipspan_evaluation_info *info, clipspan_error *err);

/* "random"; nothing without sets. Read, they lack their heads. */
void cs_json_put_random(cs_json_writer *j, const cs_random_sets *sets,
                        const clipspan_evaluation_info *info);
/* sets: to be given back in any case; without sets where the key is missing. Errors: FORMAT,
 * NOMEM. */
clipspan_status cs_json_random(cs_random_sets *sets, const cs_json *in,
                               const clipspan_evaluation_info *info, clipspan_error *err);

#endif
