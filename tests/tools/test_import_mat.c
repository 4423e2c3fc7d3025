/* SPDX-License-Identifier: MIT */
/* clipspan-import-mat from outside, on files that libhdf5 writes here: every pixel in its place,
 * and a sentence for each way in which such a file can be wrong. */
#define _POSIX_C_SOURCE 200809L
#define H5_USE_110_API
#include "base/file.h"
#include "base/memory.h"
#include "image/image.h"
#include "image/raster.h"
#include "tiny.h"

#include <hdf5.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { COUNT = 3, HEIGHT = 5, WIDTH = 7 };

/* What is wrong with image 1, or with the file. */
typedef enum defect {
    NONE,
    NO_GT,
    SHORT_GT,
    NUMBERS_FOR_REFERENCES,
    NULL_REFERENCE,
    DANGLING,
    TO_A_GROUP,
    WIDE_NUMBERS,
    RANK_TWO,
    FOUR_PLANES,
    HUGE_SIDES,
    EXTERNAL,
    MASK_SIZE,
    MASK_VALUE,
    MASK_LIST_EMPTY
} defect;

static char *folder;

static uint8_t colour(int image, int y, int x, int c)
{
    return (uint8_t)(image * 31 + y * 17 + x * 5 + c * 90);
}

static int inside(int image, int y, int x)
{
    return (y + 2 * x + image) % 3 == 0;
}

