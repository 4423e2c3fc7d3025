/* SPDX-License-Identifier: MIT */
/* Reading through libhdf5, every size looked at before it is believed. */
#define H5_USE_110_API
#include "mat_file.h"

#include <hdf5.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define MOST_IMAGES 1000000
#define MOST_PIXELS ((hsize_t)32 * 1000 * 1000)
#define MOST_CHUNK  ((hsize_t)256 << 20) /* bytes that libhdf5 unpacks at a time */

struct mat_file {
    hid_t file;
    char *path;
    size_t count;
    hobj_ref_t *images, *masks, *ids; /* [count] */
};

/* An open dataset and what is known of it. */
typedef struct set {
    hid_t data, space, type;
    int rank;
    hsize_t side[4];
} set;

static void close_set(set *s)
{
    if (s->type >= 0) H5Tclose(s->type);
    if (s->space >= 0) H5Sclose(s->space);
    if (s->data >= 0) H5Dclose(s->data);
}

/* Nothing may be read from elsewhere, and no piece may unpack to more than is reasonable. */
static clipspan_status check_storage(const set *s, const char *what, clipspan_error *err)
{
    hsize_t chunk[4] = {0}, bytes = H5Tget_size(s->type);
    const hid_t made = H5Dget_create_plist(s->data);
    const H5D_layout_t layout = made < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(made);
    int outside = made < 0 || H5Pget_external_count(made) != 0, rank = 0;
    if (layout == H5D_CHUNKED) rank = H5Pget_chunk(made, 4, chunk);
    for (int i = 0; i < rank && i < 4; i++)
        bytes = chunk[i] && bytes > MOST_CHUNK / chunk[i] ? MOST_CHUNK + 1 : bytes * chunk[i];
    if (made >= 0) H5Pclose(made);
    if (outside || (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED))
        return cs_fail(err, CLIPSPAN_E_FORMAT, "%s is not stored in the file itself", what);
    if (layout == H5D_CHUNKED && bytes > MOST_CHUNK)
        return cs_fail(err, CLIPSPAN_E_LIMIT, "%s is stored in pieces of over %llu bytes", what,
                       (unsigned long long)MOST_CHUNK);
    return CLIPSPAN_OK;
}

/* Takes an open object, or -1; what: for messages. To be given back with close_set in any case. */
static clipspan_status take_set(set *s, hid_t object, const char *what, clipspan_error *err)
{
    memset(s, 0, sizeof *s);
    s->data = s->space = s->type = -1;
    if (object < 0)
        return cs_fail(err, CLIPSPAN_E_FORMAT, "%s refers to nothing in the file", what);
    if (H5Iget_type(object) != H5I_DATASET) {
        H5Oclose(object);
        return cs_fail(err, CLIPSPAN_E_FORMAT, "%s is not an array of numbers", what);
    }
    s->data = object;
    s->space = H5Dget_space(object);
    s->type = H5Dget_type(object);
    s->rank = s->space < 0 ? -1 : H5Sget_simple_extent_ndims(s->space);
    if (s->type < 0 || s->rank < 1 || s->rank > 4 ||
        H5Sget_simple_extent_dims(s->space, s->side, NULL) != s->rank)
        return cs_fail(err, CLIPSPAN_E_FORMAT, "%s is not an array of 1 to 4 sides", what);
    return check_storage(s, what, err);
}

static clipspan_status follow(set *s, const mat_file *m, hobj_ref_t ref, const char *what,
                              clipspan_error *err)
{
    return take_set(s, ref ? H5Rdereference2(m->file, H5P_DEFAULT, H5R_OBJECT, &ref) : -1, what,
                    err);
}

