# SPDX-License-Identifier: MIT
# clipspan edit
load helper

scan_images() {
    for c in red green blue; do cp pics/$c/1.png pics/$c/2.png; done
    exits 0 "$CLIPSPAN" scan "$model" pics --labels folder -o run "$@"
}

@test "an edited checkpoint is a checkpoint, and its output is that of mean-ablated heads" {
    scan_images
    exits 0 "$CLIPSPAN" edit "$model" run --heads L0.H2,L1.H0 -o edited --json
    silent
    json schema clipspan.edit.v1
    json images 6
    json compared 6
    json sets.# 2
    json sets.0.set "all chosen"
    json sets.0.heads.0 L0.H2
    json sets.0.last_layer false
    json sets.1.set "of the last layer"
    json sets.1.heads.# 1
    json sets.1.last_layer true
    [ "$(ls edited | tr '\n' ' ')" = "clipspan_edit.json merges.txt open_clip_config.json open_clip_model.safetensors " ]
    cmp edited/open_clip_config.json "$model/open_clip_config.json"
    cmp edited/merges.txt "$model/merges.txt"
    exits 0 "$CLIPSPAN" info edited
    exits 0 "$CLIPSPAN" embed edited pics -o edited.npy
    exits 0 "$CLIPSPAN" embed "$model" pics -o plain.npy
    if cmp -s edited.npy plain.npy; then exit 1; fi
    exits 0 "$CLIPSPAN" scan edited pics -o run2
}

@test "both layouts, shards and a bare file are written as they were" {
    model=$GOLDEN/hf-quick-sharded scan_images
    exits 0 "$CLIPSPAN" edit "$GOLDEN/hf-quick-sharded" run --heads L1.H0 -o hf --json
    [ "$(cd hf && ls ./*.safetensors ./*.index.json | tr '\n' ' ')" = \
        "./model-00001-of-00002.safetensors ./model-00002-of-00002.safetensors ./model.safetensors.index.json " ]
    [ -f hf/preprocessor_config.json ] && [ -f hf/config.json ] && [ -f hf/vocab.json ] || exit 1
    exits 0 "$CLIPSPAN" info hf
    cp "$model/open_clip_model.safetensors" bare.safetensors
    cp "$model/merges.txt" .
    cp "$model/open_clip_config.json" bare.json
    exits 0 "$CLIPSPAN" scan bare.safetensors pics -o run3
    exits 0 "$CLIPSPAN" edit bare.safetensors run3 --heads L1.H0 -o file --json
    [ -f file/bare.safetensors ] && [ -f file/open_clip_config.json ] || exit 1
    exits 0 "$CLIPSPAN" info file
}

@test "accuracy before, predicted and real, of the run's labels or of other images'" {
    scan_images
    exits 0 "$CLIPSPAN" edit "$model" run --heads L1.H0,L1.H2 --each --classes red,green,blue --templates none -o a --json
    json labelled 6
    json sets.# 3
    json sets.1.set L1.H0
    shows '"before":'
    shows '"predicted":'
    exits 0 "$CLIPSPAN" edit "$model" run pics/red pics/blue --labels folder --heads L1.H0 --classes red,green,blue \
        --templates none -o b --json
    json images 4
    json labelled 4
    exits 0 "$CLIPSPAN" edit "$model" run --heads L1.H0 --classes red,green,blue --templates none --images 3 -o c --tsv
    [ "$(head -1 .out | cut -f1,11)" = "$(printf 'set\treal')" ]
    exits 0 "$CLIPSPAN" edit "$model" run --heads L1.H0 --classes red,green,blue --templates none -o d --table
    shows "accuracy on 6 images with a label"
    shows "layout kept"
    exits 2 "$CLIPSPAN" edit "$model" run --heads L1.H0 --classes red,green --templates none -o e
    says 'its label "blue" is none of the classes'
    [ ! -e e ]
}

@test "only what was made in this way is replaced" {
    scan_images
    exits 0 "$CLIPSPAN" edit "$model" run --heads L1.H0 -o out --dry-run
    shows "would write out with 1 head mean-ablated: L1.H0"
    exits 0 "$CLIPSPAN" edit "$model" run --heads L1.H0 -o out --dry-run --json
    json schema clipspan.edit.v1
    json dry_run true
    [ ! -e out ]
    mkdir out
    exits 0 "$CLIPSPAN" edit "$model" run --heads L1.H0 -o out
    exits 6 "$CLIPSPAN" edit "$model" run --heads L1.H1 -o out
    says "use --force to overwrite"
    exits 0 "$CLIPSPAN" edit "$model" run --heads L1.H1 -o out/ --force
    grep -q L1.H1 out/clipspan_edit.json
    exits 6 "$CLIPSPAN" edit "$model" run --heads L1.H1 -o pics --force
    says "never replaced"
    exits 6 "$CLIPSPAN" edit "$model" run --heads L1.H1 -o pics/red/1.png --force
    says "is a file"
    [ "$(ls -A | grep -c part)" = 0 ]
}

