/* SPDX-License-Identifier: MIT */
/* .npy: group C of the list of bad files (c01 … c20), what the reader gives, and writing. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/npy.h"
#include "tiny.h"

static char *folder, *path;

static int setup(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    path = cs_tiny_path(folder, "f.npy");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    free(path);
    return 0;
}

/* Writes a file of that version; length < 0: that of the header. */
static void write_file(int version, const char *header, long long length, const void *data,
                       size_t size)
{
    size_t n = strlen(header), start = version == 1 ? 10 : 12;
    unsigned char *bytes = calloc(start + n + size + 1, 1);
    uint64_t said = length < 0 ? n : (uint64_t)length;
    size_t i;
    assert_non_null(bytes);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (unsigned char)version;
    for (i = 8; i < start; i++)
        bytes[i] = (unsigned char)(said >> (8 * (i - 8)));
    memcpy(bytes + start, header, n);
    if (size) memcpy(bytes + start + n, data, size);
    cs_tiny_write(folder, "f.npy", bytes, start + n + size);
    free(bytes);
}

static void expect_open(clipspan_status code, const char *word)
{
    cs_npy_array array;
    clipspan_error err;
    assert_int_equal(cs_npy_open(&array, path, &err), code);
    if (code != CLIPSPAN_OK) {
        if (!strstr(err.message, word)) fail_msg("\"%s\" not in: %s", word, err.message);
        assert_non_null(strstr(err.message, "f.npy: "));
    }
    cs_npy_fini(&array);
}

/* Version 1.0, 24 bytes of data. */
static void refuse(const char *header, clipspan_status code, const char *word)
{
    static const unsigned char data[24] = {0};
    write_file(1, header, -1, data, 24);
    expect_open(code, word);
}

#define BAD CLIPSPAN_E_FORMAT
#define UNS CLIPSPAN_E_UNSUPPORTED
#define HEADER(descr, order, shape)                                                                \
    "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }   \n"

static void c01_bad_magic_is_refused(void **state)
{
    (void)state;
    cs_tiny_write(folder, "f.npy", "\x93NUMPX\1\0\4\0{}  ", 14);
    expect_open(BAD, "no .npy file");
    cs_tiny_write(folder, "f.npy", "\x93NUMPY", 6);
    expect_open(BAD, "no .npy file");
    cs_tiny_write(folder, "f.npy", "", 0);
    expect_open(BAD, "no .npy file");
}

static void c02_unknown_version_is_refused(void **state)
{
    (void)state;
    cs_tiny_write(folder, "f.npy", "\x93NUMPY\x09\x09\4\0{}  ", 14);
    expect_open(UNS, "version 9.9");
}

static void c03_header_beyond_the_file_is_refused(void **state)
{
    (void)state;
    write_file(1, HEADER("'<f4'", "False", "(6,)"), 1000, "", 0);
    expect_open(BAD, "header of 1000 bytes");
}

static void c04_longest_header_of_version_1_and_one_longer(void **state)
{
    char *header = malloc(65537);
    float data[6] = {0};
    (void)state;
    assert_non_null(header);
    snprintf(header, 65536, "%-65534s\n",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}");
    write_file(1, header, -1, data, 24);
    expect_open(CLIPSPAN_OK, "");
    snprintf(header, 65537, "%-65535s\n",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}");
    write_file(2, header, -1, data, 24);
    expect_open(CLIPSPAN_E_LIMIT, "header of 65536 bytes");
    free(header);
}

static void c05_header_length_of_version_2_of_4_gigabytes_is_refused(void **state)
{
    (void)state;
    write_file(2, HEADER("'<f4'", "False", "(6,)"), 4294967295LL, "", 0);
    expect_open(BAD, "4294967295");
}

static void c06_header_that_is_no_dictionary_is_refused(void **state)
{
    (void)state;
    refuse("[1, 2]", BAD, "expected {");
    refuse("", BAD, "expected {");
    refuse("{'descr'", BAD, "expected :");
    refuse("{'descr': '<f4'", BAD, "expected , or }");
    refuse("{descr: '<f4'}", BAD, "expected text in quotes");
}

