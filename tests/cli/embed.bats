# SPDX-License-Identifier: MIT
# clipspan embed
load helper

# rows FILE.npy: the first number of the shape in its header
rows() { head -c 128 "$1" | tr -d '\0' | LC_ALL=C sed -nE "s/.*'shape': \(([0-9]+),.*/\1/p"; }

@test "images: a row each in list order, and a table of what each row is" {
    exits 0 "$CLIPSPAN" embed "$model" pics -o a.npy --json && silent
    json schema clipspan.embed.v1
    json shape "[3,20]"
    json skipped 0
    [ "$(rows a.npy)" = 3 ]
    [ "$(head -c 6 a.npy | tail -c 5)" = NUMPY ]
    [ "$(sed -n 1p a.rows.csv)" = "row,path,label,group,status,error" ]
    [ "$(sed -n 2p a.rows.csv)" = "0,pics/blue/1.png,,,ok," ]
    [ "$(sed -n 4p a.rows.csv)" = "2,pics/red/1.png,,,ok," ]
}

@test "a corrupt image is skipped, counted and listed, exit 3; it has no row" {
    head -c 60 pics/green/1.png >pics/green/cut.png
    echo "words" >pics/green/text.jpg
    exits 3 "$CLIPSPAN" embed "$model" pics -o a.npy --json
    json shape "[3,20]"
    json skipped 2
    says "skipped: pics/green/cut.png"
    says "text.jpg: is a text file"
    grep -q '^,pics/green/cut.png,,,skipped,' a.rows.csv
    [ "$(tail -n 1 a.rows.csv | cut -d , -f 1)" = 2 ]
    cp a.npy first.npy
    rm pics/green/cut.png pics/green/text.jpg
    exits 0 "$CLIPSPAN" embed "$model" pics -o b.npy
    cmp first.npy b.npy
}

@test "of many skipped images the first twenty are named and the rest counted" {
    for i in $(seq 10 39); do echo x >pics/red/$i.jpg; done
    exits 3 "$CLIPSPAN" embed "$model" pics -o a.npy
    [ "$(grep -c 'skipped: pics' .err)" = 20 ]
    says "skipped: 10 more, 30 of 33 in all"
}

@test "no usable image at all: exit 4, nothing is left behind" {
    echo x >a.jpg
    exits 4 "$CLIPSPAN" embed "$model" a.jpg -o a.npy && says "no usable image"
    nothing_left
}

@test "an empty folder and an empty list are errors, exit 4" {
    mkdir none
    exits 4 "$CLIPSPAN" embed "$model" none -o a.npy && says "holds no image"
    exits 4 "$CLIPSPAN" embed "$model" - -o a.npy </dev/null && says "standard input"
    nothing_left
}

@test "a wrong path is an error before anything is written" {
    exits 4 "$CLIPSPAN" embed "$model" pics nowhere.jpg -o a.npy && says "nowhere.jpg: no such"
    exits 4 "$CLIPSPAN" embed pics pics -o a.npy && says "is no model"
    exits 2 "$CLIPSPAN" embed "$model" -o a.npy && says "nothing to embed"
    exits 2 "$CLIPSPAN" embed "$model" pics && says "-o FILE.npy"
    exits 2 "$CLIPSPAN" embed "$model" pics -o a.txt && says ".npy"
    nothing_left
}

@test "nothing is overwritten without --force, exit 6" {
    echo mine >a.npy
    exits 6 "$CLIPSPAN" embed "$model" pics -o a.npy && says "--force"
    [ "$(cat a.npy)" = mine ]
    exits 0 "$CLIPSPAN" embed "$model" pics -o a.npy -f
    [ "$(rows a.npy)" = 3 ]
    echo mine >b.rows.csv
    exits 6 "$CLIPSPAN" embed "$model" pics -o b.npy && says "b.rows.csv"
    [ ! -e b.npy ]
}

@test "an input is never written over, even with --force" {
    printf 'path\npics/red/1.png\n' >list.rows.csv
    exits 2 "$CLIPSPAN" embed "$model" list.rows.csv -o list.npy -f && says "read as input"
    [ "$(wc -l <list.rows.csv)" = 2 ]
}

