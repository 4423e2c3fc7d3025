#!/bin/sh
# SPDX-License-Identifier: MIT
# check_symbols.sh LIBRARY LIST HEADER...   What the shared library exports is what the headers declare and the list
# says, name by name (a compiler may add its own, such as those of coverage). A public function is added or removed in
# all three in one commit. And it refers to no function that changes something of the whole process.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
library=$1 list=$2
shift 2
nm -D --defined-only "$library" | awk '$2 ~ /^[A-Z]$/ {print $3}' | grep -vE '^(_init|_fini|mangle_path|__.*)$' |
    sort >"$folder/exported"
sed -n '/^CLIPSPAN_API/,/;/p' "$@" | grep -oE '\<clipspan_[a-z0-9_]+\(' | tr -d '(' | sort >"$folder/declared"
sort "$list" >"$folder/list"
echo "1..3"
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
# Nothing that changes the process: neither these functions nor a way to look them up by name.
process='openblas_set_.*|goto_set_.*|MKL_Set_.*|mkl_set_.*|bli_thread_set_.*|dnnl_set_.*|omp_set_(dynamic|nested|max_active.*|schedule)'
process="$process|setenv|unsetenv|putenv|clearenv|setlocale|signal|sigaction|sigprocmask|umask|chdir|fchdir|set_terminate"
process="$process|setrlimit|sched_setaffinity|exit|_exit|abort|atexit|json_set_alloc_funcs.*|sqlite3_config|srand"
nm -D --undefined-only "$library" | awk '{print $NF}' | sed 's/@.*//' | grep -xE "$process" >"$folder/process" || true
if [ -s "$folder/process" ]; then
    sed 's/^/# refers to /' "$folder/process"
    echo "not ok 3 - the library changes nothing of the process"
    status=1
else
    echo "ok 3 - the library changes nothing of the process"
fi
exit $status
