#!/usr/bin/env bash
# Tests parseal on this machine's NVIDIA GPU and measures what it does there, in one dated report,
# bench/results/NAME-OF-DEVICE-DATE.json and .md:
#   bench/gpu.sh [options] [BUILD_FOLDER]
#     BUILD_FOLDER       a Release build, perhaps made elsewhere: then nothing but it, bash and the GPU's driver
#                        is needed. Without it: the bundle that this script is in, or else builds in build/ first
#     --folder FOLDER    where the report goes
#     --tests REGEX      only tests whose name matches (default: all)
#     --filter TEXT      only the rows in device memory whose name contains TEXT, for one kernel at a time
#     --size-divisor N   all sizes divided by N, and the fewest runs: to see that it runs
#     --minutes N        how long it may take but for building (default 8): what is not done then is left out, and the
#                        report says so
#   bench/gpu.sh --bundle FOLDER BUILD_FOLDER
#                        copies what another machine needs of the build folder, this script, and that of a first
#                        run (bench/gpu/README.md): there, FOLDER/bench/gpu.sh
# PARSEAL_CUDA_DEVICE chooses the device. Let nothing else run. What failed tests said goes beside the report, into
# NAME-OF-DEVICE-DATE-failed.txt.
#
# Exit status: 0 fine; 1 a test failed, a result was wrong, or something could not be measured: the report says why;
# 2 a wrong command line; 77 there is no NVIDIA driver or no GPU.
#
# The tests are run from a list that the build writes, with ctest and without it: it came from ctest.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# shellcheck source=bench/gpu/places.sh
. "$top/bench/gpu/places.sh"

usage() {
    echo "gpu.sh: $1; see the head of $0" >&2
    exit 2
}

number() {
    [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || usage "$1: \"$2\" is not a whole number from 1 to 999999"
}

folder="$top/bench/results" build="" tests='' filter='' bundle='' divisor=1 minutes=8
while [ $# -gt 0 ]; do
    case $1 in
    --folder | --bundle | --tests | --filter | --size-divisor | --minutes)
        [ $# -gt 1 ] || usage "$1 needs a value"
        ;;&
    --folder) folder=$2 && shift 2 ;;
    --tests) tests=$2 && shift 2 ;;
    --bundle) bundle=$2 && shift 2 ;;
    --filter) filter=$2 && shift 2 ;;
    --size-divisor) number "$1" "$2" && divisor=$2 && shift 2 ;;
    --minutes) number "$1" "$2" && minutes=$2 && shift 2 ;;
    -*) usage "$1: no option like this" ;;
    *)
        [ -z "$build" ] || usage "more than one build folder"
        build=$1 && shift
        ;;
    esac
done

check_build() {
    local needed
    for needed in bench/parseal-bench-device bench/parseal-bench tests/gpu-tests.txt; do
        [ -e "$1/$needed" ] || usage "$1 has no $needed: no complete build with CUDA, the bench and the tests"
    done
}

