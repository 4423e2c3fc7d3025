# SPDX-License-Identifier: MIT
# clipspan explain
load helper

# at PATH: the number that standard output's document has there
at() { "$JSON_AT" "$1" <.out; }

# close A B: at most 1e-6 apart
close() {
    awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(d < 1e-6 && d > -1e-6) }' && return 0
    printf '%s is not %s\n' "$1" "$2"
    exit 1
}

words() { printf '!colour\tred\n!colour\tgreen\n!colour\tblue\nanimal\ta dog\nanimal\ta cat\nanimal\ta bird\n'; }

@test "every number: the parts add up, heads to layers, and the similarity is that of embed" {
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --json && silent
    json schema clipspan.explain.v1
    json contrast none
    json "texts.#" 1
    json "texts.0.layers.#" 2
    json "texts.0.heads.#" 6
    json "texts.0.patches.#" 5
    awk -v off="$(at off)" 'BEGIN { exit !(off <= 1e-5) }'
    close "$(at texts.0.similarity)" "$(at texts.0.explained)"
    sum=$(at texts.0.input)
    for layer in 0 1; do
        sum=$(awk -v s="$sum" -v a="$(at texts.0.layers.$layer.attention)" -v m="$(at texts.0.layers.$layer.mlp)" \
            'BEGIN { printf "%.9g", s + a + m }')
        heads=0
        for head in 0 1 2; do
            heads=$(awk -v s="$heads" -v h="$(at texts.0.heads.$((3 * layer + head)).part)" 'BEGIN { printf "%.9g", s + h }')
        done
        close "$heads" "$(at texts.0.layers.$layer.attention)"
    done
    close "$sum" "$(at texts.0.explained)"
    similarity=$(at texts.0.similarity)
    exits 0 "$CLIPSPAN" embed "$model" pics/red/1.png -o image.npy
    exits 0 "$CLIPSPAN" embed "$model" --text "a cat" -o text.npy
    floats() { tail -c +129 "$1" | od -An -v -t f4 -w4; }
    close "$similarity" "$(paste <(floats image.npy) <(floats text.npy) | awk '{ s += $1 * $2 } END { printf "%.9g", s }')"
}

@test "rows for other programs add up too" {
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --text "a dog" --tsv
    shows "text	part	layer	head	row	column	value	role"
    awk -F '\t' '$2 == "explained" { want[$1] = $7 }
        $2 == "input" || $2 == "attention" || $2 == "mlp" { sum[$1] += $7 }
        $2 == "attention" { tokens[$1] += $7 } $2 == "patch" { tokens[$1] -= $7; patches++ }
        END { for (t in want) { d = want[t] - sum[t]; if (d > 1e-6 || d < -1e-6) exit 1; n++ }
              exit !(n == 2 && patches == 18) }' .out
}

@test "contrasts: mean with several texts, runner-up, none" {
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --text "a dog" --json && json contrast mean
    close "$(at texts.0.explained)" "$(awk -v a="$(at texts.1.explained)" 'BEGIN { print -a }')"
    first=$(at texts.0.similarity)
    second=$(at texts.1.similarity)
    awk -v a="$first" -v b="$second" 'BEGIN { exit !(a >= b) }'
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --text "a dog" --contrast runner-up --json
    close "$(at texts.0.explained)" "$(awk -v a="$first" -v b="$second" 'BEGIN { printf "%.9g", a - b }')"
    exits 2 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --contrast runner-up && says "at least two"
    exits 2 "$CLIPSPAN" explain "$model" pics/red/1.png --text a --contrast pairs && says "auto|none|mean|runner-up"
}

@test "the page loads nothing and shows hostile names as they are" {
    cp pics/red/1.png 'a<script>alert(1)&.png'
    exits 0 "$CLIPSPAN" explain "$model" 'a<script>alert(1)&.png' --text '<script>alert("x")</script>' --text "a dog" -o out.html --json
    json bytes "$(wc -c <out.html)"
    head -c 15 out.html | grep -q '<!doctype html>'
    if grep -qE 'https?:|src="?[^d"]|url\(|@import|<script>alert|<link rel=stylesheet' out.html; then exit 1; fi
    grep -qF "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" out.html
    grep -qF "a&lt;script&gt;alert(1)&amp;.png" out.html
    [ "$(grep -c '<section class=text' out.html)" -eq 2 ]
    exits 0 "$CLIPSPAN" explain "$model" 'a<script>alert(1)&.png' --text '<script>alert("x")</script>' --text "a dog" -o again.html --table
    cmp out.html again.html
    shows "again.html"
}

@test "what is there is kept; --dry-run writes nothing" {
    echo kept >out.html
    exits 6 "$CLIPSPAN" explain "$model" pics/red/1.png --text a -o out.html && says "--force"
    [ "$(cat out.html)" = kept ]
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text a -o out.html -f
    grep -q doctype out.html
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text a -o new.html -n --json && json dry_run true
    [ ! -e new.html ]
    exits 6 "$CLIPSPAN" explain "$model" pics/red/1.png --text a -o nowhere/new.html
    cp pics/red/1.png in.html
    exits 2 "$CLIPSPAN" explain "$model" in.html --text a -o in.html -f && says "read as input"
}

