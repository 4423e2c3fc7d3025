/* SPDX-License-Identifier: MIT */
/* Classifications: argument checks around src/study/classification.h. */
#include "api/handles.h"
#include "study/classification.h"
#include "study/study_json.h"

#include <math.h>

struct clipspan_classification {
    cs_classification *classification;
};

clipspan_status clipspan_classification_new(clipspan_classification **out,
                                            const clipspan_bank *bank,
                                            const clipspan_classification_options *options,
                                            clipspan_error *err)
{
    clipspan_classification_options taken;
    const clipspan_classification_options *const o = &taken;
    clipspan_classification *c;
    clipspan_status status;
    size_t classes, top;
    cs_clear(err);
    if (out) *out = NULL;
    if (!out || !bank)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_classification_new: an argument is NULL");
    CS_TRY(CS_OPTIONS(&taken, options, clipspan_classification_options, err));
    classes = clipspan_bank_get_count(bank);
    if (classes < 2)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "a classification chooses from two classes at least; the bank has %zu",
                       classes);
    if (!isfinite(o->scale) || o->scale < 0)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "scores are multiplied by %g; a number above 0 was expected", o->scale);
    top = o->top ? o->top : 5;
    c = cs_alloc_zero(1, sizeof *c, "a classification", err);
    if (!c) return CLIPSPAN_E_NOMEM;
    status = cs_classification_new(&c->classification, bank, o->scale > 0 ? o->scale : 100.0,
                                   top < classes ? top : classes, err);
    if (status == CLIPSPAN_OK && o->sigmoid)
        cs_classification_use_sigmoid(c->classification, o->bias);
    if (status == CLIPSPAN_OK)
        *out = c;
    else
        clipspan_classification_free(&c);
    return status;
}

void clipspan_classification_free(clipspan_classification **classification)
{
    if (!classification || !*classification) return;
    cs_classification_free(&(*classification)->classification);
    cs_free(*classification);
    *classification = NULL;
}

clipspan_status clipspan_classification_add(clipspan_classification *classification,
                                            const clipspan_classification_batch *batch,
                                            clipspan_error *err)
{
    clipspan_classification_batch taken;
    cs_clear(err);
    if (!classification || !batch || !batch->embeddings)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_classification_add: an argument is NULL");
    CS_TRY(CS_OPTIONS(&taken, batch, clipspan_classification_batch, err));
    return cs_classification_add(classification->classification, &taken, err);
}

const clipspan_prediction *
clipspan_classification_get_prediction(const clipspan_classification *classification, size_t number)
{
    const cs_classification *c = classification ? classification->classification : NULL;
    return c && number < c->count ? &c->predictions[number] : NULL;
}

const clipspan_classification_info *
clipspan_classification_get_info(const clipspan_classification *classification)
{
    return classification ? &classification->classification->info : NULL;
}

const clipspan_classification_row *
clipspan_classification_get_class(const clipspan_classification *classification, size_t index)
{
    const cs_classification *c = classification ? classification->classification : NULL;
    return c && index < c->info.classes ? &c->rows[index] : NULL;
}

const clipspan_classification_row *
clipspan_classification_get_group(const clipspan_classification *classification, size_t index)
{
    const cs_classification *c = classification ? classification->classification : NULL;
    return c && index < c->info.groups ? &c->rows[c->info.classes + index] : NULL;
}

/* ---- As JSON ---- */

static clipspan_status check_document(clipspan_classification_document *taken,
                                      const clipspan_classification *c, int open,
                                      const clipspan_classification_document *document,
                                      const char *function, clipspan_error *err)
{
    cs_clear(err);
    if (!c || c->classification->open != open)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT, "%s: %s", function,
                       !c     ? "an argument is NULL"
                       : open ? "no document was begun"
                              : "a document is open already");
    return CS_OPTIONS(taken, document, clipspan_classification_document, err);
}

clipspan_status clipspan_classification_begin_json(
    clipspan_classification *classification, const clipspan_classification_document *document,
    int flat, void (*put)(void *to, const char *text, size_t size), void *to, clipspan_error *err)
{
    clipspan_classification_document taken;
    cs_classification *c;
    CS_TRY(check_document(&taken, put ? classification : NULL, 0, document,
                          "clipspan_classification_begin_json", err));
    c = classification->classification;
    c->open = 1;
    cs_json_begin(&c->json, put, to, cs_json_form_of(flat), "clipspan.classify.v1");
    cs_json_begin_classification(&c->json, c, &taken);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_classification_batch_json(clipspan_classification *classification,
                                                   clipspan_error *err)
{
    clipspan_classification_document taken;
    cs_classification *c;
    CS_TRY(
        check_document(&taken, classification, 1, NULL, "clipspan_classification_batch_json", err));
    c = classification->classification;
    if (c->json.depth != 1)
        return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                       "clipspan_classification_batch_json: the document has no predictions; begin "
                       "it with `rows`");
    cs_json_put_predictions(&c->json, c);
    return CLIPSPAN_OK;
}

clipspan_status clipspan_classification_end_json(clipspan_classification *classification,
                                                 const clipspan_classification_document *document,
                                                 clipspan_error *err)
{
    clipspan_classification_document taken;
    clipspan_classification_document d = CLIPSPAN_CLASSIFICATION_DOCUMENT_INIT;
    cs_classification *c;
    CS_TRY(check_document(&taken, classification, 1, document, "clipspan_classification_end_json",
                          err));
    c = classification->classification;
    if (document) d = *document;
    d.rows = c->json.depth == 1; /* as it was begun */
    cs_json_end_classification(&c->json, c, &d);
    cs_json_finish(&c->json);
    c->open = 0;
    return CLIPSPAN_OK;
}
