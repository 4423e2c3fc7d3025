# SPDX-License-Identifier: MIT
# clipspan search
load helper

run_of_three() { exits 0 "$CLIPSPAN" scan "$model" pics --labels folder -o run -q; }

@test "an image is nearest to itself, by embedding, by heads and by a part of it" {
    run_of_three
    exits 0 "$CLIPSPAN" search run --like pics/green/1.png --json && silent
    json schema clipspan.search.v1
    json images 3
    json "hits.#" 3
    json hits.0.label green
    exits 0 "$CLIPSPAN" search run --like pics/red/1.png --heads L1.H2,L0.H0 --json
    json hits.0.label red
    "$JSON_AT" hits.0.why <.out | grep -q 'L1.H2\|L0.H0'
    exits 0 "$CLIPSPAN" search run --like pics/blue/1.png --region 0,0,7,5 --compare centred --top 1 --json
    json hits.0.label blue
    json "hits.#" 1
}

@test "texts, images taken off, tables and a contact sheet" {
    run_of_three
    exits 0 "$CLIPSPAN" search run --text "a cat" --like pics/red/1.png --unlike pics/blue/1.png --heads L1.H0 --json
    json "hits.#" 3
    [ "$("$JSON_AT" hits.2.label <.out)" = blue ]
    exits 0 "$CLIPSPAN" search run --like pics/red/1.png
    shows "$(printf 'rank\tscore\tpath\tlabel\twhy')"
    exits 0 "$CLIPSPAN" search run --like pics/red/1.png -o hits.html
    grep -q 'data:image/jpeg;base64' hits.html
    [ "$(grep -c '<li>' hits.html)" -eq 3 ]
    exits 6 "$CLIPSPAN" search run --like pics/red/1.png -o hits.html && says "--force"
    exits 0 "$CLIPSPAN" search run --like pics/red/1.png -o hits.csv
    [ "$(wc -l <hits.csv)" -eq 4 ]
}

@test "roles come from the atlas; unknown ones are refused with those there are" {
    run_of_three
    exits 4 "$CLIPSPAN" search run --like pics/red/1.png --role colour
    printf 'colour\ta red thing\ncolour\ta blue thing\n!place\ta beach\n' >pool.txt
    exits 0 "$CLIPSPAN" roles run --texts pool.txt --json
    exits 2 "$CLIPSPAN" search run --like pics/red/1.png --role nothing && says "no head of the run"
    exits 2 "$CLIPSPAN" search run --like pics/red/1.png --role ,x && says "NAME=WEIGHT"
}

@test "images of the run by path, end of path or number: no file and no model" {
    cp -r "$model" here
    exits 0 "$CLIPSPAN" scan here pics --labels folder -o run -q
    exits 0 "$CLIPSPAN" search run --like pics/green/1.png --unlike pics/red/1.png --heads L1.H2,L0.H0 --json && cp .out file
    exits 0 "$CLIPSPAN" search run --like pics/green/1.png --json && cp .out whole
    mv pics gone
    mv here elsewhere
    exits 0 "$CLIPSPAN" search run --like pics/green/1.png --unlike red/1.png --heads L1.H2,L0.H0 --json && silent
    for i in 0 1 2; do
        [ "$("$JSON_AT" hits.$i.path <.out)" = "$("$JSON_AT" hits.$i.path <file)" ]
        # the file is in float32 all the way, the run's coefficients are float32
        awk -v a="$("$JSON_AT" hits.$i.score <.out)" -v b="$("$JSON_AT" hits.$i.score <file)" \
            'BEGIN { d = a - b; exit !(d < 1e-5 && d > -1e-5) }'
    done
    exits 0 "$CLIPSPAN" search run --like "$PWD/pics/green/1.png" --json && json hits.0.label green
    exits 0 "$CLIPSPAN" search run --like '#1' --json && json hits.0.label green
    [ "$("$JSON_AT" hits.1.score <.out | cut -c1-6)" = "$("$JSON_AT" hits.1.score <whole | cut -c1-6)" ]
    exits 2 "$CLIPSPAN" search run --like 1.png && says "3 images of the run"
    exits 2 "$CLIPSPAN" search run --like '#3' && says "#0 to #2"
    exits 2 "$CLIPSPAN" search run --like '#1' --region 0,0,1,1 && says "--region"
    exits 4 "$CLIPSPAN" search run --like green/2.png && says "no image of the run"
    mv gone pics
    echo broken >pics/red/2.png
    exits 3 "$CLIPSPAN" scan "$model" pics -o other -q
    exits 2 "$CLIPSPAN" search other --like '#3' && says "was skipped"
    exits 4 "$CLIPSPAN" search run --text a
    mv run/segments away
    exits 4 "$CLIPSPAN" search run --like '#1'
}

