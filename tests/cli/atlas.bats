# SPDX-License-Identifier: MIT
# clipspan span, roles, atlas, export
load helper

# many N: a list that names the three images over and over
many() { yes "$(printf 'pics/red/1.png\npics/green/1.png\npics/blue/1.png')" | head -n "$1"; }

pool() { # eight texts in four categories
    printf 'colour\ta red thing\ncolour\ta blue thing\n!place\ta beach\n!place\ta forest\nanimal\ta dog\nanimal\ta cat\n' >pool.txt
    printf '!shape\ta circle\n!shape\ta square\n' >>pool.txt
}

@test "atlas names heads in one command, and roles and span read what it left" {
    pool
    exits 0 "$CLIPSPAN" atlas "$model" pics -o run --texts pool.txt --json
    json schema clipspan.atlas.v1
    json pool.name pool.txt
    json pool.texts 8
    json pool.categories 4
    json basis_texts 20
    json resamples 0
    json images 3
    json layers.1.layer 1
    json heads.5.head L1.H2
    json heads.0.role.outcome too_few_images
    json heads.0.role.q null
    json outcomes.too_few_images 6
    json outcomes.none 0
    json expected_false_claims 0
    first=$("$JSON_AT" heads.4.basis_texts.0.text <.out)
    exits 0 "$CLIPSPAN" roles run --json --model /no/such/model # nothing is computed again
    json schema clipspan.roles.v1
    json pool.name pool.txt
    exits 0 "$CLIPSPAN" span run --texts pool.txt --model /no/such/model --json
    json schema clipspan.span.v1
    json heads.4.basis_texts.0.text "$first"
    exits 0 "$CLIPSPAN" span run --texts pool.txt --layers 1 --json
    json heads.0.head L1.H0
    json heads.1.basis_texts.0.text "$first"
    exits 0 "$CLIPSPAN" atlas "$model" pics -o run --texts pool.txt --json
    says "resuming a run of the same plan"
}

@test "roles are tested where there are images enough, the same for any number of threads" {
    pool
    many 520 >list
    exits 0 "$CLIPSPAN" atlas "$model" - -o named-again --texts pool.txt --json -q <list
    json outcomes.too_few_images 6 # three images
    mkdir copies
    i=0
    while read -r path; do
        i=$((i + 1))
        ln "$path" "copies/$i.png"
        echo "copies/$i.png"
    done <list >copies.txt
    mv copies.txt list
    exits 0 "$CLIPSPAN" atlas "$model" - -o run --texts pool.txt --json -q <list
    json resamples 200
    json outcomes.too_few_images 0
    json tested 6
    awk -v q="$("$JSON_AT" heads.0.role.q <.out)" 'BEGIN { exit !(q > 0 && q <= 1) }'
    cp .out one
    exits 0 "$CLIPSPAN" atlas "$model" - -o other --texts pool.txt --json -q -j 1 <list
    sed 's/other/run/' .out | diff - one
    exits 0 "$CLIPSPAN" roles run --table
    shows "Next:"
    shows "clipspan span run --heads L"
    grep -q "outcome  *explained" .out
    [ "$(LC_ALL=C.UTF-8 wc -L <.out)" -le 80 ]
}

@test "tables stay within 80 columns and end with what to run next" {
    pool
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" span run --texts pool.txt --table
    shows "on 3 images, with the 8 texts of"
    shows "pool.txt"
    shows "control texts"
    shows "clipspan roles run"
    [ "$(LC_ALL=C.UTF-8 wc -L <.out)" -le 80 ]
    exits 0 "$CLIPSPAN" span run --texts pool.txt --heads l1.h2,L0.H0 --table
    shows "L1.H2"
    shows "of the embedding's variance, rank"
    shows "with their centred projections"
    [ "$(LC_ALL=C.UTF-8 wc -L <.out)" -le 80 ]
    exits 0 "$CLIPSPAN" roles run --table
    shows "Too few images to tell: 3, and roles take 481 or more."
    grep -q "category stands out" .out && false
    [ "$(LC_ALL=C.UTF-8 wc -L <.out)" -le 80 ]
}

