# SPDX-License-Identifier: MIT
# clipspan prune, and models that have lost heads
load helper

scan_images() {
    for c in red green blue; do cp pics/$c/1.png pics/$c/2.png; done
    exits 0 "$CLIPSPAN" scan "$model" pics --labels folder -o run
}


@test "heads leave the checkpoint, which is smaller and says the same" {
    scan_images
    exits 0 "$CLIPSPAN" prune "$model" run --heads L0.H1,L1.H0 -o small --json
    silent
    json schema clipspan.prune.v1
    json order chosen
    json zero false
    json compared 6
    json heads_of_all 6
    json sets.# 1
    [ "$(wc -c <small/open_clip_model.safetensors)" -lt "$(wc -c <"$model/open_clip_model.safetensors")" ]
    exits 0 "$CLIPSPAN" edit "$model" run --heads L0.H1,L1.H0 -o quiet
    exits 0 "$CLIPSPAN" embed small pics -o small.npy
    exits 0 "$CLIPSPAN" embed quiet pics -o quiet.npy
    exits 0 "$CLIPSPAN" info small --json
    json image.heads 3
    json image.heads_left 4
    exits 0 "$CLIPSPAN" info small --table
    shows "4 of the image encoder's 6 heads are left"
    exits 0 "$CLIPSPAN" prune "$model" run --heads L0.H1,L1.H0 --zero -o zero --json
    json zero true
    cmp zero/open_clip_model.safetensors quiet/open_clip_model.safetensors
    # again: what is left can go too, what is gone cannot
    exits 0 "$CLIPSPAN" scan small pics -o run2 --verify-sum
    exits 0 "$CLIPSPAN" prune small run2 --heads L0.H2 -o smaller --json
    exits 0 "$CLIPSPAN" info smaller --json
    json image.heads_left 3
    exits 2 "$CLIPSPAN" prune small run2 --heads L0.H1 -o none
    says "has no head L0.H1 any more"
    # a fraction is one of the four that are left: half of them, and no layer loses its last one
    for by in direct network; do
        exits 0 "$CLIPSPAN" prune small run2 --fraction 0.5 --by $by -o half-$by --json -q
        json heads_of_all 4
        json sets.0.heads.# 2
        exits 0 "$CLIPSPAN" info half-$by --json
        json image.heads_left 2
    done
    exits 4 "$CLIPSPAN" embed small pics -o x.npy --config "$model/open_clip_config.json"
    says "expected"
}

@test "the curve: fractions of the heads, by direct effect or by the network" {
    scan_images
    for by in direct network path; do
        run_split "$CLIPSPAN" prune "$model" run --fraction 0.34 --by $by --classes red,green,blue --templates none -o $by --json -q
        [ "$status" = 0 ] || [ "$status" = 8 ]
        json order $by
        json sets.# 11
        json sets.0.set "34 % of the heads"
        json sets.0.heads.# 2
        json sets.10.heads.# 4
        shows '"predicted":'
        shows '"least":'
        json kept "$("$JSON_AT" sets.0.kept <.out)"
        if [ $by != direct ]; then
            json basis network
            json ranked_on 1
            json predicted_on 2
            json checked_on 3
            json labelled 5 # ranking has an image of its own
            json rounds.# 2
            silent
        else
            json basis "direct effects"
            json labelled 6
            says "warning: --by direct: direct effects predict that "
            [ "$(wc -l <.err)" = 1 ]
        fi
    done
    exits 0 "$CLIPSPAN" prune "$model" run --fraction 0.34 -o table --classes red,green,blue --templates none --table
    shows "34 % of the heads"
    shows "at least"
    shows "order: what moves the network's output least"
    shows "an image's pass takes a core"
    exits 0 "$CLIPSPAN" prune "$model" run --fraction 0.34 --by direct -o unclassed --table
    shows "least direct effect"
    shows "is not forecast"
    says "warning: --by direct: outputs move by "
    exits 0 "$CLIPSPAN" prune "$model" run --fraction 0.34 -o rows --tsv
    [ "$(wc -l <.out)" = 12 ]
    exits 0 "$CLIPSPAN" prune "$model" run --fraction 0.34 -o dry --dry-run
    shows "would write dry with 2 heads removed: those that the network misses least"
    exits 0 "$CLIPSPAN" prune "$model" run --fraction 0.34 --by direct -o dry --dry-run
    shows "would write dry with 2 heads removed: L"
    mkdir full && touch full/mine
    exits 6 "$CLIPSPAN" prune "$model" run --fraction 0.34 -o full --dry-run
    exits 0 "$CLIPSPAN" prune "$model" run --fraction 0.34 -o dry --dry-run --json
    json dry_run true
    json output dry
    [ ! -e dry ]
}

