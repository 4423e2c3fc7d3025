# SPDX-License-Identifier: MIT
# clipspan pixels and clipspan tokens
load helper

@test "pixels: an array of uint8 of the encoder's size" {
    exits 0 "$CLIPSPAN" pixels "$model" pics -o a.npy --json && silent
    json schema clipspan.pixels.v1
    json shape "[3,24,24,3]"
    [ "$(wc -c <a.npy)" = $((128 + 3 * 24 * 24 * 3)) ]
    # An image of one colour stays that colour: blue is 50 90 190.
    [ "$(tail -c +129 a.npy | head -c 3 | od -An -tu1 | tr -d ' \n')" = 5090190 ]
    [ "$(sed -n 2p a.rows.csv)" = "0,pics/blue/1.png,,,ok," ]
}

@test "pixels: a PNG an image in a folder, which read back are themselves" {
    exits 0 "$CLIPSPAN" pixels "$model" pics -o seen/
    [ "$(ls seen)" = "$(printf '0-1.png\n1-1.png\n2-1.png\nrows.csv')" ]
    exits 0 "$CLIPSPAN" pixels "$model" pics -o a.npy
    exits 0 "$CLIPSPAN" pixels "$model" seen -o b.npy
    cmp a.npy b.npy
    exits 6 "$CLIPSPAN" pixels "$model" pics -o seen/ && says rows.csv
    exits 0 "$CLIPSPAN" pixels "$model" pics -o seen -f
}

@test "pixels: skipped images, dry runs and wrong names" {
    echo x >pics/red/bad.jpg
    exits 3 "$CLIPSPAN" pixels "$model" pics -o seen/
    grep -q '^,pics/red/bad.jpg,,,skipped,.*,$' seen/rows.csv
    exits 0 "$CLIPSPAN" pixels "$model" pics -o none/ -n
    [ ! -e none ]
    exits 2 "$CLIPSPAN" pixels "$model" pics -o a.gif && says "FILE.npy"
    exits 2 "$CLIPSPAN" pixels "$model" pics && says "-o"
    exits 4 "$CLIPSPAN" pixels "$model" pics/red/bad.jpg -o b.npy
    nothing_left
}

@test "pixels: an interruption says that the PNG files stay" {
    yes pics/red/1.png | head -n 200000 >list
    env --default-signal=INT "$CLIPSPAN" pixels "$model" - -o seen/ --progress none <list >.out 2>.err &
    pid=$!
    for _ in $(seq 400); do
        [ -n "$(find seen -name '*.png' -print -quit 2>/dev/null)" ] && break
        sleep 0.05
    done
    kill -s INT $pid
    status=0
    wait $pid || status=$?
    errors=$(cat .err)
    [ "$status" = 130 ]
    says "the files that were finished stay"
    [ ! -e seen/rows.csv ]
}

@test "pixels: --max-pixels skips larger images" {
    exits 4 "$CLIPSPAN" pixels "$model" pics -o a.npy --max-pixels 34 && says "ceiling of 34"
    exits 0 "$CLIPSPAN" pixels "$model" pics -o a.npy --max-pixels 35
}

@test "tokens: ids and pieces, start to end" {
    exits 0 "$CLIPSPAN" tokens "$model" --text "a photo of a disc" --json && silent
    json schema clipspan.tokens.v1
    json texts.0.text "a photo of a disc"
    json texts.0.cut false
    json "texts.0.ids.#" "$("$JSON_AT" "texts.0.pieces.#" <.out)"
    json texts.0.pieces.1 "a</w>"
}

@test "tokens: TSV keeps tabs and line ends inside cells" {
    exits 0 "$CLIPSPAN" tokens "$model" --text "$(printf 'a\tb\nc')"
    [ "$(wc -l <.out)" = 2 ]
    [ "$(tail -n 1 .out | cut -f 2)" = 'a\tb\nc' ]
}

@test "tokens: an array of int32, equal to the reference ids where there are texts" {
    exits 0 "$CLIPSPAN" tokens "$model" --text "a dog" -o ids.npy --json
    json shape "[1,13]"
    [ "$(wc -c <ids.npy)" = $((128 + 13 * 4)) ]
    exits 6 "$CLIPSPAN" tokens "$model" --text "a dog" -o ids.npy
    exits 2 "$CLIPSPAN" tokens "$model" --text "a dog" -o ids.txt && says .npy
    exits 2 "$CLIPSPAN" tokens "$model" --text "a dog" -n && says "dry-run"
}

@test "tokens: no texts, empty input, no text encoder" {
    exits 2 "$CLIPSPAN" tokens "$model" && says "no texts"
    exits 4 "$CLIPSPAN" tokens "$model" --texts - </dev/null && says "holds no text"
    exits 4 "$CLIPSPAN" tokens "$GOLDEN/image-no-ln-pre" --text a && says "no text encoder"
    printf 'a\0b\n' >nul.txt
    exits 4 "$CLIPSPAN" tokens "$model" --texts - <nul.txt && says NUL
}
