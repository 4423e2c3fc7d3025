# SPDX-License-Identifier: MIT
# clipspan segment
load helper

# Three images of 7 x 5, masks by writing them first: the program's own are of the right size.
masks() {
    exits 0 "$CLIPSPAN" segment "$model" pics --classes red,green,blue -o masks
    mkdir right
    local i=0
    for colour in blue green red; do
        cp masks/$i-1.png right/$colour.png
        cp pics/$colour/1.png $colour.png
        i=$((i + 1))
    done
    printf 'path,mask,colour,value,empty\nred.png,right/red.png,red,255,\nblue.png,right/blue.png,blue,255,\ngreen.png,right/green.png,green,255,\n' >list.csv
}

@test "masks that were written are judged right; every method, protocol and threshold has figures" {
    masks
    exits 0 "$CLIPSPAN" segment "$model" list.csv --classes red,green,blue --masks mask --json && silent
    json schema clipspan.segment.v1
    json images 3
    json predicted true
    json "scores.#" 20
    json scores.0.method clipspan
    json scores.0.protocol aligned
    json scores.0.threshold mean
    # the image's own size and the encoder's differ by what was cropped and resized only
    awk -v a="$("$JSON_AT" scores.0.accuracy <.out)" 'BEGIN { exit !(a > 0.85) }'
    exits 0 "$CLIPSPAN" segment "$model" list.csv --classes red,green,blue --masks right --json --method value
    json "scores.#" 4
    json scores.3.threshold otsu
}

@test "classes given; sentences filled from columns; images without a value are left out" {
    masks
    exits 0 "$CLIPSPAN" segment "$model" list.csv --classes red,green,blue --labels colour --masks mask --mask-value value --json
    json predicted false
    exits 0 "$CLIPSPAN" segment "$model" list.csv --target "a {colour} thing" --against "{value}" --masks mask --json
    json images 3
    json left_out 0
    sed -i 's/,green,255/,,255/' list.csv
    exits 0 "$CLIPSPAN" segment "$model" list.csv --target "{colour}" --masks mask --json && says "left out"
    json left_out 1
    json images 2
    exits 2 "$CLIPSPAN" segment "$model" list.csv --target "{empty}" --masks mask && says "no image of the list"
    exits 2 "$CLIPSPAN" segment "$model" list.csv --target "{color}" --masks mask && says "colour"
    exits 2 "$CLIPSPAN" segment "$model" list.csv --target "{colour" --masks mask && says "{COLUMN}"
    exits 2 "$CLIPSPAN" segment "$model" list.csv --against "{colour}" --masks mask && says "--target"
}

@test "wrong and missing masks are skipped with the reason" {
    masks
    cp "$GOLDEN/../../examples/image.png" right/red.png
    rm right/green.png
    exits 3 "$CLIPSPAN" segment "$model" list.csv --classes red,green,blue --masks mask -o out --json
    json skipped 2
    json images 1
    says "right/green.png"
    says "is an image in colours"
    grep -q 'red.png,skipped' out/rows.csv
    rm right/blue.png
    exits 4 "$CLIPSPAN" segment "$model" list.csv --classes red,green,blue --masks mask && says "no usable image"
}

@test "images of 1 x 1 and 20,000 x 20 pixels, and their masks" {
    mkdir odd
    printf 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR42mPgBwAAEQAQBOQ5bQAAAABJRU5ErkJggg==' | base64 -d >odd/one.png
    printf 'iVBORw0KGgoAAAANSUhEUgAATiAAAAAUAQAAAABA1DALAAAAaElEQVR42u3WMQ0AAAzDsDIof7bFsHOSDSFXUgAA3okEAAAmDgAAEwcAgIkDADBxAACYOAAA%s' \
        TBwAgIkDAMDEAQBg4gAATBwAACYOAAATBwCAiQMAMHEAAJg4AABMHACAiQMAwMQBAHAzBilyVlZUM3AAAAAASUVORK5CYII= | base64 -d >odd/long.png
    exits 0 "$CLIPSPAN" segment "$model" odd --classes red,green -o masks --json && json images 2
    mkdir right && cp masks/0-long.png right/long.png && cp masks/1-one.png right/one.png
    # width and height of a PNG lie at byte 16: the masks are of the images' own sizes
    [ "$(od -An -tu1 -j16 -N8 right/long.png | tr -s ' ')" = " 0 0 78 32 0 0 0 20" ]
    exits 0 "$CLIPSPAN" segment "$model" odd --classes red,green --masks right --json && json images 2
    cp right/one.png right/long.png
    exits 3 "$CLIPSPAN" segment "$model" odd --classes red,green --masks right --json && says "is a mask of 1 x 1 pixels for an image of 20000 x 20"
}

