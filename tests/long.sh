#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# long.sh - the long mode, about an hour on two quiet cores: what deploy/selftest does not
# have the time for. Each step ends by itself or is ended; one that fails does not hide the
# others. The exit status is 0 only when all passed; the last line counts the steps.
#
#   tests/long.sh [--seed N] [STEP...]    all steps; seeds from N on, by default from the hour
#
#   fuzz         every fuzz target for a minute, with what earlier runs have found
#   simulation   ten minutes of seeds
#   power        five minutes of seeds: at each write the disks that a power cut leaves
#   core         each call of the core fails, 25 of each name (tests/faults)
#   system       each call of vigied fails, from each place that makes it, ten minutes
#   kills        each call of vigied is its last, some five minutes
#   restart      ten million letters wait while vigied starts
#   torture      a million notifications, killed, filled up, compared letter by letter
#   mutants      is each mistake of tests/*/mutants.txt noticed?
#
# The packages are those of deploy/selftest. Each step's words are in build/long/STEP.log.
cd "$(dirname "$0")/.." || exit 1
set -u

seed=$(date +%Y%m%d%H)
if [ "${1:-}" = --seed ] && [ $# -ge 2 ]; then
    seed=$2
    shift 2
fi
case "$seed ${1:-}" in
*[!0-9]*' '* | *' -'*)
    sed -n '3,21s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
bin=$PWD/build/dev/bin
export CLICOLOR=0 VIGIE_BIN=$bin VIGIE_SOURCE=$PWD

fuzz()
{
    tests/fuzz/long.sh 1
}

simulation()
{
    "$bin/simulation" --seed "$seed" --seconds 600 --quiet
}

power()
{
    local first=$seed

    while [ $SECONDS -lt 300 ]; do
        "$bin/power" --seed "$first" --seeds 1 --steps 1000 --every 20 || return 1
        first=$((first + 1))
    done | awk '{ print } / cuts,/ { cuts += $1; disks += $3; kills += $5 }
        END { print cuts " cuts, " disks " disks, " kills " kills: all was there" }'
}

core()
{
    build/dev/tests/core_faults --most 25
}

system()
{
    /usr/bin/python3 -B tests/integration/system_faults_test.py --all --seconds 600
}

kills()
{
    /usr/bin/python3 -B tests/integration/kill_points_test.py --all
}

restart()
{
    /usr/bin/python3 -B tests/integration/restart_test.py --letters 10000000
}

torture()
{
    /usr/bin/python3 -B tests/torture/torture.py --seed "$seed"
}

mutants()
{
    tests/mutants.sh
}

export -f fuzz simulation power core system kills restart torture mutants
export bin seed

# run STEP MINUTES: at most so long; keeps its words, its status and how long it took.
run()
{
    local begin=$SECONDS

    case " $steps " in
    *" $1 "*)
        timeout -k 30 "$2m" bash -c "set -o pipefail; SECONDS=0; $1" \
            >"build/long/$1.log" 2>&1 </dev/null
        echo "$? $((SECONDS - begin))" >"build/long/$1.end"
        ;;
    esac
}

# tell STEP counts it and prints its line: how long, how it ended, its last words.
tell()
{
    local status took result=ok

    read -r status took <"build/long/$1.end"
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        result="FAILED ($status)"
    fi
    printf '%-11s %5d s  %-8s %s\n' "$1" "$took" "$result" \
        "$(grep -v '^ *$' "build/long/$1.log" | tail -1 | cut -c1-150)"
}

steps=${*:-fuzz simulation power core system kills restart torture mutants}
passed=0
failed=0
mkdir -p build/long
rm -f build/long/*
echo "== seed $seed: $steps"
cmake --preset dev >build/long/build.log && cmake --build --preset dev >>build/long/build.log || {
    grep -E 'error|FAILED' build/long/build.log
    exit 1
}
{ run fuzz 40; run simulation 20; run power 20; run kills 20; run restart 10; } &
{ run torture 25; run core 30; run system 20; run mutants 60; } &
wait
for step in $steps; do
    tell "$step"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
