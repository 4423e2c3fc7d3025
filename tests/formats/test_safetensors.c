/* SPDX-License-Identifier: MIT */
/* safetensors: group A of the list of bad files (a01 … a34), each refused with a message that names
 * what is wrong, in under a second and 64 MB, and what the reader gives for good ones. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/safetensors.h"
#include "tiny.h"

static char *folder, *path;
static struct timespec began;

static int setup(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    path = cs_tiny_path(folder, "f.safetensors");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    return 0;
}

/* Ends each test: the second and the 64 MB hold for everything tried so far. */
static int teardown(void **state)
{
    struct timespec now;
    struct rusage used;
    double seconds;
    (void)state;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    seconds = (double)(now.tv_sec - began.tv_sec) + 1e-9 * (double)(now.tv_nsec - began.tv_nsec);
    getrusage(RUSAGE_SELF, &used);
    cs_tiny_remove(&folder);
    free(path);
    if (cs_tiny_sanitized() || (seconds <= 1.0 && used.ru_maxrss <= 64 * 1024)) return 0;
    print_error("%.2f s, %ld kB\n", seconds, used.ru_maxrss);
    return -1;
}

/* The whole file as bytes. */
static void expect_bytes(const void *bytes, size_t size, clipspan_status code, const char *word)
{
    cs_safetensors *tensors;
    clipspan_error err = {0};
    const char *paths[1] = {path};
    cs_tiny_write(folder, "f.safetensors", bytes, size);
    assert_int_equal(cs_safetensors_open(&tensors, paths, 1, &err), code);
    assert_null(tensors);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, "f.safetensors"));
    if (!strstr(err.message, word)) fail_msg("\"%s\" not in: %s", word, err.message);
}

static void expect_header(const char *header, size_t size, clipspan_status code, const char *word)
{
    unsigned char data[4096] = {0};
    cs_safetensors *tensors;
    clipspan_error err = {0};
    const char *paths[1] = {path};
    assert_true(size <= sizeof data);
    cs_tiny_write_raw(folder, "f.safetensors", header, strlen(header), data, size);
    assert_int_equal(cs_safetensors_open(&tensors, paths, 1, &err), code);
    if (code == CLIPSPAN_OK) {
        cs_safetensors_close(&tensors);
        return;
    }
    assert_null(tensors);
    if (!strstr(err.message, word)) fail_msg("\"%s\" not in: %s", word, err.message);
    assert_non_null(strstr(err.message, "f.safetensors"));
}

/* A file that starts with the length `n` and goes on with a good header. */
static void expect_length(uint64_t n, clipspan_status code, const char *word)
{
    unsigned char bytes[64] = {0};
    int i;
    for (i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(n >> (8 * i));
    memcpy(bytes + 8, "{}", 2);
    expect_bytes(bytes, 10, code, word);
}

#define BAD CLIPSPAN_E_FORMAT
/* A header with one tensor "a" of these facts. */
#define ONE(dtype, shape, offsets)                                                                 \
    "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static void a01_empty_file_is_refused(void **state)
{
    (void)state;
    expect_bytes("", 0, BAD, "0 bytes");
}

static void a02_seven_bytes_are_refused(void **state)
{
    (void)state;
    expect_bytes("\2\0\0\0\0\0\0", 7, BAD, "7 bytes");
}

static void a03_header_length_zero_is_refused(void **state)
{
    (void)state;
    expect_length(0, BAD, "header of 0 bytes");
}

static void a04_header_of_one_brace_is_refused(void **state)
{
    (void)state;
    expect_bytes("\1\0\0\0\0\0\0\0{", 9, BAD, "header of 1 bytes");
}

static void a05_header_longer_than_file_is_refused(void **state)
{
    (void)state;
    expect_length(3, BAD, "the file has 2 more");
}

static void a06_header_length_all_ones_is_refused(void **state)
{
    (void)state;
    expect_length(UINT64_MAX, BAD, "18446744073709551615");
}

static void a07_header_length_top_bit_is_refused(void **state)
{
    (void)state;
    expect_length((uint64_t)1 << 63, BAD, "9223372036854775808");
}

static void a08_header_over_the_limit_is_refused_before_reading(void **state)
{
    /* The file really is that long (and sparse), so only the limit can refuse it. */
    static const uint64_t lengths[] = {100000001, ((uint64_t)4 << 20) + 1};
    cs_safetensors *tensors;
    clipspan_error err;
    const char *paths[1] = {path};
    size_t i;
    (void)state;
    for (i = 0; i < 2; i++) {
        cs_tiny_write(folder, "f.safetensors", &lengths[i], 8);
        assert_int_equal(truncate(path, (off_t)lengths[i] + 8), 0);
        assert_int_equal(cs_safetensors_open(&tensors, paths, 1, &err), CLIPSPAN_E_LIMIT);
        assert_non_null(strstr(err.message, "more than the 4194304"));
    }
}

static void a09_header_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    expect_header("{\"\xFF\xFE\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, BAD,
                  "unable to decode byte 0xff");
}