static void c07_missing_key_is_refused(void **state)
{
    (void)state;
    refuse("{'descr': '<f4', 'shape': (6,)}", BAD, "lacks the key fortran_order");
    refuse("{'descr': '<f4', 'fortran_order': False}", BAD, "lacks the key shape");
    refuse("{}", BAD, "lacks the key descr");
}

static void c08_extra_or_repeated_key_is_refused(void **state)
{
    (void)state;
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': 1}", BAD,
           "key \"x\" is not known");
    refuse("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", BAD,
           "key \"descr\" stands twice");
}

static void c09_objects_are_refused(void **state)
{
    (void)state;
    refuse(HEADER("'|O'", "False", "(3,)"), UNS, "Python objects");
    refuse(HEADER("'|O8'", "False", "(3,)"), UNS, "Python objects");
}

static void c10_big_endian_is_swapped(void **state)
{
    static const unsigned char data[8] = {0x3F, 0xC0, 0, 0, 0xC0, 0x20, 0, 0};
    cs_npy_array array;
    clipspan_error err;
    float out[2];
    (void)state;
    write_file(1, HEADER("'>f4'", "False", "(2,)"), -1, data, 8);
    assert_int_equal(cs_npy_open(&array, path, &err), CLIPSPAN_OK);
    assert_int_equal(array.kind, 'f');
    assert_int_equal(cs_npy_read(out, &array, &err), CLIPSPAN_OK);
    assert_true(out[0] == 1.5f && out[1] == -2.5f);
    cs_npy_fini(&array);
}

static void c11_structures_are_refused(void **state)
{
    (void)state;
    refuse(HEADER("[('a', '<f4'), ('b', '<i4')]", "False", "(3,)"), UNS, "structures");
    refuse(HEADER("'<c8'", "False", "(3,)"), UNS, "\"<c8\"");
    refuse(HEADER("'<U6'", "False", "(1,)"), UNS, "\"<U6\"");
    refuse(HEADER("'f4'", "False", "(6,)"), UNS, "\"f4\"");
}

static void c12_fortran_order_is_read_right(void **state)
{
    /* Element [i, j, k] of shape [2, 3, 4] is 100 i + 10 j + k. */
    int32_t data[24], out[24];
    cs_npy_array array;
    clipspan_error err;
    int i, j, k, n = 0;
    (void)state;
    for (k = 0; k < 4; k++)
        for (j = 0; j < 3; j++)
            for (i = 0; i < 2; i++)
                data[n++] = 100 * i + 10 * j + k;
    write_file(1, HEADER("'<i4'", "True", "(2, 3, 4)"), -1, data, sizeof data);
    assert_int_equal(cs_npy_open(&array, path, &err), CLIPSPAN_OK);
    assert_int_equal(array.fortran, 1);
    assert_int_equal(cs_npy_read(out, &array, &err), CLIPSPAN_OK);
    for (n = 0; n < 24; n++)
        assert_int_equal(out[n], 100 * (n / 12) + 10 * (n / 4 % 3) + n % 4);
    cs_npy_fini(&array);
}

static void c13_negative_dimension_is_refused(void **state)
{
    (void)state;
    refuse(HEADER("'<f4'", "False", "(-6,)"), BAD, "an integer from 0, found \"-6");
}

static void c14_shape_that_overflows_is_refused(void **state)
{
    (void)state;
    refuse(HEADER("'<f4'", "False", "(4294967296, 4294967296)"), BAD, "does not fit 63 bits");
    refuse(HEADER("'<f4'", "False", "(18446744073709551622,)"), BAD, "below 2^63");
    refuse(HEADER("'<f8'", "False", "(2305843009213693953,)"), BAD, "does not fit 63 bits");
}

static void c15_shape_that_asks_for_more_than_there_is_is_refused(void **state)
{
    (void)state;
    refuse(HEADER("'<f4'", "False", "(7,)"), BAD, "ask for 28 bytes of data, the file has 24");
}

static void c16_bytes_behind_the_data_are_refused(void **state)
{
    (void)state;
    refuse(HEADER("'<f4'", "False", "(5,)"), BAD, "ask for 20 bytes of data, the file has 24");
}