/* Only what lies in the file: a link to another one is not followed. */
static int is_here(hid_t file, const char *name)
{
    H5L_info_t info;
    return H5Lexists(file, name, H5P_DEFAULT) > 0 &&
           H5Lget_info(file, name, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
}

/* ---- The lists ---- */

static clipspan_status read_list(hobj_ref_t **out, mat_file *m, const char *name,
                                 clipspan_error *err)
{
    clipspan_status status;
    set s;
    CS_TRY_DONE(
        take_set(&s, is_here(m->file, name) ? H5Oopen(m->file, name, H5P_DEFAULT) : -1, name, err));
    if (s.rank != 2 || s.side[1] != 1 || H5Tequal(s.type, H5T_STD_REF_OBJ) <= 0) {
        status = cs_fail(err, CLIPSPAN_E_FORMAT,
                         "%s is not a column of references, as gtsegs_ijcv.mat has it", name);
        goto done;
    }
    if (s.side[0] < 1 || s.side[0] > MOST_IMAGES) {
        status = cs_fail(err, s.side[0] ? CLIPSPAN_E_LIMIT : CLIPSPAN_E_FORMAT,
                         "%s has %llu images; 1 to %d are possible", name,
                         (unsigned long long)s.side[0], MOST_IMAGES);
        goto done;
    }
    if (m->count && m->count != (size_t)s.side[0]) {
        status = cs_fail(err, CLIPSPAN_E_FORMAT, "%s has %llu images, /value/img has %zu", name,
                         (unsigned long long)s.side[0], m->count);
        goto done;
    }
    m->count = (size_t)s.side[0];
    *out = cs_alloc_zero(m->count, sizeof **out, "references", err);
    status = *out ? CLIPSPAN_OK : CLIPSPAN_E_NOMEM;
    if (*out && H5Dread(s.data, H5T_STD_REF_OBJ, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0)
        status = cs_fail(err, CLIPSPAN_E_FORMAT, "%s cannot be read: the file is damaged", name);
done:
    close_set(&s);
    return status;
}

static clipspan_status open_lists(mat_file *m, clipspan_error *err)
{
    if (!is_here(m->file, "/value") || !is_here(m->file, "/value/img") ||
        !is_here(m->file, "/value/gt"))
        return cs_fail(err, CLIPSPAN_E_FORMAT,
                       "has no /value/img and /value/gt; gtsegs_ijcv.mat is expected");
    CS_TRY(read_list(&m->images, m, "/value/img", err));
    CS_TRY(read_list(&m->masks, m, "/value/gt", err));
    return is_here(m->file, "/value/id") ? read_list(&m->ids, m, "/value/id", err) : CLIPSPAN_OK;
}

clipspan_status mat_open(mat_file **out, const char *path, clipspan_error *err)
{
    clipspan_error error;
    clipspan_status status = CLIPSPAN_OK;
    mat_file *m;
    *out = NULL;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    switch (cs_path_kind(path)) {
    case 0: return cs_fail_at(err, CLIPSPAN_E_NOT_FOUND, path, "there is no such file");
    case 1: break;
    case 2: return cs_fail_at(err, CLIPSPAN_E_IO, path, "is a folder, where a file was expected");
    default: return cs_fail_at(err, CLIPSPAN_E_IO, path, "is not a regular file");
    }
    m = cs_alloc_zero(1, sizeof *m, "a file", err);
    if (!m) return CLIPSPAN_E_NOMEM;
    m->file = -1;
    m->path = cs_strdup(path, err);
    if (!m->path) status = CLIPSPAN_E_NOMEM;
    if (status == CLIPSPAN_OK) m->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (status == CLIPSPAN_OK && m->file < 0)
        status = cs_fail_at(err, CLIPSPAN_E_FORMAT, path,
                            "is not a MATLAB 7.3 file (HDF5), or it is damaged or cut short");
    if (status == CLIPSPAN_OK) {
        status = open_lists(m, &error);
        if (status != CLIPSPAN_OK) cs_fail_at(err, status, path, "%s", error.message);
    }
    if (status == CLIPSPAN_OK)
        *out = m;
    else
        mat_close(&m);
    return status;
}

void mat_close(mat_file **file)
{
    mat_file *m = *file;
    if (!m) return;
    if (m->file >= 0) H5Fclose(m->file);
    cs_free(m->path);
    cs_free(m->images);
    cs_free(m->masks);
    cs_free(m->ids);
    cs_free(m);
    *file = NULL;
}

size_t mat_count(const mat_file *file)
{
    return file->count;
}

int mat_has_ids(const mat_file *file)
{
    return file->ids != NULL;
}

/* ---- One image ---- */

static clipspan_status check_size(hsize_t height, hsize_t width, const char *what,
                                  clipspan_error *err)
{
    if (height < 1 || width < 1 || height > MOST_PIXELS || width > MOST_PIXELS / height)
        return cs_fail(err, height && width ? CLIPSPAN_E_LIMIT : CLIPSPAN_E_FORMAT,
                       "%s has %llu x %llu pixels; 1 to %llu in all are possible", what,
                       (unsigned long long)width, (unsigned long long)height,
                       (unsigned long long)MOST_PIXELS);
    return CLIPSPAN_OK;
}

static clipspan_status read_rgb(mat_image *p, const mat_file *m, size_t index, clipspan_error *err)
{
    clipspan_status status;
    uint8_t *planes;
    size_t count;
    set s;
    CS_TRY_DONE(follow(&s, m, m->images[index], "its image", err));
    if (s.rank != 3 || s.side[0] != 3 || H5Tget_class(s.type) != H5T_INTEGER ||
        H5Tget_size(s.type) != 1 || H5Tget_sign(s.type) != H5T_SGN_NONE) {
        status = cs_fail(err, CLIPSPAN_E_FORMAT,
                         "its image is not an array of bytes [3, width, height]");
        goto done;
    }
    CS_TRY_DONE(check_size(s.side[2], s.side[1], "its image", err));
    p->height = (int)s.side[2];
    p->width = (int)s.side[1];
    count = (size_t)p->height * (size_t)p->width;
    CS_TRY_DONE(cs_grow(&p->rgb, &p->room[0], 3 * count, 1, "an image", err));
    CS_TRY_DONE(cs_grow(&p->work[0], &p->room[1], 3 * count, 1, "an image", err));
    planes = p->work[0];
    if (H5Dread(s.data, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, planes) < 0) {
        status = cs_fail(err, CLIPSPAN_E_FORMAT, "its image cannot be read");
        goto done;
    }
    for (size_t c = 0; c < 3; c++)
        for (size_t x = 0; x < (size_t)p->width; x++)
            for (size_t y = 0; y < (size_t)p->height; y++)
                p->rgb[3 * (y * (size_t)p->width + x) + c] = *planes++;
done:
    close_set(&s);
    return status;
}

/* The reference that stands first in the list of masks. */
static clipspan_status first_mask(hobj_ref_t *out, const mat_file *m, size_t index,
                                  clipspan_error *err)
{
    const hsize_t from[4] = {0}, one[4] = {1, 1, 1, 1};
    clipspan_status status;
    hid_t memory = -1;
    set s;
    CS_TRY_DONE(follow(&s, m, m->masks[index], "its list of masks", err));
    if (s.rank != 2 || s.side[0] < 1 || s.side[1] < 1 || H5Tequal(s.type, H5T_STD_REF_OBJ) <= 0) {
        status = cs_fail(err, CLIPSPAN_E_FORMAT, "its list of masks is not a list of references");
        goto done;
    }
    memory = H5Screate_simple(2, one, NULL);
    if (memory < 0 || H5Sselect_hyperslab(s.space, H5S_SELECT_SET, from, NULL, one, NULL) < 0 ||
        H5Dread(s.data, H5T_STD_REF_OBJ, memory, s.space, H5P_DEFAULT, out) < 0)
        status = cs_fail(err, CLIPSPAN_E_FORMAT, "its list of masks cannot be read");
done:
    if (memory >= 0) H5Sclose(memory);
    close_set(&s);
    return status;
}

static clipspan_status turn_mask(mat_image *p, const float *values, clipspan_error *err)
{
    for (size_t x = 0; x < (size_t)p->width; x++)
        for (size_t y = 0; y < (size_t)p->height; y++, values++) {
            if (!(*values == 0.0F || *values == 1.0F))
                return cs_fail(err, CLIPSPAN_E_FORMAT,
                               "its mask has %g in row %zu, column %zu, where 0 or 1 was expected",
                               (double)*values, y, x);
            p->mask[y * (size_t)p->width + x] = *values == 1.0F;
        }
    return CLIPSPAN_OK;
}

static clipspan_status read_mask(mat_image *p, const mat_file *m, size_t index, clipspan_error *err)
{
    const size_t count = (size_t)p->height * (size_t)p->width;
    clipspan_status status;
    hobj_ref_t ref = 0;
    H5T_class_t kind;
    set s;
    CS_TRY(first_mask(&ref, m, index, err));
    CS_TRY_DONE(follow(&s, m, ref, "its mask", err));
    kind = H5Tget_class(s.type);
    if (s.rank != 2 || (kind != H5T_INTEGER && kind != H5T_FLOAT)) {
        status =
            cs_fail(err, CLIPSPAN_E_FORMAT, "its mask is not an array of numbers [width, height]");
        goto done;
    }
    if (s.side[0] != (hsize_t)p->width || s.side[1] != (hsize_t)p->height) {
        status = cs_fail(
            err, CLIPSPAN_E_FORMAT, "its mask has %llu x %llu pixels, its image %d x %d",
            (unsigned long long)s.side[0], (unsigned long long)s.side[1], p->width, p->height);
        goto done;
    }
    CS_TRY_DONE(cs_grow(&p->mask, &p->room[2], count, 1, "a mask", err));
    CS_TRY_DONE(cs_grow(&p->work[1], &p->room[3], count, sizeof(float), "a mask", err));
    if (H5Dread(s.data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, p->work[1]) < 0)
        status = cs_fail(err, CLIPSPAN_E_FORMAT, "its mask cannot be read");
    else
        status = turn_mask(p, p->work[1], err);
done:
    close_set(&s);
    return status;
}

/* Printable ASCII; anything else is "?". What is no short text is no id. */
static void read_id(mat_image *p, const mat_file *m, size_t index)
{
    uint16_t letters[MAT_ID_ROOM] = {0};
    size_t count = 0;
    set s;
    if (follow(&s, m, m->ids[index], "its id", NULL) == CLIPSPAN_OK && s.rank == 2 &&
        s.side[0] < MAT_ID_ROOM && s.side[1] == 1 && H5Tget_class(s.type) == H5T_INTEGER &&
        H5Dread(s.data, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, letters) >= 0)
        count = (size_t)s.side[0];
    for (size_t i = 0; i < count; i++)
        p->id[i] = letters[i] >= 32 && letters[i] < 127 ? (char)letters[i] : '?';
    p->id[count] = '\0';
    close_set(&s);
}

clipspan_status mat_read(mat_image *out, const mat_file *m, size_t index, clipspan_error *err)
{
    clipspan_error error;
    clipspan_status status = read_rgb(out, m, index, &error);
    out->id[0] = '\0';
    if (status == CLIPSPAN_OK) status = read_mask(out, m, index, &error);
    if (status == CLIPSPAN_OK && m->ids) read_id(out, m, index);
    if (status == CLIPSPAN_OK) return CLIPSPAN_OK;
    return cs_fail_at(err, status, m->path, "image %zu: %s", index, error.message);
}

void mat_image_fini(mat_image *image)
{
    cs_free(image->rgb);
    cs_free(image->mask);
    cs_free(image->work[0]);
    cs_free(image->work[1]);
    memset(image, 0, sizeof *image);
}
