# SPDX-License-Identifier: MIT
"""Golden standard output: reads `cases`, makes the fixtures, runs the program, masks what depends on the machine."""
import concurrent.futures
import fcntl
import os
import pathlib
import pty
import re
import shlex
import shutil
import struct
import subprocess
import tempfile
import termios

import fixtures

HERE = pathlib.Path(__file__).resolve().parent
EXPECTED = HERE / "expected"
WIDTHS = {"narrow": 60, "wide": 160}
FORMS = ["narrow", "wide", "json", "tsv", "pipe"]
# What one computation prints is the same on every x86-64 machine with the same libraries: one thread, and kernels of
# LAPACK (OpenBLAS) and libm (glibc) that every such CPU has.
REFERENCE = {
    "CLIPSPAN_CPU": "generic",
    "OPENBLAS_CORETYPE": "Prescott",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX512F,-FMA,-FMA4",
}
PASSED_ON = ("CLIPSPAN_CPU", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
             "OMP_TOOL_LIBRARIES")


def threads():
    return max(1, len(os.sched_getaffinity(0)))


class Case:
    def __init__(self, name, forms, words, slow):
        self.name, self.forms, self.words, self.slow = name, forms, words, slow


def read_cases():
    """The lines of `cases`: the steps that make the runs, and the cases."""
    steps, cases = [], []
    for number, line in enumerate((HERE / "cases").read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|", 2)]
        if len(fields) != 3:
            raise SystemExit(f"cases:{number}: NAME | FORMS | COMMAND LINE expected")
        name, forms, words = fields[0], fields[1].split(), shlex.split(fields[2])
        slow = "slow" in forms
        if name == "setup":
            steps.append(Case("delete" if "delete" in forms else "run", [], words, slow))
            continue
        forms = [form for form in forms if form != "slow"]
        forms = ["narrow", "wide", "json", "tsv"] if forms == ["all"] else forms
        if not forms or set(forms) - set(FORMS):
            raise SystemExit(f"cases:{number}: forms are all, {', '.join(FORMS)}, slow; found {fields[1]}")
        if any(case.name == name for case in cases):
            raise SystemExit(f"cases:{number}: there are two cases {name}")
        cases.append(Case(name, forms, words, slow))
    return steps, cases


def read_masks():
    """The rules of `masks`: what depends on machine, time or place, and what stands in its place."""
    rules = []
    for number, line in enumerate((HERE / "masks").read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 3:
            raise SystemExit(f"masks:{number}: CASES, tab, PATTERN, tab, REPLACEMENT expected")
        rules.append((re.compile(fields[0]), re.compile(fields[1], re.M), fields[2]))
    return rules


def environment(data, scratch, exact):
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    env.update(PATH=os.environ.get("PATH", ""), LC_ALL="C.UTF-8", TERM="dumb", HOME=str(scratch),
               CLIPSPAN_DATA=str(data), CLIPSPAN_PROGRESS="none", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    if exact:
        env.update(REFERENCE)
    return env


def run_terminal(command, columns, cwd, env):
    """Exit status, standard output and standard error of a command whose standard output is a terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    modes = termios.tcgetattr(slave)
    modes[1] &= ~termios.OPOST  # lines end as they are written
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    out = b""
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=errors, cwd=cwd, env=env) as child:
            os.close(slave)
            while True:
                try:
                    block = os.read(master, 65536)
                except OSError:  # EIO: nobody holds the other end
                    break
                if not block:
                    break
                out += block
        os.close(master)
        errors.seek(0)
        return child.returncode, out, errors.read()


def run_pipe(command, cwd, env):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, cwd=cwd, env=env, check=False)
    return done.returncode, done.stdout, done.stderr


def copy_fixture(base, to, words):
    """A folder of its own for one command: runs that it names are copied, everything else is linked."""
    to.mkdir()
    for entry in base.iterdir():
        if entry.name.startswith("run") and entry.name in words:
            shutil.copytree(entry, to / entry.name)
        else:
            (to / entry.name).symlink_to(entry)


class Runner:
    def __init__(self, program, data, exact):
        self.program, self.exact = os.path.abspath(program), exact
        self.data = pathlib.Path(data).resolve()
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="clipspan-output-")).resolve()
        self.base = self.scratch / "base"
        self.env = environment(self.data, self.scratch, exact)
        self.masks = read_masks()

    def prepare(self, steps):
        self.base.mkdir()
        fixtures.make(self.base, self.data / "demo", HERE.parent / "golden" / "openclip-odd")
        env = {**self.env, "OMP_NUM_THREADS": str(threads())}  # a run has the same bytes for any number of threads
        for step in steps:
            if step.name == "delete":
                for name in step.words:
                    (self.base / name).unlink()
                continue
            code, _, errors = run_pipe([self.program] + step.words, self.base, env)
            if code not in (0, 3):  # 3: an image of the list was skipped
                raise SystemExit(f"output: exit {code} from clipspan {shlex.join(step.words)}\n{errors.decode()}")

    def mask(self, name, text):
        text = text.replace(str(self.base), "SCRATCH").replace(str(self.data), "DATA")
        text = re.sub(re.escape(str(self.scratch)) + r"/\d{4}", "SCRATCH", text)
        for cases, pattern, replacement in self.masks:
            if cases.fullmatch(name):
                text = pattern.sub(replacement, text)
        return text

    def run(self, index, case, form):
        """What the case prints: {file name: text}, masked. Standard error and exit status are a file of their own."""
        folder = self.scratch / f"{index:04d}"
        copy_fixture(self.base, folder, case.words)
        command = [self.program] + case.words
        if form in WIDTHS:
            code, out, errors = run_terminal(command, WIDTHS[form], folder, self.env)
        else:
            code, out, errors = run_pipe(command + ([] if form == "pipe" else ["--" + form]), folder, self.env)
        shutil.rmtree(folder)
        name = f"{case.name}.{form}"
        files = {name: self.mask(case.name, out.decode("utf-8", "backslashreplace"))}
        if code or errors:
            said = self.mask(case.name, errors.decode("utf-8", "backslashreplace"))
            files[name + ".err"] = f"exit {code}\n{said}"
        return files

    def run_all(self, cases):
        work = [(case, form) for case in cases for form in case.forms]
        with concurrent.futures.ThreadPoolExecutor(threads()) as pool:
            results = pool.map(lambda item: self.run(item[0], *item[1]), enumerate(work))
            for (case, form), files in zip(work, results):
                yield case, form, files

    def commands(self):
        """Names of the commands that `clipspan help` lists, and whether each has --json and --tsv."""
        overview = run_pipe([self.program, "help"], self.scratch, self.env)[1].decode()
        names = re.findall(r"^  ([a-z][a-z-]*) {2,}\S", overview, re.M)
        pages = {name: run_pipe([self.program, "help", name], self.scratch, self.env)[1].decode() for name in names}
        return {name: [form for form in ("json", "tsv") if re.search(rf"--{form}\b", page)]
                for name, page in pages.items()}

    def product(self):
        """What multiplies matrices in this program."""
        out = run_pipe([self.program, "version", "--tsv"], self.scratch, self.env)[1].decode()
        return re.search(r"^products\t(.*)$", out, re.M)[1]

    def close(self):
        shutil.rmtree(self.scratch)


def with_help(cases, commands):
    """The cases, and the help of every command."""
    return cases + [Case(f"help-{name}", ["pipe"], ["help", name], False) for name in sorted(commands)]


def strays(cases):
    """Files of expected/ that no case writes."""
    known = {f"{case.name}.{form}{end}" for case in cases for form in case.forms for end in ("", ".err")}
    return [f"expected/{file.name} belongs to no case" for file in sorted(EXPECTED.iterdir()) if file.name not in known]


def faults_of_list(cases, commands):
    """Commands that no case runs in each of their forms."""
    faults = []
    for name, forms in commands.items():
        wanted = ["narrow", "wide"] + forms if forms else []
        have = {form for case in cases if case.words and case.words[0] == name for form in case.forms}
        if not have:
            faults.append(f"no case runs clipspan {name}")
        faults += [f"no case has clipspan {name} as {form}" for form in wanted if form not in have]
    return faults