@test "a network that keeps less than was predicted is written, and the exit status says so" {
    not_when_slow
    # Direct effects of the demo's early heads foresee nothing of what their loss does to later ones.
    shapes=(--classes demo/shape --templates demo/shape.templates)
    exits 0 "$CLIPSPAN" scan demo demo/look.csv --labels shape --where kind=alike -o look
    images=(demo/test.csv --labels shape --where kind=alike)
    exits 8 "$CLIPSPAN" prune demo look "${images[@]}" "${shapes[@]}" --fraction 0.3 --by direct -o worse --json -q
    says "warning: --by direct: direct effects predict that 100 % of predictions stay, in the network "
    says "written, but worse than predicted: at least "
    [ "$(wc -l <.err)" = 2 ]
    [ -s worse/open_clip_model.safetensors ]
    json kept false
    json basis "direct effects"
    exits 0 "$CLIPSPAN" prune demo look "${images[@]}" "${shapes[@]}" --fraction 0.3 --rank-images 4 -o better --json -q
    json kept true
    exits 8 "$CLIPSPAN" prune demo look "${images[@]}" "${shapes[@]}" --fraction 0.3 --by direct -o worse --force --table -q
    shows "by direct effects on 100 images"
    "$CLIPSPAN" help --man | grep -q "worse than predicted"
}

@test "a model with pruned heads goes through every command" {
    scan_images
    exits 0 "$CLIPSPAN" prune "$model" run --heads L0.H1,L1.H0 -o small
    printf 'colour\tred\ncolour\tgreen\nshape\tround\nshape\tflat\n' >pool.txt
    exits 0 "$CLIPSPAN" atlas small pics -o atlas --texts pool.txt --json
    json outcomes.pruned 2
    exits 0 "$CLIPSPAN" roles atlas --texts pool.txt --tsv
    [ "$(grep -c pruned .out)" = 2 ]
    [ "$(grep '^L0.H1' .out | cut -f4,5,7)" = "$(printf '0\t0\tpruned')" ]
    grep -q "L1.H0: pruned" atlas/report.html
    exits 0 "$CLIPSPAN" effects atlas --classes red,green --templates none --json
    exits 0 "$CLIPSPAN" ablate atlas --heads L0.H1 --classes red,green --templates none --json
    json changed 0
    exits 0 "$CLIPSPAN" ablate atlas --heads L0.H0 --random 50 --classes red,green --templates none --tsv
    [ "$(grep -c '^random' .out)" = 50 ]
    [ "$(grep '^random' .out | grep -c 'L0.H1')" = 0 ] # no random set of heads that write nothing
    exits 0 "$CLIPSPAN" search atlas --like pics/red/1.png --heads L0.H1,L1.H1 --json
    exits 0 "$CLIPSPAN" heatmap small pics/red/1.png --text red --text blue -o maps --json
    for method in attention rollout patch value; do
        exits 0 "$CLIPSPAN" heatmap small pics/red/1.png --text red --method $method -o maps-$method --json
    done
    exits 0 "$CLIPSPAN" export atlas --official official
}

