#!/bin/sh
# SPDX-License-Identifier: EUPL-1.2
# Does the simulation notice? Makes each mistake of mutants.txt in a copy of the tree, builds
# and runs. Ends with 1 when one stays unnoticed.
#   tests/simulation/mutants.sh [name ...]     SEEDS=10000 as wanted
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
TMPDIR=$(mktemp -d /dev/shm/mutants.XXXXXX 2>/dev/null || mktemp -d) # those that end badly leave it
export TMPDIR
trap 'rm -rf "$copy" "$TMPDIR"' EXIT
tab=$(printf '\t')
unnoticed=0

(cd "$top" && tar -cf - --exclude=./build --exclude=./.git .) | tar -xf - -C "$copy"
cd "$copy"
cmake --preset dev >/dev/null
cmake --build --preset dev -j2 --target simulation >/dev/null

run() { # name, file, program
    cp "$2" original
    sed -E -i "$3" "$2"
    if cmp -s "$2" original; then
        result="the program changes nothing"
        unnoticed=1
    elif ! cmake --build --preset dev -j2 --target simulation >log 2>&1; then
        result="does not compile: $(grep -m1 'error:' log)"
        unnoticed=1
    elif timeout 300 build/dev/bin/simulation --seed 1 --seeds "${SEEDS:-10000}" --quiet \
        >log 2>&1; then
        result="NOT NOTICED"
        unnoticed=1
    else
        result=$(grep -v '^again' log | tail -1)
        result=${result:-does not end}
    fi
    cp original "$2"
    printf '%-34s %s\n' "$1" "$result"
}

while IFS="$tab" read -r name file program; do
    case $name in '#'* | '') continue ;; esac
    if [ $# -eq 0 ] || printf '%s\n' "$@" | grep -qx "$name"; then
        run "$name" "$file" "$program"
    fi
done <tests/simulation/mutants.txt
exit $unnoticed
