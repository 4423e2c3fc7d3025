/* SPDX-License-Identifier: MIT */
/* Tables of images: columns by name, labels, groups, conditions. */
#include "fuzz.h"

#include <clipspan/clipspan.h>

static void list(const char *path, const clipspan_inputs_options *options)
{
    clipspan_inputs *inputs = NULL;
    clipspan_error err;
    if (clipspan_inputs_open(&inputs, &path, 1, options, &err) == CLIPSPAN_OK)
        for (size_t i = 0; i < clipspan_inputs_get_count(inputs); i++) {
            fuzz_check(*clipspan_inputs_get_paths(inputs)[i] != '\0', "a path");
            fuzz_check(clipspan_inputs_get_label(inputs, i) != NULL, "a label");
            fuzz_check(clipspan_inputs_get_group(inputs, i) != NULL, "a group");
        }
    else
        fuzz_check(err.message[0] != '\0', "an error has a sentence");
    clipspan_inputs_close(&inputs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const where[] = {"place=water"};
    clipspan_inputs_options plain = CLIPSPAN_INPUTS_OPTIONS_INIT, full = plain;
    full.labels = "label";
    full.groups = "label,place";
    full.columns = "*";
    full.where = where;
    full.where_count = 1;
    list(fuzz_file("list.csv", data, size), &plain);
    list(fuzz_file("list.csv", data, size), &full);
    list(fuzz_file("list.tsv", data, size), &plain);
    return 0;
}
