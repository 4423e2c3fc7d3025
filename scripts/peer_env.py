# SPDX-License-Identifier: MIT
"""The Python packages that we compare with, pinned, in a virtual environment of their own.

scripts/parity and bench/peers call enter() before they import any of them. Where they come from, and which
build of torch it is, is up to pip's own configuration; for a small one point pip at a CPU-only index.
"""
import os
import subprocess
import sys

PINNED = {
    "torch": "2.15.0", "torchvision": "0.29.2", "open_clip_torch": "3.3.0", "transformers": "5.23.0",
    "openvino": "2026.4.1", "onnx": "1.23.2", "onnxscript": "0.7.2", "onnxruntime": "1.32.0",
    "numpy": "2.4.6", "pillow": "13.0.0", "safetensors": "0.8.0", "ftfy": "6.3.1", "regex": "2026.11.15",
}
ACCURACY = ("torch", "torchvision", "open_clip_torch", "transformers", "numpy", "pillow", "safetensors", "ftfy",
            "regex")
SPEED = ("torch", "torchvision", "open_clip_torch", "openvino", "onnx", "onnxscript", "onnxruntime", "numpy",
         "safetensors")

# Set for one library's sake on some machines, and a handicap or a lie for another.
FOREIGN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_DEBUG_CPU_TYPE", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")


def missing(packages):
    from importlib.metadata import PackageNotFoundError, version
    absent = []
    for p in packages:
        try:
            version(p)
        except PackageNotFoundError:
            absent.append(p)
    return absent


def enter(packages, work, install, python):
    """Makes this process run with the packages: goes on, or starts itself anew with another Python.

    python: an interpreter to use, or None. install: make WORK/venv and install the pinned versions first."""
    venv = os.path.join(work, "venv")
    wanted = python or (os.path.join(venv, "bin", "python") if install or os.path.isdir(venv) else None)
    if install and not python and not os.environ.get("CLIPSPAN_PEERS"):
        subprocess.check_call([sys.executable, "-m", "venv", venv])
        subprocess.check_call([wanted, "-m", "pip", "install", "--quiet"] +
                              [f"{p}=={PINNED[p]}" for p in packages])
    env = {k: v for k, v in os.environ.items() if k not in FOREIGN}
    other = wanted and not os.environ.get("CLIPSPAN_PEERS") and os.path.abspath(wanted) != sys.executable
    if other or len(env) != len(os.environ):
        env["CLIPSPAN_PEERS"] = "1"
        program = wanted if other else sys.executable
        os.execve(program, [program] + sys.argv, env)
    absent = missing(packages)
    if absent:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {sys.executable} lacks {', '.join(absent)}; "
                 f"--install puts pinned versions into {venv}, --python names an interpreter that has them")


def versions(packages):
    from importlib.metadata import version
    return ", ".join(f"{p} {version(p)}" for p in packages)