@test "what edit refuses" {
    scan_images
    exits 2 "$CLIPSPAN" edit "$model" run -o out
    says "no head is chosen"
    exits 2 "$CLIPSPAN" edit "$model" run --heads "" -o out
    says "empty"
    exits 2 "$CLIPSPAN" edit "$model" run --heads L9.H0 -o out
    says "did you mean L1.H0?"
    exits 2 "$CLIPSPAN" edit "$model" run --heads L1.MLP -o out
    says "found L1.MLP, which has no output projection"
    exits 2 "$CLIPSPAN" edit "$model" run --heads L1.H0
    says "which folder gets the checkpoint"
    exits 4 "$CLIPSPAN" edit "$model" run --role colour -o out
    says "have no roles yet"
    exits 2 "$CLIPSPAN" edit "$model" run --heads L1.H0 --labels folder -o out
    says "--labels is for images that are named behind RUN"
    exits 4 "$CLIPSPAN" edit "$GOLDEN/openclip-wide" run --heads L1.H0 -o out
    says "other"
    exits 4 "$CLIPSPAN" edit "$model" nothing --heads L1.H0 -o out
    exits 0 "$CLIPSPAN" scan "$model" pics --coefficients none -o bare
    exits 4 "$CLIPSPAN" edit "$model" bare --heads L1.H0 -o out
    says "keeps no coefficients of its images"
    [ ! -e out ]
}

@test "all heads of everything may be mean-ablated, and skipped images are counted" {
    scan_images
    cp pics/red/1.png gone.png
    exits 0 "$CLIPSPAN" edit "$model" run --heads '*.*' -o out --json
    json sets.0.heads.# 6
    rm pics/green/2.png
    exits 3 "$CLIPSPAN" edit "$model" run --heads L0.H1 -o out2 --json
    json skipped 1
    json images 5
    exits 3 "$CLIPSPAN" edit "$model" run --heads L0.H1 -o out4 --classes red,green,blue --templates none --table
    shows "accuracy on 5 images with a label"
    shows "1 image could not be read and is left out of every figure"
    rm -r pics
    exits 4 "$CLIPSPAN" edit "$model" run --heads L0.H1 -o out3 --json
    says "no image of 6 could be used"
}

@test "images are read as the run's were: turned by EXIF, or not" {
    mkdir turned
    for name in 420 422 progressive; do # orientation 6: a quarter turn
        data=$GOLDEN/../image/data/$name.jpg
        {
            head -c 2 "$data"
            printf '\377\341\0\042Exif\0\0MM\0*\0\0\0\010\0\1\1\022\0\3\0\0\0\1\0\6\0\0\0\0\0\0'
            tail -c +3 "$data"
        } >turned/$name.jpg
    done
    exits 0 "$CLIPSPAN" scan "$model" turned -o upright --exif-orient
    exits 0 "$CLIPSPAN" scan "$model" turned -o plain
    for run in upright plain; do
        for command in edit prune; do
            exits 0 "$CLIPSPAN" $command "$model" $run --heads L1.H0 -o $command-$run --json
            json images 3
            json compared 3
            # The prediction is of the images that the run has: in the last layer it is near.
            awk -v d="$("$JSON_AT" sets.0.distance_mean <.out)" -v m="$("$JSON_AT" sets.0.moved_mean <.out)" \
                'BEGIN { exit !(d < m) }'
        done
        "$JSON_AT" sets.0.moved_mean <.out >$run.moved
    done
    run ! cmp -s upright.moved plain.moved
    exits 2 "$CLIPSPAN" edit "$model" upright --heads L1.H0 --exif-orient -o none
    says "--exif-orient is not an option of edit"
}

@test "what shortcut recommends is written, and the network does what was predicted" {
    not_when_slow
    birds=(--classes demo/bird --templates demo/bird.templates)
    exits 0 "$CLIPSPAN" scan demo demo/look.csv -o look
    exits 0 "$CLIPSPAN" scan demo demo/test.csv --labels bird --groups bird,background -o test
    exits 0 "$CLIPSPAN" shortcut test --mean look "${birds[@]}" --cue "water;grass" --json
    json pairs.0.decision.verdict remedy
    cp .out remedy.json
    exits 0 "$CLIPSPAN" edit demo look demo/test.csv --remedy remedy.json -o fixed "${birds[@]}" --labels bird --json
    json sets.0.set recommended
    # Folded into the projection matrix: exact but for rounding. What was right before moves, and by as much as predicted.
    awk -v d="$("$JSON_AT" sets.0.distance_largest <.out)" -v m="$("$JSON_AT" sets.0.moved_mean <.out)" \
        'BEGIN { exit !(d < 1e-5 && m > 0.1) }' || { cat .out && false; }
    real=$("$JSON_AT" sets.0.real <.out)
    json sets.0.predicted "$real"
    awk -v b="$("$JSON_AT" before <.out)" -v a="$real" 'BEGIN { exit !(a > b + 0.1) }' || { cat .out && false; }
    exits 4 "$CLIPSPAN" edit demo look --remedy .err -o other
}

@test "a link as --output is refused before any work" {
    mkdir real && ln -s real link
    exits 6 "$CLIPSPAN" edit "$model" /no/such/run --heads L1.H0 -o link
    says "link: is a symbolic link"
}
