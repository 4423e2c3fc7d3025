#!/bin/sh
# SPDX-License-Identifier: MIT
# check_headers.sh HEADER...   Each public header compiles alone as C11 and as C++17, and has at most 450 lines.
set -eu
most=450
echo "1..$(($# * 3))"
count=0 status=0
report() {
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2" && status=1; fi
}
for header; do
    root=$(dirname "$(dirname "$header")") name=clipspan/$(basename "$header")
    code=0
    echo "#include <$name>" | ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$root" -fsyntax-only -x c - || code=1
    report $code "$name as C11"
    if command -v "${CXX:-c++}" >/dev/null; then
        code=0
        echo "#include <$name>" |
            ${CXX:-c++} -std=c++17 -Wall -Wextra -Wpedantic -Werror -I"$root" -fsyntax-only -x c++ - || code=1
        report $code "$name as C++17"
    else
        count=$((count + 1))
        echo "ok $count - $name as C++17 # SKIP no C++ compiler"
    fi
    lines=$(wc -l <"$header")
    code=0
    [ "$lines" -le $most ] || code=1
    report $code "$name has $lines lines, $most at most"
done
exit $status