@test "arguments that do not go together" {
    exits 2 "$CLIPSPAN" segment "$model" pics --classes red,green && says "--masks"
    exits 2 "$CLIPSPAN" segment "$model" pics --masks right && says "no classes"
    exits 2 "$CLIPSPAN" segment "$model" pics --class red --class " " -o m && says "has no tokens"
    exits 2 "$CLIPSPAN" segment "$model" pics --classes red,green --heads L0.MLP -o m && says "no head \"L0.MLP\""
    exits 2 "$CLIPSPAN" segment "$model" pics --classes red,green --target x -o m && says "one of them"
    exits 2 "$CLIPSPAN" segment "$model" pics --classes red,green --contrast pairs -o m && says "pairs"
    exits 2 "$CLIPSPAN" segment "$model" pics --classes red,green -o m --mask-value 3 && says "--masks"
    exits 2 "$CLIPSPAN" segment "$model" pics --classes red,green -o m --attention-back 9 && says "layer"
    exits 2 "$CLIPSPAN" segment "$model" - --classes red,green --masks mask <<<"pics/red/1.png" && says "CSV"
    exits 4 "$CLIPSPAN" segment "$GOLDEN/image-no-ln-pre" pics --classes red,green -o m && says "no text encoder"
    exits 0 "$CLIPSPAN" segment "$model" pics --classes red,green -o m -n --json && json dry_run true
    [ ! -e m ]
}

@test "an interruption says that the masks stay" {
    yes pics/red/1.png | head -n 200000 >list
    env --default-signal=TERM "$CLIPSPAN" segment "$model" - --classes red,green -o seen --progress none <list >.out 2>.err &
    pid=$!
    for _ in $(seq 400); do
        [ -n "$(find seen -name '[0-9]*.png' -print -quit 2>/dev/null)" ] && break
        sleep 0.05
    done
    sleep 0.2
    kill -s TERM $pid
    status=0
    wait $pid || status=$?
    errors=$(cat .err)
    [ "$status" = 143 ]
    says "the files that were finished stay"
    [ ! -e seen/rows.csv ]
}

@test "all classes in one mask" {
    exits 0 "$CLIPSPAN" segment "$model" pics --classes red,green,blue -o all --multi --json
    json images 3
    mkdir right && cp all/0-1.png right/1.png
    # some class is somewhere, and its numbers are numbers of classes
    exits 0 "$CLIPSPAN" segment "$model" pics/blue/1.png --classes red,green,blue --masks right --json
    awk -v a="$("$JSON_AT" scores.0.iou_foreground <.out)" 'BEGIN { exit !(a > 0) }'
    exits 0 "$CLIPSPAN" segment "$model" pics/blue/1.png --classes red,green,blue --masks right --mask-value 255 --json
    json scores.0.iou_foreground 0
    exits 2 "$CLIPSPAN" segment "$model" pics --classes red,green --multi --masks all && says "--multi"
    exits 2 "$CLIPSPAN" segment "$model" pics --target "x" --multi -o m && says "--multi"
}

@test "any number of threads gives the same figures" {
    masks
    exits 0 "$CLIPSPAN" segment "$model" list.csv --classes red,green,blue --masks mask --json -j 1 && cp .out one
    exits 0 "$CLIPSPAN" segment "$model" list.csv --classes red,green,blue --masks mask --json -j 2 && cmp .out one
}

@test "a row a role of a run: the same figures as with those heads alone" {
    not_when_slow
    local demo=$BATS_TEST_DIRNAME/../../data/demo
    head -n 13 "$demo/test.csv" >few.csv
    exits 0 "$CLIPSPAN" scan demo "$demo/look.csv" -o run -q
    exits 4 "$CLIPSPAN" segment demo few.csv --root "$demo" --target "a {colour} {shape}" --masks mask --run run && says "clipspan roles"
    exits 0 "$CLIPSPAN" roles run --texts demo
    heads=$(awk -F '\t' '$7 == "role" && $8 == "colour" { printf "%s%s", found ? "," : "", $1; found = 1 }' .out)
    [ -n "$heads" ]
    segment=("$CLIPSPAN" segment demo few.csv --root "$demo" --target "a {colour} {shape}" --masks mask)
    exits 0 "${segment[@]}" --heads "$heads" --method clipspan --json && cp .out heads
    exits 0 "${segment[@]}" --run run --role colour --method clipspan --json && cp .out role
    exits 0 "${segment[@]}" --run run --method clipspan --json && cp .out rows
    json scores.0.method clipspan
    at=4
    while [ "$("$JSON_AT" scores.$at.method <rows)" != role:colour ]; do at=$((at + 4)); done
    for i in 0 1 2 3; do
        for figure in protocol threshold accuracy miou iou_background iou_foreground map pointing; do
            wanted=$("$JSON_AT" scores.$i.$figure <heads)
            [ "$("$JSON_AT" scores.$i.$figure <role)" = "$wanted" ]
            [ "$("$JSON_AT" scores.$((at + i)).$figure <rows)" = "$wanted" ]
        done
    done
    exits 0 "${segment[@]}" --run run && shows role:shape
    exits 2 "${segment[@]}" --run run --role color && says "did you mean colour?"
    exits 2 "${segment[@]}" --run run --role colour --heads L3.H0 && says "give one of them"
    exits 2 "${segment[@]}" --run run --method value && says "no heads"
    exits 2 "${segment[@]}" --role colour && says "--run RUN"
    exits 2 "$CLIPSPAN" segment demo few.csv --root "$demo" --target "{colour}" --run run -o out && says "--role"
    exits 4 "$CLIPSPAN" segment "$model" few.csv --root "$demo" --target "{colour}" --masks mask --run run
    exits 4 "${segment[@]}" --run nowhere
}