@test "an output in a folder that is not there is an error, exit 6" {
    exits 6 "$CLIPSPAN" embed "$model" pics -o none/a.npy && says "folder"
}

@test "lists on standard input: lines, NUL-separated, with a root" {
    exits 0 "$CLIPSPAN" embed "$model" pics -o a.npy
    find pics -name '*.png' | sort | exits 0 "$CLIPSPAN" embed "$model" - -o b.npy
    cmp a.npy b.npy
    find pics -name '*.png' -print0 | sort -z | exits 0 "$CLIPSPAN" embed "$model" -0 -o c.npy
    cmp a.npy c.npy
    (cd pics && find . -name '*.png' | sort) | exits 0 "$CLIPSPAN" embed "$model" - --root pics -o d.npy
    cmp a.npy d.npy
}

@test "a CSV brings labels and groups; duplicates are kept and reported" {
    printf 'path,kind,place\nred/1.png,warm,"a,b"\nblue/1.png,cold,c\nred/1.png,warm,c\n' >pics/list.csv
    exits 0 "$CLIPSPAN" embed "$model" pics/list.csv --labels kind --groups kind,place -o a.npy --json
    json duplicates 1
    says "of 3 images, 1 was listed before"
    [ "$(sed -n 2p a.rows.csv)" = '0,pics/red/1.png,warm,"warm/a,b",ok,' ]
    exits 2 "$CLIPSPAN" embed "$model" pics/list.csv --labels knid -o b.npy && says "did you mean kind?"
}

@test "the same bytes for 1, 2, 3 and 7 threads, and alone as among others" {
    exits 0 "$CLIPSPAN" embed "$model" pics -o 1.npy -j 1 --single no
    for threads in 2 3 7; do
        exits 0 "$CLIPSPAN" embed "$model" pics -o $threads.npy -j $threads
        cmp 1.npy $threads.npy
    done
    exits 0 "$CLIPSPAN" embed "$model" pics/blue/1.png -o lone.npy --single no
    cmp <(tail -c 80 lone.npy) <(tail -c +129 1.npy | head -c 80)
}

@test "--raw is not normalised" {
    exits 0 "$CLIPSPAN" embed "$model" pics -o unit.npy --json && json unit_vectors true
    exits 0 "$CLIPSPAN" embed "$model" pics -o raw.npy --raw --json && json unit_vectors false
    run ! cmp -s unit.npy raw.npy
}

@test "texts: from options, a file and standard input, the same bytes" {
    printf 'animal\ta dog\n\n\xef\xbf\xbd a cat\r\n' >texts.txt
    exits 0 "$CLIPSPAN" embed "$model" --texts texts.txt -o a.npy --json && json kind texts
    [ "$(sed -n 1p a.rows.csv)" = "row,key,text" ]
    [ "$(sed -n 2p a.rows.csv)" = "0,animal,a dog" ]
    exits 0 "$CLIPSPAN" embed "$model" --texts - -o b.npy <texts.txt
    cmp a.npy b.npy
    cmp a.rows.csv b.rows.csv
    exits 0 "$CLIPSPAN" embed "$model" --text "a dog" --text "$(printf '\xef\xbf\xbd a cat')" -o c.npy
    cmp a.npy c.npy
}

@test "a text that is too long is cut and said so" {
    exits 0 "$CLIPSPAN" embed "$model" --text "$(seq 100 | tr '\n' ' ')" -o a.npy --json
    json cut 1
    says "cut: "
}

@test "texts and images exclude each other" {
    exits 2 "$CLIPSPAN" embed "$model" pics --text a -o a.npy && says "exclude"
    exits 2 "$CLIPSPAN" embed "$model" --text a --texts b -o a.npy && says "exclude"
    exits 4 "$CLIPSPAN" embed "$model" --texts nowhere.txt -o a.npy && says nowhere.txt
    nothing_left
}

@test "a checkpoint without text encoder embeds images and refuses texts" {
    exits 0 "$CLIPSPAN" embed "$GOLDEN/image-no-ln-pre" pics -o a.npy
    rm a.npy a.rows.csv
    exits 4 "$CLIPSPAN" embed "$GOLDEN/image-no-ln-pre" --text a -o a.npy && says "no text encoder"
    nothing_left
}