static void a10_truncated_json_is_refused(void **state)
{
    (void)state;
    expect_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_off", 4, BAD, "not valid JSON");
    expect_header("{\"a\":", 4, BAD, "at byte");
    expect_header("{} {}", 0, BAD, "not valid JSON");
}

static void a11_header_that_is_an_array_is_refused(void **state)
{
    (void)state;
    expect_header("[1, 2]", 0, BAD, "no JSON object");
}

static void a12_duplicate_tensor_is_refused(void **state)
{
    (void)state;
    expect_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                  "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                  8, BAD, "duplicate object key");
}

static void a13_duplicate_metadata_is_refused(void **state)
{
    (void)state;
    expect_header("{\"__metadata__\":{\"a\":\"b\"},\"__metadata__\":{}}", 0, BAD, "duplicate");
    expect_header("{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", 0, BAD, "duplicate");
}

static void a14_metadata_that_is_not_text_is_refused(void **state)
{
    (void)state;
    expect_header("{\"__metadata__\":{\"epoch\":3}}", 0, BAD, "\"epoch\"");
    expect_header("{\"__metadata__\":[]}", 0, BAD, "__metadata__");
}

static void a15_unknown_dtype_is_refused(void **state)
{
    (void)state;
    expect_header(ONE("F31", "[1]", "[0,4]"), 4, BAD, "unknown dtype \"F31\"");
}

static void a16_known_dtype_that_is_not_loaded_is_refused_by_name(void **state)
{
    cs_safetensors *tensors;
    clipspan_error err;
    const char *paths[1] = {path};
    float value;
    const char *header = ONE("F8_E4M3", "[4]", "[0,4]");
    (void)state;
    cs_tiny_write_raw(folder, "f.safetensors", header, strlen(header), "abcd", 4);
    assert_int_equal(cs_safetensors_open(&tensors, paths, 1, &err), CLIPSPAN_OK);
    assert_int_equal(cs_safetensors_at(tensors, 0)->dtype, CS_OTHER);
    assert_string_equal(cs_safetensors_at(tensors, 0)->dtype_name, "F8_E4M3");
    assert_int_equal(
        cs_safetensors_read(&value, tensors, cs_safetensors_at(tensors, 0), 0, 1, &err),
        CLIPSPAN_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "\"a\" has dtype F8_E4M3"));
    cs_safetensors_close(&tensors);
}

static void a17_negative_dimension_is_refused(void **state)
{
    (void)state;
    expect_header(ONE("F32", "[-1]", "[0,4]"), 4, BAD, "tensor \"a\": dimension 0");
}

static void a18_fractional_dimension_is_refused(void **state)
{
    (void)state;
    expect_header(ONE("F32", "[1,1.0]", "[0,4]"), 4, BAD, "tensor \"a\": dimension 1");
}

static void a19_dimension_of_2_to_64_is_refused(void **state)
{
    (void)state;
    expect_header(ONE("F32", "[18446744073709551616]", "[0,4]"), 4, BAD, "too big integer");
}

static void a20_product_overflow_is_refused(void **state)
{
    (void)state;
    expect_header(ONE("F32", "[4294967296,4294967297]", "[0,4]"), 4, BAD, "does not fit 64 bits");
}

static void a21_product_times_bits_overflow_is_refused(void **state)
{
    (void)state;
    /* 2^59 numbers of 32 bits are 2^64 bits. */
    expect_header(ONE("F32", "[576460752303423488]", "[0,0]"), 0, BAD, "does not fit 64 bits");
    expect_header(ONE("F4", "[3]", "[0,1]"), 1, BAD, "whole bytes");
}

static void a22_rank_64_is_refused(void **state)
{
    char header[512] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1";
    int i;
    (void)state;
    for (i = 0; i < 63; i++)
        strcat(header, ",1");
    strcat(header, "],\"data_offsets\":[0,4]}}");
    expect_header(header, 4, CLIPSPAN_E_UNSUPPORTED, "64 dimensions");
}

