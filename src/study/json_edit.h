/* SPDX-License-Identifier: MIT */
/* Checks of edits and prunings as JSON. */
#ifndef CLIPSPAN_SRC_STUDY_JSON_EDIT_H
#define CLIPSPAN_SRC_STUDY_JSON_EDIT_H

#include "formats/json_write.h"
#include "study/prune.h"

/* A whole document each; output: the folder that was, or would be, written. A check that did not
 * run has no figures: "dry_run". */
void cs_json_edit_check(cs_json_writer *json, const cs_edit_check *edit_check, const char *output);
void cs_json_prune(cs_json_writer *json, const cs_prune *prune, const char *output);

#endif