/* An array, and a reference to it. Its numbers are written unless values is NULL. */
static hobj_ref_t put(hid_t file, const char *name, hid_t type, int rank, const hsize_t *side,
                      const void *values, hid_t made)
{
    const hid_t space = H5Screate_simple(rank, side, NULL);
    const hid_t data = H5Dcreate2(file, name, type, space, H5P_DEFAULT, made, H5P_DEFAULT);
    hobj_ref_t ref = 0;
    assert_true(data >= 0);
    if (values) assert_true(H5Dwrite(data, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    assert_true(H5Rcreate(&ref, file, name, H5R_OBJECT, -1) >= 0);
    H5Dclose(data);
    H5Sclose(space);
    return ref;
}

static hobj_ref_t put_image(hid_t file, int i, defect wrong)
{
    uint8_t planes[4][WIDTH][HEIGHT] = {{{0}}};
    uint16_t wide[3 * WIDTH * HEIGHT] = {0};
    hsize_t side[3] = {3, WIDTH, HEIGHT}, piece[3] = {3, WIDTH, HEIGHT};
    const hid_t made = H5Pcreate(H5P_DATASET_CREATE);
    hobj_ref_t ref;
    hid_t type = H5T_STD_U8LE;
    const void *values = planes;
    int rank = 3;
    char name[32];
    for (int c = 0; c < 3; c++)
        for (int x = 0; x < WIDTH; x++)
            for (int y = 0; y < HEIGHT; y++)
                planes[c][x][y] = colour(i, y, x, c);
    if (i == 2) { /* as MATLAB packs them */
        H5Pset_chunk(made, 3, piece);
        H5Pset_deflate(made, 6);
    }
    if (i == 1) {
        if (wrong == WIDE_NUMBERS) {
            type = H5T_STD_U16LE;
            values = wide;
        }
        if (wrong == RANK_TWO) rank = 2;
        if (wrong == FOUR_PLANES) side[0] = 4;
        if (wrong == HUGE_SIDES) {
            side[1] = side[2] = UINT64_C(1) << 31;
            piece[1] = piece[2] = 16;
            H5Pset_chunk(made, 3, piece);
            values = NULL;
        }
        if (wrong == EXTERNAL) H5Pset_external(made, "/etc/hostname", 0, H5F_UNLIMITED);
    }
    snprintf(name, sizeof name, "image%d", i);
    ref = put(file, name, type, rank, side, i == 1 && wrong == EXTERNAL ? NULL : values, made);
    H5Pclose(made);
    return ref;
}

static hobj_ref_t put_mask(hid_t file, int i, defect wrong)
{
    uint8_t mask[WIDTH][HEIGHT];
    double real[WIDTH][HEIGHT];
    const int is_here = i == 1;
    hsize_t side[2] = {WIDTH, HEIGHT}, one[2] = {1, 1}, none[2] = {0, 0};
    hobj_ref_t ref;
    char name[32];
    for (int x = 0; x < WIDTH; x++)
        for (int y = 0; y < HEIGHT; y++)
            real[x][y] = mask[x][y] = (uint8_t)inside(i, y, x);
    if (is_here && wrong == MASK_VALUE) mask[4][2] = 7;
    if (is_here && wrong == MASK_SIZE) side[0]--;
    snprintf(name, sizeof name, "mask%d", i);
    ref = i == 0 ? put(file, name, H5T_IEEE_F64LE, 2, side, real, H5P_DEFAULT)
                 : put(file, name, H5T_STD_U8LE, 2, side, mask, H5P_DEFAULT);
    snprintf(name, sizeof name, "masks%d", i);
    if (is_here && wrong == MASK_LIST_EMPTY)
        return put(file, name, H5T_STD_REF_OBJ, 2, none, NULL, H5P_DEFAULT);
    return put(file, name, H5T_STD_REF_OBJ, 2, one, &ref, H5P_DEFAULT);
}

static void put_ids(hid_t file)
{
    hobj_ref_t ids[COUNT];
    const hsize_t column[2] = {COUNT, 1}, side[2] = {5, 1};
    for (int i = 0; i < COUNT; i++) {
        const uint16_t letters[5] = {'n', '0', '"', (uint16_t)('0' + i), 0x20AC};
        char name[32];
        snprintf(name, sizeof name, "id%d", i);
        ids[i] = put(file, name, H5T_STD_U16LE, 2, side, letters, H5P_DEFAULT);
    }
    put(file, "/value/id", H5T_STD_REF_OBJ, 2, column, ids, H5P_DEFAULT);
}

/* Writes folder/NAME; with ids when there is nothing wrong. */
static char *write_mat(const char *name, defect wrong)
{
    const hsize_t column[2] = {COUNT, 1}, shorter[2] = {COUNT - 1, 1};
    const hid_t made = H5Pcreate(H5P_FILE_CREATE);
    char *path = cs_tiny_path(folder, name);
    hobj_ref_t images[COUNT], masks[COUNT];
    double numbers[COUNT] = {0};
    hid_t file, group;
    H5Pset_userblock(made, 512);
    file = H5Fcreate(path, H5F_ACC_TRUNC, made, H5P_DEFAULT);
    assert_true(file >= 0);
    group = H5Gcreate2(file, "/value", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    for (int i = 0; i < COUNT; i++) {
        images[i] = put_image(file, i, wrong);
        masks[i] = put_mask(file, i, wrong);
    }
    if (wrong == NULL_REFERENCE) images[1] = 0;
    if (wrong == DANGLING) images[1] = UINT64_C(0x7fffffff00);
    if (wrong == TO_A_GROUP) H5Rcreate(&images[1], file, "/value", H5R_OBJECT, -1);
    put(file, "/value/img", H5T_STD_REF_OBJ, 2, column, images, H5P_DEFAULT);
    if (wrong == NUMBERS_FOR_REFERENCES)
        put(file, "/value/gt", H5T_IEEE_F64LE, 2, column, numbers, H5P_DEFAULT);
    else if (wrong != NO_GT)
        put(file, "/value/gt", H5T_STD_REF_OBJ, 2, wrong == SHORT_GT ? shorter : column, masks,
            H5P_DEFAULT);
    if (wrong == NONE) put_ids(file);
    H5Gclose(group);
    H5Fclose(file);
    H5Pclose(made);
    return path;
}

/* Exit code of the program; *said: its standard error, malloc'ed. */
static int import(const char *input, const char *output, const char *more, char **said)
{
    char command[2048];
    char *path = cs_tiny_path(folder, "said");
    unsigned char *text = NULL;
    size_t size;
    int code;
    snprintf(command, sizeof command, "'%s' '%s' -o '%s/%s' %s >'%s/printed' 2>'%s'",
             getenv("IMPORT_MAT"), input, folder, output, more, folder, path);
    code = system(command); /* NOLINT(cert-env33-c) */
    assert_true(WIFEXITED(code));
    assert_int_equal(cs_file_read_all(&text, &size, path, 1 << 20, NULL), CLIPSPAN_OK);
    *said = (char *)text;
    free(path);
    return WEXITSTATUS(code);
}

static cs_raster read_png(const char *name)
{
    char *path = cs_tiny_path(folder, name);
    clipspan_error err;
    cs_raster r;
    if (cs_image_open(&r, path, NULL, &err)) fail_msg("%s", err.message);
    free(path);
    return r;
}

static void every_pixel(void **state)
{
    char *mat = write_mat("good.mat", NONE), *said, *path;
    unsigned char *list;
    size_t size;
    int code;
    (void)state;
    code = import(mat, "out", "", &said);
    if (code) fail_msg("%d: %s", code, said);
    assert_string_equal(said, "");
    cs_free(said);
    for (int i = 0; i < COUNT; i++) {
        char name[64];
        cs_raster image, mask;
        snprintf(name, sizeof name, "out/images/%05d.png", i);
        image = read_png(name);
        snprintf(name, sizeof name, "out/masks/%05d.png", i);
        mask = read_png(name);
        assert_true(image.width == WIDTH && image.height == HEIGHT && image.mode == CS_MODE_RGB);
        assert_true(mask.width == WIDTH && mask.height == HEIGHT && mask.mode == CS_MODE_GREY);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                for (int c = 0; c < 3; c++)
                    assert_int_equal(image.data[4 * (y * WIDTH + x) + c], colour(i, y, x, c));
                assert_int_equal(mask.data[y * WIDTH + x], inside(i, y, x) ? 255 : 0);
            }
        cs_raster_fini(&image);
        cs_raster_fini(&mask);
    }
    path = cs_tiny_path(folder, "out/list.csv");
    assert_int_equal(cs_file_read_all(&list, &size, path, 4096, NULL), CLIPSPAN_OK);
    assert_string_equal((char *)list, "path,mask,id\n"
                                      "images/00000.png,masks/00000.png,\"n0\"\"0?\"\n"
                                      "images/00001.png,masks/00001.png,\"n0\"\"1?\"\n"
                                      "images/00002.png,masks/00002.png,\"n0\"\"2?\"\n");
    cs_free(list);
    assert_int_equal(import(mat, "out", "", &said), 6);
    assert_non_null(strstr(said, "list.csv"));
    cs_free(said);
    assert_int_equal(import(mat, "out", "--force", &said), 0);
    cs_free(said);
    free(path);
    free(mat);
}

/* The file as a whole: nothing is written. */
static void wrong_files(void **state)
{
    static const struct {
        defect wrong;
        const char *says;
    } cases[] = {{NO_GT, "has no /value/img and /value/gt"},
                 {SHORT_GT, "/value/gt has 2 images, /value/img has 3"},
                 {NUMBERS_FOR_REFERENCES, "/value/gt is not a column of references"}};
    char *path = cs_tiny_path(folder, "none/list.csv"), *said;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *mat = write_mat("wrong.mat", cases[i].wrong);
        assert_int_equal(import(mat, "none", "", &said), 4);
        if (!strstr(said, cases[i].says)) fail_msg("\"%s\" lacks \"%s\"", said, cases[i].says);
        assert_non_null(strstr(said, "wrong.mat"));
        assert_int_equal(cs_path_kind(path), 0);
        cs_free(said);
        free(mat);
    }
    free(path);
}

/* One image is wrong: it is left out and named, the others are written. */
static void wrong_images(void **state)
{
    static const struct {
        defect wrong;
        const char *says;
    } cases[] = {{NULL_REFERENCE, "its image refers to nothing in the file"},
                 {DANGLING, "its image refers to nothing in the file"},
                 {TO_A_GROUP, "its image is not an array"},
                 {WIDE_NUMBERS, "its image is not an array of bytes [3, width, height]"},
                 {RANK_TWO, "its image is not an array of bytes [3, width, height]"},
                 {FOUR_PLANES, "its image is not an array of bytes [3, width, height]"},
                 {HUGE_SIDES, "2147483648 x 2147483648 pixels"},
                 {EXTERNAL, "its image is not stored in the file itself"},
                 {MASK_SIZE, "its mask has 6 x 5 pixels, its image 7 x 5"},
                 {MASK_VALUE, "its mask has 7 in row 2, column 4, where 0 or 1 was expected"},
                 {MASK_LIST_EMPTY, "its list of masks is not a list of references"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *mat = write_mat("one.mat", cases[i].wrong), *said, *path;
        assert_int_equal(import(mat, "some", "--force", &said), 3);
        if (!strstr(said, cases[i].says)) fail_msg("\"%s\" lacks \"%s\"", said, cases[i].says);
        assert_non_null(strstr(said, "image 1:"));
        path = cs_tiny_path(folder, "some/images/00001.png");
        assert_int_equal(cs_path_kind(path), 0);
        free(path);
        path = cs_tiny_path(folder, "some/images/00002.png");
        assert_int_equal(cs_path_kind(path), 1);
        free(path);
        cs_free(said);
        free(mat);
    }
}

/* Bytes lost at the end or changed anywhere: an exit code of the table, never a crash. */
static void damaged(void **state)
{
    char *mat = write_mat("whole.mat", NONE), *cut = cs_tiny_path(folder, "cut.mat"), *said;
    unsigned char *bytes;
    uint32_t seed = 1;
    size_t size;
    (void)state;
    assert_int_equal(cs_file_read_all(&bytes, &size, mat, 1 << 20, NULL), CLIPSPAN_OK);
    for (int i = 0; i < 24; i++) {
        unsigned char *copy = malloc(size);
        size_t kept = size;
        int code;
        memcpy(copy, bytes, size);
        seed = seed * 1664525U + 1013904223U;
        if (i < 8)
            kept = size * (size_t)i / 8;
        else
            for (int k = 0; k < 4; k++) {
                seed = seed * 1664525U + 1013904223U;
                copy[512 + (seed >> 8) % (size - 512)] = (unsigned char)(seed >> 3);
            }
        cs_tiny_write(folder, "cut.mat", copy, kept);
        code = import(cut, "damaged", "--force", &said);
        if (code != 0 && code != 3 && code != 4 && code != 7) fail_msg("%d: %d %s", i, code, said);
        if (i < 8) assert_true(code == 4);
        cs_free(said);
        free(copy);
    }
    cs_free(bytes);
    free(cut);
    free(mat);
}

static void arguments(void **state)
{
    char *mat = write_mat("good.mat", NONE), *said;
    (void)state;
    assert_int_equal(import(mat, "a", "extra", &said), 2);
    cs_free(said);
    assert_int_equal(import(mat, "a", "--nothing", &said), 2);
    assert_non_null(strstr(said, "--nothing"));
    cs_free(said);
    assert_int_equal(import(mat, "a", "--help", &said), 0);
    cs_free(said);
    assert_int_equal(import("/nowhere.mat", "a", "", &said), 4);
    assert_non_null(strstr(said, "/nowhere.mat"));
    cs_free(said);
    assert_int_equal(import("/dev/null", "a", "", &said), 4);
    assert_non_null(strstr(said, "not a regular file"));
    cs_free(said);
    assert_int_equal(import("/", "a", "", &said), 4);
    assert_non_null(strstr(said, "is a folder"));
    cs_free(said);
    free(mat);
}

static int set_up(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pixel),  cmocka_unit_test(wrong_files),
        cmocka_unit_test(wrong_images), cmocka_unit_test(damaged),
        cmocka_unit_test(arguments),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
