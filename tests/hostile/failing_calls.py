#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""failing_calls.py PROGRAM MODEL LIBRARY [--every N]   Each write, fsync, rename, unlink, open, link and mkdir of commands
that write fails once, or kills the program there (tests/hostile/failing_calls.c).

After each failure (of an interrupted call: without one): the status is one that the program has; no file of the result is half written (it is whole, or as it
was before, or not there); the same command without the fault succeeds and gives the bytes that a run without any fault
gives; and no unfinished file is left. Q36 killed while planning, Q37 while merging, Q38 while tidying (--force).
"""
import argparse
import collections
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

if os.environ.get("SLOW") == "1":  # further compilers and kernels: it is the same that files meet
    sys.exit(77)

CALLS = ["write", "fsync", "rename", "unlink", "open", "link", "mkdir"]
# What fails how. EINTR is no failure: the call is to be made again.
HOWS = {"KILL": CALLS, "EIO": CALLS, "ENOSPC": CALLS, "EDQUOT": ["write", "rename", "mkdir"], "EINTR": ["write", "fsync"]}
STATUSES = {0, 1, 2, 3, 4, 5, 6, 7, -9}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def digest(tree):
    """Names and bytes of the results in a tree; locks and the key are none of them."""
    found = {}
    for path in sorted(tree.rglob("*")):
        if path.is_file() and path.name not in ("lock", "key"):
            found[str(path.relative_to(tree))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("library")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th call")
    options = parser.parse_args()
    program, model, library = (os.path.abspath(p) for p in (options.program, options.model, options.library))
    heads = ["--heads", "L0.H0"]
    # name, what is there before, the command, what a rerun adds, and whether it may leave no array without its rows
    work = [
        ("Q36 plan", [], ["plan", model, "pics", "-o", "out/run"], []),
        ("scan", [], ["scan", model, "pics", "-o", "out/run", "-j", "1"], []),
        ("Q37 merge", [["plan", model, "pics", "-o", "out/run"], ["scan", "out/run", "--shard", "1/1", "-j", "1"]],
         ["merge", "out/run"], []),
        ("Q38 scan --force", [["scan", model, "pics", "-o", "out/run", "--coefficients", "f16", "-j", "1"]],
         ["scan", model, "pics", "-o", "out/run", "--force", "-j", "1"], []),
        ("embed", [], ["embed", model, "pics", "-o", "out/a.npy", "-j", "1"], []),
        ("embed --force", [["embed", model, "pics/0.png", "-o", "out/a.npy"]],
         ["embed", model, "pics", "-o", "out/a.npy", "--force", "-j", "1"], []),
        ("edit", [["scan", model, "pics", "-o", "run", "-j", "1"]],
         ["edit", model, "run", *heads, "-o", "out/new", "-j", "1", "--images", "1"], []),
        ("edit --force", [["scan", model, "pics", "-o", "run", "-j", "1"],
                          ["edit", model, "run", "--heads", "L0.H1", "-o", "out/new", "-j", "1", "--images", "1"]],
         ["edit", model, "run", *heads, "-o", "out/new", "--force", "-j", "1", "--images", "1"], []),
    ]
    faults, counted = [], 0
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as place:
        top = pathlib.Path(place)
        environment = {**os.environ, "XDG_STATE_HOME": str(top / "state"), "OMP_NUM_THREADS": "1"}

        def call(command, more=None):
            return subprocess.run([program, *command], cwd=top / "work", env={**environment, **(more or {})},
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=120)

        def restore():
            shutil.rmtree(top / "work", ignore_errors=True)
            shutil.copytree(top / "before", top / "work")

        for name, before, command, _ in work:
            shutil.rmtree(top / "work", ignore_errors=True)
            (top / "work/pics").mkdir(parents=True)
            (top / "work/out").mkdir()
            for i in range(2):
                (top / f"work/pics/{i}.png").write_bytes(PNG)
            for step in before:
                done = call(step)
                assert done.returncode == 0, (step, done.stderr)
            shutil.rmtree(top / "before", ignore_errors=True)
            shutil.copytree(top / "work", top / "before")
            old = digest(top / "work/out")
            done = call(command)
            assert done.returncode == 0, (command, done.stderr)
            wanted = digest(top / "work/out")
            # case: L3 L4 L5 L6 L7 L8 L10
            restore()
            (top / "seen").unlink(missing_ok=True)
            done = call(command, {"LD_PRELOAD": library, "FAIL_HOW": "POWER", "FAIL_SEEN": str(top / "seen")})
            if done.returncode != 0 or (top / "seen").exists():
                faults.append(f"{name}: a cut of power: status {done.returncode} "
                              f"{(top / 'seen').read_text() if (top / 'seen').exists() else ''}")
            restore()
            (top / "seen").write_text("")
            call(command, {"LD_PRELOAD": library, "FAIL_HOW": "COUNT", "FAIL_SEEN": str(top / "seen")})
            numbers = collections.Counter((top / "seen").read_text())
            for how in HOWS:
                for which in HOWS[how]:
                    last = numbers[which[0]]
                    for at in sorted({*range(1, last + 1, options.every), *([last] if last else [])}):
                        restore()
                        seen = top / "seen"
                        seen.unlink(missing_ok=True)
                        done = call(command, {"LD_PRELOAD": library, "FAIL_CALL": which, "FAIL_AT": str(at),
                                              "FAIL_HOW": how, "FAIL_SEEN": str(seen)})
                        if not seen.exists():
                            continue
                        counted += 1
                        if os.environ.get("FAIL_VERBOSE"):
                            print(name, how, which, at, len(faults), file=sys.stderr, flush=True)
                        what = f"{name}: {which} {at} {how}"
                        there = digest(top / "work/out")
                        if done.returncode not in (STATUSES if how != "EINTR" else {0}):
                            faults.append(f"{what}: status {done.returncode} {done.stderr[-200:]!r}")
                        if name.startswith("embed") and "a.npy" in there:
                            pair = [there.get(n) for n in ("a.npy", "a.rows.csv")]
                            if pair not in [[tree.get(n) for n in ("a.npy", "a.rows.csv")] for tree in (old, wanted)]:
                                faults.append(f"{what}: an array without its rows")
                        if name.startswith("edit") and any(n.startswith("new/") for n in there):
                            new = {n: d for n, d in there.items() if n.startswith("new/")}
                            if set(new) != {n for n in wanted if n.startswith("new/")}:
                                faults.append(f"{what}: a checkpoint that lacks files")
                        # Killed after its last file: whole, and not to be overwritten.
                        whole = done.returncode == 0 or (name in ("embed", "edit") and set(wanted) <= set(there))
                        again = call(command + ["--force"] * (whole and "--force" not in command and command[0] != "merge"))
                        if again.returncode != 0:
                            faults.append(f"{what}: then status {again.returncode} {again.stderr[-300:]!r}")
                            continue
                        left = digest(top / "work/out")
                        different = {n for n in wanted if left.get(n) != wanted[n]} - {"new/clipspan_edit.json"}
                        more = set(left) - set(wanted)
                        if different:
                            faults.append(f"{what}: then other bytes of {sorted(different)[:3]}")
                        if more:
                            faults.append(f"{what}: then left {sorted(more)[:3]}")
            restore()
            done = call(command, {"LD_PRELOAD": library, "FAIL_HOW": "SHORT"})
            if done.returncode != 0 or {n: d for n, d in digest(top / "work/out").items()}.keys() != wanted.keys():
                faults.append(f"{name}: short writes: status {done.returncode} {done.stderr[-200:]!r}")
    for fault in faults[:60]:
        print("not ok", fault, flush=True)
    print(f"{counted} calls failed once each, {len(faults)} faults")
    return bool(faults)


sys.exit(main())
