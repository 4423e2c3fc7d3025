/* SPDX-License-Identifier: MIT */
/* What stands out in an explanation, text by text: include/clipspan/explain.h says what. */
#ifndef CLIPSPAN_SRC_STUDY_FINDINGS_H
#define CLIPSPAN_SRC_STUDY_FINDINGS_H

#include <clipspan/explain.h>

#include "atlas/atlas.h"
#include "decompose/explanation.h"

#define CS_FINDINGS_MOST 64 /* heads and patches named */

typedef struct cs_findings {
    const clipspan_explanation_info *x; /* borrowed */
    const cs_atlas *atlas;              /* borrowed, or NULL */
    size_t count;
    clipspan_finding *findings;   /* [count] by rank */
    clipspan_finding_head *every; /* [count, layers, heads] */
    clipspan_finding_head *heads;
    clipspan_finding_role *roles;
    clipspan_finding_patch *patches; /* [count, top + 1]: the highest behind */
} cs_findings;

/* top: 1 to CS_FINDINGS_MOST. Errors: NOMEM. */
clipspan_status cs_findings_new(cs_findings **out, const clipspan_explanation_info *x,
                                const cs_atlas *atlas, size_t top, clipspan_error *err);
void cs_findings_free(cs_findings **findings);

/* What the atlas has on head number `index` of all, or NULL. */
const clipspan_atlas_head *cs_findings_known(const cs_atlas *atlas, size_t index);

/* "colour", "colour, leaning" or "", as readers see a role. */
void cs_findings_role_text(char out[64], const char *role, int leaning);

/* The role that a head is shown with: NULL, or a category; *leaning: it only leans to it. */
const char *cs_findings_role(int *leaning, const clipspan_atlas_head *known);

#endif