@test "queries and contact sheets turn image files as the run turned them" {
    # 24 x 12 pixels, red beside blue, which EXIF says to turn by 90 degrees: 12 x 24, red above blue
    base64 -d >pics/turned.png <<END
iVBORw0KGgoAAAANSUhEUgAAABgAAAAMCAMAAABP7o1HAAAABlBMVEX/AAAAAP9sof2OAAAAGmVYSWZNTQAqAAAACAABARIAAwAA
AAEABgAAAAAAANZnS2kAAAATSURBVHjaY2BAAoxIgGFUAl0CAFIsAJER0mVrAAAAAElFTkSuQmCC
END
    exits 0 "$CLIPSPAN" scan "$model" pics --exif-orient -o run -q
    exits 0 "$CLIPSPAN" search run --like pics/turned.png --json
    json hits.0.path pics/turned.png
    awk -v s="$("$JSON_AT" hits.0.score <.out)" 'BEGIN { exit !(s > 0.99999) }'
    exits 0 "$CLIPSPAN" search run --like pics/turned.png --region 0,12,12,12 --heads L1.H0 --json
    exits 0 "$CLIPSPAN" search run --like pics/turned.png --top 1 -o hits.html
    # width and height lie behind the marker of a JPEG's frame
    sed -n 's/.*src="data:image.jpeg;base64,\([^"]*\)".*/\1/p' hits.html | base64 -d | od -An -v -tx1 | tr -d ' \n' >sheet
    grep -q 'ffc0001108\(00c00060\|0018000c\)' sheet
}

@test "arguments that cannot be" {
    run_of_three
    exits 2 "$CLIPSPAN" search run && says "--like"
    exits 2 "$CLIPSPAN" search run --text a --region 0,0,1,1 && says "--like"
    exits 2 "$CLIPSPAN" search run --like pics/red/1.png --region 0,0,1 && says "X,Y,WIDTH,HEIGHT"
    exits 2 "$CLIPSPAN" search run --like pics/red/1.png --region 900,900,5,5 && says "no patch"
    exits 2 "$CLIPSPAN" search run --like pics/red/1.png --heads L7.H0 && says "L1.H"
    exits 2 "$CLIPSPAN" search run --like pics/red/1.png -o hits.pdf && says ".html"
    exits 2 "$CLIPSPAN" search run --text " " --heads L0.H0 && says "no tokens"
    exits 4 "$CLIPSPAN" search run --like none.png
    exits 2 "$CLIPSPAN" search run --like pics/red/1.png --heads L0.MLP && says "no head"
    exits 2 "$CLIPSPAN" search run --like pics/red/1.png --region 0,0,0,5 && says "X,Y,WIDTH,HEIGHT"
    exits 4 "$CLIPSPAN" search pics --like pics/red/1.png
    exits 0 "$CLIPSPAN" scan "$model" pics --coefficients none -o bare -q
    exits 4 "$CLIPSPAN" search bare --like pics/red/1.png && says "coefficients"
}
