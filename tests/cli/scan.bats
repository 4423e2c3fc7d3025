# SPDX-License-Identifier: MIT
# clipspan plan, scan, merge
load helper

# images N: a list that names the three images over and over
images() { yes "$(printf 'pics/red/1.png\npics/green/1.png\npics/blue/1.png')" | head -n "$1"; }

# state RUN: a checksum of everything that a run holds but its index, whose rows test_scan compares
state() { (cd "$1" && find segments output_maps.safetensors statistics.safetensors -type f | sort | xargs sha256sum | sha256sum); }

@test "scan leaves a run, and the same call on it changes nothing" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --labels folder --verify-sum --json
    json schema clipspan.scan.v1
    json merged true
    json images 3
    json used 3
    json skipped 0
    json blocks 1
    json coefficients f32
    json call.chunks 1
    json call.chunks_before 0
    says "by"
    before=$(state run)
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --labels folder --json
    json call.chunks_before 1
    json call.images 0
    says "resuming a run of the same plan"
    exits 0 "$CLIPSPAN" merge run --json
    json schema clipspan.merge.v1
    [ "$(state run)" = "$before" ]
}

@test "the Python of docs/run-format.md reads a run" {
    command -v python3 || skip
    images 50 >list
    exits 0 "$CLIPSPAN" scan "$model" - -o run <list
    python3 "$CLIPSPAN_DATA/../tests/run/read_example.py" "$CLIPSPAN_DATA/../docs/run-format.md" run
}

@test "plan, shares in any order and merge give what one scan gives" {
    images 200 >list
    exits 0 "$CLIPSPAN" scan "$model" - -o one -j 1 <list
    exits 0 "$CLIPSPAN" plan "$model" - -o run --json <list
    json schema clipspan.plan.v1
    json chunks 7
    json duplicates 197
    exits 4 "$CLIPSPAN" merge run && says "7 of 7 chunks are not scanned: 0-6"
    for i in 3 1; do exits 0 "$CLIPSPAN" scan run --shard $i/3 -j 2 --table && shows "shard $i of 3 done"; done
    exits 4 "$CLIPSPAN" merge run && says "2 of 7 chunks are not scanned: 3-4. "
    export SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_MIN=2 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_STEP=2
    exits 0 "$CLIPSPAN" scan run --shard auto
    exits 0 "$CLIPSPAN" merge run
    [ "$(state run)" = "$(state one)" ]
    unset SLURM_ARRAY_TASK_ID
    exits 0 "$CLIPSPAN" plan "$model" - -o again <list
    exits 0 "$CLIPSPAN" scan again # without a share: all of it, and the merge
    [ "$(state again)" = "$(state one)" ]
}

@test "--shard auto reads what launchers set" {
    exits 0 "$CLIPSPAN" plan "$model" pics -o run
    exits 2 "$CLIPSPAN" scan run --shard auto && says "OMPI_COMM_WORLD_RANK"
    exits 2 "$CLIPSPAN" scan run --shard 0/3 && says "I from 1 to N"
    exits 2 "$CLIPSPAN" scan run --shard 4/3 && says "I from 1 to N"
    exits 2 "$CLIPSPAN" scan run --shard 1/3x
    OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 exits 0 "$CLIPSPAN" scan run --shard auto --json
    json call.shard 2
    json call.shards 4
    PMI_RANK=0 PMI_SIZE=5 exits 0 "$CLIPSPAN" scan run --shard auto --json
    json call.shard 1
    json call.shards 5
    SLURM_PROCID=2 SLURM_NTASKS=3 exits 0 "$CLIPSPAN" scan run --shard auto --json
    json call.shard 3
    JOB_COMPLETION_INDEX=6 exits 2 "$CLIPSPAN" scan run --shard auto && says "auto/N"
    JOB_COMPLETION_INDEX=6 exits 0 "$CLIPSPAN" scan run --shard auto/9 --json
    json call.shard 7
    json call.shards 9
    JOB_COMPLETION_INDEX=9 JOB_COMPLETIONS=9 exits 2 "$CLIPSPAN" scan run --shard auto
    SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 \
        exits 0 "$CLIPSPAN" scan run --shard auto --json
    json call.shard 6
    json call.shards 8
}

