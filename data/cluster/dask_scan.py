#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dask_scan.py RUN SHARDS [SCHEDULER]   The shards of a planned run as tasks of Dask; then the merge.

Without an address of a scheduler it starts workers on this machine. A task whose worker dies is run by another one and goes on
from the last chunk."""
import subprocess
import sys

from distributed import Client


def scan(run, shard, shards):
    code = subprocess.run(["clipspan", "scan", run, "--shard", f"{shard}/{shards}", "-q"], check=False).returncode
    if code:
        raise RuntimeError(f"shard {shard} of {shards} ended with {code}")
    return shard


def main():
    run, shards = sys.argv[1], int(sys.argv[2])
    with Client(*sys.argv[3:4]) as client:
        client.gather([client.submit(scan, run, i + 1, shards, retries=3, pure=False) for i in range(shards)])
    # 3: merged, with images that were skipped
    return subprocess.run(["clipspan", "merge", run, "-q"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