static void a23_begin_behind_end_is_refused(void **state)
{
    (void)state;
    expect_header(ONE("F32", "[1]", "[4,0]"), 4, BAD, "0 <= begin <= end");
    expect_header(ONE("F32", "[1]", "[-4,0]"), 4, BAD, "0 <= begin <= end");
}

static void a24_end_behind_data_is_refused(void **state)
{
    (void)state;
    expect_header(ONE("F32", "[2]", "[0,8]"), 4, BAD, "<= 4, the bytes of data");
    expect_header(ONE("F32", "[2]", "[0,4]"), 4, BAD, "needs 8 bytes");
}

static void a25_overlap_is_refused(void **state)
{
    (void)state;
    expect_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                  "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                  12, BAD, "overlap");
    expect_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                  "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                  8, BAD, "overlap");
}

static void a26_hole_is_refused(void **state)
{
    (void)state;
    expect_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                  "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
                  12, BAD, "hole");
    expect_header(ONE("F32", "[1]", "[4,8]"), 8, BAD, "hole");
}

static void a27_tail_is_refused(void **state)
{
    (void)state;
    expect_header(ONE("F32", "[1]", "[0,4]"), 26, BAD, "22 bytes behind its last tensor");
    expect_header("{}", 1, BAD, "1 bytes behind its last tensor");
}

static void a28_offsets_as_text_are_refused(void **state)
{
    (void)state;
    expect_header(ONE("F32", "[1]", "[\"0\",\"4\"]"), 4, BAD, "data_offsets must be integers");
    expect_header(ONE("F32", "[1]", "[0,4,8]"), 4, BAD, "data_offsets");
    expect_header(ONE("F32", "{}", "[0,4]"), 4, BAD, "\"shape\": list");
    expect_header("{\"a\":3}", 0, BAD, "tensor \"a\"");
    expect_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4,
                  BAD, "tensor \"a\"");
}

static void a29_a_hundred_thousand_nested_arrays_are_refused(void **state)
{
    size_t n = 100000;
    char *header = malloc(n + 8);
    (void)state;
    assert_non_null(header);
    strcpy(header, "{\"a\":");
    memset(header + 5, '[', n);
    header[n + 5] = '\0';
    expect_header(header, 0, BAD, "nested more than 4 deep");
    free(header);
}

static void a30_a_million_tiny_tensors_are_refused(void **state)
{
    /* 20,001 small entries fit 4 MB of header, a million do not. */
    static const char form[] =
        "%c\"%05zu\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    const size_t counts[] = {20001, 1000000};
    size_t c, i;
    (void)state;
    for (c = 0; c < 2; c++) {
        FILE *file = fopen(path, "wb");
        uint64_t size = 0;
        cs_safetensors *tensors;
        clipspan_error err;
        const char *paths[1] = {path};
        assert_non_null(file);
        fwrite(&size, 8, 1, file);
        for (i = 0; i < counts[c]; i++)
            size += (uint64_t)fprintf(file, form, i ? ',' : '{', i);
        size += fwrite("}", 1, 1, file);
        rewind(file);
        fwrite(&size, 8, 1, file);
        fclose(file);
        assert_int_equal(cs_safetensors_open(&tensors, paths, 1, &err), CLIPSPAN_E_LIMIT);
        assert_non_null(strstr(err.message, c == 0 ? "tensors over 20000" : "header of"));
    }
}

static void a31_white_space_around_the_header_is_accepted(void **state)
{
    (void)state;
    expect_header(" \t\r\n" ONE("F32", "[1]", "[0,4]") "\n\r\t     ", 4, CLIPSPAN_OK, "");
    expect_header("{}        ", 0, CLIPSPAN_OK, "");
}

static void a32_empty_tensors_and_scalars_are_accepted(void **state)
{
    const char *header = "{\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                         "\"e\":{\"dtype\":\"F32\",\"shape\":[3,0,9223372036854775807],"
                         "\"data_offsets\":[0,0]},"
                         "\"z\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[4,4]}}";
    const float number = -2.5f;
    float value = 0.0f;
    cs_safetensors *tensors;
    clipspan_error err;
    const char *paths[1] = {path};
    const cs_tensor_entry *entry;
    (void)state;
    cs_tiny_write_raw(folder, "f.safetensors", header, strlen(header), &number, 4);
    assert_int_equal(cs_safetensors_open(&tensors, paths, 1, &err), CLIPSPAN_OK);
    assert_int_equal(cs_safetensors_count(tensors), 3);
    entry = cs_safetensors_find(tensors, "s");
    assert_non_null(entry);
    assert_int_equal(entry->rank, 0);
    assert_int_equal(entry->count, 1);
    assert_int_equal(cs_safetensors_read(&value, tensors, entry, 0, 1, &err), CLIPSPAN_OK);
    assert_true(value == number);
    entry = cs_safetensors_find(tensors, "e");
    assert_int_equal(entry->count, 0);
    assert_int_equal(cs_safetensors_read(&value, tensors, entry, 0, 0, &err), CLIPSPAN_OK);
    assert_null(cs_safetensors_find(tensors, "nothing"));
    assert_null(cs_safetensors_at(tensors, 3));
    cs_safetensors_close(&tensors);
}

