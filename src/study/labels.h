/* SPDX-License-Identifier: MIT */
/* Which class and group the used images of a run are of: as the run was planned, or as a list of
 * images says, matched by path. Never by the order of files. */
#ifndef CLIPSPAN_SRC_STUDY_LABELS_H
#define CLIPSPAN_SRC_STUDY_LABELS_H

#include "run/run_open.h"

/* Labels and groups as texts. */
typedef struct cs_label_texts {
    char *text;            /* bytes of all */
    size_t *label, *group; /* [count] offsets into text; "" where not known */
    size_t count;
} cs_label_texts;

/* Of the used images of a run, in order of run_index; inputs NULL: those of the run. source: what
 * to call the inputs in messages. To be given back in any case. Errors: ARGUMENT (inputs that name
 * none of the run's images), those of reading the run, NOMEM. */
clipspan_status cs_labels_read(cs_label_texts *out, const cs_run *run,
                               const clipspan_inputs *inputs, const char *source,
                               clipspan_error *err);
void cs_labels_fini(cs_label_texts *texts);

/* labels : [count] place of each label among keys : [classes], -1 for ""; *labelled counts the
 * others. Errors: ARGUMENT (labels that are no key, listed; two equal keys), FORMAT ("nan"),
 * NOMEM. */
clipspan_status cs_labels_match(int32_t *labels, uint64_t *labelled, const cs_label_texts *texts,
                                const char *const *keys, size_t classes, clipspan_error *err);

/* groups : [count] place of each group among names, -1 for "", in order of name. names : *names for
 * cs_free, [*name_count], its strings live as long as texts. counted : [count] images that enter
 * figures, NULL for all: a group none of whose images is counted and a part of whose name is empty
 * is left out, its images are of no group. Errors: FORMAT ("nan"), NOMEM. */
clipspan_status cs_labels_group(int32_t *groups, const char ***names, size_t *name_count,
                                const cs_label_texts *texts, const uint8_t *counted,
                                clipspan_error *err);

/* Whether a group is a product of values one of which is not known: "/brick", "hen/". */
int cs_labels_partly_empty(const char *name);

#endif
