/* SPDX-License-Identifier: MIT */
/* The writer against the reader, byte for byte where the format fixes it. */
#define _XOPEN_SOURCE 700
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "formats/safetensors.h"
#include "formats/safetensors_write.h"
#include "tiny.h"

static char *folder, *path;

static int setup(void **state)
{
    (void)state;
    folder = cs_tiny_folder();
    path = cs_tiny_path(folder, "t.safetensors");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cs_tiny_remove(&folder);
    free(path);
    return 0;
}

static void what_is_written_is_read_again_in_every_type(void **state)
{
    static const double d[3] = {1.0 / 3, -2, 5e-324};
    static const float f[2] = {0.1F, -7};
    static const uint16_t h[2] = {0x3C00, 0xC100}; /* 1, -2.5 */
    static const uint8_t u[3] = {0, 128, 255};
    static const uint64_t three = 3, pair[2] = {1, 2};
    cs_safetensors_writer *w;
    cs_safetensors *t;
    double d2[3];
    float f2[2];
    uint8_t u2[2];
    (void)state;
    assert_int_equal(cs_safetensors_writer_open(&w, path, 0, NULL), 0);
    assert_int_equal(cs_safetensors_writer_note(w, "why", "a \"test\" \xC3\xA9", NULL), 0);
    assert_int_equal(cs_safetensors_writer_add(w, "d", "F64", &three, 1, NULL), 0);
    assert_int_equal(cs_safetensors_writer_add(w, "f", "F32", pair, 2, NULL), 0);
    assert_int_equal(cs_safetensors_writer_add(w, "h", "F16", pair, 2, NULL), 0);
    assert_int_equal(cs_safetensors_writer_add(w, "u", "U8", &three, 1, NULL), 0);
    assert_int_equal(cs_safetensors_writer_write(w, d, 8, NULL),
                     0); /* pieces need not be tensors */
    assert_int_equal(cs_safetensors_writer_write(w, d + 1, 16, NULL), 0);
    assert_int_equal(cs_safetensors_writer_write(w, f, 8, NULL), 0);
    assert_int_equal(cs_safetensors_writer_write(w, h, 4, NULL), 0);
    assert_int_equal(cs_safetensors_writer_write(w, u, 3, NULL), 0);
    assert_int_equal(cs_path_kind(path), 0); /* not before it is whole */
    assert_int_equal(cs_safetensors_writer_finish(w, NULL), 0);
    cs_safetensors_writer_close(&w);
    assert_int_equal(cs_safetensors_open(&t, (const char *const *)&path, 1, NULL), 0);
    assert_int_equal(cs_safetensors_count(t), 4);
    assert_string_equal(cs_safetensors_note(t, "why"), "a \"test\" \xC3\xA9");
    assert_null(cs_safetensors_note(t, "who"));
    assert_int_equal(cs_safetensors_find(t, "d")->offset % 8, 0);
    assert_int_equal(cs_safetensors_read_raw(d2, t, cs_safetensors_find(t, "d"), 0, 3, NULL), 0);
    assert_memory_equal(d2, d, sizeof d);
    assert_int_equal(cs_safetensors_read(f2, t, cs_safetensors_find(t, "f"), 0, 2, NULL), 0);
    assert_memory_equal(f2, f, sizeof f);
    assert_int_equal(cs_safetensors_read(f2, t, cs_safetensors_find(t, "h"), 0, 2, NULL), 0);
    assert_true(f2[0] == 1 && f2[1] == -2.5F);
    assert_int_equal(cs_safetensors_read_raw(u2, t, cs_safetensors_find(t, "u"), 1, 2, NULL), 0);
    assert_memory_equal(u2, u + 1, 2);
    assert_int_equal(cs_safetensors_read_raw(u2, t, cs_safetensors_find(t, "u"), 2, 2, NULL),
                     CLIPSPAN_E_INTERNAL);
    cs_safetensors_close(&t);
}