# copy_bundle BUILD TO. Test vectors go along, and their folder's name in the list of tests with them.
copy_bundle() {
    local fields word program vectors
    mkdir -p "$2/bench/gpu" "$2/tests"
    cp -P "$1"/libparseal.so* "$2/"
    cp -R "$1"/bench/{needs,parseal-bench,parseal-bench-device,commit.txt} "$top/bench/gpu.sh" "$2/bench/"
    cp "$top"/bench/gpu/{first-run.sh,run-test.sh,places.sh,frameworks.py} "$2/bench/gpu/"
    for program in bench/gpu/rates host/cli/parseal; do
        if [ -e "$1/$program" ]; then
            mkdir -p "$2/${program%/*}"
            cp "$1/$program" "$2/$program"
        fi
    done
    vectors=$(sed -n 's/^PARSEAL_VECTORS_DIR:[A-Z]*=//p' "$1/CMakeCache.txt")
    if [ -d "$vectors" ]; then
        mkdir -p "$2/vectors"
        cp -RL "$vectors/." "$2/vectors/"
        chmod -R u+w "$2/vectors"
    else
        vectors=none
    fi
    while IFS= read -r word; do
        echo "${word//$'\t'$vectors/$'\t'@BUILD@/vectors}"
    done <"$1/tests/gpu-tests.txt" >"$2/tests/gpu-tests.txt"
    while IFS=$'\t' read -ra fields; do
        for word in "${!fields[@]}"; do
            [ "${fields[word]}" != -- ] || program=${fields[word + 1]#@BUILD@/}
        done
        mkdir -p "$2/${program%/*}"
        cp "$1/$program" "$2/$program"
    done <"$1/tests/gpu-tests.txt"
}

if [ -n "$bundle" ]; then
    [ -n "$build" ] || usage "--bundle needs a build folder"
    check_build "$build"
    copy_bundle "$build" "$bundle"
    exit
fi

# It looks for the driver before anything is built, which takes minutes.
if ! has_driver; then
    echo "gpu.sh: no NVIDIA driver here (libcuda.so.1)" >&2
    exit 77
fi

[ -n "$build" ] || [ -e "$top/CMakeLists.txt" ] || build=$top # in a bundle
if [ -z "$build" ]; then
    # shellcheck source=host/pkg/debian-setup.sh
    . "$top/host/pkg/debian-setup.sh"
    parseal_setup
    build_release "$top" "$top/build"
    build="$top/build"
fi
build=$(cd "$build" && pwd)
check_build "$build"
mkdir -p "$folder"

export LD_LIBRARY_PATH="$build:$build/bench/needs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}:$driver_folders"
bench=$build/bench/parseal-bench-device
status=0
work=$(mktemp -d)
logger=""
clean_up() {
    [ -z "$logger" ] || kill "$logger" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

# keep_logs REPORT: what failed tests said goes beside the report, and that of an earlier run of the day goes.
keep_logs() {
    local to=${1%.*}-failed.txt
    rm -f "$to"
    [ ! -s "$work/failed.txt" ] || { cp "$work/failed.txt" "$to" && echo "gpu.sh: wrote $to"; }
}

# no_report DEVICE TEXT [FILE]: a report that says why there is none; the lines of FILE are what is known.
no_report() {
    local report
    report=$folder/gpu-$(date -u +%Y-%m-%d).md
    {
        printf '# %s\n\n**No report: %s**\n' "$1" "$2"
        [ $# -lt 3 ] || { echo && sed 's/^/- /' "$3"; }
    } >"$report"
    echo "gpu.sh: wrote $report"
    keep_logs "$report"
}

# within SECONDS command...: gives 124 where it took longer, and 5 seconds for it to end. Without coreutils' timeout it
# may take any time.
within() {
    local seconds=$1
    shift
    if command -v timeout >/dev/null; then
        timeout -k 5 "$((seconds > 1 ? seconds : 1))" "$@"
    else
        "$@"
    fi
}

SECONDS=0
deadline=$((minutes * 60 - 6))
left() { echo $((deadline - SECONDS)); }

device=$(within "$(left)" "$bench" --probe 2>"$work/probe") || status=$?
cat "$work/probe" >&2
case $status in
0) echo "gpu.sh: $device, at most $minutes minutes" ;;
77) exit 77 ;;
124 | 137)
    no_report "GPU" "the library had not opened the device after $SECONDS s"
    exit 1
    ;;
*)
    no_report "GPU" "$(<"$work/probe")"
    exit 1
    ;;
esac
quick=()
[ "$divisor" = 1 ] || quick=(--quick --size-divisor "$divisor")

# Prints one line of text that JSON and Markdown take: the last line about a fault, or else the last.
reason() {
    local line last="" telling=""
    while IFS= read -r line; do
        [ -z "${line// /}" ] || last=$line
        case $line in *rror:* | *WRONG* | *rror,* | *"!="* | *assert*) telling=$line ;; esac
    done <"$1"
    line=${telling:-$last}
    line=${line//[^[:print:]]/ }
    printf '%.200s' "${line//|/,}"
}

