/* SPDX-License-Identifier: MIT */
/* JSON: whatever is read can be written and is read again as the same. */
#include "formats/json.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const cs_json_limits limits = {
        .depth = 16, .objects = 1000, .elements = 10000, .what = "document"};
    json_t *root, *again;
    char *text;
    if (cs_json_parse(&root, (const char *)data, size, &limits, "x.json", NULL) != CLIPSPAN_OK)
        return 0;
    text = json_dumps(root, JSON_ENCODE_ANY);
    fuzz_check(text != NULL, "a document is written");
    /* A key or text with a NUL has no place in a C string: jansson refuses it. */
    if (cs_json_parse(&again, text, strlen(text), &limits, "y.json", NULL) == CLIPSPAN_OK) {
        fuzz_check(json_equal(root, again), "a document is read as it was written");
        json_decref(again);
    }
    free(text);
    json_decref(root);
    return 0;
}
