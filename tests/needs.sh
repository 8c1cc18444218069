#!/usr/bin/env bash
# Sourced: a part of the tests, built for a part of the runs.

# Which tests run for other processors: qemu-user runs a program, but not those that it starts, and how fast it is says
# nothing.
# shellcheck disable=SC2034 # for those who source this
not_native=(-L '^(kat|api|guard|unit|xvalid)$'
    -E '^(bench\..*|cli\.command|cli\.devices|cli\.ends|cli\.round|cli\.round_memory|cli\.sealed|cli\.unfinished|unit\.structure)$')

# selected_tests FOLDER [ctest arguments]: the names of the tests that ctest would run, one a line.
selected_tests() {
    local folder=$1
    shift
    ctest --test-dir "$folder" -N "$@" | sed -n 's/^ *Test *#[0-9]*: //p'
}

# build_for FOLDER [ctest arguments]: builds what those tests need, as parseal_test.cmake has noted it.
build_for() {
    local folder=$1 names targets
    names=$(selected_tests "$@")
    targets=$(awk 'NR == FNR { wanted[$1 ":"] = 1; next }
                   $1 in wanted { for (i = 2; i <= NF; i++) if (!seen[$i]++) print $i }' \
        - "$folder/tests/needs.txt" <<<"$names")
    if [ -z "$targets" ]; then
        echo "needs: no tests are selected in $folder" >&2
        return 1
    fi
    # shellcheck disable=SC2086 # one word a target
    cmake --build "$folder" --parallel "$(nproc)" --target $targets
}
