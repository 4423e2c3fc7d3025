# SPDX-License-Identifier: MIT
# Named cases of tests/robustness/cases.txt that are about the program as a whole: foreign archives, signals, links, limits.
load helper

# zip NAME: python3's zip file with one entry; what is refused is refused by its first bytes, none is unpacked.
make_zip() { # make_zip FILE ENTRY BYTES
    python3 - "$@" <<'PYTHON'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr(sys.argv[2], bytes(int(sys.argv[3])))
PYTHON
}

# refused WORDS COMMAND...: exit 4 within five seconds and 256 MB, with WORDS.
refused() {
    local words=$1
    shift
    exits 4 bash -c 'ulimit -t 5; exec "$@"' _ "$@"
    says "$words"
}

state() { (cd "$1" && find segments output_maps.safetensors statistics.safetensors -type f | sort | xargs sha256sum | sha256sum); }

images() { yes "$(printf 'pics/red/1.png\npics/green/1.png\npics/blue/1.png')" | head -n "$1"; }

@test "B4: a pickle named .safetensors is refused by its content" {
    python3 -c 'import pickle; open("m.safetensors", "wb").write(pickle.dumps({"a": [1, 2]}))'
    refused "m.safetensors" "$CLIPSPAN" info m.safetensors --config ViT-B-16
}

@test "B5: an archive that unpacks to a gigabyte is refused unread" {
    make_zip bomb.npz a.npy 200000000
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    refused "bomb.npz" "$CLIPSPAN" effects run --class red --class blue --classifier bomb.npz
    mv bomb.npz bomb.safetensors
    refused "bomb.safetensors" "$CLIPSPAN" info bomb.safetensors --config ViT-B-16
}

@test "B6: a pickle that would run a command runs nothing" {
    python3 - <<'PYTHON'
import os, pickle
class Evil:
    def __reduce__(self):
        return (os.system, ("touch marker",))
for name in ("m.pt", "m.safetensors", "m.npy"):
    open(name, "wb").write(pickle.dumps(Evil()))
PYTHON
    refused "m.pt" "$CLIPSPAN" info m.pt
    refused "m.safetensors" "$CLIPSPAN" info m.safetensors --config ViT-B-16
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    refused "m.npy" "$CLIPSPAN" effects run --class red --class blue --classifier m.npy
    [ ! -e marker ]
}

@test "B7: an archive whose entry climbs out of its folder writes nothing" {
    mkdir inside
    make_zip inside/m.pt ../../outside 10
    refused "m.pt" "$CLIPSPAN" info inside/m.pt
    [ ! -e outside ] && [ ! -e ../outside ]
}

@test "B8: an archive with zip64 sizes that are not true is refused" {
    make_zip m.npz a.npy 1000
    printf '\377\377\377\377\377\377\377\377' | dd of=m.npz bs=1 seek=18 conv=notrunc 2>/dev/null
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    refused "m.npz" "$CLIPSPAN" effects run --class red --class blue --classifier m.npz
}

@test "L15: SIGHUP ends the program as SIGTERM does and leaves nothing behind" {
    yes "a photo of a dog" | head -n 300000 >texts.txt
    "$CLIPSPAN" embed "$model" --texts texts.txt -o a.npy -q &
    local pid=$! code=0
    sleep 0.3
    kill -HUP $pid
    wait $pid || code=$?
    [ $code -eq 143 ] || { echo "ended with $code"; return 1; }
    [ ! -e a.npy ]
    [ -z "$(find . -name '.*.part')" ]
}

@test "L17: an output folder that is a link is filled where it leads" {
    mkdir real
    ln -s real maps
    exits 0 "$CLIPSPAN" heatmap "$model" pics --text red -o maps -f
    [ -L maps ] && [ -f real/rows.csv ]
}

@test "L18: an output on another file system than its working folder" {
    [ -w /dev/shm ] || skip "no second file system"
    local elsewhere
    elsewhere=$(mktemp -d /dev/shm/clipspan.XXXXXX)
    exits 0 "$CLIPSPAN" embed "$model" pics -o "$elsewhere/a.npy"
    exits 0 "$CLIPSPAN" embed "$model" pics -o a.npy
    cmp a.npy "$elsewhere/a.npy"
    rm -r "$elsewhere"
}

@test "L29: an image that is deleted after the list was made is skipped, exit 3" {
    exits 0 "$CLIPSPAN" plan "$model" pics -o run
    rm pics/red/1.png
    exits 3 "$CLIPSPAN" scan run
    says "pics/red/1.png"
}

@test "L30: inputs that may not be written are read and stay as they are" {
    cp -r "$model" m
    find m pics -type f -exec sha256sum {} + | sort >before
    chmod -R a-w m pics
    exits 0 "$CLIPSPAN" scan m pics -o run
    exits 0 "$CLIPSPAN" embed m pics -o a.npy
    find m pics -type f -exec sha256sum {} + | sort | cmp - before
    [ -z "$(find m pics -newer before)" ]
    chmod -R u+w m pics
}