static void c17_program_text_in_the_header_is_refused(void **state)
{
    (void)state;
    refuse(HEADER("__import__('os').system('id')", "False", "(6,)"), BAD, "text in quotes");
    refuse(HEADER("'<f4'", "False", "(2*3,)"), BAD, "a comma, found \"*3");
    refuse(HEADER("'<f4'", "not True", "(6,)"), BAD, "True or False");
    refuse(HEADER("'<f4'", "False", "(6,)") "print(1)", BAD, "the end of the header");
    refuse(HEADER("'\\x3cf4'", "False", "(6,)"), BAD, "the end of a short text");
}

static void c18_version_3_with_utf8_names(void **state)
{
    float data[2] = {1.0f, 2.0f};
    (void)state;
    write_file(3, HEADER("[('\xCF\x80', '<f4')]", "False", "(2,)"), -1, data, 8);
    expect_open(UNS, "structures");
    write_file(3, HEADER("'<f4'", "False", "(2,)"), -1, data, 8);
    expect_open(CLIPSPAN_OK, "");
}

static void c19_array_of_no_dimensions(void **state)
{
    const double data = 2.25;
    cs_npy_array array;
    clipspan_error err;
    double out = 0.0;
    (void)state;
    write_file(1, HEADER("'<f8'", "False", "()"), -1, &data, 8);
    assert_int_equal(cs_npy_open(&array, path, &err), CLIPSPAN_OK);
    assert_int_equal(array.rank, 0);
    assert_int_equal(array.count, 1);
    assert_int_equal(cs_npy_read(&out, &array, &err), CLIPSPAN_OK);
    assert_true(out == 2.25);
    cs_npy_fini(&array);
}

/* The dictionaries are those that numpy.save of NumPy 2.4 writes for arrays of these shapes; it
 * pads each to 128 bytes of header. */
static void c20_our_files_are_byte_equal_to_numpys(void **state)
{
    static const struct {
        const char *descr, *dictionary;
        int rank;
        uint64_t row[6];
        size_t rows, row_bytes;
    } cases[] = {
        {"<f4", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", 1, {2}, 3, 8},
        {"<f4", "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7), }", 1, {7}, 0, 28},
        {"<i4", "{'descr': '<i4', 'fortran_order': False, 'shape': (5,), }", 0, {0}, 5, 4},
        {"|u1",
         "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 3, 3), }",
         3,
         {2, 3, 3},
         2,
         18},
        {"<f2", "{'descr': '<f2', 'fortran_order': False, 'shape': (1, 512), }", 1, {512}, 1, 1024},
        {"<i8",
         "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2, 3, 4, 5, 6, 7), }",
         6,
         {2, 3, 4, 5, 6, 7},
         1,
         40320},
        {"|u1",
         "{'descr': '|u1', 'fortran_order': False, 'shape': (123456, 1), }",
         1,
         {1},
         123456,
         1},
    };
    size_t c, i;
    (void)state;
    for (c = 0; c < sizeof cases / sizeof *cases; c++) {
        size_t size = cases[c].rows * cases[c].row_bytes, got, half = cases[c].rows / 2;
        unsigned char *data = malloc(size + 1), *bytes, header[129];
        cs_npy_writer *writer;
        clipspan_error err;
        assert_non_null(data);
        for (i = 0; i < size; i++)
            data[i] = (unsigned char)(i * 7);
        assert_int_equal(
            cs_npy_writer_open(&writer, path, cases[c].descr, cases[c].row, cases[c].rank, 1, &err),
            CLIPSPAN_OK);
        assert_int_equal(cs_npy_writer_write(writer, data, half, &err), CLIPSPAN_OK);
        assert_int_equal(cs_npy_writer_write(writer, data + half * cases[c].row_bytes,
                                             cases[c].rows - half, &err),
                         CLIPSPAN_OK);
        assert_int_equal(cs_npy_writer_finish(writer, &err), CLIPSPAN_OK);
        cs_npy_writer_close(&writer);
        memcpy(header, "\x93NUMPY\1\0v\0", 10);
        snprintf((char *)header + 10, 119, "%-117s\n", cases[c].dictionary);
        assert_int_equal(cs_file_read_all(&bytes, &got, path, 1 << 20, &err), CLIPSPAN_OK);
        assert_int_equal(got, 128 + size);
        assert_memory_equal(bytes, header, 128);
        assert_memory_equal(bytes + 128, data, size);
        expect_open(CLIPSPAN_OK, "");
        free(bytes);
        free(data);
    }
}

static void writer_without_finish_leaves_nothing(void **state)
{
    const uint64_t row[1] = {2};
    const float data[4] = {0};
    cs_npy_writer *writer;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_npy_writer_open(&writer, path, "<f4", row, 1, 0, &err), CLIPSPAN_OK);
    assert_int_equal(cs_npy_writer_write(writer, data, 2, &err), CLIPSPAN_OK);
    assert_int_equal(cs_path_kind(path), 0);
    cs_npy_writer_close(&writer);
    assert_null(writer);
    assert_int_equal(cs_path_kind(path), 0);
    cs_tiny_write_text(folder, "f.npy", "kept");
    assert_int_equal(cs_npy_writer_open(&writer, path, "<f4", row, 1, 0, &err), CLIPSPAN_E_EXISTS);
    assert_null(writer);
}

