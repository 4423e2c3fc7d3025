#!/bin/sh
# SPDX-License-Identifier: MIT
# check_scenes.sh SCENES.PY   The digest of a sample of the demo's world; 77 where NumPy is not installed.
python3 -c 'import numpy' 2>/dev/null || exit 77
PYTHONDONTWRITEBYTECODE=1 exec python3 "$1" --check