@test "damaged lists of heads are refused" {
    scan_images
    exits 0 "$CLIPSPAN" prune "$model" run --heads L0.H1,L1.H0 -o small
    while IFS='|' read -r lists words; do
        rm -rf broken
        cp -r small broken
        tr -d '\n' <small/open_clip_config.json |
            sed "s/\"heads_per_layer\": *\[[^]]*\][^]]*\][^]]*\]/\"heads_per_layer\": $lists/" >broken/open_clip_config.json
        exits 4 "$CLIPSPAN" info broken
        says "$words"
    done <<'END'
[[0, 2]]|expected a list of 2 lists, one a layer, found 1
[[0, 2], []]|expected for layer 1 a list of 1 to 3 heads, found 0
[[0, 2], [0, 1, 2, 3]]|expected for layer 1 a list of 1 to 3 heads, found 4
[[0, 2], [1, 1]]|layer 1: expected rising integers below 3, item 1 is not
[[0, 3], [1, 2]]|layer 0: expected rising integers below 3, item 1 is not
[[0, 2], [1, "2"]]|item 1 is not
[[0, 2], 2]|found no list
[[0, 2], [1]]|expected [36, 36]
7|expected a list of 2 lists
END
}

@test "accuracies of images that can be read" {
    scan_images
    classes=(--classes "red,green,blue" --templates none)
    exits 0 "$CLIPSPAN" prune "$model" run --heads L1.H0 -o whole "${classes[@]}" --json
    rm pics/*/2.png
    exits 0 "$CLIPSPAN" scan "$model" pics --labels folder -o half
    exits 0 "$CLIPSPAN" prune "$model" half --heads L1.H0 -o few "${classes[@]}" --json
    before=$("$JSON_AT" before <.out)
    exits 3 "$CLIPSPAN" prune "$model" run --heads L1.H0 -o rest "${classes[@]}" --json
    json images 3
    json skipped 3
    json labelled 3
    json before "$before" # of three images, not of six
    exits 3 "$CLIPSPAN" prune "$model" run --heads L1.H0 -o table "${classes[@]}" --table
    shows "3 of the 6 images of run"
    shows "3 images could not be read and are left out of every figure"
    shows "accuracy on 3 images with a label"
}

@test "what prune refuses" {
    scan_images
    exits 2 "$CLIPSPAN" prune "$model" run -o out
    says "no head is chosen"
    exits 2 "$CLIPSPAN" prune "$model" run --heads 'L0.*' -o out
    says "all 3 heads of layer 0 would be removed"
    exits 0 "$CLIPSPAN" prune "$model" run --heads 'L0.*' --zero -o whole
    exits 2 "$CLIPSPAN" prune "$model" run --fraction 0.25 --heads L0.H0 -o out
    says "leave out --heads"
    exits 2 "$CLIPSPAN" prune "$model" run --heads L0.H0 --rank-images 4 -o out
    says "--rank-images is for --fraction with --by network"
    exits 2 "$CLIPSPAN" prune "$model" run --fraction 0.5 --by direct --rank-images 4 -o out
    says "--rank-images is for --fraction with --by network"
    exits 2 "$CLIPSPAN" prune "$model" run --heads L0.H0 --by direct -o out
    says "--by is for --fraction"
    exits 2 "$CLIPSPAN" prune "$model" run --fraction 0.05 -o out
    says "less than one head"
    for wrong in 0 1.01 25 -0.5 .25. 0,25 1e-1 nan "" 0x1; do
        exits 2 "$CLIPSPAN" prune "$model" run "--fraction=$wrong" -o out
        says "--fraction: expected a number above 0 and at most 1, found \"$wrong\""
    done
    exits 0 "$CLIPSPAN" prune "$model" run --fraction .5 -o half --json
    json fraction 0.5
    json sets.0.heads.# 3
    exits 0 "$CLIPSPAN" prune "$model" run --fraction 1.0 -o all --json # a layer keeps its last head
    json sets.0.heads.# 4
    exits 2 "$CLIPSPAN" prune "$model" run --share 25 -o out
    says "unknown option --share"
    [ ! -e out ]
}
