#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""06_dask.py MODEL IMAGES FOLDER SHARDS [SCHEDULER]   A run in shards, each a task of Dask; then the merge.

Without the address of a scheduler two processes of this machine work. All of them see FOLDER. The first shard to come makes the
plan and the others find it; a shard whose worker dies is run by another one and goes on from its last chunk."""
import sys

import clipspan


def scan(model, images, folder, shard, shards):
    """One shard, by a worker: its images used, of this and earlier calls."""
    run = clipspan.scan(model, images, folder, shard=shard, shards=shards, threads=1, progress=False)
    return run.read_progress(shards, shard, 1)["used"][0]


def main():
    from distributed import Client

    model, images, folder, shards = *sys.argv[1:4], int(sys.argv[4])
    where = {"address": sys.argv[5]} if len(sys.argv) > 5 else {"n_workers": 2, "threads_per_worker": 1,
                                                                "dashboard_address": None}
    with Client(**where) as client:
        tasks = [client.submit(scan, model, images, folder, i + 1, shards, retries=3, pure=False) for i in range(shards)]
        used = client.gather(tasks)
    clipspan.merge(folder, progress=False)
    run = clipspan.Run(folder)
    print(f"{run.info.used} of {run.info.images} images, by shard: {', '.join(map(str, used))}")


if __name__ == "__main__":
    main()
