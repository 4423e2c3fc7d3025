#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_commands.py PROGRAM   The demo's printed commands give the demo's figures.

Goes through the demo once, pastes every command that it printed into a shell, in another folder, and compares what the
command's document says with the figures that FOLDER/demo.json says it gives: whole numbers and texts exactly, others to
1e-6, pages likewise but for the note on the demo. What the terminal and the page show must be the same figures."""
import base64
import json
import math
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

if os.environ.get("SLOW") == "1":  # kernels forced down, second compilers: minutes, and the figures are the same
    sys.exit(77)

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
TOLERANCE = 1e-6  # of cosines and scores: a batch and a single image may round differently
NOTE = re.compile(rb"<p>This is the demo: .*?</p>", re.S)
faults = []


def find(document, path):
    """The values at a path: a.b, a.0, a[name=x,other=y], a[] (every item)."""
    values = [document]
    for name, picked in re.findall(r"([^.\[\]]+)(\[[^\]]*\])?", path):
        values = [value[int(name)] if isinstance(value, list) else value[name] for value in values
                  if isinstance(value, list) or name in value]
        if picked == "[]":
            values = [item for value in values for item in value]
        elif picked:
            wanted = dict(pair.split("=", 1) for pair in picked[1:-1].split(","))
            values = [item for value in values for item in value
                      if all(str(item.get(key)) == text for key, text in wanted.items())]
    return values


def same(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return isinstance(a, (int, float)) and isinstance(b, (int, float)) and math.isclose(a, b, rel_tol=0, abs_tol=TOLERANCE)
    return a == b


REAL = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")
MAP = re.compile(r"\"([A-Za-z0-9+/]{64,}=*)\"")


def same_map(a, b):
    """Maps of 16-bit integers: one step apart at most."""
    a, b = (base64.b64decode(text) for text in (a, b))
    if len(a) != len(b) or len(a) % 2:
        return False
    return all(abs(x[0] - y[0]) <= 1 for x, y in zip(struct.iter_unpack("<h", a), struct.iter_unpack("<h", b)))


def same_page(a, b):
    """Words and counts alike, reals and maps as near as figures are."""
    a, b = (NOTE.sub(b"", page).decode("utf-8").strip() for page in (a, b))
    maps = list(zip(MAP.findall(a), MAP.findall(b)))
    a, b = (MAP.sub("", page) for page in (a, b))
    return all(x == y or same_map(x, y) for x, y in maps) and REAL.split(a) == REAL.split(b) and \
        all(same(float(x), float(y)) for x, y in zip(REAL.findall(a), REAL.findall(b)))


def printed_commands(text):
    """Lines after "  $ ", those that go on put together."""
    return [re.sub(r" \\\n +", " ", found) for found in re.findall(r"^  \$ ((?:.* \\\n)*.*)$", text, re.M)]


def percent(share):
    text = f"{100 * share:.3g}"
    return f"{text if '.' in text or share >= 0.9995 else f'{100 * share:.1f}'} %"


def compare(chapter, story, command, shell):
    out = subprocess.run(["sh", "-c", f"{command['command']} --json -q"], capture_output=True, text=True, check=False, **shell)
    if out.returncode:
        faults.append(f"{command['command']}\n  exit {out.returncode}: {out.stderr.strip()}")
        return 0
    document, count = json.loads(out.stdout), 0
    for row in command["figures"]:
        figure, key = row["figure"], row["key"]
        if figure.startswith("file:"):
            if not same_page(*((story["folder"] / name).read_bytes() for name in (figure[5:], key))):
                faults.append(f"{command['command']}\n  {key} is not {figure[5:]}")
            count += 1
            continue
        ours = find(story, figure[1:]) if figure.startswith("/") else find(chapter, figure)
        theirs = find(document, key)
        if not ours and not theirs:  # a line that this demo does not have, such as random sets for a remedy without heads
            continue
        if len(ours) != len(theirs) or not all(map(same, ours, theirs)):
            faults.append(f"{command['command']}\n  {chapter['name']}: {figure} is {str(ours)[:200]}, its {key} is {str(theirs)[:200]}")
        count += 1
    if command["figures"] and not count:
        faults.append(f"{command['command']}\n  gives none of the chapter's figures")
    return count


PHRASES = ("of which everything is known", "nothing of photographs", "encouraged")


def check_shown(story, text):
    """The terminal's and the page's figures, by samples that both have to show."""
    chapters = {chapter["name"]: chapter for chapter in story["chapters"]}
    shares = [factor["accuracy"] for factor in chapters["sight"]["factors"]]
    shares += [group["accuracy"] for group in chapters["shortcut"]["groups"]]
    worst = [share for remedy in chapters["remedy"]["remedies"] for share in (remedy["accuracy"], remedy["worst"])]
    page = (story["folder"] / "report.html").read_text(encoding="utf-8")
    words = " ".join(text.split())
    faults.extend(f"the terminal does not say \"{phrase}\"" for phrase in PHRASES if phrase not in words)
    if not text.endswith(f"{story['page']}\n"):
        faults.append("the terminal's last line is not the page")
    faults.extend(f"the terminal does not show {percent(share)}" for share in shares + worst if percent(share) not in text)
    faults.extend(f"the page does not show {percent(share)}" for share in worst if f"{percent(share)[:-2]}" not in page)


def main():
    with tempfile.TemporaryDirectory() as base:
        folder, other, bin_folder = (pathlib.Path(base, name) for name in ("sto ry", "elsewhere", "bin"))
        other.mkdir()
        bin_folder.mkdir()
        (bin_folder / "clipspan").symlink_to(PROGRAM)
        environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "TERM": "dumb"}
        out = subprocess.run([PROGRAM, "demo", "-o", folder, "--table", "-q"], capture_output=True, text=True, check=True)
        story = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
        story["folder"] = folder
        commands = [command["command"] for chapter in story["chapters"] for command in chapter["commands"]]
        if printed_commands(out.stdout) != commands:
            faults.append("the commands on the terminal are not those of demo.json")
        check_shown(story, out.stdout)
        shell = {"cwd": other, "env": environment}
        count = sum(compare(chapter, story, command, shell) for chapter in story["chapters"] for command in chapter["commands"])
    for chapter in story["chapters"]:
        if not any(command["figures"] for command in chapter["commands"]):
            faults.append(f"{chapter['name']}: no command gives its figures")
    print(*faults or [f"{len(commands)} commands give {count} of the demo's figures"], sep="\n")
    return bool(faults)


sys.exit(main())