@test "texts without tokens, no texts, models without texts, wrong images and heads" {
    exits 2 "$CLIPSPAN" explain "$model" pics/red/1.png --text " " && says "has no tokens"
    exits 2 "$CLIPSPAN" explain "$model" pics/red/1.png && says "no texts"
    exits 4 "$CLIPSPAN" explain "$GOLDEN/image-no-ln-pre" pics/red/1.png --text a && says "no text encoder"
    exits 4 "$CLIPSPAN" explain "$model" pics/red/2.png --text a && says "2.png"
    exits 2 "$CLIPSPAN" explain "$model" pics --text a && says "one image"
    echo broken >pics/broken.png
    exits 4 "$CLIPSPAN" explain "$model" pics/broken.png --text a -o out.html && says "broken.png"
    [ ! -e out.html ]
    exits 2 "$CLIPSPAN" explain "$model" pics/red/1.png --text a --heads L9.H0 && says "L1.H0"
    exits 2 "$CLIPSPAN" explain "$model" pics/red/1.png --text a --figure a.png && says "--run"
    seq 101 >many.txt
    exits 7 "$CLIPSPAN" explain "$model" pics/red/1.png --texts many.txt -o out.html && says "room for 100"
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --texts many.txt --json && json "texts.#" 101
}

@test "roles come from a run; one without an atlas is said and does without" {
    words >words.txt
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --run run --json && says "no atlas"
    json roles false
    exits 4 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --run run --figure f.png && says "no basis texts"
    exits 0 "$CLIPSPAN" span run --texts words.txt
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --run run --json -o out.html && silent
    json roles true
    grep -q "its texts: " out.html
    # roles add up to all heads
    sum=0
    for i in $(seq 0 $(($(at "texts.0.roles.#") - 1))); do
        sum=$(awk -v s="$sum" -v p="$(at texts.0.roles.$i.part)" 'BEGIN { printf "%.9g", s + p }')
    done
    close "$sum" "$(at texts.0.attention)"
    exits 4 "$CLIPSPAN" explain "$GOLDEN/openclip-wide" pics/red/1.png --text a --run run -o no.html
    exits 4 "$CLIPSPAN" explain "$model" pics/red/1.png --text a --run nowhere
    [ ! -e no.html ]
}

@test "the joint figure: a head's texts above the mean of its run" {
    words >words.txt
    mkdir two && cp pics/red/1.png two/1.png && cp pics/blue/1.png two/2.png
    exits 0 "$CLIPSPAN" scan "$model" two -o run
    exits 0 "$CLIPSPAN" span run --texts words.txt
    exits 0 "$CLIPSPAN" explain "$model" two/1.png --text "a cat" --run run --heads L1.H2,L0.H0 --figure a.png --figure a.svg --json
    json "figure.#" 2
    json figure.0.head L1.H2
    text=$(at figure.0.texts.0.text)
    above=$(at figure.0.texts.0.above_mean)
    [ "$(head -c 4 a.png | tail -c 3)" = PNG ]
    grep -qF ">$text</text>" a.svg
    if grep -qE 'href="[^d]|<script' a.svg; then exit 1; fi
    # of two images each is as far from their mean as the other, on the other side
    exits 0 "$CLIPSPAN" explain "$model" two/2.png --text "a cat" --run run --heads L1.H2 --figure b.svg --json
    for i in 0 1 2 3; do
        if [ "$(at figure.0.texts.$i.text 2>.err)" = "$text" ]; then
            close "$above" "$(awk -v a="$(at figure.0.texts.$i.above_mean)" 'BEGIN { print -a }')"
        fi
    done
    exits 2 "$CLIPSPAN" explain "$model" two/1.png --text a --run run --figure a.gif && says "FILE.png or FILE.svg"
    exits 6 "$CLIPSPAN" explain "$model" two/1.png --text a --run run --figure a.png && says "--force"
}

@test "--through: effects through later layers add up at every layer, and the last layer's MLP is direct" {
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --text "a dog" --through --json && silent
    awk -v off="$(at texts.0.through.off)" 'BEGIN { exit !(off <= 1e-5) }'
    json "texts.0.through.heads.#" 6
    json "texts.0.through.neurons.#" 5
    close "$(at texts.1.through.layers.1.mlp)" "$(at texts.1.through.layers.1.direct)"
    sum=$(at texts.0.through.constant)
    for ((token = 0; token < $(at "texts.0.through.tokens.#"); token++)); do
        sum=$(awk -v s="$sum" -v t="$(at texts.0.through.tokens.$token)" 'BEGIN { printf "%.9g", s + t }')
    done
    awk -v a="$sum" -v b="$(at texts.0.explained)" 'BEGIN { d = a - b; exit !(d < 1e-5 && d > -1e-5) }'
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --through --table
    shows "through later layers"
    exits 0 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --through --tsv
    [ "$(grep -c "head through" .out)" = 6 ]
    exits 2 "$CLIPSPAN" explain "$model" pics/red/1.png --text "a cat" --through --precision bf16
    [[ $errors == *"no bf16 products"* ]] || says "computes in f32" # a build or CPU without them says so first
}
