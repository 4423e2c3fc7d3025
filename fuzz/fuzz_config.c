/* SPDX-License-Identifier: MIT */
/* Configurations of both layouts; a NUL separates a Hugging Face one from its preprocessor. */
#include "fuzz.h"
#include "model/config_read.h"

#include <string.h>

static json_t *read(const uint8_t *data, size_t size)
{
    json_t *root = NULL;
    if (cs_json_read_text(&root, (const char *)data, size, "config.json", NULL) != CLIPSPAN_OK)
        return NULL;
    return root;
}

static void parse(const cs_config_texts *texts, clipspan_layout layout)
{
    cs_config config = {0};
    char merges[512];
    if (cs_config_parse(&config, merges, texts, layout, NULL, NULL) == CLIPSPAN_OK) {
        fuzz_check(config.image.layers > 0 && config.image.layers <= CS_MAX_LAYERS, "layers");
        fuzz_check(config.image.heads * config.image.head_width == config.image.width, "heads");
        fuzz_check(config.grid_height * config.grid_width + config.class_token == config.tokens,
                   "tokens");
        fuzz_check(config.tokens <= CS_MAX_TOKENS, "tokens have a ceiling");
        for (int layer = 0; layer < config.image.layers; layer++)
            fuzz_check(cs_config_heads(&config, layer) >= 1, "a layer has a head");
    }
    cs_config_fini(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    const size_t first = nul ? (size_t)(nul - data) : size;
    cs_config_texts texts = {.path = "config.json", .preprocessor_path = "preprocessor.json"};
    texts.config = read(data, first);
    if (nul) texts.preprocessor = read(nul + 1, size - first - 1);
    if (texts.config) {
        parse(&texts, CLIPSPAN_LAYOUT_OPENCLIP);
        parse(&texts, CLIPSPAN_LAYOUT_HUGGINGFACE);
    }
    json_decref(texts.config);
    json_decref(texts.preprocessor);
    return 0;
}
