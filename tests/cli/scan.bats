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
    export SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=5 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_STEP=2
    exits 0 "$CLIPSPAN" scan run --shard auto
    exits 0 "$CLIPSPAN" merge run
    [ "$(state run)" = "$(state one)" ]
    unset SLURM_ARRAY_TASK_ID SLURM_ARRAY_TASK_MIN SLURM_ARRAY_TASK_MAX SLURM_ARRAY_TASK_COUNT SLURM_ARRAY_TASK_STEP
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
    # a launcher of size 1 hides no array; ranks multiply it
    export SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=4 SLURM_ARRAY_TASK_COUNT=4
    for size in OMPI_COMM_WORLD PMI MV2_COMM_WORLD; do
        env ${size}_RANK=0 ${size}_SIZE=1 "$CLIPSPAN" scan run --shard auto --json >.out
        [ "$("$JSON_AT" call.shard <.out)/$("$JSON_AT" call.shards <.out)" = 3/4 ]
        env ${size}_RANK=1 ${size}_SIZE=2 "$CLIPSPAN" scan run --shard auto --json >.out
        [ "$("$JSON_AT" call.shard <.out)/$("$JSON_AT" call.shards <.out)" = 6/8 ]
    done
}

shard() { # shard I/N VARIABLE=VALUE... -- ARGUMENT: which shard the environment gives
    local want=$1 names=()
    shift
    while [ "$1" != -- ]; do names+=("$1") && shift; done
    run_split env "${names[@]}" "$CLIPSPAN" scan run --shard "$2" --json
    if [ "$want" = refused ]; then
        [ "$status" = 2 ] || { echo "${names[*]} --shard $2: $status $output" && exit 1; }
        return
    fi
    [ "$("$JSON_AT" call.shard <.out)/$("$JSON_AT" call.shards <.out)" = "$want" ] ||
        { echo "${names[*]} --shard $2: $want expected, found $output $errors" && exit 1; }
}

@test "a task that is submitted again does its own shard" {
    exits 0 "$CLIPSPAN" plan "$model" pics -o run
    alone=(SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_TASK_COUNT=1)
    shard 3/10 "${alone[@]}" -- auto/10
    shard refused "${alone[@]}" -- auto
    says "a part of another one"
    two=(SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=2)
    shard 7/10 SLURM_ARRAY_TASK_ID=7 "${two[@]}" -- auto/10
    shard refused SLURM_ARRAY_TASK_ID=7 "${two[@]}" -- auto
    shard refused SLURM_ARRAY_TASK_ID=7 "${two[@]}" -- auto/6
    shard refused SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=9 SLURM_ARRAY_TASK_COUNT=10 -- auto/10
    says "numbered from 1"
    shard 1/10 SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=9 SLURM_ARRAY_TASK_COUNT=10 -- auto
    shard 2/3 SLURM_ARRAY_TASK_ID=11 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=21 SLURM_ARRAY_TASK_COUNT=3 \
        SLURM_ARRAY_TASK_STEP=10 -- auto
    shard 8/12 "${alone[@]}" PMI_RANK=1 PMI_SIZE=3 -- auto/12
}

@test "batch systems and launchers that --shard auto knows" {
    exits 0 "$CLIPSPAN" plan "$model" pics -o run
    shard 2/4 SGE_TASK_ID=2 SGE_TASK_FIRST=1 SGE_TASK_LAST=4 SGE_TASK_STEPSIZE=1 -- auto
    shard refused SGE_TASK_ID=undefined -- auto
    shard 5/9 PBS_ARRAY_INDEX=5 -- auto/9
    shard refused PBS_ARRAY_INDEX=5 -- auto
    shard 5/9 PBS_ARRAYID=5 -- auto/9
    shard 3/8 LSB_JOBINDEX=3 LSB_JOBINDEX_END=8 LSB_JOBINDEX_STEP=1 -- auto
    shard refused LSB_JOBINDEX=0 -- auto
    shard 4/7 AWS_BATCH_JOB_ARRAY_INDEX=3 AWS_BATCH_JOB_ARRAY_SIZE=7 -- auto
    shard 4/7 BATCH_TASK_INDEX=3 BATCH_TASK_COUNT=7 -- auto
    shard 1/7 CLOUD_RUN_TASK_INDEX=0 CLOUD_RUN_TASK_COUNT=7 -- auto
    shard 3/4 MV2_COMM_WORLD_RANK=2 MV2_COMM_WORLD_SIZE=4 -- auto
    shard 3/4 PALS_RANKID=2 PALS_SIZE=4 -- auto
    shard 3/4 FLUX_TASK_RANK=2 FLUX_JOB_SIZE=4 -- auto
    shard 3/4 RANK=2 WORLD_SIZE=4 -- auto
    shard 3/6 PMIX_RANK=2 -- auto/6
    shard refused PMIX_RANK=2 -- auto
    shard 6/8 JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=4 RANK=1 WORLD_SIZE=2 GROUP_WORLD_SIZE=1 -- auto
    shard 6/8 JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=4 RANK=5 WORLD_SIZE=8 GROUP_WORLD_SIZE=4 -- auto
}