@test "O3: a limit on the size of files is an error of writing, exit 6" {
    [ -z "${TSAN_OPTIONS:-}" ] || skip "the thread sanitizer does not start under a limit on file sizes"
    yes "a photo of a dog" | head -n 500 >texts.txt
    exits 6 bash -c 'ulimit -f 8; exec "$@"' _ "$CLIPSPAN" embed "$model" --texts texts.txt -o a.npy
    nothing_left
}

@test "L6: an image's read that a signal interrupts is made again, without waiting" {
    [ -n "$FLAKY" ] || skip
    local call
    exits 0 "$CLIPSPAN" embed "$model" pics -o whole.npy
    for call in open read; do
        exits 0 env LD_PRELOAD="$FLAKY" FLAKY_PATH=green/1.png FLAKY_CALL=$call FLAKY_ERRNO=4 FLAKY_TIMES=3 \
            "$CLIPSPAN" embed "$model" pics -o a.npy --force
        cmp a.npy whole.npy
    done
}

@test "L24: a clock that jumps by years, or stands still, changes nothing" {
    [ -n "$FLAKY" ] || skip
    images 200 >list
    exits 0 "$CLIPSPAN" scan "$model" - -o clean -j 2 <list
    # progress is what looks at clocks most
    exits 0 env LD_PRELOAD="$FLAKY" FLAKY_CLOCK=1 timeout 60 "$CLIPSPAN" scan "$model" - -o run -j 2 --progress plain <list
    [ "$(state run)" = "$(state clean)" ]
    exits 0 env LD_PRELOAD="$FLAKY" FLAKY_CLOCK=1 timeout 60 "$CLIPSPAN" scan "$model" - -o run -j 2 --json <list
    json call.chunks_before 7
}

few() { # few N COMMAND...: with N descriptors, three of them taken
    # shellcheck disable=SC2016
    bash -c 'for fd in {3..31}; do eval "exec $fd>&-"; done; ulimit -n $1; shift; exec "$@"' _ "$@"
}

@test "O2: sixteen descriptors are enough for four threads; with fewer no part of a run is taken for lost" {
    local count
    exits 0 "$CLIPSPAN" scan "$model" pics -o clean -j 4
    exits 0 few 16 "$CLIPSPAN" scan "$model" pics -o run -j 4
    [ "$(state run)" = "$(state clean)" ]
    printf 'red\nblue\n' >texts.txt
    exits 0 few 16 "$CLIPSPAN" report run --texts texts.txt -o page.html
    exits 0 few 16 "$CLIPSPAN" embed "$model" pics -o a.npy -j 4
    for count in 6 7 8 9 10 11 12; do
        rm -rf run
        exits 0 "$CLIPSPAN" plan "$model" pics -o run
        exits 0 "$CLIPSPAN" scan run --shard 1/1
        run_split few $count "$CLIPSPAN" merge run
        case $status in 0 | 4 | 6 | 7) ;; 127) continue ;; *) echo "$count: $status $errors" && false ;; esac
        [ "$status" = 0 ] || says "Too many open files"
        exits 0 "$CLIPSPAN" merge run
        [ "$(state run)" = "$(state clean)" ]
    done
}

