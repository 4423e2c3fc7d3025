# SPDX-License-Identifier: MIT
# clipspan info
load helper

@test "info is one JSON document with the facts of the checkpoint" {
    exits 0 "$CLIPSPAN" info "$model" --json && silent
    json schema clipspan.info.v1
    json layout openclip
    json image.layers 2
    json image.heads 3
    json image.head_width 12
    json preprocess.mean.1 0.4
    [ "$(head -n 2 .out | tail -n 1)" = '  "schema": "clipspan.info.v1",' ]
}

@test "info as TSV has a fact a line: path of keys, tab, value" {
    exits 0 "$CLIPSPAN" info "$model"
    grep -q "^image.layers$(printf '\t')2$" .out
    awk -F '\t' 'NF != 2 { print; bad = 1 } END { exit bad }' .out
}

@test "info knows every checkpoint of both layouts" {
    for folder in "$GOLDEN"/*/; do
        exits 0 "$CLIPSPAN" info "$folder" --json
        exits 0 "$CLIPSPAN" info "$folder" --table && shows "  clipspan embed"
    done
}

@test "--tensors lists every tensor, as many as tensor_count says" {
    exits 0 "$CLIPSPAN" info "$model" --tensors --json
    json "tensors.#" "$("$JSON_AT" tensor_count <.out)"
    json tensors.0.dtype "$("$JSON_AT" tensors.0.dtype <.out)"
}

@test "--hash is the SHA-256 of the file" {
    exits 0 "$CLIPSPAN" info "$model" --hash --json
    json files.0.sha256 "$(sha256sum <"$model/open_clip_model.safetensors" | cut -d ' ' -f 1)"
}

@test "--check counts every number" {
    exits 0 "$CLIPSPAN" info "$model" --check --json
    json check.nan 0
    json check.inf 0
    json check.first_bad null
}

@test "--check of weights with a NaN shows them and ends with 4, naming the tensor" {
    cp -r "$model" broken
    chmod -R u+w broken
    # The last four bytes of the file belong to its last tensor.
    size=$(wc -c <broken/open_clip_model.safetensors)
    printf '\377\377\377\177' |
        dd of=broken/open_clip_model.safetensors bs=1 seek=$((size - 4)) conv=notrunc 2>/dev/null
    exits 4 "$CLIPSPAN" info broken --check --json
    json check.nan 1
    says "1 NaN"
    says "$("$JSON_AT" check.first_bad <.out)"
}

@test "--quick-gelu overrides the activation and says so" {
    exits 0 "$CLIPSPAN" info "$model" --quick-gelu yes --json
    json activation quick_gelu
    exits 0 "$CLIPSPAN" info "$GOLDEN/openclip-quick-custom" --json
    json activation quick_gelu
    exits 0 "$CLIPSPAN" info "$GOLDEN/openclip-quick-custom" --quick-gelu no --json
    json activation gelu
}

@test "what is no model is a clear error, exit 4" {
    exits 4 "$CLIPSPAN" info nowhere && says nowhere
    exits 4 "$CLIPSPAN" info pics && says "is no model"
    exits 4 "$CLIPSPAN" info pics/red/1.png && says 1.png
    [ -z "$output" ]
}

@test "the table stays within 80 columns" {
    LC_ALL=C.UTF-8 exits 0 "$CLIPSPAN" info "$model" --table --tensors --check
    grep -v "clipspan embed" .out | LC_ALL=C.UTF-8 awk 'length($0) > 80 { print; bad = 1 } END { exit bad }'
}

@test "on a terminal of 80 columns the table fits, its words wrapped and none cut" {
    command -v script >/dev/null || skip "no script"
    ln -s "$model" m
    script -qec "stty cols 80; LC_ALL=C.UTF-8 '$CLIPSPAN' info m --check --no-color" /dev/null </dev/null | tr -d '\r' >.out
    grep -q "exact GELU (no quick_gelu in open_clip_config.json, which means" .out
    run ! grep -q "…" .out
    LC_ALL=C.UTF-8 awk 'length($0) > 80 { print; bad = 1 } END { exit bad }' .out
}
