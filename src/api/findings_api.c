/* SPDX-License-Identifier: MIT */
/* Contrasts of maps, findings and the joint figure: argument checks around src/study. */
#include "api/explain_api.h"
#include "api/handles.h"
#include "api/maps_api.h"
#include "study/contrast.h"
#include "study/joint_figure.h"
#include "study/study_json.h"

#include <clipspan/run.h>
#include <string.h>

struct clipspan_findings {
    cs_findings *findings;
};

struct clipspan_joint {
    cs_joint *joint;
};

/* ---- Contrasts ---- */

size_t clipspan_map_contrast_get_rows(clipspan_map_contrast contrast, size_t T)
{
    return cs_contrast_rows(contrast, T);
}

void clipspan_map_contrast_get_pair(size_t *first, size_t *second, clipspan_map_contrast contrast,
                                    size_t T, size_t row)
{
    if (first && second && row < cs_contrast_rows(contrast, T))
        cs_contrast_pair(first, second, contrast, T, row);
}

clipspan_status clipspan_map_contrast_run(float *out, const float *maps, size_t T, size_t n,
                                          size_t stride, clipspan_map_contrast contrast,
                                          clipspan_error *err)
{
    cs_clear(err);
    if (!out || !maps || n > stride)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_map_contrast_run: an argument is NULL, or rows overlap");
    if (contrast < CLIPSPAN_MAP_CONTRAST_NONE || contrast > CLIPSPAN_MAP_CONTRAST_PAIRS ||
        !cs_contrast_rows(contrast, T))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "contrast %d of %zu texts was asked for; it needs at least two texts, with "
                       "one there is nothing to stand against",
                       (int)contrast, T);
    cs_contrast_run(out, maps, T, n, stride, contrast);
    return CLIPSPAN_OK;
}

const char *clipspan_map_contrast_get_words(clipspan_map_contrast contrast)
{
    return contrast == CLIPSPAN_MAP_CONTRAST_PAIRS ? "one text minus another"
                                                   : cs_contrast_words((clipspan_contrast)contrast);
}

/* ---- Findings ---- */

static clipspan_status check_atlas(const clipspan_atlas *atlas, const clipspan_explanation_info *x,
                                   clipspan_error *err)
{
    const clipspan_run_info *run = atlas ? atlas->atlas->info.run : NULL;
    if (!run || (run->layers == x->layers && run->heads == x->heads)) return CLIPSPAN_OK;
    return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                   "the atlas is of %d layers of %d heads, the explanation of %d of %d",
                   run->layers, run->heads, x->layers, x->heads);
}

clipspan_status clipspan_findings_new(clipspan_findings **out,
                                      const clipspan_explanation *explanation,
                                      const clipspan_atlas *atlas, int top, clipspan_error *err)
{
    const clipspan_explanation_info *x;
    clipspan_findings *f;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !explanation)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_findings_new: an argument is NULL");
    if (top < 0 || top > CS_FINDINGS_MOST)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%d heads were asked for; 1 to %d are possible",
                       top, CS_FINDINGS_MOST);
    x = &explanation->explanation->info;
    CS_TRY(check_atlas(atlas, x, err));
    f = cs_alloc_zero(1, sizeof *f, "findings", err);
    if (!f) return CLIPSPAN_E_NOMEM;
    status =
        cs_findings_new(&f->findings, x, atlas ? atlas->atlas : NULL, top ? (size_t)top : 5, err);
    if (status == CLIPSPAN_OK)
        *out = f;
    else
        clipspan_findings_free(&f);
    return status;
}

void clipspan_findings_free(clipspan_findings **findings)
{
    if (!findings || !*findings) return;
    cs_findings_free(&(*findings)->findings);
    cs_free(*findings);
    *findings = NULL;
}

size_t clipspan_findings_get_count(const clipspan_findings *findings)
{
    return findings ? findings->findings->count : 0;
}

const clipspan_finding *clipspan_findings_get(const clipspan_findings *findings, size_t rank)
{
    return findings && rank < findings->findings->count ? &findings->findings->findings[rank]
                                                        : NULL;
}

/* ---- The joint figure ---- */

