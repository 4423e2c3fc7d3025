# SPDX-License-Identifier: MIT
# clipspan demo
load helper

@test "demo tells its story, and leaves a page and its figures" {
    not_when_slow
    exits 0 "$CLIPSPAN" demo -o story --json -q
    silent
    json schema clipspan.demo.v1
    json dry_run false
    json page story/report.html
    json chapters.0.sheet story/scenes.png
    json chapters.1.factors.0.factor shape
    json chapters.3.scenes 600
    cp .out demo.json
    json chapters.6.sheet story/maps.png
    colour=$("$JSON_AT" chapters.6.pointing.0.accuracy <demo.json) shape=$("$JSON_AT" chapters.6.pointing.1.accuracy <demo.json)
    awk -v c="$colour" -v s="$shape" 'BEGIN { exit !(c >= 0.95 && s >= 0.75) }' || { echo "pointing $colour $shape" && false; }
    [ -s story/report.html ] && [ -s story/scenes.png ] && [ -d story/run ]
    [ -z "$(find story -name '*.part')" ]
    grep -q 'training encouraged heads to specialise' story/report.html
    # The page has the effects, the ablation and every remedy, with the figures of the story.
    for part in effects ablation shortcut; do grep -q "<section id=$part>" story/report.html; done
    for row in 'recommended: text projection' 'cue surgery, all heads' 'baseline: whole embedding'; do
        grep -q "<tr[^>]*><th scope=row>[^<]*$row" story/report.html || { echo "no row $row" && false; }
    done
    grep -q "$("$JSON_AT" chapters.5.remedies.2.worst <.out | awk '{ printf "%.1f", 100 * $1 }')" story/report.html
    grep -q 'Direct effect' story/report.html && grep -q 'images of story/run' story/report.html
    # What the commands find is what the scenes are known to show.
    roles=$("$JSON_AT" chapters.4.outcomes.role <demo.json) true=$("$JSON_AT" chapters.4.true <demo.json)
    [ "$roles" -ge 10 ] || { echo "$roles heads with a role" && false; }
    [ $((4 * true)) -ge $((3 * roles)) ] || { echo "$true of $roles roles are true" && false; }
    # Heads of the background mean-ablated, and what is recommended for the cue, help the worst group:
    # from 39 % to 66 % and 86 %, of 44 birds. Another remedy does better, and is said to.
    before=$("$JSON_AT" chapters.5.remedies.0.worst <demo.json)
    role=$("$JSON_AT" chapters.5.remedies.1.worst <demo.json) chosen=$("$JSON_AT" chapters.5.remedies.2.worst <demo.json)
    awk -v b="$before" -v r="$role" -v c="$chosen" 'BEGIN { exit !(b < 0.5 && r >= b + 0.15 && c >= b + 0.25) }' ||
        { echo "worst group $before $role $chosen" && false; }
    awk -v c="$chosen" -v p="$("$JSON_AT" chapters.5.remedies.3.worst <demo.json)" -v e="$("$JSON_AT" chapters.5.remedies.4.worst <demo.json)" \
        -v s="$("$JSON_AT" chapters.5.baseline_better <demo.json)" 'BEGIN { exit !((p > c || e > c) == (s == "true")) }'
    # Masks from patches overlap more than those from attention, both cut at the mean.
    patches=$("$JSON_AT" chapters.7.methods.0.miou <demo.json) attention=$("$JSON_AT" chapters.7.methods.1.miou <demo.json)
    awk -v p="$patches" -v a="$attention" 'BEGIN { exit !(p >= 0.6 && a < p - 0.05) }' || { echo "mIoU $patches $attention" && false; }
    # Nearest scenes by the colour's heads are more often of that colour than by whole embeddings.
    json chapters.8.properties.1.factor colour
    whole=$("$JSON_AT" chapters.8.properties.1.embedding <demo.json) role=$("$JSON_AT" chapters.8.properties.1.role <demo.json)
    awk -v w="$whole" -v r="$role" 'BEGIN { exit !(r >= 0.5 && r > w) }' || { echo "same colour $whole $role" && false; }
    # A difference of colour comes through the colour's heads, one of shape through the shape's.
    json chapters.9.page story/explain.html
    for i in 0 1; do
        own=$("$JSON_AT" chapters.9.names.$i.$([ $i = 0 ] && echo colour || echo shape) <demo.json)
        cross=$("$JSON_AT" chapters.9.names.$i.$([ $i = 0 ] && echo shape || echo colour) <demo.json)
        awk -v o="$own" -v c="$cross" 'BEGIN { exit !(o >= 0.4 && c <= o / 3 && c >= -o / 3) }' || { echo "through heads $own $cross" && false; }
    done
    grep -q '<section class=text' story/explain.html
    # What is printed is what stays in the folder. That the printed commands give these figures, tests/demo/check_commands.py
    # checks, on a demo that is printed as a table.
    cmp demo.json story/demo.json
    # Nothing is replaced unless asked.
    exits 6 "$CLIPSPAN" demo -o story && says "--force"
}

@test "the demo's classes, templates and scenes go by name, from any folder" {
    exits 0 "$CLIPSPAN" classify demo demo/test/0000.png --classes demo/shape --templates demo/shape.templates --json -q
    json predictions.0.classes.0.key circle
    exits 4 "$CLIPSPAN" classify demo demo/test/0000.png --classes demo/shap
    says "demo/shap: no such file, and no texts of the demo have this name; there are demo/shape"
    exits 4 "$CLIPSPAN" classify demo demo/tests.csv --classes demo/shape && says "demo/tests.csv: no such file or folder"
    exits 4 "$CLIPSPAN" classify demo demo/../demo/test.csv --classes demo/shape && says "no such file or folder"
    exits 0 "$CLIPSPAN" explain demo demo/test/0000.png --text "a circle" --json -q
    # A file of one's own comes first.
    mkdir demo && printf 'one\ntwo\n' >demo/shape && cp pics/red/1.png demo/test.csv.png
    exits 0 "$CLIPSPAN" classify demo demo/test/0000.png --classes demo/shape --json -q
    json classes 2
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
    exits 2 "$CLIPSPAN" demo here -o there && says "unexpected argument"
    exits 6 "$CLIPSPAN" demo -o pics/red/1.png && says "is a file"
    mkdir mine && touch mine/.kept
    exits 6 "$CLIPSPAN" demo -o mine && says "not empty"
    [ "$(ls -A mine)" = .kept ]
    run_split bash -c 'ulimit -f 20; exec "$0" demo -o full -q' "$CLIPSPAN"
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
