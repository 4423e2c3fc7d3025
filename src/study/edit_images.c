/* SPDX-License-Identifier: MIT */
/* Which images a network is measured on: the used ones of a run, or those of a list; every so
 * many-th where there are more, for a stretch of an ordered list is no sample of it. */
#include "base/memory.h"
#include "base/random.h"
#include "run/image_place.h"
#include "study/edit_check.h"

#include <clipspan/encode.h>
#include <clipspan/run.h>
#include <stdio.h>
#include <string.h>

#define MOST 256 /* when nothing is asked for */

static clipspan_status add_image(cs_edit_images *p, const char *folder, const char *path,
                                 const char *label, clipspan_error *err)
{
    const size_t a = *path == '/' ? 0 : strlen(folder), b = strlen(path), c = strlen(label);
    CS_TRY(cs_grow(&p->text, &p->room, p->used + a + b + c + 3, 1, "paths", err));
    p->path[p->count] = p->used;
    if (a) p->used += (size_t)snprintf(p->text + p->used, a + 2, "%s/", folder);
    memcpy(p->text + p->used, path, b + 1);
    p->used += b + 1;
    p->label[p->count++] = p->used;
    memcpy(p->text + p->used, label, c + 1);
    p->used += c + 1;
    return CLIPSPAN_OK;
}

/* The i-th of `most` that stand for `count`. */
static size_t sample(size_t i, size_t most, size_t count)
{
    return count > most ? (size_t)((double)i * (double)count / (double)most) : i;
}

typedef struct taker {
    cs_edit_images *images;
    cs_image_place place;
    size_t most, count, seen; /* wanted, of the used images, of which so many were passed */
    clipspan_status status;
    clipspan_error *err;
} taker;

static int take_image(void *user, const clipspan_run_image *image)
{
    taker *t = user;
    char *path = NULL;
    if (strcmp(image->status, "ok") != 0) return 0;
    if (t->images->count == t->most) return 1;
    if (t->seen++ != sample(t->images->count, t->most, t->count)) return 0;
    t->status = cs_image_place_find(&path, &t->place, image->path, t->err);
    if (t->status == CLIPSPAN_OK) t->status = add_image(t->images, "", path, image->label, t->err);
    cs_free(path);
    return t->status != CLIPSPAN_OK;
}

static clipspan_status list_run(cs_edit_images *p, const clipspan_run *run,
                                const clipspan_edit_check_options *o, size_t most,
                                clipspan_error *err)
{
    const clipspan_run_info *info = clipspan_run_get_info(run);
    clipspan_error stopped;
    taker t = {p,    {info->path, info->folder, o->root, info->own, o->images_anywhere},
               most, (size_t)info->used,
               0,    CLIPSPAN_OK,
               err};
    const clipspan_status status =
        clipspan_run_read_images(run, 0, info->images, take_image, &t, &stopped);
    if (t.status != CLIPSPAN_OK) return t.status;
    if (status == CLIPSPAN_OK || status == CLIPSPAN_E_INTERRUPTED) return CLIPSPAN_OK;
    if (err) *err = stopped;
    return status;
}

static clipspan_status list_inputs(cs_edit_images *p, const clipspan_inputs *inputs, size_t most,
                                   clipspan_error *err)
{
    const size_t count = clipspan_inputs_get_count(inputs);
    for (size_t i = 0; i < most && i < count; i++) {
        const size_t at = sample(i, most, count);
        CS_TRY(add_image(p, "", clipspan_inputs_get_paths(inputs)[at],
                         clipspan_inputs_get_label(inputs, at), err));
    }
    return CLIPSPAN_OK;
}

/* What labels are matched with: a class's key, or its name where it has none. */
static const char *class_key(const clipspan_bank *bank, size_t c)
{
    const char *key = clipspan_bank_get_key(bank, c);
    return key && *key ? key : clipspan_bank_get_name(bank, c);
}

static clipspan_status match_labels(cs_edit_images *p, const clipspan_bank *bank,
                                    clipspan_error *err)
{
    const size_t classes = bank ? clipspan_bank_get_count(bank) : 0;
    for (size_t i = 0; i < p->count; i++) {
        const char *label = p->text + p->label[i];
        size_t c;
        p->paths[i] = p->text + p->path[i];
        p->labels[i] = -1;
        if (!*label || !classes) continue;
        for (c = 0; c < classes && strcmp(class_key(bank, c), label) != 0; c++)
            ;
        if (c == classes)
            return cs_fail(err, CLIPSPAN_E_ARGUMENT,
                           "%s: its label \"%.80s\" is none of the classes; a class file says what "
                           "labels mean, a line a class: label, tab, name",
                           p->paths[i], label);
        p->labels[i] = (int32_t)c;
        p->has_labels = 1;
    }
    return CLIPSPAN_OK;
}

clipspan_status cs_edit_images_list(cs_edit_images *images, const clipspan_run *run,
                                    const clipspan_edit_check_options *o, clipspan_error *err)
{
    const size_t wanted = o->images ? o->images : MOST,
                 have = o->inputs ? clipspan_inputs_get_count(o->inputs)
                                  : (size_t)clipspan_run_get_info(run)->used,
                 most = wanted < have ? wanted : have;
    images->paths = cs_alloc(most, sizeof *images->paths, "images", err);
    images->path = cs_alloc(most, sizeof *images->path, "images", err);
    images->label = cs_alloc(most, sizeof *images->label, "images", err);
    images->labels = cs_alloc(most, sizeof *images->labels, "images", err);
    if (!images->paths || !images->path || !images->label || !images->labels)
        return CLIPSPAN_E_NOMEM;
    CS_TRY(o->inputs ? list_inputs(images, o->inputs, most, err)
                     : list_run(images, run, o, most, err));
    return match_labels(images, o->bank, err);
}

void cs_edit_images_shuffle(cs_edit_images *images)
{
    cs_random random = {images->count};
    for (size_t i = images->count; i-- > 1;) {
        const size_t k = (size_t)cs_random_below(&random, i + 1), path = images->path[i],
                     label = images->label[i];
        const int32_t number = images->labels[i];
        const char *text = images->paths[i];
        images->path[i] = images->path[k];
        images->label[i] = images->label[k];
        images->labels[i] = images->labels[k];
        images->paths[i] = images->paths[k];
        images->path[k] = path;
        images->label[k] = label;
        images->labels[k] = number;
        images->paths[k] = text;
    }
}

void cs_edit_images_fini(cs_edit_images *images)
{
    cs_free(images->text);
    cs_free(images->paths);
    cs_free(images->path);
    cs_free(images->label);
    cs_free(images->labels);
    memset(images, 0, sizeof *images);
}
