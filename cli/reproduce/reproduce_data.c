/* SPDX-License-Identifier: MIT */
/* The standard layouts of the tables' data sets: found, checked before any image is opened, and
 * what is missing said. */
#define _POSIX_C_SOURCE 200809L
#include "base/datadir.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/in/class_index.h"
#include "cli/in/texts.h"
#include "cli/reproduce/reproduce.h"

#include <clipspan/clipspan.h>
#include <dirent.h>
#include <string.h>
#include <strings.h>

#define WNID 9 /* bytes of "n01440764" */

static const char *const layouts[] = {
    "the validation images of ImageNet (ILSVRC 2012) in one folder per class, named by its wnid: "
    "val/n01440764/ILSVRC2012_val_00000293.JPEG",
    "Waterbirds as its authors distribute it (waterbird_complete95_forest2water2): metadata.csv "
    "with the columns img_filename, y, split and place, and the images that it lists, beside it",
    "ImageNet-Segmentation as images and masks of the same name: images/NAME.png (or .jpg) and "
    "masks/NAME.png, as clipspan-import-mat makes them from gtsegs_ijcv.mat",
};

const char *cli_reproduce_layout(cli_data_kind kind)
{
    return layouts[kind];
}

/* NOT_FOUND: what was looked for, the whole layout, and which model will be needed. */
clipspan_status cli_reproduce_missing(const cli_reproduction *r, const char *path, const char *what,
                                      clipspan_error *err)
{
    return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path,
                      "%s; %s needs %s. Nothing is downloaded: docs/reproduce.md says where the "
                      "set is described. The model is %s, or that of --model",
                      what, r->table->name, layouts[r->table->data],
                      cli_paper_model_named(r->table->model)->full);
}

/* The first of some folders or files below DATA that is there, of this kind (cs_path_kind), or
 * NULL. */
static char *find_below(const cli_reproduction *r, const char *const *names, size_t count, int kind,
                        clipspan_error *err)
{
    for (size_t i = 0; i < count; i++) {
        char *path = cs_path_join(r->x->data, names[i], err);
        if (!path) return NULL;
        if (cs_path_kind(path) == kind) return path;
        cs_free(path);
    }
    cs_clear(err);
    return NULL;
}

/* ---- ImageNet ---- */

static int is_wnid(const char *name)
{
    return name[0] == 'n' && strspn(name + 1, "0123456789") == WNID - 1 && strlen(name) == WNID;
}

/* Whether a folder holds folders that are classes: named by wnid, or any with a list of one's own.
 */
static int has_class_folders(const char *folder, int any)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int found = 0;
    while (dir && !found && (entry = readdir(dir)) != NULL) {
        char *path;
        if (entry->d_name[0] == '.' || (!any && !is_wnid(entry->d_name))) continue;
        path = cs_path_join(folder, entry->d_name, NULL);
        found = path && cs_path_kind(path) == 2;
        cs_free(path);
    }
    if (dir) closedir(dir);
    return found;
}

/* The thousand classes: key wnid, text name. Both files have them in order of wnid. */
static clipspan_status imagenet_classes(clipspan_texts **out, clipspan_error *err)
{
    static const char *const files[] = {"imagenet_wnids.txt", "imagenet_classes.txt"};
    clipspan_texts *lists[2] = {NULL, NULL};
    const char **texts = cs_alloc(2000, sizeof *texts, "classes", err), **keys;
    clipspan_status status = texts ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    for (int f = 0; f < 2 && status == CLIPSPAN_OK; f++) {
        char *path;
        status = cs_data_path(&path, files[f], err);
        if (status == CLIPSPAN_OK) status = clipspan_texts_open(&lists[f], path, err);
        if (status == CLIPSPAN_OK && clipspan_texts_get_count(lists[f]) != 1000)
            status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path, "holds %zu lines, not 1000",
                                clipspan_texts_get_count(lists[f]));
        cs_free(path);
    }
    for (size_t i = 0; i < 1000 && status == CLIPSPAN_OK; i++) {
        keys = texts + 1000;
        keys[i] = clipspan_texts_get_text(lists[0], i);
        texts[i] = clipspan_texts_get_text(lists[1], i);
    }
    if (status == CLIPSPAN_OK) status = clipspan_texts_new(out, texts, texts + 1000, 1000, err);
    clipspan_texts_free(&lists[0]);
    clipspan_texts_free(&lists[1]);
    cs_free(texts);
    return status;
}

