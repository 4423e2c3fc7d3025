#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bundle.py FOLDER   The wheel that needs NumPy alone: what backend.py packs, liblapacke beside the library, which loads it
when the first eigen-problem comes (src/tensor/lapack.c), and what both link, which auditwheel copies and renames.
The licences of the Debian packages that these come from are in its dist-info. scripts/build-wheel has auditwheel and
patchelf ready; the wheel's name is printed."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import backend

# What every Linux has that the wheel's tag stands for (PEP 600), and what auditwheel therefore leaves out.
OF_THE_SYSTEM = {"libc", "libm", "libdl", "librt", "libpthread", "ld-linux-x86-64", "ld-linux-aarch64", "libstdc++",
                 "libgcc_s", "libz"}
MOST_BYTES = 50_000_000


def fail(message):
    sys.exit(f"build-wheel: {message}")


def run(*command):
    done = subprocess.run([str(item) for item in command], capture_output=True, text=True, check=False)
    if done.returncode:
        fail(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def stem(path):
    """libdnnl of /usr/lib/libdnnl.so.2.6 and of libdnnl-1a2b3c4d.so.2.6, as auditwheel names it."""
    return re.sub(r"-[0-9a-f]{8}(?=\.|$)", "", Path(path).name.split(".so")[0])


def find_late_library(library):
    """What the library loads late: the path of liblapacke.so.3, None where it has eigen-problems of its own."""
    if b"liblapacke.so.3" not in library.read_bytes():
        return None
    compiler = os.environ.get("CC", "cc").split()[0]
    path = Path(run(compiler, "-print-file-name=liblapacke.so.3").strip())
    if not path.is_absolute():
        fail("liblapacke.so.3 is loaded by the library and was not found; scripts/install-deps installs it")
    return path.resolve()


def list_linked(paths):
    """Paths of all libraries that these need, those of every system left out."""
    found = {}
    for path in paths:
        for name, place in re.findall(r"(\S+) => (/\S+)", run("ldd", path)):
            if stem(name) not in OF_THE_SYSTEM:
                path = Path(place).resolve()
                found[stem(path)] = path
    return found


def find_package(path):
    """The Debian package of a file; a file of /usr/lib is known as one of /lib there, or the reverse."""
    known = [str(path), f"/usr{path}", re.sub("^/usr", "", str(path))]
    for name in known:
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    return None


def list_licences(paths):
    info = f"clipspan-{backend.read_version()}.dist-info/licenses"
    for package in sorted({find_package(path) or fail(f"{path} is of no Debian package: its licence is not known")
                           for path in paths}):
        text = Path("/usr/share/doc", package, "copyright")
        if not text.is_file():
            fail(f"{text}: the licence of a library that would be bundled is missing")
        yield f"{info}/{package}", text.read_bytes()


def pack(folder, scratch):
    """The wheel before auditwheel."""
    library = Path(scratch, "libclipspan.so.0")
    shutil.copyfile(backend.build_library(), library)
    late = find_late_library(library)
    linked = list_linked([library, *([late] if late else [])])
    licences = list(list_licences([*linked.values(), *([late] if late else [])]))
    run("patchelf", "--set-rpath", "$ORIGIN", library)
    files = [*backend.list_modules(), ("clipspan/libclipspan.so.0", library.read_bytes()), *backend.list_data()]
    if late:
        files.append(("clipspan/liblapacke.so.3", late.read_bytes()))
    name = backend.write_wheel(scratch, [*files, *licences])
    return Path(scratch, name), set(linked)


def check(wheel, linked):
    """What was bundled is what is linked, and it is no larger than promised."""
    with zipfile.ZipFile(wheel) as archive:
        bundled = {stem(name) for name in archive.namelist() if re.match("clipspan.libs/.", name)}
    if bundled != linked:
        fail(f"{wheel.name} bundles {', '.join(sorted(bundled))}; expected {', '.join(sorted(linked))}")
    size = wheel.stat().st_size
    if size > MOST_BYTES:
        fail(f"{wheel.name} has {size / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:.0f}")
    print(f"{wheel.name}: {size / 1e6:.1f} MB; with liblapacke and {', '.join(sorted(bundled))}", file=sys.stderr)


def main():
    if len(sys.argv) != 2:
        fail("expected one folder for the wheel")
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        packed, linked = pack(folder, scratch)
        repaired = Path(scratch, "repaired")
        run("auditwheel", "repair", packed, "-w", repaired)
        made = next(repaired.glob("*.whl"))
        check(made, linked)
        shutil.copyfile(made, folder / made.name)
    print(folder / made.name)


if __name__ == "__main__":
    main()
