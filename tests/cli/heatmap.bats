# SPDX-License-Identifier: MIT
# clipspan heatmap
load helper

@test "an overlay a text, a sheet, an array and a row each" {
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text "a cat" --text "a dog" -o maps --json && silent
    json schema clipspan.heatmap.v1
    json contrast "each text minus the mean of all"
    json "images.#" 1
    json "images.0.maps.#" 2
    json images.0.maps.1.text "a dog"
    json "images.0.heads.#" 4
    json written 1
    for file in 0-1-1.png 0-1-2.png 0-1-sheet.png 0-1.npy rows.csv; do [ -s maps/$file ]; done
    [ "$(head -c 6 maps/0-1.npy | tail -c 5)" = NUMPY ]
    [ "$(wc -c <maps/0-1.npy)" -eq $((128 + 2 * 3 * 3 * 4)) ]
    grep -q 'shape.: (2, 3, 3)' maps/0-1.npy
    [ "$(wc -l <maps/rows.csv)" -eq 3 ]
}

@test "contrasts: none, mean, runner-up and pairs; one text has none" {
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a -o one --json && json contrast "scores of the texts as they are"
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --contrast runner-up -o two && says "at least two"
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --text b --text c --contrast pairs -o three --json
    json "images.0.maps.#" 3
    json images.0.maps.2.text "b - c"
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --text b --contrast runner-up -o four --json
    first=$("$JSON_AT" images.0.maps.0.sum <.out)
    second=$("$JSON_AT" images.0.maps.1.sum <.out)
    # of two texts each is the other's only runner-up
    awk -v a="$first" -v b="$second" 'BEGIN { d = a + b; exit !(d < 1e-6 && d > -1e-6) }'
}

@test "methods beside ours; attention needs no contrast" {
    for method in attention rollout; do
        exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --method $method -o $method --json
        json "images.0.maps.#" 1
        json "images.0.heads.#" 0
    done
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --text b --method patch -o patch --json
    json "images.0.maps.#" 2
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --method value -o value
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --method value --heads L0.H1 -o x && says "--method clipspan"
}

@test "heads by name and layer; wrong ones are refused" {
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --heads L1.H2,L0.H0 -o some --json
    json "images.0.heads.#" 2
    exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --layers 1 --top 2 -o layer --json
    json "images.0.heads.#" 2
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --heads L1.H3 -o no && says "L1.H2"
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --heads L1.H1 --layers 1 -o no && says "exclude"
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --heads L1.MLP -o no && says "no head \"L1.MLP\""
    exits 2 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text a --heads "" -o no
    [ ! -e no ]
}

@test "what is there is kept; --dry-run writes nothing; an image that cannot be used is a row" {
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
    exits 4 "$CLIPSPAN" heatmap "$GOLDEN/image-no-ln-pre" pics --text a -o maps && says "no text encoder"
    exits 2 "$CLIPSPAN" heatmap "$model" pics -o maps && says "no texts"
    [ ! -e maps ]
}

