/* SPDX-License-Identifier: MIT */
/* What the readers of remedies share: members that must be there. */
#ifndef CLIPSPAN_SRC_STUDY_JSON_REMEDY_INSIDE_H
#define CLIPSPAN_SRC_STUDY_JSON_REMEDY_INSIDE_H

#include "formats/json.h"
#include "study/remedy.h"

/* Each: FORMAT, naming file and key, where the member is missing or something else. */
clipspan_status cs_json_need(const cs_json *in, const char *key, const char *expected,
                             clipspan_error *err);
clipspan_status cs_json_need_real(double *out, const cs_json *in, const char *key,
                                  clipspan_error *err);
clipspan_status cs_json_need_whole(uint64_t *out, const cs_json *in, const char *key, uint64_t most,
                                   clipspan_error *err);
clipspan_status cs_json_need_size(size_t *out, const cs_json *in, const char *key, size_t most,
                                  clipspan_error *err);

/* Kept with the strings of the remedies; read: NULL when missing. */
clipspan_status cs_remedy_read_text(const char **out, cs_remedy *remedy, const cs_json *in,
                                    const char *key, clipspan_error *err);
clipspan_status cs_remedy_need_text(const char **out, cs_remedy *remedy, const cs_json *in,
                                    const char *key, clipspan_error *err);

/* A pair of classes; the remedies' facts are known. */
clipspan_status cs_remedy_read_pair(cs_remedy *remedy, cs_remedy_pair *pair, const cs_json *in,
                                    clipspan_error *err);

#endif
