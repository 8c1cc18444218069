#!/bin/sh
# memcheck.sh EXPECTED PROGRAM ARGUMENT...
# Runs the program under Valgrind's memcheck.
#   EXPECTED clean     it reports nothing but what expected.supp lists
#            counted   the program counts reports itself
#            branch    it reports the jump in leaky_branch
#            address   it reports the address in leaky_address
# From the environment: VALGRIND, the command.
set -eu
expected=$1
shift
here=$(dirname "$0")

if ! command -v "${VALGRIND:=valgrind}" >/dev/null; then
    echo "skipped: no Valgrind"
    exit 77
fi

memcheck() {
    "$VALGRIND" --quiet --tool=memcheck --leak-check=no --num-callers=25 "$@"
}

# reported WHAT FUNCTION PROGRAM ARGUMENT...
reported() {
    what=$1 function=$2 status=0
    shift 2
    output=$(memcheck --error-exitcode=99 --suppressions="$here/expected.supp" "$@" 2>&1) || status=$?
    printf '%s\n' "$output"
    [ "$status" != 77 ] || exit 77
    [ "$status" = 99 ] && printf '%s\n' "$output" | grep -A 1 "$what" | grep -q "at .*: ${function}[ .]"
}

case $expected in
clean) memcheck --error-exitcode=99 --suppressions="$here/expected.supp" "$@" ;;
counted) memcheck "$@" ;;
branch) reported 'Conditional jump or move depends on uninitialised' leaky_branch "$@" ;;
address) reported 'Use of uninitialised value of size' leaky_address "$@" ;;
*)
    echo "$0: $expected is none of clean, counted, branch, address" >&2
    exit 2
    ;;
esac