@test "twenty kills at random points, then the same bytes" {
    images 1500 >list
    exits 0 "$CLIPSPAN" scan "$model" - -o one -q <list
    RANDOM=7
    for i in $(seq 20); do
        "$CLIPSPAN" scan "$model" - -o run -q <list >/dev/null 2>&1 &
        pid=$!
        sleep "0.0$((RANDOM % 90 + 10))"
        kill -KILL $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
    done
    exits 0 "$CLIPSPAN" scan "$model" - -o run -q <list
    [ "$(state run)" = "$(state one)" ]
    [ -z "$(find run -name '*.part')" ]
}

@test "a signal ends after the chunks at work with 75, and the same call goes on; two end at once" {
    images 40000 >list
    local run
    # A shell without job control starts background jobs with SIGINT ignored, so it is set right here.
    for signal in INT TERM; do
        run=run$signal
        env --default-signal=INT,TERM "$CLIPSPAN" scan "$model" - -o $run --coefficients none <list >.out 2>.err &
        pid=$!
        for _ in $(seq 300); do
            [ -n "$(find $run/segments/000/packs -name '0*' 2>/dev/null | head -n 1)" ] && break
            sleep 0.02
        done
        kill -s $signal $pid
        status=0
        wait $pid || status=$?
        errors=$(<.err)
        [ "$status" = 75 ] || { echo "$signal: $status $errors" && false; }
        says "the same call goes on from there"
        [ -z "$(find $run -name '*.part')" ]
        exits 4 "$CLIPSPAN" merge $run
        says "chunks are not scanned"
    done
    env --default-signal=INT "$CLIPSPAN" scan "$model" - -o twice --coefficients none <list >.out 2>.err &
    pid=$!
    for _ in $(seq 300); do
        [ -n "$(find twice/segments/000/packs -name '0*' 2>/dev/null | head -n 1)" ] && break
        sleep 0.02
    done
    for _ in $(seq 200); do kill -s INT $pid 2>/dev/null || break; done
    status=0
    wait $pid || status=$?
    [ "$status" = 130 ] || { echo "twice: $status $(<.err)" && false; }
}

@test "images that cannot be used are counted and named, exit 3" {
    echo x >pics/red/2.jpg
    head -c 60 pics/green/1.png >pics/green/cut.png
    exits 3 "$CLIPSPAN" scan "$model" pics -o run --json
    json used 3
    json skipped 2
    says "skipped: pics/green/cut.png"
    exits 3 "$CLIPSPAN" scan "$model" pics -o run --json # and the same when there is nothing left to do
    json skipped 2
    rm pics/red/1.png
    echo longer >>pics/blue/1.png
    exits 6 "$CLIPSPAN" scan "$model" pics -o run && says "images.count \"5\""
    exits 0 "$CLIPSPAN" plan "$model" pics -o late
    rm pics/green/1.png
    echo longer >>pics/blue/1.png
    exits 4 "$CLIPSPAN" scan late && says "no usable image among"
}

@test "another model, option or list is refused with both values; --force starts anew" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    exits 6 "$CLIPSPAN" scan "$GOLDEN/openclip-wide" pics -o run && says "model.sha256"
    exits 6 "$CLIPSPAN" scan "$model" pics -o run --coefficients none
    says "coefficients \"f32\"" && says "\"none\"" && says "--force"
    exits 6 "$CLIPSPAN" scan "$model" pics/red -o run && says "images.count \"3\"; this call has \"1\""
    exits 6 "$CLIPSPAN" scan "$model" pics -o run --quick-gelu yes && says "model.activation"
    exits 4 "$CLIPSPAN" scan run --model "$GOLDEN/openclip-wide" && says "model.sha256"
    exits 2 "$CLIPSPAN" scan run --coefficients f16 && says "applies when a run is planned"
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --coefficients none --force
    exits 6 "$CLIPSPAN" scan "$model" pics -o pics --force && says "other things"
    exits 2 "$CLIPSPAN" scan pics && says "is not a run"
    exits 2 "$CLIPSPAN" scan "$model" pics && says "-o FOLDER"
    exits 2 "$CLIPSPAN" merge && says "RUN is missing"
}