static void writer_refuses_what_it_cannot_write(void **state)
{
    const uint64_t row[2] = {UINT64_MAX, 4};
    cs_npy_writer *writer;
    clipspan_error err;
    (void)state;
    assert_int_equal(cs_npy_writer_open(&writer, path, "<f8", row, 0, 0, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(cs_npy_writer_open(&writer, path, "<f4", row, 7, 0, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_int_equal(cs_npy_writer_open(&writer, path, "<f4", row, 2, 0, &err),
                     CLIPSPAN_E_ARGUMENT);
    assert_null(writer);
    assert_int_equal(cs_npy_writer_open(&writer, path, "<f4", row + 1, 1, 0, &err), CLIPSPAN_OK);
    assert_int_equal(cs_npy_writer_write(writer, row, SIZE_MAX / 8, &err), CLIPSPAN_E_LIMIT);
    cs_npy_writer_close(&writer);
}

static void empty_arrays_and_spaces_are_read(void **state)
{
    cs_npy_array array;
    clipspan_error err;
    char none;
    (void)state;
    write_file(2, "  { \"shape\" : ( 3 , 0 ,5, ) , \"descr\":\"|u1\",\"fortran_order\" : True}", -1,
               "", 0);
    assert_int_equal(cs_npy_open(&array, path, &err), CLIPSPAN_OK);
    assert_int_equal(array.rank, 3);
    assert_int_equal(array.shape[2], 5);
    assert_int_equal(array.count, 0);
    assert_int_equal(cs_npy_read(&none, &array, &err), CLIPSPAN_OK);
    cs_npy_fini(&array);
    refuse(HEADER("'<f4'", "False", "(6)"), BAD, "a comma");
    refuse(HEADER("'<f4'", "False", "(1,1,1,1,1,1,1,1,6)"), BAD, "at most 8 dimensions");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(c01_bad_magic_is_refused),
        T(c02_unknown_version_is_refused),
        T(c03_header_beyond_the_file_is_refused),
        T(c04_longest_header_of_version_1_and_one_longer),
        T(c05_header_length_of_version_2_of_4_gigabytes_is_refused),
        T(c06_header_that_is_no_dictionary_is_refused),
        T(c07_missing_key_is_refused),
        T(c08_extra_or_repeated_key_is_refused),
        T(c09_objects_are_refused),
        T(c10_big_endian_is_swapped),
        T(c11_structures_are_refused),
        T(c12_fortran_order_is_read_right),
        T(c13_negative_dimension_is_refused),
        T(c14_shape_that_overflows_is_refused),
        T(c15_shape_that_asks_for_more_than_there_is_is_refused),
        T(c16_bytes_behind_the_data_are_refused),
        T(c17_program_text_in_the_header_is_refused),
        T(c18_version_3_with_utf8_names),
        T(c19_array_of_no_dimensions),
        T(c20_our_files_are_byte_equal_to_numpys),
        T(writer_without_finish_leaves_nothing),
        T(writer_refuses_what_it_cannot_write),
        T(empty_arrays_and_spaces_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
