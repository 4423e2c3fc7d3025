# SPDX-License-Identifier: MIT
"""A PEP 517 backend: builds the library with Meson in the source tree's build-wheel/ and packs it, its data and the
package into one wheel for every Python 3.9 or newer (ctypes). What the library links stays the system's;
scripts/build-wheel bundles that too."""
import base64
import hashlib
import os
import re
import shutil
import subprocess
import sysconfig
import zipfile
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[1]
ROOT = PYTHON.parent


def read_version():
    return re.search(r'__version__ = "(.*?)"', (PYTHON / "clipspan/__init__.py").read_text()).group(1)


def build_library():
    if not (ROOT / "meson.build").is_file():
        raise SystemExit("clipspan's Python package is built from the whole source tree: pip install ./python in it")
    for tool in ("meson", "ninja"):
        if not shutil.which(tool):
            raise SystemExit(f"{tool} is missing: scripts/install-deps installs what the library is built with")
    folder = ROOT / "build-wheel"
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", folder, ROOT, "--buildtype=release"], check=True)
    subprocess.run(["ninja", "-C", folder, "libclipspan.so.0.1.0"], check=True)
    return folder / f"libclipspan.so.{read_version()}"


def list_data():
    """Files of data/ that are installed, by their names in the package."""
    for path in sorted((ROOT / "data").rglob("*")):
        if path.is_file() and path.name != "meson.build":
            yield f"clipspan/data/{path.relative_to(ROOT / 'data')}", path.read_bytes()


def list_metadata():
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    tag = f"py3-none-{platform}"
    metadata = (f"Metadata-Version: 2.1\nName: clipspan\nVersion: {read_version()}\n"
                "Summary: CLIP's image representation, decomposed exactly\nLicense: MIT\nRequires-Python: >=3.9\n"
                "Requires-Dist: numpy>=1.20\n\n")
    wheel = f"Wheel-Version: 1.0\nGenerator: clipspan\nRoot-Is-Purelib: false\nTag: {tag}\n"
    return tag, metadata, wheel


def write_wheel(folder, files):
    tag, metadata, wheel = list_metadata()
    info = f"clipspan-{read_version()}.dist-info"
    name = f"clipspan-{read_version()}-{tag}.whl"
    files = [*files, (f"{info}/METADATA", metadata.encode()), (f"{info}/WHEEL", wheel.encode()),
             (f"{info}/LICENSE", (ROOT / "LICENSE").read_bytes())]
    record = ""
    with zipfile.ZipFile(os.path.join(folder, name), "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(data)}\n"
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
        archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    return name


def list_modules():
    for path in sorted((PYTHON / "clipspan").iterdir()):
        if path.suffix == ".py" or path.name == "py.typed":
            yield f"clipspan/{path.name}", path.read_bytes()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    library = build_library()
    return write_wheel(wheel_directory, [*list_modules(), ("clipspan/libclipspan.so.0", library.read_bytes()),
                                         *list_data()])


def build_sdist(sdist_directory, config_settings=None):
    raise SystemExit("there is no source distribution of the package alone; the source tree is one")