clipspan_status clipspan_joint_new(clipspan_joint **out, const clipspan_explanation *explanation,
                                   const clipspan_atlas *atlas,
                                   const clipspan_joint_options *options, clipspan_error *err)
{
    clipspan_joint_options taken;
    const clipspan_joint_options *const o = &taken;
    const clipspan_explanation_info *x;
    clipspan_joint *j;
    clipspan_status status;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !explanation || !atlas)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_joint_new: an argument is NULL");
    CS_TRY(CS_OPTIONS(&taken, options, clipspan_joint_options, err));
    if ((o->heads && o->head_count < 1) || o->rows > CS_JOINT_MOST || o->columns > 1000)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a figure of %zu heads and %zu columns was asked for; 1 to %d and 1 to 1000 "
                       "are possible",
                       o->heads ? o->head_count : o->rows, o->columns, CS_JOINT_MOST);
    x = &explanation->explanation->info;
    CS_TRY(check_atlas(atlas, x, err));
    j = cs_alloc_zero(1, sizeof *j, "a figure", err);
    if (!j) return CLIPSPAN_E_NOMEM;
    status = cs_joint_new(&j->joint, x, atlas->atlas, o->heads, o->head_count,
                          o->rows ? o->rows : 4, o->columns ? o->columns : 4, err);
    if (status == CLIPSPAN_OK)
        *out = j;
    else
        clipspan_joint_free(&j);
    return status;
}

void clipspan_joint_free(clipspan_joint **joint)
{
    if (!joint || !*joint) return;
    cs_joint_free(&(*joint)->joint);
    cs_free(*joint);
    *joint = NULL;
}

const clipspan_head *clipspan_joint_get_heads(const clipspan_joint *joint, size_t *count)
{
    if (count) *count = joint ? joint->joint->count : 0;
    return joint ? joint->joint->heads : NULL;
}

const char *const *clipspan_joint_get_texts(const clipspan_joint *joint, size_t *count)
{
    if (count) *count = joint ? joint->joint->text_count : 0;
    return joint ? joint->joint->texts : NULL;
}

static clipspan_status check_bank(const cs_joint *j, const clipspan_bank *bank,
                                  const clipspan_maps *maps, const cs_run *run, clipspan_error *err)
{
    const size_t P = cs_run_shape(run).P;
    size_t i;
    if (clipspan_bank_get_count(bank) != j->text_count || maps->texts->T != j->text_count ||
        clipspan_bank_get_width(bank) != P || maps->shape.P != P || maps->shape.N != j->x->tokens)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "the figure has %zu texts and %zu tokens, the bank %zu texts, the maps %zu "
                       "and %zu; all of them are to be of the run's model",
                       j->text_count, j->x->tokens, clipspan_bank_get_count(bank), maps->texts->T,
                       maps->shape.N);
    for (i = 0; i < j->text_count; i++)
        if (strcmp(clipspan_bank_get_name(bank, i), j->texts[i]) != 0)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "text %zu of the bank is \"%.80s\", that of the figure \"%.80s\"", i,
                           clipspan_bank_get_name(bank, i), j->texts[i]);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_joint_run(clipspan_joint *joint, const clipspan_maps *maps, size_t image,
                                   const clipspan_bank *bank, const clipspan_run *run,
                                   clipspan_error *err)
{
    const float *found[CS_JOINT_MOST];
    const cs_joint *j;
    size_t i;
    cs_clear(err);
    if (!joint || !maps || !bank || !run)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "clipspan_joint_run: an argument is NULL");
    j = joint->joint;
    CS_TRY(cs_run_need_merged(run->run, err));
    CS_TRY(check_bank(j, bank, maps, run->run, err));
    for (i = 0; i < j->count; i++) {
        found[i] = clipspan_maps_get_head(maps, image, j->heads[i].layer, j->heads[i].head);
        if (!found[i])
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "the last run of the maps has no map of L%d.H%d for image %zu; make "
                           "them of the figure's heads with `each`",
                           j->heads[i].layer, j->heads[i].head, image);
    }
    return cs_joint_run(joint->joint, found, clipspan_bank_get_vectors(bank), run->run, err);
}

const clipspan_joint_row *clipspan_joint_get_row(const clipspan_joint *joint, size_t row)
{
    return joint && joint->joint->cells && row < joint->joint->count ? &joint->joint->rows[row]
                                                                     : NULL;
}

clipspan_status clipspan_findings_write_json(const clipspan_findings *findings,
                                             const clipspan_joint *joint,
                                             const clipspan_explain_document *document, int flat,
                                             void (*put)(void *to, const char *text, size_t size),
                                             void *to, clipspan_error *err)
{
    clipspan_explain_document taken;
    cs_json_writer json;
    cs_clear(err);
    if (!put || (!findings && !document))
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_findings_write_json: an argument is NULL");
    CS_TRY(CS_OPTIONS(&taken, document, clipspan_explain_document, err));
    cs_json_begin(&json, put, to, cs_json_form_of(flat), "clipspan.explain.v1");
    cs_json_put_findings(&json, findings ? findings->findings : NULL, joint ? joint->joint : NULL,
                         &taken);
    cs_json_finish(&json);
    return CLIPSPAN_OK;
}