@test "--dry-run checks and counts but writes nothing" {
    exits 0 "$CLIPSPAN" embed "$model" pics -o a.npy -n --json
    json dry_run true
    json shape "[3,20]"
    nothing_left
}

@test "-v says how long stages take, -q says nothing even of what is skipped" {
    echo x >pics/red/bad.jpg
    exits 3 "$CLIPSPAN" embed "$model" pics -o a.npy -v
    says "image encoder read and packed"
    exits 3 "$CLIPSPAN" embed "$model" pics -o b.npy -q
    silent
}

@test "the first Ctrl-C ends with 130, SIGTERM with 143, and nothing is left behind" {
    yes pics/red/1.png | head -n 600000 >list
    # A shell without job control starts background jobs with SIGINT ignored, so it is set right here.
    for signal in INT TERM; do
        env --default-signal=INT,TERM "$CLIPSPAN" embed "$model" - -o a.npy --progress none <list >.out 2>.err &
        pid=$!
        for _ in $(seq 400); do
            [ -n "$(find . -name '.a.npy*.part' -print)" ] && break
            sleep 0.05
        done
        kill -s $signal $pid
        status=0
        wait $pid || status=$?
        errors=$(cat .err)
        case $signal in
        INT) [ "$status" = 130 ] || { echo "INT: $status $errors" && false; } ;;
        TERM) [ "$status" = 143 ] || { echo "TERM: $status $errors" && false; } ;;
        esac
        says "interrupted; nothing was written"
        nothing_left
    done
}

@test "--progress json writes objects to standard error" {
    yes pics/red/1.png | head -n 30000 >list
    "$CLIPSPAN" embed "$model" - -o a.npy --progress json <list >.out 2>.err
    grep '^{' .err >lines || skip "done within a second"
    while read -r line; do
        [ "$(printf '%s' "$line" | "$JSON_AT" schema)" = clipspan.progress.v1 ]
    done <lines
}

@test "a disk that is full leaves nothing behind, exit 6" {
    [ -z "${TSAN_OPTIONS:-}" ] || skip "the thread sanitizer does not start under a limit on file sizes"
    yes pics/red/1.png | head -n 3000 >list
    run -6 bash -c 'ulimit -f 64; exec "$0" embed "$1" - -o a.npy --progress none -q <list' \
        "$CLIPSPAN" "$model"
    [[ $output == *"cannot be written"* ]]
    nothing_left
}

@test "one is singular" {
    exits 0 "$CLIPSPAN" embed "$model" pics/red -o a.npy --table && shows ": 1 image "
    exits 0 "$CLIPSPAN" embed "$model" --text a -o b.npy --table && shows ": 1 text "
    exits 0 "$CLIPSPAN" embed "$model" pics -o c.npy --table && shows ": 3 images "
}

@test "images of a CSV that are all missing: the message names --root" {
    mkdir elsewhere
    printf 'path\nred/1.png\n' >elsewhere/list.csv
    exits 4 "$CLIPSPAN" embed "$model" elsewhere/list.csv -o a.npy && says "--root says where"
    exits 0 "$CLIPSPAN" embed "$model" elsewhere/list.csv --root pics -o a.npy
}

@test "a folder in the output's place is an error before anything is computed, even with --force" {
    mkdir a.npy
    exits 6 "$CLIPSPAN" embed "$model" pics -o a.npy -f -n && says "is a folder"
}

@test "an image that memory does not reach for is named when it is skipped" {
    [ -z "${TSAN_OPTIONS:-}${ASAN_OPTIONS:-}" ] || skip "sanitizers do not start under a limit of memory"
    # 12,000 x 12,000 pixels by its header, and enough bytes to be believed.
    {
        printf '\211PNG\r\n\032\n\0\0\0\015IHDR\0\0\056\340\0\0\056\340\010\2\0\0\0\336\047\033\246'
        printf '\0\010\0\0IDAT'
        head -c 524292 /dev/zero
        printf '\0\0\0\0IEND\256B\140\202'
    } >pics/red/big.png
    run -3 bash -c 'ulimit -v 400000; exec "$0" embed "$1" pics -o a.npy -j 1 --max-pixels 200000000' "$CLIPSPAN" "$model"
    [[ $output == *"skipped: pics/red/big.png: out of memory"* ]]
}
