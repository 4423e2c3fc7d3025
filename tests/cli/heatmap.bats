# SPDX-License-Identifier: MIT
# clipspan heatmap
load helper

@test "an overlay a text, a sheet, an array and a row each" {
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text "a cat" --text "a dog" -o maps --json && silent
    json schema clipspan.heatmap.v1
    json contrast "each text minus the mean of all"
    json "pictures.#" 1
    json "pictures.0.maps.#" 2
    json pictures.0.maps.1.text "a dog"
    json "pictures.0.heads.#" 4
    json written 1
    for file in 0-1-1.png 0-1-2.png 0-1-sheet.png 0-1.npy rows.csv; do [ -s maps/$file ]; done
    [ "$(head -c 6 maps/0-1.npy | tail -c 5)" = NUMPY ]
    [ "$(wc -c <maps/0-1.npy)" -eq $((128 + 2 * 3 * 3 * 4)) ]
    grep -q 'shape.: (2, 3, 3)' maps/0-1.npy
    [ "$(wc -l <maps/rows.csv)" -eq 3 ]
}

@test "contrasts: none, mean, rival and pairs; one text has none" {
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a -o one --json && json contrast "scores of the texts as they are"
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --contrast rival -o two && says "at least two"
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --text b --text c --contrast pairs -o three --json
    json "pictures.0.maps.#" 3
    json pictures.0.maps.2.text "b - c"
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --text b --contrast rival -o four --json
    first=$("$JSON_AT" pictures.0.maps.0.sum <.out)
    second=$("$JSON_AT" pictures.0.maps.1.sum <.out)
    # of two texts each is the other's only rival
    awk -v a="$first" -v b="$second" 'BEGIN { d = a + b; exit !(d < 1e-6 && d > -1e-6) }'
}

@test "methods beside ours; attention needs no contrast" {
    for method in attention rollout; do
        exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --method $method -o $method --json
        json "pictures.0.maps.#" 1
        json "pictures.0.heads.#" 0
    done
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --text b --method patch -o patch --json
    json "pictures.0.maps.#" 2
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --method value -o value
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --method value --heads L0.H1 -o x && says "--method clipspan"
}

@test "heads by name and layer; wrong ones are refused" {
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --heads L1.H2,L0.H0 -o some --json
    json "pictures.0.heads.#" 2
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --layers 1 --top 2 -o layer --json
    json "pictures.0.heads.#" 2
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --heads L1.H3 -o no && says "L1.H2"
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --heads L1.H1 --layers 1 -o no && says "exclude"
    [ ! -e no ]
}

@test "what is there is kept; --dry-run writes nothing; a picture that cannot be used is a row" {
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a && says "-o FOLDER"
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a -o maps -n --json && json dry_run true
    [ ! -e maps ]
    echo broken >pics/red/2.png
    exits 3 "$CLIPSPAN" heatmap "$model" pics --text a -o maps --json
    json written 3
    json skipped 1
    grep -q 'red/2.png,skipped' maps/rows.csv
    exits 6 "$CLIPSPAN" heatmap "$model" pics --text a -o maps && says "--force"
    exits 3 "$CLIPSPAN" heatmap "$model" pics --text a -o maps --force
    echo file >taken
    exits 6 "$CLIPSPAN" heatmap "$model" pics --text a -o taken && says "folder was expected"
}

@test "texts without tokens, models without texts" {
    exits 2 "$CLIPSPAN" heatmap "$model" pics --text " " -o maps && says "has no tokens"
    exits 4 "$CLIPSPAN" heatmap "$GOLDEN/image-no-ln-pre" pics --text a -o maps && says "no text tower"
    exits 2 "$CLIPSPAN" heatmap "$model" pics -o maps && says "no texts"
    [ ! -e maps ]
}

@test "any number of threads gives the same arrays" {
    exits 0 "$CLIPSPAN" heatmap "$model" pics --text a --text b -o one -j 1
    exits 0 "$CLIPSPAN" heatmap "$model" pics --text a --text b -o two -j 2
    for file in one/*.npy one/*.png; do cmp "$file" "two/${file#one/}"; done
}
