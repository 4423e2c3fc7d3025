# SPDX-License-Identifier: MIT
# clipspan extend: more images for a run
load helper

setup_more() { # three images more, of two folders
    mkdir -p more/red more/blue
    png red >more/red/2.png
    png red >more/red/3.png
    png blue >more/blue/2.png
}

@test "images are added, scanned alone, and taken by atlas and report" {
    setup_more
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --labels folder
    exits 0 "$CLIPSPAN" roles run --texts demo
    ls run/results/atlas-*.json
    exits 0 "$CLIPSPAN" extend run more --labels folder --json
    json schema clipspan.extend.v1
    json added 3
    json duplicates 0
    json chunks 1
    json images 6
    json lists 2
    silent
    [ -z "$(ls run/results | grep json)" ] # they spoke of other images
    exits 4 "$CLIPSPAN" roles run --texts demo && says "not merged yet"
    exits 4 "$CLIPSPAN" merge run && says "1 of 2 chunks is not scanned: 1"
    exits 0 "$CLIPSPAN" scan run --json
    json call.images 3
    json images 6
    json used 6
    exits 0 "$CLIPSPAN" roles run --texts demo --json
    json images 6
    exits 0 "$CLIPSPAN" report run -o page.html --force --json
    [ "$("$JSON_AT" images <.out)" -ge 1 ]
    exits 0 "$CLIPSPAN" search run --like more/red/2.png --json
    grep -q 'more/blue/2.png' .out
}

@test "shards and merge do what one scan does" {
    setup_more
    for run in one many; do
        exits 0 "$CLIPSPAN" scan "$model" pics -o $run
        exits 0 "$CLIPSPAN" extend $run more --table
        shows "$run: 3 images more in 1 chunk; 6 images of 2 lists in all"
        shows "  clipspan scan $run"
    done
    exits 0 "$CLIPSPAN" scan one
    for i in 2 1; do exits 0 "$CLIPSPAN" scan many --shard $i/2; done
    exits 0 "$CLIPSPAN" merge many
    cmp one/statistics.safetensors many/statistics.safetensors
    diff -r one/segments many/segments
}

@test "what does not fit the run is refused, and changes nothing" {
    setup_more
    exits 0 "$CLIPSPAN" plan "$model" pics -o run
    exits 4 "$CLIPSPAN" extend run more && says "not merged yet"
    exits 4 "$CLIPSPAN" extend run more -n && says "not merged yet"
    exits 0 "$CLIPSPAN" scan run
    before=$(sha256sum run/index.sqlite)
    exits 6 "$CLIPSPAN" extend run pics && says "has this list already, as number 1 of 1; nothing was added"
    exits 4 "$CLIPSPAN" extend run more --model "$GOLDEN/openclip-wide" && says "model.sha256"
    exits 0 "$CLIPSPAN" extend run more -n --json
    json dry_run true
    json duplicates null
    json images 6
    exits 0 "$CLIPSPAN" extend run more -n --table && shows "would add to run: 3 images more in 1 chunk"
    exits 2 "$CLIPSPAN" extend run && says "INPUT"
    exits 4 "$CLIPSPAN" extend none more
    exits 2 "$CLIPSPAN" extend run more --max-pixels 9 && says "max-pixels"
    [ "$(sha256sum run/index.sqlite)" = "$before" ]
    exits 0 "$CLIPSPAN" extend run more
    exits 6 "$CLIPSPAN" extend run more && says "It is still to be scanned: clipspan scan RUN"
}

@test "images that the run has count again, and labels that are missing are noted" {
    setup_more
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --labels folder
    exits 0 "$CLIPSPAN" extend run more pics/red/1.png --json
    json added 4
    json duplicates 1
    says "run has labels, these images have none: --labels says where they are"
}
