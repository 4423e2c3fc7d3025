#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hostile_runs.py PROGRAM MODEL [--mutants N] [--seed S] [--only WORD]   Run folders as a stranger could make them.

A small run is made and changed in some two hundred ways (links, journals, schemas, sizes, cycles, devices, FIFOs, hard
links, names); each is put through report, search, scan, merge, plan and scan --force, and with --mutants N more, whose
bytes are flipped, through one command each. Looked at, for every call: its exit status is one that the program has (no
signal, no status of a sanitizer); it ends within SECONDS; it takes less than MEMORY; the tree beside the run, which the
hostile parts point to, is as it was, byte by byte; where strace is there, no file of that tree was opened, and nothing
outside the run was written, renamed or removed. Cases of docs/robustness.md have their numbers, Q1 and so on, in front.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import re
import resource
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

if os.environ.get("SLOW") == "1":  # further compilers and kernels: it is the same that files meet
    sys.exit(77)

SECONDS = float(os.environ.get("HOSTILE_SECONDS", 20))  # on a busy machine; one alone needs well below 1
MEMORY = int(os.environ.get("HOSTILE_MEMORY", 256 << 20))  # resident
STATUSES = {0, 1, 2, 3, 4, 5, 6, 7}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
PACK = "segments/000/packs/10-00000000.safetensors"
NODE = "segments/000/nodes/00-00000000.safetensors"
FILES = ["index.sqlite", "statistics.safetensors", "output_maps.safetensors", PACK, NODE]
FOLDERS = ["segments", "segments/000", "segments/000/packs", "segments/000/nodes", "results"]
cases = []


def case(name):
    """Registers make(run, outside): changes the run; `outside` is the tree that nobody may touch."""

    def add(make):
        cases.append((name, make))
        return make

    return add


def each(name, values, make):
    for value in values:
        cases.append((f"{name} {value}", lambda run, outside, value=value: make(run, outside, value)))


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink()


def index(run, *statements):
    with sqlite3.connect(run / "index.sqlite") as db:
        db.execute("PRAGMA journal_mode=OFF")
        db.execute("PRAGMA synchronous=OFF")
        for statement in statements:
            db.execute(*statement) if isinstance(statement, tuple) else db.execute(statement)
    db.close()


# ---- Journals (Q1 to Q5) ----