/* The header of one scalar is known to the byte. */
static void the_header_is_padded_to_eight_bytes_and_has_no_spare_ones(void **state)
{
    static const char header[] = "{\"x\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}";
    unsigned char *bytes;
    size_t size, padded = (sizeof header - 1 + 7) / 8 * 8;
    cs_safetensors_writer *w;
    (void)state;
    assert_int_equal(cs_safetensors_writer_open(&w, path, 1, NULL), 0);
    assert_int_equal(cs_safetensors_writer_add(w, "x", "U8", NULL, 0, NULL), 0);
    assert_int_equal(cs_safetensors_writer_write(w, "!", 1, NULL), 0);
    assert_int_equal(cs_safetensors_writer_finish(w, NULL), 0);
    cs_safetensors_writer_close(&w);
    assert_int_equal(cs_file_read_all(&bytes, &size, path, 1000, NULL), 0);
    assert_int_equal(size, 8 + padded + 1);
    assert_int_equal(bytes[0], padded);
    assert_memory_equal(bytes + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < padded; i++)
        assert_int_equal(bytes[8 + i], ' ');
    assert_int_equal(bytes[size - 1], '!');
    cs_free(bytes);
}

static void a_file_without_tensors_is_whole_too(void **state)
{
    cs_safetensors_writer *w;
    cs_safetensors *t;
    (void)state;
    assert_int_equal(cs_safetensors_writer_open(&w, path, 1, NULL), 0);
    assert_int_equal(cs_safetensors_writer_finish(w, NULL), 0);
    cs_safetensors_writer_close(&w);
    assert_int_equal(cs_safetensors_open(&t, (const char *const *)&path, 1, NULL), 0);
    assert_int_equal(cs_safetensors_count(t), 0);
    cs_safetensors_close(&t);
}

static void more_or_less_data_than_declared_is_no_file(void **state)
{
    static const uint64_t two = 2;
    char *other = cs_tiny_path(folder, "other.safetensors");
    cs_safetensors_writer *w;
    (void)state;
    assert_int_equal(cs_safetensors_writer_open(&w, other, 0, NULL), 0);
    assert_int_equal(cs_safetensors_writer_add(w, "x", "U8", &two, 1, NULL), 0);
    assert_int_equal(cs_safetensors_writer_add(w, "x", "U8", &two, 1, NULL), CLIPSPAN_E_INTERNAL);
    assert_int_equal(cs_safetensors_writer_write(w, "abc", 3, NULL), CLIPSPAN_E_INTERNAL);
    assert_int_equal(cs_safetensors_writer_write(w, "a", 1, NULL), 0);
    assert_int_equal(cs_safetensors_writer_add(w, "y", "U8", &two, 1, NULL), CLIPSPAN_E_INTERNAL);
    assert_int_equal(cs_safetensors_writer_finish(w, NULL), CLIPSPAN_E_INTERNAL);
    cs_safetensors_writer_close(&w);
    assert_int_equal(cs_path_kind(other), 0);
    free(other);
}

static void what_the_format_cannot_hold_is_refused(void **state)
{
    static const uint64_t huge[2] = {UINT64_C(1) << 40, UINT64_C(1) << 40}, one = 1;
    cs_safetensors_writer *w;
    (void)state;
    assert_int_equal(cs_safetensors_writer_open(&w, path, 1, NULL), 0);
    assert_int_equal(cs_safetensors_writer_add(w, "x", "F32", huge, 2, NULL), CLIPSPAN_E_LIMIT);
    assert_int_equal(cs_safetensors_writer_add(w, "x", "C64", &one, 1, NULL), CLIPSPAN_E_ARGUMENT);
    assert_int_equal(cs_safetensors_writer_note(w, "n", "\xFF", NULL), CLIPSPAN_E_ARGUMENT);
    cs_safetensors_writer_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again_in_every_type),
        cmocka_unit_test(the_header_is_padded_to_eight_bytes_and_has_no_spare_ones),
        cmocka_unit_test(a_file_without_tensors_is_whole_too),
        cmocka_unit_test(more_or_less_data_than_declared_is_no_file),
        cmocka_unit_test(what_the_format_cannot_hold_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