static void a33_unaligned_data_is_read_right(void **state)
{
    /* One byte of BOOL in front, and a header whose length moves the data to every remainder. */
    const float numbers[3] = {1.5f, -0.0f, 3e-40f};
    size_t pad;
    (void)state;
    for (pad = 0; pad < 4; pad++) {
        char header[256];
        unsigned char data[13] = {1};
        float out[3] = {0};
        cs_safetensors *tensors;
        clipspan_error err;
        const char *paths[1] = {path};
        memcpy(data + 1, numbers, 12);
        snprintf(header, sizeof header,
                 "{\"b\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[0,1]},\"f\":{"
                 "\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[1,13]}}%*s",
                 (int)pad, "");
        cs_tiny_write_raw(folder, "f.safetensors", header, strlen(header), data, 13);
        assert_int_equal(cs_safetensors_open(&tensors, paths, 1, &err), CLIPSPAN_OK);
        assert_int_equal(
            cs_safetensors_read(out, tensors, cs_safetensors_find(tensors, "f"), 0, 3, &err),
            CLIPSPAN_OK);
        assert_memory_equal(out, numbers, sizeof numbers);
        cs_safetensors_close(&tensors);
    }
}

static void a34_file_shortened_while_open_is_a_clear_error(void **state)
{
    const char *header = ONE("F32", "[4]", "[0,16]");
    float out[4];
    cs_safetensors *tensors;
    clipspan_error err;
    const char *paths[1] = {path};
    (void)state;
    cs_tiny_write_raw(folder, "f.safetensors", header, strlen(header), "0123456789abcdef", 16);
    assert_int_equal(cs_safetensors_open(&tensors, paths, 1, &err), CLIPSPAN_OK);
    assert_int_equal(truncate(path, (off_t)strlen(header) + 8 + 8), 0);
    assert_int_equal(cs_safetensors_read(out, tensors, cs_safetensors_at(tensors, 0), 0, 4, &err),
                     CLIPSPAN_E_FORMAT);
    assert_non_null(strstr(err.message, "changed while in use"));
    assert_non_null(strstr(err.message, "tensor \"a\""));
    cs_safetensors_close(&tensors);
}

/* ---- Not of the list ---- */

static void halves_and_doubles_are_converted_exactly(void **state)
{
    /* Every binary16 value through a file longer than the conversion buffer; the oracle is
     * arithmetic: fraction * 2^exponent. */
    const size_t n = 65536 * 3;
    uint16_t *halves = malloc(n * 2);
    float *out = malloc(n * sizeof *out);
    char header[256];
    cs_safetensors *tensors;
    clipspan_error err;
    const char *paths[1] = {path};
    size_t i;
    (void)state;
    assert_non_null(halves);
    assert_non_null(out);
    for (i = 0; i < n; i++)
        halves[i] = (uint16_t)i;
    snprintf(header, sizeof header,
             "{\"h\":{\"dtype\":\"F16\",\"shape\":[3,65536],\"data_offsets\":[0,%zu]}}", 2 * n);
    cs_tiny_write_raw(folder, "f.safetensors", header, strlen(header), halves, 2 * n);
    assert_int_equal(cs_safetensors_open(&tensors, paths, 1, &err), CLIPSPAN_OK);
    assert_int_equal(cs_safetensors_read(out, tensors, cs_safetensors_at(tensors, 0), 0, n, &err),
                     CLIPSPAN_OK);
    for (i = 0; i < n; i++) {
        int exponent = (halves[i] >> 10) & 31, fraction = halves[i] & 1023;
        float sign = halves[i] & 0x8000 ? -1.0f : 1.0f;
        float want = exponent == 0    ? ldexpf((float)fraction, -24)
                     : exponent == 31 ? (fraction ? NAN : INFINITY)
                                      : ldexpf((float)(fraction + 1024), exponent - 25);
        want *= sign;
        if (isnan(want)) {
            assert_true(isnan(out[i]));
        } else
            assert_true(out[i] == want && !signbit(out[i]) == !signbit(want));
    }
    /* From the middle. */
    assert_int_equal(
        cs_safetensors_read(out, tensors, cs_safetensors_at(tensors, 0), 65536 + 0x3C00, 2, &err),
        CLIPSPAN_OK);
    assert_true(out[0] == 1.0f && out[1] == 1.0f + 0x1p-10f);
    cs_safetensors_close(&tensors);
    free(halves);
    free(out);
}

