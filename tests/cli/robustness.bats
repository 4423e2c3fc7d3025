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
