# SPDX-License-Identifier: MIT
# clipspan report, and the page that atlas leaves
load helper

# words: a small pool of two categories
words() { printf '!colour\tred\n!colour\tgreen\n!colour\tblue\nanimal\ta dog\nanimal\ta cat\nanimal\ta bird\n'; }

# holds FILE WORDS: the file holds the words
holds() {
    grep -qF -- "$2" "$1" && return 0
    printf '%s lacks "%s"\n' "$1" "$2"
    exit 1
}

# lacks FILE PATTERN: no line of the file matches
lacks() {
    grep -qE -- "$2" "$1" || return 0
    printf '%s holds "%s"\n' "$1" "$2"
    exit 1
}

@test "report writes one page that loads nothing" {
    words >words.txt
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" report run --texts words.txt --json
    json schema clipspan.report.v1
    json report run/report.html
    json images 3
    holds run/report.html "<!doctype html>"
    holds run/report.html '<article class=card id="L0.H0">'
    holds run/report.html 'data:image/jpeg;base64,'
    holds run/report.html '<bdi>1.png</bdi>'
    lacks run/report.html 'https?:|src=|url\(|@import'
    # what already exists is taken, and gives the same page
    exits 0 "$CLIPSPAN" report run -o again.html --table && shows "open it in a browser"
    cmp run/report.html again.html
}

@test "report replaces a page only when told to, before any work" {
    words >words.txt
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    echo kept >page.html
    exits 6 "$CLIPSPAN" report run --texts words.txt -o page.html && says "page.html"
    [ "$(cat page.html)" = kept ]
    [ ! -e run/results ] || [ -z "$(ls run/results)" ]
    exits 0 "$CLIPSPAN" report run --texts words.txt -o page.html -f
    holds page.html "<h1>"
    exits 6 "$CLIPSPAN" report run -o nowhere/page.html
    exits 4 "$CLIPSPAN" report nowhere
}

@test "images that are gone, moved or unwanted have their names" {
    words >words.txt
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" report run --texts words.txt --no-images
    lacks run/report.html data:image
    holds run/report.html '<bdi>1.png</bdi>'
    mkdir new && mv pics new
    exits 0 "$CLIPSPAN" report run -f
    lacks run/report.html data:image
    holds run/report.html '<bdi>1.png</bdi>'
    exits 0 "$CLIPSPAN" report run -f --root new
    holds run/report.html 'data:image/jpeg;base64,'
}

@test "atlas leaves the page in the run" {
    words >words.txt
    exits 0 "$CLIPSPAN" atlas "$model" pics -o run --texts words.txt
    says "run/report.html"
    holds run/report.html '<h2>Head grid</h2>'
    exits 0 "$CLIPSPAN" report run -o again.html
    cmp run/report.html again.html
}

@test "the page shows what effects, ablate and shortcut found, and nothing that is stale" {
    words >words.txt
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --labels folder
    exits 0 "$CLIPSPAN" scan "$model" pics/red pics/blue -o some
    exits 0 "$CLIPSPAN" report run --texts words.txt
    lacks run/report.html 'id=(effects|ablation|shortcut)'
    exits 0 "$CLIPSPAN" effects run --classes red,green,blue --templates none --json -q && silent
    right=$("$JSON_AT" sequence.0.correct <.out)
    exits 0 "$CLIPSPAN" ablate run --mean some --heads L0.H0 --classes red,green,blue --templates none
    exits 0 "$CLIPSPAN" shortcut run --classes red,green,blue --templates none --cue "water;grass"
    exits 0 "$CLIPSPAN" report run -f
    holds run/report.html '<section id=effects>'
    holds run/report.html '<section id=ablation>'
    holds run/report.html '<section id=shortcut>'
    holds run/report.html "$(awk -v r="$right" 'BEGIN { printf "%s", r == 3 ? "100" : r == 0 ? "0" : sprintf("%.1f", 100 * r / 3) }')"
    holds run/report.html 'class="curve one"'
    lacks run/report.html 'https?:|src=|url\(|@import'
    # the run of the means shows what was found with them
    exits 0 "$CLIPSPAN" report some --texts words.txt
    holds some/report.html '<section id=ablation>'
    lacks some/report.html 'id=effects'
    # other statistics than those of today
    printf x >>some/statistics.safetensors
    exits 0 "$CLIPSPAN" report run -f
    lacks run/report.html 'id=ablation'
    holds run/report.html '<section id=effects>'
    holds run/report.html 'Compute them again'
}

@test "atlas with classes says what decides between them" {
    words >words.txt
    exits 0 "$CLIPSPAN" atlas "$model" pics -o run --texts words.txt --labels folder --classes red,green,blue --templates none
    holds run/report.html '<section id=effects>'
    holds run/report.html 'Accuracy'
    exits 0 "$CLIPSPAN" atlas "$model" pics -o bare --texts words.txt --classes red,green --templates none
    holds bare/report.html 'of predictions stay without all MLPs'
    exits 2 "$CLIPSPAN" atlas "$model" pics -o no --texts words.txt --classes red && says "--classes"
    exits 2 "$CLIPSPAN" atlas "$model" pics -o no --texts words.txt --templates none && says "--classes"
    exits 2 "$CLIPSPAN" atlas "$model" pics -o no --texts words.txt --classes red,blue --coefficients none && says "keeps none"
    [ ! -e no ]
}