@test "a dry run checks and says, and writes nothing" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o run -n --json
    json dry_run true
    json chunks 1
    exits 0 "$CLIPSPAN" plan "$model" pics -o run -n --table && shows "would plan run: 3 images in 1 chunk"
    [ ! -e run ]
}

@test "a run finds its images from anywhere, and from --root when they moved" {
    exits 0 "$CLIPSPAN" plan "$model" pics -o run
    mkdir elsewhere
    cd elsewhere
    exits 0 "$CLIPSPAN" scan ../run
    cp -r ../pics .
    exits 6 "$CLIPSPAN" scan "$model" pics -o ../run && says "images.folder" # the same names, other files
    rm -r pics
    cd ..
    exits 0 "$CLIPSPAN" plan "$model" pics -o moved
    mv pics elsewhere/pics
    exits 0 "$CLIPSPAN" scan moved --root "$PWD/elsewhere"
    # In planning, --root is where the list's paths start, and no more than that.
    printf 'path\nred/1.png\nblue/1.png\n' >list.csv
    exits 0 "$CLIPSPAN" scan "$model" list.csv --root elsewhere/pics -o listed --json
    json used 2
}

@test "a full disk is an error, exit 6, and nothing that was done is lost" {
    [ -z "${TSAN_OPTIONS:-}" ] || skip "the thread sanitizer does not start under a limit on file sizes"
    images 200 >list
    exits 0 "$CLIPSPAN" plan "$model" - -o run <list
    exits 0 "$CLIPSPAN" scan run --shard 1/3
    done=$(cd run && find chunks -type f | sort | xargs sha256sum)
    # A limit on the size of files stands for the disk: chunks do not fit, statistics do.
    run_split bash -c "ulimit -f 20; exec '$CLIPSPAN' scan run"
    [ "$status" = 6 ]
    says "cannot be written"
    [ "$(cd run && find chunks -type f | sort | xargs sha256sum)" = "$done" ]
    exits 0 "$CLIPSPAN" scan run
}

@test "layers whose coefficients are kept" {
    exits 0 "$CLIPSPAN" plan "$model" pics -o dry -n --json
    all=$("$JSON_AT" coefficients_bytes <.out)
    json first_layer 0
    last=$("$JSON_AT" last_layer <.out)
    exits 0 "$CLIPSPAN" plan "$model" pics -o dry -n --json --layers last1
    json first_layer "$last"
    json last_layer "$last"
    [ "$("$JSON_AT" coefficients_bytes <.out)" -lt "$all" ]
    [ ! -e dry ]
    exits 0 "$CLIPSPAN" plan "$model" pics -o planned --layers last1 --table && shows "of layer $last), "
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --layers last1 --json
    json first_layer "$last"
    json last_layer "$last"
    exits 0 "$CLIPSPAN" scan "$model" pics -o run --layers "$last" --table && shows "coefficients f32, of layer $last"
    exits 6 "$CLIPSPAN" scan "$model" pics -o run && says "coefficients.layers"
    exits 2 "$CLIPSPAN" scan run --layers all && says "applies when a run is planned"
    exits 2 "$CLIPSPAN" scan "$model" pics -o none --layers 7-99 && says "--layers: expected all, last4"
    exits 2 "$CLIPSPAN" scan "$model" pics -o none --layers last1 --coefficients none && says "none are"
    [ ! -e none ]
    exits 4 "$CLIPSPAN" search run --like pics/red/1.png --heads L0.H0
    says "keeps the coefficients of layers $last to $last"
    exits 0 "$CLIPSPAN" scan "$model" pics -o nothing --coefficients none --json
    if "$JSON_AT" first_layer <.out; then exit 1; fi
    "$CLIPSPAN" help --man | grep -A1 CLIPSPAN_NO_LOCK | grep -q locks
}