@test "any number of threads gives the same arrays" {
    exits 0 "$CLIPSPAN" heatmap "$model" pics --text a --text b -o one -j 1
    exits 0 "$CLIPSPAN" heatmap "$model" pics --text a --text b -o two -j 2
    for file in one/*.npy one/*.png; do cmp "$file" "two/${file#one/}"; done
}

long20() { # 20,000 x 20 pixels
    printf 'iVBORw0KGgoAAAANSUhEUgAATiAAAAAUAQAAAABA1DALAAAAaElEQVR42u3WMQ0AAAzDsDIof7bFsHOSDSFXUgAA3okEAAAmDgAAEwcAgIkDADBxAACYOAAA%s' \
        TBwAgIkDAMDEAQBg4gAATBwAACYOAAATBwCAiQMAMHEAAJg4AABMHACAiQMAwMQBAHAzBilyVlZUM3AAAAAASUVORK5CYII= | base64 -d
}

long10() { # 20,000 x 10
    printf 'iVBORw0KGgoAAAANSUhEUgAATiAAAAAKAQAAAAB5CFPgAAAAQklEQVR42u3WMQ0AAAzDsDIof7YFsWuSDSFXUgAA3okEAAAmDgAAEwcAgIkDADBxAACYOAAA%s' \
        TBwAgIkDAMDEAQBwM/JYuSSD8Ud2AAAAAElFTkSuQmCC | base64 -d
}

one() { # 1 x 1
    printf 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR42mPgBwAAEQAQBOQ5bQAAAABJRU5ErkJggg==' | base64 -d
}

scene=$BATS_TEST_DIRNAME/../../data/demo/test/$(cd "$BATS_TEST_DIRNAME/../../data/demo/test" && printf '%s\n' ./*.png | head -n 1)

@test "tiles: windows over a large image, one map, the cost told first" {
    exits 0 "$CLIPSPAN" heatmap "$model" "$scene" --text "a cat" --text "a dog" --tiles -o maps --json
    says "100 windows of 24 x 24 pixels"
    json tiles true
    json windows 100
    json images.0.windows 100
    json images.0.grid.0 12
    json images.0.grid.1 12
    json images.0.maps.0.similarity null
    json "images.0.heads.#" 4
    [ "$(wc -c <"$(echo maps/*.npy)")" -eq $((128 + 2 * 12 * 12 * 4)) ]
    exits 0 "$CLIPSPAN" heatmap "$model" "$scene" --text "a cat" --tile-size 48 -o wide --json && json images.0.grid.0 6
    exits 0 "$CLIPSPAN" heatmap "$model" "$scene" pics --text "a cat" --tiles -o not -n --json && json windows 103
    [ ! -e not ]
    for method in attention rollout patch value; do
        exits 0 "$CLIPSPAN" heatmap "$model" "$scene" --text a --text b --method $method --tiles -o $method --json
        json images.0.grid.0 12
    done
    exits 0 "$CLIPSPAN" heatmap "$model" "$scene" --text a --text b --text c --contrast pairs --heads L1.H2,L0.H0 --tiles -o some --json
    json "images.0.maps.#" 3
    json "images.0.heads.#" 2
}

@test "tiles: an image no larger than a window has the same map as without" {
    one >pics/red/2.png
    exits 0 "$CLIPSPAN" heatmap "$model" pics --text a --text b -o one -j 1 --json && cp .out without
    exits 0 "$CLIPSPAN" heatmap "$model" pics --text a --text b -o two -j 1 --json --tiles
    for file in one/*; do cmp "$file" "two/${file#one/}"; done
    exits 0 "$CLIPSPAN" heatmap "$model" "$scene" --text a -o three -j 1
    exits 0 "$CLIPSPAN" heatmap "$model" "$scene" --text a -o four -j 1 --tile-size 96
    for file in three/*; do cmp "$file" "four/${file#three/}"; done
}

@test "tiles: any number of threads gives the same files" {
    exits 0 "$CLIPSPAN" heatmap "$model" "$scene" pics --text a --text b --tiles -o one -j 1
    exits 0 "$CLIPSPAN" heatmap "$model" "$scene" pics --text a --text b --tiles -o two -j 2
    for file in one/*; do cmp "$file" "two/${file#one/}"; done
}

@test "long and tiny images, and more windows than the limit" {
    long20 >long.png
    one >one.png
    exits 0 "$CLIPSPAN" heatmap "$model" long.png one.png --text a -o plain --json && json written 2
    exits 0 "$CLIPSPAN" heatmap "$model" long.png one.png --text a --tiles -o maps --json
    json images.0.windows 2998
    json images.0.grid.1 3000
    json images.1.windows 1
    cmp plain/1-one.npy maps/1-one.npy
    long10 >longer.png
    exits 3 "$CLIPSPAN" heatmap "$model" longer.png one.png --text a --tiles -o more --json
    says "20000 x 10 pixels take 5998 windows of 10 x 10, over the limit of 4096; take larger ones (--tile-size)"
    grep -q 'longer.png,skipped' more/rows.csv
    json written 1
    exits 4 "$CLIPSPAN" heatmap "$model" longer.png --text a --tiles -o none && says "--tile-size"
}

@test "tiles: maps that take more than a quarter of memory are refused before anything runs" {
    long20 >long.png
    seq 1500 | sed 's/^/text /' >texts.txt
    # 1,124,250 pairs of texts over 3 x 3,000 patches: 243 GB
    exits 4 "$CLIPSPAN" heatmap "$model" long.png --texts texts.txt --contrast pairs --tiles -o maps
    says "over a quarter of memory"
    says "--tile-size"
    exits 2 "$CLIPSPAN" heatmap "$model" long.png --text a --tile-size 0 -o maps && says "--tile-size"
}
