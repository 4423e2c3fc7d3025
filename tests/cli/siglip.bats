# SPDX-License-Identifier: MIT
# Every command on the small SigLIP checkpoints of tests/golden, in timm's layout and Hugging Face's: what has a meaning with an
# attention pool works, and what has none says so.
load helper

scenes() { # 24 scenes of the demo with their columns, in list.csv
    # shellcheck disable=SC2153 # Meson sets it
    head -25 "$CLIPSPAN_DATA/demo/test.csv" |
        sed "s#^test/#$CLIPSPAN_DATA/demo/test/#; s#,masks/#,$CLIPSPAN_DATA/demo/masks/#" >list.csv
}

run_of() { # run_of NAME: the scenes scanned with its model into `run`
    model=$GOLDEN/$1
    scenes
    exits 0 "$CLIPSPAN" scan "$model" list.csv --labels shape --groups shape,colour -o run --verify-sum --json
    awk 'BEGIN { exit !('"$("$JSON_AT" call.residual <.out)"' <= 1e-5) }'
}

@test "info, tokens, pixels, embed" {
    for name in siglip-timm siglip-hf; do
        local model=$GOLDEN/$name
        exits 0 "$CLIPSPAN" info "$model" --json && silent
        json image.readout "attention pool"
        json image.split_layers 1
        json text.readout "last position"
        json text.own_tokenizer true
        json text.sigmoid true
        exits 0 "$CLIPSPAN" info "$model" --table && shows "$model/"
        exits 0 "$CLIPSPAN" tokens "$model" --text "A snow" --json && silent
        json context_length 9
        exits 0 "$CLIPSPAN" pixels "$model" pics -o p.npy -f
        exits 0 "$CLIPSPAN" embed "$model" pics -o i.npy -f && silent
        exits 0 "$CLIPSPAN" embed "$model" --text "a red boat" -o t.npy -f && silent
        exits 0 "$CLIPSPAN" embed "$model" --classes demo/shape -o c.npy -f
    done
    exits 0 "$CLIPSPAN" tokens "$GOLDEN/siglip-timm" --text "A snow" --json
    json texts.0.pieces '["a","▁s","n","ow","<eos>"]'
    exits 0 "$CLIPSPAN" tokens "$GOLDEN/siglip-hf" --text "A snow" --json
    json texts.0.pieces '["▁a","▁s","n","ow","</s>"]'
    cp -r "$GOLDEN/siglip-timm" bare && rm bare/tokenizer.json
    exits 0 "$CLIPSPAN" info bare --table && shows "no file lies beside"
    exits 4 "$CLIPSPAN" tokens bare --text snow && says "looked for tokenizer.json, spiece.model, "
    exits 4 "$CLIPSPAN" classify bare pics --classes "snow,boat" && says "clipspan_encoder_run_tokens"
}

@test "classify: probabilities are sigmoids of the score" {
    for name in siglip-timm siglip-hf; do
        exits 0 "$CLIPSPAN" classify "$GOLDEN/$name" pics --classes "snow,a red boat,night" --tsv
        # exp(logit_scale) is 10, logit_bias -10
        awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
            { for (k = 1; k <= 3; k++) {
                  want = 1 / (1 + exp(10 - 10 * $at["score_" k])); p = $at["probability_" k]
                  if ((p - want) ^ 2 > (1e-5 * want) ^ 2) exit 1 } }
            END { if (NR != 4) exit 1 }' .out
    done
}

@test "a run knows the pool's heads as one layer" {
    for name in siglip-timm siglip-hf; do
        rm -rf run masks
        run_of $name
        exits 0 "$CLIPSPAN" status run
        exits 0 "$CLIPSPAN" roles run --texts demo --json
        json heads.2.head L0.H2
        exits 0 "$CLIPSPAN" span run --texts demo --tsv && shows L0.H2
        exits 0 "$CLIPSPAN" effects run --classes demo/shape --tsv
        exits 0 "$CLIPSPAN" ablate run --classes demo/shape --heads L0.H0
        exits 0 "$CLIPSPAN" surgery run --classes demo/shape --set L0.H0=0
        exits 0 "$CLIPSPAN" shortcut run --classes demo/shape --cue "water;grass"
        exits 0 "$CLIPSPAN" search run --like "#3" --heads L0.H1
        exits 0 "$CLIPSPAN" search run --like "$CLIPSPAN_DATA/demo/test/0000.png" --region 2,2,60,60
        exits 0 "$CLIPSPAN" search run --text "a red boat" --heads L0.H0
        exits 0 "$CLIPSPAN" export run --official out -f
        exits 0 "$CLIPSPAN" report run -o report.html -f
        exits 2 "$CLIPSPAN" ablate run --classes demo/shape --heads L1.H0 && says "L0.H0 to L0.H2"
        exits 4 "$CLIPSPAN" edit "$model" run --heads L0.H0 -o edited && says "ablate and surgery"
        exits 4 "$CLIPSPAN" prune "$model" run --heads L0.H0 -o pruned && says "ablate and surgery"
        exits 4 "$CLIPSPAN" prune "$model" run --fraction 0.3 -o pruned && says "ablate and surgery"
        [ ! -e edited ] && [ ! -e pruned ]
    done
}

@test "plan, shards, merge, extend, atlas" {
    model=$GOLDEN/siglip-timm
    scenes
    exits 0 "$CLIPSPAN" plan "$model" list.csv -o run
    exits 0 "$CLIPSPAN" scan run --shard 1/1
    exits 0 "$CLIPSPAN" merge run
    exits 0 "$CLIPSPAN" extend run pics
    exits 0 "$CLIPSPAN" scan run
    exits 0 "$CLIPSPAN" atlas "$model" list.csv -o atlas --texts demo
}

@test "explain adds up, alone and with a run" {
    for name in siglip-timm siglip-hf; do
        rm -rf run
        run_of $name
        exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a red boat" --text night --json
        awk 'BEGIN { exit !('"$("$JSON_AT" off <.out)"' <= 1e-5) }'
        exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a red boat" --text night --run run -o page.html -f
        exits 4 "$CLIPSPAN" explain "$model" pics/red/1.png --text night --text snow --through
        says "is read out by an attention pool"
    done
}

@test "heatmap and segment: heads, the pool's attention and values" {
    for name in siglip-timm siglip-hf; do
        model=$GOLDEN/$name
        scenes
        for how in clipspan attention value; do
            exits 0 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text night --text snow --method $how -o maps -f
        done
        exits 0 "$CLIPSPAN" heatmap "$model" "$CLIPSPAN_DATA/demo/test/0000.png" --text night --tiles -o maps -f
        for how in rollout patch; do
            exits 4 "$CLIPSPAN" heatmap "$model" pics/red/1.png --text night --method $how -o none
            says "maps of heads, of the pool's attention and of values do"
        done
        exits 0 "$CLIPSPAN" segment "$model" list.csv --masks mask --classes demo/shape --json
        [ "$(grep -o '"method": "[a-z]*"' .out | sort -u | tr -d '\n')" = \
            '"method": "attention""method": "clipspan""method": "value"' ]
        exits 4 "$CLIPSPAN" segment "$model" list.csv --masks mask --classes demo/shape --method patch
        exits 0 "$CLIPSPAN" segment "$model" list.csv --classes demo/shape -o masks -f
    done
}
