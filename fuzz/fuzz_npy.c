/* SPDX-License-Identifier: MIT */
/* .npy: the header, and all numbers. */
#include "base/memory.h"
#include "formats/npy.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file("array.npy", data, size);
    cs_npy_array array;
    if (cs_npy_open(&array, path, NULL) == CLIPSPAN_OK) {
        void *numbers = cs_alloc(array.count + !array.count, array.item, "numbers", NULL);
        fuzz_check(array.count * array.item <= size, "numbers lie in their file");
        fuzz_check(numbers && cs_npy_read(numbers, &array, NULL) == CLIPSPAN_OK,
                   "numbers are read");
        cs_free(numbers);
    }
    cs_npy_fini(&array);
    return 0;
}