@test "skipped images end no shard; status counts them" {
    printf 'broken' >pics/red/2.png
    images 300 >list
    printf 'pics/red/2.png\npics/red/none.png\n' >>list
    exits 0 "$CLIPSPAN" plan "$model" - -o run <list
    exits 0 "$CLIPSPAN" status run --json
    json left 302
    json chunks_done 0
    exits 0 "$CLIPSPAN" status run --shards 3 --array
    [ "$output" = 1-3 ]
    exits 2 "$CLIPSPAN" status run --array
    exits 2 "$CLIPSPAN" scan run --strict && says "for a shard"
    exits 0 "$CLIPSPAN" scan run --shard 2/3
    exits 0 "$CLIPSPAN" status run --shards 3 --array
    [ "$output" = 1,3 ]
    exits 0 "$CLIPSPAN" scan run --shard 1/3
    exits 0 "$CLIPSPAN" scan run --shard 3/3
    exits 0 "$CLIPSPAN" status run --shards 3 --array
    [ -z "$output" ]
    exits 0 "$CLIPSPAN" status run --table
    shows "next: clipspan merge run"
    exits 0 "$CLIPSPAN" status run --tsv
    [ "$(sed -n 2p .out | cut -f3-6)" = "$(printf '302\t300\t2\t0')" ]
    exits 3 "$CLIPSPAN" merge run
    exits 0 "$CLIPSPAN" status run --json
    json merged true
    json reasons.missing 1
    json reasons.unsupported 1
    # one that has nothing left needs no model
    cp -r "$model" copy
    exits 0 "$CLIPSPAN" plan copy - -o again <list
    for i in 1 2 3; do "$CLIPSPAN" scan again --shard $i/3 --strict -q || [ $? = 3 ]; done
    rm -r copy
    exits 0 "$CLIPSPAN" scan again --shard 2/3 --json
    json call.images 0
}

@test "four that start at once wait for the first one's plan" {
    images 2000 >list
    for i in 1 2 3 4; do "$CLIPSPAN" scan "$model" - -o run --shard $i/4 -q <list 2>.err$i & pids[i]=$!; done
    for i in 1 2 3 4; do wait "${pids[i]}" || { echo "shard $i: $(cat .err$i)" && false; }; done
    exits 0 "$CLIPSPAN" merge run -q
    exits 0 "$CLIPSPAN" scan "$model" - -o one -q <list
    [ "$(state run)" = "$(state one)" ]
}

@test "SIGTERM before the work begins is 75 too" {
    images 1500 >list
    for wait in 0.01 0.02 0.03 0.05 0.1; do
        "$CLIPSPAN" scan "$model" - -o run -q <list &
        pid=$!
        sleep $wait
        kill -TERM $pid 2>/dev/null || true
        code=0
        wait $pid || code=$?
        case $code in 0 | 75 | 143) ;; *) echo "after $wait: $code" && false ;; esac
        [ $code != 143 ] || [ $wait = 0.01 ] || [ $wait = 0.02 ] # before main, a signal ends any program
    done
}

@test "stopped again and again while it plans, scans or merges, each stop is 75, and the bytes are the same" {
    [ -z "${SLOW:-}" ] || skip "takes minutes in this build"
    images 10000 >list
    exits 0 "$CLIPSPAN" scan "$model" - -o one --coefficients none -q <list
    RANDOM=5
    local stops=0 signal
    for _ in $(seq 12); do
        signal=$((RANDOM % 2 ? 2 : 15))
        env --default-signal=INT,TERM "$CLIPSPAN" scan "$model" - -o run --coefficients none -q <list >/dev/null 2>&1 &
        pid=$!
        sleep "0.$((RANDOM % 20 + 10))" # main has begun
        kill -s $signal $pid 2>/dev/null || true
        status=0
        wait $pid || status=$?
        case $status in 0 | 75) ;; *) echo "signal $signal: $status" && false ;; esac
        [ $status = 0 ] || stops=$((stops + 1))
    done
    [ $stops -gt 0 ]
    exits 0 "$CLIPSPAN" scan "$model" - -o run --coefficients none -q <list
    cmp run/statistics.safetensors one/statistics.safetensors
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
    # Whoever ends at once joins no thread.
    env --default-signal=INT TSAN_OPTIONS="${TSAN_OPTIONS:-}:report_thread_leaks=0" \
        "$CLIPSPAN" scan "$model" - -o twice --coefficients none <list >.out 2>.err &
    pid=$!
    for _ in $(seq 300); do
        [ -n "$(find twice/segments/000/packs -name '0*' 2>/dev/null | head -n 1)" ] && break
        sleep 0.02
    done
    for _ in $(seq 200); do
        kill -s INT $pid 2>/dev/null || break
        sleep 0 # signals sent at one go arrive as one
    done
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
