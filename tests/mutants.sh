#!/usr/bin/env bash
# SPDX-License-Identifier: EUPL-1.2
# mutants.sh - would the tests notice? Makes each mistake of tests/*/mutants.txt in a copy of
# the tree, builds, and runs the test that must fail; then power's own mutants, which are
# mistakes in what is synced. Ends with 1 when one stays unnoticed.
#
#   tests/mutants.sh [NAME | TEST]...    all of them: half an hour on two quiet cores
#   tests/mutants.sh --list              only names, tests and files
#   tests/mutants.sh --check             does each program still change its file?
#
# A line of mutants.txt is a name, a file and a program for sed -E, with tabs between. One
# that begins with @ says for those after it which test of ctest must fail, and the targets
# that it needs.
cd "$(dirname "$0")/.." || exit 1
set -u

test_seconds_max=600
test_memory_max=4000000 # kilobytes of a process: some mistakes never end asking for more

# each CALLBACK goes through all lines: test, targets, name, file, program.
each()
{
    local list first second third

    for list in tests/*/mutants.txt; do
        while IFS=$'\t' read -r first second third; do
            case $first in
            '#'* | '') ;;
            @) test=$second targets=$third ;;
            *) "$1" "$test" "$targets" "$first" "$second" "$third" ;;
            esac
        done <"$list"
    done
}

name_it()
{
    printf '%-36s %-28s %s\n' "$3" "$1" "$4"
}

out_of_date=0

# A mutant whose line of code was rewritten must be rewritten too.
check_it()
{
    if [ ! -f "$4" ] || sed -E "$5" "$4" | cmp -s - "$4"; then
        echo "$3: the program changes nothing in $4"
        out_of_date=1
    fi
}

case ${1:-} in
--list)
    each name_it
    exit
    ;;
--check)
    each check_it
    exit $out_of_date
    ;;
esac

top=$PWD
asked=("$@")
made=0
unnoticed=0
copy=$(mktemp -d) || exit 1
TMPDIR=$(mktemp -d /dev/shm/mutants.XXXXXX 2>/dev/null || mktemp -d) # those that end badly leave it
export TMPDIR CLICOLOR=0
trap 'rm -rf "$copy" "$TMPDIR"' EXIT

tar -cf - --exclude=./build --exclude=./.git . | tar -xf - -C "$copy"
cd "$copy" || exit 1
cmake --preset dev >/dev/null || exit 1

is_asked()
{
    [ ${#asked[@]} -eq 0 ] || printf '%s\n' "${asked[@]}" | grep -qxF -e "$1" -e "$2"
}

# said prints what the failing test of the log has to say, in a line: the names of the
# stories or cases that failed, a fault that was survived wrongly, or its last line.
said()
{
    sed '/^[0-9]*% tests passed/,$d' log |
        grep -vE '^again|^ *$|Test +#|^ *Start|^Test project|^Internal ctest|PASSED  ' >said
    {
        sed -nE 's/^(FAIL|ERROR): ([a-zA-Z_0-9]+) .*/\2/p; s/^\[  FAILED  \] ([a-z_0-9]+)$/\1/p' said |
            sort -u | paste -sd ' '
        grep -m1 -E ', call [0-9]+, errno' said
        tail -1 said
        grep -m1 -oE '[A-Z][a-z ]+\*\*\*[A-Za-z]+' log
        echo "does not end"
    } | grep -m1 .
}

# run_test TEST: its failure is what is wanted.
run_test()
{
    (
        ulimit -d $test_memory_max
        timeout -k 10 $((test_seconds_max + 60)) ctest --test-dir build/dev -R "^$1\$" \
            --no-tests=error --output-on-failure --timeout $test_seconds_max
    ) >log 2>&1 </dev/null
}

try()
{
    local result bad=yes

    is_asked "$1" "$3" || return 0
    cp -p "$4" original
    sed -E -i "$5" "$4"
    if cmp -s "$4" original; then
        result="the program changes nothing"
    elif ! cmake --build build/dev -j2 --target $2 >log 2>&1 </dev/null; then
        result="does not compile: $(grep -m1 'error' log)"
    elif run_test "$1"; then
        result="NOT NOTICED"
    else
        result=$(said)
        bad=
    fi
    cp original "$4"
    touch "$4" # newer than what was built of it
    made=$((made + 1))
    [ -z "$bad" ] || unnoticed=$((unnoticed + 1))
    printf '%-36s %-28s %s\n' "$3" "$1" "${result:0:120}"
}

# Mistakes that `power` makes in itself: one build, one line each.
try_power()
{
    cmake --build build/dev -j2 --target power >log 2>&1 || { cat log; exit 1; }
    while IFS= read -r line; do
        made=$((made + 1))
        case $line in *': NOT NOTICED') unnoticed=$((unnoticed + 1)) ;; esac
        printf '%-36s %-28s %s\n' "${line%% *}" power.mutants "$(sed 's/^[^ ]* *//' <<<"$line")"
    done < <(build/dev/bin/power --seed 1 --steps 60 --kills 4 --mutants | grep ': .*OTICED$\|: noticed$')
}

each try
is_asked power.mutants power && try_power
echo "$made mutants, $unnoticed unnoticed"
[ "$unnoticed" -eq 0 ] && [ "$made" -gt 0 ]