@test "rows for programs: a row a basis text, a row a head" {
    pool
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" span run --texts pool.txt --texts-per-head 2 --tsv
    shows "$(printf 'head\tlayer\tnumber\tbasis_text\ttext\tcategory')"
    [ "$(wc -l <.out)" -le 13 ]
    [ "$(awk -F'\t' '{ print NF }' .out | sort -u | wc -l)" = 1 ]
    exits 0 "$CLIPSPAN" roles run --tsv
    [ "$(wc -l <.out)" = 7 ]
    [ "$(awk -F'\t' '{ print NF }' .out | sort -u | wc -l)" = 1 ]
}

@test "the pool that comes with the program, a pool on standard input, one without categories" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" span run --layers last1 --json
    json pool.name general
    [ "$("$JSON_AT" pool.texts <.out)" -ge 4000 ]
    [ -n "$(ls run/results/texts-*.safetensors)" ]
    printf 'a dog\na cat\n' | exits 0 "$CLIPSPAN" span run --texts - --json
    json pool.name "standard input"
    json pool.categories 0
    json heads.0.role.category null
    # A look at another pool does not change what a later command means; atlas does.
    exits 0 "$CLIPSPAN" roles run --json
    json pool.name general
    printf 'a dog\na cat\n' >two.txt
    exits 0 "$CLIPSPAN" roles run --texts two.txt --table && shows "no categories"
    exits 0 "$CLIPSPAN" roles run --json
    json pool.name general
    exits 0 "$CLIPSPAN" atlas "$model" pics -o run --texts two.txt
    exits 0 "$CLIPSPAN" roles run --table && shows "no categories"
    exits 4 "$CLIPSPAN" span run --texts genera && says "did you mean general"
}

@test "what cannot be is refused, with the nearest that can" {
    pool
    exits 4 "$CLIPSPAN" span nowhere
    exits 2 "$CLIPSPAN" span && says "RUN is missing"
    exits 2 "$CLIPSPAN" atlas "$model" pics && says "-o FOLDER"
    exits 0 "$CLIPSPAN" plan "$model" pics -o run
    exits 4 "$CLIPSPAN" span run --texts pool.txt && says "not merged"
    exits 4 "$CLIPSPAN" roles run && says "not merged"
    exits 0 "$CLIPSPAN" scan run
    exits 2 "$CLIPSPAN" span run --layers 1-9 && says "layers 0 to 1"
    exits 2 "$CLIPSPAN" span run --layers al && says "did you mean all"
    exits 2 "$CLIPSPAN" span run --layers last3
    exits 2 "$CLIPSPAN" span run --rank 0 && says "--rank"
    exits 2 "$CLIPSPAN" span run --texts-per-head 0
    exits 2 "$CLIPSPAN" roles run --texts pool.txt --heads L1.H7 && says "did you mean L1.H2?"
    exits 2 "$CLIPSPAN" roles run --heads 1.2 && says "L0.H0 to L1.H2"
    exits 2 "$CLIPSPAN" roles run --heads L1.H2, && says "no head \"\""
    exits 2 "$CLIPSPAN" span run --texts pool.txt --layers 0 --heads L1.H0 && says "widen"
    echo "a new text" >>pool.txt # so that the model is needed
    exits 4 "$CLIPSPAN" span run --texts pool.txt --model "$GOLDEN/openclip-wide" && says "model.sha256"
}

@test "without a text encoder there are no names: said before any image is read" {
    exits 4 "$CLIPSPAN" atlas "$GOLDEN/image-no-ln-pre" pics -o run && says "no text encoder"
    [ ! -e run ]
    exits 0 "$CLIPSPAN" scan "$GOLDEN/image-no-ln-pre" pics -o run
    exits 4 "$CLIPSPAN" span run && says "no text encoder"
}

@test "a run without coefficients has names, and no top and bottom images" {
    pool
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --coefficients none
    exits 0 "$CLIPSPAN" span run --texts pool.txt --json
    json heads.5.positive.# 0
    exits 4 "$CLIPSPAN" export run --official out --texts pool.txt && says "--coefficients f32"
    exits 0 "$CLIPSPAN" span run --texts pool.txt --table --heads L1.H2
}

@test "skipped images end atlas with 3, a dry run writes nothing" {
    pool
    exits 0 "$CLIPSPAN" atlas "$model" pics -o run --texts pool.txt -n --table && shows "would plan run"
    [ ! -e run ]
    echo x >pics/red/2.jpg
    exits 3 "$CLIPSPAN" atlas "$model" pics -o run --texts pool.txt --json
    json images 3
    says "skipped: pics/red/2.jpg"
}

