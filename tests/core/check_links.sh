#!/bin/sh
# SPDX-License-Identifier: MIT
# check_links.sh PROGRAM LIBRARY   The base build needs no SQLite, no image library, no OpenMP and no
# threads.
set -eu
echo "1..2"
status=0
if readelf -d "$1" | grep NEEDED | grep -E 'sqlite|jpeg|png|webp|gomp|libomp|pthread'; then
    echo "not ok 1 - no such library is linked"
    status=1
else
    echo "ok 1 - no such library is linked"
fi
if nm "$2" 2>/dev/null | grep -E ' U (sqlite3_|jpeg_|png_|WebP|omp_|GOMP_|pthread_|thrd_)'; then
    echo "not ok 2 - no such function is named"
    status=1
else
    echo "ok 2 - no such function is named"
fi
exit $status
