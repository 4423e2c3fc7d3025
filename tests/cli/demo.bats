# SPDX-License-Identifier: MIT
# clipspan demo
load helper

@test "demo tells its story, leaves a page, and its figures are those of the commands" {
    [ -z "${SLOW:-}" ] || skip "takes minutes in this build"
    exits 0 "$CLIPSPAN" demo -o story --json -q
    silent
    json schema clipspan.demo.v1
    json dry_run false
    json page story/report.html
    json chapters.0.sheet story/scenes.png
    json chapters.1.factors.0.factor shape
    json chapters.3.scenes 600
    cp .out demo.json
    json chapters.5.sheet story/maps.png
    colour=$("$JSON_AT" chapters.5.pointing.0.accuracy <demo.json) shape=$("$JSON_AT" chapters.5.pointing.1.accuracy <demo.json)
    awk -v c="$colour" -v s="$shape" 'BEGIN { exit !(c >= 0.95 && s >= 0.75) }' || { echo "pointing $colour $shape" && false; }
    [ -s story/report.html ] && [ -s story/scenes.png ] && [ -d story/run ]
    [ -z "$(find story -name '*.part')" ]
    grep -q 'training encouraged heads to specialise' story/report.html
    # What the commands find is what the scenes are known to show.
    clear=$("$JSON_AT" chapters.4.clear <demo.json) true=$("$JSON_AT" chapters.4.true <demo.json)
    [ "$clear" -ge 10 ] || { echo "$clear heads with a clear role" && false; }
    [ $((4 * true)) -ge $((3 * clear)) ] || { echo "$true of $clear roles are true" && false; }
    look=$("$JSON_AT" scenes <demo.json)
    right=$("$JSON_AT" chapters.1.factors.0.right <demo.json)
    worst=$("$JSON_AT" chapters.2.worst_group.right <demo.json)
    exits 0 "$CLIPSPAN" classify demo "$look/test.csv" --labels shape --classes "$look/classes/shape.txt" \
        --templates "$look/classes/shape.templates.txt" --json -q
    json overall.correct "$right"
    exits 0 "$CLIPSPAN" classify demo "$look/test.csv" --labels bird --groups bird,background \
        --classes "$look/classes/bird.txt" --templates "$look/classes/bird.templates.txt" --json -q
    json worst_group.correct "$worst"
    # Nothing is replaced unless asked.
    exits 6 "$CLIPSPAN" demo -o story && says "--force"
    exits 0 "$CLIPSPAN" demo -o story --force --table -q
    [ "$(tail -n 1 .out)" = story/report.html ]
    shows "drawn scenes"
    shows "nothing of photographs"
    shows "encouraged"
    # Every command that it names can be called so, here with the scenes in place of one's own.
    grep '^  \$ clipspan ' .out | sed -E "s/^  \\$ clipspan //; s/MODEL/demo/; s#(photos|birds).csv#$look/test.csv#
        s/COLUMN/shape/; s#names.txt#$look/classes/shape.txt#; s#photos/#$look/look.csv#; s#photo.jpg#$look/test/0200.png#; s#report run#report story/run#
        s/--labels y --classes a,b --groups y,place/--labels bird --classes duck,hen --groups bird,background/" >commands
    [ "$(wc -l <commands)" -ge 5 ]
    while read -ra words; do
        case ${words[0]} in
        report) exits 0 "$CLIPSPAN" "${words[@]}" ;;
        *) exits 0 "$CLIPSPAN" "${words[@]}" --dry-run ;;
        esac
    done <commands
}

@test "demo --dry-run writes nothing and names the chapters" {
    exits 0 "$CLIPSPAN" demo -o dry --dry-run --json
    json dry_run true
    json chapters.2.name shortcut
    [ ! -e dry ]
    exits 0 "$CLIPSPAN" demo -o dry -n --table
    shows "Nothing was computed"
    [ ! -e dry ]
}

@test "demo says what is wrong with where it should write" {
    exits 2 "$CLIPSPAN" demo && says "-o FOLDER"
    exits 2 "$CLIPSPAN" demo here -o there && says "one argument too many"
    exits 6 "$CLIPSPAN" demo -o pics/red/1.png && says "is a file"
    mkdir mine && touch mine/.kept
    exits 6 "$CLIPSPAN" demo -o mine && says "not empty"
    [ "$(ls -A mine)" = .kept ]
    run_split bash -c 'ulimit -f 20; trap "" XFSZ; exec "$0" demo -o full -q' "$CLIPSPAN"
    [ "$status" = 6 ] && says "full/scenes.png"
    CLIPSPAN_DATA=pics exits 4 "$CLIPSPAN" demo -o none && says "demo/look.csv" && says "CLIPSPAN_DATA"
    [ ! -e none ]
}

@test "a signal ends the demo, and what was finished stays" {
    # A shell without job control starts background jobs with SIGINT ignored, so it is set right here.
    env --default-signal=INT "$CLIPSPAN" demo -o cut --progress none >.out 2>.err &
    pid=$!
    for _ in $(seq 500); do
        [ -e cut/scenes.png ] && break
        sleep 0.01
    done
    kill -s INT $pid
    status=0
    wait $pid || status=$?
    errors=$(<.err)
    [ "$status" = 130 ] || { echo "$status $errors" && false; }
    says "the files that were finished stay"
    [ ! -e cut/report.html ]
    [ -z "$(find cut -name '*.part')" ]
}