def journal(path, super_name, pages=1):
    """A rollback journal that names a super-journal, as SQLite's file format has it."""
    name = super_name.encode()
    total = sum(byte if byte < 128 else byte - 256 for byte in name) & 0xFFFFFFFF
    head = bytes.fromhex("d9d505f920a163d7") + struct.pack(">5I", 0, 7, pages, 512, 4096)
    tail = struct.pack(">I", 0x40000000 // 4096 + 1) + name + struct.pack(">2I", len(name), total)
    path.write_bytes(head.ljust(512, b"\0") + tail + bytes.fromhex("d9d505f920a163d7"))


each("Q1 super-journal", ["victim", "folder/victim", "pictures/a.png"],
     lambda run, out, v: journal(run / "index.sqlite-journal", str(out / v)))
each("Q2 super-journal relative", ["../outside/victim", "../../outside/victim", "lock"],
     lambda run, out, v: journal(run / "index.sqlite-journal", v))
each("Q3 journal of another database", [b"", b"\0" * 4096, b"SQLite format 3\0" * 300],
     lambda run, out, v: (run / "index.sqlite-journal").write_bytes(v))
each("Q4 write-ahead log", [b"", struct.pack(">8I", 0x377F0682, 3007000, 4096, 0, 1, 2, 3, 4), b"\xff" * 8192],
     lambda run, out, v: (run / "index.sqlite-wal").write_bytes(v))
each("Q5 shared memory", [b"", b"\0" * 32768], lambda run, out, v: (run / "index.sqlite-shm").write_bytes(v))
each("Q1 journal as a link", ["index.sqlite-journal", "index.sqlite-wal", "index.sqlite-shm"],
     lambda run, out, v: (run / v).symlink_to(out / "victim"))


@case("Q4 header says write-ahead log")
def _(run, out):
    with open(run / "index.sqlite", "r+b") as file:
        file.seek(18)
        file.write(b"\2\2")


# ---- Schemas (Q6 to Q11) ----


def generated(run, expression):
    index(run, "PRAGMA writable_schema=ON",
          ("UPDATE sqlite_schema SET sql=replace(sql,'columns TEXT NOT NULL',?) WHERE name='images'",
           [f"columns TEXT AS ({expression})"]))


each("Q6 generated column that allocates", ["hex(zeroblob(500000000))", "printf('%.900000000c','x')", "zeroblob(1000000000)"],
     lambda run, out, v: generated(run, v))
each("Q7 generated column that takes long", ["replace(hex(zeroblob(9000000)),'0','00000000')",
                                             "glob('*a*a*a*a*a*a*a*a*b',hex(zeroblob(300000)))"],
     lambda run, out, v: generated(run, v))
each("Q8 extra table", ["CREATE TABLE more(x)", "CREATE TABLE \"images \"(x)", "CREATE TABLE f(x UNIQUE)"],
     lambda run, out, v: index(run, v))
each("Q9 trigger", ["CREATE TRIGGER t AFTER INSERT ON facts BEGIN DELETE FROM images; END",
                    "CREATE TRIGGER t AFTER UPDATE ON images BEGIN UPDATE images SET status='ok'; END"],
     lambda run, out, v: index(run, v))
each("Q10 view", ["CREATE VIEW v AS SELECT 1",
                  "CREATE VIEW v AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) SELECT x FROM r"],
     lambda run, out, v: index(run, v))


@case("Q10 images is a view without end")
def _(run, out):
    index(run, "DROP TABLE images", "CREATE VIEW images AS WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r) "
          "SELECT x run_index,x list_index,0 segment,0 chunk,0 slot,'a' path,'' label,'' \"group\",1 bytes,NULL "
          "duplicate_of,'ok' status,'' error,'' columns FROM r")


each("Q11 index on an expression", ["CREATE INDEX i ON images(hex(path))", "CREATE INDEX i ON images(path) WHERE path>''"],
     lambda run, out, v: index(run, v))


@case("Q8 ten thousand tables")
def _(run, out):
    index(run, *[f"CREATE TABLE t{i}(x)" for i in range(10000)])


@case("Q8 a table of 2,000 columns with long names")
def _(run, out):
    index(run, "CREATE TABLE wide(" + ",".join(f"c{i:0400}" for i in range(1900)) + ")")


@case("schema written over")
def _(run, out):
    index(run, "PRAGMA writable_schema=ON", "UPDATE sqlite_schema SET sql=replace(sql,'NOT NULL','') WHERE name='facts'")


@case("schema that names the same root page twice")
def _(run, out):
    index(run, "PRAGMA writable_schema=ON",
          "UPDATE sqlite_schema SET rootpage=(SELECT rootpage FROM sqlite_schema WHERE name='facts') WHERE name='images'")


each("version", [0, 1, 3, -1, 2**31 - 1], lambda run, out, v: index(run, f"PRAGMA user_version={v}"))
each("application", [0, 0x63737031, -1], lambda run, out, v: index(run, f"PRAGMA application_id={v}"))

# ---- Sizes (Q12, Q13, Q25, Q26) ----

each("Q12 empty", FILES, lambda run, out, v: (run / v).write_bytes(b""))
each("Q13 Q25 terabytes of nothing", FILES, lambda run, out, v: os.truncate(run / v, 4 << 40))
each("cut to half", FILES, lambda run, out, v: os.truncate(run / v, (run / v).stat().st_size // 2))
each("cut by one byte", FILES, lambda run, out, v: os.truncate(run / v, (run / v).stat().st_size - 1))
each("longer by one byte", FILES, lambda run, out, v: os.truncate(run / v, (run / v).stat().st_size + 1))
each("not there", FILES, lambda run, out, v: (run / v).unlink())


def kept(run, text, name="effects-newest.json"):
    (run / "results").mkdir(exist_ok=True)
    (run / "results" / name).write_bytes(text if isinstance(text, bytes) else text.encode())


RESULTS = ["effects-newest.json", "ablate-newest.json", "shortcut-newest.json", "main-atlas.json", "atlas-general.json"]


def sparse_result(run, out, name):
    kept(run, "{}", name)
    os.truncate(run / "results" / name, 1 << 30)


each("Q26 result of 1 GB", RESULTS, sparse_result)
each("Q26 result of 30 million members", RESULTS, lambda run, out, v: kept(run, "[" + "{}," * 9_000_000 + "{}]", v))
each("result nested a million deep", RESULTS, lambda run, out, v: kept(run, "[" * 1_000_000, v))
each("result of other kind", RESULTS, lambda run, out, v: kept(run, '{"version":7,"statistics":[],"document":{}}', v))
each("result not UTF-8", RESULTS, lambda run, out, v: kept(run, b'{"a":"\xff\xfe"}', v))
each("row of megabytes", ["facts", "images"],
     lambda run, out, v: index(run, ("UPDATE facts SET value=? WHERE key='model.name'", ["x" * (5 << 20)]) if v == "facts"
                               else ("UPDATE images SET path=?", ["x" * (5 << 20)])))

# ---- Links, hard links, FIFOs, devices, folders, cycles (Q14 to Q21) ----


def in_place(run, name, make):
    remove(run / name)
    make(run / name)


def as_folder(path):
    path.mkdir()
    (path / "x").write_text("mine")


for n, name in [(14, f) for f in FOLDERS] + [(15, PACK), (15, NODE), (15, "statistics.safetensors"),
                                            (15, "output_maps.safetensors"), (16, "lock"), (17, "index.sqlite")]:
    # case: Q14 Q15 Q16 Q17
    cases.append((f"Q{n} {name} is a link to a file",
                  lambda run, out, name=name: in_place(run, name, lambda p: p.symlink_to(out / "victim"))))
    cases.append((f"Q{n} {name} is a link to a folder",
                  lambda run, out, name=name: in_place(run, name, lambda p: p.symlink_to(out / "folder"))))
    cases.append((f"Q{n} {name} is a link to nothing",
                  lambda run, out, name=name: in_place(run, name, lambda p: p.symlink_to(out / "new"))))
    cases.append((f"Q{n} {name} is a link to itself",
                  lambda run, out, name=name: in_place(run, name, lambda p: p.symlink_to(p.name))))
    cases.append((f"Q18 {name} is a hard link",
                  lambda run, out, name=name: in_place(run, name, lambda p: os.link(out / "victim", p))))
    cases.append((f"Q19 {name} is a FIFO", lambda run, out, name=name: in_place(run, name, os.mkfifo)))
    cases.append((f"Q20 {name} is a device",
                  lambda run, out, name=name: in_place(run, name, lambda p: p.symlink_to("/dev/zero"))))
    cases.append((f"Q21 {name} is a folder", lambda run, out, name=name: in_place(run, name, as_folder)))


def bind_socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket is short
    socket.socket(socket.AF_UNIX).bind(path.name)
    os.chdir(here)


each("a socket", ["lock", "index.sqlite", PACK], lambda run, out, v: in_place(run, v, bind_socket))


@case("Q14 results lead to a tree with names of a run")
def _(run, out):
    in_place(run, "results", lambda p: p.symlink_to(out / "looks"))


@case("Q14 segments lead to a tree with names of a run")
def _(run, out):
    in_place(run, "segments", lambda p: p.symlink_to(out / "looks"))


@case("Q14 the run in itself")
def _(run, out):
    (run / "segments" / "001").symlink_to("..")


# ---- Parts that say otherwise (Q22 to Q24, Q31) ----


def header(path, change):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    table = json.loads(data[8 : 8 + size])
    change(table)
    text = json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])


def shape(table, factor):
    for name, tensor in table.items():
        if name != "__metadata__" and tensor["shape"]:
            tensor["shape"][0] = max(0, tensor["shape"][0] * factor if factor > 0 else 0)


each("Q22 more rows", FILES[1:], lambda run, out, v: header(run / v, lambda t: shape(t, 1000)))
each("Q23 fewer rows", FILES[1:], lambda run, out, v: header(run / v, lambda t: shape(t, 0)))


def other_type(table):
    for name, tensor in table.items():
        if name != "__metadata__":
            tensor["dtype"] = {"F64": "I64", "F32": "I32", "F16": "BF16", "U8": "I8"}[tensor["dtype"]]


each("Q24 other types", FILES[1:], lambda run, out, v: header(run / v, other_type))
each("another plan", FILES[1:], lambda run, out, v: header(run / v, lambda t: t["__metadata__"].update(plan="0" * 64)))
each("header of 3 MB", FILES[1:],
     lambda run, out, v: header(run / v, lambda t: t["__metadata__"].update(more="x" * 3_000_000)))
each("header length beyond the file", FILES[1:],
     lambda run, out, v: (run / v).write_bytes(struct.pack("<Q", 2**63) + (run / v).read_bytes()[8:]))


@case("Q31 two hard links to one part")
def _(run, out):
    os.link(run / PACK, run / "segments/000/packs/00-00000000.safetensors")


# ---- Plans (Q27 to Q30), facts, segments ----

each("Q27 images outside", ["../outside/pictures/a.png", "pics/../../outside/pictures/a.png", "./../outside/victim"],
     lambda run, out, v: index(run, ("UPDATE images SET path=?", [v])))
each("Q28 absolute images", ["pictures/a.png", "victim", "folder"],
     lambda run, out, v: index(run, ("UPDATE images SET path=?", [str(out / v)])))
each("Q28 absolute root", ["", "pictures"],
     lambda run, out, v: index(run, ("UPDATE facts SET value=? WHERE key='images.folder'", [str(out / v)]),
                               "UPDATE images SET path='a.png'"))
each("Q29 FIFO as image", ["fifo"], lambda run, out, v: index(run, ("UPDATE images SET path=?", [str(out / v)])))
each("Q30 device as image", ["/dev/zero", "/dev/tty", "/proc/self/environ", "/dev/stdin"],
     lambda run, out, v: index(run, ("UPDATE images SET path=?", [v])))

FACTS = [("model.layers", "512"), ("model.heads", "65536"), ("model.embed_width", "65536"), ("model.head_width", "-1"),
         ("images.count", "10000000000"), ("images.count", "0"), ("images.used", "-1"), ("merged", "2"),
         ("coefficients", "f64"), ("coefficients.layers", "0 999"), ("readout", "mean"), ("modality", "text"),
         ("preprocess.max_pixels", "0"), ("model.path", "/dev/zero"), ("model.path", "/proc/self/mem"),
         ("plan", "x" * 4000), ("images.seal", "0" * 64), ("model.name", "\x1b]0;x\x07\x9b31m")]
for key, value in FACTS:
    cases.append((f"fact {key} {value[:20]!r}",
                  lambda run, out, key=key, value=value: index(run, ("UPDATE facts SET value=? WHERE key=?", [value, key]))))
each("segments", ["UPDATE segments SET count=4294967296", "UPDATE segments SET first=7", "DELETE FROM segments",
                  "INSERT INTO segments SELECT 1,3,9223372036854775807,1,list,plan FROM segments",
                  "UPDATE segments SET plan='../../outside'", "UPDATE segments SET segment=999999"],
     lambda run, out, v: index(run, v))
each("rows", ["DELETE FROM images", "UPDATE images SET run_index=run_index+9223372036854775000",
              "UPDATE images SET chunk=-1,slot=77", "UPDATE images SET status=x'00ff'", "UPDATE images SET columns='['",
              "UPDATE images SET bytes='many'", "UPDATE images SET list_index=-5"],
     lambda run, out, v: index(run, v))


@case("kept document that names another run")
def _(run, out):
    kept(run, json.dumps({"version": "x", "statistics": "x", "other": {"run": str(out / "folder"), "statistics": "x"},
                          "document": {}}))


# ---- Names ----

each("name beside the run's", ["notes.txt", ".hidden", "index.sqlite.bak", "a\nb", "\x1b[31m", "x" * 255,
                              ".index.sqlite.part", ".notes.1.0.part", "report.html"],
     lambda run, out, v: (run / v).write_text("mine"))
each("unfinished file that is a link", [".statistics.safetensors.1.0.part", ".index.sqlite.1.0.part",
                                      "segments/000/packs/.00-00000000.safetensors.1.0.part"],
     lambda run, out, v: (run / v).symlink_to(out / "victim"))


@case("name that no file of a run has, in folders of the run")
def _(run, out):
    for folder in FOLDERS:
        (run / folder).mkdir(parents=True, exist_ok=True)
        (run / folder / "mine.json").write_text("mine")
        (run / folder / ".mine.1.0.part").write_text("mine")


# ---- Calls ----


def build(folder, program, model):
    """The run that is changed, its images and the tree that nobody may touch."""
    pictures = folder / "pics"
    pictures.mkdir()
    for i in range(3):
        (pictures / f"{i}.png").write_bytes(PNG)
    outside = folder / "outside"
    for name in ("folder", "pictures", "looks/000/packs", "looks/000/nodes"):
        (outside / name).mkdir(parents=True)
    for name in ("victim", "folder/victim", "looks/effects-newest.json", "looks/000/packs/10-00000000.safetensors",
                 "looks/000/nodes/00-00000000.safetensors", "looks/texts-0123456789abcdef.safetensors"):
        (outside / name).write_text("of somebody " + name)
    (outside / "pictures/a.png").write_bytes(PNG)
    os.mkfifo(outside / "fifo")
    (folder / "texts.txt").write_text("".join(f"a {word} thing\n" for word in "red green blue round flat old new".split()))
    for command in (["scan", model, "pics", "-o", "base"], ["span", "base", "--texts", "texts.txt"]):
        subprocess.run([program, *command], cwd=folder, check=True, capture_output=True)
    return folder / "base", outside


def digest(tree):
    """Names, types, sizes, bytes, numbers of links and times of a tree."""
    found = hashlib.sha256()
    for path in sorted(tree.rglob("*")):
        facts = path.lstat()
        found.update(repr((str(path), facts.st_mode, facts.st_size, facts.st_mtime_ns)).encode())
        if path.is_file() and not path.is_symlink():
            found.update(path.read_bytes())
    return found.hexdigest()


WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|^(unlink|rename|mkdir|rmdir|link|symlink|truncate|chmod)")


def strange_calls(trace, run, outside, page):
    """Lines of strace that open what is outside, or change anything but the run and the page."""
    for line in trace.read_text(errors="replace").splitlines():
        line = re.sub(r"^\d+ +", "", line)
        match = re.match(r"(\w+)\((.*)\) += (-?\d+)", line)
        if not match or int(match[3]) < 0:
            continue
        call, rest = match[1], match[2]
        paths = re.findall(r'"((?:[^"\\]|\\.)*)"', rest)
        at = re.findall(r"<(/[^>]*)>", rest)
        names = [p if p.startswith("/") else os.path.join(at[0], p) if at else os.path.join(str(run.parent), p)
                 for p in paths if call != "readlink"]
        for name in names:
            name = os.path.normpath(name)
            opens = call.startswith("open") and "O_PATH" not in rest
            if opens and name.startswith(str(outside)):
                yield f"opened {name}: {line[:160]}"
            if (WRITES.search(line) and not name.startswith(str(run)) and not name.startswith(str(page))
                    and not name.startswith(("/dev/", "/proc/", "/tmp/bash", str(run.parent / "state")))
                    and (opens or not call.startswith(("open", "stat", "readlink", "exec", "access")))
                    and name != str(run.parent)):
                yield f"changed {name}: {line[:160]}"


class Caller:
    def __init__(self, program, model, folder, trace):
        self.program, self.model, self.folder, self.trace = program, model, folder, trace
        self.calls = self.slowest = self.largest = 0
        self.faults = []

    def commands(self, run, page):
        yield [self.program, "report", str(run), "-o", str(page), "--force"]
        yield [self.program, "search", str(run), "--like", "#0", "-o", str(page), "--force"]
        yield [self.program, "span", str(run), "--texts", "texts.txt", "--json"]
        yield [self.program, "merge", str(run)]
        yield [self.program, "scan", str(run)]
        yield [self.program, "plan", self.model, "pics", "-o", str(run)]
        yield [self.program, "scan", self.model, "pics", "-o", str(run), "--force"]

    def call(self, name, command, run, outside, page, before):
        log = self.folder / "trace"
        traced = ["strace", "-f", "-y", "-e", "trace=file,ftruncate", "-o", str(log)] if self.trace else []
        environment = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), "OMP_NUM_THREADS": "1",
                       "OPENBLAS_NUM_THREADS": "1", "TERM": "dumb"}
        start = time.monotonic()
        try:
            done = subprocess.Popen(traced + command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            _, said = done.communicate(timeout=60)
            status = done.returncode
        except subprocess.TimeoutExpired:
            done.kill()
            done.communicate()
            status, said = "no end", b""
        seconds = time.monotonic() - start
        self.calls += 1
        self.slowest = max(self.slowest, seconds)
        words = " ".join(command[1:3])
        if os.environ.get("HOSTILE_VERBOSE"):
            print(f"{seconds:.2f}", name, words, status, said[-150:], file=sys.stderr, flush=True)
        if status not in STATUSES:
            self.faults.append(f"{name}: {words}: status {status}: {said[-300:]!r}")
        if seconds > SECONDS * (5 if self.trace else 1):
            self.faults.append(f"{name}: {words}: {seconds:.1f} s")
        if digest(outside) != before:
            self.faults.append(f"{name}: {words}: what is outside changed")
        if self.trace:
            self.faults += [f"{name}: {words}: {line}" for line in strange_calls(log, run, outside, page.parent)]
        return status


def fresh(folder, base, make, outside):
    run = folder / "run"
    remove(run)
    shutil.copytree(base, run)
    make(run, outside)
    return run


def mutate(run, seed):
    """A few flipped, zeroed or repeated bytes of one file; of the index, pages and their heads above all."""
    rng = random.Random(seed)
    path = run / rng.choice(FILES + ["index.sqlite"] * 3)
    data = bytearray(path.read_bytes())
    head = 100 if path.name == "index.sqlite" else 8 + struct.unpack("<Q", data[:8])[0]
    for _ in range(rng.choice([1, 1, 2, 5, 20])):
        at = rng.randrange(head if rng.random() < 0.5 else len(data))
        if path.name == "index.sqlite" and rng.random() < 0.4:
            at = min(len(data) - 1, rng.randrange(len(data) // 4096) * 4096 + rng.randrange(16))
        data[at] = rng.choice([data[at] ^ 1 << rng.randrange(8), 0, 255, rng.randrange(256)])
    if rng.random() < 0.1:
        data = data[: rng.randrange(len(data))]
    path.write_bytes(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("--mutants", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--no-trace", action="store_true")
    parser.add_argument("--some", type=int, default=0, help="so many of the seven commands a case, in turn; 0: all")
    parser.add_argument("--list", action="store_true", help="names of the cases alone")
    options = parser.parse_args()
    if options.list:
        print("\n".join(name for name, _ in cases))
        return 0
    program, model = os.path.abspath(options.program), os.path.abspath(options.model)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as place:
        folder = pathlib.Path(place).resolve()
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        base, outside = build(folder, program, model)
        shutil.rmtree(folder / "state")  # the run is a stranger's from here on
        before = digest(outside)
        caller = Caller(program, model, folder, bool(shutil.which("strace")) and not options.no_trace)
        page = folder / "pages" / "page.html"
        page.parent.mkdir()
        for number, (name, make) in enumerate(cases):
            if options.only not in name:
                continue
            run = fresh(folder, base, make, outside)
            commands = list(caller.commands(run, page))
            for k in range(options.some or len(commands)):
                command = commands[(number + k) % len(commands) if options.some else k]
                caller.call(name, command, run, outside, page, before)
            if (run / "notes.txt").exists() != (name == "name beside the run's notes.txt"):
                caller.faults.append(f"{name}: a file of the user's inside the run is gone")
        caller.trace = False
        for number in range(options.mutants):
            run = fresh(folder, base, lambda run, out: mutate(run, options.seed * 10**6 + number), outside)
            command = list(caller.commands(run, page))[number % 5]
            caller.call(f"mutant {options.seed}:{number}", command, run, outside, page, before)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
        if memory > MEMORY:
            caller.faults.append(f"a call took {memory >> 20} MB")
    for fault in caller.faults:
        print("not ok", fault, flush=True)
    print(f"{len(cases)} hostile runs, {options.mutants} mutants, {caller.calls} calls, "
          f"slowest {caller.slowest:.2f} s, largest {memory >> 20} MB, {len(caller.faults)} faults")
    return bool(caller.faults)


sys.exit(main())