static void bf16_and_f64_are_converted(void **state)
{
    const char *header = "{\"b\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[0,8]},"
                         "\"d\":{\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[8,40]}}";
    const uint16_t bf[4] = {0x3F80, 0x8000, 0x7F80, 0x0001};
    const double wide[4] = {1.0 + 0x1p-24, 1.0 + 0x1.000002p-24, -1e300, 0x1p-149};
    const float want[8] = {1.0f, -0.0f,           INFINITY,  0x1p-133f,
                           1.0f, 1.0f + 0x1p-23f, -INFINITY, 0x1p-149f};
    unsigned char data[40];
    float out[8];
    cs_safetensors *tensors;
    clipspan_error err;
    const char *paths[1] = {path};
    (void)state;
    memcpy(data, bf, 8);
    memcpy(data + 8, wide, 32);
    cs_tiny_write_raw(folder, "f.safetensors", header, strlen(header), data, sizeof data);
    assert_int_equal(cs_safetensors_open(&tensors, paths, 1, &err), CLIPSPAN_OK);
    assert_int_equal(
        cs_safetensors_read(out, tensors, cs_safetensors_find(tensors, "b"), 0, 4, &err),
        CLIPSPAN_OK);
    assert_int_equal(
        cs_safetensors_read(out + 4, tensors, cs_safetensors_find(tensors, "d"), 0, 4, &err),
        CLIPSPAN_OK);
    assert_memory_equal(out, want, sizeof want);
    assert_int_equal(
        cs_safetensors_read(out, tensors, cs_safetensors_find(tensors, "d"), 3, 2, &err),
        CLIPSPAN_E_INTERNAL);
    cs_safetensors_close(&tensors);
}

static void shards_are_merged_and_may_not_share_a_name(void **state)
{
    char *other = cs_tiny_path(folder, "g.safetensors");
    const char *paths[2] = {path, other};
    cs_safetensors *tensors;
    clipspan_error err;
    const char *a = ONE("F32", "[1]", "[0,4]");
    const char *b = "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                    "\"A\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[4,12]}}";
    (void)state;
    cs_tiny_write_raw(folder, "f.safetensors", a, strlen(a), "0123", 4);
    cs_tiny_write_raw(folder, "g.safetensors", b, strlen(b), "0123456789ab", 12);
    assert_int_equal(cs_safetensors_open(&tensors, paths, 2, &err), CLIPSPAN_OK);
    assert_int_equal(cs_safetensors_count(tensors), 3);
    assert_int_equal(cs_safetensors_files(tensors), 2);
    assert_string_equal(cs_safetensors_at(tensors, 0)->name, "A");
    assert_string_equal(cs_safetensors_at(tensors, 1)->name, "a");
    assert_string_equal(cs_safetensors_at(tensors, 2)->name, "b");
    assert_int_equal(cs_safetensors_at(tensors, 0)->offset, strlen(b) + 8 + 4);
    assert_string_equal(cs_safetensors_path(tensors, cs_safetensors_at(tensors, 2)->file), other);
    assert_null(cs_safetensors_path(tensors, 2));
    assert_int_equal(cs_safetensors_bytes(tensors), strlen(a) + strlen(b) + 32);
    cs_safetensors_close(&tensors);
    paths[1] = path;
    assert_int_equal(cs_safetensors_open(&tensors, paths, 2, &err), BAD);
    assert_non_null(strstr(err.message, "tensor \"a\" is in f.safetensors too"));
    free(other);
}

static void a_header_length_like_a_signature_is_no_pickle(void **state)
{
    /* 0x0380 and 0x8B1F bytes: as bytes, the start of a pickle and of gzip. */
    static const int lengths[] = {0x380, 0x8B1F, 0x10280};
    size_t i;
    (void)state;
    for (i = 0; i < 3; i++) {
        char *header = malloc((size_t)lengths[i] + 1);
        assert_non_null(header);
        snprintf(header, (size_t)lengths[i] + 1, "%-*s", lengths[i], ONE("F32", "[1]", "[0,4]"));
        expect_header(header, 4, CLIPSPAN_OK, "");
        free(header);
    }
}

