#!/bin/sh
# SPDX-License-Identifier: MIT
# remedies.sh CLIPSPAN PROGRAM DEMO   The cases of remedies.c on the scenes that come with the demo: statistics from look/,
# figures from test/. Half of the gainable cases have to gain: look/ has nine birds against the cue. tests/claims/remedies.py has
# more scenes, and asks for two thirds.
set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cat "$3/look.csv"; tail -n +2 "$3/test.csv") >"$work/scenes.csv"
"$1" scan "$3/model" "$work/scenes.csv" --root "$3" --groups kind,bird,background,size,texture,count -o "$work/run" \
    >/dev/null 2>"$work/said" || { cat "$work/said"; exit 1; }
"$2" "$3/model" "$work/run" "$3/classes" 1 0.5
