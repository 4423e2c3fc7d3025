# SPDX-License-Identifier: MIT
"""check_installed.py FOLDER   What scripts/check-wheel runs in a virtual environment that has the wheel and NumPy alone, from a
folder outside the source tree: FOLDER is a copy of tests/golden/openclip-odd. Every figure is one that the golden arrays or
the library itself knows; at the end no library of this process is one of the system that the wheel should have brought."""
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import clipspan
import numpy as np

# Of every system that the wheel's tag stands for (python/tools/bundle.py), and what Python itself links.
OF_THE_SYSTEM = re.compile(r"/(libc|libm|libdl|librt|libpthread|libutil|libstdc\+\+|libgcc_s|libz|libexpat|libffi|libcrypt|"
                           r"libcrypto|libssl|libbz2|liblzma|libuuid|libnss_\w+|libpython[0-9.]+|ld-linux-[\w-]+|libmvec)[.-]")
EMBEDDING = 5e-6  # relative, as tests/golden/openclip-odd/MANIFEST.md has it
BUDGET = 0.1      # processor seconds of `import clipspan`


def say(what, figure=""):
    print(f"  {what:<34} {figure}", flush=True)


def check_place():
    place = Path(clipspan.__file__).resolve()
    assert Path(sys.prefix).resolve() in place.parents, f"{place} is not in {sys.prefix}"
    assert Path(str(clipspan.find_data("demo/look.csv"))).resolve().is_relative_to(place.parent)
    say("installed in", place.parent)


def measure(code):
    """Processor seconds of a Python that runs this."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def check_import():
    """Processor time, the least of five: what an import costs, whoever else uses the machine."""
    best = min(measure("import clipspan") for _ in range(5)) - min(measure("pass") for _ in range(5))
    assert best < BUDGET, f"import clipspan takes {best:.3f} s"
    say("import, processor time", f"{1000 * best:.0f} ms")


def check_golden(folder):
    model = clipspan.open(folder)
    found = model.embed_images(np.load(folder / "pixels.npy"))
    expected = np.load(folder / "image.npy")
    expected = expected / np.linalg.norm(expected, axis=-1, keepdims=True)
    off = abs(found - expected).max()
    assert off < EMBEDDING, off
    made = model.decompose(np.load(folder / "pixels.npy")[:1])
    parts = made.contributions()
    assert abs(parts["heads"].sum((0, 1)) + parts["mlps"].sum(0) - made.embeddings[0]).max() < 1e-5
    say("golden embeddings, largest error", f"{off:.1e}")


def check_demo():
    model = clipspan.open("demo")
    texts = ["a red circle", "a blue square"]
    explained = model.explain("demo/look/0000.png", texts)
    assert explained.info.off < 1e-5 and "<iframe" in explained._repr_html_()
    assert model.paths("demo/look/0000.png", texts, progress=False)[0].off < 1e-5
    with tempfile.TemporaryDirectory() as folder:
        run = model.scan("demo/look.csv", Path(folder, "run"), progress=False)
        assert run.info.used == run.info.images
        atlas = run.atlas("demo", progress=False)  # eigen-problems: LAPACK is loaded here
        roles = sum(head.outcome == "role" for head in atlas)
        assert roles >= 16, f"{roles} roles; README.md says how many the demo has"
        run.report(Path(folder, "report.html"), progress=False)
        assert len(run.search(text="a red circle", progress=False)) == 10
    say("roles of 32 heads", roles)


def check_libraries():
    """Libraries that the package has mapped lie in the environment, all but those of every system."""
    mapped = {line.split(None, 5)[5].strip() for line in open("/proc/self/maps", encoding="utf-8") if ".so" in line}
    foreign = [path for path in mapped if not Path(path).resolve().is_relative_to(Path(sys.prefix).resolve())
               and not OF_THE_SYSTEM.search(path) and "lib-dynload" not in path]
    assert not foreign, f"loaded from the system: {', '.join(sorted(foreign))}"
    own = [path for path in mapped if "clipspan" in path]
    for name in ("libclipspan", "liblapacke", "libdnnl", "libopenblas"):
        assert any(name in path for path in own), f"{name} is not the wheel's"
    say("libraries of the wheel in use", len(own))


def main():
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}")
    check_place()
    check_import()
    check_golden(Path(sys.argv[1]))
    check_demo()
    check_libraries()


if __name__ == "__main__":
    main()