@test "the published program's files" {
    pool
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 2 "$CLIPSPAN" export run && says "--official FOLDER"
    exits 0 "$CLIPSPAN" export run --official out --texts pool.txt --texts-per-head 2
    [ "$(ls out)" = "run_attn_openclip-odd.npy
run_cls_attn_openclip-odd.npy
run_completeness_pool_top_2_heads_openclip-odd.txt
run_mlp_openclip-odd.npy" ]
    [ "$(head -n 3 out/*.txt)" = "------------------
Layer 0, Head 0
------------------" ]
    head -c 128 out/run_attn_openclip-odd.npy | grep -aq "'<f4', 'fortran_order': False, 'shape': (3, 2, 3, 20)"
    exits 6 "$CLIPSPAN" export run --official out --texts pool.txt && says "--force"
    exits 0 "$CLIPSPAN" export run --official out --texts pool.txt --texts-per-head 2 --force
    exits 0 "$CLIPSPAN" span run --texts pool.txt --texts-per-head 2 --official basis_texts.txt -q
    diff basis_texts.txt out/run_completeness_pool_top_2_heads_openclip-odd.txt
    exits 6 "$CLIPSPAN" span run --texts pool.txt --official basis_texts.txt && says "already exists"
}

@test "roles speaks of the heads it was asked for, span of the texts there are" {
    pool
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" span run --texts pool.txt --table
    shows "3 texts a head explain"
    exits 0 "$CLIPSPAN" roles run --heads L1.H2 --table
    shows "Too few images to tell: 3"
    exits 0 "$CLIPSPAN" roles run --heads L1.H2,L0.H0 --table
    shows "Too few images to tell: 3"
    sed -i '0,/"outcome":0/s//"outcome":4/' run/results/atlas-pool.txt.json # the first head: a role
    exits 0 "$CLIPSPAN" roles run --heads L0.H0 --table
    shows "L0.H0 has the role $("$CLIPSPAN" roles run --tsv | awk -F'\t' '$1 == "L0.H0" { print $8 }')"
    sed -i 's/"outcome":0/"outcome":1/g' run/results/atlas-pool.txt.json # the others: none
    exits 0 "$CLIPSPAN" roles run --heads L1.H2,L0.H0 --table
    shows "1 of these 2 heads has a role; in 1 no category stands out."
    sed -i 's/"outcome":1/"outcome":2/g;s/"outcome":4/"outcome":3/' run/results/atlas-pool.txt.json
    exits 0 "$CLIPSPAN" roles run --heads L1.H2,L0.H0 --table
    shows "None of these 2 heads has a role; 1 leans to a category"
    shows "1 is ambiguous"
    exits 0 "$CLIPSPAN" roles run --heads L1.H2 --table
    shows "L1.H2 is ambiguous: "
    exits 0 "$CLIPSPAN" roles run --tsv
    [ "$(cut -f7 .out | sort | uniq -c | awk '{ printf "%s%s ", $2, $1 }')" = "ambiguous5 leaning1 outcome1 " ]
}

@test "a damaged atlas is said, not made again" {
    pool
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" roles run --texts pool.txt --json
    sed -i 's/"version": *"[^"]*"/"version":"0"/' run/results/atlas-pool.txt.json
    exits 4 "$CLIPSPAN" roles run
    says "damaged, or of another version"
    exits 4 "$CLIPSPAN" ablate run --role colour --classes red,blue --templates none
    says "damaged, or of another version"
    exits 0 "$CLIPSPAN" span run --texts pool.txt --json
    exits 0 "$CLIPSPAN" roles run --json
}

@test "Q41 a main atlas that is damaged or gone is said; no other pool takes its place" {
    pool
    exits 0 "$CLIPSPAN" atlas "$model" pics -o run --texts pool.txt -q
    cp -r run/results kept
    for damage in "truncate -s 100" "rm"; do
        $damage run/results/atlas-pool.txt.json
        for command in "roles" "report"; do
            force=; [ $command = roles ] || force=--force
            exits 4 "$CLIPSPAN" $command run $force
            says "pool.txt"
        done
        [ ! -e run/results/atlas-general.json ]
        cp kept/atlas-pool.txt.json run/results/
    done
    rm run/results/main-atlas.json
    exits 4 "$CLIPSPAN" roles run && says "which of its text pools is the main one: pool.txt"
    exits 0 "$CLIPSPAN" roles run --texts pool.txt --json && json pool.name pool.txt
}
