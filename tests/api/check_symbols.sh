#!/bin/sh
# SPDX-License-Identifier: MIT
# check_symbols.sh LIBRARY LIST HEADER...   What the shared library exports is what the headers declare and the list
# says, name by name (a compiler may add its own, such as those of coverage). A public function is added or removed in
# all three in one commit.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
library=$1 list=$2
shift 2
nm -D --defined-only "$library" | awk '$2 ~ /^[A-Z]$/ {print $3}' | grep -vE '^(_init|_fini|mangle_path|__.*)$' |
    sort >"$folder/exported"
sed -n '/^CLIPSPAN_API/,/;/p' "$@" | grep -oE '\<clipspan_[a-z0-9_]+\(' | tr -d '(' | sort >"$folder/declared"
sort "$list" >"$folder/list"
echo "1..2"
compare() {
    if diff "$folder/list" "$folder/$2" >"$folder/diff"; then
        echo "ok $1 - $2 names are those of symbols.txt"
    else
        sed 's/^/# /' "$folder/diff"
        echo "not ok $1 - $2 names are those of symbols.txt"
        return 1
    fi
}
status=0
compare 1 exported || status=1
compare 2 declared || status=1
exit $status
