# SPDX-License-Identifier: MIT
# Images that are away for a moment, and skipped ones tried again. FLAKY is a library to preload (flaky.c); builds with
# sanitizers, which want to be loaded first, have none.
load helper

images() { yes "$(printf 'pics/red/1.png\npics/green/1.png\npics/blue/1.png')" | head -n "$1"; }

state() { (cd "$1" && find segments output_maps.safetensors statistics.safetensors -type f | sort | xargs sha256sum | sha256sum); }

# away CALL ERRNO TIMES COMMAND...: the first TIMES calls on green/1.png fail
away() {
    local call=$1 code=$2 times=$3
    shift 3
    env LD_PRELOAD="$FLAKY" FLAKY_PATH=green/1.png FLAKY_CALL="$call" FLAKY_ERRNO="$code" FLAKY_TIMES="$times" "$@"
}

@test "Q39 an image away for a moment (EIO, EMFILE, ENFILE, ENOMEM, ESTALE) is waited for, not skipped" {
    [ -n "$FLAKY" ] || skip
    exits 0 "$CLIPSPAN" scan "$model" pics -o clean
    # errno.h: EIO 5, EAGAIN 11, ENOMEM 12, ENFILE 23, EMFILE 24, ENOTCONN 107, ESTALE 116
    for kind in "open 5" "read 5" "open 24" "open 23" "open 12" "read 12" "open 116" "read 116" "open 11" "open 107"; do
        set -- $kind
        rm -rf run
        exits 0 away "$1" "$2" 1 "$CLIPSPAN" scan "$model" pics -o run -j 2 --json
        json skipped 0
        json used 3
        says "1 read failed for a moment and was tried again"
        [ "$(state run)" = "$(state clean)" ]
    done
}

@test "Q39 an image that stays away stops the scan with what was done kept, and the same call goes on" {
    [ -n "$FLAKY" ] || skip
    images 100 >list
    exits 0 "$CLIPSPAN" scan "$model" - -o clean <list
    exits 4 away open 5 1000 "$CLIPSPAN" scan "$model" - -o run --retries 0 -j 1 <list
    says "green/1.png: cannot be opened: Input/output error. The image is not skipped"
    says "the same call goes on from here"
    exits 7 away open 12 1000 "$CLIPSPAN" scan "$model" - -o run --retries 1 -j 1 <list
    says "also after 1 more attempt"
    exits 4 away read 116 1000 "$CLIPSPAN" scan "$model" - -o run --retries 0 -j 2 <list
    exits 0 "$CLIPSPAN" scan "$model" - -o run --json <list
    json skipped 0
    [ "$(state run)" = "$(state clean)" ]
}

@test "an image that may not be read, is missing or damaged is skipped at once, as before" {
    exits 2 "$CLIPSPAN" scan "$model" pics -o run --retries x && says "expected an integer from 0 to 1000"
    printf 'pics/red/1.png\npics/none.png\npics/short.png\n' >list
    head -c 60 pics/green/1.png >pics/short.png
    exits 3 "$CLIPSPAN" scan "$model" - -o run --json <list
    json skipped 2
    json used 1
}

@test "scan --retry-skipped does skipped images again, and gives the bytes of a clean scan" {
    images 200 >list
    for option in "" "--coefficients f16" "--coefficients none" "--layers 0-0"; do
        rm -rf clean run
        # shellcheck disable=SC2086 # words
        exits 0 "$CLIPSPAN" scan "$model" - -o clean $option <list
        mv pics/green/1.png kept.png
        head -c 60 kept.png >pics/green/1.png
        # shellcheck disable=SC2086
        exits 3 "$CLIPSPAN" scan "$model" - -o run --json $option <list
        json skipped 67
        cp kept.png pics/green/1.png
        exits 3 "$CLIPSPAN" scan run --json && json skipped 67
        exits 2 "$CLIPSPAN" scan run --retry-skipped --shard 1/2 && says "does not apply to a shard"
        exits 0 "$CLIPSPAN" scan run --retry-skipped --json
        json skipped 0
        json used 200
        says "67 skipped images were tried again"
        [ "$(state run)" = "$(state clean)" ]
        exits 0 "$CLIPSPAN" scan run --retry-skipped && says "0 skipped images were tried again"
        [ "$(state run)" = "$(state clean)" ]
    done
}

@test "scan --retry-skipped reads only the chunks that hold skipped images" {
    images 320 >list
    printf 'pics/other.png\n' >>list
    exits 3 "$CLIPSPAN" scan "$model" - -o run --json <list && json skipped 1
    exits 3 "$CLIPSPAN" scan run --retry-skipped --json && json skipped 1
    cp pics/red/1.png pics/other.png
    rm -r pics/green pics/blue # of other chunks no image is read again; in its chunk these are now skipped
    exits 3 "$CLIPSPAN" scan run --retry-skipped --json
    json call.chunks 11
    json call.chunks_before 10
    json images 321
}

@test "scan --retry-skipped killed at twenty points, then the same bytes" {
    images 700 >list
    exits 0 "$CLIPSPAN" scan "$model" - -o clean -q <list
    mv pics/green/1.png kept.png
    exits 3 "$CLIPSPAN" scan "$model" - -o run -q <list
    mv kept.png pics/green/1.png
    RANDOM=11
    for _ in $(seq 20); do
        "$CLIPSPAN" scan run --retry-skipped -q >/dev/null 2>&1 &
        pid=$!
        sleep "0.0$((RANDOM % 90 + 10))"
        kill -KILL $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
    done
    exits 0 "$CLIPSPAN" scan run --retry-skipped -q
    [ "$(state run)" = "$(state clean)" ]
    [ -z "$(find run -name '*.part')" ]
}

@test "a part of a run that is away for a moment is not taken for lost" {
    [ -n "$FLAKY" ] || skip
    local part
    images 100 >list
    exits 0 "$CLIPSPAN" scan "$model" - -o clean <list
    for part in /nodes/ /packs/; do
        rm -rf run
        exits 0 "$CLIPSPAN" plan "$model" - -o run <list
        exits 0 "$CLIPSPAN" scan run --shard 1/1
        exits 4 env LD_PRELOAD="$FLAKY" FLAKY_PATH=$part FLAKY_CALL=read FLAKY_ERRNO=5 FLAKY_TIMES=100 "$CLIPSPAN" merge run
        says "Input/output error"
        exits 0 "$CLIPSPAN" merge run
        [ "$(state run)" = "$(state clean)" ]
    done
}