static void files_of_other_kinds_are_named(void **state)
{
    (void)state;
    expect_bytes("PK\3\4\0\0\10\10\0\0archive/data.pkl", 26, CLIPSPAN_E_UNSUPPORTED, "zip archive");
    expect_bytes("\x80\2\x8A\nl\xFC\x9C\x46\xF9", 9, CLIPSPAN_E_UNSUPPORTED, "pickle");
    expect_bytes("version https://git-lfs.github.com/spec/v1\n", 43, CLIPSPAN_E_UNSUPPORTED,
                 "git lfs pull");
    expect_bytes("<!DOCTYPE html>", 15, CLIPSPAN_E_UNSUPPORTED, "web page");
    expect_bytes("\x93NUMPY\1\0", 8, CLIPSPAN_E_UNSUPPORTED, ".npy");
    expect_bytes("GGUF\3\0\0\0", 8, CLIPSPAN_E_UNSUPPORTED, "GGUF");
}

static void many_metadata_entries_stay_within_memory(void **state)
{
    size_t size = (size_t)4 << 20, used = 0;
    char *header = malloc(size);
    unsigned n = 0;
    (void)state;
    assert_non_null(header);
    used += (size_t)snprintf(header, size, "{\"__metadata__\":{\"\":\"\"");
    while (used < size - 32)
        used += (size_t)snprintf(header + used, size - used, ",\"%x\":\"\"", n++);
    memcpy(header + used, "}}", 3);
    expect_header(header, 0, CLIPSPAN_E_LIMIT, "elements");
    free(header);
}

static void no_files_is_an_error(void **state)
{
    cs_safetensors *tensors;
    const char *paths[1] = {"/nonexistent/x.safetensors"};
    (void)state;
    assert_int_equal(cs_safetensors_open(&tensors, paths, 0, NULL), CLIPSPAN_E_LIMIT);
    assert_int_equal(cs_safetensors_open(&tensors, paths, 1, NULL), CLIPSPAN_E_NOT_FOUND);
    assert_null(tensors);
    cs_safetensors_close(&tensors);
    cs_safetensors_close(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a01_empty_file_is_refused),
        T(a02_seven_bytes_are_refused),
        T(a03_header_length_zero_is_refused),
        T(a04_header_of_one_brace_is_refused),
        T(a05_header_longer_than_file_is_refused),
        T(a06_header_length_all_ones_is_refused),
        T(a07_header_length_top_bit_is_refused),
        T(a08_header_over_the_limit_is_refused_before_reading),
        T(a09_header_that_is_not_utf8_is_refused),
        T(a10_truncated_json_is_refused),
        T(a11_header_that_is_an_array_is_refused),
        T(a12_duplicate_tensor_is_refused),
        T(a13_duplicate_metadata_is_refused),
        T(a14_metadata_that_is_not_text_is_refused),
        T(a15_unknown_dtype_is_refused),
        T(a16_known_dtype_that_is_not_loaded_is_refused_by_name),
        T(a17_negative_dimension_is_refused),
        T(a18_fractional_dimension_is_refused),
        T(a19_dimension_of_2_to_64_is_refused),
        T(a20_product_overflow_is_refused),
        T(a21_product_times_bits_overflow_is_refused),
        T(a22_rank_64_is_refused),
        T(a23_begin_behind_end_is_refused),
        T(a24_end_behind_data_is_refused),
        T(a25_overlap_is_refused),
        T(a26_hole_is_refused),
        T(a27_tail_is_refused),
        T(a28_offsets_as_text_are_refused),
        T(a29_a_hundred_thousand_nested_arrays_are_refused),
        T(a30_a_million_tiny_tensors_are_refused),
        T(a31_white_space_around_the_header_is_accepted),
        T(a32_empty_tensors_and_scalars_are_accepted),
        T(a33_unaligned_data_is_read_right),
        T(a34_file_shortened_while_open_is_a_clear_error),
        T(halves_and_doubles_are_converted_exactly),
        T(bf16_and_f64_are_converted),
        T(shards_are_merged_and_may_not_share_a_name),
        T(a_header_length_like_a_signature_is_no_pickle),
        T(files_of_other_kinds_are_named),
        T(many_metadata_entries_stay_within_memory),
        T(no_files_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
