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
    words >words.tsv
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" report run --texts words.tsv --json
    json schema clipspan.report.v1
    json report run/report.html
    json pictures 3
    holds run/report.html "<!doctype html>"
    holds run/report.html '<article class=card id="L0.H0">'
    holds run/report.html 'data:image/jpeg;base64,'
    holds run/report.html '<span>1.png</span>'
    lacks run/report.html 'https?:|src=|url\(|@import'
    # what is there already is taken, and gives the same page
    exits 0 "$CLIPSPAN" report run -o again.html --table && shows "open it in a browser"
    cmp run/report.html again.html
}

@test "report replaces a page only when told to, before any work" {
    words >words.tsv
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    echo kept >page.html
    exits 6 "$CLIPSPAN" report run --texts words.tsv -o page.html && says "page.html"
    [ "$(cat page.html)" = kept ]
    [ ! -e run/results ] || [ -z "$(ls run/results)" ]
    exits 0 "$CLIPSPAN" report run --texts words.tsv -o page.html -f
    holds page.html "<h1>"
    exits 6 "$CLIPSPAN" report run -o nowhere/page.html
    exits 4 "$CLIPSPAN" report nowhere
}

@test "pictures that are gone, moved or unwanted have their names" {
    words >words.tsv
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 0 "$CLIPSPAN" report run --texts words.tsv --no-pictures
    lacks run/report.html data:image
    holds run/report.html '<span>1.png</span>'
    mkdir new && mv pics new
    exits 0 "$CLIPSPAN" report run -f
    lacks run/report.html data:image
    holds run/report.html '<span>1.png</span>'
    exits 0 "$CLIPSPAN" report run -f --root new
    holds run/report.html 'data:image/jpeg;base64,'
}

@test "atlas leaves the page in the run" {
    words >words.tsv
    exits 0 "$CLIPSPAN" atlas "$model" pics -o run --texts words.tsv
    says "run/report.html"
    holds run/report.html '<h2>Map of heads</h2>'
    exits 0 "$CLIPSPAN" report run -o again.html
    cmp run/report.html again.html
}