/* Every image lies in a folder that is a class. */
static clipspan_status check_folders(cli_reproduction *r, const clipspan_inputs *inputs,
                                     const clipspan_texts *classes, clipspan_error *err)
{
    const size_t C = clipspan_texts_get_count(classes), depth = strlen(r->data);
    uint8_t *seen = cs_alloc_zero(C, 1, "classes", err);
    clipspan_status status = CLIPSPAN_OK;
    cli_class_index index;
    if (!seen) return CLIPSPAN_E_NOMEM;
    status = cli_class_index_init(&index, classes, err);
    for (size_t i = 0; i < r->images && status == CLIPSPAN_OK; i++) {
        const char *path = clipspan_inputs_get_paths(inputs)[i];
        const char *label = clipspan_inputs_get_label(inputs, i);
        const size_t c = cli_class_index_find(&index, label);
        if (c != CLI_NO_CLASS) {
            r->filled += !seen[c];
            seen[c] = 1;
        } else if (strlen(path) > depth + 1 && !strchr(path + depth + 1, '/')) {
            status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                                "lies in no class's folder: expected %s", layouts[0]);
        } else {
            status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                                "its folder \"%.80s\" is not one of the %zu classes; %s", label, C,
                                r->x->classes.list
                                    ? "--classes has one line per class: folder, tab, name"
                                    : "expected wnids such as n01440764, or --classes FILE with "
                                      "one line per class: folder, tab, name");
        }
    }
    cli_class_index_fini(&index);
    cs_free(seen);
    return status;
}

/* No class folders: a list says the classes, or something is missing. */
static clipspan_status read_flat(cli_reproduction *r, const clipspan_texts *classes,
                                 clipspan_error *err)
{
    static const char *const lists[] = {"LOC_val_solution.csv"};
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_inputs *inputs = NULL;
    const char *source = r->data;
    clipspan_status status;
    char *csv;
    if (clipspan_inputs_open(&inputs, &source, 1, &options, NULL) != CLIPSPAN_OK)
        return cli_reproduce_missing(r, source, "holds no folders of classes", err);
    clipspan_inputs_close(&inputs);
    csv = find_below(r, lists, 1, 1, err);
    status = csv ? cli_reproduce_solution(r, csv, classes, err)
                 : cli_reproduce_missing(
                       r, source,
                       "holds images but no folders of classes; move each image into the folder of "
                       "its class (listed in the development kit's ground truth), or put "
                       "LOC_val_solution.csv, which lists it too, into DIR",
                       err);
    cs_free(csv);
    return status;
}

static clipspan_status read_folders(cli_reproduction *r, const clipspan_texts *classes,
                                    clipspan_error *err)
{
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_inputs *inputs = NULL;
    const char *source = r->data;
    clipspan_status status;
    options.labels = r->labels = "folder";
    status = clipspan_inputs_open(&inputs, &source, 1, &options, err);
    if (status == CLIPSPAN_E_NOT_FOUND)
        return cli_reproduce_missing(r, source, "holds no image", err);
    CS_TRY(status);
    r->images = clipspan_inputs_get_count(inputs);
    status = check_folders(r, inputs, classes, err);
    clipspan_inputs_close(&inputs);
    return status;
}

clipspan_status cli_reproduce_imagenet(cli_reproduction *r, clipspan_error *err)
{
    static const char *const places[] = {"val", "ILSVRC/Data/CLS-LOC/val", "Data/CLS-LOC/val"};
    const cli_reproduce_settings *x = r->x;
    const int own =
        (x->classes.list && strcmp(x->classes.list, "imagenet") != 0) || x->classes.names.count > 0;
    clipspan_texts *classes = NULL;
    clipspan_status status;
    r->data = find_below(r, places, sizeof places / sizeof *places, 2, err);
    if (!r->data) r->data = cs_strdup(x->data, err);
    if (!r->data) return CLIPSPAN_E_NOMEM;
    status = own ? cli_classes_open(&classes, &x->classes, err) : imagenet_classes(&classes, err);
    if (status == CLIPSPAN_OK)
        status = has_class_folders(r->data, own) ? read_folders(r, classes, err)
                                                 : read_flat(r, classes, err);
    if (!own) {
        r->classes = classes;
        classes = NULL;
    }
    clipspan_texts_free(&classes);
    return status;
}

/* ---- Masks ---- */

clipspan_status cli_reproduce_masks(cli_reproduction *r, clipspan_error *err)
{
    static const char *const places[] = {"images", "masks"}, *const mats[] = {"gtsegs_ijcv.mat"};
    clipspan_inputs_options options = CLIPSPAN_INPUTS_OPTIONS_INIT;
    clipspan_inputs *inputs = NULL;
    const char *source;
    clipspan_status status;
    char *mat;
    r->data = find_below(r, places, 1, 2, err);
    r->masks = find_below(r, places + 1, 1, 2, err);
    if (!r->data || !r->masks) {
        mat = find_below(r, mats, 1, 1, err);
        status =
            cli_reproduce_missing(r, r->x->data,
                                  mat ? "holds gtsegs_ijcv.mat, which clipspan-import-mat has to "
                                        "convert first"
                                  : !r->data ? "holds no folder images"
                                             : "holds no folder masks",
                                  err);
        cs_free(mat);
        return status;
    }
    source = r->data;
    status = clipspan_inputs_open(&inputs, &source, 1, &options, err);
    if (status == CLIPSPAN_E_NOT_FOUND)
        return cli_reproduce_missing(r, source, "holds no image", err);
    CS_TRY(status);
    r->images = clipspan_inputs_get_count(inputs);
    clipspan_inputs_close(&inputs);
    source = r->masks;
    status = clipspan_inputs_open(&inputs, &source, 1, &options, err);
    if (status == CLIPSPAN_E_NOT_FOUND)
        return cli_reproduce_missing(r, source, "holds no mask", err);
    clipspan_inputs_close(&inputs);
    return status;
}
