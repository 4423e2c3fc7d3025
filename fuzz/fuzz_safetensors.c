/* SPDX-License-Identifier: MIT */
/* safetensors: the table, and the numbers of every tensor. */
#include "formats/safetensors.h"
#include "fuzz.h"

#define NUMBERS 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static float numbers[NUMBERS];
    const char *path = fuzz_file("model.safetensors", data, size);
    cs_safetensors *table;
    clipspan_error err;
    if (cs_safetensors_open(&table, &path, 1, &err) != CLIPSPAN_OK) {
        fuzz_check(err.message[0] != '\0', "an error has a sentence");
        return 0;
    }
    for (size_t i = 0; i < cs_safetensors_count(table); i++) {
        const cs_tensor_entry *entry = cs_safetensors_at(table, i);
        const uint64_t count = entry->count < NUMBERS ? entry->count : NUMBERS;
        fuzz_check(entry->offset + entry->bytes <= size, "a tensor lies in its file");
        fuzz_check(cs_safetensors_find(table, entry->name) == entry, "a tensor is found");
        if (entry->dtype <= CS_F64)
            fuzz_check(cs_safetensors_read(numbers, table, entry, entry->count - count, count,
                                           &err) == CLIPSPAN_OK,
                       "a tensor is read");
    }
    (void)cs_safetensors_note(table, "format");
    cs_safetensors_close(&table);
    return 0;
}