@test "O5: a folder of many files is listed in memory that names alone need" {
    [ -z "${TSAN_OPTIONS:-}${ASAN_OPTIONS:-}" ] || skip "sanitizers take memory of their own"
    # 100,000 here; scripts/release-check sets a million. A file is listed with its path, about 100 bytes of it.
    local count=${O5_FILES:-100000}
    [ -z "${SLOW:-}" ] || count=5000
    python3 - "$count" <<'PYTHON'
import os, sys
for i in range(int(sys.argv[1])):
    folder = f"many/{i // 5000}"
    if i % 5000 == 0:
        os.makedirs(folder)
        open(f"{folder}/a.png", "wb").write(open("pics/red/1.png", "rb").read())
    os.link(f"{folder}/a.png", f"{folder}/{i:07}.png")
PYTHON
    python3 - "$count" "$CLIPSPAN" plan "$model" many -o run <<'PYTHON'
import os, resource, subprocess, sys
peak = []
for command in ([*sys.argv[2:6], "-o", "small"], sys.argv[2:]):
    if command[-1] == "small":
        command[3] = "pics"
    pid = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(pid.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
    peak.append(used.ru_maxrss * 1024)
each = (peak[1] - peak[0]) / int(sys.argv[1])
print(f"{each:.0f} bytes a file", peak)
sys.exit(each > 1024)
PYTHON
}

@test "O8: a /dev/shm that nothing can be made in is not needed" {
    ldd "$CLIPSPAN" | grep -q libomp && skip "LLVM's OpenMP, which clang links, does not start without it"
    unshare -rm mount -t tmpfs -o ro none /dev/shm 2>/dev/null || skip "no namespace of mounts"
    exits 0 "$CLIPSPAN" scan "$model" pics -o clean -j 2
    exits 0 unshare -rm sh -c 'mount -t tmpfs -o ro none /dev/shm && ! touch /dev/shm/x 2>/dev/null && exec "$@"' _ \
        "$CLIPSPAN" scan "$model" pics -o run -j 2
    cmp run/statistics.safetensors clean/statistics.safetensors
}

@test "Q22 Q23 Q24: parts with more rows, fewer rows or other types are made again, and said" {
    local change
    images 40 >list
    exits 0 "$CLIPSPAN" scan "$model" - -o clean <list
    for change in "t['shape'][0] *= 1000" "t['shape'][0] = 0" "t['dtype'] = {'F64': 'I64', 'F32': 'I32'}.get(t['dtype'], 'U8')"; do
        rm -rf run
        exits 0 "$CLIPSPAN" plan "$model" - -o run <list
        exits 0 "$CLIPSPAN" scan run --shard 1/1
        python3 - "$change" <<'PYTHON'
import glob, json, struct, sys
for path in glob.glob("run/segments/000/packs/*"):
    data = open(path, "rb").read()
    (size,) = struct.unpack("<Q", data[:8])
    table = json.loads(data[8:8 + size])
    for name, t in table.items():
        if name != "__metadata__" and t["shape"]:
            exec(sys.argv[1])
    text = json.dumps(table).encode()
    open(path, "wb").write(struct.pack("<Q", len(text)) + text + data[8 + size:])
PYTHON
        run_split "$CLIPSPAN" merge run
        [ "$status" = 4 ] || { echo "$change: $status $output $errors" && false; }
        exits 0 "$CLIPSPAN" scan run
        [ "$(state run)" = "$(state clean)" ]
    done
}

@test "Q27 Q28 Q29 Q30: images that a run of someone else lists outside its folder are not opened" {
    command -v strace >/dev/null || skip "no strace"
    [ -z "${TSAN_OPTIONS:-}${ASAN_OPTIONS:-}" ] || skip "sanitizers do not work under strace"
    local path
    mkfifo fifo
    cp pics/red/1.png outside.png
    exits 0 "$CLIPSPAN" plan "$model" pics -o plan
    # the run is made by another user's program, and its list says otherwise
    for path in ../outside.png pics/../outside.png "$PWD/outside.png" "$PWD/fifo" ../fifo /dev/zero; do
        rm -rf run
        cp -r plan run
        python3 - "$path" <<'PYTHON'
import sqlite3, sys
index = sqlite3.connect("run/index.sqlite")
index.execute("UPDATE images SET path=?", [sys.argv[1]])
index.commit()
PYTHON
        exits 2 env XDG_STATE_HOME="$PWD/other" timeout 20 "$CLIPSPAN" scan run
        says "was not planned by this user on this machine"
        run_split env XDG_STATE_HOME="$PWD/other" timeout 20 strace -f -e trace=openat,open,openat2 -o trace \
            "$CLIPSPAN" scan run --root "$PWD/pics"
        [ "$status" = 2 ] || [ "$status" = 3 ] || [ "$status" = 4 ] || { echo "$path: $status $output $errors" && false; }
        ! grep -E '(outside\.png|fifo|/dev/zero)".* = [0-9]' trace || false
    done
}

@test "Q32: a run inside its own inputs is none of them" {
    exits 0 "$CLIPSPAN" scan "$model" pics -o clean
    exits 0 "$CLIPSPAN" scan "$model" pics -o pics/run --json
    json images 3
    exits 0 "$CLIPSPAN" scan "$model" pics -o pics/run --json
    json images 3
    json call.chunks_before 1
    [ "$(state pics/run)" = "$(state clean)" ]
    exits 0 "$CLIPSPAN" scan "$model" pics -o pics/run --force
    [ -f pics/red/1.png ] && [ "$(state pics/run)" = "$(state clean)" ]
}

@test "Q33: a run that may not be written is read; what would write it says so" {
    local as=()
    [ "$(id -u)" != 0 ] || as=(setpriv "--bounding-set=-dac_override,-dac_read_search")
    printf 'red\nblue\n' >texts.txt
    exits 0 "$CLIPSPAN" scan "$model" pics -o run
    find run -type f -exec sha256sum {} + | sort >before
    chmod -R a-w run
    ! "${as[@]}" touch run/x 2>/dev/null || { chmod -R u+w run && skip "everything may be written"; }
    exits 0 "${as[@]}" "$CLIPSPAN" report run --texts texts.txt -o page.html
    exits 0 "${as[@]}" "$CLIPSPAN" search run --like pics/red/1.png
    exits 0 "${as[@]}" "$CLIPSPAN" span run --texts texts.txt
    run_split "${as[@]}" "$CLIPSPAN" scan run
    [ "$status" = 6 ] && says "run: cannot be written: Permission denied"
    run_split "${as[@]}" "$CLIPSPAN" extend run pics
    [ "$status" = 6 ]
    find run -type f -exec sha256sum {} + | sort | cmp - before
    chmod -R u+w run
}
