#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# long.sh - fuzzing for as long as one likes: every target, one after the other.
#
#   tests/fuzz/long.sh [--keep] MINUTES [TARGET...]    MINUTES each; default 1, all targets
#
# Builds the preset `fuzz`. What a target finds that reaches new code is kept, minimised, in
# build/fuzz/found/TARGET, and the next run begins with it; with --keep it is also put into
# tests/fuzz/corpus/TARGET, to be committed. A crash leaves its input there as
# crash-..., and the exit status is 1. The last line says how long and what was found.
cd "$(dirname "$0")/../.." || exit 1
set -u

keep=
if [ "${1:-}" = --keep ]; then
    keep=yes
    shift
fi
minutes=${1:-1}
[ $# -eq 0 ] || shift
case $minutes in
'' | *[!0-9]*)
    sed -n '3,11s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

cmake --preset fuzz >/dev/null && cmake --build --preset fuzz | grep -E "error|FAILED"
[ "${PIPESTATUS[0]}" -eq 0 ] || exit 1
[ $# -gt 0 ] || set -- $(cd tests/fuzz && ls ./*_fuzz.c | sed 's|^\./||; s|_fuzz\.c$||')

# fuzz TARGET runs one target and minimises what it has found.
fuzz()
{
    local target=$1 program=build/fuzz/tests/$1_fuzz corpus=tests/fuzz/corpus/$1
    local found=build/fuzz/found/$1 least=build/fuzz/found/$1.least golden=

    case $target in
    proto_to_* | wire_read) golden=tests/golden/wire_v1 ;;
    esac
    mkdir -p "$found" "$least"
    "$program" -max_total_time=$((minutes * 60)) -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$found/" "$found" "$corpus" $golden \
        >"$found.log" 2>&1 || return 1
    "$program" -merge=1 "$least" "$corpus" $golden "$found" >>"$found.log" 2>&1 || return 1
    rm -rf "$found"
    mv "$least" "$found"
    [ -z "$keep" ] || "$program" -merge=1 "$corpus" "$found" >>"$found.log" 2>&1
}

begin=$SECONDS
runs=0
failed=
for target; do
    if fuzz "$target"; then
        result=ok
    else
        result=FAILED
        failed="$failed $target"
    fi
    executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/found/$target.log")
    runs=$((runs + ${executed:-0}))
    printf '%-20s %12s runs  %5d inputs  %s\n' "$target" "${executed:-?}" \
        "$(ls "build/fuzz/found/$target" | wc -l)" "$result"
done
echo "$# targets, $((SECONDS - begin)) s, $runs runs,${failed:- nothing} found"
[ -z "$failed" ]