# run_test NAME: writes a line of the report to $work/NAME.line
run_test() {
    local name=$1 status=0 line
    within "$test_seconds" "$top/bench/gpu/run-test.sh" "$build" "$name" >"$work/$name.log" 2>&1 || status=$?
    case $status in
    0) line="passed $name" ;;
    77) line="skipped $name $(reason "$work/$name.log")" ;;
    124 | 137) line="failed $name took more than $test_seconds s" ;;
    *) line="failed $name (status $status) $(reason "$work/$name.log")" ;;
    esac
    echo "$line" >"$work/$name.line"
    echo "  $line"
}

# Half of the time is the tests': each may take all of that, as many at once as use half of the CPU's cores.
run_tests() {
    local name jobs running=0 cores
    cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
    jobs=$((cores / 2 < 1 ? 1 : cores / 2 > 8 ? 8 : cores / 2))
    while IFS=$'\t' read -r name _; do
        [[ $name =~ $tests ]] || continue
        if [ "$running" -ge "$jobs" ]; then
            wait -n || true
            running=$((running - 1))
        fi
        test_seconds=$((deadline / 2 - SECONDS))
        if [ "$test_seconds" -lt 1 ]; then
            echo "failed $name not run: no time was left (--minutes)" | tee "$work/$name.line"
            continue
        fi
        run_test "$name" &
        running=$((running + 1))
    done <"$build/tests/gpu-tests.txt"
    wait
    cat "$work"/*.line >"$work/tests" 2>/dev/null ||
        echo "failed gpu.sh no test's name matches $tests" >"$work/tests"
    while read -r outcome name _; do
        [ "$outcome" != failed ] || [ ! -e "$work/$name.log" ] || keep_log "$name" "$work/$name.log"
    done <"$work/tests"
}

# keep_log NAME FILE: a log of what failed; of very long ones both ends.
keep_log() {
    local most=65536
    {
        echo "==== $1"
        head -c "$most" "$2"
        [ "$(wc -c <"$2")" -le $((2 * most)) ] || printf '\n==== (%s bytes in all)\n' "$(wc -c <"$2")"
        tail -c "+$((most + 1))" "$2" | tail -c "$most"
    } >>"$work/failed.txt"
}

# Logs what nvidia-smi reports while everything else runs.
log_clocks() {
    local wanted=timestamp,name,driver_version,pstate,clocks.sm,clocks.max.sm,clocks.mem,clocks.max.mem,power.draw
    wanted+=,temperature.gpu,pcie.link.gen.current,pcie.link.width.current
    command -v nvidia-smi >/dev/null || return 0
    nvidia-smi --query-gpu="$wanted" --format=csv -l 10 >"$work/clocks" 2>/dev/null &
    logger=$!
}

echo "gpu.sh: tests"
run_tests
log_clocks

host_rows=()
host_to_host() {
    local status=0
    within "$(($(left) / 4))" "$build/bench/parseal-bench" --backend cuda --quick --size-divisor "$divisor" \
        --min-runs 3 --json "$work/host.json" >"$work/host.log" 2>&1 || status=$?
    cat "$work/host.log"
    if [ "$status" = 0 ]; then
        host_rows=(--host-rows "$work/host.json")
    else
        echo "failed parseal-bench (status $status) $(reason "$work/host.log")" >>"$work/tests"
        keep_log parseal-bench "$work/host.log"
    fi
}
if [ -z "$filter" ]; then
    echo "gpu.sh: host to host"
    host_to_host
fi

echo "gpu.sh: on the device"
touch "$work/clocks"
mkdir "$work/report"
status=0
within "$(left)" "$bench" "${quick[@]}" --filter "$filter" --folder "$work/report" --commit "$(cat "$build/bench/commit.txt")" \
    --tests "$work/tests" --clocks "$work/clocks" "${host_rows[@]}" || status=$?

if compgen -G "$work/report/*.md" >/dev/null; then
    for report in "$work"/report/*; do
        cp "$report" "$folder/"
        echo "gpu.sh: wrote $folder/${report##*/}"
    done
    keep_logs "$folder/${report##*/}"
else
    # The bench did not come to its first row.
    no_report "$device" "parseal-bench-device ended with status $status" "$work/tests"
fi
echo "gpu.sh: $SECONDS s"
[ "$status" = 0 ] || {
    echo "gpu.sh: FAILED: see the report" >&2
    exit 1
}
