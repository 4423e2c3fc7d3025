/* SPDX-License-Identifier: MIT */
#include "npy_array.h"
#include "base/file.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int cs_npy_array_read(cs_npy_array *out, const char *folder, const char *name, const char *descr,
                      size_t item)
{
    clipspan_error err;
    char *path = cs_path_join(folder, name, &err), *text, *shape;
    size_t size, header;
    memset(out, 0, sizeof *out);
    assert_non_null(path);
    if (cs_path_kind(path) == 0) {
        cs_free(path);
        return 0;
    }
    if (cs_file_read_all(&out->bytes, &size, path, 1 << 20, &err)) fail_msg("%s", err.message);
    cs_free(path);
    assert_true(size > 10 && memcmp(out->bytes, "\x93NUMPY\1", 7) == 0);
    header = 10 + out->bytes[8] + 256U * out->bytes[9];
    assert_true(header < size);
    text = (char *)out->bytes + 10;
    out->bytes[header - 1] = 0;
    assert_non_null(strstr(text, descr));
    assert_non_null(strstr(text, "'fortran_order': False"));
    shape = strstr(text, "'shape': (");
    assert_non_null(shape);
    out->rows = strtoul(shape + 10, &shape, 10);
    out->row_size = 1;
    while (*shape == ',' && shape[1] == ' ')
        out->row_size *= strtoul(shape + 2, &shape, 10);
    assert_int_equal(size - header, out->rows * out->row_size * item);
    out->data = out->bytes + header;
    return 1;
}
